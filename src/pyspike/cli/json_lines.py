"""Lines of JSON that become records: objects of columns, or records as `pyspike scan` prints them."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from pyspike import BatchWrite, Client, Expiration, Key, RowFailure, errors
from pyspike import operations as op
from pyspike.cli.bulk import Notes
from pyspike.cli.load_rows import BATCH_POLICY, Done, Mapping
from pyspike.columnar.json_values import from_json

__all__ = ["load_lines"]

LINES_AT_ONCE = 2000


def load_lines(
    client: Client, path: Path, form: str, mapping: Mapping, notes: Notes, done: Done,
    tell: Callable[[int], None], options: dict[str, Any],
) -> None:  # fmt: skip
    """Write the records of a file's lines, some at once, and note how far it is.

    Raises:
        UsageError: a line can't be read, or has a value that no record can hold. The lines before were
            written, but for the last ones.
    """
    first = notes.get("next", {}).get(str(path), 0)
    with path.open("rb") as lines:
        numbered = itertools.islice(enumerate(lines), first, None)
        while done.may_go_on and (some := list(itertools.islice(numbered, LINES_AT_ONCE))):
            rows = [(number, row) for number, row in _rows(path, some, mapping, done) if row is not None]
            skipped = sum(bool(line.strip()) for _, line in some) - len(rows)
            failures: list[RowFailure] = []
            if not options["dry_run"] and rows:
                outcomes = client.batch([row for _, row in rows], policy=BATCH_POLICY)
                failures = [
                    RowFailure(number, outcome.key, outcome.error)
                    for (number, _), outcome in zip(rows, outcomes, strict=True)
                    if outcome.error is not None
                ]
            done.count(len(rows) - len(failures), skipped)
            done.fail(path, failures)
            if notes.kept and not options["dry_run"]:
                notes.set("next", {**notes.get("next", {}), str(path): some[-1][0] + 1})
            tell(done.rows)


def _rows(
    path: Path, lines: list[tuple[int, bytes]], mapping: Mapping, done: Done
) -> Iterator[tuple[int, BatchWrite | None]]:
    for number, line in lines:
        if not line.strip():
            continue
        try:
            told = json.loads(line)
            if not isinstance(told, dict):
                raise ValueError("an object is wanted")
            is_record = (
                mapping.key is None
                and isinstance(told.get("key"), dict)
                and isinstance(told.get("bins"), dict)
            )
            yield number, _record(told, mapping, done) if is_record else _columns(told, mapping)
        except (ValueError, TypeError, KeyError, errors.InvalidArgument) as error:
            raise click.UsageError(f"{path}, line {number + 1}: {error}") from None


def _record(told: dict[str, Any], mapping: Mapping, done: Done) -> BatchWrite | None:
    """A record as it was printed."""
    key = told["key"]
    set_name = key.get("set") if mapping.set_name is None else mapping.set_name
    user_key = from_json(key.get("key"))
    if user_key is None:
        if set_name != key.get("set"):
            done.moved.add(key.get("set") or "")
        made = Key.from_digest(mapping.namespace, set_name, bytes.fromhex(key["digest"]))
    else:
        made = Key(mapping.namespace, set_name, user_key)  # type: ignore[arg-type]
    ttl: Any = mapping.ttl
    if ttl is None and mapping.keep_ttl and "ttl" in told:
        ttl = _ttl("ttl", told["ttl"])
    return _write(made, told["bins"], ttl, mapping)


def _columns(told: dict[str, Any], mapping: Mapping) -> BatchWrite | None:
    """A record of an object whose names are columns."""
    if mapping.key is None and mapping.digest is None:
        raise ValueError("which column has the key? name it with --key COLUMN")
    user_key = None if mapping.key is None else from_json(told.get(mapping.key))
    if user_key is not None:
        made = Key(mapping.namespace, mapping.set_name, user_key)  # type: ignore[arg-type]
    elif mapping.digest is not None:
        made = Key.from_digest(mapping.namespace, mapping.set_name, bytes.fromhex(told[mapping.digest]))
    else:
        raise ValueError(f"there is no key: {mapping.key!r} is null or lacks")
    ttl: Any = mapping.ttl
    if mapping.ttl_column is not None:
        ttl = _ttl(mapping.ttl_column, told.get(mapping.ttl_column))
    others = {mapping.key, mapping.digest, mapping.ttl_column}
    bins = {name: value for name, value in told.items() if name not in others}
    return _write(made, bins, ttl, mapping)


def _ttl(column: str, value: Any) -> Any:
    """The time to live that is in a column."""
    if value is None:
        return Expiration.NEVER
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(
            f"column {column!r}: a time to live is an integer of seconds, not {json.dumps(value)}"
        )
    return max(1, value)


def _write(key: Key, bins: dict[str, Any], ttl: Any, mapping: Mapping) -> BatchWrite | None:
    """The row of a batch; None if no bin has a value."""
    if mapping.bins is not None:
        bins = {name: bins.get(column) for column, name in mapping.bins.items()}
    puts = [op.put(name, from_json(value)) for name, value in bins.items() if value is not None]
    return BatchWrite(key, puts, ttl=ttl, policy=mapping.row_policy()) if puts else None
