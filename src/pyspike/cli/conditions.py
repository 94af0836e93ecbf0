"""The words behind `--where`: which records are looked for.

A condition is one for an index, or for a filter that looks at every record: they find the same records.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from pyspike import GeoJSON, errors, exp, filters
from pyspike.cdt.enums import ListReturnType, MapReturnType
from pyspike.columnar.json_values import from_json
from pyspike.exp import Expression
from pyspike.filters import IndexFilter
from pyspike.index import CollectionIndexType

__all__ = ["WHERE_HELP", "Condition", "parse_condition"]

WHERE_HELP = """\b
What is looked for is one of these; values are JSON:
  age = 21                         an integer, a text ("Ann" with its quotes), or bytes ({"$bytes": "00ff"})
  age between 20 and 29            integers, both included
  home within {"type": "AeroCircle", "coordinates": [[13.4, 52.5], 2000]}
  area contains {"type": "Point", "coordinates": [13.4, 52.5]}
In place of a bin's own value: list(tags), keys(scores), values(scores), as in list(tags) = "new".
A bin whose name has spaces or signs stands in double quotes.
"""

_PARTS = {
    "list": CollectionIndexType.LIST,
    "keys": CollectionIndexType.MAP_KEYS,
    "values": CollectionIndexType.MAP_VALUES,
}
_BIN = r'(?:"(?P<quoted>[^"]+)"|(?P<bin>[^\s()="]+))'
_INSIDE = r'(?:"(?P<quoted_inside>[^"]+)"|(?P<inside>[^\s()="]+))'
_CONDITION = re.compile(
    rf"\s*(?:(?P<part>{'|'.join(_PARTS)})\s*\(\s*{_INSIDE}\s*\)|{_BIN})"
    r"\s*(?P<word>=|\bbetween\b|\bwithin\b|\bcontains\b)\s*(?P<rest>.*)",
    re.DOTALL,
)
_BETWEEN = re.compile(r"([-+]?\d+)\s+and\s+([-+]?\d+)\s*")


@dataclass(frozen=True, slots=True)
class Condition:
    """What is looked for in a bin.

    Args:
        bin: its name.
        part: what of it is looked at.
        word: "=", "between", "within" or "contains".
        values: what is looked for: one value, or both ends.
    """

    bin: str
    part: CollectionIndexType
    word: str
    values: tuple[Any, ...]

    def index_filter(self) -> IndexFilter:
        """The condition for a query by an index.

        Raises:
            InvalidType, InvalidArgument: no index can hold what is looked for.
        """
        find: dict[str, Callable[..., IndexFilter]] = {
            "=": filters.equal,
            "between": filters.range,
            "within": filters.geo_within_region,
            "contains": filters.geo_contains,
        }
        return find[self.word](self.bin, *self.values, self.part)

    def expression(self) -> Expression:
        """The condition for a look at every record.

        Raises:
            InvalidType, InvalidArgument: it can't be written as an expression.
            ValueError: it is about places in a list or a map.
        """
        if self.word in ("within", "contains"):
            if self.part is not CollectionIndexType.DEFAULT:
                raise ValueError("places in lists and maps are only found by an index, with `pyspike query`")
            return exp.geo_compare(exp.geo_bin(self.bin), *self.values)
        if self.part is not CollectionIndexType.DEFAULT:
            return exp.gt(self._count(), 0)
        first, *last = self.values
        kinds = {int: exp.int_bin, str: exp.str_bin, bytes: exp.blob_bin}
        bin_ = kinds[type(first)](self.bin)
        return exp.and_(exp.ge(bin_, first), exp.le(bin_, *last)) if last else exp.eq(bin_, first)

    def _count(self) -> Expression:
        """How many elements of a list or a map are as they should be."""
        is_list = self.part is CollectionIndexType.LIST
        calls: ModuleType = exp.lists if is_list else exp.maps
        count = ListReturnType.COUNT if is_list else MapReturnType.COUNT
        name = "key" if self.part is CollectionIndexType.MAP_KEYS else "value"
        if self.word == "=":
            found: Expression = getattr(calls, f"get_by_{name}")(self.bin, *self.values, return_type=count)
            return found
        first, last = self.values
        end = None if last == _GREATEST else last + 1  # the end of a range is not in it
        between: Expression = getattr(calls, f"get_by_{name}_range")(self.bin, first, end, return_type=count)
        return between


_GREATEST = 2**63 - 1


def parse_condition(text: str) -> Condition:
    """The condition that a text means.

    Raises:
        ValueError: it means none.
    """
    found = _CONDITION.fullmatch(text)
    if found is None:
        raise ValueError('it must be as in: age between 20 and 29; name = "Ann"; list(tags) = "new"')
    bin_name = next(found[name] for name in ("quoted", "bin", "quoted_inside", "inside") if found[name])
    part = _PARTS.get(found["part"], CollectionIndexType.DEFAULT)
    return Condition(bin_name, part, found["word"], _values(found["word"], found["rest"]))


def _values(word: str, text: str) -> tuple[Any, ...]:
    if word == "between":
        ends = _BETWEEN.fullmatch(text)
        if ends is None:
            raise ValueError("behind `between` there must be two integers with `and` in between")
        return int(ends[1]), int(ends[2])
    try:
        value = from_json(json.loads(text))
    except json.JSONDecodeError:
        raise ValueError(f'{text.strip()!r} is no JSON; a text stands in quotes, as "Ann" does') from None
    if word != "=":
        return (_place(value),)
    if type(value) not in (int, str, bytes):
        raise ValueError("only integers, texts and bytes can be looked for")
    return (value,)


def _place(value: object) -> GeoJSON:
    if isinstance(value, dict | GeoJSON):
        try:
            return value if isinstance(value, GeoJSON) else GeoJSON(value)
        except errors.AerospikeError as error:
            raise ValueError(str(error)) from None
    raise ValueError("a place is a GeoJSON object")
