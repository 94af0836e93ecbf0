"""migrate: what a program uses of the official client, and what to write instead."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from pyspike.cli.failures import ExitCode
from pyspike.cli.options import as_json
from pyspike.cli.output import complain, print_json
from pyspike.compat.migration.usage import Use, sources, uses

__all__ = ["migrate"]


@click.group()
def migrate() -> None:
    """Move a program from the official client, the package aerospike, to pyspike."""


@migrate.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(exists=True))
@as_json
@click.pass_context
def check(context: click.Context, paths: tuple[str, ...], as_json: bool) -> None:
    """List what programs use of the official client, what differs here, and what to write instead.

    Reads the Python files at PATH, or in it, and runs none of them. Whatever is listed works by python -m
    pyspike.compat, unless it is said not to be there.
    """
    found: list[Use] = []
    unread: dict[str, str] = {}
    for path in sources(paths):
        found += _uses(path, unread)
    if as_json:
        print_json({"uses": [asdict(use) for use in found], "unread": unread})
    else:
        click.echo(_listed(found))
    if unread or any(use.missing for use in found):
        context.exit(ExitCode.NOT_FOUND)


def _uses(path: Path, unread: dict[str, str]) -> list[Use]:
    """What a file uses; why it can't be read is put into `unread`."""
    try:
        return uses(path, path.read_text(encoding="utf-8"))
    except (SyntaxError, ValueError, OSError) as error:
        unread[str(path)] = str(error)
        complain(f"pyspike: {path} can't be read: {error}")
        return []


def _listed(found: list[Use]) -> str:
    if not found:
        return "nothing here uses the official client"
    lines = []
    for use in found:
        lines.append(f"{Path(use.path)}:{use.line}  {use.name}")
        if use.missing:
            lines.append(f"    not there yet: {use.missing}")
        if use.different:
            lines.append(f"    differs: {use.different}")
        if use.instead:
            lines.append(f"    instead: {use.instead}")
    missing = sum(bool(use.missing) for use in found)
    differing = sum(bool(use.different) for use in found)
    lines.append(
        f"{len(found)} uses of the official client: {missing} not there yet, {differing} that may differ, "
        f"{len(found) - missing - differing} as they are"
    )
    return "\n".join(lines)
