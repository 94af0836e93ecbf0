"""What the fixtures of one pytest session share: the cluster, its clients, and the keys that tests wrote.

Owns: bringing the cluster and the clients back to their first state before each test. Not here: the fixtures
(__init__.py), and which keys count as written (written_keys.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

import pytest

from pyspike import AerospikeError, AsyncClient, Client, ClientPolicy, Key, Task, WritePolicy
from pyspike.errors import FailForbidden

if TYPE_CHECKING:
    from pyspike.server import EmbeddedCluster
    from pyspike.testing.written_keys import WrittenKeys

__all__ = ["SharedCluster"]

GONE = 10_000  # ms to wait until an index or a module is gone from all nodes


class SharedCluster:
    """A cluster and its clients, for all tests of a session.

    It is a plugin of pytest, because one of its methods is a hook.

    Args:
        hosts: the hosts that the clients are given.
        cluster: the embedded cluster, or None if the hosts are real servers.

    Attributes:
        policy: the policy of the clients; None is the default one.

    """

    def __init__(self, hosts: str, cluster: EmbeddedCluster | None) -> None:
        self.hosts = hosts
        self.cluster = cluster
        self.policy: ClientPolicy | None = None
        self._client: Client | None = None
        self._async_client: AsyncClient | None = None
        self._written: WrittenKeys | None = None

    @classmethod
    def of(cls, config: pytest.Config, hosts: str, cluster: EmbeddedCluster | None) -> SharedCluster:
        """Give the one of this session, which the first call makes."""
        shared = config.stash.get(_KEY, None)
        if shared is None:
            shared = config.stash[_KEY] = cls(hosts, cluster)
            config.pluginmanager.register(shared)
        return shared

    def end(self, config: pytest.Config) -> None:
        """Close the clients of a cluster that is about to end. Does nothing if that was done."""
        if config.stash.get(_KEY, None) is self:
            del config.stash[_KEY]
            config.pluginmanager.unregister(self)
        self.close()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        """Reset the embedded cluster before each test.

        Also before a test that uses no fixture: its code may have been given the hosts by another test.
        """
        if self.cluster is not None and self.cluster.reset():
            self.close()  # what the clients know of the nodes is of the test before

    def client(self) -> Client:
        """Give the client: a new one if a test has closed it, or has changed the nodes."""
        if self._client is None or not self._client.is_connected():
            self.close()
            if self.cluster is not None:
                self._client = Client(self.hosts, self.policy)
            else:
                from pyspike.testing.written_keys import TrackingClient, WrittenKeys

                self._written = WrittenKeys()
                self._client = TrackingClient(self.hosts, self._written, self.policy)
        return self._client

    def async_client(self) -> AsyncClient:
        """Give a client for tasks that shares the cluster of `client`."""
        client = self.client()
        if self._async_client is None or not self._async_client.is_connected():
            if self._written is None:
                self._async_client = AsyncClient.sharing(client)
            else:
                from pyspike.testing.written_keys import TrackingAsyncClient

                self._async_client = TrackingAsyncClient.of(client, self._written)
        return self._async_client

    def delete_written(self) -> None:
        """Delete from real servers what the test which has ended wrote or made through either client."""
        left = []
        for what, delete in self._leftovers():
            try:
                delete()
            except AerospikeError as error:  # noqa: PERF203 - the others can be deleted all the same
                left.append(f"{what}: {error.message}")
        if left:
            pytest.fail("records of this test stay on the servers:\n" + "\n".join(left), pytrace=False)

    def _leftovers(self) -> Iterator[tuple[str, Callable[[], object]]]:
        """What is to be deleted, each in words and with the call that does it."""
        written = self._written
        if written is None:
            return
        client = self.client()
        for key in written.take():
            yield repr(key), partial(_delete, client, key)
        for namespace, name in written.indexes:
            yield f"index {name} of {namespace}", partial(_gone, client.drop_index, namespace, name)
        for name in written.modules:
            yield f"module {name}", partial(_gone, client.remove_udf, name)
        written.indexes.clear()
        written.modules.clear()

    def close(self) -> None:
        """Close the clients."""
        client, self._client, self._async_client = self._client, None, None
        if client is not None:
            client.close()


def _delete(client: Client, key: Key) -> None:
    """Delete a record; durably where that is the only way, as in a namespace with strong consistency."""
    try:
        client.delete(key)
    except FailForbidden:
        client.delete(key, policy=WritePolicy(durable_delete=True))


def _gone(remove: Callable[..., Task], *names: str) -> None:
    """Remove something, and wait until no node has it."""
    remove(*names).wait(GONE)


_KEY = pytest.StashKey[SharedCluster]()
