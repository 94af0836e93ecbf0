"""Ids of parametrized tests that are the same in every process, as pytest-xdist requires.

The representation of many objects has their address in it, which is another one in each process.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


def shown(value: object) -> str:
    """The value's representation without addresses, for `ids=`."""
    return ADDRESS.sub("", repr(value))


def with_address(ids: Iterable[str]) -> list[str]:
    """Those of the ids that have the address of an object in them."""
    return [each for each in ids if ADDRESS.search(each)]
