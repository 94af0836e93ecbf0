"""Whatever a node answers to a query, it ends with an error that says so, or goes on."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from hostile_scenarios import FRONT, HostileServer, front, header

from pyspike import Client, ClientPolicy, QueryPolicy, Statement, errors
from pyspike.server import EmbeddedCluster
from support.cluster_tools import pools
from support.queries import denial_body, digest_in, last_body, record_body

pytestmark = [
    pytest.mark.both_kinds,
    pytest.mark.embedded_only,
    pytest.mark.skipif(
        sys.platform != "linux", reason=f"{FRONT} is an address of this machine on Linux only"
    ),
]

COUNT = 40
ALL = Statement("test", "s")
ONCE = QueryPolicy(max_retries=0, total_timeout=20_000)
ONE, TWO = record_body(digest_in(1, 1)), record_body(digest_in(2, 1))


def framed(*bodies: bytes) -> bytes:
    return b"".join(header(len(body)) + body for body in bodies)


# What a node answers, how many records of it are given, and what is told of the rest.
LIES: dict[str, tuple[list[bytes], int, str]] = {
    "an empty frame": ([framed(b"")], 0, "a frame without a message"),
    "a frame of another type": ([header(3, 1) + b"abc"], 0, "not an answer"),
    "a frame larger than any": ([header((1 << 47) - 1) + ONE], 0, "not an answer"),
    "no last message": ([framed(ONE), b""], 1, "closed the connection"),
    "half a frame": ([framed(ONE), framed(ONE + TWO)[:-9], b""], 1, "closed the connection"),
    "half a record": ([framed(ONE + TWO[:-9])], 1, "promised where"),
    "a record of the digest of another size": (
        [framed(ONE + record_body(b"x" * 19))],
        1,
        "a digest of 19 bytes",
    ),
    "bytes behind the last message": ([framed(ONE + last_body() + b"x")], 1, "bytes behind"),
    "a frame behind the last message": ([framed(ONE + last_body(), TWO)], 1, "bytes behind|nobody asked"),
    "a message of no kind": ([framed(ONE + record_body(digest_in(2, 1), info3=0x40))], 1, "of no kind"),
    "a partition that there is not": ([framed(ONE + denial_body(70_000))], 1, "which was not asked for"),
    "a code of no meaning": ([framed(ONE + last_body(199))], 1, "199"),
}


@pytest.fixture(scope="module")
def _server() -> Iterator[HostileServer]:
    yield from front()


@pytest.fixture
def server(_server: HostileServer) -> Iterator[HostileServer]:
    yield _server
    _server.behave()


def test_a_lie_ends_a_query_and_what_came_before_it_was_given(server: HostileServer) -> None:
    with Client(server.address, ClientPolicy(tend_interval=60_000)) as client:
        for name, (pieces, count, told) in LIES.items():
            server.answer(lambda pieces=pieces: iter(pieces))
            query = client.query(ALL, policy=ONCE)
            given = []
            with pytest.raises(errors.AerospikeError, match=told) as caught:
                given.extend(query)
            assert [record.key.digest for record in given] == [digest_in(1, 1)] * count, name
            assert caught.value.node == "A1"
            assert not query.cursor.done
            assert pools(client, "in_flight") == 0


def test_what_is_no_answer_is_asked_for_again_and_every_record_is_given_once() -> None:
    with EmbeddedCluster() as cluster, Client(cluster.hosts, ClientPolicy(tend_interval=60_000)) as client:
        for number in range(COUNT):
            client.put(("test", "s", number), {"n": number})
        cluster.nodes[0].frame_queries(300)
        policy = QueryPolicy(max_retries=3, total_timeout=60_000)
        for name, (pieces, _, _) in LIES.items():
            if b"" in pieces or ONE in b"".join(pieces) or name.startswith("a code"):
                continue  # a record that the node has made up would be given
            cluster.nodes[0].garbage(pieces[0], after_frames=2)
            query = client.query(ALL, policy=policy)
            assert sorted(record["n"] for record in query) == list(range(COUNT)), name
            assert query.cursor.done
