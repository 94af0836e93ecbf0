# The compiled form of a policy: what the policy adds to a request's header (`pyspike.policy` chooses the bits), how long a
# command may take, and how often it is tried. It is made when the policy is made; commands only read it.

cdef enum:                                  # the bits of a record_exists_action, which a touch or delete is sent without
    INFO2_EXISTS = INFO2_CREATE_ONLY
    INFO3_EXISTS = INFO3_UPDATE_ONLY | INFO3_CREATE_OR_REPLACE | INFO3_REPLACE_ONLY


cpdef enum:                                 # which replica is asked first
    REPLICA_MASTER = 0
    REPLICA_SEQUENCE = 1
    REPLICA_RANDOM = 2
    REPLICA_PREFER_RACK = 3


cpdef enum:                                 # how reads of namespaces with strong consistency choose (strong-consistency.md 13.2)
    MODE_SESSION = 0
    MODE_LINEARIZE = 1
    MODE_ALLOW_REPLICA = 2
    MODE_ALLOW_UNAVAILABLE = 3
    MODE_OF_OTHERS = 4                      # of what is no read: it goes where it would without strong consistency
    MODE_OF_BATCH = -1                      # of a row: what the batch's policy says
    IN_STRONG = 16                          # is added to the mode of what is asked of such a namespace


cdef inline bint stays(int mode, bint slow) noexcept:
    """Whether what has failed is asked of the same replica again, as its mode has it in a namespace with strong consistency."""
    return mode == (MODE_SESSION | IN_STRONG) or (slow and mode == (MODE_LINEARIZE | IN_STRONG))


cdef struct ReplicaChoice:                  # who is asked: copied as one piece
    int policy                              # REPLICA_MASTER and so on
    int mode                                # MODE_SESSION and so on


cpdef enum:                                 # what a policy is of, where that is not a command on one record
    OF_RECORD = 0
    OF_BATCH = 1
    OF_BATCH_READ = 2                       # of rows of a batch, which have no timeouts and retries of their own
    OF_BATCH_WRITE = 3
    OF_BATCH_DELETE = 4
    OF_QUERY = 5
    OF_BATCH_UDF = 6


cpdef enum:                                 # what a policy for batches leaves to the client's policy of reads, as bits
    LEAVES_CONSISTENCY = 1
    LEAVES_READ_MODE = 2
    LEAVES_READ_TOUCH = 4


cpdef enum:                                 # kinds of rows, as bits
    ROWS_THAT_WRITE = 1
    ROWS_THAT_DELETE = 2
    ROWS_THAT_CALL = 4                      # a UDF


@cython.final
cdef class Settings:
    """A policy in the form that commands read. Times are milliseconds; the info bytes have only the bits of the policy."""

    cdef readonly bint write                # whether the policy is for writes
    cdef readonly uint8_t info1, info2, info3, info4
    cdef readonly uint32_t generation, ttl
    cdef bint has_ttl                       # False: of a row of a batch, which takes that of the batch
    cdef readonly double total_timeout
    cdef readonly double socket_timeout     # -1: each attempt gets a share of the time until the deadline (attempt_limits.pyx)
    cdef readonly double sleep_between_retries
    cdef readonly double timeout_delay
    cdef readonly double connect_timeout    # of opening a connection; 0: what the deadline and the client's policy leave
    cdef readonly int max_retries
    cdef ReplicaChoice choice
    cdef readonly bint send_key, respond_per_each_op
    cdef readonly bytes filter_expression
    cdef readonly int64_t compress_above    # bytes of a request that is sent plain, at most; -1: any is, and answers are too
    cdef readonly int of                    # `OF_RECORD` and so on
    cdef readonly uint8_t batch_flags       # of a policy for batches, as the three below
    cdef readonly bint sequential           # one node after the other
    cdef readonly int write_retries         # of rows that write; `max_retries` is of those that read
    cdef readonly uint8_t leaves            # `LEAVES_CONSISTENCY` and so on
    cdef readonly int64_t max_records       # of a policy for queries, as the two below; 0: all
    cdef readonly uint32_t records_per_second   # of each node; 0: as many as it can
    cdef readonly int max_concurrent_nodes  # 0: all at once
    cdef readonly bint raw                  # whether lists and maps are given as RawParticles
    # of a policy for batches as a file wants it: `ROWS_THAT_WRITE` and so on
    cdef readonly uint8_t keys_of_rows      # rows that send the key whatever their own policy says
    cdef readonly uint8_t told_durable      # rows whose durable_delete the file tells, and those for which it says yes
    cdef readonly uint8_t durable
    cdef object adapted_by                  # the section of a file that has made `adapted` of this policy; None if none has
    cdef Settings adapted
    cdef readonly Settings as_read          # the settings that a policy for writes has for an operate that only reads

    def __cinit__(
        self, *, bint write=False, int info1=0, int info2=0, int info3=0, int info4=0, uint32_t generation=0,
        object ttl=0, double total_timeout=1000, object socket_timeout=None, int max_retries=2,
        double sleep_between_retries=0, double timeout_delay=0, double connect_timeout=0, int replica=REPLICA_SEQUENCE,
        int read_mode=MODE_OF_OTHERS, bint send_key=False, bint respond_per_each_op=False,
        bytes filter_expression=None, int64_t compress_above=-1, int of=OF_RECORD, int batch_flags=0,
        bint sequential=False, int write_retries=0, int64_t max_records=0, uint32_t records_per_second=0,
        int max_concurrent_nodes=0, int keys_of_rows=0, int told_durable=0, int durable=0, bint raw=False,
        int leaves=0, Settings as_read=None,
    ) -> None:
        self.write = write
        self.info1 = <uint8_t>info1
        self.info2 = <uint8_t>info2
        self.info3 = <uint8_t>info3
        self.info4 = <uint8_t>info4
        self.generation = generation
        self.has_ttl = ttl is not None
        self.ttl = <uint32_t>ttl if ttl is not None else 0
        self.total_timeout = total_timeout
        self.socket_timeout = -1 if socket_timeout is None else <double>socket_timeout
        self.max_retries = max_retries
        self.sleep_between_retries = sleep_between_retries
        self.timeout_delay = timeout_delay
        self.connect_timeout = connect_timeout
        self.choice.policy = replica
        self.choice.mode = read_mode
        self.send_key = send_key
        self.respond_per_each_op = respond_per_each_op
        self.filter_expression = filter_expression
        self.compress_above = compress_above
        self.of = of
        self.batch_flags = <uint8_t>batch_flags
        self.sequential = sequential
        self.write_retries = write_retries
        self.leaves = <uint8_t>leaves
        self.max_records = max_records
        self.records_per_second = records_per_second
        self.max_concurrent_nodes = max_concurrent_nodes
        self.keys_of_rows = <uint8_t>keys_of_rows
        self.told_durable = <uint8_t>told_durable
        self.durable = <uint8_t>durable
        self.raw = raw
        self.as_read = Settings() if write and as_read is None else as_read

    @property
    def replica(self) -> int:
        """Which replica is asked first: `REPLICA_MASTER` and so on."""
        return self.choice.policy

    @property
    def read_mode(self) -> int:
        """How reads of namespaces with strong consistency choose: `MODE_SESSION` and so on."""
        return self.choice.mode

    cdef tuple parts(self):
        return (
            self.write, self.info1, self.info2, self.info3, self.info4, self.generation,
            self.ttl if self.has_ttl else None, self.total_timeout,
            self.socket_timeout, self.sleep_between_retries, self.timeout_delay, self.connect_timeout,
            self.max_retries, self.choice.policy, self.choice.mode,
            self.send_key, self.respond_per_each_op, self.filter_expression, self.compress_above, self.of,
            self.batch_flags, self.sequential, self.write_retries, self.max_records, self.records_per_second,
            self.max_concurrent_nodes, self.keys_of_rows, self.told_durable, self.durable, self.raw, self.leaves,
            self.as_read,
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Settings):
            return NotImplemented
        return self.parts() == (<Settings>other).parts()

    def __hash__(self) -> int:
        return hash(self.parts())

    def __reduce__(self) -> tuple:
        return restore_settings, self.parts()


def restore_settings(*parts: object) -> Settings:
    """Return the settings that a pickle holds."""
    names = (
        "write", "info1", "info2", "info3", "info4", "generation", "ttl", "total_timeout", "socket_timeout",
        "sleep_between_retries", "timeout_delay", "connect_timeout", "max_retries", "replica", "read_mode", "send_key",
        "respond_per_each_op",
        "filter_expression", "compress_above", "of", "batch_flags", "sequential", "write_retries", "max_records",
        "records_per_second", "max_concurrent_nodes", "keys_of_rows", "told_durable", "durable", "raw", "leaves",
        "as_read",
    )
    return Settings(**dict(zip(names, parts, strict=True)))


cdef inline Settings record_settings(object policy):
    """The settings of a policy for commands on one record; None if it is none."""
    settings = getattr(policy, "settings", None)
    if type(settings) is not Settings or (<Settings>settings).of != OF_RECORD:
        return None
    return <Settings>settings


cdef Settings settings_of(object policy, bint write):
    """Returns the settings of a policy that is given with a call. `write`: the policy has to be for writes, else for reads."""
    cdef Settings settings = record_settings(policy)
    if settings is None or settings.write != write:
        raise refused_policy(policy, "a WritePolicy" if write else "a ReadPolicy")
    return settings


cdef Settings settings_of_operate(object policy, bint writes, tuple operations):
    """Returns the settings of a policy that is given with an `operate`. `writes`: one of the operations writes.

    An `operate` that only reads takes a WritePolicy too, and uses the policy's settings for reads (`as_read`).
    """
    cdef Settings settings = record_settings(policy)
    if settings is None:
        raise refused_policy(policy, "a WritePolicy" if writes else "a ReadPolicy or a WritePolicy")
    if not writes:
        return settings.as_read if settings.write else settings
    if not settings.write:
        writer = next(operation for operation in operations if operation.is_write)
        raise refused_policy(policy, "a WritePolicy", f": {shown(writer)} writes")
    return settings


cdef Settings batch_settings(object policy, int of, str wanted):
    """The settings of a policy that has to be `of` a batch, or of one kind of its rows."""
    settings = getattr(policy, "settings", None)
    if type(settings) is not Settings or (<Settings>settings).of != of:
        raise refused_policy(policy, wanted)
    return <Settings>settings


cdef object refused_policy(object policy, str wanted, str why=""):
    return errors.InvalidType(f"policy must be {wanted} here, not {type(policy).__name__}{why}")
