"""pyspike, an Aerospike client for Python: one pooled client for every thread and task.

from pyspike import Client, Key

with Client("127.0.0.1:3000") as client:
client.put(Key("test", "users", "ann"), {"name": "Ann"})
"""

from __future__ import annotations

import importlib
import logging
from typing import TYPE_CHECKING, Any

from pyspike import errors
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
from pyspike.policy import (
    ClientPolicy,
    CommitLevel,
    ConsistencyLevel,
    Expiration,
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
    GeoJSON,
    HyperLogLog,
    KeyOrderedDict,
    KeyValueOrderedDict,
    MultiResult,
    RawParticle,
)
from pyspike.version import __version__

__all__ = [
    "AerospikeError",
    "AsyncClient",
    "Client",
    "ClientPolicy",
    "CommitLevel",
    "ConnectionError",
    "ConsistencyLevel",
    "Expiration",
    "FilteredOut",
    "GenerationError",
    "GenerationPolicy",
    "GeoJSON",
    "Host",
    "HyperLogLog",
    "InfoPolicy",
    "InvalidArgument",
    "InvalidType",
    "Key",
    "KeyOrderedDict",
    "KeyValueOrderedDict",
    "MultiResult",
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
    "operations",
]

if TYPE_CHECKING:
    from pyspike import operations
    from pyspike.aio import AsyncClient


# What takes as long to import as all the rest is imported when it is asked for.
_LATER = {"AsyncClient": "pyspike.aio", "operations": "pyspike.operations"}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(_LATER[name])
    value = globals()[name] = getattr(module, name, module)
    return value


# Without this, Python itself would print the library's warnings to stderr.
logging.getLogger("pyspike").addHandler(logging.NullHandler())
