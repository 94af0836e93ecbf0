"""No bytes from a server can crash the process or take its memory: they are a value or an error."""

from __future__ import annotations

import struct
import tracemalloc
from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyspike import Key
from pyspike import operations as op
from pyspike._wire import Command, pack_value, parse_answer, unpack_value
from pyspike.errors import ProtocolError, ServerError
from support import packed, strategies
from support.all_of import all_of
from support.messages import Message, Op
from support.unsent import UNSENT
from support.vectors import cases

MAP, LIST, GEOJSON = 19, 20, 23
KEY = Key("test", "s", 1)

COMMANDS: dict[str, Callable[[], Command]] = {
    "get": lambda: UNSENT.get(KEY),
    "get header": lambda: UNSENT.get(KEY, []),
    "exists": lambda: UNSENT.exists(KEY),
    "put": lambda: UNSENT.put(KEY, {"b": 1}),
    "delete": lambda: UNSENT.delete(KEY),
    "operate": lambda: UNSENT.operate(KEY, [op.get("b"), op.put("b", 1), op.get("b")]),
    "operate all": lambda: UNSENT.operate(KEY, [op.put("b", 1), op.get()]),
}
RECORDED = [
    message[8:]
    for group in ("records", "operate")
    for entry in cases(group)
    for message in entry.responses
    if len(message) < 2000
]


def read(particle: int, data: bytes) -> Any:
    """The value, or None if the bytes are none."""
    try:
        return unpack_value(particle, data)
    except ProtocolError:
        return None


def answered(command: Command, body: bytes) -> Any:
    try:
        return parse_answer(command, body)
    except (ProtocolError, ServerError) as error:
        return error


@contextmanager
def bounded_memory(limit: int) -> Any:
    """What happens inside takes no more than `limit` bytes of Python's memory at a time."""
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < limit, f"{peak} bytes at once"


@st.composite
def mutated(draw: st.DrawFn, originals: st.SearchStrategy[bytes]) -> bytes:
    """Valid bytes with a few changed, lost or put in."""
    data = bytearray(draw(originals))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        kind = draw(st.integers(0, 3))
        if kind == 0:
            data[at : at + 1] = bytes([draw(st.integers(0, 255))])
        elif kind == 1:
            data[at:] = b""
        elif kind == 2:
            data[at:at] = draw(st.binary(max_size=4))
        else:
            data[at : at + 4] = struct.pack(">I", draw(st.sampled_from([0, 1, 2**31, 2**32 - 1])))
    return bytes(data)


def usable(value: Any) -> None:
    """The value is a whole one: it can be looked at to its end."""
    repr(value)


@strategies.thorough
@given(st.integers(0, 255), st.binary(max_size=100))
def test_random_bytes_are_a_value_or_a_protocol_error(particle: int, data: bytes) -> None:
    usable(read(particle, data))


@strategies.thorough
@given(st.sampled_from([LIST, MAP]), st.binary(max_size=60), st.integers(0, 15))
def test_random_containers_are_a_value_or_a_protocol_error(particle: int, data: bytes, count: int) -> None:
    usable(read(particle, bytes([(0x90 if particle == LIST else 0x80) | count]) + data))


@strategies.thorough
@given(st.sampled_from([LIST, MAP]), mutated(strategies.containers.map(packed.encode)))
def test_spoilt_containers_are_a_value_or_a_protocol_error(particle: int, data: bytes) -> None:
    usable(read(particle, data))


@strategies.thorough
@given(mutated(strategies.scalars.map(lambda value: pack_value(value)[1])), st.integers(0, 25))
def test_spoilt_scalars_are_a_value_or_a_protocol_error(data: bytes, particle: int) -> None:
    usable(read(particle, data))


@pytest.mark.parametrize("name", COMMANDS)
@strategies.bounded
@given(body=st.binary(max_size=100))
def test_random_answers_are_a_result_or_an_error(name: str, body: bytes) -> None:
    usable(answered(COMMANDS[name](), body))
    usable(answered(COMMANDS[name](), b"\x16" + bytes(20) + body))


@pytest.mark.parametrize("name", COMMANDS)
@strategies.bounded
@given(body=mutated(st.sampled_from(RECORDED)))
def test_spoilt_recordings_are_a_result_or_an_error(name: str, body: bytes) -> None:
    usable(answered(COMMANDS[name](), body))


@pytest.mark.parametrize("name", ["get", "operate", "operate all"])
def test_recordings_cut_at_any_byte_are_an_error(name: str) -> None:
    whole = Message(ops=(Op(1, b"b", 20, packed.encode([1, {"k": "v"}])), Op(1, b"b", 1, bytes(8)))).body
    assert not isinstance(answered(COMMANDS[name](), whole), Exception)
    for size in range(len(whole)):
        assert isinstance(answered(COMMANDS[name](), whole[:size]), ProtocolError), size


# --- promises that the bytes do not keep ---


@pytest.mark.parametrize("tag", ["dd", "df", "db", "c6", "c9"])
@pytest.mark.parametrize("count", [2**16, 2**31, 2**32 - 1])
@pytest.mark.parametrize("particle", [LIST, MAP])
def test_a_huge_count_in_few_bytes_takes_no_memory(particle: int, tag: str, count: int) -> None:
    data = bytes.fromhex(tag) + struct.pack(">I", count) + bytes(100)
    inside = (b"\x91" if particle == LIST else b"\x81\x01") + data
    with bounded_memory(1_000_000):
        assert read(particle, data) is None
        assert read(particle, inside) is None


def test_nested_promises_take_no_more_memory_than_the_answer_is_worth() -> None:
    """Each list promises as many elements as there are bytes left; the first of them is such a list again."""
    size = 100_000
    data = b"".join(b"\xdd" + struct.pack(">I", size - 5 * depth - 10) for depth in range(250))
    with bounded_memory(20 * size):
        assert read(LIST, data + bytes(size - len(data))) is None


def test_nested_maps_take_no_more_memory_than_the_answer_is_worth() -> None:
    size = 100_000
    data = b"".join(
        b"\xdf" + struct.pack(">I", (size - 6 * depth) // 2 - 10) + b"\x01" for depth in range(250)
    )
    with bounded_memory(20 * size):
        assert read(MAP, data + bytes(size - len(data))) is None


@pytest.mark.parametrize("opening", [b"\x91", b"\x81\x01", b"\xdc\x00\x01", b"\x92\xc7\x00\x01"])
@pytest.mark.parametrize("depth", [257, 5000, 200_000])
def test_deep_nesting_is_an_error_not_a_crash(opening: bytes, depth: int) -> None:
    data = opening * depth + b"\x90"
    particle = MAP if opening[0] == 0x81 else LIST
    with pytest.raises(ProtocolError, match="nested deeper"):
        unpack_value(particle, data)


def test_lists_as_map_keys_do_not_nest_for_ever() -> None:
    with pytest.raises(ProtocolError):
        unpack_value(MAP, b"\x81" * 100_000)


def test_more_operations_than_bytes_are_an_error() -> None:
    head = bytearray(Message().body)
    head[20:22] = b"\xff\xff"
    with bounded_memory(1_000_000):
        assert isinstance(answered(COMMANDS["get"](), bytes(head)), ProtocolError)


def test_more_fields_than_bytes_are_an_error() -> None:
    head = bytearray(Message().body)
    head[18:20] = b"\xff\xff"
    assert isinstance(answered(COMMANDS["get"](), bytes(head)), ProtocolError)


@pytest.mark.parametrize("size", [0, 3, 4, 2**31, 2**32 - 1])
def test_an_operation_of_an_impossible_size_is_an_error(size: int) -> None:
    body = bytearray(Message(ops=(Op(1, b"b", 1, bytes(8)),)).body)
    struct.pack_into(">I", body, 22, size)
    assert isinstance(answered(COMMANDS["get"](), bytes(body)), ProtocolError)


def test_a_name_longer_than_its_operation_is_an_error() -> None:
    body = bytearray(Message(ops=(Op(1, b"b", 1, bytes(8)),)).body)
    body[29] = 255
    assert isinstance(answered(COMMANDS["get"](), bytes(body)), ProtocolError)


@pytest.mark.parametrize("name", ["get", "operate"])
def test_bytes_behind_the_last_operation_are_an_error(name: str) -> None:
    whole = Message(ops=(Op(1, b"b", 1, bytes(8)),)).body
    assert isinstance(answered(COMMANDS[name](), whole + b"\0"), ProtocolError)


@pytest.mark.parametrize("size", [0, 1, 21])
def test_an_answer_without_a_whole_header_is_an_error(size: int) -> None:
    for name in COMMANDS:
        assert isinstance(answered(COMMANDS[name](), b"\x16" + bytes(size)[1:]), ProtocolError)


def test_a_header_of_another_size_is_an_error() -> None:
    body = bytearray(Message().body)
    body[0] = 23
    assert isinstance(answered(COMMANDS["get"](), bytes(body)), ProtocolError)


def test_an_answer_to_no_operation_is_an_error() -> None:
    body = Message(ops=(Op(1, b"other", 1, bytes(8)),)).body
    assert isinstance(answered(COMMANDS["operate"](), body), ProtocolError)


def test_a_name_that_is_no_text_does_not_lose_the_record() -> None:
    record = answered(COMMANDS["get"](), Message(ops=(Op(1, b"\xff", 1, bytes(8)),)).body)
    assert record.bins == {"\udcff": 0}


@all_of("code", range(1, 256))
def test_every_result_code_is_an_error_that_carries_it(code: int) -> None:
    error = answered(COMMANDS["get"](), Message(result=code).body)
    assert isinstance(error, ServerError)
    assert error.result_code == code
    assert error.key == KEY
