"""What the parts of both clients that are written in Python share: their cluster and their policies.

A part has methods of one subject. `Client` and `AsyncClient` are made of them, behind the compiled commands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyspike.arguments import Policies

if TYPE_CHECKING:
    from pyspike._wire import DynamicSettings, RecordTypes
    from pyspike.cluster import Cluster

__all__ = ["ClientPart"]


class ClientPart:
    """The base of all parts; the client that they make has what is named here."""

    __slots__ = ()

    _cluster: Cluster
    _policies: Policies
    if TYPE_CHECKING:  # the compiled commands have these

        @property
        def _executor(self) -> Any:
            """What runs commands and has the transactions, or what has their calls watched."""

        def _follow(self, dynamic: DynamicSettings, policies: Policies) -> None: ...

        def _know(self, types: RecordTypes) -> None: ...
