"""Nothing grows with the number of commands or clients: no memory, descriptor or thread stays behind.

Some 2,500 commands here; PYSPIKE_LEAK_COMMANDS=1000000 in the environment for as many (pytest -rP shows the
figures).
"""

from __future__ import annotations

import os

import pytest
from leak_scenarios import COMMANDS, SCENARIOS

from support.processes import PATIENCE, run_scenario

pytestmark = pytest.mark.both_kinds

LONG = PATIENCE + COMMANDS / 100  # seconds: a hundred commands of all kinds take a tenth of one


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts descriptors in /proc")
@pytest.mark.timeout(LONG + 60)
@pytest.mark.parametrize("scenario", [scenario.__name__ for scenario in SCENARIOS])
def test_nothing_grows_with_the_number_of(scenario: str, set_name: str) -> None:
    run_scenario("leak_scenarios.py", scenario, "", set_name, patience=LONG, leaves_open=True)
