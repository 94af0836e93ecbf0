"""A node has what commands need of it: whether it may be used, what may be opened, how attempts went."""

from __future__ import annotations

from typing import Any

import pytest

from pyspike import errors
from pyspike._wire import Connection, Key, Node, NodeLimits, PartitionMap, Pool, Routing
from support.unsent import tried_once

KEY = Key("test", "s", 1)
EVERY = [("test", 0, [b"\xff" * 512])]


class Cluster:
    """One node, which owns everything."""

    def __init__(self, node: Node) -> None:
        self.routing = Routing()
        self.routing.partitions = PartitionMap().updated(node, EVERY)


def refuse(timeout: float) -> Connection:
    raise errors.ConnectionError("refused")


def node(**limits: Any) -> Node:
    made = Node("A1", NodeLimits(**limits))
    made.pool = Pool(made, refuse)
    return made


def test_a_retired_node_is_not_asked_and_its_pool_is_closed() -> None:
    one = node()
    assert one.active
    one.retire()
    assert not one.active
    assert one.pool.closed
    with pytest.raises(errors.ConnectFailed, match="no node is known"):
        tried_once(Cluster(one)).get(KEY)
    one.retire()  # again is harmless


def test_what_is_counted_at_a_node_begins_anew_in_a_child() -> None:
    one = node()
    with pytest.raises(errors.ConnectionError, match="refused"):
        tried_once(Cluster(one)).get(KEY)
    assert one.pool.stats()["failures"] == 1
    one.forget_connections()
    one.pool = Pool(one, refuse)
    assert one.pool.stats()["failures"] == 0
    assert one.active


def test_a_node_has_the_limits_it_was_made_with() -> None:
    limits = NodeLimits(
        min_connections=1, max_connections=2, max_waiting=3, pipelines=4, commands_per_pipeline=5
    )
    assert Node("A1", limits).limits is limits
    assert (limits.min_connections, limits.max_connections, limits.max_waiting) == (1, 2, 3)
    assert (limits.pipelines, limits.commands_per_pipeline) == (4, 5)


def test_a_full_line_refuses_and_one_without_a_limit_does_not() -> None:
    with pytest.raises(errors.NoMoreConnections, match=r"max_waiting_per_node allows \(0\)"):
        tried_once(Cluster(node(max_connections=0, max_waiting=0))).get(KEY)
    with pytest.raises(errors.NoMoreConnections, match="none came free in time"):
        tried_once(Cluster(node(max_connections=0))).get(KEY, timeout=20)


def test_a_node_without_a_pool_takes_no_command() -> None:
    with pytest.raises(errors.ConnectFailed, match="no node is known"):
        tried_once(Cluster(Node("A1", NodeLimits()))).get(KEY)
    one = Node("A1", NodeLimits())
    one.pool = "no pool"  # type: ignore[assignment]
    with pytest.raises(TypeError, match="Pool"):
        tried_once(Cluster(one)).get(KEY)


def test_a_node_whose_constructor_was_not_called_harms_nobody() -> None:
    class Mine(Node):
        def __init__(self) -> None:
            pass

    one = Mine()
    assert not one.active
    Pool(one, refuse).close()
    with pytest.raises(errors.ConnectFailed):
        tried_once(Cluster(one)).get(KEY)
