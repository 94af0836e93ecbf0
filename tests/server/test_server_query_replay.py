"""The recorded queries of the official client get the recorded answers of a real server.

As raw bytes, on one node: the same messages, whatever their order and the frames that they share. By the
official client, on one node and on three: the same results. What is different is listed with its reason; a
difference that is not listed fails, and so does one that is listed and is none any more.
"""

from __future__ import annotations

import base64
import json
import re
import struct
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from batch_wire import Told, split
from query_wire import BVALS, LAST, MOST, PARTITION, RANGE, partition_of
from server_wire import VECTORS, Wire, as_list, cases, wire_bytes
from test_server_replay import RECORDED, environment

from pyspike.server import EmbeddedCluster
from support.shares import Share

aerospike = pytest.importorskip("aerospike")
pytest.importorskip("lupa", reason="some of the queries call functions")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

GEO, INTEGER = 23, 1
DIFFERENT: dict[str, str] = {}


@pytest.fixture(scope="module")
def fixtures() -> dict[str, Any]:
    data: dict[str, Any] = json.loads((VECTORS / "fixtures.json").read_text())
    return data


@pytest.fixture(scope="module")
def single(fixtures: dict[str, Any]) -> Iterator[EmbeddedCluster]:
    with EmbeddedCluster(cluster_name="single", version=RECORDED) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def loaded(single: EmbeddedCluster, fixtures: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The names that recorded sources use, after what they look for was made: records, indexes, modules."""
    with Wire(single.nodes[0].port) as wire:
        for name, source in fixtures["lua"].items():
            content = base64.b64encode(source.encode()).decode()
            wire.info(f"udf-put:filename={name};content={content};content-len={len(content)};udf-type=LUA;")
    patient = {"total_timeout": 20_000}
    config = {"hosts": [("127.0.0.1", single.nodes[0].port)], "policies": {"write": patient, "info": patient}}
    client = aerospike.client(config).connect()
    names = {**environment(client), "p": pytest.importorskip("aerospike.predicates")}
    for key, number in ((1, 1), ("ms3", 3)):
        client.put(("bar", "gv", key), {"a": number})
    exec(fixtures["gvq"]["records"], names)
    for source in fixtures["gvq"]["indexes"]:
        exec(source, names)
    yield names
    client.close()


def content(told: Told, particle: int | None) -> tuple[Any, ...]:
    """What is compared of a message: all but the cells of places, and the hashes of what is no integer."""
    fields = dict(told.fields)
    if BVALS in fields and particle != INTEGER:
        fields[BVALS] = b"8 bytes of its own" if len(fields[BVALS]) == 8 else fields[BVALS]
    ops = [
        (code, kind, name, value[3 + 8 * struct.unpack_from(">H", value, 1)[0] :] if kind == GEO else value)
        for code, kind, name, value in told.ops
    ]
    return (told.code, told.generation, told.void_time, told.number, tuple(fields.items()), tuple(ops))


class Messages:
    """The messages of an answer, to be compared."""

    def __init__(self, frames: list[bytes], particle: int | None) -> None:
        messages = [(info3, told) for each in frames for info3, told in split(each[8:])]
        self.last = [(info3, told.code) for info3, told in messages if info3 & LAST or told.code]
        records = [told for info3, told in messages if not info3 & (LAST | PARTITION) and not told.code]
        self.contents = Counter(content(told, particle) for told in records)
        self.count = len(records)
        self.partitions: dict[int, list[bytes]] = {}
        for told in records:
            if 4 in told.fields:
                self.partitions.setdefault(partition_of(told.fields[4]), []).append(told.fields[4])


def particle_of(request: Told) -> int | None:
    data = request.fields.get(RANGE)
    return None if data is None else data[2 + data[1]]


def read_answer(wire: Wire) -> list[bytes]:
    """The frames up to the last message."""
    frames = []
    while True:
        frames.append(wire.read_frame())
        info3, told = split(frames[-1][8:])[-1]
        if info3 & LAST or (told.code and not info3 & PARTITION):
            return frames


def difference(request: Told, want: Messages, got: Messages) -> str:
    """How an answer is not the recorded one; empty: it is."""
    most = request.fields.get(MOST)
    if most is not None and want.count == int.from_bytes(most, "big"):  # which ones is up to the server
        return "" if want.count == got.count else f"{got.count} records, not {want.count}"
    if missing := want.contents - got.contents:
        return f"not told: {missing!s:.500}; but: {got.contents - want.contents!s:.500}"
    if not want.last:  # the client had read enough
        return ""
    if want.last != got.last:
        return f"ends with {got.last}, not {want.last}"
    if more := got.contents - want.contents:
        return f"told beside: {more!s:.500}"
    for partition, digests in want.partitions.items():
        if got.partitions[partition] != digests:
            return f"partition {partition} is in another order"
    return ""


def test_recorded_queries_get_the_recorded_answers(
    single: EmbeddedCluster, loaded: dict[str, Any], share: Share
) -> None:
    total, different = 0, {}
    with Wire(single.nodes[0].port) as wire:
        for case in cases("query.jsonl"):
            if case.get("client") or not as_list(case["request"]):
                continue
            total += 1
            for source in case.get("setup") or []:
                exec(source, loaded)
            responses = [wire_bytes(each) for each in as_list(case["response"])]
            exchanges = case.get("exchanges") or [{"request": 0, "responses": range(len(responses))}]
            for exchange in exchanges:
                request = wire_bytes(as_list(case["request"])[exchange["request"]])
                wire.sock.sendall(request)
                ((_, asked),) = split(request[8:])
                recorded = [responses[index] for index in exchange["responses"]]
                want, got = (Messages(each, particle_of(asked)) for each in (recorded, read_answer(wire)))
                if how := difference(asked, want, got):
                    different[case["name"]] = how
            eventually_quiet(wire)
    share("replay of query", "recorded answers have the same messages", total, len(different))
    unexpected = {name: how for name, how in different.items() if name not in DIFFERENT}
    assert not unexpected, "\n".join(f"{name}: {how}" for name, how in unexpected.items())
    assert set(DIFFERENT) == set(different), "listed as different, but the same now"


def eventually_quiet(wire: Wire) -> None:
    """Wait until no query is active in the background."""
    while "status=active" in wire.info("query-show")["query-show"]:
        time.sleep(0.01)


# --- commands about indexes and jobs ------------------------------------------------------------------------

FIGURE = re.compile(r"(load_time|run-time|time-since-done|from|net-io-bytes)=[^;:]*")
CREATED = "sindex-create:namespace=test;set=gvx;indexname=gvx;bin=b;type=NUMERIC"
LEFTOVERS = "records that other recordings had left there"
DIFFERENT_INFO = {"index/no-set": LEFTOVERS}


def info_lines(data: bytes) -> list[str]:
    return [FIGURE.sub(r"\1=", line) for line in data[8:].decode().splitlines()]


def test_recorded_commands_about_indexes_and_jobs(
    single: EmbeddedCluster, loaded: dict[str, Any], share: Share
) -> None:
    """They are the same but for times and addresses, after what was there was set up."""
    total, different = 0, {}
    with Wire(single.nodes[0].port) as wire:
        for case in cases("info.jsonl"):
            name = case["name"]
            if case.get("client") or not name.startswith(("index/", "single/sindex", "job_info/")):
                continue
            if name.startswith("index/"):
                wire.info("sindex-delete:namespace=test;indexname=gvx")
                if len(case["setup"]) > 1:
                    assert wire.info(CREATED)[CREATED] == "ok"
            if name == "job_info/done":
                exec(case["setup"][0], loaded)
                eventually_quiet(wire)
                case = renumbered(case, loaded["j"])
            total += 1
            for request, response in zip(as_list(case["request"]), as_list(case["response"]), strict=True):
                wire.sock.sendall(wire_bytes(request))
                want, got = info_lines(wire_bytes(response)), info_lines(wire.read_frame())
                if want != got:
                    different[name] = f"want {want} got {got}"
    share("replay of info about indexes", "answers are the same but for times", total, len(different))
    unexpected = {name: how for name, how in different.items() if name not in DIFFERENT_INFO}
    assert not unexpected, "\n".join(f"{name}: {how}" for name, how in unexpected.items())
    assert set(DIFFERENT_INFO) == set(different), "listed as different, but the same now"


def renumbered(case: dict[str, Any], job: int) -> dict[str, Any]:
    """The case with the number of another job."""
    old = re.search(rb"id=(\d+)", wire_bytes(case["request"]))
    assert old is not None
    changed = {}
    for member in ("request", "response"):
        body = wire_bytes(case[member])[8:].replace(old[1], str(job).encode())
        changed[member] = (struct.pack(">BB", 2, 1) + len(body).to_bytes(6, "big") + body).hex()
    return changed
