"""Transactions of tasks: several at once in one, and those that are cancelled in the middle of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from pyspike import (
    AsyncClient,
    ClientPolicy,
    CommitStatus,
    Key,
    ReadPolicy,
    TransactionState,
    TxnRollPolicy,
    TxnVerifyPolicy,
    WritePolicy,
    errors,
)
from pyspike.server import EmbeddedCluster
from support.pipes import in_loop

pytestmark = pytest.mark.embedded_only

ANN, BOB, EVE = (Key("test", "tasks", name) for name in ("ann", "bob", "eve"))
IMPATIENT = ClientPolicy(
    read=ReadPolicy(max_retries=0),
    write=WritePolicy(max_retries=0),
    txn_verify=TxnVerifyPolicy(max_retries=0),
    txn_roll=TxnRollPolicy(max_retries=0, total_timeout=300),
)


@pytest.fixture(scope="module")
def shared() -> Iterator[EmbeddedCluster]:
    with EmbeddedCluster(namespaces=("test",), strong_consistency=True) as cluster:
        yield cluster


@pytest.fixture
def strong(shared: EmbeddedCluster) -> Iterator[EmbeddedCluster]:
    yield shared
    shared.heal()


@in_loop
async def test_tasks_share_a_transaction(strong: EmbeddedCluster) -> None:
    many = [Key("test", "tasks", number) for number in range(20)]
    async with AsyncClient(strong.hosts) as client:
        async with client.transaction() as txn:
            await asyncio.gather(*[client.put(each, {"n": 1}, txn=txn) for each in many])
        assert txn.state is TransactionState.COMMITTED
        assert all(await client.batch_exists(many))

        txn = client.transaction()
        await client.put(ANN, {"n": 1}, txn=txn)
        ended = await asyncio.gather(txn.commit(), txn.commit(), txn.abort(), return_exceptions=True)
        assert ended[:2] == [CommitStatus.OK, CommitStatus.ALREADY_COMMITTED]
        assert type(ended[2]) is errors.TransactionAlreadyCommitted


@pytest.mark.parametrize(
    ("step", "outcome"),
    [
        ("monitor", TransactionState.ABORTED),
        ("write", TransactionState.ABORTED),
        ("verify", TransactionState.ABORTED),
        ("mark", TransactionState.COMMIT_FAILED),
        ("roll_forward", TransactionState.COMMITTED),
        ("close", TransactionState.COMMITTED),
        ("roll_back", TransactionState.ABORTED),
    ],
)
@in_loop
async def test_a_task_that_is_cancelled_leaves_nothing_half_done(
    strong: EmbeddedCluster, step: str, outcome: TransactionState
) -> None:
    async with AsyncClient(strong.hosts, IMPATIENT) as client:
        for key in (ANN, BOB, EVE):
            await client.put(key, {"n": 0})
        txn = client.transaction(timeout=5)

        async def write() -> None:
            async with txn:
                await client.get(EVE, txn=txn)
                await client.put(ANN, {"n": 1}, txn=txn)
                await client.put(BOB, {"n": 1}, txn=txn)
                if step == "roll_back":
                    raise LookupError

        strong.fail_transactions(step, "freeze_after")
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(write(), 0.1)
        strong.heal()
        assert txn.state in (outcome, TransactionState.ABORTED)  # a slow machine came not so far
        if txn.in_doubt:
            assert await client.with_policies(txn_roll=TxnRollPolicy()).commit(txn) is CommitStatus.OK
        strong.clock.advance(10)  # the servers end what was left
        committed = txn.state is TransactionState.COMMITTED
        for key in (ANN, BOB):
            record = await client.get(key)
            assert record is not None
            assert record["n"] == committed
            await client.touch(key)  # no lock is left
