"""The info commands for indexes, truncation and XDR are those that the official client was recorded with."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from pyspike import errors, exp
from pyspike.cluster.indexes import IndexedValues, creating, dropping, indexes_of
from pyspike.cluster.jobs import job_of
from pyspike.cluster.truncation import truncating
from pyspike.index import CollectionIndexType, IndexType, SecondaryIndex
from pyspike.operations import context
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


# Answers ----------------------------------------------------------------------------------------------------


def answer(name: str) -> str:
    """The value in the last answer of a recording."""
    return case("info", name).responses[-1][8:].decode().rstrip("\n").partition("\t")[2]


def test_the_indexes_that_a_server_listed_are_read() -> None:
    for place in ("single", "cluster"):
        found = {
            each.name: each for each in indexes_of(answer(f"{place}/sindex-list:namespace=test;b64=true"))
        }
        assert len(found) == 17
        assert all(
            each.is_built and (each.namespace, each.set_name) == ("test", "gvq") for each in found.values()
        )
        assert found["gvq_y"] == SecondaryIndex(
            "test", "gvq_y", "gvq", "y", IndexType.BLOB, CollectionIndexType.DEFAULT, None, None, True
        )
        assert found["gvq_gl"].type is IndexType.GEO2DSPHERE
        assert found["gvq_mki"].collection is CollectionIndexType.MAP_KEYS
        assert found["gvq_mvs"].collection is CollectionIndexType.MAP_VALUES
        assert found["gvq_ctxl"].ctx == (context.map_key("z"),)
        assert found["gvq_exp"].bin is None
        assert found["gvq_exp"].expression == (exp.int_bin("i") * 2).to_bytes()
    assert indexes_of("ns=test:indexname=i:set=s:indextype=set;;")[0].type is None
    assert indexes_of("") == []


def test_a_job_that_a_server_told_of_is_read() -> None:
    job = job_of(answer("job_info/done"), "A1")
    assert (job.namespace, job.set_name, job.index, job.kind) == ("test", "gvq", "gvq_i", "background-ops")
    assert (job.id, job.node, job.records_per_second) == (11543724682894432633, "A1", 10000)
    assert (job.is_active, job.outcome, job.progress, job.succeeded) == (False, "ok", 1.0, 0)


ROW = (
    "trid=5:ns=test:rps=0:status=active(ok):job-progress=12.50:run-time=1:time-since-done=0:recs-throttled=0:"
)
REST = "recs-filtered-meta=1:recs-filtered-bins=2:recs-succeeded=3:recs-failed=4:from=x+1:job-type=basic"


def test_what_no_server_would_tell_is_refused() -> None:
    assert job_of(ROW + REST, "A1").progress == 0.125
    assert job_of(ROW + REST, "A1").filtered == 3
    for text in ("", "ok", ROW, ROW.replace("active", "x") + REST, ROW.replace("12.50", "x") + REST):
        with pytest.raises(errors.ProtocolError, match="is no job"):
            job_of(text, "A1")
    good = "ns=test:indexname=i:set=s:bin=b:type=numeric:indextype=default:context=null:exp=null:state=RW"
    assert len(indexes_of(good)) == 1
    for there, wrong in (
        ("numeric", "float"),
        ("default", "x"),
        ("context=null", "context=!"),
        ("context=null", "context=wA=="),
        ("exp=null", "exp=[1]"),
        (":state=RW", ""),
        ("ns=test", "x"),
    ):
        with pytest.raises(errors.ProtocolError, match="is no index"):
            indexes_of(good.replace(there, wrong))
