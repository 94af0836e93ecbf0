"""What a server answers to queries, asked of the embedded one, or of a real one that `--hosts` names.

A test that passes on one of the two only is a bug in one of them.
"""

from __future__ import annotations

import itertools
import struct
import time
from collections import Counter
from collections.abc import Iterator

import pytest
from query_wire import (
    ALL,
    BIN_LIST,
    BLOB,
    CONTEXT,
    DIGESTS,
    EXPRESSION,
    FILTER,
    INDEX_NAME,
    INDEX_TYPE,
    MOST,
    NO_BINS,
    PARTITION,
    QUERY_ID,
    RANGE,
    READ,
    READ_ALL,
    RELAX,
    RESPOND_ALL,
    RPS,
    SHORT,
    WRITE,
    Answered,
    ask,
    between,
    bvals,
    digests,
    equal,
    partition_of,
)
from server_wire import Wire, digest_of, eventually, field, integer, message, op, put

from pyspike.server import EmbeddedCluster

OP_READ, OP_WRITE, CDT_READ, ADD, EXP_READ, CDT_MODIFY, DELETE_ALL = 1, 2, 3, 5, 7, 4, 14
STR = 3
COUNT = 200
_numbers = itertools.count(time.time_ns())


@pytest.fixture(scope="module")
def judge(request: pytest.FixtureRequest) -> Iterator[int]:
    """The port of the server that is asked."""
    hosts = request.config.getoption("--hosts")
    if hosts:
        yield int(hosts.split(",")[0].rpartition(":")[2])
        return
    with EmbeddedCluster(version="8.1.2") as cluster:
        yield cluster.nodes[0].port


@pytest.fixture(scope="module")
def asked(judge: int) -> Iterator[Wire]:
    with Wire(judge, timeout=20) as wire:
        if "cluster_size=1;" not in wire.info("statistics")["statistics"]:
            pytest.skip("with more than one node, records are spread")
        yield wire


class Filled:
    """A set with records: the bins n (its number), s ("s0".."s4"), l ([n, n + 1]), and m ({n: "v"})."""

    def __init__(self, wire: Wire, name: str, count: int = COUNT) -> None:
        self.wire = wire
        self.name = name
        self.numbers: dict[bytes, int] = {}
        for number in range(count):
            key = f"{name} {number}"
            self.numbers[digest_of(key)] = number
            assert wire.ask(put(key, self.bins(number), set_name=name)).code == 0

    @staticmethod
    def bins(number: int) -> dict[str, tuple[int, bytes]]:
        return {
            "n": integer(number),
            "s": (STR, b"s%d" % (number % 5)),
            "l": (20, b"\x92" + struct.pack(">BHBH", 0xCD, number, 0xCD, number + 1)),
            "m": (19, b"\x81" + struct.pack(">BH", 0xCD, number) + b"\xa2\x03v"),
        }

    def ask(self, *more: bytes, **header: object) -> Answered:
        return ask(self.wire, *more, **{"set_name": self.name, **header})

    def index(self, suffix: str, definition: str) -> str:
        """Create an index, wait until it can be used, and give its name."""
        name = f"{self.name}-{suffix}"[-60:]
        command = f"sindex-create:namespace=test;set={self.name};indexname={name};{definition}"
        assert self.wire.info(command)[command] == "ok"
        stat = f"sindex-stat:namespace=test;indexname={name}"
        eventually(lambda: "load_pct=100" in self.wire.info(stat)[stat])
        return name


@pytest.fixture(scope="module")
def filled(asked: Wire) -> Iterator[Filled]:
    name = f"judged-query-{next(_numbers)}"
    filled = Filled(asked, name)
    filled.index("n", "bin=n;type=numeric")
    filled.index("s", "bin=s;type=string")
    filled.index("l", "bin=l;type=numeric;indextype=list")
    yield filled
    for suffix in ("n", "s", "l"):
        asked.info(f"sindex-delete:namespace=test;indexname={f'{name}-{suffix}'[-60:]}")
    asked.info(f"truncate:namespace=test;set={name}")


# --- scans --------------------------------------------------------------------------------------------------


def test_a_scan_finds_every_record_once(filled: Filled) -> None:
    answer = filled.ask()
    assert (answer.code, answer.is_whole, answer.refused) == (0, True, {})
    assert answer.values() == list(range(COUNT))
    record = answer.records[0]
    number = filled.numbers[record.fields[4]]
    assert list(record.fields) == [0, 4, 1]
    assert (record.fields[0], record.fields[1]) == (b"test", filled.name.encode())
    assert [name for _, _, name, _ in record.ops] == ["n", "s", "l", "m"]
    assert (record.code, record.generation, record.void_time, record.number) == (0, 1, 0, 0)
    assert {code for code, _, _, _ in record.ops} == {OP_READ}
    assert record.bins["n"] == integer(number)


def test_the_order_in_a_partition_is_the_same_every_time_and_can_be_gone_on_with(filled: Filled) -> None:
    whole: dict[int, list[bytes]] = {}
    for digest in filled.ask().digests:
        whole.setdefault(partition_of(digest), []).append(digest)
    shared = {pid: found for pid, found in whole.items() if len(found) > 1}
    assert shared
    for pid, found in shared.items():
        assert filled.ask(partitions=[pid]).digests == found
        for place, digest in enumerate(found):
            rest = filled.ask(digests([digest]), partitions=None)
            assert rest.digests == found[place + 1 :]


def test_some_partitions(filled: Filled) -> None:
    wanted = [pid for pid in ALL if pid % 3 == 0]
    answer = filled.ask(partitions=reversed(wanted))
    assert sorted(answer.digests) == sorted(d for d in filled.numbers if partition_of(d) % 3 == 0)
    first = answer.digests[0]
    rest = [pid for pid in wanted if pid != partition_of(first)]
    both = filled.ask(digests([first]), partitions=rest)
    assert both.code == 0
    assert first not in both.digests
    assert sorted({first, *both.digests}) == sorted(answer.digests)


def test_a_resume_point_need_not_exist(filled: Filled) -> None:
    records = Counter(map(partition_of, filled.numbers))
    digest = next(digest for digest in filled.numbers if records[partition_of(digest)] == 1)
    pid = partition_of(digest)
    low, high = (digest[:2] + byte * 18 for byte in (b"\x00", b"\xff"))
    found = [filled.ask(digests([point]), partitions=None).digests for point in (low, high)]
    assert sorted(found) == sorted([[], filled.ask(partitions=[pid]).digests])


def test_projections(filled: Filled) -> None:
    answer = filled.ask(ops=[op(OP_READ, "n"), op(OP_READ, "no"), op(OP_READ, "s")])
    assert len(answer.records) == COUNT
    assert {tuple(name for _, _, name, _ in told.ops) for told in answer.records} == {("n", "s")}
    assert filled.ask(ops=[op(OP_READ, "no")]).records == []
    answer = filled.ask(ops=[op(OP_READ, "no")], info2=RESPOND_ALL)
    assert len(answer.records) == COUNT
    assert answer.records[0].ops == [(OP_READ, 0, "no", b"")]


def test_no_bins(filled: Filled) -> None:
    answer = filled.ask(info1=READ | NO_BINS)
    assert len(answer.records) == COUNT
    assert all(told.ops == [] for told in answer.records)


def test_get_all_changes_nothing(filled: Filled) -> None:
    assert len(filled.ask(info1=READ_ALL).records[0].ops) == 4


def test_operations_project(filled: Filled) -> None:
    one_more = op(EXP_READ, "r", 4, b"\x92\x93\x14\x93\x51\x02\xa1n\x01\x00")
    size = op(CDT_READ, "l", 4, b"\x91\x10")
    answer = filled.ask(ops=[one_more, size, op(OP_READ, "n")])
    assert answer.code == 0
    told = answer.records[0]
    n = filled.numbers[told.fields[4]]
    assert told.ops == [
        (EXP_READ, *integer(n + 1)[:1], "r", integer(n + 1)[1]),
        (CDT_READ, 1, "l", integer(2)[1]),
        (OP_READ, 1, "n", integer(n)[1]),
    ]


def test_records_on_which_an_operation_fails_are_left_out(filled: Filled) -> None:
    size = op(CDT_READ, "n", 4, b"\x91\x10")
    assert (filled.ask(ops=[size]).code, filled.ask(ops=[size]).records) == (0, [])
    answer = filled.ask(ops=[op(OP_READ, "s"), size], info2=RESPOND_ALL)
    assert (answer.code, answer.records) == (0, [])
    missing = filled.ask(ops=[op(OP_READ, "s"), op(CDT_READ, "no", 4, b"\x91\x10")], info2=RESPOND_ALL)
    assert {(told.code, len(told.ops)) for told in missing.records} == {(0, 2)}
    for nothing in (op(CDT_READ, "n", 4, b"\xff"), op(EXP_READ, "r", 4, b"\x91")):
        assert (filled.ask(ops=[nothing]).code, filled.ask(ops=[nothing]).records) == (0, [])


def test_the_older_list_of_bins(filled: Filled) -> None:
    for field_of_bins, names in (
        (b"\x02\x01n\x01s", ("n", "s")),
        (b"\x02\x01n", ("n",)),
    ):
        answer = filled.ask(field(BIN_LIST, field_of_bins))
        assert len(answer.records) == COUNT
        assert {tuple(name for _, _, name, _ in told.ops) for told in answer.records} == {names}
    assert filled.ask(field(BIN_LIST, b"\x00")).records == []
    assert filled.ask(field(BIN_LIST, b"\x01\x01n"), ops=[op(OP_READ, "s")]).code == 4


def test_filters(filled: Filled) -> None:
    below_ten = field(FILTER, b"\x93\x05\x93\x51\x02\xa1n\x0a")
    assert filled.ask(below_ten).values() == list(range(10))
    assert filled.ask(field(FILTER, b"\xc2")).records == []
    assert filled.ask(field(FILTER, b"\x01")).code == 4
    assert filled.ask(field(FILTER, b"\x93\x05\x93\x51\x02\xa1x\x0a")).records == []
    assert filled.ask(below_ten, between("n", 5, 20)).values() == [5, 6, 7, 8, 9]


def test_records_are_counted_after_the_filter(filled: Filled) -> None:
    below_ten = field(FILTER, b"\x93\x05\x93\x51\x02\xa1n\x0a")
    for most in (1, 3, 9, 10, 11, 1000):
        answer = filled.ask(below_ten, field(MOST, struct.pack(">Q", most)))
        assert answer.code == 0
        assert len(set(answer.digests)) == len(answer.digests) == min(most, 10)
    assert len(filled.ask(field(MOST, bytes(8))).records) == COUNT


def test_a_set_without_records_and_a_namespace_as_a_whole(filled: Filled) -> None:
    nothing = filled.ask(set_name="judged-none")
    assert (nothing.code, nothing.records) == (0, [])
    for set_name in (None, ""):
        assert set(filled.numbers) <= set(ask(filled.wire, set_name=set_name, info1=READ | NO_BINS).digests)


def test_short_queries_come_in_one_frame(filled: Filled) -> None:
    answer = filled.ask(info1=READ | SHORT)
    assert answer.values() == list(range(COUNT))
    assert len(answer.lengths) == 1
    answer = filled.ask(between("n", 3, 7), info1=READ | SHORT)
    assert (answer.values(), len(answer.lengths)) == ([3, 4, 5, 6, 7], 1)
    assert filled.ask(info1=READ | SHORT, trid=7).code == filled.ask(info1=READ | SHORT, trid=7).code == 0
    assert filled.ask(field(RPS, struct.pack(">I", 10)), info1=READ | SHORT).code == 4
    assert filled.ask(info1=READ | SHORT, partitions=[1], set_name="judged-none").lengths == [22]


def test_frames_of_records_and_the_frame_of_the_last_message(filled: Filled) -> None:
    lengths = filled.ask().lengths
    assert lengths[-1] == 22
    assert len(lengths) <= 5
    assert filled.ask(set_name="judged-none").lengths == [22]
    assert filled.ask(info2=RELAX).values() == list(range(COUNT))


# --- what is refused ----------------------------------------------------------------------------------------

NUMBER = struct.pack(">q", 1)


def raw_range(data: bytes) -> bytes:
    return field(RANGE, data)


READS = {"info1": READ, "info3": PARTITION}
CHANGES = {"info1": 0, "info2": WRITE, "info3": 0, "partitions": None}
"""The header of a query in the background."""
ONE = [op(OP_WRITE, "m", *integer(1))]
MODULE, FUNCTION, ARGUMENTS = field(30, b"m"), field(31, b"f"), field(32, b"\x90")
AGGREGATE, BACKGROUND = field(33, b"\x01"), field(33, b"\x02")
NAMED = field(INDEX_NAME, b"nope")
IN_BIN, SOMEWHERE = between("n", 1, 2), between("", 1, 2)
CONTEXT_OF, EXPRESSION_OF = field(CONTEXT, b"\x92\x10\x00"), field(EXPRESSION, b"\x93\x51\x02\xa1n")
NO_FILTER = field(FILTER, b"\x01")
DIGEST, OTHER = bytes(20), b"\x01" + bytes(19)

REFUSED: dict[str, tuple[int, tuple[bytes, ...], dict[str, object]]] = {
    "no such namespace": (20, (), {"namespace": "nope"}),
    "no such namespace, and no notices": (20, (), {"namespace": "nope", "info3": 0}),
    "a set's name of 64 bytes": (4, (), {"set_name": "s" * 64}),
    "no notices of partitions": (16, (), {"info3": 0}),
    "no notices, and an op that writes": (16, (), {"info3": 0, "ops": ONE}),
    "no partitions": (16, (), {"partitions": None}),
    "no partitions, and a filter that is none": (16, (NO_FILTER,), {"partitions": None}),
    "no partitions, and a range that is none": (4, (between("n", 2, 1),), {"partitions": None}),
    "partitions that are none": (4, (field(11, b""),), {"partitions": None}),
    "digests that are none": (4, (field(DIGESTS, b""),), {"partitions": None}),
    "a partition twice": (4, (), {"partitions": [1, 1]}),
    "a partition that there is not": (4, (), {"partitions": [4096]}),
    "a partition by number and by digest": (4, (digests([DIGEST]),), {"partitions": [0]}),
    "half a partition": (4, (field(11, b"\x00"),), {"partitions": None}),
    "half a digest": (4, (field(DIGESTS, bytes(19)),), {"partitions": None}),
    "no bvals": (4, (IN_BIN, digests([DIGEST])), {"partitions": None}),
    "too few bvals": (4, (IN_BIN, digests([DIGEST, OTHER]), bvals([1])), {"partitions": None}),
    "two ranges": (4, (raw_range(b"\x02\x01n\x01" + (b"\x00\x00\x00\x08" + NUMBER) * 4),), {}),
    "no range": (4, (raw_range(b"\x00"),), {}),
    "an empty range": (4, (raw_range(b""),), {}),
    "a range that ends before it begins": (4, (between("n", 2, 1),), {}),
    "an integer of four bytes": (4, (raw_range(b"\x01\x01n\x01" + b"\x00\x00\x00\x04" + bytes(4)),), {}),
    "a range of floats": (4, (raw_range(b"\x01\x01n\x02" + (b"\x00\x00\x00\x08" + NUMBER) * 2),), {}),
    "a range cut short": (4, (raw_range(b"\x01\x01n\x01\x00\x00\x00\x08" + NUMBER),), {}),
    "a bin's name of 16 bytes": (4, (between("x" * 16, 1, 2),), {}),
    "a string of 2048 bytes": (4, (equal("s", b"x" * 2048),), {}),
    "a blob of 2048 bytes": (4, (equal("s", b"x" * 2048, BLOB),), {}),
    "a blob of another language": (4, (equal("s", b"x", 7),), {}),
    "no index of the bin": (201, (between("x", 1, 2),), {}),
    "no index of the type": (201, (equal("n", b"x"),), {}),
    "no index of the collection": (201, (field(INDEX_TYPE, b"\x02"), IN_BIN), {}),
    "a collection that there is not": (201, (field(INDEX_TYPE, b"\x09"), IN_BIN), {}),
    "a collection that is empty": (4, (field(INDEX_TYPE, b""), IN_BIN), {}),
    "no index of the set": (201, (IN_BIN,), {"set_name": "judged-none"}),
    "no index of the whole namespace": (201, (IN_BIN,), {"set_name": None}),
    "no index of the name": (201, (NAMED, SOMEWHERE), {}),
    "an empty name": (4, (field(INDEX_NAME, b""), SOMEWHERE), {}),
    "a name of 64 bytes": (4, (field(INDEX_NAME, b"x" * 64), SOMEWHERE), {}),
    "no index of the context": (201, (CONTEXT_OF, IN_BIN), {}),
    "a context that is none": (4, (field(CONTEXT, b"\x91\x10"), IN_BIN), {}),
    "no index of the expression": (201, (EXPRESSION_OF, SOMEWHERE), {}),
    "neither bin nor name": (4, (SOMEWHERE,), {}),
    "a bin and the name of an index": (4, (NAMED, IN_BIN), {}),
    "a name and a context": (4, (NAMED, CONTEXT_OF, SOMEWHERE), {}),
    "a name and an expression": (4, (NAMED, EXPRESSION_OF, SOMEWHERE), {}),
    "an expression and a context": (4, (EXPRESSION_OF, CONTEXT_OF, SOMEWHERE), {}),
    "a bin and an expression": (4, (EXPRESSION_OF, IN_BIN), {}),
    "no index, and a filter that is none": (201, (NO_FILTER, between("x", 1, 2)), {}),
    "a filter that is none": (4, (field(FILTER, b"\x91"),), {}),
    "an op that writes": (4, (), {"ops": ONE}),
    "an op that there is not": (4, (), {"ops": [op(6, "n")]}),
    "an op of newer servers": (4, (), {"ops": [op(17, "s", STR, b"\x91\x00")]}),
    "a projected bin with a name of 16 bytes": (4, (), {"ops": [op(OP_READ, "x" * 16)]}),
    "a number of records of four bytes": (4, (field(MOST, bytes(4)),), {}),
    "a module without function": (4, (AGGREGATE, MODULE), {"partitions": None}),
    "a module that is told by no kind": (4, (MODULE, FUNCTION, ARGUMENTS), {}),
    "a function without module": (16, (AGGREGATE,), {"partitions": None}),
    "an aggregation with a filter": (16, (AGGREGATE, MODULE, FUNCTION, ARGUMENTS, NO_FILTER), {}),
    "an aggregation of a set that there is not": (
        2,
        (AGGREGATE, MODULE, FUNCTION, ARGUMENTS),
        {"set_name": "judged-none"},
    ),
    "a short aggregation": (4, (AGGREGATE, MODULE, FUNCTION, ARGUMENTS), {"info1": READ | SHORT}),
    "a change of a set that there is not": (2, (), {**CHANGES, "ops": ONE, "set_name": "judged-none"}),
    "a change of such a set, by nothing": (2, (), {**CHANGES, "set_name": "judged-none"}),
    "a change by nothing": (4, (), CHANGES),
    "a change that reads": (4, (), {**CHANGES, "info1": READ, "ops": ONE}),
    "a change by an op that reads": (4, (), {**CHANGES, "ops": [*ONE, op(OP_READ, "n")]}),
    "a short change": (4, (), {**CHANGES, "info1": SHORT, "ops": ONE}),
    "a change that is too fast": (4, (field(RPS, struct.pack(">I", 10001)),), {**CHANGES, "ops": ONE}),
    "a change with a filter that is none": (4, (NO_FILTER,), {**CHANGES, "ops": ONE}),
    "a change without index": (201, (between("x", 1, 2),), {**CHANGES, "ops": ONE}),
    "a change by half a function": (4, (BACKGROUND, MODULE), CHANGES),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_refused(filled: Filled, what: str) -> None:
    code, more, header = REFUSED[what]
    answer = ask(filled.wire, *more, **{"set_name": filled.name, **header})
    assert (answer.code, answer.is_whole, answer.records) == (code, False, [])
    assert len(filled.ask(partitions=ALL).records) == COUNT, "the connection can be used"


def test_a_number_is_that_of_one_query(filled: Filled) -> None:
    trid = next(_numbers)
    assert filled.ask(trid=trid).code == 0
    assert filled.ask(trid=trid).code == 4
    assert filled.ask(trid=0).code == filled.ask(trid=0).code == 0


# --- index queries ------------------------------------------------------------------------------------------


def test_ranges_of_integers(filled: Filled) -> None:
    answer = filled.ask(between("n", 3, 7))
    assert (answer.code, answer.values()) == (0, [3, 4, 5, 6, 7])
    for told in answer.records:
        assert list(told.fields) == [0, 4, 1, 15]
        assert told.fields[15] == struct.pack("<q", filled.numbers[told.fields[4]])
    assert filled.ask(between("n", -(1 << 63), (1 << 63) - 1)).values() == list(range(COUNT))
    assert filled.ask(between("n", -5, -1)).records == []


def test_the_order_of_an_index_query_in_a_partition(filled: Filled) -> None:
    found: dict[int, list[tuple[int, bytes]]] = {}
    for told in filled.ask(between("n", 0, COUNT)).records:
        entry = (struct.unpack("<q", told.fields[15])[0], told.fields[4])
        found.setdefault(partition_of(told.fields[4]), []).append(entry)
    assert any(len(each) > 1 for each in found.values())
    for entries in found.values():
        assert entries == sorted(entries)


def test_an_index_query_goes_on_after_a_record(filled: Filled) -> None:
    entries: dict[int, list[tuple[int, bytes]]] = {}
    for told in filled.ask(between("n", 0, COUNT)).records:
        entry = (struct.unpack("<q", told.fields[15])[0], told.fields[4])
        entries.setdefault(partition_of(told.fields[4]), []).append(entry)
    for found in [each for each in entries.values() if len(each) > 1]:
        for place, (bval, digest) in enumerate(found):
            rest = filled.ask(between("n", 0, COUNT), digests([digest]), bvals([bval]), partitions=None)
            assert rest.digests == [each for _, each in found[place + 1 :]]


def test_strings(filled: Filled) -> None:
    answer = filled.ask(equal("s", b"s3"))
    assert answer.values() == [n for n in range(COUNT) if n % 5 == 3]
    assert len({told.fields[15] for told in answer.records}) == 1
    assert filled.ask(equal("s", b"")).records == []
    ends = b"\x00\x00\x00\x02s3" + b"\x00\x00\x00\x00"
    assert len(filled.ask(raw_range(b"\x01\x01s\x03" + ends)).records) == COUNT // 5


def test_a_record_of_which_several_elements_match_is_found_once(filled: Filled) -> None:
    wanted = (field(INDEX_TYPE, b"\x01"), between("l", 10, 20))
    answer = filled.ask(*wanted)
    assert answer.values() == list(range(9, 21))
    assert len(answer.records) == 12
    for told in answer.records:
        number, bval = filled.numbers[told.fields[4]], struct.unpack("<q", told.fields[15])[0]
        assert bval == max(number, 10)
        rest = filled.ask(*wanted, digests([told.fields[4]]), bvals([bval]), partitions=None)
        assert (told.fields[4] in rest.digests) == (bval == number < 20), (
            "it is found again by its next element"
        )


def test_the_name_of_an_index(filled: Filled) -> None:
    numbers, texts = (field(INDEX_NAME, f"{filled.name}-{what}"[-60:].encode()) for what in "ns")
    assert filled.ask(numbers, between("", 3, 7)).values() == [3, 4, 5, 6, 7]
    assert filled.ask(numbers, field(INDEX_TYPE, b"\x01"), between("", 3, 7)).values() == [3, 4, 5, 6, 7]
    assert len(filled.ask(numbers).records) == COUNT, "without a range it is a scan"
    for nothing in (
        filled.ask(numbers, equal("", b"x")),
        filled.ask(texts, between("", -(1 << 63), (1 << 63) - 1)),
    ):
        assert (nothing.code, nothing.records) == (0, [])


def test_what_is_taken_all_the_same(filled: Filled) -> None:
    range_and_more = raw_range(b"\x01\x01n\x01" + (b"\x00\x00\x00\x08" + NUMBER) * 2 + b"more")
    assert filled.ask(range_and_more).values() == [1]
    assert filled.ask(IN_BIN, field(INDEX_TYPE, bytes(2))).values() == [1, 2]
    for more, header in (
        ((field(QUERY_ID, b"\x01"),), {"trid": 0}),
        ((CONTEXT_OF,), {}),
        ((field(33, b"\x09"),), {}),
        ((digests([b"\x00\xf0" + b"\xff" * 18]), bvals([1])), {"partitions": range(1, 4096)}),
        ((), {"info1": 0}),
        ((), {"timeout": 1}),
        ((), {"info3": PARTITION | 0x48}),
        ((), {"info1": READ | NO_BINS, "ops": [op(CDT_READ, "n", 4, b"\x91\x10")]}),
    ):
        answer = filled.ask(*more, **header)
        assert (answer.code, len(answer.records)) == (0, COUNT)


def test_changes_are_seen_by_index_queries(filled: Filled) -> None:
    key = f"{filled.name} more"
    wire, name = filled.wire, filled.name
    wanted = between("n", 5000, 6000)
    wire.ask(put(key, {"n": integer(5000)}, set_name=name))
    assert filled.ask(wanted).values() == [5000]
    wire.ask(message(key, op(ADD, "n", *integer(10)), info2=WRITE, set_name=name))
    assert filled.ask(wanted).values() == [5010]
    wire.ask(put(key, {"n": (STR, b"5000")}, set_name=name))
    assert filled.ask(wanted).records == []
    wire.ask(put(key, {"n": integer(5001)}, set_name=name, ttl=1))
    assert filled.ask(wanted).values() == [5001]
    wire.ask(message(key, info2=3, set_name=name))
    assert filled.ask(wanted).records == []
