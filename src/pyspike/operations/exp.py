"""Operations that evaluate an expression on the server, on the record at hand."""

# mypy: disable-error-code="empty-body"
from __future__ import annotations

from pyspike._types import SupportsToBytes
from pyspike._wire import Operation, Packed
from pyspike.cdt.checks import compiled, flag_bits, write_flag_bits
from pyspike.cdt.enums import CREATE_ONLY, UPDATE_ONLY, ExpReadFlags, ExpWriteFlags
from pyspike.cdt.opcodes import OpCode
from pyspike.operations.maker import checked, listed, members

__all__ = ["ExpReadFlags", "ExpWriteFlags", "read", "write"]

_EXPRESSION = checked("expression", lambda expression, name: Packed(compiled(expression, name)))
_ARGUMENTS = ("expression", "flags")


@listed(
    OpCode.EXP_READ,
    (
        _EXPRESSION,
        checked(
            "flags", lambda flags, name: flag_bits(flags, ExpReadFlags, name), number=members(ExpReadFlags)
        ),
    ),
    _ARGUMENTS,
)
def read(
    name: str,
    expression: SupportsToBytes,
    *,
    flags: ExpReadFlags = ExpReadFlags.DEFAULT,
) -> Operation:
    """Give the value of an expression.

    Args:
        name: the name under which the value stands in the result, 1 to 15 bytes of UTF-8; no bin needs to
            have it.
        expression: any of `pyspike.exp`.
        flags: EVAL_NO_FAIL.

    Raises:
        InvalidType: the expression is no value: infinity, a wildcard or a removal.
        InvalidArgument: it has a variable that no `exp.let` in it defines, or a loop variable.

    Raises (when run):
        OpNotApplicable: the result is unknown, say because a bin is missing, and `flags` lacks EVAL_NO_FAIL.
        RequestInvalid: the server does not know such an expression.
    """
    ...


@listed(
    OpCode.EXP_MODIFY,
    (
        _EXPRESSION,
        checked(
            "flags",
            lambda flags, name: write_flag_bits(flags, ExpWriteFlags, name),
            number=members(ExpWriteFlags, apart=CREATE_ONLY | UPDATE_ONLY),
        ),
    ),
    _ARGUMENTS,
    write=True,
)
def write(
    bin_name: str,
    expression: SupportsToBytes,
    *,
    flags: ExpWriteFlags = ExpWriteFlags.DEFAULT,
) -> Operation:
    """Write the value of an expression into a bin. Gives None.

    Args:
        bin_name: the bin, 1 to 15 bytes of UTF-8.
        expression: any of `pyspike.exp`.
        flags: `ExpWriteFlags`.

    Raises:
        InvalidType, InvalidArgument: as for `read`; or `flags` has CREATE_ONLY and UPDATE_ONLY.

    Raises (when run):
        OpNotApplicable: the result is unknown, say because a bin is missing, and `flags` lacks
            EVAL_NO_FAIL; or it is nil, and `flags` lacks ALLOW_DELETE.
        BinExists, BinNotFound: `flags` has CREATE_ONLY or UPDATE_ONLY, and the bin is there, or is not.
        RequestInvalid: the server does not know such an expression.
    """
    ...
