"""The expression object: built by functions and operators, compiled to bytes at once, immutable."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn, TypeAlias, TypeGuard

from pyspike._wire import Packed, extend_list, pack_element, pack_name, plain_text
from pyspike.cdt.checks import blob
from pyspike.cdt.describe import describe_expression
from pyspike.cdt.msgpack_tree import read_tree
from pyspike.cdt.opcodes import LITERAL, ExpOp
from pyspike.cdt.signatures import SIGNATURES, Types, for_a_bin, misfit, result_of
from pyspike.cdt.types import ExpType, literal_type
from pyspike.errors import InvalidArgument, InvalidType, ProtocolError
from pyspike.exp.analysis import Analysis, joined
from pyspike.exp.check import type_of_tree
from pyspike.exp.usage import ANYWHERE, FILTER, PATH_FILTER, PATH_VALUE, VALUE, Usage
from pyspike.showing import clipped, shown
from pyspike.values import GeoJSON, OrderedList, Special

__all__ = ["Expression", "Operand", "Value", "apply", "literal", "operand", "packed_name"]

Value: TypeAlias = (
    "bool | int | float | str | bytes | bytearray | list[Any] | tuple[Any, ...] | dict[Any, Any] | None"
)
"""What stands for itself in an expression, as `exp.val` of it does."""

Operand: TypeAlias = "Expression | Value | Special"
"""What an expression is made of: another one, or a value that stands for itself."""

NEVER = b"\xc2"  # the literal False
SHOWN_SIZE = 10_000  # characters of an expression's repr

_GROUPED = {
    ExpOp.ADD,
    ExpOp.SUB,
    ExpOp.MUL,
    ExpOp.DIV,
    ExpOp.AND,
    ExpOp.OR,
    ExpOp.INT_AND,
    ExpOp.INT_OR,
    ExpOp.INT_XOR,
}


class Expression:
    """Something that the server works out for a record: a filter, or the value of an operation.

    Made by the functions of `pyspike.exp`, and by operators on what they made; plain Python values next to
    one are taken as literals. `bytes(expression)` is the server's form of it.

        (exp.int_bin("age") >= 21) & (exp.str_bin("country") == "UK")

    `==`, `!=`, `<`, `<=`, `>`, `>=` compare. `&`, `|`, `^` and `~` mean and, or, exclusive or and not of
    bools, and work bit by bit on ints; they bind stronger than comparisons, so put these in parentheses.
    `+`, `-`, `*` and `/` compute with numbers of one type, `//` and `**` with floats, `%`, `<<` and `>>` with
    ints. `abs`, `math.floor` and `math.ceil` work too.

    Division is the server's, not Python's: `/` of ints gives an int, rounded towards zero (-7 / 2 is -3), and
    `%` has the sign of the left side (-7 % 2 is -1). By 0 both are unknown; `/` of floats gives an infinity.

    Because `==` makes an expression, two of them are held against each other by `same_as`.
    """

    __slots__ = ("_analysis", "_packed")

    _packed: Packed
    _analysis: Analysis

    def __init__(self) -> None:
        raise TypeError("expressions are made by the functions of pyspike.exp")

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"an expression can't be changed, so {shown(name)} can't be set")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"an expression can't be changed, so {shown(name)} can't be deleted")

    @property
    def type(self) -> ExpType | None:
        """What it gives; None where that can't be told, as for a variable."""
        return self._analysis.kind

    # As bytes -----------------------------------------------------------------------------------------------

    def to_bytes(self) -> bytes:
        """The server's form of it.

        Raises:
            InvalidArgument: it has a variable that no `exp.let` around it defines.
        """
        return self._in(ANYWHERE)

    __bytes__ = to_bytes

    def as_filter(self) -> bytes:
        """The server's form of it, as the filter of a command.

        Raises:
            InvalidType: it is no bool.
            InvalidArgument: it has a loop variable, or a variable that no `exp.let` around it defines.
        """
        return self._in(FILTER)

    def as_value(self) -> bytes:
        """The server's form of it, as what an operation reads or writes; raises as `as_filter` does."""
        return self._in(VALUE)

    def as_path_filter(self) -> bytes:
        """The server's form of it, as the filter of a path's elements.

        Raises:
            InvalidType: it is no bool.
            InvalidArgument: it looks at the record, which can't be seen there, or has a variable that no
                `exp.let` inside it defines, or is always false.
        """
        if self._packed.data == NEVER:
            raise InvalidArgument("a path's filter that is always false is refused by the server")
        return self._in(PATH_FILTER)

    def as_path_value(self) -> bytes:
        """The server's form of it, as the new value of a path's elements; raises as `as_path_filter` does."""
        return self._in(PATH_VALUE)

    def _in(self, usage: Usage) -> bytes:
        usage.check(self._analysis, self)
        return self._packed.data

    @classmethod
    def from_bytes(cls, data: bytes) -> Expression:
        """An expression of this or another client, out of its bytes. Its types are for the server to judge.

        Raises:
            InvalidArgument: they are no expression.
            InvalidType: they are no bytes.
        """
        data = blob(data, "an expression")
        try:
            tree = read_tree(data)
            kind = type_of_tree(tree)
        except (ProtocolError, RecursionError) as error:
            raise InvalidArgument(f"these bytes are no expression: {error}") from None
        is_call = isinstance(tree, list)
        if is_call and not (tree and type(tree[0]) is int):
            raise InvalidArgument("these bytes are no expression: a list must be quoted")
        analysis = Analysis(kind, tree[0], len(tree) - 1) if is_call else Analysis(kind, LITERAL)
        return make(Packed(data), analysis)

    def to_base64(self) -> str:
        """Its bytes as base 64 text, as index definitions and other clients have them."""
        return base64.b64encode(self.to_bytes()).decode()

    @classmethod
    def from_base64(cls, text: str) -> Expression:
        """An expression out of what `to_base64`, of this or another client, gave.

        Raises:
            InvalidArgument: it is no such text.
        """
        try:
            data = base64.b64decode(plain_text(text) if isinstance(text, str) else text, validate=True)
        except (ValueError, TypeError, binascii.Error) as error:
            raise InvalidArgument(f"{shown(text)} is no expression: {error}") from None
        return cls.from_bytes(data)

    def same_as(self, other: object) -> bool:
        """Whether the other is an expression with the same bytes."""
        return isinstance(other, Expression) and self._packed.data == other._packed.data

    def __hash__(self) -> int:
        return hash(self._packed.data)

    def __repr__(self) -> str:
        try:
            return clipped(describe_expression(self._packed.data), SHOWN_SIZE)
        except RecursionError:
            return f"<an expression of {len(self._packed.data)} bytes>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self._packed.data, *self._analysis)

    # What looks like a question to Python -------------------------------------------------------------------

    def __bool__(self) -> NoReturn:
        raise InvalidType(
            "an expression is true or false on the server, not here",
            advice="write &, | and ~ for and, or and not, with parentheses: (a > 1) & (a < 5)",
        )

    def __contains__(self, value: object) -> NoReturn:
        raise InvalidType("`in` can't be asked of an expression", advice="write exp.in_list(value, list)")

    __iter__ = None

    # Comparisons --------------------------------------------------------------------------------------------

    def __eq__(self, other: Operand) -> Expression:  # type: ignore[override]
        return apply(ExpOp.EQ, self, other)

    def __ne__(self, other: Operand) -> Expression:  # type: ignore[override]
        return apply(ExpOp.NE, self, other)

    def __lt__(self, other: Operand) -> Expression:
        return apply(ExpOp.LT, self, other)

    def __le__(self, other: Operand) -> Expression:
        return apply(ExpOp.LE, self, other)

    def __gt__(self, other: Operand) -> Expression:
        return apply(ExpOp.GT, self, other)

    def __ge__(self, other: Operand) -> Expression:
        return apply(ExpOp.GE, self, other)

    # Logic, or bits -----------------------------------------------------------------------------------------

    def __and__(self, other: Operand) -> Expression:
        return _both(ExpOp.AND, ExpOp.INT_AND, "&", self, other)

    def __rand__(self, other: Operand) -> Expression:
        return _both(ExpOp.AND, ExpOp.INT_AND, "&", other, self)

    def __or__(self, other: Operand) -> Expression:
        return _both(ExpOp.OR, ExpOp.INT_OR, "|", self, other)

    def __ror__(self, other: Operand) -> Expression:
        return _both(ExpOp.OR, ExpOp.INT_OR, "|", other, self)

    def __xor__(self, other: Operand) -> Expression:
        return _both(ExpOp.EXCLUSIVE, ExpOp.INT_XOR, "^", self, other)

    def __rxor__(self, other: Operand) -> Expression:
        return _both(ExpOp.EXCLUSIVE, ExpOp.INT_XOR, "^", other, self)

    def __invert__(self) -> Expression:
        return apply(_logic_or_bits(ExpOp.NOT, ExpOp.INT_NOT, "~", self), self)

    def __lshift__(self, other: Operand) -> Expression:
        return apply(ExpOp.INT_LSHIFT, self, other)

    def __rlshift__(self, other: Operand) -> Expression:
        return apply(ExpOp.INT_LSHIFT, other, self)

    def __rshift__(self, other: Operand) -> Expression:
        return apply(ExpOp.INT_ARSHIFT, self, other)

    def __rrshift__(self, other: Operand) -> Expression:
        return apply(ExpOp.INT_ARSHIFT, other, self)

    # Numbers ------------------------------------------------------------------------------------------------

    def __add__(self, other: Operand) -> Expression:
        return _joined(ExpOp.ADD, self, other)

    def __radd__(self, other: Operand) -> Expression:
        return apply(ExpOp.ADD, other, self)

    def __sub__(self, other: Operand) -> Expression:
        return _joined(ExpOp.SUB, self, other)

    def __rsub__(self, other: Operand) -> Expression:
        return apply(ExpOp.SUB, other, self)

    def __mul__(self, other: Operand) -> Expression:
        return _joined(ExpOp.MUL, self, other)

    def __rmul__(self, other: Operand) -> Expression:
        return apply(ExpOp.MUL, other, self)

    def __truediv__(self, other: Operand) -> Expression:
        return _joined(ExpOp.DIV, self, other)

    def __rtruediv__(self, other: Operand) -> Expression:
        return apply(ExpOp.DIV, other, self)

    def __floordiv__(self, other: Operand) -> Expression:
        return _floored(self / other)

    def __rfloordiv__(self, other: Operand) -> Expression:
        return _floored(other / self)

    def __mod__(self, other: Operand) -> Expression:
        return apply(ExpOp.MOD, self, other)

    def __rmod__(self, other: Operand) -> Expression:
        return apply(ExpOp.MOD, other, self)

    def __pow__(self, other: Operand) -> Expression:
        return apply(ExpOp.POW, self, other)

    def __rpow__(self, other: Operand) -> Expression:
        return apply(ExpOp.POW, other, self)

    def __neg__(self) -> Expression:
        return apply(ExpOp.SUB, self)

    def __abs__(self) -> Expression:
        return apply(ExpOp.ABS, self)

    def __floor__(self) -> Expression:
        return apply(ExpOp.FLOOR, self)

    def __ceil__(self) -> Expression:
        return apply(ExpOp.CEIL, self)


# Making expressions -----------------------------------------------------------------------------------------


def make(packed: Packed, analysis: Analysis) -> Expression:
    """An expression of these bytes, of which this is known."""
    made = Expression.__new__(Expression)
    _set(made, "_packed", packed)
    _set(made, "_analysis", analysis)
    return made


_set = object.__setattr__


def _restore(data: bytes, *analysis: Any) -> Expression:
    return make(Packed(data), Analysis(*analysis))


def node(op: ExpOp, kind: ExpType | None, *parts: Any, inside: Iterable[Analysis] = ()) -> Expression:
    """An expression `[op, parts...]`; expressions among the parts are put in as they are.

    Args:
        op: its number.
        kind: what it gives.
        parts: expressions, plain numbers and `Packed`.
        inside: what is known of further expressions inside the parts.
    """
    known: list[Analysis] = [*inside]
    packed: list[Any] = [int(op)]
    for part in parts:
        if isinstance(part, Expression):
            known.append(part._analysis)
            packed.append(part._packed)
        else:
            packed.append(part)
    return make(Packed(pack_element(packed)), joined(kind, op, len(parts), known))


def apply(op: ExpOp, *operands: Operand) -> Expression:
    """An expression of this kind on these operands, once their types are found to fit."""
    made = [literal(value) for value in operands]
    return node(op, _result(op, made, operands), *made)


def apply_all(op: ExpOp, *operands: Operand) -> Expression:
    """Like `apply`, of what combines two or more: one alone, which the server refuses, stands for itself."""
    name = SIGNATURES[op].name
    if not operands:
        raise InvalidArgument(f"exp.{name} takes one or more arguments")
    first, *others = operands
    return apply(op, *operands) if others else operand(first, name, 0, SIGNATURES[op].takes[0])


def refuse_constants(name: str, *operands: Operand, kind: ExpType | None = ExpType.STRING) -> None:
    """Refuse Python values only, a str among them: it would be compared as a text, and a bin was meant.

    Args:
        name: the function, for the error.
        operands: its arguments.
        kind: the type that the bin has, as far as the other arguments tell.

    Raises:
        InvalidArgument: none is an expression, and one is a str.
    """
    texts = [value for value in operands if type(value) is str]
    if texts and not any(isinstance(value, Expression) for value in operands):
        bin_ = for_a_bin(texts[0], kind)
        raise InvalidArgument(
            f"exp.{name}: there is no bin, only constants: {', '.join(map(shown, operands))}",
            advice=f"{bin_}; for the constant write exp.val({shown(texts[0])})".removeprefix("; "),
        )


def _result(op: ExpOp, made: Sequence[Expression], given: Sequence[object] = ()) -> ExpType | None:
    for place, part in enumerate(made):
        if part._analysis.kind is None:
            value_at(part, SIGNATURES[op].name, place)
    return result_of(op, [part._analysis.kind for part in made], lambda place: shown(made[place]), given)


def value_at(made: Expression, name: str, place: int) -> Expression:
    """The argument of a function, once it is clear that it stands for a value.

    Args:
        made: the expression.
        name: the function, for the error.
        place: the argument's place, from 0.

    Raises:
        InvalidType: it is infinity, a wildcard, or the removal of an element.
    """
    analysis = made._analysis
    if analysis.removes or analysis.is_mark:
        what = "is for the new value of paths" if analysis.removes else "is for searching lists and maps"
        raise InvalidType(f"exp.{name}: argument {place + 1}, {shown(made)}, {what}")
    return made


def names_bin(value: Any) -> TypeGuard[str]:
    """Whether it is the name of a bin where a value or a name may stand: any str but GeoJSON."""
    return isinstance(value, str) and not isinstance(value, GeoJSON)


def literal(value: Any) -> Expression:
    """An expression as it is; a Python value as the literal for it.

    Raises:
        InvalidType: Aerospike has no such type, also inside a list or dict.
    """
    if isinstance(value, Expression):
        return value
    kind = literal_type(value)
    if kind is ExpType.LIST:
        quoted = value if isinstance(value, OrderedList) else list(value)
        return make(Packed(pack_element([int(ExpOp.QUOTE), quoted])), Analysis(kind, ExpOp.QUOTE, 1))
    return make(Packed(pack_element(value)), Analysis(kind, LITERAL))


def operand(value: Any, name: str, place: int, allowed: Types) -> Expression:
    """An argument of a function as an expression of one of these types.

    Args:
        value: an expression or a Python value.
        name: the function, for the error.
        place: the argument's place, from 0.
        allowed: the types that it may have.
    """
    made = literal(value)
    kind = made._analysis.kind
    if kind is None:
        searched_for = made._analysis.is_mark and ExpType.NIL in allowed
        return made if searched_for else value_at(made, name, place)
    if kind not in allowed:
        raise misfit(name, place, shown(made), kind, allowed, value)
    return made


def packed_name(name: Any, what: str, most: int = 0) -> Packed:
    """A name or pattern, which expressions hold without a type in front.

    Args:
        name: the text.
        what: what it is, for the error.
        most: how many bytes it may take, 0 for any number.
    """
    if not isinstance(name, str):
        raise InvalidType(f"{what} must be a str, not {shown(name)}")
    try:
        data = plain_text(name).encode()
    except UnicodeEncodeError as error:
        raise InvalidArgument(f"{what} {shown(name)} is not valid text: {error}") from None
    if most and not 0 < len(data) <= most:
        raise InvalidArgument(f"{what} {shown(name)} takes {len(data)} bytes, the server allows 1 to {most}")
    if b"\0" in data:
        raise InvalidArgument(f"{what} {shown(name)} has a NUL, at which the server would end it")
    return pack_name(data)


# Operators --------------------------------------------------------------------------------------------------


def _both(logic: ExpOp, bits: ExpOp, sign: str, left: Operand, right: Operand) -> Expression:
    first, second = literal(left), literal(right)
    return _joined(_logic_or_bits(logic, bits, sign, first, second), first, second)


def _logic_or_bits(logic: ExpOp, bits: ExpOp, sign: str, *operands: Expression) -> ExpOp:
    """Which of its two meanings an operator has, told by the operands' types."""
    kinds = {expression._analysis.kind for expression in operands} - {None}
    if not kinds:
        raise InvalidArgument(
            f"{sign} on what may be bools or ints: {', '.join(map(repr, operands))}",
            advice=f"write exp.{SIGNATURES[logic].name} or exp.{SIGNATURES[bits].name}",
        )
    return bits if ExpType.INT in kinds else logic


def _joined(op: ExpOp, left: Expression, right: Operand) -> Expression:
    """Like `apply`, but `a + b + c` becomes one expression of three, not one inside another."""
    second = literal(right)
    analysis = left._analysis
    if analysis.op != op or analysis.arity < 2 or op not in _GROUPED:
        return apply(op, left, right)
    kind = _result(op, [left, second], (left, right))
    without_head = analysis._replace(levels=analysis.levels - 1)
    both = joined(kind, op, analysis.arity + 1, [without_head, second._analysis])
    return make(extend_list(left._packed, second._packed), both)


def _floored(quotient: Any) -> Expression:
    made = literal(quotient)
    if made._analysis.kind is ExpType.INT:
        raise InvalidType(
            f"// of ints: {shown(made)}", advice="write /, which gives an int, rounded towards zero"
        )
    return apply(ExpOp.FLOOR, made)
