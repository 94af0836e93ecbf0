"""The info commands for indexes, truncation and XDR are those that the official client was recorded with."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from pyspike import errors, exp
from pyspike.cluster.indexes import IndexedValues, creating, dropping
from pyspike.cluster.truncation import truncating
from pyspike.index import CollectionIndexType, IndexType
from support.official_info import info_command
from support.vectors import Case, case, cases

FAMILIES = ("index/", "truncate/", "xdr/")
ALL = [each for each in cases("info") if each.name.startswith(FAMILIES)]
# What the official client has the server refuse.
REFUSED = {
    "index/mapkeys-geo2dsphere": "keys of a map are no GeoJSON",
    "index/ctx-all-children": "a context that selects several elements",
    "index/ctx-map-key-create": "a context that creates",
    "index/expr-type-mismatch": "an expression of another type",
    "index/bin-16": "a bin's name that is too long",
    "index/name-64": "an index's name that is too long",
    "index/empty-set": "a set without a name",
    "truncate/namespace-empty-set": "a set without a name",
}


def sent(recorded: Case) -> str:
    """The first command of a recording; the others ask how far it is."""
    return recorded.requests[0][8:].decode().rstrip("\n")


def judge(recorded: Case) -> str:
    if not recorded.requests:
        with pytest.raises((errors.InvalidArgument, errors.InvalidType)):
            info_command(recorded)
        return "not sent"
    if recorded.name in REFUSED:
        assert b"\tERROR:4:" in recorded.responses[0]
        with pytest.raises((errors.InvalidArgument, errors.InvalidType)):
            info_command(recorded)
        return "refused"
    assert info_command(recorded) == sent(recorded)
    return "equal"


@pytest.mark.parametrize("recorded", ALL, ids=lambda each: each.name)
def test_a_recorded_command_is_made_as_it_was(recorded: Case) -> None:
    judge(recorded)


def test_every_recording_was_compared() -> None:
    assert Counter(judge(each) for each in ALL)["refused"] == len(REFUSED)
    assert len(ALL) > 60


def test_older_servers_are_told_in_their_own_words() -> None:
    def values(**given: Any) -> IndexedValues:
        chosen = {"bin": "b", "expression": None, "type": IndexType.STRING, "ctx": None}
        return IndexedValues(**{**chosen, "collection": CollectionIndexType.LIST, **given})

    assert (
        creating("test", "s", "i", values())("7.2.0.4")
        == "sindex-create:ns=test;set=s;indexname=i;indextype=LIST;indexdata=b,STRING"
    )
    assert creating("test", None, "i", values())("8.1.0.0").startswith(
        "sindex-create:namespace=test;indexname=i;"
    )
    assert dropping("test", "i")("8.0.0.11-rc1") == "sindex-delete:ns=test;indexname=i"


def test_the_time_of_a_truncation_is_exact() -> None:
    one = datetime(2026, 1, 1, 1, 0, 0, 123457, timezone(timedelta(hours=1)))
    assert truncating("test", "s", one) == "truncate:namespace=test;set=s;lut=1767225600123457000"


def test_the_bytes_of_an_expression_are_taken_as_the_expression() -> None:
    data = (exp.int_bin("a") + 1).to_bytes()
    values = IndexedValues(None, data, IndexType.NUMERIC, CollectionIndexType.DEFAULT, None)
    assert creating("test", "gvx", "gvx", values)("8.1.2.0") == sent(case("info", "index/expr-int"))
