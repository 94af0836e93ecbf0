# A connection of an asyncio loop with many commands in flight. The server answers the commands of a connection in order
# (cluster.md 11.6), so a queue tells to which command the next answer belongs. Everything here runs in the loop's thread.
#
# Owns: the bytes of one connection, its buffers, and the queue of its commands. Not here: which command goes to which
# connection (channel.pyx), when a command is overdue (deadlines.pyx), and what follows a failed attempt (the executor).

cdef enum:
    PIPELINE_BUFFER = 64 * 1024             # bytes of a read; a larger answer would hold up the answers behind it
    WRITE_SIZE = 256 * 1024                 # bytes of requests from which on they are given to the transport


cdef enum AnswerState:                      # of a frame that was given to the command whose answer it is
    ANSWER_READ
    ANSWER_PAUSED                           # the time was too short to read all of the frame, or it is not wanted yet
    ANSWER_WRONG                            # the connection was closed because of it


cdef class Pipeline(Job):
    """One connection, as a buffered protocol of asyncio.

    The commands that are submitted in one turn of the loop are sent in one write. One read may complete many commands.

    As a job, a connection for batches or queries reads answers that were received. Meanwhile it receives nothing more, nor as
    long as it is set aside.

    Args:
        channel: the channel that the connection belongs to.
    """

    cdef ChannelBase channel
    cdef readonly int depth                 # commands that may be in flight
    cdef object transport                   # None before the connection is open and after its end
    cdef int fd                             # of the transport, which closes it
    cdef uint64_t ticket                    # of `own_socket`
    cdef list pending                       # Futures of commands that are not written yet
    cdef Fifo queue                         # Futures whose answers are to come, the oldest first; None for one that timed out
    cdef Buffer out                         # the requests of one write
    cdef unsigned char storage[4096]
    cdef bint flush_planned
    cdef bint paused                        # the transport takes no more to send
    cdef bint held                          # the transport receives nothing until the bytes in `buffer` are read
    cdef bint has_tls                       # bytes in the socket may be no answer, but of TLS alone
    cdef readonly bint gone
    cdef bint logged_out                    # the server wants a login: the connection gets no command, and is closed after these
    cdef bint stalled                       # the server is silent: the connection gets no command until an answer comes
    cdef object buffer                      # bytearray that reads go to
    cdef object view                        # memoryview of `buffer`
    cdef bytes opened                       # what is in the frame in front in `buffer`, if that is compressed and being read
    cdef Inflation inflation                # takes it out of that, if it is large; else None
    cdef size_t have                        # bytes in `buffer` that are not parsed yet
    cdef size_t wanted                      # bytes of the answer of which a part is in `buffer`; 0 if its size is unknown
    cdef int64_t moved_at                   # when bytes came last, or a command was written while none was in flight
    cdef int64_t answered_at                # when a whole answer came last, or a command was written while none was in flight
    cdef int64_t heard_at                   # when bytes came last
    cdef int64_t kept_until                 # until when it stays open for the answers to commands that timed out
    # ns from request to answer: a maximum that each faster answer lowers by an eighth of the difference
    cdef int64_t round_trip
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

    # --- sending ---

    cdef inline Py_ssize_t load(self):
        """Returns how many commands the connection has, in flight or not written yet."""
        return self.queue.count() + <Py_ssize_t>len(self.pending)

    cdef inline Py_ssize_t room(self):
        """Returns how many more commands the connection takes now."""
        return 0 if self.paused or self.stalled or self.logged_out else self.depth - self.load()

    cdef int submit(self, Future future) except -1:
        """Takes a command, which is sent in the next write."""
        self.pending.append(future)
        if not self.flush_planned and not self.paused:
            self.flush_planned = True
            self.channel.loop.call_soon(self.flush)
        return 0

    def flush(self) -> None:
        """Write the requests of the commands that were submitted, until the transport takes no more."""
        cdef Future future
        cdef Command command
        cdef list leaving
        cdef Py_ssize_t count
        cdef bint gave_up = False
        cdef bint late = False
        cdef bint idle                      # whether no answer was awaited before
        cdef int64_t now = now_ns()
        self.flush_planned = False
        if (
            self.queue.count() == 0 and self.fd >= 0 and now - self.moved_at > CHECK_AFTER_IDLE
            and not self.has_tls and is_readable(self.fd)
        ):
            self.connection_lost(None)      # the loop has not noticed it yet
            return
        idle = self.queue.count() == 0
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
                if is_packed(&command.out):
                    self.channel.count_packed(&command.out)
                self.queue.push(future)
                command.sent += 1
                future.sent_at = now
                future.received = 0
                future.decoding = 0
                if self.out.size >= WRITE_SIZE:
                    break
            self.pending = leaving[count:]
            if idle and self.out.size:      # the wait for the first answer begins
                idle = False
                self.moved_at = self.answered_at = now
            if self.out.size:
                self.write()
        if gave_up or late:                 # commands were dropped, so there is room for others
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
        """Take the transport. The channel submits commands after `Channel.opened`."""
        self.transport = transport
        sock = transport.get_extra_info("socket")
        if sock is not None:
            self.ticket = own_socket(sock.fileno())
            self.fd = sock.fileno()
        self.has_tls = transport.get_extra_info("sslcontext") is not None
        self.idle_since = self.moved_at = self.answered_at = now_ns()

    def pause_writing(self) -> None:
        """Write nothing until `resume_writing`: the server reads more slowly than commands come."""
        self.paused = True

    def resume_writing(self) -> None:
        """Write the commands that were held back, and take commands that wait in line."""
        self.paused = False
        self.flush()
        self.channel.admit()

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return the memory for the next read, behind the bytes of an answer that is not complete.

        A full buffer is doubled, even if the header of the answer announces more bytes: so memory grows only with the bytes
        that have come.
        """
        if self.have == <size_t>len(self.buffer):
            larger = bytearray(min(self.wanted, 2 * self.have))
            larger[:self.have] = self.view[:self.have]
            self.buffer = larger
            self.view = memoryview(larger)
        return self.view[self.have:] if self.have else self.view

    def buffer_updated(self, nbytes: int) -> None:
        """Complete the commands whose answers are whole."""
        self.have += <size_t>nbytes
        self.moved_at = self.heard_at = now_ns()
        self.reads += 1
        if self.channel.kind >= FOR_BATCHES:
            self.channel.slicer.do(self)
        elif self.inflation is None and not self.read_answers(FOREVER):
            self.channel.slicer.do(self)

    cdef bint work(self, int64_t until) except -1:
        if self.gone:
            return True
        if self.held:
            self.moved_at = now_ns()        # what is to be read was received in time
        if not self.read_answers(until):
            return False
        if self.held and not self.gone:
            self.held = False
            self.transport.resume_reading()
        return True

    cdef int wait(self) except -1:
        if not self.held and not self.gone:
            self.held = True
            self.transport.pause_reading()
        return 0

    cdef bint read_answers(self, int64_t until) except -1:
        """Reads what was received, as far as the time goes; returns whether that was all, also if the connection was closed."""
        cdef const unsigned char* data = <const unsigned char*>PyByteArray_AS_STRING(self.buffer)
        cdef size_t at = 0
        cdef Frame frame
        cdef FrameState state
        cdef AnswerState answer = ANSWER_READ
        while True:
            state = split_frame(&frame, data + at, self.have - at, TYPE_MESSAGE)
            if state == FRAME_BAD:
                self.fail(errors.ProtocolError(f"not an answer: it begins with {data[at:at + 8].hex()}"))
                return True
            if state == FRAME_PART:
                break
            if self.queue.count() == 0:
                self.fail(errors.ProtocolError("an answer to no command"))
                return True
            if frame.is_compressed:
                try:
                    if self.opened is None and not self.inflate(&frame, until):
                        answer = ANSWER_PAUSED
                        break
                    open_frame(&frame, self.opened)
                except errors.ProtocolError as error:
                    self.fail(error)
                    return True
            answer = self.resolve(&frame, self.have - at - frame.size, until)
            if answer == ANSWER_WRONG:
                return True
            if answer == ANSWER_PAUSED:
                break
            if self.opened is not None:
                self.opened = None
            at += frame.size
        self.have -= at
        if self.have and self.queue.count() == 0:
            self.fail(errors.ProtocolError(f"{self.have} bytes that nobody asked for"))
            return True
        if at:
            self.answered_at = self.moved_at
            self.stalled = False
            if self.have:
                memmove(<unsigned char*>data, data + at, self.have)
        self.wanted = frame.size
        if answer == ANSWER_PAUSED:
            return False
        if (
            <size_t>len(self.buffer) > self.channel.reclaim and self.wanted <= PIPELINE_BUFFER
            and not (self.channel.kind >= FOR_BATCHES and self.queue.count())   # its next frame is as large as those before
        ):
            larger = self.view
            self.buffer = bytearray(PIPELINE_BUFFER)
            self.view = memoryview(self.buffer)
            self.view[:self.have] = larger[:self.have]
        if self.queue.count() == 0:
            self.idle_since = self.moved_at
            if self.logged_out:
                self.shut(NOT_LOGGED_IN)
                return True
        self.channel.admit()
        return True

    cdef bint inflate(self, Frame* frame, int64_t until) except -1:
        """Takes out what is in a compressed frame; returns False if the time is over before that, and goes on in the next turn.

        That of a large one takes its turns with other work of the loop.
        """
        if self.inflation is None:
            self.inflation = Inflation.of(frame.body, frame.body_size)
            if until == FOREVER and self.inflation.told > <uint64_t>PIPELINE_BUFFER:
                return False
        self.opened = self.inflation.go_on(frame.body, frame.body_size, until)
        if self.opened is None:
            return False
        self.inflation = None
        self.channel.count_opened(frame.body_size, self.opened)
        return True

    cdef const unsigned char* end_of_frame(self):
        """Returns the end of the frame in front, or of the one in it, while it is being read."""
        if self.opened is not None:
            return <const unsigned char*>PyBytes_AS_STRING(self.opened) + PyBytes_GET_SIZE(self.opened)
        return <const unsigned char*>PyByteArray_AS_STRING(self.buffer) + self.wanted

    cdef AnswerState resolve(self, Frame* frame, size_t behind, int64_t until) except? ANSWER_WRONG:
        """Has the oldest command read a frame, and completes the command unless more frames of its answer follow.

        The answer to a command that no task waits for is skipped. `behind` is how many bytes came behind the frame. An answer
        of many frames is read until the time is over.
        """
        cdef Future future = <Future>self.queue.get(0)
        cdef Command command = None
        cdef int64_t took
        cdef int64_t came
        cdef int ends
        cdef bint awaited = False
        cdef object value = None
        cdef object error = None
        if future is None and self.channel.kind >= FOR_BATCHES:     # it timed out, and its answer has many frames
            ends = ends_answer(frame.body, frame.body_size, self.channel.kind == FOR_QUERIES)
            if ends == 0:
                return ANSWER_READ
            if ends < 0:
                self.fail(errors.ProtocolError("not an answer of many frames"))
                return ANSWER_WRONG
        if future is not None:
            command = future.command
            awaited = is_waited_for(future)
            if awaited or command.reader.has_many_frames:
                if command.reader.has_many_frames:
                    if awaited and future.holds_back(self, self.channel.is_crowded()):
                        return ANSWER_PAUSED
                    command.reader.until = until
                came = now_ns() if command.trace is not None else 0
                try:
                    value = read_frame(command.reader, command.key, command.given, frame, &self.names)
                except BaseException as failure:
                    error = failure
                if command.trace is not None:
                    future.decoding += now_ns() - came
                if value is not PAUSE:
                    future.received += frame.size
                if value is MORE or value is PAUSE:
                    if awaited:
                        future.came()
                    return ANSWER_READ if value is MORE else ANSWER_PAUSED
        if behind and self.queue.count() == 1:
            self.fail(errors.ProtocolError(f"{behind} bytes behind the answer"))
            return ANSWER_WRONG
        self.queue.take()
        if future is None:
            self.channel.count_late_answer(True)
            if self.queue.count() == 0:
                self.kept_until = 0
            return ANSWER_READ
        if self.channel.kind < FOR_BATCHES:     # of which one may take much longer than another
            took = self.moved_at - future.sent_at
            self.round_trip = took if took > self.round_trip else self.round_trip - (self.round_trip - took) // 8
        if frame.body_size > PIPELINE_BUFFER or self.channel.bulk:
            self.channel.note_size(command, frame.body_size)
        if error is not None and not isinstance(error, errors.ServerError) and command.reader.has_many_frames:
            if awaited:
                self.end_wrong(future, error)
            self.fail(errors.ProtocolError("the connection broke on the answer to another command"))
            return ANSWER_WRONG             # where the answer would end is not known
        if not awaited or not is_waited_for(future):    # code of the caller's class may have cancelled the task
            return ANSWER_READ
        if error is None:
            count_answer(self.channel.meter.table, command, future.tried_at, self.moved_at, future.received)
            if command.trace is not None:
                self.trace(command.trace, future)
            future.end(RESOLVED, value)
        elif isinstance(error, errors.NotAuthenticated):
            self.log_out(future, error)
        elif isinstance(error, errors.ServerError):
            self.channel.give_up(future, error)
        else:
            self.end_wrong(future, error)
            if isinstance(error, errors.ProtocolError):
                self.fail(errors.ProtocolError("the connection broke on the answer to another command"))
                return ANSWER_WRONG
        return ANSWER_READ

    cdef int trace(self, Trace trace, Future future) except -1:
        """Writes down for who watches a call what an answer took; it is read now."""
        self.channel.trace_connecting(trace, future.tried_at, future.sent_at, True)
        trace.answered(self.channel.node_name, future.tried_at, future.sent_at, now_ns(), future.decoding)
        return trace.count_bytes(future.command.out.size, future.received)

    cdef int log_out(self, Future future, object error) except -1:
        """After an answer that the connection is not logged in: the command goes to another connection, if it may.

        Those in flight behind it are refused just the same.
        """
        self.logged_out = True
        self.move_pending()
        if not may_log_in_again(future.command, error):
            self.channel.give_up(future, error)
            return 0
        future.command.sent -= 1
        if future.command.reader.has_many_frames:
            future.command.reader.restart()
        self.channel.submit(future)
        return 0

    cdef int end_wrong(self, Future future, object error) except -1:
        """Ends the attempt of a command whose answer could not be read."""
        if isinstance(error, errors.ProtocolError):
            self.channel.give_up(future, error)
        else:                               # such as MemoryError: not the attempt failed, but this client
            future.end(REJECTED, error)
        return 0

    def eof_received(self) -> bool:
        """Close the connection, because the server has closed its side."""
        self.connection_lost(None)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail the commands in flight.

        Args:
            exc: the error, one of pyspike if TLS failed; None if the server closed the connection with a FIN.
        """
        if isinstance(exc, errors.AerospikeError):      # of TLS
            self.fail(exc)
            return
        # A write fails with EPIPE if the server has closed its side and the loop has not read the end of the stream yet.
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
        """Gives the connection no commands until an answer comes. Commands that are not written yet go to another connection."""
        self.stalled = True
        return self.move_pending()

    cdef int move_pending(self) except -1:
        """Has other connections send the commands that are not written yet."""
        cdef list pending = self.pending
        self.pending = []
        for item in pending:
            if is_waited_for(<Future>item):
                self.channel.submit(<Future>item)
        return 0

    cdef int fail(self, object error, str reason=None, bint closed_in_order=False) except -1:
        """Closes the connection. Commands that were sent fail with the error, the others go to another connection.

        If commands are in flight, the connection is reset, by which the server drops the requests that it has not read.
        `closed_in_order`: the server closed the connection with a FIN; then requests that it has not received count as not
        sent. `reason` is for the statistics.
        """
        cdef list sent, unsent
        if self.gone:
            return 0
        self.gone = True
        transport = self.transport
        self.transport = None
        blames_node = reason is None and not isinstance(error, errors.TimeoutError)    # of which each was counted
        if reason is None:
            reason = (
                "timeout" if isinstance(error, errors.TimeoutError)
                else "protocol error" if isinstance(error, errors.ProtocolError)
                else "connection error"
            )
        sent = self.queue.take_all()
        unsent = self.take_unsent(transport, sent, closed_in_order)
        if blames_node and sent:
            self.channel.count_error()
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
        """Removes the commands whose requests the server has not read from `sent`, and returns them.

        A command was not read (a) if all its bytes are still in the transport's buffer; (b) if the server closed its side
        with a FIN, and its system has not acknowledged all bytes of the command: these were not received. (b) does not count
        after a reset, nor on a connection that has never answered, as another new connection may be closed just the same.
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
        """Give up the socket of a loop that does not run any more, and forget the commands."""
        self.gone = True
        disown_socket(self.fd, self.ticket)
        self.fd = -1
        if self.transport is not None:
            abandon_socket(self.transport.get_extra_info("socket"))
        self.transport = None

    def shut(self, reason: str = "client closed") -> None:
        """Close the connection; commands in flight fail.

        Args:
            reason: the reason by which the statistics count the connection.
        """
        self.fail(errors.ConnectionError("the client is closed"), reason)


def abandon_socket(sock: socket.socket | None) -> None:
    """Close the socket of a transport or a loop that does not run any more but still has the descriptor's number.

    `/dev/null` takes the number, so that no other file gets it while the transport may still close it.

    Args:
        sock: the socket; None does nothing.
    """
    if sock is not None and sock.fileno() >= 0:
        with open("/dev/null", "rb") as nothing:
            dup2(nothing.fileno(), sock.fileno(), inheritable=False)
