# The transport of a blocking connection: a plain socket, written and read without the GIL. Its timeouts are the socket's own;
# setting them costs a system call only when a limit got shorter.
#
# A transport sends some bytes, receives some bytes, and ends each wait in time; another kind of socket (TLS) is another
# transport, with the same functions. Not here: what the bytes are (`exchange.pyx`), and who owns the socket
# (`connection.pyx`).

cdef enum Outcome:                          # of a transport's call, and of an exchange
    DONE                                    # bytes went or came; a whole frame is there
    INTERRUPTED                             # a signal came, or may have: let Python's handlers run, then go on
    NOT_READY                               # a call's wait reached the socket's timeout, or the call was not to wait
    TIMED_OUT
    CLOSED                                  # the server closed the connection
    FAILED                                  # the socket failed; `error` has errno
    BAD_HEADER                              # not a frame of the expected type, or larger than any can be
    NO_MEMORY


cdef struct Transport:
    int fd
    int error                               # errno of what failed
    int64_t set_timeout                     # the socket's timeouts as they are set now


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


cdef inline int failed_call(Transport* t) noexcept nogil:
    """Returns the outcome of a call that failed."""
    if errno == EINTR:
        return INTERRUPTED
    if errno == EAGAIN:
        return NOT_READY
    t.error = errno
    return FAILED


cdef inline int send_some(Transport* t, const unsigned char* data, size_t size, int flags, size_t* sent) noexcept nogil:
    """Sends bytes, and adds their number to `sent`."""
    cdef ssize_t n = send(t.fd, data, size, MSG_NOSIGNAL | flags)
    if n < 0:
        return failed_call(t)
    sent[0] += <size_t>n
    return DONE


cdef inline size_t unread(Transport* t) noexcept nogil:
    """Returns how many bytes can be received without waiting."""
    return arrived(t.fd)


cdef inline int receive_some(Transport* t, unsigned char* data, size_t size, int flags, size_t* received) noexcept nogil:
    """Receives bytes, and adds their number to `received`."""
    cdef ssize_t n = recv(t.fd, data, size, flags)
    if n < 0:
        return failed_call(t)
    if n == 0:
        return CLOSED
    received[0] += <size_t>n
    return DONE
