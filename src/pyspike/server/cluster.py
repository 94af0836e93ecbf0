"""What users hold: an embedded cluster and its clock.

Owns: arguments, defaults, documentation. Not here: nodes and their faults (embedded_node.py), and the running
cluster (control/); every method is one request to it.
"""

from __future__ import annotations

import os
import ssl
import time
import weakref
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any, NoReturn, Protocol

from .arguments import PORT_MAX, check_flag, check_integer, check_seconds, check_text
from .cluster_arguments import (
    check_partition_id,
    namespaces_of,
    racks_of,
    security_of,
    tls_files_of,
    tls_names_of,
    with_strong,
)
from .control.backends import Plan, ProcessBackend, ThreadBackend
from .control.remote import Remote
from .embedded_node import CODE_MAX, EmbeddedNode
from .embedded_security import EmbeddedSecurity
from .protocol.constants import N_PARTITIONS
from .protocol.digest import key_digest, partition_of
from .protocol.transaction_steps import TransactionStep
from .security.settings import Security
from .storage.store import NamespaceConfig
from .topology.fault_settings import Counted, TransactionFault
from .versions import NEWEST, find_version

__all__ = ["DigestedKey", "EmbeddedClock", "EmbeddedCluster", "Tending"]

_LOOK_EVERY = 0.01


class DigestedKey(Protocol):
    """A key that has a digest, such as `pyspike.Key`."""

    @property
    def namespace(self) -> str:
        """The namespace's name."""

    @property
    def digest(self) -> bytes:
        """The 20 bytes by which the server finds the record."""


class NodeAsSeen(Protocol):
    """What a client tells of one node."""

    @property
    def address(self) -> str:
        """Its host and port."""

    @property
    def is_active(self) -> bool:
        """Whether the client sends commands to it."""

    @property
    def failed_rounds(self) -> int:
        """How often in a row it has not answered the client."""

    @property
    def partition_generation(self) -> int | None:
        """The number of the partition map that the client has of it."""


class ClusterAsSeen(Protocol):
    """What a client tells of the cluster."""

    @property
    def nodes(self) -> Mapping[str, NodeAsSeen]:
        """Its nodes by name."""


class Tending(Protocol):
    """A client that tells what it knows of each node, such as `pyspike.Client`."""

    def stats(self) -> ClusterAsSeen:
        """Its statistics."""


class EmbeddedClock:
    """The clock of a cluster's records, which a test moves forward instead of waiting."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote

    def __reduce__(self) -> NoReturn:
        raise TypeError("an EmbeddedClock can't be pickled or copied: its cluster runs once")

    def advance(self, seconds: int) -> None:
        """Let time pass for all records: each is older by `seconds`, and has as much less to live.

        What has no time left has expired. A client sees it as it does after waiting: `record.ttl` is less by
        that, expressions tell times of update and expiry that lie further back. Records that are written
        afterwards begin their time then.

        Args:
            seconds: whole seconds, as TTLs have them; 0 or more.

        Raises:
            TypeError: not an integer.
            ValueError: negative.
            RuntimeError: the cluster is not running.

        """
        self._remote.ask("advance", seconds=check_integer("seconds", seconds, 0))


class EmbeddedCluster:
    """An Aerospike cluster on this machine, for tests and demos: the real protocol over TCP, records in
    memory.

    All nodes run in one thread, or in one process of their own; any client of any language can connect. A
    record lives as long as a node that owns its partition is up. Also a context manager, which starts and
    stops it::

        with EmbeddedCluster(nodes=3) as cluster:
            client = Client(cluster.hosts)

    Args:
        nodes: how many.
        namespaces: their names, or names with settings.
        replication_factor: how many nodes own each partition; no more than there are.
        host: the address to listen on.
        port: the first node's port, the others follow; 0: free ports.
        cluster_name: what the nodes say it is called.
        process: run it in a process of its own, with the same methods.
        advertise: the host that nodes say they have, instead of `host`; for tests of unreachable addresses.
        alternate_host: the host of their alternate addresses; None: they have none.
        version: the server it plays, "8.2.0" or "8.1.2", which refuses string operations as the real one
            does; None: the newest that is known.
        compression: whether it reads compressed requests, and compresses answers for clients that ask for
            it, as the Enterprise Edition does; if not, it refuses the ones and sends the others plain. None:
            if it has security or strong consistency, which only that edition has.
        clock: Unix time in seconds, by which records and sessions expire; not with `process`.
        tls: an `ssl.SSLContext` of servers, with which all nodes speak TLS and nothing else; not with
            `process`. Or the paths of PEM files, in a tuple: a certificate, its key, and, where clients have
            to show certificates, the authorities of these. None: no TLS.
        tls_name: the name in the nodes' certificate; or a list with that of each node, if the context has a
            certificate for all of them.
        clear_ports: whether every node listens on a port without TLS too, with the same records: as servers
            for clients that speak TLS for their login only. `hosts` has the ports with TLS, and the
            `clear_port` of a node is the other one, which is any free port.
        security: True lets clients log in, as "admin" with password "admin" at first, and do only what their
            user may; a `Security` says more, such as other users. False is a server without security.
        racks: which rack each node is in, by the node's index, such as `{0: 1, 1: 2}`; 0 for those that are
            left out. The replicas of a partition are spread over racks. None: nodes tell no racks, as in
            Community Edition.
        strong_consistency: True makes all namespaces strong-consistent, a collection of names these. Only
            they have transactions. Then the cluster plays Enterprise Edition: durable deletes leave
            tombstones, and deletes that are not durable are refused in these namespaces. Their records
            outlive nodes that stop or are killed; a partition is served as long as the nodes that are left
            may do so, which is a majority with one of its replicas, half of the nodes with its master, or
            all its replicas. What only nodes had that were killed at the same time is not served when they
            are back, until `heal`, or the info commands `revive:` and `recluster:`.

    Attributes:
        nodes: its nodes, `EmbeddedNode`s named "A1", "A2", ...
        clock: lets time pass for its records.
        security: lets sessions expire and logins fail, if it has security.

    Raises:
        TypeError: an argument of another type.
        ValueError: a number below 1, a port that there can't be, no namespace, a namespace name that is empty
            or over 31 bytes, a version that is not known.

    """

    def __init__(
        self,
        nodes: int = 1,
        *,
        namespaces: Sequence[str] | Mapping[str, NamespaceConfig] = ("test", "bar"),
        replication_factor: int = 2,
        host: str = "127.0.0.1",
        port: int = 0,
        cluster_name: str = "embedded",
        process: bool = False,
        advertise: str | None = None,
        alternate_host: str | None = None,
        version: str | None = None,
        compression: bool | None = None,
        clock: Callable[[], float] | None = None,
        tls: ssl.SSLContext | Sequence[str | os.PathLike[str]] | None = None,
        tls_name: str | Sequence[str] = "localhost",
        clear_ports: bool = False,
        security: bool | Security = False,
        racks: Mapping[int, int] | None = None,
        strong_consistency: bool | Collection[str] = False,
    ) -> None:
        nodes = check_integer("nodes", nodes, 1)
        replication_factor = check_integer("replication_factor", replication_factor, 1)
        port = check_integer("port", port, 0, PORT_MAX)
        if port + nodes - 1 > PORT_MAX:
            raise ValueError(f"{nodes} nodes have no ports from {port} on: the last port is {PORT_MAX}")
        if clock is not None and not callable(clock):
            raise TypeError(f"clock is a callable that gives Unix time, not {type(clock).__name__}")
        if process and clock is not None:
            raise ValueError("a clock can't be passed to another process")
        if check_flag("clear_ports", clear_ports) and tls is None:
            raise ValueError("clear_ports are beside those with TLS: give tls too, or leave them out")
        settings = security_of(security)
        if process and settings is not None and callable(settings.external):
            raise ValueError("a function for external users can't be passed to another process")
        names = [f"A{index:X}" for index in range(1, nodes + 1)]
        configs = with_strong(namespaces_of(namespaces), strong_consistency)
        if compression is None:
            compression = settings is not None or any(each.strong_consistency for each in configs.values())
        self._plan = Plan(
            names=names,
            ports=[port + index if port else 0 for index in range(nodes)],
            namespaces=configs,
            replication_factor=replication_factor,
            host=check_text("host", host),
            cluster_name=check_text("cluster_name", cluster_name),
            advertise=advertise,
            alternate_host=alternate_host,
            version=(NEWEST if version is None else find_version(check_text("version", version))).name,
            tls_files=tls_files_of(tls, process),
            tls_names=[] if tls is None else tls_names_of(tls_name, nodes),
            security=settings,
            compression=check_flag("compression", compression),
            racks=None if racks is None else racks_of(names, racks),
            clear_ports=[0] * nodes if clear_ports else [],
        )
        self._tls = tls if isinstance(tls, ssl.SSLContext) else None
        self._process = process
        self._clock = clock or time.time
        self._remote = Remote(names)
        self._finalizer: weakref.finalize[[], EmbeddedCluster] | None = None
        self.nodes = [EmbeddedNode(name, host, self._remote) for name in names]
        self.clock = EmbeddedClock(self._remote)
        self.security = EmbeddedSecurity(self._remote)

    def __reduce__(self) -> NoReturn:
        raise TypeError("an EmbeddedCluster can't be pickled or copied: give its `hosts` to whoever uses it")

    def __enter__(self) -> EmbeddedCluster:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def running(self) -> bool:
        """Whether the cluster was started and not stopped."""
        return self._remote.running

    @property
    def hosts(self) -> str:
        """The hosts as a client takes them, such as "127.0.0.1:4001,127.0.0.1:4002".

        Nodes that are down are among them. With TLS they have their TLS names: "127.0.0.1:localhost:4001".
        """
        names = [f":{name}" for name in self._plan.tls_names] or [""] * len(self.nodes)
        return ",".join(
            f"[{node.host}]{name}:{node.port}" if ":" in node.host else f"{node.host}{name}:{node.port}"
            for node, name in zip(self.nodes, names, strict=True)
        )

    def start(self) -> EmbeddedCluster:
        """Start all nodes; they listen when this returns. Does nothing if the cluster runs.

        After `stop` they get the ports that they had at first.

        Raises:
            OSError: a port is taken.

        """
        if not self.running:
            if self._process:
                self._remote.start(ProcessBackend(self._plan))
            else:
                self._remote.start(ThreadBackend.from_plan(self._plan, clock=self._clock, tls=self._tls))
            self._finalizer = weakref.finalize(self, self._remote.stop)
            beside = [node.clear_port for node in self.nodes]
            self._plan = replace(
                self._plan,
                ports=[node.port for node in self.nodes],
                clear_ports=[port for port in beside if port is not None],
            )
        return self

    def stop(self) -> None:
        """Stop all nodes and drop all records. Does nothing if the cluster does not run."""
        if self._finalizer is not None:
            self._finalizer()
        self._finalizer = None

    def node(self, name: str) -> EmbeddedNode:
        """The node of that name ("A1", "A2", ...); KeyError if there is none."""
        for node in self.nodes:
            if node.name == name:
                return node
        raise KeyError(name)

    def owners(self, namespace: str, partition_id: int) -> list[EmbeddedNode]:
        """The nodes that own a partition, master first; none if it is lost.

        Raises:
            ValueError: no such namespace, or a partition id outside 0..4095.

        """
        names = self._remote.ask(
            "owners",
            namespace=check_text("namespace", namespace),
            partition_id=check_partition_id(partition_id),
        )
        return [self.node(name) for name in names]

    def owner(self, key: DigestedKey | tuple[str, str | None, int | str | bytes]) -> EmbeddedNode:
        """The master of a record's partition: the node that clients ask for the record first.

        Args:
            key: a `pyspike.Key`, or a (namespace, set, user key) tuple.

        Raises:
            ValueError: no such namespace, or nobody owns the partition.
            TypeError: not a key.

        """
        if isinstance(key, tuple):
            if len(key) != 3:
                raise TypeError(f"a key is (namespace, set, user key), not a tuple of {len(key)}")
            namespace = check_text("the key's namespace", key[0])
            digest = key_digest(check_text("the key's set", key[1] or ""), key[2])
        else:
            try:
                namespace, digest = key.namespace, key.digest
            except AttributeError:
                raise TypeError(f"a key or a tuple is wanted, not {type(key).__name__}") from None
        owners = self.owners(namespace, partition_of(digest))
        if not owners:
            raise ValueError(f"nobody owns partition {partition_of(digest)} of {namespace}")
        return owners[0]

    def clear(self) -> None:
        """Drop all records of all namespaces."""
        self._remote.ask("clear")

    def lose_partition(self, namespace: str, partition_id: int) -> None:
        """Take a partition from all nodes: the map shows no owner, requests for it get result 11
        (UNAVAILABLE).

        Raises:
            ValueError: no such namespace, or a partition id outside 0..4095.

        """
        namespace = check_text("namespace", namespace)
        self._remote.ask("lose_partition", namespace=namespace, partition_id=check_partition_id(partition_id))

    def restore_partition(self, namespace: str, partition_id: int) -> None:
        """End `lose_partition`; the records are there again.

        Raises:
            ValueError: no such namespace, or a partition id outside 0..4095.

        """
        namespace = check_text("namespace", namespace)
        self._remote.ask(
            "restore_partition", namespace=namespace, partition_id=check_partition_id(partition_id)
        )

    def move_partitions(
        self,
        namespace: str | None = None,
        count: int = 4096,
        seed: int | None = None,
        *,
        node: EmbeddedNode | None = None,
        after_frames: int = 0,
    ) -> int:
        """Give partitions to other nodes, records included, and count up the partition generations.

        Args:
            namespace: of which; None: of each.
            count: how many of each namespace.
            seed: makes the choice the same every time.
            node: they move in the middle of the next answer of this node; None: now.
            after_frames: when so many frames of that answer are sent.

        Returns:
            How many have other owners now: 0 if they are to move later.

        Raises:
            ValueError: no such namespace, or a count outside 0..4096.

        """
        if namespace is not None:
            namespace = check_text("namespace", namespace)
        count = check_integer("count", count, 0, N_PARTITIONS)
        moved: dict[str, Any] = {"namespace": namespace, "count": count, "seed": seed}
        frames = check_integer("after_frames", after_frames, 0)
        if node is None:
            return int(self._remote.ask("move_partitions", **moved))
        if namespace is not None:
            self.owners(namespace, 0)  # raises if there is none
        later = {"event": "move", "event_frames": frames, "event_args": moved}
        self._remote.ask("change_faults", node.name, times={Counted.EVENT.value: 1}, **later)
        return 0

    def set_racks(self, racks: Mapping[int, int], namespace: str | None = None) -> None:
        """Put the nodes into other racks, by which replicas move, records included.

        Args:
            racks: which rack each node is in, by the node's index; 0 for those that are left out.
            namespace: in which; None: in each.

        Raises:
            ValueError: no such node or namespace, a rack below 0 or above 1,000,000, or the cluster was made
                without racks.

        """
        placed = racks_of([node.name for node in self.nodes], racks)
        self._remote.ask("set_racks", racks=placed, namespace=namespace)

    def fail_transactions(
        self,
        step: TransactionStep | str,
        fault: TransactionFault | str,
        *,
        code: int | None = None,
        times: int = 1,
        after: int = 0,
    ) -> None:
        """Let something befall the next messages of a kind, of all transactions and on whichever node.

        So a program can be tested against every way in which a transaction may go wrong::

            cluster.fail_transactions("mark", "lose_answer")

        loses the answer to the message that commits, so that the client does not know whether it has. What is
        lost or answered is the whole request: of a batch, all of its rows. `heal` and `reset` end it.

        Args:
            step: which messages, a `TransactionStep` or its value: "monitor", "read", "write", "verify",
                "mark", "roll_forward", "roll_back", "close".
            fault: what befalls them, a `TransactionFault` or its value: "lose_request", "lose_answer",
                "answer_code", "freeze_before", "freeze_after".
            code: the result code that "answer_code" answers, a `pyspike.ResultCode` or a number within
                1..255; None with the other faults.
            times: how many messages.
            after: how many pass before.

        Raises:
            ValueError: no such step or fault, a number outside its range, or a code that is missing or is not
                answered.

        """
        step, fault = TransactionStep(step), TransactionFault(fault)
        if (code is not None) != (fault is TransactionFault.ANSWER_CODE):
            raise ValueError('a code is given for "answer_code", and for nothing else')
        self._remote.ask(
            "fail_transactions",
            step=step.value,
            fault=fault.value,
            code=0 if code is None else check_integer("code", code, 1, CODE_MAX),
            times=check_integer("times", times, 0),
            skip=check_integer("after", after, 0),
        )

    def shuffle_batches(self, seed: int | None) -> None:
        """Choose in which order the rows of batches are answered from now on, until `reset`.

        A server promises no order. Here it is another one for each batch, and the same in each run of a
        program. As on a real server, rows of batches that allow to be run inline are run in the order of the
        request, but for those that another node owns, which are run last. They are answered in that order too
        if there are no more than 100, and all are reads or there is one node.

        Args:
            seed: makes the orders; it is 0 at first. None: rows are answered as they are run, and nothing is
                shuffled.

        Raises:
            TypeError: not an integer.

        """
        if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int)):
            raise TypeError(f"seed is an integer or None, not {type(seed).__name__}")
        self._remote.ask("shuffle_batches", seed=seed)

    def heal(self) -> None:
        """Undo all faults of nodes and partitions, and start the nodes that are down: the cluster is whole.

        Records stay as they are, and time that has passed for them stays passed.

        Raises:
            OSError: the port of a node that was down, or refused connections, is taken by now.

        """
        self._remote.ask("heal")

    def reset(self) -> bool:
        """Begin anew, as between two tests: all nodes up, at their first ports, without faults and records.

        Settings that info commands have changed are as they were at first, too, and so are users and roles.

        Requests that a frozen or mute node has not read yet are lost, with their connections.

        Returns:
            whether anything but records was changed since the start or the last `reset`: then clients may
            know nodes, or have connections, that are no more.

        Raises:
            OSError: the port of a node that was down, or refused connections, is taken by now.

        """
        if not self.running:
            self.start()
            return True
        disturbed = bool(self._remote.ask("reset"))
        self._remote.read_ports()
        return disturbed

    def wait_until_seen(self, client: Tending, timeout: float = 10.0) -> None:
        """Wait until a client knows the cluster as it is: which nodes answer, where, and who owns what.

        For a test that stops, starts or moves something and goes on when the client has noticed. A client
        looks every `tend_interval` (a second, if its policy doesn't say), and at once after trouble.

        Args:
            client: a `pyspike.Client` or `AsyncClient`.
            timeout: seconds.

        Raises:
            TimeoutError: it does not; the message tells what it has not seen.

        """
        deadline = time.monotonic() + check_seconds("timeout", timeout)
        while (unseen := self._unseen(client.stats().nodes)) is not None:
            if time.monotonic() > deadline:
                raise TimeoutError(f"after {timeout:g} s the client has not seen that {unseen}")
            time.sleep(_LOOK_EVERY)

    def _unseen(self, known: Mapping[str, NodeAsSeen]) -> str | None:
        """What the cluster has that a client's statistics do not show yet, in words; None if nothing."""
        for node in self._remote.ask("describe"):
            name, up = node["name"], node["running"] and not node["silent"]
            seen = known.get(name)
            answers = seen is not None and seen.is_active and not seen.failed_rounds
            if node["member"] and not node["running"]:
                return f"node {name} was killed, which the other nodes have not noticed either"
            if answers != up:
                return f"node {name} {'answers' if up else 'does not answer'}"
            if seen is None or not up:
                continue
            if not seen.address.endswith((f":{node['port']}", f":{node['clear_port']}")):
                return f"node {name} is at port {node['port']}"
            if seen.partition_generation != node["partition_generation"]:
                return f"partitions of node {name} have moved"
        return None
