"""Names as they stand in info commands, in which some characters separate the parts."""

from __future__ import annotations

from pyspike._wire import MAX_NAMESPACE, MAX_SET, plain_text
from pyspike.cluster.cluster import Cluster
from pyspike.errors import InvalidArgument, InvalidType, from_code
from pyspike.result_code import ResultCode
from pyspike.showing import shown

__all__ = ["info_name", "known_namespace", "namespace_name", "set_name"]

_SEPARATORS = frozenset(";:=,\t\n\r\0")


def info_name(text: object, what: str, most: int) -> str:
    """A name that can stand in an info command.

    Args:
        text: the name.
        what: whose it is, for the error.
        most: how many bytes it may take.

    Raises:
        InvalidType: it is no text.
        InvalidArgument: no such thing can have this name, or none that an info command can tell of.
    """
    if not isinstance(text, str):
        raise InvalidType(f"{what} must be a str, not {shown(text)}")
    name = plain_text(text)
    if not name:
        raise InvalidArgument(f"{what} is empty")
    try:
        size = len(name.encode())
    except UnicodeEncodeError as error:
        raise InvalidArgument(f"{what} {shown(name)} is not valid text: {error}") from None
    if size > most:
        raise InvalidArgument(f"{what} {shown(name)} takes {size} bytes, the server allows {most}")
    if not _SEPARATORS.isdisjoint(name):
        raise InvalidArgument(
            f"{what} {shown(name)} has a character that an info command can't carry",
            advice="a name without any of ; : = , and control characters",
        )
    return name


def namespace_name(text: object) -> str:
    """The name of a namespace; raises what `info_name` does."""
    return info_name(text, "the namespace", MAX_NAMESPACE)


def set_name(text: object) -> str:
    """The name of a set; raises what `info_name` does."""
    return info_name(text, "the set", MAX_SET)


def known_namespace(cluster: Cluster, text: object) -> str:
    """The name of a namespace of the cluster, as a server takes commands for any other one without a word.

    Raises:
        InvalidType, InvalidArgument: as from `info_name`.
        InvalidNamespace: the cluster has none of this name.
    """
    name = namespace_name(text)
    cluster.ensure_running()
    known = cluster.routing.partitions.namespaces
    if known and name not in known:
        raise from_code(
            ResultCode.INVALID_NAMESPACE,
            f"the cluster has no namespace {shown(name)}",
            advice=f"it has {', '.join(known)}",
        )
    return name


def is_strong(cluster: Cluster, text: object) -> bool:
    """Whether a namespace has strong consistency; raises what `known_namespace` does."""
    name = known_namespace(cluster, text)
    return cluster.routing.partitions.is_strong(name)
