# The kinds of commands, by which metrics tell them apart: which method of the client made them, and what they are to a node.

cdef enum CommandKind:
    KIND_OTHER                              # such as one of bytes that are made in Python
    KIND_GET
    KIND_EXISTS
    KIND_PUT
    KIND_ADD
    KIND_APPEND
    KIND_PREPEND
    KIND_DELETE
    KIND_TOUCH
    KIND_OPERATE_READ                       # an `operate` that only reads
    KIND_OPERATE_WRITE
    KIND_EXECUTE_UDF                        # up to here they are made by a method for one record
    KIND_TRANSACTION                        # has the servers know what a transaction writes, or forget the transaction
    KIND_VERIFY_READ
    KIND_COMMIT_WRITE
    KIND_ABORT_WRITE
    KIND_BATCH_COMMIT
    KIND_BATCH_ABORT
    KIND_BATCH
    KIND_BATCH_STREAM
    KIND_BATCH_OPERATE
    KIND_BATCH_APPLY
    KIND_BATCH_GET
    KIND_BATCH_EXISTS
    KIND_BATCH_PUT
    KIND_BATCH_DELETE
    KIND_BATCH_GET_ARROW
    KIND_WRITE_ARROW
    KIND_QUERY
    KIND_QUERY_ARROW
    KIND_QUERY_OPERATE
    KIND_QUERY_EXECUTE_UDF
    KIND_AGGREGATE
    KIND_EXPLAIN
    KIND_ADMIN                              # the first of those about the cluster, which are known by their methods' names only


cdef enum:
    KIND_COUNT = 72                         # how many kinds there may be


cdef tuple COMMAND_KINDS = (                # the method, and what the command is to a node
    ("other", "read"), ("get", "read"), ("exists", "read"), ("put", "write"), ("add", "write"), ("append", "write"),
    ("prepend", "write"), ("delete", "write"), ("touch", "write"), ("operate", "read"), ("operate", "write"),
    ("execute_udf", "write"), ("transaction", "write"), ("commit", "read"), ("commit", "write"), ("abort", "write"),
    ("commit", "batch"), ("abort", "batch"), ("batch", "batch"), ("batch_stream", "batch"), ("batch_operate", "batch"),
    ("batch_apply", "batch"), ("batch_get", "batch"), ("batch_exists", "batch"), ("batch_put", "batch"),
    ("batch_delete", "batch"), ("batch_get_arrow", "batch"), ("write_arrow", "batch"), ("query", "query"),
    ("query_arrow", "query"), ("query_operate", "query"), ("query_execute_udf", "query"), ("aggregate", "query"),
    ("explain", "query"),
) + tuple([(method, "admin") for method in (
    "info", "wait",                         # what a task asks while it is waited for
    "create_index", "create_set_index", "drop_index", "list_indexes", "truncate", "set_xdr_filter", "register_udf",
    "remove_udf", "list_udfs", "get_udf", "jobs", "abort_job", "create_user", "create_pki_user", "drop_user",
    "change_password", "grant_roles", "revoke_roles", "query_users", "query_user", "create_role", "drop_role",
    "grant_privileges", "revoke_privileges", "set_allowlist", "set_quotas", "query_roles", "query_role",
)])
assert len(COMMAND_KINDS) <= KIND_COUNT
cdef tuple METHODS = tuple([method for method, _ in COMMAND_KINDS])
cdef dict BATCH_KINDS = {                   # by the method's name
    method: kind for kind, (method, group) in enumerate(COMMAND_KINDS) if group == "batch"
}
cdef dict CALL_KINDS = {                    # of what no executor runs
    method: kind for kind, (method, group) in enumerate(COMMAND_KINDS) if group in ("query", "admin")
}


def command_kinds() -> tuple[tuple[str, str], ...]:
    """Return the kinds of commands: the method that makes them, and "read", "write", "batch", "query" or "admin"."""
    return COMMAND_KINDS


cdef inline str method_of(CommandKind kind):
    """Returns the name of the method for one record that made a command; None of other commands."""
    return <str>METHODS[<int>kind] if KIND_OTHER < kind <= KIND_EXECUTE_UDF else None


cdef inline CommandKind batch_kind(str method):
    """Returns the kind of the commands of a batch; one without a name is a stream's."""
    return KIND_BATCH_STREAM if method is None else <CommandKind><int>BATCH_KINDS.get(method, <int>KIND_BATCH)
