"""Where a cluster runs: in a thread of this process, or in a process of its own.

Owns: the thread of the cluster's event loop, the child process, and the lines of JSON that are exchanged with
it. Not here: the requests (requests.py). A backend holds no reference to the `EmbeddedCluster`, so that the
cluster is stopped when that object is collected.
"""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any, Protocol

from ..dispatch import answer
from ..security.settings import Security
from ..storage.store import NamespaceConfig
from ..topology.membership import Membership
from ..topology.tls import context_of
from ..versions import find_version
from . import requests

__all__ = ["Backend", "Plan", "ProcessBackend", "ThreadBackend", "serve_control"]

_STOP_TIMEOUT = 5.0
_LAST_ROUNDS = 5  # of the loop: to make a connection that was accepted, to close it, to dispose of it
_ERRORS: dict[str, type[Exception]] = {
    kind.__name__: kind for kind in (KeyError, ModuleNotFoundError, TypeError, ValueError, OSError)
}


@dataclass(frozen=True, slots=True)
class Plan:
    """The arguments of a cluster that is to be started. All but the settings of namespaces can be written as
    JSON.
    """

    names: list[str]
    ports: list[int]
    namespaces: dict[str, NamespaceConfig]
    replication_factor: int
    host: str
    cluster_name: str
    advertise: str | None
    alternate_host: str | None
    version: str
    tls_files: list[str]
    """The paths that `context_of` takes; empty if a context is given, or there is no TLS."""
    tls_names: list[str]
    security: Security | None
    compression: bool
    racks: dict[str, int] | None = None
    clear_ports: list[int] = field(default_factory=list)
    """The ports without TLS beside those with it; empty: there are none."""


class Backend(Protocol):
    """A running cluster, in whatever thread or process."""

    def call(self, request: str, node: str | None = None, **args: Any) -> Any:
        """Do a request in the running cluster, and give its result."""

    def stop(self) -> None:
        """Stop the cluster. Does nothing if it is stopped."""


class ThreadBackend:
    """A cluster that runs in one thread of this process."""

    def __init__(self, cluster: Membership) -> None:
        self._cluster = cluster
        self._pid = os.getpid()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="pyspike-server", daemon=True)
        self._thread.start()
        try:
            asyncio.run_coroutine_threadsafe(cluster.start(), self._loop).result()
        except BaseException:
            self.stop()
            raise

    @classmethod
    def from_plan(
        cls, plan: Plan, *, clock: Callable[[], float] = time.time, tls: ssl.SSLContext | None = None
    ) -> ThreadBackend:
        """Start the cluster of a plan.

        Args:
            plan: the plan.
            clock: Unix time in seconds.
            tls: with which the nodes speak TLS, if the plan has no files for that.

        """
        return cls(
            Membership(
                plan.names,
                plan.ports,
                plan.namespaces,
                replication_factor=plan.replication_factor,
                host=plan.host,
                cluster_name=plan.cluster_name,
                dispatch=answer,
                advertise=plan.advertise,
                alternate_host=plan.alternate_host,
                version=find_version(plan.version),
                racks=plan.racks,
                clock=clock,
                tls=context_of(*plan.tls_files) if plan.tls_files else tls,
                tls_names=plan.tls_names,
                clear_ports=plan.clear_ports,
                security=plan.security,
                compression=plan.compression,
            )
        )

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        self._loop.run_until_complete(self._end())

    @staticmethod
    async def _end() -> None:
        """Let connections that were just accepted be made and closed, and end what goes on."""
        for _ in range(_LAST_ROUNDS):
            await asyncio.sleep(0)
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def call(self, request: str, node: str | None = None, **args: Any) -> Any:
        """Do a request in the running cluster, and give its result."""
        if self._loop.is_closed():
            raise RuntimeError("the cluster is not running")
        return asyncio.run_coroutine_threadsafe(
            requests.run(self._cluster, node, request, args), self._loop
        ).result()

    def stop(self) -> None:
        """Stop the cluster.

        Does nothing if it is stopped, and in a forked child, whose parent runs the loop.
        """
        if self._loop.is_closed() or self._pid != os.getpid():
            return
        self._loop.call_soon_threadsafe(self._close)
        if threading.current_thread() is not self._thread:
            self._thread.join(_STOP_TIMEOUT)
            if not self._thread.is_alive():
                self._loop.close()

    def _close(self) -> None:
        self._cluster.close()
        self._loop.stop()


class ProcessBackend:
    """A cluster that runs in a child process and is asked by lines of JSON over its stdin and stdout.

    The child ends when its stdin closes, so also when this process dies.
    """

    def __init__(self, plan: Plan) -> None:
        root = str(Path(__file__).parents[3])
        path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._child = subprocess.Popen(
            [sys.executable, "-m", "pyspike.server", "--control"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": path},
            start_new_session=True,
            text=True,
        )
        try:
            self._ask(asdict(plan))
        except BaseException:
            self.stop()
            raise

    def _ask(self, request: dict[str, Any]) -> Any:
        stdin, stdout = self._child.stdin, self._child.stdout
        assert stdin is not None
        assert stdout is not None
        with self._lock:
            if stdin.closed:
                raise RuntimeError("the cluster is not running")
            stdin.write(json.dumps(request) + "\n")
            stdin.flush()
            line = stdout.readline()
        if not line:
            raise RuntimeError(f"the cluster's process has ended with status {self._child.wait()}")
        answer = json.loads(line)
        if "error" in answer:
            raise _ERRORS.get(answer["error"], RuntimeError)(answer["text"])
        return answer["result"]

    def call(self, request: str, node: str | None = None, **args: Any) -> Any:
        """Do a request in the running cluster, and give its result."""
        return self._ask({"request": request, "node": node, "args": args})

    def stop(self) -> None:
        """End the child process. Does nothing if it has ended, and in a forked child of this process."""
        if self._pid != os.getpid():
            return
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None and not pipe.closed:
                pipe.close()
        try:
            self._child.wait(_STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()


def serve_control(requests: IO[str], answers: IO[str]) -> None:
    """Run a cluster in the child process: the plan is the first line, requests are the others."""
    backend: ThreadBackend | None = None
    try:
        for line in requests:
            asked = json.loads(line)
            answer: dict[str, Any] = {"result": None}
            try:
                if backend is None:
                    settings = asked.pop("namespaces")
                    namespaces = {name: NamespaceConfig(**each) for name, each in settings.items()}
                    sent = asked.pop("security")
                    security = None if sent is None else Security(**sent)
                    backend = ThreadBackend.from_plan(Plan(namespaces=namespaces, security=security, **asked))
                else:
                    answer["result"] = backend.call(asked["request"], asked["node"], **asked["args"])
            except Exception as error:
                kind = "OSError" if isinstance(error, OSError) else type(error).__name__
                answer = {"error": kind, "text": str(error.args[0]) if len(error.args) == 1 else str(error)}
            answers.write(json.dumps(answer) + "\n")
            answers.flush()
    finally:
        if backend is not None:
            backend.stop()
