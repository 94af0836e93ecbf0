"""The programs on the page about servers serve: by gunicorn, by an event loop, and as a task of Celery."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import pyspike
from pyspike import Client
from support.pages import read_blocks

PAGE = Path(__file__).parents[2] / "docs" / "guides" / "servers.md"
PATIENCE = 30.0  # seconds

pytestmark = pytest.mark.one_kind("the page says which client it uses")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hosts: str, set_name: str) -> Path:
    """The files of the page, to be imported from here."""
    for block in read_blocks(PAGE):
        if block.kind.startswith("file "):
            source = block.source.replace('"visits"', repr(set_name))
            (tmp_path / block.kind.removeprefix("file ")).write_text(source, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYSPIKE_HOSTS", hosts)
    for name in ("app", "asgi", "tasks"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return tmp_path


@pytest.mark.parametrize("preload", [["--preload"], []], ids=["preload", "not preloaded"])
@pytest.mark.parametrize("threads", ["2", "1"], ids=["gthread", "sync"])
def test_gunicorn_serves_the_application(
    folder: Path, client: Client, set_name: str, preload: list[str], threads: str
) -> None:
    pytest.importorskip("gunicorn")
    path = f"/gunicorn{len(preload)}{threads}"
    options = [*preload, "--workers", "1", "--threads", threads]
    with serving(folder, "gunicorn", *options, "--bind", f"127.0.0.1:{(port := free_port())}", "app:app"):
        assert answer(port, path) == b"1"
    assert client.get(("test", set_name, path))["n"] == 1


@pytest.mark.parametrize("server", ["uvicorn", "hypercorn", "granian"])
def test_a_server_of_loops_serves_the_application(
    folder: Path, client: Client, set_name: str, server: str
) -> None:
    pytest.importorskip(server)
    port = free_port()
    options = {
        "uvicorn": ["--port", str(port)],
        "hypercorn": ["--bind", f"127.0.0.1:{port}"],
        "granian": ["--interface", "asgi", "--port", str(port)],
    }
    with serving(folder, server, *options[server], "asgi:app"):
        assert [answer(port, f"/from-{server}") for _ in range(2)] == [b"1", b"2"]
    assert client.get(("test", set_name, f"/from-{server}"))["n"] == 2


def free_port() -> int:
    with socket.socket() as looking:
        looking.bind(("127.0.0.1", 0))
        port: int = looking.getsockname()[1]
        return port


@contextlib.contextmanager
def serving(folder: Path, *command: str) -> Iterator[None]:
    """A server of the folder's files, for as long as the block takes."""
    process = subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=folder,
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(Path(pyspike.__file__).parents[1]), str(folder)]),
        },
    )
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=PATIENCE)


def answer(port: int, path: str) -> bytes:
    """What the server says, once it is there."""
    end = time.monotonic() + PATIENCE
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        try:
            connection.request("GET", path)
        except ConnectionRefusedError:
            assert time.monotonic() < end
            time.sleep(0.05)
        else:
            return connection.getresponse().read()
        finally:
            connection.close()


def test_an_event_loop_serves_the_application(folder: Path) -> None:
    import asgi

    async def ask() -> list[dict[str, Any]]:
        said: list[dict[str, Any]] = []
        events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

        async def send(message: dict[str, Any]) -> None:
            said.append(message)

        life = asyncio.create_task(asgi.app({"type": "lifespan"}, events.get, send))
        events.put_nowait({"type": "lifespan.startup"})
        end = time.monotonic() + PATIENCE
        while not said:
            assert time.monotonic() < end
            await asyncio.sleep(0.001)
        await asgi.app({"type": "http", "path": "/from a loop"}, events.get, send)
        events.put_nowait({"type": "lifespan.shutdown"})
        await life
        return said

    said = asyncio.run(ask())
    assert [message["type"].rpartition("lifespan.")[2] for message in said] == [
        "startup.complete",
        "http.response.start",
        "http.response.body",
        "shutdown.complete",
    ]
    assert said[2]["body"] == b"1"


def test_celery_runs_the_task(folder: Path) -> None:
    pytest.importorskip("celery")
    import tasks

    with tasks.client:
        assert [tasks.visit.apply(("ann of celery",)).get() for _ in range(2)] == [1, 2]
