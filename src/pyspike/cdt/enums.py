"""The numbers that operations have on the wire, with the protocol's names: codes, orders, return types,
flags.

Flags of one kind are combined with `|`. `DEFAULT` is none of them.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag

__all__ = [
    "BitOverflowAction",
    "BitResizeFlags",
    "BitWriteFlags",
    "ExpReadFlags",
    "ExpWriteFlags",
    "HLLWriteFlags",
    "ListOrder",
    "ListReturnType",
    "ListSortFlags",
    "ListWriteFlags",
    "MapOrder",
    "MapReturnType",
    "MapWriteFlags",
    "NumericType",
    "PathSelect",
    "StringRegexFlags",
    "StringWriteFlags",
]


# Lists ------------------------------------------------------------------------------------------------------


class ListOrder(IntEnum):
    """Whether the server keeps a list's elements as they were put or sorted."""

    UNORDERED = 0
    ORDERED = 1


class ListReturnType(IntEnum):
    """What an operation that selects list elements gives for them.

    INDEX counts from the first element, REVERSE_INDEX from the last; RANK from the smallest value,
    REVERSE_RANK from the largest. COUNT is how many there are, EXISTS whether there is any, VALUE the
    elements, NONE nothing.
    """

    NONE = 0
    INDEX = 1
    REVERSE_INDEX = 2
    RANK = 3
    REVERSE_RANK = 4
    COUNT = 5
    VALUE = 7
    EXISTS = 13


class ListWriteFlags(IntFlag):
    """What a write to a list may do.

    ADD_UNIQUE refuses values that are there already (ElementExists), INSERT_BOUNDED positions behind the
    end (OpNotApplicable). NO_FAIL makes both quiet: nothing is written; with PARTIAL too, of several values
    those are written that may be.
    """

    DEFAULT = 0
    ADD_UNIQUE = 1
    INSERT_BOUNDED = 2
    NO_FAIL = 4
    PARTIAL = 8


class ListSortFlags(IntFlag):
    """How `lists.sort` sorts."""

    DEFAULT = 0
    DESCENDING = 1
    DROP_DUPLICATES = 2


# Maps -------------------------------------------------------------------------------------------------------


class MapOrder(IntEnum):
    """Whether the server keeps a map sorted by key, by key and by value too, or not."""

    UNORDERED = 0
    KEY_ORDERED = 1
    KEY_VALUE_ORDERED = 3


class MapReturnType(IntEnum):
    """What an operation that selects map entries gives for them.

    INDEX counts in the order of keys, REVERSE_INDEX from its end; RANK in the order of values, REVERSE_RANK
    from its end. COUNT is how many there are, EXISTS whether there is any, KEY and VALUE the keys or
    values, KEY_VALUE a `dict` in the order in which the server found them, UNORDERED_MAP a `dict`,
    ORDERED_MAP a `KeyOrderedDict`, NONE nothing.

    Of a key that is not in the map, `get_by_key` gives -1 for INDEX, RANK and their reverse, and None for
    KEY and VALUE. Where the bin itself is missing, the result is None whatever is asked for.
    """

    NONE = 0
    INDEX = 1
    REVERSE_INDEX = 2
    RANK = 3
    REVERSE_RANK = 4
    COUNT = 5
    KEY = 6
    VALUE = 7
    KEY_VALUE = 8
    EXISTS = 13
    UNORDERED_MAP = 16
    ORDERED_MAP = 17


class MapWriteFlags(IntFlag):
    """What a write to a map may do.

    CREATE_ONLY refuses keys that are there (ElementExists), UPDATE_ONLY keys that are not (ElementNotFound).
    NO_FAIL makes both quiet: nothing is written; with PARTIAL too, of several entries those are written
    that may be.
    """

    DEFAULT = 0
    CREATE_ONLY = 1
    UPDATE_ONLY = 2
    NO_FAIL = 4
    PARTIAL = 8


# Bits and HyperLogLog ---------------------------------------------------------------------------------------


class BitWriteFlags(IntFlag):
    """What a write to a blob's bits may do.

    CREATE_ONLY (resize and insert only) refuses bins that are there (BinExists), UPDATE_ONLY bins that are
    not (BinNotFound); NO_FAIL makes a refusal quiet; PARTIAL (not for resize and insert) works on what lies
    within the blob of a range that ends behind it.
    """

    DEFAULT = 0
    CREATE_ONLY = 1
    UPDATE_ONLY = 2
    NO_FAIL = 4
    PARTIAL = 8


class BitResizeFlags(IntFlag):
    """How `bitwise.resize` changes a blob: at its front instead of its end; only if it grows, or shrinks."""

    DEFAULT = 0
    FROM_FRONT = 1
    GROW_ONLY = 2
    SHRINK_ONLY = 4


class BitOverflowAction(IntEnum):
    """What `bitwise.add` and `subtract` do with a result that does not fit: fail, stop at the limit, wrap
    around.
    """

    FAIL = 0
    SATURATE = 2
    WRAP = 4


class HLLWriteFlags(IntFlag):
    """What a write to a HyperLogLog may do.

    CREATE_ONLY refuses bins that are there (BinExists), UPDATE_ONLY bins that are not (BinNotFound);
    NO_FAIL makes a refusal quiet; ALLOW_FOLD (`hll.set_union` only) lets the result have fewer index bits
    than the bin.
    """

    DEFAULT = 0
    CREATE_ONLY = 1
    UPDATE_ONLY = 2
    NO_FAIL = 4
    ALLOW_FOLD = 8


# Expressions and paths --------------------------------------------------------------------------------------


class ExpWriteFlags(IntFlag):
    """What `exp.write` may do.

    CREATE_ONLY refuses bins that are there (BinExists), UPDATE_ONLY bins that are not (BinNotFound),
    ALLOW_DELETE lets a nil result delete the bin (OpNotApplicable otherwise); POLICY_NO_FAIL makes these
    quiet, EVAL_NO_FAIL an expression whose result is unknown.
    """

    DEFAULT = 0
    CREATE_ONLY = 1
    UPDATE_ONLY = 2
    ALLOW_DELETE = 4
    POLICY_NO_FAIL = 8
    EVAL_NO_FAIL = 16


class ExpReadFlags(IntFlag):
    """EVAL_NO_FAIL lets `exp.read` give None where the expression's result is unknown, instead of failing."""

    DEFAULT = 0
    EVAL_NO_FAIL = 16


class PathSelect(IntEnum):
    """What `paths.select` gives for what a path matches.

    MATCHING_TREE is the list or map with only the branches that match, VALUE a list of the values, MAP_KEY
    a list of the keys of the map entries, MAP_KEY_VALUE a list of key, value, key, value and so on.
    """

    MATCHING_TREE = 0
    VALUE = 1
    MAP_KEY = 2
    MAP_KEY_VALUE = 3


# Strings ----------------------------------------------------------------------------------------------------


class StringWriteFlags(IntFlag):
    """What a write to a string may do (server 8.2).

    CREATE_ONLY refuses bins that are there (BinExists); it is for `insert`, `overwrite`, `concat`,
    `append`, `prepend`, `pad_start`, `pad_end` and `repeat`, and not for strings inside lists and maps.
    UPDATE_ONLY leaves bins alone that are not there. NO_FAIL leaves the bin as it is where the change can't
    be made.
    """

    DEFAULT = 0
    CREATE_ONLY = 1
    UPDATE_ONLY = 2
    NO_FAIL = 4


class StringRegexFlags(IntFlag):
    """How `strings.regex_compare` and `regex_replace` match (server 8.2).

    CASE_INSENSITIVE; MULTILINE: ^ and $ also match at line ends; DOTALL: a dot matches line ends too;
    UNIX_LINES: only a newline ends a line; GLOBAL: replace all matches (`regex_replace` only).
    """

    DEFAULT = 0
    CASE_INSENSITIVE = 1
    MULTILINE = 2
    DOTALL = 4
    UNIX_LINES = 8
    GLOBAL = 16


class NumericType(IntEnum):
    """Which numbers `strings.is_numeric` looks for: any, whole ones, or those with a decimal point."""

    ANY = 0
    INT = 1
    FLOAT = 2


# Marks and bits in arguments that are a keyword of their own here -------------------------------------------

MODIFY_PATH = 0x04  # in a path's flags, besides PathSelect
PATH_NO_FAIL = 0x10
INVERTED = 0x1_0000  # in a return type: what is not selected
CREATE_ONLY, UPDATE_ONLY = 1, 2  # in the write flags of all that have these
PERSIST_INDEX = 0x10  # in the order of a list or map
SIGNED = 1  # in what bit operations do with numbers
