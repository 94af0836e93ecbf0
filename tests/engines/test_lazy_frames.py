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
    name = f"{set_name}-f"
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
