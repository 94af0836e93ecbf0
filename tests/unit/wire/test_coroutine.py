"""What a method of `AsyncClient` returns, next to a coroutine of Python: both do the same."""

from __future__ import annotations

import asyncio
import collections.abc
import contextvars
import gc
import inspect
import sys
import warnings
import weakref
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest

from pyspike import ClientPolicy, Key, errors
from pyspike._wire import AsyncCommands, AsyncExecutor, Command
from support.messages import Message
from support.pipes import Pipes, record, turns

KEY = Key("test", "s", 1)
who: contextvars.ContextVar[str] = contextvars.ContextVar("who", default="nobody")


class InPipes(AsyncExecutor):
    """Runs commands on connections that end in the test."""

    __slots__ = ("__weakref__", "pipes")

    def __init__(self) -> None:
        self.pipes: Pipes | None = None

    def enter(self, loop: asyncio.AbstractEventLoop, command: Command) -> Pipes:
        self.pipes = self.executors[loop] = Pipes(pipelines_per_node=1)
        return self.pipes


class Ours:
    """A command, and what its server does."""

    def __init__(self) -> None:
        policy = ClientPolicy()
        self.executor = InPipes()
        settings = (each.settings for each in (policy.read, policy.write, policy.batch))
        self.commands = AsyncCommands(self.executor, *settings)

    def make(self) -> Coroutine[Any, Any, Any]:
        return self.commands.get(KEY, policy=ClientPolicy().read.replace(max_retries=0, total_timeout=0))

    def sent(self) -> int:
        """How many commands the server was sent."""
        pipes = self.executor.pipes
        return 0 if pipes is None else sum(len(each.digests()) for each in pipes.transports)

    def answer(self, text: str) -> None:
        assert self.executor.pipes is not None
        self.executor.pipes.transports[0].answer(record(text.encode()))

    def fail(self) -> None:
        assert self.executor.pipes is not None
        self.executor.pipes.transports[0].answer(Message(result=2).pack())

    result = staticmethod(lambda result: result["a"])
    error: type[Exception] = errors.RecordNotFound


class Theirs:
    """A coroutine that awaits a future."""

    def __init__(self) -> None:
        self.futures: list[asyncio.Future[str]] = []

    async def make(self) -> str:
        self.futures.append(asyncio.get_running_loop().create_future())
        return await self.futures[-1]

    def sent(self) -> int:
        return len(self.futures)

    def answer(self, text: str) -> None:
        next(each for each in self.futures if not each.done()).set_result(text)

    def fail(self) -> None:
        next(each for each in self.futures if not each.done()).set_exception(LookupError("no record"))

    result = staticmethod(lambda result: result)
    error: type[Exception] = LookupError


BOTH = pytest.mark.parametrize("kind", [Theirs, Ours])


@pytest.fixture(params=["asyncio", "debug", "uvloop"])
def run(request: pytest.FixtureRequest) -> Iterator[Callable[[Coroutine[Any, Any, Any]], Any]]:
    maker: Any = pytest.importorskip("uvloop") if request.param == "uvloop" else asyncio
    loop = maker.new_event_loop()
    loop.set_debug(request.param == "debug")
    yield loop.run_until_complete
    loop.close()


async def awaited(coroutine: Coroutine[Any, Any, Any]) -> Any:
    return await coroutine


def in_task(coroutine: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.get_running_loop().create_task(coroutine)


async def in_group(coroutine: Coroutine[Any, Any, Any]) -> Any:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(coroutine)
    return task.result()


WAYS: dict[str, Callable[[Coroutine[Any, Any, Any]], Any]] = {
    "await": awaited,
    "create_task": in_task,
    "ensure_future": asyncio.ensure_future,
    "gather": asyncio.gather,
    "shield": asyncio.shield,
    "wait_for": lambda coroutine: asyncio.wait_for(coroutine, 60),
    "task of Python": lambda coroutine: asyncio.tasks._PyTask(coroutine),  # type: ignore[attr-defined]
}
if sys.version_info >= (3, 11):
    WAYS["TaskGroup"] = in_group
if sys.version_info >= (3, 12):
    WAYS["eager"] = lambda coroutine: asyncio.eager_task_factory(asyncio.get_running_loop(), coroutine)


@BOTH
@pytest.mark.parametrize("way", WAYS)
def test_every_way_of_awaiting_gives_the_result_or_the_error(kind: Any, way: str, run: Any) -> None:
    async def main() -> None:
        one = kind()
        for fails in (False, True):
            task = asyncio.ensure_future(awaited(WAYS[way](one.make())))
            await turns(8)
            assert one.sent() == 1 + fails
            if fails:
                one.fail()
                with pytest.raises((one.error, *([ExceptionGroup] if way == "TaskGroup" else []))):  # noqa: F821
                    await task
            else:
                one.answer("good")
                result = await task
                assert one.result(result[0] if way == "gather" else result) == "good"

    run(main())


@BOTH
def test_it_is_a_coroutine_to_those_who_ask(kind: Any, run: Any) -> None:
    async def main() -> None:
        made = kind().make()
        assert isinstance(made, collections.abc.Coroutine)
        assert asyncio.iscoroutine(made)
        assert inspect.isawaitable(made)
        assert not asyncio.isfuture(made)
        with pytest.raises(TypeError):
            iter(made)
        made.close()

    run(main())


@BOTH
def test_nothing_begins_before_it_is_awaited(kind: Any, run: Any) -> None:
    async def main() -> None:
        one = kind()
        made = one.make()
        await turns()
        assert one.sent() == 0
        task = asyncio.ensure_future(made)
        await turns()
        assert one.sent() == 1
        one.answer("x")
        await task

    run(main())


@BOTH
def test_it_is_awaited_once(kind: Any, run: Any) -> None:
    async def main() -> None:
        one = kind()
        made = one.make()
        task = asyncio.ensure_future(awaited(made))
        await turns()
        with pytest.raises(RuntimeError, match="being awaited already"):
            await made
        one.answer("x")
        await task
        with pytest.raises(RuntimeError, match="cannot reuse already awaited coroutine"):
            await made
        with pytest.raises(RuntimeError, match="cannot reuse already awaited coroutine"):
            made.send(None)
        made.close()

    run(main())


@BOTH
def test_one_that_is_never_awaited_warns(kind: Any) -> None:
    one = kind()
    with pytest.warns(RuntimeWarning, match=r"coroutine '.*\.(get|make)' was never awaited"):
        del [one.make()][0]


@BOTH
def test_the_warning_may_be_an_error(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda args: told.append(args.exc_value))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        kind().make()
        gc.collect()
    assert [type(each) for each in told] == [RuntimeWarning]


@BOTH
@pytest.mark.parametrize("end", ["close", "throw"])
def test_one_that_is_ended_before_it_began_does_not_warn(kind: Any, end: str) -> None:
    made = kind().make()
    if end == "close":
        made.close()
    else:
        with pytest.raises(KeyError):
            made.throw(KeyError("a"))
    with pytest.raises(RuntimeError, match="cannot reuse"):
        made.send(None)


@BOTH
def test_steps_by_hand(kind: Any, run: Any) -> None:
    async def main() -> None:
        one = kind()
        made = one.make()
        with pytest.raises(TypeError, match="can't send non-None value to a just-started coroutine"):
            made.send(1)
        future = made.send(None)
        assert asyncio.isfuture(future)
        await turns()
        one.answer("x")
        with pytest.raises(StopIteration) as stopped:
            made.send(None)
        assert one.result(stopped.value.value) == "x"
        early = one.make()
        early.send(None)
        with pytest.raises(RuntimeError):
            early.send(None)

    run(main())


@BOTH
@pytest.mark.parametrize("thrown", [(KeyError("a"),), (KeyError, "a"), (KeyError, KeyError("a"), None)])
@pytest.mark.filterwarnings("ignore:the .* signature of throw:DeprecationWarning")
def test_what_is_thrown_comes_out(kind: Any, thrown: Any, run: Any) -> None:
    async def main() -> None:
        made = kind().make()
        made.send(None)
        with pytest.raises(KeyError, match="a"):
            made.throw(*thrown)
        made.close()

    run(main())


@BOTH
def test_a_task_that_is_cancelled_ends_it(kind: Any, run: Any) -> None:
    async def main() -> None:
        one = kind()
        for started in (0, 3):
            task = asyncio.ensure_future(one.make())
            await turns(started)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    run(main())


@BOTH
def test_it_runs_in_the_context_of_its_task(kind: Any, run: Any) -> None:
    async def main() -> None:
        one = kind()

        async def named(name: str) -> str:
            who.set(name)
            await one.make()
            return who.get()

        tasks = [asyncio.ensure_future(named(name)) for name in "abc"]
        await turns()
        for _ in tasks:
            one.answer("x")
        assert await asyncio.gather(*tasks) == ["a", "b", "c"]
        assert who.get() == "nobody"

    run(main())


@BOTH
@pytest.mark.parametrize("uvloop", [False, True])
def test_anyio_starts_it_and_gives_it_up(kind: Any, uvloop: bool) -> None:
    anyio = pytest.importorskip("anyio")
    if uvloop:
        pytest.importorskip("uvloop")

    async def main() -> None:
        one = kind()
        async with anyio.create_task_group() as group:
            group.start_soon(one.make)
            await turns()
            one.answer("x")
        with anyio.move_on_after(0.01) as scope:
            await one.make()
        assert scope.cancelled_caught

    anyio.run(main, backend_options={"use_uvloop": uvloop})


def test_arguments_are_looked_at_by_the_call() -> None:
    one = Ours()
    with pytest.raises(errors.InvalidType):
        one.commands.get(5)  # type: ignore[arg-type]


def test_a_cancelled_command_is_not_waited_for() -> None:
    async def main() -> None:
        one = Ours()
        made = one.make()
        future = made.send(None)
        made.close()
        assert future.cancelled()

    asyncio.run(main())


def test_what_it_says_of_itself(run: Any) -> None:
    async def main() -> None:
        one = Ours()
        made = one.make()
        assert repr(made) == "<coroutine AsyncClient.get, not started>"
        assert made.cr_state == inspect.CORO_CREATED
        task = asyncio.ensure_future(made)
        assert "coro=<AsyncClient.get()" in repr(task)
        await turns()
        assert repr(made) == "<coroutine AsyncClient.get, suspended>"
        if sys.version_info >= (3, 11):
            assert inspect.getcoroutinestate(made) == inspect.CORO_SUSPENDED
        one.answer("x")
        await task
        assert repr(made) == "<coroutine AsyncClient.get, finished>"
        assert inspect.getcoroutinestate(made) == made.cr_state == inspect.CORO_CLOSED

    run(main())


@pytest.mark.parametrize("at", ["unstarted", "suspended", "finished"])
def test_it_leaves_nothing_behind(at: str) -> None:
    """It holds what it was made of until it begins, and nothing afterwards."""

    class Default:
        """What can be watched."""

    async def main() -> None:
        one = Ours()
        default = Default()
        watched = weakref.ref(default)
        made: Any = one.commands.get(KEY, default=default)
        del default
        if at == "unstarted":
            made.close()
        else:
            task = asyncio.ensure_future(made)
            await turns()
            if at == "suspended":
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
            one.answer("x")
            if at == "finished":
                await task
        await turns()
        assert watched() is None
        del made

    asyncio.run(main())


def test_a_client_that_nobody_holds_lives_until_its_command_ends() -> None:
    async def main() -> None:
        one = Ours()
        watched = weakref.ref(one.executor)
        task = asyncio.ensure_future(one.make())
        await turns()
        pipes = one.executor.pipes
        assert pipes is not None
        del one
        assert watched() is not None
        pipes.transports[0].answer(record(b"x"))
        await task
        del task
        assert watched() is None

    asyncio.run(main())


def test_only_commands_make_them() -> None:
    made = Ours().make()
    kind: Any = type(made)
    made.close()
    with pytest.raises(TypeError, match="made by the methods of AsyncClient"):
        kind()
    with pytest.raises(RuntimeError, match="cannot reuse"):
        kind.__new__(kind).send(None)
