"""What happens when the interpreter ends: the tend threads of clients that nobody closed end before it."""

from __future__ import annotations

import atexit
import time

from pyspike.process import fork
from pyspike.process.members import members

__all__: list[str] = []

WAIT = 0.2  # seconds that the interpreter's exit waits for threads, in all


def _at_exit() -> None:
    fork.catch_up()
    threads = [member.at_exit() for member in members.all()]
    deadline = time.monotonic() + WAIT
    for thread in threads:
        if thread is not None:
            thread.join(max(0.0, deadline - time.monotonic()))


atexit.register(_at_exit)
