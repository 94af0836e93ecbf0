"""What tests of transactions have done in processes of their own.

`python transaction_scenarios.py <scenario> <hosts>`.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import random
import sys
from typing import Any

from pyspike import AerospikeError, ClientPolicy, Key, WritePolicy
from support.clients import Client
from support.processes import main

ACCOUNTS, EACH = 8, 100
KEYS = [Key("test", "killed", number) for number in range(ACCOUNTS)]
READY = "begun"


def move_money_until_killed(hosts: str) -> None:
    """Random transfers, each in a transaction; whoever runs this kills it in the middle of one."""
    chance = random.Random(os.getpid())
    policy = ClientPolicy(write=WritePolicy(total_timeout=2000))
    with Client(hosts, policy) as client:
        print(READY, flush=True)
        while True:
            payer, payee = chance.sample(KEYS, 2)
            with contextlib.suppress(AerospikeError):  # others hold the accounts
                client.run_in_transaction(lambda txn: _move(client, payer, payee, txn), timeout=2)  # noqa: B023


def _move(client: Client, payer: Key, payee: Key, txn: Any) -> None:
    balance = client.get(payer, txn=txn)["balance"]
    if balance > 0:
        client.put(payer, {"balance": balance - 1}, txn=txn)
        client.add(payee, {"balance": 1}, txn=txn)


def finish_what_another_began(hosts: str) -> None:
    """Commit the transaction whose pickle is on stdin."""
    txn = pickle.loads(sys.stdin.buffer.read())
    with Client(hosts) as client:
        print(client.commit(txn).name, txn.state.name)


if __name__ == "__main__":
    main([move_money_until_killed, finish_what_another_began])
