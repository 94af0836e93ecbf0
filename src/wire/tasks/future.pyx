# What a task waits for. An `asyncio.Future` would do, but the loop gets a handle for each one that is set, and running that
# handle costs more than the rest of the command: here one handle wakes many tasks.

cdef enum:
    WOKEN_AT_ONCE = 16                      # tasks that one handle wakes: each may take a while before it awaits again


@cython.final
cdef class WakeupQueue:
    """Wakes the tasks of one loop whose futures have an outcome, in the loop's next turn, as `asyncio.Future` does.

    Args:
        loop: the loop.
    """

    cdef readonly object loop
    cdef Fifo due                           # Futures whose callbacks are to be called
    cdef Py_ssize_t planned                 # handles in the loop, as many as all of them need
    cdef bint debug                         # whether the loop is to tell which task takes long

    def __cinit__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.due = Fifo()
        self.heed_debug()

    def heed_debug(self) -> None:
        """Look whether the loop is in debug mode. Not done for each future, as it takes a call."""
        self.debug = self.loop.get_debug()

    cdef int add(self, Future future) except -1:
        """Plans the call of the future's callback."""
        if self.debug:                      # in a handle of its own, by which the loop knows the task
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
        """Call the callbacks of some futures. A task that is interrupted by Ctrl-C keeps none of the others waiting."""
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


@cython.final
@cython.freelist(64)
cdef class Future:
    """The outcome of a command, which one task waits for: so much of `asyncio.Future` as `asyncio.Task` asks for.

    Channels and connections hold futures as their entries for commands in flight, so it also says when the current
    attempt began. An error that nobody retrieves is not reported: the task that would have retrieved it was cancelled.

    Args:
        wakeups: those of the loop that the future belongs to.
    """

    cdef public bint _asyncio_future_blocking   # tells the task that this one was awaited, not yielded by mistake
    cdef FutureState state
    cdef WakeupQueue wakeups
    cdef object value                       # the result or the error
    cdef object callback                    # the task's; None if there is none, or it was called
    cdef object context                     # of the callback
    cdef readonly Command command           # None if it is of none
    # the current attempt
    cdef int64_t tried_at                   # when it began
    cdef int64_t sent_at                    # when its request was written
    cdef int sent_before                    # `command.sent` when it began

    def __init__(self, WakeupQueue wakeups not None) -> None:
        self.wakeups = wakeups

    def __await__(self) -> Generator[Any, None, Any]:
        if self.state == PENDING:
            self._asyncio_future_blocking = True
            yield self
        return self.outcome()

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """The loop that the future belongs to."""
        return None if self.wakeups is None else self.wakeups.loop

    def add_done_callback(self, callback: Callable[[Future], object], *, context: Context | None = None) -> None:
        """Have the callback called in the turn of the loop that follows the outcome.

        Args:
            callback: gets the future.
            context: what it is called in; a copy of the current one if left out.

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
        PyContext_Enter(context)
        try:
            callback(self)
        finally:
            PyContext_Exit(context)
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
        """The result. Raises the error, or what the future was cancelled with."""
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
        """Give the command up: nobody waits for it any more. Returns False if there is an outcome.

        Args:
            msg: for the `CancelledError`.
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
        """The error; None if the command succeeded.

        Raises:
            CancelledError: the future was cancelled.
            RuntimeError: there is no outcome yet.
        """
        if self.state == REJECTED:
            return self.value
        self.outcome()
        return None

    def result(self) -> Any:
        """The result.

        Raises:
            BaseException: the error, or the `CancelledError` that the future was cancelled with.
            RuntimeError: there is no outcome yet.
        """
        return self.outcome()

    def __repr__(self) -> str:
        return f"<Future {('pending', 'resolved', 'rejected', 'cancelled')[self.state]}>"


cdef inline bint is_waited_for(Future future) noexcept:
    """Whether somebody still waits: the command has no outcome, and its task was not cancelled."""
    return future.state == PENDING


cdef object likewise(object error):
    """An error of its own for another command that fails for the same reason."""
    return type(error)(error.message, node=error.node, advice=error.advice)
