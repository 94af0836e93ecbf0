"""udf: modules of Lua functions, which run on the servers."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from pyspike import Client
from pyspike.cli.failures import ExitCode
from pyspike.cli.options import as_json, connect, connecting
from pyspike.cli.output import complain, print_json

__all__ = ["udf"]

SUFFIX = ".lua"


@click.group()
def udf() -> None:
    """Modules of Lua functions: list, register, show and remove them."""


@udf.command("list")
@connecting
@as_json
def list_modules(hosts: str, timeout: float, as_json: bool) -> None:
    """List the modules, each with the hash of its content, which changes whenever that does.

    --json prints a line for each.
    """
    with connect(hosts, timeout) as client:
        found = client.list_udfs()
    width = max((len(module.name) for module in found), default=0)
    for module in found:
        if as_json:
            print_json({"name": module.name, "hash": module.hash, "language": module.language})
        else:
            click.echo(f"{module.name:{width}}  {module.hash}")


@udf.command("put")
@click.argument("path", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--name", metavar="NAME", help="What servers call it, if not as the file.")
@connecting
@as_json
def put_module(path: Path, name: str | None, hosts: str, timeout: float, as_json: bool) -> None:
    """Register the module in the file PATH, or replace it, and wait until every node has it."""
    try:
        source = path.read_bytes()
    except OSError as error:
        raise click.BadParameter(f"{path} can't be read: {error.strerror}", param_hint="PATH") from None
    registered = _file_name(path.name if name is None else name)
    with connect(hosts, timeout) as client:
        client.register_udf(source, registered).wait(timeout)
    if as_json:
        print_json({"name": registered, "registered": True})


@udf.command("get")
@click.argument("name")
@connecting
@as_json
@click.pass_context
def get_module(context: click.Context, name: str, hosts: str, timeout: float, as_json: bool) -> None:
    """Print the source of a module. The exit code is 1 if there is none of this name."""
    with connect(hosts, timeout) as client:
        source = client.get_udf(name) if _is_there(client, name) else None
    if source is None:
        _tell_missing(name, as_json)
        context.exit(ExitCode.NOT_FOUND)
    if as_json:
        print_json({"name": _file_name(name), "source": source})
    else:
        click.echo(source.encode("utf-8", "surrogateescape"), nl=False, file=sys.stdout)


@udf.command("remove")
@click.argument("name")
@connecting
@as_json
@click.pass_context
def remove_module(context: click.Context, name: str, hosts: str, timeout: float, as_json: bool) -> None:
    """Remove a module from all nodes. The exit code is 1 if there is none of this name."""
    with connect(hosts, timeout) as client:
        found = _is_there(client, name)
        client.remove_udf(name).wait(timeout)
    if not found:
        _tell_missing(name, as_json)
        context.exit(ExitCode.NOT_FOUND)
    if as_json:
        print_json({"name": _file_name(name), "removed": True})


def _is_there(client: Client, name: str) -> bool:
    return any(module.name == _file_name(name) for module in client.list_udfs())


def _file_name(name: str) -> str:
    """The file name of a module, which may be given without its ".lua"."""
    return name.removesuffix(SUFFIX) + SUFFIX


def _tell_missing(name: str, as_json: bool) -> None:
    message = f"there is no module {_file_name(name)}"
    if as_json:
        print_json({"error": {"type": "ModuleNotFound", "message": message}})
    else:
        complain(f"pyspike: {message}; `pyspike udf list` tells which there are")
