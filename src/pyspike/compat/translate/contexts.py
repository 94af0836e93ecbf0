"""Contexts: the ways into nested lists and maps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pyspike import errors
from pyspike.cdt.context import Context
from pyspike.compat.facts.constants import CONSTANTS, number
from pyspike.compat.model.exceptions import param_error
from pyspike.compat.translate.values import sendable
from pyspike.operations import context

__all__ = ["FILTER_KEY", "ORDER_KEY", "PAD_KEY", "contexts_of"]

ORDER_KEY = "order_key"
PAD_KEY = "pad_key"
FILTER_KEY = CONSTANTS["_CDT_CTX_FILTER_EXPR_KEY"]

_FILTERED = number("_AS_CDT_CTX_EXP")
_AND = number("_AS_CDT_CTX_AND") | _FILTERED


def _list_index_create(value: Any, extra: dict[Any, Any]) -> Context:
    return context.list_index_create(value, order=extra.get(ORDER_KEY, 0), pad=bool(extra.get(PAD_KEY)))


def _map_key_create(value: Any, extra: dict[Any, Any]) -> Context:
    return context.map_key_create(value, order=extra.get(ORDER_KEY, 0))


def _children(value: Any, extra: dict[Any, Any]) -> Context:
    chosen = extra.get(FILTER_KEY)
    return context.all_children() if chosen is None else context.all_children_with_filter(chosen)


def _plain(function: Callable[[Any], Context]) -> Callable[[Any, dict[Any, Any]], Context]:
    return lambda value, extra: function(value)


MAKERS: dict[int, Callable[[Any, dict[Any, Any]], Context]] = {
    number("CDT_CTX_LIST_INDEX"): _plain(context.list_index),
    number("CDT_CTX_LIST_RANK"): _plain(context.list_rank),
    number("CDT_CTX_LIST_VALUE"): _plain(context.list_value),
    number("CDT_CTX_LIST_INDEX_CREATE"): _list_index_create,
    number("CDT_CTX_MAP_INDEX"): _plain(context.map_index),
    number("CDT_CTX_MAP_RANK"): _plain(context.map_rank),
    number("CDT_CTX_MAP_KEY"): _plain(context.map_key),
    number("CDT_CTX_MAP_VALUE"): _plain(context.map_value),
    number("CDT_CTX_MAP_KEY_CREATE"): _map_key_create,
    number("_AS_CDT_CTX_MAP_KEYS_IN"): _plain(context.map_keys_in),
    _FILTERED: _children,
    _AND: lambda value, extra: context.and_filter(extra[FILTER_KEY]),
}


def contexts_of(steps: Any) -> list[Context]:
    """The contexts that a list of `cdt_ctx` objects stands for.

    Raises:
        ParamError: it is no list of them, or one has a value that can't be used.
    """
    if not isinstance(steps, list):
        raise param_error("ctx must be a list")
    return [_context(step) for step in steps]


def _context(step: Any) -> Context:
    number_, value = getattr(step, "id", None), getattr(step, "value", None)
    if number_ not in MAKERS:
        raise param_error("Failed to convert the ctx: it must be a list of cdt_ctx objects")
    try:
        return MAKERS[number_](sendable(value), getattr(step, "extra_args", None) or {})
    except errors.InvalidArgument as error:
        raise param_error(error.message) from error
