"""The form `name=value;name=value`.

Owns: how values of each type are written.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["joined"]


def joined(table: Mapping[str, object]) -> str:
    """The text of a table."""
    return ";".join(
        f"{name}={str(value).lower() if isinstance(value, bool) else value}" for name, value in table.items()
    )
