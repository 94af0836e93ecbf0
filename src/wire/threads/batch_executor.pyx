# Runs a batch for a thread: the caller's own thread sends to all nodes that the batch concerns, waits for their sockets with
# one `poll` and without the GIL, and reads answers as they come. Which node is asked for what, and what is asked again, is
# told by the batch's plan (`pyspike.plans.batch`).

cdef int64_t LONGEST_TURN = SECOND          # that is waited for a connection to one node while others are to be asked too


@cython.final
cdef class NodeExchange:
    """What one node is asked for, and the connection to it while its answer is awaited."""

    cdef NodeRows rows
    cdef Command command
    cdef Pool pool
    cdef Connection connection
    cdef int64_t began                      # when the request now under way was begun


cdef object name_of_node(object exchange):
    return (<NodeExchange>exchange).rows.node.name


@cython.final
cdef class BatchRun:
    """A batch that a thread runs."""

    cdef object plan
    cdef Batch batch
    cdef Routing routing
    cdef list queue                         # exchanges that have no connection yet
    cdef list in_flight                        # exchanges under way
    cdef list later                         # (moment, numbers of rows) that are to be asked for again
    cdef pollfd* sockets
    cdef Py_ssize_t capacity
    cdef bint retrying

    def __dealloc__(self) -> None:
        PyMem_RawFree(self.sockets)

    cdef int run(self) except -1:
        self.batch.begin()
        self.route(None)
        try:
            while True:
                self.route_due()
                self.begin_queued()
                if self.in_flight:
                    self.wait()
                elif self.later:
                    self.pause()
                elif not self.queue:
                    return 0
        except BaseException:               # Ctrl-C, no memory: answers are not read to their end
            for exchange in self.in_flight:
                (<NodeExchange>exchange).pool.discard((<NodeExchange>exchange).connection, "interrupted")
            raise
        finally:
            if self.retrying:
                self.routing.count_retrying(-1)

    cdef int route(self, list numbers) except -1:
        """Queues requests for rows, all of them if `numbers` is None."""
        cdef NodeExchange exchange
        for rows in self.plan.route(self.routing.current(), numbers):
            exchange = NodeExchange.__new__(NodeExchange)
            exchange.rows = <NodeRows>rows
            self.queue.append(exchange)
        self.queue.sort(key=name_of_node)   # all threads take their connections in one order
        return 0

    cdef int route_due(self) except -1:
        """Queues requests for the rows whose pause is over."""
        cdef int64_t now
        cdef list rest
        if not self.later:
            return 0
        now = now_ns()
        rest = []
        later = self.later
        self.later = rest
        for moment, numbers in later:
            if moment <= now:
                heed_fork()
                self.route(numbers)
            else:
                rest.append((moment, numbers))
        return 0

    cdef int begin_queued(self) except -1:
        """Begins the exchanges of the queue that can be begun now; the others stay in it.

        If none can, and none is under way, this waits for a connection to the first one's node. A thread that has
        connections to other nodes must not wait, as those in line there may have the connections that it waits for. The
        others get their turn before the deadline.
        """
        cdef list queue = self.queue
        cdef bint alone = len(queue) == 1 and not self.in_flight
        cdef Py_ssize_t others
        cdef int64_t patience = FOREVER
        if not queue:
            return 0
        self.queue = []
        for exchange in queue:
            if (self.in_flight and self.batch.settings.sequential) or not self.begin(<NodeExchange>exchange, alone, 0):
                self.queue.append(exchange)
        if self.in_flight or not self.queue:
            return 0
        exchange = self.queue.pop(0)
        others = len(self.queue) + len(self.later)
        if others:
            patience = min((self.batch.deadline - now_ns()) // (others + 1), LONGEST_TURN)
        if not self.begin(<NodeExchange>exchange, alone, max(patience, MILLISECOND)):
            self.queue.append(exchange)
        return 0

    cdef bint begin(self, NodeExchange exchange, bint alone, int64_t patience) except -1:
        """Takes a connection and sends the next request; False if one could not be had within `patience`.

        Where the exchange is `alone` it is sent later, as there is nothing else to do until its answer comes.
        """
        cdef Command command
        cdef Node node = exchange.rows.node
        cdef int64_t now
        cdef bint took_time = False
        if exchange.command is None:
            exchange.command = exchange.rows.next_command()
        command = exchange.command
        exchange.began = now = begin_attempt(command)
        exchange.connection = None
        try:
            if self.batch.deadline <= now:
                raise errors.TimeoutError("no time was left to send the request")
            exchange.pool = node.pool
            if exchange.pool is None:
                raise errors.ConnectionError(f"node {node.name} has left the cluster")
            exchange.connection = exchange.pool.acquire(
                now, command.deadline, command.attempt_timeout, not command.write and command.tries <= command.retries,
                &took_time, patience
            )
            if exchange.connection is None:
                command.tries -= 1
                return False
            self.in_flight.append(exchange)
            exchange.connection.begin(
                TYPE_MESSAGE, command.out.data, command.out.size, now_ns() if took_time else now, command.deadline,
                command.attempt_timeout
            )
        except errors.AerospikeError as error:
            self.fail(exchange, error)
            return True
        if not alone:
            self.advance(exchange, MSG_DONTWAIT)
        return True

    cdef int wait(self) except -1:
        """Goes on with the exchanges whose sockets are ready, or whose time is over."""
        cdef int64_t now, span, left
        cdef int ready
        cdef Py_ssize_t i, count = len(self.in_flight)
        cdef NodeExchange exchange
        cdef list in_flight
        if count == 1 and not self.later:
            self.advance(<NodeExchange>self.in_flight[0], 0)
            return 0
        self.make_room(count)
        now = now_ns()
        span = FOREVER
        for i in range(count):
            exchange = <NodeExchange>self.in_flight[i]
            self.sockets[i].fd = exchange.connection.x.transport.fd
            self.sockets[i].events = (
                POLLOUT if exchange.connection.x.sent < exchange.connection.x.out_size else POLLIN
            )
            self.sockets[i].revents = 0
            left = time_left(&exchange.connection.x, now)
            span = left if left < span else span
        for moment, _ in self.later:
            left = <int64_t>moment - now
            span = left if left < span else span
        with nogil:
            ready = poll(self.sockets, <unsigned long>count, poll_timeout(span))
        if ready < 0:
            PyErr_CheckSignals()
            return 0
        now = now_ns()
        in_flight = list(self.in_flight)
        for i in range(count):
            exchange = <NodeExchange>in_flight[i]
            if self.sockets[i].revents or time_left(&exchange.connection.x, now) <= 0:
                self.advance(exchange, MSG_DONTWAIT)
        return 0

    cdef int make_room(self, Py_ssize_t count) except -1:
        """Room for the sockets of so many exchanges."""
        cdef pollfd* larger
        if count > self.capacity:
            larger = <pollfd*>PyMem_RawRealloc(self.sockets, <size_t>count * sizeof(pollfd))
            if larger == NULL:
                raise MemoryError
            self.sockets = larger
            self.capacity = count
        return 0

    cdef int pause(self) except -1:
        """Waits until the first rows are to be asked for again."""
        cdef int64_t first = min([moment for moment, _ in self.later])
        cdef int64_t span = first - now_ns()
        if span > 0:
            sleep(span / <double>SECOND)
        return 0

    cdef int advance(self, NodeExchange exchange, int flags) except -1:
        """Sends and receives as far as that goes without waiting (MSG_DONTWAIT), or until the exchange has ended (0)."""
        cdef Connection connection
        cdef Exchange* x
        cdef int outcome
        while exchange.connection is not None:
            connection = exchange.connection
            x = &connection.x
            try:
                with nogil:
                    outcome = drive(x, now_ns(), flags)
                connection.request_sent = x.sent > 0
                if outcome == NOT_READY:
                    return 0
                if outcome == INTERRUPTED:
                    PyErr_CheckSignals()
                    continue
                if outcome != DONE:
                    connection.outcome = outcome
                    connection.fail(outcome)
                connection.in_answer = False
                connection.frames += 1
                value = read_frame(exchange.command.reader, None, None, &x.frame, &connection.names)
                if value is MORE:
                    drop_frame(x)
                    connection.in_answer = True
                    x.moved_at = now_ns()
                    continue
                if bytes_behind(x):
                    raise connection.overflowed()
            except errors.AerospikeError as error:
                self.fail(exchange, error)
                return 0
            self.end(exchange)
        return 0

    cdef int end(self, NodeExchange exchange) except -1:
        """After a request whose rows were all answered: sends the next one, or gives the connection back."""
        cdef Connection connection = exchange.connection
        cdef Command command = exchange.command
        cdef int64_t now
        exchange.rows.count_sent()
        self.plan.answered(exchange.rows, command, (now_ns() - exchange.began) / <double>MILLISECOND)
        exchange.command = command = exchange.rows.next_command()
        if command is None:
            exchange.connection = None
            self.in_flight.remove(exchange)
            connection.used_at = now_ns()
            exchange.pool.release(connection)
            return 0
        exchange.began = now = begin_attempt(command)
        connection.begin(
            TYPE_MESSAGE, command.out.data, command.out.size, now, command.deadline, command.attempt_timeout
        )
        return 0

    cdef int fail(self, NodeExchange exchange, object error) except -1:
        """After a request that failed: gives the connection up, and asks the plan what becomes of the rows."""
        cdef Connection connection = exchange.connection
        cdef Command command = exchange.command
        cdef bint sent = connection is not None and connection.request_sent
        cdef int64_t now
        if connection is not None:
            exchange.connection = None
            self.in_flight.remove(exchange)
            if connection.in_answer and connection.was_dead():     # nobody received the request: that was no attempt
                command.tries -= 1
                exchange.pool.found_broken()
                exchange.pool.discard(connection, "closed by the server")
                self.queue.append(exchange)
                return 0
            if not connection.in_answer and bytes_behind(&connection.x):
                error = connection.overflowed()
        if sent:
            command.sent += 1
            exchange.rows.count_sent()
        note_failure(command, exchange.rows.node, error, exchange.began, sent)
        if connection is not None:
            settle(command, exchange.rows.node, exchange.pool, connection, error)
        now = now_ns()
        for pause, numbers in self.plan.failed(
            exchange.rows, command, error, (now - exchange.began) / <double>MILLISECOND
        ):
            self.later.append((after(now, <int64_t>(<double>pause * 1e6)), numbers))
        if self.later and not self.retrying:
            self.retrying = True
            self.routing.count_retrying(1)
        return 0


cdef inline int poll_timeout(int64_t span) noexcept nogil:
    """A wait of nanoseconds as milliseconds that are not shorter; -1 for ever."""
    if span == FOREVER:
        return -1
    if span <= 0:
        return 0
    span = (span + MILLISECOND - 1) // MILLISECOND
    return <int>span if span < 60_000 else 60_000


def run_batch(ThreadExecutor executor not None, plan: Any) -> None:
    """Run a batch until each of its rows has an answer or an error.

    Args:
        executor: of the client.
        plan: a `BatchPlan`, which says who is asked.

    Raises:
        ClientClosed: the client is closed.
    """
    cdef BatchRun run = BatchRun.__new__(BatchRun)
    heed_fork()
    if executor.routing.refusing:
        raise errors.ClientClosed("the client is closed")
    run.plan = plan
    run.batch = plan.batch
    run.routing = executor.routing
    run.queue = []
    run.in_flight = []
    run.later = []
    run.run()
