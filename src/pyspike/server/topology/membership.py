"""The cluster from inside: its nodes, who is in it, the partition maps, the store they share.

Owns: joining, leaving, the partition maps and all counters that change with them. Not here: the hash that
distributes partitions (partitions.py), and the API in front (cluster.py). Everything runs in the cluster's
loop.

Records live as long as an owner of their partition does: when the last one stops or is killed, its memory is
gone, the partition is taken over empty. Until the survivors notice a killed node, a partition without a
living owner gets UNAVAILABLE.
"""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from collections.abc import Callable, Mapping

from ..storage.store import N_PARTITIONS, Namespace, NamespaceConfig, Store
from ..versions import NEWEST, ServerVersion
from .node import Node
from .partitions import PartitionMap, assign, bitmap, changed

__all__ = ["DETACH_AFTER", "Membership"]

DETACH_AFTER = 0.3
"""Seconds until the others notice that a node was killed."""


class Membership:
    """A cluster of nodes."""

    def __init__(
        self,
        names: list[str],
        ports: list[int],
        namespaces: Mapping[str, NamespaceConfig],
        *,
        replication_factor: int,
        host: str,
        cluster_name: str,
        advertise: str | None = None,
        alternate_host: str | None = None,
        version: ServerVersion = NEWEST,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.cluster_name: str = cluster_name
        self.replication_factor = replication_factor
        self.advertise = advertise
        self.alternate_host = alternate_host
        self.version: ServerVersion = version
        self.store: Store = Store(clock, version)
        self.cluster_key = ""
        self.nodes = [Node(name, host, port, self) for name, port in zip(names, ports, strict=True)]
        self.members: list[Node] = []
        """The nodes that are in the cluster as the others see it; a killed one stays until it is noticed."""
        self.maps: dict[bytes, PartitionMap] = {}
        self._lost: dict[bytes, set[int]] = {}
        self._turns: dict[bytes, dict[int, int]] = {}
        self.disturbed = False
        """Whether nodes or partitions were tampered with since the start or the last `reset`."""
        self._first_name = cluster_name
        self._first_ports: dict[str, int] = {}
        self._detaching: dict[str, asyncio.TimerHandle] = {}
        self._texts: dict[tuple[str, int], str] = {}
        for name, config in namespaces.items():
            self.store.add(name, config)
            self._lost[name.encode()] = set()
            self._turns[name.encode()] = {}
            self.maps[name.encode()] = PartitionMap(())

    def node(self, name: str) -> Node:
        """The node of that name; KeyError if there is none."""
        for node in self.nodes:
            if node.name == name:
                return node
        raise KeyError(name)

    def namespace(self, name: str) -> Namespace:
        """The namespace of that name; ValueError if there is none."""
        try:
            return self.store.namespaces[name.encode()]
        except KeyError:
            there = ", ".join(each.name for each in self.store.namespaces.values())
            raise ValueError(f"no namespace {name!r}: there are {there}") from None

    def advertised_host(self, node: Node) -> str:
        """The host that clients are told for a node."""
        host = self.advertise or node.host
        return f"[{host}]" if ":" in host else host

    # --- start and stop ---

    async def start(self) -> None:
        """Start all nodes and form the cluster."""
        try:
            for node in self.nodes:
                await node.listen(node.bind(node.port))
                self._first_ports[node.name] = node.port
                self._begin(node)
        except OSError:
            self.close()
            raise
        # The counters of a cluster that has come together: one step a node, none if it is alone.
        for node in self.nodes:
            node.peers_generation = 0 if len(self.nodes) == 1 else len(self.nodes) + 1
            node.peers_log = [(node.peers_generation, peer.name) for peer in self.nodes if peer is not node]
        self._rebalance()
        for node in self.nodes:
            node.partition_generation = 0

    def close(self) -> None:
        """End everything at once."""
        for timer in self._detaching.values():
            timer.cancel()
        for node in self.nodes:
            node.end(reset=False)

    async def start_node(self, node: Node, port: int | None = None) -> None:
        """Start a node that is down, at its old port or another (0: any free one); it joins at once."""
        if node.running:
            if port in (None, node.port):
                return
            self.stop_node(node)
        if node.name in self._detaching:
            self._detach(node)
        await node.listen(node.bind(node.port if port is None else port))
        self._begin(node)
        for other in self.members:
            if other is not node:
                node.peer_changed(other.name)
                other.peer_changed(node.name)
        self._rebalance()

    def _begin(self, node: Node) -> None:
        node.begin()
        self.members.append(node)

    def stop_node(self, node: Node) -> None:
        """Shut a node down: it leaves the cluster, others take its partitions, connections are closed."""
        if node.running:
            node.end(reset=False)
            self._forget_records()
            self._leave(node)

    def kill_node(self, node: Node, detach_after: float) -> None:
        """End a node without a word; the others notice after `detach_after` seconds."""
        if node.running:
            node.end(reset=True)
            self._forget_records()
            loop = asyncio.get_running_loop()
            self._detaching[node.name] = loop.call_later(detach_after, self._detach, node)

    def _detach(self, node: Node) -> None:
        self._detaching.pop(node.name).cancel()
        self._leave(node)

    def _leave(self, node: Node) -> None:
        self.members.remove(node)
        for other in self.members:
            if other.running:
                other.peer_changed(node.name)
        self._rebalance()

    def _forget_records(self) -> None:
        """Drop the records of partitions of which no owner is alive; unavailable until taken over."""
        alive = {node.name for node in self.nodes if node.running}
        for key, namespace in self.store.namespaces.items():
            owners_of = self.maps[key].owners
            gone = [
                pid for pid in range(N_PARTITIONS) if (owners := owners_of(pid)) and alive.isdisjoint(owners)
            ]
            for pid in gone:
                namespace.drop_partition(pid)
            namespace.unavailable = namespace.unavailable.union(gone)

    # --- partitions ---

    def lose_partition(self, namespace: str, partition_id: int) -> None:
        """Take a partition from all nodes."""
        self._lost[self._key(namespace)].add(partition_id)
        self._rebalance()

    def restore_partition(self, namespace: str, partition_id: int) -> None:
        """Give a lost partition back; its records are there again."""
        self._lost[self._key(namespace)].discard(partition_id)
        self._rebalance()

    def owners(self, namespace: str, partition_id: int) -> list[str]:
        """The names of the nodes that own a partition, master first."""
        return self.maps[self._key(namespace)].owners(partition_id)

    def _key(self, namespace: str) -> bytes:
        return self.namespace(namespace).name.encode()

    def move_partitions(self, namespace: str | None, count: int, seed: int | None) -> int:
        """Give `count` random partitions (of each namespace, if none is named) to the next nodes in line.

        Returns how many have other owners now: none in a cluster of one.
        """
        chosen = random.Random(seed)
        for key in [self._key(namespace)] if namespace is not None else list(self.store.namespaces):
            turns = self._turns[key]
            for pid in chosen.sample(range(N_PARTITIONS), count):
                turns[pid] = turns.get(pid, 0) + 1
        return self._rebalance()

    async def heal_node(self, node: Node) -> None:
        """Undo all faults of a node; one that is down stays down."""
        node.heal()
        if node.running:
            await node.listen()

    async def heal(self) -> None:
        """Undo all faults, of nodes and of partitions, and start the nodes that are down."""
        for key in self.store.namespaces:
            self._lost[key].clear()
            self._turns[key].clear()
        self._rebalance()
        for node in self.nodes:
            await self.heal_node(node)
            await self.start_node(node)

    async def reset(self) -> None:
        """Heal, and bring every node back to the port that it had at first.

        What a silent node was sent is lost with its connections, so that none of it is run afterwards.
        """
        for node in self.nodes:
            if node.faults.silent:
                node.disconnect(reset=True)
            if node.port != self._first_ports[node.name]:
                await self.start_node(node, self._first_ports[node.name])
        await self.heal()
        self.disturbed = False

    def reset_settings(self) -> None:
        """Undo what info commands have set."""
        self.cluster_name = self._first_name
        for node in self.nodes:
            node.settings.clear()
        for namespace in self.store.namespaces.values():
            namespace.config = namespace.first_config
            namespace.truncated.clear()

    def _rebalance(self) -> int:
        """Distribute anew, and count what has changed on every node."""
        names = [node.name for node in self.members]
        total = 0
        for key, namespace in self.store.namespaces.items():
            before = self.maps[key]
            after = assign(names, self.replication_factor, self._turns[key], self._lost[key])
            total += changed(before, after)
            self.maps[key] = after
            alive = {node.name for node in self.nodes if node.running}
            namespace.unavailable = frozenset(
                pid for pid in range(N_PARTITIONS) if alive.isdisjoint(after.owners(pid))
            )
        self._texts.clear()
        if total:
            self.cluster_key = f"{secrets.randbits(48) | 1 << 47:X}"
            for node in self.members:
                node.partition_generation += total
                node.rebalance_generation += 1
        return total

    # --- texts ---

    def replicas_text(self, node: Node, max_columns: int) -> str:
        """The value of `replicas` for a node; `max_columns` 0 is all."""
        text = self._texts.get((node.name, max_columns))
        if text is None:
            parts = []
            for key, namespace in self.store.namespaces.items():
                columns = self.maps[key].columns
                maps = [bitmap(column, node.name) for column in columns[: max_columns or None]]
                parts.append(f"{namespace.name}:0,{len(maps)}," + ",".join(maps))
            text = self._texts[(node.name, max_columns)] = ";".join(parts)
        return text
