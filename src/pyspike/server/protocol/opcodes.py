"""The opcodes of operations inside ops and expressions: each stands here and nowhere else.

Owns: the numbers, under the server's names. Not here: what an opcode does, which stands in a table beside the
code (cdt/lists.py, cdt/maps.py, bits/, hll/, strings/, expressions/).
"""

from __future__ import annotations

from enum import IntEnum

__all__ = [
    "BitOpcode",
    "CallSystem",
    "CdtEnvelope",
    "ExpOpcode",
    "HllOpcode",
    "ListOpcode",
    "MapOpcode",
    "StringOpcode",
]


class CdtEnvelope(IntEnum):
    """Opcodes that wrap an operation, or select many places (cdt.md 5.1, 5.6)."""

    PATH = 0xFE
    CONTEXT = 0xFF


class ListOpcode(IntEnum):
    """Operations on lists (cdt.md 5.4); JOIN since server 8.2 (server-8.2.md 17.1)."""

    SET_TYPE = 0
    APPEND = 1
    APPEND_ITEMS = 2
    INSERT = 3
    INSERT_ITEMS = 4
    POP = 5
    POP_RANGE = 6
    REMOVE = 7
    REMOVE_RANGE = 8
    SET = 9
    TRIM = 10
    CLEAR = 11
    INCREMENT = 12
    SORT = 13
    SIZE = 16
    GET = 17
    GET_RANGE = 18
    GET_BY_INDEX = 19
    GET_BY_VALUE = 20
    GET_BY_RANK = 21
    GET_ALL_BY_VALUE = 22
    GET_BY_VALUE_LIST = 23
    GET_BY_INDEX_RANGE = 24
    GET_BY_VALUE_INTERVAL = 25
    GET_BY_RANK_RANGE = 26
    GET_BY_VALUE_REL_RANK_RANGE = 27
    JOIN = 28
    REMOVE_BY_INDEX = 32
    REMOVE_BY_VALUE = 33
    REMOVE_BY_RANK = 34
    REMOVE_ALL_BY_VALUE = 35
    REMOVE_BY_VALUE_LIST = 36
    REMOVE_BY_INDEX_RANGE = 37
    REMOVE_BY_VALUE_INTERVAL = 38
    REMOVE_BY_RANK_RANGE = 39
    REMOVE_BY_VALUE_REL_RANK_RANGE = 40


class MapOpcode(IntEnum):
    """Operations on maps (cdt.md 5.5)."""

    SET_TYPE = 64
    ADD = 65
    ADD_ITEMS = 66
    PUT = 67
    PUT_ITEMS = 68
    REPLACE = 69
    REPLACE_ITEMS = 70
    INCREMENT = 73
    DECREMENT = 74
    CLEAR = 75
    REMOVE_BY_KEY = 76
    REMOVE_BY_INDEX = 77
    REMOVE_BY_VALUE = 78
    REMOVE_BY_RANK = 79
    REMOVE_BY_KEY_LIST = 81
    REMOVE_ALL_BY_VALUE = 82
    REMOVE_BY_VALUE_LIST = 83
    REMOVE_BY_KEY_INTERVAL = 84
    REMOVE_BY_INDEX_RANGE = 85
    REMOVE_BY_VALUE_INTERVAL = 86
    REMOVE_BY_RANK_RANGE = 87
    REMOVE_BY_KEY_REL_INDEX_RANGE = 88
    REMOVE_BY_VALUE_REL_RANK_RANGE = 89
    SIZE = 96
    GET_BY_KEY = 97
    GET_BY_INDEX = 98
    GET_BY_VALUE = 99
    GET_BY_RANK = 100
    GET_ALL_BY_VALUE = 102
    GET_BY_KEY_INTERVAL = 103
    GET_BY_INDEX_RANGE = 104
    GET_BY_VALUE_INTERVAL = 105
    GET_BY_RANK_RANGE = 106
    GET_BY_KEY_LIST = 107
    GET_BY_VALUE_LIST = 108
    GET_BY_KEY_REL_INDEX_RANGE = 109
    GET_BY_VALUE_REL_RANK_RANGE = 110


class BitOpcode(IntEnum):
    """Operations on the bits of blobs (cdt.md 5.7); B64_ENCODE since server 8.2 (server-8.2.md 17.1)."""

    RESIZE = 0
    INSERT = 1
    REMOVE = 2
    SET = 3
    OR = 4
    XOR = 5
    AND = 6
    NOT = 7
    LSHIFT = 8
    RSHIFT = 9
    ADD = 10
    SUBTRACT = 11
    SET_INT = 12
    GET = 50
    COUNT = 51
    LSCAN = 52
    RSCAN = 53
    GET_INT = 54
    B64_ENCODE = 55


class HllOpcode(IntEnum):
    """Operations on HyperLogLog sketches (cdt.md 5.8)."""

    INIT = 0
    ADD = 1
    UNION = 2
    REFRESH_COUNT = 3
    FOLD = 4
    COUNT = 50
    GET_UNION = 51
    UNION_COUNT = 52
    INTERSECT_COUNT = 53
    SIMILARITY = 54
    DESCRIBE = 55
    MAY_CONTAIN = 56


class StringOpcode(IntEnum):
    """Operations on strings, since server 8.2 (server-8.2.md 17.2)."""

    STRLEN = 0
    SUBSTR = 1
    CHAR_AT = 2
    FIND = 3
    CONTAINS = 4
    STARTS_WITH = 5
    ENDS_WITH = 6
    TO_INTEGER = 7
    TO_DOUBLE = 8
    BYTE_LENGTH = 9
    IS_NUMERIC = 10
    IS_UPPER = 11
    IS_LOWER = 12
    TO_BLOB = 13
    SPLIT = 14
    B64_DECODE = 15
    REGEX_COMPARE = 16
    INSERT = 50
    OVERWRITE = 51
    CONCAT = 52
    SNIP = 53
    REPLACE = 54
    REPLACE_ALL = 55
    UPPER = 56
    LOWER = 57
    CASEFOLD = 58
    NORMALIZE_NFC = 59
    TRIM_START = 60
    TRIM_END = 61
    TRIM = 62
    PAD_START = 63
    PAD_END = 64
    REPEAT = 65
    REGEX_REPLACE = 66
    APPEND = 67
    PREPEND = 68


class ExpOpcode(IntEnum):
    """Opcodes of expressions (expressions.md 6.4); TO_STRING since server 8.2 (server-8.2.md 17.1)."""

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
    LSHIFT = 36
    RSHIFT = 37
    ARSHIFT = 38
    COUNT = 39
    LSCAN = 40
    RSCAN = 41
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
    VAR_BUILTIN = 122
    COND = 123
    VAR = 124
    LET = 125
    QUOTE = 126
    CALL = 127


class CallSystem(IntEnum):
    """Which operations a CALL of an expression runs (expressions.md 6.5); STRING since server 8.2."""

    CDT = 0
    BITS = 1
    HLL = 2
    STRING = 3
