"""The command with its subcommands, and what an error becomes: one message on stderr, and an exit code."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

import click

from pyspike import errors
from pyspike.cli.demo import demo
from pyspike.cli.info import info
from pyspike.cli.records import delete, get, put
from pyspike.cli.serve import serve
from pyspike.version import __version__

__all__ = ["ExitCode", "run"]


class ExitCode(IntEnum):
    """What the command's end means."""

    DONE = 0
    NOT_FOUND = 1  # no such record; the demonstration lost something; no port to serve on
    USAGE = 2  # an argument can't be understood, or can't be sent
    UNREACHABLE = 3  # no node answered, or none in time
    REFUSED = 4  # the cluster answered with an error
    INTERRUPTED = 130


EPILOG = (
    "Exit codes: 0 done, 1 no such record (demo: something was lost, serve: the port is taken), 2 wrong "
    "usage, 3 the cluster can't be reached or did not answer in time, 4 the cluster answered with an error, "
    "130 interrupted."
)


@click.group(epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="pyspike")
def app() -> None:
    """An Aerospike client: see it work, serve an embedded cluster, look into a real one."""


for command in (demo, serve, info, get, put, delete):
    app.add_command(command)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    try:
        result = app.main(args=arguments, prog_name="pyspike", standalone_mode=False)
    except click.Abort:
        click.echo("pyspike: interrupted", err=True)
        return ExitCode.INTERRUPTED
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except errors.AerospikeError as error:
        click.echo(f"pyspike: {error}", err=True)
        return _exit_code(error)
    # click hands on the code of an early end, such as that of --help or of `ctx.exit(1)`.
    return result if isinstance(result, int) else ExitCode.DONE


def _exit_code(error: errors.AerospikeError) -> ExitCode:
    if isinstance(error, errors.RecordNotFound):
        return ExitCode.NOT_FOUND
    if isinstance(error, errors.InvalidArgument):
        return ExitCode.USAGE
    if isinstance(error, errors.TimeoutError | errors.ConnectionError):
        return ExitCode.UNREACHABLE
    return ExitCode.REFUSED
