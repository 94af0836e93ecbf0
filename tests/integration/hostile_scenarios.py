"""A server that lies, and what test_hostile_server has done in a process of its own.

The server stands in front of an embedded node. Info requests go through, so that clients tend as ever; data
requests go through too, until it is told how to answer them.
"""

from __future__ import annotations

import itertools
import socket
import struct
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from pyspike import AerospikeError, ClientPolicy, Key, ReadPolicy, errors
from pyspike.server import EmbeddedCluster
from support.clients import Client
from support.cluster_tools import in_thread
from support.compressed import packed
from support.facade import end_background_loop
from support.processes import main

FRONT = "127.0.0.2"  # where the hostile server is; the node itself is at 127.0.0.1, with the same port
INFO, DATA = 1, 3
KEY = Key("test", "hostile", 1)
BINS = {"a": 1, "s": "its own"}
DEADLINE = 300.0  # ms, of what ends by it; the others take no longer, but for the machine's lag
PATIENCE = 5000.0  # ms, of what ends by the answer, which a machine that stands still must not make a timeout
ONCE = ReadPolicy(max_retries=0, total_timeout=PATIENCE)
MEMORY = 200 << 20  # bytes that no answer may take
CONNECTIONS = 4
PAUSE = 0.003  # seconds between the bytes of an answer that never ends

Pieces = Iterable[bytes]


def header(size: int, kind: int = DATA, version: int = 2) -> bytes:
    return struct.pack(">Q", version << 56 | kind << 48 | size)


def message(fields: int = 0, ops: int = 0, rest: bytes = b"", *, head: int = 22) -> bytes:
    body = struct.pack(">BBBBBBIIIHH", head, 0, 0, 0, 0, 0, 1, 0, 0, fields, ops) + rest
    return header(len(body)) + body


def op(particle: int, value: bytes, *, size: int | None = None, name: int = 1) -> bytes:
    return (
        struct.pack(">IBBBB", 5 + len(value) if size is None else size, 1, particle, 0, name) + b"a" + value
    )


class HostileServer:
    """Passes on what clients and the node say to each other, but for the answers it makes itself."""

    def __init__(self, node: EmbeddedCluster) -> None:
        self.address = f"{FRONT}:{node.nodes[0].port}"
        self._node = ("127.0.0.1", node.nodes[0].port)
        self._answers: dict[int, Callable[[], Pieces]] = {}
        self._once: list[Callable[[], Pieces]] = []
        self._claims: dict[str, str] = {}
        self._ended = threading.Event()
        self._sockets: set[socket.socket] = set()
        self._listener = socket.create_server((FRONT, self._node[1]))
        threading.Thread(target=self._accept, daemon=True).start()

    def answer(self, pieces: Callable[[], Pieces], kind: int = DATA) -> None:
        """From now on answer requests of this kind like this: pieces with a pause between, b"" to close."""
        self._answers[kind] = pieces

    def answer_one(self, pieces: Callable[[], Pieces]) -> None:
        """Answer the next data request like this, whatever connection it comes from, and all others well."""
        self._once.append(pieces)

    def claim(self, **values: str) -> None:
        """From now on answer these info commands (with _ for -) like this, and pass on the rest."""
        self._claims = {name.replace("_", "-"): value for name, value in values.items()}

    def behave(self) -> None:
        """Pass everything on again, on new connections too."""
        self._claims.clear()
        self._answers.clear()
        self._once.clear()

    def close(self) -> None:
        self._ended.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for each in list(self._sockets):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> HostileServer:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError), client, socket.create_connection(self._node) as node:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._sockets |= {client, node}
            try:
                while request := self._receive(client):
                    pieces = self._answers.get(request[1])
                    if self._once and request[1] == DATA:
                        pieces = self._once.pop()
                    if pieces is None:
                        node.sendall(request)
                        client.sendall(self._claimed(self._receive(node)))
                    elif not self._send(client, pieces()):
                        return
            finally:
                self._sockets -= {client, node}

    def _claimed(self, answer: bytes) -> bytes:
        if answer[1:2] != bytes([INFO]) or not self._claims:
            return answer
        told = [line.split("\t", 1) for line in answer[8:].decode().splitlines()]
        body = "".join(f"{name}\t{self._claims.get(name, *value)}\n" for name, *value in told).encode()
        return header(len(body), INFO) + body

    @staticmethod
    def _receive(sock: socket.socket) -> bytes:
        """A whole message, or nothing."""
        data = b""
        wanted = 8
        while len(data) < wanted:
            if not (more := sock.recv(wanted - len(data))):
                return b""
            data += more
            if len(data) == 8:
                wanted += int.from_bytes(data[2:], "big")
        return data

    def _send(self, client: socket.socket, pieces: Pieces) -> bool:
        """Send the pieces; whether the connection stays open."""
        for number, piece in enumerate(pieces):
            if not piece or (number and self._ended.wait(PAUSE)):
                return False
            client.sendall(piece)
        return True


@dataclass
class Lie:
    """An answer, the error it must give and what that error must tell."""

    pieces: Callable[[], Pieces]
    error: type[AerospikeError]
    tells: str

    @property
    def deadline(self) -> float:
        """Milliseconds for a command that is answered like this."""
        return DEADLINE if self.error is errors.TimeoutError else PATIENCE


def at_once(data: bytes, tells: str) -> Lie:
    return Lie(lambda: [data], errors.ProtocolError, tells)


def unreadable(ops: bytes, *, count: int = 1) -> Lie:
    return at_once(message(ops=count, rest=ops), "can't be read")


def unfinished(*first: bytes, then: bytes = b"x") -> Lie:
    return Lie(lambda: itertools.chain(first, itertools.repeat(then)), errors.TimeoutError, "timed out")


def gone(*first: bytes) -> Lie:
    return Lie(lambda: [*first, b""], errors.ConnectionError, "closed the connection")


LIMIT = 128 << 20
HEAD = message()[8:]

LIES: dict[str, Lie] = {
    "2**48 - 1 bytes to come": at_once(header(2**48 - 1) + HEAD, "begins with 0203ffffffffffff"),
    "just over the limit": at_once(header(LIMIT + 1) + HEAD, "begins with 0203000008000001"),
    "no body": at_once(header(0), "can't be read"),
    "a body of half a head": at_once(header(11) + HEAD[:11], "can't be read"),
    "an info message": at_once(header(22, kind=INFO) + HEAD, "begins with 0201"),
    "compressed: no size": at_once(header(7, kind=4) + bytes(7), "of 7 bytes"),
    "compressed: a size of 0": at_once(header(30, kind=4) + bytes(8) + HEAD, "of 0 bytes"),
    "compressed: a size over the limit": at_once(packed(message(), size=LIMIT + 9), "of 134217737 bytes"),
    "compressed: the greatest size": at_once(packed(message(), size=2**64 - 1), "of 18446744073709551615"),
    "compressed: a size too large": at_once(packed(message(), size=LIMIT), "not of 134217728 bytes"),
    "compressed: a size too small": at_once(packed(message(), size=29), "not of 29 bytes"),
    "compressed: a bomb": at_once(packed(bytes(2_000_000), size=30), "not of 30 bytes"),
    "compressed: no stream": at_once(packed(message(), stream=b""), "not of 30 bytes"),
    "compressed: half a stream": at_once(packed(message(), stream=zlib.compress(message())[:-1]), "not of"),
    "compressed: not by zlib": at_once(packed(message(), stream=message()), "can't be read"),
    "compressed: a wrong sum": at_once(
        packed(message(), stream=zlib.compress(message())[:-1] + b"x"), "can't be read"
    ),
    "compressed: more behind": at_once(
        packed(message(), stream=zlib.compress(message()) + b"x"), "1 bytes behind it"
    ),
    "compressed: two messages": at_once(packed(message() * 2), "not one whole message"),
    "compressed: half a message": at_once(packed(message()[:-1]), "not one whole message"),
    "compressed: a compressed one": at_once(packed(packed(message())), "begins with 0204"),
    "compressed: an info message": at_once(packed(header(22, kind=INFO) + HEAD), "begins with 0201"),
    "compressed: what can't be read": at_once(packed(message(head=21)), "can't be read"),
    "a type there is not": at_once(header(22, kind=255) + HEAD, "begins with 02ff"),
    "version 1": at_once(header(22, version=1) + HEAD, "begins with 0103"),
    "garbage before the header": at_once(b"garbage!" + message(), "begins with 6761"),
    "a byte before the header": at_once(b"\0" + message(), "begins with 0002"),
    "zeros": at_once(bytes(64), "begins with 0000"),
    "text": at_once(b"HTTP/1.1 400 Bad Request\r\n\r\n", "begins with 4854"),
    "a head of 21 bytes": at_once(message(head=21), "can't be read"),
    "65,535 fields": at_once(message(fields=65535), "can't be read"),
    "65,535 operations": unreadable(b"", count=65535),
    "65,535 of each, one there": at_once(message(65535, 65535, op(1, bytes(8))), "can't be read"),
    "a field of 4 GB": at_once(message(fields=1, rest=b"\xff\xff\xff\xff\0x"), "can't be read"),
    "a field over the operation": at_once(message(1, 1, b"\0\0\0\x0e\0" + op(1, bytes(8))), "can't be read"),
    "an operation of size 0": unreadable(op(1, bytes(8), size=0)),
    "an operation of size -1": unreadable(op(1, bytes(8), size=2**32 - 1)),
    "an operation over the next": unreadable(op(1, bytes(8), size=14) + op(1, bytes(8)), count=2),
    "a name over its operation": unreadable(op(1, bytes(8), name=255)),
    "an integer of 9 bytes": unreadable(op(1, bytes(9))),
    "a float of 4 bytes": unreadable(op(2, bytes(4))),
    "a geo value without cells": unreadable(op(23, b"\0\xff\xff")),
    "lists without an end": unreadable(op(20, b"\x91" * 1_000_000)),
    "maps without an end": unreadable(op(19, b"\x81\x01" * 500_000)),
    "4 billion elements": unreadable(op(20, b"\xdd\xff\xff\xff\xff")),
    "4 billion entries": unreadable(op(19, b"\xdf\xff\xff\xff\xff")),
    "lists that promise more than there is": unreadable(op(20, b"\xdd\x00\x0f\x00\x00" * 200_000)),
    "text of 4 GB": unreadable(op(20, b"\x91\xdb\xff\xff\xff\xff\x03x")),
    "a byte behind the operations": unreadable(op(1, bytes(8)) + b"x"),
    "a byte behind the answer": at_once(
        message() + b"x", "1 bytes? behind the answer|begins with|to no command"
    ),
    "two answers at once": at_once(message() + message(), "behind the answer|to no command"),
    "a header in bytes, but for the last": Lie(
        lambda: [bytes([byte]) for byte in header(22)[:7]],
        errors.TimeoutError,
        r"\(7 of unknown bytes\)|timed out",
    ),
    "an answer that never ends": unfinished(header(LIMIT)),
    "an answer that never ends, in large pieces": unfinished(header(LIMIT), then=bytes(4096)),
    "an answer that never begins": Lie(list, errors.TimeoutError, "timed out waiting"),
    "nothing but the end": gone(),
    "the end in the header": gone(header(22)[:5]),
    "the end in the body": gone(header(LIMIT) + HEAD),
}

INFO_LIES: dict[str, Callable[[], Pieces]] = {
    "2**48 - 1 bytes to come": lambda: [header(2**48 - 1, INFO)],
    "a data message": lambda: [message()],
    "garbage": lambda: [b"garbage!" * 100],
    "another's answer": lambda: [header(9, INFO) + b"nothing\t\n"],
    "no UTF-8": lambda: [header(12, INFO) + b"node\t\xff\xfe\xfd\xff\xfe\xfd\n"],
    "nothing but the end": lambda: [b""],
    "an answer that never ends": lambda: itertools.chain([header(LIMIT, INFO)], itertools.repeat(b"x")),
}


def ask(user: Client, lie: Lie) -> AerospikeError:
    """The error that this lie gives."""
    try:
        user.get(KEY, policy=ONCE, timeout=lie.deadline)
    except lie.error as error:
        return error
    raise AssertionError("no error")


def peak() -> int:
    """The most memory that this process ever had, in bytes; ru_maxrss would begin with that of our parent."""
    with open("/proc/self/status") as status:
        line = next(line for line in status if line.startswith("VmHWM:"))
    return int(line.split()[1]) << 10


def front() -> Iterator[HostileServer]:
    with EmbeddedCluster(process=True, advertise=FRONT) as node, HostileServer(node) as server:
        yield server


def no_answer_takes_much_memory(_: str) -> None:
    for server in front():
        with Client(server.address, ClientPolicy(tend_interval=60_000)) as user:
            user.put(KEY, BINS)
            before = peak()
            for name, lie in LIES.items():
                server.answer(lie.pieces)
                ask(user, lie)
                grown = peak() - before
                assert grown < MEMORY, f"{name}: {grown >> 20} MB"
            server.behave()
    end_background_loop()


def promises_take_no_memory(_: str) -> None:
    """Several connections get the header of the largest answer there can be, and a byte now and then."""
    lie = LIES["an answer that never ends"]
    for server in front():
        users = [Client(server.address, ClientPolicy(tend_interval=60_000)) for _ in range(CONNECTIONS)]
        users[0].put(KEY, BINS)
        before = peak()
        server.answer(lie.pieces)
        calls = [in_thread(lambda user=user: ask(user, lie)) for user in users]  # type: ignore[misc]
        for call in calls:
            call.result()
        grown = peak() - before
        for user in users:
            user.close()
        assert grown < MEMORY, f"{grown >> 20} MB"
    end_background_loop()


SCENARIOS = (no_answer_takes_much_memory, promises_take_no_memory)

if __name__ == "__main__":
    main(SCENARIOS)
