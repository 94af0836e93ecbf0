"""The ops CDT_READ and CDT_MODIFY of a request.

Owns: missing bins, what is answered, storing the changed value. Not here: the operations
(../../cdt/operate.py), and paths (../../expressions/paths.py).
"""

from __future__ import annotations

from ...cdt.calls import Call, PathCall, parse
from ...cdt.operate import check_call, modify, read
from ...expressions.build import Builder
from ...expressions.paths import Path, run_path
from ...protocol.framing import Op
from ...protocol.result import RequestError, ResultCode
from ...values.bin_values import particle_of, value_of
from ...values.packed import PackedList, PackedMap
from ..op_context import OpContext

__all__ = ["cdt_modify", "cdt_read"]


def cdt_read(ctx: OpContext, op: Op) -> None:
    """Run CDT_READ. On a missing bin no operation fails."""
    found = ctx.bins.get(op.name)
    if found is None:
        ctx.answer_nothing(op)
        return
    call = _parsed(ctx, op)
    if isinstance(call, PathCall):
        path = Path.build(call, Builder(ctx.version))
        if path.change is not None:
            raise RequestError(ResultCode.PARAMETER, "a change by a read op")
        ctx.answer_value(op, *particle_of(run_path(path, _container(found))))
        return
    ctx.answer_value(op, *particle_of(read(value_of(*found), call)))


def cdt_modify(ctx: OpContext, op: Op) -> None:
    """Run CDT_MODIFY, which may create the bin."""
    name = op.name
    found = ctx.bins.get(name)
    call = _parsed(ctx, op)
    if isinstance(call, PathCall):
        _path_by_write_op(ctx, op, Path.build(call, Builder(ctx.version)))
        return
    before = None if found is None else value_of(*found)
    result, after = modify(before, call)
    if after is not None:
        ctx.bins[name] = particle_of(after)
    if result is None:
        ctx.answer_nothing(op)
    else:
        ctx.answer(op, *particle_of(result))


def _parsed(ctx: OpContext, op: Op) -> Call | PathCall:
    """The operation of an op, if a server of this version takes it."""
    call = parse(op.value)
    if isinstance(call, Call):
        check_call(call, ctx.version)
    return call


def _container(found: tuple[int, bytes] | None) -> PackedList | PackedMap:
    value = None if found is None else value_of(*found)
    if not isinstance(value, (PackedList, PackedMap)):
        raise RequestError(ResultCode.INCOMPATIBLE_TYPE, "a path into no list or map")
    return value


def _path_by_write_op(ctx: OpContext, op: Op, path: Path) -> None:
    root = _container(ctx.bins.get(op.name))
    result = run_path(path, root)
    if path.change is not None:
        ctx.bins[op.name] = particle_of(root)
        ctx.answer_nothing(op)
    else:
        ctx.answer(op, *particle_of(result))
