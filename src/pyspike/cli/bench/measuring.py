"""A measurement from its beginning to its end, in this process or in several.

One Python process does its work on one core, so a plan may have several; each has a client and a part of the
load. They are forked, because a policy with a password goes to no other process in any other way.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import FrameType
from typing import TypeAlias

from pyspike import Client, ClientPolicy
from pyspike.cli.bench.counts import Snapshot, summed
from pyspike.cli.bench.load import Load
from pyspike.cli.bench.pace import SECOND
from pyspike.cli.bench.plan import Plan
from pyspike.hosts import Host

__all__ = ["Tell", "measure"]

Tell: TypeAlias = Callable[[Snapshot], object]

LOOKED = 0.1  # seconds between two looks at whether all is to end
HEAD_START = SECOND // 20  # ns for all processes to begin at one time


def measure(hosts: Sequence[Host], policy: ClientPolicy, plan: Plan, tell: Tell) -> None:
    """Do what a plan says, and tell what has been counted after every period and at the end.

    Ctrl-C ends it early; what was counted until then is told, too.

    Args:
        hosts: where the cluster is.
        policy: of the clients.
        plan: what to do.
        tell: takes what has been counted since the beginning, of all processes.

    Raises:
        AerospikeError: a client can't connect, or a call can never succeed.
        KeyboardInterrupt: it was ended by Ctrl-C.
        RuntimeError: a process was ended by something else.
    """
    with _ctrl_c() as interrupted:
        if plan.processes > 1:
            _Processes(hosts, policy, plan).run(tell, interrupted.is_set)
        else:
            with Client(hosts, policy) as client:
                _measure_here(client, plan, time.perf_counter_ns(), tell, interrupted.is_set)
    if interrupted.is_set():
        raise KeyboardInterrupt


@contextlib.contextmanager
def _ctrl_c() -> Iterator[threading.Event]:
    """An event that the first Ctrl-C sets; the second one is as any other."""
    interrupted = threading.Event()
    if threading.current_thread() is not threading.main_thread():  # which no signal reaches
        yield interrupted
        return

    def note(number: int, frame: FrameType | None) -> None:
        interrupted.set()
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, before)


def _measure_here(client: Client, plan: Plan, began: int, tell: Tell, is_to_end: Callable[[], bool]) -> None:
    if plan.warm_up:
        warming = replace(plan, calls=None)
        for _ in _running(Load(client, warming, began, plan.warm_up), began, plan.warm_up, is_to_end):
            pass
        began = max(began + int(plan.warm_up * SECOND), time.perf_counter_ns())
    cpu = time.process_time()
    load = Load(client, plan, began, plan.seconds)

    def tell_all(*, is_last: bool) -> None:
        seconds = (time.perf_counter_ns() - began) / SECOND
        tell(Snapshot(seconds, time.process_time() - cpu, load.counts(), is_last))

    for seconds in _running(load, began, plan.period, is_to_end):
        # The last period is a longer one, rather than that a short one comes behind it.
        if plan.seconds is None or seconds < plan.seconds - plan.period / 2:
            tell_all(is_last=False)
    tell_all(is_last=True)


def _running(load: Load, began: int, period: float, is_to_end: Callable[[], bool]) -> Iterator[float]:
    """Run to the end; gives the seconds since the beginning after every period."""
    load.start()
    next_look = period
    try:
        while True:
            if is_to_end():
                load.stop()
            left = next_look - (time.perf_counter_ns() - began) / SECOND
            if load.wait(min(max(left, 0.0), LOOKED)):
                break
            if left <= LOOKED:
                yield next_look
                next_look += period
    finally:
        load.stop()
        while not load.wait(LOOKED):
            pass
    if load.failure is not None:
        raise load.failure


class _Processes:
    """Several processes that measure, each its share, and begin at one time."""

    def __init__(self, hosts: Sequence[Host], policy: ClientPolicy, plan: Plan) -> None:
        self._hosts, self._policy, self._plan = hosts, policy, plan
        self._connections: list[Connection] = []
        self._processes: list[BaseProcess] = []

    def run(self, tell: Tell, is_to_end: Callable[[], bool]) -> None:
        """Start them, and tell what all of them have counted."""
        try:
            for number in range(self._plan.processes):
                self._start(number)
            for connection in self._connections:
                self._received(connection)
            began = time.perf_counter_ns() + HEAD_START
            for connection in self._connections:
                connection.send(began)
            self._listen(tell, is_to_end)
        finally:
            for connection in self._connections:
                connection.close()  # by which the processes end
            for process in self._processes:
                process.join()

    def _start(self, number: int) -> None:
        context = multiprocessing.get_context("fork")
        ours, theirs = context.Pipe()
        self._connections.append(ours)
        process = context.Process(target=self._serve, args=(number, theirs), daemon=True)
        self._processes.append(process)
        process.start()
        theirs.close()

    def _serve(self, number: int, connection: Connection) -> None:
        """What such a process does; that its other end is closed tells it to end."""
        signal.signal(
            signal.SIGINT, signal.SIG_IGN
        )  # of a terminal all get it, and the first one tells the others
        for other in self._connections:
            other.close()
        plan = self._plan.share(number)
        try:
            with Client(self._hosts, self._policy) as client:
                connection.send(None)
                began = connection.recv()
                if plan.rate:
                    began += int(number / self._plan.rate * SECOND)  # not all at one time
                _measure_here(client, plan, began, connection.send, connection.poll)
        except (BrokenPipeError, EOFError):
            pass  # the process that began this one has ended, so nobody wants figures or reasons
        except BaseException as error:
            with contextlib.suppress(OSError):
                connection.send(error)

    def _listen(self, tell: Tell, is_to_end: Callable[[], bool]) -> None:
        """Tell the sums of what they tell, as soon as all have come to the end of a period."""
        told: list[list[Snapshot]] = [[] for _ in self._connections]
        periods = 0
        is_ending = False
        while True:
            going_on = [
                connection
                for connection, snapshots in zip(self._connections, told, strict=True)
                if not (snapshots and snapshots[-1].is_last)
            ]
            for ready in wait(going_on, LOOKED):
                told[self._connections.index(ready)].append(self._received(ready))  # type: ignore[arg-type]
            while all(
                len(snapshots) > periods or (snapshots and snapshots[-1].is_last) for snapshots in told
            ):
                whole = summed(snapshots[min(periods, len(snapshots) - 1)] for snapshots in told)
                tell(whole)
                periods += 1
                if whole.is_last:
                    return
            if is_to_end() and not is_ending:
                is_ending = True
                for connection in going_on:
                    with contextlib.suppress(OSError):
                        connection.send("end")

    def _received(self, connection: Connection) -> Snapshot:
        try:
            received = connection.recv()
        except EOFError:
            process = self._processes[self._connections.index(connection)]
            process.join()
            raise RuntimeError(f"a process of the benchmark has ended, with {process.exitcode}") from None
        if isinstance(received, BaseException):
            raise received
        return received  # type: ignore[no-any-return]
