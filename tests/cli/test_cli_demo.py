"""demo: what it promises on the README's first page."""

from __future__ import annotations

import fcntl
import io
import re
from array import array
from collections.abc import Iterator
from typing import Any

import pytest
from rich.console import Console

from pyspike import Client, Key, Record
from pyspike.cli import main
from pyspike.cli.dataset import same, user
from pyspike.cli.demo import demo
from pyspike.cli.report import Report, quantile
from pyspike.cli.workload import Phase, Worker


@pytest.fixture
def turn(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """On a real cluster demos of this run's processes take turns, as all use one set."""
    if request.config.getoption("--hosts") is None:
        yield
        return
    with open(tmp_path_factory.getbasetemp().parent / "demo.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.mark.embedded_only
def test_the_demo_loses_nothing_while_a_node_is_down(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--records", "500", "--seconds", "1.5", "--threads", "4"]) == 0
    out = capsys.readouterr().out
    assert "node A2 was killed" in out
    assert "node A2 came back" in out
    assert re.search(r"load batch_put, by 50 +500 ", out)
    assert "nothing acknowledged was lost: " in out
    assert "\x1b" not in out
    assert max(map(len, out.splitlines()[:-1])) < 110


ROW = re.compile(r"(?P<operation>\S.*?) +(?P<numbers>[\d,]+( +(-|[\d,.]+)){6})")
HEADERS = ["operation", "done", "per s", "p50 ms", "p99 ms", "max ms", "errors", "retries"]


@pytest.mark.usefixtures("turn")
def test_the_demo_shows_a_table_of_all_it_did(hosts: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--hosts", hosts, "--records", "50", "--seconds", "1", "--threads", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    (header,) = (number for number, line in enumerate(lines) if line.startswith("operation"))
    assert re.split(r" {2,}", lines[header].strip()) == HEADERS
    rows = [row for line in lines[header:] if (row := ROW.fullmatch(line.strip()))]
    assert [row["operation"] for row in rows] == [
        "load batch_put, by 50",
        "read batch_get, by 50",
        "asyncio get, 64 tasks",
        "update operate",
        "verify get",
    ]
    for row in rows:
        done, rate, *latencies, _errors, _retries = row["numbers"].replace(",", "").split()
        assert int(done) >= 10
        assert float(rate) > 0
        assert 0 < float(latencies[0]) <= float(latencies[1]) <= float(latencies[2])
    assert [int(row["numbers"].split()[0]) for row in rows if row["operation"] != "update operate"] == [
        50,
        50,
        10,
        50,
    ]


def test_a_phase_has_a_bar_on_a_terminal() -> None:
    screen = io.StringIO()
    report = Report(Console(file=screen, force_terminal=True, width=80))

    def run(worker: Worker) -> None:
        for _ in range(5):
            worker.call(lambda: None, repeatable=True)

    phase = Phase("load", 2, run)
    with report.bar(phase, records=20, seconds=None) as bar:
        phase.run(bar.show)
    last = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", screen.getvalue().rsplit("\r", 1)[-1])
    assert re.match(r"load +━+╺?━+ +10 +[\d,]+/s +0:00:0\d", last)
    assert "\x1b[" in screen.getvalue()


def test_the_demo_loads_100_000_users_and_updates_from_8_threads_if_nothing_else_is_said() -> None:
    options = demo.make_context("demo", []).params
    assert (options["records"], options["threads"], options["hosts"]) == (100_000, 8, None)


@pytest.mark.usefixtures("turn")
def test_the_demo_runs_on_other_clusters_and_cleans_up(
    hosts: str, client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", "--hosts", hosts, "--records", "100", "--seconds", "1"]) == 0
    out = capsys.readouterr().out
    assert "killed" not in out
    assert "nothing acknowledged was lost: " in out
    assert not any(client.exists(("test", "pyspike-demo", number)) for number in range(100))


@pytest.mark.usefixtures("turn")
def test_the_demo_tells_what_was_lost(
    hosts: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # A client that says yes and adds nothing to one of the records.
    def forgetful(self: Client, key: Key, *args: Any) -> Record:
        return self.get(key) if key.user_key == 7 else operate(self, key, *args)

    operate = Client.operate
    monkeypatch.setattr(Client, "operate", forgetful)
    assert main(["demo", "--hosts", hosts, "--records", "20", "--seconds", "1"]) == 1
    out = capsys.readouterr().out
    assert re.search(r"user 7: \d+ additions acknowledged, 0 found", out)
    assert "FAILED, problems: 1 " in out


def test_users_are_made_of_their_seed_and_number() -> None:
    assert same(user(1, 5), user(1, 5))
    assert user(1, 5) != user(1, 6)
    assert user(1, 5) != user(2, 5)


def test_same_tells_types_apart() -> None:
    assert not same(1, True)
    assert not same([1.0], [1])
    assert not same({"a": b"x"}, {"a": "x"})


@pytest.mark.parametrize(("share", "value"), [(0.5, 50.0), (0.99, 99.0), (1.0, 100.0)])
def test_a_quantile_is_the_least_value_that_so_many_do_not_exceed(share: float, value: float) -> None:
    assert quantile(array("d", range(1, 101)), share) == value
