# The monotonic clock in nanoseconds, and arithmetic with its moments.

cdef int64_t MILLISECOND = 1_000_000
cdef int64_t SECOND = 1_000_000_000
cdef int64_t FOREVER = INT64_MAX

cdef int64_t advanced = 0                   # what tests let pass at once


cdef inline int64_t now_ns() noexcept nogil:
    """Returns the time of the monotonic clock."""
    cdef timespec t
    clock_gettime(CLOCK_MONOTONIC, &t)
    return <int64_t>t.tv_sec * 1_000_000_000 + t.tv_nsec + advanced


cdef inline int64_t to_ns(double ms) noexcept nogil:
    """Returns milliseconds as nanoseconds; FOREVER for 0 and less, and for what is too large."""
    return FOREVER if ms <= 0 or ms > 1e12 else <int64_t>(ms * 1e6)


cdef inline int64_t after(int64_t start, int64_t span) noexcept nogil:
    """Returns the moment `span` after `start`; FOREVER if that would overflow."""
    return FOREVER if span >= FOREVER - start else start + span


def advance_clock(double ms) -> None:
    """Let so many milliseconds pass at once for all deadlines and idle times of this process; for tests.

    The clock never goes back. A thread that waits in the kernel, as a blocking command does for its answer, still waits in real
    time.

    Args:
        ms: how far to move the clock; 0 or more.

    Raises:
        ValueError: `ms` is less than 0, or no number.
    """
    global advanced
    if not 0 <= ms <= 1e12:
        raise ValueError(f"the clock can't be moved by {ms} ms")
    advanced += <int64_t>(ms * MILLISECOND)
