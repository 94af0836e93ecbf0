# Runs a batch for a task: a request to each node that the batch concerns, on connections that carry nothing else, and what
# follows their answers and failures. Which node is asked for what, and what is asked again, is told by the batch's plan
# (`pyspike.plans.batch`).
#
# All that grows with the batch is done in slices (slices.pyx): taking and routing its rows, reading answers, making results
# and errors. A request has at most `SLICE_ROWS` rows, so it is packed at once.
#
# What cancelling does: the batch's future tells the batch, which tells the futures of its requests. What becomes of these is
# told in coroutine.pyx. The answer to a request that was sent is read to its end, without taking anything from it.

cdef class LoopBatch(Job)


@cython.final
cdef class BatchFuture(Future):
    """The outcome of a batch."""

    cdef LoopBatch batch                    # None once there is an outcome

    cdef int end(self, FutureState state, object value) except -1:
        cdef LoopBatch batch = self.batch
        Future.end(self, state, value)
        self.batch = None
        if state == CANCELLED and batch is not None:
            batch.give_up()
        return 0


@cython.final
cdef class NodeRequest(Future):
    """The outcome of one request to a node, which the batch waits for instead of a task."""

    cdef LoopBatch batch                    # None once there is an outcome
    cdef NodeRows rows

    cdef int end(self, FutureState state, object value) except -1:
        """Takes what the reader of the answer gave, or what went wrong in this client."""
        cdef LoopBatch batch = self.batch
        if self.state != PENDING:
            raise RuntimeError("it has an outcome already")
        self.state = state
        self.batch = None
        if state == RESOLVED:
            batch.answered(self)
        else:
            batch.fail(value)
        return 0

    cdef bint takes_failure(self, object error) except -1:
        cdef LoopBatch batch = self.batch
        self.state = REJECTED
        self.batch = None
        batch.failed(self, error)
        return True

    cdef int drop(self) except -1:
        """Has nothing come of the request any more."""
        self.state = CANCELLED
        self.batch = None
        self.rows = None
        if self.command is not None:
            (<BatchReader>self.command.reader).skip()
        return 0


@cython.final
cdef class LoopBatch(Job):
    """A batch that a task awaits."""

    cdef LoopExecutor executor
    cdef object plan
    cdef Batch batch
    cdef BatchFuture future                 # None once the batch has an outcome
    cdef list unrouted                      # lists of numbers of rows that are to be routed; None in the place of all rows
    cdef Routes routes                      # under way
    cdef Fifo queue                         # NodeRequests that are to begin
    cdef set in_flight                      # NodeRequests that have begun
    cdef Fifo steps                         # (steps of the plan, NodeRequest that follows or None, list that gets `Later`s)
    cdef dict pauses                        # numbers of rows that are to be asked for again -> the handle of the loop's timer
    cdef list outcomes                      # what came of the rows, as far as it is collected

    cdef bint work(self, int64_t until) except -1:
        """Does what can be done now; answers, failures and timers go on with the rest."""
        if self.future is None:
            return self.drop(until)
        try:
            return self.go_on(until)
        except BaseException as error:      # also what the user's iterable raised
            self.fail(error)
            if not isinstance(error, Exception):
                raise
            return self.drop(until)

    cdef bint go_on(self, int64_t until) except -1:
        cdef Batch batch = self.batch
        if batch.source is not None or batch.started == 0:
            if self.executor.closed:
                raise errors.ClientClosed("the client is closed")
            if not batch.take_rows(until):
                return False
            batch.begin()
            self.unrouted.append(None)
        while True:
            if self.steps.count():
                if not self.step(until):
                    return False
            elif self.routes is not None or self.unrouted:
                if not self.route(until):
                    return False
            elif self.queue.count() and not (self.in_flight and batch.settings.sequential):
                self.begin(<NodeRequest>self.queue.take())
                if self.queue.count() and now_ns() >= until:
                    return False
            elif self.queue.count() or self.in_flight or self.pauses:
                return True
            else:
                return self.finish(until)

    # --- asking ---

    cdef bint route(self, int64_t until) except -1:
        """Finds the nodes to ask, as far as the time goes; returns whether that was all."""
        cdef Routes routes = self.routes
        if routes is None:
            numbers = self.unrouted.pop(0)
            if self.executor.closed:
                self.end_rows(range(self.batch.count) if numbers is None else numbers)
                return True
            heed_fork()
            self.routes = routes = Routes(self.batch, self.executor.routing.current(), numbers)
        if not routes.find_some(until):
            return False
        self.routes = None
        for rows in routes.found:
            self.queue.push(self.request(<NodeRows>rows))
        if routes.lost:
            self.steps.push((self.plan.losing(routes), None, ()))
        return True

    cdef NodeRequest request(self, NodeRows rows):
        cdef NodeRequest request = NodeRequest.__new__(NodeRequest)
        request.batch = self
        request.rows = rows
        return request

    cdef int begin(self, NodeRequest request) except -1:
        """Begins the next request for a node's rows."""
        cdef Command command = request.rows.next_command()
        cdef Node node = request.rows.node
        cdef int64_t now = begin_attempt(command)
        cdef object error = None
        request.command = command
        request.tried_at = now
        self.in_flight.add(request)
        if self.executor.closed:
            error = errors.ClientClosed("the client is closed")
        elif self.batch.deadline <= now:
            error = errors.TimeoutError("no time was left to send the request")
        if error is not None:
            note_failure(command, node, error, now, False)
            request.takes_failure(error)
            return 0
        self.executor.plan(command, now)
        self.executor.channel_to(node, FOR_BATCHES).submit(request)
        return 0

    # --- what came of requests ---

    cdef int answered(self, NodeRequest request) except -1:
        """After a request whose rows were all answered."""
        cdef NodeRows rows = request.rows
        self.in_flight.discard(request)
        rows.count_sent()
        try:
            steps = self.plan.answering(rows, request.command, elapsed(request))
        except Exception as error:          # of this client
            return self.fail(error)
        following = self.request(rows) if rows.begun < rows.count else None
        if steps is not None:
            self.steps.push((steps, following, ()))
        elif following is not None:
            self.queue.push(following)
        self.executor.slicer.do(self)
        return 0

    cdef int failed(self, NodeRequest request, object error) except -1:
        """After a request that failed, of which the command has noted the failure."""
        cdef list later = []
        if request.command.sent > request.sent_before:
            request.rows.count_sent()
        self.in_flight.discard(request)
        if self.executor.closed and not isinstance(error, (errors.ServerError, errors.ClientClosed)):
            error = errors.ClientClosed("the client is closed", node=error.node)
        steps = self.plan.failing(request.rows, request.command, error, elapsed(request), later)
        self.steps.push((steps, None, later))
        self.executor.slicer.do(self)
        return 0

    cdef bint step(self, int64_t until) except -1:
        """Takes steps of the plan, as far as the time goes; returns whether no more were to be taken one after the other."""
        cdef NodeRequest following
        steps, following, later = self.steps.get(0)
        for _ in steps:
            if now_ns() >= until:
                return False
        self.steps.take()
        if following is not None:
            self.queue.push(following)
        for pause, numbers in later:
            self.pause(pause, numbers)
        return True

    cdef int pause(self, double ms, list numbers) except -1:
        """Has rows asked for again after so many milliseconds."""
        cdef object place
        if ms <= 0:
            self.unrouted.append(numbers)
            return 0
        place = object()
        self.pauses[place] = self.executor.loop.call_later(ms / 1000, self.again, place), numbers
        return 0

    def again(self, place: object) -> None:
        """Ask for rows again whose pause is over."""
        _, numbers = self.pauses.pop(place)
        self.unrouted.append(numbers)
        self.executor.slicer.do(self)

    # --- the end ---

    def close(self) -> None:
        """Ask for nothing more, as the executor is closed. Requests under way fail with their channels."""
        for place in list(self.pauses):
            timer, numbers = self.pauses.pop(place)
            timer.cancel()
            self.end_rows(numbers)
        self.executor.slicer.do(self)

    cdef int end_rows(self, object numbers) except -1:
        """Has rows end that are not asked for any more, as the executor is closed."""
        self.steps.push((self.plan.ending(numbers, errors.ClientClosed("the client is closed")), None, ()))
        return 0

    cdef bint finish(self, int64_t until) except -1:
        """Makes what the call gives, as far as the time goes; returns whether that was all."""
        cdef BatchFuture future = self.future
        cdef bint failed
        if not collect(self.batch, self.outcomes, until):
            return False
        failed = has_failed(self.batch)
        if failed:
            value = self.plan.failure(self.outcomes)
        else:
            value = given_by(self.batch, self.plan, self.outcomes)
        self.leave()
        self.batch = None
        future.end(REJECTED if failed else RESOLVED, value)
        return True

    cdef int fail(self, object error) except -1:
        """Ends the call with an error that is not about rows, and gives up what is under way."""
        cdef BatchFuture future = self.future
        if future is not None:
            self.give_up()
            future.batch = None
            future.end(REJECTED, error)
        return 0

    cdef int give_up(self) except -1:
        """Lets go of all that is under way, as nobody waits for it any more."""
        for request in self.in_flight:
            (<NodeRequest>request).drop()
        for timer, _ in self.pauses.values():
            timer.cancel()
        self.leave()
        self.executor.slicer.do(self)
        return 0

    cdef int leave(self) except -1:
        """Lets go of what is not needed any more; there are circles of references."""
        self.executor.batches.discard(self)
        self.future = None
        self.plan = self.routes = None
        self.in_flight = self.unrouted = None
        self.queue = self.steps = None
        self.pauses = None
        self.outcomes = None
        return 0

    cdef bint drop(self, int64_t until) except -1:
        """Frees the rows of a batch that was given up as far as the time goes; returns whether these were all."""
        cdef Batch batch = self.batch
        if batch is None:
            return True
        for kept in (batch.records, batch.keys, batch.asks):
            while kept:
                del kept[-ROWS_A_LOOK:]
                if now_ns() >= until:
                    return False
        self.batch = None
        return True


cdef inline double elapsed(NodeRequest request) noexcept:
    """Returns the milliseconds since a request was begun."""
    return (now_ns() - request.tried_at) / <double>MILLISECOND


cdef Future begin_batch(LoopExecutor executor, Batch batch, object plan):
    """Begins a batch in a loop, and returns the future of what the call gives. `plan`: a `BatchPlan`."""
    cdef LoopBatch running = LoopBatch.__new__(LoopBatch)
    cdef BatchFuture future = BatchFuture.__new__(BatchFuture)
    future.wakeups = executor.wakeups
    future.batch = running
    running.executor = executor
    running.plan = plan
    running.batch = batch
    running.future = future
    running.unrouted = []
    running.queue = Fifo()
    running.in_flight = set()
    running.steps = Fifo()
    running.pauses = {}
    running.outcomes = []
    executor.batches.add(running)
    executor.slicer.do(running)
    return future
