"""The examples in docstrings that the reference shows run as they stand, on a cluster with what they name."""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from textwrap import dedent
from typing import Annotated, Any

import pytest

import pyspike
from pyspike import AsyncClient, Client, codecs, exp, filters, operations
from pyspike.server import EmbeddedCluster

SOURCE = Path(pyspike.__file__).parent
PARTS = (  # of which the reference shows every docstring; what only parts of the package see is not in them
    *("administration.py", "aio.py", "background_jobs.py", "client.py", "codecs.py", "column_writes.py"),
    *("async_column_writes.py", "async_queries.py", "exp", "filters.py", "queries.py", "records/fields.py"),
    *("transactions.py", "updates.py", "user_administration.py", "compat/__init__.py", "compat/switches.py"),
)
NOT_RUN = {  # by what it begins with
    "Client.from_url": "names hosts that are nowhere",
    "python -m": "is for a shell",
    "import pyspike.compat\n": "changes what all programs of this process import",
    "client.create_user": "needs users; tests/integration has them",
    "client.create_role": "needs users; tests/integration has them",
}
NEEDS = {"to_polars": "polars", "to_pyarrow": "pyarrow", "aggregate": "lupa", "table": "pyarrow"}
BLOCK = re.compile(r"(?:^|\n)\n((?:    +\S.*\n|\n)+)")
SECTION = re.compile(r"^[A-Z][\w ()]*:\s*\n(?:    +.*\n|\n)*", re.MULTILINE)


def blocks() -> Iterator[tuple[str, str]]:
    """The examples: indented below an empty line, outside the sections about arguments and the like."""
    for part in PARTS:
        for path in [SOURCE / part] if part.endswith(".py") else sorted((SOURCE / part).rglob("*.py")):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            for node in ast.walk(tree):
                if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
                    text = SECTION.sub("", (ast.get_docstring(node) or "") + "\n")
                    where = f"{path.relative_to(SOURCE).as_posix()}:{getattr(node, 'name', '')}"
                    for match in BLOCK.finditer(text):
                        yield where, dedent(match[1]).strip() + "\n"


BLOCKS = [each for each in blocks() if not each[1].startswith(tuple(NOT_RUN))]


def test_the_examples_are_found() -> None:
    found = [source for _, source in blocks()]
    assert len(BLOCKS) > 20
    for begin in NOT_RUN:
        assert any(source.startswith(begin) for source in found), begin


@pytest.fixture(scope="module")
def cluster() -> Iterator[EmbeddedCluster]:
    with EmbeddedCluster(strong_consistency=True) as cluster:
        yield cluster


@pytest.mark.one_kind("the docstrings say which client they use")
@pytest.mark.parametrize(("where", "source"), BLOCKS, ids=[where for where, _ in BLOCKS])
def test_an_example_runs(where: str, source: str, cluster: EmbeddedCluster) -> None:
    for word, package in NEEDS.items():
        if word in source:
            pytest.importorskip(package)
    source = source.replace('"127.0.0.1:3000"', repr(cluster.hosts))
    code = compile(source, where, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    with Client(cluster.hosts) as client:
        names = prepared(client, source)
        if "async" not in where and "await" not in source:
            exec(code, names)
        else:
            asyncio.run(with_tasks(code, names, cluster.hosts))


async def with_tasks(code: Any, names: dict[str, Any], hosts: str) -> None:
    async with AsyncClient(hosts) as client:
        made = eval(code, names | {"client": client})
        if inspect.isawaitable(made):
            await made


def prepared(client: Client, source: str) -> dict[str, Any]:
    """The names that examples use, and the records that they are about."""
    keys = [pyspike.Key("test", "users", name) for name in ("ann", "bob")]
    for key in keys:
        client.put(key, {"name": "A", "age": 20, "country": "UK", "balance": 100, "visits": 1})
    if "filters." in source:
        client.create_index("test", "users", "ages", bin="age", type=pyspike.IndexType.NUMERIC).wait()
    names = {name: getattr(pyspike, name) for name in pyspike.__all__}
    names.update(client=client, keys=keys, key=keys[0], ann=keys[0], bob=keys[1], balance=100)
    names.update(codecs=codecs, exp=exp, filters=filters, operations=operations, pyspike=pyspike)
    names.update(dataclass=dataclass, date=date, Annotated=Annotated, Color=pyspike.IndexType)
    if "table" in source:
        names["table"] = pytest.importorskip("pyarrow").table({"id": [1, 2], "name": ["a", "b"]})
    return names
