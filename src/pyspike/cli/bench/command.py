"""bench: what is asked for is done; what came of it is shown, and written to files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from pyspike import Client, Key
from pyspike.cli.bench import chart as charts
from pyspike.cli.bench.choices import choices, parse_percents, plan_of, policy_of
from pyspike.cli.bench.counts import Course
from pyspike.cli.bench.hdr_log import log
from pyspike.cli.bench.measuring import measure
from pyspike.cli.bench.object_spec import GRAMMAR
from pyspike.cli.bench.plan import WORKLOADS, Plan
from pyspike.cli.bench.progress import Progress
from pyspike.cli.bench.results import found_nothing, print_results, results_to_json
from pyspike.cli.failures import ExitCode
from pyspike.cli.options import connecting, for_connecting
from pyspike.cli.output import complain, print_json
from pyspike.errors import AerospikeError, InvalidArgument, InvalidNamespace, SecurityError

__all__ = ["bench"]

STDOUT = Path("-")
PERIOD = 1.0  # seconds


def _output(*names: str, **settings: Any) -> Callable[[Any], Any]:
    """An option that names a file to write; it is looked before the work whether that can be done."""
    return click.option(
        *names, callback=_writable, type=click.Path(dir_okay=False, path_type=Path), **settings
    )


def _writable(context: click.Context, parameter: click.Parameter, path: Path | None) -> Path | None:
    if path is not None and path != STDOUT:
        was_there = path.exists()
        try:
            path.open("ab").close()
            if not was_there:  # until there is something to write
                path.unlink()
        except OSError as error:
            raise click.BadParameter(f"{str(path)!r} can't be written: {error.strerror}") from None
    return path


@click.command(
    epilog=f"""\b
Workloads: {WORKLOADS}

\b
Specs: {GRAMMAR}"""
)
@choices
@click.option("--percentiles", default="50,90,99,99.9", show_default=True, help="The latencies to tell.")
@click.option(
    "--period",
    type=click.FloatRange(0.1),
    default=PERIOD,
    metavar="SECONDS",
    help="Between two lines of progress.",
)
@_output(
    "--json",
    "json_file",
    is_flag=False,
    flag_value="-",
    metavar="[FILE]",
    help="Write JSON to a file; or else print it, not the table.",
)
@_output(
    "--hdr", "hdr_file", metavar="FILE", help="Write the latencies of each period as an HdrHistogram log."
)
@_output(
    "--chart", "chart_file", metavar="FILE", help="Draw a chart: FILE.png, .svg or .pdf (needs matplotlib)."
)
@connecting
@click.pass_context
def bench(
    context: click.Context,
    /,
    percentiles: str,
    period: float,
    json_file: Path | None,
    hdr_file: Path | None,
    chart_file: Path | None,
    hosts: str,
    **given: Any,
) -> None:
    """Put a load on a cluster, and tell how many calls it takes and how long they last.

    Begin with `pyspike bench -w I`, which writes the records that other workloads read and change; they stay.
    With --throughput a call's latency counts from the moment when it was due, also if it was sent later, as
    those before it took so long. One Python process works on one core: --processes takes more. Progress is on
    stderr. Ctrl-C ends all early, with what there is. The exit code is 1 if a call has failed.
    """
    percents = parse_percents(percentiles)
    plan = plan_of(given, period)
    if chart_file is not None:
        _check_chart(chart_file)
    places, policy = for_connecting(hosts, policy_of(given, plan))
    _look_at(Client(places, policy), plan)
    course = Course()
    interrupted = False
    try:
        with Progress(Console(stderr=True), plan) as progress:
            measure(places, policy, plan, lambda whole: progress.show(whole, course.add(whole)))
    except KeyboardInterrupt:
        interrupted = True
    except RuntimeError as error:
        raise click.ClickException(str(error)) from None
    whole = course.whole
    if whole is not None:
        if json_file != STDOUT:
            print_results(Console(), plan, whole, percents)
        if json_file is not None:
            told = results_to_json(plan, course, whole, percents, interrupted=interrupted)
            print_json(told) if json_file == STDOUT else _write(json_file, json.dumps(told, indent=1) + "\n")
        if hdr_file is not None:
            _write(hdr_file, "".join(log(course, f"pyspike bench {plan.workload}, latencies in ns")))
        if chart_file is not None:
            charts.draw(chart_file, plan, course, whole)
        if found_nothing(plan, whole):
            complain("no read has found a record: pyspike bench -w I writes them first")
    if interrupted:
        raise click.Abort
    if whole is not None and any(counts.errors for counts in whole.counts.values()):
        context.exit(ExitCode.NOT_FOUND)


def _check_chart(path: Path) -> None:
    """Say before the work if the chart can't be drawn after it."""
    try:
        formats = charts.formats()
    except ModuleNotFoundError:
        advice = "install it with: pip install 'pyspike-aerospike[chart]'"
        raise click.UsageError(f"--chart needs matplotlib; {advice}") from None
    if path.suffix[1:].lower() not in formats:
        raise click.BadParameter(
            f"{path.name!r} has to end with one of .{', .'.join(formats)}", param_hint="--chart"
        )


def _look_at(client: Client, plan: Plan) -> None:
    """Say which cluster it is; raises if it has no such records, or not for this user."""
    with client:
        try:
            client.exists(Key(plan.namespace, plan.set_name, plan.start_key))
        except (InvalidArgument, InvalidNamespace, SecurityError):
            raise
        except AerospikeError:  # which the measurement is to tell of
            pass
        nodes = ", ".join(f"{node.name} {node.address}" for node in client.nodes())
    complain(
        f"cluster  {nodes}; {plan.workload} on {plan.namespace}.{plan.set_name or ''}, {plan.keys:,} keys"
    )


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"{str(path)!r} can't be written: {error.strerror}") from None
