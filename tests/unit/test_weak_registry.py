"""What is known as long as it lives."""

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
    living: WeakRegistry[One] = WeakRegistry()
    ones = [One() for _ in range(5)]
    for one in ones:
        living.add(one)
    assert living.all() == ones
    del ones[1::2], one
    wait_until(lambda: living.all() == ones)
    assert living.after_fork() == ones


def test_what_is_to_be_done_afterwards_is_done_once() -> None:
    living: WeakRegistry[One] = WeakRegistry()
    one, done = One(), []
    living.add(one, done.append)
    living.add(One())
    gc.collect()
    assert done == []
    del one
    wait_until(lambda: len(done) == 1)
    living.add(One())
    gc.collect()
    assert len(done) == 1


def test_it_keeps_nothing_of_those_who_are_gone() -> None:
    living: WeakRegistry[One] = WeakRegistry()
    for _ in range(1000):
        living.add(One())
    assert len(living) < 100


def test_threads_may_come_and_go_while_others_look() -> None:
    living: WeakRegistry[One] = WeakRegistry()
    kept: list[One] = []
    failures: list[BaseException] = []
    end = time.monotonic() + SECONDS

    def come_and_go() -> None:
        try:
            mine = One()
            living.add(mine)
            kept.append(mine)
            while time.monotonic() < end:
                passing = One()
                living.add(passing)
                assert {mine, passing} <= set(living.all())
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=come_and_go) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    wait_until(lambda: set(living.all()) == set(kept))
