"""What takes long is left to who asks for it."""

from __future__ import annotations

import os

import pytest


@pytest.hookimpl(tryfirst=True)  # before pytest chooses by marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("time_intensive"):
            item.add_marker("judges")
        if item.get_closest_marker("judges") and os.environ.get("PYSPIKE_JUDGES") != "1":
            item.add_marker(pytest.mark.skip(reason="takes long: PYSPIKE_JUDGES=1 runs it"))
