"""The ops HLL_READ and HLL_MODIFY of a request.

Owns: missing bins, types, replies. Not here: the operations (../../hll/operate.py).
"""

from __future__ import annotations

from ...hll.operate import modify_hll, read_hll
from ...protocol.constants import ParticleType
from ...protocol.framing import Op
from ...protocol.result import RequestError, ResultCode
from ...values.bin_values import particle_of
from ..op_context import OpContext
from .bits import opcode_and_args

__all__ = ["hll_modify", "hll_read"]


def _particle(found: tuple[int, bytes]) -> bytes:
    if found[0] != ParticleType.HLL:
        raise RequestError(ResultCode.INCOMPATIBLE_TYPE, "an HLL operation on another bin")
    return found[1]


def hll_read(ctx: OpContext, op: Op) -> None:
    """Run HLL_READ."""
    found = ctx.bins.get(op.name)
    if found is None:
        ctx.answer_nothing(op)
        return
    data = _particle(found)
    ctx.answer_value(op, *particle_of(read_hll(data, *opcode_and_args(op.value))))


def hll_modify(ctx: OpContext, op: Op) -> None:
    """Run HLL_MODIFY. Some operations create the bin."""
    name = op.name
    found = ctx.bins.get(name)
    before = None if found is None else _particle(found)
    after, result = modify_hll(before, *opcode_and_args(op.value))
    if after is not None:
        ctx.bins[name] = (ParticleType.HLL, after)
    if result is None:
        ctx.answer_nothing(op)
    else:
        ctx.answer(op, *particle_of(result))
