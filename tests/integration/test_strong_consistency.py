"""Reads and writes of a namespace with strong consistency: who is asked, and what is told of it.

Which node answers is counted by the nodes themselves (strong-consistency.md 13.2, 13.4).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pyspike import (
    BatchPolicy,
    BatchRead,
    BatchReadPolicy,
    Client,
    Key,
    ReadModeSC,
    ReadPolicy,
    Replica,
    WritePolicy,
    errors,
)
from pyspike import operations as op
from pyspike.server import EmbeddedCluster, EmbeddedNode
from support.cluster_tools import wait_until

pytestmark = [pytest.mark.both_kinds, pytest.mark.embedded_only]

KEY = Key("test", "strong", 1)
OVERLOAD = 18  # a result code after which a read is tried again
MODES = ReadModeSC


@pytest.fixture(scope="module")
def shared() -> Iterator[EmbeddedCluster]:
    with EmbeddedCluster(nodes=3, namespaces=("test", "plain"), strong_consistency=["test"]) as cluster:
        yield cluster


@pytest.fixture
def strong(shared: EmbeddedCluster) -> EmbeddedCluster:
    shared.heal()
    return shared


def owners(cluster: EmbeddedCluster, key: Key = KEY) -> list[EmbeddedNode]:
    return cluster.owners(key.namespace, key.partition_id)


def asked(cluster: EmbeddedCluster, call: Callable[[], object]) -> list[int]:
    """How many data requests each owner of the key, and all others together, get of a call."""
    ordered = owners(cluster)
    ordered += [node for node in cluster.nodes if node not in ordered]
    before = [node.stats.data_requests for node in ordered]
    call()
    return [node.stats.data_requests - had for node, had in zip(ordered, before, strict=True)]


def reads(client: Client, mode: ReadModeSC, **options: Any) -> list[Callable[[], object]]:
    """A read of each family, in this mode."""
    single = ReadPolicy(read_mode_sc=mode, **options)
    batch = BatchPolicy(read_mode_sc=mode, **options)
    other = BatchPolicy(**options)
    row = BatchRead(KEY, policy=BatchReadPolicy(read_mode_sc=mode))
    return [
        lambda: client.get(KEY, policy=single),
        lambda: client.exists(KEY, policy=single),
        lambda: client.batch_get([KEY], policy=batch),
        lambda: client.batch([row], policy=other).raise_for_errors(),
    ]


def test_whether_a_namespace_is_strong_is_known(strong: EmbeddedCluster) -> None:
    with Client(strong.hosts) as client:
        assert client.is_strong_consistency("test") is True
        assert client.is_strong_consistency("plain") is False
        with pytest.raises(errors.InvalidNamespace):
            client.is_strong_consistency("other")


def test_a_session_read_is_the_masters_and_stays_there(strong: EmbeddedCluster) -> None:
    with Client(strong.hosts) as client:
        client.put(KEY, {"a": 1})
        for read in reads(client, MODES.SESSION, replica=Replica.RANDOM):
            assert asked(strong, read) == [1, 0, 0]
            assert asked(strong, read) == [1, 0, 0]
            owners(strong)[0].answer_with(OVERLOAD)
            assert asked(strong, read) == [2, 0, 0]


def test_a_linearized_read_moves_after_errors_but_not_after_time_outs(strong: EmbeddedCluster) -> None:
    with Client(strong.hosts) as client:
        client.put(KEY, {"a": 1})
        master = owners(strong)[0]
        for read in reads(client, MODES.LINEARIZE):
            master.answer_with(OVERLOAD)
            assert asked(strong, read)[1] >= 1
        for read in reads(client, MODES.LINEARIZE, socket_timeout=60, total_timeout=200, max_retries=1):
            master.freeze()
            try:
                with pytest.raises((errors.TimeoutError, errors.BatchError)):
                    read()
            finally:
                master.thaw()


def test_a_relaxed_read_asks_the_replicas_as_the_policy_says(strong: EmbeddedCluster) -> None:
    with Client(strong.hosts) as client:
        client.put(KEY, {"a": 1})
        for mode in (MODES.ALLOW_REPLICA, MODES.ALLOW_UNAVAILABLE):
            for read in reads(client, mode, replica=Replica.RANDOM):
                total = [sum(each) for each in zip(*(asked(strong, read) for _ in range(4)), strict=True)]
                assert total == [2, 2, 0]
            for read in reads(client, mode):
                owners(strong)[0].answer_with(OVERLOAD)
                assert asked(strong, read) == [1, 1, 0]


def test_without_strong_consistency_a_mode_changes_no_routes(strong: EmbeddedCluster) -> None:
    key = Key("plain", "strong", 1)
    with Client(strong.hosts) as client:
        client.put(key, {"a": 1})
        master, replica = strong.owners("plain", key.partition_id)
        for mode in (MODES.SESSION, MODES.ALLOW_REPLICA):
            before = replica.stats.data_requests
            master.answer_with(OVERLOAD)
            client.get(key, policy=ReadPolicy(read_mode_sc=mode))
            assert replica.stats.data_requests == before + 1


def test_an_unavailable_partition_is_told_as_what_it_is(strong: EmbeddedCluster) -> None:
    with Client(strong.hosts) as client:
        client.put(KEY, {"a": 1})
        strong.lose_partition("test", KEY.partition_id)
        try:
            once = {"max_retries": 0}
            calls: list[Callable[[], object]] = [
                lambda: client.get(KEY, policy=ReadPolicy(**once)),
                lambda: client.get(KEY, policy=ReadPolicy(read_mode_sc=MODES.LINEARIZE, **once)),
                lambda: client.put(KEY, {"a": 2}),
            ]
            for call in calls:
                with pytest.raises(errors.PartitionUnavailable) as caught:
                    call()
                assert caught.value.retryable
                assert "roster" in caught.value.advice
                assert "ALLOW_UNAVAILABLE" in caught.value.advice
        finally:
            strong.restore_partition("test", KEY.partition_id)
        assert client.get(KEY).bins == {"a": 1}


def test_a_dead_partition_is_told_until_it_is_revived(strong: EmbeddedCluster) -> None:
    with Client(strong.hosts) as client:
        client.put(KEY, {"a": 1})
        lost = owners(strong)
        for node in lost:
            node.kill(detach_after=60)  # both at once, so that nobody else has a copy of what was theirs
        for node in lost:
            node.start()
        for mode in (MODES.SESSION, MODES.LINEARIZE, MODES.ALLOW_REPLICA):
            with pytest.raises(errors.PartitionUnavailable) as caught:
                client.get(KEY, timeout=5000, policy=ReadPolicy(read_mode_sc=mode, max_retries=2))
            assert "an operator revives it" in caught.value.advice
        strong.heal()
        wait_until(lambda: client.get(KEY, timeout=500).bins == {"a": 1}, "the partition")


DURABLE_IN_CALL = "in strong consistency a delete has to be durable: give WritePolicy(durable_delete=True)"
DURABLE_IN_ROW = (
    "in strong consistency a delete has to be durable: set durable_delete=True in the row policy, "
    "a {policy} here"
)


def test_a_delete_has_to_be_durable_and_the_error_says_where_that_is_said(strong: EmbeddedCluster) -> None:
    calls: list[tuple[Callable[[Client], object], str]] = [
        (lambda client: client.delete(KEY), DURABLE_IN_CALL),
        (lambda client: client.operate(KEY, [op.delete()]), DURABLE_IN_CALL),
        (lambda client: client.put(KEY, {"a": None}), DURABLE_IN_CALL),
        (lambda client: client.batch_delete([KEY]), DURABLE_IN_ROW.format(policy="BatchDeletePolicy")),
        (
            lambda client: client.batch_put({KEY: {"a": None}}),
            DURABLE_IN_ROW.format(policy="BatchWritePolicy"),
        ),
    ]
    with Client(strong.hosts) as client:
        client.put(KEY, {"a": 1})
        for call, advice in calls:
            with pytest.raises(errors.AerospikeError) as caught:
                call(client)
            assert caught.value.advice.startswith(advice)
            assert advice in str(caught.value)
        (row,) = client.batch_operate([KEY], [op.delete()])
        assert row.error is not None
        assert row.error.advice.startswith(DURABLE_IN_ROW.format(policy="BatchWritePolicy"))
        assert client.delete(KEY, policy=WritePolicy(durable_delete=True))
        assert not client.exists(KEY)


def test_what_is_refused_for_another_reason_is_not_told_to_be_durable(strong: EmbeddedCluster) -> None:
    with Client(strong.hosts) as client:
        client.put(KEY, {"a": 1})
        for call in (
            lambda: client.put(KEY, {"a": 1, "b": ""}),
            lambda: client.delete(KEY, policy=WritePolicy(durable_delete=True)),
        ):
            strong.owner(KEY).answer_with(22)
            with pytest.raises(errors.FailForbidden) as caught:
                call()
            assert caught.value.advice == caught.value.result_code.advice
