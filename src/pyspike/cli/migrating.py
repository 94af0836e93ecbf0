"""migrate: what a program uses of the official client, and what to write instead."""

from __future__ import annotations

import ast
from dataclasses import asdict
from pathlib import Path

import click

from pyspike.cli.failures import ExitCode
from pyspike.cli.options import as_json
from pyspike.cli.output import complain, print_json
from pyspike.compat.migration.usage import Use, sources, uses_of

__all__ = ["migrate"]

NOT_SEEN = "not followed are clients that come out of containers, getattr or other packages"


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

    Clients are followed from where they are made, through assignments, attributes, arguments and functions of
    all these files, so give a program as a whole. What comes out of containers, getattr or other packages is
    not followed: calls there that look like a client's are listed with "perhaps", others are not found.
    """
    unread: dict[str, str] = {}
    trees = {str(path): tree for path in sources(paths) if (tree := _read(path, unread)) is not None}
    found = uses_of(trees)
    if as_json:
        print_json({"uses": [asdict(use) for use in found], "unread": unread})
    else:
        click.echo(_listed(found))
    if unread or any(use.missing for use in found):
        context.exit(ExitCode.NOT_FOUND)


def _read(path: Path, unread: dict[str, str]) -> ast.Module | None:
    """What is in a file; None if it can't be read, and why is put into `unread`."""
    try:
        return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    except (SyntaxError, ValueError, OSError, RecursionError) as error:
        unread[str(path)] = str(error)
        complain(f"pyspike: {path} can't be read: {error}")
        return None


def _listed(found: list[Use]) -> str:
    if not found:
        return "nothing here uses the official client"
    lines = []
    for use in found:
        lines.append(f"{Path(use.path)}:{use.line}  {use.name}")
        if use.unsure:
            lines.append(f"    perhaps: {use.unsure}")
        if use.missing:
            lines.append(f"    not there yet: {use.missing}")
        if use.different:
            lines.append(f"    differs: {use.different}")
        if use.instead:
            lines.append(f"    instead: {use.instead}")
    sure = [use for use in found if not use.unsure]
    missing = sum(bool(use.missing) for use in sure)
    differing = sum(bool(use.different) for use in sure)
    lines.append(
        f"{len(sure)} uses of the official client: {missing} not there yet, {differing} that may differ, "
        f"{len(sure) - missing - differing} as they are"
    )
    if len(sure) < len(found):
        lines.append(f"{len(found) - len(sure)} more that may be: see what they are called on")
    lines.append(NOT_SEEN)
    return "\n".join(lines)
