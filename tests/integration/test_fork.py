"""A client goes on in the child of a fork, and in the parent, each on sockets of its own.

Each scenario of fork_scenarios.py runs in a process of its own, which is killed with its children if it
hangs.
"""

from __future__ import annotations

import os

import pytest
from fork_scenarios import SCENARIOS, fork_while_others_come_and_go

from support.processes import run_scenario

pytestmark = [
    pytest.mark.both_kinds,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here"),
]


@pytest.mark.one_kind("is about what knows the clients of a process, and makes none")
def test_fork_of_a_registry() -> None:
    run_scenario("fork_scenarios.py", fork_while_others_come_and_go.__name__, "", "fork")


@pytest.mark.parametrize("scenario", [scenario.__name__ for scenario in SCENARIOS])
def test_fork(hosts: str, set_name: str, scenario: str) -> None:
    run_scenario("fork_scenarios.py", scenario, hosts, set_name, leaves_open=True)
