# Queries that a node runs by itself, without giving records (query-scan.md 8.1, 8.7, 8.8): it applies operations or a UDF to
# the records that the query finds in all its partitions, has a UDF aggregate them, or only says how it would find them.

cdef int put_udf_fields(Buffer* out, int kind, str module, str function, bytes arguments) except -1:
    """Names the UDF that is called with each record; returns the number of fields."""
    start_field(out, FIELD_UDF_KIND, 1)[0] = <unsigned char>kind
    put_text_field(out, FIELD_UDF_MODULE, module)
    put_text_field(out, FIELD_UDF_FUNCTION, function)
    put_field(out, FIELD_UDF_ARGUMENTS, bytes_of(arguments), <size_t>len(arguments))
    return 4


def packed_call(module: object, function: object, args: object = ()) -> tuple[str, str, bytes]:
    """Return the names and the packed arguments of a function's call, as the requests below take them.

    Raises:
        InvalidType, InvalidArgument: a name can't be one, or an argument can't be sent.
    """
    cdef Buffer out
    cdef unsigned char storage[COMMON_FILTER]
    cdef Packer packer
    cdef tuple given = call_arguments(args)
    names = module_name(module), function_name(function)
    buffer_init(&out, storage, COMMON_FILTER)
    try:
        if given:                           # other clients send an empty field without
            packer_init(&packer, &out, None)
            packer.root = "args"
            put_sequence(&packer, given)
        return *names, PyBytes_FromStringAndSize(<const char*>out.data, <Py_ssize_t>out.size)
    finally:
        buffer_free(&out)


cdef uint32_t told_socket_timeout(Settings settings) noexcept:
    """Returns how many milliseconds a node may wait until it can send, by a policy without a deadline for that."""
    if settings.socket_timeout < 0:
        return DEFAULT_SOCKET_TIMEOUT * 1000
    return <uint32_t>settings.socket_timeout


cdef tuple writing_steps(object operations):
    """Returns operations that a node can apply in the background: they only write."""
    cdef tuple steps = steps_of(operations)
    cdef OperationsSummary summary
    summarize(steps, &summary)
    for operation in steps:
        if not (<Operation>operation).flags & OP_IS_WRITE:
            raise errors.InvalidType(
                f"{shown(operation)} reads, and what it would give goes nowhere", advice="query() gives records"
            )
    return steps


cdef int refuse_projection(Statement statement) except -1:
    if statement.bins is not None or statement.operations is not None:
        raise errors.InvalidArgument(
            "the statement says which bins to give, but no records are given", advice="leave out bins and operations"
        )
    return 0


def background_request(
    Statement statement not None, Settings settings not None, int64_t query_id, *,
    operations: Iterable[Operation] | None = None, udf: tuple[str, str, bytes] | None = None,
    timeout: Milliseconds | None = None, ttl: Ttl | None = None, filter_expression: Filter | None = None,
    uint32_t records_per_second=0
) -> Command:
    """Return the command that has a node apply operations or a UDF to records in the background; it gives None.

    Args:
        statement: which records.
        settings: those of a `WritePolicy`.
        query_id: by which the nodes know it.
        operations: what is done; None with `udf`.
        udf: the module's name, the function's, and its packed arguments.
        timeout: until when the node must have begun, in milliseconds; None for that of the settings.
        ttl: how long the records live from then on; None for that of the settings.
        filter_expression: which of the records; None for that of the settings.
        records_per_second: how many records a node may look at in a second; 0 for as many as its configuration allows.

    Raises:
        InvalidType, InvalidArgument: an argument can't be used.
    """
    cdef Command command = new_command(
        KIND_QUERY_OPERATE if udf is None else KIND_QUERY_EXECUTE_UDF, NOTHING_READER, None, settings, timeout, True
    )
    cdef tuple steps = ()
    cdef int fields
    cdef uint32_t header_ttl = settings.ttl if ttl is None else <uint32_t>ttl_header(ttl)
    refuse_projection(statement)
    if operations is not None:
        steps = writing_steps(operations)
    command.namespace = statement.namespace
    put_request_header(
        &command.out, 0, INFO2_WRITE | settings.info2, settings.info3, 0, header_ttl,
        server_timeout(command.total_timeout, 0)
    )
    ask_for_details(&command.out, settings)
    fields = put_statement_fields(
        &command.out, statement, records_per_second, told_socket_timeout(settings), <uint64_t>query_id
    )
    if udf is not None:
        fields += put_udf_fields(&command.out, UDF_IN_BACKGROUND, udf[0], udf[1], udf[2])
    fields += put_filter_field(&command.out, settings, filter_expression)
    finish_request(&command.out, fields, <int>put_projection(&command.out, steps))
    return command


def aggregate_request(
    Statement statement not None, Settings settings not None, int64_t query_id, udf: tuple[str, str, bytes], *,
    timeout: Milliseconds | None = None, Trace trace=None
) -> Command:
    """Return the command that has a node aggregate records by a UDF; it gives a list of what the UDF gave.

    Args:
        statement: which records.
        settings: those of a `QueryPolicy`.
        query_id: by which the nodes know it.
        udf: the module's name, the function's, and its packed arguments.
        timeout: the deadline in milliseconds; None for that of the settings.
        trace: what becomes of it is written down there, if there is one.

    Raises:
        InvalidType, InvalidArgument: an argument can't be used.
    """
    cdef Command command = new_command(KIND_AGGREGATE, AggregateReader(), None, settings, timeout, False)
    cdef int fields
    refuse_projection(statement)
    command.namespace = statement.namespace
    command.trace = trace
    put_request_header(
        &command.out, INFO1_READ, 0, INFO3_PARTITION_DONE, 0, QUERY_TTL, server_timeout(command.total_timeout, 0)
    )
    ask_for_details(&command.out, settings)
    fields = put_statement_fields(
        &command.out, statement, settings.records_per_second, told_socket_timeout(settings), <uint64_t>query_id
    )
    fields += put_udf_fields(&command.out, UDF_AGGREGATES, udf[0], udf[1], udf[2])
    finish_request(&command.out, fields, 0)
    return command


def explain_request(
    Statement statement not None, Settings settings not None, int64_t query_id, bytes where not None, *,
    str index=None, timeout: Milliseconds | None = None
) -> Command:
    """Return the command that has a node say by which index it would find records; it gives a dict of fields.

    Args:
        statement: of which namespace and set.
        settings: those of a `QueryPolicy`.
        query_id: by which the node knows it.
        where: flag bytes, and the text that says which records.
        index: the name of the index that is hoped for; None without one.
        timeout: the deadline in milliseconds; None for that of the settings.
    """
    cdef Command command = new_command(KIND_EXPLAIN, FIELDS_READER, None, settings, timeout, False)
    cdef int fields
    command.namespace = statement.namespace
    put_request_header(
        &command.out, INFO1_READ, 0, INFO3_PARTITION_DONE, 0, QUERY_TTL, server_timeout(command.total_timeout, 0)
    )
    ask_for_details(&command.out, settings)
    fields = put_statement_fields(&command.out, statement, 0, told_socket_timeout(settings), <uint64_t>query_id) + 1
    if index is not None:
        put_text_field(&command.out, FIELD_INDEX_NAME, index)
        fields += 1
    put_field(&command.out, FIELD_WHERE, bytes_of(where), <size_t>len(where))
    finish_request(&command.out, fields, 0)
    return command
