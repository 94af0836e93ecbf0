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

A schema that is given to the reader says which bins are read, and of which types. Else it is guessed of some
records, once for a frame, and a bin that it does not have is an error, or in the column `extra`.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pyarrow
from pyspark.sql import datasource as spark
from pyspark.sql.pandas.types import from_arrow_type, to_arrow_schema
from pyspark.sql.types import StructField, StructType

from pyspike._wire import ArrowSchema, ColumnBatch
from pyspike.columnar.schema import json_field, null_for_both
from pyspike.errors import InvalidArgument
from pyspike.integrations.comparing import Comparison, pushed_down
from pyspike.integrations.place import Place
from pyspike.integrations.selection import Selection, Target
from pyspike.query import ALL_PARTITIONS, PartitionFilter
from pyspike.showing import shown

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
        """What is read, without the columns."""
        return Selection(
            self._needed("namespace"),
            self.options.get("set"),
            _names(self.options.get("bins")),
            metadata=_names(self.options.get("metadata")) or (),
            on_mismatch=self.options.get("onMismatch", "error"),
            extra=self.options.get("extra"),
        )

    def schema(self) -> StructType:
        """The columns, of the types of some records that are read for that."""
        return _spark_schema(self._selection().with_schema(self._place()).columns)

    def reader(self, schema: StructType) -> spark.DataSourceReader:
        """What reads; the schema is that of `schema()`, or one that the user has given."""
        selection = self._selection()
        columns, is_guessed = _columns(schema, selection.extra)
        if is_guessed:
            selection = replace(selection, schema=columns, is_guessed=True)
        else:
            lacking = sorted(set(selection.bins or ()) - set(columns.names))
            if lacking:
                raise InvalidArgument(
                    f"the bins {shown(lacking)} are asked for, but the schema has no columns for them",
                    advice="leave out the option bins, as the schema says which are read",
                )
            selection = selection.of_schema(columns)
        kind = _FilteringReader if self.options.get("pushdown", "false").lower() == "true" else _Reader
        parts = int(self.options.get("partitions", 16))
        return kind(self._place(), selection, parts, _arrow_schema(schema))

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


_COLUMN, _COUNT = "aerospike.column", "aerospike.columns"  # in the metadata of fields of Spark
_SIGNED = {pyarrow.uint32(): pyarrow.int64()}  # generations; Spark has no unsigned integers


def _spark_schema(columns: ArrowSchema) -> StructType:
    """The schema of Spark for columns. Its fields keep what Spark has no types for, such as GeoJSON."""
    fields = []
    for column, plain in zip(columns.fields, pyarrow.schema(_plain(columns)), strict=True):
        kind = from_arrow_type(_SIGNED.get(plain.type, plain.type))
        kept = pyarrow.schema(ArrowSchema("", "+s", fields=[column])).serialize()
        told = {_COLUMN: base64.b64encode(kept).decode(), _COUNT: len(columns.fields)}
        fields.append(StructField(column.name, kind, column.nullable, told))
    return StructType(fields)


def _plain(schema: ArrowSchema) -> ArrowSchema:
    """The same, with nothing said of the columns but their types: JSON is text."""
    return ArrowSchema(
        schema.name,
        schema.format,
        nullable=schema.nullable,
        fields=[_plain(each) for each in schema.fields],
        dictionary=schema.dictionary,
        flags=schema.flags,
    )


def _columns(schema: StructType, extra: str | None) -> tuple[ArrowSchema, bool]:
    """The columns that are read for a schema of Spark, and whether it is one that was guessed, as a whole."""
    fields, is_guessed = [], True
    for field, plain in zip(schema.fields, _arrow_schema(schema), strict=True):
        told = field.metadata or {}
        is_guessed = is_guessed and told.get(_COUNT) == len(schema.fields)
        column = null_for_both(ArrowSchema.from_arrow(plain.remove_metadata()))
        if _COLUMN in told:
            kept = pyarrow.ipc.read_schema(pyarrow.py_buffer(base64.b64decode(told[_COLUMN])))
            guessed = ArrowSchema.from_arrow(kept)
            (of_spark,) = _spark_schema(guessed).fields
            if (of_spark.name, of_spark.dataType) == (field.name, field.dataType):
                column = guessed.fields[0]
        fields.append(json_field(field.name) if field.name == extra else column)
    return ArrowSchema("", "+s", nullable=False, fields=fields), is_guessed


class _Plainly:
    """A batch as others take it, of columns of which nothing is said but their types."""

    def __init__(self, batch: ColumnBatch) -> None:
        self._batch = batch

    def __arrow_c_array__(self, requested_schema: object = None) -> tuple[object, object]:
        _, array = self._batch.__arrow_c_array__()
        return _plain(self._batch.schema).__arrow_c_schema__(), array


def _arrow_schema(schema: StructType) -> pyarrow.Schema:
    """What Spark takes for a schema of its own."""
    try:
        return to_arrow_schema(schema, timezone="UTC")
    except TypeError:  # versions without this argument mean UTC
        return to_arrow_schema(schema)


def _names(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(name.strip() for name in text.split(","))


class _Range(spark.InputPartition):  # type: ignore[misc]
    def __init__(self, partitions: PartitionFilter) -> None:
        super().__init__(partitions.begin)
        self.partitions = partitions


class _Reader(spark.DataSourceReader):  # type: ignore[misc]
    def __init__(self, place: Place, selection: Selection, parts: int, schema: pyarrow.Schema) -> None:
        self._place = place
        self._selection = selection
        self._parts = parts
        self._schema = schema

    def partitions(self) -> list[spark.InputPartition]:
        """The ranges, each for a task."""
        return [_Range(each) for each in ALL_PARTITIONS.split(self._parts)]

    def read(self, partition: spark.InputPartition) -> Iterator[Any]:
        """The records of a range, in batches of Arrow's."""
        with self._selection.read(self._place, partition.partitions) as batches:
            for batch in batches:
                table = pyarrow.Table.from_batches([pyarrow.record_batch(_Plainly(batch))])
                yield from table.select(self._schema.names).cast(self._schema).to_batches()


class _FilteringReader(_Reader):
    """One that Spark may use only if it is told to push conditions down."""

    def pushFilters(self, filters: list[Any]) -> Iterable[Any]:  # noqa: N802 - Spark's name
        """Have the nodes look at conditions. All are given back, as Spark is to look at them again: a bin
        that is there may still be null in its column.
        """
        comparisons = [each for each in map(_comparison, filters) if each is not None]
        self._selection, _ = pushed_down(self._selection, comparisons, self._place)
        return filters


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
