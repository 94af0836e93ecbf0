"""No bytes from a server crash a parser, hang it, take memory without end or raise what nobody expects.

A bounded run of tests/fuzz in a process of its own; PYSPIKE_FUZZ_INPUTS is how many inputs it has.
"""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

import pyspike
from fuzz import parsers
from fuzz.targets import Pipelined, Target

INPUTS = int(os.environ.get("PYSPIKE_FUZZ_INPUTS") or 30_000)
PATIENCE = 100 + INPUTS / 500  # seconds: a build with sanitizers does some thousand a second
TESTS = Path(__file__).parents[1]


@pytest.mark.timeout(PATIENCE + 20)
def test_mutated_answers_raise_nothing_but_what_callers_expect() -> None:
    path = [str(TESTS), str(Path(pyspike.__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
    done = subprocess.run(
        [
            sys.executable,
            "-X",
            "faulthandler",
            "-m",
            "fuzz.parsers",
            "--inputs",
            str(INPUTS),
            "--seed",
            "20261123",
        ],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path)},
    )
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    *counts, said = [line for line in done.stdout.splitlines() if not line.endswith(" s")]
    assert said.startswith(f"{INPUTS} inputs in ")
    assert len(counts) == 21
    assert min(int(line.rpartition(" ")[2]) for line in counts) > INPUTS // 50


def feed_only(monkeypatch: pytest.MonkeyPatch, *fed: Target) -> None:
    monkeypatch.setattr(parsers, "targets", lambda rng, stack: list(fed))


def test_an_error_that_nobody_expects_is_a_find(monkeypatch: pytest.MonkeyPatch) -> None:
    feed_only(monkeypatch, Target("sum", [b"abc"], lambda data: 1 / (len(data) - 3)))
    with pytest.raises(parsers.Find, match=r"ZeroDivisionError.* for sum: [0-9a-f]{6} \(seed 1, input \d+\)"):
        parsers.run(100, 1)


def test_an_error_in_a_callback_of_the_loop_is_a_find() -> None:
    pipelined = Pipelined(random.Random(1))
    with contextlib.closing(pipelined):
        pipelined.loop.call_soon(lambda: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            pipelined(b"")
        pipelined(b"")


def test_an_input_that_takes_long_is_a_find(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsers, "SECONDS", 0.01)
    feed_only(monkeypatch, Target("loop", [b"abc"], lambda data: sum(range(3_000_000))))
    with pytest.raises(parsers.Find, match=r"takes .* for loop"):
        parsers.run(1, 1)


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="reads Linux's /proc")
def test_an_input_that_takes_much_memory_is_a_find(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsers, "peak", iter([0, 0, parsers.MEMORY + 1]).__next__)
    feed_only(monkeypatch, Target("copy", [b"abc"], bytes))
    with pytest.raises(parsers.Find, match=r"MB, for one of .*copy: "):
        parsers.run(1, 1)
