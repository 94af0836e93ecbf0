# The transport of a blocking connection: a socket, written and read without the GIL, with TLS or without.
#
# A transport sends some bytes, receives some bytes, and ends each wait in time. Not here: what the bytes are (`exchange.pyx`),
# who owns the socket (`connection.pyx`), how its timeouts are set (`timeouts.pyx`), and how TLS seals and opens bytes
# (`tls.pyx`).

cdef enum Outcome:                          # of a transport's call, and of an exchange
    DONE                                    # bytes went or came; a whole frame is there
    INTERRUPTED                             # a signal came, or may have: let Python's handlers run, then go on
    NOT_READY                               # a call's wait reached the socket's timeout, or the call was not to wait
    TIMED_OUT
    CLOSED                                  # the server closed the connection
    FAILED                                  # the socket failed, and `error` has errno; or TLS did, and its stream has why
    BAD_HEADER                              # not a frame of the expected type, or larger than any can be
    NO_MEMORY


cdef enum:
    LOOKS_WHEN_IDLE = 16                    # receives after which who sends nothing but tickets counts as unusable


cdef struct Transport:
    int fd
    int error                               # errno of what failed
    int64_t set_timeout                     # the socket's timeouts as they are set now
    TlsState* tls                           # NULL without TLS


cdef inline int failed_call(Transport* t) noexcept nogil:
    """Returns the outcome of a call that failed."""
    if errno == EINTR:
        return INTERRUPTED
    if errno == EAGAIN:
        return NOT_READY
    t.error = errno
    return FAILED


cdef int send_sealed(Transport* t, const unsigned char* data, size_t size, int flags, size_t* sent) noexcept nogil:
    """Sends bytes over TLS. What was sealed and not sent leaves first.

    Of the bytes in a sealed piece, some count as sent as soon as a part of it is, but the last only with all of it.
    """
    cdef TlsState* tls = t.tls
    cdef size_t counted
    cdef ssize_t n
    while True:
        if tls.sealed_size == 0 and not seal_some(tls, data, size):
            return FAILED
        n = send(t.fd, tls.sealed, tls.sealed_size, MSG_NOSIGNAL | flags)
        if n < 0:
            return failed_call(t)
        tls.sealed += n
        tls.sealed_size -= <size_t>n
        counted = tls.covered if tls.sealed_size == 0 else min(<size_t>n, tls.covered - 1)
        tls.covered -= counted
        sent[0] += counted
        data += counted
        size -= counted
        if tls.sealed_size or size == 0 or not flags & MSG_DONTWAIT:
            return DONE                     # who waits looks at the time first


cdef int receive_opened(Transport* t, unsigned char* data, size_t size, int flags, size_t* received) noexcept nogil:
    """Receives bytes over TLS: those that have arrived and are not open yet come first."""
    cdef TlsState* tls = t.tls
    cdef size_t before = received[0]
    cdef ssize_t n = 0
    if tls.dry:
        n = recv(t.fd, tls.arrived, ARRIVED_AT_ONCE, flags)
        if n < 0:
            return failed_call(t)
        if n == 0:
            return CLOSED
    if not open_arrived(tls, <size_t>n, data, size, received):
        return FAILED
    return DONE if tls.dry or received[0] > before else CLOSED


cdef inline bint has_more_to_open(Transport* t) noexcept nogil:
    """Whether bytes were received that may be an answer, so that nobody may wait for the socket before they are opened."""
    return t.tls != NULL and not t.tls.dry


cdef inline int send_some(Transport* t, const unsigned char* data, size_t size, int flags, size_t* sent) noexcept nogil:
    """Sends bytes, and adds their number to `sent`."""
    cdef ssize_t n
    if t.tls != NULL:
        return send_sealed(t, data, size, flags, sent)
    n = send(t.fd, data, size, MSG_NOSIGNAL | flags)
    if n < 0:
        return failed_call(t)
    sent[0] += <size_t>n
    return DONE


cdef inline size_t unread(Transport* t) noexcept nogil:
    """Returns how many bytes can be received without waiting, at most."""
    return arrived(t.fd) + (ARRIVED_AT_ONCE if has_more_to_open(t) else 0)


cdef inline int receive_some(Transport* t, unsigned char* data, size_t size, int flags, size_t* received) noexcept nogil:
    """Receives bytes, and adds their number to `received`. With TLS that may be 0, as not all that arrives is an answer."""
    cdef ssize_t n
    if t.tls != NULL:
        return receive_opened(t, data, size, flags, received)
    n = recv(t.fd, data, size, flags)
    if n < 0:
        return failed_call(t)
    if n == 0:
        return CLOSED
    received[0] += <size_t>n
    return DONE


cdef inline bint is_unusable(Transport* t) noexcept nogil:
    """Whether an idle connection can't be used: the server closed it, or sent bytes that belong to no request."""
    return is_readable(t.fd) if t.tls == NULL else tls_is_unusable(t)


cdef bint tls_is_unusable(Transport* t) noexcept nogil:
    """The same with TLS, in which a server may send what is no answer, such as tickets for later sessions."""
    cdef unsigned char byte
    cdef size_t came = 0
    cdef int outcome = DONE
    cdef int looks = 0
    while outcome == DONE and came == 0 and looks < LOOKS_WHEN_IDLE:
        outcome = receive_some(t, &byte, 1, MSG_DONTWAIT, &came)
        looks += 1
    return outcome != NOT_READY
