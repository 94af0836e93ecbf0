# The connections to one node. Whoever asks gets an idle one, the last used first; opens one while there is room;
# else waits in line. Shared by all threads: state changes inside critical sections, which cost nothing under the GIL,
# where this code never lets go of it, and are the object's own lock in a free-threaded interpreter.

cdef enum:
    CHECK_AFTER_IDLE = 1_000_000            # ns idle after which a look at a connection costs nothing that counts


cdef enum PoolStep:                         # what a pool has for who asks for a connection
    NOTHING                                 # it is closed
    USE                                     # an idle one
    OPEN                                    # the right to open one
    LOOK                                    # answers that came late, or never: one may have set its connection free
    WAIT                                    # a place in line
    REFUSE                                  # not even that


cdef class Waiter:
    """A place in a pool's line: a lock that is held until a connection, or the right to open one, is handed over."""

    cdef object lock
    cdef Connection connection

    def __cinit__(self) -> None:
        self.lock = Lock()
        self.lock.acquire()


@cython.final
cdef class Pool:
    """The connections to one node, opened by `opener(timeout_ms)` and shared by all threads."""

    cdef readonly str node_name
    cdef readonly Py_ssize_t minimum, maximum, max_waiting
    cdef readonly bint closed
    cdef object opener
    cdef int64_t idle_timeout
    cdef size_t reclaim                     # a larger receive buffer is given back after its answer
    cdef Connection idle                    # the last used; the others hang behind it by `below`
    cdef Py_ssize_t idle_count
    cdef set members                        # all that are open, in use ones too
    cdef Py_ssize_t opening                 # places taken by connections that are being opened
    cdef list waiters                       # Waiter, first come first
    cdef list late                          # connections whose answer came too late, but for those being drained
    cdef Py_ssize_t draining                # how many are late, those being drained too
    cdef int64_t doubted_at                 # what was idle then is looked at before it is used
    cdef size_t opened
    cdef dict closed_by                     # reason -> count
    cdef size_t timeouts, failures, waits, refusals
    cdef int64_t waited

    def __cinit__(
        self, str node_name not None, object opener, *, Py_ssize_t minimum=0, Py_ssize_t maximum=256,
        double idle_timeout=30_000, Py_ssize_t max_waiting=10_000, size_t buffer_reclaim_threshold=65536
    ) -> None:
        self.node_name = node_name
        self.opener = opener
        self.minimum = minimum
        self.maximum = maximum
        self.max_waiting = max_waiting
        self.idle_timeout = to_ns(idle_timeout)
        self.reclaim = max(buffer_reclaim_threshold, <size_t>RECEIVE_SIZE)
        self.members = set()
        self.late = []
        self.waiters = []
        self.closed_by = {}

    # --- taking and giving back ---

    cdef Connection acquire(self, Command command, int64_t now, bint* held_up):
        """A connection for one command; `release`, `discard` or `set_late` must follow.

        `held_up` is set if that took time, so that `now` is past. Opening a connection may only take the allowance of
        the attempt, so that another node can be tried when this one is gone. Whoever waits in line keeps his place
        until the deadline, unless another node has the record too.
        """
        cdef int64_t due = after(now, command.allowance)
        cdef int64_t until
        cdef Connection connection
        cdef Waiter waiter
        cdef PoolStep step
        cdef bint looked = False
        cdef bint waited = False            # who could not open a connection when it was his turn keeps his turn
        cdef object refusal = None          # why no other connection could be opened
        while True:
            waiter = None
            connection = None
            with cython.critical_section(self):
                if self.closed:
                    step = NOTHING
                elif self.idle is not None:
                    step = USE
                    connection = self.idle
                    self.idle = connection.below
                    connection.below = None
                    self.idle_count -= 1
                elif <Py_ssize_t>len(self.members) + self.opening < self.maximum and (refusal is None or not self.members):
                    step = OPEN
                    self.opening += 1
                elif self.late and not looked:
                    step = LOOK
                elif <Py_ssize_t>len(self.waiters) < self.max_waiting:
                    step = WAIT
                    waiter = Waiter()
                    self.waiters.insert(0 if waited else <Py_ssize_t>len(self.waiters), waiter)
                    waited = True
                else:
                    step = REFUSE
                    self.refusals += 1
            if step == NOTHING:
                raise self.gone()
            if step == LOOK:
                looked = True
                self.drain()
                continue
            if step == REFUSE:
                raise self.exhausted(
                    f"and as many commands as max_waiting_per_node allows ({self.max_waiting}) wait for one",
                    "raise ClientPolicy.max_waiting_per_node or max_conns_per_node, or use fewer threads",
                )
            if step == WAIT:
                held_up[0] = True
                until = min(due, command.deadline) if command.may_go_elsewhere() else command.deadline
                connection = self.wait(waiter, until, refusal)
            if connection is None:
                held_up[0] = True
                try:
                    return self.open(min(command.deadline, after(now_ns(), command.allowance)))
                except errors.AerospikeError as error:
                    if not self.members:    # nothing to wait for
                        raise
                    refusal = error
                continue
            if (now - connection.used_at > CHECK_AFTER_IDLE or connection.used_at <= self.doubted_at) and connection.is_dead():
                self.doubt()
                self.discard(connection, "closed by the server")
                continue
            return connection

    cdef inline void doubt(self):
        """A connection broke: have those that are idle looked at before they are used."""
        self.doubted_at = now_ns()

    cdef Connection wait(self, Waiter waiter, int64_t deadline, object refusal):
        """The connection handed to the waiter; None if it was handed the right to open one.

        `refusal` is the error with which it could not open one itself, if it tried.
        """
        cdef int64_t start = now_ns()
        cdef bint served
        cdef bint in_line
        try:
            served = waiter.lock.acquire(
                True, -1 if deadline == FOREVER else max(0.0, (deadline - start) / <double>SECOND)
            )
        except BaseException:               # Ctrl-C: leave the line, and what was handed over to the next
            self.leave(waiter)
            raise
        in_line = not served and self.left_line(waiter)
        with cython.critical_section(self):
            self.waits += 1
            self.waited += now_ns() - start
            self.refusals += in_line
        if in_line:
            if refusal is not None:
                raise refusal
            raise self.exhausted(
                "none came free in time", "raise max_conns_per_node, or the timeout, or use fewer threads"
            )
        if not served:
            waiter.lock.acquire()           # it is being handed over at this moment
        if waiter.connection is None and self.closed:
            raise self.gone()
        return waiter.connection

    cdef bint left_line(self, Waiter waiter) except -1:
        """Takes the waiter out of the line; False if it was served already."""
        cdef Py_ssize_t place
        with cython.critical_section(self):
            for place in range(<Py_ssize_t>len(self.waiters)):
                if self.waiters[place] is waiter:
                    del self.waiters[place]
                    return True
        return False

    cdef void leave(self, Waiter waiter):
        """Leaves the line before being served, or hands on what one was served."""
        if self.left_line(waiter):
            return
        waiter.lock.acquire()
        if waiter.connection is not None:
            self.release(waiter.connection)
        else:
            self.give_up_place(False)

    cdef object gone(self):
        return errors.ConnectionError(f"node {self.node_name} has left the cluster", node=self.node_name)

    cdef object exhausted(self, str why, str advice):
        return errors.NoMoreConnections(
            f"all {self.maximum} connections to node {self.node_name} are in use, {why}",
            node=self.node_name,
            advice=advice,
        )

    cdef Connection open(self, int64_t deadline):
        """A new connection in a place that was counted as `opening`."""
        cdef Connection connection
        cdef bint too_late
        try:
            connection = self.opener(0.0 if deadline == FOREVER else max(1.0, (deadline - now_ns()) / <double>MILLISECOND))
        except BaseException as error:
            self.count_failure(False)
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
            raise self.gone()
        connection.used_at = connection.opened_at = now_ns()
        return connection

    cdef void give_up_place(self, bint refused):
        """Lets the next in line open a connection instead; not if that was refused and there are others to wait for."""
        cdef Waiter waiter = None
        with cython.critical_section(self):
            if self.waiters and not (refused and self.members):
                waiter = <Waiter>self.waiters.pop(0)
            else:
                self.opening -= 1
        if waiter is not None:
            waiter.lock.release()

    cdef inline void release(self, Connection connection):
        """Takes a connection back that is ready for the next command."""
        cdef Waiter waiter = None
        connection.tidy(self.reclaim)
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
        """Closes a connection and lets the next in line open another."""
        cdef Waiter waiter = None
        connection.shut()
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
        """Empties the stack of idle connections; the last used comes first."""
        cdef list taken = []
        cdef Connection connection = self.idle
        while connection is not None:
            taken.append(connection)
            self.idle = connection.below
            connection.below = None
            connection = self.idle
        self.idle_count = 0
        return taken

    cdef void set_late(self, Connection connection, int64_t until):
        """Keeps a connection whose answer has not come in time; `drain` makes it usable again, or closes it."""
        with cython.critical_section(self):
            self.draining += not connection.drain_until
            connection.drain_until = until
            if not self.closed:
                self.late.append(connection)
                return
        self.discard(connection, "client closed")

    cdef void leave_late(self, Connection connection):
        """Its answer has come, or is no longer awaited; the caller has the lock."""
        connection.drain_until = 0
        self.draining -= 1

    cdef void count_failure(self, bint timed_out):
        """For `stats`: an attempt on this node failed."""
        with cython.critical_section(self):
            self.failures += 1
            self.timeouts += timed_out

    cdef void count_refusal(self):
        """For `stats`: a command found no room."""
        with cython.critical_section(self):
            self.refusals += 1

    # --- upkeep, by the tend thread mostly ---

    def drain(self) -> None:
        """Read the answers that came too late, and take their connections back into use."""
        cdef Connection connection
        cdef int outcome
        with cython.critical_section(self):
            waiting = self.late
            self.late = []
        for item in waiting:
            connection = <Connection>item
            connection.x.deadline = connection.x.patience = FOREVER
            with nogil:
                outcome = drive(&connection.x, now_ns(), MSG_DONTWAIT)
            if outcome == DONE:
                connection.used_at = now_ns()
                self.release(connection)
            elif outcome in (TIMED_OUT, INTERRUPTED) and now_ns() < connection.drain_until:
                self.set_late(connection, connection.drain_until)
            else:
                self.discard(connection, "timeout")

    def trim(self) -> None:
        """Close what has been idle for longer than the idle timeout, but keep the minimum."""
        cdef int64_t now = now_ns()
        cdef Connection connection
        cdef list old = []
        cdef Py_ssize_t spare
        with cython.critical_section(self):
            spare = <Py_ssize_t>len(self.members) - self.minimum
            for item in reversed(self.take_idle()):         # the oldest first goes, the last used ends on top
                connection = <Connection>item
                if <Py_ssize_t>len(old) < spare and now - connection.used_at > self.idle_timeout:
                    old.append(connection)
                else:
                    connection.below = self.idle
                    self.idle = connection
                    self.idle_count += 1
        for item in old:
            self.discard(<Connection>item, "idle")

    def fill(self) -> None:
        """Open connections up to the minimum."""
        while True:
            with cython.critical_section(self):
                if self.closed or <Py_ssize_t>len(self.members) + self.opening >= self.minimum:
                    return
                self.opening += 1
            self.release(self.open(FOREVER))

    def close(self) -> None:
        """Close the idle connections now, those in use when they come back; wake whoever waits."""
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
        """How many calls have a connection, open one, or wait for one."""
        with cython.critical_section(self):
            return len(self.members) - self.idle_count - self.draining + self.opening + len(self.waiters)

    def stats(self) -> dict:
        """How many connections there are and were, and how the waits and failures went."""
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
                "refused": self.refusals,
                "timeouts": self.timeouts,
                "failures": self.failures,
            }

    def __repr__(self) -> str:
        return f"<Pool of node {self.node_name}: {len(self.members)} connections, {self.idle_count} idle>"
