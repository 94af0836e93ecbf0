"""Expressions: what the server works out for a record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspike.compat.aerospike_helpers.expressions import (
    arithmetic,
    base,
    bitwise,
    bitwise_operators,
    hll,
    list,
    map,
    string,
)
from pyspike.compat.aerospike_helpers.expressions.resources import ResultType, _BaseExpr

_CLASSES = {
    name: kind
    for module in (base, bitwise, hll, list, map, arithmetic, bitwise_operators, string)
    for name, kind in vars(module).items()
    if isinstance(kind, type) and issubclass(kind, _BaseExpr) and not name.startswith("_")
}
globals().update(_CLASSES)
__all__ = ["ResultType", *_CLASSES]

if TYPE_CHECKING:

    def __getattr__(name: str) -> type[_BaseExpr]: ...
