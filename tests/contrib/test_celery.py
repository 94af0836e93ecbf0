"""Results of real tasks of Celery, which a worker in this process runs, and one whose pool is forked."""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pyspike import Client, InvalidArgument, Key, errors
from support.cluster_tools import wait_until

pytest.importorskip("celery")

from celery import Celery, chain, chord, group, states
from celery.contrib.testing.worker import start_worker
from celery.exceptions import BackendStoreError, ChordError
from celery.result import AsyncResult, GroupResult

from pyspike.contrib.celery import AerospikeBackend

END = 30.0  # seconds until a task has a result
HERE = Path(__file__).parent

pytestmark = [
    pytest.mark.one_kind("Celery has threads and processes only"),
    pytest.mark.filterwarnings("ignore"),
]


@pytest.fixture(scope="module")
def app(hosts: str) -> Iterator[Any]:
    """An application whose worker runs in a thread of this process."""
    made = Celery(
        "tests", broker="memory://", backend=f"aerospike://{hosts}/test?set=celery{uuid.uuid4().hex[:8]}"
    )
    made.conf.update(
        result_expires=600,
        broker_transport_options={"polling_interval": 0.01},
        worker_hijack_root_logger=False,
        result_extended=True,
    )

    @made.task(name="add")
    def add(a: int, b: int) -> int:
        return a + b

    @made.task(name="total")
    def total(numbers: list[int]) -> int:
        return sum(numbers)

    @made.task(name="fail")
    def fail() -> None:
        raise ZeroDivisionError("nothing")

    @made.task(name="large")
    def large() -> str:
        return "x" * 9_000_000

    level = logging.getLogger().level
    try:
        with start_worker(made, pool="threads", concurrency=2, perform_ping_check=False, loglevel="CRITICAL"):
            yield made
    finally:
        logging.getLogger().setLevel(level)  # which the worker changes, for all tests behind these


def backend(app: Any) -> AerospikeBackend:
    found = app.backend
    assert isinstance(found, AerospikeBackend)
    return found


def test_the_entry_point_finds_the_backend_by_the_scheme() -> None:
    for scheme in ("aerospike", "aerospikes"):
        made = Celery("tests", backend=f"{scheme}://127.0.0.1:1/test")
        assert isinstance(made.backend, AerospikeBackend)
        assert made.backend.place.set_name == "celery"


def test_results_come_back_and_are_forgotten(app: Any) -> None:
    result = app.tasks["add"].delay(2, 3)
    assert result.get(timeout=END, interval=0.01) == 5
    assert AsyncResult(result.id, app=app).state == states.SUCCESS
    failed = app.tasks["fail"].delay()
    with pytest.raises(ZeroDivisionError, match="nothing"):
        failed.get(timeout=END, interval=0.01)
    assert AsyncResult(failed.id, app=app).traceback
    result.forget()
    assert AsyncResult(result.id, app=app).state == states.PENDING


def test_groups_chains_and_chords_end(app: Any) -> None:
    add, total = app.tasks["add"], app.tasks["total"]
    assert group(add.s(n, n) for n in range(10)).apply_async().get(timeout=END, interval=0.01) == [
        2 * n for n in range(10)
    ]
    assert chain(add.s(1, 2), add.s(3), add.s(4)).apply_async().get(timeout=END, interval=0.01) == 10
    assert (
        chord((add.s(n, 1) for n in range(20)), total.s()).apply_async().get(timeout=END, interval=0.01)
        == 210
    )
    nested = chord([group(add.s(1, 1), add.s(2, 2)), add.s(3, 3)], total.s())
    assert nested.apply_async().get(timeout=END, interval=0.01) == 12
    broken = chord([add.s(1, 1), app.tasks["fail"].s()], total.s()).apply_async()
    with pytest.raises(ChordError, match="ZeroDivisionError"):
        broken.get(timeout=END, interval=0.01, follow_parents=False)


def test_saved_groups_are_restored(app: Any) -> None:
    saved = group(app.tasks["add"].s(n, 1) for n in range(3)).apply_async()
    saved.save()
    found = GroupResult.restore(saved.id, app=app)
    assert found.get(timeout=END, interval=0.01) == [1, 2, 3]
    saved.delete()
    assert GroupResult.restore(saved.id, app=app) is None


def test_results_expire(app: Any, client: Client) -> None:
    result = app.tasks["add"].delay(1, 1)
    result.get(timeout=END, interval=0.01)
    place = backend(app).place

    def seconds(key: bytes) -> int | None:
        return client.get(Key(place.namespace, place.set_name, key.decode())).ttl

    key = backend(app).get_key_for_task(result.id)
    assert 590 <= (seconds(key) or 0) <= 600
    backend(app).expire(key, 60)
    assert 50 <= (seconds(key) or 0) <= 60
    backend(app).expire(key, 0)
    assert seconds(key) is None
    assert backend(app).incr(b"parts") == 1
    assert 590 <= (seconds(b"parts") or 0) <= 600
    assert backend(app).incr(b"parts") == 2
    assert backend(app).get(b"parts") == 2


def test_a_result_too_large_for_a_record_fails_the_task(app: Any) -> None:
    with pytest.raises(BackendStoreError, match="larger"):
        app.tasks["large"].delay().get(timeout=END, interval=0.01)


def test_what_may_pass_is_tried_again_if_celery_is_to() -> None:
    made = Celery("tests", backend="aerospike://127.0.0.1:1/test?timeout=1000").backend
    assert made.exception_safe_to_retry(errors.TimeoutError("late"))
    assert not made.exception_safe_to_retry(errors.RecordTooBig("large"))
    assert not made.exception_safe_to_retry(KeyError("other"))


def test_a_url_shows_no_password_and_a_wrong_one_is_refused() -> None:
    made = Celery("tests", backend="aerospike://ann:s3cret@a:3000,b:3000/test").backend
    assert made.as_uri() == "aerospike://ann:**@a:3000,b:3000/test"
    assert "s3cret" in made.as_uri(include_password=True)
    with pytest.raises(InvalidArgument, match="namespace"):
        _ = Celery("tests", backend="aerospike://127.0.0.1:1").backend
    with pytest.raises(InvalidArgument, match="no URL"):
        _ = Celery("tests", backend="pyspike.contrib.celery.AerospikeBackend").backend


@pytest.mark.judges
def test_a_forked_pool_has_results_and_chords(hosts: str, set_name: str) -> None:
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        for name in ("queue", "control"):
            (Path(folder) / name).mkdir()
        url = f"aerospike://{hosts}/test?set={set_name}"
        environment = {**os.environ, "TASKS_FOLDER": folder, "TASKS_BACKEND": url}
        options = ["--pool", "prefork", "--concurrency", "2", "--without-gossip", "--without-mingle"]
        worker = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "celery_tasks", "worker", "--loglevel", "INFO", *options],
            cwd=HERE, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        stack.callback(worker.communicate)
        stack.callback(worker.terminate)
        made = Celery("celery_tasks", broker="filesystem://", backend=url)
        made.conf.broker_transport_options = {
            "data_folder_in": f"{folder}/queue",
            "data_folder_out": f"{folder}/queue",
            "control_folder": f"{folder}/control",
        }
        spend, pids = made.signature("spend"), made.signature("pids")
        for _ in range(3):
            assert (
                len(
                    chord([spend.clone() for _ in range(8)], pids.clone())
                    .apply_async()
                    .get(timeout=END, interval=0.01)
                )
                == 2
            )
        results = [spend.delay() for _ in range(20)]
        wait_until(lambda: all(result.ready() for result in results), "results of all tasks", END)
        used = {result.get() for result in results}
        assert worker.pid not in used
        assert len(used) == 2
