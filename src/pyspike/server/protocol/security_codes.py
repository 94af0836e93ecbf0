"""The numbers of security messages: commands, fields, privileges, limits (admin-and-info.md 9.1).

Owns: their values. Not here: result codes (result.py), and the form of messages (security_message.py).
"""

from __future__ import annotations

from enum import IntEnum

__all__ = [
    "NAME_MAX",
    "PASSWORD_HASH_SIZE",
    "PASSWORD_SALT",
    "SCHEME",
    "SCOPED_FROM",
    "SECURITY_HEADER_SIZE",
    "PrivilegeCode",
    "SecurityCommand",
    "SecurityField",
]

SCHEME = 0
"""The first byte of every security message."""
SECURITY_HEADER_SIZE = 16
NAME_MAX = 63
"""How many bytes the name of a user or a role may have."""
PASSWORD_SALT = b"$2a$10$7EqJtq98hPqEX7fNZaFWoO"
"""What clients hash passwords with, so that a password always has the same hash."""
PASSWORD_HASH_SIZE = 60


class SecurityCommand(IntEnum):
    """Commands of security messages."""

    AUTHENTICATE = 0
    CREATE_USER = 1
    DROP_USER = 2
    SET_PASSWORD = 3
    CHANGE_PASSWORD = 4
    GRANT_ROLES = 5
    REVOKE_ROLES = 6
    QUERY_USERS = 9
    CREATE_ROLE = 10
    DROP_ROLE = 11
    GRANT_PRIVILEGES = 12
    REVOKE_PRIVILEGES = 13
    SET_ALLOWLIST = 14
    SET_QUOTAS = 15
    QUERY_ROLES = 16
    LOGIN = 20


class SecurityField(IntEnum):
    """Types of fields of security messages."""

    USER = 0
    PASSWORD = 1
    OLD_PASSWORD = 2
    CREDENTIAL = 3
    CLEAR_PASSWORD = 4
    SESSION_TOKEN = 5
    SESSION_TTL = 6
    ROLES = 10
    ROLE = 11
    PRIVILEGES = 12
    ALLOWLIST = 13
    READ_QUOTA = 14
    WRITE_QUOTA = 15
    READ_INFO = 16
    WRITE_INFO = 17
    CONNECTIONS = 18


class PrivilegeCode(IntEnum):
    """Privileges."""

    USER_ADMIN = 0
    SYS_ADMIN = 1
    DATA_ADMIN = 2
    UDF_ADMIN = 3
    SINDEX_ADMIN = 4
    READ = 10
    READ_WRITE = 11
    READ_WRITE_UDF = 12
    WRITE = 13
    TRUNCATE = 14
    MASKING_ADMIN = 15
    READ_MASKED = 16
    WRITE_MASKED = 17


SCOPED_FROM = PrivilegeCode.READ
"""The first privilege of those that name a namespace and a set."""
