"""What is to be said of each method of the official client: how it differs here, and pyspike's own way.

`METHODS` and `OF_QUERIES` have what to write with pyspike's own client; `DIFFERENT` what a program that stays
as it is may see other than with the official client; `MISSING` what this version does not have. The names of
its modules are in `names`.
"""

from __future__ import annotations

__all__ = ["DIFFERENT", "METHODS", "MISSING", "OF_QUERIES", "OWN_METHODS"]

_INDEX = 'client.create_index("test", "users", "name", bin="age", type=IndexType.NUMERIC).wait()'
_ROWS = "client.batch([BatchRead(key), BatchWrite(key, [...]), BatchDelete(key)])"

# Methods of the client, in the order of the documentation.
METHODS = {
    "connect": "nothing: Client(...) connects",
    "close": "client.close(), or with Client(...) as client",
    "is_connected": "client.is_connected()",
    "get": 'record = client.get(key); record["bin"], record.generation, record.ttl; or default=None',
    "select": 'client.get(key, ["a", "b"])',
    "exists": "client.exists(key), a bool; client.get(key, []) for generation and ttl",
    "put": "client.put(key, bins, ttl=..., generation=..., policy=WritePolicy(...))",
    "remove": "client.delete(key), which says whether there was a record",
    "remove_bin": 'client.put(key, {"bin": None})',
    "append": 'client.append(key, {"bin": "text"})',
    "prepend": 'client.prepend(key, {"bin": "text"})',
    "increment": 'client.add(key, {"bin": 1})',
    "touch": "client.touch(key, ttl=seconds)",
    "operate": "client.operate(key, [operations...]); record.results has what each gave",
    "operate_ordered": "client.operate(key, [operations...]).results",
    "apply": "client.execute_udf(key, module, function, args)",
    "batch_read": "client.batch_get(keys, bins), a list of records; " + _ROWS,
    "batch_write": _ROWS,
    "batch_operate": "client.batch_operate(keys, [operations...])",
    "batch_remove": "client.batch_delete(keys)",
    "batch_apply": "client.batch_apply(keys, module, function, args)",
    "query": 'client.query(Statement("test", "users", where=filters.equal("age", 30))), an iterator',
    "scan": 'client.query(Statement("test", "users")), an iterator',
    "query_apply": "client.query_execute_udf(statement, module, function, args), a task",
    "scan_apply": "client.query_execute_udf(statement, module, function, args), a task",
    "execute_background": "client.query_operate(statement, [operations...]), a task",
    "job_info": "task.progress, task.wait(); client.jobs()",
    "index_integer_create": _INDEX,
    "index_string_create": _INDEX,
    "index_blob_create": _INDEX,
    "index_geo2dsphere_create": _INDEX,
    "index_single_value_create": _INDEX,
    "index_list_create": _INDEX.replace(").wait", ", collection=CollectionIndexType.LIST).wait"),
    "index_map_keys_create": _INDEX.replace(").wait", ", collection=CollectionIndexType.MAP_KEYS).wait"),
    "index_map_values_create": _INDEX.replace(").wait", ", collection=CollectionIndexType.MAP_VALUES).wait"),
    "index_cdt_create": _INDEX.replace(").wait", ", ctx=[...]).wait"),
    "index_expr_create": _INDEX.replace('bin="age"', "expression=exp..."),
    "index_set_create": 'client.create_set_index("test", "users", "name").wait()',
    "index_remove": 'client.drop_index("test", "name").wait()',
    "info_all": "client.info(command), a dict of answers",
    "info_single_node": "client.info(command, node)",
    "info_random_node": "client.info(command, client.node_names()[0])",
    "get_nodes": "client.nodes()",
    "get_node_names": "client.node_names()",
    "get_stats": "client.stats() and client.metrics()",
    "enable_metrics": "client.metrics(), or pyspike.telemetry",
    "disable_metrics": "nothing",
    "udf_put": "client.register_udf(path).wait()",
    "udf_remove": "client.remove_udf(name).wait()",
    "udf_list": "client.list_udfs()",
    "udf_get": "client.get_udf(name)",
    "truncate": "client.truncate(namespace, set_name, before=datetime)",
    "set_xdr_filter": "client.set_xdr_filter(datacenter, namespace, expression)",
    "get_expression_base64": "expression.to_base64()",
    "get_cdtctx_base64": "operations.context.to_base64(ctx)",
    "get_key_partition_id": "Key(namespace, set_name, user_key).partition_id",
    "admin_create_user": "client.create_user(user, password, roles)",
    "admin_create_pki_user": "client.create_pki_user(user, roles)",
    "admin_drop_user": "client.drop_user(user)",
    "admin_set_password": "client.change_password(user, password)",
    "admin_change_password": "client.change_password(user, password)",
    "admin_grant_roles": "client.grant_roles(user, roles)",
    "admin_revoke_roles": "client.revoke_roles(user, roles)",
    "admin_query_user_info": "client.query_user(user)",
    "admin_query_users_info": "client.query_users()",
    "admin_create_role": "client.create_role(role, [Privilege(...)])",
    "admin_drop_role": "client.drop_role(role)",
    "admin_grant_privileges": "client.grant_privileges(role, [Privilege(...)])",
    "admin_revoke_privileges": "client.revoke_privileges(role, [Privilege(...)])",
    "admin_get_role": "client.query_role(role)",
    "admin_get_roles": "client.query_roles()",
    "admin_query_role": "client.query_role(role)",
    "admin_query_roles": "client.query_roles()",
    "admin_set_whitelist": "client.set_allowlist(role, addresses)",
    "admin_set_quotas": "client.set_quotas(role, read_quota, write_quota)",
    "commit": "the end of the with; or client.commit(txn)",
    "abort": "an exception in the with; or client.abort(txn)",
    "shm_key": "nothing: no memory is shared",
    "get_policies": "nothing: a program keeps the policies that it makes",
}

# Those of what `client.query` and `client.scan` give.
_STATEMENT = 'Statement("test", "users", ["bin"], where=filters.equal("age", 30))'
OF_QUERIES = {
    "where": _STATEMENT,
    "where_with_expr": "Statement(..., where=filters.equal(..., expression=expression))",
    "where_with_index_name": 'Statement(..., where=filters.equal(..., index="name"))',
    "select": _STATEMENT,
    "results": "list(client.query(statement)), or better a loop over it",
    "foreach": "for record in client.query(statement), which break ends",
    "add_ops": "client.query_operate(statement, [operations...]), a task",
    "apply": "client.aggregate(statement, module, function, args), or client.query_execute_udf(...)",
    "execute_background": "client.query_operate(statement, [operations...]), a task",
    "paginate": "client.query(statement, cursor=..., policy=QueryPolicy(max_records=...))",
    "get_partitions_status": "records.cursor, which is bytes if need be",
    "is_done": "records.cursor.done",
    "max_records": "QueryPolicy(max_records=...)",
    "records_per_second": "QueryPolicy(records_per_second=...)",
    "ttl": "client.query_operate(statement, [operations...], ttl=...)",
}

DIFFERENT = {
    "put": "text keeps what follows a NUL; maps with keys other than int, str and bytes are an error",
    "shm_key": "no memory is shared between processes",
    "Transaction": "one that is dropped while open is aborted at once",
    "set_log_handler": "messages are those of pyspike, which has fewer",
}

MISSING: dict[str, str] = {}  # the name, and what there is not

# Methods whose names other objects have too.
_SHARED = frozenset(
    (
        *("get", "put", "select", "exists", "remove", "append", "prepend", "touch", "apply", "query", "scan"),
        *("close", "connect", "truncate", "commit", "abort", "increment"),
    )
)
OWN_METHODS = frozenset(METHODS) - _SHARED
