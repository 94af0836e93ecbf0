"""shell: a Python prompt with a client, its names, completion and a history.

By the standard library's `code` and `readline`; where there is no readline, words are not completed.
"""

from __future__ import annotations

import ast
import code
import contextlib
import importlib
import os
import rlcompleter
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

import pyspike
from pyspike import AerospikeError, Client
from pyspike.cli.failures import ExitCode
from pyspike.cli.options import connect, connecting
from pyspike.version import __version__

__all__ = ["shell"]

HISTORY = "PYSPIKE_HISTORY"  # the environment variable
KEPT_LINES = 1000


@click.command(
    epilog=f"""\b
Lines are kept in ~/.pyspike_history, or in the file that {HISTORY} names; in none if that is empty."""
)
@click.option(
    "-c", "--command", metavar="CODE", help="Run this Python code and end; its exit code is 1 if it fails."
)
@connecting
@click.pass_context
def shell(context: click.Context, command: str | None, hosts: str, timeout: float) -> None:
    """Give a Python prompt with a client of the cluster; Tab completes names.

    There are `client`, `op` (pyspike.operations), and all public names of pyspike, such as Key, exp and
    Statement. What an expression gives is printed; an error of pyspike is told without a traceback. Code may
    come from a pipe, too, and is run when all of it is there.
    """
    with connect(hosts, timeout) as client:
        prompt = _Prompt(_names(client))
        if command is None and sys.stdin is not None and sys.stdin.isatty():
            with _completing(prompt.locals):
                prompt.interact(_banner(client), exitmsg="")
            return
        prompt.run_all(command if command is not None else "" if sys.stdin is None else sys.stdin.read())
    context.exit(ExitCode.NOT_FOUND if prompt.failed else ExitCode.DONE)


class _Prompt(code.InteractiveConsole):
    """Reads lines, runs them, and tells errors.

    Attributes:
        failed: whether one has ended in an error.
    """

    def __init__(self, names: dict[str, Any]) -> None:
        super().__init__(names)
        self.failed = False

    def run_all(self, text: str) -> None:
        """Run code that is there as a whole, and print what its expressions give, as if they were typed."""
        try:
            parsed = ast.parse(text, self.filename)
            compiled = compile(ast.Interactive(parsed.body), self.filename, "single")
        except (SyntaxError, ValueError, OverflowError):
            self.showsyntaxerror(self.filename)
        else:
            self.runcode(compiled)

    def write(self, data: str) -> None:
        """Print what `code` has to say."""
        click.echo(data, nl=False, err=True)

    def showsyntaxerror(self, filename: str | None = None, **more: Any) -> None:
        """Tell of code that is no Python."""
        self.failed = True
        super().showsyntaxerror(filename, **more)

    def showtraceback(self) -> None:
        """Tell of an error; of one of pyspike its words are enough."""
        self.failed = True
        error = sys.exc_info()[1]
        if isinstance(error, AerospikeError):
            self.write(f"{type(error).__name__}: {error}\n")
        else:
            super().showtraceback()


def _names(client: Client) -> dict[str, Any]:
    """The names that the prompt begins with."""
    names = {name: getattr(pyspike, name) for name in pyspike.__all__ if not name.startswith("_")}
    return {
        **names,
        "pyspike": pyspike,
        "op": pyspike.operations,
        "client": client,
        "__name__": "__console__",
    }


def _banner(client: Client) -> str:
    nodes = client.nodes()
    listed = ", ".join(node.address for node in nodes)
    return (
        f"pyspike {__version__}, Python {sys.version.split()[0]}; {len(nodes)} nodes: {listed}\n"
        'client.put(("test", "users", "ann"), {"name": "Ann"}); Tab completes, Ctrl-D ends'
    )


@contextlib.contextmanager
def _completing(names: dict[str, Any]) -> Iterator[None]:
    """Inside, Tab completes names, and lines are remembered."""
    try:
        readline = importlib.import_module("readline")
    except ImportError:
        yield
        return
    readline.set_completer(rlcompleter.Completer(names).complete)
    # What stands in its place on some systems has commands of its own.
    libedit = "libedit" in (readline.__doc__ or "")
    readline.parse_and_bind("bind ^I rl_complete" if libedit else "tab: complete")
    file = os.environ.get(HISTORY, str(Path.home() / ".pyspike_history"))
    if file:
        with contextlib.suppress(OSError):
            readline.read_history_file(file)
    try:
        yield
    finally:
        readline.set_history_length(KEPT_LINES)
        if file:
            with contextlib.suppress(OSError):
                readline.write_history_file(file)
