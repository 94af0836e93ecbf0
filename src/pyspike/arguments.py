"""What the methods of both clients take: the policies of calls that are given none, and what `info` asks."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterable, Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from pyspike._types import Bins, Filter, KeyLike, Milliseconds, Ttl
from pyspike._wire import (
    SECTION_TXN_ROLL,
    SECTION_TXN_VERIFY,
    ClassPlan,
    CodecTable,
    DynamicSettings,
    RecordTypes,
    RowRules,
    Settings,
    plain_int,
    plain_text,
    row_rules,
)
from pyspike.batch import BatchResults
from pyspike.errors import InvalidArgument, InvalidType
from pyspike.nodes import Node
from pyspike.policy import (
    AdminPolicy,
    BatchDeletePolicy,
    BatchPolicy,
    BatchReadPolicy,
    BatchUDFPolicy,
    BatchWritePolicy,
    ClientPolicy,
    InfoPolicy,
    QueryPolicy,
    ReadPolicy,
    TxnRollPolicy,
    TxnVerifyPolicy,
    WritePolicy,
)
from pyspike.policy.base import Policy
from pyspike.process.lazy_imports import importing
from pyspike.query import Cursor
from pyspike.showing import shown
from pyspike.transaction import Transaction

if TYPE_CHECKING:
    from pyspike.codecs import Codec

__all__ = [
    "Policies",
    "admin_policy",
    "batch_rules",
    "client_policy",
    "ending_settings",
    "info_arguments",
    "no_transaction",
    "of_kind",
    "record_types",
    "times_again",
]


# The compiled commands name these in their signatures. The wire layer is below them and can't import them, so
# it is given them here, for `typing.get_type_hints`.
vars(sys.modules["pyspike._wire"]).update(
    T=TypeVar("T"),
    U=TypeVar("U"),
    R=TypeVar("R"),
    Bins=Bins,
    K=TypeVar("K", bound=KeyLike),
    V=TypeVar("V", covariant=True),
    Any=Any,
    BatchPolicy=BatchPolicy,
    BatchDeletePolicy=BatchDeletePolicy,
    BatchReadPolicy=BatchReadPolicy,
    BatchResults=BatchResults,
    BatchUDFPolicy=BatchUDFPolicy,
    BatchWritePolicy=BatchWritePolicy,
    Cursor=Cursor,
    Filter=Filter,
    AsyncIterable=AsyncIterable,
    Iterable=Iterable,
    KeyLike=KeyLike,
    Mapping=Mapping,
    Milliseconds=Milliseconds,
    ReadPolicy=ReadPolicy,
    Sequence=Sequence,
    Transaction=Transaction,
    Ttl=Ttl,
    WritePolicy=WritePolicy,
)

P = TypeVar("P", bound=Policy)


class _LazyMaker:
    """Makes plans of classes, and imports what that takes when the first one is made."""

    def __init__(self, codecs: Sequence[Codec[Any]]) -> None:
        self._codecs = codecs
        self._maker: Callable[[RecordTypes, type], dict[type, ClassPlan]] | None = None

    def __call__(self, types: RecordTypes, cls: type) -> dict[type, ClassPlan]:
        if self._maker is None:
            with importing:
                from pyspike.records.making import PlanMaker

            self._maker = PlanMaker(self._codecs)
        return self._maker(types, cls)


def record_types(codecs: Sequence[Codec[Any]]) -> RecordTypes:
    """What a client with these codecs knows of the classes that it makes of records."""
    told = [(each.type, each.encode, each.decode, each.tag) for each in codecs]
    return RecordTypes(make=_LazyMaker(codecs), codecs=CodecTable(told) if told else None)


class Policies(NamedTuple):
    """The policies of calls that are given none."""

    read: ReadPolicy
    write: WritePolicy
    info: InfoPolicy
    admin: AdminPolicy
    batch: BatchPolicy
    query: QueryPolicy
    txn_verify: TxnVerifyPolicy
    txn_roll: TxnRollPolicy

    @classmethod
    def of(cls, policy: ClientPolicy) -> Policies:
        """Those of a client."""
        return cls(
            *(policy.read, policy.write, policy.info, policy.admin, policy.batch, policy.query),
            *(policy.txn_verify, policy.txn_roll),
        )

    def changed(
        self,
        read: ReadPolicy | None,
        write: WritePolicy | None,
        info: InfoPolicy | None,
        admin: AdminPolicy | None,
        batch: BatchPolicy | None,
        query: QueryPolicy | None,
        txn_verify: TxnVerifyPolicy | None,
        txn_roll: TxnRollPolicy | None,
    ) -> Policies:
        """Those of a view: what is None stays as it was.

        Raises:
            InvalidType: a policy is of another kind.
        """
        return Policies(
            self.read if read is None else of_kind(ReadPolicy, read, "read"),
            self.write if write is None else of_kind(WritePolicy, write, "write"),
            self.info if info is None else of_kind(InfoPolicy, info, "info"),
            self.admin if admin is None else of_kind(AdminPolicy, admin, "admin"),
            self.batch if batch is None else of_kind(BatchPolicy, batch, "batch"),
            self.query if query is None else of_kind(QueryPolicy, query, "query"),
            self.txn_verify if txn_verify is None else of_kind(TxnVerifyPolicy, txn_verify, "txn_verify"),
            self.txn_roll if txn_roll is None else of_kind(TxnRollPolicy, txn_roll, "txn_roll"),
        )


def of_kind(kind: type[P], policy: P, name: str = "policy") -> P:
    """The policy, if it is of this kind.

    Raises:
        InvalidType: it is of another one; the message calls it by `name`.
    """
    if not isinstance(policy, kind):
        # The article as it is read aloud: an InfoPolicy.
        article = "an" if kind in (InfoPolicy, AdminPolicy) else "a"
        raise InvalidType(f"{name} must be {article} {kind.__name__} here, not {type(policy).__name__}")
    return policy


def client_policy(policy: ClientPolicy | None) -> ClientPolicy:
    """The policy that a client is made with.

    Raises:
        InvalidType: it is none of a client.
    """
    return ClientPolicy() if policy is None else of_kind(ClientPolicy, policy)


def no_transaction(txn: Transaction | None, what: str) -> None:
    """Refuse a transaction where there can be none; `what` names the method.

    Raises:
        InvalidArgument: there is one.
    """
    if txn is not None:
        raise InvalidArgument(
            f"{what} takes no part in a transaction: which records it finds could not be verified",
            advice="read and write records by their keys in a transaction, or leave txn out",
        )


def ending_settings(policies: Policies, dynamic: DynamicSettings | None) -> tuple[Settings, Settings]:
    """The settings of the requests that end a transaction: those that verify, and those that roll.

    `dynamic` is what a configuration file says, if the client follows one.
    """
    verify, roll = policies.txn_verify, policies.txn_roll
    if dynamic is None:
        return verify.settings, roll.settings
    return dynamic.of(verify, SECTION_TXN_VERIFY), dynamic.of(roll, SECTION_TXN_ROLL)


def batch_rules(
    policies: Policies, policy: BatchPolicy | None, dynamic: DynamicSettings | None, section: int
) -> RowRules:
    """By what the rows of a batch are sent.

    Args:
        policies: those of calls that are given none.
        policy: the call's; None for that of `policies`.
        dynamic: what a configuration file says, if there is one.
        section: of that file: SECTION_BATCH_READ or SECTION_BATCH_WRITE.

    Raises:
        InvalidType: the policy is of another kind.
    """
    chosen = policies.batch if policy is None else of_kind(BatchPolicy, policy)
    settings = chosen.settings if dynamic is None else dynamic.of(chosen, section)
    return row_rules(settings, policies.read.settings, policies.write.settings)


def admin_policy(policies: Policies, policy: AdminPolicy | None) -> AdminPolicy:
    """The policy of a command that changes the cluster itself.

    Raises:
        InvalidType: it is of another kind.
    """
    return policies.admin if policy is None else of_kind(AdminPolicy, policy)


def info_arguments(
    policies: Policies, command: str, node: str | Node | None, policy: InfoPolicy | None
) -> tuple[str, str | None, InfoPolicy]:
    """What `info` asks: which command, the node's name (None: all of them), and how.

    Raises:
        InvalidType: one of them is of the wrong type.
        InvalidArgument: the command is no line of text.
    """
    if not isinstance(command, str):
        raise InvalidType(f"an info command must be str, not {shown(command)}")
    command = plain_text(command)
    if not command or "\n" in command or not _is_unicode(command):
        raise InvalidArgument(f"{shown(command)} is no info command", advice="a command is one line of text")
    if not isinstance(node, str | Node | None):
        raise InvalidType(f"node must be a Node or its name, not {shown(node)}")
    name = node.name if isinstance(node, Node) else node if node is None else plain_text(node)
    return command, name, policies.info if policy is None else of_kind(InfoPolicy, policy)


def _is_unicode(text: str) -> bool:
    """Whether it can be sent: half a surrogate pair can't."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def times_again(retries: object) -> int:
    """How often a function is run again.

    Raises:
        InvalidType, InvalidArgument: this is no such number.
    """
    count = plain_int(retries)
    if count is None:
        raise InvalidType(f"retries must be a whole number, not {shown(retries)}")
    if count < 0:
        raise InvalidArgument(f"retries must be 0 or more, not {shown(retries)}")
    return count
