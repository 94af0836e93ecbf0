# Sending a request and receiving the frames of its answer, without the GIL: two calls of the transport where nothing goes
# wrong. Here it is decided too whether an attempt has waited too long (`time_left`, `wait_ended`).
#
# Not here: how a socket's timeouts are set (`timeouts.pyx`), Python objects, errors, and the owner of the socket
# (`connection.pyx`).

cdef enum:
    RECEIVE_SIZE = 16 * 1024                # header and body of nearly every answer in one receive


cdef struct Exchange:                       # a request and its answer, and how much of them was sent and received
    Transport transport
    int kind                                # the expected type of frame
    const unsigned char* out                # borrowed from the command
    size_t out_size
    size_t sent
    unsigned char* data                     # owned by the connection: bytes that were received and not taken yet
    size_t capacity
    size_t have
    Frame frame                             # the first frame in `data`
    size_t dropped                          # bytes of the answer's frames in front of it
    int64_t deadline
    int64_t attempt_timeout                 # the longest wait for a next byte
    int64_t moved_at                        # when bytes were last sent or received
    bint is_late                            # whether no time was left when it was last gone on with
    size_t late_bytes                       # that may still be received then, as they had arrived before anyone looked


cdef inline int64_t time_left(Exchange* x, int64_t now) noexcept nogil:
    """Returns how long the next wait may take: until the deadline, or until the attempt has waited too long for a next byte."""
    cdef int64_t span = x.attempt_timeout - (now - x.moved_at)
    return x.deadline - now if x.deadline - now < span else span


cdef int wait_ended(Exchange* x) noexcept nogil:
    """Is called when a socket timeout ended a wait. Returns TIMED_OUT, or sets the timeout for the rest of the time."""
    cdef int64_t span = time_left(x, now_ns())
    if span <= MILLISECOND:
        return TIMED_OUT
    return INTERRUPTED if set_timeouts(&x.transport, span) == DONE else FAILED


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
    x.dropped += x.frame.size
    memmove(x.data, x.data + x.frame.size, x.have)
    x.frame.size = 0


cdef inline size_t bytes_read(Exchange* x) noexcept nogil:
    """Returns how many bytes an answer has that was read to the end of its last frame."""
    return x.dropped + x.frame.size


cdef inline size_t bytes_of_answer(Exchange* x) noexcept nogil:
    """Returns how many bytes of an answer have come that may not be whole, but none behind it."""
    return x.dropped + (x.frame.size if 0 < x.frame.size <= x.have else x.have)


cdef inline size_t bytes_behind(Exchange* x) noexcept nogil:
    """Returns how many bytes were received behind the frame."""
    return x.have - x.frame.size


cdef int send_rest(Exchange* x, int flags) noexcept nogil:
    """Sends the rest of the request. Returns DONE when all of it was sent."""
    cdef int outcome
    while x.sent < x.out_size:
        outcome = send_some(&x.transport, x.out + x.sent, x.out_size - x.sent, flags, &x.sent)
        if outcome == DONE:
            if x.sent < x.out_size:         # the server reads slowly, or a signal interrupted the call
                x.moved_at = now_ns()
                return INTERRUPTED
        elif outcome == NOT_READY and not flags & MSG_DONTWAIT:
            return wait_ended(x)
        else:
            return outcome
    return DONE


cdef int receive_frame(Exchange* x, int flags) noexcept nogil:
    """Receives until a whole frame is there; returns NOT_READY if that takes more than may still be received."""
    cdef FrameState state
    cdef bint came = False
    cdef int outcome
    cdef size_t had
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
        if x.is_late and x.late_bytes == 0:
            return NOT_READY                # whoever goes on sending is not listened to
        had = x.have
        outcome = receive_some(&x.transport, x.data + x.have, x.capacity - x.have, flags, &x.have)
        if outcome == DONE:
            came = True
            x.late_bytes -= min(x.late_bytes, max(x.have - had, <size_t>1))
        elif outcome == NOT_READY and not flags & MSG_DONTWAIT:
            return wait_ended(x)
        else:
            return outcome


cdef int drive(Exchange* x, int64_t now, int flags) noexcept nogil:
    """Sends the rest of the request, then receives until a whole frame is there. The caller owns all memory.

    `flags` are those of `send` and `recv`: with MSG_DONTWAIT the caller waits by itself until the socket is ready. Where no
    time is left, what has arrived before anyone looked is received all the same, and what comes after that is not;
    TIMED_OUT means that it was not enough. A request of which nothing was sent by then is not sent.
    """
    cdef int outcome
    cdef int how = flags
    if time_left(x, now) > 0:
        x.is_late = False
        if not flags & MSG_DONTWAIT:
            outcome = arm_transport(&x.transport, time_left(x, now))
            if outcome != DONE:
                return outcome
    elif x.sent == 0:
        return TIMED_OUT
    else:
        how |= MSG_DONTWAIT
        if not x.is_late:
            x.is_late = True
            x.late_bytes = unread(&x.transport) + 1     # or the end of the stream
    outcome = send_rest(x, how)
    if outcome == DONE:
        outcome = receive_frame(x, how)
    if outcome != NOT_READY:
        return outcome
    if time_left(x, now_ns()) <= 0:
        return TIMED_OUT
    return NOT_READY if flags & MSG_DONTWAIT else INTERRUPTED
