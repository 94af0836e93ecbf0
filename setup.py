"""Builds the one compiled module, pyspike._wire, out of src/_wire.pyx and its parts in src/wire/.

Without a variable: optimised, and stripped of the symbols that nobody calls by name.
PYSPIKE_DEBUG=1     bounds checks and assertions on, no optimisation, debug symbols
PYSPIKE_SANITIZE=1  AddressSanitizer and UndefinedBehaviorSanitizer, and all of the above, a little optimised
                    (CONTRIBUTING.md)
"""

import os
import sys
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

SANITIZE = os.environ.get("PYSPIKE_SANITIZE", "") not in ("", "0")
DEBUG = SANITIZE or os.environ.get("PYSPIKE_DEBUG", "") not in ("", "0")

compile_args = ["-Wall", "-Wextra", "-Wno-unused-parameter", "-Wno-missing-field-initializers", "-std=c11"]
link_args = []
if DEBUG:
    compile_args += ["-O1" if SANITIZE else "-O0", "-g", "-UNDEBUG"]
else:
    compile_args += ["-O3", "-g0", "-fvisibility=hidden"]
    if sys.platform != "darwin":
        compile_args.append("-fno-plt")  # calls of Python's functions go there without a stop on the way
    link_args += ["-Wl,-x"] if sys.platform == "darwin" else ["-Wl,--strip-all"]
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

wire = Extension(
    "pyspike._wire",
    ["src/_wire.pyx"],
    depends=sorted(str(part) for part in Path("src/wire").rglob("*.pyx")),
    define_macros=[("PYSPIKE_DEBUG", "1")] if DEBUG else [("CYTHON_WITHOUT_ASSERTIONS", "1")],
    extra_compile_args=compile_args,
    extra_link_args=link_args,
)


class BuildWire(build_ext):
    """Makes the C when there is something to compile: an sdist and the package's metadata need none."""

    def run(self) -> None:
        """Make the C, and compile it."""
        made = cythonize([wire], build_dir="build/cython", compiler_directives=directives, force=DEBUG)
        wire.sources = made[0].sources
        super().run()


setup(ext_modules=[wire], cmdclass={"build_ext": BuildWire})
