"""Where a cluster is, as other processes are told; what is read and compared there."""

from __future__ import annotations

import multiprocessing
import pickle
from typing import Any

import pytest

from pyspike import (
    BatchPolicy,
    BatchWritePolicy,
    Client,
    ClientPolicy,
    InvalidArgument,
    InvalidType,
    Key,
    RecordExistsAction,
    errors,
    exp,
    filters,
)
from pyspike.integrations.comparing import Comparison, pushed_down
from pyspike.integrations.place import Place, place_of
from pyspike.integrations.selection import Selection, Target
from pyspike.query import ALL_PARTITIONS
from support.indexes import index

pa = pytest.importorskip("pyarrow")

COUNT = 60


@pytest.fixture
def users(client: Client, set_name: str) -> str:
    """A set with records."""
    return filled(client, f"{set_name}-e")


def filled(client: Client, name: str) -> str:
    rows = [
        (Key("test", name, n), {"n": n, "s": f"s{n % 3}", "f": n / 2, "b": n % 2 == 0}) for n in range(COUNT)
    ]
    client.batch_put(rows, policy=BatchPolicy(total_timeout=20_000))
    return name


def test_a_place_can_be_sent_elsewhere_without_a_password(
    hosts: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place(hosts, ClientPolicy(timeout=20_000), user="ann", password_variable="THE_PASSWORD")
    assert pickle.loads(pickle.dumps(place)) == place
    with pytest.raises(InvalidArgument, match="the environment has no THE_PASSWORD"):
        place.client()
    monkeypatch.setenv("THE_PASSWORD", "s3cret")
    assert b"s3cret" not in pickle.dumps(place)
    assert "s3cret" not in repr(place)
    assert place.client_policy().user == "ann"
    assert place.client_policy().password == "s3cret"
    with pytest.raises(InvalidArgument, match="has no user"):
        Place(hosts, ClientPolicy(user="ann", password="s3cret"))
    with pytest.raises(InvalidType, match="ClientPolicy"):
        Place(hosts, "fast")  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument):
        Place("a:b:c:d:e")
    assert place_of([("a", 3000), ("b", 3000)]) == Place([("a", 3000), ("b", 3000)])
    assert place_of(place) is place


def ask(place: Place, selection: Selection, pipe: Any) -> None:
    client = place.client()
    pipe.send((client is place.client(), selection.read(place).to_pyarrow().num_rows))


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_each_process_has_a_client_of_its_own(hosts: str, users: str, method: str) -> None:
    place, selection = Place(hosts), Selection("test", users, ["n"])
    assert place.client() is Place(hosts).client()
    assert selection.read(place).to_pyarrow().num_rows == COUNT  # before the fork
    context = multiprocessing.get_context(method)
    here, there = context.Pipe()
    process = context.Process(target=ask, args=(place, selection, there))
    process.start()
    try:
        assert here.poll(60)
        assert here.recv() == (True, COUNT)
    finally:
        process.join()


def test_ranges_have_all_records_and_columns_can_be_chosen(hosts: str, users: str) -> None:
    place = Place(hosts)
    selection = Selection("test", users, metadata=["digest"]).with_schema(place)
    assert pickle.loads(pickle.dumps(selection)) == selection
    assert selection.columns.names == ["digest", "b", "f", "n", "s"]
    tables = [selection.read(place, part).to_pyarrow() for part in ALL_PARTITIONS.split(7)]
    assert sorted(pa.concat_tables(tables)["n"].to_pylist()) == list(range(COUNT))
    some = selection.of_columns(["s", "n"])
    assert some.read(place).to_pyarrow().schema.names == ["s", "n"]
    assert selection.of_columns(["digest"]).read(place).to_pyarrow().num_columns == 1
    assert selection.of_columns(None) is selection


SIGNS = {
    "==": lambda a, b: a == b, "!=": lambda a, b: a != b, "<": lambda a, b: a < b, "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b, ">=": lambda a, b: a >= b,
}  # fmt: skip


def test_comparisons_are_made_by_nodes(hosts: str, client: Client, users: str) -> None:
    place = Place(hosts)
    selection = Selection("test", users, filter_expression=exp.lt(exp.int_bin("n"), 50)).with_schema(place)
    rows = [row for row in selection.read(place).to_pyarrow().to_pylist() if row["n"] < 50]
    for column, value in (("n", 20), ("s", "s1")):
        for sign, compare in SIGNS.items():
            asked, left = pushed_down(selection, [Comparison(column, sign, value)])
            assert left == []
            found = asked.read(place).to_pyarrow()["n"].to_pylist()
            assert sorted(found) == sorted(row["n"] for row in rows if compare(row[column], value)), (
                column,
                sign,
            )
    for comparison, count in (
        (Comparison("b", "==", True), 25),
        (Comparison("n", "in", [1, 2, 99]), 2),
        (Comparison("n", "exists"), 50),
    ):
        asked, left = pushed_down(selection, [comparison])
        assert (asked.read(place).to_pyarrow().num_rows, left) == (count, [])
    wrong = [
        Comparison("n", "==", 1.5),
        Comparison("s", "==", 1),
        Comparison("nothing", "==", 1),
        Comparison("n", "in", []),
        Comparison("f", "<", float("nan")),
        Comparison("f", ">", 7.5),
        Comparison("f", "in", [7.5]),
        Comparison("n", "==", True),
        Comparison("n", "<", 2**63),
    ]
    assert pushed_down(selection, wrong, place) == (selection, wrong)
    with index(client, users, "n"):
        for comparisons, where in (
            (
                [Comparison("n", ">", 9), Comparison("n", "<=", 20), Comparison("s", "==", "s1")],
                filters.range("n", 10, 20),
            ),
            ([Comparison("n", "==", 10)], filters.equal("n", 10)),
            ([Comparison("s", "==", "s1")], None),
        ):
            asked, _ = pushed_down(selection, comparisons, place)
            assert asked.where == where
            found = sorted(asked.read(place).to_pyarrow()["n"].to_pylist())
            assert found == sorted(
                row["n"]
                for row in rows
                if all(SIGNS[each.sign](row[each.column], each.value) for each in comparisons)
            )


def test_an_index_of_another_type_is_not_asked(hosts: str, client: Client, users: str) -> None:
    place = Place(hosts)
    selection = Selection("test", users).with_schema(place)
    with index(client, users, "n", "string"), index(client, users, "s", "numeric"):
        for comparison, count in ((Comparison("n", "==", 10), 1), (Comparison("s", "==", "s1"), COUNT // 3)):
            asked, _ = pushed_down(selection, [comparison], place)
            assert asked.where is None
            assert asked.read(place).to_pyarrow().num_rows == count
        with index(client, users, "s", "string"):
            asked, _ = pushed_down(selection, [Comparison("s", "==", "s1")], place)
            assert asked.where == filters.equal("s", "s1")
            assert asked.read(place).to_pyarrow().num_rows == COUNT // 3


def test_rows_that_fail_are_an_error(hosts: str, client: Client, users: str) -> None:
    create = BatchWritePolicy(record_exists_action=RecordExistsAction.CREATE_ONLY)
    table = pa.table({"id": [0, 1000], "n": [1, 2]})
    with pytest.raises(errors.RecordExists, match="1 of 2 rows failed, row 0 with"):
        Target("test", users, key="id", row_policy=create).write(Place(hosts), table)
    assert client.get(Key("test", users, 1000)).bins == {"n": 2}
    with pytest.raises(InvalidArgument, match="key="):
        Target("test", users)


def test_a_bin_that_the_guessed_schema_lacks_is_never_left_out(
    hosts: str, client: Client, set_name: str
) -> None:
    place, users = Place(hosts), filled(client, f"{set_name}-later")
    known = Selection("test", users).with_schema(place)
    with_extra = Selection("test", users, extra="others").with_schema(place)
    as_json = Selection("test", users, on_mismatch="json").with_schema(place)
    named = Selection("test", users, ["n", "late"]).with_schema(place)
    declared = Selection("test", users, schema=known.columns)
    client.put(Key("test", users, COUNT), {"n": COUNT, "late": 5})
    for selection in (known, known.of_columns(["s", "n", "f", "b"]), pickle.loads(pickle.dumps(known))):
        with pytest.raises(errors.SchemaMismatch, match="'late'"):
            selection.read(place).to_pyarrow()
    with pytest.raises(errors.SchemaMismatch, match="'late'"):
        named.read(place).to_pyarrow()
    for selection, extra in ((with_extra, "others"), (as_json, "extra")):
        for asked in (selection, selection.of_columns(["n", extra])):
            rows = asked.read(place).to_pyarrow().to_pylist()
            assert {row[extra] for row in rows if row["n"] != COUNT} == {None}
            assert [row[extra] for row in rows if row["n"] == COUNT] == ['{"late": 5}']
        assert selection.of_columns(["n"]).read(place).to_pyarrow().column_names == ["n"]
    for selection in (declared, known.of_columns(["n", "s"])):  # whose columns are what is wanted
        assert selection.read(place).to_pyarrow().num_rows == COUNT + 1


def test_fewer_columns_are_as_strict(hosts: str, client: Client, set_name: str) -> None:
    place, users = Place(hosts), filled(client, f"{set_name}-strict")
    selection = Selection("test", users, extra="others").with_schema(place)
    client.put(Key("test", users, COUNT), {"n": "text"})
    with pytest.raises(errors.SchemaMismatch, match="'n'"):
        selection.of_columns(["n"]).read(place).to_pyarrow()
