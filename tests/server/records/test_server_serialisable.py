"""Random programs of several clients with transactions: what they see is what one after the other would see.

The requests are run without a network. Each client keeps, as clients do, which versions it has read and which
records it has written; the model is a plain dictionary, to which a transaction is applied when it is marked.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st
from server_wire import digest_of, get, integer, message, op, parse, put
from server_wire import field as wire_field

from pyspike.server import NamespaceConfig
from pyspike.server.protocol.framing import parse_message, reply
from pyspike.server.protocol.result import RequestError
from pyspike.server.records.ending import end_expired
from pyspike.server.records.running import execute
from pyspike.server.storage.store import Store

KEYS, CLIENTS = range(2), range(2)
TIMEOUT = 10
OK, NOT_FOUND, BLOCKED, MISMATCH, EXPIRED, COMMITTED = 0, 2, 120, 121, 122, 124
VERSION, MRT_ID = 3, 5
WRITE, DELETE, DURABLE = 0x01, 0x02, 0x10
MONITORS = "<ERO~MRT"


@dataclass
class Client:
    """A client and its transaction."""

    id: int
    reads: dict[int, bytes] = field(default_factory=dict)
    writes: set[int] = field(default_factory=set)
    seen: dict[int, int | None] = field(default_factory=dict)
    """What it has read of records that it had not written."""
    made: dict[int, int | None] = field(default_factory=dict)
    """What it has written; None is a record that it has deleted."""
    is_begun: bool = False
    is_marked: bool = False
    is_doomed: bool = False


class World:
    """A strong-consistent namespace, what it should hold, and its clients."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0
        self.store = Store(lambda: self.now)
        self.namespace = self.store.add("test", NamespaceConfig(strong_consistency=True))
        self.model: dict[int, int] = {}
        self.ids = 0
        self.values = 0
        self.clients = [self.new() for _ in CLIENTS]

    def new(self) -> Client:
        self.ids += 1
        return Client(self.ids)

    def ask(self, body: bytes) -> tuple[int, dict[int, bytes], int | None]:
        """The code, the fields and the value of an answer."""
        try:
            answer = parse(execute(self.store, parse_message(body)))
        except RequestError as error:
            answer = parse(reply(error.code))
        value = int.from_bytes(answer.bins["a"][1], "big") if "a" in answer.bins else None
        return answer.code, answer.fields, value

    # --- what a client does ---

    def parts(self, client: Client, key: int) -> tuple[bytes, ...]:
        id_ = wire_field(MRT_ID, struct.pack("<Q", client.id))
        version = client.reads.get(key)
        return (id_,) if version is None else (id_, wire_field(VERSION, version))

    def monitor(self, client: Client, *ops: bytes, info2: int = WRITE) -> int:
        digest = digest_of(("monitor", client.id))
        return self.ask(message("", *ops, info2=info2, set_name=MONITORS, digest=digest, ttl=TIMEOUT))[0]

    def read(self, client: Client, key: int) -> None:
        code, fields, value = self.ask(get(key, more=self.parts(client, key)))
        if code == MISMATCH:
            assert key in client.reads
            client.is_doomed = True
            return
        assert code in (OK, NOT_FOUND)
        if VERSION in fields:
            client.reads[key] = fields[VERSION]
            client.seen.setdefault(key, value)
        elif key in client.made:
            assert value == client.made[key]  # its own

    def write(self, client: Client, key: int, *, deletes: bool) -> None:
        if key not in client.writes:
            call = b"\x94\x02\x91\xb5\x04" + digest_of(key) + b"\x01\x0d"
            begins = [] if client.is_begun else [op(2, "id", 1, struct.pack(">Q", client.id))]
            code = self.monitor(client, *begins, op(4, "keyds", 4, call))
            if code:
                assert code == EXPIRED
                client.is_doomed = True
                return
            client.is_begun = True
        self.values += 1
        if deletes:
            body = message(key, info2=WRITE | DELETE | DURABLE, more=self.parts(client, key))
        else:
            body = put(key, {"a": integer(self.values)}, more=self.parts(client, key))
        code, fields, _ = self.ask(body)
        if code in (MISMATCH, EXPIRED):
            client.is_doomed = True
        elif VERSION in fields:
            assert (deletes, code) == (True, NOT_FOUND)
            client.reads[key] = fields[VERSION]
            client.seen.setdefault(key, None)
        elif code == OK:
            client.reads.pop(key, None)
            client.writes.add(key)
            client.made[key] = None if deletes else self.values
        else:
            assert code in (BLOCKED, NOT_FOUND)

    def commit(self, client: Client) -> bool:
        """Verify and mark; tell whether the transaction is committed."""
        for key, version in client.reads.items():
            more = (wire_field(VERSION, version),)
            if self.ask(message(key, info1=0x21, info3=0x40, info4=1, more=more))[0]:
                return False
        if client.is_doomed:
            return False
        if client.is_begun:
            code = self.monitor(client, op(2, "fwd", 17, b"\x01"))
            if code:
                assert code == EXPIRED
                return False
        client.is_marked = True
        self.apply(client)
        return True

    def apply(self, client: Client) -> None:
        """Do in the model what a transaction has done, if nobody had written in between."""
        for key, value in client.seen.items():
            assert self.model.get(key) == value, f"{key} was {value} for the transaction"
        for key, value in client.made.items():
            if value is None:
                self.model.pop(key, None)
            else:
                self.model[key] = value

    def roll(self, client: Client) -> None:
        for key in client.writes:
            id_ = wire_field(MRT_ID, struct.pack("<Q", client.id))
            info4 = 2 if client.is_marked else 4
            assert self.ask(message(key, info2=WRITE | DURABLE, info4=info4, more=(id_,)))[0] == OK
        if client.is_begun:
            assert self.monitor(client, info2=WRITE | DELETE | DURABLE) in (OK, NOT_FOUND)

    def plain_write(self, key: int) -> None:
        self.values += 1
        code, _, _ = self.ask(put(key, {"a": integer(self.values)}))
        assert code in (OK, BLOCKED)
        if code == OK:
            self.model[key] = self.values

    def pass_time(self, seconds: int) -> None:
        self.now += seconds
        end_expired(self.namespace, lambda digest: True, lambda digest, forward: None)


clients, keys = st.sampled_from(CLIENTS), st.sampled_from(KEYS)
STEPS = st.one_of(
    st.tuples(st.just("read"), clients, keys),
    st.tuples(st.just("write"), clients, keys),
    st.tuples(st.just("delete"), clients, keys),
    st.tuples(st.just("read"), clients, keys),
    st.tuples(st.just("write"), clients, keys),
    st.tuples(st.just("commit and vanish"), clients, st.just(0)),
    st.tuples(st.sampled_from(["commit", "abort", "vanish"]), clients, st.just(0)),
    st.one_of(
        st.tuples(st.just("plain write"), st.just(0), keys),
        st.tuples(st.just("time"), st.just(0), st.integers(1, 6)),
    ),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(STEPS, min_size=20, max_size=60))
def test_transactions_see_what_they_would_one_after_the_other(
    steps: list[tuple[str, int, int]],
) -> None:
    world = World()
    for what, number, key in steps:
        client = world.clients[number]
        if what == "read":
            world.read(client, key)
        elif what in ("write", "delete"):
            world.write(client, key, deletes=what == "delete")
        elif what == "plain write":
            world.plain_write(key)
        elif what == "time":
            world.pass_time(key)
        else:
            if what.startswith("commit"):
                world.commit(client)
            if not what.endswith("vanish"):
                world.roll(client)
            world.clients[number] = world.new()
    world.pass_time(2 * TIMEOUT)
    assert not world.namespace.transactions.provisionals
    assert not world.namespace.transactions.monitors
    left = {key: world.ask(get(key)) for key in KEYS}
    assert {key: value for key, (_, _, value) in left.items() if value is not None} == world.model
    for key in KEYS:
        assert world.ask(put(key, {"a": integer(0)}))[0] == OK  # nothing is locked
