"""`Client`: one pooled client for all threads of a process.

The commands on records are compiled: `src/wire/client_methods.pyx` and `src/wire/batch_methods.pyx` have
them, with their docstrings. How they get to a node is told in `cluster`. Those that change the cluster itself
are in `administration` and `user_administration`, the jobs of the nodes in `background_jobs`, queries in
`queries`, and writing of columns in `column_writes`.
"""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, overload

from pyspike._types import Milliseconds
from pyspike._wire import BatchCommands, Executor, timeout_ms
from pyspike.administration import Administration
from pyspike.arguments import Policies, client_policy, info_arguments
from pyspike.background_jobs import BackgroundJobs
from pyspike.column_writes import ColumnWrites
from pyspike.hosts import Host, HostsLike, parse_hosts
from pyspike.nodes import Node
from pyspike.policy import (
    AdminPolicy,
    BatchPolicy,
    ClientPolicy,
    InfoPolicy,
    QueryPolicy,
    ReadPolicy,
    TxnRollPolicy,
    TxnVerifyPolicy,
    WritePolicy,
)
from pyspike.process.lazy_imports import LazyModule, importing
from pyspike.queries import Queries
from pyspike.transaction import Transaction
from pyspike.transactions import Transactions, bound, refuse_bound
from pyspike.updates import Updates
from pyspike.user_administration import UserAdministration

if TYPE_CHECKING:
    from pyspike import metrics as client_metrics
    from pyspike import stats as client_stats
    from pyspike.cluster import Cluster
    from pyspike.cluster.drop_guard import DropGuard
else:
    client_metrics = LazyModule("pyspike.metrics")
    client_stats = LazyModule("pyspike.stats")


class Client(
    BatchCommands,
    Queries,
    ColumnWrites,
    Administration,
    UserAdministration,
    BackgroundJobs,
    Transactions,
    Updates,
):
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
    namespace's default), `generation` (the one the record must have) and `filter_expression`; and `txn`, the
    transaction that it is part of.

    Raises:
        ConnectFailed: no host could be reached; the message has each with its reason.
        InvalidArgument: `hosts` can't be read.
        InvalidType: `policy` is no `ClientPolicy`.
    """

    __slots__ = ("__weakref__", "_cluster", "_guard", "_namespace", "_policies")

    # Behind the compiled classes, so that it costs other commands nothing to find these.
    _take_part = Transactions._take_part

    def __init__(self, hosts: HostsLike, policy: ClientPolicy | None = None) -> None:
        with importing:
            from pyspike.cluster import Cluster
            from pyspike.cluster.drop_guard import DropGuard
            from pyspike.cluster.thread_executor import BlockingExecutor
            from pyspike.plans.batch import BatchPlan
            from pyspike.plans.partitions import QueryPlan

        policy = client_policy(policy)
        cluster = Cluster(parse_hosts(hosts), policy)
        executor: Executor = BlockingExecutor(cluster, BatchPlan, QueryPlan)
        if policy.is_watched:
            with importing:
                from pyspike.telemetry.watching import watched

            executor = watched(executor, cluster)
        cluster.start()
        guard = DropGuard(f"Client of {cluster.seeds}", cluster.is_open)
        self._namespace: str | None = None
        self._share(cluster, executor, guard, Policies.of(policy))

    @classmethod
    def from_url(cls, url: str, policy: ClientPolicy | None = None, *, password: str | None = None) -> Client:
        """A client of the cluster that a URL tells.

            Client.from_url("aerospike://ann@db-1:3000,db-2/test?read.total_timeout=200", password=secret)

        Between the slashes stand the user, if there is one, and the hosts as `Client` takes them. With
        `aerospikes://` the client speaks TLS: a host without a TLS name needs a certificate for the name by
        which the URL calls it. A namespace may stand behind the hosts: the cluster must have it, and it is
        the client's `namespace`. Options are the fields of `ClientPolicy`, and those of the policies in it
        with the name of the field and a dot in front: `timeout` is how long connecting may take,
        `write.total_timeout` the deadline of writes, `tls.ca_file` whom to trust. Times are milliseconds,
        enums are the names of their members (`read.replica=prefer_rack`), lists have commas
        (`rack_ids=1,2`), and `ip_map` has pairs (`ip_map=172.17.0.2=10.0.0.2`); `true`, `false` and `none`
        are what they say. What is no text, such as a filter or an `ssl.SSLContext`, is for `policy`.

        Args:
            url: the text; characters that have a meaning in URLs are written `%40` and the like in a user, a
                password and options.
            policy: what counts for all that the URL does not say.
            password: the user's, if the URL has none. A URL with a password should be kept as secret as that
                is; errors show none of it.

        Raises:
            InvalidType: an argument is of the wrong type.
            InvalidArgument: the URL can't be read, has an unknown option, or says what can't be.
            InvalidNamespace: the cluster has no such namespace.
            ConnectFailed: no host could be reached.
        """
        with importing:
            from pyspike.url import parse_url

        return cls._at(*parse_url(url, client_policy(policy), password))

    @classmethod
    def from_env(cls, policy: ClientPolicy | None = None) -> Client:
        """A client of the cluster that the environment tells.

        `PYSPIKE_URL` is a URL as `from_url` takes it, or else `PYSPIKE_HOSTS` are hosts as `Client` takes
        them. A user that the URL does not have comes from `PYSPIKE_USER`, the password from
        `PYSPIKE_PASSWORD`, that of the key of a certificate from `PYSPIKE_TLS_KEY_PASSWORD`. A variable that
        is empty is none.

        Args:
            policy: what counts for all that the environment does not say.

        Raises:
            InvalidType: `policy` is no `ClientPolicy`.
            InvalidArgument: neither `PYSPIKE_URL` nor `PYSPIKE_HOSTS` is set, or both are; or as from
                `from_url`.
            InvalidNamespace, ConnectFailed: as from `from_url`.
        """
        with importing:
            from pyspike.url import parse_environment

        return cls._at(*parse_environment(client_policy(policy)))

    @classmethod
    def _at(cls, hosts: tuple[Host, ...], policy: ClientPolicy, namespace: str | None) -> Client:
        client = cls(hosts, policy)
        if namespace is not None:
            with importing:
                from pyspike.cluster.info_names import known_namespace

            try:
                client._namespace = known_namespace(client._cluster, namespace)
            except BaseException:
                client.close()
                raise
        return client

    def _share(self, cluster: Cluster, executor: Executor, guard: DropGuard, policies: Policies) -> None:
        BatchCommands.__init__(
            self, executor, policies.read.settings, policies.write.settings, policies.batch.settings
        )
        self._know(cluster.types)
        self._cluster = cluster
        self._guard = guard
        self._policies = policies
        if cluster.dynamic is not None:
            self._follow(cluster.dynamic, policies)

    def with_policies(
        self,
        *,
        read: ReadPolicy | None = None,
        write: WritePolicy | None = None,
        info: InfoPolicy | None = None,
        admin: AdminPolicy | None = None,
        batch: BatchPolicy | None = None,
        query: QueryPolicy | None = None,
        txn_verify: TxnVerifyPolicy | None = None,
        txn_roll: TxnRollPolicy | None = None,
    ) -> Client:
        """A view on the same cluster with other default policies; cheap. Closing either closes both.

        Raises:
            InvalidType: a policy is of another kind.
        """
        policies = self._policies.changed(read, write, info, admin, batch, query, txn_verify, txn_roll)
        return self._view(self._executor, policies)

    def with_transaction(self, txn: Transaction) -> Client:
        """A view on the same cluster that is bound to a transaction: all of its commands take part; cheap.

            def transfer(txn):
                inside = client.with_transaction(txn)
                inside.add(ann, {"balance": -10})
                inside.add(bob, {"balance": 10})

            client.run_in_transaction(transfer)

        So none can be forgotten, also by functions that take a client and know of no transaction. What can
        take no part is refused: queries, batch streams, columns, jobs in the background, info commands and
        the administration; so are other transactions. The transaction is ended as ever, and the view refuses
        commands then. Closing either closes both.

        Args:
            txn: the transaction.

        Raises:
            InvalidType: this is no transaction.
            InvalidArgument: the client is bound to another one.
        """
        return self._view(bound(self._executor, txn, self._take_part), self._policies)

    def _view(self, executor: Executor, policies: Policies) -> Client:
        view = self.__new__(type(self))
        view._namespace = self._namespace
        view._share(self._cluster, executor, self._guard, policies)
        return view

    # --- the cluster ---

    @property
    def namespace(self) -> str | None:
        """The namespace that the client's URL names, for keys and statements; None without one."""
        return self._namespace

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
        command, name, chosen = info_arguments(self._policies, command, node, policy)
        with importing:
            from pyspike.cluster import asking

        with self._call("info", chosen.timeout) as call:
            return asking.info(call, command, name)

    def stats(self) -> client_stats.ClientStats:
        """How the connections to each node are used, and how tending goes."""
        return self._cluster.stats()

    def metrics(self) -> client_metrics.ClientMetrics:
        """What the commands so far came to: counts, errors, retries, bytes and latencies.

            print(client.metrics().of(method="get").latency.percentile(99))

        They are counted by node, namespace and method, always: that costs a command less than a fiftieth of
        its time. They begin with the client, in a forked child with zero, and do not go down when a node
        leaves. The client's views and a client that shares its cluster have the same ones.
        """
        return self._cluster.metrics()

    def close(self, timeout: Milliseconds | None = None) -> None:
        """Close all connections; again is harmless.

        From now on no call begins: it raises ClientClosed. Without a timeout this does not wait for calls
        that are under way in other threads: one whose request was sent still gets its answer, and its
        connection is closed then; one that waits for a connection, or needs another attempt, fails with
        ClientClosed. Transactions that are open are aborted first, with a ResourceWarning; what of that
        takes more than a second is left to the servers.

        Args:
            timeout: how long to wait for the calls that are under way, in milliseconds or as a timedelta;
                they go on meanwhile, with all that it takes. For those that are still under way then, it is
                as if there was no timeout.

        Raises:
            InvalidType, InvalidArgument: the timeout is no span of time.
        """
        wait = 0.0 if timeout is None else timeout_ms(timeout)
        try:
            self._abort_open()
        finally:  # also where a warning is an error
            self._cluster.close(wait)

    def __enter__(self) -> Client:
        refuse_bound(self._executor, "is not entered")
        self._cluster.ensure_running()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "closed" if self._cluster.closed else ", ".join(self.node_names()) or "not connected"
        return f"<Client {state}>"
