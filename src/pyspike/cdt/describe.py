"""How operations, contexts and expressions are shown: as the calls that make them, read from their bytes.

`lists.append('scores', 12, order=ListOrder.ORDERED)`, `exp.ge(exp.int_bin('age'), 21)`. So a `repr` costs
nothing until somebody asks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from enum import IntEnum, IntFlag
from typing import Any

from pyspike._wire import Operation, unpack_value
from pyspike.cdt.enums import (
    INVERTED,
    MODIFY_PATH,
    PATH_NO_FAIL,
    PERSIST_INDEX,
    SIGNED,
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
    PathSelect,
    StringRegexFlags,
    StringWriteFlags,
)
from pyspike.cdt.msgpack_tree import read_tree, show
from pyspike.cdt.opcodes import (
    BY_PATH,
    CREATE,
    FIRST_MAP_OPCODE,
    MODIFY,
    WITH_CONTEXT,
    BitOp,
    ContextType,
    ExpOp,
    HLLOp,
    ListCreate,
    ListOp,
    MapCreate,
    MapOp,
    OpCode,
    StringOp,
    SubOp,
    System,
)
from pyspike.cdt.signatures import SIGNATURES
from pyspike.cdt.types import BIN_FUNCTIONS, ExpType, RegexFlags
from pyspike.showing import shown
from pyspike.values import Special

__all__ = ["describe_context", "describe_expression", "describe_operation", "describe_tree", "describe_whole"]

SHOWN_VALUE = 1000  # characters of the value that an operation writes
SHOWN_LITERAL = 2000  # characters of a literal
MAX_LEVELS = 16  # of lists that are shown where Python can't follow all


# Calls ------------------------------------------------------------------------------------------------------

Kinds = dict[str, type[IntEnum] | type[IntFlag]]

_ALWAYS_SHOWN = (ListWriteFlags, MapWriteFlags, NumericType)  # 0 is not the same as nothing
_FLAGS = ("signed", "invert_size")
_NOT_GIVEN = ("index_bit_count", "min_hash_bit_count")  # if they are -1


class Family:
    """The operations of one kind of value.

    Args:
        name: the module of their functions.
        opcodes: their opcodes.
        kinds: the enums of arguments that are numbers of one.
    """

    def __init__(self, name: str, opcodes: type[SubOp], **kinds: type[IntEnum] | type[IntFlag]) -> None:
        self.name = name
        self.opcodes = opcodes
        self.kinds = kinds


LISTS = Family(
    "lists",
    ListOp,
    order=ListOrder,
    return_type=ListReturnType,
    write_flags=ListWriteFlags,
    flags=ListSortFlags,
)
MAPS = Family("maps", MapOp, order=MapOrder, return_type=MapReturnType, write_flags=MapWriteFlags)
BITS = Family(
    "bitwise", BitOp, write_flags=BitWriteFlags, resize_flags=BitResizeFlags, action=BitOverflowAction
)
HLL = Family("hll", HLLOp, write_flags=HLLWriteFlags)
STRINGS = Family(
    "strings",
    StringOp,
    write_flags=StringWriteFlags,
    regex_flags=StringRegexFlags,
    numeric_type=NumericType,
)
_BY_SYSTEM = {System.BITS: BITS, System.HLL: HLL, System.STRING: STRINGS}


def _family(system: int, opcode: int) -> Family:
    """Whose operation an opcode is."""
    if system == System.CDT:
        return MAPS if opcode >= FIRST_MAP_OPCODE else LISTS
    return _BY_SYSTEM[System(system)]


def _call(
    function: str,
    names: Sequence[str],
    kinds: Kinds,
    first: str,
    values: Sequence[str],
    trees: Sequence[Any],
    ctx: str | None = None,
) -> str:
    """A call in words: `function(first, name=value...)`.

    Args:
        function: its name, with that of its module in front.
        names: those of its arguments behind the first.
        kinds: the enums of arguments that are numbers of one.
        first: the text of the first argument.
        values: the texts of the others, of those that are not of a kind.
        trees: the others as they are.
        ctx: the text of the context, None if there is none.
    """
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
    return f"{function}({', '.join([*positions, *keywords])})"


def _kind(name: str, number: Any, kinds: Kinds) -> Iterator[str]:
    if name in _FLAGS:
        if number:
            yield f"{name}=True"
    elif name == "action":
        yield f"action={_member(number & ~SIGNED, BitOverflowAction)}"
        if number & SIGNED:
            yield "signed=True"
    elif name == "order":
        yield f"order={_member(number & ~PERSIST_INDEX, kinds[name])}"
        if number & PERSIST_INDEX:
            yield "persist_index=True"
    elif name == "removed":
        if number & INVERTED:
            yield "inverted=True"
    elif name == "return_type":
        yield f"return_type={_member(number & ~INVERTED, kinds[name])}"
        if number & INVERTED:
            yield "inverted=True"
    elif number or kinds[name] in _ALWAYS_SHOWN:
        yield f"{name}={_member(number, kinds[name])}"


def _member(number: int, kind: type[IntEnum] | type[IntFlag]) -> str:
    """A number as the members of its enum: `ListWriteFlags.NO_FAIL | ListWriteFlags.PARTIAL`."""
    names = [name for name, entry in kind.__members__.items() if entry == number]
    if not names and issubclass(kind, IntFlag):
        names = [name for name, entry in kind.__members__.items() if entry and number & entry]
    return " | ".join(f"{kind.__name__}.{name}" for name in names) or str(number)


# Contexts ---------------------------------------------------------------------------------------------------

_PADDED = {
    ListCreate.UNORDERED: "",
    ListCreate.PADDED: ", pad=True",
    ListCreate.ORDERED: ", order=ListOrder.ORDERED",
}


def describe_context(number: int, value: Any) -> str:
    """The call that makes a context of this type, which looks for this decoded value."""
    if number == ContextType.ALL_CHILDREN:
        return "all_children()" if value is True else f"all_children_with_filter({describe_whole(value)})"
    if number == ContextType.AND_FILTER:
        return f"and_filter({describe_whole(value)})"
    if number in set(ContextType):
        return f"{ContextType(number).name.lower()}({show(value)})"
    kind, flag = number & ~CREATE, number & CREATE
    if kind == ContextType.LIST_INDEX and flag:
        return f"list_index_create({show(value)}{_PADDED[ListCreate(flag)]})"
    if kind == ContextType.MAP_KEY and flag:
        order = "" if flag == MapCreate.UNORDERED else f", order=MapOrder.{MapCreate(flag).name}"
        return f"map_key_create({show(value)}{order})"
    return f"Context(0x{number:x}, {show(value)})"


def _ctx(pairs: Sequence[Any]) -> str:
    """The list of contexts that a decoded list of types and values stands for."""
    texts = [describe_context(number, value) for number, value in zip(pairs[::2], pairs[1::2], strict=True)]
    return f"[{', '.join('context.' + text for text in texts)}]"


# Operations -------------------------------------------------------------------------------------------------

_RECORD = {OpCode.READ: "get()", OpCode.TOUCH: "touch()", OpCode.DELETE_ALL: "delete()"}
_SCALARS = {OpCode.WRITE: "put", OpCode.INCR: "add", OpCode.APPEND: "append", OpCode.PREPEND: "prepend"}
_SYSTEMS = {
    OpCode.CDT_READ: System.CDT,
    OpCode.CDT_MODIFY: System.CDT,
    OpCode.BIT_READ: System.BITS,
    OpCode.BIT_MODIFY: System.BITS,
    OpCode.HLL_READ: System.HLL,
    OpCode.HLL_MODIFY: System.HLL,
    OpCode.STRING_READ: System.STRING,
    OpCode.STRING_MODIFY: System.STRING,
}


def describe_operation(operation: Operation) -> str:
    """The call that makes the operation."""
    code, name, wire = OpCode(operation.code), repr(operation.bin), operation.wire
    data = wire[8 + wire[7] :]
    if not operation.bin and code in _RECORD:
        return "get_header()" if operation.reads_header else _RECORD[code]
    if code == OpCode.READ:
        return f"get({name})"
    if code == OpCode.TO_STRING:
        return f"strings.to_string({name})"
    if code in _SCALARS:
        return f"{_SCALARS[code]}({name}, {shown(unpack_value(wire[5], data), SHOWN_VALUE)})"
    if code in (OpCode.EXP_READ, OpCode.EXP_MODIFY):
        return _evaluation(code, name, read_tree(data))
    return _sub_operation(_SYSTEMS[code], name, read_tree(data))


def _sub_operation(system: System, name: str, tree: list[Any]) -> str:
    """An operation on the inside of a bin."""
    pairs: list[Any] | None = None
    if tree[0] == BY_PATH:
        return _path("paths", name, tree, describe_whole, modifies=bool(tree[2] & MODIFY_PATH))
    if tree[0] == WITH_CONTEXT:
        _, pairs, tree = tree
    opcode, *arguments = tree
    family = _family(system, opcode)
    function, names = _function(family, opcode)
    ctx = None if pairs is None else _ctx(pairs)
    if function == "create" and pairs:
        flag = pairs[-2] & CREATE
        function = "create" if flag else "set_order"
        ctx = _ctx([*pairs[:-2], pairs[-2] & ~CREATE, pairs[-1]])
        if family is LISTS and flag == ListCreate.PADDED:
            ctx += ", pad=True"
    texts = [show(value) for value in arguments]
    return _call(f"{family.name}.{function}", names, family.kinds, name, texts, arguments, ctx)


def _function(family: Family, opcode: int) -> tuple[str, tuple[str, ...]]:
    """The function of an opcode and the names of its arguments, also of one that is not in the table."""
    try:
        row = family.opcodes(opcode)
    except ValueError:
        return f"operation_{opcode}", ()
    return row.function, row.arguments


def _path(
    module: str, source: str, operation: list[Any], describe: Callable[[Any], str], *, modifies: bool
) -> str:
    """An operation on what a path leads to, or a call of one."""
    flags = operation[2]
    parts = [source, _ctx(operation[1])]
    if modifies:
        parts.append(describe(operation[3]))
    else:
        parts.append(_member(flags & 0x0F, PathSelect))
    if flags & PATH_NO_FAIL:
        parts.append("no_fail=True")
    return f"{module}.{'modify' if modifies else 'select'}({', '.join(parts)})"


def _evaluation(code: OpCode, name: str, tree: list[Any]) -> str:
    """An operation that evaluates an expression."""
    expression, flags = tree
    writes = code == OpCode.EXP_MODIFY
    parts = [name, describe_whole(expression)]
    if flags:
        parts.append(f"flags={_member(flags, ExpWriteFlags if writes else ExpReadFlags)}")
    return f"exp.{'write' if writes else 'read'}({', '.join(parts)})"


# Expressions ------------------------------------------------------------------------------------------------

_COMPARISONS = {
    *(ExpOp.EQ, ExpOp.NE, ExpOp.GT, ExpOp.GE, ExpOp.LT, ExpOp.LE),
    *(ExpOp.GEO, ExpOp.IN_LIST, ExpOp.TO_STRING),
}
_LOOP = ("loop_key", "loop_value", "loop_index")
# Selections of one element, whose type is given.
_SINGLE = {ListOp.GET_BY_INDEX, ListOp.GET_BY_RANK, MapOp.GET_BY_KEY, MapOp.GET_BY_INDEX, MapOp.GET_BY_RANK}


def describe_expression(data: bytes) -> str:
    """The call that makes the expression with these bytes."""
    return describe_whole(read_tree(data))


def describe_whole(tree: Any) -> str:
    """The call that makes a decoded expression; a bare literal is shown with exp.val.

    What is nested deeper than Python can follow is left out in favour of an ellipsis.
    """
    try:
        text = describe_tree(tree)
    except RecursionError:
        text = describe_tree(_shortened(tree, MAX_LEVELS))
    return text if text.startswith("exp.") else f"exp.val({text})"


class _Left:
    """Stands for what is left out."""

    def __repr__(self) -> str:
        return "…"


def _shortened(tree: Any, levels: int) -> Any:
    if not isinstance(tree, list):
        return tree
    return [_shortened(part, levels - 1) for part in tree] if levels else _Left()


def describe_tree(tree: Any) -> str:
    """The call, or the literal, that makes a decoded expression."""
    if not isinstance(tree, list):
        return _literal(tree)
    if not tree or type(tree[0]) is not int:
        return f"exp.from_tree({tree!r})"
    try:
        return _call_of(ExpOp(tree[0]), tree[1:])
    except (ValueError, IndexError, TypeError, KeyError):
        return f"exp.operation_{tree[0]}({', '.join(map(describe_tree, tree[1:]))})"


def _literal(value: Any) -> str:
    if value is Special.INFINITY:
        return "exp.infinity()"
    if value is Special.WILDCARD:
        return "exp.wildcard()"
    text = repr(value)
    if len(text) > SHOWN_LITERAL:
        text = f"{text[: SHOWN_LITERAL // 2]}…{text[-SHOWN_LITERAL // 2 :]}"
    if isinstance(value, float) and text in ("inf", "-inf", "nan"):
        return f"float('{text}')"
    return text


def _args(parts: Sequence[Any]) -> str:
    return ", ".join(map(describe_tree, parts))


def _compared(parts: Sequence[Any]) -> str:
    """The arguments of what takes no constants only: a text among such ones is shown with exp.val."""
    if any(isinstance(part, list) and not _quoted(part) for part in parts):
        return _args(parts)
    return ", ".join(f"exp.val({part!r})" if type(part) is str else describe_tree(part) for part in parts)


def _call_of(op: ExpOp, parts: list[Any]) -> str:
    if op is ExpOp.QUOTE:
        return _literal(parts[0])
    if op is ExpOp.UNKNOWN:
        return "exp.unknown()"
    if op is ExpOp.RESULT_REMOVE:
        return "exp.remove_result()"
    if op is ExpOp.BIN:
        return f"exp.{BIN_FUNCTIONS[ExpType(parts[0])]}({str(parts[1])!r})"
    if op is ExpOp.BIN_TYPE:
        return f"exp.bin_type({str(parts[0])!r})"
    if op is ExpOp.REGEX:
        flags = f", flags={_member(parts[0], RegexFlags)}" if parts[0] else ""
        return f"exp.regex_compare({str(parts[1])!r}, {_compared(parts[2:])}{flags})"
    if op is ExpOp.NE and isinstance(parts[0], list) and parts[0][:1] == [ExpOp.BIN_TYPE] and parts[1] == 0:
        return f"exp.bin_exists({str(parts[0][1])!r})"
    if op is ExpOp.KEY:
        return f"exp.key(ExpType.{ExpType(parts[0]).name})"
    if op is ExpOp.LOOP_VARIABLE:
        kind = "" if parts[1] == len(_LOOP) - 1 else f"ExpType.{ExpType(parts[0]).name}"
        return f"exp.{_LOOP[parts[1]]}({kind})"
    if op is ExpOp.VAR:
        return f"exp.var({str(parts[0])!r})"
    if op is ExpOp.LET:
        pairs = zip(parts[:-1:2], parts[1::2], strict=False)
        names = ", ".join(f"{str(name)!r}: {describe_tree(value)}" for name, value in pairs)
        return f"exp.let({{{names}}}, {describe_tree(parts[-1])})"
    if op is ExpOp.COND:
        return f"exp.cond({_args(parts)})"
    if op is ExpOp.CALL:
        return _system_call(parts)
    arguments = _compared(parts) if op in _COMPARISONS else _args(parts)
    return f"exp.{SIGNATURES[op].name}({arguments})"


def _system_call(parts: list[Any]) -> str:
    """A call of an operation on lists, maps, blobs, HyperLogLogs or strings (expressions.md 6.5)."""
    kind, system, operation, source = parts
    system, modifies = System(system & ~MODIFY), bool(system & MODIFY)
    ctx = None
    if operation[0] == BY_PATH:
        return _path("exp.paths", describe_tree(source), operation, describe_tree, modifies=modifies)
    if operation[0] == WITH_CONTEXT:
        ctx = _ctx(operation[1])
        operation = operation[2]
    opcode, *arguments = operation
    family = _family(system, opcode)
    row = family.opcodes(opcode)
    names, kinds = row.arguments, family.kinds
    texts = [describe_tree(argument) for argument in arguments]
    if modifies and names[:1] == ("return_type",):
        # What removes gives the rest of the source; its return type only says whether it is inverted.
        names, kinds = ("removed", *names[1:]), {**kinds, "removed": MapReturnType}
    if row in _SINGLE and system == System.CDT and arguments[0] in (MapReturnType.VALUE, MapReturnType.KEY):
        names = (*names, "value_type")
        texts.append(f"ExpType.{ExpType(kind).name}")
        arguments = [*arguments, None]
    plain = [argument[1] if _quoted(argument) else argument for argument in arguments]
    return _call(f"exp.{family.name}.{row.function}", names, kinds, describe_tree(source), texts, plain, ctx)


def _quoted(argument: Any) -> bool:
    return isinstance(argument, list) and argument[:1] == [ExpOp.QUOTE]
