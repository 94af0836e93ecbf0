"""What each method of a client sends and how its answer is read, told once for all clients; no I/O here.

Each function takes what the method was called with and the client's default policies, and makes the
`Command` that an executor runs; `info` makes what is asked of the cluster's nodes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple, TypeAlias, TypeVar

from pyspike._wire import (
    ADD,
    APPEND,
    MISSING_RAISES,
    PREPEND,
    PUT,
    Command,
    Key,
    Operation,
    delete_request,
    exists_request,
    operate_request,
    read_request,
    touch_request,
    write_request,
)
from pyspike.errors import InvalidArgument, InvalidType
from pyspike.nodes import Node
from pyspike.policy import (
    ClientPolicy,
    Expiration,
    InfoPolicy,
    ReadPolicy,
    SupportsToBytes,
    WritePolicy,
    ttl_header,
)

__all__ = [
    "ADD",
    "APPEND",
    "PREPEND",
    "PUT",
    "RAISE",
    "Filter",
    "KeyLike",
    "Milliseconds",
    "Policies",
    "Ttl",
    "client_policy",
    "delete",
    "exists",
    "get",
    "info",
    "operate",
    "touch",
    "write",
]

KeyLike: TypeAlias = "Key | tuple[str, str | None, int | str | bytes]"
Milliseconds: TypeAlias = "float | timedelta"
Ttl: TypeAlias = "int | timedelta | Expiration"
Filter: TypeAlias = "SupportsToBytes | bytes"

RAISE = MISSING_RAISES


P = TypeVar("P", ClientPolicy, ReadPolicy, WritePolicy, InfoPolicy)


class Policies(NamedTuple):
    """The policies of calls that are given none."""

    read: ReadPolicy
    write: WritePolicy
    info: InfoPolicy

    @classmethod
    def of(cls, policy: ClientPolicy) -> Policies:
        """Those of a client."""
        return cls(policy.read, policy.write, policy.info)

    def changed(
        self, read: ReadPolicy | None, write: WritePolicy | None, info: InfoPolicy | None
    ) -> Policies:
        """Those of a view: what is None stays as it was.

        Raises:
            InvalidType: a policy is of another kind.
        """
        return Policies(
            self.read if read is None else _of_kind(ReadPolicy, read, "read"),
            self.write if write is None else _of_kind(WritePolicy, write, "write"),
            self.info if info is None else _of_kind(InfoPolicy, info, "info"),
        )


def _of_kind(kind: type[P], policy: P, name: str = "policy") -> P:
    if not isinstance(policy, kind):
        # The article as it is read aloud: an InfoPolicy.
        article = "an" if kind is InfoPolicy else "a"
        raise InvalidType(f"{name} must be {article} {kind.__name__} here, not {type(policy).__name__}")
    return policy


def client_policy(policy: ClientPolicy | None) -> ClientPolicy:
    """The policy that a client is made with.

    Raises:
        InvalidType: it is none of a client.
    """
    return ClientPolicy() if policy is None else _of_kind(ClientPolicy, policy)


def _ttl(ttl: Ttl | None) -> int | None:
    return None if ttl is None else ttl_header(ttl)


def get(
    policies: Policies,
    key: KeyLike,
    bins: Sequence[str] | None,
    default: object,
    timeout: Milliseconds | None,
    filter_expression: Filter | None,
    policy: ReadPolicy | None,
) -> Command:
    """Read a record."""
    settings = policies.read.settings if policy is None else _of_kind(ReadPolicy, policy).settings
    return read_request(key, bins, settings, timeout, filter_expression, default)


def exists(
    policies: Policies,
    key: KeyLike,
    timeout: Milliseconds | None,
    filter_expression: Filter | None,
    policy: ReadPolicy | None,
) -> Command:
    """Look whether a record is there."""
    settings = policies.read.settings if policy is None else _of_kind(ReadPolicy, policy).settings
    return exists_request(key, settings, timeout, filter_expression)


def write(
    policies: Policies,
    code: int,
    key: KeyLike,
    bins: Mapping[str, object],
    timeout: Milliseconds | None,
    ttl: Ttl | None,
    generation: int | None,
    filter_expression: Filter | None,
    policy: WritePolicy | None,
) -> Command:
    """Write bins; `code` is PUT, ADD, APPEND or PREPEND."""
    settings = policies.write.settings if policy is None else _of_kind(WritePolicy, policy).settings
    return write_request(key, code, bins, settings, timeout, _ttl(ttl), generation, filter_expression)


def touch(
    policies: Policies,
    key: KeyLike,
    timeout: Milliseconds | None,
    ttl: Ttl | None,
    generation: int | None,
    filter_expression: Filter | None,
    policy: WritePolicy | None,
) -> Command:
    """Give a record a new time to live."""
    settings = policies.write.settings if policy is None else _of_kind(WritePolicy, policy).settings
    return touch_request(key, settings, timeout, _ttl(ttl), generation, filter_expression)


def delete(
    policies: Policies,
    key: KeyLike,
    timeout: Milliseconds | None,
    generation: int | None,
    filter_expression: Filter | None,
    policy: WritePolicy | None,
) -> Command:
    """Delete a record."""
    settings = policies.write.settings if policy is None else _of_kind(WritePolicy, policy).settings
    return delete_request(key, settings, timeout, generation, filter_expression)


def operate(
    policies: Policies,
    key: KeyLike,
    operations: Iterable[Operation],
    timeout: Milliseconds | None,
    ttl: Ttl | None,
    generation: int | None,
    filter_expression: Filter | None,
    policy: WritePolicy | None,
) -> Command:
    """Several operations on one record."""
    settings = policies.write.settings if policy is None else _of_kind(WritePolicy, policy).settings
    return operate_request(key, operations, settings, timeout, _ttl(ttl), generation, filter_expression)


def info(
    policies: Policies, command: str, node: str | Node | None, policy: InfoPolicy | None
) -> tuple[str, str | None, InfoPolicy]:
    """Ask nodes: which command, the node's name (None: all of them), and how.

    Raises:
        InvalidType: one of them is of the wrong type.
        InvalidArgument: the command is no line of text.
    """
    if not isinstance(command, str):
        raise InvalidType(f"an info command must be str, not {command!r}")
    if not command or "\n" in command or not _is_unicode(command):
        raise InvalidArgument(f"{command!r} is no info command", advice="a command is one line of text")
    if not isinstance(node, str | Node | None):
        raise InvalidType(f"node must be a Node or its name, not {node!r}")
    name = node.name if isinstance(node, Node) else node
    return command, name, policies.info if policy is None else _of_kind(InfoPolicy, policy)


def _is_unicode(text: str) -> bool:
    """Whether it can be sent: half a surrogate pair can't."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
