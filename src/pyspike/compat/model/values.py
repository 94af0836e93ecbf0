"""The values of the official client that Python has no type of its own for."""

from __future__ import annotations

import json
from typing import Any

from pyspike import HyperLogLog as PlainHyperLogLog
from pyspike import KeyOrderedDict as PlainKeyOrderedDict
from pyspike.compat.model.exceptions import raised

__all__ = ["CDTInfinite", "CDTWildcard", "GeoJSON", "HyperLogLog", "KeyOrderedDict", "null"]


class HyperLogLog(PlainHyperLogLog):
    """A HyperLogLog, which shows its bytes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({bytes(self)!r})"

    __str__ = __repr__


class KeyOrderedDict(PlainKeyOrderedDict[Any, Any]):
    """A map that the server keeps in the order of its keys, which shows itself as a dict does."""

    __slots__ = ()
    __repr__ = dict.__repr__


class GeoJSON:
    """A place or an area, which can be changed.

    Args:
        geo_data: the GeoJSON object as a dict, or as text.

    Attributes:
        geo_data: the object as a dict.

    Raises:
        ParamError: it is neither.
        ClientError: the text is no JSON.
    """

    def __init__(self, *geo_data: Any) -> None:
        if len(geo_data) != 1:
            raise raised("ParamError", "GeoJSON() expects exactly 1 parameter")
        self.geo_data = _parsed(geo_data[0])

    def wrap(self, geo_data: dict[str, Any]) -> int:
        """Have another object in its place.

        Args:
            geo_data: the GeoJSON object.

        Raises:
            ParamError: it is no dict.
        """
        if not isinstance(geo_data, dict):
            raise raised("ParamError", "Geospatial data should be a dictionary or raw GeoJSON string")
        self.geo_data = geo_data
        return 0

    def unwrap(self) -> Any:
        """The GeoJSON object as a dict."""
        return self.geo_data

    def loads(self, raw_geo: str) -> int:
        """Have the object of a text in its place.

        Args:
            raw_geo: the text.

        Raises:
            ClientError: the text is no JSON.
        """
        self.geo_data = _parsed(raw_geo)
        return 0

    def dumps(self) -> str:
        """The GeoJSON object as text."""
        return json.dumps(self.geo_data)

    def __str__(self) -> str:
        return self.dumps()

    def __repr__(self) -> str:
        return repr(self.dumps())


def _parsed(data: Any) -> Any:
    if isinstance(data, dict):
        return data
    if not isinstance(data, str):
        raise raised("ParamError", "Geospatial data should be a dictionary or raw GeoJSON string")
    try:
        return json.loads(data)
    except ValueError as error:
        raise raised("ClientError", f"the text is no GeoJSON: {error}") from error


class null:
    """Stands for no value, where None would mean that nothing is said."""


class CDTInfinite:
    """Greater than all values: the open end of a range."""


class CDTWildcard:
    """Equal to all values."""
