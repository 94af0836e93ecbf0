# How long a blocking connection waits: its timeouts are the socket's own, and setting them costs a system call only when a
# limit got shorter. An attempt that has waited too long is told by `time_left` and `wait_ended` (`exchange.pyx`).

cdef inline int64_t rounded_timeout(int64_t span) noexcept nogil:
    """Returns the socket timeout to set for a wait of a span.

    Linux rounds a socket's timeout up, by up to an eighth when it is 64 ticks or longer (the coarser levels of its timer
    wheel). So a long timeout is set to less than the span; when it ends, it is set again for the rest.
    """
    return span if span <= 60 * MILLISECOND else span - span // 8


cdef int set_timeouts(Transport* t, int64_t span) noexcept nogil:
    """Sets both socket timeouts, rounded up to microseconds, as a timeout of 0 would never end."""
    cdef timeval limit
    span = rounded_timeout(span)
    if span < MILLISECOND:
        span = MILLISECOND
    t.set_timeout = span
    if span > 1_000_000 * SECOND:
        memset(&limit, 0, sizeof(limit))
    else:
        limit.tv_sec = <time_t>(span // SECOND)
        limit.tv_usec = <suseconds_t>((span % SECOND + 999) // 1000)
    if (
        setsockopt(t.fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit))
        or setsockopt(t.fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit))
    ):
        t.error = errno
        return FAILED
    return DONE


cdef inline int arm_transport(Transport* t, int64_t span) noexcept nogil:
    """Sets the socket's timeouts if the next wait would take longer than a span. Returns TIMED_OUT if the span is over.

    A timeout that is shorter than needed stays: when it ends, it is set for the rest of the time.
    """
    if span <= 0:
        return TIMED_OUT
    if t.set_timeout > rounded_timeout(span) + 2 * MILLISECOND:
        return set_timeouts(t, span)
    return DONE
