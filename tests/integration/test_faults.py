"""Whatever happens to a node: no acknowledged write is lost, no value is of another key, no call overruns.

Eight threads read, write and count on three nodes with two replicas while one of them, or all, have a fault.
Every scenario is seeded and bounded, and checks each single call.
"""

from __future__ import annotations

import pickle
import random
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from pyspike import AerospikeError, Client, ClientPolicy, Key, ReadPolicy, WritePolicy, errors
from pyspike.server import EmbeddedCluster, EmbeddedNode
from support.cluster_tools import TOLERANCE, Lag, closed, wait_until, within

THREADS = 8
KEYS = 30  # of each thread
COUNTERS = 5  # shared by all
DEADLINE = 400.0  # ms of each call
TEND = 500.0  # ms
SEED = 20261123
PHASE = 0.4  # seconds that each part of a scenario takes at least
CALLS = 100  # and how many calls


@dataclass
class Call:
    """What came of one call."""

    kind: str
    began: float
    elapsed_ms: float
    error: AerospikeError | None


@dataclass
class Owned:
    """What a thread knows about a key that only it writes."""

    acknowledged: int = 0
    doubtful: set[int] = field(default_factory=set)

    def can_be(self, value: int) -> bool:
        return value == self.acknowledged or value in self.doubtful


class Load:
    """Threads that use a client and check what it gives."""

    def __init__(self, client: Client, seed: int) -> None:
        self.client = client
        self.calls: list[Call] = []
        self.wrong: list[str] = []
        self.owned = [[Owned() for _ in range(KEYS)] for _ in range(THREADS)]
        self.added = [0] * COUNTERS
        self.perhaps_added = [0] * COUNTERS
        self.lag = Lag()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(number, random.Random(seed * 100 + number)), daemon=True)
            for number in range(THREADS)
        ]

    def __enter__(self) -> Load:
        for thread in range(THREADS):
            for n in range(KEYS):
                self.client.put(self.key(thread, n), {"thread": thread, "key": n, "value": 0})
        for n in range(COUNTERS):
            self.client.put(self.counter(n), {"n": 0})
        self.lag.__enter__()
        for thread in self._threads:
            thread.start()
        self.go_on()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(20)
        self.lag.__exit__()
        assert not any(thread.is_alive() for thread in self._threads), "a call hangs"

    @staticmethod
    def key(thread: int, n: int) -> Key:
        return Key("test", "faults", f"{thread}/{n}")

    @staticmethod
    def counter(n: int) -> Key:
        return Key("test", "faults", f"counter {n}")

    def go_on(self) -> None:
        """Wait for a good number of calls."""
        end = time.monotonic() + PHASE
        goal = len(self.calls) + CALLS
        wait_until(lambda: len(self.calls) >= goal and time.monotonic() >= end, f"{CALLS} calls")

    def _run(self, thread: int, chance: random.Random) -> None:
        try:
            while not self._stop.is_set():
                n = chance.randrange(KEYS)
                kind = chance.choice(("get", "get", "put", "add"))
                if kind == "get":
                    self._get(thread, n)
                elif kind == "put":
                    self._put(thread, n)
                else:
                    self._add(chance.randrange(COUNTERS))
        except BaseException as error:
            self.wrong.append(f"thread {thread} ended with {error!r}")

    def _call(self, kind: str, call: Callable[[], object]) -> tuple[object, AerospikeError | None]:
        result, failed = None, None
        began = time.monotonic()
        try:
            result = call()
        except AerospikeError as error:
            failed = error
        self.calls.append(Call(kind, began, (time.monotonic() - began) * 1000, failed))
        return result, failed

    def _get(self, thread: int, n: int) -> None:
        record, error = self._call("get", lambda: self.client.get(self.key(thread, n), timeout=DEADLINE))
        if error is None:
            self._check(thread, n, record.bins)  # type: ignore[attr-defined]

    def _check(self, thread: int, n: int, bins: dict[str, int]) -> None:
        if (bins.get("thread"), bins.get("key")) != (thread, n):
            self.wrong.append(f"{self.key(thread, n)} has {bins}, which is not its own")
        elif not self.owned[thread][n].can_be(bins["value"]):
            self.wrong.append(f"{self.key(thread, n)} has {bins}, but should have {self.owned[thread][n]}")

    def _put(self, thread: int, n: int) -> None:
        known = self.owned[thread][n]
        value = max({known.acknowledged, *known.doubtful}) + 1
        bins = {"thread": thread, "key": n, "value": value}
        _, error = self._call("put", lambda: self.client.put(self.key(thread, n), bins, timeout=DEADLINE))
        if error is None:
            known.acknowledged = value
        elif error.in_doubt:
            known.doubtful.add(value)

    def _add(self, n: int) -> None:
        _, error = self._call("add", lambda: self.client.add(self.counter(n), {"n": 1}, timeout=DEADLINE))
        with self._lock:
            if error is None:
                self.added[n] += 1
            elif error.in_doubt:
                self.perhaps_added[n] += 1

    # When it is over ---------------------------------------------------------------------------------------

    def check_all(self, *, kept: bool = True) -> None:
        """Hold everything that was seen and everything that is stored against what was acknowledged."""
        assert len(self.calls) > 3 * CALLS
        limit = DEADLINE + TOLERANCE + 2 * self.lag.worst_ms
        late = [call for call in self.calls if call.elapsed_ms > limit]
        assert not late, f"{len(late)} calls took more than {limit:.0f} ms, such as {late[0]}"
        if not kept:
            return
        assert not self.wrong, f"{len(self.wrong)} wrong values, such as {self.wrong[0]}"
        for thread in range(THREADS):
            for n in range(KEYS):
                self._check(thread, n, self.client.get(self.key(thread, n)).bins)
        assert not self.wrong, f"{len(self.wrong)} writes lost, such as {self.wrong[0]}"
        for n in range(COUNTERS):
            value = self.client.get(self.counter(n))["n"]
            assert self.added[n] <= value <= self.added[n] + self.perhaps_added[n]

    def failures(self, kind: str | None = None, *, since: float = 0.0) -> list[Call]:
        """The calls of this kind that failed, of those that began after a moment."""
        return [
            call
            for call in self.calls
            if call.error is not None and call.began >= since and kind in (None, call.kind)
        ]

    def expect_service(self, since: float) -> None:
        """No call fails that begins two tend intervals after this moment or later."""
        back = since + 2 * TEND / 1000 + 2 * self.lag.worst_ms / 1000
        wait_until(lambda: time.monotonic() > back)
        self.go_on()
        failed = self.failures(since=back)
        assert not failed, f"{len(failed)} calls failed after {2 * TEND:g} ms, such as {failed[0]}"


@pytest.fixture
def three() -> Iterator[EmbeddedCluster]:
    with EmbeddedCluster(nodes=3, process=True) as cluster:
        yield cluster


@pytest.fixture
def load(three: EmbeddedCluster) -> Iterator[Load]:
    with Client(three.hosts, ClientPolicy(tend_interval=TEND)) as client, Load(client, SEED) as load:
        yield load


def restart(node: EmbeddedNode) -> None:
    node.stop()
    node.start()


# A fault of one node, and what ends it.
ONE_DOWN: dict[str, tuple[Callable[[EmbeddedNode], object], Callable[[EmbeddedNode], object]]] = {
    "stopped": (EmbeddedNode.stop, EmbeddedNode.start),
    "killed": (EmbeddedNode.kill, EmbeddedNode.start),
    "frozen": (EmbeddedNode.freeze, EmbeddedNode.thaw),
    "restarted": (restart, lambda node: None),
    "gone to another address": (lambda node: node.restart(0), lambda node: None),
    "refusing connections": (EmbeddedNode.refuse, EmbeddedNode.accept),
    "down with its port closed": (lambda node: (node.refuse(), node.kill()), EmbeddedNode.start),
}


@pytest.mark.embedded_only
@pytest.mark.parametrize("fault", ONE_DOWN)
def test_one_node_down_costs_no_write_no_read_and_no_time(
    three: EmbeddedCluster, fault: str, load: Load
) -> None:
    begin, end = ONE_DOWN[fault]
    node = three.nodes[random.Random(fault).randrange(3)]
    began = time.monotonic()
    begin(node)
    load.go_on()
    load.expect_service(began)
    ended = time.monotonic()
    end(node)
    load.expect_service(ended)
    load.__exit__()
    assert not load.failures("get"), "a read can always go to the other replica"
    load.check_all()
    wait_until(
        lambda: sum(each.active for each in load.client.nodes()) == 3, "the node's return to the client"
    )


# Faults that hit a number of answers.
BROKEN: dict[str, Callable[[EmbeddedNode], object]] = {
    "cut in the middle": lambda node: node.cut(times=10),
    "cut in the header": lambda node: node.cut(after_bytes=5, times=10),
    "closed after the request": lambda node: node.close_after_request(times=10),
    "closed before the request": lambda node: node.drop_before_execute(times=10),
    "garbage": lambda node: node.garbage(times=10),
    "device overload": lambda node: node.answer_with(18, times=10),
    "server timeout, not done": lambda node: node.answer_with(9, times=10),
    "server timeout, but done": lambda node: node.answer_with(9, times=10, execute=True),
}


@pytest.mark.embedded_only
@pytest.mark.parametrize("fault", BROKEN)
def test_broken_answers_cost_no_write_and_no_read(
    three: EmbeddedCluster, fault: str, load: Load, client_kind: str
) -> None:
    for node in three.nodes:
        BROKEN[fault](node)
        load.go_on()
    load.expect_service(time.monotonic())
    load.__exit__()
    assert not load.failures("get"), "a read is tried again"
    together = 1 if client_kind == "threads" else THREADS  # commands on a connection that breaks
    assert 0 < len(load.failures()) <= 30 * together
    load.check_all()


@pytest.mark.embedded_only
def test_a_slow_node_costs_nothing_but_time(three: EmbeddedCluster, load: Load) -> None:
    three.nodes[1].delay(DEADLINE / 3 / 2 / 1000)  # half the share of a read's first try
    load.go_on()
    load.go_on()
    three.nodes[1].delay(0)
    load.go_on()
    load.__exit__()
    assert not load.failures()
    load.check_all()


@pytest.mark.embedded_only
def test_answers_in_small_pieces_are_put_together(three: EmbeddedCluster, load: Load) -> None:
    for node in three.nodes:
        node.drip(7, 0.0005)
    load.go_on()
    load.go_on()
    load.__exit__()
    assert not load.failures()
    load.check_all()


@pytest.mark.embedded_only
def test_partitions_that_move_all_the_time_cost_nothing(three: EmbeddedCluster, load: Load) -> None:
    for seed in range(20):
        three.move_partitions(count=1000, seed=seed)
        goal = len(load.calls) + CALLS
        wait_until(lambda goal=goal: len(load.calls) > goal)  # type: ignore[misc]
    load.__exit__()
    assert not load.failures()
    load.check_all()


@pytest.mark.embedded_only
def test_nodes_that_go_one_after_the_other_cost_no_write(three: EmbeddedCluster, load: Load) -> None:
    chance = random.Random(SEED)
    for _ in range(4):
        node = chance.choice(three.nodes)
        chance.choice((EmbeddedNode.stop, EmbeddedNode.kill))(node)
        load.go_on()
        began = time.monotonic()
        node.restart(chance.choice((None, 0)))
        load.expect_service(began)
    load.__exit__()
    load.check_all()


@pytest.mark.embedded_only
def test_all_nodes_gone_and_back_elsewhere_are_found_again(three: EmbeddedCluster, load: Load) -> None:
    for node in three.nodes:
        node.kill(detach_after=0)
    load.go_on()
    assert load.failures()
    for node in three.nodes[1:]:
        node.restart(0)
    three.nodes[0].start()  # at the seed's address
    began = time.monotonic()
    wait_until(lambda: sum(each.active for each in load.client.nodes()) == 3, "the return of all")
    assert time.monotonic() - began < 2 * TEND / 1000 + 1
    load.go_on()
    load.__exit__()
    load.check_all(kept=False)  # their records are gone, as they were in memory


# What an error tells ----------------------------------------------------------------------------------------


@pytest.fixture
def one() -> Iterator[EmbeddedCluster]:
    with EmbeddedCluster() as cluster:
        yield cluster


@pytest.fixture
def one_client(one: EmbeddedCluster) -> Iterator[Client]:
    with Client(one.hosts) as client:
        yield client


KEY = Key("test", "s", "k")
TWICE = WritePolicy(max_retries=1)


def test_a_write_whose_answer_was_lost_is_in_doubt_and_not_sent_again(
    one: EmbeddedCluster, one_client: Client
) -> None:
    for fault, applied in (
        ("close_after_request", 1),
        ("drop_before_execute", 0),
        ("garbage", 1),
        ("cut", 1),
    ):
        one.clear()
        getattr(one.nodes[0], fault)()
        with pytest.raises((errors.ConnectionError, errors.ProtocolError)) as caught:
            one_client.add(KEY, {"n": 1})
        error = caught.value
        assert error.in_doubt is True
        assert "in doubt" in str(error)
        assert [(attempt.node, attempt.sent) for attempt in error.attempts] == [("A1", True)]
        record = one_client.get(KEY, default={"n": 0})
        assert record["n"] == applied


def test_a_write_is_sent_again_if_the_user_said_so(one: EmbeddedCluster, one_client: Client) -> None:
    one.nodes[0].close_after_request()
    one_client.add(KEY, {"n": 1}, policy=TWICE)
    assert one_client.get(KEY)["n"] == 2  # that is what it means
    one.nodes[0].close_after_request(times=2)
    with pytest.raises(errors.ConnectionError) as caught:
        one_client.add(KEY, {"n": 1}, policy=TWICE)
    assert caught.value.in_doubt is True
    assert len(caught.value.attempts) == 2


def test_a_write_that_was_applied_before_it_was_refused_is_in_doubt(
    one: EmbeddedCluster, one_client: Client
) -> None:
    one_client.put(KEY, {"n": 1})
    one.nodes[0].close_after_request()
    with pytest.raises(errors.GenerationError) as caught:  # by the second try, as the first one was applied
        one_client.put(KEY, {"n": 2}, generation=1, policy=TWICE)
    assert caught.value.in_doubt is True
    assert one_client.get(KEY)["n"] == 2


def test_a_write_that_was_never_sent_is_not_in_doubt(one: EmbeddedCluster, one_client: Client) -> None:
    one.nodes[0].refuse()
    with pytest.raises(errors.ConnectionError) as caught:
        one_client.put(KEY, {"a": 1})
    error = caught.value
    assert error.in_doubt is False
    assert [attempt.sent for attempt in error.attempts] == [False]
    assert "refused" in str(error)
    assert error.node == "A1"


def test_a_write_that_the_server_refused_is_not_in_doubt(one: EmbeddedCluster, one_client: Client) -> None:
    for code in (5, 13, 18, 22):
        one.nodes[0].answer_with(code)
        with pytest.raises(errors.ServerError) as caught:
            one_client.put(KEY, {"a": 1})
        assert caught.value.in_doubt is False


def test_a_write_that_timed_out_is_in_doubt_wherever_that_was(
    one: EmbeddedCluster, one_client: Client
) -> None:
    one.nodes[0].answer_with(9)
    with pytest.raises(errors.ServerTimeout) as at_server:
        one_client.put(KEY, {"a": 1})
    one.nodes[0].freeze()
    with pytest.raises(errors.TimeoutError) as at_client:
        one_client.put(KEY, {"a": 1}, timeout=100)
    for caught in (at_server, at_client):
        assert caught.value.in_doubt is True
        assert isinstance(caught.value, TimeoutError)
        assert caught.value.advice
    assert "read the record" in at_client.value.advice


def test_a_read_is_never_in_doubt(one: EmbeddedCluster, one_client: Client) -> None:
    one.nodes[0].freeze()
    with pytest.raises(errors.TimeoutError) as caught:
        one_client.get(KEY, timeout=90)
    assert caught.value.in_doubt is False


def test_an_error_tells_every_attempt(three: EmbeddedCluster) -> None:
    with Client(three.hosts) as client:
        master, replica = three.owners(KEY.namespace, KEY.partition_id)
        client.exists(KEY)
        master.freeze()
        replica.freeze()
        with pytest.raises(errors.TimeoutError) as caught:
            client.get(KEY, policy=ReadPolicy(total_timeout=300))
        error = caught.value
        assert [attempt.node for attempt in error.attempts[:2]] == [master.name, replica.name]
        assert len(error.attempts) == 3
        assert all(attempt.sent for attempt in error.attempts)
        assert all(attempt.elapsed_ms >= 90 for attempt in error.attempts)
        assert (error.timeout, error.key, error.result_code) == (300, KEY, None)
        text = str(error)
        for words in ("deadline 300 ms", repr(KEY), "attempt 1: ", "attempt 3: ", "advice: ", master.name):
            assert words in text


def test_an_error_travels_with_all_it_tells(one: EmbeddedCluster, one_client: Client) -> None:
    one.nodes[0].close_after_request(times=2)
    with pytest.raises(errors.ConnectionError) as caught:
        one_client.put(KEY, {"a": 1}, policy=TWICE)
    copy = pickle.loads(pickle.dumps(caught.value))
    assert type(copy) is type(caught.value)
    assert str(copy) == str(caught.value)
    assert copy.attempts == caught.value.attempts
    assert (copy.key, copy.node, copy.in_doubt) == (KEY, "A1", True)


def header(size: int, kind: int = 3, version: int = 2) -> bytes:
    return struct.pack(">Q", version << 56 | kind << 48 | size)


def message(fields: int = 0, ops: int = 0, rest: bytes = b"", head: int = 22) -> bytes:
    body = struct.pack(">BBBBBBIIIHH", head, 0, 0, 0, 0, 0, 1, 0, 0, fields, ops) + rest
    return header(len(body)) + body


def op(particle: int, value: bytes, size: int | None = None) -> bytes:
    return struct.pack(">IBBBB", 5 + len(value) if size is None else size, 1, particle, 0, 1) + b"a" + value


HOSTILE = {
    "the greatest length": header(2**48 - 1),
    "a length above the limit": header(200 << 20) + b"x" * 100,
    "no length": header(0),
    "another type": header(22, kind=1) + bytes(22),
    "another version": header(22, version=3) + bytes(22),
    "zeros": bytes(64),
    "a short header": message(head=21),
    "fields that are not there": message(fields=65535),
    "operations that are not there": message(ops=65535),
    "an operation of 4 GB": message(ops=1, rest=op(1, b"", size=2**32 - 1)),
    "an operation of no size": message(ops=1, rest=op(1, b"", size=0)),
    "an integer of 3 bytes": message(ops=1, rest=op(1, b"abc")),
    "a list of 4 billion": message(ops=1, rest=op(20, b"\xdd\xff\xff\xff\xff")),
    "a map of 4 billion": message(ops=1, rest=op(19, b"\xdf\xff\xff\xff\xff")),
    "a list without an end": message(ops=1, rest=op(20, b"\x91" * 100_000)),
    "text longer than the message": message(ops=1, rest=op(20, b"\x91\xdb\xff\xff\xff\xff\x03x")),
    "bytes behind the answer": message() + b"x",
    "bytes behind the operations": message(rest=b"xyz"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_answer_is_a_clear_error_in_time(
    one: EmbeddedCluster, one_client: Client, name: str
) -> None:
    one_client.put(KEY, {"a": 1})
    one.nodes[0].garbage(HOSTILE[name])
    with within(300), pytest.raises(errors.ProtocolError) as caught:
        one_client.get(KEY, policy=ReadPolicy(max_retries=0, total_timeout=300))
    assert caught.value.node == "A1"
    assert closed(one_client) == {"protocol error": 1}
    assert one_client.get(KEY).bins == {"a": 1}


def test_an_answer_that_never_ends_meets_the_deadline(one: EmbeddedCluster, one_client: Client) -> None:
    one_client.put(KEY, {"a": "x" * 2000})
    one.nodes[0].drip(1, 0.005)
    for policy in (
        ReadPolicy(total_timeout=200, max_retries=0),
        ReadPolicy(total_timeout=200, socket_timeout=100),
    ):
        with within(200), pytest.raises(errors.TimeoutError, match="in the middle of the answer"):
            one_client.get(KEY, policy=policy)
