"""index: secondary indexes, by which `pyspike query` finds records."""

from __future__ import annotations

import sys

import click
from rich.console import Console
from rich.progress import Progress

from pyspike import CollectionIndexType, IndexType, SecondaryIndex
from pyspike.cli.failures import ExitCode
from pyspike.cli.options import as_json, connect, connecting
from pyspike.cli.output import complain, print_json
from pyspike.task import IndexTask

__all__ = ["index"]

_OF_SET = "set"
_TYPES = [each.value for each in IndexType]
_PARTS = {
    "value": CollectionIndexType.DEFAULT,
    "list": CollectionIndexType.LIST,
    "keys": CollectionIndexType.MAP_KEYS,
    "values": CollectionIndexType.MAP_VALUES,
}
_PART_NAMES = {part: name for name, part in _PARTS.items()}


@click.group()
def index() -> None:
    """Secondary indexes: list, create and drop them."""


@index.command("list")
@click.argument("namespace", required=False)
@connecting
@as_json
def list_indexes(namespace: str | None, hosts: str, timeout: float, as_json: bool) -> None:
    """List the indexes of a namespace, or of all. --json prints a line for each."""
    with connect(hosts, timeout) as client:
        found = client.list_indexes(namespace)
    for each in found:
        if as_json:
            print_json(_to_json(each))
        else:
            click.echo(_describe(each))


@index.command("create")
@click.argument("namespace")
@click.argument("set_name", metavar="SET")
@click.argument("name")
@click.option("--bin", "bin_name", metavar="BIN", help="The bin that is indexed; not for an index of a set.")
@click.option(
    "--type",
    "kind",
    type=click.Choice([*_TYPES, _OF_SET]),
    required=True,
    help="The values that it holds; or set: all records of the set, which scans of it are then quicker by.",
)
@click.option(
    "--of",
    "part",
    type=click.Choice(list(_PARTS)),
    default="value",
    show_default=True,
    help="What of the bin: its value, the elements of a list, or the keys or values of a map.",
)
@click.option("--no-wait", is_flag=True, help="Don't wait until all nodes have built it.")
@connecting
@as_json
def create_index(
    namespace: str, set_name: str, name: str, bin_name: str | None, kind: str, part: str, no_wait: bool,
    hosts: str, timeout: float, as_json: bool,
) -> None:  # fmt: skip
    """Create an index, and wait until all nodes have built it. SET may be '' for the whole namespace.

    Waiting is not limited by --timeout: Ctrl-C ends it, and the nodes go on.
    """
    if (bin_name is None) != (kind == _OF_SET):
        raise click.UsageError("--bin is needed" if bin_name is None else "an index of a set has no --bin")
    with connect(hosts, timeout) as client:
        if bin_name is None:
            task = client.create_set_index(namespace, set_name, name)
        else:
            task = client.create_index(
                namespace, set_name or None, name, bin=bin_name, type=IndexType(kind), collection=_PARTS[part]
            )
        if not no_wait:
            _wait(task)
    if as_json:
        print_json({"namespace": namespace, "name": name, "created": True, "built": not no_wait})


@index.command("drop")
@click.argument("namespace")
@click.argument("name")
@connecting
@as_json
@click.pass_context
def drop_index(
    context: click.Context, namespace: str, name: str, hosts: str, timeout: float, as_json: bool
) -> None:
    """Drop an index. The exit code is 1 if there is none of this name."""
    with connect(hosts, timeout) as client:
        is_there = any(each.name == name for each in client.list_indexes(namespace))
        client.drop_index(namespace, name).wait(timeout)
    if not is_there:
        message = f"namespace {namespace} has no index {name}"
        if as_json:
            print_json({"error": {"type": "IndexNotFound", "message": message}})
        else:
            complain(f"pyspike: {message}; `pyspike index list` tells which there are")
        context.exit(ExitCode.NOT_FOUND)
    if as_json:
        print_json({"namespace": namespace, "name": name, "dropped": True})


def _wait(task: IndexTask) -> None:
    """Wait until an index is built, with a progress bar on stderr if that is a terminal."""
    bar = Progress(
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
        disable=not sys.stderr.isatty(),
    )
    with bar as progress:
        task_id = progress.add_task(f"building {task.name}", total=1.0)
        task.wait(progress=lambda share: progress.update(task_id, completed=share))


def _to_json(found: SecondaryIndex) -> dict[str, object]:
    return {
        "namespace": found.namespace,
        "set": found.set_name,
        "name": found.name,
        "bin": found.bin,
        "type": _OF_SET if found.type is None else found.type.value,
        "of": _PART_NAMES[found.collection],
        "context": None if found.ctx is None else [repr(each) for each in found.ctx],
        "expression": None if found.expression is None else found.expression.hex(),
        "built": found.is_built,
    }


def _describe(found: SecondaryIndex) -> str:
    """A line about an index, such as `test.users  ages  numeric  age`."""
    place = found.namespace if found.set_name is None else f"{found.namespace}.{found.set_name}"
    kind = _OF_SET if found.type is None else found.type.value
    if found.type is None:
        what = "all records"
    else:
        what = "an expression" if found.bin is None else found.bin
        if found.ctx is not None:
            what += f" at {', '.join(map(repr, found.ctx))}"
        if found.collection is not CollectionIndexType.DEFAULT:
            what = f"{_PART_NAMES[found.collection]}({what})"
    return f"{place}  {found.name}  {kind}  {what}{'' if found.is_built else '  (being built)'}"
