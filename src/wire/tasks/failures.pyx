# Attempts that have failed and are yet to be dealt with. To decide whether a command is tried again takes a while, and a lost
# connection fails hundreds of commands at once. So each turn of the loop deals with a few of them.

cdef enum:
    FAILURES_AT_ONCE = 16                   # failed attempts that one turn of a loop deals with


cpdef enum:                                 # the kinds of channels
    FOR_READS = 0
    FOR_WRITES = 1
    FOR_LARGE_READS = 2                     # requests and answers that would hold up others
    FOR_LARGE_WRITES = 3
    FOR_BATCHES = 4                         # of reads and writes
    FOR_QUERIES = 5


cdef class ChannelBase:
    """The part of a channel that connections and failed attempts use; its subclass `Channel` is in a later part."""

    cdef readonly object loop
    cdef readonly int depth                 # commands that each connection may have in flight
    cdef readonly int kind                  # `FOR_READS` and so on
    cdef readonly bint bulk                 # whether each connection carries one command at a time
    cdef readonly bint closed
    cdef size_t reclaim                     # bytes from which on a receive buffer is freed after its answer
    cdef FailureQueue failures              # of the loop
    cdef Meter meter                        # of the node
    cdef str node_name
    cdef readonly bint connecting           # whether the loop opens a connection
    cdef int64_t connecting_since           # when it began to
    cdef int64_t connecting_until           # when it was open, or could not be opened; the one before while it is being opened
    cdef Slicer slicer                      # of the loop

    cdef int trace_connecting(self, Trace trace, int64_t began, int64_t until, bint sent) except -1:
        """Writes down, for who watches a call, how long a connection was being opened while an attempt waited.

        It waited until it was `sent`, or until now.
        """
        cdef int64_t end = self.connecting_until
        if self.connecting:
            end = 0 if sent else until      # it was sent on another one
        elif end > until:
            end = 0
        if max(began, self.connecting_since) < end:
            trace.connected(end - max(began, self.connecting_since))
        return 0

    cdef int submit(self, Future future) except -1:
        """Gives a command to a connection, or lets it wait in line."""
        raise NotImplementedError

    cdef int admit(self) except -1:
        """Sends commands that wait in line as far as there is room."""
        raise NotImplementedError

    cdef bint is_crowded(self) except -1:
        """Whether commands wait in line for the connections there are, as no more may be opened."""
        raise NotImplementedError

    cdef int note_size(self, Command command, size_t size) except -1:
        """Remembers how large an answer was."""
        raise NotImplementedError

    cdef int count_error(self) except -1:
        """Counts an error that the node is to blame for."""
        raise NotImplementedError

    cdef int count_late_answer(self, bint came) except -1:
        """Counts a late answer that was skipped, or a connection that was closed because it did not come."""
        raise NotImplementedError

    cdef int count_packed(self, Buffer* request) except -1:
        """Counts a compressed request that is sent."""
        raise NotImplementedError

    cdef int count_opened(self, size_t body_size, bytes frame) except -1:
        """Counts a compressed answer, by the size of its frame's body and the frame that was in it."""
        raise NotImplementedError

    cdef int drop(self, object pipeline, str reason) except -1:
        """Removes a connection that has ended."""
        raise NotImplementedError

    cdef int give_up(self, Future future, object error) except -1:
        """Ends an attempt that failed: the executor decides what follows."""
        raise NotImplementedError

    cdef int ask_elsewhere(self, Future future, object error) except -1:
        """Begins another attempt on another node, which takes none of the tries that the policy allows."""
        raise NotImplementedError

    cdef int fail_later(self, Future future, object error) except -1:
        """Has `FailureQueue.drain`, which the caller calls later, end an attempt. Several attempts may share the error."""
        self.failures.entries.push((self, future, error, False))
        return 0

    cdef int move_later(self, Future future, object error) except -1:
        """Has `FailureQueue.drain`, which the caller calls later, ask another node for a read."""
        self.failures.entries.push((self, future, error, True))
        return 0


@cython.final
cdef class FailureQueue:
    """The failed attempts of one loop that are yet to be dealt with, the oldest first."""

    cdef object loop
    cdef Fifo entries                       # (ChannelBase, Future, error, whether another node is asked instead)
    cdef bint drained                       # whether `drain` has run in this turn of the loop

    def __cinit__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.entries = Fifo()

    cdef int drain(self) except -1:
        """Deals with some failed attempts, once in a turn of the loop; the next turns deal with the others."""
        cdef int _i
        if self.drained or self.entries.count() == 0:
            return 0
        self.drained = True
        self.loop.call_soon(self.drain_more)
        for _i in range(FAILURES_AT_ONCE):
            if self.entries.count() == 0:
                break
            channel, future, error, moved = self.entries.take()
            if not is_waited_for(<Future>future):
                continue
            if moved:
                (<ChannelBase>channel).ask_elsewhere(<Future>future, error)
            else:
                (<ChannelBase>channel).give_up(<Future>future, likewise(error))
        return 0

    def drain_more(self) -> None:
        """Deal with more failed attempts, in the next turn of the loop."""
        self.drained = False
        self.drain()
