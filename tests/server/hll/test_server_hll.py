"""HyperLogLog, against sets."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from server_values import error_of, packed

from pyspike.server.hll.murmur import murmur3_x64_128
from pyspike.server.hll.operate import modify_hll, read_hll
from pyspike.server.hll.sketch import Hll, intersection, similarity, union
from pyspike.server.protocol.result import ResultCode
from support.examples import examples

CREATE_ONLY, UPDATE_ONLY, NO_FAIL, PARTIAL = 1, 2, 4, 8
RELAXED = settings(max_examples=examples(60))


def test_the_hash_is_the_published_one() -> None:
    assert murmur3_x64_128(b"") == (0, 0)
    assert murmur3_x64_128(b"The quick brown fox jumps over the lazy dog") == (
        0xE34BBC7BBC071B6C,
        0x7A433CA9C49A9347,
    )


@pytest.mark.parametrize(("index_bits", "minhash_bits"), [(10, 0), (12, 8), (14, 20)])
def test_estimates_are_within_their_error(index_bits: int, minhash_bits: int) -> None:
    error = 4 * 1.04 / (1 << index_bits) ** 0.5
    one, _ = Hll.empty(index_bits, minhash_bits).add(list(range(6000)))
    two, _ = Hll.empty(index_bits, minhash_bits).add(list(range(3000, 9000)))
    assert abs(one.count() - 6000) < 6000 * error
    assert abs(union([one, two]).count() - 9000) < 9000 * error
    assert abs(intersection([one, two]) - 3000) < 9000 * error
    assert abs(similarity([one, two]) - 1 / 3) < 2 * error


@RELAXED
@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=50), st.lists(st.integers(0, 10**6), min_size=1))
def test_a_union_is_what_adding_all_gives(first: list[int], second: list[int]) -> None:
    empty = Hll.empty(6, 4)
    one, _ = empty.add(list(first))
    two, _ = empty.add(list(second))
    together, _ = empty.add([*first, *second])
    assert union([one, two]).registers == together.registers
    assert Hll.parse(one.particle()) == one
    assert read_hll(one.particle(), 56, [packed(first)]) == 1


def test_flags_and_bits_of_sketches_are_checked() -> None:
    assert error_of(modify_hll, None, 1, [packed(["a"])]) == ResultCode.OP_NOT_APPLICABLE
    assert error_of(modify_hll, None, 0, [3]) == ResultCode.PARAMETER
    assert error_of(modify_hll, None, 3, []) == ResultCode.BIN_NOT_FOUND
    sketch, raised = modify_hll(None, 1, [packed(["a", "b", "a"]), 8, 4])
    assert raised == 2
    assert error_of(modify_hll, sketch, 0, [8, 0, CREATE_ONLY]) == ResultCode.BIN_EXISTS
    assert error_of(modify_hll, sketch, 4, [6]) == ResultCode.OP_NOT_APPLICABLE
    assert error_of(modify_hll, sketch, 1, [packed([["a"]])]) == ResultCode.PARAMETER
