"""Users, roles and what they allow: creating, changing and reading them (admin-and-info.md 9.1).

One node is told, and tells the others, which may take a moment. Only the Enterprise Edition has users.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from pyspike._wire import (
    MAX_USER,
    SECURITY_CHANGE_PASSWORD,
    SECURITY_CREATE_ROLE,
    SECURITY_CREATE_USER,
    SECURITY_DROP_ROLE,
    SECURITY_DROP_USER,
    SECURITY_FIELD_OLD_PASSWORD,
    SECURITY_FIELD_PASSWORD,
    SECURITY_FIELD_READ_QUOTA,
    SECURITY_FIELD_ROLE,
    SECURITY_FIELD_USER,
    SECURITY_FIELD_WRITE_QUOTA,
    SECURITY_GRANT_PRIVILEGES,
    SECURITY_GRANT_ROLES,
    SECURITY_QUERY_ROLES,
    SECURITY_QUERY_USERS,
    SECURITY_REVOKE_PRIVILEGES,
    SECURITY_REVOKE_ROLES,
    SECURITY_SET_ALLOWLIST,
    SECURITY_SET_PASSWORD,
    SECURITY_SET_QUOTAS,
    Connection,
    plain_text,
)
from pyspike.cluster import security_messages as messages
from pyspike.cluster.administer import tell_one_node
from pyspike.cluster.call import ClusterCall, Conversation
from pyspike.cluster.node import ClusterNode
from pyspike.cluster.passwords import NO_PASSWORD, hashed
from pyspike.cluster.security_messages import Field
from pyspike.errors import (
    AerospikeError,
    InvalidArgument,
    InvalidPassword,
    InvalidRole,
    InvalidType,
    InvalidUser,
)
from pyspike.policy.checks import MAX_UINT32, password_or_none, sized, whole
from pyspike.security import Privilege, Role, User
from pyspike.showing import shown

__all__ = [
    "change_password",
    "create_pki_user",
    "create_role",
    "create_user",
    "drop_role",
    "drop_user",
    "grant_privileges",
    "grant_roles",
    "query_role",
    "query_roles",
    "query_user",
    "query_users",
    "revoke_privileges",
    "revoke_roles",
    "set_allowlist",
    "set_quotas",
]

T = TypeVar("T", User, Role)

_quota = whole(0, MAX_UINT32)


# Users ------------------------------------------------------------------------------------------------------


def create_user(call: ClusterCall, user: str, password: str, roles: Iterable[str]) -> None:
    """Create a user who logs in by a password."""
    fields = [_user(user), _password(_hash(password)), messages.names(_roles(roles))]
    _tell(call, SECURITY_CREATE_USER, fields, repeatable=False)


def create_pki_user(call: ClusterCall, user: str, roles: Iterable[str]) -> None:
    """Create a user who logs in by a certificate only."""
    fields = [_user(user), _password(NO_PASSWORD), messages.names(_roles(roles))]
    _tell(call, SECURITY_CREATE_USER, fields, repeatable=False)


def drop_user(call: ClusterCall, user: str) -> None:
    """Drop a user."""
    _tell(call, SECURITY_DROP_USER, [_user(user)], repeatable=False)


def change_password(call: ClusterCall, user: str, password: str) -> None:
    """Give a user another password; the client's own user shows the old one, and logs in with the new one."""
    name, new = _user(user), _hash(password)
    login = call.cluster.door.login
    known = [] if login is None else login.own_passwords(name[1].decode())
    if login is None or not known:
        _tell(call, SECURITY_SET_PASSWORD, [name, _password(new)], repeatable=True)
        return
    for old in known:
        fields = [name, (SECURITY_FIELD_OLD_PASSWORD, old), _password(new)]
        login.password_changes()
        try:
            _tell(call, SECURITY_CHANGE_PASSWORD, fields, repeatable=False)
        except InvalidPassword:  # the old one is another
            if old is known[-1]:
                raise
        except AerospikeError as error:
            if error.in_doubt:
                login.password_changed(password, new, in_doubt=True)
            raise
        else:
            login.password_changed(password, new)
            return


def grant_roles(call: ClusterCall, user: str, roles: Iterable[str]) -> None:
    """Add roles to those of a user."""
    _tell(call, SECURITY_GRANT_ROLES, _roles_of(user, roles), repeatable=True)


def revoke_roles(call: ClusterCall, user: str, roles: Iterable[str]) -> None:
    """Take roles from a user."""
    _tell(call, SECURITY_REVOKE_ROLES, _roles_of(user, roles), repeatable=True)


def query_users(call: ClusterCall) -> list[User]:
    """All users, by their names."""
    found = _ask(call, SECURITY_QUERY_USERS, [], messages.read_users)
    return sorted(found, key=lambda user: user.name)


def query_user(call: ClusterCall, user: str) -> User:
    """One user."""
    found = _ask(call, SECURITY_QUERY_USERS, [_user(user)], messages.read_users)
    if not found:
        raise InvalidUser(f"there is no user {shown(user)}")
    return found[0]


# Roles ------------------------------------------------------------------------------------------------------


def create_role(
    call: ClusterCall,
    role: str,
    privileges: Iterable[Privilege | str],
    allowlist: Iterable[str],
    read_quota: int,
    write_quota: int,
) -> None:
    """Create a role."""
    allowed = _privileges(privileges)
    fields = [_role(role), *([messages.privileges(allowed)] if allowed else [])]
    fields += messages.allowlist(_addresses(allowlist))
    for kind, quota, name in (
        (SECURITY_FIELD_READ_QUOTA, read_quota, "read_quota"),
        (SECURITY_FIELD_WRITE_QUOTA, write_quota, "write_quota"),
    ):
        if _quota(quota, name):
            fields.append(messages.uint32(kind, quota))
    _tell(call, SECURITY_CREATE_ROLE, fields, repeatable=False)


def drop_role(call: ClusterCall, role: str) -> None:
    """Drop a role."""
    _tell(call, SECURITY_DROP_ROLE, [_role(role)], repeatable=False)


def grant_privileges(call: ClusterCall, role: str, privileges: Iterable[Privilege | str]) -> None:
    """Add privileges to those of a role."""
    fields = _privileges_of(role, privileges)
    _tell(call, SECURITY_GRANT_PRIVILEGES, fields, repeatable=True)


def revoke_privileges(call: ClusterCall, role: str, privileges: Iterable[Privilege | str]) -> None:
    """Take privileges from a role."""
    fields = _privileges_of(role, privileges)
    _tell(call, SECURITY_REVOKE_PRIVILEGES, fields, repeatable=True)


def set_allowlist(call: ClusterCall, role: str, allowlist: Iterable[str]) -> None:
    """Say from where users of a role may connect."""
    fields = [_role(role), *messages.allowlist(_addresses(allowlist))]
    _tell(call, SECURITY_SET_ALLOWLIST, fields, repeatable=True)


def set_quotas(call: ClusterCall, role: str, read_quota: int, write_quota: int) -> None:
    """Say how many records a second each user of a role may read and write."""
    fields = [
        _role(role),
        messages.uint32(SECURITY_FIELD_READ_QUOTA, _quota(read_quota, "read_quota")),
        messages.uint32(SECURITY_FIELD_WRITE_QUOTA, _quota(write_quota, "write_quota")),
    ]
    _tell(call, SECURITY_SET_QUOTAS, fields, repeatable=True)


def query_roles(call: ClusterCall) -> list[Role]:
    """All roles, by their names."""
    found = _ask(call, SECURITY_QUERY_ROLES, [], messages.read_roles)
    return sorted(found, key=lambda role: role.name)


def query_role(call: ClusterCall, role: str) -> Role:
    """One role."""
    found = _ask(call, SECURITY_QUERY_ROLES, [_role(role)], messages.read_roles)
    if not found:
        raise InvalidRole(f"there is no role {shown(role)}")
    return found[0]


# Asking -----------------------------------------------------------------------------------------------------


def _tell(call: ClusterCall, command: int, fields: Sequence[Field], *, repeatable: bool) -> None:
    request = messages.encode(command, fields)

    def talk(connection: Connection, timeout: float) -> None:
        messages.check(connection.exchange(request, timeout))

    def conversation(node: ClusterNode) -> Conversation[None]:
        return talk

    tell_one_node(call, conversation, repeatable=repeatable)


def _ask(
    call: ClusterCall,
    command: int,
    fields: Sequence[Field],
    read: Callable[[list[bytes]], list[T]],
) -> list[T]:
    request = messages.encode(command, fields)

    def talk(connection: Connection, timeout: float) -> list[T]:
        return read(connection.exchange_all(request, timeout, messages.is_last))

    def conversation(node: ClusterNode) -> Conversation[list[T]]:
        return talk

    return tell_one_node(call, conversation, repeatable=True)


# Arguments --------------------------------------------------------------------------------------------------


def _name(value: object, what: str) -> str:
    if not isinstance(value, str):
        raise InvalidType(f"{what} must be a str, not {shown(value)}")
    name = plain_text(value)
    if not name:
        raise InvalidArgument(f"{what} is empty")
    sized(name, what, MAX_USER)
    return name


def _user(user: object) -> Field:
    return messages.text(SECURITY_FIELD_USER, _name(user, "the user"))


def _role(role: object) -> Field:
    return messages.text(SECURITY_FIELD_ROLE, _name(role, "the role"))


def _password(given: bytes) -> Field:
    return SECURITY_FIELD_PASSWORD, given


def _hash(password: object) -> bytes:
    if not isinstance(password, str):
        raise InvalidType(f"the password must be a str, not {type(password).__name__}")
    text = password_or_none(password, "the password") if password else None
    if text is None:
        raise InvalidArgument("the password is empty")
    return hashed(text)


def _list(values: object, what: str, least: int) -> list[object]:
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        raise InvalidType(f"{what} must be a list, not {shown(values)}")
    found = list(values)
    if len(found) < least:
        raise InvalidArgument(f"{what} are missing: name one at least")
    return found


def _roles(roles: object, least: int = 0) -> list[str]:
    return [_name(each, "a role") for each in _list(roles, "roles", least)]


def _roles_of(user: object, roles: object) -> list[Field]:
    return [_user(user), messages.names(_roles(roles, least=1))]


def _privileges_of(role: object, privileges: object) -> list[Field]:
    return [_role(role), messages.privileges(_privileges(privileges, least=1))]


def _privileges(privileges: object, least: int = 0) -> list[Privilege]:
    found = _list(privileges, "privileges", least)
    return [_privilege(each) for each in found]


def _privilege(given: object) -> Privilege:
    if isinstance(given, Privilege):
        return given
    if isinstance(given, str):
        return Privilege(given)
    raise InvalidType(f"a privilege must be a Privilege or its name, not {shown(given)}")


def _addresses(addresses: object) -> list[str]:
    found = []
    for each in _list(addresses, "allowlist", 0):
        if not isinstance(each, str):
            raise InvalidType(f"an address must be a str, not {shown(each)}")
        text = plain_text(each).strip()
        if not text or "," in text or not text.isascii():
            raise InvalidArgument(f"{shown(each)} is no address or subnet")
        found.append(text)
    return found
