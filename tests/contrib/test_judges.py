"""The frameworks' own tests of their caches and stores: `PYSPIKE_JUDGES=1 pytest -m judges` runs them.

A test a framework, which has it judge as `judges.py` does.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import judges
import pytest

Note = Callable[[str, object], None]

CASES = """
import unittest
class Tests(unittest.TestCase):
    def test_a_promise(self): pass
    def test_another(self): self.assertEqual("kept", {said!r})
unittest.main()
"""


@pytest.mark.judges
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", judges.JUDGES)
def test_it_keeps_what_a_framework_asks_of_others(
    name: str, hosts: str, tmp_path: Path, record_property: Note
) -> None:
    if reason := judges.lacking(name):
        pytest.skip(reason)
    verdict = judges.judge(name, hosts, tmp_path)
    record_property(judges.JUDGE, verdict.says)
    assert verdict.good, verdict.output


@pytest.mark.parametrize(("said", "good"), [("kept", True), ("broken", False)])
def test_a_judge_fails_with_what_its_tests_print(said: str, good: bool, tmp_path: Path) -> None:
    run = judges.Run([sys.executable, "-c", CASES.format(said=said)], tmp_path)
    verdict = judges.verdict_of("a framework", run)
    assert verdict.good is good
    assert verdict.says.startswith("a framework says: Ran 2 tests in ")
    assert ("'kept' != 'broken'" in verdict.output) is not good


def test_what_a_test_run_told_of_itself_is_no_argument_of_a_judges(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", "-k nothing")
    monkeypatch.setenv("PYTHONPATH", "ours")
    code = "import os; print(os.environ.get('PYTEST_ADDOPTS'), os.environ['PYTHONPATH'])"
    verdict = judges.verdict_of(
        "a framework", judges.Run([sys.executable, "-c", code], tmp_path, Path("theirs"))
    )
    assert verdict.output.split() == ["None", "theirs:ours"]


def test_what_a_judge_lacks_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judges, "CHECKOUTS", {"pytest": "theirs"})
    monkeypatch.setenv(judges.VARIABLE, "")
    assert judges.lacking("no-such-package") == "no-such-package is not installed"
    assert judges.lacking("pytest-timeout") is None
    assert (
        judges.lacking("pytest")
        == "pytest has its tests in no package, and PYSPIKE_CHECKOUTS names no checkouts"
    )
    monkeypatch.setenv(judges.VARIABLE, str(tmp_path))
    assert (
        judges.lacking("pytest") == f"pytest has its tests in no package, and there is no {tmp_path}/theirs"
    )
    (tmp_path / "theirs").mkdir()
    assert judges.lacking("pytest") is None
