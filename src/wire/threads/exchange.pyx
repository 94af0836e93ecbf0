# Sends a request and receives the frames of its answer, on a blocking socket and without the GIL: usually in two system calls.
# Waits end by the socket's own timeouts, which are only set again (a system call) when a wait has to be shorter.
#
# Not here: Python objects, errors, and the owner of the socket (`connection.pyx`).

cdef enum:
    RECEIVE_SIZE = 16 * 1024                # header and body of nearly every answer in one receive


cdef enum Outcome:                          # of `drive`
    DONE                                    # a whole frame is there
    INTERRUPTED                             # a signal may have come: the caller runs Python's handlers and calls `drive` again
    TIMED_OUT
    CLOSED                                  # the server closed the connection
    FAILED                                  # the socket failed; `error` has errno
    BAD_HEADER                              # no frame of the expected type, or one that exceeds the limit
    NO_MEMORY


cdef struct Exchange:                       # a request and its answer, and how much of them was sent and received
    int fd
    int kind                                # the expected type of frame
    int error
    const unsigned char* out                # borrowed from the command
    size_t out_size
    size_t sent
    unsigned char* data                     # owned by the connection: bytes that were received and not taken yet
    size_t capacity
    size_t have
    Frame frame                             # the first frame in `data`
    int64_t deadline
    int64_t attempt_timeout                 # the longest wait for a next byte
    int64_t moved_at                        # when bytes were last sent or received
    int64_t set_timeout                     # the socket's timeouts as they are set now


cdef inline int64_t rounded_timeout(int64_t span) noexcept nogil:
    """Returns the socket timeout to set for a wait of a span.

    Linux rounds a socket's timeout up, by up to an eighth when it is 64 ticks or longer (the coarser levels of its timer
    wheel). So a long timeout is set to less than the span; when it ends, it is set again for the rest (`woken`).
    """
    return span if span <= 60 * MILLISECOND else span - span // 8


cdef int set_timeouts(Exchange* x, int64_t span) noexcept nogil:
    """Sets both socket timeouts, rounded up to microseconds, as a timeout of 0 would never end."""
    cdef timeval t
    span = rounded_timeout(span)
    if span < MILLISECOND:
        span = MILLISECOND
    x.set_timeout = span
    if span > 1_000_000 * SECOND:
        memset(&t, 0, sizeof(t))
    else:
        t.tv_sec = <time_t>(span // SECOND)
        t.tv_usec = <suseconds_t>((span % SECOND + 999) // 1000)
    if setsockopt(x.fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)) or setsockopt(x.fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t)):
        x.error = errno
        return FAILED
    return DONE


cdef inline int64_t time_left(Exchange* x, int64_t now) noexcept nogil:
    """Returns how long the next wait may take: until the deadline, or until the attempt has waited too long for a next byte."""
    cdef int64_t span = x.attempt_timeout - (now - x.moved_at)
    return x.deadline - now if x.deadline - now < span else span


cdef inline int arm(Exchange* x, int64_t now) noexcept nogil:
    """Sets the socket's timeouts if the next wait would end too late. Returns TIMED_OUT if no time is left.

    A timeout that is shorter than needed stays: the thread that it wakes calls `woken`, which sets it for the rest.
    """
    cdef int64_t span = time_left(x, now)
    if span <= 0:
        return TIMED_OUT
    if x.set_timeout > rounded_timeout(span) + 2 * MILLISECOND:
        return set_timeouts(x, span)
    return DONE


cdef int woken(Exchange* x) noexcept nogil:
    """Is called when a socket timeout ended a wait. Returns TIMED_OUT, or sets the timeout for the rest of the time."""
    cdef int64_t span = time_left(x, now_ns())
    if span <= MILLISECOND:
        return TIMED_OUT
    return INTERRUPTED if set_timeouts(x, span) == DONE else FAILED


cdef int grow_receive(Exchange* x) noexcept nogil:
    """Makes room for the whole frame, whose size `split_frame` has checked."""
    cdef unsigned char* data = <unsigned char*>PyMem_RawRealloc(x.data, x.frame.size)
    if data == NULL:
        return NO_MEMORY
    x.data = data
    x.capacity = x.frame.size
    return DONE


cdef void drop_frame(Exchange* x) noexcept nogil:
    """Removes the frame that was received; bytes of the next frame move to its place."""
    x.have -= x.frame.size
    memmove(x.data, x.data + x.frame.size, x.have)
    x.frame.size = 0


cdef inline size_t bytes_behind(Exchange* x) noexcept nogil:
    """Returns how many bytes were received behind the frame."""
    return x.have - x.frame.size


cdef int drive(Exchange* x, int64_t now, int flags) noexcept nogil:
    """Sends the rest of the request, then receives until a whole frame is there. The caller owns all memory.

    `flags` are those of `send` and `recv`: with MSG_DONTWAIT, TIMED_OUT means that nothing more has come yet.
    """
    cdef ssize_t n
    cdef FrameState state
    cdef bint came = False
    cdef int outcome = arm(x, now)
    if outcome != DONE:
        return outcome
    while x.sent < x.out_size:
        n = send(x.fd, x.out + x.sent, x.out_size - x.sent, MSG_NOSIGNAL | flags)
        if n >= 0:
            x.sent += <size_t>n
            if x.sent < x.out_size:         # the server reads slowly, or a signal interrupted the call
                x.moved_at = now_ns()
                return INTERRUPTED
        elif errno == EINTR:
            return INTERRUPTED
        elif errno == EAGAIN:
            return woken(x)
        else:
            x.error = errno
            return FAILED
    while True:
        state = split_frame(&x.frame, x.data, x.have, x.kind)
        if state == FRAME_WHOLE:
            return DONE
        if state == FRAME_BAD:
            return BAD_HEADER
        if x.frame.size > x.capacity and grow_receive(x) != DONE:
            return NO_MEMORY
        if came:
            x.moved_at = now_ns()           # a part came: the wait for the rest begins anew, after signal handlers have run
            came = False
            if not flags & MSG_DONTWAIT:
                return INTERRUPTED
        n = recv(x.fd, x.data + x.have, x.capacity - x.have, flags)
        if n > 0:
            x.have += <size_t>n
            came = True
        elif n == 0:
            return CLOSED
        elif errno == EINTR:
            return INTERRUPTED
        elif errno == EAGAIN:
            return TIMED_OUT if flags & MSG_DONTWAIT else woken(x)
        else:
            x.error = errno
            return FAILED
