"""The digest of a key and the partition of a digest, as clients compute them.

Owns: RIPEMD-160, and which bytes of a key it is computed of. Requests bring their digest; only
`EmbeddedCluster.owner` computes one. Not here: the owners of partitions (../topology/partitions.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import index
from struct import Struct

from .constants import ParticleType

__all__ = ["key_digest", "partition_of"]

_MASK = 0xFFFFFFFF
_I64 = Struct(">q")
_WORDS, _STATE, _LENGTH = Struct("<16I"), Struct("<5I"), Struct("<Q")
_BLOCK = 64
_START = (0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0)

_ROUNDS = 5
_NEXT = (7, 4, 13, 1, 10, 6, 15, 3, 12, 0, 9, 5, 2, 14, 11, 8)
"""Which word of one round's order stands where in the next round's."""
_TURNS = (
    (11, 14, 15, 12, 5, 8, 7, 9, 11, 13, 14, 15, 6, 7, 9, 8),
    (12, 13, 11, 15, 6, 9, 9, 7, 12, 15, 11, 13, 7, 8, 7, 7),
    (13, 15, 14, 11, 7, 7, 6, 8, 13, 14, 13, 12, 5, 5, 6, 9),
    (14, 11, 12, 14, 8, 6, 5, 5, 15, 12, 15, 14, 9, 9, 8, 6),
    (15, 12, 13, 13, 9, 5, 8, 6, 14, 11, 12, 11, 8, 6, 5, 5),
)
"""By round and word: how many bits a sum is turned to the left."""
_FUNCTIONS: tuple[Callable[[int, int, int], int], ...] = (
    lambda x, y, z: x ^ y ^ z,
    lambda x, y, z: (x & y) | (~x & z),
    lambda x, y, z: (x | ~y) ^ z,
    lambda x, y, z: (x & z) | (y & ~z),
    lambda x, y, z: x ^ (y | ~z),
)
_LEFT_SUMS = (0, 0x5A827999, 0x6ED9EBA1, 0x8F1BBCDC, 0xA953FD4E)
_RIGHT_SUMS = (0x50A28BE6, 0x5C4DD124, 0x6D703EF3, 0x7A6D76E9, 0)


def key_digest(set_name: str, user_key: object) -> bytes:
    """The 20 bytes by which the server finds a record.

    Args:
        set_name: "" for a record in no set.
        user_key: an integer, str or bytes.

    Raises:
        TypeError: a key of another type.
        OverflowError: an integer beyond 64 bits.

    """
    if isinstance(user_key, str):
        typed = bytes((ParticleType.STRING,)) + user_key.encode()
    elif isinstance(user_key, (bytes, bytearray, memoryview)):
        typed = bytes((ParticleType.BLOB,)) + bytes(user_key)
    elif not isinstance(user_key, bool) and hasattr(user_key, "__index__"):
        number = index(user_key)
        if not -(1 << 63) <= number < 1 << 63:
            raise OverflowError(f"the key {number} does not fit in 64 bits")
        typed = bytes((ParticleType.INTEGER,)) + _I64.pack(number)
    else:
        raise TypeError(f"a key is an integer, str or bytes, not {type(user_key).__name__}")
    return _ripemd160(set_name.encode() + typed)


def partition_of(digest: bytes) -> int:
    """The partition in which a record with this digest is (keys-and-digests.md 2.2)."""
    return digest[0] | (digest[1] & 0x0F) << 8


def _ripemd160(data: bytes) -> bytes:
    padded = data + b"\x80" + bytes(-(len(data) + 9) % _BLOCK) + _LENGTH.pack(8 * len(data))
    state: tuple[int, ...] = _START
    for at in range(0, len(padded), _BLOCK):
        words = _WORDS.unpack_from(padded, at)
        left = _line(state, words, list(range(16)), _FUNCTIONS, _LEFT_SUMS)
        right = _line(state, words, [(9 * i + 5) % 16 for i in range(16)], _FUNCTIONS[::-1], _RIGHT_SUMS)
        # Each word of the state is added to words of both lines, one and two places further on.
        state = tuple((state[(i + 1) % 5] + left[(i + 2) % 5] + right[(i + 3) % 5]) & _MASK for i in range(5))
    return _STATE.pack(*state)


def _line(
    state: Sequence[int],
    words: Sequence[int],
    order: list[int],
    functions: Sequence[Callable[[int, int, int], int]],
    sums: Sequence[int],
) -> tuple[int, ...]:
    a, b, c, d, e = state
    for number in range(_ROUNDS):
        mix, constant, turns = functions[number], sums[number], _TURNS[number]
        for word in order:
            total = (a + mix(b, c, d) + words[word] + constant) & _MASK
            turned = (total << turns[word] | total >> 32 - turns[word]) + e
            a, b, c, d, e = e, turned & _MASK, b, (c << 10 | c >> 22) & _MASK, d
        order = [_NEXT[word] for word in order]
    return a, b, c, d, e
