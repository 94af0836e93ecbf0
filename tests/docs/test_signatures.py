"""The reference shows signatures as they are meant, and what overloads say."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import pyspike
from pyspike import AsyncClient, Client, ClientPolicy, exp

EXTENSIONS = Path(__file__).parents[2] / "docs" / "ext"

pytestmark = pytest.mark.one_kind("reads")


@pytest.fixture
def signatures() -> Iterator[ModuleType]:
    """The site's extension, with the other that it needs."""
    pytest.importorskip("sphinx")
    sys.path.insert(0, str(EXTENSIONS))
    try:
        yield importlib.import_module("signatures")
    finally:
        sys.path.remove(str(EXTENSIONS))
        for name in ("signatures", "overloads"):
            sys.modules.pop(name, None)


def shown(signatures: ModuleType, name: str, signature: str, gives: str = "") -> tuple[str, str]:
    what = "class" if isinstance(thing := thing_of(name), type) else "method"
    return signatures.on_signature(None, what, name, thing, None, signature, gives)  # type: ignore[no-any-return]


def thing_of(name: str) -> object:
    thing: object = pyspike
    for part in name.split(".")[1:]:
        thing = getattr(thing, part)
    return thing


def test_what_a_method_gives_is_what_its_overloads_say(signatures: ModuleType) -> None:
    told = sys.modules["overloads"]
    assert told.returns(Client.get) == "Record | U | T"
    assert told.returns(Client.query) == "Recordset[Record] | Recordset[U]"
    assert told.returns(Client.add) == "Written | None"
    assert told.returns(Client.delete) == ""
    assert told.given_with(Client.put) == "Gives ``None``, with `returning` ``Written``."
    assert "with `into` and `default` ``U | T``" in told.given_with(AsyncClient.get)
    assert told.given_with(Client.nodes) == ""


def test_a_signature_has_names_and_values_that_users_know(signatures: ModuleType) -> None:
    given = "(key: ~pyspike._wire.Key | tuple[str, str | None, int | str | bytes], *, into: type[~U] = None)"
    assert shown(signatures, "pyspike.AsyncClient.get", given, "Record") == (
        "(key: KeyLike, *, into: type[~U] | None = None)",
        "Awaitable[Record | U | T]",
    )
    many = "(function, *, retries: int = REPEATS)"
    assert shown(signatures, "pyspike.Client.update", many)[0] == "(function, *, retries: int = 20)"
    parts = "(partitions: PartitionFilter = ALL_PARTITIONS)"
    assert "= PartitionFilter.all()" in shown(signatures, "pyspike.Client.query", parts)[0]
    returned = "(return_type: Return = Return.VALUE)"
    assert signatures.named_in(exp.lists.get_by_index, returned) == (
        "(return_type: ListReturnType = ListReturnType.VALUE)"
    )


def test_what_users_do_not_make_has_no_arguments_and_policies_have_theirs(signatures: ModuleType) -> None:
    assert signatures.on_signature(
        None, "class", "pyspike.Task", pyspike.Task, None, "(watch: Watch)", None
    ) == (
        "",
        None,
    )
    made, _ = signatures.on_signature(None, "class", "pyspike.ClientPolicy", ClientPolicy, None, "()", None)
    assert "slow_command: Milliseconds | None = None" in made
