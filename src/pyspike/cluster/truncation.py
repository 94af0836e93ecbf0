"""Truncating sets and namespaces (admin-and-info.md 9.4)."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone

from pyspike.cluster.administer import administer
from pyspike.cluster.call import ClusterCall
from pyspike.cluster.info_names import namespace_name, set_name
from pyspike.errors import InvalidArgument, InvalidType
from pyspike.showing import shown

__all__ = ["truncate", "truncating"]

_UNIX_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_OLDEST = datetime(2010, 1, 1, 0, 0, 1, tzinfo=timezone.utc)  # times of records count from 2010 on
_MILLISECOND = 0.0015  # seconds, and some: a server keeps what was written in the one in which it is told


def truncate(call: ClusterCall, namespace: str, of_set: str | None, before: datetime | None) -> None:
    """Have the records of a set, or of a namespace, removed.

    Raises:
        InvalidType, InvalidArgument: an argument can't be used.
        AerospikeError: as from `administer` and `ClusterCall.begin_in`.
    """
    command = truncating(namespace, of_set, before)
    call.begin_in(namespace, of_set)
    if before is None:
        time.sleep(_MILLISECOND)
    administer(call, command, repeatable=True)


def truncating(namespace: str, of_set: str | None, before: datetime | None) -> str:
    """The command that removes the records of a set, or of a namespace.

    Raises:
        InvalidType, InvalidArgument: an argument can't be used.
    """
    word, parts = "truncate-namespace", [f"namespace={namespace_name(namespace)}"]
    if of_set is not None:
        word = "truncate"
        parts.append(f"set={set_name(of_set)}")
    if before is not None:
        parts.append(f"lut={_nanoseconds(before)}")
    return f"{word}:{';'.join(parts)}"


def _nanoseconds(before: datetime) -> int:
    """The time as servers take it: since 1970."""
    if not isinstance(before, datetime):
        raise InvalidType(f"before must be a datetime, not {shown(before)}")
    if before.utcoffset() is None:
        raise InvalidArgument(
            f"before must have a time zone: {before.isoformat()} is another time in each",
            advice="datetime.now(timezone.utc) has one, datetime.astimezone() adds that of this machine",
        )
    if before < _OLDEST:
        raise InvalidArgument(f"before must be later than the start of 2010, not {before.isoformat()}")
    return (before - _UNIX_EPOCH) // timedelta(microseconds=1) * 1000
