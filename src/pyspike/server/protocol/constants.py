"""The numbers of frames, messages, fields, ops, particles and values: each stands here and nowhere else.

Owns: their values, under the server's names. Not here: opcodes of lists, maps, bits, HLL, strings and
expressions (opcodes.py), the flags and types that go with them (flags.py), result codes (result.py).
"""

from __future__ import annotations

from enum import IntEnum, IntFlag

__all__ = [
    "BIN_NAME_MAX",
    "BLOB_TYPES",
    "CITRUSLEAF_EPOCH",
    "DIGEST_SIZE",
    "ERROR_DETAILS_SHIFT",
    "GENERATION_MAX",
    "GENERATION_MAX_STRONG",
    "HLL_BITS_MAX",
    "HLL_HEADER_SIZE",
    "HLL_INDEX_BITS",
    "HLL_MINHASH_BITS",
    "HLL_RANK_BITS",
    "INDEX_NAME_MAX",
    "INDEX_VALUE_MAX",
    "MESSAGE_HEADER_SIZE",
    "MRT_MONITOR_SET",
    "MRT_MONITOR_SIZE_MAX",
    "MRT_TIMEOUT_MAX",
    "MRT_WRITES_MAX",
    "NAMESPACE_MAX",
    "N_PARTITIONS",
    "OPS_MAX",
    "PROTO_SIZE_MAX",
    "PROTO_VERSION",
    "RECORD_VERSION_SIZE",
    "SET_NAME_MAX",
    "SPECIAL_EXTENSION",
    "TTL_DONT_UPDATE",
    "TTL_MAX",
    "TTL_NEVER",
    "UDF_NAME_MAX",
    "WHERE_FLAG_BYTES_MAX",
    "ContainerFlags",
    "ErrorDetailKey",
    "ErrorDetailVerbosity",
    "ErrorLanguage",
    "ErrorOutcome",
    "ErrorPhase",
    "ErrorTraceKey",
    "FieldType",
    "IndexCollection",
    "Info1",
    "Info2",
    "Info3",
    "Info4",
    "OpCode",
    "ParticleType",
    "ProtoType",
    "UdfOp",
    "WhereFlags",
]

# --- frames (framing.md 1.1, 1.2) ---------------------------------------------------------------------------

PROTO_VERSION = 2
PROTO_SIZE_MAX = 128 * 1024 * 1024
"""The largest body of a frame, in bytes."""
MESSAGE_HEADER_SIZE = 22


class ProtoType(IntEnum):
    """Types of frames (framing.md 1.1)."""

    INFO = 1
    SECURITY = 2
    AS_MSG = 3
    AS_MSG_COMPRESSED = 4
    INTERNAL_XDR = 5


class Info1(IntFlag):
    """First flag byte of a message: what is read (framing.md 1.2)."""

    READ = 0x01
    GET_ALL = 0x02
    SHORT_QUERY = 0x04
    BATCH = 0x08
    XDR = 0x10
    GET_NO_BINS = 0x20
    CONSISTENCY_ALL = 0x40
    COMPRESS_RESPONSE = 0x80


class Info2(IntFlag):
    """Second flag byte of a message: what is written (framing.md 1.2)."""

    WRITE = 0x01
    DELETE = 0x02
    GENERATION = 0x04
    GENERATION_GT = 0x08
    DURABLE_DELETE = 0x10
    CREATE_ONLY = 0x20
    RELAX_AP_LONG_QUERY = 0x40
    RESPOND_ALL_OPS = 0x80


class Info3(IntFlag):
    """Third flag byte of a message: exists rules, consistency, end of a stream (framing.md 1.2)."""

    LAST = 0x01
    COMMIT_LEVEL_MASTER = 0x02
    PARTITION_DONE = 0x04
    UPDATE_ONLY = 0x08
    CREATE_OR_REPLACE = 0x10
    REPLACE_ONLY = 0x20
    SC_READ_TYPE = 0x40
    SC_READ_RELAX = 0x80


class Info4(IntFlag):
    """Fourth flag byte of a message: transactions (framing.md 1.2)."""

    MRT_VERIFY_READ = 0x01
    MRT_ROLL_FORWARD = 0x02
    MRT_ROLL_BACK = 0x04
    MRT_ON_LOCKING_ONLY = 0x10


# --- error details (server-8.2.md 17.3) ---------------------------------------------------------------------

ERROR_DETAILS_SHIFT = 5
"""The position of the two bits of the fourth flag byte that ask for error details."""


class ErrorDetailVerbosity(IntEnum):
    """How much a client asks to be told about an error (server-8.2.md 17.3)."""

    NONE = 0
    SUBCODE = 1
    MESSAGE = 2
    TRACE = 3


class ErrorDetailKey(IntEnum):
    """Keys of the map in the field of error details (server-8.2.md 17.3)."""

    SUBCODE = 1
    MESSAGE = 2
    TRACE = 3


class ErrorTraceKey(IntEnum):
    """Keys of the map that tells of an expression which is wrong, or is not true (server-8.2.md 17.3)."""

    PHASE = 1
    OFFSET = 2
    OPERATION = 3
    DEPTH = 4
    PATH = 5
    SNIPPET = 6
    OUTCOME = 7
    LANGUAGE = 8
    AEL_OFFSET = 9
    AEL_SPAN = 10
    OPERANDS = 13


class ErrorPhase(IntEnum):
    """When an expression has failed (server-8.2.md 17.3)."""

    BUILD = 1
    EVALUATION = 2


class ErrorOutcome(IntEnum):
    """What has come of an expression (server-8.2.md 17.3); `ABSENT`: its result is not known."""

    FAULT = 1
    FALSE = 2
    ABSENT = 3


class ErrorLanguage(IntEnum):
    """How an expression was sent (server-8.2.md 17.3)."""

    PACKED = 1
    AEL = 2


class WhereFlags(IntFlag):
    """The flags in front of the text in the field WHERE (server-8.2.md 17.5).

    `MORE`: another byte of flags follows, which has none that are known.
    """

    MORE = 0x01
    EXPLAIN = 0x02
    REQUIRE_INDEX = 0x04
    HARD_HINT = 0x08


WHERE_FLAG_BYTES_MAX = 9
"""How many bytes of flags there may be."""


# --- fields and ops (framing.md 1.3, 1.4) -------------------------------------------------------------------


class FieldType(IntEnum):
    """Types of message fields that the server looks at (framing.md 1.3)."""

    NAMESPACE = 0
    SET = 1
    KEY = 2
    RECORD_VERSION = 3
    DIGEST = 4
    MRT_ID = 5
    MRT_DEADLINE = 6
    QUERY_ID = 7
    SOCKET_TIMEOUT = 9
    RECS_PER_SEC = 10
    PID_ARRAY = 11
    DIGEST_ARRAY = 12
    SAMPLE_MAX = 13
    BVAL_ARRAY = 15
    INDEX_NAME = 21
    INDEX_RANGE = 22
    INDEX_CONTEXT = 23
    INDEX_EXPRESSION = 24
    INDEX_TYPE = 26
    UDF_FILENAME = 30
    UDF_FUNCTION = 31
    UDF_ARGLIST = 32
    UDF_OP = 33
    QUERY_BINLIST = 40
    BATCH = 41
    BATCH_WITH_SET = 42
    FILTER = 43
    WHERE = 44
    ERROR_DETAILS = 45


class OpCode(IntEnum):
    """Codes of ops, as in requests and in replies (framing.md 1.4)."""

    READ = 1
    WRITE = 2
    CDT_READ = 3
    CDT_MODIFY = 4
    INCR = 5
    EXP_READ = 7
    EXP_MODIFY = 8
    APPEND = 9
    PREPEND = 10
    TOUCH = 11
    BITS_READ = 12
    BITS_MODIFY = 13
    DELETE_ALL = 14
    HLL_READ = 15
    HLL_MODIFY = 16
    STRING_READ = 17
    STRING_MODIFY = 18
    TO_STRING = 19


OPS_MAX = 32768
"""How many ops a message may have (framing.md 1.4)."""
BIN_NAME_MAX = 15
NAMESPACE_MAX = 31
SET_NAME_MAX = 63
UDF_NAME_MAX = 127

# --- queries (query-scan.md 8.2) ----------------------------------------------------------------------------


class IndexCollection(IntEnum):
    """Which part of a value is indexed: the value itself, or elements of a list or map (query-scan.md 8.2).

    `SET`: no value, but which records are in a set (server-8.2.md 17.4).
    """

    DEFAULT = 0
    LIST = 1
    MAPKEYS = 2
    MAPVALUES = 3
    SET = 4


class UdfOp(IntEnum):
    """What a query does with a module (query-scan.md 8.1)."""

    AGGREGATE = 1
    BACKGROUND = 2


INDEX_NAME_MAX = 63
INDEX_VALUE_MAX = 2047
"""How many bytes a string or blob may have that is indexed or queried (query-scan.md 8.3)."""

# --- keys, generations, times (keys-and-digests.md 2.1, 2.2, framing.md 1.2) --------------------------------

DIGEST_SIZE = 20
N_PARTITIONS = 4096
GENERATION_MAX = 0xFFFF
GENERATION_MAX_STRONG = 0x3FF
"""The greatest generation in a strong-consistent namespace (strong-consistency.md 13.1)."""
RECORD_VERSION_SIZE = 7
MRT_MONITOR_SET = b"<ERO~MRT"
"""The set of the monitors of transactions (transactions.md 12.3)."""
MRT_TIMEOUT_MAX = 120
MRT_WRITES_MAX = 4096
MRT_MONITOR_SIZE_MAX = 90 * 1024
CITRUSLEAF_EPOCH = 1262304000
"""The Unix time of 2010-01-01T00:00:00Z, from which void-times are counted."""
TTL_MAX = 315360000
"""The longest time to live in seconds: ten years."""
TTL_NEVER = 0xFFFFFFFF
TTL_DONT_UPDATE = 0xFFFFFFFE

# --- values (values.md 3.1, 3.2, 3.4) -----------------------------------------------------------------------


class ParticleType(IntEnum):
    """Types of particles that can be stored, and null (framing.md 1.4).

    Inside lists, maps and expressions the same number is the first byte of strings, blobs, GeoJSON and HLL.
    """

    NULL = 0
    INTEGER = 1
    FLOAT = 2
    STRING = 3
    BLOB = 4
    JAVA_BLOB = 7
    CSHARP_BLOB = 8
    PYTHON_BLOB = 9
    RUBY_BLOB = 10
    PHP_BLOB = 11
    ERLANG_BLOB = 12
    BOOL = 17
    HLL = 18
    MAP = 19
    LIST = 20
    GEOJSON = 23


BLOB_TYPES: frozenset[int] = frozenset(
    (
        ParticleType.BLOB,
        ParticleType.JAVA_BLOB,
        ParticleType.CSHARP_BLOB,
        ParticleType.PYTHON_BLOB,
        ParticleType.RUBY_BLOB,
        ParticleType.PHP_BLOB,
        ParticleType.ERLANG_BLOB,
    )
)
"""The particle types whose value is any bytes."""


class ContainerFlags(IntEnum):
    """Flags of lists and maps, in their marker and as an order argument (values.md 3.2).

    `ORDERED` of a list and `KEY_ORDERED` of a map are the same bit.
    """

    ORDERED = 0x01
    KEY_ORDERED = 0x01
    VALUE_ORDERED = 0x02
    KEY_VALUE_ORDERED = 0x03
    PRESERVE_ORDER = 0x08
    PERSIST_INDEX = 0x10


SPECIAL_EXTENSION = 0xFF
"""The ext type of the wildcard and of the infinity; any other in first place is a container's marker."""

HLL_HEADER_SIZE = 11
HLL_INDEX_BITS = range(4, 17)
HLL_MINHASH_BITS = range(4, 52)
HLL_BITS_MAX = 64
"""How many bits of an element's hash a sketch uses at the most."""
HLL_RANK_BITS = 6
"""How many bits of a register hold the rank."""
