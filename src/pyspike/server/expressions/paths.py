"""Paths: operations on many places inside a list or map at once.

Owns: entries that match several elements, loop variables, the form of what is selected, changing and removing
elements. Not here: entries that name one element (../cdt/context.py), and how a path is packed
(../cdt/calls.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias

from ..cdt.calls import Entry, PathCall, storable_value
from ..cdt.context import SINGLE_TYPES, element_at, find_entry
from ..cdt.lists import sort_list
from ..cdt.selection import Elements
from ..protocol.flags import PATH_DEPTH_MAX, ContextType, PathFlags, PathMode
from ..protocol.result import RequestError, ResultCode
from ..values.ordering import sort_key
from ..values.packed import PackedList, PackedMap, Value
from .vocabulary import REMOVE, UNKNOWN, Build, Loop, Node, Scope, bad

__all__ = ["Path", "run_path"]

_RANKS = (ContextType.LIST_RANK, ContextType.MAP_RANK)

Container: TypeAlias = "PackedList | PackedMap"


_WITH_KEYS = (PathMode.KEYS, PathMode.KEYS_AND_VALUES)


@dataclass(frozen=True, slots=True)
class Step:
    """One level of a path.

    `entry`: which elements it matches; None is all. `test`: the expression that they must fulfil, if any.
    """

    entry: Entry | None
    test: Node | None


@dataclass(frozen=True, slots=True)
class Path:
    """A path that can be run.

    `change`: the expression of the new value of each element, for `PathMode.MODIFY`.
    """

    steps: list[Step]
    mode: PathMode
    no_fail: bool
    change: Node | None

    @classmethod
    def build(cls, call: PathCall, build: Build) -> Path:
        """Build the path of a request.

        Raises:
            RequestError: PARAMETER.

        """
        mode = call.flags & PathFlags.MODE
        if call.flags < 0 or mode > PathMode.MODIFY or len(call.more) != (mode == PathMode.MODIFY):
            raise bad("a path's flags")
        if len(call.context) > PATH_DEPTH_MAX:
            raise bad("a path that is too deep")
        steps: list[Step] = []
        for kind, value in call.context:
            if kind == ContextType.AND:
                _add_test(steps, value, build)
            else:
                steps.append(_step(kind, value, build))
        change = build(call.more[0], {}) if call.more else None
        return cls(steps, PathMode(mode), bool(call.flags & PathFlags.NO_FAIL), change)


def _step(kind: int, value: Value, build: Build) -> Step:
    if kind == ContextType.EXPRESSION:
        return Step(None, None if value is True else _test(value, build))
    if kind == ContextType.MAP_KEYS:
        if not isinstance(value, PackedList):
            raise bad("a list of keys that is none")
    elif kind not in SINGLE_TYPES:
        raise bad(f"context type {kind:#x} in a path")
    return Step((kind, value), None)


def _test(value: Value, build: Build) -> Node:
    if not isinstance(value, PackedList):
        raise bad("a path's filter that is constant")
    return build(value, {})  # a result that is no bool matches no element


def _add_test(steps: list[Step], value: Value, build: Build) -> None:
    """Add an expression to the last step, which its elements must fulfil."""
    # The real server answers nonsense if the entry is a rank.
    if not steps or steps[-1].entry is None or steps[-1].test is not None or steps[-1].entry[0] in _RANKS:
        raise bad("a condition without its entry")
    steps[-1] = Step(steps[-1].entry, _test(value, build))


def run_path(path: Path, root: Container) -> Value:
    """Select from a value, or change it in place, and give what was selected.

    Raises:
        RequestError: PARAMETER or UNKNOWN if an expression gives no result, PARAMETER if an entry is for the
            other kind of container, INCOMPATIBLE_TYPE for keys of a list.

    """
    scope = Scope({}, None, b"", 0.0)  # expressions in a path read neither bins nor metadata
    if path.mode == PathMode.MODIFY:
        _modify(path, root, 0, scope)
        return None
    if path.mode == PathMode.TREE:
        return _tree(path, root, 0, scope)
    return PackedList(0, list(_leaves(path, root, 0, scope)))


def _tree(path: Path, value: Value, depth: int, scope: Scope) -> Value:
    """The value with only the matching branches; what is no list or map is kept."""
    if not isinstance(value, (PackedList, PackedMap)):
        return value
    is_last = depth == len(path.steps) - 1
    found = []
    for index in _matches(path, value, depth, scope):
        item = element_at(value, index)
        found.append((index, item if is_last else _tree(path, item, depth + 1, scope)))
    if isinstance(value, PackedMap):
        return PackedMap(0, [(value.pairs[index][0], item) for index, item in found])
    return PackedList(0, [item for _, item in found])


def _leaves(path: Path, value: Value, depth: int, scope: Scope) -> Iterator[Value]:
    """The matching elements of the last step, as keys, values or both."""
    if not isinstance(value, (PackedList, PackedMap)):
        return
    if depth < len(path.steps) - 1:
        for index in _matches(path, value, depth, scope):
            yield from _leaves(path, element_at(value, index), depth + 1, scope)
        return
    if path.mode in _WITH_KEYS and isinstance(value, PackedList) and value.items:
        if not path.no_fail:
            raise RequestError(ResultCode.INCOMPATIBLE_TYPE, "keys of a list")
        return
    for index in _matches(path, value, depth, scope):
        if isinstance(value, PackedMap) and path.mode in _WITH_KEYS:
            yield value.pairs[index][0]
        if path.mode != PathMode.KEYS:
            yield element_at(value, index)


def _modify(path: Path, value: Value, depth: int, scope: Scope) -> None:
    if not isinstance(value, (PackedList, PackedMap)):
        return
    found = _matches(path, value, depth, scope)
    if depth < len(path.steps) - 1:
        for index in found:
            _modify(path, element_at(value, index), depth + 1, scope)
    else:
        _change(path, value, found, scope)
        is_nested = depth > 0
        if is_nested and isinstance(value, PackedList) and value.flags and _is_unsorted(value):
            # The real server ends with a segmentation fault.
            raise bad("an ordered list inside another value that a path brings out of order")
    if isinstance(value, PackedList) and value.flags:
        sort_list(value)


def _is_unsorted(value: PackedList) -> bool:
    return any(left > right for left, right in pairwise(map(sort_key, value.items)))


def _change(path: Path, value: Container, found: list[int], scope: Scope) -> None:
    removed: set[int] = set()
    assert path.change is not None
    for index in found:
        result = _evaluate(path, path.change, value, index, scope)
        if result is REMOVE:
            removed.add(index)
        elif result is not UNKNOWN:
            new = storable_value(result)
            if isinstance(value, PackedMap):
                value.pairs[index] = (value.pairs[index][0], new)
            else:
                value.items[index] = new
    if removed:
        kept: list[Any] = value.pairs if isinstance(value, PackedMap) else value.items
        kept[:] = [item for index, item in enumerate(kept) if index not in removed]


def _evaluate(path: Path, node: Node, container: Container, index: int, scope: Scope) -> Any:
    """The result of an expression for one element.

    It is UNKNOWN only if the path has the flag NO_FAIL; else an unknown result is an error.
    """
    if isinstance(container, PackedMap):
        key, value = container.pairs[index]
        scope.loop = Loop(key, value, UNKNOWN)
    else:
        scope.loop = Loop(UNKNOWN, container.items[index], index)
    result = node.run(scope)
    if result is UNKNOWN and not path.no_fail:
        code = ResultCode.UNKNOWN if node is path.change else ResultCode.PARAMETER
        raise RequestError(code, "an expression without result in a path")
    return result


def _matches(path: Path, container: Container, depth: int, scope: Scope) -> list[int]:
    """The indexes of the elements that a step matches."""
    step = path.steps[depth]
    indexes = _entry_matches(container, step.entry)
    if step.test is None:
        return indexes
    return [index for index in indexes if _evaluate(path, step.test, container, index, scope) is True]


def _entry_matches(container: Container, entry: Entry | None) -> list[int]:
    elements = Elements(container)
    if entry is None:
        return list(range(elements.size))
    kind, value = entry
    if kind == ContextType.MAP_KEYS:
        if not isinstance(container, PackedMap):
            raise bad("keys of a list")
        assert isinstance(value, PackedList)
        return sorted(set(elements.of_keys(value.items).indexes))
    try:
        index = find_entry(container, entry)
    except RequestError as error:
        raise bad("an entry for another kind of container") from error
    return [] if index is None else [index]
