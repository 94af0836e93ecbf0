"""How records are written."""

from __future__ import annotations

import enum
from datetime import timedelta
from typing import Any

from pyspike._wire import (
    INFO2_CREATE_ONLY,
    INFO2_DURABLE_DELETE,
    INFO2_GENERATION,
    INFO2_GENERATION_GT,
    INFO3_COMMIT_LEVEL_MASTER,
    INFO3_CREATE_OR_REPLACE,
    INFO3_REPLACE_ONLY,
    INFO3_UPDATE_ONLY,
    INFO4_ON_LOCKING_ONLY,
    MODE_OF_OTHERS,
    Settings,
    ttl_header,
)
from pyspike.errors import InvalidArgument
from pyspike.plain_value import value_class
from pyspike.policy.base import BasePolicy, Policy, policy_field
from pyspike.policy.checks import MAX_UINT32, expiration, instance, whole
from pyspike.values import Expiration

__all__ = ["CommitLevel", "GenerationPolicy", "RecordExistsAction", "WritePolicy"]


class CommitLevel(enum.Enum):
    """Whether a write waits for all replicas or for the master only."""

    ALL = 0
    MASTER = 1


class GenerationPolicy(enum.Enum):
    """What a write demands of the generation of the record that is there.

    NONE demands nothing, EXPECT_GEN_EQUAL that it is the policy's, EXPECT_GEN_GREATER that it is lower.
    """

    NONE = 0
    EXPECT_GEN_EQUAL = 1
    EXPECT_GEN_GREATER = 2


class RecordExistsAction(enum.Enum):
    """What a write does if the record exists, and if it does not.

    UPDATE creates or merges bins, UPDATE_ONLY never creates, REPLACE creates or drops the bins that are not
    written, REPLACE_ONLY does so but never creates, CREATE_ONLY only creates.
    """

    UPDATE = 0
    UPDATE_ONLY = 1
    REPLACE = 2
    REPLACE_ONLY = 3
    CREATE_ONLY = 4


_INFO2_GENERATION = {
    GenerationPolicy.NONE: 0,
    GenerationPolicy.EXPECT_GEN_EQUAL: INFO2_GENERATION,
    GenerationPolicy.EXPECT_GEN_GREATER: INFO2_GENERATION_GT,
}
_INFO2_EXISTS = {RecordExistsAction.CREATE_ONLY: INFO2_CREATE_ONLY}
_INFO3_EXISTS = {
    RecordExistsAction.UPDATE_ONLY: INFO3_UPDATE_ONLY,
    RecordExistsAction.REPLACE: INFO3_CREATE_OR_REPLACE,
    RecordExistsAction.REPLACE_ONLY: INFO3_REPLACE_ONLY,
}
_INFO3_COMMIT = {CommitLevel.ALL: 0, CommitLevel.MASTER: INFO3_COMMIT_LEVEL_MASTER}


def header_bits(
    action: RecordExistsAction, generation: GenerationPolicy, commit: CommitLevel, durable_delete: bool
) -> dict[str, int]:
    """What the fields of a policy for writes add to the header of a request, by the names of `Settings`."""
    return {
        "info2": _INFO2_GENERATION[generation]
        | _INFO2_EXISTS.get(action, 0)
        | (INFO2_DURABLE_DELETE if durable_delete else 0),
        "info3": _INFO3_COMMIT[commit] | _INFO3_EXISTS.get(action, 0),
    }


def locking_bit(on_locking_only: bool) -> int:
    """What `on_locking_only` adds to info4."""
    return INFO4_ON_LOCKING_ONLY if on_locking_only else 0


def refuse_idle_generation(policy: Policy, generation: int, generation_policy: GenerationPolicy) -> None:
    """Refuse a generation that nothing compares."""
    if generation and generation_policy is GenerationPolicy.NONE:
        raise InvalidArgument(
            f"{type(policy).__name__}.generation is {generation}, but nothing compares it",
            advice="set generation_policy to EXPECT_GEN_EQUAL or EXPECT_GEN_GREATER",
        )


@value_class(frozen=True, kw_only=True, slots=True, repr=False, eq=False)
class WritePolicy(BasePolicy):
    """How records are written.

    Args:
        record_exists_action: what to do if the record exists, and if it does not.
        generation_policy: what to demand of the record's generation.
        commit_level: whether to wait for all replicas.
        generation: the generation that `generation_policy` compares with.
        expiration: the record's time to live from the write on: seconds from 1 to 315360000, a timedelta
            (rounded up to seconds) or an `Expiration`. Every write sets it, by default to the namespace's
            default, whatever it was; `Expiration.DONT_UPDATE` leaves it.
        send_key: whether the server stores the key with the record (it stores only the digest otherwise).
        respond_per_each_op: whether every operation of an `operate` gives a result, also those that only
            write.
        durable_delete: whether a delete leaves a tombstone, so that the record can't come back (Enterprise
            Edition). In a namespace with strong consistency, other deletes are refused.
        on_locking_only: whether a write in a transaction fails with `TransactionAlreadyLocked` if the
            transaction has written the record before.

    The other fields, and what is raised, are those of `BasePolicy`. An `operate` that only reads may be given
    one too: then it is a read with these timeouts, retries and filter, and `consistency_level`,
    `read_mode_sc` and `read_touch_ttl` count.

    Raises:
        InvalidArgument: a generation is given, but `generation_policy` is NONE and would ignore it.
    """

    record_exists_action: RecordExistsAction = policy_field(
        RecordExistsAction.UPDATE, instance(RecordExistsAction)
    )
    generation_policy: GenerationPolicy = policy_field(GenerationPolicy.NONE, instance(GenerationPolicy))
    commit_level: CommitLevel = policy_field(CommitLevel.ALL, instance(CommitLevel))
    generation: int = policy_field(0, whole(0, MAX_UINT32))
    expiration: int | timedelta | Expiration = policy_field(Expiration.NAMESPACE_DEFAULT, expiration)
    send_key: bool = policy_field(False, instance(bool))
    respond_per_each_op: bool = policy_field(False, instance(bool))
    durable_delete: bool = policy_field(False, instance(bool))
    on_locking_only: bool = policy_field(False, instance(bool))

    def _complete(self) -> None:
        refuse_idle_generation(self, self.generation, self.generation_policy)
        BasePolicy._complete(self)

    def _compiled(self) -> dict[str, Any]:
        base = BasePolicy._compiled(self)
        answers: dict[str, Any] = {"send_key": self.send_key, "respond_per_each_op": self.respond_per_each_op}
        return {
            **base,
            "write": True,
            "info1": 0,
            "info4": base["info4"] | locking_bit(self.on_locking_only),
            "read_mode": MODE_OF_OTHERS,
            "max_retries": self.max_retries or 0,
            **header_bits(
                self.record_exists_action, self.generation_policy, self.commit_level, self.durable_delete
            ),
            "generation": self.generation,
            "ttl": ttl_header(self.expiration),
            "as_read": Settings(**base, **answers),
            **answers,
        }
