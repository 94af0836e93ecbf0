# The way of a command to its answer in asyncio: which loop runs it, which lane it takes there, and the one timer of a
# loop that sees to deadlines.

cdef inline int lane_kind(bint wide, bint writes) noexcept:
    """The place of lanes of a kind among those of all kinds."""
    return 2 * wide + writes


cdef class Lanes:
    """All lanes of one client in one loop: a node has one for reads and one for writes, which a replica that does not
    answer may hold up, and as many again for what is large and would hold up the others."""

    cdef readonly object loop
    cdef readonly bint refusing             # no command begins any more
    cdef readonly bint closed               # nor does an attempt
    cdef Routing routing                    # the cluster's
    cdef tuple lanes                        # dicts of Node -> Lane, by `lane_kind`
    cdef readonly dict large                # (namespace, set) of large records: see Lane
    cdef Waker waker
    cdef int64_t watch_at                   # when the timer goes off; FOREVER without one

    def __cinit__(self, loop: object, cluster: object, *args: object, **kwargs: object) -> None:
        self.loop = loop
        self.routing = cluster.routing
        self.waker = Waker(loop)
        self.lanes = ({}, {}, {}, {})
        self.large = {}
        self.watch_at = FOREVER

    def new_lane(self, node: Node, wide: bool, writes: bool) -> Lane:
        """Make a lane to a node; the executor does."""
        raise AssertionError("an executor makes its own lanes")

    def watch_in(self, seconds: float) -> None:
        """Set the one timer of this loop; the executor does."""
        raise AssertionError("an executor has its own timer")

    def failed(self, command: Command, error: object) -> None:
        """An attempt failed; the executor decides what comes of it."""
        raise AssertionError("an executor decides")

    def refuse(self) -> None:
        """Let no command begin any more; those under way go on."""
        self.refusing = True

    def stop(self) -> None:
        """Close, and let go of the cluster's map: no node is known any more."""
        self.refusing = self.closed = True
        self.routing = Routing()

    def all_lanes(self) -> list:
        """The lanes there are."""
        return [lane for lanes in self.lanes for lane in (<dict>lanes).values()]

    def forget(self, Lane lane not None) -> None:
        """Let go of a lane."""
        cdef dict lanes = <dict>self.lanes[lane_kind(lane.wide, lane.writes)]
        if lanes.get(lane.node) is lane:    # not another one that took its place
            del lanes[lane.node]

    cdef int plan(self, Command command, int64_t now) except -1:
        """Sees to it that somebody looks when the command is due."""
        cdef int64_t due = min(command.deadline, after(now, held_up_after(command.attempt_timeout)))
        if due < self.watch_at:
            self.watch_at = due
            self.watch_in((due - now) / <double>SECOND)
        return 0

    def watched(self) -> None:
        """Look after all lanes; for the timer."""
        cdef double soonest = -1
        cdef double span
        self.watch_at = FOREVER
        self.waker.heed_debug()
        for lane in self.all_lanes():
            span = lane.watch()
            if span >= 0 and (soonest < 0 or span < soonest):
                soonest = span
        if soonest >= 0:
            self.watch_at = after(now_ns(), <int64_t>(soonest * 1e9))
            self.watch_in(soonest)

    cdef bint holds_up(self, Command command) except -1:
        """Whether the command would hold up those behind it: its request is large, or its answer probably is."""
        if command.out.size > PIPELINE_BUFFER:
            return True
        if not self.large or command.key is None or not command.reader.reads_bins:
            return False
        return (command.key.namespace, command.key.set_name) in self.large

    def start(self, Command command not None) -> object:
        """Begin the first attempt and return the promise of what the command gives."""
        command.promise = Promise.__new__(Promise, self.waker)
        self.attempt(command)
        return command.promise

    def attempt(self, Command command not None) -> None:
        """Begin an attempt; how it ends is told to the command's promise, or to the executor."""
        cdef Node node
        cdef int64_t now
        cdef bint wide
        cdef dict lanes
        heed_fork()
        now = command.begin_attempt()
        command.tried_at = now
        command.sent_before = command.sent
        try:
            node = self.routing.current().route(command.namespace, &command.target)
            if node is None:
                raise no_owner(command)
        except errors.AerospikeError as error:
            command.note_failure(None, error, now, False)
            self.failed(command, error)
            return
        wide = self.holds_up(command)
        lanes = <dict>self.lanes[lane_kind(wide, command.write)]
        lane = lanes.get(node)
        if lane is None or (<Lane>lane).closed:     # closed: of connections that were lost in a fork
            lane = lanes[node] = self.new_lane(node, wide, command.write)
        self.plan(command, now)
        (<Lane>lane).submit(command)


cdef class Loops(Executor):
    """Runs commands in the loop that calls, on this client's lanes there; gives promises."""

    cdef readonly dict executors            # loop -> Lanes
    cdef object running_loop

    def __cinit__(self, *args: object) -> None:
        from asyncio import get_running_loop    # here, as a program without tasks need not wait for asyncio

        self.executors = {}
        self.running_loop = get_running_loop

    cdef object run(self, Command command):
        heed_fork()
        loop = self.running_loop()
        lanes = self.executors.get(loop)
        if lanes is None or (<Lanes>lanes).refusing:
            lanes = self.enter(loop, command)
        return (<Lanes>lanes).start(command)

    def enter(self, loop: object, command: Command) -> Lanes:
        """The lanes in a loop that comes for the first time."""
        raise AssertionError("the client makes them")
