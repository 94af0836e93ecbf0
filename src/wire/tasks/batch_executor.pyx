# Runs a batch for a task: takes its rows, has them asked for (row_requests.pyx), and makes of what came of them what the call
# gives, all in slices (slices.pyx).
#
# What cancelling does: the batch's future tells the batch, which tells the futures of its requests. What becomes of these is
# told in coroutine.pyx.

cdef class LoopBatch(LoopRows)


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
cdef class LoopBatch(LoopRows):
    """A batch that a task awaits."""

    cdef object plan
    cdef Batch batch
    cdef BatchFuture future                 # None once the batch has an outcome
    cdef list outcomes                      # what came of the rows, as far as it is collected
    cdef bint begun                         # whether all rows were taken, and are or were to be routed

    cdef bint go_on(self, int64_t until) except -1:
        cdef Batch batch = self.batch
        if not self.begun:
            if self.executor.closed:
                raise errors.ClientClosed("the client is closed")
            if not batch.take_rows(until):
                return False
            batch.begin()
            self.unrouted.append((self.plan, None))
            self.begun = True
        if not self.ask(until):
            return False
        return self.is_asking() or self.finish(until)

    cdef bint finish(self, int64_t until) except -1:
        """Makes what the call gives, as far as the time goes; returns whether that was all."""
        cdef BatchFuture future = self.future
        cdef Batch batch = self.batch
        cdef bint failed
        if not collect(batch, self.outcomes, until):
            return False
        failed = has_failed(batch)
        if failed:
            value = self.plan.failure(self.outcomes)
        else:
            value = given_by(batch, self.plan, self.outcomes)
        self.leave()
        if value is batch.records:
            batch.records = None            # so that `drop` leaves it as it is
        future.end(REJECTED if failed else RESOLVED, value)
        return self.drop(until)

    cdef int fail(self, object error) except -1:
        cdef BatchFuture future = self.future
        if future is not None:
            self.give_up()
            future.batch = None
            future.end(REJECTED, error)
        return 0

    cdef int leave(self) except -1:
        LoopRows.leave(self)
        self.executor.batches.discard(self)
        self.future = None
        self.plan = None
        self.outcomes = None
        return 0

    cdef bint drop(self, int64_t until) except -1:
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


cdef Future begin_batch(LoopExecutor executor, Batch batch, object plan):
    """Begins a batch in a loop, and returns the future of what the call gives. `plan`: a `BatchPlan`."""
    cdef LoopBatch running = LoopBatch.__new__(LoopBatch)
    cdef BatchFuture future = BatchFuture.__new__(BatchFuture)
    future.wakeups = executor.wakeups
    future.batch = running
    running.executor = executor
    running.one_at_a_time = batch.settings.sequential
    running.plan = plan
    running.batch = batch
    running.future = future
    running.outcomes = []
    executor.batches.add(running)
    executor.slicer.do(running)
    return future
