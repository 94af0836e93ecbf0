"""Ctrl-C works at once wherever it comes, leaves the client in order, and an exit is a quiet one.

Each scenario of signal_scenarios.py runs in a process of its own, which is killed if it hangs.
"""

from __future__ import annotations

import pytest
from signal_scenarios import AT_EXIT, INTERRUPTED

from support.processes import run_scenario


@pytest.mark.parametrize("scenario", [scenario.__name__ for scenario in INTERRUPTED])
def test_a_signal(scenario: str) -> None:
    run_scenario("signal_scenarios.py", scenario, "", "signals")


@pytest.mark.parametrize("scenario", [scenario.__name__ for scenario in AT_EXIT])
def test_a_quiet_exit(hosts: str, set_name: str, scenario: str) -> None:
    run_scenario("signal_scenarios.py", scenario, hosts, set_name)


def test_an_exit_by_an_interrupt_shows_only_that() -> None:
    scenario = "by_an_interrupt_that_nobody_catches"
    # Python ends itself by the signal then, as a shell expects.
    expected = -2, "main thread: KeyboardInterrupt\n"
    run_scenario("signal_scenarios.py", scenario, "", "signals", expected=expected)
