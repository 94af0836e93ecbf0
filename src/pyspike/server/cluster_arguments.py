"""What an embedded cluster is made with: its arguments, checked and brought into one form.

Owns: which values there can be, and the words of the errors: TypeError for another type, ValueError for what
there can't be. Not here: what they mean (cluster.py), and checks of plain numbers and texts (arguments.py).
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from .arguments import check_integer, check_text
from .protocol.constants import N_PARTITIONS, NAMESPACE_MAX
from .security.settings import Security
from .storage.store import NamespaceConfig

__all__ = [
    "check_partition_id",
    "namespaces_of",
    "racks_of",
    "security_of",
    "tls_files_of",
    "tls_names_of",
    "with_strong",
]

RACK_MAX = 1_000_000


def security_of(given: object) -> Security | None:
    """The security of a cluster; None if it has none."""
    if isinstance(given, Security):
        return given
    if not isinstance(given, bool):
        raise TypeError(f"security is a bool or a Security, not {type(given).__name__}")
    return Security() if given else None


def racks_of(names: Sequence[str], racks: Mapping[int, int]) -> dict[str, int]:
    """The racks of nodes by their names."""
    if not isinstance(racks, Mapping):
        raise TypeError(f"racks are a mapping of nodes' indexes to racks, not {type(racks).__name__}")
    return {
        names[check_integer("a node's index", index, 0, len(names) - 1)]: check_integer(
            "a rack", rack, 0, RACK_MAX
        )
        for index, rack in racks.items()
    }


def check_partition_id(partition_id: object) -> int:
    """Give the number of a partition as it is."""
    return check_integer("partition_id", partition_id, 0, N_PARTITIONS - 1)


def namespaces_of(given: Sequence[str] | Mapping[str, NamespaceConfig]) -> dict[str, NamespaceConfig]:
    """The settings of namespaces by their names."""
    if isinstance(given, str):
        raise ValueError("namespaces is a sequence of names, not one name")
    named = given if isinstance(given, Mapping) else {name: NamespaceConfig() for name in given}
    if not named or not all(
        0 < len(check_text("a namespace", name).encode()) <= NAMESPACE_MAX for name in named
    ):
        raise ValueError(f"namespaces are named with 1..{NAMESPACE_MAX} bytes")
    return dict(named)


def with_strong(
    namespaces: dict[str, NamespaceConfig], chosen: bool | Collection[str]
) -> dict[str, NamespaceConfig]:
    """The settings of the namespaces, some or all of which are to be strong-consistent."""
    if isinstance(chosen, str):
        raise TypeError("strong_consistency is a bool or a collection of names, not one name")
    names = (namespaces if chosen else ()) if isinstance(chosen, bool) else set(chosen)
    for name in names:
        if name not in namespaces:
            raise ValueError(
                f"no namespace {name!r} to be strong-consistent: there are {', '.join(namespaces)}"
            )
    return {
        name: replace(config, strong_consistency=True) if name in names else config
        for name, config in namespaces.items()
    }


def tls_files_of(tls: object, process: bool) -> list[str]:
    """The paths of the files for TLS; none if there are no files."""
    if tls is None:
        return []
    if isinstance(tls, ssl.SSLContext):
        if process:
            raise ValueError("an SSLContext can't be passed to another process: give the paths of files")
        if tls.protocol == ssl.PROTOCOL_TLS_CLIENT:
            raise ValueError(
                "that SSLContext is for clients: ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) is wanted"
            )
        return []
    if not isinstance(tls, (tuple, list)):
        raise TypeError(f"tls is an SSLContext or a tuple of paths, not {type(tls).__name__}")
    if len(tls) not in (2, 3):
        raise ValueError(f"tls has the paths of a certificate, a key, and authorities, not {len(tls)} paths")
    return [os.fspath(path) for path in tls]


def tls_names_of(given: str | Sequence[str], nodes: int) -> list[str]:
    """The TLS name of each node."""
    names = [given] * nodes if isinstance(given, str) else list(given)
    if len(names) != nodes:
        raise ValueError(f"there are {len(names)} TLS names for {nodes} nodes")
    return [check_text("tls_name", name) for name in names]
