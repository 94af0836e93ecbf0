# Runs queries for threads. A query is pulled: it is sent, and answers are received, while a thread waits for the next record,
# and at no other time; there is no thread behind it. A record is made when it is asked for, out of the frame it came in. What
# is not asked for stays in the nodes' sockets, and there the nodes wait.
#
# Which node is asked for which partitions, and which are asked for again, is told by the query's plan
# (`pyspike.plans.partitions`).

@cython.final
cdef class QueryRequests(NodeRequests):
    """The request to one node for partitions of a query."""

    cdef NodeQuery asked
    cdef int64_t read_at                    # when the socket was last read as far as that went
    cdef bint neglected                     # whether that was so long before that the node may have given up

    cdef inline QueryReader reader(self):
        return self.asked.reader

    cdef int look(self, int64_t now) except -1:
        """Notes that the socket is read now, and whether the node had to wait for that for about as long as it was told."""
        cdef int64_t patience = self.command.attempt_timeout
        if self.read_at and now - self.read_at > patience - patience // 8:
            self.neglected = True
        self.read_at = now
        return 0


@cython.final
cdef class QueryExchanges(Exchanges):
    """The requests of a query that are under way."""

    cdef Query query
    cdef object plan                        # its `QueryPlan`
    cdef Routing routing
    cdef list full                          # QueryRequests with records that have come, in the order in which they came
    cdef int64_t route_at                   # when partitions may be asked for that no request asks for; FOREVER: there are none
    cdef int64_t longest_wait               # ns that `go_on` waits at most

    def __cinit__(self) -> None:
        self.full = []
        self.longest_wait = FOREVER

    # --- asking ---

    cdef int route(self) except -1:
        """Queues requests for the partitions that are due, by the map of the moment."""
        cdef QueryRequests requests
        heed_fork()
        for asked in self.plan.route(self.routing.current()):
            requests = QueryRequests.__new__(QueryRequests)
            requests.asked = <NodeQuery>asked
            requests.node = requests.asked.node
            requests.command = requests.asked.make_command()
            self.queue.append(requests)
        return self.plan_route()

    cdef int plan_route(self) except -1:
        """Finds out when there is more to ask for."""
        self.route_at = FOREVER if self.plan.wanted == 0 else self.query.partitions.first_due()
        return 0

    # --- what comes ---

    cdef Reading came(self, NodeRequests requests) except *:
        if (<QueryRequests>requests).reader().at_record:
            requests.held = True
            (<QueryRequests>requests).read_at = now_ns()
            self.full.append(requests)
        return MAY_WAIT

    cdef int answered(self, NodeRequests requests) except -1:
        cdef QueryRequests ended = <QueryRequests>requests
        ended.command = None
        ended.node.counters.count_query(ended.asked.reader.given, False)
        self.plan.ended(ended.asked)
        return self.plan_route()

    cdef int failed(self, NodeRequests requests, object error, bint sent) except -1:
        cdef QueryRequests ended = <QueryRequests>requests
        ended.node.counters.count_query(ended.asked.reader.given, True)
        self.plan.failed(
            ended.asked, error, (now_ns() - ended.began) / <double>MILLISECOND, sent=sent, neglected=ended.neglected
        )
        return self.plan_route()

    # --- running ---

    cdef int go_on(self, bint waits) except -1:
        """Sends and receives; where it `waits`, until something has happened."""
        cdef int64_t now = now_ns()
        if self.query.started and self.query.deadline <= now:
            return self.time_out()
        if self.route_at <= now:
            self.route()
        self.look(now)
        if waits:
            self.begin_queued(self.time_to_route())
            if not self.in_flight:
                return 0 if self.queue else self.pause()
        self.wait(self.time_to_route() if waits else 0)
        return self.look(0)

    cdef inline int64_t time_to_route(self) noexcept:
        """Returns the ns until there is more to ask for."""
        return min(self.longest_wait, FOREVER if self.route_at == FOREVER else max(<int64_t>0, self.route_at - now_ns()))

    cdef int look(self, int64_t now) except -1:
        """Notes that the sockets are read, `now`, or with 0 that they were read just now, however long that took."""
        cdef QueryRequests requests
        for each in self.in_flight:
            requests = <QueryRequests>each
            if requests.held:
                continue
            if now:
                requests.look(now)
            else:
                requests.read_at = now_ns()
        return 0

    cdef int pause(self) except -1:
        """Waits until partitions may be asked for again."""
        cdef int64_t span
        if self.plan.error is not None or self.plan.done or self.route_at == FOREVER:
            return 0
        span = self.route_at - now_ns()
        if span > 0:
            self.routing.count_retrying(1)
            try:
                sleep(span / <double>SECOND)
            finally:
                self.routing.count_retrying(-1)
        return 0

    cdef int time_out(self) except -1:
        """Ends the requests under way, as the query's time is over."""
        self.full = []
        for requests in list(self.in_flight):
            self.fail(<NodeRequests>requests, errors.TimeoutError("the query's time is over"))
        if self.plan.error is None:
            self.route_at = 0
            self.route()
            self.begin_queued(0)
        return 0

    cdef int break_off(self, str reason) except -1:
        cdef QueryRequests requests
        for each in self.in_flight:
            requests = <QueryRequests>each
            requests.node.counters.count_query(requests.asked.reader.given, True)
        self.full = []
        return Exchanges.break_off(self, reason)


@cython.final
cdef class Recordset:
    """Recordset()\n--\n\nThe records of a query, as they come from the nodes; what `Client.query` gives.

    An iterator, for one thread or several, and a context manager. The query begins with the first record that is asked for.
    If it is not read to its end it is closed when nothing refers to it any more, or by `close`, or at the end of a `with`: the
    nodes end it then. In a forked child it can only be closed; the parent goes on with it.

    Errors end it: they are raised once, by the record that is asked for then. What goes on behind the records that were given
    is `Client.query(statement, cursor=recordset.cursor)`.
    """

    cdef QueryExchanges exchanges
    cdef Gate gate                          # whoever takes a record or receives is in it
    cdef QueryRequests current              # whose frame records are taken from; None if there is none
    cdef str ended                          # why it ends, if it is to; None before
    cdef bint finished
    cdef uint64_t forks                     # of the process it belongs to

    def __cinit__(self, *args: object, **kwargs: object) -> None:
        self.exchanges = QueryExchanges.__new__(QueryExchanges)
        self.gate = Gate()
        self.forks = forks
        self.finished = True                # until `open_recordset` has completed it

    def __init__(self, *args: object, **kwargs: object) -> None:
        raise TypeError("Client.query makes a Recordset")

    @cython.binding(True)                   # without it the limited API has no class methods
    @classmethod
    def __class_getitem__(cls, given: object) -> object:
        return GenericAlias(cls, given)     # for annotations: what it gives

    def __iter__(self) -> Recordset[R]:
        return self

    def __next__(self) -> R:
        cdef object record
        if self.forks != forks:
            self.refuse_process()
        if not self.gate.try_enter():
            self.wait()
        try:
            record = self.next_record()
        except BaseException as error:      # also Ctrl-C, no memory
            self.end("interrupted", error)
            raise
        finally:
            self.gate.leave()
        if self.ended is not None:          # another thread closed it meanwhile
            self.close()
        if record is None:
            raise StopIteration
        if type(record) is Unfit:
            raise (<Unfit>record).error
        return record

    cdef inline object next_record(self):
        """Returns the next record; None if there are no more."""
        cdef object record
        if self.current is not None:
            try:
                record = self.current.reader().take()
            except errors.AerospikeError as error:
                self.exchanges.fail(self.current, error)
                self.current = None
            else:
                if record is not None:
                    return record
        return self.pull()

    cdef object pull(self):
        """Receives until there is a record; None if there are no more."""
        cdef QueryExchanges exchanges = self.exchanges
        cdef object record
        while self.ended is None and not self.finished:
            if self.current is not None:
                self.finish_frame()
            elif exchanges.full:
                self.current = <QueryRequests>exchanges.full.pop(0)
                try:
                    record = self.current.reader().take()
                except errors.AerospikeError as error:
                    exchanges.fail(self.current, error)
                    self.current = None
                    continue
                if record is not None:
                    return record
            elif exchanges.plan.error is not None:
                failure = exchanges.plan.error
                self.end("failed", failure)
                raise failure
            elif exchanges.plan.done:
                self.end("finished")
            else:
                exchanges.go_on(True)
                self.check_process()        # code that ran on a signal may have forked
        return None

    cdef int finish_frame(self) except -1:
        """After the records of a frame: reads what follows, and what other nodes have sent meanwhile."""
        cdef QueryExchanges exchanges = self.exchanges
        cdef QueryRequests requests = self.current
        cdef int64_t now = now_ns()
        self.current = None
        if exchanges.query.deadline <= now:
            return exchanges.time_out()
        requests.look(now)
        exchanges.advance(requests, MSG_DONTWAIT)
        if exchanges.full and len(exchanges.in_flight) > len(exchanges.full):
            exchanges.go_on(False)
        return 0

    cdef int wait(self) except -1:
        """Waits until the thread is done that takes a record now."""
        if self.gate.is_mine():
            raise errors.InvalidArgument("a query can't be read while it is being read in the same thread")
        return self.gate.wait()

    cdef int check_process(self) except -1:
        if self.forks != forks:
            self.refuse_process()
        return 0

    cdef int refuse_process(self) except -1:
        raise errors.ConnectionError(
            "the query was begun by another process, which goes on with it", advice="begin another one with its cursor"
        )

    cdef int end(self, str why, object error=None) except -1:
        cdef Trace trace = self.exchanges.query.trace
        self.finished = True
        self.current = None
        self.exchanges.break_off(why)
        if trace is not None:
            trace.over(error)
        return 0

    @property
    def cursor(self) -> Cursor:
        """Where the query stands: a query of the same statement with this cursor gives the records that it has not given yet.

        It is there at any moment, also after `close` or an error.
        """
        return self.exchanges.plan.cursor

    def close(self) -> None:
        """End the query: no connection stays in use, and no more records are given. Again is harmless.

        If another thread waits for the next record, the query ends when that thread has it.
        """
        if self.forks != forks:
            self.finished = True
            return
        self.ended = "closed early"
        if not self.finished and self.gate.try_enter():
            try:
                self.end("closed early")
            finally:
                self.gate.leave()

    def __del__(self) -> None:
        self.close()

    def __enter__(self) -> Recordset[R]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Recordset {'finished' if self.finished else f'{self.exchanges.query.given} records given'}>"


cdef Recordset open_recordset(Routing routing, object plan):
    """A query that has not begun. `plan`: its `QueryPlan`."""
    cdef Recordset recordset = Recordset.__new__(Recordset)
    recordset.exchanges.plan = plan
    recordset.exchanges.query = <Query?>plan.query
    recordset.exchanges.routing = routing
    recordset.exchanges.most_at_once = recordset.exchanges.query.settings.max_concurrent_nodes
    recordset.finished = False
    return recordset
