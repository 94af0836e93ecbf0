"""Stands for the package `docker` as far as tests ask whether there is one."""

from __future__ import annotations

__all__ = ["from_env"]


class _Docker:
    def ping(self) -> bool:
        """Say that containers can be started."""
        return True


def from_env() -> _Docker:
    """A daemon that is there."""
    return _Docker()
