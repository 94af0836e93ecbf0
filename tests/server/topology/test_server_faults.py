"""Every fault does what it says, and ends."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest
from server_wire import Wire, eventually, get, integer, message, op, parse, put

from pyspike.server import EmbeddedCluster, EmbeddedNode

INCR, READ = 5, 1


@pytest.fixture
def node() -> Iterator[EmbeddedNode]:
    with EmbeddedCluster() as cluster:
        with Wire(cluster.nodes[0].port) as wire:
            wire.ask(put(1, {"a": integer(0)}))
        yield cluster.nodes[0]


def increment() -> bytes:
    return message(1, op(INCR, "a", *integer(1)), info2=1)


def value(node: EmbeddedNode) -> int:
    with Wire(node.port) as wire:
        return int.from_bytes(wire.ask(get(1)).bins["a"][1], "big")


def test_a_frozen_node_answers_nothing_until_it_thaws(node: EmbeddedNode) -> None:
    with Wire(node.port, timeout=0.2) as before:
        assert before.ask(get(1)).code == 0
        node.freeze()
        before.send(increment())
        with Wire(node.port, timeout=0.2) as after:
            after.send(b"build\n", 1)
            for wire in (before, after):
                with pytest.raises(socket.timeout):
                    wire.read(1)
            node.thaw()
            for wire in (before, after):
                wire.sock.settimeout(5)
            assert parse(before.read_frame()).code == 0
            assert after.read_frame()[8:] == b"build\t8.2.0.0\n"


def test_a_delay_is_for_each_answer_and_blocks_nobody_else(node: EmbeddedNode) -> None:
    with Wire(node.port) as wire:
        node.delay(0.2)
        start = time.monotonic()
        for _ in range(10):
            wire.send(increment())
        assert [parse(wire.read_frame()).generation for _ in range(10)] == list(range(2, 12))
        assert 0.2 <= time.monotonic() - start < 1.0
        wire.send(get(1))
        node.delay(0)
        assert value(node) == 10
        assert parse(wire.read_frame()).code == 0


@pytest.mark.parametrize("after_bytes", [None, 0, 3, 8, 20])
def test_an_answer_is_cut_and_the_connection_closed(node: EmbeddedNode, after_bytes: int | None) -> None:
    node.cut(after_bytes, times=2)
    for _ in range(2):
        with Wire(node.port) as wire:
            wire.send(increment())
            assert len(wire.read(11 + 4 if after_bytes is None else after_bytes)) in (15, after_bytes)
            with pytest.raises(EOFError):
                wire.read(1)
    assert value(node) == 2


def test_a_request_can_be_run_without_an_answer(node: EmbeddedNode) -> None:
    node.close_after_request()
    with Wire(node.port) as wire:
        wire.send(increment())
        with pytest.raises(EOFError):
            wire.read(1)
    assert value(node) == 1


def test_a_request_can_be_dropped_without_being_run(node: EmbeddedNode) -> None:
    node.drop_before_execute(times=2)
    for left in (2, 1):
        assert node.faults_left == left
        with Wire(node.port) as wire:
            wire.send(increment())
            with pytest.raises(EOFError):
                wire.read(1)
    assert node.faults_left == 0
    assert value(node) == 0


def test_garbage_is_answered(node: EmbeddedNode) -> None:
    with Wire(node.port) as wire:
        node.garbage(b"garbage!")
        wire.send(get(1))
        assert wire.read(8) == b"garbage!"
        node.garbage()
        wire.send(get(1))
        assert len(wire.read(64)) == 64
        assert wire.ask(get(1)).code == 0


@pytest.mark.parametrize("execute", [False, True])
def test_a_code_is_answered(node: EmbeddedNode, execute: bool) -> None:
    node.answer_with(18, times=2, execute=execute)
    with Wire(node.port) as wire:
        assert wire.info("build") == {"build": "8.2.0.0"}
        assert [wire.ask(increment()).code for _ in range(3)] == [18, 18, 0]
    assert value(node) == (3 if execute else 1)


def test_answers_drip(node: EmbeddedNode) -> None:
    node.drip(5, interval=0.01)
    with Wire(node.port) as wire:
        wire.send(get(1))
        pieces = []
        while sum(map(len, pieces)) < 47:
            pieces.append(wire.sock.recv(100))
        assert parse(b"".join(pieces)).bins["a"] == integer(0)
        assert len(pieces) > 1
        node.drip(1)
        wire.send(get(1))
        assert parse(wire.read_frame()).code == 0
        node.drip(0)
        assert wire.ask(get(1)).code == 0


def test_a_node_that_refuses_keeps_its_connections(node: EmbeddedNode) -> None:
    with Wire(node.port) as wire:
        wire.ask(get(1))
        node.refuse()
        with pytest.raises(ConnectionRefusedError):
            Wire(node.port)
        assert wire.ask(get(1)).code == 0
        node.accept()
        with Wire(node.port) as other:
            assert other.ask(get(1)).code == 0


def test_a_held_write_is_applied_and_holds_its_connection_only(node: EmbeddedNode) -> None:
    node.hold_writes(0.3)
    with Wire(node.port) as wire:
        start = time.monotonic()
        wire.send(increment())
        wire.send(get(1))
        assert value(node) == 1  # on another connection
        node.hold_writes(0)
        assert parse(wire.read_frame()).code == 0
        assert time.monotonic() - start >= 0.3
        assert parse(wire.read_frame()).code == 0


def test_what_came_behind_a_held_write_is_dropped_with_its_connection(node: EmbeddedNode) -> None:
    node.hold_writes(0.3)
    with Wire(node.port) as wire:
        wire.send(increment())
        wire.send(increment())
        eventually(lambda: node.stats.data_requests == 2)  # the fixture's, and the held one
    node.hold_writes(0)
    time.sleep(0.5)
    assert value(node) == 1


def test_only_writes_of_one_replica_are_held() -> None:
    with EmbeddedCluster(2) as cluster:
        first, second = cluster.nodes
        first.hold_writes(60, first)
        keys_held = []
        for key in range(20):
            with Wire(first.port, timeout=0.2) as wire:
                wire.send(put(key, {"a": integer(0)}))
                try:
                    wire.read_frame()
                except TimeoutError:
                    keys_held.append(key)
        assert 0 < len(keys_held) < 20
        with Wire(second.port) as wire:
            assert wire.ask(put(keys_held[0], {"a": integer(0)})).code == 0


def test_healing_ends_all_faults() -> None:
    with EmbeddedCluster(2) as cluster:
        node = cluster.nodes[0]
        with Wire(node.port) as wire:
            node.delay(60)
            node.drip(1, 10)
            node.cut()
            node.answer_with(9, times=5)
            node.refuse()
            node.freeze()
            cluster.lose_partition("test", 5)
            assert node.faults_left == 1 + 5
            cluster.heal()
            assert node.faults_left == 0
            assert wire.ask(get(1)).code == 2
        with Wire(node.port) as wire:
            assert wire.ask(get(1)).code == 2
        assert len(cluster.owners("test", 5)) == 2


def test_healing_a_cluster_starts_the_nodes_that_are_down() -> None:
    with EmbeddedCluster(3) as cluster:
        cluster.nodes[0].stop()
        cluster.nodes[1].kill(detach_after=60)
        cluster.nodes[2].mute()
        cluster.heal()
        assert all(node.running for node in cluster.nodes)
        for node in cluster.nodes:
            with Wire(node.port) as wire:
                assert wire.ask(get(1)).code == 2
                assert wire.info("peers-clear-std")["peers-clear-std"].count("127.0.0.1") == 2


def test_healing_a_node_ends_its_faults_and_no_others() -> None:
    with EmbeddedCluster(2) as cluster:
        node, other = cluster.nodes
        with Wire(node.port) as wire:
            node.delay(60)
            node.drip(1, 10)
            node.cut(times=3)
            node.refuse()
            node.freeze()
            other.answer_with(9)
            wire.send(get(1))
            node.heal()
            assert (node.faults_left, other.faults_left) == (0, 1)
            assert parse(wire.read_frame()).code == 2
        with Wire(node.port) as wire:
            assert wire.ask(get(1)).code == 2
        node.stop()
        node.heal()
        assert not node.running


def test_a_mute_node_accepts_and_answers_nothing() -> None:
    with EmbeddedCluster(2) as cluster:
        node, other = cluster.nodes
        with Wire(node.port, timeout=0.2) as before:
            assert before.ask(get(1)).code == 2
            node.mute()
            with Wire(node.port, timeout=0.2) as after, Wire(other.port) as elsewhere:
                before.send(get(1))
                after.send(b"node\n", 1)
                for wire in (before, after):
                    with pytest.raises(socket.timeout):
                        wire.read(1)
                assert elsewhere.ask(get(1)).code == 2
                node.thaw()  # ends what `freeze` does, which is not this
                with pytest.raises(socket.timeout):
                    after.read(1)
                node.unmute()
                for wire in (before, after):
                    wire.sock.settimeout(5)
                assert parse(before.read_frame()).code == 2
                assert after.read_frame()[8:] == b"node\tA1\n"


@pytest.mark.parametrize("down", [False, True])
def test_a_node_can_start_mute_for_a_while(down: bool) -> None:
    with EmbeddedCluster(2) as cluster:
        node, other = cluster.nodes
        if down:
            node.stop()
        node.mute(0.3)
        begin = time.monotonic()
        node.restart()
        with Wire(node.port) as wire, Wire(other.port) as elsewhere:
            wire.send(b"node\n", 1)
            assert "A1" in elsewhere.info("peers-clear-std")["peers-clear-std"]
            assert wire.read_frame()[8:] == b"node\tA1\n"
            assert time.monotonic() - begin > 0.25
        node.restart()
        with Wire(node.port) as wire:
            assert wire.info("node") == {"node": "A1"}, "once it is over, it is over"


BAD_ARGUMENTS = [
    ("answer_with", (300,), ValueError, r"code is within 0\.\.255, not 300"),
    ("answer_with", (-1,), ValueError, "code"),
    ("answer_with", ("9",), TypeError, "code is an integer, not str '9'"),
    ("answer_with", (True,), TypeError, "code"),
    ("answer_with", (9, -1), ValueError, "times is at least 0, not -1"),
    ("delay", ("1",), TypeError, "seconds is a number of seconds, not str '1'"),
    ("delay", (-1,), ValueError, "seconds is a number of seconds from 0 on, not -1"),
    ("delay", (float("nan"),), ValueError, "seconds"),
    ("delay", (float("inf"),), ValueError, "seconds"),
    ("delay", (None,), TypeError, "seconds"),
    ("mute", (-1,), ValueError, "seconds"),
    ("mute", ("1",), TypeError, "seconds"),
    ("drip", (-1,), ValueError, "bytes_per_chunk"),
    ("drip", (1.5,), TypeError, "bytes_per_chunk"),
    ("drip", (1, -0.1), ValueError, "interval"),
    ("cut", (-1,), ValueError, "after_bytes"),
    ("cut", (None, -1), ValueError, "times is at least 0, not -1"),
    ("cut", (None, "2"), TypeError, "times"),
    ("close_after_request", (-1,), ValueError, "times"),
    ("drop_before_execute", (1.0,), TypeError, "times"),
    ("garbage", ("text",), TypeError, "data is bytes or None, not str 'text'"),
    ("garbage", (b"", -1), ValueError, "times"),
    ("kill", (-1,), ValueError, "detach_after"),
    ("kill", ("now",), TypeError, "detach_after"),
    ("restart", (70000,), ValueError, r"port is within 0\.\.65535, not 70000"),
    ("restart", ("3000",), TypeError, "port"),
]


@pytest.mark.parametrize(("method", "args", "error", "words"), BAD_ARGUMENTS, ids=lambda each: str(each)[:40])
def test_a_fault_without_sense_is_refused_and_changes_nothing(
    node: EmbeddedNode, method: str, args: tuple[object, ...], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        getattr(node, method)(*args)
    assert node.running
    assert node.faults_left == 0
    assert value(node) == 0


@pytest.mark.parametrize(
    ("method", "args", "error", "words"),
    [
        ("owners", ("zz", 1), ValueError, "no namespace 'zz': there are test, bar"),
        ("owners", (1, 1), TypeError, "namespace is a str, not int 1"),
        ("owners", ("test", -1), ValueError, r"partition_id is within 0\.\.4095, not -1"),
        ("owners", ("test", "1"), TypeError, "partition_id"),
        ("owner", (("zz", "s", 1),), ValueError, "no namespace 'zz'"),
        ("owner", (("test", "s"),), TypeError, "not a tuple of 2"),
        ("owner", (("test", "s", 1.5),), TypeError, "a key is an integer, str or bytes, not float"),
        ("owner", ("test",), TypeError, "a key or a tuple is wanted, not str"),
        ("lose_partition", ("test", 4096), ValueError, "partition_id"),
        ("restore_partition", ("zz", 1), ValueError, "no namespace 'zz'"),
        ("move_partitions", ("zz",), ValueError, "no namespace 'zz'"),
        ("move_partitions", ("test", 5000), ValueError, r"count is within 0\.\.4096, not 5000"),
    ],
    ids=lambda each: str(each)[:40],
)
@pytest.mark.parametrize("process", [False, True])
def test_a_request_to_a_cluster_without_sense_is_refused(
    process: bool, method: str, args: tuple[object, ...], error: type[Exception], words: str
) -> None:
    with EmbeddedCluster(process=process) as cluster, pytest.raises(error, match=words):
        getattr(cluster, method)(*args)


def test_a_clients_result_code_is_a_code_to_answer_with(node: EmbeddedNode) -> None:
    import pyspike
    import pyspike.server

    assert not hasattr(pyspike.server, "ResultCode"), "there is one for users"
    node.answer_with(pyspike.ResultCode.DEVICE_OVERLOAD)
    with Wire(node.port) as wire:
        assert wire.ask(get(1)).code == 18


def test_connections_and_requests_are_counted(node: EmbeddedNode) -> None:
    eventually(lambda: node.stats.connections_open == 0)
    before = node.stats
    with Wire(node.port) as wire:
        wire.ask(get(1))
        wire.info("build")
        stats = node.stats
        assert stats.connections_open == 1
        assert stats.connections_accepted == before.connections_accepted + 1
        assert (stats.data_requests, stats.info_requests) == (
            before.data_requests + 1,
            before.info_requests + 1,
        )
    eventually(lambda: node.stats.connections_open == 0)
