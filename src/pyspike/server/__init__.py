"""An Aerospike cluster on this machine, in plain Python: for tests, demos and benchmarks of any client.

It shares no code with the client. What lies where, from the top down:

    cluster.py, embedded_*.py       what users hold: the cluster, its clock, its nodes and their faults
    control/                        where a cluster runs, and the requests by which it is controlled
    dispatch.py                     which code runs a frame, by the frame's type
    info/                           info commands
    queries/                        scans, queries, indexes, and jobs in the background
    udf/                            functions in Lua, on records and on streams of them
    records/                        commands on one record and batches; a record's operations in records/ops/
    expressions/                    expressions, and filters made of them
    topology/                       nodes, connections, membership, partitions, faults
    security/                       users, roles, sessions, and who may do what
    storage/                        the store: namespaces and their records
    cdt/, bits/, hll/, strings/     operations on lists and maps, bits, HyperLogLog, strings
    values/                         the model of values, their order, their stored forms
    protocol/                       frames, messages, and every number of the protocol

Records live in memory as long as a node that owns their partition is up. If the last owner stops or is
killed, they are gone, and the partition is taken over empty: with a replication factor of 1 that is every
record of that node. In strong-consistent namespaces records outlive their nodes.
"""

import logging

try:
    import msgpack  # type: ignore[import-untyped]  # noqa: F401 - here, to say what brings it
except ModuleNotFoundError:
    raise ModuleNotFoundError(
        "pyspike.server needs msgpack; install it with: pip install 'pyspike-aerospike[server]'",
        name="msgpack",
    ) from None

from .cluster import EmbeddedClock, EmbeddedCluster
from .embedded_node import EmbeddedNode
from .embedded_security import EmbeddedSecurity
from .protocol.transaction_steps import TransactionStep
from .security.settings import Security
from .storage.store import NamespaceConfig
from .topology.fault_settings import TransactionFault
from .topology.state import NodeStats

# Without this, Python itself would print the library's warnings to stderr.
logging.getLogger("pyspike").addHandler(logging.NullHandler())

__all__ = [
    "EmbeddedClock",
    "EmbeddedCluster",
    "EmbeddedNode",
    "EmbeddedSecurity",
    "NamespaceConfig",
    "NodeStats",
    "Security",
    "TransactionFault",
    "TransactionStep",
]
