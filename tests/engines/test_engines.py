"""Ray and Spark read and write by their own processes. They take a while to start, so they are asked for."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from pyspike import Client, Key
from pyspike.integrations.selection import Selection, Target
from pyspike.server import EmbeddedCluster

pytestmark = [
    pytest.mark.engines,
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.one_kind("engines make their clients in processes of their own"),
    pytest.mark.skipif(os.environ.get("PYSPIKE_ENGINES") != "1", reason="PYSPIKE_ENGINES is not 1"),
]
COUNT = 500


@pytest.fixture(scope="module")
def hosts() -> Iterator[str]:
    """A cluster with records."""
    with EmbeddedCluster(nodes=2) as cluster, Client(cluster.hosts) as client:
        client.batch_put(
            [(Key("test", "users", n), {"n": n, "s": f"s{n % 3}", "l": [n]}) for n in range(COUNT)]
        )
        yield cluster.hosts


def test_ray_reads_and_writes(hosts: str) -> None:
    ray = pytest.importorskip("ray")
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    from pyspike.integrations.ray import AerospikeDatasink, AerospikeDatasource

    ray.init(num_cpus=2, object_store_memory=200 << 20, include_dashboard=False, logging_level="ERROR")
    try:
        data = ray.data.read_datasource(
            AerospikeDatasource(hosts, Selection("test", "users")), override_num_blocks=4
        )
        assert sorted(row["n"] for row in data.take_all()) == list(range(COUNT))
        data.write_datasink(AerospikeDatasink(hosts, Target("test", "from ray", key="n")))
    finally:
        ray.shutdown()
    with Client(hosts) as client:
        assert client.get(Key("test", "from ray", 7)).bins == {"s": "s1", "l": [7]}


def test_spark_reads_and_writes(hosts: str) -> None:
    sql: Any = pytest.importorskip("pyspark.sql")
    os.environ["PYSPARK_PYTHON"] = sys.executable
    spark = sql.SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
    try:
        place = {"hosts": hosts, "namespace": "test"}
        frame = spark.read.format("aerospike").options(**place, set="users", partitions="2").load()
        assert sorted(row["n"] for row in frame.select("n").collect()) == list(range(COUNT))
        pushing = (
            spark.read.format("aerospike")
            .options(**place, set="users", pushdown="true", partitions="2")
            .load()
        )
        spark.conf.set("spark.sql.python.filterPushdown.enabled", "true")
        some = pushing.filter("n >= 10 and n < 20 and s = 's1' and n % 2 = 0")
        assert sorted(row["n"] for row in some.collect()) == [10, 16]
        options = {**place, "set": "from spark", "key": "n"}
        frame.write.format("aerospike").options(**options).mode("append").save()
    finally:
        spark.stop()
    with Client(hosts) as client:
        assert client.get(Key("test", "from spark", 7)).bins == {"s": "s1", "l": [7]}
