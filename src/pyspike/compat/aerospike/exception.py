"""Stands for `aerospike.exception`: all exceptions of the client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspike.compat.model.exceptions import CLASSES, AerospikeError

globals().update(CLASSES)
__all__ = [*CLASSES]

if TYPE_CHECKING:

    def __getattr__(name: str) -> type[AerospikeError]: ...
