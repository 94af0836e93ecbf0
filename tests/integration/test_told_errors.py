"""Error details: a policy says how much a server tells of an error; servers before 8.2 tell nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from pyspike import (
    BatchPolicy,
    BatchRead,
    Client,
    ErrorDetails,
    ExpressionTrace,
    Key,
    ReadPolicy,
    RequestInvalid,
    WritePolicy,
    errors,
    exp,
)
from pyspike.operations import strings
from pyspike.server import EmbeddedCluster

pytestmark = [pytest.mark.both_kinds, pytest.mark.embedded_only]

KEY = Key("test", "users", "ann")
BEYOND = [strings.overwrite("s", 99, "x")]  # subcode 9: the index is beyond the text
ALL = {"NONE": (0, False), "SUBCODE": (9, False), "MESSAGE": (9, True), "TRACE": (9, True)}


@pytest.fixture
def mine() -> Iterator[Any]:
    with EmbeddedCluster() as cluster, Client(cluster.hosts) as client:
        client.put(KEY, {"s": "text", "n": 1})
        yield client


def seen(error: Any) -> tuple[int, bool]:
    """The subcode, and whether the message has more words than the code means."""
    return error.subcode, error.result_code.meaning not in error.message


def test_a_write_tells_as_much_as_its_policy_asks_for(mine: Any) -> None:
    for name, wanted in ALL.items():
        policy = WritePolicy(error_details=ErrorDetails[name])
        for client, given in ((mine, {"policy": policy}), (mine.with_policies(write=policy), {})):
            with pytest.raises(RequestInvalid) as caught:
                client.operate(KEY, BEYOND, **given)
            assert seen(caught.value) == wanted, name


def test_a_read_tells_as_much_as_its_policy_asks_for(mine: Any) -> None:
    policy = ReadPolicy(error_details=ErrorDetails.MESSAGE)
    with pytest.raises(errors.ServerError) as caught:
        mine.operate(KEY, [strings.to_integer("s")], policy=policy)
    assert (caught.value.result_code.name, caught.value.subcode) == ("OP_NOT_APPLICABLE", 10)
    assert "bin 's', strings.to_integer('s')" in caught.value.message


def test_each_row_of_a_batch_tells_of_its_own_error(mine: Any) -> None:
    rows = [BatchRead(KEY, operations=[strings.to_integer("s")]), BatchRead(KEY, ["n"])]
    for details, subcode in ((ErrorDetails.NONE, 0), (ErrorDetails.TRACE, 10)):
        policy = BatchPolicy(error_details=details)
        failed, fine = mine.batch(rows, policy=policy)
        assert fine.ok
        assert failed.error.subcode == subcode
        (row,) = mine.batch_operate([KEY], BEYOND, policy=policy)
        assert seen(row.error) == ALL[details.name]


def test_a_filter_is_traced(mine: Any) -> None:
    policy = ReadPolicy(error_details=ErrorDetails.TRACE)
    inner = ExpressionTrace(
        "eval", "absent", "gt", 10, 1, ("and", "gt"), 'gt(bin_int("none"), 5)', ("unknown", "5")
    )
    no_bool = ExpressionTrace("build", "fault", "eq", 0, 0, ("eq",), 'eq(bin_int("n"), <string#1>)')
    for expression, trace in (
        (
            exp.int_bin("n") > 5,
            ExpressionTrace("eval", "false", "gt", 0, 0, ("gt",), 'gt(bin_int("n"), 5)', ("1", "5")),
        ),
        (exp.and_(exp.int_bin("n") > 0, exp.int_bin("none") > 5), inner),
        (b"\x93\x01\x93\x51\x02\xa1n\xa2\x03x", no_bool),
        (b"\x93\x01", ExpressionTrace("build", "fault")),
    ):
        phase, outcome = trace.phase, trace.outcome
        with pytest.raises(errors.ServerError) as caught:
            mine.get(KEY, filter_expression=expression, policy=policy)
        assert caught.value.trace == trace
        assert f"expression: {phase} {outcome}" in str(caught.value)
        with pytest.raises(errors.ServerError) as caught:
            mine.get(
                KEY, filter_expression=expression, policy=policy.replace(error_details=ErrorDetails.MESSAGE)
            )
        assert caught.value.trace is None


def test_an_older_server_tells_nothing() -> None:
    with EmbeddedCluster(version="8.1.2") as cluster, Client(cluster.hosts) as mine:
        mine.put(KEY, {"s": "text"})
        with pytest.raises(errors.ServerError) as caught:
            mine.add(KEY, {"s": 1}, policy=WritePolicy(error_details=ErrorDetails.TRACE))
        assert (caught.value.subcode, caught.value.trace) == (0, None)
        assert caught.value.result_code.meaning in caught.value.message
