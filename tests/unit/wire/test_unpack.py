"""The bytes of bins to Python values: every form the server may send, not only those that pyspike writes."""

from __future__ import annotations

import math
import struct
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyspike import Key
from pyspike._wire import pack_value, parse_answer, unpack_value
from pyspike.errors import ProtocolError
from pyspike.values import GeoJSON, HyperLogLog, KeyOrderedDict, KeyValueOrderedDict, RawParticle
from support import packed, strategies
from support.messages import Message, Op
from support.unsent import UNSENT
from support.vectors import same

NULL, INTEGER, FLOAT, STRING, BLOB, BOOL, HLL, MAP, LIST, GEOJSON = 0, 1, 2, 3, 4, 17, 18, 19, 20, 23


def element(data: str | bytes) -> Any:
    """The value of these bytes inside a list."""
    raw = bytes.fromhex(data) if isinstance(data, str) else data
    (value,) = unpack_value(LIST, b"\x91" + raw)
    return value


def unpack_map(data: str) -> Any:
    return unpack_value(MAP, bytes.fromhex(data))


def unpack_list(data: str) -> Any:
    return unpack_value(LIST, bytes.fromhex(data))


# --- particles ---


@pytest.mark.parametrize(
    ("particle", "data", "value"),
    [
        (NULL, "", None),
        (INTEGER, "ffffffffffffffff", -1),
        (INTEGER, "7fffffffffffffff", 2**63 - 1),
        (INTEGER, "8000000000000000", -(2**63)),
        (INTEGER, "ffffffff", 4294967295),  # shorter ones are zero-extended, as the server does
        (INTEGER, "ffff", 65535),
        (INTEGER, "ff", 255),
        (FLOAT, "3ff8000000000000", 1.5),
        (FLOAT, "8000000000000000", -0.0),
        (FLOAT, "fff0000000000000", -math.inf),
        (FLOAT, "7ff8000000000000", math.nan),
        (STRING, "", ""),
        (STRING, "c3a90078", "é\0x"),
        (BLOB, "", b""),
        (BLOB, "00ff", b"\0\xff"),
        (BOOL, "01", True),
        (BOOL, "00", False),
        (HLL, "000400", HyperLogLog(b"\0\4\0")),
        (GEOJSON, "0000007b7d", GeoJSON("{}")),
        (GEOJSON, "000001" + "80" * 8 + "7b7d", GeoJSON("{}")),
        (GEOJSON, "010002" + "80" * 16 + "7b7d", GeoJSON("{}")),
        (LIST, "90", []),
        (MAP, "80", {}),
        (7, "aced", RawParticle(7, b"\xac\xed")),
        (12, "", RawParticle(12, b"")),
        (16, "01", RawParticle(16, b"\1")),
        (99, "0102", RawParticle(99, b"\1\2")),
        (255, "0102", RawParticle(255, b"\1\2")),
    ],
)
def test_each_particle_has_its_type(particle: int, data: str, value: Any) -> None:
    assert same(unpack_value(particle, bytes.fromhex(data)), value)


@pytest.mark.parametrize(
    ("particle", "data"),
    [
        *[(INTEGER, "00" * size) for size in (0, 3, 5, 7, 9)],
        *[(FLOAT, "00" * size) for size in (0, 4, 7, 9)],
        (BOOL, ""),
        (BOOL, "0000"),
        (GEOJSON, ""),
        (GEOJSON, "0000"),
        (GEOJSON, "0000017b7d"),  # a cell is promised
        (GEOJSON, "00ffff"),
        (LIST, ""),
        (MAP, ""),
        (LIST, "80"),  # a map
        (MAP, "90"),
        (LIST, "01"),
        (LIST, "9000"),  # more behind it
        (MAP, "8000"),
    ],
)
def test_a_particle_that_can_not_be_one_is_a_protocol_error(particle: int, data: str) -> None:
    with pytest.raises(ProtocolError, match="the server's answer can't be read"):
        unpack_value(particle, bytes.fromhex(data))


@pytest.mark.parametrize(("particle", "data"), [(STRING, b"\xff"), (GEOJSON, b"\0\0\0\xff")])
def test_text_that_is_no_utf8_comes_raw(particle: int, data: bytes) -> None:
    """The server does not look at the bytes of strings, so other clients may have written anything."""
    assert unpack_value(particle, data) == RawParticle(particle, b"\xff")


def test_raw_text_is_written_back_as_it_came() -> None:
    assert pack_value(unpack_value(STRING, b"\xff")) == (STRING, b"\xff")
    in_list = b"\x92\xa3\x03\xff\xfe\xa3\x07ab"
    assert pack_value(unpack_value(LIST, in_list)) == (LIST, in_list)


# --- inside lists and maps ---


@pytest.mark.parametrize(
    ("value", "forms"),
    [
        (5, "05 cc05 cd0005 ce00000005 cf0000000000000005 d005 d10005 d200000005 d30000000000000005"),
        (-5, "fb d0fb d1fffb d2fffffffb d3fffffffffffffffb"),
        (200, "ccc8 cd00c8 d100c8 d2000000c8 d300000000000000c8"),
        (2**63, "cf8000000000000000"),
        (2**64 - 1, "cfffffffffffffffff"),
        (-(2**63), "d38000000000000000"),
        (2**32 - 1, "ceffffffff"),
        (-(2**31), "d280000000"),
        (1.5, "ca3fc00000 cb3ff8000000000000"),
        (-0.0, "ca80000000 cb8000000000000000"),
        (math.inf, "ca7f800000 cb7ff0000000000000"),
        (math.nan, "ca7fc00000 cb7ff8000000000000"),
        ("x", "a20378 d9020378 da00020378 db000000020378 c4020378 c500020378 c6000000020378"),
        ("", "a103 d90103 da000103 db0000000103 c40103"),
        (b"x", "a20478 d9020478 da00020478 db000000020478 c4020478 c500020478 c6000000020478"),
        (None, "c0"),
        (True, "c3"),
        (False, "c2"),
        ([7], "9107 dc000107 dd0000000107"),
        ({7: 8}, "810708 de00010708 df000000010708"),
        (GeoJSON("{}"), "a3177b7d d903177b7d"),
        (HyperLogLog(b"h"), "a21268"),
        (RawParticle(9, b"p"), "a20970"),
        (RawParticle(97, b"bc"), "a3616263"),  # written by a client that knows nothing of types
        (RawParticle(0, b""), "a0 d900"),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_every_form_of_a_value_is_read(value: Any, forms: str) -> None:
    for form in forms.split():
        assert same(element(form), value), form


@pytest.mark.parametrize(
    "marker",
    ["c70001", "c7010100", "c8000001", "c800010100", "c90000000001", "d40100", "d5010000", "d60100000000"],
)
def test_every_form_of_the_order_marker_is_read(marker: str) -> None:
    assert unpack_list(f"93{marker}0102") == [1, 2]
    read = unpack_map(f"82{marker}c00102")
    assert (type(read), read) == (KeyOrderedDict, {1: 2})


@pytest.mark.parametrize(
    ("flags", "kind"),
    [
        (0, dict),
        (1, KeyOrderedDict),
        (2, dict),
        (3, KeyValueOrderedDict),
        (8, dict),
        (0x11, KeyOrderedDict),
        (0x13, KeyValueOrderedDict),
    ],
)
def test_the_flags_of_a_map_make_its_type(flags: int, kind: type[dict[Any, Any]]) -> None:
    read = unpack_map(f"83c700{flags:02x}c0a20362010902")
    assert type(read) is kind
    assert list(read.items()) == [("b", 1), (9, 2)]


def test_the_order_of_a_map_is_kept() -> None:
    assert list(unpack_map("83c70008c0a2036201a2036102")) == ["b", "a"]


def test_markers_are_read_at_every_depth() -> None:
    read = unpack_list("92c7000192c7000181c70001c0")
    assert read == [[{}]]
    assert type(read[0][0]) is KeyOrderedDict


def test_a_marker_stands_only_in_the_first_place() -> None:
    with pytest.raises(ProtocolError):
        unpack_list("9201c70001")
    with pytest.raises(ProtocolError):
        unpack_map("820102c70001c0")


@pytest.mark.parametrize(
    ("data", "key"),
    [
        ("81cb3ff800000000000001", 1.5),
        ("81c301", True),
        ("81c001", None),
        ("81a20a7001", RawParticle(10, b"p")),
        ("8192010201", RawParticle(LIST, bytes.fromhex("920102"))),
        ("8181010201", RawParticle(MAP, bytes.fromhex("810102"))),
    ],
)
def test_keys_of_old_servers_do_not_break_a_map(data: str, key: Any) -> None:
    assert unpack_map(data) == {key: 1}


def test_a_map_with_keys_that_are_equal_in_python_comes_raw_and_loses_nothing() -> None:
    for second in ("01", "c3", "cb3ff0000000000000"):  # 1, True, 1.0
        data = bytes.fromhex(f"820105{second}06")
        assert unpack_value(MAP, data) == RawParticle(MAP, data)
        assert unpack_value(LIST, b"\x92" + data + b"\x07") == [RawParticle(MAP, data), 7]
        assert unpack_map("8108" + data.hex()) == {8: RawParticle(MAP, data)}


@strategies.bounded
@given(strategies.containers)
def test_what_another_encoder_wrote_is_read(value: Any) -> None:
    particle = MAP if isinstance(value, dict) else LIST
    assert same(unpack_value(particle, packed.encode(value)), value)


def loose(value: Any, draw: Any) -> bytes:
    """Any of the forms in which a value may come, drawn at random; written from msgpack's specification."""
    if isinstance(value, (list, dict)):
        parts = value if isinstance(value, list) else [part for entry in value.items() for part in entry]
        heads = LIST_HEADS if isinstance(value, list) else MAP_HEADS
        return drawn(heads, len(value), draw) + b"".join(loose(part, draw) for part in parts)
    if isinstance(value, (str, bytes)):
        data = b"\x03" + value.encode() if isinstance(value, str) else b"\x04" + value
        return drawn(TEXT_HEADS, len(data), draw) + data
    return drawn(INTEGERS, value, draw) if type(value) is int else bytes(msgpack.packb(value))


def drawn(forms: list[tuple[int, str, int, int]], number: int, draw: Any) -> bytes:
    """A tag and a number behind it, in one of the forms that can hold it."""
    fit = [(tag, layout) for tag, layout, least, most in forms if least <= number <= most]
    tag, layout = draw(st.sampled_from(fit))
    return struct.pack(">B" + layout, tag, number)


# A tag, how the number behind it is laid out, and which numbers fit.
LIST_HEADS = [(0xDC, "H", 0, 2**16 - 1), (0xDD, "I", 0, 2**32 - 1)]
MAP_HEADS = [(0xDE, "H", 0, 2**16 - 1), (0xDF, "I", 0, 2**32 - 1)]
TEXT_HEADS = [(tag + at, "BHI"[at], 0, 2 ** (8 << at) - 1) for tag in (0xC4, 0xD9) for at in range(3)]
INTEGERS = [
    *[(0xCC + at, "BHIQ"[at], 0, 2 ** (8 << at) - 1) for at in range(4)],
    *[(0xD0 + at, "bhiq"[at], -(2 ** ((8 << at) - 1)), 2 ** ((8 << at) - 1) - 1) for at in range(4)],
]
plain = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | strategies.keys,
    lambda values: st.lists(values, max_size=6) | st.dictionaries(strategies.keys, values, max_size=4),
    max_leaves=8,
)


@strategies.bounded
@given(st.lists(plain, max_size=4), st.data())
def test_a_value_in_any_of_its_forms_is_read(value: list[Any], data: st.DataObject) -> None:
    assert same(unpack_value(LIST, loose(value, data.draw)), value)


@pytest.mark.parametrize("tag", ["c1", "c7ff", "d4ff00", "d4ff01", "d50100", "d80100", "c8", "c9"])
def test_what_is_no_value_is_a_protocol_error(tag: str) -> None:
    with pytest.raises(ProtocolError):
        unpack_list("9205" + tag)


@pytest.mark.parametrize("size", range(1, 30))
def test_a_value_that_is_cut_is_a_protocol_error(size: int) -> None:
    whole = packed.encode([1, "text", b"blob", 2.5, {"k": [300, -300]}, None])
    assert len(whole) > size
    with pytest.raises(ProtocolError):
        unpack_value(LIST, whole[:size])


# --- texts that come again ---

KNOWN = [b"a", b"k1", b"k2", b"name", b"a text of 23 bytes ....", "kä".encode(), b"\xff", b"k\xff"]
KEYS = st.one_of(st.sampled_from(KNOWN), st.text(max_size=7).map(str.encode), st.binary(max_size=26))
MAPS = st.lists(
    st.tuples(KEYS.map(lambda name: name[:15]), st.lists(KEYS, max_size=15, unique=True)),
    unique_by=lambda named: named[0],
)


def answered(maps: list[tuple[bytes, list[bytes]]]) -> dict[str, Any]:
    """The bins of a record, as a client reads them: each is a map with these keys."""
    ops = [
        Op(1, name, MAP, bytes([0x80 | len(keys)]) + b"".join(text(key) + b"\x01" for key in keys))
        for name, keys in maps
    ]
    record = parse_answer(UNSENT.get(Key("test", "s", 1)), Message(ops=tuple(ops)).body)
    return dict(record)


def text(data: bytes) -> bytes:
    """These bytes as a string in a map or list."""
    return bytes([0xA0 | len(data) + 1, STRING]) + data


def decoded(key: bytes) -> str | RawParticle:
    try:
        return key.decode()
    except UnicodeDecodeError:
        return RawParticle(STRING, key)


@pytest.mark.parametrize("key", [b"k1", b"k", "kä".encode(), b"x" * 23])
def test_a_short_text_that_comes_again_is_the_same_object(key: bytes) -> None:
    name = key[:15]
    bins = answered([(name, [key]), (b"other", [b"first", key])])
    (first,), (_, again) = bins.values()
    assert first is again
    if name == key:
        assert next(iter(bins)) is first


@strategies.thorough
@given(MAPS)
def test_names_and_keys_are_what_their_bytes_say_whatever_came_before(
    maps: list[tuple[bytes, list[bytes]]],
) -> None:
    assert answered(maps) == {
        name.decode(errors="surrogateescape"): {decoded(key): 1 for key in keys} for name, keys in maps
    }
