"""The flags, types and modes that go with the operations of opcodes.py: each stands here and nowhere else.

Owns: the numbers, under the server's names. Not here: which flags an operation takes, which stands beside it.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag

__all__ = [
    "BASE64_FROM_END",
    "CALL_MODIFY",
    "INVERTED",
    "PATH_DEPTH_MAX",
    "BitOverflowFlags",
    "BitResizeFlags",
    "BitWriteFlags",
    "ContextFlags",
    "ContextType",
    "ExpFlags",
    "ExpType",
    "HllWriteFlags",
    "IcuRegexFlags",
    "ListSortFlags",
    "ListWriteFlags",
    "LoopVariable",
    "MapWriteFlags",
    "NumericType",
    "PathFlags",
    "PathMode",
    "PosixRegexFlags",
    "ReturnType",
    "StringWriteFlags",
]

# --- lists and maps (cdt.md 5.2 to 5.6) ---------------------------------------------------------------------


class ContextType(IntEnum):
    """What an entry of a context means, without the flags that create (cdt.md 5.2).

    The last three are for paths only.
    """

    EXPRESSION = 0x04
    LIST_INDEX = 0x10
    LIST_RANK = 0x11
    LIST_VALUE = 0x13
    MAP_INDEX = 0x20
    MAP_RANK = 0x21
    MAP_KEY = 0x22
    MAP_VALUE = 0x23
    MAP_KEYS = 0x2A
    AND = 0x204


class ContextFlags(IntEnum):
    """How an entry of a context creates the container that it is searched in (cdt.md 5.2).

    `CREATE_ORDERED` has the bits of the two others, and is the mask of all three.
    """

    CREATE_UNORDERED = 0x40
    CREATE_PADDED = 0x80
    CREATE_ORDERED = 0xC0
    PERSIST_INDEX = 0x100


class ReturnType(IntEnum):
    """What an operation tells about the elements it has found (cdt.md 5.3)."""

    NONE = 0
    INDEX = 1
    REVERSE_INDEX = 2
    RANK = 3
    REVERSE_RANK = 4
    COUNT = 5
    KEY = 6
    VALUE = 7
    KEY_VALUE = 8
    INDEX_RANGE = 9
    REVERSE_INDEX_RANGE = 10
    RANK_RANGE = 11
    REVERSE_RANK_RANGE = 12
    EXISTS = 13
    UNORDERED_MAP = 16
    ORDERED_MAP = 17


INVERTED = 0x10000
"""The flag that is added to a return type: the operation is about all other elements (cdt.md 5.3)."""


class ListWriteFlags(IntFlag):
    """How elements are written into a list (cdt.md 5.4)."""

    ADD_UNIQUE = 1
    INSERT_BOUNDED = 2
    NO_FAIL = 4
    PARTIAL = 8


class ListSortFlags(IntFlag):
    """How a list is sorted (cdt.md 5.4)."""

    DESCENDING = 1
    DROP_DUPLICATES = 2


class MapWriteFlags(IntFlag):
    """How entries are written into a map (cdt.md 5.5)."""

    NO_OVERWRITE = 1
    NO_CREATE = 2
    NO_FAIL = 4
    PARTIAL = 8


class PathMode(IntEnum):
    """What becomes of the elements that a path matches (cdt.md 5.6)."""

    TREE = 0
    VALUES = 1
    KEYS = 2
    KEYS_AND_VALUES = 3
    MODIFY = 4


class PathFlags(IntEnum):
    """The flags of a path: the mask of its mode, and NO_FAIL (cdt.md 5.6)."""

    MODE = 0x0F
    NO_FAIL = 0x10


PATH_DEPTH_MAX = 64
"""How many entries a path may have (cdt.md 5.6)."""

# --- bits and HLL (cdt.md 5.7, 5.8) -------------------------------------------------------------------------


class BitWriteFlags(IntFlag):
    """How a blob is written (cdt.md 5.7)."""

    CREATE_ONLY = 1
    UPDATE_ONLY = 2
    NO_FAIL = 4
    PARTIAL = 8


class BitResizeFlags(IntFlag):
    """Where and whether a blob may grow or shrink (cdt.md 5.7)."""

    FROM_FRONT = 1
    GROW_ONLY = 2
    SHRINK_ONLY = 4


class BitOverflowFlags(IntFlag):
    """What an addition does beyond the range of its bits (cdt.md 5.7)."""

    SIGNED = 1
    SATURATE = 2
    WRAP = 4


BASE64_FROM_END = 1
"""The flag of B64_ENCODE: the size is that of what is left out at the end (server-8.2.md 17.1)."""


class HllWriteFlags(IntFlag):
    """How a sketch is written (cdt.md 5.8)."""

    CREATE_ONLY = 1
    UPDATE_ONLY = 2
    NO_FAIL = 4
    ALLOW_FOLD = 8


# --- strings (server-8.2.md 17.2) ---------------------------------------------------------------------------


class StringWriteFlags(IntFlag):
    """How a string is written (server-8.2.md 17.2)."""

    CREATE_ONLY = 1
    UPDATE_ONLY = 2
    NO_FAIL = 4


class NumericType(IntEnum):
    """Which numbers IS_NUMERIC looks for (server-8.2.md 17.2)."""

    ANY = 0
    INT = 1
    FLOAT = 2


class IcuRegexFlags(IntFlag):
    """How a pattern of a string operation is read; GLOBAL is for REGEX_REPLACE only (server-8.2.md 17.2)."""

    CASE_INSENSITIVE = 1
    MULTILINE = 2
    DOTALL = 4
    UNIX_LINES = 8
    GLOBAL = 16


# --- expressions (expressions.md 6.2 to 6.6) ----------------------------------------------------------------


class ExpType(IntEnum):
    """Types of expressions (expressions.md 6.2).

    The negative ones are of this server: `UNKNOWN` is the type of what has no value, `REMOVE` that of the
    removal of an element in a path.
    """

    REMOVE = -2
    UNKNOWN = -1
    NIL = 0
    BOOL = 1
    INT = 2
    STRING = 3
    LIST = 4
    MAP = 5
    BLOB = 6
    FLOAT = 7
    GEO = 8
    HLL = 9


class LoopVariable(IntEnum):
    """The parts of the element that a path is at (expressions.md 6.4)."""

    KEY = 0
    VALUE = 1
    INDEX = 2


CALL_MODIFY = 0x40
"""The flag that is added to the system of a CALL which modifies (expressions.md 6.5)."""


class ExpFlags(IntFlag):
    """What becomes of the result of an expression in an op (expressions.md 6.6)."""

    CREATE_ONLY = 1
    UPDATE_ONLY = 2
    ALLOW_DELETE = 4
    POLICY_NO_FAIL = 8
    EVAL_NO_FAIL = 0x10


class PosixRegexFlags(IntFlag):
    """Flags of regcomp(3), as the opcode REGEX takes them (expressions.md 6.4)."""

    EXTENDED = 1
    ICASE = 2
    NEWLINE = 4
    NOSUB = 8
