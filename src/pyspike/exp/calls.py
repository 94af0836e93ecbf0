"""Operations on lists, maps, blobs, HyperLogLogs and strings inside expressions: what their modules share.

Such a call is `[127, result type, system, [opcode, arguments...], source]` (expressions.md 6.5). It works on
a copy: one that modifies gives the modified value.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Any

from pyspike._wire import Packed, pack_element
from pyspike.cdt.checks import member, truth
from pyspike.cdt.context import Ctx, flat
from pyspike.cdt.enums import INVERTED, ListReturnType, MapReturnType
from pyspike.cdt.opcodes import WITH_CONTEXT, ExpOp
from pyspike.cdt.rules import ends_servers
from pyspike.cdt.signatures import Types
from pyspike.cdt.types import ExpType, TypeLike, type_of
from pyspike.errors import InvalidArgument
from pyspike.exp.expression import Expression, Operand, literal, names_bin, node, operand
from pyspike.exp.record import bin_of

__all__ = ["Ctx", "call", "integer", "optional", "source_of"]


ANY: Types = tuple(ExpType)
INTEGER: Types = (ExpType.INT,)
LIST: Types = (ExpType.LIST,)
KEY: Types = (ExpType.INT, ExpType.STRING, ExpType.BLOB)
KEY_BOUND: Types = (ExpType.NIL, *KEY)
NUMBER: Types = (ExpType.INT, ExpType.FLOAT)


def call(
    system: int,
    kind: ExpType | None,
    operation: Sequence[Any],
    source: Expression,
    ctx: Ctx = None,
) -> Expression:
    """A call.

    Args:
        system: whose operation it is, with MODIFY if it modifies.
        kind: what it gives.
        operation: the opcode, then its arguments: expressions and plain numbers.
        source: what it works on.
        ctx: the way to an element inside the source.
    """
    inside = [part._analysis for part in operation if isinstance(part, Expression)]
    packed: list[Any] = [part._packed if isinstance(part, Expression) else part for part in operation]
    if ctx:
        packed = [WITH_CONTEXT, flat(ctx), packed]
    gives = ExpType.NIL if kind is None else kind
    return node(
        ExpOp.CALL, gives, int(gives), int(system), Packed(pack_element(packed)), source, inside=inside
    )


def source_of(value: Operand, name: str, kind: ExpType, ctx: Ctx = None) -> Expression:
    """What a call works on; a str names a bin.

    Args:
        value: the expression, value or name.
        name: the function, for the error.
        kind: what its operation works on.
        ctx: the way to that inside the source, which is then the list or map that the first context looks in.
    """
    allowed: Types = (kind,)
    if ctx:
        allowed = (ExpType.LIST, ExpType.MAP)
        flat(ctx)
        if ctx[0].in_list or ctx[0].in_map:
            allowed = (ExpType.LIST,) if ctx[0].in_list else (ExpType.MAP,)
    if names_bin(value):
        return bin_of(value, allowed[0])
    return operand(value, name, 0, allowed)


def changed(source: Expression, kind: ExpType, ctx: Ctx) -> ExpType:
    """The type of what a modifying call gives: that of its source."""
    if source.type is not None:
        return source.type
    return (ExpType.LIST if ctx[0].in_list else ExpType.MAP) if ctx else kind


def integer(value: Operand, name: str, place: int) -> Expression:
    """An argument that is an int."""
    return operand(value, name, place, INTEGER)


def optional(value: Operand, name: str, place: int) -> tuple[Expression, ...]:
    """An int that may be left out."""
    return () if value is None else (operand(value, name, place, INTEGER),)


def end_of(value: Operand, name: str, place: int, allowed: Types) -> tuple[Expression, ...]:
    """The end of a range, which may be left out."""
    return () if value is None else (operand(value, name, place, allowed),)


def inverted_bit(inverted: bool) -> int:
    """The return type of removing calls: nothing, or all but what is selected."""
    return INVERTED if truth(inverted, "inverted") else 0


def refuse_empty(values: Expression, name: str, return_type: int, inverted: bool) -> None:
    """Refuse what ends the process of some servers: an inverted selection by no keys or no values."""
    if ends_servers(values.same_as(literal([])), return_type, inverted):
        raise InvalidArgument(
            f"exp.{name}: an empty list, inverted, ends the process of some servers",
            advice="use an index range from 0",
        )


# Return types -----------------------------------------------------------------------------------------------

_FIXED = {
    int(MapReturnType.COUNT): ExpType.INT,
    int(MapReturnType.EXISTS): ExpType.BOOL,
    int(MapReturnType.KEY_VALUE): ExpType.MAP,
    int(MapReturnType.UNORDERED_MAP): ExpType.MAP,
    int(MapReturnType.ORDERED_MAP): ExpType.MAP,
}


def single(
    name: str, return_type: Any, kind: type[IntEnum], value_type: TypeLike | None
) -> tuple[int, ExpType]:
    """The return type of a call that selects one element, and what it gives.

    Args:
        name: the function, for the error.
        return_type: what to give.
        kind: whether lists' or maps'.
        value_type: what the element, or its key, is.
    """
    number = _returned(name, return_type, kind)
    if number in (MapReturnType.VALUE, MapReturnType.KEY):
        if value_type is None:
            raise InvalidArgument(
                f"exp.{name}: the server must be told the type of the {kind(number).name.lower()}",
                advice="give value_type, say ExpType.INT",
            )
        return number, type_of(value_type, "value_type")
    given = _FIXED.get(number, ExpType.INT)
    told = given if value_type is None else type_of(value_type, "value_type")
    if told is not given:
        raise InvalidArgument(f"exp.{name}: {kind(number).name} gives {given.name}, not {told.name}")
    return number, given


def several(name: str, return_type: Any, kind: type[IntEnum], inverted: bool) -> tuple[int, ExpType]:
    """The return type of a call that may select several elements, and what it gives."""
    number = _returned(name, return_type, kind)
    return number | inverted_bit(inverted), _FIXED.get(number, ExpType.LIST)


def _returned(name: str, return_type: Any, kind: type[IntEnum]) -> int:
    number = member(return_type, kind, "return_type")
    if number == ListReturnType.NONE:
        raise InvalidArgument(f"exp.{name}: NONE gives nothing to work with")
    return number
