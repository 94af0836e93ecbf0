"""Helpers of operations on whole bins and records; `facts.operations` has the table of those on bins."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pyspike.compat.aerospike_helpers.making import helpers
from pyspike.compat.facts.constants import CONSTANTS

globals().update(helpers("operations", __name__))

_OP_TOUCH, _OP_DELETE = CONSTANTS["OPERATOR_TOUCH"], CONSTANTS["OPERATOR_DELETE"]
_OP_SELECT, _OP_MODIFY = CONSTANTS["_AS_OPERATOR_CDT_READ"], CONSTANTS["_AS_OPERATOR_CDT_MODIFY"]
_FLAGS, _NEW_VALUE = CONSTANTS["_CDT_FLAGS_KEY"], CONSTANTS["_CDT_APPLY_MOD_EXP_KEY"]


def delete() -> dict[Any, Any]:
    """Delete the record."""
    return {"op": _OP_DELETE}


def touch(ttl: int | None = None) -> dict[Any, Any]:
    """Give the record a new time to live, and a new generation.

    Args:
        ttl: the time in seconds; better in the policy of the call.
    """
    if not ttl:
        return {"op": _OP_TOUCH}
    warnings.warn(
        "TTL should be specified in the policy parameter for operate", DeprecationWarning, stacklevel=2
    )
    return {"op": _OP_TOUCH, "val": ttl}


def select_by_path(bin_name: str, ctx: list[Any], flags: int) -> dict[Any, Any]:
    """Read the elements that a path leads to.

    Args:
        bin_name: the bin.
        ctx: the path.
        flags: what is wanted of them, `EXP_PATH_SELECT_...`.
    """
    return {"op": _OP_SELECT, "bin": bin_name, "ctx": ctx, _FLAGS: flags}


def modify_by_path(bin_name: str, ctx: list[Any], expr: Any, flags: int) -> dict[Any, Any]:
    """Replace the elements that a path leads to.

    Args:
        bin_name: the bin.
        ctx: the path.
        expr: the new value, a compiled expression.
        flags: `EXP_PATH_MODIFY_...`.
    """
    return {"op": _OP_MODIFY, "bin": bin_name, "ctx": ctx, _NEW_VALUE: expr, _FLAGS: flags}


if TYPE_CHECKING:

    def __getattr__(name: str) -> Callable[..., dict[str, Any]]: ...
