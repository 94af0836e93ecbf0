# A blocking connection: one request down, one answer up, two system calls. It owns the socket and the buffer answers
# arrive in; it belongs to one thread at a time, which its pool sees to.

cdef extern from "sys/socket.h" nogil:
    ctypedef unsigned int socklen_t
    int SOL_SOCKET, SO_RCVTIMEO, SO_SNDTIMEO, MSG_PEEK, MSG_DONTWAIT
    ssize_t send(int fd, const void* data, size_t size, int flags)
    ssize_t recv(int fd, void* data, size_t size, int flags)
    int setsockopt(int fd, int level, int option, const void* value, socklen_t size)


cdef extern from "sys/time.h" nogil:
    struct timeval:
        time_t tv_sec
        suseconds_t tv_usec


cdef extern from *:
    """
    #ifndef MSG_NOSIGNAL
    #define MSG_NOSIGNAL 0                  /* macOS: SO_NOSIGPIPE, set when the socket is made */
    #endif
    """
    int MSG_NOSIGNAL


cdef extern from *:
    """
    #include <sys/ioctl.h>
    #ifdef __linux__
    #include <linux/sockios.h>
    #endif
    static int pyspike_unacknowledged(int fd)
    {
        int size = 0;
    #if defined(SIOCOUTQ)
        if (ioctl(fd, SIOCOUTQ, &size))
            return 0;
    #elif defined(SO_NWRITE)                /* macOS */
        socklen_t length = sizeof(size);
        if (getsockopt(fd, SOL_SOCKET, SO_NWRITE, &size, &length))
            return 0;
    #endif
        return size;
    }
    """
    int unacknowledged "pyspike_unacknowledged"(int fd) noexcept nogil     # bytes sent that the peer's system has not got


cdef enum:
    RECEIVE_SIZE = 16 * 1024                # header and body of nearly every answer in one receive


cdef enum Outcome:                          # of driving an exchange
    DONE
    INTERRUPTED                             # a signal came, or may have: let Python's handlers run, then go on
    TIMED_OUT
    CLOSED                                  # the server closed the connection
    FAILED                                  # the socket failed; `error` has errno
    BAD_HEADER                              # not a message of the expected type, or larger than any can be
    OVERFLOWED                              # more bytes than the answer has
    NO_MEMORY


cdef struct Exchange:                       # one request and its answer, and how far they are
    int fd
    int kind                                # the expected type of message
    int error
    const unsigned char* out                # borrowed from the command
    size_t out_size
    size_t sent
    unsigned char* data                     # owned by the connection
    size_t capacity
    size_t have
    size_t need                             # size of the whole answer; 0 until its header is there
    int64_t deadline
    int64_t patience                        # the longest wait for a next byte
    int64_t moved_at                        # when a byte went or came last
    int64_t set_timeout                     # what the socket's timeouts are now


cdef inline int64_t socket_timeout(int64_t span) noexcept nogil:
    """The timeout that ends a wait of a span in time.

    Linux rounds a socket's timeout up, by up to an eighth of it when it is 64 ticks or longer (the coarser levels of its
    timer wheel). So a long one is set for less than the span, and again for what is left.
    """
    return span if span <= 60 * MILLISECOND else span - span // 8


cdef int set_timeouts(Exchange* x, int64_t span) noexcept nogil:
    """Sets both socket timeouts, rounded up to microseconds; 0 would mean to wait for ever."""
    cdef timeval t
    span = socket_timeout(span)
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
    """How long the next wait may take: what is left of the deadline, and of the patience since something moved."""
    cdef int64_t span = x.patience - (now - x.moved_at)
    return x.deadline - now if x.deadline - now < span else span


cdef inline int arm(Exchange* x, int64_t now) noexcept nogil:
    """Sees to it that the next wait ends in time; costs a system call only when a limit got shorter.

    A timeout that is shorter than needed stays: whoever it wakes looks at the clock and arms again.
    """
    cdef int64_t span = time_left(x, now)
    if span <= 0:
        return TIMED_OUT
    if x.set_timeout > socket_timeout(span) + 2 * MILLISECOND:
        return set_timeouts(x, span)
    return DONE


cdef int woken(Exchange* x) noexcept nogil:
    """After a wait that ended by the socket's timeout: over, or armed for the rest."""
    cdef int64_t span = time_left(x, now_ns())
    if span <= MILLISECOND:
        return TIMED_OUT
    return INTERRUPTED if set_timeouts(x, span) == DONE else FAILED


cdef int grow_receive(Exchange* x) noexcept nogil:
    cdef unsigned char* data = <unsigned char*>PyMem_RawRealloc(x.data, x.need)
    if data == NULL:
        return NO_MEMORY
    x.data = data
    x.capacity = x.need
    return DONE


cdef int drive(Exchange* x, int64_t now, int flags) noexcept nogil:
    """Sends what is unsent, then receives until the answer is whole. The caller owns all memory."""
    cdef ssize_t n
    cdef uint64_t proto
    cdef int outcome = arm(x, now)
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
            return woken(x)
        else:
            x.error = errno
            return FAILED
    while True:
        if x.need == 0 and x.have >= 8:
            proto = load64(x.data)
            if proto >> 48 != (<uint64_t>PROTO_VERSION << 8 | <uint64_t>x.kind):
                return BAD_HEADER
            proto &= MAX_BODY
            if proto > MAX_MESSAGE:
                return BAD_HEADER
            x.need = <size_t>proto + 8
            if x.need > x.capacity and grow_receive(x) != DONE:
                return NO_MEMORY
        if x.need:
            if x.have == x.need:
                return DONE
            if x.have > x.need:
                return OVERFLOWED
        n = recv(x.fd, x.data + x.have, x.capacity - x.have, flags)
        if n > 0:
            x.have += <size_t>n
            if x.have < 8 or (x.need and x.have < x.need):
                x.moved_at = now_ns()       # a part is there; the rest has its own wait, and a signal its chance
                if not flags & MSG_DONTWAIT:
                    return INTERRUPTED
        elif n == 0:
            return CLOSED
        elif errno == EINTR:
            return INTERRUPTED
        elif errno == EAGAIN:
            return TIMED_OUT if flags & MSG_DONTWAIT else woken(x)
        else:
            x.error = errno
            return FAILED


cdef inline bint is_readable(int fd) noexcept nogil:
    """Whether something has come on a socket on which nothing is to come: its end, or bytes that nobody asked for."""
    cdef unsigned char byte
    return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 or errno != EAGAIN


@cython.final
cdef class Connection:
    """A connected TCP socket that speaks Aerospike's protocol, one request at a time."""

    cdef Exchange x
    cdef NameCache names
    cdef int64_t used_at                    # when it went back to its pool
    cdef int64_t drain_until                # for an answer that came too late
    cdef Connection below                   # in its pool's stack of idle ones
    cdef int64_t opened_at
    cdef bint request_sent                  # whether the last request may have reached the server
    cdef int outcome                        # of the last exchange, if it failed
    cdef uint64_t ticket                    # of `own_socket`
    cdef bint holds_fd                      # not where the constructor's arguments were wrong

    def __cinit__(self, int fd) -> None:
        self.x.fd = -1
        self.ticket = own_socket(fd)
        self.x.fd = fd
        self.holds_fd = True
        self.x.set_timeout = FOREVER
        memset(&self.names, 0, sizeof(NameCache))

    def __dealloc__(self) -> None:
        if self.holds_fd:
            self.shut()
        PyMem_RawFree(self.x.data)
        names_clear(&self.names)

    cdef void shut(self) noexcept:
        if self.x.fd >= 0:
            disown_socket(self.x.fd, self.ticket)
            close_fd(self.x.fd)
            self.x.fd = -1

    cdef inline int prepare(self) except -1:
        if self.x.fd < 0:
            raise errors.ConnectionError("the connection is closed")
        if self.x.data == NULL:
            self.x.data = <unsigned char*>PyMem_RawMalloc(RECEIVE_SIZE)
            if self.x.data == NULL:
                raise MemoryError
            self.x.capacity = RECEIVE_SIZE
        self.x.have = 0
        self.x.need = 0
        self.x.sent = 0
        return 0

    cdef inline void tidy(self, size_t limit) noexcept:
        """Gives a buffer back that is larger than `limit`."""
        if self.x.capacity > limit:
            PyMem_RawFree(self.x.data)
            self.x.data = NULL
            self.x.capacity = 0

    cdef int run(
        self, int kind, const unsigned char* data, size_t size, int64_t now, int64_t deadline, int64_t patience
    ) except -1:
        """Sends a message and receives the answer into the buffer; on error the connection can't be used again."""
        cdef Exchange* x = &self.x
        cdef int outcome
        self.prepare()
        x.kind = kind
        x.out = data
        x.out_size = size
        x.deadline = deadline
        x.patience = patience
        x.moved_at = now
        self.request_sent = False
        with nogil:
            outcome = drive(x, now, 0)
        while outcome == INTERRUPTED:
            self.request_sent = x.sent > 0
            PyErr_CheckSignals()
            with nogil:
                outcome = drive(x, now_ns(), 0)
        self.request_sent = x.sent > 0
        if outcome != DONE:
            self.outcome = outcome
            self.fail(outcome)
        return 0

    cdef int fail(self, int outcome) except -1:
        cdef Exchange* x = &self.x
        if outcome == TIMED_OUT:
            if x.sent == 0:
                raise errors.TimeoutError("no time was left to send the request")
            if x.sent < x.out_size:
                raise errors.TimeoutError(f"timed out while sending ({x.sent} of {x.out_size} bytes)")
            if x.have:
                raise errors.TimeoutError(f"timed out in the middle of the answer ({x.have} of {x.need or 'unknown'} bytes)")
            raise errors.TimeoutError("timed out waiting for the answer")
        if outcome == CLOSED:
            raise errors.ConnectionError(
                "the server closed the connection "
                + ("in the middle of the answer" if x.have else "instead of answering")
            )
        if outcome == FAILED:
            raise errors.ConnectionError(f"the connection failed: {strerror(x.error).decode()}")
        if outcome == BAD_HEADER:
            raise errors.ProtocolError(f"not an answer of type {x.kind}: it begins with {x.data[:8].hex()}")
        if outcome == OVERFLOWED:
            raise errors.ProtocolError(f"{x.have - x.need} bytes behind the answer")
        raise MemoryError

    cdef inline bint is_dead(self) noexcept nogil:
        """Whether the server closed it, or sent something nobody asked for, while it was idle."""
        return is_readable(self.x.fd)

    cdef bint was_dead(self) noexcept nogil:
        """Whether the exchange failed because the server had closed the connection before: then nobody read the request.

        When the server's system closed its side it told how much it had received by then, and whatever comes later it
        refuses. A connection that was never used is no such, as another one may do no better.
        """
        if self.used_at == self.opened_at or self.x.have:
            return False
        if self.outcome == FAILED:
            return self.x.sent == 0
        return self.outcome == CLOSED and unacknowledged(self.x.fd) > 0

    def exchange(self, bytes message not None, double timeout) -> bytes:
        """Send one message, 8-byte header included, and return the body of the answer, which has the same type.

        `timeout` is in milliseconds, 0 for none. Raises TimeoutError, ConnectionError or ProtocolError, after which
        the connection is closed.
        """
        cdef int64_t now = now_ns()
        cdef int64_t span = to_ns(timeout)
        if PyBytes_GET_SIZE(message) < 8:
            raise errors.InvalidArgument("a message has a header of 8 bytes at least")
        try:
            self.run(
                message[1], <const unsigned char*>PyBytes_AS_STRING(message), <size_t>PyBytes_GET_SIZE(message),
                now, after(now, span), span
            )
        except BaseException:
            self.shut()
            raise
        body = self.x.data[8:self.x.need]
        self.tidy(RECEIVE_SIZE)
        return body

    def close(self) -> None:
        """Close the socket; again is harmless."""
        self.shut()

    @property
    def closed(self) -> bool:
        """Whether the socket is closed."""
        return self.x.fd < 0

    def fileno(self) -> int:
        """The socket's descriptor, -1 when closed."""
        return self.x.fd

    def __repr__(self) -> str:
        return f"<Connection fd {self.x.fd}>"
