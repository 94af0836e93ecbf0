# The coroutines that the methods of `AsyncClient` return. Their steps are compiled: a Python coroutine around the future would
# need a frame, which costs a third of a command.
#
# What cancelling does. A coroutine that is cancelled or closed cancels its future; the command stays where it is, and is dropped
# or completed there without a task:
#   - A command that was not sent yet is dropped by its queue: by `WaitingQueue` in the line of a channel, by `Pipeline.flush` on
#     a connection, by `FailureQueue` after a failed attempt, by the executor's `_again` in a pause before the next attempt.
#   - The late answer to a command that was sent is skipped by `Pipeline.resolve`; the connection stays in use.
#   - If no answer comes, `watch_pipeline` resets the connection when the command is overdue, if the command is a write (which
#     must not be applied after a newer one) whose policy has no `timeout_delay`, or has an answer of many frames. Otherwise the
#     connection is reset when no command on it is waited for any more and all of them are overdue (`LATE_ANSWERS` at most).

cdef extern from "Python.h":
    ctypedef enum PySendResult:
        PYGEN_RETURN
        PYGEN_ERROR
        PYGEN_NEXT
    int PyErr_WarnFormat(object category, Py_ssize_t stack_level, const char* format, ...) except -1


cdef class TaskExecutor(Executor):
    """Runs commands and batches for tasks; its subclass `AsyncExecutor` is in a later part."""

    cdef object run(self, Command command):
        cdef CommandCoroutine coroutine = CommandCoroutine.of(self, method_of(command.kind))
        coroutine.command = command
        return coroutine

    cdef object run_batch(self, Batch batch):
        cdef CommandCoroutine coroutine
        batch.take_rows(now_ns() + SLICE_TIME)      # all rows of most batches, so that what is wrong with one is told here
        coroutine = CommandCoroutine.of(self, batch.name)
        coroutine.batch = batch
        return coroutine

    cdef Future start(self, Command command):
        """Begins the first attempt in the running loop, and returns the future of the command."""
        raise NotImplementedError

    cdef Future start_batch(self, Batch batch):
        """Begins a batch in the running loop, and returns the future of what the call gives."""
        raise NotImplementedError

    cdef object begin_stream(self, object rows, RowGroups groups):
        """Begins a stream in the running loop, and returns its LoopStream."""
        raise NotImplementedError

    cdef object begin_query(self, object plan):
        """Begins a query in the running loop, and returns its LoopQuery. `plan`: its `QueryPlan`."""
        raise NotImplementedError

    cdef bint runs_in(self, object loop) except -1:
        """Whether this is the running loop."""
        raise NotImplementedError


cdef enum CoroutineState:
    FINISHED                                # also the state of an object that no command made
    CREATED
    SUSPENDED


@cython.final
@cython.freelist(64)
cdef class CommandCoroutine:
    """The coroutine of a command or a batch, which begins when the coroutine is awaited. It can be awaited once.

    When the coroutine is closed or its task is cancelled, no task waits for the command any more. A write whose request was
    sent may still be applied.
    """

    cdef TaskExecutor executor              # until the end, so that a client without other references is not closed
    cdef Command command                    # None once the command has begun, or if it is of a batch
    cdef Batch batch                        # the same of a batch
    cdef Future future                      # of the command while the coroutine is suspended; else None
    cdef CoroutineState state
    cdef str name                           # of the client's method that made the coroutine

    @staticmethod
    cdef CommandCoroutine of(TaskExecutor executor, str name):
        """A coroutine of which the caller sets `command` or `batch`."""
        cdef CommandCoroutine coroutine = CommandCoroutine.__new__(CommandCoroutine)
        coroutine.executor = executor
        coroutine.name = name
        coroutine.state = CREATED
        return coroutine

    def __init__(self) -> None:
        raise TypeError("it is made by the methods of AsyncClient only")

    def __dealloc__(self) -> None:
        cdef str name = self.name           # None if the garbage collector cleared the fields
        if self.state == CREATED and name is not None:
            PyErr_WarnFormat(RuntimeWarning, 1, b"coroutine 'AsyncClient.%U' was never awaited", <PyObject*>name)

    cdef object step(self, object sent, bint* waits):
        """Begins the command and returns the future to wait for, with `waits` set; or returns the command's result.

        Raises the command's error.
        """
        cdef Future future = self.future
        waits[0] = False
        if self.state == SUSPENDED:
            self.finish()
            return future.outcome()         # raises RuntimeError if the future has no outcome yet
        if self.state == FINISHED:
            raise RuntimeError("cannot reuse already awaited coroutine")
        if sent is not None:
            raise TypeError("can't send non-None value to a just-started coroutine")
        command = self.command
        batch = self.batch
        self.command = None
        self.batch = None
        try:
            if command is not None:
                future = self.executor.start(command)
            else:
                future = self.executor.start_batch(batch)
        except BaseException:
            self.finish()
            raise
        if future.state != PENDING:
            self.finish()
            return future.outcome()
        self.state = SUSPENDED
        self.future = future
        future._asyncio_future_blocking = True
        waits[0] = True
        return future

    cdef int finish(self) except -1:
        """Ends the coroutine, and drops the command: a traceback that is kept may keep the coroutine."""
        self.state = FINISHED
        self.executor = None
        self.command = None
        self.batch = None
        self.future = None
        return 0

    def __await__(self) -> Generator[Any, None, Any]:
        if self.state == SUSPENDED:
            raise RuntimeError("coroutine is being awaited already")
        return self                         # the class is its own iterator: its steps are in type slots, see below

    def __next__(self) -> Any:
        """Do what `send(None)` does."""
        return self.send(None)              # slower than the type slot that takes its place where there is one

    def send(self, value: None) -> Any:
        """Begin the command, or take its outcome.

        Args:
            value: None.

        Returns:
            The future to wait for before the next `send`.

        Raises:
            StopIteration: the command has succeeded; its `value` is the result.
            RuntimeError: the coroutine has ended, or the command has no outcome yet.
        """
        cdef bint waits = False
        result = self.step(value, &waits)
        if waits:
            return result
        raise StopIteration(result)

    def throw(self, kind: Any, value: Any = None, trace: TracebackType | None = None) -> Any:
        """Cancel the command and raise an error where the coroutine is awaited.

        Args:
            kind: the error, or its class.
            value: the error, or its argument, where `kind` is a class.
            trace: the error's traceback.

        Raises:
            BaseException: the error.
        """
        cdef Future future = self.future
        if isinstance(kind, type):
            error = value if isinstance(value, kind) else kind() if value is None else kind(value)
        else:
            error = kind
        if trace is not None:
            error = error.with_traceback(trace)
        if self.state == FINISHED:
            raise RuntimeError("cannot reuse already awaited coroutine")
        self.finish()
        if future is not None:
            future.cancel()
        try:
            raise error
        finally:
            error = kind = value = None

    def close(self) -> None:
        """Cancel the command. Does nothing if the coroutine has ended."""
        cdef Future future = self.future
        self.finish()
        if future is not None:
            future.cancel()

    # What `inspect.getcoroutinestate` and asyncio's representations of tasks look at.

    @property
    def cr_running(self) -> bool:
        """False, as no other code runs during a step."""
        return False

    @property
    def cr_suspended(self) -> bool:
        """Whether the coroutine was awaited, and the command has no outcome yet."""
        return self.state == SUSPENDED

    @property
    def cr_state(self) -> str:
        """What `inspect.getcoroutinestate` says of the coroutine; before Python 3.15 it asked for the other attributes."""
        return {CREATED: "CORO_CREATED", SUSPENDED: "CORO_SUSPENDED"}.get(self.state, "CORO_CLOSED")

    @property
    def cr_frame(self) -> None:
        """None, as the coroutine has no Python frame."""
        return None

    @property
    def __name__(self) -> str:
        """The name of the client's method that made the coroutine."""
        return self.name or type(self).__name__

    @property
    def __qualname__(self) -> str:
        """The name of the client's class and method."""
        return f"AsyncClient.{self.name}" if self.name else type(self).__name__

    def __repr__(self) -> str:
        return f"<coroutine {self.__qualname__}, {('finished', 'not started', 'suspended')[self.state]}>"


cdef PySendResult send_to_coroutine(object coroutine, object value, PyObject** result) except PYGEN_ERROR:
    """`step` as a type slot: the interpreter and asyncio's tasks call it, and need no StopIteration for a result."""
    cdef bint waits = False
    result[0] = NULL
    taken = (<CommandCoroutine>coroutine).step(value, &waits)
    Py_INCREF(taken)
    result[0] = <PyObject*>taken
    return PYGEN_NEXT if waits else PYGEN_RETURN


cdef extern from *:
    """
    #ifdef Py_LIMITED_API                   /* the interpreter calls `__next__` and `send` then */
    typedef void *step_function;
    #define set_coroutine_slots(kind, step) ((void)(kind), (void)(step))
    #else
    typedef PySendResult (*step_function)(PyObject *, PyObject *, PyObject **);
    static step_function coroutine_step;

    /* `next` of a coroutine: as for `send(None)`, and as cheap where Python takes None for the value of StopIteration. */
    static PyObject *next_of_coroutine(PyObject *coroutine) {
        PyObject *result = NULL, *stop;
        if (coroutine_step(coroutine, Py_None, &result) != PYGEN_RETURN)
            return result;
        if (result != Py_None) {
            stop = PyObject_CallFunctionObjArgs(PyExc_StopIteration, result, NULL);
            if (stop != NULL) {
                PyErr_SetObject(PyExc_StopIteration, stop);
                Py_DECREF(stop);
            }
        }
        Py_DECREF(result);
        return NULL;
    }

    /* Gives a class the slots by which an `await` goes on, for which Cython has no methods. */
    static void set_coroutine_slots(PyObject *kind, step_function step) {
        PyTypeObject *type = (PyTypeObject *)kind;
        coroutine_step = step;
        type->tp_as_async->am_send = (sendfunc)step;
        type->tp_iternext = next_of_coroutine;
        PyType_Modified(type);
    }
    #endif
    """
    ctypedef PySendResult (*step_function)(object, object, PyObject**) except PYGEN_ERROR
    void set_coroutine_slots(object kind, step_function step)


set_coroutine_slots(CommandCoroutine, send_to_coroutine)
