# The line of commands that wait until a connection has room for them. It may be long, so it consists of blocks of 64 commands:
# the search for overdue commands skips blocks in which no command can be overdue yet.

cdef enum:
    BLOCK_SIZE = 64


@cython.final
cdef class WaitingBlock:
    """Up to 64 futures that came after one another."""

    cdef list futures                       # None in the place of a future that was taken
    cdef Py_ssize_t first                   # all places before it are None
    cdef Py_ssize_t left                    # how many places are not None
    cdef int64_t look_at                    # when the first of its commands may be overdue (deadlines.pyx)

    def __cinit__(self) -> None:
        self.futures = []
        self.look_at = FOREVER


@cython.final
cdef class WaitingQueue:
    """The futures of commands that wait for room on the connections of a channel, the oldest first."""

    cdef Fifo blocks                        # WaitingBlock, the oldest first
    cdef WaitingBlock last                  # the block that new futures are put into
    cdef Py_ssize_t count                   # of all futures, those of cancelled tasks included
    cdef Py_ssize_t sweep_at                # the count from which on `push` drops the futures of cancelled tasks

    def __cinit__(self) -> None:
        self.sweep_at = BLOCK_SIZE
        self.blocks = Fifo()

    cdef int push(self, Future future, int64_t look_at) except -1:
        """Puts a future at the end of the line. Its command is not overdue before `look_at`."""
        if self.count >= self.sweep_at:
            self.sweep()
        if self.last is None or len(self.last.futures) >= BLOCK_SIZE:
            self.last = WaitingBlock.__new__(WaitingBlock)
            self.blocks.push(self.last)
        self.last.futures.append(future)
        self.last.left += 1
        self.last.look_at = min(self.last.look_at, look_at)
        self.count += 1
        return 0

    cdef Future pop(self):
        """Takes and returns the oldest future that a task waits for; None if there is none. Drops older ones."""
        cdef WaitingBlock block
        cdef Future future
        while self.blocks.count():
            block = <WaitingBlock>self.blocks.get(0)
            while block.first < <Py_ssize_t>len(block.futures):
                future = self.take(block, block.first)
                block.first += 1
                if future is not None and is_waited_for(future):
                    return future
            self.blocks.take()
        self.last = None
        return None

    cdef Future take(self, WaitingBlock block, Py_ssize_t place):
        """Takes a future out of its block and returns it; None if it was taken before."""
        cdef Future future = <Future>block.futures[place]
        if future is not None:
            block.futures[place] = None
            block.left -= 1
            self.count -= 1
        return future

    cdef list take_all(self):
        """Empties the line, and returns the futures that tasks wait for."""
        cdef list taken = []
        cdef Future future = self.pop()
        while future is not None:
            taken.append(future)
            future = self.pop()
        return taken

    cdef int drop_empty_blocks(self) except -1:
        """Drops the blocks in which no future is left."""
        cdef WaitingBlock block
        cdef list blocks = self.blocks.take_all()
        for each in blocks:
            block = <WaitingBlock>each
            if block.left:
                self.blocks.push(block)
        self.last = None
        return 0

    cdef int sweep(self) except -1:
        """Drops the futures that no task waits for. `push` does so again when the line is twice as long as now."""
        cdef WaitingBlock block
        cdef list kept
        cdef list blocks = self.blocks.take_all()
        self.count = 0
        self.last = None
        for each in blocks:
            block = <WaitingBlock>each
            kept = [future for future in block.futures if future is not None and is_waited_for(<Future>future)]
            if kept:
                block.futures = kept
                block.first = 0
                block.left = len(kept)
                self.count += <Py_ssize_t>len(kept)
                self.blocks.push(block)
        self.sweep_at = max(<Py_ssize_t>BLOCK_SIZE, 2 * self.count)
        return 0

    cdef int look_at_all(self) except -1:
        """Has `deadlines.pyx` look at all commands, because the times at which they are overdue have changed."""
        cdef Py_ssize_t place
        for place in range(self.blocks.count()):
            (<WaitingBlock>self.blocks.get(place)).look_at = 0
        return 0
