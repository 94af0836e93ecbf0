"""Contexts: the steps of a way to an element inside a bin's list or map, and what such a way may be.

Owns the type and its rules. The functions that make contexts are in `pyspike.operations.context`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from pyspike._wire import EncodedContext, Packed
from pyspike.cdt.checks import MapKey
from pyspike.cdt.describe import describe_context
from pyspike.cdt.msgpack_tree import read_tree
from pyspike.cdt.opcodes import CREATE, IN_LIST, IN_MAP, ContextType
from pyspike.errors import InvalidArgument, InvalidType
from pyspike.showing import shown

__all__ = ["Context", "Ctx", "MapKey", "creating", "entries", "flat", "path", "single_steps"]

PATH_ONLY = frozenset((ContextType.ALL_CHILDREN, ContextType.MAP_KEYS_IN, ContextType.AND_FILTER))
FILTERING = frozenset((ContextType.ALL_CHILDREN, ContextType.AND_FILTER))
MAX_PATH = 64  # levels that the server follows


class Context(EncodedContext):
    """One step of a way into a bin, made by the functions of `operations.context`. Immutable.

    Args:
        type: the server's number for the kind of step, with the bits that say what to create.
        packed: what it looks for, encoded.
    """

    __slots__ = ()

    def __new__(cls, type: int, packed: Packed) -> Context:  # noqa: A002, D102 - as the protocol says
        return super().__new__(cls, type, packed, type in PATH_ONLY)

    @property
    def path_only(self) -> bool:
        """Whether it may select several elements, so that only the operations of `paths` take it."""
        return self.type in PATH_ONLY

    @property
    def in_list(self) -> bool:
        """Whether it looks for something in a list."""
        return not self.path_only and self.type & (IN_LIST | IN_MAP) == IN_LIST

    @property
    def in_map(self) -> bool:
        """Whether it looks for something in a map."""
        if self.path_only:
            return self.type == ContextType.MAP_KEYS_IN
        return self.type & (IN_LIST | IN_MAP) == IN_MAP

    def __repr__(self) -> str:
        return describe_context(self.type, read_tree(self.packed.data))


Ctx: TypeAlias = "Sequence[Context] | None"
"""A way into a bin, outermost step first; None stays at the bin itself."""


def entries(ctx: Sequence[Context]) -> Sequence[Context]:
    """The contexts themselves, once it is clear that they are some."""
    if isinstance(ctx, Context):
        raise InvalidType(f"ctx must be a list of contexts, not one of them: [{shown(ctx)}]")
    if not isinstance(ctx, (list, tuple)) or not all(isinstance(entry, Context) for entry in ctx):
        raise InvalidType(f"ctx must be a list of contexts made by `operations.context`, not {shown(ctx)}")
    return ctx


def single_steps(ctx: Sequence[Context]) -> Sequence[Context]:
    """The contexts themselves, once it is clear that each of them leads to one element.

    Raises:
        InvalidType: it is no sequence of contexts.
        InvalidArgument: an entry is one for paths only.
    """
    for entry in entries(ctx):
        if entry.path_only:
            raise InvalidArgument(
                f"{shown(entry)} may select several elements", advice="only the operations of `paths` take it"
            )
    return ctx


def flat(ctx: Sequence[Context]) -> list[object]:
    """Contexts as the list `[type, value, type, value...]`, outermost first.

    Raises:
        InvalidType: it is no sequence of contexts.
        InvalidArgument: an entry is one for paths only.
    """
    pairs: list[object] = []
    for entry in single_steps(ctx):
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
        if entry.type == ContextType.AND_FILTER and (before is None or before.type in FILTERING):
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
