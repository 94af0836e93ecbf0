# Many commands in flight on one connection, inside an asyncio loop. The server answers the commands of a connection in
# order (cluster.md 11.6), so a queue says whose answer comes next. Everything here runs in the loop's thread.
#
# A Pipeline owns a transport's data path and nothing else. Who gets which pipeline is in channel.pyx; what a failed attempt
# means for its command is decided by the executor above.

cdef extern from "poll.h" nogil:
    struct pollfd:
        int fd
        short events
        short revents
    short POLLIN
    int poll(pollfd* fds, unsigned long count, int timeout)


cdef enum:
    PIPELINE_BUFFER = 64 * 1024             # a read takes as many answers as fit; what is larger holds up the others
    WRITE_SIZE = 256 * 1024                 # a write of about so much, then the transport may say that it is enough
    READS_GRANTED = 16                      # reads in which what is overdue may still come, in a loop that was held up
    HELD_UP = 100_000_000                   # ns without an answer after which the commands behind the oldest go elsewhere
    LEAST_HELD_UP = 10_000_000              # ns that this takes at least, where a share of the deadline is short

cdef int64_t ABANDONED = 30_000_000_000     # ns that an answer nobody waits for is awaited at the most


cdef inline bint is_waited_for(Command command):
    """Whether somebody still waits: the task was not cancelled, the deadline has not passed."""
    return command.promise.state == PENDING


cdef inline int64_t held_up_after(int64_t allowance) noexcept:
    """How long a connection may be silent before it gets no more commands: well below what an attempt has."""
    return min(allowance, max(<int64_t>LEAST_HELD_UP, min(<int64_t>HELD_UP, allowance // 2)))


cdef inline int64_t late_span(Command command) noexcept:
    """How long a late answer is awaited when nobody needs the connection any more."""
    cdef double delay = command.settings.timeout_delay
    return to_ns(delay) if delay > 0 else 0


cdef inline bint may_be_late(Command command) noexcept:
    """Whether it does no harm if the server runs the command after it timed out, and its answer can be skipped."""
    return not command.reader.has_many_frames and (not command.write or command.settings.timeout_delay > 0)


cdef object likewise(object error):
    """An error of its own for another command that fails for the same reason."""
    return type(error)(error.message, node=error.node, advice=error.advice)


cdef class Pipeline:
    """The data path of one connection: an asyncio buffered protocol.

    Commands submitted before the loop comes round again leave in one write; a read resolves every answer it holds.
    """

    cdef Lane lane
    cdef readonly int depth                 # how many commands it carries at a time
    cdef object transport                   # None before it is connected and after it is closed
    cdef int fd                             # the transport's, which stays the owner
    cdef uint64_t ticket                    # of `own_socket`
    cdef list pending                       # Commands that are not written yet
    cdef object queue                       # Commands whose answers are to come, the oldest first; None: went elsewhere
    cdef Buffer out                         # the requests of one write
    cdef unsigned char storage[4096]
    cdef bint flush_planned, paused
    cdef readonly bint gone
    cdef bint stalled                       # its oldest command is overdue: no more of them until an answer comes
    cdef object buffer                      # bytearray that reads go to
    cdef object view                        # of it
    cdef size_t have                        # bytes of it that are not parsed yet
    cdef size_t wanted                      # size of an answer too large for it
    cdef int64_t moved_at                   # when anything came last, or the first command was written
    cdef int64_t answered_at                # the same, but of a whole answer
    cdef int64_t heard_at                   # when anything came last
    cdef int64_t kept_until                 # for the late answers of those who went
    cdef int64_t round_trip                 # what answers took lately: the longest, which soon counts for less
    cdef int64_t idle_since
    cdef unsigned int reads
    cdef int64_t judged_reads               # `reads` when something was found overdue; -1 while nothing is
    cdef NameCache names

    def __cinit__(self, *args: object) -> None:
        buffer_init(&self.out, self.storage, sizeof(self.storage))
        memset(&self.names, 0, sizeof(NameCache))

    def __init__(self, Lane lane not None) -> None:
        self.lane = lane
        self.depth = lane.depth
        self.fd = -1
        self.judged_reads = -1
        self.pending = []
        self.queue = deque()
        self.buffer = bytearray(PIPELINE_BUFFER)
        self.view = memoryview(self.buffer)

    def __dealloc__(self) -> None:
        buffer_free(&self.out)
        names_clear(&self.names)

    # --- down ---

    cdef inline Py_ssize_t load(self):
        """How many commands it has."""
        return len(self.queue) + <Py_ssize_t>len(self.pending)

    cdef inline Py_ssize_t room(self):
        """How many more it takes now."""
        return 0 if self.paused or self.stalled else self.depth - self.load()

    cdef int submit(self, Command command) except -1:
        """Takes a command that has its promise; it leaves with the next write."""
        self.pending.append(command)
        if not self.flush_planned and not self.paused:
            self.flush_planned = True
            self.lane.loop.call_soon(self.flush)
        return 0

    def flush(self) -> None:
        """Write what was submitted since the last time, until the transport has enough."""
        cdef Command command
        cdef list leaving
        cdef Py_ssize_t count
        cdef bint gave_up = False
        cdef bint late = False
        cdef int64_t now = now_ns()
        self.flush_planned = False
        if not self.queue and self.fd >= 0 and now - self.moved_at > CHECK_AFTER_IDLE and is_readable(self.fd):
            self.connection_lost(None)      # the loop has yet to see it
            return
        while self.pending and not self.paused and self.transport is not None:
            leaving = self.pending
            count = 0
            for item in leaving:
                command = <Command>item
                count += 1
                if not is_waited_for(command):
                    gave_up = True
                    continue
                if command.deadline <= now:
                    late = True
                    self.lane.doom(command, errors.TimeoutError("timed out before it could be sent"))
                    continue
                put_bytes(&self.out, command.out.data, command.out.size)
                if not self.queue:
                    self.moved_at = self.answered_at = now
                self.queue.append(command)
                command.sent += 1
                command.sent_at = now
                if self.out.size >= WRITE_SIZE:
                    break
            self.pending = leaving[count:]
            if self.out.size:
                self.write()
        if gave_up or late:                 # their room is free, though no answer comes
            self.lane.admit()
        if late:
            self.lane.end_some()

    cdef int write(self) except -1:
        data = PyBytes_FromStringAndSize(<const char*>self.out.data, <Py_ssize_t>self.out.size)
        self.out.size = 0
        if self.out.capacity > PIPELINE_BUFFER:
            buffer_free(&self.out)
            self.out.capacity = sizeof(self.storage)
        self.transport.write(data)
        return 0

    # --- asyncio's protocol ---

    def connection_made(self, transport: object) -> None:
        """Take the transport; the lane gives commands once it is told."""
        self.transport = transport
        sock = transport.get_extra_info("socket")
        if sock is not None:
            self.ticket = own_socket(sock.fileno())
            self.fd = sock.fileno()
        self.idle_since = self.moved_at = self.answered_at = now_ns()

    def pause_writing(self) -> None:
        """Hold back: the server reads more slowly than commands come."""
        self.paused = True

    def resume_writing(self) -> None:
        """Write what was held back, and let in who waits."""
        self.paused = False
        self.flush()
        self.lane.admit()

    def get_buffer(self, hint: int) -> object:
        """Where the next read goes: behind the part of an answer that is there.

        A full buffer grows with what has come, not to what a header promises.
        """
        if self.have == <size_t>len(self.buffer):
            larger = bytearray(min(self.wanted, 2 * self.have))
            larger[:self.have] = self.view[:self.have]
            self.buffer = larger
            self.view = memoryview(larger)
        return self.view[self.have:] if self.have else self.view

    def buffer_updated(self, count: int) -> None:
        """Resolve all answers that are complete."""
        cdef size_t size = self.have + <size_t>count
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
            if not self.queue:
                self.fail(errors.ProtocolError("an answer to no command"))
                return
            if not self.resolve(&frame, size - at - frame.size):
                return
            at += frame.size
        self.have = size - at
        if self.have and not self.queue:
            self.fail(errors.ProtocolError(f"{self.have} bytes that nobody asked for"))
            return
        if at:
            self.answered_at = self.moved_at
            self.stalled = False
            if self.have:
                memmove(<unsigned char*>data, data + at, self.have)
        self.wanted = frame.size
        if <size_t>len(self.buffer) > self.lane.reclaim and self.wanted <= PIPELINE_BUFFER:
            larger = self.view
            self.buffer = bytearray(PIPELINE_BUFFER)
            self.view = memoryview(self.buffer)
            self.view[:self.have] = larger[:self.have]
        if not self.queue:
            self.idle_since = self.moved_at
        self.lane.admit()

    cdef bint resolve(self, Frame* frame, size_t behind) except -1:
        """Gives a frame to the oldest command, which stays the oldest if more of its answer follows.

        `behind` is how many bytes came behind the frame. Returns False if the connection broke.
        """
        cdef Command command = None
        cdef int64_t took
        cdef bint awaited = False
        cdef object value = None
        cdef object error = None
        item = self.queue[0]
        if item is not None:
            command = <Command>item
            awaited = is_waited_for(command)
            if awaited or command.reader.has_many_frames:
                try:
                    value = read_frame(command.reader, command.key, command.given, frame, &self.names)
                except BaseException as failure:
                    error = failure
                if value is MORE:
                    return True
        if behind and len(self.queue) == 1:
            self.fail(errors.ProtocolError(f"{behind} bytes behind the answer"))
            return False
        self.queue.popleft()
        if command is None:
            return True
        took = self.moved_at - command.sent_at
        self.round_trip = took if took > self.round_trip else self.round_trip - (self.round_trip - took) // 8
        if frame.body_size > PIPELINE_BUFFER or self.lane.wide:
            self.lane.weigh(command, frame.body_size)
        if not awaited:
            return True
        if error is None:
            command.promise.end(RESOLVED, value)
        elif isinstance(error, errors.ServerError):
            self.lane.give_up(command, error)
        elif isinstance(error, errors.ProtocolError):
            self.lane.give_up(command, error)
            self.fail(errors.ProtocolError("the connection broke on the answer to another command"))
            return False
        else:                               # no memory: nobody looks after this command but us
            command.promise.end(REJECTED, error)
        return True

    def eof_received(self) -> bool:
        """The server closed its side: so do we."""
        self.connection_lost(None)
        return False

    def connection_lost(self, reason: object) -> None:
        """Fail what was in flight."""
        # A broken pipe is what a write meets behind an end of the stream that is yet to be read.
        cdef bint in_order = reason is None or isinstance(reason, BrokenPipeError)
        if reason is not None:
            message = f"the connection failed: {getattr(reason, 'strerror', None) or reason}"
        elif not self.queue:
            message = "the server closed the connection"
        else:
            message = "the server closed the connection " + (
                "in the middle of the answer" if self.have else "instead of answering"
            )
        self.fail(
            errors.ConnectionError(message), "closed by the server" if reason is None and not self.queue else None, in_order
        )

    # --- time ---

    cdef bint may_have_come(self) noexcept nogil:
        """Whether what is overdue may have come and is yet to be read, as in a loop that was held up.

        A server that never stops sending can't draw this out: there is a number of reads for it.
        """
        cdef pollfd one
        one.fd = self.fd
        one.events = POLLIN
        one.revents = 0
        if self.judged_reads < 0:
            self.judged_reads = self.reads
        return self.fd >= 0 and self.reads - self.judged_reads < READS_GRANTED and poll(&one, 1, 0) > 0

    cdef int64_t watch(self, int64_t now) except -1:
        """Fails what is overdue; returns when to look again.

        A read that timed out fails alone: its slot in the queue becomes None and swallows the late answer. A write that
        timed out may still lie unread in the server's socket, to be applied after a newer one: the connection is reset,
        by which the server drops what it has not read, and the other commands on it end by the retry rules. It is not
        if `timeout_delay` asks to await the late answer.

        A connection that has been silent for `held_up_after` gets no more commands until an answer comes, and the reads
        behind the oldest command are asked elsewhere, but for those that have no try left. Where the policy gives a
        socket timeout, which is how long a connection may be silent, that of the oldest command ends the connection.
        Bytes of an answer that nobody waits for are no sign of life to those behind it. A connection that nobody waits
        for any more is closed in the end.
        """
        cdef Command command
        cdef int64_t next_time = FOREVER
        cdef int64_t unused_at = self.kept_until
        cdef int64_t alive_at = self.moved_at if self.is_head_awaited() else self.answered_at
        cdef int64_t least = FOREVER        # that an attempt has
        cdef int64_t due
        cdef int64_t held_up_at = FOREVER   # when it gets no more commands
        cdef int64_t move_at                # when a read is asked elsewhere
        cdef bint awaited = False
        cdef bint unsafe = False            # a write that timed out may be applied later
        cdef list late = []
        cdef list held_up = []
        cdef Py_ssize_t place = -1
        for item in self.queue:
            place += 1
            if item is None:
                continue
            command = <Command>item
            least = min(least, command.attempt_timeout)
            move_at = FOREVER if place == 0 else self.when_moved(command, alive_at)
            due = min(command.deadline, after(max(alive_at, command.tried_at), command.attempt_timeout))
            if is_waited_for(command):
                if due <= now:
                    late.append(place)
                    unsafe = unsafe or not may_be_late(command)
                elif move_at <= now:
                    held_up.append(place)
                else:
                    awaited = True
                    next_time = min(next_time, min(due, move_at))
            else:
                due = min(due, after(max(alive_at, command.tried_at), ABANDONED))
                unused_at = max(unused_at, after(due, late_span(command)))
                if not may_be_late(command):
                    unsafe = unsafe or due <= now
                    next_time = min(next_time, due) if due > now else next_time
        if self.queue and not self.stalled:
            held_up_at = after(alive_at, least if self.lane.wide else held_up_after(least))
        if not late and not held_up and not unsafe and held_up_at > now and (awaited or not self.queue or unused_at > now):
            self.judged_reads = -1
        elif self.may_have_come():
            return now + MILLISECOND
        for item in late:
            place = item
            command = <Command>self.queue[place]
            error = self.too_late(place)
            self.kept_until = max(self.kept_until, after(now, late_span(command)))
            if place == 0 and command.settings.socket_timeout > 0 and command.deadline > now:
                self.fail(error)
                return FOREVER
            self.queue[place] = None
            self.lane.doom(command, error)
        if unsafe:
            self.fail(errors.TimeoutError("the connection was reset, as another write on it had timed out"))
            return FOREVER
        for item in held_up:
            place = item
            self.lane.move(<Command>self.queue[place], errors.TimeoutError("held up by another command on its connection"))
            self.queue[place] = None
        if held_up_at <= now:
            self.stall()
        else:
            next_time = min(next_time, held_up_at)
        next_time = min(next_time, self.watch_pending(now))
        if not awaited and self.queue:
            unused_at = max(unused_at, self.kept_until)
            if unused_at <= now:
                self.fail(errors.TimeoutError("timed out waiting for the answer"))
                return FOREVER
            next_time = min(next_time, unused_at)
        return next_time

    cdef int64_t when_moved(self, Command command, int64_t alive_at) noexcept:
        """When a command behind the oldest is asked elsewhere, if it can be: well before its share of the deadline ends."""
        if not may_be_late(command) or command.write or self.lane.wide or command.tries > command.settings.max_retries:
            return FOREVER
        return after(alive_at, held_up_after(command.attempt_timeout))

    cdef int stall(self) except -1:
        """Takes no more commands until an answer comes. What was not sent yet goes to another connection."""
        self.stalled = True
        pending = self.pending
        self.pending = []
        for item in pending:
            if is_waited_for(<Command>item):
                self.lane.submit(<Command>item)
        return 0

    cdef int64_t watch_pending(self, int64_t now) except -1:
        """Fails what the server's slow reading has held back for too long, so that nothing of it was sent."""
        cdef Command command
        cdef int64_t next_time = FOREVER
        cdef int64_t due
        cdef list staying = []
        for item in self.pending:
            command = <Command>item
            due = min(command.deadline, after(max(self.moved_at, command.tried_at), command.attempt_timeout))
            if due <= now:
                self.lane.doom(command, errors.TimeoutError("timed out before it could be sent"))
            else:
                staying.append(command)
                next_time = min(next_time, due)
        self.pending = staying
        return next_time

    cdef bint is_head_awaited(self):
        """Whether somebody waits for the answer that comes next."""
        return bool(self.queue) and self.queue[0] is not None and is_waited_for(<Command>self.queue[0])

    cdef object too_late(self, Py_ssize_t place):
        if place == 0 and self.have:
            return errors.TimeoutError(
                f"timed out in the middle of the answer ({self.have} of {self.wanted or 'unknown'} bytes)"
            )
        return errors.TimeoutError("timed out waiting for the answer")

    # --- the end ---

    cdef int fail(self, object error, str reason=None, bint closed_in_order=False) except -1:
        """Closes the connection and gives the commands on it up to the retry rules; those not sent yet go elsewhere.

        If answers are to come the connection is reset: the server drops the requests that it has not read. When it was
        the server that closed it, `closed_in_order`, what it has not received counts as not sent.
        """
        cdef Command command
        cdef list unsent
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
        sent = self.queue
        self.queue = deque()
        unsent = self.take_unsent(transport, sent, closed_in_order)
        unsent.extend(self.pending)
        self.pending = []
        self.out.size = 0
        self.lane.drop(self, reason)
        if transport is not None:
            if sent:
                reset_when_closed(self.fd)
            disown_socket(self.fd, self.ticket)
            transport.abort()
        self.fd = -1
        for item in sent:
            if item is not None:
                self.lane.doom(<Command>item, error)
        for item in unsent:
            command = <Command>item
            if self.lane.closed:
                self.lane.doom(command, error)
            elif is_waited_for(command):
                self.lane.submit(command)
        self.lane.end_some()
        return 0

    cdef list take_unsent(self, object transport, object sent, bint closed_in_order):
        """Takes the commands back whose bytes the server can't have read.

        The transport has not given them to the system, or the server had closed its side by then, in order: its system
        told how much it had received, and refuses the rest. A reset tells nothing of the kind. Not on a connection that
        has answered nothing so far, as the next may do no better.
        """
        cdef list unsent = []
        cdef Command command
        cdef int64_t size
        cdef int64_t unread = 0 if transport is None else transport.get_write_buffer_size()
        cdef bint in_part = closed_in_order and self.heard_at > 0 and self.fd >= 0
        if in_part:
            unread += unacknowledged(self.fd)
        while sent and unread > 0:
            command = <Command>sent.pop()
            size = 0 if command is None else <int64_t>command.out.size
            if command is None or size > unread and not in_part:
                sent.append(command)
                break
            unread -= size
            command.sent -= 1
            unsent.append(command)
        unsent.reverse()
        return unsent

    def shut(self, reason: str = "client closed") -> None:
        """Close the connection; commands in flight fail."""
        self.fail(errors.ConnectionError("the client is closed"), reason)
