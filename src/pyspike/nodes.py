"""What users see of the servers of a cluster.

A leaf: plain values, which `Client.nodes()` and tasks make. What is alive behind them is
`pyspike.cluster.node`.
"""

from __future__ import annotations

from pyspike.hosts import Host
from pyspike.plain_value import PlainValue, value_class

__all__ = ["Node", "NodeStatus"]


@value_class(frozen=True, slots=True, repr=False, eq=False)
class Node(PlainValue):
    """A node of the cluster, as it was when it was asked for; what goes on at it is in `Client.stats()`.

    Args:
        name: the name it has given itself.
        host: its address, as a host with a numeric name.
        version: its server version, as text.
        is_active: whether commands are sent to it.
    """

    name: str
    host: Host
    version: str
    is_active: bool

    @property
    def address(self) -> str:
        """Its address as text, such as `10.0.0.1:3000`."""
        return str(self.host)


@value_class(frozen=True, slots=True, repr=False, eq=False)
class NodeStatus(PlainValue):
    """How far a node is with what a task waits for.

    Args:
        done: whether there is nothing left to wait for.
        progress: how much is done, from 0 to 1.
        text: the same in words that follow the node's name, such as "has built 40 % of the index".
    """

    done: bool
    progress: float
    text: str
