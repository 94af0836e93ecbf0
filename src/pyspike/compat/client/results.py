"""What methods return of records: tuples of a key, metadata and bins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pyspike import Key, RawParticle, Record
from pyspike.compat.translate.values import deserialized, official_bins

__all__ = ["NEVER", "meta_of", "record_of", "whole_key"]

NEVER = 0xFFFF_FFFF  # the time to live of a record that never expires


def meta_of(record: Record) -> dict[str, int]:
    """The generation and time to live of a record."""
    ttl = record.ttl
    return {"ttl": NEVER if ttl is None else ttl, "gen": record.generation}


def whole_key(key: Key, *, with_user_key: bool = True) -> tuple[str, str | None, Any, bytearray]:
    """A key with its digest."""
    user_key: Any = key.user_key if with_user_key else None
    if type(user_key) is bytes:
        user_key = bytearray(user_key)
    elif type(user_key) is RawParticle:
        user_key = user_key.data
    return key.namespace, key.set_name or None, user_key, bytearray(key.digest)


def record_of(
    record: Record, *, with_user_key: bool = True, deserialize: Callable[[Any], Any] | None = None
) -> tuple[Any, dict[str, int], dict[str, Any]]:
    """A record that was read.

    Args:
        record: the record.
        with_user_key: whether the key is told, or its digest only.
        deserialize: makes values of bytes; None if they stay bytes.
    """
    bins = official_bins(record.bins)
    if deserialize is not None:
        for name, value in bins.items():
            if type(value) is bytes:
                bins[name] = deserialized(value, deserialize)
    return whole_key(record.key, with_user_key=with_user_key), meta_of(record), bins
