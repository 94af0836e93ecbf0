"""Which records an engine reads, and in which columns; and where it writes rows to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from pyspike._types import ArrowRows, ColumnTypes, Filter, MetadataColumns, OnMismatch, Ttl
from pyspike._wire import ArrowSchema, IndexFilter, Statement, filter_bytes
from pyspike.columnar.reading import EXTRA
from pyspike.columnar.schema import GuessedSchema, schema_of
from pyspike.columnar.stream import ArrowStream
from pyspike.columnar.writing import WriteReport
from pyspike.errors import InvalidArgument
from pyspike.integrations.place import Place
from pyspike.policy import BatchPolicy, BatchWritePolicy, QueryPolicy
from pyspike.query import ALL_PARTITIONS, PartitionFilter

__all__ = ["ALL_AT_ONCE", "Selection", "Target"]

SAMPLE = 10_000  # records of which a schema is guessed
ALL_AT_ONCE = 4096  # partitions, and so the most ranges
PATIENT = QueryPolicy(total_timeout=0)
WRITING = BatchPolicy(total_timeout=60_000, max_retries=5)


@dataclass(frozen=True, slots=True)
class Selection:
    """Which records are read, and in which columns. It can be pickled.

    Args:
        namespace: of the records.
        set_name: of the records; None for the whole namespace.
        bins: the names of the bins; None for all, or those of the schema.
        schema: which columns there are, as for `Client.query_arrow`; None: those of some records.
        metadata: what else there is a column for, as for `Client.query_arrow`.
        on_mismatch: what becomes of a value that does not fit its column.
        extra: the name of a column for bins that have none.
        where: what is looked for in an index; None for all records.
        filter_expression: which records to give.
        is_guessed: whether the schema is of some records only, so that bins it does not have are an error, or
            in the column for these. Of a schema that is given, the bins are those that are wanted.
    """

    namespace: str
    set_name: str | None = None
    bins: Sequence[str] | None = None
    schema: ColumnTypes | None = None
    metadata: MetadataColumns = ()
    on_mismatch: OnMismatch = "error"
    extra: str | None = None
    where: IndexFilter | None = None
    filter_expression: Filter | None = None
    is_guessed: bool = False

    def __post_init__(self) -> None:
        if self.extra is None and self.on_mismatch == "json":
            object.__setattr__(self, "extra", EXTRA)  # which it is called by `query_arrow`
        if self.bins is not None:
            object.__setattr__(self, "bins", tuple(self.bins))
        if self.schema is not None:
            object.__setattr__(self, "schema", schema_of(self.schema))
        object.__setattr__(self, "filter_expression", filter_bytes(self.filter_expression))
        self._statement()

    def _statement(self) -> Statement:
        return Statement(self.namespace, self.set_name, self.bins, where=self.where)

    def read(
        self, place: Place, partitions: PartitionFilter = ALL_PARTITIONS, max_records: int = 0
    ) -> ArrowStream:
        """The records of some partitions, as this process reads them; of all nodes together at most some."""
        return place.client().query_arrow(
            self._statement(),
            schema=GuessedSchema(self.columns)
            if self.is_guessed and self.schema is not None
            else self.schema,
            metadata=self.metadata,
            on_mismatch=self.on_mismatch,
            extra=self.extra,
            partitions=partitions,
            filter_expression=self.filter_expression,
            policy=PATIENT.replace(max_records=max_records) if max_records else PATIENT,
        )

    def with_schema(self, place: Place) -> Selection:
        """The same, of columns that are known: if need be, those of some records that are read for that."""
        if self.schema is not None:
            return self
        with self.read(place, max_records=SAMPLE) as sample:
            return replace(self, schema=sample.schema, is_guessed=True)

    @property
    def columns(self) -> ArrowSchema:
        """The columns, which must be known."""
        assert isinstance(self.schema, ArrowSchema)
        return self.schema

    def of_columns(self, names: Sequence[str] | None) -> Selection:
        """The same with some of its columns only, in their order, so that other bins are not asked for.

        Where the column for bins that have none is among them, all columns stay, as else their bins would be
        in it: whoever reads takes those that are wanted.
        """
        if names is None:
            return self
        fields = [self.columns.field(name) for name in names]
        schema = ArrowSchema("", "+s", nullable=False, fields=fields)
        if set(names) == set(self.columns.names):
            return replace(self, schema=schema)
        return self if self.extra in names else self.of_schema(schema)

    def of_schema(self, schema: ArrowSchema) -> Selection:
        """The same with the columns of a schema that is wanted."""
        names = schema.names
        metadata = (
            dict(self.metadata) if isinstance(self.metadata, dict) else {name: name for name in self.metadata}
        )
        has_extra = self.extra in names
        return replace(
            self,
            schema=schema,
            bins=None,
            metadata={what: name for what, name in metadata.items() if name in names},
            extra=self.extra if has_extra else None,
            on_mismatch="null" if self.on_mismatch == "json" and not has_extra else self.on_mismatch,
            is_guessed=False,
        )


@dataclass(frozen=True, slots=True)
class Target:
    """Where rows are written to, and which column is what. It can be pickled.

    Args:
        namespace: of the records.
        set_name: of the records; None for no set.
        key: the name of the column with the keys.
        digest: that of a column with digests, for rows whose key is null.
        ttl: how long the records live, or the name of a column of seconds.
        row_policy: of each row.
    """

    namespace: str
    set_name: str | None = None
    key: str | None = None
    digest: str | None = None
    ttl: Ttl | str | None = None
    row_policy: BatchWritePolicy | None = None

    def __post_init__(self) -> None:
        if self.key is None and self.digest is None:
            raise InvalidArgument("either a column of keys or one of digests is needed", advice="key=...")

    def write(self, place: Place, rows: ArrowRows) -> int:
        """Write rows by this process; returns how many were written.

        Raises:
            RowRefused: the server can't hold a value.
            AerospikeError: a row failed; others may have been written.
        """
        options: dict[str, Any] = {"ttl": self.ttl, "row_policy": self.row_policy, "policy": WRITING}
        report: WriteReport = place.client().write_arrow(
            rows, self.namespace, self.set_name, key=self.key, digest=self.digest, **options
        )
        report.raise_for_failures()
        return report.written
