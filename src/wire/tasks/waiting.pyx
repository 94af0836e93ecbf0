# Commands that wait until a pipeline has room, first come first, however many they are. They lie in blocks, so that
# looking for those that are due, or nobody waits for any more, passes over the others 64 at a time.

cdef enum:
    BLOCK_SIZE = 64


@cython.final
cdef class WaitingBlock:
    """Some commands that came after one another."""

    cdef list commands                      # None: it has left
    cdef Py_ssize_t first                   # those before it have left
    cdef Py_ssize_t left                    # how many there are
    cdef int64_t look_at                    # `watch_waiting` of the lane looks at them then

    def __cinit__(self) -> None:
        self.commands = []
        self.look_at = FOREVER


@cython.final
cdef class WaitingQueue:
    """Commands in line for room on the pipelines of a lane."""

    cdef object blocks                      # WaitingBlock, the oldest first
    cdef WaitingBlock last                  # the one that commands are put into
    cdef Py_ssize_t count                   # of commands; some may be done, because their tasks were cancelled
    cdef Py_ssize_t sweep_at                # the count from which those are looked for

    def __cinit__(self) -> None:
        self.sweep_at = BLOCK_SIZE
        self.keep([])

    cdef int push(self, Command command, int64_t look_at) except -1:
        """Puts a command at the end, to be looked at by that time."""
        if self.count >= self.sweep_at:
            self.sweep()
        if self.last is None or len(self.last.commands) >= BLOCK_SIZE:
            self.last = WaitingBlock.__new__(WaitingBlock)
            self.blocks.append(self.last)
        self.last.commands.append(command)
        self.last.left += 1
        self.last.look_at = min(self.last.look_at, look_at)
        self.count += 1
        return 0

    cdef Command pop(self):
        """Takes the first command that somebody waits for; None if there is none."""
        cdef WaitingBlock block
        cdef Command command
        while self.blocks:
            block = <WaitingBlock>self.blocks[0]
            while block.first < <Py_ssize_t>len(block.commands):
                command = self.take(block, block.first)
                block.first += 1
                if command is not None and is_waited_for(command):
                    return command
            self.blocks.popleft()
        self.last = None
        return None

    cdef Command take(self, WaitingBlock block, Py_ssize_t place):
        """Takes a command out of its block; None if it has left."""
        cdef Command command = <Command>block.commands[place]
        if command is not None:
            block.commands[place] = None
            block.left -= 1
            self.count -= 1
        return command

    cdef list take_all(self):
        """Empties it: the commands that somebody waits for."""
        cdef list taken = []
        cdef Command command = self.pop()
        while command is not None:
            taken.append(command)
            command = self.pop()
        return taken

    cdef int keep(self, list blocks) except -1:
        self.blocks = deque(blocks)
        self.last = None
        return 0

    cdef int forget_empty(self) except -1:
        """Lets go of the blocks that all commands have left."""
        return self.keep([each for each in self.blocks if (<WaitingBlock>each).left])

    cdef int sweep(self) except -1:
        """Lets go of the commands that nobody waits for; the next time when there are twice as many as now."""
        cdef WaitingBlock block
        cdef list kept
        cdef list blocks = []
        self.count = 0
        for each in self.blocks:
            block = <WaitingBlock>each
            kept = [command for command in block.commands if command is not None and is_waited_for(<Command>command)]
            if kept:
                block.commands = kept
                block.first = 0
                block.left = len(kept)
                self.count += <Py_ssize_t>len(kept)
                blocks.append(block)
        self.keep(blocks)
        self.sweep_at = max(<Py_ssize_t>BLOCK_SIZE, 2 * self.count)
        return 0

    cdef int look_at_all(self) except -1:
        """Has all commands looked at, because something has changed for them."""
        for each in self.blocks:
            (<WaitingBlock>each).look_at = 0
        return 0
