"""Where the file is from which a client takes values of policies while it runs."""

from __future__ import annotations

__all__ = ["ConfigProvider"]

DEFAULT_INTERVAL = 5000


class ConfigProvider:
    """A YAML file with values of policies.

    Args:
        path: of the file.
        interval: how many milliseconds pass between two looks at it.
    """

    def __init__(self, path: str, interval: int = DEFAULT_INTERVAL) -> None:
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
