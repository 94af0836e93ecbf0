"""A client's commands on one record without a client: built and not sent, or tried once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, cast

from pyspike._wire import Command, Commands, Executor, ThreadExecutor
from pyspike.policy import ReadPolicy, WritePolicy


class Unsent(Protocol):
    """What `Commands` are with an executor that gives each command back."""

    get: Callable[..., Command]
    exists: Callable[..., Command]
    put: Callable[..., Command]
    add: Callable[..., Command]
    append: Callable[..., Command]
    prepend: Callable[..., Command]
    delete: Callable[..., Command]
    touch: Callable[..., Command]
    operate: Callable[..., Command]
    execute_udf: Callable[..., Command]


def unsent(read: ReadPolicy | None = None, write: WritePolicy | None = None) -> Unsent:
    """Those of a client with these policies."""
    settings = (read or ReadPolicy()).settings, (write or WritePolicy()).settings
    return cast(Unsent, Commands(Executor(), *settings))


def tried_once(cluster: Any) -> Commands:
    """Those of a client of this cluster, of which only `routing` is used."""
    return Commands(ThreadExecutor(cluster), ReadPolicy().settings, WritePolicy().settings)


UNSENT = unsent()
