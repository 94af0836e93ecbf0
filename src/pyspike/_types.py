"""The types that signatures of both clients name. A leaf: only keys and values are below it."""

from __future__ import annotations

from datetime import timedelta
from typing import Protocol, TypeAlias

from pyspike._wire import Key
from pyspike.values import Expiration

__all__ = ["Filter", "KeyLike", "Milliseconds", "SupportsToBytes", "Ttl"]


class SupportsToBytes(Protocol):
    """An expression: whatever can turn itself into the form in which a server takes one."""

    def to_bytes(self) -> bytes:
        """The expression as a server takes it."""
        ...


KeyLike: TypeAlias = Key | tuple[str, str | None, int | str | bytes]
Milliseconds: TypeAlias = float | timedelta
Ttl: TypeAlias = int | timedelta | Expiration
Filter: TypeAlias = SupportsToBytes | bytes
