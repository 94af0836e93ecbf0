"""The metadata that writes may be given: a record's generation and time to live."""

from __future__ import annotations

from typing import Any

from pyspike import Expiration
from pyspike.compat.model.deprecation import warn_deprecated
from pyspike.compat.model.exceptions import param_error
from pyspike.compat.translate.policies import checked_keys, expiration_of

__all__ = ["generation_and_ttl"]

KNOWN = frozenset(("gen", "ttl"))
MAX_GENERATION = 2**16 - 1


def generation_and_ttl(meta: Any, validate: bool) -> tuple[int | None, int | Expiration | None]:
    """What a dictionary of metadata says; None for what it does not.

    Raises:
        ParamError: it is no dictionary, or has a key or a value that can't be used.
    """
    if not isinstance(meta, dict):
        raise param_error("Metadata should be of type dictionary")
    checked_keys(meta, KNOWN, "record metadata", validate)
    generation = meta.get("gen")
    if generation is not None and not isinstance(generation, int):
        raise param_error("Generation should be an int or long")
    if generation is not None and not 0 <= generation <= MAX_GENERATION:
        raise param_error("integer value for gen exceeds sys.maxsize")
    ttl = meta.get("ttl")
    if ttl is None:
        return generation, None
    warn_deprecated('meta["ttl"] is deprecated and will be removed in the next client major release.')
    return generation, expiration_of(ttl)
