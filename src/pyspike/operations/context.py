"""The way to an element inside a bin's list or map: `ctx=` of operations takes a list of these, outermost
first.

To be had by `from pyspike.operations import context`, or as `operations.context`.

`[context.map_key("orders"), context.list_index(-1)]` leads to the last of the list `orders` of a map. The
functions with `create` make the container they look in if it is missing. Those for paths (`all_children`
and so on, server 8.1.2) select several elements; only the operations of `paths` take them.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Sequence

from pyspike._types import SupportsToBytes
from pyspike._wire import Packed, pack_element, plain_text
from pyspike.cdt.checks import MapKey, compiled, items, member, truth, whole
from pyspike.cdt.checks import map_key as checked_key
from pyspike.cdt.context import Context, Ctx, entries
from pyspike.cdt.enums import ListOrder, MapOrder
from pyspike.cdt.msgpack_tree import read_tree, split_list
from pyspike.cdt.opcodes import ContextType, ListCreate, MapCreate
from pyspike.errors import InvalidArgument, ProtocolError
from pyspike.showing import shown

__all__ = [
    "Context",
    "Ctx",
    "MapKey",
    "all_children",
    "all_children_with_filter",
    "and_filter",
    "from_base64",
    "list_index",
    "list_index_create",
    "list_rank",
    "list_value",
    "map_index",
    "map_key",
    "map_key_create",
    "map_keys_in",
    "map_rank",
    "map_value",
    "to_base64",
]

_CREATE_MAP = {order: MapCreate[order.name] for order in MapOrder}


# Into lists -------------------------------------------------------------------------------------------------


def _number(value: int, name: str) -> Packed:
    """An index or rank, encoded."""
    number = whole(value, name)
    if not -(1 << 63) <= number < 1 << 63:
        raise InvalidArgument(f"{name}: {shown(number)} does not fit into a signed 64-bit integer")
    return Packed(pack_element(number))


def list_index(index: int) -> Context:
    """The list element at `index`, from the end if negative."""
    return Context(ContextType.LIST_INDEX, _number(index, "index"))


def list_index_create(index: int, *, order: ListOrder = ListOrder.UNORDERED, pad: bool = False) -> Context:
    """The list element at `index`; the list is created if it is missing.

    Args:
        index: where, at most the list's length.
        order: of the list that is created.
        pad: whether `index` may be behind the end; None is put before it. Not for an ordered list.

    Raises:
        InvalidArgument: `pad` with an ordered list.
    """
    if member(order, ListOrder, "order") == ListOrder.ORDERED:
        if truth(pad, "pad"):
            raise InvalidArgument("an ordered list can't be padded", advice="leave out pad, or order")
        flag = ListCreate.ORDERED
    else:
        flag = ListCreate.PADDED if truth(pad, "pad") else ListCreate.UNORDERED
    return Context(ContextType.LIST_INDEX | flag, _number(index, "index"))


def list_rank(rank: int) -> Context:
    """The list element of this `rank`: 0 the smallest, -1 the largest."""
    return Context(ContextType.LIST_RANK, _number(rank, "rank"))


def list_value(value: object) -> Context:
    """The first list element that equals `value`."""
    return Context(ContextType.LIST_VALUE, Packed(pack_element(value)))


# Into maps --------------------------------------------------------------------------------------------------


def map_index(index: int) -> Context:
    """The map value at `index` in the order of keys, from the end if negative."""
    return Context(ContextType.MAP_INDEX, _number(index, "index"))


def map_rank(rank: int) -> Context:
    """The map value of this `rank`: 0 the smallest, -1 the largest."""
    return Context(ContextType.MAP_RANK, _number(rank, "rank"))


def map_key(key: MapKey) -> Context:
    """The map value under `key`: an int, str or bytes."""
    return Context(ContextType.MAP_KEY, Packed(pack_element(checked_key(key))))


def map_key_create(key: MapKey, *, order: MapOrder = MapOrder.UNORDERED) -> Context:
    """The map value under `key`; the map is created with this `order` if it is missing."""
    flag = _CREATE_MAP[MapOrder(member(order, MapOrder, "order"))]
    return Context(ContextType.MAP_KEY | flag, Packed(pack_element(checked_key(key))))


def map_value(value: object) -> Context:
    """The first map value that equals `value`."""
    return Context(ContextType.MAP_VALUE, Packed(pack_element(value)))


# For paths --------------------------------------------------------------------------------------------------


def all_children() -> Context:
    """All elements of a list or entries of a map (server 8.1.2)."""
    return Context(ContextType.ALL_CHILDREN, Packed(b"\xc3"))


def all_children_with_filter(expression: SupportsToBytes) -> Context:
    """The elements or entries for which an expression is true (server 8.1.2).

    Args:
        expression: a bool; `exp.loop_key`, `loop_value` and `loop_index` stand for the element in question.
            Bins, metadata and variables from outside can't be seen there.

    Raises:
        InvalidType: the expression is no bool.
        InvalidArgument: it looks at the record, or has a variable that no `exp.let` in it defines.
    """
    return Context(ContextType.ALL_CHILDREN, Packed(compiled(expression, "expression", "as_path_filter")))


def map_keys_in(keys: Iterable[MapKey]) -> Context:
    """The map entries with these `keys`, as far as there are some (server 8.1.2)."""
    return Context(
        ContextType.MAP_KEYS_IN, Packed(pack_element([checked_key(key) for key in items(keys, "keys")]))
    )


def and_filter(expression: SupportsToBytes) -> Context:
    """Of what the entry before it gives, that for which an expression is true (server 8.1.2).

    Args:
        expression: as for `all_children_with_filter`.
    """
    return Context(ContextType.AND_FILTER, Packed(compiled(expression, "expression", "as_path_filter")))


# Base 64 ----------------------------------------------------------------------------------------------------


def to_base64(ctx: Sequence[Context]) -> str:
    """Contexts as text, as index definitions and other clients have it.

    Args:
        ctx: the contexts, outermost first.
    """
    pairs: list[object] = []
    for entry in entries(ctx):
        pairs += (entry.type, entry.packed)
    return base64.b64encode(pack_element(pairs)).decode()


def from_base64(text: str) -> list[Context]:
    """The contexts that `to_base64`, of this or another client, made text of.

    Args:
        text: base 64.

    Raises:
        InvalidArgument: it is no such text.
    """
    try:
        data = base64.b64decode(plain_text(text) if isinstance(text, str) else text, validate=True)
        pairs = read_tree(data)
    except (ValueError, TypeError, binascii.Error, ProtocolError) as error:
        raise InvalidArgument(f"{shown(text)} holds no contexts: {error}") from None
    if not isinstance(pairs, list) or len(pairs) % 2 or not all(map(_is_type, pairs[::2])):
        raise InvalidArgument(f"{shown(text)} holds no contexts")
    return [
        Context(number, Packed(part)) for number, part in zip(pairs[::2], split_list(data)[1::2], strict=True)
    ]


def _is_type(number: object) -> bool:
    return type(number) is int and 0 <= number < 1 << 63
