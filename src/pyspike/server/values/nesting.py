"""How deep lists and maps are nested in each other: a list of scalars is one level.

Owns: counting levels. Not here: how many levels a server allows (../versions.py), and what it answers to
more.
"""

from __future__ import annotations

from ..protocol.msgpack_codes import FIX_LIST_END, FIX_MAP, LIST_16, MAP_32
from .decoding import decode
from .packed import PackedList, PackedMap, Value

__all__ = ["is_nested_deeper", "is_value_nested_deeper"]

_NO_CONTAINER = bytes(
    code for code in range(256) if not (FIX_MAP <= code <= FIX_LIST_END or LIST_16 <= code <= MAP_32)
)


def is_nested_deeper(data: bytes, most: int) -> bool:
    """Whether the value that `data` packs has more than `most` levels."""
    # Each level needs a byte that is the code of a list or map, so there are no more levels than such bytes.
    return len(data.translate(None, _NO_CONTAINER)) > most and is_value_nested_deeper(decode(data), most)


def is_value_nested_deeper(value: Value, most: int) -> bool:
    """Whether a value has more than `most` levels."""
    level = [value] if isinstance(value, (PackedList, PackedMap)) else []
    for _ in range(most):
        if not level:
            return False
        inside: list[Value] = []
        for container in level:
            if isinstance(container, PackedMap):
                inside += [item for _, item in container.pairs]
            elif isinstance(container, PackedList):
                inside += container.items
        level = [item for item in inside if isinstance(item, (PackedList, PackedMap))]
    return bool(level)
