"""pyspike, an Aerospike client for Python: one pooled client for every thread and task.

To begin with:

    from pyspike import Client, Key

    with Client("127.0.0.1:3000") as client:
        client.put(Key("test", "users", "ann"), {"name": "Ann"})
"""

from __future__ import annotations

import gc
import importlib
import warnings
from typing import TYPE_CHECKING, Any

_collecting = gc.isenabled()
gc.disable()  # nothing of what follows is garbage, and to look for some takes an eighth of the time
try:
    from pyspike import errors, other_distribution
    from pyspike._types import (
        ArrowRows,
        Bins,
        ColumnTypes,
        Filter,
        KeyLike,
        MetadataColumns,
        Milliseconds,
        OnMismatch,
        SupportsArrowArray,
        SupportsArrowSchema,
        SupportsArrowStream,
        SupportsToBytes,
        Ttl,
    )
    from pyspike._wire import (
        ArrowSchema,
        AsyncBatchStream,
        AsyncRecordset,
        BatchDelete,
        BatchRead,
        BatchRecord,
        BatchRow,
        BatchStream,
        BatchUDF,
        BatchWrite,
        Key,
        Operation,
        Record,
        Recordset,
        Written,
        digest,
    )
    from pyspike.batch import BatchResults
    from pyspike.client import Client
    from pyspike.error_details import ExpressionTrace
    from pyspike.errors import *  # noqa: F403 - all of them, by the names in its __all__
    from pyspike.hosts import Host, HostsLike
    from pyspike.index import CollectionIndexType, IndexType, SecondaryIndex
    from pyspike.nodes import Node, NodeStatus
    from pyspike.policy import (
        AdminPolicy,
        AuthMode,
        BatchDeletePolicy,
        BatchPolicy,
        BatchReadPolicy,
        BatchUDFPolicy,
        BatchWritePolicy,
        ClientPolicy,
        CommitLevel,
        Concurrency,
        ConfigProvider,
        ConsistencyLevel,
        ErrorDetails,
        GenerationPolicy,
        InfoPolicy,
        QueryDuration,
        QueryPolicy,
        ReadModeSC,
        ReadPolicy,
        ReadTouchTTL,
        RecordExistsAction,
        Replica,
        TLSPolicy,
        TxnRollPolicy,
        TxnVerifyPolicy,
        WritePolicy,
    )
    from pyspike.process.lazy_imports import importing
    from pyspike.query import Cursor, IndexFilter, PartitionFilter, Statement
    from pyspike.result_code import ResultCode
    from pyspike.task import ExecuteTask, IndexTask, Task
    from pyspike.transaction import (
        AbortStatus,
        AsyncTransaction,
        BlockingTransaction,
        CommitStatus,
        Transaction,
        TransactionState,
    )
    from pyspike.udf import UdfModule, UdfSource
    from pyspike.values import (
        INFINITY,
        WILDCARD,
        Expiration,
        GeoJSON,
        HyperLogLog,
        KeyOrderedDict,
        KeyValueOrderedDict,
        MultiResult,
        OrderedList,
        RawParticle,
    )
    from pyspike.version import __version__
finally:
    if _collecting:
        gc.enable()

__all__ = [
    "INFINITY",
    "WILDCARD",
    "AbortStatus",
    "AdminPolicy",
    "ArrowBatch",
    "ArrowRows",
    "ArrowSchema",
    "ArrowStream",
    "AsyncArrowStream",
    "AsyncBatchStream",
    "AsyncClient",
    "AsyncExecuteTask",
    "AsyncIndexTask",
    "AsyncRecordset",
    "AsyncTask",
    "AsyncTransaction",
    "AuthMode",
    "BatchDelete",
    "BatchDeletePolicy",
    "BatchPolicy",
    "BatchRead",
    "BatchReadPolicy",
    "BatchRecord",
    "BatchResults",
    "BatchRow",
    "BatchStats",
    "BatchStream",
    "BatchUDF",
    "BatchUDFPolicy",
    "BatchWrite",
    "BatchWritePolicy",
    "Bins",
    "BitOverflowAction",
    "BitResizeFlags",
    "BitWriteFlags",
    "BlockingTransaction",
    "ChannelStats",
    "Client",
    "ClientMetrics",
    "ClientPolicy",
    "ClientStats",
    "Codec",
    "CollectionIndexType",
    "ColumnTypes",
    "CommandMetrics",
    "CommitLevel",
    "CommitStatus",
    "CompressionStats",
    "Concurrency",
    "ConfigProvider",
    "ConnectionStats",
    "ConsistencyLevel",
    "Context",
    "Ctx",
    "Cursor",
    "ErrorDetails",
    "ExecuteTask",
    "ExpReadFlags",
    "ExpWriteFlags",
    "Expiration",
    "Explanation",
    "ExpressionTrace",
    "FailedCalls",
    "Filter",
    "GenerationPolicy",
    "GeoJSON",
    "HLLWriteFlags",
    "HealthStats",
    "Histogram",
    "Host",
    "HostsLike",
    "HyperLogLog",
    "IndexFilter",
    "IndexTask",
    "IndexType",
    "InfoPolicy",
    "Job",
    "Key",
    "KeyLike",
    "KeyOrderedDict",
    "KeyValueOrderedDict",
    "ListOrder",
    "ListReturnType",
    "ListSortFlags",
    "ListWriteFlags",
    "MapKey",
    "MapOrder",
    "MapReturnType",
    "MapWriteFlags",
    "MetadataColumns",
    "Milliseconds",
    "MultiResult",
    "Node",
    "NodeMetrics",
    "NodeStats",
    "NodeStatus",
    "NumericType",
    "OnMismatch",
    "Operation",
    "OrderedList",
    "PartitionFilter",
    "PathSelect",
    "PoolStats",
    "Privilege",
    "QueryDuration",
    "QueryPath",
    "QueryPolicy",
    "QueryStats",
    "QuotaUse",
    "RackStats",
    "RawParticle",
    "ReadModeSC",
    "ReadPolicy",
    "ReadTouchTTL",
    "Record",
    "RecordExistsAction",
    "Recordset",
    "Replica",
    "ResultCode",
    "Role",
    "RowFailure",
    "SecondaryIndex",
    "Statement",
    "StringRegexFlags",
    "StringWriteFlags",
    "SupportsArrowArray",
    "SupportsArrowSchema",
    "SupportsArrowStream",
    "SupportsToBytes",
    "TLSPolicy",
    "Task",
    "TendStats",
    "Transaction",
    "TransactionState",
    "Ttl",
    "TxnRollPolicy",
    "TxnVerifyPolicy",
    "UdfModule",
    "UdfSource",
    "User",
    "WritePolicy",
    "WriteReport",
    "Written",
    "__version__",
    "codecs",
    "digest",
    "errors",
    "exp",
    "field",
    "filters",
    "operations",
]
__all__ += errors.__all__

if TYPE_CHECKING:
    from pyspike import codecs, exp, filters, operations
    from pyspike.aio import AsyncClient
    from pyspike.async_task import AsyncExecuteTask, AsyncIndexTask, AsyncTask
    from pyspike.cdt.context import Context, Ctx, MapKey
    from pyspike.cdt.enums import (
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
        NumericType,
        PathSelect,
        StringRegexFlags,
        StringWriteFlags,
    )
    from pyspike.codecs import Codec
    from pyspike.columnar.stream import ArrowBatch, ArrowStream, AsyncArrowStream
    from pyspike.columnar.writing import RowFailure, WriteReport
    from pyspike.explanation import Explanation, QueryPath
    from pyspike.job import Job
    from pyspike.metrics import (
        ClientMetrics,
        CommandMetrics,
        FailedCalls,
        Histogram,
        NodeMetrics,
    )
    from pyspike.records.fields import field
    from pyspike.security import Privilege, QuotaUse, Role, User
    from pyspike.stats import (
        BatchStats,
        ChannelStats,
        ClientStats,
        CompressionStats,
        ConnectionStats,
        HealthStats,
        NodeStats,
        PoolStats,
        QueryStats,
        RackStats,
        TendStats,
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
    "NumericType",
    "PathSelect",
    "StringRegexFlags",
    "StringWriteFlags",
)

_STATS = (
    "BatchStats",
    "ChannelStats",
    "ClientStats",
    "CompressionStats",
    "ConnectionStats",
    "HealthStats",
    "NodeStats",
    "PoolStats",
    "QueryStats",
    "RackStats",
    "TendStats",
)

_METRICS = ("ClientMetrics", "CommandMetrics", "FailedCalls", "Histogram", "NodeMetrics")

# What takes as long to import as all the rest is imported when it is asked for.
_LATER = {
    "AsyncClient": "pyspike.aio",
    "AsyncExecuteTask": "pyspike.async_task",
    "AsyncIndexTask": "pyspike.async_task",
    "AsyncTask": "pyspike.async_task",
    "exp": "pyspike.exp",
    "filters": "pyspike.filters",
    **dict.fromkeys(("Codec", "codecs"), "pyspike.codecs"),
    "field": "pyspike.records.fields",
    "operations": "pyspike.operations",
    **dict.fromkeys(("Context", "Ctx", "MapKey"), "pyspike.cdt.context"),
    **dict.fromkeys(_FLAGS, "pyspike.cdt.enums"),
    **dict.fromkeys(_METRICS, "pyspike.metrics"),
    **dict.fromkeys(_STATS, "pyspike.stats"),
    **dict.fromkeys(("ArrowBatch", "ArrowStream", "AsyncArrowStream"), "pyspike.columnar.stream"),
    **dict.fromkeys(("RowFailure", "WriteReport"), "pyspike.columnar.writing"),
    "Job": "pyspike.job",
    **dict.fromkeys(("Explanation", "QueryPath"), "pyspike.explanation"),
    **dict.fromkeys(("Privilege", "QuotaUse", "Role", "User"), "pyspike.security"),
}


if not TYPE_CHECKING:  # or type checkers would take any name for one of the package's

    def __getattr__(name: str) -> Any:
        if name not in _LATER:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        with importing:
            module = importlib.import_module(_LATER[name])
        value = globals()[name] = getattr(module, name, module)
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})


if (_wrong := other_distribution.explanation()) is not None:
    warnings.warn(_wrong, RuntimeWarning, stacklevel=2)
