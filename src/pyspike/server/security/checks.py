"""Whether a request that is no security message may be run: who has sent it, what it needs, and quotas.

Owns: what each request needs. Not here: what users have (accounts.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..protocol.constants import FieldType, Info1, Info2, UdfOp
from ..protocol.framing import Message
from ..protocol.query_request import records_per_second
from ..protocol.result import RequestError, ResultCode
from .accounts import Rights
from .privileges import Permission
from .state import Caller, ClusterSecurity, NodeView
from .usage import check_query

__all__ = ["Guard", "info_permitted"]

_READ, _WRITE, _DELETE, _SHORT = int(Info1.READ), int(Info2.WRITE), int(Info2.DELETE), int(Info1.SHORT_QUERY)
_NAMESPACE, _SET, _UDF = int(FieldType.NAMESPACE), int(FieldType.SET), int(FieldType.UDF_FILENAME)
_AGGREGATE = bytes((UdfOp.AGGREGATE,))


class Guard:
    """Lets the data requests of one connection pass, or not.

    Args:
        security: the security of the cluster.
        node: the node that is asked.
        caller: who asks.

    Raises:
        RequestError: NOT_AUTHENTICATED, NOT_ALLOWLISTED: nothing passes.

    """

    __slots__ = ("_last", "_needs", "_node", "_rights", "_user")

    def __init__(self, security: ClusterSecurity, node: NodeView, caller: Caller) -> None:
        self._rights = security.rights_of(caller)
        assert caller.user is not None
        self._node, self._user = node, caller.user.name
        self._last: Message | None = None
        self._needs: tuple[Permission, ...] = ()

    def check_record(self, message: Message) -> None:
        """Let a request on one record pass, or a row of a batch, and count it.

        Raises:
            RequestError: ROLE_VIOLATION: the user has not the privilege. QUOTA_EXCEEDED.

        """
        if message is not self._last:  # rows that repeat an earlier one share its message
            self._last, self._needs = message, _needs_of_record(message)
        _check(self._rights, self._needs, message)
        usage = self._node.state.usage_of(self._user)
        if message.info2 & _WRITE:
            usage.writes.count(self._node.now, self._rights.write_quota)
        else:
            usage.reads.count(self._node.now, self._rights.read_quota)

    def check_query(self, message: Message) -> None:
        """Let a query pass, or a job in the background.

        Raises:
            RequestError: ROLE_VIOLATION, QUOTA_EXCEEDED.

        """
        fields = message.fields
        calls = _UDF in fields
        writes = fields.get(FieldType.UDF_OP) != _AGGREGATE if calls else bool(message.info2 & _WRITE)
        need = Permission.UDF if calls else Permission.WRITE if writes else Permission.READ
        _check(self._rights, (need,), message)
        quota = self._rights.write_quota if writes else self._rights.read_quota
        if message.info1 & _SHORT and not writes:
            self._node.state.usage_of(self._user).reads.count(self._node.now, quota)
        elif quota:
            running = self._node.query_rates(self._user, writes=writes)
            check_query(quota, records_per_second(message), running)


def _needs_of_record(message: Message) -> tuple[Permission, ...]:
    """What a request on one record needs. A write that reads too needs both."""
    if not message.info2 & _WRITE:
        return (Permission.READ,)
    if _UDF in message.fields and not message.info2 & _DELETE:
        return (Permission.UDF,)
    return (Permission.WRITE, Permission.READ) if message.info1 & _READ else (Permission.WRITE,)


def _check(rights: Rights, needs: Iterable[Permission], message: Message) -> None:
    namespace = message.fields.get(_NAMESPACE, b"").decode("latin-1")
    set_name = message.fields.get(_SET, b"").decode("latin-1")
    for need in needs:
        if not rights.permits(need, namespace, set_name):
            raise RequestError(ResultCode.SEC_ROLE_VIOLATION, f"{need.name} in {namespace}.{set_name}")


_INFO_NEEDS = {
    **dict.fromkeys(
        ("truncate", "truncate-namespace", "truncate-undo", "truncate-namespace-undo"), Permission.TRUNCATE
    ),
    **dict.fromkeys(("sindex-create", "sindex-delete"), Permission.INDEXES),
    **dict.fromkeys(("udf-put", "udf-remove", "udf-clear-cache"), Permission.MODULES),
    **dict.fromkeys(("query-abort", "query-abort-all", "eviction-reset"), Permission.DATA),
    **dict.fromkeys(
        ("set-config", "config-set", "set-log", "log-set", "log-message", "xdr-set-filter"), Permission.CONFIG
    ),
    **dict.fromkeys(
        (
            "quiesce",
            "quiesce-undo",
            "recluster",
            "revive",
            "roster-set",
            "services-alumni-reset",
            "tip",
            "tip-clear",
        ),
        Permission.SERVICE,
    ),
    "masking": Permission.MASKING,
}
"""What info commands need (tls-and-auth.md 14.8). All others every user may use, such as those that only tell
of indexes and modules."""


def info_permitted(rights: Rights, name: str, params: Mapping[str, str]) -> bool:
    """Whether a user may use an info command.

    Args:
        rights: the user's.
        name: the command's name.
        params: its parameters by name.

    """
    need = _INFO_NEEDS.get(name)
    if need is None:
        return True
    namespace = params.get("namespace", params.get("ns", ""))
    return rights.permits(need, namespace, params.get("set", ""))
