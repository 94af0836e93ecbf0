"""What a query looks for: the records of a partition by the primary index, or by a secondary one.

Owns: the order in which records of a partition are found, and where a query goes on. Not here: filters and
sets, which are looked at for each record that is found (streams.py, background.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from ..protocol.constants import IndexCollection, ParticleType
from ..protocol.query_request import Start, Where
from ..protocol.result import RequestError, ResultCode, bad
from ..storage.indexes import Index, IndexDefinition
from ..storage.record import Record
from ..storage.store import Namespace
from ..topology.state import NodeState
from ..values.geojson import point_cell
from ..values.integers import INT_MAX, INT_MIN
from ..values.packed import Value
from ..values.regions import Point, Region, point_of, region_of
from .indexes import find_index, index_of, load_percent
from .keys import bval_of, index_context, values_of

__all__ = ["Found", "Search", "search_for"]

_GEOJSON = bytes((ParticleType.GEOJSON,))

Found = tuple["int | None", bytes]
"""The bval by which a record is found, None in the primary index, and the record's digest."""


class Search:
    """All records of a namespace, by the primary index."""

    __slots__ = ("_namespace",)

    index: Index | None = None

    def __init__(self, namespace: Namespace) -> None:
        self._namespace = namespace

    def candidates(self, start: Start) -> Sequence[Found]:
        """What is to be looked at in a partition, in order."""
        records = self._namespace.partitions[start.partition_id]
        if not records:
            return ()
        digests = sorted(records, reverse=True)
        if start.digest is not None:
            digests = [digest for digest in digests if digest < start.digest]
        return [(None, digest) for digest in digests]

    def accepts(self, bval: int | None, digest: bytes, record: Record) -> bool:
        """Whether a candidate is what is looked for, at this moment."""
        return True


class IndexSearch(Search):
    """The records whose indexed values are in a range, or match a place."""

    __slots__ = ("_bounds", "_is_wanted", "_values", "index")

    def __init__(self, namespace: Namespace, index: Index, where: Where) -> None:
        """Look for a range in an index.

        Raises:
            RequestError: PARAMETER: a place that is none.

        """
        super().__init__(namespace)
        self.index: Index = index
        self._is_wanted: Callable[[Value], bool] | None = None
        first, last = where.first, where.last
        if isinstance(first, int) and isinstance(last, int):
            is_fitting = index.definition.particle == where.particle
            self._bounds = (first, last) if is_fitting else (0, -1)
            return
        assert isinstance(first, bytes)
        if index.definition.particle != where.particle:  # as an index can be that is given by its name
            self._bounds = (0, -1)
            return
        self._values = values_of(index.definition, namespace.store)
        if where.particle == ParticleType.GEOJSON:
            self._bounds = (INT_MIN, INT_MAX)
            self._is_wanted = _place_matcher(first)
        else:
            bval = bval_of(bytes((where.particle,)) + first, where.particle)
            assert bval is not None
            self._bounds = (bval, bval)

    def candidates(self, start: Start) -> Sequence[Found]:
        after = None if start.digest is None or start.bval is None else (start.bval, start.digest)
        found = self.index.within(start.partition_id, *self._bounds, after)
        if self.index.definition.collection == IndexCollection.DEFAULT:
            return found
        return list(_first_of_each(found))

    def accepts(self, bval: int | None, digest: bytes, record: Record) -> bool:
        if bval is None or not self.index.holds(bval, digest):
            return False
        return self._is_wanted is None or any(map(self._is_wanted, self._values(digest, record)))


def _first_of_each(found: Sequence[Found]) -> Iterator[Found]:
    """What is found, without records that were found before: a list may have several matching elements."""
    seen = set()
    for bval, digest in found:
        if digest not in seen:
            seen.add(digest)
            yield bval, digest


def _place_matcher(text: bytes) -> Callable[[Value], bool]:
    """What tells whether a value is a point in a region, or a region with a point.

    Raises:
        RequestError: PARAMETER: the text is no GeoJSON.

    """
    try:
        point_cell(text)
    except RequestError as error:
        raise bad(f"GeoJSON to look for: {error.detail}") from error
    point, region = point_of(text), region_of(text)
    return partial(_is_within, region) if region is not None else partial(_contains, point)


def _text(value: Value) -> bytes | None:
    """The text of a place; None if the value is none."""
    if not isinstance(value, bytes) or value[:1] != _GEOJSON:
        return None
    return None if bval_of(value, ParticleType.GEOJSON) is None else value[1:]


def _is_within(region: Region, value: Value) -> bool:
    text = _text(value)
    point = None if text is None else point_of(text)
    return point is not None and region.contains(point)


def _contains(point: Point | None, value: Value) -> bool:
    text = _text(value)
    region = None if text is None else region_of(text)
    return region is not None and point is not None and region.contains(point)


def search_for(namespace: Namespace, node: NodeState, set_name: bytes, where: Where | None) -> Search:
    """The search of a query, of a set (empty: of the whole namespace), on a node.

    Raises:
        RequestError: SINDEX_NOT_FOUND: there is no such index. SINDEX_NOT_READABLE: it is being built.
            PARAMETER: a place or a context that is none.

    """
    if where is None:
        return Search(namespace)
    if where.context:
        index_context(where.context)
    index = _index(namespace, set_name, where)
    if index is None:
        raise RequestError(ResultCode.SINDEX_NOT_FOUND, "no index for the query")
    if index.definition.collection == IndexCollection.SET or load_percent(node, index) < 100:
        raise RequestError(ResultCode.SINDEX_NOT_READABLE, "the index is being built")
    return IndexSearch(namespace, index, where)


def _index(namespace: Namespace, set_name: bytes, where: Where) -> Index | None:
    if where.index_name is not None:
        return find_index(namespace, where.index_name.decode("latin-1"))
    definition = IndexDefinition(
        set_name or None,
        where.particle,
        where.collection,
        where.bin or None,
        where.context,
        where.expression,
    )
    return index_of(namespace, definition)
