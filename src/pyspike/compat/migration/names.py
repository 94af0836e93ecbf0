"""pyspike's own names for those constants, exceptions and helpers of the official client that have one."""

from __future__ import annotations

from functools import cache

from pyspike import errors
from pyspike.compat.facts import expressions
from pyspike.compat.facts.operations import FAMILIES
from pyspike.compat.model.exceptions import CLASSES, OWN

__all__ = ["own_name"]

# Families of constants by how they begin; the longest that fits counts.
CONSTANTS = {
    "POLICY_KEY_": "WritePolicy(send_key=...)",
    "POLICY_EXISTS_": "RecordExistsAction",
    "POLICY_GEN_": "GenerationPolicy",
    "POLICY_COMMIT_LEVEL_": "CommitLevel",
    "POLICY_REPLICA_": "Replica",
    "POLICY_READ_MODE_AP_": "ConsistencyLevel",
    "TTL_": "Expiration",
    "AUTH_": "AuthMode",
    "LIST_RETURN_": "ListReturnType",
    "LIST_WRITE_": "ListWriteFlags",
    "LIST_SORT_": "ListSortFlags",
    "LIST_": "ListOrder",
    "MAP_RETURN_": "MapReturnType",
    "MAP_WRITE_": "MapWriteFlags",
    "MAP_": "MapOrder",
    "BIT_WRITE_": "BitWriteFlags",
    "BIT_RESIZE_": "BitResizeFlags",
    "BIT_OVERFLOW_": "BitOverflowAction",
    "HLL_WRITE_": "HLLWriteFlags",
    "EXP_READ_": "ExpReadFlags",
    "EXP_WRITE_": "ExpWriteFlags",
    "EXP_PATH_SELECT_": "PathSelect",
    "INDEX_TYPE_": "CollectionIndexType",
    "INDEX_": "IndexType",
    "QUERY_DURATION_": "QueryDuration",
    "REGEX_": "exp.RegexFlags",
    "PRIV_": "Privilege",
    "ERROR_DETAIL_": "ErrorDetails",
}


def own_name(name: str) -> str:
    """Pyspike's name for a name of the official client; empty if there is none."""
    found = other_names().get(name)
    if found is None:
        family = max((each for each in CONSTANTS if name.startswith(each)), key=len, default="")
        found = CONSTANTS.get(family, "")
    return found


@cache
def other_names() -> dict[str, str]:
    """The names of exceptions, operation helpers and expressions."""
    made = {name: f"errors.{kind.__name__}" for kind, name in reversed(OWN)}
    for name, kind in CLASSES.items():
        if kind.code is not None and kind.code > 0:
            made[name] = f"errors.{type(errors.from_code(kind.code, key=_SOME_KEY)).__name__}"
    made["AerospikeError"] = "errors.AerospikeError"
    for family in FAMILIES.values():
        for helper in family.helpers:
            place = ".".join(filter(None, ("operations", family.module, helper.function)))
            made[helper.name] = f"{place}(...)"
    for table in (
        *(expressions.BASE, expressions.NUMBERS, expressions.INT_BITS, expressions.LISTS),
        *(expressions.MAPS, expressions.BITS, expressions.HLLS),
    ):
        for row in expressions.rows(table):
            made[row.name] = f"exp.{row.function}(...)"
    return made


_SOME_KEY = object()  # an error without a key is none of a record
