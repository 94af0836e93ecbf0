"""Secondary indexes of all kinds: created, found by queries of the official client, listed, dropped."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pyspike import (
    AdminPolicy,
    Client,
    ClientPolicy,
    CollectionIndexType,
    GeoJSON,
    IndexFound,
    IndexType,
    InfoPolicy,
    InvalidArgument,
    InvalidNamespace,
    InvalidType,
    Key,
    SecondaryIndex,
    UnsupportedFeature,
    errors,
    exp,
)
from pyspike.hosts import parse_hosts
from pyspike.operations import context
from pyspike.server import EmbeddedCluster
from support.cluster_tools import within

aerospike = pytest.importorskip("aerospike")
p = pytest.importorskip("aerospike.predicates")
cdt_ctx = pytest.importorskip("aerospike_helpers.cdt_ctx")

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

NUMERIC, STRING = IndexType.NUMERIC, IndexType.STRING
RUN = os.urandom(3).hex()
PATIENCE = 20_000
_numbers = itertools.count()


@pytest.fixture
def names(client: Any) -> Iterator[Callable[[], str]]:
    """Gives names that no index has; indexes that have one then are dropped after the test."""
    given: list[str] = []

    def name() -> str:
        given.append(f"i{RUN}{next(_numbers)}")
        return given[-1]

    yield name
    for each in given:
        client.drop_index("test", each).wait(PATIENCE)


@pytest.fixture(scope="module")
def official(hosts: str) -> Iterator[Any]:
    client = aerospike.client({"hosts": [(host.name, host.port) for host in parse_hosts(hosts)]}).connect()
    yield client
    client.close()


def listed(client: Any, name: str) -> SecondaryIndex | None:
    return next((each for each in client.list_indexes("test") if each.name == name), None)


def found(official: Any, set_name: str, *where: Any) -> list[int]:
    query = official.query("test", set_name)
    query.where(*where)
    return sorted(bins["id"] for _, _, bins in query.results())


DEEP = [context.map_key("x"), context.list_index(-1)]
LIST, KEYS, VALUES = CollectionIndexType.LIST, CollectionIndexType.MAP_KEYS, CollectionIndexType.MAP_VALUES
# Which index, the value that a record has in the bin, and by which predicate the official client finds it.
KINDS: dict[str, tuple[dict[str, Any], Any, Callable[[str], tuple[Any, ...]]]] = {
    "numeric": ({"type": NUMERIC}, 7, lambda b: (p.equals(b, 7),)),
    "string": ({"type": STRING}, "seven", lambda b: (p.equals(b, "seven"),)),
    "blob": ({"type": IndexType.BLOB}, b"7", lambda b: (p.equals(b, b"7"),)),
    "geo": (
        {"type": IndexType.GEO2DSPHERE},
        GeoJSON({"type": "Point", "coordinates": [1.0, 2.0]}),
        lambda b: (p.geo_within_radius(b, 1.0, 2.0, 1000.0),),
    ),
    "list": (
        {"type": NUMERIC, "collection": LIST},
        [1, 7],
        lambda b: (p.contains(b, aerospike.INDEX_TYPE_LIST, 7),),
    ),
    "map keys": (
        {"type": STRING, "collection": KEYS},
        {"seven": 1},
        lambda b: (p.contains(b, aerospike.INDEX_TYPE_MAPKEYS, "seven"),),
    ),
    "map values": (
        {"type": NUMERIC, "collection": VALUES},
        {"a": 7},
        lambda b: (p.range(b, aerospike.INDEX_TYPE_MAPVALUES, 6, 8),),
    ),
    "context": (
        {"type": NUMERIC, "ctx": DEEP},
        {"x": [1, 7]},
        lambda b: (p.equals(b, 7), [cdt_ctx.cdt_ctx_map_key("x"), cdt_ctx.cdt_ctx_list_index(-1)]),
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_an_index_of_each_kind_finds_records_and_is_listed(
    client: Any, official: Any, set_name: str, key: Key, names: Callable[[], str], kind: str
) -> None:
    given, value, where = KINDS[kind]
    name = names()
    bin_name = name[-10:]
    number = next(_numbers)
    client.put(key, {bin_name: value, "id": number})
    task = client.create_index("test", set_name, name, bin=bin_name, **given)
    assert (task.namespace, task.name) == ("test", name)
    seen: list[float] = []
    task.wait(PATIENCE, progress=seen.append)
    assert seen[-1] == task.progress == 1.0
    assert set(task.nodes) == set(client.node_names())
    assert found(official, set_name, *where(bin_name)) == [number]
    assert listed(client, name) == SecondaryIndex(
        namespace="test",
        name=name,
        set_name=set_name,
        bin=bin_name,
        type=given["type"],
        collection=given.get("collection", CollectionIndexType.DEFAULT),
        ctx=tuple(given["ctx"]) if "ctx" in given else None,
        expression=None,
        is_built=True,
    )
    client.delete(key)


def test_an_index_of_an_expression_and_one_of_the_namespace(
    client: Any, official: Any, set_name: str, key: Key, names: Callable[[], str]
) -> None:
    name, bin_name = names(), f"e{RUN}{next(_numbers)}"
    doubled = exp.int_bin(bin_name) * 2
    client.put(key, {bin_name: 7, "id": 1})
    client.create_index("test", None, name, expression=doubled, type=NUMERIC).wait(PATIENCE)
    index = listed(client, name)
    assert index is not None
    assert (index.set_name, index.bin, index.expression) == (None, None, doubled.to_bytes())
    query = official.query("test", set_name)
    query.where_with_index_name(name, p.equals(None, 14))
    assert [bins["id"] for _, _, bins in query.results()] == [1]
    client.create_index("test", None, name, expression=index.expression, type=NUMERIC).wait(PATIENCE)
    client.delete(key)


def test_what_the_official_client_creates_is_listed_and_dropped(
    client: Any, official: Any, set_name: str, names: Callable[[], str]
) -> None:
    name = names()
    official.index_list_create("test", set_name, name[-10:], aerospike.INDEX_STRING, name)
    index = listed(client, name)
    assert index is not None
    assert (index.bin, index.type, index.collection) == (name[-10:], STRING, LIST)
    assert index in client.list_indexes()
    assert client.list_indexes() == sorted(
        client.list_indexes(), key=lambda each: (each.namespace, each.name)
    )
    task = client.drop_index("test", name)
    task.wait(PATIENCE)
    assert listed(client, name) is None
    assert "is dropped" in repr(task)
    client.drop_index("test", name).wait(PATIENCE)  # which is harmless


def test_a_name_is_taken_by_one_definition(client: Any, set_name: str, names: Callable[[], str]) -> None:
    name, bin_name = names(), f"o{RUN}{next(_numbers)}"
    for _ in range(2):
        client.create_index("test", set_name, name, bin=bin_name, type=NUMERIC).wait(PATIENCE)
    with pytest.raises(IndexFound, match="already exists with different definition") as caught:
        client.create_index("test", set_name, name, bin=bin_name, type=STRING)
    assert "drop_index" in caught.value.advice
    assert caught.value.node in client.node_names()


def test_an_index_of_a_set(client: Any, key: Key, set_name: str, names: Callable[[], str]) -> None:
    name = names()
    client.put(key, {"a": 1})
    client.create_set_index("test", set_name, name).wait(PATIENCE)
    index = listed(client, name)
    assert index is not None
    assert (index.set_name, index.bin, index.type, index.is_built) == (set_name, None, None, True)
    client.delete(key)


def test_a_namespace_that_is_not_there_is_refused(client: Any) -> None:
    for call in (
        lambda: client.create_index("nope", None, "i", bin="b", type=NUMERIC),
        lambda: client.create_set_index("nope", "s", "i"),
        lambda: client.drop_index("nope", "i"),
        lambda: client.list_indexes("nope"),
    ):
        with pytest.raises(InvalidNamespace, match="the cluster has no namespace 'nope'") as caught:
            call()
        assert "test" in caught.value.advice


WRONG: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"name": ""}, InvalidArgument, "the index's name is empty"),
    ({"name": "n" * 64}, InvalidArgument, "takes 64 bytes, the server allows 63"),
    ({"name": "a;b"}, InvalidArgument, "can't carry"),
    ({"name": b"i"}, InvalidType, "the index's name must be a str"),
    ({"name": "\ud800"}, InvalidArgument, "not valid text"),
    ({"namespace": "n" * 32}, InvalidArgument, "the namespace .* takes 32 bytes"),
    ({"namespace": None}, InvalidType, "the namespace must be a str"),
    ({"set_name": "a:b"}, InvalidArgument, "the set 'a:b' has a character"),
    ({"set_name": ""}, InvalidArgument, "the set is empty"),
    ({"bin": "b" * 16}, InvalidArgument, "the bin .* takes 16 bytes, the server allows 15"),
    ({"bin": "a=b"}, InvalidArgument, "the bin 'a=b' has a character"),
    ({"bin": 5}, InvalidType, "the bin must be a str"),
    ({"bin": None}, InvalidArgument, "of a bin or of an expression"),
    ({"expression": exp.int_bin("a")}, InvalidArgument, "of a bin or of an expression"),
    ({"type": "numeric"}, InvalidType, "type must be a member of IndexType"),
    ({"collection": 1}, InvalidType, "collection must be a member of CollectionIndexType"),
    ({"type": IndexType.GEO2DSPHERE, "collection": KEYS}, InvalidArgument, "keys of a map are no GeoJSON"),
    ({"ctx": 5}, InvalidType, "ctx must be a list of contexts"),
    ({"ctx": [context.all_children()]}, InvalidArgument, "may select several"),
    ({"ctx": [context.map_key_create("a")]}, InvalidArgument, "creates a container"),
    ({"bin": None, "expression": exp.int_bin("a"), "ctx": DEEP}, InvalidArgument, "exclude each other"),
    ({"bin": None, "expression": "a"}, InvalidType, "expression must be an expression"),
    ({"bin": None, "expression": exp.str_bin("a")}, InvalidType, "type INT, but .* gives STRING"),
    ({"bin": None, "expression": exp.int_bin("a"), "collection": LIST}, InvalidType, "type LIST"),
    ({"bin": None, "expression": b"\x91\xcd\x03\xe7"}, InvalidType, "can't be told"),
    ({"bin": None, "expression": b"\x93"}, InvalidArgument, "expression is none"),
    ({"policy": InfoPolicy()}, InvalidType, "policy must be an AdminPolicy here"),
]


@pytest.mark.parametrize(("given", "kind", "words"), WRONG)
def test_an_argument_that_can_not_be_used_is_refused(
    client: Any, given: dict[str, Any], kind: type[Exception], words: str
) -> None:
    usable = {"namespace": "test", "set_name": "s", "name": "i", "bin": "b", "type": NUMERIC}
    with pytest.raises(kind, match=words):
        client.create_index(**{**usable, **given})
    assert "i" not in [each.name for each in client.list_indexes()]


def test_names_of_other_calls_are_checked_too(client: Any) -> None:
    for call in (
        lambda: client.drop_index("test", "a;b"),
        lambda: client.create_set_index("test", None, "i"),
        lambda: client.create_set_index("test", "s", ""),
        lambda: client.list_indexes(5),
    ):
        with pytest.raises((InvalidArgument, InvalidType), match=r"must be a str|can't carry|is empty"):
            call()


# Faults -----------------------------------------------------------------------------------------------------


@pytest.mark.both_kinds
@pytest.mark.embedded_only
def test_a_node_that_is_down_is_named_and_waited_for_until_it_leaves() -> None:
    with (
        EmbeddedCluster(3, process=True) as cluster,
        Client(cluster.hosts, ClientPolicy(tend_interval=100, admin=AdminPolicy(timeout=300))) as mine,
    ):
        for node in cluster.nodes:
            node.delay_indexes(1.5)
        task = mine.create_index("test", None, "i", bin="b", type=NUMERIC)
        with pytest.raises(
            errors.TimeoutError, match=r"index i of namespace test is built: node A\d has built"
        ):
            task.wait(100)
        assert 0 <= task.progress < 1
        index = next(each for each in mine.list_indexes("test"))
        assert not index.is_built
        cluster.nodes[1].freeze()
        with pytest.raises(errors.TimeoutError, match=r"node A2 .*does not answer") as caught:
            task.wait(2500)
        assert caught.value.node == "A2"
        assert task.nodes["A1"].text == "has built 100 % of it"
        assert task.progress >= 2 / 3
        cluster.nodes[1].kill()
        task.wait(PATIENCE)
        assert set(task.nodes) == {"A1", "A3"}
        task = mine.drop_index("test", "i")
        task.wait(PATIENCE)
        assert mine.list_indexes() == []


@pytest.mark.both_kinds
@pytest.mark.embedded_only
def test_the_deadline_is_that_of_the_policy() -> None:
    with EmbeddedCluster() as cluster, Client(cluster.hosts) as mine:
        cluster.nodes[0].freeze()
        policy = AdminPolicy(timeout=100)
        for call in (
            lambda: mine.create_index("test", None, "i", bin="b", type=NUMERIC, policy=policy),
            lambda: mine.create_set_index("test", "s", "i", policy=policy),
            lambda: mine.drop_index("test", "i", policy=policy),
            lambda: mine.list_indexes(policy=policy),
        ):
            with within(100), pytest.raises(errors.TimeoutError):
                call()


@pytest.mark.one_kind("asks no server")
def test_an_index_of_a_set_is_refused_for_an_older_server() -> None:
    from pyspike.cluster.indexes import creating_of_set

    command = creating_of_set("test", "users", "i")
    with pytest.raises(
        UnsupportedFeature, match=r"indexes of sets need server 8\.1\.2 or later, .* is 8\.1\.1"
    ):
        command("8.1.1.0")
    assert command("8.1.2.0") == "sindex-create:namespace=test;set=users;indexname=i;indextype=SET"
