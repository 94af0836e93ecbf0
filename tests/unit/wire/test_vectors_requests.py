"""pyspike's requests are those that the official client was recorded with, byte for byte.

Where they differ, a rule below says why that is right and changes the recorded request by exactly that; what
is left must be equal. A rule that changes nothing is stale and fails, as does any other difference.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import msgpack

import pyspike
from pyspike._wire import Command
from pyspike.errors import InvalidArgument, InvalidType
from support.all_of import all_of
from support.compressed import is_packed, opened
from support.messages import DIGEST, KEY, Message, parse
from support.official import OutOfScope, command
from support.vectors import VECTORS, Case, cases

GROUPS = ("records", "operate", "cluster")
ALL = [entry for group in GROUPS for entry in cases(group)]

Change = Callable[[Message, Command], Message]


@dataclass(frozen=True)
class Rule:
    """Cases (by a pattern of their names) whose recorded request is changed before it is compared."""

    reason: str
    names: str
    change: Change


def clear(**bits: int) -> Change:
    """Takes bits off info bytes."""
    return lambda recorded, _: replace(
        recorded, **{name: getattr(recorded, name) & ~mask for name, mask in bits.items()}
    )


def add(**bits: int) -> Change:
    """Puts bits on info bytes."""
    return lambda recorded, _: replace(
        recorded, **{name: getattr(recorded, name) | mask for name, mask in bits.items()}
    )


def hashed_as_blob(recorded: Message, ours: Command) -> Message:
    """The fields with the digest (and key) of the whole bytes, not of the text in front of the first NUL."""
    whole = ours.key.user_key
    assert isinstance(whole, bytes)
    text = whole.split(b"\0")[0].decode()
    assert recorded.field(DIGEST) == pyspike.digest("gv", text), "the official client hashes something else"
    fields = {DIGEST: pyspike.digest("gv", whole), KEY: b"\x04" + whole}
    changed = tuple((number, fields.get(number, data)) for number, data in recorded.fields)
    return replace(recorded, fields=changed)


def with_whole_string(recorded: Message, ours: Command) -> Message:
    (op,) = recorded.ops
    return replace(recorded, ops=(replace(op, value=op.value + b"\0b"),))


def in_dict_order(recorded: Message, ours: Command) -> Message:
    """Ours, if its one map holds the recorded map's entries."""
    (op,), (our_op,) = recorded.ops, parse(ours.request).ops
    decode = partial(msgpack.unpackb, strict_map_key=False, raw=True)
    entries, our_entries = decode(op.value), decode(our_op.value)
    assert op.value != our_op.value
    assert list(entries) != list(our_entries)
    assert entries == our_entries
    return replace(recorded, ops=(replace(op, value=our_op.value),))


def once_each(recorded: Message, ours: Command) -> Message:
    return replace(recorded, ops=tuple(dict.fromkeys(recorded.ops)))


def server_timeout(ms: int) -> Change:
    return lambda recorded, _: replace(recorded, timeout=ms)


RULES = [
    Rule(
        "a read does not send the key: the server stores none then, and the Rust client has no such option",
        r"key/get-send-.*|read-policy/key-send",
        lambda recorded, _: recorded.without_field(KEY),
    ),
    Rule(
        "bytes are hashed as a blob, as in the Rust and Java clients, not as text up to the first NUL",
        r"key/(put|get)(-send)?-bytes(-text)?",
        hashed_as_blob,
    ),
    Rule("a string keeps what is behind a NUL", r"put/str-nul", with_whole_string),
    Rule(
        "a dict is sent in its own order: the server sorts maps by key whatever it gets",
        r"put/map-(unsorted|int-keys|mixed-keys|values)",
        in_dict_order,
    ),
    Rule("a bin that is asked for twice is read once", r"select/dup", once_each),
    Rule(
        "no bins means the header only; the official client's request is refused by the server",
        r"select/empty",
        add(info1=0x20),
    ),
    Rule(
        "the time to live of touch counts; the official client drops that of its meta",
        r"touch/meta-ttl",
        lambda recorded, _: replace(recorded, ttl=55),
    ),
    Rule(
        "a bin is read, written and read again: without RESPOND_ALL_OPS the answers can't be told apart if "
        "the bin was not there at first",
        r"read-write-read(-ordered)?",
        add(info2=0x80),
    ),
    Rule(
        "an operate that writes does not ask all replicas: the server looks at that bit for reads only",
        r"policy-write-ap-all",
        clear(info1=0x40),
    ),
    Rule(
        "an operate that writes has no read mode, which the server looks at for reads only",
        r"policy-write-sc-linearize",
        clear(info3=0x40),
    ),
    Rule(
        "an operate that only reads locks nothing, whatever its policy says of locks",
        r"policy-read-on-locking-only",
        clear(info4=0x10),
    ),
    Rule(
        "without a deadline the server may take as long as the client waits for one try; the official client "
        "sends 0, which stands for the server's own second",
        r"(write|read)-policy/timeout-total-0",
        server_timeout(30_000),
    ),
    Rule("the same, 700 ms a try", r"(write|read)-policy/timeout-total-0-socket-700", server_timeout(700)),
]

# Requests that were recorded, but that pyspike refuses to make.
REFUSED: dict[str, tuple[type[Exception], str]] = {
    "put/map-float-key": (InvalidType, "no key of a map; the official client drops the entry"),
    "put/map-bool-key": (InvalidType, "the same"),
    "put/map-none-key": (InvalidType, "the same"),
    "put/list-inf": (InvalidType, "infinity can only be compared with; the server answers 1"),
    "put/bin-empty": (InvalidArgument, "the server takes it for a bin that few tools can read"),
    "put/no-bins": (InvalidArgument, "the server answers 4"),
    "key/put-bool": (InvalidType, "it would collide with the keys 0 and 1"),
    "key/put-send-bool": (InvalidType, "the same"),
    "select/bin-16": (InvalidArgument, "no bin can have that name"),
    "touch/ttl-too-big": (InvalidArgument, "more than ten years; the server answers 4"),
    "ttl/policy-too-big": (InvalidArgument, "the same"),
    "ttl/policy-client-default": (InvalidType, "there is nothing to default to; the server answers 4"),
    "read-policy/touch-pct-101": (InvalidArgument, "the server answers 4 if the record can expire"),
}

# Calls that the official client refuses, but pyspike does not.
ACCEPTED = {
    "put/tuple": "a tuple is written as a list",
    "key/put-bytearray-empty": "an empty blob is a key like others",
    "key/put-send-bytearray-empty": "the same",
    "ns/unknown": "whether a namespace exists is found out when the command is routed",
    "ns/unknown-get": "the same",
}

# What the scalar operations and policies of this part of pyspike do not cover.
OUT_OF_SCOPE = {"list operations": r"mixed-cdt|several-(results|reads)-one-bin(-ordered)?"}


def recorded_message(recorded: Case) -> tuple[Message, list[str]]:
    """The recorded request, out of its compression if that is left out here, and why that is right."""
    (request,) = recorded.requests
    if is_packed(request):
        assert len(request) > len(opened(request)), recorded.name
        return parse(opened(request)), ["what compressing makes larger is sent plain"]
    return parse(request), []


def equal(ours: bytes, recorded: bytes) -> bool:
    """Whether these are the same bytes, but for how zlib has packed them."""
    return is_packed(ours) is is_packed(recorded) and opened(ours) == opened(recorded)


def judge(recorded: Case) -> tuple[str, list[str]]:
    """How pyspike's request stands to the recorded one, with reasons; fails for any other difference."""
    ours: Command | OutOfScope | InvalidArgument
    try:
        ours = command(recorded)
    except OutOfScope as scope:
        ours = scope
    except InvalidArgument as error:
        ours = error
    if isinstance(ours, OutOfScope):
        assert re.fullmatch(OUT_OF_SCOPE[ours.args[0]], recorded.name), ours
        return "out of scope", list(ours.args)
    if isinstance(ours, InvalidArgument):
        if not recorded.requests:
            return "refused by both", []
        kind, reason = REFUSED[recorded.name]
        assert type(ours) is kind
        return "refused", [reason]
    assert recorded.name not in REFUSED
    if not recorded.requests:
        return "accepted", [ACCEPTED[recorded.name]]
    if equal(ours.request, recorded.requests[0]):
        assert not any(re.fullmatch(rule.names, recorded.name) for rule in RULES), "a rule that is not needed"
        return "equal", []
    theirs, reasons = recorded_message(recorded)
    for rule in RULES:
        if re.fullmatch(rule.names, recorded.name):
            changed = rule.change(theirs, ours)
            assert changed != theirs, f"a rule that changes nothing: {rule.reason}"
            theirs = changed
            reasons.append(rule.reason)
    assert parse(ours.request) == theirs
    assert ours.request == theirs.pack()
    return "argued", reasons


@all_of("recorded", ALL, ids=lambda entry: f"{entry.group}:{entry.name}")
def test_the_request_is_the_recorded_one_or_differs_for_a_reason(recorded: Case) -> None:
    judge(recorded)


def test_every_recording_was_compared_and_most_are_equal() -> None:
    counts = Counter(judge(recorded)[0] for recorded in ALL)
    assert counts == {
        "equal": 619,
        "argued": 38,
        "refused": 13,
        "refused by both": 16,
        "accepted": 5,
        "out of scope": 5,
    }
    assert sum(counts.values()) == len(ALL) == 515 + 94 + 87


def test_every_rule_is_needed() -> None:
    used = {reason for recorded in ALL for reason in judge(recorded)[1]}
    assert {rule.reason for rule in RULES} <= used
    names = {entry.name for entry in ALL}
    assert names >= REFUSED.keys() | ACCEPTED.keys()


def test_what_the_official_client_mangles_is_what_pyspike_refuses() -> None:
    """The reason given above: an entry whose key the server can't hold is lost on the way."""
    for name in ("put/map-float-key", "put/map-bool-key", "put/map-none-key"):
        (recorded,) = (entry for entry in ALL if entry.name == name)
        (op,) = parse(recorded.requests[0]).ops
        assert op.value == b"\x80", "an empty map"


def test_keys_fall_into_the_partitions_that_were_asked() -> None:
    maps: Any = json.loads((VECTORS / "partition-map.json").read_text(encoding="utf-8"))
    puts = [entry for entry in cases("cluster") if entry.name.startswith("put/")]
    assert len(puts) == 60
    names = sorted(maps["nodes"])
    for recorded in puts:
        key = command(recorded).key
        assert key.partition_id == recorded.raw["partition_id"]
        owner = maps["namespaces"][key.namespace]["owners"][0][key.partition_id]
        assert names[int(owner)] == recorded.raw["node"]
