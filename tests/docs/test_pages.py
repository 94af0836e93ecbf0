"""Every block of the site's pages runs as it stands, and prints what its comments say (support/pages.py)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pyspike import Client
from pyspike.server import EmbeddedCluster
from support.pages import Page, read_blocks

pytest_plugins = ["pytester"]

DOCS = Path(__file__).parents[2] / "docs"
ELSEWHERE = {  # pages whose blocks need a place of their own, and what runs them
    "bench": "cli/test_bench_page.py",
    "metrics": "integration/test_metrics_page.py",
    "places": "contrib/test_places_page.py",
}
PAGES = sorted(
    path
    for path in DOCS.rglob("*.md")
    if path.parent.name not in ("protocol", "api")
    and path.stem not in ELSEWHERE
    and any(each.language for each in read_blocks(path))
)
LANGUAGES = {"python", "console", "text", "yaml", "toml", "ini"}
OPTIONAL = {
    "dask",
    "duckdb",
    "eventlet",
    "fastapi",
    "gevent",
    "pandas",
    "polars",
    "prometheus_client",
    "pyarrow",
}


def named(page: Path) -> str:
    return page.relative_to(DOCS).with_suffix("").as_posix()


@pytest.mark.one_kind("the pages say which client they use")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("path", PAGES, ids=named)
def test_a_page_runs_and_prints_what_it_says(
    path: Path, hosts: str, client: Client, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    page = Page(path, hosts, "docs-", tmp_path)
    try:
        if missing := run(page):
            pytest.skip(f"{missing} is not installed")
    finally:
        for namespace, name in sorted(page.sets):
            client.truncate(namespace, name)
    if tests := page.tests():
        run_tests(request.getfixturevalue("pytester"), tmp_path, tests)


def run(page: Page) -> str:
    """Run a page; returns what it needs and has not, which is as good as if there was no such page."""
    try:
        page.run()
    except (ModuleNotFoundError, AssertionError) as error:
        missing = re.search(r"No module named '(\w+)|pip install '[^']*\[(\w+)\]", str(error))
        if missing is None or (missing[1] or missing[2]) not in OPTIONAL:
            raise
        return str(missing[1] or missing[2])
    return ""


@pytest.mark.one_kind("the pages say which client they use")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.timeout(300)
def test_pages_leave_nothing_behind_that_another_page_or_the_same_stumbles_over(tmp_path: Path) -> None:
    with EmbeddedCluster(nodes=1) as cluster:
        for number, path in enumerate([*PAGES, *reversed(PAGES)]):
            folder = tmp_path / str(number)
            folder.mkdir()
            try:
                run(Page(path, cluster.hosts, "", folder))
            except Exception as error:
                raise AssertionError(f"{named(path)}, after others: {error}") from error


def run_tests(pytester: pytest.Pytester, folder: Path, tests: str) -> None:
    """The page's tests pass, by a pytest of a user's, with the page's files beside them."""
    pytester.makepyfile(tests)
    for file in folder.glob("*.py"):
        (pytester.path / file.name).write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    plugins = ("-p", "no:pyspike", "-p", "pyspike.testing", "-p", "no:asyncio", "-p", "no:anyio")
    result = pytester.runpytest_subprocess(*plugins, "-p", "no:cacheprovider")
    result.assert_outcomes(passed=len(re.findall(r"def test_", tests)))


@pytest.mark.one_kind("reads")
def test_pages_that_are_run_elsewhere_are() -> None:
    tests = Path(__file__).parents[1]
    for page, test in ELSEWHERE.items():
        if (DOCS / f"{page}.md").exists():
            assert f"{page}.md" in (tests / test).read_text(encoding="utf-8")


@pytest.mark.one_kind("reads")
@pytest.mark.parametrize("path", PAGES, ids=named)
def test_every_block_of_a_page_is_told_apart(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert {block.language for block in read_blocks(path)} <= LANGUAGES
    assert len(re.findall(r"^```", text, re.MULTILINE)) % 2 == 0
    marked = len(re.findall(r"^<!-- block: ", text, re.MULTILINE))
    assert marked == sum(bool(block.kind) for block in read_blocks(path)), (
        "a comment that stands above no block"
    )
