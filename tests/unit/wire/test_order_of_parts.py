"""The compiled module is made of parts, of which none names what a later one defines.

Cython itself would not mind: it sees one file. But whoever reads the parts in their order would meet names
that nobody has told yet, and a part could not be moved or tested without those behind it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.all_of import all_of

SOURCE = Path(__file__).parents[3] / "src"
UMBRELLA = SOURCE / "_wire.pyx"
PARTS = re.findall(r'^include "(.+)"$', UMBRELLA.read_text(encoding="utf-8"), re.MULTILINE)

# Parts that will be taken apart: what they name although it comes later.
KNOWN: set[tuple[str, str]] = set()

NO_CODE = re.compile(r'''"""(?:\\.|[^\\])*?"""|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|#[^\n]*''', re.DOTALL)
WORD = r"[A-Za-z_]\w*"
KINDS = r"(?:packed\s+)?(?:enum|struct|union|class)"
CLASS = re.compile(rf"^(?:cdef|cpdef|ctypedef)?\s*{KINDS}\s+({WORD})")
FUNCTION = re.compile(rf"^(?:cdef|cpdef|def)\b[^=(]*?({WORD})\s*\(")
VARIABLE = re.compile(rf"^(?:cdef\s+[\w\s*\[\],]*?[\s*])?({WORD})\s*(?::[^=]*)?=[^=]")
MEMBER = re.compile(rf"^\s+({WORD})\s*(?:=.*)?$")
EXTERN = re.compile(rf"^\s+(?!cdef|ctypedef|struct|pass)[\w\s*]*?[\s*]({WORD})\s*(?:\"\w+\")?\s*\(")
EXTERN_TYPE = re.compile(rf"^\s+(?:ctypedef\s+)?(?:struct|{WORD}(?:\s+{WORD})*)\s+({WORD})\s*(?:\"\w+\")?:?$")
IMPORT = re.compile(r"^(?:from\s+\S+\s+)?c?import\s+(.+)$", re.DOTALL)


def code_of(text: str) -> str:
    """The text without comments and strings; what f-strings name is left out as well."""
    return NO_CODE.sub(lambda found: "\n" * found[0].count("\n"), text)


def blocks(code: str) -> Iterator[str]:
    """What begins at the margin, each with the lines that are indented below it."""
    block: list[str] = []
    for line in code.splitlines():
        continues = not line.strip() or line[0] in " \t)}]"
        if not continues and block and not block[-1].startswith("@"):
            yield "\n".join(block)
            block = []
        block.append(line)
    if block:
        yield "\n".join(block)


def defined_in(block: str) -> set[str]:
    """The names that a block gives to the module."""
    lines = [line for line in block.splitlines() if line.strip() and not line.startswith("@")]
    if not lines:
        return set()
    head = lines[0]
    joined = " ".join(line.strip() for line in lines)
    if head.startswith(("from ", "import ", "cimport ")):
        found = IMPORT.match(joined)
        names = found[1].replace("(", " ").replace(")", " ").split(",") if found else []
        return {words[-1] for name in names if (words := name.split())}
    if head.startswith("cdef extern"):
        members = [line for line in lines[1:] if re.match(r" {4}\w", line)]  # not the fields of structs
        found = {match[1] for line in members if (match := EXTERN.match(line))}
        found |= {match[1] for line in members if (match := EXTERN_TYPE.match(line))}
        plain = [line for line in members if "(" not in line and not line.rstrip().endswith(":")]
        return found | {name for line in plain for name in re.findall(rf"({WORD})\s*(?:,|$)", line)}
    if re.match(r"^(?:cdef|cpdef)\s+enum\b", head):
        members = {match[1] for line in lines[1:] if (match := MEMBER.match(line.rstrip()))}
        named = CLASS.match(head)
        return members | ({named[1]} if named and not head.rstrip().endswith("enum:") else set())
    for pattern in (CLASS, FUNCTION, VARIABLE):
        if match := pattern.match(joined if pattern is FUNCTION else head):
            return {match[1]}
    return set()


def local_to(block: str) -> set[str]:
    """The names that a block has for itself: arguments, variables, members of its class."""
    found = set(re.findall(rf"\b({WORD})\s*(?:=(?!=)|\+=|-=|\|=|:\s*\w)", block))
    found |= set(re.findall(rf"\bas\s+({WORD})", block))
    for targets in re.findall(r"\bfor\s+(.+?)\s+in\b", block, re.DOTALL):
        found |= set(re.findall(WORD, targets))
    for declared in re.findall(r"^\s+cdef\s+(?!inline|class|struct)(.+)$", block, re.MULTILINE):
        if "(" not in declared:
            found |= set(re.findall(rf"({WORD})\s*(?:\[[^\]]*\])*\s*(?:,|=|$)", declared))
    for arguments in re.findall(
        rf"^\s*(?:cdef|cpdef|def)\s+(?!class\b)[^\n(]*?{WORD}\s*\(([^)]*)\)", block, re.MULTILINE
    ):
        found |= set(re.findall(rf"({WORD})\s*(?:not\s+None\s*)?(?:=[^,]*)?(?:,|$)", arguments))
    found |= set(re.findall(rf"^\s+(?:cdef|cpdef|def)\b[^=(\n]*?({WORD})\s*\(", block, re.MULTILINE))
    return found


def named_in(block: str) -> set[str]:
    """The names that a block uses of the module: no attributes, no keywords of calls, nothing of its own."""
    names = set(re.findall(rf"(?<![\w.])(?<!->)({WORD})\b(?!\s*=[^=])", block))
    return names - local_to(block)


def members_of(part: str) -> tuple[set[str], set[str]]:
    """The names that a part defines, and those that it uses."""
    code = code_of((SOURCE / part).read_text(encoding="utf-8"))
    defined: set[str] = set()
    used: set[str] = set()
    for block in blocks(code):
        defined |= defined_in(block)
        used |= named_in(block)
    return defined, used


READ = {part: members_of(part) for part in PARTS}


def named_too_early(part: str) -> set[str]:
    """What a part names that only later parts define."""
    place = PARTS.index(part)
    before = set().union(*(READ[other][0] for other in PARTS[: place + 1]))
    later = set().union(*(READ[other][0] for other in PARTS[place + 1 :]))
    return (READ[part][1] & later) - before - {name for known, name in KNOWN if known == part}


def test_every_part_is_included_once() -> None:
    files = {path.relative_to(SOURCE).as_posix() for path in (SOURCE / "wire").rglob("*.pyx")}
    assert sorted(PARTS) == sorted(files)


def test_the_names_of_parts_are_found() -> None:
    """Else the test below could not fail."""
    for part, names in {
        "wire/base/constants.pyx": {"PARTICLE_STRING", "INFO1_READ", "MAX_BIN_NAME"},
        "wire/base/endian.pyx": {"load16", "store64", "as_double"},
        "wire/base/frames.pyx": {"Frame", "FrameState", "FRAME_WHOLE", "split_frame", "BODY_SIZE_MASK"},
        "wire/base/fork.pyx": {"pthread_mutex_t", "own_socket", "heed_fork", "fork_listener", "HEEDED"},
        "wire/values/key.pyx": {"Key", "digest", "key_of", "NO_USER_KEY"},
        "wire/readers/reader.pyx": {"Reader", "MORE", "RAISE", "read_frame"},
        "wire/threads/pool.pyx": {"Pool", "Waiter", "PoolStep", "REFUSE"},
    }.items():
        assert names <= READ[part][0], part
    assert {"Pool", "Connection", "MORE"} <= set().union(*(used for _, used in READ.values()))


@pytest.mark.parametrize(
    ("text", "used"),
    [
        ("cdef int f(int a) except -1:\n    return g(a)\n", {"g"}),
        ("cdef f():\n    cdef Later x = None\n    x.later = 1\n", {"Later"}),
        ("cdef class A(Later):\n    cdef int size\n    cdef f(self):\n        return self.size\n", {"Later"}),
        (
            "cdef f(object later=None):\n    call(later=1)\n    # Later\n    return f'{later} Later'\n",
            {"call"},
        ),
        ("cdef f():\n    return (<Later>x).y\n", {"Later", "x"}),
    ],
)
def test_what_a_block_uses_is_found(text: str, used: set[str]) -> None:
    found = set().union(*(named_in(block) for block in blocks(code_of(text))))
    words = {"cdef", "int", "except", "return", "object", "class", "self", "None", "f", "A"}
    assert found - words == used


def test_the_list_of_the_parts_is_whole_and_in_their_order() -> None:
    text = UMBRELLA.read_text(encoding="utf-8").split('"""')[1]
    listed = re.findall(r"^    (\S+) {2,}\S", text, re.MULTILINE)
    assert [f"wire/{name}.pyx" for name in listed] == PARTS


@all_of("part", PARTS)
def test_a_part_names_nothing_that_a_later_part_defines(part: str) -> None:
    assert named_too_early(part) == set()
