"""From the bytes of an expression to a tree of nodes that can be run.

Owns: literals, the table of opcodes, the cache of trees. Not here: what opcodes do (the modules that are
imported below).
"""

from __future__ import annotations

from functools import lru_cache, partial

from ..protocol.constants import BLOB_TYPES, ParticleType
from ..protocol.flags import ExpType
from ..protocol.opcodes import ExpOpcode
from ..protocol.result import RequestError
from ..values.bin_values import particle_of
from ..values.decoding import decode
from ..values.encoding import encode
from ..values.integers import as_int64
from ..values.nesting import is_value_nested_deeper
from ..values.ordering import as_float
from ..values.packed import Extension, Float32, PackedError, PackedList, PackedMap, Value
from ..versions import NEWEST, ServerVersion
from . import arithmetic, calls, comparison, logic, record, strings
from .tracing import build_trace
from .vocabulary import Args, Node, Opcode, Variables, bad, type_of

__all__ = ["Builder", "build", "opcodes_of"]

LEVELS_MAX = 128
"""How deep expressions may be nested: as deep as Python's stack surely has room for."""

_CACHED = 512
_CACHED_BYTES = 4096

_PREFIXES = BLOB_TYPES | {ParticleType.STRING, ParticleType.GEOJSON, ParticleType.HLL}


_OPCODES: dict[int, Opcode] = {
    **comparison.OPCODES,
    **logic.OPCODES,
    **arithmetic.OPCODES,
    **record.OPCODES,
    **calls.OPCODES,
    **strings.OPCODES,
}


def build(data: bytes, version: ServerVersion = NEWEST) -> Node:
    """The tree of an expression, as a server of this version builds it.

    Raises:
        RequestError: PARAMETER for anything that is no expression.

    """
    return _build_cached(data, version) if len(data) <= _CACHED_BYTES else _build(data, version)


def _build(data: bytes, version: ServerVersion) -> Node:
    builder = Builder(version)
    try:
        return builder(_decoded(data), {})
    except RequestError as error:
        error.trace = partial(build_trace, data, builder.failed)
        raise


_build_cached = lru_cache(maxsize=_CACHED)(_build)


class Builder:
    """Builds trees of packed values, and counts how deep in them it is.

    A value that is no expression, or is nested too deeply, is refused with PARAMETER.
    """

    def __init__(self, version: ServerVersion) -> None:
        self.version = version
        self.failed: list[PackedList] = []
        """The calls around what is refused, outermost first."""
        self._calls: list[PackedList] = []

    def __call__(self, value: Value, variables: Variables) -> Node:
        """The tree of a value. `variables`: the types of the variables that are defined around it."""
        if not isinstance(value, PackedList):
            self._check_nesting(value)
            return literal(value)
        if value.flags or not value.items or type(value.items[0]) is not int:
            raise bad("a list that is no call")
        opcode, args = value.items[0], value.items[1:]
        if opcode == ExpOpcode.QUOTE:
            return self._quoted(args)
        make = _OPCODES.get(opcode)
        if make is None:
            raise bad(f"opcode {opcode}")
        if len(self._calls) == LEVELS_MAX:
            raise bad(f"nested deeper than {LEVELS_MAX} levels")
        self._calls.append(value)
        try:
            return make(args, variables, self)
        except RequestError:
            self.failed = self.failed or self._calls.copy()
            raise
        finally:
            self._calls.pop()

    def _quoted(self, args: Args) -> Node:
        if len(args) != 1 or not isinstance(args[0], PackedList):
            raise bad("a quote of something else than a list")
        self._check_nesting(args[0])
        return _fresh(args[0], ExpType.LIST)

    def _check_nesting(self, literal: Value) -> None:
        most = self.version.nesting_max
        if most is not None and is_value_nested_deeper(literal, most):
            raise bad("list/map nested too deeply")


class _Recorder(Builder):
    """Builds trees, and notes their opcodes."""

    def __init__(self, version: ServerVersion) -> None:
        super().__init__(version)
        self.opcodes: set[int] = set()

    def __call__(self, value: Value, variables: Variables) -> Node:
        if isinstance(value, PackedList) and value.items and type(value.items[0]) is int:
            self.opcodes.add(value.items[0])
        return super().__call__(value, variables)


def opcodes_of(data: bytes, version: ServerVersion) -> set[int]:
    """The opcodes of an expression and of its parts. It raises what `build` raises."""
    recorder = _Recorder(version)
    recorder(_decoded(data), {})
    return recorder.opcodes


def _decoded(data: bytes) -> Value:
    try:
        return decode(data)
    except PackedError as error:
        raise bad(str(error)) from error


def literal(value: Value) -> Node:
    """The node of a value that is its own result."""
    if isinstance(value, PackedMap):
        return _fresh(value, ExpType.MAP)
    if isinstance(value, Extension):
        raise bad("a wildcard or an infinity as a value")
    if type(value) is int:
        value = as_int64(value)
    elif isinstance(value, Float32):
        value = as_float(value)
    elif isinstance(value, bytes):
        if not value or value[0] not in _PREFIXES:
            raise bad("a string without its type")
        if value[0] == ParticleType.GEOJSON:
            _check_geojson(value)
    return Node(type_of(value), lambda scope: value)


def _check_geojson(value: bytes) -> None:
    try:
        particle_of(value)
    except RequestError as error:
        raise bad("GeoJSON") from error


def _fresh(value: Value, kind: int) -> Node:
    """The node of a list or map that is its own result.

    Each run decodes a new one, which operations may change.
    """
    packed = encode(value)
    return Node(kind, lambda scope: decode(packed))
