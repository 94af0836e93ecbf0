# The commands of a batch: for each node the rows that it is asked for, and a command for as many of them as one request may
# have. It is Python that decides when they are run and which rows are asked again (`pyspike.plans.batch`).

cdef enum:
    MOST_COUNTED = 0xFFFF                   # tries and requests of a row; more of them count as no more


@cython.final
cdef class NodeRows:
    """Rows of a batch that one node is asked for, in one request or several, one after the other."""

    cdef readonly Batch batch
    cdef readonly Node node
    cdef uint32_t* numbers
    cdef Py_ssize_t count
    cdef Py_ssize_t capacity
    cdef Py_ssize_t begun                   # how many the requests so far asked for
    cdef Py_ssize_t slice_at                # where those of the last request begin

    def __dealloc__(self) -> None:
        PyMem_RawFree(self.numbers)

    cdef int add(self, uint32_t number) except -1:
        cdef Py_ssize_t capacity
        cdef uint32_t* larger
        if self.count == self.capacity:
            capacity = max(16, 2 * self.capacity)
            larger = <uint32_t*>PyMem_RawRealloc(self.numbers, <size_t>capacity * sizeof(uint32_t))
            if larger == NULL:
                raise MemoryError
            self.numbers = larger
            self.capacity = capacity
        self.numbers[self.count] = number
        self.count += 1
        return 0

    def next_command(self) -> Command | None:
        """A command for the next rows; None if there are none. The rows of the one before must have been answered."""
        cdef Batch batch = self.batch
        cdef BatchReader reader
        cdef Command command
        cdef Py_ssize_t i, size
        cdef RowState* row
        if self.begun == self.count:
            return None
        reader = BatchReader(batch)
        command = new_command(reader, None, batch.settings, None, False)
        command.total_timeout = batch.total_timeout
        command.started = batch.started
        command.deadline = batch.deadline
        size = put_batch(&command.out, batch, self.numbers + self.begun, self.count - self.begun)
        batch.attempts += 1
        reader.attempt = batch.attempts
        reader.awaited = size
        self.slice_at = self.begun
        self.begun += size
        for i in range(self.slice_at, self.begun):
            row = &batch.rows[self.numbers[i]]
            row.attempt = batch.attempts
            if row.tries > command.tries:
                command.tries = row.tries
            row.tries += row.tries < MOST_COUNTED
            if batch.ask_of(self.numbers[i]).kind != ROW_READS:
                command.write = True
        if command.write:                   # its rows may be applied twice if they are sent again
            command.retries = batch.settings.write_retries
        command.namespace = (<Key>batch.keys[self.numbers[self.slice_at]]).namespace
        return command

    def count_sent(self) -> None:
        """Counts that the last request may have reached the server."""
        cdef RowState* row
        cdef Py_ssize_t i
        for i in range(self.slice_at, self.begun):
            row = &self.batch.rows[self.numbers[i]]
            row.sent += row.sent < MOST_COUNTED

    def give_up(self) -> list[int]:
        """The rows that have no answer, after a request failed: those that no request asked for yet count as tried too."""
        cdef RowState* row
        cdef Py_ssize_t i
        cdef list found = []
        for i in range(self.slice_at, self.count):
            row = &self.batch.rows[self.numbers[i]]
            if i >= self.begun:
                row.tries += row.tries < MOST_COUNTED
            if row.code == NO_ANSWER:
                row.attempt = 0
                found.append(self.numbers[i])
        self.begun = self.count
        return found

    @property
    def rows(self) -> list[int]:
        """The numbers of all its rows."""
        return [self.numbers[i] for i in range(self.count)]

    def __len__(self) -> int:
        return self.count

    def __repr__(self) -> str:
        return f"<NodeRows of {'no node' if self.node is None else self.node.name}: {self.count}>"


cdef NodeRows new_node_rows(Batch batch, Node node):
    cdef NodeRows rows = NodeRows.__new__(NodeRows)
    rows.batch = batch
    rows.node = node
    return rows


def batch_rows(
    rows: Iterable[BatchRow], Settings settings not None, timeout: Milliseconds | None = None,
    filter_expression: Filter | None = None
) -> Batch:
    """A batch of rows that are to be sent with these settings.

    Args:
        rows: any iterable of them.
        settings: of a `BatchPolicy`.
        timeout: of the whole call in milliseconds; None for that of the settings.
        filter_expression: for the rows without a filter of their own; None for that of the settings.

    Raises:
        InvalidType, InvalidArgument: an argument can't be used.
    """
    cdef Batch batch = batch_of_rows(rows)
    batch.complete(settings, timeout, filter_expression)
    return batch


def batch_of_reads(
    keys: Iterable[KeyLike], bins: Iterable[str] | None, Settings settings not None, timeout: Milliseconds | None = None,
    filter_expression: Filter | None = None, *, bint keeps_records=True
) -> Batch:
    """A batch that reads the same bins of the records of all keys; the arguments are those of `batch_rows`.

    Where the filter leaves a record out, it is as one that is not there. Without `keeps_records` only the result codes are
    kept.
    """
    cdef Batch batch = new_batch(keys_of(keys), ask_bins(bins, None), None)
    batch.keeps_records = keeps_records
    batch.filtered_is_missing = True
    batch.complete(settings, timeout, filter_expression)
    return batch


def batch_of_deletes(
    keys: Iterable[KeyLike], Settings settings not None, timeout: Milliseconds | None = None,
    filter_expression: Filter | None = None, row_policy: BatchDeletePolicy | None = None
) -> Batch:
    """A batch that deletes the records of all keys; the arguments are those of `batch_rows`.

    Where the filter leaves a record out, it is as one that is not there.
    """
    cdef Ask ask = ask_delete(None, row_settings(row_policy, OF_BATCH_DELETE, "a BatchDeletePolicy"))
    cdef Batch batch = new_batch(keys_of(keys), ask, None)
    batch.filtered_is_missing = True
    batch.complete(settings, timeout, filter_expression)
    return batch


def batch_of_operations(
    keys: Iterable[KeyLike], operations: Iterable[Operation], Settings settings not None,
    timeout: Milliseconds | None = None, ttl: Ttl | None = None, filter_expression: Filter | None = None,
    row_policy: BatchReadPolicy | BatchWritePolicy | None = None
) -> Batch:
    """A batch that does the same operations with the records of all keys; the arguments are those of `batch_rows`."""
    cdef tuple steps = steps_of(operations)
    cdef OperationsSummary summary
    cdef Ask ask
    cdef Batch batch
    summarize(steps, &summary)
    if summary.flags & OP_IS_WRITE:
        ask = ask_operations(steps, ttl, None, None, row_settings(row_policy, OF_BATCH_WRITE, "a BatchWritePolicy"))
    else:
        ask = ask_operations(steps, ttl, None, row_settings(row_policy, OF_BATCH_READ, "a BatchReadPolicy"), None)
    batch = new_batch(keys_of(keys), ask, None)
    batch.complete(settings, timeout, filter_expression)
    return batch


def batch_of_puts(
    records: Mapping[Any, Mapping[str, object]] | Iterable[tuple[KeyLike, Mapping[str, object]]],
    Settings settings not None, timeout: Milliseconds | None = None, ttl: Ttl | None = None,
    filter_expression: Filter | None = None, row_policy: BatchWritePolicy | None = None
) -> Batch:
    """A batch that puts bins of records; the arguments are those of `batch_rows`.

    Bins that are one object for several keys in a row are encoded once, if no code of the caller's runs in between, which
    might change them.

    Args:
        records: the bins by keys, or pairs of both.

    Raises:
        InvalidType, InvalidArgument: a value can't be used; the error has the record's key.
    """
    cdef Settings own = row_settings(row_policy, OF_BATCH_WRITE, "a BatchWritePolicy")
    cdef object header = None if ttl is None else ttl_header(ttl)
    cdef list keys = []
    cdef list asks = []
    cdef Ask ask = None
    cdef object last = None
    cdef bint still = type(records) in (dict, list, tuple)
    cdef Key key
    cdef Batch batch
    if isinstance(records, (str, bytes, Key)):
        raise errors.InvalidType(f"records must be a mapping of keys to bins or pairs, not {type(records).__name__}")
    try:
        pairs = iter(records.items() if hasattr(records, "items") else records)
    except TypeError:
        raise errors.InvalidType(
            f"records must be a mapping of keys to bins or pairs, not {type(records).__name__}"
        ) from None
    for pair in pairs:
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise errors.InvalidType(f"records must be pairs of a key and bins, not {shown(pair)}")
        key = key_of(pair[0])
        if ask is None or pair[1] is not last or not still:
            try:
                ask = ask_put(pair[1], header, own)
            except errors.InvalidArgument as error:
                error.key = key
                raise
            last = pair[1]
        keys.append(key)
        asks.append(ask)
    batch = new_batch(keys, None, asks)
    batch.keeps_records = False
    batch.complete(settings, timeout, filter_expression)
    return batch


def failed_rows(Command command not None) -> list[int]:
    """The rows that failed by the answer to a batch's command."""
    return (<BatchReader?>command.reader).failed


def route_rows(
    Batch batch not None, PartitionMap partitions not None, numbers: Iterable[int] | None = None
) -> tuple[list[NodeRows], list[tuple[int, AerospikeError | None]]]:
    """Which node is to be asked for which rows, by the map of the moment.

    Args:
        batch: whose rows they are.
        partitions: the map.
        numbers: of the rows; None for all.

    Returns:
        Rows for each node; and the numbers of rows that no node can be asked for, each with the error, which is None if none
        is known.
    """
    cdef dict found = {}
    cdef list lost = []
    cdef list order = []
    cdef NodeRows rows = None
    cdef Node node
    cdef Target target
    cdef Key key
    cdef RowState* row
    cdef Py_ssize_t number, i = 0, count
    cdef list chosen = None
    if numbers is None:
        count = batch.count
    else:
        chosen = list(numbers)
        count = len(chosen)
    while i < count:
        number = i if chosen is None else chosen[i]
        i += 1
        batch.check_row(number)
        try:
            while True:
                key = <Key>batch.keys[number]
                row = &batch.rows[number]
                target.policy = batch.settings.replica
                if target.policy == REPLICA_RANDOM and batch.ask_of(number).kind != ROW_READS:
                    target.policy = REPLICA_SEQUENCE
                target.partition_id = partition_of(key.hash)
                target.replica = row.replica
                node = partitions.route(key.namespace, &target)
                row.replica = <uint16_t>target.replica
                if node is None:
                    lost.append((number, None))
                else:
                    if rows is None or rows.node is not node:
                        rows = found.get(node)
                        if rows is None:
                            rows = new_node_rows(batch, node)
                            found[node] = rows
                            order.append(rows)
                    rows.add(<uint32_t>number)
                if i == count:
                    break
                number = i if chosen is None else chosen[i]
                i += 1
                batch.check_row(number)
        except errors.ServerError as error:     # the cluster has no such namespace
            lost.append((number, error))
    return order, lost


def outcomes(Batch batch not None) -> list[BatchRecord]:
    """What came of each row, now that each was answered or has an error."""
    cdef Py_ssize_t i
    cdef BatchRecord row
    cdef list found = []
    for i in range(batch.count):
        row = BatchRecord.__new__(BatchRecord)
        row.key = <Key>batch.keys[i]
        row.record = batch.records[i]
        if batch.rows[i].code != NO_ANSWER:
            row.result_code = OK if batch.rows[i].code == RESULT_OK else ResultCode.of(batch.rows[i].code)
        row.error = batch.errors.get(i) if batch.errors else None
        found.append(row)
    return found


cdef object OK = ResultCode.OK


def outcome_flags(Batch batch not None) -> list[bool]:
    """Whether each row found its record."""
    cdef Py_ssize_t i
    return [batch.rows[i].code == RESULT_OK for i in range(batch.count)]


def rows_of_node(Batch batch not None, numbers: Iterable[int], Node node=None) -> NodeRows:
    """Some rows of a batch, for one node.

    Raises:
        IndexError: there is no such row.
    """
    cdef NodeRows found = new_node_rows(batch, node)
    cdef Py_ssize_t row
    for number in numbers:
        row = number
        if not 0 <= row < batch.count:
            raise IndexError(number)
        found.add(<uint32_t>row)
    return found
