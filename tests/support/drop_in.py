"""Runs the same calls by the official client and by `pyspike.compat`, and says where they differ.

A call is source text, in which `client`, `aerospike`, `K` (a key), `S` (its set) and the helper modules are
those of one side.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

COMPAT = "pyspike.compat."

PATIENCE = 30_000  # milliseconds, as a slow machine is no difference
COMMANDS = ("read", "write", "operate", "apply", "remove", "batch", "batch_parent_write")

Alike = Callable[..., None]

MODULES = {
    "aerospike": "aerospike",
    "ctx": "aerospike_helpers.cdt_ctx",
    "br": "aerospike_helpers.batch.records",
    "exp": "aerospike_helpers.expressions",
    "op": "aerospike_helpers.operations.operations",
    "lo": "aerospike_helpers.operations.list_operations",
    "mo": "aerospike_helpers.operations.map_operations",
    "bo": "aerospike_helpers.operations.bitwise_operations",
    "ho": "aerospike_helpers.operations.hll_operations",
    "eo": "aerospike_helpers.operations.expression_operations",
    "helpers": "aerospike_helpers",
}


class Side:
    """One of the two: its modules, and a client of its own.

    Args:
        prefix: what stands before the modules' names.
        hosts: of the cluster.
        modules: where the official client writes modules with functions, for aggregations.
    """

    def __init__(self, prefix: str, hosts: str, modules: Path) -> None:
        self.names = {name: importlib.import_module(prefix + module) for name, module in MODULES.items()}
        self.names["p"] = self.names["aerospike"].predicates
        addresses = [
            (address, int(port)) for address, port in (host.rsplit(":", 1) for host in hosts.split(","))
        ]
        policies = {kind: {"total_timeout": PATIENCE} for kind in COMMANDS} | {"info": {"timeout": PATIENCE}}
        config = {"hosts": addresses, "policies": policies, "lua": {"user_path": str(modules)}}
        self.client = self.names["aerospike"].client(config)
        self.modules = modules

    def run(self, calls: Iterable[str], set_name: str) -> list[Any]:
        """What each call gives, or how it fails."""
        names: dict[str, Any] = {
            **self.names,
            "client": self.client,
            "S": set_name,
            "K": ("test", set_name, "k"),
            "key": lambda user_key: ("test", set_name, user_key),
        }
        return [self._one(call, names) for call in calls]

    def _one(self, call: str, names: dict[str, Any]) -> Any:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                if call.startswith("let "):
                    exec(call.removeprefix("let "), names)
                    return None
                return shown(eval(call, names))
        except Exception as error:
            return type(error).__name__, getattr(error, "code", None)


def shown(value: Any) -> Any:
    """A value as both sides can have it: objects of their own types as plain ones."""
    name = type(value).__name__
    if name in ("GeoJSON", "Geospatial"):
        return "GeoJSON", value.unwrap()
    if name == "BatchRecords":
        return value.result, [
            (row.key, shown(row.record), row.result, row.in_doubt) for row in value.batch_records
        ]
    if name == "HyperLogLog":
        return name, bytes(value)
    if name in ("Client", "Query", "Scan"):
        return name
    if isinstance(value, tuple):
        return tuple(map(shown, value))
    if isinstance(value, list):
        return [shown(item) for item in value]
    if isinstance(value, dict):
        return {key: shown(item) for key, item in value.items()}
    return value


def compare(
    sides: tuple[Side, Side], calls: str, sets: tuple[str, str], different: Mapping[str, Any] | None = None
) -> None:
    """Runs calls, a line each, by both sides, and fails with those of which they make something else.

    Args:
        sides: the official one, and ours.
        calls: their source text.
        sets: the name of the set that each writes to; they have one length.
        different: calls of which ours makes something else on purpose, with what it makes; the reason is a
            comment beside it.
    """
    expected = dict(different or {})
    lines = [line.strip() for line in calls.strip().splitlines() if line.strip()]
    theirs, ours = (side.run(lines, name) for side, name in zip(sides, sets, strict=True))
    wrong = []
    for line, their, our in zip(lines, theirs, ours, strict=True):
        if line in expected:
            if our != expected.pop(line) or our == their:
                wrong.append(f"{line}\n  ours, said to differ: {our!r}\n  official: {their!r}")
        elif alike(their, sets[0]) != alike(our, sets[1]):
            wrong.append(f"{line}\n  official: {their!r}\n  ours:     {our!r}")
    assert not wrong, "\n".join(wrong)
    assert not expected, f"said to differ, and not called: {expected}"


def alike(value: Any, set_name: str) -> str:
    """The text of a value without what differs by the name of the set: the name itself, and digests."""
    return repr(comparable(value)).replace(set_name, "SET")


def comparable(value: Any) -> Any:
    """A value without digests, and with times to live as they were a few seconds before."""
    if isinstance(value, bytearray) and len(value) == 20:
        return "DIGEST"
    if isinstance(value, tuple | list):
        return type(value)(map(comparable, value))
    if isinstance(value, dict):
        return {
            key: -(-item // 10) * 10 if key == "ttl" else comparable(item)
            for key, item in sorted(value.items(), key=repr)
        }
    return value
