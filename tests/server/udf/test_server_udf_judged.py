"""What a server answers to aggregations, asked of the embedded one, or of a real one that `--hosts` names."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator

import pytest
from query_wire import ask, partition_of
from server_wire import Wire, field

from pyspike import Client, Key
from pyspike.hosts import parse_hosts
from pyspike.server import EmbeddedCluster

pytest.importorskip("lupa")

SOURCE = """
function third(s)
  local n = 0
  return s : map(function(rec) n = n + 1 if n % 3 == 0 then error("third") end return n end)
end
function records(s) return s end
function second_is_nil(s)
  local n = 0
  return s : map(function(rec) n = n + 1 if n == 2 then return nil end return n end)
end
function after_reduce(s)
  local function add(a, b) return a + b end
  return s : map(function(rec) return rec.i end) : reduce(add) : map(function(x) return x * 1000 end)
end
function nothing(s) return nil end
function number(s) return 5 end
function writes(s) return s : map(function(rec) rec.i = 9 return aerospike:update(rec) end) end
function at_once(s)
  return s : map(function(rec) return rec.i + 2000 end) : aggregate(0, function(a, b) return a + b end)
end
"""
RUN = os.urandom(4).hex()
NAME, SET, EMPTY = f"judged{RUN}", f"judged-{RUN}", f"empty-{RUN}"
COUNT, PARTITION = 5, 77
FAILED = "UDF: Execution Error 2 : "
RESULTS: dict[str, tuple[list[object], str, int]] = {
    # By function: the results in any order, how the words of the failure end, the last code.
    "third": ([1, 2], "third", 1),
    "records": ([None] * COUNT, "", 0),
    "second_is_nil": ([1], "", 0),
    "after_reduce": ([10], "", 0),
    "nothing": ([], "attempt to index a nil value (global 'result')", 1),
    "number": ([], "attempt to index a number value (global 'result')", 1),
    "writes": ([1] * COUNT, "", 0),
    "at_once": ([0, 2000, 2001, 2002, 2003, 2004], "", 0),
    "none": ([], "function not found", 1),
}


@pytest.fixture(scope="module")
def wire(request: pytest.FixtureRequest) -> Iterator[Wire]:
    """A connection to the server, whose set has its records in one partition."""
    hosts = request.config.getoption("--hosts")
    with EmbeddedCluster(version="8.1.2") as cluster, Client(hosts or cluster.hosts) as client:
        if len(client.nodes()) > 1:
            pytest.skip("with more than one node, records are elsewhere")
        client.register_udf(SOURCE, NAME).wait(20_000)
        with Wire(parse_hosts(hosts or cluster.hosts)[0].port, timeout=20) as connection:
            keys = (key for key in range(10**6) if partition_of(Key("test", SET, key).digest) == PARTITION)
            for number in range(COUNT):
                client.put(("test", SET, next(keys)), {"i": number})
            client.put(("test", EMPTY, 1), {"i": 1})
            client.delete(("test", EMPTY, 1))
            yield connection
        client.remove_udf(NAME).wait(20_000)
        client.truncate("test", SET)


def call(function: str, module: str = NAME) -> list[bytes]:
    return [field(33, b"\1"), field(30, module.encode()), field(31, function.encode()), field(32, b"\x90")]


def test_results_and_failures_of_stream_functions(wire: Wire) -> None:
    for function, (results, words, code) in RESULTS.items():
        answered = ask(wire, *call(function), set_name=SET, partitions=None)
        given, told = [], ""
        for message in answered.records:
            ((name, (kind, data)),) = message.bins.items()
            if name == "FAILURE":
                told = data.decode()
            else:
                assert kind in (0, 1), function
                given.append(struct.unpack(">q", data)[0] if kind else None)
        assert sorted(given, key=str) == sorted(results, key=str), function
        assert (answered.code, answered.is_whole) == (code, True), function
        assert told.endswith(words), function
        assert told.startswith(FAILED) == bool(words), function
    assert ask(wire, set_name=SET).values("i") == list(range(COUNT)), "nothing was written"


def test_a_function_is_looked_for_when_there_is_a_record(wire: Wire) -> None:
    for function in ("third", "none"):
        answered = ask(wire, *call(function), set_name=EMPTY, partitions=None)
        assert (answered.code, answered.is_whole, answered.records) == (0, True, [])
    answered = ask(wire, *call("third", "x" * 200), set_name=SET, partitions=None)
    assert (answered.code, answered.is_whole) == (4, False)
