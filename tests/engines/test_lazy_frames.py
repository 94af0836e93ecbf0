"""Frames of Dask and polars, read and written by ranges of partitions."""

from __future__ import annotations

from typing import Any

import pytest

from pyspike import BatchPolicy, Client, Key
from pyspike.integrations.selection import Selection, Target
from support.indexes import index

COUNT = 60


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Selection]:
    """What is read."""
    seen: list[Selection] = []
    real = Selection.read

    def read(self: Selection, *args: Any, **options: Any) -> Any:
        seen.append(self)
        return real(self, *args, **options)

    monkeypatch.setattr(Selection, "read", read)
    return seen


@pytest.fixture
def users(client: Client, set_name: str) -> str:
    """A set with records."""
    return filled(client, f"{set_name}-f")


def filled(client: Client, name: str) -> str:
    rows = [(Key("test", name, n), {"n": n, "s": f"s{n % 3}", "l": [n]}) for n in range(COUNT)]
    client.batch_put(rows, policy=BatchPolicy(total_timeout=20_000))
    return name


def test_dask_reads_and_writes(hosts: str, client: Client, users: str, asked: list[Selection]) -> None:
    dd = pytest.importorskip("dask.dataframe")
    dask = pytest.importorskip("dask")
    from pyspike.integrations.dask import read, write

    with dask.config.set(scheduler="threads"):
        frame = read(hosts, Selection("test", users), npartitions=4)
        assert frame.npartitions == 4
        assert sorted(frame["n"].compute()) == list(range(COUNT))
        asked.clear()
        assert frame["n"].sum().compute() == COUNT * (COUNT - 1) // 2
        assert {tuple(each.columns.names) for each in asked} == {("n",)}
        copies = f"{users}-copy"
        doubled = frame.assign(n=frame["n"] * 2, id=frame["n"])[["id", "n", "s"]]
        assert write(doubled, hosts, Target("test", copies, key="id")) == COUNT
        assert client.get(Key("test", copies, 7)).bins == {"n": 14, "s": "s1"}
        later = write(doubled, hosts, Target("test", copies, key="id"), compute=False)
        assert later.compute() == COUNT
    assert isinstance(frame, dd.DataFrame)


def test_polars_asks_for_what_it_needs(
    hosts: str, client: Client, users: str, asked: list[Selection]
) -> None:
    pl = pytest.importorskip("polars")
    from pyspike.integrations import polars as ours

    with index(client, users, "n"):
        frame = ours.scan(hosts, Selection("test", users))
        assert frame.collect_schema() == {"l": pl.List(pl.Int64), "n": pl.Int64, "s": pl.String}
        assert sorted(frame.collect()["n"]) == list(range(COUNT))
        condition = (pl.col("n") >= 10) & (pl.col("n") < 20) & (pl.col("s") == "s1") & (pl.col("n") % 2 == 0)
        found = frame.filter(condition).select("l").collect()
        assert sorted(found["l"].to_list()) == [[n] for n in range(10, 20) if n % 3 == 1 and n % 2 == 0]
        last = asked[-1]
        assert set(last.columns.names) == {"l", "n", "s"}
        assert last.where is not None
        assert frame.select("s").head(3).collect().shape == (3, 1)
        assert asked[-1].columns.names == ["s"]
        assert frame.filter(pl.col("s").str.starts_with("s1")).collect().height == COUNT // 3


def test_polars_finds_floats_that_nodes_compare_otherwise(hosts: str, client: Client, set_name: str) -> None:
    pl = pytest.importorskip("polars")
    from pyspike.integrations import polars as ours

    name = f"{set_name}-nan"
    values = [1.0, 9.5, float("nan"), float("inf"), 7, 2]
    client.batch_put([(Key("test", name, n), {"n": n, "f": value}) for n, value in enumerate(values)])
    client.put(Key("test", name, 99), {"n": 99})
    schema = {"n": int, "f": float}
    frame = ours.scan(hosts, Selection("test", name, schema=schema))
    all_rows = frame.collect()
    f = pl.col("f")
    for condition in (
        f > 5.0,
        f >= 5.0,
        f < 5.0,
        f <= 5.0,
        f == 7.0,
        f != 7.0,
        ~(f < 5.0),
        f > 5,
        f.is_not_null(),
    ):
        found = frame.filter(condition).collect()
        assert sorted(found["n"]) == sorted(all_rows.filter(condition)["n"]), str(condition)


def test_frames_do_not_leave_out_a_bin_that_came_later(hosts: str, client: Client, set_name: str) -> None:
    users = filled(client, f"{set_name}-late")
    pl = pytest.importorskip("polars")
    pytest.importorskip("dask.dataframe")
    from pyspike.integrations import dask, polars

    lazy = polars.scan(hosts, Selection("test", users))
    lazy_extra = polars.scan(hosts, Selection("test", users, extra="others"))
    frame = dask.read(hosts, Selection("test", users), npartitions=3)
    frame_extra = dask.read(hosts, Selection("test", users, extra="others"), npartitions=3)
    client.put(Key("test", users, COUNT), {"n": COUNT, "late": 5})
    with pytest.raises(Exception, match="'late', which has an integer, has no column"):
        lazy.collect()
    with pytest.raises(Exception, match="'late', which has an integer, has no column"):
        frame.compute(scheduler="threads")
    assert lazy.select("n").collect().height == COUNT + 1
    found = lazy_extra.filter(pl.col("n") >= COUNT - 1).select("others").collect()["others"]
    assert sorted(found, key=str) == [None, '{"late": 5}']
    some = frame_extra[["n", "others"]].compute(scheduler="threads")
    assert list(some.columns) == ["n", "others"]
    assert list(some["others"].dropna()) == ['{"late": 5}']
