# A stream of rows through batches, for threads. It is pulled: rows are read, sent and answered while a thread waits for the next
# outcome, and at no other time; there is no thread behind it.
#
# Between two outcomes the caller's thread is elsewhere, and answers are under way. Their connections are not in anybody's way
# meanwhile: whoever needs one, and the tend thread in each round, reads what has arrived (`Keeper`) and gives back those whose
# answers are whole. The time that the caller is away does not count for deadlines.

cdef enum:
    LONGEST_READ = 5_000_000                # ns after which rows of answers are handed over although more can be read


cdef class StreamExchanges(BatchExchanges):
    """The batches of a stream that are under way, and what came of their rows."""

    cdef object lock                        # is held by the thread that sends or reads
    cdef unsigned long holder               # that thread, 0: none
    cdef object reference                   # a weak one to this, for pools
    cdef list pools                         # that have it
    cdef set asked                          # nodes with a group under way
    cdef set batches                        # that have rows without an outcome
    cdef list ready                         # outcomes that the caller did not get yet, from `taken` on
    cdef Py_ssize_t taken
    cdef int64_t entered_at                 # when the last thread came
    cdef int64_t left_at                    # when the last thread left; 0: one is there, or nothing is under way
    cdef str ended                          # why it ends, if it is to end; None before
    cdef object broken                      # the error that broke it off while another thread read; None before

    def __cinit__(self) -> None:
        self.lock = Lock()
        self.reference = ref(self)
        self.pools = []
        self.asked = set()
        self.batches = set()
        self.ready = []

    # --- one thread at a time ---

    cdef bint enter(self, bint may_wait) except -1:
        """Lets this thread send and read, if need be when another one has read what there was; False if it may not wait."""
        cdef int64_t away
        if not self.lock.acquire(may_wait):
            return False
        self.holder = get_ident()
        self.entered_at = now_ns()
        if self.left_at:
            away = self.entered_at - self.left_at
            self.left_at = 0
            self.put_off(away)
        return True

    cdef int leave(self) except -1:
        """Lets other threads send and read."""
        self.forget_retries()               # `close` of the client does not wait for who is elsewhere
        if self.ended is not None:
            self.break_off(self.ended)
        elif self.is_busy():
            self.left_at = now_ns()
        self.holder = 0
        self.lock.release()
        if self.ended is not None:          # it may have been told meanwhile
            self.finish(self.ended)
        return 0

    cdef int finish(self, str why) except -1:
        """Ends all that is under way: now, or as soon as the thread leaves that sends or reads at the moment."""
        self.ended = why
        if self.holder != get_ident() and self.lock.acquire(False):
            try:
                self.break_off(why)
            finally:
                self.lock.release()
        return 0

    cdef int break_off(self, str reason) except -1:
        self.batches.clear()
        self.asked.clear()
        pools = self.pools
        self.pools = []
        for pool in pools:
            (<Pool>pool).remove_keeper(self.reference)
        return BatchExchanges.break_off(self, reason)

    cdef int put_off(self, int64_t span) except -1:
        """Moves the deadlines of what is under way, as nobody was there for a while.

        How long a node was silent counts all the same: what it has sent meanwhile is in the socket.
        """
        cdef NodeRequests requests
        cdef Batch batch
        for each in self.batches:
            batch = <Batch>each
            batch.deadline = after(batch.deadline, span)
        for each in self.in_flight + self.queue:
            requests = <NodeRequests>each
            requests.began += span
            requests.command.deadline = after(requests.command.deadline, span)
            if requests.connection is not None:
                requests.connection.x.deadline = requests.command.deadline
                if requests.connection.x.sent < requests.connection.x.out_size:
                    requests.connection.x.moved_at += span
        return 0

    # --- sending ---

    cdef int begin_group(self, object plan, NodeRows rows) except -1:
        """Queues a group of rows; the next one may go to its node when that has answered."""
        self.batches.add(rows.batch)
        if rows.node is None or not rows.node.active:
            return self.ask(plan, None)     # by the map of the moment; rows that nobody can be asked for fail
        self.asked.add(rows.node)
        self.ask_node(plan, rows).is_group = True
        return 0

    cdef int ask(self, object plan, list numbers) except -1:
        BatchExchanges.ask(self, plan, numbers)
        return self.hand_over(<Batch>plan.batch)

    cdef int took(self, NodeRequests requests) except -1:
        if requests.pool not in self.pools:
            self.pools.append(requests.pool)
            requests.pool.add_keeper(self.reference)
        return 0

    # --- what comes ---

    cdef bint has_news(self) except -1:
        return len(self.ready) > self.taken

    cdef int hand_over(self, Batch batch) except -1:
        """Makes the outcomes of rows that were answered or have failed ready for the caller."""
        cdef list found = new_outcomes(batch)
        if found:
            with cython.critical_section(self):
                self.ready += found
        if not batch.left:
            self.batches.discard(batch)
        return 0

    cdef BatchRecord next_outcome(self):
        """An outcome that is ready, or None."""
        cdef BatchRecord outcome = None
        with cython.critical_section(self):
            if self.taken < <Py_ssize_t>len(self.ready):
                outcome = <BatchRecord>self.ready[self.taken]
                self.ready[self.taken] = None
                self.taken += 1
                if self.taken == <Py_ssize_t>len(self.ready):
                    self.ready = []
                    self.taken = 0
        return outcome

    cdef Reading came(self, NodeRequests requests) except *:
        cdef RowRequests asked = <RowRequests>requests
        if (<BatchReader>asked.command.reader).failed:
            self.tell_answers(asked)
        self.hand_over(asked.rows.batch)
        if not self.has_news():
            return MAY_WAIT
        return NO_MORE_NOW if now_ns() - self.entered_at > LONGEST_READ else WHAT_IS_THERE

    cdef int answered(self, NodeRequests requests) except -1:
        cdef RowRequests asked = <RowRequests>requests
        BatchExchanges.answered(self, requests)
        self.hand_over(asked.rows.batch)
        if asked.command is None:
            self.close_group(asked)
        return 0

    cdef int failed(self, NodeRequests requests, object error, bint sent) except -1:
        cdef RowRequests asked = <RowRequests>requests
        BatchExchanges.failed(self, requests, error, sent)
        self.hand_over(asked.rows.batch)
        self.close_group(asked)
        return 0

    cdef int close_group(self, RowRequests requests) except -1:
        """Lets the next group go to the node."""
        if requests.is_group:
            self.asked.discard(requests.node)
        return 0

    cdef int relieve(self) except -1:
        cdef NodeRequests requests
        if not self.in_flight or not self.enter(False):
            return 0
        try:
            for each in list(self.in_flight):
                requests = <NodeRequests>each
                requests.paused = True
                while requests.paused:
                    self.advance(requests, MSG_DONTWAIT)
        except Exception as error:
            self.broken = error
            self.ended = "interrupted"
        except BaseException as error:      # the other thread was interrupted, and goes on to be
            self.broken = error
            self.ended = "interrupted"
            raise
        finally:
            self.leave()
        return 0


@cython.final
cdef class BatchStream:
    """BatchStream()\n--\n\nThe outcomes of a stream of rows, each as soon as it is there; what `Client.batch_stream` gives.

    An iterator, for one thread or several. One that is not read to its end is closed when nothing refers to it any more, or by
    `close`, or at the end of a `with`: rows under way may have been done then, or not. In a forked child it can only be closed.
    """

    cdef StreamExchanges exchanges
    cdef RowGroups groups
    cdef Routing routing                    # of the cluster
    cdef object cluster
    cdef object plan_of                     # of the cluster and a Batch
    cdef object rows                        # an iterator; None when it has ended
    cdef object failure                     # the error with which it ended; None without one
    cdef Py_ssize_t under_way               # rows that were read and not handed over
    cdef object pulling                     # a lock, held by the thread that waits for an outcome
    cdef unsigned long puller               # that thread; 0: none
    cdef bint finished
    cdef uint64_t forks                     # of the process it belongs to

    def __cinit__(self, *args: object, **kwargs: object) -> None:
        self.exchanges = StreamExchanges.__new__(StreamExchanges)
        self.pulling = Lock()
        self.forks = forks
        self.finished = True                # until `batch_stream` has completed it

    def __init__(self, *args: object, **kwargs: object) -> None:
        raise TypeError("Client.batch_stream makes a BatchStream")

    @cython.binding(True)                   # without it the limited API has no class methods
    @classmethod
    def __class_getitem__(cls, given: object) -> object:
        return GenericAlias(cls, given)     # for annotations: of what the values of its outcomes are

    def __iter__(self) -> BatchStream[V]:
        return self

    def __next__(self) -> BatchRecord[V]:
        cdef BatchRecord outcome
        while True:
            outcome = self.exchanges.next_outcome()
            if outcome is not None:
                with cython.critical_section(self):
                    self.under_way -= 1
                return outcome
            if self.finished:
                raise StopIteration
            self.pull()

    cdef int pull(self) except -1:
        """Reads and sends rows, and waits, until there is an outcome or there will be none any more."""
        self.check_process()
        heed_fork()
        if self.puller == get_ident():
            raise errors.InvalidArgument("a stream can't be read while it reads its rows or its answers in the same thread")
        self.pulling.acquire()
        try:
            self.puller = get_ident()
            self.go_on()
        except BaseException as error:      # Ctrl-C, no memory, or there are no rows any more, with an error
            self.end("interrupted", error)
            raise
        finally:
            self.puller = 0
            self.pulling.release()
        return 0

    cdef int check_process(self) except -1:
        if self.forks != forks:
            raise errors.ConnectionError("the stream was begun by another process, which goes on with it")
        return 0

    cdef int go_on(self) except -1:
        cdef StreamExchanges exchanges = self.exchanges
        cdef int64_t span
        while not self.finished and not exchanges.has_news():
            span = self.read()
            self.check_process()            # reading rows may have forked
            if exchanges.ended is not None:
                self.raise_broken()
                self.end("closed early")
                return 0
            exchanges.enter(True)
            try:
                exchanges.note_retries()
                self.begin_groups()
                exchanges.step(span)
                self.begin_groups()
                exchanges.begin_free()      # what goes out before the caller gets something is under way meanwhile
            finally:
                exchanges.leave()
            if self.rows is None and self.groups.is_empty() and not exchanges.is_busy() and not exchanges.has_news():
                failure = self.failure
                self.failure = None
                self.end("finished", failure)
                if failure is not None:
                    raise failure
        return 0

    cdef int begin_groups(self) except -1:
        """Queues a group for each node that has none under way."""
        cdef StreamExchanges exchanges = self.exchanges
        cdef NodeRows rows
        for node in self.groups.nodes():
            if node in exchanges.asked or (exchanges.most_at_once and exchanges.is_busy()):
                continue
            rows = self.groups.take(<Node>node)
            exchanges.begin_group(self.plan_of(self.cluster, rows.batch), rows)
        return 0

    cdef int64_t read(self) except -1:
        """Reads rows, as many as may be under way, or as many as come while they come quickly.

        Returns how long the wait for answers may take then. Where rows come slowly that is as long as the reading took: then
        answers are waited for and rows are read half the time each, as nobody knows which come first.
        """
        cdef PartitionMap partitions
        cdef int64_t began, took
        if self.rows is None or self.under_way >= self.groups.in_flight or self.exchanges.ended is not None:
            return FOREVER
        if self.cluster.closed:
            return self.stop_reading(errors.ClientClosed("the client is closed"))
        partitions = self.routing.current()
        began = now_ns()
        try:
            while True:
                row = next(self.rows, NO_MORE_ROWS)
                if row is NO_MORE_ROWS:
                    return self.stop_reading(None)
                self.groups.add(row, partitions)
                with cython.critical_section(self):
                    self.under_way += 1
                if self.under_way >= self.groups.in_flight or self.exchanges.ended is not None:
                    return FOREVER
                took = now_ns() - began
                if took > READING:
                    return took
        except Exception as error:          # the rows before it have their outcomes first
            return self.stop_reading(error)

    cdef int64_t stop_reading(self, object failure):
        self.rows = None
        self.failure = failure
        return FOREVER

    cdef int raise_broken(self) except -1:
        """Raises if another thread, which read the answers that this one was not there for, was interrupted."""
        broken = self.exchanges.broken
        self.exchanges.broken = None
        if broken is not None:
            raise errors.AerospikeError(f"rows are lost, as reading them was interrupted: {broken!r}") from broken
        return 0

    cdef int end(self, str why, object error=None) except -1:
        self.finished = True
        self.rows = None
        self.exchanges.finish(why)
        if self.groups is not None:
            self.groups.waiting.clear()
            self.groups.over(error)
        return 0

    def close(self) -> None:
        """End the stream: no connection stays in use, and no row is read or handed over any more. Again is harmless.

        If another thread waits for the next outcome, it ends when that thread has it.
        """
        cdef StreamExchanges exchanges = self.exchanges
        if self.forks != forks:
            self.finished = True
            return
        exchanges.finish("closed early")
        if self.pulling.acquire(False):
            try:
                self.end("closed early")
                with cython.critical_section(exchanges):
                    exchanges.ready = []
                    exchanges.taken = 0
            finally:
                self.pulling.release()

    def __del__(self) -> None:
        self.close()

    def __enter__(self) -> BatchStream[V]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<BatchStream {'finished' if self.finished else f'{self.under_way} rows under way'}>"


cdef BatchStream open_stream(Routing routing, object cluster, object plan_of, object rows, RowGroups groups):
    """A stream of rows from any iterable. `groups` are empty, and say how rows are sent.

    Raises:
        InvalidType: the rows can't be iterated.
    """
    cdef BatchStream stream = BatchStream.__new__(BatchStream)
    stream.rows = iterator_of_rows(rows)
    stream.exchanges.routing = routing
    stream.exchanges.most_at_once = 1 if groups.settings.sequential else 0
    stream.groups = groups
    stream.routing = routing
    stream.cluster = cluster
    stream.plan_of = plan_of
    stream.finished = False
    return stream
