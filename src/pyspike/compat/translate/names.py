"""Names of bins, and what is wrong with them."""

from __future__ import annotations

from typing import Any

from pyspike._wire import MAX_BIN_NAME
from pyspike.compat.model.exceptions import param_error, raised

__all__ = ["bin_name_of", "check_length", "is_too_long"]


def bin_name_of(name: Any) -> str:
    """The name of a bin.

    Raises:
        ParamError: it is none.
    """
    if name is None:
        raise param_error("Bin is not given")
    if isinstance(name, bytearray):  # which ends at its first NUL
        return name.partition(b"\0")[0].decode()
    if not isinstance(name, str):
        raise param_error("Bin name should be of type string")
    return name


def is_too_long(name: str) -> bool:
    """Whether the server would refuse it for its length."""
    return len(name.encode(errors="replace")) > MAX_BIN_NAME


def check_length(name: str, **attributes: Any) -> None:
    """Refuse a name that is too long.

    Args:
        name: the name.
        attributes: of the exception.

    Raises:
        BinNameError: it is too long.
    """
    if is_too_long(name):
        raise raised("BinNameError", "A bin name should not exceed 15 characters limit", **attributes)
