"""What a server's refusal says about the request at hand: its bin and operation, and what the server lacks.

A result code says neither. It is worked out from the request's bytes when an error is made, and only for
codes that need it.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from pyspike._wire import (
    AT_FIELD_COUNT,
    AT_INFO2,
    FIELD_FILTER,
    FRAME_HEADER_SIZE,
    INFO2_DELETE,
    INFO2_DURABLE_DELETE,
    MESSAGE_HEADER_SIZE,
    OP_HEADER_SIZE,
    PARTICLE_NULL,
    Batch,
    Command,
    Operation,
)
from pyspike.errors import ServerError
from pyspike.process.lazy_imports import importing
from pyspike.result_code import ResultCode
from pyspike.showing import shown

__all__ = ["BatchedRow", "explain"]

ABOUT_AN_OPERATION = frozenset(
    {
        ResultCode.BIN_EXISTS_ERROR,
        ResultCode.BIN_TYPE_ERROR,
        ResultCode.BIN_NOT_FOUND,
        ResultCode.ELEMENT_NOT_FOUND,
        ResultCode.ELEMENT_EXISTS,
        ResultCode.OP_NOT_APPLICABLE,
        ResultCode.INVALID_ENCODING,
        ResultCode.INVALID_GEOJSON,
    }
)
# What a server answers that does not know an operation or an expression.
OF_OLD_SERVERS = frozenset(
    {ResultCode.PARAMETER_ERROR, ResultCode.OP_NOT_APPLICABLE, ResultCode.FILTERED_OUT}
)
TO_BE_DURABLE = "in strong consistency a delete has to be durable"
NEWEST = (8, 2)  # servers from here on know all that pyspike can send


class Step(NamedTuple):
    """An operation of a request."""

    code: int
    bin: str
    value: bytes
    particle: int


class BatchedRow(NamedTuple):
    """A row of a batch.

    Args:
        batch: the batch.
        number: the row's number.
    """

    batch: Batch
    number: int


class Asked(NamedTuple):
    """What a server was asked of one record.

    Args:
        condition: the filter expression; empty if there is none.
        steps: the operations as they were sent.
        operations: those that the caller gave; None where bins were given.
        info2: the bits of its info2.
    """

    condition: bytes
    steps: list[Step]
    operations: tuple[Operation, ...] | None
    info2: int


def explain(error: ServerError, request: Command | BatchedRow, version: str) -> None:
    """Add to an error's message and advice what can be told of the request.

    Args:
        error: what the server refused the request with.
        request: the command, or the row of a batch.
        version: the version of the server, empty if it is not known.
    """
    code = error.result_code
    numbers = tuple(int(part) for part in version.split(".") if part.isdigit())
    is_old = code in OF_OLD_SERVERS and () < numbers < NEWEST
    if not is_old and code not in ABOUT_AN_OPERATION and code != ResultCode.FAIL_FORBIDDEN:
        return
    asked = _asked_by_row(request) if isinstance(request, BatchedRow) else _asked_by_command(request)
    if code in ABOUT_AN_OPERATION and (what := _where(asked)):
        error.message = f"{error.message}: {what}"
        error.args = (error.message,)
    if code == ResultCode.FAIL_FORBIDDEN and _deletes(asked):
        advice = f"{TO_BE_DURABLE}: {_where_durable(request, asked)}"
        # A write of None deletes a record only if no bin is left, so what else it may be is told, too.
        error.advice = advice if asked.info2 & INFO2_DELETE else f"{advice}; {error.advice}"
    steps = [] if code == ResultCode.FILTERED_OUT else asked.steps
    if is_old and (needs := _lacking(numbers, asked.condition, steps)):
        error.advice = f"{needs}; node {error.node} runs {version}"


def _where(asked: Asked) -> str:
    """The bin, if there is one only, and the operation, if there is one only."""
    with importing:
        from pyspike.cdt.opcodes import OpCode

    words, steps = [], asked.steps
    bins = {step.bin for step in steps if step.bin}
    if len(bins) == 1 and all(step.code != OpCode.EXP_READ for step in steps):  # which has a name, but no bin
        words.append(f"bin {shown(next(iter(bins)))}")
    if len(steps) == 1 and asked.operations:
        words.append(shown(asked.operations[0]))
    elif len(steps) == 1:
        names = {OpCode.WRITE: "put", OpCode.INCR: "add", OpCode.APPEND: "append", OpCode.PREPEND: "prepend"}
        words += [name for code, name in names.items() if code == steps[0].code]
    return ", ".join(words)


def _deletes(asked: Asked) -> bool:
    """Whether it may delete the record, and not durably."""
    with importing:
        from pyspike.cdt.opcodes import OpCode

    return not asked.info2 & INFO2_DURABLE_DELETE and (
        bool(asked.info2 & INFO2_DELETE)
        or any(
            step.code == OpCode.DELETE_ALL or (step.code == OpCode.WRITE and step.particle == PARTICLE_NULL)
            for step in asked.steps
        )
    )


def _where_durable(request: Command | BatchedRow, asked: Asked) -> str:
    """Which policy says that it is durable."""
    if not isinstance(request, BatchedRow):
        return "give WritePolicy(durable_delete=True)"
    policy = "BatchDeletePolicy" if asked.info2 & INFO2_DELETE else "BatchWritePolicy"
    return f"set durable_delete=True in the row policy, a {policy} here"


def _lacking(version: tuple[int, ...], condition: bytes, steps: list[Step]) -> str:
    """What of a command a server of this version does not know, each with the version that does."""
    with importing:
        from pyspike.server_features import in_expression, in_operation

    features = in_expression(condition).union(*(in_operation(step.code, step.value) for step in steps))
    return ", ".join(
        f"{feature.name} need server {'.'.join(map(str, feature.version))} or later"
        for feature in sorted(features)
        if feature.version > version[: len(feature.version)]
    )


def _asked_by_row(row: BatchedRow) -> Asked:
    condition, count, steps, operations, info2 = row.batch.asked(row.number)
    return Asked(condition or b"", _steps(steps, 0, count), operations, info2)


def _asked_by_command(command: Command) -> Asked:
    request = command.request
    fields, count = struct.unpack_from(">HH", request, FRAME_HEADER_SIZE + AT_FIELD_COUNT)
    at, condition = FRAME_HEADER_SIZE + MESSAGE_HEADER_SIZE, b""
    for _ in range(fields):
        size, kind = struct.unpack_from(">IB", request, at)
        end = at + 4 + size
        if kind == FIELD_FILTER:
            condition = request[at + 5 : end]
        at = end
    info2 = request[FRAME_HEADER_SIZE + AT_INFO2]
    return Asked(condition, _steps(request, at, count), command.operations, info2)


def _steps(data: bytes, at: int, count: int) -> list[Step]:
    """So many operations, which begin here."""
    steps = []
    for _ in range(count):
        size, code, particle, name = struct.unpack_from(">IBBxB", data, at)
        end = at + 4 + size
        value = at + OP_HEADER_SIZE + name
        steps.append(Step(code, data[at + OP_HEADER_SIZE : value].decode(), data[value:end], particle))
        at = end
    return steps
