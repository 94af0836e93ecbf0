"""Modules of functions: registered by text or file, on every node when the task is done; read and removed."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pyspike import (
    AdminPolicy,
    Client,
    ClientPolicy,
    InfoPolicy,
    InvalidArgument,
    InvalidType,
    UdfError,
    UdfModule,
    errors,
)
from pyspike.server import EmbeddedCluster
from support.cluster_tools import within

lupa = pytest.importorskip("lupa", reason="a module is compiled by the server")

ONE = "function one(rec) return 1 end\n"
RUN = os.urandom(4).hex()
_numbers = itertools.count()


@pytest.fixture
def module(client: Any) -> Iterator[str]:
    """The name of a module that is not there, and is removed after the test."""
    name = f"t{RUN}_{next(_numbers)}.lua"
    yield name
    client.remove_udf(name).wait(10_000)


def names(client: Any) -> list[str]:
    return [each.name for each in client.list_udfs()]


def test_a_module_is_registered_listed_read_replaced_and_removed(client: Any, module: str) -> None:
    assert module not in names(client)
    task = client.register_udf(ONE, module)
    assert f"module {module} is registered" in repr(task)
    seen: list[float] = []
    assert task.wait(10_000, progress=seen.append) is None
    assert seen[-1] == task.progress == 1.0
    assert task.done()
    assert set(task.nodes) == set(client.node_names())

    (found,) = (each for each in client.list_udfs() if each.name == module)
    assert found == UdfModule(module, found.hash, "LUA")
    assert len(found.hash) == 40
    assert client.get_udf(module) == client.get_udf(module.removesuffix(".lua")) == ONE

    changed = ONE.replace("1 end", "2 end")
    client.register_udf(changed, module).wait(10_000)
    assert client.get_udf(module) == changed
    for node in client.node_names():  # each has the new content, not only the name
        assert found.hash not in client.info("udf-list", node)

    client.remove_udf(module).wait(10_000)
    for node in client.node_names():
        assert module not in client.info("udf-list", node)
    with pytest.raises(UdfError, match=f"there is no module {module}") as caught:
        client.get_udf(module)
    assert "list_udfs" in caught.value.advice


def test_a_module_is_a_file_or_its_text(client: Any, module: str, tmp_path: Path) -> None:
    path = tmp_path / module
    path.write_text(ONE)
    for source, name in ((path, None), (str(path), None), (ONE.encode(), module), (ONE, module)):
        client.register_udf(source, name).wait(10_000)
        assert client.get_udf(module) == ONE
        client.remove_udf(module).wait(10_000)
    client.register_udf(path, module.removesuffix(".lua")).wait(10_000)
    assert module in names(client)
    with pytest.raises(FileNotFoundError):
        client.register_udf(tmp_path / "none.lua")
    with pytest.raises(FileNotFoundError):
        client.register_udf("none.lua")


def test_any_bytes_come_back(client: Any, module: str) -> None:
    source = b"-- \xff\xc3\xa9 \x01\r\n" + ONE.encode()
    client.register_udf(source, module).wait(10_000)
    assert client.get_udf(module).encode("utf-8", "surrogateescape") == source
    client.register_udf(client.get_udf(module), module).wait(10_000)
    assert client.get_udf(module).encode("utf-8", "surrogateescape") == source


def test_what_is_no_lua_is_refused_with_its_place(client: Any, module: str) -> None:
    with pytest.raises(UdfError) as caught:
        client.register_udf("-- the next line is wrong\nfunction x( end\n", module)
    assert caught.value.message == f"{module}:2: <name> or '...' expected near 'end'"
    assert caught.value.advice == "see its Lua code"
    assert caught.value.node in client.node_names()
    assert module not in names(client)


def test_removing_what_is_not_there_is_harmless(client: Any, module: str) -> None:
    client.remove_udf(module).wait(10_000)


NAMES: list[Any] = [
    "",
    ".lua",
    "a;b.lua",
    "a/b.lua",
    "../a.lua",
    "a=b",
    "a\nb.lua",
    "é.lua",
    "a:b.lua",
    "a,b",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_no_file_can_have_is_refused(client: Any, name: str) -> None:
    for call, *source in ((client.register_udf, ONE), (client.remove_udf,), (client.get_udf,)):
        with pytest.raises(InvalidArgument, match="can't be the name of a module"):
            call(*source, name)


@pytest.mark.parametrize(
    ("arguments", "kind", "words"),
    [
        ((ONE,), InvalidArgument, "needs a name"),
        ((ONE.encode(),), InvalidArgument, "needs a name"),
        (("", "a"), InvalidArgument, "the module is empty"),
        ((b" \n", "a"), InvalidArgument, "the module is empty"),
        ((5, "a"), InvalidType, "source must be"),
        ((None, "a"), InvalidType, "source must be"),
        ((ONE, 5), InvalidType, "name must be str"),
        ((ONE, b"a"), InvalidType, "name must be str"),
    ],
)
def test_wrong_arguments_are_refused(client: Any, arguments: Any, kind: Any, words: str) -> None:
    with pytest.raises(kind, match=words):
        client.register_udf(*arguments)


@pytest.mark.parametrize("call", ["register_udf", "remove_udf", "list_udfs", "get_udf"])
def test_the_policy_is_an_admin_policy(client: Any, call: str) -> None:
    arguments = {"register_udf": (ONE, "a"), "list_udfs": ()}.get(call, ("a",))
    with pytest.raises(InvalidType, match="policy must be an AdminPolicy here, not InfoPolicy"):
        getattr(client, call)(*arguments, policy=InfoPolicy())


@pytest.mark.both_kinds
@pytest.mark.embedded_only
def test_the_policy_of_the_client_and_of_the_call_have_the_deadline() -> None:
    with (
        EmbeddedCluster() as cluster,
        Client(cluster.hosts, ClientPolicy(admin=AdminPolicy(timeout=150))) as mine,
    ):
        cluster.nodes[0].freeze()
        view = mine.with_policies(admin=AdminPolicy(timeout=250))
        for timeout, call in (
            (150, mine.list_udfs),
            (250, view.list_udfs),
            (100, lambda: mine.list_udfs(policy=AdminPolicy(timeout=100))),
        ):
            with within(timeout), pytest.raises(errors.TimeoutError) as caught:
                call()
            assert caught.value.timeout == timeout


@pytest.mark.both_kinds
@pytest.mark.embedded_only
def test_a_node_that_does_not_answer_is_named_by_the_deadline() -> None:
    with (
        EmbeddedCluster(3, process=True) as cluster,
        Client(cluster.hosts, ClientPolicy(admin=AdminPolicy(timeout=200))) as mine,
    ):
        task = mine.register_udf(ONE, "a")
        cluster.nodes[1].freeze()
        with pytest.raises(errors.TimeoutError, match=r"module a\.lua is registered: node A2") as caught:
            task.wait(400)
        assert caught.value.node == "A2"
        cluster.nodes[1].thaw()
        task.wait(10_000)


@pytest.mark.both_kinds
@pytest.mark.embedded_only
def test_a_cluster_begins_anew_without_modules() -> None:
    with EmbeddedCluster() as cluster, Client(cluster.hosts) as mine:
        mine.register_udf(ONE, "a").wait(10_000)
        cluster.clear()
        assert names(mine) == ["a.lua"]
        cluster.reset()
        assert names(mine) == []
