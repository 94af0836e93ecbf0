"""The recorded security messages of the official client: a server without security answers them as recorded,
one with security does what they ask.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from security_wire import SECURITY, TOKEN, blocks, log_in
from server_wire import Wire, as_list, cases, wire_bytes
from test_server_replay import RECORDED, environment, masked

from pyspike.server import EmbeddedCluster, Security
from support.shares import Share

aerospike = pytest.importorskip("aerospike")
pytest.importorskip("bcrypt")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

FRAME = 8
MADE_UP_TOKEN = bytes(range(32))
USERS = {"alice": ("secret", ["user-admin", "read-write"]), "alïce": ("päss", [])}
PRIVILEGES = [
    {"code": aerospike.PRIV_READ, "ns": "test", "set": "demo"},
    {"code": aerospike.PRIV_WRITE, "ns": "bar", "set": ""},
    {"code": aerospike.PRIV_USER_ADMIN, "ns": "", "set": ""},
]
SEEN: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "create_user": (lambda admin: admin.admin_query_user_info("bob")["roles"], ["read", "write"]),
    "create_user-no-roles": (lambda admin: admin.admin_query_user_info("bob")["roles"], []),
    "drop_user": (lambda admin: "bob" in admin.admin_query_users_info(), False),
    "grant_roles": (lambda admin: admin.admin_query_user_info("bob")["roles"], ["read", "truncate", "write"]),
    "revoke_roles": (lambda admin: admin.admin_query_user_info("bob")["roles"], ["truncate"]),
    "create_role": (lambda admin: admin.admin_query_role("r1"), PRIVILEGES),
    "create_role-whitelist-quotas": (
        lambda admin: admin.admin_get_role("r1"),
        {
            "privileges": PRIVILEGES,
            "whitelist": ["10.0.0.0/8", "127.0.0.1"],
            "read_quota": 100,
            "write_quota": 200,
        },
    ),
    "drop_role": (lambda admin: "r1" in admin.admin_query_roles(), False),
    "grant_privileges": (lambda admin: len(admin.admin_query_role("r1")), 4),
    "revoke_privileges": (lambda admin: [p["code"] for p in admin.admin_query_role("r1")], [14]),
    "set_whitelist": (lambda admin: admin.admin_get_role("r1")["whitelist"], ["10.0.0.0/8"]),
    "set_whitelist-none": (lambda admin: admin.admin_get_role("r1")["whitelist"], []),
    "set_quotas": (
        lambda admin: [admin.admin_get_role("r1")[f"{x}_quota"] for x in ("read", "write")],
        [10, 20],
    ),
}
"""What is to be seen after some of the cases; "bob" and "r1" are there before those that make neither."""


@pytest.fixture(scope="module")
def secured() -> Iterator[EmbeddedCluster]:
    with EmbeddedCluster(security=Security(users=USERS), version=RECORDED) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def admin(secured: EmbeddedCluster) -> Iterator[Any]:
    config = {"hosts": [("127.0.0.1", secured.nodes[0].port)], "user": "admin", "password": "admin"}
    client = aerospike.client(config).connect()
    yield client
    client.close()


def recorded(*groups: str) -> list[dict[str, Any]]:
    return [
        case
        for case in cases("security.jsonl")
        if case["name"].split("/")[0] in groups and as_list(case["request"])
    ]


def prepare(cluster: EmbeddedCluster, admin: Any, name: str) -> None:
    if not name.startswith("create_"):
        cluster.security.add_user("bob", "pw", ["truncate", *(["read"] if "revoke" in name else [])])
        privileges = PRIVILEGES if "revoke" in name else []
        admin.admin_create_role(
            "r1", [{"code": aerospike.PRIV_TRUNCATE}, *privileges], {}, ["127.0.0.1"], 1, 1
        )


def test_a_server_without_security_answers_as_recorded(share: Share) -> None:
    wrong = []
    found = recorded("login", "admin")
    with EmbeddedCluster() as cluster, Wire(cluster.nodes[0].port) as wire:
        for case in found:
            wire.sock.sendall(wire_bytes(case["request"]))
            if wire.read_frame() != wire_bytes(case["response"]):
                wrong.append(case["name"])
    share("replay of security", "recorded answers are the same byte for byte", len(found), len(wrong))
    assert len(found) == 35
    assert not wrong


def test_a_server_with_security_does_what_was_recorded(secured: EmbeddedCluster, admin: Any) -> None:
    wrong = {}
    for case in recorded("login", "admin"):
        group, name = case["name"].split("/")
        secured.reset()
        if group == "admin":
            prepare(secured, admin, name)
        with Wire(secured.nodes[0].port) as wire:
            if group == "admin":
                log_in(wire)
            wire.sock.sendall(wire_bytes(case["request"]))
            answer = blocks(wire.read_frame()[FRAME:])
            while name.startswith(("query", "get")) and answer[-1].code != 50:
                answer += blocks(wire.read_frame()[FRAME:])
            if any(block.code for block in answer if block.code != 50):
                wrong[case["name"]] = answer
        look, expected = SEEN.get(name, (len, 0)) if group == "admin" else (len, 0)
        if look is not len and (seen := look(admin)) != expected:
            wrong[case["name"]] = seen
    assert not wrong


def test_the_recorded_calls_do_it_too(secured: EmbeddedCluster, admin: Any) -> None:
    names = environment(admin)
    for case in recorded("admin"):
        name = case["name"].split("/")[1]
        secured.reset()
        prepare(secured, admin, name)
        exec(case["call"], names)
        if name in SEEN:
            look, expected = SEEN[name]
            assert look(admin) == expected, name


def test_recorded_sessions_go_on_with_the_token_of_their_login(secured: EmbeddedCluster) -> None:
    found = recorded("session")
    for case in found:
        secured.reset()
        secured.clear()
        wires: dict[int, Wire] = {}
        token = b""
        for step in case["exchanges"]:
            if step["conn"] not in wires:
                wires[step["conn"]] = Wire(secured.nodes[0].port)
            request = wire_bytes(case["request"][step["request"]]).replace(
                MADE_UP_TOKEN, token or MADE_UP_TOKEN
            )
            wires[step["conn"]].sock.sendall(request)
            answer = wires[step["conn"]].read_frame()
            if request[1] == SECURITY:
                (block,) = blocks(answer[FRAME:])
                assert block.code == 0, case["name"]
                token = block.fields.get(TOKEN, token)
            else:
                (index,) = step["responses"]
                varies = [span for span in case.get("varies", {}).get("response", ()) if span[0] == index]
                want = wire_bytes(case["response"][index])
                assert masked(answer, varies) == masked(want, varies), case["name"]
        assert len(token) == len(MADE_UP_TOKEN)
        for wire in wires.values():
            wire.sock.close()
    assert len(found) == 5
