"""Which partitions a node is the master of, for scans of one node."""

from __future__ import annotations

from collections.abc import Iterator

from pyspike import Client, PartitionFilter
from pyspike._wire import PARTITIONS
from pyspike.cluster.info_answers import parse_replicas
from pyspike.compat.model.exceptions import raised

__all__ = ["partitions_of_node"]


def partitions_of_node(client: Client, namespace: str, node: str) -> list[PartitionFilter]:
    """The partitions that a node is the master of, as it says itself, in as few filters as they need.

    Raises:
        NamespaceNotFound: the node does not have the namespace.
    """
    for name, _, bitmaps in parse_replicas(client.info("replicas", node)):
        if name == namespace:
            return [PartitionFilter(begin, count) for begin, count in _runs(bitmaps[0])]
    raise raised("NamespaceNotFound", f"node {node} has no namespace {namespace}")


def _runs(bitmap: bytes) -> Iterator[tuple[int, int]]:
    """The beginnings and lengths of the runs of ones, the highest bit of each byte first."""
    begin = None
    for number in range(PARTITIONS):
        if bitmap[number // 8] & 0x80 >> number % 8:
            begin = number if begin is None else begin
        elif begin is not None:
            yield begin, number - begin
            begin = None
    if begin is not None:
        yield begin, PARTITIONS - begin
