"""Tells at the end how many recorded cases agree."""

from __future__ import annotations

import pytest

from support.shares import share, tell

__all__ = ["share"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    tell(terminalreporter, config)
