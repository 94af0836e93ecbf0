# What becomes of one call, written down for whoever watches it (`watched_executor.pyx`). A call that nobody watches has no
# trace, so that it costs no more than to see that.

cdef enum:
    MOST_EVENTS = 128                       # failed attempts of which a trace has more than their number


cdef struct Parts:                          # ns of an attempt that were spent on each of these
    int64_t queue, connect, network, decode


cdef inline double in_ms(int64_t ns) noexcept:
    return ns / <double>MILLISECOND


cdef inline int64_t of_ms(double ms) noexcept:
    return <int64_t>(ms * MILLISECOND)


@cython.final
cdef class Trace:
    """What a call went through: each attempt that failed, and where its time and that of the request that took longest went.

    Of a call of several requests, as batches and queries are, more than one may be under way at the same time.

    Attributes:
        node: the name of the node that was asked last; None before the first.
        requests: how many requests were answered.
        failures: how many attempts failed.
        events: of the first failed attempts, the time of the wall clock in ns, the `errors.Attempt`, and how many of its
            milliseconds were spent on what the next four tell of a request.
        sent_bytes, received_bytes: of all requests, and of all answers that were read.
        queue_ns: how long the request that took longest waited until it was sent, without the time to connect. As long as no
            request was answered, these are of the failed attempt that took longest.
        connect_ns: how long it took to open a connection for it.
        network_ns: from sending it until the answer was there, as far as that was not reading it.
        decode_ns: how long it took to read its answer.
        lag_ns: how long the task did not run after the answer was read, as the loop did other things.
    """

    cdef readonly str node
    cdef readonly Py_ssize_t requests, failures
    cdef readonly list events
    cdef readonly int64_t sent_bytes, received_bytes
    cdef readonly int64_t queue_ns, connect_ns, network_ns, decode_ns, lag_ns
    cdef int64_t longest                    # ns of the times above, but for the lag
    cdef int64_t connecting                 # ns that were spent on connections for the request that is to be sent
    cdef int64_t ended_at                   # when the outcome of a task's call was there; 0 before
    cdef list when_over                     # of what takes a while: each is called with the error that has ended it, or None

    def __cinit__(self) -> None:
        self.events = []
        self.when_over = []

    cdef int answered(self, str node, int64_t began, int64_t sent_at, int64_t now, int64_t decoding) except -1:
        """Notes a request that was answered: when its attempt began, it was sent, its answer was read, and how long that took."""
        with cython.critical_section(self):
            self.node = node
            self.requests += 1
            self.ended_at = now
            self.note_parts(self.split(began, sent_at, now, decoding), self.requests == 1)
        return 0

    cdef Parts split(self, int64_t began, int64_t sent_at, int64_t now, int64_t decoding) noexcept:
        """Returns on what the time of an attempt was spent. `sent_at` is 0 if it did not get so far."""
        cdef Parts parts
        cdef int64_t left = sent_at if sent_at else now
        parts.connect = min(self.connecting, left - began)
        parts.queue = left - began - parts.connect
        parts.decode = min(decoding, now - left)
        parts.network = now - left - parts.decode
        self.connecting = 0
        return parts

    cdef void note_parts(self, Parts parts, bint is_first) noexcept:
        """Keeps the parts of a request or an attempt, if it took longest so far, or is the `first` that counts."""
        cdef int64_t took = parts.queue + parts.connect + parts.network + parts.decode
        if is_first or took >= self.longest:
            self.longest = took
            self.queue_ns, self.connect_ns = parts.queue, parts.connect
            self.network_ns, self.decode_ns = parts.network, parts.decode

    cdef int count_bytes(self, size_t sent, size_t received) except -1:
        with cython.critical_section(self):
            self.sent_bytes += <int64_t>sent
            self.received_bytes += <int64_t>received
        return 0

    cdef int connected(self, int64_t ns) except -1:
        """Notes that a connection was opened for the request that is to be sent, or was not, and how long that took."""
        with cython.critical_section(self):
            self.connecting += ns
        return 0

    cdef int failed(
        self, str node, object attempt, int64_t began, int64_t sent_at, int64_t now, int64_t decoding
    ) except -1:
        """Notes an attempt that failed: when it began, was sent (0: it was not), and failed, and how long its answer was read.

        `node` is None if there was none to ask.
        """
        with cython.critical_section(self):
            self.fail(node, attempt, self.split(began, sent_at, now, decoding), now)
        return 0

    cdef int fail(self, str node, object attempt, Parts parts, int64_t now) except -1:
        if node is not None:
            self.node = node
        self.failures += 1
        self.ended_at = now
        if self.requests == 0:
            self.note_parts(parts, False)
        if self.failures <= MOST_EVENTS:
            self.events.append((
                <int64_t>(wall_time() * 1e9), attempt,
                (in_ms(parts.queue), in_ms(parts.connect), in_ms(parts.network), in_ms(parts.decode)),
            ))
        return 0

    def watch(self, over: Callable[[BaseException | None], object]) -> None:
        """Have a function called when the stream, or the block of a `with`, is over: with its error, or None."""
        self.when_over.append(over)

    def note_failed(
        self, node: str | None, attempt: Attempt, double connect_ms=0, double network_ms=0
    ) -> None:
        """Note an attempt that failed: how long connecting took, and then until it failed.

        `node` is None if there was none to ask.
        """
        cdef Parts parts
        parts.connect, parts.network = of_ms(connect_ms), of_ms(network_ms)
        parts.queue = max(0, of_ms(<double>attempt.elapsed_ms) - parts.connect - parts.network)
        parts.decode = 0
        with cython.critical_section(self):
            self.fail(node, attempt, parts, now_ns())

    def note_answered(
        self, node: str, double connect_ms, double network_ms, size_t sent=0, size_t received=0
    ) -> None:
        """Note a request that a node has just answered: how long connecting took, and then the answer, and the bytes."""
        cdef Parts parts
        parts.connect, parts.network = of_ms(connect_ms), of_ms(network_ms)
        parts.queue = parts.decode = 0
        with cython.critical_section(self):
            self.node = node
            self.requests += 1
            self.ended_at = now_ns()
            self.note_parts(parts, self.requests == 1)
        self.count_bytes(sent, received)

    def __enter__(self) -> Trace:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.over(error)

    def resumed(self) -> None:
        """Note that the task runs again that awaited the call."""
        if self.ended_at:
            self.lag_ns = max(0, now_ns() - self.ended_at)

    cdef int over(self, object error) except -1:
        """Tells that it has ended, with an error or None. Again does nothing."""
        cdef list callbacks
        with cython.critical_section(self):     # of a task's call, another thread may come to know it too
            callbacks = self.when_over
            self.when_over = []
        for callback in callbacks:
            callback(error)
        return 0

    def __repr__(self) -> str:
        return f"<Trace of {self.requests} requests and {self.failures} failed attempts>"
