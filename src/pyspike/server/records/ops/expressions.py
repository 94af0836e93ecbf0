"""The ops EXP_READ and EXP_MODIFY of a request, and filters.

Owns: flags, what becomes of nil and unknown results. Not here: expressions (build.py).
"""

from __future__ import annotations

from enum import IntFlag

from ...cdt.calls import storable_value
from ...expressions.build import Builder, build
from ...expressions.nodes import UNKNOWN, Node, Scope, Type, bad
from ...protocol.framing import Op
from ...protocol.result import RequestError, ResultCode
from ...storage.store import Record
from ...values.bin_values import particle_of
from ...values.packed import PackedError, PackedList, Value, decode_first
from ...versions import ServerVersion
from ..op_context import Working

__all__ = ["check_filter_expression", "exp_modify", "exp_read", "passes"]


class Flags(IntFlag):
    """How an expression's result is written."""

    CREATE_ONLY = 1
    UPDATE_ONLY = 2
    ALLOW_DELETE = 4
    POLICY_NO_FAIL = 8
    EVAL_NO_FAIL = 0x10


_READ_FLAGS = int(Flags.EVAL_NO_FAIL)
_WRITE_FLAGS = 0x1F


def passes(data: bytes, record: Record, digest: bytes, now: float, version: ServerVersion) -> bool:
    """Whether a record passes a filter.

    Raises:
        RequestError: PARAMETER if the filter is no expression of type bool.

    """
    return _filter(data, version).run(Scope(record.bins, record, digest, now)) is True


def check_filter_expression(data: bytes, version: ServerVersion) -> None:
    """Find out whether a filter is one.

    Raises:
        RequestError: PARAMETER if it is no expression of type bool.

    """
    _filter(data, version)


def _filter(data: bytes, version: ServerVersion) -> Node:
    node = build(data, version)
    if node.type != Type.BOOL:
        raise bad("a filter that is no bool")
    return node


def _parse(work: Working, op: Op, allowed: int) -> tuple[Node, int]:
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
    return Builder(work.version)(value.items[0], {}), flags


def _run(work: Working, node: Node) -> Value:
    return node.run(work.scope())  # type: ignore[no-any-return]


def exp_read(work: Working, op: Op) -> None:
    """Run a read op."""
    node, flags = _parse(work, op, _READ_FLAGS)
    result = _run(work, node)
    if result is UNKNOWN:
        if not flags & Flags.EVAL_NO_FAIL:
            raise RequestError(ResultCode.OP_NOT_APPLICABLE, "an unknown result")
        result = None
    work.answer_value(op, *particle_of(result))


def exp_modify(work: Working, op: Op) -> None:
    """Run a write op, which may create, change or delete the bin."""
    name = op.name
    node, flags = _parse(work, op, _WRITE_FLAGS)
    exists = name in work.bins
    refusal = None
    if exists and flags & Flags.CREATE_ONLY:
        refusal = ResultCode.BIN_EXISTS
    elif not exists and flags & Flags.UPDATE_ONLY:
        refusal = ResultCode.BIN_NOT_FOUND
    if refusal is not None:
        if not flags & Flags.POLICY_NO_FAIL:
            raise RequestError(refusal, "write flags")
    else:
        _store(work, name, _run(work, node), flags)
    work.answer_nothing(op)


def _store(work: Working, name: bytes, result: Value, flags: int) -> None:
    if result is UNKNOWN:
        if not flags & Flags.EVAL_NO_FAIL:
            raise RequestError(ResultCode.OP_NOT_APPLICABLE, "an unknown result")
    elif result is not None:
        work.bins[name] = particle_of(storable_value(result))
    elif flags & Flags.ALLOW_DELETE:
        work.bins.pop(name, None)
    elif name in work.bins and not flags:
        raise RequestError(ResultCode.OP_NOT_APPLICABLE, "a nil result")
