"""Has LangGraph's tests of a store in memory use pyspike's: `conftest.py` in langgraph-checkpoint's sdist."""

import itertools
import os
from typing import Any

import langgraph.store.memory

from pyspike.contrib.langgraph import AerospikeStore

numbers = itertools.count()


class InMemoryStore(AerospikeStore):
    """A store in a set of its own."""

    def __init__(self, **options: Any) -> None:
        name = f"judged{os.getpid()}-{next(numbers)}"
        super().__init__(os.environ["JUDGED_URL"], set_name=name, **options)


langgraph.store.memory.InMemoryStore = InMemoryStore  # type: ignore[assignment, misc]
