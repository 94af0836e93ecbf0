"""Metrics of `pyspike.compat`, held beside those of the official client after the same calls."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pyspike import Histogram
from pyspike._wire import DurationCounter
from pyspike.compat.client.metrics_view import latency_of
from pyspike.server import EmbeddedCluster
from support.cluster_tools import wait_until
from support.drop_in import COMPAT, MODULES

pytest.importorskip("aerospike")

KINDS = ("write", "read", "batch", "query")


@pytest.fixture(scope="module")
def cluster() -> Iterator[EmbeddedCluster]:
    with EmbeddedCluster(nodes=1) as cluster:
        yield cluster


class Side:
    """A client of one of the two, and its modules."""

    def __init__(self, prefix: str, cluster: EmbeddedCluster, **config: Any) -> None:
        self.names = {name: importlib.import_module(prefix + module) for name, module in MODULES.items()}
        self.metrics: Any = importlib.import_module(f"{prefix}aerospike_helpers.metrics")
        address, port = cluster.hosts.rsplit(":", 1)
        self.client: Any = self.names["aerospike"].client(
            {"hosts": [(address, int(port))], "tend_interval": 250, **config}
        )
        self.told: list[tuple[str, Any]] = []

    def listeners(self) -> Any:
        return self.metrics.MetricsListeners(
            enable_listener=lambda: self.told.append(("enable", None)),
            snapshot_listener=lambda cluster: self.told.append(("snapshot", cluster)),
            node_close_listener=lambda node: self.told.append(("node_close", node)),
            disable_listener=lambda cluster: self.told.append(("disable", cluster)),
        )


@pytest.fixture(params=["", COMPAT], ids=["official", "compat"])
def side(request: pytest.FixtureRequest, cluster: EmbeddedCluster) -> Iterator[Side]:
    side = Side(request.param, cluster, app_id="shop")
    yield side
    side.client.close()


def used(side: Side) -> None:
    """Calls of each kind, of which some fail."""
    client, errors = side.client, side.names["aerospike"].exception
    for number in range(5):
        client.put(("test", "alike", number), {"a": 1, "s": "x"})
    for number in range(3):
        client.get(("test", "alike", number))
    client.operate(("test", "alike", 1), [side.names["op"].read("a")])
    client.operate(("test", "alike", 1), [side.names["op"].increment("a", 1)])
    with pytest.raises(errors.RecordNotFound):
        client.get(("test", "alike", "none"))
    with pytest.raises(errors.AerospikeError):
        client.increment(("test", "alike", 1), "s", 1)
    client.batch_read([("test", "alike", number) for number in range(5)])
    client.query("test", "alike").results()
    client.info_all("build")  # which is not counted
    client.remove(("test", "alike", 4))


def namespaces(cluster: Any) -> dict[str, Any]:
    [node] = cluster.nodes
    return {each.ns: each for each in node.metrics}


def test_the_same_calls_are_counted_alike(side: Side) -> None:
    side.client.enable_metrics(side.metrics.MetricsPolicy(side.listeners(), interval=1, latency_columns=5))
    used(side)
    side.client.disable_metrics()
    assert [what for what, _ in side.told][:1] == ["enable"]
    what, told = side.told[-1]
    assert what == "disable"
    of_test = namespaces(told)["test"]
    queries = sum(of_test.query_latency)  # requests; ours may need more than one
    assert queries >= 1
    assert (told.app_id, told.invalid_node_count, told.retry_count) == ("shop", 0, 0)
    assert told.command_count - queries == 14
    assert (of_test.error_count, of_test.timeout_count, of_test.key_busy_count) == (1, 0, 0)
    counts = {kind: sum(getattr(of_test, f"{kind}_latency")) for kind in ("write", "read", "batch")}
    assert counts == {"write": 7, "read": 5, "batch": 0}
    assert sum(namespaces(told)[""].batch_latency) == 1
    assert all(len(getattr(of_test, f"{kind}_latency")) == 5 for kind in (*KINDS, "conn"))
    [node] = told.nodes
    assert (type(node.name), type(node.address), type(node.port)) == (str, str, int)
    assert node.conns.opened >= node.conns.in_use + node.conns.in_pool


def test_bytes_are_those_of_the_frames(cluster: EmbeddedCluster) -> None:
    seen = []
    for prefix in ("", COMPAT):
        side = Side(prefix, cluster)
        side.client.enable_metrics(side.metrics.MetricsPolicy(side.listeners(), interval=1000))
        key = ("test", "bytes", 1)
        side.client.put(key, {"a": "x" * 1000})
        side.client.get(key)
        side.client.exists(key)
        side.client.disable_metrics()
        of_test = namespaces(side.told[-1][1])["test"]
        seen.append((of_test.bytes_in, of_test.bytes_out))
        side.client.close()
    assert seen[0] == seen[1]


def test_snapshots_come_while_the_cluster_is_tended(side: Side) -> None:
    side.client.enable_metrics(side.metrics.MetricsPolicy(side.listeners(), interval=1))
    wait_until(lambda: [what for what, _ in side.told].count("snapshot") >= 2)
    side.client.enable_metrics(side.metrics.MetricsPolicy(side.listeners(), interval=1000))
    assert [what for what, _ in side.told if what != "snapshot"][:3] == ["enable", "disable", "enable"]
    side.client.close()
    assert side.told[-1][0] == "disable"
    assert isinstance(side.told[-1][1], side.metrics.Cluster)


LINE = re.compile(
    r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d cluster\[,python,[^,]+,shop,\[\[region,us\],\[zone,a1\]\],\d+,\d+,0,\d+,0,0,\[\],"
    r"\[\[(?P<node>\w+),127\.0\.0\.1,\d+,(\d+,){12}\[(?P<spaces>.*)\]\]\]\]"
)
SPACE = re.compile(
    r"(?P<ns>\w*),(?P<errors>\d+),(?P<timeouts>\d+),(?P<busy>\d+),(?P<in>\d+),(?P<out>\d+),"
    r"\[conn\[(?P<conn>[\d,]+)\],write\[(?P<write>[\d,]+)\],read\[(?P<read>[\d,]+)\],batch\[(?P<batch>[\d,]+)\],"
    r"query\[(?P<query>[\d,]+)\]\]"
)


def test_report_files_have_the_same_form(side: Side, tmp_path: Path) -> None:
    labels = {"region": "us", "zone": "a1"}
    side.client.enable_metrics(
        side.metrics.MetricsPolicy(
            report_dir=str(tmp_path), interval=1, latency_columns=3, latency_shift=2, labels=labels
        )
    )
    used(side)
    side.client.disable_metrics()
    [file] = tmp_path.glob("metrics-*.log")
    header, *lines = file.read_text().splitlines()
    assert header[20:].startswith("header(2) cluster[name,clientType,")
    assert header.endswith("latency(3,2)[type[l1,l2,l3...]]")
    found = LINE.fullmatch(lines[-1])
    assert found is not None
    spaces = {each["ns"]: each for each in SPACE.finditer(found["spaces"])}
    assert ",".join(each[0] for each in SPACE.finditer(found["spaces"])) == found["spaces"]
    assert sum(map(int, spaces["test"]["write"].split(","))) == 7
    assert sum(map(int, spaces["test"]["read"].split(","))) == 5
    assert (spaces["test"]["errors"], spaces["test"]["timeouts"]) == ("1", "0")


def test_both_files_have_the_same_header(cluster: EmbeddedCluster, tmp_path: Path) -> None:
    headers = []
    for number, prefix in enumerate(("", COMPAT)):
        folder = tmp_path / str(number)
        folder.mkdir()
        side = Side(prefix, cluster)
        side.client.enable_metrics(side.metrics.MetricsPolicy(report_dir=str(folder)))
        side.client.close()
        [file] = folder.glob("metrics-*.log")
        headers.append(file.read_text().splitlines()[0][20:])
    assert headers[0] == headers[1]


def test_statistics_count_errors_without_metrics(side: Side) -> None:
    used(side)
    told = side.client.get_stats()
    [node] = told.nodes
    assert (node.error_count, node.timeout_count, node.key_busy_count) == (1, 0, 0)
    assert (told.retry_count, told.recover_queue_size, told.thread_pool_queued_tasks) == (0, 0, 0)
    assert node.conns.recovered == node.conns.aborted == 0


def test_a_folder_that_is_not_there_and_values_that_can_not_be_are_refused(
    side: Side, tmp_path: Path
) -> None:
    error = side.names["aerospike"].exception.ClientError
    make = side.metrics.MetricsPolicy
    for policy in (
        make(report_dir=str(tmp_path / "none")),
        make(report_size_limit=1),
        make(latency_shift=256),
    ):
        with pytest.raises(error):
            side.client.enable_metrics(policy)
    side.client.disable_metrics()


def test_a_listener_that_raises_is_told(side: Side) -> None:
    error = side.names["aerospike"].exception.AerospikeError

    def broken(*_: Any) -> None:
        raise ValueError("no room")

    listeners = side.listeners()
    listeners.enable_listener = broken
    with pytest.raises(error) as caught:
        side.client.enable_metrics(side.metrics.MetricsPolicy(listeners))
    assert caught.value.msg == (
        "Python callback enable_listener threw a ValueError exception. Exception value: no room"
    )
    listeners = side.listeners()
    listeners.disable_listener = broken
    side.client.enable_metrics(side.metrics.MetricsPolicy(listeners))
    with pytest.raises(error):
        side.client.disable_metrics()
    side.client.disable_metrics()


CONFIG = """version: 1.0.0
dynamic:
  metrics:
    enable: {enable}
    latency_columns: 4
    labels: {{region: eu}}
"""


def test_a_configuration_file_decides_whether_there_are_reports(
    cluster: EmbeddedCluster, tmp_path: Path
) -> None:
    side = Side(COMPAT, cluster)
    side.client.close()
    path = tmp_path / "config.yml"
    path.write_text(CONFIG.format(enable="false"))
    aerospike: Any = side.names["aerospike"]
    address, port = cluster.hosts.rsplit(":", 1)
    policy = side.metrics.MetricsPolicy(side.listeners(), interval=1)
    client = aerospike.client(
        {
            "hosts": [(address, int(port))],
            "tend_interval": 250,
            "config_provider": aerospike.ConfigProvider(str(path), interval=250),
            "policies": {"metrics": policy},
        }
    )
    client.enable_metrics()
    assert side.told == []
    path.write_text(CONFIG.format(enable="true") + " ")
    client.put(("test", "file", 1), {"a": 1})
    wait_until(lambda: any(what == "snapshot" for what, _ in side.told))
    client.disable_metrics()
    assert "disable" not in [what for what, _ in side.told]
    assert len(namespaces(side.told[-1][1])["test"].write_latency) == 4
    client.close()
    assert side.told[-1][0] == "disable"


@pytest.mark.parametrize(
    ("columns", "shift", "expected"),
    [(7, 1, [2, 1, 1, 1, 0, 0, 1]), (5, 3, [2, 3, 0, 0, 1]), (2, 1, [2, 4]), (1, 1, [6])],
)
def test_ranges_are_those_of_the_official_client(columns: int, shift: int, expected: list[int]) -> None:
    counter = DurationCounter()
    for ms in (0.2, 1.0, 1.1, 3, 8.0, 4000):
        counter.add(ms)
    found = latency_of(Histogram(*counter.seen), columns, shift)
    assert sum(found) == 6
    assert found == expected
