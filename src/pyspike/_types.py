"""The types that signatures of both clients name. A leaf: only keys and values are below it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, ClassVar, Literal, Protocol, TypeAlias

from pyspike._wire import Key
from pyspike.values import Expiration

__all__ = [
    "ArrowRows",
    "AttrsObject",
    "Bins",
    "ColumnTypes",
    "DataclassObject",
    "Filter",
    "KeyLike",
    "MetadataColumns",
    "Milliseconds",
    "ModelObject",
    "NamedTupleObject",
    "OnMismatch",
    "StructObject",
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


class DataclassObject(Protocol):
    """An object of a dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Any]]


class AttrsObject(Protocol):
    """An object of a class of attrs."""

    __attrs_attrs__: ClassVar[Any]


class StructObject(Protocol):
    """An object of a class of msgspec."""

    __struct_fields__: ClassVar[tuple[str, ...]]


class ModelObject(Protocol):
    """An object of a class of pydantic."""

    __pydantic_fields__: ClassVar[dict[str, Any]]


class NamedTupleObject(Protocol):
    """A named tuple."""

    def _asdict(self) -> dict[str, Any]:
        """Its items by name."""
        ...


KeyLike: TypeAlias = Key | tuple[str, str | None, int | str | bytes]
"""A `Key`, or a tuple of a namespace, a set (None for none) and a user key: an int of 64 bits, a str or
bytes."""

Milliseconds: TypeAlias = float | timedelta
"""A time: a number of milliseconds (an int or a float), or a `timedelta`."""

Ttl: TypeAlias = int | timedelta | Expiration
"""A time to live: a whole number of seconds from 1 to 315,360,000 (ten years), a `timedelta` as long, or an
`Expiration`."""

Bins: TypeAlias = (
    Mapping[str, object] | DataclassObject | AttrsObject | StructObject | ModelObject | NamedTupleObject
)
"""What a record is written from: a mapping of the names of bins to values, or an object whose fields are the
bins: of a dataclass, of a class of attrs, msgspec or pydantic, or a named tuple."""

Filter: TypeAlias = SupportsToBytes | bytes
"""A filter expression: one that functions of `pyspike.exp` have made, or the bytes that its `to_bytes`
gives."""

ColumnTypes: TypeAlias = Mapping[str, Any] | SupportsArrowSchema | type[Any]
"""Columns and their types: a mapping of names to Python types, a schema of pyarrow or of any library that has
`__arrow_c_schema__`, or a class with annotated fields, whose columns are called as the bins: a dataclass,
TypedDict, NamedTuple, or a class of attrs, msgspec or pydantic."""

MetadataColumns: TypeAlias = Iterable[str] | Mapping[str, str]
"""What of a record there is a column for besides its bins: some of "digest", "key", "set", "generation",
"ttl" (in seconds) and "expiration", or a mapping of these to the names of the columns."""

ArrowRows: TypeAlias = SupportsArrowStream | SupportsArrowArray
"""Rows in columns: a table, a stream or a record batch of pyarrow, or what any library has with
`__arrow_c_stream__` or `__arrow_c_array__`, such as frames of polars and pandas."""

OnMismatch: TypeAlias = Literal["error", "null", "json"]
"""What becomes of a value that does not fit its column: it is an error, or a null; or columns whose values
are of several types have them as JSON text."""
