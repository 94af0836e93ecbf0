"""The way to an element inside a bin's list or map: `ctx=` of operations takes a list of these, outermost
first.

`[context.map_key("orders"), context.list_index(-1)]` leads to the last of the list `orders` of a map. The
functions with `create` make the container they look in if it is missing. Those for paths (`all_children`
and so on, server 8.1.2) select several elements; only the operations of `paths` take them.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from pyspike._types import SupportsToBytes
from pyspike._wire import Packed, pack_element, plain_text
from pyspike.errors import InvalidArgument, InvalidType, ProtocolError
from pyspike.operations.checks import MapKey, compiled, items, member, truth, whole
from pyspike.operations.checks import map_key as checked_key
from pyspike.operations.enums import ListOrder, MapOrder
from pyspike.operations.tree import read_tree, show, split_list
from pyspike.showing import shown

if TYPE_CHECKING:
    from pyspike.exp import Expression

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

LIST_INDEX, LIST_RANK, LIST_VALUE = 0x10, 0x11, 0x13
MAP_INDEX, MAP_RANK, MAP_KEY, MAP_VALUE = 0x20, 0x21, 0x22, 0x23
EXPRESSION, MAP_KEYS, AND_EXPRESSION = 0x04, 0x2A, 0x204

PATH_ONLY = frozenset((EXPRESSION, MAP_KEYS, AND_EXPRESSION))  # may select several elements

CREATE_UNORDERED, CREATE_PADDED, CREATE_ORDERED = 0x40, 0x80, 0xC0  # for lists
CREATE_KEY_ORDERED, CREATE_KEY_VALUE_ORDERED = 0x80, 0xC0  # for maps, besides CREATE_UNORDERED
CREATE = 0xC0

MAX_PATH = 64  # levels that the server follows

_CREATE_MAP = {
    MapOrder.UNORDERED: CREATE_UNORDERED,
    MapOrder.KEY_ORDERED: CREATE_KEY_ORDERED,
    MapOrder.KEY_VALUE_ORDERED: CREATE_KEY_VALUE_ORDERED,
}
_NAMES = {
    LIST_INDEX: "list_index",
    LIST_RANK: "list_rank",
    LIST_VALUE: "list_value",
    MAP_INDEX: "map_index",
    MAP_RANK: "map_rank",
    MAP_KEY: "map_key",
    MAP_VALUE: "map_value",
    MAP_KEYS: "map_keys_in",
    AND_EXPRESSION: "and_filter",
}


@dataclass(frozen=True, slots=True, repr=False)
class Context:
    """One step of a way into a bin, made by the functions of this module. Immutable; may be used again.

    Args:
        type: the server's number for the kind of step, with the bits that say what to create.
        packed: what it looks for, encoded.
    """

    type: int
    packed: Packed

    @property
    def path_only(self) -> bool:
        """Whether only the operations of `paths` take it."""
        return self.type in PATH_ONLY

    @property
    def in_list(self) -> bool:
        """Whether it looks for something in a list."""
        return not self.path_only and self.type & 0x30 == 0x10

    @property
    def in_map(self) -> bool:
        """Whether it looks for something in a map."""
        return self.type == MAP_KEYS or (not self.path_only and self.type & 0x30 == 0x20)

    def __repr__(self) -> str:
        return describe_entry(self.type, read_tree(self.packed.data))


Ctx: TypeAlias = "Sequence[Context] | None"
"""A way into a bin, outermost step first; None stays at the bin itself."""


def describe_entry(number: int, value: Any) -> str:
    """The call that makes a context of this type, which looks for this value."""
    from pyspike.exp.describe import describe_whole

    if number == EXPRESSION:
        return "all_children()" if value is True else f"all_children_with_filter({describe_whole(value)})"
    if number == AND_EXPRESSION:
        return f"and_filter({describe_whole(value)})"
    if number in _NAMES:
        return f"{_NAMES[number]}({show(value)})"
    kind, flag = number & ~CREATE, number & CREATE
    if kind == LIST_INDEX and flag:
        how = {CREATE_UNORDERED: "", CREATE_PADDED: ", pad=True", CREATE_ORDERED: ", order=ListOrder.ORDERED"}
        return f"list_index_create({show(value)}{how[flag]})"
    if kind == MAP_KEY and flag:
        order = next(order for order, bits in _CREATE_MAP.items() if bits == flag)
        return f"map_key_create({show(value)}" + (f", order=MapOrder.{order.name})" if order else ")")
    return f"Context(0x{number:x}, {show(value)})"


def describe_ctx(pairs: Sequence[Any]) -> str:
    """The list of contexts that an encoded list of types and values stands for."""
    texts = [describe_entry(number, value) for number, value in zip(pairs[::2], pairs[1::2], strict=True)]
    return f"[{', '.join('context.' + text for text in texts)}]"


# Into lists -------------------------------------------------------------------------------------------------


def _number(value: int, name: str) -> Packed:
    """An index or rank, encoded."""
    try:
        return Packed(pack_element(whole(value, name)))
    except InvalidArgument as error:
        raise InvalidArgument(error.message.replace("value:", f"{name}:")) from None


def list_index(index: int) -> Context:
    """The list element at `index`, from the end if negative."""
    return Context(LIST_INDEX, _number(index, "index"))


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
        flag = CREATE_ORDERED
    else:
        flag = CREATE_PADDED if truth(pad, "pad") else CREATE_UNORDERED
    return Context(LIST_INDEX | flag, _number(index, "index"))


def list_rank(rank: int) -> Context:
    """The list element of this `rank`: 0 the smallest, -1 the largest."""
    return Context(LIST_RANK, _number(rank, "rank"))


def list_value(value: object) -> Context:
    """The first list element that equals `value`."""
    return Context(LIST_VALUE, Packed(pack_element(value)))


# Into maps --------------------------------------------------------------------------------------------------


def map_index(index: int) -> Context:
    """The map value at `index` in the order of keys, from the end if negative."""
    return Context(MAP_INDEX, _number(index, "index"))


def map_rank(rank: int) -> Context:
    """The map value of this `rank`: 0 the smallest, -1 the largest."""
    return Context(MAP_RANK, _number(rank, "rank"))


def map_key(key: MapKey) -> Context:
    """The map value under `key`: an int, str or bytes."""
    return Context(MAP_KEY, Packed(pack_element(checked_key(key))))


def map_key_create(key: MapKey, *, order: MapOrder = MapOrder.UNORDERED) -> Context:
    """The map value under `key`; the map is created with this `order` if it is missing."""
    flag = _CREATE_MAP[MapOrder(member(order, MapOrder, "order"))]
    return Context(MAP_KEY | flag, Packed(pack_element(checked_key(key))))


def map_value(value: object) -> Context:
    """The first map value that equals `value`."""
    return Context(MAP_VALUE, Packed(pack_element(value)))


# For paths --------------------------------------------------------------------------------------------------


def all_children() -> Context:
    """All elements of a list or entries of a map (server 8.1.2)."""
    return Context(EXPRESSION, Packed(b"\xc3"))


def all_children_with_filter(expression: Expression | SupportsToBytes) -> Context:
    """The elements or entries for which an expression is true (server 8.1.2).

    Args:
        expression: a bool; `exp.loop_key`, `loop_value` and `loop_index` stand for the element in question.
            Bins, metadata and variables from outside can't be seen there.

    Raises:
        InvalidType: the expression is no bool.
        InvalidArgument: it looks at the record, or has a variable that no `exp.let` in it defines.
    """
    return Context(EXPRESSION, Packed(compiled(expression, "expression", "as_path_filter")))


def map_keys_in(keys: Iterable[MapKey]) -> Context:
    """The map entries with these `keys`, as far as there are some (server 8.1.2)."""
    return Context(MAP_KEYS, Packed(pack_element([checked_key(key) for key in items(keys, "keys")])))


def and_filter(expression: Expression | SupportsToBytes) -> Context:
    """Of what the entry before it gives, that for which an expression is true (server 8.1.2).

    Args:
        expression: as for `all_children_with_filter`.
    """
    return Context(AND_EXPRESSION, Packed(compiled(expression, "expression", "as_path_filter")))


# Helpers of operations --------------------------------------------------------------------------------------


def entries(ctx: Sequence[Context]) -> Sequence[Context]:
    """The contexts themselves, once it is clear that they are some."""
    if isinstance(ctx, Context):
        raise InvalidType(f"ctx must be a list of contexts, not one of them: [{shown(ctx)}]")
    if not isinstance(ctx, (list, tuple)) or not all(isinstance(entry, Context) for entry in ctx):
        raise InvalidType(f"ctx must be a list of contexts made by `operations.context`, not {shown(ctx)}")
    return ctx


def flat(ctx: Sequence[Context]) -> list[object]:
    """Contexts as the list `[type, value, type, value...]`, outermost first.

    Raises:
        InvalidType: it is no sequence of contexts.
        InvalidArgument: an entry is one for paths only.
    """
    pairs: list[object] = []
    if type(ctx) is not list:
        ctx = entries(ctx)
    for entry in ctx:
        if type(entry) is not Context:
            entries(ctx)  # which says what is wrong
        if entry.type in PATH_ONLY:
            raise InvalidArgument(
                f"{shown(entry)} may select several elements", advice="only the operations of `paths` take it"
            )
        pairs += (entry.type, entry.packed)
    return pairs


def creating(ctx: Sequence[Context], flag: int) -> list[Context]:
    """The contexts with a last one that creates what it leads to."""
    *outer, last = entries(ctx)
    if last.type & CREATE:
        raise InvalidArgument(
            f"{shown(last)} creates a container as well", advice="give the last context without create"
        )
    return [*outer, Context(last.type | flag, last.packed)]


def path(ctx: Sequence[Context]) -> list[object]:
    """Contexts for a path as the list `[type, value, type, value...]`, outermost first.

    Raises:
        InvalidType: it is no sequence of contexts.
        InvalidArgument: it is empty or too long, or an `and_filter` is not where it may be.
    """
    pairs: list[object] = []
    before: Context | None = None
    for entry in entries(ctx):
        if entry.type == AND_EXPRESSION and (before is None or before.type in (EXPRESSION, AND_EXPRESSION)):
            raise InvalidArgument(
                "and_filter() must follow an entry without a filter of its own",
                advice="combine the conditions with exp.and_ in one filter",
            )
        pairs += (entry.type, entry.packed)
        before = entry
    if not pairs:
        raise InvalidArgument("a path needs at least one context", advice="start with context.all_children()")
    if len(pairs) > 2 * MAX_PATH:
        raise InvalidArgument(f"the path has {len(pairs) // 2} levels, the server allows {MAX_PATH}")
    return pairs


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
    if not isinstance(pairs, list) or len(pairs) % 2 or not all(type(number) is int for number in pairs[::2]):
        raise InvalidArgument(f"{shown(text)} holds no contexts")
    return [
        Context(number, Packed(part)) for number, part in zip(pairs[::2], split_list(data)[1::2], strict=True)
    ]
