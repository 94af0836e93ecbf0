"""Members of enums, which the compiled functions read themselves, are sent and refused as plain ints are that
stand for them, which go through the checks in Python.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from enum import IntEnum, IntFlag
from typing import Any

from pyspike import errors
from pyspike import exp as expressions
from pyspike._wire import DeclaredFunction
from pyspike.operations import bitwise, context, exp, hll, lists, maps, paths, strings
from pyspike.values import HyperLogLog
from support.all_of import all_of

SAMPLES: dict[str, Any] = {
    "bin_name": "tags",
    "name": "tags",
    "begin": "a",
    "bit_offset": 0,
    "bit_size": 8,
    "byte_offset": 0,
    "byte_size": 8,
    "count": 2,
    "ctx": [context.all_children()],
    "end": 4,
    "entries": {"a": 1},
    "expression": expressions.int_bin("n"),
    "index": 1,
    "index_bit_count": 12,
    "key": "a",
    "keys": ["a"],
    "needle": "a",
    "occurrence": 1,
    "pad_string": "x",
    "pattern": "a",
    "prefix": "a",
    "rank": 0,
    "replacement": "b",
    "separator": ",",
    "shift": 1,
    "start": 0,
    "suffix": "a",
    "target_length": 9,
    "value": "a",
    "values": ["a"],
}
OWN = {bitwise: {"value": b"a"}, hll: {"values": [HyperLogLog(b"a")]}}


def enum_of(annotation: str, module: Any) -> type[IntEnum] | None:
    """The enum among the types of a parameter."""
    kinds = [getattr(module, word, None) for word in annotation.split(" | ")]
    return next(
        (kind for kind in kinds if isinstance(kind, type) and issubclass(kind, (IntEnum, IntFlag))), None
    )


def choices(kind: Any) -> list[Any]:
    """All that may be given for a parameter: members, combined as flags are, and one with a bit too many."""
    if issubclass(kind, IntFlag):
        return [kind(bits) for bits in range(2 * max(kind.__members__.values()) + 1)] + [kind(64)]
    return list(kind)


def result(function: Any, given: dict[str, Any]) -> object:
    """The operation's bytes, or the kind of error that came instead."""
    try:
        return function(**given).wire
    except errors.InvalidArgument as error:
        return type(error)


def cases() -> Iterator[Any]:
    for module in (lists, maps, bitwise, hll, strings, exp, paths):
        for name in module.__all__:
            function = getattr(module, name)
            if not isinstance(function, DeclaredFunction):
                continue
            hints = function.declaration.__annotations__
            kinds = {
                each: kind
                for each in function.parameters
                if (kind := enum_of(hints[each], module)) is not None
            }
            bools = [each for each in function.parameters if hints[each] == "bool" and each != "value"]
            if kinds:
                yield module, function, kinds, bools


@all_of("module, function, kinds, bools", [*cases()])
def test_members_are_sent_as_their_numbers(
    module: Any, function: Any, kinds: dict[str, Any], bools: list[str]
) -> None:
    samples = {**SAMPLES, **OWN.get(module, {})}
    if function in (
        bitwise.add,
        bitwise.subtract,
        bitwise.set_int,
        lists.increment,
        maps.increment,
        maps.decrement,
    ):
        samples["value"] = 5
    required = [each for each in function.parameters if each in samples and each not in kinds]
    if module is not paths:
        required = [each for each in required if each != "ctx"]
    given = {each: samples[each] for each in required}
    made = set()
    for values in itertools.product(*map(choices, kinds.values()), *([[False, True]] * len(bools))):
        chosen = dict(zip((*kinds, *bools), values, strict=True))
        plain = {each: int(value) if each in kinds else value for each, value in chosen.items()}
        found = result(function, {**given, **chosen})
        assert found == result(function, {**given, **plain}), chosen
        made.add(found)
    assert any(isinstance(each, bytes) for each in made)
    assert len(made) > 1
