"""Expressions of numbers; `facts.expressions` has their table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyspike.compat.aerospike_helpers.expressions.resources import _BaseExpr, classes
from pyspike.compat.facts.expressions import NUMBERS

globals().update(classes(NUMBERS, __name__))

if TYPE_CHECKING:

    def __getattr__(name: str) -> type[_BaseExpr]: ...


def _operators() -> None:
    """Give expressions the operators of numbers; several of one kind become one expression."""

    def several(kind: Any) -> Any:
        def operator(left: Any, right: Any) -> Any:
            parts = [part.arguments if type(part) is kind else (part,) for part in (left, right)]
            return kind(*parts[0], *parts[1])

        return operator

    named: dict[str, Any] = globals()
    for method, made in {
        "__add__": several(named["Add"]),
        "__sub__": several(named["Sub"]),
        "__mul__": several(named["Mul"]),
        "__truediv__": several(named["Div"]),
        "__floordiv__": lambda left, right: named["Floor"](left / right),
        "__pow__": lambda left, right: named["Pow"](left, right),
        "__mod__": lambda left, right: named["Mod"](left, right),
        "__abs__": lambda value: named["Abs"](value),
        "__floor__": lambda value: named["Floor"](value),
        "__ceil__": lambda value: named["Ceil"](value),
    }.items():
        setattr(_BaseExpr, method, made)


_operators()
