"""Queries in the background, and what a node tells of its queries."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import pytest
from batch_wire import split
from query_wire import FILTER, QUERY_ID, RPS, ask, between, query
from server_wire import Wire, eventually, field, frame, get, integer, op, put

from pyspike.server import EmbeddedCluster

WRITE, ADD, READ, DELETE_ALL = 2, 5, 1, 14
COUNT = 50
LAST, NOT_FOUND, PARAMETER, ABORTED = 0x01, 2, 4, 15


@pytest.fixture(params=[1, 3])
def cluster(request: pytest.FixtureRequest) -> Iterator[EmbeddedCluster]:
    with EmbeddedCluster(request.param, version="8.1.2") as cluster:
        yield cluster


@pytest.fixture
def wires(cluster: EmbeddedCluster) -> Iterator[list[Wire]]:
    connections = [Wire(node.port, timeout=20) for node in cluster.nodes]
    for number in range(COUNT):
        connections[0].ask(put(number, {"n": integer(number)}, set_name="q"))
    yield connections
    for each in connections:
        each.sock.close()


_trids = iter(range(1000, 1 << 40))


def begin(wires: list[Wire], *more: bytes, ops: tuple[bytes, ...], **header: Any) -> tuple[int, list[int]]:
    """Begin a job on all nodes: its number, and the codes of the answers, which are one frame each."""
    trid, codes = next(_trids), []
    for wire in wires:
        header = {"info1": 0, "info2": 1, "info3": 0, "partitions": None, "ttl": 0, **header}
        wire.sock.sendall(frame(query(*more, ops=ops, trid=trid, **header)))
        ((info3, told),) = split(wire.read_frame()[8:])
        assert bool(info3 & LAST) == (told.code == 0)
        codes.append(told.code)
    return trid, codes


def row(wire: Wire, trid: int) -> dict[str, str]:
    command = f"query-show:id={trid}"
    text = wire.info(command)[command]
    return (
        dict(part.split("=", 1) for part in text.split(":")) if text.startswith("trid=") else {"status": text}
    )


def run(wires: list[Wire], *more: bytes, ops: tuple[bytes, ...], **header: Any) -> dict[str, int]:
    """Run a job to its end, and give its figures, summed over all nodes."""
    trid, codes = begin(wires, *more, ops=ops, **header)
    assert codes == [0] * len(wires)
    eventually(lambda: all(row(wire, trid)["status"].startswith("done") for wire in wires))
    rows = [row(wire, trid) for wire in wires]
    assert {each["status"] for each in rows} == {"done(ok)"}
    assert {each["job-progress"] for each in rows} == {"100.00"}
    names = [name for name in rows[0] if name.startswith("recs-")]
    return {name: sum(int(each[name]) for each in rows) for name in names}


def values(wires: list[Wire]) -> list[int | None]:
    found = [wires[0].ask(get(number, set_name="q")) for number in range(COUNT)]
    return [None if told.code else int.from_bytes(told.bins["n"][1], "big", signed=True) for told in found]


def test_every_record_is_changed_once(wires: list[Wire]) -> None:
    assert run(wires, ops=(op(ADD, "n", *integer(100)),)) == {
        "recs-throttled": COUNT,
        "recs-filtered-meta": 0,
        "recs-filtered-bins": 0,
        "recs-succeeded": COUNT,
        "recs-failed": 0,
    }
    assert values(wires) == [number + 100 for number in range(COUNT)]


def test_filters_indexes_and_sets_choose_records(wires: list[Wire]) -> None:
    below_ten = field(FILTER, b"\x93\x05\x93\x51\x02\xa1n\x0a")
    wires[0].ask(put("other", {"n": integer(5)}, set_name="r"))
    figures = run(wires, below_ten, ops=(op(WRITE, "m", *integer(1)),))
    assert (figures["recs-succeeded"], figures["recs-filtered-bins"]) == (10, COUNT - 10)
    command = "sindex-create:namespace=test;set=q;indexname=i;bin=n;type=numeric"
    assert wires[0].info(command)[command] == "ok"
    assert run(wires, between("n", 40, 100), ops=(op(ADD, "n", *integer(100)),))["recs-succeeded"] == 10
    assert values(wires) == [number + 100 if number >= 40 else number for number in range(COUNT)]
    assert "m" not in wires[0].ask(get("other", set_name="r")).bins
    assert run(wires, ops=(op(ADD, "n", *integer(1)),), set_name=None)["recs-succeeded"] == COUNT + 1


def test_records_get_the_time_to_live_of_the_request(wires: list[Wire]) -> None:
    run(wires, ops=(op(WRITE, "m", *integer(1)),), ttl=100)
    assert wires[0].ask(get(1, set_name="q")).void_time > 0
    assert wires[0].ask(get(1, set_name="q")).generation == 2


def test_records_are_deleted(wires: list[Wire]) -> None:
    assert run(wires, ops=(op(DELETE_ALL),))["recs-succeeded"] == COUNT
    assert values(wires) == [None] * COUNT


def test_what_fails_is_counted(wires: list[Wire]) -> None:
    figures = run(wires, ops=(op(ADD, "n", 3, b"x"),))
    assert (figures["recs-failed"], figures["recs-succeeded"]) == (COUNT, 0)
    call = (field(33, b"\x02"), field(30, b"no_module"), field(31, b"f"), field(32, b"\x90"))
    figures = run(wires, *call, ops=())
    assert (figures["recs-failed"], figures["recs-succeeded"]) == (COUNT, 0)


def test_what_is_refused(wires: list[Wire]) -> None:
    assert set(begin(wires, ops=(op(WRITE, "n", *integer(1)),), set_name="none")[1]) == {NOT_FOUND}
    assert set(begin(wires, ops=(op(READ, "n"),))[1]) == {PARAMETER}
    assert set(begin(wires, ops=(op(WRITE, "n", *integer(1)),), info1=1)[1]) == {PARAMETER}
    assert set(begin(wires, field(FILTER, b"\x01"), ops=(op(WRITE, "n", *integer(1)),))[1]) == {PARAMETER}
    assert set(begin(wires, between("x", 1, 2), ops=(op(WRITE, "n", *integer(1)),))[1]) == {201}
    trid, _ = begin(wires, ops=(op(WRITE, "n", *integer(1)),))
    again = query(
        field(QUERY_ID, struct.pack(">Q", trid)), info1=0, info2=1, info3=0, partitions=None, trid=0
    )
    for wire in wires:
        wire.sock.sendall(frame(again))
        assert split(wire.read_frame()[8:])[0][1].code == PARAMETER


def test_a_slow_job_is_seen_and_aborted(wires: list[Wire]) -> None:
    trid, _ = begin(wires, field(RPS, struct.pack(">I", 5)), ops=(op(ADD, "n", *integer(100)),))
    for wire in wires:
        told = row(wire, trid)
        assert (told["status"], told["rps"], told["job-type"]) == ("active(ok)", "5", "background-ops")
        assert float(told["job-progress"]) < 100
        command = f"query-abort:id={trid}"
        assert wire.info(command)[command] == "ok"
    eventually(lambda: all(row(wire, trid)["status"] == "done(user-aborted)" for wire in wires))
    changed = sum(value is not None and value >= 100 for value in values(wires))
    assert changed < COUNT
    assert wires[0].info(command)[command] == "ERROR:2:id not active"


def test_all_are_aborted(wires: list[Wire]) -> None:
    jobs = [begin(wires, field(RPS, b"\0\0\0\x05"), ops=(op(WRITE, "m", *integer(1)),))[0] for _ in range(2)]
    for wire in wires:
        assert wire.info("query-abort-all:") == {"query-abort-all:": "number-of-queries-killed:2"}
    eventually(
        lambda: all(row(wire, job)["status"] == "done(user-aborted)" for job in jobs for wire in wires)
    )


def test_a_stream_is_aborted(cluster: EmbeddedCluster, wires: list[Wire]) -> None:
    with Wire(cluster.nodes[0].port, timeout=20) as other:
        other.sock.sendall(frame(query(field(RPS, b"\0\0\0\x05"), trid=77)))
        eventually(lambda: row(wires[0], 77)["status"] == "active(ok)")
        assert wires[0].info("query-abort:id=77")["query-abort:id=77"] == "ok"
        messages = []
        while not messages or not messages[-1][0] & LAST:
            messages += split(other.read_frame()[8:])
        assert messages[-1][1].code == ABORTED
    assert row(wires[0], 77)["status"] == "done(user-aborted)"


def test_what_is_told_of_a_stream(wires: list[Wire]) -> None:
    answer = ask(wires[0], partitions=range(1000), trid=12)
    told = row(wires[0], 12)
    assert list(told) == [
        "trid",
        "ns",
        "set",
        "n-pids-requested",
        "n-keyds-requested",
        "rps",
        "active-threads",
        "status",
        "job-progress",
        "run-time",
        "time-since-done",
        "recs-throttled",
        "recs-filtered-meta",
        "recs-filtered-bins",
        "recs-succeeded",
        "recs-failed",
        "from",
        "job-type",
        "net-io-bytes",
        "net-io-time",
        "socket-timeout",
    ]
    assert told["n-pids-requested"] == "1000"
    assert told["recs-succeeded"] == str(len(answer.records))
    assert told["net-io-bytes"] == str(sum(length + 8 for length in answer.lengths))
    host, port = wires[0].sock.getsockname()
    assert told["from"] == f"{host}+{port}"


def test_only_the_last_queries_are_remembered(cluster: EmbeddedCluster, wires: list[Wire]) -> None:
    for wire in wires:
        wire.info("set-config:context=service;query-max-done=3")
    for trid in range(10, 20):
        assert ask(wires[0], partitions=[1], trid=trid).code == 0
    assert [row(wires[0], trid)["status"][:4] for trid in (16, 17)] == ["ERRO", "done"]
    cluster.nodes[0].restart()
    with Wire(cluster.nodes[0].port) as again:
        assert again.info("query-show") == {"query-show": ""}


def test_a_job_ends_with_its_node(cluster: EmbeddedCluster, wires: list[Wire]) -> None:
    if len(wires) == 1:
        pytest.skip("its records would be gone with it")
    begin(wires[:1], field(RPS, struct.pack(">I", 20)), ops=(op(ADD, "n", *integer(100)),))
    cluster.nodes[0].restart()
    before = values(wires[1:])
    with Wire(cluster.nodes[0].port) as again:
        assert again.info("query-show") == {"query-show": ""}
    assert values(wires[1:]) == before
    assert sum(value is not None and value >= 100 for value in before) < COUNT
