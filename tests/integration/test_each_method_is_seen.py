"""What each method of a client asks nodes is in `client.metrics()`, and each call in one span.

The table has all methods: a new one is not forgotten.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

from pyspike import (
    AerospikeError,
    BatchRead,
    Client,
    ClientMetrics,
    ClientPolicy,
    IndexType,
    Key,
    Statement,
)
from pyspike import operations as op
from pyspike._wire import command_kinds
from pyspike.server import EmbeddedCluster, Security

pytestmark = [pytest.mark.both_kinds, pytest.mark.embedded_only]

SET, MODULE, JOB_SET = "seen", "seen.lua", "seen-jobs"
KEY = Key("test", SET, 1)
ROWS = Statement("test", JOB_SET)
ALL_ROLES = [
    "read-write-udf",
    "sys-admin",
    "data-admin",
    "user-admin",
    "udf-admin",
    "sindex-admin",
    "truncate",
]
SOURCE = """
function one(record) return 1 end
function total(stream)
  return stream : map(function(r) return r["a"] end) : reduce(function(a, b) return a + b end)
end
"""
SERVER = "(server)"  # which its spans name

Counted = set[tuple[str, str, str]]


class Seen(NamedTuple):
    """A call, what is counted of it as (namespace, method, kind), and the names of its spans."""

    call: Callable[[Any], Any]
    counted: Counted
    spans: tuple[str, ...]


def one(method: str, call: Callable[[Any], Any], kind: str = "write") -> tuple[str, Seen]:
    return method, Seen(call, {("test", method, kind)}, (f"{method} {SET}",))


def batch(method: str, call: Callable[[Any], Any], set_name: str = f" {SET}") -> tuple[str, Seen]:
    return method, Seen(call, {("test", method, "batch")}, (f"{method}{set_name}",))


def query(
    method: str, call: Callable[[Any], Any], counted: Counted | None = None, set_name: str = JOB_SET
) -> tuple[str, Seen]:
    return method, Seen(call, {("test", method, "query")} | (counted or set()), (f"{method} {set_name}",))


def admin(
    method: str, call: Callable[[Any], Any], target: str = "", others: Counted | None = None
) -> tuple[str, Seen]:
    """About the cluster; `target` is the set, or the namespace if it is of no set; else it is the server."""
    namespace = "test" if target else ""
    return method, Seen(
        call, {(namespace, method, "admin")} | (others or set()), (f"{method} {target or SERVER}",)
    )


def wait(task: Any) -> None:
    task.wait(30_000)


def in_transaction(end: str) -> Callable[[Any], None]:
    def call(client: Any) -> None:
        txn = client.transaction()
        client.put(KEY, {"a": 1}, txn=txn)
        getattr(client, end)(txn)

    return call


def ending(end: str, call: Callable[[Any], Any] | None = None) -> Seen:
    counted = {("test", "put", "write"), ("test", "transaction", "write"), ("test", end, "write")}
    marked = ("commit <ERO~MRT",) if end == "commit" else ()
    around = "transaction <ERO~MRT"
    spans = around, f"put {SET}", *marked, f"{end} {SET}", around
    return Seen(call or in_transaction(end), counted, spans)


WAITING: Counted = {("", "wait", "admin")}

SEEN: dict[str, Seen] = dict(
    [
        one("get", lambda client: client.get(KEY), "read"),
        one("exists", lambda client: client.exists(KEY), "read"),
        one("put", lambda client: client.put(KEY, {"a": 1})),
        one("add", lambda client: client.add(KEY, {"a": 1})),
        one("append", lambda client: client.append(KEY, {"s": "x"})),
        one("prepend", lambda client: client.prepend(KEY, {"s": "x"})),
        one("touch", lambda client: client.touch(KEY)),
        one("operate", lambda client: client.operate(KEY, [op.add("a", 1)])),
        one("execute_udf", lambda client: client.execute_udf(KEY, MODULE, "one")),
        one("delete", lambda client: client.delete(Key("test", SET, "none"))),
        batch("batch", lambda client: client.batch([BatchRead(KEY)])),
        batch("batch_get", lambda client: client.batch_get([KEY])),
        batch("batch_exists", lambda client: client.batch_exists([KEY])),
        batch("batch_put", lambda client: client.batch_put([(KEY, {"a": 1})])),
        batch("batch_operate", lambda client: client.batch_operate([KEY], [op.get("a")])),
        batch("batch_apply", lambda client: client.batch_apply([KEY], MODULE, "one")),
        batch("batch_delete", lambda client: client.batch_delete([Key("test", SET, "none")])),
        batch("batch_stream", lambda client: list(client.batch_stream([BatchRead(KEY)])), ""),
        batch("batch_get_arrow", lambda client: list(client.batch_get_arrow([KEY], schema={"a": int})), ""),
        batch("write_arrow", lambda client: client.write_arrow(columns(), "test", SET, key="id")),
        query("query", lambda client: list(client.query(ROWS))),
        query("query_arrow", lambda client: list(client.query_arrow(ROWS))),
        query(
            "aggregate",
            lambda client: client.aggregate(ROWS, MODULE, "total"),
            {("", "get_udf", "admin")},
        ),
        query("query_operate", lambda client: wait(client.query_operate(ROWS, [op.add("a", 1)])), WAITING),
        query(
            "query_execute_udf", lambda client: wait(client.query_execute_udf(ROWS, MODULE, "one")), WAITING
        ),
        query("explain", lambda client: client.explain("test", SET, "$.a > 1"), set_name=SET),
        ("update", Seen(
            lambda client: client.update(KEY, lambda bins: {"a": 2}),
            {("test", "get", "read"), ("test", "put", "write")},
            (f"get {SET}", f"put {SET}"),
        )),
        ("commit", ending("commit")),
        ("abort", ending("abort")),
        ("run_in_transaction", ending(
            "commit",
            lambda client: client.run_in_transaction(lambda txn: client.put(KEY, {"a": 1}, txn=txn)),
        )),
        admin(
            "create_index",
            lambda client: wait(
                client.create_index("test", SET, "seen-index", bin="x", type=IndexType.INTEGER)
            ),
            SET,
            WAITING,
        ),
        admin("create_set_index", lambda client: wait(client.create_set_index("test", SET, "seen-set")),
              SET, WAITING),
        admin("drop_index", lambda client: wait(client.drop_index("test", "seen-none")), "test", WAITING),
        admin("list_indexes", lambda client: client.list_indexes("test"), "test"),
        admin("truncate", lambda client: client.truncate("test", "seen-none"), "seen-none"),
        admin("set_xdr_filter", lambda client: client.set_xdr_filter("dc", "test", None), "test"),
        admin("register_udf", lambda client: wait(client.register_udf(SOURCE, MODULE)), "", WAITING),
        admin("remove_udf", lambda client: wait(client.remove_udf("seen-none")), "", WAITING),
        admin("list_udfs", lambda client: client.list_udfs()),
        admin("get_udf", lambda client: client.get_udf(MODULE)),
        admin("jobs", lambda client: client.jobs()),
        admin("abort_job", lambda client: client.abort_job(1)),
        admin("info", lambda client: client.info("build")),
        admin("create_user", lambda client: client.create_user("seen", "secret", ["read"])),
        admin("create_pki_user", lambda client: client.create_pki_user("seen-pki")),
        admin("change_password", lambda client: client.change_password("known", "other")),
        admin("grant_roles", lambda client: client.grant_roles("known", ["write"])),
        admin("revoke_roles", lambda client: client.revoke_roles("known", ["write"])),
        admin("query_users", lambda client: client.query_users()),
        admin("query_user", lambda client: client.query_user("known")),
        admin("drop_user", lambda client: client.drop_user("none")),
        admin("create_role", lambda client: client.create_role("seen", ["read"])),
        admin("grant_privileges", lambda client: client.grant_privileges("none", ["write"])),
        admin("revoke_privileges", lambda client: client.revoke_privileges("none", ["write"])),
        admin("set_allowlist", lambda client: client.set_allowlist("none", [])),
        admin("set_quotas", lambda client: client.set_quotas("none", 1, 1)),
        admin("query_roles", lambda client: client.query_roles()),
        admin("query_role", lambda client: client.query_role("read")),
        admin("drop_role", lambda client: client.drop_role("none")),
    ]
)  # fmt: skip

ENDS_OF_MANY = {("commit", "batch"), ("abort", "batch")}  # of transactions that write several records
ASK_NOBODY = {
    "close", "connect", "from_env", "from_url", "is_connected", "is_strong_consistency", "metrics",
    "namespace", "node_names", "nodes", "sharing", "stats", "transaction", "with_policies",
    "with_transaction",
}  # fmt: skip


def columns() -> Any:
    pa = pytest.importorskip("pyarrow")
    return pa.table({"id": [1], "a": [1]})


@pytest.fixture(scope="module")
def cluster() -> Iterator[EmbeddedCluster]:
    users = {"known": ("old", ["read"]), "all": ("all", ALL_ROLES)}
    security = Security(users=users)
    with EmbeddedCluster(
        nodes=2, namespaces=("test",), strong_consistency=True, security=security
    ) as cluster:
        yield cluster


POLICY = ClientPolicy(user="all", password="all", tend_interval=60_000)


@pytest.fixture
def ready(cluster: EmbeddedCluster) -> Iterator[EmbeddedCluster]:
    with Client(cluster.hosts, POLICY) as client:
        client.put(KEY, {"a": 1, "s": "x"})
        client.batch_put([(Key("test", JOB_SET, number), {"a": number}) for number in range(40)])
        client.register_udf(SOURCE, MODULE).wait(30_000)
    yield cluster
    cluster.reset()


def counts(seen: ClientMetrics) -> Counted:
    found = {(command.namespace, command.method, command.kind) for command in seen.commands if command.count}
    assert all(None not in each for each in found)
    return found  # type: ignore[return-value]


@pytest.mark.one_kind("it is about both")
def test_the_table_has_all_methods() -> None:
    from pyspike import AsyncClient

    there = {name for cls in (Client, AsyncClient) for name in dir(cls) if not name.startswith("_")}
    assert there == set(SEEN) | ASK_NOBODY


@pytest.mark.one_kind("it is about a table")
def test_each_kind_that_can_be_counted_is_that_of_a_method() -> None:
    counted = {(method, kind) for each in SEEN.values() for _, method, kind in each.counted}
    others = {("other", "read"), ("operate", "read"), ("commit", "read"), *ENDS_OF_MANY}
    assert set(command_kinds()) == counted | others


@pytest.mark.parametrize("method", sorted(SEEN))
def test_what_it_asks_nodes_is_counted(ready: EmbeddedCluster, method: str) -> None:
    with Client(ready.hosts, POLICY) as client:
        with contextlib.suppress(AerospikeError):
            SEEN[method].call(client)
        seen = client.metrics()
        assert counts(seen) == SEEN[method].counted
        for command in seen.commands:
            assert command.sent_bytes > 8 * command.count
            assert command.received_bytes > 8 * command.count
            assert command.latency.total_ms > 0 or command.failures
        if (nodes := {name for name, node in seen.nodes.items() if node.total.count}) and method in (
            "aggregate", "info", "jobs", "query_operate", "query_execute_udf", "list_indexes",
        ):  # fmt: skip
            assert nodes == set(client.node_names())


@pytest.mark.parametrize("method", sorted(SEEN))
def test_it_has_one_span(ready: EmbeddedCluster, method: str, spans: Any) -> None:
    with Client(ready.hosts, POLICY.replace(tracing=True)) as client:
        with contextlib.suppress(AerospikeError):
            SEEN[method].call(client)
        found = spans.get_finished_spans()
        server = ready.hosts.partition(",")[0]
        assert [span.name.replace(server, SERVER) for span in found] == list(SEEN[method].spans)
        for span in found:
            assert span.attributes["aerospike.node.name"] in client.node_names()
            assert span.attributes["db.operation.name"] == span.name.partition(" ")[0]
