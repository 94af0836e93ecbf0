# A batch (batch.md 7.1): its rows, what is known of each so far, and the requests that are made of some of them. Rows are
# numbered by their places in the call, in requests, in answers and in results.
#
# Not here: which node is asked for which rows (`batch_commands.pyx`), and how answers are read
# (`readers/batch_reader.pyx`).

cdef enum BatchGives:                       # what comes of a call
    GIVES_RESULTS                           # what came of each row, also of those that failed
    GIVES_RECORDS                           # the record of each row, or None; as below, no row may fail
    GIVES_FLAGS                             # whether each row found its record
    GIVES_NOTHING


cdef enum:
    SLICE_ROWS = 4096                       # of one request at most: a server may have a limit of 5000
    SLICE_SIZE = 1_048_576                  # bytes of a request's rows after which no other one is added
    NO_ANSWER = -1                          # in the place of a result code


cdef struct RowState:
    int32_t attempt                         # the number of the request whose answer is awaited; 0 if none is
    int16_t code                            # of the answer, or NO_ANSWER
    uint16_t sent                           # requests that may have reached a server
    uint16_t tries
    uint16_t replica                        # which one is asked next; the master is 0
    uint16_t mode                           # of the choice by which it was asked last


@cython.final
cdef class Batch:
    """The rows of one call, and what came of them so far."""

    cdef readonly str name                  # of the client's method that made it, such as "batch_get"
    cdef BatchGives gives
    cdef Trace trace                        # None if nobody watches the call
    cdef RowSource source                   # of the rows that it has not taken yet; None once it has all
    cdef Py_ssize_t count
    cdef list keys
    cdef Ask ask                            # what all rows ask; None: `asks` has what each does
    cdef list asks
    cdef PackedRows packed                  # that has what each row writes, from `packed_at` on; None: `ask` or `asks` have it
    cdef Py_ssize_t packed_at
    cdef RowState* rows
    cdef readonly list records              # a Record or None for each row
    cdef readonly dict errors               # by the row's number: why it failed
    cdef list answered                      # rows that have not failed, if all are handed over one by one; None if all at once
    cdef Py_ssize_t done                    # rows that have not failed, of a batch whose failures are handed over, since then
    cdef Py_ssize_t left                    # rows that were not handed over yet
    cdef RowsInTransaction transaction      # None of a batch that is part of none
    cdef dict words                         # by the row's number: those of a function that failed
    cdef dict told                          # by the row's number: what the server told of its error, as it came
    cdef bint keeps_records                 # else only result codes count
    cdef bint gives_written                 # whether what has become of records that were written is kept instead
    cdef RecordTypes types                  # of the client, which knows the classes that rows are read into
    cdef RawRows raw                        # that keeps the records as they come; None: nothing does
    cdef bint filtered_is_missing           # a record for which the filter does not hold is as one that is not there
    cdef int32_t attempts                   # requests that were made
    cdef RowRules rules
    cdef readonly Settings settings         # of the rules
    cdef readonly double total_timeout      # ms, 0 = none
    cdef bytes filter_expression            # of rows whose own policy has none
    cdef int64_t started                    # when it began; 0 before
    cdef int64_t deadline

    def __dealloc__(self) -> None:
        PyMem_RawFree(self.rows)

    def __len__(self) -> int:
        return self.count

    cdef bint take_rows(self, int64_t until) except -1:
        """Takes rows from the source as far as the time goes; returns whether these were all. Some are taken in any case."""
        cdef Py_ssize_t i, had = len(self.keys)
        cdef bint whole
        if self.source is None:
            return True
        whole = self.source.take(self.keys, self.asks, until)
        for i in range(had, <Py_ssize_t>len(self.keys)):
            check_row(<Key>self.keys[i], self.ask_of(i), self.filter_expression, self.rules)
            if self.ask_of(i).into is not None:
                self.types.plan_of(self.ask_of(i).into)     # which tells now what is wrong with the class
        if not whole:
            return False
        self.keep_rows()
        self.source = None
        return True

    cdef int keep_rows(self) except -1:
        """Makes room for what is to be known of each row, now that all are there."""
        cdef Py_ssize_t i
        self.count = self.left = len(self.keys)
        self.rows = <RowState*>PyMem_RawMalloc(<size_t>(self.count if self.count else 1) * sizeof(RowState))
        if self.rows == NULL:
            raise MemoryError
        memset(self.rows, 0, <size_t>self.count * sizeof(RowState))
        for i in range(self.count):
            self.rows[i].code = NO_ANSWER
        self.records = [None] * self.count
        self.words = {}
        self.told = {}
        return 0

    cdef inline Ask ask_of(self, Py_ssize_t row):
        return self.ask if self.ask is not None else <Ask>self.asks[row]

    cdef int check_row(self, Py_ssize_t row) except -1:
        if not 0 <= row < self.count:
            raise IndexError(row)
        return 0

    cdef int64_t begin(self):
        """Sets the deadline, when the batch begins; returns the time."""
        cdef int64_t now = now_ns()
        if self.started == 0:
            self.started = now
            self.deadline = after(now, to_ns(self.total_timeout))
        return now

    @property
    def remaining(self) -> float | None:
        """Milliseconds until the deadline, less than 0 when it has passed; None without one."""
        if self.started == 0 or self.deadline == FOREVER:
            return self.total_timeout or None
        return (self.deadline - now_ns()) / <double>MILLISECOND

    @property
    def first_key(self) -> Key | None:
        """The key of the first row; None if there is none, or no row was taken yet."""
        return self.keys[0] if self.keys else None

    def key(self, Py_ssize_t row) -> Key:
        """The key of a row."""
        self.check_row(row)
        return self.keys[row]

    def writes(self, Py_ssize_t row) -> bool:
        """Whether a row writes or deletes."""
        self.check_row(row)
        return self.ask_of(row).kind != ROW_READS

    def code(self, Py_ssize_t row) -> int | None:
        """The result code of a row's answer; None without an answer."""
        self.check_row(row)
        return None if self.rows[row].code == NO_ANSWER else self.rows[row].code

    def asked(self, Py_ssize_t row) -> tuple[bytes | None, int, bytes, tuple[Operation, ...] | None, int]:
        """What a row asks.

        Returns:
            Its filter expression, or else the batch's; how many operations are sent for it, and their bytes; those that
            the caller gave, None where bins were given; and its info2.
        """
        cdef Ask ask
        cdef bytes condition
        cdef Settings own
        self.check_row(row)
        ask = self.ask_of(row)
        own = own_settings(ask, self.rules)
        condition = filter_of(ask, own, self.filter_expression)
        if condition is None:
            condition = self.filter_expression
        info2 = info2_of(ask, own, self.settings)
        if self.packed is not None:
            ops = self.packed.ops_of(self.packed_at + row)
            return condition, self.packed.rows[self.packed_at + row].ops, ops, None, info2
        return condition, ask.op_count, ask.ops, ask.operations, info2

    def words_of(self, Py_ssize_t row) -> str:
        """The words by which a row's function failed; empty if there are none."""
        return self.words.get(row, "")

    def told_of(self, Py_ssize_t row) -> bytes | None:
        """What the server told of a row's error, as it came; None if it told nothing."""
        return self.told.get(row)

    def kinds(self, numbers: Iterable[int]) -> dict[tuple[bool, int, int], list[int]]:
        """Rows, by what counts for whether they are tried again: whether they write, how often they were tried and sent."""
        cdef dict found = {}
        cdef RowState* row
        cdef Py_ssize_t number
        for number in numbers:
            self.check_row(number)
            row = &self.rows[number]
            found.setdefault(
                (self.ask_of(number).kind != ROW_READS, row.tries, row.sent), []
            ).append(number)
        return found

    def next_replica(self, numbers: Iterable[int], bint slow) -> bool:
        """Lets the next request for these rows go to the replica after the one that was asked, as far as it may.

        Args:
            numbers: of the rows.
            slow: whether the last request failed as the node was too slow, or gets no commands.

        Returns:
            Whether that of any row does: see `Command.next_replica`.
        """
        cdef Py_ssize_t number
        cdef bint moved = False
        for number in numbers:
            self.check_row(number)
            if not stays(self.rows[number].mode, slow):
                self.rows[number].replica += 1
                moved = True
        return moved


cdef inline int bit_of(Ask ask) noexcept:
    """Returns the bit by which settings name the rows of this kind; 0 of those that read."""
    if ask.call is not None:
        return ROWS_THAT_CALL
    return ROWS_THAT_DELETE if ask.kind == ROW_DELETES else ROWS_THAT_WRITE if ask.kind == ROW_WRITES else 0


cdef inline Settings own_settings(Ask ask, RowRules rules):
    """The settings of a row's own policy, or else those that the rules have for rows of its kind."""
    if ask.own is not None:
        return ask.own
    if ask.kind == ROW_READS:
        return rules.read
    if ask.kind == ROW_DELETES:
        return rules.delete
    return rules.write if ask.call is None else rules.call


cdef inline bytes filter_of(Ask ask, Settings own, bytes filter_expression):
    """The filter that a row has besides the batch's; None if it has none."""
    return None if ask.own is None and filter_expression is not None else own.filter_expression


cdef inline bint sends_key(Ask ask, Settings own, Settings settings) noexcept:
    """Whether a row's request has the key, if that is known."""
    return own.send_key or settings.keys_of_rows & bit_of(ask) != 0


cdef inline int info2_of(Ask ask, Settings own, Settings settings) noexcept:
    cdef int bit = bit_of(ask)
    cdef int info2 = ask.info2 | own.info2
    if ask.has_generation and not info2 & INFO2_GENERATION_GT:
        info2 |= INFO2_GENERATION           # a generation that is given is one that is expected
    if not settings.told_durable & bit:
        return info2
    return info2 | INFO2_DURABLE_DELETE if settings.durable & bit else info2 & ~INFO2_DURABLE_DELETE


cdef inline int check_row(Key key, Ask ask, bytes filter_expression, RowRules rules) except -1:
    """Refuses a row that would not fit into a request of its own, or has what no row can have."""
    cdef size_t size
    cdef Settings own = own_settings(ask, rules)
    cdef bint with_key = sends_key(ask, own, rules.settings)
    if own.generation > MAX_ROW_GENERATION and not ask.has_generation:
        raise generation_too_large(own, key)
    if not with_key and PyBytes_GET_SIZE(ask.ops) <= SLICE_SIZE:
        return 0
    size = ROOM_OF_ROW + <size_t>PyBytes_GET_SIZE(ask.ops)
    for data in (filter_expression, filter_of(ask, own, filter_expression)):
        if data is not None:
            size += <size_t>PyBytes_GET_SIZE(data)
    if with_key:
        size += user_key_size(key)
    if size > MAX_MESSAGE:
        raise errors.InvalidArgument(
            f"the row would pass the protocol's limit of {MAX_MESSAGE} bytes", key=key, advice="store less in one record"
        )
    return 0


cdef Batch new_batch(RowSource source, Ask ask, RowRules rules, object timeout, object filter_expression):
    """A batch of rows that it has yet to take. `ask` is what all of them ask, or None: then they come with what each does."""
    cdef Batch batch = Batch.__new__(Batch)
    cdef Settings chosen = rules.settings
    batch.source = source
    batch.keys = []
    batch.ask = ask
    batch.asks = None if ask is not None else []
    batch.keeps_records = True
    batch.types = NO_TYPES
    batch.errors = {}
    batch.rules = rules
    batch.settings = chosen
    batch.total_timeout = chosen.total_timeout if timeout is None else timeout_ms(timeout)
    batch.filter_expression = chosen.filter_expression if filter_expression is None else filter_bytes(filter_expression)
    if ask is not None and ask.own is None and batch.filter_expression is None:
        batch.filter_expression = own_settings(ask, rules).filter_expression    # sent once, not with each row
    return batch


# --- requests ---

cdef struct LastRow:                        # the one before, to see whether the next asks the same
    PyObject* ask                           # borrowed, as the names are: the batch has them all
    PyObject* namespace
    PyObject* set_name
    size_t body                             # where its last whole form begins in the buffer, behind its digest
    size_t size
    bint repeatable


cdef int put_row_body(Buffer* out, Key key, Ask ask, Batch batch) except -1:
    """What follows a row's digest, flags first; returns whether the next row may repeat it."""
    cdef Settings own = own_settings(ask, batch.rules)
    cdef bint repeatable = put_row_head(
        out, key, ask, own, batch, ask.generation if ask.has_generation else <uint16_t>own.generation,
        ask.ttl if ask.has_ttl else own.ttl if own.has_ttl else batch.rules.reading.ttl, ask.op_count
    )
    put_bytes(out, PyBytes_AS_STRING(ask.ops), <size_t>PyBytes_GET_SIZE(ask.ops))
    return repeatable


cdef inline int put_row_head(
    Buffer* out, Key key, Ask ask, Settings own, Batch batch, uint16_t generation, uint32_t ttl, int op_count
) except -1:
    """The same, but for the operations."""
    cdef RowRules rules = batch.rules
    cdef Settings settings = rules.settings
    cdef bytes own_filter = filter_of(ask, own, batch.filter_expression)
    cdef bint reads = ask.kind == ROW_READS
    cdef bint with_key = sends_key(ask, own, settings) and key.user_key is not None
    cdef int flags = ROW_HAS_INFO | ROW_HAS_TTL
    cdef unsigned char* p
    cdef size_t start
    if not reads:
        flags |= ROW_HAS_GENERATION
    if settings.info4 | own.info4:
        flags |= ROW_HAS_INFO4
    p = buffer_take(out, 4)
    p[0] = <unsigned char>flags
    p[1] = <unsigned char>(ask.info1 | rules.reading.info1 if reads else ask.info1)
    p[2] = <unsigned char>info2_of(ask, own, settings)
    p[3] = rules.reading.info3 if own.choice.mode == MODE_OF_BATCH else own.info3
    if flags & ROW_HAS_INFO4:
        put8(out, <unsigned char>(settings.info4 | own.info4))
    if not reads:
        store16(buffer_take(out, 2), generation)
    start = out.size + 4
    p = buffer_take(out, 8)
    store32(p, ttl)
    store16(p + 6, <uint16_t>op_count)
    cdef int fields = 1
    put_text_field(out, FIELD_NAMESPACE, key.namespace)
    if key.set_name:                        # an empty one would crash the server (batch.md 7.1)
        put_text_field(out, FIELD_SET, key.set_name)
        fields += 1
    if own_filter is not None:
        put_field(out, FIELD_FILTER, PyBytes_AS_STRING(own_filter), <size_t>PyBytes_GET_SIZE(own_filter))
        fields += 1
    if with_key:
        put_user_key_field(out, key)
        fields += 1
    if ask.call is not None:
        put_bytes(out, PyBytes_AS_STRING(ask.call), <size_t>PyBytes_GET_SIZE(ask.call))
        fields += 3
    store16(out.data + start, <uint16_t>fields)
    return not with_key


cdef inline bint same_name(PyObject* name, str other):
    return name == <PyObject*>other or <str>name == other


cdef inline int put_row(Buffer* out, LastRow* last, uint32_t number, Key key, Ask ask, Batch batch) except -1:
    cdef unsigned char* p = buffer_take(out, AT_ROW_FLAGS)
    cdef size_t body = out.size
    cdef bint repeatable
    store32(p, number)
    memcpy(p + 4, key.hash, DIGEST_SIZE)
    if (
        last.repeatable and last.ask == <PyObject*>ask and same_name(last.namespace, key.namespace)
        and same_name(last.set_name, key.set_name)
    ):
        return put8(out, ROW_REPEAT)
    repeatable = put_row_body(out, key, ask, batch)
    repeat_if_same(out, last, body, repeatable)
    last.ask = <PyObject*>ask
    last.namespace = <PyObject*>key.namespace
    last.set_name = <PyObject*>key.set_name
    return 0


cdef inline void repeat_if_same(Buffer* out, LastRow* last, size_t body, bint repeatable) noexcept:
    """Has a row that says the same as the one before repeat it."""
    if (
        last.repeatable and repeatable and out.size - body == last.size
        and memcmp(out.data + body, out.data + last.body, last.size) == 0
    ):
        out.data[body] = ROW_REPEAT
        out.size = body + 1
    else:
        last.body = body
        last.size = out.size - body
    last.repeatable = repeatable


cdef int put_packed_row(Buffer* out, uint32_t number, Batch batch) except -1:
    """As `put_row`, of a row that is packed. None repeats the one before: two that write the same are rare."""
    cdef PackedRow* row = &batch.packed.rows[batch.packed_at + number]
    cdef unsigned char* p = buffer_take(out, AT_ROW_FLAGS)
    store32(p, number)
    memcpy(p + 4, row.digest, DIGEST_SIZE)
    put_row_head(
        out, <Key>batch.keys[number], batch.ask, own_settings(batch.ask, batch.rules), batch, row.generation, row.ttl, row.ops
    )
    return batch.packed.put_ops(out, batch.packed_at + number)


cdef int put_row_in_transaction(
    Buffer* out, LastRow* last, uint32_t number, Key key, Ask ask, Batch batch
) except -1:
    """As `put_row`, of a batch that is part of a transaction or ends one."""
    cdef unsigned char* p = buffer_take(out, AT_ROW_FLAGS)
    cdef size_t body = out.size
    cdef RowsInTransaction transaction = batch.transaction
    cdef TransactionFields part = transaction.fields_of(number, ask)
    cdef bint repeatable = True
    store32(p, number)
    memcpy(p + 4, key.hash, DIGEST_SIZE)
    if transaction.ending != NO_ENDING:
        put_end_row(out, key, transaction.ending, part, batch.settings)
    else:
        repeatable = put_row_body(out, key, ask, batch)
        add_to_row(out, body, part, bool(key.set_name))
    repeat_if_same(out, last, body, repeatable)
    return 0


cdef Py_ssize_t put_batch(Buffer* out, Batch batch, const uint32_t* numbers, Py_ssize_t count) except -1:
    """A request for the first of these rows, as many as a slice may have; returns how many these are."""
    cdef LastRow last
    cdef Settings settings = batch.settings
    cdef size_t head
    cdef size_t end = 0
    cdef int fields = 1
    cdef Py_ssize_t i = 0
    cdef uint32_t number
    cdef bint plain = batch.packed is None and batch.transaction is None
    memset(&last, 0, sizeof(LastRow))
    put_request_header(
        out, INFO1_BATCH | settings.info1 & INFO1_COMPRESS_RESPONSE, 0, 0, 0, 0, server_timeout(batch.total_timeout, 0)
    )
    ask_for_details(out, settings)
    if batch.filter_expression is not None:
        put_field(
            out, FIELD_FILTER, PyBytes_AS_STRING(batch.filter_expression),
            <size_t>PyBytes_GET_SIZE(batch.filter_expression)
        )
        fields += 1
    head = out.size
    start_field(out, FIELD_BATCH, BATCH_HEAD_SIZE)
    try:
        while i < count and i < SLICE_ROWS and out.size - head < SLICE_SIZE:
            end = out.size
            number = numbers[i]
            if plain:
                put_row(out, &last, number, <Key>batch.keys[number], batch.ask_of(number), batch)
            elif batch.packed is not None:
                put_packed_row(out, number, batch)
            else:
                put_row_in_transaction(out, &last, number, <Key>batch.keys[number], batch.ask_of(number), batch)
            i += 1
    except errors.InvalidArgument:          # it has no room behind the others
        if i == 0:
            raise
        out.size = end
    store32(out.data + head, <uint32_t>(out.size - head - 4))
    store32(out.data + head + FIELD_HEADER_SIZE, <uint32_t>i)
    out.data[head + FIELD_HEADER_SIZE + 4] = settings.batch_flags
    seal_request(out, settings, fields, 0)
    return i
