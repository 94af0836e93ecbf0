"""Both clients on the cluster of the run: the official one, and `pyspike.compat`."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from support import drop_in
from support.drop_in import Alike

RUN = itertools.count(1)


@pytest.fixture(scope="session")
def sides(
    hosts: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[drop_in.Side, drop_in.Side]]:
    pytest.importorskip("aerospike")
    modules = tmp_path_factory.mktemp("lua")
    both = drop_in.Side("", hosts, modules), drop_in.Side(drop_in.COMPAT, hosts, modules)
    yield both
    for side in both:
        side.client.close()


@pytest.fixture
def alike(sides: tuple[drop_in.Side, drop_in.Side], set_name: str, monkeypatch: pytest.MonkeyPatch) -> Alike:
    """Runs calls by both clients, each in a set of its own, and fails where they differ."""
    # The first official client of a process says where all look for modules; but they always look here, too.
    monkeypatch.chdir(sides[0].modules)

    def run(calls: str, different: Mapping[str, Any] | None = None) -> None:
        number = next(RUN)
        drop_in.compare(sides, calls, (f"{set_name}o{number}", f"{set_name}c{number}"), different)

    return run


@pytest.fixture
def compat(sides: tuple[drop_in.Side, drop_in.Side]) -> Any:
    """The client of `pyspike.compat`."""
    return sides[1].client
