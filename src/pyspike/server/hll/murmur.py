"""MurmurHash3, x64 variant with 128 bits, seed 0: the public-domain function by Austin Appleby."""

from __future__ import annotations

from struct import Struct

__all__ = ["murmur3_x64_128"]

_MASK = (1 << 64) - 1
_C1, _C2 = 0x87C37B91114253D5, 0x4CF5AD432745937F
_BLOCK = Struct("<QQ")


def murmur3_x64_128(data: bytes) -> tuple[int, int]:
    """The two halves of the hash."""
    h1 = h2 = 0
    tail = len(data) - len(data) % 16
    for at in range(0, tail, 16):
        k1, k2 = _BLOCK.unpack_from(data, at)
        h1 ^= _mixed(k1, _C1, 31, _C2)
        h1 = (_rotl(h1, 27) + h2) * 5 + 0x52DCE729 & _MASK
        h2 ^= _mixed(k2, _C2, 33, _C1)
        h2 = (_rotl(h2, 31) + h1) * 5 + 0x38495AB5 & _MASK
    k1, k2 = _BLOCK.unpack(data[tail:].ljust(16, b"\x00"))
    h2 ^= _mixed(k2, _C2, 33, _C1)
    h1 ^= _mixed(k1, _C1, 31, _C2)
    h1 ^= len(data)
    h2 ^= len(data)
    h1 = h1 + h2 & _MASK
    h2 = h2 + h1 & _MASK
    h1, h2 = _final(h1), _final(h2)
    h1 = h1 + h2 & _MASK
    return h1, h2 + h1 & _MASK


def _rotl(value: int, bits: int) -> int:
    return (value << bits | value >> (64 - bits)) & _MASK


def _mixed(k: int, first: int, bits: int, second: int) -> int:
    return _rotl(k * first & _MASK, bits) * second & _MASK


def _final(k: int) -> int:
    k ^= k >> 33
    k = k * 0xFF51AFD7ED558CCD & _MASK
    k ^= k >> 33
    k = k * 0xC4CEB9FE1A85EC53 & _MASK
    return k ^ k >> 33
