"""What the ops of one request read, change and answer.

Owns: the request's copy of the bins, and the ops of the reply so far. Not here: what ops do (operations.py,
ops/), and storing the changed bins (commands.py).
"""

from __future__ import annotations

from ..expressions.vocabulary import Scope
from ..protocol.constants import ParticleType
from ..protocol.framing import Op, encode_op
from ..storage.record import Record
from ..versions import ServerVersion

__all__ = ["Bins", "OpContext"]

Bins = dict[bytes, tuple[int, bytes]]


class OpContext:
    """What the ops of one request have in common.

    Attributes:
        bins: the bins as they are between two ops; a copy that ops may change, if the request writes.
        record: the record as it was before the request.
        digest: the record's digest.
        now: Unix time in seconds.
        version: the server that is played.
        respond_all: whether each op of the request has an op in the reply.
        writes: whether the request writes.
        results: the ops of the reply so far, encoded.

    """

    __slots__ = ("bins", "digest", "now", "record", "respond_all", "results", "version", "writes")

    def __init__(
        self,
        bins: Bins,
        record: Record,
        digest: bytes,
        now: float,
        *,
        version: ServerVersion,
        respond_all: bool,
        writes: bool,
    ) -> None:
        self.bins = bins
        self.record = record
        self.digest = digest
        self.now = now
        self.version = version
        self.respond_all = respond_all
        self.writes = writes
        self.results: list[bytes] = []

    def scope(self) -> Scope:
        """What an expression reads at this point of the request."""
        return Scope(self.bins, self.record, self.digest, self.now)

    def answer(self, op: Op, particle: int, value: bytes) -> None:
        """Answer an op with a value."""
        self.results.append(encode_op(op.code, particle, op.name, value))

    def answer_nothing(self, op: Op) -> None:
        """Answer an op with null if each op has an op in the reply; else do not answer it."""
        if self.respond_all:
            self.results.append(encode_op(op.code, ParticleType.NULL, op.name, b""))

    def answer_value(self, op: Op, particle: int, value: bytes) -> None:
        """Answer a read op with a value; with null only if `respond_all` or `writes`."""
        if particle or self.respond_all or self.writes:
            self.answer(op, particle, value)
