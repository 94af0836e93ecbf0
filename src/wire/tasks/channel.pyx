# Which command goes to which connection. A Channel has the connections to one node, in one loop, for reads or for writes, and
# the line of commands that wait for room on them. The executor opens connections and decides what follows a failed attempt.

cdef enum:
    SPREAD = 32                             # commands in flight on a connection from which on a channel uses another one
    LARGE_MEMORY = 16                       # small answers in a row after which a set's records count as small again


@cython.final
cdef class Channel(ChannelBase):
    """The connections to one node, in one loop, for commands of one kind.

    Those for large requests and answers, for batches, and for queries, carry one command at a time, as it would hold up others.

    Args:
        loop: the running loop.
        node: the node, with its limits and counters.
        failures: the loop's queue of failed attempts.
        slicer: does the long work of the loop.
        connect: is called with the channel to open a connection; calls the channel's `opened` or `not_opened` later.
        failed: is called with the future and the error of every attempt that failed.
        attempt: is called with a future to begin another attempt.
        look_in: is called with the seconds after which to look for overdue commands, if that is earlier than usual.
        kind: what the channel is for: `FOR_READS` and so on.
        large: the sets with large records, as (namespace, set); the value is the number of small answers after which a
            set is removed. The channels of a loop share it.
    """

    cdef readonly Node node
    cdef readonly int most
    cdef readonly int least                 # connections that are opened in advance and kept
    cdef readonly Py_ssize_t max_waiting
    cdef object connect, failed, attempt, look_in
    cdef dict large
    cdef list pipelines
    cdef WaitingQueue waiting               # Futures for which no connection has room
    cdef bint was_connected                 # whether a connection took commands when `watch_line` last looked
    cdef str obstacle                       # what the opening of it waits for, in words; None if for nothing but the node
    cdef Py_ssize_t refused                 # commands without a place since the line was last searched for cancelled ones
    cdef size_t opened_count
    cdef dict closed_by                     # reason -> count

    def __cinit__(
        self, loop: asyncio.AbstractEventLoop, Node node not None, FailureQueue failures not None,
        Slicer slicer not None, connect: Callable[[Channel], None],
        failed: Callable[[Future, AerospikeError], None], attempt: Callable[[Future], None],
        look_in: Callable[[float], None], *, int kind=FOR_READS, large: dict[tuple[str, str], int] | None = None
    ) -> None:
        self.loop = loop
        self.node = node
        self.failures = failures
        self.meter = node.counters.meter
        self.node_name = node.name
        self.slicer = slicer
        self.connect = connect
        self.failed = failed
        self.attempt = attempt
        self.look_in = look_in
        self.kind = kind
        self.bulk = kind >= FOR_LARGE_READS
        self.most = <int>min(node.limits.max_connections, 0xFFFF) if kind >= FOR_BATCHES else node.limits.pipelines
        self.least = <int>min(node.limits.min_connections, self.most) if kind <= FOR_WRITES else 0
        self.depth = 1 if self.bulk else node.limits.commands_per_pipeline
        self.max_waiting = node.limits.max_waiting
        self.large = {} if large is None else large
        self.reclaim = max(node.limits.buffer_reclaim_threshold, <size_t>PIPELINE_BUFFER)
        self.pipelines = []
        self.waiting = WaitingQueue()
        self.closed_by = {}

    # --- sending ---

    cdef Pipeline choose(self):
        """Returns the connection for the next command; None if no connection has room.

        This is the first connection with less than `SPREAD` commands in flight, because more commands leave in one write if
        they use fewer connections. If there is none, it is the connection with the most room.
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

    cdef int submit(self, Future future) except -1:
        cdef Pipeline best = None
        if self.closed:
            self.give_up(future, errors.ConnectionError("the client is closed"))
            return 0
        if self.node.counters.breaker.refuses():
            self.refuse(future, refused_by(self.node.counters.breaker, self.node.name))
            return 0
        if self.waiting.count == 0:
            best = self.choose()
        if best is None or best.load() >= SPREAD:
            self.grow()
        if best is not None:
            best.submit(future)
        elif self.has_place():
            self.waiting.push(future, connected_by(future.command, future.tried_at))
            if future.command.settings.connect_timeout > 0:
                self.look_in(future.command.settings.connect_timeout / 1000)
            self.relieve()
        else:
            self.node.counters.count_refusal()
            self.give_up(future, self.refused_place())
        return 0

    cdef bint is_crowded(self) except -1:
        return self.waiting.count > 0 and self.alive() >= self.most

    cdef int relieve(self) except -1:
        """Has connections go on that were set aside, if others wait for them."""
        if self.kind == FOR_QUERIES or not self.is_crowded():   # of queries, only who takes the records can go on
            return 0
        for each in list(self.pipelines):
            if (<Pipeline>each).set_aside:
                self.slicer.resume(<Pipeline>each)
        return 0

    cdef bint has_place(self) except -1:
        """Whether one more command may wait in line.

        While a connection is being opened, the line may be longer by the commands that this connection will carry.
        """
        cdef Py_ssize_t most = self.max_waiting + (self.depth if self.connecting else 0)
        if self.max_waiting < 0 or self.waiting.count < most:
            return True
        self.refused += 1
        if self.refused * 16 < self.waiting.count:
            return False
        self.refused = 0                    # only now and then, because it takes a while to search a long line
        self.waiting.sweep()
        return self.waiting.count < most

    cdef object refused_place(self):
        return errors.NoMoreConnections(
            f"as many commands as max_waiting_per_node allows ({self.max_waiting}) wait for node {self.node.name}",
            node=self.node.name,
            advice="raise ClientPolicy.max_waiting_per_node, or leave it out: then any number waits",
        )

    cdef object never_sent(self, bint connected):
        """Returns the error of a command that was overdue in line. `connected`: a connection took commands meanwhile."""
        cdef bint streams = self.kind >= FOR_BATCHES
        cdef str kind = ("reads", "writes", "reads", "writes", "batches", "queries")[self.kind]
        cdef bint alone = self.most == self.node.limits.max_connections and self.depth == 1     # as with TLS
        cdef str limits = "max_conns_per_node" if streams or alone else "pipelines_per_node or commands_per_pipeline"
        cdef Py_ssize_t count = len(self.pipelines)
        if connected:
            return errors.NoMoreConnections(
                f"timed out before it was sent, in line with {self.waiting.count} {kind} for node {self.node.name} "
                f"(connections for them: {count}, commands on each: {self.depth})",
                node=self.node.name,
                advice=f"raise the timeout, {limits}, or start fewer at once",
            )
        if count:
            return errors.NoMoreConnections(
                f"timed out before it was sent, in line with {self.waiting.count} {kind} for node {self.node.name}: "
                f"its connections for them ({count}) are held up by commands that it does not answer",
                node=self.node.name,
                advice="see why the node is slow, or raise the timeout",
            )
        return errors.TimeoutError(
            "timed out waiting for a connection" + (f": {self.obstacle}" if self.obstacle is not None else "")
        )

    cdef int admit(self) except -1:
        """Sends commands that wait in line, as long as connections have room.

        A command whose deadline is closer than the time that answers take lately is not sent, but fails: a write would be in
        doubt, and its connection would be reset.
        """
        cdef Pipeline best
        cdef Future future
        cdef int64_t now
        cdef object error = None
        if self.waiting.count == 0:
            return 0
        now = now_ns()
        while True:
            best = self.choose()
            if best is None:
                break
            future = self.waiting.pop()
            if future is None:
                break
            if future.command.deadline - now > best.round_trip:
                best.submit(future)
                continue
            if error is None:
                error = self.never_sent(True)
            self.node.counters.count_refusal()
            self.fail_later(future, error)
        return self.failures.drain()

    @property
    def writes(self) -> bool:
        """Whether the channel is for writes only."""
        return self.kind == FOR_WRITES or self.kind == FOR_LARGE_WRITES

    cdef int note_size(self, Command command, size_t size) except -1:
        """Notes whether the set of the command's record has large records: commands on these use a bulk channel."""
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
        """Returns how many connections take commands; stalled connections do not."""
        cdef int count = 0
        for each in self.pipelines:
            count += not ((<Pipeline>each).stalled or (<Pipeline>each).logged_out)
        return count

    cdef int grow(self) except -1:
        """Has a connection opened, if the limit allows one more. There may be twice as many connections if some have stalled."""
        if self.connecting or self.closed:
            return 0
        if self.alive() < self.most and <int>len(self.pipelines) < 2 * self.most:
            self.connecting = True
            self.connecting_since = FOREVER
            self.obstacle = None
            self.loop.call_soon(self.begin_connecting)  # not now: the command that needs it is put in line first
        return 0

    cdef int grow_for_line(self) except -1:
        """Has a connection opened, if a command waits in line and the limit allows one more."""
        return self.grow() if self.waiting.count else 0

    cdef int fill(self) except -1:
        """Have a connection opened, if there are fewer than are to be there in advance; the next follows when it is open."""
        if self.alive() < self.least and self.node.active and not self.node.counters.breaker.refuses():
            return self.grow()
        return 0

    def begin_connecting(self) -> None:
        """Have a connection opened. The time for it begins now, when the loop comes to it."""
        self.connecting_since = now_ns()
        self.connect(self)

    def held_up(self, str why not None) -> None:
        """Note what the opening of a connection waits for, in words, to tell those who wait for it in vain."""
        self.obstacle = why

    def opened(self, Pipeline pipeline not None) -> None:
        """Use a connection that is open now."""
        if self.closed:
            self.connecting = False
            pipeline.shut()
            return
        if pipeline.gone:                   # the server has closed it meanwhile
            self.not_opened(errors.ConnectionError("the server closed the connection as soon as it was open"))
            return
        self.connecting = False
        self.connecting_until = now_ns()
        self.meter.count_connecting(self.connecting_until - self.connecting_since)
        self.opened_count += 1
        self.pipelines.append(pipeline)
        self.admit()
        self.grow_for_line()
        self.fill()

    def not_opened(self, error: AerospikeError) -> None:
        """Note that a connection could not be opened. If no other one takes commands, those in line fail with the error."""
        self.connecting = False
        self.connecting_until = now_ns()
        if self.alive():
            return
        for future in self.waiting.take_all():
            self.fail_later(<Future>future, error)
        self.failures.drain()

    cdef int drop(self, object pipeline, str reason) except -1:
        if pipeline in self.pipelines:
            self.pipelines.remove(pipeline)
            self.closed_by[reason] = <size_t>(self.closed_by.get(reason) or 0) + 1
        self.grow_for_line()
        return 0

    # --- failed attempts ---

    cdef int give_up(self, Future future, object error) except -1:
        cdef Command command = future.command
        cdef bint sent = command.sent > future.sent_before
        if not isinstance(error, errors.ServerError):
            self.node.counters.count_failure(sent and isinstance(error, errors.TimeoutError))
        elif error.result_code in NODE_AT_FAULT:
            self.count_error()
        return self.end_attempt(future, error, sent)

    cdef int refuse(self, Future future, object error) except -1:
        """Ends an attempt before anything is sent, as the node has failed too often lately."""
        return self.end_attempt(future, error, False)

    cdef int end_attempt(self, Future future, object error, bint sent) except -1:
        if future.command.trace is not None:
            self.trace_connecting(future.command.trace, future.tried_at, future.sent_at if sent else now_ns(), sent)
        note_failure(
            future.command, self.node, error, future.tried_at, sent, future.received if sent else 0,
            future.sent_at if sent else 0, future.decoding if sent else 0
        )
        if not future.takes_failure(error):
            self.failed(future, error)
        return 0

    cdef int count_error(self) except -1:
        self.node.counters.breaker.note_error()
        return 0

    cdef int count_late_answer(self, bint came) except -1:
        self.node.counters.count_late_answer(came)
        return 0

    cdef int count_packed(self, Buffer* request) except -1:
        self.node.counters.count_packed(request)
        return 0

    cdef int count_opened(self, size_t body_size, bytes frame) except -1:
        self.node.counters.count_opened(body_size, frame)
        return 0

    cdef int ask_elsewhere(self, Future future, object error) except -1:
        cdef Command command = future.command
        note_failure(command, self.node, error, future.tried_at, True, 0, future.sent_at)
        command.tries -= 1                  # does not count: another command on the connection held it up
        command.next_replica(True)
        self.attempt(future)
        return 0

    # --- the end ---

    @property
    def is_busy(self) -> bool:
        """Whether any command is in flight on the channel or waits in line, but for those whose callers are not there."""
        return self.waiting.count > 0 or any(
            [(<Pipeline>each).load() and not (<Pipeline>each).set_aside for each in self.pipelines]
        )

    def trim(self) -> bool:
        """Close connections that were idle for too long, but keep the least; or all idle ones if the node has left the cluster.

        Returns:
            Whether the channel still has a connection or a command.
        """
        cdef int64_t now = now_ns()
        cdef Pipeline pipeline
        for each in list(self.pipelines):
            pipeline = <Pipeline>each
            if pipeline.load():
                continue
            if not self.node.active or (
                now - pipeline.idle_since > self.node.limits.idle_timeout and <int>len(self.pipelines) > self.least
            ):
                pipeline.shut("idle")
            elif <int>len(self.pipelines) > self.most:
                pipeline.shut("not needed")
        return bool(self.pipelines or self.connecting or self.waiting.count)

    def close(self, error: AerospikeError | None = None, reason: str = "client closed") -> None:
        """Close all connections. Commands that are in flight or wait in line fail, some in each turn of the loop.

        Args:
            error: the error of the commands; by default, that the client is closed.
            reason: the reason by which the statistics count the connections.
        """
        if error is None:
            error = errors.ConnectionError("the client is closed")
        self.closed = True
        for pipeline in list(self.pipelines):
            (<Pipeline>pipeline).fail(error, reason)
        self.not_opened(error)

    def abandon(self) -> None:
        """Forget the connections of a loop that does not run any more, and the commands on them."""
        self.closed = True
        for pipeline in self.pipelines:
            (<Pipeline>pipeline).abandon()

    def stats(self) -> dict[str, Any]:
        """Return the numbers of the channel's connections and commands."""
        return {
            "open": len(self.pipelines),
            "idle": sum([(<Pipeline>each).load() == 0 for each in self.pipelines]),
            "in_flight": sum([(<Pipeline>each).load() for each in self.pipelines]),
            "waiting": self.waiting.count,
            "opened": self.opened_count,
            "closed": dict(self.closed_by),
        }
