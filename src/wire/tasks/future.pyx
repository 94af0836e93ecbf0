# The future that a task awaits. An `asyncio.Future` would do, but each one that gets its outcome makes a handle of the loop,
# which takes longer to run than the rest of the command. Here one handle wakes many tasks.

cdef enum:
    WOKEN_AT_ONCE = 16                      # tasks that one handle wakes: each task may run for a while before it awaits again


@cython.final
cdef class WakeupQueue:
    """Wakes the tasks whose futures have an outcome, in the loop's next turn, as `asyncio.Future` does.

    Args:
        loop: the loop.
    """

    cdef readonly object loop
    cdef Fifo due                           # Futures whose callbacks are to be called
    cdef Py_ssize_t planned                 # handles that the loop has to run; there are enough for all futures in `due`
    cdef bint debug                         # whether the loop is in debug mode, and reports tasks that take long

    def __cinit__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.due = Fifo()
        self.heed_debug()

    def heed_debug(self) -> None:
        """Read whether the loop is in debug mode. This takes a call, so it is not done for each future."""
        self.debug = self.loop.get_debug()

    cdef int add(self, Future future) except -1:
        """Has the future's callback called in the loop's next turn."""
        if self.debug:                      # in a handle of its own, by which the loop names the task in its report
            callback, context = future.take_callback()
            self.loop.call_soon(callback, future, context=context)
            return 0
        self.due.push(future)
        return self.plan()

    cdef inline int plan(self) except -1:
        if self.planned * WOKEN_AT_ONCE < self.due.count():
            self.loop.call_soon(self.wake)
            self.planned += 1
        return 0

    def wake(self) -> None:
        """Call the callbacks of some futures. If Ctrl-C interrupts one of their tasks, another handle wakes the others."""
        cdef int _i
        self.planned -= 1
        try:
            for _i in range(WOKEN_AT_ONCE):
                if self.due.count() == 0:
                    return
                (<Future>self.due.take()).tell()
        finally:
            self.plan()


cdef enum FutureState:
    PENDING
    RESOLVED
    REJECTED
    CANCELLED


@cython.freelist(64)
cdef class Future:
    """The outcome of a command, which one task awaits. It has those methods of `asyncio.Future` that `asyncio.Task` needs.

    Channels and connections hold futures in their queues of commands, so a future also has the times of the current attempt.
    An error that no task retrieves is not reported, as the task that would have retrieved it was cancelled.

    Args:
        wakeups: the queue of the loop that the future belongs to.
    """

    cdef public bint _asyncio_future_blocking   # tells the task that the future was awaited, not yielded by mistake
    cdef FutureState state
    cdef WakeupQueue wakeups
    cdef object value                       # the result or the error
    cdef object callback                    # the task's; None if no task awaits the future, or the callback was called
    cdef object context                     # the contextvars.Context of the callback
    cdef readonly Command command           # None for a future that was made in Python
    # the current attempt
    cdef int64_t tried_at                   # when it began
    cdef int64_t sent_at                    # when the attempt's request was written
    cdef int sent_before                    # `command.sent` when the attempt began
    cdef size_t received                    # bytes of its answer that were read
    cdef int64_t decoding                   # ns that reading it took; counted if the call is watched

    def __init__(self, WakeupQueue wakeups not None) -> None:
        self.wakeups = wakeups

    def __await__(self) -> Generator[Any, None, Any]:
        if self.state == PENDING:
            self._asyncio_future_blocking = True
            yield self
        return self.outcome()

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """Return the loop that the future belongs to."""
        return None if self.wakeups is None else self.wakeups.loop

    def add_done_callback(self, callback: Callable[[Future], object], *, context: Context | None = None) -> None:
        """Have the callback called in the turn of the loop that follows the outcome.

        Args:
            callback: is called with the future.
            context: the context in which it is called; a copy of the current one if left out.

        Raises:
            RuntimeError: the future has a callback, or was not made by its constructor.
        """
        if self.callback is not None or self.wakeups is None:
            raise RuntimeError("another task waits for it already")
        self.callback = callback
        self.context = PyContext_CopyCurrent() if context is None else context
        if self.state != PENDING:
            self.wakeups.add(self)

    cdef tuple take_callback(self):
        taken = self.callback, self.context
        self.callback = self.context = None
        return taken

    cdef int tell(self) except -1:
        """Calls the callback."""
        callback = self.callback
        context = self.context
        self.callback = self.context = None
        call_in_context(context, callback, self)
        return 0

    cdef bint takes_failure(self, object error) except -1:
        """Whether the future has dealt with the failure of the current attempt, so that the executor has not to."""
        return False

    cdef bint holds_back(self, object connection, bint others_wait) except -1:
        """Whether the rest of an answer of many frames is not to be read yet; then the connection, a Job, was set aside.

        `others_wait`: for the connection, which it must not keep then.
        """
        return False

    cdef int came(self) except -1:
        """Is called when a part of an answer of many frames was read that is not its last."""
        return 0

    cdef int end(self, FutureState state, object value) except -1:
        """Sets the outcome."""
        if self.state != PENDING:
            raise RuntimeError("it has an outcome already")
        self.state = state
        self.value = value
        if self.callback is not None:
            self.wakeups.add(self)
        return 0

    cdef object outcome(self):
        """Returns the result, or raises the error or the CancelledError."""
        if self.state == PENDING:
            raise RuntimeError("it has no outcome yet")
        if self.state != RESOLVED:
            raise self.value
        return self.value

    def set_result(self, result: object) -> None:
        """Set the outcome: the command succeeded.

        Raises:
            RuntimeError: the future has an outcome.
        """
        self.end(RESOLVED, result)

    def set_exception(self, error: BaseException) -> None:
        """Set the outcome: the command failed.

        Raises:
            RuntimeError: the future has an outcome.
        """
        self.end(REJECTED, error)

    def cancel(self, msg: object = None) -> bool:
        """Have no task wait for the command any more (see coroutine.pyx). Return False if there is an outcome already.

        Args:
            msg: the argument of the `CancelledError`.
        """
        from asyncio import CancelledError

        if self.state != PENDING:
            return False
        self.end(CANCELLED, CancelledError() if msg is None else CancelledError(msg))
        return True

    def done(self) -> bool:
        """Whether there is an outcome."""
        return self.state != PENDING

    def cancelled(self) -> bool:
        """Whether the future was cancelled."""
        return self.state == CANCELLED

    def exception(self) -> BaseException | None:
        """Return the error; None if the command succeeded.

        Raises:
            CancelledError: the future was cancelled.
            RuntimeError: there is no outcome yet.
        """
        if self.state == REJECTED:
            return self.value
        self.outcome()
        return None

    def result(self) -> Any:
        """Return the result.

        Raises:
            BaseException: the error of the command, or a `CancelledError`.
            RuntimeError: there is no outcome yet.
        """
        return self.outcome()

    def __repr__(self) -> str:
        return f"<Future {('pending', 'resolved', 'rejected', 'cancelled')[self.state]}>"


cdef inline bint is_waited_for(Future future) noexcept:
    """Whether a task still waits: the command has no outcome, and the task was not cancelled."""
    return future.state == PENDING


cdef object likewise(object error):
    """Returns a copy of an error, for another command that fails for the same reason."""
    return type(error)(error.message, node=error.node, advice=error.advice)
