"""A command that the server does not answer in time: what becomes of it, and of those behind it.

A write waits for its replicas; when one is dead, that takes until a time-out, and all that came later on the
connection waits too. In the first part the test is the server; in the second a node holds writes.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from typing import Any

import pytest

from pyspike import AsyncClient, ClientPolicy, Key, WritePolicy, errors
from pyspike.server import EmbeddedCluster
from support.counting import Count
from support.pipes import FOUND, Pipes, in_loop, read, record, turns, write

ONCE = {"max_retries": 0}
RESET = "the connection was reset, as another write on it had timed out"


def digests(*numbers: int) -> list[bytes]:
    return [Key("test", "s", number).digest for number in numbers]


async def until(condition: Any) -> None:
    """Wait while the loop goes round."""
    while not condition():
        await asyncio.sleep(0.001)
    await turns()


# Reads ------------------------------------------------------------------------------------------------------


@in_loop
async def test_reads_do_not_wait_behind_writes() -> None:
    pipes = Pipes(pipelines_per_node=1)
    writing = [pipes.start(write(number)) for number in (0, 1)]
    reading = [pipes.start(read(number)) for number in (2, 3)]
    large = [pipes.start(write(4, size=70_000)), pipes.start(write(5, size=70_000))]
    await turns()
    for_writes, for_reads, for_large_writes = pipes.transports
    assert for_writes.digests() == digests(0, 1)
    assert for_reads.digests() == digests(2, 3)
    assert for_large_writes.digests() == digests(4)
    for_reads.answer(record(b"x") * 2)
    assert all(promise.done() for promise in reading)
    assert not any(promise.done() for promise in [*writing, *large])


@in_loop
async def test_a_connection_whose_oldest_command_is_overdue_gets_no_more() -> None:
    pipes = Pipes(pipelines_per_node=1)
    for make, answer in ((read, record(b"x")), (write, FOUND)):
        first = len(pipes.transports)
        slow = pipes.start(make(0))
        await asyncio.sleep(0.2)
        promise = pipes.start(make(1))
        await turns()
        assert [transport.digests() for transport in pipes.transports[first:]] == [digests(0), digests(1)]
        pipes.transports[first].answer(answer)  # it takes them again
        pipes.transports[first + 1].answer(answer)
        await asyncio.gather(slow, promise)
        later = [pipes.start(make(number)) for number in (2, 3)]
        await turns()
        assert sum(len(transport.digests()) for transport in pipes.transports[first:]) == 4
        for transport in pipes.transports[first:]:
            transport.answer(answer * (len(transport.digests()) - 1))
        await asyncio.gather(*later)


@in_loop
async def test_what_was_not_sent_leaves_an_overdue_connection_at_once() -> None:
    pipes = Pipes(pipelines_per_node=1)
    slow = pipes.start(write(0))
    await turns()
    pipes.transports[0].protocol.pause_writing()
    unsent = [pipes.start(write(number, **ONCE)) for number in (1, 2)]
    await until(lambda: len(pipes.transports) == 2)
    assert pipes.transports[1].digests() == digests(1, 2)
    pipes.transports[1].answer(FOUND * 2)
    assert await asyncio.gather(*unsent) == [None, None]
    pipes.transports[0].protocol.resume_writing()
    await turns()
    assert pipes.transports[0].digests() == digests(0)
    pipes.transports[0].answer(FOUND)
    await slow


@in_loop
async def test_a_read_behind_an_overdue_one_is_asked_elsewhere_and_loses_no_try() -> None:
    pipes = Pipes(nodes=2, pipelines_per_node=1)
    slow = pipes.start(read(0, timeout=60_000))  # each of its three tries has 20 s
    behind = pipes.start(read(1, timeout=60_000))
    once = pipes.start(read(2, timeout=60_000, **ONCE))
    began = time.monotonic()
    await until(lambda: "A2" in pipes.of_node)
    assert time.monotonic() - began < 10
    assert pipes.of_node["A2"][0].digests() == digests(1)
    pipes.of_node["A2"][0].lose()
    await until(lambda: len(pipes.of_node["A1"]) == 2)
    pipes.of_node["A1"][1].lose()
    await until(lambda: len(pipes.of_node["A2"]) == 2)
    pipes.of_node["A2"][1].answer(record(b"from the replica"))  # the third try
    assert (await behind)["a"] == "from the replica"
    assert not slow.done()
    assert not once.done()
    pipes.of_node["A1"][0].answer(record(b"0") + record(b"swallowed") + record(b"2"))
    assert [promise.result()["a"] for promise in (slow, once)] == ["0", "2"]


@in_loop
async def test_a_read_that_was_moved_tells_of_it_when_it_fails() -> None:
    pipes = Pipes(nodes=2, pipelines_per_node=1)
    pipes.start(read(0, timeout=60_000))
    failing = pipes.start(read(1, timeout=60_000, max_retries=1))
    await until(lambda: "A2" in pipes.of_node)
    for node in ("A2", "A1"):
        pipes.of_node[node][-1].lose()
        await turns(8)
    with pytest.raises(errors.ConnectionError) as caught:
        await failing
    assert [(attempt.node, attempt.error.split()[0]) for attempt in caught.value.attempts] == [
        ("A1", "held"),
        ("A2", "the"),
        ("A1", "the"),
    ]


@in_loop
async def test_reads_leave_the_line_of_a_node_whose_connections_are_all_overdue() -> None:
    pipes = Pipes(nodes=2, pipelines_per_node=1, commands_per_pipeline=1)
    held = [pipes.start(read(0, timeout=10_000))]
    await turns()
    waiting = pipes.start(read(1, timeout=600))
    pipes.refused = 1  # the connection in the place of the one that is overdue
    await until(lambda: "A2" in pipes.of_node)
    pipes.of_node["A2"][0].answer(record(b"from the replica"))
    assert (await waiting)["a"] == "from the replica"
    pipes.of_node["A1"][0].answer(record(b"0"))
    await asyncio.gather(*held)


@in_loop
async def test_reads_stay_in_a_line_that_moves_until_their_deadline() -> None:
    pipes = Pipes(nodes=2, pipelines_per_node=1, commands_per_pipeline=1)
    promises = [pipes.start(read(number, timeout=3000)) for number in range(40)]  # 1 s a try
    await turns()
    for _ in range(40):
        pipes.transports[0].answer(record(b"x"))
        await asyncio.sleep(0.04)
    await asyncio.gather(*promises)
    assert list(pipes.of_node) == ["A1"]


# Writes -----------------------------------------------------------------------------------------------------


@in_loop
async def test_a_write_that_times_out_takes_its_connection_with_it() -> None:
    pipes = Pipes(nodes=2, pipelines_per_node=1)
    ahead = pipes.start(write(0))
    late = pipes.start(write(1, timeout=60))
    behind = pipes.start(write(2))
    again = pipes.start(write(3, max_retries=1))
    await turns()
    connection = pipes.transports[0]
    with pytest.raises(errors.TimeoutError, match="timed out waiting for the answer") as caught:
        await late
    assert connection.aborted  # before the task is told
    assert (caught.value.in_doubt, caught.value.timeout) == (True, 60)
    for promise in (ahead, behind):
        with pytest.raises(errors.TimeoutError, match=RESET) as caught:
            await promise
        assert caught.value.in_doubt is True
    await turns()
    assert pipes.of_node["A1"][1].digests() == digests(3)  # the user has said that it may be sent again
    pipes.of_node["A1"][1].answer(FOUND)
    assert await again is None
    assert pipes.stats()["A1"].closed == {"timeout": 1}


@in_loop
async def test_a_write_whose_try_is_over_is_not_sent_again_while_it_may_yet_be_run() -> None:
    pipes = Pipes(pipelines_per_node=1)
    promise = pipes.start(write(0, timeout=300, max_retries=2))
    await until(lambda: len(pipes.transports) == 2)
    assert pipes.transports[0].aborted
    assert pipes.transports[1].digests() == digests(0)
    pipes.transports[1].answer(FOUND)
    assert await promise is None


@in_loop
async def test_the_late_answer_of_a_write_is_awaited_where_the_policy_says_so() -> None:
    pipes = Pipes(pipelines_per_node=1)
    late = pipes.start(write(0, timeout=40, timeout_delay=60_000))
    patient = pipes.start(write(1))
    with pytest.raises(errors.TimeoutError) as caught:
        await late
    assert caught.value.in_doubt is True
    await turns()
    assert not pipes.transports[0].aborted
    pipes.transports[0].answer(FOUND * 2)
    assert await patient is None


@in_loop
async def test_a_cancelled_write_is_not_run_after_its_deadline() -> None:
    pipes = Pipes(pipelines_per_node=1)
    promise = pipes.start(write(0, timeout=100))
    behind = pipes.start(write(1))
    await turns()
    promise.cancel()
    await turns()
    assert not pipes.transports[0].aborted
    with pytest.raises(errors.TimeoutError, match=RESET):
        await behind
    assert pipes.transports[0].aborted


@in_loop
async def test_a_cancelled_write_that_is_answered_harms_nobody() -> None:
    pipes = Pipes(pipelines_per_node=1)
    promise = pipes.start(write(0, timeout=100))
    behind = pipes.start(write(1))
    await turns()
    promise.cancel()
    pipes.transports[0].answer(FOUND)
    await asyncio.sleep(0.2)
    assert not behind.done()
    pipes.transports[0].answer(FOUND)
    assert await behind is None


@in_loop
async def test_what_is_overdue_before_it_is_written_is_not_sent() -> None:
    pipes = Pipes(pipelines_per_node=1)
    first = pipes.start(write(0))
    await turns()
    pipes.transports[0].answer(FOUND)
    await first
    promise = pipes.start(write(1, timeout=5))
    time.sleep(0.02)  # the loop is held up
    with pytest.raises(errors.TimeoutError, match="before it could be sent") as caught:
        await promise
    assert caught.value.in_doubt is False
    assert pipes.transports[0].digests() == digests(0)


@in_loop
async def test_a_loop_that_was_held_up_reads_before_it_resets_a_connection() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        pipes = Pipes(pipelines_per_node=1)
        pipes.socket = ours
        late = pipes.start(write(0, timeout=30))
        others = [pipes.start(read(number, timeout=30_000)) for number in (1, 2)]
        await turns()
        theirs.send(b"x")  # an answer that the loop has not come to
        await asyncio.sleep(0.2)
        assert not late.done()
        assert [transport.digests() for transport in pipes.transports] == [digests(0), digests(1, 2)]
        pipes.transports[0].answer(FOUND)
        pipes.transports[1].answer(record(b"x") * 2)
        await asyncio.gather(late, *others)


# With sockets -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_the_server_sees_a_reset_when_a_write_times_out(loop: str) -> None:
    """And not the end of a stream, which it might see only behind the requests."""

    async def run() -> None:
        with EmbeddedCluster(process=True) as cluster, contextlib.ExitStack() as stack:
            async with AsyncClient(cluster.hosts, ClientPolicy(tend_interval=60_000)) as client:
                node = cluster.nodes[0]
                await asyncio.to_thread(node.stop)
                server = stack.enter_context(socket.create_server(("127.0.0.1", node.port)))  # in its place
                writing = [
                    asyncio.ensure_future(client.put(("test", "s", number), {"a": 1}, timeout=200))
                    for number in range(3)
                ]
                connection, _ = await asyncio.to_thread(server.accept)
                with connection:
                    connection.settimeout(10)
                    with pytest.raises(errors.TimeoutError):
                        await writing[0]
                    await asyncio.gather(*writing, return_exceptions=True)
                    error = await asyncio.to_thread(reset_of, connection)
                    assert error is not None

    if loop == "uvloop":
        pytest.importorskip("uvloop", reason="uvloop is not installed").run(run())
    else:
        asyncio.run(run())


def reset_of(connection: socket.socket) -> ConnectionResetError | None:
    """The error by which the connection ends; None if it ends without one."""
    with contextlib.suppress(TimeoutError):
        try:
            while connection.recv(65536):
                pass
        except ConnectionResetError as error:
            return error
    return None


@pytest.mark.embedded_only
@pytest.mark.parametrize("seed", [1, 2])
@in_loop
async def test_no_older_value_comes_back_and_no_get_fails_while_writes_wait_for_a_dead_replica(
    seed: int,
) -> None:
    with EmbeddedCluster(nodes=3, process=True) as cluster:
        async with AsyncClient(cluster.hosts) as client:
            count = Count(client, f"held {seed}", seed)
            dead = cluster.nodes[seed % 3]
            others = [node for node in cluster.nodes if node is not dead]

            def hold(seconds: float) -> None:
                for node in others:
                    node.hold_writes(seconds, dead)

            await count.run(0.3, lambda: hold(1.6), 1.6, lambda: hold(0), 2.5)
            assert count.numbers["failed puts"] > 0, "no write was held"


@pytest.mark.embedded_only
@in_loop
async def test_a_put_that_timed_out_behind_a_held_one_is_not_applied() -> None:
    with EmbeddedCluster(nodes=1, process=True) as cluster:
        policy = ClientPolicy(pipelines_per_node=1, write=WritePolicy(total_timeout=300))
        async with AsyncClient(cluster.hosts, policy) as client:
            head, key = Key("test", "overdue", "head"), Key("test", "overdue", "behind")
            await asyncio.gather(client.put(head, {"n": 0}), client.put(key, {"n": 0}))
            await asyncio.to_thread(cluster.nodes[0].hold_writes, 1.0)
            late = asyncio.gather(
                client.put(head, {"n": 1}),
                client.put(key, {"n": 1}),
                client.put(Key("test", "overdue", "patient"), {"n": 1}, timeout=5000),
                return_exceptions=True,
            )
            await asyncio.sleep(0.05)
            await asyncio.to_thread(cluster.nodes[0].hold_writes, 0)
            while (await client.get(head))["n"] == 0:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.35)
            await client.put(key, {"n": 2})
            await asyncio.sleep(1.2)  # the held one is answered
            assert (await client.get(key))["n"] == 2
            assert [type(error) for error in await late] == [errors.TimeoutError] * 3
            assert (await client.get(head))["n"] == 1  # that was in the server's hands
