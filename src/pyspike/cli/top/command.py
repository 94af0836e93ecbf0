"""top: looks at a cluster again and again, and shows what it has seen."""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import click
from rich.console import Console
from rich.live import Live

from pyspike import Client
from pyspike.cli.options import as_json, connect, connecting
from pyspike.cli.output import print_json
from pyspike.cli.top.applications import Numbers, calls_of, fetch, parse
from pyspike.cli.top.figures import Figures, figures_of
from pyspike.cli.top.looking import look
from pyspike.cli.top.tables import WIDE, figures_to_json, shown

__all__ = ["top"]

AT_A_TIME = 16  # nodes that are asked
INTERVAL = 2.0  # seconds


@click.command()
@click.argument("places", metavar="[HOSTS]", required=False)
@click.option(
    "--interval",
    type=click.FloatRange(0.1),
    default=INTERVAL,
    show_default=True,
    metavar="SECONDS",
    help="Between two looks.",
)
@click.option("--count", type=click.IntRange(1), help="End after so many tables.")
@click.option(
    "--metrics",
    "url",
    metavar="URL",
    help="Show too what an application's client does, which shows it to Prometheus there.",
)
@click.option("--once", is_flag=True, help="The same as --count 1.")
@connecting
@as_json
def top(
    places: str | None,
    interval: float,
    count: int | None,
    once: bool,
    url: str | None,
    hosts: str,
    timeout: float,
    as_json: bool,
) -> None:
    """Show what a cluster's nodes and namespaces do, until Ctrl-C.

    HOSTS are as --hosts has them. Rates are those between two looks. Reads and writes are records, alone and
    in batches; deletes and functions count as writes. What failed is in no other column. p99 is the time
    within which 99 % were served, as nodes have measured it in the last seconds, where it took longest. On a
    terminal the tables change, elsewhere they follow each other; with --json each is a line.
    """
    count = 1 if once else count
    console = Console()
    if not console.is_terminal:
        console.width = max(console.width, WIDE)
    with connect(hosts if places is None else places, timeout) as client:
        figures = itertools.islice(_figures(client, interval, url), count)
        with contextlib.suppress(KeyboardInterrupt):  # by which it is meant to end
            if as_json:
                for each in figures:
                    print_json(figures_to_json(each))
            elif console.is_terminal:
                with Live("looking ...", console=console, auto_refresh=False) as live:
                    for each in figures:
                        live.update(shown(each, console.width), refresh=True)
            else:
                for each in figures:
                    console.print(shown(each, console.width))
                    console.print()


def _figures(client: Client, interval: float, url: str | None) -> Iterator[Figures]:
    """What each look tells beside the one before."""
    numbers = _first_numbers(url)
    with ThreadPoolExecutor(AT_A_TIME) as executor:
        before = look(client, executor)
        due = time.monotonic()
        while True:
            due += interval
            time.sleep(max(due - time.monotonic(), 0))
            after = look(client, executor)
            figures = figures_of(before, after)
            if url is not None and numbers is not None:
                with contextlib.suppress(
                    OSError
                ):  # it may begin anew; then there is nothing to tell for a while
                    earlier, numbers = numbers, parse(fetch(url), time.monotonic())
                    figures = replace(figures, calls=calls_of(earlier, numbers))
            yield figures
            before = after


def _first_numbers(url: str | None) -> Numbers | None:
    """What an application shows; None if none is asked for."""
    if url is None:
        return None
    try:
        return parse(fetch(url), time.monotonic())
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--metrics") from None
    except OSError as error:
        raise click.ClickException(f"{url} can't be read: {error}") from None
