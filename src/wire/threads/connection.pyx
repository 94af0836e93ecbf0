# A blocking connection. It sends one request at a time and receives the answer, which has one or several frames. It owns the
# socket and the receive buffer. Its pool gives it to one thread at a time.

cdef enum:                                  # how an answer of TLS begins, to whom spoke to it without
    TLS_ALERT = 21
    TLS_VERSION = 3


cdef str SPEAKS_TLS = "the port speaks TLS: give ClientPolicy(tls=...), and the hosts as 'host:tls-name:port'"


@cython.final
cdef class Connection:
    """A connected TCP socket that speaks Aerospike's protocol, one request at a time.

    Args:
        fd: the socket's descriptor, which the connection owns from now on.
        tls: its TLS, after the handshake; None without TLS.
    """

    cdef Exchange x
    cdef NameCache names
    cdef int64_t used_at                    # when it was last given back to its pool
    cdef int64_t drain_until                # how long the answer to a command that timed out is awaited; 0 if none is
    cdef bint late_frames                   # whether that answer has many frames
    cdef bint error_ends_late               # and whether it ends with any error
    cdef Connection below                   # the next connection in its pool's stack of idle connections
    cdef int64_t opened_at
    cdef bint request_sent                  # whether the last request may have reached the server
    cdef bint in_answer                     # whether the answer has not been received to its end
    cdef bytes opened                       # what was in the frame, if that is compressed; else None
    cdef size_t frames                      # how many frames of the last answer have come
    cdef int outcome                        # the Outcome of the last exchange, if it failed
    cdef uint64_t ticket                    # of `own_socket`
    cdef bint holds_fd                      # False if the constructor raised an error
    cdef TlsStream tls
    cdef NodeCounters counters              # of the node; None if it is no connection of a pool

    def __cinit__(self, int fd, TlsStream tls=None) -> None:
        self.x.transport.fd = -1
        self.ticket = own_socket(fd)
        self.x.transport.fd = fd
        self.holds_fd = True
        self.x.transport.set_timeout = FOREVER
        self.tls = tls
        if tls is not None:
            self.x.transport.tls = &tls.state
        memset(&self.names, 0, sizeof(NameCache))

    def __dealloc__(self) -> None:
        if self.holds_fd:
            self.shut()
        PyMem_RawFree(self.x.data)
        names_clear(&self.names)

    cdef void shut(self) noexcept:
        if self.x.transport.fd >= 0:
            disown_socket(self.x.transport.fd, self.ticket)
            close_fd(self.x.transport.fd)
            self.x.transport.fd = -1

    cdef inline int prepare(self) except -1:
        if self.x.transport.fd < 0:
            raise errors.ConnectionError("the connection is closed")
        if self.x.data == NULL:
            self.x.data = <unsigned char*>PyMem_RawMalloc(RECEIVE_SIZE)
            if self.x.data == NULL:
                raise MemoryError
            self.x.capacity = RECEIVE_SIZE
        self.close_frame()
        self.x.have = 0
        self.x.frame.size = 0
        self.x.dropped = 0
        self.x.sent = 0
        self.x.is_late = False
        return 0

    cdef inline void tidy(self, size_t limit) noexcept:
        """Frees a receive buffer that is larger than `limit`, and what was in a compressed answer."""
        self.close_frame()
        if self.x.capacity > limit:
            PyMem_RawFree(self.x.data)
            self.x.data = NULL
            self.x.capacity = 0

    cdef inline int begin(
        self, int kind, const unsigned char* data, size_t size, int64_t now, int64_t deadline, int64_t attempt_timeout
    ) except -1:
        """Makes ready to send a message and to receive its answer."""
        cdef Exchange* x = &self.x
        self.request_sent = False
        self.in_answer = True
        self.frames = 0
        self.prepare()
        x.kind = kind
        x.out = data
        x.out_size = size
        x.deadline = deadline
        x.attempt_timeout = attempt_timeout
        x.moved_at = now
        return 0

    cdef int run(
        self, int kind, const unsigned char* data, size_t size, int64_t now, int64_t deadline, int64_t attempt_timeout
    ) except -1:
        """Sends a message and receives the first frame of its answer. After an error the connection can't be used again."""
        self.begin(kind, data, size, now, deadline, attempt_timeout)
        return self.receive(now)

    cdef int receive_more(self) except -1:
        """Receives the next frame of the answer in the place of the last one, within the same deadline."""
        cdef int64_t now = now_ns()
        self.drop_frame()
        self.in_answer = True
        self.x.moved_at = now
        return self.receive(now)

    cdef inline int receive(self, int64_t now) except -1:
        cdef Exchange* x = &self.x
        cdef int outcome
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
        self.take_frame()
        return 0

    cdef inline int take_frame(self) except -1:
        """Takes note of the frame that was received, which a compressed one has in it."""
        self.in_answer = False
        self.frames += 1
        if self.x.frame.is_compressed:
            self.open_frame()
        return 0

    cdef int open_frame(self) except -1:
        """Takes the frame out of the compressed one; if that is read on, it was done before."""
        cdef size_t packed = self.x.frame.body_size
        cdef bint is_new = self.opened is None
        self.opened = open_frame(&self.x.frame, self.opened)
        if is_new and self.counters is not None:
            self.counters.count_opened(packed, self.opened)
        return 0

    cdef inline void close_frame(self) noexcept:
        """Forgets what was in a compressed frame."""
        if self.opened is not None:
            self.opened = None

    cdef inline void drop_frame(self) noexcept:
        """Lets the next frame come in the place of the one that was read."""
        self.close_frame()
        drop_frame(&self.x)

    cdef inline object read(self, Reader reader, Key key, object given):
        """Reads the answer, whose first frame `run` has received, and receives more frames as long as the reader wants them."""
        value = read_frame(reader, key, given, &self.x.frame, &self.names)
        while value is MORE:
            self.receive_more()
            value = read_frame(reader, key, given, &self.x.frame, &self.names)
        if self.has_more():
            raise self.overflowed()
        return value

    cdef void begin_late(self, Reader reader) noexcept:
        """Makes ready to read the rest of an answer that nobody waits for. The request is sent; its memory is the command's."""
        self.x.out = NULL
        self.x.out_size = self.x.sent = 0
        self.x.deadline = self.x.attempt_timeout = FOREVER
        self.late_frames = reader.has_many_frames
        self.error_ends_late = reader.ends_with_error

    cdef int read_late(self, int64_t until) noexcept:
        """Reads what has come of such an answer; returns DONE at its end. Of many frames it reads until a time at most."""
        cdef Exchange* x = &self.x
        cdef int outcome, ends
        with nogil:
            while True:
                outcome = drive(x, now_ns(), MSG_DONTWAIT)
                if outcome != DONE or not self.late_frames:
                    break
                ends = 0                    # a compressed frame is none that says that it is the last one (framing.md 1.5)
                if not x.frame.is_compressed:
                    ends = ends_answer(x.frame.body, x.frame.body_size, self.error_ends_late)
                if ends:
                    outcome = DONE if ends > 0 else BAD_HEADER
                    break
                drop_frame(x)
                if now_ns() >= until:
                    outcome = NOT_READY
                    break
        return outcome

    cdef inline bint has_more(self) noexcept nogil:
        """Whether bytes were received behind the answer, which is whole."""
        return not self.in_answer and bytes_behind(&self.x) > 0

    cdef object overflowed(self):
        """Returns the error of an answer with bytes behind it, which belong to no request."""
        return errors.ProtocolError(f"{bytes_behind(&self.x)} bytes behind the answer")

    cdef int fail(self, int outcome) except -1:
        cdef Exchange* x = &self.x
        if outcome == TIMED_OUT:
            if x.sent == 0:
                raise errors.TimeoutError("no time was left to send the request")
            if x.sent < x.out_size:
                raise errors.TimeoutError(f"timed out while sending ({x.sent} of {x.out_size} bytes)")
            if x.have or self.frames:
                raise errors.TimeoutError(
                    f"timed out in the middle of the answer ({x.have} of {x.frame.size or 'unknown'} bytes)"
                )
            raise errors.TimeoutError("timed out waiting for the answer")
        if outcome == CLOSED:
            raise errors.ConnectionError(
                "the server closed the connection "
                + ("in the middle of the answer" if x.have or self.frames else "instead of answering")
            )
        if outcome == FAILED and self.tls is not None and self.tls.failure is not None:
            raise self.tls.error()
        if outcome == FAILED:
            raise errors.ConnectionError(f"the connection failed: {strerror(x.transport.error).decode()}")
        if outcome == BAD_HEADER:
            raise errors.ProtocolError(
                f"not an answer of type {x.kind}: it begins with {x.data[:8].hex()}",
                advice=SPEAKS_TLS if self.tls is None and x.data[0] == TLS_ALERT and x.data[1] == TLS_VERSION else "",
            )
        raise MemoryError

    cdef inline bint is_dead(self) except -1:
        """Whether the connection, which was idle, can't be used: see `is_unusable`."""
        cdef bint unusable = is_unusable(&self.x.transport)
        if unusable and self.interruption() is not None:
            raise self.interruption()
        return unusable

    cdef inline object interruption(self):
        """Returns what a signal's handler raised while TLS was at work; None if nothing."""
        return None if self.tls is None or isinstance(self.tls.failure, OSError) else self.tls.failure

    cdef bint was_dead(self) noexcept nogil:
        """Whether the exchange failed because the server had closed the connection before: the server has not read the request.

        When the server closes its side, its system has acknowledged the bytes that it received, and refuses later ones. So a
        request with unacknowledged bytes was not received. False for a connection that was opened for this request, as
        another new connection may be closed just the same.
        """
        if self.used_at == self.opened_at or self.x.have or self.frames:
            return False
        if self.outcome == FAILED:
            return self.x.sent == 0
        return self.outcome == CLOSED and unacknowledged(self.x.transport.fd) > 0

    def exchange(self, bytes message not None, double timeout) -> bytes:
        """Send one message, its 8-byte header included, and return the body of the answer, which has the same type.

        `timeout` is in milliseconds, 0 for none. Raises TimeoutError, ConnectionError or ProtocolError, after which
        the connection is closed.
        """
        return self.exchange_all(message, timeout)[0]

    def exchange_all(
        self, bytes message not None, double timeout, is_last: Callable[[bytes], bool] | None = None
    ) -> list[bytes]:
        """Do the same where the answer may have several frames, and return the bodies of all.

        `is_last` is called with each body, and returns whether the answer ends with it; without it the answer has one
        frame. If it raises, the connection is closed too.
        """
        cdef int64_t now = now_ns()
        cdef int64_t span = to_ns(timeout)
        if PyBytes_GET_SIZE(message) < FRAME_HEADER_SIZE:
            raise errors.InvalidArgument(f"a message has a header of {FRAME_HEADER_SIZE} bytes at least")
        try:
            self.run(
                message[1], <const unsigned char*>PyBytes_AS_STRING(message), <size_t>PyBytes_GET_SIZE(message),
                now, after(now, span), span
            )
            bodies = self.read(FramesReader(is_last), None, None)
        except BaseException:
            self.shut()
            raise
        self.tidy(RECEIVE_SIZE)
        return bodies

    def close(self) -> None:
        """Close the socket. Does nothing if it is closed."""
        self.shut()

    def interrupt(self) -> None:
        """Have the exchange that another thread does on the connection end at once, with a ConnectionError."""
        if self.x.transport.fd >= 0:
            shutdown(self.x.transport.fd, SHUT_RDWR)

    @property
    def exchanged(self) -> tuple[int, int]:
        """How many bytes of the last request were sent, and how many came in answer."""
        return self.x.sent, bytes_of_answer(&self.x)

    @property
    def closed(self) -> bool:
        """Whether the socket is closed."""
        return self.x.transport.fd < 0

    def fileno(self) -> int:
        """Return the socket's descriptor; -1 if the socket is closed."""
        return self.x.transport.fd

    def __repr__(self) -> str:
        return f"<Connection fd {self.x.transport.fd}>"
