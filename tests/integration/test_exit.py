"""An exit is a quiet and a prompt one, whatever a client is doing, and also if it is interrupted.

Each scenario of exit_scenarios.py runs in a process of its own, which is killed if it hangs.
"""

from __future__ import annotations

import pytest
from exit_scenarios import AT_EXIT, INTERRUPTED, by_an_interrupt_that_nobody_catches

from support.processes import run_scenario

pytestmark = pytest.mark.both_kinds


@pytest.mark.parametrize("scenario", [scenario.__name__ for scenario in AT_EXIT])
def test_a_quiet_exit(hosts: str, set_name: str, scenario: str) -> None:
    run_scenario("exit_scenarios.py", scenario, hosts, set_name, leaves_open=True)


@pytest.mark.parametrize("scenario", [scenario.__name__ for scenario in INTERRUPTED])
def test_an_interrupted_exit_is_prompt_and_quiet(scenario: str) -> None:
    run_scenario("exit_scenarios.py", scenario, "", "exits", leaves_open=True)


def test_an_exit_by_an_interrupt_shows_only_that() -> None:
    # Python ends itself by the signal then, as a shell expects.
    expected = -2, "main thread: KeyboardInterrupt\n"
    scenario = by_an_interrupt_that_nobody_catches.__name__
    run_scenario("exit_scenarios.py", scenario, "", "exits", expected=expected, leaves_open=True)
