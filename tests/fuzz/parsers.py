"""A mutation fuzzer over every parser of what comes from a server, seeded with the recorded answers.

    PYTHONPATH=tests python -m fuzz.parsers --inputs 10000000 --seed 1

Each input has a limit of time and one of memory. What a target raises that its callers do not expect, a limit
that is passed, a crash or a hang is a find. tests/unit/test_fuzz.py runs a bounded form. On a build with
sanitizers (CONTRIBUTING.md) `LD_PRELOAD="$(gcc -print-file-name=libasan.so)" ASAN_OPTIONS=detect_leaks=0
PYTHONMALLOC=malloc` goes in front of it.
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import random
import time
from collections import Counter, deque
from collections.abc import Callable
from pathlib import Path

from fuzz.mutation import mutated
from fuzz.targets import Target, targets
from support.sanitizers import SANITIZED

SECONDS = 1.0  # of CPU that an input may take
MEMORY = (1024 if SANITIZED else 64) << 20  # bytes that an input may take
HANG = 60.0  # seconds after which whatever runs is ended, and says where it was
LOOK = 50  # inputs between two looks at the memory, and at the clock of a hang
REPORT = 500_000  # inputs between two reports


class Find(AssertionError):  # noqa: N818 - it is what is looked for
    """An input that does what none may do."""


def run(inputs: int, seed: int, report: Callable[[str], None] = lambda text: None) -> Counter[str]:
    """Feed so many inputs, over all targets; returns how many each got. Raises what nobody expects."""
    rng = random.Random(seed)
    counts: Counter[str] = Counter()
    last: deque[str] = deque(maxlen=LOOK)
    with contextlib.ExitStack() as stack:
        weighted = [target for target in targets(rng, stack) for _ in range(target.weight)]
        stack.callback(faulthandler.cancel_dump_traceback_later)
        started, most = time.monotonic(), peak() + MEMORY
        for number in range(inputs):
            if number % LOOK == 0:
                faulthandler.dump_traceback_later(HANG, exit=True)
                if peak() > most:
                    raise Find(f"over {MEMORY >> 20} MB, for one of {[*last]} (seed {seed}, up to {number})")
            target = weighted[number % len(weighted)]
            data = mutated(rng, target.seeds)
            last.append(f"{target.name}: {data.hex()}")
            counts[target.name] += 1
            try:
                _feed(target, data)
            except BaseException as error:
                raise Find(f"{error!r} for {last[-1]} (seed {seed}, input {number})") from error
            if number % REPORT == REPORT - 1:
                report(f"{number + 1} inputs, {time.monotonic() - started:.0f} s")
        if peak() > most:
            raise Find(f"over {MEMORY >> 20} MB, for one of {[*last]} (seed {seed})")
    return counts


def _feed(target: Target, data: bytes) -> None:
    began = time.thread_time()
    with contextlib.suppress(*target.expected):
        target.feed(data)
    took = time.thread_time() - began
    if took > SECONDS:
        raise Find(f"takes {took:.1f} s")


def peak() -> int:
    """The most memory that this process ever had, in bytes; 0 where that is not told."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) << 10
    return 0


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    began, before = time.monotonic(), peak()
    counts = run(arguments.inputs, arguments.seed, report=lambda text: print(text, flush=True))
    for name, count in counts.items():
        print(f"{name}: {count}")
    took, grown = time.monotonic() - began, (peak() - before) >> 20
    print(f"{counts.total()} inputs in {took:.0f} s, at most {grown} MB more, no find")


if __name__ == "__main__":
    main()
