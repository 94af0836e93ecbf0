"""The recorded wire vectors: requests of the official client, answers of a real server.

Their format is told in tests/vectors/README.md. Only reading is here; what a case means is for tests to say.
"""

from __future__ import annotations

import base64
import json
import math
import zlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pyspike.values import GeoJSON, HyperLogLog, KeyOrderedDict

VECTORS = Path(__file__).parent.parent / "vectors"


@dataclass(frozen=True)
class RecordedError:
    """What the official client raised."""

    name: str
    code: int


@dataclass(frozen=True)
class Omitted:
    """A result that was too long to record."""

    sha256: str


@dataclass(frozen=True)
class RecordedRow:
    """What the official client gave for a row of a batch: its record is (key, meta, bins), or (key, meta)."""

    result: int
    in_doubt: bool
    record: Any


@dataclass(frozen=True)
class RecordedBatch:
    """What it gave for a batch."""

    result: int
    records: list[RecordedRow]


@dataclass(frozen=True)
class Case:
    """One recorded call. Empty `requests`: the official client refused the call itself."""

    group: str
    name: str
    call: str
    setup: tuple[str, ...]
    requests: tuple[bytes, ...]
    responses: tuple[bytes, ...]
    result: Any
    time: int
    raw: dict[str, Any]


def wire(recorded: str | dict[str, Any]) -> bytes:
    """The bytes of one recorded message."""
    if isinstance(recorded, str):
        return bytes.fromhex(recorded)
    return zlib.decompress(base64.b64decode(recorded["zlib"]))


def lines(group: str) -> list[dict[str, Any]]:
    """The objects of a file as they are."""
    with (VECTORS / f"{group}.jsonl").open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


@cache
def cases(group: str) -> tuple[Case, ...]:
    """The calls of a file, decoded."""
    return tuple(
        Case(
            group=group,
            name=raw["name"],
            call=raw["call"],
            setup=tuple(raw.get("setup", ())),
            requests=_messages(raw["request"]),
            responses=_messages(raw["response"]),
            result=result_of(raw["result"]),
            time=raw["time"],
            raw=raw,
        )
        for raw in lines(group)
    )


def case(group: str, name: str) -> Case:
    """One call by its name."""
    return next(entry for entry in cases(group) if entry.name == name)


def _messages(recorded: Any) -> tuple[bytes, ...]:
    return tuple(wire(message) for message in (recorded if isinstance(recorded, list) else [recorded]))


def result_of(value: Any) -> Any:
    """A recorded result, with its tags turned into Python values."""
    if isinstance(value, list):
        return [result_of(item) for item in value]
    if not isinstance(value, dict):
        return value
    tag = next(iter(value), "")
    if not tag.startswith("$"):
        return {name: result_of(item) for name, item in value.items()}
    content = value[tag]
    if tag == "$tuple":
        return tuple(result_of(item) for item in content)
    if tag in ("$bytes", "$bytearray"):
        return bytes.fromhex(content)
    if tag == "$float":
        return float(content)
    if tag == "$map":
        return {result_of(key): result_of(item) for key, item in content}
    if tag == "$kodict":
        return KeyOrderedDict((result_of(key), result_of(item)) for key, item in content)
    if tag == "$geojson":
        return GeoJSON(content)
    if tag == "$hll":
        return HyperLogLog(bytes.fromhex(content))
    if tag == "$exception":
        return RecordedError(content["name"], content["code"])
    if tag == "$repr":
        return content
    if tag == "$zlib":
        return result_of(json.loads(zlib.decompress(base64.b64decode(content))))
    if tag == "$batch_records":
        return RecordedBatch(content["result"], result_of(content["records"]))
    if tag == "$batch_record":
        return RecordedRow(content["result"], content["in_doubt"], result_of(content["record"]))
    if tag == "$omitted":
        return Omitted(value["sha256"])
    raise ValueError(f"unknown tag {tag}")


def same(ours: Any, theirs: Any) -> bool:
    """Equal in type and value, at every depth: 1 is not True, 0.0 is not -0.0, and nan is nan."""
    if type(ours) is not type(theirs):
        return False
    if isinstance(ours, float):
        return math.copysign(1, ours) == math.copysign(1, theirs) and (
            ours == theirs or (ours != ours and theirs != theirs)
        )
    if isinstance(ours, GeoJSON):
        return str(ours) == str(theirs) or bool(ours.unwrap() == theirs.unwrap())
    if isinstance(ours, (list, tuple)):
        return len(ours) == len(theirs) and all(map(same, ours, theirs))
    if isinstance(ours, dict):
        return len(ours) == len(theirs) and all(
            same(key, other) and same(ours[key], theirs[other])
            for key, other in zip(ours, theirs, strict=True)
        )
    return bool(ours == theirs)
