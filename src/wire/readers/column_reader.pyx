# Reads the answer to a query into columns: as `QueryReader`, but that a record becomes a row as soon as it has come, without
# the GIL, until the batch is full.

cdef Adding take_rows(
    Columns columns, QueryPartitions partitions, int32_t number, Span* s, int64_t* count
) noexcept nogil:
    """Adds records until something else comes, or the batch is full; steps over those that were added, and counts them."""
    cdef RawRecord r
    cdef Span after
    cdef Adding outcome = ADDED
    while s.p != s.end:
        if columns.is_full():
            return IS_FULL
        if span_left(s) < MESSAGE_HEADER_SIZE:
            return MALFORMED
        if s.p[AT_INFO3] | s.p[AT_RESULT_CODE]:
            return ADDED
        after = s[0]
        outcome = read_raw(&r, &after)
        if outcome != ADDED or r.digest == NULL:
            return MALFORMED
        if not partitions.awaits(number, r.digest):
            return NOT_ASKED
        outcome = columns.keep(s.p, &r, &after) if columns.is_guessing else columns.add(&r, &after)
        if outcome != ADDED:
            return outcome
        partitions.note_place(r.digest, r.bval)
        count[0] += 1
        s.p = after.p
    return ADDED


@cython.final
cdef class ColumnReader(QueryReader):
    """Adds the records that one request brings to columns, which all requests of the query share.

    `read` says PAUSE when the batch is full, or a record did not fit; the columns have the failure then.
    """

    cdef Columns columns

    def __cinit__(self, *args: object) -> None:
        self.makes_no_objects = True

    cdef object read(self, Key key, object given, const unsigned char* body, size_t size, NameCache* names):
        if not self.in_frame:
            if size == 0:
                raise broken("a frame without a message")
            cursor_init(&self.c, body, size, names)
            self.in_frame = True
        while True:
            if not self.at_record:
                self.step()
                if not self.at_record:
                    self.in_frame = False
                    return self.sign
                self.c.p -= MESSAGE_HEADER_SIZE     # a row is made of the whole message
            if not self.take_records():
                return PAUSE

    cdef bint take_records(self) except -1:
        """Adds the records that come next; returns False if there is no room for more, or one did not fit."""
        cdef Columns columns = self.columns
        cdef QueryPartitions partitions = self.query.partitions
        cdef int32_t number = self.number
        cdef Span s
        cdef int64_t count = 0
        cdef Adding outcome
        s.p = self.c.p
        s.end = self.c.end
        if columns.failure is not None:
            return False
        with nogil:
            outcome = take_rows(columns, partitions, number, &s, &count)
        self.c.p = s.p
        self.given += count
        self.query.given += count
        if outcome == NO_FIT:
            columns.failure = columns.misfit_error(key_of_message(self.query.statement, s))
            return False
        if outcome == IS_FULL:
            return False
        self.at_record = False
        check_added(outcome)
        return True


cdef int check_added(Adding outcome) except -1:
    """Raises the error of a record that could not be added, unless it did not fit."""
    if outcome == OUT_OF_MEMORY:
        raise MemoryError
    if outcome == NOT_ASKED:
        raise broken("a record of a partition that was not asked for")
    if outcome == MALFORMED:
        raise broken("a record is not as records are")
    return 0


cdef Key key_of_message(Statement statement, Span s):
    """Returns the key of the record whose message begins the span, which was read before."""
    cdef RawRecord r
    cdef MessageField field
    cdef Cursor c
    user_key = None
    if read_raw(&r, &s) != ADDED or r.digest == NULL:
        return None
    if r.key != NULL:
        field.kind = FIELD_KEY
        field.data = r.key - 1
        field.size = r.key_size + 1
        cursor_init(&c, r.key, r.key_size, NULL)
        user_key = user_key_of_record(&c, &field)
    return key_of_record(statement.namespace, <str>name_text(NULL, r.set_name, r.set_size), r.digest, user_key)
