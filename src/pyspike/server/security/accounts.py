"""The users and the roles of a cluster, and the rules about them.

Owns: making, changing and dropping both; what all roles of a user give together. Not here: who may do it
(checks.py), and the messages by which it is done (administration.py).

A user may be external: then another system knows the password, and told the roles at the last login. Such a
user is not stored, so that nobody can change or list it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..protocol.result import RequestError, ResultCode
from ..protocol.security_codes import NAME_MAX, PASSWORD_HASH_SIZE
from .allowlists import Network, is_within, parse_allowlist
from .passwords import ADMIN_HASH, NO_PASSWORD_HASH
from .privileges import PREDEFINED, Permission, Privilege

__all__ = ["ADMIN", "Accounts", "Rights", "Role", "User"]

ADMIN = "admin"
"""The user that a cluster has at first. As long as it can do so nobody is locked out, so it stays."""
_ADMIN_ROLE = "user-admin"


@dataclass(slots=True, eq=False)
class User:
    """A user.

    Attributes:
        password: the hash of the password; that of "nopassword" if the user has none, but a certificate.
        is_gone: whether the user was dropped: open connections of it are not authenticated any more.

    """

    name: str
    password: bytes
    roles: list[str]
    is_gone: bool = False


@dataclass(slots=True, eq=False)
class Role:
    """A role; a quota of 0 is none."""

    name: str
    privileges: list[Privilege]
    allowlist: str = ""
    read_quota: int = 0
    write_quota: int = 0


@dataclass(frozen=True, slots=True)
class Rights:
    """What all roles of a user give together.

    Of several quotas the largest counts, and addresses of all allowlists are allowed.
    """

    privileges: tuple[Privilege, ...]
    networks: tuple[Network, ...]
    read_quota: int
    write_quota: int

    def permits(self, permission: Permission, namespace: str = "", set_name: str = "") -> bool:
        """Whether something is permitted in a set of a namespace."""
        return any(each.permits(permission, namespace, set_name) for each in self.privileges)

    def allows(self, address: str) -> bool:
        """Whether the user may be at an address."""
        return not self.networks or is_within(address, self.networks)


class Accounts:
    """All users and roles.

    Args:
        users: the users at first, beside `admin`: hashes of passwords, and roles, by name.

    Raises:
        RequestError: one has a name or a role that there can't be.

    """

    def __init__(self, users: Mapping[str, tuple[bytes, Sequence[str]]] | None = None) -> None:
        self._first = {ADMIN: (ADMIN_HASH, [_ADMIN_ROLE]), **(users or {})}
        self.users: dict[str, User] = {}
        self.roles: dict[str, Role] = {}
        self._rights: dict[tuple[str, ...], Rights] = {}
        self.reset()

    def reset(self) -> None:
        """Begin anew with the users of the beginning; those that are there stay authenticated."""
        self.roles = {name: Role(name, [privilege]) for name, privilege in PREDEFINED.items()}
        self._rights.clear()
        for name in [name for name in self.users if name not in self._first]:
            self.drop_user(name)
        for name, (password, roles) in self._first.items():
            if name in self.users:
                self.users[name].password, self.users[name].roles = password, list(roles)
            else:
                self.create_user(name, password, roles)

    # --- users ---

    def user(self, name: str) -> User:
        """The user of a name; RequestError, USER, if there is none."""
        try:
            return self.users[name]
        except KeyError:
            raise RequestError(ResultCode.SEC_USER, f"no user {name!r}") from None

    def create_user(self, name: str, password: bytes, roles: Sequence[str]) -> None:
        """Make a user.

        Raises:
            RequestError: USER: a name that there can't be. USER_EXISTS. PASSWORD. ROLE: no such role.

        """
        if not 0 < len(name.encode()) <= NAME_MAX or "\0" in name:
            raise RequestError(ResultCode.SEC_USER, f"the user name {name!r}")
        if name in self.users:
            raise RequestError(ResultCode.SEC_USER_EXISTS, name)
        _check_password(password)
        self._check_roles(roles)
        self.users[name] = User(name, password, list(dict.fromkeys(roles)))

    def drop_user(self, name: str) -> None:
        """Drop a user.

        Raises:
            RequestError: USER: there is none, or it is `admin`.

        """
        user = self.user(name)
        if name == ADMIN:
            raise RequestError(ResultCode.SEC_USER, f"{ADMIN} can't be dropped")
        user.is_gone = True
        del self.users[name]

    def set_password(self, name: str, password: bytes) -> None:
        """Give a user another password.

        Raises:
            RequestError: USER: there is none. PASSWORD. FORBIDDEN_PASSWORD: the user has none, but a
                certificate.

        """
        user = self.user(name)
        _check_password(password)
        if user.password == NO_PASSWORD_HASH:
            raise RequestError(ResultCode.SEC_FORBIDDEN_PASSWORD, f"{name} has a certificate only")
        user.password = password

    def grant_roles(self, name: str, roles: Sequence[str]) -> None:
        """Give a user more roles; RequestError, USER or ROLE, if there is no such user or role."""
        user = self.user(name)
        self._check_roles(roles)
        user.roles = list(dict.fromkeys((*user.roles, *roles)))

    def revoke_roles(self, name: str, roles: Sequence[str]) -> None:
        """Take roles from a user, which may not have them.

        Raises:
            RequestError: USER, ROLE: there is no such user or role, or `admin` would administrate no more.

        """
        user = self.user(name)
        self._check_roles(roles)
        if name == ADMIN and _ADMIN_ROLE in roles:
            raise RequestError(ResultCode.SEC_ROLE, f"{ADMIN} stays {_ADMIN_ROLE}")
        user.roles = [role for role in user.roles if role not in roles]

    def _check_roles(self, roles: Iterable[str]) -> None:
        for role in roles:
            self.role(role)

    # --- roles ---

    def role(self, name: str) -> Role:
        """The role of a name; RequestError, ROLE, if there is none."""
        try:
            return self.roles[name]
        except KeyError:
            raise RequestError(ResultCode.SEC_ROLE, f"no role {name!r}") from None

    def own_role(self, name: str) -> Role:
        """A role that is about to be changed, which no predefined one can be; RequestError, ROLE."""
        role = self.role(name)
        if name in PREDEFINED:
            raise RequestError(ResultCode.SEC_ROLE, f"{name} is predefined")
        self._rights.clear()
        return role

    def create_role(self, role: Role) -> None:
        """Take a role.

        Raises:
            RequestError: ROLE: a name that there can't be. ROLE_EXISTS. ALLOWLIST.

        """
        if not 0 < len(role.name.encode()) <= NAME_MAX or "\0" in role.name:
            raise RequestError(ResultCode.SEC_ROLE, f"the role name {role.name!r}")
        if role.name in self.roles:
            raise RequestError(ResultCode.SEC_ROLE_EXISTS, role.name)
        parse_allowlist(role.allowlist)
        self.roles[role.name] = role
        self._rights.clear()

    def drop_role(self, name: str) -> None:
        """Drop a role and take it from all users; RequestError, ROLE: there is none, or it is predefined."""
        self.own_role(name)
        del self.roles[name]
        for user in self.users.values():
            user.roles = [role for role in user.roles if role != name]

    def rights(self, user: User) -> Rights:
        """What a user's roles give together. Roles that there are not, of an external user, give nothing."""
        names = tuple(user.roles)
        found = self._rights.get(names)
        if found is None:
            roles = [self.roles[name] for name in names if name in self.roles]
            found = self._rights[names] = Rights(
                tuple(privilege for role in roles for privilege in role.privileges),
                tuple(network for role in roles for network in parse_allowlist(role.allowlist)),
                max((role.read_quota for role in roles), default=0),
                max((role.write_quota for role in roles), default=0),
            )
        return found


def _check_password(password: bytes) -> None:
    if len(password) != PASSWORD_HASH_SIZE or not password.startswith(b"$2"):
        raise RequestError(ResultCode.SEC_PASSWORD, "no hash of a password")
