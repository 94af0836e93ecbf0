"""Where the examples run: the cluster that the environment names, or else an embedded one of their own."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

__all__ = ["hosts"]


@contextlib.contextmanager
def hosts() -> Iterator[str]:
    """The hosts of a cluster that is there as long as the block takes."""
    if named := os.environ.get("PYSPIKE_HOSTS"):
        yield named
        return
    from pyspike.server import EmbeddedCluster

    with EmbeddedCluster() as cluster:
        yield cluster.hosts
