"""The embedded server as an Enterprise Edition: it reads compressed requests and compresses answers."""

from __future__ import annotations

import socket
import zlib
from typing import Any

import pytest
from server_wire import frame, message, op, parse

from pyspike.server import EmbeddedCluster, Security
from support.all_of import all_of

ASKS, READ, ALL_BINS = 0x80, 0x01, 0x02
PARAMETER, ENTERPRISE_ONLY = 4, 25
LARGE = b"x" * 1000


def packed(plain: bytes, size: int | None = None, behind: bytes = b"") -> bytes:
    body = (len(plain) if size is None else size).to_bytes(8, "big") + zlib.compress(plain) + behind
    return frame(body, 4)


def put(value: bytes) -> bytes:
    return frame(message(1, op(2, "a", 4, value), info2=1))


def get(*, asks: bool = False) -> bytes:
    return frame(message(1, info1=READ | ALL_BINS | (ASKS if asks else 0)))


class Raw:
    """A connection to a server of one node."""

    def __init__(self, cluster: EmbeddedCluster) -> None:
        self.socket = socket.create_connection((cluster.nodes[0].host, cluster.nodes[0].port), 10)
        self.stream = self.socket.makefile("rb")

    def __enter__(self) -> Raw:
        return self

    def __exit__(self, *_: object) -> None:
        self.stream.close()
        self.socket.close()

    def ask(self, request: bytes) -> bytes:
        self.socket.sendall(request)
        head = self.stream.read(8)
        return head + self.stream.read(int.from_bytes(head[2:], "big"))


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({}, ENTERPRISE_ONLY),
        ({"security": Security(enabled=False)}, 0),
        ({"strong_consistency": True}, 0),
        ({"strong_consistency": True, "compression": False}, ENTERPRISE_ONLY),
    ],
)
def test_what_only_the_enterprise_edition_has_brings_compression(settings: dict[str, Any], code: int) -> None:
    with EmbeddedCluster(**settings) as cluster, Raw(cluster) as raw:
        assert parse(raw.ask(packed(put(LARGE)))).code == code


def test_an_enterprise_server_reads_and_writes_compressed_frames() -> None:
    with EmbeddedCluster(compression=True) as cluster, Raw(cluster) as raw:
        assert parse(raw.ask(packed(put(LARGE)))).code == 0
        plain = raw.ask(get())
        assert plain[1] == 3, "it was not asked"
        answer = raw.ask(get(asks=True))
        assert answer[1] == 4
        assert len(answer) < len(plain)
        assert zlib.decompress(answer[16:]) == plain
        assert int.from_bytes(answer[8:16], "big") == len(plain)
        raw.ask(put(b"x" * 20))
        assert raw.ask(get(asks=True))[1] == 3, "it is too small"

        @all_of(
            "request",
            [
                packed(put(LARGE) * 2),
                packed(put(LARGE), behind=b"x"),
                packed(put(LARGE), size=1000),
                packed(put(LARGE), size=1 << 40),
                packed(packed(put(LARGE))),
                packed(frame(b"build\n", 1)),
                frame(b"\0" * 7, 4),
                frame(b"\0" * 30, 4),
            ],
        )
        def refused(request: bytes) -> None:
            assert parse(raw.ask(request)).code == PARAMETER

        refused()
        assert parse(raw.ask(packed(get()))).code == 0, "the connection stays"


def test_a_community_server_refuses_the_one_and_overlooks_the_other() -> None:
    with EmbeddedCluster() as cluster, Raw(cluster) as raw:
        assert parse(raw.ask(packed(put(LARGE)))).code == ENTERPRISE_ONLY
        raw.ask(put(LARGE))
        assert raw.ask(get(asks=True)) == raw.ask(get())
