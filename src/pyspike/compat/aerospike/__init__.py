"""Stands for the module `aerospike`: programs that are written for the official client run on pyspike."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pyspike.compat.aerospike import exception, predicates
from pyspike.compat.client.client import Client
from pyspike.compat.client.config_provider import ConfigProvider
from pyspike.compat.client.connection import SERIALIZERS
from pyspike.compat.client.logs import set_log_handler, set_log_level
from pyspike.compat.client.methods import function
from pyspike.compat.client.query import Query, Scan
from pyspike.compat.facts.constants import CONSTANTS
from pyspike.compat.model.exceptions import param_error
from pyspike.compat.model.transaction import Transaction
from pyspike.compat.model.values import CDTInfinite, CDTWildcard, GeoJSON, KeyOrderedDict, null
from pyspike.compat.translate.keys import digest_of, partition_of

__all__ = [
    "CDTInfinite",
    "CDTWildcard",
    "Client",
    "ConfigProvider",
    "GeoJSON",
    "KeyOrderedDict",
    "Query",
    "Scan",
    "Transaction",
    "calc_digest",
    "client",
    "exception",
    "geodata",
    "geojson",
    "get_partition_id",
    "null",
    "predicates",
    "set_deserializer",
    "set_log_handler",
    "set_log_level",
    "set_serializer",
    "unset_serializers",
    *(name for name in CONSTANTS if not name.startswith("_")),
]

globals().update(CONSTANTS)

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...


def client(*config: Any, **named: Any) -> Client:
    """Make a client, which connects at once.

    Args:
        config: the configuration: a dict with `hosts` and more.

    Raises:
        ParamError: a key of the configuration is not known, or a value can't be used.
        ConnectionError: no host can be reached.
    """
    try:
        return Client(*config, **named)
    except TypeError as error:
        if error.__traceback__ is not None and error.__traceback__.tb_next is not None:
            raise
        raise param_error("No config argument")  # noqa: B904 - the TypeError is its context, as it is officially


@function
def calc_digest(ns: str, set: str, key: Any) -> bytearray:
    """The digest of a key.

    Args:
        ns: the namespace.
        set: the set's name.
        key: the user key.

    Raises:
        TypeError: an argument is of the wrong type.
    """
    return digest_of(ns, set, key)


def get_partition_id(digest: Any) -> int:
    """The partition of a digest.

    Args:
        digest: its 20 bytes.
    """
    return partition_of(digest)


def geodata(geo_data: Any) -> GeoJSON:
    """A GeoJSON object.

    Args:
        geo_data: the object as a dict.
    """
    return GeoJSON(geo_data)


def geojson(geojson_str: Any) -> GeoJSON:
    """A GeoJSON object.

    Args:
        geojson_str: the object as text.
    """
    return GeoJSON(geojson_str)


def set_serializer(function: Callable[[Any], Any]) -> int:
    """Have a function make bytes of values that Aerospike has no type for, with `SERIALIZER_USER`.

    Args:
        function: takes the value.

    Raises:
        ParamError: it can't be called.
    """
    SERIALIZERS.serialize = _callable(function)
    return 0


def set_deserializer(function: Callable[[Any], Any]) -> int:
    """Have a function make values of the bytes that are read.

    Args:
        function: takes the bytes.

    Raises:
        ParamError: it can't be called.
    """
    SERIALIZERS.deserialize = _callable(function)
    return 0


def unset_serializers() -> int:
    """Forget both functions."""
    SERIALIZERS.serialize = SERIALIZERS.deserialize = None
    return 0


def _callable(function: Any) -> Callable[[Any], Any]:
    if not callable(function):
        raise param_error("Parameter must be a callable")
    return function  # type: ignore[no-any-return]
