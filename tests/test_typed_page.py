"""The Python blocks of docs/typed-records.md run as they stand, in order, and print what its comments say."""

from __future__ import annotations

import contextlib
import io
import re
import sys
import types
from pathlib import Path

import pytest

from pyspike import Client, Key

PAGE = Path(__file__).parents[1] / "docs" / "typed-records.md"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PRINTS = re.compile(r"^\s*print\(.*\)  # (.*)$", re.MULTILINE)


@pytest.mark.one_kind("the blocks make their clients themselves")
def test_the_blocks_print_what_their_comments_say(hosts: str, key: Key) -> None:
    blocks = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    assert len(blocks) == 9
    module = types.ModuleType("typed_records_page")  # in which annotations find their names
    sys.modules[module.__name__] = module
    own_set = f"{key.set_name}-page"
    try:
        for number, block in enumerate(blocks, 1):
            printed = io.StringIO()
            source = block.replace('"127.0.0.1:3000"', repr(hosts)).replace('"users"', repr(own_set))
            with contextlib.redirect_stdout(printed):
                exec(compile(source, f"block {number}", "exec", dont_inherit=True), vars(module))
            assert printed.getvalue().splitlines() == PRINTS.findall(block), f"block {number}"
    finally:
        del sys.modules[module.__name__]
        for each in [value for value in vars(module).values() if isinstance(value, Client)]:
            each.truncate("test", own_set)
            each.close()
