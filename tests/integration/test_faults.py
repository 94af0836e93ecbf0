"""Whatever happens to a node: no acknowledged write is lost, no value is of another key, no call overruns.

Threads read, write and count (support/load.py) on three nodes with two replicas while one of them, or all,
have a fault: eight of them, or 32 that share few connections. Every scenario is seeded and bounded, checks
each single call, and prints how many operations and checks it made (pytest -rP).
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator

import pytest

from pyspike import Client, ClientPolicy, ReadPolicy, WritePolicy
from pyspike.server import EmbeddedCluster, EmbeddedNode
from support.cluster_tools import pools, wait_until
from support.load import CALLS, CROWD, PATIENT, TEND, Load, Shape
from support.shares import Work

pytestmark = pytest.mark.both_kinds

SEED = 20261123
SLOWED = 1000.0  # ms of the socket timeout that a slow node takes half of


@pytest.fixture
def load(
    three: EmbeddedCluster, request: pytest.FixtureRequest, client_kind: str, work: Work
) -> Iterator[Load]:
    """Eight threads at work, or what the test's parameter says."""
    shape: Shape = getattr(request, "param", Shape())
    policy = ClientPolicy(tend_interval=TEND)
    if shape is CROWD:
        policy = policy.replace(max_conns_per_node=4, pipelines_per_node=1, commands_per_pipeline=4)
    with Client(three.hosts, policy) as client, Load(client, SEED, shape) as load:
        yield load
        if shape is CROWD and client_kind == "threads":
            assert pools(client, "waits"), "nobody stood in a line"
        work(len(load.calls), load.checks)
        print(load.figures())


def of_shape(*shapes: Shape) -> pytest.MarkDecorator:
    """Runs a test with loads of other shapes."""
    names = [f"{shape.threads} threads" for shape in shapes]
    return pytest.mark.parametrize("load", shapes, indirect=True, ids=names)


def crowded(faults: Iterable[str], *of_crowd: str) -> pytest.MarkDecorator:
    """All faults with the usual load, and some with 32 threads that wait for four connections a node."""
    cases = [(fault, Shape()) for fault in faults] + [(fault, CROWD) for fault in of_crowd]
    names = [f"{fault}, {shape.threads} threads" for fault, shape in cases]
    return pytest.mark.parametrize(("fault", "load"), cases, indirect=["load"], ids=names)


def restart(node: EmbeddedNode) -> None:
    node.stop()
    node.start()


def refuse(node: EmbeddedNode) -> None:
    node.refuse()
    node.close_after_request()  # so that a connection is needed at once, and not when the pool has to grow


def vanish(node: EmbeddedNode) -> None:
    node.refuse()
    node.kill()


# A fault of one node, and what ends it.
ONE_DOWN: dict[str, tuple[Callable[[EmbeddedNode], object], Callable[[EmbeddedNode], object]]] = {
    "stopped": (EmbeddedNode.stop, EmbeddedNode.start),
    "killed": (EmbeddedNode.kill, EmbeddedNode.start),
    "frozen": (EmbeddedNode.freeze, EmbeddedNode.thaw),
    "restarted": (restart, lambda node: None),
    "gone to another address": (lambda node: node.restart(0), lambda node: None),
    "refusing connections": (refuse, EmbeddedNode.accept),
    "down with its port closed": (vanish, EmbeddedNode.start),
}


@pytest.mark.embedded_only
@crowded(ONE_DOWN, "killed", "frozen")
def test_one_node_down_costs_no_write_no_read_and_no_time(
    three: EmbeddedCluster, fault: str, load: Load
) -> None:
    begin, end = ONE_DOWN[fault]
    node = three.nodes[random.Random(fault).randrange(3)]
    began = time.monotonic()
    begin(node)
    load.go_on()
    load.expect_service(began)
    ended = time.monotonic()
    end(node)
    load.expect_service(ended)
    load.end()
    assert not load.failures("get"), "a read can always go to the other replica"
    load.check_all()
    wait_until(
        lambda: sum(each.is_active for each in load.client.nodes()) == 3, "the node's return to the client"
    )


# Faults that hit a number of answers.
BROKEN: dict[str, Callable[[EmbeddedNode], object]] = {
    "cut in the middle": lambda node: node.cut(times=10),
    "cut in the header": lambda node: node.cut(after_bytes=5, times=10),
    "closed after the request": lambda node: node.close_after_request(times=10),
    "closed before the request": lambda node: node.drop_before_execute(times=10),
    "garbage": lambda node: node.garbage(times=10),
    "device overload": lambda node: node.answer_with(18, times=10),
    "server timeout, not done": lambda node: node.answer_with(9, times=10),
    "server timeout, but done": lambda node: node.answer_with(9, times=10, execute=True),
}


@pytest.mark.embedded_only
@crowded(BROKEN, "closed after the request")
def test_broken_answers_cost_no_write_and_no_read(
    three: EmbeddedCluster, fault: str, load: Load, client_kind: str
) -> None:
    for node in three.nodes:
        BROKEN[fault](node)
        while node.faults_left:  # so that the other replica has none
            load.go_on()
    load.expect_service(time.monotonic())
    load.end()
    assert not load.failures("get"), "a read is tried again"
    together = 1 if client_kind == "threads" else 8  # commands on a connection that breaks
    assert 0 < len(load.failures()) <= 30 * together
    load.check_all()


@pytest.mark.embedded_only
@of_shape(PATIENT)
def test_a_node_slowed_to_half_the_share_of_a_try_costs_nothing_but_time(
    three: EmbeddedCluster, load: Load
) -> None:
    three.nodes[1].delay(PATIENT.reads / 3 / 2 / 1000)
    load.go_on()
    three.nodes[1].delay(0)
    load.go_on()
    load.end()
    assert not load.failures()
    load.check_all()


@pytest.mark.embedded_only
@of_shape(PATIENT)
def test_a_node_slowed_to_half_the_socket_timeout_costs_nothing_but_time(
    three: EmbeddedCluster, load: Load
) -> None:
    load.client = load.client.with_policies(
        read=ReadPolicy(socket_timeout=SLOWED, max_retries=0),
        write=WritePolicy(socket_timeout=SLOWED, max_retries=0),
    )
    three.nodes[1].delay(SLOWED / 2 / 1000)
    load.go_on()
    load.go_on()
    three.nodes[1].delay(0)
    load.go_on()
    load.end()
    assert not load.failures()
    load.check_all()


@pytest.mark.embedded_only
@of_shape(PATIENT)
def test_answers_in_small_pieces_are_put_together(three: EmbeddedCluster, load: Load) -> None:
    for node in three.nodes:
        node.drip(7, 0.0005)
    load.go_on()
    load.go_on()
    load.end()
    assert not load.failures()
    load.check_all()


@pytest.mark.embedded_only
@of_shape(PATIENT)
def test_partitions_that_move_all_the_time_cost_nothing(three: EmbeddedCluster, load: Load) -> None:
    for seed in range(20):
        three.move_partitions(count=1000, seed=seed)
        goal = len(load.calls) + CALLS
        wait_until(lambda goal=goal: len(load.calls) > goal)  # type: ignore[misc]
    load.end()
    assert not load.failures()
    load.check_all()


@pytest.mark.embedded_only
def test_nodes_that_go_one_after_the_other_cost_no_write_and_no_read(
    three: EmbeddedCluster, load: Load
) -> None:
    chance = random.Random(SEED)
    for _ in range(4):
        node = chance.choice(three.nodes)
        chance.choice((EmbeddedNode.stop, EmbeddedNode.kill))(node)
        load.go_on()
        began = time.monotonic()
        node.restart(chance.choice((None, 0)))
        load.expect_service(began)
    load.end()
    assert not load.failures("get"), "one of the two replicas is always there"
    load.check_all()


@pytest.mark.embedded_only
def test_all_nodes_gone_and_back_elsewhere_are_found_again(three: EmbeddedCluster, load: Load) -> None:
    for node in three.nodes:
        node.kill(detach_after=0)
    load.go_on()
    assert load.failures()
    for node in three.nodes[1:]:
        node.restart(0)
    three.nodes[0].start()  # at the seed's address
    began = time.monotonic()
    load.expect_service(began, emptied=True)
    wait_until(lambda: sum(each.is_active for each in load.client.nodes()) == 3, "the return of all")
    load.end()
    load.check_all(kept=False)  # their records are gone, as they were in memory
