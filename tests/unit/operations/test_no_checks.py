"""Arguments of the usual kinds are packed as they are: no function in Python looks at them first."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType

from pyspike import Operation
from pyspike import operations as op
from pyspike.operations import bitwise, hll, lists, maps
from support.all_of import all_of

Make = Callable[[], Operation]

USUAL: dict[str, Make] = {
    "a bin that is read": lambda: op.get("n"),
    "a number that is added": lambda: op.add("n", 1),
    "a return type": lambda: maps.get_by_key("m", "k", return_type=maps.MapReturnType.KEY_VALUE),
    "one of a range": lambda: maps.get_by_rank_range("m", -10, 10, return_type=maps.MapReturnType.KEY),
    "an inverted one": lambda: lists.get_by_value(
        "l", 1, return_type=lists.ListReturnType.COUNT, inverted=True
    ),
    "one that is said not to be inverted": lambda: lists.get_by_value("l", 1, inverted=False),
    "an order": lambda: lists.set_order("l", lists.ListOrder.ORDERED),
    "flags of bits": lambda: bitwise.set("b", 0, 8, b"\x01", write_flags=bitwise.BitWriteFlags.UPDATE_ONLY),
    "flags of a HyperLogLog": lambda: hll.add("h", [1], write_flags=hll.HLLWriteFlags.CREATE_ONLY),
}


def calls_of(make: Make) -> list[str]:
    """The functions in Python that are called while an operation is made."""
    found: list[str] = []

    def note(frame: FrameType, event: str, argument: object) -> None:
        if event == "call" and frame.f_code is not make.__code__:
            found.append(frame.f_code.co_name)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        make()
    finally:
        sys.setprofile(before)
    return found


@all_of("what", USUAL)
def test_usual_arguments_need_no_check_in_python(what: str) -> None:
    make = USUAL[what]
    make()  # members of enums may be made on the way the first time
    assert calls_of(make) == []
