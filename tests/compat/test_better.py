"""What the official client loses without a word is an error here, and a switch brings the old way back."""

from __future__ import annotations

import contextlib
import gc
import pickle
import threading
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

from pyspike import Concurrency, ReadModeSC, TxnRollPolicy, TxnVerifyPolicy
from pyspike.compat import aerospike, legacy
from pyspike.compat.aerospike import exception as ex
from pyspike.compat.aerospike_helpers import expressions as exp
from pyspike.compat.aerospike_helpers.operations import operations as op
from pyspike.compat.translate.policies import made_kinds
from support.all_of import all_of
from support.drop_in import Side


@contextlib.contextmanager
def switched(**switches: bool) -> Iterator[None]:
    legacy(**switches)
    try:
        yield
    finally:
        legacy(**dict.fromkeys(switches, False))


def test_bytes_keys_are_refused_or_hashed_as_the_official_client_does(
    sides: tuple[Side, Side], set_name: str
) -> None:
    official, ours = (side.client for side in sides)
    for key in (b"ann", b"b\0ob", b"\xff\xfe\0x"):
        place = ("test", set_name, key)
        official.put(place, {"a": str(key)})
        with pytest.raises(ex.ParamError, match=r"legacy\(bytes_keys=True\)"):
            ours.get(place)
        with switched(bytes_keys=True):
            assert ours.get(place)[2] == {"a": str(key)}
            ours.remove(place)


def test_keys_with_a_nul_are_refused_or_cut(sides: tuple[Side, Side], set_name: str) -> None:
    official, ours = (side.client for side in sides)
    place = ("test", set_name, "cut\0off")
    official.put(place, {"a": 1})
    with pytest.raises(ex.ParamError, match=r"legacy\(nul_in_keys=True\)"):
        ours.get(place)
    with switched(nul_in_keys=True):
        assert ours.get(place)[2] == {"a": 1}


@all_of("key", [1.5, True, None])
def test_map_keys_that_there_are_not_are_refused_or_left_out(key: object, compat: Any, set_name: str) -> None:
    place = ("test", set_name, "map")
    with pytest.raises(ex.ParamError, match=r"legacy\(map_keys=True\)"):
        compat.put(place, {"m": {"a": 1, key: 2}})
    with switched(map_keys=True):
        compat.put(place, {"m": {"a": 1, key: 2}})
        assert compat.get(place)[2] == {"m": {"a": 1}}


def test_unknown_keys_are_refused_or_ignored(compat: Any, set_name: str) -> None:
    place = ("test", set_name, "unknown")
    for call in (
        lambda: compat.put(place, {"a": 1}, policy={"timeuot": 1}),
        lambda: compat.put(place, {"a": 1}, {"generation": 1}),
        lambda: aerospike.client({"hosts": compat.get_nodes(), "tend_intervall": 1}).close(),
        lambda: aerospike.client({"hosts": compat.get_nodes(), "policies": {"read": {"x": 1}}}).close(),
    ):
        with pytest.raises(ex.ParamError):
            call()
        with switched(unknown_keys=True):
            call()
    with switched(unknown_keys=True), pytest.raises(ex.ParamError, match='"x" is an invalid client config'):
        aerospike.client({"hosts": compat.get_nodes(), "x": 1, "validate_keys": True})


def test_text_with_a_nul_is_stored_whole(compat: Any, set_name: str) -> None:
    place = ("test", set_name, "nul")
    compat.put(place, {"s": "a\0b", "l": ["c\0d"]})
    assert compat.get(place)[2] == {"s": "a\0b", "l": ["c\0d"]}


def test_errors_of_threads_keep_apart_and_can_be_pickled(compat: Any, set_name: str) -> None:
    caught: dict[int, Any] = {}

    def fail(number: int) -> None:
        try:
            compat.get(("test", set_name, number))
        except ex.RecordNotFound as error:
            caught[number] = error

    threads = [threading.Thread(target=fail, args=(number,)) for number in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, error in caught.items():
        assert error.key == ("test", set_name, number)
        assert error.code == 2
        assert error.node
        again = pickle.loads(pickle.dumps(error))
        assert (type(again), again.key, again.msg) == (type(error), error.key, error.msg)


def test_values_of_types_that_there_are_not_go_through_the_serializers(compat: Any, set_name: str) -> None:
    place = ("test", set_name, "serialized")
    with pytest.raises(ex.ParamError):
        compat.put(place, {"a": {1, 2}})
    aerospike.set_serializer(lambda value: repr(sorted(value)).encode())
    aerospike.set_deserializer(lambda data: eval(data))
    try:
        with pytest.raises(ex.ParamError):
            compat.put(place, {"a": {1, 2}})
        compat.put(place, {"a": {2, 1}, "b": [1]}, serializer=aerospike.SERIALIZER_USER)
        assert compat.get(place)[2] == {"a": [1, 2], "b": [1]}
    finally:
        aerospike.unset_serializers()
    assert compat.get(place)[2] == {"a": b"[1, 2]", "b": [1]}


def test_bools_are_sent_as_the_configuration_says(compat: Any, set_name: str) -> None:
    client = aerospike.client({"hosts": compat.get_nodes(), "send_bool_as": aerospike.INTEGER})
    place = ("test", set_name, "bools")
    client.put(place, {"t": True, "l": [False]})
    client.close()
    bins = compat.get(place)[2]
    assert (type(bins["t"]), type(bins["l"][0])) == (int, int)


def test_policies_of_the_configuration_hold_and_those_of_calls_win(compat: Any, set_name: str) -> None:
    place = ("test", set_name, "policies")
    policies = {
        "write": {"ttl": 500, "key": aerospike.POLICY_KEY_SEND},
        "read": {"expressions": exp.Eq(exp.IntBin("a"), 1).compile()},
    }
    client = aerospike.client({"hosts": compat.get_nodes(), "policies": policies})
    client.put(place, {"a": 2})
    assert 490 <= client.exists(place, {"expressions": None})[1]["ttl"] <= 500
    with pytest.raises(ex.FilteredOut):
        client.get(place)
    with pytest.raises(ex.FilteredOut):
        client.get(place, {"total_timeout": 5000})
    client.put(place, {"a": 1}, policy={"ttl": 50})
    assert client.get(place)[1]["ttl"] <= 50
    told = client.get_policies()
    assert (told["write"]["ttl"], told["read"]["max_retries"], told["write"]["key"]) == (500, 2, 1)
    client.close()


def test_keys_of_policies_become_the_fields_that_they_stand_for() -> None:
    kinds = made_kinds({"txn_roll": {"total_timeout": 700, "concurrent": False}}, {}, True)
    read = kinds["read"]({"connect_timeout": 300, "read_mode_sc": aerospike.POLICY_READ_MODE_SC_LINEARIZE})
    assert (read.connect_timeout, read.read_mode_sc) == (300, ReadModeSC.LINEARIZE)
    write = kinds["write"]({"compress": True, "compression_threshold": 50, "on_locking_only": True})
    assert (write.use_compression, write.compression_threshold, write.on_locking_only) == (True, 50, True)
    assert not kinds["write"]({"compression_threshold": 50}).use_compression
    roll = kinds["txn_roll"].default
    assert (type(roll), roll.total_timeout, roll.concurrency) == (TxnRollPolicy, 700, Concurrency.SEQUENTIAL)
    assert type(kinds["txn_verify"].default) is TxnVerifyPolicy


def test_queries_and_scans_refuse_a_transaction(compat: Any, set_name: str) -> None:
    policy = {"txn": aerospike.Transaction()}
    query = compat.query("test", set_name)
    query.add_ops([op.write("a", 1)])
    for call in (
        lambda: query.results(policy),
        lambda: query.foreach(print, policy),
        lambda: query.execute_background(policy),
        lambda: compat.scan("test", set_name).results(policy),
        lambda: compat.scan_apply("test", set_name, "m", "f", [], policy),
    ):
        with pytest.raises(ex.ParamError, match="no part in transactions"):
            call()


def test_a_transaction_of_a_policy_is_not_kept(compat: Any) -> None:
    txn = aerospike.Transaction()
    seen = weakref.ref(txn)
    with pytest.raises(ex.ParamError):  # before the transaction begins
        compat.get(("test", "s", 1.5), {"txn": txn, "max_retries": 0})
    compat.abort(txn)
    with pytest.raises(ex.ParamError, match="aborted"):
        compat.put(("test", "s", 1), {"a": 1}, None, {"txn": txn, "max_retries": 0})
    del txn
    gc.collect()
    assert seen() is None


def test_a_transaction_of_the_configuration_is_that_of_all_calls(compat: Any) -> None:
    txn = aerospike.Transaction()
    client = aerospike.client({"hosts": compat.get_nodes(), "policies": {"write": {"txn": txn}}})
    with pytest.raises(ex.AerospikeError) as caught:
        client.put(("test", "s", 1), {"a": 1})
    assert "strong consistency" in caught.value.advice
    client.put(("test", "s", 1), {"a": 1}, policy={"txn": None})
    client.remove(("test", "s", 1))
    client.abort(txn)
    client.close()


def test_values_that_were_read_can_be_changed_and_written_again(compat: Any, set_name: str) -> None:
    place = ("test", set_name, "again")
    point = aerospike.GeoJSON({"type": "Point", "coordinates": [1.0, 2.0]})
    compat.put(place, {"g": point, "in": {"deep": [point]}, "k": aerospike.KeyOrderedDict({"b": 1, "a": 2})})
    bins = compat.get(place)[2]
    assert isinstance(bins["in"]["deep"][0], aerospike.GeoJSON)
    assert isinstance(bins["k"], aerospike.KeyOrderedDict)
    bins["g"].wrap({"type": "Point", "coordinates": [3.0, 4.0]})
    compat.put(place, bins)
    assert compat.get(place)[2]["g"].unwrap()["coordinates"] == [3.0, 4.0]
    assert compat.get(place)[2]["in"]["deep"][0].unwrap() == point.unwrap()


def test_statistics_are_those_of_the_nodes(compat: Any) -> None:
    told = compat.get_stats()
    assert sorted((node.address, node.port) for node in told.nodes) == sorted(compat.get_nodes())
    assert all(node.conns.opened >= node.conns.in_pool for node in told.nodes)
    assert sum(node.conns.opened for node in told.nodes) > 0


def test_log_messages_go_to_the_handler() -> None:
    import logging

    messages: list[Any] = []
    aerospike.set_log_level(aerospike.LOG_LEVEL_WARN)
    aerospike.set_log_handler(lambda *told: messages.append(told))
    try:
        logging.getLogger("pyspike.test").warning("hello %s", "there")
        logging.getLogger("pyspike.test").info("not this")
    finally:
        logger = logging.getLogger("pyspike")
        logger.removeHandler(logger.handlers[-1])
        logger.setLevel(logging.NOTSET)
    assert [(level, text) for level, *_, text in messages] == [(aerospike.LOG_LEVEL_WARN, "hello there")]


def test_operations_are_dictionaries_that_a_program_may_write_itself(compat: Any, set_name: str) -> None:
    place = ("test", set_name, "dicts")
    compat.operate(place, [{"op": aerospike.OPERATOR_WRITE, "bin": "a", "val": 1}])
    assert compat.operate(place, [{"op": aerospike.OPERATOR_READ, "bin": "a"}, op.read("a")])[2] == {"a": 1}
