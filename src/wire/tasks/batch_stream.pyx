# A stream of rows through batches, for tasks. Rows that come from an iterable are read while a task waits for the next outcome,
# and those that tasks make by a task of the stream's own, as far as may be in flight. Requests go out and answers come in
# whatever the tasks do; only when many bytes of answers wait for them, the rest stays in the sockets.
#
# Not here: how rows are put into groups (`batch_groups.pyx`), and what becomes of requests (`row_requests.pyx`).

cdef enum:
    MOST_UNREAD = 262_144                   # bytes of answers that nobody has asked for yet, after which no more are read


@cython.final
cdef class LoopStream(LoopRows):
    """The rows of a stream that are under way in a loop, and what came of them."""

    cdef RowGroups groups
    cdef object plan_of                     # of a Batch
    cdef object rows                        # an iterator; None when it has ended, and where a task reads the rows
    cdef object feeder                      # the task that reads the rows of an asynchronous iterable; None for others
    cdef Future room                        # what that task waits for, as enough rows are under way; None while it reads
    cdef bint told_of_rows                  # whether `take_up` will be called
    cdef bint all_read
    cdef object failure                     # the error with which it ends; None without one
    cdef int64_t reading_since              # when rows began to be read that are sent together; 0 while none are
    cdef Py_ssize_t under_way               # rows that were read and not handed over
    cdef set asked                          # nodes with a group under way
    cdef Fifo ready                         # BatchRecords for whoever asks next
    cdef size_t unread                      # bytes of the answers that they are of, or more
    cdef Fifo waiting                       # Futures of tasks that wait for an outcome
    cdef list aside                         # connections on which answers wait
    cdef int64_t went_round_at              # when the loop went on last before an outcome was handed over
    cdef Fifo dropped                       # what is to be freed, as the stream was given up; None before

    def __cinit__(self) -> None:
        self.asked = set()
        self.ready = Fifo()
        self.waiting = Fifo()
        self.aside = []

    # --- reading and sending ---

    cdef bint go_on(self, int64_t until) except -1:
        while self.ask(until):
            if self.ended:
                return True
            if not self.read(until):
                return False
            if not self.begin_groups():
                if self.all_read and self.groups.is_empty() and not self.is_asking():
                    self.finish()
                return True
        return False

    cdef bint read(self, int64_t until) except -1:
        """Reads rows, as many as may be under way, or as many as come while they come quickly; returns False if the time is
        over before."""
        cdef PartitionMap partitions
        cdef int64_t now
        if self.rows is None or self.under_way >= self.groups.in_flight:
            self.reading_since = 0
            return True
        if not self.reading_since:
            if self.ready.count() or not self.is_awaited:
                return True
            self.reading_since = now_ns()
        if self.executor.closed or self.executor.routing.refusing:
            return self.stop_reading(errors.ClientClosed("the client is closed"))
        partitions = self.executor.routing.current()
        try:
            while True:
                row = next(self.rows, NO_MORE_ROWS)
                if self.ended:              # its own rows may have closed it
                    return True
                if row is NO_MORE_ROWS:
                    return self.stop_reading(None)
                self.groups.add(row, partitions)
                self.under_way += 1
                now = now_ns()
                if self.under_way >= self.groups.in_flight or now - self.reading_since > READING:
                    break
                if now >= until:
                    return False
        except Exception as error:          # the rows before it have their outcomes first
            return self.stop_reading(error)
        self.reading_since = 0
        return True

    cdef bint stop_reading(self, object failure) except -1:
        self.rows = None
        self.reading_since = 0
        if not self.all_read:
            self.all_read = True
            self.failure = failure
        return True

    cdef bint begin_groups(self) except -1:
        """Queues a group for each node that has none under way; returns whether there was one."""
        cdef NodeRows rows
        cdef NodeRequest request
        cdef bint begun = False
        for node in self.groups.nodes():
            if node in self.asked or (self.one_at_a_time and self.is_asking()):
                continue
            rows = self.groups.take(<Node>node)
            plan = self.plan_of(rows.batch)
            begun = True
            if rows.node is None or not rows.node.active:
                self.unrouted.append((plan, None))      # by the map of the moment; rows that nobody can be asked for fail
                continue
            self.asked.add(rows.node)
            request = self.request(plan, rows)
            request.is_group = True
            self.queue.push(request)
        return begun

    cdef int close_group(self, NodeRequest request) except -1:
        if request.is_group:
            self.asked.discard(request.rows.node)
        return 0

    # --- rows that tasks make ---

    async def feed(self, rows: AsyncIterable[BatchRow]) -> None:
        """Read the rows of an asynchronous iterable, in a task of their own.

        Args:
            rows: the iterable.
        """
        from asyncio import CancelledError, sleep as turn_of_loop

        cdef int64_t since = now_ns()
        try:
            async for row in rows:
                if self.ended:
                    return
                if self.all_read:           # the client is closed
                    break
                self.groups.add(row, self.executor.routing.current())
                self.under_way += 1
                self.tell_of_rows()
                if self.under_way >= self.groups.in_flight:
                    self.room = new_future(self.executor)
                    await self.room
                elif now_ns() - since > SLICE_TIME:
                    await turn_of_loop(0)
                else:
                    continue
                since = now_ns()
            self.stop_reading(None)
        except Exception as error:          # the rows before it have their outcomes first
            self.stop_reading(error)
        except BaseException as error:
            if self.ended:
                raise
            if isinstance(error, CancelledError):       # by what it waited for, or as the loop ends
                self.stop_reading(error)
            else:
                self.fail(error)
                raise
        finally:
            self.room = None
            self.tell_of_rows()

    cdef int tell_of_rows(self) except -1:
        """Has the rows taken up that were read, in the loop's next turn: more may come in this one."""
        if not self.told_of_rows and not self.ended:
            self.told_of_rows = True
            self.executor.loop.call_soon(self.take_up)
        return 0

    def take_up(self) -> None:
        """Send the rows that were read."""
        self.told_of_rows = False
        self.executor.slicer.do(self)

    # --- what comes ---

    cdef int came(self, NodeRequest request) except -1:
        cdef BatchReader reader = <BatchReader>request.command.reader
        self.unread += reader.taken
        reader.taken = 0
        request.count_sent()
        if reader.failed:
            self.tell_answers(request, None)
            self.executor.slicer.do(self)
        return self.told(request.plan)

    cdef int told(self, object plan) except -1:
        """Makes the outcomes ready of rows that were answered or have failed, and wakes who waits for them."""
        if self.ended:
            return 0
        for outcome in new_outcomes(<Batch?>plan.batch):
            self.ready.push(outcome)
        return self.wake()

    cdef bint has_enough(self) except -1:
        return self.unread >= MOST_UNREAD and self.ready.count() > 0 and not self.is_awaited

    cdef int set_connection_aside(self, Job connection) except -1:
        connection.set_aside = True
        self.aside.append(connection)
        return 0

    cdef int take_answers(self) except -1:
        """Has the answers read that wait on connections."""
        aside = self.aside
        self.aside = []
        for connection in aside:
            self.executor.slicer.resume(<Job>connection)
        return 0

    # --- handing over ---

    cdef BatchRecord next_outcome(self):
        """An outcome that is ready, or None."""
        cdef BatchRecord outcome
        if self.ready.count() == 0:
            return None
        outcome = <BatchRecord>self.ready.take()
        if self.ready.count() == 0:
            self.unread = 0
        self.under_way -= 1
        if self.room is not None and 2 * self.under_way <= self.groups.in_flight:
            self.make_room()
        return outcome

    cdef int make_room(self) except -1:
        """Has the task go on that reads rows."""
        cdef Future room = self.room
        self.room = None
        if room is not None and room.state == PENDING:
            room.end(RESOLVED, None)
        return 0

    @property
    def is_awaited(self) -> bool:
        """Whether a task waits for an outcome."""
        while self.waiting.count() and (<Future>self.waiting.get(0)).state != PENDING:
            self.waiting.take()
        return self.waiting.count() > 0

    cdef Future wait_for_outcome(self):
        """Goes on with all that is to be done, and returns a future that ends when there may be an outcome."""
        cdef Future future = new_future(self.executor)
        self.waiting.push(future)
        self.take_answers()
        self.executor.slicer.do(self)
        return future

    cdef int forget(self, Future future) except -1:
        """A task does not wait any more: another one gets what it was woken for."""
        for other in self.waiting.take_all():
            if other is not future:
                self.waiting.push(other)
        return self.wake()

    cdef int wake(self) except -1:
        """Wakes tasks, one for each outcome, or all in the end."""
        cdef Future future
        cdef Py_ssize_t count = self.waiting.count() if self.ended else self.ready.count()
        while count and self.waiting.count():
            future = <Future>self.waiting.take()
            if future.state == PENDING:
                future.end(RESOLVED, None)
                count -= 1
        return 0

    # --- the end ---

    cdef int finish(self) except -1:
        """Ends it, now that each row has its outcome."""
        self.leave()
        return self.wake()

    cdef int fail(self, object error) except -1:
        if not self.ended:
            self.groups.over(error)
            self.give_up()
            self.failure = error
        return 0

    cdef int give_up(self) except -1:
        if self.ended:
            return 0
        self.dropped = self.ready
        self.ready = Fifo()
        for groups in self.groups.waiting.values():
            for group in groups:
                self.dropped.push(group)
        self.failure = None
        LoopRows.give_up(self)
        self.take_answers()
        self.stop_feeding()
        return self.wake()

    cdef bint drop(self, int64_t until) except -1:
        while self.dropped is not None and self.dropped.count():
            self.dropped.take()
            if now_ns() >= until:
                return False
        return True

    cdef int stop_feeding(self) except -1:
        """Cancels the task that reads rows, unless it is that one which ends the stream."""
        if self.feeder is None:
            return 0
        from asyncio import current_task

        if current_task(self.executor.loop) is not self.feeder:
            self.feeder.cancel()
        return 0

    def end_early(self) -> None:
        """Give up what is under way, as the stream was closed."""
        self.give_up()

    def close(self) -> None:
        """Read no more rows, as the executor is closed. Rows under way fail."""
        self.stop_reading(errors.ClientClosed("the client is closed"))
        self.stop_feeding()
        LoopRows.close(self)

    cdef int leave(self) except -1:
        LoopRows.leave(self)
        self.executor.streams.discard(self)
        self.rows = self.plan_of = None
        self.groups.waiting.clear()
        self.groups.over(self.failure)
        self.asked = None
        return 0

    cdef object taken_failure(self):
        """The error with which the stream ended; None if there is none, or if it was taken already."""
        failure = self.failure
        self.failure = None
        return failure


cdef Future new_future(LoopExecutor executor):
    cdef Future future = Future.__new__(Future)
    future.wakeups = executor.wakeups
    return future


cdef LoopStream begin_stream(LoopExecutor executor, object plan_of, object rows, RowGroups groups):
    """Begins a stream in a loop, by which nothing is read yet. `rows`: an iterator, or an asynchronous iterable."""
    cdef LoopStream stream = LoopStream.__new__(LoopStream)
    stream.executor = executor
    stream.one_at_a_time = groups.settings.sequential
    stream.groups = groups
    stream.plan_of = plan_of
    if has_async_rows(rows):
        stream.feeder = executor.loop.create_task(stream.feed(rows))
    else:
        stream.rows = rows
    executor.streams.add(stream)
    stream.went_round_at = now_ns()
    return stream


cdef inline bint has_async_rows(object rows):
    return hasattr(type(rows), "__aiter__")


@cython.final
cdef class AsyncBatchStream:
    """AsyncBatchStream()\n--\n\nThe outcomes of a stream of rows, each as soon as it is there: `AsyncClient.batch_stream`.

    An asynchronous iterator, for one task or several of one loop, in which it begins with the first outcome that is asked for.
    One that is not read to its end is closed when nothing refers to it any more, or by `aclose`, or at the end of an `async
    with`: rows under way may have been done then, or not. A task that is cancelled while it waits loses no outcome.
    """

    cdef TaskExecutor executor              # None once it has ended
    cdef RowGroups groups
    cdef object rows                        # until it begins
    cdef LoopStream stream                  # None before
    cdef uint64_t forks                     # of the process it belongs to

    def __init__(self, *args: object, **kwargs: object) -> None:
        raise TypeError("AsyncClient.batch_stream makes an AsyncBatchStream")

    @cython.binding(True)                   # without it the limited API has no class methods
    @classmethod
    def __class_getitem__(cls, given: object) -> object:
        return GenericAlias(cls, given)     # for annotations: of what the values of its outcomes are

    def __aiter__(self) -> AsyncBatchStream[V]:
        return self

    def __anext__(self) -> Coroutine[Any, Any, BatchRecord[V]]:
        return self._next()

    async def _next(self) -> BatchRecord[V]:
        cdef LoopStream stream = self.begin()
        cdef BatchRecord outcome
        cdef Future future
        while stream is not None:
            if stream.ready.count():
                if now_ns() - stream.went_round_at > TURN_TIME:     # who only takes what is there would hold the loop
                    from asyncio import sleep as turn_of_loop

                    await turn_of_loop(0)
                    stream.went_round_at = now_ns()
                outcome = stream.next_outcome()
                if outcome is not None:
                    return outcome
            if stream.ended:
                self.executor = None
                failure = stream.taken_failure()
                if failure is None:
                    break
                try:
                    raise failure
                finally:
                    failure = None
            if not self.executor.runs_in(stream.executor.loop):
                raise RuntimeError("the stream was begun in another loop")
            future = stream.wait_for_outcome()
            try:
                await future
            except BaseException:
                stream.forget(future)
                raise
            stream.went_round_at = now_ns()
        raise StopAsyncIteration

    cdef LoopStream begin(self):
        """The stream in its loop, which it begins in the running one; None if it was closed before."""
        if self.stream is None and self.executor is not None:
            self.stream = <LoopStream>self.executor.begin_stream(self.rows, self.groups)
            self.rows = None
        return self.stream

    async def aclose(self) -> None:
        """End the stream: no row is read or handed over any more, and nobody waits for what is under way. Again is harmless.

        What was sent may still be done. Its answers are read to their ends, or its connections closed at its deadline. If the
        rows are made by tasks, this returns when no more is.
        """
        cdef LoopStream stream = self.stream
        self.executor = None
        self.rows = None
        if stream is None:
            if self.groups is not None:
                self.groups.over(None)
            return
        stream.give_up()
        feeder = stream.feeder
        if feeder is None or feeder.done():
            return
        from asyncio import current_task, wait as until_done

        if current_task() is not feeder:
            await until_done([feeder])

    async def __aenter__(self) -> AsyncBatchStream[V]:
        self.begin()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def __del__(self) -> None:
        cdef LoopStream stream = self.stream
        if stream is None and self.groups is not None:
            self.groups.over(None)
        if stream is None or stream.ended or self.forks != forks:
            return
        try:
            stream.executor.loop.call_soon_threadsafe(stream.end_early)
        except RuntimeError:                # the loop is closed
            pass

    def __repr__(self) -> str:
        if self.executor is None:
            return "<AsyncBatchStream finished>"
        return f"<AsyncBatchStream {0 if self.stream is None else self.stream.under_way} rows under way>"


cdef AsyncBatchStream new_async_stream(TaskExecutor executor, object rows, RowGroups groups):
    """A stream of rows from any iterable, also an asynchronous one. `groups` are empty, and say how rows are sent.

    Raises:
        InvalidType: the rows can't be iterated.
    """
    cdef AsyncBatchStream stream = AsyncBatchStream.__new__(AsyncBatchStream)
    if has_async_rows(rows):
        stream.rows = rows
    else:
        stream.rows = iterator_of_rows(rows)
    stream.executor = executor
    stream.groups = groups
    stream.forks = forks
    return stream
