"""How a server would find the records of a query: what `explain` gives. A leaf but for the types of indexes.

What asks for it is `pyspike.cluster.explaining`.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from pyspike.index import CollectionIndexType
from pyspike.values import GeoJSON

__all__ = ["Explanation", "QueryPath"]


class QueryPath(enum.Enum):
    """By what a query finds its records.

    PRIMARY_INDEX: it looks at all records of the set. SECONDARY_INDEX: at those that an index has found.
    NOTHING: at none, as no record can be wanted.
    """

    PRIMARY_INDEX = "primary index"
    SECONDARY_INDEX = "secondary index"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Explanation:
    """How a server would find the records of a query.

    Args:
        path: by what.
        index: the name of the secondary index; None without one, as all below.
        bin: the name of the bin that it is of.
        collection: what of the bin it holds.
        begin: the least value that is looked for.
        end: the greatest, which is `begin` but for ints.
    """

    path: QueryPath
    index: str | None = None
    bin: str | None = None
    collection: CollectionIndexType | None = None
    begin: int | str | bytes | GeoJSON | None = None
    end: int | str | bytes | GeoJSON | None = None
