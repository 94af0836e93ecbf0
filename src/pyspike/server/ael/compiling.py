"""From the tree of an AEL text to the expression that clients would send packed.

Owns: which types fit, and which opcode stands for what. Not here: what opcodes do (../expressions).
"""

from __future__ import annotations

from ..protocol.constants import BIN_NAME_MAX
from ..protocol.flags import ContextType, ExpType, ReturnType
from ..protocol.opcodes import CallSystem, CdtEnvelope, ExpOpcode, ListOpcode, MapOpcode, StringOpcode
from ..values.encoding import encode
from ..values.ordering import sort_key
from ..values.packed import PackedList, PackedMap, Value
from .tokens import mistake
from .tree import Apply, Literal, Match, Node, Path, Property, Step

__all__ = ["compile_filter", "context_of", "expression_of", "type_told"]

_COMPARISONS = frozenset((ExpOpcode.EQ, ExpOpcode.NE, ExpOpcode.GT, ExpOpcode.GE, ExpOpcode.LT, ExpOpcode.LE))
_LOGIC = frozenset((ExpOpcode.AND, ExpOpcode.OR, ExpOpcode.NOT, ExpOpcode.EXCLUSIVE))
_FLOATS = frozenset((ExpOpcode.POW, ExpOpcode.TO_FLOAT))
_NUMBERS = frozenset((ExpOpcode.ADD, ExpOpcode.SUB, ExpOpcode.MUL, ExpOpcode.DIV))
_LISTS = frozenset((ContextType.LIST_INDEX, ContextType.LIST_RANK, ContextType.LIST_VALUE))
_VALUES = frozenset((ContextType.LIST_VALUE, ContextType.MAP_VALUE))
_GETTERS: dict[ContextType, int] = {
    ContextType.LIST_INDEX: ListOpcode.GET_BY_INDEX,
    ContextType.LIST_RANK: ListOpcode.GET_BY_RANK,
    ContextType.LIST_VALUE: ListOpcode.GET_ALL_BY_VALUE,
    ContextType.MAP_INDEX: MapOpcode.GET_BY_INDEX,
    ContextType.MAP_RANK: MapOpcode.GET_BY_RANK,
    ContextType.MAP_KEY: MapOpcode.GET_BY_KEY,
    ContextType.MAP_VALUE: MapOpcode.GET_ALL_BY_VALUE,
}


def compile_filter(node: Node) -> bytes:
    """The packed expression of a filter.

    Raises:
        RequestError: PARAMETER: it is no filter, or types do not fit.

    """
    return encode(_typed(node, ExpType.BOOL))


def expression_of(node: Node, kind: int) -> bytes:
    """The packed expression of a part, whose type is known from elsewhere."""
    return encode(_typed(node, kind))


def context_of(steps: tuple[Step, ...]) -> bytes:
    """The steps of a path as the context of an index; empty if there are none."""
    return encode(PackedList(0, _context(steps))) if steps else b""


def type_told(node: Node) -> int | None:
    """The type of a part, if the text tells it."""
    if isinstance(node, Match):
        return ExpType.BOOL
    if isinstance(node, Path):
        return {"exists": ExpType.BOOL, "count": ExpType.INT}.get(node.function, node.type)
    if isinstance(node, Property):
        return None if node.type == ExpType.UNKNOWN else node.type
    if isinstance(node, Literal):
        return node.type
    if node.opcode in _LOGIC or node.opcode in _COMPARISONS or node.opcode == ExpOpcode.IN_LIST:
        return ExpType.BOOL
    if node.opcode in _FLOATS:
        return ExpType.FLOAT
    if node.opcode not in _NUMBERS:
        return ExpType.INT
    return next((kind for part in node.parts if (kind := type_told(part)) is not None), None)


def _call(opcode: int, *arguments: Value) -> PackedList:
    return PackedList(0, [int(opcode), *arguments])


def _typed(node: Node, wanted: int) -> Value:
    """The expression of a part that is to be of a type."""
    kind = type_told(node)
    if kind is not None and kind != wanted:
        raise mistake(f"{_name(kind)} where {_name(wanted)} is wanted", node.place)
    if isinstance(node, Literal):
        return _literal(node.value)
    if isinstance(node, Path):
        return _path(node, wanted)
    if isinstance(node, Property):
        return _property(node, wanted)
    if isinstance(node, Match):
        call = _call(StringOpcode.REGEX_COMPARE, node.pattern, node.flags)
        subject = _typed(node.subject, ExpType.STRING)
        return _call(ExpOpcode.CALL, int(ExpType.BOOL), int(CallSystem.STRING), call, subject)
    return _apply(node, wanted)


def _name(kind: int) -> str:
    return ExpType(kind).name


def _apply(node: Apply, wanted: int) -> Value:
    if node.opcode in _COMPARISONS:
        kind = _one_type(node)
        return _call(node.opcode, *(_typed(part, kind) for part in node.parts))
    if node.opcode == ExpOpcode.IN_LIST:
        return _in_list(node)
    if node.opcode in _LOGIC:
        return _call(node.opcode, *(_typed(part, ExpType.BOOL) for part in node.parts))
    if node.opcode in (ExpOpcode.TO_INT, ExpOpcode.TO_FLOAT):
        (part,) = node.parts
        other = ExpType.FLOAT if node.opcode == ExpOpcode.TO_INT else ExpType.INT
        told = type_told(part)
        return _call(node.opcode, _typed(part, other if told is None else told))
    if wanted not in (ExpType.INT, ExpType.FLOAT):
        raise mistake(f"a number where {_name(wanted)} is wanted", node.place)
    return _call(node.opcode, *(_typed(part, wanted) for part in node.parts))


def _one_type(node: Apply) -> int:
    """The type of both sides of a comparison."""
    kinds = [kind for part in node.parts if (kind := type_told(part)) is not None]
    if not kinds:
        raise mistake(f"the types of both sides of {node.sign!r} are not told; write one as :INT", node.place)
    return kinds[0]


def _in_list(node: Apply) -> Value:
    wanted, items = node.parts
    kind = type_told(wanted)
    if kind is None and isinstance(items, Literal) and isinstance(items.value, PackedList):
        kinds = {_type_of(each) for each in items.value.items}
        kind = kinds.pop() if len(kinds) == 1 else None
    if kind is None:
        raise mistake("the type of what is looked for is not told; write it as :INT", wanted.place)
    return _call(node.opcode, _typed(wanted, kind), _typed(items, ExpType.LIST))


def _type_of(value: Value) -> int:
    kinds = {bool: ExpType.BOOL, int: ExpType.INT, float: ExpType.FLOAT, bytes: ExpType.STRING}
    containers = {PackedList: ExpType.LIST, PackedMap: ExpType.MAP}
    return (kinds | containers)[type(value)]


def _literal(value: Value) -> Value:
    if isinstance(value, PackedMap):
        return PackedMap(value.flags, sorted(value.pairs, key=lambda pair: sort_key(pair[0])))
    return _call(ExpOpcode.QUOTE, value) if isinstance(value, PackedList) else value


def _property(node: Property, wanted: int) -> Value:
    if node.opcode == ExpOpcode.KEY:
        return _call(node.opcode, int(wanted))
    return _call(node.opcode, *node.arguments)


# --- paths --------------------------------------------------------------------------------------------------


def _path(node: Path, wanted: int) -> Value:
    if len(node.bin) > BIN_NAME_MAX:
        raise mistake("the name of a bin that is too long", node.place)
    if not node.steps:
        return _bin(node, wanted)
    *before, last = node.steps
    if last.by in _VALUES and not node.function:
        raise mistake("a place by its value, of which only exists() and count() can be told", node.place)
    told = {"exists": ReturnType.EXISTS, "count": ReturnType.COUNT}.get(node.function, ReturnType.VALUE)
    if node.function == "count" and last.by not in _VALUES:
        return _count(node)
    call: Value = _call(_GETTERS[last.by], int(told), last.value)
    return _in_bin(node, tuple(before), call, wanted)


def _bin(node: Path, wanted: int) -> Value:
    if node.function == "exists":
        return _call(ExpOpcode.NE, _call(ExpOpcode.BIN_TYPE, node.bin), 0)
    return _count(node) if node.function == "count" else _call(ExpOpcode.BIN, int(wanted), node.bin)


def _count(node: Path) -> Value:
    """How many elements a list or map has: a map if that is told as its type."""
    opcode = MapOpcode.SIZE if node.type == ExpType.MAP else ListOpcode.SIZE
    return _in_bin(node, node.steps, _call(opcode), ExpType.INT)


def _in_bin(node: Path, before: tuple[Step, ...], call: Value, wanted: int) -> Value:
    """A call on what a bin has behind some steps."""
    if before:
        call = _call(CdtEnvelope.CONTEXT, PackedList(0, _context(before)), call)
    if node.steps:
        kind = ExpType.LIST if node.steps[0].by in _LISTS else ExpType.MAP
    else:
        kind = ExpType.MAP if node.type == ExpType.MAP else ExpType.LIST
    source = _call(ExpOpcode.BIN, int(kind), node.bin)
    return _call(ExpOpcode.CALL, int(wanted), int(CallSystem.CDT), call, source)


def _context(steps: tuple[Step, ...]) -> list[Value]:
    return [each for step in steps for each in (int(step.by), step.value)]
