# A lock for what threads share and use record by record: taking it when nobody has it costs a few nanoseconds, where a
# `threading.Lock` costs two calls, and the interpreter's own kind of lock looks at the clock.

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


cdef extern from *:
    """
    static int gate_take(unsigned long *holder, unsigned long thread) {
        unsigned long nobody = 0;
        return __atomic_compare_exchange_n(holder, &nobody, thread, 0, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
    }
    #define gate_holder(holder) __atomic_load_n(holder, __ATOMIC_RELAXED)
    #define gate_leave(holder) __atomic_store_n(holder, 0, __ATOMIC_SEQ_CST)
    #define gate_count(waiting, by) __atomic_add_fetch(waiting, by, __ATOMIC_SEQ_CST)
    #define gate_waiting(waiting) __atomic_load_n(waiting, __ATOMIC_SEQ_CST)
    #define gate_exchange(called, to) __atomic_exchange_n(called, to, __ATOMIC_SEQ_CST)
    """
    bint gate_take(unsigned long* holder, unsigned long thread) noexcept nogil
    unsigned long gate_holder(unsigned long* holder) noexcept nogil
    void gate_leave(unsigned long* holder) noexcept nogil
    int gate_count(int* waiting, int by) noexcept nogil
    int gate_waiting(int* waiting) noexcept nogil
    int gate_exchange(int* called, int to) noexcept nogil


@cython.final
cdef class Gate:
    """Is entered by one thread at a time. In a child process it is of no use, as another thread may have been in it.

    Who finds somebody in it is counted, and sleeps until it is called by one who leaves; then it tries again, as another may
    have been quicker.
    """

    cdef unsigned long holder               # the thread that is in it; 0: none
    cdef int waiting                        # threads that want to enter
    cdef int called                         # whether one of them was called since one woke up
    cdef PyThread_type_lock bell            # held, but for the moment of a call

    def __cinit__(self) -> None:
        self.bell = PyThread_allocate_lock()
        if self.bell == NULL:
            raise MemoryError
        PyThread_acquire_lock(self.bell, 1)

    def __dealloc__(self) -> None:
        if self.bell != NULL:
            PyThread_free_lock(self.bell)

    cdef inline bint try_enter(self) noexcept nogil:
        """Enters if nobody is in it; whether that is so."""
        return gate_take(&self.holder, PyThread_get_thread_ident())

    cdef int wait(self) except -1:
        """Enters when the others have left."""
        cdef PyLockStatus status
        gate_count(&self.waiting, 1)        # before it tries: who leaves looks in the opposite order, so no call is lost
        try:
            while not self.try_enter():
                with nogil:
                    status = PyThread_acquire_lock_timed(self.bell, -1, 1)
                if status == PY_LOCK_INTR:
                    PyErr_CheckSignals()
                else:
                    gate_exchange(&self.called, 0)
        finally:
            gate_count(&self.waiting, -1)
        return 0

    cdef inline bint is_mine(self) noexcept nogil:
        """Whether this thread is in it."""
        return gate_holder(&self.holder) == PyThread_get_thread_ident()

    cdef inline void leave(self) noexcept nogil:
        gate_leave(&self.holder)
        if gate_waiting(&self.waiting) and not gate_exchange(&self.called, 1):
            PyThread_release_lock(self.bell)
