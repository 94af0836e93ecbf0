# The requests for rows of batches in a loop, on connections that carry nothing else, and what follows their answers and
# failures. Which node is asked for what, and what is asked again, is told by each batch's plan (`pyspike.plans.batch`); where
# the rows come from and who gets what came of them, by a subclass.
#
# All that grows with a batch is done in slices (slices.pyx): routing its rows, reading answers, making errors. A request has at
# most `SLICE_ROWS` rows, so it is packed at once.
#
# Of a request that nobody waits for any more, an answer that is on its way is read to its end, without taking anything from it.

cdef class LoopRows(Job)


@cython.final
cdef class NodeRequest(Future):
    """The outcome of one request to a node, which its batch waits for instead of a task."""

    cdef LoopRows owner                     # None once there is an outcome
    cdef object plan                        # the batch's
    cdef NodeRows rows
    cdef bint is_group                      # whether a stream's next group for this node waits for its end
    cdef bint counted                       # whether its rows were counted as sent
    cdef int64_t set_aside_at               # since when the rest of its answer is not wanted; 0 if it is

    cdef int count_sent(self) except -1:
        """Counts once that its rows may have reached the server."""
        if not self.counted:
            self.counted = True
            self.rows.count_sent()
        return 0

    cdef bint holds_back(self, object connection, bint others_wait) except -1:
        if self.set_aside_at:
            self.put_off()
        if others_wait or not self.owner.has_enough():
            return False
        self.set_aside_at = now_ns()
        self.owner.set_connection_aside(<Job>connection)
        return True

    cdef int put_off(self) except -1:
        """Moves the deadline by the time that the caller took: it was not the server that was waited for."""
        cdef int64_t now = now_ns()
        cdef int64_t span = now - self.set_aside_at
        self.set_aside_at = 0
        self.rows.batch.deadline = after(self.rows.batch.deadline, span)
        self.command.deadline = after(self.command.deadline, span)
        self.owner.executor.plan(self.command, now)
        return 0

    cdef int came(self) except -1:
        return self.owner.came(self)

    cdef int end(self, FutureState state, object value) except -1:
        """Takes what the reader of the answer gave, or what went wrong in this client."""
        cdef LoopRows owner = self.owner
        if self.state != PENDING:
            raise RuntimeError("it has an outcome already")
        self.state = state
        self.owner = None
        if state == RESOLVED:
            owner.answered(self)
        else:
            owner.fail(value)
        return 0

    cdef bint takes_failure(self, object error) except -1:
        cdef LoopRows owner = self.owner
        self.state = REJECTED
        self.owner = None
        owner.failed(self, error)
        return True

    cdef int drop(self) except -1:
        """Has nothing come of the request any more."""
        if self.set_aside_at:
            self.put_off()
        self.state = CANCELLED
        self.owner = self.plan = None
        self.rows = None
        if self.command is not None:
            (<BatchReader>self.command.reader).skip()
        return 0


cdef class LoopRows(Job):
    """Rows of one batch or of several that are under way in a loop."""

    cdef LoopExecutor executor
    cdef bint one_at_a_time                 # no two nodes are asked at once
    cdef bint ended                         # whether nothing more is done but to free what is left
    cdef list unrouted                      # (plan, numbers of its rows or None for all) that are to be routed
    cdef object routed                      # the plan of the rows that are being routed
    cdef Routes routes                      # of them; None while none are
    cdef Fifo queue                         # NodeRequests that are to begin
    cdef set in_flight                      # NodeRequests that have begun
    cdef Fifo steps                         # (plan, its steps, NodeRequest that follows or None, list that gets `Later`s)
    cdef dict pauses                        # rows that are to be asked for again -> (the loop's timer, plan, their numbers)

    def __cinit__(self) -> None:
        self.unrouted = []
        self.queue = Fifo()
        self.in_flight = set()
        self.steps = Fifo()
        self.pauses = {}

    # --- what a subclass tells ---

    cdef bint go_on(self, int64_t until) except -1:
        """Does what can be done now; returns False if the time is over before. Answers, failures and timers go on with the
        rest."""
        raise NotImplementedError

    cdef int told(self, object plan) except -1:
        """Rows of a plan's batch may have their outcomes."""
        return 0

    cdef int came(self, NodeRequest request) except -1:
        """A part of an answer was read that is not its last."""
        return 0

    cdef bint has_enough(self) except -1:
        """Whether no more answers are wanted for now."""
        return False

    cdef int set_connection_aside(self, Job connection) except -1:
        """Has a connection wait as long as there is enough."""
        raise NotImplementedError

    cdef int close_group(self, NodeRequest request) except -1:
        """No request follows to the node of this one, which has an outcome."""
        return 0

    cdef int fail(self, object error) except -1:
        """Ends all with an error that is not about rows, and gives up what is under way."""
        raise NotImplementedError

    cdef bint drop(self, int64_t until) except -1:
        """Frees what is left in the end as far as the time goes; returns whether that was all."""
        return True

    # --- asking ---

    cdef bint work(self, int64_t until) except -1:
        if self.ended:
            return self.drop(until)
        try:
            return self.go_on(until)
        except BaseException as error:      # also what the user's iterable raised
            self.fail(error)
            if not isinstance(error, Exception):
                raise
            return self.drop(until)

    cdef bint ask(self, int64_t until) except -1:
        """Takes steps, routes rows and begins requests; returns False if the time is over before all that can be is done."""
        while True:
            if self.steps.count():
                if not self.step(until):
                    return False
            elif self.routes is not None or self.unrouted:
                if not self.route(until):
                    return False
            elif self.queue.count() and not (self.in_flight and self.one_at_a_time):
                self.begin(<NodeRequest>self.queue.take())
                if self.queue.count() and now_ns() >= until:
                    return False
            else:
                return True

    cdef inline bint is_asking(self):
        """Whether rows await an answer, or are to be asked for, when `ask` has nothing to do."""
        return self.queue.count() > 0 or len(self.in_flight) > 0 or len(self.pauses) > 0

    cdef bint route(self, int64_t until) except -1:
        """Finds the nodes to ask, as far as the time goes; returns whether that was all."""
        cdef Routes routes = self.routes
        cdef Batch batch
        plan = self.routed
        if routes is None:
            plan, numbers = self.unrouted.pop(0)
            batch = <Batch?>plan.batch
            if self.executor.closed:
                self.end_rows(plan, range(batch.count) if numbers is None else numbers)
                return True
            heed_fork()
            self.routed = plan
            self.routes = routes = Routes(batch, self.executor.routing.current(), numbers)
        if not routes.find_some(until):
            return False
        self.routes = self.routed = None
        for rows in routes.found:
            self.queue.push(self.request(plan, <NodeRows>rows))
        if routes.lost:
            self.steps.push((plan, plan.losing(routes), None, ()))
        return True

    cdef NodeRequest request(self, object plan, NodeRows rows):
        cdef NodeRequest request = NodeRequest.__new__(NodeRequest)
        request.owner = self
        request.plan = plan
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
        elif command.deadline <= now:
            error = errors.TimeoutError("no time was left to send the request")
        if error is not None:
            note_failure(command, node, error, now, False)
            request.takes_failure(error)
            return 0
        self.executor.plan(command, now)
        self.executor.channel_to(node, FOR_BATCHES).submit(request)
        return 0

    # --- what came of requests ---

    cdef int tell_answers(self, NodeRequest request, NodeRequest following) except -1:
        """Has the plan told that rows were answered; `following` is queued when it was."""
        request.count_sent()
        steps = request.plan.answering(request.rows, request.command, elapsed(request))
        if steps is not None:
            self.steps.push((request.plan, steps, following, ()))
        elif following is not None:
            self.queue.push(following)
        return 0

    cdef int answered(self, NodeRequest request) except -1:
        """After a request whose rows were all answered."""
        cdef NodeRows rows = request.rows
        cdef NodeRequest following = None
        self.in_flight.discard(request)
        if rows.begun < rows.count:
            following = self.request(request.plan, rows)
            following.is_group = request.is_group
        try:
            self.tell_answers(request, following)
        except Exception as error:          # of this client
            return self.fail(error)
        if following is None:
            self.close_group(request)
        self.told(request.plan)
        self.executor.slicer.do(self)
        return 0

    cdef int failed(self, NodeRequest request, object error) except -1:
        """After a request that failed, of which the command has noted the failure."""
        cdef list later = []
        if request.command.sent > request.sent_before:
            request.count_sent()
        self.in_flight.discard(request)
        if self.executor.closed and not isinstance(error, (errors.ServerError, errors.ClientClosed)):
            error = errors.ClientClosed("the client is closed", node=error.node)
        steps = request.plan.failing(request.rows, request.command, error, elapsed(request), later)
        self.steps.push((request.plan, steps, None, later))
        self.close_group(request)
        self.told(request.plan)
        self.executor.slicer.do(self)
        return 0

    cdef bint step(self, int64_t until) except -1:
        """Takes steps of a plan, as far as the time goes; returns whether no more were to be taken one after the other."""
        plan, steps, following, later = self.steps.get(0)
        for _ in steps:
            if now_ns() >= until:
                self.told(plan)
                return False
        self.steps.take()
        self.told(plan)
        if following is not None:
            self.queue.push(following)
        for pause, numbers in later:
            self.pause(plan, pause, numbers)
        return True

    cdef int pause(self, object plan, double ms, list numbers) except -1:
        """Has rows asked for again after so many milliseconds."""
        cdef object place
        if ms <= 0:
            self.unrouted.append((plan, numbers))
            return 0
        place = object()
        self.pauses[place] = self.executor.loop.call_later(ms / 1000, self.again, place), plan, numbers
        return 0

    def again(self, place: object) -> None:
        """Ask for rows again whose pause is over."""
        _, plan, numbers = self.pauses.pop(place)
        self.unrouted.append((plan, numbers))
        self.executor.slicer.do(self)

    # --- the end ---

    def close(self) -> None:
        """Ask for nothing more, as the executor is closed. Requests under way fail with their channels."""
        for place in list(self.pauses):
            timer, plan, numbers = self.pauses.pop(place)
            timer.cancel()
            self.end_rows(plan, numbers)
        self.executor.slicer.do(self)

    cdef int end_rows(self, object plan, object numbers) except -1:
        """Has rows end that are not asked for any more, as the executor is closed."""
        self.steps.push((plan, plan.ending(numbers, errors.ClientClosed("the client is closed")), None, ()))
        return 0

    cdef int give_up(self) except -1:
        """Lets go of all that is under way, as nobody waits for it any more."""
        for request in self.in_flight:
            (<NodeRequest>request).drop()
        for timer, _, _ in self.pauses.values():
            timer.cancel()
        self.leave()
        self.executor.slicer.do(self)
        return 0

    cdef int leave(self) except -1:
        """Lets go of what is not needed any more; there are circles of references."""
        self.ended = True
        self.routed = self.routes = None
        self.in_flight = self.unrouted = None
        self.queue = self.steps = None
        self.pauses = None
        return 0


cdef inline double elapsed(NodeRequest request) noexcept:
    """Returns the milliseconds since a request was begun."""
    return (now_ns() - request.tried_at) / <double>MILLISECOND
