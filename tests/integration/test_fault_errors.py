"""What an error tells: every attempt, whether the command may have been applied, and what to do."""

from __future__ import annotations

import gc
import pickle
import weakref
from collections.abc import Callable, Iterator

import pytest

from pyspike import Client, ClientPolicy, Key, ReadPolicy, WritePolicy, errors, exp
from pyspike.server import EmbeddedCluster
from support.cluster_tools import wait_until, within

pytestmark = pytest.mark.both_kinds


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
    # What was not sent is tried until the deadline, which may come while the last attempt waits.
    with pytest.raises((errors.ConnectionError, errors.TimeoutError)) as caught:
        one_client.put(KEY, {"a": 1})
    error = caught.value
    assert error.in_doubt is False
    assert {attempt.sent for attempt in error.attempts} == {False}
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
            client.get(KEY, policy=ReadPolicy(total_timeout=900))
        error = caught.value
        assert [attempt.node for attempt in error.attempts[:2]] == [master.name, replica.name]
        count = len(error.attempts)
        assert 2 <= count <= 3, "where the machine is late there is no time for the third"
        assert error.attempts[0].elapsed_ms >= 290, "a third of the deadline"
        assert all(attempt.sent for attempt in error.attempts)
        assert (error.timeout, error.key, error.result_code) == (900, KEY, None)
        text = str(error)
        for words in ("deadline 900 ms", repr(KEY), "attempt 1: ", f"attempt {count}: ", "advice: "):
            assert words in text
        assert master.name in text


def test_an_error_travels_with_all_it_tells(one: EmbeddedCluster, one_client: Client) -> None:
    one.nodes[0].close_after_request(times=2)
    with pytest.raises(errors.ConnectionError) as caught:
        one_client.put(KEY, {"a": 1}, policy=TWICE)
    copy = pickle.loads(pickle.dumps(caught.value))
    assert type(copy) is type(caught.value)
    assert str(copy) == str(caught.value)
    assert copy.attempts == caught.value.attempts
    assert (copy.key, copy.node, copy.in_doubt) == (KEY, "A1", True)


def test_an_answer_that_never_ends_meets_the_deadline(one: EmbeddedCluster, one_client: Client) -> None:
    one_client.put(KEY, {"a": "x" * 2000})
    one.nodes[0].drip(1, 0.005)
    for policy in (
        ReadPolicy(total_timeout=200, max_retries=0),
        ReadPolicy(total_timeout=200, socket_timeout=100),
    ):
        with within(200), pytest.raises(errors.TimeoutError, match="in the middle of the answer"):
            one_client.get(KEY, policy=policy)


class Bins(dict[str, object]):
    """Bins that tell when they are gone."""


ONCE = ReadPolicy(max_retries=0)
FAILURES: dict[str, tuple[str | None, Callable[[Client, Bins], object]]] = {
    "refused": (None, lambda client, bins: client.put(KEY, bins, generation=99)),
    "too large": (None, lambda client, bins: client.put(KEY, bins | {"b": bytes(2**20)})),
    "no such record": (None, lambda client, bins: client.get(Key("test", "s", "none"))),
    "no such namespace": (None, lambda client, bins: client.put(("nowhere", "s", 1), bins)),
    "no such type": (None, lambda client, bins: client.put(KEY, bins | {"b": object()})),
    "no such policy": (None, lambda client, bins: client.put(KEY, bins, policy=bins)),  # type: ignore[arg-type]
    "filtered out": (
        None,
        lambda client, bins: client.put(KEY, bins, filter_expression=exp.int_bin("n") > 9),
    ),
    "connection lost": ("close_after_request", lambda client, bins: client.put(KEY, bins)),
    "lost in the answer": ("cut", lambda client, bins: client.get(KEY, policy=ONCE)),
    "no answer": ("garbage", lambda client, bins: client.put(KEY, bins)),
    "never sent": (
        "drop_before_execute",
        lambda client, bins: client.put(KEY, bins, policy=TWICE, timeout=50),
    ),
    "no such info": (None, lambda client, bins: client.info("there is no such command")),
    "no such node": (None, lambda client, bins: client.info("build", "A9")),
    "nobody there": (None, lambda client, bins: Client("127.0.0.1:1", ClientPolicy(timeout=100))),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_a_handled_error_leaves_nothing_to_the_garbage_collector(
    one: EmbeddedCluster, one_client: Client, failure: str
) -> None:
    """A request may be a megabyte, and its caller's frame may hold more."""
    fault, fails = FAILURES[failure]
    one_client.put(KEY, {"n": 1})
    if fault is not None:
        getattr(one.nodes[0], fault)(times=9)

    def call() -> list[weakref.ref[object]]:
        bins, local = Bins(a=1), Bins()
        try:
            fails(one_client, bins)
        except errors.AerospikeError:
            return [weakref.ref(bins), weakref.ref(local)]
        raise AssertionError("no error")

    gc.collect()
    gc.disable()
    try:
        held = call()
        wait_until(lambda: not any(reference() for reference in held))
    finally:
        gc.enable()
    one.heal()


def test_nodes_that_are_gone_leave_no_error_behind(three: EmbeddedCluster) -> None:
    """Not to the garbage collector either: of tending, of connecting, and of the commands themselves."""

    def errors_alive() -> list[object]:
        found = [each for each in gc.get_objects() if isinstance(each, errors.AerospikeError)]
        return [each for each in found if id(each) not in others]

    others: set[int] = set()
    others = {id(each) for each in errors_alive()}  # of tests that failed in this process
    with Client(three.hosts, ClientPolicy(tend_interval=20)) as client:
        client.put(KEY, {"n": 1})
        gc.collect()
        gc.disable()
        try:
            for node in three.nodes:
                node.kill()
            for _ in range(10):
                with pytest.raises(errors.AerospikeError):
                    client.put(KEY, {"n": 2}, timeout=50)
            wait_until(lambda: not errors_alive())
        finally:
            gc.enable()
