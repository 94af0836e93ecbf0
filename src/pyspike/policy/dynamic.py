"""What a configuration file says of policies: its sections and keys, and the fields that these stand for.

A file is known here as what YAML makes of it. A `Config` has it checked whole, with the policies' own checks.
Keys that nothing here heeds are accepted and named (config-and-metrics.md 16.2, 16.4). Not here: the file
itself, and when it is read (`pyspike.cluster.config_file`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

from pyspike._wire import (
    ROWS_THAT_CALL,
    ROWS_THAT_DELETE,
    ROWS_THAT_WRITE,
    SECTION_BATCH_READ,
    SECTION_BATCH_WRITE,
    SECTION_QUERY,
    SECTION_READ,
    SECTION_SCAN,
    SECTION_TXN_ROLL,
    SECTION_TXN_VERIFY,
    SECTION_WRITE,
    SECTIONS,
    Settings,
    plain_int,
    timeout_ms,
)
from pyspike.errors import AerospikeError, InvalidArgument
from pyspike.policy.base import CommandPolicy, ConsistencyLevel, Policy, ReadModeSC
from pyspike.policy.batch import BatchPolicy, Concurrency
from pyspike.policy.client import ClientPolicy
from pyspike.policy.query import QueryDuration, QueryPolicy
from pyspike.policy.read import ReadPolicy, Replica
from pyspike.policy.transaction import TxnRollPolicy, TxnVerifyPolicy
from pyspike.policy.write import WritePolicy
from pyspike.showing import shown

__all__ = ["Config", "read_config"]

log = logging.getLogger("pyspike.config")

VERSION = "1.0.0"
LEAST_TIMEOUT_DELAY = 1000  # ms
LEAST_TEND_INTERVAL = 250  # ms

Read = Callable[[object, str], Any]


class Key(NamedTuple):
    """A key of a section: the field of a policy that it stands for, and how its value is read."""

    field: str
    read: Read


# Values -----------------------------------------------------------------------------------------------------


def _bad(value: object, name: str, wanted: str) -> InvalidArgument:
    return InvalidArgument(f"{name} must be {wanted}, not {shown(value)}")


def _flag(value: object, name: str) -> bool:
    if not isinstance(value, bool):
        raise _bad(value, name, "true or false")
    return value


def _text(value: object, name: str) -> str:
    if not isinstance(value, str) or not value:
        raise _bad(value, name, "a text")
    return value


def _whole(least: int = 0, *, or_zero: bool = False, times: int = 1) -> Read:
    """A whole number from `least` on, or 0; it is kept multiplied."""

    def read(value: object, name: str) -> int:
        number = plain_int(value)
        if number is None or (number < least and not (or_zero and number == 0)):
            raise _bad(value, name, f"{'0 or ' if or_zero else ''}a whole number from {least} on")
        return number * times

    return read


def _interval(value: object, name: str) -> float:
    return timeout_ms(_whole(1)(value, name), name)


def _one_of(members: Mapping[str, Any]) -> Read:
    def read(value: object, name: str) -> Any:
        if not isinstance(value, str) or value not in members:
            raise _bad(value, name, f"one of {', '.join(members)}")
        return members[value]

    return read


def _numbers(value: object, name: str) -> list[int]:
    found = [plain_int(each) for each in value] if isinstance(value, list) else []
    if not found or None in found:
        raise _bad(value, name, "a list of whole numbers")
    return [number for number in found if number is not None]


def _labels(value: object, name: str) -> dict[str, str]:
    labels = _mapping(value, name)
    for label, text in labels.items():
        _text(label, f"a name in {name}")
        _text(text, f"{name}.{label}")
    return labels


def _threads(value: object, name: str) -> Concurrency:
    return Concurrency.SEQUENTIAL if _whole()(value, name) == 1 else Concurrency.PARALLEL


COUNT = _whole()
REPLICAS = {
    "MASTER": Replica.MASTER,
    "MASTER_PROLES": Replica.RANDOM,
    "SEQUENCE": Replica.SEQUENCE,
    "PREFER_RACK": Replica.PREFER_RACK,
    "RANDOM": Replica.RANDOM,
}

# Keys -------------------------------------------------------------------------------------------------------

LIMITS = {
    "socket_timeout": Key("socket_timeout", COUNT),
    "total_timeout": Key("total_timeout", COUNT),
    "timeout_delay": Key("timeout_delay", _whole(LEAST_TIMEOUT_DELAY, or_zero=True)),
    "max_retries": Key("max_retries", COUNT),
    "sleep_between_retries": Key("sleep_between_retries", COUNT),
    "connect_timeout": Key("connect_timeout", COUNT),
}
REPLICA = {"replica": Key("replica", _one_of(REPLICAS))}
READING = {
    "read_mode_ap": Key(
        "consistency_level", _one_of({"ONE": ConsistencyLevel.ONE, "ALL": ConsistencyLevel.ALL})
    ),
    "read_mode_sc": Key(
        "read_mode_sc",
        _one_of({mode.name: mode for mode in ReadModeSC}),
    ),
}
WRITING = {"send_key": Key("send_key", _flag), "durable_delete": Key("durable_delete", _flag)}
BATCHES = {
    "max_concurrent_threads": Key("concurrency", _threads),
    "allow_inline": Key("allow_inline", _flag),
    "allow_inline_ssd": Key("allow_inline_ssd", _flag),
    "respond_all_keys": Key("respond_all_keys", _flag),
}
DURATION = _one_of(
    {
        "LONG": QueryDuration.LONG,
        "SHORT": QueryDuration.SHORT,
        "LONG_RELAX_AP": QueryDuration.LONG_RELAX_AP,
    }
)
POLICIES: dict[str, tuple[int, type[CommandPolicy], dict[str, Key]]] = {
    "read": (SECTION_READ, ReadPolicy, {**READING, **REPLICA, **LIMITS}),
    "write": (SECTION_WRITE, WritePolicy, {**REPLICA, **LIMITS, **WRITING}),
    "query": (
        SECTION_QUERY,
        QueryPolicy,
        {**REPLICA, **LIMITS, "expected_duration": Key("expected_duration", DURATION)},
    ),
    "scan": (SECTION_SCAN, QueryPolicy, {**REPLICA, **LIMITS}),
    "batch_read": (SECTION_BATCH_READ, BatchPolicy, {**READING, **REPLICA, **LIMITS, **BATCHES}),
    "batch_write": (SECTION_BATCH_WRITE, BatchPolicy, {**READING, **REPLICA, **LIMITS, **BATCHES}),
    "txn_verify": (SECTION_TXN_VERIFY, TxnVerifyPolicy, {**READING, **REPLICA, **LIMITS, **BATCHES}),
    "txn_roll": (SECTION_TXN_ROLL, TxnRollPolicy, {**READING, **REPLICA, **LIMITS, **BATCHES}),
}
ROWS = {
    "batch_write": ROWS_THAT_WRITE,
    "batch_udf": ROWS_THAT_CALL,
    "batch_delete": ROWS_THAT_DELETE,
}
METRICS: dict[str, Read] = {
    "enable": _flag,
    "latency_columns": _whole(1),
    "latency_shift": COUNT,
    "labels": _labels,
}

STATIC_CLIENT = {
    "config_interval": Key("config_interval", _interval),
    "max_connections_per_node": Key("max_conns_per_node", _whole(1)),
    "min_connections_per_node": Key("min_conns_per_node", COUNT),
}
CLIENT = {
    "app_id": Key("application_id", _text),
    "timeout": Key("timeout", _whole(1)),
    "max_error_rate": Key("max_error_rate", COUNT),
    "error_rate_window": Key("error_rate_window", _whole(1)),
    "login_timeout": Key("login_timeout", _whole(1)),
    "max_socket_idle": Key("idle_timeout", _whole(1, times=1000)),
    "tend_interval": Key("tend_interval", _whole(LEAST_TEND_INTERVAL)),
    "fail_if_not_connected": Key("fail_if_not_connected", _flag),
    "use_service_alternative": Key("use_services_alternate", _flag),
    "rack_ids": Key("rack_ids", _numbers),
}


# A whole file -----------------------------------------------------------------------------------------------


class Section:
    """What a section says of a policy: called with one, it gives the settings that this has then.

    Args:
        name: of the section.
        changes: values of fields, by name.
        rows: what is said of rows, as keywords of `Settings`.
    """

    __slots__ = ("_changes", "_rows", "name")

    def __init__(self, name: str, changes: Mapping[str, Any], rows: Mapping[str, Any]) -> None:
        self.name = name
        self._changes = dict(changes)
        self._rows = dict(rows)

    def __call__(self, policy: CommandPolicy) -> Settings:
        try:
            changed = policy.replace(**self._changes)
        except AerospikeError as error:
            log.warning("%s does not fit %r, which stays as it is: %s", self.name, policy, error.message)
            changed = policy
        return Settings(**changed._compiled(), **self._rows) if self._rows else changed.settings


@dataclass(frozen=True)
class Config:
    """What a file says.

    Attributes:
        static: fields of the client's policy for when it is made.
        client: fields of the client's policy that may change later.
        sections: what is said of other policies, by the numbers of `DynamicSettings`.
        metrics: what is said of metrics: `labels` of the client's numbers. `enable`, `latency_columns` and
            `latency_shift` are for reports as other clients write them, as numbers are always counted.
        interval: milliseconds between two looks at the file; None if it does not say.
        notes: what of it has no effect, and why.
    """

    static: Mapping[str, Any]
    client: Mapping[str, Any]
    sections: tuple[Section | None, ...]
    metrics: Mapping[str, Any]
    interval: float | None
    notes: tuple[str, ...]


def read_config(document: object, policy: ClientPolicy) -> Config:
    """What a file says, as YAML reads it.

    Args:
        document: what is in the file.
        policy: of the client, with which it has to go together.

    Raises:
        AerospikeError: it is no configuration, or has a wrong value; nothing of it is to be used.
    """
    notes: list[str] = []
    top = _mapping(document, "the file")
    version = top.pop("version", VERSION)
    if version != VERSION:
        notes.append(f"its version is {shown(version)}, which is read as {VERSION}")
    static = _mapping(top.pop("static", {}), "static")
    dynamic = _mapping(top.pop("dynamic", {}), "dynamic")
    notes += [f"{shown(name)} is unknown" for name in top]

    at_start = _values(static.pop("client", {}), "static.client", STATIC_CLIENT, ClientPolicy, notes)
    notes += [f"static.{name} is unknown" for name in static]
    later = _values(dynamic.pop("client", {}), "dynamic.client", CLIENT, ClientPolicy, notes)
    interval = at_start.pop("config_interval", None)
    has_racks = policy.replace(**at_start, **later).rack_ids is not None

    sections: list[Section | None] = [None] * SECTIONS
    rows: dict[str, int] = {}
    changes: dict[str, dict[str, Any]] = {}
    for name, bit in ROWS.items():
        _add_rows(rows, _mapping(dynamic.get(name, {}), f"dynamic.{name}"), f"dynamic.{name}", bit)
        if name not in POLICIES and name in dynamic:
            _values(dynamic.pop(name), f"dynamic.{name}", WRITING, WritePolicy, notes)
    for name, (_, kind, keys) in POLICIES.items():
        given = _mapping(dynamic.pop(name, {}), f"dynamic.{name}")
        if name in ROWS:
            given = {key: value for key, value in given.items() if key not in WRITING}
        changes[name] = _values(given, f"dynamic.{name}", keys, kind, notes)
        if changes[name].get("replica") is Replica.PREFER_RACK and not has_racks:
            del changes[name]["replica"]
            notes.append(f"dynamic.{name}.replica is not used: the client prefers no rack")
        if not changes[name].get("send_key", True):
            del changes[name]["send_key"]  # a key is sent if anybody says so
        kind(**changes[name])
    for name, (number, _, _) in POLICIES.items():
        extra = rows if number == SECTION_BATCH_WRITE else {}
        if changes[name] or extra:
            sections[number] = Section(f"dynamic.{name}", changes[name], extra)
    metrics = _metrics(dynamic.pop("metrics", {}), notes)
    notes += [f"dynamic.{name} is unknown" for name in dynamic]
    return Config(at_start, later, tuple(sections), metrics, interval, tuple(notes))


def _metrics(given: object, notes: list[str]) -> dict[str, Any]:
    found = {}
    for key, value in _mapping(given, "dynamic.metrics").items():
        if key in METRICS:
            found[key] = METRICS[key](value, f"dynamic.metrics.{key}")
        else:
            notes.append(f"dynamic.metrics.{key} is not used")
    return found


def _mapping(value: object, name: str) -> dict[Any, Any]:
    if not isinstance(value, dict):
        raise _bad(value, name, "a mapping")
    return dict(value)


def _values(
    given: object, name: str, keys: Mapping[str, Key], kind: type[Policy], notes: list[str]
) -> dict[str, Any]:
    """The values of a section, by the names of the fields; what has no effect is noted."""
    found: dict[str, Any] = {}
    known = {entry.name for entry in fields(kind) if entry.init} | {"config_interval"}
    for key, value in _mapping(given, name).items():
        if key not in keys:
            notes.append(f"{name}.{key} is not used")
            continue
        read = keys[key].read(value, f"{name}.{key}")
        if keys[key].field in known:
            found[keys[key].field] = read
        else:
            notes.append(f"{name}.{key} is not used")
    return found


def _add_rows(rows: dict[str, int], given: Mapping[Any, Any], name: str, bit: int) -> None:
    """Add what a section says of its rows."""

    def add(setting: str) -> None:
        rows[setting] = rows.get(setting, 0) | bit

    if "send_key" in given and _flag(given["send_key"], f"{name}.send_key"):
        add("keys_of_rows")
    if "durable_delete" in given:
        add("told_durable")
        if _flag(given["durable_delete"], f"{name}.durable_delete"):
            add("durable")
