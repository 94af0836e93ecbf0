"""The server that is played: the newest one by default, the older one where that is wanted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgpack  # type: ignore[import-untyped]
import pytest
from server_values import packed
from server_wire import Wire, field, get, integer, message, op, put

from pyspike.server import EmbeddedCluster
from pyspike.server.protocol.result import ResultCode
from pyspike.server.values.encoding import encode

LIST, MAP = 20, 19


@pytest.fixture(scope="module")
def older() -> Iterator[EmbeddedCluster]:
    with EmbeddedCluster(version="8.1.2") as cluster:
        yield cluster


@pytest.fixture
def old(older: EmbeddedCluster) -> Iterator[Wire]:
    older.clear()
    with Wire(older.nodes[0].port) as wire:
        yield wire


def nested(levels: int) -> Any:
    value: Any = []
    for _ in range(levels - 1):
        value = [value]
    return value


def nested_maps(levels: int) -> Any:
    value: Any = {}
    for _ in range(levels - 1):
        value = {"k": value}
    return value


@pytest.mark.parametrize(
    ("version", "build"),
    [(None, "8.2.0.0"), ("8.2.0", "8.2.0.0"), ("8.1.2", "8.1.2.0"), ("8.1.2.0", "8.1.2.0")],
)
@pytest.mark.parametrize("process", [False, True])
def test_a_cluster_tells_its_version(version: str | None, build: str, process: bool) -> None:
    with EmbeddedCluster(version=version, process=process) as cluster, Wire(cluster.nodes[0].port) as wire:
        answers = wire.info("build", "version", "release")
    assert answers["build"] == build
    assert answers["version"].endswith(f" build {build}")
    assert f";version={build};" in answers["release"]


@pytest.mark.parametrize(
    ("version", "error"), [("9", ValueError), ("8.1", ValueError), ("", ValueError), (8.2, TypeError)]
)
def test_an_unknown_version_is_refused(version: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"8\.2\.0, 8\.1\.2|version is a str"):
        EmbeddedCluster(version=version)


def test_the_older_server_refuses_what_it_does_not_know(old: Wire, wire: Wire) -> None:
    bins = {"s": (3, b"ab"), "l": (LIST, encode(packed(["a", "b"]))), "y": (4, b"hi")}
    for each in (old, wire):
        each.ask(put(1, bins))
    requests = {
        "string read": (op(17, "s", 3, encode(packed([0]))), integer(2)),
        "to_string": (op(19, "s"), (3, b"ab")),
        "list join": (op(3, "l", 4, encode(packed([28, "-"]))), (3, b"a-b")),
        "b64": (op(12, "y", 4, encode(packed([55]))), (3, b"aGk=")),
    }
    for name, (request, result) in requests.items():
        assert old.ask(message(1, request, info1=1)).code == ResultCode.PARAMETER, name
        answer = wire.ask(message(1, request, info1=1))
        assert (answer.code, answer.ops[0][1], answer.ops[0][3]) == (0, *result), name
    modify = message(1, op(18, "s", 3, encode(packed([56, 0]))), info2=1)
    assert (old.ask(modify).code, wire.ask(modify).code) == (ResultCode.PARAMETER, ResultCode.OK)
    assert (old.ask(get(1)).bins["s"], wire.ask(get(1)).bins["s"]) == ((3, b"ab"), (3, b"AB"))


def test_expressions_of_strings_are_of_the_newer_server(old: Wire, wire: Wire) -> None:
    bins = {"s": (3, b"ab"), "l": (LIST, encode(packed(["a", "b"])))}
    name = bytes((0xA1,))
    expressions = {
        "upper": (bytes.fromhex("957f0343923800 9351 03") + name + b"s", ResultCode.PARAMETER, (3, b"AB")),
        "to_string": (bytes.fromhex("9263 9351 03") + name + b"s", ResultCode.PARAMETER, (3, b"ab")),
        "join": (
            bytes.fromhex("957f0300911c 9351 04") + name + b"l",
            ResultCode.OP_NOT_APPLICABLE,
            (3, b"ab"),
        ),
    }
    for each in (old, wire):
        each.ask(put(1, bins))
    for what, (expression, code, result) in expressions.items():
        request = message(1, op(7, "x", 4, b"\x92" + expression + b"\x00"), info1=1)
        assert old.ask(request).code == code, what
        answer = wire.ask(request)
        assert (answer.code, answer.ops[0][1], answer.ops[0][3]) == (0, *result), what


@pytest.mark.parametrize("make", [nested, nested_maps])
def test_the_newer_server_takes_64_levels_and_no_more(old: Wire, wire: Wire, make: Any) -> None:
    particle = LIST if make is nested else MAP
    for levels, code in ((64, ResultCode.OK), (65, ResultCode.UNKNOWN)):
        request = put(1, {"a": (particle, encode(packed(make(levels))))})
        assert (wire.ask(request).code, old.ask(request).code) == (code, ResultCode.OK)
    wire.ask(put(1, {"a": (LIST, b"\x90")}))
    old.ask(put(1, {"a": (LIST, b"\x90")}))
    for levels, code in ((64, ResultCode.OK), (65, ResultCode.PARAMETER)):
        append = message(1, op(4, "a", 4, encode(packed([1, make(levels)]))), info2=1)
        assert (wire.ask(append).code, old.ask(append).code) == (code, ResultCode.OK)
        literal = packed([126, nested(levels)]) if make is nested else packed(make(levels))
        write = message(1, op(8, "b", 4, b"\x92" + encode(literal) + b"\x00"), info2=1)
        assert (wire.ask(write).code, old.ask(write).code) == (code, ResultCode.OK)


def test_strings_that_look_like_containers_are_not_nested(wire: Wire) -> None:
    text = "\u0410" * 100  # its bytes are codes of containers
    assert wire.ask(put(1, {"a": (LIST, encode(packed([text, [text]])))})).code == 0


def test_a_context_has_64_levels_at_most(wire: Wire) -> None:
    wire.ask(put(1, {"a": (LIST, encode(packed(nested(64))))}))
    for levels, code in ((63, ResultCode.OK), (65, ResultCode.PARAMETER)):
        size = message(1, op(3, "a", 4, encode(packed([0xFF, [0x10, 0] * levels, [16]]))), info1=1)
        assert wire.ask(size).code == code


VERBOSITIES = {0: {}, 0x20: {1: 9}, 0x40: {1: 9, 2: "an index outside the string"}}


@pytest.mark.parametrize("info4", VERBOSITIES)
def test_what_was_wrong_is_told_to_clients_that_ask(old: Wire, wire: Wire, info4: int) -> None:
    overwrite = op(18, "s", 3, encode(packed([51, 9, "x", 0])))
    body = bytearray(message(1, overwrite, info2=1))
    body[4] = info4
    for each in (old, wire):
        each.ask(put(1, {"s": (3, b"ab")}))
        each.send(bytes(body))
    told = VERBOSITIES[info4]
    answer = wire.read_frame()
    assert (answer[13], int.from_bytes(answer[26:28], "big")) == (ResultCode.PARAMETER, bool(told))
    if told:
        assert answer[34] == 45
        assert msgpack.unpackb(answer[35:], strict_map_key=False) == told
        assert int.from_bytes(answer[30:34], "big") == len(answer) - 34
    assert old.read_frame()[26:28] == b"\0\0"


def test_the_official_client_reads_what_was_wrong(shared_cluster: EmbeddedCluster) -> None:
    aerospike = pytest.importorskip("aerospike")
    string_operations = pytest.importorskip("aerospike_helpers.operations.string_operations")
    client = aerospike.client({"hosts": [("127.0.0.1", shared_cluster.nodes[0].port)]}).connect()
    key, policy = ("test", "s", "details"), {"error_detail_verbosity": aerospike.ERROR_DETAIL_MESSAGE}
    client.put(key, {"s": "abc"})
    with pytest.raises(aerospike.exception.OpNotApplicable) as caught:
        client.operate(key, [string_operations.to_integer("s")], policy=policy)
    assert caught.value.subcode == aerospike.SUB_OPNOT_STRING_CONVERSION_FAILED
    assert "a text that is no integer" in caught.value.msg
    with pytest.raises(aerospike.exception.OpNotApplicable) as caught:
        client.operate(key, [string_operations.base64_decode("s")])
    assert caught.value.subcode == 0
    client.close()


def test_the_part_of_an_expression_that_is_wrong_or_not_true_is_told(shared_cluster: EmbeddedCluster) -> None:
    """The official client writes what it was told behind the message."""
    aerospike = pytest.importorskip("aerospike")
    exp = pytest.importorskip("aerospike_helpers.expressions")
    batch = pytest.importorskip("aerospike_helpers.batch.records")
    operations = pytest.importorskip("aerospike_helpers.operations.operations")
    client = aerospike.client({"hosts": [("127.0.0.1", shared_cluster.nodes[0].port)]}).connect()
    key, full = ("test", "s", "trace"), {"error_detail_verbosity": aerospike.ERROR_DETAIL_EXP_TRACE}
    client.put(key, {"n": 5, "s": "abc"})
    is_five, is_b = exp.Eq(exp.IntBin("n"), 5), exp.Eq(exp.StrBin("s"), "b")
    of_b = (
        'path=["and","eq"] snippet="eq(bin_str(\\"s\\"), <string#1>)"'
        """ outcome="false" operands=["'abc'","'b'"]"""
    )
    traces = {
        exp.And(is_five, is_b): f'phase="eval" byte_offset=10 op="eq" depth=1 {of_b}',
        exp.GT(exp.IntBin("x"), 1): (
            'phase="eval" byte_offset=0 op="gt" depth=0 path=["gt"] snippet="gt(bin_int(\\"x\\"), 1)"'
            ' outcome="absent" operands=["unknown","1"]'
        ),
        exp.Not(is_five): (
            'phase="eval" byte_offset=0 op="not" depth=0 path=["not"]'
            ' snippet="not(eq(bin_int(\\"n\\"), 5))" outcome="false"'
        ),
        exp.Not(exp.Eq(exp.StrBin("s"), exp.IntBin("n"))): (
            'phase="build" byte_offset=2 op="eq" depth=1 path=["not","eq"]'
            ' snippet="eq(bin_str(\\"s\\"), bin_int(\\"n\\"))" outcome="fault"'
        ),
    }
    for expression, trace in traces.items():
        policy = {**full, "expressions": expression.compile()}
        with pytest.raises(aerospike.exception.AerospikeError) as caught:
            client.get(key, policy=policy)
        assert caught.value.msg.partition("exp_trace=")[2] == f"{{{trace}}}"
        with pytest.raises(aerospike.exception.AerospikeError) as caught:
            client.get(key, policy={**policy, "error_detail_verbosity": aerospike.ERROR_DETAIL_MESSAGE})
        assert "exp_trace" not in caught.value.msg
    row = batch.Read(key, [operations.read("n")], policy={**full, "expressions": is_b.compile()})
    client.batch_write(batch.BatchRecords([row]), full)
    assert row.result == ResultCode.FILTERED_OUT
    assert 'op="eq" depth=0' in row.message
    query = client.query("test", "s")
    with pytest.raises(aerospike.exception.InvalidRequest, match=r'phase="build".* op="eq"'):
        query.results({**full, "expressions": exp.Eq(exp.StrBin("s"), exp.IntBin("b")).compile()})
    client.close()


def test_what_is_told_fits_into_1024_bytes(wire: Wire) -> None:
    """Of a deep expression with long texts, the path and the snippet are cut."""
    wire.ask(put(1, {"a": (3, b"x" * 3000)}))
    expression: Any = [1, [81, 3, "a"], "y" * 3000]
    for _ in range(30):
        expression = [16, True, expression]
    body = bytearray(message(1, info1=3, more=(field(43, encode(packed(expression))),)))
    body[4] = 0x60
    wire.send(bytes(body))
    answer = wire.read_frame()
    size = int.from_bytes(answer[30:34], "big") - 1
    told = msgpack.unpackb(answer[35 : 35 + size], strict_map_key=False)
    assert (answer[13], size <= 1024) == (ResultCode.FILTERED_OUT, True)
    assert (told[3][3], told[3][4], len(told[3][5]), told[3][5][-1]) == ("eq", 30, 16, "...")
    assert (told[3][13][0], len(told[3][13][1])) == ("unknown", 48)
