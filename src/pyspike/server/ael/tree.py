"""The tree of an AEL text.

Owns: its nodes. Not here: making it (parsing.py), and what becomes of it (compiling.py, ../queries/plans.py).
Types are those of expressions (`ExpType`); None where the text does not tell one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from ..protocol.flags import ContextType
from ..protocol.opcodes import ExpOpcode
from ..values.packed import Value
from .tokens import Place

__all__ = ["Apply", "Literal", "Match", "Node", "Path", "Property", "Step"]


@dataclass(frozen=True, slots=True)
class Literal:
    """A value, as lists hold it; `type` is that of the value."""

    value: Value
    type: int
    place: Place


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a path into a list or map: by which property of an element, and its value."""

    by: ContextType
    value: Value


@dataclass(frozen=True, slots=True)
class Path:
    """A bin, or a place in its value.

    Fields:
        bin: the bin's name.
        steps: the way into its value.
        type: what is told of the type of what is there.
        function: "exists", "count" or "".
        place: where it stands.

    """

    bin: bytes
    steps: tuple[Step, ...]
    type: int | None
    function: str
    place: Place


@dataclass(frozen=True, slots=True)
class Property:
    """A property of the record, with its type; `arguments` are integers."""

    opcode: ExpOpcode
    type: int
    arguments: tuple[int, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Match:
    """Whether a text matches a pattern, which is a value as `Literal` has it, with flags as for strings."""

    subject: Node
    pattern: bytes
    flags: int
    place: Place


@dataclass(frozen=True, slots=True)
class Apply:
    """An opcode applied to parts; `sign` is what the text has for it."""

    opcode: ExpOpcode
    sign: str
    parts: tuple[Node, ...]
    place: Place


Node: TypeAlias = "Literal | Path | Property | Match | Apply"
