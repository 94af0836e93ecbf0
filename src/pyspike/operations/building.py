"""How the functions of this package make an `Operation`: encoded here, once.

Its value is one msgpack list, `[opcode, arguments...]`, on an element inside the bin wrapped with the way
there: `[0xFF, context, [opcode, arguments...]]` (cdt.md 5.1).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from pyspike._wire import PARTICLE_BLOB, Operation, OperationMaker
from pyspike.operations.context import flat
from pyspike.operations.describe import describe
from pyspike.operations.enums import OpCode

Maker: TypeAlias = Callable[..., Operation]  # of a bin, the way into it and the arguments, the opcode first


def maker(
    code: OpCode, *, write: bool = False, respond_all: bool = True, particle: int = PARTICLE_BLOB
) -> Maker:
    """What makes the operations of this code.

    Args:
        code: the operation's number.
        write: whether it may change the record.
        respond_all: whether it asks for the answers of all operations.
        particle: what to send as its value's particle type; the server does not look at it.
    """
    return OperationMaker(int(code), particle, describe, flat, write=write, respond_all=respond_all).make
