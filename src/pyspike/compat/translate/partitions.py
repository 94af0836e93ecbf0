"""Partitions: which ones a query asks for, and how far it is, in the official client's dictionaries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyspike import Cursor, PartitionFilter, Record
from pyspike._wire import DIGEST_SIZE, PARTITIONS
from pyspike.compat.model.exceptions import param_error

__all__ = ["PartitionStatus", "filters_of", "status_of"]

NO_DIGEST = bytes(DIGEST_SIZE)


class PartitionStatus(dict[Any, Any]):
    """How far a query is with each partition; a query that is given it goes on there.

    Attributes:
        cursor: the same in pyspike's form.
        pending: a record that was not accepted, and is given again.
    """

    cursor: Cursor | None = None
    pending: Record | None = None


def filters_of(given: Any) -> tuple[list[PartitionFilter], Any]:
    """The partitions that a `partition_filter` asks for, and the status that it has.

    Raises:
        ParamError: there are no such partitions, or the status is none.
    """
    if not isinstance(given, dict):
        raise param_error("partition_filter must be a dict")
    begin, count = given.get("begin", 0), given.get("count", PARTITIONS)
    if not isinstance(begin, int) or not 0 <= begin < PARTITIONS:
        raise param_error(f"invalid partition_filter policy begin: {begin}")
    if not isinstance(count, int) or not 0 <= count <= PARTITIONS:
        raise param_error(f"invalid partition_filter policy count: {count}")
    if begin + count > PARTITIONS:
        raise param_error(f"invalid partition filter range: begin {begin}, count {count}")
    status = given.get("partition_status")
    if status:
        _check_status(status)
        if isinstance(status, PartitionStatus) and status.cursor is not None:
            return [PartitionFilter(begin, count)], status
        return _rest(status, begin, count), None
    digest = given.get("digest")
    if isinstance(digest, dict) and digest.get("init"):
        return [PartitionFilter(begin, 1, bytes(digest["value"]))], None
    return [PartitionFilter(begin, count)] if count else [], None


def _check_status(status: Any) -> None:
    if not isinstance(status, dict):
        raise param_error("partition_status must be a dict")
    for name in ("done", "retry"):
        if name not in status:
            raise param_error(f"partition_status dict missing key '{name}'")
        if not isinstance(status[name], int):
            raise param_error(f"partition_status dict key '{name}' must be an int")
    for number, state in status.items():
        if isinstance(number, str):
            continue
        if not isinstance(state, tuple) or len(state) != 5:
            raise param_error(f"invalid status for part_id: {number}")
        _, init, retry, digest, bval = state
        for name, value, kind in (
            ("init", init, int),
            ("retry", retry, int),
            ("digest value", digest, bytearray),
            ("bval", bval, int),
        ):
            if not isinstance(value, kind):
                raise param_error(f"invalid {name} for part_id: {number}")


def _rest(status: dict[Any, Any], begin: int, count: int) -> list[PartitionFilter]:
    """What is left of the partitions, each by itself: the status tells where in each the query stands."""
    filters = []
    for number in range(begin, begin + count):
        _, init, retry, digest, _ = status.get(number, (number, False, True, bytearray(), 0))
        if retry:
            filters.append(PartitionFilter(number, 1, bytes(digest) if init else None))
    return filters


# Reading pyspike's cursor -----------------------------------------------------------------------------------

HEADER = 6  # magic, version, flags
HAS_BVALS = 1
BEGUN, DONE = 1, 2
CHECK = 4


def status_of(cursor: Cursor, pending: Record | None, accepted: Mapping[int, bytes]) -> PartitionStatus:
    """The status that a cursor stands for.

    Args:
        cursor: where a query stands.
        pending: a record that the query has given, and its caller has not accepted.
        accepted: the digest of the last record of each partition that the caller has accepted.
    """
    data = cursor.to_bytes()
    has_bvals = data[HEADER - 1] & HAS_BVALS
    at = HEADER
    for _ in range(2):  # the namespace and the set
        at += 1 + data[at]
    at += DIGEST_SIZE
    begin, count = (int.from_bytes(data[at + 2 * each : at + 2 * each + 2], "big") for each in (0, 1))
    states = data[at + 4 :]
    at += 4 + (count + 3) // 4
    done = cursor.done and pending is None
    made = PartitionStatus(done=done, retry=done)
    for place in range(count):
        state = states[place // 4] >> (6 - 2 * (place % 4)) & 3
        digest, bval = NO_DIGEST, 0
        if state == BEGUN:
            digest, at = data[at : at + DIGEST_SIZE], at + DIGEST_SIZE
            if has_bvals:
                bval, at = int.from_bytes(data[at : at + 8], "big", signed=True), at + 8
        made[begin + place] = (begin + place, state == BEGUN, state != DONE, bytearray(digest), bval)
    if pending is not None:
        number = pending.key.partition_id
        before = accepted.get(number)
        made[number] = (number, before is not None, True, bytearray(before or NO_DIGEST), 0)
    made.cursor, made.pending = cursor, pending
    return made
