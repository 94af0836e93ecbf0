"""The tasks that Celery runs: their client is made, and used, when they are loaded."""

from __future__ import annotations

import os
import time

from celery import Celery
from fork_scenarios import key

from pyspike import errors
from support.clients import Client
from support.sockets import connections

FOLDER = os.environ["PYSPIKE_BROKER"]
hosts = os.environ["PYSPIKE_HOSTS"]
PAUSE = 0.02  # seconds, so that no worker has done all before the other is there

app = Celery("worker_tasks", broker="filesystem://", backend=f"file://{FOLDER}/results")
app.conf.update(
    broker_transport_options={
        "polling_interval": 0.01,
        "data_folder_in": f"{FOLDER}/queue",
        "data_folder_out": f"{FOLDER}/queue",
        "control_folder": f"{FOLDER}/control",
    },
    broker_connection_retry_on_startup=True,
)
client = Client(hosts)
client.exists(key("tasks"))
PARENT = connections(hosts)


@app.task
def visit(n: int) -> None:
    """Leaves its answer in a record, by the client that is tested."""
    time.sleep(PAUSE)
    client.add(key("tasks"), {"n": 1})
    client.put(key(f"task {n}"), {"n": n})
    client.put(
        key(f"answer {n}"),
        {
            "pid": os.getpid(),
            "n": client.get(key(f"task {n}"))["n"],
            "sockets": sorted(connections(hosts)),
            "parent": sorted(PARENT),
        },
    )


@app.task(throws=(errors.RecordNotFound,))
def fail() -> None:
    """Raises what its caller is to get: RecordNotFound."""
    client.get(key("nothing here"))
