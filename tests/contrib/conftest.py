"""What takes long is left to who asks for it."""

from __future__ import annotations

import os

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if os.environ.get("PYSPIKE_JUDGES") == "1":
        return
    for item in items:
        if item.get_closest_marker("time_intensive"):
            item.add_marker(pytest.mark.skip(reason="takes seconds: PYSPIKE_JUDGES=1 runs it"))
