from __future__ import annotations

import copy
import json
import pickle
from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyspike.values import GeoJSON, HyperLogLog, KeyOrderedDict, KeyValueOrderedDict, MultiResult, RawParticle

POINT = {"type": "Point", "coordinates": [-122.0, 37.5]}
VALUES = [
    GeoJSON(POINT),
    HyperLogLog(b"\x00\x04\x00 registers"),
    KeyOrderedDict(b=1, a=2),
    KeyValueOrderedDict(b=1, a=2),
    MultiResult([1, "two"]),
    RawParticle(9, b"\x80\x04."),
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


def of(value):
    return type(value).__name__


@pytest.mark.parametrize("value", VALUES, ids=of)
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_every_value_survives_pickling_with_its_type(value, protocol):
    twin = pickle.loads(pickle.dumps(value, protocol))
    assert (type(twin), twin) == (type(value), value)


@pytest.mark.parametrize("value", VALUES, ids=of)
@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy])
def test_every_value_survives_copying_with_its_type(value, duplicate):
    twin = duplicate(value)
    assert (type(twin), twin) == (type(value), value)


@pytest.mark.parametrize("value", VALUES, ids=of)
def test_every_value_says_its_type_in_its_repr(value):
    assert repr(value).startswith(f"{of(value)}(")


@pytest.mark.parametrize("value", [value for value in VALUES if not isinstance(value, HyperLogLog)], ids=of)
def test_a_repr_can_be_evaluated(value):
    twin = eval(repr(value))
    assert (type(twin), twin) == (type(value), value)


def test_the_repr_of_a_hyperloglog_is_short():
    assert repr(HyperLogLog(bytes(4096))) == "HyperLogLog(<4096 bytes>)"


@pytest.mark.parametrize("value", [value for value in VALUES if not isinstance(value, RawParticle)], ids=of)
def test_a_value_is_also_the_plain_type_it_stands_on(value):
    plain = type(value).__mro__[1](value)
    assert plain == value
    assert isinstance(value, type(plain))


@given(st.dictionaries(st.text(), JSON) | st.lists(JSON))
def test_geojson_gives_back_what_it_was_made_of(value):
    assert GeoJSON(value).unwrap() == value


@given(JSON.map(lambda value: json.dumps(value, indent=2)))
def test_geojson_keeps_a_text_as_it_is(text):
    assert str(GeoJSON(text)) == text
    assert type(str(GeoJSON(text))) is str


def test_geojson_is_dumped_without_spaces():
    assert GeoJSON(POINT) == '{"type":"Point","coordinates":[-122.0,37.5]}'


@pytest.mark.parametrize("value", [{"coordinates": float("nan")}, [float("inf")]])
def test_geojson_refuses_numbers_that_json_has_not(value):
    with pytest.raises(ValueError, match="not JSON compliant"):
        GeoJSON(value)


@pytest.mark.parametrize("value", [None, 1, b"{}", (1, 2), {"a": {1, 2}}])
def test_geojson_refuses_what_has_no_form_in_json(value):
    with pytest.raises(TypeError):
        GeoJSON(value)


@pytest.mark.parametrize("kind", [KeyOrderedDict, KeyValueOrderedDict])
def test_a_copy_of_an_ordered_map_is_ordered_too(kind):
    original = kind(a=[1])
    twin = original.copy()
    assert type(twin) is kind
    assert twin == original
    assert twin is not original


@pytest.mark.parametrize("value", VALUES[:-1], ids=of)
def test_a_value_has_no_room_for_attributes(value):
    with pytest.raises(AttributeError):
        value.extra = 1


def test_a_raw_particle_does_not_change():
    with pytest.raises(FrozenInstanceError):
        RawParticle(9, b"x").data = b"y"


@given(st.integers(0, 255), st.binary(), st.integers(0, 255), st.binary())
def test_raw_particles_are_equal_when_type_and_bytes_are(type_a, data_a, type_b, data_b):
    a, b = RawParticle(type_a, data_a), RawParticle(type_b, data_b)
    assert (a == b) == ((type_a, data_a) == (type_b, data_b))
    assert hash(a) == hash(RawParticle(type_a, data_a))
