"""Lazy frames of polars, whose columns and conditions are asked of the nodes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import polars as pl
from polars.io.plugins import register_io_source

from pyspike.hosts import HostsLike
from pyspike.integrations.comparing import Comparison, pushed_down
from pyspike.integrations.place import Place, place_of
from pyspike.integrations.selection import Selection

__all__ = ["scan"]

_SIGNS = {"Eq": "==", "NotEq": "!=", "Lt": "<", "LtEq": "<=", "Gt": ">", "GtEq": ">="}
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


def scan(place: Place | HostsLike, selection: Selection) -> pl.LazyFrame:
    """The records of a selection as a lazy frame, which is read when it is collected, batch by batch.

        users = scan("10.0.0.7:3000", Selection("test", "users"))
        names = users.filter(pl.col("age") > 20).select("name").collect()

    Only the columns that are used are asked for. Conditions that compare a bin with an integer, a text or a
    truth value are asked of the nodes, by an index where there is one; polars looks at all conditions again.

    Args:
        place: where the cluster is, or its hosts.
        selection: which records, and in which columns. Without a schema some records are read now.

    Raises:
        AerospikeError: no node can be reached.
    """
    place = place_of(place)
    known = selection.with_schema(place)
    schema = pl.Schema(known.columns)
    return register_io_source(
        lambda *asked: _batches(place, known, *asked), schema=schema, explain_name="Aerospike"
    )


def _batches(
    place: Place,
    selection: Selection,
    columns: list[str] | None,
    predicate: pl.Expr | None,
    n_rows: int | None,
    batch_size: int | None,
) -> Iterator[pl.DataFrame]:
    asked = selection
    if predicate is not None:
        asked, _ = pushed_down(selection, _comparisons(predicate), place)
    needed = columns
    if columns is not None and predicate is not None:
        needed = list(dict.fromkeys([*columns, *predicate.meta.root_names()]))
    with asked.of_columns(needed).read(place) as batches:
        for batch in batches:
            frame = pl.DataFrame(batch)
            if predicate is not None:
                frame = frame.filter(predicate)
            if columns is not None:
                frame = frame.select(columns)
            if n_rows is not None:
                frame = frame.head(n_rows)
                n_rows -= frame.height
            yield frame
            if n_rows == 0:
                return


def _comparisons(predicate: pl.Expr) -> list[Comparison]:
    """Those comparisons all of which hold where the predicate does; others it may have are left out."""
    try:
        tree = json.loads(predicate.meta.serialize(format="json"))
    except Exception:  # a form of expressions that has no text: polars looks at them alone
        return []
    found: list[Comparison] = []
    _collect(tree, found)
    return found


def _collect(tree: Any, found: list[Comparison]) -> None:
    binary = tree.get("BinaryExpr") if isinstance(tree, dict) else None
    if binary is None:
        return
    left, sign, right = binary["left"], binary["op"], binary["right"]
    if sign in ("And", "LogicalAnd"):
        _collect(left, found)
        _collect(right, found)
        return
    sign = _SIGNS.get(sign)
    if sign is None:
        return
    if "Column" in right and "Literal" in left:
        left, right, sign = right, left, _TURNED.get(sign, sign)
    if "Column" in left and "Literal" in right:
        values = _literal(right["Literal"])
        found.extend(Comparison(left["Column"], sign, value) for value in values)


def _literal(tree: Any) -> list[Any]:
    """The value of a literal, if it is a number, a text or a truth value."""
    while isinstance(tree, dict) and len(tree) == 1:
        ((kind, tree),) = tree.items()
        if kind in ("Int", "Float", "String", "Boolean", "Int64", "Int32", "Float64"):
            return [tree] if isinstance(tree, (int, float, str, bool)) else []
    return []
