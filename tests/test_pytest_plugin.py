"""The fixtures that users' tests get from `pyspike.testing`."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import pyspike

pytest_plugins = ["pytester"]


@pytest.fixture
def users(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A user's project; the plugin is loaded by name, because pyspike need not be installed here."""
    monkeypatch.delenv("PYSPIKE_HOSTS", raising=False)
    monkeypatch.setenv("PYTHONPATH", str(Path(pyspike.__file__).parents[1]))
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:pyspike -p pyspike.testing -W error")
    return pytester


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


def test_servers_of_the_environment_are_used_and_not_emptied(
    users: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, hosts: str, set_name: str
) -> None:
    monkeypatch.setenv("PYSPIKE_HOSTS", hosts)
    users.makepyfile(
        f"""
        KEY = ("test", {set_name!r}, "of the environment")

        def test_put(aerospike_client, aerospike_cluster, aerospike_hosts):
            assert (aerospike_cluster, aerospike_hosts) == (None, {hosts!r})
            aerospike_client.put(KEY, {{"a": 1}})

        def test_delete(aerospike_client):
            assert aerospike_client.delete(KEY)
        """
    )
    users.runpytest_subprocess().assert_outcomes(passed=2)


def test_the_cluster_can_be_replaced(users: pytest.Pytester) -> None:
    users.makeconftest(
        """
        import pytest
        from pyspike.server import EmbeddedCluster

        @pytest.fixture(scope="session")
        def aerospike_cluster():
            with EmbeddedCluster(nodes=3, namespaces=["users"]) as cluster:
                yield cluster
        """
    )
    users.makepyfile(
        """
        def test_nodes(aerospike_client):
            aerospike_client.put(("users", None, 1), {"a": 1})
            assert len(aerospike_client.nodes()) == 3
        """
    )
    users.runpytest_subprocess().assert_outcomes(passed=1)


def test_the_plugin_has_no_options_and_imports_no_server() -> None:
    code = (
        "import sys, pyspike.testing as t;"
        "assert not [name for name in vars(t) if name.startswith('pytest_')];"
        "assert not {'pyspike.server', 'pyspike.cli', 'msgpack'}.intersection(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
