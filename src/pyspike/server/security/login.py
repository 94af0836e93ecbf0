"""Logins and authentications: a login gives a token, with which other connections authenticate.

Owns: who is let in, by password, by another system's word, or by certificate (tls-and-auth.md 14.5).
"""

from __future__ import annotations

from collections.abc import Mapping

from ..protocol.result import RequestError, ResultCode
from ..protocol.security_codes import SecurityField
from ..protocol.security_message import encode_count
from .accounts import User
from .certificates import common_name
from .passwords import NO_PASSWORD_HASH, is_same
from .state import Caller, ClusterSecurity, NodeView

__all__ = ["authenticate", "log_in"]


def log_in(
    security: ClusterSecurity, node: NodeView, caller: Caller, fields: Mapping[int, bytes]
) -> list[tuple[int, bytes]]:
    """Let a user in, and give the fields of the answer: a token, and for how many seconds it holds.

    Raises:
        RequestError: the user is not let in.

    """
    user = _known_user(security, caller, fields)
    _check_address(security, caller, user)
    token = node.state.tokens.give(user, node.now, security.session_ttl)
    caller.user = user
    return [
        (SecurityField.SESSION_TOKEN, token),
        (SecurityField.SESSION_TTL, encode_count(security.session_ttl)),
    ]


def authenticate(
    security: ClusterSecurity, node: NodeView, caller: Caller, fields: Mapping[int, bytes]
) -> None:
    """Let a connection be that of the user to whom a token was given.

    Raises:
        RequestError: EXPIRED_SESSION: the token holds no more, or this node has not given it. CREDENTIAL: it
            was given to another user. USER: there is no such user, or no more.

    """
    token = fields.get(SecurityField.SESSION_TOKEN)
    if token is None:
        raise RequestError(ResultCode.SEC_FIELD, "no token")
    user = node.state.tokens.user_of(token, node.now)
    if user is None:
        raise RequestError(ResultCode.SEC_EXPIRED_SESSION)
    name = fields.get(SecurityField.USER)
    if name is not None and name != user.name.encode():
        raise RequestError(ResultCode.SEC_CREDENTIAL, "a token of another user")
    if user.is_gone:
        raise RequestError(ResultCode.SEC_USER, "the user was dropped")
    _check_address(security, caller, user)
    caller.user = user


def _check_address(security: ClusterSecurity, caller: Caller, user: User) -> None:
    if not security.accounts.rights(user).allows(caller.address):
        raise RequestError(ResultCode.SEC_NOT_ALLOWLISTED, caller.address)


def _known_user(security: ClusterSecurity, caller: Caller, fields: Mapping[int, bytes]) -> User:
    """The user that a login is of.

    Raises:
        RequestError: the user is not known, or the password is wrong.

    """
    if SecurityField.USER not in fields:
        name = common_name(caller.certificate())
        if name is None:
            raise RequestError(ResultCode.SEC_CREDENTIAL, "neither a name nor a certificate")
        return security.accounts.user(name)
    name = fields[SecurityField.USER].decode("utf-8", "replace")
    clear = fields.get(SecurityField.CLEAR_PASSWORD)
    if name not in security.accounts.users and clear is not None:
        return _external_user(security, name, clear)
    user = security.accounts.user(name)
    if user.password == NO_PASSWORD_HASH:
        raise RequestError(ResultCode.SEC_CREDENTIAL, f"{name} has a certificate only")
    if not is_same(user.password, fields.get(SecurityField.CREDENTIAL, b"")):
        raise RequestError(ResultCode.SEC_CREDENTIAL, "another password")
    return user


def _external_user(security: ClusterSecurity, name: str, clear: bytes) -> User:
    """A user that another system knows, with the roles that it tells."""
    external, password = security.settings.external, clear.decode("utf-8", "replace")
    if external is None:
        raise RequestError(ResultCode.SEC_LDAP_NOT_CONFIGURED)
    if isinstance(external, Mapping):
        known = external.get(name)
        roles = None if known is None or known[0] != password else known[1]
    else:
        roles = external(name, password)
    if roles is None:
        raise RequestError(ResultCode.SEC_LDAP_AUTHENTICATION, f"external user {name!r}")
    return User(name, b"", list(roles))
