"""How operations are shown: read back from their bytes, so that a `repr` costs nothing until somebody asks
for it.

`lists.append('scores', 12, order=ListOrder.ORDERED)`: the call that makes the same operation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import IntEnum, IntFlag
from typing import Any

from pyspike._wire import Operation
from pyspike.operations.context import CREATE, CREATE_PADDED, describe_ctx
from pyspike.operations.enums import (
    BY_PATH,
    INVERTED,
    MODIFY_PATH,
    PATH_NO_FAIL,
    PERSIST_INDEX,
    SIGNED,
    WITH_CONTEXT,
    BitOverflowAction,
    BitResizeFlags,
    BitWriteFlags,
    ExpReadFlags,
    ExpWriteFlags,
    HLLWriteFlags,
    ListOrder,
    ListReturnType,
    ListSortFlags,
    ListWriteFlags,
    MapOrder,
    MapReturnType,
    MapWriteFlags,
    NumericType,
    OpCode,
    PathSelect,
    StringRegexFlags,
    StringWriteFlags,
)
from pyspike.operations.tree import read_tree, show

# By opcode: the function, then its arguments in the order of the wire.
LISTS = {
    0: "create order",
    1: "append value order write_flags",
    2: "append_items values order write_flags",
    3: "insert index value write_flags",
    4: "insert_items index values write_flags",
    5: "pop index",
    6: "pop_range index count",
    7: "remove index",
    8: "remove_range index count",
    9: "set index value write_flags",
    10: "trim index count",
    11: "clear",
    12: "increment index value order write_flags",
    13: "sort flags",
    16: "size",
    17: "get index",
    18: "get_range index count",
    28: "join separator",
}
MAPS = {
    64: "create order",
    67: "put key value order write_flags",
    68: "put_items entries order write_flags",
    73: "increment key value order",
    74: "decrement key value order",
    75: "clear",
    96: "size",
}
_LIST_SELECTIONS = (
    (19, 32, "by_index index"),
    (21, 34, "by_rank rank"),
    (22, 35, "by_value value"),
    (23, 36, "by_value_list values"),
    (24, 37, "by_index_range index count"),
    (25, 38, "by_value_range begin end"),
    (26, 39, "by_rank_range rank count"),
    (27, 40, "by_value_relative_rank_range value rank count"),
)
_MAP_SELECTIONS = (
    (97, 76, "by_key key"),
    (98, 77, "by_index index"),
    (100, 79, "by_rank rank"),
    (102, 82, "by_value value"),
    (103, 84, "by_key_range begin end"),
    (104, 85, "by_index_range index count"),
    (105, 86, "by_value_range begin end"),
    (106, 87, "by_rank_range rank count"),
    (107, 81, "by_key_list keys"),
    (108, 83, "by_value_list values"),
    (109, 88, "by_key_relative_index_range key index count"),
    (110, 89, "by_value_relative_rank_range value rank count"),
)
for _table, _selections in ((LISTS, _LIST_SELECTIONS), (MAPS, _MAP_SELECTIONS)):
    for _get, _remove, _words in _selections:
        _name, *_arguments = _words.split()
        _table[_get] = " ".join((f"get_{_name}", "return_type", *_arguments))
        _table[_remove] = " ".join((f"remove_{_name}", "return_type", *_arguments))
BITS = {
    0: "resize byte_size write_flags resize_flags",
    1: "insert byte_offset value write_flags",
    2: "remove byte_offset byte_size write_flags",
    3: "set bit_offset bit_size value write_flags",
    4: "or_ bit_offset bit_size value write_flags",
    5: "xor bit_offset bit_size value write_flags",
    6: "and_ bit_offset bit_size value write_flags",
    7: "not_ bit_offset bit_size write_flags",
    8: "lshift bit_offset bit_size shift write_flags",
    9: "rshift bit_offset bit_size shift write_flags",
    10: "add bit_offset bit_size value write_flags action",
    11: "subtract bit_offset bit_size value write_flags action",
    12: "set_int bit_offset bit_size value write_flags",
    50: "get bit_offset bit_size",
    51: "count bit_offset bit_size",
    52: "lscan bit_offset bit_size value",
    53: "rscan bit_offset bit_size value",
    54: "get_int bit_offset bit_size signed",
    55: "b64_encode byte_offset byte_size invert_size",
}
HLL = {
    0: "init index_bit_count min_hash_bit_count write_flags",
    1: "add values index_bit_count min_hash_bit_count write_flags",
    2: "set_union values write_flags",
    3: "refresh_count",
    4: "fold index_bit_count",
    50: "get_count",
    51: "get_union values",
    52: "get_union_count values",
    53: "get_intersect_count values",
    54: "get_similarity values",
    55: "describe",
    56: "may_contain values",
}
STRINGS = {
    0: "strlen",
    1: "substr start end",
    2: "char_at index",
    3: "find needle occurrence",
    4: "contains needle",
    5: "starts_with prefix",
    6: "ends_with suffix",
    7: "to_integer",
    8: "to_double",
    9: "byte_length",
    10: "is_numeric numeric_type",
    11: "is_upper",
    12: "is_lower",
    13: "to_blob",
    14: "split separator",
    15: "base64_decode",
    16: "regex_compare pattern regex_flags",
    50: "insert index value write_flags",
    51: "overwrite index value write_flags",
    52: "concat values write_flags",
    53: "snip start end write_flags",
    54: "replace pair write_flags",
    55: "replace_all pair write_flags",
    56: "upper write_flags",
    57: "lower write_flags",
    58: "casefold write_flags",
    59: "normalize_nfc write_flags",
    60: "trim_start write_flags",
    61: "trim_end write_flags",
    62: "trim write_flags",
    63: "pad_start target_length pad_string write_flags",
    64: "pad_end target_length pad_string write_flags",
    65: "repeat count write_flags",
    66: "regex_replace pair regex_flags write_flags",
    67: "append value write_flags",
    68: "prepend value write_flags",
}

Kinds = dict[str, type[IntEnum] | type[IntFlag]]

_ALWAYS_SHOWN = (ListWriteFlags, MapWriteFlags, NumericType)  # 0 is not the same as nothing
_FLAGS = ("signed", "invert_size")
_NOT_GIVEN = ("index_bit_count", "min_hash_bit_count")  # if they are -1

LIST_KINDS: Kinds = {
    "order": ListOrder,
    "return_type": ListReturnType,
    "write_flags": ListWriteFlags,
    "flags": ListSortFlags,
}
MAP_KINDS: Kinds = {"order": MapOrder, "return_type": MapReturnType, "write_flags": MapWriteFlags}
BIT_KINDS: Kinds = {
    "write_flags": BitWriteFlags,
    "resize_flags": BitResizeFlags,
    "action": BitOverflowAction,
}
HLL_KINDS: Kinds = {"write_flags": HLLWriteFlags}
STRING_KINDS: Kinds = {
    "write_flags": StringWriteFlags,
    "regex_flags": StringRegexFlags,
    "numeric_type": NumericType,
}


def describe(operation: Operation) -> str:
    """The call that makes the operation."""
    data = operation.wire[8 + operation.wire[7] :]
    return _FAMILIES[OpCode(operation.code)](operation, data)


def call(
    family: str,
    signature: str,
    kinds: Kinds,
    first: str,
    values: list[str],
    trees: list[Any],
    ctx: str | None = None,
) -> str:
    """A call in words: `family.function(first, name=value...)`.

    Args:
        family: the module.
        signature: the function, then the names of its arguments.
        kinds: the enums of arguments that are numbers of one.
        first: the text of the first argument.
        values: the texts of the others, of those that are not of a kind.
        trees: the others as they are.
        ctx: the text of the context, None if there is none.
    """
    function, *names = signature.split()
    positions: list[str] = [first]
    keywords: list[str] = []
    for place, (value, tree) in enumerate(zip(values, trees, strict=True)):
        name = names[place] if place < len(names) else ""
        if name == "pair" and isinstance(tree, list):
            positions += [show(part) for part in tree]
        elif name in kinds or name in _FLAGS:
            keywords += _kind(name, tree, kinds)
        elif name not in _NOT_GIVEN or tree != -1:
            positions.append(value)
    if ctx is not None:
        keywords.append(f"ctx={ctx}")
    return f"{family}.{function}({', '.join([*positions, *keywords])})"


def _kind(name: str, number: Any, kinds: Kinds) -> Iterator[str]:
    if name in _FLAGS:
        if number:
            yield f"{name}=True"
    elif name == "action":
        yield f"action={show_member(number & ~SIGNED, BitOverflowAction)}"
        if number & SIGNED:
            yield "signed=True"
    elif name == "order":
        yield f"order={show_member(number & ~PERSIST_INDEX, kinds[name])}"
        if number & PERSIST_INDEX:
            yield "persist_index=True"
    elif name == "removed":
        if number & INVERTED:
            yield "inverted=True"
    elif name == "return_type":
        yield f"return_type={show_member(number & ~INVERTED, kinds[name])}"
        if number & INVERTED:
            yield "inverted=True"
    elif number or kinds[name] in _ALWAYS_SHOWN:
        yield f"{name}={show_member(number, kinds[name])}"


def show_member(number: int, kind: type[IntEnum] | type[IntFlag]) -> str:
    """A number as the members of its enum: `ListWriteFlags.NO_FAIL | ListWriteFlags.PARTIAL`."""
    names = [name for name, entry in kind.__members__.items() if entry == number]
    if not names and issubclass(kind, IntFlag):
        names = [name for name, entry in kind.__members__.items() if entry and number & entry]
    return " | ".join(f"{kind.__name__}.{name}" for name in names) or str(number)


# The families of operations ---------------------------------------------------------------------------------


def _cdt(operation: Operation, data: bytes) -> str:
    tree = read_tree(data)
    pairs: list[Any] = []
    if tree[0] == BY_PATH:
        return _path(operation, tree)
    if tree[0] == WITH_CONTEXT:
        _, pairs, tree = tree
    opcode, *arguments = tree
    family, table, kinds = ("maps", MAPS, MAP_KINDS) if opcode >= 64 else ("lists", LISTS, LIST_KINDS)
    signature = table.get(opcode, f"operation_{opcode}")
    padded = False
    if signature == "create order" and pairs:
        padded = family == "lists" and pairs[-2] & CREATE == CREATE_PADDED
        signature = signature if pairs[-2] & CREATE else "set_order order"
        pairs = [*pairs[:-2], pairs[-2] & ~CREATE, pairs[-1]]
    ctx = describe_ctx(pairs) + (", pad=True" if padded else "") if pairs else None
    return call(
        family, signature, kinds, repr(operation.bin), [show(value) for value in arguments], arguments, ctx
    )


def _path(operation: Operation, tree: list[Any]) -> str:
    from pyspike.exp.describe import describe_whole

    flags = tree[2]
    parts = [repr(operation.bin), describe_ctx(tree[1])]
    if flags & MODIFY_PATH:
        parts.append(describe_whole(tree[3]))
    else:
        parts.append(show_member(flags & 0x0F, PathSelect))
    if flags & PATH_NO_FAIL:
        parts.append("no_fail=True")
    return f"paths.{'modify' if flags & MODIFY_PATH else 'select'}({', '.join(parts)})"


def _exp(operation: Operation, data: bytes) -> str:
    from pyspike.exp.describe import describe_whole

    expression, flags = read_tree(data)
    write = operation.code == OpCode.EXP_MODIFY
    parts = [repr(operation.bin), describe_whole(expression)]
    if flags:
        parts.append(f"flags={show_member(flags, ExpWriteFlags if write else ExpReadFlags)}")
    return f"exp.{'write' if write else 'read'}({', '.join(parts)})"


def _flat(family: str, table: dict[int, str], kinds: Kinds) -> Callable[[Operation, bytes], str]:
    """For the families whose operations are a flat list."""

    def describe_flat(operation: Operation, data: bytes) -> str:
        tree = read_tree(data)
        ctx = None
        if tree[0] == WITH_CONTEXT:
            ctx = describe_ctx(tree[1])
            tree = tree[2]
        opcode, *arguments = tree
        signature = table.get(opcode, f"operation_{opcode}")
        values = [show(value) for value in arguments]
        return call(family, signature, kinds, repr(operation.bin), values, arguments, ctx)

    return describe_flat


def _to_string(operation: Operation, data: bytes) -> str:
    return f"strings.to_string({operation.bin!r})"


_FAMILIES: dict[OpCode, Callable[[Operation, bytes], str]] = {
    OpCode.CDT_READ: _cdt,
    OpCode.CDT_MODIFY: _cdt,
    OpCode.EXP_READ: _exp,
    OpCode.EXP_MODIFY: _exp,
    OpCode.BIT_READ: _flat("bitwise", BITS, BIT_KINDS),
    OpCode.BIT_MODIFY: _flat("bitwise", BITS, BIT_KINDS),
    OpCode.HLL_READ: _flat("hll", HLL, HLL_KINDS),
    OpCode.HLL_MODIFY: _flat("hll", HLL, HLL_KINDS),
    OpCode.STRING_READ: _flat("strings", STRINGS, STRING_KINDS),
    OpCode.STRING_MODIFY: _flat("strings", STRINGS, STRING_KINDS),
    OpCode.TO_STRING: _to_string,
}
