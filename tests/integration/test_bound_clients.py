"""Clients that are bound to a transaction: all of their commands take part, and what can't is refused."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pyspike import (
    AdminPolicy,
    AsyncClient,
    BatchDelete,
    BatchDeletePolicy,
    BatchRead,
    BatchUDF,
    BatchWrite,
    Client,
    ClientPolicy,
    IndexType,
    Key,
    Statement,
    Transaction,
    TransactionState,
    WritePolicy,
    errors,
)
from pyspike import operations as op
from pyspike.server import EmbeddedCluster

pytestmark = [pytest.mark.both_kinds, pytest.mark.embedded_only]

MODULE = b"""
function raise_by(rec, n)
    rec.n = (rec.n or 0) + n
    if aerospike:exists(rec) then aerospike:update(rec) else aerospike:create(rec) end
    return rec.n
end
"""
CALL = ("bound_test", "raise_by", [1])
DURABLE = WritePolicy(durable_delete=True)
DURABLE_ROW = BatchDeletePolicy(durable_delete=True)
EVERYTHING = Statement("test", "bound")
_numbers = itertools.count()

Method = Callable[[Any, Key], object]

# What each command leaves of a record whose bin n is 1, with the client as it stands; None: no record.
WRITES: dict[str, list[tuple[Method, int | None]]] = {
    "put": [(lambda client, key: client.put(key, {"n": 2}), 2)],
    "add": [(lambda client, key: client.add(key, {"n": 1}), 2)],
    "append": [(lambda client, key: client.append(key, {"s": "b"}), 1)],
    "prepend": [(lambda client, key: client.prepend(key, {"s": "b"}), 1)],
    "touch": [(lambda client, key: client.touch(key), 1)],
    "delete": [(lambda client, key: client.delete(key, policy=DURABLE), None)],
    "operate": [(lambda client, key: client.operate(key, [op.add("n", 1), op.get("n")]), 2)],
    "execute_udf": [(lambda client, key: client.execute_udf(key, *CALL), 2)],
    "update": [(lambda client, key: client.update(key, _raised), 2)],
    "batch": [
        (lambda client, key: client.batch([BatchWrite(key, [op.add("n", 1)]), BatchRead(key)]), 2),
        (lambda client, key: client.batch([BatchDelete(key, policy=DURABLE_ROW)]), None),
        (lambda client, key: client.batch([BatchUDF(key, *CALL)]), 2),
    ],
    "batch_put": [(lambda client, key: client.batch_put([(key, {"n": 2})]), 2)],
    "batch_operate": [(lambda client, key: client.batch_operate([key], [op.add("n", 1)]), 2)],
    "batch_apply": [(lambda client, key: client.batch_apply([key], *CALL), 2)],
    "batch_delete": [(lambda client, key: client.batch_delete([key], row_policy=DURABLE_ROW), None)],
}
READS: dict[str, Method] = {
    "get": lambda client, key: client.get(key)["n"],
    "exists": lambda client, key: client.exists(key) and 2,
    "operate": lambda client, key: client.operate(key, [op.get("n")])["n"],
    "batch_get": lambda client, key: client.batch_get([key])[0]["n"],
    "batch_exists": lambda client, key: client.batch_exists([key]) == [True] and 2,
    "batch_operate": lambda client, key: client.batch_operate([key], [op.get("n")])[0].record["n"],
}
REFUSED: dict[str, Method] = {
    "batch_stream": lambda client, key: client.batch_stream([BatchRead(key)]),
    "batch_get_arrow": lambda client, key: client.batch_get_arrow([key]),
    "query": lambda client, key: client.query(EVERYTHING),
    "query_arrow": lambda client, key: client.query_arrow(EVERYTHING),
    "aggregate": lambda client, key: client.aggregate(EVERYTHING, "bound_test", "total"),
    "query_operate": lambda client, key: client.query_operate(EVERYTHING, [op.put("n", 9)]),
    "query_execute_udf": lambda client, key: client.query_execute_udf(EVERYTHING, *CALL),
    "explain": lambda client, key: client.explain("test", "bound", "$.n > 1"),
    "write_arrow": lambda client, key: client.write_arrow(_rows(), "test", "bound", key="key"),
    "jobs": lambda client, key: client.jobs(),
    "abort_job": lambda client, key: client.abort_job(1),
    "transaction": lambda client, key: client.transaction(),
    "run_in_transaction": lambda client, key: client.run_in_transaction(lambda txn: None),
    "__enter__": lambda client, key: client.__enter__(),
    "info": lambda client, key: client.info("build"),
    "truncate": lambda client, key: client.truncate("test", "bound"),
    "set_xdr_filter": lambda client, key: client.set_xdr_filter("dc", "test", None),
    "create_index": lambda client, key: client.create_index(
        "test", None, "i", bin="n", type=IndexType.NUMERIC
    ),
    "create_set_index": lambda client, key: client.create_set_index("test", "bound", "i"),
    "drop_index": lambda client, key: client.drop_index("test", "i"),
    "list_indexes": lambda client, key: client.list_indexes(),
    "register_udf": lambda client, key: client.register_udf(MODULE, "other.lua"),
    "remove_udf": lambda client, key: client.remove_udf("bound_test.lua"),
    "list_udfs": lambda client, key: client.list_udfs(),
    "get_udf": lambda client, key: client.get_udf("bound_test.lua"),
    "create_user": lambda client, key: client.create_user("u", "p", ["read"]),
    "create_pki_user": lambda client, key: client.create_pki_user("u", ["read"]),
    "drop_user": lambda client, key: client.drop_user("u"),
    "change_password": lambda client, key: client.change_password("u", "p"),
    "grant_roles": lambda client, key: client.grant_roles("u", ["read"]),
    "revoke_roles": lambda client, key: client.revoke_roles("u", ["read"]),
    "query_users": lambda client, key: client.query_users(),
    "query_user": lambda client, key: client.query_user("u"),
    "create_role": lambda client, key: client.create_role("r", []),
    "drop_role": lambda client, key: client.drop_role("r"),
    "grant_privileges": lambda client, key: client.grant_privileges("r", ["read"]),
    "revoke_privileges": lambda client, key: client.revoke_privileges("r", ["read"]),
    "set_allowlist": lambda client, key: client.set_allowlist("r", ["10.0.0.1"]),
    "set_quotas": lambda client, key: client.set_quotas("r", 1, 1),
    "query_roles": lambda client, key: client.query_roles(),
    "query_role": lambda client, key: client.query_role("r"),
}
# What is about the client itself, or about the transaction.
OTHERS = {
    *("close", "commit", "abort", "connect", "from_env", "from_url", "sharing", "is_connected", "namespace"),
    *(
        "is_strong_consistency",
        "metrics",
        "node_names",
        "nodes",
        "stats",
        "with_policies",
        "with_transaction",
    ),
}


def _raised(bins: dict[str, Any]) -> None:
    bins["n"] += 1


def _rows() -> Any:
    return pytest.importorskip("pyarrow").table({"key": [1], "n": [1]})


@pytest.fixture(scope="module")
def shared() -> Iterator[EmbeddedCluster]:
    with EmbeddedCluster(nodes=2, namespaces=("test", "plain"), strong_consistency=["test"]) as cluster:
        yield cluster


@pytest.fixture
def strong(shared: EmbeddedCluster) -> Iterator[EmbeddedCluster]:
    yield shared
    shared.heal()


def new_record(client: Client) -> Key:
    key = Key("test", "bound", next(_numbers))
    client.put(key, {"n": 1, "s": "a"})
    return key


@pytest.mark.one_kind("looks at the classes")
def test_every_method_takes_part_or_is_refused() -> None:
    told = {*WRITES, *READS, *REFUSED, *OTHERS} - {"__enter__"}
    for kind in (Client, AsyncClient):
        public = {name for name in dir(kind) if not name.startswith("_")}
        assert public - told == set()
        assert set(WRITES) | set(READS) | set(REFUSED) - {"__enter__"} <= public


def test_every_command_of_a_bound_client_takes_part(strong: EmbeddedCluster) -> None:
    pytest.importorskip("lupa", reason="the embedded server runs functions by it")
    with Client(strong.hosts) as client:
        client.register_udf(MODULE, "bound_test.lua").wait()
        for ends, (name, calls) in itertools.product(("commit", "abort"), WRITES.items()):
            for call, left in calls:
                key = new_record(client)
                txn = client.transaction()
                call(client.with_transaction(txn), key)
                found = client.get(key, default=None, txn=txn)
                assert (None if found is None else found["n"]) == left, name
                assert client.get(key).bins == {"n": 1, "s": "a"}, name
                with pytest.raises(errors.TransactionBlocked):
                    client.put(key, {"n": 9})
                getattr(txn, ends)()
                found = client.get(key, default=None)
                assert (None if found is None else found["n"]) == (left if ends == "commit" else 1), name


def test_every_read_of_a_bound_client_takes_part(strong: EmbeddedCluster) -> None:
    with Client(strong.hosts) as client:
        for name, call in READS.items():
            key, other = new_record(client), new_record(client)
            txn = client.transaction()
            inside = client.with_transaction(txn)
            inside.put(key, {"n": 2})
            assert call(inside, key) == 2, name
            call(inside, other)
            client.put(other, {"n": 3})
            with pytest.raises(errors.TransactionFailed) as caught:
                txn.commit()
            assert caught.value.key == other, name


def test_what_can_take_no_part_is_refused_before_anything_is_sent(strong: EmbeddedCluster) -> None:
    with Client(strong.hosts) as client:
        key = new_record(client)
        with client.transaction() as txn:
            inside = client.with_transaction(txn)
            for name, call in REFUSED.items():
                before = [node.stats.data_requests for node in strong.nodes]
                with pytest.raises(errors.InvalidArgument, match="transaction"):
                    call(inside, key)
                assert [node.stats.data_requests for node in strong.nodes] == before, name
            inside.put(key, {"n": 2})
        assert client.get(key)["n"] == 2


def test_a_function_of_a_client_needs_to_know_of_no_transaction(strong: EmbeddedCluster) -> None:
    def move(bank: Client, payer: Key, payee: Key) -> None:
        bank.add(payer, {"n": -1})
        bank.add(payee, {"n": 1})
        if bank.get(payer)["n"] < 0:
            raise ValueError("not enough")

    with Client(strong.hosts) as client:
        ann, bob = new_record(client), new_record(client)
        client.run_in_transaction(lambda txn: move(client.with_transaction(txn), ann, bob))
        with pytest.raises(ValueError, match="not enough"):
            client.run_in_transaction(lambda txn: move(client.with_transaction(txn), ann, bob))
        assert [client.get(key)["n"] for key in (ann, bob)] == [0, 2]


def test_a_bound_client_knows_one_transaction_and_may_end_it(strong: EmbeddedCluster) -> None:
    with Client(strong.hosts) as client:
        key = new_record(client)
        txn, other = client.transaction(), client.transaction()
        inside = client.with_transaction(txn)
        inside.put(key, {"n": 2}, txn=txn)  # which says the same
        for wrong in (lambda: inside.put(key, {"n": 3}, txn=other), lambda: inside.with_transaction(other)):
            with pytest.raises(errors.InvalidArgument, match="bound to another transaction"):
                wrong()
        with pytest.raises(errors.InvalidType, match="txn must be a Transaction, not int"):
            client.with_transaction(5)  # type: ignore[arg-type]
        assert inside.with_transaction(txn).get(key)["n"] == 2
        quick = inside.with_policies(write=WritePolicy(total_timeout=5000), admin=AdminPolicy())
        quick.add(key, {"n": 1})
        assert client.get(key)["n"] == 1
        inside.commit(txn)
        assert (txn.state, client.get(key)["n"]) == (TransactionState.COMMITTED, 3)
        with pytest.raises(errors.TransactionAlreadyCommitted):
            inside.get(key)

        plain = Transaction(timeout=5)  # of no client
        client.with_transaction(plain).put(key, {"n": 4})
        client.abort(plain)
        assert client.get(key)["n"] == 3
        assert inside.is_strong_consistency("test")
        assert inside.node_names() == client.node_names()


def test_a_client_that_is_watched_can_be_bound_as_well(
    strong: EmbeddedCluster, caplog: pytest.LogCaptureFixture
) -> None:
    with Client(strong.hosts, ClientPolicy(slow_command=1)) as client:
        key = new_record(client)
        for node in strong.nodes:
            node.delay(0.005)
        with caplog.at_level(logging.WARNING, "pyspike.slow"), client.transaction() as txn:
            client.with_policies().with_transaction(txn).put(key, {"n": 2})
        assert any("put" in record.getMessage() for record in caplog.records)
        assert client.get(key)["n"] == 2
