"""Where the file is from which a client takes values of policies while it runs."""

from __future__ import annotations

__all__ = ["ConfigProvider"]

DEFAULT_INTERVAL = 5000
MAX_UINT32 = 2**32 - 1


class ConfigProvider:
    """A YAML file with values of policies.

    Args:
        path: of the file.
        interval: how many milliseconds pass between two looks at it.
    """

    def __init__(self, path: str, interval: int = DEFAULT_INTERVAL) -> None:
        if not isinstance(path, str) or not isinstance(interval, int):
            raise TypeError("path must be a str, and interval an int")
        if not 0 <= interval <= MAX_UINT32:
            raise OverflowError("interval must fit into 32 bits, and be no less than 0")
        self._path = path
        self._interval = interval

    @property
    def path(self) -> str:
        """The path of the file."""
        return self._path

    @property
    def interval(self) -> int:
        """How many milliseconds pass between two looks at it."""
        return self._interval
