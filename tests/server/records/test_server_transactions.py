"""Transactions, message by message: versions, locks, provisional records, monitors, ends."""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator

import pytest
from batch_wire import READ_ALL, row, run
from server_wire import Wire, digest_of, field, get, integer, message, op, put
from transaction_wire import (
    CODES,
    DEADLINE,
    DELETE,
    DURABLE,
    MRT_ID,
    NO_RECORD,
    ON_LOCKING_ONLY,
    ROLL_BACK,
    ROLL_FORWARD,
    VERIFY,
    VERSION,
    WRITE,
    Transaction,
    value,
)

from pyspike.server import EmbeddedCluster
from support.all_of import all_of

OK, NOT_FOUND, GENERATION, PARAMETER, EXISTS, UNSUPPORTED, FORBIDDEN = 0, 2, 3, 4, 5, 16, 22
EPOCH = 1262304000


@pytest.fixture
def wire(strong: EmbeddedCluster) -> Iterator[Wire]:
    with Wire(strong.nodes[0].port) as connection:
        yield connection


def written(wire: Wire, key: object, number: int = 1) -> object:
    assert wire.ask(put(key, {"a": integer(number)})).code == OK
    return key


# --- versions -----------------------------------------------------------------------------------------------


def test_a_read_in_a_transaction_tells_the_version_and_another_one_after_each_write(
    wire: Wire,
) -> None:
    txn = Transaction(wire)
    key = written(wire, "k")
    seen = [txn.get(key).fields[VERSION]]
    assert txn.get(key).fields[VERSION] == seen[0]
    for _ in range(3):
        written(wire, key)
        seen.append(txn.get(key).fields[VERSION])
    assert len(set(seen)) == len(seen)
    assert [int.from_bytes(each[5:], "little") & 0x3FF for each in seen] == [1, 2, 3, 4]


def test_a_version_has_the_time_of_the_write_in_ms(wire: Wire) -> None:
    version = Transaction(wire).get(written(wire, "k")).fields[VERSION]
    written_at = int.from_bytes(version[:5], "little") / 1000 + EPOCH
    assert abs(written_at - time.time()) < 60


def test_a_missing_record_has_the_version_of_none(wire: Wire) -> None:
    answer = Transaction(wire).get("missing")
    assert (answer.code, answer.fields) == (NOT_FOUND, {VERSION: NO_RECORD})


def test_no_plain_answer_has_a_version(wire: Wire) -> None:
    written(wire, "k")
    for asked in (
        get("k"),
        get("missing"),
        put("k", {"a": integer(2)}),
        put("k", {"a": integer(2)}, info2=0x20),
    ):
        assert wire.ask(asked).fields == {}


def test_a_read_is_refused_if_the_record_was_written_since(wire: Wire) -> None:
    txn = Transaction(wire)
    version = txn.get(written(wire, "k")).fields[VERSION]
    assert txn.get("k", version).code == OK
    written(wire, "k")
    refused = txn.get("k", version)
    assert (refused.code, refused.fields) == (CODES["mismatch"], {})


def test_a_write_tells_the_version_only_of_a_record_that_it_has_left_as_it_was(wire: Wire) -> None:
    txn = Transaction(wire).begin("k", "none", "new")
    version = txn.get(written(wire, "k")).fields[VERSION]
    untouched = [
        (EXISTS, txn.put("k", 2, info2=0x20), version),
        (GENERATION, txn.put("k", 2, info2=0x04, generation=9), version),
        (NOT_FOUND, txn.put("none", 2, info3=0x08), NO_RECORD),
        (NOT_FOUND, txn.delete("none"), NO_RECORD),
        (PARAMETER, txn.put("k", 2, set_name="other"), version),
        (FORBIDDEN, txn.delete("k", durable=False), version),
    ]
    for code, answer, told in untouched:
        assert (answer.code, answer.fields) == (code, {VERSION: told})
    for answer in (txn.put("k", 2), txn.put("k", 3), txn.put("new", 2), txn.get("k"), txn.delete("k")):
        assert (answer.code, answer.fields) == (OK, {})
    for answer in (txn.get("k"), txn.delete("k"), txn.put("new", 1, info2=0x20)):
        assert (answer.code in (NOT_FOUND, EXISTS), answer.fields) == (True, {})


def test_a_write_is_refused_if_the_record_was_written_since_it_was_read(wire: Wire) -> None:
    txn = Transaction(wire).begin("k", "none")
    version = txn.get(written(wire, "k")).fields[VERSION]
    written(wire, "k")
    written(wire, "none")
    for answer in (txn.put("k", 5, version), txn.put("none", 5, NO_RECORD)):
        assert (answer.code, answer.fields) == (CODES["mismatch"], {})
    assert txn.put("k", 5, txn.get("k").fields[VERSION]).code == OK


# --- locks and provisional records --------------------------------------------------------------------------


def test_a_transaction_sees_what_it_has_written_and_nobody_else_does(wire: Wire) -> None:
    written(wire, "k")
    txn, other = Transaction(wire).begin("k", "new"), Transaction(wire)
    txn.put("k", 2)
    txn.put("new", 3)
    assert (value(txn.get("k")), value(txn.get("new"))) == (2, 3)
    for ask in (other.get, lambda key: wire.ask(get(key))):
        assert value(ask("k")) == 1
        assert ask("new").code == NOT_FOUND


def test_a_locked_record_is_written_by_its_transaction_only(wire: Wire) -> None:
    written(wire, "k")
    txn, other = Transaction(wire).begin("k", "new"), Transaction(wire).begin("k", "new")
    txn.put("k", 2)
    txn.put("new", 2)
    for key in ("k", "new"):
        refused = [
            wire.ask(put(key, {"a": integer(9)})),
            wire.ask(put(key, {"a": integer(9)}, info2=0x20)),
            wire.ask(message(key, info2=WRITE | DELETE | DURABLE)),
            other.put(key, 9),
            other.delete(key),
        ]
        assert [answer.code for answer in refused] == [CODES["blocked"]] * len(refused)
        assert all(answer.fields == {} for answer in refused)
    assert txn.put("k", 3).generation == 3


def test_generations_go_on_within_a_transaction_and_after_it(wire: Wire) -> None:
    written(wire, "k")
    txn = Transaction(wire).begin("k")
    assert [txn.put("k", number).generation for number in (2, 3)] == [2, 3]
    assert txn.put("k", 4, info2=0x04, generation=3).code == OK
    assert wire.ask(get("k")).generation == 1
    assert txn.commit("k") == [OK, OK, OK]
    assert wire.ask(get("k")).generation == 4


def test_a_write_of_a_record_that_is_locked_can_be_refused(wire: Wire) -> None:
    txn = Transaction(wire).begin("k")
    assert txn.put("k", 2, info4=ON_LOCKING_ONLY).code == OK
    again = txn.put("k", 3, info4=ON_LOCKING_ONLY)
    assert (again.code, again.fields) == (CODES["locked"], {})
    assert txn.put("k", 4).code == OK


def test_a_delete_in_a_transaction_hides_the_record_from_it_alone_until_it_is_committed(
    wire: Wire,
) -> None:
    written(wire, "k")
    txn = Transaction(wire).begin("k")
    assert txn.delete("k").code == OK
    assert (txn.get("k").code, txn.delete("k").code) == (NOT_FOUND, NOT_FOUND)
    assert value(wire.ask(get("k"))) == 1
    assert txn.commit("k") == [OK, OK, OK]
    assert wire.ask(get("k")).code == NOT_FOUND
    assert wire.ask(put("k", {"a": integer(1)})).generation == 3  # on from the tombstone


def test_a_record_can_be_created_anew_after_a_delete_in_the_same_transaction(wire: Wire) -> None:
    written(wire, "k")
    txn = Transaction(wire).begin("k")
    txn.delete("k")
    assert txn.put("k", 7, info2=0x20).generation == 3
    assert txn.commit("k") == [OK, OK, OK]
    assert value(wire.ask(get("k"))) == 7


def test_an_operation_that_removes_the_last_bin_deletes_in_a_transaction(wire: Wire) -> None:
    written(wire, "k")
    txn = Transaction(wire).begin("k")
    nothing = op(2, "a")
    assert wire.ask(message("k", nothing, info2=WRITE, more=(txn.field,))).code == FORBIDDEN
    assert wire.ask(message("k", nothing, info2=WRITE | DURABLE, more=(txn.field,))).code == OK
    assert txn.get("k").code == NOT_FOUND
    assert txn.commit("k") == [OK, OK, OK]
    assert wire.ask(get("k")).code == NOT_FOUND


def test_an_abort_leaves_everything_as_it_was(wire: Wire) -> None:
    version = Transaction(wire).get(written(wire, "k")).fields[VERSION]
    written(wire, "gone")
    txn = Transaction(wire).begin("k", "new", "gone")
    txn.put("k", 2)
    txn.put("new", 2)
    txn.delete("gone")
    assert txn.abort("k", "new", "gone") == [OK] * 4
    assert value(wire.ask(get("k"))) == 1
    assert Transaction(wire).get("k").fields[VERSION] == version
    assert wire.ask(get("new")).code == NOT_FOUND
    assert value(wire.ask(get("gone"))) == 1
    assert wire.ask(put("k", {"a": integer(3)})).code == OK


def test_a_roll_of_a_record_that_is_not_locked_does_nothing(wire: Wire) -> None:
    written(wire, "k")
    txn, other = Transaction(wire).begin("k"), Transaction(wire)
    assert txn.roll("k", "none", forward=True) == txn.roll("k", "none", forward=False) == [OK, OK]
    txn.put("k", 2)
    assert other.roll("k", forward=True) == other.roll("k", forward=False) == [OK]
    assert wire.ask(put("k", {"a": integer(9)})).code == CODES["blocked"]
    assert txn.roll("k", forward=True) == txn.roll("k", forward=True) == txn.roll("k", forward=False) == [OK]
    assert value(wire.ask(get("k"))) == 2


@all_of(
    "info4, more",
    [
        (ROLL_FORWARD, ()),
        (ROLL_BACK, ()),
        (ROLL_FORWARD | ROLL_BACK, (field(MRT_ID, struct.pack("<Q", 9)),)),
        (ROLL_FORWARD, (field(MRT_ID, bytes(8)),)),
        (ROLL_FORWARD, (field(MRT_ID, b"\1"),)),
    ],
)
def test_a_roll_that_says_not_what_is_refused(wire: Wire, info4: int, more: tuple[bytes, ...]) -> None:
    assert wire.ask(message("k", info2=WRITE | DURABLE, info4=info4, more=more)).code == PARAMETER


@all_of("more", [(), (field(VERSION, b"\1"),), (field(VERSION, bytes(8)),)])
def test_a_verification_without_a_version_is_refused(wire: Wire, more: tuple[bytes, ...]) -> None:
    assert wire.ask(message("k", info1=0x21, info4=VERIFY, more=more)).code == PARAMETER


# --- verification -------------------------------------------------------------------------------------------


def test_a_verification_fails_if_the_record_was_written_created_or_deleted(wire: Wire) -> None:
    txn = Transaction(wire)
    for key in ("same", "changed", "deleted"):
        written(wire, key)
    keys = ("same", "none", "changed", "created", "deleted")
    versions = {key: txn.get(key).fields[VERSION] for key in keys}
    written(wire, "changed")
    written(wire, "created")
    wire.ask(message("deleted", info2=WRITE | DELETE | DURABLE))
    codes = [txn.verify(key, versions[key]).code for key in keys]
    assert codes == [OK, OK] + [CODES["mismatch"]] * 3


def test_of_two_transactions_that_read_what_the_other_writes_one_is_committed_at_most(
    wire: Wire,
) -> None:
    for key in ("x", "y"):
        written(wire, key)
    one, two = Transaction(wire).begin("y"), Transaction(wire).begin("x")
    read_by_one, read_by_two = one.get("x").fields[VERSION], two.get("y").fields[VERSION]
    one.put("y", 2)
    two.put("x", 2)
    # The first is marked, and its write not rolled forward yet, when the second verifies.
    assert one.verify("x", read_by_one).code == CODES["blocked"]
    assert two.verify("y", read_by_two).code == CODES["blocked"]
    assert two.abort("x") == [OK, OK]
    assert one.verify("x", read_by_one).code == OK
    assert one.mark().code == OK
    assert two.verify("y", read_by_two).code == CODES["blocked"]
    one.roll("y", forward=True)
    assert two.verify("y", read_by_two).code == CODES["mismatch"]


# --- monitors -----------------------------------------------------------------------------------------------


def test_a_monitor_tells_how_many_records_it_has_and_when_it_expires(wire: Wire) -> None:
    txn = Transaction(wire)
    created = txn.create("a", "b", ttl=30)
    assert (created.code, created.generation, created.bins["keyds"]) == (OK, 1, integer(2))
    (deadline,) = struct.unpack("<I", created.fields[DEADLINE])
    assert 25 < deadline + EPOCH - time.time() <= 30
    added = txn.add("b", "c", ttl=100)
    assert (added.bins["keyds"], added.fields[DEADLINE]) == (integer(3), created.fields[DEADLINE])
    assert (txn.mark().fields, txn.close().fields) == ({}, {})


def test_a_transaction_that_does_not_say_has_the_time_of_its_namespace(wire: Wire) -> None:
    wire.info("set-config:context=namespace;namespace=test;mrt-duration=40")
    (deadline,) = struct.unpack("<I", Transaction(wire).create("a").fields[DEADLINE])
    wire.info("set-config:context=namespace;namespace=test;mrt-duration=10")
    assert 35 < deadline + EPOCH - time.time() <= 40
    assert Transaction(wire).create("a", ttl=121).code == PARAMETER


def test_a_monitor_is_created_once(wire: Wire) -> None:
    txn = Transaction(wire).begin("a")
    assert txn.create("a").code == CODES["monitor exists"]
    assert txn.mark().code == OK
    assert txn.create("a").code == CODES["monitor exists"]
    assert txn.close().code == OK
    assert txn.close().code == NOT_FOUND


def test_without_a_monitor_nothing_is_added_marked_or_written(wire: Wire) -> None:
    txn = Transaction(wire)
    assert [txn.add("a").code, txn.mark().code, txn.put("a", 1).code] == [CODES["expired"]] * 3
    assert txn.close().code == NOT_FOUND
    assert txn.get("a").code == NOT_FOUND


def test_a_committed_transaction_writes_no_more(wire: Wire) -> None:
    txn = Transaction(wire).begin("a")
    assert txn.mark().code == OK
    assert [txn.mark().code, txn.add("b").code, txn.put("a", 1).code] == [CODES["committed"]] * 3


def test_a_transaction_has_4096_records_at_the_most(wire: Wire) -> None:
    txn = Transaction(wire)
    assert txn.create(*range(4097)).code == CODES["too many"]
    assert txn.add("a").code == CODES["expired"]  # nothing was created
    assert txn.create(*range(4000)).code == OK
    assert txn.add(*range(4000, 4097)).code == CODES["too many"]
    assert txn.add(*range(3000, 4096)).bins["keyds"] == integer(4096)


def test_nobody_reads_a_monitor(wire: Wire) -> None:
    txn = Transaction(wire).begin("a")
    assert txn.on_monitor(info1=0x03, info2=0).code == NOT_FOUND


@all_of(
    "asked",
    [
        (op(2, "id", 1, bytes(8)), op(4, "keyds", 4, b"\x94\x01\xb5\x04" + bytes(20) + b"\x01\x0d")),
        (op(2, "id", 3, b"text"),),
        (op(2, "other", 1, bytes(8)),),
        (op(1, "id"),),
        (op(2, "id", 1, struct.pack(">Q", 77)), op(2, "keyds", 1, bytes(8))),
        (
            op(2, "id", 1, struct.pack(">Q", 77)),
            op(4, "keyds", 4, b"\x94\x01\xb5\x04" + bytes(19) + b"\x01\x0d"),
        ),
    ],
    ids=lambda ops: str(ops)[:60],
)
def test_a_monitor_that_is_none_is_refused(wire: Wire, asked: tuple[bytes, ...]) -> None:
    txn = Transaction(wire)
    assert txn.on_monitor(*asked).code in (PARAMETER, CODES["expired"])
    assert txn.add("a").code == CODES["expired"]


def test_a_monitor_is_no_part_of_a_transaction(wire: Wire) -> None:
    txn = Transaction(wire)
    assert txn.on_monitor(op(2, "id", 1, struct.pack(">Q", txn.id)), more=(txn.field,)).code == PARAMETER


def test_writes_of_transactions_can_be_switched_off(wire: Wire) -> None:
    txn = Transaction(wire).begin("a")
    wire.info("set-config:context=namespace;namespace=test;disable-mrt-writes=true")
    refused = Transaction(wire).create("a").code
    added = txn.add("b").code
    wire.info("set-config:context=namespace;namespace=test;disable-mrt-writes=false")
    assert (refused, added) == (FORBIDDEN, OK)


def test_what_a_closed_transaction_has_left_locked_is_rolled_all_the_same(wire: Wire) -> None:
    txn, back = Transaction(wire).begin("k"), Transaction(wire).begin("b")
    txn.put("k", 2)
    back.put("b", 2)
    assert [txn.mark().code, txn.close().code, back.close().code] == [OK, OK, OK]
    assert value(wire.ask(get("k"))) == 2
    assert wire.ask(put("b", {"a": integer(3)})).code == OK


# --- time ---------------------------------------------------------------------------------------------------


def test_an_expired_transaction_is_rolled_back(strong: EmbeddedCluster, wire: Wire) -> None:
    written(wire, "k")
    txn = Transaction(wire).begin("k", ttl=5)
    txn.put("k", 2)
    strong.clock.advance(4)
    assert wire.ask(put("k", {"a": integer(9)})).code == CODES["blocked"]
    strong.clock.advance(1)
    assert wire.ask(put("k", {"a": integer(3)})).generation == 2
    assert [txn.put("k", 4).code, txn.add("x").code, txn.mark().code] == [CODES["expired"]] * 3
    assert txn.roll("k", forward=True) == [OK]
    assert value(wire.ask(get("k"))) == 3


def test_an_expired_transaction_that_is_marked_is_rolled_forward(strong: EmbeddedCluster, wire: Wire) -> None:
    for key in ("k", "gone"):
        written(wire, key)
    txn = Transaction(wire).begin("k", "new", "gone", ttl=5)
    txn.put("k", 2)
    txn.put("new", 2)
    txn.delete("gone")
    assert txn.mark().code == OK
    assert value(wire.ask(get("k"))) == 1
    strong.clock.advance(5)
    assert [value(wire.ask(get(key))) for key in ("k", "new")] == [2, 2]
    assert wire.ask(get("gone")).code == NOT_FOUND
    assert txn.close().code == NOT_FOUND


def test_time_alone_changes_no_version(strong: EmbeddedCluster, wire: Wire) -> None:
    txn = Transaction(wire)
    version = txn.get(written(wire, "k")).fields[VERSION]
    strong.clock.advance(1000)
    assert txn.verify("k", version).code == OK


def test_the_server_rolls_what_it_can_reach_and_the_rest_later(strong: EmbeddedCluster, wire: Wire) -> None:
    txn = Transaction(wire)
    keys = [key for key in range(40) if partition(digest_of(key)) != partition(txn.monitor)]
    txn.begin(*keys, ttl=5)
    for key in keys:
        assert txn.put(key, 1).code == OK
    lost = partition(digest_of(keys[0]))
    strong.lose_partition("test", lost)
    strong.clock.advance(5)
    for key in keys:
        if partition(digest_of(key)) != lost:
            assert wire.ask(put(key, {"a": integer(2)})).code == OK
    assert [txn.mark().code, txn.add("z").code] == [CODES["aborted"]] * 2
    strong.restore_partition("test", lost)
    assert wire.ask(put(keys[0], {"a": integer(2)})).code == OK
    assert txn.mark().code == CODES["expired"]


def partition(digest: bytes) -> int:
    return int.from_bytes(digest[:2], "little") & 4095


# --- what else happens to records ---------------------------------------------------------------------------


def test_a_locked_record_survives_truncation_and_its_own_end(strong: EmbeddedCluster, wire: Wire) -> None:
    written(wire, "k")
    wire.ask(put("mortal", {"a": integer(1)}, ttl=10))
    txn = Transaction(wire).begin("k", "mortal", ttl=120)
    txn.put("k", 2)
    txn.put("mortal", 2, ttl=0xFFFFFFFF)
    strong.clock.advance(20)
    assert wire.info("truncate:namespace=test;set=s")["truncate:namespace=test;set=s"] == "ok"
    assert wire.ask(get("mortal")).code == NOT_FOUND
    assert value(wire.ask(get("k"))) == 1
    assert txn.commit("k", "mortal") == [OK] * 4
    assert [value(wire.ask(get(key))) for key in ("k", "mortal")] == [2, 2]


def test_a_read_in_a_transaction_prolongs_no_life(strong: EmbeddedCluster, wire: Wire) -> None:
    wire.ask(put("k", {"a": integer(1)}, ttl=100))
    strong.clock.advance(60)
    txn = Transaction(wire)
    version = txn.get("k", ttl=80).fields[VERSION]
    before = wire.ask(get("k", ttl=0xFFFFFFFF)).void_time
    assert wire.ask(get("k", ttl=80)).void_time == before
    assert wire.ask(get("k")).void_time > before
    assert txn.verify("k", version).code == CODES["mismatch"]  # to prolong a life is to write


def test_clear_ends_all_transactions(strong: EmbeddedCluster, wire: Wire) -> None:
    txn = Transaction(wire).begin("k")
    txn.put("k", 2)
    strong.clear()
    assert wire.ask(put("k", {"a": integer(3)})).generation == 1
    assert txn.mark().code == CODES["expired"]


# --- batches ------------------------------------------------------------------------------------------------


def test_the_rows_of_a_batch_are_parts_of_a_transaction(wire: Wire) -> None:
    for key in ("read", "changed", "locked"):
        written(wire, key)
    other = Transaction(wire).begin("locked")
    other.put("locked", 5)
    txn = Transaction(wire).begin("changed", "new", "locked")
    more = (txn.field,)
    answer = run(
        wire,
        row(0, "read", info1=READ_ALL, more=more),
        row(1, "changed", op(2, "a", *integer(2)), info2=WRITE, more=more),
        row(2, "new", op(2, "a", *integer(2)), info2=WRITE, more=more),
        row(3, "locked", op(2, "a", *integer(2)), info2=WRITE, more=more),
        row(4, "none", info1=READ_ALL, more=more),
        row(5, "changed", op(2, "a", *integer(3)), info2=WRITE, info4=ON_LOCKING_ONLY, more=more),
    )
    assert answer.codes == {0: OK, 1: OK, 2: OK, 3: CODES["blocked"], 4: NOT_FOUND, 5: CODES["locked"]}
    assert set(answer[0].fields) == {VERSION}
    assert answer[0].bins["a"] == integer(1)
    assert answer[4].fields == {VERSION: NO_RECORD}
    assert [answer[number].fields for number in (1, 2, 3, 5)] == [{}, {}, {}, {}]
    versions = (field(VERSION, answer[0].fields[VERSION]), field(VERSION, bytes(7)))
    verified = run(
        wire,
        row(0, "read", info1=0x21, info3=0x40, info4=VERIFY, more=versions[:1]),
        row(1, "none", info1=0x21, info3=0x40, info4=VERIFY, more=versions[1:]),
        row(2, "locked", info1=0x21, info3=0x40, info4=VERIFY, more=versions[1:]),
    )
    assert verified.codes == {0: OK, 1: OK, 2: CODES["mismatch"]}
    rolled = run(
        wire,
        *(
            row(number, key, info2=WRITE | DURABLE, info4=ROLL_FORWARD, more=more)
            for number, key in enumerate(("changed", "new", "locked"))
        ),
    )
    assert rolled.codes == {0: OK, 1: OK, 2: OK}
    assert [value(wire.ask(get(key))) for key in ("changed", "new", "locked")] == [2, 2, 1]


# --- other namespaces ---------------------------------------------------------------------------------------


def test_a_namespace_that_is_not_strong_consistent_has_no_transactions(wire: Wire) -> None:
    txn = Transaction(wire, namespace="bar")
    assert wire.ask(put("k", {"a": integer(1)}, namespace="bar")).code == OK
    answers = [
        txn.create("k"),
        txn.mark(),
        txn.close(),
        txn.get("k"),
        txn.put("k", 2),
        txn.delete("k"),
        txn.verify("k", bytes(7)),
    ]
    assert [answer.code for answer in answers] == [UNSUPPORTED] * len(answers)
    assert txn.roll("k", forward=True) == txn.roll("k", forward=False) == [UNSUPPORTED]
    assert value(wire.ask(get("k", namespace="bar"))) == 1
