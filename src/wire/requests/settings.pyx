# The compiled form of a policy: what it adds to a request's header (policy.py has those bits), and how long and how often
# to try. Made once when the policy is made; every use only reads it.

cdef enum:                                  # info1 (framing.md 1.2)
    INFO1_READ = 0x01
    INFO1_GET_ALL = 0x02
    INFO1_GET_NO_BINS = 0x20


cdef enum:                                  # info2
    INFO2_WRITE = 0x01
    INFO2_DELETE = 0x02
    INFO2_GENERATION = 0x04
    INFO2_GENERATION_GT = 0x08
    INFO2_CREATE_ONLY = 0x20
    INFO2_RESPOND_ALL_OPS = 0x80


cdef enum:                                  # info3
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
    MAX_TTL = 315_360_000                   # seconds: the server refuses more than ten years


def timeout_ms(value: object, name: str = "timeout", *, least: float = 0) -> float:
    """A span of time in milliseconds.

    Args:
        value: milliseconds as an int or float, 0 or 1 at least, as less is a mistake for seconds; or a timedelta of any
            length.
        name: what the value is, for the error's message.
        least: the smallest value allowed.

    Raises:
        InvalidType: it is neither.
        InvalidArgument: it is below `least`, above 2**31 - 1 ms (24 days), a number between 0 and 1, or no number.
    """
    if not PyLong_CheckExact(value) and isinstance(value, datetime.timedelta):
        ms = value / datetime.timedelta(milliseconds=1)
    else:
        ms = plain_number(value)
        if ms is None:
            raise errors.InvalidType(f"{name} must be milliseconds or a timedelta, not {shown(value)}")
        if PyFloat_CheckExact(ms) and 0 < ms < 1:
            raise errors.InvalidArgument(
                f"{name} is {shown(value)} milliseconds, less than any command takes",
                advice=f"times are milliseconds; if seconds are meant, write timedelta(seconds={shown(ms)})",
            )
    if not least <= ms <= MAX_MS:
        raise errors.InvalidArgument(f"{name} must be from {least} to {MAX_MS} milliseconds, not {shown(value)}")
    return ms


def ttl_header(value: object, name: str = "ttl") -> int:
    """The number that stands for a time to live in a write's header.

    Args:
        value: whole seconds from 1 to 315360000 (ten years), a timedelta, of which a part of a second counts as a
            whole one, or an `Expiration`.
        name: what the value is, for the error's message.

    Raises:
        InvalidType: it is none of them.
        InvalidArgument: it is out of range.
    """
    if PyLong_CheckExact(value):
        seconds = value
    elif isinstance(value, Expiration):
        return value.value
    elif isinstance(value, datetime.timedelta):
        seconds = -(-value // datetime.timedelta(seconds=1))
    else:
        seconds = plain_int(value)
    if seconds is None:
        raise errors.InvalidType(f"{name} must be seconds, a timedelta or an Expiration, not {shown(value)}")
    if not 1 <= seconds <= MAX_TTL:
        raise errors.InvalidArgument(
            f"{name} must be from 1 to {MAX_TTL} seconds, not {shown(value)}",
            advice="for other meanings use Expiration.NAMESPACE_DEFAULT, NEVER or DONT_UPDATE",
        )
    return seconds


def filter_bytes(expression: object, name: str = "filter_expression") -> bytes | None:
    """The bytes of a filter: of an expression, which says whether it can be one, of another thing with a `to_bytes()`,
    or bytes as they are.

    Raises:
        InvalidType: it is none of them.
        InvalidArgument: it is empty, or larger than the server takes.
    """
    if expression is None:
        return None
    if isinstance(expression, bytes):
        data = plain_bytes(expression)
    elif hasattr(expression, "as_filter"):
        data = expression.as_filter()
    else:                                   # an int has a to_bytes() too, but means no expression
        data = None if isinstance(expression, int) or not hasattr(expression, "to_bytes") else expression.to_bytes()
    if not isinstance(data, bytes):
        raise errors.InvalidType(f"{name} must be an expression or its bytes, not {shown(expression)}")
    if not data:
        raise errors.InvalidArgument(f"{name} must not be empty", advice="None leaves it out")
    if len(data) > MAX_FILTER:
        raise errors.InvalidArgument(f"{name} takes {len(data)} bytes, the server allows {MAX_FILTER}")
    return data


@cython.final
cdef class Settings:
    """What a policy means on the wire. Times are milliseconds; the info bytes hold only what the policy adds."""

    cdef readonly bint write                # of a policy for writes
    cdef readonly uint8_t info1, info2, info3
    cdef readonly uint32_t generation, ttl
    cdef readonly double total_timeout
    cdef readonly double socket_timeout     # -1: what is left of the deadline, over the attempts left
    cdef readonly double sleep_between_retries
    cdef readonly double timeout_delay
    cdef readonly int max_retries
    cdef readonly int replica
    cdef readonly bint send_key, respond_per_each_op
    cdef readonly bytes filter_expression
    cdef readonly Settings as_read          # of a policy for writes: what it means for an operate that only reads

    def __cinit__(
        self, *, bint write=False, int info1=0, int info2=0, int info3=0, uint32_t generation=0, uint32_t ttl=0,
        double total_timeout=1000, object socket_timeout=None, int max_retries=2, double sleep_between_retries=0,
        double timeout_delay=0, int replica=REPLICA_SEQUENCE, bint send_key=False, bint respond_per_each_op=False,
        bytes filter_expression=None, Settings as_read=None,
    ) -> None:
        self.write = write
        self.info1 = <uint8_t>info1
        self.info2 = <uint8_t>info2
        self.info3 = <uint8_t>info3
        self.generation = generation
        self.ttl = ttl
        self.total_timeout = total_timeout
        self.socket_timeout = -1 if socket_timeout is None else <double>socket_timeout
        self.max_retries = max_retries
        self.sleep_between_retries = sleep_between_retries
        self.timeout_delay = timeout_delay
        self.replica = replica
        self.send_key = send_key
        self.respond_per_each_op = respond_per_each_op
        self.filter_expression = filter_expression
        self.as_read = Settings() if write and as_read is None else as_read

    cdef tuple parts(self):
        return (
            self.write, self.info1, self.info2, self.info3, self.generation, self.ttl, self.total_timeout,
            self.socket_timeout, self.sleep_between_retries, self.timeout_delay, self.max_retries, self.replica,
            self.send_key, self.respond_per_each_op, self.filter_expression, self.as_read,
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
    """Settings out of what their pickle holds."""
    names = (
        "write", "info1", "info2", "info3", "generation", "ttl", "total_timeout", "socket_timeout",
        "sleep_between_retries", "timeout_delay", "max_retries", "replica", "send_key", "respond_per_each_op",
        "filter_expression", "as_read",
    )
    return Settings(**dict(zip(names, parts, strict=True)))


cdef Settings settings_of(object policy, bint write):
    """Those of a policy that is given with a call, of the kind that the command needs."""
    settings = getattr(policy, "settings", None)
    if type(settings) is not Settings or (<Settings>settings).write != write:
        raise refused_policy(policy, "a WritePolicy" if write else "a ReadPolicy")
    return <Settings>settings


cdef Settings settings_of_operate(object policy, bint writes, tuple operations):
    """Those of a policy that is given with an operate: of a write if one of the operations writes.

    One that only reads is a read, also where it is given a WritePolicy.
    """
    settings = getattr(policy, "settings", None)
    if type(settings) is not Settings:
        raise refused_policy(policy, "a WritePolicy" if writes else "a ReadPolicy or a WritePolicy")
    if not writes:
        return (<Settings>settings).as_read if (<Settings>settings).write else <Settings>settings
    if not (<Settings>settings).write:
        writer = next(operation for operation in operations if operation.is_write)
        raise refused_policy(policy, "a WritePolicy", f": {shown(writer)} writes")
    return <Settings>settings


cdef object refused_policy(object policy, str wanted, str why=""):
    return errors.InvalidType(f"policy must be {wanted} here, not {type(policy).__name__}{why}")
