"""A compiled method that is called with something else as `self` says so, and reads nothing of it."""

from __future__ import annotations

import copy
import inspect
import pickle
from collections.abc import Callable, Iterator

import pytest

from pyspike import Client, ReadPolicy, WritePolicy, _wire
from pyspike import operations as op
from pyspike._wire import BatchCommands, Commands, Executor
from pyspike.errors import ClientClosed, InvalidType
from support.all_of import all_of
from support.unsent import UNSENT

KEY = ("test", "s", 1)
READ, WRITE = ReadPolicy().settings, WritePolicy().settings


def methods() -> Iterator[Callable[..., object]]:
    for kind in vars(_wire).values():
        if isinstance(kind, type) and kind.__module__ == _wire.__name__ and not issubclass(kind, Exception):
            for method in vars(kind).values():
                if callable(method) and not isinstance(method, staticmethod) and inspect.isroutine(method):
                    yield method


@all_of("method", list(methods()))
@all_of("other", [None, 5, object()])
def test_another_self_is_refused(method: Callable[..., object], other: object) -> None:
    if method.__name__ in ("__new__", "from_digest"):
        return
    with pytest.raises(TypeError):
        method(other, *[KEY, {"a": 1}][: needed(method)])


def needed(method: Callable[..., object]) -> int:
    """How many arguments a command needs beside `self`."""
    if method not in [*vars(Commands).values(), *vars(BatchCommands).values()]:
        return 0
    given = inspect.signature(method).parameters.values()
    return sum(each.default is each.empty and each.kind is each.POSITIONAL_OR_KEYWORD for each in given) - 1


@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.get(KEY),
        lambda client: client.put(KEY, {"a": 1}),
        lambda client: client.operate(KEY, [op.get()]),
        lambda client: client.batch_get([KEY]),
    ],
)
def test_a_subclass_that_forgets_the_constructor_is_told(call: Callable[[Client], object]) -> None:
    class Mine(Client):
        def __init__(self) -> None:
            pass

    with pytest.raises(ClientClosed, match="never opened"):
        call(Mine())


def test_the_settings_of_reads_and_writes_are_not_mixed_up() -> None:
    for read, write in [(WRITE, READ), (READ, READ), (WRITE, WRITE)]:
        with pytest.raises(InvalidType, match="mixed up"):
            Commands(Executor(), read, write)
    with pytest.raises(InvalidType, match="of something else"):
        BatchCommands(Executor(), READ, WRITE, READ)


@pytest.mark.parametrize("call", [copy.copy, copy.deepcopy, pickle.dumps])
def test_a_client_is_not_copied(call: Callable[[object], object]) -> None:
    with pytest.raises(TypeError, match="can't be pickled or copied: its connections are of one process"):
        call(UNSENT)
