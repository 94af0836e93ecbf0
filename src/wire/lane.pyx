# Who gets which pipeline: a Lane has the pipelines to one node in one loop, the line of those who wait for one, and the
# commands whose attempts failed. Opening connections, and what becomes of a failed attempt, are the executor's.

from os import dup2

cdef enum:
    SPREAD = 16                             # commands in flight from which a lane opens another connection
    SLICE = 16                              # failed attempts that are dealt with before the loop goes on
    LARGE_MEMORY = 16                       # answers in a row after which a set's records are small again


@cython.final
cdef class Lane:
    """The pipelines to one node, in one loop.

    `connect(lane)` starts opening a connection, which ends in `opened` or `not_opened`; `failed(command, error)` is
    told of every attempt that failed. A `wide` lane is for what would hold up others: its pipelines carry one command
    at a time. `large` has the sets whose records are that large; the lanes of a loop share it.
    """

    cdef readonly object loop
    cdef readonly Pool pool
    cdef readonly int most, depth, max_waiting
    cdef readonly bint wide
    cdef object connect, failed
    cdef dict large                         # (namespace, set) -> answers until it is no longer large
    cdef list pipelines
    cdef object waiting                     # Commands for which no pipeline has room, first come first
    cdef object doomed                      # (Command, error) of failed attempts that are to be dealt with
    cdef bint ending                        # whether that is planned
    cdef readonly bint connecting
    cdef readonly bint closed
    cdef size_t reclaim                     # a larger receive buffer is given back after its answer
    cdef Py_ssize_t refused                 # since the line was looked through
    cdef size_t opened_count
    cdef dict closed_by                     # reason -> count

    def __cinit__(
        self, loop: object, Pool pool not None, connect: object, failed: object, *, int most, int depth, int max_waiting,
        bint wide=False, dict large=None
    ) -> None:
        self.loop = loop
        self.pool = pool
        self.connect = connect
        self.failed = failed
        self.most = most
        self.depth = depth
        self.max_waiting = max_waiting
        self.wide = wide
        self.large = {} if large is None else large
        self.reclaim = max(pool.reclaim, <size_t>PIPELINE_BUFFER)
        self.pipelines = []
        self.waiting = deque()
        self.doomed = deque()
        self.closed_by = {}

    # --- down ---

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

    cdef int submit(self, Command command) except -1:
        """Sends the command, or lets it wait in line."""
        cdef Pipeline best = None
        if self.closed:
            self.give_up(command, errors.ConnectionError("the client is closed"))
            return 0
        if not self.waiting:
            best = self.least_loaded()
        if best is None or best.load() >= SPREAD:
            self.widen()
        if best is not None:
            best.submit(command)
        elif self.has_place():
            self.waiting.append(command)
        else:
            self.pool.count_refusal()
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

    cdef int admit(self) except -1:
        """Lets commands in that waited for room."""
        cdef Pipeline best
        cdef Command command
        while self.waiting:
            best = self.least_loaded()
            if best is None:
                return 0
            command = <Command>self.waiting.popleft()
            if is_waited_for(command):
                best.submit(command)
        return 0

    cdef int weigh(self, Command command, size_t size) except -1:
        """Remembers whether the records of the command's set are large, so that the next one gets a wide lane."""
        name = command.key.namespace, command.key.set_name
        if size > PIPELINE_BUFFER:
            self.large[name] = LARGE_MEMORY
        elif command.reading <= READ_RESULTS and name in self.large:
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
            self.loop.call_soon(self.connect, self)     # never at once: whoever needs it gets in line first
        return 0

    cdef int widen_for_line(self) except -1:
        """The same if somebody waits."""
        return self.widen() if self.waiting else 0

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
        waiting = self.waiting
        self.waiting = deque()
        for command in waiting:
            self.doom(<Command>command, error)
        self.end_some()

    cdef int drop(self, Pipeline pipeline, str reason) except -1:
        if pipeline in self.pipelines:
            self.pipelines.remove(pipeline)
            self.closed_by[reason] = <size_t>(self.closed_by.get(reason) or 0) + 1
        self.widen_for_line()
        return 0

    cdef int take_back(self, Pipeline pipeline, list commands) except -1:
        """Gives commands to others which a pipeline has not got across; it is broken, and takes no more."""
        pipeline.stalled = True
        for each in commands:
            if is_waited_for(<Command>each):
                self.submit(<Command>each)
        return 0

    # --- failed attempts ---

    cdef int give_up(self, Command command, object error) except -1:
        """Ends an attempt that failed."""
        cdef bint sent = command.sent > command.sent_before
        if not isinstance(error, errors.ServerError):
            self.pool.count_failure(sent and isinstance(error, errors.TimeoutError))
        record_failure(command, self.pool, error, command.tried_at, sent)
        self.failed(command, error)
        return 0

    cdef int doom(self, Command command, object error) except -1:
        """The same for one of many, which may share the error; `end_some` must follow."""
        self.doomed.append((command, error))
        return 0

    cdef int end_some(self) except -1:
        """Ends a slice of the failed attempts now and the others soon, so that many do not hold up the loop."""
        cdef int _i
        if self.ending:
            return 0
        for _i in range(SLICE):
            if not self.doomed:
                return 0
            command, error = self.doomed.popleft()
            if is_waited_for(<Command>command):
                self.give_up(<Command>command, likewise(error))
        self.ending = True
        self.loop.call_soon(self.end_more)
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
        return bool(self.waiting or self.doomed) or any([(<Pipeline>each).load() for each in self.pipelines])

    # --- time ---

    def watch(self) -> float:
        """Fail what is overdue; returns the seconds until this has to be done again, less than 0 for never."""
        cdef int64_t now = now_ns()
        cdef int64_t next_time = self.watch_line(now)
        for each in list(self.pipelines):
            next_time = min(next_time, (<Pipeline>each).watch(now))
        self.widen_for_line()               # those that have stalled let nobody in any more
        self.end_some()
        return -1.0 if next_time == FOREVER else max(0.001, (next_time - now) / <double>SECOND)

    cdef int64_t watch_line(self, int64_t now) except -1:
        """The same for those who wait: until their deadline, or as long as a try may take if there is another way.

        That is when another node has the record too, or when there is no connection yet.
        """
        cdef int64_t next_time = FOREVER
        cdef int64_t due
        cdef Command command
        cdef bint connected = self.alive() > 0
        cdef object error = None
        if not self.waiting:
            return next_time
        line = self.waiting
        self.waiting = deque()
        for item in line:
            command = <Command>item
            if not is_waited_for(command):
                continue
            due = command.deadline
            if not connected or command.may_go_elsewhere():
                due = min(due, after(command.tried_at, command.allowance))
            if due > now:
                self.waiting.append(command)
                next_time = min(next_time, due)
                continue
            if connected:
                self.pool.count_refusal()
            if error is None:
                error = (
                    self.exhausted("none had room in time") if connected
                    else errors.TimeoutError("timed out waiting for a connection")
                )
            self.doom(command, error)
        return max(next_time, now + 1000 * <int64_t>len(self.waiting))     # looking through a long line takes a while

    def trim(self) -> bool:
        """Close connections that have been idle for long; all of them when the node has left. True if any is left."""
        cdef int64_t now = now_ns()
        cdef Pipeline pipeline
        for each in list(self.pipelines):
            pipeline = <Pipeline>each
            if pipeline.load():
                pipeline.watch(now)         # for commands without a deadline, which no timer is set for
            elif self.pool.closed or now - pipeline.idle_since > self.pool.idle_timeout:
                pipeline.shut("idle")
            elif <int>len(self.pipelines) > self.most:
                pipeline.shut("not needed")
        self.widen_for_line()
        self.end_some()
        return bool(self.pipelines or self.connecting or self.waiting or self.doomed)

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
            "waiting": len(self.waiting),
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
