# The rows of a stream whose records are in memory: for tests, and to measure how long decoding takes.

@cython.final
cdef class MemoryColumns(ColumnSource):
    """Answers whose records become rows, one after the other."""

    cdef list bodies
    cdef Py_ssize_t body                    # the one that is read
    cdef size_t at                          # where in it

    cdef bint fill(self, ColumnStream stream) except -1:
        cdef Columns columns = self.columns
        cdef bytes data
        cdef Span s
        cdef Adding outcome
        while self.body < len(self.bodies):
            stream.check()
            data = <bytes?>self.bodies[self.body]
            s.p = bytes_of(data) + self.at
            s.end = bytes_of(data) + len(data)
            with nogil:
                outcome = add_messages(columns, &s)
            self.at = <size_t>(s.p - bytes_of(data))
            if outcome == IS_FULL:
                return True
            if outcome == NO_FIT:
                columns.failure = columns.misfit_error(None)
                return True
            check_added(outcome)
            self.body += 1
            self.at = 0
        return False

    cdef int guess(self) except -1:
        self.columns.guess(&self.columns.sample, NULL, 0)
        self.has_sample = True
        return 0

    cdef int add_sample(self) except -1:
        cdef Columns columns = self.columns
        cdef Span s
        cdef Adding outcome
        self.has_sample = False
        s.p = columns.sample.data
        s.end = s.p + columns.sample.size
        with nogil:
            outcome = add_messages(columns, &s)
        free_memory(&columns.sample)
        if outcome == NO_FIT:
            columns.failure = columns.misfit_error(None)
        check_added(outcome)
        return 0


cdef Adding add_messages(Columns columns, Span* s) noexcept nogil:
    """Adds records, whatever their results, until the columns are full; steps over those that were added."""
    cdef RawRecord r
    cdef Span after
    cdef Adding outcome
    while s.p != s.end:
        if columns.is_full():
            return IS_FULL
        after = s[0]
        if read_raw(&r, &after) != ADDED:
            return MALFORMED
        outcome = columns.keep(s.p, &r, &after) if columns.is_guessing else columns.add(&r, &after)
        if outcome != ADDED:
            return outcome
        s.p = after.p
    return ADDED


def memory_columns(bodies: Iterable[bytes], Columns columns not None, type kind) -> ColumnStream:
    """A stream of records that are in memory.

    Args:
        bodies: of messages of records, one behind the other in each.
        columns: what the records become; for these alone.
        kind: the class of the stream.
    """
    cdef MemoryColumns source = MemoryColumns.__new__(MemoryColumns)
    source.bodies = list(bodies)
    source.columns = columns
    return open_column_stream(kind, source)
