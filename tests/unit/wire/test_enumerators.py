"""The constants of the compiled module are valid C11, by which compilers other than gcc go."""

from __future__ import annotations

import re
from pathlib import Path

SOURCES = Path(__file__).parents[3] / "src" / "wire"
ENUM = re.compile(r"^cp?def enum\b.*:.*\n((?:(?: +.*)?\n)+)", re.MULTILINE)
MEMBER = re.compile(r"^ +(\w+) = ([^#\n]+)", re.MULTILINE)


def test_every_enumerator_fits_in_an_int() -> None:
    # One that does not makes the whole enumeration unsigned; clang warns wherever it meets a signed number.
    found: dict[str, int] = {}
    for path in sorted(SOURCES.glob("**/*.pyx")):  # base first, on which the others build
        for body in ENUM.findall(path.read_text(encoding="utf-8")):
            for name, value in MEMBER.findall(body):
                found[name] = eval(value, dict(found))
    assert len(found) > 50
    assert {name: value for name, value in found.items() if not -(2**31) <= value < 2**31} == {}
