"""What all expressions are: objects that can be put into each other, and compiled for the client.

An expression is turned into pyspike's own when it is first used, and its bytes are kept.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pyspike import errors, exp
from pyspike._wire import key_rank, pack_element
from pyspike.compat.facts.constants import number
from pyspike.compat.facts.expressions import Row, rows
from pyspike.compat.model.exceptions import param_error, raised
from pyspike.compat.model.values import null
from pyspike.compat.translate.contexts import contexts_of
from pyspike.compat.translate.operations import OPTIONS
from pyspike.compat.translate.values import sendable

__all__ = ["Compiled", "ResultType", "checked_flags", "classes", "literal", "value_of"]

MAP_RETURN_KEY_VALUE = number("MAP_RETURN_KEY_VALUE")

Options = Callable[[Any, str, bool], dict[str, Any]]


class ResultType:
    """The types of values, as expressions name them."""

    NIL = 0
    BOOLEAN = 1
    INTEGER = 2
    STRING = 3
    LIST = 4
    MAP = 5
    BLOB = 6
    FLOAT = 7
    GEOJSON = 8
    HLL = 9


class Compiled(list[Any]):
    """A compiled expression: what policies and operations take.

    It is a list, as with the official client, but what is in it is this package's own business.
    """

    __slots__ = ("_bytes",)

    def __init__(self, expression: _BaseExpr) -> None:
        super().__init__((expression,))
        self._bytes: bytes | None = None

    def to_bytes(self) -> bytes:
        """The server's form of it.

        Raises:
            ParamError: a value in it can't be used.
            InvalidRequest: its types do not fit, so that a server would refuse it.
        """
        if self._bytes is None:
            try:
                self._bytes = self[0].made().to_bytes()
            except errors.InvalidArgument as error:
                raise raised("InvalidRequest", error.message) from error
        return self._bytes

    @property
    def gives_pairs(self) -> bool:
        """Whether it gives keys and values of a map, which the official client has one behind the other."""
        expression = self[0]
        if not isinstance(expression, _TableExpr) or "return_type" not in expression._row.names:
            return False
        place = expression._row.names.index("return_type")
        return bool(expression.arguments[place] == MAP_RETURN_KEY_VALUE)

    __hash__ = object.__hash__  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return self is other


class _BaseExpr:
    """An expression."""

    _made: Any = None

    def compile(self) -> Compiled:
        """The expression as policies and operations take it."""
        return Compiled(self)

    def made(self) -> Any:
        """The expression as pyspike has it."""
        if self._made is None:
            self._made = self._make()
        return self._made

    def _make(self) -> Any:
        raise NotImplementedError


def value_of(value: Any) -> Any:
    """An argument as pyspike's functions take it: an expression, or a value."""
    if isinstance(value, _BaseExpr):
        return value.made()
    if isinstance(value, Compiled):
        return value[0].made()
    return literal(value)


def literal(value: Any) -> Any:
    """A value; maps with their entries in the order of keys, as the official client sends them.

    Raises:
        ParamError: it can't be sent.
    """
    made = _sorted(sendable(value))
    try:
        pack_element(made)
    except errors.InvalidArgument as error:
        raise param_error(error.message) from error
    return made


def _sorted(value: Any) -> Any:
    if type(value) is list:
        return [_sorted(item) for item in value]
    if isinstance(value, dict):
        return type(value)((key, _sorted(value[key])) for key in sorted(value, key=key_rank))
    return value


def checked_flags(flags: Any) -> int:
    """Flags of a path.

    Raises:
        ParamError: it is no int.
    """
    if not isinstance(flags, int):
        raise param_error("flags must be an integer")
    return flags


# Classes out of tables --------------------------------------------------------------------------------------

# Keywords of pyspike's functions; all other arguments go by their place.
KEYWORDS = {
    "return_type": "return_type",
    "value_type": "value_type",
    "inverted": "inverted",
    "flags": "resize_flags",
    "action": "action",
    "sign": "signed",
    "regex_flags": "regex_flags",
    "numeric_type": "numeric_type",
    "invert_size": "invert_size",
}
BOOLS = frozenset(("inverted", "sign", "invert_size"))
BIT_COUNTS = frozenset(("index_bit_count", "mh_bit_count"))
ENDS = frozenset(("end", "value_end"))


class _TableExpr(_BaseExpr):
    """An expression whose class is a line of a table."""

    _row: Row
    _function: Callable[..., Any]
    _options: Options | None

    def __init__(self, *args: Any, **named: Any) -> None:
        row = self._row
        if row.several:
            if named:
                raise TypeError(f"{row.name}() takes no keyword arguments")
            self.arguments = args
            return
        names = row.names
        if len(args) > len(names):
            raise TypeError(f"{row.name}() takes {len(names)} arguments, not {len(args)}")
        given = dict(zip(names, args, strict=False))
        for name, value in named.items():
            if name not in names or name in given:
                raise TypeError(f"{row.name}() got an unexpected argument {name!r}")
            given[name] = value
        if len(given) < len(names):
            given = row.defaults | given
            for name in names:
                if name not in given:
                    raise TypeError(f"{row.name}() misses the argument {name!r}")
        self.arguments = tuple(given[name] for name in names)

    def _make(self) -> Any:
        row = self._row
        if row.several:
            return self._function(*map(value_of, self.arguments))
        if row.names == ("bin",) and not isinstance(self.arguments[0], str | _BaseExpr):
            raise param_error("a bin's name must be a string")
        places: list[Any] = []
        keywords: dict[str, Any] = {}
        for name, value in zip(row.names, self.arguments, strict=True):
            if name == row.source:
                places.insert(row.place, value if isinstance(value, str) else value_of(value))
            elif name == "ctx":
                if value is not None:
                    keywords["ctx"] = contexts_of(value)
            elif name == "policy":
                if value and self._options is not None:
                    keywords |= self._options(value, row.function.rpartition(".")[2], False)
            elif name in KEYWORDS:
                if value is not None:
                    keywords[KEYWORDS[name]] = bool(value) if name in BOOLS else value
            elif name in BIT_COUNTS and value == -1:
                places.append(None)
            elif name in ENDS and isinstance(value, null):
                places.append(exp.nil())  # None would leave this side open
            else:
                places.append(value_of(value))
        return self._function(*places, **keywords)


def classes(table: str, module: str) -> dict[str, type[_BaseExpr]]:
    """The classes of a table, by their names.

    Args:
        table: the table.
        module: the name of the module that they are to be in.
    """
    return {row.name: _class(row, module) for row in rows(table)}


def _class(row: Row, module: str) -> type[_BaseExpr]:
    family, _, name = row.function.rpartition(".")
    body = {
        "__module__": module,
        "__doc__": f"`{row.name}({', '.join(row.names)})`: see `pyspike.exp.{row.function}`.",
        "_row": row,
        "_function": staticmethod(getattr(getattr(exp, family) if family else exp, name)),
        "_options": staticmethod(OPTIONS[family]) if family in OPTIONS else None,
    }
    return type(row.name, (_TableExpr,), body)
