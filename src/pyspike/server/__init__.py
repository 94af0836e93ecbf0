"""An Aerospike cluster on this machine, in plain Python: for tests, demos and benchmarks of any client.

It shares no code with the client. Start reading in cluster.py (what it offers), membership.py (how nodes make
a cluster), connection.py (bytes in and out) and record_commands.py (what a request does). operations.py is
the table of what single ops do: lists and maps are in cdt/, filters and expressions in expressions/, bits and
HLL beside it. packed.py has the model of values that all of them share.

Records live in memory as long as a node that owns their partition is up. If the last owner stops or is
killed, they are gone, and the partition is taken over empty: with a replication factor of 1 that is every
record of that node.
"""

try:
    import msgpack  # type: ignore[import-untyped]  # noqa: F401 - here, to say what brings it
except ModuleNotFoundError:
    raise ModuleNotFoundError(
        "pyspike.server needs msgpack; install it with: pip install 'pyspike-aerospike[server]'",
        name="msgpack",
    ) from None

from .cluster import EmbeddedClock, EmbeddedCluster
from .embedded_node import EmbeddedNode
from .storage.store import NamespaceConfig
from .topology.state import NodeStats

__all__ = ["EmbeddedClock", "EmbeddedCluster", "EmbeddedNode", "NamespaceConfig", "NodeStats"]
