"""What test_workers has done in processes of their own: `python worker_scenarios.py <scenario> <hosts>`.

Real servers with worker processes, of gunicorn and Celery, whose clients were made and used before the
workers were forked, and a process that forks very often. Nothing is printed unless something is wrong.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from fork_scenarios import Busy, expect_well, in_child, key
from worker_sockets import connections

from pyspike import Client, errors
from support.cluster_tools import wait_until
from support.processes import main

HERE = Path(__file__).parent
WORKERS = 2
REQUESTS = 40
END = 20.0  # seconds that a server may take to start, and to end
FORKS = int(os.environ.get("PYSPIKE_FORKS", "100"))
AT_ONCE = 5  # children
TROUBLE = ("Traceback", "ERROR", "CRITICAL", "Exception")


@contextlib.contextmanager
def serving(hosts: str, folder: str, *arguments: str, ready: str, times: int = 1) -> Iterator[None]:
    """A server with worker processes that has said `ready` so often; it ends in order, and all was well."""
    said: list[str] = []
    process = subprocess.Popen(
        [sys.executable, "-m", *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={
            **os.environ,
            "PYSPIKE_HOSTS": hosts,
            "PYSPIKE_BROKER": folder,
            "PYTHONPATH": os.pathsep.join([str(HERE), *filter(None, sys.path)]),
        },
    )
    assert process.stdout is not None
    reading = threading.Thread(target=said.extend, args=(process.stdout,), daemon=True)
    reading.start()

    def is_ready() -> bool:
        assert process.poll() is None, "it has ended"
        return sum(ready in line for line in said) >= times

    try:
        wait_until(is_ready, f"{ready!r}", END)
        yield
        process.send_signal(signal.SIGTERM)
        assert process.wait(END) == 0, f"it ended with {process.returncode}"
        reading.join(END)  # which is over when the last worker has closed its output
        assert not reading.is_alive(), "workers were left behind"
        wrong = [line for line in said if any(word in line for word in TROUBLE)]
        assert not wrong, wrong
    except BaseException:
        print("".join(said))
        raise
    finally:
        process.kill()
        process.wait()
        reading.join(END)
        process.stdout.close()


def expect_own_sockets(answers: list[dict[str, Any]]) -> None:
    """Each worker has connections of its own, and none of the process that forked it."""
    own: dict[int, set[int]] = {}
    for answer in answers:
        assert answer["sockets"]
        assert answer["parent"]
        assert not set(answer["sockets"]) & set(answer["parent"]), "a connection of the parent's"
        own.setdefault(answer["pid"], set()).update(answer["sockets"])
    assert len(own) == WORKERS, f"{len(own)} workers answered"
    one, two = own.values()
    assert not one & two, "a connection of another worker's"


def gunicorn_preload(hosts: str) -> None:
    """The client is made and used by the master, which loads the application."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    answers: list[dict[str, Any]] = []

    def ask() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=END)
        connection.request("GET", "/")
        response = connection.getresponse()
        body = response.read()
        connection.close()
        assert response.status == 200, body
        answers.append(json.loads(body))

    def both_answered() -> bool:  # which one takes a connection is up to the system
        callers = [threading.Thread(target=ask) for _ in range(4)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
        return len(answers) >= REQUESTS and len({answer["pid"] for answer in answers}) == WORKERS

    options = ["--preload", "--workers", str(WORKERS), "--bind", f"127.0.0.1:{port}"]
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(hosts, folder, "gunicorn", *options, "worker_web", ready="Booting worker", times=WORKERS),
    ):
        wait_until(both_answered, "an answer of each worker")
        expect_own_sockets(answers)
        with Client(hosts) as client:
            assert client.get(key("web"))["n"] == len(answers) + 1, "one of each request and the master's"


def celery_prefork(hosts: str) -> None:
    """The client is made and used by the worker's main process, which loads the tasks."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("queue", "results", "control"):
            (Path(folder) / name).mkdir()
        os.environ.update(PYSPIKE_BROKER=folder, PYSPIKE_HOSTS=hosts)
        import worker_tasks as tasks

        options = ["--pool", "prefork", "--concurrency", str(WORKERS), "--loglevel", "INFO"]
        options += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
        with serving(hosts, folder, "celery", "-A", "worker_tasks", "worker", *options, ready=" ready."):
            results = [tasks.visit.delay(n) for n in range(REQUESTS)]
            answers = [result.get(timeout=END, interval=0.01) for result in results]
            assert [answer["n"] for answer in answers] == list(range(REQUESTS))
            expect_own_sockets(answers)
            assert tasks.client.get(key("tasks"))["n"] == REQUESTS
            failed = tasks.fail.delay().get(timeout=END, interval=0.01, propagate=False)
            assert isinstance(failed, errors.RecordNotFound), repr(failed)
        tasks.client.close()


def very_many_forks(hosts: str) -> None:
    """PYSPIKE_FORKS children, some at a time, of a process whose threads never stop using the client."""
    with Client(hosts) as client, Busy(client) as busy:

        def child() -> None:
            client.add(key("forks"), {"n": 1}, timeout=10_000)
            assert client.get(key("constant"), timeout=10_000).bins == {"name": "constant"}
            own = connections(hosts)
            assert own
            assert not own & parent, "a connection of the parent's"

        client.put(key("forks"), {"n": 0})
        client.put(key("constant"), {"name": "constant"})
        for _ in range(FORKS // AT_ONCE):
            parent = connections(hosts)
            done = busy.done
            expect_well(*(in_child(child) for _ in range(AT_ONCE)))
            assert parent <= connections(hosts), "a child closed a connection of the parent's"
            wait_until(lambda done=done: busy.done > done or busy.failures)  # type: ignore[misc]
            assert not busy.failures, busy.failures[0]
        assert client.get(key("forks"))["n"] == FORKS // AT_ONCE * AT_ONCE
        closed = [node["pool"]["closed"] for node in client.stats()["nodes"].values()]
        assert not any(closed), f"the children disturbed the parent's connections: {closed}"


SCENARIOS: tuple[Callable[[str], None], ...] = (gunicorn_preload, celery_prefork, very_many_forks)

if __name__ == "__main__":
    main(SCENARIOS)
