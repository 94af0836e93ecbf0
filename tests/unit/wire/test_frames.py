"""An answer of several frames is received to its end, on a blocking connection and in asyncio's protocol."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from pyspike import WritePolicy, errors
from pyspike._wire import (
    Command,
    Connection,
    Node,
    NodeLimits,
    Pool,
    Routing,
    ThreadExecutor,
    frames_command,
)
from pyspike.policy import ReadPolicy
from support.cluster_tools import wait_until
from support.messages import Message
from support.pipes import Pipes, in_loop, read, turns

HEADER = 8
REQUEST = Message(info1=1).pack()
LAST = b"last"


def frame(body: bytes) -> bytes:
    return (2 << 56 | 3 << 48 | len(body)).to_bytes(HEADER, "big") + body


def asking(is_last: Callable[[bytes], bool] | None = LAST.__eq__, **policy: float) -> Command:
    """A command that no key has a part in, and whose answer ends with `LAST`."""
    return frames_command(REQUEST, "test", 7, ReadPolicy(**policy).settings, is_last)  # type: ignore[arg-type]


class Server:
    """What is at the other end of the only connection of the only node."""

    def __init__(self) -> None:
        self.socket, self.theirs = socket.socketpair()
        self.threads: list[threading.Thread] = []
        self.opened = [Connection(self.theirs.detach())]
        self.node = Node("A1", NodeLimits(max_connections=1))
        self.pool = self.node.pool = Pool(self.node, self._open)
        self.routing = Routing()
        every = [("test", 0, [b"\xff" * 512])]
        self.routing.partitions = self.routing.partitions.updated(self.node, every)
        self.run = ThreadExecutor(self).execute

    def _open(self, timeout: float) -> Connection:
        if not self.opened:
            raise errors.ConnectionError("there is no other")
        return self.opened.pop()

    def answer(self, *pieces: bytes, pause: float = 0.02, hang_up: bool = False) -> None:
        """Answer the next request: send each piece, the next a while after the one before."""

        def send() -> None:
            with contextlib.suppress(OSError):  # the client had enough
                self.socket.recv(4096)
                for piece in pieces:
                    self.socket.sendall(piece)
                    time.sleep(pause)
                if hang_up:
                    self.socket.shutdown(socket.SHUT_RDWR)

        self.threads.append(threading.Thread(target=send))
        self.threads[-1].start()

    def close(self) -> None:
        self.node.retire()
        for thread in self.threads:
            thread.join()
        self.socket.close()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


BODIES = [b"one", b"", b"x" * 100_000, b"four", LAST]
WHOLE = b"".join(frame(body) for body in BODIES)


@pytest.mark.parametrize("cuts", [[], [3], [8], [11], [11, 19], [40_000, 40_001], [len(WHOLE) - 1]])
def test_a_thread_gets_all_frames_however_they_are_cut(server: Server, cuts: list[int]) -> None:
    pieces = [WHOLE[a:b] for a, b in zip([0, *cuts], [*cuts, len(WHOLE)], strict=True)]
    server.answer(*pieces)
    assert server.run(asking()) == BODIES
    stats = server.pool.stats()
    assert (stats["open"], stats["idle"], stats["failures"]) == (1, 1, 0)


def test_the_connection_is_used_again_after_an_answer_of_many_frames(server: Server) -> None:
    for _ in range(3):
        server.answer(WHOLE)
        assert server.run(asking()) == BODIES
    assert server.pool.stats()["opened"] == 1


def test_an_answer_whose_first_frame_is_the_last_is_one_frame(server: Server) -> None:
    server.answer(frame(b"only"))
    assert server.run(asking(None)) == [b"only"]


def test_the_deadline_counts_for_all_frames_together(server: Server) -> None:
    server.answer(frame(b"one"), frame(b"two"), frame(b"three"), frame(b"four"), pause=0.1)
    with pytest.raises(errors.TimeoutError, match="in the middle of the answer"):
        server.run(asking(total_timeout=250, max_retries=0))
    assert server.pool.stats()["closed"] == {"timeout": 1}


def test_an_attempt_waits_for_each_frame_anew(server: Server) -> None:
    server.answer(frame(b"one"), frame(b"two"), frame(b"three"), frame(LAST), pause=0.1)
    assert server.run(asking(socket_timeout=400, max_retries=0))[-1] == LAST


def test_a_late_answer_whose_frames_are_no_messages_is_given_up(server: Server) -> None:
    """Nobody would know its end."""
    server.answer(frame(b"one"), frame(b"two"), pause=0.2)
    with pytest.raises(errors.TimeoutError):
        server.run(asking(total_timeout=50, max_retries=0, timeout_delay=60_000))
    assert server.pool.stats()["draining"] == 1
    wait_until(lambda: server.pool.drain() or not server.pool.stats()["draining"])
    assert server.pool.stats()["closed"] == {"timeout": 1}


def test_bytes_behind_the_last_frame_are_an_error(server: Server) -> None:
    server.answer(WHOLE + b"more")
    with pytest.raises(errors.ProtocolError, match="4 bytes behind the answer"):
        server.run(asking(max_retries=0))
    assert server.pool.stats()["closed"] == {"protocol error": 1}


def test_bytes_behind_a_refusal_are_an_error_too(server: Server) -> None:
    server.answer(Message(result=2).pack() + b"more")
    with pytest.raises(errors.ProtocolError, match="4 bytes behind the answer"):
        server.run(read(1, max_retries=0))


@pytest.mark.parametrize("end", [b"", frame(b"one"), frame(b"one") + frame(b"two")[:9]])
def test_an_answer_that_ends_too_early_is_an_error(server: Server, end: bytes) -> None:
    server.answer(*[end] if end else [], hang_up=True)
    with pytest.raises(errors.ConnectionError, match="middle" if end else "instead of answering"):
        server.run(asking(max_retries=0))


def test_a_write_in_the_middle_of_whose_answer_the_connection_breaks_is_no_unsent_one(server: Server) -> None:
    """The server read the request, or it would not have answered."""
    server.answer(frame(LAST))
    assert server.run(asking())
    server.answer(frame(b"one"), hang_up=True)
    command = frames_command(REQUEST, "test", 7, WritePolicy().settings, LAST.__eq__)
    with pytest.raises(errors.ConnectionError):
        server.run(command)
    assert command.sent == 1


def test_a_second_frame_of_another_type_is_refused(server: Server) -> None:
    server.answer(frame(b"one") + b"\x02\x01" + frame(LAST)[2:])
    with pytest.raises(errors.ProtocolError, match="not an answer of type 3"):
        server.run(asking(max_retries=0))


@pytest.mark.parametrize("partition_id", [-1, 4096])
def test_a_command_is_for_a_partition_that_there_is(partition_id: int) -> None:
    with pytest.raises(errors.InvalidArgument, match="from 0 to 4095"):
        frames_command(REQUEST, "test", partition_id, ReadPolicy().settings)


def test_a_command_without_a_key_is_shown_by_its_namespace() -> None:
    command = asking()
    assert (command.key, command.namespace, command.request) == (None, "test", REQUEST)
    assert repr(command) == f"<Command read test, {len(REQUEST)} bytes, 0 tries>"


# --- tasks ---


@pytest.mark.parametrize("size", [1 << 20, 3, 8, 11])
@in_loop
async def test_a_task_gets_all_frames_and_the_next_command_its_own(size: int) -> None:
    pipes = Pipes()
    many, one = pipes.start(asking()), pipes.start(read(1))
    await turns()
    answer = b"".join(frame(body) for body in (b"one", b"", LAST)) + Message().pack()
    for at in range(0, len(answer), size):
        assert not one.done()
        pipes.transports[0].answer(answer[at : at + size])
    assert await many == [b"one", b"", LAST]
    assert (await one).bins == {}
    assert pipes.numbers.open == 1


@in_loop
async def test_bytes_behind_the_last_frame_fail_the_command_of_a_task() -> None:
    pipes = Pipes()
    many = pipes.start(asking(max_retries=0))
    await turns()
    pipes.transports[0].answer(frame(b"one"))
    pipes.transports[0].answer(frame(LAST) + b"more")
    with pytest.raises(errors.ProtocolError, match="4 bytes behind the answer"):
        await many
    assert pipes.transports[0].aborted


@in_loop
async def test_the_frames_of_a_cancelled_command_are_not_taken_for_the_next_answer() -> None:
    pipes = Pipes()
    many, one = pipes.start(asking()), pipes.start(read(1))
    await turns()
    pipes.transports[0].answer(frame(b"one"))
    many.cancel()
    pipes.transports[0].answer(frame(b"two"))
    pipes.transports[0].answer(frame(LAST))
    assert not one.done()
    pipes.transports[0].answer(Message().pack())
    assert (await one).bins == {}


@in_loop
async def test_a_connection_is_reset_when_an_answer_of_many_frames_times_out() -> None:
    pipes = Pipes()
    many = pipes.start(asking(total_timeout=1000, max_retries=0))
    await turns()
    pipes.transports[0].answer(frame(b"one"))
    await pipes.pass_time(1100)
    with pytest.raises(errors.TimeoutError):
        await asyncio.wait_for(many, 5)
    assert pipes.transports[0].aborted


@in_loop
async def test_another_attempt_begins_with_no_frames() -> None:
    pipes = Pipes(nodes=2)
    many = pipes.start(asking())
    await turns()
    pipes.transports[0].answer(frame(b"one"))
    pipes.transports[0].lose(ConnectionResetError())
    await turns(8)
    pipes.transports[-1].answer(frame(b"two") + frame(LAST))
    assert await many == [b"two", LAST]
