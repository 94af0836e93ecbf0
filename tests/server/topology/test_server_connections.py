"""How a connection behaves: order, fragments, what closes it, and the info protocol."""

from __future__ import annotations

import gc
import socket
import struct

import pytest
from server_wire import Wire, frame, get, integer, message, op, parse, put

from pyspike.server import EmbeddedCluster

INCR, READ = 5, 1
RESET = struct.pack("ii", 1, 0)  # what closing sends


def test_answers_come_in_the_order_of_requests(wire: Wire) -> None:
    wire.ask(put(1, {"a": integer(0)}))
    request = message(1, op(INCR, "a", *integer(1)), op(READ, "a"), info1=1, info2=1)
    wire.sock.sendall(frame(request) * 500)
    seen = [parse(wire.read_frame()).bins["a"] for _ in range(500)]
    assert seen == [integer(n) for n in range(1, 501)]


def test_a_request_may_arrive_byte_by_byte_or_with_others(wire: Wire) -> None:
    wire.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    data = frame(put(1, {"a": integer(1)})) + frame(get(1)) + frame(b"build\n", 1) + frame(get(2))
    for index in range(len(data)):
        wire.sock.sendall(data[index : index + 1])
    first, second, third, fourth = (wire.read_frame() for _ in range(4))
    assert (parse(first).code, parse(second).bins, parse(fourth).code) == (0, {"a": integer(1)}, 2)
    assert third[8:] == b"build\t8.2.0.0\n"


def test_a_client_that_does_not_read_holds_up_only_itself(
    wire: Wire, shared_cluster: EmbeddedCluster
) -> None:
    wire.ask(put(1, {"a": (4, bytes(500_000))}))
    wire.sock.setblocking(False)
    requests, sent = frame(get(1)) * 100, 0
    sent = wire.sock.send(requests)
    assert sent == len(requests)
    with Wire(shared_cluster.nodes[0].port) as other:
        assert other.ask(get(1)).code == 0
    wire.sock.setblocking(True)
    assert all(parse(wire.read_frame()).code == 0 for _ in range(100))


@pytest.mark.parametrize(
    "bad",
    [
        b"\x03\x03" + bytes(6),
        b"\x02\x09" + bytes(6),
        b"\x00\x03" + bytes(6),
        b"\x02\x03\x00\x00\x08\x00\x00\x01",
        b"\x16\x03\x01\x02\x00\x01\x00\x01",
    ],
)
def test_a_bad_frame_closes_the_connection_after_the_answers_before_it(wire: Wire, bad: bytes) -> None:
    wire.sock.sendall(frame(put(1, {"a": integer(1)})) + bad + frame(get(1)))
    assert parse(wire.read_frame()).code == 0
    with pytest.raises((EOFError, ConnectionResetError)):
        wire.read_frame()


def test_info_answers_each_line_as_it_was_sent(wire: Wire) -> None:
    wire.send(b"build\n\nnope:a=b\nracks/x\npartitions;x\nunterminated", 1)
    assert wire.read_frame()[8:].decode().split("\n") == [
        "build\t8.2.0.0",
        "\tERROR:4:unrecognized command",
        "nope:a=b\tERROR:4:unrecognized command",
        "racks/x\tERROR:25:enterprise only",
        "partitions;x\t4096",
        "",
    ]
    wire.send(b"build", 1)
    assert wire.read_frame() == frame(b"", 1)
    wire.send(b"", 1)
    assert b"\nbuild\t8.2.0.0\n" in wire.read_frame()


def test_a_user_agent_is_set_once_a_connection(wire: Wire, shared_cluster: EmbeddedCluster) -> None:
    command = "user-agent-set:value=MSxweXNwaWtlLTAuMSxub3Qtc2V0"
    assert wire.info(command)[command] == "ok"
    assert wire.info(command)[command] == "ERROR:4:already set"
    assert wire.info("user-agents")["user-agents"] == "user-agent=MSxweXNwaWtlLTAuMSxub3Qtc2V0:count=1;"
    with Wire(shared_cluster.nodes[0].port) as other:
        assert other.info(command)[command] == "ok"


def test_objects_are_counted(wire: Wire) -> None:
    wire.ask(put(1, {"a": integer(1)}))
    wire.ask(put(2, {"a": integer(1)}, set_name="other"))
    answers = wire.info("namespace/test", "sets/test", "sets/test/s", "statistics")
    assert ";objects=2;" in answers["namespace/test"]
    assert "ns=test:set=s:objects=1:" in answers["sets/test"]
    assert answers["sets/test/s"].startswith("objects=1:")
    assert ";objects=2;" in answers["statistics"]


def test_settings_of_a_namespace_can_be_changed() -> None:
    with EmbeddedCluster() as cluster, Wire(cluster.nodes[0].port) as wire:
        set_small = "set-config:context=namespace;namespace=test;max-record-size=1000"
        assert wire.info(set_small)[set_small] == "ok"
        assert wire.ask(put(1, {"a": (4, bytes(1000))})).code == 13
        assert "max-record-size=1000" in wire.info("get-config:context=namespace;id=test").popitem()[1]
        bad = "set-config:context=namespace;namespace=test;nope=1"
        assert wire.info(bad)[bad] == "ERROR:4:invalid set-config parameter"


def test_connections_made_just_before_it_stops_are_closed(recwarn: pytest.WarningsRecorder) -> None:
    for _ in range(10):
        with EmbeddedCluster() as cluster:
            made = [socket.create_connection(("127.0.0.1", cluster.nodes[0].port)) for _ in range(20)]
        for each in made:
            each.close()
    gc.collect()
    assert [str(warning.message) for warning in recwarn] == []


def test_clients_that_are_gone_before_they_are_accepted_do_no_harm(
    shared_cluster: EmbeddedCluster, caplog: pytest.LogCaptureFixture
) -> None:
    node = shared_cluster.nodes[0]
    for _ in range(200):
        with socket.create_connection(("127.0.0.1", node.port)) as made:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    with Wire(node.port) as wire:
        assert wire.ask(put(1, {"a": integer(1)})).code == 0
    assert not caplog.records
