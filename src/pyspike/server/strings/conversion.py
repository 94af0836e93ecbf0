"""Values as text.

Owns: the form of each type.
"""

from __future__ import annotations

from ..protocol.constants import BLOB_TYPES, ParticleType
from ..protocol.result import NotApplicableSubcode, RequestError, ResultCode
from ..values.ordering import as_float
from ..values.packed import Float32, Value
from .failures import failed

__all__ = ["to_text"]

_TEXTS = BLOB_TYPES | {ParticleType.STRING}


def to_text(value: Value) -> str:
    """A number, bool, string or blob as text.

    A float has the fewest digits that tell it from all others.
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
        if value[0] == ParticleType.STRING:
            raise RequestError(ResultCode.INVALID_ENCODING, "a stored string that is no UTF-8") from None
        raise failed("a blob that is no UTF-8", NotApplicableSubcode.STRING_ENCODING) from None
