"""What an error becomes: the command's exit code, and its JSON."""

from __future__ import annotations

from dataclasses import asdict
from enum import IntEnum
from typing import Any

import click

from pyspike import Key, errors
from pyspike.columnar.json_values import key_to_json

__all__ = ["ExitCode", "NotRead", "NotWritten", "advise", "error_to_json", "exit_code"]


class ExitCode(IntEnum):
    """What the command's end means."""

    DONE = 0
    NOT_FOUND = 1  # no such record; the demonstration lost something; no port to serve on
    USAGE = 2  # an argument, or a file, can't be understood, or can't be sent
    UNREACHABLE = 3  # no node answered, or none in time
    REFUSED = 4  # the cluster answered with an error
    OUTPUT = 5  # what it says, or a file, can't be written
    INTERRUPTED = 130


class NotRead(click.FileError):
    """A file that was named can't be read."""

    exit_code = ExitCode.USAGE

    def format_message(self) -> str:
        """What is printed."""
        return f"{self.ui_filename} can't be read: {self.message}"


class NotWritten(click.FileError):
    """A file can't be written."""

    exit_code = ExitCode.OUTPUT

    def format_message(self) -> str:
        """What is printed."""
        return f"{self.ui_filename} can't be written: {self.message}"


def exit_code(error: errors.AerospikeError) -> ExitCode:
    """The exit code of a command that ends with this error."""
    if isinstance(error, errors.RecordNotFound):
        return ExitCode.NOT_FOUND
    if isinstance(error, errors.InvalidArgument):
        return ExitCode.USAGE
    if isinstance(error, errors.TimeoutError | errors.ConnectionError):
        return ExitCode.UNREACHABLE
    return ExitCode.REFUSED


def advise(error: errors.AerospikeError) -> None:
    """Say of an error what can be done about it in the shell, if that is not what a program does."""
    if isinstance(error, errors.NotAuthenticated):
        error.advice = "the server has security turned on: log in with --user NAME, or by PYSPIKE_USER"


def error_to_json(error: errors.AerospikeError) -> dict[str, Any]:
    """All that an error tells, as JSON has it."""
    code = error.result_code
    return {
        "type": type(error).__name__,
        "message": error.message or type(error).__name__,
        "result_code": None if code is None else int(code),
        "name": getattr(code, "name", None),
        "key": key_to_json(error.key) if isinstance(error.key, Key) else None,
        "node": error.node,
        "in_doubt": error.in_doubt,
        "attempts": [asdict(attempt) for attempt in error.attempts],
        "advice": error.advice,
    }
