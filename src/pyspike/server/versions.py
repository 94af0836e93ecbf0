"""The versions of the server that can be played, and what the newer ones have.

Owns: their builds, and how a version is written. Not here: what the differences do (strings/, cdt/, bits/).
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["NEWEST", "ServerVersion", "find_version"]


@dataclass(frozen=True, slots=True)
class ServerVersion:
    """A version of the server.

    Args:
        build: as the info command tells it.
        strings: string operations, `to_string`, list join and base64 of blobs.
        nesting_max: levels of lists and maps that a request may bring; None: no limit.
        error_details: what was wrong is told to clients that ask.
        integer_indexes: indexes of numbers may be called "integer".
        query_plans: queries may tell in words what they look for, and ask for their plan.

    """

    build: str
    strings: bool
    nesting_max: int | None
    error_details: bool
    integer_indexes: bool
    query_plans: bool

    @property
    def name(self) -> str:
        """The version as people write it: three numbers."""
        return self.build.rpartition(".")[0]


NEWEST = ServerVersion(
    "8.2.0.0", strings=True, nesting_max=64, error_details=True, integer_indexes=True, query_plans=True
)
_KNOWN = (
    NEWEST,
    ServerVersion(
        "8.1.2.0",
        strings=False,
        nesting_max=None,
        error_details=False,
        integer_indexes=False,
        query_plans=False,
    ),
)


def find_version(text: str) -> ServerVersion:
    """The server of a version such as "8.1.2" or "8.1.2.0"; ValueError if it can't be played."""
    for version in _KNOWN:
        if text in (version.name, version.build):
            return version
    known = ", ".join(version.name for version in _KNOWN)
    raise ValueError(f"no server {text} is known to the embedded cluster, only {known}")
