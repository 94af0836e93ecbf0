"""Logging in from the shell, and listing users and roles."""

from __future__ import annotations

import json
from collections.abc import Iterator

import click
import pytest

from pyspike.cli import main
from pyspike.server import EmbeddedCluster


@pytest.fixture(scope="module")
def hosts() -> Iterator[str]:
    """A server with security, whose user is `admin` with the password `admin`."""
    with EmbeddedCluster(security=True) as cluster:
        yield cluster.hosts


def lines(captured: pytest.CaptureFixture[str]) -> list[str]:
    return captured.readouterr().out.splitlines()


def test_users_and_roles_are_listed_by_who_logs_in(
    hosts: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = ("--hosts", hosts, "--timeout", "20000", "--user", "admin")
    monkeypatch.setenv("PYSPIKE_PASSWORD", "admin")
    assert main(["user", "list", *told]) == 0
    assert lines(capfd) == ["admin  user-admin"]
    assert main(["user", "list", "--json", *told]) == 0
    (user,) = map(json.loads, lines(capfd))
    assert (user["name"], user["roles"]) == ("admin", ["user-admin"])
    assert main(["role", "list", *told]) == 0
    assert "read-write  read-write" in lines(capfd)
    assert main(["role", "list", "--json", *told]) == 0
    roles = {each["name"]: each for each in map(json.loads, lines(capfd))}
    assert roles["read"]["privileges"] == ["read"]


def test_the_password_is_asked_for_and_no_option(
    hosts: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def prompt(text: str, *, hide_input: bool, err: bool) -> str:
        asked.append((text, hide_input, err))
        return "wrong"

    monkeypatch.delenv("PYSPIKE_PASSWORD", raising=False)
    monkeypatch.setattr(click, "prompt", prompt)
    monkeypatch.setenv("PYSPIKE_USER", "admin")
    assert main(["info", "build", "--hosts", hosts, "--timeout", "20000"]) == 4
    assert asked == [("Password of admin", True, True)]
    error = capfd.readouterr().err
    assert "user and password do not match" in error
    assert "wrong" not in error
    assert main(["info", "build", "--hosts", hosts, "--password", "wrong"]) == 2
    monkeypatch.delenv("PYSPIKE_USER")
    capfd.readouterr()
    assert main(["get", "test", "s", "k", "--hosts", hosts, "--timeout", "20000"]) == 4
    assert "log in with --user NAME" in capfd.readouterr().err
    assert main(["info", "build", "--hosts", hosts, "--auth", "pki"]) == 2
    assert "needs TLS" in capfd.readouterr().err
