"""What test_workers has done in processes of their own: `python worker_scenarios.py <scenario> <hosts>`.

Real servers with worker processes, of gunicorn, uWSGI and Celery, whose clients were made and used before the
workers were forked, and a process that forks very often. Nothing is printed unless something is wrong.
"""

from __future__ import annotations

import contextlib
import http.client
import importlib.metadata
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import worker_uwsgi
from fork_scenarios import Busy, expect_well, in_child, key

from pyspike import errors
from support.clients import Client
from support.cluster_tools import wait_until
from support.processes import main, tell
from support.sockets import connections

HERE = Path(__file__).parent
PYTHON = (sys.executable, "-m")
WORKERS = 2
UWSGI_WORKERS = 4
REQUESTS = 40
END = 20.0  # seconds that a server may take to start, and to end
FORKS = int(os.environ.get("PYSPIKE_FORKS", "100"))
AT_ONCE = 5  # children
TROUBLE = ("Traceback", "ERROR", "CRITICAL", "Exception")


@contextlib.contextmanager
def serving(hosts: str, folder: str, *arguments: str, ready: str, times: int = 1) -> Iterator[list[str]]:
    """A server with worker processes that has said `ready` so often: its lines; it ends in order."""
    said: list[str] = []
    process = subprocess.Popen(
        arguments,
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
        yield said
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


def listening_at(said: list[str]) -> int:
    """The port that the system gave to gunicorn, as it says in its first lines."""
    (port,) = {match[1] for line in said if (match := re.search(r"Listening at: http://[\d.]+:(\d+)", line))}
    return int(port)


def gunicorn_preload(hosts: str) -> None:
    """The client is made and used by the master, which loads the application."""
    answers: list[dict[str, Any]] = []

    def ask(port: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=END)
        connection.request("GET", "/")
        response = connection.getresponse()
        body = response.read()
        connection.close()
        assert response.status == 200, body
        answers.append(json.loads(body))

    def both_answered(port: int) -> bool:  # which one takes a connection is up to the system
        callers = [threading.Thread(target=ask, args=(port,)) for _ in range(4)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
        return len(answers) >= REQUESTS and len({answer["pid"] for answer in answers}) == WORKERS

    options = ["--preload", "--workers", str(WORKERS), "--bind", "127.0.0.1:0"]
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(
            hosts, folder, *PYTHON, "gunicorn", *options, "worker_web", ready="Booting worker", times=WORKERS
        ) as said,
    ):
        port = listening_at(said)
        wait_until(lambda: both_answered(port), "an answer of each worker")
        expect_own_sockets(answers)
        with Client(hosts) as client:
            assert client.get(key("web"))["n"] == len(answers) + 1, "one of each request and the master's"


def uwsgi_as_it_comes(hosts: str) -> None:
    """The client is made and used by the master, which forks in C; its workers have one thread each."""
    uwsgi(hosts)


def uwsgi_with_threads(hosts: str) -> None:
    uwsgi(hosts, "--enable-threads", "--threads", "3")


def uwsgi(hosts: str, *options: str) -> None:
    wrong: list[str] = []
    workers: dict[int, set[int]] = {}
    numbers = iter(range(worker_uwsgi.RECORDS))

    def ask(port: int) -> None:
        for number in numbers:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=END)
            connection.request("GET", f"/{number}")
            response = connection.getresponse()
            body = response.read()
            connection.close()
            if response.status != 200:
                wrong.append(f"{response.status} {body!r}")
                continue
            answer = json.loads(body)
            workers.setdefault(answer["pid"], set()).update(answer["sockets"])
            if answer["record"] != {"n": number, "visits": 1}:
                wrong.append(f"asked for {number}, got {answer['record']}")
            if set(answer["sockets"]) & set(answer["parent"]):
                wrong.append("a connection of the parent's")

    command = [
        *(
            str(uwsgi_program()),
            "--master",
            "--processes",
            str(UWSGI_WORKERS),
            "--http-socket",
            "127.0.0.1:0",
        ),
        *("--module", "worker_uwsgi:application", "--need-app", "--die-on-term", *options),
    ]
    with tempfile.TemporaryDirectory() as folder:
        with serving(hosts, folder, *command, ready="spawned uWSGI worker", times=UWSGI_WORKERS) as said:
            (port,) = {int(m[1]) for line in said if (m := re.search(r"address 127\.0\.0\.1:(\d+)", line))}
            callers = [threading.Thread(target=ask, args=(port,)) for _ in range(2 * UWSGI_WORKERS)]
            for caller in callers:
                caller.start()
            for caller in callers:
                caller.join()
        assert not wrong, f"{len(wrong)} of {worker_uwsgi.RECORDS}, such as {wrong[0]}"
        assert len(workers) > 1
        shared = [a & b for a, b in itertools.combinations(workers.values(), 2) if a & b]
        assert not shared, "a connection of another worker's"


def uwsgi_program() -> Path | None:
    """The program of the package `pyuwsgi`, which has uWSGI compiled, or `uwsgi`, where one is installed."""
    for package in ("pyuwsgi", "uwsgi"):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            for file in importlib.metadata.files(package) or []:
                if file.name == "uwsgi":
                    return Path(str(file.locate()))
    return None


def celery_prefork(hosts: str) -> None:
    """The client is made and used by the worker's main process, which loads the tasks.

    The tasks are in the queue before the worker starts: it may otherwise read the file of a message that is
    only half written, as kombu's file transport has no lock against that.
    """
    with tempfile.TemporaryDirectory() as folder:
        for name in ("queue", "results", "control"):
            (Path(folder) / name).mkdir()
        os.environ.update(PYSPIKE_BROKER=folder, PYSPIKE_HOSTS=hosts)
        import worker_tasks as tasks

        for n in range(REQUESTS):
            tasks.visit.delay(n)
        failed = tasks.fail.delay()

        def answers() -> list[dict[str, Any]]:
            records = [tasks.client.get(key(f"answer {n}"), default=None) for n in range(REQUESTS)]
            return [record.bins for record in records if record is not None]

        options = ["--pool", "prefork", "--concurrency", str(WORKERS), "--loglevel", "INFO"]
        options += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
        with serving(
            hosts, folder, *PYTHON, "celery", "-A", "worker_tasks", "worker", *options, ready=" ready."
        ):
            wait_until(lambda: len(answers()) == REQUESTS, "an answer of each task", END)
            assert sorted(answer["n"] for answer in answers()) == list(range(REQUESTS))
            expect_own_sockets(answers())
            assert tasks.client.get(key("tasks"))["n"] == REQUESTS
            result = Path(folder) / "results"
            wait_until(lambda: whole(result, failed.id), "the result of the one that fails", END)
            error = failed.get(timeout=END, propagate=False)
            assert isinstance(error, errors.RecordNotFound), repr(error)
        tasks.client.close()


def whole(folder: Path, task: str) -> bool:
    """Whether the file of a task's result is there to its end."""
    for path in folder.glob(f"*{task}"):
        with contextlib.suppress(ValueError):
            return bool(json.loads(path.read_text()))
    return False


def very_many_forks(hosts: str) -> None:
    """PYSPIKE_FORKS children, some at a time, of a process whose threads never stop using the client."""
    began = time.monotonic()
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
        closed = [node.pool.closed for node in client.stats().nodes.values()]
        assert not any(closed), f"the children disturbed the parent's connections: {closed}"
        took = time.monotonic() - began
        tell(f"{FORKS // AT_ONCE * AT_ONCE} forks, {busy.done} rounds of the parent's threads, {took:.1f} s")


SCENARIOS: tuple[Callable[[str], None], ...] = (
    gunicorn_preload,
    uwsgi_as_it_comes,
    uwsgi_with_threads,
    celery_prefork,
    very_many_forks,
)

if __name__ == "__main__":
    main(SCENARIOS)
