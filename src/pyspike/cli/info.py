"""info: what nodes say about themselves."""

from __future__ import annotations

from typing import Any

import click

from pyspike import Client
from pyspike.cli.options import as_json, connect, connecting
from pyspike.cli.output import print_json

__all__ = ["info"]

NAMESPACE_NUMBERS = ("master_objects", "objects", "effective_replication_factor")


@click.command()
@click.argument("commands", nargs=-1, metavar="[COMMAND]...")
@click.option("--node", metavar="NAME", help="Ask this node only.")
@connecting
@as_json
def info(commands: tuple[str, ...], node: str | None, hosts: str, timeout: float, as_json: bool) -> None:
    """Send info commands, such as build or namespace/test, to every node; without any, show the cluster."""
    with connect(hosts, timeout) as client:
        found = _answers(client, commands, node) if commands else _overview(client, node)
    if as_json:
        print_json(found)
    else:
        click.echo(_list_answers(found) if commands else _list_overview(found))


def _answers(client: Client, commands: tuple[str, ...], node: str | None) -> dict[str, dict[str, str]]:
    """The answers by node and command."""
    found: dict[str, dict[str, str]] = {}
    for command in commands:
        values = client.info(command) if node is None else {node: client.info(command, node)}
        for name, value in values.items():
            found.setdefault(name, {})[command] = value
    return found


def _list_answers(answers: dict[str, dict[str, str]]) -> str:
    lines: list[str] = []
    for name, values in sorted(answers.items()):
        lines.append(name)
        for command, value in values.items():
            if ";" in value:
                lines.append(f"  {command}")
                lines += [f"    {part}" for part in value.split(";") if part]
            else:
                lines.append(f"  {command}  {value}")
    return "\n".join(lines)


def _overview(client: Client, node: str | None) -> dict[str, Any]:
    """The nodes with their namespaces."""
    overview: dict[str, Any] = {}
    for each in client.nodes():
        if node in (None, each.name):
            names = client.info("namespaces", each).split(";")
            overview[each.name] = {
                "address": each.address,
                "version": each.version,
                "namespaces": {
                    name: _numbers(client.info(f"namespace/{name}", each)) for name in names if name
                },
            }
    if node is not None and not overview:
        client.info("build", node)  # raises, and says which nodes there are
    return overview


def _numbers(text: str) -> dict[str, int]:
    pairs = {name: value for name, _, value in (part.partition("=") for part in text.split(";"))}
    return {name: int(pairs[name]) for name in NAMESPACE_NUMBERS if name in pairs}


def _list_overview(overview: dict[str, Any]) -> str:
    lines: list[str] = []
    for name, node in sorted(overview.items()):
        lines.append(f"{name}  {node['address']}  version {node['version']}")
        for namespace, numbers in node["namespaces"].items():
            shown = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in numbers.items())
            lines.append(f"  {namespace}: {shown}" if shown else f"  {namespace}")
    return "\n".join(lines)
