"""Policies: the official client's dictionaries, and the policy objects of pyspike that they stand for.

A client has a `PolicyKind` for each kind of policy. It remembers what it has made of a dictionary, by its
content, so that a policy that is used again costs a look-up.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, TypeVar, cast

from pyspike import (
    AdminPolicy,
    BatchDeletePolicy,
    BatchPolicy,
    BatchReadPolicy,
    BatchUDFPolicy,
    BatchWritePolicy,
    Expiration,
    GenerationPolicy,
    InfoPolicy,
    QueryPolicy,
    ReadPolicy,
    Transaction,
    TxnRollPolicy,
    TxnVerifyPolicy,
    WritePolicy,
    errors,
)
from pyspike.compat.facts.policies import KEYS, KINDS
from pyspike.compat.model.exceptions import param_error, raised
from pyspike.compat.model.transaction import plain_transaction
from pyspike.compat.switches import SWITCHES
from pyspike.policy.base import Policy

__all__ = ["CLIENT_DEFAULT", "PolicyKind", "checked_keys", "expiration_of", "made_kinds"]

P = TypeVar("P", bound=Policy)

MOST_REMEMBERED = 256
UNCOMPARED = GenerationPolicy.NONE
CLIENT_DEFAULT = 0xFFFF_FFFD
EXPIRATIONS = {
    0: Expiration.NAMESPACE_DEFAULT,
    0xFFFF_FFFF: Expiration.NEVER,
    0xFFFF_FFFE: Expiration.DONT_UPDATE,
    -1: Expiration.NEVER,
    -2: Expiration.DONT_UPDATE,
}
MAX_UINT32 = 2**32 - 1
GENERATIONS = range(2**16)

CLASSES: dict[str, type[Policy]] = {
    "read": ReadPolicy,
    "write": WritePolicy,
    "operate": WritePolicy,
    "apply": WritePolicy,
    "remove": WritePolicy,
    "query": QueryPolicy,
    "scan": QueryPolicy,
    "batch": BatchPolicy,
    "batch_parent_write": BatchPolicy,
    "txn_verify": TxnVerifyPolicy,
    "txn_roll": TxnRollPolicy,
    "batch_read": BatchReadPolicy,
    "batch_write": BatchWritePolicy,
    "batch_apply": BatchUDFPolicy,
    "batch_remove": BatchDeletePolicy,
    "info": InfoPolicy,
    "admin": AdminPolicy,
}


def checked_keys(given: Mapping[str, Any], known: frozenset[str], what: str, validate: bool) -> None:
    """Refuse keys that are not known, unless the program wants them ignored.

    Args:
        given: the dictionary.
        known: the keys that it may have.
        what: what it is, for the message.
        validate: whether the program wants to hear of them in any case.

    Raises:
        ParamError: there is such a key.
    """
    if given.keys() <= known or (SWITCHES.unknown_keys and not validate):
        return
    key = next(key for key in given if key not in known)
    raise param_error(f'"{key}" is an invalid {what} dictionary key')


def expiration_of(ttl: Any) -> int | Expiration | None:
    """What a time to live of the official client stands for; None for that of the client's policy.

    Raises:
        ParamError: it is no int, or does not fit.
        InvalidRequest: it is a number that no server takes.
    """
    if not isinstance(ttl, int):
        raise param_error("Ttl should be an int or long")
    if ttl in EXPIRATIONS:
        return EXPIRATIONS[ttl]
    if ttl in (CLIENT_DEFAULT, -3):
        return None
    if ttl > MAX_UINT32:
        raise param_error("integer value for ttl exceeds sys.maxsize")
    if ttl < 0:
        raise raised("InvalidRequest", f"{ttl} is no time to live")
    return int(ttl)


class PolicyKind(Generic[P]):
    """Makes pyspike's policies out of dictionaries of one kind.

    Args:
        kind: its name in a client's configuration.
        base: what that configuration says for it.
        validate: whether keys that are not known are an error in any case.

    Attributes:
        default: the policy of calls that are given none.
        of_rows: the same for a row of a batch: None if it says no more than a row without a policy.

    Raises:
        ParamError: a key is not known, or its value can't be used.
    """

    def __init__(self, kind: str, base: Mapping[str, Any], validate: bool) -> None:
        self.kind = kind
        self.base = dict(base)
        self.validate = validate
        self._made: dict[Any, P] = {}
        self._takes_part = "txn" in KINDS[kind]
        self._transaction = plain_transaction(self.base.pop("txn", None))
        self.default: P = self._make({})
        self.of_rows: P | None = None if self.default == CLASSES[kind]() else self.default

    def __call__(self, policy: Any, **more: Any) -> P:
        """The policy that a dictionary stands for.

        Args:
            policy: the dictionary; None for the client's policy.
            more: fields of pyspike's policy that the call sets besides.

        Raises:
            ParamError: it is none, a key is not known, or its value can't be used.
        """
        if not policy and not more and (policy is None or isinstance(policy, dict)):
            return self.default
        if policy is None:
            policy = {}
        if not isinstance(policy, dict):
            raise param_error("policy must be a dict")
        if "txn" in policy and self._takes_part:  # looked at by `transaction`; not to be remembered
            plain_transaction(policy["txn"])
            return self({key: value for key, value in policy.items() if key != "txn"}, **more)
        content = (tuple(policy.items()), tuple(more.items()))
        try:
            made = self._made.get(content)
        except TypeError:  # a value that has no hash
            return self._make(policy, more)
        if made is None:
            made = self._make(policy, more)
            if len(self._made) >= MOST_REMEMBERED:
                self._made.clear()
            self._made[content] = made
        return made

    def transaction(self, policy: Any) -> Transaction | None:
        """The transaction that a call with this policy is part of, as pyspike has it; None if of none.

        Args:
            policy: a dictionary that was given to the kind before, or None.
        """
        if policy and "txn" in policy:
            return plain_transaction(policy["txn"])
        return self._transaction

    def value(self, policy: Any, key: str, default: Any = None) -> Any:
        """What the dictionary, or else the client's configuration, has for a key."""
        if isinstance(policy, dict) and key in policy:
            return policy[key]
        return self.base.get(key, default)

    def told(self) -> dict[str, Any]:
        """What the client's policy has, by the official keys; those that have no effect here are left out."""
        made: dict[str, Any] = {}
        for key in sorted(KINDS[self.kind] - {"expressions", "txn", "partition_filter"}):
            known = KEYS[key]
            if key in self.base:
                made[key] = self.base[key]
            elif known.field in CLASSES[self.kind].__dataclass_fields__:
                made[key] = _number(getattr(self.default, known.field), known.members)
        return made

    def _make(self, policy: Mapping[str, Any], more: Mapping[str, Any] | None = None) -> P:
        checked_keys(policy, KINDS[self.kind], "policy", self.validate)
        fields = fields_of(self.base | dict(policy), CLASSES[self.kind])
        try:
            return cast("P", CLASSES[self.kind](**fields | dict(more or {})))
        except errors.InvalidArgument as error:
            raise param_error(error.message) from error


def fields_of(policy: dict[str, Any], kind: type[Policy]) -> dict[str, Any]:
    """The fields of pyspike's policy that a dictionary's keys stand for."""
    fields: dict[str, Any] = {}
    for key, value in policy.items():
        known = KEYS.get(key)
        if known is None or (value is None and known.kind is object):
            continue
        if not isinstance(value, known.kind):
            raise param_error(f"{key} is invalid")
        if key == "generation" and value not in GENERATIONS:
            raise param_error(f"{key} is invalid")
        if known.field not in kind.__dataclass_fields__:
            continue
        if key == "ttl":
            value = expiration_of(value)
        elif known.members is not None:
            value = known.members.get(value, value)
        if value is not None:
            fields[known.field] = value
    if not fields.get("use_compression"):
        fields.pop("compression_threshold", None)  # of what is not compressed
    if fields.get("generation") and fields.get("generation_policy", UNCOMPARED) is UNCOMPARED:
        del fields["generation"]  # of which the official client makes nothing either
    return fields


def _number(value: Any, members: Mapping[Any, object] | None) -> Any:
    """What a field is in the official policies."""
    if value is None and members is not None:
        return 0  # of rows that read, whose defaults are all 0
    if members is not None:
        return next((number for number, member in members.items() if member == value), value)
    if isinstance(value, Expiration):
        return value.value
    return int(value) if isinstance(value, float) else value


def made_kinds(policies: Mapping[str, Any], common: Mapping[str, Any], validate: bool) -> dict[str, Any]:
    """A `PolicyKind` for each kind.

    Args:
        policies: those of the configuration, by their kinds.
        common: values for all kinds that have these keys.
        validate: whether keys that are not known are an error in any case.

    Raises:
        ParamError: a key is not known, or its value can't be used.
    """
    made = {}
    for kind, known in KINDS.items():
        own = policies.get(kind, {})
        if not isinstance(own, dict):
            raise param_error(f"{kind} policy must be a dict")
        checked_keys(own, known, "policy", validate)
        base = {key: value for key, value in common.items() if key in known} | own
        try:
            made[kind] = PolicyKind[Any](kind, base, validate)
        except Exception as error:
            raise param_error("Invalid Policy setting value") from error
    return made
