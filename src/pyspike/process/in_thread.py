"""Calls that block, made for the tasks of an asyncio loop."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

__all__ = ["in_thread"]

T = TypeVar("T")


async def in_thread(call: Callable[..., T], *args: object) -> T:
    """Run a call that blocks in a thread of its own, and give what it returns.

    Not in the loop's pool of threads, as `asyncio.to_thread` does: the end of a loop, and of the interpreter,
    awaits those, so that Ctrl-C would not work while a node does not answer.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()
    work = partial(
        contextvars.copy_context().run, call, *args
    )  # so that what it begins is a part of the task's
    thread = threading.Thread(target=_work, args=(future, work), name="pyspike-call", daemon=True)
    try:
        thread.start()
    except RuntimeError:  # the interpreter is exiting: no more threads
        return call(*args)
    try:
        return await future
    finally:
        if future.done() and not future.cancelled():
            thread.join()  # which has nothing more to do
        del future  # its error's traceback has this frame


def _work(future: asyncio.Future[T], work: Callable[[], T]) -> None:
    result: Any = None
    error: BaseException | None = None
    try:
        result = work()
    except BaseException as failure:
        error = failure
    with contextlib.suppress(RuntimeError):  # the loop is closed
        future.get_loop().call_soon_threadsafe(_settle, future, result, error)
    del future, error  # the error's traceback has this frame


def _settle(future: asyncio.Future[T], result: T, error: BaseException | None) -> None:
    if future.done():  # it is cancelled
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
