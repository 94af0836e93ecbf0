"""What the command prints: text and JSON on stdout, complaints on stderr, and what if that can't be written.

Owns: the streams, their encodings and their errors. Not here: what is said.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import click

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

__all__ = ["OutputFailed", "complain", "guarded", "print_json"]


class OutputFailed(Exception):  # noqa: N818 - it says what happened
    """What was printed can't be written to stdout.

    A class of its own, because an OSError may come from elsewhere too.
    """

    def __init__(self, reason: OSError) -> None:
        super().__init__(reason.strerror or str(reason))
        self.reader_has_gone = isinstance(reason, BrokenPipeError)


@contextlib.contextmanager
def guarded() -> Iterator[None]:
    """Between enter and exit stdout takes every text, and raises `OutputFailed` where it can't be written.

    Afterwards what could not be written is given up: else the interpreter would complain when it exits.
    """
    before = sys.stdout, sys.stderr
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # it was closed before the start; print() says nothing either then
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - until the end
    plain = sys.stdout
    if isinstance(plain, io.TextIOWrapper):
        plain.flush()
        sys.stdout = io.TextIOWrapper(
            cast(BinaryIO, _Guarded(cast(BinaryIO, plain.buffer))),
            encoding=plain.encoding,
            errors="backslashreplace",
            line_buffering=plain.line_buffering,
            write_through=plain.write_through,
        )
    try:
        yield
        sys.stdout.flush()
    except OutputFailed:
        _give_up(plain)
        raise
    finally:
        if isinstance(plain, io.TextIOWrapper):
            with contextlib.suppress(OutputFailed):
                cast(io.TextIOWrapper, sys.stdout).detach()
        try:
            sys.stderr.flush()
        except OSError:  # the exit code has to do
            _give_up(sys.stderr)
        sys.stdout, sys.stderr = before


class _Guarded(io.BufferedIOBase):
    """A binary stream that raises `OutputFailed` for every error of the one behind it."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def writable(self) -> bool:
        return True

    def write(self, data: ReadableBuffer) -> int:
        rest = memoryview(data).cast("B")
        size = len(rest)
        try:
            while rest:
                rest = rest[self._stream.write(rest) or 0 :]  # an unbuffered one may take a part only
        except OSError as error:
            raise OutputFailed(error) from None
        return size

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError as error:
            raise OutputFailed(error) from None

    def fileno(self) -> int:
        return self._stream.fileno()

    def isatty(self) -> bool:
        return self._stream.isatty()


def _give_up(stream: Any) -> None:
    with contextlib.suppress(OSError, ValueError):
        devnull = os.open(os.devnull, os.O_WRONLY)
        os.dup2(devnull, stream.fileno())
        os.close(devnull)


def print_json(value: Any) -> None:
    """Print a value as one line of JSON."""
    # Where the encoding has no form for a character, JSON has.
    readable = sys.stdout.encoding.lower().replace("-", "") == "utf8"
    click.echo(json.dumps(value, ensure_ascii=not readable))


def complain(message: str) -> None:
    """Print a message on stderr, if that can be written."""
    with contextlib.suppress(OSError):
        click.echo(message, err=True)
