"""`AsyncClient`: the same client for the tasks of asyncio loops.

The commands on records are those of `Client`, compiled (`src/wire/client_methods.pyx` and
`src/wire/batch_methods.pyx`): each returns a coroutine. They are sent on connections inside the caller's own
loop, by one `LoopExecutor` a loop (`cluster/loop_executor.py`); the cluster is tended in a thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from types import TracebackType
from typing import TYPE_CHECKING, overload

from pyspike import _wire
from pyspike import stats as client_stats
from pyspike._types import Milliseconds
from pyspike._wire import AsyncCommands, Batch, Executor, Key, Query, timeout_ms
from pyspike.arguments import Policies, client_policy, info_arguments
from pyspike.async_administration import AsyncAdministration
from pyspike.async_background_jobs import AsyncBackgroundJobs
from pyspike.async_column_writes import AsyncColumnWrites
from pyspike.async_queries import AsyncQueries
from pyspike.async_transactions import AsyncTransactions
from pyspike.async_updates import AsyncUpdates
from pyspike.async_user_administration import AsyncUserAdministration
from pyspike.client import Client
from pyspike.cluster import Cluster, asking
from pyspike.cluster.cluster import CALLS_PAUSE
from pyspike.cluster.drop_guard import DropGuard
from pyspike.cluster.info_names import known_namespace
from pyspike.cluster.loop_executor import LoopExecutor
from pyspike.errors import ClientClosed, InvalidType
from pyspike.hosts import Host, HostsLike, parse_hosts
from pyspike.nodes import Node
from pyspike.plans.batch import BatchPlan
from pyspike.plans.partitions import QueryPlan
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
from pyspike.process import fork, members
from pyspike.process.in_thread import in_thread
from pyspike.process.lazy_imports import LazyModule, importing
from pyspike.process.weak_registry import WeakRegistry
from pyspike.transaction import Transaction
from pyspike.transactions import bound, refuse_bound

if TYPE_CHECKING:
    from pyspike import metrics as client_metrics
else:
    client_metrics = LazyModule("pyspike.metrics")


class AsyncExecutor(_wire.AsyncExecutor):
    """The executors of one client, one a loop; shared by its views. The compiled half has the same name.

    Args:
        cluster: the cluster to run commands on.
        owner: the guard of the client whose closing closes the cluster, if that is another one.
    """

    __slots__ = ("__weakref__", "_lock", "_owner", "closed", "cluster", "guard", "transactions")

    def __init__(self, cluster: Cluster, owner: DropGuard | None = None) -> None:
        self.cluster = cluster
        self.closed = False
        self.transactions: WeakRegistry[Transaction] = WeakRegistry()  # those that it has run commands of
        self._lock = threading.Lock()
        self._owner = owner
        executors = self.executors
        is_open = cluster.is_open if owner is None else lambda: cluster.is_open() and _any_open(executors)
        guard = DropGuard(f"AsyncClient of {cluster.seeds}", is_open, armed=owner is not None)
        self.guard = guard

        def dropped(_: object) -> None:
            try:
                guard.dropped()
            finally:  # also where the warning is an error
                _let_go(executors)

        members.register(self, dropped)

    def plan(self, batch: Batch) -> BatchPlan:
        """The plan that decides which nodes are asked for the rows of a batch."""
        return BatchPlan(self.cluster, batch)

    def query_plan(self, query: Query) -> QueryPlan:
        """The plan that decides which nodes are asked for the partitions of a query."""
        if self.closed or self.cluster.closed:
            raise ClientClosed("the client is closed")
        return QueryPlan(self.cluster, query)

    def enter(self, loop: asyncio.AbstractEventLoop, key: Key | None) -> LoopExecutor:
        """Make the executor of a loop in which a command is awaited for the first time."""
        if not self.cluster.rounds:
            raise ClientClosed(
                "the client is not connected yet",
                key=key,
                advice="write `async with AsyncClient(...) as client`, or `await AsyncClient.connect(...)`",
            )
        with self._lock:
            if self.closed or self.cluster.closed:
                raise ClientClosed("the client is closed", key=key)
            for old in [each for each in self.executors if each.is_closed()]:
                self.executors.pop(old).abandon()
            executor = self.executors[loop] = LoopExecutor(loop, self.cluster)
        executor.watch_loop()
        executor.warm_up(self.cluster.nodes)
        return executor

    async def warm_up(self) -> None:
        """Have the running loop open the connections that the policy wants to be there in advance."""
        if self.cluster.policy.min_conns_per_node:
            loop = asyncio.get_running_loop()
            await (self.executors.get(loop) or self.enter(loop, None)).warmed_up()

    def all(self) -> list[LoopExecutor]:
        """The executors there are."""
        with self._lock:
            return list(self.executors.values())

    def after_fork(self) -> None:
        """Forget the executors in a child process, but for that of a loop that goes on here."""
        self._lock = threading.Lock()
        loop = _loop_that_goes_on()
        running = self.executors.get(loop) if loop is not None else None
        for executor in self.executors.values():
            if executor is not running:
                executor.abandon()
        self.executors.clear()
        if running is not None:
            self.executors[running.loop] = running
            running.lose_connections()

    def at_exit(self) -> None:
        """Do nothing when the interpreter ends: no thread belongs to loops."""

    async def close(self, wait: float = 0.0) -> None:
        """Close the connections in all loops, and wait until those of this one are closed.

        Args:
            wait: how many milliseconds to wait before that for the commands that are under way in any loop;
                none begins from now on.
        """
        with self._lock:
            self.closed = True
        loop = asyncio.get_running_loop()
        executors = self.all()
        for executor in executors:
            executor.refuse()
        end = loop.time() + wait / 1000
        try:
            while loop.time() < end and any(executor.is_busy for executor in executors):
                await asyncio.sleep(CALLS_PAUSE)
            for executor in self.all():
                if executor.loop is loop:
                    await executor.aclose()
        finally:
            with self._lock:
                _let_go(self.executors)


def _watched(loops: AsyncExecutor) -> Executor:
    """What runs the commands of a client: as its policy says, with whoever watches its calls in between."""
    if not loops.cluster.policy.is_watched:
        return loops
    with importing:
        from pyspike.telemetry.watching import watched

    return watched(loops, loops.cluster)


def _any_open(executors: dict[asyncio.AbstractEventLoop, LoopExecutor]) -> bool:
    """Whether one has connections in a loop that still runs."""
    return any(not (executor.closed or loop.is_closed()) for loop, executor in list(executors.items()))


def _let_go(executors: dict[asyncio.AbstractEventLoop, LoopExecutor]) -> None:
    """Have each executor closed in the next turn of its loop."""
    for executor in list(executors.values()):
        with contextlib.suppress(RuntimeError):  # the loop is closed
            executor.loop.call_soon_threadsafe(executor.close)
    executors.clear()


def _loop_that_goes_on() -> asyncio.AbstractEventLoop | None:
    """The loop that called `fork`, in a child process in which it goes on; None if it does not."""
    if fork.forked_by_python():
        return None
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


class AsyncClient(
    AsyncCommands,
    AsyncQueries,
    AsyncColumnWrites,
    AsyncAdministration,
    AsyncUserAdministration,
    AsyncBackgroundJobs,
    AsyncTransactions,
    AsyncUpdates,
):
    """A client of one cluster for asyncio, shared by all tasks, and by the loops of all threads.

        async with AsyncClient("127.0.0.1:3000") as client:
            record = await client.get(("test", "users", "ann"))

    Without `async with`: `client = await AsyncClient.connect(hosts)`, and `await client.close()` in the end.
    Arguments, policies, records and errors are those of `Client`. A task that is cancelled harms no other; a
    write that was on its way may be done all the same, until its deadline. Connections belong to the loop
    they are used in and end with it, as `asyncio.run` ends it; whoever runs a loop by hand calls its
    `shutdown_asyncgens()` before closing it, or closes the client.

    Args:
        hosts: as in `Client`.
        policy: as in `Client`; `pipelines_per_node` and `commands_per_pipeline` are for this class.

    Raises:
        ConnectFailed: (on entering) no host could be reached; the message has each with its reason.
        ClientClosed: (on entering) it was closed before.
        InvalidArgument: `hosts` can't be read.
        InvalidType: `policy` is no `ClientPolicy`.
    """

    __slots__ = ("__weakref__", "_cluster", "_loops", "_namespace", "_owner", "_policies")

    # Behind the compiled classes, so that it costs other commands nothing to find these.
    _take_part = AsyncTransactions._take_part

    _loops: AsyncExecutor

    def __init__(self, hosts: HostsLike, policy: ClientPolicy | None = None) -> None:
        policy = client_policy(policy)
        cluster = Cluster(parse_hosts(hosts), policy, for_threads=False)
        self._namespace: str | None = None
        loops = AsyncExecutor(cluster)
        self._share(loops, _watched(loops), Policies.of(policy), owner=True)

    @classmethod
    async def connect(cls, hosts: HostsLike, policy: ClientPolicy | None = None) -> AsyncClient:
        """A client that is connected."""
        return await cls(hosts, policy).__aenter__()

    @classmethod
    def from_url(
        cls, url: str, policy: ClientPolicy | None = None, *, password: str | None = None
    ) -> AsyncClient:
        """A client of the cluster that a URL tells: see `Client.from_url`. It connects when it is entered."""
        with importing:
            from pyspike.url import parse_url

        return cls._at(*parse_url(url, client_policy(policy), password))

    @classmethod
    def from_env(cls, policy: ClientPolicy | None = None) -> AsyncClient:
        """A client of the cluster that the environment tells: see `Client.from_env`. It connects when it is
        entered.
        """
        with importing:
            from pyspike.url import parse_environment

        return cls._at(*parse_environment(client_policy(policy)))

    @classmethod
    def _at(cls, hosts: tuple[Host, ...], policy: ClientPolicy, namespace: str | None) -> AsyncClient:
        client = cls(hosts, policy)
        client._namespace = namespace
        return client

    @classmethod
    def sharing(cls, client: Client) -> AsyncClient:
        """A client that uses the nodes, the partition map and the tending of a blocking one.

        So an application with threads and tasks looks after its cluster once. Closing this client closes the
        connections of its tasks only; closing the other one ends both.

        Raises:
            InvalidType: it is no `Client`.
        """
        if not isinstance(client, Client):
            raise InvalidType(f"what is shared must be a Client, not {type(client).__name__}")
        new = cls.__new__(cls)
        new._namespace = client._namespace
        loops = AsyncExecutor(client._cluster, client._guard)
        new._share(loops, _watched(loops), client._policies, owner=False)
        return new

    def _share(self, loops: AsyncExecutor, executor: Executor, policies: Policies, *, owner: bool) -> None:
        AsyncCommands.__init__(
            self, executor, policies.read.settings, policies.write.settings, policies.batch.settings
        )
        self._know(loops.cluster.types)
        self._loops = loops
        self._cluster = loops.cluster
        self._policies = policies
        if loops.cluster.dynamic is not None:
            self._follow(loops.cluster.dynamic, policies)
        self._owner = owner  # whether closing this one closes the cluster

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
    ) -> AsyncClient:
        """A view on the same cluster with other default policies; cheap. Closing either closes both.

        Raises:
            InvalidType: a policy is of another kind.
        """
        policies = self._policies.changed(read, write, info, admin, batch, query, txn_verify, txn_roll)
        return self._view(self._executor, policies)

    def with_transaction(self, txn: Transaction) -> AsyncClient:
        """A view on the same cluster that is bound to a transaction: see `Client.with_transaction`."""
        return self._view(bound(self._executor, txn, self._take_part), self._policies)

    def _view(self, executor: Executor, policies: Policies) -> AsyncClient:
        view = self.__new__(type(self))
        view._namespace = self._namespace
        view._share(self._loops, executor, policies, owner=self._owner)
        return view

    # --- the cluster ---

    @property
    def namespace(self) -> str | None:
        """The namespace that the client's URL names: see `Client.namespace`."""
        return self._namespace

    def nodes(self) -> tuple[Node, ...]:
        """The nodes of the cluster as it is known now."""
        return tuple(node.seen() for node in self._cluster.nodes)

    def node_names(self) -> list[str]:
        """The names of the nodes."""
        return [node.name for node in self._cluster.nodes]

    def is_connected(self) -> bool:
        """Whether the client is open and at least one node answers."""
        return not self._loops.closed and self._cluster.is_connected()

    @overload
    async def info(
        self, command: str, node: None = None, *, policy: InfoPolicy | None = None
    ) -> dict[str, str]: ...

    @overload
    async def info(self, command: str, node: str | Node, *, policy: InfoPolicy | None = None) -> str: ...

    async def info(
        self, command: str, node: str | Node | None = None, *, policy: InfoPolicy | None = None
    ) -> dict[str, str] | str:
        """Send an info command: see `Client.info`."""
        command, name, chosen = info_arguments(self._policies, command, node, policy)
        with self._call("info", chosen.timeout) as call:
            return await in_thread(asking.info, call, command, name)

    def stats(self) -> client_stats.ClientStats:
        """How the connections to each node are used, all together and in each loop, and how tending goes."""
        return self._cluster.stats().with_loops(tuple(executor.stats() for executor in self._loops.all()))

    def metrics(self) -> client_metrics.ClientMetrics:
        """What the commands so far came to: see `Client.metrics`. It has those of all loops."""
        return self._cluster.metrics()

    async def close(self, timeout: Milliseconds | None = None) -> None:
        """Close all connections; again is harmless.

        From now on no command begins: it raises ClientClosed. Without a timeout those that are under way fail
        with ClientClosed. Transactions that are open are aborted first, with a ResourceWarning; what of that
        takes more than a second is left to the servers.

        Args:
            timeout: how long to wait for the commands that are under way, in milliseconds or as a timedelta;
                they go on meanwhile, with all that it takes. Those that are still under way then fail.

        Raises:
            InvalidType, InvalidArgument: the timeout is no span of time.
        """
        wait = 0.0 if timeout is None else timeout_ms(timeout)
        try:
            try:
                await self._abort_open()
            finally:  # also where a warning is an error
                await self._loops.close(wait)
        finally:
            if self._owner:
                # If this task is cancelled, the thread closes the cluster all the same.
                await in_thread(self._cluster.close)

    async def __aenter__(self) -> AsyncClient:
        refuse_bound(self._executor, "is not entered")
        if self._loops.closed or self._cluster.closed:
            raise ClientClosed("the client is closed", advice="make a new one")
        if self._owner and not self._cluster.rounds:
            await in_thread(self._start)
        self._loops.guard.armed = True
        await self._loops.warm_up()
        return self

    def _start(self) -> None:
        self._cluster.start()
        if self._namespace is not None:
            try:
                known_namespace(self._cluster, self._namespace)
            except BaseException:
                self._cluster.close()
                raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        closed = self._loops.closed or self._cluster.closed
        state = "closed" if closed else ", ".join(self.node_names()) or "not connected"
        return f"<AsyncClient {state}>"
