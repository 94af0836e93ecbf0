"""Batches: the order in which rows are run and answered, and what an error of one row does to the others.

Owns: everything between the request of a batch and the frames of its answer. Not here: the bytes of both
(protocol/batch_request.py, protocol/batch_answer.py), what a row does to its record (commands.py), and what
the node that is asked knows (the `BatchHost`).

The answer is drawn frame by frame, and the rows are run as it is drawn. So a client that does not read makes
the server keep little more than a frame, and other connections are served between two frames. Whoever draws
it has to draw it to the end, so that all rows are run, as they are on a server (batch.md 7.3).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from random import Random
from typing import NamedTuple, Protocol

from ..expressions.evaluation import check_filter
from ..protocol.batch_answer import CAPACITY, Frame, Frames, last_message, row_message
from ..protocol.batch_request import Batch, BatchFlag, Row, parse_batch, rows_of
from ..protocol.constants import OPS_MAX, FieldType, Info1, Info2, OpCode
from ..protocol.error_details import details_field
from ..protocol.framing import PROTO, Message, refusal, reply
from ..protocol.result import RequestError, ResultCode, bad
from ..storage.store import Store
from .running import run_on
from .udf import is_udf

__all__ = ["BatchHost", "FailingRow", "run_batch"]

_LOG = logging.getLogger("pyspike.server")

SMALL = 100
"""Up to so many rows of an inline batch are answered in their order, unless they wait for other nodes."""
_SLICE = 100
"""How many rows are run before other connections have their turn."""

_INLINE, _RESPOND_ALL = int(BatchFlag.INLINE), int(BatchFlag.RESPOND_ALL)
_REPORT_FAILED_ROW = int(BatchFlag.REPORT_FAILED_ROW)
_READ, _WRITE, _DELETE = int(Info1.READ), int(Info2.WRITE), int(Info2.DELETE)
_DIGEST, _NAMESPACE = int(FieldType.DIGEST), int(FieldType.NAMESPACE)
_OP_READ = int(OpCode.READ)
_INFO4_AT = 4
_CODE_AT = PROTO.size + 5
_NO_FAILURES = frozenset((ResultCode.OK, ResultCode.NOT_FOUND, ResultCode.FILTERED_OUT))
"""Results of rows that are no failures of the batch."""


class FailingRow(NamedTuple):
    """A row that a fault lets fail.

    Fields:
        code: its result code.
        executes: whether it is run all the same.

    """

    code: int
    executes: bool


class BatchHost(Protocol):
    """What a batch needs of the node that runs it."""

    def is_disabled(self) -> bool:
        """Whether no batch is taken at all."""

    def refuses(self, count: int) -> ResultCode | None:
        """The code by which a batch of so many rows is refused; None if it is not."""

    def check_row(self, message: Message, digest: bytes) -> None:
        """Raise `RequestError` if the user may not do what a row asks, or the node can't do it."""

    def pause(self, message: Message, digest: bytes) -> float:
        """How many seconds to wait before a row is run, or looked at again; 0: it can be run."""

    def order(self) -> Random | None:
        """What shuffles the rows of the next batch; None if they are to stay in their order."""

    def replicates(self) -> bool:
        """Whether writes wait for other nodes, which answer in any order."""

    def owns(self, namespace: bytes, digest: bytes, *, writes: bool) -> bool:
        """Whether the node itself serves a record; else the row is passed on to another node."""

    def failing_row(self) -> FailingRow | None:
        """How the next row fails, if it is to fail."""

    def count_batch(self, code: int) -> None:
        """Count a batch that has ended with a result code."""

    def count_huge_frame(self) -> None:
        """Count a frame with a row that is longer than a frame."""

    def count_row(self, row: Row, kind: str, code: int, *, owned: bool) -> None:
        """Count a row: its kind ("read", "write", "delete", "udf", "tsvc"), its result code, and whether the
        node has served it itself.
        """


def run_batch(store: Store, body: bytes, host: BatchHost) -> Iterator[bytes | float]:
    """Run a batch, and give the frames of its answer.

    An empty piece stands between rows that make no frame yet: it is where others can have their turn. A
    number stands where so many seconds are to pass.
    """
    try:
        batch = _accepted(store, body, host)
    except RequestError as error:
        host.count_batch(error.code)
        yield refusal(
            body, error.code, _details(store, body[_INFO4_AT] if len(body) > _INFO4_AT else 0, error)
        )
        return
    yield from _Run(store, batch, host).frames()


def _accepted(store: Store, body: bytes, host: BatchHost) -> Batch:
    """The batch of a request, if the server takes it."""
    if host.is_disabled():
        raise RequestError(ResultCode.BATCH_DISABLED, "batch-index-threads is 0")
    batch = parse_batch(body)
    if batch.n_rows == 0:
        raise bad("no rows")
    refused = host.refuses(batch.n_rows)
    if refused is not None:
        raise RequestError(refused, f"a batch of {batch.n_rows} rows")
    if batch.filter is not None:
        check_filter(batch.filter, store.version)
    return batch


class _Run:
    """One batch while it is run."""

    __slots__ = ("_batch", "_code", "_frames", "_host", "_last", "_mixed", "_order", "_plain", "_store")

    def __init__(self, store: Store, batch: Batch, host: BatchHost) -> None:
        self._store = store
        self._batch = batch
        self._host = host
        self._order: Random | None = host.order()
        self._mixed = batch.n_rows > SMALL
        """Whether the rows of the next frames are shuffled."""
        self._frames = Frames()
        self._code = 0
        """The result of the batch. No frame with rows is sent any more when it is not 0."""
        self._last: Message | None = None
        self._plain = True
        """Whether all ops of the last message are plain reads."""

    def frames(self) -> Iterator[bytes | float]:
        """Run all rows, and give the frames that are answered."""
        for number, (row, owned) in enumerate(self._rows()):
            if number % _SLICE == _SLICE - 1:
                yield b""
            while seconds := self._host.pause(row.message, row.digest):
                yield seconds
            message = self._answer(row, owned=owned)
            full = self._frames.add(message)
            if full is not None:
                yield self._sent(full)
            self._judge(message[_CODE_AT - PROTO.size])
        rows = b"" if self._frames.open is None else self._sent(self._frames.open)
        self._host.count_batch(self._code)
        yield rows + last_message(self._code)

    def _sent(self, frame: Frame) -> bytes:
        """The bytes of a frame that takes no more rows; none if the batch has failed."""
        if frame.size > CAPACITY:
            self._host.count_huge_frame()
        if self._code:
            return b""
        self._code = frame.failure  # what is not sent yet is dropped
        return frame.encode(self._order if self._mixed else None)

    def _judge(self, code: int) -> None:
        """Let the batch fail with the code of a row, if it is to (batch.md 7.3)."""
        if self._batch.flags & _RESPOND_ALL or code in _NO_FAILURES:
            return
        if self._batch.flags & _REPORT_FAILED_ROW and self._frames.open is not None:
            self._frames.open.failure = code
        else:
            self._code = code

    # --- the order of rows ---

    def _rows(self) -> Iterator[tuple[Row, bool]]:
        """The rows in the order in which they are run, each with whether the node serves it itself.

        Those that are passed on to another node are run after all others, in any order (batch.md 7.2).
        """
        rows: Iterable[Row] = self._parsed()
        if self._batch.n_rows > 1 and not self._batch.flags & _INLINE:
            rows = list(rows)
            if self._order is not None:
                self._order.shuffle(rows)
        passed_on = []
        for row in rows:
            message = row.message
            namespace = message.fields.get(_NAMESPACE, b"")
            if self._host.owns(namespace, row.digest, writes=message.info2 & _WRITE != 0):
                yield row, True
            else:
                passed_on.append(row)
        if self._order is not None:
            self._order.shuffle(passed_on)
        for row in passed_on:
            yield row, False

    def _parsed(self) -> Iterator[Row]:
        """The rows up to the first malformed one, which ends the batch but not the rows before it."""
        try:
            yield from rows_of(self._batch, self._store.namespaces)
        except RequestError as error:
            _LOG.info("a batch of %d rows is malformed: %s", self._batch.n_rows, error.detail)
            self._code = error.code

    # --- one row ---

    def _answer(self, row: Row, *, owned: bool) -> bytes:
        """Run a row and give its message."""
        failing = self._host.failing_row()
        answer = b"" if failing is not None and not failing.executes else self._run(row)
        if failing is not None:
            answer = reply(failing.code)
        kind = _kind(row.message)
        self._host.count_row(row, kind, answer[_CODE_AT], owned=owned)
        self._mixed |= not owned or (kind != "read" and self._host.replicates())
        # The answer of another node is not changed (batch.md 7.2).
        as_reads = kind == "read" and owned and not self._has_plain_results(row.message)
        return row_message(answer, row.number, as_reads=as_reads)

    def _run(self, row: Row) -> bytes:
        """The reply frame that a single request would get."""
        message, store = row.message, self._store
        digest = message.fields.get(_DIGEST, row.digest)
        try:
            self._host.check_row(message, digest)
            if len(message.ops) > OPS_MAX:
                raise bad("too many ops")
            return run_on(store, message, digest)
        except RequestError as error:
            return reply(error.code, details=_details(store, message.info4, error))
        except Exception:
            _LOG.exception("a row of a batch failed: %r", row)
            return reply(ResultCode.UNKNOWN)

    def _has_plain_results(self, message: Message) -> bool:
        """Whether all ops of a request are plain reads."""
        if message is not self._last:
            self._last = message
            self._plain = all(op.code == _OP_READ for op in message.ops)
        return self._plain


def _details(store: Store, info4: int, error: RequestError) -> bytes:
    """The error details' field, for clients that ask for it."""
    return details_field(info4, error) if store.version.error_details else b""


def _kind(message: Message) -> str:
    """What the statistics call a row."""
    if message.info2 & _WRITE:
        if message.info2 & _DELETE:
            return "delete"
        return "udf" if is_udf(message) else "write"
    return "read" if message.info1 & _READ else "tsvc"
