"""Builds the one compiled module, pyspike._wire, out of src/_wire.pyx and its parts in src/wire/.

Without a variable: optimised, and stripped of the symbols that nobody calls by name.
PYSPIKE_DEBUG=1     bounds checks and assertions on, no optimisation, debug symbols
PYSPIKE_SANITIZE=1  AddressSanitizer and UndefinedBehaviorSanitizer, and all of the above, a little optimised
                    (CONTRIBUTING.md)
PYSPIKE_LIMITED_API=1   one module for CPython 3.12 and all that come after it, which is a little slower
"""

import os
import sys
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

SANITIZE = os.environ.get("PYSPIKE_SANITIZE", "") not in ("", "0")
LIMITED = os.environ.get("PYSPIKE_LIMITED_API", "") not in ("", "0")
DEBUG = SANITIZE or os.environ.get("PYSPIKE_DEBUG", "") not in ("", "0")

compile_args = ["-Wall", "-Wextra", "-Wno-unused-parameter", "-Wno-missing-field-initializers", "-std=c11"]
# How the C is indented says nothing, and looking at it takes gcc ten seconds.
compile_args.append("-Wno-misleading-indentation")
link_args = []
if DEBUG:
    compile_args += ["-O1" if SANITIZE else "-O0", "-g", "-UNDEBUG"]
else:
    compile_args += ["-O3", "-g0", "-fvisibility=hidden"]
    if sys.platform != "darwin":
        compile_args.append("-fno-plt")  # calls of Python's functions go there without a stop on the way
    link_args += ["-Wl,-x"] if sys.platform == "darwin" else ["-s"]
if SANITIZE:
    flags = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined", "-fno-omit-frame-pointer"]
    compile_args += flags
    link_args += flags

directives = {
    "language_level": 3,
    # Annotations are for readers: as checks they would refuse subclasses, and raise a bare TypeError.
    "annotation_typing": False,
    # Methods as Python's own types have them, because these look at what they get as `self`.
    "binding": False,
    # What can be copied says how; of the rest Python says itself that it can't.
    "auto_pickle": False,
    # The source beside the C would be a third of it, all of which the compiler reads.
    "emit_code_comments": False,
    "embedsignature": True,
    "embedsignature.format": "clinic",
    "boundscheck": DEBUG,
    "wraparound": False,
    "initializedcheck": False,
    "cdivision": True,
    "freethreading_compatible": True,
}

macros: list[tuple[str, str | None]] = [("PYSPIKE_DEBUG" if DEBUG else "CYTHON_WITHOUT_ASSERTIONS", "1")]
if LIMITED:  # 3.12 is the first with functions for vector calls
    compile_args.append("-Wno-unused-const-variable")  # Cython leaves a docstring behind
    macros += [("Py_LIMITED_API", "0x030C0000"), ("CYTHON_LIMITED_API", "1"), ("CYTHON_USE_TP_FINALIZE", "1")]

wire = Extension(
    "pyspike._wire",
    ["src/_wire.pyx"],
    depends=sorted(str(part) for part in Path("src/wire").rglob("*.pyx")),
    define_macros=macros,
    py_limited_api=LIMITED,
    extra_compile_args=compile_args,
    extra_link_args=link_args,
)


class BuildWire(build_ext):
    """Makes the C when there is something to compile: an sdist and the package's metadata need none."""

    def run(self) -> None:
        """Make the C, and compile it.

        Raises:
            SystemExit: on Windows, whose sockets are others.
        """
        if sys.platform == "win32":
            raise SystemExit(
                "pyspike does not run on Windows: its compiled part speaks to sockets as POSIX has them. "
                "Use it in WSL (wsl --install), or in a Linux container."
            )
        made = cythonize([wire], build_dir="build/cython", compiler_directives=directives, force=DEBUG)
        wire.sources = made[0].sources
        super().run()


setup(
    ext_modules=[wire],
    cmdclass={"build_ext": BuildWire},
    # An older Python can build it too, but its setuptools refuses the tag, which has to be given afterwards.
    options={"bdist_wheel": {"py_limited_api": "cp312"}} if LIMITED and sys.version_info >= (3, 12) else {},
)
