"""The Python blocks of docs/places.md run as they stand, in order, and print what its comments say."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path
from typing import Any

import pytest

LIBRARIES = {"cachelib", "celery", "django", "dogpile", "flask", "flask_caching", "flask_session", "limits"}
LIBRARIES |= {"feast", "langchain_core", "langgraph"}
PAGE = Path(__file__).parents[2] / "docs" / "places.md"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PRINTS = re.compile(r"^\s*print\(.*\)  # (.*)$", re.MULTILINE)


@pytest.mark.one_kind("a block of each place that is told")
@pytest.mark.filterwarnings("ignore")
def test_the_page_runs_and_prints_what_it_says(hosts: str, set_name: str) -> None:
    blocks = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    assert len(blocks) == 9
    namespace: dict[str, Any] = {"__name__": "page"}
    missing: dict[str, None] = {}
    left_out = 0
    for block in blocks:
        source = block.replace("127.0.0.1:3000", hosts).replace("?set=", f"?set={set_name}-")
        printed = io.StringIO()
        try:
            with contextlib.redirect_stdout(printed):
                exec(compile(source, str(PAGE), "exec"), namespace)
        except ModuleNotFoundError as error:  # a block that needs a library that is not here is left out
            if (name := (error.name or "").partition(".")[0]) not in LIBRARIES:
                raise
            missing[name] = None
            left_out += 1
            continue
        assert printed.getvalue().splitlines() == PRINTS.findall(block)
    if left_out:
        pytest.skip(f"{left_out} of {len(blocks)} blocks are left out: no {', '.join(missing)}")
