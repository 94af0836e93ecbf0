"""copy: the records of a set, from one cluster to another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from pyspike import (
    BatchWrite,
    BatchWritePolicy,
    Client,
    Expiration,
    GenerationPolicy,
    Key,
    PartitionFilter,
    QueryPolicy,
    Record,
    RecordExistsAction,
    RowFailure,
    Statement,
    errors,
)
from pyspike import operations as op
from pyspike.cli.bulk import Notes, Task, in_ranges, named, ranges_of, where_expression
from pyspike.cli.conditions import WHERE_HELP
from pyspike.cli.failures import ExitCode
from pyspike.cli.load_rows import BATCH_POLICY, Done
from pyspike.cli.options import connect, connect_to, connecting
from pyspike.cli.output import print_json

__all__ = ["copy"]

RECORDS_AT_ONCE = 1000
MOST_GENERATION = 0xFFFF  # that a row of a batch can tell


@click.command(epilog=WHERE_HELP)
@click.argument("namespace")
@click.argument("set_name", metavar="[SET]", required=False)
@click.option(
    "--to", "target", required=True, metavar="HOST:PORT,...", help="Nodes of the cluster to copy to."
)
@click.option(
    "--to-user", metavar="NAME", help="Log in there as this user; the password is in PYSPIKE_TO_PASSWORD."
)
@click.option("--to-namespace", metavar="NAME", help="[default: NAMESPACE]")
@click.option("--to-set", metavar="NAME", help="[default: the set of each record]")
@click.option("--bins", metavar="A,B,...", help="These bins only.")
@click.option("--where", metavar="CONDITION", help="Only records for which this holds; all are looked at.")
@click.option(
    "--keep-ttl/--no-keep-ttl", default=True, show_default=True, help="Let records live as long there."
)
@click.option(
    "--existing",
    type=click.Choice(["update", "replace", "keep", "newer"]),
    default="replace",
    show_default=True,
    help="A record that is there is changed, replaced, kept, or replaced if its generation is lower.",
)
@click.option(
    "--cursor", "cursor_path", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="Go on where FILE tells, if it is there, and note in it which ranges are done.",
)  # fmt: skip
@click.option(
    "--errors", "errors_path", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="Add a line of JSON to FILE for each record that failed: its key and the error.",
)  # fmt: skip
@click.option("--ranges", type=click.IntRange(1, 4096), default=32, show_default=True, help="Of partitions.")
@click.option("--threads", type=click.IntRange(1, 64), default=2, show_default=True, help="Ranges at once.")
@connecting
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON, and errors too.")
@click.pass_context
def copy(
    context: click.Context,
    namespace: str,
    set_name: str | None,
    target: str,
    to_user: str | None,
    to_namespace: str | None,
    to_set: str | None,
    bins: str | None,
    where: str | None,
    keep_ttl: bool,
    existing: str,
    cursor_path: Path | None,
    errors_path: Path | None,
    ranges: int,
    threads: int,
    hosts: str,
    timeout: float,
    as_json: bool,
) -> None:
    """Copy the records of a set, or of a namespace, to another cluster, with their keys where these are kept.

    Records are as they were: also the orders of lists and maps. A generation can't be set: it tells how
    often a record was written there. With --existing newer, a record that was written more often stays.
    """
    names = None if bins is None else bins.split(",")
    job = {
        "command": "copy",
        "hosts": hosts,
        "namespace": namespace,
        "set": set_name,
        "bins": names,
        "where": where,
        "target": target,
        "target's namespace": to_namespace,
        "target's set": to_set,
        "keep_ttl": keep_ttl,
        "existing": existing,
        "ranges": ranges,
    }
    notes = Notes(cursor_path, job)
    statement = Statement(namespace, set_name or None, names)
    expression = where_expression(where)
    what = named(namespace, set_name, where)
    done = Done(errors_path, None)
    copier = Copier(to_namespace, to_set, keep_ttl, existing)
    with connect(hosts, timeout) as source, connect_to(target, timeout, to_user) as there:

        def work(partitions: PartitionFilter, task: Task) -> None:
            policy = QueryPolicy(total_timeout=0)
            found = source.query(
                statement, partitions=partitions, filter_expression=expression, policy=policy
            )
            some: list[Record] = []
            with found as records:
                for record in records:
                    some.append(record)
                    if len(some) == RECORDS_AT_ONCE:
                        task.did(copier.write(there, some, done))
                        some = []
            task.did(copier.write(there, some, done))

        in_ranges(ranges_of(ranges), threads, notes, work, what=what, silent=as_json)
    if as_json:
        print_json({"copied": done.written, "kept": done.skipped, "failed": done.failed})
    else:
        click.echo(f"{done.written} records copied, {done.skipped} kept, {done.failed} failed", err=True)
    done.tell()
    if done.failed:
        context.exit(ExitCode.REFUSED)


class Copier:
    """Writes records to another place.

    Args:
        namespace: to which one; None for that of each record.
        set_name: to which set; None for that of each record.
        keep_ttl: whether they live as long.
        existing: what becomes of records that are there.
    """

    def __init__(self, namespace: str | None, set_name: str | None, keep_ttl: bool, existing: str) -> None:
        self._namespace = namespace
        self._set_name = set_name
        self._keep_ttl = keep_ttl
        self._existing = existing
        action = {"update": RecordExistsAction.UPDATE, "keep": RecordExistsAction.CREATE_ONLY}
        newer = GenerationPolicy.EXPECT_GEN_GREATER if existing == "newer" else GenerationPolicy.NONE
        self._policy = BatchWritePolicy(
            send_key=True,
            record_exists_action=action.get(existing, RecordExistsAction.REPLACE),
            generation_policy=newer,
        )

    def write(self, client: Client, records: list[Record], done: Done) -> int:
        """Write records, and count what came of each; returns how many these were."""
        rows = [self._row(record) for record in records if record.bins]
        if self._set_name is not None:
            done.moved |= {
                record.key.set_name or ""
                for record in records
                if record.key.user_key is None and (record.key.set_name or "") != self._set_name
            }
        failures: list[RowFailure] = []
        kept = len(records) - len(rows)
        for outcome in client.batch(rows, policy=BATCH_POLICY) if rows else ():
            if isinstance(outcome.error, errors.RecordExists | errors.GenerationError):
                kept += 1
            elif outcome.error is not None:
                failures.append(RowFailure(0, outcome.key, outcome.error))
        done.count(len(records) - kept - len(failures), kept)
        done.fail(None, failures)
        return len(records)

    def _row(self, record: Record) -> BatchWrite:
        key = record.key
        namespace = self._namespace or key.namespace
        set_name = key.set_name if self._set_name is None else self._set_name
        if isinstance(key.user_key, int | str | bytes):
            key = Key(namespace, set_name, key.user_key)
        else:
            key = Key.from_digest(namespace, set_name, key.digest, key.user_key)
        ttl: Any = None
        if self._keep_ttl:
            ttl = Expiration.NEVER if record.ttl is None else max(1, record.ttl)
        generation = min(record.generation, MOST_GENERATION) if self._existing == "newer" else None
        puts = [op.put(name, value) for name, value in record.items()]
        return BatchWrite(key, puts, ttl=ttl, generation=generation, policy=self._policy)
