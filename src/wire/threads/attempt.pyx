# One attempt of a command of a thread: it chooses a node, takes a connection, sends the request, and receives and reads the
# answer. Not here: what follows a failed attempt.

cdef object try_once(Command command, PartitionMap partitions):
    """Makes one attempt. If it raises an error of pyspike, it has added the attempt to the command's history."""
    cdef Node node = None
    cdef Pool pool = None
    cdef Connection connection = None
    cdef int64_t began = begin_attempt(command)
    cdef int64_t now = began
    cdef bint took_time = False             # to open a connection, or to wait for one
    cdef bint sent, overflowed
    cdef bint logged_out = False
    cdef int64_t came = 0                   # when the answer had come, if that is asked for
    try:
        node = partitions.route(command.namespace, &command.target)
        if node is not None:
            pool = node.pool
        if pool is None:
            raise no_owner(command)
        connection = pool.acquire(command, now, &took_time)
        if took_time:
            now = now_ns()
        try:
            connection.run(
                TYPE_MESSAGE, command.out.data, command.out.size, now, command.deadline, command.attempt_timeout
            )
        finally:
            if connection.request_sent:
                command.sent += 1
                if is_packed(&command.out):
                    node.counters.count_packed(&command.out)
        if command.trace is not None:
            came = now_ns()
        result = connection.read(command.reader, command.key, command.given)
    except errors.SchemaMismatch:           # the answer was read to its end, and does not fit the caller's class
        connection.used_at = now_ns()
        if connection.has_more():
            pool.discard(connection, "protocol error")
        else:
            pool.release(connection)
        raise
    except errors.AerospikeError as error:
        if connection is not None and may_log_in_again(command, error):
            logged_out = True
        elif connection is None or not connection.in_answer or not connection.was_dead():
            failure = error
            sent = connection is not None and connection.request_sent
            if connection is not None:      # before code in Python runs, which Ctrl-C may end
                overflowed = isinstance(error, errors.ServerError) and connection.has_more()
                settle(command, node, pool, connection, error)
                if overflowed:
                    failure = connection.overflowed()
            note_failure(
                command, node, failure, began, sent, bytes_of_answer(&connection.x) if connection is not None else 0,
                now if connection is not None else 0, now_ns() - came if came else 0
            )
            raise failure
    except BaseException:                   # Ctrl-C, no memory: the answer is not read to its end
        if connection is not None:
            pool.discard(connection, "interrupted")
        raise
    else:
        connection.used_at = now_ns()
        count_answer(node.counters.meter.table, command, began, connection.used_at, bytes_read(&connection.x))
        if command.trace is not None:
            command.trace.answered(node.name, began, now, connection.used_at, connection.used_at - came)
            command.trace.count_bytes(command.out.size, bytes_read(&connection.x))
        pool.release(connection)
        return result
    # The server has not read the request, or not done it for want of a login: that does not count as an attempt.
    command.tries -= 1
    command.sent -= connection.request_sent
    pool.found_broken()
    pool.discard(connection, NOT_LOGGED_IN if logged_out else CLOSED_BY_SERVER)
    if logged_out:
        pool.discard_idle(NOT_LOGGED_IN)
    return try_once(command, partitions)


cdef void settle(Command command, Node node, Pool pool, Connection connection, object error):
    """Gives the connection of a failed attempt back to its pool, or closes it."""
    cdef double delay = command.settings.timeout_delay
    cdef bint answered = isinstance(error, errors.ServerError)
    if answered and isinstance(error, errors.NotAuthenticated):
        pool.discard(connection, NOT_LOGGED_IN)
        return
    if answered and error.result_code in NODE_AT_FAULT:
        node.counters.breaker.note_error()
    if answered and not connection.in_answer and not connection.has_more():
        connection.used_at = now_ns()
        pool.release(connection)
        return
    node.counters.count_failure(isinstance(error, errors.TimeoutError))
    if isinstance(error, errors.TimeoutError):
        if delay > 0 and connection.x.sent == connection.x.out_size:
            connection.begin_late(command.reader)
            pool.set_late(connection, after(now_ns(), to_ns(delay)))
        else:
            if connection.request_sent:
                node.counters.breaker.note_error()
            pool.discard(connection, "timeout")
    elif answered or isinstance(error, errors.ProtocolError):
        node.counters.breaker.note_error()
        pool.discard(connection, "protocol error")
    else:
        node.counters.breaker.note_error()
        pool.found_broken()
        pool.discard(connection, "connection error")
