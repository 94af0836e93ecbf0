"""Every Python block of the README runs as it stands, in order, and prints what its comments say.

Blocks share one namespace. Only the address and the set are put in the place of the README's; blocks that
define a test are run by pytest. The number of blocks stands here too, so that none can be left out unnoticed.
What type checkers say of the blocks is in `test_readme_types`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

import pyspike
from support import pages
from support.pages import ADDRESS, BLOCK, URL, Block, expect_printed, run_block

pytest_plugins = ["pytester"]

README = Path(__file__).parents[1] / "README.md"
SET = '"users"'

BLOCKS = 25
TESTS = 1
LANGUAGES = {"python", "console"}
_runs = itertools.count(1)


def read_blocks() -> list[Block]:
    return [block for block in pages.read_blocks(README) if block.language == "python"]


@pytest.fixture(scope="module")
def blocks(hosts: str, set_name: str, _shared_client: pyspike.Client) -> Iterator[list[Block]]:
    """All blocks, after they have run.

    In a set of their own each time: pytest-xdist hands tests of one module to one process in two parts,
    between which this fixture ends, and the second run must not find the records of the first.
    """
    found = read_blocks()
    own_set = f"{set_name}-{next(_runs)}"
    namespace: dict[str, object] = {"__name__": "readme"}
    for block in found:
        if not block.is_test:
            run(block, namespace, hosts, own_set)
    yield found
    namespace.clear()
    _shared_client.truncate("test", own_set)


def run(block: Block, namespace: dict[str, object], hosts: str, set_name: str) -> None:
    source = block.source.replace(ADDRESS, repr(hosts)).replace(SET, repr(set_name))
    run_block(block, source.replace(URL, f"aerospike://{hosts}"), README, namespace)


def number_of(kind: bool) -> list[int]:
    return [index for index, block in enumerate(read_blocks()) if block.is_test == kind]


@pytest.mark.parametrize("index", number_of(False), ids=lambda index: f"line-{read_blocks()[index].line}")
def test_a_block_runs_and_prints_what_it_says(blocks: list[Block], index: int) -> None:
    expect_printed(blocks[index])


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
    assert {block.language for block in pages.read_blocks(README)} == LANGUAGES
    assert text.count("```") == 2 * len(BLOCK.findall(text))


def test_the_address_and_the_set_are_put_in_the_readmes_place() -> None:
    text = "".join(block.source for block in read_blocks())
    assert text.count("127.0.0.1") == text.count(ADDRESS) + text.count(URL)
    assert (text.count(ADDRESS), text.count(URL)) == (4, 1)
    assert SET in text
