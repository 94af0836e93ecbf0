# Makes the commands on one record: each has a request, the reader of its answer, and the partition of the record's key. The
# choice of the reader and its argument decides what a command gives if there is no such record.

cdef inline Command record_command(
    CommandKind kind, object key, Reader reader, object given, Settings settings, object timeout, bint write
):
    """Returns a command on the record of this key, without its request."""
    cdef Command command = new_command(kind, reader, given, settings, timeout, write)
    command.key = key_of(key)
    command.namespace = command.key.namespace
    command.target.partition_id = partition_of(command.key.hash)
    return command


cdef Command read_request(
    object key, object bins, Settings settings, object timeout, object filter_expression, object missing
):
    """Returns the command that reads a record. A missing record gives `missing`; if that is RAISE, it raises its error."""
    cdef Command command = record_command(KIND_GET, key, RECORD_READER, missing, settings, timeout, False)
    if settings.raw:
        command.reader = RAW_RECORD_READER
    put_read(&command.out, command.key, bins, settings, command.total_timeout, filter_expression)
    return command


cdef int decode_tagged(Command command, CodecTable tags) except -1:
    """Has a command that reads a record decode what the codecs of its client have marked."""
    if command.reader is RECORD_READER:
        command.reader = RecordReader(raw=False, tags=tags)
    elif command.reader is RESULTS_READER:
        command.reader = ResultsReader(raw=False, tags=tags)
    elif command.reader is UDF_READER:
        command.reader = UdfReader(tags)
    return 0


cdef int give_written(Command command, object returning) except -1:
    """Has a command that writes give what has become of the record."""
    if returning is not Written:
        raise errors.InvalidType(f"returning must be Written, not {shown(returning)}")
    command.reader = WRITTEN_READER
    return 0


cdef int read_into(Command command, ClassPlan plan, object cls) except -1:
    """Has a command that reads a record give an object of a class."""
    if command.reader is RECORD_READER or command.reader is RAW_RECORD_READER:
        command.reader = typed_reader(plan, cls, command.settings.raw)
    else:
        command.reader = typed_results_reader(plan, cls, command.settings.raw)
    return 0


cdef Command exists_request(object key, Settings settings, object timeout, object filter_expression):
    """Returns the command that gives whether there is such a record."""
    cdef Command command = record_command(KIND_EXISTS, key, FOUND_READER, False, settings, timeout, False)
    put_exists(&command.out, command.key, settings, command.total_timeout, filter_expression)
    return command


cdef inline CommandKind kind_of_write(int code) noexcept:
    if code == OP_WRITE:
        return KIND_PUT
    return KIND_ADD if code == OP_INCR else KIND_APPEND if code == OP_APPEND else KIND_PREPEND


cdef Command write_request(
    object key, int code, object bins, Settings settings, object timeout, object ttl, object generation,
    object filter_expression, CodecTable codecs
):
    """Returns the command that puts, adds, appends or prepends (`code`) each of `bins`, names to values; it gives None."""
    cdef Command command = record_command(
        kind_of_write(code), key, NOTHING_READER, RAISE, settings, timeout, True
    )
    put_bins(
        &command.out, command.key, code, bins, settings, command.total_timeout, ttl, generation, filter_expression,
        codecs
    )
    return command


cdef Command touch_request(
    object key, Settings settings, object timeout, object ttl, object generation, object filter_expression
):
    """Returns the command that touches a record; it gives None, and a missing record raises its error."""
    cdef Command command = record_command(KIND_TOUCH, key, NOTHING_READER, RAISE, settings, timeout, True)
    put_touch(&command.out, command.key, settings, command.total_timeout, ttl, generation, filter_expression)
    return command


cdef Command delete_request(
    object key, Settings settings, object timeout, object generation, object filter_expression
):
    """Returns the command that deletes a record and gives whether there was such a record."""
    cdef Command command = record_command(KIND_DELETE, key, FOUND_READER, False, settings, timeout, True)
    put_delete(&command.out, command.key, settings, command.total_timeout, generation, filter_expression)
    return command


cdef Command call_request(
    object key, object module, object function, object args, Settings settings, object timeout, object ttl,
    object filter_expression, CodecTable codecs
):
    """Returns the command that calls a function on a record, and gives what the function returns."""
    cdef Command command = record_command(KIND_EXECUTE_UDF, key, UDF_READER, RAISE, settings, timeout, True)
    put_call(
        &command.out, command.key, module, function, args, settings, command.total_timeout, ttl, filter_expression,
        codecs
    )
    return command


cdef Command operate_request(
    object key, object operations, Settings read, Settings write, object policy, object timeout, object ttl,
    object generation, object filter_expression, DynamicSettings dynamic, object policies
):
    """Returns the command that applies operations to a record, and gives the record with their results.

    The command is a write if one of the operations writes. Without a policy it has the settings `read` or `write`. The last
    two arguments are those of a client that follows a file.
    """
    cdef Command command
    cdef Settings settings
    cdef OperationsSummary summary
    cdef bint writes
    cdef tuple steps
    try:
        steps = tuple(operations)
    except TypeError:
        raise errors.InvalidType(f"operations must be a sequence, not {type(operations).__name__}") from None
    summarize(steps, &summary)
    writes = summary.flags & OP_IS_WRITE != 0
    if policy is None:
        settings = write if writes else read
    else:
        settings = settings_of_operate(policy, writes, steps)
    if dynamic is not None:
        settings = adapted_for_operate(dynamic, policies, policy, writes)
    command = record_command(
        KIND_OPERATE_WRITE if writes else KIND_OPERATE_READ, key, RESULTS_READER, steps, settings, timeout, writes
    )
    if settings.raw:
        command.reader = RAW_RESULTS_READER
    put_operate(
        &command.out, command.key, steps, &summary, settings, command.total_timeout, ttl, generation, filter_expression
    )
    return command


def parse_answer(Command command not None, bytes body not None) -> Any:
    """Return what the command gives for an answer of one frame with this body, which begins with the message's header."""
    cdef Frame frame
    cdef NameCache names
    frame.body = <const unsigned char*>PyBytes_AS_STRING(body)
    frame.body_size = <size_t>PyBytes_GET_SIZE(body)
    memset(&names, 0, sizeof(NameCache))
    try:
        return read_frame(command.reader, command.key, command.given, &frame, &names)
    finally:
        names_clear(&names)
