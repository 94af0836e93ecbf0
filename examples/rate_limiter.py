"""So many calls a user and window: any number of processes, one round trip a call, nothing to clean up.

    python examples/rate_limiter.py

A record counts the calls of a window and lives as long as that. The filter has the server refuse: a call
that is one too many is not counted, and there is no moment between looking and counting.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from place import hosts

from pyspike import Client, FilteredOut, Key, exp
from pyspike import operations as op


class RateLimiter:
    """At most `calls` in each window of `seconds`, for each name."""

    def __init__(
        self, client: Client, calls: int, seconds: int, clock: Callable[[], float] = time.time
    ) -> None:
        if calls < 1:  # the first call creates the record, whatever a filter says
            raise ValueError("at least one call has to be allowed")
        self._client = client
        self._calls = calls
        self._seconds = seconds
        self._clock = clock
        self._room = ~exp.bin_exists("calls") | (exp.int_bin("calls") < calls)  # made once

    def take(self, name: str) -> int | None:
        """Count a call; returns how many are left in this window, or None if it is one too many."""
        window = int(self._clock()) // self._seconds
        try:
            record = self._client.operate(
                Key("test", "limits", f"{name}/{window}"),
                [op.add("calls", 1), op.get("calls")],
                ttl=2 * self._seconds,
                filter_expression=self._room,
            )
        except FilteredOut:
            return None
        return self._calls - int(record["calls"])


def main() -> None:
    with hosts() as where, Client(where) as client:
        limiter = RateLimiter(client, calls=10, seconds=60)
        user = f"user-{time.time_ns()}"
        with ThreadPoolExecutor(8) as pool:
            left = list(pool.map(lambda _: limiter.take(user), range(25)))
        print(f"{sum(each is not None for each in left)} of {len(left)} calls were let through")


if __name__ == "__main__":
    main()
