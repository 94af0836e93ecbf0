# What becomes of one call, written down for whoever watches it (`watched_executor.pyx`). A call that nobody watches has no
# trace, so that it costs no more than to see that.

cdef enum:
    MOST_EVENTS = 128                       # failed attempts of which a trace has more than their number


@cython.final
cdef class Trace:
    """What a call went through: each attempt that failed, and where the time of the request that took longest went.

    Of a call of several requests, as batches and queries are, more than one may be under way at the same time.

    Attributes:
        node: the name of the node that was asked last; None before the first.
        requests: how many requests were answered.
        failures: how many attempts failed.
        events: of the first failed attempts, the time of the wall clock in ns, and the `errors.Attempt`.
        sent_bytes, received_bytes: of all requests, and of all answers that were read.
        queue_ns: how long the request that took longest waited until it was sent, without the time to connect.
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
    cdef int64_t longest                    # ns that the request of the times above took
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
            if now - began >= self.longest:
                self.longest = now - began
                self.connect_ns = min(self.connecting, sent_at - began)
                self.queue_ns = sent_at - began - self.connect_ns
                self.decode_ns = decoding
                self.network_ns = max(0, now - sent_at - decoding)
            self.connecting = 0
        return 0

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

    cdef int failed(self, str node, object attempt) except -1:
        """Notes an attempt that failed; `node` is None if there was none to ask."""
        with cython.critical_section(self):
            if node is not None:
                self.node = node
            self.failures += 1
            self.ended_at = now_ns()
            self.connecting = 0
            if self.failures <= MOST_EVENTS:
                self.events.append((<int64_t>(wall_time() * 1e9), attempt))
        return 0

    def watch(self, over: Callable[[BaseException | None], object]) -> None:
        """Have a function called when the stream, or the block of a `with`, is over: with its error, or None."""
        self.when_over.append(over)

    def note_failed(self, node: str | None, attempt: Attempt) -> None:
        """Note an attempt that failed; `node` is None if there was none to ask."""
        self.failed(node, attempt)

    def note_answered(self, node: str, connect_ms: float, network_ms: float, sent: int = 0, received: int = 0) -> None:
        """Note a request that a node has just answered: how long connecting took, and then the answer, and the bytes."""
        cdef int64_t connecting = <int64_t>(<double>connect_ms * MILLISECOND)
        cdef int64_t waiting = <int64_t>(<double>network_ms * MILLISECOND)
        with cython.critical_section(self):
            self.node = node
            self.requests += 1
            self.ended_at = now_ns()
            if connecting + waiting >= self.longest:
                self.longest = connecting + waiting
                self.connect_ns, self.network_ns = connecting, waiting
                self.queue_ns = self.decode_ns = 0
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
        cdef list callbacks = self.when_over
        self.when_over = []
        for callback in callbacks:
            callback(error)
        return 0

    def __repr__(self) -> str:
        return f"<Trace of {self.requests} requests and {self.failures} failed attempts>"
