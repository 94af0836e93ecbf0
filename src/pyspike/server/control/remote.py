"""A cluster as the objects that users hold control it: `EmbeddedCluster`, its nodes and its clock.

Owns: whether the cluster runs, and the ports of its nodes. Not here: where it runs (backends.py) and the
requests (requests.py). It holds no reference to those objects, so that the cluster is stopped when they are
collected.
"""

from __future__ import annotations

from typing import Any

from .backends import Backend

__all__ = ["Remote"]


class Remote:
    """A cluster that can be started, asked and stopped.

    Args:
        names: the names of its nodes.

    Attributes:
        ports: the port of each node by its name; 0 before the first start.

    """

    __slots__ = ("_backend", "ports")

    def __init__(self, names: list[str]) -> None:
        self._backend: Backend | None = None
        self.ports: dict[str, int] = dict.fromkeys(names, 0)

    @property
    def running(self) -> bool:
        """Whether the cluster was started and not stopped."""
        return self._backend is not None

    def start(self, backend: Backend) -> None:
        """Send requests to this running cluster from now on."""
        self._backend = backend
        self.read_ports()

    def stop(self) -> None:
        """Stop the cluster. Does nothing if it does not run."""
        backend, self._backend = self._backend, None
        if backend is not None:
            backend.stop()

    def ask(self, request: str, node: str | None = None, **args: Any) -> Any:
        """Do a request in the cluster's loop, and give its result.

        Args:
            request: the request's name in requests.py.
            node: the name of the node that it is about; None if it is about the whole cluster.
            args: its arguments, which can be written as JSON.

        Raises:
            RuntimeError: the cluster is not running.

        """
        if self._backend is None:
            raise RuntimeError("the cluster is not running")
        return self._backend.call(request, node, **args)

    def read_ports(self) -> None:
        """Update `ports` from the running nodes."""
        for node in self.ask("describe"):
            self.ports[node["name"]] = node["port"]
