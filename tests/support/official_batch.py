"""Plays the batch calls of the official client for the source text of a call, with pyspike's rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from pyspike._wire import Batch, BatchRow, Key, batch_rows
from pyspike.batch import BatchDelete, BatchRead, BatchWrite
from pyspike.compat.facts.constants import CONSTANTS
from pyspike.operations import get
from pyspike.policy import (
    BatchDeletePolicy,
    BatchPolicy,
    BatchReadPolicy,
    BatchWritePolicy,
    CommitLevel,
    Concurrency,
    ConsistencyLevel,
)
from support.official import (
    DETAILS,
    EXISTS,
    GENERATION,
    KEY,
    REPLICA,
    TOUCH_PERCENT,
    TTL,
    Names,
    Ops,
    OutOfScope,
    compressing,
    read_mode,
)
from support.official_helpers import names
from support.vectors import Case

DIGEST_AT = 3
# What is taken off the recorded requests by rules, changes no bytes, or is the default here.
IGNORED = {
    *(
        "deserialize",
        "error_detail_verbosity",
        "send_set_name",
    ),
    *("max_retries", "gen", "generation", "ttl"),
}


@dataclass(frozen=True)
class Call:
    """A batch as it would be sent."""

    batch: Batch
    rows: tuple[BatchRow, ...]


def _key(key: tuple[Any, ...]) -> Key:
    if key[2] is None:
        return Key.from_digest(key[0], key[1], key[DIGEST_AT])
    return Key(key[0], key[1], key[2])


def _left(policy: Mapping[str, Any], used: Iterable[str]) -> None:
    if unknown := set(policy) - set(used) - IGNORED:
        raise OutOfScope(f"policy {', '.join(sorted(unknown))}")


def batch_policy(policy: Mapping[str, Any] | None) -> BatchPolicy:
    """The policy that means the same. The official client asks one node after the other by default."""
    policy = policy or {}
    percent = policy.get("read_touch_ttl_percent", 0)
    made = BatchPolicy(
        total_timeout=policy.get("total_timeout", 1000),
        socket_timeout=policy.get("socket_timeout", 30_000),
        filter_expression=policy.get("expressions"),
        consistency_level=(
            ConsistencyLevel.ALL
            if policy.get("read_mode_ap") == "POLICY_READ_MODE_AP_ALL"
            else ConsistencyLevel.ONE
        ),
        read_touch_ttl=TOUCH_PERCENT.get(percent, percent),
        concurrency=Concurrency.PARALLEL if policy.get("concurrent") else Concurrency.SEQUENTIAL,
        allow_inline=policy.get("allow_inline", True),
        allow_inline_ssd=policy.get("allow_inline_ssd", False),
        respond_all_keys=policy.get("respond_all_keys", True),
        replica=REPLICA[policy.get("replica", "POLICY_REPLICA_SEQUENCE")],
        error_details=DETAILS[policy.get("error_detail_verbosity", 0)],
        read_mode_sc=read_mode(policy),
        **compressing(policy),
    )
    _left(
        policy,
        (
            *("total_timeout", "socket_timeout", "expressions", "read_mode_ap", "read_touch_ttl_percent"),
            *("concurrent", "allow_inline", "allow_inline_ssd", "respond_all_keys", "replica"),
            *("error_detail_verbosity", "compress", "read_mode_sc"),
        ),
    )
    return made


def _writing(policy: Mapping[str, Any]) -> dict[str, Any]:
    master = policy.get("commit_level") == "POLICY_COMMIT_LEVEL_MASTER"
    names = ("commit_level", "key", "exists", "durable_delete", "expressions", "on_locking_only")
    _left(policy, names)
    return {
        **KEY[policy.get("key", "POLICY_KEY_DIGEST")],
        "generation_policy": GENERATION[policy.get("gen", "POLICY_GEN_IGNORE")],
        "commit_level": CommitLevel.MASTER if master else CommitLevel.ALL,
        "durable_delete": policy.get("durable_delete", False),
        "filter_expression": policy.get("expressions"),
    }


def _generation(meta: Mapping[str, Any], policy: Mapping[str, Any]) -> int | None:
    if policy.get("gen", "POLICY_GEN_IGNORE") == "POLICY_GEN_IGNORE":
        return None
    generation: int = meta.get("gen", policy.get("generation", 0))
    return generation


def write(key: Any, ops: Any, meta: Any = None, policy: Any = None) -> BatchRow:
    meta, policy = meta or {}, policy or {}
    ttl = meta.get("ttl", policy.get("ttl", 0))
    exists = EXISTS[policy.get("exists", "POLICY_EXISTS_IGNORE")]
    locking = policy.get("on_locking_only", False)
    made = BatchWritePolicy(**_writing(policy), record_exists_action=exists, on_locking_only=locking)
    generation = _generation(meta, policy)
    return BatchWrite(_key(key), ops, ttl=TTL.get(ttl, ttl), generation=generation, policy=made)


def read(key: Any, ops: Any, read_all_bins: bool = False, meta: Any = None, policy: Any = None) -> BatchRow:
    policy = policy or {}
    own = None
    if policy:
        percent = policy.get("read_touch_ttl_percent")
        touch = None if percent is None else TOUCH_PERCENT.get(percent, percent)
        own = BatchReadPolicy(
            read_touch_ttl=touch,
            filter_expression=policy.get("expressions"),
            read_mode_sc=read_mode(policy) if "read_mode_sc" in policy else None,
        )
        _left(policy, ("read_touch_ttl_percent", "expressions", "read_mode_sc"))
    if not ops:
        return BatchRead(_key(key), None if read_all_bins else [], policy=own)
    if read_all_bins:
        ops = [*ops, get()]
    return BatchRead(_key(key), operations=ops, policy=own)


def remove(key: Any, policy: Any = None) -> BatchRow:
    policy = policy or {}
    made = BatchDeletePolicy(**_writing(policy))
    return BatchDelete(_key(key), generation=_generation({}, policy), policy=made)


def apply(*_: Any, **__: Any) -> Any:
    raise OutOfScope("functions")


class _Constants(Names):
    """Those of the helpers have their values."""

    def __getattr__(self, name: str) -> Any:
        return CONSTANTS.get(name, name) if "RETURN" in name else name


class BatchClient:
    """The methods of `aerospike.Client` that a recorded batch uses."""

    def _call(self, rows: Iterable[BatchRow], policy: Any) -> Call:
        rows = tuple(rows)
        return Call(batch_rows(rows, batch_policy(policy).settings), rows)

    def batch_read(self, keys: Any, bins: Any = None, policy: Any = None) -> Call:
        return self._call([BatchRead(_key(key), bins) for key in keys], policy)

    def batch_write(self, rows: Any, policy_batch: Any = None) -> Call:
        return self._call(rows, policy_batch)

    def batch_operate(
        self, keys: Any, ops: Any, policy_batch: Any = None, policy_batch_write: Any = None, ttl: Any = None
    ) -> Call:
        if not any(operation.is_write for operation in ops):
            return self._call([read(key, ops) for key in keys], policy_batch)
        meta = {} if ttl is None else {"ttl": ttl}
        return self._call([write(key, ops, meta, policy_batch_write) for key in keys], policy_batch)

    def batch_remove(self, keys: Any, policy_batch: Any = None, policy_batch_remove: Any = None) -> Call:
        own = dict(policy_batch_remove or {})
        if "expressions" in own:  # it is the filter of the whole batch then
            policy_batch = {**(policy_batch or {}), "expressions": own.pop("expressions")}
        return self._call([remove(key, own) for key in keys], policy_batch)

    batch_apply = apply


def call(recorded: Case) -> Call:
    """What pyspike makes of a recorded batch; raises what pyspike raises, or `OutOfScope`."""
    records = SimpleNamespace(BatchRecords=list, Write=write, Read=read, Remove=remove, Apply=apply)
    known = names() | {"client": BatchClient(), "aerospike": _Constants(), "op": Ops(), "br": records}
    *before, last = recorded.call.replace(".compile()", "").split("; ")
    for source in before:
        exec(source, known)
    made = eval(last, known)
    assert isinstance(made, Call)
    return made
