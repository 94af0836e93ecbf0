"""Every Python block of the README runs as it stands, in order, and prints what its comments say.

Blocks share one namespace. Only the address and the set are put in the place of the README's; blocks that
define a test are run by pytest. The number of blocks stands here too, so that none can be left out unnoticed.
What type checkers say of the blocks is in `test_readme_types`.
"""

from __future__ import annotations

import contextlib
import fnmatch
import io
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import pyspike

pytest_plugins = ["pytester"]

README = Path(__file__).parents[1] / "README.md"
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PRINTS = re.compile(r"^\s*print\(.*\)  # (.*)$", re.MULTILINE)
ADDRESS, SET = '"127.0.0.1:3000"', '"users"'
URL = "aerospike://127.0.0.1:3000"

BLOCKS = 36
TESTS = 1
LANGUAGES = {"python", "console"}


@dataclass
class Block:
    """A block of the README, and what came of it."""

    source: str
    line: int
    is_test: bool
    printed: str = ""
    error: BaseException | None = None
    ran: bool = False


def read_blocks() -> list[Block]:
    text = README.read_text(encoding="utf-8")
    return [
        Block(match[2], text[: match.start(2)].count("\n") + 1, is_test="def test_" in match[2])
        for match in BLOCK.finditer(text)
        if match[1] == "python"
    ]


@pytest.fixture(scope="module")
def blocks(hosts: str, set_name: str) -> Iterator[list[Block]]:
    """All blocks, after they have run."""
    found = read_blocks()
    namespace: dict[str, object] = {"__name__": "readme"}
    for block in found:
        if not block.is_test:
            run(block, namespace, hosts, set_name)
    yield found
    namespace.clear()


def run(block: Block, namespace: dict[str, object], hosts: str, set_name: str) -> None:
    source = block.source.replace(ADDRESS, repr(hosts)).replace(SET, repr(set_name))
    source = source.replace(URL, f"aerospike://{hosts}")
    code = compile("\n" * (block.line - 1) + source, str(README), "exec")
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), warnings.catch_warnings():
        # Python 3.12 and later warn of os.fork() in a process with threads, of which a client has one.
        warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
        try:
            exec(code, namespace)
            block.ran = True
        except Exception as error:  # told by the test of this block
            block.error = error
    block.printed = printed.getvalue()


def number_of(kind: bool) -> list[int]:
    return [index for index, block in enumerate(read_blocks()) if block.is_test == kind]


@pytest.mark.parametrize("index", number_of(False), ids=lambda index: f"line-{read_blocks()[index].line}")
def test_a_block_runs_and_prints_what_it_says(blocks: list[Block], index: int) -> None:
    block = blocks[index]
    if block.error is not None:
        raise block.error
    assert block.ran
    # `*` where the README says `...`
    expected = [re.sub(r"\[", "[[]", text).replace("...", "*") for text in PRINTS.findall(block.source)]
    printed = block.printed.splitlines()
    if "for " in block.source:  # as many rounds as the cluster has nodes
        expected *= len(printed) // max(len(expected), 1)
    assert len(printed) == len(expected), block.printed
    for line, pattern in zip(printed, expected, strict=True):
        assert fnmatch.fnmatchcase(line, pattern)


@pytest.mark.parametrize("index", number_of(True), ids=lambda index: f"line-{read_blocks()[index].line}")
@pytest.mark.parametrize("place", ["embedded", "servers"])
def test_a_block_with_a_test_passes(
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    index: int,
    place: str,
    hosts: str,
    set_name: str,
) -> None:
    monkeypatch.setenv("PYSPIKE_HOSTS", "" if place == "embedded" else hosts)
    monkeypatch.setenv("PYTHONPATH", str(Path(pyspike.__file__).parents[1]))
    # Not the record that the other blocks have left.
    source = read_blocks()[index].source.replace(SET, repr(set_name)).replace('"ann"', '"ann of a test"')
    pytester.makepyfile(source)
    for _ in range(2):
        result = pytester.runpytest_subprocess("-p", "no:pyspike", "-p", "pyspike.testing")
        result.assert_outcomes(passed=1)


def test_no_block_is_left_out(blocks: list[Block]) -> None:
    assert sum(block.ran for block in blocks) == BLOCKS
    assert sum(block.is_test for block in blocks) == TESTS
    assert len(blocks) == BLOCKS + TESTS
    text = README.read_text(encoding="utf-8")
    assert {match[1] for match in BLOCK.finditer(text)} == LANGUAGES
    assert text.count("```") == 2 * len(BLOCK.findall(text))


def test_the_address_and_the_set_are_put_in_the_readmes_place() -> None:
    text = "".join(block.source for block in read_blocks())
    assert text.count("127.0.0.1") == text.count(ADDRESS) + text.count(URL)
    assert (text.count(ADDRESS), text.count(URL)) == (6, 1)
    assert SET in text
