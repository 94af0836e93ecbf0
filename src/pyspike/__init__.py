"""pyspike, an Aerospike client for Python: one pooled client for every thread and task.

from pyspike import Client, Key

with Client("127.0.0.1:3000") as client:
client.put(Key("test", "users", "ann"), {"name": "Ann"})
"""

from __future__ import annotations

import importlib
import logging
import warnings
from typing import TYPE_CHECKING, Any

from pyspike import collision, errors
from pyspike._wire import Key, Operation, Record, digest
from pyspike.client import Client
from pyspike.errors import (
    AerospikeError,
    ConnectionError,
    FilteredOut,
    GenerationError,
    InvalidArgument,
    InvalidType,
    RecordExists,
    RecordNotFound,
    ServerError,
    TimeoutError,
)
from pyspike.hosts import Host
from pyspike.later import importing
from pyspike.nodes import Node
from pyspike.policy import (
    ClientPolicy,
    CommitLevel,
    ConsistencyLevel,
    GenerationPolicy,
    InfoPolicy,
    ReadPolicy,
    ReadTouchTTL,
    RecordExistsAction,
    Replica,
    WritePolicy,
)
from pyspike.result_code import ResultCode
from pyspike.values import (
    INFINITY,
    WILDCARD,
    Expiration,
    GeoJSON,
    HyperLogLog,
    KeyOrderedDict,
    KeyValueOrderedDict,
    MultiResult,
    RawParticle,
)
from pyspike.version import __version__

__all__ = [
    "INFINITY",
    "WILDCARD",
    "AerospikeError",
    "AsyncClient",
    "BitOverflowAction",
    "BitResizeFlags",
    "BitWriteFlags",
    "Client",
    "ClientPolicy",
    "CommitLevel",
    "ConnectionError",
    "ConsistencyLevel",
    "ExpReadFlags",
    "ExpWriteFlags",
    "Expiration",
    "FilteredOut",
    "GenerationError",
    "GenerationPolicy",
    "GeoJSON",
    "HLLWriteFlags",
    "Host",
    "HyperLogLog",
    "InfoPolicy",
    "InvalidArgument",
    "InvalidType",
    "Key",
    "KeyOrderedDict",
    "KeyValueOrderedDict",
    "ListOrder",
    "ListReturnType",
    "ListSortFlags",
    "ListWriteFlags",
    "MapOrder",
    "MapReturnType",
    "MapWriteFlags",
    "MultiResult",
    "Node",
    "Operation",
    "RawParticle",
    "ReadPolicy",
    "ReadTouchTTL",
    "Record",
    "RecordExists",
    "RecordExistsAction",
    "RecordNotFound",
    "Replica",
    "ResultCode",
    "ServerError",
    "TimeoutError",
    "WritePolicy",
    "__version__",
    "digest",
    "errors",
    "exp",
    "operations",
]

if TYPE_CHECKING:
    from pyspike import exp, operations
    from pyspike.aio import AsyncClient
    from pyspike.operations.enums import (
        BitOverflowAction,
        BitResizeFlags,
        BitWriteFlags,
        ExpReadFlags,
        ExpWriteFlags,
        HLLWriteFlags,
        ListOrder,
        ListReturnType,
        ListSortFlags,
        ListWriteFlags,
        MapOrder,
        MapReturnType,
        MapWriteFlags,
    )


_FLAGS = (
    "BitOverflowAction",
    "BitResizeFlags",
    "BitWriteFlags",
    "ExpReadFlags",
    "ExpWriteFlags",
    "HLLWriteFlags",
    "ListOrder",
    "ListReturnType",
    "ListSortFlags",
    "ListWriteFlags",
    "MapOrder",
    "MapReturnType",
    "MapWriteFlags",
)

# What takes as long to import as all the rest is imported when it is asked for.
_LATER = {
    "AsyncClient": "pyspike.aio",
    "exp": "pyspike.exp",
    "operations": "pyspike.operations",
    **dict.fromkeys(_FLAGS, "pyspike.operations.enums"),
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    with importing:
        module = importlib.import_module(_LATER[name])
    value = globals()[name] = getattr(module, name, module)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})


if (_wrong := collision.explanation()) is not None:
    warnings.warn(_wrong, RuntimeWarning, stacklevel=2)

# Without this, Python itself would print the library's warnings to stderr.
logging.getLogger("pyspike").addHandler(logging.NullHandler())
