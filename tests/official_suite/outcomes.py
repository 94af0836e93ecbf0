"""A pytest plugin: writes the outcome of each test to a file, a JSON line each, and ends what hangs.

`OFFICIAL_LOG` names the file; tests that it has already are left out. A call in C can't be interrupted, so
the process ends when a test takes too long.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import threading
import time
from typing import Any

import pytest

if os.environ.get("OFFICIAL_CLIENT") == "compat":  # before the suite's own conftest imports it
    from pyspike.compat import install

    install()

LIMIT = 33.0  # seconds for a test
SETUP = 120.0  # seconds for its fixtures, which create indexes one by one
HUNG = 97
_log = open(os.environ["OFFICIAL_LOG"], "a+", encoding="utf-8")  # noqa: SIM115 - to the end of the process
_now: dict[str, Any] = {"id": None, "since": 0.0, "limit": SETUP}


def _put(**what: Any) -> None:
    _log.write(json.dumps(what) + "\n")
    _log.flush()


def _watch() -> None:
    while True:
        time.sleep(1)
        if _now["id"] and time.monotonic() - _now["since"] > _now["limit"]:
            _put(id=_now["id"], outcome="hang", text=f"more than {_now['limit']:.0f} s")
            os._exit(HUNG)


def pytest_configure() -> None:
    threading.Thread(target=_watch, daemon=True).start()


def pytest_collection() -> None:
    """Let the suite read its configuration, which the skips of some files take as read by others."""
    if os.environ.get("OFFICIAL_ENTERPRISE"):
        sys.path.insert(0, os.getcwd())
        importlib.import_module("new_tests.test_base_class").TestBaseClass.get_connection_config()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    _log.seek(0)
    done = {json.loads(line)["id"] for line in _log}
    left = [item for item in items if item.nodeid not in done]
    config.hook.pytest_deselected(items=[item for item in items if item.nodeid in done])
    items[:] = left


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_logstart(nodeid: str) -> None:
    _now.update(id=nodeid, since=time.monotonic(), limit=SETUP)
    _put(id=nodeid, outcome="started")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call() -> None:
    _now.update(since=time.monotonic(), limit=LIMIT)


def pytest_runtest_logfinish() -> None:
    _now.update(id=None)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    outcome: str = report.outcome
    if hasattr(report, "wasxfail"):
        outcome = "xfailed" if outcome == "skipped" else "xpassed"
    elif outcome == "failed" and report.when != "call":
        outcome = "error"
    text = "" if outcome == "passed" else str(report.longrepr)[-4000:]
    _put(id=report.nodeid, outcome=outcome, text=text)
