"""What a server answers to commands about indexes and about queries in the background.

It is asked of the embedded server, or of a real one that `--hosts` names. A test that passes on one of the
two only is a bug in one of them.
"""

from __future__ import annotations

import base64
import itertools
import struct
import time
from collections.abc import Iterator

import pytest
from query_wire import FILTER, INDEX_NAME, MOST, RPS, WRITE, ask, between, query
from server_wire import Wire, eventually, field, frame, get, integer, op, put

from pyspike.server import EmbeddedCluster

OP_WRITE, ADD, DELETE_ALL, TOUCH = 2, 5, 14, 11
COUNT = 20
_numbers = itertools.count(time.time_ns())


@pytest.fixture(scope="module")
def asked(request: pytest.FixtureRequest) -> Iterator[Wire]:
    """A connection to the server that is asked."""
    hosts = request.config.getoption("--hosts")
    if hosts:
        if "," in hosts:
            pytest.skip("with more than one node, records and figures are spread")
        with Wire(int(hosts.split(",")[0].rpartition(":")[2]), timeout=20) as wire:
            yield wire
        return
    with EmbeddedCluster(version="8.1.2") as cluster, Wire(cluster.nodes[0].port, timeout=20) as wire:
        yield wire


@pytest.fixture
def name(asked: Wire) -> Iterator[str]:
    """A name for a set and an index of it, which are empty afterwards."""
    name = f"judged-{next(_numbers)}"
    yield name
    asked.info(f"sindex-delete:namespace=test;indexname={name}", f"truncate:namespace=test;set={name}")


def told(wire: Wire, command: str) -> str:
    return wire.info(command)[command]


def base64_of(data: bytes | str) -> str:
    return base64.b64encode(bytes.fromhex(data) if isinstance(data, str) else data).decode()


# --- indexes ------------------------------------------------------------------------------------------------

TYPES = "'numeric', 'string', 'blob', 'geo2dsphere'"
BIN_N, LIST_N, MAP_N = "935102a16e", "935104a16e", "935105a16e"
CREATED: dict[str, str] = {
    "": "ERROR:4:both 'indexdata' and 'type' are missing",
    "bin=a": "ERROR:4:both 'indexdata' and 'type' are missing",
    "type=numeric": "ERROR:4:both 'bin' and 'exp' are missing",
    "bin=;type=numeric": "ERROR:4:missing 'bin' value",
    "bin=a;type=": "ERROR:4:missing 'type' value",
    f"bin={'b' * 16};type=numeric": "ERROR:4:'bin' value too long",
    "bin=a;type=float": f"ERROR:4:bad 'type' - must be one of {TYPES}",
    "bin=a;type=integer": f"ERROR:4:bad 'type' - must be one of {TYPES}",
    "bin=a;type=numeric;indextype=foo": (
        "ERROR:4:bad 'indextype' - must be one of 'default', 'list', 'mapkeys', 'mapvalues'"
    ),
    "bin=a;type=numeric;indextype=": "ERROR:4:missing 'indextype' value",
    "bin=a;type=geo2dsphere;indextype=mapkeys": (
        "ERROR:4:bad 'indexdata' bin type for 'indextype' 'mapkeys' - must be one of "
        "'numeric', 'string', 'blob'"
    ),
    "indexdata=a": "ERROR:4:'indexdata' missing bin type",
    "indexdata=a,": f"ERROR:4:bad 'indexdata' bin type - must be one of {TYPES}",
    "indexdata=,numeric": "ERROR:4:'indexdata' missing bin name",
    "indexdata=a,foo": f"ERROR:4:bad 'indexdata' bin type - must be one of {TYPES}",
    "indexdata=a,numeric;bin=b;type=string": "ERROR:4:both 'indexdata' and 'type' are specified",
    f"indexdata={'b' * 16},numeric": "ERROR:4:'indexdata' bin name too long",
    "bin=a;type=numeric;context=": "ERROR:4:missing 'context' value",
    "bin=a;type=numeric;context=!!": "ERROR:4:'context' invalid base64",
    f"bin=a;type=numeric;context={base64_of('90')}": "ERROR:4:'context' invalid cdt context",
    f"bin=a;type=numeric;context={base64_of('9110')}": "ERROR:4:'context' invalid cdt context",
    f"bin=a;type=numeric;context={base64_of('01')}": "ERROR:4:'context' invalid cdt context",
    f"bin=a;type=numeric;context={base64_of('9204c3')}": "ERROR:4:'context' invalid cdt context",
    f"bin=a;type=numeric;context={base64_of('9262a2036b')}": "ERROR:4:'context' invalid cdt context",
    f"bin=a;type=numeric;exp={base64_of(BIN_N)}": "ERROR:4:both 'bin' and 'exp' are specified",
    f"type=numeric;exp={base64_of(BIN_N)};context={base64_of('921000')}": (
        "ERROR:4:both 'context' and 'exp' are specified"
    ),
    "type=numeric;exp=": "ERROR:4:missing 'exp' value",
    "type=numeric;exp=!!": "ERROR:4:bad 'exp'",
    f"type=numeric;exp={base64_of('91')}": "ERROR:4:bad 'exp'",
    f"exp={base64_of(BIN_N)}": "ERROR:4:both 'indexdata' and 'type' are missing",
    f"type=numeric;exp={base64_of(LIST_N)}": (
        "ERROR:4:bad 'exp' - expression type 'list' does not match expected type 'numeric'"
    ),
    f"type=numeric;indextype=list;exp={base64_of(BIN_N)}": (
        "ERROR:4:bad 'exp' - expression type 'numeric' does not match expected type 'list'"
    ),
    f"type=numeric;indextype=mapkeys;exp={base64_of(LIST_N)}": (
        "ERROR:4:bad 'exp' - expression type 'list' does not match expected type 'map'"
    ),
    f"type=string;exp={base64_of('935106a16e')}": (
        "ERROR:4:bad 'exp' - expression type 'blob' does not match expected type 'string'"
    ),
    f"type=string;exp={base64_of('935101a16e')}": (
        "ERROR:4:bad 'exp' - expression type 'bool' does not match expected type 'string'"
    ),
    f"type=string;exp={base64_of('935107a16e')}": (
        "ERROR:4:bad 'exp' - expression type 'float' does not match expected type 'string'"
    ),
    f"type=string;exp={base64_of('935108a16e')}": (
        "ERROR:4:bad 'exp' - expression type 'geo2dsphere' does not match expected type 'string'"
    ),
    f"type=string;exp={base64_of('935109a16e')}": (
        "ERROR:4:bad 'exp' - expression type 'hll' does not match expected type 'string'"
    ),
    f"type=numeric;exp={base64_of('01')}": "ERROR:4:bad 'exp'",
    f"type=numeric;exp={base64_of('93140102')}": "ERROR:4:bad 'exp'",
    f"type=numeric;exp={base64_of('9145')}": "ERROR:4:bad 'exp'",
    f"type=numeric;exp={base64_of('9314935102a1699145')}": "ERROR:4:bad 'exp'",
    f"type=numeric;exp={base64_of('9314935102a169925002')}": "ERROR:4:bad 'exp'",
    "indextype=set;bin=a;type=numeric": "ERROR:4:type parameter is not supported for set index",
    "indextype=set;context=khAA": "ERROR:4:context parameter is not supported for set index",
    # what is taken
    "bin=a;type=NUMERIC": "ok",
    "bin=a;type=numeric;indextype=DEFAULT": "ok",
    "bin=a;type=blob;indextype=mapkeys": "ok",
    "bin=a;type=geo2dsphere;indextype=mapvalues": "ok",
    "indexdata=a,STRING;indextype=list": "ok",
    f"bin=a;type=numeric;context={base64_of('941000 22a2036b'.replace(' ', ''))}": "ok",
    f"type=numeric;exp={base64_of(BIN_N)}": "ok",
    f"type=numeric;exp={base64_of('9314935102a169924003')}": "ok",
    f"type=string;indextype=mapvalues;exp={base64_of(MAP_N)}": "ok",
    "indextype=set": "ok",
}


@pytest.mark.parametrize("definition", CREATED)
def test_creating_an_index(asked: Wire, name: str, definition: str) -> None:
    command = f"sindex-create:namespace=test;set={name};indexname={name};{definition}".removesuffix(";")
    assert told(asked, command) == CREATED[definition]


def test_what_every_command_wants(asked: Wire, name: str) -> None:
    long, create = "n" * 64, "sindex-create:namespace=test;"
    bad_type = f"ERROR:4:bad 'type' - must be one of {TYPES}"
    no_namespace, no_value = "ERROR:20:namespace not found on node", "ERROR:20:missing 'namespace' value"
    for command, answer in {
        "sindex-create": "ERROR:4:missing 'indexname'",
        "sindex-create:indexname=a": "ERROR:20:missing 'namespace'",
        "sindex-create:namespace=test;indexname=;bin=a;type=numeric": "ERROR:4:missing 'indexname' value",
        f"{create}indexname={long};bin=a;type=numeric": "ERROR:4:'indexname' value too long",
        f"{create}set={long};indexname=a;bin=a;type=numeric": "ERROR:4:'set' value too long",
        "sindex-create:namespace=test;indexname=a;indextype=set": "ERROR:4:missing 'set'",
        f"sindex-create:namespace=nope;set={name};indexname={name};bin=a;type=numeric": "ok",
        "sindex-create:namespace=nope;indexname=a;bin=a;type=bad": bad_type,
        "sindex-delete": "ERROR:4:missing 'indexname'ERROR:20:missing 'namespace'",
        "sindex-delete:indexname=a": "ERROR:20:missing 'namespace'",
        f"sindex-delete:ns=test;indexname={name};set=other": "ok",
        "sindex-exists": "ERROR:4:missing 'indexname'ERROR:20:missing 'namespace'",
        "sindex-exists:namespace=test": "ERROR:4:missing 'indexname'false",
        "sindex-exists:namespace=nope;indexname=a": "ERROR:20:namespace not found on node",
        "sindex-stat:namespace=test": "ERROR:4:missing 'indexname'ERROR:201:no index",
        "sindex-stat:namespace=nope;indexname=a": "ERROR:20:namespace not found on node",
        f"sindex-stat:namespace=test;indexname={name}": "ERROR:201:no index",
        "sindex-list:namespace=nope": f"{no_namespace};{no_namespace}",
        "sindex-list:namespace=": f"{no_value};{no_value}",
        "sindex/nope": "ns_type=unknown",
        "sindex/nope/a": "ns_type=unknown",
        f"sindex/test/{name}": "ERROR:201:no index",
        "query-show:id=x": "ERROR:4:bad id",
        "query-show:id=": "ERROR:4:missing 'id' value",
        "query-show:trid=987654321": "ERROR:2:job not found",
        "query-abort": "ERROR:4:missing 'id'",
        "query-abort:id=x": "ERROR:4:bad id",
        "query-abort:trid=987654321": "ERROR:2:id not active",
    }.items():
        assert told(asked, command) == answer, command


def test_an_index_of_values_in_lists_and_figures(asked: Wire, name: str) -> None:
    fill(asked, name)
    definition = "bin=n;type=numeric"
    assert told(asked, f"sindex-create:namespace=test;set={name};indexname={name};{definition}") == "ok"
    stat = f"sindex-stat:namespace=test;indexname={name}"
    eventually(lambda: "load_pct=100" in told(asked, stat))
    figures = dict(part.split("=") for part in told(asked, stat).split(";"))
    assert list(figures) == [
        "entries",
        "used_bytes",
        "entries_per_bval",
        "entries_per_rec",
        "load_pct",
        "load_time",
        "stat_gc_recs",
    ]
    assert (figures["entries"], figures["used_bytes"]) == (str(COUNT), "16777216")
    row = f"ns=test:indexname={name}:set={name}:bin=n:type=numeric:indextype=default:"
    row += "context=null:exp=null:state=RW"
    for command in ("sindex-list:namespace=test", "sindex-list", "sindex/test", "sindex"):
        assert row in told(asked, command).split(";")
    assert "sindexes=1" in told(asked, f"sets/test/{name}")


def test_an_index_of_a_set(asked: Wire, name: str) -> None:
    fill(asked, name)
    assert told(asked, f"sindex-create:namespace=test;set={name};indexname={name};indextype=set") == "ok"
    stat = f"sindex-stat:namespace=test;indexname={name}"
    eventually(lambda: told(asked, stat) == f"entries={COUNT};used_bytes={16 * COUNT};load_pct=100")
    row = f";ns=test:indexname={name}:set={name}:indextype=set"
    assert row in told(asked, "sindex-list:namespace=test")
    assert name not in told(asked, "sindex/test")
    assert "sindexes=0:" in told(asked, f"sets/test/{name}")
    assert ":enable-index=true" in told(asked, f"sets/test/{name}")
    assert len(ask(asked, set_name=name).records) == COUNT
    assert ask(asked, field(INDEX_NAME, name.encode()), between("", 1, 2), set_name=name).code == 203


# --- queries in the background ------------------------------------------------------------------------------


def fill(wire: Wire, name: str) -> None:
    for number in range(COUNT):
        wire.ask(put(f"{name} {number}", {"n": integer(number)}, set_name=name))


def run(wire: Wire, name: str, *more: bytes, **header: object) -> dict[str, str]:
    """Run a query in the background to its end, and give what is told of it."""
    trid = next(_numbers)
    header = {"info1": 0, "info2": WRITE, "info3": 0, "partitions": None, "ttl": 0, **header}
    wire.sock.sendall(frame(query(*more, set_name=name, trid=trid, **header)))  # type: ignore[arg-type]
    assert wire.read_frame().hex() == "020300000000001616000001" + "00" * 18
    command = f"query-show:id={trid}"
    eventually(lambda: "status=done" in told(wire, command))
    return dict(part.split("=", 1) for part in told(wire, command).split(":"))


ADD_100 = [op(ADD, "n", *integer(100))]


@pytest.mark.parametrize(
    ("more", "header", "throttled", "early", "late", "succeeded", "failed"),
    [
        ((), {"ops": ADD_100}, 20, 0, 0, 20, 0),
        ((), {"ops": ADD_100, "partitions": [1, 2]}, 20, 0, 0, 20, 0),
        ((), {"ops": ADD_100, "info2": WRITE | 0x2C}, 20, 0, 0, 20, 0),
        ((), {"ops": ADD_100, "info3": 0x30}, 20, 0, 0, 0, 20),
        ((), {"ops": [op(OP_WRITE, "m", *integer(1))], "info3": 0x30}, 20, 0, 0, 20, 0),
        ((), {"ops": [op(TOUCH)]}, 20, 0, 0, 20, 0),
        ((), {"ops": [op(DELETE_ALL)]}, 20, 0, 0, 20, 0),
        ((), {"ops": [op(6, "n")]}, 20, 0, 0, 0, 20),
        ((), {"ops": [op(OP_WRITE, "x" * 16, *integer(1))]}, 20, 0, 0, 0, 20),
        ((), {"ops": [op(ADD, "n", 3, b"x")]}, 20, 0, 0, 0, 20),
        ((), {"ops": ADD_100, "ttl": 400_000_000}, 20, 0, 0, 0, 20),
        ((field(FILTER, b"\x93\x05\x93\x51\x02\xa1n\x05"),), {"ops": ADD_100}, 20, 0, 15, 5, 0),
        ((field(FILTER, b"\x91\x47"),), {"ops": ADD_100}, 0, 20, 0, 0, 0),
        ((field(FILTER, b"\xc2"),), {"ops": ADD_100}, 0, 20, 0, 0, 0),
        ((field(30, b"m"), field(31, b"f"), field(32, b"\x90"), field(33, b"\x02")), {}, 20, 0, 0, 0, 20),
    ],
)
def test_figures_of_a_query_in_the_background(
    asked: Wire,
    name: str,
    more: tuple[bytes, ...],
    header: dict[str, object],
    throttled: int,
    early: int,
    late: int,
    succeeded: int,
    failed: int,
) -> None:
    fill(asked, name)
    job = run(asked, name, *more, **header)
    figures = [int(value) for key, value in job.items() if key.startswith("recs-")]
    assert figures == [throttled, early, late, succeeded, failed]
    assert (job["status"], job["job-progress"], job["rps"]) == ("done(ok)", "100.00", "10000")
    assert (job["net-io-bytes"], job["socket-timeout"]) == ("30", "10000")
    if header.get("ops") is ADD_100 and succeeded == COUNT:
        changed = [asked.ask(get(f"{name} {number}", set_name=name)) for number in range(COUNT)]
        assert [each.bins["n"] for each in changed] == [integer(number + 100) for number in range(COUNT)]
        assert [each.generation for each in changed] == [2] * COUNT


def test_what_is_told_of_each_kind(asked: Wire, name: str) -> None:
    fill(asked, name)
    call = (field(30, b"m"), field(31, b"f"), field(32, b"\x90"), field(33, b"\x02"))
    common = ["rps", "active-threads", "status", "job-progress", "run-time", "time-since-done"]
    common += ["recs-throttled", "recs-filtered-meta", "recs-filtered-bins", "recs-succeeded", "recs-failed"]
    common += ["from", "job-type", "net-io-bytes"]
    start = ["trid", "ns", "set"]
    assert list(run(asked, name, ops=ADD_100)) == [*start, *common, "socket-timeout", "ops-active"]
    udf = run(asked, name, *call)
    assert list(udf) == [*start, *common, "socket-timeout", "udf-filename", "udf-function", "udf-active"]
    assert (udf["udf-filename"], udf["udf-function"], udf["job-type"]) == ("m", "f", "background-udf")
    assert told(asked, f"sindex-create:namespace=test;set={name};indexname={name};bin=n;type=numeric") == "ok"
    stat = f"sindex-stat:namespace=test;indexname={name}"
    eventually(lambda: "load_pct=100" in told(asked, stat))
    of_index = run(asked, name, between("n", 100, 104), ops=ADD_100)
    assert list(of_index)[:4] == ["trid", "ns", "set", "sindex-name"]
    assert (of_index["sindex-name"], of_index["recs-succeeded"]) == (name, "5")
    assert run(asked, name, field(MOST, struct.pack(">Q", 3)), ops=ADD_100)["recs-succeeded"] == str(COUNT)


def test_a_query_is_aborted(asked: Wire, name: str) -> None:
    fill(asked, name)
    with Wire(asked.sock.getpeername()[1], timeout=20) as other:
        trid = next(_numbers)
        other.sock.sendall(frame(query(field(RPS, struct.pack(">I", 20)), set_name=name, trid=trid)))
        show, abort = f"query-show:id={trid}", f"query-abort:id={trid}"
        eventually(lambda: "status=active(ok)" in told(asked, show))
        assert told(asked, abort) == "ok"
        frames = []
        while not frames or frames[-1][11] != 1:
            frames.append(other.read_frame())
        assert frames[-1].hex() == "0203000000000016160000010" + "00f" + "00" * 16
    eventually(lambda: "status=done(user-aborted):job-progress=100.00" in told(asked, show))
    assert told(asked, abort) == "ERROR:2:id not active"
