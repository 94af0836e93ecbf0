"""What the official client sent about modules and functions gets the recorded answers of a real server."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from server_wire import VECTORS, Wire, as_list, cases, wire_bytes
from test_server_replay import RECORDED, environment, same_reply

from pyspike.server import EmbeddedCluster
from support.shares import Share

aerospike = pytest.importorskip("aerospike")
pytest.importorskip("lupa")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

INFO_TYPE, TYPE_AT = 1, 1
MODULES = json.loads((VECTORS / "fixtures.json").read_text(encoding="utf-8"))["lua"]
DIFFERENT: dict[str, str] = {}
"""By case: why its answer is another one."""


@pytest.fixture
def clusters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, EmbeddedCluster]]:
    """A cluster of one node and one of three, with the modules that the recorded ones had at first."""
    for name, source in MODULES.items():
        (tmp_path / name).write_text(source)
    monkeypatch.chdir(tmp_path)
    # In processes of their own: while it registers a module, the official client holds the GIL.
    with (
        EmbeddedCluster(version=RECORDED, process=True) as one,
        EmbeddedCluster(3, version=RECORDED, process=True) as three,
    ):
        for cluster, names in ((one, ("gv_udf.lua", "gv_small.lua")), (three, ("gv_udf.lua",))):
            client = aerospike.client({"hosts": [("127.0.0.1", cluster.nodes[0].port)]}).connect()
            for name in names:
                client.udf_put(name)
            client.close()
        yield {"client": one, "client3": three}


def test_the_recorded_requests_get_the_recorded_answers(
    clusters: dict[str, EmbeddedCluster], share: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "sleep", lambda seconds: None)  # for what spreads to other nodes there
    total, different = 0, {}
    for name, cluster in clusters.items():
        port = cluster.nodes[0].port
        client = aerospike.client({"hosts": [("127.0.0.1", port)]}).connect()
        with Wire(port) as wire:
            for case in cases("udf.jsonl"):
                if case.get("client", "client") == name and as_list(case["request"]):
                    total += 1
                    different |= differences(case, client, cluster, wire)
        client.close()
    share("replay of udf", "recorded answers are the same byte for byte", total, len(different))
    assert total == 83
    assert different.keys() == DIFFERENT.keys(), different


def differences(case: dict[str, Any], client: Any, cluster: EmbeddedCluster, wire: Wire) -> dict[str, str]:
    cluster.clear()
    names = environment(client)
    for source in case.get("setup") or []:
        exec(source, names)
    found = {}
    for request, response in zip(as_list(case["request"]), as_list(case["response"]), strict=True):
        sent, want = wire_bytes(request), wire_bytes(response)
        wire.sock.sendall(sent)
        got = wire.read_frame()
        is_info = sent[TYPE_AT] == INFO_TYPE
        if not (want == got if is_info else same_reply(want, got, case["time"])):
            found[case["name"]] = f"want {want!r} got {got!r}"
    return found
