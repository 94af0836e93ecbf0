"""Expressions of lists; `facts.expressions` has their table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspike.compat.aerospike_helpers.expressions.resources import _BaseExpr, classes
from pyspike.compat.facts.expressions import LISTS

globals().update(classes(LISTS, __name__))

if TYPE_CHECKING:

    def __getattr__(name: str) -> type[_BaseExpr]: ...
