"""serve: an embedded cluster in the foreground, until it is told to end."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from pyspike import Client
from pyspike.cli import main
from pyspike.server import EmbeddedCluster

PROGRAM = [sys.executable, "-m", "pyspike"]


@pytest.mark.parametrize(
    ("number", "more", "build"),
    [(signal.SIGINT, [], "8.2.0.0"), (signal.SIGTERM, ["--server-version", "8.1.2"], "8.1.2.0")],
)
def test_serve_runs_until_it_is_told_to_end(number: int, more: list[str], build: str) -> None:
    command = [*PROGRAM, "serve", "--nodes", "2", "--port", "0", "--namespaces", "users", *more]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            assert "2 nodes listen" in process.stderr.readline()
            hosts = process.stdout.readline().strip()
            with Client(hosts) as client:
                assert [node.version for node in client.nodes()] == [build, build]
                client.put(("users", "people", "ann"), {"name": "Ann"})
                assert client.get(("users", "people", "ann"))["name"] == "Ann"
        finally:
            process.send_signal(number)
        assert process.wait(10) == 0


def told(option: str, command: bytes) -> bytes:
    """What a cluster that is served with an option answers to an info command."""
    served = [*PROGRAM, "serve", "--port", "0", option]
    with subprocess.Popen(served, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            host, port = process.stdout.readline().strip().split(":")
            with socket.create_connection((host, int(port)), 10) as sock:
                sock.sendall(b"\x02\x01\0\0\0\0\0" + bytes((len(command),)) + command)
                answer = sock.recv(4096)[8:]
        finally:
            process.terminate()
        assert process.wait(10) == 0
    return answer


def test_serve_with_security_lets_nobody_in_without_a_login() -> None:
    assert told("--security", b"build\n") == b"ERROR:80:not authenticated\n"


def test_serve_makes_namespaces_strong_consistent() -> None:
    assert told("--strong-consistency", b"replicas:max=1\n").startswith(b"replicas:max=1\ttest:1,1,")


def test_serve_tells_that_a_port_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    with EmbeddedCluster() as cluster:
        assert main(["serve", "--port", str(cluster.nodes[0].port)]) == 1
    assert "--port 0 takes free ports" in capsys.readouterr().err


def test_serve_says_that_it_listens_only_if_it_does(capsys: pytest.CaptureFixture[str]) -> None:
    with EmbeddedCluster() as cluster:
        assert main(["serve", "--port", str(cluster.nodes[0].port)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "listens" not in err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_serve_does_not_take_a_full_disk_for_a_port_that_is_taken() -> None:
    with open("/dev/full", "w") as full:
        program = [*PROGRAM, "serve", "--port", "0"]
        ended = subprocess.run(program, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert ended.returncode == 5
    assert "the output can't be written" in ended.stderr


def test_serve_tells_that_there_are_no_such_ports(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--nodes", "3", "--port", "65534"]) == 2
    assert "3 nodes have no ports from 65534 on: the last port is 65535" in capsys.readouterr().err


def test_the_servers_own_process_sends_people_to_serve() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "pyspike.server"], capture_output=True, text=True, check=False, timeout=30
    )
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "pyspike serve" in ended.stderr


def test_a_version_that_is_not_known_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--port", "0", "--server-version", "7.0.0"]) == 2
    assert "no server 7.0.0 is known to the embedded cluster, only 8.2.0, 8.1.2" in capsys.readouterr().err
