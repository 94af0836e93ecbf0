"""The ops EXP_READ and EXP_MODIFY of a request.

Owns: flags, what becomes of nil and unknown results. Not here: expressions (../../expressions/build.py).
"""

from __future__ import annotations

from ...cdt.calls import storable_value
from ...expressions.build import Builder
from ...expressions.vocabulary import UNKNOWN, Node, bad
from ...protocol.flags import ExpFlags
from ...protocol.framing import Op
from ...protocol.result import RequestError, ResultCode
from ...values.bin_values import particle_of
from ...values.decoding import decode_first
from ...values.packed import PackedError, PackedList, Value
from ..op_context import OpContext

__all__ = ["exp_modify", "exp_read"]


_READ_FLAGS = int(ExpFlags.EVAL_NO_FAIL)
_WRITE_FLAGS = int(
    ExpFlags.CREATE_ONLY
    | ExpFlags.UPDATE_ONLY
    | ExpFlags.ALLOW_DELETE
    | ExpFlags.POLICY_NO_FAIL
    | ExpFlags.EVAL_NO_FAIL
)


def _parse(ctx: OpContext, op: Op, allowed: int) -> tuple[Node, int]:
    try:
        value = decode_first(op.value)
    except PackedError as error:
        raise bad(str(error)) from error
    if not isinstance(value, PackedList) or len(value.items) not in (1, 2):
        raise bad("an op without expression")
    flags = value.items[1] if len(value.items) > 1 else 0
    if type(flags) is not int:
        flags = 0
    if flags & ~allowed:
        raise bad("flags")
    return Builder(ctx.version)(value.items[0], {}), flags


def _run(ctx: OpContext, node: Node) -> Value:
    return node.run(ctx.scope())  # type: ignore[no-any-return]


def exp_read(ctx: OpContext, op: Op) -> None:
    """Run EXP_READ."""
    node, flags = _parse(ctx, op, _READ_FLAGS)
    result = _run(ctx, node)
    if result is UNKNOWN:
        if not flags & ExpFlags.EVAL_NO_FAIL:
            raise RequestError(ResultCode.OP_NOT_APPLICABLE, "an unknown result")
        result = None
    ctx.answer_value(op, *particle_of(result))


def exp_modify(ctx: OpContext, op: Op) -> None:
    """Run EXP_MODIFY, which may create, change or delete the bin."""
    name = op.name
    node, flags = _parse(ctx, op, _WRITE_FLAGS)
    exists = name in ctx.bins
    refusal = None
    if exists and flags & ExpFlags.CREATE_ONLY:
        refusal = ResultCode.BIN_EXISTS
    elif not exists and flags & ExpFlags.UPDATE_ONLY:
        refusal = ResultCode.BIN_NOT_FOUND
    if refusal is not None:
        if not flags & ExpFlags.POLICY_NO_FAIL:
            raise RequestError(refusal, "write flags")
    else:
        _store(ctx, name, _run(ctx, node), flags)
    ctx.answer_nothing(op)


def _store(ctx: OpContext, name: bytes, result: Value, flags: int) -> None:
    if result is UNKNOWN:
        if not flags & ExpFlags.EVAL_NO_FAIL:
            raise RequestError(ResultCode.OP_NOT_APPLICABLE, "an unknown result")
    elif result is not None:
        ctx.bins[name] = particle_of(storable_value(result))
    elif flags & ExpFlags.ALLOW_DELETE:
        ctx.bins.pop(name, None)
    elif name in ctx.bins and not flags:
        raise RequestError(ResultCode.OP_NOT_APPLICABLE, "a nil result")
