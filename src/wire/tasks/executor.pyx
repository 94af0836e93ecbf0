# Runs commands and batches for tasks: which loop runs them.

cdef class AsyncExecutor(TaskExecutor):
    """Runs commands in whatever loop awaits them, on the client's channels there."""

    cdef readonly dict executors            # loop -> LoopExecutor
    cdef object running_loop

    def __cinit__(self, *args: Any) -> None:
        from asyncio import get_running_loop    # here, so that programs without tasks do not import asyncio

        self.executors = {}
        self.running_loop = get_running_loop

    cdef LoopExecutor executor_here(self, Key key):
        """Returns the executor of the running loop. `key` is for the error."""
        heed_fork()
        loop = self.running_loop()
        executor = self.executors.get(loop)
        if executor is None or (<LoopExecutor>executor).refusing:
            executor = self.enter(loop, key)
        return <LoopExecutor>executor

    cdef Future start(self, Command command):
        return self.executor_here(command.key).begin(command)

    cdef Future start_batch(self, Batch batch):
        cdef LoopExecutor executor = self.executor_here(None)
        executor.routing.check_replica(batch.settings)
        return begin_batch(executor, batch, self.plan(batch))

    cdef object open_stream(self, object rows, object groups):
        return new_async_stream(self, rows, <RowGroups?>groups)

    cdef object begin_stream(self, object rows, RowGroups groups):
        cdef LoopExecutor executor = self.executor_here(None)
        executor.routing.check_replica(groups.settings)
        return begin_stream(executor, self.plan, rows, groups)

    def open_query(self, Query query not None) -> AsyncRecordset:
        """Return the records of a query, which has not begun."""
        return new_async_recordset(self, self.query_plan(query))

    cdef object begin_query(self, object plan):
        cdef LoopExecutor executor = self.executor_here(None)
        executor.routing.check_replica((<Query?>plan.query).settings)
        return begin_query(executor, plan)

    cdef bint runs_in(self, object loop) except -1:
        return self.running_loop() is loop

    def enter(self, loop: asyncio.AbstractEventLoop, key: Key | None) -> LoopExecutor:
        """Return the executor of a loop in which no command ran before; a subclass makes it.

        Args:
            loop: the loop.
            key: the key of the command that is to run there, for an error.
        """
        raise NotImplementedError

    def plan(self, batch: Batch) -> Any:
        """Return the `BatchPlan` that decides who is asked for which rows of a batch; a subclass makes it."""
        raise NotImplementedError

    def query_plan(self, query: Query) -> Any:
        """Return the `QueryPlan` that decides who is asked for which partitions; a subclass makes it."""
        raise NotImplementedError
