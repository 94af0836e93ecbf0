from __future__ import annotations

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyspike.cluster.retry import TRIED_AGAIN
from pyspike.result_code import ResultCode
from support.all_of import all_of

# The server's codes (result-codes.md), those that only old servers send (214, 215) and the newest (29, 30).
NUMBERS = {
    *range(31), 32, *range(50, 57), *range(60, 67), *range(70, 76), *range(80, 84), *range(90, 95), 100,
    *range(120, 128), 150, 151, 152, 160, *range(200, 207), *range(210, 216),
}  # fmt: skip


def test_every_code_of_the_server_has_a_name():
    assert {int(code) for code in ResultCode} == NUMBERS


def test_no_code_has_two_names():
    assert list(ResultCode) == list(ResultCode.__members__.values())
    assert len({code.meaning for code in ResultCode}) == len(ResultCode)


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("OK", 0),
        ("KEY_NOT_FOUND_ERROR", 2),
        ("GENERATION_ERROR", 3),
        ("PARAMETER_ERROR", 4),
        ("KEY_EXISTS_ERROR", 5),
        ("TIMEOUT", 9),
        ("PARTITION_UNAVAILABLE", 11),
        ("KEY_BUSY", 14),
        ("DEVICE_OVERLOAD", 18),
        ("INVALID_NAMESPACE", 20),
        ("FAIL_FORBIDDEN", 22),
        ("ENTERPRISE_ONLY", 25),
        ("FILTERED_OUT", 27),
        ("NOT_AUTHENTICATED", 80),
        ("UDF_BAD_RESPONSE", 100),
        ("MRT_BLOCKED", 120),
        ("INVALID_GEOJSON", 160),
        ("INDEX_NOT_FOUND", 201),
        ("QUERY_DUPLICATE", 215),
    ],
)
def test_names_belong_to_their_numbers(name, number):
    assert ResultCode[name] == ResultCode(number) == number


@all_of("code", ResultCode, ids=lambda code: code.name)
def test_meaning_and_advice_are_one_plain_line_each(code):
    assert code.meaning
    for text in (code.meaning, code.advice):
        assert text == text.strip()
        assert "\n" not in text
        assert "  " not in text
        assert not text.endswith(".")
    assert code.advice != code.meaning


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (ResultCode.FAIL_FORBIDDEN, ["nsup-period", "allow-ttl-without-nsup"]),
        (ResultCode.GENERATION_ERROR, ["read the record again", "generation"]),
        (ResultCode.INVALID_NAMESPACE, ["name", "configuration"]),
        (ResultCode.KEY_BUSY, ["back-off", "transaction-pending-limit"]),
        (ResultCode.DEVICE_OVERLOAD, ["back-off", "max-write-cache"]),
        (ResultCode.ENTERPRISE_ONLY, ["durable_delete", "Enterprise"]),
        (ResultCode.BIN_NAME_TOO_LONG, ["15 bytes"]),
    ],
)
def test_advice_names_what_can_be_done(code, words):
    assert [word for word in words if word not in code.advice] == []


@given(st.integers())
def test_of_takes_every_number_and_keeps_its_value(number):
    code = ResultCode.of(number)
    assert code == number
    assert isinstance(code, ResultCode)
    assert code.meaning
    assert (code.name == f"UNKNOWN_{number}") == (number not in NUMBERS)
    assert ResultCode.of(number) == code
    assert len({code, ResultCode.of(number), number}) == 1


def test_a_code_that_is_not_known_is_no_member_of_the_table():
    code = ResultCode.of(77)
    assert (code.name, code.value, int(code), code.retryable, code.advice) == (
        "UNKNOWN_77",
        77,
        77,
        False,
        "",
    )
    assert code not in list(ResultCode)
    with pytest.raises(ValueError, match="77"):
        ResultCode(77)
    for twin in (
        copy.copy(code),
        copy.deepcopy(code),
        *map(_pickled(code), range(pickle.HIGHEST_PROTOCOL + 1)),
    ):
        assert (type(twin), twin, twin.name) == (ResultCode, code, "UNKNOWN_77")


def _pickled(code):
    return lambda protocol: pickle.loads(pickle.dumps(code, protocol))


def test_of_names_the_codes_it_knows():
    assert all(ResultCode.of(number) is ResultCode(number) for number in NUMBERS)


def test_only_passing_troubles_are_retryable():
    passing = {7, 9, 11, 14, 15, 18, 32, 83, 120, 152, 203, 210, 211, 212, 214}
    assert {int(code) for code in ResultCode if code.retryable} == passing
    assert passing > {int(code) for code in TRIED_AGAIN} == {9, 11, 18}


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_codes_survive_pickling_and_copying(protocol):
    for code in ResultCode:
        assert pickle.loads(pickle.dumps(code, protocol)) is code
        assert copy.deepcopy(code) is code
