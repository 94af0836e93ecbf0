"""Ways to wait for a container."""

from __future__ import annotations

__all__ = ["LogMessageWaitStrategy"]


class LogMessageWaitStrategy:
    """Waits for a line of the log; a container of ours waits by itself."""

    def __init__(self, message: str) -> None:
        self.message = message
