"""The table of opcodes: each number that names an operation, a context or an expression stands here, once.

A `SubOp` has its number on the wire, the name of the function that makes it, and the names of its arguments
in the order of the wire. The functions of `pyspike.operations` and `pyspike.exp` are made from these rows,
and `describe` reads values back by them.

Not here: the numbers that arguments have (orders, return types, flags), which are in `enums`.
"""

from __future__ import annotations

import keyword
from enum import IntEnum

from pyspike import _wire

__all__ = [
    "BY_PATH",
    "CREATE",
    "FIRST_MAP_OPCODE",
    "IN_LIST",
    "IN_MAP",
    "LITERAL",
    "MODIFY",
    "WITH_CONTEXT",
    "BitOp",
    "ContextType",
    "ExpOp",
    "HLLOp",
    "ListCreate",
    "ListOp",
    "MapCreate",
    "MapOp",
    "OpCode",
    "StringOp",
    "SubOp",
    "System",
]


class OpCode(IntEnum):
    """The numbers of operations on the wire (Aerospike's names; framing.md 1.4)."""

    READ = _wire.OP_READ
    WRITE = _wire.OP_WRITE
    CDT_READ = _wire.OP_CDT_READ
    CDT_MODIFY = _wire.OP_CDT_MODIFY
    INCR = _wire.OP_INCR
    EXP_READ = _wire.OP_EXP_READ
    EXP_MODIFY = _wire.OP_EXP_MODIFY
    APPEND = _wire.OP_APPEND
    PREPEND = _wire.OP_PREPEND
    TOUCH = _wire.OP_TOUCH
    BIT_READ = _wire.OP_BITS_READ
    BIT_MODIFY = _wire.OP_BITS_MODIFY
    DELETE_ALL = _wire.OP_DELETE_ALL
    HLL_READ = _wire.OP_HLL_READ
    HLL_MODIFY = _wire.OP_HLL_MODIFY
    STRING_READ = _wire.OP_STRING_READ
    STRING_MODIFY = _wire.OP_STRING_MODIFY
    TO_STRING = _wire.OP_TO_STRING


class SubOp(IntEnum):
    """What an operation does inside its bin: the first element of its value (cdt.md 5.1).

    A member is a number and the names of its arguments; those at the end may be left out on the wire.
    """

    arguments: tuple[str, ...]
    function: str

    def __new__(cls, number: int, arguments: str = "") -> SubOp:  # noqa: D102
        made = int.__new__(cls, number)
        made._value_ = number
        made.arguments = tuple(arguments.split())
        return made

    def __init__(self, number: int, arguments: str = "") -> None:
        name = self._name_.lower()
        self.function = f"{name}_" if keyword.iskeyword(name) else name


class ListOp(SubOp):
    """Operations on lists (cdt.md 5.4; JOIN: server-8.2.md 17.2)."""

    CREATE = 0, "order"
    APPEND = 1, "value order write_flags"
    APPEND_ITEMS = 2, "values order write_flags"
    INSERT = 3, "index value write_flags"
    INSERT_ITEMS = 4, "index values write_flags"
    POP = 5, "index"
    POP_RANGE = 6, "index count"
    REMOVE = 7, "index"
    REMOVE_RANGE = 8, "index count"
    SET = 9, "index value write_flags"
    TRIM = 10, "index count"
    CLEAR = 11
    INCREMENT = 12, "index value order write_flags"
    SORT = 13, "flags"
    SIZE = 16
    GET = 17, "index"
    GET_RANGE = 18, "index count"
    GET_BY_INDEX = 19, "return_type index"
    GET_BY_RANK = 21, "return_type rank"
    GET_BY_VALUE = 22, "return_type value"
    GET_BY_VALUE_LIST = 23, "return_type values"
    GET_BY_INDEX_RANGE = 24, "return_type index count"
    GET_BY_VALUE_RANGE = 25, "return_type begin end"
    GET_BY_RANK_RANGE = 26, "return_type rank count"
    GET_BY_VALUE_RELATIVE_RANK_RANGE = 27, "return_type value rank count"
    JOIN = 28, "separator"
    REMOVE_BY_INDEX = 32, "return_type index"
    REMOVE_BY_RANK = 34, "return_type rank"
    REMOVE_BY_VALUE = 35, "return_type value"
    REMOVE_BY_VALUE_LIST = 36, "return_type values"
    REMOVE_BY_INDEX_RANGE = 37, "return_type index count"
    REMOVE_BY_VALUE_RANGE = 38, "return_type begin end"
    REMOVE_BY_RANK_RANGE = 39, "return_type rank count"
    REMOVE_BY_VALUE_RELATIVE_RANK_RANGE = 40, "return_type value rank count"


FIRST_MAP_OPCODE = 64  # smaller numbers are operations on lists, the others on maps (cdt.md 5.1)


class MapOp(SubOp):
    """Operations on maps (cdt.md 5.5)."""

    CREATE = 64, "order"
    PUT = 67, "key value order write_flags"
    PUT_ITEMS = 68, "entries order write_flags"
    INCREMENT = 73, "key value order"
    DECREMENT = 74, "key value order"
    CLEAR = 75
    REMOVE_BY_KEY = 76, "return_type key"
    REMOVE_BY_INDEX = 77, "return_type index"
    REMOVE_BY_RANK = 79, "return_type rank"
    REMOVE_BY_KEY_LIST = 81, "return_type keys"
    REMOVE_BY_VALUE = 82, "return_type value"
    REMOVE_BY_VALUE_LIST = 83, "return_type values"
    REMOVE_BY_KEY_RANGE = 84, "return_type begin end"
    REMOVE_BY_INDEX_RANGE = 85, "return_type index count"
    REMOVE_BY_VALUE_RANGE = 86, "return_type begin end"
    REMOVE_BY_RANK_RANGE = 87, "return_type rank count"
    REMOVE_BY_KEY_RELATIVE_INDEX_RANGE = 88, "return_type key index count"
    REMOVE_BY_VALUE_RELATIVE_RANK_RANGE = 89, "return_type value rank count"
    SIZE = 96
    GET_BY_KEY = 97, "return_type key"
    GET_BY_INDEX = 98, "return_type index"
    GET_BY_RANK = 100, "return_type rank"
    GET_BY_VALUE = 102, "return_type value"
    GET_BY_KEY_RANGE = 103, "return_type begin end"
    GET_BY_INDEX_RANGE = 104, "return_type index count"
    GET_BY_VALUE_RANGE = 105, "return_type begin end"
    GET_BY_RANK_RANGE = 106, "return_type rank count"
    GET_BY_KEY_LIST = 107, "return_type keys"
    GET_BY_VALUE_LIST = 108, "return_type values"
    GET_BY_KEY_RELATIVE_INDEX_RANGE = 109, "return_type key index count"
    GET_BY_VALUE_RELATIVE_RANK_RANGE = 110, "return_type value rank count"


class BitOp(SubOp):
    """Operations on the bits of blobs (cdt.md 5.7; B64_ENCODE: server-8.2.md 17.2)."""

    RESIZE = 0, "byte_size write_flags resize_flags"
    INSERT = 1, "byte_offset value write_flags"
    REMOVE = 2, "byte_offset byte_size write_flags"
    SET = 3, "bit_offset bit_size value write_flags"
    OR = 4, "bit_offset bit_size value write_flags"
    XOR = 5, "bit_offset bit_size value write_flags"
    AND = 6, "bit_offset bit_size value write_flags"
    NOT = 7, "bit_offset bit_size write_flags"
    LSHIFT = 8, "bit_offset bit_size shift write_flags"
    RSHIFT = 9, "bit_offset bit_size shift write_flags"
    ADD = 10, "bit_offset bit_size value write_flags action"
    SUBTRACT = 11, "bit_offset bit_size value write_flags action"
    SET_INT = 12, "bit_offset bit_size value write_flags"
    GET = 50, "bit_offset bit_size"
    COUNT = 51, "bit_offset bit_size"
    LSCAN = 52, "bit_offset bit_size value"
    RSCAN = 53, "bit_offset bit_size value"
    GET_INT = 54, "bit_offset bit_size signed"
    B64_ENCODE = 55, "byte_offset byte_size invert_size"


class HLLOp(SubOp):
    """Operations on HyperLogLogs (cdt.md 5.8)."""

    INIT = 0, "index_bit_count min_hash_bit_count write_flags"
    ADD = 1, "values index_bit_count min_hash_bit_count write_flags"
    SET_UNION = 2, "values write_flags"
    REFRESH_COUNT = 3
    FOLD = 4, "index_bit_count"
    GET_COUNT = 50
    GET_UNION = 51, "values"
    GET_UNION_COUNT = 52, "values"
    GET_INTERSECT_COUNT = 53, "values"
    GET_SIMILARITY = 54, "values"
    DESCRIBE = 55
    MAY_CONTAIN = 56, "values"


class StringOp(SubOp):
    """Operations on strings (server-8.2.md 17.2)."""

    STRLEN = 0
    SUBSTR = 1, "start end"
    CHAR_AT = 2, "index"
    FIND = 3, "needle occurrence"
    CONTAINS = 4, "needle"
    STARTS_WITH = 5, "prefix"
    ENDS_WITH = 6, "suffix"
    TO_INTEGER = 7
    TO_DOUBLE = 8
    BYTE_LENGTH = 9
    IS_NUMERIC = 10, "numeric_type"
    IS_UPPER = 11
    IS_LOWER = 12
    TO_BLOB = 13
    SPLIT = 14, "separator"
    BASE64_DECODE = 15
    REGEX_COMPARE = 16, "pattern regex_flags"
    INSERT = 50, "index value write_flags"
    OVERWRITE = 51, "index value write_flags"
    CONCAT = 52, "values write_flags"
    SNIP = 53, "start end write_flags"
    REPLACE = 54, "pair write_flags"
    REPLACE_ALL = 55, "pair write_flags"
    UPPER = 56, "write_flags"
    LOWER = 57, "write_flags"
    CASEFOLD = 58, "write_flags"
    NORMALIZE_NFC = 59, "write_flags"
    TRIM_START = 60, "write_flags"
    TRIM_END = 61, "write_flags"
    TRIM = 62, "write_flags"
    PAD_START = 63, "target_length pad_string write_flags"
    PAD_END = 64, "target_length pad_string write_flags"
    REPEAT = 65, "count write_flags"
    REGEX_REPLACE = 66, "pair regex_flags write_flags"
    APPEND = 67, "value write_flags"
    PREPEND = 68, "value write_flags"


# What stands in the place of an opcode ----------------------------------------------------------------------

WITH_CONTEXT = _wire.WITH_CONTEXT  # in front of an element's context: [0xFF, context, [opcode, ...]]
BY_PATH = 0xFE  # in front of a path: [0xFE, context, flags], or with an expression behind (cdt.md 5.6)


# Contexts ---------------------------------------------------------------------------------------------------


class ContextType(IntEnum):
    """The kinds of steps into a list or map (cdt.md 5.2); by name, the functions of `operations.context`."""

    ALL_CHILDREN = 0x04
    LIST_INDEX = 0x10
    LIST_RANK = 0x11
    LIST_VALUE = 0x13
    MAP_INDEX = 0x20
    MAP_RANK = 0x21
    MAP_KEY = 0x22
    MAP_VALUE = 0x23
    MAP_KEYS_IN = 0x2A
    AND_FILTER = 0x204


IN_LIST, IN_MAP = 0x10, 0x20  # bits of a context's type: what it looks in
CREATE = 0xC0  # the bits of a context's type that say what to create


class ListCreate(IntEnum):
    """How a context creates the list that it looks in (cdt.md 5.2)."""

    UNORDERED = 0x40
    PADDED = 0x80
    ORDERED = 0xC0


class MapCreate(IntEnum):
    """How a context creates the map that it looks in (cdt.md 5.2)."""

    UNORDERED = 0x40
    KEY_ORDERED = 0x80
    KEY_VALUE_ORDERED = 0xC0


# Expressions ------------------------------------------------------------------------------------------------


class ExpOp(IntEnum):
    """The numbers of expressions on the wire (expressions.md 6.4)."""

    UNKNOWN = 0
    EQ = 1
    NE = 2
    GT = 3
    GE = 4
    LT = 5
    LE = 6
    REGEX = 7
    GEO = 8
    IN_LIST = 9
    AND = 16
    OR = 17
    NOT = 18
    EXCLUSIVE = 19
    ADD = 20
    SUB = 21
    MUL = 22
    DIV = 23
    POW = 24
    LOG = 25
    MOD = 26
    ABS = 27
    FLOOR = 28
    CEIL = 29
    TO_INT = 30
    TO_FLOAT = 31
    INT_AND = 32
    INT_OR = 33
    INT_XOR = 34
    INT_NOT = 35
    INT_LSHIFT = 36
    INT_RSHIFT = 37
    INT_ARSHIFT = 38
    INT_COUNT = 39
    INT_LSCAN = 40
    INT_RSCAN = 41
    MIN = 50
    MAX = 51
    DIGEST_MODULO = 64
    DEVICE_SIZE = 65
    LAST_UPDATE = 66
    SINCE_UPDATE = 67
    VOID_TIME = 68
    TTL = 69
    SET_NAME = 70
    KEY_EXISTS = 71
    IS_TOMBSTONE = 72
    MEMORY_SIZE = 73
    RECORD_SIZE = 74
    KEY = 80
    BIN = 81
    BIN_TYPE = 82
    TO_STRING = 99
    RESULT_REMOVE = 100
    MAP_KEYS = 101
    MAP_VALUES = 102
    LOOP_VARIABLE = 122
    COND = 123
    VAR = 124
    LET = 125
    QUOTE = 126
    CALL = 127


LITERAL = -1  # in the place of an expression's number: it is a literal, and no call


class System(IntEnum):
    """Whose operation a call inside an expression is (expressions.md 6.5)."""

    CDT = 0
    BITS = 1
    HLL = 2
    STRING = 3


MODIFY = 0x40  # besides the system of a call: it works on a copy of its source and gives that
