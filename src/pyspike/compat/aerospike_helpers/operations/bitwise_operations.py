"""Helpers of operations on the bits of blobs; `facts.operations` has their table."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pyspike.compat.aerospike_helpers.making import helpers

globals().update(helpers("bitwise_operations", __name__))

if TYPE_CHECKING:

    def __getattr__(name: str) -> Callable[..., dict[str, Any]]: ...
