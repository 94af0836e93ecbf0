"""Aggregations: stream functions that the nodes begin, and that are brought to their end here."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest

from pyspike import Client, ClientPolicy, Key, QueryPolicy, Statement, errors, exp, filters
from pyspike.server import EmbeddedCluster
from support.cluster_tools import pools, wait_until
from support.indexes import index

pytest.importorskip("lupa")
pytestmark = pytest.mark.both_kinds

COUNT = 100
SOURCE = """
local function value_of(name)
    return function(r) return r[name] end
end

local function add(a, b) return a + b end

function total(s, name, least)
    local function enough(r) return r[name] >= least end
    return s : filter(enough) : map(value_of(name)) : reduce(add)
end

function values(s, name)
    return s : map(value_of(name))
end

function groups(s)
    local function into(found, r)
        found[r.word] = (found[r.word] or 0) + 1
        return found
    end
    local function both(a, b) return map.merge(a, b, add) end
    return s : aggregate(map {}, into) : reduce(both)
end

function fails(s)
    return s : map(function(r) error("no way") end)
end

function fails_here(s)
    return s : map(value_of("n")) : reduce(add) : map(function(n) error("not here") end)
end
"""


@pytest.fixture(scope="module")
def aggregated(set_name: str) -> str:
    return f"{set_name}-aggregate"


@pytest.fixture
def module(client: Client, aggregated: str) -> Iterator[str]:
    """The name of a module with the functions above, and a set of records."""
    name = f"{aggregated.replace('-', '_')}"
    client.register_udf(SOURCE.encode(), name).wait(60_000)
    keys = {Key("test", aggregated, n): {"n": n, "word": f"w{n % 3}"} for n in range(COUNT)}
    client.batch_put(keys, timeout=60_000)
    yield name
    client.batch_delete(keys, timeout=60_000)
    client.remove_udf(name).wait(60_000)


def test_the_last_part_is_done_here(client: Client, module: str, aggregated: str) -> None:
    everything = Statement("test", aggregated)
    assert client.aggregate(everything, module, "total", ["n", 0]) == [sum(range(COUNT))]
    assert client.aggregate(everything, f"{module}.lua", "total", ["n", 90], timeout=60_000) == [
        sum(range(90, COUNT))
    ]
    assert sorted(client.aggregate(everything, module, "values", ["n"])) == list(range(COUNT))
    assert client.aggregate(everything, module, "groups") == [{"w0": 34, "w1": 33, "w2": 33}]
    assert pools(client, "in_flight") == 0


def test_where_and_missing_sets(client: Client, module: str, aggregated: str) -> None:
    some = Statement("test", aggregated, where=filters.range("n", 10, 19))
    with pytest.raises(errors.IndexNotFound, match="bin 'n' from 10 to 19> of 'test'"):
        client.aggregate(some, module, "total", ["n", 0])
    with index(client, aggregated, "n"):
        assert client.aggregate(some, module, "total", ["n", 0]) == [sum(range(10, 20))]
        none = Statement("test", aggregated, where=filters.range("n", 1000, 1001))
        assert client.aggregate(none, module, "total", ["n", 0]) == []
    before = client.metrics()
    assert client.aggregate(Statement("test", "no such set"), module, "total", ["n", 0]) == []
    asked = (client.metrics() - before).of(method="aggregate")
    assert (asked.count, asked.not_found, asked.failures) == (len(client.nodes()), 0, 0)


def test_what_is_wrong_is_told(client: Client, module: str, aggregated: str, monkeypatch: Any) -> None:
    statement = Statement("test", aggregated)
    wrong: list[tuple[type[Exception], str, Any]] = [
        (errors.UdfError, "no module", lambda: client.aggregate(statement, "no_such", "total")),
        (errors.UdfError, "no function no_such", lambda: client.aggregate(statement, module, "no_such")),
        (errors.UdfError, "no way", lambda: client.aggregate(statement, module, "fails")),
        (errors.UdfError, "not here", lambda: client.aggregate(statement, module, "fails_here")),
        (
            errors.InvalidNamespace,
            "namespace",
            lambda: client.aggregate(Statement("nowhere"), module, "total"),
        ),
        (errors.InvalidType, "told by a Statement", lambda: client.aggregate("test", module, "total")),  # type: ignore[arg-type]
        (
            errors.InvalidArgument,
            "bins",
            lambda: client.aggregate(Statement("test", aggregated, ["n"]), module, "values", ["n"]),
        ),
        (
            errors.InvalidArgument,
            "no filter expression",
            lambda: client.aggregate(
                statement, module, "values", policy=QueryPolicy(filter_expression=exp.int_bin("n") > 5)
            ),
        ),
        (errors.InvalidType, "policy must be", lambda: client.aggregate(statement, module, "x", policy=5)),  # type: ignore[arg-type]
    ]
    for error, words, call in wrong:
        with pytest.raises(error, match=words):
            call()
    monkeypatch.setitem(sys.modules, "lupa.lua54", None)
    with pytest.raises(errors.UnsupportedFeature) as caught:
        client.aggregate(statement, module, "total", ["n", 0])
    assert "[lua]" in caught.value.advice


@pytest.mark.embedded_only
def test_nodes_that_fail_are_all_asked_again(aggregated: str) -> None:
    often = ClientPolicy(tend_interval=100)
    with EmbeddedCluster(nodes=3, process=True) as cluster, Client(cluster.hosts, often) as client:
        client.register_udf(SOURCE.encode(), "sums").wait(60_000)
        client.batch_put({Key("test", "s", n): {"n": n} for n in range(COUNT)}, timeout=60_000)
        statement = Statement("test", "s")
        for strike in (
            lambda: cluster.nodes[1].cut(3),
            lambda: cluster.nodes[1].close_after_request(1),
            lambda: cluster.nodes[1].garbage(),
        ):
            strike()
            assert client.aggregate(statement, "sums", "total", ["n", 0], timeout=60_000) == [4950]
        cluster.nodes[1].cut(3, times=100)
        with pytest.raises(errors.ConnectionError) as caught:
            client.aggregate(statement, "sums", "total", ["n", 0], policy=QueryPolicy(max_retries=1))
        assert caught.value.node == "A2"
        cluster.nodes[1].heal()
        cluster.nodes[1].freeze()
        with pytest.raises((errors.TimeoutError, errors.ConnectionError)):
            client.aggregate(statement, "sums", "total", ["n", 0], timeout=300)
        wait_until(lambda: not all(node.is_active for node in client.nodes()), "the node to be given up")
        with pytest.raises(
            (errors.TimeoutError, errors.ConnectionError)
        ) as late:  # and not: the sum of what the others have
            client.aggregate(statement, "sums", "total", ["n", 0], timeout=300)
        assert late.value.node == "A2"
        assert pools(client, "in_flight") == 0
