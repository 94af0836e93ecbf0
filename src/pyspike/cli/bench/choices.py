"""The options of `pyspike bench`, and what they mean: a plan, and the policy of its clients."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any, TypeVar

import click

from pyspike import (
    BatchDeletePolicy,
    BatchPolicy,
    BatchWritePolicy,
    ClientPolicy,
    ReadPolicy,
    RecordExistsAction,
    Replica,
    WritePolicy,
)
from pyspike.cli.bench.object_spec import ObjectSpec
from pyspike.cli.bench.plan import Plan, Workload
from pyspike.cli.records import TTL_HELP, parse_ttl

__all__ = ["choices", "parse_percents", "plan_of", "policy_of"]

F = TypeVar("F", bound=Callable[..., Any])

SECONDS = 10.0  # how long a workload runs that has no end of its own
THREADS = 8
COUNT, POSITIVE = click.IntRange(1), click.FloatRange(0, min_open=True)

OPTIONS = (
    click.option("-n", "--namespace", default="test", show_default=True, help="Where the records are."),
    click.option(
        "-s", "--set", "set_name", default="testset", show_default=True, help="Their set; '' is none."
    ),
    click.option(
        "-w", "--workload", default="RU,50", show_default=True, metavar="KIND[,PERCENT...]", help="See below."
    ),
    click.option(
        "-k", "--keys", type=COUNT, default=100_000, show_default=True, help="How many keys there are."
    ),
    click.option("-K", "--start-key", type=int, default=1, show_default=True, help="The first key."),
    click.option(
        "-o",
        "--object-spec",
        default="I4",
        show_default=True,
        metavar="SPEC",
        help="What records hold; see below.",
    ),
    click.option("-b", "--bin-name", default="testbin", show_default=True, help="Of the first bin."),
    click.option("-R", "--random", "is_random", is_flag=True, help="Give each write values of its own."),
    click.option(
        "--seed",
        type=int,
        default=1,
        show_default=True,
        help="Of values, keys, and whether to read or write.",
    ),
    click.option(
        "--batch-size", type=COUNT, default=1, show_default=True, help="How many records a call is about."
    ),
    click.option("--batch-read-size", type=COUNT, help="The same, of calls that read."),
    click.option("--batch-write-size", type=COUNT, help="The same, of calls that write or delete."),
    click.option(
        "-z", "--threads", type=COUNT, help=f"How many threads share a client.  [default: {THREADS}]"
    ),
    click.option("--tasks", type=COUNT, help="Not threads, but so many tasks of an asyncio loop."),
    click.option("--uvloop", "uses_uvloop", is_flag=True, help="Let that be uvloop's."),
    click.option(
        "--processes",
        type=COUNT,
        default=1,
        show_default=True,
        help="So many processes, each with its threads or tasks.",
    ),
    click.option(
        "-g",
        "--throughput",
        "rate",
        type=click.FloatRange(0),
        default=0,
        metavar="CALLS",
        help="Begin so many calls a second, of all together.  [default: as many as can be]",
    ),
    click.option(
        "-t",
        "--duration",
        type=POSITIVE,
        metavar="SECONDS",
        help=f"How long.  [default: {SECONDS:g}; I and DB: until all keys are done]",
    ),
    click.option("--calls", type=COUNT, help="End after so many calls."),
    click.option(
        "--warm-up",
        type=click.FloatRange(0),
        default=0,
        metavar="SECONDS",
        help="Do the same before, uncounted.",
    ),
    click.option("--socket-timeout", type=click.FloatRange(0), metavar="MS", help="How long a try may wait."),
    click.option(
        "--max-retries", type=click.IntRange(0), help="How often to try again.  [default: the client's]"
    ),
    click.option(
        "--replica",
        type=click.Choice(["master", "sequence", "random"]),
        default="sequence",
        show_default=True,
        help="Which copy of a record reads ask for.",
    ),
    click.option("-e", "--ttl", metavar="SECONDS", help=TTL_HELP),
    click.option("--send-key", is_flag=True, help="Store keys with the records, not only their digests."),
    click.option(
        "-D", "--durable-delete", is_flag=True, help="Leave tombstones, as strong consistency needs it."
    ),
)


def choices(command: F) -> F:
    """The options that say what is done; `plan_of` and `policy_of` take them."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def plan_of(given: dict[str, Any], period: float) -> Plan:
    """The plan that the options make, with a look at it every `period` seconds."""
    workload = _parsed(Workload.parse, given["workload"], "--workload")
    if given["tasks"] is not None and given["threads"] is not None:
        raise click.UsageError("--threads and --tasks are two ways to do it: give one of them")
    if given["uses_uvloop"]:
        _check_uvloop(given["tasks"])
    seconds, calls = given["duration"], given["calls"]
    if seconds is None and calls is None and not workload.is_sequential:
        seconds = SECONDS
    if not round(given["keys"] * workload.keys):
        raise click.UsageError(f"workload {workload} takes none of {given['keys']:,} keys")
    if workload.is_sequential and given["warm_up"]:
        raise click.UsageError(f"--warm-up would do with keys what workload {workload.kind} does once")
    write = _write_policy(given, workload)
    return Plan(
        workload=workload,
        namespace=given["namespace"],
        set_name=given["set_name"] or None,
        start_key=given["start_key"],
        keys=given["keys"],
        spec=_parsed(lambda text: ObjectSpec(text, given["bin_name"]), given["object_spec"], "--object-spec"),
        is_random=given["is_random"],
        seed=given["seed"],
        write_row=BatchWritePolicy(
            record_exists_action=write.record_exists_action,
            expiration=write.expiration,
            send_key=write.send_key,
            durable_delete=write.durable_delete,
        ),
        delete_row=BatchDeletePolicy(send_key=write.send_key, durable_delete=write.durable_delete),
        read_batch=given["batch_read_size"] or given["batch_size"],
        write_batch=given["batch_write_size"] or given["batch_size"],
        at_a_time=given["tasks"] or given["threads"] or THREADS,
        by_tasks=given["tasks"] is not None,
        uses_uvloop=given["uses_uvloop"],
        processes=given["processes"],
        rate=given["rate"],
        seconds=seconds,
        calls=calls,
        warm_up=given["warm_up"],
        period=period,
    )


def policy_of(given: dict[str, Any], plan: Plan) -> ClientPolicy:
    """The policy of the clients."""
    times: dict[str, Any] = {"total_timeout": given["timeout"], "socket_timeout": given["socket_timeout"]}
    if given["max_retries"] is not None:
        times["max_retries"] = given["max_retries"]
    replica = Replica[given["replica"].upper()]
    return ClientPolicy(
        timeout=given["timeout"],
        max_conns_per_node=max(ClientPolicy().max_conns_per_node, plan.at_a_time),
        read=ReadPolicy(**times, replica=replica),
        write=_write_policy(given, plan.workload).replace(**times),
        batch=BatchPolicy(**times, replica=replica),
    )


def parse_percents(text: str) -> tuple[float, ...]:
    """The percentages that `--percentiles` lists.

    Raises:
        BadParameter: one is none.
    """
    try:
        percents = tuple(float(word) for word in text.split(","))
    except ValueError:
        percents = ()
    if not percents or not all(0 <= percent <= 100 for percent in percents):
        raise click.BadParameter(f"{text!r} are no percentages, as in 50,99,99.9", param_hint="--percentiles")
    return percents


def _write_policy(given: dict[str, Any], workload: Workload) -> WritePolicy:
    changes: dict[str, Any] = {"send_key": given["send_key"], "durable_delete": given["durable_delete"]}
    if workload.kind == "RR":
        changes["record_exists_action"] = RecordExistsAction.REPLACE
    if given["ttl"] is not None:
        changes["expiration"] = parse_ttl(given["ttl"])
    return WritePolicy(**changes)


def _parsed(parse: Callable[[str], Any], text: str, option: str) -> Any:
    try:
        return parse(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint=option) from None


def _check_uvloop(tasks: int | None) -> None:
    if tasks is None:
        raise click.UsageError("--uvloop is for the loop of --tasks")
    if importlib.util.find_spec("uvloop") is None:
        raise click.UsageError("--uvloop needs uvloop; install it with: pip install uvloop")
