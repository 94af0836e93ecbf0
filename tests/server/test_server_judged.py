"""What a server answers to single requests, asked of the embedded one, or of a real one that `--hosts` names.

Each was asked of a real server of version 8.1.2. A test that passes on one of the two only is a bug in one of
them.
"""

from __future__ import annotations

import itertools
import struct
import time
from collections.abc import Iterator

import pytest
from position_cases import answers, recorded
from server_wire import Answer, Wire, digest_of, field, get, integer, message, op, put

from pyspike.server import EmbeddedCluster

LAST, BATCH, READ_ALL, NO_BINS = 0x01, 0x08, 0x03, 0x21
WRITE, DELETE, GENERATION, CREATE_ONLY, RESPOND_ALL = 0x01, 0x03, 0x05, 0x21, 0x81
READ, PUT, CDT_READ, CDT_MODIFY, ADD, EXP_MODIFY = 1, 2, 3, 4, 5, 8
APPEND, PREPEND, TOUCH, BITS_MODIFY, DELETE_ALL, HLL_MODIFY = 9, 10, 11, 13, 14, 16
SET = "judged"
TOO_LONG = "s" * 64
GEOJSON = (23, b'\x00\x00\x00{"type":"Point","coordinates":[1,2]}')
BINS = {
    "integer": integer(3),
    "float": (2, struct.pack(">d", 1.5)),
    "string": (3, b"abc"),
    "blob": (4, b"xy"),
    "bool": (17, b"\x01"),
    "list": (20, b"\x91\x01"),
    "map": (19, b"\x81\x01\x01"),
    "geojson": GEOJSON,
    "hll": (18, bytes((0, 4, 0)) + b"\xff" * 8 + bytes(12)),
}
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
        yield wire


@pytest.fixture
def key() -> str:
    """A key without a record."""
    return f"{time.time_ns()}-{next(_numbers)}"


def said(wire: Wire, command: str) -> str:
    return wire.info(command)[command]


# --- refusals that end the command --------------------------------------------------------------------------


def batch(*rows: bytes, count: int | None = None) -> bytes:
    payload = struct.pack(">IB", len(rows) if count is None else count, 0x0D) + b"".join(rows)
    return struct.pack(">BBBBBBIIIHH", 22, BATCH, 0, 0, 0, 0, 0, 0, 1000, 1, 0) + field(41, payload)


def row(namespace: str = "test") -> bytes:
    fields = field(0, namespace.encode()) + field(1, SET.encode())
    return bytes(4) + digest_of("row") + bytes((0x0A, 3, 0, 0)) + struct.pack(">IHH", 0, 2, 0) + fields


def until_last(wire: Wire, body: bytes) -> int:
    """The result code with which a batch ends."""
    wire.send(body)
    while True:
        answer = wire.read_frame()
        if answer[11] & LAST:
            return answer[13]


def test_a_batch_ends_with_the_last_message_whatever_becomes_of_it(asked: Wire) -> None:
    good = batch(row())
    assert until_last(asked, good) == 0
    without_rows = struct.pack(">BBBBBBIIIHH", 22, BATCH, 0, 0, 0, 0, 0, 0, 1000, 0, 0)
    assert until_last(asked, without_rows) == 4
    assert until_last(asked, batch(row("nope"))) == 4
    assert until_last(asked, batch(count=0)) == 4
    assert until_last(asked, batch(row(), count=5)) == 4
    assert until_last(asked, good[:40]) == 4
    assert asked.ask(get("nothing", set_name=SET)).code == 2


def test_other_requests_end_with_a_message_that_has_a_code(asked: Wire) -> None:
    head = struct.pack(">BBBBBBIIIHH", 22, READ_ALL, 0, 0, 0, 0, 0, 0, 1000, 1, 0)
    assert asked.ask(head + field(0, b"test")) == Answer(16, 0, 0, [])
    assert asked.ask(head + field(0, b"nope"))[:2] == (20, 0)
    asked.send(bytes(30), 4)
    assert asked.read_frame()[11:14] == bytes((0, 0, 25))


# --- which check comes first --------------------------------------------------------------------------------


def test_a_request_without_a_namespace(asked: Wire) -> None:
    head = struct.pack(">BBBBBBIIIHH", 22, READ_ALL, 0, 0, 0, 0, 0, 0, 1000, 1, 0)
    assert asked.ask(head + field(4, digest_of("key"))) == Answer(20, 0, 0, [])


def test_the_first_of_two_fields_counts(asked: Wire, key: str) -> None:
    other = (field(1, b"other"),)
    assert asked.ask(put(key, {"a": integer(1)}, set_name=SET, more=other)).code == 0
    assert asked.ask(get(key, set_name=SET, more=other)).code == 0
    assert asked.ask(get(key, set_name="other")).code == 4
    asked.ask(message(key, info2=DELETE, set_name=SET))


def test_a_filter_is_looked_at_before_the_key(asked: Wire, key: str) -> None:
    mine, theirs, false = (
        field(2, b"\x01" + bytes(7) + b"\x01"),
        field(2, b"\x01" + bytes(8)),
        field(43, b"\xc2"),
    )
    asked.ask(put(key, {"a": integer(1)}, set_name=SET, more=(mine,)))
    for body in (
        get(key, set_name=SET, more=(theirs, false)),
        put(key, {"a": integer(2)}, set_name=SET, more=(theirs, false)),
        message(key, info2=DELETE, set_name=SET, more=(theirs, false)),
    ):
        assert asked.ask(body).code == 27
    assert asked.ask(get(key, set_name=SET, more=(theirs,))).code == 19
    asked.ask(message(key, info2=DELETE, set_name=SET))


def test_a_delete_looks_at_the_set_before_the_generation(asked: Wire, key: str) -> None:
    asked.ask(put(key, {"a": integer(1)}, set_name=SET))
    header = {"info2": DELETE | GENERATION, "generation": 7}
    assert asked.ask(message(key, set_name="other", **header)).code == 4
    assert asked.ask(message(key, set_name=SET, **header)).code == 3
    asked.ask(message(key, info2=DELETE, set_name=SET))


def test_a_part_of_a_transaction_is_refused_but_for_deletes(asked: Wire, key: str) -> None:
    part = (field(5, b"12345678"),)
    assert asked.ask(get(key, set_name=SET, more=part)).code == 25
    assert asked.ask(put(key, {"a": integer(1)}, set_name=SET, more=part)).code == 25
    assert asked.ask(message(key, info2=WRITE, set_name=SET, more=part)).code == 4
    assert asked.ask(message(key, set_name=SET, more=part)).code == 4
    asked.ask(put(key, {"a": integer(1)}, set_name=SET))
    assert asked.ask(message(key, info2=DELETE, set_name=SET, more=part)).code == 0


def test_a_replacement_that_writes_nothing_finds_no_record(asked: Wire, key: str) -> None:
    asked.ask(put(key, {"a": integer(1)}, set_name=SET))
    body = message(key, op(READ, "a"), info1=1, info2=WRITE, info3=0x10, set_name=SET)
    assert asked.ask(body)[:2] == (2, 1)
    assert asked.ask(get(key, set_name=SET)).generation == 1
    asked.ask(message(key, info2=DELETE, set_name=SET))


def test_all_bins_go_with_no_operation_that_may_have_a_result(asked: Wire, key: str) -> None:
    asked.ask(put(key, {"l": BINS["list"], "a": integer(1)}, set_name=SET))
    append = op(CDT_MODIFY, "l", 4, b"\x92\x01\x05")
    assert asked.ask(message(key, append, op(READ), info1=READ_ALL, info2=WRITE, set_name=SET)).code == 4
    add = op(ADD, "a", *integer(1))
    assert asked.ask(message(key, add, op(READ), info1=READ_ALL, info2=WRITE, set_name=SET)).code == 0
    asked.ask(message(key, info2=DELETE, set_name=SET))


# --- scalar operations --------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [ADD, APPEND, PREPEND])
@pytest.mark.parametrize("stored", [None, *BINS])
def test_null_is_added_to_nothing(asked: Wire, key: str, code: int, stored: str | None) -> None:
    asked.ask(put(key, {"a": integer(1)} if stored is None else {"b": BINS[stored]}, set_name=SET))
    assert asked.ask(message(key, op(code, "b"), info2=WRITE, set_name=SET)).code == 4
    asked.ask(message(key, info2=DELETE, set_name=SET))


@pytest.mark.parametrize("code", [ADD, APPEND, PREPEND])
@pytest.mark.parametrize("value", BINS)
def test_nothing_is_added_to_geojson(asked: Wire, key: str, code: int, value: str) -> None:
    asked.ask(put(key, {"b": GEOJSON}, set_name=SET))
    assert asked.ask(message(key, op(code, "b", *BINS[value]), info2=WRITE, set_name=SET)).code == 1
    asked.ask(message(key, info2=DELETE, set_name=SET))


# --- names --------------------------------------------------------------------------------------------------

WRITES = {
    "put": (PUT, *integer(1)),
    "delete": (PUT, 0, b""),
    "add": (ADD, *integer(1)),
    "append": (APPEND, 3, b"a"),
    "prepend": (PREPEND, 3, b"a"),
    "list": (CDT_MODIFY, 4, b"\x92\x01\x01"),
    "bits": (BITS_MODIFY, 4, b"\x92\x00\x04"),
    "hll": (HLL_MODIFY, 4, b"\x92\x00\x08"),
    "expression": (EXP_MODIFY, 4, b"\x92\x01\x00"),
    "delete all": (DELETE_ALL, 0, b""),
    "unknown": (99, 0, b""),
}


@pytest.mark.parametrize("name", ["a\0b", "\0", "x" * 16])
@pytest.mark.parametrize("what", WRITES)
def test_no_write_names_a_bin_as_none_can_be_named(asked: Wire, key: str, name: str, what: str) -> None:
    code, particle, value = WRITES[what]
    for there in (False, True):
        if there:
            asked.ask(put(key, {"c": integer(1)}, set_name=SET))
        for header in ({}, {"info2": CREATE_ONLY}, {"info2": GENERATION, "generation": 7}, {"info3": 8}):
            body = message(key, op(code, name, particle, value), set_name=SET, **{"info2": WRITE, **header})
            assert asked.ask(body) == Answer(21, 0, 0, []), header
    asked.ask(message(key, info2=DELETE, set_name=SET))


@pytest.mark.parametrize("name", ["a\0b", "x" * 16])
def test_nor_does_a_read(asked: Wire, key: str, name: str) -> None:
    read = message(key, op(READ, name), info1=1, set_name=SET)
    assert asked.ask(read).code == 2
    asked.ask(put(key, {"c": integer(1)}, set_name=SET))
    assert asked.ask(read)[:2] == (21, 1)
    assert asked.ask(message(key, op(PUT, name), info1=1, set_name=SET)).code == 21
    assert asked.ask(message(key, op(READ, name), info1=READ_ALL, set_name=SET)).code == 0
    assert asked.ask(message(key, op(READ, name), info1=NO_BINS, set_name=SET)).code == 0
    assert asked.ask(message(key, op(TOUCH, name), info2=WRITE, set_name=SET)).code == 0
    asked.ask(message(key, info2=DELETE, set_name=SET))


@pytest.mark.parametrize("name", ["a\0b", "\0", TOO_LONG])
def test_a_set_that_can_not_be_named_so_is_not_made(asked: Wire, key: str, name: str) -> None:
    assert asked.ask(put(key, {"a": integer(1)}, set_name=name)).code == 4
    assert asked.ask(put(key, {"a": integer(1)}, set_name=name, info2=GENERATION, generation=3)).code == 3
    for body in (
        get(key, set_name=name),
        message(key, info2=DELETE, set_name=name),
        message(key, op(TOUCH), info2=WRITE, set_name=name),
        put(key, {"a": integer(1)}, set_name=name, info3=8),
    ):
        assert asked.ask(body).code == 2
    asked.ask(put(key, {"a": integer(1)}, set_name=SET))
    assert asked.ask(get(key, set_name=name)).code == 4
    asked.ask(message(key, info2=DELETE, set_name=SET))


def test_reading_and_deleting_without_a_set_finds_the_record(asked: Wire, key: str) -> None:
    asked.ask(put(key, {"a": integer(1)}, set_name=SET))
    assert asked.ask(get(key, set_name="")).bins == {"a": integer(1)}
    assert asked.ask(message(key, op(READ, "a"), info1=1, set_name="")).code == 0
    assert asked.ask(put(key, {"a": integer(1)}, set_name="")).code == 4
    assert asked.ask(message(key, op(TOUCH), info2=WRITE, set_name="")).code == 4
    assert asked.ask(get(key, set_name="other")).code == 4
    assert asked.ask(message(key, info2=DELETE, set_name="other")).code == 4
    assert asked.ask(message(key, info2=DELETE, set_name="")).code == 0


# --- which answer comes first -------------------------------------------------------------------------------


def test_a_touch_of_no_record_is_told_before_its_generation(asked: Wire, key: str) -> None:
    ops = op(TOUCH), op(PUT, "a", *integer(1))
    for some in (ops[:1], ops, ops[::-1]):
        body = message(key, *some, info2=GENERATION, generation=7, set_name=SET)
        assert asked.ask(body).code == 2
    assert asked.ask(message(key, ops[1], info2=GENERATION, generation=7, set_name=SET)).code == 3


@pytest.mark.parametrize("code", [0, 6, 20, 99, 255])
def test_an_unknown_operation_fails_when_it_is_its_turn(asked: Wire, key: str, code: int) -> None:
    asked.ask(put(key, {"a": integer(1)}, set_name=SET))
    assert asked.ask(message(key, op(code, "a"), info1=1, set_name=SET))[:2] == (4, 1)
    assert asked.ask(message(key, op(code, "a"), info2=WRITE, set_name=SET))[:2] == (4, 1)
    body = message(key, op(code, "a"), info2=GENERATION, generation=7, set_name=SET)
    assert asked.ask(body).code == 3
    assert asked.ask(message(key, op(code, "a"), info2=WRITE, ttl=1 << 30, set_name=SET)).code == 4
    body = message(key, op(code, "a"), info2=WRITE, more=(field(43, b"\xc2"),), set_name=SET)
    assert asked.ask(body).code == 27
    asked.ask(message(key, info2=DELETE, set_name=SET))


def test_a_read_without_a_name_is_answered_if_all_are(asked: Wire, key: str) -> None:
    ops = op(READ), op(PUT, "a", *integer(1))
    answer = asked.ask(message(key, *ops, info1=1, info2=RESPOND_ALL, set_name=SET))
    assert answer.ops == [(READ, 0, "", b""), (PUT, 0, "a", b"")]
    asked.ask(message(key, info2=DELETE, set_name=SET))


def test_a_read_renews_a_ttl_of_which_just_the_percentage_is_left(asked: Wire, key: str) -> None:
    written = asked.ask(put(key, {"a": integer(1)}, ttl=100, set_name=SET))
    if asked.ask(get(key, ttl=0xFFFFFFFF, set_name=SET)).code:
        pytest.skip("the namespace takes no TTLs")
    while time.time() - 1262304000 < written.void_time - 99:
        time.sleep(0.02)
    asked.ask(get(key, ttl=99, set_name=SET))
    assert asked.ask(get(key, ttl=0xFFFFFFFF, set_name=SET)).void_time > written.void_time
    asked.ask(message(key, info2=DELETE, set_name=SET))


# --- info commands ------------------------------------------------------------------------------------------

EPOCH_NS = 1262304000 * 10**9


@pytest.mark.parametrize(
    ("parameters", "answer"),
    [
        ("", "ERROR:20:missing 'namespace'"),
        (":set=s", "ERROR:20:missing 'namespace'"),
        (":namespace=;set=s", "ERROR:20:missing 'namespace' value"),
        (f":namespace={'n' * 64};set=s", "ERROR:20:'namespace' value too long"),
        (":namespace=test", "ERROR:4:missing 'set'"),
        (":namespace=test;set=", "ERROR:4:missing 'set' value"),
        (f":namespace=test;set={TOO_LONG}", "ERROR:4:'set' value too long"),
        (":namespace=nope;set=s", "ok"),
        (f":namespace=test;set={SET}-nothing", "ok"),
        (":namespace=test;set=s;lut=", "ERROR:4:missing 'lut' value"),
        (":namespace=test;set=s;lut=x", "ERROR:4:would truncate to 0"),
        (":namespace=test;set=s;lut=0", "ERROR:4:would truncate to 0"),
        (":namespace=test;set=s;lut=1", "ERROR:4:would truncate to 0"),
        (":namespace=nope;set=s;lut=1", "ERROR:4:would truncate to 0"),
        (f":namespace=test;set=s;lut={EPOCH_NS}", "ERROR:4:would truncate to 0"),
        (f":namespace=test;set=s;lut={EPOCH_NS + 999_999}", "ERROR:4:would truncate to 0"),
        (f":namespace=test;set={SET}-nothing;lut={EPOCH_NS + 1_000_000}", "ok"),
        (":namespace=test;set=s;lut=-1", "ERROR:4:would truncate in the future"),
        (":namespace=test;set=s;lut=99999999999999999999999", "ERROR:4:would truncate in the future"),
    ],
)
def test_truncations_are_checked(asked: Wire, parameters: str, answer: str) -> None:
    assert said(asked, f"truncate{parameters}") == answer


def test_truncations_of_namespaces_are_checked(asked: Wire) -> None:
    future = time.time_ns() + 3600 * 10**9
    assert said(asked, "truncate-namespace") == "ERROR:20:missing 'namespace'"
    assert said(asked, f"truncate-namespace:namespace=nope;lut={future}") == (
        "ERROR:4:would truncate in the future"
    )
    assert said(asked, "truncate-namespace:namespace=test;lut=1") == "ERROR:4:would truncate to 0"
    command = f"truncate-namespace:namespace=test;set=s;lut={EPOCH_NS + 1_000_000}"
    assert said(asked, command) == "ERROR:4:unexpected set name"
    assert said(asked, "truncate-undo:namespace=test") == "ERROR:4:missing 'set'"
    assert said(asked, "truncate-namespace-undo") == "ERROR:20:missing 'namespace'"


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("log/1", "ERROR::bad-id"),
        ("log/x", "ERROR:4:bad sink-id"),
        ("log-set", "ERROR:4:missing id"),
        ("sindex/nope", "ns_type=unknown"),
        ("sindex/test/no-such-index", "ERROR:201:no index"),
        ("sindex-exists:namespace=nope;indexname=i", "ERROR:20:namespace not found on node"),
        ("sindex-create", "ERROR:4:missing 'indexname'"),
        ("histogram", "ERROR:20:missing 'namespace'"),
        ("histogram:namespace=nope", "ERROR:20:namespace not found on node"),
        ("histogram:namespace=test", "ERROR:4:missing 'type'"),
        ("histogram:namespace=test;type=nope", "ERROR:4:unknown hist name"),
        ("mcast", "ERROR:4:heartbeat is in multicast mode"),
        ("tip", "ERROR:4:missing 'host'"),
        ("tip:host=127.0.0.1", "ERROR:4:missing 'port'"),
        ("tip:host=127.0.0.1;port=x", "ERROR:4:'port' must be an integer"),
        ("tip-clear", "ERROR:4:missing 'host-port-list'"),
        ("physical-devices", "ERROR:4:missing 'path'"),
        ("physical-devices:path=", "ERROR:4:missing 'path' value"),
        ("physical-devices:path=/dev/null", "ERROR:2:no device info"),
        ("query-show:trid=x", "ERROR:4:bad id"),
        ("query-abort", "ERROR:4:missing 'id'"),
        ("udf-get", "error=invalid_filename"),
        ("udf-remove", "error=invalid_filename"),
        ("udf-put:filename=no-dot", "error=invalid_filename"),
        ("log-message", "ERROR:4:missing 'message'"),
        ("latencies:hist=nope", "ERROR:4:bad hist name"),
        ("replicas:max=x", "ERROR:4:bad max"),
        ("cluster-stable:size=x", "ERROR:4:bad size"),
        ("cluster-stable:ignore-migrations=x", "ERROR:4:bad ignore migrations"),
        ("user-agent-set:value=", "ERROR:4:missing 'value' value"),
        ("user-agent-set:value=abc", "ERROR:4:'value' invalid base64"),
        ("get-config:context=namespace", "ERROR:20:missing 'namespace'"),
        ("get-config:context=namespace;namespace=nope", "ERROR:20:namespace not found on node"),
        ("get-config:context=nope", "ERROR:4:invalid context"),
        ("set-config", "ERROR:4:missing 'context'"),
        ("set-config:context=nope;a=b", "ERROR:4:invalid context"),
        ("set-config:context=security;a=b", "ERROR:25:enterprise only"),
        ("set-config:context=xdr;a=b", "ERROR:25:enterprise only"),
        ("set-config:context=namespace;default-ttl=0", "ERROR:20:missing 'namespace'"),
        ("set-config:context=namespace;namespace=nope;default-ttl=0", "ERROR:20:namespace not found on node"),
        ("config-set", "ERROR:4:missing 'context'"),
        ("no-such-command", "ERROR:4:unrecognized command"),
        ("racks:", "ERROR:25:enterprise only"),
        ("digests", "RIPEMD160"),
    ],
)
def test_info_commands_say_what_they_miss(asked: Wire, command: str, answer: str) -> None:
    assert said(asked, command) == answer


@pytest.mark.parametrize(
    "setting",
    [
        "context=service;no-such-parameter=1",
        "context=service;proto-fd-max=x",
        "context=service;node-id=a1",
        "context=service",
        "context=network;no-such-parameter=1",
        "context=network;heartbeat.interval=10000000",
        "context=namespace;namespace=test",
        "context=namespace;namespace=test;no-such-parameter=1",
        "context=namespace;namespace=test;default-ttl=x",
        "context=namespace;namespace=test;default-ttl=315360001",
        "context=namespace;namespace=test;default-ttl=3651D",
        "context=namespace;namespace=test;allow-ttl-without-nsup=yes",
        "context=namespace;namespace=test;default-read-touch-ttl-pct=101",
        "context=namespace;namespace=test;max-record-size=63",
        "context=namespace;namespace=test;max-record-size=9M",
        "context=namespace;namespace=test;strong-consistency=true",
        "context=namespace;namespace=test;replication-factor=0",
        "context=namespace;namespace=test;set=s;no-such-parameter=true",
    ],
)
def test_a_setting_that_is_unknown_or_impossible_is_an_error(asked: Wire, setting: str) -> None:
    assert said(asked, f"set-config:{setting}") == "ERROR:4:invalid set-config parameter"


def test_a_node_tells_its_name_and_logs(asked: Wire) -> None:
    assert said(asked, "name") == said(asked, "node")
    assert said(asked, "logs").startswith("0:")
    assert said(asked, "log/0").startswith("misc:INFO;alloc:INFO;")
    assert said(asked, "log/0") == said(asked, "log")


# --- positions ----------------------------------------------------------------------------------------------


def test_positions_are_those_that_were_recorded(asked: Wire) -> None:
    cases = list(recorded())
    got = answers(asked, [case for case, _ in cases])
    different = [(case, want, told) for (case, want), told in zip(cases, got, strict=True) if want != told]
    assert len(cases) == 2500
    assert not different, different[:3]


def map_of(items: dict[str, int]) -> tuple[int, bytes]:
    pairs = b"".join(b"\xa2\x03" + name.encode() + bytes((value,)) for name, value in items.items())
    return 19, bytes((0x80 | len(items),)) + pairs


@pytest.mark.parametrize(
    ("return_type", "names", "answer"),
    [(1, "da", [3, 0]), (0x10002, "a", [0, 1, 2]), (2, "da", [0, 3]), (1, "adda", [3, 0])],
)
def test_indexes_of_keys_of_an_unordered_map(
    asked: Wire, key: str, return_type: int, names: str, answer: list[int]
) -> None:
    asked.ask(put(key, {"m": map_of({"a": 30, "b": 10, "c": 20, "d": 10})}, set_name=SET))
    kind = bytes((return_type,)) if return_type < 0x80 else b"\xce" + struct.pack(">I", return_type)
    keys = bytes((0x90 | len(names),)) + b"".join(b"\xa2\x03" + name.encode() for name in names)
    request = message(key, op(CDT_READ, "m", 4, b"\x93\x6b" + kind + keys), info1=1, set_name=SET)
    assert asked.ask(request).bins["m"] == (20, bytes((0x90 | len(answer), *answer)))
    asked.ask(message(key, info2=DELETE, set_name=SET))
