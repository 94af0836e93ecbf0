"""Whole batches that are fed: by a thread, to two nodes whose every connection says the same and closes."""

from __future__ import annotations

import contextlib
import random
import socket

from pyspike import _wire, errors
from pyspike import operations as op
from pyspike.batch import BatchDelete, BatchRead, BatchWrite
from pyspike.columnar.schema import schema_of
from pyspike.plans.batch import BatchPlan
from pyspike.policy import BatchPolicy, ReadPolicy, WritePolicy
from support.batch_nodes import LAST, BatchNodes
from support.messages import Message

RULES = _wire.row_rules(BatchPolicy().settings, ReadPolicy().settings, WritePolicy().settings)

LAST_MESSAGE = Message(info3=LAST).body
KEYS = 5


def framed(data: bytes) -> bytes:
    return (2 << 56 | 3 << 48 | len(data)).to_bytes(8, "big") + data


class Batching:
    """Runs a batch, of which each row must have one outcome, whatever is said."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        keys = [("test", "s", number) for number in range(KEYS)]
        steps = [op.add("a", 1), op.get("a")]
        self.rows: list[_wire.BatchRow] = [
            row for key in keys for row in (BatchRead(key), BatchWrite(key, steps), BatchDelete(key))
        ]
        self.nodes = BatchNodes(2)
        self.nodes.opener = self.open
        self.said = b""

    def open(self, name: str) -> _wire.Connection:
        """A connection by which all is said already, or all but the end."""
        ours, theirs = socket.socketpair()
        self.nodes.servers[name].append(ours)  # it listens, so that requests can be sent
        ours.sendall(self.said[: self.rng.choice((None, self.rng.randrange(len(self.said))))])
        ours.shutdown(socket.SHUT_WR)
        return _wire.Connection(theirs.detach())

    def __call__(self, data: bytes) -> None:
        """Run a batch, and see to it that it lost nothing and left nothing."""
        last = self.rng.choice((b"", framed(LAST_MESSAGE)))
        self.said = framed(data) + last + self.rng.choice((b"", data))
        self.run()
        for name in self.nodes.servers:
            stats = self.nodes.stats(name)
            assert stats["in_flight"] == stats["waiting"] == 0
            while self.nodes.servers[name]:
                self.nodes.servers[name].pop().close()

    def run(self) -> None:
        """Run a batch, of which each row must have one outcome."""
        results = self.nodes.run(self.rows, BatchPolicy())
        assert len(results) == len(self.rows)
        for row, came in zip(self.rows, results, strict=True):
            assert came.key is row.key
            assert came.ok or isinstance(came.error, errors.AerospikeError)
            assert came.record is None or (came.ok and came.record.key is row.key)

    def close(self) -> None:
        """Let go of the nodes."""
        self.nodes.close()


class BatchingColumns(Batching):
    """The same, with rows that read and become columns, of guessed or of declared types."""

    def run(self) -> None:
        """Make columns of a batch: a row for each key, or fewer and an error."""
        keys = [row.key for row in self.rows]
        schema = self.rng.choice((None, schema_of({"a": int, "b": str, "_key": int})))
        columns = _wire.Columns(
            schema, None, {"key": "_key", "result_code": "_code"}, batch_rows=self.rng.choice((2, 1000)),
            batch_bytes=1 << 20, on_mismatch=self.rng.choice(("error", "null")), extra="rest",
        )  # fmt: skip
        stream = _wire.batch_columns(
            self.nodes.routing, lambda batch: BatchPlan(self.nodes, batch), keys, None,
            RULES, None, None, columns, _wire.ColumnStream,
        )  # fmt: skip
        rows = 0
        with contextlib.suppress(errors.AerospikeError):
            while (batch := stream.next_batch(_wire.ColumnBatch)) is not None:
                rows += batch.num_rows
                batch.__arrow_c_array__()
        assert rows == len(keys) or (rows < len(keys) and stream.error is not None)
