"""Awaits leave nothing behind: no memory, futures, transports or timers, however they end.

20,000 of them here; PYSPIKE_TEST_AWAITS=200000 in the environment for as many.
"""

from __future__ import annotations

import os

import pytest

from support.processes import run_scenario


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="reads Linux's /proc")
@pytest.mark.timeout(600)
@pytest.mark.one_kind("about what only tasks do: being cancelled")
def test_thousands_of_awaits_leave_nothing(hosts: str, set_name: str) -> None:
    run_scenario("async_leak_scenario.py", "run", hosts, set_name)
