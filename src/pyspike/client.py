"""`Client`: one pooled client for all threads of a process.

Thin: names, defaults and what to expect. What a method sends is told in `commands`, how it gets there in
`cluster`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar, overload

from pyspike import commands
from pyspike._wire import Command, Operation, Record
from pyspike.commands import Filter, KeyLike, Milliseconds, Policies, Ttl
from pyspike.hosts import HostsLike, parse_hosts
from pyspike.later import importing
from pyspike.nodes import Node
from pyspike.policy import ClientPolicy, InfoPolicy, ReadPolicy, WritePolicy

if TYPE_CHECKING:
    from pyspike.cluster import Cluster

T = TypeVar("T")


class Client:
    """A client of one cluster, shared by all threads.

    Make one for the process, use it everywhere, close it at the end (or use it as a context manager). It
    keeps working in a forked child, on connections of its own.

    Args:
        hosts: one or more nodes to begin with; the others are found through them. `"host:port"`, several of
            them separated by commas, IPv6 addresses in brackets, or a list of `(host, port)` tuples. The port
            is 3000 if left out. `"host:tls-name:port"` is refused as long as there is no TLS.
        policy: how to connect, and the default policies of reads, writes and info commands.

    Every command takes, as keywords, a `policy`, and the few options that change from call to call, which win
    over it: `timeout` (the deadline in milliseconds, or a timedelta), `ttl` (seconds, a timedelta or an
    `Expiration`), `generation` (the one the record must have) and `filter_expression`.

    Raises:
        ConnectFailed: no host could be reached; the message has each with its reason.
        InvalidArgument: `hosts` can't be read.
        InvalidType: `policy` is no `ClientPolicy`.
    """

    __slots__ = ("__weakref__", "_cluster", "_policies", "_run")

    def __init__(self, hosts: HostsLike, policy: ClientPolicy | None = None) -> None:
        with importing:
            from pyspike.cluster import Cluster
            from pyspike.cluster.blocking import BlockingExecutor

        policy = commands.client_policy(policy)
        cluster = Cluster(parse_hosts(hosts), policy)
        cluster.start()
        self._share(cluster, BlockingExecutor(cluster).run, Policies.of(policy))

    def _share(self, cluster: Cluster, run: Callable[[Command], Any], policies: Policies) -> None:
        self._cluster = cluster
        self._policies = policies
        self._run = run

    def with_policies(
        self,
        *,
        read: ReadPolicy | None = None,
        write: WritePolicy | None = None,
        info: InfoPolicy | None = None,
    ) -> Client:
        """A view on the same cluster with other default policies; cheap. Closing either closes both.

        Raises:
            InvalidType: a policy is of another kind.
        """
        view = object.__new__(type(self))
        view._share(self._cluster, self._run, self._policies.changed(read, write, info))
        return view

    # --- one record ---

    @overload
    def get(
        self,
        key: KeyLike,
        bins: Sequence[str] | None = None,
        *,
        timeout: Milliseconds | None = None,
        filter_expression: Filter | None = None,
        policy: ReadPolicy | None = None,
    ) -> Record: ...

    @overload
    def get(
        self,
        key: KeyLike,
        bins: Sequence[str] | None = None,
        *,
        default: T,
        timeout: Milliseconds | None = None,
        filter_expression: Filter | None = None,
        policy: ReadPolicy | None = None,
    ) -> Record | T: ...

    def get(
        self,
        key: KeyLike,
        bins: Sequence[str] | None = None,
        *,
        default: Any = commands.RAISE,
        timeout: Milliseconds | None = None,
        filter_expression: Filter | None = None,
        policy: ReadPolicy | None = None,
    ) -> Any:
        """Read a record.

        Args:
            key: a `Key` or a `(namespace, set, user key)` tuple.
            bins: the names of the bins to read; None for all, an empty list for none (generation and
                expiration only).
            default: what to return if there is no such record.

        Raises:
            RecordNotFound: there is no such record, and no `default`.
            FilteredOut: the filter expression does not hold for it.
        """
        return self._run(commands.get(self._policies, key, bins, default, timeout, filter_expression, policy))

    def exists(
        self,
        key: KeyLike,
        *,
        timeout: Milliseconds | None = None,
        filter_expression: Filter | None = None,
        policy: ReadPolicy | None = None,
    ) -> bool:
        """Whether there is a record with this key.

        Raises:
            FilteredOut: the filter expression does not hold for it.
        """
        found: bool = self._run(commands.exists(self._policies, key, timeout, filter_expression, policy))
        return found

    def put(
        self,
        key: KeyLike,
        bins: Mapping[str, object],
        *,
        timeout: Milliseconds | None = None,
        ttl: Ttl | None = None,
        generation: int | None = None,
        filter_expression: Filter | None = None,
        policy: WritePolicy | None = None,
    ) -> None:
        """Write bins of a record, by default creating it or merging them into it.

        Args:
            key: a `Key` or a `(namespace, set, user key)` tuple.
            bins: names (1 to 15 bytes) to values: int (64 bits), float, str, bytes-like, bool, list, dict,
                `GeoJSON`, `HyperLogLog`; None deletes the bin, and a record without bins is deleted.

        Raises:
            InvalidType: Aerospike has no such type; the message names the bin and the path inside it.
            InvalidArgument: a value or name does not fit.
            RecordExists, RecordNotFound: by the policy's `record_exists_action`.
            GenerationError: the record has another generation.
        """
        self._run(
            commands.write(
                self._policies, commands.PUT, key, bins, timeout, ttl, generation, filter_expression, policy
            )
        )

    def add(
        self,
        key: KeyLike,
        bins: Mapping[str, float],
        *,
        timeout: Milliseconds | None = None,
        ttl: Ttl | None = None,
        generation: int | None = None,
        filter_expression: Filter | None = None,
        policy: WritePolicy | None = None,
    ) -> None:
        """Add to integer or float bins; what is missing is created.

        Raises:
            InvalidType: a value is no number.
            BinTypeError: a bin holds another type.
        """
        self._run(
            commands.write(
                self._policies, commands.ADD, key, bins, timeout, ttl, generation, filter_expression, policy
            )
        )

    def append(
        self,
        key: KeyLike,
        bins: Mapping[str, str | bytes],
        *,
        timeout: Milliseconds | None = None,
        ttl: Ttl | None = None,
        generation: int | None = None,
        filter_expression: Filter | None = None,
        policy: WritePolicy | None = None,
    ) -> None:
        """Append to string or blob bins; what is missing is created.

        Raises:
            InvalidType: a value is neither str nor bytes.
            BinTypeError: a bin holds another type.
        """
        self._run(
            commands.write(
                self._policies,
                commands.APPEND,
                key,
                bins,
                timeout,
                ttl,
                generation,
                filter_expression,
                policy,
            )
        )

    def prepend(
        self,
        key: KeyLike,
        bins: Mapping[str, str | bytes],
        *,
        timeout: Milliseconds | None = None,
        ttl: Ttl | None = None,
        generation: int | None = None,
        filter_expression: Filter | None = None,
        policy: WritePolicy | None = None,
    ) -> None:
        """Prepend to string or blob bins; what is missing is created.

        Raises:
            InvalidType: a value is neither str nor bytes.
            BinTypeError: a bin holds another type.
        """
        self._run(
            commands.write(
                self._policies,
                commands.PREPEND,
                key,
                bins,
                timeout,
                ttl,
                generation,
                filter_expression,
                policy,
            )
        )

    def delete(
        self,
        key: KeyLike,
        *,
        timeout: Milliseconds | None = None,
        generation: int | None = None,
        filter_expression: Filter | None = None,
        policy: WritePolicy | None = None,
    ) -> bool:
        """Delete a record: True if there was one, False if not.

        Raises:
            GenerationError: the record has another generation.
            FilteredOut: the filter expression does not hold for it.
        """
        found: bool = self._run(
            commands.delete(self._policies, key, timeout, generation, filter_expression, policy)
        )
        return found

    def touch(
        self,
        key: KeyLike,
        *,
        timeout: Milliseconds | None = None,
        ttl: Ttl | None = None,
        generation: int | None = None,
        filter_expression: Filter | None = None,
        policy: WritePolicy | None = None,
    ) -> None:
        """Give a record a new time to live, and a new generation.

        Raises:
            RecordNotFound: there is no such record.
        """
        self._run(commands.touch(self._policies, key, timeout, ttl, generation, filter_expression, policy))

    def operate(
        self,
        key: KeyLike,
        operations: Iterable[Operation],
        *,
        timeout: Milliseconds | None = None,
        ttl: Ttl | None = None,
        generation: int | None = None,
        filter_expression: Filter | None = None,
        policy: WritePolicy | None = None,
    ) -> Record:
        """Apply several operations to one record, in order, all or nothing.

        Args:
            key: a `Key` or a `(namespace, set, user key)` tuple.
            operations: made by the functions of `pyspike.operations`.

        Returns:
            A `Record` with the bins that were read (a `MultiResult` where a bin has several results) and, as
            `.results`, the result of each operation in order: None for those that give none, a dict for
            `get()` of all bins.

        Raises:
            RecordNotFound: nothing of it creates the record.
            BinTypeError: an operation does not fit its bin.
        """
        record: Record = self._run(
            commands.operate(
                self._policies, key, operations, timeout, ttl, generation, filter_expression, policy
            )
        )
        return record

    # --- the cluster ---

    def nodes(self) -> tuple[Node, ...]:
        """The nodes of the cluster as it is known now."""
        return tuple(node.seen() for node in self._cluster.nodes)

    def node_names(self) -> list[str]:
        """The names of the nodes."""
        return [node.name for node in self._cluster.nodes]

    def is_connected(self) -> bool:
        """Whether the client is open and at least one node answers."""
        return self._cluster.is_connected()

    @overload
    def info(
        self, command: str, node: None = None, *, policy: InfoPolicy | None = None
    ) -> dict[str, str]: ...

    @overload
    def info(self, command: str, node: str | Node, *, policy: InfoPolicy | None = None) -> str: ...

    def info(
        self, command: str, node: str | Node | None = None, *, policy: InfoPolicy | None = None
    ) -> dict[str, str] | str:
        """Send an info command, such as `"build"` or `"namespace/test"`.

        Args:
            command: the command's text.
            node: a node or its name; None for all of them.
            policy: its timeout counts for each node.

        Returns:
            The node's answer; for all nodes that are active a dict of node names to answers.

        All nodes answer, or the call fails with the error of the first that did not. To have the answers of
        the others, ask them one by one::

            for node in client.nodes():
                try:
                    print(node.name, client.info("build", node))
                except AerospikeError as error:
                    print(node.name, error)

        Raises:
            InvalidType: an argument is of the wrong type.
            InvalidArgument: the command is no line of text.
            InvalidNode: there is no such node.
            TimeoutError, ConnectionError: a node did not answer in time, or can't be reached.
            ServerError: a node answered with an error.
        """
        return self._cluster.info(*commands.info(self._policies, command, node, policy))

    def stats(self) -> dict[str, Any]:
        """How the connections to each node are used, and how tending goes."""
        return self._cluster.stats()

    def close(self) -> None:
        """Close all connections. Commands that are under way end first; again is harmless."""
        self._cluster.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "closed" if self._cluster.closed else ", ".join(self.node_names()) or "not connected"
        return f"<Client {state}>"
