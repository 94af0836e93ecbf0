"""bench/compare.py runs, measures every case with every client, and says what it could not measure."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("rich", reason="bench/compare.py prints with rich: pyspike[bench]")

BENCH = Path(__file__).parent.parent / "bench"
TIMEOUT = 110

if not BENCH.is_dir():
    pytest.skip("the benchmarks are not in this tree", allow_module_level=True)
sys.path.insert(0, str(BENCH))

from rich.console import Console  # noqa: E402

from comparison import cases, clients, figures, floor, report, runner, samples  # noqa: E402


def compare(*arguments: str) -> subprocess.CompletedProcess[str]:
    import pyspike

    source = str(Path(pyspike.__file__).parents[1])
    path = os.pathsep.join(filter(None, [source, os.environ.get("PYTHONPATH")]))
    return subprocess.run(
        [sys.executable, str(BENCH / "compare.py"), *arguments],
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        env={**os.environ, "PYTHONPATH": path},
    )


@pytest.fixture(scope="module")
def smoke(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    out = tmp_path_factory.mktemp("bench")
    done = compare("--smoke", "--out", str(out))
    assert done.returncode == 0, done.stdout + done.stderr
    return out, done.stdout


@pytest.fixture(scope="module")
def document(smoke: tuple[Path, str]) -> Any:
    return json.loads((smoke[0] / "compare.json").read_text(encoding="utf-8"))


def test_every_case_has_an_entry_for_every_client(document: Any) -> None:
    entries = {(figure["case"], figure["client"]) for figure in document["figures"]}
    wanted = {(case, client) for case in cases.CASES for client in clients.PEERS}
    floors = {(name, floor.FLOOR) for name, case in cases.CASES.items() if case.floored}
    assert entries == wanted | floors


def test_what_is_installed_is_measured_and_the_rest_says_why_not(document: Any) -> None:
    for figure in document["figures"]:
        client = figure["client"]
        if client in clients.PEERS and not clients.installed(client):
            assert figure["status"] == samples.NOT_INSTALLED
        elif figure["status"] == samples.OK:
            assert figure["cpu_us"] > 0
            assert figure["ops_s"] > 0
        else:
            peer = client not in (clients.OURS, floor.FLOOR)
            assert figure["status"] == samples.UNSUPPORTED or (peer and figure["status"] == samples.FAILED)
            assert figure["reason"]


def test_pyspike_is_measured_in_every_case_it_can_be(document: Any) -> None:
    import pyspike

    absent = {
        each["case"] for each in document["figures"] if each["client"] == "pyspike" and each["status"] != "ok"
    }
    tasks = {case for case in cases.CASES if case.startswith("async-")}
    allowed = {case for case in tasks if case.endswith("-uvloop") and not find_spec("uvloop")}
    if not hasattr(pyspike, "AsyncClient"):
        allowed = tasks
    assert absent == allowed


def test_the_machine_and_all_versions_are_recorded(document: Any) -> None:
    machine = document["machine"]
    assert machine["processor"]
    assert machine["cores"] >= 1
    assert machine["server"]["nodes"] == 1
    assert set(machine["clients"]) == set(clients.PEERS)
    assert machine["clients"]["pyspike"]


def test_the_table_is_printed_and_written(smoke: tuple[Path, str]) -> None:
    out, printed = smoke
    assert printed == (out / "compare.txt").read_text(encoding="utf-8")
    for client in clients.PEERS:
        assert client in printed
    assert cases.CASES["get"].title in printed
    assert "these are no figures" in printed


@pytest.mark.skipif(not find_spec("matplotlib"), reason="matplotlib is not installed")
def test_the_chart_is_drawn(smoke: tuple[Path, str]) -> None:
    assert (smoke[0] / "compare.svg").read_text(encoding="utf-8").startswith("<?xml")
    assert (smoke[0] / "compare.png").read_bytes().startswith(b"\x89PNG")


def test_an_unknown_case_is_refused_with_the_names_there_are() -> None:
    done = compare("--cases", "git")
    assert done.returncode == 2
    assert "no case 'git'; there are get, " in done.stderr


def test_cases_can_be_named_by_their_beginning() -> None:
    assert [case.name for case in cases.select(["threads-1", "put"])] == ["put", "threads-1"]
    assert len(cases.select(["async-get-"])) == 8


def test_ratios_are_taken_within_a_round() -> None:
    case = cases.CASES["put"]
    ours = [samples.Sample(count=1, wall=1.0, cpu=cpu) for cpu in (1.0, 10.0, 4.0)]
    theirs = [samples.Sample(count=1, wall=2.0, cpu=cpu) for cpu in (2.0, 20.0, 5.0)]
    bottom = [samples.Sample(samples.UNSUPPORTED, "no C compiler")] * 3
    results = {("put", "pyspike"): ours, ("put", "aerospike"): theirs, ("put", floor.FLOOR): bottom}
    pyspike, aerospike, nothing = figures.figures([case], ["pyspike", "aerospike"], results)
    assert pyspike.cpu_to == {"aerospike": 0.5}
    assert pyspike.ops_to == {"aerospike": 2.0}
    assert aerospike.cpu_to == {"pyspike": 2.0}
    assert (nothing.status, nothing.reason, nothing.cpu_us) == (samples.UNSUPPORTED, "no C compiler", None)


def test_a_round_that_failed_is_left_out_and_said() -> None:
    case = cases.CASES["digest"]
    rounds = [samples.Sample(count=1, wall=1.0, cpu=2.0), samples.Sample(samples.FAILED, "too late")]
    others = [samples.Sample(count=1, wall=1.0, cpu=cpu) for cpu in (8.0, 1.0)]
    results = {("digest", "aerospike-py"): rounds, ("digest", "aerospike"): others}
    (figure,) = figures.figures([case], ["aerospike-py"], results)
    assert (figure.status, figure.cpu_us, figure.cpu_to) == (samples.OK, 2e6, {"aerospike": 0.25})
    assert figure.reason == "1 of 2 rounds failed: too late"


def test_a_client_that_is_not_installed_is_shown_as_such(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(runner, "installed", lambda name: False)
    plan = runner.Plan([cases.CASES["get"]], ["aerospike-py"], 2, 1, 1.0, tmp_path, together=False)
    bottom = floor.Floor(tmp_path, "127.0.0.1:1", nodes=2)
    taken = figures.figures(plan.cases, plan.clients, runner.run(plan, "127.0.0.1:1", bottom, str))
    report.show(Console(width=report.WIDTH), taken, ["a machine"])
    printed = capsys.readouterr().out
    assert "aerospike-py: not installed" in printed
    assert "C floor: one connection, 2 nodes" in printed


def test_a_client_that_fails_is_shown_with_its_reason(tmp_path: Path) -> None:
    plan = runner.Plan([cases.CASES["get"]], ["pyspike"], 1, 1, 1.0, tmp_path, together=False)
    bottom = floor.Floor(tmp_path, "127.0.0.1:1", nodes=2)
    (figure, _) = figures.figures(plan.cases, plan.clients, runner.run(plan, "127.0.0.1:1", bottom, str))
    assert figure.status == samples.FAILED
    assert figure.reason.startswith("ConnectFailed")
