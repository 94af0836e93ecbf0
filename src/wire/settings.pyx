# The compiled form of a policy: what it adds to a request's header, and how long and how often to try. Made once when
# the policy is made; every use only reads it.

cdef enum:                                  # info1 (framing.md 1.2)
    INFO1_READ = 0x01
    INFO1_GET_ALL = 0x02
    INFO1_GET_NO_BINS = 0x20
    INFO1_CONSISTENCY_ALL = 0x40


cdef enum:                                  # info2
    INFO2_WRITE = 0x01
    INFO2_DELETE = 0x02
    INFO2_GENERATION = 0x04
    INFO2_GENERATION_GT = 0x08
    INFO2_DURABLE_DELETE = 0x10
    INFO2_CREATE_ONLY = 0x20
    INFO2_RESPOND_ALL_OPS = 0x80


cdef enum:                                  # info3
    INFO3_COMMIT_MASTER = 0x02
    INFO3_UPDATE_ONLY = 0x08
    INFO3_CREATE_OR_REPLACE = 0x10
    INFO3_REPLACE_ONLY = 0x20


cdef enum:                                  # what a record_exists_action adds; a touch or delete has no use for it
    INFO2_EXISTS = INFO2_CREATE_ONLY
    INFO3_EXISTS = INFO3_UPDATE_ONLY | INFO3_CREATE_OR_REPLACE | INFO3_REPLACE_ONLY


cdef enum:                                  # which replica is asked first
    REPLICA_MASTER = 0
    REPLICA_SEQUENCE = 1
    REPLICA_RANDOM = 2


cdef enum:
    MAX_MS = 2147483647                     # 24 days; fits the header's timeout
    MAX_FILTER = 1024 * 1024                # bytes of a filter expression


cdef double ms_of(object value) except? -1:
    """A span of time in milliseconds: a number, or a timedelta."""
    cdef double ms
    if isinstance(value, datetime.timedelta):
        ms = value.total_seconds() * 1000
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        try:
            ms = value
        except OverflowError:               # an int that no float holds
            ms = -1
    else:
        raise errors.InvalidType(f"timeout must be milliseconds or a timedelta, not {type(value).__name__}")
    if not 0 <= ms <= MAX_MS:
        raise errors.InvalidArgument(f"timeout must be 0 (none) to {MAX_MS} milliseconds, not {shown(value)}")
    return ms


cdef bytes filter_of(object expression):
    """The bytes of a filter expression: bytes, or what has to_bytes()."""
    if expression is None:
        return None
    if not isinstance(expression, (bytes, int)) and hasattr(expression, "to_bytes"):
        expression = expression.to_bytes()
    if not isinstance(expression, bytes):
        raise errors.InvalidType(
            f"filter_expression must be an expression or its bytes, not {type(expression).__name__}"
        )
    if not expression:
        raise errors.InvalidArgument("filter_expression is empty", advice="None leaves it out")
    if len(expression) > MAX_FILTER:
        raise errors.InvalidArgument(
            f"filter_expression takes {len(expression)} bytes, the server allows {MAX_FILTER}"
        )
    return expression


@cython.final
cdef class Settings:
    """What a policy means on the wire. Times are milliseconds; the info bytes hold only what the policy adds."""

    cdef readonly uint8_t info1, info2, info3
    cdef readonly uint8_t read_info1        # for an operate that only reads
    cdef readonly uint32_t generation, ttl, read_ttl
    cdef readonly double total_timeout
    cdef readonly double socket_timeout     # -1: what is left of the deadline, over the attempts left
    cdef readonly double sleep_between_retries
    cdef readonly double timeout_delay
    cdef readonly int max_retries
    cdef readonly int replica
    cdef readonly bint send_key, respond_per_each_op
    cdef readonly bytes filter_expression

    def __cinit__(
        self, *, int info1=0, int info2=0, int info3=0, int read_info1=0, uint32_t generation=0, uint32_t ttl=0,
        uint32_t read_ttl=0, double total_timeout=1000, object socket_timeout=None, int max_retries=2,
        double sleep_between_retries=0, double timeout_delay=0, int replica=REPLICA_SEQUENCE, bint send_key=False,
        bint respond_per_each_op=False, object filter_expression=None,
    ) -> None:
        self.info1 = <uint8_t>info1
        self.info2 = <uint8_t>info2
        self.info3 = <uint8_t>info3
        self.read_info1 = <uint8_t>read_info1
        self.generation = generation
        self.ttl = ttl
        self.read_ttl = read_ttl
        self.total_timeout = total_timeout
        self.socket_timeout = -1 if socket_timeout is None else <double>socket_timeout
        self.max_retries = max_retries
        self.sleep_between_retries = sleep_between_retries
        self.timeout_delay = timeout_delay
        self.replica = replica
        self.send_key = send_key
        self.respond_per_each_op = respond_per_each_op
        self.filter_expression = filter_of(filter_expression)

    cdef tuple parts(self):
        return (
            self.info1, self.info2, self.info3, self.read_info1, self.generation, self.ttl, self.read_ttl,
            self.total_timeout, self.socket_timeout, self.sleep_between_retries, self.timeout_delay, self.max_retries,
            self.replica, self.send_key, self.respond_per_each_op, self.filter_expression,
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Settings):
            return NotImplemented
        return self.parts() == (<Settings>other).parts()

    def __hash__(self) -> int:
        return hash(self.parts())
