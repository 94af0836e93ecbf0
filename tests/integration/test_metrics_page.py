"""The Python blocks of docs/metrics.md run as they stand, in order, and print what its comments say."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("opentelemetry.sdk")

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PRINTS = re.compile(r"^\s*print\(.*\)  # (.*)$|\)  # (put 1 .*)$", re.MULTILINE)


@pytest.mark.one_kind("the page is about threads")
def test_the_page_runs_and_prints_what_it_says(hosts: str, set_name: str) -> None:
    blocks = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    assert len(blocks) == 4
    namespace: dict[str, Any] = {"__name__": "page"}
    for block in blocks:
        source = block.replace('"127.0.0.1:3000"', repr(hosts)).replace('"visits"', repr(set_name))
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(source, str(PAGE), "exec"), namespace)
        expected = [one or other.replace("visits", set_name) for one, other in PRINTS.findall(block)]
        assert [line for line in printed.getvalue().splitlines() if line[:1] not in "{} "] == expected
