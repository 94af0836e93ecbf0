"""Columns of another library that are written: of every type, and some of them not as they should be.

A library's arrays do not tell how large their buffers are. So what is wrong with those here is what can be
seen: offsets that go back, or beyond a list's elements, numbers that a dictionary does not have, views of
what is not there, children and buffers that are missing. All of it is made of the input's bytes.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Callable
from typing import Any

from fuzz.choices import Choices
from pyspike import BatchPolicy, ReadPolicy, WritePolicy, _wire
from pyspike.columnar.json_values import from_text
from support.columns import CArray

RULES = _wire.row_rules(BatchPolicy().settings, ReadPolicy().settings, WritePolicy().settings)

CODES = {"c": 1, "s": 2, "i": 4, "l": 8, "C": 1, "S": 2, "I": 4, "L": 8}
INTS = {**CODES, "tdD": 4, "tdm": 8, "tts": 4, "ttn": 8, "tsu:": 8, "tDm": 8}
TEXTS = {"u": 4, "U": 8, "z": 4, "Z": 8}
PLAIN = ("n", "b", "e", "f", "g", "w:3", "w:20", "vu", "vz", *INTS, *TEXTS)
NESTED = ("+l", "+L", "+w:2", "+s", "+m")
NAMES = ("id", "v", "digest", "ttl", "g", "set", "extra", "x")
ROLES = ("key", "digest", "set", "ttl", "generation", "extra")
KEYS = ("l", "i", "u", "z", "vu", "w:20", "S", "U")
JSON = {"ARROW:extension:name": "arrow.json"}
NULLS = ({"aerospike:null": "value"}, {"aerospike:null": "either"})
METADATA: dict[str, tuple[dict[str, str] | None, ...]] = {
    **dict.fromkeys(("u", "U", "vu"), (None, None, {"aerospike:particle": "geojson"}, JSON)),
    **dict.fromkeys(("z", "Z", "vz"), (None, {"aerospike:particle": "hll"})),
}
WORDS = (
    b"",
    b"a",
    b"text",
    b"\xff\xfe",
    "ä".encode(),
    b"a text of more than twelve bytes",
    b'{"x": 1}',
    b"[1]",
    b"{",
)
DEEPEST = 3
MOST_ROWS = 9

_new_capsule = ctypes.pythonapi.PyCapsule_New
_new_capsule.restype = ctypes.py_object
_new_capsule.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
_fields: dict[str, Any] = dict(CArray._fields_)


def _released(pointer: Any) -> None:
    pointer.contents.release = _fields["release"]()


RELEASE = _fields["release"](_released)


class Arrays:
    """A table of columns, as an object that any library takes.

    Args:
        data: what it is made of.
    """

    def __init__(self, data: bytes) -> None:
        self.choices = Choices(data)
        self._alive: list[Any] = []  # the memory of all of it
        self.rows = self.choices.number(MOST_ROWS)
        offset = self.choices.number(3)
        width = 1 + self.choices.number(len(NAMES) - 1)
        columns = [self._column(NAMES[place], self.rows + offset, 0) for place in range(width)]
        self.schema = _wire.ArrowSchema("", "+s", fields=[schema for schema, _ in columns])
        children = [array for _, array in columns]
        self.array = self._array(self.rows, offset, [self._validity(self.rows + offset)], children)

    def __arrow_c_array__(self, requested_schema: object = None) -> tuple[object, object]:
        capsule = _new_capsule(ctypes.addressof(self.array), b"arrow_array", None)
        return self.schema.__arrow_c_schema__(), capsule

    def write(self) -> None:
        """Pack all rows, as far as that goes."""
        roles = {"key": "id"}
        for name in self.schema.names[1:]:
            role = self.choices.number(24)
            if 0 < role < len(ROLES):  # most columns are bins
                roles[ROLES[role]] = name
        bins = {name: name for name in self.schema.names if name not in roles.values()}
        plan = _wire.ColumnPlan(self.schema, "test", "s", bins, roles, None, from_text, None)
        start = self.choices.number(3)
        writer = _wire.ColumnWriter(
            _wire.taken_columns(self), plan, _wire.Routing(), lambda batch: None,
            rules=RULES, start_row=start, in_flight=100, timeout=None,
            filter_expression=None, most_failures=None, dry_run=True,
        )  # fmt: skip
        writer.run(None)
        assert writer.sent + writer.skipped == max(0, self.array.length - start)

    # --- columns ---

    def _column(self, name: str, length: int, depth: int) -> tuple[_wire.ArrowSchema, Any]:
        """A column of this length, whose array may begin later in its buffers."""
        choose = self.choices
        offset = choose.number(3) if choose.number(4) == 3 else 0
        is_key = name in ("id", "key") and choose.number(8) > 0
        form = choose.one_of(KEYS if is_key else PLAIN + NESTED if depth < DEEPEST else PLAIN)
        metadata = None if is_key else choose.one_of(METADATA.get(form, (None, *NULLS)))
        if form in CODES and choose.number(8) == 7:
            return self._dictionary(name, form, length, offset, depth)
        nested: dict[str, Callable[[int], tuple[list[Any], list[tuple[_wire.ArrowSchema, Any]]]]] = {
            "+l": lambda count: self._lists(count, 4, depth),
            "+L": lambda count: self._lists(count, 8, depth),
            "+m": lambda count: self._maps(count, depth),
            "+s": lambda count: (
                [], [self._column(f"f{place}", count, depth + 1) for place in range(choose.number(3))]
            ),
            "+w:2": lambda count: ([], [self._column("item", 2 * count, depth + 1)]),
        }  # fmt: skip
        count = length + offset
        if form in nested:
            buffers, columns = nested[form](count)
        else:
            buffers, columns = self._plain(form, count), []
        fields = [schema for schema, _ in columns]
        schema = _wire.ArrowSchema(
            name, form, nullable=choose.number(4) > 0, metadata=metadata, fields=fields
        )
        if form != "n":
            buffers = [None if is_key and choose.number(8) else self._validity(count), *buffers]
        return schema, self._array(length, offset, buffers, [array for _, array in columns])

    def _dictionary(
        self, name: str, form: str, length: int, offset: int, depth: int
    ) -> tuple[_wire.ArrowSchema, Any]:
        values = 1 + self.choices.number(4)
        kind, inner = self._column(name, values, depth + 1)
        codes = b"".join(self._code(values).to_bytes(INTS[form], "little") for _ in range(length + offset))
        array = self._array(length, offset, [self._validity(length + offset), self._memory(codes)], [])
        if not self.choices.seldom():
            array.dictionary = ctypes.pointer(inner)
        return _wire.ArrowSchema(name, form, dictionary=kind), array

    def _code(self, values: int) -> int:
        return self.choices.number(256) if self.choices.seldom() else self.choices.number(values)

    def _plain(self, form: str, count: int) -> list[Any]:
        """The buffers of values, behind the bits that tell which are null."""
        if form == "n":
            return []
        if form == "b":
            return [self._memory(self.choices.bytes(count // 8 + 1))]
        if form in ("vu", "vz"):
            return self._views(count)
        if form in TEXTS:
            words = [self.choices.one_of(WORDS) for _ in range(count)]
            data = b"".join(words)
            return [self._offsets(list(map(len, words)), TEXTS[form], len(data)), self._memory(data)]
        width = int(form[2:]) if form.startswith("w:") else {"e": 2, "f": 4, "g": 8, **INTS}[form]
        return [self._memory(self.choices.bytes(width * count))]

    def _views(self, count: int) -> list[Any]:
        buffers = [b"".join(WORDS), b"another buffer of some bytes"]
        views = b""
        for _ in range(count):
            word = self.choices.one_of(WORDS)
            place = 0
            if len(word) <= 12 and not self.choices.seldom():
                views += struct.pack("<i12s", len(word), word)
                continue
            at, size = buffers[0].index(word), max(13, len(word))
            if self.choices.seldom():
                at, place = self.choices.number(256) - 20, self.choices.number(4) - 1
            if self.choices.seldom():
                size = self.choices.one_of((-1, 1000, 2**31 - 1))
            views += struct.pack("<i4sii", size, word[:4], place, at)
        sizes = struct.pack("<2q", *map(len, buffers))
        return [self._memory(views), *map(self._memory, buffers), self._memory(sizes)]

    def _lists(self, count: int, width: int, depth: int) -> tuple[list[Any], list[Any]]:
        sizes = [self.choices.number(4) for _ in range(count)]
        offsets = self._offsets(sizes, width, None)
        return [offsets], [self._column("item", sum(sizes), depth + 1)]

    def _maps(self, count: int, depth: int) -> tuple[list[Any], list[Any]]:
        sizes = [self.choices.number(4) for _ in range(count)]
        offsets = self._offsets(sizes, 4, None)
        columns = [self._column(name, sum(sizes), depth + 1) for name in ("key", "value")]
        entries = self._array(sum(sizes), 0, [None], [array for _, array in columns])
        schema = _wire.ArrowSchema("entries", "+s", fields=[schema for schema, _ in columns])
        return [offsets], [(schema, entries)]

    # --- memory ---

    def _offsets(self, sizes: list[int], width: int, most: int | None) -> Any:
        """Where values begin. Wrong ones never point behind what is there if that can't be seen."""
        offsets = [sum(sizes[:place]) for place in range(len(sizes) + 1)]
        if self.choices.seldom():
            wrong = self.choices.one_of((-1, -(2**31), 2**31 - 1, 1000, 0, 2))
            offsets[self.choices.number(len(offsets))] = wrong if most is None else min(wrong, most)
        return self._memory(b"".join(each.to_bytes(width, "little", signed=True) for each in offsets))

    def _validity(self, count: int) -> Any:
        return None if self.choices.number(2) else self._memory(self.choices.bytes(count // 8 + 1))

    def _memory(self, data: bytes) -> Any:
        """Memory that is as large as it has to be, so that sanitizers see who reads behind it."""
        memory = (ctypes.c_char * len(data)).from_buffer_copy(data) if data else (ctypes.c_char * 1)()
        self._alive.append(memory)
        return memory

    def _array(self, length: int, offset: int, buffers: list[Any], children: list[Any]) -> Any:
        choose = self.choices
        array = CArray()
        pointers = (ctypes.c_void_p * (len(buffers) + 2))(
            *[each and ctypes.addressof(each) for each in buffers]
        )
        inner = (ctypes.POINTER(CArray) * (len(children) + 1))(*map(ctypes.pointer, children))
        array.length, array.offset, array.null_count = length, offset, -1
        array.n_buffers, array.n_children = len(buffers), len(children)
        array.buffers, array.children, array.release = pointers, inner, RELEASE
        if choose.seldom():
            wrong = choose.number(9)
            if wrong == 0:
                # Where a view lacks its last buffer, that can't be seen: the one before is taken for it.
                array.n_buffers += 1 if len(buffers) > 3 else choose.one_of((-1, 1))
            elif wrong == 1:
                array.n_children += choose.one_of((-1, 1))
            elif wrong == 2:
                array.length = choose.one_of((-1, length // 2, -(2**63)))
            elif wrong == 3:
                array.offset = choose.one_of((-1, -(2**63)))
            elif wrong == 4:
                array.length, array.offset = 2**63 - 1, 2**63 - 1
            elif wrong == 5:
                pointers[choose.number(len(buffers) + 1)] = None
            elif wrong == 6 and children:
                children[0].release = _fields["release"]()
            elif wrong == 7:
                array.children = None
            else:
                array.buffers = None
        self._alive += [pointers, inner, array]
        return array


def write_arrays(data: bytes) -> None:
    """Write what is made of these bytes."""
    Arrays(data).write()
