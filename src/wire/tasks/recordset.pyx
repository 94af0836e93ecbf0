# Runs queries for tasks. Requests go out when the first record is asked for, each on a connection that carries nothing else.
# A frame with records is kept in its connection's buffer, and the connection set aside, until a task has taken them, one by
# one: so what is not asked for stays in the nodes' sockets, and there the nodes wait.
#
# Which node is asked for which partitions, and which are asked for again, is told by the query's plan
# (`pyspike.plans.partitions`).

cdef class LoopQuery(Job)


@cython.final
cdef class PartitionsRequest(Future):
    """The outcome of one request for partitions of a query, which the query waits for instead of a task."""

    cdef LoopQuery of                       # None once nothing more comes of it
    cdef NodeQuery asked
    cdef Channel channel
    cdef Pipeline connection                # on which frames come; None before the first
    cdef int64_t read_at                    # when the socket was last read as far as that went
    cdef bint neglected                     # whether that was so long before that the node may have given up

    cdef inline QueryReader reader(self):
        return self.asked.reader

    cdef bint holds_back(self, object connection, bint others_wait) except -1:
        self.connection = <Pipeline>connection
        return False

    cdef int came(self) except -1:
        if self.reader().at_record:
            self.connection.set_aside = True
            self.read_at = now_ns()
            self.of.full.push(self)
            self.of.wake()
        return 0

    cdef int anchor(self) except -1:
        """Has records taken from where the frame is now: it may have moved to the start of the buffer."""
        self.reader().moved(self.connection.end_of_frame())
        return 0

    cdef int go_on(self) except -1:
        """Has more received, after the records that had come."""
        cdef int64_t patience = self.command.attempt_timeout
        if now_ns() - self.read_at > patience - patience // 8:
            self.neglected = True
        return self.of.executor.slicer.resume(self.connection)

    cdef int end(self, FutureState state, object value) except -1:
        """Takes what the reader of the answer gave, or what went wrong in this client."""
        cdef LoopQuery query = self.of
        if self.state != PENDING:
            raise RuntimeError("it has an outcome already")
        self.state = state
        self.of = None
        if state == RESOLVED:
            query.answered(self)
        else:
            query.fail(value)
        return 0

    cdef bint takes_failure(self, object error) except -1:
        cdef LoopQuery query = self.of
        self.state = REJECTED
        self.of = None
        query.failed(self, error)
        return True

    cdef int drop(self, object error, str reason) except -1:
        """Has nothing come of the request any more, and closes the connection that its answer is on."""
        self.state = CANCELLED
        self.of = None
        if self.channel is None:
            return 0
        for pipeline in self.channel.pipelines:
            if (<Pipeline>pipeline).queue.count() and (<Pipeline>pipeline).queue.get(0) is self:
                (<Pipeline>pipeline).fail(error, reason)
                break
        return 0


@cython.final
cdef class LoopQuery(Job):
    """A query that is under way in a loop."""

    cdef LoopExecutor executor
    cdef object plan                        # its `QueryPlan`
    cdef Query query
    cdef Fifo queue                         # PartitionsRequests that are to begin
    cdef set in_flight                      # those that have begun
    cdef Fifo full                          # those with records that have come
    cdef PartitionsRequest current          # whose frame records are taken from; None if there is none
    cdef int64_t route_at                   # when partitions may be asked for that no request asks for; FOREVER: there are none
    cdef object timer                       # of the loop, until then; None without one
    cdef Fifo waiting                       # Futures of tasks that wait for a record
    cdef bint ended
    cdef object failure                     # the error with which it ended; None without one
    cdef int64_t went_round_at              # when the loop went on last before a record was handed over

    cdef bint work(self, int64_t until) except -1:
        if not self.ended:
            try:
                self.go_on()
            except BaseException as error:
                self.fail(error)
                if not isinstance(error, Exception):
                    raise
        return True

    # --- asking ---

    cdef int go_on(self) except -1:
        """Does what can be done now; answers, failures and the timer go on with the rest."""
        cdef int64_t now = now_ns()
        cdef Py_ssize_t most = self.query.settings.max_concurrent_nodes
        if self.executor.closed:
            return self.fail(errors.ClientClosed("the client is closed"))
        if self.query.started and self.query.deadline <= now:
            self.time_out()
        if self.plan.error is not None:
            return self.fail(self.plan.error)
        if self.plan.done:
            return self.leave()
        if self.route_at <= now:
            self.route()
        while self.queue.count() and not 0 < most <= <Py_ssize_t>len(self.in_flight):
            self.begin(<PartitionsRequest>self.queue.take())
            if self.ended:
                return 0
        if self.plan.error is not None:
            return self.fail(self.plan.error)
        return self.plan_route()

    cdef int route(self) except -1:
        """Queues requests for the partitions that are due, by the map of the moment."""
        cdef PartitionsRequest request
        heed_fork()
        for asked in self.plan.route(self.executor.routing.current()):
            request = PartitionsRequest.__new__(PartitionsRequest)
            request.of = self
            request.asked = <NodeQuery>asked
            self.queue.push(request)
        return 0

    cdef int plan_route(self) except -1:
        """Sets the timer by which more is asked for."""
        self.route_at = FOREVER if self.plan.wanted == 0 else self.query.partitions.first_due()
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        if self.route_at != FOREVER:
            self.timer = self.executor.loop.call_later(
                max(0, self.route_at - now_ns()) / <double>SECOND, self.again
            )
        return 0

    def again(self) -> None:
        """Ask for partitions whose pause is over."""
        self.timer = None
        self.executor.slicer.do(self)

    cdef int begin(self, PartitionsRequest request) except -1:
        cdef Command command = request.asked.make_command()
        cdef Node node = request.asked.node
        cdef int64_t now = begin_attempt(command)
        request.command = command
        request.tried_at = request.read_at = now
        self.in_flight.add(request)
        if command.deadline <= now:
            error = errors.TimeoutError("no time was left to send the request")
            note_failure(command, node, error, now, False)
            request.takes_failure(error)
            return 0
        self.executor.plan(command, now)
        request.channel = self.executor.channel_to(node, FOR_QUERIES)
        request.channel.submit(request)
        return 0

    # --- what came of requests ---

    cdef int answered(self, PartitionsRequest request) except -1:
        """After a request whose answer came to its end."""
        self.in_flight.discard(request)
        request.asked.node.counters.count_query(request.asked.reader.given, False)
        try:
            self.plan.ended(request.asked)
        except Exception as error:          # of this client
            return self.fail(error)
        self.route_at = 0
        return self.executor.slicer.do(self)

    cdef int failed(self, PartitionsRequest request, object error) except -1:
        """After a request that failed, of which the command has noted the failure."""
        cdef bint sent = request.command.sent > request.sent_before
        self.in_flight.discard(request)
        if self.current is request:
            self.current = None
        for other in self.full.take_all():
            if other is not request:
                self.full.push(other)
        request.asked.node.counters.count_query(request.asked.reader.given, True)
        self.plan.failed(
            request.asked, error, (now_ns() - request.tried_at) / <double>MILLISECOND, sent=sent,
            neglected=request.neglected
        )
        self.route_at = 0
        return self.executor.slicer.do(self)

    cdef int break_connection(self, PartitionsRequest request, object error) except -1:
        """Ends a request whose answer can't be read."""
        note_failure(
            request.command, request.asked.node, error, request.tried_at, True, request.received, request.sent_at,
            request.decoding
        )
        request.drop(error, None)
        return self.failed(request, error)

    cdef int time_out(self) except -1:
        """Ends the requests under way, as the query's time is over."""
        for request in list(self.in_flight):
            self.break_connection(<PartitionsRequest>request, errors.TimeoutError("the query's time is over"))
        return 0

    # --- handing over ---

    cdef inline object next_record(self):
        """A record that has come, or None."""
        cdef object record
        if self.current is not None:
            try:
                record = self.current.reader().take()
            except errors.AerospikeError as error:
                self.break_connection(self.current, error)
            else:
                if record is not None:
                    return record
        return self.next_frame()

    cdef object next_frame(self):
        """The first record of another frame, or None."""
        cdef PartitionsRequest request
        while not self.ended:
            if self.current is not None:
                request = self.current
                self.current = None
                if self.query.deadline <= now_ns():
                    self.executor.slicer.do(self)
                else:
                    request.go_on()
            elif self.full.count() == 0:
                break
            self.current = <PartitionsRequest>self.full.take() if self.full.count() else None
            if self.current is None:
                break
            self.current.anchor()
            return self.next_record()
        return None

    cdef Future wait_for_record(self):
        """Goes on with all that is to be done, and returns a future that ends when there may be a record."""
        cdef Future future = new_future(self.executor)
        self.waiting.push(future)
        self.executor.slicer.do(self)
        return future

    @property
    def is_awaited(self) -> bool:
        """Whether a task waits for a record."""
        while self.waiting.count() and (<Future>self.waiting.get(0)).state != PENDING:
            self.waiting.take()
        return self.waiting.count() > 0

    cdef int wake(self) except -1:
        """Wakes tasks: those that find no record wait again."""
        for future in self.waiting.take_all():
            if (<Future>future).state == PENDING:
                (<Future>future).end(RESOLVED, None)
        return 0

    # --- the end ---

    cdef int fail(self, object error) except -1:
        """Ends it with an error, and gives up what is under way."""
        if not self.ended:
            self.failure = error
            self.give_up()
        return 0

    cdef int give_up(self) except -1:
        """Lets go of all that is under way, as nobody waits for it any more."""
        cdef PartitionsRequest request
        if self.ended:
            return 0
        self.ended = True
        for each in list(self.in_flight):
            request = <PartitionsRequest>each
            request.asked.node.counters.count_query(request.asked.reader.given, True)
            request.drop(errors.ConnectionError("the query was closed early"), "closed early")
        return self.leave()

    cdef int leave(self) except -1:
        """Lets go of what is not needed any more; there are circles of references."""
        self.ended = True
        if self.query.trace is not None:
            self.query.trace.over(self.failure)
        self.executor.streams.discard(self)
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        self.current = None
        self.in_flight.clear()
        self.queue.take_all()
        self.full.take_all()
        return self.wake()

    def end_early(self) -> None:
        """Give up what is under way, as the query was closed."""
        self.give_up()

    def close(self) -> None:
        """End it, as the executor is closed."""
        self.fail(errors.ClientClosed("the client is closed"))

    cdef object taken_failure(self):
        """The error with which it ended; None if there is none, or if it was taken already."""
        failure = self.failure
        self.failure = None
        return failure


cdef LoopQuery begin_query(LoopExecutor executor, object plan):
    """Begins a query in a loop. `plan`: its `QueryPlan`."""
    cdef LoopQuery query = LoopQuery.__new__(LoopQuery)
    query.executor = executor
    query.plan = plan
    query.query = <Query?>plan.query
    query.queue = Fifo()
    query.in_flight = set()
    query.full = Fifo()
    query.waiting = Fifo()
    query.went_round_at = now_ns()
    executor.streams.add(query)
    executor.slicer.do(query)
    return query


@cython.final
cdef class AsyncRecordset:
    """AsyncRecordset()\n--\n\nThe records of a query, as they come from the nodes; what `AsyncClient.query` gives.

    An asynchronous iterator, for one task or several of one loop, in which it begins with the first record that is asked for,
    and an asynchronous context manager. If it is not read to its end it is closed when nothing refers to it any more, or by
    `aclose`, or at the end of an `async with`: the nodes end it then. A task that is cancelled while it waits loses no record.

    Errors end it: they are raised once, by the record that is asked for then. What goes on behind the records that were given
    is `AsyncClient.query(statement, cursor=recordset.cursor)`.
    """

    cdef TaskExecutor executor              # None once it has ended
    cdef object plan                        # its `QueryPlan`
    cdef LoopQuery running                  # None before it begins
    cdef uint64_t forks                     # of the process it belongs to

    def __init__(self, *args: object, **kwargs: object) -> None:
        raise TypeError("AsyncClient.query makes an AsyncRecordset")

    @cython.binding(True)                   # without it the limited API has no class methods
    @classmethod
    def __class_getitem__(cls, given: object) -> object:
        return GenericAlias(cls, given)     # for annotations: what it gives

    def __aiter__(self) -> AsyncRecordset[R]:
        return self

    def __anext__(self) -> Coroutine[Any, Any, R]:
        return self._next()

    async def _next(self) -> R:
        cdef LoopQuery running = self.begin()
        cdef object record
        cdef Future future
        while running is not None:
            if now_ns() - running.went_round_at > TURN_TIME:    # who only takes what is there would hold the loop
                from asyncio import sleep as turn_of_loop

                await turn_of_loop(0)
                running.went_round_at = now_ns()
            record = running.next_record()
            if record is not None:
                if type(record) is Unfit:
                    raise (<Unfit>record).error
                return record
            if running.ended:
                self.executor = None
                failure = running.taken_failure()
                if failure is None:
                    break
                try:
                    raise failure
                finally:
                    failure = None
            if not self.executor.runs_in(running.executor.loop):
                raise RuntimeError("the query was begun in another loop")
            future = running.wait_for_record()
            await future
            running.went_round_at = now_ns()
        raise StopAsyncIteration

    cdef LoopQuery begin(self):
        """The query in its loop, which it begins in the running one; None if it was closed before."""
        if self.forks != forks:
            raise errors.ConnectionError(
                "the query was begun by another process, which goes on with it",
                advice="begin another one with its cursor",
            )
        if self.running is None and self.executor is not None:
            self.running = <LoopQuery>self.executor.begin_query(self.plan)
        return self.running

    @property
    def cursor(self) -> Cursor:
        """Where the query stands: a query of the same statement with this cursor gives the records that it has not given yet.

        It is there at any moment, also after `aclose` or an error.
        """
        return self.plan.cursor

    cdef int never_begun(self) except -1:
        """Tells who watches the query that it is over, if it has not begun."""
        cdef Trace trace = None if self.plan is None else (<Query?>self.plan.query).trace
        if trace is not None:
            trace.over(None)
        return 0

    async def aclose(self) -> None:
        """End the query: no connection stays in use, and no more records are given. Again is harmless."""
        self.executor = None
        if self.running is not None and self.forks == forks:
            self.running.give_up()
            self.running.failure = None
        elif self.running is None:
            self.never_begun()

    async def __aenter__(self) -> AsyncRecordset[R]:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def __del__(self) -> None:
        cdef LoopQuery running = self.running
        if running is None:
            self.never_begun()
            return
        if running.ended or self.forks != forks:
            return
        try:
            running.executor.loop.call_soon_threadsafe(running.end_early)
        except RuntimeError:                # the loop is closed
            pass

    def __repr__(self) -> str:
        if self.executor is None:
            return "<AsyncRecordset finished>"
        return f"<AsyncRecordset {self.plan.query.given} records given>"


cdef AsyncRecordset new_async_recordset(TaskExecutor executor, object plan):
    """A query that has not begun. `plan`: its `QueryPlan`."""
    cdef AsyncRecordset recordset = AsyncRecordset.__new__(AsyncRecordset)
    recordset.executor = executor
    recordset.plan = plan
    recordset.forks = forks
    return recordset
