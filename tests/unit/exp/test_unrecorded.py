"""Functions that no recorded call uses make these bytes: the official client's where it has them, else the
server's form by the protocol notes (cdt.md 5.5, 5.8)."""

from __future__ import annotations

import pytest

from pyspike import exp
from pyspike.cdt.enums import NumericType
from pyspike.exp import Expression
from pyspike.operations import hll

OF_THE_OFFICIAL_CLIENT = [
    (exp.num_floor(exp.float_bin("f")), "921c935107a166"),
    (exp.strings.append("s", "x"), "957f03439343a2037800935103a173"),
    (exp.strings.is_numeric("s", numeric_type=NumericType.INT), "957f0103920a01935103a173"),
    (exp.strings.normalize_nfc("s"), "957f0343923b00935103a173"),
]


@pytest.mark.parametrize(("made", "data"), OF_THE_OFFICIAL_CLIENT, ids=lambda value: repr(value)[:40])
def test_these_expressions_are_the_official_clients(made: Expression, data: str) -> None:
    assert made.to_bytes().hex() == data


def test_a_map_decrement_is_operation_74() -> None:
    made = exp.maps.decrement("m", "a", 2)
    assert made.to_bytes().hex() == "957f0540" + "934aa2036102" + "935105a16d"


def test_a_sketch_is_asked_by_operation_56() -> None:
    assert hll.may_contain("h", ["x", 1]).wire.hex() == "0000000c0f040001" + "68" + "9238" + "92a2037801"
