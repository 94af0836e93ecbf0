"""The `Client` of scenarios that run in processes of their own: a blocking one, or tasks behind a facade.

The environment says which, so that one source serves both.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pyspike
from pyspike import ClientPolicy
from support.facade import TaskClient

__all__ = ["KINDS", "UNTOLD", "VARIABLE", "BlockingClient", "Client", "at_most", "client_of"]

VARIABLE = "PYSPIKE_TEST_CLIENT"
UNTOLD = "untold"
KINDS: dict[str, type[Any]] = {"threads": pyspike.Client, "tasks": TaskClient}
KIND = os.environ.get(VARIABLE, "threads")

BlockingClient = pyspike.Client  # whatever kind is asked for


def client_of(kind: str) -> Any:
    """The class of this kind; for UNTOLD one that can't be made."""
    return KINDS.get(kind, _untold)


def _untold(*args: object, **options: object) -> None:
    raise AssertionError("a test that makes a Client must be marked both_kinds, or one_kind with the reason")


def at_most(commands: int, **options: Any) -> ClientPolicy:
    """By this policy so many commands are under way to a node at a time, on as many connections."""
    return ClientPolicy(
        max_conns_per_node=commands, pipelines_per_node=commands, commands_per_pipeline=1, **options
    )


if TYPE_CHECKING:
    Client = pyspike.Client
else:
    Client = client_of(KIND)
