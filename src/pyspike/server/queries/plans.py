"""Which index a query uses that tells in words what it looks for, and the answer to who asks for that.

Owns: what conditions an index can serve, and the choice between indexes. Not here: the words (../ael), and
running queries (streams.py).

Only conditions that all records must meet are looked at: those that are joined by `and`. Of the indexes that
can serve one, the one with the fewest entries for it is chosen.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..ael.compiling import compile_filter, context_of, expression_of, type_told
from ..ael.parsing import parse
from ..ael.tree import Apply, Literal, Node, Path
from ..protocol.constants import (
    INDEX_VALUE_MAX,
    SET_NAME_MAX,
    FieldType,
    IndexCollection,
    ParticleType,
    WhereFlags,
)
from ..protocol.error_details import details_field
from ..protocol.flags import ExpType
from ..protocol.framing import Message
from ..protocol.opcodes import ExpOpcode
from ..protocol.query_plan import Condition, IndexRange, hint_of, plan_reply
from ..protocol.result import RequestError, ResultCode, bad
from ..storage.indexes import Index, IndexDefinition
from ..storage.store import Namespace
from ..topology.state import NodeState
from ..values.integers import INT_MAX, INT_MIN
from ..values.packed import Value
from .indexes import load_percent
from .keys import bval_of

__all__ = ["explain", "with_filter"]

_PARTICLES: dict[int, ParticleType] = {
    ExpType.INT: ParticleType.INTEGER,
    ExpType.STRING: ParticleType.STRING,
    ExpType.BLOB: ParticleType.BLOB,
}
_TURNED = {
    ExpOpcode.EQ: ExpOpcode.EQ,
    ExpOpcode.LT: ExpOpcode.GT,
    ExpOpcode.LE: ExpOpcode.GE,
    ExpOpcode.GT: ExpOpcode.LT,
    ExpOpcode.GE: ExpOpcode.LE,
}
"""What a comparison is from the other side; those that are left out have no use for an index."""

_Source = tuple[int, int, bytes | None, bytes, bytes]
"""What is compared, as an index knows it: particle type, collection, bin, context and expression."""
_Ends = tuple["int | bytes", "int | bytes"]


class _NeverError(Exception):
    """No record can meet the conditions."""


def with_filter(message: Message, condition: Condition) -> Message:
    """A request with the expression that its words mean in the place of them.

    Raises:
        RequestError: PARAMETER: they mean none.

    """
    fields = {kind: data for kind, data in message.fields.items() if kind != FieldType.WHERE}
    fields[int(FieldType.FILTER)] = compile_filter(parse(condition.text))
    return message._replace(fields=fields)


def explain(namespace: Namespace, node: NodeState, message: Message, condition: Condition) -> bytes:
    """The frame that tells the plan of a query, or why there is none.

    Args:
        namespace: the namespace.
        node: the node that is asked.
        message: the request.
        condition: what it looks for.

    """
    try:
        return plan_reply(ResultCode.OK, _plan(namespace, node, message, condition))
    except _NeverError:
        return plan_reply(ResultCode.FILTERED_OUT)
    except RequestError as error:
        return plan_reply(error.code, details=details_field(message.info4, error))


def _plan(namespace: Namespace, node: NodeState, message: Message, condition: Condition) -> IndexRange | None:
    set_name = message.fields.get(FieldType.SET, b"")
    if len(set_name) > SET_NAME_MAX:
        raise bad("the name of a set that is too long")
    hint, tree = hint_of(message), parse(condition.text)
    compile_filter(tree)  # raises if it is none
    ranges = _ranges(tree)
    usable = [found for index in namespace.indexes for found in _uses(index, node, set_name, ranges)]
    hinted = [found for found in usable if found[1].index_name == hint]
    if condition.flags & WhereFlags.HARD_HINT and not hinted:
        raise RequestError(ResultCode.SINDEX_NOT_FOUND, f"the index {hint} can't serve the query")
    chosen = min(hinted or usable, key=lambda found: (found[0], found[1].index_name), default=None)
    if chosen is None and condition.flags & WhereFlags.REQUIRE_INDEX:
        raise RequestError(ResultCode.SINDEX_NOT_FOUND, "no index can serve the query")
    return None if chosen is None else chosen[1]


def _uses(
    index: Index, node: NodeState, set_name: bytes, ranges: dict[_Source, _Ends]
) -> Iterator[tuple[int, IndexRange]]:
    """How many entries of an index are in the range that it can serve, and that range."""
    definition = index.definition
    if definition.set_name not in (None, set_name) or definition.collection == IndexCollection.SET:
        return
    ends = ranges.get(_source_of(definition))
    if ends is None or load_percent(node, index) < 100:
        return
    first, last = ends
    low, high = (
        end if isinstance(end, int) else bval_of(bytes((definition.particle,)) + end, definition.particle)
        for end in ends
    )
    if low is None or high is None:
        return
    yield (
        index.count(low, high),
        IndexRange(
            index.name, definition.collection, definition.bin or b"", definition.particle, first, last
        ),
    )


def _source_of(definition: IndexDefinition) -> _Source:
    return (
        definition.particle,
        definition.collection,
        definition.bin,
        definition.context,
        definition.expression,
    )


# --- what indexes can serve ---------------------------------------------------------------------------------


def _ranges(tree: Node) -> dict[_Source, _Ends]:
    """The ranges in which values must be, by what has them."""
    ranges: dict[_Source, _Ends] = {}
    for part in _conditions(tree):
        if isinstance(part, Literal) and part.value is False:
            raise _NeverError
        for source, ends in _condition(part):
            if source in ranges and source[1] == IndexCollection.DEFAULT:
                ends = _meet(ends, ranges[source])
            first, last = ends
            if first > last:  # type: ignore[operator]
                raise _NeverError
            ranges[source] = ends
    return ranges


def _meet(one: tuple[Any, Any], other: tuple[Any, Any]) -> tuple[Any, Any]:
    return max(one[0], other[0]), min(one[1], other[1])


def _conditions(tree: Node) -> Iterator[Node]:
    """The parts that all have to be true."""
    if isinstance(tree, Apply) and tree.opcode == ExpOpcode.AND:
        for part in tree.parts:
            yield from _conditions(part)
    else:
        yield tree


def _condition(part: Node) -> Iterator[tuple[_Source, _Ends]]:
    """What a condition says of a value, if it is one that an index can serve."""
    if not isinstance(part, Apply) or len(part.parts) != 2:
        return
    left, right = part.parts
    if part.opcode == ExpOpcode.IN_LIST and isinstance(left, Literal) and isinstance(right, Path):
        particle = _PARTICLES.get(left.type)
        if particle is not None and not right.function and right.type in (None, ExpType.LIST):
            value = _bare(left.value)
            source = (particle, IndexCollection.LIST, right.bin, context_of(right.steps), b"")
            yield source, (value, value)
        return
    opcode = part.opcode
    if opcode in _TURNED and isinstance(left, Literal) and not isinstance(right, Literal):
        left, right, opcode = right, left, _TURNED[opcode]
    if opcode not in _TURNED or not isinstance(right, Literal) or isinstance(left, Literal):
        return
    ends = _ends(opcode, right)
    if ends is None:
        return
    particle = _PARTICLES[right.type]
    if isinstance(left, Path) and not left.function:
        yield (particle, IndexCollection.DEFAULT, left.bin, context_of(left.steps), b""), ends
    if type_told(left) in (None, right.type):
        yield (particle, IndexCollection.DEFAULT, None, b"", expression_of(left, right.type)), ends


def _ends(opcode: ExpOpcode, literal: Literal) -> _Ends | None:
    """The values that meet a comparison; None if an index can't find them."""
    if literal.type not in _PARTICLES:
        return None
    value = _bare(literal.value)
    if isinstance(value, bytes):
        return (value, value) if opcode == ExpOpcode.EQ and len(value) <= INDEX_VALUE_MAX else None
    if opcode in (ExpOpcode.GT, ExpOpcode.GE):
        return value + (opcode == ExpOpcode.GT), INT_MAX
    if opcode in (ExpOpcode.LT, ExpOpcode.LE):
        return INT_MIN, value - (opcode == ExpOpcode.LT)
    return value, value


def _bare(value: Value) -> int | bytes:
    """An integer, or the bytes of a text without its type."""
    if isinstance(value, bytes):
        return value[1:]
    assert isinstance(value, int)
    return value
