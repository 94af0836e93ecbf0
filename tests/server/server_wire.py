"""What the server's tests share: raw messages built by hand, recorded cases. No client code of any kind."""

from __future__ import annotations

import base64
import json
import re
import socket
import struct
import time
import zlib
from collections.abc import Callable, Iterator
from hashlib import sha1
from pathlib import Path
from typing import Any, NamedTuple

VECTORS = Path(__file__).parent.parent / "vectors"

INFO, DATA = 1, 3


class Answer(NamedTuple):
    """A single-record reply. Ops are (op code, particle type, bin name, value)."""

    code: int
    generation: int
    void_time: int
    ops: list[tuple[int, int, str, bytes]]
    fields: dict[int, bytes] = {}  # noqa: RUF012 - never changed

    @property
    def bins(self) -> dict[str, tuple[int, bytes]]:
        return {name: (particle, value) for _, particle, name, value in self.ops}


def frame(body: bytes, kind: int = DATA) -> bytes:
    return struct.pack(">BB", 2, kind) + len(body).to_bytes(6, "big") + body


def digest_of(key: object) -> bytes:
    """Twenty bytes for a key; the server does not know how a client hashes."""
    return sha1(repr(key).encode()).digest()


def field(kind: int, payload: bytes) -> bytes:
    return struct.pack(">IB", len(payload) + 1, kind) + payload


def op(code: int, name: str = "", particle: int = 0, value: bytes = b"") -> bytes:
    raw = name.encode()
    return struct.pack(">IBBBB", 4 + len(raw) + len(value), code, particle, 0, len(raw)) + raw + value


def integer(value: int) -> tuple[int, bytes]:
    return 1, struct.pack(">q", value)


def message(
    key: object,
    *ops: bytes,
    info1: int = 0,
    info2: int = 0,
    info3: int = 0,
    info4: int = 0,
    generation: int = 0,
    ttl: int = 0,
    namespace: str = "test",
    set_name: str = "s",
    digest: bytes | None = None,
    more: tuple[bytes, ...] = (),
) -> bytes:
    """The body of a keyed request."""
    fields = (
        field(0, namespace.encode()),
        field(1, set_name.encode()),
        field(4, digest or digest_of(key)),
        *more,
    )
    head = struct.pack(
        ">BBBBBBIIIHH",
        22,
        info1,
        info2,
        info3,
        info4,
        0,
        generation,
        ttl & 0xFFFFFFFF,
        1000,
        len(fields),
        len(ops),
    )
    return head + b"".join(fields) + b"".join(ops)


def put(key: object, bins: dict[str, tuple[int, bytes]], **header: Any) -> bytes:
    ops = [op(2, name, particle, value) for name, (particle, value) in bins.items()]
    return message(key, *ops, info2=1 | header.pop("info2", 0), **header)


def get(key: object, **header: Any) -> bytes:
    return message(key, info1=3, **header)


class Wire:
    """One raw connection."""

    def __init__(self, port: int, timeout: float = 5.0) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), timeout)

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()

    def send(self, body: bytes, kind: int = DATA) -> None:
        self.sock.sendall(frame(body, kind))

    def read(self, size: int) -> bytes:
        """Exactly `size` bytes; EOFError if the server closes first."""
        data = b""
        while len(data) < size:
            chunk = self.sock.recv(size - len(data))
            if not chunk:
                raise EOFError(f"closed after {len(data)} of {size} bytes")
            data += chunk
        return data

    def read_frame(self) -> bytes:
        head = self.read(8)
        return head + self.read(int.from_bytes(head[2:], "big"))

    def ask(self, body: bytes) -> Answer:
        self.send(body)
        return parse(self.read_frame())

    def info(self, *commands: str) -> dict[str, str]:
        self.send("".join(f"{command}\n" for command in commands).encode(), INFO)
        text = self.read_frame()[8:].decode()
        return dict(line.split("\t", 1) for line in text.splitlines())


def parse(data: bytes) -> Answer:
    code, generation, void_time, _, n_fields, n_ops = struct.unpack_from(">BIIIHH", data, 13)
    pos, fields, ops = 30, {}, []
    for _ in range(n_fields):
        size, kind = struct.unpack_from(">IB", data, pos)
        fields[kind] = data[pos + 5 : pos + 4 + size]
        pos += 4 + size
    for _ in range(n_ops):
        size, op_code, particle, _, length = struct.unpack_from(">IBBBB", data, pos)
        name = data[pos + 8 : pos + 8 + length].decode()
        ops.append((op_code, particle, name, data[pos + 8 + length : pos + 4 + size]))
        pos += 4 + size
    assert pos == len(data)
    return Answer(code, generation, void_time, ops, fields)


def eventually(done: Callable[[], bool], timeout: float = 5.0) -> None:
    """Wait for the thing itself."""
    end = time.monotonic() + timeout
    while not done():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.005)


def cases(name: str) -> Iterator[dict[str, Any]]:
    with (VECTORS / name).open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def wire_bytes(recorded: Any) -> bytes:
    if isinstance(recorded, str):
        return bytes.fromhex(recorded)
    return zlib.decompress(base64.b64decode(recorded["zlib"]))


def peers_of(port: int) -> set[str]:
    """The names of the peers that the node at a port tells."""
    with Wire(port) as wire:
        return set(re.findall(r"\[(\w+),,", wire.info("peers-clear-std")["peers-clear-std"]))
