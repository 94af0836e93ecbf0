# Who runs commands. For threads, an attempt is: route it, take a connection, send, receive, read. What a failed attempt
# means for the next one is decided in Python; this part writes down what happened.

cdef class Executor:
    """What becomes of a command that was built. This one runs nothing and gives it back."""

    cdef object run(self, Command command):
        return command


cdef object record_failure(Command command, Pool pool, object error, int64_t began, bint sent):
    """Notes a failed attempt in the command's history."""
    if command.history is None:
        command.history = []
    command.history.append(
        errors.Attempt(
            node=None if pool is None else pool.node_name,
            error=str(error.args[0]) if error.args else type(error).__name__,
            elapsed_ms=(now_ns() - began) / <double>MILLISECOND,
            sent=sent,
        )
    )
    if error.node is None and pool is not None:
        error.node = pool.node_name


cdef object no_owner(Command command):
    return errors.ConnectFailed(
        f"no node is known to ask for partition {command.key.partition_id} of namespace {command.key.namespace!r}",
        key=command.key,
    )


cdef object client_closed(Command command):
    return errors.ClientClosed("the client is closed", key=command.key)


cdef object try_once(Command command, PartitionMap partitions):
    """One attempt; the error it raises is in the command's history then."""
    cdef Pool pool = None
    cdef Connection connection = None
    cdef int64_t now
    cdef int64_t began
    cdef bint held_up = False               # by waiting for a connection, or opening one
    cdef bint unread = True                 # an answer may still come on this connection
    if command.started == 0:
        command.start()
        now = command.started
    else:
        now = now_ns()
    began = now
    command.tries += 1
    try:
        pool = partitions.route(command)
        if pool is None:
            raise no_owner(command)
        command.allowance = command.patience(now)
        connection = pool.acquire(command, now, &held_up)
        if held_up:
            now = now_ns()
        try:
            connection.run(
                TYPE_MESSAGE, command.out.data, command.out.size, now, command.deadline, command.allowance
            )
            unread = False
        finally:
            if connection.request_sent:
                command.sent += 1
        result = read_answer(command, connection.x.data + 8, connection.x.need - 8, &connection.names)
    except errors.AerospikeError as error:
        if connection is None or not unread or not connection.was_dead():
            record_failure(command, pool, error, began, connection is not None and connection.request_sent)
            if connection is not None:
                settle(command, pool, connection, error, unread)
            raise
    except BaseException:                   # Ctrl-C, no memory: the answer is not read to its end
        if connection is not None:
            pool.discard(connection, "interrupted")
        raise
    else:
        connection.used_at = now_ns()
        pool.release(connection)
        return result
    command.tries -= 1                      # nobody received the request: that was no attempt
    command.sent -= connection.request_sent
    pool.doubt()
    pool.discard(connection, "closed by the server")
    return try_once(command, partitions)


cdef void settle(Command command, Pool pool, Connection connection, object error, bint unread):
    """Gives the connection of a failed attempt back, or up."""
    cdef double delay = command.settings.timeout_delay
    if not unread and isinstance(error, errors.ServerError):
        connection.used_at = now_ns()
        pool.release(connection)
        return
    pool.count_failure(isinstance(error, errors.TimeoutError))
    if isinstance(error, errors.TimeoutError):
        if delay > 0 and connection.x.sent == connection.x.out_size:
            connection.x.out = NULL         # it is the command's, and sent
            connection.x.out_size = 0
            connection.x.sent = 0
            pool.set_late(connection, after(now_ns(), to_ns(delay)))
        else:
            pool.discard(connection, "timeout")
    elif isinstance(error, errors.ProtocolError):
        pool.discard(connection, "protocol error")
    else:
        pool.doubt()
        pool.discard(connection, "connection error")


cdef class ThreadExecutor(Executor):
    """Runs commands on a cluster, from any number of threads; `after` says what comes after a failed attempt.

    Compiled for the sake of the usual case, in which the first attempt is all. And errors are raised here, not in
    Python, where the frame that raises one is held by it and holds it: garbage, and the request with it.
    """

    cdef readonly object cluster
    cdef Routing routing                    # the cluster's

    def __cinit__(self, cluster: object, *args: object) -> None:
        self.cluster = cluster
        self.routing = cluster.routing

    cdef object run(self, Command command):
        heed_fork()
        if self.routing.refusing:
            raise client_closed(command)
        try:
            return try_once(command, self.routing.current())
        except errors.AerospikeError as error:
            failure = error
        return self.try_again(command, failure)

    cdef object try_again(self, Command command, object failure):
        """What comes of a command whose first attempt failed."""
        self.routing.count_retrying(1)
        try:
            while True:
                failure = self.after(command, failure)
                if failure is not None:
                    raise failure
                heed_fork()
                try:
                    return try_once(command, self.routing.current())
                except errors.AerospikeError as error:
                    failure = error
        finally:
            self.routing.count_retrying(-1)

    def after(self, command: Command, error: object) -> object:
        """Wait until the next attempt and return None; or return the error the command has failed with."""
        return error
