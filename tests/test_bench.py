"""bench/compare.py runs, measures every case with every client, and says what it could not measure."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import pytest

pytest.importorskip("rich", reason="bench/compare.py prints with rich: pyspike-aerospike[bench]")

BENCH = Path(__file__).parent.parent / "bench"
TIMEOUT = 300

pytestmark = pytest.mark.timeout(TIMEOUT + 20)

if not BENCH.is_dir():
    pytest.skip("the benchmarks are not in this tree", allow_module_level=True)
sys.path.insert(0, str(BENCH))

from rich.console import Console  # noqa: E402

from comparison import awake, bars, cases, clients, figures, floor, markdown, report, runner, samples  # noqa: E402
from support.all_of import all_of  # noqa: E402
from support.cluster_tools import wait_until  # noqa: E402


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


class Smoke(NamedTuple):
    """A smoke run: the folder of its results, what it printed, and the figures."""

    out: Path
    printed: str
    document: Any


@pytest.fixture
def smoke(tmp_path: Path) -> Smoke:
    done = compare("--smoke", "--out", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    document = json.loads((tmp_path / "compare.json").read_text(encoding="utf-8"))
    return Smoke(tmp_path, done.stdout, document)


def every_case_has_an_entry_for_every_client(smoke: Smoke) -> None:
    entries = {(figure["case"], figure["client"]) for figure in smoke.document["figures"]}
    wanted = {(case, client) for case in cases.CASES for client in clients.PEERS}
    floors = {(name, floor.FLOOR) for name, case in cases.CASES.items() if case.floored}
    assert entries == wanted | floors


def what_is_installed_is_measured_and_the_rest_says_why_not(smoke: Smoke) -> None:
    for figure in smoke.document["figures"]:
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


def pyspike_is_measured_in_every_case_it_can_be(smoke: Smoke) -> None:
    absent = {
        each["case"]
        for each in smoke.document["figures"]
        if each["client"] == "pyspike" and each["status"] != "ok"
    }
    tasks = {case for case in cases.CASES if case.startswith("async-")}
    allowed = {case for case in tasks if case.endswith("-uvloop") and not find_spec("uvloop")}
    allowed |= {"scan-arrow", "scan-frame", "write-arrow"} if not find_spec("pyarrow") else set()
    allowed |= {"scan-frame"} if not find_spec("pandas") else set()
    assert absent == allowed


def the_machine_and_all_versions_are_recorded(smoke: Smoke) -> None:
    machine = smoke.document["machine"]
    assert machine["processor"]
    assert machine["cores"] >= 1
    assert machine["server"]["nodes"] == 1
    assert set(machine["clients"]) == set(clients.PEERS)
    assert machine["clients"]["pyspike"]


def the_table_is_printed_and_written(smoke: Smoke) -> None:
    assert smoke.printed == (smoke.out / "compare.txt").read_text(encoding="utf-8")
    for client in clients.PEERS:
        assert client in smoke.printed
    assert cases.CASES["get"].title in smoke.printed
    assert "these are no figures" in smoke.printed


def the_charts_are_drawn(smoke: Smoke) -> None:
    if not find_spec("matplotlib"):  # it has no wheel for every Python
        return
    for name in ("compare", *(["columns"] if find_spec("pyarrow") else [])):
        assert (smoke.out / f"{name}.svg").read_text(encoding="utf-8").startswith("<?xml")
        assert (smoke.out / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def columns_are_measured_beside_what_the_official_client_has_instead(smoke: Smoke) -> None:
    if not find_spec("pyarrow") or not find_spec("pandas") or not clients.installed(clients.OFFICIAL):
        return
    measured = {
        (each["case"], each["client"])
        for each in smoke.document["figures"]
        if each["status"] == samples.OK and cases.CASES[each["case"]].group == cases.Group.COLUMNS
    }
    names = ("scan-arrow", "scan-frame", "write-arrow")
    assert measured == {(name, client) for name in names for client in (clients.OURS, clients.OFFICIAL)}


def figures_of_batches_are_of_a_record(smoke: Smoke) -> None:
    for figure in smoke.document["figures"]:
        case = cases.CASES[figure["case"]]
        if case.batch:
            # A smoke run has 20 records, which one batch is enough for; of tasks, each has its own.
            records = case.batch * max(1, case.tasks)
            counts = {each["count"] for each in figure["rounds"] if each["status"] == samples.OK}
            assert counts <= {records}, (case.name, figure["client"])


def the_main_figures_are_written_as_markdown(smoke: Smoke) -> None:
    text = (smoke.out / "compare.md").read_text(encoding="utf-8")
    assert text.startswith("| CPU a command, us | pyspike | x aerospike | ")
    assert f"| {cases.CASES['operate-document'].title} | " in text
    taken = [measured("get", cpu_to={"aerospike": 0.523}, ops_to={"aerospike": 1.9})]
    taken.append(figures.Figure("get", "aerospike", samples.OK, ops_s=500.0, cpu_us=40.0))
    assert markdown.markdown(taken, ["a machine", "a server"]) == (
        "| CPU a command, us | pyspike | x aerospike |\n| --- | ---: | ---: |\n"
        "| get, 3 small bins | 20.0 | 0.52 |\n\n"
        "| operations a second | pyspike | x aerospike |\n| --- | ---: | ---: |\n"
        "| get, 3 small bins | 1,000 | 1.90 |\n\n"
        "a machine  \na server\n"
    )


@all_of(
    "check",
    [
        every_case_has_an_entry_for_every_client,
        what_is_installed_is_measured_and_the_rest_says_why_not,
        pyspike_is_measured_in_every_case_it_can_be,
        the_machine_and_all_versions_are_recorded,
        the_table_is_printed_and_written,
        the_charts_are_drawn,
        columns_are_measured_beside_what_the_official_client_has_instead,
        figures_of_batches_are_of_a_record,
        the_main_figures_are_written_as_markdown,
    ],
    ids=lambda check: check.__name__,
)
def test_a_smoke_run(smoke: Smoke, check: Callable[[Smoke], None]) -> None:
    check(smoke)


@pytest.mark.skipif(not awake.possible(), reason="only Linux has the idle class")
def test_cores_are_kept_awake_by_what_gives_way_to_everything_else() -> None:
    def spinners() -> list[int]:
        children = Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="ascii").split()
        return [int(pid) for pid in children if os.sched_getscheduler(int(pid)) == os.SCHED_IDLE]

    with awake.awake(True):
        wait_until(lambda: len(spinners()) == len(os.sched_getaffinity(0)), "a spinner on each core")
    assert spinners() == []
    with awake.awake(False):
        assert spinners() == []


def test_an_unknown_case_is_refused_with_the_names_there_are() -> None:
    done = compare("--cases", "git")
    assert done.returncode == 2
    assert "no case 'git'; there are get, " in done.stderr


def test_cases_can_be_named_by_their_beginning() -> None:
    assert [case.name for case in cases.select(["threads-1", "put"])] == ["put", "threads-1"]
    assert len(cases.select(["async-get-"])) == 8


def test_a_batch_has_no_key_twice_and_all_keys_have_as_many_turns() -> None:
    batches = cases.batches_of(list(range(6)), 4)
    assert batches == [[0, 1, 2, 3], [4, 5, 0, 1], [2, 3, 4, 5]]
    assert [cases.calls_of(records, 200) for records in (0, 1, 200, 201)] == [0, 1, 1, 2]


def test_the_floor_reads_all_frames_of_the_answer_to_a_batch(tmp_path: Path) -> None:
    from pyspike import Client, Key
    from pyspike.server import EmbeddedCluster

    case = cases.CASES["batch-get"]
    with EmbeddedCluster(nodes=1) as cluster, Client(cluster.hosts) as client:
        keys = [Key(cases.NAMESPACE, case.set_name, number) for number in range(cases.RECORDS)]
        client.batch_put([(key, {"blob": bytes(3_000)}) for key in keys])
        bottom = floor.Floor(tmp_path, cluster.hosts, nodes=1)
        if bottom.problem:
            pytest.skip(bottom.problem)
        sample = bottom.run(case, 3 * cases.BATCH, 1.0, TIMEOUT)
    assert (sample.status, sample.reason, sample.count) == (samples.OK, "", 3 * cases.BATCH)


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


def measured(case: str, **ratios: dict[str, float]) -> figures.Figure:
    return figures.Figure(case, clients.OURS, samples.OK, ops_s=1000.0, cpu_us=20.0, **ratios)


def test_a_bar_is_missed_if_its_figure_is_beyond_it_or_not_there() -> None:
    taken = [
        measured("get", cpu_to={"aerospike": 0.65, floor.FLOOR: 1.31}),
        measured("threads-16", ops_to={"aerospike": 1.29}),
        measured("put"),
    ]
    said = bars.lines(bars.judge(taken, ["pyspike", "aerospike"], real=False))
    assert [" ".join(line.split()) for line in said] == [
        "get: CPU <= 0.65 of aerospike 0.65 ok",
        "put: CPU <= 0.65 of aerospike none missed",
        "get: CPU <= 1.30 of C floor 1.31 missed",
        "threads-16: ops/s >= 1.30 of aerospike 1.29 missed",
    ]


def test_only_the_bars_of_the_clients_cases_and_server_of_a_run_are_asked_of_it() -> None:
    taken = [measured("async-get-64", cpu_to={"aerospike-native": 0.3}, ops_to={"aerospike-native": 2.4})]
    assert [each.ok for each in bars.judge(taken, ["aerospike-native"], real=False)] == [True]
    assert [each.ok for each in bars.judge(taken, ["aerospike-native"], real=True)] == [True, False]
    assert bars.judge(taken, ["aerospike"], real=True) == []


def test_every_bar_is_about_a_case_and_a_client_there_is() -> None:
    assert {bar.case for bar in bars.BARS} <= cases.CASES.keys()
    assert {bar.other for bar in bars.BARS} <= {*clients.PEERS, floor.FLOOR}


@pytest.mark.skipif(not find_spec("aerospike"), reason="compares with the official client")
def test_a_check_prints_each_bar_and_tells_by_its_exit_code(tmp_path: Path) -> None:
    given = ["--check", "--cases", "digest", "--clients", "pyspike", "aerospike", "--n", "20000"]
    done = compare(*given, "--rounds", "1", "--no-chart", "--out", str(tmp_path))
    last = done.stdout.splitlines()[-1]
    assert last.startswith("digest: CPU <= 1.00 of aerospike ")
    assert done.returncode == (0 if last.endswith(" ok") else 1), done.stdout + done.stderr


def test_a_check_without_a_bar_to_check_does_not_pass(tmp_path: Path) -> None:
    given = ["--cases", "operate", "--clients", "pyspike", "--n", "10", "--rounds", "1", "--no-chart"]
    done = compare("--check", *given, "--out", str(tmp_path))
    assert done.returncode == 1
    assert done.stdout.endswith("no bar is about these cases and clients\n")


def test_a_smoke_run_can_not_be_checked() -> None:
    done = compare("--smoke", "--check")
    assert done.returncode == 2
    assert "--check needs figures" in done.stderr


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
