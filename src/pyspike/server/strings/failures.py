"""How string operations fail: subcodes, and the errors that carry them."""

from __future__ import annotations

from ..protocol.result import ConversionSubcode, ParameterSubcode, RequestError, ResultCode

__all__ = ["bad", "failed"]


def bad(what: str, subcode: ParameterSubcode = ParameterSubcode.STRING_ARGUMENTS) -> RequestError:
    """The error for a request that makes no sense."""
    return RequestError(ResultCode.PARAMETER, what, subcode)


def failed(what: str, subcode: ConversionSubcode) -> RequestError:
    """The error for a string that can't be converted."""
    return RequestError(ResultCode.OP_NOT_APPLICABLE, what, subcode)
