"""What each method of a client sends and how its answer is read, told once for all clients; no I/O here.

Each function takes what the method was called with and the client's default policies, and makes the
`Command` that an executor runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple, TypeAlias

from pyspike._wire import (
    ADD,
    APPEND,
    MISSING_RAISES,
    PREPEND,
    PUT,
    Command,
    Key,
    Operation,
    Settings,
    delete_request,
    exists_request,
    operate_request,
    read_request,
    touch_request,
    write_request,
)
from pyspike.errors import InvalidType
from pyspike.policy import Expiration, InfoPolicy, ReadPolicy, SupportsToBytes, WritePolicy, ttl_header

__all__ = [
    "ADD",
    "APPEND",
    "PREPEND",
    "PUT",
    "RAISE",
    "Filter",
    "KeyLike",
    "Milliseconds",
    "Policies",
    "Ttl",
    "delete",
    "exists",
    "get",
    "operate",
    "touch",
    "write",
]

KeyLike: TypeAlias = "Key | tuple[str, str | None, int | str | bytes]"
Milliseconds: TypeAlias = "float | timedelta"
Ttl: TypeAlias = "int | timedelta | Expiration"
Filter: TypeAlias = "SupportsToBytes | bytes"

RAISE = MISSING_RAISES


class Policies(NamedTuple):
    """The policies of calls that are given none."""

    read: ReadPolicy
    write: WritePolicy
    info: InfoPolicy


def _reading(policy: ReadPolicy) -> Settings:
    if not isinstance(policy, ReadPolicy):
        raise InvalidType(f"policy must be a ReadPolicy here, not {type(policy).__name__}")
    return policy.settings


def _writing(policy: WritePolicy) -> Settings:
    if not isinstance(policy, WritePolicy):
        raise InvalidType(f"policy must be a WritePolicy here, not {type(policy).__name__}")
    return policy.settings


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
    settings = policies.read.settings if policy is None else _reading(policy)
    return read_request(key, bins, settings, timeout, filter_expression, default)


def exists(
    policies: Policies,
    key: KeyLike,
    timeout: Milliseconds | None,
    filter_expression: Filter | None,
    policy: ReadPolicy | None,
) -> Command:
    """Look whether a record is there."""
    settings = policies.read.settings if policy is None else _reading(policy)
    return exists_request(key, settings, timeout, filter_expression)


def write(
    policies: Policies,
    code: int,
    key: KeyLike,
    bins: Mapping[str, object],
    timeout: Milliseconds | None,
    ttl: Ttl | None,
    generation: int | None,
    filter_expression: Filter | None,
    policy: WritePolicy | None,
) -> Command:
    """Write bins; `code` is PUT, ADD, APPEND or PREPEND."""
    settings = policies.write.settings if policy is None else _writing(policy)
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
    settings = policies.write.settings if policy is None else _writing(policy)
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
    settings = policies.write.settings if policy is None else _writing(policy)
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
    settings = policies.write.settings if policy is None else _writing(policy)
    return operate_request(key, operations, settings, timeout, _ttl(ttl), generation, filter_expression)
