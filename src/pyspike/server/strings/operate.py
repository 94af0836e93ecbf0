"""One string operation on one text.

Owns: the tables by opcode, write flags, creating a string that is missing, the largest result. Not here: the
operations (reading.py, changing.py), bins and replies (../records/ops/strings.py).
"""

from __future__ import annotations

from ..protocol.flags import StringWriteFlags
from ..protocol.result import ParameterSubcode, RequestError, ResultCode
from ..values.packed import Value
from .arguments import checked
from .changing import CHANGES, SIZE_MAX, TooLargeError
from .failures import bad
from .reading import READS

__all__ = ["flags_of", "modify", "read"]

_CHANGING = int(StringWriteFlags.UPDATE_ONLY | StringWriteFlags.NO_FAIL)
_CREATING = int(_CHANGING | StringWriteFlags.CREATE_ONLY)
_EITHER = int(StringWriteFlags.CREATE_ONLY | StringWriteFlags.UPDATE_ONLY)


def read(text: str, opcode: int, args: list[Value]) -> Value:
    """The result of a read operation.

    Raises:
        RequestError: PARAMETER, OP_NOT_APPLICABLE.

    """
    op = READS.get(opcode)
    if op is None:
        raise bad(f"string opcode {opcode}", ParameterSubcode.STRING_OPCODE)
    return op.run(text, checked(op.kinds, args))


def flags_of(opcode: int, args: list[Value], *, nested: bool) -> int:
    """The write flags of an operation that changes a string.

    Args:
        opcode: the operation.
        args: its arguments.
        nested: whether the string is inside a list or map, which nothing creates.

    Raises:
        RequestError: PARAMETER, also for wrong arguments.

    """
    op = CHANGES.get(opcode)
    if op is None:
        raise bad(f"string opcode {opcode}", ParameterSubcode.STRING_OPCODE)
    found = checked(op.kinds, args)
    flags: int = found[op.flags_at] if len(found) > op.flags_at else 0
    allowed = _CREATING if op.creates and not nested else _CHANGING
    if flags & ~allowed or flags & _EITHER == _EITHER:
        raise bad("write flags")
    return flags


def modify(text: str | None, opcode: int, args: list[Value], *, nested: bool = False) -> str | None:
    """The text after a write operation.

    Args:
        text: the text, None if there is none.
        opcode: the operation.
        args: its arguments.
        nested: whether it is inside a list or map.

    Returns:
        None if nothing changes.

    Raises:
        RequestError: PARAMETER, BIN_EXISTS.

    """
    flags = flags_of(opcode, args, nested=nested)
    op = CHANGES[opcode]
    if text is None and (not op.creates or flags & StringWriteFlags.UPDATE_ONLY):
        return None
    if text is not None and flags & StringWriteFlags.CREATE_ONLY:
        if flags & StringWriteFlags.NO_FAIL:
            return None
        raise RequestError(ResultCode.BIN_EXISTS, "there is a string already")
    try:
        after = op.run(text or "", checked(op.kinds, args))
        if len(after.encode()) > SIZE_MAX:
            raise TooLargeError
    except TooLargeError:
        if flags & StringWriteFlags.NO_FAIL:
            return None
        raise bad(f"a string of more than {SIZE_MAX} bytes") from None
    return after
