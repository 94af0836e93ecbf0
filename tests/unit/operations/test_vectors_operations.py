"""Operations and expressions make the recorded requests of the official client, and read its answers.

Where a request differs, a rule says why that is right and changes the recorded one by exactly that; what is
left must be equal. A rule that changes nothing is stale and fails, as does any other difference.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from pyspike import errors
from pyspike._wire import Command, parse_answer, restore_operation
from pyspike.errors import InvalidArgument
from pyspike.operations import OpCode
from pyspike.policy import WritePolicy
from pyspike.values import KeyValueOrderedDict, OrderedList
from support.messages import Message, Op, parse
from support.official_helpers import NotExpressible, evaluate
from support.shares import Share
from support.unsent import UNSENT
from support.vectors import Case, Omitted, RecordedError, cases, same

GROUPS = (
    "operate-list",
    "operate-map",
    "bit",
    "hll",
    "operate-expression",
    "expressions",
    "path",
    "string",
)
ALL = [entry for group in GROUPS for entry in cases(group)]

Change = Callable[[bytes], bytes]


@dataclass(frozen=True)
class Rule:
    """Cases, by a pattern of group and name, whose recorded operations are changed before comparing."""

    reason: str
    cases: str
    change: Change


def shorter_by_nil(value: bytes) -> bytes:
    """A list without its last element, a nil."""
    assert value[0] & 0xF0 == 0x90
    assert value.endswith(b"\xc0")
    return bytes([value[0] - 1]) + value[1:-1]


def without_flags(value: bytes) -> bytes:
    """The map increment inside an expression without what is behind its four elements."""
    at = value.index(b"\x94\x49\xa2\x03a\x05") + 7  # behind the order
    return value[:at] + value[at + 1 :]


def as_sketch(value: bytes) -> bytes:
    """A blob that is a HyperLogLog, marked as one."""
    return value.replace(b"\xda\x01\xcc\x04\x00\x08\x08", b"\xda\x01\xcc\x12\x00\x08\x08")


def ordered(value: bytes) -> bytes:
    return value.replace(b"\x82\xa2\x03a\x02\xa2\x03z\x01", b"\x83\xc7\x00\x01\xc0\xa2\x03a\x02\xa2\x03z\x01")


RULES = [
    Rule(
        "None at the end of a range leaves it open; the official client sends nil, below which there is "
        "nothing, though for lists it leaves it out too",
        r"operate-map:.*tonone.*",
        shorter_by_nil,
    ),
    Rule(
        "a map increment has no write flags; the official client sends some behind the list that it "
        "announces, which the server can't read",
        r"expressions:MapIncrement-(policy|update_only|create_only)/read",
        without_flags,
    ),
    Rule(
        "a HyperLogLog is sent as one: the server takes it wherever it takes the blob, and gives one back",
        r"expressions:(val-hll|HLLGet\w+-val)/read",
        as_sketch,
    ),
    Rule("a KeyOrderedDict is sent as one here too", r"operate-map:put_items-kod", ordered),
]

# Requests that were recorded, but that pyspike refuses to make: by a pattern of group and name.
REFUSED = {
    r"operate-list:get_by_index/(bad|map)-return-type": "no return type of lists; the server answers 26",
    r"operate-list:create/unordered-pad": "without a context there is nothing to pad",
    r"operate-list:create-ctx(-existing)?/(un)?ordered-persist": "the official client drops the option",
    r"operate-list:ctx-list_index_create/ordered-pad": "the official client drops the option",
    r"operate-map:create-ctx-persist-true/.*": "the official client drops the option",
    r"operate-map:(set_policy|put)-persist-true/unordered": "an unordered map has no index; nothing happens",
    r"operate-map:put-key-(7|8|9|10)": "no key of a map; the server answers 4",
    r"bit:(add|subtract)-65": "no number has 65 bits; the server answers 4",
    r"bit:(?!resize|insert).*/flags-create-only(-no-fail)?": "nothing is created there; the server answers 4",
    r"bit:(resize|insert).*/flags-partial(-no-fail)?": "there is no range; the server answers 4",
    r"hll:init-(3|mh-14x52)": "no HyperLogLog has so few or so many bits; the server answers 4",
    r"hll:add-(5|7)": "no values, or values that can't be hashed; the server answers 4",
    r"hll:get_union-(not-hll|empty)": "nothing to unite with; the server answers 4",
    r"hll:add(-new)?/flags-(update-only(-no-fail)?|allow-fold)": "not its flags; the server answers 4",
    r"hll:init-new/flags-allow-fold": "not its flags; the server answers 4",
    r"operate-expression:read-empty-name": "a result needs a name",
    r"path:exp-select-map/matching_tree": "pyspike tells the result's type by itself; the server answers 26",
    r"path:exp-select-map-as-map/(value|map_key.*)": "the same",
    r"path:loopvar-(geojson|hll)/(key|value)": "such values can't be compared; the server answers 4",
    r"path:loopvar-(?!int)\w+/index": "a place is an int; the server answers 4",
    r"expressions:cmp-(type-mismatch|Eq-geo|Eq-none|Eq-hll)/.*": "no types to compare; the server answers 4",
    r"expressions:(and-[01]|not-no-args)/.*": "too few arguments; the server answers 4",
    r"expressions:var-undefined/read": "the variable is not defined; the server answers 4",
    r"expressions:let-no-def/read": "nothing is defined; the server answers 4",
    r"expressions:val-(inf|wildcard)/read": "no values, but for searching; the server answers 4",
    r"path:select-filter-false/.*": "a filter that is always false; the server answers 4",
    r"expressions:add-mixed/read": "an int and a float can't be added; the server answers 4",
}

# Calls that the official client refuses, but pyspike does not.
ACCEPTED = {
    "operate-map:get_by_index_range/count-none": "a count of None means all that follow, as everywhere",
    "expressions:InList-exp/read": "a plain list is a literal here too",
    "expressions:InList-exp/filter": "the same in a filter",
}


def name_of(recorded: Case) -> str:
    return f"{recorded.group}:{recorded.name}"


def changed(rule: Rule, message: Message) -> Message:
    operations = tuple(
        replace(op, value=rule.change(op.value)) if op.code not in (1, 2) else op for op in message.ops
    )
    return replace(message, ops=operations)


JUDGED: dict[str, tuple[str, list[str]]] = {}


def judge(recorded: Case) -> tuple[str, list[str]]:
    """How pyspike's request stands to the recorded one, with reasons; fails for any other difference."""
    name = name_of(recorded)
    if name not in JUDGED:
        JUDGED[name] = compare(recorded, name)
    return JUDGED[name]


def compare(recorded: Case, name: str) -> tuple[str, list[str]]:
    refused = [pattern for pattern in REFUSED if re.fullmatch(pattern, name)]
    try:
        ours = evaluate(recorded.call, recorded)
    except (InvalidArgument, NotExpressible, TypeError):
        if not recorded.requests:
            return "refused by both", []
        assert refused, name
        return "refused", refused
    assert not refused
    if not recorded.requests:
        return "accepted", [ACCEPTED[name]]
    assert isinstance(ours, Command)
    rules = [rule for rule in RULES if re.fullmatch(rule.cases, name)]
    if ours.request == recorded.requests[0]:
        assert not rules, "a rule that is not needed"
        return "equal", []
    theirs = parse(recorded.requests[0])
    for rule in rules:
        assert changed(rule, theirs) != theirs, f"a rule that changes nothing: {rule.reason}"
        theirs = changed(rule, theirs)
    assert parse(ours.request) == theirs
    assert ours.request == theirs.pack()
    return "argued", [rule.reason for rule in rules]


@pytest.mark.parametrize("group", GROUPS)
def test_requests_are_the_recorded_ones_or_differ_for_a_reason(group: str) -> None:
    for recorded in cases(group):
        judge(recorded)


COUNTS = {"equal": 3388, "argued": 22, "refused": 99, "refused by both": 23, "accepted": 3}


def test_every_recording_was_compared_and_nearly_all_are_equal(share: Share) -> None:
    for group in GROUPS:
        found = Counter(judge(recorded)[0] for recorded in cases(group))
        share(
            f"requests, {group}",
            "are equal; the others differ for a reason that is listed",
            found.total(),
            found.total() - found["equal"],
        )
    assert Counter(judge(recorded)[0] for recorded in ALL) == COUNTS
    assert sum(COUNTS.values()) == len(ALL) == 3535


def test_every_rule_and_refusal_is_needed() -> None:
    used = {reason for recorded in ALL for reason in judge(recorded)[1]}
    assert used == {rule.reason for rule in RULES} | REFUSED.keys() | set(ACCEPTED.values())


# Answers ----------------------------------------------------------------------------------------------------


WRITES = {
    OpCode.WRITE,
    OpCode.CDT_MODIFY,
    OpCode.INCR,
    OpCode.EXP_MODIFY,
    OpCode.APPEND,
    OpCode.PREPEND,
    OpCode.TOUCH,
    OpCode.BIT_MODIFY,
    OpCode.DELETE_ALL,
    OpCode.HLL_MODIFY,
    OpCode.STRING_MODIFY,
}


def command_of(recorded: Case) -> Command:
    """pyspike's command; one of the recorded operations where pyspike does not make them."""
    try:
        made = evaluate(recorded.call, recorded)
        if isinstance(made, Command):
            return made
    except (InvalidArgument, NotExpressible, TypeError):
        pass
    request = parse(recorded.requests[0])
    operations = [
        restore_operation(op.name.decode(), op.code, op.pack(), int(op.code in WRITES)) for op in request.ops
    ]
    policy = WritePolicy(respond_per_each_op=bool(request.info2 & 0x80))
    return UNSENT.operate(("test", "gv", "x"), operations, policy=policy)


def each(value: Any, change: Callable[[Any], Any]) -> Any:
    """A value with everything in it changed."""
    if isinstance(value, dict):
        value = type(value)((key, each(item, change)) for key, item in value.items())
    elif isinstance(value, list):
        value = type(value)(each(item, change) for item in value)
    return change(value)


def without_rank_order(value: Any) -> Any:
    """A map that is ordered by values too as a plain dict."""
    return dict(value) if type(value) is KeyValueOrderedDict else value


def without_order(value: Any) -> Any:
    """An ordered list as a plain one."""
    return list(value) if type(value) is OrderedList else value


def flat(value: Any) -> Any:
    """The results that are entries as flat lists."""
    if isinstance(value, dict):
        return {name: entries(found) for name, found in value.items()}
    return entries(value)


def entries(found: Any) -> Any:
    return [part for entry in found.items() for part in entry] if isinstance(found, dict) else found


def by_key(value: Any) -> Any:
    return {name: dict(sorted(found.items())) for name, found in value.items()}


@dataclass(frozen=True)
class Shown:
    """Cases whose result the official client shows in another way: what makes that of ours."""

    reason: str
    cases: str
    change: Callable[[Any], Any]


SHOWN = [
    Shown(
        "it has no dict for maps that are ordered by values too",
        r"operate-list:ctx-map_key_create/kv-ordered|operate-map:(.*/kv|.*kv-ordered|.*key_value_ordered.*"
        r"|ctx-op/set_policy-46)",
        lambda value: each(value, without_rank_order),
    ),
    Shown(
        "it has no list for those that are kept in order",
        r"operate-list:.*",
        lambda value: each(value, without_order),
    ),
    Shown(
        "it gives entries (KEY_VALUE) as a flat list, where pyspike has a dict",
        r"(operate-map:get_.*|expressions:Map.*)-key_value.*|operate-map:get_by_key/key-type-[12]"
        r"|operate-map:(get_by_index_range/all-types|ctx-.*/get_by_index)",
        flat,
    ),
    Shown(
        "the recording has no order of a plain dict's entries; pyspike keeps that of the answer",
        r"operate-map:get_by_rank_range/1x2-unordered_map/[uk]",
        by_key,
    ),
]


def agree(ours: Any, theirs: Any, name: str) -> str | None:
    """Why both say the same, None if they are the same; fails if they do not."""
    if same(ours, theirs):
        return None
    for shown in SHOWN:
        if re.fullmatch(shown.cases, name) and same(shown.change(ours), theirs):
            return shown.reason
    raise AssertionError(f"{name}: {ours!r} is not {theirs!r}")


def read(recorded: Case) -> str:
    """How pyspike's reading of the recorded answer stands to the official client's; fails if they differ."""
    made = command_of(recorded)
    answer = recorded.responses[0][8:]
    if isinstance(recorded.result, RecordedError):
        with pytest.raises(errors.ServerError) as caught:
            parse_answer(made, answer)
        assert caught.value.result_code == recorded.result.code
        return "error"
    record = parse_answer(made, answer)
    if isinstance(recorded.result, Omitted):
        return "too long"
    _, meta, bins = recorded.result
    assert record.generation == meta["gen"]
    told: list[Op] = [op for op in parse(recorded.responses[0]).ops if op.particle]
    if record.results:
        assert len([result for result in record.results if result is not None]) == len(told)
    if isinstance(bins, list):  # operate_ordered
        assert record.results
        ours = [result for result in record.results if result is not None]
        return agree(ours, [value for _, value in bins if value is not None], name_of(recorded)) or "same"
    last: dict[str, Any] = dict.fromkeys(bins)
    if not record.results:
        last |= record.bins
    else:
        names = [op.name.decode() for op in parse(made.request).ops]
        pairs = list(zip(names, record.results, strict=True))
        last |= {name: result for name, result in pairs if result is not None or name in bins}
    return agree(last, bins, name_of(recorded)) or "same"


# Answers that are not compared, with the reason.
NOT_READ = {
    "operate-expression:read-empty-name": "pyspike makes no operation without a name; its answer has none"
}

ANSWERS = {"same": 2773, "error": 451} | {
    shown.reason: count for shown, count in zip(SHOWN, (49, 141, 92, 2), strict=True)
}


def test_answers_are_read_as_they_were_recorded(share: Share) -> None:
    found = Counter(
        read(recorded) for recorded in ALL if recorded.responses and name_of(recorded) not in NOT_READ
    )
    different = sum(found[shown.reason] for shown in SHOWN)
    share(
        "answers, read",
        "are the official client's values; the others are shown in another way",
        found.total(),
        different,
    )
    assert found == ANSWERS
    assert {name_of(recorded) for recorded in ALL} >= NOT_READ.keys()


def test_refusals_say_what_is_wrong() -> None:
    """What pyspike refuses is refused with its own errors, but for an argument that Python misses."""
    for recorded in ALL:
        if judge(recorded)[0] == "refused":
            with pytest.raises((InvalidArgument, NotExpressible, TypeError)) as caught:
                evaluate(recorded.call, recorded)
            if not isinstance(caught.value, InvalidArgument):
                assert re.fullmatch(r"expressions:(not-no-args|and-1)/.*|path:.*", name_of(recorded))
