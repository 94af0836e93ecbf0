"""Transactions by hand: each of their messages, as raw bytes. No client code of any kind."""

from __future__ import annotations

import struct
from itertools import count
from typing import Any

from server_wire import Answer, Wire, digest_of, field, get, integer, message, op, put

VERSION, MRT_ID, DEADLINE = 3, 5, 6
VERIFY, ROLL_FORWARD, ROLL_BACK, ON_LOCKING_ONLY = 0x01, 0x02, 0x04, 0x10
WRITE, DELETE, DURABLE = 0x01, 0x02, 0x10
MONITORS = "<ERO~MRT"
NO_RECORD = bytes(7)
CODES = {
    "blocked": 120,
    "mismatch": 121,
    "expired": 122,
    "too many": 123,
    "committed": 124,
    "aborted": 125,
    "locked": 126,
    "monitor exists": 127,
}

_IDS = count(1)


class Transaction:
    """A transaction of a client that does nothing by itself."""

    def __init__(self, wire: Wire, namespace: str = "test", id_: int | None = None) -> None:
        self.wire = wire
        self.namespace = namespace
        self.id = next(_IDS) << 8 | 0x8000_0000_0000_0001 if id_ is None else id_
        self.field = field(MRT_ID, struct.pack("<Q", self.id))
        self.monitor = digest_of(("monitor", self.id))

    # --- the monitor ---

    def on_monitor(self, *ops: bytes, info2: int = WRITE, **header: Any) -> Answer:
        header = {"namespace": self.namespace, "set_name": MONITORS, "digest": self.monitor, **header}
        return self.wire.ask(message(self.id, *ops, info2=info2, **header))

    def add(self, *keys: object, creates: bool = False, ttl: int = 0) -> Answer:
        """Tell the monitor that these records are to be written."""
        named = [op(2, "id", 1, struct.pack(">Q", self.id))] if creates else []
        digests = b"".join(b"\xb5\x04" + digest_of(key) for key in keys)
        listed = b"\xdc" + struct.pack(">H", len(keys)) + digests
        call = b"\x94\x02" + listed + b"\x01\x0d"
        return self.on_monitor(*named, op(4, "keyds", 4, call), ttl=ttl)

    def create(self, *keys: object, ttl: int = 0) -> Answer:
        return self.add(*keys, creates=True, ttl=ttl)

    def mark(self) -> Answer:
        return self.on_monitor(op(2, "fwd", 17, b"\x01"))

    def close(self) -> Answer:
        return self.on_monitor(info2=WRITE | DELETE | DURABLE)

    # --- records ---

    def more(self, version: bytes | None) -> tuple[bytes, ...]:
        return (self.field,) if version is None else (self.field, field(VERSION, version))

    def get(self, key: object, version: bytes | None = None, **header: Any) -> Answer:
        return self.wire.ask(get(key, more=self.more(version), namespace=self.namespace, **header))

    def put(self, key: object, value: int, version: bytes | None = None, **header: Any) -> Answer:
        bins = {"a": integer(value)}
        return self.wire.ask(put(key, bins, more=self.more(version), namespace=self.namespace, **header))

    def delete(self, key: object, *, durable: bool = True) -> Answer:
        info2 = WRITE | DELETE | (DURABLE if durable else 0)
        return self.wire.ask(message(key, info2=info2, more=(self.field,), namespace=self.namespace))

    def verify(self, key: object, version: bytes) -> Answer:
        more = (field(VERSION, version),)
        return self.wire.ask(
            message(key, info1=0x21, info3=0x40, info4=VERIFY, more=more, namespace=self.namespace)
        )

    def roll(self, *keys: object, forward: bool) -> list[int]:
        info4 = ROLL_FORWARD if forward else ROLL_BACK
        asked = [
            message(key, info2=WRITE | DURABLE, info4=info4, more=(self.field,), namespace=self.namespace)
            for key in keys
        ]
        return [self.wire.ask(each).code for each in asked]

    # --- wholes ---

    def begin(self, *keys: object, ttl: int = 0) -> Transaction:
        """Create the monitor, of a transaction that writes these records."""
        assert self.create(*keys, ttl=ttl).code == 0
        return self

    def commit(self, *keys: object) -> list[int]:
        return [self.mark().code, *self.roll(*keys, forward=True), self.close().code]

    def abort(self, *keys: object) -> list[int]:
        return [*self.roll(*keys, forward=False), self.close().code]


def value(answer: Answer) -> int:
    """The integer in the bin "a" of an answer."""
    assert answer.code == 0, answer
    return int.from_bytes(answer.bins["a"][1], "big", signed=True)
