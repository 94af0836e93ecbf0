"""The vocabulary of expressions: nodes, the unknown value, and the scope in which a tree is run.

Owns: what the other modules of this folder build trees of. Not here: any opcode.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, TypeAlias

from ..protocol.constants import ParticleType
from ..protocol.flags import ExpType
from ..protocol.result import RequestError, ResultCode
from ..storage.record import Record
from ..values.bin_values import value_of
from ..values.packed import Float32, PackedList, PackedMap, Value
from ..versions import ServerVersion

__all__ = [
    "REMOVE",
    "UNKNOWN",
    "Args",
    "Build",
    "Loop",
    "Node",
    "Opcode",
    "Scope",
    "Variables",
    "bad",
    "need",
    "type_of",
]


class _Special:
    """A value that is equal only to itself."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name


UNKNOWN: Any = _Special("UNKNOWN")
"""The result where there is none: a missing bin, a division by zero, a failed operation."""

REMOVE: Any = _Special("REMOVE")
"""The result that removes an element from a path."""


class Loop(NamedTuple):
    """The element that a path is at.

    `key` is UNKNOWN in a list, `place` in a map.
    """

    key: Value
    value: Value
    place: int


@dataclass(slots=True)
class Scope:
    """What an expression reads when it is run.

    `bins`: as they are at that moment. `record`: None inside a path, where no record is seen. `now`: Unix
    time in seconds. `loop`: inside a path.
    """

    bins: dict[bytes, tuple[int, bytes]]
    record: Record | None
    digest: bytes
    now: float
    variables: dict[bytes, Any] = field(default_factory=dict)
    loop: Loop | None = None

    def bin(self, name: bytes) -> Value:
        """The value of a bin, decoded anew, so that it may be changed; UNKNOWN if there is no such bin."""
        found = self.bins.get(name)
        return UNKNOWN if found is None else value_of(*found)


class Node(NamedTuple):
    """A part of an expression.

    `type`: the type of its result, if that is not unknown. `run`: computes the result.
    """

    type: int
    run: Callable[[Scope], Any]


Args: TypeAlias = "list[Value]"


class Build(Protocol):
    """Builds nodes of packed values, as a server of this version does."""

    @property
    def version(self) -> ServerVersion:
        """The server that is played."""

    def __call__(self, value: Value, variables: Variables) -> Node:
        """The node of a value. `variables`: the types of the variables that are defined around it."""


Variables: TypeAlias = "dict[bytes, int]"
"""The types of the variables that are defined at some place of an expression, by their names."""

Opcode: TypeAlias = Callable[["Args", "Variables", "Build"], Node]
"""Builds the node of an opcode from its arguments."""


def bad(what: str) -> RequestError:
    """The error PARAMETER, for an expression that can't be built."""
    return RequestError(ResultCode.PARAMETER, f"expression: {what}")


def need(node: Node, *types: int) -> Node:
    """Give the node if it is of one of these types; raise PARAMETER if not."""
    if node.type not in types:
        raise bad(f"a part of type {node.type}")
    return node


def type_of(value: Any) -> int:
    """The type of a value."""
    kind = type(value)
    if kind is int:
        return ExpType.INT
    if kind is bytes:
        prefix = value[0] if value else ParticleType.STRING
        if prefix == ParticleType.STRING:
            return ExpType.STRING
        if prefix == ParticleType.GEOJSON:
            return ExpType.GEO
        return ExpType.HLL if prefix == ParticleType.HLL else ExpType.BLOB
    if kind is bool:
        return ExpType.BOOL
    if kind is float or kind is Float32:
        return ExpType.FLOAT
    if kind is PackedList:
        return ExpType.LIST
    if kind is PackedMap:
        return ExpType.MAP
    return ExpType.NIL if value is None else ExpType.UNKNOWN
