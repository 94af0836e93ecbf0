"""A client that is dropped unclosed says so, as files and sockets do, and goes all the same."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import warnings
import weakref

import pytest

from pyspike import AsyncClient, Client, ClientPolicy, Key, errors
from pyspike.server import EmbeddedCluster
from support.cluster_tools import wait_until
from support.threads import tend_threads
from support.unclosed import expects_unclosed

pytestmark = pytest.mark.both_kinds

KEY = Key("test", "s", 1)
NOWHERE = ClientPolicy(fail_if_not_connected=False, timeout=100)


def test_a_dropped_client_names_its_hosts_and_the_line_that_dropped_it(one: EmbeddedCluster) -> None:
    client = Client(one.hosts)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        del client
        gc.collect()
    assert len(caught) == 1
    assert caught[0].category is ResourceWarning
    assert str(caught[0].message) in (
        f"unclosed Client of {one.hosts}",
        f"unclosed AsyncClient of {one.hosts}",
    )
    assert caught[0].filename == __file__


def test_a_client_that_never_connected_has_to_be_closed_too() -> None:
    client = Client("127.0.0.1:1", NOWHERE)
    with expects_unclosed():
        del client
    with expects_unclosed(0), pytest.raises(errors.ConnectFailed):
        Client("127.0.0.1:1", ClientPolicy(timeout=100))


def test_views_warn_once_and_only_when_the_last_is_dropped(one: EmbeddedCluster) -> None:
    client = Client(one.hosts)
    views = [client.with_policies() for _ in range(3)]
    views.append(views[0].with_policies())
    with expects_unclosed(0):
        del client
        del views[1:]
    assert views[0].exists(KEY) is False
    with expects_unclosed():
        views.clear()


@pytest.mark.parametrize("closes", ["client", "view", "with"])
def test_a_client_that_was_closed_by_any_view_goes_in_silence(one: EmbeddedCluster, closes: str) -> None:
    client = Client(one.hosts)
    view = client.with_policies()
    with expects_unclosed(0):
        if closes == "with":
            with view:
                view.exists(KEY)
        else:
            (client if closes == "client" else view).close()
        del client, view


def test_a_warning_that_is_kept_keeps_no_cluster(one: EmbeddedCluster) -> None:
    threads = tend_threads()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        client = Client(one.hosts)
        client.exists(KEY)
        gone = weakref.ref(client)
        del client
        gc.collect()
    assert len(caught) == 1
    assert gone() is None
    wait_until(lambda: tend_threads() <= threads, "the end of the tend thread")


@pytest.mark.one_kind("is about both at once")
def test_tasks_that_share_a_client_keep_it_and_warn_of_what_they_left_open(one: EmbeddedCluster) -> None:
    async def run() -> None:
        client: Client | None = Client(one.hosts)
        tasks: AsyncClient | None = AsyncClient.sharing(client)
        assert tasks is not None
        with expects_unclosed(0):
            client = None
        assert await tasks.exists(KEY) is False
        with expects_unclosed(2):  # the tasks' connections, and the cluster of the blocking client
            tasks = None
        client = Client(one.hosts)
        tasks = AsyncClient.sharing(client)
        assert await tasks.exists(KEY) is False
        with expects_unclosed(0):
            await tasks.close()
            tasks = None
        client.close()
        with expects_unclosed(0):
            client = None

    asyncio.run(run())


@pytest.mark.one_kind("is about AsyncClient")
def test_an_async_client_that_was_never_entered_has_nothing_to_close(one: EmbeddedCluster) -> None:
    client = AsyncClient(one.hosts)
    with expects_unclosed(0):
        del client


def test_a_fork_that_does_not_use_the_client_does_not_warn(one: EmbeddedCluster) -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
        client = Client(one.hosts)
        client.exists(KEY)
        child = os.fork()
        if child == 0:
            try:
                with expects_unclosed(0):
                    del client
                os._exit(0)
            except BaseException:
                os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    client.close()


EXIT = """
import socket, sys
import pyspike
client = pyspike.Client(sys.argv[1])
client.exists(("test", "s", 1))
left = socket.socket()
"""


@pytest.mark.parametrize("flags", [[], ["-W", "default"], ["-W", "error"]])
@pytest.mark.one_kind("runs a script")
def test_the_interpreters_exit_warns_where_it_warns_of_sockets(
    one: EmbeddedCluster, flags: list[str]
) -> None:
    ended = subprocess.run(
        [sys.executable, *flags, "-c", EXIT, one.hosts],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (0, "")
    assert ("unclosed <socket" in ended.stderr) == ("unclosed Client" in ended.stderr) == bool(flags)
    assert "Traceback" not in ended.stderr or flags == ["-W", "error"]
