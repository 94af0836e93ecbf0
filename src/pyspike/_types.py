"""The types that signatures of both clients name. A leaf: only keys and values are below it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, Literal, Protocol, TypeAlias

from pyspike._wire import Key
from pyspike.values import Expiration

__all__ = [
    "ArrowRows",
    "ColumnTypes",
    "Filter",
    "KeyLike",
    "MetadataColumns",
    "Milliseconds",
    "OnMismatch",
    "SupportsArrowArray",
    "SupportsArrowSchema",
    "SupportsArrowStream",
    "SupportsToBytes",
    "Ttl",
]


class SupportsToBytes(Protocol):
    """An expression: whatever can turn itself into the form in which a server takes one."""

    def to_bytes(self) -> bytes:
        """The expression as a server takes it."""
        ...


class SupportsArrowSchema(Protocol):
    """What tells a schema by Arrow's PyCapsule interface, as schemas and types of pyarrow do."""

    def __arrow_c_schema__(self) -> object:
        """The schema in a capsule."""
        ...


class SupportsArrowStream(Protocol):
    """What gives rows in columns by Arrow's PyCapsule interface, as tables of many libraries do."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """The batches of rows in a capsule."""
        ...


class SupportsArrowArray(Protocol):
    """What gives one batch of rows in columns by that interface, as a record batch of pyarrow does."""

    def __arrow_c_array__(self, requested_schema: object | None = None) -> tuple[object, object]:
        """The schema and the rows in two capsules."""
        ...


KeyLike: TypeAlias = Key | tuple[str, str | None, int | str | bytes]
Milliseconds: TypeAlias = float | timedelta
Ttl: TypeAlias = int | timedelta | Expiration
Filter: TypeAlias = SupportsToBytes | bytes
ColumnTypes: TypeAlias = (
    Mapping[str, Any] | SupportsArrowSchema | type[Any]
)  # types by name, or a class with such
MetadataColumns: TypeAlias = Iterable[str] | Mapping[str, str]  # names, or the names of columns by names
ArrowRows: TypeAlias = SupportsArrowStream | SupportsArrowArray
OnMismatch: TypeAlias = Literal["error", "null", "json"]  # what becomes of a value that fits no column
