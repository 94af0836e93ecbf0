# Many commands in flight on one connection, inside an asyncio loop. The server answers the commands of a connection in
# order (cluster.md 11.6), so a queue says whose answer comes next. Everything here runs in the loop's thread.
#
# A Pipeline owns a transport's data path and nothing else; a Lane owns the pipelines to one node in one loop. What a
# failed attempt means for its command is decided by the executor above, through `failed(command, error)`.

from collections import deque
from os import dup2

cdef extern from "poll.h" nogil:
    struct pollfd:
        int fd
        short events
        short revents
    short POLLIN
    int poll(pollfd* fds, unsigned long count, int timeout)


cdef enum:
    PIPELINE_BUFFER = 64 * 1024             # a read takes as many answers as fit
    SPREAD = 16                             # commands in flight from which a lane opens another connection
    READING_TIME = 20_000_000               # ns that a loop gets to read what may be the answer to an overdue command


cdef inline bint is_waited_for(Command command):
    """Whether somebody still waits: the task was not cancelled, the deadline has not passed."""
    return not command.waiter.done()


cdef inline int64_t late_span(Command command) noexcept:
    """How long a late answer is awaited when nobody needs the connection any more."""
    cdef double delay = command.settings.timeout_delay
    return to_ns(delay) if delay > 0 else 0


cdef class Pipeline:
    """The data path of one connection: an asyncio buffered protocol.

    Commands submitted before the loop comes round again leave in one write; a read resolves every answer it holds.
    """

    cdef Lane lane
    cdef object transport                   # None before it is connected and after it is closed
    cdef int fd                             # the transport's, which stays the owner
    cdef object queue                       # Commands whose answers are to come, the oldest first; None: went elsewhere
    cdef Buffer out                         # requests not written yet
    cdef unsigned char storage[4096]
    cdef bint flush_planned, paused, gone
    cdef bint stalled                       # a command met nothing but silence: no more of them until an answer comes
    cdef object buffer                      # bytearray that reads go to
    cdef object view                        # of it
    cdef size_t have                        # bytes of it that are not parsed yet
    cdef size_t wanted                      # size of an answer too large for it
    cdef int64_t moved_at                   # when anything came last, or the first command was written
    cdef int64_t answered_at                # the same, but of a whole answer
    cdef int64_t heard_at                   # when anything came last
    cdef int64_t judged_at                  # since when something is overdue; 0 while nothing is
    cdef int64_t idle_since
    cdef NameCache names

    def __cinit__(self, *args: object) -> None:
        buffer_init(&self.out, self.storage, sizeof(self.storage))
        memset(&self.names, 0, sizeof(NameCache))

    def __init__(self, Lane lane not None) -> None:
        self.lane = lane
        self.fd = -1
        self.queue = deque()
        self.buffer = bytearray(PIPELINE_BUFFER)
        self.view = memoryview(self.buffer)

    def __dealloc__(self) -> None:
        buffer_free(&self.out)
        names_clear(&self.names)

    # --- down ---

    cdef inline Py_ssize_t room(self):
        """How many more commands it takes now."""
        return 0 if self.paused or self.stalled else self.lane.depth - len(self.queue)

    cdef int submit(self, Command command, int64_t now) except -1:
        """Takes a command whose waiter is set; it leaves with the next write."""
        if not self.queue:
            self.moved_at = self.answered_at = now
        self.queue.append(command)
        put_bytes(&self.out, command.out.data, command.out.size)
        if not self.flush_planned and not self.paused:
            self.flush_planned = True
            self.lane.loop.call_soon(self.flush)
        return 0

    def flush(self) -> None:
        """Write what was submitted since the last time."""
        self.flush_planned = False
        if self.transport is not None and not self.paused and self.out.size:
            self.write()

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
        self.fd = -1 if sock is None else sock.fileno()
        self.idle_since = self.moved_at = self.answered_at = now_ns()

    def pause_writing(self) -> None:
        """Hold back: the server reads more slowly than commands come."""
        self.paused = True

    def resume_writing(self) -> None:
        """Write what was held back, and let in who waits."""
        self.paused = False
        if self.out.size:
            self.flush()
        self.lane.admit(now_ns())

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
        cdef size_t need
        cdef uint64_t proto
        self.moved_at = self.heard_at = now_ns()
        while size - at >= 8:
            proto = load64(data + at)
            if proto >> 48 != (<uint64_t>PROTO_VERSION << 8 | TYPE_MESSAGE) or proto & MAX_BODY > MAX_MESSAGE:
                self.fail(errors.ProtocolError(f"not an answer: it begins with {data[at:at + 8].hex()}"))
                return
            need = 8 + <size_t>(proto & MAX_BODY)
            if size - at < need:
                break
            if not self.queue:
                self.fail(errors.ProtocolError("an answer to no command"))
                return
            if len(self.queue) == 1 and size - at > need:
                self.fail(errors.ProtocolError(f"{size - at - need} bytes behind the answer"))
                return
            if not self.resolve(data + at + 8, need - 8):
                return
            at += need
        self.have = size - at
        if self.have and not self.queue:
            self.fail(errors.ProtocolError(f"{self.have} bytes that nobody asked for"))
            return
        if at:
            self.answered_at = self.moved_at
            self.stalled = False
            if self.have:
                memmove(<unsigned char*>data, data + at, self.have)
        self.wanted = 8 + <size_t>(load64(data) & MAX_BODY) if self.have >= 8 else 0
        if <size_t>len(self.buffer) > self.lane.reclaim and self.wanted <= PIPELINE_BUFFER:
            larger = self.view
            self.buffer = bytearray(PIPELINE_BUFFER)
            self.view = memoryview(self.buffer)
            self.view[:self.have] = larger[:self.have]
        if not self.queue:
            self.idle_since = self.moved_at
        self.lane.admit(self.moved_at)

    cdef bint resolve(self, const unsigned char* body, size_t size) except -1:
        """Gives the oldest command its answer; False if that broke the connection."""
        cdef Command command
        item = self.queue.popleft()
        if item is None:
            return True
        command = <Command>item
        if not is_waited_for(command):
            return True
        try:
            result = read_answer(command, body, size, &self.names)
        except errors.ServerError as error:
            self.lane.give_up(command, error)
        except errors.ProtocolError as error:
            self.lane.give_up(command, error)
            self.fail(errors.ProtocolError("the connection broke on the answer to another command"))
            return False
        except BaseException as error:      # no memory: nobody looks after this command but us
            command.waiter.set_exception(error)
        else:
            command.waiter.set_result(result)
        return True

    def eof_received(self) -> bool:
        """The server closed its side: so do we."""
        self.connection_lost(None)
        return False

    def connection_lost(self, reason: object) -> None:
        """Fail what was in flight."""
        if reason is not None:
            self.fail(errors.ConnectionError(f"the connection failed: {getattr(reason, 'strerror', None) or reason}"))
        elif not self.queue:
            self.fail(errors.ConnectionError("the server closed the connection"), "closed by the server")
        else:
            self.fail(
                errors.ConnectionError(
                    "the server closed the connection "
                    + ("in the middle of the answer" if self.have else "instead of answering")
                )
            )

    # --- time ---

    cdef bint may_have_come(self, int64_t now) noexcept nogil:
        """Whether what is overdue may have come and is yet to be read, as in a loop that was held up.

        A server that never stops sending can't draw this out: the loop has a bounded time to read.
        """
        cdef pollfd one
        one.fd = self.fd
        one.events = POLLIN
        one.revents = 0
        if self.judged_at == 0:
            self.judged_at = now
        return self.fd >= 0 and now - self.judged_at < READING_TIME and poll(&one, 1, 0) > 0

    cdef int64_t watch(self, int64_t now) except -1:
        """Fails what is overdue; returns when to look again.

        When the try of the oldest command is over without a sign of life, the connection is closed, and the others
        have to go elsewhere. A command whose deadline passes, or that is not the oldest, goes alone: the place
        it leaves in the queue takes its answer. Bytes of an answer that nobody waits for are no sign of life to those
        behind it. A connection that nobody waits for any more is closed in the end.
        """
        cdef Command command
        cdef int64_t next_time = FOREVER
        cdef int64_t unused_at = 0          # until when the late answers of those who went are awaited
        cdef int64_t due
        cdef bint awaited = False
        cdef list late = []
        cdef Py_ssize_t place = -1
        cdef int64_t alive_at = self.moved_at if self.is_head_awaited() else self.answered_at
        for item in self.queue:
            place += 1
            if item is None:
                continue
            command = <Command>item
            due = after(max(alive_at, command.tried_at), command.allowance)
            if not is_waited_for(command):
                unused_at = max(unused_at, after(due, late_span(command)))
            elif command.deadline <= now or due <= now:
                late.append(place)
            else:
                awaited = True
                next_time = min(next_time, min(due, command.deadline))
        if not late and (awaited or not self.queue or unused_at > now):
            self.judged_at = 0
        elif self.may_have_come(now):
            return now + MILLISECOND
        for item in late:
            place = item
            command = <Command>self.queue[place]
            error = self.too_late(place)
            if command.deadline <= now:
                unused_at = max(unused_at, after(now, late_span(command)))
            elif place == 0:
                self.fail(error)
                return FOREVER
            else:
                self.queue[place] = None
            if command.tried_at >= self.heard_at or command.deadline > now or place == 0 and self.have:
                self.stalled = True
            self.lane.give_up(command, error)
        if not awaited and self.queue:
            if unused_at <= now:
                self.fail(errors.TimeoutError("timed out waiting for the answer"))
                return FOREVER
            next_time = unused_at
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

    cdef int fail(self, object error, str reason=None) except -1:
        """Closes the connection and gives every command in flight up to the retry rules."""
        if self.gone:
            return 0
        self.gone = True
        transport = self.transport
        self.transport = None
        self.fd = -1
        if reason is None:
            reason = (
                "timeout" if isinstance(error, errors.TimeoutError)
                else "protocol error" if isinstance(error, errors.ProtocolError)
                else "connection error"
            )
        waiting = self.queue
        self.queue = deque()
        self.out.size = 0
        self.lane.drop(self, reason)
        if transport is not None:
            transport.abort()
        for item in waiting:
            if item is not None and is_waited_for(<Command>item):
                self.lane.give_up(<Command>item, type(error)(error.args[0]))
        return 0

    def shut(self, reason: str = "client closed") -> None:
        """Close the connection; commands in flight fail."""
        self.fail(errors.ConnectionError("the client is closed"), reason)


@cython.final
cdef class Lane:
    """The pipelines to one node, in one loop.

    `connect(lane)` starts opening a connection, which ends in `opened` or `not_opened`; `failed(command, error)` is
    told of every attempt that failed.
    """

    cdef readonly object loop
    cdef readonly Pool pool
    cdef readonly int most, depth, max_waiting
    cdef object connect, failed
    cdef list pipelines
    cdef object waiting                     # Commands for which no pipeline has room, first come first
    cdef readonly bint connecting
    cdef readonly bint closed
    cdef size_t reclaim                     # a larger receive buffer is given back after its answer
    cdef Py_ssize_t refused                 # since the line was looked through
    cdef size_t opened_count
    cdef dict closed_by                     # reason -> count

    def __cinit__(
        self, loop: object, Pool pool not None, connect: object, failed: object, *, int most, int depth, int max_waiting
    ) -> None:
        self.loop = loop
        self.pool = pool
        self.connect = connect
        self.failed = failed
        self.most = most
        self.depth = depth
        self.max_waiting = max_waiting
        self.reclaim = max(pool.reclaim, <size_t>PIPELINE_BUFFER)
        self.pipelines = []
        self.waiting = deque()
        self.closed_by = {}

    cdef Pipeline least_loaded(self):
        """The pipeline with the most room; None if none has any."""
        cdef Pipeline best = None
        cdef Py_ssize_t room, most = 0
        for each in self.pipelines:
            room = (<Pipeline>each).room()
            if room > most:
                best = <Pipeline>each
                most = room
        return best

    cdef int submit(self, Command command, int64_t now) except -1:
        """Sends the command, or lets it wait in line."""
        cdef Pipeline best = None
        if self.closed:
            self.give_up(command, errors.ConnectionError("the client is closed"))
            return 0
        if not self.waiting:
            best = self.least_loaded()
        if best is None or len(best.queue) >= SPREAD:
            self.widen()
        if best is not None:
            command.sent += 1
            best.submit(command, now)
        elif self.has_place():
            self.waiting.append(command)
        else:
            self.pool.refusals += 1
            self.give_up(command, self.exhausted("too many commands wait for them already"))
        return 0

    cdef bint has_place(self) except -1:
        """Whether one more may wait; those that the connection being opened has room for don't count."""
        cdef Py_ssize_t most = self.max_waiting + (self.depth if self.connecting else 0)
        if <Py_ssize_t>len(self.waiting) < most:
            return True
        self.refused += 1
        if self.refused * 16 < <Py_ssize_t>len(self.waiting):
            return False
        self.refused = 0                    # look for those who gave up; seldom, as a long line takes a while
        self.waiting = deque([each for each in self.waiting if is_waited_for(<Command>each)])
        return <Py_ssize_t>len(self.waiting) < most

    cdef object exhausted(self, str why):
        return errors.NoMoreConnections(
            f"all {len(self.pipelines)} connections to node {self.pool.node_name} are full of commands, {why}",
            node=self.pool.node_name,
            advice="raise pipelines_per_node or commands_per_pipeline, or the timeout, or use fewer tasks",
        )

    cdef int widen(self) except -1:
        """Opens a connection if there may be one more; stalled ones do not count, up to as many again."""
        cdef int alive = 0
        if self.connecting or self.closed:
            return 0
        for each in self.pipelines:
            alive += not (<Pipeline>each).stalled
        if alive < self.most and <int>len(self.pipelines) < 2 * self.most:
            self.connecting = True
            self.connect(self)
        return 0

    cdef int admit(self, int64_t now) except -1:
        """Lets commands in that waited for room."""
        cdef Pipeline best
        cdef Command command
        while self.waiting:
            best = self.least_loaded()
            if best is None:
                return 0
            command = <Command>self.waiting.popleft()
            if is_waited_for(command):
                command.sent += 1
                best.submit(command, now)
        return 0

    def opened(self, Pipeline pipeline not None) -> None:
        """A connection is there."""
        if self.closed:
            self.connecting = False
            pipeline.shut()
            return
        if pipeline.gone:                   # and gone again
            self.not_opened(errors.ConnectionError("the server closed the connection as soon as it was open"))
            return
        self.connecting = False
        self.opened_count += 1
        self.pipelines.append(pipeline)
        self.admit(now_ns())
        if self.waiting:
            self.widen()

    def not_opened(self, error: object) -> None:
        """A connection can't be had: without any, whoever waits for one has to go elsewhere."""
        self.connecting = False
        if self.pipelines:
            return
        waiting = self.waiting
        self.waiting = deque()
        for command in waiting:
            if is_waited_for(<Command>command):
                self.give_up(<Command>command, type(error)(error.args[0]))

    cdef int drop(self, Pipeline pipeline, str reason) except -1:
        if pipeline in self.pipelines:
            self.pipelines.remove(pipeline)
            self.closed_by[reason] = <size_t>(self.closed_by.get(reason) or 0) + 1
        if self.waiting:
            self.widen()
        return 0

    cdef int give_up(self, Command command, object error) except -1:
        """Ends an attempt that failed."""
        cdef bint sent = command.sent > command.sent_before
        if not isinstance(error, errors.ServerError):
            self.pool.failures += 1
            self.pool.timeouts += sent and isinstance(error, errors.TimeoutError)
        record_failure(command, self.pool, error, command.tried_at, sent)
        self.failed(command, error)
        return 0

    def watch(self) -> float:
        """Fail what is overdue; returns the seconds until this has to be done again, less than 0 for never."""
        cdef int64_t now = now_ns()
        cdef int64_t next_time = self.watch_line(now)
        for each in list(self.pipelines):
            next_time = min(next_time, (<Pipeline>each).watch(now))
        return -1.0 if next_time == FOREVER else max(0.001, (next_time - now) / <double>SECOND)

    cdef int64_t watch_line(self, int64_t now) except -1:
        """The same for those who wait: within their deadline, and for a first connection as long as a try may take."""
        cdef int64_t next_time = FOREVER
        cdef int64_t due
        cdef Command command
        cdef bint connected = bool(self.pipelines)
        cdef list late = []
        if not self.waiting:
            return next_time
        line = self.waiting
        self.waiting = deque()
        for item in line:
            command = <Command>item
            if not is_waited_for(command):
                continue
            due = command.deadline
            if not connected:
                due = min(due, after(command.tried_at, command.allowance))
            if due <= now:
                late.append(command)
            else:
                self.waiting.append(command)
                next_time = min(next_time, due)
        for item in late:
            if connected:
                self.pool.refusals += 1
                error = self.exhausted("none had room in time")
            else:
                error = errors.TimeoutError("timed out waiting for a connection")
            self.give_up(<Command>item, error)
        return next_time

    def trim(self) -> bool:
        """Close connections that have been idle for long; all of them when the node has left. True if any is left."""
        cdef int64_t now = now_ns()
        cdef Pipeline pipeline
        for each in list(self.pipelines):
            pipeline = <Pipeline>each
            if pipeline.queue:
                continue
            if self.pool.closed or now - pipeline.idle_since > self.pool.idle_timeout:
                pipeline.shut("idle")
            elif <int>len(self.pipelines) > self.most:
                pipeline.shut("not needed")
        return bool(self.pipelines or self.connecting or self.waiting)

    def close(self) -> None:
        """Close all connections; what is in flight or waits fails."""
        self.closed = True
        for pipeline in list(self.pipelines):
            (<Pipeline>pipeline).shut()
        self.not_opened(errors.ConnectionError("the client is closed"))

    def abandon(self) -> None:
        """In a child process: let go of the descriptors, which leaves the parent's connections alone.

        Their transports still believe in them, so each number is given something harmless to stand for.
        """
        cdef Pipeline pipeline
        self.closed = True
        with open("/dev/null", "rb") as nothing:
            for each in self.pipelines:
                pipeline = <Pipeline>each
                pipeline.gone = True
                pipeline.fd = -1
                sock = None if pipeline.transport is None else pipeline.transport.get_extra_info("socket")
                if sock is not None and sock.fileno() >= 0:
                    dup2(nothing.fileno(), sock.fileno(), inheritable=False)
                pipeline.transport = None

    def stats(self) -> dict:
        """How many connections there are and were, and what they carry."""
        return {
            "open": len(self.pipelines),
            "in_flight": sum([len((<Pipeline>each).queue) for each in self.pipelines]),
            "waiting": len(self.waiting),
            "opened": self.opened_count,
            "closed": dict(self.closed_by),
        }


cdef class Lanes:
    """All lanes of one client in one loop, and the way of a command to its answer."""

    cdef readonly object loop
    cdef dict lanes                         # Pool -> Lane
    cdef object create_future
    cdef int64_t watch_at                   # when the timer goes off; FOREVER without one

    def __cinit__(self, loop: object, *args: object, **kwargs: object) -> None:
        self.loop = loop
        self.create_future = loop.create_future
        self.lanes = {}
        self.watch_at = FOREVER

    def new_lane(self, pool: Pool) -> Lane:
        """Make the lane of a node; the executor does."""
        raise AssertionError("an executor makes its own lanes")

    def watch_in(self, seconds: float) -> None:
        """Set the one timer of this loop; the executor does."""
        raise AssertionError("an executor has its own timer")

    def all_lanes(self) -> list:
        """The lanes there are."""
        return list(self.lanes.values())

    def forget(self, pool: Pool) -> None:
        """Let go of a node's lane."""
        self.lanes.pop(pool, None)

    cdef int plan(self, Command command, int64_t now) except -1:
        """Sees to it that somebody looks when the command is due."""
        cdef int64_t due = min(command.deadline, after(now, command.allowance))
        if due < self.watch_at:
            self.watch_at = due
            self.watch_in((due - now) / <double>SECOND)
        return 0

    def watched(self) -> None:
        """Look after all lanes; for the timer."""
        cdef double soonest = -1
        cdef double span
        self.watch_at = FOREVER
        for lane in list(self.lanes.values()):
            span = lane.watch()
            if span >= 0 and (soonest < 0 or span < soonest):
                soonest = span
        if soonest >= 0:
            self.watch_at = after(now_ns(), <int64_t>(soonest * 1e9))
            self.watch_in(soonest)

    def start(self, Command command not None, PartitionMap partitions not None) -> object:
        """Begin the first attempt and return the future of the command's result."""
        command.waiter = self.create_future()
        self.attempt(command, partitions)
        return command.waiter

    def attempt(self, Command command not None, PartitionMap partitions not None) -> None:
        """Begin an attempt; how it ends is told to the command's waiter, or to the executor."""
        cdef Pool pool
        cdef Lane lane
        cdef int64_t now
        if command.started == 0:
            command.start()
            now = command.started
        else:
            now = now_ns()
        command.tries += 1
        command.allowance = command.patience(now)
        command.tried_at = now
        command.sent_before = command.sent
        try:
            pool = partitions.route(command)
            if pool is None:
                raise errors.InvalidNode(
                    f"no node holds partition {command.key.partition_id} of namespace {command.key.namespace!r}",
                    key=command.key,
                )
        except errors.AerospikeError as error:
            record_failure(command, None, error, now, False)
            self.failed(command, error)
            return
        found = self.lanes.get(pool)
        if found is None:
            found = self.lanes[pool] = self.new_lane(pool)
        lane = <Lane>found
        self.plan(command, now)
        lane.submit(command, now)

    def failed(self, command: Command, error: object) -> None:
        """An attempt failed; the executor decides what comes of it."""
        raise AssertionError("an executor decides")
