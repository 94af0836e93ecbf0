"""A C compiler for another platform: `zig cc` (the package ziglang), with the headers of another Python.

    zigcc.py TARGET HEADERS ARGUMENTS...

It is what setuptools calls instead of the compiler, with the arguments for the platform and the Python
that it runs on. TARGET is zig's, as x86_64-linux-gnu.2.17. HEADERS is the directory with that Python's
Python.h. What is linked for musl gets the name by which musl's own linker knows the library; zig calls it
otherwise.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

UNKNOWN = ("-fno-plt",)  # what zig does not take; the beginnings of arguments


def main(target: str, headers: str, arguments: list[str]) -> int:
    """Compile or link; returns the compiler's exit code."""
    own = {sysconfig.get_path(name) for name in ("include", "platinclude")}
    kept = [
        argument
        for argument in arguments
        if not argument.startswith(UNKNOWN) and not (argument.startswith("-I") and argument[2:] in own)
    ]
    command = [sys.executable, "-m", "ziglang", "cc", "-target", target, f"-I{headers}", *kept]
    ended = subprocess.run(command, stdin=subprocess.DEVNULL, check=False)
    if ended.returncode == 0 and "musl" in target and "-shared" in kept:
        made = kept[kept.index("-o") + 1]
        name = f"libc.musl-{target.partition('-')[0]}.so.1"
        subprocess.run(["patchelf", "--replace-needed", "libc.so", name, made], check=True)
    return ended.returncode


if __name__ == "__main__":
    # patchelf is where this Python's packages have put it.
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
