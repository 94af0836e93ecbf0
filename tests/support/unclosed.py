"""Clients that a test drops without closing them, on purpose: they warn."""

from __future__ import annotations

import contextlib
import gc
import warnings
from collections.abc import Iterator


@contextlib.contextmanager
def expects_unclosed(clients: int = 1) -> Iterator[None]:
    """So many clients are dropped unclosed inside, and each says so once."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
        gc.collect()
    told = [str(each.message) for each in caught if issubclass(each.category, ResourceWarning)]
    assert len(told) == clients, told
    assert all(text.startswith("unclosed ") for text in told), told
