"""Values on a server: subclasses and numbers of another library, and lists that are kept in order."""

from __future__ import annotations

import enum
import typing
from typing import Any

import pytest

from pyspike import (
    Client,
    GeoJSON,
    HyperLogLog,
    Key,
    KeyOrderedDict,
    ListOrder,
    ListReturnType,
    MapReturnType,
    OrderedList,
    RawParticle,
    Record,
    exp,
)
from pyspike import operations as op
from pyspike.errors import RequestInvalid
from pyspike.operations import context, lists, maps

POINT = GeoJSON('{"type":"Point","coordinates":[0.0,0.0]}')
MIXED: list[Any] = [
    POINT, 1.5, b"a", HyperLogLog(b"\0\4\0"), RawParticle(7, b"a"), {"b": 1, "a": 2}, {"a": 1, "c": 0},
    [2], [1, 2], "é", "a", 5, -5, True, None,
]  # fmt: skip


class Name(str, enum.Enum):
    ANN = "of an enum"

    def __str__(self) -> str:
        return "a lie"

    __format__ = str.__format__


def test_a_member_of_an_enum_of_texts_is_its_text_everywhere(client: Client, key: Key) -> None:
    ours = (key.namespace, key.set_name, Name.ANN)
    plain = (key.namespace, key.set_name, "of an enum")
    client.put(ours, {Name.ANN: Name.ANN, "map": {Name.ANN: [Name.ANN]}})
    try:
        record = client.get(plain)
        assert record.bins == {"of an enum": "of an enum", "map": {"of an enum": ["of an enum"]}}
        assert client.get(ours, [Name.ANN])["of an enum"] == "of an enum"
        assert client.operate(ours, [op.append(Name.ANN, Name.ANN), op.get(Name.ANN)]).results[-1:] == [
            2 * "of an enum"
        ]
        assert client.exists(ours, filter_expression=exp.str_bin(Name.ANN) == 2 * "of an enum")
    finally:
        assert client.delete(plain)


def test_what_numpy_has_for_a_python_value_is_read_back_as_it(client: Client, key: Key) -> None:
    np = pytest.importorskip("numpy")
    client.put(
        key,
        {
            "a": np.True_,
            "b": np.int64(-7),
            "c": np.float32(0.5),
            "d": np.str_("é"),
            "e": [np.bytes_(b"x"), np.False_],
        },
        ttl=np.int64(1000),
        timeout=np.int64(5000),
    )
    record = client.get(key)
    assert record.bins == {"a": True, "b": -7, "c": 0.5, "d": "é", "e": [b"x", False]}
    assert {type(value) for value in record.values()} == {bool, int, float, str, list}
    assert 0 < (record.ttl or 0) <= 1000


# --- ordered lists ---


def test_an_ordered_list_comes_back_as_one_and_goes_back_as_one(client: Client, key: Key) -> None:
    client.operate(key, [lists.append_items("l", [3, 1, 2], order=ListOrder.ORDERED)])
    read = client.get(key)["l"]
    assert (type(read), read) == (OrderedList, [1, 2, 3])
    read.append(0)
    client.put(key, {"l": read, "m": {"in": OrderedList([2, 1])}, "plain": [3, 1]})
    record = client.get(key)
    assert (type(record["l"]), record["l"]) == (OrderedList, [0, 1, 2, 3])
    assert (type(record["m"]["in"]), record["m"]["in"]) == (OrderedList, [1, 2])
    assert (type(record["plain"]), record["plain"]) == (list, [3, 1])
    ctx = [context.map_key("in")]
    client.operate(key, [lists.append("l", -1), lists.append("m", 0, ctx=ctx), lists.append("plain", 0)])
    record = client.get(key)
    assert record.bins == {"l": [-1, 0, 1, 2, 3], "m": {"in": [0, 1, 2]}, "plain": [3, 1, 0]}


@pytest.mark.parametrize("place", ["bin", "nested", "appended", "literal"])
def test_the_server_takes_the_order_in_which_it_is_sent(client: Client, key: Key, place: str) -> None:
    """All types, one of which has dicts that the server itself will sort."""
    value = OrderedList(MIXED)
    if place == "bin":
        client.put(key, {"l": value})
        read = client.get(key)["l"]
    elif place == "nested":
        client.put(key, {"l": [KeyOrderedDict(z=value)]})
        read = client.get(key)["l"][0]["z"]
    elif place == "appended":
        client.operate(key, [lists.append("l", value)])
        read = client.get(key)["l"][0]
    else:
        client.operate(key, [op.exp.write("l", exp.val(value))])
        read = client.get(key)["l"]
    assert type(read) is OrderedList
    assert read == [None, True, -5, 5, "a", "é", [1, 2], [2], {"a": 1, "c": 0}, {"a": 2, "b": 1}, *read[10:]]
    assert read[10:] == [b"a", RawParticle(7, b"a"), HyperLogLog(b"\0\4\0"), 1.5, POINT]
    client.put(key, {"again": read})
    assert client.get(key)["again"] == read


def test_every_element_of_an_ordered_list_is_found_by_its_value(client: Client, key: Key) -> None:
    client.put(key, {"l": OrderedList(MIXED), "u": MIXED, "m": dict(enumerate(MIXED))})
    for at, value in enumerate(MIXED):
        found = client.operate(
            key,
            [
                lists.get_by_value("l", value, return_type=ListReturnType.COUNT),
                lists.get_by_value("u", value, return_type=ListReturnType.INDEX),
                maps.get_by_value("m", value, return_type=MapReturnType.KEY),
            ],
        )
        assert found.results == [1, [at], [at]], value


def test_an_ordered_list_that_is_not_sorted_is_refused_by_the_server(client: Client, key: Key) -> None:
    """So that this is what sorting is for: a RawParticle goes as it is."""
    with pytest.raises(Exception, match="code 1 ") as caught:
        client.put(key, {"l": RawParticle(20, b"\x93\xc7\0\1\2\1")})
    assert not isinstance(caught.value, RequestInvalid)


def test_a_record_is_a_mapping_when_it_was_read(client: Client, key: Key) -> None:
    client.put(key, {"name": "Ann", "age": 3})
    match client.get(key):
        case {"name": name, "age": int(age)}:
            assert (name, age) == ("Ann", 3)
        case _:
            raise AssertionError
    assert {**client.get(key)} == {"name": "Ann", "age": 3}
    assert typing.get_args(typing.get_type_hints(client.get)["return"])[0] is Record


def test_an_info_command_that_no_node_knows_gets_advice_that_fits(client: Client) -> None:
    with pytest.raises(RequestInvalid) as caught:
        client.info("foo")
    assert "info command" in caught.value.advice
