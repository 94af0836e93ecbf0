"""What bytes choose, where they are no input themselves but make one."""

from __future__ import annotations

from typing import TypeVar

T = TypeVar("T")


class Choices:
    """What the input's bytes choose; behind their end always the first.

    Args:
        data: the bytes.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def number(self, end: int) -> int:
        """A number from 0 on, below `end`."""
        byte = self._data[self._at] if self._at < len(self._data) else 0
        self._at += 1
        return byte % end

    def one_of(self, values: tuple[T, ...]) -> T:
        return values[self.number(len(values))]

    def seldom(self) -> bool:
        """Whether something is wrong here."""
        return self.number(256) > 250

    def bytes(self, count: int) -> bytes:
        found = self._data[self._at : self._at + count]
        self._at += count
        return found.ljust(count, b"\x01")
