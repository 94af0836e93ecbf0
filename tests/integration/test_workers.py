"""A client that is made before the workers are forked serves each of them, on connections of their own.

Each scenario of worker_scenarios.py runs in a process of its own, which is killed with its children if it
hangs. PYSPIKE_FORKS is how often the last one forks.
"""

from __future__ import annotations

import os

import pytest
from worker_scenarios import (
    FORKS,
    celery_prefork,
    gunicorn_preload,
    uwsgi_as_it_comes,
    uwsgi_program,
    uwsgi_with_threads,
    very_many_forks,
)

from support.processes import PATIENCE, run_scenario

FORKING = (
    PATIENCE + FORKS * 0.5
)  # seconds: a fork takes a tenth of that on a machine that has nothing else to do

pytestmark = [
    pytest.mark.both_kinds,
    pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="looks at descriptors in /proc"),
]


def test_gunicorn_serves_with_a_client_that_was_preloaded(hosts: str, set_name: str) -> None:
    pytest.importorskip("gunicorn")
    run_scenario("worker_scenarios.py", gunicorn_preload.__name__, hosts, set_name)


@pytest.mark.one_kind("the facade of tasks can't see that uWSGI forks")
@pytest.mark.skipif(uwsgi_program() is None, reason="uWSGI is not installed: it is the extra `uwsgi`")
@pytest.mark.parametrize("scenario", [uwsgi_as_it_comes.__name__, uwsgi_with_threads.__name__])
def test_uwsgi_serves_with_a_client_made_before_its_forks(hosts: str, set_name: str, scenario: str) -> None:
    run_scenario("worker_scenarios.py", scenario, hosts, set_name)


def test_celery_serves_with_a_client_made_before_its_pool(hosts: str, set_name: str) -> None:
    pytest.importorskip("celery")
    run_scenario("worker_scenarios.py", celery_prefork.__name__, hosts, set_name)


@pytest.mark.timeout(FORKING + 60)
def test_very_many_forks_leave_both_sides_right(hosts: str, set_name: str) -> None:
    run_scenario("worker_scenarios.py", very_many_forks.__name__, hosts, set_name, patience=FORKING)
