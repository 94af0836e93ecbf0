# The rows of a stream that reads records by their keys: keys are asked for when there is room for their rows, so many at
# once as probably fill a batch of columns.


cdef enum:
    FIRST_KEYS = 4096                       # that are asked for before it is known how large their records are
    FEWEST_KEYS = 64
    MOST_KEYS = 8192                        # so that other threads wait for the GIL no longer than requests for these are made


@cython.final
cdef class BatchColumns(ColumnSource):
    """Keys whose records become rows, in the order of the keys. A record that is not there is a row without bins."""

    cdef object keys                        # an iterator
    cdef object bins
    cdef RowRules rules
    cdef object timeout
    cdef object filter_expression
    cdef Routing routing
    cdef object plan_of                     # makes the `BatchPlan` of a batch
    cdef RawRows raw                        # of the keys that were asked for last; None before
    cdef Py_ssize_t most                    # keys that are asked for at once
    cdef Batch batch
    cdef Trace trace                        # of all batches; None if nobody watches

    cdef int be_watched(self, Trace trace) except -1:
        self.trace = trace
        return 0

    cdef bint fill(self, ColumnStream stream) except -1:
        while self.columns.failure is None and not self.columns.is_full():
            if self.raw is None or self.raw.given == self.raw.count:
                chunk = list(islice(self.keys, min(self.most, self.columns.batch_rows - self.columns.rows)))
                if not chunk:
                    return False
                self.ask(stream, chunk)
                if self.columns.failure is not None:
                    break
            if self.columns.is_guessing:
                self.columns.sampled = self.raw.count
                break
            self.add_rows()
        return True

    cdef int ask(self, ColumnStream stream, list keys) except -1:
        """Asks for the records of keys."""
        cdef Batch batch = batch_of_reads(keys, self.bins, self.rules, self.timeout, self.filter_expression)
        cdef BatchExchanges exchanges
        batch.name = "batch_get_arrow"
        batch.gives = GIVES_NOTHING
        batch.keeps_records = False
        batch.trace = self.trace
        batch.take_rows(FOREVER)
        batch.raw = self.raw = RawRows(batch.keys)
        self.batch = batch
        if self.routing.refusing:
            raise errors.ClientClosed("the client is closed")
        plan = self.plan_of(batch)
        exchanges = start_batch(self.routing, plan)
        try:
            while exchanges.is_busy():
                exchanges.step(LOOKS_FOR_CLOSE)
                stream.check()
        except BaseException:
            exchanges.break_off("interrupted")
            raise
        finally:
            exchanges.forget_retries()
        if has_failed(batch):
            self.columns.failure = plan.failure(outcomes(batch))
        self.note_codes()
        self.most = <Py_ssize_t>(self.columns.batch_bytes // (self.raw.messages.size // len(keys) + 1))
        self.most = max(<Py_ssize_t>FEWEST_KEYS, min(self.most, <Py_ssize_t>MOST_KEYS))
        return 0

    cdef int note_codes(self) except -1:
        """Notes which records are not there."""
        cdef Py_ssize_t i
        for i in range(self.raw.count):
            self.raw.rows[i].raw.result_code = self.batch.rows[i].code
        return 0

    cdef int add_rows(self) except -1:
        cdef RawRows raw = self.raw
        cdef Columns columns = self.columns
        cdef Adding outcome
        with nogil:
            outcome = raw.add_to(columns)
        if outcome == NO_FIT:
            columns.failure = columns.misfit_error(<Key>raw.keys[raw.given])
        check_added(outcome)
        return 0

    cdef int guess(self) except -1:
        cdef Memory nothing
        memset(&nothing, 0, sizeof(Memory))
        if self.raw is None:
            self.columns.guess(&nothing, NULL, 0)
        else:
            self.columns.guess(&self.raw.messages, self.raw.rows, self.raw.count)
            self.has_sample = True
        return 0

    cdef int add_sample(self) except -1:
        self.has_sample = False
        return self.add_rows()


def batch_columns(
    Routing routing not None, plan_of: Callable[[Batch], Any], keys: Iterable[KeyLike], bins: Any, RowRules rules not None,
    timeout: Milliseconds | None, filter_expression: Filter | None, Columns columns not None, type kind
) -> ColumnStream:
    """A stream of the records of keys, which has not begun.

    Args:
        routing: of the cluster.
        plan_of: makes the `BatchPlan` of a batch.
        keys: any iterable of keys.
        bins: the names of the bins, or None for all.
        rules: by which they are asked for.
        timeout: the deadline of each batch; None for that of the settings.
        filter_expression: which records to give; None for that of the settings.
        columns: what the records become; for these keys alone.
        kind: the class of the stream.

    Raises:
        ClientClosed: the client is closed.
    """
    cdef BatchColumns source = BatchColumns.__new__(BatchColumns)
    heed_fork()
    if routing.refusing:
        raise errors.ClientClosed("the client is closed")
    routing.check_replica(rules.settings)
    source.keys = iter(keys)
    source.bins = bins
    source.rules = rules
    source.timeout = timeout
    source.filter_expression = filter_expression
    source.routing = routing
    source.plan_of = plan_of
    source.most = FIRST_KEYS
    source.columns = columns
    return open_column_stream(kind, source)
