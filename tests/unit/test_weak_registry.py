"""A list of weak references that threads change and the child of a fork reads."""

from __future__ import annotations

import gc
import threading
import time

from pyspike.process.weak_registry import WeakRegistry
from support.cluster_tools import wait_until

SECONDS = 0.5
THREADS = 3


class One:
    pass


def test_those_who_live_are_known_in_their_order() -> None:
    registry: WeakRegistry[One] = WeakRegistry()
    ones = [One() for _ in range(5)]
    for one in ones:
        registry.add(one)
    assert registry.all() == ones
    del ones[1::2], one
    wait_until(lambda: registry.all() == ones)
    assert registry.after_fork() == ones


def test_what_is_to_be_done_afterwards_is_done_once() -> None:
    registry: WeakRegistry[One] = WeakRegistry()
    one, done = One(), []
    registry.add(one, done.append)
    registry.add(One())
    gc.collect()
    assert done == []
    del one
    wait_until(lambda: len(done) == 1)
    registry.add(One())
    gc.collect()
    assert len(done) == 1


def test_it_keeps_nothing_of_those_who_are_gone() -> None:
    registry: WeakRegistry[One] = WeakRegistry()
    for _ in range(1000):
        registry.add(One())
    assert len(registry) < 100


def test_threads_may_come_and_go_while_others_look() -> None:
    registry: WeakRegistry[One] = WeakRegistry()
    kept: list[One] = []
    failures: list[BaseException] = []
    end = time.monotonic() + SECONDS

    def come_and_go() -> None:
        try:
            mine = One()
            registry.add(mine)
            kept.append(mine)
            while time.monotonic() < end:
                passing = One()
                registry.add(passing)
                assert {mine, passing} <= set(registry.all())
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=come_and_go) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    wait_until(lambda: set(registry.all()) == set(kept))
