"""Requests: what each argument and each option of a policy puts into the bytes, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from types import MappingProxyType
from typing import Any

import pytest

from pyspike import Key
from pyspike import operations as op
from pyspike._wire import Command, Settings
from pyspike.errors import InvalidArgument, InvalidType
from pyspike.policy import (
    BasePolicy,
    CommitLevel,
    ConsistencyLevel,
    ErrorDetails,
    Expiration,
    GenerationPolicy,
    ReadModeSC,
    ReadPolicy,
    ReadTouchTTL,
    RecordExistsAction,
    Replica,
    WritePolicy,
)
from support.ids import shown
from support.messages import (
    AT_GENERATION,
    AT_INFO1,
    AT_INFO2,
    AT_INFO3,
    AT_INFO4,
    AT_TIMEOUT,
    AT_TTL,
    FILTER,
    KEY,
    Message,
    Op,
    parse,
)
from support.unsent import UNSENT

WHO = Key("test", "s", "k")
ONE = bytes(7) + b"\1"
EQUAL, GREATER = GenerationPolicy.EXPECT_GEN_EQUAL, GenerationPolicy.EXPECT_GEN_GREATER


class Expression:
    def __init__(self, data: Any) -> None:
        self.data = data

    def __repr__(self) -> str:
        return f"Expression({self.data!r})"

    def to_bytes(self) -> Any:
        return self.data


def get(bins: Any = None, *, key: Any = WHO, **keywords: Any) -> Command:
    return UNSENT.get(key, bins, **keywords)


def exists(*, key: Any = WHO, **keywords: Any) -> Command:
    return UNSENT.exists(key, **keywords)


def put(bins: Any = MappingProxyType({"b": 1}), *, key: Any = WHO, **keywords: Any) -> Command:
    return UNSENT.put(key, bins, **keywords)


def touch(*, key: Any = WHO, **keywords: Any) -> Command:
    return UNSENT.touch(key, **keywords)


def delete(*, key: Any = WHO, **keywords: Any) -> Command:
    return UNSENT.delete(key, **keywords)


def operate(*, key: Any = WHO, **keywords: Any) -> Command:
    return UNSENT.operate(key, [op.add("b", 1), op.get("b")], **keywords)


READS: list[Callable[..., Command]] = [get, exists]
WRITES: list[Callable[..., Command]] = [put, touch, delete, operate]
EVERY = READS + WRITES
WITH_TTL = [put, touch, operate]
LIMITS = {
    get: ReadPolicy,
    exists: ReadPolicy,
    put: WritePolicy,
    touch: WritePolicy,
    delete: WritePolicy,
    operate: WritePolicy,
}


def message(command: Command) -> Message:
    return parse(command.request)


def number(command: Command, at: int) -> int:
    """Four bytes of the request's header."""
    return int.from_bytes(command.request[at : at + 4], "big")


# --- the shape of each command (single-record.md 4.1) ---


@pytest.mark.parametrize(
    ("command", "info", "ops"),
    [
        (get(), (0x03, 0, 0), []),
        (get(["a", "b"]), (0x01, 0, 0), [Op(1, b"a"), Op(1, b"b")]),
        (get([]), (0x21, 0, 0), []),
        (exists(), (0x21, 0, 0), []),
        (put({"a": 1, "b": "x"}), (0, 0x01, 0), [Op(2, b"a", 1, ONE), Op(2, b"b", 3, b"x")]),
        (UNSENT.add(WHO, {"b": 1}), (0, 0x01, 0), [Op(5, b"b", 1, ONE)]),
        (UNSENT.append(WHO, {"b": "x"}), (0, 0x01, 0), [Op(9, b"b", 3, b"x")]),
        (UNSENT.prepend(WHO, {"b": b"x"}), (0, 0x01, 0), [Op(10, b"b", 4, b"x")]),
        (delete(), (0, 0x03, 0), []),
        (touch(), (0, 0x01, 0), [Op(11)]),
        (operate(), (0x01, 0x01, 0), [Op(5, b"b", 1, ONE), Op(1, b"b")]),
    ],
)
def test_each_command_has_its_flags_and_operations(command: Command, info: Any, ops: list[Op]) -> None:
    made = message(command)
    assert (made.info1, made.info2, made.info3) == info
    assert list(made.ops) == ops
    assert (made.info4, made.result, made.generation, made.ttl, made.timeout) == (0, 0, 0, 0, 1000)
    assert made.fields == ((0, b"test"), (1, b"s"), (4, WHO.digest))


@pytest.mark.parametrize("make", EVERY)
def test_a_command_knows_its_key_and_that_it_was_not_tried(make: Callable[..., Command]) -> None:
    command = make()
    assert command.key is WHO
    assert command.write is (make in WRITES)
    assert (command.tries, command.sent, command.history) == (0, 0, None)
    assert command.tries_left == command.settings.max_retries + 1
    assert command.remaining == command.total_timeout == 1000
    assert "Key('test', 's', 'k')" in repr(command)


@pytest.mark.parametrize("make", EVERY)
def test_a_tuple_stands_for_a_key(make: Callable[..., Command]) -> None:
    command = make(key=("test", "s", "k"))
    assert command.request == make().request
    assert command.key == WHO


@pytest.mark.parametrize("make", EVERY)
@pytest.mark.parametrize(
    "key", ["k", None, ("test", "s"), ["test", "s", "k"], ("test", "s", "k", 1), {}], ids=repr
)
def test_what_is_no_key_is_refused(make: Callable[..., Command], key: Any) -> None:
    with pytest.raises(InvalidType, match=r"a key must be a pyspike\.Key or a"):
        make(key=key)


@pytest.mark.parametrize("make", EVERY)
def test_a_record_can_be_found_by_its_digest(make: Callable[..., Command]) -> None:
    policy = LIMITS[make]()
    known = Key.from_digest("test", "s", WHO.digest)
    assert make(key=known, policy=policy).request == make(policy=policy).request


# --- bins ---


@pytest.mark.parametrize("bins", ["abc", b"abc", ""])
def test_a_string_is_no_sequence_of_names(bins: Any) -> None:
    with pytest.raises(InvalidType, match=r"bins must be a sequence of names, not (str|bytes): write \["):
        get(bins)


@pytest.mark.parametrize("bins", [["a", "a"], ("a",), {"a"}, {"a": 1}, iter(["a"])], ids=shown)
def test_bins_to_read_may_be_any_iterable_and_are_read_once(bins: Any) -> None:
    assert message(get(bins)).ops == (Op(1, b"a"),)


@pytest.mark.parametrize("bins", [[1], [None], [b"a"], [["a"]], 1], ids=repr)
def test_names_of_bins_must_be_text(bins: Any) -> None:
    with pytest.raises(TypeError):
        get(bins)


@pytest.mark.parametrize("make", [lambda name: get([name]), lambda name: put({name: 1})])
def test_names_of_bins_have_1_to_15_bytes(make: Callable[[str], Command]) -> None:
    assert message(make("é" * 7 + "b")).ops[0].name == ("é" * 7 + "b").encode()
    with pytest.raises(InvalidArgument, match="takes 16 bytes"):
        make("é" * 8)
    with pytest.raises(InvalidArgument, match="name is empty"):
        make("")
    with pytest.raises(InvalidArgument, match="not valid text"):
        make("\ud800")


def test_a_write_needs_a_bin() -> None:
    nothing: dict[str, object] = {}
    for bins in (nothing, MappingProxyType(nothing)):
        with pytest.raises(InvalidArgument, match="at least one bin"):
            put(bins)


@pytest.mark.parametrize("bins", [None, 1, "b", [("b", 1)], {"b"}], ids=repr)
def test_bins_to_write_must_be_a_mapping(bins: Any) -> None:
    with pytest.raises(InvalidType, match="bins must map names to values"):
        put(bins)


@pytest.mark.parametrize("name", [1, None, b"b", ("b",)])
def test_names_of_bins_to_write_must_be_text(name: Any) -> None:
    with pytest.raises(InvalidType, match="a bin's name must be a str"):
        put({name: 1})


def test_bins_may_be_any_mapping() -> None:
    assert put(MappingProxyType({"a": 1, "b": 2})).request == put({"a": 1, "b": 2}).request


def test_a_record_of_many_bins_counts_them() -> None:
    assert len(message(put({f"b{at}": at for at in range(32767)})).ops) == 32767
    with pytest.raises(InvalidArgument, match="32768 bins in one record, the server allows 32767"):
        put({f"b{at}": at for at in range(32768)})


@pytest.mark.parametrize(("write", "value"), [(UNSENT.add, "x"), (UNSENT.append, 1), (UNSENT.prepend, 1.5)])
def test_values_that_an_operation_can_not_take_are_refused(write: Callable[..., Command], value: Any) -> None:
    with pytest.raises(InvalidType, match=r"bins\['b'\]: \w+ can't be"):
        write(WHO, {"b": value})


def test_a_large_request_is_whole() -> None:
    data = bytes(range(256)) * 4096
    (only,) = message(put({"b": data})).ops
    assert only.value == data


# --- keywords win over the policy ---


@pytest.mark.parametrize("make", EVERY)
@pytest.mark.parametrize(
    ("timeout", "sent"),
    [
        (250, 250),
        (250.7, 250),
        (timedelta(microseconds=500), 1),
        (0, 0),
        (timedelta(seconds=2), 2000),
        (None, 700),
    ],
)
def test_the_timeout_of_the_call_wins(make: Callable[..., Command], timeout: Any, sent: int) -> None:
    command = make(timeout=timeout, policy=LIMITS[make](total_timeout=700))
    assert number(command, AT_TIMEOUT) == sent
    expected = 700 if timeout is None else timeout
    assert command.total_timeout == (
        timeout / timedelta(milliseconds=1) if isinstance(timeout, timedelta) else expected
    )
    assert command.settings.total_timeout == 700


@pytest.mark.parametrize("make", EVERY)
@pytest.mark.parametrize("timeout", [-1, float("nan"), float("inf"), timedelta(seconds=-1), 1e13])
def test_a_timeout_that_is_no_time_is_refused(make: Callable[..., Command], timeout: Any) -> None:
    with pytest.raises(InvalidArgument, match="timeout"):
        make(timeout=timeout)


@pytest.mark.parametrize("make", EVERY)
@pytest.mark.parametrize("timeout", ["5", True, [5], object()])
def test_a_timeout_of_another_type_is_refused(make: Callable[..., Command], timeout: Any) -> None:
    with pytest.raises(InvalidType, match="timeout must be milliseconds or a timedelta"):
        make(timeout=timeout)


@pytest.mark.parametrize("make", WITH_TTL)
@pytest.mark.parametrize(
    ("ttl", "sent"),
    [
        (1, 1),
        (315_360_000, 315_360_000),
        (timedelta(minutes=1), 60),
        (timedelta(milliseconds=1), 1),
        (Expiration.NEVER, 0xFFFFFFFF),
        (Expiration.DONT_UPDATE, 0xFFFFFFFE),
        (Expiration.NAMESPACE_DEFAULT, 0),
        (None, 77),
    ],
)
def test_the_ttl_of_the_call_wins(make: Callable[..., Command], ttl: Any, sent: int) -> None:
    assert number(make(ttl=ttl, policy=WritePolicy(expiration=77)), AT_TTL) == sent


@pytest.mark.parametrize("make", WITH_TTL)
@pytest.mark.parametrize("ttl", [0, -1, 315_360_001, "5", True, 1.5, timedelta(0)])
def test_a_ttl_that_is_none_is_refused(make: Callable[..., Command], ttl: Any) -> None:
    with pytest.raises(InvalidArgument, match="ttl"):
        make(ttl=ttl)


@pytest.mark.parametrize("make", WRITES)
@pytest.mark.parametrize(
    ("policy", "bits"),
    [
        (WritePolicy(), 0x04),
        (WritePolicy(generation_policy=EQUAL, generation=9), 0x04),
        (WritePolicy(generation_policy=GREATER, generation=9), 0x08),
    ],
)
@pytest.mark.parametrize("generation", [0, 5, 2**32 - 1])
def test_the_generation_of_the_call_wins_and_is_expected(
    make: Callable[..., Command], policy: WritePolicy, bits: int, generation: int
) -> None:
    command = make(generation=generation, policy=policy)
    assert command.request[AT_INFO2] & 0x0C == bits
    assert number(command, AT_GENERATION) == generation


@pytest.mark.parametrize("make", WRITES)
@pytest.mark.parametrize("generation", [-1, 2**32, "5", True, 1.5])
def test_a_generation_that_is_none_is_refused(make: Callable[..., Command], generation: Any) -> None:
    with pytest.raises(InvalidArgument, match="generation must be"):
        make(generation=generation)


@pytest.mark.parametrize("make", EVERY)
@pytest.mark.parametrize("expression", [b"\x93\x01", Expression(b"\x93\x01")])
def test_the_filter_of_the_call_wins(make: Callable[..., Command], expression: Any) -> None:
    policy = LIMITS[make](filter_expression=b"\xc3")
    assert message(make(policy=policy)).field(FILTER) == b"\xc3"
    made = message(make(filter_expression=expression, policy=policy))
    assert [data for at, data in made.fields if at == FILTER] == [b"\x93\x01"]


@pytest.mark.parametrize("make", EVERY)
@pytest.mark.parametrize(
    "expression",
    ["text", 5, True, 1.5, [b"\xc3"], Expression("text"), Expression(5), object(), len],
    ids=shown,
)
def test_what_is_no_expression_is_refused(make: Callable[..., Command], expression: Any) -> None:
    with pytest.raises(InvalidType, match="filter_expression must be an expression or its bytes"):
        make(filter_expression=expression)


@pytest.mark.parametrize("make", EVERY)
@pytest.mark.parametrize("expression", [b"", Expression(b"")])
def test_an_empty_filter_is_refused(make: Callable[..., Command], expression: Any) -> None:
    with pytest.raises(InvalidArgument, match="empty"):
        make(filter_expression=expression)


# --- every option of a policy changes something ---

# What each option changes: a byte or number of the request of these commands, or what the executor goes by.
HEADER: dict[str, list[tuple[list[Callable[..., Command]], dict[str, Any], int, int]]] = {
    "consistency_level": [(READS, {"consistency_level": ConsistencyLevel.ALL}, AT_INFO1, 0x40)],
    "read_mode_sc": [
        (READS, {"read_mode_sc": ReadModeSC.LINEARIZE}, AT_INFO3, 0x40),
        (READS, {"read_mode_sc": ReadModeSC.ALLOW_REPLICA}, AT_INFO3, 0x80),
        (READS, {"read_mode_sc": ReadModeSC.ALLOW_UNAVAILABLE}, AT_INFO3, 0xC0),
    ],
    "on_locking_only": [([put, touch, operate], {"on_locking_only": True}, AT_INFO4, 0x10)],
    "generation_policy": [
        (WRITES, {"generation_policy": EQUAL}, AT_INFO2, 0x04),
        (WRITES, {"generation_policy": GREATER}, AT_INFO2, 0x08),
    ],
    "durable_delete": [(WRITES, {"durable_delete": True}, AT_INFO2, 0x10)],
    "error_details": [
        (EVERY, {"error_details": ErrorDetails.SUBCODE}, AT_INFO4, 0x20),
        (EVERY, {"error_details": ErrorDetails.MESSAGE}, AT_INFO4, 0x40),
        (EVERY, {"error_details": ErrorDetails.TRACE}, AT_INFO4, 0x60),
    ],
    "respond_per_each_op": [([operate], {"respond_per_each_op": True}, AT_INFO2, 0x80)],
    "commit_level": [(WRITES, {"commit_level": CommitLevel.MASTER}, AT_INFO3, 0x02)],
    "record_exists_action": [
        ([put, operate], {"record_exists_action": RecordExistsAction.CREATE_ONLY}, AT_INFO2, 0x20),
        ([put, operate], {"record_exists_action": RecordExistsAction.UPDATE_ONLY}, AT_INFO3, 0x08),
        ([put, operate], {"record_exists_action": RecordExistsAction.REPLACE}, AT_INFO3, 0x10),
        ([put, operate], {"record_exists_action": RecordExistsAction.REPLACE_ONLY}, AT_INFO3, 0x20),
    ],
}
NUMBERS: dict[str, list[tuple[list[Callable[..., Command]], dict[str, Any], int, int]]] = {
    "total_timeout": [(EVERY, {"total_timeout": 1500}, AT_TIMEOUT, 1500)],
    "socket_timeout": [
        (EVERY, {"socket_timeout": 300}, AT_TIMEOUT, 300),
        (EVERY, {"socket_timeout": 5000}, AT_TIMEOUT, 1000),
    ],
    "read_touch_ttl": [
        (READS, {"read_touch_ttl": 80}, AT_TTL, 80),
        (READS, {"read_touch_ttl": ReadTouchTTL.DONT_RESET}, AT_TTL, 0xFFFFFFFF),
    ],
    "expiration": [
        (WITH_TTL, {"expiration": 60}, AT_TTL, 60),
        (WITH_TTL, {"expiration": Expiration.NEVER}, AT_TTL, 0xFFFFFFFF),
        (WITH_TTL, {"expiration": Expiration.DONT_UPDATE}, AT_TTL, 0xFFFFFFFE),
    ],
    "generation": [(WRITES, {"generation": 7, "generation_policy": EQUAL}, AT_GENERATION, 7)],
}
ATTRIBUTES: dict[str, tuple[list[Callable[..., Command]], Any, str, Any]] = {
    "connect_timeout": (EVERY, 300, "connect_timeout", 300),
    "timeout_delay": (EVERY, 300, "timeout_delay", 300),
    "max_retries": (EVERY, 7, "max_retries", 7),
    "sleep_between_retries": (EVERY, 5, "sleep_between_retries", 5),
    "replica": (READS, Replica.RANDOM, "replica", 2),
    "deserialize": (EVERY, False, "raw", True),
}
FIELDS = {"use_compression", "compression_threshold", "send_key", "filter_expression"}


def cases(table: dict[str, Any]) -> list[Any]:
    return [
        pytest.param(make, options, at, value, id=f"{make.__name__}-{name}-{index}")
        for name, rows in table.items()
        for index, (makes, options, at, value) in enumerate(rows)
        for make in makes
    ]


@pytest.mark.parametrize(("make", "options", "at", "bit"), cases(HEADER))
def test_an_option_sets_its_bit(
    make: Callable[..., Command], options: dict[str, Any], at: int, bit: int
) -> None:
    plain, changed = make().request, make(policy=LIMITS[make](**options)).request
    assert changed[at] == plain[at] | bit
    assert not plain[at] & bit
    assert changed[:at] + changed[at + 1 :] == plain[:at] + plain[at + 1 :], "and nothing else"


@pytest.mark.parametrize(("make", "options", "at", "value"), cases(NUMBERS))
def test_an_option_sets_its_number(
    make: Callable[..., Command], options: dict[str, Any], at: int, value: int
) -> None:
    assert number(make(policy=LIMITS[make](**options)), at) == value


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_an_option_reaches_the_executor(name: str) -> None:
    makes, value, attribute, compiled = ATTRIBUTES[name]
    for make in makes:
        command = make(policy=LIMITS[make](**{name: value}))
        assert getattr(command.settings, attribute) == compiled != getattr(make().settings, attribute)


def test_retries_are_counted_by_the_policy() -> None:
    assert get(policy=ReadPolicy(max_retries=4)).tries_left == 5


@pytest.mark.parametrize("make", WRITES)
def test_the_key_is_sent_where_the_policy_says_so(make: Callable[..., Command]) -> None:
    policy = WritePolicy(send_key=True)
    assert message(make()).field(KEY) is None
    assert message(make(policy=policy)).field(KEY) == b"\x03k"
    assert message(make(key=("test", "s", 1), policy=policy)).field(KEY) == b"\x01" + ONE
    assert message(make(key=("test", "s", b"\0"), policy=policy)).field(KEY) == b"\x04\0"
    assert message(make(key=Key.from_digest("test", "s", bytes(20)), policy=policy)).field(KEY) is None


@pytest.mark.parametrize("make", EVERY)
def test_the_filter_of_the_policy_is_sent(make: Callable[..., Command]) -> None:
    made = message(make(policy=LIMITS[make](filter_expression=Expression(b"\xc3"))))
    assert made.field(FILTER) == b"\xc3"


@pytest.mark.parametrize("kind", [ReadPolicy, WritePolicy, BasePolicy])
def test_every_option_is_among_these_tests(kind: type[BasePolicy]) -> None:
    names = {name for name in kind.__dataclass_fields__ if name != "settings"}
    assert names <= HEADER.keys() | NUMBERS.keys() | ATTRIBUTES.keys() | FIELDS


@pytest.mark.parametrize("make", EVERY)
def test_a_policy_is_only_read(make: Callable[..., Command]) -> None:
    policy = LIMITS[make](total_timeout=100)
    first = make(policy=policy, timeout=5).request
    assert make(policy=policy).request != first
    assert make(policy=policy, timeout=5).request == first
    assert policy.total_timeout == 100


@pytest.mark.parametrize("name", ["info1", "total_timeout", "send_key", "filter_expression", "more"])
def test_settings_can_not_be_changed(name: str) -> None:
    with pytest.raises(AttributeError):
        setattr(WritePolicy().settings, name, 1)


def test_settings_refuse_unknown_names() -> None:
    with pytest.raises(TypeError):
        Settings(info9=1)  # type: ignore[call-arg]
