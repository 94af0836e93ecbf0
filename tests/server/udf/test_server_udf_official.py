"""The official client calls functions on many records: aggregations, and jobs that change records.

The embedded server is asked, or a real one that `--hosts` names. The official client also judges the client's
part of an aggregation (pyspike.lua.aggregation), by what it makes of the same nodes' results itself.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from query_wire import RPS, ask, between, query
from server_wire import Wire, eventually, field, frame

from pyspike import Client, GeoJSON
from pyspike._wire import pack_element, unpack_value
from pyspike.hosts import parse_hosts

aerospike = pytest.importorskip("aerospike")
pytest.importorskip("lupa")
p = pytest.importorskip("aerospike.predicates")
exp = pytest.importorskip("aerospike_helpers.expressions")
reduce_results = pytest.importorskip("pyspike.lua.aggregation").reduce_results

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

MODULE, ARGUMENTS, CALL = 30, 32, 33
FUNCTION = 31
COUNT = 300
RUN = os.urandom(4).hex()
NAME, SET = f"agg_{RUN}", f"agg-{RUN}"
SOURCE = """
local function add(a, b) return a + b end
local function one(rec) return 1 end

function count(s) return s : map(one) : reduce(add) end
function total(s, bin) return s : map(function(rec) return rec[bin] end) : reduce(add) end
function values(s, bin) return s : map(function(rec) return rec[bin] end) end
function even(s)
  return s : filter(function(rec) return rec.i % 2 == 0 end) : map(one) : reduce(add)
end
function groups(s, bin)
  local function take(all, rec)
    local key = rec[bin]
    all[key] = (all[key] or 0) + 1
    return all
  end
  return s : aggregate(map(), take) : reduce(function(a, b) return map.merge(a, b, add) end)
end
function sorted_groups(s)
  local function to_list(all)
    local keys = list()
    for key in map.keys(all) do list.append(keys, key) end
    return keys
  end
  return groups(s, "s") : map(to_list) : map(function(keys) return list.size(keys) end)
end
function by_size(s)
  return s : map(function(rec) return map{s = rec.s, i = rec.i} end) : groupby(function(m) return m.s end)
           : map(function(all) return map.size(all) end)
end
function stats(s)
  local function take(t, rec)
    t.n, t.sum = t.n + 1, t.sum + rec.f
    t.most = math.max(t.most, rec.i)
    return t
  end
  local function both(a, b)
    return map{n = a.n + b.n, sum = a.sum + b.sum, most = math.max(a.most, b.most)}
  end
  return s : aggregate(map{n = 0, sum = 0.0, most = 0}, take) : reduce(both)
           : map(function(t) t.mean = t.sum / t.n return t end)
end
function far(s) return count(s) : filter(function(n) return n > 1000000 end) end
function late(s)
  return s : map(function(rec) if rec.i == 7 then error("seven") end return 1 end) : reduce(add)
end
function wrong_reduce(s) return s : map(function(rec) return rec.s end) : reduce(add) end

function put(rec, bin, value)
  rec[bin] = value
  return aerospike:update(rec)
end
function fussy(rec)
  if rec.i % 3 == 0 then error("three") end
  rec.u = "done"
  aerospike:update(rec)
end
function drop(rec) return aerospike:remove(rec) end
"""
ALL, FIRST, NONE = None, (0, 49), (COUNT, COUNT)
AGGREGATIONS: dict[str, tuple[str, list[Any], Any]] = {
    # By function: its arguments, the records by number, and what comes of them.
    "all": ("count", [], ALL),
    "sum of integers": ("total", ["i"], FIRST),
    "sum of floats": ("total", ["f"], ALL),
    "values": ("values", ["i"], FIRST),
    "lists": ("values", ["l"], FIRST),
    "maps": ("values", ["m"], FIRST),
    "blobs": ("values", ["y"], FIRST),
    "places": ("values", ["g"], FIRST),
    "truths": ("values", ["t"], FIRST),
    "filter": ("even", [], ALL),
    "groups of an index": ("groups", ["s"], FIRST),
    "groups": ("groups", ["s"], ALL),
    "map behind reduce": ("sorted_groups", [], ALL),
    "groupby": ("by_size", [], ALL),
    "maps that are merged": ("stats", [], ALL),
    "filter behind reduce": ("far", [], ALL),
    "nothing found": ("count", [], NONE),
}
FAILURES = {  # by what fails: the module, the function, what the nodes say, and the official client
    "in the middle": (NAME, "late", rf"UDF: Execution Error 2 : .*{NAME}.lua:\d+: seven", "seven"),
    "while it reduces": (NAME, "wrong_reduce", r"UDF: Execution Error 2 : .*attempt to .*", "attempt to "),
    "no module": ("none", "count", "UDF: Execution Error 1", "UDF: Execution Error 1"),
}


def bins(number: int) -> dict[str, Any]:
    place = aerospike.GeoJSON({"type": "Point", "coordinates": [number / 10, 1.5]})
    return {
        "i": number, "f": number / 2, "s": f"s{number % 5}", "y": bytearray((number % 251, 0)),
        "l": [number, "x", [None, 1.5]], "m": {"n": number, number: {"deep": True}}, "g": place,
        "t": number % 2 == 0,
    }  # fmt: skip


@pytest.fixture(scope="module")
def wires(hosts: str) -> Iterator[list[Wire]]:
    """A connection to each node, after the module was registered and the index was made."""
    with Client(hosts) as client:
        client.register_udf(SOURCE, f"{NAME}.lua").wait(10_000)
        create = f"sindex-create:namespace=test;set={SET};indexname={NAME};bin=i;type=numeric"
        assert client.info(create, client.node_names()[0]) == "ok"
        ports = [node.host.port for node in client.nodes()]
        connections = [Wire(port, timeout=20) for port in ports]
        yield connections
        for each in connections:
            each.sock.close()
        client.info(f"sindex-delete:namespace=test;set={SET};indexname={NAME}", client.node_names()[0])
        client.info(f"truncate:namespace=test;set={SET}", client.node_names()[0])
        client.remove_udf(f"{NAME}.lua").wait(10_000)


@pytest.fixture(scope="module")
def official(hosts: str, wires: list[Wire]) -> Iterator[Any]:
    """The official client; its set has the records, and the index is built."""
    seeds = [(host.name, host.port) for host in parse_hosts(hosts)]
    patient = {"total_timeout": 20_000}
    policies = {"query": patient, "scan": patient, "write": patient, "info": patient}
    client = aerospike.client({"hosts": seeds, "policies": policies}).connect()
    for number in range(COUNT):
        client.put(("test", SET, number), bins(number))
    stat = f"sindex-stat:namespace=test;indexname={NAME}"
    eventually(lambda: all("load_pct=100" in wire.info(stat)[stat] for wire in wires), timeout=20)
    yield client
    client.close()


@pytest.fixture(scope="module")
def official_answers(hosts: str, official: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the official client makes of each aggregation, or says of its failure."""
    folder = tmp_path_factory.mktemp("lua")
    (folder / f"{NAME}.lua").write_text(SOURCE)
    calls = {name: [NAME, *what] for name, what in AGGREGATIONS.items()}
    calls |= {name: [module, function, [], ALL] for name, (module, function, *_) in FAILURES.items()}
    seed = str(parse_hosts(hosts)[0])
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("official_aggregations.py")), seed, str(folder)],
        input=json.dumps([["test", SET, *call] for call in calls.values()]),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=60,
    )
    return dict(zip(calls, json.loads(done.stdout.splitlines()[-1]), strict=True))


def nodes_results(wires: list[Wire], function: str, arguments: list[Any], chosen: Any) -> Iterator[Any]:
    """The values that the nodes give, as they come."""
    more = [] if chosen is ALL else [between("i", *chosen)]
    for wire in wires:
        answered = ask(wire, *more, *call(function, arguments, b"\1"), set_name=SET, partitions=None)
        assert (answered.code, answered.is_whole) == (0, True)
        for told in answered.records:
            ((name, (kind, data)),) = told.bins.items()
            assert name == "SUCCESS"
            yield unpack_value(kind, data)


def call(function: str, arguments: list[Any], how: bytes, module: str = NAME) -> list[bytes]:
    """The fields of a call."""
    return [
        field(CALL, how),
        field(MODULE, module.encode()),
        field(FUNCTION, function.encode()),
        field(ARGUMENTS, pack_element(arguments)),
    ]


def in_order(values: Any) -> list[str]:
    """As text that can be sorted and compared, whatever the classes of values."""
    return sorted(json.dumps(plain(value), sort_keys=True) for value in values)


def plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, (bytes, bytearray)):
        return value.hex()
    if isinstance(value, aerospike.GeoJSON):
        return json.loads(value.dumps())
    if isinstance(value, GeoJSON):
        return json.loads(value)
    return value


@pytest.mark.parametrize("name", AGGREGATIONS)
def test_an_aggregation_gives_the_official_client_what_pyspike_makes_of_it(
    official_answers: dict[str, Any], wires: list[Wire], name: str
) -> None:
    function, arguments, chosen = AGGREGATIONS[name]
    want, seen = official_answers[name]
    assert in_order(seen) == in_order(want)
    given = nodes_results(wires, function, arguments, chosen)
    assert in_order(reduce_results(NAME, SOURCE, function, arguments, given)) == in_order(want)
    assert in_order(want) == in_order(expected(name))


def expected(name: str) -> list[Any]:
    """What comes of the records, by Python."""
    _, arguments, chosen = AGGREGATIONS[name]
    rows = [bins(number) for number in (range(COUNT) if chosen is ALL else range(50))]
    counts = {f"s{number}": len(rows) // 5 for number in range(5)}
    total = sum(row["f"] for row in rows)
    return {
        "all": [COUNT],
        "sum of integers": [sum(range(50))],
        "sum of floats": [total],
        "filter": [COUNT // 2],
        "groups": [counts],
        "groups of an index": [counts],
        "map behind reduce": [5],
        "groupby": [5],
        "maps that are merged": [{"n": COUNT, "sum": total, "most": COUNT - 1, "mean": total / COUNT}],
        "filter behind reduce": [],
        "nothing found": [],
    }.get(name) or [row[arguments[0]] for row in rows if arguments and chosen is FIRST]


@pytest.mark.parametrize("what", FAILURES)
def test_what_fails_is_told(official_answers: dict[str, Any], wires: list[Wire], what: str) -> None:
    module, function, words, official_words = FAILURES[what]
    told = []
    for wire in wires:
        answered = ask(wire, *call(function, [], b"\1", module), set_name=SET, partitions=None)
        told += [each.bins["FAILURE"][1].decode() for each in answered.records if "FAILURE" in each.bins]
        assert (answered.code, answered.is_whole) in ((1, True), (0, True))
    assert told
    assert all(re.fullmatch(words, each) for each in told), told
    assert official_words in official_answers[what]


def finished(client: Any, wires: list[Wire], job: int) -> dict[str, int]:
    """The figures of a job that has ended, summed over the nodes."""

    def is_done() -> bool:
        status = client.job_info(job, aerospike.JOB_QUERY)["status"]
        return bool(status != aerospike.JOB_STATUS_INPROGRESS)

    eventually(is_done, timeout=20)
    command, figures = f"query-show:id={job}", dict[str, int]()
    for wire in wires:
        row = dict(part.split("=", 1) for part in wire.info(command)[command].split(":"))
        assert (row["job-type"], row["udf-filename"]) == ("background-udf", NAME)
        for name in ("recs-succeeded", "recs-failed", "recs-throttled"):
            figures[name] = figures.get(name, 0) + int(row[name])
    return figures


def test_jobs_call_functions_on_all_records(official: Any, wires: list[Wire]) -> None:
    for number in range(60):
        official.put(("test", f"{SET}-jobs", number), {"i": number})

    def values(bin_name: str) -> list[Any]:
        found = official.query("test", f"{SET}-jobs").results()
        return sorted(record[2][bin_name] for record in found if bin_name in record[2])

    all_of_them = official.query("test", f"{SET}-jobs")
    all_of_them.apply(NAME, "put", ["a", [1, {"x": b"y"}]])
    figures = finished(official, wires, all_of_them.execute_background())
    assert (figures["recs-succeeded"], figures["recs-failed"]) == (60, 0)
    assert values("a") == [[1, {"x": b"y"}]] * 60

    some = official.scan("test", f"{SET}-jobs")
    some.apply(NAME, "put", ["b", 5])
    policy = {"expressions": exp.LT(exp.IntBin("i"), 10).compile()}
    assert finished(official, wires, some.execute_background(policy))["recs-succeeded"] == 10
    assert values("b") == [5] * 10

    fussy = official.scan("test", f"{SET}-jobs")
    fussy.apply(NAME, "fussy", [])
    figures = finished(official, wires, fussy.execute_background())
    assert (figures["recs-succeeded"], figures["recs-failed"]) == (40, 20)
    assert values("u") == ["done"] * 40

    job = official.scan_apply("test", f"{SET}-jobs", NAME, "drop", [])
    assert finished(official, wires, job)["recs-succeeded"] == 60
    assert official.query("test", f"{SET}-jobs").results() == []


def test_jobs_of_an_index_call_functions(official: Any, wires: list[Wire]) -> None:
    job = official.query_apply("test", SET, p.between("i", 290, 400), NAME, "put", ["v", 1])
    assert finished(official, wires, job)["recs-succeeded"] == 10
    found = official.query("test", SET).results()
    assert sorted(record[2]["i"] for record in found if "v" in record[2]) == list(range(290, 300))


def test_a_job_is_aborted_by_its_number(official: Any, wires: list[Wire]) -> None:
    slow = field(RPS, (1).to_bytes(4, "big"))
    trid = int.from_bytes(os.urandom(7), "big")
    for wire in wires:
        wire.sock.sendall(
            frame(
                query(
                    slow, *call("put", ["w", 1], b"\2"), set_name=SET, partitions=None, trid=trid,
                    info1=0, info2=1, info3=0, ttl=0,
                )
            )
        )  # fmt: skip
        wire.read_frame()
    abort, show = f"query-abort:id={trid}", f"query-show:id={trid}"
    assert [wire.info(abort)[abort] for wire in wires] == ["ok"] * len(wires)
    eventually(
        lambda: all("status=done(user-aborted)" in wire.info(show)[show] for wire in wires), timeout=20
    )
    told = official.job_info(trid, aerospike.JOB_QUERY)
    assert told["status"] == aerospike.JOB_STATUS_COMPLETED
    assert told["records_read"] < COUNT
    found = official.query("test", SET).results()
    assert sum("w" in record[2] for record in found) < COUNT
