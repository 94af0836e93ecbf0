"""What tests counted, told at the end of pytest's own output: shares of recorded cases that agree, faults.

They are properties of the tests, which go with a test's report, so that it does not matter in which process
of pytest-xdist a test ran; JUnit's XML has them too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

__all__ = ["Share", "Work", "share", "tell", "work"]

Share = Callable[[str, str, int, int], None]
Work = Callable[[int, int], None]
Record = Callable[[str, object], None]

OPERATIONS, CHECKS = "operations", "checks"
SHARE = "share: "  # what the name of a share's property begins with


@pytest.fixture
def share(record_property: Record) -> Share:
    """Notes a share: of what, what is true of those that agree, how many there are, how many differ."""

    def note(name: str, agree: str, total: int, different: int) -> None:
        agreed = f"{total - different} of {total} ({1 - different / total:.1%}) {agree}"
        record_property(SHARE + name, agreed)

    return note


@pytest.fixture
def work(record_property: Record) -> Work:
    """Notes how many operations were done to a cluster with faults, and how many checks were made."""

    def note(operations: int, checks: int) -> None:
        record_property(OPERATIONS, operations)
        record_property(CHECKS, checks)

    return note


def tell(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints what the tests noted."""
    found = [report.user_properties for report in _last_reports(terminalreporter)]
    shares = sorted(
        f"{name.removeprefix(SHARE)}: {agreed}"
        for properties in found
        for name, agreed in properties
        if name.startswith(SHARE)
    )
    if shares:
        terminalreporter.section("recorded cases that agree")
        for line in shares:
            terminalreporter.line(line)
    loads = [dict(properties) for properties in found if OPERATIONS in dict(properties)]
    if loads:
        operations, checks = (sum(load[name] for load in loads) for name in (OPERATIONS, CHECKS))
        terminalreporter.line(
            f"{len(loads)} scenarios of faults: {operations:,} operations, {checks:,} checks"
        )


def _last_reports(terminalreporter: pytest.TerminalReporter) -> Iterable[pytest.TestReport]:
    """Those of the tests' teardowns, which have all properties; of one that failed they are not told."""
    return (report for report in terminalreporter.getreports("") if report.when == "teardown")
