"""Result codes of the server, and the exception that carries one to the reply.

Owns: the numbers of result codes and subcodes, under the server's names. Not here: which situation gives
which code; that stands where the situation is found.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import Any

__all__ = [
    "BlockedSubcode",
    "ForbiddenSubcode",
    "NotApplicableSubcode",
    "ParameterSubcode",
    "RequestError",
    "ResultCode",
    "UnavailableSubcode",
    "UnsupportedSubcode",
    "bad",
    "not_applicable",
]


class ResultCode(IntEnum):
    """The result codes that a server sends (result-codes.md 10.1)."""

    OK = 0
    UNKNOWN = 1
    NOT_FOUND = 2
    GENERATION = 3
    PARAMETER = 4
    RECORD_EXISTS = 5
    BIN_EXISTS = 6
    CLUSTER_KEY_MISMATCH = 7
    OUT_OF_SPACE = 8
    TIMEOUT = 9
    UNAVAILABLE = 11
    INCOMPATIBLE_TYPE = 12
    RECORD_TOO_BIG = 13
    KEY_BUSY = 14
    QUERY_ABORT = 15
    UNSUPPORTED_FEATURE = 16
    BIN_NOT_FOUND = 17
    DEVICE_OVERLOAD = 18
    KEY_MISMATCH = 19
    NAMESPACE = 20
    BIN_NAME = 21
    FORBIDDEN = 22
    ELEMENT_NOT_FOUND = 23
    ELEMENT_EXISTS = 24
    ENTERPRISE_ONLY = 25
    OP_NOT_APPLICABLE = 26
    FILTERED_OUT = 27
    LOST_CONFLICT = 28
    INVALID_ENCODING = 29
    RECORD_VERSION_MISMATCH = 30
    SEC_OK_LAST = 50
    SEC_NOT_SUPPORTED = 51
    SEC_NOT_CONFIGURED = 52
    SEC_SCHEME = 53
    SEC_COMMAND = 54
    SEC_FIELD = 55
    SEC_STATE = 56
    SEC_USER = 60
    SEC_USER_EXISTS = 61
    SEC_PASSWORD = 62
    SEC_EXPIRED_PASSWORD = 63
    SEC_FORBIDDEN_PASSWORD = 64
    SEC_CREDENTIAL = 65
    SEC_EXPIRED_SESSION = 66
    SEC_ROLE = 70
    SEC_ROLE_EXISTS = 71
    SEC_PRIVILEGE = 72
    SEC_ALLOWLIST = 73
    SEC_QUOTAS_NOT_ENABLED = 74
    SEC_QUOTA = 75
    SEC_NOT_AUTHENTICATED = 80
    SEC_ROLE_VIOLATION = 81
    SEC_NOT_ALLOWLISTED = 82
    SEC_QUOTA_EXCEEDED = 83
    SEC_LDAP_NOT_CONFIGURED = 90
    SEC_LDAP_AUTHENTICATION = 93
    UDF_EXECUTION = 100
    MRT_BLOCKED = 120
    MRT_VERSION_MISMATCH = 121
    MRT_EXPIRED = 122
    MRT_TOO_MANY_WRITES = 123
    MRT_COMMITTED = 124
    MRT_ABORTED = 125
    MRT_ALREADY_LOCKED = 126
    MRT_MONITOR_EXISTS = 127
    BATCH_DISABLED = 150
    BATCH_MAX_REQUESTS = 151
    BATCH_QUEUES_FULL = 152
    GEO_INVALID_GEOJSON = 160
    SINDEX_FOUND = 200
    SINDEX_NOT_FOUND = 201
    SINDEX_NOT_READABLE = 203
    SINDEX_MAX_COUNT = 206


class ParameterSubcode(IntEnum):
    """What is wrong with a request, beside result code PARAMETER (server-8.2.md 17.3)."""

    TTL = 1
    STRING_ARGUMENTS = 6
    STRING_OPCODE = 7
    STRING_CONTEXT = 8
    STRING_INDEX = 9
    STRING_REGEX = 10
    STRING_ENCODING = 11


class ForbiddenSubcode(IntEnum):
    """Why a request is not allowed, beside result code FORBIDDEN (strong-consistency.md 13.3)."""

    DURABILITY = 8


class UnavailableSubcode(IntEnum):
    """Why nobody serves a partition, beside result code UNAVAILABLE (strong-consistency.md 13.4)."""

    REPLICA = 2


class UnsupportedSubcode(IntEnum):
    """What there is not, beside result code UNSUPPORTED_FEATURE (strong-consistency.md 13.6)."""

    TRANSACTION = 1
    MONITOR = 2


class BlockedSubcode(IntEnum):
    """What a transaction is in the way of, beside result code MRT_BLOCKED (transactions.md 12.4)."""

    LOCKED = 1
    OTHER_ID = 2


class NotApplicableSubcode(IntEnum):
    """Why an operation can't be done, beside result code OP_NOT_APPLICABLE (server-8.2.md 17.3)."""

    CDT_INDEX = 1
    CDT_RANK = 2
    STRING_NUMBER = 10
    STRING_ENCODING = 11
    STRING_BASE64 = 13


class RequestError(Exception):
    """A request is answered with a result code other than 0; nothing of it is applied."""

    __slots__ = ("code", "detail", "subcode", "trace")

    def __init__(
        self,
        code: ResultCode,
        detail: str = "",
        subcode: int = 0,
        trace: Callable[[], dict[int, Any]] | None = None,
    ) -> None:
        """Make the error.

        Args:
            code: the result code of the reply.
            detail: what was wrong, in words; clients are told it if they ask.
            subcode: a number that tells more precisely what was wrong; 0 if there is none.
            trace: gives what is told of the expression that is wrong, or did not let a record pass; it is
                called only for a client that asks.

        """
        super().__init__(f"{code.name}: {detail}" if detail else code.name)
        self.code = code
        self.detail = detail
        self.subcode = subcode
        self.trace = trace


def bad(what: str) -> RequestError:
    """The error PARAMETER, for a request that is malformed."""
    return RequestError(ResultCode.PARAMETER, what)


def not_applicable(what: str) -> RequestError:
    """The error OP_NOT_APPLICABLE, for an operation that can't be done on this value."""
    return RequestError(ResultCode.OP_NOT_APPLICABLE, what)
