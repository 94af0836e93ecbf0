"""Operations on all elements that a path leads to, at any depth of lists and maps (server 8.1.2).

A path is a list of contexts of which some select several elements:
`[context.map_key("books"), context.all_children(), context.map_key("price")]` leads to all prices.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pyspike._types import SupportsToBytes
from pyspike._wire import Operation, Packed
from pyspike.operations.building import maker
from pyspike.operations.checks import compiled, member, truth
from pyspike.operations.context import Context, path
from pyspike.operations.enums import BY_PATH, MODIFY_PATH, PATH_NO_FAIL, OpCode, PathSelect

if TYPE_CHECKING:
    from pyspike.exp import Expression

__all__ = ["PathSelect", "modify", "select"]


_read = maker(OpCode.CDT_READ, respond_all=False)
_modify = maker(OpCode.CDT_MODIFY, write=True, respond_all=False)


def select(
    bin_name: str,
    ctx: Sequence[Context],
    what: PathSelect = PathSelect.MATCHING_TREE,
    *,
    no_fail: bool = False,
) -> Operation:
    """Give what a path leads to.

    Args:
        bin_name: the bin, which holds a list or map.
        ctx: the path, outermost first; at least one entry.
        what: the tree with the matching branches, or a list of values, keys or both.
        no_fail: whether elements are left out for which a filter can't be evaluated.

    Raises (when run):
        RequestInvalid: a filter can't be evaluated for an element, and `no_fail` is not set.
        BinTypeError: the bin holds no list or map.
    """
    flags = member(what, PathSelect, "what") | no_fail_bit(no_fail)
    return _read(bin_name, None, BY_PATH, path(ctx), flags)


def modify(
    bin_name: str,
    ctx: Sequence[Context],
    expression: Expression | SupportsToBytes,
    *,
    no_fail: bool = False,
) -> Operation:
    """Replace each element that a path leads to by the value of an expression. Gives None.

    Args:
        bin_name: the bin, which holds a list or map.
        ctx: the path, outermost first; at least one entry.
        expression: the new value; `exp.loop_value`, `loop_key` and `loop_index` stand for the element in
            question, `exp.remove_result()` takes it out.
        no_fail: whether elements are left as they are for which an expression can't be evaluated.

    Raises:
        InvalidArgument: the expression looks at the record, which can't be seen there.

    Raises (when run):
        ServerError: an expression can't be evaluated for an element, and `no_fail` is not set.
        BinTypeError: the bin holds no list or map.
    """
    flags = MODIFY_PATH | no_fail_bit(no_fail)
    packed = Packed(compiled(expression, "expression", "as_path_value"))
    return _modify(bin_name, None, BY_PATH, path(ctx), flags, packed)


def no_fail_bit(no_fail: bool) -> int:
    """The flag for elements that can't be evaluated."""
    return PATH_NO_FAIL if truth(no_fail, "no_fail") else 0
