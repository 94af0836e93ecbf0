"""Expressions of bins, keys and metadata, comparisons and logic; `facts.expressions` has most of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyspike import exp
from pyspike.compat.aerospike_helpers.expressions.resources import (
    _BaseExpr,
    checked_flags,
    classes,
    literal,
    value_of,
)
from pyspike.compat.facts.constants import number
from pyspike.compat.facts.expressions import BASE, LOOP_VARIABLES
from pyspike.compat.model.exceptions import param_error
from pyspike.compat.translate.contexts import contexts_of

globals().update(classes(BASE, __name__))

_NO_FAIL = number("EXP_PATH_SELECT_NO_FAIL")
_KEY, _VALUE, _INDEX = (number(f"EXP_LOOPVAR_{part}") for part in ("KEY", "VALUE", "INDEX"))


class Val(_BaseExpr):
    """A value.

    Args:
        value: the value.
    """

    def __init__(self, value: Any) -> None:
        self.value = value

    def _make(self) -> Any:
        return exp.val(literal(self.value))


class _Key(_BaseExpr):
    kind: type

    def _make(self) -> Any:
        return exp.key(self.kind)


class KeyInt(_Key):
    """The record's key, if it is stored and an int."""

    kind = int


class KeyStr(_Key):
    """The record's key, if it is stored and a str."""

    kind = str


class KeyBlob(_Key):
    """The record's key, if it is stored and bytes."""

    kind = bytes


class CmpRegex(_BaseExpr):
    """Whether a regular expression is found in a string.

    Args:
        options: how it matches, `REGEX_...`.
        regex_str: the regular expression.
        cmp_str: the string.
    """

    def __init__(self, options: int, regex_str: str, cmp_str: Any) -> None:
        self.options, self.regex_str, self.cmp_str = options, regex_str, cmp_str

    def _make(self) -> Any:
        value = exp.val(self.cmp_str) if isinstance(self.cmp_str, str) else value_of(self.cmp_str)
        return exp.regex_compare(self.regex_str, value, flags=exp.RegexFlags(self.options))


class LoopVar(_BaseExpr):
    """What stands for the element in question inside a path.

    Args:
        var_id: its key, value or index, `EXP_LOOPVAR_...`.
    """

    kind: int

    def __init__(self, var_id: int) -> None:
        self.var_id = var_id

    def _make(self) -> Any:
        if self.var_id == _INDEX:
            return exp.loop_index()
        if self.var_id not in (_KEY, _VALUE):
            raise param_error("var_id must be one of aerospike.EXP_LOOPVAR_*")
        return (exp.loop_key if self.var_id == _KEY else exp.loop_value)(exp.ExpType(self.kind))


globals().update(
    {
        f"LoopVar{name}": type(f"LoopVar{name}", (LoopVar,), {"kind": kind, "__module__": __name__})
        for kind, name in enumerate(LOOP_VARIABLES)
    }
)


class _Path(_BaseExpr):
    ctx: Any
    flags: Any
    bin: Any

    def _parts(self) -> tuple[Any, Any, int, bool]:
        """The source, the path, what is wanted, and whether elements may fail."""
        flags = checked_flags(self.flags)
        source = self.bin if isinstance(self.bin, str) else value_of(self.bin)
        return source, contexts_of(self.ctx), flags & ~_NO_FAIL, bool(flags & _NO_FAIL)


class SelectByPath(_Path):
    """What a path leads to.

    Args:
        ctx: the path.
        value_type: the type of the result.
        flags: what is wanted of the elements, `EXP_PATH_SELECT_...`.
        bin: the list or map.
    """

    def __init__(self, ctx: list[Any], value_type: int, flags: int, bin: Any) -> None:
        self.ctx, self.value_type, self.flags, self.bin = ctx, value_type, flags, bin

    def _make(self) -> Any:
        source, path, what, no_fail = self._parts()
        return exp.paths.select(source, path, what, no_fail=no_fail)  # type: ignore[arg-type]


class ModifyByPath(_Path):
    """The list or map with the elements that a path leads to replaced.

    Args:
        ctx: the path.
        value_type: the type of the result.
        mod_exp: the new value, a compiled expression.
        flags: `EXP_PATH_MODIFY_...`.
        bin: the list or map.
    """

    def __init__(self, ctx: list[Any], value_type: int, mod_exp: Any, flags: int, bin: Any) -> None:
        self.ctx, self.value_type, self.mod_exp, self.flags, self.bin = ctx, value_type, mod_exp, flags, bin

    def _make(self) -> Any:
        source, path, _, no_fail = self._parts()
        return exp.paths.modify(source, path, value_of(self.mod_exp), no_fail=no_fail)


if TYPE_CHECKING:

    def __getattr__(name: str) -> type[_BaseExpr]: ...
