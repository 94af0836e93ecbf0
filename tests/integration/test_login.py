"""Clients log in, stay logged in without a failed command, and say clearly why they can't."""

from __future__ import annotations

import gc
import logging
import os
import re
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from pyspike import (
    AerospikeError,
    AuthMode,
    BatchPolicy,
    BatchWrite,
    Client,
    ClientPolicy,
    Privilege,
    QueryPolicy,
    ReadPolicy,
    ResultCode,
    Statement,
    WritePolicy,
    errors,
)
from pyspike import operations as op
from pyspike.cluster import login, users
from pyspike.cluster import security_messages as messages
from pyspike.policy import AdminPolicy, InfoPolicy
from pyspike.server import EmbeddedCluster, Security
from support.cluster_tools import PATIENCE, closed, wait_until, within

pytestmark = [pytest.mark.both_kinds, pytest.mark.embedded_only]

USERS = {"ann": ("secret word", ["read-write-udf"]), "eve": ("eve's", ["read"])}
LONG = PATIENCE * 1000
CLIENT = re.compile(r"pyspike\.(?!server)")  # its modules
KEYS = [("test", "s", number) for number in range(20)]


@pytest.fixture(scope="module")
def running() -> Iterator[EmbeddedCluster]:
    """Two nodes with the users above, and one that another system knows."""
    external = {"lena": ("clear", ["read-write"])}
    with EmbeddedCluster(2, security=Security(users=USERS, external=external)) as cluster:
        yield cluster


@pytest.fixture
def cluster(running: EmbeddedCluster) -> EmbeddedCluster:
    running.reset()
    return running


def policy(user: str = "ann", password: str = "secret word", **more: Any) -> ClientPolicy:
    """A policy whose commands have time, as a machine with other things to do may need it."""
    for name, kind in (("read", ReadPolicy), ("write", WritePolicy), ("batch", BatchPolicy)):
        more.setdefault(name, kind(total_timeout=LONG))
    more.setdefault("info", InfoPolicy(timeout=LONG))
    more.setdefault("admin", AdminPolicy(timeout=LONG))
    more.setdefault("query", QueryPolicy(total_timeout=LONG))
    return ClientPolicy(user=user, password=password, **{"tend_interval": 50, "timeout": 5000, **more})


def admin(cluster: EmbeddedCluster) -> Any:
    return Client(cluster.hosts, policy("admin", "admin"))


class Logins:
    """Counts the logins that the client's log tells of."""

    def __init__(self, log: pytest.LogCaptureFixture) -> None:
        self._log = log
        self._counted = 0

    def more(self) -> int:
        """How many there were since this was asked last."""
        before, self._counted = self._counted, self._log.text.count("logged in at")
        return self._counted - before

    def wait(self, number: int) -> None:
        """Wait until there are so many more."""
        want = self._counted + number
        wait_until(lambda: self._log.text.count("logged in at") >= want, "a login")
        self._counted = want


@pytest.fixture
def logins(caplog: pytest.LogCaptureFixture) -> Logins:
    caplog.set_level(logging.DEBUG, "pyspike.cluster")
    return Logins(caplog)


def test_everything_a_client_does_is_done_by_its_user(cluster: EmbeddedCluster) -> None:
    with Client(cluster.hosts, policy(min_conns_per_node=2)) as client:
        for key in KEYS:
            client.put(key, {"n": key[2]})
        assert client.get(KEYS[3]).bins == {"n": 3}
        assert len(client.batch_get(KEYS)) == len(KEYS)
        assert not client.batch([BatchWrite(key, [op.add("n", 1)]) for key in KEYS]).failed
        assert sorted(record["n"] for record in client.query(Statement("test", "s"))) == list(range(1, 21))
        assert set(client.info("build")) == {"A1", "A2"}
        assert [user.name for user in [client.query_user("ann")]] == ["ann"]
        agents = client.info("user-agents", "A1")
        assert "user-agent=" in agents


def test_who_may_not_log_in_is_told_so_at_once(cluster: EmbeddedCluster) -> None:
    for user, password, kind in (
        ("ann", "wrong", errors.InvalidCredential),
        ("bob", "secret word", errors.InvalidUser),
    ):
        with pytest.raises(kind, match=f"login of user '{user}'") as caught:
            Client(cluster.hosts, policy(user, password))
        assert len(caught.value.attempts) == 2
        assert password not in str(caught.value)
    with pytest.raises(errors.NotAuthenticated, match="give ClientPolicy a user"):
        Client(cluster.hosts)
    cluster.security.refuse_logins(ResultCode.NOT_ALLOWLISTED, 2)
    with pytest.raises(errors.NotAllowlisted, match="from this address"):
        Client(cluster.hosts, policy())


def test_a_client_that_need_not_be_connected_goes_on_trying(cluster: EmbeddedCluster) -> None:
    cluster.security.refuse_logins(ResultCode.LDAP_SETUP, 4)
    with Client(cluster.hosts, policy(fail_if_not_connected=False)) as client:
        wait_until(client.is_connected)
        client.put(KEYS[0], {"a": 1})


def test_external_users_log_in_by_their_clear_password(cluster: EmbeddedCluster) -> None:
    mode = AuthMode.EXTERNAL_INSECURE
    with Client(cluster.hosts, policy("lena", "clear", auth_mode=mode)) as client:
        client.put(KEYS[0], {"a": 1})
    with pytest.raises(AerospikeError, match="lena"):
        Client(cluster.hosts, policy("lena", "clear"))


def test_servers_without_security_say_so(cluster: EmbeddedCluster) -> None:
    with EmbeddedCluster() as community:
        with pytest.raises(errors.SecurityNotSupported, match="Community Edition"):
            Client(community.hosts, policy())
        with Client(community.hosts) as client:
            for call in (client.query_users, lambda: client.create_role("r", ["read"])):
                with pytest.raises(errors.SecurityNotSupported, match="Community Edition"):
                    call()
    with EmbeddedCluster(security=Security(enabled=False)) as off, Client(off.hosts, policy()) as client:
        client.put(KEYS[0], {"a": 1})
        assert client.get(KEYS[0])["a"] == 1
        with pytest.raises(errors.SecurityNotEnabled):
            client.query_users()


# Sessions ---------------------------------------------------------------------------------------------------


def test_an_expired_session_costs_no_command(cluster: EmbeddedCluster, logins: Logins) -> None:
    with Client(cluster.hosts, policy(tend_interval=60_000)) as client:
        client.put(KEYS[0], {"a": 1})
        for call in (
            lambda: [client.get(key) for key in KEYS[:1]],
            lambda: client.batch_get(KEYS),
            lambda: list(client.query(Statement("test", "s"))),
            lambda: client.info("build"),
            lambda: client.query_user("ann"),
            lambda: client.batch_put({key: {"a": 1} for key in KEYS}),
        ):
            logins.more()
            cluster.security.expire_sessions()
            for node in cluster.nodes:  # so that connections are needed
                node.answer_with(ResultCode.NOT_AUTHENTICATED)
            call()
            for node in cluster.nodes:
                node.heal()
            assert logins.more() in (1, 2)


def test_threads_go_on_while_sessions_expire_all_the_time(cluster: EmbeddedCluster, logins: Logins) -> None:
    failures: list[BaseException] = []
    done = threading.Event()
    rounds = [0] * 8

    def work(client: Any, number: int) -> None:
        try:
            while not done.is_set():
                client.put(KEYS[number], {"a": 1})
                client.get(KEYS[number])
                rounds[number] += 1
        except BaseException as error:
            failures.append(error)

    with Client(cluster.hosts, policy()) as client:
        threads = [threading.Thread(target=work, args=(client, number)) for number in range(8)]
        for thread in threads:
            thread.start()
        for _ in range(4):
            logins.more()
            cluster.security.expire_sessions()
            for node in cluster.nodes:
                node.answer_with(ResultCode.NOT_AUTHENTICATED)
            logins.wait(2)
            before = list(rounds)
            wait_until(
                lambda old=before: failures or all(new > n for new, n in zip(rounds, old, strict=True))
            )
        done.set()
        for thread in threads:
            thread.join(PATIENCE)
    assert failures == []


def test_a_session_is_renewed_before_it_expires(
    cluster: EmbeddedCluster, logins: Logins, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.security.set_session_ttl(600)
    with Client(cluster.hosts, policy()) as client:
        client.put(KEYS[0], {"a": 1})
        logins.more()
        monkeypatch.setattr(login, "monotonic", lambda: time.monotonic() + 530)
        rounds = client.stats().tend.rounds
        wait_until(lambda: client.stats().tend.rounds > rounds + 2)
        assert logins.more() == 0, "there is more than a minute left"
        monkeypatch.setattr(login, "monotonic", lambda: time.monotonic() + 545)
        logins.wait(2)
        monkeypatch.undo()
        cluster.clock.advance(590)
        assert client.get(KEYS[0])["a"] == 1
        client.batch_get(KEYS)
        assert closed(client) == {}, "connections stay logged in"


def test_a_renewal_that_fails_is_tried_again_and_the_old_session_goes_on(
    cluster: EmbeddedCluster,
    logins: Logins,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    cluster.security.set_session_ttl(600)
    with Client(cluster.hosts, policy()) as client:
        logins.more()
        cluster.security.refuse_logins(ResultCode.LDAP_QUERY, 4)
        monkeypatch.setattr(login, "monotonic", lambda: time.monotonic() + 545)
        wait_until(lambda: "anew failed" in caplog.text)
        client.put(KEYS[0], {"a": 1})
        logins.wait(2)


def test_sessions_too_short_to_be_renewed_are_used_until_they_are_refused(
    cluster: EmbeddedCluster, caplog: pytest.LogCaptureFixture
) -> None:
    cluster.security.set_session_ttl(1)
    with Client(cluster.hosts, policy()) as client:
        client.put(KEYS[0], {"a": 1})
        cluster.clock.advance(2)
        client.batch_put({key: {"a": 1} for key in KEYS})
        assert client.query_user("ann").name == "ann"
    assert caplog.text.count("too short to be renewed") == 1


def test_a_connection_whose_login_is_forgotten_is_replaced(cluster: EmbeddedCluster) -> None:
    with Client(cluster.hosts, policy(pipelines_per_node=1)) as client:
        for key in KEYS:
            client.put(key, {"a": 1})
            client.get(key)
        client.batch_get(KEYS)
        list(client.query(Statement("test", "s")))
        once = WritePolicy(total_timeout=LONG, max_retries=0)
        for call in (
            lambda: client.add(KEYS[0], {"a": 1}, policy=once),
            lambda: client.get(KEYS[0], policy=ReadPolicy(total_timeout=LONG, max_retries=0)),
            lambda: client.batch_get(KEYS, policy=BatchPolicy(total_timeout=LONG, max_retries=0)),
        ):
            for node in cluster.nodes:
                node.answer_with(ResultCode.NOT_AUTHENTICATED)
            call()
            for node in cluster.nodes:
                node.heal()
        assert client.get(KEYS[0])["a"] == 2
        assert "not authenticated" in closed(client)
        for node in cluster.nodes:
            node.answer_with(ResultCode.NOT_AUTHENTICATED, 20)
        with pytest.raises(errors.NotAuthenticated) as caught:
            client.add(KEYS[0], {"a": 1})
        assert not caught.value.in_doubt


def test_a_late_login_is_waited_for_within_the_deadline(cluster: EmbeddedCluster) -> None:
    with Client(cluster.hosts, policy()) as client:
        cluster.security.delay_logins(0.4)
        cluster.security.expire_sessions()
        with within(150), pytest.raises(errors.TimeoutError, match=r"not logged in|waiting for a connection"):
            client.put(KEYS[0], {"a": 1}, timeout=150)
        client.put(KEYS[0], {"a": 1})
        assert client.get(KEYS[0])["a"] == 1


def test_a_login_that_hangs_ends_by_its_timeout(cluster: EmbeddedCluster) -> None:
    cluster.security.delay_logins(60)
    with pytest.raises(errors.ConnectFailed, match=r"no answer to the login.* within 200 ms"):
        Client(cluster.hosts, policy(login_timeout=200, timeout=200))


def test_to_close_a_client_does_not_wait_for_a_login_that_hangs(cluster: EmbeddedCluster) -> None:
    client = Client(cluster.hosts, policy(login_timeout=LONG, timeout=LONG))
    client.put(KEYS[0], {"a": 1})
    cluster.security.delay_logins(60)
    cluster.security.expire_sessions()
    with pytest.raises(errors.TimeoutError, match="not logged in"):
        client.info("build", policy=InfoPolicy(timeout=300))  # by then the tend thread logs in
    with within(1000):
        client.close()


def test_a_login_that_fails_while_the_session_goes_on_is_no_failure_of_the_node(
    cluster: EmbeddedCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.security.set_session_ttl(600)
    for fault in (
        lambda: cluster.security.refuse_logins(ResultCode.LDAP_QUERY, 10_000),
        lambda: cluster.security.delay_logins(60),
    ):
        with Client(cluster.hosts, policy(login_timeout=50)) as client:
            fault()
            monkeypatch.setattr(login, "monotonic", lambda: time.monotonic() + 545)
            rounds = client.stats().tend.rounds
            wait_until(lambda: client.stats().tend.rounds > rounds + 4)  # noqa: B023
            for node in client.stats().nodes.values():
                assert (node.is_active, node.failed_rounds, node.last_error) == (True, 0, None)
            client.put(KEYS[0], {"a": 1})
            monkeypatch.undo()
        cluster.reset()
        cluster.security.set_session_ttl(600)


# Users that change ------------------------------------------------------------------------------------------


def test_the_own_password_is_changed_under_way(cluster: EmbeddedCluster) -> None:
    with Client(cluster.hosts, policy()) as client, admin(cluster) as boss:
        client.put(KEYS[0], {"a": 1})
        client.change_password("ann", "another word")
        cluster.security.expire_sessions()
        client.batch_get(KEYS)
        with pytest.raises(errors.InvalidCredential):
            Client(cluster.hosts, policy())
        Client(cluster.hosts, policy(password="another word")).close()
        with pytest.raises(errors.RoleViolation):
            client.change_password("eve", "stolen")
        boss.change_password("ann", "given word")  # by another user, who shows no old one
        Client(cluster.hosts, policy(password="given word")).close()


@pytest.mark.parametrize("done", [True, False])
def test_the_own_password_may_be_the_old_or_the_new_one_after_a_change_in_doubt(
    cluster: EmbeddedCluster, done: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell = users.tell_one_node

    def lose_answer(*args: Any, **options: Any) -> None:
        if done:
            tell(*args, **options)
        raise errors.ConnectionError("the connection broke", in_doubt=True)

    with Client(cluster.hosts, policy()) as client:
        client.put(KEYS[0], {"a": 1})
        monkeypatch.setattr(users, "tell_one_node", lose_answer)
        with pytest.raises(errors.ConnectionError):
            client.change_password("ann", "another word")
        monkeypatch.undo()
        cluster.security.expire_sessions()
        assert client.query_user("ann").name == "ann", "it logs in with the one that holds"
        cluster.security.expire_sessions()
        assert len(client.batch_get(KEYS)) == len(KEYS)
        client.change_password("ann", "third word")  # whichever is the old one
        cluster.security.expire_sessions()
        assert client.query_user("ann").name == "ann"
        Client(cluster.hosts, policy(password="third word")).close()


def test_a_server_that_refuses_the_session_of_each_login_is_named(cluster: EmbeddedCluster) -> None:
    with Client(cluster.hosts, policy(tend_interval=20_000)) as client:
        cluster.security.refuse_authentications(ResultCode.EXPIRED_SESSION, 1000)
        for call in (
            lambda: client.get(KEYS[0], timeout=400),
            lambda: client.put(KEYS[0], {"a": 1}, timeout=400),
        ):
            with within(400), pytest.raises(errors.TimeoutError) as caught:
                call()
            told = " ".join(attempt.error for attempt in caught.value.attempts)
            assert "refused the session of the last login" in told


def test_a_user_who_is_dropped_and_comes_back(cluster: EmbeddedCluster) -> None:
    with Client(cluster.hosts, policy()) as client, admin(cluster) as boss:
        client.put(KEYS[0], {"a": 1})
        boss.drop_user("ann")
        with pytest.raises(errors.SecurityError) as caught:
            [client.get(key) for key in KEYS]
        assert isinstance(caught.value, errors.InvalidUser | errors.NotAuthenticated)
        assert caught.value.node
        boss.create_user("ann", "secret word", ["read-write"])

        def works() -> bool:
            try:
                return bool(client.get(KEYS[0]))
            except errors.SecurityError:
                return False

        wait_until(works)


def test_what_the_roles_do_not_allow_is_refused(cluster: EmbeddedCluster) -> None:
    with admin(cluster) as boss, Client(cluster.hosts, policy("eve", "eve's")) as client:
        with pytest.raises(errors.RoleViolation, match="ask an administrator") as caught:
            client.put(KEYS[0], {"a": 1})
        assert caught.value.key is not None
        for call in (client.query_users, lambda: client.truncate("test"), lambda: client.drop_user("ann")):
            with pytest.raises(errors.RoleViolation, match="ask an administrator"):
                call()
        failed = client.batch([BatchWrite(KEYS[0], [op.put("a", 1)])])
        assert isinstance(failed[0].error, errors.RoleViolation)
        boss.create_role("writer", [Privilege("write", "test", "s")])
        boss.grant_roles("eve", ["writer"])
        wait_until(lambda: "writer" in client.query_user("eve").roles)
        client.put(KEYS[0], {"a": 1})
        with pytest.raises(errors.RoleViolation):
            client.put(("test", "other", 1), {"a": 1})
        assert len(list(client.query(Statement("test", "s")))) == 1
        boss.revoke_roles("eve", ["read"])
        wait_until(lambda: "read" not in client.query_user("eve").roles)
        with pytest.raises(errors.RoleViolation):
            list(client.query(Statement("test", "s")))


def test_quotas_and_allowlists_hold(cluster: EmbeddedCluster) -> None:
    with admin(cluster) as boss:
        boss.create_role("slow", ["read-write"], read_quota=100, write_quota=2)
        boss.create_role("far", ["read"], allowlist=["10.0.0.0/8", "192.168.7.1"])
        boss.create_user("tom", "tom's", ["slow"])
        with Client(cluster.hosts, policy("tom", "tom's")) as client:
            with pytest.raises(errors.QuotaExceeded) as caught:
                [client.put(KEYS[0], {"a": 1}) for _ in range(200)]
            assert caught.value.retryable
            used = client.query_user("tom")
            assert used.write_info is not None
            assert used.write_info.quota == 2
        boss.create_user("max", "max's", ["far"])
        with pytest.raises(errors.NotAllowlisted):
            Client(cluster.hosts, policy("max", "max's"))
        boss.set_allowlist("far", [])
        Client(cluster.hosts, policy("max", "max's")).close()


def test_users_and_roles_are_administrated(cluster: EmbeddedCluster) -> None:
    with admin(cluster) as boss:
        privileges = [Privilege("read", "test", "s"), Privilege("write", "bar"), Privilege("data-admin")]
        boss.create_role("r1", privileges, allowlist=["127.0.0.1"], read_quota=1, write_quota=2)
        role = boss.query_role("r1")
        assert set(role.privileges) == set(privileges)
        assert (role.allowlist, role.read_quota, role.write_quota) == (("127.0.0.1",), 1, 2)
        boss.grant_privileges("r1", ["read-masked"])
        boss.revoke_privileges("r1", privileges)
        boss.set_quotas("r1", 7, 0)
        assert [str(each) for each in boss.query_role("r1").privileges] == ["read-masked"]
        assert boss.query_role("r1").read_quota == 7
        boss.create_user("bob", "pw")
        boss.create_pki_user("card", ["r1"])
        boss.grant_roles("bob", ["read", "r1"])
        boss.revoke_roles("bob", ["read"])
        assert boss.query_user("bob").roles == boss.query_user("card").roles == ("r1",)
        assert [user.name for user in boss.query_users()] == ["admin", "ann", "bob", "card", "eve"]
        assert {"r1", "read", "user-admin"} <= {each.name for each in boss.query_roles()}
        with pytest.raises(errors.UserAlreadyExists):
            boss.create_user("bob", "pw")
        with pytest.raises(errors.RoleAlreadyExists):
            boss.create_role("r1", ["read"])
        with pytest.raises(errors.InvalidRole):
            boss.grant_roles("bob", ["no such role"])
        boss.drop_role("r1")
        boss.drop_user("bob")
        for call in (lambda: boss.query_role("r1"), lambda: boss.drop_role("r1")):
            with pytest.raises(errors.InvalidRole):
                call()
        for call in (lambda: boss.query_user("bob"), lambda: boss.drop_user("bob")):
            with pytest.raises(errors.InvalidUser):
                call()


def test_arguments_that_can_not_be_are_refused_without_a_word_to_the_server(cluster: EmbeddedCluster) -> None:
    with admin(cluster) as boss:
        for call in (
            lambda: boss.create_user("", "pw"),
            lambda: boss.create_user("u" * 64, "pw"),
            lambda: boss.create_user("u", ""),
            lambda: boss.change_password("u", ""),
            lambda: boss.create_user("u", "p" * 64),
            lambda: boss.create_user("u", "p\0w"),
            lambda: boss.create_user("u", "pw", "read"),
            lambda: boss.grant_roles("u", []),
            lambda: boss.grant_privileges("r", []),
            lambda: boss.create_role("r", ["raed"]),
            lambda: boss.create_role("r", [10]),
            lambda: boss.create_role("r", ["read"], read_quota=-1),
            lambda: boss.set_quotas("r", 2**32, 0),
            lambda: boss.set_allowlist("r", ["1.2.3.4,5.6.7.8"]),
            lambda: boss.set_allowlist("r", "1.2.3.4"),
        ):
            with pytest.raises(errors.InvalidArgument) as caught:
                call()
            assert "p\0w" not in str(caught.value)
            assert "None leaves it out" not in str(caught.value)


# Secrets ----------------------------------------------------------------------------------------------------


def test_no_password_hash_or_token_is_told_anywhere(
    cluster: EmbeddedCluster, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    told: list[str] = []

    def note(call: Any) -> None:
        try:
            call()
        except AerospikeError as error:
            told.extend([str(error), repr(error), repr(vars(error)), error.advice])

    tokens: list[bytes] = []
    read_grant = messages.read_grant

    def spied(body: bytes) -> messages.Grant:
        grant = read_grant(body)
        tokens.append(grant.token or b"")
        return grant

    monkeypatch.setattr(messages, "read_grant", spied)
    client = Client(cluster.hosts, policy(login_timeout=300))
    note(lambda: Client(cluster.hosts, policy(password="wrong word")))
    note(lambda: client.create_user("x", "fresh word"))
    cluster.security.refuse_logins(65, 3)
    cluster.security.expire_sessions()
    note(lambda: client.batch_get(KEYS, timeout=500))
    cluster.security.delay_logins(60)
    note(lambda: client.batch_get(KEYS, timeout=700))
    cluster.reset()
    alive = [each for each in gc.get_objects() if CLIENT.match(str(type(each).__module__))]
    assert any(isinstance(each, login.Login) for each in alive)
    told += [repr(client), repr(policy()), repr(client.stats()), *map(repr, alive)]
    client.close()
    secrets = ["secret word", "wrong word", "fresh word", login.hashed("secret word").decode()]
    secrets += [shown for token in tokens for shown in (repr(token)[2:-1], token.hex())]
    assert len(tokens) > 1
    told.append(caplog.text)
    assert len(told) > 12
    assert [secret for secret in secrets if any(secret in text for text in told)] == []


@pytest.mark.one_kind("forks in the thread that has the client")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_goes_on_with_its_parents_sessions_and_logs_in_by_itself(
    cluster: EmbeddedCluster,
) -> None:
    with Client(cluster.hosts, policy()) as client:
        client.put(KEYS[0], {"a": 1})
        for expired in (False, True):
            if expired:
                cluster.security.expire_sessions()
            child = os.fork()
            if child == 0:
                try:
                    os._exit(0 if client.get(KEYS[0])["a"] == 1 and len(client.batch_get(KEYS)) == 20 else 1)
                except BaseException:
                    os._exit(2)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert client.get(KEYS[0])["a"] == 1
