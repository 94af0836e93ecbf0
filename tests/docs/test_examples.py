"""The programs in `examples` run by themselves, on a cluster of their own or a given one."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import pyspike

EXAMPLES = Path(__file__).parents[2] / "examples"
SAY = {  # what each prints, as a pattern, and what it needs
    "leaderboard": (r"player-7 has \d{5} points and is number 1\n1\. player-7: \d{5}\n2\. .*", ()),
    "rate_limiter": (r"10 of 25 calls were let through\n", ()),
    "geo_search": (r"[1-9]\d* shops for tea within 1000 m\n +\d+ m  tea no\. .*", ()),
    "etl": (r"5000 rows written, 0 failed\nuser-1: 35400\nuser-0: 35385\nuser-6: 35371\n", ("rich",)),
    "celery_task": (r"charged: \[True, False, False\] left: 70\n", ("celery",)),
    "session_store": (
        r"401\n1 2\n\{'user': 'ann', 'cart': \['tea', 'cup'\]\}\n401\n",
        ("fastapi", "httpx"),
    ),
}
PATIENCE = 60.0  # seconds until a program hangs

pytestmark = [pytest.mark.one_kind("each says which client it uses")]


@pytest.mark.parametrize("name", SAY)
def test_an_example_runs_and_says_what_it_should(name: str, hosts: str) -> None:
    said, needs = SAY[name]
    for package in needs:
        pytest.importorskip(package)
    own = name == "leaderboard"  # the others are as well without a cluster of their own, which takes time
    ended = subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", f"{name}.py"],
        cwd=EXAMPLES,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        env=environment("" if own else hosts),
    )
    assert ended.returncode == 0, ended.stderr
    assert re.fullmatch(said, ended.stdout, re.DOTALL), ended.stdout


def environment(hosts: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(pyspike.__file__).parents[1]), "PYSPIKE_HOSTS": hosts}


def test_the_notebook_runs_to_its_end(hosts: str, monkeypatch: pytest.MonkeyPatch) -> None:
    client, _, _ = (pytest.importorskip(name) for name in ("nbclient", "ipykernel", "pyarrow"))
    nbformat = pytest.importorskip("nbformat")
    for name, value in environment(hosts).items():
        monkeypatch.setenv(name, value)
    notebook = nbformat.read(EXAMPLES / "charts.ipynb", as_version=4)
    client.NotebookClient(
        notebook, resources={"metadata": {"path": str(EXAMPLES)}}, timeout=PATIENCE
    ).execute()
    results = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    assert any("image/png" in output.get("data", ()) for output in results)
    assert results[-1]["data"]["text/plain"] == "True"


@pytest.mark.one_kind("reads")
def test_no_example_is_left_out_and_the_notebook_has_no_outputs() -> None:
    programs = {path.stem for path in EXAMPLES.glob("*.py")} - {"place"}
    assert programs == set(SAY)
    page = (EXAMPLES.parent / "docs" / "examples.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| \[`(\w+)\.py`", page, re.MULTILINE)) == programs
    assert set(re.findall(r"^```{literalinclude} .*/(\w+)\.py$", page, re.MULTILINE)) == {*programs, "place"}
    cells = json.loads((EXAMPLES / "charts.ipynb").read_text(encoding="utf-8"))["cells"]
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in cells)
