"""Nothing grows with the number of batches, however they end: no memory, descriptor or thread stays behind.

Some 1,000 batches here; PYSPIKE_LEAK_BATCHES=100000 in the environment for as many (pytest -rP shows the
figures).
"""

from __future__ import annotations

import os

import pytest
from batch_leak_scenarios import BATCHES

from support.processes import PATIENCE, run_scenario

LONG = 2 * PATIENCE + BATCHES / 20  # seconds: a hundred batches of all kinds take half of one


@pytest.mark.both_kinds
@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts descriptors in /proc")
@pytest.mark.timeout(LONG + 60)
def test_nothing_grows_with_the_number_of_batches(set_name: str) -> None:
    run_scenario("batch_leak_scenarios.py", "batches", "", set_name, patience=LONG)
