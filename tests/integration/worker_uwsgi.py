"""The application that uWSGI serves: its client is made, and used, when it is loaded."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable
from typing import Any

from fork_scenarios import key

from pyspike import ClientPolicy, Key
from support.clients import Client
from support.sockets import connections

RECORDS = 200


def own(number: int) -> Key:
    return key(f"uwsgi {number}")


def load() -> None:
    """What the module does when it is uWSGI that loads it."""
    global client, parent
    # Tending is far away while uWSGI forks: Python does not survive a thread that waits for the GIL then.
    policy = ClientPolicy(min_conns_per_node=8, tend_interval=60_000)
    client = Client(os.environ["PYSPIKE_HOSTS"], policy)
    for number in range(RECORDS):
        client.put(own(number), {"n": number})
    parent = sorted(connections(os.environ["PYSPIKE_HOSTS"]))


client: Any
parent: list[int]
if "uwsgi" in sys.modules:
    load()


def application(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
    asked = own(int(environ["PATH_INFO"].strip("/")))
    client.add(asked, {"visits": 1})
    answer = {
        "pid": os.getpid(),
        "record": client.get(asked).bins,
        "sockets": sorted(connections(os.environ["PYSPIKE_HOSTS"])),
        "parent": parent,
    }
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(answer).encode()]
