"""What each method of a client sends and how its answer is read, told once for all clients; no I/O here.

Each function takes what the method was called with and the client's default policies, and makes the
`Command` that an executor runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias

from pyspike._wire import (
    MISSING_RAISES,
    Command,
    Key,
    Operation,
    delete_request,
    exists_request,
    operate_request,
    read_request,
    touch_request,
    write_request,
)
from pyspike.operations import OpCode
from pyspike.policy import Expiration, InfoPolicy, ReadPolicy, SupportsToBytes, WritePolicy, ttl_header

KeyLike: TypeAlias = "Key | tuple[str, str | None, int | str | bytes]"
Milliseconds: TypeAlias = "float | timedelta"
Ttl: TypeAlias = "int | timedelta | Expiration"
Filter: TypeAlias = "SupportsToBytes | bytes"

RAISE = MISSING_RAISES


@dataclass(frozen=True, slots=True)
class Policies:
    """The policies of calls that are given none."""

    read: ReadPolicy
    write: WritePolicy
    info: InfoPolicy


def _ttl(ttl: Ttl | None) -> int | None:
    return None if ttl is None else ttl_header(ttl)


def get(
    policies: Policies,
    key: KeyLike,
    bins: Sequence[str] | None,
    default: object,
    timeout: Milliseconds | None,
    filter_expression: Filter | None,
    policy: ReadPolicy | None,
) -> Command:
    """Read a record."""
    return read_request(key, bins, (policy or policies.read).settings, timeout, filter_expression, default)


def exists(
    policies: Policies,
    key: KeyLike,
    timeout: Milliseconds | None,
    filter_expression: Filter | None,
    policy: ReadPolicy | None,
) -> Command:
    """Look whether a record is there."""
    return exists_request(key, (policy or policies.read).settings, timeout, filter_expression)


def write(
    policies: Policies,
    code: OpCode,
    key: KeyLike,
    bins: Mapping[str, object],
    timeout: Milliseconds | None,
    ttl: Ttl | None,
    generation: int | None,
    filter_expression: Filter | None,
    policy: WritePolicy | None,
) -> Command:
    """Put, add, append or prepend, by the operation's code."""
    settings = (policy or policies.write).settings
    return write_request(key, code, bins, settings, timeout, _ttl(ttl), generation, filter_expression)


def touch(
    policies: Policies,
    key: KeyLike,
    timeout: Milliseconds | None,
    ttl: Ttl | None,
    generation: int | None,
    filter_expression: Filter | None,
    policy: WritePolicy | None,
) -> Command:
    """Give a record a new time to live."""
    settings = (policy or policies.write).settings
    return touch_request(key, settings, timeout, _ttl(ttl), generation, filter_expression)


def delete(
    policies: Policies,
    key: KeyLike,
    timeout: Milliseconds | None,
    generation: int | None,
    filter_expression: Filter | None,
    policy: WritePolicy | None,
) -> Command:
    """Delete a record."""
    settings = (policy or policies.write).settings
    return delete_request(key, settings, timeout, generation, filter_expression)


def operate(
    policies: Policies,
    key: KeyLike,
    operations: Iterable[Operation],
    timeout: Milliseconds | None,
    ttl: Ttl | None,
    generation: int | None,
    filter_expression: Filter | None,
    policy: WritePolicy | None,
) -> Command:
    """Several operations on one record."""
    settings = (policy or policies.write).settings
    return operate_request(key, operations, settings, timeout, _ttl(ttl), generation, filter_expression)
