"""What users of an embedded cluster say about its security at first.

Owns: the settings, and the checks of them. Not here: the running state (state.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from ..arguments import check_integer, check_text

__all__ = ["TTL_RANGE", "External", "Security"]

TTL_RANGE = (1, 864000)
"""The seconds that a session may hold. A real server takes no less than 120."""

Account: TypeAlias = "tuple[str, Sequence[str]]"
"""A password and roles."""
External: TypeAlias = "Mapping[str, Account] | Callable[[str, str], Sequence[str] | None]"


@dataclass(frozen=True, slots=True)
class Security:
    """The security of an embedded cluster, as a server's configuration has it, and its users at first.

    There always is the user "admin" with the password "admin" and the role "user-admin".

    Args:
        users: more users: by name, the password and the roles of each. An empty password is none, for a
            user that logs in by a certificate only. Other passwords need the package `bcrypt`, which comes
            with the extra `auth`.
        external: users that another system knows, as an LDAP server does, in the same form; or a function
            that is called with the name and the password and gives the roles, or None if they are wrong.
            None: there is no such system.
        session_ttl: for how many seconds of the cluster's clock a token holds that a login gives, within
            1..864000.
        quotas: whether roles may have quotas.
        enabled: False is a server that could have security and has it switched off: it lets everybody do
            everything, and answers logins with result 52 (SECURITY_NOT_ENABLED).

    Raises:
        TypeError: a setting of another type.
        ValueError: a time outside its range.

    """

    users: Mapping[str, Account] = field(default_factory=dict, repr=False)
    external: External | None = field(default=None, repr=False)
    session_ttl: int = 86400
    quotas: bool = True
    enabled: bool = True

    def __post_init__(self) -> None:
        """Check the settings."""
        check_integer("session_ttl", self.session_ttl, *TTL_RANGE)
        for name in ("quotas", "enabled"):
            if not isinstance(getattr(self, name), bool):
                raise TypeError(f"{name} is a bool, not {getattr(self, name)!r}")
        object.__setattr__(self, "users", _accounts("users", self.users))
        if self.external is not None and not callable(self.external):
            object.__setattr__(self, "external", _accounts("external", self.external))


def _accounts(name: str, given: Any) -> dict[str, Account]:
    """Users by name, as they can be written as JSON."""
    if not isinstance(given, Mapping):
        raise TypeError(
            f"{name} has a password and roles by the name of each user, not {type(given).__name__}"
        )
    accounts: dict[str, Account] = {}
    for user, account in given.items():
        check_text(f"the name of each of {name}", user)
        if isinstance(account, str) or not isinstance(account, Sequence) or len(account) != 2:
            raise TypeError(f"{name}: a password and roles are wanted for {user!r}")
        password, roles = account
        check_text(f"the password of {user!r}", password)
        if isinstance(roles, str):
            raise TypeError(f"the roles of {user!r} are a sequence of names, not one name")
        accounts[user] = (password, [check_text(f"each role of {user!r}", role) for role in roles])
    return accounts
