# Many commands in flight on one connection, inside an asyncio loop. The server answers the commands of a connection in
# order (cluster.md 11.6), so a queue says whose answer comes next. Everything here runs in the loop's thread.
#
# Owns: one connection's bytes, its buffers and the commands it carries. Not here: which command goes to which connection
# (channel.pyx), when one is overdue (deadlines.pyx), and what a failed attempt means for its command (the executor).

cdef enum:
    PIPELINE_BUFFER = 64 * 1024             # bytes of a read; a larger answer would hold up the answers behind it
    WRITE_SIZE = 256 * 1024                 # bytes after which the transport is given what there is


cdef class Pipeline:
    """One connection: a buffered protocol of asyncio.

    The commands that are submitted in one turn of the loop leave in one write, and one read completes as many commands as
    it holds answers.

    Args:
        channel: the channel that it belongs to.
    """

    cdef ChannelBase channel
    cdef readonly int depth                 # commands that it carries at a time
    cdef object transport                   # None before the connection is open and after its end
    cdef int fd                             # the transport's, which closes it
    cdef uint64_t ticket                    # of `own_socket`
    cdef list pending                       # Futures of commands that are not written yet
    cdef Fifo queue                         # Futures whose answers are to come, the oldest first; None: it was taken out
    cdef Buffer out                         # the requests of one write
    cdef unsigned char storage[4096]
    cdef bint flush_planned, paused
    cdef readonly bint gone
    cdef bint stalled                       # the server is silent: no new command uses it until an answer comes
    cdef object buffer                      # bytearray that reads go to
    cdef object view                        # of it
    cdef size_t have                        # bytes of it that are not parsed yet
    cdef size_t wanted                      # bytes of an answer that is too large for it
    cdef int64_t moved_at                   # when bytes came last, or the first command was written
    cdef int64_t answered_at                # the same, but of a whole answer
    cdef int64_t heard_at                   # when bytes came last
    cdef int64_t kept_until                 # for the late answers of commands that timed out
    cdef int64_t round_trip                 # how long answers took lately: at least the longest, which counts less with time
    cdef int64_t idle_since
    cdef unsigned int reads
    cdef int64_t judged_reads               # `reads` when a command was found overdue; -1 while none is
    cdef NameCache names

    def __cinit__(self, *args: object) -> None:
        buffer_init(&self.out, self.storage, sizeof(self.storage))
        memset(&self.names, 0, sizeof(NameCache))

    def __init__(self, ChannelBase channel not None) -> None:
        self.channel = channel
        self.depth = channel.depth
        self.fd = -1
        self.judged_reads = -1
        self.pending = []
        self.queue = Fifo()
        self.buffer = bytearray(PIPELINE_BUFFER)
        self.view = memoryview(self.buffer)

    def __dealloc__(self) -> None:
        buffer_free(&self.out)
        names_clear(&self.names)

    # --- down ---

    cdef inline Py_ssize_t load(self):
        """How many commands it carries, those that are not written yet included."""
        return self.queue.count() + <Py_ssize_t>len(self.pending)

    cdef inline Py_ssize_t room(self):
        """How many more commands it takes now."""
        return 0 if self.paused or self.stalled else self.depth - self.load()

    cdef int submit(self, Future future) except -1:
        """Takes a command, which leaves with the next write."""
        self.pending.append(future)
        if not self.flush_planned and not self.paused:
            self.flush_planned = True
            self.channel.loop.call_soon(self.flush)
        return 0

    def flush(self) -> None:
        """Write what was submitted since the last write, until the transport has enough."""
        cdef Future future
        cdef Command command
        cdef list leaving
        cdef Py_ssize_t count
        cdef bint gave_up = False
        cdef bint late = False
        cdef int64_t now = now_ns()
        self.flush_planned = False
        if (
            self.queue.count() == 0 and self.fd >= 0 and now - self.moved_at > CHECK_AFTER_IDLE
            and is_readable(self.fd)
        ):
            self.connection_lost(None)      # which the loop has yet to see
            return
        while self.pending and not self.paused and self.transport is not None:
            leaving = self.pending
            count = 0
            for item in leaving:
                future = <Future>item
                command = future.command
                count += 1
                if not is_waited_for(future):
                    gave_up = True
                    continue
                if command.deadline <= now:
                    late = True
                    self.channel.fail_later(future, errors.TimeoutError("timed out before it could be sent"))
                    continue
                put_bytes(&self.out, command.out.data, command.out.size)
                if self.queue.count() == 0:
                    self.moved_at = self.answered_at = now
                self.queue.push(future)
                command.sent += 1
                future.sent_at = now
                if self.out.size >= WRITE_SIZE:
                    break
            self.pending = leaving[count:]
            if self.out.size:
                self.write()
        if gave_up or late:                 # there is room for others, though no answer comes
            self.channel.admit()
        if late:
            self.channel.failures.drain()

    cdef int write(self) except -1:
        data = PyBytes_FromStringAndSize(<const char*>self.out.data, <Py_ssize_t>self.out.size)
        self.out.size = 0
        if self.out.capacity > PIPELINE_BUFFER:
            buffer_free(&self.out)
            self.out.capacity = sizeof(self.storage)
        self.transport.write(data)
        return 0

    # --- asyncio's protocol ---

    def connection_made(self, transport: Any) -> None:
        """Take the transport. The channel submits commands once it is told that the connection is open."""
        self.transport = transport
        sock = transport.get_extra_info("socket")
        if sock is not None:
            self.ticket = own_socket(sock.fileno())
            self.fd = sock.fileno()
        self.idle_since = self.moved_at = self.answered_at = now_ns()

    def pause_writing(self) -> None:
        """Write nothing: the server reads more slowly than commands come."""
        self.paused = True

    def resume_writing(self) -> None:
        """Write what was held back, and take commands that wait in line."""
        self.paused = False
        self.flush()
        self.channel.admit()

    def get_buffer(self, sizehint: int) -> memoryview:
        """The place for the bytes of the next read: behind those of an answer that is not complete.

        A full buffer is doubled, however large an answer its header announces: memory is taken for bytes that came.
        """
        if self.have == <size_t>len(self.buffer):
            larger = bytearray(min(self.wanted, 2 * self.have))
            larger[:self.have] = self.view[:self.have]
            self.buffer = larger
            self.view = memoryview(larger)
        return self.view[self.have:] if self.have else self.view

    def buffer_updated(self, nbytes: int) -> None:
        """Give all answers that are complete to their commands."""
        cdef size_t size = self.have + <size_t>nbytes
        cdef const unsigned char* data = <const unsigned char*>PyByteArray_AS_STRING(self.buffer)
        cdef size_t at = 0
        cdef Frame frame
        cdef FrameState state
        self.moved_at = self.heard_at = now_ns()
        self.reads += 1
        while True:
            state = split_frame(&frame, data + at, size - at, TYPE_MESSAGE)
            if state == FRAME_BAD:
                self.fail(errors.ProtocolError(f"not an answer: it begins with {data[at:at + 8].hex()}"))
                return
            if state == FRAME_PART:
                break
            if self.queue.count() == 0:
                self.fail(errors.ProtocolError("an answer to no command"))
                return
            if not self.resolve(&frame, size - at - frame.size):
                return
            at += frame.size
        self.have = size - at
        if self.have and self.queue.count() == 0:
            self.fail(errors.ProtocolError(f"{self.have} bytes that nobody asked for"))
            return
        if at:
            self.answered_at = self.moved_at
            self.stalled = False
            if self.have:
                memmove(<unsigned char*>data, data + at, self.have)
        self.wanted = frame.size
        if <size_t>len(self.buffer) > self.channel.reclaim and self.wanted <= PIPELINE_BUFFER:
            larger = self.view
            self.buffer = bytearray(PIPELINE_BUFFER)
            self.view = memoryview(self.buffer)
            self.view[:self.have] = larger[:self.have]
        if self.queue.count() == 0:
            self.idle_since = self.moved_at
        self.channel.admit()

    cdef bint resolve(self, Frame* frame, size_t behind) except -1:
        """Gives a frame to the oldest command, which stays the oldest if more of its answer follows.

        `behind` is how many bytes came behind the frame. Returns False if the connection broke.
        """
        cdef Future future = <Future>self.queue.get(0)
        cdef Command command = None
        cdef int64_t took
        cdef bint awaited = False
        cdef object value = None
        cdef object error = None
        if future is not None:
            command = future.command
            awaited = is_waited_for(future)
            if awaited or command.reader.has_many_frames:
                try:
                    value = read_frame(command.reader, command.key, command.given, frame, &self.names)
                except BaseException as failure:
                    error = failure
                if value is MORE:
                    return True
        if behind and self.queue.count() == 1:
            self.fail(errors.ProtocolError(f"{behind} bytes behind the answer"))
            return False
        self.queue.take()
        if future is None:
            return True
        took = self.moved_at - future.sent_at
        self.round_trip = took if took > self.round_trip else self.round_trip - (self.round_trip - took) // 8
        if frame.body_size > PIPELINE_BUFFER or self.channel.bulk:
            self.channel.note_size(command, frame.body_size)
        if not awaited:
            return True
        if error is None:
            future.end(RESOLVED, value)
        elif isinstance(error, errors.ServerError):
            self.channel.give_up(future, error)
        elif isinstance(error, errors.ProtocolError):
            self.channel.give_up(future, error)
            self.fail(errors.ProtocolError("the connection broke on the answer to another command"))
            return False
        else:                               # no memory: only this connection knows the command
            future.end(REJECTED, error)
        return True

    def eof_received(self) -> bool:
        """Close the connection, as the server has closed its side."""
        self.connection_lost(None)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail the commands in flight.

        Args:
            exc: None if the server closed the connection in order.
        """
        # A broken pipe is what a write meets behind an end of the stream that is yet to be read.
        cdef bint in_order = exc is None or isinstance(exc, BrokenPipeError)
        if exc is not None:
            message = f"the connection failed: {getattr(exc, 'strerror', None) or exc}"
        elif self.queue.count() == 0:
            message = "the server closed the connection"
        else:
            message = "the server closed the connection " + (
                "in the middle of the answer" if self.have else "instead of answering"
            )
        idle = exc is None and self.queue.count() == 0
        self.fail(errors.ConnectionError(message), "closed by the server" if idle else None, in_order)

    # --- the end ---

    cdef int stall(self) except -1:
        """Gives the connection no more commands until an answer comes. What is not written yet takes another connection."""
        self.stalled = True
        pending = self.pending
        self.pending = []
        for item in pending:
            if is_waited_for(<Future>item):
                self.channel.submit(<Future>item)
        return 0

    cdef int fail(self, object error, str reason=None, bint closed_in_order=False) except -1:
        """Closes the connection: what was sent fails with the error, what was not sent takes another connection.

        If answers are to come the connection is reset, by which the server drops the requests that it has not read. When
        it was the server that closed it, `closed_in_order`, what it has not received counts as not sent.
        """
        cdef list sent, unsent
        if self.gone:
            return 0
        self.gone = True
        transport = self.transport
        self.transport = None
        if reason is None:
            reason = (
                "timeout" if isinstance(error, errors.TimeoutError)
                else "protocol error" if isinstance(error, errors.ProtocolError)
                else "connection error"
            )
        sent = self.queue.take_all()
        unsent = self.take_unsent(transport, sent, closed_in_order)
        unsent.extend(self.pending)
        self.pending = []
        self.out.size = 0
        self.channel.drop(self, reason)
        if transport is not None:
            if sent:
                reset_when_closed(self.fd)
            disown_socket(self.fd, self.ticket)
            transport.abort()
        self.fd = -1
        for item in sent:
            if item is not None:
                self.channel.fail_later(<Future>item, error)
        for item in unsent:
            if self.channel.closed:
                self.channel.fail_later(<Future>item, error)
            elif is_waited_for(<Future>item):
                self.channel.submit(<Future>item)
        self.channel.failures.drain()
        return 0

    cdef list take_unsent(self, object transport, list sent, bint closed_in_order):
        """Takes the commands whose bytes the server can't have read out of those that were sent.

        Either the transport has not given them to the system yet, or the server had closed its side by then, in order:
        then its system has told how much it received, and refuses the rest. A reset tells nothing of the kind. Nor does
        a connection that has never answered, as the next one may do no better.
        """
        cdef list unsent = []
        cdef Future future
        cdef int64_t size
        cdef int64_t unread = 0 if transport is None else transport.get_write_buffer_size()
        cdef bint in_part = closed_in_order and self.heard_at > 0 and self.fd >= 0
        if in_part:
            unread += unacknowledged(self.fd)
        while sent and unread > 0:
            future = <Future>sent.pop()
            size = 0 if future is None else <int64_t>future.command.out.size
            if future is None or size > unread and not in_part:
                sent.append(future)
                break
            unread -= size
            future.command.sent -= 1
            unsent.append(future)
        unsent.reverse()
        return unsent

    def abandon(self) -> None:
        """Let go of the socket of a loop that does not run any more, and forget the commands."""
        self.gone = True
        disown_socket(self.fd, self.ticket)
        self.fd = -1
        if self.transport is not None:
            abandon_socket(self.transport.get_extra_info("socket"))
        self.transport = None

    def shut(self, reason: str = "client closed") -> None:
        """Close the connection; commands in flight fail.

        Args:
            reason: what the statistics count it as.
        """
        self.fail(errors.ConnectionError("the client is closed"), reason)


def abandon_socket(sock: socket.socket | None) -> None:
    """Let go of a socket that a transport or a loop still believes in, though the loop does not run any more.

    Its number is given to /dev/null, so that it can't become the number of another file.

    Args:
        sock: None is no socket, and nothing is done.
    """
    if sock is not None and sock.fileno() >= 0:
        with open("/dev/null", "rb") as nothing:
            dup2(nothing.fileno(), sock.fileno(), inheritable=False)
