"""Secondary indexes for tests of queries: made on all nodes, and there until the `with` ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from support.cluster_tools import wait_until

__all__ = ["index"]


@contextmanager
def index(
    client: Any, set_name: str, bin_name: str, kind: str = "numeric", collection: str = ""
) -> Iterator[str]:
    """An index of a bin of the namespace `test`, complete on all nodes; gives its name.

    Args:
        client: by which it is made; of either kind.
        set_name: the set.
        bin_name: the bin.
        kind: `numeric`, `string`, `blob` or `geo2dsphere`.
        collection: `list`, `mapkeys` or `mapvalues`; empty for the bin's own value.
    """
    name = f"{set_name}-{bin_name}-{kind[:3]}{collection[3:7]}"
    command = f"sindex-create:namespace=test;set={set_name};indexname={name};bin={bin_name};type={kind}"
    if collection:
        command += f";indextype={collection}"
    told = client.info(command, client.node_names()[0])
    assert told.upper().startswith("OK"), told

    def complete() -> bool:
        stat = f"sindex-stat:namespace=test;indexname={name}"
        return all("load_pct=100" in answer for answer in client.info(stat).values())

    wait_until(complete, f"the index {name}")
    try:
        yield name
    finally:
        client.info(f"sindex-delete:namespace=test;indexname={name}", client.node_names()[0])
