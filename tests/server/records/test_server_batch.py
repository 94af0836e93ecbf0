"""What batches do on the embedded server beside what a real one answers: orders, nodes, counters, faults."""

from __future__ import annotations

import random
import socket
import struct
import sys
import time
from collections.abc import Iterator

import pytest
from batch_wire import (
    DELETE,
    FRAME,
    INLINE,
    READ_ALL,
    REPORT,
    RESPOND_ALL,
    WRITE,
    Answered,
    batch,
    read_answer,
    repeat,
    row,
    run,
)
from server_wire import Wire, digest_of, eventually, field, frame, get, integer, message, op, put

from pyspike import ResultCode
from pyspike.server import EmbeddedCluster, EmbeddedNode
from support.sanitizers import SANITIZED

PUT, ADD, APPEND = 2, 5, 9
ROW = 22
"""Bytes of a row that holds no results."""


@pytest.fixture
def cluster(shared_cluster: EmbeddedCluster) -> Iterator[EmbeddedCluster]:
    shared_cluster.reset()
    yield shared_cluster
    shared_cluster.reset()


@pytest.fixture
def node(cluster: EmbeddedCluster) -> EmbeddedNode:
    return cluster.nodes[0]


def add(number: int, key: object, **header: object) -> bytes:
    return row(number, key, op(ADD, "a", *integer(1)), info2=WRITE, **header)  # type: ignore[arg-type]


def reads(count: int) -> list[bytes]:
    return [row(0, 0, info1=READ_ALL), *[repeat(number, number) for number in range(1, count)]]


def adds(count: int) -> list[bytes]:
    return [add(0, 0), *[repeat(number, number) for number in range(1, count)]]


def asked(node: EmbeddedNode, *rows: bytes, **header: object) -> Answered:
    with Wire(node.port) as wire:
        return run(wire, *rows, **header)


def fill(node: EmbeddedNode, count: int, size: int) -> None:
    rows = [row(n, n, op(PUT, "a", 4, bytes(size)), info2=WRITE) for n in range(count)]
    assert set(asked(node, *rows).codes.values()) == {0}


def written(node: EmbeddedNode, count: int) -> int:
    """How many of the first `count` records are there."""
    return sum(code == 0 for code in asked(node, *reads(count)).codes.values())


# --- orders -------------------------------------------------------------------------------------------------


def test_small_inline_batches_keep_their_order_and_others_do_not(node: EmbeddedNode) -> None:
    assert asked(node, *reads(100)).numbers == list(range(100))
    for rows, flags in ((reads(101), INLINE | RESPOND_ALL), (reads(20), RESPOND_ALL)):
        numbers = asked(node, *rows, flags=flags).numbers
        assert numbers != sorted(numbers) == list(range(len(rows)))


def test_a_seed_decides_the_orders(cluster: EmbeddedCluster, node: EmbeddedNode) -> None:
    def orders() -> list[list[int]]:
        return [asked(node, *reads(150)).numbers, asked(node, *reads(20), flags=RESPOND_ALL).numbers]

    told = []
    for seed in (1, 2, 1):
        cluster.shuffle_batches(seed)
        told.append(orders())
    assert told[0] == told[2] != told[1]
    cluster.shuffle_batches(None)
    assert orders() == [list(range(150)), list(range(20))]
    with pytest.raises(TypeError, match="seed is an integer or None, not str"):
        cluster.shuffle_batches("1")  # type: ignore[arg-type]


def test_large_inline_batches_are_run_in_their_order(node: EmbeddedNode) -> None:
    rows = [add(number, "same") for number in range(300)]
    answer = asked(node, *rows)
    assert answer.numbers != sorted(answer.numbers)
    assert [answer[number].generation for number in range(300)] == list(range(1, 301))


def test_frames_are_full_but_not_over_full(node: EmbeddedNode) -> None:
    answer = asked(node, *reads(10_000))
    assert [len(each) for each in answer.frames] == [FRAME // ROW, 10_000 - FRAME // ROW]
    assert sorted(answer.numbers) == list(range(10_000))


# --- nodes --------------------------------------------------------------------------------------------------


def test_rows_of_other_nodes_are_passed_on_and_run_last(three: EmbeddedCluster) -> None:
    three.shuffle_batches(None)
    node = three.nodes[0]
    mine = {n for n in range(60) if three.owners("test", _partition(n))[0] is node}
    copies = {n for n in range(60) if node in three.owners("test", _partition(n))}
    assert 0 < len(mine) < len(copies) < 60
    answer = asked(node, *adds(60))
    assert (answer.code, set(answer.codes.values())) == (0, {0})
    assert answer.numbers == sorted(mine) + sorted(set(range(60)) - mine)
    answer = asked(node, *reads(60))
    assert answer.numbers == sorted(copies) + sorted(set(range(60)) - copies)
    assert all(asked(each, *reads(60)).codes == dict.fromkeys(range(60), 0) for each in three.nodes)
    counted = statistics(node)
    assert counted["batch_sub_proxy_complete"] == (60 - len(mine)) + 2 * (60 - len(copies))
    others = [statistics(each)["from_proxy_batch_sub_write_success"] for each in three.nodes]
    assert others[0] == 0
    assert sum(others) == 60 - len(mine)


def test_rows_that_are_passed_on_and_writes_with_replicas_come_in_any_order(three: EmbeddedCluster) -> None:
    node = three.nodes[0]
    mine = [n for n in range(60) if three.owners("test", _partition(n))[0] is node]
    told = asked(node, *[add(n, n) for n in mine])
    assert told.numbers != sorted(told.numbers) == mine
    assert asked(node, *[row(n, n, info1=READ_ALL) for n in mine]).numbers == mine
    told = asked(node, *reads(60))
    assert told.numbers != sorted(told.numbers) == list(range(60))


def test_results_of_reads_that_are_passed_on_keep_their_codes(three: EmbeddedCluster) -> None:
    expression = op(7, "e", 4, b"\x92\x93\x14\x01\x01\x00")
    node = three.nodes[0]
    assert asked(node, *adds(60)).code == 0
    told = asked(node, *[row(n, n, expression, info1=1) for n in range(60)])
    for each in told.rows:
        owned = node in three.owners("test", _partition(each.number))
        assert each.ops == [(1 if owned else 7, 1, "e", integer(2)[1])]


def _partition(key: object) -> int:
    digest = digest_of(key)
    return digest[0] | (digest[1] & 0x0F) << 8


def test_a_row_without_an_owner_is_unavailable(cluster: EmbeddedCluster, node: EmbeddedNode) -> None:
    cluster.lose_partition("test", _partition(3))
    codes = asked(node, *adds(5)).codes
    assert codes == {0: 0, 1: 0, 2: 0, 3: 11, 4: 0}
    assert statistics(node)["batch_sub_tsvc_error"] >= 1
    assert asked(node, *adds(5), flags=INLINE | REPORT).code == 11


# --- counters -----------------------------------------------------------------------------------------------


def statistics(node: EmbeddedNode) -> dict[str, int]:
    with Wire(node.port) as wire:
        told = ";".join(wire.info("statistics", "namespace/test").values())
    pairs = (each.split("=", 1) for each in told.split(";"))
    return {name: int(value) for name, value in pairs if value.isdecimal()}


def test_batches_and_rows_are_counted(node: EmbeddedNode) -> None:
    before, stats = statistics(node), node.stats
    asked(node, *adds(3))
    asked(node, *reads(4))
    asked(node, row(0, 0, info2=DELETE), row(1, 9, info2=DELETE), add(2, 1, info3=0x08))
    asked(node, row(0, 1, info1=READ_ALL, more=(field(43, b"\xc2"),)))
    asked(node, add(0, 1, more=(field(43, b"\xc2"),)), row(1, 2, op(APPEND, "a", 3, b"x"), info2=WRITE))
    asked(node, row(0, 1, info2=WRITE, more=(field(30, b"m"), field(31, b"f"), field(32, b"\x90"))))
    asked(node, row(0, 1))
    asked(node, flags=INLINE)
    fill(node, 1, 300_000)
    asked(node, *reads(1))
    after = statistics(node)
    different = {name: after[name] - before[name] for name in after if "batch_" in name}
    assert {name: count for name, count in different.items() if count} == {
        "batch_index_initiate": 10,
        "batch_index_complete": 9,
        "batch_index_error": 1,
        "batch_index_huge_buffers": 1,
        "batch_sub_write_success": 5,
        "batch_sub_write_filtered_out": 1,
        "batch_sub_write_error": 1,
        "batch_sub_read_success": 4,
        "batch_sub_read_not_found": 1,
        "batch_sub_read_filtered_out": 1,
        "batch_sub_delete_success": 1,
        "batch_sub_delete_not_found": 1,
        "batch_sub_udf_error": 1,
        "batch_sub_tsvc_error": 1,
    }
    assert (node.stats.batches - stats.batches, node.stats.batch_rows - stats.batch_rows) == (10, 17)


def test_threads_of_batches_are_told(node: EmbeddedNode) -> None:
    with Wire(node.port) as wire:
        assert "batch_index_queue=0:0,0:0;" in wire.info("statistics")["statistics"]
        assert wire.info("set-config:context=service;batch-index-threads=4")
        assert "batch_index_queue=0:0,0:0,0:0,0:0;" in wire.info("statistics")["statistics"]


# --- error details ------------------------------------------------------------------------------------------


def test_a_row_tells_what_was_wrong_if_it_is_asked(node: EmbeddedNode) -> None:
    wrong = row(1, 0, info1=1, info4=0x40)
    answer = asked(node, *adds(1), wrong, row(2, 0, info1=1))
    assert b"no ops" in answer[1].fields[45]
    assert answer[2].fields == {}


# --- faults -------------------------------------------------------------------------------------------------


BIG = 50_000
BIG_FRAMES = [8 + 2 * (ROW + 9 + BIG), 8 + 2 * (ROW + 9 + BIG) + 2 * ROW, 8 + ROW]


def long_batch(node: EmbeddedNode) -> bytes:
    """A batch that is answered with the frames above, and writes in its last row."""
    fill(node, 4, BIG)
    rows = [row(n, n, info1=READ_ALL) for n in range(4)]
    return batch(*rows, row(4, "last", op(PUT, "a", 4, bytes(BIG)), info2=WRITE), add(5, "last", info3=8))


def is_run(node: EmbeddedNode) -> bool:
    with Wire(node.port) as wire:
        return wire.ask(get("last")).code == 0


@pytest.mark.parametrize(
    ("after_bytes", "after_frames"),
    [(0, None), (5, None), (1000, None), (None, 0), (None, 1), (100, 1), (7, 2)],
)
def test_an_answer_is_cut_and_all_rows_were_run(
    node: EmbeddedNode, after_bytes: int | None, after_frames: int | None
) -> None:
    body = long_batch(node)
    node.cut(after_bytes, after_frames=after_frames)
    with Wire(node.port) as wire:
        wire.send(body)
        for size in BIG_FRAMES[: after_frames or 0]:
            assert len(wire.read_frame()) == size
        rest = bytearray()
        while chunk := wire.sock.recv(1 << 16):
            rest += chunk
    assert len(rest) == (after_bytes or 0)
    assert is_run(node)


def test_an_answer_that_is_told_no_place_is_cut_in_half(node: EmbeddedNode) -> None:
    body = long_batch(node)
    node.cut()
    with Wire(node.port) as wire:
        wire.send(body)
        got = 0
        while chunk := wire.sock.recv(1 << 16):
            got += len(chunk)
    assert got == sum(BIG_FRAMES) // 2


def test_an_answer_stalls_and_other_connections_go_on(node: EmbeddedNode) -> None:
    body = long_batch(node)
    node.stall(after_frames=1, after_bytes=10)
    with Wire(node.port) as wire:
        wire.send(body)
        wire.send(get(0))
        assert len(wire.read_frame()) == BIG_FRAMES[0]
        wire.read(10)
        assert is_run(node)
        wire.sock.settimeout(0.2)
        with pytest.raises(socket.timeout):
            wire.read(1)
    assert node.faults_left == 0


def test_the_rest_of_a_stalled_answer_may_come(node: EmbeddedNode) -> None:
    body = long_batch(node)
    node.stall(after_frames=1, seconds=0.3)
    with Wire(node.port) as wire:
        wire.send(body)
        wire.send(get(0))
        start = time.monotonic()
        assert [len(wire.read_frame()) for _ in BIG_FRAMES] == BIG_FRAMES
        assert time.monotonic() - start >= 0.2
        assert wire.read_frame()[13] == 0


def test_garbage_follows_the_first_frames(node: EmbeddedNode) -> None:
    body = long_batch(node)
    node.garbage(b"garbage!", after_frames=1)
    with Wire(node.port) as wire:
        wire.send(body)
        wire.read_frame()
        assert wire.read(8) == b"garbage!"
        assert run(wire, *reads(2)).code == 0


@pytest.mark.parametrize("execute", [False, True])
def test_a_batch_is_answered_with_a_code(node: EmbeddedNode, execute: bool) -> None:
    node.answer_with(ResultCode.DEVICE_OVERLOAD, execute=execute)
    answer = asked(node, *adds(3))
    assert (answer.code, answer.rows) == (18, [])
    assert written(node, 3) == (3 if execute else 0)


@pytest.mark.parametrize("execute", [False, True])
def test_rows_fail(node: EmbeddedNode, execute: bool) -> None:
    node.fail_rows(ResultCode.TIMEOUT, rows=2, execute=execute)
    assert node.faults_left == 2
    with Wire(node.port) as wire:
        assert wire.ask(get("single")).code == 2
    assert asked(node, *adds(4)).codes == {0: 9, 1: 9, 2: 0, 3: 0}
    assert written(node, 4) == (4 if execute else 2)
    node.fail_rows(18)
    answer = asked(node, *reads(2), flags=INLINE | REPORT)
    assert (answer.code, answer[0].code) == (18, 18)
    assert node.faults_left == 0


def test_rows_that_fail_do_not_outlive_the_healing(node: EmbeddedNode) -> None:
    node.fail_rows(18, rows=5)
    node.heal()
    assert node.faults_left == 0
    assert asked(node, *adds(2)).codes == {0: 0, 1: 0}


def test_a_batch_is_run_and_not_answered_or_not_run(node: EmbeddedNode) -> None:
    node.drop_before_execute()
    node.close_after_request()
    for _ in range(2):
        with Wire(node.port) as wire:
            wire.send(batch(*adds(300)))
            with pytest.raises(EOFError):
                wire.read(1)
    assert asked(node, *reads(1))[0].generation == 1


def test_the_answer_is_late_in_whole_and_in_pieces(node: EmbeddedNode) -> None:
    body = long_batch(node)
    with Wire(node.port) as wire:
        node.delay(0.15)
        start = time.monotonic()
        wire.send(body)
        assert len(read_answer(wire).rows) == 6
        assert time.monotonic() - start >= 0.15
        node.delay(0)
        node.drip(30_000, interval=0.01)
        wire.send(body)
        assert len(read_answer(wire).rows) == 6


def test_a_frozen_node_goes_on_in_the_middle_of_an_answer(node: EmbeddedNode) -> None:
    fill(node, 1, 100_000)
    with Wire(node.port) as wire:
        wire.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 14)
        rows = [row(0, 0, info1=READ_ALL), *[repeat(n, 0) for n in range(1, 150)]]
        wire.send(batch(*rows, timeout=0))
        got = len(wire.read(100_000))
        node.freeze()
        wire.sock.settimeout(0.2)
        while chunk := _received(wire):
            got += chunk
        assert got < 150 * 100_000
        node.thaw()
        wire.sock.settimeout(5)
        while got < 150 * (8 + ROW + 9 + 100_000) + ROW:
            got += _received(wire)


def _received(wire: Wire) -> int:
    """How many bytes come next; 0 if none come in time."""
    try:
        return len(wire.sock.recv(1 << 20))
    except TimeoutError:
        return 0


@pytest.mark.parametrize("replica", [1, 2])
def test_a_batch_with_a_write_of_a_held_partition_is_held(three: EmbeddedCluster, replica: int) -> None:
    node = three.nodes[0]
    key = next(n for n in range(100) if three.owners("test", _partition(n)) == three.nodes[:2])
    node.hold_writes(0.7, replica=three.nodes[replica])
    start = time.monotonic()
    assert asked(node, row(0, key, info1=READ_ALL)).codes == {0: 2}
    assert time.monotonic() - start < 0.7
    start = time.monotonic()
    assert asked(node, row(0, key, info1=READ_ALL), add(1, key)).codes[1] == 0
    assert (time.monotonic() - start >= 0.7) == (replica == 1)


# --- clients that do not read or go away --------------------------------------------------------------------


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
@pytest.mark.skipif(SANITIZED, reason="sanitizers keep what is freed")
def test_a_client_that_does_not_read_holds_up_no_one_and_takes_little_memory(node: EmbeddedNode) -> None:
    fill(node, 20, 100_000)
    many = [row(0, 0, info1=READ_ALL), *[repeat(n, n % 20) for n in range(1, 1000)]]
    with Wire(node.port) as wire:
        wire.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 14)
        before = resident()
        wire.send(batch(*many, timeout=0))
        for _ in range(20):
            assert asked(node, *reads(5)).code == 0
        assert resident() - before < 30 << 20  # the answer is 100 MB long
        assert len(read_answer(wire).rows) == 1000


def resident() -> int:
    """Bytes of memory of this process, in which the server runs."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096


def test_a_client_that_does_not_read_in_time_is_disconnected(node: EmbeddedNode) -> None:
    fill(node, 1, 100_000)
    rows = [row(0, 0, info1=READ_ALL), *[repeat(n, 0) for n in range(1, 200)], add(200, "last")]
    with Wire(node.port) as wire:
        wire.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 14)
        wire.send(batch(*rows, timeout=300))
        eventually(lambda: is_run(node))
        eventually(lambda: node.stats.connections_open == 0)
        with pytest.raises((EOFError, ConnectionResetError)):
            wire.read(200 * 100_000)
    assert len(asked(node, *rows[:100], timeout=300).rows) == 100


@pytest.mark.parametrize("how", ["closed", "reset"])
def test_all_rows_are_run_though_the_client_has_gone(node: EmbeddedNode, how: str) -> None:
    fill(node, 1, 100_000)
    rows = [row(0, 0, info1=READ_ALL), *[repeat(n, 0) for n in range(1, 300)], add(300, "last")]
    wire = Wire(node.port)
    wire.send(batch(*rows))
    wire.read(10)
    if how == "reset":
        wire.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    wire.sock.close()
    with Wire(node.port) as other:
        eventually(lambda: other.ask(get("last")).code == 0)


def test_a_node_that_stops_answers_the_whole_batch_and_one_that_is_killed_does_not() -> None:
    with EmbeddedCluster(2) as cluster:
        for stops in (True, False):
            node = cluster.nodes[0]
            fill(node, 1, 100_000)
            with Wire(node.port) as wire:
                wire.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 14)
                wire.send(
                    batch(row(0, 0, info1=READ_ALL), *[repeat(n, 0) for n in range(1, 300)], add(300, "last"))
                )
                wire.read(10_000)
                if stops:
                    node.stop()
                else:
                    node.kill()
                got = bytearray(10_000)
                try:
                    while chunk := wire.sock.recv(1 << 20):
                        got += chunk
                except ConnectionResetError:
                    assert not stops
                assert (got[-22 - 8 + 11] == 1) == stops
            with Wire(cluster.nodes[1].port) as wire:
                assert (wire.ask(get("last")).code == 0) == stops
                wire.ask(message("last", info2=DELETE))
            node.start()


# --- nothing breaks it --------------------------------------------------------------------------------------


def test_changed_batches_do_no_harm(node: EmbeddedNode) -> None:
    """Every batch is answered up to a last message, whatever is in it, and the connection lives."""
    chance = random.Random(5)
    telling = bytes((0, 1, 2, 3, 4, 5, 7, 8, 22, 26, 30, 41, 43, 127, 255))
    whole = batch(
        *adds(2), row(2, 2, op(1, "a"), info1=1, info4=0, generation=1, more=(field(43, b"\xc3"),)), *reads(2)
    )
    assert asked(node, *adds(2)).code == 0
    with Wire(node.port) as wire:
        for _ in range(1500):
            body = bytearray(whole)
            for _ in range(chance.randrange(1, 4)):
                body[chance.randrange(22, len(body))] = chance.choice(telling)
            body = body[: chance.choice((len(body), len(body), chance.randrange(22, len(body))))]
            body[1] |= 8
            wire.sock.sendall(frame(bytes(body)))
            answer = read_answer(wire)
            codes = {told.code for told in answer.rows}
            assert answer.code in {0, *codes} or not codes
            assert codes | {answer.code} <= {0, 2, 3, 4, 5, 12, 20, 21, 25, 26, 27, 100}
        assert wire.ask(put("after", {"a": integer(1)})).code == 0
