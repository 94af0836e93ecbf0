"""Shares of recorded cases that agree, told at the end of pytest's own output.

A test counts with the fixture `share`; a folder's conftest imports both names.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

__all__ = ["Share", "share", "tell"]

Share = Callable[[str, str, int, int], None]

LINES = pytest.StashKey[dict[str, str]]()


@pytest.fixture
def share(request: pytest.FixtureRequest) -> Share:
    """Notes a share: of what, what is true of those that agree, how many there are, how many differ."""
    lines = request.config.stash.setdefault(LINES, {})

    def note(name: str, agree: str, total: int, different: int) -> None:
        lines[name] = f"{name}: {total - different} of {total} ({1 - different / total:.1%}) {agree}"

    return note


def tell(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Prints what was noted."""
    lines = config.stash.get(LINES, {})
    if lines and not config.stash.get(TOLD, False):
        config.stash[TOLD] = True
        terminalreporter.section("recorded cases that agree")
        for name in sorted(lines):
            terminalreporter.line(lines[name])


TOLD = pytest.StashKey[bool]()
