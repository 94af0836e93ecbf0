"""The official client administrates the embedded server: users, roles, allowlists, quotas, sessions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from security_wire import SECRET, SECURITY, USER, authenticate, blocks, hashed, log_in, names, request
from server_wire import Wire, eventually

from pyspike.server import EmbeddedCluster, Security
from pyspike.server.protocol.result import RequestError
from pyspike.server.security.allowlists import is_within, parse_allowlist
from pyspike.server.security.usage import Rate

aerospike = pytest.importorskip("aerospike")
operations = pytest.importorskip("aerospike_helpers.operations.operations")
pytest.importorskip("bcrypt")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

KEY = ("test", "demo", 1)
READ_TEST = {"code": aerospike.PRIV_READ, "ns": "test", "set": ""}
USER_ADMIN = {"code": aerospike.PRIV_USER_ADMIN, "ns": "", "set": ""}
NO_RATES = [0, 0, 0, 0]


@pytest.fixture(scope="module")
def running() -> Iterator[EmbeddedCluster]:
    with EmbeddedCluster(security=True) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def kept(running: EmbeddedCluster) -> Iterator[Any]:
    client = connect(running, "admin", "admin")
    yield client
    client.close()


@pytest.fixture
def admin(running: EmbeddedCluster, kept: Any) -> Any:
    running.reset()
    return kept


def connect(cluster: EmbeddedCluster, user: str, password: str, **config: Any) -> Any:
    hosts = [("127.0.0.1", cluster.nodes[0].port)]
    return aerospike.client({"hosts": hosts, "user": user, "password": password, **config}).connect()


def code_of(call: Callable[..., Any], *args: Any) -> int:
    try:
        call(*args)
    except aerospike.exception.AerospikeError as error:
        return int(error.code)
    return 0


def test_users_are_made_changed_and_dropped(running: EmbeddedCluster, admin: Any) -> None:
    admin.admin_create_user("eva", "one", ["read"])
    admin.admin_grant_roles("eva", ["write", "truncate", "read"])
    admin.admin_revoke_roles("eva", ["truncate", "sys-admin"])
    eva = connect(running, "eva", "one")
    user = {"roles": ["read", "write"], "read_info": NO_RATES, "write_info": NO_RATES, "conns_in_use": 1}
    assert admin.admin_query_user_info("eva") == user
    eva.put(KEY, {"a": 1})
    user = admin.admin_query_user_info("eva")
    assert (user["conns_in_use"], user["write_info"]) == (2, [0, 1, 0, 0])
    assert set(admin.admin_query_users_info()) == {"admin", "eva"}
    eva.admin_change_password("eva", "two")
    assert code_of(connect, running, "eva", "one") == 65
    connect(running, "eva", "two").close()
    admin.admin_set_password("eva", "three")
    connect(running, "eva", "three").close()
    admin.admin_drop_user("eva")
    assert code_of(eva.get, KEY) == 80  # on the connection that is open, which is closed then
    assert code_of(eva.get, KEY) == 60
    assert code_of(connect, running, "eva", "three") == 60
    eva.close()


def test_rules_about_users(admin: Any) -> None:
    admin.admin_create_user("eva", "one", [])
    admin.admin_create_pki_user("card", ["read"])
    refused: dict[int, list[tuple[Callable[..., Any], tuple[Any, ...]]]] = {
        60: [
            (admin.admin_drop_user, ("none",)),
            (admin.admin_drop_user, ("admin",)),
            (admin.admin_set_password, ("none", "x")),
            (admin.admin_grant_roles, ("none", ["read"])),
            (admin.admin_revoke_roles, ("none", ["read"])),
            (admin.admin_query_user_info, ("none",)),
        ],
        61: [(admin.admin_create_user, ("eva", "x", [])), (admin.admin_create_user, ("admin", "x", []))],
        64: [(admin.admin_set_password, ("card", "x"))],
        70: [
            (admin.admin_create_user, ("otto", "x", ["none"])),
            (admin.admin_grant_roles, ("eva", ["read", "none"])),
            (admin.admin_revoke_roles, ("eva", ["none"])),
            (admin.admin_revoke_roles, ("admin", ["user-admin"])),
        ],
        81: [(admin.admin_change_password, ("eva", "x"))],
    }
    wrong = {
        (call.__name__, args): code
        for expected, calls in refused.items()
        for call, args in calls
        if (code := code_of(call, *args)) != expected
    }
    assert not wrong
    assert admin.admin_query_user_info("eva")["roles"] == []


def test_roles_are_made_changed_and_dropped(admin: Any) -> None:
    admin.admin_create_role("own", [READ_TEST], {}, ["10.0.0.0/8", "127.0.0.1"], 100, 200)
    admin.admin_create_user("eva", "one", ["own", "read"])
    own = {"privileges": [READ_TEST], "whitelist": ["10.0.0.0/8", "127.0.0.1"]}
    assert admin.admin_get_role("own") == {**own, "read_quota": 100, "write_quota": 200}
    assert admin.admin_query_user_info("eva")["read_info"] == [100, 0, 0, 0]
    admin.admin_grant_privileges("own", [USER_ADMIN, READ_TEST])
    admin.admin_set_quotas("own", 0, 7)
    admin.admin_set_whitelist("own", None)
    own = {"privileges": [READ_TEST, USER_ADMIN], "whitelist": []}
    assert admin.admin_get_role("own") == {**own, "read_quota": 0, "write_quota": 7}
    admin.admin_set_quotas("own", read_quota=5)  # the other one stays
    admin.admin_set_quotas("own")
    assert admin.admin_get_role("own") == {**own, "read_quota": 5, "write_quota": 7}
    admin.admin_revoke_privileges("own", [READ_TEST, {"code": aerospike.PRIV_READ, "ns": "bar"}])
    assert admin.admin_query_role("own") == [USER_ADMIN]
    roles = admin.admin_query_roles()
    assert roles.pop("own") == [USER_ADMIN]
    assert {name: [each["code"] for each in privileges] for name, privileges in roles.items()} == {
        "user-admin": [0],
        "sys-admin": [1],
        "data-admin": [2],
        "udf-admin": [3],
        "sindex-admin": [4],
        "read": [10],
        "read-write": [11],
        "read-write-udf": [12],
        "write": [13],
        "truncate": [14],
        "masking-admin": [15],
        "read-masked": [16],
        "write-masked": [17],
    }
    admin.admin_drop_role("own")
    assert admin.admin_query_user_info("eva")["roles"] == ["read"]


def test_rules_about_roles(admin: Any) -> None:
    admin.admin_create_role("own", [READ_TEST])
    refused: dict[int, list[tuple[Callable[..., Any], tuple[Any, ...]]]] = {
        70: [
            (admin.admin_drop_role, ("none",)),
            (admin.admin_drop_role, ("read",)),
            (admin.admin_grant_privileges, ("read", [USER_ADMIN])),
            (admin.admin_revoke_privileges, ("user-admin", [USER_ADMIN])),
            (admin.admin_set_quotas, ("none", 1, 1)),
            (admin.admin_set_whitelist, ("none", ["127.0.0.1"])),
            (admin.admin_get_role, ("none",)),
        ],
        71: [(admin.admin_create_role, ("own", [])), (admin.admin_create_role, ("read", []))],
        72: [
            (admin.admin_create_role, ("bad", [{"code": 9}])),
            (admin.admin_grant_privileges, ("own", [{"code": 99}])),
            (admin.admin_grant_privileges, ("own", [{"code": aerospike.PRIV_READ, "set": "demo"}])),
        ],
        73: [
            (admin.admin_set_whitelist, ("own", ["10.0.0.0/40"])),
            (admin.admin_create_role, ("bad", [], {}, ["localhost"])),
        ],
    }
    wrong = {
        (call.__name__, str(args)): code
        for expected, calls in refused.items()
        for call, args in calls
        if (code := code_of(call, *args)) != expected
    }
    assert not wrong
    assert admin.admin_query_role("own") == [READ_TEST]


def test_long_answers_come_in_several_frames(running: EmbeddedCluster, admin: Any) -> None:
    users = [f"user-{number}" for number in range(60)]
    with Wire(running.nodes[0].port) as wire:
        log_in(wire)
        for name in users:
            fields = {USER: name.encode(), 1: SECRET, 10: names("read", "write")}
            wire.send(request(1, fields), SECURITY)
            assert blocks(wire.read_frame()[8:])[0].code == 0
        wire.send(request(9, {}), SECURITY)
        frames = [blocks(wire.read_frame()[8:])]
        while frames[-1][-1].code != 50:
            frames.append(blocks(wire.read_frame()[8:]))
    assert len(frames) > 2
    assert max(map(len, frames)) > 2
    assert len(admin.admin_query_users_info()) == len(users) + 1


def test_who_may_not_be_there_is_refused_wherever_it_comes_to_light(
    running: EmbeddedCluster, admin: Any
) -> None:
    admin.admin_create_role("here", [READ_TEST], {}, ["127.0.0.0/8", "::1"])
    admin.admin_create_user("eva", "one", ["here"])
    eva = connect(running, "eva", "one")
    with Wire(running.nodes[0].port) as wire:
        token = log_in(wire, "eva", hashed("one"))
        admin.admin_set_whitelist("here", ["10.0.0.0/8"])
        assert code_of(eva.get, KEY) == 82
        assert authenticate(wire, token, "eva") == 82
        assert code_of(connect, running, "eva", "one") == 82
        wire.send(b"node\n", 1)
        assert wire.read_frame()[8:] == b"ERROR:82:not whitelisted\n"
        admin.admin_grant_roles("eva", ["read"])  # which has no list, and does not make the other longer
        assert code_of(eva.get, KEY) == 82
        admin.admin_set_whitelist("here", None)
        assert code_of(eva.get, KEY) == 2
    eva.close()


def test_a_quota_is_of_a_second_of_the_cluster_clock() -> None:
    now = 1_900_000_000.0
    users = {"eva": ("one", ["read-write"])}
    with EmbeddedCluster(2, security=Security(users=users), clock=lambda: now) as cluster:
        admin, eva = connect(cluster, "admin", "admin"), connect(cluster, "eva", "one")
        admin.admin_create_role("small", [], {}, [], 5, 3)
        admin.admin_create_role("smaller", [], {}, [], 2, 2)
        admin.admin_grant_roles("eva", ["small", "smaller"])
        node = cluster.owner(KEY)
        keys = (("test", "demo", number) for number in range(2, 99))
        other = next(key for key in keys if cluster.owner(key) != node)
        assert [code_of(eva.put, KEY, {"a": 1}) for _ in range(5)] == [0, 0, 0, 83, 83]
        assert [code_of(eva.get, KEY) for _ in range(6)] == [0, 0, 0, 0, 0, 83]
        assert code_of(eva.put, other, {"a": 1}) == 0  # each node counts for itself
        now += 1
        rows = eva.batch_read([KEY] * 3 + [other] * 3 + [KEY] * 3).batch_records
        assert [row.result for row in rows] == [0] * 8 + [83]
        cluster.clock.advance(1)
        assert code_of(eva.get, KEY) == 0
        query = eva.query("test", "demo")
        assert code_of(query.results) == 83  # without a limit
        for rate, code in ((5, 0), (6, 83)):
            query = eva.query("test", "demo")
            query.records_per_second = rate
            assert code_of(query.results) == code
        admin.admin_set_quotas("small", 0, 0)
        assert admin.admin_query_user_info("eva")["read_info"][0] == 2
        admin.admin_revoke_roles("eva", ["small", "smaller"])
        assert [code_of(eva.get, KEY) for _ in range(9)] == [0] * 9
        admin.close()
        eva.close()


def test_queries_that_run_count_against_a_quota_with_their_limits() -> None:
    with EmbeddedCluster(security=Security(users={"eva": ("one", ["read-write"])})) as cluster:
        admin, eva = connect(cluster, "admin", "admin"), connect(cluster, "eva", "one")
        for number in range(50):
            eva.put(("test", "demo", number), {"a": 1})

        def begin(rate: int) -> int:
            query = eva.query("test", "demo")
            query.records_per_second = rate
            query.add_ops([operations.write("b", 1)])
            return code_of(query.execute_background)

        assert begin(1) == 0
        admin.admin_create_role("small", [], {}, [], 0, 4)
        admin.admin_grant_roles("eva", ["small"])
        assert [begin(rate) for rate in (2, 2, 0, 5, 1)] == [0, 83, 83, 83, 0]
        user = admin.admin_query_user_info("eva")
        assert (user["write_info"][2:], user["read_info"][2:]) == ([4, 0], [0, 0])
        eva.query("test", "demo").results()  # what it reads has no limit
        admin.close()
        eva.close()


def test_quotas_and_addresses_in_numbers() -> None:
    rate = Rate()
    for _ in range(3):
        rate.count(100.9, 3)
    with pytest.raises(RequestError, match="more than 3 records a second"):
        rate.count(100.9, 3)
    rate.count(101.0, 3)
    assert [rate.per_second(101.5), rate.per_second(102.0), rate.per_second(103.0)] == [3, 1, 0]
    networks = parse_allowlist("10.0.0.0/8, 192.168.1.7,fe80::/10")
    allowed = {
        "10.255.0.1": True,
        "11.0.0.1": False,
        "192.168.1.7": True,
        "192.168.1.8": False,
        "::ffff:10.1.2.3": True,
        "fe80::1": True,
        "::1": False,
    }
    assert {address: is_within(address, networks) for address in allowed} == allowed


def test_quotas_may_be_switched_off() -> None:
    with EmbeddedCluster(security=Security(quotas=False)) as cluster:
        admin = connect(cluster, "admin", "admin")
        admin.admin_create_role("own", [])
        assert code_of(admin.admin_set_quotas, "own", 1, 1) == 74
        assert code_of(admin.admin_create_role, "more", [], {}, [], 1, 1) == 74
        assert admin.admin_get_role("own")["read_quota"] == 0
        admin.close()


def test_a_session_is_renewed_before_its_end_and_after_it(running: EmbeddedCluster, admin: Any) -> None:
    node = running.nodes[0]
    running.security.add_user("eva", "one", ["read"])
    running.security.set_session_ttl(61)  # the client renews it a minute before its end
    eva = connect(running, "eva", "one", tend_interval=250)
    before = logins(running)
    eventually(lambda: logins(running) > before + 1, 15)
    assert code_of(eva.get, KEY) == 2
    running.security.set_session_ttl(86400)
    before = logins(running)
    eventually(lambda: logins(running) > before, 15)
    running.security.expire_sessions()
    node.close_after_request()
    codes = {code_of(eva.get, KEY) for _ in range(2)}  # the second on a new connection
    assert 66 in codes
    eventually(lambda: code_of(eva.get, KEY) == 2, 15)
    eva.close()


def logins(cluster: EmbeddedCluster) -> int:
    """How many security messages came to the first node."""
    stats = cluster.nodes[0].stats
    return stats.requests - stats.data_requests - stats.info_requests
