"""The recorded batches of the official client get the recorded answers of a real server.

Byte for byte, frames included; but for the order of rows where a server does not keep it: of batches that are
not inline, and of those that were recorded on three nodes and are sent to one here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from batch_wire import BATCH, INLINE, LAST
from server_wire import VECTORS, Wire, as_list, cases, wire_bytes
from test_server_replay import RECORDED, environment, same_reply

from pyspike.server import EmbeddedCluster
from support.shares import Share

aerospike = pytest.importorskip("aerospike")
records = pytest.importorskip("aerospike_helpers.batch.records")
pytest.importorskip("lupa")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

PROTO, HEADER, NUMBER = 8, 22, slice(14, 18)
BATCH_FIELD = 41
MODULE = "gv_udf.lua"


@pytest.fixture
def single() -> Iterator[EmbeddedCluster]:
    # In a process of its own: while it registers a module, the official client holds the GIL.
    with EmbeddedCluster(version=RECORDED, process=True) as cluster:
        yield cluster


def is_batch(request: bytes) -> bool:
    return bool(request[PROTO + 1] & BATCH)


def is_inline(request: bytes) -> bool:
    pos = PROTO + HEADER
    while request[pos + 4] != BATCH_FIELD:
        pos += 4 + int.from_bytes(request[pos : pos + 4], "big")
    return bool(request[pos + 9] & INLINE)


def messages(frames: list[bytes]) -> list[bytes]:
    """The rows and the last message, each as if it had a frame of its own."""
    found = []
    for frame in frames:
        pos = PROTO
        while pos < len(frame):
            start, counts = pos, frame[pos + 18 : pos + HEADER]
            pos += HEADER
            for _ in range(int.from_bytes(counts[:2], "big") + int.from_bytes(counts[2:], "big")):
                pos += 4 + int.from_bytes(frame[pos : pos + 4], "big")
            found.append(frame[start:pos])
    return [bytes(PROTO) + each for each in found]


def number(message: bytes) -> bytes:
    return message[PROTO:][NUMBER]


def answer(wire: Wire, request: bytes) -> list[bytes]:
    wire.sock.sendall(request)
    frames = [wire.read_frame()]
    while is_batch(request) and not frames[-1][PROTO + 3] & LAST:
        frames.append(wire.read_frame())
    return frames


def differences(case: dict[str, Any], wire: Wire) -> Iterator[str]:
    requests = [wire_bytes(each) for each in as_list(case["request"])]
    responses = [wire_bytes(each) for each in as_list(case["response"])]
    steps = case.get("exchanges") or [{"request": 0, "responses": list(range(len(responses)))}]
    for step in steps:
        request = requests[step["request"]]
        frames = [responses[index] for index in step["responses"]], answer(wire, request)
        want, got = map(messages, frames)
        if is_batch(request) and (case.get("client") == "client3" or not is_inline(request)):
            want, got = sorted(want, key=number), sorted(got, key=number)
        elif list(map(len, frames[0])) != list(map(len, frames[1])):
            yield f"want {frames[0]} got {frames[1]}"
        if len(want) != len(got) or not all(map(same_reply, want, got, [case["time"]] * len(want))):
            yield f"want {[each.hex() for each in want]} got {[each.hex() for each in got]}"


def test_recorded_batches_get_the_recorded_answers(
    single: EmbeddedCluster, share: Share, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # where the official client leaves a copy of the module
    client = aerospike.client({"hosts": [("127.0.0.1", single.nodes[0].port)]}).connect()
    Path(MODULE).write_text(
        json.loads((VECTORS / "fixtures.json").read_text(encoding="utf-8"))["lua"][MODULE]
    )
    client.udf_put(MODULE)
    total, different = 0, {}
    with Wire(single.nodes[0].port) as wire:
        for case in cases("batch.jsonl"):
            if not as_list(case["request"]):
                continue
            total += 1
            single.clear()
            names = {**environment(client), "br": records, "client3": client}
            for source in case.get("setup") or []:
                exec(source, names)
            if found := list(differences(case, wire)):
                different[case["name"]] = found
    client.close()
    share("replay of batch", "recorded answers are the same byte for byte", total, len(different))
    assert total == 181
    assert not different
