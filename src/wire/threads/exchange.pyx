# Sending a request and receiving the frames of its answer, on a blocking socket and without the GIL: two system calls where
# nothing goes wrong. Timeouts are the socket's own; setting them costs a system call only when a limit got shorter.
#
# Not here: Python objects, errors, and who owns the socket (`connection.pyx`).

cdef enum:
    RECEIVE_SIZE = 16 * 1024                # header and body of nearly every answer in one receive


cdef enum Outcome:                          # of `drive`
    DONE                                    # a whole frame is there
    INTERRUPTED                             # a signal came, or may have: let Python's handlers run, then go on
    BLOCKED                                 # the socket is not ready, and the caller does not wait in `drive`
    TIMED_OUT
    CLOSED                                  # the server closed the connection
    FAILED                                  # the socket failed; `error` has errno
    BAD_HEADER                              # not a frame of the expected type, or larger than any can be
    NO_MEMORY


cdef struct Exchange:                       # one request and its answer, and how far they are
    int fd
    int kind                                # the expected type of frame
    int error
    const unsigned char* out                # borrowed from the command
    size_t out_size
    size_t sent
    unsigned char* data                     # owned by the connection: what was received and not taken yet
    size_t capacity
    size_t have
    Frame frame                             # the first one in `data`
    int64_t deadline
    int64_t attempt_timeout                 # the longest wait for a next byte
    int64_t moved_at                        # when a byte went or came last
    int64_t set_timeout                     # what the socket's timeouts are now


cdef inline int64_t rounded_timeout(int64_t span) noexcept nogil:
    """The timeout that ends a wait of a span in time.

    Linux rounds a socket's timeout up, by up to an eighth of it when it is 64 ticks or longer (the coarser levels of its
    timer wheel). So a long one is set for less than the span, and again for what is left.
    """
    return span if span <= 60 * MILLISECOND else span - span // 8


cdef int set_timeouts(Exchange* x, int64_t span) noexcept nogil:
    """Sets both socket timeouts, rounded up to microseconds; 0 would mean to wait for ever."""
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
    """How long the next wait may take: until the deadline, and no longer than an attempt may wait for a next byte."""
    cdef int64_t span = x.attempt_timeout - (now - x.moved_at)
    return x.deadline - now if x.deadline - now < span else span


cdef inline int arm(Exchange* x, int64_t now) noexcept nogil:
    """Sees to it that the next wait ends in time; costs a system call only when a limit got shorter.

    A timeout that is shorter than needed stays: the thread that it wakes looks at the clock and sets it again.
    """
    cdef int64_t span = time_left(x, now)
    if span <= 0:
        return TIMED_OUT
    if x.set_timeout > rounded_timeout(span) + 2 * MILLISECOND:
        return set_timeouts(x, span)
    return DONE


cdef int woken(Exchange* x) noexcept nogil:
    """After a wait that ended by the socket's timeout: the time is over, or the timeout is set for the rest of it."""
    cdef int64_t span = time_left(x, now_ns())
    if span <= MILLISECOND:
        return TIMED_OUT
    return INTERRUPTED if set_timeouts(x, span) == DONE else FAILED


cdef int grow_receive(Exchange* x) noexcept nogil:
    """Makes room for the whole frame, whose size was checked."""
    cdef unsigned char* data = <unsigned char*>PyMem_RawRealloc(x.data, x.frame.size)
    if data == NULL:
        return NO_MEMORY
    x.data = data
    x.capacity = x.frame.size
    return DONE


cdef void drop_frame(Exchange* x) noexcept nogil:
    """Forgets the frame that was received; bytes of the next one may be there already."""
    x.have -= x.frame.size
    memmove(x.data, x.data + x.frame.size, x.have)
    x.frame.size = 0


cdef inline size_t bytes_behind(Exchange* x) noexcept nogil:
    """How many bytes came behind the frame that was received."""
    return x.have - x.frame.size


cdef int drive(Exchange* x, int64_t now, int flags) noexcept nogil:
    """Sends what is unsent, then receives until a whole frame is there. The caller owns all memory.

    `flags`: 0, or MSG_DONTWAIT for a caller that waits by itself until the socket is ready.
    """
    cdef ssize_t n
    cdef FrameState state
    cdef bint came = False
    cdef int outcome
    if flags & MSG_DONTWAIT:
        outcome = DONE if time_left(x, now) > 0 else TIMED_OUT
    else:
        outcome = arm(x, now)
    if outcome != DONE:
        return outcome
    while x.sent < x.out_size:
        n = send(x.fd, x.out + x.sent, x.out_size - x.sent, MSG_NOSIGNAL | flags)
        if n >= 0:
            x.sent += <size_t>n
            if x.sent < x.out_size:         # the server reads slowly, or a signal cut it short
                x.moved_at = now_ns()
                return INTERRUPTED
        elif errno == EINTR:
            return INTERRUPTED
        elif errno == EAGAIN:
            return BLOCKED if flags & MSG_DONTWAIT else woken(x)
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
            x.moved_at = now_ns()           # a part is there; the rest has its own wait, and a signal its chance
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
            return BLOCKED if flags & MSG_DONTWAIT else woken(x)
        else:
            x.error = errno
            return FAILED
