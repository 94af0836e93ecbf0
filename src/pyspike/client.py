"""`Client`: one pooled client for all threads of a process.

The commands on one record are compiled: `src/wire/client_methods.pyx` has them, with their docstrings. How
they get to a node is told in `cluster`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar, overload

from pyspike._types import Filter, KeyLike, Milliseconds, Ttl
from pyspike._wire import (
    Batch,
    BatchRow,
    Commands,
    Executor,
    Operation,
    Record,
    Settings,
    ThreadExecutor,
    batch_of_deletes,
    batch_of_operations,
    batch_of_puts,
    batch_of_reads,
    batch_rows,
    outcome_flags,
    outcomes,
    run_batch,
    timeout_ms,
)
from pyspike.arguments import Policies, admin_policy, batch_settings, client_policy, info_arguments
from pyspike.batch import BatchResults
from pyspike.errors import ClientClosed
from pyspike.hosts import HostsLike, parse_hosts
from pyspike.nodes import Node
from pyspike.policy import (
    AdminPolicy,
    BatchDeletePolicy,
    BatchPolicy,
    BatchReadPolicy,
    BatchWritePolicy,
    ClientPolicy,
    InfoPolicy,
    ReadPolicy,
    WritePolicy,
)
from pyspike.process.lazy_imports import importing
from pyspike.stats import ClientStats
from pyspike.task import Task
from pyspike.udf import UdfModule, UdfSource

if TYPE_CHECKING:
    from pyspike.cluster import Cluster
    from pyspike.cluster.drop_guard import DropGuard

K = TypeVar("K", bound=KeyLike)


class Client(Commands):
    """A client of one cluster, shared by all threads.

    Make one for the process, use it everywhere, close it at the end (or use it as a context manager): one
    that is dropped unclosed warns with `ResourceWarning`, as files and sockets do. It keeps working in a
    forked child, on connections of its own.

    Args:
        hosts: one or more nodes to begin with; the others are found through them. `"host:port"`, several of
            them separated by commas, IPv6 addresses in brackets, or a list of `(host, port)` tuples. The port
            is 3000 if left out. `"host:tls-name:port"` is refused as long as there is no TLS.
        policy: how to connect, and the default policies of reads, writes and info commands.

    Every command takes, as keywords, a `policy`, and the few options that change from call to call, which win
    over it: `timeout` (the deadline in milliseconds, 1 at least, or a timedelta), `ttl` (how long the record
    lives from this write on: seconds, a timedelta or an `Expiration`; a write without it resets that to the
    namespace's default), `generation` (the one the record must have) and `filter_expression`.

    Raises:
        ConnectFailed: no host could be reached; the message has each with its reason.
        InvalidArgument: `hosts` can't be read.
        InvalidType: `policy` is no `ClientPolicy`.
    """

    __slots__ = ("__weakref__", "_cluster", "_guard", "_policies")

    def __init__(self, hosts: HostsLike, policy: ClientPolicy | None = None) -> None:
        with importing:
            from pyspike.cluster import Cluster
            from pyspike.cluster.drop_guard import DropGuard
            from pyspike.cluster.thread_executor import BlockingExecutor

        policy = client_policy(policy)
        cluster = Cluster(parse_hosts(hosts), policy)
        cluster.start()
        guard = DropGuard(f"Client of {cluster.seeds}", cluster.is_open)
        self._share(cluster, BlockingExecutor(cluster), guard, Policies.of(policy))

    def _share(self, cluster: Cluster, executor: Executor, guard: DropGuard, policies: Policies) -> None:
        Commands.__init__(self, executor, policies.read.settings, policies.write.settings)
        self._cluster = cluster
        self._guard = guard
        self._policies = policies

    def with_policies(
        self,
        *,
        read: ReadPolicy | None = None,
        write: WritePolicy | None = None,
        info: InfoPolicy | None = None,
        admin: AdminPolicy | None = None,
        batch: BatchPolicy | None = None,
    ) -> Client:
        """A view on the same cluster with other default policies; cheap. Closing either closes both.

        Raises:
            InvalidType: a policy is of another kind.
        """
        view = self.__new__(type(self))
        policies = self._policies.changed(read, write, info, admin, batch)
        view._share(self._cluster, self._executor, self._guard, policies)
        return view

    # --- many records ---

    def batch(
        self,
        rows: Iterable[BatchRow],
        *,
        timeout: Milliseconds | None = None,
        filter_expression: Filter | None = None,
        policy: BatchPolicy | None = None,
    ) -> BatchResults:
        """Read, write and delete many records in one call: one message to each node that has some of them.

        Args:
            rows: any iterable of `BatchRead`, `BatchWrite` and `BatchDelete`; a key may be in several. The
                rows of one record are not done in their order where its node works on them side by side.
            timeout: the deadline of the whole call in milliseconds, 0 for none, else 1 at least; or a
                timedelta.
            filter_expression: for the rows that have none of their own.

        Returns:
            What came of each row, in their order. Rows fail alone: also those of nodes that fail, and those
            that a deadline was too short for, are told in their own results.

        Raises:
            InvalidType, InvalidArgument: an argument can't be used; nothing was sent.
            ClientClosed: the client is closed.
        """
        settings = self._batch_settings(policy)
        return self._results(batch_rows(rows, settings, timeout, filter_expression))

    def batch_operate(
        self,
        keys: Iterable[KeyLike],
        operations: Iterable[Operation],
        *,
        timeout: Milliseconds | None = None,
        ttl: Ttl | None = None,
        filter_expression: Filter | None = None,
        row_policy: BatchReadPolicy | BatchWritePolicy | None = None,
        policy: BatchPolicy | None = None,
    ) -> BatchResults:
        """Apply the same operations to many records, each all or nothing.

        Args:
            keys: any iterable of keys.
            operations: made by the functions of `pyspike.operations`.
            timeout: as in `batch`.
            ttl: how long the records live from then on, if an operation writes.
            filter_expression: the rows of records for which it does not hold fail with `FilteredOut`.
            row_policy: of each row: a `BatchWritePolicy`, or a `BatchReadPolicy` if all operations read.

        Returns:
            What came of each key, in their order.

        Raises:
            InvalidType, InvalidArgument: an argument can't be used; nothing was sent.
            ClientClosed: the client is closed.
        """
        settings = self._batch_settings(policy)
        return self._results(
            batch_of_operations(keys, operations, settings, timeout, ttl, filter_expression, row_policy)
        )

    def batch_get(
        self,
        keys: Iterable[KeyLike],
        bins: Iterable[str] | None = None,
        *,
        timeout: Milliseconds | None = None,
        filter_expression: Filter | None = None,
        policy: BatchPolicy | None = None,
    ) -> list[Record | None]:
        """Read many records.

        Args:
            keys: any iterable of keys.
            bins: the names of the bins to read; None for all, an empty list for none.
            timeout: as in `batch`.
            filter_expression: a record for which it does not hold is left out.

        Returns:
            The record of each key, in their order; None where there is none.

        Raises:
            BatchError: a row failed; it has what came of all of them.
            InvalidType, InvalidArgument: an argument can't be used; nothing was sent.
            ClientClosed: the client is closed.
        """
        settings = self._batch_settings(policy)
        return self._run(batch_of_reads(keys, bins, settings, timeout, filter_expression)).records

    def batch_exists(
        self,
        keys: Iterable[KeyLike],
        *,
        timeout: Milliseconds | None = None,
        filter_expression: Filter | None = None,
        policy: BatchPolicy | None = None,
    ) -> list[bool]:
        """Whether there are records with these keys.

        Args:
            keys: any iterable of keys.
            timeout: as in `batch`.
            filter_expression: a record for which it does not hold counts as none.

        Raises:
            BatchError, InvalidType, InvalidArgument, ClientClosed: as from `batch_get`.
        """
        settings = self._batch_settings(policy)
        batch = batch_of_reads(keys, (), settings, timeout, filter_expression, keeps_records=False)
        return outcome_flags(self._run(batch))

    def batch_put(
        self,
        records: Mapping[K, Mapping[str, object]] | Iterable[tuple[KeyLike, Mapping[str, object]]],
        *,
        timeout: Milliseconds | None = None,
        ttl: Ttl | None = None,
        filter_expression: Filter | None = None,
        row_policy: BatchWritePolicy | None = None,
        policy: BatchPolicy | None = None,
    ) -> None:
        """Write bins of many records, as `put` does with each.

        Args:
            records: a mapping of keys to bins, or an iterable of pairs of both.
            timeout: as in `batch`.
            ttl: how long the records live from then on, as in `put`.
            filter_expression: the records for which it does not hold are not written, and their rows fail
                with `FilteredOut`.
            row_policy: of each row.

        Raises:
            BatchError: a row failed; it has what came of all of them.
            InvalidType, InvalidArgument: an argument can't be used; nothing was sent.
            ClientClosed: the client is closed.
        """
        settings = self._batch_settings(policy)
        self._run(batch_of_puts(records, settings, timeout, ttl, filter_expression, row_policy))

    def batch_delete(
        self,
        keys: Iterable[KeyLike],
        *,
        timeout: Milliseconds | None = None,
        filter_expression: Filter | None = None,
        row_policy: BatchDeletePolicy | None = None,
        policy: BatchPolicy | None = None,
    ) -> list[bool]:
        """Delete many records: for each key whether there was one.

        Args:
            keys: any iterable of keys.
            timeout: as in `batch`.
            filter_expression: a record for which it does not hold stays, and counts as none.
            row_policy: of each row.

        Raises:
            BatchError, InvalidType, InvalidArgument, ClientClosed: as from `batch_get`.
        """
        settings = self._batch_settings(policy)
        return outcome_flags(
            self._run(batch_of_deletes(keys, settings, timeout, filter_expression, row_policy))
        )

    def _batch_settings(self, policy: BatchPolicy | None) -> Settings:
        """How a batch is sent."""
        if not isinstance(self._executor, ThreadExecutor):
            raise ClientClosed("the client was never opened", advice="call super().__init__() in a subclass")
        return batch_settings(self._policies, policy)

    def _results(self, batch: Batch) -> BatchResults:
        """Run a batch, and give what came of each row."""
        self._send(batch)
        return BatchResults(outcomes(batch))

    def _run(self, batch: Batch) -> Batch:
        """Run a batch whose rows are not to fail, and give it."""
        self._send(batch)
        if batch.errors:
            BatchResults(outcomes(batch)).raise_for_errors()
        return batch

    def _send(self, batch: Batch) -> None:
        """Run a batch until each of its rows has an answer or an error."""
        with importing:
            from pyspike.plans.batch import BatchPlan

        assert isinstance(self._executor, ThreadExecutor)
        run_batch(self._executor, BatchPlan(self._cluster, batch))

    # --- modules of functions ---

    def register_udf(
        self,
        source: UdfSource,
        name: str | None = None,
        *,
        policy: AdminPolicy | None = None,
    ) -> Task:
        """Register a module of Lua functions: a node takes it, and passes it on to the others.

        A module of that name is replaced.

        Args:
            source: the module's text; or the path of its file, as a `Path`, or as a str that ends in ".lua".
            name: its file name on the servers, such as "counters.lua"; None for that of the file.
            policy: the deadline for the first node's answer.

        Returns:
            What waits until every node has it: `client.register_udf("counters.lua").wait()`.

        Raises:
            UdfError: the server can't compile it; the message says where.
            InvalidType, InvalidArgument: it is no source, or has no name that a server takes.
            OSError: the file can't be read.
            TimeoutError, ConnectionError: no node answered.
        """
        chosen = admin_policy(self._policies, policy)
        with importing:
            from pyspike.cluster import udf_modules

        return Task(udf_modules.register(self._cluster, source, name, chosen))

    def remove_udf(self, name: str, *, policy: AdminPolicy | None = None) -> Task:
        """Remove a module from all nodes, if there is one of this name.

        Args:
            name: its name, with or without ".lua".
            policy: the deadline for the first node's answer.

        Returns:
            What waits until no node has it.

        Raises:
            InvalidType, InvalidArgument: the name can't be one.
            ServerError, TimeoutError, ConnectionError: no node did it.
        """
        chosen = admin_policy(self._policies, policy)
        with importing:
            from pyspike.cluster import udf_modules

        return Task(udf_modules.remove(self._cluster, name, chosen))

    def list_udfs(self, *, policy: AdminPolicy | None = None) -> list[UdfModule]:
        """The modules that are registered, by their names.

        Raises:
            ServerError, TimeoutError, ConnectionError: no node told them.
        """
        chosen = admin_policy(self._policies, policy)
        with importing:
            from pyspike.cluster import udf_modules

        return udf_modules.list_modules(self._cluster, chosen)

    def get_udf(self, name: str, *, policy: AdminPolicy | None = None) -> str:
        """The source of a module. Bytes that are no UTF-8 are kept as surrogates (`surrogateescape`).

        Args:
            name: its name, with or without ".lua".
            policy: the deadline.

        Raises:
            UdfError: there is no such module.
            InvalidType, InvalidArgument: the name can't be one.
            ServerError, TimeoutError, ConnectionError: no node told it.
        """
        chosen = admin_policy(self._policies, policy)
        with importing:
            from pyspike.cluster import udf_modules

        return udf_modules.read(self._cluster, name, chosen)

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
            InvalidNode: the cluster has no such node.
            TimeoutError, ConnectionError: a node did not answer in time, or can't be reached.
            ServerError: a node answered with an error.
        """
        return self._cluster.info(*info_arguments(self._policies, command, node, policy))

    def stats(self) -> ClientStats:
        """How the connections to each node are used, and how tending goes."""
        return self._cluster.stats()

    def close(self, timeout: Milliseconds | None = None) -> None:
        """Close all connections; again is harmless.

        From now on no call begins: it raises ClientClosed. Without a timeout this does not wait for calls
        that are under way in other threads: one whose request was sent still gets its answer, and its
        connection is closed then; one that waits for a connection, or needs another attempt, fails with
        ClientClosed.

        Args:
            timeout: how long to wait for the calls that are under way, in milliseconds or as a timedelta;
                they go on meanwhile, with all that it takes. For those that are still under way then, it is
                as if there was no timeout.

        Raises:
            InvalidType, InvalidArgument: the timeout is no span of time.
        """
        self._cluster.close(0.0 if timeout is None else timeout_ms(timeout))

    def __enter__(self) -> Client:
        self._cluster.ensure_running()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "closed" if self._cluster.closed else ", ".join(self.node_names()) or "not connected"
        return f"<Client {state}>"
