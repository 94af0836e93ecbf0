"""Parsing answers: from the bytes of a server to a record. No other package lets this be measured alone."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from comparison.cases import DOCUMENT, SMALL
from pyspike import Client, InfoPolicy, Key, ReadPolicy, WritePolicy, commands
from pyspike._wire import Command, parse_answer
from pyspike.hosts import parse_hosts

POLICIES = commands.Policies(ReadPolicy(), WritePolicy(), InfoPolicy())
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
    command = commands.get(POLICIES, key, None, commands.RAISE, None, None, None)
    assert benchmark(parse_answer, command, answer_to(command, hosts)).bins == bins
