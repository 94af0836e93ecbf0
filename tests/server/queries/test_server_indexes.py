"""Secondary indexes: whatever is written, they find what a look at every record finds."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgpack
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from query_wire import (
    BLOB,
    CONTEXT,
    EXPRESSION,
    GEO,
    INDEX_NAME,
    INDEX_TYPE,
    INTEGER,
    STRING,
    ask,
    between,
    equal,
)
from server_wire import Wire, eventually, field, frame, integer, message, op, put

from pyspike.server import EmbeddedCluster
from pyspike.server.expressions.describing import describe_context, describe_expression
from support.examples import examples

RECORDED_TEXTS = Path(__file__).parent.parent / "recorded_index_texts.jsonl"
"""What a server of version 8.1.2 tells of contexts and expressions."""

LIST, MAP = 20, 19
COLLECTIONS = {"default": 0, "list": 1, "mapkeys": 2, "mapvalues": 3}
TYPES = {"numeric": INTEGER, "string": STRING, "blob": BLOB, "geo2dsphere": GEO}
DELETE = 3
NOT_FOUND, NOT_READABLE, TOO_MANY = 201, 203, 206
FEW = 30


@pytest.fixture
def cluster() -> Iterator[EmbeddedCluster]:
    with EmbeddedCluster(version="8.1.2") as cluster:
        yield cluster


@pytest.fixture
def wire(cluster: EmbeddedCluster) -> Iterator[Wire]:
    with Wire(cluster.nodes[0].port) as connection:
        yield connection


def create(
    wire: Wire, name: str, definition: str, set_name: str | None = "q", namespace: str = "test"
) -> str:
    """The answer to the command that creates an index."""
    of_set = "" if set_name is None else f"set={set_name};"
    command = f"sindex-create:namespace={namespace};{of_set}indexname={name};{definition}"
    return wire.info(command)[command]


def told(wire: Wire, command: str) -> str:
    return wire.info(command)[command]


def stat(wire: Wire, name: str) -> dict[str, str]:
    text = told(wire, f"sindex-stat:namespace=test;indexname={name}")
    return dict(part.split("=") for part in text.split(";"))


# --- values of all kinds ------------------------------------------------------------------------------------


def typed(value: Any) -> Any:
    """A value as msgpack packs it for the server: texts and blobs begin with their type."""
    if isinstance(value, str):
        return b"\x03" + value.encode()
    if isinstance(value, bytes):
        return b"\x04" + value
    if isinstance(value, Place):
        return b"\x17" + value.text
    if isinstance(value, list):
        return [typed(each) for each in value]
    if isinstance(value, dict):
        return {typed(key): typed(each) for key, each in value.items()}
    return value


class Place:
    """A point or a circle."""

    def __init__(self, longitude: float, radius: float | None = None) -> None:
        self.longitude, self.radius = longitude, radius
        point: list[Any] = [longitude, 0.0]
        kind, coordinates = ("Point", point) if radius is None else ("AeroCircle", [point, radius])
        self.text = json.dumps({"type": kind, "coordinates": coordinates}).encode()

    def __repr__(self) -> str:
        return self.text.decode()


def particle(value: Any) -> tuple[int, bytes]:
    """The bin of a value."""
    if isinstance(value, bool):
        return 17, bytes((value,))
    if isinstance(value, int):
        return integer(value)
    if isinstance(value, float):
        return 2, struct.pack(">d", value)
    if isinstance(value, str):
        return STRING, value.encode()
    if isinstance(value, bytes):
        return BLOB, value
    if isinstance(value, Place):
        return GEO, b"\x00\x00\x00" + value.text
    packed: bytes = msgpack.packb(typed(value), use_bin_type=False)
    return (MAP if isinstance(value, dict) else LIST), packed


def parts(value: Any, collection: str) -> list[Any]:
    if collection == "default":
        return [value]
    if collection == "list":
        return value if isinstance(value, list) else []
    if not isinstance(value, dict):
        return []
    return list(value.keys() if collection == "mapkeys" else value.values())


METRES_A_DEGREE = 6371000 * 3.141592653589793 / 180


def matches(value: Any, wanted: Any) -> bool:
    """Whether a value is what a query looks for: in a range, equal, a point in a region or the reverse."""
    if isinstance(wanted, tuple):
        return type(value) is int and wanted[0] <= value <= wanted[1]
    if isinstance(wanted, Place):
        if not isinstance(value, Place) or (value.radius is None) == (wanted.radius is None):
            return False
        radius = value.radius or wanted.radius or 0.0
        return abs(value.longitude - wanted.longitude) * METRES_A_DEGREE <= radius
    return type(value) is type(wanted) and bool(value == wanted)


def wanted_field(name: str, wanted: Any) -> bytes:
    if isinstance(wanted, tuple):
        return between(name, *wanted)
    if isinstance(wanted, Place):
        return equal(name, wanted.text, GEO)
    return equal(name, wanted.encode() if isinstance(wanted, str) else wanted, particle(wanted)[0])


SMALL = st.integers(-3, 3)
TEXTS = st.sampled_from(["", "a", "b", "é", "x" * 2047, "x" * 2048])
BLOBS = st.sampled_from([b"", b"a", b"\x00", b"x" * 2047, b"x" * 2048])
# Halves of degrees and radii that end between them, so that no point is on an edge.
POINTS = st.builds(Place, st.integers(-4, 4).map(lambda n: n / 2))
CIRCLES = st.builds(
    Place,
    st.integers(-4, 4).map(lambda n: n / 2),
    st.sampled_from([0.25, 0.75, 1.25]).map(lambda d: d * METRES_A_DEGREE),
)
SCALARS = st.one_of(SMALL, TEXTS, BLOBS, POINTS, CIRCLES, st.floats(0, 1), st.booleans())
KEYS = st.one_of(SMALL, TEXTS, BLOBS)
VALUES = st.one_of(SCALARS, st.lists(SCALARS, max_size=4), st.dictionaries(KEYS, SCALARS, max_size=4))
WANTED = {
    "numeric": st.tuples(SMALL, SMALL).map(lambda ends: (min(ends), max(ends))),
    "string": TEXTS.filter(lambda text: len(text) < 2048),
    "blob": BLOBS.filter(lambda data: len(data) < 2048),
    "geo2dsphere": st.one_of(POINTS, CIRCLES),
}
WRITES = st.lists(
    st.tuples(st.integers(0, 5), st.sampled_from(["put", "put", "put", "delete", "expire"]), VALUES),
    max_size=12,
)


@pytest.fixture(scope="module")
def shared() -> Iterator[EmbeddedCluster]:
    with EmbeddedCluster(version="8.1.2") as cluster:
        yield cluster


ALLOWED = [(type_, collection) for type_ in TYPES for collection in COLLECTIONS]
ALLOWED.remove(("geo2dsphere", "mapkeys"))


@pytest.mark.parametrize(("type_", "collection"), ALLOWED)
@settings(max_examples=examples(25), deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), before=WRITES, after=WRITES)
def test_an_index_finds_what_a_look_at_every_record_finds(
    shared: EmbeddedCluster, type_: str, collection: str, data: Any, before: Any, after: Any
) -> None:
    shared.reset()
    model: dict[int, Any] = {}
    with Wire(shared.nodes[0].port) as wire:

        def write(writes: Any) -> None:
            for key, what, value in writes:
                if what == "delete":
                    wire.ask(message(key, info2=DELETE, set_name="q"))
                    model.pop(key, None)
                    continue
                bins = {"k": integer(key), "v": particle(value)}
                assert wire.ask(put(key, bins, set_name="q", ttl=10 if what == "expire" else -1)).code == 0
                model[key] = value
                if what == "expire":
                    shared.clock.advance(20)
                    del model[key]

        write(before)
        definition = f"bin=v;type={type_};indextype={collection}"
        assert create(wire, "i", definition) == "ok"
        write(after)
        wanted = data.draw(WANTED[type_])
        collection_field = field(INDEX_TYPE, bytes((COLLECTIONS[collection],)))
        answer = ask(wire, collection_field, wanted_field("v", wanted))
        assert answer.code == 0
        expected = [
            key
            for key, value in model.items()
            if any(matches(each, wanted) for each in parts(value, collection))
        ]
        assert answer.values("k") == sorted(expected)
        records = sum(
            any(
                TYPES[type_] == particle(each)[0] and len(particle(each)[1]) < 2048
                for each in parts(value, collection)
            )
            for value in model.values()
        )
        assert (stat(wire, "i")["entries"] != "0") == (records > 0)


# --- what is indexed ----------------------------------------------------------------------------------------


def test_contexts_and_expressions(wire: Wire) -> None:
    for number in range(FEW):
        value = {"a": [number, {"b": number % 3}], "c": number}
        wire.ask(put(number, {"k": integer(number), "v": particle(value)}, set_name="q"))
    deep = bytes.fromhex("9622a203611001") + b"\x22\xa2\x03b"
    listed = bytes.fromhex("9222a20361")
    double = b"\x93\x16\x93\x51\x02\xa1k\x02"
    assert create(wire, "deep", f"bin=v;type=numeric;context={base64.b64encode(deep).decode()}") == "ok"
    assert (
        create(wire, "list", f"bin=v;type=numeric;indextype=list;context={base64.b64encode(listed).decode()}")
        == "ok"
    )
    assert create(wire, "double", f"type=numeric;exp={base64.b64encode(double).decode()}") == "ok"
    assert ask(wire, field(CONTEXT, deep), between("v", 1, 1)).values("k") == list(range(1, FEW, 3))
    in_list = ask(wire, field(INDEX_TYPE, b"\x01"), field(CONTEXT, listed), between("v", 4, 6))
    assert in_list.values("k") == [4, 5, 6]
    assert ask(wire, field(EXPRESSION, double), between("", 10, 14)).values("k") == [5, 6, 7]
    assert ask(wire, field(INDEX_NAME, b"double"), between("", 10, 14)).values("k") == [5, 6, 7]
    assert ask(wire, between("v", 1, 1)).code == NOT_FOUND


def test_an_index_of_the_whole_namespace_serves_all_sets(wire: Wire) -> None:
    for number in range(FEW):
        wire.ask(put(number, {"n": integer(number)}, set_name=("q", "r", "")[number % 3]))
    assert create(wire, "all", "bin=n;type=numeric", set_name=None) == "ok"
    assert ask(wire, between("n", 0, 9), set_name=None).values() == list(range(10))
    assert ask(wire, between("n", 0, 9), set_name="r").values() == [1, 4, 7]
    assert create(wire, "one", "bin=n;type=numeric", set_name="r") == "ok"
    assert (stat(wire, "all")["entries"], stat(wire, "one")["entries"]) == (str(FEW), str(FEW // 3))
    named = field(INDEX_NAME, b"all")
    assert ask(wire, named, between("", 0, 9), set_name="q").values() == [0, 3, 6, 9]


def test_truncation_expiry_and_clearing_empty_an_index(cluster: EmbeddedCluster, wire: Wire) -> None:
    assert create(wire, "i", "bin=n;type=numeric") == "ok"

    def fill(ttl: int = -1) -> None:
        for number in range(FEW):
            wire.ask(put(number, {"n": integer(number)}, set_name="q", ttl=ttl))
        assert stat(wire, "i")["entries"] == str(FEW)

    fill()
    cluster.clock.advance(1)  # what was written in the same millisecond stays
    assert told(wire, "truncate:namespace=test;set=q") == "ok"
    assert (stat(wire, "i")["entries"], ask(wire, between("n", 0, FEW)).records) == ("0", [])
    fill(ttl=10)
    cluster.clock.advance(20)
    assert (stat(wire, "i")["entries"], ask(wire, between("n", 0, FEW)).records) == ("0", [])
    fill()
    cluster.clock.advance(1)
    assert told(wire, "truncate-namespace:namespace=test") == "ok"
    assert stat(wire, "i")["entries"] == "0"
    fill()
    cluster.clear()
    assert stat(wire, "i")["entries"] == "0"
    fill()
    cluster.reset()
    with Wire(cluster.nodes[0].port) as again:
        assert told(again, "sindex-list") == ""


def test_an_index_of_a_set_counts_its_records(wire: Wire) -> None:
    for number in range(FEW):
        wire.ask(put(number, {"n": integer(number)}, set_name="q"))
    assert create(wire, "i", "indextype=set") == "ok"
    assert stat(wire, "i") == {"entries": str(FEW), "used_bytes": str(16 * FEW), "load_pct": "100"}
    assert len(ask(wire).records) == FEW


# --- names and limits ---------------------------------------------------------------------------------------


def test_the_same_index_under_another_name_is_renamed(wire: Wire) -> None:
    assert create(wire, "one", "bin=n;type=numeric") == "ok"
    assert create(wire, "one", "bin=n;type=numeric") == "ok"
    assert create(wire, "one", "bin=x;type=numeric").startswith("ERROR:200:")
    assert create(wire, "two", "bin=n;type=numeric") == "ok"
    assert told(wire, "sindex-exists:namespace=test;indexname=one") == "false"
    assert told(wire, "sindex-exists:namespace=test;indexname=two") == "true"
    assert told(wire, "sindex-delete:namespace=test;indexname=two") == "ok"
    assert told(wire, "sindex-list") == ""


@pytest.mark.parametrize("namespace", ["test", "nowhere"])
def test_there_are_no_more_than_256_indexes(wire: Wire, namespace: str) -> None:
    for number in range(256):
        assert create(wire, f"i{number}", f"bin=b{number};type=numeric", namespace=namespace) == "ok"
    refused = create(wire, "one-more", "bin=n;type=numeric", namespace=namespace)
    assert refused == f"ERROR:{TOO_MANY}:already at sindex definition limit"
    assert create(wire, "renamed", "bin=b7;type=numeric", namespace=namespace) == "ok"


def test_indexes_of_a_namespace_that_nobody_has_are_kept_but_not_told(wire: Wire) -> None:
    def in_nowhere(name: str, definition: str) -> str:
        return create(wire, name, definition, namespace="nowhere")

    assert in_nowhere("one", "bin=n;type=numeric") == "ok"
    assert in_nowhere("one", "bin=n;type=numeric") == "ok"
    other = in_nowhere("one", "indextype=mapvalues;bin=n;type=numeric")
    assert other == "ERROR:200:'indexname' already exists with different definition"
    assert create(wire, "one", "bin=m;type=string", namespace="elsewhere") == "ok"
    for command in ("stat", "exists"):
        answer = told(wire, f"sindex-{command}:namespace=nowhere;indexname=one")
        assert answer == "ERROR:20:namespace not found on node"
    assert told(wire, "sindex-list") == ""
    assert in_nowhere("two", "bin=n;type=numeric") == "ok"  # it is renamed, so that the old name is free
    assert in_nowhere("one", "indextype=mapvalues;bin=n;type=numeric") == "ok"
    assert told(wire, "sindex-delete:namespace=nowhere;indexname=two") == "ok"
    assert in_nowhere("two", "bin=s;type=string") == "ok"


# --- building -----------------------------------------------------------------------------------------------


def test_an_index_that_is_being_built_can_not_be_used(cluster: EmbeddedCluster, wire: Wire) -> None:
    node = cluster.nodes[0]
    wire.ask(put(1, {"n": integer(1)}, set_name="q"))
    node.delay_indexes(3600)
    assert create(wire, "slow", "bin=n;type=numeric") == "ok"
    assert int(stat(wire, "slow")["load_pct"]) < 100
    assert ":state=WO" in told(wire, "sindex-list")
    assert ask(wire, between("n", 0, 9)).code == NOT_READABLE
    node.delay_indexes(0)
    assert create(wire, "quick", "bin=m;type=numeric") == "ok"
    assert stat(wire, "quick")["load_pct"] == "100"
    assert told(wire, "sindex-delete:namespace=test;indexname=slow") == "ok"
    node.delay_indexes(0.05)
    assert create(wire, "soon", "bin=n;type=numeric") == "ok"
    eventually(lambda: stat(wire, "soon")["load_pct"] == "100")
    assert ask(wire, between("n", 0, 9)).values() == [1]


def test_each_node_builds_for_itself() -> None:
    with EmbeddedCluster(3) as cluster:
        cluster.nodes[1].delay_indexes(3600)
        with Wire(cluster.nodes[0].port) as first, Wire(cluster.nodes[1].port) as second:
            assert create(first, "i", "bin=n;type=numeric") == "ok"
            assert stat(first, "i")["load_pct"] == "100"
            assert int(stat(second, "i")["load_pct"]) < 100
            cluster.nodes[1].restart()
        with Wire(cluster.nodes[1].port) as second:
            assert stat(second, "i")["load_pct"] == "100"


def test_many_records_are_indexed_while_other_connections_are_served(
    cluster: EmbeddedCluster, wire: Wire
) -> None:
    many = 20_000
    for start in range(0, many, 100):
        wire.sock.sendall(
            b"".join(
                frame(put(number, {"n": integer(number)}, set_name="q"))
                for number in range(start, start + 100)
            )
        )
        for _ in range(100):
            wire.read_frame()
    begin = "sindex-create:namespace=test;set=q;indexname=i;bin=n;type=numeric"
    look = "sindex-stat:namespace=test;indexname=i"
    answers = wire.info(begin, look)  # of one request, as it may be built before a second one comes
    assert answers[begin] == "ok"
    assert "load_pct=100" not in answers[look], "it was built at one go"
    wire.ask(put("late", {"n": integer(many)}, set_name="q"))
    wire.ask(message(3, info2=DELETE, set_name="q"))
    wire.ask(message(4, op(5, "n", *integer(-4)), info2=1, set_name="q"))
    eventually(lambda: stat(wire, "i")["load_pct"] == "100")
    assert ask(wire, between("n", many - 2, many)).values() == [many - 2, many - 1, many]
    assert ask(wire, between("n", 0, 5)).values() == [0, 0, 1, 2, 5]


def test_the_texts_of_contexts_and_expressions(wire: Wire) -> None:
    context = base64.b64encode(bytes.fromhex("9422a20361100f")).decode()
    expression = base64.b64encode(b"\x93\x14\x93\x51\x02\xa1n\x01").decode()
    assert create(wire, "c", f"bin=n;type=numeric;context={context}") == "ok"
    assert create(wire, "e", f"type=numeric;exp={expression}") == "ok"
    rows = told(wire, "sindex-list:namespace=test").split(";")
    assert "context=[map_key(<string#1>), list_index(15)]" in rows[0]
    assert 'exp=add(bin_int("n"), 1)' in rows[1]
    encoded = told(wire, "sindex-list:namespace=test;b64=true").split(";")
    assert f"context={context}" in encoded[0]
    assert f"exp={expression}" in encoded[1]


def test_every_recorded_text_of_a_context_or_an_expression() -> None:
    recorded = [json.loads(line) for line in RECORDED_TEXTS.read_text().splitlines()]
    assert len(recorded) > 500
    for each in recorded:
        describe = describe_context if each["of"] == "context" else describe_expression
        assert describe(bytes.fromhex(each["bytes"])) == each["text"]
