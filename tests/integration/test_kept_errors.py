"""An error that is kept holds nothing of its command but the key: neither the bins nor anything else."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from pyspike import AsyncClient, Client, ClientPolicy, Key, WritePolicy, errors
from pyspike import operations as op
from pyspike.server import EmbeddedCluster
from support.pipes import in_loop

KEY = Key("test", "kept", 1)
TOO_LONG = "a bin of this name has more than fifteen bytes"


class Bins(dict[str, Any]):
    """Bins that can be watched."""


class Operations(list[Any]):
    """Operations that can be watched."""


class Names(list[str]):
    """Names of bins that can be watched."""


class Filter:
    """A filter expression that can be watched."""

    def to_bytes(self) -> bytes:
        return b"\x93\x01\x01\x01"


class Refused(Filter):
    """One that can't be sent."""

    def to_bytes(self) -> bytes:
        return b""


# The method, and what it is given that can be large: its arguments, and the one that is watched among them.
# What is refused is refused before anything is sent.
SENT: dict[str, tuple[str, Callable[[], Any], str | None]] = {
    "put": ("put", lambda: Bins(a=bytes(100_000)), None),
    "add": ("add", lambda: Bins(a=1), None),
    "append": ("append", lambda: Bins(a="text"), None),
    "prepend": ("prepend", lambda: Bins(a="text"), None),
    "operate": ("operate", lambda: Operations([op.put("a", "text")]), None),
    "get": ("get", lambda: Names("a"), None),
    "get filtered": ("get", Filter, "filter_expression"),
    "exists filtered": ("exists", Filter, "filter_expression"),
    "delete filtered": ("delete", Filter, "filter_expression"),
    "touch filtered": ("touch", Filter, "filter_expression"),
}
REFUSED: dict[str, tuple[str, Callable[[], Any], str | None]] = {
    "put refused": ("put", lambda: Bins({TOO_LONG: 1}), None),
    "add refused": ("add", lambda: Bins(a="text"), None),
    "append refused": ("append", lambda: Bins(a=1), None),
    "prepend refused": ("prepend", lambda: Bins(a=1), None),
    "operate refused": ("operate", lambda: Operations(), None),
    "get refused": ("get", lambda: Names([TOO_LONG]), None),
    "exists refused": ("exists", Refused, "filter_expression"),
    "delete refused": ("delete", Refused, "filter_expression"),
    "touch refused": ("touch", Refused, "filter_expression"),
}
FAULTS = ["code", "closed", "late", "no connection"]
CASES = [(name, fault) for name in SENT for fault in FAULTS] + [(name, "") for name in REFUSED]


@pytest.fixture(scope="module")
def one() -> Iterator[EmbeddedCluster]:
    with EmbeddedCluster(process=True) as cluster:
        yield cluster


def spoil(cluster: EmbeddedCluster, fault: str) -> None:
    """Have the next commands fail in this way."""
    node = cluster.nodes[0]
    if fault == "code":
        node.answer_with(22, times=1000)
    elif fault == "closed":
        node.close_after_request(times=1000)
    elif fault == "late":
        node.delay(30)
    elif fault:
        node.refuse()


def policy() -> ClientPolicy:
    return ClientPolicy(
        timeout=3_000,
        tend_interval=60_000,
        read=ClientPolicy().read.replace(total_timeout=150),
        write=WritePolicy(total_timeout=150),
    )


class Given:
    """Makes what a command is given, and knows what of it is still held."""

    def __init__(self, name: str) -> None:
        self.method, self._make, self._keyword = {**SENT, **REFUSED}[name]
        self._made: list[weakref.ref[Any]] = []

    def make(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments of the next call, and its keywords. No frame may hold them when it fails."""
        made = self._make()
        self._made.append(weakref.ref(made))
        return ((KEY,), {self._keyword: made}) if self._keyword else ((KEY, made), {})

    def check(self, kept: list[errors.AerospikeError]) -> None:
        """Nothing is held, though the garbage collector did not help."""
        assert len(kept) == len(self._made)
        left = [made for reference in self._made if (made := reference()) is not None]
        held = {
            type(referrer) for made in left for referrer in gc.get_referrers(made) if referrer is not left
        }
        assert not left, f"{len(left)} of {len(kept)} are held, by {held}"
        assert {error.key for error in kept} <= {KEY, None}


@contextmanager
def collecting_nothing() -> Iterator[None]:
    """No garbage is collected inside."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@pytest.mark.one_kind("tasks have one of their own")
@pytest.mark.embedded_only
@pytest.mark.parametrize(("name", "fault"), CASES)
def test_a_kept_error_of_a_thread_holds_only_the_key(one: EmbeddedCluster, name: str, fault: str) -> None:
    given = Given(name)
    kept: list[errors.AerospikeError] = []

    def fail(client: Client) -> None:
        try:
            call(getattr(client, given.method), given)
        except errors.AerospikeError as error:
            kept.append(error)

    with collecting_nothing(), Client(one.hosts, policy()) as client:
        spoil(one, fault)
        try:
            for _ in range(3):
                fail(client)
            given.check(kept)
        finally:
            one.heal()


def call(method: Any, given: Given) -> Any:
    return (lambda made: method(*made.pop(0), **made.pop()))([*given.make()])


@pytest.mark.embedded_only
@pytest.mark.parametrize(("name", "fault"), CASES)
@in_loop
async def test_a_kept_error_of_a_task_holds_only_the_key(one: EmbeddedCluster, name: str, fault: str) -> None:
    given = Given(name)
    kept: list[errors.AerospikeError] = []

    async def fail(client: AsyncClient) -> None:
        try:
            await call(getattr(client, given.method), given)
        except errors.AerospikeError as error:
            kept.append(error)

    with collecting_nothing():
        async with AsyncClient(one.hosts, policy()) as client:
            await asyncio.to_thread(spoil, one, fault)
            try:
                for _ in range(3):
                    await fail(client)
                given.check(kept)
            finally:
                await asyncio.to_thread(one.heal)


@pytest.mark.embedded_only
def test_ten_kept_errors_of_large_puts_take_no_memory(one: EmbeddedCluster) -> None:
    """As the system sees it, which knows of the requests too."""

    def resident() -> int:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * 4096

    async def fail(client: AsyncClient) -> errors.AerospikeError:
        with pytest.raises(errors.RecordTooBig) as caught:
            await client.put(KEY, {"a": bytes(b"x" * 20_000_000)}, timeout=30_000)
        return caught.value

    async def run() -> None:
        async with AsyncClient(one.hosts) as client:
            await fail(client)
            before = resident()
            kept = [await fail(client) for _ in range(10)]
            assert resident() - before < 60_000_000
            assert len(kept) == 10

    try:
        resident()
    except OSError:
        pytest.skip("the system does not say how much memory a process has")
    asyncio.run(run())
