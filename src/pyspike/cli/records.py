"""get, put, delete, exists and touch: records, from the shell."""

from __future__ import annotations

import io
import json
import math
import sys
from collections.abc import Sequence
from typing import Any

import click

from pyspike import BatchRead, BatchRecord, Expiration, Record, ResultCode, WritePolicy
from pyspike.cli.failures import ExitCode, error_to_json, exit_code
from pyspike.cli.options import as_json, connect, connecting, key_arguments, keys_arguments, make_key
from pyspike.cli.output import complain, print_json
from pyspike.columnar.json_values import FORMS_HELP, from_json, key_to_json, to_json
from pyspike.errors import from_code

__all__ = [
    "TTL_HELP",
    "delete",
    "described",
    "exists",
    "get",
    "parse_ttl",
    "put",
    "record_to_json",
    "show",
    "touch",
]

TTLS = {
    "never": Expiration.NEVER,
    "keep": Expiration.DONT_UPDATE,
    "default": Expiration.NAMESPACE_DEFAULT,
}
TTL_HELP = "The time to live; or never, keep, default."
RECORD = {"key", "generation", "ttl", "expiration", "bins"}
RECORD_KEY = {"namespace", "set", "key", "digest"}


@click.command(epilog=FORMS_HELP)
@keys_arguments
@click.option("--bins", metavar="A,B,...", help="Read these bins only.")
@connecting
@as_json
@click.pass_context
def get(
    context: click.Context,
    namespace: str,
    set_name: str,
    user_keys: tuple[str, ...],
    key_type: str,
    bins: str | None,
    hosts: str,
    timeout: float,
    as_json: bool,
) -> None:
    """Read a record, or several in one batch.

    SET may be '' for none. Values are printed as JSON. --json prints a line for each key, and `put` takes
    that of a record. Where some of several keys have no record, the others are printed all the same, and the
    exit code is 1; it is that of the first error if there is one.
    """
    keys = [make_key(namespace, set_name, user_key, key_type) for user_key in user_keys]
    names = None if bins is None else bins.split(",")
    with connect(hosts, timeout) as client:
        if len(keys) == 1:
            show(client.get(keys[0], names), as_json)
            return
        found = client.batch([BatchRead(key, names) for key in keys])
    codes = [_show_row(row, as_json) for row in found]
    failed = [code for code in codes if code not in (ExitCode.DONE, ExitCode.NOT_FOUND)]
    context.exit(failed[0] if failed else max(codes))


@click.command(epilog=FORMS_HELP)
@key_arguments
@click.argument("bins", metavar="JSON")
@click.option("--ttl", metavar="SECONDS", help=TTL_HELP)
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

    JSON is an object of bin names and values, in which null deletes a bin, or a record as `get --json`
    prints it: then its bins are written, and it lives as long as that one would have ('-' reads JSON from
    stdin). SET may be '' for none.
    """
    key = make_key(namespace, set_name, user_key, key_type)
    values, expiration = _parse_record(_read_stdin() if bins == "-" else bins)
    if ttl is not None:
        expiration = parse_ttl(ttl)
    policy = WritePolicy(send_key=send_key, total_timeout=timeout)
    with connect(hosts, timeout) as client:
        client.put(key, values, ttl=expiration, policy=policy)
    if as_json:
        print_json({"key": key_to_json(key), "written": True})


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
        print_json({"key": key_to_json(key), "deleted": found})
    elif not found:
        complain(f"pyspike: there is no record {key!r}")
    if not found:
        context.exit(1)


@click.command()
@keys_arguments
@connecting
@as_json
@click.pass_context
def exists(
    context: click.Context,
    namespace: str,
    set_name: str,
    user_keys: tuple[str, ...],
    key_type: str,
    hosts: str,
    timeout: float,
    as_json: bool,
) -> None:
    """Tell of each key whether there is a record. The exit code is 1 if one has none.

    Nothing of the records is read. SET may be '' for none.
    """
    keys = [make_key(namespace, set_name, user_key, key_type) for user_key in user_keys]
    with connect(hosts, timeout) as client:
        found = [client.exists(keys[0])] if len(keys) == 1 else client.batch_exists(keys)
    for key, there in zip(keys, found, strict=True):
        if as_json:
            print_json({"key": key_to_json(key), "exists": there})
        else:
            click.echo(f"{key!r}: {'a record' if there else 'no record'}")
    if not all(found):
        context.exit(ExitCode.NOT_FOUND)


@click.command()
@key_arguments
@click.option("--ttl", metavar="SECONDS", help=TTL_HELP)
@connecting
@as_json
def touch(
    namespace: str,
    set_name: str,
    user_key: str,
    key_type: str,
    ttl: str | None,
    hosts: str,
    timeout: float,
    as_json: bool,
) -> None:
    """Set the time to live of a record anew, and raise its generation. The exit code is 1 if there is none.

    Without --ttl it is that of the namespace, whatever the record had. SET may be '' for none.
    """
    key = make_key(namespace, set_name, user_key, key_type)
    with connect(hosts, timeout) as client:
        client.touch(key, ttl=None if ttl is None else parse_ttl(ttl))
    if as_json:
        print_json({"key": key_to_json(key), "touched": True})


def _show_row(row: BatchRecord, as_json: bool) -> ExitCode:
    """Print what came of a key of several, and tell what exit code that is worth."""
    error = row.error
    if error is None:
        if row.record is not None:
            show(row.record, as_json)
            return ExitCode.DONE
        error = from_code(ResultCode.KEY_NOT_FOUND_ERROR, key=row.key)
    if as_json:
        print_json({"error": error_to_json(error)})
    else:
        complain(f"pyspike: {error}")
    return exit_code(error)


def show(record: Record, as_json: bool) -> None:
    """Print a record."""
    if as_json:
        print_json(record_to_json(record))
    else:
        click.echo(described(record, list(record.items())))


def _read_stdin() -> str:
    """All of stdin: JSON is UTF-8, whatever the locale."""
    if sys.stdin is None:
        raise click.BadParameter("stdin is closed", param_hint="JSON")
    try:
        is_file = isinstance(sys.stdin, io.TextIOWrapper)
        return str(sys.stdin.buffer.read(), "utf-8") if is_file else str(sys.stdin.read())
    except (OSError, ValueError) as error:
        raise click.BadParameter(f"stdin can't be read: {error}", param_hint="JSON") from None


def _parse_record(text: str) -> tuple[dict[str, object], int | Expiration | None]:
    """Bins, and the time to live if it is told too."""
    try:
        parsed = json.loads(
            text, parse_constant=_refuse_constant, parse_float=_float, object_pairs_hook=_object
        )
        if not isinstance(parsed, dict):
            raise ValueError('it must be an object of bins, such as {"name": "Ann"}')
        if _is_record(parsed):
            left = parsed["ttl"]
            return _bins(parsed["bins"]), Expiration.NEVER if left is None else max(left, 1)
        return _bins(parsed), None
    except (ValueError, RecursionError) as error:
        raise click.BadParameter(str(error), param_hint="JSON") from None


def _bins(parsed: dict[str, Any]) -> dict[str, object]:
    return {name: from_json(value) for name, value in parsed.items()}


def _is_record(parsed: dict[str, Any]) -> bool:
    """Whether it is what `get --json` prints, to the last name; bins hardly ever look like that."""
    key, bins, left = parsed.get("key"), parsed.get("bins"), parsed.get("ttl")
    return (
        parsed.keys() == RECORD
        and isinstance(key, dict)
        and key.keys() == RECORD_KEY
        and isinstance(bins, dict)
        and (left is None or type(left) is int)
    )


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


def parse_ttl(text: str) -> int | Expiration:
    """The time to live that `--ttl` means.

    Raises:
        BadParameter: it means none.
    """
    if text in TTLS:
        return TTLS[text]
    try:
        seconds = int(text)
    except ValueError:
        seconds = 0
    if seconds < 1:
        meanings = "never: it does not expire, keep: its time stays as it is, default: that of the namespace"
        raise click.BadParameter(
            f"{text!r} is no number of seconds from 1 on, nor one of {', '.join(TTLS)} ({meanings})",
            param_hint="--ttl",
        )
    return seconds


def record_to_json(record: Record) -> dict[str, Any]:
    """What `get --json` prints of a record."""
    expiration = record.expiration
    return {
        "key": key_to_json(record.key),
        "generation": record.generation,
        "ttl": record.ttl,
        "expiration": None if expiration is None else expiration.isoformat(),
        "bins": {name: to_json(value) for name, value in record.items()},
    }


def described(record: Record, values: Sequence[tuple[str, object]]) -> str:
    """A record, with a line for each of the values that stand behind a name."""
    life = "never expires" if record.ttl is None else f"expires in {record.ttl} s"
    width = max((len(name) for name, _ in values), default=0)
    lines = [f"{record.key!r}: generation {record.generation}, {life}"]
    lines += [f"  {name:{width}}  {json.dumps(to_json(value), ensure_ascii=False)}" for name, value in values]
    return "\n".join(lines)
