"""The official client's transactions on the embedded server: every kind of command, conflicts, faults."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from server_wire import Wire

from pyspike.server import EmbeddedCluster, TransactionFault, TransactionStep
from support.all_of import all_of

aerospike = pytest.importorskip("aerospike")
errors = pytest.importorskip("aerospike.exception")
br = pytest.importorskip("aerospike_helpers.batch.records")
exp = pytest.importorskip("aerospike_helpers.expressions")
op = pytest.importorskip("aerospike_helpers.operations.operations")
lists = pytest.importorskip("aerospike_helpers.operations.list_operations")

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

NOT_FOUND, FORBIDDEN, BLOCKED, EXPIRED, TOO_MANY, LOCKED = 2, 22, 120, 122, 123, 126
VERIFY_FAILED, SOME_FAILED = -17, -16
OPEN, VERIFIED, COMMITTED, ABORTED, COMMIT_FAILED = range(5)
KINDS = (
    "read",
    "write",
    "operate",
    "remove",
    "apply",
    "batch",
    "batch_parent_write",
    "txn_verify",
    "txn_roll",
)
A, B, C = (("test", "bank", name) for name in "abc")
SHORT_MS = 150
"""The patience with a node that is frozen. Nothing else takes so long unless the machine is slow; then the
outcome is another one of those that a test allows."""
LUA = b"""
function raise(rec, by)
  rec['v'] = (rec['v'] or 0) + by
  if aerospike:exists(rec) then aerospike:update(rec) else aerospike:create(rec) end
  return rec['v']
end
function tell(rec) return rec['v'] end
function drop(rec) return aerospike:remove(rec) end
"""


@pytest.fixture(scope="module")
def official(strong_cluster: EmbeddedCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    strong_cluster.reset()
    policies: dict[str, Any] = {kind: {"total_timeout": 30_000, "max_retries": 0} for kind in KINDS}
    config = {
        "hosts": [("127.0.0.1", node.port) for node in strong_cluster.nodes],
        "policies": policies,
        "lua": {"user_path": str(tmp_path_factory.mktemp("lua"))},
    }
    client = aerospike.client(config).connect()
    yield client
    client.close()


@pytest.fixture
def client(strong: EmbeddedCluster, official: Any) -> Any:
    """The client, of a cluster with the three records, of 100 each."""
    for key in (A, B, C):
        official.put(key, {"v": 100})
    return official


def value(client: Any, key: Any, txn: Any = None) -> Any:
    try:
        return client.get(key, {"txn": txn} if txn else None)[2]["v"]
    except errors.RecordNotFound:
        return None


def code_of(call: Callable[[], Any]) -> int:
    try:
        call()
    except errors.AerospikeError as error:
        return int(error.code)
    return 0


# --- commands -----------------------------------------------------------------------------------------------


def put(client: Any, txn: Any) -> None:
    client.put(A, {"v": 200}, policy={"txn": txn})


def operate(client: Any, txn: Any) -> None:
    _, _, bins = client.operate(A, [op.increment("v", 100), op.read("v")], policy={"txn": txn})
    assert bins == {"v": 200}


def operate_on_a_list(client: Any, txn: Any) -> None:
    client.operate(A, [lists.list_append("l", 1), op.write("v", 200)], policy={"txn": txn})


def increment(client: Any, txn: Any) -> None:
    client.increment(A, "v", 100, policy={"txn": txn})


def batch_write(client: Any, txn: Any) -> None:
    rows = br.BatchRecords([br.Write(A, [op.write("v", 200)]), br.Read(B, None), br.Write(C, [op.touch()])])
    client.batch_write(rows, {"txn": txn})
    assert [row.result for row in rows.batch_records] == [0, 0, 0]


def batch_operate(client: Any, txn: Any) -> None:
    done = client.batch_operate([A, C], [op.increment("v", 100)], {"txn": txn})
    assert [row.result for row in done.batch_records] == [0, 0]


def replace(client: Any, txn: Any) -> None:
    policy = {"txn": txn, "exists": aerospike.POLICY_EXISTS_REPLACE}
    client.put(A, {"v": 200}, policy=policy)


def twice(client: Any, txn: Any) -> None:
    client.put(A, {"v": 150}, policy={"txn": txn})
    client.increment(A, "v", 50, policy={"txn": txn})


WRITES = [put, operate, operate_on_a_list, increment, batch_write, batch_operate, replace, twice]


@all_of("write", WRITES, ids=lambda write: write.__name__)
def test_a_write_is_seen_when_it_is_committed(
    strong: EmbeddedCluster, client: Any, write: Callable[[Any, Any], None]
) -> None:
    for key in (A, B, C):
        client.put(key, {"v": 100})
    for end in ("abort", "commit"):
        txn = aerospike.Transaction()
        write(client, txn)
        assert (value(client, A), value(client, A, txn)) == (100, 200)
        assert code_of(lambda: client.put(A, {"v": 1})) == BLOCKED
        assert getattr(client, end)(txn) == 0
        assert value(client, A) == (200 if end == "commit" else 100)
        client.put(A, {"w": 1})


def remove(client: Any, txn: Any) -> None:
    client.remove(A, policy={"txn": txn, "durable_delete": True})


def batch_remove(client: Any, txn: Any) -> None:
    done = client.batch_remove([A], {"txn": txn}, {"durable_delete": True})
    assert [row.result for row in done.batch_records] == [0]


def operate_delete(client: Any, txn: Any) -> None:
    client.operate(A, [op.delete()], policy={"txn": txn, "durable_delete": True})


def remove_bin(client: Any, txn: Any) -> None:
    client.remove_bin(A, ["v"], policy={"txn": txn, "durable_delete": True})


@all_of("delete", [remove, batch_remove, operate_delete, remove_bin], ids=lambda delete: delete.__name__)
def test_a_delete_is_seen_when_it_is_committed(client: Any, delete: Callable[[Any, Any], None]) -> None:
    client.put(A, {"v": 100})
    for end in ("abort", "commit"):
        txn = aerospike.Transaction()
        delete(client, txn)
        assert (value(client, A), value(client, A, txn)) == (100, None)
        assert client.exists(A, {"txn": txn})[1] is None
        assert getattr(client, end)(txn) == 0
        assert value(client, A) == (None if end == "commit" else 100)


@all_of(
    "delete",
    [
        lambda client, policy: client.remove(A, policy=policy),
        lambda client, policy: client.operate(A, [op.delete()], policy=policy),
        lambda client, policy: client.remove_bin(A, ["v"], policy=policy),
    ],
    ids=lambda delete: "a delete",
)
def test_a_delete_that_is_not_durable_is_refused(client: Any, delete: Callable[[Any, Any], None]) -> None:
    txn = aerospike.Transaction()
    assert code_of(lambda: delete(client, {"txn": txn})) == FORBIDDEN
    assert code_of(lambda: delete(client, {})) == FORBIDDEN
    assert client.commit(txn) == 0
    assert value(client, A) == 100


READS: list[Callable[[Any, Any], Any]] = [
    lambda client, txn: client.get(A, {"txn": txn}),
    lambda client, txn: client.select(A, ["v"], {"txn": txn}),
    lambda client, txn: client.exists(A, {"txn": txn}),
    lambda client, txn: client.operate(A, [op.read("v")], policy={"txn": txn}),
    lambda client, txn: client.batch_read([A, B], policy={"txn": txn}),
    lambda client, txn: client.batch_read([A, B], ["v"], {"txn": txn}),
    lambda client, txn: client.batch_read([A, B], [], {"txn": txn}),
    lambda client, txn: client.batch_write(br.BatchRecords([br.Read(A, [op.read("v")])]), {"txn": txn}),
]


@all_of("read", READS, ids=lambda read: "a read")
def test_what_was_read_must_be_the_same_at_the_commit(client: Any, read: Callable[[Any, Any], Any]) -> None:
    for changes in (False, True):
        txn = aerospike.Transaction()
        read(client, txn)
        client.put(C, {"v": 200 + changes}, policy={"txn": txn})
        if changes:
            client.put(A, {"v": 100})
        code = code_of(lambda: client.commit(txn))  # noqa: B023 - called at once
        assert (code, txn.state) == ((VERIFY_FAILED, ABORTED) if changes else (0, COMMITTED))
        assert value(client, C) == 200
        client.put(C, {"v": 200})


def test_what_was_not_there_must_not_be_there_at_the_commit(client: Any) -> None:
    missing = ("test", "bank", "missing")
    for creates in (False, True):
        txn = aerospike.Transaction()
        assert value(client, missing, txn) is None
        client.put(A, {"v": 5}, policy={"txn": txn})
        if creates:
            client.put(missing, {"v": 1})
        assert code_of(lambda: client.commit(txn)) == (VERIFY_FAILED if creates else 0)  # noqa: B023


def test_functions_are_parts_of_transactions(strong: EmbeddedCluster, client: Any) -> None:
    pytest.importorskip("lupa")
    # The official client holds the GIL while it registers a module.
    content = base64.b64encode(LUA).decode()
    command = f"udf-put:filename=sc_bank.lua;content={content};content-len={len(content)};udf-type=LUA;"
    with Wire(strong.nodes[0].port) as wire:
        assert wire.info(command)[command] == "ok"
    missing = ("test", "bank", "missing")
    txn = aerospike.Transaction()
    policy = {"txn": txn}
    assert client.apply(B, "sc_bank", "tell", [], policy) == 100
    assert client.apply(A, "sc_bank", "raise", [50], policy) == 150
    assert client.apply(missing, "sc_bank", "raise", [7], policy) == 7
    assert client.apply(A, "sc_bank", "tell", [], policy) == 150
    assert client.apply(A, "sc_bank", "tell", []) == 100
    assert code_of(lambda: client.apply(A, "sc_bank", "raise", [1])) == BLOCKED
    assert code_of(lambda: client.apply(missing, "sc_bank", "tell", [])) == BLOCKED
    assert code_of(lambda: client.apply(C, "sc_bank", "drop", [], policy)) == FORBIDDEN
    client.apply(C, "sc_bank", "drop", [], {**policy, "durable_delete": True})
    done = client.batch_apply([A], "sc_bank", "raise", [50], {"txn": txn})
    assert [row.result for row in done.batch_records] == [0]
    assert client.commit(txn) == 0
    assert [value(client, key) for key in (A, B, C, missing)] == [200, 100, None, 7]
    txn = aerospike.Transaction()
    assert client.apply(B, "sc_bank", "tell", [], {"txn": txn}) == 100
    client.put(B, {"v": 1})
    assert code_of(lambda: client.commit(txn)) == VERIFY_FAILED


def test_a_filter_that_lets_nothing_pass_reads_the_record(client: Any) -> None:
    never = exp.LT(exp.IntBin("v"), 0).compile()
    txn = aerospike.Transaction()
    with pytest.raises(errors.FilteredOut):
        client.put(A, {"v": 1}, policy={"txn": txn, "expressions": never})
    client.put(A, {"v": 101})
    assert code_of(lambda: client.commit(txn)) == VERIFY_FAILED


def test_indexes_and_set_indexes_change_when_a_transaction_is_committed(client: Any) -> None:
    client.index_single_value_create("test", "bank", "v", aerospike.INDEX_NUMERIC, "bank_v")

    def found() -> list[int]:
        query = client.query("test", "bank")
        query.where(aerospike.predicates.between("v", 150, 999))
        return sorted(bins["v"] for _, _, bins in query.results())

    txn = aerospike.Transaction()
    client.put(A, {"v": 200}, policy={"txn": txn})
    client.put(("test", "bank", "new"), {"v": 300}, policy={"txn": txn})
    client.remove(B, policy={"txn": txn, "durable_delete": True})
    scanned = client.query("test", "bank").results()
    assert (found(), sorted(bins["v"] for _, _, bins in scanned)) == ([], [100, 100, 100])
    assert client.commit(txn) == 0
    scanned = client.query("test", "bank").results()
    assert (found(), sorted(bins["v"] for _, _, bins in scanned)) == ([200, 300], [100, 200, 300])


# --- conflicts and limits -----------------------------------------------------------------------------------


def test_two_transactions_do_not_write_the_same_record(client: Any) -> None:
    one, two = aerospike.Transaction(), aerospike.Transaction()
    client.put(A, {"v": 1}, policy={"txn": one})
    assert code_of(lambda: client.put(A, {"v": 2}, policy={"txn": two})) == BLOCKED
    client.put(B, {"v": 2}, policy={"txn": two})
    assert (client.commit(one), client.commit(two)) == (0, 0)
    assert (value(client, A), value(client, B)) == (1, 2)


def test_a_second_write_can_be_refused(client: Any) -> None:
    txn = aerospike.Transaction()
    policy = {"txn": txn, "on_locking_only": True}
    client.put(A, {"v": 1}, policy=policy)
    assert code_of(lambda: client.put(A, {"v": 2}, policy=policy)) == LOCKED
    assert client.commit(txn) == 0
    assert value(client, A) == 1


def test_a_batch_with_too_many_writes_is_refused(client: Any) -> None:
    txn = aerospike.Transaction()
    rows = br.BatchRecords([br.Write(("test", "bank", n), [op.write("v", 1)]) for n in range(4097)])
    assert client.batch_write(rows, {"txn": txn}).result == TOO_MANY
    assert client.abort(txn) == 0
    assert value(client, ("test", "bank", 0)) is None


def test_a_transaction_expires(strong: EmbeddedCluster, client: Any) -> None:
    txn = aerospike.Transaction()
    txn.timeout = 20
    client.put(A, {"v": 1}, policy={"txn": txn})
    strong.clock.advance(20)
    assert value(client, A) == 100
    assert code_of(lambda: client.put(B, {"v": 1}, policy={"txn": txn})) == EXPIRED
    assert code_of(lambda: client.commit(txn)) == EXPIRED
    client.put(A, {"v": 3})
    assert client.abort(txn) in (0, aerospike.ABORT_CLOSE_ABANDONED)


def test_only_what_it_has_read_and_written_fails_a_transaction(client: Any) -> None:
    txn = aerospike.Transaction()
    assert value(client, A, txn) == 100
    client.put(A, {"v": 1}, policy={"txn": txn})
    client.put(B, {"v": 1})
    assert client.commit(txn) == 0


def test_linearized_reads_and_the_other_modes_are_answered(client: Any) -> None:
    for mode in range(4):
        assert client.get(A, {"read_mode_sc": mode})[2] == {"v": 100}
        txn = aerospike.Transaction()
        assert client.get(A, {"read_mode_sc": mode, "txn": txn})[2] == {"v": 100}
        assert client.commit(txn) == 0


# --- faults -------------------------------------------------------------------------------------------------


def transfer(client: Any, txn: Any) -> None:
    """Move 10 from A to B, having looked at C."""
    policy = {"txn": txn, "total_timeout": SHORT_MS}
    client.get(C, policy)
    client.increment(A, "v", -10, policy=policy)
    client.increment(B, "v", 10, policy=policy)


@pytest.fixture(scope="module")
def hasty(strong_cluster: EmbeddedCluster) -> Iterator[Any]:
    """A client that does not wait for a frozen node."""
    policies: dict[str, Any] = {kind: {"total_timeout": SHORT_MS, "max_retries": 0} for kind in KINDS}
    hosts = [("127.0.0.1", node.port) for node in strong_cluster.nodes]
    client = aerospike.client({"hosts": hosts, "policies": policies}).connect()
    yield client
    client.close()


COMMIT_STEPS = ["monitor", "read", "write", "verify", "mark", "roll_forward", "close"]


def test_the_steps_and_faults_have_words() -> None:
    assert [step.value for step in TransactionStep] == [*COMMIT_STEPS[:-1], "roll_back", "close"]


@pytest.mark.parametrize(
    "fault", ["lose_request", "lose_answer", "answer_code", "freeze_before", "freeze_after"]
)
@pytest.mark.parametrize("step", COMMIT_STEPS)
def test_whatever_befalls_a_commit_all_or_nothing_is_done(
    strong: EmbeddedCluster, client: Any, hasty: Any, step: str, fault: str
) -> None:
    for after in (0, 1) if step in ("monitor", "write") else (0,):
        for key in (A, B, C):
            client.put(key, {"v": 100})
        code = 9 if fault == "answer_code" else None
        strong.fail_transactions(step, fault, code=code, after=after)
        txn = aerospike.Transaction()
        failed = code_of(lambda: transfer(hasty, txn))  # noqa: B023 - called at once
        in_doubt = False
        if not failed:
            try:
                status = hasty.commit(txn)
            except errors.AerospikeError as error:
                in_doubt = error.in_doubt
                failed = int(error.code)
            else:
                assert (status == 0) == (step not in ("roll_forward", "close"))
        assert bool(failed) == (step not in ("roll_forward", "close"))
        assert in_doubt == (step == "mark")
        for node in strong.nodes:
            node.thaw()
        if in_doubt:
            assert hasty.commit(txn) in (0, aerospike.COMMIT_ROLL_FORWARD_ABANDONED)
        elif failed and txn.state in (OPEN, VERIFIED):
            hasty.abort(txn)
        strong.clock.advance(20)
        moved = 10 if in_doubt or not failed else 0
        assert (value(client, A), value(client, B)) == (100 - moved, 100 + moved)
        client.put(A, {"v": 100})


@pytest.mark.parametrize("step", ["roll_back", "close"])
def test_an_abort_that_fails_is_done_by_the_server(
    strong: EmbeddedCluster, client: Any, hasty: Any, step: str
) -> None:
    for fault in ("lose_request", "lose_answer"):
        txn = aerospike.Transaction()
        transfer(client, txn)
        strong.fail_transactions(step, fault)
        expected = {
            "roll_back": aerospike.ABORT_ROLL_BACK_ABANDONED,
            "close": aerospike.ABORT_CLOSE_ABANDONED,
        }
        assert hasty.abort(txn) == expected[step]
        strong.clock.advance(20)
        assert (value(client, A), value(client, B)) == (100, 100)
        client.put(A, {"v": 100})


def test_a_mark_that_is_refused_leaves_the_transaction_to_be_ended(
    strong: EmbeddedCluster, client: Any
) -> None:
    for end in ("abort", "commit"):
        txn = aerospike.Transaction()
        transfer(client, txn)
        strong.fail_transactions("mark", "answer_code", code=4)
        with pytest.raises(errors.AerospikeError) as raised:
            client.commit(txn)
        assert (raised.value.in_doubt, txn.state) == (False, VERIFIED)
        assert getattr(client, end)(txn) == 0
        moved = 10 if end == "commit" else 0
        assert (value(client, A), value(client, B)) == (100 - moved, 100 + moved)


@all_of(
    "arguments, error",
    [
        (("nothing", "lose_answer"), ValueError),
        (("mark", "nothing"), ValueError),
        (("mark", "answer_code"), ValueError),
        (("mark", "lose_answer", 4), ValueError),
        (("mark", "answer_code", 0), ValueError),
        (("mark", "answer_code", 256), ValueError),
        (("mark", "lose_answer", None, -1), ValueError),
        (("mark", "lose_answer", None, 1, -1), ValueError),
        (("mark", "lose_answer", None, "1"), TypeError),
    ],
)
def test_a_fault_that_is_none_is_refused(
    strong: EmbeddedCluster, arguments: tuple[Any, ...], error: type[Exception]
) -> None:
    step, fault, *rest = arguments
    named = dict(zip(("code", "times", "after"), rest, strict=False))
    with pytest.raises(error):
        strong.fail_transactions(step, fault, **named)


def test_faults_are_counted_and_end(strong: EmbeddedCluster, client: Any) -> None:
    strong.fail_transactions(TransactionStep.READ, TransactionFault.ANSWER_CODE, code=9, times=2, after=1)
    assert {node.faults_left for node in strong.nodes} == {2}
    codes = []
    for key in (A, B, C, A):
        codes.append(code_of(lambda: client.get(key, {"txn": aerospike.Transaction()})))  # noqa: B023
        client.get(key)
    assert codes == [0, 9, 9, 0]
    assert {node.faults_left for node in strong.nodes} == {0}
    strong.fail_transactions("read", "lose_request")
    strong.heal()
    assert client.get(A, {"txn": aerospike.Transaction()})[2] == {"v": 100}
