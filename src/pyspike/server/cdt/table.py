"""The parts of the tables of list and map operations: an operation, and the searches that both kinds share.

Owns: how arguments are handed to a search, and what a search returns or removes. Not here: opcodes (lists.py,
maps.py).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from ..protocol.flags import ReturnType
from ..protocol.result import bad, not_applicable
from ..values.packed import PackedList, PackedMap, Value
from .results import is_range, result_of, split_return_type
from .selection import By, Elements, Selection, inverted_range

__all__ = ["Args", "CdtOp", "Search", "flags_at", "reading", "removing"]

Args: TypeAlias = "list[Any]"
"""Arguments whose types have been checked."""


class CdtOp(NamedTuple):
    """An opcode of lists or maps.

    `kinds`: the types of its arguments, as `calls.arguments` takes them. `run`: reads or changes a container
    in place, and gives the result. `creates`: the number of the argument that is the order of a container
    which the opcode creates where there is none; -1 if it creates one without an order, None if it creates
    none.
    """

    kinds: str
    run: Callable[[Any, Args], Value]
    writes: bool = True
    creates: int | None = None


class Search(NamedTuple):
    """A way to select elements.

    `kinds`: the types of its arguments after the return type. `find`: selects elements by these arguments.
    """

    kinds: str
    find: Callable[[Elements, Args], Selection]


def _optional(args: Args, at: int) -> Any:
    return args[at] if len(args) > at else None


def flags_at(args: Args, at: int) -> int:
    """The write flags that are an argument of an operation; 0 if they are left out."""
    return args[at] if len(args) > at else 0


BY_INDEX = Search("i", lambda elements, args: elements.at_index(args[0]))
BY_RANK = Search("i", lambda elements, args: elements.at_rank(args[0]))
BY_KEY = Search("v", lambda elements, args: elements.at_key(args[0]))
BY_VALUE = Search("v", lambda elements, args: elements.first_of_value(args[0]))
ALL_OF_VALUE = Search("v", lambda elements, args: elements.all_of_value(args[0]))
BY_KEYS = Search("l", lambda elements, args: elements.of_keys(args[0].items))
BY_VALUES = Search("l", lambda elements, args: elements.of_values(args[0].items))
BY_INDEX_RANGE = Search("i|i", lambda elements, args: elements.index_range(args[0], _optional(args, 1)))
BY_RANK_RANGE = Search("i|i", lambda elements, args: elements.rank_range(args[0], _optional(args, 1)))
BY_KEY_INTERVAL = Search("v|v", lambda elements, args: elements.key_interval(args[0], args[1:]))
BY_VALUE_INTERVAL = Search("v|v", lambda elements, args: elements.value_interval(args[0], args[1:]))
BY_KEY_RELATIVE = Search(
    "vi|i", lambda elements, args: elements.key_relative(args[0], args[1], _optional(args, 2))
)
BY_VALUE_RELATIVE = Search(
    "vi|i", lambda elements, args: elements.value_relative(args[0], args[1], _optional(args, 2))
)


def reading(search: Search) -> CdtOp:
    """The operation that tells about the selected elements."""
    return CdtOp("i" + search.kinds, _runner(search.find, removes=False), writes=False)


def removing(search: Search) -> CdtOp:
    """The operation that removes the selected elements and tells about them."""
    return CdtOp("i" + search.kinds, _runner(search.find, removes=True))


_NONE = PackedList(0, [])
_ELEMENTS = (ReturnType.KEY, ReturnType.VALUE)


def _runner(find: Callable[[Elements, Args], Selection], removes: bool) -> Callable[[Any, Args], Value]:
    def run(target: Any, args: Args) -> Value:
        kind, inverted = split_return_type(args[0])
        elements = Elements(target)
        found = find(elements, args[1:])
        if inverted:
            if found.single and (found.indexes or found.by is not By.KEY or not elements.has_key_order):
                raise not_applicable("one element, inverted")
            several = found.by in (By.KEYS, By.VALUES)
            if elements.is_map and kind in _ELEMENTS and several and args[1:] == [_NONE]:
                # The real server ends with a segmentation fault.
                raise bad("everything but nothing")
            if not found.single:
                found = inverted_range(elements, found) if is_range(kind) else elements.inverse(found)
        result = result_of(elements, found, kind)
        if removes and found.indexes:
            gone = set(found.indexes)
            kept = target.pairs if isinstance(target, PackedMap) else target.items
            kept[:] = [item for index, item in enumerate(kept) if index not in gone]
        return result

    return run
