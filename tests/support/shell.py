"""The `pyspike` command, run by a test."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pyspike.cli import main


class Shell:
    """Runs the command with the hosts of this run, and keeps what it printed."""

    def __init__(self, hosts: str, captured: pytest.CaptureFixture[str]) -> None:
        self._hosts = hosts
        self._captured = captured
        self.out = self.error = ""

    def __call__(self, command: str, *arguments: str) -> int:
        code = main([command, "--hosts", self._hosts, *arguments])
        self.out, self.error = self._captured.readouterr()
        return code

    def json(self, command: str, *arguments: str) -> Any:
        assert self(command, *arguments, "--json") == 0, self.error
        return json.loads(self.out)
