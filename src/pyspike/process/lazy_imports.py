"""Imports that are put off until they are needed, so that `import pyspike` is quick.

These stand inside `with importing:`, where they are needed:

    __init__     AsyncClient, exp, filters, operations, contexts, flags (`_LATER`), when a user asks for one
    client       the cluster and the executor of threads, when a Client is made
    operations   what describes an operation, when its repr is asked for
    connect      cluster.tls, and ssl with it, when a client with TLS is made; tls_in_loop, for its tasks
    explain      opcodes and server_features, when a server refused an operation

These stand outside, because they import only modules of the standard library:

    values       json, when a GeoJSON is parsed or made (values may not import this module)
    policy.base  difflib, when an option's name is misspelled
    _wire        asyncio, when a future is cancelled or an AsyncClient is made: a program that does so has it

pyspike.cli and pyspike.testing, by which a process is started, import their own parts late, without the lock.
"""

from __future__ import annotations

import threading

__all__ = ["LazyModule", "importing"]


class _ImportLock:
    """A lock that a thread holds while it imports a part of pyspike that was put off.

    Before Python forks, it takes this lock (`pyspike.process.fork`): in the child no thread would be there
    to finish an import that was under way, and Python's own import lock would stay locked.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()

    def acquire(self) -> None:
        """Take the lock, when no other thread imports any more."""
        self._lock.acquire()

    def release(self) -> None:
        """Let other threads import."""
        self._lock.release()

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *exc_info: object) -> None:
        self.release()

    def after_fork(self) -> None:
        """Replace the lock in a child process if a thread held it that is not there."""
        if self._lock.acquire(blocking=False):
            self._lock.release()
        else:
            self._lock = threading.RLock()


importing = _ImportLock()


class LazyModule:
    """Stands for a module that only signatures name, and imports it for `typing.get_type_hints`.

    Args:
        name: the module's.
    """

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> object:
        with importing:
            module = __import__(self._name, fromlist=(name,))
        return getattr(module, name)
