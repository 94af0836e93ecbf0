"""The values whose encoding and decoding is measured: those of the goals."""

from __future__ import annotations

from typing import Any

from comparison.cases import DOCUMENT

__all__ = ["VALUES"]

VALUES: dict[str, Any] = {
    "list of 1000 ints": list(range(1000)),
    "list of 1000 strings": [f"value {number}" for number in range(1000)],
    "map of 1000 entries": {f"name {number}": number for number in range(1000)},
    "nested document": DOCUMENT,
}
