"""Where a request on one record is run, and whether it can be run there at all.

Owns: the checks that need no record. Not here: what is done with the record (commands.py, udf.py).
"""

from __future__ import annotations

from ..protocol.constants import DIGEST_SIZE, MRT_MONITOR_SET, FieldType, Info1, Info2, Info3, Info4
from ..protocol.digest import partition_of
from ..protocol.framing import Message
from ..protocol.result import RequestError, ResultCode, UnavailableSubcode, UnsupportedSubcode
from ..storage.store import Namespace, Store

__all__ = ["allows_unavailable", "find_place", "namespace_of", "refuse_transaction"]

_READ, _WRITE, _DELETE = int(Info1.READ), int(Info2.WRITE), int(Info2.DELETE)
_SC_BITS = int(Info3.SC_READ_TYPE | Info3.SC_READ_RELAX)
_VERIFY, _ROLL = int(Info4.MRT_VERIFY_READ), int(Info4.MRT_ROLL_FORWARD | Info4.MRT_ROLL_BACK)
_F_NAMESPACE, _F_SET, _F_MRT_ID = int(FieldType.NAMESPACE), int(FieldType.SET), int(FieldType.MRT_ID)


def find_place(store: Store, message: Message, digest: bytes) -> Namespace:
    """The namespace that a request on one record is about.

    Raises:
        RequestError: no such request can be run there, whatever the record.

    """
    namespace = namespace_of(store, message)
    if len(digest) != DIGEST_SIZE:
        raise RequestError(ResultCode.PARAMETER, "digest size")
    if not (message.info2 & _WRITE or message.info1 & _READ):
        raise RequestError(ResultCode.PARAMETER, "neither read nor write")
    if (
        namespace.unavailable
        and partition_of(digest) in namespace.unavailable
        and not (namespace.is_strong and allows_unavailable(message))
    ):
        raise RequestError(ResultCode.UNAVAILABLE, "partition without owner", UnavailableSubcode.REPLICA)
    return namespace


def namespace_of(store: Store, message: Message) -> Namespace:
    """The namespace that a request names.

    Raises:
        RequestError: it names none, or one that is not there.

    """
    namespace = store.namespaces.get(message.fields.get(_F_NAMESPACE, b""))
    if namespace is None:
        raise RequestError(ResultCode.NAMESPACE, "no namespace, or an unknown one")
    return namespace


def allows_unavailable(message: Message) -> bool:
    """Whether a request is a read that also takes what a partition had before it became unavailable."""
    return message.info3 & _SC_BITS == _SC_BITS and not message.info2 & _WRITE


def refuse_transaction(store: Store, message: Message) -> None:
    """Raise if a request needs a namespace that has transactions, which this one has not.

    Deletes of Community Edition are not to be checked: the real server runs them.
    """
    ends = message.info4 & (_ROLL if message.info2 & _WRITE else _VERIFY)
    is_part = ends or _F_MRT_ID in message.fields
    if not store.is_enterprise:
        if is_part:
            raise RequestError(ResultCode.ENTERPRISE_ONLY, "a transaction")
    elif is_part:
        raise RequestError(
            ResultCode.UNSUPPORTED_FEATURE,
            "a transaction in a namespace that is not strong-consistent",
            UnsupportedSubcode.TRANSACTION,
        )
    elif message.fields.get(_F_SET) == MRT_MONITOR_SET:
        raise RequestError(
            ResultCode.UNSUPPORTED_FEATURE,
            "the set of monitors, in a namespace that is not strong-consistent",
            UnsupportedSubcode.MONITOR,
        )
