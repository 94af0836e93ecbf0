"""Clients come and go without a trace: no thread, socket or memory stays behind, however they are used."""

from __future__ import annotations

import os
import weakref

import pytest

from pyspike import Client, ClientPolicy, Key, ReadPolicy, errors
from pyspike.errors import ClientClosed
from pyspike.server import EmbeddedCluster
from support.clients import at_most
from support.cluster_tools import Outcome, in_thread, pools, wait_until
from support.sockets import sockets
from support.threads import pyspike_threads
from support.unclosed import expects_unclosed

pytestmark = pytest.mark.both_kinds

TRULY_LINUX = pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts descriptors in /proc")


KEY = Key("test", "lifecycle", 1)


def use(client: Client) -> None:
    client.put(KEY, {"a": 1})
    assert client.get(KEY).bins == {"a": 1}


# Gone -------------------------------------------------------------------------------------------------------


@TRULY_LINUX
def test_a_closed_client_leaves_no_thread_and_no_socket(one: EmbeddedCluster) -> None:
    threads, before = pyspike_threads(), sockets()
    client = Client(one.hosts, ClientPolicy(min_conns_per_node=3))
    use(client)
    assert len(sockets()) > len(before)
    assert len(pyspike_threads() - threads) == 1
    client.close()
    assert pyspike_threads() <= threads
    assert sockets() == before


@TRULY_LINUX
def test_a_dropped_client_goes_with_its_thread_and_sockets(one: EmbeddedCluster) -> None:
    threads, before = pyspike_threads(), sockets()
    client = Client(one.hosts, ClientPolicy(tend_interval=60_000))
    use(client)
    gone = weakref.ref(client)
    with expects_unclosed():
        del client
    assert gone() is None
    wait_until(lambda: pyspike_threads() <= threads, "the end of the tend thread")
    wait_until(lambda: sockets() == before, "the end of the sockets")


@TRULY_LINUX
def test_a_dropped_client_that_tends_all_the_time_goes_too(one: EmbeddedCluster) -> None:
    threads, before = pyspike_threads(), sockets()
    with expects_unclosed(10):
        for _ in range(10):
            client = Client(one.hosts, ClientPolicy(tend_interval=1))
            use(client)
            del client
    wait_until(lambda: pyspike_threads() <= threads and sockets() == before, "the end of all")


@TRULY_LINUX
def test_a_client_that_failed_to_connect_leaves_nothing() -> None:
    threads, before = pyspike_threads(), sockets()
    for _ in range(20):
        with pytest.raises(errors.ConnectFailed):
            Client("127.0.0.1:1,127.0.0.1:2")
    wait_until(lambda: pyspike_threads() <= threads, "the end of the threads")
    assert sockets() == before


def test_a_view_keeps_the_cluster_and_goes_with_it(one: EmbeddedCluster) -> None:
    threads = pyspike_threads()
    client = Client(one.hosts)
    view = client.with_policies(read=ReadPolicy(max_retries=0))
    with expects_unclosed(0):
        del client
    use(view)
    assert len(pyspike_threads() - threads) == 1
    with expects_unclosed():
        del view
    wait_until(lambda: pyspike_threads() <= threads, "the end of the tend thread")


def test_a_client_in_a_cycle_goes_with_the_cycle(one: EmbeddedCluster) -> None:
    threads = pyspike_threads()
    cycle: list[object] = [Client(one.hosts)]
    cycle.append(cycle)
    with expects_unclosed():
        del cycle
    wait_until(lambda: pyspike_threads() <= threads, "the end of the tend thread")


# Close ------------------------------------------------------------------------------------------------------


def test_closing_again_is_harmless(one: EmbeddedCluster) -> None:
    client = Client(one.hosts)
    use(client)
    for _ in range(3):
        client.close()
    with pytest.raises(ClientClosed):
        client.__enter__()
    with pytest.raises(ClientClosed):
        client.get(KEY)


def test_a_client_that_is_closed_can_not_be_entered(one: EmbeddedCluster) -> None:
    client = Client(one.hosts)
    view = client.with_policies()
    client.close()
    for each in (client, view):
        with pytest.raises(ClientClosed, match="the client is closed"), each:
            pytest.fail("it was entered")


def test_closing_from_many_threads_is_harmless(one: EmbeddedCluster) -> None:
    client = Client(one.hosts)
    use(client)
    for call in [in_thread(client.close) for _ in range(8)]:
        call.result()
    assert client.is_connected() is False


def expect_end_of_what_was_under_way(call: Outcome, kind: str) -> None:
    """Threads have their answers yet; an AsyncClient takes its connections along, as its `close` says."""
    if kind == "threads":
        assert call.result().bins == {"a": 1}
    else:
        assert isinstance(call.error(), ClientClosed)


def test_commands_under_way_end_when_the_client_is_closed(one: EmbeddedCluster, client_kind: str) -> None:
    client = Client(one.hosts)
    client.put(KEY, {"a": 1})
    one.nodes[0].delay(0.3)
    calls = [in_thread(lambda: client.get(KEY, timeout=10_000)) for _ in range(4)]
    wait_until(lambda: pools(client, "in_flight") == 4)
    client.close()
    for call in calls:
        expect_end_of_what_was_under_way(call, client_kind)
    with pytest.raises(ClientClosed):
        client.get(KEY)


def test_commands_in_line_end_when_the_client_is_closed(one: EmbeddedCluster, client_kind: str) -> None:
    client = Client(one.hosts, at_most(1))
    client.put(KEY, {"a": 1})
    one.nodes[0].delay(0.5)
    holder = in_thread(lambda: client.get(KEY, timeout=10_000))
    wait_until(lambda: pools(client, "in_flight") == 1)
    waiting = [in_thread(lambda: client.get(KEY, timeout=10_000)) for _ in range(3)]
    wait_until(lambda: pools(client, "waiting") == 3)
    client.close()
    for call in waiting:
        assert isinstance(call.error(), ClientClosed)
    expect_end_of_what_was_under_way(holder, client_kind)


def test_closing_under_load_gives_results_or_says_closed(one: EmbeddedCluster) -> None:
    for _ in range(5):
        client = Client(one.hosts)
        client.put(KEY, {"a": 1})

        def work(client: Client = client) -> None:
            while True:
                assert client.get(KEY).bins == {"a": 1}

        calls = [in_thread(work) for _ in range(6)]
        wait_until(lambda client=client: pools(client, "in_flight") >= 2)  # type: ignore[misc]
        client.close()
        for call in calls:
            assert isinstance(call.error(), ClientClosed)
