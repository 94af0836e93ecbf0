"""What the forked pool of test_celery runs."""

from __future__ import annotations

import os
import time

from celery import Celery

FOLDER = os.environ["TASKS_FOLDER"]

app = Celery("celery_tasks", broker="filesystem://", backend=os.environ["TASKS_BACKEND"])
app.conf.update(
    broker_transport_options={
        "polling_interval": 0.01,
        "data_folder_in": f"{FOLDER}/queue",
        "data_folder_out": f"{FOLDER}/queue",
        "control_folder": f"{FOLDER}/control",
    },
    broker_connection_retry_on_startup=True,
    worker_prefetch_multiplier=1,
)
app.backend.get(b"before the pool")  # so that there is a client, with connections, when it is forked


@app.task(name="spend")
def spend() -> int:
    """Takes a little, so that no process does all; in which process it ran."""
    time.sleep(0.05)
    return os.getpid()


@app.task(name="pids")
def pids(found: list[int]) -> list[int]:
    """The processes that a chord's tasks ran in."""
    return sorted(set(found))
