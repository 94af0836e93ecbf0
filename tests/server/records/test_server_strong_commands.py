"""What strong consistency means for functions, jobs in the background, users, and namespaces beside it."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pytest
from query_wire import query, read_query
from security_wire import authenticate, hashed, log_in
from server_wire import DATA, Wire, digest_of, eventually, field, frame, get, integer, message, op, put
from transaction_wire import CODES, DURABLE, WRITE, Transaction, value

from pyspike.server import EmbeddedCluster, Security
from support.all_of import all_of

OK, NOT_FOUND, ENTERPRISE, FORBIDDEN, UDF_FAILED, ROLE_VIOLATION = 0, 2, 25, 22, 100, 81
LINEARIZE = 0x40
LUA = b"""
function raise(rec)
  rec['a'] = (rec['a'] or 0) + 1
  if aerospike:exists(rec) then return aerospike:update(rec) end
  return aerospike:create(rec)
end
function tell(rec) return rec['a'] end
function drop(rec) return aerospike:remove(rec) end
function clear(rec) rec['a'] = nil return aerospike:update(rec) end
function fail(rec) error('no') end
"""


@pytest.fixture
def wire(strong: EmbeddedCluster) -> Iterator[Wire]:
    pytest.importorskip("lupa")
    content = base64.b64encode(LUA).decode()
    with Wire(strong.nodes[0].port) as connection:
        put_module = f"udf-put:filename=bank.lua;content={content};content-len={len(content)};udf-type=LUA;"
        assert connection.info(put_module)[put_module] == "ok"
        yield connection


def call(key: object, function: str, *more: bytes, info2: int = 0) -> bytes:
    named = (field(30, b"bank"), field(31, function.encode()), field(32, b"\x90"))
    return message(key, info2=WRITE | info2, more=(*named, *more))


# --- functions ----------------------------------------------------------------------------------------------


@all_of("function", ["drop", "clear"])
def test_a_function_deletes_durably_only(wire: Wire, function: str) -> None:
    key = f"to {function}"
    assert wire.ask(put(key, {"a": integer(1)})).code == OK
    assert wire.ask(call(key, function)).code == FORBIDDEN
    assert value(wire.ask(get(key))) == 1
    assert wire.ask(call(key, function, info2=DURABLE)).code == OK
    assert wire.ask(get(key)).code == NOT_FOUND
    assert wire.ask(put(key, {"a": integer(1)})).generation == 3


def test_a_function_in_a_transaction_writes_a_provisional_record(wire: Wire) -> None:
    assert wire.ask(put("k", {"a": integer(1)})).code == OK
    txn = Transaction(wire).begin("k", "new")
    read = wire.ask(call("k", "tell", txn.field))
    assert (read.code, set(read.fields)) == (OK, {3})
    failed = wire.ask(call("k", "fail", txn.field))
    assert (failed.code, set(failed.fields)) == (UDF_FAILED, {3})
    for key in ("k", "new"):
        raised = wire.ask(call(key, "raise", txn.field))
        assert (raised.code, raised.fields) == (OK, {})
    assert [value(txn.get("k")), value(txn.get("new"))] == [2, 1]
    assert value(wire.ask(get("k"))) == 1
    assert txn.commit("k", "new") == [OK] * 4
    assert [value(wire.ask(get(key))) for key in ("k", "new")] == [2, 1]


def test_a_function_reads_the_original_of_a_locked_record_and_writes_it_not(wire: Wire) -> None:
    for key in ("k", "mortal"):
        assert wire.ask(put(key, {"a": integer(1)}, ttl=10 if key == "mortal" else 0)).code == OK
    txn, other = Transaction(wire).begin("k", "new"), Transaction(wire).begin("k")
    txn.put("k", 2)
    txn.put("new", 2)
    told = wire.ask(call("k", "tell"))
    assert (told.code, told.bins["SUCCESS"]) == (OK, integer(1))
    blocked = [call("k", "raise"), call("new", "tell"), call("k", "raise", other.field)]
    assert [wire.ask(body).code for body in blocked] == [CODES["blocked"]] * 3


def test_a_function_is_refused_if_the_record_was_written_since_it_was_read(wire: Wire) -> None:
    assert wire.ask(put("k", {"a": integer(1)})).code == OK
    txn = Transaction(wire).begin("k")
    version = field(3, txn.get("k").fields[3])
    assert wire.ask(call("k", "tell", txn.field, version)).code == OK
    assert wire.ask(put("k", {"a": integer(5)})).code == OK
    for function in ("tell", "raise"):
        assert wire.ask(call("k", function, txn.field, version)).code == CODES["mismatch"]


# --- jobs in the background ---------------------------------------------------------------------------------


def job(cluster: EmbeddedCluster, *more: bytes, **header: Any) -> tuple[int, int]:
    """How many records a job on all nodes has changed, and how many it could not change."""
    succeeded = failed = 0
    for number, node in enumerate(cluster.nodes):
        trid = 1000 + number + sum(each.stats.data_requests for each in cluster.nodes)
        named = field(7, trid.to_bytes(8, "big"))
        body = query(named, *more, set_name="s", partitions=None, info1=0, info3=0, ttl=0, trid=0, **header)
        with Wire(node.port) as wire:
            wire.sock.sendall(frame(body, DATA))
            assert read_query(wire).code == OK
            shown: dict[str, str] = {}

            def is_done() -> bool:
                command = f"query-show:id={trid}"  # noqa: B023 - called at once
                told = wire.info(command)[command]
                shown.update(pair.split("=", 1) for pair in told.split(":") if "=" in pair)  # noqa: B023
                return shown.get("status", "").startswith("done")  # noqa: B023

            eventually(is_done)
            succeeded += int(shown["recs-succeeded"])
            failed += int(shown["recs-failed"])
    return succeeded, failed


def test_a_job_deletes_durably_only_and_leaves_locked_records(strong: EmbeddedCluster, wire: Wire) -> None:
    for key in range(10):
        assert wire.ask(put(key, {"a": integer(key)})).code == OK
    txn = Transaction(wire).begin(0)
    txn.put(0, 77)
    nothing = (op(14, ""),)
    assert job(strong, ops=nothing, info2=WRITE) == (0, 10)
    functions = (field(33, b"\x02"), field(30, b"bank"), field(31, b"drop"), field(32, b"\x90"))
    assert job(strong, *functions, info2=WRITE) == (0, 10)
    assert job(strong, ops=(op(5, "a", *integer(100)),), info2=WRITE) == (9, 1)
    assert job(strong, ops=nothing, info2=WRITE | DURABLE) == (9, 1)
    assert value(wire.ask(get(0))) == 0
    assert txn.commit(0) == [OK] * 3
    assert value(wire.ask(get(0))) == 77


# --- users --------------------------------------------------------------------------------------------------


def test_the_messages_of_a_transaction_need_the_privileges_of_reads_and_writes() -> None:
    pytest.importorskip("bcrypt")
    users = {"reader": ("secret", ["read"]), "writer": ("secret", ["write"])}
    with EmbeddedCluster(strong_consistency=True, security=Security(users=users)) as cluster:
        port = cluster.nodes[0].port
        with Wire(port) as reading, Wire(port) as writing:
            for wire, user in ((reading, "reader"), (writing, "writer")):
                assert authenticate(wire, log_in(wire, user, hashed("secret")), user) == OK
            reads, writes = Transaction(reading), Transaction(writing)
            assert [writes.create("k").code, writes.put("k", 1).code] == [OK, OK]
            assert writes.get("k").code == ROLE_VIOLATION
            assert writes.verify("k", bytes(7)).code == ROLE_VIOLATION
            refused = [reads.create("k").code, reads.put("k", 1).code, reads.mark().code, reads.close().code]
            assert refused == [ROLE_VIOLATION] * 4
            assert reads.roll("k", forward=True) == [ROLE_VIOLATION]
            assert reads.get("none").code == NOT_FOUND
            assert reads.verify("none", bytes(7)).code == OK
            assert writes.commit("k") == [OK] * 3


# --- namespaces beside it -----------------------------------------------------------------------------------


def test_a_linearized_read_of_a_namespace_that_is_not_strong_is_a_read(
    strong: EmbeddedCluster, shared_cluster: EmbeddedCluster
) -> None:
    for cluster, code in ((strong, OK), (shared_cluster, ENTERPRISE)):
        with Wire(cluster.nodes[0].port) as wire:
            assert wire.ask(put("k", {"a": integer(1)}, namespace="bar")).code == OK
            assert wire.ask(get("k", namespace="bar", info3=LINEARIZE)).code == code


def test_a_truncation_leaves_tombstones_and_locks(strong: EmbeddedCluster, wire: Wire) -> None:
    assert wire.ask(put("k", {"a": integer(1)})).code == OK
    assert wire.ask(message("k", info2=WRITE | 0x02 | DURABLE)).code == OK
    assert wire.ask(put("other", {"a": integer(1)})).code == OK
    command = "truncate-namespace:namespace=test"
    strong.clock.advance(1)
    assert wire.info(command)[command] == "ok"
    assert wire.ask(get("other")).code == NOT_FOUND
    assert wire.ask(put("k", {"a": integer(1)})).generation == 3
    assert strong.owner(_Key(digest_of("k"))).name in {"A1", "A2", "A3"}


class _Key:
    namespace = "test"

    def __init__(self, digest: bytes) -> None:
        self.digest = digest
