"""What is measured: the cases by name, and the records they read and write."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

__all__ = [
    "BATCH",
    "BINS",
    "CASES",
    "DOCUMENT",
    "NAMESPACE",
    "QUERIED",
    "QUERIED_SET",
    "RECORDS",
    "SETS",
    "SMALL",
    "Case",
    "Group",
    "batches_of",
    "calls_of",
    "found",
    "select",
]

NAMESPACE = "test"
RECORDS = 500
BATCH = 200  # records of a batch
ASYNC_BATCH = 100  # records of a batch of a task
SEED = 20_100_101
QUERIED_SET = "bench-queried"
QUERIED = 20_000  # records in that set, each with its number in the indexed bin `a`
SMOKE_QUERIED = 500  # and as many in a smoke run
SCAN, SOME = 1.0, 0.1  # of them are found: by a scan, and by a query of the index

SMALL: dict[str, Any] = {"a": 1, "b": "hello world", "c": 123456789}
DOCUMENT: dict[str, Any] = {
    "id": 7,
    "name": "user name here",
    "score": 3.25,
    "tags": ["alpha", "beta", "gamma", "delta"] * 4,
    "attrs": {f"k{i}": i * 1000 for i in range(20)},
    "blob": b"x" * 200,
}

BINS = {"small": SMALL, "document": DOCUMENT}

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
    BATCH = f"one thread, batches of {BATCH}: figures are of a record"
    QUERY = "queries: figures are of a record"
    COLUMNS = "columns: figures are of a record"
    THREADS = "threads"
    LOCAL = "no server"
    LIFE = "connect and import"
    TASKS = "asyncio"
    LATENCY = "asyncio latency"


@dataclass(frozen=True, slots=True)
class Case:
    """One row of figures for each client.

    `call` is the attribute of a client (clients.py) that is called, on the records of `set_name`: on one
    after another, or on so many at once as `batch` says.
    """

    name: str
    group: str
    title: str
    call: str = ""
    set_name: str = "bench-small"
    batch: int = 0  # records of a call; 0: the call takes a record, not a list of them
    finds: float = 0.0  # share of the records that the call, which takes an index's range or None, finds
    bins: str = ""  # what a put writes, by its name in BINS
    new_keys: bool = False  # a key is made for every call
    read: bool = False  # the bins of what came are looked at
    threads: int = 1
    tasks: int = 0
    uvloop: bool = False
    burn: float = 0.0  # share of the loop's time that a task beside takes

    @property
    def floored(self) -> bool:
        """Whether the loop in C has a figure for it."""
        return self.group in (Group.COMMAND, Group.BATCH) and not self.new_keys and not self.read


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


def _batches() -> list[Case]:
    def case(name: str, title: str, call: str, of: str = "small", **more: Any) -> Case:
        return Case(name, Group.BATCH, title, call, f"bench-{of}", BATCH, **more)

    return [
        case("batch-get", "batch_get, 3 small bins", "batch_get"),
        case("batch-get-bins", "batch_get, 3 small bins, and look at them", "batch_get", read=True),
        case("batch-get-document", "batch_get, nested document", "batch_get", "document"),
        case(
            "batch-get-document-bins",
            "batch_get, nested document, and look at its bins",
            "batch_get",
            "document",
            read=True,
        ),
        case("batch-put", "batch_put, 3 small bins, of each record its own", "batch_put", bins="small"),
        case("batch-put-same", "batch_put, 3 small bins, the same ones", "batch_put_same", bins="small"),
        case("batch-operate", "batch_operate, 4 scalar operations", "batch_operate", "operate"),
        case(
            "batch-operate-document",
            "batch_operate: add, get, list size, map get by key",
            "batch_operate_document",
            "operate-document",
        ),
    ]


def _queries() -> list[Case]:
    def case(name: str, title: str, finds: float, **more: Any) -> Case:
        return Case(name, Group.QUERY, title, set_name=QUERIED_SET, finds=finds, **more)

    some = round(SOME * QUERIED)
    cases = [
        case("scan", f"scan of {QUERIED:,}, 3 small bins", SCAN, call="query"),
        case("scan-bins", f"scan of {QUERIED:,}, and look at them", SCAN, call="query", read=True),
        case("index-query", f"query of an index, {some:,} records", SOME, call="query"),
    ]
    for uvloop in (False, True):
        loop, suffix = ("uvloop", "-uvloop") if uvloop else ("asyncio", "")
        more: dict[str, Any] = {"call": "async_query", "tasks": 1, "uvloop": uvloop}
        cases += [
            case(f"async-scan{suffix}", f"scan of {QUERIED:,}, one task, {loop}", SCAN, **more),
            case(
                f"async-index-query{suffix}", f"query of an index, {some:,}, one task, {loop}", SOME, **more
            ),
        ]
    return cases


def _columns() -> list[Case]:
    def case(name: str, title: str, call: str) -> Case:
        return Case(name, Group.COLUMNS, title, call, set_name=QUERIED_SET, finds=SCAN)

    return [
        case("scan-arrow", f"scan of {QUERIED:,} into a pyarrow table (others: a list of rows)", "table"),
        case("scan-frame", f"scan of {QUERIED:,} into a pandas frame", "frame"),
        case("write-arrow", f"write of {QUERIED:,} out of a pyarrow table", "write_table"),
    ]


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
                f"async-batch-get{'-bins' * read}-16{suffix}",
                Group.TASKS,
                f"batch_get of {ASYNC_BATCH}{', and look at them' * read}, 16 tasks, {loop}",
                "async_batch_get",
                batch=ASYNC_BATCH,
                read=read,
                tasks=16,
                uvloop=uvloop,
            )
            for read in (False, True)
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


CASES: dict[str, Case] = {
    case.name: case for case in [*_blocking(), *_batches(), *_queries(), *_columns(), *_asyncio()]
}


def batches_of(keys: list[Any], size: int) -> list[list[Any]]:
    """All keys in lists of this size, each key as often as each other one, and none twice in a list."""
    rounds = math.lcm(len(keys), size) // len(keys)
    return [(keys * rounds)[start : start + size] for start in range(0, len(keys) * rounds, size)]


def found(case: Case, queried: int) -> tuple[int, tuple[int, int] | None]:
    """How many of so many records a query finds, and the first and last number of the index; None: a scan."""
    count = round(case.finds * queried)
    first = (queried - count) // 2
    return count, None if case.finds == SCAN else (first, first + count - 1)


def calls_of(records: int, size: int) -> int:
    """How many calls about so many records each there are for so many of them."""
    return math.ceil(records / size)


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
