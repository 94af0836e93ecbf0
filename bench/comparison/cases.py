"""What is measured: the cases by name, and the records they read and write."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["CASES", "DOCUMENT", "NAMESPACE", "RECORDS", "SETS", "SMALL", "Case", "Group", "select"]

NAMESPACE = "test"
RECORDS = 500
SEED = 20_100_101

SMALL: dict[str, Any] = {"a": 1, "b": "hello world", "c": 123456789}
DOCUMENT: dict[str, Any] = {
    "id": 7,
    "name": "user name here",
    "score": 3.25,
    "tags": ["alpha", "beta", "gamma", "delta"] * 4,
    "attrs": {f"k{i}": i * 1000 for i in range(20)},
    "blob": b"x" * 200,
}

# Set to the bins its records have; None: it has none.
SETS: dict[str, dict[str, Any] | None] = {
    "bench-small": SMALL,
    "bench-document": DOCUMENT,
    "bench-operate": {"b": "hello world", "c": 0},
    "bench-operate-document": {**DOCUMENT, "c": 0},
    "bench-missing": None,
}


class Group:
    """Which part of a worker runs a case, and under which heading it is shown."""

    COMMAND = "one thread"
    THREADS = "threads"
    LOCAL = "no server"
    LIFE = "connect and import"
    TASKS = "asyncio"
    LATENCY = "asyncio latency"


@dataclass(frozen=True, slots=True)
class Case:
    """One row of figures for each client.

    `call` is the attribute of a client (clients.py) that is called, on the records of `set_name`.
    """

    name: str
    group: str
    title: str
    call: str = ""
    set_name: str = "bench-small"
    bins: str = ""  # "small" or "document": what a put writes
    new_keys: bool = False  # a key is made for every call
    read: bool = False  # the bins of what came are looked at
    threads: int = 1
    tasks: int = 0
    uvloop: bool = False
    burn: float = 0.0  # share of the loop's time that a task beside takes

    @property
    def floored(self) -> bool:
        """Whether the loop in C has a figure for it."""
        return self.group == Group.COMMAND and not self.new_keys and not self.read


def _blocking() -> list[Case]:
    one = Group.COMMAND
    cases = [
        Case("get", one, "get, 3 small bins", "get"),
        Case("get-new-key", one, "get, the key made for the call", "get", new_keys=True),
        Case("put", one, "put, 3 small bins", "put", bins="small"),
        Case("get-document", one, "get, nested document", "get", set_name="bench-document"),
        Case(
            "get-document-bins",
            one,
            "get, nested document, and look at its bins",
            "get",
            set_name="bench-document",
            read=True,
        ),
        Case("put-document", one, "put, nested document", "put", set_name="bench-document", bins="document"),
        Case("operate", one, "operate, 4 scalar operations", "operate", set_name="bench-operate"),
        Case(
            "operate-document",
            one,
            "operate: add, get, list size, map get by key",
            "operate_document",
            set_name="bench-operate-document",
        ),
        Case("exists-missing", one, "exists, no such record", "exists", set_name="bench-missing"),
    ]
    cases += [
        Case(
            f"threads-{count}",
            Group.THREADS,
            f"get, {count} thread{'s' * (count > 1)}",
            "get",
            threads=count,
        )
        for count in (1, 4, 16, 32)
    ]
    cases += [
        Case("digest", Group.LOCAL, "digest of an integer key", "digest"),
        Case("connect", Group.LIFE, "make a client, close it"),
        Case("import", Group.LIFE, "import, warm"),
    ]
    return cases


def _asyncio() -> list[Case]:
    cases = []
    for uvloop in (False, True):
        loop, suffix = ("uvloop", "-uvloop") if uvloop else ("asyncio", "")
        for call in ("get", "put"):
            cases += [
                Case(
                    f"async-{call}-{tasks}{suffix}",
                    Group.TASKS,
                    f"{call}, {tasks} task{'s' * (tasks > 1)}, {loop}",
                    f"async_{call}",
                    bins="small",
                    tasks=tasks,
                    uvloop=uvloop,
                )
                for tasks in (1, 8, 64, 512)
            ]
        cases += [
            Case(
                f"async-latency-{round(burn * 100)}{suffix}",
                Group.LATENCY,
                f"get, 64 tasks, {round(burn * 100)}% burnt, {loop}",
                "async_get",
                tasks=64,
                uvloop=uvloop,
                burn=burn,
            )
            for burn in (0.0, 0.3)
        ]
    return cases


CASES: dict[str, Case] = {case.name: case for case in [*_blocking(), *_asyncio()]}


def select(patterns: list[str] | None) -> list[Case]:
    """The cases of these names or beginnings of names ("get", "async-"), in their order; all for None.

    Raises:
        ValueError: a pattern fits none.
    """
    if not patterns:
        return list(CASES.values())
    wanted: set[str] = set()
    for pattern in patterns:
        exact = {pattern} & CASES.keys()
        found = exact or {name for name in CASES if name.startswith(pattern)}
        if not found:
            raise ValueError(f"no case {pattern!r}; there are {', '.join(CASES)}")
        wanted |= found
    return [case for name, case in CASES.items() if name in wanted]
