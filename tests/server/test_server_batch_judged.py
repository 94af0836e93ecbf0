"""What a server answers to batches, asked of the embedded one, or of a real one that `--hosts` names.

A test that passes on one of the two only is a bug in one of them.
"""

from __future__ import annotations

import itertools
import struct
import time
from collections.abc import Iterator

import pytest
from batch_wire import (
    DELETE,
    FRAME,
    INLINE,
    NO_BINS,
    READ,
    READ_ALL,
    REPORT,
    RESPOND_ALL,
    USUAL,
    WRITE,
    Answered,
    batch,
    old_row,
    read_answer,
    repeat,
    row,
    run,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from server_wire import Wire, field, frame, get, integer, message, op, put

from pyspike.server import EmbeddedCluster
from support.examples import examples

PUT, EXP_READ, ADD, APPEND, CDT_READ = 2, 7, 5, 9, 3
RESPOND_ALL_OPS, GENERATION, GENERATION_GT, DURABLE, CREATE_ONLY = 0x80, 0x04, 0x08, 0x10, 0x20
UPDATE_ONLY, CREATE_OR_REPLACE, REPLACE_ONLY, LINEARIZE = 0x08, 0x10, 0x20, 0x40
SET = "judged-batch"
ONE_PLUS_ONE = b"\x92\x93\x14\x01\x01\x00"
TRUE, FALSE, NO_BOOL = b"\xc3", b"\xc2", b"\x01"
TTL_NEVER = -1
_numbers = itertools.count()


@pytest.fixture(scope="module")
def judge(request: pytest.FixtureRequest) -> Iterator[int]:
    """The port of the server that is asked."""
    hosts = request.config.getoption("--hosts")
    if hosts:
        yield int(hosts.split(",")[0].rpartition(":")[2])
        return
    with EmbeddedCluster(version="8.1.2") as cluster:
        yield cluster.nodes[0].port


@pytest.fixture
def asked(judge: int) -> Iterator[Wire]:
    with Wire(judge, timeout=20) as wire:
        if "cluster_size=1;" not in wire.info("statistics")["statistics"]:
            pytest.skip("with more than one node, rows are run and answered in any order")
        yield wire


@pytest.fixture
def keys(asked: Wire) -> Iterator[list[str]]:
    """Six keys, of which the first three have a record with the bins a (0, 10, 20) and s ("x")."""
    names = [f"{time.time_ns()}-{next(_numbers)}" for _ in range(6)]
    for number, name in enumerate(names[:3]):
        asked.ask(put(name, {"a": integer(10 * number), "s": (3, b"x")}, set_name=SET))
    yield names
    for name in names:
        asked.ask(message(name, info2=DELETE, set_name=SET))


def reads(keys: list[str], **header: object) -> list[bytes]:
    return [row(number, key, info1=READ_ALL, set_name=SET, **header) for number, key in enumerate(keys)]  # type: ignore[arg-type]


def write(number: int, key: str, *ops: bytes, info2: int = 0, **header: object) -> bytes:
    ops = ops or (op(PUT, "a", *integer(7)),)
    return row(number, key, *ops, info2=WRITE | info2, set_name=SET, **header)  # type: ignore[arg-type]


def only(answer: Answered) -> tuple[int, list[int]]:
    """The code of the batch, and the numbers of the rows that are answered."""
    return answer.code, answer.numbers


def value(asked: Wire, key: str) -> tuple[int, bytes] | None:
    return asked.ask(get(key, set_name=SET)).bins.get("a")


# --- rows ---------------------------------------------------------------------------------------------------


def test_rows_are_answered_by_their_numbers_whatever_these_are(asked: Wire, keys: list[str]) -> None:
    rows = [
        row(number, key, info1=READ_ALL, set_name=SET)
        for number, key in zip([7, 0xFFFFFFFF, 7], keys, strict=False)
    ]
    answer = run(asked, *rows)
    assert only(answer) == (0, [7, 0xFFFFFFFF, 7])
    assert [told.bins["a"] for told in answer.rows] == [integer(0), integer(10), integer(20)]


def test_what_is_not_there_is_a_row(asked: Wire, keys: list[str]) -> None:
    answer = run(asked, *reads(keys))
    assert answer.codes == {0: 0, 1: 0, 2: 0, 3: 2, 4: 2, 5: 2}
    assert answer[5].generation == answer[5].void_time == 0


def test_bins_no_bins_some_bins(asked: Wire, keys: list[str]) -> None:
    key = keys[1]
    answer = run(
        asked,
        row(0, key, info1=READ_ALL, set_name=SET),
        row(1, key, info1=NO_BINS, set_name=SET),
        row(2, key, op(READ, "a"), op(READ, "no"), info1=READ, set_name=SET),
        row(3, key, info1=READ, set_name=SET),
        row(4, key, set_name=SET),
        row(5, key, info2=WRITE, set_name=SET),
        row(6, key, op(READ, "a" * 16), info1=READ, set_name=SET),
        row(7, key, op(99, "a"), info1=READ, set_name=SET),
    )
    assert answer.code == 0
    assert answer[0].bins == {"a": integer(10), "s": (3, b"x")}
    assert answer[1].ops == []
    assert answer[2].bins == {"a": integer(10)}
    assert [(answer[n].code, answer[n].generation) for n in range(3, 8)] == [
        (4, 1),
        (4, 0),
        (4, 0),
        (21, 1),
        (4, 1),
    ]


def test_results_of_rows_that_only_read_are_plain_reads(asked: Wire, keys: list[str]) -> None:
    ops = op(EXP_READ, "e", 4, ONE_PLUS_ONE), op(READ, "a")
    answer = run(
        asked,
        row(0, keys[0], *ops, info1=READ, set_name=SET),
        row(
            1,
            keys[1],
            *ops,
            op(PUT, "b", *integer(1)),
            info1=READ,
            info2=WRITE | RESPOND_ALL_OPS,
            set_name=SET,
        ),
        row(2, keys[2], *ops, op(READ, "no"), info1=READ, info2=RESPOND_ALL_OPS, set_name=SET),
    )
    assert [told[0] for told in answer[0].ops] == [READ, READ]
    assert [told[0] for told in answer[1].ops] == [EXP_READ, READ, PUT]
    assert answer[2].ops[2] == (READ, 0, "no", b"")


@pytest.mark.parametrize(
    ("header", "codes"),
    [
        ({"info3": UPDATE_ONLY}, [0, 2]),
        ({"info3": REPLACE_ONLY}, [0, 2]),
        ({"info3": CREATE_OR_REPLACE}, [0, 0]),
        ({"info2": CREATE_ONLY}, [5, 0]),
        ({"info2": GENERATION, "generation": 0}, [3, 0]),
        ({"info2": GENERATION, "generation": 1}, [0, 3]),
        ({"info2": GENERATION_GT, "generation": 1}, [3, 0]),
        ({"info2": DURABLE}, [0, 0]),
        ({"info4": 0x10}, [0, 0]),
        ({"ttl": 1 << 30}, [4, 4]),
    ],
)
def test_policies_of_writes(asked: Wire, keys: list[str], header: dict[str, int], codes: list[int]) -> None:
    answer = run(asked, write(0, keys[0], **header), write(1, keys[3], **header))
    assert [answer.code, answer[0].code, answer[1].code] == [0, *codes]
    bins = asked.ask(get(keys[0], set_name=SET)).bins
    assert ("s" in bins) == (header.get("info3") not in (REPLACE_ONLY, CREATE_OR_REPLACE))


def test_deletes(asked: Wire, keys: list[str]) -> None:
    def delete(number: int, key: str, info2: int = 0, **header: object) -> bytes:
        return row(number, key, info2=DELETE | info2, set_name=SET, **header)  # type: ignore[arg-type]

    answer = run(
        asked,
        delete(0, keys[0]),
        delete(1, keys[1], DURABLE),
        delete(2, keys[1], GENERATION, generation=9),
        delete(3, keys[2], GENERATION, generation=1),
        delete(4, keys[3]),
        row(5, keys[1], info1=NO_BINS, set_name=SET),
    )
    assert answer.code == 0
    assert answer.codes == {0: 0, 1: 25, 2: 3, 3: 0, 4: 2, 5: 0}
    assert answer[0].generation == answer[3].generation == 0


def test_a_ttl_of_a_row(asked: Wire, keys: list[str]) -> None:
    answer = run(
        asked, write(0, keys[0], ttl=100), write(1, keys[1], ttl=TTL_NEVER), write(2, keys[2], ttl=None)
    )
    if answer[0].code == 22:
        pytest.skip("the namespace takes no TTLs")
    now = time.time() - 1262304000
    assert 95 < answer[0].void_time - now < 105
    assert answer[1].void_time == answer[2].void_time == 0
    wrong = run(asked, row(0, keys[0], info1=READ_ALL, ttl=101, set_name=SET), write(1, keys[1]))
    assert (wrong[0].code, wrong[0].void_time, wrong[1].code) == (4, answer[0].void_time, 0)


def test_the_key_is_stored_and_compared(asked: Wire, keys: list[str]) -> None:
    mine, other = (field(2, bytes((1,)) + struct.pack(">q", number)) for number in (1, 2))
    assert run(asked, write(0, keys[0], more=(mine,)), *reads(keys[1:2])).codes == {0: 0}
    read = row(0, keys[0], info1=READ_ALL, set_name=SET, more=(other,))
    assert run(asked, read, row(1, keys[0], info1=READ_ALL, set_name=SET, more=(mine,))).codes == {
        0: 19,
        1: 0,
    }


def test_rows_repeat_what_was_asked_before(asked: Wire, keys: list[str]) -> None:
    answer = run(asked, *reads(keys[:1]), repeat(1, keys[1]), repeat(2, keys[5]))
    assert answer.codes == {0: 0, 1: 0, 2: 2}
    answer = run(asked, write(0, keys[0]), repeat(1, keys[1]), *[repeat(n, keys[3]) for n in (2, 3)])
    assert [(told.code, told.generation) for told in answer.rows] == [(0, 2), (0, 2), (0, 1), (0, 2)]


def test_a_row_with_a_key_is_not_repeated(asked: Wire, keys: list[str]) -> None:
    key = field(2, bytes((1,)) + struct.pack(">q", 1))
    first = write(0, keys[0], more=(key,))
    assert only(run(asked, first, repeat(1, keys[1]))) == (4, [])
    assert value(asked, keys[0]) == integer(7)
    answer = run(asked, first, write(1, keys[1]), repeat(2, keys[2]))
    assert answer.codes == {0: 0, 1: 0, 2: 0}


def test_a_row_of_the_old_form(asked: Wire, keys: list[str]) -> None:
    answer = run(
        asked, old_row(0, keys[0], set_name=SET), old_row(1, keys[1], op(READ, "a"), info1=READ, set_name=SET)
    )
    assert answer[0].bins == {"a": integer(0), "s": (3, b"x")}
    assert answer[1].bins == {"a": integer(10)}
    assert run(asked, old_row(0, keys[0], set_name=SET), info3=LINEARIZE).codes == {0: 25}


def test_bits_that_mean_nothing_are_ignored(asked: Wire, keys: list[str]) -> None:
    answer = run(asked, row(0, keys[0], info1=READ_ALL | 0x98, set_name=SET, flags=0x20), flags=USUAL | 0xF0)
    assert answer[0].bins["a"] == integer(0)
    assert run(asked, *reads(keys[:2]), kind=42).codes == {0: 0, 1: 0}
    assert run(asked, row(0, keys[0], info1=READ_ALL, n_fields=0, set_name=SET)).code in (0, 4)


def test_a_linearized_read_and_a_transaction_are_refused_row_by_row(asked: Wire, keys: list[str]) -> None:
    answer = run(
        asked,
        row(0, keys[0], info1=READ_ALL, info3=LINEARIZE, set_name=SET),
        row(1, keys[0], info1=READ_ALL, info3=LINEARIZE | 0x80, set_name=SET),
        row(2, keys[0], info1=READ_ALL, set_name=SET, more=(field(5, b"12345678"),)),
        row(3, keys[0], info1=NO_BINS, info4=0x01, set_name=SET),
        write(4, keys[0], info4=0x02),
    )
    assert answer.codes == {0: 25, 1: 0, 2: 25, 3: 25, 4: 25}


def test_a_udf_of_no_module_fails_in_its_row(asked: Wire, keys: list[str]) -> None:
    def call(number: int, key: str, *fields: bytes, **header: object) -> bytes:
        fields = fields or (field(30, b"no-such"), field(31, b"f"), field(32, b"\x90"))
        return row(number, key, info2=WRITE, set_name=SET, more=fields, **header)  # type: ignore[arg-type]

    answer = run(
        asked,
        call(0, keys[0]),
        call(1, keys[4]),
        call(2, keys[0], field(30, b"no-such")),
        call(3, keys[0], info3=UPDATE_ONLY),
        row(4, keys[2], info1=READ_ALL, set_name=SET),
    )
    assert answer.code == 0
    failure = [(READ, 3, "FAILURE", b"UDF: Execution Error 1")]
    told = [(n, answer[n].code, answer[n].generation, answer[n].ops) for n in range(4)]
    assert told == [(0, 100, 1, failure), (1, 100, 0, failure), (2, 4, 0, []), (3, 4, 0, [])]


# --- filters ------------------------------------------------------------------------------------------------


def test_a_filter_of_the_batch_and_filters_of_rows(asked: Wire, keys: list[str]) -> None:
    rows = [
        row(0, keys[0], info1=READ_ALL, set_name=SET),
        row(1, keys[1], info1=READ_ALL, set_name=SET, more=(field(43, TRUE),)),
        row(2, keys[2], info1=READ_ALL, set_name=SET, more=(field(43, NO_BOOL),)),
        row(3, keys[3], info1=READ_ALL, set_name=SET, more=(field(43, NO_BOOL),)),
        write(4, keys[4]),
        write(5, keys[0]),
        row(6, keys[0], info2=DELETE, set_name=SET),
    ]
    answer = run(asked, *rows, more=(field(43, FALSE),))
    assert answer.code == 0
    assert answer.codes == {0: 27, 1: 0, 2: 4, 3: 2, 4: 0, 5: 27, 6: 27}
    assert answer[0].generation == 1
    assert value(asked, keys[0]) == integer(0)
    repeated = run(asked, rows[1], repeat(2, keys[0]), more=(field(43, FALSE),))
    assert repeated.codes == {1: 0, 2: 0}


def test_a_bad_filter_of_the_batch_fails_all_of_it(asked: Wire, keys: list[str]) -> None:
    for bad in (NO_BOOL, b"\xc1", b""):
        assert only(run(asked, write(0, keys[0]), more=(field(43, bad),))) == (4, [])
    assert value(asked, keys[0]) == integer(0)


# --- failures (batch.md 7.3) --------------------------------------------------------------------------------


def failing(keys: list[str]) -> list[bytes]:
    return [
        write(0, keys[0]),
        write(1, keys[1], op(APPEND, "a", 3, b"x")),
        row(2, keys[5], info1=READ_ALL, set_name=SET),
        write(3, keys[2]),
    ]


def test_a_failure_is_told_in_its_row(asked: Wire, keys: list[str]) -> None:
    answer = run(asked, *failing(keys), flags=INLINE | RESPOND_ALL)
    assert (answer.code, answer.codes) == (0, {0: 0, 1: 12, 2: 2, 3: 0})


def test_without_respond_all_a_failure_is_that_of_the_batch(asked: Wire, keys: list[str]) -> None:
    assert only(run(asked, *failing(keys), flags=INLINE)) == (12, [])
    assert [value(asked, key) for key in keys[:3]] == [integer(7), integer(10), integer(7)]
    two = [*failing(keys), write(4, keys[0], info2=CREATE_ONLY)]
    assert only(run(asked, *two, flags=INLINE)) == (5, [])


def test_rows_that_share_a_frame_with_a_failure_are_reported(asked: Wire, keys: list[str]) -> None:
    answer = run(asked, *failing(keys), flags=INLINE | REPORT)
    assert (answer.code, answer.codes) == (12, {0: 0, 1: 12, 2: 2, 3: 0})
    two = [*failing(keys), write(4, keys[0], info2=CREATE_ONLY)]
    assert run(asked, *two, flags=INLINE | REPORT).code == 5


def test_frames_after_a_failure_are_dropped_but_their_rows_are_run(asked: Wire, keys: list[str]) -> None:
    big = (3, b"y" * 100_000)
    asked.ask(put(keys[3], {"a": big}, set_name=SET))
    read = row(0, keys[3], info1=READ_ALL, set_name=SET)
    rows = [read, write(1, keys[1], op(APPEND, "a", 3, b"x")), read, write(3, keys[2]), read]
    answer = run(asked, *rows, flags=INLINE | REPORT)
    assert (answer.code, answer.numbers) == (12, [0, 1])
    assert value(asked, keys[2]) == integer(7)


def test_neither_missing_nor_filtered_rows_fail_a_batch(asked: Wire, keys: list[str]) -> None:
    rows = [*reads(keys), row(6, keys[0], info1=READ_ALL, set_name=SET, more=(field(43, FALSE),))]
    for flags in (INLINE, INLINE | REPORT):
        answer = run(asked, *rows, flags=flags)
        assert (answer.code, answer.codes[5], answer.codes[6]) == (0, 2, 27)


MALFORMED = {
    "a repeated first row": lambda keys: [repeat(1, keys[1])],
    "an unknown namespace": lambda keys: [row(1, keys[1], info1=READ_ALL, namespace="nope")],
    "a row cut short": lambda keys: [reads(keys)[1][:40]],
    "a field cut short": lambda keys: [reads(keys)[1][:-3]],
    "an op cut short": lambda keys: [write(1, keys[1])[:-9]],
}


@pytest.mark.parametrize("what", MALFORMED)
def test_what_comes_before_a_malformed_row_is_run(asked: Wire, keys: list[str], what: str) -> None:
    before = [] if what == "a repeated first row" else [write(0, keys[0])]
    assert only(run(asked, *before, *MALFORMED[what](keys))) == (4, [])
    assert value(asked, keys[0]) == integer(7 if before else 0)
    assert asked.ask(get(keys[1], set_name=SET)).code == 0


def test_more_rows_are_counted_than_there_are(asked: Wire, keys: list[str]) -> None:
    assert only(run(asked, write(0, keys[0]), count=2)) == (4, [])
    assert value(asked, keys[0]) == integer(7)
    assert only(run(asked, *reads(keys[:1]), count=0xFFFFFFFF)) == (4, [])


def test_fewer_rows_are_counted_than_there_are(asked: Wire, keys: list[str]) -> None:
    answer = run(asked, *reads(keys[:3]), count=2)
    assert (answer.code, answer.codes) == (0, {0: 0, 1: 0})
    asked.send(batch(*reads(keys[:1])) + b"more")
    assert read_answer(asked).codes == {0: 0}


def test_no_rows_and_no_field(asked: Wire) -> None:
    assert only(run(asked)) == (4, [])
    asked.send(struct.pack(">BBBBBBIIIHH", 22, 8, 0, 0, 0, 0, 0, 0, 1000, 0, 0))
    assert only(read_answer(asked)) == (4, [])


def test_the_first_field_of_a_row_is_its_namespace(asked: Wire, keys: list[str]) -> None:
    fields = field(1, SET.encode()) + field(0, b"test")
    head = bytes(4) + b"d" * 20 + bytes((2, READ_ALL, 0, 0)) + struct.pack(">HH", 2, 0)
    assert only(run(asked, head + fields)) == (4, [])


# --- settings -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "before", "limit", "code"),
    [
        ("batch-max-requests", "0", "2", 151),
        ("batch-index-threads", None, "0", 150),
        ("batch-max-buffers-per-queue", "255", "0", 152),
    ],
)
def test_batches_are_refused_by_settings(
    asked: Wire, keys: list[str], setting: str, before: str | None, limit: str, code: int
) -> None:
    told = asked.info("get-config:context=service")["get-config:context=service"]
    settings = dict(each.split("=", 1) for each in told.split(";"))
    before = before or settings[setting]
    assert settings[setting] == before
    try:
        command = f"set-config:context=service;{setting}={limit}"
        assert asked.info(command) == {command: "ok"}
        assert only(run(asked, *reads(keys[:3]))) == (code, [])
        if code == 151:
            assert run(asked, *reads(keys[:2])).code == 0
    finally:
        asked.info(f"set-config:context=service;{setting}={before}")
    assert run(asked, *reads(keys[:3])).code == 0


# --- order and frames ---------------------------------------------------------------------------------------


def test_inline_rows_are_answered_in_order(asked: Wire, keys: list[str]) -> None:
    rows = [write(number, keys[0], op(ADD, "a", *integer(1))) for number in range(50)]
    answer = run(asked, *rows)
    assert answer.numbers == list(range(50))
    assert [told.generation for told in answer.rows] == list(range(2, 52))


def test_rows_that_are_not_inline_come_in_any_order(asked: Wire, keys: list[str]) -> None:
    rows = [row(number, keys[number % 3], info1=READ_ALL, set_name=SET) for number in range(60)]
    answer = run(asked, *rows, flags=RESPOND_ALL | REPORT)
    assert answer.code == 0
    assert sorted(answer.numbers) == list(range(60))
    assert all(told.bins["a"] == integer(10 * (told.number % 3)) for told in answer.rows)


def test_a_frame_holds_128_kb_and_a_greater_row_has_one_of_its_own(asked: Wire, keys: list[str]) -> None:
    asked.ask(put(keys[3], {"a": (3, b"y" * 300_000)}, set_name=SET))
    rows = [row(n, keys[3 if n in (50, 51) else n % 3], info1=READ_ALL, set_name=SET) for n in range(60)]
    answer = run(asked, *rows)
    assert [len(each) for each in answer.frames] == [50, 1, 1, 8]
    answer = run(
        asked, row(0, keys[3], info1=NO_BINS, set_name=SET), *[repeat(n, keys[3]) for n in range(1, 6000)]
    )
    assert [len(each) for each in answer.frames] == [FRAME // 22, 6000 - FRAME // 22]
    assert sorted(answer.numbers) == list(range(6000))


def test_a_batch_and_what_follows_on_a_connection(asked: Wire, keys: list[str]) -> None:
    body = batch(*reads(keys))
    asked.sock.sendall(frame(body) + frame(get(keys[0], set_name=SET)) + frame(body))
    assert sorted(read_answer(asked).numbers) == list(range(6))
    assert asked.read_frame()[13] == 0
    assert sorted(read_answer(asked).numbers) == list(range(6))


# --- random batches against a model -------------------------------------------------------------------------

CREATE, UPDATE, REPLACE = {"info2": CREATE_ONLY}, {"info3": UPDATE_ONLY}, {"info3": REPLACE_ONLY}
POLICIES = st.sampled_from([{}, {}, CREATE, UPDATE, REPLACE]) | st.integers(0, 3).map(
    lambda generation: {"info2": GENERATION, "generation": generation}
)
ACTIONS = st.tuples(st.sampled_from(["read", "header", "put", "add", "delete"]), POLICIES)
STEPS = st.lists(st.tuples(ACTIONS, st.integers(0, 3), st.booleans()), min_size=1, max_size=30)


class Model:
    """The records of a batch's keys, each a generation and the value of its bin."""

    def __init__(self) -> None:
        self.records: dict[int, tuple[int, int]] = {}

    def told(self, kind: str, policy: dict[str, int], key: int) -> tuple[int, int, list[int]]:
        """The result code, the generation and the value of the row that does this."""
        there = self.records.get(key)
        generation, number = there or (0, 0)
        if kind in ("read", "header"):
            return (2, 0, []) if there is None else (0, generation, [number] if kind == "read" else [])
        if kind == "delete" and there is None:
            return 2, 0, []
        if there is None and policy in (UPDATE, REPLACE):
            return 2, 0, []
        if there is not None and policy == CREATE and kind != "delete":
            return 5, generation, []
        if "generation" in policy and policy["generation"] != generation:
            return 3, 0 if kind == "delete" else generation, []
        if kind == "delete":
            del self.records[key]
            return 0, 0, []
        self.records[key] = generation + 1, number + 1 if kind == "add" else 7
        return 0, generation + 1, []


def row_of(number: int, kind: str, policy: dict[str, int], key: str) -> bytes:
    if kind in ("read", "header"):
        return row(number, key, info1=READ_ALL if kind == "read" else NO_BINS, set_name=SET)
    if kind == "delete":
        header = policy if "generation" in policy else {}
        return row(number, key, **{**header, "info2": DELETE | header.get("info2", 0)}, set_name=SET)  # type: ignore[arg-type]
    operation = op(ADD if kind == "add" else PUT, "a", *integer(1 if kind == "add" else 7))
    return write(number, key, operation, **policy)


@settings(
    max_examples=examples(100),
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=STEPS, respond_all=st.booleans())
def test_random_batches_do_what_a_model_does(
    asked: Wire, steps: list[tuple[tuple[str, dict[str, int]], int, bool]], respond_all: bool
) -> None:
    names = [f"{time.time_ns()}-{next(_numbers)}" for _ in range(4)]
    model, rows, expected = Model(), [], {}
    action = steps[0][0]
    for number, (another, key, again) in enumerate(steps):
        again = again and number > 0  # the row before is repeated
        action = action if again else another
        kind, policy = action
        if kind == "add" and policy == REPLACE:
            action = kind, policy = kind, {}
        rows.append(repeat(number, names[key]) if again else row_of(number, kind, policy, names[key]))
        expected[number] = model.told(kind, policy, key)
    answer = run(asked, *rows, flags=USUAL if respond_all else INLINE | REPORT)
    got = {
        told.number: (told.code, told.generation, [int.from_bytes(each[3], "big") for each in told.ops])
        for told in answer.rows
    }
    failures = [code for code, *_ in expected.values() if code not in (0, 2, 27)]
    assert got == expected
    assert answer.code == (0 if respond_all or not failures else failures[-1])
    for name in names:
        asked.ask(message(name, info2=DELETE, set_name=SET))
