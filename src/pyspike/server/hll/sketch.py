"""HyperLogLog with optional minhash bits: registers, estimates, unions.

Owns: the layout of the particle (values.md 3.4), hashing of elements, counting and comparing. Not here:
opcodes and flags (operate.py).

A register holds the highest rank of its elements' hashes, and in its low bits the part of the hash that came
with it. Counts use Ertl's improved estimator (2017, algorithm 6); with minhash bits the share of elements
that two sketches have in common is counted by equal registers, less those that are equal by chance
(HyperMinHash, Yu 2017).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import sqrt
from struct import Struct

from ..protocol.constants import (
    HLL_BITS_MAX,
    HLL_HEADER_SIZE,
    HLL_INDEX_BITS,
    HLL_MINHASH_BITS,
    HLL_RANK_BITS,
)
from ..protocol.result import RequestError, ResultCode
from ..values.encoding import encode
from ..values.packed import Value
from .murmur import murmur3_x64_128

__all__ = ["Hll", "intersection", "similarity", "union"]

_RANK_MAX = (1 << HLL_RANK_BITS) - 1
_HEADER = Struct("<BBBQ")


@dataclass(frozen=True, slots=True)
class Hll:
    """A sketch. `cached` is the count that was stored last; 0 if none was."""

    index_bits: int
    minhash_bits: int
    registers: list[int]
    cached: int = 0

    @classmethod
    def empty(cls, index_bits: int, minhash_bits: int) -> Hll:
        """A sketch of no elements.

        Raises:
            RequestError: PARAMETER if there is no such sketch.

        """
        if (
            index_bits not in HLL_INDEX_BITS
            or (minhash_bits and minhash_bits not in HLL_MINHASH_BITS)
            or index_bits + minhash_bits > HLL_BITS_MAX
        ):
            raise RequestError(ResultCode.PARAMETER, "index or minhash bits")
        return cls(index_bits, minhash_bits, [0] * (1 << index_bits))

    @classmethod
    def parse(cls, data: bytes) -> Hll:
        """The sketch in a particle.

        Raises:
            RequestError: PARAMETER for anything else.

        """
        if len(data) < HLL_HEADER_SIZE:
            raise RequestError(ResultCode.PARAMETER, "no HLL")
        flags, index_bits, minhash_bits, cached = _HEADER.unpack_from(data)
        sketch = cls.empty(index_bits, minhash_bits)
        width, count = sketch.width, 1 << index_bits
        if flags or len(data) != HLL_HEADER_SIZE + (width * count + 7) // 8:
            raise RequestError(ResultCode.PARAMETER, "no HLL")
        bits = f"{int.from_bytes(data[HLL_HEADER_SIZE:], 'big'):0{8 * (len(data) - HLL_HEADER_SIZE)}b}"
        if "1" in bits:
            registers = [int(bits[at : at + width], 2) for at in range(0, width * count, width)]
            sketch = replace(sketch, registers=registers)
        return replace(sketch, cached=cached)

    @property
    def width(self) -> int:
        """How many bits a register has."""
        return HLL_RANK_BITS + self.minhash_bits

    def particle(self) -> bytes:
        """The particle of the sketch."""
        width = self.width
        bits = "".join([f"{register:0{width}b}" for register in self.registers])
        size = (len(bits) + 7) // 8
        packed = int(bits.ljust(8 * size, "0"), 2).to_bytes(size, "big")
        return _HEADER.pack(0, self.index_bits, self.minhash_bits, self.cached) + packed

    def add(self, elements: list[Value]) -> tuple[Hll, int]:
        """The sketch with more elements, and how many of them changed it."""
        registers, raised = self.registers[:], 0
        for element in elements:
            low, high = murmur3_x64_128(encode(element))
            index = low & ((1 << self.index_bits) - 1)
            minhash = low >> self.index_bits & ((1 << self.minhash_bits) - 1)
            rank = min((high & -high).bit_length() if high else HLL_BITS_MAX + 1, _RANK_MAX)
            register = rank << self.minhash_bits | minhash
            if register > registers[index]:
                registers[index] = register
                raised += 1
        return replace(self, registers=registers, cached=0 if raised else self.cached), raised

    def fold(self, index_bits: int) -> Hll:
        """The sketch with fewer registers."""
        count = 1 << index_bits
        folded = self.registers[:count]
        for at in range(count, len(self.registers), count):
            folded = list(map(max, folded, self.registers[at : at + count]))
        return replace(self, index_bits=index_bits, registers=folded, cached=0)

    def without_minhash(self) -> Hll:
        """The sketch with ranks only."""
        if not self.minhash_bits:
            return self
        ranks = [register >> self.minhash_bits for register in self.registers]
        return replace(self, minhash_bits=0, registers=ranks, cached=0)

    def estimate(self) -> float:
        """How many different elements were added, estimated."""
        size = len(self.registers)
        counts = [0] * (_RANK_MAX + 1)
        for register in self.registers:
            counts[register >> self.minhash_bits] += 1
        z = size * _tau(1 - counts[_RANK_MAX] / size)
        for rank in range(_RANK_MAX - 1, 0, -1):
            z = 0.5 * (z + counts[rank])
        z += size * _sigma(counts[0] / size)
        return _alpha(self.index_bits) * size * size / z

    def count(self) -> int:
        """The estimate as a whole number."""
        return self.cached or _rounded(self.estimate())


def _rounded(number: float) -> int:
    return int(number + 0.5)


_SMALL_ALPHAS = (0.673, 0.697, 0.709)
"""The factors of the smallest sketches, for which the formula does not hold."""


def _alpha(index_bits: int) -> float:
    if index_bits < HLL_INDEX_BITS.start + len(_SMALL_ALPHAS):
        return _SMALL_ALPHAS[index_bits - HLL_INDEX_BITS.start]
    return 0.7213 / (1 + 1.079 / (1 << index_bits))


def _sigma(x: float) -> float:
    if x == 1:
        return float("inf")
    y, z, before = 1.0, x, -1.0
    while z != before:
        x *= x
        before = z
        z += x * y
        y += y
    return z


def _tau(x: float) -> float:
    if x in (0, 1):
        return 0.0
    y, z, before = 1.0, 1 - x, -1.0
    while z != before:
        x = sqrt(x)
        before = z
        y *= 0.5
        z -= (1 - x) ** 2 * y
    return z / 3


def union(sketches: list[Hll]) -> Hll:
    """The sketch of all elements of these sketches.

    It has as many registers as the smallest of them, and minhash bits only if all have the same number.
    """
    index_bits = min(sketch.index_bits for sketch in sketches)
    if len({sketch.minhash_bits for sketch in sketches}) > 1 or (
        sketches[0].minhash_bits and any(sketch.index_bits != index_bits for sketch in sketches)
    ):
        sketches = [sketch.without_minhash() for sketch in sketches]
    folded = [s if s.index_bits == index_bits else s.fold(index_bits) for s in sketches]
    registers = folded[0].registers
    for other in folded[1:]:
        registers = list(map(max, registers, other.registers))
    return replace(folded[0], registers=registers, cached=0)


def similarity(sketches: list[Hll]) -> float:
    """The share of all elements that is in each of the sketches."""
    whole = union(sketches)
    if whole.minhash_bits:
        return _jaccard(sketches)
    total = whole.count()
    return min(max(_common(sketches) / total, 0), 1) if total else 0.0


def intersection(sketches: list[Hll]) -> int:
    """How many elements are in each of the sketches."""
    whole = union(sketches)
    if whole.minhash_bits:
        return _rounded(_jaccard(sketches) * whole.count())
    return max(_common(sketches), 0)


def _common(sketches: list[Hll]) -> int:
    """The intersection of two or three sketches, by inclusion and exclusion."""
    counts = [sketch.count() for sketch in sketches]
    if len(sketches) == 1:
        return counts[0]
    a, b = sketches[:2]
    if len(sketches) == 2:
        return counts[0] + counts[1] - union(sketches).count()
    c = sketches[2]
    pairs = union([a, b]).count() + union([b, c]).count() + union([a, c]).count()
    return sum(counts) - pairs + union(sketches).count()


def _jaccard(sketches: list[Hll]) -> float:
    """The share of registers that are equal, less those that are equal by chance."""
    same = used = 0
    for registers in zip(*(sketch.registers for sketch in sketches), strict=True):
        if any(registers):
            used += 1
            same += registers.count(registers[0]) == len(registers)
    if not same:
        return 0.0
    chance = _equal_by_chance(sketches) if len(sketches) == 2 else 0.0  # as the real server has it
    return max(same - chance, 0.0) / used


def _equal_by_chance(sketches: list[Hll]) -> float:
    """How many registers of two sketches are expected to be equal if these have no element in common.

    Of those with equal ranks, one in 2 ** minhash_bits is.
    """
    size = len(sketches[0].registers)
    counts = [sketch.count() for sketch in sketches]
    total = 0.0
    for rank in range(1, HLL_BITS_MAX + 1):
        below = 1.0 - 2.0**-rank / size if rank < HLL_BITS_MAX else 1.0
        lower = 1.0 - 2.0 ** (1 - rank) / size
        chance = 1.0
        for count in counts:
            chance *= below**count - lower**count
        total += chance
    return total * size / (1 << sketches[0].minhash_bits)
