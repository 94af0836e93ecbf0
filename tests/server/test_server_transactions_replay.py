"""The recorded messages of transactions: refused as recorded by a server without these, taken by one with."""

from __future__ import annotations

import pytest
from server_wire import Wire, as_list, cases, parse, wire_bytes

from pyspike.server import EmbeddedCluster
from support.shares import Share

aerospike = pytest.importorskip("aerospike")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

RECORDED = "8.1.2"
DEADLINE = 6
READS = ("read", "select", "apply")
"""Flows with these send the versions that were made up for the recording."""
NOT_DURABLE = ("flow/remove-commit", "flow/remove-abort")


def prepare(client: object, sources: list[str]) -> None:
    names = {"aerospike": aerospike, "client": client}
    for source in sources:
        exec(source, names)


def without_void_time(answer: bytes) -> tuple[bytes, bool, bytes]:
    """What is the same whenever it is asked: of the time at which a record expires, whether there is one."""
    return answer[:18], any(answer[18:22]), answer[22:]


def test_a_server_without_transactions_answers_as_the_recorded_one(share: Share) -> None:
    total, different = 0, []
    with EmbeddedCluster(version=RECORDED) as cluster, Wire(cluster.nodes[0].port) as wire:
        cluster.shuffle_batches(None)
        client = aerospike.client({"hosts": [("127.0.0.1", cluster.nodes[0].port)]}).connect()
        for case in cases("txn.jsonl"):
            requests, responses = as_list(case["request"]), as_list(case["response"])
            if not requests or case.get("synthetic_responses") or case["name"] == "query":
                continue
            cluster.clear()
            total += 1
            prepare(client, case.get("setup") or [])
            steps = case.get("exchanges") or [{"request": 0, "responses": range(len(responses))}]
            got = []
            for step in steps:
                wire.sock.sendall(wire_bytes(requests[step["request"]]))
                want = b"".join(wire_bytes(responses[index]) for index in step["responses"])
                read = b""
                while len(read) < len(want):
                    read += wire.read_frame()
                got.append(without_void_time(read) == without_void_time(want))
            if not all(got):
                different.append(case["name"])
        client.close()
    share("replay of txn", "recorded answers are the same byte for byte", total, len(different))
    assert total == 16
    assert not different


def test_a_server_with_transactions_takes_the_recorded_messages() -> None:
    """What was made up for the recording as the answers are result codes, and where deadlines are told."""
    total = 0
    with EmbeddedCluster(strong_consistency=True) as cluster, Wire(cluster.nodes[0].port) as wire:
        client = aerospike.client({"hosts": [("127.0.0.1", cluster.nodes[0].port)]}).connect()
        for case in cases("txn.jsonl"):
            name = case["name"]
            if not case.get("synthetic_responses") or any(kind in name for kind in READS):
                continue
            cluster.clear()
            client.put(("test", "gv", "tw1"), {"a": 1})
            total += 1
            told, made_up = [], []
            for request, response in zip(as_list(case["request"]), as_list(case["response"]), strict=True):
                wire.sock.sendall(wire_bytes(request))
                answer, other = parse(wire.read_frame()), parse(wire_bytes(response))
                told.append((answer.code, DEADLINE in answer.fields))
                made_up.append((other.code, DEADLINE in other.fields))
            if name in NOT_DURABLE:  # which no strong-consistent namespace takes
                made_up[1] = (22, False)
            assert told == made_up, name
            client.put(("test", "gv", "tw1"), {"a": 2})  # nothing is locked any more
        client.close()
    assert total == 16
