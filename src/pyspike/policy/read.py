"""How records are read."""

from __future__ import annotations

import enum
from typing import Any

from pyspike._wire import REPLICA_MASTER, REPLICA_PREFER_RACK, REPLICA_RANDOM, REPLICA_SEQUENCE
from pyspike.plain_value import value_class
from pyspike.policy.base import READ_RETRIES, BasePolicy, policy_field
from pyspike.policy.checks import instance, retries_or_none

__all__ = ["ReadPolicy", "Replica"]


class Replica(enum.Enum):
    """Which copy of a record a read asks.

    MASTER always the master; SEQUENCE the master first and then, try by try, the next replica; RANDOM the
    replicas in turn, so that all of them share the reads; PREFER_RACK one in the first of the client's racks
    (`ClientPolicy.rack_ids`) that has one, and any other if none has or it fails. MASTER_PROLES is RANDOM, by
    the name that it has in other clients.
    """

    MASTER = REPLICA_MASTER
    SEQUENCE = REPLICA_SEQUENCE
    RANDOM = REPLICA_RANDOM
    PREFER_RACK = REPLICA_PREFER_RACK
    MASTER_PROLES = REPLICA_RANDOM  # noqa: PIE796 - another name of the same


def _retries(value: object, name: str) -> int:
    found = retries_or_none(value, name)
    return READ_RETRIES if found is None else found


@value_class(frozen=True, kw_only=True, slots=True, repr=False, eq=False)
class ReadPolicy(BasePolicy):
    """How records are read.

    Args:
        replica: which copy of the record to ask. In a namespace with strong consistency `read_mode_sc`
            counts first: a SESSION read is always the master's, and a LINEARIZE one heeds no racks.

    The other fields, and what is raised, are those of `BasePolicy`.
    """

    max_retries: int | None = policy_field(READ_RETRIES, _retries)
    replica: Replica = policy_field(Replica.SEQUENCE, instance(Replica))

    def _compiled(self) -> dict[str, Any]:
        return {**BasePolicy._compiled(self), "replica": self.replica.value}
