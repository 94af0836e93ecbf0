# A command on its way: the bytes of its request, the reader of its answer, the partition it is for, and how its attempts went
# so far. The commands on one record are made in `record_commands.pyx`; executors run them. A command does no I/O itself.

cdef enum:
    COMMAND_STORAGE = 256                   # bytes of request that need no memory of their own


@cython.final
@cython.freelist(16)
cdef class Command:
    """A request and what becomes of its answer; each attempt sends the same bytes."""

    cdef Buffer out
    cdef unsigned char storage[COMMAND_STORAGE]
    cdef Reader reader
    cdef object given                       # what the caller gave with the command for its reader
    cdef readonly Key key                   # the record it is about; None where there is no single one
    cdef readonly str namespace
    cdef Target target
    cdef readonly Settings settings
    cdef readonly double total_timeout      # ms, 0 = none
    cdef readonly bint write
    cdef readonly str name                  # of the client's method that made it, such as "get"; None elsewhere
    # the attempts so far
    cdef int64_t started                    # when the first began; 0 before
    cdef int64_t deadline
    cdef int64_t attempt_timeout            # ns that this attempt may wait without progress
    cdef readonly int tries
    cdef readonly int sent                  # attempts whose request may have reached a server
    cdef readonly list history              # errors.Attempt of each failed one; None before the first

    def __cinit__(self) -> None:
        buffer_init(&self.out, self.storage, COMMAND_STORAGE)

    def __dealloc__(self) -> None:
        buffer_free(&self.out)

    @property
    def request(self) -> bytes:
        """The request's bytes as they are sent."""
        return PyBytes_FromStringAndSize(<const char*>self.out.data, <Py_ssize_t>self.out.size)

    @property
    def operations(self) -> tuple[Operation, ...] | None:
        """The operations of an `operate`; None for other commands."""
        return self.given if self.reader is RESULTS_READER else None

    @property
    def tries_left(self) -> int:
        """How many more attempts the policy allows."""
        return max(0, self.settings.max_retries + 1 - self.tries)

    @property
    def remaining(self) -> float | None:
        """Milliseconds until the deadline, less than 0 when it has passed; None without one."""
        if self.started == 0 or self.deadline == FOREVER:
            return self.total_timeout or None
        return (self.deadline - now_ns()) / <double>MILLISECOND

    def next_replica(self) -> None:
        """Lets the next attempt begin at the replica after the one that was asked."""
        self.target.replica += 1

    cdef inline int64_t begin_attempt(self) except -1:
        """Counts an attempt, and sets how long it may wait; the first one sets the deadline. Returns the time."""
        cdef int64_t now = now_ns()
        if self.started == 0:
            self.started = now
            self.deadline = after(now, to_ns(self.total_timeout))
        elif self.reader.has_many_frames:
            self.reader.restart()
        self.tries += 1
        self.attempt_timeout = self.timeout_of_attempt(now)
        return now

    cdef inline int64_t timeout_of_attempt(self, int64_t now) noexcept:
        """How long the attempt that begins now may wait without progress.

        By default that is its share of the time until the deadline: each attempt that is left has the same, so that a slow
        node leaves time to ask another.
        """
        cdef double limit = self.settings.socket_timeout
        cdef int attempts
        if limit > 0:
            return <int64_t>(limit * 1e6)
        if self.deadline == FOREVER:
            return 30 * SECOND if limit < 0 else FOREVER
        if limit == 0:
            return self.deadline - now
        attempts = self.settings.max_retries + 2 - self.tries   # with this one, which is among `tries` already
        return (self.deadline - now) // (attempts if attempts > 1 else 1)

    cdef inline bint may_go_elsewhere(self) noexcept:
        """Whether another node could be asked instead of waiting for room on this one. A write's master has no other."""
        return self.target.has_other_node and not self.write and self.tries <= self.settings.max_retries

    cdef int note_failure(self, Node node, object error, int64_t began, bint sent) except -1:
        """Adds a failed attempt to the history, and the node to its error; `node` is None if there was none to ask."""
        if self.history is None:
            self.history = []
        self.history.append(
            errors.Attempt(
                node=None if node is None else node.name,
                error=str(error.args[0]) if error.args else type(error).__name__,
                elapsed_ms=(now_ns() - began) / <double>MILLISECOND,
                sent=sent,
            )
        )
        if error.node is None and node is not None:
            error.node = node.name
        return 0

    def __repr__(self) -> str:
        about = self.namespace if self.key is None else repr(self.key)
        return f"<Command {'write' if self.write else 'read'} {about}, {self.out.size} bytes, {self.tries} tries>"


cdef inline Command new_command(Reader reader, object given, Settings settings, object timeout, bint write):
    """A command without a request and a target."""
    cdef Command command = Command.__new__(Command)
    command.reader = reader
    command.given = given
    command.settings = settings
    command.write = write
    command.total_timeout = settings.total_timeout if timeout is None else timeout_ms(timeout)
    command.target.policy = settings.replica
    return command


def frames_command(
    bytes request not None, str namespace not None, int partition_id, Settings settings not None,
    is_last: Callable[[bytes], bool] | None = None
) -> Command:
    """A command whose message is made elsewhere, and which gives the bodies of its answer's frames.

    Args:
        request: the whole frame.
        namespace: whose partition it is for.
        partition_id: 0 to 4095; the node that holds it is asked.
        settings: of a policy.
        is_last: is given each body, and says whether the answer ends with it. None: it has one frame.

    Raises:
        InvalidArgument: there is no such partition.
    """
    cdef Command command
    if not 0 <= partition_id < PARTITIONS:
        raise errors.InvalidArgument(f"a partition is a number from 0 to {PARTITIONS - 1}, not {partition_id}")
    command = new_command(FramesReader(is_last), None, settings, None, settings.write)
    command.namespace = namespace
    command.target.partition_id = partition_id
    put_bytes(&command.out, PyBytes_AS_STRING(request), <size_t>PyBytes_GET_SIZE(request))
    return command


# --- who runs commands ---

cdef class Executor:
    """What becomes of a command that was made. This one runs nothing and gives it back."""

    cdef object run(self, Command command):
        return command


cdef object no_owner(Command command):
    """The error of a command that no node can be asked for."""
    return errors.ConnectFailed(
        f"no node is known to ask for partition {command.target.partition_id} of namespace {command.namespace!r}",
        key=command.key,
    )


cdef object client_closed(Command command):
    return errors.ClientClosed("the client is closed", key=command.key)
