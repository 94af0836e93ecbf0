"""Policies: how a command is sent, how long it may take, how often it is tried.

A policy is an immutable value with the names and meanings of the Rust client. It is checked and compiled
once, when it is made, into `settings`, the form in which the wire layer reads it; so make policies once and
reuse them. A field that does not exist, or that could have no effect, is refused.

Two defaults are not the Rust client's: `socket_timeout` is a share of the deadline (there 30 s, by which a
slow node may use up the whole deadline of 1 s and leave no time for another), and `ClientPolicy.timeout` is
1 s (there 30 s, for which an application would hang that can't reach its cluster).

    checks      what a field's value may be
    base        what all policies have in common, and `BasePolicy`
    read        `ReadPolicy`
    write       `WritePolicy`
    batch       `BatchPolicy`, and the policies of a batch's rows
    query       `QueryPolicy`
    transaction  `TxnVerifyPolicy`, `TxnRollPolicy`
    config_provider  `ConfigProvider`, the file from which policies change while a client runs
    info        `InfoPolicy`
    admin       `AdminPolicy`
    tls         `TLSPolicy`
    client      `ClientPolicy`
"""

from pyspike._types import SupportsToBytes
from pyspike._wire import timeout_ms
from pyspike.policy.admin import AdminPolicy
from pyspike.policy.base import BasePolicy, ConsistencyLevel, ErrorDetails, ReadModeSC, ReadTouchTTL
from pyspike.policy.batch import (
    BatchDeletePolicy,
    BatchPolicy,
    BatchReadPolicy,
    BatchUDFPolicy,
    BatchWritePolicy,
    Concurrency,
)
from pyspike.policy.client import AuthMode, ClientPolicy
from pyspike.policy.config_provider import ConfigProvider
from pyspike.policy.info import InfoPolicy
from pyspike.policy.query import QueryDuration, QueryPolicy
from pyspike.policy.read import ReadPolicy, Replica
from pyspike.policy.tls import TLSPolicy
from pyspike.policy.transaction import TxnRollPolicy, TxnVerifyPolicy
from pyspike.policy.write import CommitLevel, GenerationPolicy, RecordExistsAction, WritePolicy
from pyspike.values import Expiration

__all__ = [
    "AdminPolicy",
    "AuthMode",
    "BasePolicy",
    "BatchDeletePolicy",
    "BatchPolicy",
    "BatchReadPolicy",
    "BatchUDFPolicy",
    "BatchWritePolicy",
    "ClientPolicy",
    "CommitLevel",
    "Concurrency",
    "ConfigProvider",
    "ConsistencyLevel",
    "ErrorDetails",
    "Expiration",
    "GenerationPolicy",
    "InfoPolicy",
    "QueryDuration",
    "QueryPolicy",
    "ReadModeSC",
    "ReadPolicy",
    "ReadTouchTTL",
    "RecordExistsAction",
    "Replica",
    "SupportsToBytes",
    "TLSPolicy",
    "TxnRollPolicy",
    "TxnVerifyPolicy",
    "WritePolicy",
    "timeout_ms",
]
