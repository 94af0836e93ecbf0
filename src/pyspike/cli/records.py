"""get, put and delete: one record, from the shell."""

from __future__ import annotations

import json
import math
import sys
from typing import Any

import click

from pyspike import Expiration, Key, Record, WritePolicy
from pyspike.cli.json_values import from_json, to_json
from pyspike.cli.options import as_json, connect, connecting, key_arguments, make_key

__all__ = ["delete", "get", "put"]

TTLS = {
    "never": Expiration.NEVER,
    "keep": Expiration.DONT_UPDATE,
    "default": Expiration.NAMESPACE_DEFAULT,
}


@click.command()
@key_arguments
@click.option("--bins", metavar="A,B,...", help="Read these bins only.")
@connecting
@as_json
def get(
    namespace: str,
    set_name: str,
    user_key: str,
    key_type: str,
    bins: str | None,
    hosts: str,
    timeout: float,
    as_json: bool,
) -> None:
    """Read a record.

    SET may be '' for none. Values are printed as JSON; bytes, for instance, as {"$bytes": "00ff"}.
    """
    key = make_key(namespace, set_name, user_key, key_type)
    with connect(hosts, timeout) as client:
        record = client.get(key, None if bins is None else bins.split(","))
    if as_json:
        click.echo(json.dumps(_record_to_json(record), ensure_ascii=False))
    else:
        click.echo(_describe(record))


@click.command()
@key_arguments
@click.argument("bins", metavar="JSON")
@click.option("--ttl", metavar="SECONDS", help="The time to live; or never, keep, default.")
@click.option("--send-key", is_flag=True, help="Store KEY with the record, not only its digest.")
@connecting
@as_json
def put(
    namespace: str,
    set_name: str,
    user_key: str,
    key_type: str,
    bins: str,
    ttl: str | None,
    send_key: bool,
    hosts: str,
    timeout: float,
    as_json: bool,
) -> None:
    """Write bins of a record, creating it or merging them into it.

    JSON is an object of bin names and values ('-' reads it from stdin). In it null deletes a bin, and
    {"$bytes": "00ff"} is bytes. SET may be '' for none.
    """
    key = make_key(namespace, set_name, user_key, key_type)
    values = _parse_bins(sys.stdin.read() if bins == "-" else bins)
    expiration = None if ttl is None else _parse_ttl(ttl)
    policy = WritePolicy(send_key=send_key, total_timeout=timeout)
    with connect(hosts, timeout) as client:
        client.put(key, values, ttl=expiration, policy=policy)
    if as_json:
        click.echo(json.dumps({"key": _key_to_json(key), "written": True}, ensure_ascii=False))


@click.command()
@key_arguments
@connecting
@as_json
@click.pass_context
def delete(
    context: click.Context,
    namespace: str,
    set_name: str,
    user_key: str,
    key_type: str,
    hosts: str,
    timeout: float,
    as_json: bool,
) -> None:
    """Delete a record. The exit code is 1 if there was none."""
    key = make_key(namespace, set_name, user_key, key_type)
    with connect(hosts, timeout) as client:
        found = client.delete(key)
    if as_json:
        click.echo(json.dumps({"key": _key_to_json(key), "deleted": found}, ensure_ascii=False))
    elif not found:
        click.echo(f"pyspike: there is no record {key!r}", err=True)
    if not found:
        context.exit(1)


def _parse_bins(text: str) -> dict[str, object]:
    try:
        parsed = json.loads(
            text, parse_constant=_refuse_constant, parse_float=_float, object_pairs_hook=_object
        )
        if not isinstance(parsed, dict):
            raise ValueError('it must be an object of bins, such as {"name": "Ann"}')
        return {name: from_json(value) for name, value in parsed.items()}
    except (ValueError, RecursionError) as error:
        raise click.BadParameter(str(error), param_hint="JSON") from None


def _refuse_constant(name: str) -> Any:
    raise ValueError(f'{name} is no JSON; write {{"$float": "{name}"}}')


def _float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f'{text} is beyond a 64-bit float; infinity is written {{"$float": "inf"}}')
    return number


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # json itself would keep the last of two values of one name, and lose the others without a word.
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"the name {name!r} stands twice in one object")
        found[name] = value
    return found


def _parse_ttl(text: str) -> int | Expiration:
    if text in TTLS:
        return TTLS[text]
    try:
        return int(text)
    except ValueError:
        raise click.BadParameter(
            f"{text!r} is neither a number of seconds nor one of {', '.join(TTLS)}", param_hint="--ttl"
        ) from None


def _key_to_json(key: Key) -> dict[str, Any]:
    return {
        "namespace": key.namespace,
        "set": key.set_name or None,
        "key": to_json(key.user_key),
        "digest": key.digest.hex(),
    }


def _record_to_json(record: Record) -> dict[str, Any]:
    expiration = record.expiration
    return {
        "key": _key_to_json(record.key),
        "generation": record.generation,
        "ttl": record.ttl,
        "expiration": None if expiration is None else expiration.isoformat(),
        "bins": {name: to_json(value) for name, value in record.items()},
    }


def _describe(record: Record) -> str:
    life = "never expires" if record.ttl is None else f"expires in {record.ttl} s"
    width = max(map(len, record), default=0)
    lines = [f"{record.key!r}: generation {record.generation}, {life}"]
    lines += [
        f"  {name:{width}}  {json.dumps(to_json(value), ensure_ascii=False)}"
        for name, value in record.items()
    ]
    return "\n".join(lines)
