"""The command with its subcommands, and how it ends: its exit code, and what an error becomes.

An error is a message on stderr, or, where `--json` was given, an object on stdout.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence
from typing import Any

import click

from pyspike import errors
from pyspike.cli import output
from pyspike.cli.bench import bench
from pyspike.cli.completion import completion
from pyspike.cli.copying import copy
from pyspike.cli.demo import demo
from pyspike.cli.doctor import doctor
from pyspike.cli.exporting import export
from pyspike.cli.failures import ExitCode, advise, error_to_json, exit_code
from pyspike.cli.indexes import index
from pyspike.cli.info import info
from pyspike.cli.loading import load
from pyspike.cli.migrating import migrate
from pyspike.cli.modules import udf
from pyspike.cli.operating import operate
from pyspike.cli.records import delete, exists, get, put, touch
from pyspike.cli.searching import query, scan
from pyspike.cli.serve import serve
from pyspike.cli.shell import shell
from pyspike.cli.top import top
from pyspike.cli.truncating import truncate
from pyspike.cli.users import role, user
from pyspike.version import __version__

__all__ = ["run"]


EPILOG = (
    "Exit codes: 0 done, 1 no such record, index or module, or not for each key (demo: something was lost, "
    "serve: the port is taken, doctor: there is a problem, bench: a call has failed, migrate check: "
    "something is not there yet), 2 wrong usage, or a file that can't be read, 3 the cluster can't be "
    "reached or did not answer in time, 4 the cluster answered with an error, 5 the output, or a file, can't "
    "be written, 130 interrupted."
)


@click.group(epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="pyspike")
def app() -> None:
    """An Aerospike client: see it work, serve an embedded cluster, look into a real one.

    All but demo, serve, shell and completion take --json: then they print JSON, of an error too.
    """


for command in (
    *(demo, serve, doctor, info, get, put, delete, exists, touch, operate, scan, query, export, load, copy),
    *(index, udf, truncate, user, role, migrate, shell, top, bench, completion),
):
    app.add_command(command)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        with output.guarded():
            return _run(words)
    except output.OutputFailed as failure:
        if not failure.reader_has_gone:  # one that has seen enough is no error to tell
            output.complain(f"pyspike: the output can't be written: {failure}")
        return ExitCode.OUTPUT


def _run(words: list[str]) -> int:
    as_json = "--json" in (words[: words.index("--")] if "--" in words else words)
    try:
        result = app.main(args=words, prog_name="pyspike", standalone_mode=False)
    except click.Abort:
        told = {"type": "Interrupted", "message": "interrupted"}
        return _tell("pyspike: interrupted", told, as_json, ExitCode.INTERRUPTED)
    except click.ClickException as error:
        hint = _hint(error)
        if as_json:
            told = {"type": type(error).__name__, "message": error.format_message(), "advice": hint}
            return _tell("", told, as_json, error.exit_code)
        with contextlib.suppress(OSError):
            error.show()
        if hint:
            output.complain(hint)
        return error.exit_code
    except errors.AerospikeError as error:
        advise(error)
        return _tell(f"pyspike: {error}", error_to_json(error), as_json, exit_code(error))
    # click hands on the code of an early end, such as that of --help or of `ctx.exit(1)`.
    return result if isinstance(result, int) else ExitCode.DONE


def _tell(message: str, told: dict[str, Any], as_json: bool, code: int) -> int:
    if as_json:
        output.print_json({"error": told})
    else:
        output.complain(message)
    return code


def _hint(error: click.ClickException) -> str:
    """What to do about an argument that looks like an option, or nothing."""
    if not isinstance(error, click.NoSuchOption) or error.possibilities or error.ctx is None:
        return ""
    parameters = error.ctx.command.params
    named = [each.human_readable_name for each in parameters if isinstance(each, click.Argument)]
    usage = " ".join([error.ctx.command_path, "[OPTIONS]", "--", *named])
    return f"Arguments that begin with '-' go behind '--': {usage}" if named else ""
