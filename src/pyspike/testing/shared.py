"""What the fixtures share in a session: the cluster, its clients, and what tests wrote to real servers.

Owns: how one test is kept from the next. Not here: the fixtures (__init__.py), what counts as having written
(written.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pyspike import AerospikeError, AsyncClient, Client

if TYPE_CHECKING:
    from pyspike.server import EmbeddedCluster
    from pyspike.testing.written import Written

__all__ = ["Shared"]


class Shared:
    """A cluster and its clients, for all tests of a session; a plugin, for the sake of its hook.

    Args:
        hosts: where clients begin.
        cluster: the embedded cluster, or None if the hosts are real servers.
    """

    def __init__(self, hosts: str, cluster: EmbeddedCluster | None) -> None:
        self.hosts = hosts
        self.cluster = cluster
        self._client: Client | None = None
        self._async_client: AsyncClient | None = None
        self._written: Written | None = None

    @classmethod
    def of(cls, config: pytest.Config, hosts: str, cluster: EmbeddedCluster | None) -> Shared:
        """That of this session, which begins with the first call."""
        shared = config.stash.get(_KEY, None)
        if shared is None:
            shared = config.stash[_KEY] = cls(hosts, cluster)
            config.pluginmanager.register(shared)
        return shared

    def end(self, config: pytest.Config) -> None:
        """Let go of the cluster, which is about to end; again is harmless."""
        if config.stash.get(_KEY, None) is self:
            del config.stash[_KEY]
            config.pluginmanager.unregister(self)
        self.close()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        """Before each test, also one that uses no fixture: its code may know the hosts from another one."""
        if self.cluster is not None and self.cluster.reset():
            self.close()  # what the clients know of the nodes is of the test before

    def client(self) -> Client:
        """The client; a new one if a test has closed it or tampered with the nodes."""
        if self._client is None or not self._client.is_connected():
            self.close()
            if self.cluster is not None:
                self._client = Client(self.hosts)
            else:
                from pyspike.testing.written import KnowingClient, Written

                self._written = Written()
                self._client = KnowingClient(self.hosts, self._written)
        return self._client

    def async_client(self) -> AsyncClient:
        """A client for tasks that shares the cluster of `client`."""
        client = self.client()
        if self._async_client is None or not self._async_client.is_connected():
            if self._written is None:
                self._async_client = AsyncClient.sharing(client)
            else:
                from pyspike.testing.written import KnowingAsyncClient

                self._async_client = KnowingAsyncClient.of(client, self._written)
        return self._async_client

    def delete_written(self) -> None:
        """Delete from real servers what the test that has ended wrote through either client."""
        left = []
        for key in self._written.take() if self._written is not None else ():
            try:
                self.client().delete(key)
            except AerospikeError as error:  # noqa: PERF203 - the others can be deleted all the same
                left.append(f"{key!r}: {error.message}")
        if left:
            pytest.fail("records of this test stay on the servers:\n" + "\n".join(left), pytrace=False)

    def close(self) -> None:
        """Close the clients."""
        client, self._client, self._async_client = self._client, None, None
        if client is not None:
            client.close()


_KEY = pytest.StashKey[Shared]()
