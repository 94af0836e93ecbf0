"""Values as text. Owns: the form of each type."""

from __future__ import annotations

from ..ordering import as_float
from ..packed import Float32, Value
from ..particles import BLOB_TYPES, ParticleType
from ..result import RequestError, ResultCode

__all__ = ["to_text"]

_TEXTS = BLOB_TYPES | {ParticleType.STRING}


def to_text(value: Value) -> str:
    """A number, bool, string or blob as text. A float is told with as few digits as it takes to tell it from
    others.

    Raises:
        RequestError: INCOMPATIBLE_TYPE for another type; for bytes that are no UTF-8 INVALID_ENCODING of a
            string, OP_NOT_APPLICABLE of a blob.

    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, (float, Float32)):
        return repr(as_float(value))
    if not isinstance(value, bytes) or value[0] not in _TEXTS:
        raise RequestError(ResultCode.INCOMPATIBLE_TYPE, "a value that has no text")
    try:
        return value[1:].decode()
    except UnicodeDecodeError:
        is_string = value[0] == ParticleType.STRING
        code = ResultCode.INVALID_ENCODING if is_string else ResultCode.OP_NOT_APPLICABLE
        raise RequestError(code, "bytes that are no UTF-8") from None
