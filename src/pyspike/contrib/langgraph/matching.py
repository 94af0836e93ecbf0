"""Which items a search wants, and which namespaces a listing: decided here, and by nodes where they can."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from langgraph.store.base import MatchCondition

from pyspike import exp
from pyspike.errors import InvalidArgument

__all__ = ["all_fit", "filter_of", "known_prefix", "matches", "value_fits"]

COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "$gt": operator.gt,
    "$gte": operator.ge,
    "$lt": operator.lt,
    "$lte": operator.le,
}


def value_fits(value: Any, wanted: Any) -> bool:
    """Whether a value is what a filter wants: equal to it, or in a relation to it such as `{"$gt": 3}`.

    Raises:
        InvalidArgument: there is no such relation.
    """
    if isinstance(wanted, Mapping):
        if any(str(name).startswith("$") for name in wanted):
            return all(_holds(value, name, operand) for name, operand in wanted.items())
        return isinstance(value, Mapping) and all_fit(value, wanted)
    if isinstance(wanted, (list, tuple)):
        same_length = isinstance(value, (list, tuple)) and len(value) == len(wanted)
        return same_length and all(map(value_fits, value, wanted))
    return bool(value == wanted)


def all_fit(value: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether the fields of a value are what a filter wants of them."""
    return all(value_fits(value.get(name), each) for name, each in wanted.items())


def _holds(value: Any, relation: str, operand: Any) -> bool:
    if relation == "$eq":
        return bool(value == operand)
    if relation == "$ne":
        return bool(value != operand)
    compare = COMPARISONS.get(relation)
    if compare is None:
        raise InvalidArgument(
            f"there is no relation {relation!r}; there are $eq, $ne, {', '.join(COMPARISONS)}"
        )
    numbers = isinstance(value, (int, float)) and isinstance(operand, (int, float))
    texts = isinstance(value, str) and isinstance(operand, str)
    return (numbers or texts) and compare(value, operand)


def filter_of(bin_name: str, wanted: Mapping[str, Any] | None) -> exp.Expression | None:
    """What nodes can decide: they leave out most that does not fit, and nothing that does.

    That is equality of texts; a number may be equal to one of another type, which nodes would not see.
    """
    equal = [
        exp.eq(exp.maps.get_by_key(exp.map_bin(bin_name), name, exp.ExpType.STRING), exp.val(value))
        for name, value in (wanted or {}).items()
        if isinstance(value, str)
    ]
    return exp.and_(*equal) if len(equal) > 1 else (equal[0] if equal else None)


def matches(namespace: tuple[str, ...], conditions: Iterable[MatchCondition]) -> bool:
    """Whether a namespace has the beginnings and ends that are wanted, in which * stands for any label."""
    return all(_has(namespace, each) for each in conditions)


def _has(namespace: tuple[str, ...], condition: MatchCondition) -> bool:
    path = condition.path
    if condition.match_type not in ("prefix", "suffix"):
        raise InvalidArgument(f"the type of a condition is prefix or suffix, not {condition.match_type!r}")
    if len(path) > len(namespace):
        return False
    part = (
        namespace[: len(path)]
        if condition.match_type == "prefix"
        else namespace[len(namespace) - len(path) :]
    )
    return all(wanted in ("*", label) for wanted, label in zip(path, part, strict=True))


def known_prefix(conditions: Iterable[MatchCondition]) -> tuple[str, ...]:
    """The longest beginning without a * that all namespaces have for which conditions hold."""
    longest: tuple[str, ...] = ()
    for condition in conditions:
        if condition.match_type == "prefix":
            path = tuple(condition.path)
            path = path[: path.index("*")] if "*" in path else path
            longest = max(longest, path, key=len)
    return longest
