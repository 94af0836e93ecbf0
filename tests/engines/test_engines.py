"""Ray and Spark read and write by their own processes. They take a while to start, so they are asked for."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from pyspike import Client, GeoJSON, Key
from pyspike.integrations.selection import Selection, Target

pytestmark = [
    pytest.mark.engines,
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.one_kind("engines make their clients in processes of their own"),
    pytest.mark.skipif(os.environ.get("PYSPIKE_ENGINES") != "1", reason="PYSPIKE_ENGINES is not 1"),
]
COUNT = 500
RUN = os.urandom(4).hex()
READ = [f"{name}-{RUN}" for name in ("docs", "kinds", "late", "floats", "mixed", "users")]
DOCS, KINDS, LATE, FLOATS, MIXED, USERS = READ
WRITTEN = [f"{name} {RUN}" for name in ("from ray", "few from ray", "none from ray", "from spark")]
FROM_RAY, FEW_FROM_RAY, NONE_FROM_RAY, FROM_SPARK = WRITTEN


@pytest.fixture(scope="module", autouse=True)
def records(hosts: str) -> Iterator[None]:
    """What is read is there, and gone again with what was written."""
    with Client(hosts) as client:
        client.batch_put(
            [(Key("test", USERS, n), {"n": n, "s": f"s{n % 3}", "l": [n]}) for n in range(COUNT)]
        )
        for n, value in enumerate([1.0, 9.5, float("nan"), float("inf"), 7, 2, None]):
            client.put(Key("test", FLOATS, n), {"id": n, "f": value})
        client.put(Key("test", MIXED, 0), {"id": 0, "v": 1})
        client.put(Key("test", MIXED, 1), {"id": 1, "v": "text"})
        place = GeoJSON({"type": "Point", "coordinates": [1.0, 2.0]})
        kinds = {"g": place, "m": {"a": 1}, "b": True, "t": ["x", "y"], "mix": [1, "a"], "z": b"x"}
        client.put(Key("test", KINDS, 1), kinds)
        client.put(Key("test", LATE, 1), {"n": 1})
        client.put(Key("test", DOCS, 1), {"doc": {"a": None, "b": "x"}})
        yield
        for name in (*READ, *WRITTEN):
            client.truncate("test", name)


def test_ray_reads_and_writes(hosts: str) -> None:
    ray = pytest.importorskip("ray")
    pyarrow = pytest.importorskip("pyarrow")
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    from pyspike.integrations.ray import AerospikeDatasink, AerospikeDatasource

    ray.init(num_cpus=2, object_store_memory=200 << 20, include_dashboard=False, logging_level="ERROR")
    try:
        data = ray.data.read_datasource(
            AerospikeDatasource(hosts, Selection("test", USERS)), override_num_blocks=4
        )
        assert sorted(row["n"] for row in data.take_all()) == list(range(COUNT))
        data.write_datasink(AerospikeDatasink(hosts, Target("test", FROM_RAY, key="n")))
        some = data.filter(lambda row: row["n"] < 10)  # of which some blocks are left with no row
        some.write_datasink(AerospikeDatasink(hosts, Target("test", FEW_FROM_RAY, key="n")))
        none = AerospikeDatasink(hosts, Target("test", NONE_FROM_RAY, key="n"))
        data.filter(lambda row: row["n"] < 0).write_datasink(none)
        assert none.write([pyarrow.table({})], None) == 0
    finally:
        ray.shutdown()
    with Client(hosts) as client:
        assert client.get(Key("test", FROM_RAY, 7)).bins == {"s": "s1", "l": [7]}


def test_spark_reads_and_writes(hosts: str) -> None:
    sql: Any = pytest.importorskip("pyspark.sql")
    os.environ["PYSPARK_PYTHON"] = sys.executable
    spark = sql.SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
    try:
        place = {"hosts": hosts, "namespace": "test"}
        frame = spark.read.format("aerospike").options(**place, set=USERS, partitions="2").load()
        assert sorted(row["n"] for row in frame.select("n").collect()) == list(range(COUNT))
        pushing = (
            spark.read.format("aerospike").options(**place, set=USERS, pushdown="true", partitions="2").load()
        )
        spark.conf.set("spark.sql.python.filterPushdown.enabled", "true")
        some = pushing.filter("n >= 10 and n < 20 and s = 's1' and n % 2 = 0")
        assert sorted(row["n"] for row in some.collect()) == [10, 16]
        assert_spark_looks_again(spark, place)
        assert_spark_reads_what_it_was_told(spark, place)
        options = {**place, "set": FROM_SPARK, "key": "n"}
        frame.write.format("aerospike").options(**options).mode("append").save()
    finally:
        spark.stop()
    with Client(hosts) as client:
        assert client.get(Key("test", FROM_SPARK, 7)).bins == {"s": "s1", "l": [7]}


def assert_spark_looks_again(spark: Any, place: dict[str, str]) -> None:
    options = {**place, "set": FLOATS, "partitions": "2"}

    def found(condition: str, **more: str) -> list[int]:
        reader = spark.read.format("aerospike").schema("id long, f double").options(**options, **more)
        return sorted(row["id"] for row in reader.load().filter(condition).collect())

    for condition in ("f > 5", "f >= 5", "f < 5", "f = 7", "f <> 7", "not f < 5", "f is not null"):
        assert found(condition, pushdown="true") == found(condition), condition
    mixed = {**place, "set": MIXED, "onMismatch": "null", "pushdown": "true"}
    reader = spark.read.format("aerospike").schema("id long, v long").options(**mixed)
    assert [row["id"] for row in reader.load().filter("v is not null").collect()] == [0]


def assert_spark_reads_what_it_was_told(spark: Any, place: dict[str, str]) -> None:
    reader = spark.read.format("aerospike").options(**place, set=USERS, partitions="2")
    rows = reader.schema("n int, s string, lacking double").load().filter("n = 7").collect()
    assert [row.asDict() for row in rows] == [{"n": 7, "s": "s1", "lacking": None}]
    rows = reader.options(extra="others").schema("n long, others string").load().filter("n = 7").collect()
    (row,) = rows
    assert (row["n"], json.loads(row["others"])) == (7, {"l": [7], "s": "s1"})
    with pytest.raises(Exception, match=r"the bins \['l'\] are asked for"):
        reader.options(bins="n,l").schema("n long").load().collect()
    documents = spark.read.format("aerospike").options(**place, set=DOCS, partitions="1")
    (row,) = documents.schema("doc struct<a: int, b: string, c: string>").load().collect()
    assert row["doc"].asDict() == {"a": None, "b": "x", "c": None}

    everything = (
        spark.read.format("aerospike")
        .options(**place, set=KINDS, metadata="digest,set,generation", onMismatch="json", extra="others")
        .load()
    )
    (row,) = everything.collect()
    assert (row["set"], row["generation"], len(row["digest"])) == (KINDS, 1, 20)
    assert (row["m"], row["b"], row["t"]) == ({"a": 1}, True, ["x", "y"])
    assert json.loads(row["g"])["type"] == "Point"
    assert [json.loads(each) for each in row["mix"]] == [1, "a"]

    late = spark.read.format("aerospike").options(**place, set=LATE, partitions="1").load()
    extra = spark.read.format("aerospike").options(**place, set=LATE, extra="others").load()
    with Client(place["hosts"]) as client:
        client.put(Key("test", LATE, 2), {"n": 2, "late": 5})
    with pytest.raises(Exception, match="has no column"):
        late.collect()
    assert sorted(str(row["others"]) for row in extra.collect()) == ["None", '{"late": 5}']
    assert late.schema.names == ["n"]
