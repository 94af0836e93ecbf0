"""Comments in the code cite the sheets of `docs/protocol`, and a reader finds there what they cite."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SHEETS = ROOT / "docs" / "protocol"

# `cdt.md`, `framing.md 1.2`, `cdt.md 5.3 to 5.5`, `cdt.md 5.5, 5.8`: a sheet, and the sections meant.
# A name after a quotation mark or a slash is a file that the code reads or writes.
CITATION = re.compile(r"""(?<![\w/."'-])([a-z][a-z0-9.-]*\.md\b)((?:(?:,? | to | and )\d+\.\d+)*)""")
SECTION = re.compile(r"^##+ (\d+\.\d+) ", re.MULTILINE)
LINE_BREAK = re.compile(r"\s*\n[\s#]*")


def citations(text: str) -> Iterator[tuple[str, str | None]]:
    """Yield every sheet that a text cites, with one section of it, or None for the whole sheet."""
    for sheet, sections in CITATION.findall(LINE_BREAK.sub(" ", text)):
        yield from ((sheet, number) for number in re.findall(r"\d+\.\d+", sections) or [None])


def sources(*folders: str) -> list[Path]:
    """List the files of the project's own code below some folders."""
    paths = (path for folder in folders for path in (ROOT / folder).rglob("*"))
    return sorted(path for path in paths if path.suffix in {".py", ".pyi", ".pyx"})


def sections_of(sheet: str) -> set[str]:
    """Give the numbers of a sheet's sections; none if there is no such sheet."""
    path = SHEETS / sheet
    return set(SECTION.findall(path.read_text(encoding="utf-8"))) if path.is_file() else set()


def missing(path: Path) -> list[str]:
    """List what a file cites and no sheet has."""
    return [
        f"{sheet} {number or ''}".rstrip()
        for sheet, number in citations(path.read_text(encoding="utf-8"))
        if not (number in sections_of(sheet) if number else (SHEETS / sheet).is_file())
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("offsets (framing.md 1.2, plus 8)", [("framing.md", "1.2")]),
        ("# of fields (framing.md\n    # 1.3)", [("framing.md", "1.3")]),
        ("(cdt.md 5.3 to 5.5, values.md)", [("cdt.md", "5.3"), ("cdt.md", "5.5"), ("values.md", None)]),
        ("(cdt.md 5.5, 5.8)", [("cdt.md", "5.5"), ("cdt.md", "5.8")]),
        ("as server-8.2.md has it", [("server-8.2.md", None)]),
        ('(out / "compare.md").write_text(text)', []),
    ],
)
def test_citations_are_found_in_any_form(text: str, expected: list[tuple[str, str | None]]) -> None:
    assert list(citations(text)) == expected


@pytest.mark.parametrize("folder", ["src", "tests"])
def test_every_cited_section_exists(folder: str) -> None:
    found = {str(path.relative_to(ROOT)): missing(path) for path in sources(folder) if path != Path(__file__)}
    assert {path: names for path, names in found.items() if names} == {}


def test_the_code_cites_the_sheets() -> None:
    cited = {sheet for path in sources("src") for sheet, _ in citations(path.read_text(encoding="utf-8"))}
    assert {"framing.md", "values.md", "cluster.md"} <= cited


def test_the_sheets_cite_each_other_rightly() -> None:
    assert {path.name: missing(path) for path in SHEETS.glob("*.md") if missing(path)} == {}


def test_the_index_lists_every_sheet_with_its_number() -> None:
    index = (SHEETS / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| (\d+) \| \[([a-z0-9.-]+\.md)\]\(\2\) \|", index, re.MULTILINE)
    assert {name for _, name in listed} == {path.name for path in SHEETS.glob("*.md")} - {"README.md"}
    for number, name in listed:
        text = (SHEETS / name).read_text(encoding="utf-8")
        assert text.startswith(f"# {number}. ")
        sections = SECTION.findall(text)
        assert sections == [f"{number}.{place}" for place in range(1, len(sections) + 1)]
