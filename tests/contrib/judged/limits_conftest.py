"""Has the tests of limits use pyspike's storages: this replaces `tests/conftest.py` in its sdist.

Where a test is made for each storage there is, it is made for pyspike's alone.
"""

import itertools
import os
from typing import Any

import pytest

from pyspike.contrib.limits import AerospikeStorage, AsyncAerospikeStorage

numbers = itertools.count()
each_storage = pytest.mark.parametrize


def parametrize(names: Any, values: Any, **options: Any) -> Any:
    if isinstance(names, str) and names.replace(" ", "") in (
        "uri,args,fixture",
        "uri,args,expected_instance,fixture",
    ):
        first = next(iter(values)).values[0]
        is_async = first.startswith("async+")
        front = "async+" if is_async else ""
        storage = AsyncAerospikeStorage if is_async else AerospikeStorage
        kind = [storage] if "expected" in names else []
        return each_storage(names, [pytest.param(front, {}, *kind, None, id="aerospike")], **options)
    return each_storage(names, values, **options)


pytest.mark.parametrize = parametrize  # type: ignore[method-assign, assignment]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: Any) -> None:
    """A set of its own for each test, as what another has counted would count."""
    call = getattr(item, "callspec", None)
    if call is not None and "uri" in call.params and call.id == "aerospike":
        call.params["uri"] += f"{os.environ['JUDGED_URL']}?set=judged{os.getpid()}-{next(numbers)}"


def pytest_configure(config: Any) -> None:
    for marker in ("memory", "flaky", "memcached", "redis", "mongodb"):
        config.addinivalue_line("markers", marker)
