"""What methods return of records: tuples of a key, metadata and bins."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from pyspike._wire import RecordTuples
from pyspike.compat.translate.values import deserialized, official_value

__all__ = ["NEVER", "TUPLES", "tuples_of"]

NEVER = 0xFFFF_FFFF  # the time to live of a record that never expires

TUPLES = RecordTuples(official_value)
WITHOUT_USER_KEY = RecordTuples(official_value, with_user_key=False)


def tuples_of(deserialize: Callable[[Any], Any] | None, *, with_user_key: bool = True) -> RecordTuples:
    """What makes tuples of records that were read.

    Args:
        deserialize: makes values of bytes; None if they stay bytes.
        with_user_key: whether keys are told, or their digests only.
    """
    if deserialize is not None:
        of_bytes = partial(deserialized, deserialize=deserialize)
        return RecordTuples(official_value, of_bytes=of_bytes, with_user_key=with_user_key)
    return TUPLES if with_user_key else WITHOUT_USER_KEY
