"""Logging in and administrating users sends what the official client was recorded to send."""

from __future__ import annotations

import functools
import types
from collections import Counter
from typing import Any

import pytest

from pyspike import AuthMode, ClientPolicy, Privilege, errors
from pyspike.cluster import login, passwords, users
from pyspike.cluster.addresses import Endpoint
from pyspike.cluster.login import Login
from pyspike.cluster.waits import Waits
from pyspike.hosts import Host
from support.vectors import Case, RecordedError, cases

ALL = cases("security")
ENDPOINT = Endpoint(Host("127.0.0.1", 4440), 2, ("127.0.0.1", 4440))
NAMES = {
    "USER_ADMIN": "user-admin",
    "SYS_ADMIN": "sys-admin",
    "DATA_ADMIN": "data-admin",
    "UDF_ADMIN": "udf-admin",
    "SINDEX_ADMIN": "sindex-admin",
    "READ": "read",
    "WRITE": "write",
    "READ_WRITE": "read-write",
    "READ_WRITE_UDF": "read-write-udf",
    "TRUNCATE": "truncate",
}
MODES = {"AUTH_EXTERNAL": AuthMode.EXTERNAL, "AUTH_PKI": AuthMode.PKI}
MODES["AUTH_EXTERNAL_INSECURE"] = AuthMode.EXTERNAL_INSECURE
# What is sent here, and the official client refuses: another user's password is set, as the Rust client does.
ONLY_HERE = {"admin/change_password"}
NO_LOGIN = {"login/connect-args"}  # whose arguments the official client takes no notice of


# Each password is hashed once, as that takes long on purpose.
_hashed = functools.cache(passwords.hashed)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(users, "hashed", _hashed)
    monkeypatch.setattr(login, "hashed", _hashed)


class Talk:
    """A connection on which messages get their recorded answers."""

    def __init__(self, answers: tuple[bytes, ...]) -> None:
        self.sent: list[bytes] = []
        self.answers = list(answers)

    def exchange(self, message: bytes, timeout: float) -> bytes:
        self.sent.append(message)
        return self.answers.pop(0)[8:]

    def exchange_all(self, message: bytes, timeout: float, is_last: Any) -> list[bytes]:
        body = self.exchange(message, timeout)
        assert is_last(body)
        return [body]


class Official:
    """The official client's methods, by ours."""

    def __init__(self, talk: Talk, policy: ClientPolicy | None = None) -> None:
        self._talk: Any = talk
        self._login = None if policy is None or not policy.logs_in else Login(policy, Waits())
        cluster = types.SimpleNamespace(door=types.SimpleNamespace(login=self._login))
        self._of: Any = types.SimpleNamespace(cluster=cluster)

    def connect(self, *ignored: object) -> None:
        if self._login is not None:
            self._login.log_in(self._talk, ENDPOINT)
            session = self._login.session(ENDPOINT)
            assert session is not None
            if self._talk.answers:
                assert self._login.authenticate(self._talk, session, 1000)

    def close(self) -> None:
        pass

    put = get = lambda self, *arguments: None

    def _call(self, function: Any, *arguments: object) -> None:
        def tell(call: object, conversation: Any, *, repeatable: bool) -> Any:
            return conversation(None)(self._talk, 1000.0)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(users, "tell_one_node", tell)
            function(self._of, *arguments)

    def admin_create_role(
        self, role: str, given: Any, policy: object = None, allowlist: Any = (), read: int = 0, write: int = 0
    ) -> None:
        self._call(users.create_role, role, privileges(given), allowlist, read, write)

    def admin_grant_privileges(self, role: str, given: Any) -> None:
        self._call(users.grant_privileges, role, privileges(given))

    def admin_revoke_privileges(self, role: str, given: Any) -> None:
        self._call(users.revoke_privileges, role, privileges(given))

    def admin_set_whitelist(self, role: str, addresses: Any) -> None:
        self._call(users.set_allowlist, role, addresses or ())

    def __getattr__(self, name: str) -> Any:
        names = {
            "admin_query_user_info": users.query_user,
            "admin_query_users_info": users.query_users,
            "admin_set_password": users.change_password,
            "admin_get_role": users.query_role,
            "admin_get_roles": users.query_roles,
        }
        function = names.get(name) or getattr(users, name.removeprefix("admin_"))
        return lambda *arguments: self._call(function, *arguments)


def privileges(given: list[dict[str, Any]]) -> list[Privilege]:
    return [Privilege(each["code"], each.get("ns"), each.get("set")) for each in given]


def judge(recorded: Case) -> str:
    talk = Talk(recorded.responses)

    def client(config: dict[str, Any]) -> Official:
        policies = config.get("policies", {})
        mode = policies.get("auth_mode", AuthMode.INTERNAL)
        timeout = policies.get("login_timeout_ms", 5000)
        user, password = config.get("user"), config.get("password")
        policy = ClientPolicy(user=user, password=password, auth_mode=mode, login_timeout=timeout)
        return Official(talk, policy)

    made = {f"PRIV_{name}": ours for name, ours in NAMES.items()}
    official = types.SimpleNamespace(client=client, **made, **MODES)
    raised = None
    try:
        exec(recorded.call, {"aerospike": official, "client": Official(talk)})
    except errors.AerospikeError as error:
        raised = error
    except IndexError:
        assert recorded.name in ONLY_HERE
        return "only here"
    if not recorded.requests:
        assert talk.sent == []
        assert isinstance(raised, errors.InvalidArgument) or recorded.name in NO_LOGIN
        return "refused"
    theirs = [request for request in recorded.requests if request[1] == 2]
    assert talk.sent == theirs
    if isinstance(recorded.result, RecordedError) and recorded.result.code == 51:
        assert isinstance(raised, errors.SecurityNotSupported)
        assert "Community Edition" in str(raised)
    return "equal"


@pytest.mark.parametrize("recorded", ALL, ids=lambda each: each.name)
def test_a_recorded_message_is_made_as_it_was(recorded: Case) -> None:
    judge(recorded)


def test_every_recording_was_compared() -> None:
    assert Counter(map(judge, ALL)) == {"equal": 40, "refused": 4, "only here": 1}
