"""The commands that administrate users and roles, and those that tell of them (admin-and-info.md 9.1).

Owns: their fields, who may use them, and the blocks of their answers. Not here: the rules about users and
roles (accounts.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from ..protocol.result import RequestError, ResultCode
from ..protocol.security_codes import SecurityCommand, SecurityField
from ..protocol.security_message import (
    encode_block,
    encode_count,
    encode_counts,
    encode_names,
    encode_privileges,
    parse_count,
    parse_names,
    parse_privileges,
)
from .accounts import Accounts, Role, User
from .allowlists import parse_allowlist
from .passwords import is_same
from .privileges import Permission, Privilege, privilege_of
from .state import Caller, ClusterSecurity, NodeView
from .usage import Rate

__all__ = ["administrate"]

_AS_IT_IS = 0xFFFF_FFFF
"""What the official client sends for a quota that its caller has not given."""


class _Call(NamedTuple):
    """One command."""

    security: ClusterSecurity
    node: NodeView
    caller: Caller
    fields: Mapping[int, bytes]

    @property
    def accounts(self) -> Accounts:
        return self.security.accounts

    def need(self, kind: SecurityField) -> bytes:
        """The value of a field that must be sent; RequestError, FIELD, if it was not."""
        value = self.fields.get(kind)
        if value is None:
            raise RequestError(ResultCode.SEC_FIELD, f"no field {kind.name}")
        return value

    @property
    def user(self) -> str:
        return _text(self.need(SecurityField.USER), ResultCode.SEC_USER)

    @property
    def role(self) -> str:
        return _text(self.need(SecurityField.ROLE), ResultCode.SEC_ROLE)

    @property
    def roles(self) -> list[str]:
        return [_text(name, ResultCode.SEC_ROLE) for name in parse_names(self.need(SecurityField.ROLES))]

    @property
    def privileges(self) -> list[Privilege]:
        sent = parse_privileges(self.need(SecurityField.PRIVILEGES))
        return [privilege_of(*each) for each in sent]

    @property
    def allowlist(self) -> str:
        return _text(self.fields.get(SecurityField.ALLOWLIST, b""), ResultCode.SEC_ALLOWLIST)

    def quota(self, kind: SecurityField) -> int | None:
        """A quota; None if none was sent, or what the official client sends for one that is to stay.

        Raises:
            RequestError: QUOTA: it is no number. QUOTAS_NOT_ENABLED.

        """
        sent = self.fields.get(kind)
        if sent is None:
            return None
        number = parse_count(sent)
        if number is None:
            raise RequestError(ResultCode.SEC_QUOTA, f"{len(sent)} bytes")
        if not self.security.settings.quotas:
            raise RequestError(ResultCode.SEC_QUOTAS_NOT_ENABLED)
        return None if number == _AS_IT_IS else number


def administrate(
    security: ClusterSecurity, node: NodeView, caller: Caller, command: int, fields: Mapping[int, bytes]
) -> list[bytes]:
    """Do a command, and give the blocks of its answer.

    Raises:
        RequestError: it is not done. COMMAND: there is no such command. NOT_AUTHENTICATED, NOT_ALLOWLISTED,
            ROLE_VIOLATION: the user may not do it.

    """
    rights = security.rights_of(caller)
    run = _COMMANDS.get(command)
    if run is None:
        raise RequestError(ResultCode.SEC_COMMAND, f"command {command}")
    call = _Call(security, node, caller, fields)
    if not (rights.permits(Permission.USERS) or (command in _OF_ONESELF and _is_oneself(call))):
        raise RequestError(ResultCode.SEC_ROLE_VIOLATION)
    return run(call) or [encode_block(ResultCode.OK)]


def _is_oneself(call: _Call) -> bool:
    name = call.fields.get(SecurityField.USER)
    return call.caller.user is not None and name == call.caller.user.name.encode()


def _text(data: bytes, code: ResultCode) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise RequestError(code, "no text") from None


# --- users --------------------------------------------------------------------------------------------------


def _create_user(call: _Call) -> None:
    call.accounts.create_user(call.user, call.need(SecurityField.PASSWORD), call.roles)


def _drop_user(call: _Call) -> None:
    call.accounts.drop_user(call.user)


def _set_password(call: _Call) -> None:
    call.accounts.set_password(call.user, call.need(SecurityField.PASSWORD))


def _change_password(call: _Call) -> None:
    user = call.accounts.user(call.user)
    if not _is_oneself(call):
        raise RequestError(ResultCode.SEC_ROLE_VIOLATION, "the password of another user")
    if not is_same(user.password, call.need(SecurityField.OLD_PASSWORD)):
        raise RequestError(ResultCode.SEC_PASSWORD, "another old password")
    _set_password(call)


def _grant_roles(call: _Call) -> None:
    call.accounts.grant_roles(call.user, call.roles)


def _revoke_roles(call: _Call) -> None:
    call.accounts.revoke_roles(call.user, call.roles)


def _query_users(call: _Call) -> list[bytes]:
    one = SecurityField.USER in call.fields
    users = [call.accounts.user(call.user)] if one else call.accounts.users.values()
    return [*(_user_block(call, user) for user in users), encode_block(ResultCode.SEC_OK_LAST)]


def _user_block(call: _Call, user: User) -> bytes:
    rights, usage = call.accounts.rights(user), call.node.state.usage_of(user.name)
    reads = _info(call, user, usage.reads, rights.read_quota, writes=False)
    writes = _info(call, user, usage.writes, rights.write_quota, writes=True)
    return encode_block(
        ResultCode.OK,
        [
            (SecurityField.USER, user.name.encode()),
            (SecurityField.ROLES, encode_names(sorted(user.roles))),
            (SecurityField.READ_INFO, reads),
            (SecurityField.WRITE_INFO, writes),
            (SecurityField.CONNECTIONS, encode_count(call.node.connections_of(user.name))),
        ],
    )


def _info(call: _Call, user: User, rate: Rate, quota: int, *, writes: bool) -> bytes:
    """The quota, the rate of single records, that of queries with a limit, and how many have none."""
    queries = call.node.query_rates(user.name, writes=writes)
    return encode_counts((quota, rate.per_second(call.node.now), sum(queries), queries.count(0)))


# --- roles --------------------------------------------------------------------------------------------------


def _create_role(call: _Call) -> None:
    sends_privileges = SecurityField.PRIVILEGES in call.fields
    call.accounts.create_role(
        Role(
            call.role,
            list(dict.fromkeys(call.privileges)) if sends_privileges else [],
            call.allowlist,
            call.quota(SecurityField.READ_QUOTA) or 0,
            call.quota(SecurityField.WRITE_QUOTA) or 0,
        )
    )


def _drop_role(call: _Call) -> None:
    call.accounts.drop_role(call.role)


def _grant_privileges(call: _Call) -> None:
    role, privileges = call.accounts.own_role(call.role), call.privileges
    role.privileges = list(dict.fromkeys((*role.privileges, *privileges)))


def _revoke_privileges(call: _Call) -> None:
    """Take those privileges that are the same, scope included; others are no error."""
    role, privileges = call.accounts.own_role(call.role), call.privileges
    role.privileges = [each for each in role.privileges if each not in privileges]


def _set_allowlist(call: _Call) -> None:
    role, allowlist = call.accounts.own_role(call.role), call.allowlist
    parse_allowlist(allowlist)
    role.allowlist = allowlist


def _set_quotas(call: _Call) -> None:
    role = call.accounts.own_role(call.role)
    reads, writes = call.quota(SecurityField.READ_QUOTA), call.quota(SecurityField.WRITE_QUOTA)
    role.read_quota = role.read_quota if reads is None else reads
    role.write_quota = role.write_quota if writes is None else writes


def _query_roles(call: _Call) -> list[bytes]:
    one = SecurityField.ROLE in call.fields
    roles = [call.accounts.role(call.role)] if one else call.accounts.roles.values()
    return [*map(_role_block, roles), encode_block(ResultCode.SEC_OK_LAST)]


def _role_block(role: Role) -> bytes:
    fields: list[tuple[int, bytes]] = [
        (SecurityField.ROLE, role.name.encode()),
        (SecurityField.PRIVILEGES, encode_privileges(role.privileges)),
    ]
    if role.allowlist:
        fields.append((SecurityField.ALLOWLIST, role.allowlist.encode()))
    if role.read_quota:
        fields.append((SecurityField.READ_QUOTA, encode_count(role.read_quota)))
    if role.write_quota:
        fields.append((SecurityField.WRITE_QUOTA, encode_count(role.write_quota)))
    return encode_block(ResultCode.OK, fields)


_OF_ONESELF = frozenset((SecurityCommand.CHANGE_PASSWORD, SecurityCommand.QUERY_USERS))
"""What every user may do about itself."""

_COMMANDS: dict[int, Callable[[_Call], list[bytes] | None]] = {
    SecurityCommand.CREATE_USER: _create_user,
    SecurityCommand.DROP_USER: _drop_user,
    SecurityCommand.SET_PASSWORD: _set_password,
    SecurityCommand.CHANGE_PASSWORD: _change_password,
    SecurityCommand.GRANT_ROLES: _grant_roles,
    SecurityCommand.REVOKE_ROLES: _revoke_roles,
    SecurityCommand.QUERY_USERS: _query_users,
    SecurityCommand.CREATE_ROLE: _create_role,
    SecurityCommand.DROP_ROLE: _drop_role,
    SecurityCommand.GRANT_PRIVILEGES: _grant_privileges,
    SecurityCommand.REVOKE_PRIVILEGES: _revoke_privileges,
    SecurityCommand.SET_ALLOWLIST: _set_allowlist,
    SecurityCommand.SET_QUOTAS: _set_quotas,
    SecurityCommand.QUERY_ROLES: _query_roles,
}
