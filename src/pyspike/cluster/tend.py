"""One round of tending: which nodes are there, which are new or gone, and which partitions each of them owns.

A `Round` begins with the view that the last round left, works on copies of what is in it, and gives the next
view when it is over; commands never see anything in between. When rounds are run, in which thread, and what
is done with their outcome is decided by `cluster`.
"""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from pyspike._wire import Connection
from pyspike.cluster import info_answers
from pyspike.cluster.addresses import Endpoint, mapped
from pyspike.cluster.connect import Door
from pyspike.cluster.node import ClusterNode
from pyspike.cluster.parallel import LATE, ParallelJobs
from pyspike.cluster.probe import Probe, ask_peers, probe, probe_host, reason
from pyspike.cluster.seeds import Seeds
from pyspike.cluster.view import Unreachable, View
from pyspike.errors import (
    AerospikeError,
    Attempt,
    ConnectFailed,
    ConnectionError,
    SecurityError,
    ServerError,
    TimeoutError,
)
from pyspike.hosts import Host
from pyspike.policy import ClientPolicy
from pyspike.result_code import ResultCode

__all__ = ["Outcome", "Round"]

log = logging.getLogger("pyspike.cluster")

GENERATIONS = ("node", "peers-generation", "partition-generation")
REBALANCES = "rebalance-generation"
LEAST_TIMEOUT = 500.0  # ms: how long a node may take for an info answer, however short the tend interval
MAX_PAUSE = 16  # rounds between two tries of a peer that can't be reached


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a round.

    Args:
        view: the cluster as the round has found it.
        retired: nodes of the last view, or met in the round, that no command may use any more.
        tend_soon: whether the next round should begin earlier than usual, as a node fails.
        last_error: the last thing that went wrong; None if nothing did.
    """

    view: View
    retired: tuple[ClusterNode, ...]
    tend_soon: bool
    last_error: str | None


class Round:
    """One round of tending: `run` it once, and take its `outcome`, also if `run` raised.

    Args:
        view: the cluster as the last round has left it.
        seeds: asked if no node of the view answers.
        door: opens connections.
        policy: how nodes are reached, and how long that may take.
        opener: is called with the address and the name of a new node, and returns the function by which the
            node's pool opens connections.
        stopped: whether the round has to end early.
        prefers_racks: whether commands may prefer racks although the policy has none at the moment.
    """

    def __init__(
        self,
        view: View,
        seeds: Seeds,
        door: Door,
        policy: ClientPolicy,
        opener: Callable[[Endpoint, str], Callable[[float], Connection]],
        stopped: Callable[[], bool],
        *,
        prefers_racks: bool = False,
    ) -> None:
        self._seeds = seeds
        self._door = door
        self._policy = policy
        self._opener = opener
        self._stopped = stopped
        self._prefers_racks = prefers_racks or policy.rack_ids is not None
        self._round = view.round + 1
        self._nodes: dict[str, ClusterNode] = {node.name: node for node in view.nodes}
        self._partitions = view.partitions
        self._unreachable = dict(view.unreachable)
        self._generations = GENERATIONS if policy.rack_ids is None else (*GENERATIONS, REBALANCES)
        self._answer_timeout = min(policy.timeout, max(policy.tend_interval / 2, LEAST_TIMEOUT))
        self._answered: dict[str, ClusterNode] = {}
        self._logins: dict[str, tuple[Host, ...]] = {}  # of peers, if that is apart from all else
        self._spare: dict[str, Probe] = {}  # seeds that answered and may turn out to be peers
        self._retired: list[ClusterNode] = []
        self._peers_changed = False
        self._tend_soon = False
        self._last_error: str | None = None

    def run(self, deadline: float | None = None) -> None:
        """Ask the nodes, and the seeds if no node answers.

        Args:
            deadline: how long asking seeds may take, in `time.monotonic()`'s time; the policy's timeout from
                then on if left out.

        Raises:
            ConnectFailed: no node is left, and no seed can be used.
        """
        try:
            self._refresh_nodes()
            if self._policy.seed_only_cluster:
                self._connect_seeds(deadline or time.monotonic() + self._door.reach / 1000)
            else:
                if not self._answered and not self._stopped():
                    self._ask_seeds(deadline)
                if self._peers_changed:
                    self._refresh_peers()
            self._refresh_partitions()
            self._refresh_racks()
        finally:
            for spare in self._spare.values():
                spare.close()
            self._retire_failing()

    def outcome(self) -> Outcome:
        """What came of the round so far."""
        nodes = tuple(sorted(self._nodes.values(), key=lambda node: node.name))
        if self._prefers_racks:
            racks = {node: node.racks or {} for node in nodes}
            self._partitions = self._partitions.preferring(self._policy.rack_ids or (), racks)
        view = View(
            round=self._round,
            nodes=nodes,
            partitions=self._partitions,
            generations={node.name: node.partition_generation for node in nodes},
            unreachable=self._unreachable,
        )
        return Outcome(view, tuple(self._retired), self._tend_soon, self._last_error)

    def _deadline(self) -> float:
        return time.monotonic() + self._door.longer(self._answer_timeout) / 1000

    # Known nodes --------------------------------------------------------------------------------------------

    def _refresh_nodes(self) -> None:
        """Ask every node whether anything has changed.

        Nodes that failed before, or that a command had trouble with, are asked on new connections, all at the
        same time: a server may refuse new connections while the one that tending keeps still works.
        """
        self._renew_logins()
        failing = {name: node for name, node in self._nodes.items() if node.failures or node.suspected}
        deadline = self._deadline()
        jobs = {
            name: functools.partial(probe, node.endpoint, self._door, self._policy, deadline)
            for name, node in failing.items()
        }
        with ParallelJobs(jobs, Probe.close) as running:
            for node in list(self._nodes.values()):
                if node.name not in failing and not self._stopped():
                    self._refresh_node(node)
            while (taken := running.take(deadline + LATE)) is not None:
                name, result = taken
                self._probed(failing[name], result)
            for name in running.unfinished:
                failing[name].failed(TimeoutError("no answer in time", node=name))
        self._peers_changed |= bool(self._answered) and len(self._answered) < len(self._nodes)

    def _renew_logins(self) -> None:
        """Log in anew where a session is over or soon will be, at all nodes at the same time."""
        login = self._door.login
        if login is None:
            return
        due = {node.name: node for node in self._nodes.values() if login.is_due(node.endpoint)}
        deadline = time.monotonic() + self._door.reach / 1000
        with ParallelJobs({name: node.log_in for name, node in due.items()}, lambda _: None) as running:
            while (taken := running.take(deadline + LATE)) is not None:
                name, result = taken
                if isinstance(result, Exception) and not self._stopped():
                    self._last_error = reason(result)
                    log.warning("logging in at node %s anew failed: %s", name, self._last_error)
                del result  # an error's traceback has this frame

    def _refresh_node(self, node: ClusterNode) -> None:
        """Ask a node, on the connection that tending keeps, whether anything has changed."""
        try:
            values = node.ask(self._generations, self._answer_timeout)
            name = info_answers.parse_node_name(info_answers.value_of(values, "node"))
            peers = info_answers.parse_generation(info_answers.value_of(values, "peers-generation"))
            partitions = info_answers.parse_generation(info_answers.value_of(values, "partition-generation"))
            rebalances = (
                info_answers.parse_generation(info_answers.value_of(values, REBALANCES))
                if REBALANCES in self._generations
                else None
            )
        except ConnectionError:
            # Perhaps the server was restarted: then everything about it has to be read again.
            try:
                result: Probe | Exception = probe(node.endpoint, self._door, self._policy, self._deadline())
            except AerospikeError as error:
                result = error
            self._probed(node, result, anew=True)
            del result  # an error's traceback has this frame
            return
        except AerospikeError as error:
            self._node_failed(node, error)
            return
        if name != node.name:
            log.warning("node %s at %s is %s now", node.name, node.address, name)
            self._drop(node)
            return
        self._answered[node.name] = node
        node.suspected = False
        self._peers_changed |= peers != node.peers_generation
        if partitions != node.partition_generation and partitions >= 0:
            node.partition_generation = None
        if rebalances != node.rebalance_generation:
            node.rebalance_generation = None

    def _probed(self, node: ClusterNode, result: Probe | Exception, *, anew: bool = False) -> None:
        """Take in what came of a new connection to a known node.

        Args:
            node: the node.
            result: the server's answers, or why there are none.
            anew: whether the server had closed the old connection, so that it may have been restarted.
        """
        if not isinstance(result, Probe):
            error = result if isinstance(result, AerospikeError) else AerospikeError(reason(result))
            self._node_failed(node, error, refused=isinstance(error, ConnectionError))
        elif result.name != node.name:
            log.warning("node %s at %s is %s now", node.name, node.address, result.name)
            result.close()
            self._drop(node)
        else:
            result.seed = node.seed
            self._found(result, anew=anew)

    def _node_failed(self, node: ClusterNode, error: AerospikeError, *, refused: bool = False) -> None:
        if self._stopped():  # nobody asks any more, and the client may have broken the connection off
            node.hang_up()
            return
        node.failed(error, refused=refused)
        what = f"node {node.name} at {node.address} failed ({node.failures} in a row): {reason(error)}"
        self._last_error = what
        log.log(logging.WARNING if node.failures == 1 else logging.DEBUG, "%s", what)

    def _ask_seeds(self, deadline: float | None) -> None:
        """Begin with the seeds again, as no node of the view answers; their names are resolved anew."""
        try:
            found = self._seeds.find(deadline or time.monotonic() + self._door.reach / 1000)
        except (ConnectFailed, SecurityError) as error:
            self._last_error = error.message
            if not self._nodes:
                raise
            log.debug("%s", error.message)
            return
        self._found(found[0])
        self._spare = {each.name: each for each in found[1:]}

    def _connect_seeds(self, deadline: float) -> None:
        """Connect to the seeds that are no nodes yet, all at the same time; there are to be no others."""
        known = {node.seed for node in self._nodes.values() if not node.failures}
        jobs: dict[Host, Callable[[], Probe]] = {}
        for host in self._seeds.hosts:
            trouble = self._unreachable.get(str(host))
            if host not in known and (trouble is None or trouble.next_try <= self._round):
                jobs[host] = functools.partial(probe_host, host, self._door, self._policy, deadline)
        failures: dict[Host, Attempt] = {}
        advice: list[str] = []
        refusal: tuple[ResultCode, str] | None = None
        with ParallelJobs(jobs, Probe.close) as running:
            while (taken := running.take(deadline + LATE)) is not None:
                host, result = taken
                why = self._found_seed(host, result) if isinstance(result, Probe) else reason(result)
                if why is not None:
                    failures[host] = Attempt(None, why, 0.0, False)
                if isinstance(result, AerospikeError):
                    advice.append(result.advice)
                if isinstance(result, SecurityError):
                    refusal = result.result_code, result.message
                del result  # an error's traceback has this frame
            for host in running.unfinished:
                why = f"no answer within {self._policy.timeout:g} ms"
                failures[host] = Attempt(None, why, self._policy.timeout, False)
        for host, attempt in failures.items():
            self._not_reached(str(host), (host,), attempt.error, is_seed=True)
        if not self._nodes and failures:
            raise self._seeds.unusable(failures, advice, refusal)

    def _found_seed(self, host: Host, result: Probe) -> str | None:
        """Take in a server that a seed leads to; why it can't be used, if it can't."""
        known = self._nodes.get(result.name)
        if known is not None and known.active and not known.failures and known.seed != host:
            result.close()
            return f"it leads to node {known.name}, as {known.seed} does"
        result.seed = host
        self._unreachable.pop(str(host), None)
        self._found(result)
        return None

    def _found(self, result: Probe, *, anew: bool = False) -> None:
        """Take in a server that answered: it is a node of the view, or a new one."""
        node = self._nodes.get(result.name)
        if node is None or not node.active or node.endpoint != result.endpoint or anew:
            self._add(result)
            return
        node.answered(result)
        self._answered[node.name] = node
        self._peers_changed = True

    def _add(self, result: Probe) -> ClusterNode:
        """Make a node of a server that answered; it takes the place of a node of the same name."""
        node = ClusterNode(result, self._door, self._policy, self._opener)
        if (old := self._nodes.get(node.name)) is not None:
            self._drop(old)
        self._nodes[node.name] = self._answered[node.name] = node
        self._peers_changed = True
        self._unreachable.pop(node.name, None)
        log.info("node %s at %s, version %s, joined", node.name, node.address, node.version)
        return node

    def _drop(self, node: ClusterNode) -> None:
        """Take a node out of the view; its partitions have no owner until another node claims them."""
        self._nodes.pop(node.name, None)
        self._answered.pop(node.name, None)
        self._partitions = self._partitions.without({node})
        self._peers_changed = True
        self._retired.append(node)

    # New and gone nodes -------------------------------------------------------------------------------------

    def _refresh_peers(self) -> None:
        """Ask all nodes for their peers, and new nodes for theirs, until none is new; drop gone nodes."""
        named: set[str] = set()
        told: list[tuple[ClusterNode, info_answers.Peers]] = []
        asking = list(self._answered.values())
        while asking and not self._stopped():
            wanted: dict[str, tuple[Host, ...]] = {}
            for node in asking:
                peers = self._peers_of(node)
                if peers is None:
                    continue
                told.append((node, peers))
                for peer in peers.peers:
                    self._note_logins(peer)
                    if peer.hosts:
                        named.add(peer.name)
                        if self._is_new(peer):
                            wanted.setdefault(peer.name, peer.hosts)
            asking = self._connect(wanted)
        for node, peers in told:
            node.peer_count = len(peers.peers)
            if all(not peer.hosts or peer.name in self._answered for peer in peers.peers):
                node.peers_generation = peers.generation
        self._drop_departed(named, bool(told))
        self._unreachable = {name: each for name, each in self._unreachable.items() if name in named}

    def _peers_of(self, node: ClusterNode) -> info_answers.Peers | None:
        try:
            peers = ask_peers(
                lambda commands: node.ask(commands, self._policy.timeout), self._policy, node.host
            )
            if self._policy.use_services_alternate and node.peers_generation is None:
                self._warn_without_alternate(node, peers)
        except AerospikeError as error:
            self._node_failed(node, error)
            self._answered.pop(node.name, None)
            return None
        return peers

    def _warn_without_alternate(self, node: ClusterNode, peers: info_answers.Peers) -> None:
        others = [peer.name for peer in peers.peers if peer.hosts and not peer.alternates]
        if others:
            log.warning(
                "node %s publishes no alternate addresses of its peers (%s), so their usual ones are used: "
                "set alternate-access-address on the servers, or leave use_services_alternate off",
                node.name,
                ", ".join(others),
            )

    def _note_logins(self, peer: info_answers.Peer) -> None:
        """Note by which hosts a peer is logged in at, if that is apart from all else."""
        if not peer.logins:
            return
        self._logins[peer.name] = logins = tuple(mapped(each, self._policy.ip_map) for each in peer.logins)
        known = self._nodes.get(peer.name)
        if known is not None and known.endpoint.logins != logins:
            known.endpoint = replace(known.endpoint, logins=logins)

    def _is_new(self, peer: info_answers.Peer) -> bool:
        """Whether to connect to a peer: its name is new, or its node fails and has another address now."""
        trouble = self._unreachable.get(peer.name)
        if trouble is not None and trouble.hosts == peer.hosts and trouble.next_try > self._round:
            return False
        known = self._nodes.get(peer.name)
        if known is None:
            return True
        here = (known.host.name, known.host.port)
        advertised = [mapped(host, self._policy.ip_map) for host in peer.hosts]
        return known.failures > 0 and all((host.name, host.port) != here for host in advertised)

    def _connect(self, wanted: dict[str, tuple[Host, ...]]) -> list[ClusterNode]:
        """Connect to new nodes, all at the same time; the view keeps those that can't be reached apart."""
        new = [self._add(self._spare.pop(name)) for name in list(wanted) if name in self._spare]
        for node in new:
            del wanted[node.name]
        deadline = time.monotonic() + self._door.reach / 1000
        jobs: dict[str, Callable[[], Probe]] = {
            name: functools.partial(
                _probe_peer, name, hosts, self._logins.get(name, ()), self._door, self._policy, deadline
            )
            for name, hosts in wanted.items()
        }
        with ParallelJobs(jobs, Probe.close) as running:
            while (taken := running.take(deadline + LATE)) is not None:
                name, result = taken
                if isinstance(result, Probe):
                    new.append(self._add(result))
                else:
                    self._not_reached(name, wanted[name], reason(result))
            for name in running.unfinished:
                self._not_reached(name, wanted[name], f"no answer within {self._policy.timeout:g} ms")
        return new

    def _not_reached(self, name: str, hosts: tuple[Host, ...], why: str, *, is_seed: bool = False) -> None:
        known = self._unreachable.get(name)
        tries = known.tries + 1 if known is not None and known.hosts == hosts else 1
        trouble = Unreachable(hosts, why, tries, self._round + min(2**tries, MAX_PAUSE), is_seed)
        self._unreachable[name] = trouble
        self._last_error = trouble.advice(name, self._policy)
        log.log(logging.WARNING if tries == 1 else logging.DEBUG, "%s", self._last_error)

    def _drop_departed(self, named: set[str], asked: bool) -> None:
        """Drop the nodes that no other node names as its peer, and that don't answer or own no partition.

        Args:
            named: the names of all peers that nodes have told.
            asked: whether any node has told its peers.
        """
        if not asked:
            return
        for node in list(self._nodes.values()):
            if node.name in named or len(self._nodes) == 1:
                continue
            idle = node.partition_generation is not None and not self._partitions.owns(node)
            if node.failures or idle:
                log.info("node %s at %s left the cluster", node.name, node.address)
                self._drop(node)

    # Partitions ---------------------------------------------------------------------------------------------

    def _refresh_partitions(self) -> None:
        """Ask the nodes whose partitions have changed which partitions they own."""
        for node in list(self._answered.values()):
            alone = node.peer_count == 0 and len(self._nodes) > 1 and not self._policy.seed_only_cluster
            if node.partition_generation is not None or node.failures or alone or self._stopped():
                continue
            try:
                values = node.ask(("partition-generation", "replicas"), self._policy.timeout)
                generation = info_answers.parse_generation(
                    info_answers.value_of(values, "partition-generation")
                )
                replicas = info_answers.parse_replicas(info_answers.value_of(values, "replicas"))
                self._partitions = self._partitions.updated(node, replicas)
            except AerospikeError as error:
                self._node_failed(node, error)
                continue
            for loser in self._partitions.displaced:
                loser.partition_generation = None
            node.partition_generation = generation if generation >= 0 else None

    # Racks --------------------------------------------------------------------------------------------------

    def _refresh_racks(self) -> None:
        """Ask the nodes that were rebalanced which racks they are in, if the client prefers some."""
        for node in list(self._answered.values()) if self._policy.rack_ids is not None else ():
            if node.rebalance_generation is not None or node.failures or self._stopped():
                continue
            try:
                values = node.ask((REBALANCES, "rack-ids"), self._policy.timeout)
                generation = info_answers.parse_generation(info_answers.value_of(values, REBALANCES))
                node.racks = self._racks_of(node, values)
            except AerospikeError as error:
                self._node_failed(node, error)
                continue
            node.rebalance_generation = generation

    def _racks_of(self, node: ClusterNode, values: dict[str, str]) -> dict[str, int]:
        """The racks that a node tells; none if it has none to tell, as Community Edition."""
        try:
            return info_answers.parse_racks(info_answers.value_of(values, "rack-ids"))
        except ServerError as error:
            if not any(each.racks == {} for each in self._nodes.values()):
                log.warning(
                    "node %s tells no rack, so rack_ids have no effect on it: %s",
                    node.name,
                    error.message,
                )
            return {}

    # Failing nodes ------------------------------------------------------------------------------------------

    def _retire_failing(self) -> None:
        """Retire nodes that fail, so that no command uses them, as long as others can be used."""
        healthy = any(node.failures == 0 for node in self._nodes.values())
        for node in self._nodes.values():
            if not node.failures or not node.active:
                continue
            self._tend_soon = True
            if healthy and (node.refused or node.suspected or node.failures > 1):
                log.warning("node %s at %s is not used until it answers again", node.name, node.address)
                self._retired.append(node)
            node.suspected = False


def _probe_peer(
    name: str,
    hosts: tuple[Host, ...],
    logins: tuple[Host, ...],
    door: Door,
    policy: ClientPolicy,
    deadline: float,
) -> Probe:
    """The peer of this name, by the first of its addresses that leads to it."""
    reasons = []
    for tried, host in enumerate(hosts):
        now = time.monotonic()
        share = now + (deadline - now) / (len(hosts) - tried)
        target = mapped(host, policy.ip_map)
        try:
            found = probe_host(target, door, policy, share, name, logins=logins)
        except AerospikeError as error:
            reasons.append(reason(error) if str(target) in error.message else f"{target}: {reason(error)}")
            continue
        if reasons and policy.use_services_alternate:
            log.warning("node %s is used by the address %s: %s", name, target, "; ".join(reasons))
        return found
    raise ConnectFailed("; ".join(reasons))
