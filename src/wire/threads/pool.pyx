# The connections of threads to one node. A thread that needs a connection gets the idle one that was used last. If none is
# idle, the thread opens a new one; if there is no room for that, the thread waits in line. All threads share the pool, and
# change its state inside critical sections: these cost nothing with a GIL, which this code does not release inside them, and
# take the pool's own lock in a free-threaded interpreter.

cdef enum PoolStep:                         # what a thread that asks for a connection has to do
    FAIL                                    # the pool is closed
    USE                                     # take an idle connection
    OPEN                                    # open a connection
    DRAIN                                   # read late answers, which may make a connection idle
    RELIEVE                                 # read answers whose threads are elsewhere, which may do so too
    WAIT                                    # wait in line
    REFUSE                                  # fail, because the line is full


cdef str CLOSED_BY_SERVER = "closed by the server"         # reasons by which the statistics count connections
cdef str NOT_LOGGED_IN = "not authenticated"


cdef enum:
    DRAIN_AT_ONCE = 2_000_000               # ns for one late answer of many frames; the rest is read the next time
    RELIEVE_AFTER = 5_000_000               # ns after which who waits in line reads the answers of threads that are elsewhere


cdef class Keeper:
    """Has connections of pools while its thread may be elsewhere, as a stream's is between two rows.

    Whoever needs a connection reads their answers meanwhile.
    """

    cdef object __weakref__

    cdef int relieve(self) except -1:
        """Reads what has arrived, in any thread, and gives back the connections whose answers are whole; does not wait."""
        return 0


cdef class Waiter:
    """A place in a pool's line: a lock that is released when the waiting thread gets a connection or the right to open one.

    `connection` is None if the thread gets the right to open a connection.
    """

    cdef object lock
    cdef Connection connection
    cdef bint gave_up                       # whether it left the line with nothing, as it had waited long enough

    def __cinit__(self) -> None:
        self.lock = Lock()
        self.lock.acquire()


@cython.final
cdef class Pool:
    """The connections to one node, shared by all threads.

    Args:
        node: the node. The pool keeps its name, limits and counters, but not the node itself.
        opener: is called with a timeout in milliseconds, 0 for none, and returns a new connection.
    """

    cdef readonly bint closed
    cdef str node_name
    cdef NodeLimits limits
    cdef NodeCounters counters
    cdef Breaker breaker                    # of the counters
    cdef object opener
    cdef size_t kept_buffer                 # bytes from which on a receive buffer is freed after its answer
    cdef Connection idle                    # the idle connection that was used last; `below` leads to the others
    cdef Py_ssize_t idle_count
    cdef set members                        # all open connections, idle or in use
    cdef Py_ssize_t opening                 # how many connections are being opened
    cdef list waiters                       # Waiter of each waiting thread, the oldest first
    cdef list late                          # connections that await a late answer; `drain` takes them out while it reads
    cdef Py_ssize_t draining                # how many connections await a late answer, those that `drain` has taken out included
    cdef list keepers                       # weak references to those that may have connections while their threads are elsewhere
    cdef uint64_t forks                     # of the process it belongs to
    cdef int64_t broken_at                  # when a connection was last found broken: those idle since are checked before use
    cdef size_t opened
    cdef dict closed_by                     # reason -> count
    cdef size_t waits
    cdef int64_t waited                     # ns

    def __cinit__(self, Node node not None, object opener) -> None:
        self.node_name = node.name
        self.limits = node.limits
        self.counters = node.counters
        self.breaker = node.counters.breaker
        self.opener = opener
        self.kept_buffer = max(node.limits.buffer_reclaim_threshold, <size_t>RECEIVE_SIZE)
        self.members = set()
        self.late = []
        self.waiters = []
        self.keepers = []
        self.closed_by = {}
        self.forks = forks

    # --- taking and giving back ---

    cdef inline Connection acquire(self, Command command, int64_t now, bint* took_time, int64_t patience=FOREVER):
        """Returns a connection for a command's attempt; the caller gives it back by `release`, `discard` or `set_late`.

        Mostly it is the one that was used last, a moment before. Else see `find`.
        """
        cdef Connection connection = None
        if not self.breaker.refuses():
            with cython.critical_section(self):
                if not self.closed and self.idle is not None and not self.has_rested(self.idle, now):
                    connection = self.take_last()
        return self.find(command, now, took_time, patience) if connection is None else connection

    cdef inline bint has_rested(self, Connection connection, int64_t now) noexcept:
        """Whether a connection was idle for so long, or so critical a time, that the server may have closed it."""
        return now - connection.used_at > CHECK_AFTER_IDLE or connection.used_at <= self.broken_at

    cdef inline Connection take_last(self):
        """Takes out the idle connection that was used last. There has to be one."""
        cdef Connection connection = self.idle
        self.idle = connection.below
        connection.below = None
        self.idle_count -= 1
        return connection

    cdef Connection find(self, Command command, int64_t now, bint* took_time, int64_t patience):
        """Returns a connection for a command's attempt: an idle one, a new one, or one that another thread gives back.

        Opening a connection may take as long as the attempt, or the policy's `connect_timeout`, so that another node can be
        asked when this one is down. Waiting in line may take until the deadline, or as long as the attempt if the command
        may go elsewhere. `took_time` is set if the thread opened a connection or waited, so that the caller reads the clock
        again. Returns None if it would have to wait in line for longer than `patience`.

        Raises:
            MaxErrorRate: the node has failed too often lately.
        """
        cdef int64_t until
        cdef int64_t enough
        cdef int64_t begun
        cdef Connection connection
        cdef Waiter waiter
        cdef PoolStep step
        cdef bint drained = False
        cdef bint relieved = False
        cdef bint waited = False            # whether the thread waited before and could not open a connection: it waits in front
        cdef object refusal = None          # the error with which this thread could not open a connection
        if self.breaker.refuses():
            raise refused_by(self.breaker, self.node_name)
        while True:
            waiter = None
            connection = None
            with cython.critical_section(self):
                if self.closed:
                    step = FAIL
                elif self.idle is not None:
                    step = USE
                    connection = self.take_last()
                elif self.has_place() and (refusal is None or not self.members):
                    step = OPEN
                    self.opening += 1
                elif self.late and not drained:
                    step = DRAIN
                elif self.keepers and not relieved:
                    step = RELIEVE
                elif patience <= 0:
                    return None
                elif self.limits.may_wait(len(self.waiters)):
                    step = WAIT
                    waiter = Waiter()
                    self.waiters.insert(0 if waited else <Py_ssize_t>len(self.waiters), waiter)
                    waited = True
                else:
                    step = REFUSE
            if step == FAIL:
                raise self.node_left()
            if step == DRAIN:
                drained = True
                self.drain()
                continue
            if step == RELIEVE:
                relieved = True
                self.relieve()
                continue
            if step == REFUSE:
                self.counters.count_refusal()
                raise self.exhausted(
                    f"and as many commands as max_waiting_per_node allows ({self.limits.max_waiting}) wait for one",
                    "raise ClientPolicy.max_waiting_per_node or max_conns_per_node, or use fewer threads",
                )
            if step == WAIT:
                took_time[0] = True
                until = command.deadline
                if may_go_elsewhere(command):
                    until = min(until, after(now, command.attempt_timeout))
                enough = after(now_ns(), patience)
                connection = self.wait(waiter, min(until, enough), refusal, enough < until)
                if waiter.gave_up:
                    return None
            if connection is None:
                took_time[0] = True
                begun = now_ns()
                try:
                    return self.open(connected_by(command, begun))
                except errors.AerospikeError as error:
                    if not self.members:    # no other connection is open that could become idle
                        raise
                    refusal = error
                finally:
                    if command.trace is not None:
                        command.trace.connected(now_ns() - begun)
                continue
            if self.has_rested(connection, now) and self.is_dead(connection):
                self.found_broken()
                self.discard(connection, CLOSED_BY_SERVER)
                continue
            return connection

    cdef bint is_dead(self, Connection connection) except -1:
        """Whether a connection that was idle can't be used."""
        try:
            return connection.is_dead()
        except BaseException:               # Ctrl-C
            self.discard(connection, "interrupted")
            raise

    cdef inline bint has_place(self):
        """Whether one more connection may be opened."""
        return <Py_ssize_t>len(self.members) + self.opening < self.limits.max_connections

    cdef inline void found_broken(self):
        """Notes that a connection broke: connections that are idle now are checked before they are used."""
        self.broken_at = now_ns()

    cdef Connection wait(self, Waiter waiter, int64_t deadline, object refusal, bint gives_up):
        """Waits in line and returns the connection that the thread got; None if it got the right to open one.

        `refusal` is the error with which the thread failed to open a connection before; None if it did not try. If the thread
        `gives_up`, it is no failure that the deadline passes.
        """
        cdef int64_t start = now_ns()
        cdef int64_t span
        cdef bint looks
        cdef bint served = False
        cdef bint in_line
        try:
            while True:
                span = FOREVER if deadline == FOREVER else max(0, deadline - now_ns())
                looks = span > RELIEVE_AFTER and len(self.keepers) > 0
                if looks:
                    span = RELIEVE_AFTER
                served = waiter.lock.acquire(True, -1 if span == FOREVER else span / <double>SECOND)
                if served or not looks:
                    break
                self.relieve()
        except BaseException:               # Ctrl-C: leave the line, and pass on what this thread may have got
            self.leave(waiter)
            raise
        in_line = not served and self.left_line(waiter)
        with cython.critical_section(self):
            self.waits += 1
            self.waited += now_ns() - start
        if in_line and gives_up:
            waiter.gave_up = True
            return None
        if in_line:
            self.counters.count_refusal()
            if refusal is not None:
                raise refusal
            raise self.exhausted(
                "none came free in time", "raise max_conns_per_node, or the timeout, or use fewer threads"
            )
        if not served:
            waiter.lock.acquire()           # another thread has taken the waiter out, and releases the lock at this moment
        if waiter.connection is None and self.closed:
            raise self.node_left()
        return waiter.connection

    cdef bint left_line(self, Waiter waiter) except -1:
        """Takes the waiter out of the line; False if another thread has taken it out to give it something."""
        cdef Py_ssize_t place
        with cython.critical_section(self):
            for place in range(<Py_ssize_t>len(self.waiters)):
                if self.waiters[place] is waiter:
                    del self.waiters[place]
                    return True
        return False

    cdef void leave(self, Waiter waiter):
        """Leaves the line. What the waiter got already goes to the next in line."""
        if self.left_line(waiter):
            return
        waiter.lock.acquire()
        if waiter.connection is not None:
            self.release(waiter.connection)
        else:
            self.give_up_place(False)

    cdef object node_left(self):
        return errors.ConnectionError(f"node {self.node_name} has left the cluster", node=self.node_name)

    cdef object exhausted(self, str why, str advice):
        return errors.NoMoreConnections(
            f"all {self.limits.max_connections} connections to node {self.node_name} are in use, {why}",
            node=self.node_name,
            advice=advice,
        )

    cdef Connection open(self, int64_t deadline):
        """Returns a new connection, which the caller has counted as `opening`."""
        cdef Connection connection
        cdef bint too_late
        cdef int64_t begun = now_ns()
        try:
            connection = self.opener(0.0 if deadline == FOREVER else max(1.0, (deadline - begun) / <double>MILLISECOND))
        except BaseException as error:
            self.counters.count_failure(False)
            self.give_up_place(isinstance(error, errors.AerospikeError))
            raise
        with cython.critical_section(self):
            self.opening -= 1
            too_late = self.closed
            if not too_late:
                self.members.add(connection)
                self.opened += 1
        if too_late:
            connection.shut()
            raise self.node_left()
        connection.used_at = connection.opened_at = now_ns()
        self.counters.meter.count_connecting(connection.opened_at - begun)
        connection.counters = self.counters
        return connection

    cdef void give_up_place(self, bint refused):
        """Gives the right to open a connection to the first in line; if nobody waits, the connection counts as `opening` no more.

        If the node `refused` this connection and others are open, the line does not get the right either: it waits for those.
        """
        cdef Waiter waiter = None
        with cython.critical_section(self):
            if self.waiters and not (refused and self.members):
                waiter = <Waiter>self.waiters.pop(0)
            else:
                self.opening -= 1
        if waiter is not None:
            waiter.lock.release()

    cdef inline void release(self, Connection connection):
        """Takes back a connection that is ready for the next command: the first in line gets it, or it becomes idle."""
        cdef Waiter waiter = None
        if self.forks != forks:
            connection.shut()
            return
        connection.tidy(self.kept_buffer)
        with cython.critical_section(self):
            if connection.drain_until:
                self.leave_late(connection)
            if not self.closed:
                if self.waiters:
                    waiter = <Waiter>self.waiters.pop(0)
                    waiter.connection = connection
                else:
                    connection.below = self.idle
                    self.idle = connection
                    self.idle_count += 1
                    return
        if waiter is not None:
            waiter.lock.release()
        else:
            self.discard(connection, "client closed")

    cdef void discard(self, Connection connection, str reason):
        """Closes a connection; the first in line gets the right to open another. `reason` is for the statistics."""
        cdef Waiter waiter = None
        connection.shut()
        if self.forks != forks:             # it is the parent's, and one of its threads may have had its lock when it forked
            return
        with cython.critical_section(self):
            if connection.drain_until:
                self.leave_late(connection)
            self.members.discard(connection)
            self.closed_by[reason] = <size_t>(self.closed_by.get(reason) or 0) + 1
            if self.waiters:
                waiter = <Waiter>self.waiters.pop(0)
                self.opening += 1
        if waiter is not None:
            waiter.lock.release()

    cdef list take_idle(self):
        """Empties the stack of idle connections and returns them; the one that was used last comes first."""
        cdef list taken = []
        cdef Connection connection = self.idle
        while connection is not None:
            taken.append(connection)
            self.idle = connection.below
            connection.below = None
            connection = self.idle
        self.idle_count = 0
        return taken

    cdef void discard_idle(self, str reason):
        """Closes all idle connections."""
        with cython.critical_section(self):
            idle = self.take_idle()
        for connection in idle:
            self.discard(<Connection>connection, reason)

    cdef void set_late(self, Connection connection, int64_t until):
        """Keeps a connection that awaits the answer to a command that timed out, until `drain` makes it idle or closes it."""
        if self.forks != forks:
            connection.shut()
            return
        with cython.critical_section(self):
            self.draining += not connection.drain_until
            connection.drain_until = until
            if not self.closed:
                self.late.append(connection)
                return
        self.discard(connection, "client closed")

    cdef void leave_late(self, Connection connection):
        """Notes that a connection awaits no late answer any more. The caller is in the pool's critical section."""
        connection.drain_until = 0
        self.draining -= 1

    # --- who has connections while their threads are elsewhere ---

    cdef void add_keeper(self, object reference):
        """Lets the answers of a Keeper, to which this is a weak reference, be read when a connection is needed."""
        with cython.critical_section(self):
            self.keepers.append(reference)

    cdef void remove_keeper(self, object reference):
        if self.forks != forks:
            return
        with cython.critical_section(self):
            self.keepers = [each for each in self.keepers if each is not reference]

    def relieve(self) -> None:
        """Read the answers that have come for threads that are elsewhere, and make their connections idle."""
        with cython.critical_section(self):
            keepers = list(self.keepers)
        for reference in keepers:
            keeper = reference()
            if keeper is None:
                self.remove_keeper(reference)
            else:
                (<Keeper>keeper).relieve()

    # --- upkeep, by the tend thread mostly ---

    def drain(self) -> None:
        """Read the late answers that have come, and make their connections idle."""
        cdef Connection connection
        cdef int outcome
        cdef object interruption = None
        with cython.critical_section(self):
            waiting = self.late
            self.late = []
        for item in waiting:
            connection = <Connection>item
            outcome = connection.read_late(after(now_ns(), DRAIN_AT_ONCE))
            if outcome == DONE and not bytes_behind(&connection.x):
                connection.used_at = now_ns()
                self.counters.count_late_answer(True)
                self.release(connection)
            elif outcome in (NOT_READY, INTERRUPTED) and now_ns() < connection.drain_until:
                self.set_late(connection, connection.drain_until)
            else:
                self.counters.count_late_answer(False)
                interruption = interruption or connection.interruption()
                self.discard(connection, "timeout")
        if interruption is not None:
            raise interruption

    def trim(self) -> None:
        """Close connections that have been idle for longer than the idle timeout, but keep the minimum."""
        cdef int64_t now = now_ns()
        cdef Connection connection
        cdef list old = []
        cdef Py_ssize_t spare
        with cython.critical_section(self):
            spare = <Py_ssize_t>len(self.members) - self.limits.min_connections
            for item in reversed(self.take_idle()):         # the connection that was used last ends on top
                connection = <Connection>item
                if <Py_ssize_t>len(old) < spare and now - connection.used_at > self.limits.idle_timeout:
                    old.append(connection)
                else:
                    connection.below = self.idle
                    self.idle = connection
                    self.idle_count += 1
        for item in old:
            self.discard(<Connection>item, "idle")

    def fill(self) -> None:
        """Open connections until there are as many as the minimum."""
        while True:
            with cython.critical_section(self):
                if self.closed or <Py_ssize_t>len(self.members) + self.opening >= self.limits.min_connections:
                    return
                self.opening += 1
            self.release(self.open(FOREVER))

    def close(self) -> None:
        """Close the idle connections now and those in use when they are given back; wake the threads that wait."""
        with cython.critical_section(self):
            self.closed = True
            idle = self.take_idle() + self.late
            self.late = []
            waiters = self.waiters
            self.waiters = []
        for connection in idle:
            self.discard(<Connection>connection, "client closed")
        for waiter in waiters:
            (<Waiter>waiter).lock.release()

    @property
    def busy(self) -> int:
        """How many calls use a connection, open one, or wait for one."""
        with cython.critical_section(self):
            return len(self.members) - self.idle_count - self.draining + self.opening + len(self.waiters)

    def stats(self) -> dict[str, Any]:
        """Return the numbers of the pool's connections, and of the waits and failures so far."""
        with cython.critical_section(self):
            return {
                "open": len(self.members),
                "in_flight": len(self.members) - self.idle_count - self.draining,
                "idle": self.idle_count,
                "draining": self.draining,
                "waiting": len(self.waiters),
                "opened": self.opened,
                "closed": dict(self.closed_by),
                "waits": self.waits,
                "wait_ms": self.waited / <double>MILLISECOND,
                "refused": self.counters.refusals,
                "timeouts": self.counters.timeouts,
                "failures": self.counters.failures,
            }

    def __repr__(self) -> str:
        return f"<Pool of node {self.node_name}: {len(self.members)} connections, {self.idle_count} idle>"
