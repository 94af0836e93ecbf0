"""What a query tells of a record: no bins, all bins, some bins, or the results of read operations.

Owns: which of these a request asks for, and which records it leaves out. Not here: single operations
(../records/operations.py), messages (../protocol/query_answer.py).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeAlias

from ..protocol.constants import BIN_NAME_MAX, Info1, Info2, OpCode
from ..protocol.framing import Message, encode_op
from ..protocol.query_request import bin_list
from ..protocol.result import RequestError, bad
from ..records.commands import all_bins, read_ops
from ..records.operations import READ_OPS, operations_of
from ..storage.record import Record
from ..storage.store import Store

__all__ = ["Content", "content_of"]

Content: TypeAlias = Callable[[bytes, Record], "tuple[int, bytes] | None"]
"""What is told of a record, given by its digest and itself: the number of ops, and the ops. None: it is left
out."""

_OP_READ = int(OpCode.READ)


def content_of(store: Store, message: Message) -> Content:
    """What a request asks for.

    Raises:
        RequestError: PARAMETER: an op that does not read, or names no bin that there can be.

    """
    names, known = bin_list(message), operations_of(store.version)
    if names is not None and message.ops:
        raise bad("bins in a list and in ops")
    for op in message.ops:
        if op.code not in READ_OPS or op.code not in known or len(op.name) > BIN_NAME_MAX:
            raise bad("an op that does not read, in a query that gives records")
    if message.info1 & Info1.GET_NO_BINS:
        return lambda digest, record: (0, b"")
    if names is not None:
        return partial(_some_bins, names)
    if not message.ops:
        return lambda digest, record: (len(record.bins), all_bins(record))
    if all(op.code == _OP_READ for op in message.ops) and not message.info2 & Info2.RESPOND_ALL_OPS:
        return partial(_some_bins, [op.name for op in message.ops])
    return partial(_results, store, message)


def _some_bins(names: list[bytes], digest: bytes, record: Record) -> tuple[int, bytes] | None:
    bins = record.bins
    ops = [
        encode_op(_OP_READ, found[0], name, found[1])
        for name in names
        if (found := bins.get(name)) is not None
    ]
    return (len(ops), b"".join(ops)) if ops else None


def _results(store: Store, message: Message, digest: bytes, record: Record) -> tuple[int, bytes] | None:
    try:
        ops = read_ops(store, record, digest, message)
    except RequestError:
        return None  # as if it had none of the bins
    return (len(ops), b"".join(ops)) if ops else None
