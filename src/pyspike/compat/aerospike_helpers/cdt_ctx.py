"""Helpers of contexts: the ways into nested lists and maps, as lists of what these functions give."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pyspike.compat.facts.constants import CONSTANTS, number
from pyspike.compat.translate.contexts import FILTER_KEY, ORDER_KEY, PAD_KEY

CDT_CTX_ORDER_KEY, CDT_CTX_PAD_KEY = ORDER_KEY, PAD_KEY

_INDEX_TYPES = {0: "default", 1: "list", 2: "mapkeys", 3: "mapvalues"}
_INDEX_DATATYPES = {1: "numeric", 0: "string", 2: "geo2dsphere"}


def index_type_string(index_type: int) -> str:
    """The server's word for what of a bin an index holds, one of `INDEX_TYPE_...`."""
    return _INDEX_TYPES.get(index_type, "invalid")


def index_datatype_string(index_datatype: int) -> str:
    """The server's word for the values that an index holds, one of `INDEX_...`."""
    return _INDEX_DATATYPES.get(index_datatype, "invalid")


class _cdt_ctx:
    """One step of a way.

    Args:
        id: the kind of step, one of `CDT_CTX_...`.
        value: what it looks for.
        extra_args: how it creates what is missing, or which elements it selects.
    """

    def __init__(self, *, id: Any = None, value: Any = None, extra_args: Any = None) -> None:
        self.id = id
        self.value = value
        self.extra_args = extra_args


def _step(kind: str, what: str) -> Callable[[Any], _cdt_ctx]:
    number_ = CONSTANTS[f"CDT_CTX_{kind}"]

    def step(value: Any) -> _cdt_ctx:
        return _cdt_ctx(id=number_, value=value)

    step.__name__ = step.__qualname__ = f"cdt_ctx_{kind.lower()}"
    step.__doc__ = f"The {what}."
    return step


cdt_ctx_list_index = _step("LIST_INDEX", "list element at an index, from the end if negative")
cdt_ctx_list_rank = _step("LIST_RANK", "list element of a rank: 0 the smallest, -1 the largest")
cdt_ctx_list_value = _step("LIST_VALUE", "first list element that equals a value")
cdt_ctx_map_index = _step("MAP_INDEX", "map value at an index in the order of keys")
cdt_ctx_map_rank = _step("MAP_RANK", "map value of a rank: 0 the smallest, -1 the largest")
cdt_ctx_map_key = _step("MAP_KEY", "map value under a key")
cdt_ctx_map_value = _step("MAP_VALUE", "first map value that equals a value")


def cdt_ctx_list_index_create(index: int, order: int = 0, pad: bool = False) -> _cdt_ctx:
    """The list element at an index; the list is created if it is missing.

    Args:
        index: where.
        order: of the list that is created.
        pad: whether the index may be behind the end.
    """
    extra = {ORDER_KEY: order, PAD_KEY: pad}
    return _cdt_ctx(id=CONSTANTS["CDT_CTX_LIST_INDEX_CREATE"], value=index, extra_args=extra)


def cdt_ctx_map_key_create(key: Any, order: int = 0) -> _cdt_ctx:
    """The map value under a key; the map is created if it is missing.

    Args:
        key: the key.
        order: of the map that is created.
    """
    return _cdt_ctx(id=CONSTANTS["CDT_CTX_MAP_KEY_CREATE"], value=key, extra_args={ORDER_KEY: order})


def cdt_ctx_all_children() -> _cdt_ctx:
    """All elements of a list, or entries of a map."""
    return _cdt_ctx(id=CONSTANTS["_AS_CDT_CTX_EXP"])


def cdt_ctx_all_children_with_filter(expression: Any) -> _cdt_ctx:
    """The elements or entries for which a compiled expression is true."""
    return _cdt_ctx(id=CONSTANTS["_AS_CDT_CTX_EXP"], extra_args={FILTER_KEY: expression})


def cdt_ctx_and_filter(expression: Any) -> _cdt_ctx:
    """Of what the step before gives, that for which a compiled expression is true."""
    both = number("_AS_CDT_CTX_AND") | number("_AS_CDT_CTX_EXP")
    return _cdt_ctx(id=both, extra_args={FILTER_KEY: expression})


def cdt_ctx_map_keys_in(keys: list[Any]) -> _cdt_ctx:
    """The map entries with these keys."""
    return _cdt_ctx(id=CONSTANTS["_AS_CDT_CTX_MAP_KEYS_IN"], value=keys)
