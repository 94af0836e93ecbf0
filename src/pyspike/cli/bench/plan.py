"""What a benchmark does: the workload and all other choices, as values."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pyspike import BatchDeletePolicy, BatchWritePolicy
from pyspike.cli.bench.object_spec import ObjectSpec

__all__ = ["WORKLOADS", "Plan", "Workload"]

WORKLOADS = """\
I writes each key once, I,60 the first 60 % of them. RU,80 reads a random key 80 % of the time and updates
one otherwise; RR,80 replaces it. RUD,70,20 reads 70 %, updates 20 %, and deletes otherwise. DB deletes the
bins of each key, and by that the record."""

SHARES = {"I": 1, "RU": 1, "RR": 1, "RUD": 2, "DB": 0}  # how many percentages a workload takes
DEFAULTS = {"I": (100.0,), "RU": (50.0,), "RR": (50.0,), "RUD": (50.0, 40.0)}
EACH_KEY_ONCE = {"I", "DB"}


@dataclass(frozen=True, slots=True)
class Workload:
    """What is done with which key.

    Args:
        kind: I, RU, RR, RUD or DB.
        percents: what is behind it.
    """

    kind: str
    percents: tuple[float, ...]

    @classmethod
    def parse(cls, text: str) -> Workload:
        """The workload that is written as RU,80.

        Raises:
            ValueError: there is none of that kind, or its percentages are wrong.
        """
        kind, *words = text.strip().upper().split(",")
        if kind not in SHARES:
            raise ValueError(f"there is no workload {kind!r}; there are {', '.join(SHARES)}")
        if not words:
            return cls(kind, DEFAULTS.get(kind, ()))
        try:
            percents = tuple(float(word) for word in words)
        except ValueError:
            raise ValueError(f"{text!r}: behind {kind} there are percentages, as in {kind},80") from None
        if len(percents) != SHARES[kind]:
            raise ValueError(f"{text!r}: behind {kind} there can be {SHARES[kind]} percentages")
        if not (all(0 <= percent <= 100 for percent in percents) and sum(percents) <= 100):
            raise ValueError(f"{text!r}: percentages are 0 to 100, together too")
        return cls(kind, percents)

    @property
    def is_sequential(self) -> bool:
        """Whether it takes each key once, one after the other."""
        return self.kind in EACH_KEY_ONCE

    @property
    def reads(self) -> float:
        """The part of its calls that read."""
        return 0.0 if self.is_sequential else self.percents[0] / 100

    @property
    def deletes(self) -> float:
        """The part of its calls that delete records."""
        return 1 - sum(self.percents) / 100 if self.kind == "RUD" else 0.0

    @property
    def writes(self) -> float:
        """The part of its calls that write."""
        return 1 - self.reads - self.deletes

    @property
    def keys(self) -> float:
        """The part of the keys that it takes."""
        return self.percents[0] / 100 if self.kind == "I" else 1.0

    def __str__(self) -> str:
        return ",".join([self.kind, *(f"{percent:g}" for percent in self.percents)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is done, where, by how many at a time and for how long.

    Args:
        workload: what is done.
        namespace: of the records.
        set_name: of the records.
        start_key: the first key, an integer.
        keys: how many keys there are, each one above the last.
        spec: what the records hold.
        is_random: whether each write has values of its own.
        seed: of values, keys and what is done with them.
        write_row: how batches write a record.
        delete_row: how batches delete one.
        read_batch: how many records a call reads; 1 for calls on one record.
        write_batch: the same of calls that write or delete.
        at_a_time: how many calls are under way in a process: that many threads or tasks.
        by_tasks: whether they are tasks of an asyncio loop.
        uses_uvloop: whether the loop is uvloop's.
        processes: how many processes do the same.
        rate: how many calls begin in a second, of all processes together; 0 for as many as there can be.
        seconds: how long; None for until `calls` are done.
        calls: how many, of all processes together; None for any number.
        warm_up: seconds of the same that are not counted, at the beginning.
        period: seconds between two looks at what has been done.
    """

    workload: Workload
    namespace: str
    set_name: str | None
    start_key: int
    keys: int
    spec: ObjectSpec
    is_random: bool
    seed: int
    write_row: BatchWritePolicy
    delete_row: BatchDeletePolicy
    read_batch: int
    write_batch: int
    at_a_time: int
    by_tasks: bool
    uses_uvloop: bool
    processes: int
    rate: float
    seconds: float | None
    calls: int | None
    warm_up: float
    period: float

    def share(self, number: int) -> Plan:
        """What one of the processes does: its part of keys, calls and rate, by random numbers of its own."""
        changes: dict[str, object] = {"seed": self.seed + number, "rate": self.rate / self.processes}
        if self.workload.is_sequential:
            first, end = (part * self.keys // self.processes for part in (number, number + 1))
            changes |= {"start_key": self.start_key + first, "keys": end - first}
        if self.calls is not None:
            first, end = (part * self.calls // self.processes for part in (number, number + 1))
            changes["calls"] = end - first
        return replace(self, processes=1, **changes)  # type: ignore[arg-type]

    @property
    def taken(self) -> int:
        """How many of the keys there are calls about."""
        return round(self.keys * self.workload.keys)

    @property
    def most_calls(self) -> int | None:
        """How many calls it has at most; None for any number."""
        if not self.workload.is_sequential:
            return self.calls
        each_once = -(-self.taken // self.write_batch)
        return each_once if self.calls is None else min(self.calls, each_once)
