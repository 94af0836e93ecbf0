"""The keys of the official client's policies: what may be in each, of which type, and what it means here.

`KEYS` has, for each key, the type that its value must have, the field of pyspike's policy that it sets,
and the members of an enum that its numbers stand for. A key without a field has no effect here; why is said
beside it.
"""

from __future__ import annotations

from enum import Enum
from typing import Any, NamedTuple

from pyspike import (
    AuthMode,
    CommitLevel,
    Concurrency,
    ConsistencyLevel,
    ErrorDetails,
    GenerationPolicy,
    QueryDuration,
    ReadModeSC,
    ReadTouchTTL,
    RecordExistsAction,
    Replica,
)

__all__ = ["AUTH_MODES", "GLOBAL", "KEYS", "KINDS", "PolicyKey"]


class PolicyKey(NamedTuple):
    """What is known of a key.

    Args:
        kind: the type of its values: int, bool; `object` for those that are checked where they are used.
        field: the field of pyspike's policies; empty if it has no effect.
        members: what its numbers stand for; None if they are passed on.
    """

    kind: type
    field: str = ""
    members: dict[Any, object] | None = None


def _enum(kind: type[Enum]) -> dict[int, object]:
    return {member.value: member for member in kind}


EXISTS = {
    0: RecordExistsAction.UPDATE,
    1: RecordExistsAction.CREATE_ONLY,
    2: RecordExistsAction.UPDATE_ONLY,
    3: RecordExistsAction.REPLACE_ONLY,
    4: RecordExistsAction.REPLACE,
}
REPLICAS = {
    0: Replica.MASTER,
    1: Replica.RANDOM,  # ANY
    2: Replica.SEQUENCE,
    3: Replica.PREFER_RACK,
    4: Replica.RANDOM,
}
TOUCHES: dict[int, object] = {0: ReadTouchTTL.SERVER_DEFAULT, -1: ReadTouchTTL.DONT_RESET}
READ_MODES: dict[Any, object] = {
    0: ReadModeSC.SESSION,
    1: ReadModeSC.LINEARIZE,
    2: ReadModeSC.ALLOW_REPLICA,
    3: ReadModeSC.ALLOW_UNAVAILABLE,
}
AUTH_MODES = {member.value: member for member in AuthMode}

KEYS = {
    "total_timeout": PolicyKey(int, "total_timeout"),
    "socket_timeout": PolicyKey(int, "socket_timeout"),
    "connect_timeout": PolicyKey(int, "connect_timeout"),
    "timeout_delay": PolicyKey(int, "timeout_delay"),
    "max_retries": PolicyKey(int, "max_retries"),
    "sleep_between_retries": PolicyKey(int, "sleep_between_retries"),
    "compress": PolicyKey(bool, "use_compression"),
    "compression_threshold": PolicyKey(int, "compression_threshold"),
    "error_detail_verbosity": PolicyKey(int, "error_details", _enum(ErrorDetails)),
    "expressions": PolicyKey(object, "filter_expression"),
    "txn": PolicyKey(object),  # looked at by the call
    "key": PolicyKey(int, "send_key", {0: False, 1: True}),
    "replica": PolicyKey(int, "replica", {**REPLICAS}),
    "deserialize": PolicyKey(bool),  # looked at by the call
    "read_touch_ttl_percent": PolicyKey(int, "read_touch_ttl", TOUCHES),
    "read_mode_ap": PolicyKey(int, "consistency_level", _enum(ConsistencyLevel)),
    "read_mode_sc": PolicyKey(int, "read_mode_sc", READ_MODES),
    "gen": PolicyKey(int, "generation_policy", _enum(GenerationPolicy)),
    "generation": PolicyKey(int, "generation"),
    "exists": PolicyKey(int, "record_exists_action", {**EXISTS}),
    "commit_level": PolicyKey(int, "commit_level", _enum(CommitLevel)),
    "durable_delete": PolicyKey(bool, "durable_delete"),
    "on_locking_only": PolicyKey(bool, "on_locking_only"),
    "ttl": PolicyKey(int, "expiration"),
    "concurrent": PolicyKey(bool, "concurrency", {0: Concurrency.SEQUENTIAL, 1: Concurrency.PARALLEL}),
    "allow_inline": PolicyKey(bool, "allow_inline"),
    "allow_inline_ssd": PolicyKey(bool, "allow_inline_ssd"),
    "respond_all_keys": PolicyKey(bool, "respond_all_keys"),
    "expected_duration": PolicyKey(int, "expected_duration", _enum(QueryDuration)),
    "short_query": PolicyKey(bool),  # looked at by the call
    "partition_filter": PolicyKey(object),  # looked at by the call
    "records_per_second": PolicyKey(int, "records_per_second"),
    "max_records": PolicyKey(int, "max_records"),
    "timeout": PolicyKey(int, "timeout"),
    "send_as_is": PolicyKey(bool),
    "check_bounds": PolicyKey(bool),
}

_BASE = (
    "total_timeout socket_timeout connect_timeout timeout_delay max_retries sleep_between_retries compress "
    "error_detail_verbosity expressions txn "
)
_READS = "deserialize read_touch_ttl_percent read_mode_ap read_mode_sc replica "
_BATCH = _BASE + _READS + "concurrent allow_inline allow_inline_ssd respond_all_keys"

KINDS = {
    kind: frozenset(names.split())
    for kind, names in {
        "read": _BASE + _READS + "key",
        "write": _BASE
        + "key gen exists commit_level durable_delete replica compression_threshold on_locking_only ttl",
        "operate": _BASE + _READS + "key gen exists commit_level durable_delete on_locking_only ttl",
        "apply": _BASE + "key replica commit_level durable_delete ttl on_locking_only",
        "remove": _BASE + "key gen generation commit_level replica durable_delete",
        "query": _BASE + "deserialize replica short_query expected_duration partition_filter",
        "scan": _BASE + "durable_delete records_per_second max_records replica ttl partition_filter",
        "batch": _BATCH,
        "batch_parent_write": _BATCH,
        "txn_verify": _BATCH,
        "txn_roll": _BATCH,
        "batch_read": "read_touch_ttl_percent read_mode_ap read_mode_sc expressions",
        "batch_write": "key gen commit_level durable_delete exists on_locking_only expressions ttl",
        "batch_apply": "key commit_level ttl durable_delete on_locking_only expressions",
        "batch_remove": "key commit_level gen generation durable_delete expressions",
        "info": "timeout send_as_is check_bounds",
        "admin": "timeout",
    }.items()
}

# Keys beside the policies in a client's configuration, which hold for all policies that have them.
GLOBAL = frozenset(("total_timeout", "max_retries", "exists", "key", "replica", "commit_level"))
