"""How string operations fail: subcodes, and the errors that carry them."""

from __future__ import annotations

from enum import IntEnum

from ..protocol.result import RequestError, ResultCode

__all__ = ["ConversionSubcode", "Subcode", "bad", "failed"]


class Subcode(IntEnum):
    """What is wrong with a request, beside result code PARAMETER."""

    ARGUMENTS = 6
    OPCODE = 7
    CONTEXT = 8
    INDEX = 9
    REGEX = 10
    ENCODING = 11


class ConversionSubcode(IntEnum):
    """Why a string can't be converted, beside result code OP_NOT_APPLICABLE."""

    NUMBER = 10
    ENCODING = 11
    BASE64 = 13


def bad(what: str, subcode: Subcode = Subcode.ARGUMENTS) -> RequestError:
    """The error for a request that makes no sense."""
    return RequestError(ResultCode.PARAMETER, what, subcode)


def failed(what: str, subcode: ConversionSubcode) -> RequestError:
    """The error for a string that can't be converted."""
    return RequestError(ResultCode.OP_NOT_APPLICABLE, what, subcode)
