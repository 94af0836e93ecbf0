"""pyspike reads the recorded answers of a real server as the official client did, or better."""

from __future__ import annotations

import datetime
from collections import Counter
from typing import Any

import pytest

from pyspike import Key, MultiResult, Record, errors
from pyspike._wire import Command, parse_answer, restore_operation, unpack_value
from pyspike.policy import WritePolicy
from pyspike.values import KeyOrderedDict
from support.all_of import all_of
from support.messages import Message, parse
from support.official import OutOfScope, command
from support.unsent import UNSENT
from support.vectors import Case, Omitted, RecordedError, case, cases, same

ALL = [entry for group in ("records", "operate", "cluster") for entry in cases(group) if entry.requests]
NEVER = 0xFFFF_FFFF  # of the official client
EPOCH = datetime.datetime(2010, 1, 1, tzinfo=datetime.timezone.utc)
KEY = Key("test", "gv", 1)

ERRORS = {
    1: errors.ServerError,
    2: errors.RecordNotFound,
    3: errors.GenerationError,
    4: errors.RequestInvalid,
    5: errors.RecordExists,
    12: errors.BinTypeError,
    13: errors.RecordTooBig,
    25: errors.EnterpriseOnly,
    27: errors.FilteredOut,
    160: errors.InvalidGeoJSON,
}

READ_BETTER: dict[str, dict[str, Any]] = {
    # The official client gives up: "deserialize error: -3".
    "get/list-nest-100": {"b": eval("[" * 100 + "1" + "]" * 100)},
    # It was told to leave lists and maps as they came.
    "read-policy/deserialize-false": {"a": 1, "b": "x", "c": [1, 2]},
}


def operations_of(request: Message) -> list[Any]:
    """The operations of a recorded request, also those that pyspike has no function for yet."""
    writes = {2, 4, 5, 9, 10, 11, 14}
    return [
        restore_operation(op.name.decode(), op.code, op.pack(), 1 if op.code in writes else 0)
        for op in request.ops
    ]


def command_for(recorded: Case) -> Command:
    """The command whose answer it is: made by pyspike, or of the same kind where pyspike refuses the call."""
    try:
        return command(recorded)
    except OutOfScope:
        request = parse(recorded.requests[0])
        policy = WritePolicy(respond_per_each_op=bool(request.info2 & 0x80))
        key = Key("test", "gv", recorded.name)
        return UNSENT.operate(key, operations_of(request), policy=policy)
    except errors.InvalidArgument:
        if recorded.call.startswith(("client.get", "client.select")):
            return UNSENT.get(KEY)
        if recorded.call.startswith("client.touch"):
            return UNSENT.touch(KEY)
        return UNSENT.put(KEY, {"a": 1})


def check_error(made: Command, answer: bytes, recorded: RecordedError) -> str:
    with pytest.raises(errors.ServerError) as caught:
        parse_answer(made, answer)
    assert type(caught.value) is ERRORS[recorded.code]
    assert caught.value.result_code == recorded.code == parse_code(answer)
    assert caught.value.key == made.key
    return "error"


def parse_code(answer: bytes) -> int:
    return answer[5]


def check_meta(record: Record, meta: dict[str, int], recorded: Case, header: Message) -> None:
    assert record.generation == meta["gen"] == header.generation
    if meta["ttl"] == NEVER:
        assert (record.ttl, record.expiration) == (None, None)
    else:
        assert record.expiration == EPOCH + datetime.timedelta(seconds=header.ttl)
        seen = datetime.datetime.fromtimestamp(recorded.time, datetime.timezone.utc)
        assert abs((record.expiration - seen).total_seconds() - meta["ttl"]) <= 3


def check_bins(record: Record, bins: dict[str, Any], header: Message) -> None:
    assert list(record.bins) == list(dict.fromkeys(op.name.decode() for op in header.ops)), "in their order"
    assert same(record.bins, bins)


def check_results(record: Record, bins: Any, header: Message) -> None:
    """`operate_ordered` gives (name, value) for each answer; `operate` the last answer of each bin."""
    answers = [(op.name.decode(), unpack_value(op.particle, op.value)) for op in header.ops]
    assert record.results
    told = [result for result in record.results if result is not None]
    assert same(told, [value for _, value in answers if value is not None]), "no answer is lost or moved"
    by_name: dict[str, list[Any]] = {}
    for name, value in answers:
        if value is not None:
            by_name.setdefault(name, []).append(value)
    expected = {
        name: MultiResult(values) if len(values) > 1 else values[0] for name, values in by_name.items()
    }
    assert same(record.bins, expected), "and a bin with several has them all"
    if isinstance(bins, list):
        assert same([value for _, value in bins if value is not None], told)
    else:
        assert same(bins, dict(answers)), "the official client has the last of each"


def judge(recorded: Case) -> str:
    """Reads the answer and holds it against the recorded result; what kind of answer it was."""
    made = command_for(recorded)
    (message,) = recorded.responses
    answer, header, result = message[8:], parse(message), recorded.result
    method = recorded.call.split("(")[0].removeprefix("client.")
    if recorded.name in READ_BETTER:
        read = parse_answer(made, answer)
        assert same(read.bins, READ_BETTER[recorded.name])
        assert isinstance(result, RecordedError) or not same(read.bins, result[2]), "no need to be listed"
        return "read better"
    if method == "remove" and result == RecordedError("RecordNotFound", 2):
        assert parse_answer(made, answer) is False
        return "not found"
    if isinstance(result, RecordedError):
        return check_error(made, answer, result)
    read = parse_answer(made, answer)
    if isinstance(result, Omitted):
        assert same(read.bins, {"b": dict.fromkeys(range(65536), 0)})
        return "bins"
    if result == 0:
        assert read is (True if method == "remove" else None)
        return "done"
    if method == "exists":
        assert read is (result[1] is not None)
        return "exists"
    _, meta, bins = result
    assert read.key == made.key
    check_meta(read, meta, recorded, header)
    if method.startswith("operate"):
        check_results(read, bins, header)
        return "results"
    assert read.results == []
    check_bins(read, bins, header)
    return "bins"


@all_of("recorded", ALL, ids=lambda entry: f"{entry.group}:{entry.name}")
def test_the_answer_is_read_as_recorded(recorded: Case) -> None:
    judge(recorded)


def test_every_recording_was_read() -> None:
    counts = Counter(judge(recorded) for recorded in ALL)
    assert counts == {
        "done": 315,
        "bins": 211,
        "results": 76,
        "error": 62,
        "exists": 8,
        "read better": 2,
        "not found": 1,
    }
    assert sum(counts.values()) == len(ALL) == 675


def test_a_missing_record_gives_the_default_that_was_asked_for() -> None:
    recorded = case("records", "get/not-found")
    made = UNSENT.get(KEY, default="nothing")
    assert parse_answer(made, recorded.responses[0][8:]) == "nothing"


def test_other_errors_are_raised_even_with_a_default() -> None:
    recorded = case("records", "read-policy/filter-unknown")
    made = UNSENT.get(KEY, default="nothing")
    with pytest.raises(errors.FilteredOut):
        parse_answer(made, recorded.responses[0][8:])


def test_operations_are_copied_into_the_request_as_they_are() -> None:
    recorded = case("operate", "mixed-cdt")
    assert command_for(recorded).request == recorded.requests[0]


def test_several_results_of_one_bin_are_all_there() -> None:
    recorded = case("operate", "several-results-one-bin")
    record = parse_answer(command_for(recorded), recorded.responses[0][8:])
    assert type(record.bins["l"]) is MultiResult
    assert record.bins["l"] == record.results
    assert len(record.results) == 3


def test_a_map_that_came_ordered_is_ordered() -> None:
    recorded = case("records", "get/map-kod-nested")
    record = parse_answer(command_for(recorded), recorded.responses[0][8:])
    assert type(record["b"]) is dict
    assert type(record["b"]["o"]) is KeyOrderedDict
