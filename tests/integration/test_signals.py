"""Ctrl-C works at once wherever it comes, and leaves the client in order.

Each scenario of signal_scenarios.py runs in a process of its own, which is killed if it hangs.
"""

from __future__ import annotations

import pytest
from signal_scenarios import INTERRUPTED, OF_TASKS

from support.processes import run_scenario

pytestmark = pytest.mark.both_kinds


@pytest.mark.parametrize("scenario", [scenario.__name__ for scenario in INTERRUPTED])
def test_a_signal(scenario: str) -> None:
    run_scenario("signal_scenarios.py", scenario, "", "signals")


@pytest.mark.parametrize("scenario", [scenario.__name__ for scenario in OF_TASKS])
@pytest.mark.one_kind("about many tasks at once in one loop")
def test_a_signal_to_tasks(scenario: str) -> None:
    run_scenario("signal_scenarios.py", scenario, "", "signals")
