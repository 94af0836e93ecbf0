# Writes rows of columns for a thread: it packs some, sends them in batches to several nodes at once, and packs more while
# answers come, as far as may be under way. Nothing goes on behind it.
#
# Not here: how rows are packed (`column_rows.pyx`), and how requests go out and answers come in (`exchanges.pyx`).

cdef enum:
    BYTES_UNDER_WAY = 16_777_216            # of operations, after which no other batch is begun
    BYTES_OF_BATCH = 4_194_304              # after which a batch gets no more rows


@cython.final
cdef class WriterExchanges(StreamExchanges):
    """The batches of a writer that are under way, and the rows that have failed."""

    cdef list failures                      # (number of the row, its Key, its error)

    cdef int begin_batch(self, object plan) except -1:
        self.batches.add(plan.batch)
        return self.ask(plan, None)

    cdef int hand_over(self, Batch batch) except -1:
        batch.left -= batch.done + len(batch.errors)
        batch.done = 0
        for number, error in batch.errors.items():
            self.failures.append(
                (batch.packed.rows[batch.packed_at + <Py_ssize_t>number].number, batch.keys[number], error)
            )
        batch.errors.clear()
        if not batch.left:
            self.batches.discard(batch)
        return 0

    cdef bint has_news(self) except -1:
        return False

    cdef Reading came(self, NodeRequests requests) except *:
        cdef RowRequests asked = <RowRequests>requests
        if (<BatchReader>asked.command.reader).failed:
            self.tell_answers(asked)
        self.hand_over(asked.rows.batch)
        return MAY_WAIT


@cython.final
cdef class ColumnWriter(RowPacker):
    """Writes rows of columns.

    Args:
        routing: of the cluster.
        plan_of: makes the `BatchPlan` of a batch.
        data: what gives the columns.
        make_plan: says what becomes of them: it is given their schema and returns a `ColumnPlan`.
        start_row: how many rows to pass over.
        rules: by which the rows are sent.
        in_flight: how many rows may be under way.
        timeout: of each batch; None for that of the settings.
        filter_expression: which records to write; None for that of the settings.
        most_failures: after how many of them no other row is sent; None: any number.
        dry_run: whether rows are packed, and not sent.

    Attributes:
        failures: (number of the row, its Key, its error) of each row that failed so far.
        skipped: how many rows had no value.
        sent: how many rows were sent, or are to be.
        elapsed_ns: how long it has run.
    """

    cdef WriterExchanges exchanges
    cdef Routing routing
    cdef object plan_of
    cdef RowRules rules
    cdef Py_ssize_t in_flight
    cdef object timeout
    cdef object filter_expression
    cdef Py_ssize_t most_failures           # -1: any number
    cdef int64_t start_row
    cdef bint dry_run
    cdef list batches                       # under way, the oldest first
    cdef PackedRows piece                   # of which batches are made
    cdef object failure                     # with which it ends when no row is under way any more; None without one
    cdef bint cancelled
    cdef int64_t began
    cdef uint64_t forks
    cdef Trace trace                        # None if nobody watches
    cdef readonly int64_t sent
    cdef readonly int64_t elapsed_ns

    def __cinit__(
        self, TakenColumns data, ColumnPlan plan, Routing routing not None, plan_of: Callable[[Batch], Any], *,
        RowRules rules not None, start_row: int, in_flight: int, timeout: Milliseconds | None,
        filter_expression: Filter | None, most_failures: int | None, dry_run: bool
    ) -> None:
        heed_fork()
        if routing.refusing:
            raise errors.ClientClosed("the client is closed")
        self.exchanges = WriterExchanges.__new__(WriterExchanges)
        self.exchanges.failures = []
        self.exchanges.routing = routing
        self.exchanges.most_at_once = 1 if rules.settings.sequential else 0
        self.routing = routing
        self.plan_of = plan_of
        self.rules = rules
        self.in_flight = checked_count("in_flight", in_flight, 1, MOST_IN_FLIGHT)
        self.start_row = checked_count("start_row", start_row, 0, INT64_MAX)
        self.most_failures = -1 if most_failures is None else checked_count("max_failures", most_failures, 0, INT64_MAX)
        if timeout is not None:
            timeout_ms(timeout)
        self.timeout = timeout
        self.filter_expression = filter_bytes(filter_expression)
        self.dry_run = bool(dry_run)
        self.batches = []
        self.forks = forks

    @property
    def failures(self) -> list[tuple[int, Key, AerospikeError]]:
        """The rows that failed so far."""
        return self.exchanges.failures

    @property
    def under_way(self) -> int:
        """How many rows were sent and have no outcome yet."""
        return sum([(<Batch>batch).left for batch in self.batches])

    @property
    def next_row(self) -> int:
        """The first row, counted from the beginning of the data, for which it is not known what came of it."""
        cdef Batch batch
        for each in self.batches:
            batch = <Batch>each
            return batch.packed.rows[batch.packed_at].number
        return self.number if self.piece is None else self.piece.rows[self.piece.taken].number

    def be_watched(self, trace: Trace | None) -> None:
        """Have it written down in a trace what becomes of rows that are not written yet; None: it is not."""
        self.trace = <Trace?>trace if trace is not None else None

    def cancel(self) -> None:
        """Have it end soon, from any thread: rows under way may be written or not."""
        self.cancelled = True

    def run(self, note: Callable[[], None] | None) -> None:
        """Write all rows.

        Args:
            note: is called when some rows are done; None for nothing.

        Raises:
            RowRefused: a row can't be written. Those before its piece were.
            AerospikeError: the data gave no more rows, or the client was closed.
        """
        try:
            self.write(note)
        except BaseException as error:
            if self.trace is not None:
                self.trace.over(error)
            raise
        if self.trace is not None:
            self.trace.over(None)

    cdef int write(self, object note) except -1:
        cdef int64_t rest = -1, left
        self.began = now_ns()
        try:
            self.read(self.start_row)
            while True:
                self.begin_batches()
                if not self.batches and self.piece is None and self.ended:
                    break
                self.step()
                left = self.under_way
                self.elapsed_ns = now_ns() - self.began
                if note is not None and left != rest:
                    note()
                rest = left
            self.exchanges.finish("finished")
        except BaseException:
            self.exchanges.finish("interrupted")
            raise
        finally:
            self.elapsed_ns = now_ns() - self.began
            self.data.let_go()
        if self.failure is not None:
            raise self.failure
        return 0

    cdef int step(self) except -1:
        """Sends, and waits until something has happened, while other rows may be packed for a short time only."""
        cdef WriterExchanges exchanges = self.exchanges
        cdef Batch batch
        if self.forks != forks:
            raise errors.ConnectionError("the rows are written by another process, which goes on with it")
        if self.cancelled:
            raise errors.AerospikeError("the writing of rows was given up")
        exchanges.enter(True)
        try:
            exchanges.note_retries()
            exchanges.step(0 if self.may_begin() else LOOKS_FOR_CLOSE)
            exchanges.begin_free()
        finally:
            exchanges.leave()
        broken = exchanges.broken
        if broken is not None:
            raise errors.AerospikeError(f"rows are lost, as reading them was interrupted: {broken!r}") from broken
        while self.batches:
            batch = <Batch>self.batches[0]
            if batch.left:
                break
            self.batches.pop(0)
        if self.most_failures >= 0 and len(exchanges.failures) > self.most_failures:
            self.stop(None)
        return 0

    cdef int stop(self, object failure) except -1:
        """Reads no more rows."""
        self.ended = True
        self.piece = None
        if self.failure is None:
            self.failure = failure
        return 0

    # --- packing ---

    cdef bint may_begin(self) except -1:
        """Whether another batch may be begun."""
        cdef Py_ssize_t rows = 0
        cdef size_t size = 0
        cdef Batch batch
        if self.piece is None and self.ended:
            return False
        for each in self.batches:
            batch = <Batch>each
            rows += batch.left
            size += size_of_batch(batch)
        return rows == 0 or (rows + self.most_in_batch() <= self.in_flight and size < BYTES_UNDER_WAY)

    cdef inline Py_ssize_t most_in_batch(self) noexcept:
        return max(1, min((self.in_flight + 1) // 2, <Py_ssize_t>SLICE_ROWS))

    cdef int read(self, int64_t start_row) except -1:
        """Passes over rows."""
        try:
            self.skip_to(start_row)
        except Exception as error:
            self.stop(error)
        return 0

    cdef int begin_batches(self) except -1:
        """Begins a batch if one may be, of rows that it packs if need be."""
        cdef Batch batch
        cdef object plan
        if not self.may_begin():
            return 0
        if self.routing.refusing:
            self.stop(errors.ClientClosed("the client is closed"))
            return 0
        try:
            while self.piece is None and not self.ended:
                self.piece = self.next_piece()
                if self.piece is not None and self.piece.count == 0:
                    self.piece = None       # no row of it has a value
        except Exception as error:          # rows that are under way have their outcomes first
            self.stop(error)
        if self.piece is None:
            return 0
        if self.dry_run:
            self.sent += self.piece.count
            self.piece = None
            return 0
        batch = self.next_batch()
        batch.begin()
        plan = self.plan_of(batch)
        self.batches.append(batch)
        self.sent += batch.count
        self.exchanges.enter(True)
        try:
            self.exchanges.begin_batch(plan)
        finally:
            self.exchanges.leave()
        return 0

    cdef Batch next_batch(self):
        """A batch of the next rows of the piece."""
        cdef PackedRows piece = self.piece
        cdef Batch batch = new_batch(None, self.plan.ask, self.rules, self.timeout, self.filter_expression)
        cdef Py_ssize_t begin = piece.taken
        cdef Py_ssize_t end = min(piece.count, begin + self.most_in_batch())
        cdef Py_ssize_t i = begin
        cdef size_t size = 0
        while i < end and (i == begin or size < BYTES_OF_BATCH):
            size += piece.rows[i].size
            i += 1
        batch.name = "write_arrow"
        batch.trace = self.trace
        batch.gives = GIVES_NOTHING
        batch.keeps_records = False
        batch.packed = piece
        batch.packed_at = begin
        batch.keys = piece.keys[begin:i]
        batch.keep_rows()
        piece.taken = i
        if i == piece.count:
            self.piece = None
        return batch


cdef inline size_t size_of_batch(Batch batch) noexcept:
    cdef PackedRow* last = &batch.packed.rows[batch.packed_at + batch.count - 1]
    return last.begin + last.size - batch.packed.rows[batch.packed_at].begin


cdef int64_t checked_count(str name, object given, int64_t least, int64_t most) except -1:
    number = plain_int(given)
    if number is None:
        raise errors.InvalidType(f"{name} must be int, not {shown(given)}")
    if not least <= number <= most:
        raise errors.InvalidArgument(f"{name} must be {least} to {most}, not {shown(given)}")
    return number


def taken_columns(data: object) -> TakenColumns:
    """Begin to take the columns of an object that has `__arrow_c_stream__` or `__arrow_c_array__`.

    Raises:
        InvalidType: it has neither.
        InvalidArgument: its columns can't be read.
    """
    return take_columns(data)
