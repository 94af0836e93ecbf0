"""Streams of records: frames, limits, partitions that are lost or move, clients that go, and faults."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterator

import pytest
from query_wire import (
    ALL,
    MOST,
    NO_BINS,
    READ,
    RPS,
    SHORT,
    SOCKET_TIMEOUT,
    Answered,
    ask,
    between,
    digests,
    partition_of,
    query,
    read_query,
)
from server_wire import Wire, digest_of, eventually, field, frame, get, integer, put

from pyspike.server import EmbeddedCluster

COUNT = 300
UNAVAILABLE, ABORTED, TIMEOUT, FORBIDDEN = 11, 15, 9, 22
ONE_FRAME = 64
"""About the bytes of the message of one record."""


def fill(wire: Wire, count: int = COUNT, size: int = 10) -> None:
    for start in range(0, count, 100):
        numbers = range(start, min(start + 100, count))
        puts = [put(n, {"n": integer(n), "d": (4, b"x" * size)}, set_name="q") for n in numbers]
        wire.sock.sendall(b"".join(map(frame, puts)))
        for _ in puts:
            wire.read_frame()


@pytest.fixture
def cluster() -> Iterator[EmbeddedCluster]:
    with EmbeddedCluster(version="8.1.2") as cluster:
        yield cluster


@pytest.fixture
def wire(cluster: EmbeddedCluster) -> Iterator[Wire]:
    with Wire(cluster.nodes[0].port, timeout=20) as connection:
        fill(connection)
        yield connection


@pytest.fixture
def spread() -> Iterator[EmbeddedCluster]:
    with EmbeddedCluster(3, version="8.1.2") as cluster:
        with Wire(cluster.nodes[0].port) as connection:
            fill(connection)
        yield cluster


def ask_node(cluster: EmbeddedCluster, number: int, *more: bytes, **header: object) -> Answered:
    with Wire(cluster.nodes[number].port) as connection:
        return ask(connection, *more, **header)


def jobs(wire: Wire) -> list[dict[str, str]]:
    """What the node tells of its queries."""
    rows = wire.info("query-show")["query-show"].split(";")
    return [dict(part.split("=", 1) for part in row.split(":")) for row in rows if row]


# --- order and frames ---------------------------------------------------------------------------------------


def test_records_of_partitions_are_mixed_and_each_partition_is_in_order(wire: Wire) -> None:
    answers = [ask(wire) for _ in range(3)]
    assert len({tuple(answer.digests) for answer in answers}) == 3
    for answer in answers:
        assert answer.values() == list(range(COUNT))
        partitions = [partition_of(digest) for digest in answer.digests]
        assert partitions != sorted(partitions)
        for records in answer.frames:
            inside = [partition_of(told.fields[4]) for told in records]
            assert inside == sorted(inside)


def test_frames_are_as_large_as_a_test_wants_them(cluster: EmbeddedCluster, wire: Wire) -> None:
    cluster.nodes[0].frame_queries(1)
    assert [len(each) for each in ask(wire).frames] == [1] * COUNT
    cluster.nodes[0].frame_queries(2000)
    answer = ask(wire)
    assert answer.values() == list(range(COUNT))
    assert all(length < 2000 + 200 for length in answer.lengths)
    assert len(answer.frames) > 10
    cluster.nodes[0].frame_queries(0)
    assert len(ask(wire).frames) <= 4


def test_frames_of_a_server_have_about_a_mebibyte(cluster: EmbeddedCluster, wire: Wire) -> None:
    fill(wire, 100, size=100_000)
    lengths = ask(wire, info1=READ).lengths
    assert max(lengths) < (1 << 20) + 100_200
    assert sum(length > 1 << 20 for length in lengths) >= 5


# --- partitions that the node does not have -----------------------------------------------------------------


def test_partitions_of_other_nodes_are_told_one_by_one(spread: EmbeddedCluster) -> None:
    found: list[int] = []
    owners = [spread.owners("test", pid) for pid in ALL]
    for number, node in enumerate(spread.nodes):
        owned = [pid for pid in ALL if node in owners[pid]]
        answer = ask_node(spread, number)
        assert answer.code == 0
        assert answer.refused == {pid: UNAVAILABLE for pid in ALL if pid not in set(owned)}
        masters = [pid for pid in owned if owners[pid][0] is node]
        found += ask_node(spread, number, partitions=masters).values()
    assert sorted(found) == list(range(COUNT))


def test_lost_partitions_are_told_one_by_one(cluster: EmbeddedCluster, wire: Wire) -> None:
    lost = {partition_of(digest_of(number)) for number in range(5)}
    for pid in lost:
        cluster.lose_partition("test", pid)
    answer = ask(wire)
    assert (answer.code, answer.refused) == (0, dict.fromkeys(lost, UNAVAILABLE))
    assert set(answer.values()).isdisjoint(range(5))
    for pid in lost:
        cluster.restore_partition("test", pid)
    assert ask(wire).values() == list(range(COUNT))


def test_partitions_that_move_while_a_query_runs_are_told_then(spread: EmbeddedCluster) -> None:
    node = spread.nodes[0]
    mine = [pid for pid in ALL if node in spread.owners("test", pid)]
    node.frame_queries(1)
    spread.move_partitions("test", 4096, seed=1, node=node, after_frames=5)
    with Wire(node.port, timeout=20) as connection:
        answer = ask(connection, partitions=mine)
    gone = {pid for pid in mine if node not in spread.owners("test", pid)}
    assert len(answer.frames) > 5
    assert answer.code == 0
    assert answer.refused, "nothing had moved before it was looked for"
    assert set(answer.refused) <= gone
    assert set(answer.refused.values()) == {UNAVAILABLE}


# --- limits -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("per_second", [50, 1000])
def test_no_more_records_a_second_than_asked_for(wire: Wire, per_second: int) -> None:
    start = time.monotonic()
    answer = ask(wire, between_partitions(20), field(RPS, struct.pack(">I", per_second)), partitions=None)
    looked_at = len(answer.records)
    assert answer.code == 0
    assert time.monotonic() - start >= (looked_at - 1) / per_second - 0.02
    assert jobs(wire)[0]["recs-throttled"] == str(looked_at)


def between_partitions(count: int) -> bytes:
    """The partitions of so many records."""
    some = sorted({partition_of(digest_of(number)) for number in range(count)})
    return field(11, b"".join(struct.pack("<H", pid) for pid in some))


def test_pages_give_every_record_once(wire: Wire) -> None:
    wire.info("sindex-create:namespace=test;set=q;indexname=i;bin=n;type=numeric")
    for where in ((), (between("n", 0, COUNT),)):
        seen: list[bytes] = []
        last: dict[int, tuple[bytes, int]] = {}
        while True:
            resume = []
            if last:
                resume.append(digests([digest for digest, _ in last.values()]))
                if where:
                    resume.append(field(15, b"".join(struct.pack("<q", bval) for _, bval in last.values())))
            rest = [pid for pid in ALL if pid not in last]
            answer = ask(wire, *where, *resume, field(MOST, struct.pack(">Q", 37)), partitions=rest or None)
            assert answer.code == 0
            for told in answer.records:
                digest = told.fields[4]
                seen.append(digest)
                last[partition_of(digest)] = (digest, struct.unpack("<q", told.fields.get(15, bytes(8)))[0])
            if len(answer.records) < 37:
                break
        assert len(seen) == len(set(seen)) == COUNT


def test_a_short_query_ends_when_its_time_is_over(wire: Wire) -> None:
    fill(wire, 5000)
    answer = ask(wire, info1=READ | SHORT, timeout=1)
    assert (answer.code, answer.is_whole, len(answer.lengths)) == (TIMEOUT, True, 1)
    assert len(answer.records) < 5000
    assert len(ask(wire, timeout=1).records) == 5000, "a long one has all the time it takes"


def test_too_many_queries_at_once_are_refused(cluster: EmbeddedCluster, wire: Wire) -> None:
    wire.info("set-config:context=service;query-threads-limit=2")
    slow = query(field(RPS, struct.pack(">I", 5)))
    with Wire(cluster.nodes[0].port) as one, Wire(cluster.nodes[0].port) as two:
        for each in (one, two):
            each.sock.sendall(frame(slow if each is one else query(field(RPS, struct.pack(">I", 5)))))
        eventually(lambda: sum(job["status"] == "active(ok)" for job in jobs(wire)) == 2)
        answer = ask(wire)
        assert (answer.code, answer.is_whole) == (FORBIDDEN, False)
        assert ask(wire, info1=READ | SHORT).values() == list(range(COUNT))
    eventually(lambda: all(job["status"] != "active(ok)" for job in jobs(wire)))
    assert ask(wire).values() == list(range(COUNT))


# --- clients that go, or do not read ------------------------------------------------------------------------


def test_a_query_is_not_run_ahead_of_its_client(cluster: EmbeddedCluster, wire: Wire) -> None:
    fill(wire, 200, size=200_000)
    with Wire(cluster.nodes[0].port) as idle:
        idle.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        idle.sock.sendall(frame(query()))
        time.sleep(0.3)
        (job,) = jobs(wire)
        assert job["status"] == "active(ok)"
        assert int(job["recs-succeeded"]) < 100
        assert wire.ask(get(1, set_name="q")).code == 0
        assert len(read_query(idle).records) == COUNT


def test_a_query_whose_client_has_gone_ends(cluster: EmbeddedCluster, wire: Wire) -> None:
    with Wire(cluster.nodes[0].port) as gone:
        gone.sock.sendall(frame(query(field(RPS, struct.pack(">I", 10)))))
        eventually(lambda: any(job["status"] == "active(ok)" for job in jobs(wire)))
    eventually(lambda: any(job["status"].startswith("done(abandoned") for job in jobs(wire)))


def test_a_client_that_does_not_read_for_too_long_is_disconnected(
    cluster: EmbeddedCluster, wire: Wire
) -> None:
    fill(wire, 200, size=200_000)
    impatient = field(SOCKET_TIMEOUT, struct.pack(">I", 200))
    with Wire(cluster.nodes[0].port) as idle:
        idle.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        idle.sock.sendall(frame(query(impatient)))
        eventually(lambda: any(job["status"].startswith("done(abandoned") for job in jobs(wire)))


def test_a_scan_of_many_records_serves_other_connections(cluster: EmbeddedCluster, wire: Wire) -> None:
    many = 20_000
    fill(wire, many)
    served = 0
    for _ in range(20):  # where this thread gets no time, a scan may be over before it has asked for anything
        with Wire(cluster.nodes[0].port, timeout=60) as other:
            other.sock.sendall(frame(query()))
            while served < 6 and "active(ok)" in [job["status"] for job in jobs(wire)]:
                served += 1
            assert read_query(other).values() == list(range(many))
        if served == 6:
            break
    assert served == 6


# --- faults -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("frames", [0, 1, 7])
def test_a_stream_is_cut_after_frames(cluster: EmbeddedCluster, wire: Wire, frames: int) -> None:
    node = cluster.nodes[0]
    node.frame_queries(1)
    node.cut(after_frames=frames, after_bytes=10)
    wire.sock.sendall(frame(query()))
    for _ in range(frames):
        wire.read_frame()
    assert len(wire.read(10)) == 10
    with pytest.raises(EOFError):
        wire.read(1)
    with Wire(node.port) as again:
        assert ask(again).values() == list(range(COUNT))
        assert jobs(again)[1]["status"].startswith("done(abandoned")


def test_a_stream_stalls_and_goes_on(cluster: EmbeddedCluster, wire: Wire) -> None:
    node = cluster.nodes[0]
    node.frame_queries(1)
    node.stall(after_frames=3, seconds=0.2)
    start = time.monotonic()
    answer = ask(wire)
    assert answer.values() == list(range(COUNT))
    assert time.monotonic() - start >= 0.2
    node.stall(after_frames=3)
    with Wire(node.port, timeout=0.2) as stalled:
        stalled.sock.sendall(frame(query()))
        for _ in range(3):
            stalled.read_frame()
        with pytest.raises(socket.timeout):
            stalled.read(1)
        assert ask(wire).values() == list(range(COUNT))


def test_garbage_in_a_stream(cluster: EmbeddedCluster, wire: Wire) -> None:
    node = cluster.nodes[0]
    node.frame_queries(1)
    node.garbage(b"garbage", after_frames=5)
    wire.sock.sendall(frame(query()))
    for _ in range(5):
        wire.read_frame()
    assert wire.read(7) == b"garbage"


@pytest.mark.parametrize("frames", [0, 1, 7])
def test_a_stream_ends_with_a_code(cluster: EmbeddedCluster, wire: Wire, frames: int) -> None:
    node = cluster.nodes[0]
    node.frame_queries(1)
    node.fail_query(ABORTED, times=2, after_frames=frames)
    for _ in range(2):
        answer = ask(wire)
        assert (answer.code, answer.is_whole, len(answer.frames)) == (ABORTED, True, frames)
    assert node.faults_left == 0
    assert ask(wire).values() == list(range(COUNT))


def test_a_fault_that_is_told_in_frames_waits_for_an_answer_that_has_as_many(
    cluster: EmbeddedCluster, wire: Wire
) -> None:
    node = cluster.nodes[0]
    for strike in (
        lambda: node.cut(after_frames=9),
        lambda: node.stall(after_frames=9),
        lambda: node.garbage(b"garbage", after_frames=9),
        lambda: node.freeze(after_frames=9),
        lambda: node.fail_query(ABORTED, after_frames=9),
    ):
        node.frame_queries(1 << 20)
        strike()
        for _ in range(2):  # all records are in fewer frames: one a thread, and the last message
            assert ask(wire).values() == list(range(COUNT))
        assert node.faults_left == 1
        node.frame_queries(1)
        with Wire(node.port, timeout=0.2) as struck:
            struck.sock.sendall(frame(query()))
            for _ in range(9):
                struck.read_frame()
            assert node.faults_left == 0
        node.heal()


def test_a_query_is_refused_with_a_code(cluster: EmbeddedCluster, wire: Wire) -> None:
    cluster.nodes[0].answer_with(UNAVAILABLE)
    answer = ask(wire)
    assert (answer.code, answer.is_whole, answer.records) == (UNAVAILABLE, False, [])


def test_partitions_fail_with_a_code(cluster: EmbeddedCluster, wire: Wire) -> None:
    node = cluster.nodes[0]
    node.fail_partitions(3)
    answer = ask(wire, partitions=range(10, 20))
    assert (answer.code, answer.refused) == (0, dict.fromkeys((10, 11, 12), UNAVAILABLE))
    node.fail_partitions(1, code=TIMEOUT)
    assert ask(wire, partitions=[7, 8]).refused == {7: TIMEOUT}
    assert ask(wire, partitions=[7, 8]).refused == {}


def test_delay_and_drip_are_for_streams_too(cluster: EmbeddedCluster, wire: Wire) -> None:
    cluster.nodes[0].delay(0.1)
    start = time.monotonic()
    assert ask(wire).values() == list(range(COUNT))
    assert time.monotonic() - start >= 0.1
    cluster.nodes[0].delay(0)
    cluster.nodes[0].drip(1000)
    assert ask(wire).values() == list(range(COUNT))


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_a_node_that_goes_breaks_its_streams_off(spread: EmbeddedCluster, how: str) -> None:
    node = spread.nodes[0]
    node.frame_queries(1)
    with Wire(node.port) as connection:
        connection.sock.sendall(frame(query(field(RPS, struct.pack(">I", 20)))))
        connection.read_frame()
        getattr(node, how)()
        with pytest.raises((EOFError, ConnectionResetError)):
            read_query(connection)
    found = sorted(
        value
        for number in (1, 2)
        for value in ask_node(
            spread,
            number,
            info1=READ,
            partitions=[pid for pid in ALL if spread.owners("test", pid)[0] is spread.nodes[number]],
        ).values()
    )
    if how == "stop":
        assert found == list(range(COUNT))


def read_frames(wire: Wire) -> int:
    """How many frames come until none does, or the connection breaks."""
    count = 0
    try:
        while True:
            wire.read_frame()
            count += 1
    except (EOFError, ConnectionResetError, TimeoutError):
        return count


@pytest.mark.parametrize("frames", [0, 5])
def test_a_node_dies_in_the_middle_of_an_answer(spread: EmbeddedCluster, frames: int) -> None:
    node = spread.nodes[0]
    node.frame_queries(1)
    node.kill(detach_after=0, after_frames=frames)
    with Wire(node.port) as connection:
        assert connection.info("node") == {"node": "A1"}  # no data request
        connection.sock.sendall(frame(query()))
        assert read_frames(connection) == frames
    assert not node.running
    eventually(lambda: node not in spread.owners("test", 0))


@pytest.mark.parametrize("frames", [0, 5])
def test_a_node_freezes_in_the_middle_of_an_answer_and_goes_on_where_it_was(
    cluster: EmbeddedCluster, wire: Wire, frames: int
) -> None:
    node = cluster.nodes[0]
    node.frame_queries(1)
    node.freeze(after_frames=frames)
    with Wire(node.port) as other:
        wire.sock.sendall(frame(query()))
        wire.sock.settimeout(0.1)
        assert read_frames(wire) == frames
        other.sock.settimeout(0.05)
        with pytest.raises(TimeoutError):
            other.info("node")
        node.thaw()
        wire.sock.settimeout(20)
        assert len(read_query(wire).records) == COUNT - frames


def test_no_bins_are_small(wire: Wire) -> None:
    assert max(ask(wire, info1=READ | NO_BINS).lengths) < COUNT * 80
