"""A Celery task that is done once, however often its message is delivered.

    python examples/celery_task.py                      runs some tasks in this process
    celery -A celery_task worker --pool prefork         a worker, in this folder, with your broker

Brokers deliver at least once. What a task changes and the note that it was done are in one record, and are
written by one `operate`, all or nothing: there is no moment at which only one of them is there. The client is
made when it is needed first; one that was made before a worker forked would serve its children as well.
"""

from __future__ import annotations

import os
import uuid

from celery import Celery  # type: ignore[import-untyped]
from place import hosts

from pyspike import Client, ElementExists, MapWriteFlags, RecordExistsAction, WritePolicy
from pyspike import operations as op

app = Celery("celery_task", broker=os.environ.get("CELERY_BROKER", "memory://"))
clients: list[Client] = []
# Nobody is charged without an account.
THERE = WritePolicy(record_exists_action=RecordExistsAction.UPDATE_ONLY)


def client() -> Client:
    """The client of the process."""
    if not clients:
        clients.append(Client.from_env())
    return clients[0]


@app.task  # type: ignore[untyped-decorator]
def charge(order: str, user: str, amount: int) -> bool:
    """Take an amount off a user's account, once an order; returns whether this call did.

    Raises:
        RecordNotFound: there is no such account.
    """
    noted = op.maps.put("orders", order, amount, write_flags=MapWriteFlags.CREATE_ONLY)
    try:
        client().operate(("test", "accounts", user), [noted, op.add("balance", -amount)], policy=THERE)
    except ElementExists:
        return False
    return True


def main() -> None:
    app.conf.task_always_eager = True
    with hosts() as where, Client(where) as made:
        clients[:] = [made]
        user, order = f"user-{uuid.uuid4()}", str(uuid.uuid4())
        made.put(("test", "accounts", user), {"balance": 100})
        done = [charge.delay(order, user, 30).get() for _ in range(3)]  # delivered three times
        print("charged:", done, "left:", made.get(("test", "accounts", user))["balance"])
        clients.clear()


if __name__ == "__main__":
    main()
