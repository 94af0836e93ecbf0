"""The judges of what LangGraph, LangChain and Feast keep in Aerospike: see `judges.py`, which runs them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

JUDGED = Path(__file__).parent / "judged"
PYTEST = [
    *(sys.executable, "-m", "pytest", "-q", "--override-ini=addopts=", "--override-ini=asyncio_mode=auto"),
    *("-p", "no:cacheprovider", "-p", "no:pyspike", "-p", "no:anyio", "-Wignore::DeprecationWarning"),
]

# What LangGraph's own store can do and none in Aerospike: search by meaning.
NO_VECTORS = "not vector and not embed and not non_ascii and not cannot_put_empty_namespace"

# With a stand-in of the official client, or methods of theirs that are no part of LangGraph's interface.
THEIR_OWN = "mocked or has_ttl or resets_on_read or latest_refreshes or refresh_on_read_without_ttl_warns"
# LangGraph's own saver does not pass these either: a graph keeps its checkpoints in the checkpoint_ns "",
# whatever the configuration names, and what a task has written stays when it writes again.
NOT_LANGGRAPHS = "custom_properties or graph_smoke or weather_graph or retry_overwrites"

FEAST = {  # files, by the name under which its tests ask for an online store
    "redis": ["universal_online", "push_features_to_online_store", "universal_e2e"],
    "sqlite": ["universal_online_types"],
    "mongodb": ["push_features_to_online_store"],
}
STAND_IN = """class Missing:
    def __init__(self, *arguments, **options): pass
    def __getattr__(self, name): raise RuntimeError("there are no containers here")
def __getattr__(name):
    if name.startswith("__"): raise AttributeError(name)
    return Missing
"""
ABSENT = (
    *("keycloak", "google/cloud", "testcontainers/__init__", "testcontainers/core/__init__"),
    *(f"testcontainers/{each}" for each in ("keycloak", "minio", "mysql", "postgres")),
    *(f"testcontainers/core/{each}" for each in ("container", "generic", "network", "waiting_utils")),
)


class Run(NamedTuple):
    """How tests are run.

    Attributes:
        command: what runs them.
        folder: where it is run.
        path: what modules are looked for in first.

    """

    command: list[str]
    folder: Path
    path: Path | None = None


def by_langgraph(sdist: Path) -> Run:
    shutil.copy(JUDGED / "langgraph_memory.py", sdist / "tests/conftest.py")
    return Run([*PYTEST, "-k", NO_VECTORS, "tests/test_store.py"], sdist)


def by_the_store_of_others(sdist: Path) -> Run:
    shutil.copy(JUDGED / "langgraph_aerospike.py", sdist / "tests/conftest.py")
    return Run(
        [*PYTEST, "tests", "--ignore=tests/test_indexing.py"], sdist
    )  # which asks for their own indexes


def by_the_saver_of_others(sdist: Path) -> Run:
    shutil.copy(JUDGED / "langgraph_aerospike.py", sdist / "tests/conftest.py")
    others = ["--ignore=tests/test_conformance.py"]  # which tests/contrib/test_langgraph_saver.py has
    return Run([*PYTEST, "tests", *others, "-k", f"not ({THEIR_OWN} or {NOT_LANGGRAPHS})"], sdist)


def by_langchain(sdist: Path) -> Run:
    shutil.copy(JUDGED / "langchain_suites.py", sdist / "test_aerospike.py")
    return Run([*PYTEST, "test_aerospike.py"], sdist)


def by_feast(folder: Path) -> Run:
    stand_ins = folder.parent / "needs"
    shutil.copy(JUDGED / "feast_stores.py", folder)
    for name in ABSENT:
        (stand_ins / name).parent.mkdir(parents=True, exist_ok=True)
        (stand_ins / f"{name}.py").write_text("" if name.endswith("__init__") else STAND_IN)
    return Run([sys.executable, str(Path(__file__).resolve())], folder, stand_ins)


def run_feast() -> int:
    """Run Feast's tests in the folder that this is run in, for each name of an online store."""
    codes = []
    for name, files in FEAST.items():
        environment = {
            **os.environ,
            "FEAST_IS_LOCAL_TEST": "True",
            "FEAST_USAGE": "False",
            "FULL_REPO_CONFIGS_MODULE": "feast_stores",
            "IS_TEST": "True",
            "JUDGED_AS": name,
            "PYTHONPATH": os.pathsep.join([".", os.environ["PYTHONPATH"]]),
        }
        paths = [f"tests/integration/online_store/test_{each}.py" for each in files]
        skipped = ["-k", "not dynamo"]  # which start a container
        done = subprocess.run([*PYTEST, "--integration", "-n", "0", *skipped, *paths], env=environment)
        codes.append(done.returncode)
    return max(codes)


JUDGES: dict[str, Callable[[Path], Run]] = {
    "langgraph-checkpoint": by_langgraph,
    "langgraph-checkpoint-aerospike": by_the_saver_of_others,
    "langgraph-store-aerospike": by_the_store_of_others,
    "langchain-tests": by_langchain,
    "feast": by_feast,
}

if __name__ == "__main__":
    sys.exit(run_feast())
