"""Keys: the digest by which the cluster knows a record, its partition, and `Key` itself."""

from __future__ import annotations

import copy
import hashlib
import pickle
import sys
from enum import IntEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import pyspike
from pyspike import Key
from pyspike.errors import InvalidArgument, InvalidType
from pyspike.showing import SHOWN_SIZE
from support.all_of import all_of
from support.ids import shown
from support.strategies import bounded
from support.vectors import lines, result_of

VECTORS = lines("digests")
KEYS = st.integers(-(2**63), 2**63 - 1) | st.text() | st.binary()
ODD_KEYS = [True, False, 1.0, None, [1], (1,), {1}, object()]


class Number:
    def __init__(self, value: int) -> None:
        self.value = value

    def __index__(self) -> int:
        return self.value


class Word(str):
    __slots__ = ()


class Count(int):
    pass


class Colour(IntEnum):
    RED = 7


@all_of("vector", VECTORS, ids=lambda vector: vector["name"])
def test_digests_and_partitions_are_those_of_the_official_client(vector: dict[str, Any]) -> None:
    user_key, expected = result_of(vector["key"]), bytes.fromhex(vector["digest"])
    assert type(user_key).__name__ == vector["key_type"]
    key = Key(vector["ns"], vector["set"], user_key)
    assert key.digest == pyspike.digest(vector["set"], user_key) == expected
    assert key.partition_id == vector["partition_id"]


def test_all_digest_vectors_are_there() -> None:
    assert len(VECTORS) == 220


def test_a_name_as_long_as_the_hash_block_and_around_it_hashes_right() -> None:
    """The pieces meet the 64-byte blocks at every place; OpenSSL's digest agrees, where it has one."""
    try:
        hashlib.new("ripemd160")
    except ValueError:
        pytest.skip("this OpenSSL has no RIPEMD-160")
    for set_size in (0, 1, 55, 56, 62, 63):
        for key_size in range(140):
            text = b"s" * set_size + b"\x03" + b"k" * key_size
            assert pyspike.digest("s" * set_size, "k" * key_size) == hashlib.new("ripemd160", text).digest()


def test_the_namespace_is_no_part_of_the_digest_but_of_the_key() -> None:
    one, other = Key("test", "s", 1), Key("bar", "s", 1)
    assert one.digest == other.digest
    assert one != other


def test_no_set_and_the_empty_set_are_the_same() -> None:
    assert Key("test", None, "k") == Key("test", "", "k")
    assert Key("test", None, "k").set_name == ""
    assert pyspike.digest(None, "k") == pyspike.digest("", "k")


@pytest.mark.parametrize("same", [bytearray(b"a\0b"), memoryview(b"a\0b"), memoryview(b"ab\0\0xb")[::1][0:0]])
def test_bytes_like_keys_hash_as_blobs(same: Any) -> None:
    key = Key("test", "s", same)
    assert key.user_key == bytes(same)
    assert type(key.user_key) is bytes
    assert key.digest == pyspike.digest("s", bytes(same))


def test_the_type_of_a_key_is_part_of_its_digest() -> None:
    assert len({pyspike.digest("s", key) for key in (b"1", "1", 1)}) == 3


@pytest.mark.parametrize("number", [Number(7), Count(7), Colour.RED])
def test_what_stands_for_an_integer_is_one(number: Any) -> None:
    key = Key("test", "s", number)
    assert key == Key("test", "s", 7)
    assert type(key.user_key) is int


def test_a_subclass_of_str_is_its_text() -> None:
    key = Key("test", "s", Word("k"))
    assert key == Key("test", "s", "k")
    assert type(key.user_key) is str


@pytest.mark.parametrize("odd", ODD_KEYS, ids=shown)
def test_other_types_are_refused(odd: Any) -> None:
    with pytest.raises(InvalidType, match=rf"a key must be int, str or bytes, not {type(odd).__name__}"):
        Key("test", "s", odd)
    with pytest.raises(InvalidType):
        pyspike.digest("s", odd)


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 2**200, Number(2**63)])
def test_an_integer_beyond_64_bits_is_refused(number: Any) -> None:
    with pytest.raises(InvalidArgument, match="does not fit into a signed 64-bit integer"):
        Key("test", "s", number)


@pytest.mark.parametrize("edge", [2**63 - 1, -(2**63)])
def test_the_last_64_bit_integers_are_keys(edge: int) -> None:
    assert Key("test", "s", edge).user_key == edge


def test_text_that_is_no_unicode_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="not valid text"):
        Key("test", "s", "\ud800")
    with pytest.raises(InvalidArgument, match="not valid text"):
        Key("test", "\ud800", "k")
    with pytest.raises(InvalidArgument, match="not valid text"):
        Key("\ud800", "s", "k")


@pytest.mark.parametrize("name", ["n" * 31, "é" * 15 + "n"])
def test_a_namespace_may_have_31_bytes(name: str) -> None:
    assert Key(name, "s", 1).namespace == name


@pytest.mark.parametrize("name", ["n" * 32, "é" * 16])
def test_a_longer_namespace_is_refused(name: str) -> None:
    with pytest.raises(InvalidArgument, match="takes 32 bytes, the server allows 31"):
        Key(name, "s", 1)


@pytest.mark.parametrize("name", ["s" * 63, "é" * 31 + "s"])
def test_a_set_may_have_63_bytes(name: str) -> None:
    assert Key("test", name, 1).set_name == name


@pytest.mark.parametrize("name", ["s" * 64, "é" * 32])
def test_a_longer_set_is_refused(name: str) -> None:
    with pytest.raises(InvalidArgument, match="takes 64 bytes, the server allows 63"):
        Key("test", name, 1)
    with pytest.raises(InvalidArgument, match="takes 64 bytes, the server allows 63"):
        pyspike.digest(name, 1)


def test_a_namespace_must_have_a_name() -> None:
    with pytest.raises(InvalidArgument, match="namespace's name is empty"):
        Key("", "s", 1)


@pytest.mark.parametrize("name", [None, b"test", 1])
def test_a_namespace_must_be_text(name: Any) -> None:
    with pytest.raises(InvalidType, match="namespace"):
        Key(name, "s", 1)


@pytest.mark.parametrize("name", [b"s", 1, ["s"]])
def test_a_set_must_be_text(name: Any) -> None:
    with pytest.raises(InvalidType, match="set"):
        Key("test", name, 1)


def test_names_that_are_subclasses_of_str_become_plain() -> None:
    key = Key(Word("test"), Word("s"), 1)
    assert (type(key.namespace), type(key.set_name)) == (str, str)


@bounded
@given(KEYS)
def test_equal_keys_have_equal_hashes(user_key: Any) -> None:
    one, other = Key("test", "s", user_key), Key("test", "s", user_key)
    assert one == other
    assert hash(one) == hash(other)
    assert {one: 1}[other] == 1


def test_a_key_with_and_without_its_user_key_is_the_same_key() -> None:
    key = Key("test", "s", "k")
    assert Key.from_digest("test", "s", key.digest) == key
    assert hash(Key.from_digest("test", "s", key.digest)) == hash(key)


def test_a_key_differs_from_everything_else() -> None:
    assert Key("test", "s", 1) != ("test", "s", 1)
    assert Key("test", "s", 1) != 1
    assert not Key("test", "s", 1) == Key("test", "s", 2)  # noqa: SIM201


def test_keys_have_no_order() -> None:
    with pytest.raises(TypeError):
        Key("test", "s", 1) < Key("test", "s", 2)  # type: ignore[operator]  # noqa: B015


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("user_key", [1, "k", b"\0"])
def test_a_key_travels_by_pickle(protocol: int, user_key: Any) -> None:
    key = Key("test", "s", user_key)
    other = pickle.loads(pickle.dumps(key, protocol))
    assert (other, other.user_key, other.digest) == (key, user_key, key.digest)


def test_a_key_known_by_its_digest_travels_by_pickle() -> None:
    other = pickle.loads(pickle.dumps(Key.from_digest("test", "s", bytes(range(20)))))
    assert (other.user_key, other.digest) == (None, bytes(range(20)))


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_a_copy_of_a_key_is_equal(copied: Any) -> None:
    key = Key("test", "s", "k")
    assert copied(key) == key
    assert copied(key).user_key == "k"


@bounded
@given(KEYS.filter(lambda user_key: len(repr(user_key)) <= SHOWN_SIZE))  # a longer one is not shown whole
def test_the_repr_of_a_key_makes_it_again(user_key: Any) -> None:
    key = Key("test", "s", user_key)
    other = eval(repr(key), {"Key": Key})
    assert other == key
    assert other.user_key == key.user_key


def test_the_repr_of_a_key_without_a_user_key_makes_it_again() -> None:
    key = Key.from_digest("test", "s", bytes(range(20)))
    assert eval(repr(key), {"Key": Key}) == key


@pytest.mark.parametrize("name", ["namespace", "set_name", "user_key", "digest", "partition_id", "more"])
def test_a_key_can_not_be_changed(name: str) -> None:
    with pytest.raises(AttributeError):
        setattr(Key("test", "s", 1), name, 2)


@pytest.mark.parametrize("size", [0, 19, 21])
def test_a_digest_has_20_bytes(size: int) -> None:
    with pytest.raises(InvalidArgument, match=f"a digest has 20 bytes, not {size}"):
        Key.from_digest("test", "s", bytes(size))


def test_a_digest_is_no_text_and_no_number() -> None:
    """`bytes(20)` would be twenty zeros: a digest of a wrong type must not become one."""
    for wrong in ("k" * 20, 20, None):
        with pytest.raises(TypeError):
            Key.from_digest("test", "s", wrong)  # type: ignore[arg-type]


def test_from_digest_keeps_the_digest_and_the_user_key_as_given() -> None:
    key = Key.from_digest("test", "s", bytearray(range(20)), "k")  # type: ignore[arg-type]
    assert (key.namespace, key.set_name, key.digest, key.user_key) == ("test", "s", bytes(range(20)), "k")


def test_the_partition_is_made_of_the_first_twelve_bits() -> None:
    assert Key.from_digest("test", "s", b"\x34\xf2" + bytes(18)).partition_id == 0x234


def test_a_key_needs_no_memory_of_the_caller() -> None:
    data = bytearray(b"k")
    key = Key("test", "s", data)  # type: ignore[arg-type]
    before = key.digest
    data[:] = b"x"
    assert (key.user_key, key.digest) == (b"k", before)


@pytest.mark.skipif(not hasattr(sys, "getrefcount"), reason="counts references")
def test_making_keys_leaks_nothing() -> None:
    text = "a key that is used again and again"
    before = sys.getrefcount(text)
    for _ in range(1000):
        Key("test", "s", text)
        pyspike.digest("s", text)
    assert abs(sys.getrefcount(text) - before) < 10
