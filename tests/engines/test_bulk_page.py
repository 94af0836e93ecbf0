"""The Python blocks of docs/bulk.md run as they stand, in order, and print what its comments say."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pyarrow")

LIBRARIES = {"dask", "duckdb", "pandas", "polars"}  # blocks that need one that is not here are left out
PAGE = Path(__file__).parents[2] / "docs" / "bulk.md"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PRINTS = re.compile(r"^\s*print\(.*\)  # (.*)$", re.MULTILINE)


@pytest.mark.one_kind("the page is about threads")
@pytest.mark.filterwarnings("ignore")
def test_the_page_runs_and_prints_what_it_says(hosts: str, set_name: str) -> None:
    blocks = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    assert len(blocks) == 5
    namespace: dict[str, Any] = {"__name__": "page"}
    for block in blocks:
        source = block.replace('"127.0.0.1:3000"', repr(hosts))
        source = source.replace('"people"', repr(f"{set_name}-p")).replace('"old"', repr(f"{set_name}-o"))
        printed = io.StringIO()
        try:
            with contextlib.redirect_stdout(printed):
                exec(compile(source, str(PAGE), "exec"), namespace)
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] not in LIBRARIES:
                raise
            continue
        assert printed.getvalue().splitlines() == PRINTS.findall(block)
    namespace["client"].close()  # where the last block was left out
