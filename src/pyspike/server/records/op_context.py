"""What the ops of one request work on.

Owns: the working copy of a record's bins and the reply ops so far. Not here: what ops do (operations.py and
the families it names).
"""

from __future__ import annotations

from ..expressions.nodes import Scope
from ..protocol.constants import ParticleType
from ..protocol.framing import Op, encode_op
from ..storage.store import Record
from ..versions import ServerVersion

__all__ = ["Bins", "Working"]

Bins = dict[bytes, tuple[int, bytes]]


class Working:
    """What the ops of one request work on: a copy of the bins, and the ops of the reply so far."""

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
        """`bins`: may be changed, if the request writes. `record`: as it is before the request. `now`: Unix
        time in seconds. `version`: the server that is played. `respond_all`: one reply op for each op.
        `writes`: a write request.
        """
        self.bins = bins
        self.record = record
        self.digest = digest
        self.now = now
        self.version = version
        self.respond_all = respond_all
        self.writes = writes
        self.results: list[bytes] = []

    def scope(self) -> Scope:
        """What an expression looks at in the middle of the request."""
        return Scope(self.bins, self.record, self.digest, self.now)

    def answer(self, op: Op, particle: int, value: bytes) -> None:
        """Add a reply op to the request's op."""
        self.results.append(encode_op(op.code, particle, op.name, value))

    def answer_nothing(self, op: Op) -> None:
        """Add a null reply op, if every op is answered."""
        if self.respond_all:
            self.results.append(encode_op(op.code, ParticleType.NULL, op.name, b""))

    def answer_value(self, op: Op, particle: int, value: bytes) -> None:
        """Add a reply op to a read; a null only if every op is answered, or the request writes."""
        if particle or self.respond_all or self.writes:
            self.answer(op, particle, value)
