"""Query plans: a server from 8.2 on says by which index it would find records; older ones are not asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from pyspike import (
    AdminPolicy,
    Client,
    CollectionIndexType,
    Explanation,
    IndexNotFound,
    IndexType,
    InvalidArgument,
    InvalidNamespace,
    InvalidType,
    QueryPath,
    RequestInvalid,
    UnsupportedFeature,
    errors,
)
from pyspike.cluster.explaining import explanation_of
from pyspike.server import EmbeddedCluster
from pyspike.values import GeoJSON
from support.cluster_tools import within

MOST, LEAST = 2**63 - 1, -(2**63)
NOTHING, ALL = Explanation(QueryPath.NOTHING), Explanation(QueryPath.PRIMARY_INDEX)


def by(index: str, bin_name: str, begin: Any, end: Any) -> Explanation:
    return Explanation(QueryPath.SECONDARY_INDEX, index, bin_name, CollectionIndexType.DEFAULT, begin, end)


TEXTS = {
    "$.age == 21": by("ages", "age", 21, 21),
    "$.age >= 21": by("ages", "age", 21, MOST),
    "  21 > $.age ": by("ages", "age", LEAST, 20),
    "$.age > 0x10 and $.age <= 30": by("ages", "age", 17, 30),
    "($.age > 1) and not ($.age == 5)": by("ages", "age", 2, MOST),
    "$.name == 'ann' and $.age > -5": by("names", "name", "ann", "ann"),
    '$.name == "ann" and $.age == 3': by("ages", "age", 3, 3),
    "$.age > 5 and $.age < 5": NOTHING,
    "$.name == 'ann' and $.name == 'ben'": NOTHING,
    "$.age == 1 or $.name == 'ann'": ALL,
    "$.age != 1": ALL,
    "$.name > 'ann'": ALL,
    "$.other == 1": ALL,
    "$.age:INT == $.other:INT": ALL,
    "$.age == 'ann'": ALL,
}


@pytest.fixture
def mine() -> Iterator[Any]:
    with EmbeddedCluster() as cluster, Client(cluster.hosts) as client:
        client.batch_put(
            [(("test", "users", n), {"age": n, "name": ("ann", "ben")[n % 2]}) for n in range(20)]
        )
        client.create_index("test", "users", "ages", bin="age", type=IndexType.INTEGER).wait(10_000)
        client.create_index("test", None, "names", bin="name", type=IndexType.STRING).wait(10_000)
        yield client


@pytest.mark.both_kinds
@pytest.mark.embedded_only
def test_the_best_index_is_told_with_what_is_looked_for(mine: Any) -> None:
    assert {text: mine.explain("test", "users", text) for text in TEXTS} == TEXTS
    assert mine.explain("test", None, "$.age == 21") == ALL  # the index is of a set
    assert mine.explain("test", "users", "$.age == 21", require_index=True).index == "ages"
    text = "$.name == 'ann' and $.age == 3"
    assert mine.explain("test", "users", text, index="names").index == "names"
    assert mine.explain("test", "users", text, index="none").index == "ages"
    assert mine.explain("test", "users", text, index="names", require_hint=True).index == "names"
    for given in ({"index": "none", "require_hint": True},):
        with pytest.raises(IndexNotFound):
            mine.explain("test", "users", text, **given)
    with pytest.raises(IndexNotFound):
        mine.explain("test", "users", "$.other == 1", require_index=True)
    with pytest.raises(RequestInvalid, match="'>' is not expected at byte 7") as caught:
        mine.explain("test", "users", "$.age <>")
    trace = caught.value.trace
    assert trace is not None
    assert (trace.phase, trace.language, trace.ael_offset, trace.ael_span) == ("build", "ael", 7, 1)


@pytest.mark.both_kinds
@pytest.mark.embedded_only
def test_arguments_are_checked_and_the_policy_has_the_deadline() -> None:
    with EmbeddedCluster() as cluster, Client(cluster.hosts) as mine:
        for arguments, options, kind, words in (
            (("test", "users", 5), {}, InvalidType, "where must be text"),
            (("test", "users", " "), {}, InvalidArgument, "where is empty"),
            (("test", "users", "x" * (2**20 + 1)), {}, InvalidArgument, "pyspike sends"),
            (("test", "users", "\ud800"), {}, InvalidArgument, "not valid text"),
            (
                ("test", "users", "$.a == 1"),
                {"require_index": 1},
                InvalidType,
                "must be True or False",
            ),
            (("test", "users", "$.a == 1"), {"require_hint": True}, InvalidArgument, "needs an index"),
            (("test", "users", "$.a == 1"), {"index": ""}, InvalidArgument, "the index's name is empty"),
            (("test", 5, "$.a == 1"), {}, InvalidType, "the set must be a str"),
            (("nope", None, "$.a == 1"), {}, InvalidNamespace, "no namespace 'nope'"),
        ):
            with pytest.raises(kind, match=words):
                mine.explain(*arguments, **options)
        cluster.nodes[0].freeze()
        with within(100), pytest.raises(errors.TimeoutError):
            mine.explain("test", "users", "$.a == 1", policy=AdminPolicy(timeout=100))


@pytest.mark.both_kinds
@pytest.mark.embedded_only
def test_older_servers_are_not_asked() -> None:
    with EmbeddedCluster(version="8.1.2") as cluster, Client(cluster.hosts) as mine:
        with pytest.raises(UnsupportedFeature, match=r"explanations of queries need server 8\.2 or later"):
            mine.explain("test", "users", "$.a == 1")
        with pytest.raises(UnsupportedFeature, match=r"indexes of the type INTEGER need server 8\.2"):
            mine.create_index("test", "users", "i", bin="b", type=IndexType.INTEGER)
        assert mine.list_indexes() == []


@pytest.mark.one_kind("asks no server")
def test_an_answer_is_read_or_refused() -> None:
    size = (2).to_bytes(4, "big")
    text = b"\x01\x01a\x03" + size + b"xy"
    assert explanation_of({21: b"i", 22: text, 26: b"\x03"}) == Explanation(
        QueryPath.SECONDARY_INDEX, "i", "a", CollectionIndexType.MAP_VALUES, "xy", "xy"
    )
    blob = b"\x01\x00\x04" + size + b"xy" + size + b"xy"
    assert explanation_of({21: b"i", 22: blob}).begin == b"xy"
    place = b"\x01\x00\x17" + size + b"{}"
    assert explanation_of({21: b"i", 22: place}).begin == GeoJSON("{}")
    unknown = b"\x01\x00\x09" + size + b"xy"
    for wrong in (
        b"",
        b"\x02\x00\x01",
        b"\x01\x09a",
        text[:-1],
        unknown,
        b"\x01\x00\x01\x00",
    ):
        with pytest.raises(errors.ProtocolError, match="no explanation"):
            explanation_of({21: b"i", 22: wrong})
    with pytest.raises(errors.ProtocolError):
        explanation_of({21: b"i"})
    with pytest.raises(errors.ProtocolError):
        explanation_of({21: b"i", 22: text, 26: b"\x09"})
