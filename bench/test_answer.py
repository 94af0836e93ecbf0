"""Parsing answers: from the bytes of a server to a record. No other package lets this be measured alone."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from comparison.cases import DOCUMENT, SMALL
from pyspike import Client, Key, ReadPolicy, WritePolicy
from pyspike._wire import Command, Commands, Executor, parse_answer
from pyspike.hosts import parse_hosts

UNSENT: Any = Commands(Executor(), ReadPolicy().settings, WritePolicy().settings)
HEADER = 8  # version, type and length, in front of every message


def answer_to(command: Command, hosts: str) -> bytes:
    """The body of what the server sends for a command."""
    host = parse_hosts(hosts)[0]
    with socket.create_connection((host.name, host.port), timeout=5) as connection:
        connection.sendall(command.request)
        stream = connection.makefile("rb")
        return stream.read(int.from_bytes(stream.read(HEADER)[2:], "big"))


@pytest.mark.parametrize("bins", [SMALL, DOCUMENT], ids=["small", "document"])
@pytest.mark.benchmark(group="answer")
def test_get(benchmark: Any, client: Client, hosts: str, bins: dict[str, Any]) -> None:
    key = Key("test", "bench", f"answer {len(bins)}")
    client.put(key, bins)
    command = UNSENT.get(key)
    assert benchmark(parse_answer, command, answer_to(command, hosts)).bins == bins
