"""Faults of one node: what is wrong with it right now, as its connections ask for it.

Owns: the state and the counting down. Not here: how a connection then behaves (connection.py), and faults of
membership or addresses (node.py, membership.py).
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field

__all__ = ["Faults"]

_GARBAGE_SIZE = 64


@dataclass(slots=True)
class Faults:
    """The faults that are set on a node. All counts are of data requests still to be hit."""

    frozen: bool = False
    muted: bool = False
    delay: float = 0.0
    hold_seconds: float = 0.0
    hold_replica: str | None = None
    drip_bytes: int = 0
    drip_interval: float = 0.0
    cut_times: int = 0
    cut_after: int | None = None
    close_times: int = 0
    drop_times: int = 0
    garbage_times: int = 0
    garbage_data: bytes | None = None
    code_times: int = 0
    code: int = 0
    code_executes: bool = False
    armed: bool = field(default=False, init=False)
    """Whether any data request may be hit: looked at on the quick path."""
    silent: bool = field(default=False, init=False)
    """Whether nothing is read and answered: looked at on the quick path."""

    @property
    def slow(self) -> bool:
        """Whether answers leave late or in pieces."""
        return self.delay > 0 or self.drip_bytes > 0

    @property
    def left(self) -> int:
        """How many data requests are still to be hit."""
        return self.cut_times + self.close_times + self.drop_times + self.garbage_times + self.code_times

    def arm(self) -> None:
        """Work out `armed` after something has changed."""
        self.armed = self.left > 0 or self.hold_seconds > 0

    def take(self, counter: str) -> bool:
        """Count one hit of the fault named `counter`; False if it is not set."""
        left: int = getattr(self, counter)
        if not left:
            return False
        setattr(self, counter, left - 1)
        self.arm()
        return True

    def garbage(self) -> bytes:
        """The bytes that go out in place of an answer."""
        return os.urandom(_GARBAGE_SIZE) if self.garbage_data is None else self.garbage_data
