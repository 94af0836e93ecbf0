# A lock for what threads share and use record by record: taking it when nobody has it costs a few nanoseconds, where a
# `threading.Lock` costs two calls.

cdef extern from "pythread.h" nogil:
    ctypedef void* PyThread_type_lock
    ctypedef enum PyLockStatus:
        PY_LOCK_FAILURE
        PY_LOCK_ACQUIRED
        PY_LOCK_INTR
    PyThread_type_lock PyThread_allocate_lock()
    void PyThread_free_lock(PyThread_type_lock lock)
    int PyThread_acquire_lock(PyThread_type_lock lock, int waits)
    PyLockStatus PyThread_acquire_lock_timed(PyThread_type_lock lock, long long microseconds, int intr_flag)
    void PyThread_release_lock(PyThread_type_lock lock)
    unsigned long PyThread_get_thread_ident()


@cython.final
cdef class Gate:
    """Is entered by one thread at a time. In a child process it is of no use, as another thread may have been in it."""

    cdef PyThread_type_lock lock
    cdef unsigned long holder               # the thread that is in it; 0: none

    def __cinit__(self) -> None:
        self.lock = PyThread_allocate_lock()
        if self.lock == NULL:
            raise MemoryError

    def __dealloc__(self) -> None:
        if self.lock != NULL:
            PyThread_free_lock(self.lock)

    cdef inline bint try_enter(self) noexcept nogil:
        """Enters if nobody is in it; whether that is so."""
        if not PyThread_acquire_lock(self.lock, 0):
            return False
        self.holder = PyThread_get_thread_ident()
        return True

    cdef int wait(self) except -1:
        """Enters when the others have left."""
        cdef PyLockStatus status = PY_LOCK_INTR
        while status == PY_LOCK_INTR:
            with nogil:
                status = PyThread_acquire_lock_timed(self.lock, -1, 1)
            if status == PY_LOCK_INTR:
                PyErr_CheckSignals()
        self.holder = PyThread_get_thread_ident()
        return 0

    cdef inline bint is_mine(self) noexcept nogil:
        """Whether this thread is in it."""
        return self.holder == PyThread_get_thread_ident()

    cdef inline void leave(self) noexcept nogil:
        self.holder = 0
        PyThread_release_lock(self.lock)
