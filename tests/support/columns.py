"""What tests of columns share: records in memory, and a consumer of Arrow's C structs by ctypes."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pyspike._wire import Columns, memory_columns, pack_value
from pyspike.columnar.schema import schema_of
from pyspike.columnar.stream import ArrowStream
from pyspike.values import RawParticle
from support.messages import DIGEST, KEY, NAMESPACE, SET, Message, Op


def record_of(
    bins: Mapping[str, Any],
    *,
    digest: bytes = bytes(20),
    set_name: bytes = b"s",
    key: bytes | None = None,
    **header: int,
) -> bytes:
    """A record as a node sends it; a RawParticle is sent as it is."""
    fields = [(NAMESPACE, b"test"), (DIGEST, digest)]
    if set_name:
        fields.append((SET, set_name))
    if key is not None:
        fields.append((KEY, key))
    ops = []
    for name, value in bins.items():
        particle, data = (value.type, value.data) if type(value) is RawParticle else pack_value(value)
        ops.append(Op(1, name.encode("utf-8", "surrogateescape"), particle, data))
    return Message(fields=tuple(fields), ops=tuple(ops), **header).body


def stream_of_bodies(
    bodies: Iterable[bytes],
    schema: Any = None,
    *,
    bins: Sequence[str] | None = None,
    metadata: Mapping[str, str] | Sequence[str] = (),
    batch_rows: int = 65_536,
    batch_bytes: int = 16 << 20,
    on_mismatch: str = "error",
    extra: str | None = None,
) -> ArrowStream:
    """A stream of the records in these bodies."""
    columns = Columns(
        None if schema is None else schema_of(schema),
        bins,
        metadata if isinstance(metadata, Mapping) else {name: name for name in metadata},
        batch_rows=batch_rows,
        batch_bytes=batch_bytes,
        on_mismatch=on_mismatch,
        extra=extra,
    )
    stream = memory_columns(bodies, columns, ArrowStream)
    assert isinstance(stream, ArrowStream)
    return stream


def stream_of(records: Iterable[Mapping[str, Any]], schema: Any = None, **options: Any) -> ArrowStream:
    """A stream of records with these bins."""
    return stream_of_bodies([record_of(bins) for bins in records], schema, **options)


# C structs --------------------------------------------------------------------------------------------------


class CSchema(ctypes.Structure):
    """ArrowSchema."""


class CArray(ctypes.Structure):
    """ArrowArray."""


class CStream(ctypes.Structure):
    """ArrowArrayStream."""


CSchema._fields_ = [
    ("format", ctypes.c_char_p),
    ("name", ctypes.c_char_p),
    ("metadata", ctypes.c_void_p),
    ("flags", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("children", ctypes.POINTER(ctypes.POINTER(CSchema))),
    ("dictionary", ctypes.POINTER(CSchema)),
    ("release", ctypes.CFUNCTYPE(None, ctypes.POINTER(CSchema))),
    ("private_data", ctypes.c_void_p),
]
CArray._fields_ = [
    ("length", ctypes.c_int64),
    ("null_count", ctypes.c_int64),
    ("offset", ctypes.c_int64),
    ("n_buffers", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("buffers", ctypes.POINTER(ctypes.c_void_p)),
    ("children", ctypes.POINTER(ctypes.POINTER(CArray))),
    ("dictionary", ctypes.POINTER(CArray)),
    ("release", ctypes.CFUNCTYPE(None, ctypes.POINTER(CArray))),
    ("private_data", ctypes.c_void_p),
]
CStream._fields_ = [
    ("get_schema", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(CStream), ctypes.POINTER(CSchema))),
    ("get_next", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(CStream), ctypes.POINTER(CArray))),
    ("get_last_error", ctypes.CFUNCTYPE(ctypes.c_char_p, ctypes.POINTER(CStream))),
    ("release", ctypes.CFUNCTYPE(None, ctypes.POINTER(CStream))),
    ("private_data", ctypes.c_void_p),
]

_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_pointer.restype = ctypes.c_void_p
_pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]


def in_capsule(capsule: object, name: bytes, kind: type[Any]) -> Any:
    """The struct in a capsule, where it stands."""
    return kind.from_address(_pointer(capsule, name))


def moved(struct: Any) -> Any:
    """A struct as a consumer moves it: its bytes are copied, and the source is marked as released."""
    copy = type(struct)()
    ctypes.memmove(ctypes.byref(copy), ctypes.byref(struct), ctypes.sizeof(struct))
    ctypes.memset(ctypes.addressof(struct) + type(struct).release.offset, 0, ctypes.sizeof(ctypes.c_void_p))
    return copy


def release(struct: Any) -> None:
    """Release a struct, which must mark itself as released."""
    assert struct.release
    struct.release(ctypes.byref(struct))
    assert not struct.release


def ints(array: Any, width: type[Any] = ctypes.c_int64) -> list[int]:
    """The numbers in an array of them."""
    return list((width * array.length).from_address(array.buffers[1]))
