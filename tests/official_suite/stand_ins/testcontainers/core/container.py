"""A container with an Aerospike server in it, which is an embedded server in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from types import TracebackType

__all__ = ["DockerContainer"]


class DockerContainer:
    """What tests of programs for Aerospike use of a container."""

    def __init__(self, image: str) -> None:
        if "aerospike" not in image:
            raise ValueError(f"no container of {image!r} here")
        self._port = ""
        self._server: subprocess.Popen[str] | None = None

    def with_exposed_ports(self, *ports: int | str) -> DockerContainer:
        """Nothing: the server has one port."""
        return self

    def with_env(self, name: str, value: str) -> DockerContainer:
        """Nothing: an embedded server takes times to live as it is."""
        return self

    def waiting_for(self, strategy: object) -> DockerContainer:
        """Nothing: `start` waits until the server listens."""
        return self

    def start(self) -> DockerContainer:
        """Start a server."""
        command = [sys.executable, "-m", "pyspike", "serve", "--port", "0", "--server-version", "8.1.2"]
        self._server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self._server.stdout is not None
        self._port = self._server.stdout.readline().strip().rpartition(":")[2]
        return self

    def stop(self) -> None:
        """End it."""
        if self._server is not None:
            self._server.terminate()
            self._server.wait()
            self._server = None

    def get_exposed_port(self, port: int | str) -> str:
        """The server's port."""
        return self._port

    def get_container_host_ip(self) -> str:
        """The server's address."""
        return "127.0.0.1"

    def __enter__(self) -> DockerContainer:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
