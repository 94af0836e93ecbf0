"""Contexts: from a value to the container inside it on which an operation works.

Owns: each type of entry, creating containers that are missing, and sorting ordered lists again whose elements
have changed. Not here: what is then done with the container (operate.py), and entries that match many
elements (../expressions/paths.py).
"""

from __future__ import annotations

from collections.abc import Callable

from ..protocol.constants import ContainerFlags
from ..protocol.flags import ContextFlags, ContextType
from ..protocol.result import RequestError, bad, not_applicable
from ..values.normalising import is_map_key
from ..values.packed import PackedList, PackedMap, Value
from .calls import Entry
from .lists import new_list, sort_list
from .maps import put
from .selection import Elements

__all__ = ["SINGLE_TYPES", "ContextTarget", "element_at", "find_entry"]

Container = PackedList | PackedMap

_CREATE = int(ContextFlags.CREATE_ORDERED)
_TYPE = int(ContextFlags.CREATE_UNORDERED) - 1
"""The bits of an entry's type that are below those flags."""


_LIST_TYPES = frozenset((ContextType.LIST_INDEX, ContextType.LIST_RANK, ContextType.LIST_VALUE))
_MAP_TYPES = frozenset(
    (ContextType.MAP_INDEX, ContextType.MAP_RANK, ContextType.MAP_KEY, ContextType.MAP_VALUE)
)
SINGLE_TYPES: frozenset[int] = _LIST_TYPES | _MAP_TYPES
"""The types of entries that mean one element."""
_CREATING = frozenset((ContextType.LIST_INDEX, ContextType.MAP_KEY))


def find_entry(container: Value, entry: Entry) -> int | None:
    """The index of the element that an entry names; None if the container does not have it.

    Raises:
        RequestError: OP_NOT_APPLICABLE for an unknown kind of entry or one for the other kind of container;
            PARAMETER for an index or rank that is no integer.

    """
    kind, value = entry[0] & ~(_CREATE | ContextFlags.PERSIST_INDEX), entry[1]
    if kind not in SINGLE_TYPES:
        raise not_applicable(f"context type {entry[0]:#x}")
    if not isinstance(container, PackedList if kind in _LIST_TYPES else PackedMap):
        raise not_applicable("a context's entry for another kind of container")
    elements = Elements(container)
    if kind == ContextType.MAP_KEY:
        return elements.find_key(value)
    if kind in (ContextType.LIST_VALUE, ContextType.MAP_VALUE):
        found = elements.first_of_value(value).indexes
        return found[0] if found else None
    if type(value) is not int:
        raise bad("a context's index or rank that is no integer")
    try:
        by_rank = kind in (ContextType.LIST_RANK, ContextType.MAP_RANK)
        return (elements.at_rank if by_rank else elements.at_index)(value).indexes[0]
    except RequestError:
        return None


def element_at(container: Container, index: int) -> Value:
    """The element at an index; of a map, the value there."""
    return container.pairs[index][1] if isinstance(container, PackedMap) else container.items[index]


class ContextTarget:
    """The containers from a value to the one that a context names, and those that have to be created.

    Attributes:
        target: the last element, None if it has to be made.
        is_new: whether it has to be made.

    """

    def __init__(self, root: Value, entries: list[Entry]) -> None:
        """Follow the entries of a context from a value, which is None if there is none yet.

        Raises:
            RequestError: OP_NOT_APPLICABLE if something is missing and no entry says how to create it.

        """
        self.root = root
        self.target = root
        self.is_new = root is None
        self._passed: list[Container] = []
        self._index = 0
        self._attach: list[Callable[[Value], Container]] = []
        for entry in entries:
            self._step(entry)

    def _step(self, entry: Entry) -> None:
        if self.is_new:
            self._attach.append(_plan(_fresh(entry), entry))
            return
        index = find_entry(self.target, entry)
        assert isinstance(self.target, (PackedList, PackedMap))
        self._passed.append(self.target)
        if index is None:
            self._attach.append(_plan(self.target, entry))
            self.target, self.is_new = None, True
        else:
            self._index = index
            self.target = element_at(self.target, index)

    def replace(self, element: Value) -> Value:
        """Put another element in the place of the target, and give the whole value."""
        container = self._passed[-1]
        if isinstance(container, PackedMap):
            container.pairs[self._index] = (container.pairs[self._index][0], element)
        else:
            container.items[self._index] = element
        return self.finish(element)

    def finish(self, target: Value) -> Value:
        """Give the whole value after the target was changed in place, or was created.

        Containers that are missing between them are created, and ordered lists are sorted.
        """
        if self.is_new:
            for attach in reversed(self._attach):
                target = attach(target)
            if self.root is None:
                return target
        for container in reversed(self._passed):
            if isinstance(container, PackedList) and container.flags:
                sort_list(container)
        return self.root


_MAP_ORDERS: dict[int, int] = {
    ContextFlags.CREATE_UNORDERED: 0,
    ContextFlags.CREATE_PADDED: int(ContainerFlags.KEY_ORDERED),
    ContextFlags.CREATE_ORDERED: int(ContainerFlags.KEY_VALUE_ORDERED),
}


def _fresh(entry: Entry) -> Container:
    """The empty container that an entry creates."""
    kind, create = entry[0] & _TYPE, entry[0] & _CREATE
    if not create or kind not in _CREATING:
        raise not_applicable("a context that leads nowhere")
    if kind == ContextType.LIST_INDEX:
        return new_list(int(create == ContextFlags.CREATE_ORDERED))
    return PackedMap(_MAP_ORDERS[create], [])


def _plan(container: Container, entry: Entry) -> Callable[[Value], Container]:
    """The function that puts an element where an entry names it, in a container that does not have it."""
    kind, create, where = entry[0] & _TYPE, entry[0] & _CREATE, entry[1]
    if not create or kind not in _CREATING:
        raise not_applicable("a context that leads nowhere")
    if isinstance(container, PackedMap):
        if not is_map_key(where):  # the real server stores such a map, which no client can read
            raise bad("a context's key of another type than integer, string, blob")
        return lambda element: _put(container, where, element)
    if type(where) is not int:
        raise bad("a context's index that is no integer")
    index = len(container.items) if container.flags else where
    # The real server ends with a segmentation fault on a negative index into a list to be padded.
    if index < 0 or (index > len(container.items) and create != ContextFlags.CREATE_PADDED):
        raise not_applicable("a context's index past the end")
    return lambda element: _place(container, index, element)


def _put(container: PackedMap, key: Value, element: Value) -> Container:
    put(container, key, element)
    return container


def _place(container: PackedList, index: int, element: Value) -> Container:
    container.items += [None] * (index - len(container.items))
    container.items.append(element)
    if container.flags:
        sort_list(container)
    return container
