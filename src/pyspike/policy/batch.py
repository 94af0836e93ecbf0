"""How batches are sent, and what the rows of one may say for themselves.

`BatchPolicy` is of the whole batch. A row may have a policy of its own: `BatchReadPolicy`,
`BatchWritePolicy`, `BatchDeletePolicy` or `BatchUDFPolicy`, whichever it is a row of. Those have no timeouts
and retries, which are the batch's.
"""

from __future__ import annotations

import enum
from datetime import timedelta
from typing import Any

from pyspike._types import SupportsToBytes
from pyspike._wire import (
    BATCH_INLINE,
    BATCH_INLINE_SSD,
    BATCH_REPORT_FAILURE,
    BATCH_RESPOND_ALL,
    LEAVES_CONSISTENCY,
    LEAVES_READ_MODE,
    LEAVES_READ_TOUCH,
    MAX_ROW_GENERATION,
    MODE_OF_BATCH,
    OF_BATCH,
    OF_BATCH_DELETE,
    OF_BATCH_READ,
    OF_BATCH_UDF,
    OF_BATCH_WRITE,
    filter_bytes,
    ttl_header,
)
from pyspike.plain_value import value_class
from pyspike.policy.base import (
    BasePolicy,
    CommandPolicy,
    ConsistencyLevel,
    ReadModeSC,
    ReadTouchTTL,
    policy_field,
    read_mode_bits,
    read_touch_or_none,
)
from pyspike.policy.checks import checked_when_compiled, expiration, instance, instance_or_none, whole
from pyspike.policy.read import Replica
from pyspike.policy.write import (
    CommitLevel,
    GenerationPolicy,
    RecordExistsAction,
    header_bits,
    locking_bit,
    refuse_idle_generation,
)
from pyspike.values import Expiration

__all__ = [
    "BatchDeletePolicy",
    "BatchPolicy",
    "BatchReadPolicy",
    "BatchUDFPolicy",
    "BatchWritePolicy",
    "Concurrency",
]


class Concurrency(enum.Enum):
    """Whether the nodes that a batch concerns are asked all at once, or one after the other."""

    PARALLEL = 0
    SEQUENTIAL = 1


@value_class(frozen=True, kw_only=True, slots=True, repr=False, eq=False)
class BatchPolicy(BasePolicy):
    """How a batch is sent.

    Rows without a policy of their own (`row_policy`, or the `policy` of a row) are as the client's policies
    say: rows that read take its `read`, all others its `write`, of which those fields count that a
    `BatchReadPolicy`, `BatchWritePolicy`, `BatchDeletePolicy` or `BatchUDFPolicy` has.

    Args:
        concurrency: whether all nodes are asked at once.
        allow_inline: whether a node may work on the rows in the thread that received them, where the
            namespace is in memory: quicker for small records, but other commands wait meanwhile.
        allow_inline_ssd: the same where the namespace is on a device.
        respond_all_keys: whether a node goes on to answer after a row that failed; if not, rows behind one
            that failed may be done without an answer, and are in doubt if they write.
        replica: which copy of a record the rows that read ask; rows that write go to the master.
        max_retries: how often to ask again for rows that have no answer; None is 2 for rows that read and 0
            for rows that write, which might be applied twice.
        consistency_level, read_mode_sc, read_touch_ttl: of the rows that read; None is what the client's
            policy of reads says.
        filter_expression: which records to read or write; a row's own policy may have a filter instead. None
            is that of the client's policy of reads, or of writes.

    The other fields, and what is raised, are those of `BasePolicy`.
    """

    concurrency: Concurrency = policy_field(Concurrency.PARALLEL, instance(Concurrency))
    allow_inline: bool = policy_field(True, instance(bool))
    allow_inline_ssd: bool = policy_field(False, instance(bool))
    respond_all_keys: bool = policy_field(True, instance(bool))
    replica: Replica = policy_field(Replica.SEQUENCE, instance(Replica))
    consistency_level: ConsistencyLevel | None = policy_field(  # type: ignore[assignment] # None besides
        None, instance_or_none(ConsistencyLevel)
    )
    read_mode_sc: ReadModeSC | None = policy_field(None, instance_or_none(ReadModeSC))  # type: ignore[assignment]
    read_touch_ttl: int | ReadTouchTTL | None = policy_field(None, read_touch_or_none)  # type: ignore[assignment]

    def _reading(self) -> tuple[ConsistencyLevel, ReadModeSC, int | ReadTouchTTL]:
        level, mode, touch = self.consistency_level, self.read_mode_sc, self.read_touch_ttl
        return (
            ConsistencyLevel.ONE if level is None else level,
            ReadModeSC.SESSION if mode is None else mode,
            ReadTouchTTL.SERVER_DEFAULT if touch is None else touch,
        )

    def _compiled(self) -> dict[str, Any]:
        return {
            **BasePolicy._compiled(self),
            "of": OF_BATCH,
            "leaves": (LEAVES_CONSISTENCY if self.consistency_level is None else 0)
            | (LEAVES_READ_MODE if self.read_mode_sc is None else 0)
            | (LEAVES_READ_TOUCH if self.read_touch_ttl is None else 0),
            "replica": self.replica.value,
            "write_retries": self.max_retries or 0,
            "sequential": self.concurrency is Concurrency.SEQUENTIAL,
            "batch_flags": BATCH_REPORT_FAILURE
            | (BATCH_INLINE if self.allow_inline else 0)
            | (BATCH_INLINE_SSD if self.allow_inline_ssd else 0)
            | (BATCH_RESPOND_ALL if self.respond_all_keys else 0),
        }


class _RowPolicy(CommandPolicy):
    """What policies of rows share."""

    __slots__ = ()

    filter_expression: SupportsToBytes | bytes | None

    def _filter(self) -> bytes | None:
        return filter_bytes(self.filter_expression, f"{type(self).__name__}.filter_expression")


@value_class(frozen=True, kw_only=True, slots=True, repr=False, eq=False)
class BatchReadPolicy(_RowPolicy):
    """What a row of a batch that reads says for itself.

    Args:
        read_mode_sc: as in `ReadPolicy`; None is what the batch's policy says, as in all fields.
        read_touch_ttl: as in `ReadPolicy`.
        filter_expression: the row is only read if it holds for the record.

    Raises:
        TypeError: there is no such field.
        InvalidType: a value is of the wrong type.
        InvalidArgument: a value is out of range.
    """

    read_mode_sc: ReadModeSC | None = policy_field(None, instance_or_none(ReadModeSC))
    read_touch_ttl: int | ReadTouchTTL | None = policy_field(None, read_touch_or_none)
    filter_expression: SupportsToBytes | bytes | None = policy_field(None, checked_when_compiled)

    def _compiled(self) -> dict[str, Any]:
        touch, mode = self.read_touch_ttl, self.read_mode_sc
        return {
            "of": OF_BATCH_READ,
            **({"read_mode": MODE_OF_BATCH} if mode is None else read_mode_bits(mode)),
            "ttl": touch.value if isinstance(touch, ReadTouchTTL) else touch,
            "filter_expression": self._filter(),
        }


@value_class(frozen=True, kw_only=True, slots=True, repr=False, eq=False)
class BatchWritePolicy(_RowPolicy):
    """What a row of a batch that writes says for itself; the fields are those of `WritePolicy`.

    Args:
        filter_expression: the row is only written if it holds for the record; None is the batch's filter.
        generation: up to 65535, as a row has two bytes for it.

    Raises:
        TypeError: there is no such field.
        InvalidType: a value is of the wrong type.
        InvalidArgument: a value is out of range, or a generation is given that `generation_policy` ignores.
    """

    record_exists_action: RecordExistsAction = policy_field(
        RecordExistsAction.UPDATE, instance(RecordExistsAction)
    )
    generation_policy: GenerationPolicy = policy_field(GenerationPolicy.NONE, instance(GenerationPolicy))
    commit_level: CommitLevel = policy_field(CommitLevel.ALL, instance(CommitLevel))
    generation: int = policy_field(0, whole(0, MAX_ROW_GENERATION))
    expiration: int | timedelta | Expiration = policy_field(Expiration.NAMESPACE_DEFAULT, expiration)
    send_key: bool = policy_field(False, instance(bool))
    durable_delete: bool = policy_field(False, instance(bool))
    on_locking_only: bool = policy_field(False, instance(bool))
    filter_expression: SupportsToBytes | bytes | None = policy_field(None, checked_when_compiled)

    def _complete(self) -> None:
        refuse_idle_generation(self, self.generation, self.generation_policy)
        CommandPolicy._complete(self)

    def _compiled(self) -> dict[str, Any]:
        return {
            "of": OF_BATCH_WRITE,
            "write": True,
            "info4": locking_bit(self.on_locking_only),
            **header_bits(
                self.record_exists_action, self.generation_policy, self.commit_level, self.durable_delete
            ),
            "generation": self.generation,
            "ttl": ttl_header(self.expiration),
            "send_key": self.send_key,
            "filter_expression": self._filter(),
        }


@value_class(frozen=True, kw_only=True, slots=True, repr=False, eq=False)
class BatchDeletePolicy(_RowPolicy):
    """What a row of a batch that deletes says for itself; the fields are those of `WritePolicy`.

    Args:
        filter_expression: the record is only deleted if it holds for it; None is the batch's filter.
        generation: up to 65535, as a row has two bytes for it.

    Raises:
        TypeError: there is no such field.
        InvalidType: a value is of the wrong type.
        InvalidArgument: a value is out of range, or a generation is given that `generation_policy` ignores.
    """

    generation_policy: GenerationPolicy = policy_field(GenerationPolicy.NONE, instance(GenerationPolicy))
    commit_level: CommitLevel = policy_field(CommitLevel.ALL, instance(CommitLevel))
    generation: int = policy_field(0, whole(0, MAX_ROW_GENERATION))
    send_key: bool = policy_field(False, instance(bool))
    durable_delete: bool = policy_field(False, instance(bool))
    filter_expression: SupportsToBytes | bytes | None = policy_field(None, checked_when_compiled)

    def _complete(self) -> None:
        refuse_idle_generation(self, self.generation, self.generation_policy)
        CommandPolicy._complete(self)

    def _compiled(self) -> dict[str, Any]:
        return {
            "of": OF_BATCH_DELETE,
            "write": True,
            **header_bits(
                RecordExistsAction.UPDATE, self.generation_policy, self.commit_level, self.durable_delete
            ),
            "generation": self.generation,
            "send_key": self.send_key,
            "filter_expression": self._filter(),
        }


@value_class(frozen=True, kw_only=True, slots=True, repr=False, eq=False)
class BatchUDFPolicy(_RowPolicy):
    """What a row of a batch that calls a function says for itself; the fields are those of `WritePolicy`.

    Args:
        expiration: of the record, if the function writes it.
        durable_delete: whether a tombstone is left, if the function removes the record.
        filter_expression: the function is only called if it holds for the record; None is the batch's filter.

    Raises:
        TypeError: there is no such field.
        InvalidType: a value is of the wrong type.
        InvalidArgument: a value is out of range.
    """

    commit_level: CommitLevel = policy_field(CommitLevel.ALL, instance(CommitLevel))
    expiration: int | timedelta | Expiration = policy_field(Expiration.NAMESPACE_DEFAULT, expiration)
    send_key: bool = policy_field(False, instance(bool))
    durable_delete: bool = policy_field(False, instance(bool))
    on_locking_only: bool = policy_field(False, instance(bool))
    filter_expression: SupportsToBytes | bytes | None = policy_field(None, checked_when_compiled)

    def _compiled(self) -> dict[str, Any]:
        return {
            "of": OF_BATCH_UDF,
            "write": True,
            "info4": locking_bit(self.on_locking_only),
            **header_bits(
                RecordExistsAction.UPDATE, GenerationPolicy.NONE, self.commit_level, self.durable_delete
            ),
            "ttl": ttl_header(self.expiration),
            "send_key": self.send_key,
            "filter_expression": self._filter(),
        }
