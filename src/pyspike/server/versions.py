"""The servers that can be played: what the newer one has that the older one refuses.

Owns: their builds, and how a version is written. Not here: what the differences do (string operations in
strings/, list and bit operations in cdt/ and bits.py).
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["NEWEST", "ServerVersion", "find_version"]


@dataclass(frozen=True, slots=True)
class ServerVersion:
    """A server.

    Args:
        build: as the info command tells it.
        strings: string operations, `to_string`, list join and base64 of blobs.
        nesting_max: levels of lists and maps that a request may bring; None: no limit.

    """

    build: str
    strings: bool
    nesting_max: int | None

    @property
    def name(self) -> str:
        """Three numbers, as people write it."""
        return self.build.rpartition(".")[0]


NEWEST = ServerVersion("8.2.0.0", strings=True, nesting_max=64)
_KNOWN = (NEWEST, ServerVersion("8.1.2.0", strings=False, nesting_max=None))


def find_version(text: str) -> ServerVersion:
    """The server of a version such as "8.1.2" or "8.1.2.0"; ValueError if it is not known."""
    for version in _KNOWN:
        if text in (version.name, version.build):
            return version
    known = ", ".join(version.name for version in _KNOWN)
    raise ValueError(f"no server {text} is known to the embedded cluster, only {known}")
