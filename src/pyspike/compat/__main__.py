"""Runs a program with this package in the place of the official one."""

from __future__ import annotations

import os
import runpy
import sys

from pyspike.compat.installing import install

USAGE = """usage: python -m pyspike.compat PROGRAM [ARGUMENTS...]
       python -m pyspike.compat -m MODULE [ARGUMENTS...]

Runs a Python program, whose `import aerospike` gives pyspike.compat's modules."""


def main(arguments: list[str]) -> None:
    """Run a program.

    Args:
        arguments: its path and its arguments; or -m, a module's name and its arguments.
    """
    if not arguments or arguments[0] in ("-h", "--help"):
        sys.exit(None if arguments and print(USAGE) is None else USAGE)
    install()
    if arguments[0] == "-m":
        if len(arguments) < 2:
            sys.exit(USAGE)
        sys.argv[:] = arguments[1:]
        sys.path[0] = os.getcwd()
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
        return
    sys.argv[:] = arguments
    sys.path[0] = os.path.dirname(os.path.abspath(arguments[0]))
    runpy.run_path(arguments[0], run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1:])
