"""What engines compare columns with, as the filter expressions and index filters that nodes take.

Nodes may give more records than a comparison holds for, as engines look at all conditions again, but never
fewer. So floats are not compared by nodes: engines say that NaN is greater than any number, and a column of
floats may have integers, which the comparison of a float bin does not find.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from pyspike import exp, filters
from pyspike._wire import ArrowSchema, IndexFilter
from pyspike.errors import AerospikeError
from pyspike.index import CollectionIndexType, IndexType
from pyspike.integrations.place import Place
from pyspike.integrations.selection import Selection

__all__ = ["Comparison", "pushed_down"]

_COMPARE = {"==": exp.eq, "!=": exp.ne, "<": exp.lt, "<=": exp.le, ">": exp.gt, ">=": exp.ge}
_INTEGERS = frozenset("csilCSIL")
_INDEXED: dict[IndexType | None, type] = {
    IndexType.INTEGER: int,
    IndexType.NUMERIC: int,
    IndexType.STRING: str,
}
_LEAST, _GREATEST = -(2**63), 2**63 - 1


class Comparison(NamedTuple):
    """A column and what it is compared with.

    Args:
        column: its name.
        sign: "==", "!=", "<", "<=", ">", ">=", "in" (one of several values) or "exists" (it is not null).
        value: what it is compared with: an int, str or bool, which nodes can compare, or anything else; for
            "in" several of one of these types.
    """

    column: str
    sign: str
    value: Any = None


def pushed_down(
    selection: Selection, comparisons: Iterable[Comparison], place: Place | None = None
) -> tuple[Selection, list[Comparison]]:
    """A selection with all records for which all comparisons hold, and those comparisons that it can't make.

    It may have other records, too: whoever asks looks at the comparisons again.

    Args:
        selection: of columns that are known.
        comparisons: all of which are to hold.
        place: where to ask which bins have an index; None for none.
    """
    made, left = [], []
    for each in comparisons:
        expression = _expression(selection, each)
        if expression is None:
            left.append(each)
        else:
            made.append((each, expression))
    if not made:
        return selection, left
    parts = [expression for _, expression in made]
    if selection.filter_expression is not None:
        assert isinstance(selection.filter_expression, bytes)
        parts.insert(0, exp.Expression.from_bytes(selection.filter_expression))
    whole = parts[0] if len(parts) == 1 else exp.and_(*parts)
    found = selection.where
    if place is not None and found is None:
        found = _index_filter(place, selection, [each for each, _ in made])
    return replace(selection, filter_expression=whole, where=found), left


def _expression(selection: Selection, comparison: Comparison) -> Any:
    """An expression that is true wherever the comparison is; None if there is none."""
    column, sign, value = comparison
    field = _field(selection, column)
    if field is None:
        return None
    if sign == "exists":
        return exp.bin_exists(column)
    bin_ = _bin(field)
    if bin_ is None:
        return None
    make, kind = bin_
    values = list(value) if sign == "in" else [value]
    if not values or not all(_is(kind, each) for each in values):
        return None
    if sign == "in":
        equal = [exp.eq(make(column), each) for each in values]
        return equal[0] if len(equal) == 1 else exp.or_(*equal)
    return _COMPARE[sign](make(column), value)


def _field(selection: Selection, column: str) -> ArrowSchema | None:
    """The column of a bin; None for what is no bin."""
    metadata = selection.metadata
    others = metadata.values() if isinstance(metadata, dict) else metadata
    if column in others or column == selection.extra:
        return None
    try:
        return selection.columns.field(column)
    except KeyError:
        return None


def _bin(field: ArrowSchema) -> tuple[Any, type] | None:
    """What reads a bin in an expression, and the type of its values; None for what nodes do not compare."""
    if field.metadata or field.dictionary is not None:
        return None
    if field.format in _INTEGERS:
        return exp.int_bin, int
    if field.format in ("u", "U", "vu"):
        return exp.str_bin, str
    return (exp.bool_bin, bool) if field.format == "b" else None


def _is(kind: type, value: Any) -> bool:
    """Whether a value is of the type, and fits into a bin."""
    if kind is int:
        return type(value) is int and _LEAST <= value <= _GREATEST
    return type(value) is kind


def _index_filter(
    place: Place, selection: Selection, comparisons: Sequence[Comparison]
) -> IndexFilter | None:
    """What to look for in an index, if a bin that is compared has one; the expression looks at the rest."""
    try:
        indexes = place.client().list_indexes(selection.namespace)
    except AerospikeError:
        return None
    indexed = {
        (index.bin, _INDEXED.get(index.type))
        for index in indexes
        if index.is_built
        and index.set_name == selection.set_name
        and index.collection is CollectionIndexType.DEFAULT
        and index.ctx is None
    }
    for column in dict.fromkeys(each.column for each in comparisons):
        of_column = [
            each for each in comparisons if each.column == column and (column, type(each.value)) in indexed
        ]
        equal = [each.value for each in of_column if each.sign == "=="]
        if equal:
            return filters.equal(column, equal[0])
        low, high = _LEAST, _GREATEST
        for _, sign, value in of_column:
            if type(value) is int and sign in (">", ">="):
                low = max(low, value + (sign == ">"))
            elif type(value) is int and sign in ("<", "<="):
                high = min(high, value - (sign == "<"))
        if (low, high) != (_LEAST, _GREATEST) and low <= high:
            return filters.range(column, low, high)
    return None
