"""No bytes from a server crash a parser or raise what nobody expects: a bounded run of tests/fuzz."""

from __future__ import annotations

import os

from fuzz.parsers import run

INPUTS = int(os.environ.get("PYSPIKE_FUZZ_INPUTS", "60000"))


def test_mutated_answers_raise_nothing_but_protocol_and_server_errors() -> None:
    counts = run(INPUTS, seed=20261123)
    assert sum(counts.values()) == INPUTS
    assert min(counts.values()) > INPUTS // 50
