"""The fixtures that users' tests get from `pyspike.testing`."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

import pyspike
from pyspike import (
    BatchDelete,
    BatchError,
    BatchRead,
    BatchRow,
    BatchWrite,
    BatchWritePolicy,
    Client,
    IndexType,
    Key,
    RecordExistsAction,
    errors,
)
from pyspike import operations as op
from pyspike.testing.written_keys import (
    BATCH_WRITES,
    MAKES,
    WRITES,
    TrackingAsyncClient,
    TrackingClient,
    WrittenKeys,
)
from pyspike.user_administration import UserAdministration
from support.facade import TaskClient

pytest_plugins = ["pytester"]

PLUGINS = "-p no:pyspike -p pyspike.testing"


@pytest.fixture
def users(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A user's project; the plugin is loaded by name, because pyspike need not be installed here."""
    monkeypatch.delenv("PYSPIKE_HOSTS", raising=False)
    monkeypatch.setenv("PYTHONPATH", str(Path(pyspike.__file__).parents[1]))
    monkeypatch.setenv("PYTEST_ADDOPTS", f"{PLUGINS} -W error")
    monkeypatch.setenv(
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1"
    )  # of others, which takes longer than a test does
    return pytester


@pytest.fixture
def real(users: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, hosts: str) -> pytest.Pytester:
    """The same, and the environment names the servers of this run."""
    monkeypatch.setenv("PYSPIKE_HOSTS", hosts)
    return users


def test_each_test_begins_without_records(users: pytest.Pytester) -> None:
    users.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize("again", [1, 2])
        def test_add(aerospike_client, again):
            key = ("test", "users", "ann")
            assert not aerospike_client.exists(key)
            aerospike_client.add(key, {"visits": 1})

        def test_parts(aerospike_client, aerospike_cluster, aerospike_hosts):
            assert aerospike_hosts == aerospike_cluster.hosts
            assert len(aerospike_client.nodes()) == len(aerospike_cluster.nodes) == 1
        """
    )
    users.runpytest_subprocess().assert_outcomes(passed=3)


FAULTS = [
    "kill()",
    "stop()",
    "freeze()",
    "mute()",
    "refuse()",
    "restart(port=0)",
    "delay(5)",
    "drip(1, 1)",
    "answer_with(8, times=1000)",
    "drop_before_execute(times=1000)",
    "cut(times=1000)",
    "garbage(times=1000)",
]


def test_no_fault_of_a_test_reaches_the_next(users: pytest.Pytester) -> None:
    users.makepyfile(
        f"""
        import contextlib
        import pytest
        from pyspike import AerospikeError, Client, Key

        KEY = ("test", "users", "ann")

        @pytest.mark.parametrize("fault", {FAULTS!r})
        def test_fault(aerospike_client, aerospike_cluster, fault):
            check(aerospike_client)
            eval("aerospike_cluster.nodes[0]." + fault, {{"aerospike_cluster": aerospike_cluster}})
            with contextlib.suppress(AerospikeError):
                aerospike_client.put(KEY, {{"visits": 2}}, timeout=50)

        def test_cluster_is_stopped(aerospike_client, aerospike_cluster):
            check(aerospike_client)
            aerospike_cluster.stop()

        def test_client_is_closed(aerospike_client):
            check(aerospike_client)
            aerospike_client.close()

        def test_partitions_are_lost(aerospike_client, aerospike_cluster):
            check(aerospike_client)
            aerospike_cluster.lose_partition("test", Key(*KEY).partition_id)

        def test_another_client_knows_the_hosts(aerospike_hosts):
            with Client(aerospike_hosts) as client:
                check(client)

        def test_the_cluster_alone(aerospike_cluster):
            assert aerospike_cluster.nodes[0].running
            aerospike_cluster.nodes[0].kill()

        def test_the_cluster_alone_again(aerospike_cluster):
            assert aerospike_cluster.nodes[0].running

        def check(client):
            assert not client.exists(KEY)
            client.put(KEY, {{"visits": 1}})
            assert client.get(KEY).bins == {{"visits": 1}}
        """
    )
    users.runpytest_subprocess().assert_outcomes(passed=len(FAULTS) + 6)


def test_a_test_that_does_nothing_to_the_nodes_leaves_the_client_to_the_next(users: pytest.Pytester) -> None:
    users.makepyfile(
        """
        seen = []

        def test_one(aerospike_client):
            seen.append(aerospike_client)

        def test_two(aerospike_client, aerospike_cluster):
            seen.append(aerospike_client)
            aerospike_cluster.nodes[0].freeze()

        def test_three(aerospike_client):
            assert seen[0] is seen[1] is not aerospike_client
        """
    )
    users.runpytest_subprocess().assert_outcomes(passed=3)


def test_time_can_be_moved(users: pytest.Pytester) -> None:
    users.makepyfile(
        """
        KEY = ("test", "users", "session")

        def test_a_session_ends(aerospike_client, aerospike_clock):
            aerospike_client.put(KEY, {"user": "ann"}, ttl=3600)
            aerospike_clock.advance(3000)
            assert 590 <= aerospike_client.get(KEY).ttl <= 600
            aerospike_clock.advance(601)
            assert not aerospike_client.exists(KEY)

        def test_the_next_begins_with_all_its_time(aerospike_client):
            aerospike_client.put(KEY, {"user": "ann"}, ttl=3600)
            assert 3590 <= aerospike_client.get(KEY).ttl <= 3600
        """
    )
    users.runpytest_subprocess().assert_outcomes(passed=2)


ASYNC = """
KEY = ("test", "users", "ann")

{mark}
async def test_a_visit_is_counted(aerospike_async_client):
    assert not await aerospike_async_client.exists(KEY)
    await aerospike_async_client.add(KEY, {{"visits": 1}})

{mark}
async def test_it_is_counted_once(aerospike_async_client, aerospike_client):
    await aerospike_async_client.add(KEY, {{"visits": 1}})
    assert (await aerospike_async_client.get(KEY))["visits"] == 1
    assert aerospike_client.get(KEY)["visits"] == 1
"""


def test_tasks_have_a_client_in_any_loop(users: pytest.Pytester) -> None:
    users.makepyfile(
        """
        import asyncio
        import pytest

        KEY = ("test", "users", "ann")

        @pytest.mark.parametrize("again", [1, 2])
        def test_loops(aerospike_async_client, aerospike_client, again):
            async def visit():
                await aerospike_async_client.add(KEY, {"visits": 1})

            asyncio.run(visit())
            asyncio.run(visit())
            assert aerospike_client.get(KEY)["visits"] == 2

        def test_closed(aerospike_async_client):
            asyncio.run(aerospike_async_client.close())

        def test_open_again(aerospike_async_client):
            assert asyncio.run(aerospike_async_client.exists(KEY)) is False
        """
    )
    users.runpytest_subprocess().assert_outcomes(passed=4)


def test_tasks_have_a_client_under_pytest_asyncio(users: pytest.Pytester) -> None:
    pytest.importorskip("pytest_asyncio")
    users.makepyfile(f"import pytest\n{ASYNC.format(mark='@pytest.mark.asyncio')}")
    options = ("-p", "pytest_asyncio.plugin", "-o", "asyncio_default_fixture_loop_scope=function")
    users.runpytest_subprocess(*options).assert_outcomes(passed=2)


def test_tasks_have_a_client_under_anyio(users: pytest.Pytester) -> None:
    pytest.importorskip("anyio")
    backend = "@pytest.fixture\ndef anyio_backend():\n    return 'asyncio'\n"
    users.makepyfile(f"import pytest\n{backend}{ASYNC.format(mark='@pytest.mark.anyio')}")
    users.runpytest_subprocess("-p", "anyio.pytest_plugin").assert_outcomes(passed=2)


def test_where_pyspike_is_installed_pytest_finds_the_fixtures_by_itself(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not any(plugin.value == "pyspike.testing" for plugin in entry_points(group="pytest11")):
        pytest.skip("pyspike is on the path here, but not installed")
    monkeypatch.delenv("PYSPIKE_HOSTS", raising=False)
    pytester.makepyfile(
        """
        def test_put(aerospike_client):
            aerospike_client.put(("test", "users", "ann"), {"visits": 1})
        """
    )
    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def test_servers_of_the_environment_lose_what_a_test_has_written(
    real: pytest.Pytester, set_name: str
) -> None:
    real.makepyfile(
        f"""
        import asyncio
        import pytest
        from pyspike import AerospikeError, WritePolicy, operations as op

        def key(number):
            return ("test", {set_name!r}, f"of the environment {{number}}")

        @pytest.mark.parametrize("again", [1, 2])
        def test_threads(aerospike_client, aerospike_cluster, aerospike_hosts, again):
            assert aerospike_cluster is None
            assert not any(aerospike_client.exists(key(number)) for number in range(7))
            view = aerospike_client.with_policies(write=WritePolicy(send_key=True))
            aerospike_client.put(key(0), {{"a": 1}})
            aerospike_client.add(key(1), {{"a": 1}})
            aerospike_client.append(key(2), {{"a": "x"}})
            view.prepend(key(3), {{"a": "x"}})
            view.operate(key(4), (op.put("a", number) for number in range(2)))
            aerospike_client.operate(key(5), operations=iter([op.put("a", 1)]))
            aerospike_client.update(key(6), lambda bins: {{"a": 1}})
            assert all(aerospike_client.exists(key(number)) for number in range(7))

        @pytest.mark.parametrize("again", [1, 2])
        def test_tasks(aerospike_async_client, again):
            async def main():
                client = aerospike_async_client
                view = client.with_policies(write=WritePolicy(send_key=True))
                assert not any([await client.exists(key(number)) for number in range(3)])
                await view.put(key(0), {{"a": 1}})
                await client.operate(key(1), (op.put("a", number) for number in range(2)))
                await client.update(key(2), lambda bins: {{"a": 1}})
                assert (await client.get(key(1)))["a"] == 1

            asyncio.run(main())

        def test_the_client_is_closed(aerospike_client):
            aerospike_client.put(key(0), {{"a": 1}})
            aerospike_client.close()

        def test_nothing_is_left(aerospike_client):
            assert not aerospike_client.exists(key(0))

        def test_time_stands(aerospike_clock):
            raise AssertionError("skipped")
        """
    )
    real.runpytest_subprocess().assert_outcomes(passed=6, skipped=1)


def test_servers_of_the_environment_keep_what_no_test_has_written(
    real: pytest.Pytester, client: Client, set_name: str
) -> None:
    keys = [Key("test", set_name, f"somebody else's {number}") for number in range(4)]
    for key in keys:
        client.put(key, {"a": 1})
    real.makepyfile(
        f"""
        import asyncio
        import pytest
        from pyspike import Client, InvalidType, RecordExists, RecordExistsAction, WritePolicy
        from pyspike import operations as op

        KEYS = [("test", {set_name!r}, f"somebody else's {{number}}") for number in range(4)]
        CREATE = WritePolicy(record_exists_action=RecordExistsAction.CREATE_ONLY)

        def test_threads(aerospike_client, aerospike_hosts):
            assert aerospike_client.get(KEYS[0])["a"] == 1
            assert aerospike_client.operate(KEYS[0], [op.get("a")])["a"] == 1
            with pytest.raises(RecordExists):
                aerospike_client.put(KEYS[1], {{"a": 2}}, policy=CREATE)
            with pytest.raises(InvalidType):
                aerospike_client.put(KEYS[2], {{"a": object()}})
            with pytest.raises(InvalidType):
                aerospike_client.operate(KEYS[2], 5)
            with Client(aerospike_hosts) as other:
                other.put(KEYS[3], {{"a": 2}})

        def test_tasks(aerospike_async_client):
            async def main():
                assert (await aerospike_async_client.operate(KEYS[0], [op.get("a")]))["a"] == 1
                with pytest.raises(RecordExists):
                    await aerospike_async_client.put(KEYS[1], {{"a": 2}}, policy=CREATE)

            asyncio.run(main())
        """
    )
    real.runpytest_subprocess().assert_outcomes(passed=2)
    assert [client.get(key)["a"] for key in keys] == [1, 1, 1, 2]
    for key in keys:
        client.delete(key)


def test_records_are_deleted_from_servers_with_strong_consistency(users: pytest.Pytester) -> None:
    users.makeconftest(
        """
        import os
        from pyspike.server import EmbeddedCluster

        real = EmbeddedCluster(strong_consistency=True).start()
        os.environ["PYSPIKE_HOSTS"] = real.hosts
        """
    )
    users.makepyfile(
        """
        KEY = ("test", "users", "ann")

        def test_put(aerospike_client):
            aerospike_client.put(KEY, {"a": 1})

        def test_it_was_deleted(aerospike_client):
            assert not aerospike_client.exists(KEY)
        """
    )
    users.runpytest_subprocess().assert_outcomes(passed=2)


def test_records_that_can_not_be_deleted_are_named(users: pytest.Pytester) -> None:
    users.makeconftest(
        """
        import os
        from pyspike.server import EmbeddedCluster

        real = EmbeddedCluster().start()
        os.environ["PYSPIKE_HOSTS"] = real.hosts
        """
    )
    users.makepyfile(
        """
        from conftest import real

        def test_put(aerospike_client):
            aerospike_client.put(("test", "users", "ann"), {"a": 1})
            aerospike_client.put(("test", "users", "ben"), {"a": 1})
            real.nodes[0].answer_with(22, times=2)

        def test_the_others_were_deleted(aerospike_client):
            assert aerospike_client.exists(("test", "users", "ann"))
            assert not aerospike_client.exists(("test", "users", "ben"))
        """
    )
    result = users.runpytest_subprocess()
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*records of this test stay on the servers:*", "*'ann'*"])


def test_every_method_that_writes_a_record_is_known() -> None:
    others = {
        "aggregate",
        "abort_job",
        "batch_delete",
        "batch_exists",
        "batch_get",
        "batch_get_arrow",
        "close",
        "delete",
        "drop_index",
        "exists",
        "explain",
        "from_env",
        "from_url",
        "get",
        "get_udf",
        "info",
        "is_connected",
        "is_strong_consistency",
        "jobs",
        "list_indexes",
        "list_udfs",
        "metrics",
        "namespace",
        "node_names",
        "run_in_transaction",
        "transaction",
        "commit",
        "abort",
        "nodes",
        "query",
        "query_arrow",
        "query_execute_udf",
        "query_operate",
        "remove_udf",
        "set_xdr_filter",
        "stats",
        "touch",
        "truncate",
        "update",  # writes by put
    }
    others |= {name for name in vars(UserAdministration) if not name.startswith("_")}
    methods = {name for name in dir(Client) if not name.startswith("_")}
    assert methods == others | {"batch_stream", "with_policies", "with_transaction", "write_arrow"} | {
        *WRITES,
        *BATCH_WRITES,
        *MAKES,
    }
    for kind in (TrackingClient, TrackingAsyncClient):
        assert vars(kind).keys() >= {*WRITES, *BATCH_WRITES, *MAKES, "batch_stream", "_plan_of_rows"}


@pytest.mark.parametrize("by_tasks", [False, True], ids=["threads", "tasks"])
def test_the_rows_of_batches_that_have_written_are_kept(aerospike_hosts: str, by_tasks: bool) -> None:
    written = WrittenKeys()
    keys = [Key("test", "written batches", number) for number in range(8)]
    with TrackingClient(aerospike_hosts, written) as blocking:
        client: Any = TaskClient.of(TrackingAsyncClient.of(blocking, written)) if by_tasks else blocking
        client.batch_put({("test", "written batches", 0): {"a": 1}, keys[1]: {"a": 1}})
        assert written.take() == keys[:2]
        create = BatchWritePolicy(record_exists_action=RecordExistsAction.CREATE_ONLY)
        with pytest.raises(BatchError):
            client.batch_put([(key, {"a": 1}) for key in keys[1:3]], row_policy=create)
        assert written.take() == [keys[2]]
        client.batch_operate(keys[:1], [op.get("a")])
        client.batch_operate(keys=keys[3:4], operations=iter([op.put("a", 1)]))
        client.batch_operate(keys[4:5], iter([op.put("a", 1)]))
        assert written.take() == keys[3:5]
        rows = [BatchRead(keys[0]), BatchDelete(keys[1]), BatchWrite(keys[5], [op.put("a", 1)])]
        assert client.batch(iter(rows)).ok
        assert written.take() == [keys[5]]
        with pytest.raises(errors.InvalidType):
            client.batch_put([(keys[6], {"a": 1}), (keys[7], {"a": object()})])
        for wrong in (5, [5]):
            with pytest.raises(errors.InvalidType):
                client.batch(wrong)
        assert written.take() == []
        assert client.batch_delete(keys) == [True, False, True, True, True, True, False, False]


@pytest.mark.parametrize("by_tasks", [False, True], ids=["threads", "tasks"])
def test_the_rows_of_columns_that_have_written_are_kept(aerospike_hosts: str, by_tasks: bool) -> None:
    pa = pytest.importorskip("pyarrow")
    written = WrittenKeys()
    keys = [Key("test", "written columns", number) for number in range(3)]
    create = BatchWritePolicy(record_exists_action=RecordExistsAction.CREATE_ONLY)
    table = pa.table({"id": [0, 1, 2], "a": [1, 1, None]})
    with TrackingClient(aerospike_hosts, written) as blocking:
        client: Any = TaskClient.of(TrackingAsyncClient.of(blocking, written)) if by_tasks else blocking
        Client.put(blocking, keys[0], {"a": 1})  # is not kept
        client.write_arrow(table, "test", "written columns", key="id", row_policy=create)
        assert written.take() == [keys[1]]
        assert written.take() == []
        assert client.batch_delete(keys) == [True, True, False]


def test_the_rows_of_a_batch_that_is_cancelled_count_as_written(aerospike_hosts: str) -> None:
    written, keys = WrittenKeys(), [Key("test", "written batches", number) for number in range(2)]

    async def work(client: TrackingAsyncClient) -> None:
        writing = asyncio.ensure_future(client.batch_put({key: {"a": 1} for key in keys}))
        await asyncio.sleep(0)
        writing.cancel()
        await asyncio.wait([writing])
        reading = asyncio.ensure_future(client.batch_operate(keys, [op.get("a")]))
        await asyncio.sleep(0)
        reading.cancel()
        await asyncio.wait([reading])
        await client.close()

    with TrackingClient(aerospike_hosts, written) as blocking:
        asyncio.run(work(TrackingAsyncClient.of(blocking, written)))
        assert written.take() == keys
        blocking.batch_delete(keys)


def test_the_rows_of_streams_that_have_written_or_may_have_are_kept(aerospike_hosts: str) -> None:
    written = WrittenKeys()
    keys = [Key("test", "written streams", number) for number in range(12)]
    create = BatchWritePolicy(record_exists_action=RecordExistsAction.CREATE_ONLY)

    def put(key: Key) -> BatchWrite:
        return BatchWrite(key, [op.put("a", 1)], policy=create)

    with TrackingClient(aerospike_hosts, written) as client:
        with pytest.raises(pyspike.InvalidType, match="rows must be an iterable"):
            client.batch_stream(5)
        with client.batch_stream([BatchRead(keys[0]), put(keys[1]), put(keys[2])], timeout=10_000) as stream:
            assert all(row.ok for row in stream)
        assert written.take() == keys[1:3]
        rows = [put(keys[1]), BatchRead(keys[1]), BatchDelete(keys[3]), put(keys[4])]
        assert len(list(client.with_policies().batch_stream(rows, timeout=10_000))) == 4
        assert written.take() == [keys[4]], "what was refused is another's record"
        stream = client.batch_stream(map(put, keys[5:]), in_flight=3, timeout=10_000)
        next(stream)
        stream.close()
        assert written.take() == keys[5:8], "those that were read ahead may have been done"
        client.batch_delete(keys)


@pytest.mark.parametrize("by_tasks", [False, True])
def test_the_rows_of_streams_of_tasks_are_kept_too(aerospike_hosts: str, by_tasks: bool) -> None:
    written, keys = WrittenKeys(), [Key("test", "written streams", number) for number in range(3)]

    async def made() -> AsyncIterator[BatchRow]:
        for row in (BatchRead(keys[0]), *(BatchWrite(key, [op.put("a", 1)]) for key in keys[1:])):
            yield row

    async def work(client: TrackingAsyncClient) -> None:
        rows = made() if by_tasks else [row async for row in made()]
        async with client.with_policies().batch_stream(rows, timeout=10_000) as stream:
            assert [row.ok async for row in stream] == [True] * 3
        with pytest.raises(pyspike.InvalidType, match="rows must be an iterable"):
            client.batch_stream(5)
        await client.close()

    with TrackingClient(aerospike_hosts, written) as blocking:
        asyncio.run(work(TrackingAsyncClient.of(blocking, written)))
        assert written.take() == keys[1:]
        blocking.batch_delete(keys)


@pytest.mark.parametrize("tasks", [False, True], ids=["threads", "tasks"])
def test_servers_of_the_environment_keep_no_index_or_module_of_a_test(
    real: pytest.Pytester, client: Client, set_name: str, tasks: bool
) -> None:
    run = f"p{set_name[-6:]}{tasks:d}"
    client.create_index("test", set_name, f"{run}old", bin=f"{run}o", type=IndexType.NUMERIC).wait(10_000)
    fixture, wait = ("aerospike_async_client", "await ") if tasks else ("aerospike_client", "")
    real.makepyfile(
        f"""
        import asyncio
        from pyspike import IndexType

        RUN, SET = {run!r}, {set_name!r}

        def test_both({fixture}):
            {"async " if tasks else ""}def main(client):
                for name in "old", "new":
                    {wait}client.create_index(
                        "test", SET, RUN + name, bin=RUN + name[0], type=IndexType.NUMERIC
                    )
                {wait}client.create_set_index("test", SET, RUN + "set")
                {wait}client.with_policies().register_udf("function f(rec) end", RUN)
            {"asyncio.run(main({}))" if tasks else "main({})"}
        """.replace("{}", fixture)
    )
    real.runpytest_subprocess().assert_outcomes(passed=1)
    assert [index.name for index in client.list_indexes() if index.name.startswith(run)] == [f"{run}old"]
    assert not [module.name for module in client.list_udfs() if module.name.startswith(run)]
    client.drop_index("test", f"{run}old").wait(10_000)


def test_the_embedded_cluster_begins_each_test_without_indexes(users: pytest.Pytester) -> None:
    users.makepyfile(
        """
        import pytest
        from pyspike import IndexType

        @pytest.mark.parametrize("again", [1, 2])
        def test_create(aerospike_client, again):
            assert aerospike_client.list_indexes() == []
            aerospike_client.create_index("test", "s", "i", bin="b", type=IndexType.NUMERIC).wait()
        """
    )
    users.runpytest_subprocess().assert_outcomes(passed=2)


def test_a_write_in_doubt_counts_as_written() -> None:
    written, key = WrittenKeys(), Key("test", "users", "ann")
    for in_doubt in (False, True):
        with pytest.raises(pyspike.TimeoutError), written.during("put", key, {"a": 1}):
            raise pyspike.TimeoutError("late", in_doubt=in_doubt)
        assert written.take() == [key] * in_doubt


@pytest.mark.parametrize("way", ["options", "override"])
def test_the_cluster_can_be_replaced(users: pytest.Pytester, way: str) -> None:
    made = 'return {"nodes": 3, "namespaces": ["users"]}'
    if way == "override":
        made = 'with EmbeddedCluster(nodes=3, namespaces=["users"]) as cluster:\n        yield cluster'
    users.makeconftest(
        "import pytest\nfrom pyspike.server import EmbeddedCluster\n\n"
        '@pytest.fixture(scope="session")\n'
        f"def aerospike_cluster{'_options' if way == 'options' else ''}():\n    {made}\n"
    )
    users.makepyfile(
        """
        def test_nodes(aerospike_client, aerospike_cluster):
            aerospike_client.put(("users", None, 1), {"a": 1})
            assert len(aerospike_client.nodes()) == 3
            aerospike_cluster.nodes[2].kill()

        def test_anew(aerospike_client, aerospike_cluster):
            assert not aerospike_client.exists(("users", None, 1))
            assert len(aerospike_client.nodes()) == 3
        """
    )
    users.runpytest_subprocess().assert_outcomes(passed=2)


def test_a_cluster_may_be_of_a_parameter(users: pytest.Pytester) -> None:
    users.makeconftest(
        """
        import pytest

        @pytest.fixture(scope="session", params=[1, 2])
        def aerospike_cluster_options(request):
            return {"nodes": request.param}
        """
    )
    users.makepyfile(
        """
        def test_nodes(aerospike_client, aerospike_cluster, aerospike_cluster_options):
            assert len(aerospike_client.nodes()) == aerospike_cluster_options["nodes"]

        def test_again(aerospike_client, aerospike_cluster, aerospike_cluster_options):
            assert len(aerospike_client.nodes()) == aerospike_cluster_options["nodes"]

        def test_without():
            pass
        """
    )
    users.runpytest_subprocess().assert_outcomes(passed=5)


def test_the_clients_may_have_a_policy(users: pytest.Pytester) -> None:
    users.makeconftest(
        """
        import pytest
        from pyspike import ClientPolicy

        @pytest.fixture(scope="session")
        def aerospike_client_policy():
            return ClientPolicy(application_id="of a fixture")
        """
    )
    users.makepyfile(
        """
        import re
        from base64 import b64decode

        def test_agent(aerospike_client):
            agents = re.findall("user-agent=([^:]*):", str(aerospike_client.info("user-agents")))
            assert [b64decode(agent).split(b",")[2] for agent in agents] == [b"of a fixture"]
        """
    )
    users.runpytest_subprocess().assert_outcomes(passed=1)


def test_without_msgpack_a_fixture_says_which_extra_brings_it(users: pytest.Pytester) -> None:
    users.makeconftest("import sys\nsys.modules['msgpack'] = None")
    users.makepyfile("def test_put(aerospike_client): pass")
    result = users.runpytest_subprocess()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*pip install 'pyspike-aerospike[[]server]'*"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_the_plugin_has_no_options_and_imports_no_server() -> None:
    code = (
        "import sys, pyspike.testing as t;"
        "assert not [name for name in vars(t) if name.startswith('pytest_')];"
        "assert not {'pyspike.server', 'pyspike.cli', 'msgpack', 'asyncio'}.intersection(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
