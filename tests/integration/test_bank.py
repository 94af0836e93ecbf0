"""A bank: random transfers in transactions, while clients die in the middle of them and nodes fall silent.

The sum never changes, and what the dead held is free in time. PYSPIKE_BANK_TRANSFERS=10000 has so many
transfers.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import random
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from transaction_scenarios import ACCOUNTS as SHARED
from transaction_scenarios import EACH as OF_EACH
from transaction_scenarios import KEYS as SHARED_KEYS
from transaction_scenarios import READY, move_money_until_killed

from pyspike import (
    AerospikeError,
    BatchPolicy,
    Client,
    ClientPolicy,
    Key,
    ReadPolicy,
    TxnRollPolicy,
    TxnVerifyPolicy,
    WritePolicy,
)
from pyspike.server import EmbeddedCluster
from support.processes import PATIENCE, begin_scenario

TRANSFERS = int(os.environ.get("PYSPIKE_BANK_TRANSFERS", "80"))
KILLS = max(4, TRANSFERS // 100)
TELLERS, ACCOUNTS, EACH = 4, 12, 100
QUICK: dict[str, Any] = {"total_timeout": 500, "socket_timeout": 200}
POLICY = ClientPolicy(
    read=ReadPolicy(**QUICK),
    write=WritePolicy(**QUICK),
    batch=BatchPolicy(**QUICK),
    txn_verify=TxnVerifyPolicy(sleep_between_retries=10, **QUICK),
    txn_roll=TxnRollPolicy(sleep_between_retries=10, **QUICK),
)
KEYS = [Key("test", "accounts", number) for number in range(ACCOUNTS)]

pytestmark = [
    pytest.mark.both_kinds,
    pytest.mark.embedded_only,
    pytest.mark.timeout(120 + TRANSFERS / 5),  # some tens a second on an idle machine
]


@pytest.fixture(scope="module")
def strong() -> Iterator[EmbeddedCluster]:
    with EmbeddedCluster(nodes=3, namespaces=("test",), strong_consistency=True) as cluster:
        yield cluster


class DiesError(Exception):
    """A client dies: nothing of its transaction is ended by it."""


class Bank:
    """The tellers, who share the transfers that are to be made."""

    def __init__(self, cluster: EmbeddedCluster, client: Client, seed: int) -> None:
        self.cluster, self.client = cluster, client
        self.left = TRANSFERS
        self.chance = random.Random(seed)
        self.lock = threading.Lock()
        self.failed: list[BaseException] = []
        self.sums: set[int] = set()
        self.dead = self.done = 0

    def teller(self) -> None:
        try:
            while self._next():
                self._transfer()
        except BaseException as error:
            self.failed.append(error)

    def _next(self) -> bool:
        with self.lock:
            self.left -= 1
            return self.left >= 0

    def _transfer(self) -> None:
        with self.lock:
            payer, payee = self.chance.sample(KEYS, 2)
            amount, dies = self.chance.randint(1, 20), self.chance.random() < 0.05
        try:
            if dies:
                self._begin_and_die(payer)
            self.client.run_in_transaction(
                lambda txn: _move(self.client, payer, payee, amount, txn), retries=30, timeout=2
            )
            self.done += 1
        except DiesError:
            self.dead += 1
            self.cluster.clock.advance(1)  # 2 to 3 seconds after, what it held is free
        except AerospikeError:
            pass  # of a node that is silent: all or nothing has happened

    def _begin_and_die(self, payer: Key) -> None:
        txn = self.client.transaction(timeout=2)
        try:
            self.client.put(payer, {"balance": -1_000_000}, txn=txn)
        finally:
            pickle.dumps(txn)  # nobody here ends it any more
        raise DiesError

    def auditor(self) -> None:
        while self.left > 0:
            with contextlib.suppress(AerospikeError):  # others were quicker, or a node is silent
                self.sums.add(self.client.run_in_transaction(lambda txn: _sum(self.client, txn), retries=3))
            time.sleep(0.02)

    def weather(self) -> None:
        """Nodes that fall silent, one at a time, and come to."""
        chance = random.Random(7)
        while self.left > 0:
            node = chance.choice(self.cluster.nodes)
            node.freeze()
            time.sleep(0.1)
            node.thaw()
            time.sleep(0.4)


def _move(client: Client, payer: Key, payee: Key, amount: int, txn: Any) -> None:
    balance = client.get(payer, txn=txn)["balance"]
    if balance < amount:
        return
    client.put(payer, {"balance": balance - amount}, txn=txn)
    client.add(payee, {"balance": amount}, txn=txn)


def _sum(client: Client, txn: Any) -> int:
    return sum(record["balance"] for record in client.batch_get(KEYS, txn=txn) if record is not None)


def test_the_sum_of_all_accounts_never_changes(strong: EmbeddedCluster) -> None:
    with Client(strong.hosts, POLICY) as client:
        for key in KEYS:
            client.put(key, {"balance": EACH})
        bank = Bank(strong, client, seed=11)
        threads = [threading.Thread(target=bank.teller) for _ in range(TELLERS)]
        threads += [threading.Thread(target=bank.auditor), threading.Thread(target=bank.weather)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        strong.heal()
        assert bank.failed == []
        strong.clock.advance(5)
        balances = [client.get(key)["balance"] for key in KEYS]
        assert sum(balances) == ACCOUNTS * EACH
        assert bank.sums <= {ACCOUNTS * EACH}
        assert min(balances) >= 0
        for key in KEYS:
            client.touch(key)  # nobody holds it
        assert bank.done > TRANSFERS // 2
        assert bank.dead > 0


@pytest.mark.one_kind("whole processes are killed")
def test_processes_that_are_killed_leave_nothing_half_done(strong: EmbeddedCluster) -> None:
    chance = random.Random(5)
    with Client(strong.hosts, POLICY) as client:
        for key in SHARED_KEYS:
            client.put(key, {"balance": OF_EACH})
        for _ in range(KILLS // 2):
            name = move_money_until_killed.__name__
            tellers = [begin_scenario("transaction_scenarios.py", name, strong.hosts) for _ in range(2)]
            for teller in tellers:
                assert teller.stdout is not None
                assert teller.stdout.readline() == f"{READY}\n".encode()
            for teller in tellers:
                time.sleep(chance.uniform(0.02, 0.2))
                teller.kill()
                teller.communicate(timeout=PATIENCE)
        strong.clock.advance(5)
        assert sum(client.get(key)["balance"] for key in SHARED_KEYS) == SHARED * OF_EACH
        assert any(client.get(key)["balance"] != OF_EACH for key in SHARED_KEYS), "money was moved"
        for key in SHARED_KEYS:
            client.touch(key)  # nobody holds it
