"""A client goes on in the child of a fork that Python does not see, and in the parent, as after `os.fork()`.

Each scenario of unseen_fork_scenarios.py runs in a process of its own, which is killed with its children if
it hangs.
"""

from __future__ import annotations

import os

import pytest
from unseen_fork_scenarios import SCENARIOS

from support.processes import run_scenario

pytestmark = [
    pytest.mark.one_kind(
        "the facade of tasks can't see such a fork either; there are scenarios of both kinds"
    ),
    pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="looks at descriptors in /proc"),
]


@pytest.mark.parametrize("scenario", [scenario.__name__ for scenario in SCENARIOS])
def test_a_fork_that_python_does_not_see(hosts: str, set_name: str, scenario: str) -> None:
    run_scenario("unseen_fork_scenarios.py", scenario, hosts, set_name)
