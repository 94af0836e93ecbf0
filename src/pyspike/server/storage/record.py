"""One stored record, and the bytes that it takes.

Owns: what is kept of a record. Not here: where it is kept (store.py).
"""

from __future__ import annotations

from ..protocol.constants import ParticleType

__all__ = ["Record", "stored_size"]

_RECORD_OVERHEAD = 40
_BIN_LENGTH = 4
_BLOCK = 16


class Record:
    """One stored record.

    `bins` has (particle type, stored value) by name, in the order in which the bins were created.
    """

    __slots__ = ("all_ops", "bins", "generation", "key", "last_update", "set_name", "version", "void_time")

    def __init__(self, set_name: bytes) -> None:
        self.set_name = set_name
        self.bins: dict[bytes, tuple[int, bytes]] = {}
        self.generation = 0
        self.void_time = 0
        self.key: bytes | None = None
        self.last_update = 0.0
        """Unix time in seconds."""
        self.all_ops: bytes | None = None
        """The ops of a reply with all bins, once one was asked for."""
        self.version = 0
        """What tells, in a strong-consistent namespace, that it was written since; 0 elsewhere."""


def stored_size(record: Record) -> int:
    """How many bytes a record takes in the server's flat form.

    These are a header, set, key, and each bin, rounded up to whole blocks.
    """
    size = _RECORD_OVERHEAD
    if record.set_name:
        size += 1 + len(record.set_name)
    if record.key:
        size += 1 + len(record.key)
    for name, (particle, value) in record.bins.items():
        size += 2 + len(name)
        if particle == ParticleType.INTEGER:
            size += _integer_size(value)
        elif particle in (ParticleType.FLOAT, ParticleType.BOOL):
            size += len(value)
        else:
            size += _BIN_LENGTH + len(value)
    return -(-size // _BLOCK) * _BLOCK


def _integer_size(value: bytes) -> int:
    """The size of an integer: a byte for its length, and 1, 2, 4 or 8 bytes that hold it without sign."""
    used = len(value.lstrip(b"\x00"))
    return 1 + (8 if used > 4 else 4 if used > 2 else max(used, 1))
