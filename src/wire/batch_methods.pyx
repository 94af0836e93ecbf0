# The methods of both clients for batches. Each makes a Batch of its arguments and has the client's executor run it, which returns
# what the call gives or a coroutine. With them the methods of both clients are complete, but for those in Python.

@cython.binding(True)
@cython.embedsignature(False)
cdef class BatchCommands(Commands):
    """The commands on one record, and on many.

    Args:
        executor: runs the commands. A plain `Executor` gives each back unsent.
        read: the settings of reads that are given no policy.
        write: the settings of writes that are given none.
        batch: the settings of batches that are given none.

    Raises:
        InvalidType: the settings are of another kind.
    """

    cdef RowRules rules

    def __cinit__(self, *args: object, **kwargs: object) -> None:
        self.rules = PLAIN_RULES            # until a subclass calls __init__

    def __init__(
        self, Executor executor not None, Settings read not None, Settings write not None, Settings batch not None
    ) -> None:
        Commands.__init__(self, executor, read, write)
        if batch.of != OF_BATCH:
            raise errors.InvalidType("the settings of batches are of something else")
        self.rules = row_rules(batch, read, write)

    def batch(
        self,
        rows: Iterable[BatchRow[U]],
        *,
        timeout: Milliseconds | None = None,
        filter_expression: Filter | None = None,
        txn: Transaction | None = None,
        policy: BatchPolicy | None = None,
    ) -> BatchResults[U]:
        """Read, write and delete many records in one call: one message to each node that has some of them.

        Args:
            rows: any iterable of `BatchRead`, `BatchWrite` and `BatchDelete`; a key may be in several. The rows of one
                record are not done in their order where its node works on them side by side.
            timeout: the deadline of the whole call in milliseconds, 0 for none, else 1 at least; or a timedelta.
            filter_expression: for the rows that have none of their own.
            txn: the transaction that the whole batch is part of; see `transaction`.

        Returns:
            What came of each row, in their order. Rows fail alone: also those of nodes that fail, and those that a
            deadline was too short for, are told in their own results.

        Raises:
            InvalidType, InvalidArgument: an argument can't be used; nothing was sent.
            ClientClosed: the client is closed.
        """
        cdef Batch batch = batch_of_rows(rows, batches(self, policy), timeout, filter_expression)
        return run_batch_of(self, "batch", batch, GIVES_RESULTS, txn)

    def batch_stream(
        self,
        rows: Iterable[BatchRow[U]],
        *,
        in_flight: int = 1000,
        timeout: Milliseconds | None = None,
        filter_expression: Filter | None = None,
        txn: Transaction | None = None,
        policy: BatchPolicy | None = None,
    ) -> BatchStream[U]:
        """Read, write and delete any number of records: rows go in, and their outcomes come out.

        Each comes as soon as it is there, so in another order. More rows take no more memory. The rows are
        read and sent, and answers are read, while the next outcome is waited for, in the thread that waits; a
        thread that does something else between two outcomes holds up no other call::

            with client.batch_stream(BatchRead(key) for key in keys) as outcomes:
                for row in outcomes:
                    print(row.key, row.record or row.error)

        What is raised while `rows` are read comes out at the end, behind the outcomes of the rows before.

        Args:
            rows: any iterable of `BatchRead`, `BatchWrite` and `BatchDelete`, however long.
            in_flight: how many rows are read ahead, that is, were read and not handed over yet. They are
                sent in groups, about two for each node: make it a few hundred times the number of nodes,
                and less where records are large.
            timeout: how long each group may take from when it is sent on, further attempts included, in
                milliseconds, 0 for none, else 1 at least; or a timedelta. What the caller does between
                two outcomes does not count.
            filter_expression: for the rows that have none of their own.

        Returns:
            An iterator of the outcomes, which several threads may share. Rows fail alone, as in `batch`.
            If it is closed or dropped before its end, rows that were read ahead may have been done, or
            not.

        Raises:
            InvalidType, InvalidArgument: an argument can't be used. For what is no row it comes at the
                end too.
            ClientClosed: the client is closed. If that happens meanwhile, the rows that were sent have
                their outcomes first.
        """
        if txn is not None:
            raise no_stream_in_transaction()
        cdef RowGroups groups = RowGroups(batches(self, policy), in_flight, timeout, filter_expression)
        groups.types = (<Commands>self).types
        return (<Commands>self)._executor.open_stream(rows, groups)

    def batch_operate(
        self,
        keys: Iterable[KeyLike],
        operations: Iterable[Operation],
        *,
        timeout: Milliseconds | None = None,
        ttl: Ttl | None = None,
        filter_expression: Filter | None = None,
        row_policy: BatchReadPolicy | BatchWritePolicy | None = None,
        txn: Transaction | None = None,
        policy: BatchPolicy | None = None,
    ) -> BatchResults:
        """Apply the same operations to many records, each all or nothing.

        Args:
            keys: any iterable of keys.
            operations: made by the functions of `pyspike.operations`.
            timeout: as in `batch`.
            ttl: how long the records live from then on, if an operation writes.
            filter_expression: the rows of records for which it does not hold fail with `FilteredOut`.
            row_policy: of each row: a `BatchWritePolicy`, or a `BatchReadPolicy` if all operations read. None for what
                the client's `write` or `read` says.

        Returns:
            What came of each key, in their order.

        Raises:
            InvalidType, InvalidArgument: an argument can't be used; nothing was sent.
            ClientClosed: the client is closed.
        """
        cdef Batch batch = batch_of_operations(
            keys, operations, batches(self, policy), timeout, ttl, filter_expression, row_policy
        )
        return run_batch_of(self, "batch_operate", batch, GIVES_RESULTS, txn)

    def batch_apply(
        self,
        keys: Iterable[KeyLike],
        module: str,
        function: str,
        args: Iterable[Any] = (),
        *,
        timeout: Milliseconds | None = None,
        ttl: Ttl | None = None,
        filter_expression: Filter | None = None,
        row_policy: BatchUDFPolicy | None = None,
        txn: Transaction | None = None,
        policy: BatchPolicy | None = None,
    ) -> BatchResults:
        """Call a function that is registered on the servers on many records, one after the other on each node.

        Args:
            keys: any iterable of keys.
            module: the name of a registered module, with or without ".lua".
            function: the function's name in it.
            args: the arguments behind the record, values as bins can have.
            timeout: as in `batch`.
            ttl: how long the records live from then on that the function writes.
            filter_expression: the rows of records for which it does not hold fail with `FilteredOut`.
            row_policy: of each row; None for what the client's `write` says.

        Returns:
            What came of each key, in their order; the `value` of each is what the function returned.

        Raises:
            InvalidType, InvalidArgument: an argument can't be used; nothing was sent.
            ClientClosed: the client is closed.
        """
        cdef RowRules rules = batches(self, policy)
        cdef Batch batch = batch_of_calls(
            keys, module, function, args, rules, timeout, ttl, filter_expression, row_policy,
            (<Commands>self).types.codecs
        )
        return run_batch_of(self, "batch_apply", batch, GIVES_RESULTS, txn)

    def batch_get(
        self,
        keys: Iterable[KeyLike],
        bins: Iterable[str] | None = None,
        *,
        into: type[U] = None,
        timeout: Milliseconds | None = None,
        filter_expression: Filter | None = None,
        txn: Transaction | None = None,
        policy: BatchPolicy | None = None,
    ) -> list[Record | None]:
        """Read many records.

        Args:
            keys: any iterable of keys.
            bins: the names of the bins to read; None for all, an empty list for none.
            into: a class to make an object of each record of, as in `get`.
            timeout: as in `batch`.
            filter_expression: a record for which it does not hold is left out.

        Returns:
            The record of each key, in their order; None where there is none.

        Raises:
            BatchError: a row failed, also as its record does not fit the class; it has what came of all of them.
            InvalidType, InvalidArgument: an argument can't be used; nothing was sent.
            ClientClosed: the client is closed.
        """
        cdef RowRules rules = batches(self, policy, SECTION_BATCH_READ)
        if into is not None and bins is None:
            bins = (<Commands>self).types.plan_of(into).bins
        cdef Batch batch = batch_of_reads(keys, bins, rules, timeout, filter_expression, into)
        return run_batch_of(self, "batch_get", batch, GIVES_RECORDS, txn)

    def batch_exists(
        self,
        keys: Iterable[KeyLike],
        *,
        timeout: Milliseconds | None = None,
        filter_expression: Filter | None = None,
        txn: Transaction | None = None,
        policy: BatchPolicy | None = None,
    ) -> list[bool]:
        """Whether there are records with these keys.

        Args:
            keys: any iterable of keys.
            timeout: as in `batch`.
            filter_expression: a record for which it does not hold counts as none.

        Raises:
            BatchError, InvalidType, InvalidArgument, ClientClosed: as from `batch_get`.
        """
        cdef Batch batch = batch_of_reads(keys, (), batches(self, policy, SECTION_BATCH_READ), timeout, filter_expression)
        batch.keeps_records = False
        return run_batch_of(self, "batch_exists", batch, GIVES_FLAGS, txn)

    def batch_put(
        self,
        records: Mapping[K, Bins] | Iterable[tuple[KeyLike, Bins]],
        *,
        returning: type[Written] = None,
        timeout: Milliseconds | None = None,
        ttl: Ttl | None = None,
        filter_expression: Filter | None = None,
        row_policy: BatchWritePolicy | None = None,
        txn: Transaction | None = None,
        policy: BatchPolicy | None = None,
    ) -> list[Written] | None:
        """Write bins of many records, as `put` does with each.

        Args:
            records: a mapping of keys to bins, or an iterable of pairs of both; bins as `put` takes them.
            returning: `Written` to be told, for each record, the generation and expiration that it has now.
            timeout: as in `batch`.
            ttl: how long the records live from then on, as in `put`.
            filter_expression: the records for which it does not hold are not written, and their rows fail with
                `FilteredOut`.
            row_policy: of each row; None for what the client's `write` says.

        Raises:
            BatchError: a row failed; it has what came of all of them.
            InvalidType, InvalidArgument: an argument can't be used; nothing was sent.
            ClientClosed: the client is closed.
        """
        cdef RowRules rules = batches(self, policy)
        cdef Batch batch = batch_of_puts(
            records, rules, timeout, ttl, filter_expression, row_policy, (<Commands>self).types
        )
        if returning is not None:
            if returning is not Written:
                raise errors.InvalidType(f"returning must be Written, not {shown(returning)}")
            batch.gives_written = True
        return run_batch_of(self, "batch_put", batch, GIVES_NOTHING if returning is None else GIVES_RECORDS, txn)

    def batch_delete(
        self,
        keys: Iterable[KeyLike],
        *,
        timeout: Milliseconds | None = None,
        filter_expression: Filter | None = None,
        row_policy: BatchDeletePolicy | None = None,
        txn: Transaction | None = None,
        policy: BatchPolicy | None = None,
    ) -> list[bool]:
        """Delete many records: for each key whether there was one.

        Args:
            keys: any iterable of keys.
            timeout: as in `batch`.
            filter_expression: a record for which it does not hold stays, and counts as none.
            row_policy: of each row; None for what the client's `write` says.

        Raises:
            BatchError, InvalidType, InvalidArgument, ClientClosed: as from `batch_get`.
        """
        cdef Batch batch = batch_of_deletes(keys, batches(self, policy), timeout, filter_expression, row_policy)
        return run_batch_of(self, "batch_delete", batch, GIVES_FLAGS, txn)


@cython.binding(True)
@cython.embedsignature(False)
cdef class AsyncCommands(BatchCommands):
    """The same commands for tasks: their executor gives a coroutine for each, and a command begins when that is awaited.

    What is wrong with the arguments is told by the call, or, of the last rows of a batch that takes long to pack, when it is
    awaited: as long as it is not done, what it was given must not change.

    Args:
        executor: gives coroutines.
        read: the settings of reads that are given no policy.
        write: the settings of writes that are given none.
        batch: the settings of batches that are given none.

    Raises:
        InvalidType: the settings are of another kind.
    """

    def batch_stream(
        self,
        rows: Iterable[BatchRow[U]] | AsyncIterable[BatchRow[U]],
        *,
        in_flight: int = 1000,
        timeout: Milliseconds | None = None,
        filter_expression: Filter | None = None,
        txn: Transaction | None = None,
        policy: BatchPolicy | None = None,
    ) -> AsyncBatchStream[U]:
        """Read, write and delete any number of records: rows go in, and their outcomes come out.

        As `Client.batch_stream`, but with tasks on both sides: rows may come from an asynchronous iterable, and outcomes are
        taken by `async for`. It is not awaited itself::

            async with client.batch_stream(BatchRead(key) for key in keys) as outcomes:
                async for row in outcomes:
                    print(row.key, row.record or row.error)

        It begins with the first outcome that is asked for. From then on requests go out and answers come in while tasks do
        something else, but only as far as `in_flight` goes: after some large records that nobody has taken yet, answers stay
        in the sockets, until the next outcome is waited for or another call needs the connection.

        Args:
            rows: any iterable or asynchronous iterable of `BatchRead`, `BatchWrite`, `BatchDelete` and `BatchUDF`, however
                long. An asynchronous one is read by a task of its own.
            in_flight: how many rows are read ahead, that is, were read and not handed over yet. They are
                sent in groups, about two for each node: make it a few hundred times the number of nodes,
                and less where records are large.
            timeout: how long each group may take from when it is sent on, further attempts included, in
                milliseconds, 0 for none, else 1 at least; or a timedelta. The time in which its answer is
                not wanted does not count.
            filter_expression: for the rows that have none of their own.

        Returns:
            An asynchronous iterator of the outcomes, which several tasks of one loop may share. Rows fail alone, as in
            `batch`. If it is closed or dropped before its end, rows that were read ahead may have been done, or not.

        Raises:
            InvalidType, InvalidArgument: an argument can't be used. For what is no row it comes at the
                end, behind the outcomes of the rows before; so does what is raised while rows are read.
            ClientClosed: (when the first outcome is asked for) the client is closed. If that happens meanwhile, the rows that
                were sent have their outcomes first.
        """
        if txn is not None:
            raise no_stream_in_transaction()
        cdef RowGroups groups = RowGroups(batches(self, policy), in_flight, timeout, filter_expression)
        groups.types = (<Commands>self).types
        return (<Commands>self)._executor.open_stream(rows, groups)


cdef inline RowRules batches(object client, object policy, int section=SECTION_BATCH_WRITE):
    """Returns by what a batch's rows are sent: the policy, or else the client's."""
    cdef BatchCommands commands
    cdef Settings settings
    if not isinstance(client, BatchCommands):
        raise TypeError(f"a client is needed, not {type(client).__name__}")
    commands = <BatchCommands>client
    if policy is None and commands.dynamic is None:
        return commands.rules
    settings = commands.rules.settings if policy is None else batch_settings(policy, OF_BATCH, "a BatchPolicy")
    if commands.dynamic is not None:
        settings = commands.dynamic.adapted(settings, section, commands.policies.batch if policy is None else policy)
    return commands.rules.with_settings(settings)


cdef inline object run_batch_of(object client, str name, Batch batch, BatchGives gives, object txn):
    """Has the client's executor run a batch."""
    batch.types = (<Commands>client).types
    batch.name = name
    batch.gives = gives
    if txn is not None:
        return client._take_part(txn, batch)
    return (<Commands>client)._executor.run_batch(batch)
