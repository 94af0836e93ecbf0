"""What is shipped to other data centers (admin-and-info.md 9.7)."""

from __future__ import annotations

import base64

from pyspike._types import Filter
from pyspike._wire import filter_bytes
from pyspike.cluster.administer import administer
from pyspike.cluster.call import ClusterCall
from pyspike.cluster.info_names import info_name, namespace_name

__all__ = ["filtering", "set_filter"]

MAX_DATACENTER = 31  # bytes of its name


def set_filter(call: ClusterCall, datacenter: str, namespace: str, expression: Filter | None) -> None:
    """Have only those records of a namespace shipped to a data center for which an expression holds.

    Raises:
        InvalidType, InvalidArgument: an argument can't be used.
        AerospikeError: as from `administer` and `ClusterCall.begin_in`.
    """
    command = filtering(datacenter, namespace, expression)
    call.begin_in(namespace)
    administer(call, command, repeatable=True)


def filtering(datacenter: str, namespace: str, expression: Filter | None) -> str:
    """The command that sets such a filter, or removes it.

    Raises:
        InvalidType, InvalidArgument: an argument can't be used.
    """
    name = info_name(datacenter, "the data center", MAX_DATACENTER)
    data = None if expression is None else filter_bytes(expression)
    text = "null" if data is None else base64.b64encode(data).decode()
    return f"xdr-set-filter:dc={name};namespace={namespace_name(namespace)};exp={text}"
