"""The recorded requests of the official client, sent as raw bytes, get the recorded answers of a real server.

What was there before a request is set up by the official client, as it was when the case was recorded. Every
case that is not the same byte for byte is listed here with its reason; a difference that is not listed fails,
and so does one that is listed and is none any more.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from server_wire import Wire, as_list, cases, wire_bytes

from pyspike.server import EmbeddedCluster
from support.shares import Share

aerospike = pytest.importorskip("aerospike")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

RECORDED = "8.1.2"  # the server whose answers were recorded
VOID_TIME = slice(18, 22)
EPOCH = 1262304000
SOON = 30.0  # seconds; a busy machine may take some between a write and the read
CLOCK_BYTES = 8

REGION_CELLS = "the cells that cover a region are not computed; clients skip them"
WHICH_OF_EQUALS = "the real server's partial sort may rank the later of two equal elements lower"

DIFFERENT: dict[str, dict[str, str]] = {
    "bit": {},
    "cluster": {},
    "expressions": {},
    "hll": {},
    "operate": {},
    "operate-expression": {},
    "operate-list": {
        "remove_by_value_rank_range_relative/5o-1-value-inv/u": WHICH_OF_EQUALS,
        "remove_by_value_rank_range_relative/5o-1-count-inv/u": WHICH_OF_EQUALS,
    },
    "operate-map": {},
    "path": {},
    "records": {
        "get/geo-poly": REGION_CELLS,
        "get/geo-circle": REGION_CELLS,
        "get/geo-multi": REGION_CELLS,
    },
    "string": {},
}

CLOCKS: dict[str, Callable[[int], bool]] = {
    "meta-LastUpdateTime/read": lambda found: abs(found / 1e9 - time.time()) < SOON,
    "meta-SinceUpdateTime/read": lambda found: 0 <= found < SOON * 1000,
}
"""Cases whose answer ends with a time, an int of eight bytes: what it must be now instead of as recorded."""

FIGURES = "figures of that server at that moment"
TABLE = "a table of names and figures, of which this server has a part"
LEFTOVERS = "sets, indexes, modules or jobs that other recordings had left there"
OTHER_HOST = "facts about the host or the build"

INFO_DIFFERENT = {
    "sets": LEFTOVERS,
    "sets/test": LEFTOVERS,
    "sets/test/gvq": LEFTOVERS,
    "sindex-list:": LEFTOVERS,
    "sindex-list:namespace=test": LEFTOVERS,
    "sindex-list:namespace=test;b64=true": LEFTOVERS,
    "sindex-stat:namespace=test;indexname=gvq_i": LEFTOVERS,
    "sindex/test": LEFTOVERS,
    "sindex/test/gvq_i": LEFTOVERS,
    "sindex-exists:namespace=test;indexname=gvq_i": LEFTOVERS,
    "udf-list": LEFTOVERS,
    "udf-get:filename=gv_udf.lua": LEFTOVERS,
    "query-show:": LEFTOVERS,
    "user-agents": LEFTOVERS,
    "statistics": FIGURES,
    "cluster-stable:": FIGURES,
    "cluster-stable:size=1;ignore-migrations=true": FIGURES,
    "namespace/test": TABLE,
    "latencies:": TABLE,
    "get-config:context=namespace;namespace=test": TABLE,
    "best-practices": OTHER_HOST,
    "release": OTHER_HOST,
    "": "the default report holds figures",
}
"""By command: why its answer is not compared."""


def environment(client: Any) -> dict[str, Any]:
    """The names that recorded sources use."""
    from aerospike import CDTInfinite, CDTWildcard, GeoJSON, KeyOrderedDict
    from aerospike import exception as ex
    from aerospike_helpers import HyperLogLog, cdt_ctx, expressions, string_helpers
    from aerospike_helpers.operations import (
        bitwise_operations,
        expression_operations,
        hll_operations,
        list_operations,
        map_operations,
        operations,
        string_operations,
    )

    return {
        "aerospike": aerospike,
        "client": client,
        "ex": ex,
        "time": time,
        "e": expressions,
        "cx": cdt_ctx,
        "op": operations,
        "lo": list_operations,
        "mo": map_operations,
        "bo": bitwise_operations,
        "ho": hll_operations,
        "eo": expression_operations,
        "so": string_operations,
        "sh": string_helpers,
        "KeyOrderedDict": KeyOrderedDict,
        "GeoJSON": GeoJSON,
        "HyperLogLog": HyperLogLog,
        "CDTInfinite": CDTInfinite,
        "CDTWildcard": CDTWildcard,
    }


@pytest.fixture(scope="module")
def single() -> Iterator[EmbeddedCluster]:
    with EmbeddedCluster(cluster_name="single", version=RECORDED) as cluster:
        yield cluster


def masked(data: bytes, varies: list[list[int]]) -> bytes:
    """The bytes, zeros where the recorded passes were not the same."""
    out = bytearray(data)
    for _, first, end in varies:
        out[first:end] = bytes(len(out[first:end]))
    return bytes(out)


def same_reply(want: bytes, got: bytes, recorded_at: float) -> bool:
    """Equal but for the moment: a void-time is compared by the life it leaves."""
    if want[VOID_TIME] != got[VOID_TIME]:
        void_times = int.from_bytes(want[VOID_TIME], "big"), int.from_bytes(got[VOID_TIME], "big")
        if not all(void_times):
            return False
        left = void_times[0] + EPOCH - recorded_at, void_times[1] + EPOCH - time.time()
        if abs(left[0] - left[1]) > 5:
            return False
    return want[: VOID_TIME.start] + want[VOID_TIME.stop :] == got[: VOID_TIME.start] + got[VOID_TIME.stop :]


@pytest.mark.parametrize("group", sorted(DIFFERENT))
def test_recorded_requests_get_the_recorded_answers(
    single: EmbeddedCluster, group: str, share: Share
) -> None:
    """Which node is asked does not matter, so the cluster's cases are the same on one."""
    client = aerospike.client({"hosts": [("127.0.0.1", single.nodes[0].port)]}).connect()
    total, different = 0, {}
    with Wire(single.nodes[0].port) as wire:
        for case in cases(f"{group}.jsonl"):
            if not as_list(case["request"]):
                continue
            single.clear()
            total += 1
            names = environment(client)
            try:
                for source in case.get("setup") or []:
                    exec(source, names)
            except aerospike.exception.AerospikeError as error:
                different[case["name"]] = f"setup: {error.code}"
                continue
            varies = (case.get("varies") or {}).get("response") or []
            pairs = zip(as_list(case["request"]), as_list(case["response"]), strict=True)
            for index, (request, response) in enumerate(pairs):
                wire.sock.sendall(wire_bytes(request))
                mask = [span for span in varies if span[0] == index and span[1] > VOID_TIME.stop]
                reply, recorded = wire.read_frame(), wire_bytes(response)
                if case["name"] in CLOCKS:
                    mask = [[index, len(recorded) - CLOCK_BYTES, len(recorded)]]
                    if not CLOCKS[case["name"]](int.from_bytes(reply[-CLOCK_BYTES:], "big", signed=True)):
                        different[case["name"]] = f"no such time now: {reply.hex()[:200]}"
                got, want = masked(reply, mask), masked(recorded, mask)
                if not same_reply(want, got, case["time"]):
                    different[case["name"]] = f"want {want.hex()[:200]} got {got.hex()[:200]}"
    client.close()
    share(f"replay of {group}", "recorded answers are the same byte for byte", total, len(different))
    unexpected = {name: how for name, how in different.items() if name not in DIFFERENT[group]}
    assert not unexpected, "\n".join(f"{name}: {how}" for name, how in unexpected.items())
    assert set(DIFFERENT[group]) == set(different), "listed as different, but the same now"


BITMAP = re.compile(r"[A-Za-z0-9+/]{683}=")


def info_lines(data: bytes) -> list[tuple[str, str]]:
    """(command, value) of an info answer."""
    return [tuple(line.split("\t", 1)) for line in data[8:].decode().split("\n")[:-1]]  # type: ignore[misc]


def as_recorded(text: str, cluster: EmbeddedCluster, letter: str, first_port: int) -> str:
    """Our text with the names and ports of the recorded nodes."""
    for index, node in enumerate(cluster.nodes):
        text = re.sub(rf"\b{node.name}\b", f"{letter}{index + 1}", text)
        text = text.replace(f":{node.port}", f":{first_port + 100 * index}")
    return text


def compared_info(
    cluster: EmbeddedCluster, kind: str, letter: str, first_port: int
) -> tuple[int, dict[str, str]]:
    """Number of compared values, and those that are different."""
    total, different = 0, {}
    ports = {first_port + 100 * index: node.port for index, node in enumerate(cluster.nodes)}
    for case in cases("info.jsonl"):
        if not case["name"].startswith((f"{kind}/", "truncate/", "xdr/", "job_info/")):
            continue
        if (case.get("client") == "client3") != (kind == "cluster") and not case["name"].startswith(
            f"{kind}/"
        ):
            continue
        requests, responses = as_list(case["request"]), as_list(case["response"])
        steps = case.get("exchanges") or [
            {"conn": 0, "port": first_port, "request": 0, "responses": list(range(len(responses)))}
        ]
        wires: dict[int, Wire] = {}
        for step in steps:
            if step["conn"] not in wires:
                wires[step["conn"]] = Wire(ports[step["port"]])
            wire = wires[step["conn"]]
            wire.sock.sendall(wire_bytes(requests[step["request"]]))
            for index in step["responses"]:
                got, want = info_lines(wire.read_frame()), info_lines(wire_bytes(responses[index]))
                if case["name"] == f"{kind}/all":
                    continue
                assert [command for command, _ in got] == [command for command, _ in want]
                for (command, value), (_, recorded) in zip(got, want, strict=True):
                    if command in INFO_DIFFERENT or "done" in case["name"]:
                        continue
                    value = as_recorded(value, cluster, letter, first_port)
                    if kind == "cluster":
                        value, recorded = BITMAP.sub("<bitmap>", value), BITMAP.sub("<bitmap>", recorded)
                    total += 1
                    if value != recorded:
                        different[f"{case['name']} {command}"] = f"want {recorded[:200]} got {value[:200]}"
        for wire in wires.values():
            wire.sock.close()
    return total, different


def test_recorded_info_requests_of_one_node_get_the_recorded_answers(
    single: EmbeddedCluster, share: Share
) -> None:
    total, different = compared_info(single, "single", "A", 4440)
    share("replay of info, one node", "compared values are the same", total, len(different))
    assert not different


def test_recorded_info_requests_of_three_nodes_get_the_recorded_answers(share: Share) -> None:
    with EmbeddedCluster(3, cluster_name="three", version=RECORDED) as cluster:
        total, different = compared_info(cluster, "cluster", "B", 4540)
    share("replay of info, three nodes", "compared values are the same", total, len(different))
    assert not different
