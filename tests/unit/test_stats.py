"""The values that `stats()` gives: frozen, compared by what they hold, and the same in every process."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import json
import pickle

import pytest

import pyspike
from pyspike import (
    BatchStats,
    ChannelStats,
    ClientStats,
    CompressionStats,
    ConnectionStats,
    HealthStats,
    NodeStats,
    PoolStats,
    QueryStats,
    RackStats,
    TendStats,
    stats,
)


def some(rounds: int = 3) -> ClientStats:
    node = NodeStats(
        name="A1",
        address="10.0.0.1:3000",
        version="8.1.2",
        is_active=True,
        failed_rounds=0,
        last_error=None,
        partition_generation=7,
        pool=PoolStats(open=2, in_flight=1, idle=1, opened=3, closed={"idle": 1}, wait_ms=1.5),
        batches=BatchStats(requests=2, rows=20, failed_rows=1),
        queries=QueryStats(requests=2, failed_requests=1, records=30),
        rack=RackStats(ids={"test": 1}, in_rack=4, out_of_rack=1),
        health=HealthStats(errors=1, limit=100, total_errors=7, recovered=2),
        compression=CompressionStats(requests=1, request_bytes=900, sent_bytes=70),
    )
    tend = TendStats(rounds=rounds, last_ms=0.5, last_error=None, unreachable={"A2": "refused"})
    channel = ChannelStats(open=1, large=ConnectionStats(open=1, closed={"timeout": 1}))
    return ClientStats(nodes={"A1": node}, tend=tend, loops=({"A1": channel},))


def test_they_are_equal_if_all_their_numbers_are() -> None:
    assert some() == some()
    assert some() != some(rounds=4)
    assert ConnectionStats(open=1) != PoolStats(open=1)


def test_they_show_all_their_numbers_as_python() -> None:
    assert eval(repr(some())) == some()


def test_a_nodes_connections_are_those_of_all_kinds_together() -> None:
    told = some()
    channel = ChannelStats(
        open=3,
        idle=1,
        in_flight=40,
        closed={"idle": 2},
        large=ConnectionStats(open=1),
        batches=ConnectionStats(open=1, waiting=5),
        queries=ConnectionStats(opened=7, closed={"timeout": 1}),
    )
    both = told.with_loops(({"A1": channel}, {"A1": ChannelStats(open=1), "A9": channel}))
    pool = both.nodes["A1"].pool
    assert (pool.open, pool.idle, pool.in_flight) == (2 + 6, 1 + 1, 1 + 40)
    assert (pool.waiting, pool.opened) == (5, 3 + 7)
    assert (pool.closed, pool.wait_ms) == ({"idle": 3, "timeout": 1}, 1.5)
    assert told.nodes["A1"].pool.open == 2
    assert len(both.loops) == 2


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_they_travel(protocol: int) -> None:
    assert pickle.loads(pickle.dumps(some(), protocol)) == some()
    assert copy.deepcopy(some()) == some()


def test_they_become_dictionaries_that_json_can_write() -> None:
    found = json.loads(json.dumps(dataclasses.asdict(some())))
    assert found["nodes"]["A1"]["pool"]["closed"] == {"idle": 1}
    assert found["loops"][0]["A1"]["large"]["open"] == 1
    assert found["tend"]["unreachable"] == {"A2": "refused"}


def test_they_can_not_be_changed() -> None:
    for value in (some(), some().tend, some().nodes["A1"], some().nodes["A1"].pool, some().loops[0]["A1"]):
        for field in dataclasses.fields(value):
            with pytest.raises(dataclasses.FrozenInstanceError):
                setattr(value, field.name, None)


def test_connections_are_added_number_by_number_and_reason_by_reason() -> None:
    one = ConnectionStats(open=1, in_flight=2, waiting=3, opened=4, closed={"idle": 1, "timeout": 2})
    two = ConnectionStats(open=10, in_flight=20, waiting=30, opened=40, closed={"timeout": 20, "forked": 30})
    assert one + two == ConnectionStats(
        open=11, in_flight=22, waiting=33, opened=44, closed={"idle": 1, "timeout": 22, "forked": 30}
    )


def test_every_class_is_public_and_tells_of_each_field() -> None:
    for name in stats.__all__:
        kind = getattr(pyspike, name)
        assert kind.__module__ == "pyspike.stats"
        own, told = set(kind.__annotations__), inspect.cleandoc(kind.__doc__)
        assert own
        for field in own:
            assert f"\n    {field}: " in told, f"{name} says nothing of {field}"
