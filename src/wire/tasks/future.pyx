# What a task awaits. An asyncio.Future would do, but each has a handle of its own put into the loop when it is set, and
# that handle costs more than a command: here one wakes many tasks.

cdef enum:
    WOKEN_AT_ONCE = 16                      # tasks that one handle wakes: each may take a while before it awaits again


@cython.final
cdef class Waker:
    """Wakes the tasks of one loop whose promises have an outcome, in its next turn as any future does."""

    cdef readonly object loop
    cdef object due                         # Promises whose callbacks are to be called
    cdef Py_ssize_t planned                 # handles in the loop, as many as all of them need
    cdef bint debug                         # whether the loop wants to tell which task takes long

    def __cinit__(self, loop: object) -> None:
        self.loop = loop
        self.due = deque()
        self.heed_debug()

    def heed_debug(self) -> None:
        """Look whether the loop is in debug mode; not done for each promise, as it takes a call."""
        self.debug = self.loop.get_debug()

    cdef int add(self, Promise promise) except -1:
        """Plans the call of its callback."""
        if self.debug:                      # in a handle of its own, by which the loop knows it
            callback, context = promise.take_callback()
            self.loop.call_soon(callback, promise, context=context)
            return 0
        self.due.append(promise)
        return self.plan()

    cdef int plan(self) except -1:
        if self.planned * WOKEN_AT_ONCE < <Py_ssize_t>len(self.due):
            self.loop.call_soon(self.wake)
            self.planned += 1
        return 0

    def wake(self) -> None:
        """Call some who wait. Ctrl-C in one of them keeps none of the others waiting."""
        cdef int _i
        self.planned -= 1
        try:
            for _i in range(WOKEN_AT_ONCE):
                if not self.due:
                    return
                (<Promise>self.due.popleft()).tell()
        finally:
            self.plan()


cdef enum PromiseState:
    PENDING
    RESOLVED
    REJECTED
    CANCELLED


@cython.final
@cython.freelist(64)
cdef class Promise:
    """What a command will give, as one task awaits it: so much of `asyncio.Future` as an `asyncio.Task` asks for.

    An error that nobody retrieves is not reported: the task that would have was cancelled.
    """

    cdef public bint _asyncio_future_blocking   # says to the task that this one was awaited, not yielded by mistake
    cdef PromiseState state
    cdef Waker waker
    cdef object value                       # the result or the error
    cdef object callback                    # of the task, None when there is none or it was called
    cdef object context                     # that it is called in

    def __cinit__(self, Waker waker not None) -> None:
        self.waker = waker

    def __await__(self) -> Generator:
        if self.state == PENDING:
            self._asyncio_future_blocking = True
            yield self
        return self.result()

    def get_loop(self) -> object:
        """The loop that it belongs to."""
        return self.waker.loop

    def add_done_callback(self, callback: object, *, context: object = None) -> None:
        """Have the callback called, in the loop's next turn, when there is an outcome."""
        if self.callback is not None:
            raise RuntimeError("another task waits for it already")
        self.callback = callback
        self.context = PyContext_CopyCurrent() if context is None else context
        if self.state != PENDING:
            self.waker.add(self)

    cdef tuple take_callback(self):
        taken = self.callback, self.context
        self.callback = self.context = None
        return taken

    cdef int tell(self) except -1:
        callback, context = self.take_callback()
        PyContext_Enter(context)
        try:
            callback(self)
        finally:
            PyContext_Exit(context)
        return 0

    cdef int end(self, PromiseState state, object value) except -1:
        if self.state != PENDING:
            raise RuntimeError("it has an outcome already")
        self.state = state
        self.value = value
        if self.callback is not None:
            self.waker.add(self)
        return 0

    def set_result(self, result: object) -> None:
        """The command succeeded."""
        self.end(RESOLVED, result)

    def set_exception(self, error: BaseException) -> None:
        """It failed."""
        self.end(REJECTED, error)

    def cancel(self, msg: object = None) -> bool:
        """Nobody waits for it any more; False if it has an outcome already."""
        from asyncio import CancelledError

        if self.state != PENDING:
            return False
        self.end(CANCELLED, CancelledError() if msg is None else CancelledError(msg))
        return True

    def done(self) -> bool:
        """Whether there is an outcome."""
        return self.state != PENDING

    def cancelled(self) -> bool:
        """Whether it was cancelled."""
        return self.state == CANCELLED

    def exception(self) -> BaseException | None:
        """The error; None if it succeeded. Raises what it was cancelled with."""
        if self.state == REJECTED:
            return self.value
        self.result()
        return None

    def result(self) -> object:
        """The result. Raises the error, or what it was cancelled with."""
        if self.state == PENDING:
            raise RuntimeError("it has no outcome yet")
        if self.state != RESOLVED:
            raise self.value
        return self.value

    def __repr__(self) -> str:
        return f"<Promise {('pending', 'resolved', 'rejected', 'cancelled')[self.state]}>"
