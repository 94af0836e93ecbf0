"""What .ci/nightly tells of its parts: a part that did not run, or skipped a test, is told as such."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

CI = Path(__file__).parents[2] / ".ci"
REPORT = CI / "report.py"

pytestmark = pytest.mark.skipif(not REPORT.exists(), reason="the checkout's scripts are not there")

JUNIT = """<testsuites><testsuite name="pytest">
<testcase name="one">
<properties><property name="judge" value="django 5.2 says: Ran 3 tests"/></properties>
</testcase>
<testcase name="two"/>
<testcase name="three"><failure message="no"/></testcase>
<testcase name="four"><skipped message="ray is not installed"/></testcase>
<testcase name="five"><skipped message="needs faults that only the embedded cluster offers"/></testcase>
</testsuite></testsuites>
"""


def report(*arguments: object) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, str(REPORT), *map(str, arguments)], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_a_skipped_test_fails_a_part_but_not_one_that_a_real_cluster_is_not_asked(tmp_path: Path) -> None:
    path = tmp_path / "judges.xml"
    path.write_text(JUNIT)
    assert report("skipped", path) == (1, "skipped: four: ray is not installed\n")
    path.write_text(JUNIT.replace('<skipped message="ray is not installed"/>', ""))
    assert report("skipped", path)[0] == 0


def test_the_table_has_a_row_for_each_part_with_counts_time_and_versions(tmp_path: Path) -> None:
    (tmp_path / "judges.xml").write_text(JUNIT)
    (tmp_path / "judges-embedded.xml").write_text('<testsuite><testcase name="five"/></testsuite>')
    (tmp_path / "judges.versions").write_text("Django==5.2\ndogpile.cache==1.4\npytest==9.0\n")
    (tmp_path / "outside.said").write_text("feast, official: 64 passed\nfeast, compat: 64 passed\n")
    (tmp_path / "outcomes.txt").write_text(
        "judges\tjudges\tfailed\noutside\toutside\tpassed\nfuzz\tcolumns\tlacking\n"
    )
    (tmp_path / "parts.txt").write_text(
        "wheel                  50 s, CPU 0m1s 0m0s\njudges                120 s, CPU 1m0s 0m1s\n"
        "outside                 9 s, CPU 0m1s 0m0s\n"
    )
    code, told = report("table", tmp_path)
    assert code == 0
    assert told.splitlines() == [
        "judges      failed      120 s  3 passed, 1 failed, 1 skipped",
        "            django 5.2 says: Ran 3 tests",
        "            with django 5.2, dogpile-cache 1.4",
        "outside     passed        9 s",
        "            feast, official: 64 passed",
        "            feast, compat: 64 passed",
        "fuzz        lacking       - s  no test was run",
    ]


def test_a_part_that_there_is_not_is_refused() -> None:
    done = subprocess.run(
        ["bash", str(CI / "nightly"), "engine"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("FAILED: there is no part engine, but engines judges outside bulk ")


@pytest.mark.parametrize("name", ["run", "nightly", "common.sh"])
def test_the_scripts_are_bash(name: str) -> None:
    subprocess.run(["bash", "-n", str(CI / name)], check=True, timeout=60)
