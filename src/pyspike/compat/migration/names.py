"""What to write for names of the official client's modules: constants, exceptions, helpers, expressions."""

from __future__ import annotations

from functools import cache

from pyspike import errors
from pyspike.compat.facts import expressions
from pyspike.compat.facts.operations import FAMILIES
from pyspike.compat.model.exceptions import CLASSES, OWN

__all__ = ["CONSTANTS", "NAMES", "OF_MODULE", "helper_names", "own_name"]

# Families of constants by how they begin; the longest that fits counts.
CONSTANTS = {
    "POLICY_KEY_": "WritePolicy(send_key=...)",
    "POLICY_EXISTS_": "RecordExistsAction",
    "POLICY_GEN_": "GenerationPolicy",
    "POLICY_COMMIT_LEVEL_": "CommitLevel",
    "POLICY_REPLICA_": "Replica",
    "POLICY_READ_MODE_AP_": "ConsistencyLevel",
    "POLICY_READ_MODE_SC_": "ReadModeSC",
    "POLICY_RETRY_": "WritePolicy(max_retries=...)",
    "TTL_": "Expiration",
    "AUTH_": "AuthMode",
    "LIST_RETURN_": "ListReturnType",
    "LIST_WRITE_": "ListWriteFlags",
    "LIST_SORT_": "ListSortFlags",
    "LIST_": "ListOrder",
    "MAP_RETURN_": "MapReturnType",
    "MAP_WRITE_": "MapWriteFlags",
    "MAP_": "MapOrder",
    "BIT_WRITE_": "BitWriteFlags",
    "BIT_RESIZE_": "BitResizeFlags",
    "BIT_OVERFLOW_": "BitOverflowAction",
    "HLL_WRITE_": "HLLWriteFlags",
    "EXP_READ_": "ExpReadFlags",
    "EXP_WRITE_": "ExpWriteFlags",
    "EXP_PATH_SELECT_": "PathSelect",
    "EXP_PATH_MODIFY_": "operations.paths.modify(..., no_fail=...)",
    "EXP_LOOPVAR_": "exp.loop_key(...), loop_value(...), loop_index()",
    "INDEX_TYPE_": "CollectionIndexType",
    "INDEX_": "IndexType",
    "QUERY_DURATION_": "QueryDuration",
    "REGEX_": "exp.RegexFlags",
    "PRIV_": "Privilege",
    "ERROR_DETAIL_": "ErrorDetails",
    "SUB_": "error.subcode, a number",
    "CDT_CTX_": "operations.context",
    "OP_LIST_": "operations.lists",
    "OP_MAP_": "operations.maps",
    "OP_BIT_": "operations.bitwise",
    "OP_HLL_": "operations.hll",
    "OP_EXPR_": "operations.exp",
    "COMMIT_": "CommitStatus",
    "ABORT_": "AbortStatus",
    "TXN_STATE_": "TransactionState",
    "JOB_": "a task: task.wait(), task.progress; client.jobs()",
    "LOG_LEVEL_": "the levels of logging",
    "SERIALIZER_": "ClientPolicy(codecs=[...]) for types that Aerospike has not",
    "AS_BYTES_": "the type of the value; RawParticle(type, data) for one that Python has not",
    "UDF_TYPE_": "nothing: all are in Lua",
}

# Of the module `aerospike`, but for constants and exceptions.
OF_MODULE = {
    "client": 'Client("127.0.0.1:3000", ClientPolicy(...)), a context manager; AsyncClient for asyncio',
    "Client": "pyspike.Client",
    "Query": "pyspike.Statement, and pyspike.Recordset for what a query gives",
    "Scan": "pyspike.Statement, and pyspike.Recordset for what a query gives",
    "MetricsPolicy": "pyspike.telemetry",
    "Transaction": "with client.transaction() as txn, and client.put(key, bins, txn=txn)",
    "calc_digest": "Key(namespace, set_name, user_key).digest",
    "get_partition_id": "Key(namespace, set_name, user_key).partition_id",
    "GeoJSON": "pyspike.GeoJSON, a str",
    "geodata": "pyspike.GeoJSON(data)",
    "geojson": "pyspike.GeoJSON(text)",
    "KeyOrderedDict": "pyspike.KeyOrderedDict",
    "null": "None",
    "CDTInfinite": "pyspike.INFINITY",
    "CDTWildcard": "pyspike.WILDCARD",
    "set_log_level": 'logging.getLogger("pyspike").setLevel(...)',
    "set_log_handler": 'logging.getLogger("pyspike").addHandler(...)',
    "set_serializer": "values made bytes of before they are written, by the program",
    "set_deserializer": "values made of bytes after they are read, by the program",
    "unset_serializers": "nothing",
    "ConfigProvider": "pyspike.ConfigProvider(path, interval)",
    "predicates": "pyspike.filters",
    "exception": "pyspike.errors",
}

_SOME = "client.batch([...]), a list of BatchRecord"
_METRICS = "client.metrics() and client.stats(), which are values"

# Others that are no helpers of operations or expressions in the tables of `facts`.
NAMES = {
    "between": 'filters.range("bin", 1, 5)',
    "equals": 'filters.equal("bin", 1)',
    "predicates.contains": 'filters.contains("bin", value, CollectionIndexType.LIST)',
    "predicates.range": 'filters.contains_range("bin", 1, 5, CollectionIndexType.LIST)',
    "geo_within_geojson_region": 'filters.geo_within_region("bin", region)',
    "geo_within_radius": 'filters.geo_within_radius("bin", longitude, latitude, metres)',
    "geo_contains_geojson_point": 'filters.geo_contains("bin", point)',
    "geo_contains_point": 'filters.geo_contains("bin", GeoJSON(...))',
    "records.BatchRecords": _SOME,
    "records.BatchRecord": "BatchRecord, with record, error, ok and in_doubt",
    "records.Read": "BatchRead(key, bins)",
    "records.Write": "BatchWrite(key, [operations...])",
    "records.Apply": "BatchUDF(key, module, function, args)",
    "records.Remove": "BatchDelete(key)",
    "OPERATOR_READ": "operations.get(...)",
    "OPERATOR_WRITE": "operations.put(...)",
    "OPERATOR_INCR": "operations.add(...)",
    "OPERATOR_APPEND": "operations.append(...)",
    "OPERATOR_PREPEND": "operations.prepend(...)",
    "OPERATOR_TOUCH": "operations.touch()",
    "OPERATOR_DELETE": "operations.delete()",
    "operations.delete": "operations.delete()",
    "operations.touch": "operations.touch()",
    "operations.select_by_path": "operations.paths.select(...)",
    "operations.modify_by_path": "operations.paths.modify(...)",
    "ResultType": "exp.ExpType",
    "Val": "exp.val(...)",
    "KeyInt": "exp.key(int)",
    "KeyStr": "exp.key(str)",
    "KeyBlob": "exp.key(bytes)",
    "CmpRegex": "exp.regex_compare(...)",
    "LoopVar": "exp.loop_value(...), loop_key(...), loop_index()",
    "SelectByPath": "exp.paths.select(...)",
    "ModifyByPath": "exp.paths.modify(...)",
    "string_helpers.NumericType": "NumericType",
    "string_helpers.RegexFlags": "StringRegexFlags",
    "string_helpers.StringPolicy": "StringWriteFlags",
    "string_helpers.WriteFlags": "StringWriteFlags",
    "Cluster": _METRICS,
    "ClusterStats": _METRICS,
    "ConnectionStats": _METRICS,
    "MetricsListeners": "pyspike.telemetry",
    "metrics.MetricsPolicy": "pyspike.telemetry",
    "NamespaceMetrics": _METRICS,
    "Node": _METRICS,
    "NodeStats": _METRICS,
    "aerospike.INTEGER": "nothing: values have types",
    "aerospike.AS_BOOL": "nothing: a bool is a bool",
}
NAMES.update({f"LoopVar{name}": NAMES["LoopVar"] for name in expressions.LOOP_VARIABLES})

# Exceptions that stand for several of pyspike's, or for none.
_EXCEPTIONS = {
    "AerospikeError": "pyspike.AerospikeError",
    "ClientError": "pyspike.AerospikeError",
    "InvalidHostError": "pyspike.ConnectFailed",
    "ClientAbortError": "pyspike.AerospikeError",
    "AsyncConnectionError": "pyspike.ConnectionError",
    "MaxRetriesExceeded": "pyspike.AerospikeError: that of the last attempt",
    "NoResponse": "pyspike.TimeoutError",
    "TransactionFailed": "pyspike.TransactionFailed",
    "TransactionAlreadyCommitted": "pyspike.TransactionAlreadyCommitted",
    "TransactionAlreadyAborted": "pyspike.TransactionAlreadyAborted",
    "RecordError": "pyspike.RecordError",
    "AdminError": "pyspike.SecurityError",
}


def own_name(path: str) -> str:
    """What to write for a name of the official client's modules; empty if there is nothing to say.

    Args:
        path: the name with its module, such as `aerospike.exception.RecordNotFound`.
    """
    owner, _, name = path.rpartition(".")
    for known in (f"{owner.rpartition('.')[2]}.{name}", name):
        if known in NAMES:
            return NAMES[known]
    if owner.startswith("aerospike_helpers"):
        module = owner.rpartition(".")[2]  # or the class, of a member of an enum
        names = helper_names()
        return names.get(f"{module}.{name}") or names.get(name) or NAMES.get(module, "")
    if owner.endswith(".exception"):
        return exception_names().get(name, "")
    family = max((each for each in CONSTANTS if name.startswith(each)), key=len, default="")
    return OF_MODULE.get(name) or CONSTANTS.get(family, "")


@cache
def exception_names() -> dict[str, str]:
    """Pyspike's names for the exceptions."""
    made = {name: f"pyspike.{kind.__name__}" for kind, name in reversed(OWN)}
    for name, kind in CLASSES.items():
        if kind.code is not None and kind.code > 0:
            made[name] = f"pyspike.{type(errors.from_code(kind.code, key=_SOME_KEY)).__name__}"
    return made | _EXCEPTIONS


@cache
def helper_names() -> dict[str, str]:
    """What to write for helpers of contexts and expressions, and for those of operations by their modules."""
    made = {}
    for module, family in FAMILIES.items():
        for helper in family.helpers:
            place = ".".join(filter(None, ("operations", family.module, helper.function)))
            made[f"{module}.{helper.name}"] = f"{place}(...)"
    for table in (
        *(expressions.BASE, expressions.NUMBERS, expressions.INT_BITS, expressions.LISTS),
        *(expressions.MAPS, expressions.BITS, expressions.HLLS, expressions.STRINGS),
    ):
        for row in expressions.rows(table):
            made[row.name] = f"exp.{row.function}(...)"
    for step in _STEPS:
        made[f"cdt_ctx_{step}"] = f"operations.context.{step}(...)"
    return made


_STEPS = (
    *("list_index", "list_index_create", "list_rank", "list_value", "map_index", "map_key", "map_key_create"),
    *("map_rank", "map_value", "map_keys_in", "all_children", "all_children_with_filter", "and_filter"),
)
_SOME_KEY = object()  # an error without a key is none of a record
