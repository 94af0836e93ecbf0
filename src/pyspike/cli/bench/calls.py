"""The calls of a benchmark: which is next, with which keys and values, and what its result tells.

A method of a client is called in the same way whether it is for threads or for tasks; for tasks the result is
what the caller awaits. Not here: when a call is made, and how long it took.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any, TypeAlias

from pyspike import AsyncClient, Client, Key
from pyspike.cli.bench.plan import Plan

__all__ = ["AnyClient", "Call", "Calls", "names"]

AnyClient: TypeAlias = Client | AsyncClient

NEVER = 1e-9  # a share of calls below which there are none: what is left of sums that should be 0


@dataclass(frozen=True, slots=True)
class Call:
    """A method of the client, called again and again with other keys.

    Args:
        name: the method's.
        send: calls it; its argument is the call's number in the order of all calls.
        missing: of a result, how many records were not there.
    """

    name: str
    send: Callable[[int], Any]
    missing: Callable[[Any], int]


def names(plan: Plan) -> dict[str, int]:
    """The names of the calls that a plan makes, and how many records each is about."""
    shares = {
        _name("get", plan.read_batch): (plan.workload.reads, plan.read_batch),
        _name("put", plan.write_batch): (plan.workload.writes, plan.write_batch),
        _name("delete", plan.write_batch): (plan.workload.deletes, plan.write_batch),
    }
    return {name: records for name, (share, records) in shares.items() if share > NEVER}


def _name(method: str, records: int) -> str:
    return method if records == 1 else f"batch_{method}"


class Calls:
    """The calls of one thread or task.

    Args:
        client: shared by all of them.
        plan: what is done.
        number: that of the thread or task, by which its random numbers are its own.
    """

    def __init__(self, client: AnyClient, plan: Plan, number: int) -> None:
        self._client: Any = client
        self._plan = plan
        self._random = Random(f"{plan.seed} {number}")
        bins = plan.spec.make(Random(plan.seed))
        self._fixed: dict[str, Any] | None = bins
        if plan.workload.kind == "DB":
            self._fixed = dict.fromkeys(bins)
        elif plan.is_random:
            self._fixed = None
        self._get_below, self._put_below = plan.workload.reads, 1 - plan.workload.deletes
        self._get = self._call("get", plan.read_batch, lambda result: result is None)
        self._put = self._call("put", plan.write_batch, lambda result: False)
        self._delete = self._call("delete", plan.write_batch, lambda result: not result)

    def choose(self) -> Call:
        """The next one."""
        dice = self._random.random()
        if dice < self._get_below:
            return self._get
        return self._put if dice < self._put_below else self._delete

    def _call(self, method: str, records: int, is_missing: Callable[[Any], bool]) -> Call:
        if records == 1:
            return Call(method, getattr(self, f"_{method}_one"), is_missing)
        send = getattr(self, f"_{method}_many")
        return Call(
            _name(method, records),
            send,
            lambda results: sum(map(is_missing, () if results is None else results)),
        )

    # --- what is sent ---

    def _get_one(self, number: int) -> Any:
        return self._client.get(self._key(number), default=None)

    def _get_many(self, number: int) -> Any:
        return self._client.batch_get(self._keys(number, self._plan.read_batch))

    def _put_one(self, number: int) -> Any:
        return self._client.put(self._key(number), self._bins())

    def _put_many(self, number: int) -> Any:
        rows = [(key, self._bins()) for key in self._keys(number, self._plan.write_batch)]
        return self._client.batch_put(rows, row_policy=self._plan.write_row)

    def _delete_one(self, number: int) -> Any:
        return self._client.delete(self._key(number))

    def _delete_many(self, number: int) -> Any:
        keys = self._keys(number, self._plan.write_batch)
        return self._client.batch_delete(keys, row_policy=self._plan.delete_row)

    def _key(self, number: int) -> Key:
        plan = self._plan
        place = number if plan.workload.is_sequential else int(self._random.random() * plan.keys)
        return Key(plan.namespace, plan.set_name, plan.start_key + place)

    def _keys(self, number: int, count: int) -> list[Key]:
        if not self._plan.workload.is_sequential:
            return [self._key(number) for _ in range(count)]
        return [
            self._key(place) for place in range(number * count, min((number + 1) * count, self._plan.taken))
        ]

    def _bins(self) -> dict[str, Any]:
        return self._plan.spec.make(self._random) if self._fixed is None else self._fixed
