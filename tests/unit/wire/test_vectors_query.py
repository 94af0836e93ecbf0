"""pyspike's queries are those that the official client was recorded with, byte for byte; so are the records.

Each recorded call is played to its end with the recorded answers: through the plan, the requests, the reader
and, from page to page, the cursor. Only the query's number, which is a random one, is not compared. Where a
request differs, a rule says why that is right and changes the recorded one by exactly that; what is left must
be equal.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from pyspike import errors
from pyspike.plans import partitions as plans
from support.all_of import all_of
from support.messages import Message, parse
from support.official_query import Nodes, play
from support.vectors import Case, RecordedError, case, cases, same

ALL = cases("query")
QUERY_ID, DIGESTS = 7, 12


@dataclass(frozen=True)
class Rule:
    """Cases (by a pattern of their names) whose recorded requests are changed before they are compared."""

    reason: str
    names: str
    change: Callable[[Message], Message]


def with_digest(message: Message) -> Message:
    """The digest that the call names: the recorded request has none, but zeros in its place."""
    assert message.field(DIGESTS) == bytes(20)
    return message.without_field(DIGESTS)


RULES = []
REFUSED = {
    "scan-partitions/300+0": "a range of no partitions, which the official client takes for all",
    "scan-partitions/4000+200": "a range beyond the last partition, which the official client takes for all",
    "scan-partitions/digest-zero": "a digest of another partition",
}
OTHER_DIGEST = {"scan-partitions/digest-own": "the official client sends zeros in the place of the digest"}
# What the official client finds out by itself, without asking a node.
UNSENT = {"aggregate/missing-function": "the official client runs the function's last part first"}


def without_number(message: Message) -> Message:
    """A request whose query has the number 0."""
    fields = tuple((kind, bytes(8) if kind == QUERY_ID else data) for kind, data in message.fields)
    return replace(message, fields=fields)


def judge_request(ours: bytes, theirs: bytes, name: str) -> list[str]:
    """Why our request differs; no reason: it does not."""
    expected, made = without_number(parse(theirs)), without_number(parse(ours))
    reasons = []
    for rule in RULES:
        if re.fullmatch(rule.names, name):
            changed = rule.change(expected)
            assert changed != expected, "a rule that is not needed"
            expected = changed
            reasons.append(rule.reason)
    if name in OTHER_DIGEST:
        assert made.field(DIGESTS) not in (None, expected.field(DIGESTS))
        made, expected = made.without_field(DIGESTS), expected.without_field(DIGESTS)
        reasons.append(OTHER_DIGEST[name])
    assert made == expected
    assert made.pack() == expected.pack()
    return reasons


def place_of(found: Any) -> Any:
    """By what two results are put into the same order: a record's digest, or the value itself."""
    return found[0][3] if isinstance(found, tuple) and isinstance(found[0], tuple) else found


def judge_result(ours: Any, recorded: Case, nodes: Nodes) -> None:
    theirs = recorded.result
    if "background" in recorded.name:
        assert isinstance(theirs, int)  # the number of the query, which is a random one
        return
    if recorded.name.startswith(("aggregate/", "cluster/aggregate")):
        return  # the official client makes one of the nodes' values: see below
    if nodes.unrecorded:
        assert len(ours) == len(theirs)
        return
    if isinstance(ours, list) and isinstance(theirs, list):
        assert len(ours) == len(theirs)
        ours, theirs = sorted(ours, key=place_of), sorted(theirs, key=place_of)
    assert same(ours, theirs)


def judge(recorded: Case) -> tuple[str, list[str]]:
    """What kind of case it is, and why its requests differ."""
    if recorded.name in UNSENT:
        assert recorded.requests == ()
        return "not sent", []
    if recorded.name in REFUSED:
        with pytest.raises(errors.InvalidArgument):
            play(recorded)
        return "refused", [REFUSED[recorded.name]]
    theirs = recorded.result
    if isinstance(theirs, RecordedError):
        with pytest.raises(errors.ServerError) as caught:
            play(recorded)
        assert int(caught.value.result_code) == theirs.code
        return "an error", []
    ours, nodes = play(recorded)
    assert nodes.left == [], "some recorded requests were not made"
    reasons = [reason for made, sent in nodes.compared for reason in judge_request(made, sent, recorded.name)]
    judge_result(ours, recorded, nodes)
    return ("argued" if reasons else "equal"), reasons


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scans ask for all partitions at once, as the recorded ones do (see `test_query_plan.py`)."""
    monkeypatch.setattr(plans, "WORTH_SPLITTING", 4096)


@all_of("recorded", ALL, ids=lambda entry: entry.name)
def test_a_recorded_query_is_made_and_read_as_it_was(recorded: Case) -> None:
    judge(recorded)


def test_every_recording_was_compared() -> None:
    judged = [judge(recorded) for recorded in ALL]
    assert Counter(kind for kind, _ in judged) == {
        "equal": 134,
        "argued": 1,
        "refused": 3,
        "an error": 7,
        "not sent": 1,
    }
    used = {reason for _, reasons in judged for reason in reasons}
    assert used == {rule.reason for rule in RULES} | {*REFUSED.values(), *OTHER_DIGEST.values()}


def test_the_values_of_aggregations_are_read() -> None:
    values, _ = play(case("query", "aggregate/sum"))
    assert sum(values) == 190
    values, _ = play(case("query", "aggregate/list"))
    assert sorted(values) == [3, 4, 5, 6, 7]
    values, _ = play(case("query", "aggregate/group"))
    assert sum(number for groups in values for number in groups.values()) == 20
