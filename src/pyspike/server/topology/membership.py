"""The nodes of a cluster, and how they join and leave it.

Owns: starting and stopping nodes, who is a member, distributing the partitions after each change, and all
counters that change with them. Not here: the hash that distributes partitions (partitions.py), the state that
is changed (state.py), and the API in front (../cluster.py). Everything runs in the cluster's loop.

Records live as long as an owner of their partition does: when the last one stops or is killed, its memory is
gone, the partition is taken over empty. Until the survivors notice a killed node, a partition without a
living owner gets UNAVAILABLE. In a strong-consistent namespace records outlive all nodes, as on their
devices, and the roster decides which partitions are served (roster.py).
"""

from __future__ import annotations

import asyncio
import random
import secrets
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..protocol.constants import N_PARTITIONS
from ..security.settings import Security
from ..security.state import ClusterSecurity
from ..storage.store import Namespace, NamespaceConfig, Store
from ..versions import NEWEST, ServerVersion
from .jobs import Jobs
from .node import Dispatch, Node
from .partitions import PartitionMap, assign, changed, without_owner
from .roster import Roster
from .state import ClusterState, NodeState

__all__ = ["DETACH_AFTER", "Membership"]

DETACH_AFTER = 0.3
"""Seconds until the others notice that a node was killed."""


class Membership:
    """A running cluster: its nodes, and the state that they share.

    Args:
        names: the nodes' names.
        ports: the port of each node, 0 for any free one.
        namespaces: their settings by name.
        replication_factor: how many nodes own a partition, if there are as many.
        host: the address on which all nodes listen.
        cluster_name: the name that the nodes tell.
        dispatch: runs the frames that arrive at a node.
        advertise: the host that nodes say they have; None: `host`.
        alternate_host: the host of the nodes' alternate addresses; None: they have none.
        version: the server that is played.
        security: who may do what at first; None: it is a server that has no security.
        compression: whether compressed requests are read, and answers compressed if that is asked for.
        clock: Unix time in seconds, by which records expire.
        tls: with which all nodes speak TLS; None: they do not.
        tls_names: the name in the certificate of each node.
        clear_ports: the port without TLS of each node, beside that with it; empty: there are none.
        racks: the nodes' racks by their names; None: the nodes have none, as in Community Edition.

    """

    def __init__(
        self,
        names: list[str],
        ports: list[int],
        namespaces: Mapping[str, NamespaceConfig],
        *,
        replication_factor: int,
        host: str,
        cluster_name: str,
        dispatch: Dispatch,
        advertise: str | None = None,
        alternate_host: str | None = None,
        version: ServerVersion = NEWEST,
        security: Security | None = None,
        compression: bool = False,
        clock: Callable[[], float] = time.time,
        tls: ssl.SSLContext | None = None,
        tls_names: Sequence[str] = (),
        clear_ports: Sequence[int] = (),
        racks: Mapping[str, int] | None = None,
    ) -> None:
        self.state = ClusterState(
            cluster_name,
            replication_factor,
            advertise,
            alternate_host,
            Store(clock, version),
            None if security is None else ClusterSecurity(security),
            compression,
            racks is not None,
        )
        told: Sequence[str | None] = tls_names or [None] * len(names)
        beside: Sequence[int | None] = clear_ports or [None] * len(names)
        self.nodes = [
            Node(NodeState(name, host, port, tls_name, clear), self.state, dispatch, self._happen, tls)
            for name, port, tls_name, clear in zip(names, ports, told, beside, strict=True)
        ]
        self._lost: dict[bytes, set[int]] = {}
        self._turns: dict[bytes, dict[int, int]] = {}
        self.disturbed = False
        """Whether nodes or partitions were changed from outside since the start or the last `reset`."""
        self._first_name = cluster_name
        self._first_ports: dict[str, int] = {}
        self._detaching: dict[str, asyncio.TimerHandle] = {}
        for name, config in namespaces.items():
            self.state.store.add(name, config)
            self._lost[name.encode()] = set()
            self._turns[name.encode()] = {}
            self.state.maps[name.encode()] = PartitionMap(())
            if config.strong_consistency:
                self.state.rosters[name.encode()] = Roster()
        self.state.recluster = self.recluster
        self._first_racks = dict(racks or {})
        self._place(self._first_racks, None)

    def node(self, name: str) -> Node:
        """The node of that name; KeyError if there is none."""
        for node in self.nodes:
            if node.state.name == name:
                return node
        raise KeyError(name)

    def namespace(self, name: str) -> Namespace:
        """The namespace of that name; ValueError if there is none."""
        try:
            return self.state.store.namespaces[name.encode()]
        except KeyError:
            there = ", ".join(each.name for each in self.state.store.namespaces.values())
            raise ValueError(f"no namespace {name!r}: there are {there}") from None

    def _happen(self, node: Node, event: str, args: Mapping[str, Any]) -> None:
        """Let an event happen in the middle of an answer of a node."""
        if event == "kill":
            self.kill_node(node, **args)
        elif event == "freeze":
            node.change_faults(frozen=True)
        else:
            self.move_partitions(**args)

    # --- start and stop ---

    async def start(self) -> None:
        """Start all nodes and form the cluster."""
        try:
            for node in self.nodes:
                node.listen(node.bind(node.state.port))
                self._first_ports[node.state.name] = node.state.port
                self._begin(node)
        except OSError:
            self.close()
            raise
        # What the counters are after the nodes have found each other: one step for each node, none if alone.
        members = self.state.members
        for member in members:
            member.peers_generation = 0 if len(members) == 1 else len(members) + 1
            member.peers_log = [
                (member.peers_generation, peer.name) for peer in members if peer is not member
            ]
        self.revive()
        for member in members:
            member.partition_generation = 0

    def close(self) -> None:
        """Stop all nodes, and the timers of nodes that were killed."""
        for timer in self._detaching.values():
            timer.cancel()
        for node in self.nodes:
            node.end(reset=False)

    async def start_node(self, node: Node, port: int | None = None) -> None:
        """Start a node that is down; it joins the cluster at once.

        A node that is up is stopped first if it is to have another port; else nothing is done.

        Args:
            node: the node to start.
            port: where it listens: None for the port that it had, 0 for any free one.

        Raises:
            OSError: the port is taken.

        """
        if node.state.running:
            if port in (None, node.state.port):
                return
            self.stop_node(node)
        if node.state.name in self._detaching:
            self._detach(node)
        node.listen(node.bind(node.state.port if port is None else port))
        self._begin(node)
        for other in self.state.members:
            if other is not node.state:
                node.state.peer_changed(other.name)
                other.peer_changed(node.state.name)
        self._rebalance()

    def _begin(self, node: Node) -> None:
        node.begin()
        self.state.members.append(node.state)

    def stop_node(self, node: Node) -> None:
        """Shut a node down: its requests are answered, its connections closed; others take its partitions."""
        if node.state.running:
            node.end(reset=False)
            self._forget_records()
            self._leave(node)

    def kill_node(self, node: Node, detach_after: float) -> None:
        """Reset a node's connections and stop it; the others notice after `detach_after` seconds."""
        if node.state.running:
            node.end(reset=True)
            for roster in self.state.rosters.values():
                roster.distrust(node.state.name)
            self._forget_records()
            loop = asyncio.get_running_loop()
            self._detaching[node.state.name] = loop.call_later(detach_after, self._detach, node)

    def _detach(self, node: Node) -> None:
        self._detaching.pop(node.state.name).cancel()
        self._leave(node)

    def _leave(self, node: Node) -> None:
        self.state.members.remove(node.state)
        for other in self.state.members:
            if other.running:
                other.peer_changed(node.state.name)
        self._rebalance()

    def _forget_records(self) -> None:
        """Drop the records of partitions whose owners are all down.

        Such a partition is unavailable until another node takes it over.
        """
        alive = {node.state.name for node in self.nodes if node.state.running}
        for key, namespace in self.state.store.namespaces.items():
            owners_of = self.state.maps[key].owners
            gone = [
                pid for pid in range(N_PARTITIONS) if (owners := owners_of(pid)) and alive.isdisjoint(owners)
            ]
            for pid in gone if not namespace.is_strong else ():
                namespace.drop_partition(pid)
            namespace.unavailable = namespace.unavailable.union(gone)

    # --- partitions ---

    def lose_partition(self, namespace: str, partition_id: int) -> None:
        """Let no node own a partition."""
        self._lost[self._key(namespace)].add(partition_id)
        self._rebalance()

    def restore_partition(self, namespace: str, partition_id: int) -> None:
        """Give a lost partition back to its owners; its records are there again."""
        self._lost[self._key(namespace)].discard(partition_id)
        self._rebalance()

    def owners(self, namespace: str, partition_id: int) -> list[str]:
        """The names of the nodes that own a partition, master first."""
        return self.state.maps[self._key(namespace)].owners(partition_id)

    def _key(self, namespace: str) -> bytes:
        return self.namespace(namespace).name.encode()

    def move_partitions(self, namespace: str | None, count: int, seed: int | None) -> int:
        """Give `count` random partitions of a namespace (None: of each) to the next nodes in their order.

        Returns how many have other owners now: none in a cluster of one.
        """
        chosen = random.Random(seed)
        for key in [self._key(namespace)] if namespace is not None else list(self.state.store.namespaces):
            turns = self._turns[key]
            for pid in chosen.sample(range(N_PARTITIONS), count):
                turns[pid] = turns.get(pid, 0) + 1
        return self._rebalance()

    def set_racks(self, racks: Mapping[str, int], namespace: str | None) -> None:
        """Put nodes into other racks in a namespace (None: in each), and let replicas move accordingly."""
        if not self.state.has_racks:
            raise ValueError("this cluster has no racks: give EmbeddedCluster some")
        self._place(racks, namespace)
        moved = self._rebalance()
        for member in self.state.members:  # also if no partition has moved: clients read racks again then
            member.partition_generation += not moved
            member.rebalance_generation += not moved

    def _place(self, racks: Mapping[str, int], namespace: str | None) -> None:
        spaces = (
            [self.namespace(namespace)] if namespace is not None else self.state.store.namespaces.values()
        )
        for node in self.nodes:
            for space in spaces:
                node.state.racks[space.name] = racks.get(node.state.name, 0)

    async def heal_node(self, node: Node) -> None:
        """Undo all faults of a node; one that is down stays down."""
        node.heal()
        if node.state.running:
            node.listen()

    async def heal(self) -> None:
        """Undo all faults, of nodes and of partitions, and start the nodes that are down."""
        for key in self.state.store.namespaces:
            self._lost[key].clear()
            self._turns[key].clear()
        self._rebalance()
        for node in self.nodes:
            await self.heal_node(node)
            await self.start_node(node)
        self.revive()

    async def reset(self) -> None:
        """Heal the cluster, and bring every node back to the port that it had at first.

        What a silent node was sent is lost with its connections, so that none of it is run afterwards.
        """
        for node in self.nodes:
            if node.faults.silent:
                node.disconnect(reset=True)
            if node.state.port != self._first_ports[node.state.name]:
                await self.start_node(node, self._first_ports[node.state.name])
        self._place(self._first_racks, None)
        await self.heal()
        self.disturbed = False

    def reset_settings(self) -> None:
        """Undo what info commands have set or truncated; drop their indexes and modules, and end all jobs.

        Users and roles are those of the beginning again.
        """
        self.state.cluster_name = self._first_name
        for node in self.nodes:
            node.state.settings.clear()
            node.state.jobs = Jobs()
            node.state.security.usage.clear()
            node.state.shuffle_batches(0)
        if self.state.security is not None:
            self.state.security.reset()
        self.state.store.modules.clear()
        for namespace in self.state.store.namespaces.values():
            namespace.config = namespace.first_config
            namespace.truncated.clear()
            namespace.indexes.clear()
            namespace.sets.clear()

    def revive(self) -> None:
        """Expect all nodes that are there in strong-consistent namespaces, and trust what they have."""
        names = [member.name for member in self.state.members]
        for key, roster in self.state.rosters.items():
            roster.begin(names, self._replicas(self.state.store.namespaces[key], names))
        self._rebalance()

    def recluster(self) -> None:
        """Let pending rosters take effect, and distribute the partitions anew."""
        for roster in self.state.rosters.values():
            roster.nodes = roster.pending
        self._rebalance()

    def _replicas(self, namespace: Namespace, names: Sequence[str]) -> PartitionMap:
        """Who would own the partitions of a namespace if these nodes were there."""
        racks = {node.state.name: node.state.racks.get(namespace.name, 0) for node in self.nodes}
        return assign(names, self.state.replication_factor, self._turns[namespace.key], set(), racks)

    def _strong_map(self, namespace: Namespace, names: Sequence[str]) -> PartitionMap:
        """Who of these nodes owns the partitions of a strong-consistent namespace."""
        roster = self.state.rosters[namespace.key]
        replicas = self._replicas(namespace, roster.nodes)
        owning = [name for name in names if name in roster.nodes]
        refused, namespace.dead = roster.refused(owning, replicas)
        lost = refused | self._lost[namespace.key]
        if len(owning) == len(roster.nodes):
            return replicas.without(lost)
        racks = {member.name: member.racks.get(namespace.name, 0) for member in self.state.members}
        return assign(owning, self.state.replication_factor, self._turns[namespace.key], lost, racks)

    def _rebalance(self) -> int:
        """Distribute the partitions anew among the members, and count the changes on each of them.

        Returns how many partitions have other owners now.
        """
        state = self.state
        names = [member.name for member in state.members]
        alive = {node.state.name for node in self.nodes if node.state.running}
        maps: dict[bytes, PartitionMap] = {}
        total = 0
        for key, namespace in state.store.namespaces.items():
            if namespace.is_strong:
                maps[key] = self._strong_map(namespace, names)
            else:
                racks = {member.name: member.racks.get(namespace.name, 0) for member in state.members}
                factor = state.replication_factor
                maps[key] = assign(names, factor, self._turns[key], self._lost[key], racks)
            moved = changed(state.maps[key], maps[key])
            total += moved
            namespace.unavailable = without_owner(maps[key], alive)
            if namespace.is_strong and moved:
                namespace.regime += 1
                state.rosters[key].copied(maps[key], namespace.unavailable)
        state.set_maps(maps)
        if total:
            state.cluster_key = f"{secrets.randbits(48) | 1 << 47:X}"
            for member in state.members:
                member.partition_generation += total
                member.rebalance_generation += 1
        return total
