# A command on its way: the request's bytes, how its answer is read, and how its attempts went so far. Made by the
# request builders, run by an executor; it does no I/O itself.

cdef enum:
    COMMAND_STORAGE = 256                   # bytes of request that need no memory of their own


cdef enum Reading:                          # what the answer becomes
    READ_RECORD                             # a Record with the bins
    READ_RESULTS                            # a Record with the bins and a result an operation
    READ_FOUND                              # True
    READ_NOTHING                            # None


@cython.final
cdef class Raise:
    """The type of RAISE, for its repr in signatures."""

    def __repr__(self) -> str:
        return "RAISE"


cdef object RAISE = Raise.__new__(Raise)    # as `missing`: a missing record is an error
MISSING_RAISES = RAISE


@cython.final
@cython.freelist(16)
cdef class Command:
    """A request and what becomes of its answer; retried with the same bytes."""

    cdef Buffer out
    cdef unsigned char storage[COMMAND_STORAGE]
    cdef Reading reading
    cdef object missing                     # what a missing record gives, or RAISE
    cdef readonly tuple operations          # of READ_RESULTS; None elsewhere
    cdef readonly Key key
    cdef readonly Settings settings
    cdef readonly double total_timeout      # ms, 0 = none
    cdef readonly bint write
    # the attempts so far
    cdef int64_t started                    # 0 before the first
    cdef int64_t deadline
    cdef int replica_index
    cdef bint has_other_node                # than the one it was routed to, for another try
    cdef readonly int tries
    cdef readonly int sent                  # tries whose request may have reached a server
    cdef readonly list history              # errors.Attempt of each failed one; None before the first
    cdef int64_t allowance                  # how long this attempt may wait without progress
    # in a pipeline
    cdef readonly Promise promise           # what a task awaits
    cdef int64_t tried_at                   # when this attempt began
    cdef int64_t sent_at                    # when it was written
    cdef int sent_before                    # `sent` when it began

    def __cinit__(self) -> None:
        buffer_init(&self.out, self.storage, COMMAND_STORAGE)

    def __dealloc__(self) -> None:
        buffer_free(&self.out)

    @property
    def request(self) -> bytes:
        """The request's bytes as they are sent."""
        return PyBytes_FromStringAndSize(<const char*>self.out.data, <Py_ssize_t>self.out.size)

    @property
    def tries_left(self) -> int:
        """How many more attempts the policy allows."""
        return max(0, self.settings.max_retries + 1 - self.tries)

    @property
    def remaining(self) -> float | None:
        """Milliseconds until the deadline, less than 0 when it has passed; None without one."""
        if self.started == 0 or self.deadline == FOREVER:
            return self.total_timeout or None
        return (self.deadline - now_ns()) / <double>MILLISECOND

    def next_replica(self) -> None:
        """Lets the next attempt begin at the replica after the one that was asked."""
        self.replica_index += 1

    cdef inline bint may_go_elsewhere(self) noexcept:
        """Whether another node could be asked instead of waiting for room on this one. A write's master has no other."""
        return self.has_other_node and not self.write and self.tries <= self.settings.max_retries

    cdef inline void start(self) noexcept:
        """Sets the deadline, at the first attempt."""
        self.started = now_ns()
        self.deadline = after(self.started, to_ns(self.total_timeout))

    cdef inline int64_t patience(self, int64_t now) noexcept:
        """How long this attempt may wait without progress: by default what is left, over the attempts left."""
        cdef double limit = self.settings.socket_timeout
        cdef int tries
        if limit > 0:
            return <int64_t>(limit * 1e6)
        if self.deadline == FOREVER:
            return 30 * SECOND if limit < 0 else FOREVER
        if limit == 0:
            return self.deadline - now
        tries = self.settings.max_retries + 2 - self.tries      # this one is among `tries` already
        return (self.deadline - now) // (tries if tries > 1 else 1)

    def __repr__(self) -> str:
        return f"<Command {'write' if self.write else 'read'} {self.key!r}, {self.out.size} bytes, {self.tries} tries>"
