"""udf: modules are registered, listed, shown and removed from the shell."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from pyspike import Client
from pyspike.cli import main

pytest.importorskip("lupa", reason="a module is compiled by the server")

SOURCE = b"-- gr\xc3\xbc\xc3\x9fe \xff\r\nfunction one(rec) return 1 end\n"
NAME = f"cli{os.urandom(4).hex()}"
PATIENT = ("--timeout", "20000")


class Udf:
    """Runs `pyspike udf` with the hosts of this run, and keeps what it printed."""

    def __init__(self, hosts: str, captured: pytest.CaptureFixture[bytes]) -> None:
        self._hosts = hosts
        self._captured = captured
        self.out, self.error = b"", b""

    def __call__(self, command: str, *arguments: str) -> int:
        code = main(["udf", command, *PATIENT, "--hosts", self._hosts, *arguments])
        self.out, self.error = self._captured.readouterr()
        return code

    def json(self, command: str, *arguments: str) -> list[Any]:
        self(command, *arguments, "--json")
        assert self.error == b""
        return [json.loads(line) for line in self.out.splitlines()]


@pytest.fixture
def udf(hosts: str, capfdbinary: pytest.CaptureFixture[bytes]) -> Udf:
    return Udf(hosts, capfdbinary)


def test_a_module_comes_and_goes(udf: Udf, client: Client, tmp_path: Path) -> None:
    path = tmp_path / f"{NAME}.lua"
    path.write_bytes(SOURCE)
    assert udf("put", str(path)) == 0
    assert (udf.out, udf.error) == (b"", b"")
    (found,) = (each for each in client.list_udfs() if each.name == f"{NAME}.lua")
    assert udf("list") == 0
    assert [NAME + ".lua", found.hash] in [line.decode().split() for line in udf.out.splitlines()]
    assert {"name": f"{NAME}.lua", "hash": found.hash, "language": "LUA"} in udf.json("list")
    for name in (NAME, f"{NAME}.lua"):
        assert udf("get", name) == 0
        assert udf.out == SOURCE
    (told,) = udf.json("get", NAME)
    assert told["source"].encode("utf-8", "surrogateescape") == SOURCE

    assert udf.json("put", str(path), "--name", f"{NAME}_2") == [
        {"name": f"{NAME}_2.lua", "registered": True}
    ]
    assert udf.json("remove", f"{NAME}_2") == [{"name": f"{NAME}_2.lua", "removed": True}]
    assert udf("remove", NAME) == 0
    assert not any(each.name.startswith(NAME) for each in client.list_udfs())


def test_what_is_not_there_is_told(udf: Udf, tmp_path: Path) -> None:
    for command in ("get", "remove"):
        assert udf(command, "no_such_module") == 1
        assert udf.out == b""
        assert udf.error.startswith(b"pyspike: there is no module no_such_module.lua")
        (told,) = udf.json(command, "no_such_module")
        assert told["error"]["message"] == "there is no module no_such_module.lua"
    assert udf("put", str(tmp_path / "none.lua")) == 2
    assert b"does not exist" in udf.error


def test_what_is_no_lua_is_refused_with_its_place(udf: Udf, tmp_path: Path) -> None:
    path = tmp_path / f"{NAME}_bad.lua"
    path.write_text("function x( end\n")
    assert udf("put", str(path)) == 4
    assert f"{NAME}_bad.lua:1: ".encode() in udf.error
    path.rename(tmp_path / "a;b.lua")
    assert udf("put", str(tmp_path / "a;b.lua")) == 2
    assert b"can't be the name of a module" in udf.error


def test_a_cluster_that_is_not_there_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["udf", "list", "--hosts", "127.0.0.1:1"]) == 3
    assert main(["udf"]) in (0, 2)
    assert "remove" in "".join(capsys.readouterr())
