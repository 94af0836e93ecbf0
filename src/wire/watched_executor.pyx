# Runs calls so that they can be watched, for spans and the log of slow commands: each has a trace, and is handed to a watcher
# with the executor that runs it. A client that nobody watches has no such executor.

@cython.final
cdef class Call:
    """What a watcher is told of a call that no executor runs, such as one that reads columns.

    Attributes:
        method: the name of the client's method.
        namespace, set_name: where its records are; None where it does not say. The namespace is empty of a call about the
            cluster itself.
    """

    cdef readonly str method, namespace, set_name

    def __cinit__(self, str method not None, str namespace, str set_name) -> None:
        self.method = method
        self.namespace = namespace
        self.set_name = set_name


@cython.final
cdef class WatchedExecutor(Executor):
    """Hands all work to a watcher, together with the executor that runs it.

    Args:
        executor: runs the work; its other attributes are this one's too.
        watcher: `run(executor, work, trace)` returns what the call returns, which `executor.submit(work)` does; `open(trace)`
            notes that a query, a stream or a `Call` was opened, and returns what is called with an error or None when it is over.
    """

    cdef readonly Executor executor
    cdef readonly object watcher

    def __cinit__(self, Executor executor not None, watcher: Any) -> None:
        self.executor = executor
        self.watcher = watcher

    cdef object run(self, Command command):
        if command.trace is None:
            command.trace = Trace()
        return self.watcher.run(self.executor, command, command.trace)

    cdef object run_batch(self, Batch batch):
        batch.take_rows(now_ns() + SLICE_TIME)      # so that what is wrong with one is told before anything begins
        if batch.trace is None:
            batch.trace = Trace()
        return self.watcher.run(self.executor, batch, batch.trace)

    cdef object open_stream(self, object rows, object groups):
        cdef Trace trace = (<RowGroups?>groups).trace
        if trace is None:
            trace = (<RowGroups>groups).trace = Trace()
        stream = self.executor.open_stream(rows, groups)
        trace.watch(self.watcher.open(groups, trace))
        return stream

    def open_query(self, Query query not None) -> Any:
        """Return the records of a query, which has not begun."""
        if query.trace is None:
            query.trace = Trace()
        records = self.executor.open_query(query)
        query.trace.watch(self.watcher.open(query, query.trace))
        return records

    def open_call(self, method: str, namespace: str | None, set_name: str | None) -> Trace | None:
        """Note that a call begins which is not run here. Leaving the trace's `with` ends it."""
        cdef Trace trace = Trace()
        trace.watch(self.watcher.open(Call(method, namespace, set_name), trace))
        return trace

    def __getattr__(self, name: str) -> Any:
        return getattr(self.executor, name)
