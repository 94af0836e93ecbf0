# Who gets which pipeline: a Lane has the pipelines to one node in one loop that carry one kind of commands, the commands
# that wait for room on them, and those whose attempts failed. Opening connections, and what becomes of a failed attempt,
# are the executor's.

cdef enum:
    SPREAD = 32                             # commands in flight from which a lane uses another connection
    SLICE = 16                              # failed attempts that are dealt with before the loop goes on
    MANY_DOOMED = 1024                      # failed attempts still to be dealt with, up to which more are looked for
    LARGE_MEMORY = 16                       # answers in a row after which a set's records are small again


@cython.final
cdef class Lane:
    """The pipelines to one node, in one loop, for reads or for `writes`.

    `connect(lane)` starts opening a connection, which ends in `opened` or `not_opened`; `failed(command, error)` is
    told of every attempt that failed, and `attempt(command)` begins one. A `wide` lane is for what would hold up others: its
    pipelines carry one command at a time. `large` has the sets whose records are that large; the lanes of a loop share it.
    """

    cdef readonly object loop
    cdef readonly Node node
    cdef readonly int most, depth
    cdef readonly Py_ssize_t max_waiting
    cdef readonly bint wide, writes
    cdef object connect, failed, attempt
    cdef dict large                         # (namespace, set) -> answers until it is no longer large
    cdef list pipelines
    cdef WaitingQueue waiting               # Commands for which no pipeline has room
    cdef bint was_connected                 # when they were looked at last
    cdef object doomed                      # (Command, error, whether it is moved) of attempts that are to be ended
    cdef bint ending                        # whether that is planned
    cdef readonly bint connecting
    cdef int64_t connecting_since           # the loop came to it then
    cdef readonly bint closed
    cdef size_t reclaim                     # a larger receive buffer is given back after its answer
    cdef Py_ssize_t refused                 # since the line was looked through
    cdef size_t opened_count
    cdef dict closed_by                     # reason -> count

    def __cinit__(
        self, loop: object, Node node not None, connect: object, failed: object, attempt: object, *, bint wide=False,
        bint writes=False, dict large=None
    ) -> None:
        self.loop = loop
        self.node = node
        self.connect = connect
        self.failed = failed
        self.attempt = attempt
        self.most = node.limits.pipelines
        self.depth = 1 if wide else node.limits.commands_per_pipeline
        self.max_waiting = node.limits.max_waiting
        self.wide = wide
        self.writes = writes
        self.large = {} if large is None else large
        self.reclaim = max(node.limits.buffer_reclaim_threshold, <size_t>PIPELINE_BUFFER)
        self.pipelines = []
        self.waiting = WaitingQueue()
        self.doomed = deque()
        self.closed_by = {}

    # --- down ---

    cdef Pipeline choose(self):
        """The first pipeline with few commands, as the fewer carry them, the more leave in one write; else the one with
        the most room; None if none has any.
        """
        cdef Pipeline best = None
        cdef Py_ssize_t room, most = 0
        for each in self.pipelines:
            room = (<Pipeline>each).room()
            if room > most:
                best = <Pipeline>each
                most = room
                if best.depth - room < SPREAD:
                    break
        return best

    cdef int submit(self, Command command) except -1:
        """Sends the command, or lets it wait in line."""
        cdef Pipeline best = None
        if self.closed:
            self.give_up(command, errors.ConnectionError("the client is closed"))
            return 0
        if self.waiting.count == 0:
            best = self.choose()
        if best is None or best.load() >= SPREAD:
            self.widen()
        if best is not None:
            best.submit(command)
        elif self.has_place():
            self.waiting.push(command, self.try_end(command))
        else:
            self.node.counters.count_refusal()
            self.give_up(command, self.refused_place())
        return 0

    cdef bint has_place(self) except -1:
        """Whether one more may wait; those that the connection being opened has room for don't count."""
        cdef Py_ssize_t most = self.max_waiting + (self.depth if self.connecting else 0)
        if self.max_waiting < 0 or self.waiting.count < most:
            return True
        self.refused += 1
        if self.refused * 16 < self.waiting.count:
            return False
        self.refused = 0                    # look for those who gave up; seldom, as a long line takes a while
        self.waiting.sweep()
        return self.waiting.count < most

    cdef object refused_place(self):
        return errors.NoMoreConnections(
            f"as many commands as max_waiting_per_node allows ({self.max_waiting}) wait for node {self.node.name}",
            node=self.node.name,
            advice="raise ClientPolicy.max_waiting_per_node, or leave it out: then any number waits",
        )

    cdef object never_sent(self, bint connected):
        """Why a command was in line until it was too late."""
        cdef str kind = "writes" if self.writes else "reads"
        cdef Py_ssize_t count = len(self.pipelines)
        if connected:
            return errors.NoMoreConnections(
                f"timed out before it was sent, in line with {self.waiting.count} {kind} for node {self.node.name} "
                f"(connections for them: {count}, commands on each: {self.depth})",
                node=self.node.name,
                advice="raise the timeout, pipelines_per_node or commands_per_pipeline, or start fewer commands at once",
            )
        if count:
            return errors.NoMoreConnections(
                f"timed out before it was sent, in line with {self.waiting.count} {kind} for node {self.node.name}: "
                f"its connections for them ({count}) are held up by commands that it does not answer",
                node=self.node.name,
                advice="see why the node is slow, or raise the timeout",
            )
        return errors.TimeoutError("timed out waiting for a connection")

    cdef int admit(self) except -1:
        """Lets commands in that waited for room, unless their answers could only come too late.

        A write that is sent in its last moment is in doubt, and takes its connection with it.
        """
        cdef Pipeline best
        cdef Command command
        cdef int64_t now
        cdef object error = None
        if self.waiting.count == 0:
            return 0
        now = now_ns()
        while True:
            best = self.choose()
            if best is None:
                break
            command = self.waiting.pop()
            if command is None:
                break
            if command.deadline - now > best.round_trip:
                best.submit(command)
                continue
            if error is None:
                error = self.never_sent(True)
            self.node.counters.count_refusal()
            self.doom(command, error)
        return self.end_some()

    cdef int weigh(self, Command command, size_t size) except -1:
        """Remembers whether the records of the command's set are large, so that the next one gets a wide lane."""
        if command.key is None:
            return 0
        name = command.key.namespace, command.key.set_name
        if size > PIPELINE_BUFFER:
            self.large[name] = LARGE_MEMORY
        elif command.reader.reads_bins and name in self.large:
            self.large[name] -= 1
            if self.large[name] == 0:
                del self.large[name]
        return 0

    # --- connections ---

    cdef int alive(self) except -1:
        """How many pipelines there are that are not stalled."""
        cdef int count = 0
        for each in self.pipelines:
            count += not (<Pipeline>each).stalled
        return count

    cdef int widen(self) except -1:
        """Opens a connection if there may be one more; stalled ones do not count, up to as many again."""
        if self.connecting or self.closed:
            return 0
        if self.alive() < self.most and <int>len(self.pipelines) < 2 * self.most:
            self.connecting = True
            self.connecting_since = FOREVER
            self.loop.call_soon(self.begin_connecting)  # never at once: whoever needs it gets in line first
        return 0

    cdef int widen_for_line(self) except -1:
        """Opens a connection if a command waits and there may be one more."""
        return self.widen() if self.waiting.count else 0

    def begin_connecting(self) -> None:
        """Have a connection opened; a loop that was held up so far has not taken anybody's time for it."""
        self.connecting_since = now_ns()
        self.connect(self)

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
        self.admit()
        self.widen_for_line()

    def not_opened(self, error: object) -> None:
        """A connection can't be had: without one that answers, whoever waits for one has to go elsewhere."""
        self.connecting = False
        if self.alive():
            return
        for command in self.waiting.take_all():
            self.doom(<Command>command, error)
        self.end_some()

    cdef int drop(self, Pipeline pipeline, str reason) except -1:
        if pipeline in self.pipelines:
            self.pipelines.remove(pipeline)
            self.closed_by[reason] = <size_t>(self.closed_by.get(reason) or 0) + 1
        self.widen_for_line()
        return 0

    # --- failed attempts ---

    cdef int give_up(self, Command command, object error) except -1:
        """Ends an attempt that failed."""
        cdef bint sent = command.sent > command.sent_before
        if not isinstance(error, errors.ServerError):
            self.node.counters.count_failure(sent and isinstance(error, errors.TimeoutError))
        command.note_failure(self.node, error, command.tried_at, sent)
        self.failed(command, error)
        return 0

    cdef int doom(self, Command command, object error) except -1:
        """Has an attempt ended by `end_some`, which must follow; several may share the error."""
        self.doomed.append((command, error, False))
        return 0

    cdef int move(self, Command command, object error) except -1:
        """Has a read asked elsewhere by `end_some`, which must follow. What holds it up is not its own: no try is lost."""
        self.doomed.append((command, error, True))
        return 0

    cdef int end_some(self) except -1:
        """Ends a slice of the failed attempts now and the others soon, so that many do not hold up the loop."""
        cdef int _i
        if self.ending:
            return 0
        for _i in range(SLICE):
            if not self.doomed:
                return 0
            command, error, moved = self.doomed.popleft()
            if not is_waited_for(<Command>command):
                continue
            if moved:
                self.ask_elsewhere(<Command>command, error)
            else:
                self.give_up(<Command>command, likewise(error))
        self.ending = True
        self.loop.call_soon(self.end_more)
        return 0

    cdef int ask_elsewhere(self, Command command, object error) except -1:
        command.note_failure(self.node, error, command.tried_at, True)
        command.tries -= 1
        command.next_replica()
        self.attempt(command)
        return 0

    def end_more(self) -> None:
        """End the next slice."""
        self.ending = False
        self.end_some()

    @property
    def is_ending(self) -> bool:
        """Whether there are failed attempts to be dealt with."""
        return bool(self.doomed)

    @property
    def is_busy(self) -> bool:
        """Whether any command is under way here."""
        return self.waiting.count > 0 or bool(self.doomed) or any([(<Pipeline>each).load() for each in self.pipelines])

    # --- time ---

    def watch(self) -> float:
        """Fail what is overdue; returns the seconds until this has to be done again, less than 0 for never."""
        cdef int64_t now = now_ns()
        cdef int64_t next_time = FOREVER
        for each in list(self.pipelines):
            next_time = min(next_time, (<Pipeline>each).watch(now))
        next_time = min(next_time, self.watch_waiting(now))
        self.admit()                        # in place of what was overdue before it was sent
        self.widen_for_line()               # those that have stalled let nobody in any more
        self.end_some()
        return -1.0 if next_time == FOREVER else max(0.001, (next_time - now) / <double>SECOND)

    cdef int64_t try_end(self, Command command) noexcept:
        """When the share of the deadline is over that the attempt has."""
        return min(command.deadline, after(command.tried_at, command.attempt_timeout))

    cdef int64_t watch_waiting(self, int64_t now) except -1:
        """Fails the commands that have waited too long for room; returns when to look again.

        They wait until their deadline. When no connection takes commands, because none is open yet or what they carry
        is overdue, an attempt takes its share of the deadline only, so that another node may be asked.
        """
        cdef WaitingBlock block
        cdef Command command
        cdef int64_t next_time = FOREVER
        cdef int64_t due
        cdef Py_ssize_t place
        cdef bint emptied = False
        cdef bint connected = self.alive() > 0
        cdef object error = None
        if self.waiting.count == 0:
            return next_time
        if connected != self.was_connected:
            self.was_connected = connected
            self.waiting.look_at_all()
        for each in self.waiting.blocks:
            block = <WaitingBlock>each
            if block.look_at <= now:
                if <Py_ssize_t>len(self.doomed) > MANY_DOOMED:
                    next_time = now
                    break
                block.look_at = FOREVER
                for place in range(block.first, <Py_ssize_t>len(block.commands)):
                    command = <Command>block.commands[place]
                    if command is None:
                        continue
                    if is_waited_for(command):
                        due = command.deadline
                        if not connected:
                            due = min(due, after(max(command.tried_at, self.connecting_since), command.attempt_timeout))
                        if due > now:
                            block.look_at = min(block.look_at, due)
                            continue
                        if error is None:
                            error = self.never_sent(connected)
                        self.node.counters.count_refusal()
                        self.doom(command, error)
                    self.waiting.take(block, place)
                emptied = emptied or block.left == 0
            next_time = min(next_time, block.look_at)
        if emptied:
            self.waiting.forget_empty()
        return next_time

    def trim(self) -> bool:
        """Close connections that have been idle for long; all of them when the node has left. True if any is left."""
        cdef int64_t now = now_ns()
        cdef Pipeline pipeline
        for each in list(self.pipelines):
            pipeline = <Pipeline>each
            if pipeline.load():
                pipeline.watch(now)         # for commands without a deadline, which no timer is set for
            elif not self.node.active or now - pipeline.idle_since > self.node.limits.idle_timeout:
                pipeline.shut("idle")
            elif <int>len(self.pipelines) > self.most:
                pipeline.shut("not needed")
        self.admit()
        self.widen_for_line()
        self.end_some()
        return bool(self.pipelines or self.connecting or self.waiting.count or self.doomed)

    # --- the end ---

    def close(self, error: object = None, reason: str = "client closed") -> None:
        """Close all connections; what is in flight or waits fails with the error, in slices."""
        if error is None:
            error = errors.ConnectionError("the client is closed")
        self.closed = True
        for pipeline in list(self.pipelines):
            (<Pipeline>pipeline).fail(error, reason)
        self.not_opened(error)

    def abandon(self) -> None:
        """Forget the connections of a loop that does not run any more, and what they carry."""
        cdef Pipeline pipeline
        self.closed = True
        for each in self.pipelines:
            pipeline = <Pipeline>each
            pipeline.gone = True
            disown_socket(pipeline.fd, pipeline.ticket)
            pipeline.fd = -1
            if pipeline.transport is not None:
                abandon_socket(pipeline.transport.get_extra_info("socket"))
            pipeline.transport = None

    def stats(self) -> dict:
        """How many connections there are and were, and what they carry."""
        return {
            "open": len(self.pipelines),
            "in_flight": sum([(<Pipeline>each).load() for each in self.pipelines]),
            "waiting": self.waiting.count,
            "opened": self.opened_count,
            "closed": dict(self.closed_by),
        }


def abandon_socket(sock: object) -> None:
    """Let go of a socket that a transport or a loop still believes in, as the loop does not run any more.

    Its number is given something harmless to stand for, so that it can't become that of another file.
    """
    if sock is not None and sock.fileno() >= 0:
        with open("/dev/null", "rb") as nothing:
            dup2(nothing.fileno(), sock.fileno(), inheritable=False)
