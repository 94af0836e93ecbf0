"""demo and serve: what they promise on the README's first page."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from array import array
from typing import Any

import pytest

from pyspike import Client, Key, Record
from pyspike.cli import main
from pyspike.cli.dataset import same, user
from pyspike.cli.report import quantile
from pyspike.server import EmbeddedCluster


@pytest.mark.embedded_only
def test_the_demo_loses_nothing_while_a_node_is_down(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--records", "500", "--seconds", "1.5", "--threads", "4"]) == 0
    out = capsys.readouterr().out
    assert "node A2 was killed" in out
    assert "node A2 came back" in out
    assert re.search(r"load put +500 ", out)
    assert "nothing acknowledged was lost: " in out
    assert "\x1b" not in out
    assert max(map(len, out.splitlines()[:-1])) < 110


def test_the_demo_runs_on_other_clusters_and_cleans_up(
    hosts: str, client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", "--hosts", hosts, "--records", "100", "--seconds", "1"]) == 0
    out = capsys.readouterr().out
    assert "killed" not in out
    assert "nothing acknowledged was lost: " in out
    assert not any(client.exists(("test", "pyspike-demo", number)) for number in range(100))


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


def test_serve_runs_until_it_is_interrupted() -> None:
    command = [
        sys.executable,
        "-m",
        "pyspike.cli",
        "serve",
        "--nodes",
        "2",
        "--port",
        "0",
        "--namespaces",
        "users",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            hosts = process.stdout.readline().strip()
            with Client(hosts) as client:
                assert len(client.node_names()) == 2
                client.put(("users", "people", "ann"), {"name": "Ann"})
                assert client.get(("users", "people", "ann"))["name"] == "Ann"
        finally:
            process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0


def test_serve_tells_that_a_port_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    with EmbeddedCluster() as cluster:
        assert main(["serve", "--port", str(cluster.nodes[0].port)]) == 1
    assert "--port 0 takes free ports" in capsys.readouterr().err
