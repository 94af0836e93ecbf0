"""bench: a load on the cluster of this run, and what is told of it."""

from __future__ import annotations

import io
import itertools
import json
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from pyspike import Client, Key, ResultCode
from pyspike.cli import main
from pyspike.cli.bench import command
from pyspike.cli.bench.progress import Progress
from pyspike.server import EmbeddedCluster
from support.interrupts import press
from support.shell import Shell

KEYS = 30
_first_keys = itertools.count(1_000_000, 1000)


@pytest.fixture
def shell(hosts: str, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(hosts, capsys)


@pytest.fixture
def keys(set_name: str) -> list[Key]:
    """Those of the test's own."""
    first = next(_first_keys)
    return [Key("test", set_name, number) for number in range(first, first + KEYS)]


@pytest.fixture
def words(keys: list[Key]) -> list[str]:
    """The command, on these keys."""
    return ["bench", "--set", str(keys[0].set_name), "-K", str(keys[0].user_key), "-k", str(KEYS)]


def bins(client: Client, keys: list[Key]) -> list[dict[str, Any] | None]:
    return [None if record is None else dict(record.bins) for record in client.batch_get(keys)]


@pytest.mark.parametrize(
    "way", [["--threads", "3"], ["--tasks", "5"], ["--tasks", "5", "--uvloop"]], ids=" ".join
)
def test_insert_writes_each_key_once(
    way: list[str], shell: Shell, words: list[str], client: Client, keys: list[Key]
) -> None:
    if "--uvloop" in way:
        pytest.importorskip("uvloop")
    told = shell.json(*words, *way, "-w", "I", "-o", "I1,S5", "--send-key")
    assert list(told["calls"]) == ["put"]
    assert told["calls"]["put"]["done"] == KEYS
    found = [record for record in client.batch_get(keys) if record is not None]
    assert [record.generation for record in found] == [1] * KEYS
    assert {*found[0].bins} == {"testbin", "testbin_2"}
    assert all(record.bins == found[0].bins for record in found)


def test_part_of_the_keys_can_be_inserted_by_batches_with_values_of_their_own(
    shell: Shell, words: list[str], client: Client, keys: list[Key]
) -> None:
    told = shell.json(*words, "-w", "I,50", "--batch-size", "4", "-R", "-o", "I8")
    put = told["calls"]["batch_put"]
    assert (put["done"], put["records_per_call"]) == (4, 4)  # 15 keys: 4, 4, 4 and 3
    found = bins(client, keys)
    assert [each is None for each in found] == [False] * 15 + [True] * 15
    assert len({repr(each) for each in found[:15]}) == 15


@pytest.mark.parametrize("way", ["--threads", "--tasks"])
@pytest.mark.parametrize("size", [1, 5])
def test_a_mix_reads_updates_and_deletes(
    way: str, size: int, shell: Shell, words: list[str], client: Client, keys: list[Key]
) -> None:
    client.batch_put([(key, {"other": 1}) for key in keys])
    told = shell.json(*words, "-w", "RUD,50,30", way, "2", "--calls", "60", "--batch-size", str(size))
    prefix = "" if size == 1 else "batch_"
    calls = told["calls"]
    assert list(calls) == [f"{prefix}get", f"{prefix}put", f"{prefix}delete", "all"]
    done = [calls[name]["done"] for name in calls]
    assert all(done)
    assert sum(done[:3]) == done[3] == 60
    assert calls[f"{prefix}get"]["missing"] + calls[f"{prefix}delete"]["missing"] > 0
    found = bins(client, keys)
    assert None in found
    assert any("testbin" in (each or {}) for each in found)


@pytest.mark.parametrize("size", [1, 5])
def test_replacing_leaves_no_other_bins(
    size: int, shell: Shell, words: list[str], client: Client, keys: list[Key]
) -> None:
    client.batch_put([(key, {"other": 1}) for key in keys])
    shell.json(
        *words, "-w", "RR,0", "--calls", "40", "-b", "mine", "--ttl", "1000", "--batch-size", str(size)
    )
    changed = [each for each in bins(client, keys) if each != {"other": 1}]
    assert changed
    assert all(list(each or ()) == ["mine"] for each in changed)


def test_deleting_bins_deletes_each_record(
    shell: Shell, words: list[str], client: Client, keys: list[Key]
) -> None:
    shell.json(*words, "-w", "I")
    assert shell.json(*words, "-w", "DB")["calls"]["put"]["done"] == KEYS
    assert bins(client, keys) == [None] * KEYS


def test_the_same_seed_does_the_same_to_the_same_keys(
    shell: Shell, words: list[str], client: Client, keys: list[Key]
) -> None:
    once = ["-w", "RR,0", "-z", "1", "--calls", "10", "-R"]
    written = []
    for seed in ("5", "5", "6"):
        shell.json(*words, *once, "--seed", seed)
        written.append(bins(client, keys))
        client.batch_delete(keys)
    assert written[0] == written[1] != written[2]


def test_the_table_tells_latencies_and_what_the_client_used(shell: Shell, words: list[str]) -> None:
    assert shell(*words, "--calls", "50", "-z", "2", "--percentiles", "50,95") == 0
    lines = shell.out.splitlines()
    assert re.split(r" {2,}", lines[0].strip()) == [
        "call",
        "done",
        "per s",
        "missing",
        "p50 ms",
        "p95 ms",
        "max ms",
    ]
    rows = {line.split()[0]: line.split()[1:] for line in lines[2:5]}
    assert list(rows) == ["get", "put", "all"]
    assert rows["all"][0] == "50"
    assert float(rows["all"][3]) <= float(rows["all"][4]) <= float(rows["all"][5])
    assert re.search(
        r"^client   1 process, 2 threads; CPU [\d.]+ cores, [\d,.]+ us a call$", shell.out, re.MULTILINE
    )
    assert "50 of 50 calls | get: " in shell.error
    assert "\x1b" not in shell.out + shell.error


@pytest.mark.parametrize("size", ["1", "10"])
def test_reads_that_find_no_record_are_told(shell: Shell, words: list[str], size: str) -> None:
    options = ["--calls", "20", "--batch-size", size]
    assert shell(*words, "-w", "RU,100", *options) == 0
    assert "no read has found a record: pyspike bench -w I" in " ".join(shell.error.split())
    told = shell.json(*words, "-w", "RU,100", *options)
    assert "no read has found a record" in shell.error
    assert [calls["missing"] for calls in told["calls"].values()] == [20 * int(size)]
    shell.json(*words, "-w", "I")
    shell.json(*words, "-w", "RU,100", *options)
    assert "no read" not in shell.error


def test_time_ends_it_and_is_told_by_periods(shell: Shell, words: list[str]) -> None:
    told = shell.json(*words, "-t", "0.4", "--period", "0.1", "--warm-up", "0.1", "-w", "RU,100", "-z", "2")
    get = told["calls"]["get"]
    assert get["done"] == get["missing"] > 0
    assert told["seconds"] >= 0.4
    periods = told["periods"]
    assert len(periods) >= 3
    assert sum(period["calls"]["get"]["done"] for period in periods) == get["done"]
    assert sum(period["seconds"] for period in periods) == pytest.approx(told["seconds"])
    assert [period["start"] for period in periods[1:]] == pytest.approx(
        [period["start"] + period["seconds"] for period in periods[:-1]]
    )


@pytest.mark.embedded_only
@pytest.mark.parametrize("way", ["--threads", "--tasks"])
def test_with_a_rate_latency_counts_from_when_a_call_was_due(
    way: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with EmbeddedCluster(nodes=1) as cluster:
        cluster.nodes[0].delay(0.02)
        command = ["-w", "RU,100", "-k", "9", way, "1", "--calls", "10"]
        shell = Shell(cluster.hosts, capsys)
        one_by_one = shell.json("bench", *command)["calls"]["get"]["latency_ms"]
        paced = shell.json("bench", *command, "-g", "1000")
    # Each takes 20 ms at least, and the last of ten was due 9 ms after the first one began.
    assert one_by_one["p50"] >= 20
    assert paced["calls"]["get"]["latency_ms"]["max"] >= 10 * 20 - 9
    assert paced["plan"]["throughput"] == 1000


def test_no_more_calls_begin_than_the_rate_says(shell: Shell, words: list[str]) -> None:
    assert shell(*words, "-g", "100", "-t", "0.3", "-z", "4") == 0
    assert re.search(r"^all +30 ", shell.out, re.MULTILINE)
    assert "rate     100 calls a second were due, " in shell.out


@pytest.mark.embedded_only
def test_errors_are_counted_by_their_kinds_and_are_exit_code_1(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "told.json"
    with EmbeddedCluster(nodes=1) as cluster:
        shell = Shell(cluster.hosts, capsys)
        cluster.nodes[0].answer_with(ResultCode.KEY_BUSY, times=4)  # one of them before the work
        options = ["-w", "RU,100", "-z", "1", "--calls", "5", "--max-retries", "0"]
        assert shell("bench", *options, "--json", str(file)) == 1
    get = json.loads(file.read_text())["calls"]["get"]
    assert (get["errors"], get["done"]) == ({"KeyBusy": 3}, 2)
    assert "errors   get: KeyBusy 3" in shell.out


@pytest.mark.parametrize(
    ("options", "code", "told"),
    [
        (["-w", "XX"], 2, "there is no workload 'XX'"),
        (["-o", "I9"], 2, "1 to 8 bytes"),
        (["--threads", "2", "--tasks", "2"], 2, "give one of them"),
        (["--uvloop"], 2, "--tasks"),
        (["-w", "I", "--warm-up", "1"], 2, "--warm-up"),
        (["-w", "I,0"], 2, "takes none of 30 keys"),
        (["-w", "I,1"], 2, "takes none of 30 keys"),
        (["--percentiles", "50,x"], 2, "no percentages"),
        (["--ttl", "soon"], 2, "--ttl"),
        (["--hdr", "/nosuch/directory/a.hlog"], 2, "can't be written"),
        (["--chart", "/nosuch/directory/a.png"], 2, "can't be written"),
        (["--namespace", "nosuch"], 4, "nosuch"),
        (["--namespace", "n" * 40, "--calls", "1"], 2, "namespace"),
        (["--hosts", "127.0.0.1:1"], 3, "127.0.0.1:1"),
    ],
)
def test_what_can_not_be_done_is_told_before_the_work(
    options: list[str], code: int, told: str, shell: Shell, words: list[str]
) -> None:
    assert shell(*words, *options) == code
    assert told in shell.error
    assert shell.out == ""


def test_a_chart_needs_an_ending_that_can_be_drawn(shell: Shell, words: list[str], tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    assert shell(*words, "--chart", str(tmp_path / "chart.xyz")) == 2
    assert ".svg" in shell.error


def test_without_matplotlib_it_is_said_what_to_install(
    shell: Shell, words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("matplotlib", "matplotlib.backend_bases"):
        monkeypatch.setitem(sys.modules, name, None)
    before = tmp_path / "before.json"
    before.write_text("{}")
    files = ["--json", str(before), "--hdr", str(tmp_path / "a.hlog"), "--chart", str(tmp_path / "chart.svg")]
    assert shell(*words, *files) == 2
    assert "pip install 'pyspike-aerospike[chart]'" in shell.out
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("before.json", "{}")]


def test_files_have_all_that_is_told(shell: Shell, words: list[str], tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    told, log, chart = (tmp_path / name for name in ("told.json", "a.hlog", "chart.svg"))
    options = ["--json", str(told), "--hdr", str(log), "--chart", str(chart), "--calls", "20"]
    assert shell(*words, *options) == 0
    assert shell.out.startswith("call ")
    assert json.loads(told.read_text())["calls"]["all"]["done"] == 20
    assert re.findall(r"^Tag=(\w+),0\.000,", log.read_text(), re.MULTILINE) == ["get", "put"]
    assert chart.read_text().startswith("<?xml")


def test_ctrl_c_ends_it_with_what_there_is(
    shell: Shell, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    show = Progress.show

    def show_and_press(self: Progress, *args: Any) -> None:
        show(self, *args)
        press()

    monkeypatch.setattr(Progress, "show", show_and_press)
    assert shell(*words, "-t", "600", "--period", "0.1", "--json") == 130
    told, error = (json.loads(line) for line in shell.out.splitlines())
    assert told["interrupted"]
    assert told["calls"]["all"]["done"] > 0
    assert error["error"]["type"] == "Interrupted"


def test_processes_share_the_keys_and_ctrl_c_ends_them_all(
    hosts: str, words: list[str], client: Client, keys: list[Key]
) -> None:
    program = [sys.executable, "-m", "pyspike", *words, "--hosts", hosts, "--processes", "2", "-z", "2"]
    ended = subprocess.run([*program, "-w", "I", "--json"], capture_output=True, text=True, check=True)
    assert json.loads(ended.stdout)["calls"]["put"]["done"] == KEYS
    assert None not in bins(client, keys)
    with subprocess.Popen(
        [*program, "-t", "600", "--period", "0.1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        while "of 600 s" not in process.stderr.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        out, error = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "client   2 processes, each 2 threads; " in out
    assert error.endswith("pyspike: interrupted\n")


def test_an_error_of_a_process_is_that_of_the_command(hosts: str, words: list[str]) -> None:
    program = [sys.executable, "-m", "pyspike", *words, "--hosts", hosts, "--processes", "2", "-w", "I"]
    ended = subprocess.run([*program, "-b", ""], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.splitlines()[-1] == "pyspike: a bin's name is empty"


def test_a_terminal_is_shown_a_table_that_changes(
    hosts: str, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(command, "Console", lambda **_: Console(file=screen, force_terminal=True, width=100))
    assert main([*words, "--hosts", hosts, "--calls", "20"]) == 0
    shown = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", screen.getvalue())
    assert re.search(r"20 of 20 calls +per s +p50 ms", shown)
