"""What the site has in its lists: of the first page those pages that are there, and the protocol's sheets."""

from __future__ import annotations

import re
from pathlib import Path

from sphinx.application import Sphinx

PAGE = re.compile(r"[a-z][a-z/-]+")
SHEET = re.compile(r"^\| \d+ \| \[([\w.-]+)\.md\]", re.MULTILINE)


def on_source(app: Sphinx, page: str, source: list[str]) -> None:
    if page == app.config.root_doc:
        # Topics have pages of their own that not every version has.
        source[0] = "\n".join(line for line in source[0].splitlines() if is_there(Path(app.srcdir), line))
    elif page == "protocol/README":
        sheets = "\n".join(SHEET.findall(source[0]))  # in a list that only the site can read
        source[0] += f"\n```{{toctree}}\n:hidden:\n\n{sheets}\n```\n"


def is_there(folder: Path, line: str) -> bool:
    return not PAGE.fullmatch(line) or (folder / f"{line}.md").exists()


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("source-read", on_source)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
