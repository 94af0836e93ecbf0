"""What a task awaits of a command, next to a future of asyncio: both do the same, in the same order."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import inspect
import sys
import time
import weakref
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import Any

import pytest

from pyspike._wire import Future, WakeupQueue

AT_ONCE = 16  # tasks that one handle wakes

Maker = Callable[[], Any]  # of ours, in the running loop
who: contextvars.ContextVar[str] = contextvars.ContextVar("who", default="nobody")


def futures() -> Maker:
    return asyncio.get_running_loop().create_future


def ours() -> Maker:
    wakeups = WakeupQueue(asyncio.get_running_loop())
    return lambda: Future(wakeups)


BOTH = pytest.mark.parametrize("maker", [futures, ours])
python_task: Any = asyncio.tasks._PyTask  # type: ignore[attr-defined]
TASKS = {"compiled": asyncio.Task, "python": python_task}
if sys.version_info >= (3, 12):
    TASKS["eager"] = lambda coroutine, *, loop: asyncio.Task(coroutine, loop=loop, eager_start=True)


@pytest.fixture(params=["asyncio", "debug", "uvloop"])
def run(request: pytest.FixtureRequest) -> Iterator[Callable[[Coroutine[Any, Any, Any]], Any]]:
    maker: Any = pytest.importorskip("uvloop") if request.param == "uvloop" else asyncio
    loop = maker.new_event_loop()
    loop.set_debug(request.param == "debug")
    yield loop.run_until_complete
    loop.close()


@BOTH
@pytest.mark.parametrize("task_kind", TASKS)
def test_tasks_get_what_they_wait_for(maker: Any, task_kind: str, run: Any) -> None:
    """Results, errors, a message of who cancels; what is done already; a task cancelled when woken."""

    async def main() -> None:
        make = maker()
        told: list[object] = []

        async def wait_for(awaited: Awaitable[object]) -> None:
            try:
                told.append(await awaited)
            except BaseException as error:
                told.append((type(error), *error.args))
                raise

        one = [make() for _ in range(6)]
        one[3].set_result("already")
        one[4].set_exception(LookupError("already"))
        loop = asyncio.get_running_loop()
        tasks = [TASKS[task_kind](wait_for(each), loop=loop) for each in one]
        await asyncio.sleep(0)
        assert told == ["already", (LookupError, "already")]
        one[1].set_exception(KeyError("bad"))
        one[0].set_result(("a", "tuple"))
        tasks[2].cancel("enough")
        one[5].set_result("too late")
        tasks[5].cancel()
        assert [each.done() for each in one] == [True] * 6
        assert [each.cancelled() for each in one] == [False, False, True, False, False, False]
        assert len(told) == 2, "nobody is woken at once"
        ends = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(end) for end in ends] == [
            type(None),
            KeyError,
            asyncio.CancelledError,
            type(None),
            LookupError,
            asyncio.CancelledError,
        ]
        message = ("enough",) if sys.version_info >= (3, 11) else told[4][1:]  # type: ignore[index]
        assert told[2:] == [
            (KeyError, "bad"),
            ("a", "tuple"),
            (asyncio.CancelledError, *message),
            (asyncio.CancelledError,),
        ]

    run(main())


@BOTH
def test_whoever_is_woken_runs_in_a_context_of_its_own(maker: Any, run: Any) -> None:
    async def main() -> None:
        make = maker()

        async def named(name: str, first: Awaitable[object], second: Awaitable[object]) -> list[str]:
            seen = [who.get()]
            who.set(name)
            await first
            seen.append(who.get())
            who.set(name.upper())
            await second
            return [*seen, who.get()]

        firsts, seconds = ([make() for _ in range(3)] for _ in range(2))
        tasks = [asyncio.ensure_future(named(*each)) for each in zip("abc", firsts, seconds, strict=True)]
        await asyncio.sleep(0)
        who.set("main")
        for each in [*firsts, *seconds]:
            each.set_result(None)
        assert await asyncio.gather(*tasks) == [["nobody", name, name.upper()] for name in "abc"]
        assert who.get() == "main"

    run(main())


@BOTH
def test_the_loop_goes_on_in_the_same_order(maker: Any, run: Any) -> None:
    """Whose future is set first is woken first, in the next turn, with what others plan in between."""

    async def main() -> None:
        make = maker()
        loop = asyncio.get_running_loop()
        told: list[object] = []

        async def wait_for(number: int, awaited: Awaitable[object]) -> None:
            await awaited
            told.append(number)
            loop.call_soon(told.append, f"after {number}")

        one = [make() for _ in range(3 * AT_ONCE)]
        tasks = [asyncio.ensure_future(wait_for(number, each)) for number, each in enumerate(one)]
        await asyncio.sleep(0)
        for number, each in enumerate(one):
            if number % AT_ONCE == 0:
                loop.call_soon(told.append, f"before {number}")
            each.set_result(None)
        await asyncio.sleep(0)
        expected: list[object] = list(range(3 * AT_ONCE))
        for number in range(2 * AT_ONCE, -1, -AT_ONCE):
            expected.insert(number, f"before {number}")
        assert told == expected
        await asyncio.gather(*tasks)
        await asyncio.sleep(0)
        assert told[len(expected) :] == [f"after {number}" for number in range(3 * AT_ONCE)]

    run(main())


def test_one_handle_wakes_many_but_not_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    handles: list[int] = []
    woken: list[int] = []
    original = asyncio.Handle._run

    def counted(handle: asyncio.Handle) -> None:
        before = len(woken)
        original(handle)
        if len(woken) > before:
            handles.append(len(woken) - before)

    async def wait_for(number: int, future: Future) -> None:
        await future
        woken.append(number)

    async def main() -> None:
        make = ours()
        for count in (1, AT_ONCE, AT_ONCE + 1, 10 * AT_ONCE):
            handles.clear()
            some = [make() for _ in range(count)]
            tasks = [asyncio.ensure_future(wait_for(number, each)) for number, each in enumerate(some)]
            await asyncio.sleep(0)
            for each in some:
                each.set_result(None)
            await asyncio.gather(*tasks)
            whole, rest = divmod(count, AT_ONCE)
            assert handles == [AT_ONCE] * whole + [rest] * bool(rest)

    monkeypatch.setattr(asyncio.Handle, "_run", counted)
    asyncio.run(main())


def test_debugging_tells_which_task_takes_long(caplog: pytest.LogCaptureFixture) -> None:
    """As with futures: by the handle, which has to be one of the task's."""

    async def work(awaited: Awaitable[object]) -> None:
        await awaited
        time.sleep(0.02)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.slow_callback_duration = 0.01
        wakeups = WakeupQueue(loop)
        for debug in (False, True, False, True):
            loop.set_debug(debug)
            wakeups.heed_debug()
            awaited = Future(wakeups)
            task = asyncio.create_task(work(awaited), name="idler")
            await asyncio.sleep(0)
            awaited.set_result(None)
            await task
            assert ("name='idler'" in caplog.text) == debug
            caplog.clear()

    asyncio.run(main())


@BOTH
def test_ctrl_c_in_one_task_keeps_no_other_waiting(maker: Any, run: Any) -> None:
    loop: asyncio.AbstractEventLoop = run.__self__
    told: list[int] = []
    tasks: list[asyncio.Task[None]] = []

    async def wait_for(number: int, awaited: Awaitable[object]) -> None:
        await awaited
        told.append(number)
        if number % AT_ONCE == 5:
            raise KeyboardInterrupt

    async def main() -> None:
        make = maker()
        some = [make() for _ in range(2 * AT_ONCE)]
        tasks.extend(asyncio.ensure_future(wait_for(number, each)) for number, each in enumerate(some))
        await asyncio.sleep(0)
        for each in some:
            each.set_result(None)
        await asyncio.sleep(1000)

    def turns() -> int:
        """Some turns of the loop; in how many it was interrupted."""
        interrupted = 0
        for _ in range(8):
            loop.call_soon(loop.stop)
            try:
                loop.run_forever()
            except KeyboardInterrupt:  # some stop at once, some let the others of the same turn run first
                interrupted += 1
        return interrupted

    waiting = loop.create_task(main())
    assert turns() in (1, 2)
    assert told == list(range(2 * AT_ONCE))
    assert [type(task.exception()) for task in tasks].count(KeyboardInterrupt) == 2
    waiting.cancel()
    assert turns() == 0
    assert waiting.cancelled()


@BOTH
def test_it_is_what_asyncio_takes_for_a_future(maker: Any, run: Any) -> None:
    async def main() -> None:
        make = maker()
        assert asyncio.isfuture(make())
        assert inspect.isawaitable(make())
        assert make().get_loop() is asyncio.get_running_loop()
        good, bad, gone = (make() for _ in range(3))
        waiting = asyncio.gather(good, bad, return_exceptions=True)
        good.set_result(1)
        bad.set_exception(KeyError("a"))
        assert gone.cancel()
        assert not gone.cancel()
        assert not good.cancel()
        assert [type(each) for each in await waiting] == [int, KeyError]
        assert (good.result(), good.exception(), type(bad.exception())) == (1, None, KeyError)
        for call in (gone.result, gone.exception):
            with pytest.raises(asyncio.CancelledError):
                call()
        with pytest.raises(KeyError):
            bad.result()

    run(main())


@pytest.mark.parametrize("task_kind", ["compiled", "python"])
def test_one_of_another_loop_is_refused_by_the_task(task_kind: str) -> None:
    other = asyncio.new_event_loop()
    future = Future(WakeupQueue(other))

    async def main() -> None:
        async def wait() -> None:
            await future

        with pytest.raises(RuntimeError, match="attached to a different loop"):
            await TASKS[task_kind](wait(), loop=asyncio.get_running_loop())

    asyncio.run(main())
    other.close()


def test_mistakes_are_refused() -> None:
    async def main() -> None:
        make = ours()
        future = make()
        with pytest.raises(RuntimeError, match="no outcome yet"):
            future.result()
        future.add_done_callback(print)
        with pytest.raises(RuntimeError, match="another task"):
            future.add_done_callback(print)
        done = make()
        done.set_result(None)
        for again in (done.set_result, done.set_exception):
            with pytest.raises(RuntimeError, match="has an outcome"):
                again(KeyError())
        assert repr(done) == "<Future resolved>"

    asyncio.run(main())
    with pytest.raises(TypeError):
        Future(None)  # type: ignore[arg-type]


def test_a_task_in_its_repr_says_that_it_waits_for_one() -> None:
    async def main() -> None:
        async def wait(future: Future) -> None:
            await future

        future = ours()()
        task = asyncio.ensure_future(wait(future))
        await asyncio.sleep(0)
        assert "wait_for=<Future pending>" in repr(task)
        assert len(task.get_stack()) == 1
        future.set_result(None)
        await task

    asyncio.run(main())


def test_tasks_that_are_dropped_with_their_futures_go() -> None:
    """The task that waits is held by the future, and holds it."""

    async def main() -> weakref.ref[Any]:
        async def wait(future: Future) -> None:
            await future

        task = asyncio.ensure_future(wait(ours()()))
        await asyncio.sleep(0)
        task._log_destroy_pending = False  # type: ignore[attr-defined]
        return weakref.ref(task)

    dropped = asyncio.new_event_loop()
    task = dropped.run_until_complete(main())
    dropped.close()
    gc.collect()
    assert task() is None
