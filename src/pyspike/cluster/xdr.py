"""What is shipped to other data centers (admin-and-info.md 9.7)."""

from __future__ import annotations

import base64

from pyspike._types import Filter
from pyspike._wire import filter_bytes
from pyspike.cluster.administer import administer
from pyspike.cluster.cluster import Cluster
from pyspike.cluster.info_names import info_name, known_namespace, namespace_name
from pyspike.policy import AdminPolicy

__all__ = ["filtering", "set_filter"]

MAX_DATACENTER = 31  # bytes of its name


def set_filter(
    cluster: Cluster, datacenter: str, namespace: str, expression: Filter | None, policy: AdminPolicy
) -> None:
    """Have only those records of a namespace shipped to a data center for which an expression holds.

    Raises:
        InvalidType, InvalidArgument: an argument can't be used.
        AerospikeError: as from `administer` and `known_namespace`.
    """
    command = filtering(datacenter, namespace, expression)
    known_namespace(cluster, namespace)
    administer(cluster, command, policy, repeatable=True)


def filtering(datacenter: str, namespace: str, expression: Filter | None) -> str:
    """The command that sets such a filter, or removes it.

    Raises:
        InvalidType, InvalidArgument: an argument can't be used.
    """
    name = info_name(datacenter, "the data center", MAX_DATACENTER)
    data = None if expression is None else filter_bytes(expression)
    text = "null" if data is None else base64.b64encode(data).decode()
    return f"xdr-set-filter:dc={name};namespace={namespace_name(namespace)};exp={text}"
