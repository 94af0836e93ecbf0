"""What the tests of lists, maps and expressions share: Python values as the server has them, operations."""

from __future__ import annotations

from typing import Any

from pyspike.server.cdt.calls import Call, parse_context
from pyspike.server.cdt.operate import modify, read
from pyspike.server.protocol.result import RequestError, ResultCode
from pyspike.server.values.normalising import sort_pairs
from pyspike.server.values.ordering import INFINITY, WILDCARD
from pyspike.server.values.packed import Extension, PackedList, PackedMap, Value

__all__ = ["INFINITY", "WILDCARD", "error_of", "get", "ordered", "packed", "plain", "put"]

ORDERED = 1


def packed(value: Any) -> Value:
    """Lists, maps (sorted by key), strings and blobs as the server has them; what is packed stays."""
    if isinstance(value, (PackedList, PackedMap, Extension)):
        return value
    if isinstance(value, str):
        return b"\x03" + value.encode()
    if isinstance(value, bytes):
        return b"\x04" + value
    if isinstance(value, (list, tuple)):
        return PackedList(0, [packed(item) for item in value])
    if isinstance(value, dict):
        return PackedMap(0, sort_pairs([(packed(key), packed(item)) for key, item in value.items()]))
    return value  # type: ignore[no-any-return]


def ordered(value: Any, flags: int = ORDERED) -> Value:
    """An ordered list or map; the elements are in order already."""
    container = packed(value)
    assert isinstance(container, (PackedList, PackedMap))
    container.flags = flags
    return container


def plain(value: Any) -> Any:
    """The Python value; a map as the list of its pairs, in order."""
    if isinstance(value, PackedList):
        return [plain(item) for item in value.items]
    if isinstance(value, PackedMap):
        return [(plain(key), plain(item)) for key, item in value.pairs]
    if isinstance(value, bytes):
        return value[1:].decode() if value[:1] == b"\x03" else value[1:]
    return value


def _call(opcode: int, args: tuple[Any, ...], ctx: list[Any] | None) -> Call:
    context = None if ctx is None else parse_context(packed(ctx))
    return Call(context, opcode, [packed(arg) for arg in args])


def get(value: Any, opcode: int, *args: Any, ctx: list[Any] | None = None) -> Any:
    """The result of a read operation."""
    return plain(read(packed(value), _call(opcode, args, ctx)))


def put(value: Any, opcode: int, *args: Any, ctx: list[Any] | None = None) -> tuple[Any, Any]:
    """The result of a write operation, and the value after it; None as value: there is none."""
    result, after = modify(packed(value), _call(opcode, args, ctx))
    return plain(result), plain(after)


def error_of(function: Any, *args: Any, **kwargs: Any) -> ResultCode:
    """The result code with which an operation fails."""
    try:
        function(*args, **kwargs)
    except RequestError as error:
        return error.code
    raise AssertionError("no error")
