"""Paths inside expressions, by the names of `pyspike.operations.paths` (server 8.1.2).

They share these arguments:

- `source`: a list or map; a str names a list bin or map bin, whichever the first context is for.
- `ctx`: the path, outermost first; at least one entry.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyspike._wire import Packed, pack_element
from pyspike.cdt.checks import member
from pyspike.cdt.context import Context, path
from pyspike.cdt.enums import MODIFY_PATH, PathSelect
from pyspike.cdt.opcodes import BY_PATH, MODIFY, ExpOp, System
from pyspike.cdt.rules import no_fail_bit
from pyspike.cdt.types import ExpType
from pyspike.errors import InvalidArgument
from pyspike.exp.analysis import Analysis
from pyspike.exp.calls import source_of
from pyspike.exp.expression import Expression, Operand, literal, names_bin, node, operand
from pyspike.showing import shown

__all__ = ["modify", "select"]


def select(
    source: Operand,
    ctx: Sequence[Context],
    what: PathSelect = PathSelect.MATCHING_TREE,
    *,
    no_fail: bool = False,
) -> Expression:
    """What a path leads to.

    Args:
        what: the tree with the matching branches, or a list of values, keys or both.
        no_fail: whether elements are left out for which a filter can't be evaluated.
    """
    made = _source(source, "paths.select", ctx)
    flags = member(what, PathSelect, "what") | no_fail_bit(no_fail)
    kind = ExpType.LIST if flags & 0x0F else _kind(made)
    operation = Packed(pack_element([BY_PATH, path(ctx), flags]))
    return node(ExpOp.CALL, kind, int(kind), int(System.CDT), operation, made)


def modify(
    source: Operand, ctx: Sequence[Context], expression: Operand, *, no_fail: bool = False
) -> Expression:
    """The source with each element that a path leads to replaced by the value of an expression.

    Args:
        expression: the new value; `loop_value`, `loop_key` and `loop_index` stand for the element in
            question, `remove_result()` takes it out.
        no_fail: whether elements are left as they are for which an expression can't be evaluated.

    Raises:
        InvalidArgument: the expression looks at the record, or has a variable of an `exp.let` around the
            path, which can't be seen inside it.
    """
    made = _source(source, "paths.modify", ctx)
    new = literal(expression)
    flags = MODIFY_PATH | no_fail_bit(no_fail)
    operation = Packed(pack_element([BY_PATH, path(ctx), flags, Packed(new.as_path_value())]))
    kind = _kind(made)
    apart = Analysis(None, ExpOp.CALL, levels=new._analysis.levels)  # what the new value needs, the path has
    return node(ExpOp.CALL, kind, int(kind), System.CDT | MODIFY, operation, made, inside=[apart])


def _source(source: Operand, name: str, ctx: Sequence[Context]) -> Expression:
    path(ctx)  # so that what is no path is said first
    outer = [entry for entry in ctx[:1] if not entry.path_only]
    if outer:
        return source_of(source, name, ExpType.LIST, outer)
    if ctx[0].in_map:
        return source_of(source, name, ExpType.MAP)
    return _container(source, name)


def _container(source: Operand, name: str) -> Expression:
    if names_bin(source):
        raise InvalidArgument(
            f"exp.{name}: {shown(source)} may name a list or a map",
            advice="write exp.list_bin or exp.map_bin",
        )
    return operand(source, name, 0, (ExpType.LIST, ExpType.MAP))


def _kind(source: Expression) -> ExpType:
    return source.type or ExpType.LIST
