"""The rules of single-record commands, on raw bytes."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import pytest
from server_wire import Answer, Wire, digest_of, field, get, integer, message, op, put

from pyspike.server import EmbeddedCluster, NamespaceConfig
from pyspike.server.protocol.result import ResultCode

READ, WRITE, CDT_READ, INCR, APPEND, PREPEND, TOUCH, DELETE_ALL = 1, 2, 3, 5, 9, 10, 11, 14
STRING, BLOB, BOOL, HLL, MAP, LIST, GEO = 3, 4, 17, 18, 19, 20, 23
RESPOND_ALL, DURABLE, DELETE = 0x80, 0x10, 0x03
UPDATE_ONLY, CREATE_OR_REPLACE, REPLACE_ONLY = 0x08, 0x10, 0x20
NEVER, DONT_UPDATE = 0xFFFFFFFF, 0xFFFFFFFE


def operate(key: object, *ops: bytes, **header: int) -> bytes:
    return message(key, *ops, info1=header.pop("info1", 1), info2=1 | header.pop("info2", 0), **header)


def test_a_request_that_is_refused_changes_nothing(wire: Wire) -> None:
    wire.ask(put(1, {"a": integer(1), "s": (STRING, b"x")}))
    answer = wire.ask(operate(1, op(WRITE, "a", *integer(2)), op(INCR, "s", *integer(1))))
    assert answer == Answer(ResultCode.INCOMPATIBLE_TYPE, 1, 0, [])
    assert wire.ask(get(1)).bins["a"] == integer(1)


def test_bins_come_in_the_order_of_their_creation(wire: Wire) -> None:
    wire.ask(put(1, {"z": integer(1), "a": integer(2)}))
    wire.ask(put(1, {"m": integer(3), "z": integer(4)}))
    assert [name for _, _, name, _ in wire.ask(get(1)).ops] == ["z", "a", "m"]


def test_the_generation_wraps_within_16_bits_and_leaves_out_zero(wire: Wire) -> None:
    wire.ask(put(1, {"a": integer(1)}))
    touch = message(1, op(TOUCH), info2=1)
    for _ in range(65):
        for _ in range(1000):
            wire.send(touch)
        for _ in range(1000):
            wire.read_frame()
    assert wire.ask(get(1)).generation == 65001
    generations = [wire.ask(touch).generation for _ in range(536)]
    assert generations[-3:] == [65535, 1, 2]


@pytest.mark.parametrize(
    ("bits", "sent", "exists", "code"),
    [
        (0x04, 1, True, 0),
        (0x04, 2, True, 3),
        (0x04, 0, False, 0),
        (0x04, 1, False, 3),
        (0x08, 2, True, 0),
        (0x08, 1, True, 3),
        (0x08, 1, False, 0),
    ],
)
def test_generation_policies(wire: Wire, bits: int, sent: int, exists: bool, code: int) -> None:
    if exists:
        wire.ask(put(1, {"a": integer(1)}))
    assert wire.ask(put(1, {"a": integer(1)}, info2=bits, generation=sent)).code == code


def test_reads_in_a_write_count_as_a_write(wire: Wire) -> None:
    assert wire.ask(operate(1, op(READ, "a"))).code == ResultCode.NOT_FOUND
    wire.ask(put(1, {"a": integer(1)}))
    assert wire.ask(operate(1, op(READ, "a"))) == Answer(
        0, 2, 0, [(READ, *integer(1)[:1], "a", integer(1)[1])]
    )
    assert wire.ask(operate(1, op(READ, "a"), info1=0)).code == ResultCode.PARAMETER


def test_respond_all_ops_answers_every_op_but_touch(wire: Wire) -> None:
    wire.ask(put(1, {"a": integer(1)}))
    ops = [
        op(WRITE, "b", *integer(2)),
        op(TOUCH),
        op(INCR, "a", *integer(1)),
        op(READ, "a"),
        op(READ, "none"),
    ]
    answer = wire.ask(operate(1, *ops, info2=RESPOND_ALL))
    assert answer.ops == [(2, 0, "b", b""), (5, 0, "a", b""), (1, 1, "a", integer(2)[1]), (1, 0, "none", b"")]
    assert [name for _, _, name, _ in wire.ask(operate(1, *ops)).ops] == ["a"]


def test_all_bins_can_be_read_once_in_a_write(wire: Wire) -> None:
    wire.ask(put(1, {"a": integer(1)}))
    answer = wire.ask(operate(1, op(WRITE, "b", *integer(2)), op(READ), info1=3))
    assert answer.bins == {"a": integer(1), "b": integer(2)}
    assert wire.ask(operate(1, op(WRITE, "b", *integer(2)), info1=3)).code == ResultCode.PARAMETER
    assert wire.ask(operate(1, op(READ), op(READ), info1=3)).code == ResultCode.PARAMETER
    assert wire.ask(operate(1, op(READ), op(READ, "a"), info1=3)).code == ResultCode.PARAMETER
    assert wire.ask(operate(1, op(READ), info1=3, info2=RESPOND_ALL)).code == ResultCode.PARAMETER


@pytest.mark.parametrize(
    "bad",
    [op(TOUCH), op(WRITE, "a"), op(INCR, "a", *integer(1)), op(APPEND, "s", STRING, b"x"), op(DELETE_ALL)],
)
@pytest.mark.parametrize("replace", [CREATE_OR_REPLACE, REPLACE_ONLY])
def test_replacing_goes_with_plain_writes_only(wire: Wire, bad: bytes, replace: int) -> None:
    wire.ask(put(1, {"a": integer(1)}))
    assert wire.ask(message(1, bad, info2=1, info3=replace)).code == ResultCode.PARAMETER


def test_exists_rules(wire: Wire) -> None:
    bins = {"a": integer(1)}
    assert wire.ask(put(1, bins, info3=UPDATE_ONLY)).code == ResultCode.NOT_FOUND
    assert wire.ask(put(1, bins, info3=REPLACE_ONLY)).code == ResultCode.NOT_FOUND
    assert wire.ask(put(1, bins, info2=0x20)).code == ResultCode.OK
    assert wire.ask(put(1, bins, info2=0x20)) == Answer(ResultCode.RECORD_EXISTS, 1, 0, [])
    assert wire.ask(put(1, {"b": integer(2)}, info3=UPDATE_ONLY)).code == ResultCode.OK
    assert wire.ask(put(1, {"c": integer(3)}, info3=CREATE_OR_REPLACE)).code == ResultCode.OK
    assert wire.ask(get(1)).bins == {"c": integer(3)}


def test_a_record_without_bins_is_gone(wire: Wire) -> None:
    wire.ask(put(1, {"a": integer(1)}))
    assert wire.ask(message(1, op(WRITE, "a"), info2=1)) == Answer(0, 0, 0, [])
    assert wire.ask(get(1)).code == ResultCode.NOT_FOUND
    assert wire.ask(message(1, op(WRITE, "a"), info2=1)).code == ResultCode.NOT_FOUND
    wire.ask(put(1, {"a": integer(1)}))
    assert wire.ask(message(1, op(DELETE_ALL), info2=1)).generation == 0
    wire.ask(put(1, {"a": integer(1)}))
    answer = wire.ask(message(1, op(DELETE_ALL), op(WRITE, "b", *integer(2)), info2=1))
    assert answer.generation == 2
    assert wire.ask(get(1)).bins == {"b": integer(2)}


def test_increments_wrap_and_need_the_same_type(wire: Wire) -> None:
    wire.ask(put(1, {"a": integer(2**63 - 1), "f": (2, struct.pack(">d", 1.5)), "t": (BOOL, b"\1")}))
    assert wire.ask(operate(1, op(INCR, "a", *integer(1)), op(READ, "a"))).bins["a"] == integer(-(2**63))
    assert wire.ask(operate(1, op(INCR, "f", 2, struct.pack(">d", 1)), op(READ, "f"))).bins["f"] == (
        2,
        struct.pack(">d", 2.5),
    )
    assert wire.ask(operate(1, op(INCR, "f", *integer(1)))).code == ResultCode.INCOMPATIBLE_TYPE
    assert wire.ask(operate(1, op(INCR, "t", BOOL, b"\1"))).code == ResultCode.INCOMPATIBLE_TYPE
    assert wire.ask(operate(1, op(INCR, "new", STRING, b"x"), op(READ, "new"))).bins["new"] == (STRING, b"x")


def test_appends_need_the_same_type(wire: Wire) -> None:
    point = b'{"type":"Point","coordinates":[1,2]}'
    wire.ask(put(1, {"s": (STRING, b"b"), "y": (BLOB, b"b"), "g": (GEO, bytes(3) + point)}))
    wire.ask(
        operate(1, op(APPEND, "s", STRING, b"c"), op(PREPEND, "s", STRING, b"a"), op(APPEND, "y", BLOB, b"c"))
    )
    bins = wire.ask(get(1)).bins
    assert (bins["s"], bins["y"]) == ((STRING, b"abc"), (BLOB, b"bc"))
    assert wire.ask(operate(1, op(APPEND, "s", BLOB, b"c"))).code == ResultCode.INCOMPATIBLE_TYPE
    assert wire.ask(operate(1, op(APPEND, "g", GEO, bytes(3) + point))).code == ResultCode.UNKNOWN
    assert wire.ask(operate(1, op(APPEND, "i", *integer(5)), op(READ, "i"))).bins["i"] == integer(5)


@pytest.mark.parametrize(
    ("particle", "value", "code"),
    [
        (1, b"\xff" * 4, 0),
        (1, b"\xff" * 3, 4),
        (2, b"\x00" * 4, 4),
        (BOOL, b"\x02", 4),
        (5, b"x", 4),
        (99, b"x", 4),
        (HLL, b"\x01\x02", 4),
        (HLL, bytes((0, 4, 0)) + bytes(8 + 12), 0),
        (HLL, bytes((0, 4, 0)) + bytes(8 + 11), 4),
        (HLL, bytes((0, 3, 0)) + bytes(8 + 6), 4),
        (LIST, b"\x91", 1),
        (LIST, b"\x91\x01\x01", 1),
        (LIST, b"\x80", 1),
        (MAP, b"\x82\x01\x01\x01\x02", 1),
        (MAP, b"\x81\xc0\x01", 1),
        (GEO, b"\0\0", 160),
        (GEO, bytes(3) + b'{"type":"LineString","coordinates":[[0,0],[1,1]]}', 160),
        (GEO, bytes(3) + b'{"coordinates":[[[0,0],[0,1],[1,1],[0,0]]],"type":"Polygon"}', 0),
        (GEO, bytes(3) + b'{"type":"AeroCircle","coordinates":[[0,0],10]}', 0),
        (GEO, bytes(3) + b'{"type":"Feature","geometry":{"type":"Point","coordinates":[1,2]}}', 0),
        (GEO, bytes(3) + b'{"type":"Point","coordinates":[181,2]}', 160),
        (7, b"java", 0),
    ],
)
def test_values_are_checked(wire: Wire, particle: int, value: bytes, code: int) -> None:
    assert wire.ask(put(1, {"a": (particle, value)})).code == code
    assert (wire.ask(get(1)).code == 0) == (code == 0)


def test_short_integers_are_extended_with_zeros(wire: Wire) -> None:
    wire.ask(put(1, {"a": (1, b"\xff\xff\xff\xff")}))
    assert wire.ask(get(1)).bins["a"] == integer(4294967295)


def test_bin_names_have_15_bytes(wire: Wire) -> None:
    assert wire.ask(put(1, {"b" * 15: integer(1), "": integer(2)})).code == 0
    assert wire.ask(put(1, {"b" * 16: integer(1)})).code == ResultCode.BIN_NAME
    assert wire.ask(message(1, op(READ, "b" * 16), info1=1)) == Answer(ResultCode.BIN_NAME, 1, 0, [])


def test_a_stored_key_and_set_have_to_be_met(wire: Wire) -> None:
    key = field(2, b"\x03one")
    wire.ask(put(1, {"a": integer(1)}))
    assert wire.ask(get(1, more=(field(2, b"\x03other"),))).code == 0
    wire.ask(put(1, {"a": integer(1)}, more=(key,)))
    wire.ask(put(1, {"a": integer(1)}))
    assert wire.ask(get(1, more=(key,))).code == 0
    assert wire.ask(get(1, more=(field(2, b"\x03other"),))).code == ResultCode.KEY_MISMATCH
    assert wire.ask(put(1, {"a": integer(1)}, more=(field(2, b"\x03other"),))).code == ResultCode.KEY_MISMATCH
    assert wire.ask(get(1, set_name="t")).code == ResultCode.PARAMETER
    assert wire.ask(put(1, {"a": integer(1)}, set_name="")).code == ResultCode.PARAMETER


def test_what_only_the_enterprise_edition_does_is_said_so(wire: Wire) -> None:
    wire.ask(put(1, {"a": integer(1)}))
    assert wire.ask(message(1, info2=DELETE | DURABLE)).code == ResultCode.ENTERPRISE_ONLY
    assert wire.ask(get(1, info3=0x40)).code == ResultCode.ENTERPRISE_ONLY
    assert wire.ask(get(1, info3=0xC0)).code == ResultCode.OK
    assert wire.ask(get(1, more=(field(5, bytes(8)),))).code == ResultCode.ENTERPRISE_ONLY
    wire.send(bytes(30), 4)
    assert wire.read_frame()[13] == ResultCode.ENTERPRISE_ONLY
    wire.send(bytes((0, 0, 20, 0)) + bytes(12), 2)
    assert wire.read_frame() == bytes.fromhex("02020000000000100033" + "00" * 14)


def test_unknown_ops_and_names_are_refused(wire: Wire) -> None:
    wire.ask(put(1, {"a": integer(1)}))
    assert wire.ask(operate(1, op(6, "a"))).code == ResultCode.PARAMETER
    assert wire.ask(operate(1, op(20, "a"))).code == ResultCode.PARAMETER
    assert wire.ask(message(1, op(WRITE, "a", *integer(1)), info1=1)).code == ResultCode.PARAMETER
    assert wire.ask(get(1, namespace="nope")).code == ResultCode.NAMESPACE
    assert wire.ask(get(2, set_name="s" * 64)).code == ResultCode.NOT_FOUND
    assert wire.ask(put(2, {"a": integer(1)}, set_name="s" * 64)).code == ResultCode.PARAMETER
    assert wire.ask(message(1, info1=1)).code == ResultCode.PARAMETER
    assert wire.ask(message(1, op(READ), info1=1)) == Answer(0, 1, 0, [])


def test_malformed_messages_are_refused_and_the_connection_lives(wire: Wire) -> None:
    good = put(1, {"a": integer(1)})
    for body in (b"", good[:10], good[:-1], good + b"x", good[:22] + bytes(4) + good[26:]):
        assert wire.ask(body).code == ResultCode.PARAMETER
    assert wire.ask(good).code == 0


def test_a_record_has_a_largest_size(wire: Wire) -> None:
    assert wire.ask(put(1, {"a": (BLOB, bytes(1048576))})).code == ResultCode.RECORD_TOO_BIG
    assert wire.ask(put(1, {"a": (BLOB, bytes(1048576 - 1024))})).code == ResultCode.OK
    assert len(wire.ask(get(1)).bins["a"][1]) == 1048576 - 1024


# --- time ---------------------------------------------------------------------------------------------------


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def timed(clock: Clock) -> Iterator[Wire]:
    namespaces = {
        "test": NamespaceConfig(),
        "short": NamespaceConfig(default_ttl=100),
        "static": NamespaceConfig(nsup_period=0),
        "kept": NamespaceConfig(default_read_touch_ttl_pct=50),
    }
    with (
        EmbeddedCluster(namespaces=namespaces, clock=clock) as cluster,
        Wire(cluster.nodes[0].port) as connection,
    ):
        yield connection


def seconds_left(answer: Answer, clock: Clock) -> int:
    return answer.void_time - (int(clock.now) - 1262304000)


def test_a_record_expires_with_its_time(timed: Wire, clock: Clock) -> None:
    answer = timed.ask(put(1, {"a": integer(1)}, ttl=10))
    assert seconds_left(answer, clock) == 10
    clock.now += 10
    assert timed.ask(get(1)).code == 0
    clock.now += 1
    assert timed.ask(get(1)).code == ResultCode.NOT_FOUND
    assert timed.ask(put(1, {"a": integer(1)}, info2=0x20)).generation == 1


def test_a_ttl_can_be_never_or_as_before_or_the_default(timed: Wire, clock: Clock) -> None:
    def written(ttl: int) -> int:
        return seconds_left(timed.ask(put(1, {"a": integer(1)}, ttl=ttl, namespace="short")), clock)

    assert written(DONT_UPDATE) == 100
    clock.now += 40
    assert written(DONT_UPDATE) == 60
    assert written(0) == 100
    assert timed.ask(put(1, {"a": integer(1)}, ttl=NEVER, namespace="short")).void_time == 0


def test_ttls_are_limited(timed: Wire) -> None:
    assert timed.ask(put(1, {"a": integer(1)}, ttl=315360000)).code == ResultCode.OK
    assert timed.ask(put(1, {"a": integer(1)}, ttl=315360001)).code == ResultCode.PARAMETER
    assert timed.ask(put(1, {"a": integer(1)}, ttl=0xFFFFFFFD)).code == ResultCode.PARAMETER
    assert timed.ask(put(1, {"a": integer(1)}, ttl=5, namespace="static")).code == ResultCode.FORBIDDEN
    assert timed.ask(put(1, {"a": integer(1)}, ttl=NEVER, namespace="static")).code == ResultCode.OK
    timed.info("set-config:context=namespace;namespace=static;allow-ttl-without-nsup=true")
    assert timed.ask(put(1, {"a": integer(1)}, ttl=5, namespace="static")).code == ResultCode.OK


@pytest.mark.parametrize(
    ("percent", "namespace", "left"),
    [
        (80, "test", 10),
        (60, "test", 10),
        (59, "test", 6),
        (0, "test", 6),
        (0, "kept", 6),
        (NEVER, "kept", 6),
        (100, "kept", 10),
    ],
)
def test_a_read_can_prolong_a_record(
    timed: Wire, clock: Clock, percent: int, namespace: str, left: int
) -> None:
    timed.ask(put(1, {"a": integer(1)}, ttl=10, namespace=namespace))
    clock.now += 4
    assert seconds_left(timed.ask(get(1, ttl=percent, namespace=namespace)), clock) == 6
    after = timed.ask(get(1, ttl=NEVER, namespace=namespace))
    assert seconds_left(after, clock) == left
    assert after.generation == 1


def test_a_read_touch_percent_counts_only_if_the_record_expires(timed: Wire) -> None:
    timed.ask(put(1, {"a": integer(1)}))
    assert timed.ask(get(1, ttl=101)).code == ResultCode.OK
    timed.ask(put(1, {"a": integer(1)}, ttl=10))
    assert timed.ask(get(1, ttl=101)).code == ResultCode.PARAMETER


def test_truncating_drops_what_is_older(timed: Wire, clock: Clock) -> None:
    timed.ask(put(1, {"a": integer(1)}))
    timed.ask(put(2, {"a": integer(1)}, set_name="other"))
    clock.now += 10
    timed.ask(put(3, {"a": integer(1)}))
    assert (
        timed.info(f"truncate:namespace=test;set=s;lut={int(clock.now * 1e9) - 10**9}").popitem()[1] == "ok"
    )
    assert [timed.ask(get(key)).code for key in (1, 3)] == [2, 0]
    assert timed.ask(get(2, set_name="other")).code == 0
    clock.now += 1
    timed.info("truncate-namespace:namespace=test")
    assert [timed.ask(get(3)).code, timed.ask(get(2, set_name="other")).code] == [2, 2]


def test_digests_decide_not_keys(wire: Wire) -> None:
    wire.ask(put(1, {"a": integer(1)}))
    assert wire.ask(get("whatever", digest=digest_of(1))).bins == {"a": integer(1)}
