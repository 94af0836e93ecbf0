# A command: the bytes of its request, the reader of its answer, the partition it is for, and the state of its attempts.
# A command does no I/O itself. `record_commands.pyx` makes the commands on one record, executors run them, and
# `attempt_limits.pyx` begins their attempts and notes the failed ones.

cdef enum:
    COMMAND_STORAGE = 256                   # bytes of a request that fit into the command itself


@cython.final
@cython.freelist(16)
cdef class Command:
    """A request, the reader of its answer, and its attempts, each of which sends the same bytes."""

    cdef Buffer out
    cdef unsigned char storage[COMMAND_STORAGE]
    cdef Reader reader
    cdef object given                       # the argument for the reader: see each reader
    cdef readonly Key key                   # the record that the command is about; None if it is not about one record
    cdef readonly str namespace
    cdef Target target
    cdef readonly Settings settings
    cdef readonly double total_timeout      # ms, 0 = none
    cdef readonly bint write
    cdef int retries                        # how often it may be tried again
    cdef CommandKind kind                   # which method of the client made it
    cdef Trace trace                        # None if nobody watches the call
    # the attempts so far (attempt_limits.pyx)
    cdef int64_t started                    # when the first attempt began; 0 before
    cdef int64_t deadline
    cdef int64_t attempt_timeout            # ns that the current attempt may wait without progress
    cdef readonly int tries
    cdef readonly int sent                  # attempts whose request may have reached a server
    cdef int logged_out                     # how often a server refused it for want of a login, and it was sent again
    cdef readonly list history              # the errors.Attempt of each failed attempt; None before the first

    def __cinit__(self) -> None:
        buffer_init(&self.out, self.storage, COMMAND_STORAGE)

    def __dealloc__(self) -> None:
        buffer_free(&self.out)

    @property
    def request(self) -> bytes:
        """The request's bytes as they are sent."""
        return PyBytes_FromStringAndSize(<const char*>self.out.data, <Py_ssize_t>self.out.size)

    @property
    def name(self) -> str | None:
        """The name of the client's method for one record that made it, such as "get"; None of other commands."""
        return method_of(self.kind)

    @property
    def method(self) -> str:
        """The name of the client's method that made it, also where that is for many records or about a transaction."""
        return METHODS[<int>self.kind]

    @property
    def kind_number(self) -> int:
        """The place of its kind in what `command_kinds` returns."""
        return <int>self.kind

    @property
    def elapsed(self) -> float:
        """Milliseconds since its first attempt began; 0 before."""
        return (now_ns() - self.started) / <double>MILLISECOND if self.started else 0.0

    @property
    def operations(self) -> tuple[Operation, ...] | None:
        """The operations of an `operate`; None for other commands."""
        cdef Reader reader = self.reader
        if type(reader) is NotingReader:
            reader = (<NotingReader>reader).reader
        if type(reader) is ResultsReader or type(reader) is TypedResultsReader:
            return self.given
        return None

    @property
    def tries_left(self) -> int:
        """How many more attempts the policy allows."""
        return max(0, self.retries + 1 - self.tries)

    @property
    def remaining(self) -> float | None:
        """Milliseconds until the deadline, less than 0 when it has passed; None without one."""
        if self.started == 0 or self.deadline == FOREVER:
            return self.total_timeout or None
        return (self.deadline - now_ns()) / <double>MILLISECOND

    def next_replica(self, bint slow) -> bool:
        """Have the next attempt ask the replica after the one that the last attempt asked, if it may.

        Args:
            slow: whether the last attempt failed as the node was too slow, or gets no commands.

        Returns:
            Whether it does. A strict read of a namespace with strong consistency is the master's.
        """
        if stays(self.target.choice.mode, slow):
            return False
        self.target.replica += 1
        if self.target.choice.policy != REPLICA_MASTER and not self.target.has_other_node:
            self.target.choice.policy = REPLICA_ELSEWHERE
        return True

    def __repr__(self) -> str:
        about = self.namespace if self.key is None else repr(self.key)
        return f"<Command {'write' if self.write else 'read'} {about}, {self.out.size} bytes, {self.tries} tries>"


cdef inline Command new_command(
    CommandKind kind, Reader reader, object given, Settings settings, object timeout, bint write
):
    """Returns a command that has no request and no partition yet."""
    cdef Command command = Command.__new__(Command)
    command.kind = kind
    command.reader = reader
    command.given = given
    command.settings = settings
    command.write = write
    command.retries = settings.max_retries
    command.total_timeout = settings.total_timeout if timeout is None else timeout_ms(timeout)
    command.target.choice = settings.choice
    return command


def frames_command(
    bytes request not None, str namespace not None, int partition_id, Settings settings not None,
    is_last: Callable[[bytes], bool] | None = None
) -> Command:
    """Return a command of a request that is made in Python; the command gives the bodies of its answer's frames.

    Args:
        request: the whole frame.
        namespace: the namespace of the partition.
        partition_id: 0 to 4095; the command is sent to the node that owns this partition.
        settings: the settings of a policy.
        is_last: is called with each body, and returns whether the answer ends with it. None: the answer has one frame.

    Raises:
        InvalidArgument: there is no such partition.
    """
    cdef Command command
    if not 0 <= partition_id < PARTITIONS:
        raise errors.InvalidArgument(f"a partition is a number from 0 to {PARTITIONS - 1}, not {partition_id}")
    command = new_command(KIND_OTHER, FramesReader(is_last), None, settings, None, settings.write)
    command.namespace = namespace
    command.target.partition_id = partition_id
    put_bytes(&command.out, PyBytes_AS_STRING(request), <size_t>PyBytes_GET_SIZE(request))
    return command


# --- who runs commands ---

cdef class Executor:
    """Runs commands and batches. This base class runs nothing, and returns what it is given."""

    cdef object run(self, Command command):
        return command

    cdef object run_batch(self, Batch batch):
        batch.take_rows(FOREVER)
        return batch

    def submit(self, work: Command | Batch) -> Any:
        """Run a command or a batch, and return what its call gives."""
        return self.run(<Command>work) if type(work) is Command else self.run_batch(<Batch?>work)

    cdef object open_stream(self, object rows, object groups):
        """Opens a stream of rows, which `groups`, a RowGroups, say how to send."""
        return groups

    def open_query(self, Query query not None) -> Any:
        """Return the records of a query, which has not begun."""
        return query

    def open_call(self, method: str, namespace: str | None, set_name: str | None) -> Trace | None:
        """Note that a call begins which is not run here; None if nobody watches. Leaving the trace's `with` ends it."""
        return None


cdef object no_owner(Command command):
    """Returns the error of a command for which there is no node to ask."""
    return errors.ConnectFailed(
        f"no node is known to ask for partition {command.target.partition_id} of namespace {command.namespace!r}",
        key=command.key,
    )


cdef object client_closed(Command command):
    return errors.ClientClosed("the client is closed", key=command.key)
