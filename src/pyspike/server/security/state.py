"""What is remembered of security: by a cluster, by each of its nodes, and of each connection.

Owns: these three, and the faults of logins. Not here: what changes them (login.py, administration.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..protocol.result import RequestError, ResultCode
from .accounts import Accounts, Rights, User
from .passwords import NO_PASSWORD_HASH, hash_password
from .settings import Security
from .tokens import Tokens
from .usage import Usage

__all__ = ["Caller", "ClusterSecurity", "LoginFaults", "NodeSecurity", "NodeView"]


@dataclass(slots=True)
class Caller:
    """Who is at the other end of a connection.

    Attributes:
        address: the client's address.
        certificate: gives what the client's certificate says, as `ssl` has it; None or nothing if the client
            has shown none.
        user: as whom the client has authenticated; None until it has.

    """

    address: str = ""
    certificate: Callable[[], Mapping[str, Any] | None] = lambda: None
    user: User | None = None


@dataclass(slots=True)
class NodeSecurity:
    """What a node remembers as long as it runs."""

    tokens: Tokens = field(default_factory=Tokens)
    usage: dict[str, Usage] = field(default_factory=dict)

    def usage_of(self, name: str) -> Usage:
        """What a user reads and writes on the node."""
        found = self.usage.get(name)
        if found is None:
            found = self.usage[name] = Usage()
        return found

    def age(self, seconds: int) -> None:
        """Let a time pass for sessions and quotas."""
        self.tokens.age(seconds)
        for each in self.usage.values():
            each.reads.age(seconds)
            each.writes.age(seconds)


class NodeView(Protocol):
    """What security asks of the node that has got a request."""

    @property
    def now(self) -> float:
        """The time of the cluster's clock."""

    @property
    def state(self) -> NodeSecurity:
        """What the node remembers."""

    def connections_of(self, user: str) -> int:
        """How many connections of the node are a user's."""

    def query_rates(self, user: str, *, writes: bool) -> list[int]:
        """To how many records a second each query limits itself that a user runs on the node; 0: to nothing.

        Args:
            user: the user's name.
            writes: those that write; else those that read.

        """


@dataclass(slots=True)
class LoginFaults:
    """What is wrong with logins and authentications."""

    login_code: int = 0
    login_times: int = 0
    """How many logins are still to be answered with `login_code`."""
    authenticate_code: int = 0
    authenticate_times: int = 0
    """How many authentications are still to be answered with `authenticate_code`."""
    login_delay: float = 0.0
    """So many seconds later the answers to logins leave."""

    def take_login(self) -> int:
        """The code with which a login is answered whatever it holds; 0: none."""
        if not self.login_times:
            return 0
        self.login_times -= 1
        return self.login_code

    def take_authentication(self) -> int:
        """The code with which an authentication is answered whatever it holds; 0: none."""
        if not self.authenticate_times:
            return 0
        self.authenticate_times -= 1
        return self.authenticate_code


class ClusterSecurity:
    """What the nodes of a cluster share.

    Args:
        settings: how it begins.

    Raises:
        ModuleNotFoundError: a user has a password, and `bcrypt` is not installed.
        ValueError: a user that there can't be.

    """

    __slots__ = ("accounts", "faults", "session_ttl", "settings")

    def __init__(self, settings: Security) -> None:
        self.settings = settings
        users = {name: (_hash_of(password), roles) for name, (password, roles) in settings.users.items()}
        try:
            self.accounts = Accounts(users)
        except RequestError as error:
            raise ValueError(f"security: {error}") from None
        self.session_ttl = settings.session_ttl
        self.faults = LoginFaults()

    @property
    def is_on(self) -> bool:
        """Whether clients have to log in."""
        return self.settings.enabled

    def reset(self) -> None:
        """Begin anew; clients that are connected as users of the beginning stay so."""
        self.accounts.reset()
        self.session_ttl = self.settings.session_ttl
        self.faults = LoginFaults()

    def add_user(self, name: str, password: str, roles: list[str]) -> None:
        """Make a user; one without a password has a certificate only.

        Raises:
            ModuleNotFoundError: `bcrypt` is not installed.
            ValueError: such a user there can't be, or there is one of the name.

        """
        try:
            self.accounts.create_user(name, _hash_of(password), roles)
        except RequestError as error:
            raise ValueError(str(error)) from None

    def rights_of(self, caller: Caller) -> Rights:
        """What the user at the other end of a connection may do.

        Raises:
            RequestError: NOT_AUTHENTICATED: nobody has authenticated, or the user was dropped since.
                NOT_ALLOWLISTED: not from that address.

        """
        user = caller.user
        if user is None or user.is_gone:
            raise RequestError(ResultCode.SEC_NOT_AUTHENTICATED)
        rights = self.accounts.rights(user)
        if not rights.allows(caller.address):
            raise RequestError(ResultCode.SEC_NOT_ALLOWLISTED, caller.address)
        return rights


def _hash_of(password: str) -> bytes:
    return hash_password(password) if password else NO_PASSWORD_HASH
