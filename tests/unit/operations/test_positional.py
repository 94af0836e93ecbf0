"""The return type comes after what is selected, by name or by place, as in the other Aerospike clients."""

from __future__ import annotations

import inspect

import pytest

from pyspike import ListReturnType, MapReturnType
from pyspike.operations import lists, maps

SELECTING = [
    getattr(module, name)
    for module in (lists, maps)
    for name in module.__all__
    if "return_type" in inspect.signature(getattr(module, name)).parameters
]


@pytest.mark.parametrize("function", SELECTING, ids=lambda each: f"{each.__module__}.{each.__name__}")
def test_the_return_type_is_the_last_argument_that_has_a_place(function: object) -> None:
    parameters = list(inspect.signature(function).parameters.values())  # type: ignore[arg-type]
    placed = [each.name for each in parameters if each.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD]
    assert placed[-1] == "return_type"


def test_by_place_and_by_name_are_the_same() -> None:
    assert maps.get_by_key("a", "k", MapReturnType.INDEX) == maps.get_by_key(
        "a", "k", return_type=MapReturnType.INDEX
    )
    assert lists.get_by_index("a", 1, ListReturnType.RANK) == lists.get_by_index(
        "a", 1, return_type=ListReturnType.RANK
    )
