# The commands on one record: a request, the reader of its answer, and the partition of the record's key. Here it is decided
# what a missing record means.

cdef inline Command record_command(
    object key, Reader reader, object given, Settings settings, object timeout, bint write
):
    """A command on the record of this key, without its request."""
    cdef Command command = new_command(reader, given, settings, timeout, write)
    command.key = key_of(key)
    command.namespace = command.key.namespace
    command.target.partition_id = partition_of(command.key.hash)
    return command


cdef Command read_request(
    object key, object bins, Settings settings, object timeout, object filter_expression, object missing
):
    """Gives the record, or `missing`; an error for a missing record if that is RAISE."""
    cdef Command command = record_command(key, RECORD_READER, missing, settings, timeout, False)
    put_read(&command.out, command.key, bins, settings, command.total_timeout, filter_expression)
    return command


cdef Command exists_request(object key, Settings settings, object timeout, object filter_expression):
    """Gives whether the record is there."""
    cdef Command command = record_command(key, FOUND_READER, False, settings, timeout, False)
    put_exists(&command.out, command.key, settings, command.total_timeout, filter_expression)
    return command


cdef Command write_request(
    object key, int code, object bins, Settings settings, object timeout, object ttl, object generation,
    object filter_expression
):
    """Puts, adds, appends or prepends (`code`) each of `bins`, names to values; gives nothing."""
    cdef Command command = record_command(key, NOTHING_READER, RAISE, settings, timeout, True)
    put_bins(
        &command.out, command.key, code, bins, settings, command.total_timeout, ttl, generation, filter_expression
    )
    return command


cdef Command touch_request(
    object key, Settings settings, object timeout, object ttl, object generation, object filter_expression
):
    """Gives nothing; a missing record is an error."""
    cdef Command command = record_command(key, NOTHING_READER, RAISE, settings, timeout, True)
    put_touch(&command.out, command.key, settings, command.total_timeout, ttl, generation, filter_expression)
    return command


cdef Command delete_request(
    object key, Settings settings, object timeout, object generation, object filter_expression
):
    """Gives whether there was such a record."""
    cdef Command command = record_command(key, FOUND_READER, False, settings, timeout, True)
    put_delete(&command.out, command.key, settings, command.total_timeout, generation, filter_expression)
    return command


cdef Command operate_request(
    object key, object operations, Settings read, Settings write, object policy, object timeout, object ttl,
    object generation, object filter_expression
):
    """Gives the record with what the operations gave. It is a write if one of them writes.

    Without a policy its settings are `read` or `write`, whichever it is.
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
    command = record_command(key, RESULTS_READER, steps, settings, timeout, writes)
    put_operate(
        &command.out, command.key, steps, &summary, settings, command.total_timeout, ttl, generation, filter_expression
    )
    return command


def parse_answer(Command command not None, bytes body not None) -> Any:
    """What the command gives when the server answers with a frame of this body (its message header comes first)."""
    cdef Frame frame
    frame.body = <const unsigned char*>PyBytes_AS_STRING(body)
    frame.body_size = <size_t>PyBytes_GET_SIZE(body)
    return read_frame(command.reader, command.key, command.given, &frame, NULL)
