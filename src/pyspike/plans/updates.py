"""What `update` writes of the bins that a function has changed, and when it begins anew; no I/O.

Owns: how changes are found, the policies of the read and the write, and the pauses. Not here: reading,
writing and waiting, which each client does in its own way (`updates`, `async_updates`).
"""

from __future__ import annotations

import copy
import random
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pyspike._wire import ClassPlan, Encoded, Record, timeout_ms
from pyspike.arguments import times_again
from pyspike.errors import (
    AerospikeError,
    GenerationError,
    InvalidArgument,
    InvalidType,
    KeyBusy,
    RecordExists,
    RecordNotFound,
    TransactionBlocked,
)
from pyspike.policy import GenerationPolicy, ReadPolicy, RecordExistsAction, Replica, WritePolicy
from pyspike.showing import shown
from pyspike.values import RawParticle

if TYPE_CHECKING:
    from pyspike.codecs import AnyCodec

__all__ = ["Update"]

LEAST_PAUSE, MOST_PAUSE = 1.0, 100.0  # ms before the record is read again
MAY_CREATE = {RecordExistsAction.UPDATE: True, RecordExistsAction.UPDATE_ONLY: False}
CONFLICTS = (GenerationError, KeyBusy, RecordExists, RecordNotFound, TransactionBlocked)


class Update:
    """One call of `update`, with all its rounds.

    Args:
        read: the client's policy of reads.
        write: the policy of the write.
        retries: how often the function is called again, at most.
        timeout: for all rounds together; None if each read and write has the deadline of its policy.
        plan: of the class whose objects the function is given; None if it is given bins.
        codecs: those of the client.

    Attributes:
        result: what the call gives, if the write succeeds: the bins that the record has then, or the object.
        changes: the bins to write; None for one that goes.
        deletes: whether the record has no bins any more.

    Raises:
        InvalidType, InvalidArgument: an argument can't be used.
    """

    def __init__(
        self,
        read: ReadPolicy,
        write: WritePolicy,
        retries: int,
        timeout: float | timedelta | None,
        plan: ClassPlan | None = None,
        codecs: Sequence[AnyCodec] = (),
    ) -> None:
        if not isinstance(write, WritePolicy):
            raise InvalidType(f"policy must be a WritePolicy here, not {type(write).__name__}")
        self._read, self._create, self._change = _policies(read, write)
        self._may_create = MAY_CREATE[write.record_exists_action]
        self._left = times_again(retries)
        self._pause = LEAST_PAUSE
        self._until = None if timeout is None else time.monotonic() + timeout_ms(timeout, least=1) / 1000
        self._before: dict[str, Any] = {}
        self._generation: int | None = None
        self._plan = plan
        self._comparison = _Comparison(codecs)
        self._others = False  # whether the record has bins that the class has no fields for
        self.result: Any = None
        self.changes: dict[str, Any] = {}
        self.deletes = False

    @property
    def read_options(self) -> dict[str, Any]:
        """The keywords of the read; without a default it fails where there is no record."""
        options = {"timeout": self._remaining(), "policy": self._read}
        return {**options, "default": None} if self._may_create else options

    def begin(self, record: Record | None) -> Any:
        """What the function is given: bins in a dict of its own, or an object, None if there is no record.

        Args:
            record: as it was read; None if there is none.

        Raises:
            SchemaMismatch: the record does not fit the class.
        """
        self._generation = None if record is None else record.generation
        bins = {} if record is None else record.bins
        if self._plan is None:
            self._before = bins
            self.result = copy.deepcopy(bins)
            return self.result
        names = self._plan.bins
        self._others = names is not None and any(name not in names for name in bins)
        self.result = None if record is None else self._plan.read(record)
        self._before = {} if record is None else copy.deepcopy(self._bins_of(self.result))
        return self.result

    def end(self, returned: object) -> None:
        """Take what the function has returned, and find out what it has changed.

        Raises:
            InvalidType: it is neither None nor what it may return, or its values can't be written.
        """
        bins = self._bins_after(returned)
        self.changes = {
            name: value
            for name, value in bins.items()
            if name not in self._before or not self._comparison.is_same(self._before[name], value)
        }
        self.changes.update((name, None) for name in self._before if name not in bins)
        self.deletes = not bins and bool(self._before) and not self._others

    def _bins_after(self, returned: Any) -> dict[str, Any]:
        """The bins, as far as they are known, that the record is to have."""
        if self._plan is not None:
            if returned is not None:
                _drop(returned)
                self.result = returned
            return {} if self.result is None else self._bins_of(self.result)
        if returned is not None and returned is not self.result:
            if not isinstance(returned, Mapping):
                _drop(returned)
                raise InvalidType(
                    f"the function of update must return bins in a dict, or None, not {shown(returned)}",
                    advice="change the bins that it is given, or return those to write",
                )
            self.result.update(returned)
        bins = {name: value for name, value in self.result.items() if value is not None}
        self.result = bins
        return bins

    def _bins_of(self, made: Any) -> dict[str, Any]:
        assert self._plan is not None
        return {name: value for name, value in self._plan.write(made).items() if value is not None}

    @property
    def write_options(self) -> dict[str, Any]:
        """The keywords of the write, by which it is done only if the record is as it was read."""
        policy = self._create if self._generation is None else self._change
        return {"timeout": self._remaining(), "generation": self._generation, "policy": policy}

    def _remaining(self) -> float | None:
        """How many milliseconds the next command has; None if it has those of its policy."""
        return None if self._until is None else max((self._until - time.monotonic()) * 1000, 1.0)

    def pause_after(self, error: AerospikeError) -> float | None:
        """How many milliseconds to wait before the record is read again; None if the error is to be raised.

        Args:
            error: what the write has failed with. One in doubt may have been done, and is never done again.
        """
        if error.in_doubt or not isinstance(error, CONFLICTS):
            return None
        pause = self._pause * random.uniform(0.5, 1.5)  # so that those who collided do not do so again
        late = self._until is not None and time.monotonic() + pause / 1000 >= self._until
        if late or not self._left:
            end = "the time was over" if late else "the retries were used up"
            error.advice = (
                f"others were in the way until {end}: allow more, or have the server change the record by "
                "operate, which does not collide"
            )
            return None
        self._left -= 1
        self._pause = min(self._pause * 2, MOST_PAUSE)
        return pause


def _drop(returned: Any) -> None:
    """Close a coroutine, which else would warn that nobody has awaited it."""
    if hasattr(returned, "__await__") and hasattr(returned, "close"):
        returned.close()


@lru_cache(maxsize=64)
def _policies(read: ReadPolicy, write: WritePolicy) -> tuple[ReadPolicy, WritePolicy, WritePolicy]:
    """The policies of the read, of a write that creates the record, and of one that changes it.

    The read asks the master: a replica may not have the last change yet, and the write needs the master
    anyway.
    """
    if write.record_exists_action not in MAY_CREATE:
        raise InvalidArgument(
            f"update can't be done with {write.record_exists_action}",
            advice="it writes what has changed: UPDATE does, or UPDATE_ONLY to create nothing",
        )
    if write.generation_policy is not GenerationPolicy.NONE:
        raise InvalidArgument(
            f"update can't be done with {write.generation_policy}",
            advice="it compares with the generation that it has read",
        )
    return (
        read.replace(replica=Replica.MASTER),
        write.replace(record_exists_action=RecordExistsAction.CREATE_ONLY),
        write.replace(record_exists_action=RecordExistsAction.UPDATE_ONLY),
    )


class _Comparison:
    """Tells whether two values are stored as the same.

    Args:
        codecs: those of the client.
    """

    def __init__(self, codecs: Sequence[AnyCodec]) -> None:
        self._encoders: dict[type, Callable[[Any], Any]] = {each.type: each.encode for each in codecs}

    def is_same(self, before: Any, after: Any) -> bool:
        """Whether two values are the same to the server: 1, 1.0 and True are not, nor maps of other orders.

        What Aerospike has no type for is compared by what its codec makes of it: Decimal("12.5") equals
        Decimal("12.50"), but is stored as another text. What can't be compared has changed.
        """
        try:
            return self._is_same(before, after)
        except Exception:  # of code of the user's: the write tells what is wrong with the value
            return False

    def _is_same(self, before: Any, after: Any) -> bool:
        kind = type(before)
        if kind is not type(after):
            return False
        if before is after:  # what can change has been copied
            return True
        if isinstance(before, (list, tuple)):
            return len(before) == len(after) and all(map(self._is_same, before, after))
        if isinstance(before, dict):
            pairs = zip(before.items(), after.items(), strict=False)
            return len(before) == len(after) and all(
                self._is_same(name, other) and self._is_same(value, new)
                for (name, value), (other, new) in pairs
            )
        if isinstance(before, float):
            return float.hex(before) == float.hex(after)  # of a NaN too, and 0.0 is not -0.0
        plain: Any
        for plain in (int, str, bytes, bytearray):
            if isinstance(before, plain):
                return bool(plain.__eq__(before, after))  # as it is written, whatever a subclass says
        if kind is RawParticle:
            return self._is_same((before.type, before.data), (after.type, after.data))
        if kind is Encoded:
            return self._is_same(before.__reduce__(), after.__reduce__())
        encode = self._encoders.get(kind)
        if encode is None:
            return False
        if isinstance(before, (set, frozenset)):  # which are encoded in no order
            items = {item: item for item in before}
            return len(before) == len(after) and all(
                item in items and self._is_same(items[item], item) for item in after
            )
        return self._is_same(encode(before), encode(after))
