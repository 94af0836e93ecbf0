"""The ops CDT_READ and CDT_MODIFY of a request: bins in, reply ops out.

Owns: missing bins, what is answered, storing the changed value. Not here: the operations (operate.py), and
paths (../expressions/paths.py).
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
from ..op_context import Working

__all__ = ["cdt_modify", "cdt_read"]


def cdt_read(work: Working, op: Op) -> None:
    """Run a read op. A missing bin is no error, whatever is asked of it."""
    found = work.bins.get(op.name)
    if found is None:
        work.answer_nothing(op)
        return
    call = _parsed(work, op)
    if isinstance(call, PathCall):
        path = Path.build(call, Builder(work.version))
        if path.change is not None:
            raise RequestError(ResultCode.PARAMETER, "a change by a read op")
        work.answer_value(op, *particle_of(run_path(path, _container(found))))
        return
    work.answer_value(op, *particle_of(read(value_of(*found), call)))


def cdt_modify(work: Working, op: Op) -> None:
    """Run a write op, which may create the bin."""
    name = op.name
    found = work.bins.get(name)
    call = _parsed(work, op)
    if isinstance(call, PathCall):
        _path_by_write_op(work, op, Path.build(call, Builder(work.version)))
        return
    before = None if found is None else value_of(*found)
    result, after = modify(before, call)
    if after is not None:
        work.bins[name] = particle_of(after)
    if result is None:
        work.answer_nothing(op)
    else:
        work.answer(op, *particle_of(result))


def _parsed(work: Working, op: Op) -> Call | PathCall:
    """The operation, if the server knows it and takes what it brings."""
    call = parse(op.value)
    if isinstance(call, Call):
        check_call(call, work.version)
    return call


def _container(found: tuple[int, bytes] | None) -> PackedList | PackedMap:
    value = None if found is None else value_of(*found)
    if not isinstance(value, (PackedList, PackedMap)):
        raise RequestError(ResultCode.INCOMPATIBLE_TYPE, "a path into no list or map")
    return value


def _path_by_write_op(work: Working, op: Op, path: Path) -> None:
    root = _container(work.bins.get(op.name))
    result = run_path(path, root)
    if path.change is not None:
        work.bins[op.name] = particle_of(root)
        work.answer_nothing(op)
    else:
        work.answer(op, *particle_of(result))
