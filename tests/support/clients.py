"""The `Client` of scenarios that run in processes of their own: a blocking one, or tasks behind a facade.

PYSPIKE_TEST_CLIENT says which, so that one source serves both.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pyspike
from support.facade import TaskClient

__all__ = ["KINDS", "Client", "of_kind"]

KINDS = {"threads": pyspike.Client, "tasks": TaskClient}


def of_kind(kind: str) -> dict[str, str]:
    """What a scenario's environment says for this kind."""
    return {"PYSPIKE_TEST_CLIENT": kind}


if TYPE_CHECKING:
    Client = pyspike.Client
else:
    Client = KINDS[os.environ.get("PYSPIKE_TEST_CLIENT", "threads")]
