"""No bytes in operations and expressions make the server fail: they get a result or a result code."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from server_wire import as_list, cases, wire_bytes

from pyspike.server.protocol.constants import FieldType, Info1
from pyspike.server.protocol.framing import parse_message
from pyspike.server.protocol.result import RequestError
from pyspike.server.records.ending import end_expired
from pyspike.server.records.running import execute
from pyspike.server.storage.record import Record
from pyspike.server.storage.store import NamespaceConfig, Store

MUTATIONS = 1500
HEADER, FIELDS, CODE_AT = 8, 60, 13
# Codes of msgpack, opcodes and flags that change what follows.
TELLING = bytes.fromhex("00 01 02 03 04 40 64 7a 7e 7f 80 81 90 91 92 a0 a2 c0 c2 c3 c7 ca cb cc cf d3 d4 ff")
BINS = {
    b"l": (20, bytes.fromhex("96 07 03 92 01 02 81 a20361 01 a20378 c0")),
    b"m": (19, bytes.fromhex("83 a20361 07 a20362 92 01 02 a20363 03")),
    b"d": (19, bytes.fromhex("83 c70001 c0 a20361 01 a20362 02")),
    b"i": (1, bytes(7) + b"\x05"),
    b"s": (3, b"abc"),
    b"y": (4, b"\x0f\xf0\xa5"),
    b"h": (18, b"\x00\x08" + bytes(201)),
}


@pytest.mark.parametrize(
    "group",
    [
        "records", "operate", "operate-list", "operate-map", "bit", "hll", "string", "operate-expression",
        "expressions", "path",
    ],
)  # fmt: skip
def test_changed_requests_do_no_harm(group: str) -> None:
    chance = random.Random(group)
    store = Store()
    namespace = store.add("test", NamespaceConfig())
    requests = [
        wire_bytes(wire)[HEADER:] for case in cases(f"{group}.jsonl") for wire in as_list(case["request"])
    ]
    for _ in range(MUTATIONS):
        body = bytearray(chance.choice(requests))
        for _ in range(chance.randrange(1, 4)):
            body[chance.randrange(min(FIELDS, len(body) - 1), len(body))] = chance.choice(TELLING)
        try:
            message = parse_message(bytes(body))
            record = Record(message.fields.get(FieldType.SET, b""))
            record.bins = dict(BINS)
            namespace.put(message.fields[FieldType.DIGEST], record)
            execute(store, message)
        except (RequestError, KeyError):
            pass  # a KeyError is ours: the digest is gone


def test_changed_messages_of_transactions_do_no_harm() -> None:
    """A strong-consistent namespace gets them in the order of the recording, half of them changed."""
    chance = random.Random("txn")
    now = 1_800_000_000.0
    store = Store(lambda: now)
    namespace = store.add("test", NamespaceConfig(strong_consistency=True))
    requests = [wire_bytes(wire)[HEADER:] for case in cases("txn.jsonl") for wire in as_list(case["request"])]
    singles = [body for body in requests if not body[1] & Info1.BATCH]
    codes = Counter[int]()
    for number in range(2 * MUTATIONS):
        body = bytearray(singles[number % len(singles)])
        if chance.random() < 0.5:
            body[chance.randrange(1, len(body))] = chance.choice(TELLING)
        try:
            message = parse_message(bytes(body))
            codes[execute(store, message)[CODE_AT]] += 1
        except (RequestError, KeyError) as error:
            codes[getattr(error, "code", -1)] += 1
        if number % 50 == 49:
            now += 5
            end_expired(namespace, lambda digest: True, lambda digest, forward: None)
    assert codes.keys() >= {0, 2, 4, 120, 122, 127}
    now += 1000
    end_expired(namespace, lambda digest: True, lambda digest, forward: None)
    assert not namespace.transactions.provisionals
    assert not namespace.transactions.monitors
