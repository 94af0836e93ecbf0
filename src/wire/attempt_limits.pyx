# The attempts of a command: when one begins, which share of the command's deadline it gets, and what a failed one leaves in
# the command's history. Not here: whether a command gets another attempt, and where (`pyspike.cluster.retry`), and who times
# an attempt out (`threads/exchange.pyx`, `tasks/deadlines.pyx`).

cdef enum:
    MOST_LOGGED_OUT = 2                     # times that a command is sent again for want of a login
    DEFAULT_SOCKET_TIMEOUT = 30             # s that an attempt may wait without progress, by default and without a deadline


@cython.cdivision(True)
cdef inline int64_t timeout_of_attempt(Command command, int64_t now) noexcept:
    """Returns the nanoseconds that the attempt which begins now may wait without progress.

    The policy's `socket_timeout` sets them if it is above 0. With 0, the attempt may wait until the deadline. By default
    (less than 0) the attempt gets its share of the time until the deadline: this attempt and all that are left get the same,
    so that a slow node leaves time to ask another one.
    """
    cdef double limit = command.settings.socket_timeout
    cdef int attempts
    if limit > 0:
        return <int64_t>(limit * 1e6)
    if command.deadline == FOREVER:
        return DEFAULT_SOCKET_TIMEOUT * SECOND if limit < 0 else FOREVER
    if limit == 0:
        return command.deadline - now
    attempts = command.retries + 2 - command.tries    # with this one, which `tries` counts already
    if attempts <= 1:
        return command.deadline - now
    return (command.deadline - now) // attempts


cdef inline int64_t begin_attempt(Command command) except -1:
    """Counts an attempt and sets how long it may wait; the first attempt sets the command's deadline. Returns the time."""
    cdef int64_t now = now_ns()
    if command.started == 0:
        command.started = now
        command.deadline = after(now, to_ns(command.total_timeout))
    elif command.reader.has_many_frames:
        command.reader.restart()
    command.tries += 1
    command.attempt_timeout = timeout_of_attempt(command, now)
    return now


cdef inline int64_t connected_by(Command command, int64_t now) noexcept:
    """Returns until when a connection that is opened from now on for the current attempt has to be open."""
    cdef int64_t due = min(command.deadline, after(now, command.attempt_timeout))
    if command.settings.connect_timeout > 0:
        due = min(due, after(now, to_ns(command.settings.connect_timeout)))
    return due


cdef inline bint may_go_elsewhere(Command command) noexcept:
    """Whether the command may ask another node instead of waiting for room on this one.

    A write may not, as only the partition's master takes it.
    """
    return command.target.has_other_node and not command.write and command.tries <= command.retries


cdef inline bint may_log_in_again(Command command, object error):
    """Whether a server has refused the command only because it does not know the login of the connection, or no more.

    It has not done the command then, which is sent again, on a connection that is logged in anew. That does not count as an
    attempt, but is done a few times only.
    """
    if not isinstance(error, errors.NotAuthenticated) or command.logged_out >= MOST_LOGGED_OUT:
        return False
    command.logged_out += 1
    return True


cdef int note_failure(
    Command command, Node node, object error, int64_t began, bint sent, size_t received=0, int64_t sent_at=0, int64_t decoding=0
) except -1:
    """Adds a failed attempt to the command's history and to the node's numbers, and the node to the error.

    `node` is None if there was no node to ask. `sent` tells whether the request may have reached the node, `received` how many
    bytes came in answer. `sent_at` is when it had a connection and was sent, 0 if it did not get so far; `decoding` is how many
    ns its answer was read, if the call is watched.
    """
    cdef int64_t took = now_ns() - began
    if command.history is None:
        command.history = []
    command.history.append(
        errors.Attempt(
            node=None if node is None else node.name,
            error=str(error.args[0]) if error.args else type(error).__name__,
            elapsed_ms=took / <double>MILLISECOND,
            sent=sent,
        )
    )
    if node is not None:
        count_failed_attempt(node.counters.meter, command, error, took, sent, received)
        if error.node is None:
            error.node = node.name
    if command.trace is not None:
        command.trace.failed(
            None if node is None else node.name, command.history[len(command.history) - 1], began, sent_at, began + took,
            decoding
        )
    if isinstance(error, errors.EnterpriseOnly) and is_packed(&command.out):
        error.advice = "a Community Edition server reads no compressed requests: leave out use_compression"
    return 0
