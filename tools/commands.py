"""Runs what the tools call."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path


def run(
    command: Sequence[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float | None = None,
) -> str:
    """Run a command and return what it prints.

    Args:
        command: the program and its arguments.
        cwd: where it runs.
        env: its environment.
        timeout: how many seconds it may take.

    Raises:
        SystemExit: it can't be run, fails, takes too long, or is a compiler and warns.
    """
    words = shlex.join(command)
    try:
        ended = subprocess.run(
            command, check=False, capture_output=True, text=True, cwd=cwd, env=env, timeout=timeout
        )
    except OSError as error:
        sys.exit(f"{words} can't be run: {error}")
    except subprocess.TimeoutExpired as error:
        sys.exit(f"{words} has not ended in {error.timeout:g} s")
    if ended.returncode or ": warning: " in ended.stderr:
        sys.exit(f"{words} has ended with {ended.returncode}:\n{ended.stdout}{ended.stderr}")
    return ended.stdout
