# The commands of a batch: for each node the rows that it is asked for, and a command for as many of them as one request may
# have. It is Python that decides when they are run and which rows are asked again (`pyspike.plans.batch`).

cdef enum:
    MOST_COUNTED = 0xFFFF                   # tries and requests of a row; more of them count as no more


@cython.final
cdef class NodeRows:
    """Rows of a batch that one node is asked for, in one request or several, one after the other."""

    cdef readonly Batch batch
    cdef readonly Node node
    cdef bint has_other_node                # whether another active node has the partition of one of them too
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
        reader = BatchReader(batch) if batch.transaction is None else NotingBatchReader(batch)
        command = new_command(batch_kind(batch.name), reader, None, batch.settings, None, False)
        command.trace = batch.trace
        command.total_timeout = batch.total_timeout
        command.started = batch.started
        command.deadline = batch.deadline
        size = put_batch(&command.out, batch, self.numbers + self.begun, self.count - self.begun)
        batch.attempts += 1
        reader.was_compressed = is_packed(&command.out)
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
        command.target.has_other_node = self.has_other_node
        if self.node is not None:
            self.node.counters.count_batch(size)
        return command

    def count_sent(self) -> None:
        """Counts that the last request may have reached the server."""
        cdef RowState* row
        cdef Py_ssize_t i
        for i in range(self.slice_at, self.begun):
            row = &self.batch.rows[self.numbers[i]]
            row.sent += row.sent < MOST_COUNTED

    def is_unanswered(self, Command command not None) -> bool:
        """Whether no row of the last request, which is this one, was answered."""
        return (<BatchReader?>command.reader).awaited == self.begun - self.slice_at

    def give_up(self, Py_ssize_t most=-1) -> list[int]:
        """The rows that have no answer, after a request failed: those that no request asked for yet count as tried too.

        Args:
            most: how many rows to look at, so that it does not take long; the next call looks at those behind. -1 for all.
        """
        cdef RowState* row
        cdef Py_ssize_t i
        cdef Py_ssize_t end = self.count if most < 0 else min(self.count, self.slice_at + most)
        cdef list found = []
        for i in range(self.slice_at, end):
            row = &self.batch.rows[self.numbers[i]]
            if i >= self.begun:
                row.tries += row.tries < MOST_COUNTED
            if row.code == NO_ANSWER:
                row.attempt = 0
                found.append(self.numbers[i])
        self.slice_at = end
        self.begun = max(self.begun, end)
        return found

    def count_outcomes(self, *, Py_ssize_t failed=0, Py_ssize_t retried=0) -> None:
        """Counts, for the node, rows that ended in an error, and rows without an answer that are asked for again."""
        if self.node is not None:
            self.node.counters.count_rows(failed, retried)

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


def failed_rows(Command command not None) -> list[int]:
    """The rows that failed by what has come of the answer to a batch's command since the last call."""
    cdef BatchReader reader = <BatchReader?>command.reader
    cdef list failed = reader.failed
    if failed:
        reader.failed = []
    return failed


# --- the batches of calls ---

cdef Batch batch_of_rows(object rows, RowRules rules, object timeout, object filter_expression):
    """A batch of rows that a user made."""
    return new_batch(UserRows(rows), None, rules, timeout, filter_expression)


def batch_rows(
    rows: Iterable[BatchRow], rules: Settings | RowRules, timeout: Milliseconds | None = None,
    filter_expression: Filter | None = None
) -> Batch:
    """A batch of rows that are to be sent by these rules.

    Args:
        rows: any iterable of them.
        rules: of a client, or the settings of a `BatchPolicy` for one whose other policies are the defaults.
        timeout: of the whole call in milliseconds; None for that of the settings.
        filter_expression: for the rows without a filter of their own; None for that of the settings.

    Raises:
        InvalidType, InvalidArgument: an argument can't be used.
    """
    if isinstance(rules, Settings):
        rules = PLAIN_RULES.with_settings(rules)
    cdef Batch batch = batch_of_rows(rows, <RowRules?>rules, timeout, filter_expression)
    batch.take_rows(FOREVER)
    return batch


cdef Batch batch_of_reads(
    object keys, object bins, RowRules rules, object timeout, object filter_expression, object into=None
):
    """A batch that reads the same bins of the records of all keys, and makes objects of them where `into` is a class.

    Where the filter leaves a record out, it is as one that is not there.
    """
    cdef Ask ask = ask_bins(bins, None)
    cdef Batch batch = new_batch(KeySource(keys), ask, rules, timeout, filter_expression)
    ask.into = into
    batch.filtered_is_missing = True
    return batch


cdef Batch batch_of_deletes(
    object keys, RowRules rules, object timeout, object filter_expression, object row_policy
):
    """A batch that deletes the records of all keys. Where the filter leaves a record out, it is as one that is not there."""
    cdef Ask ask = ask_delete(None, row_settings(row_policy, OF_BATCH_DELETE, "a BatchDeletePolicy"))
    cdef Batch batch = new_batch(KeySource(keys), ask, rules, timeout, filter_expression)
    batch.filtered_is_missing = True
    return batch


cdef Batch batch_of_operations(
    object keys, object operations, RowRules rules, object timeout, object ttl, object filter_expression,
    object row_policy
):
    """A batch that does the same operations with the records of all keys."""
    cdef tuple steps = steps_of(operations)
    cdef OperationsSummary summary
    cdef Ask ask
    summarize(steps, &summary)
    if summary.flags & OP_IS_WRITE:
        ask = ask_operations(steps, ttl, None, None, row_settings(row_policy, OF_BATCH_WRITE, "a BatchWritePolicy"))
    else:
        ask = ask_operations(steps, ttl, None, row_settings(row_policy, OF_BATCH_READ, "a BatchReadPolicy"), None)
    return new_batch(KeySource(keys), ask, rules, timeout, filter_expression)


cdef Batch batch_of_puts(
    object records, RowRules rules, object timeout, object ttl, object filter_expression, object row_policy,
    RecordTypes types
):
    """A batch that puts bins of records."""
    cdef Settings own = row_settings(row_policy, OF_BATCH_WRITE, "a BatchWritePolicy")
    cdef object header = None if ttl is None else ttl_header(ttl)
    cdef Batch batch = new_batch(RecordsToPut(records, header, own, types), None, rules, timeout, filter_expression)
    batch.keeps_records = False
    if own is None and batch.filter_expression is None:
        batch.filter_expression = rules.write.filter_expression
    return batch


cdef Batch batch_of_calls(
    object keys, object module, object function, object args, RowRules rules, object timeout, object ttl,
    object filter_expression, object row_policy, CodecTable codecs
):
    """A batch that calls the same function on the records of all keys."""
    cdef Ask ask = ask_call(
        module, function, call_arguments(args), ttl, row_settings(row_policy, OF_BATCH_UDF, "a BatchUDFPolicy"),
        codecs
    )
    return new_batch(KeySource(keys), ask, rules, timeout, filter_expression)


# --- which node is asked ---

cdef inline Node node_of_row(PartitionMap partitions, RowRules rules, Key key, Ask ask, Target* target, bint again=False):
    """The node to be asked for a row, whose replica the target names; None if there is none. `again`: it was asked for before.

    Raises:
        ServerError: the cluster has no such namespace.
    """
    target.choice.policy = rules.settings.choice.policy
    if ask.kind != ROW_READS:
        target.choice.mode = MODE_OF_OTHERS
        if target.choice.policy != REPLICA_MASTER:
            target.choice.policy = REPLICA_SEQUENCE
    elif ask.own is not None and ask.own.choice.mode != MODE_OF_BATCH:
        target.choice.mode = ask.own.choice.mode
    else:
        target.choice.mode = rules.reading.mode
    if again and target.replica > 0 and (
        target.choice.policy == REPLICA_SEQUENCE or target.choice.policy == REPLICA_RANDOM
    ):
        target.choice.policy = REPLICA_ELSEWHERE
    target.partition_id = partition_of(key.hash)
    return partitions.route(key.namespace, target)


@cython.final
cdef class Routes:
    """Which node is to be asked for which rows, by the map of the moment.

    Args:
        batch: whose rows they are.
        partitions: the map.
        numbers: of the rows; None for all.

    Attributes:
        found: the rows for each node.
        lost: the numbers of rows that no node can be asked for, each with the error, which is None if none is known.
    """

    cdef Batch batch
    cdef PartitionMap partitions
    cdef list numbers                       # None: all rows
    cdef Py_ssize_t at, count               # the place of the next row, and how many there are
    cdef dict by_node
    cdef dict missing                       # namespaces that the cluster has not -> the error; None while there is none
    cdef readonly list found                # NodeRows
    cdef readonly list lost

    def __cinit__(
        self, Batch batch not None, PartitionMap partitions not None, numbers: Iterable[int] | None = None
    ) -> None:
        self.batch = batch
        self.partitions = partitions
        self.numbers = None if numbers is None else list(numbers)
        self.count = batch.count if numbers is None else <Py_ssize_t>len(self.numbers)
        self.by_node = {}
        self.found = []
        self.lost = []

    def find(self) -> None:
        """Find a node for each row."""
        self.find_some(FOREVER)

    cdef bint find_some(self, int64_t until) except -1:
        """Finds nodes for rows as far as the time goes; returns whether these were all. Some are done in any case."""
        cdef Py_ssize_t end
        while self.at < self.count:
            end = min(self.count, self.at + 8 * ROWS_A_LOOK)
            while self.at < end:
                try:
                    self.route_until(end)
                except errors.ServerError as error:     # the cluster has no such namespace: told to all rows of it
                    if self.missing is None:
                        self.missing = {}
                    self.missing[(<Key>self.batch.keys[self.number_at(self.at)]).namespace] = error
            if self.at < self.count and now_ns() >= until:
                return False
        return True

    cdef inline Py_ssize_t number_at(self, Py_ssize_t place) except -1:
        return place if self.numbers is None else <Py_ssize_t>self.numbers[place]

    cdef int route_until(self, Py_ssize_t end) except -1:
        cdef Batch batch = self.batch
        cdef NodeRows rows = None
        cdef Key key
        cdef Node node
        cdef Target target
        cdef Py_ssize_t number
        while self.at < end:
            number = self.number_at(self.at)
            batch.check_row(number)
            key = <Key>batch.keys[number]
            if self.missing is not None and key.namespace in self.missing:
                self.lost.append((number, self.missing[key.namespace]))
                self.at += 1
                continue
            target.replica = batch.rows[number].replica
            node = node_of_row(
                self.partitions, batch.rules, key, batch.ask_of(number), &target, batch.rows[number].tries > 0
            )
            batch.rows[number].replica = <uint16_t>target.replica
            batch.rows[number].mode = <uint16_t>target.choice.mode
            if node is None:
                self.lost.append((number, None))
            else:
                if rows is None or rows.node is not node:
                    rows = self.by_node.get(node)
                    if rows is None:
                        rows = new_node_rows(batch, node)
                        self.by_node[node] = rows
                        self.found.append(rows)
                rows.add(<uint32_t>number)
                rows.has_other_node |= target.has_other_node
            self.at += 1
        return 0


# --- what comes of the rows ---

cdef object OK = ResultCode.OK


cdef BatchRecord outcome_of(Batch batch, Py_ssize_t number):
    """What came of a row that was answered or has an error."""
    cdef BatchRecord row = BatchRecord.__new__(BatchRecord)
    cdef int code = batch.rows[number].code
    row.key = <Key>batch.keys[number]
    came = batch.records[number]
    if came is None or type(came) is Record:
        row.record = <Record>came
    else:
        row.made = came
    if code != NO_ANSWER:
        row.result_code = OK if code == RESULT_OK else ResultCode.of(code)
    row.error = batch.errors.get(number) if batch.errors else None
    return row


cdef inline bint has_failed(Batch batch):
    """Whether a row failed that must not, so that the call raises a BatchError."""
    return batch.gives != GIVES_RESULTS and len(batch.errors) > 0


cdef bint collect(Batch batch, list outcomes, int64_t until) except -1:
    """Adds what came of the rows to `outcomes` as far as the time goes, as the call gives it; returns whether these were all.

    That is a BatchRecord for each, also of the calls that give something else, if a row failed.
    """
    cdef Py_ssize_t i = len(outcomes), end
    cdef bint whole = batch.gives == GIVES_RESULTS or has_failed(batch)
    if not whole and batch.gives != GIVES_FLAGS:
        return True
    while i < batch.count:
        end = min(batch.count, i + 8 * ROWS_A_LOOK)
        for i in range(i, end):
            outcomes.append(outcome_of(batch, i) if whole else batch.rows[i].code == RESULT_OK)
        i = end
        if i < batch.count and now_ns() >= until:
            return False
    return True


cdef object given_by(Batch batch, object plan, list outcomes):
    """What a call that has not failed gives, now that `collect` has collected all."""
    if batch.gives == GIVES_RESULTS:
        return plan.results(outcomes)
    if batch.gives == GIVES_RECORDS:
        return batch.records
    return outcomes if batch.gives == GIVES_FLAGS else None


def outcomes(Batch batch not None) -> list[BatchRecord]:
    """What came of each row, now that each was answered or has an error."""
    cdef Py_ssize_t i
    return [outcome_of(batch, i) for i in range(batch.count)]


cdef list new_outcomes(Batch batch):
    """What came of the rows that were answered or have failed since the last call, of a batch whose rows are handed over one
    by one. They are forgotten then."""
    cdef Py_ssize_t number
    cdef list found = []
    for number in batch.answered:
        found.append(outcome_of(batch, number))
        batch.records[number] = None
    batch.answered.clear()
    if batch.errors:
        for number in batch.errors:
            found.append(outcome_of(batch, number))
        batch.errors.clear()
    batch.left -= len(found)
    return found


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
