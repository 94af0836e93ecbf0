"""What each command on one record does, and what it refuses to do."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from pyspike import (
    Client,
    Expiration,
    GenerationError,
    GenerationPolicy,
    GeoJSON,
    HyperLogLog,
    InvalidArgument,
    InvalidType,
    Key,
    KeyOrderedDict,
    KeyValueOrderedDict,
    MultiResult,
    RawParticle,
    ReadPolicy,
    RecordExists,
    RecordExistsAction,
    RecordNotFound,
    ResultCode,
    ServerError,
    WritePolicy,
    errors,
)
from pyspike import operations as op
from pyspike.errors import (
    BinTypeError,
    ClientClosed,
    FilteredOut,
    KeyMismatch,
    RecordTooBig,
    UnsupportedFeature,
)
from support.ids import shown

LARGE = 20_000  # ms: the embedded server takes its time with large records, and more on a busy machine
NEVER = WritePolicy(expiration=Expiration.NEVER)
SEND_KEY = WritePolicy(send_key=True)
GEO = '{"type":"Point","coordinates":[-122.0,37.5]}'
# 11 bytes of header and the registers of a sketch with 4 index bits, as the server keeps it, of no element.
HLL = bytes.fromhex("0004000000000000000000") + bytes(12)


# get and exists ---------------------------------------------------------------------------------------------


def test_get_gives_all_bins_in_the_order_they_were_written(client: Client, key: Key) -> None:
    client.put(key, {"z": 1, "a": 2, "m": 3})
    assert list(client.get(key).bins.items()) == [("z", 1), ("a", 2), ("m", 3)]


def test_get_gives_the_named_bins_only(client: Client, key: Key) -> None:
    client.put(key, {"a": 1, "b": 2, "c": 3})
    assert client.get(key, ["c", "a"]).bins == {"c": 3, "a": 1}


def test_get_leaves_out_bins_that_are_not_there(client: Client, key: Key) -> None:
    client.put(key, {"a": 1})
    assert client.get(key, ["a", "nope"]).bins == {"a": 1}
    assert client.get(key, ["nope"]).bins == {}


def test_get_of_a_bin_named_twice_gives_it_once(client: Client, key: Key) -> None:
    client.put(key, {"a": 1})
    assert client.get(key, ["a", "a"]).bins == {"a": 1}


def test_get_without_bins_gives_the_header_only(client: Client, key: Key) -> None:
    client.put(key, {"a": 1}, ttl=100)
    record = client.get(key, [])
    assert record.bins == {}
    assert (record.generation, record.ttl is not None) == (1, True)


def test_get_takes_names_from_any_iterable_but_not_a_string(client: Client, key: Key) -> None:
    client.put(key, {"a": 1, "b": 2})
    assert client.get(key, (name for name in ("a", "b"))).bins == {"a": 1, "b": 2}  # type: ignore[arg-type]
    with pytest.raises(InvalidType, match=r"write \['ab'\]"):
        client.get(key, "ab")


@pytest.mark.parametrize("bins", [None, ["a"], []], ids=["all", "some", "header"])
def test_get_of_a_missing_record_raises_or_gives_the_default(
    client: Client, key: Key, bins: list[str] | None
) -> None:
    with pytest.raises(RecordNotFound) as caught:
        client.get(key, bins)
    assert isinstance(caught.value, KeyError)
    assert caught.value.key == key
    assert caught.value.result_code is ResultCode.KEY_NOT_FOUND_ERROR
    assert client.get(key, bins, default=None) is None
    fallback = object()
    assert client.get(key, bins, default=fallback) is fallback


def test_the_default_does_not_hide_other_errors(client: Client) -> None:
    with pytest.raises(errors.InvalidNamespace):
        client.get(("nowhere", "s", 1), default=None)


def test_exists_tells_whether_there_is_a_record(client: Client, key: Key) -> None:
    assert client.exists(key) is False
    client.put(key, {"a": 1})
    assert client.exists(key) is True


def test_a_record_is_a_mapping_of_its_bins(client: Client, key: Key) -> None:
    client.put(key, {"a": 1, "b": None, "c": "x"})
    record = client.get(key)
    assert record["a"] == 1
    assert record.get("nope") is None
    assert record.get("nope", 5) == 5
    assert "c" in record
    assert (list(record), len(record), dict(record.items())) == (["a", "c"], 2, {"a": 1, "c": "x"})
    with pytest.raises(KeyError):
        record["nope"]


def test_a_record_knows_the_key_it_was_asked_with(client: Client, key: Key) -> None:
    client.put(key, {"a": 1})
    assert client.get(key).key is key


# put and delete ---------------------------------------------------------------------------------------------


def test_put_merges_bins_into_the_record(client: Client, key: Key) -> None:
    client.put(key, {"a": 1, "b": 2})
    client.put(key, {"b": 3, "c": 4})
    record = client.get(key)
    assert record.bins == {"a": 1, "b": 3, "c": 4}
    assert record.generation == 2


def test_none_deletes_a_bin_and_the_last_one_the_record(client: Client, key: Key) -> None:
    client.put(key, {"a": 1, "b": 2})
    client.put(key, {"a": None, "never was": None})
    assert client.get(key).bins == {"b": 2}
    client.put(key, {"b": None})
    assert client.exists(key) is False


def test_none_alone_creates_no_record(client: Client, key: Key) -> None:
    with pytest.raises(RecordNotFound):
        client.put(key, {"a": None})


@pytest.mark.parametrize(
    "bins", [{}, {"": 1}, {"sixteen bytes ab": 1}], ids=["none", "empty name", "long name"]
)
def test_put_refuses_bins_the_server_could_not_take(client: Client, key: Key, bins: dict[str, int]) -> None:
    with pytest.raises(InvalidArgument):
        client.put(key, bins)
    assert client.exists(key) is False


def test_a_bin_name_has_at_most_fifteen_bytes_of_utf8(client: Client, key: Key) -> None:
    fits, too_long = "ä" * 7 + "x", "ä" * 8
    client.put(key, {fits: 1})
    assert client.get(key, [fits]).bins == {fits: 1}
    with pytest.raises(InvalidArgument, match="16 bytes"):
        client.put(key, {too_long: 1})
    with pytest.raises(InvalidArgument, match="16 bytes"):
        client.get(key, [too_long])


def test_what_can_not_be_stored_is_refused_by_bin_path_and_type(client: Client, key: Key) -> None:
    with pytest.raises(InvalidType, match=r"bins\['prefs'\]\[2\]\['x'\]: set") as caught:
        client.put(key, {"fine": 1, "prefs": [0, 1, {"x": {1}}]})
    assert isinstance(caught.value, TypeError)
    with pytest.raises(InvalidArgument, match=r"bins\['n'\]: 9223372036854775808") as too_big:
        client.put(key, {"n": 2**63})
    assert isinstance(too_big.value, ValueError)
    assert client.exists(key) is False


def test_delete_tells_whether_there_was_a_record(client: Client, key: Key) -> None:
    assert client.delete(key) is False
    client.put(key, {"a": 1})
    assert client.delete(key) is True
    assert client.exists(key) is False


def test_a_record_that_is_written_again_after_its_end_starts_anew(client: Client, key: Key) -> None:
    client.put(key, {"a": 1})
    client.put(key, {"a": 2})
    client.delete(key)
    client.put(key, {"b": 1})
    record = client.get(key)
    assert (record.bins, record.generation) == ({"b": 1}, 1)


# record_exists_action and generations -----------------------------------------------------------------------

ACTION = {action: WritePolicy(record_exists_action=action) for action in RecordExistsAction}


@pytest.mark.parametrize(
    "action",
    [RecordExistsAction.UPDATE, RecordExistsAction.REPLACE, RecordExistsAction.CREATE_ONLY],
)
def test_actions_that_create(client: Client, key: Key, action: RecordExistsAction) -> None:
    client.put(key, {"a": 1}, policy=ACTION[action])
    assert client.get(key).bins == {"a": 1}


@pytest.mark.parametrize("action", [RecordExistsAction.UPDATE_ONLY, RecordExistsAction.REPLACE_ONLY])
def test_actions_that_never_create(client: Client, key: Key, action: RecordExistsAction) -> None:
    with pytest.raises(RecordNotFound):
        client.put(key, {"a": 1}, policy=ACTION[action])
    assert client.exists(key) is False


@pytest.mark.parametrize(
    ("action", "left"),
    [
        (RecordExistsAction.UPDATE, {"a": 1, "b": 2}),
        (RecordExistsAction.UPDATE_ONLY, {"a": 1, "b": 2}),
        (RecordExistsAction.REPLACE, {"b": 2}),
        (RecordExistsAction.REPLACE_ONLY, {"b": 2}),
    ],
)
def test_actions_on_a_record_that_is_there(
    client: Client, key: Key, action: RecordExistsAction, left: dict[str, int]
) -> None:
    client.put(key, {"a": 1})
    client.put(key, {"b": 2}, policy=ACTION[action])
    assert client.get(key).bins == left


def test_create_only_refuses_a_record_that_is_there(client: Client, key: Key) -> None:
    client.put(key, {"a": 1})
    with pytest.raises(RecordExists) as caught:
        client.put(key, {"a": 2}, policy=ACTION[RecordExistsAction.CREATE_ONLY])
    assert caught.value.result_code is ResultCode.KEY_EXISTS_ERROR
    assert caught.value.in_doubt is False
    assert client.get(key).bins == {"a": 1}


Write = Callable[..., Any]
WRITES: dict[str, Callable[[Client], Write]] = {
    "put": lambda client: lambda key, **how: client.put(key, {"a": 2}, **how),
    "add": lambda client: lambda key, **how: client.add(key, {"a": 1}, **how),
    "append": lambda client: lambda key, **how: client.append(key, {"s": "x"}, **how),
    "prepend": lambda client: lambda key, **how: client.prepend(key, {"s": "x"}, **how),
    "touch": lambda client: client.touch,
    "delete": lambda client: client.delete,
    "operate": lambda client: lambda key, **how: client.operate(key, [op.put("a", 2)], **how),
}


@pytest.fixture(params=WRITES)
def write(request: pytest.FixtureRequest, client: Client) -> Write:
    return WRITES[request.param](client)


def test_every_write_with_a_generation_needs_that_of_the_record(
    client: Client, key: Key, write: Write
) -> None:
    client.put(key, {"a": 1})
    with pytest.raises(GenerationError):
        write(key, generation=2)
    assert client.get(key).bins == {"a": 1}
    write(key, generation=1)
    left = client.get(key, default=None)
    assert left is None or left.generation == 2


def test_every_write_takes_the_policys_generation(client: Client, key: Key, write: Write) -> None:
    client.put(key, {"a": 1})
    equal = WritePolicy(generation_policy=GenerationPolicy.EXPECT_GEN_EQUAL, generation=7)
    with pytest.raises(GenerationError):
        write(key, policy=equal)
    write(key, policy=equal.replace(generation=1))


def test_a_greater_generation_wins_over_the_records(client: Client, key: Key) -> None:
    greater = WritePolicy(generation_policy=GenerationPolicy.EXPECT_GEN_GREATER, generation=2)
    client.put(key, {"a": 1})
    client.put(key, {"a": 2}, policy=greater)  # 2 > 1
    with pytest.raises(GenerationError):
        client.put(key, {"a": 3}, policy=greater)  # 2 = 2
    assert client.get(key).bins == {"a": 2}


def test_the_keyword_keeps_the_policys_comparison(client: Client, key: Key) -> None:
    greater = WritePolicy(generation_policy=GenerationPolicy.EXPECT_GEN_GREATER, generation=1)
    client.put(key, {"a": 1})
    client.put(key, {"a": 2}, policy=greater, generation=9)
    assert client.get(key).generation == 2


def test_generation_zero_stands_for_no_record(client: Client, key: Key) -> None:
    client.put(key, {"a": 1}, generation=0)
    with pytest.raises(GenerationError):
        client.put(key, {"a": 2}, generation=0)


# time to live -----------------------------------------------------------------------------------------------


def test_without_a_ttl_the_namespaces_default_holds(client: Client, key: Key) -> None:
    client.put(key, {"a": 1})  # default-ttl is 0 here: never
    record = client.get(key)
    assert (record.ttl, record.expiration) == (None, None)


@pytest.mark.parametrize("ttl", [1000, timedelta(seconds=1000), timedelta(seconds=999, milliseconds=1)])
def test_a_ttl_in_seconds_or_as_a_timedelta(client: Client, key: Key, ttl: int | timedelta) -> None:
    for put in (
        lambda: client.put(key, {"a": 1}, ttl=ttl),
        lambda: client.put(key, {"a": 1}, policy=WritePolicy(expiration=ttl)),
    ):
        put()
        record = client.get(key)
        assert record.ttl is not None
        assert 990 <= record.ttl <= 1001  # the server's clock and ours may be a second apart
        assert record.expiration is not None
        left = record.expiration - datetime.now(timezone.utc)
        assert timedelta(seconds=988) < left <= timedelta(seconds=1002)
        client.delete(key)


def test_never_takes_the_ttl_away(client: Client, key: Key) -> None:
    client.put(key, {"a": 1}, ttl=1000)
    client.put(key, {"a": 2}, ttl=Expiration.NEVER)
    assert client.get(key).ttl is None


def test_dont_update_keeps_the_ttl(client: Client, key: Key) -> None:
    client.put(key, {"a": 1}, ttl=1000)
    before = client.get(key).expiration
    client.put(key, {"a": 2}, ttl=Expiration.DONT_UPDATE)
    assert client.get(key).expiration == before
    assert client.get(key)["a"] == 2


def test_the_keyword_wins_over_the_policy(client: Client, key: Key) -> None:
    client.put(key, {"a": 1}, ttl=500, policy=NEVER)
    assert client.get(key).ttl is not None


def test_touch_gives_a_new_ttl_and_generation_and_leaves_the_bins(client: Client, key: Key) -> None:
    client.put(key, {"a": 1})
    client.touch(key, ttl=1000)
    record = client.get(key)
    assert (record.bins, record.generation) == ({"a": 1}, 2)
    assert record.ttl is not None
    client.touch(key, policy=NEVER)
    assert client.get(key).ttl is None


def test_touch_of_a_missing_record_raises(client: Client, key: Key) -> None:
    with pytest.raises(RecordNotFound):
        client.touch(key)
    assert client.exists(key) is False


@pytest.mark.both_kinds
def test_a_record_ends_when_its_time_is_over() -> None:
    from pyspike.server import EmbeddedCluster

    now = [1_700_000_000.0]
    with EmbeddedCluster(clock=lambda: now[0]) as cluster, Client(cluster.hosts) as client:
        client.put(("test", "s", 1), {"a": 1}, ttl=10)
        now[0] += 10
        assert client.exists(("test", "s", 1))
        now[0] += 1
        assert not client.exists(("test", "s", 1))


@pytest.mark.parametrize("ttl", [0, -1, 315_360_001, timedelta(days=-1)])
def test_a_ttl_out_of_range_is_refused(client: Client, key: Key, ttl: int | timedelta) -> None:
    with pytest.raises(InvalidArgument, match="ttl"):
        client.put(key, {"a": 1}, ttl=ttl)
    assert client.exists(key) is False


# keys -------------------------------------------------------------------------------------------------------


def test_a_tuple_is_a_key(client: Client, key: Key) -> None:
    as_tuple = (key.namespace, key.set_name, key.user_key)
    client.put(as_tuple, {"a": 1})  # type: ignore[arg-type]
    assert client.get(key).bins == {"a": 1}
    assert client.get(as_tuple).key == key  # type: ignore[arg-type]
    assert client.delete(as_tuple) is True  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "user_key", [-(2**63), 0, 2**63 - 1, "", "ключ\0", b"", b"\x00\xff", bytearray(b"ab")]
)
def test_int_str_and_bytes_are_user_keys(client: Client, key: Key, user_key: Any) -> None:
    mine = Key("bar", key.set_name, user_key)
    client.put(mine, {"a": 1}, policy=SEND_KEY)
    assert client.get(mine).bins == {"a": 1}
    client.delete(mine)


def test_an_int_a_str_and_bytes_that_look_alike_are_different_keys(client: Client, key: Key) -> None:
    keys = [Key("test", key.set_name, user_key) for user_key in (1, "1", b"1")]
    for number, each in enumerate(keys):
        client.put(each, {"n": number})
    assert [client.get(each)["n"] for each in keys] == [0, 1, 2]


def test_sets_and_namespaces_keep_equal_user_keys_apart(client: Client, key: Key) -> None:
    places = [("test", key.set_name), ("bar", key.set_name), ("test", None)]
    for number, (namespace, set_name) in enumerate(places):
        client.put((namespace, set_name, key.user_key), {"n": number})  # type: ignore[arg-type]
    for number, (namespace, set_name) in enumerate(places):
        assert client.get((namespace, set_name, key.user_key))["n"] == number  # type: ignore[arg-type]
        assert client.delete((namespace, set_name, key.user_key))  # type: ignore[arg-type]


def test_a_digest_alone_finds_the_record(client: Client, key: Key) -> None:
    client.put(key, {"a": 1})
    same = Key.from_digest(key.namespace, key.set_name, key.digest)
    assert client.get(same).bins == {"a": 1}
    client.put(same, {"a": 2}, policy=SEND_KEY)  # there is no user key that could be sent
    assert client.get(key)["a"] == 2


def test_a_sent_key_must_be_the_stored_one(client: Client, key: Key) -> None:
    client.put(key, {"a": 1}, policy=SEND_KEY)
    other = Key.from_digest(key.namespace, key.set_name, key.digest, "another")
    client.put(other, {"a": 2})  # not sent, so not compared
    with pytest.raises(KeyMismatch):
        client.put(other, {"a": 3}, policy=SEND_KEY)
    with pytest.raises(KeyMismatch):
        client.delete(other, policy=SEND_KEY)
    assert client.get(key)["a"] == 2


def test_a_key_stays_with_its_set(client: Client, key: Key) -> None:
    client.put(key, {"a": 1})
    elsewhere = Key.from_digest(key.namespace, None, key.digest)
    with pytest.raises(errors.RequestInvalid) as caught:
        client.put(elsewhere, {"a": 2})
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    "bad", [("test", "s"), ["test", "s", 1], "key", None, ("test", "s", 1.5), ("test", "s", True)]
)
def test_what_is_no_key_is_refused(client: Client, bad: Any) -> None:
    with pytest.raises(InvalidType):
        client.get(bad)


# add, append, prepend ---------------------------------------------------------------------------------------


def test_add_counts_integers_and_floats(client: Client, key: Key) -> None:
    client.add(key, {"n": 5, "x": 1.5})
    client.add(key, {"n": -7, "x": 0.25})
    assert client.get(key).bins == {"n": -2, "x": 1.75}


def test_add_wraps_around_as_the_server_does(client: Client, key: Key) -> None:
    client.put(key, {"n": 2**63 - 1})
    client.add(key, {"n": 1})
    assert client.get(key)["n"] == -(2**63)


@pytest.mark.parametrize(
    "bins", [{"n": 1.5}, {"x": 1}, {"s": 1}], ids=["float to int", "int to float", "int to str"]
)
def test_add_refuses_a_bin_of_another_type(client: Client, key: Key, bins: dict[str, float]) -> None:
    client.put(key, {"n": 1, "x": 1.5, "s": "1"})
    with pytest.raises(BinTypeError) as caught:
        client.add(key, bins)
    assert isinstance(caught.value, TypeError)
    assert client.get(key).bins == {"n": 1, "x": 1.5, "s": "1"}


@pytest.mark.parametrize("value", ["1", True, None, b"1", [1]])
def test_add_takes_numbers_only(client: Client, key: Key, value: Any) -> None:
    with pytest.raises(InvalidType, match=r"bins\['n'\]"):
        client.add(key, {"n": value})
    with pytest.raises(InvalidType, match=r"bins\['n'\]"):
        op.add("n", value)


def test_append_and_prepend_join_text_and_bytes(client: Client, key: Key) -> None:
    client.append(key, {"s": "b", "d": b"\x02"})
    client.append(key, {"s": "ç", "d": b"\x03"})
    client.prepend(key, {"s": "ä", "d": bytearray(b"\x01"), "new": "x"})
    assert client.get(key).bins == {"s": "äbç", "d": b"\x01\x02\x03", "new": "x"}


def test_append_and_prepend_refuse_a_bin_of_another_type(client: Client, key: Key) -> None:
    client.put(key, {"s": "a", "n": 1})
    for join in (client.append, client.prepend):
        with pytest.raises(BinTypeError):
            join(key, {"s": b"a"})
        with pytest.raises(BinTypeError):
            join(key, {"n": "a"})
        with pytest.raises(InvalidType, match=r"bins\['s'\]: int"):
            join(key, {"s": 1})  # type: ignore[dict-item]
    assert client.get(key).bins == {"s": "a", "n": 1}


# operate ----------------------------------------------------------------------------------------------------


def test_operate_does_all_in_order_and_gives_what_was_read(client: Client, key: Key) -> None:
    client.put(key, {"n": 1, "s": "b"})
    record = client.operate(
        key,
        [
            op.add("n", 1),
            op.get("n"),
            op.append("s", "c"),
            op.prepend("s", "a"),
            op.put("new", [1]),
            op.get("s"),
        ],
        ttl=1000,
    )
    assert record.bins == {"n": 2, "s": "abc"}
    assert record.results == [None, 2, None, None, None, "abc"]
    assert record.generation == 2
    assert record.ttl is not None
    assert client.get(key).bins == {"n": 2, "s": "abc", "new": [1]}


def test_operate_that_only_reads_writes_nothing(client: Client, key: Key) -> None:
    client.put(key, {"a": 1, "b": 2})
    record = client.operate(key, [op.get("b"), op.get("nope"), op.get("a")])
    assert record.bins == {"b": 2, "a": 1}
    assert record.results == [2, None, 1]
    assert client.get(key).generation == 1


def test_several_results_for_one_bin_come_as_a_multi_result(client: Client, key: Key) -> None:
    client.put(key, {"n": 1, "l": [1]})
    record = client.operate(
        key, [op.get("n"), op.add("n", 1), op.get("n"), op.add("n", 1), op.get("n"), op.get("l")]
    )
    assert record["n"] == [1, 2, 3]
    assert type(record["n"]) is MultiResult
    assert type(record["l"]) is list
    assert record.results == [1, None, 2, None, 3, [1]]


def test_results_stay_in_place_when_a_read_finds_no_bin(client: Client, key: Key) -> None:
    client.put(key, {"other": 0})
    record = client.operate(
        key,
        [
            op.get("x"),
            op.put("x", 1),
            op.get("x"),
            op.put("x", None),
            op.get("x"),
            op.get("other"),
            op.get("y"),
        ],
    )
    assert record.results == [None, None, 1, None, None, 0, None]
    assert record.bins == {"x": 1, "other": 0}


def test_results_stay_in_place_around_a_delete(client: Client, key: Key) -> None:
    client.put(key, {"a": 1, "b": 2})
    record = client.operate(
        key, [op.get("a"), op.delete(), op.get("a"), op.put("a", 3), op.get("a"), op.get("b")]
    )
    assert record.results == [1, None, None, None, 3, None]
    assert client.get(key).bins == {"a": 3}


def test_operate_on_the_same_bin_read_twice(client: Client, key: Key) -> None:
    client.put(key, {"a": 1})
    assert client.operate(key, [op.get("a"), op.get("a")]).results == [1, 1]


def test_get_of_all_bins_gives_a_dict_as_its_result(client: Client, key: Key) -> None:
    client.put(key, {"a": 1, "b": "x"})
    record = client.operate(key, [op.put("c", 3), op.get(), op.put("d", 4)])
    assert record.bins == {"a": 1, "b": "x", "c": 3}
    assert record.results == [None, {"a": 1, "b": "x", "c": 3}, None]
    assert client.operate(key, [op.get()]).results == [{"a": 1, "b": "x", "c": 3, "d": 4}]


def test_get_of_all_bins_can_not_be_combined_with_other_reads(client: Client, key: Key) -> None:
    with pytest.raises(InvalidArgument, match="all bins"):
        client.operate(key, [op.get(), op.get("a")])


def test_get_header_reads_no_bin(client: Client, key: Key) -> None:
    client.put(key, {"a": 1}, ttl=1000)
    record = client.operate(key, [op.get_header()])
    assert (record.bins, record.results, record.generation) == ({}, [None], 1)
    assert record.ttl is not None
    assert client.operate(key, [op.get_header(), op.get("a")]).results == [None, 1]
    record = client.operate(key, [op.touch(), op.get_header()])
    assert (record.bins, record.generation) == ({}, 2)
    assert client.operate(key, [op.get_header(), op.get()]).results == [None, {"a": 1}]


def test_operate_creates_a_record_only_by_writing(client: Client, key: Key) -> None:
    for operations in ([op.get("a")], [op.get()], [op.get_header()], [op.touch()], [op.delete()]):
        with pytest.raises(RecordNotFound):
            client.operate(key, operations)
        assert client.exists(key) is False
    assert client.operate(key, [op.put("a", 1), op.get("a")]).bins == {"a": 1}


def test_operate_does_nothing_if_a_step_fails(client: Client, key: Key) -> None:
    client.put(key, {"s": "text", "n": 1})
    with pytest.raises(BinTypeError):
        client.operate(key, [op.add("n", 1), op.put("new", 1), op.add("s", 1)])
    record = client.get(key)
    assert (record.bins, record.generation) == ({"s": "text", "n": 1}, 1)


def test_operate_can_delete_the_record(client: Client, key: Key) -> None:
    client.put(key, {"a": 1})
    record = client.operate(key, [op.get("a"), op.delete()])
    assert (record.bins, record.generation) == ({"a": 1}, 0)
    assert client.exists(key) is False


def test_operations_are_made_once_and_used_often(client: Client, key: Key) -> None:
    count = (op.add("n", 1), op.get("n"))
    assert [client.operate(key, count)["n"] for _ in range(3)] == [1, 2, 3]


@pytest.mark.parametrize("operations", [[], [1], [op.get], 5, [("get", "a")]], ids=shown)
def test_operate_refuses_what_is_no_operation(client: Client, key: Key, operations: Any) -> None:
    with pytest.raises(InvalidArgument):
        client.operate(key, operations)


# values -----------------------------------------------------------------------------------------------------

VALUES: dict[str, Any] = {
    "zero": 0,
    "smallest int": -(2**63),
    "greatest int": 2**63 - 1,
    "float": 1.1,
    "negative zero": -0.0,
    "infinity": math.inf,
    "smallest float": 5e-324,
    "true": True,
    "false": False,
    "text": "grüße, мир 🌍",
    "text with NUL": "a\0b",
    "no text": "",
    "bytes": bytes(range(256)),
    "no bytes": b"",
    "geojson": GeoJSON(GEO),
    "hyperloglog": HyperLogLog(HLL),
    "list": [1, -1, 2.5, "x", b"\x00", True, None, GeoJSON(GEO)],
    "no list": [],
    "nested list": [[[[[]]]], [1, [2, [3]]]],
    "map": {"z": 1, "a": [2], 5: {"x": None}, b"\x01": True},
    "no map": {},
    "nested map": {"a": {"b": {"c": [{"d": {}}]}}},
    "key ordered map": KeyOrderedDict({"a": 1, "b": KeyOrderedDict({1: 2})}),
    "key value ordered map": KeyValueOrderedDict({"a": 2, "b": 1}),
    "ints of all widths": [
        sign * 2**bits + by for bits in (*range(4, 18), 31, 32, 62) for sign in (1, -1) for by in (-1, 0, 1)
    ],
    "texts of all widths": ["x" * n for n in (0, 30, 31, 32, 254, 255, 256, 65534, 65535, 65536)],
    "long list": list(range(70_000)),
    "long map": {n: n for n in range(70_000)},
}


def alike(a: Any, b: Any) -> bool:
    """Equal, and of the same types all the way down; -0.0 is not 0.0."""
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return (
            a.keys() == b.keys() and all(alike(a[k], b[k]) for k in a) and {*map(type, a)} == {*map(type, b)}
        )
    if isinstance(a, list):
        return len(a) == len(b) and all(map(alike, a, b))
    if isinstance(a, float):
        return a == b and math.copysign(1, a) == math.copysign(1, b)
    return bool(a == b)


@pytest.mark.parametrize("name", VALUES)
def test_every_value_comes_back_as_it_was(client: Client, key: Key, name: str) -> None:
    client.put(key, {"v": VALUES[name]}, timeout=10_000)
    assert alike(client.get(key)["v"], VALUES[name])
    record = client.operate(key, [op.put("w", VALUES[name]), op.get("w"), op.get("v")], timeout=10_000)
    assert alike(record.results, [None, VALUES[name], VALUES[name]])


def test_nan_comes_back_as_nan(client: Client, key: Key) -> None:
    client.put(key, {"v": math.nan, "l": [math.nan]})
    record = client.get(key)
    assert math.isnan(record["v"])
    assert math.isnan(record["l"][0])


def test_what_stands_for_a_plain_value_comes_back_as_that(client: Client, key: Key) -> None:
    class Text(str):
        __slots__ = ()

    class Number:
        def __index__(self) -> int:
            return 7

    given = {"a": Text("x"), "b": Number(), "c": bytearray(b"x"), "d": memoryview(b"y")}
    client.put(key, {**given, "l": list(given.values())})
    assert client.get(key).bins == {"a": "x", "b": 7, "c": b"x", "d": b"y", "l": ["x", 7, b"x", b"y"]}


def test_foreign_blobs_come_back_raw_and_can_be_written_again(client: Client, key: Key) -> None:
    java = RawParticle(7, b"\xac\xed\x00\x05")
    client.put(key, {"v": java})
    assert client.get(key)["v"] == java


def test_a_record_of_many_bins(client: Client, key: Key) -> None:
    bins = {f"bin {n}": n for n in range(1000)}
    client.put(key, bins, timeout=LARGE)
    assert client.get(key, timeout=LARGE).bins == bins
    assert client.get(key, list(bins)[:500], timeout=LARGE).bins == dict(list(bins.items())[:500])


def test_values_up_to_the_servers_limit_fit(client: Client, key: Key) -> None:
    for size in (16_000, 17_000, 65_536, 100_000, 1_000_000):
        client.put(key, {"v": bytes(size)}, timeout=LARGE)
        assert client.get(key, timeout=LARGE)["v"] == bytes(size)
        text = "ä" * (size // 2)
        client.put(key, {"v": text}, timeout=LARGE)
        assert client.get(key, timeout=LARGE)["v"] == text


def test_a_record_above_the_servers_limit_is_refused_and_the_connection_lives_on(
    client: Client, key: Key
) -> None:
    client.put(key, {"v": 1})
    with pytest.raises(RecordTooBig) as caught:
        client.put(key, {"v": bytes(2**20)})
    assert isinstance(caught.value, ValueError)
    assert caught.value.in_doubt is False
    assert client.get(key).bins == {"v": 1}


# errors -----------------------------------------------------------------------------------------------------


@pytest.mark.embedded_only
@pytest.mark.parametrize(
    ("code", "kind", "builtin"),
    [
        (1, ServerError, Exception),
        (2, RecordNotFound, KeyError),
        (3, GenerationError, Exception),
        (4, errors.RequestInvalid, ValueError),
        (5, RecordExists, Exception),
        (8, errors.ServerMemError, Exception),
        (9, errors.ServerTimeout, TimeoutError),
        (11, errors.PartitionUnavailable, Exception),
        (12, BinTypeError, TypeError),
        (13, RecordTooBig, ValueError),
        (14, errors.KeyBusy, Exception),
        (18, errors.DeviceOverload, Exception),
        (19, KeyMismatch, Exception),
        (20, errors.InvalidNamespace, Exception),
        (22, errors.FailForbidden, Exception),
        (26, errors.OpNotApplicable, Exception),
        (27, FilteredOut, Exception),
        (81, errors.RoleViolation, Exception),
        (160, errors.InvalidGeoJSON, ValueError),
        (255, ServerError, Exception),
    ],
)
def test_a_result_code_becomes_its_class_and_builtin(
    client: Client, cluster: Any, key: Key, code: int, kind: type[ServerError], builtin: type[Exception]
) -> None:
    master = cluster.owners(key.namespace, key.partition_id)[0]
    master.answer_with(code)
    with pytest.raises(kind) as caught:
        client.put(key, {"a": 1})
    error = caught.value
    assert isinstance(error, builtin)
    assert int(error.result_code) == code  # type: ignore[arg-type]
    assert (error.key, error.node, len(error.attempts)) == (key, master.name, 1)
    assert error.in_doubt is (code == 9)
    client.put(key, {"a": 1})  # the connection is in order


def test_an_unknown_namespace_is_named_before_anything_is_sent(client: Client) -> None:
    with pytest.raises(errors.InvalidNamespace) as caught:
        client.get(("nowhere", "s", 1))
    assert "nowhere" in str(caught.value)
    assert not any(attempt.sent for attempt in caught.value.attempts)


def test_a_filter_that_does_not_hold_changes_nothing(client: Client, key: Key) -> None:
    false = b"\xc2"  # the expression "false"; the embedded server refuses all until it knows expressions
    client.put(key, {"a": 1})
    for call in (
        lambda: client.get(key, filter_expression=false),
        lambda: client.exists(key, filter_expression=false),
        lambda: client.put(key, {"a": 2}, filter_expression=false),
        lambda: client.add(key, {"a": 2}, filter_expression=false),
        lambda: client.touch(key, filter_expression=false),
        lambda: client.operate(key, [op.put("a", 2)], filter_expression=false),
        lambda: client.delete(key, filter_expression=false),
        lambda: client.get(key, policy=ReadPolicy(filter_expression=false)),
        lambda: client.put(key, {"a": 2}, policy=WritePolicy(filter_expression=false)),
    ):
        with pytest.raises((FilteredOut, UnsupportedFeature)):
            call()
    record = client.get(key)
    assert (record.bins, record.generation) == ({"a": 1}, 1)


# the client -------------------------------------------------------------------------------------------------


def test_a_view_has_policies_of_its_own_on_the_same_cluster(client: Client, key: Key) -> None:
    once = client.with_policies(write=ACTION[RecordExistsAction.CREATE_ONLY])
    once.put(key, {"a": 1})
    with pytest.raises(RecordExists):
        once.put(key, {"a": 2})
    client.put(key, {"a": 3})
    assert once.get(key)["a"] == 3
    both = once.with_policies(read=ReadPolicy(max_retries=0))
    with pytest.raises(RecordExists):
        both.put(key, {"a": 2})
    assert both.nodes() == client.nodes()


def test_a_policy_of_the_call_wins_over_the_clients(client: Client, key: Key) -> None:
    once = client.with_policies(write=ACTION[RecordExistsAction.CREATE_ONLY])
    once.put(key, {"a": 1})
    once.put(key, {"a": 2}, policy=WritePolicy())
    assert client.get(key)["a"] == 2


@pytest.mark.both_kinds
def test_closing_a_view_closes_the_client(hosts: str) -> None:
    client = Client(hosts)
    client.with_policies().close()
    assert client.is_connected() is False


@pytest.mark.both_kinds
def test_the_context_manager_closes_the_client(hosts: str, key: Key) -> None:
    with Client(hosts) as client:
        client.put(key, {"a": 1})
        assert client.is_connected() is True
    assert client.is_connected() is False


@pytest.mark.both_kinds
def test_a_closed_client_says_so_whatever_is_asked_of_it(hosts: str, key: Key) -> None:
    client = Client(hosts)
    client.close()
    for call in (
        lambda: client.get(key),
        lambda: client.get(key, default=None),
        lambda: client.exists(key),
        lambda: client.put(key, {"a": 1}),
        lambda: client.add(key, {"a": 1}),
        lambda: client.append(key, {"a": "1"}),
        lambda: client.delete(key),
        lambda: client.touch(key),
        lambda: client.operate(key, [op.get()]),
        lambda: client.info("build"),
    ):
        with pytest.raises(ClientClosed, match="closed"):
            call()
    assert client.nodes() == ()
    assert client.node_names() == []
    assert "closed" in repr(client)


def test_the_client_tells_its_nodes_and_asks_them(client: Client) -> None:
    names = client.node_names()
    assert names
    assert set(client.info("build")) == set(names)
    assert client.info("node", names[0]) == names[0]
    assert client.info("node", client.nodes()[0]) == client.nodes()[0].name
    with pytest.raises(errors.InvalidNode, match="no node 'XYZ'"):
        client.info("node", "XYZ")
    with pytest.raises(ServerError):
        client.info("no-such-command", names[0])


def test_arguments_that_do_not_exist_are_refused(client: Client, key: Key) -> None:
    with pytest.raises(TypeError):
        client.get(key, polcy=None)  # type: ignore[call-overload]
    with pytest.raises(TypeError):
        client.put(key, {"a": 1}, WritePolicy())  # type: ignore[misc]


@pytest.mark.parametrize("timeout", ["1", -1, True, math.nan, timedelta(seconds=-1)])
def test_a_timeout_that_is_none_is_refused(client: Client, key: Key, timeout: Any) -> None:
    with pytest.raises(InvalidArgument, match="timeout"):
        client.get(key, timeout=timeout)


@pytest.mark.parametrize("timeout", [5000, 5000.5, timedelta(seconds=5), 0])
def test_a_timeout_is_milliseconds_or_a_timedelta(client: Client, key: Key, timeout: Any) -> None:
    client.put(key, {"a": 1}, timeout=timeout)
    assert client.get(key, timeout=timeout).bins == {"a": 1}
