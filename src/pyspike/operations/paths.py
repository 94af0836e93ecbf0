"""Operations on all elements that a path leads to, at any depth of lists and maps (server 8.1.2).

To be had by `from pyspike.operations import paths`, or as `operations.paths`.

A path is a list of contexts of which some select several elements:
`[context.map_key("books"), context.all_children(), context.map_key("price")]` leads to all prices.
"""

# mypy: disable-error-code="empty-body"
from __future__ import annotations

from collections.abc import Sequence

from pyspike._types import SupportsToBytes
from pyspike._wire import Operation, Packed
from pyspike.cdt.checks import compiled, member
from pyspike.cdt.context import Context, path
from pyspike.cdt.enums import MODIFY_PATH, PATH_NO_FAIL, PathSelect
from pyspike.cdt.opcodes import BY_PATH, OpCode
from pyspike.cdt.rules import no_fail_bit
from pyspike.operations.maker import added, checked, listed, members, together

__all__ = ["PathSelect", "modify", "select"]


_PATH = checked("ctx", lambda ctx, _: path(ctx))


def _selection(what: PathSelect, no_fail: bool) -> int:
    return member(what, PathSelect, "what") | no_fail_bit(no_fail)


def _new_value(expression: SupportsToBytes) -> Packed:
    return Packed(compiled(expression, "expression", "as_path_value"))


@listed(
    OpCode.CDT_READ,
    (
        _PATH,
        together("flags", _selection, "what", "no_fail", numbers=(members(PathSelect), added(PATH_NO_FAIL))),
    ),
    ("ctx", "flags"),
    opcode=BY_PATH,
    respond_all=False,
)
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
    ...


@listed(
    OpCode.CDT_MODIFY,
    (
        _PATH,
        together("flags", lambda no_fail: MODIFY_PATH | no_fail_bit(no_fail), "no_fail"),
        checked("expression", lambda expression, _: _new_value(expression)),
    ),
    ("ctx", "flags", "expression"),
    opcode=BY_PATH,
    write=True,
    respond_all=False,
)
def modify(
    bin_name: str,
    ctx: Sequence[Context],
    expression: SupportsToBytes,
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
    ...
