"""One list or map operation on one value.

Owns: which table has an opcode, telling read operations from write operations, creating a value that is
missing. Not here: what the opcodes do (lists.py, maps.py), bins and replies (../records/ops/cdt.py).
"""

from __future__ import annotations

from ..protocol.opcodes import ListOpcode, MapOpcode
from ..protocol.result import RequestError, ResultCode, bad, not_applicable
from ..values.nesting import is_value_nested_deeper
from ..values.packed import PackedList, PackedMap, Value
from ..versions import ServerVersion
from .calls import Call, arguments
from .context import ContextTarget
from .lists import LIST_OPS, new_list
from .maps import MAP_OPS, new_map
from .table import CdtOp

__all__ = ["check_call", "modify", "read"]

FIRST_MAP_OPCODE = min(MapOpcode)
EVEN_EMPTY = (
    ListOpcode.SET_TYPE,
    ListOpcode.APPEND_ITEMS,
    MapOpcode.SET_TYPE,
    MapOpcode.ADD_ITEMS,
    MapOpcode.PUT_ITEMS,
)
"""The opcodes that create a container, and those around it, even if it stays empty."""


def read(value: Value, call: Call) -> Value:
    """The result of a read operation.

    Args:
        value: a list or map.
        call: the operation.

    Raises:
        RequestError: PARAMETER, INCOMPATIBLE_TYPE, OP_NOT_APPLICABLE.

    """
    if call.context is not None:
        _check_root(value)
        place = ContextTarget(value, call.context)
        if place.is_new:
            raise not_applicable("a context that leads nowhere")
        value = place.target
    op = _operation(value, call.opcode, writes=False)
    return op.run(value, arguments(op.kinds, call.args))


def modify(value: Value, call: Call) -> tuple[Value, Value]:
    """The result of a write operation, and the value after it, which may be the same object, changed.

    Args:
        value: a list or map, None if there is none yet; then the second result may be None too.
        call: the operation.

    Raises:
        RequestError: as `read`, and ELEMENT_EXISTS, ELEMENT_NOT_FOUND. The value may have been changed in
            part.

    """
    if call.context is None:
        place = ContextTarget(value, [])
    else:
        _check_root(value)
        place = ContextTarget(value, call.context)
    if not place.is_new:
        op = _operation(place.target, call.opcode, writes=True)
        return op.run(place.target, arguments(op.kinds, call.args)), place.finish(place.target)
    op = _table(call.opcode).get(call.opcode, CdtOp("*", _no_operation, writes=False))
    if not op.writes:
        raise bad(f"opcode {call.opcode}")
    if call.opcode == ListOpcode.SORT:
        raise RequestError(ResultCode.INCOMPATIBLE_TYPE, "sort of nothing")
    if op.creates is None:
        return None, value
    args = arguments(op.kinds, call.args)
    order = args[op.creates] if 0 <= op.creates < len(args) else 0
    target = (new_list if call.opcode < FIRST_MAP_OPCODE else new_map)(order)
    result = op.run(target, args)
    is_empty = not (target.items if isinstance(target, PackedList) else target.pairs)
    if is_empty and call.context is not None and call.opcode not in EVEN_EMPTY:
        return result, value
    return result, place.finish(target)


def check_call(call: Call, version: ServerVersion) -> None:
    """Raise PARAMETER if a server of this version does not know the operation, or refuses its nesting."""
    if call.opcode == ListOpcode.JOIN and not version.strings:
        raise bad(f"opcode {call.opcode}")
    most = version.nesting_max
    if most is not None and (
        len(call.context or ()) > most or any(is_value_nested_deeper(arg, most) for arg in call.args)
    ):
        raise bad("list/map nested too deeply")


def _no_operation(target: Value, args: list[Value]) -> Value:
    return None


def _check_root(value: Value) -> None:
    if value is not None and not isinstance(value, (PackedList, PackedMap)):
        raise bad("a context for a bin that is no list or map")


def _table(opcode: int) -> dict[int, CdtOp]:
    return LIST_OPS if 0 <= opcode < FIRST_MAP_OPCODE else MAP_OPS


def _operation(value: Value, opcode: int, writes: bool) -> CdtOp:
    table = _table(opcode)
    if not isinstance(value, PackedList if table is LIST_OPS else PackedMap):
        raise RequestError(ResultCode.INCOMPATIBLE_TYPE, "an operation for another kind of value")
    op = table.get(opcode)
    if op is None or op.writes != writes:
        raise bad(f"opcode {opcode}")
    return op
