# Exchanges of one thread with several nodes at once: it sends to all of them, waits for their sockets with one `poll` and
# without the GIL, and reads answers as they come. What is asked, and what becomes of an answer or a failure, is told by a
# subclass.
#
# A thread that has connections stands in line for no other one, as who is before it there may wait for what it has. It asks
# for it again now and then, and stands in line when it has none.

cdef enum:
    ASK_POOL_AFTER = 2_000_000              # ns after which a pool that had no connection is asked again


cdef int64_t LONGEST_TURN = SECOND          # that is waited for a connection to one node while others are to be asked too


cdef enum Reading:                          # how to go on with an answer of which a frame was read
    MAY_WAIT
    WHAT_IS_THERE                           # without waiting for more
    NO_MORE_NOW                             # there is enough for the moment


cdef class NodeRequests:
    """What one node is asked, request after request, and the connection while an answer is awaited."""

    cdef Node node
    cdef Command command                    # the request under way, or that is to be sent next
    cdef Pool pool                          # of the connection
    cdef Connection connection
    cdef int64_t began                      # when the request now under way was begun
    cdef int64_t sent_at                    # and sent, as far as it was; 0 before it has a connection
    cdef int64_t decoding                   # ns that reading its answer took; counted if the call is watched
    cdef bint paused                        # whether what has arrived was not all read, as there was enough for the moment
    cdef bint held                          # whether nothing is received until what has arrived is taken


cdef class Exchanges(Keeper):
    """Requests to several nodes, and the connections on which their answers are awaited."""

    cdef list queue                         # NodeRequests that have no connection yet
    cdef list in_flight                     # NodeRequests that have one
    cdef Py_ssize_t most_at_once            # nodes that are asked at once; 0: any number
    cdef bint crowded                       # whether a pool had no connection when it was last asked
    cdef pollfd* sockets
    cdef Py_ssize_t capacity                # of `sockets`

    def __cinit__(self) -> None:
        self.queue = []
        self.in_flight = []

    def __dealloc__(self) -> None:
        PyMem_RawFree(self.sockets)

    # --- what a subclass tells ---

    cdef Reading came(self, NodeRequests requests) except *:
        """A frame was read that is not the answer's last, or a part of one."""
        return MAY_WAIT

    cdef int answered(self, NodeRequests requests) except -1:
        """An answer was read to its end. Sets the next command for this node, or None."""
        requests.command = None
        return 0

    cdef int failed(self, NodeRequests requests, object error, bint sent) except -1:
        """A request failed, which may have reached the node if it was `sent`; the command's history has it."""
        return 0

    cdef int took(self, NodeRequests requests) except -1:
        """A connection was taken from the pool."""
        return 0

    # --- beginning ---

    cdef int begin_free(self) except -1:
        """Begins the requests of the queue for which there is a connection; the others stay in it."""
        cdef list queue = self.queue
        self.crowded = False
        if not queue:
            return 0
        self.queue = []
        for requests in queue:
            if (0 < self.most_at_once <= <Py_ssize_t>len(self.in_flight)) or not self.begin(<NodeRequests>requests, 0):
                self.queue.append(requests)
        return 0

    cdef int begin_queued(self, int64_t span) except -1:
        """The same, but where nothing is under way then it waits in line for a connection to the first node, for some ns at
        most. The others have their turn before the deadline."""
        cdef Py_ssize_t others
        cdef NodeRequests requests
        self.begin_free()
        if self.in_flight or not self.queue:
            return 0
        requests = <NodeRequests>self.queue.pop(0)
        others = len(self.queue)
        if others:
            span = min(span, LONGEST_TURN, (requests.command.deadline - now_ns()) // (others + 1))
        if not self.begin(requests, max(span, MILLISECOND)):
            self.queue.append(requests)
        return 0

    cdef bint begin(self, NodeRequests requests, int64_t patience) except -1:
        """Takes a connection and sends; False if there was none within some ns."""
        cdef Command command = requests.command
        cdef Connection connection
        cdef int64_t now
        cdef bint took_time = False
        requests.began = now = begin_attempt(command)
        requests.sent_at = requests.decoding = 0
        try:
            if command.deadline <= now:     # do not even stand in line
                raise errors.TimeoutError("no time was left to send the request")
            requests.pool = requests.node.pool
            if requests.pool is None:
                raise errors.ConnectionError(f"node {requests.node.name} has left the cluster")
            connection = requests.pool.acquire(command, now, &took_time, patience)
        except errors.AerospikeError as error:
            self.fail(requests, error)
            return True
        if connection is None:
            command.tries -= 1              # that was no attempt
            self.crowded = True
            return False
        requests.connection = connection
        self.in_flight.append(requests)
        self.took(requests)
        self.send(requests, now_ns() if took_time else now)
        return True

    cdef int send(self, NodeRequests requests, int64_t now) except -1:
        """Begins to send the command on its connection, as much as goes without waiting."""
        cdef Connection connection = requests.connection
        cdef Command command = requests.command
        cdef Exchange* x = &connection.x
        cdef int outcome
        requests.sent_at = now
        requests.decoding = 0
        try:
            connection.begin(
                TYPE_MESSAGE, command.out.data, command.out.size, now, command.deadline, command.attempt_timeout
            )
            if command.deadline <= now:
                raise errors.TimeoutError("no time was left to send the request")
            with nogil:
                outcome = send_rest(x, MSG_DONTWAIT)
            connection.request_sent = x.sent > 0
            if x.sent > 0 and is_packed(&command.out):
                requests.node.counters.count_packed(&command.out)
            if outcome != DONE and outcome != NOT_READY and outcome != INTERRUPTED:
                connection.outcome = outcome
                connection.fail(outcome)
        except errors.AerospikeError as error:
            self.fail(requests, error)
        return 0

    # --- waiting ---

    cdef int wait(self, int64_t span) except -1:
        """Goes on with the requests whose sockets are ready or whose time is over; waits for some ns at most until one is."""
        cdef int64_t now, left
        cdef int ready, error = 0
        cdef Py_ssize_t i, count = len(self.in_flight)
        cdef NodeRequests requests
        cdef list in_flight
        cdef bint ready_now
        if count == 1 and span == FOREVER and not self.crowded:
            self.advance(<NodeRequests>self.in_flight[0], 0)
            return 0
        if self.crowded and span > ASK_POOL_AFTER:
            span = ASK_POOL_AFTER
        self.make_room(count)
        now = now_ns()
        for i in range(count):
            requests = <NodeRequests>self.in_flight[i]
            self.sockets[i].revents = 0
            if requests.held:
                self.sockets[i].fd = -1     # which `poll` takes for none
                continue
            self.sockets[i].fd = requests.connection.x.transport.fd
            self.sockets[i].events = (
                POLLOUT if requests.connection.x.sent < requests.connection.x.out_size else POLLIN
            )
            ready_now = requests.paused or has_more_to_open(&requests.connection.x.transport)
            left = 0 if ready_now else time_left(&requests.connection.x, now)
            span = left if left < span else span
        with nogil:
            ready = poll(self.sockets, <unsigned long>count, poll_timeout(span))
            if ready < 0:
                error = errno
        if ready < 0:
            if error != EINTR:
                raise OSError(error, strerror(error).decode())
            PyErr_CheckSignals()
            return 0
        now = now_ns()
        in_flight = list(self.in_flight)
        for i in range(count):
            requests = <NodeRequests>in_flight[i]
            if requests.held:
                continue
            if (
                self.sockets[i].revents or requests.paused or has_more_to_open(&requests.connection.x.transport)
                or time_left(&requests.connection.x, now) <= 0
            ):
                self.advance(requests, MSG_DONTWAIT)
        return 0

    cdef int make_room(self, Py_ssize_t count) except -1:
        """Room for the sockets of so many requests."""
        cdef pollfd* larger
        if count > self.capacity:
            larger = <pollfd*>PyMem_RawRealloc(self.sockets, <size_t>count * sizeof(pollfd))
            if larger == NULL:
                raise MemoryError
            self.sockets = larger
            self.capacity = count
        return 0

    cdef int advance(self, NodeRequests requests, int flags) except -1:
        """Sends and receives as far as that goes without waiting (MSG_DONTWAIT), or until the node has answered all (0)."""
        cdef Connection connection
        cdef Command command
        cdef Exchange* x
        cdef Reading reading
        cdef int outcome
        cdef int64_t came
        requests.paused = requests.held = False
        while requests.connection is not None:
            connection = requests.connection
            command = requests.command
            x = &connection.x
            came = 0
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
                connection.take_frame()
                if command.trace is not None:
                    came = now_ns()
                value = read_frame(command.reader, command.key, command.given, &x.frame, &connection.names)
                if came:
                    requests.decoding += now_ns() - came
                    came = 0
                if value is not MORE and value is not PAUSE and connection.has_more():
                    raise connection.overflowed()
            except errors.AerospikeError as error:
                if came:                    # what was wrong with the answer was found by reading it
                    requests.decoding += now_ns() - came
                self.fail(requests, error)
                return 0
            if value is not MORE and value is not PAUSE:
                self.end(requests)
                continue
            connection.in_answer = True
            if value is MORE:               # else the same frame is read on
                connection.drop_frame()
                x.moved_at = now_ns()
            reading = self.came(requests)
            if reading == NO_MORE_NOW or value is PAUSE:
                requests.paused = True
                return 0
            if reading == WHAT_IS_THERE:
                flags = MSG_DONTWAIT
        return 0

    # --- ending ---

    cdef int end(self, NodeRequests requests) except -1:
        """After an answer: sends the next request, or gives the connection back."""
        cdef Connection connection = requests.connection
        cdef Command command = requests.command
        cdef int64_t now = now_ns()
        count_answer(requests.node.counters.meter.table, command, requests.began, now, bytes_read(&connection.x))
        if command.trace is not None:
            command.trace.answered(requests.node.name, requests.began, requests.sent_at, now, requests.decoding)
            command.trace.count_bytes(command.out.size, bytes_read(&connection.x))
        self.answered(requests)
        if requests.command is not None:
            requests.began = begin_attempt(requests.command)
            return self.send(requests, requests.began)
        requests.connection = None
        self.in_flight.remove(requests)
        connection.used_at = now_ns()
        requests.pool.release(connection)
        return 0

    cdef int fail(self, NodeRequests requests, object error) except -1:
        """After a request that failed: gives the connection up, and tells the subclass; or has a request sent again that the
        server has not done, as it had closed the connection before, or forgotten its login."""
        cdef Connection connection = requests.connection
        cdef Command command = requests.command
        cdef bint sent = connection is not None and connection.request_sent
        cdef bint dead = False
        cdef bint logged_out = False
        if connection is not None:          # before code in Python runs, which Ctrl-C may end
            dead = connection.in_answer and connection.was_dead()
            logged_out = not dead and may_log_in_again(command, error)
            overflowed = isinstance(error, errors.ServerError) and connection.has_more()
            if dead:
                requests.pool.found_broken()
                requests.pool.discard(connection, CLOSED_BY_SERVER)
            elif logged_out:
                requests.pool.discard(connection, NOT_LOGGED_IN)
                requests.pool.discard_idle(NOT_LOGGED_IN)
            else:
                settle(command, requests.node, requests.pool, connection, error)
            requests.connection = None
            self.in_flight.remove(requests)
            if overflowed:
                error = connection.overflowed()
        if dead or logged_out:
            command.tries -= 1
            self.queue.append(requests)
            return 0
        command.sent += sent
        note_failure(
            command, requests.node, error, requests.began, sent, bytes_of_answer(&connection.x) if sent else 0,
            requests.sent_at, requests.decoding
        )
        return self.failed(requests, error, sent)

    cdef int break_off(self, str reason) except -1:
        """Closes all connections, without reading the answers, and forgets all requests."""
        cdef list in_flight = self.in_flight
        self.in_flight = []
        self.queue = []
        for requests in in_flight:
            (<NodeRequests>requests).pool.discard((<NodeRequests>requests).connection, reason)
            (<NodeRequests>requests).connection = None
        return 0


cdef inline int poll_timeout(int64_t span) noexcept nogil:
    """A wait of nanoseconds as milliseconds that are not shorter; -1 for ever."""
    if span == FOREVER:
        return -1
    if span <= 0:
        return 0
    span = (span + MILLISECOND - 1) // MILLISECOND
    return <int>span if span < 60_000 else 60_000
