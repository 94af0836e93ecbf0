"""operate: several steps on one record, from the shell."""

from __future__ import annotations

import json

import click

from pyspike import Operation, WritePolicy
from pyspike.cli.operation_calls import CALLS_HELP, parse_operation
from pyspike.cli.options import as_json, connect, connecting, key_arguments, make_key
from pyspike.cli.output import print_json
from pyspike.cli.records import TTL_HELP, described, parse_ttl, record_to_json
from pyspike.columnar.json_values import to_json

__all__ = ["operate"]


@click.command(epilog=CALLS_HELP)
@key_arguments
@click.argument("operations", metavar="OPERATION...", nargs=-1, required=True)
@click.option("--ttl", metavar="SECONDS", help=TTL_HELP)
@click.option("--send-key", is_flag=True, help="Store KEY with the record, not only its digest.")
@connecting
@as_json
def operate(
    namespace: str,
    set_name: str,
    user_key: str,
    key_type: str,
    operations: tuple[str, ...],
    ttl: str | None,
    send_key: bool,
    hosts: str,
    timeout: float,
    as_json: bool,
) -> None:
    """Run operations on a record, in order, all or nothing, and print what each gives.

    SET may be '' for none. An operation that gives nothing has no line. --json prints the bins, and
    "results" too: what each operation gives, null for nothing.
    """
    key = make_key(namespace, set_name, user_key, key_type)
    parsed = [_parsed(text) for text in operations]
    expiration = None if ttl is None else parse_ttl(ttl)
    policy = WritePolicy(send_key=send_key, total_timeout=timeout)
    with connect(hosts, timeout) as client:
        record = client.operate(key, parsed, ttl=expiration, policy=policy)
    if as_json:
        print_json(record_to_json(record) | {"results": [to_json(value) for value in record.results]})
    elif len(record):
        # Under the bin's name a count would look like its value.
        given = zip(map(str.strip, operations), record.results, strict=True)
        click.echo(described(record, [each for each in given if each[1] is not None]))


def _parsed(text: str) -> Operation:
    try:
        return parse_operation(text)
    except ValueError as error:
        raise click.BadParameter(f"{json.dumps(text)}: {error}", param_hint="OPERATION") from None
