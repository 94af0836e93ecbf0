"""truncate: removing all records of a set or a namespace."""

from __future__ import annotations

import contextlib
import sys
from datetime import datetime

import click

from pyspike.cli.options import as_json, connect, connecting
from pyspike.cli.output import print_json

__all__ = ["truncate"]


@click.command()
@click.argument("namespace")
@click.argument("set_name", metavar="[SET]", required=False)
@click.option(
    "--before",
    metavar="TIME",
    help="Only records that were last written before this time, such as 2026-01-31T12:00:00+00:00.",
)
@click.option("--yes", is_flag=True, help="Don't ask.")
@connecting
@as_json
def truncate(
    namespace: str, set_name: str | None, before: str | None, yes: bool,
    hosts: str, timeout: float, as_json: bool,
) -> None:  # fmt: skip
    """Remove all records of a set, or of a whole namespace, for good. Asks before it does, unless --yes."""
    time = None if before is None else _time(before)
    if not yes:
        _ask(namespace, set_name, before)
    with connect(hosts, timeout) as client:
        client.truncate(namespace, set_name or None, before=time)
    if as_json:
        print_json({"namespace": namespace, "set": set_name or None, "truncated": True})


def _ask(namespace: str, set_name: str | None, before: str | None) -> None:
    """Raise unless somebody at a terminal agrees."""
    if not sys.stdin or not sys.stdin.isatty():
        raise click.UsageError("there is nobody to ask: add --yes")
    what = f"set {set_name} of namespace {namespace}" if set_name else f"namespace {namespace}"
    when = "" if before is None else f" that were last written before {before}"
    if not click.confirm(f"Remove all records of {what}{when}?", err=True):
        raise click.Abort


def _time(text: str) -> datetime:
    time = None
    with contextlib.suppress(ValueError):
        time = datetime.fromisoformat(text.removesuffix("Z") + "+00:00" * text.endswith("Z"))
    if time is None or time.tzinfo is None:
        raise click.BadParameter(
            f"{text!r} is no time with a time zone, such as 2026-01-31T12:00:00+00:00", param_hint="--before"
        )
    return time
