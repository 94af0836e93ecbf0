"""The errors of string operations, with their subcodes."""

from __future__ import annotations

from ..protocol.result import NotApplicableSubcode, ParameterSubcode, RequestError, ResultCode

__all__ = ["bad", "failed"]


def bad(what: str, subcode: ParameterSubcode = ParameterSubcode.STRING_ARGUMENTS) -> RequestError:
    """The error PARAMETER, for a request that is malformed."""
    return RequestError(ResultCode.PARAMETER, what, subcode)


def failed(what: str, subcode: NotApplicableSubcode) -> RequestError:
    """The error OP_NOT_APPLICABLE, for a string that can't be converted."""
    return RequestError(ResultCode.OP_NOT_APPLICABLE, what, subcode)
