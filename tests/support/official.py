"""Plays the official client for the source text of a recorded call, but makes the request with pyspike.

Names and defaults are the official client's (total timeout 1000 ms, socket timeout 30000 ms); what they mean
is translated to pyspike's policies here, in tables. Nothing is sent, and the official client is not needed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pyspike import Key, digest, operations
from pyspike._wire import Command, Operation
from pyspike.policy import (
    CommitLevel,
    ConsistencyLevel,
    ErrorDetails,
    Expiration,
    GenerationPolicy,
    ReadModeSC,
    ReadPolicy,
    ReadTouchTTL,
    RecordExistsAction,
    Replica,
    WritePolicy,
)
from pyspike.values import GeoJSON, HyperLogLog, KeyOrderedDict
from support.messages import FILTER, parse
from support.unsent import UNSENT
from support.vectors import Case, case


class OutOfScope(Exception):  # noqa: N818 - says that, not that something is wrong
    """The call needs what pyspike's single-record commands do not have; `args[0]` says what."""


class Names:
    """Constants stand for themselves: `aerospike.POLICY_GEN_EQ` is the string."""

    def __getattr__(self, name: str) -> str:
        return name

    def null(self) -> None:
        return None

    def geojson(self, text: str) -> GeoJSON:
        return GeoJSON(text)

    def calc_digest(self, namespace: str, set_name: str | None, key: Any) -> bytes:
        return digest(set_name, key)


class _Expression:
    """Any expression: only that there is one matters, its bytes come from the recording."""

    def __getattr__(self, name: str) -> Callable[..., _Expression]:
        return lambda *_: self


class _NoSuchValue:
    """A wildcard or infinity: values of comparisons, never of bins."""


class Ops:
    """`operations` of the official helpers."""

    def read(self, name: str) -> Operation:
        return operations.get(name)

    def write(self, name: str, value: Any) -> Operation:
        return operations.put(name, value)

    def increment(self, name: str, value: Any) -> Operation:
        return operations.add(name, value)

    def append(self, name: str, value: Any) -> Operation:
        return operations.append(name, value)

    def prepend(self, name: str, value: Any) -> Operation:
        return operations.prepend(name, value)

    def touch(self, ttl: int | None = None) -> Any:
        return operations.touch() if ttl is None else (operations.touch(), ttl)

    def delete(self) -> Operation:
        return operations.delete()


class _ScopedOut:
    """Helpers of operations that are not scalar."""

    def __init__(self, what: str) -> None:
        self.what = what

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def refuse(*_: Any, **__: Any) -> None:
            raise OutOfScope(self.what)

        return refuse


# The official client's values, and the fields of pyspike's policies that mean the same.
KEY: dict[str, dict[str, Any]] = {"POLICY_KEY_SEND": {"send_key": True}, "POLICY_KEY_DIGEST": {}}
GENERATION = {
    "POLICY_GEN_IGNORE": GenerationPolicy.NONE,
    "POLICY_GEN_EQ": GenerationPolicy.EXPECT_GEN_EQUAL,
    "POLICY_GEN_GT": GenerationPolicy.EXPECT_GEN_GREATER,
}
EXISTS = {
    "POLICY_EXISTS_IGNORE": RecordExistsAction.UPDATE,
    "POLICY_EXISTS_CREATE": RecordExistsAction.CREATE_ONLY,
    "POLICY_EXISTS_UPDATE": RecordExistsAction.UPDATE_ONLY,
    "POLICY_EXISTS_REPLACE": RecordExistsAction.REPLACE_ONLY,
    "POLICY_EXISTS_CREATE_OR_REPLACE": RecordExistsAction.REPLACE,
}
REPLICA = {
    "POLICY_REPLICA_MASTER": Replica.MASTER,
    "POLICY_REPLICA_SEQUENCE": Replica.SEQUENCE,
    "POLICY_REPLICA_RANDOM": Replica.RANDOM,
    # No bytes tell them apart; pyspike has no racks yet, and "any" is another word for random.
    "POLICY_REPLICA_ANY": Replica.RANDOM,
    "POLICY_REPLICA_PREFER_RACK": Replica.SEQUENCE,
}
TTL = {
    "TTL_NAMESPACE_DEFAULT": None,  # what pyspike's policies begin with
    0: None,
    "TTL_NEVER_EXPIRE": Expiration.NEVER,
    "TTL_DONT_UPDATE": Expiration.DONT_UPDATE,
}
DETAILS = {
    **{each.value: each for each in ErrorDetails},
    "ERROR_DETAIL_SUBCODE": ErrorDetails.SUBCODE,
    "ERROR_DETAIL_MESSAGE": ErrorDetails.MESSAGE,
    "ERROR_DETAIL_EXP_TRACE": ErrorDetails.TRACE,
}
TOUCH_PERCENT = {0: ReadTouchTTL.SERVER_DEFAULT, -1: ReadTouchTTL.DONT_RESET}

# Options of the official client that pyspike does not have, or not yet. The bits they set are taken off the
# recorded request by a rule of the test that compares.
IGNORED = {
    "connect_timeout",
    "deserialize",
}


def _base(policy: Mapping[str, Any], filter_bytes: bytes | None) -> dict[str, Any]:
    total, socket = policy.get("total_timeout", 1000), policy.get("socket_timeout", 30_000)
    return {
        "total_timeout": total,
        "socket_timeout": socket or None,
        "timeout_delay": policy.get("timeout_delay", 0),
        "filter_expression": filter_bytes if "expressions" in policy else None,
        "error_details": DETAILS[policy.get("error_detail_verbosity", 0)],
        **compressing(policy),
    }


def compressing(policy: Mapping[str, Any]) -> dict[str, Any]:
    """The fields for `compress`, which a threshold implies."""
    if not policy.get("compress") and "compression_threshold" not in policy:
        return {}
    return {"use_compression": True, "compression_threshold": policy.get("compression_threshold", 128)}


def _known(policy: Mapping[str, Any], *names: str) -> None:
    base = {"total_timeout", "socket_timeout", "timeout_delay", "expressions", "replica", "key"}
    base |= {"compress", "compression_threshold"}
    unknown = set(policy) - base - {"error_detail_verbosity"} - IGNORED - set(names)
    if unknown:
        raise OutOfScope(f"policy {', '.join(sorted(unknown))}")


def _reading(policy: Mapping[str, Any]) -> dict[str, Any]:
    percent = policy.get("read_touch_ttl_percent", 0)
    everywhere = policy.get("read_mode_ap") == "POLICY_READ_MODE_AP_ALL"
    return {
        "read_touch_ttl": TOUCH_PERCENT.get(percent, percent),
        "consistency_level": ConsistencyLevel.ALL if everywhere else ConsistencyLevel.ONE,
        "read_mode_sc": read_mode(policy),
    }


def read_mode(policy: Mapping[str, Any]) -> ReadModeSC:
    """The read mode that a policy names."""
    name = policy.get("read_mode_sc", "POLICY_READ_MODE_SC_SESSION")
    return ReadModeSC[name.removeprefix("POLICY_READ_MODE_SC_")]


def read_policy(policy: Mapping[str, Any] | None, filter_bytes: bytes | None) -> ReadPolicy:
    """The policy that means the same. A read of pyspike never sends the key ("key" is not looked at)."""
    policy = policy or {}
    _known(policy, "read_mode_ap", "read_mode_sc", "read_touch_ttl_percent")
    replica = REPLICA[policy.get("replica", "POLICY_REPLICA_SEQUENCE")]
    return ReadPolicy(**_base(policy, filter_bytes), **_reading(policy), replica=replica)


def write_policy(policy: Mapping[str, Any] | None, filter_bytes: bytes | None) -> WritePolicy:
    """The policy that means the same, but for generation and time to live, which are keywords of the call."""
    policy = policy or {}
    names = ("gen", "generation", "exists", "commit_level", "durable_delete", "ttl", "read_mode_ap")
    _known(policy, *names, "read_mode_sc", "on_locking_only", "read_touch_ttl_percent")
    master = policy.get("commit_level") == "POLICY_COMMIT_LEVEL_MASTER"
    return WritePolicy(
        **_base(policy, filter_bytes),
        **_reading(policy),
        **KEY[policy.get("key", "POLICY_KEY_DIGEST")],
        generation_policy=GENERATION[policy.get("gen", "POLICY_GEN_IGNORE")],
        record_exists_action=EXISTS[policy.get("exists", "POLICY_EXISTS_IGNORE")],
        commit_level=CommitLevel.MASTER if master else CommitLevel.ALL,
        durable_delete=policy.get("durable_delete", False),
        on_locking_only=policy.get("on_locking_only", False),
    )


def _generation(meta: Mapping[str, Any], policy: Mapping[str, Any]) -> int | None:
    if policy.get("gen", "POLICY_GEN_IGNORE") == "POLICY_GEN_IGNORE":
        return None  # pyspike: a generation that is given is one that is expected
    generation: int = meta.get("gen", policy.get("generation", 0))
    return generation


def _ttl(meta: Mapping[str, Any], policy: Mapping[str, Any]) -> Any:
    """The time to live of the call: `meta` wins, unless it says to ask the policy."""
    ttl = meta.get("ttl", "TTL_CLIENT_DEFAULT")
    if ttl == "TTL_CLIENT_DEFAULT":
        ttl = policy.get("ttl", 0)
    return TTL.get(ttl, ttl)


class OfficialClient:
    """The methods of `aerospike.Client` that a recorded call uses; each gives the `Command`."""

    def __init__(self, filter_bytes: bytes | None) -> None:
        self.filter = filter_bytes

    def _key(self, key: tuple[Any, ...]) -> Key:
        namespace, set_name, user_key, *known = key
        if known and user_key is None:  # with a key, the official client does not look at the digest
            return Key.from_digest(namespace, set_name, known[0])
        return Key(namespace, set_name, user_key)

    def _read(self, key: Any, bins: Iterable[str] | None, policy: Any) -> Command:
        return UNSENT.get(self._key(key), bins, policy=read_policy(policy, self.filter))

    def get(self, key: Any, policy: Any = None) -> Command:
        return self._read(key, None, policy)

    def select(self, key: Any, bins: Any, policy: Any = None) -> Command:
        return self._read(key, bins, policy)

    def exists(self, key: Any, policy: Any = None) -> Command:
        return UNSENT.exists(self._key(key), policy=read_policy(policy, self.filter))

    def _write(self, write: Callable[..., Command], key: Any, bins: Any, meta: Any, policy: Any) -> Command:
        meta, policy = meta or {}, policy or {}
        return write(
            self._key(key),
            bins,
            ttl=_ttl(meta, policy),
            generation=_generation(meta, policy),
            policy=write_policy(policy, self.filter),
        )

    def put(self, key: Any, bins: Any, meta: Any = None, policy: Any = None) -> Command:
        return self._write(UNSENT.put, key, bins, meta, policy)

    def append(self, key: Any, name: str, value: Any, meta: Any = None, policy: Any = None) -> Command:
        return self._write(UNSENT.append, key, {name: value}, meta, policy)

    def prepend(self, key: Any, name: str, value: Any, meta: Any = None, policy: Any = None) -> Command:
        return self._write(UNSENT.prepend, key, {name: value}, meta, policy)

    def increment(self, key: Any, name: str, value: Any, meta: Any = None, policy: Any = None) -> Command:
        return self._write(UNSENT.add, key, {name: value}, meta, policy)

    def remove_bin(self, key: Any, names: list[str], meta: Any = None, policy: Any = None) -> Command:
        return self._write(UNSENT.put, key, dict.fromkeys(names), meta, policy)

    def remove(self, key: Any, meta: Any = None, policy: Any = None) -> Command:
        meta, policy = meta or {}, policy or {}
        chosen = write_policy(policy, self.filter)
        return UNSENT.delete(self._key(key), generation=_generation(meta, policy), policy=chosen)

    def touch(self, key: Any, ttl: Any = None, meta: Any = None, policy: Any = None) -> Command:
        meta, policy = dict(meta or {}), policy or {}
        if ttl is not None:
            meta["ttl"] = ttl
        return UNSENT.touch(
            self._key(key),
            ttl=_ttl(meta, policy),
            generation=_generation(meta, policy),
            policy=write_policy(policy, self.filter),
        )

    def operate(self, key: Any, steps: list[Any], meta: Any = None, policy: Any = None) -> Command:
        meta, policy = dict(meta or {}), policy or {}
        chosen = []
        for step in steps:
            if isinstance(step, dict):  # the helpers of the official client make such dicts
                ours = {"OPERATOR_WRITE": operations.put, "OPERATOR_READ": operations.get}[step["op"]]
                step = ours(*(step[name] for name in ("bin", "val") if name in step))  # type: ignore[operator]
            if isinstance(step, tuple):
                step, meta["ttl"] = step
            chosen.append(step)
        return UNSENT.operate(
            self._key(key),
            chosen,
            ttl=_ttl(meta, policy),
            generation=_generation(meta, policy),
            policy=write_policy(policy, self.filter),
        )

    operate_ordered = operate


def command(recorded: Case) -> Command:
    """What pyspike makes of a recorded call; raises what pyspike raises, or `OutOfScope`."""
    filter_bytes = parse(recorded.requests[0]).field(FILTER) if _is_plain(recorded) else None
    names = {
        "client": OfficialClient(filter_bytes),
        "aerospike": Names(),
        "e": _Expression(),
        "op": Ops(),
        "lo": _ScopedOut("list operations"),
        "mo": _ScopedOut("map operations"),
        "GeoJSON": lambda shape: GeoJSON(json.dumps(shape)),  # with spaces, as the official class has it
        "KeyOrderedDict": KeyOrderedDict,
        "HyperLogLog": HyperLogLog,
        "CDTWildcard": _NoSuchValue,
        "CDTInfinite": _NoSuchValue,
    }
    if any("h = client.get" in source for source in recorded.setup):
        names["h"] = case("records", "get/hll").result[2]["h"]  # made by the same operation
    made = eval(compile(recorded.call, recorded.name, "eval"), names)
    assert isinstance(made, Command)
    return made


def _is_plain(recorded: Case) -> bool:
    return bool(recorded.requests) and recorded.requests[0][1] == 3
