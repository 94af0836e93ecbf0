"""The application that gunicorn serves: its client is made, and used, when it is loaded."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from typing import Any

from fork_scenarios import key

from support.clients import Client
from support.sockets import connections

hosts = os.environ["PYSPIKE_HOSTS"]
client = Client(hosts)
client.put(key("web"), {"n": 1})
PARENT = connections(hosts)


def application(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
    client.add(key("web"), {"n": 1})
    answer = {
        "pid": os.getpid(),
        "n": client.get(key("web"))["n"],
        "sockets": sorted(connections(hosts)),
        "parent": sorted(PARENT),
    }
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(answer).encode()]
