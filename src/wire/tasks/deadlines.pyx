# Times commands out in asyncio. Each loop has one timer, which goes off when the earliest command may be overdue, and looks at
# the commands of all channels and connections. Not here: the share of a deadline that an attempt gets (`timeout_of_attempt` in
# attempt_limits.pyx), and what becomes of a command that timed out (failures.pyx, and the executor's rules for retries).
#
# A read that timed out fails alone: its place in the connection's queue becomes None, and its late answer is skipped. A write
# that timed out may still be unread in the server's socket, and be applied after a newer write. So its connection is reset, by
# which the server drops the requests that it has not read; unless the policy's `timeout_delay` asks to await the late answer.


cdef enum:
    READS_GRANTED = 16                      # reads that a connection with overdue commands gets before they fail
    SILENCE = 100_000_000                   # ns: a connection that is silent for longer gets no more commands
    LEAST_SILENCE = 10_000_000              # ns: the shortest such silence, for attempts with short timeouts
    MANY_FAILURES = 1024                    # failed attempts to be dealt with before a search of the line goes on

cdef int64_t LATE_ANSWERS = 30_000_000_000  # ns that the answer to a cancelled command is awaited at most
cdef double LONG_TIMER = 5.0                # seconds from which on a timer is set a little earlier


cdef inline int64_t silence_allowed(int64_t attempt_timeout) noexcept:
    """Returns how many ns a connection may be silent before it gets no more commands.

    That is half the timeout of an attempt, but from `LEAST_SILENCE` to `SILENCE`, and no longer than the timeout itself.
    """
    return min(attempt_timeout, max(<int64_t>LEAST_SILENCE, min(<int64_t>SILENCE, attempt_timeout // 2)))


cdef inline int64_t late_span(Command command) noexcept:
    """Returns how many ns a connection without other commands stays open for the late answer to a command."""
    cdef double delay = command.settings.timeout_delay
    return to_ns(delay) if delay > 0 else 0


cdef inline bint may_be_late(Command command) noexcept:
    """Whether a connection may stay open after the command timed out: it may run late, and its answer can be skipped."""
    return command.settings.timeout_delay > 0 or not (command.write or command.reader.has_many_frames)


# --- one connection ---

cdef bint may_have_come(Pipeline pipeline) noexcept:
    """Whether there are bytes that the loop has not read yet: the answer that seems overdue may be among them.

    A server that never stops sending can't delay the timeouts by this, as it counts for `READS_GRANTED` reads only.
    """
    cdef pollfd one
    one.fd = pipeline.fd
    one.events = POLLIN
    one.revents = 0
    if pipeline.judged_reads < 0:
        pipeline.judged_reads = pipeline.reads
    if pipeline.fd < 0 or pipeline.reads - pipeline.judged_reads >= READS_GRANTED:
        return False
    return pipeline.held or poll(&one, 1, 0) > 0


cdef int64_t watch_pipeline(Pipeline pipeline, int64_t now) except -1:
    """Fails the overdue commands of a connection; returns when to look again.

    A connection that is silent for longer than `silence_allowed` gets no more commands until an answer comes. Reads behind
    its oldest command are asked elsewhere, if their policies leave them a try.

    If the policy of the oldest command has a `socket_timeout` and the command exceeds it before its deadline, the
    connection is closed. While the next answer is one that no task waits for, only a whole answer restarts the wait of the
    commands behind it; parts of it do not. A connection of which no command is waited for is closed when the late answers
    are overdue too.
    """
    cdef Future future
    cdef Command command
    cdef int64_t next_time = FOREVER
    cdef int64_t unused_at = pipeline.kept_until
    cdef int64_t alive_at = pipeline.moved_at if is_head_awaited(pipeline) else pipeline.answered_at
    cdef int64_t shortest = FOREVER         # the shortest timeout of the current attempts
    cdef int64_t due
    cdef int64_t stalled_at = FOREVER       # when the connection stalls: it gets no more commands then
    cdef int64_t move_at                    # when the command is asked elsewhere
    cdef bint awaited = False
    cdef bint unsafe = False                # whether a write that is overdue may be applied later
    cdef list late = []
    cdef list held_up = []
    cdef Py_ssize_t place
    cdef Py_ssize_t count = pipeline.queue.count()
    if pipeline.set_aside:                  # it is not the server that is waited for
        return FOREVER
    for place in range(count):
        future = <Future>pipeline.queue.get(place)
        if future is None:
            continue
        command = future.command
        shortest = min(shortest, command.attempt_timeout)
        move_at = FOREVER if place == 0 else when_moved(pipeline, command, alive_at)
        due = min(command.deadline, after(max(alive_at, future.tried_at), command.attempt_timeout))
        if is_waited_for(future):
            if due <= now:
                late.append(place)
                unsafe = unsafe or not may_be_late(command)
            elif move_at <= now:
                held_up.append(place)
            else:
                awaited = True
                next_time = min(next_time, min(due, move_at))
        else:
            due = min(due, after(max(alive_at, future.tried_at), LATE_ANSWERS))
            unused_at = max(unused_at, after(due, late_span(command)))
            if not may_be_late(command):
                unsafe = unsafe or due <= now
                next_time = min(next_time, due) if due > now else next_time
    if count and not pipeline.stalled:
        stalled_at = after(alive_at, shortest if pipeline.channel.bulk else silence_allowed(shortest))
    if not late and not held_up and not unsafe and stalled_at > now and (awaited or not count or unused_at > now):
        pipeline.judged_reads = -1
    elif may_have_come(pipeline):
        return now + MILLISECOND
    for item in late:
        place = item
        future = <Future>pipeline.queue.get(place)
        command = future.command
        error = too_late(pipeline, place)
        if late_span(command):              # then it is counted when its answer does not come by then
            pipeline.kept_until = max(pipeline.kept_until, after(now, late_span(command)))
        else:
            pipeline.channel.count_error()
        if place == 0 and command.settings.socket_timeout > 0 and command.deadline > now:
            pipeline.fail(error)
            return FOREVER
        pipeline.queue.put(place, None)
        pipeline.channel.fail_later(future, error)
    if unsafe:
        pipeline.fail(errors.TimeoutError("the connection was reset, as another write on it had timed out"))
        return FOREVER
    for item in held_up:
        place = item
        future = <Future>pipeline.queue.get(place)
        pipeline.channel.move_later(future, errors.TimeoutError("held up by another command on its connection"))
        pipeline.queue.put(place, None)
    if stalled_at <= now:
        pipeline.stall()
    else:
        next_time = min(next_time, stalled_at)
    next_time = min(next_time, watch_unsent(pipeline, now))
    if not awaited and count:
        unused_at = max(unused_at, pipeline.kept_until)
        if unused_at <= now:
            if pipeline.kept_until:
                pipeline.channel.count_late_answer(False)
            pipeline.fail(errors.TimeoutError("timed out waiting for the answer"))
            return FOREVER
        next_time = min(next_time, unused_at)
    return next_time


cdef int64_t when_moved(Pipeline pipeline, Command command, int64_t alive_at) noexcept:
    """Returns when a read behind the oldest command is asked elsewhere, before its attempt times out; FOREVER if it can't be."""
    if not may_be_late(command) or command.write or pipeline.channel.bulk or command.tries > command.settings.max_retries:
        return FOREVER
    return after(alive_at, silence_allowed(command.attempt_timeout))


cdef int64_t watch_unsent(Pipeline pipeline, int64_t now) except -1:
    """Fails the overdue commands that were not written, because the server reads slowly. Returns when to look again."""
    cdef Future future
    cdef int64_t next_time = FOREVER
    cdef int64_t due
    cdef list staying = []
    for item in pipeline.pending:
        future = <Future>item
        due = min(future.command.deadline, after(max(pipeline.moved_at, future.tried_at), future.command.attempt_timeout))
        if due <= now:
            pipeline.channel.fail_later(future, errors.TimeoutError("timed out before it could be sent"))
        else:
            staying.append(future)
            next_time = min(next_time, due)
    pipeline.pending = staying
    return next_time


cdef bint is_head_awaited(Pipeline pipeline):
    """Whether a task waits for the next answer."""
    cdef Future head
    if pipeline.queue.count() == 0:
        return False
    head = <Future>pipeline.queue.get(0)
    return head is not None and is_waited_for(head)


cdef object too_late(Pipeline pipeline, Py_ssize_t place):
    """Returns the error of the overdue command at a place in the connection's queue."""
    if place == 0 and pipeline.have:
        return errors.TimeoutError(
            f"timed out in the middle of the answer ({pipeline.have} of {pipeline.wanted or 'unknown'} bytes)"
        )
    return errors.TimeoutError("timed out waiting for the answer")


# --- one channel ---

cdef int64_t watch_channel(Channel channel, int64_t now) except -1:
    """Fails the overdue commands of a channel; returns when to look again."""
    cdef int64_t next_time = FOREVER
    for each in list(channel.pipelines):
        next_time = min(next_time, watch_pipeline(<Pipeline>each, now))
    next_time = min(next_time, watch_line(channel, now))
    channel.admit()                         # into the places of overdue commands that were not written
    channel.grow_for_line()                 # because stalled connections take no more commands
    channel.failures.drain()
    return next_time


cdef int64_t watch_line(Channel channel, int64_t now) except -1:
    """Fails the overdue commands of a channel's line; returns when to look again.

    A command waits in line until its deadline. If no connection takes commands, because none is open yet or all have
    stalled, it waits only for its attempt's share of the deadline, so that another node may be asked.
    """
    cdef WaitingBlock block
    cdef Future future
    cdef Command command
    cdef int64_t next_time = FOREVER
    cdef int64_t due
    cdef Py_ssize_t at, place
    cdef bint emptied = False
    cdef bint connected = channel.alive() > 0
    cdef object error = None
    if channel.waiting.count == 0:
        return next_time
    if connected != channel.was_connected:
        channel.was_connected = connected
        channel.waiting.look_at_all()
    for at in range(channel.waiting.blocks.count()):
        block = <WaitingBlock>channel.waiting.blocks.get(at)
        if block.look_at <= now:
            if channel.failures.entries.count() > MANY_FAILURES:
                next_time = now
                break
            block.look_at = FOREVER
            for place in range(block.first, <Py_ssize_t>len(block.futures)):
                future = <Future>block.futures[place]
                if future is None:
                    continue
                if is_waited_for(future):
                    command = future.command
                    due = command.deadline
                    if not connected:
                        due = min(due, connected_by(command, max(future.tried_at, channel.connecting_since)))
                    if due > now:
                        block.look_at = min(block.look_at, due)
                        continue
                    if error is None:
                        error = channel.never_sent(connected)
                    channel.node.counters.count_refusal()
                    channel.fail_later(future, error)
                channel.waiting.take(block, place)
            emptied = emptied or block.left == 0
        next_time = min(next_time, block.look_at)
    if emptied:
        channel.waiting.drop_empty_blocks()
    return next_time


# --- one loop ---

cdef class Deadlines:
    """The timer of one loop, which fails the overdue commands of all channels.

    Args:
        loop: the loop.
    """

    cdef object __weakref__
    cdef readonly object loop
    cdef WakeupQueue wakeups
    cdef object timer                       # the handle of the loop's timer; None while none is set
    cdef int64_t watch_at                   # when the timer goes off; FOREVER while none is set

    def __cinit__(self, loop: asyncio.AbstractEventLoop, *args: Any, **kwargs: Any) -> None:
        self.loop = loop
        self.wakeups = WakeupQueue(loop)
        self.watch_at = FOREVER

    def all_channels(self) -> list[Channel]:
        """Return all channels of the loop; a subclass has them."""
        return []

    cdef inline int plan(self, Command command, int64_t now) except -1:
        """Sets the timer, unless it goes off early enough for the attempt that begins now."""
        cdef int64_t due = min(command.deadline, after(now, silence_allowed(command.attempt_timeout)))
        if due < self.watch_at:
            self.watch_at = due
            self.watch_in((due - now) / <double>SECOND)
        return 0

    def watch_in(self, seconds: float) -> None:
        """Set the timer: look for overdue commands once, after so many seconds.

        Linux may wake a loop from a long wait late, by a thousandth of the wait. So a timer for more than `LONG_TIMER` goes
        off earlier, and is set again for the rest.
        """
        self.stop_timer()
        if seconds > LONG_TIMER:
            seconds *= 0.95
        self.timer = self.loop.call_later(max(seconds, 0.0), watch_if_alive, ref(self))

    def look_in(self, seconds: float) -> None:
        """Look for overdue commands after so many seconds, unless that is done earlier anyway."""
        cdef int64_t at = after(now_ns(), to_ns(seconds * 1000))
        if at < self.watch_at:
            self.watch_at = at
            self.watch_in(seconds)

    def stop_timer(self) -> None:
        """Stop the timer."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None

    def watched(self) -> None:
        """Look for overdue commands now, and set the timer for the next time."""
        cdef int64_t now = now_ns()
        cdef int64_t next_time = FOREVER
        self.watch_at = FOREVER
        self.wakeups.heed_debug()
        for channel in self.all_channels():
            next_time = min(next_time, watch_channel(<Channel>channel, now))
        if next_time != FOREVER:
            self.watch_at = max(next_time, now + MILLISECOND)
            self.watch_in((self.watch_at - now) / <double>SECOND)


def watch_if_alive(reference: ref[Deadlines]) -> None:
    """Is called by the timer, which does not keep the client alive."""
    deadlines = reference()
    if deadlines is not None:
        deadlines.watched()
