"""One round of looking after the cluster: who is there, who is new, who has gone, and who owns what.

A `Round` works on its own view of the nodes and the partition map, and gives the whole to the cluster when it
is done; commands never see a part. When rounds run, and in which thread, is the business of `cluster`.
"""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspike.cluster import info
from pyspike.cluster.addresses import mapped
from pyspike.cluster.node import Node
from pyspike.cluster.parallel import LATE, Errands
from pyspike.cluster.probe import Probe, how_to_reach, peers_command, probe, probe_host, reason
from pyspike.errors import AerospikeError, ConnectFailed, ConnectionError, TimeoutError
from pyspike.hosts import Host

if TYPE_CHECKING:
    from pyspike.cluster.cluster import Cluster

__all__ = ["Round", "Unreachable"]

log = logging.getLogger("pyspike.cluster")

LOOK = ("node", "peers-generation", "partition-generation")
LEAST_PATIENCE = 500.0  # ms: how long a node may take for an info answer, however short the tend interval
MAX_PAUSE = 16  # rounds between two tries of a peer that can't be reached


@dataclass(slots=True)
class Unreachable:
    """A peer whose advertised addresses don't work from here."""

    hosts: tuple[Host, ...]
    reason: str
    tries: int
    next_try: int  # the number of the round

    def advice(self, cluster: Cluster, name: str) -> str:
        """The words for it, with what mends it."""
        return how_to_reach(cluster.policy, name, self.hosts, self.reason)


class Round:
    """One round; `run` it once. `uneasy` then tells whether the next one should come soon."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.policy = cluster.policy
        self.nodes: dict[str, Node] = {node.name: node for node in cluster.nodes}
        self.partitions = cluster.routing.partitions
        self.unreachable = dict(cluster.unreachable)
        self.patience = min(self.policy.timeout, max(self.policy.tend_interval / 2, LEAST_PATIENCE))
        self.answered: dict[str, Node] = {}
        self.spare: dict[str, Probe] = {}  # seeds that answered and may turn out to be peers
        self.out: list[Node] = []  # to be retired when the round is over
        self.peers_changed = False
        self.uneasy = False

    def run(self, deadline: float | None = None) -> None:
        """Go round.

        Args:
            deadline: how long looking for seeds may take; the policy's timeout if left out.

        Raises:
            ConnectFailed: no node is left, and no seed can be used.
        """
        try:
            self._look()
            if not self.answered and not self._stopped():
                self._seed(deadline)
            if self.peers_changed:
                self._read_peers()
            self._read_partitions()
        finally:
            for probe_ in self.spare.values():
                probe_.close()
            self._suspend()
            self._publish()
            for node in self.nodes.values():
                node.tidy()
        for node in self.answered.values():
            if node.active and not node.failures and not self._stopped():
                self._fill(node)

    def _stopped(self) -> bool:
        return self.cluster.stopping

    def _deadline(self) -> float:
        return time.monotonic() + self.patience / 1000

    # Who is there -------------------------------------------------------------------------------------------

    def _look(self) -> None:
        """Ask every node whether anything has changed.

        Those that failed before, or that a command had trouble with, are asked all at once, on new
        connections: a node may refuse those while the one that tending keeps lives on.
        """
        failing = {name: node for name, node in self.nodes.items() if node.failures or node.suspected}
        deadline = self._deadline()
        jobs = {
            name: functools.partial(probe, node.endpoint, self.policy, deadline)
            for name, node in failing.items()
        }
        with Errands(jobs, Probe.close) as errands:
            for node in list(self.nodes.values()):
                if node.name not in failing and not self._stopped():
                    self._look_at(node)
            while (taken := errands.take(deadline + LATE)) is not None:
                name, result = taken
                self._look_again(failing[name], result)
            for name in errands.pending:
                failing[name].failed(TimeoutError("no answer in time", node=name))
        self.peers_changed |= bool(self.answered) and len(self.answered) < len(self.nodes)

    def _look_at(self, node: Node) -> None:
        try:
            values = node.ask(LOOK, self.patience)
            name = info.parse_node_name(info.value_of(values, "node"))
            peers = info.parse_generation(info.value_of(values, "peers-generation"))
            partitions = info.parse_generation(info.value_of(values, "partition-generation"))
        except ConnectionError:
            # Perhaps it was started anew: then everything about it has to be learnt again.
            try:
                result: Probe | Exception = probe(node.endpoint, self.policy, self._deadline())
            except AerospikeError as error:
                result = error
            self._look_again(node, result, anew=True)
            del result  # an error's traceback has this frame
            return
        except AerospikeError as error:
            self._failed(node, error)
            return
        if name != node.name:
            log.warning("node %s at %s is %s now", node.name, node.address, name)
            self._drop(node)
            return
        self.answered[node.name] = node
        node.suspected = False
        self.peers_changed |= peers != node.peers_generation
        if partitions != node.partition_generation and partitions >= 0:
            node.partition_generation = None

    def _look_again(self, node: Node, result: Probe | Exception, *, anew: bool = False) -> None:
        """What came of a new connection to a node that had failed; `anew`: it hung up on the old one."""
        if not isinstance(result, Probe):
            error = result if isinstance(result, AerospikeError) else AerospikeError(reason(result))
            self._failed(node, error, refused=isinstance(error, ConnectionError))
        elif result.name != node.name:
            log.warning("node %s at %s is %s now", node.name, node.address, result.name)
            result.close()
            self._drop(node)
        else:
            self._found(result, anew=anew)

    def _failed(self, node: Node, error: AerospikeError, *, refused: bool = False) -> None:
        node.failed(error, refused=refused)
        what = f"node {node.name} at {node.address} failed ({node.failures} in a row): {reason(error)}"
        self.cluster.note(what)
        log.log(logging.WARNING if node.failures == 1 else logging.DEBUG, "%s", what)

    def _seed(self, deadline: float | None) -> None:
        """Nobody answered: resolve the seeds' names and begin from there."""
        try:
            found = self.cluster.seeds.find(deadline or time.monotonic() + self.policy.timeout / 1000)
        except ConnectFailed as error:
            self.cluster.note(error.message)
            if not self.nodes:
                raise
            log.debug("%s", error.message)
            return
        self._found(found[0])
        self.spare = {each.name: each for each in found[1:]}

    def _found(self, result: Probe, *, anew: bool = False) -> None:
        """Somebody answered: the node that we know, or one that has to be got to know."""
        node = self.nodes.get(result.name)
        if node is None or not node.active or node.endpoint != result.endpoint or anew:
            self._add(result)
            return
        node.answered(result)
        self.answered[node.name] = node
        self.peers_changed = True

    def _add(self, result: Probe) -> Node:
        """A node that answered; it takes the place of one that has its name."""
        node = Node(result, self.policy, self.cluster.opener)
        if (old := self.nodes.get(node.name)) is not None:
            self._drop(old)
        self.nodes[node.name] = self.answered[node.name] = node
        self.peers_changed = True
        self.unreachable.pop(node.name, None)
        log.info("node %s at %s, version %s, joined", node.name, node.address, node.version)
        return node

    def _drop(self, node: Node) -> None:
        self.nodes.pop(node.name, None)
        self.answered.pop(node.name, None)
        self.partitions = self.partitions.without({node})
        self.peers_changed = True
        self.out.append(node)

    # Who else is there --------------------------------------------------------------------------------------

    def _read_peers(self) -> None:
        """Ask all for their peers, then the new ones for theirs, until nobody is new; see who has left."""
        named: set[str] = set()
        told: list[tuple[Node, info.Peers]] = []
        asking = list(self.answered.values())
        while asking and not self._stopped():
            wanted: dict[str, tuple[Host, ...]] = {}
            for node in asking:
                peers = self._peers_of(node)
                if peers is None:
                    continue
                told.append((node, peers))
                for peer in peers.peers:
                    if peer.hosts:
                        named.add(peer.name)
                        if self._is_new(peer):
                            wanted.setdefault(peer.name, peer.hosts)
            asking = self._connect(wanted)
        for node, peers in told:
            node.peer_count = len(peers.peers)
            if all(not peer.hosts or peer.name in self.answered for peer in peers.peers):
                node.peers_generation = peers.generation
        self._forget(named, bool(told))
        self.unreachable = {name: each for name, each in self.unreachable.items() if name in named}

    def _peers_of(self, node: Node) -> info.Peers | None:
        command = peers_command(self.policy.use_services_alternate)
        try:
            peers = info.parse_peers(info.value_of(node.ask([command], self.policy.timeout), command))
            if self.policy.use_services_alternate and not peers.peers and node.peers_generation is None:
                self._warn_without_alternate(node)
        except AerospikeError as error:
            self._failed(node, error)
            self.answered.pop(node.name, None)
            return None
        return peers

    def _warn_without_alternate(self, node: Node) -> None:
        command = peers_command(alternate=False)
        others = info.parse_peers(info.value_of(node.ask([command], self.policy.timeout), command)).peers
        if others:
            log.warning(
                "node %s publishes no alternate addresses of its peers (%s), so only it can be used: set "
                "alternate-access-address on the servers, or leave use_services_alternate off",
                node.name,
                ", ".join(peer.name for peer in others),
            )

    def _is_new(self, peer: info.Peer) -> bool:
        """Whether to connect: an unknown name, or a failing node that may be at another address now."""
        trouble = self.unreachable.get(peer.name)
        if trouble is not None and trouble.hosts == peer.hosts and trouble.next_try > self.cluster.rounds:
            return False
        known = self.nodes.get(peer.name)
        if known is None:
            return True
        here = (known.host.name, known.host.port)
        advertised = [mapped(host, self.policy.ip_map) for host in peer.hosts]
        return known.failures > 0 and all((host.name, host.port) != here for host in advertised)

    def _connect(self, wanted: dict[str, tuple[Host, ...]]) -> list[Node]:
        """Connect to new nodes, all at the same time; those that can't be reached are noted."""
        new = [self._add(self.spare.pop(name)) for name in list(wanted) if name in self.spare]
        for node in new:
            del wanted[node.name]
        deadline = time.monotonic() + self.policy.timeout / 1000
        jobs: dict[str, Callable[[], Probe]] = {
            name: functools.partial(_probe_peer, name, hosts, self.cluster, deadline)
            for name, hosts in wanted.items()
        }
        with Errands(jobs, Probe.close) as errands:
            while (taken := errands.take(deadline + LATE)) is not None:
                name, result = taken
                if isinstance(result, Probe):
                    new.append(self._add(result))
                else:
                    self._unreachable(name, wanted[name], reason(result))
            for name in errands.pending:
                self._unreachable(name, wanted[name], f"no answer within {self.policy.timeout:g} ms")
        return new

    def _unreachable(self, name: str, hosts: tuple[Host, ...], why: str) -> None:
        known = self.unreachable.get(name)
        tries = known.tries + 1 if known is not None and known.hosts == hosts else 1
        trouble = Unreachable(hosts, why, tries, self.cluster.rounds + min(2**tries, MAX_PAUSE))
        self.unreachable[name] = trouble
        self.cluster.note(trouble.advice(self.cluster, name))
        log.log(logging.WARNING if tries == 1 else logging.DEBUG, "%s", trouble.advice(self.cluster, name))

    def _forget(self, named: set[str], asked: bool) -> None:
        """Let go of nodes that no peer knows any more, and that don't answer or own nothing."""
        if not asked:
            return
        for node in list(self.nodes.values()):
            if node.name in named or len(self.nodes) == 1:
                continue
            idle = node.partition_generation is not None and not self.partitions.owns(node)
            if node.failures or idle:
                log.info("node %s at %s left the cluster", node.name, node.address)
                self._drop(node)

    # Who owns what ------------------------------------------------------------------------------------------

    def _read_partitions(self) -> None:
        for node in list(self.answered.values()):
            alone = node.peer_count == 0 and len(self.nodes) > 1
            if node.partition_generation is not None or node.failures or alone or self._stopped():
                continue
            try:
                values = node.ask(("partition-generation", "replicas"), self.policy.timeout)
                generation = info.parse_generation(info.value_of(values, "partition-generation"))
                replicas = info.parse_replicas(info.value_of(values, "replicas"))
                self.partitions = self.partitions.updated(node, replicas)
            except AerospikeError as error:
                self._failed(node, error)
                continue
            for loser in self.partitions.displaced:
                loser.partition_generation = None
            node.partition_generation = generation if generation >= 0 else None

    # What comes of it ---------------------------------------------------------------------------------------

    def _suspend(self) -> None:
        """Keep commands from nodes that fail, as long as others are there to ask."""
        healthy = any(node.failures == 0 for node in self.nodes.values())
        for node in self.nodes.values():
            if not node.failures or not node.active:
                continue
            self.uneasy = True
            if healthy and (node.refused or node.suspected or node.failures > 1):
                log.warning("node %s at %s is not used until it answers again", node.name, node.address)
                self.out.append(node)
            node.suspected = False

    def _publish(self) -> None:
        """Give the cluster its new view, then retire the nodes that no command is to use."""
        nodes = tuple(sorted(self.nodes.values(), key=lambda node: node.name))
        kept = self.cluster.publish(nodes, self.partitions, self.unreachable)
        for node in self.out:
            node.retire()
            if node.name not in self.nodes or self.nodes[node.name] is not node:
                node.hang_up()
        if not kept:
            _retire_all(self.nodes.values())

    def _fill(self, node: Node) -> None:
        try:
            node.fill()
        except AerospikeError as error:
            self.cluster.note(f"node {node.name} at {node.address}: {reason(error)}")
            log.info("opening connections to node %s in advance: %s", node.name, reason(error))


def _retire_all(nodes: Iterable[Node]) -> None:
    for node in nodes:
        node.retire()
        node.hang_up()


def _probe_peer(name: str, hosts: tuple[Host, ...], cluster: Cluster, deadline: float) -> Probe:
    """The peer of this name, by the first of its addresses that leads to it."""
    reasons = []
    for tried, host in enumerate(hosts):
        now = time.monotonic()
        share = now + (deadline - now) / (len(hosts) - tried)
        target = mapped(host, cluster.policy.ip_map)
        try:
            return probe_host(target, cluster.policy, share, name)
        except AerospikeError as error:
            reasons.append(reason(error) if str(target) in error.message else f"{target}: {reason(error)}")
    raise ConnectFailed("; ".join(reasons))
