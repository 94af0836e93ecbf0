"""What the parts of both clients that are written in Python share: their cluster and their policies.

A part has methods of one subject. `Client` and `AsyncClient` are made of them, behind the compiled commands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyspike._wire import TransactionExecutor
from pyspike.arguments import Policies, admin_policy
from pyspike.policy import AdminPolicy
from pyspike.process.lazy_imports import importing

if TYPE_CHECKING:
    from pyspike._wire import DynamicSettings, RecordTypes
    from pyspike.cluster import Cluster
    from pyspike.cluster.call import ClusterCall

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

    @property
    def _unbound_executor(self) -> Any:
        """What runs commands that take part in no transaction, also if the client is bound to one."""
        executor = self._executor
        return executor.executor if isinstance(executor, TransactionExecutor) else executor

    def _admin_call(self, method: str, policy: AdminPolicy | None) -> ClusterCall:
        """What the requests of a method about the cluster go by; to be used in a `with`.

        Args:
            method: the name of the client's method.
            policy: says how long it may take; None for the client's own.

        Raises:
            InvalidType: the policy is of another kind.
        """
        return self._call(method, admin_policy(self._policies, policy).timeout)

    def _call(self, method: str, timeout: float) -> ClusterCall:
        """The same, with a number of milliseconds."""
        with importing:
            from pyspike.cluster.call import ClusterCall

        return ClusterCall(self._cluster, self._executor, method, timeout)
