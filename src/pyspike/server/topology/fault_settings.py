"""The faults of one node, which its connections look at before each request.

Owns: the names and values of the faults, and counting down those which hit a number of requests. Not here:
how a connection then behaves (connection.py), a closed port and a node that is down (node.py), lost
partitions (membership.py).
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from ..protocol.transaction_steps import TransactionStep

__all__ = ["Counted", "Faults", "StepFault", "TransactionFault"]

_GARBAGE_SIZE = 64


class Counted(str, Enum):
    """The faults that hit a number of data requests, and end when those have come.

    `DROP`: the request is not run, the connection is closed. `CODE`: the answer is a result code. `CLOSE`:
    the connection is closed in place of the answer. `GARBAGE`: other bytes are sent in place of the answer.
    `CUT`: the first bytes of the answer are sent, and the connection is closed. `STALL`: the first bytes of
    the answer are sent, the rest late or never, and nothing more is run on the connection until then. `ROW`:
    this one counts rows of batches, which are answered with a result code. `QUERY`: this one counts queries,
    which end with a result code. `PARTITION`: this one counts partitions of queries, which are told as not
    available. `EVENT`: the first frames of the answer are sent, and then something happens to the node or the
    cluster.
    """

    DROP = "drop"
    CODE = "code"
    CLOSE = "close"
    GARBAGE = "garbage"
    CUT = "cut"
    STALL = "stall"
    ROW = "row"
    QUERY = "query"
    PARTITION = "partition"
    EVENT = "event"


class TransactionFault(str, Enum):
    """What can befall a message of a transaction.

    `LOSE_REQUEST`: the connection is closed, and nothing is done. `LOSE_ANSWER`: it is done, and the
        connection is closed without an answer.
    `ANSWER_CODE`: nothing is done, and the answer is a result code.
    `FREEZE_BEFORE`, `FREEZE_AFTER`: the node freezes before it does it, or when it has done it and before it
        answers. When it thaws, it goes on there.
    """

    LOSE_REQUEST = "lose_request"
    LOSE_ANSWER = "lose_answer"
    ANSWER_CODE = "answer_code"
    FREEZE_BEFORE = "freeze_before"
    FREEZE_AFTER = "freeze_after"


@dataclass(slots=True, eq=False)
class StepFault:
    """A fault of some messages of transactions, on whichever node they arrive: the nodes share it.

    Fields:
        step: which messages.
        fault: what befalls them.
        code: the result code of `ANSWER_CODE`.
        skip: how many are still to pass before the first that it hits.
        times: how many it is still to hit.

    """

    step: TransactionStep
    fault: TransactionFault
    code: int = 0
    skip: int = 0
    times: int = 1

    def take(self, steps: Set[TransactionStep]) -> bool:
        """Count a request with these steps, and tell whether it is hit."""
        if self.step not in steps or not self.times:
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.times -= 1
        return True


@dataclass(slots=True)
class Faults:
    """The faults that are set on a node. Times are in seconds."""

    frozen: bool = False
    muted: bool = False
    delay: float = 0.0
    hold_seconds: float = 0.0
    hold_replica: str | None = None
    """Only writes of partitions that the node of this name has a replica of are held; None: all."""
    drip_bytes: int = 0
    drip_interval: float = 0.0
    cut_after: int | None = None
    """How many bytes of an answer are sent before it is cut; None: half of them."""
    cut_frames: int | None = None
    """How many frames of an answer are sent before `cut_after` counts; None: `cut_after` counts from the
    start."""
    stall_after: int | None = None
    stall_frames: int | None = None
    """Where an answer stalls, as `cut_after` and `cut_frames`."""
    stall_seconds: float | None = None
    """When the rest of an answer that stalls is sent; None: never."""
    garbage_frames: int = 0
    """How many frames of an answer are sent before garbage takes the place of the rest."""
    row_code: int = 0
    row_executes: bool = False
    """Whether the rows that are answered with `row_code` are run."""
    garbage_data: str | None = None
    """The bytes in place of an answer, as hexadecimal digits; None: random bytes."""
    code: int = 0
    code_executes: bool = False
    """Whether the requests that are answered with `code` are run."""
    query_code: int = 0
    query_frames: int = 0
    """How many frames of a query are sent before it ends with `query_code`."""
    query_frame_bytes: int = 0
    """With how many bytes a frame of a query is sent; 0: as a server does."""
    partition_code: int = 0
    """The code of the partitions that are told as not available."""
    event: str = ""
    """What happens in the middle of an answer: "kill", "freeze" or "move"."""
    event_frames: int = 0
    """After how many of its frames."""
    event_args: Mapping[str, Any] = field(default_factory=dict)
    """With which arguments, by name."""
    index_seconds: float = 0.0
    """How long the indexes that are created from now on take to be built."""
    steps: list[StepFault] = field(default_factory=list)
    """The faults of messages of transactions, which all nodes have in common."""
    times: dict[str, int] = field(default_factory=dict)
    """How many data requests each counted fault is still to hit, by the values of `Counted`."""
    armed: bool = field(default=False, init=False)
    """Whether any data request may be hit: connections look at it before each."""
    silent: bool = field(default=False, init=False)
    """Whether nothing is read and answered: connections look at it before each frame."""

    def __post_init__(self) -> None:
        self._settle()

    @property
    def slow(self) -> bool:
        """Whether answers leave late or in pieces."""
        return self.delay > 0 or self.drip_bytes > 0

    @property
    def left(self) -> int:
        """How many data requests are still to be hit by counted faults."""
        return sum(self.times.values()) + sum(fault.times for fault in self.steps)

    def change(self, *, times: Mapping[str, int] | None = None, **values: Any) -> None:
        """Set some faults; the others stay as they are.

        Args:
            times: how many data requests a counted fault is to hit from now on, by the values of `Counted`.
            values: the values of other fields, by name.

        """
        self.times.update({Counted(name).value: count for name, count in (times or {}).items()})
        for name, value in values.items():
            setattr(self, name, value)
        self._settle()

    def take(self, fault: Counted) -> bool:
        """Count one hit of a fault, and tell whether there was one to come."""
        left = self.times.get(fault.value, 0)
        if not left:
            return False
        self.times[fault.value] = left - 1
        self._settle()
        return True

    def add_step(self, fault: StepFault) -> None:
        """Let messages of transactions have a fault."""
        self.steps.append(fault)
        self._settle()

    def take_step(self, steps: Set[TransactionStep]) -> StepFault | None:
        """The fault that hits a request with these steps; None if none does."""
        hit = next((fault for fault in self.steps if fault.take(steps)), None)
        self.steps = [fault for fault in self.steps if fault.times]
        self._settle()
        return hit

    def put_back(self, fault: Counted) -> None:
        """Take back a hit that was counted, as it did not strike."""
        self.times[fault.value] += 1
        self._settle()

    def waits_for_frames(self, fault: Counted) -> bool:
        """Whether a fault strikes only answers with so many frames."""
        frames = {
            Counted.CUT: self.cut_frames,
            Counted.STALL: self.stall_frames,
            Counted.GARBAGE: self.garbage_frames,
            Counted.EVENT: self.event_frames,
        }
        return bool(frames.get(fault))

    def garbage(self) -> bytes:
        """The bytes that are sent in place of an answer."""
        return os.urandom(_GARBAGE_SIZE) if self.garbage_data is None else bytes.fromhex(self.garbage_data)

    def _settle(self) -> None:
        """Compute the two fields that connections look at."""
        self.armed = self.left > 0 or self.hold_seconds > 0
        self.silent = self.frozen or self.muted
