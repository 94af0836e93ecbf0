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
from pyspike.cluster.administer import Conversation, tell_one_node
from pyspike.cluster.cluster import Cluster
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
from pyspike.policy import AdminPolicy
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


def create_user(
    cluster: Cluster, user: str, password: str, roles: Iterable[str], policy: AdminPolicy
) -> None:
    """Create a user who logs in by a password."""
    fields = [_user(user), _password(_hash(password)), messages.names(_roles(roles))]
    _tell(cluster, SECURITY_CREATE_USER, fields, policy, repeatable=False)


def create_pki_user(cluster: Cluster, user: str, roles: Iterable[str], policy: AdminPolicy) -> None:
    """Create a user who logs in by a certificate only."""
    fields = [_user(user), _password(NO_PASSWORD), messages.names(_roles(roles))]
    _tell(cluster, SECURITY_CREATE_USER, fields, policy, repeatable=False)


def drop_user(cluster: Cluster, user: str, policy: AdminPolicy) -> None:
    """Drop a user."""
    _tell(cluster, SECURITY_DROP_USER, [_user(user)], policy, repeatable=False)


def change_password(cluster: Cluster, user: str, password: str, policy: AdminPolicy) -> None:
    """Give a user another password; the client's own user shows the old one, and logs in with the new one."""
    name, new = _user(user), _hash(password)
    login = cluster.door.login
    known = [] if login is None else login.own_passwords(name[1].decode())
    if login is None or not known:
        _tell(cluster, SECURITY_SET_PASSWORD, [name, _password(new)], policy, repeatable=True)
        return
    for old in known:
        fields = [name, (SECURITY_FIELD_OLD_PASSWORD, old), _password(new)]
        login.password_changes()
        try:
            _tell(cluster, SECURITY_CHANGE_PASSWORD, fields, policy, repeatable=False)
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


def grant_roles(cluster: Cluster, user: str, roles: Iterable[str], policy: AdminPolicy) -> None:
    """Add roles to those of a user."""
    _tell(cluster, SECURITY_GRANT_ROLES, _roles_of(user, roles), policy, repeatable=True)


def revoke_roles(cluster: Cluster, user: str, roles: Iterable[str], policy: AdminPolicy) -> None:
    """Take roles from a user."""
    _tell(cluster, SECURITY_REVOKE_ROLES, _roles_of(user, roles), policy, repeatable=True)


def query_users(cluster: Cluster, policy: AdminPolicy) -> list[User]:
    """All users, by their names."""
    found = _ask(cluster, SECURITY_QUERY_USERS, [], messages.read_users, policy)
    return sorted(found, key=lambda user: user.name)


def query_user(cluster: Cluster, user: str, policy: AdminPolicy) -> User:
    """One user."""
    found = _ask(cluster, SECURITY_QUERY_USERS, [_user(user)], messages.read_users, policy)
    if not found:
        raise InvalidUser(f"there is no user {shown(user)}")
    return found[0]


# Roles ------------------------------------------------------------------------------------------------------


def create_role(
    cluster: Cluster,
    role: str,
    privileges: Iterable[Privilege | str],
    allowlist: Iterable[str],
    read_quota: int,
    write_quota: int,
    policy: AdminPolicy,
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
    _tell(cluster, SECURITY_CREATE_ROLE, fields, policy, repeatable=False)


def drop_role(cluster: Cluster, role: str, policy: AdminPolicy) -> None:
    """Drop a role."""
    _tell(cluster, SECURITY_DROP_ROLE, [_role(role)], policy, repeatable=False)


def grant_privileges(
    cluster: Cluster, role: str, privileges: Iterable[Privilege | str], policy: AdminPolicy
) -> None:
    """Add privileges to those of a role."""
    fields = _privileges_of(role, privileges)
    _tell(cluster, SECURITY_GRANT_PRIVILEGES, fields, policy, repeatable=True)


def revoke_privileges(
    cluster: Cluster, role: str, privileges: Iterable[Privilege | str], policy: AdminPolicy
) -> None:
    """Take privileges from a role."""
    fields = _privileges_of(role, privileges)
    _tell(cluster, SECURITY_REVOKE_PRIVILEGES, fields, policy, repeatable=True)


def set_allowlist(cluster: Cluster, role: str, allowlist: Iterable[str], policy: AdminPolicy) -> None:
    """Say from where users of a role may connect."""
    fields = [_role(role), *messages.allowlist(_addresses(allowlist))]
    _tell(cluster, SECURITY_SET_ALLOWLIST, fields, policy, repeatable=True)


def set_quotas(cluster: Cluster, role: str, read_quota: int, write_quota: int, policy: AdminPolicy) -> None:
    """Say how many records a second each user of a role may read and write."""
    fields = [
        _role(role),
        messages.uint32(SECURITY_FIELD_READ_QUOTA, _quota(read_quota, "read_quota")),
        messages.uint32(SECURITY_FIELD_WRITE_QUOTA, _quota(write_quota, "write_quota")),
    ]
    _tell(cluster, SECURITY_SET_QUOTAS, fields, policy, repeatable=True)


def query_roles(cluster: Cluster, policy: AdminPolicy) -> list[Role]:
    """All roles, by their names."""
    found = _ask(cluster, SECURITY_QUERY_ROLES, [], messages.read_roles, policy)
    return sorted(found, key=lambda role: role.name)


def query_role(cluster: Cluster, role: str, policy: AdminPolicy) -> Role:
    """One role."""
    found = _ask(cluster, SECURITY_QUERY_ROLES, [_role(role)], messages.read_roles, policy)
    if not found:
        raise InvalidRole(f"there is no role {shown(role)}")
    return found[0]


# Asking -----------------------------------------------------------------------------------------------------


def _tell(
    cluster: Cluster, command: int, fields: Sequence[Field], policy: AdminPolicy, *, repeatable: bool
) -> None:
    request = messages.encode(command, fields)

    def talk(connection: Connection, timeout: float) -> None:
        messages.check(connection.exchange(request, timeout))

    def conversation(node: ClusterNode) -> Conversation[None]:
        return talk

    tell_one_node(cluster, conversation, policy, repeatable=repeatable)


def _ask(
    cluster: Cluster,
    command: int,
    fields: Sequence[Field],
    read: Callable[[list[bytes]], list[T]],
    policy: AdminPolicy,
) -> list[T]:
    request = messages.encode(command, fields)

    def talk(connection: Connection, timeout: float) -> list[T]:
        return read(connection.exchange_all(request, timeout, messages.is_last))

    def conversation(node: ClusterNode) -> Conversation[list[T]]:
        return talk

    return tell_one_node(cluster, conversation, policy, repeatable=True)


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
