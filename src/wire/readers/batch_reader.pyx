# Reads the answer to a batch (batch.md 7.2): any number of frames with any number of rows, in any order, and a last message.

cdef object answered_twice(uint32_t number):
    return broken(f"an answer for row {number}, which was not asked for or was answered already")


cdef int RESULT_ENTERPRISE_ONLY = int(ResultCode.ENTERPRISE_ONLY)
cdef int RESULT_FILTERED_OUT = int(ResultCode.FILTERED_OUT)


cdef inline bint is_failure(Batch batch, int code, RowKind kind) noexcept:
    """Whether a row with this answer failed: that there is no record is an outcome of a read and of a delete."""
    if code == RESULT_OK:
        return False
    if kind == ROW_WRITES:
        return True
    return code != RESULT_NOT_FOUND and not (batch.filtered_is_missing and code == RESULT_FILTERED_OUT)


cdef Adding keep_records(RawRows raw, RowState* states, int32_t attempt, Span* s, Py_ssize_t* count) noexcept nogil:
    """Keeps the messages of rows that have a record, and steps over them and counts them; stops at any other message."""
    cdef RawRecord r
    cdef RawBin b
    cdef Span after
    cdef uint32_t number
    cdef int _i
    while span_left(s) >= MESSAGE_HEADER_SIZE and not s.p[AT_INFO3] & INFO3_LAST and s.p[AT_RESULT_CODE] == RESULT_OK:
        number = load32(s.p + AT_ROW_NUMBER)
        after = s[0]
        if number >= <size_t>raw.count or states[number].attempt != attempt or read_raw(&r, &after) != ADDED:
            return ADDED
        for _i in range(r.bins):
            if next_bin(&b, &after) != ADDED:
                return ADDED
        if not raw.keep(number, s.p, <size_t>(after.p - s.p)):
            return OUT_OF_MEMORY
        states[number].attempt = 0
        states[number].code = RESULT_OK
        count[0] += 1
        s.p = after.p
    return ADDED


cdef enum:
    BYTES_A_LOOK = 4096                     # bytes of rows that are read between two looks at the clock


cdef class BatchReader(Reader):
    """Fills in what came of the rows that one request asked for, and gives the Batch when all were answered.

    What the rows gave that came before an answer broke off stays. The numbers of rows that failed are kept, for errors to be
    made of them by whoever knows the node.
    """

    cdef Batch batch                        # None: nobody wants the answer, and it is only read to its end
    cdef size_t at                          # how much of a frame was read before a pause
    cdef int32_t attempt                    # the number of the request
    cdef bint was_compressed                # whether the request is, so that some servers refuse it as a whole
    cdef size_t taken                       # bytes of rows that were read since whoever counts them has set it to 0
    cdef readonly Py_ssize_t awaited        # how many of its rows have no answer yet
    cdef readonly list failed
    cdef ClassPlan plan                     # of the class that the row before was read into
    cdef object into                        # that class

    def __cinit__(self, Batch batch not None) -> None:
        self.batch = batch
        self.reads_bins = True
        self.has_many_frames = True
        self.failed = []

    cdef object read(self, Key key, object given, const unsigned char* body, size_t size, NameCache* names):
        cdef Cursor c
        cdef MessageHeader header
        cdef const unsigned char* start
        cdef size_t look_at = 0
        cdef size_t before = self.at
        cdef bint keeps_messages = self.batch is not None and self.batch.raw is not None
        if size == 0:
            raise broken("a frame without a message")
        cursor_init(&c, body + self.at, size - self.at, names)
        if self.batch is not None:
            c.raw = self.batch.settings.raw
            if self.batch.types.tags is not None:
                c.tags = <PyObject*>self.batch.types.tags
        while c.p != c.end:
            if keeps_messages:
                self.keep_messages(&c)
                if c.p == c.end:
                    break
            start = c.p
            if self.until and <size_t>(start - body) >= look_at:
                look_at = <size_t>(start - body) + BYTES_A_LOOK
                if now_ns() >= self.until:
                    self.at = <size_t>(start - body)
                    self.taken += self.at - before
                    return PAUSE
            next_message(&c, &header)
            if header.info3 & INFO3_LAST:
                skip_rest(&c, &header)
                end_of_frame(&c)
                return self.end(header.result_code)
            if self.was_compressed and size == MESSAGE_HEADER_SIZE and header.result_code == RESULT_ENTERPRISE_ONLY:
                raise errors.from_code(header.result_code)      # not the LAST message, and no row's either (framing.md 1.5)
            if self.batch is None:
                skip_rest(&c, &header)
            else:
                self.read_row(&c, load32(start + AT_ROW_NUMBER), &header)
        self.at = 0
        self.taken += size - before
        return MORE

    @cython.final
    cdef int keep_messages(self, Cursor* c) except -1:
        """Keeps the messages of rows as they are, without the GIL, up to one that has no record or is not as it should be."""
        cdef Batch batch = self.batch
        cdef RawRows raw = batch.raw
        cdef RowState* states = batch.rows
        cdef int32_t attempt = self.attempt
        cdef Py_ssize_t count = 0
        cdef Adding outcome
        cdef Span s
        s.p = c.p
        s.end = c.end
        with nogil:
            outcome = keep_records(raw, states, attempt, &s, &count)
        c.p = s.p
        self.awaited -= count
        batch.done += count
        if outcome == OUT_OF_MEMORY:
            raise MemoryError
        return 0

    @cython.final
    cdef int skip(self) except -1:
        """Has the rest of the answer read without taking anything from it, as nobody waits for it any more."""
        self.batch = None
        return 0

    @cython.final
    cdef object end(self, int code):
        """What the last message gives, which has the batch's result code."""
        if self.batch is None:
            return None
        if code != RESULT_OK and self.awaited:
            raise errors.from_code(code)
        if self.awaited:
            raise broken(f"it ends without an answer for {self.awaited} rows")
        return self.batch

    @cython.final
    cdef int read_row(self, Cursor* c, uint32_t number, MessageHeader* header) except -1:
        cdef Batch batch = self.batch
        cdef const unsigned char* start
        cdef RowState* row
        cdef Ask ask
        cdef list results = None
        cdef dict bins
        cdef bint fits = True
        if number >= <size_t>batch.count:
            raise answered_twice(number)
        row = &batch.rows[number]
        if row.attempt != self.attempt:
            raise answered_twice(number)
        ask = batch.ask_of(number)
        if header.result_code == RESULT_UDF:
            keep_details(batch, number, c, header)
            words = read_failure(c, header.op_count)
            if words is not None:
                batch.words[number] = words
        elif header.result_code != RESULT_OK:
            keep_details(batch, number, c, header)
            skip_ops(c, header.op_count)
        elif ask.kind == ROW_DELETES or not batch.keeps_records:
            start = c.p - MESSAGE_HEADER_SIZE
            skip_rest(c, header)
            if batch.gives_written:
                batch.records[number] = new_written(header.generation, header.void_time)
            if batch.raw is not None:
                if not batch.raw.keep(number, start, <size_t>(c.p - start)):
                    raise MemoryError
        else:
            if header.field_count:
                skip_fields(c, header.field_count)
            if ask.into is not None:
                fits = self.read_object(c, number, header, ask)
            elif ask.operations is None:
                bins = read_bins(c, header.op_count)
                batch.records[number] = new_record(<Key>batch.keys[number], bins, header, None)
            else:
                bins = {}
                results = read_results(c, header.op_count, ask.operations, bins, ask.kind == ROW_READS)
                batch.records[number] = new_record(<Key>batch.keys[number], bins, header, results)
        row.attempt = 0
        row.code = <int16_t>header.result_code
        self.awaited -= 1
        if is_failure(batch, header.result_code, ask.kind):
            self.failed.append(number)
        elif not fits:
            pass                            # it has its error, and counts by that
        elif batch.answered is not None:
            batch.answered.append(number)
        else:
            batch.done += 1
        return 0

    @cython.final
    cdef bint read_object(self, Cursor* c, uint32_t number, MessageHeader* header, Ask ask) except -1:
        """Makes an object of a row's record; returns whether it fits the class. If not, the row has an error."""
        cdef Batch batch = self.batch
        cdef dict bins
        if self.into is not ask.into:
            self.plan = batch.types.plan_of(ask.into)
            self.into = ask.into
        if ask.operations is None:
            made = object_of_message(self.plan, c, header, <Key>batch.keys[number], ask.into)
        else:
            bins = {}
            read_results(c, header.op_count, ask.operations, bins, True)
            made = object_of_results(self.plan, bins, header, <Key>batch.keys[number], ask.into)
        if type(made) is Unfit:
            batch.errors[number] = (<Unfit>made).error
            return False
        batch.records[number] = made
        return True


cdef int keep_details(Batch batch, uint32_t number, Cursor* c, MessageHeader* header) except -1:
    """Goes over the fields of a row's answer, and keeps the one that tells more of its error."""
    cdef bytes told = read_details(c, header.field_count)
    if told is not None:
        batch.told[number] = told
    return 0


cdef int skip_rest(Cursor* c, MessageHeader* header) except -1:
    """Goes over the fields and operations of a message."""
    skip_fields(c, header.field_count)
    return skip_ops(c, header.op_count)


cdef int skip_ops(Cursor* c, int count) except -1:
    cdef MessageOp op
    cdef int _i
    for _i in range(count):
        next_op(c, &op)
    return 0
