"""Aerospike as a data source of Spark, which finds it by its name: `spark.read.format("aerospike")`.

    place = {"hosts": "10.0.0.7:3000", "namespace": "test"}
    frame = spark.read.format("aerospike").options(**place, set="users").load()
    frame.write.format("aerospike").options(**place, set="copy", key="id").mode("append").save()

Options: hosts, namespace, set, bins ("a,b"), partitions (16), user, passwordVariable (PYSPIKE_PASSWORD),
onMismatch, extra, metadata ("digest,key,set,generation,ttl"); for writing key, digest, ttl (seconds, or the
name of a column). With the option pushdown=true, for which `spark.sql.python.filterPushdown.enabled` has to
be true as well, conditions are looked at by the nodes; then load a frame for each query, as Spark 4.3.0 keeps
the conditions of one for the next one of the same frame that has none. The interpreter of the workers
(PYSPARK_PYTHON) needs pyspike and pyarrow.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow
from pyspark.sql import datasource as spark
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.types import StructType

from pyspike.errors import InvalidArgument
from pyspike.integrations.comparing import Comparison, pushed_down
from pyspike.integrations.place import Place
from pyspike.integrations.selection import Selection, Target
from pyspike.query import ALL_PARTITIONS, PartitionFilter

__all__ = ["DefaultSource"]

_SIGNS = {
    spark.EqualTo: "==",
    spark.LessThan: "<",
    spark.LessThanOrEqual: "<=",
    spark.GreaterThan: ">",
    spark.GreaterThanOrEqual: ">=",
}


class DefaultSource(spark.DataSource):  # type: ignore[misc]
    """The data source, which Spark makes with the options of a reader or writer."""

    @classmethod
    def name(cls) -> str:
        """What it is called in `format`."""
        return "aerospike"

    def _needed(self, name: str) -> str:
        value: str | None = self.options.get(name)
        if value is None:
            raise InvalidArgument(f"the option {name!r} is needed", advice=f'.option("{name}", ...)')
        return value

    def _place(self) -> Place:
        variable = self.options.get("passwordVariable", "PYSPIKE_PASSWORD")
        return Place(self._needed("hosts"), user=self.options.get("user"), password_variable=variable)

    def _selection(self) -> Selection:
        return Selection(
            self._needed("namespace"),
            self.options.get("set"),
            _names(self.options.get("bins")),
            metadata=_names(self.options.get("metadata")) or (),
            on_mismatch=self.options.get("onMismatch", "error"),
            extra=self.options.get("extra"),
        ).with_schema(self._place())

    def schema(self) -> StructType:
        """The columns, of the types of some records that are read for that."""
        return from_arrow_schema(pyarrow.schema(self._selection().columns))

    def reader(self, schema: StructType) -> spark.DataSourceReader:
        """What reads; the schema is that of `schema()`, or one that the user has given."""
        selection = self._selection().of_columns([field.name for field in schema.fields])
        kind = _FilteringReader if self.options.get("pushdown", "false").lower() == "true" else _Reader
        return kind(self._place(), selection, int(self.options.get("partitions", 16)))

    def writer(self, schema: StructType, overwrite: bool) -> spark.DataSourceArrowWriter:
        """What writes. Nothing is deleted: a mode that overwrites is refused."""
        if overwrite:
            raise InvalidArgument("records are only added or changed", advice='mode("append")')
        ttl = self.options.get("ttl")
        target = Target(
            self._needed("namespace"),
            self.options.get("set"),
            key=self.options.get("key"),
            digest=self.options.get("digest"),
            ttl=int(ttl) if ttl is not None and ttl.isdecimal() else ttl,
        )
        return _Writer(self._place(), target)


def _names(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(name.strip() for name in text.split(","))


class _Range(spark.InputPartition):  # type: ignore[misc]
    def __init__(self, partitions: PartitionFilter) -> None:
        super().__init__(partitions.begin)
        self.partitions = partitions


class _Reader(spark.DataSourceReader):  # type: ignore[misc]
    def __init__(self, place: Place, selection: Selection, parts: int) -> None:
        self._place = place
        self._selection = selection
        self._parts = parts

    def partitions(self) -> list[spark.InputPartition]:
        """The ranges, each for a task."""
        return [_Range(each) for each in ALL_PARTITIONS.split(self._parts)]

    def read(self, partition: spark.InputPartition) -> Iterator[Any]:
        """The records of a range, in batches of Arrow's."""
        with self._selection.read(self._place, partition.partitions) as batches:
            for batch in batches:
                yield pyarrow.record_batch(batch)


class _FilteringReader(_Reader):
    """One that Spark may use only if it is told to push conditions down."""

    def pushFilters(self, filters: list[Any]) -> Iterable[Any]:  # noqa: N802 - Spark's name
        """Have the nodes look at conditions; those that they can't look at are given back."""
        pushed = []
        for each in filters:
            comparison = _comparison(each)
            if comparison is None or pushed_down(self._selection, [comparison])[1]:
                yield each
            else:
                pushed.append(comparison)
        self._selection, _ = pushed_down(self._selection, pushed, self._place)


def _comparison(condition: Any) -> Comparison | None:
    """What a condition of Spark's compares; None for those that nodes are not asked."""
    if len(getattr(condition, "attribute", ())) != 1:
        return None
    (column,) = condition.attribute
    if isinstance(condition, spark.IsNotNull):
        return Comparison(column, "exists")
    if isinstance(condition, spark.In):
        return Comparison(column, "in", condition.value)
    sign = _SIGNS.get(type(condition))
    return None if sign is None else Comparison(column, sign, condition.value)


@dataclass
class _Written(spark.WriterCommitMessage):  # type: ignore[misc]
    rows: int


class _Writer(spark.DataSourceArrowWriter):  # type: ignore[misc]
    def __init__(self, place: Place, target: Target) -> None:
        self._place = place
        self._target = target

    def write(self, iterator: Iterator[Any]) -> spark.WriterCommitMessage:
        """Write the batches of a task. One that is run again writes the same records again."""
        return _Written(sum(self._target.write(self._place, batch) for batch in iterator))
