"""Hypothesis strategies for the values that Aerospike holds."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from pyspike.values import GeoJSON, HyperLogLog, KeyOrderedDict, KeyValueOrderedDict, OrderedList, RawParticle
from support.examples import examples

EDGES = [
    edge + step
    for bits in (0, 5, 7, 8, 15, 16, 31, 32, 53, 63)
    for edge in (2**bits, -(2**bits))
    for step in (-1, 0, 1)
]
bounded = settings(max_examples=examples(100))
thorough = settings(max_examples=examples(200))

LENGTHS = [30, 31, 32, 254, 255, 256]

integers = st.integers(-(2**63), 2**63 - 1) | st.sampled_from(
    [edge for edge in EDGES if -(2**63) <= edge < 2**63]
)
texts = st.text(max_size=40) | st.sampled_from(LENGTHS).map(lambda size: "x" * size)
blobs = st.binary(max_size=40) | st.sampled_from(LENGTHS).map(bytes)
foreign = st.builds(RawParticle, st.integers(7, 12), st.binary(max_size=8))
scalars = (
    st.none()
    | st.booleans()
    | integers
    | st.floats(allow_nan=False)
    | texts
    | blobs
    | texts.map(GeoJSON)
    | st.binary(max_size=8).map(HyperLogLog)
    | foreign
)
keys = integers | texts | blobs


def _containers(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    maps = st.dictionaries(keys, values, max_size=4)
    lists = st.lists(values, max_size=6)
    ordered = lists.map(OrderedList) | maps.map(KeyOrderedDict) | maps.map(KeyValueOrderedDict)
    return lists | maps | ordered


values = st.recursive(scalars, _containers, max_leaves=8)
containers = _containers(values)
