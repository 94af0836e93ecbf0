"""What is asked of a cluster, step by step, told once for threads and for tasks.

A function of steps is a generator: it yields calls, gets their results, and returns its own. What is plain
Python between two calls is written once; `run` makes them with a `Client`, `run_async` with an `AsyncClient`.

    def swap(key: Key, bins: dict[str, object]) -> Steps[Record]:
        before = yield Call("get", key)
        yield Call("put", key, bins)
        return before

`Query` gives all records at once, and `Waiting` waits for what the nodes go on with, such as a new index.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from pyspike.client import Client
from pyspike.query import Statement

if TYPE_CHECKING:
    from pyspike._wire import Record
    from pyspike.aio import AsyncClient

__all__ = ["Call", "Query", "Steps", "Waiting", "once", "run", "run_async"]

T = TypeVar("T")


class Call:
    """A call of a method that both clients have.

    Args:
        method: its name.
        arguments, options: what it is called with.
    """

    __slots__ = ("arguments", "method", "options")

    def __init__(self, method: str, *arguments: Any, **options: Any) -> None:
        self.method = method
        self.arguments = arguments
        self.options = options

    def make(self, client: Client) -> Any:
        """Make it in this thread."""
        return getattr(client, self.method)(*self.arguments, **self.options)

    async def make_async(self, client: AsyncClient) -> Any:
        """Make it in this task."""
        return await getattr(client, self.method)(*self.arguments, **self.options)


class Query(Call):
    """A query, which gives a list of all records that it finds.

    Args:
        statement: what it is to find.
        options: what `Client.query` takes.
    """

    __slots__ = ()

    def __init__(self, statement: Statement, **options: Any) -> None:
        super().__init__("query", statement, **options)

    def make(self, client: Client) -> list[Record]:
        """Run it in this thread."""
        return list(client.query(*self.arguments, **self.options))

    async def make_async(self, client: AsyncClient) -> list[Record]:
        """Run it in this task."""
        return [record async for record in client.query(*self.arguments, **self.options)]


class Waiting(Call):
    """A call that gives a task, such as that of a new index, and is done when the nodes are."""

    __slots__ = ()

    def make(self, client: Client) -> None:
        """Make it and wait in this thread."""
        super().make(client).wait()

    async def make_async(self, client: AsyncClient) -> None:
        """Make it and wait in this task."""
        await (await super().make_async(client)).wait()


Steps: TypeAlias = Generator[Call, Any, T]


def once(call: Call) -> Steps[Any]:
    """One call and no more."""
    return (yield call)


def run(client: Client, steps: Steps[T]) -> T:
    """Make the calls in this thread; returns what the steps return, and raises what they raise."""
    try:
        call = next(steps)
        while True:
            try:
                result = call.make(client)
            except BaseException as error:  # noqa: PERF203 - an interrupt too: the steps end
                call = steps.throw(error)
            else:
                call = steps.send(result)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]


async def run_async(client: AsyncClient, steps: Steps[T]) -> T:
    """Make the calls in this task; returns what the steps return, and raises what they raise."""
    try:
        call = next(steps)
        while True:
            try:
                result = await call.make_async(client)
            except BaseException as error:  # noqa: PERF203 - a cancelled task's too: the steps end
                call = steps.throw(error)
            else:
                call = steps.send(result)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]
