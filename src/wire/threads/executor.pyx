# Runs commands, batches and queries for threads. What follows a failed attempt is decided in Python (`pyspike.cluster.retry`,
# and `pyspike.plans`, which are handed in).

cdef class ThreadExecutor(Executor):
    """Runs commands on a cluster, from any number of threads; a subclass's `after` decides what follows a failed attempt.

    Args:
        cluster: the cluster, whose `routing` has the current partition map.
        plan: is called with the cluster and a Batch; returns the `BatchPlan` that decides who is asked for which rows.
        query_plan: the same with a Query; returns its `QueryPlan`.

    It is compiled because mostly the first attempt succeeds. Errors are raised here: a Python frame that raises an error is
    in a reference cycle with it, which keeps the request in memory until the garbage collector runs.
    """

    cdef readonly object cluster
    cdef object plan
    cdef object query_plan
    cdef Routing routing                    # the cluster's

    def __cinit__(
        self, cluster: Any, plan: Callable[[Any, Batch], Any] | None = None,
        query_plan: Callable[[Any, Query], Any] | None = None
    ) -> None:
        self.cluster = cluster
        self.plan = plan
        self.query_plan = query_plan
        self.routing = cluster.routing

    cdef object run(self, Command command):
        heed_fork()
        if self.routing.refusing:
            raise client_closed(command)
        try:
            return try_once(command, self.routing.current())
        except errors.AerospikeError as error:
            failure = error
        return self.try_again(command, failure)

    cdef object run_batch(self, Batch batch):
        cdef list outcomes = []
        batch.take_rows(FOREVER)
        heed_fork()
        if self.routing.refusing:
            raise errors.ClientClosed("the client is closed")
        self.routing.check_replica(batch.settings)
        plan = self.plan(self.cluster, batch)
        run_batch(self.routing, plan)
        collect(batch, outcomes, FOREVER)
        if has_failed(batch):
            raise plan.failure(outcomes)
        return given_by(batch, plan, outcomes)

    cdef object open_stream(self, object rows, object groups):
        heed_fork()
        if self.routing.refusing:
            raise errors.ClientClosed("the client is closed")
        self.routing.check_replica((<RowGroups?>groups).settings)
        return open_stream(self.routing, self.cluster, self.plan, rows, <RowGroups?>groups)

    def open_query(self, Query query not None) -> Recordset:
        """Return the records of a query, which has not begun."""
        heed_fork()
        if self.routing.refusing:
            raise errors.ClientClosed("the client is closed")
        self.routing.check_replica(query.settings)
        return open_recordset(self.routing, self.query_plan(self.cluster, query))

    def execute(self, Command command not None) -> object:
        """Run a command and return what it gives."""
        return self.run(command)

    cdef object try_again(self, Command command, object failure):
        """Makes further attempts after a failed one, as `after` decides; returns what the command gives."""
        self.routing.count_retrying(1)
        try:
            while True:
                failure = self.after(command, failure)
                if failure is not None:
                    raise failure
                heed_fork()
                try:
                    return try_once(command, self.routing.current())
                except errors.AerospikeError as error:
                    failure = error
        finally:
            self.routing.count_retrying(-1)

    def after(self, command: Command, error: AerospikeError) -> AerospikeError | None:
        """Wait until the next attempt and return None; or return the error the command has failed with."""
        return error
