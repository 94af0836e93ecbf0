"""How bytes are changed: so that much of them stays what a parser expects, and a little is not."""

from __future__ import annotations

import random
from collections.abc import Sequence

INTERESTING = [
    0, 1, 3, 4, 7, 16, 17, 18, 19, 20, 22, 23, 27, 31, 32, 100, 127, 128, 144, 160, 192, 196, 199, 202, 203,
    204, 207, 212, 217, 219, 220, 221, 222, 223, 254, 255,
]  # fmt: skip


def mutated(rng: random.Random, seeds: Sequence[bytes]) -> bytes:
    """A seed with a few bytes changed, cut out, doubled, or joined with another seed."""
    data = bytearray(rng.choice(seeds))
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 5, 9))):
        kind = rng.random()
        at = rng.randrange(len(data)) if data else 0
        if kind < 0.35 and data:
            data[at] = rng.choice(INTERESTING)
        elif kind < 0.6 and data:
            data[at] = rng.randrange(256)
        elif kind < 0.7 and len(data) - at >= 4:
            data[at : at + 4] = rng.choice(
                (0, 1, 2**31 - 1, 2**31, 2**32 - 1, rng.randrange(2**16))
            ).to_bytes(4, "big")
        elif kind < 0.8:
            del data[at : at + rng.randint(1, 20)]
        elif kind < 0.9:
            data[at:at] = data[at : at + rng.randint(1, 40)]
        else:
            data[at:] = rng.choice(seeds)[at:]
    return bytes(data)
