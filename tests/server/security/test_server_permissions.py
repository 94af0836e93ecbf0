"""What the official client may do with which role: each command is done, or refused with 81."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

from pyspike.server import EmbeddedCluster, Security

aerospike = pytest.importorskip("aerospike")
pytest.importorskip("bcrypt")
pytest.importorskip("lupa")
operations = pytest.importorskip("aerospike_helpers.operations.operations")
batches = pytest.importorskip("aerospike_helpers.batch.records")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

MODULE = (
    "function f(rec) return 1 end\nfunction g(stream) return stream : map(function(rec) return 1 end) end\n"
)
DONE, ROLE_VIOLATION = 0, 81
NOT_FOUND = 2
ROLES = [
    *("user-admin", "sys-admin", "data-admin", "udf-admin", "sindex-admin"),
    *("read", "read-write", "read-write-udf", "write", "truncate"),
    *("masking-admin", "read-masked", "write-masked"),
]
KEY, OTHER = ("test", "demo", 1), ("test", "demo", 2)
PLACES = [("test", "demo"), ("test", "other"), ("test", None), ("bar", "demo")]


class Clients(NamedTuple):
    """A client of an administrator, and some of a user that may do what the administrator lets it do."""

    admin: Any
    evas: list[Any]

    @property
    def eva(self) -> Any:
        """One of the user's: after some tens of refusals a client would ask the node no more for a while."""
        self.evas.append(self.evas.pop(0))
        return self.evas[0]

    def let(self, *roles: str) -> None:
        """Give the user these roles, and no others; its connections stay open."""
        before = self.admin.admin_query_user_info("eva")["roles"]
        if before:
            self.admin.admin_revoke_roles("eva", before)
        if roles:
            self.admin.admin_grant_roles("eva", list(roles))

    def code(self, command: Callable[[Any], Any]) -> int:
        """The result of a command of the user; a record that is not there is none."""
        try:
            result = command(self.eva)
        except aerospike.exception.AerospikeError as error:
            result = error.code
        return result if isinstance(result, int) and result != NOT_FOUND else DONE


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clients]:
    folder = tmp_path_factory.mktemp("lua")
    (folder / "perm.lua").write_text(MODULE)
    # In a process of its own: the official client holds the GIL now and then.
    with (
        pytest.MonkeyPatch.context() as monkeypatch,
        EmbeddedCluster(process=True, security=Security(users={"eva": ("pw", [])})) as cluster,
    ):
        monkeypatch.chdir(folder)
        config = {
            "hosts": [("127.0.0.1", cluster.nodes[0].port)],
            "lua": {"user_path": str(folder)},
        }
        opened = Clients(
            aerospike.client({**config, "user": "admin", "password": "admin"}).connect(),
            [aerospike.client({**config, "user": "eva", "password": "pw"}).connect() for _ in range(5)],
        )
        opened.let("udf-admin", "write")
        content = base64.b64encode(MODULE.encode()).decode()
        opened.eva.info_all(
            f"udf-put:filename=perm.lua;content={content};content-len={len(content)};udf-type=LUA;"
        )
        for namespace, set_name in PLACES:
            opened.eva.put((namespace, set_name, 1), {"a": 1})
        yield opened
        for client in (opened.admin, *opened.evas):
            client.close()


def rows(records: Any) -> int:
    """The result of a batch: that of its rows, which is the same for all."""
    codes = {
        row.result % NOT_FOUND if row.result == NOT_FOUND else row.result for row in records.batch_records
    }
    (code,) = codes
    return int(code)


def aggregate(client: Any) -> None:
    query = client.query("test", "demo")
    query.apply("perm", "g")
    query.results()


def background_ops(client: Any) -> None:
    query = client.query("test", "demo")
    query.add_ops([operations.write("b", 1)])
    query.execute_background()


def background_function(client: Any) -> None:
    query = client.query("test", "demo")
    query.apply("perm", "f")
    query.execute_background()


def info(request: str) -> Callable[[Any], int]:
    """An info command at the one node."""

    def asked(client: Any) -> int:
        ((error, answer),) = client.info_all(request).values()
        assert error is None
        words = answer.partition("\t")[2].split(":")
        return int(words[1]) if words[0] == "ERROR" else DONE

    return asked


def run(call: Callable[[Any], Any]) -> Callable[[Any], None]:
    """A command whose result does not matter."""

    def ran(client: Any) -> None:
        call(client)

    return ran


READERS = {"read", "read-write", "read-write-udf"}
WRITERS = {"write", "read-write", "read-write-udf"}
CALLERS = {"read-write-udf"}
EVERYBODY = {*ROLES, ""}
COMMANDS: dict[str, tuple[Callable[[Any], Any], set[str]]] = {
    "get": (lambda c: c.get(KEY), READERS),
    "exists": (lambda c: c.exists(KEY), READERS),
    "select": (lambda c: c.select(KEY, ["a"]), READERS),
    "put": (lambda c: c.put(KEY, {"a": 1}), WRITERS),
    "touch": (lambda c: c.touch(KEY), WRITERS),
    "remove": (lambda c: c.remove(OTHER), WRITERS),
    "operate that reads": (lambda c: c.operate(KEY, [operations.read("a")]), READERS),
    "operate that writes": (lambda c: c.operate(KEY, [operations.increment("a", 1)]), WRITERS),
    "operate that does both": (
        lambda c: c.operate(KEY, [operations.increment("a", 1), operations.read("a")]),
        READERS & WRITERS,
    ),
    "apply": (run(lambda c: c.apply(KEY, "perm", "f", [])), CALLERS),
    "batch that reads": (lambda c: rows(c.batch_read([KEY, OTHER, ("test", "x", 1)])), READERS),
    "batch that writes": (lambda c: rows(c.batch_operate([KEY, OTHER], [operations.write("a", 1)])), WRITERS),
    "batch that removes": (lambda c: rows(c.batch_remove([("test", "d", n) for n in range(3)])), WRITERS),
    "batch that applies": (lambda c: rows(c.batch_apply([KEY, OTHER], "perm", "f", [])), CALLERS),
    "scan": (lambda c: c.query("test", "demo").results(), READERS),
    "aggregation": (aggregate, CALLERS),
    "background operations": (background_ops, WRITERS),
    "background function": (background_function, CALLERS),
    "truncate": (lambda c: c.truncate("test", "none", 0), {"truncate", "data-admin"}),
    "truncate a namespace": (info("truncate-namespace:namespace=none"), {"truncate", "data-admin"}),
    "create an index": (
        info("sindex-create:namespace=test;set=demo;indexname=i;bin=a;type=numeric"),
        {"sindex-admin", "data-admin"},
    ),
    "remove an index": (info("sindex-delete:namespace=test;indexname=i"), {"sindex-admin", "data-admin"}),
    "udf_put": (info("udf-put:filename=;"), {"udf-admin", "data-admin"}),
    "udf_remove": (info("udf-remove:filename=none.lua"), {"udf-admin", "data-admin"}),
    "udf_list": (run(lambda c: c.udf_list()), EVERYBODY),
    "set-config": (info("set-config:context=namespace;namespace=test;default-ttl=0"), {"sys-admin"}),
    "get-config": (info("get-config:context=service"), EVERYBODY),
    "recluster": (info("recluster:"), {"sys-admin"}),
    "log-set": (info("log-set:id=0;misc=info"), {"sys-admin"}),
    "query-abort-all": (info("query-abort-all:"), {"data-admin"}),
    "sindex-list": (info("sindex-list:"), EVERYBODY),
    "node": (info("node"), EVERYBODY),
    "drop a user": (lambda c: c.admin_drop_user("none"), {"user-admin"}),
    "query users": (lambda c: c.admin_query_users_info(), {"user-admin"}),
    "query oneself": (lambda c: c.admin_query_user_info("eva"), EVERYBODY),
    "query roles": (lambda c: c.admin_query_roles(), {"user-admin"}),
    "drop a role": (lambda c: c.admin_drop_role("none"), {"user-admin"}),
}
OTHER_RESULTS = {"drop a user": 60, "drop a role": 70, "udf_put": 100}
"""What comes of commands that are allowed, but name nothing that there is."""


def test_each_role_lets_do_what_it_is_for_and_nothing_else(clients: Clients) -> None:
    wrong = {}
    for role in (*ROLES, ""):
        clients.let(*filter(None, [role]))
        for name, (command, allowed) in COMMANDS.items():
            code = clients.code(command)
            if code != (OTHER_RESULTS.get(name, DONE) if role in allowed else ROLE_VIOLATION):
                wrong[f"{name} by {role or 'nobody'}"] = code
    assert not wrong


@pytest.mark.parametrize(
    ("scope", "allowed"),
    [
        ({"ns": "test", "set": "demo"}, [True, False, False, False]),
        ({"ns": "test"}, [True, True, True, False]),
        ({}, [True, True, True, True]),
    ],
)
def test_a_privilege_holds_where_it_says(
    clients: Clients, scope: dict[str, str], allowed: list[bool]
) -> None:
    codes = [aerospike.PRIV_READ, aerospike.PRIV_WRITE, aerospike.PRIV_TRUNCATE]
    clients.admin.admin_create_role("own", [{"code": code, **scope} for code in codes])
    try:
        clients.let("own", "udf-admin")
        for command in (
            lambda client, place: client.get((*place, 1)),
            lambda client, place: client.put((*place, 1), {"a": 1}),
            lambda client, place: client.query(*place).results(),
            lambda client, place: client.truncate(*place, 1_300_000_000_000_000_000),
        ):
            codes = [clients.code(lambda client, p=place: command(client, p)) for place in PLACES]  # noqa: B023
            assert codes == [DONE if each else ROLE_VIOLATION for each in allowed]
        keys = [(*place, 1) for place in PLACES]
        for records in (
            clients.eva.batch_read(keys),
            clients.eva.batch_operate(keys, [operations.write("a", 1)]),
        ):
            codes = [row.result for row in records.batch_records]
            assert codes == [DONE if each else ROLE_VIOLATION for each in allowed]
    finally:
        clients.admin.admin_drop_role("own")
    assert clients.code(lambda client: client.get(KEY)) == ROLE_VIOLATION


def test_privileges_that_are_taken_hold_no_more(clients: Clients) -> None:
    privileges = [{"code": aerospike.PRIV_READ, "ns": "test"}, {"code": aerospike.PRIV_READ, "ns": "bar"}]
    clients.admin.admin_create_role("own", privileges)
    clients.let("own")
    try:
        for change, code in (
            (clients.admin.admin_revoke_privileges, ROLE_VIOLATION),
            (clients.admin.admin_grant_privileges, DONE),
        ):
            change("own", privileges[:1])
            assert clients.code(lambda client: client.get(KEY)) == code
            assert clients.code(lambda client: client.get(("bar", "demo", 1))) == DONE
    finally:
        clients.admin.admin_drop_role("own")
