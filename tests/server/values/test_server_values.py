"""Lists and maps are stored in one form; the order of values."""

from __future__ import annotations

from functools import partial

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyspike.server.values.decoding import decode
from pyspike.server.values.encoding import encode
from pyspike.server.values.geojson import leaf_cell
from pyspike.server.values.normalising import normalise
from pyspike.server.values.ordering import compare, sort_key
from pyspike.server.values.packed import Extension, Float32, PackedError, PackedList, PackedMap, Value

as_list, as_map = partial(normalise, want_map=False), partial(normalise, want_map=True)


def raw(text: str) -> bytes:
    return bytes.fromhex(text)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("93 cc01 d30000000000000005 d1ffff", "93 01 05 ff"),
        ("91 c40203ff", "91 a203ff"),
        ("91 ca3fc00000", "91 ca3fc00000"),
        ("91 d902 0341", "91 a20341"),
        ("dc0001 01", "91 01"),
        ("dd00000001 01", "91 01"),
        ("92 c70000 01", "91 01"),
        ("92 c70010 01", "91 01"),
        ("93 c70001 01 01", "93 c70001 01 01"),
        ("93 d40100 01 02", "93 c70001 01 02"),
        ("93 c70011 01 02", "93 c70001 01 02"),
        ("91 92 c70001 05", "91 92 c70001 05"),
        ("91 a0", "91 a0"),
        ("91 a3616263", "91 a3616263"),
        ("91 cfffffffffffffffff", "91 cfffffffffffffffff"),
        ("91 82 02c0 01c0", "91 82 01c0 02c0"),
        ("90", "90"),
    ],
)
def test_lists_are_kept_in_the_smallest_form(sent: str, kept: str) -> None:
    assert as_list(raw(sent)).hex() == raw(kept).hex()


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("82 a20361 01 02 01", "82 02 01 a20361 01"),
        ("83 c70001 c0 a20361 02 a2037a 01", "83 c70001 c0 a20361 02 a2037a 01"),
        ("81 c70003 c0", "81 c70003 c0"),
        ("81 c70002 c0", "81 c70002 c0"),
        ("82 c70008 c0 a20361 05", "81 a20361 05"),
        ("82 c70010 c0 a20361 05", "81 a20361 05"),
        ("de0001 01 01", "81 01 01"),
        ("82 a20462 01 a20361 02", "82 a20361 02 a20462 01"),
        ("80", "80"),
    ],
)
def test_maps_are_kept_sorted(sent: str, kept: str) -> None:
    assert as_map(raw(sent)).hex() == raw(kept).hex()


@pytest.mark.parametrize(
    "sent",
    [
        "",
        "91",
        "91 01 01",
        "80",
        "c0",
        "91 c1",
        "93 c70001 02 01",
        "91 d4ff00",
        "92 01 d4ff01",
        "92 01 c70001",
        "91 82 01c0 01c0",
        "91 81 c0c0",
        "dd ffffffff 01",
        "91 a5 0361",
    ],
)
def test_bad_lists_are_refused(sent: str) -> None:
    with pytest.raises(PackedError):
        as_list(raw(sent))


@pytest.mark.parametrize(
    "sent",
    [
        "90",
        "81 c0 01",
        "81 c3 01",
        "81 cb3ff8000000000000 01",
        "81 90 01",
        "81 a21761 01",
        "82 0101 0102",
        "81 01",
        "83 c70001 c0 02 01 01 01",
        "83 c70001 c0 01 01 01 01",
        "82 01 01 cc01 02",
    ],
)
def test_bad_maps_are_refused(sent: str) -> None:
    with pytest.raises(PackedError):
        as_map(raw(sent))


def test_values_may_be_nested_deeply() -> None:
    deep = b"\x91" * 5000 + b"\x90"
    assert as_list(deep) == deep
    assert as_list(b"\xdc\x00\x01" * 5000 + b"\x90") == deep


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(allow_nan=False),
    st.binary(max_size=40).map(lambda data: b"\x04" + data),
    st.text(max_size=20).map(lambda text: b"\x03" + text.encode()),
)
keys = st.one_of(
    st.integers(-(2**63), 2**63 - 1), st.text(max_size=9).map(lambda text: b"\x03" + text.encode())
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=5).map(lambda items: PackedList(0, items)),
        st.dictionaries(keys, inner, max_size=5).map(
            lambda pairs: PackedMap(0, sorted(pairs.items(), key=lambda pair: sort_key(pair[0])))
        ),
    ),
    max_leaves=20,
)


@given(values)
def test_what_is_encoded_can_be_decoded(value: Value) -> None:
    assert decode(encode(value)) == value


@given(st.lists(values, max_size=6))
def test_normalising_again_changes_nothing(items: list[Value]) -> None:
    once = as_list(encode(PackedList(0, items)))
    assert as_list(once) == once == encode(PackedList(0, items))


@given(st.binary(max_size=60))
def test_no_bytes_do_harm(data: bytes) -> None:
    for check in (as_list, as_map):
        try:
            kept = check(data)
        except PackedError:
            continue
        assert check(kept) == kept


@given(st.dictionaries(st.integers(-(2**63), 2**63 - 1), st.integers(-100, 100)))
def test_maps_of_another_writer_are_sorted(pairs: dict[int, int]) -> None:
    kept = as_map(msgpack.packb(pairs))
    assert list(msgpack.unpackb(kept, strict_map_key=False)) == sorted(pairs)


def test_values_are_ordered_by_type_first() -> None:
    ordered: list[Value] = [
        None,
        False,
        True,
        -5,
        7,
        2**63,
        b"\x03a",
        b"\x03ab",
        b"\x03b",
        PackedList(0, []),
        PackedList(0, [1]),
        PackedList(0, [1, None]),
        PackedList(0, [2]),
        PackedMap(0, []),
        PackedMap(0, [(1, 1)]),
        PackedMap(0, [(1, 2)]),
        PackedMap(0, [(0, 0), (1, 0)]),
        b"\x04",
        b"\x04\x00",
        -1.5,
        Float32(raw("3f800000")),
        1.5,
        b"\x17{}",
        Extension(0xFF, b"\x01"),
    ]
    shuffled = ordered[::2] + ordered[1::2]
    assert sorted(shuffled, key=sort_key) == ordered
    assert all(
        compare(one, two) == (i > j) - (i < j)
        for i, one in enumerate(ordered)
        for j, two in enumerate(ordered)
    )


def test_a_wildcard_equals_anything_and_the_rest_of_a_list() -> None:
    wildcard = Extension(0xFF, b"\x00")
    assert compare(wildcard, 5) == compare(None, wildcard) == 0
    assert compare(PackedList(0, [1, wildcard]), PackedList(0, [1, 2, 3])) == 0
    assert compare(PackedList(0, [1, wildcard]), PackedList(0, [2])) < 0


def test_points_have_the_cell_the_server_gives_them() -> None:
    assert leaf_cell(-122.0, 37.5) == 0x808FB8A247954393
