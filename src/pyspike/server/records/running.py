"""Which code runs a request that has a digest: a single one, a row of a batch, or a part of a job.

Owns: this choice. Not here: the commands themselves (commands.py, udf.py), and what transactions add to them
(strong.py).
"""

from __future__ import annotations

from ..protocol.constants import FieldType, Info2
from ..protocol.framing import Message
from ..storage.store import Store
from .commands import delete, read, write
from .place import find_place
from .space import RecordSpace
from .strong import run_strong
from .udf import apply_udf, is_udf

__all__ = ["execute", "run_on"]

_WRITE, _DELETE = int(Info2.WRITE), int(Info2.DELETE)
_F_DIGEST = int(FieldType.DIGEST)


def execute(store: Store, message: Message) -> bytes:
    """Run a request that has a digest and give its reply frame.

    Raises:
        RequestError: the reply is the code without a record's generation.

    """
    return run_on(store, message, message.fields[_F_DIGEST])


def run_on(store: Store, message: Message, digest: bytes) -> bytes:
    """Run a request on the record of a digest, and give its reply frame.

    Raises:
        RequestError: as by `execute`.

    """
    namespace = find_place(store, message, digest)
    if namespace.is_strong:
        return run_strong(namespace, message, digest, _run)
    return _run(namespace, message, digest)


def _run(space: RecordSpace, message: Message, digest: bytes) -> bytes:
    info2 = message.info2
    if not info2 & _WRITE:
        return read(space, digest, message)
    if info2 & _DELETE:
        return delete(space, digest, message)
    if is_udf(message):
        return apply_udf(space, message, digest)
    return write(space, digest, message)
