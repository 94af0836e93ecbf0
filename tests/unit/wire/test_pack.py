"""Python values to the bytes of bins: lossless, or refused with the place and the type."""

from __future__ import annotations

import array
import collections
import ctypes
import datetime
import decimal
import enum
import fractions
import struct
import uuid
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from hypothesis import given

from pyspike import operations as op
from pyspike._wire import Key, key_rank, pack_value, unpack_value
from pyspike.errors import InvalidArgument, InvalidType
from pyspike.values import GeoJSON, HyperLogLog, KeyOrderedDict, KeyValueOrderedDict, OrderedList, RawParticle
from support import packed, strategies
from support.ids import shown
from support.unsent import UNSENT
from support.vectors import same

INTEGER, FLOAT, STRING, BLOB, BOOL, HLL, MAP, LIST, GEOJSON = 1, 2, 3, 4, 17, 18, 19, 20, 23


class Index:
    """An integer of another kind, as numpy's are."""

    def __init__(self, value: int, before: Callable[[], None] = lambda: None) -> None:
        self.value, self.before = value, before

    def __repr__(self) -> str:
        return f"Index({self.value})"

    def __index__(self) -> int:
        self.before()
        return self.value


class Word(str):
    __slots__ = ()


class Count(int):
    pass


class Share(float):
    pass


class Colour(enum.IntEnum):
    RED = 7


class Plain(enum.Enum):
    RED = 7


class Point(NamedTuple):
    x: int
    y: int


def element(value: Any) -> bytes:
    """The bytes of a value inside a list."""
    particle, data = pack_value([value])
    assert (particle, data[0]) == (LIST, 0x91)
    return data[1:]


def in_bins(bins: Any) -> None:
    UNSENT.put(("test", "s", 1), bins)


# --- a bin's whole value ---


@pytest.mark.parametrize(
    ("value", "particle", "data"),
    [
        (None, 0, b""),
        (0, INTEGER, bytes(8)),
        (-1, INTEGER, b"\xff" * 8),
        (2**63 - 1, INTEGER, b"\x7f" + b"\xff" * 7),
        (-(2**63), INTEGER, b"\x80" + bytes(7)),
        (1.5, FLOAT, struct.pack(">d", 1.5)),
        (-0.0, FLOAT, b"\x80" + bytes(7)),
        (float("inf"), FLOAT, struct.pack(">d", float("inf"))),
        ("", STRING, b""),
        ("é\0x", STRING, b"\xc3\xa9\0x"),
        (b"", BLOB, b""),
        (b"\0\xff", BLOB, b"\0\xff"),
        (bytearray(b"\0\xff"), BLOB, b"\0\xff"),
        (memoryview(b"\0\xff"), BLOB, b"\0\xff"),
        (memoryview(b"0123")[1:3], BLOB, b"12"),
        (array.array("B", [1, 2]), BLOB, b"\1\2"),
        (True, BOOL, b"\1"),
        (False, BOOL, b"\0"),
        (HyperLogLog(b"\0\4\0"), HLL, b"\0\4\0"),
        (GeoJSON('{"type": "Point"}'), GEOJSON, b'\0\0\0{"type": "Point"}'),
        (RawParticle(9, b"\0x"), 9, b"\0x"),
        (RawParticle(255, b""), 255, b""),
        ([], LIST, b"\x90"),
        ((), LIST, b"\x90"),
        ({}, MAP, b"\x80"),
        (KeyOrderedDict(), MAP, b"\x81\xc7\0\x01\xc0"),
        (KeyValueOrderedDict(), MAP, b"\x81\xc7\0\x03\xc0"),
    ],
    ids=shown,
)
def test_each_type_has_its_particle(value: Any, particle: int, data: bytes) -> None:
    assert pack_value(value) == (particle, data)


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (Index(7), 7),
        (Count(7), 7),
        (Colour.RED, 7),
        (Share(1.5), 1.5),
        (Word("é"), "é"),
        (collections.OrderedDict(a=1), {"a": 1}),
        (collections.defaultdict(int, a=1), {"a": 1}),
        (collections.Counter("a"), {"a": 1}),
        (type("Rows", (list,), {})([1, 2]), [1, 2]),
        ((1, 2), [1, 2]),
        (Point(1, 2), [1, 2]),
        (type("Data", (bytes,), {})(b"x"), b"x"),
    ],
    ids=repr,
)
def test_subclasses_and_likes_are_written_as_what_they_are(value: Any, plain: Any) -> None:
    assert pack_value(value) == pack_value(plain)
    assert pack_value([value, {"k": value}]) == pack_value([plain, {"k": plain}])


# --- inside lists and maps ---


@pytest.mark.parametrize(
    ("number", "data"),
    [
        (0, "00"),
        (127, "7f"),
        (128, "cc80"),
        (255, "ccff"),
        (256, "cd0100"),
        (65535, "cdffff"),
        (65536, "ce00010000"),
        (2**32 - 1, "ceffffffff"),
        (2**32, "cf0000000100000000"),
        (2**63 - 1, "cf7fffffffffffffff"),
        (-1, "ff"),
        (-32, "e0"),
        (-33, "d0df"),
        (-128, "d080"),
        (-129, "d1ff7f"),
        (-(2**15), "d18000"),
        (-(2**15) - 1, "d2ffff7fff"),
        (-(2**31), "d280000000"),
        (-(2**31) - 1, "d3ffffffff7fffffff"),
        (-(2**63), "d38000000000000000"),
    ],
)
def test_integers_take_the_smallest_form(number: int, data: str) -> None:
    assert element(number) == bytes.fromhex(data)
    assert pack_value({number: None})[1] == b"\x81" + bytes.fromhex(data) + b"\xc0"


@pytest.mark.parametrize(
    ("size", "head"),
    [
        (0, "a1"),
        (30, "bf"),
        (31, "d920"),
        (32, "d921"),
        (254, "d9ff"),
        (255, "da0100"),
        (256, "da0101"),
        (65534, "daffff"),
        (65535, "db00010000"),
        (65536, "db00010001"),
    ],
)
def test_the_length_of_a_string_or_blob_counts_its_type(size: int, head: str) -> None:
    assert element("x" * size) == bytes.fromhex(head) + b"\x03" + b"x" * size
    assert element(b"x" * size) == bytes.fromhex(head) + b"\x04" + b"x" * size
    assert element(bytearray(size)) == bytes.fromhex(head) + b"\x04" + bytes(size)
    assert pack_value({"x" * size: 1})[1] == b"\x81" + bytes.fromhex(head) + b"\x03" + b"x" * size + b"\x01"


@pytest.mark.parametrize(
    ("count", "head"),
    [(15, "9f"), (16, "dc0010"), (65535, "dcffff"), (65536, "dd00010000")],
)
def test_lists_take_the_smallest_head(count: int, head: str) -> None:
    assert pack_value([0] * count) == (LIST, bytes.fromhex(head) + bytes(count))


@pytest.mark.parametrize(
    ("count", "head"),
    [(15, "8f"), (16, "de0010"), (65535, "deffff"), (65536, "df00010000")],
)
def test_maps_take_the_smallest_head(count: int, head: str) -> None:
    assert pack_value(dict.fromkeys(range(count)))[1].startswith(bytes.fromhex(head) + b"\0\xc0\x01\xc0")


@pytest.mark.parametrize(("count", "head"), [(14, "8f"), (15, "de0010")])
def test_the_marker_of_an_ordered_map_counts_as_an_entry(count: int, head: str) -> None:
    data = pack_value(KeyOrderedDict.fromkeys(range(count)))[1]
    assert data.startswith(bytes.fromhex(head) + b"\xc7\0\x01\xc0\0\xc0")


def test_all_other_types_inside_a_list() -> None:
    values = [None, True, False, 2.5, GeoJSON("{}"), HyperLogLog(b"h"), RawParticle(7, b"j"), "a\0b"]
    data = "c0 c3 c2 cb4004000000000000 a3177b7d a21268 a2076a a403610062"
    assert b"".join(element(value) for value in values) == bytes.fromhex(data)


def test_the_example_of_the_protocol_notes() -> None:
    values = [3, "x", b"y", 2.5, None, True, -1, 200, 70000, 2**40, -200]
    data = "9b03a20378a20479cb4004000000000000c0c3ffccc8ce00011170cf0000010000000000d1ff38"
    assert pack_value(values) == (LIST, bytes.fromhex(data))
    assert pack_value(KeyOrderedDict(z=1, a=2))[1] == bytes.fromhex("83c70001c0a2036102a2037a01")


def test_a_dict_keeps_its_order() -> None:
    assert pack_value({"b": 1, "a": 2})[1] == bytes.fromhex("82a2036201a2036102")


@pytest.mark.parametrize("kind", [KeyOrderedDict, KeyValueOrderedDict])
def test_ordered_maps_are_sorted_as_the_server_sorts(kind: type[dict[Any, Any]]) -> None:
    """Integers, strings by their UTF-8 bytes, blobs; at every depth."""
    keys: list[Any] = [
        -(2**63),
        -1,
        0,
        2**63 - 1,
        "",
        "a",
        "aa",
        "b",
        "é",
        "\uffff",
        "\U00010000",
        b"",
        b"a",
        b"b",
    ]
    data = pack_value([kind((key, kind({2: 0, 1: 0})) for key in reversed(keys))])[1]
    (read,) = packed.decode(data)
    assert list(read) == keys
    assert type(read) is kind
    assert all(list(inner) == [1, 2] for inner in read.values())


def test_strings_sort_by_utf8_not_by_utf16() -> None:
    assert key_rank("\uffff") < key_rank("\U00010000")


def test_bytes_like_map_keys_are_blobs() -> None:
    assert pack_value({memoryview(b"k"): 1}) == pack_value({b"k": 1})


@strategies.bounded
@given(strategies.containers)
def test_what_is_packed_is_what_another_decoder_reads(value: Any) -> None:
    particle, data = pack_value(value)
    assert particle == (MAP if isinstance(value, dict) else LIST)
    assert same(sort(packed.decode(data)), sort(value))


@strategies.bounded
@given(strategies.containers)
def test_packed_bytes_are_those_of_another_encoder(value: Any) -> None:
    assert pack_value(value)[1] == packed.encode(sort(value))


@strategies.bounded
@given(strategies.values)
def test_a_round_trip_gives_back_what_went_in(value: Any) -> None:
    particle, data = pack_value(value)
    if particle == GEOJSON:
        assert data[:3] == bytes(3)
    assert same(sort(unpack_value(particle, data)), sort(value))


def sort(value: Any, compared: bool = False) -> Any:
    """With ordered lists and maps in the order in which they are sent; in an ordered list so are all maps."""
    if isinstance(value, OrderedList):
        return OrderedList(sorted((sort(item, True) for item in value), key=place))
    if isinstance(value, list):
        return [sort(item, compared) for item in value]
    if isinstance(value, dict):
        in_order = compared or isinstance(value, (KeyOrderedDict, KeyValueOrderedDict))
        keys = sorted(value, key=rank) if in_order else value
        return type(value)((key, sort(value[key], compared)) for key in keys)
    return value


def place(value: Any) -> tuple[Any, ...]:
    """Where the server sorts a value (values.md, ordering of values)."""
    if value is None:
        return (0,)
    if isinstance(value, bool):
        return 1, value
    if isinstance(value, int):
        return 2, value
    if isinstance(value, GeoJSON):
        return 8, value.encode()
    if isinstance(value, str):
        return 3, value.encode()
    if isinstance(value, list):
        return 4, [place(item) for item in value]
    if isinstance(value, dict):
        return 5, len(value), [(place(key), place(item)) for key, item in value.items()]
    if isinstance(value, float):
        return 7, value
    if isinstance(value, RawParticle):
        return 6, bytes([value.type]) + value.data
    return 6, bytes([HLL if isinstance(value, HyperLogLog) else BLOB]) + value


def rank(key: Any) -> tuple[int, Any]:
    if isinstance(key, int):
        return 0, key
    return (1, key.encode()) if isinstance(key, str) else (2, key)


# --- refused ---


@pytest.mark.parametrize(
    "value",
    [
        decimal.Decimal(1),
        fractions.Fraction(1, 2),
        1j,
        {1, 2},
        frozenset(),
        object(),
        Plain.RED,
        datetime.datetime(2020, 1, 1),
        uuid.UUID(int=1),
        range(3),
        iter([1]),
        {}.keys(),
        collections.deque([1]),
        int,
        len,
        ...,
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_the_server_has_no_type_for_is_refused_by_name_and_place(value: Any) -> None:
    name = type(value).__name__
    for bins, place in [
        ({"b": value}, "bins['b']"),
        ({"b": [1, value]}, "bins['b'][1]"),
        ({"b": {"k": (value,)}}, "bins['b']['k'][0]"),
    ]:
        with pytest.raises(InvalidType) as caught:
            in_bins(bins)
        assert caught.value.message == f"{place}: {name} is not an Aerospike type"
        assert isinstance(caught.value, TypeError)


def test_the_message_of_the_issue() -> None:
    with pytest.raises(InvalidType) as caught:
        in_bins({"prefs": [0, 1, {"x": decimal.Decimal(1)}]})
    assert caught.value.message == "bins['prefs'][2]['x']: Decimal is not an Aerospike type"
    assert "convert" in caught.value.advice


def test_an_operation_names_its_bin_too() -> None:
    with pytest.raises(InvalidType, match=r"bins\['prefs'\]\[0\]: set is not an Aerospike type"):
        op.put("prefs", [set()])


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 2**64, 10**30, Index(2**63)])
def test_integers_beyond_64_bits_are_refused(number: Any) -> None:
    for bins, place in [
        ({"b": number}, r"bins\['b'\]"),
        ({"b": [number]}, r"bins\['b'\]\[0\]"),
        ({"b": {number: 1}}, r"bins\['b'\]\[.*\]"),
        ({"b": KeyOrderedDict({number: 1})}, r"bins\['b'\]\[.*\]"),
    ]:
        with pytest.raises(
            InvalidArgument, match=rf"{place}: -?\d+ does not fit into a signed 64-bit integer"
        ):
            in_bins(bins)


@pytest.mark.parametrize(
    "key",
    [
        1.5,
        True,
        False,
        None,
        (1, 2),
        frozenset(),
        GeoJSON("{}"),
        HyperLogLog(b"x"),
        decimal.Decimal(1),
        Plain.RED,
    ],
    ids=repr,
)
@pytest.mark.parametrize("kind", [dict, KeyOrderedDict])
def test_map_keys_that_the_server_can_not_hold_are_refused(kind: type, key: Any) -> None:
    with pytest.raises(InvalidType) as caught:
        in_bins({"b": [kind({key: 1})]})
    name = type(key).__name__
    expected = f"bins['b'][0][{key!r}]: {name} can't be a map key: the server takes int, str and bytes"
    assert caught.value.message == expected


@pytest.mark.parametrize("data", ["text", b"".join, None, 7, 1.5], ids=shown)
def test_a_raw_particle_without_bytes_is_refused(data: Any) -> None:
    """Anything else than an error would send memory of the process."""
    for value in (RawParticle(9, data), [RawParticle(9, data)], {"k": RawParticle(9, data)}):
        with pytest.raises(InvalidArgument):
            pack_value(value)
    for kind in (dict, KeyOrderedDict):
        with pytest.raises(InvalidArgument):
            pack_value(kind({RawParticle(BLOB, data): 1, RawParticle(BLOB, b"x"): 2}))


@pytest.mark.parametrize("number", [-1, 256, 300, 2**40])
def test_a_raw_particle_of_an_impossible_type_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match=str(number)):
        pack_value(RawParticle(number, b""))
    with pytest.raises(ValueError, match=str(number)):
        pack_value([RawParticle(number, b"")])


@pytest.mark.parametrize("kind", [dict, KeyOrderedDict])
@pytest.mark.parametrize(
    "entries",
    [
        [(Index(1), "a"), (1, "b")],
        [(b"a", 1), (RawParticle(BLOB, b"a"), 2)],
        [("a", 1), (RawParticle(STRING, b"a"), 2)],
    ],
    ids=repr,
)
def test_keys_that_are_one_to_the_server_are_refused(kind: type, entries: Any) -> None:
    """In a list the server would store what nobody can read (values.md, order requirements)."""
    with pytest.raises(InvalidArgument):
        pack_value([kind(entries)])


def test_a_raw_particle_is_a_map_key_only_as_a_string_or_blob() -> None:
    assert pack_value({RawParticle(STRING, b"\xff"): 1})[1] == b"\x81\xa2\x03\xff\x01"
    with pytest.raises(InvalidType):
        pack_value({RawParticle(9, b"x"): 1})


@pytest.mark.parametrize(
    "items",
    [array.array("i", [1]), array.array("d", [1.0]), memoryview(b"01234567").cast("I")],
    ids=lambda items: f"{type(items).__name__} of {items.itemsize}",
)
def test_arrays_of_larger_items_are_refused(items: Any) -> None:
    with pytest.raises(InvalidType, match=rf"bins\['b'\]: .* of items of {items.itemsize} bytes"):
        in_bins({"b": items})


def test_arrays_with_gaps_are_refused() -> None:
    with pytest.raises(InvalidArgument, match=r"bins\['b'\]\[0\]: memoryview is not contiguous"):
        in_bins({"b": [memoryview(b"0123")[::2]]})


@pytest.mark.parametrize("number", [ctypes.c_bool(True), ctypes.c_byte(5), ctypes.c_int(5)], ids=repr)
def test_a_scalar_with_a_buffer_is_no_blob(number: Any) -> None:
    """numpy's bool is one: b"\\x01" would be something else than True."""
    with pytest.raises(InvalidType):
        pack_value(number)
    with pytest.raises(InvalidType):
        pack_value([number])


def test_a_buffer_is_given_back_after_an_error() -> None:
    data = array.array("i", [1])
    with pytest.raises(InvalidType):
        pack_value(data)
    data.append(2)  # BufferError while somebody looks at it


@pytest.mark.parametrize("value", ["\ud800", "a\udfffb", GeoJSON("\ud800"), Word("\ud800")])
def test_lone_surrogates_are_refused(value: str) -> None:
    for bins in ({"b": value}, {"b": [value]}, {"b": {"k": value}}):
        with pytest.raises(InvalidArgument, match=r"bins\['b'\].*: not valid text"):
            in_bins(bins)


@pytest.mark.parametrize("kind", [dict, KeyOrderedDict])
def test_lone_surrogates_in_keys_are_refused(kind: type) -> None:
    with pytest.raises(InvalidArgument, match=r"bins\['b'\]\['.ud800'\]: not valid text"):
        in_bins({"b": kind({"\ud800": 1, "a": 2})})


def nest(depth: int, kind: Callable[[Any], Any]) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = kind(value)
    return value


@pytest.mark.parametrize("kind", [lambda value: [value], lambda value: {"k": value}, lambda value: (value,)])
def test_nesting_has_a_limit_in_both_directions(kind: Callable[[Any], Any]) -> None:
    particle, data = pack_value(nest(256, kind))
    assert unpack_value(particle, data)
    with pytest.raises(InvalidArgument, match="nested deeper than 256 levels"):
        pack_value(nest(257, kind))


def test_a_value_that_holds_itself_is_refused() -> None:
    endless: list[Any] = [1]
    endless.append({"again": endless})
    with pytest.raises(InvalidArgument, match="nested deeper than 256 levels") as caught:
        in_bins({"b": endless})
    assert len(str(caught.value)) < 500


def test_a_dict_that_changes_while_it_is_packed_is_an_error() -> None:
    changing: dict[Any, Any] = {"a": Index(1, lambda: changing.update(more=1)), "b": 2}
    with pytest.raises((InvalidArgument, RuntimeError), match="size"):
        pack_value(changing)
    shrinking: dict[Any, Any] = {"a": Index(1, lambda: shrinking.clear()), "b": 2, "c": 3}
    with pytest.raises((InvalidArgument, RuntimeError), match="size"):
        pack_value(shrinking)


def test_an_ordered_dict_that_changes_while_it_is_packed_is_an_error() -> None:
    growing: KeyOrderedDict[Any, Any] = KeyOrderedDict({Index(1, lambda: growing.clear()): 1, 2: 2})
    with pytest.raises((InvalidArgument, RuntimeError, KeyError)):
        pack_value(growing)


@pytest.mark.parametrize(
    "change", [lambda rows: rows.clear(), lambda rows: rows.append(1)], ids=["clear", "append"]
)
def test_a_list_that_changes_while_it_is_packed_is_an_error(change: Callable[[list[Any]], None]) -> None:
    rows: list[Any] = [Index(1, lambda: change(rows)), 2, 3]
    with pytest.raises((InvalidArgument, RuntimeError), match="size"):
        pack_value(rows)


def test_the_error_of_an_index_passes_through() -> None:
    def fail() -> None:
        raise ZeroDivisionError

    for value in (Index(1, fail), [Index(1, fail)], {Index(1, fail): 1}, KeyOrderedDict({Index(1, fail): 1})):
        with pytest.raises(ZeroDivisionError):
            pack_value(value)


def test_what_has_an_index_only_in_name_is_refused_as_what_it_is() -> None:
    """NumPy's arrays have __index__, which most of them refuse."""

    def fail() -> None:
        raise TypeError("only integer scalar arrays can be converted to a scalar index")

    for value, place in ((Index(1, fail), "value"), ([Index(1, fail)], r"value\[0\]")):
        with pytest.raises(InvalidType, match=f"^{place}: Index is not an Aerospike type"):
            pack_value(value)
    with pytest.raises(InvalidType, match="Index can't be a map key"):
        pack_value({Index(1, fail): 1})
    with pytest.raises(InvalidType, match="a key must be int, str or bytes, not Index"):
        Key("test", "s", Index(1, fail))  # type: ignore[arg-type]


def test_bytes_of_several_dimensions_are_refused_as_their_shape_would_be_lost() -> None:
    table = memoryview(bytes(6)).cast("B", (2, 3))
    with pytest.raises(InvalidType, match="memoryview of 2 dimensions"):
        pack_value(table)


def test_a_list_or_map_that_was_read_raw_is_written_as_it_was() -> None:
    data = bytes.fromhex("82 01 01 cb3ff0000000000000 02")  # {1: 1, 1.0: 2}
    raw = RawParticle(19, data)
    assert pack_value(raw) == (19, data)
    assert pack_value([raw, 1])[1] == b"\x92" + data + b"\x01"
    for wrong in (RawParticle(19, b"\x01"), RawParticle(20, b""), RawParticle(20, b"\x90\x90")):
        with pytest.raises(InvalidArgument, match=r"value\[0\]: RawParticle.* holds no (list|map)"):
            pack_value([wrong])


@pytest.mark.parametrize("sign", [1, -1])
def test_integers_that_python_can_not_write_are_refused_by_their_size(sign: int) -> None:
    value = sign * 10**5000
    with pytest.raises(InvalidArgument, match="an integer of 16610 bits does not fit"):
        pack_value({"a": [value]})
    with pytest.raises(InvalidArgument, match="an integer of 16610 bits does not fit"):
        Key("test", "s", value)


def test_a_message_has_a_largest_size() -> None:
    with pytest.raises(InvalidArgument, match="limit of 134217728 bytes"):
        in_bins({"b": bytes(128 * 1024 * 1024)})
