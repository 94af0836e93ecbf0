# RawRows: the records of a batch as they came, each in its row, for columns in the order of the rows.

@cython.final
cdef class RawRows:
    """The answers to the rows of a batch.

    Args:
        keys: those of the rows, which stay as they are as long as this is used.
    """

    cdef list keys
    cdef Memory messages
    cdef RawRow* rows
    cdef Py_ssize_t count
    cdef Py_ssize_t given                   # how many rows are in columns already

    def __cinit__(self, list keys not None) -> None:
        cdef Py_ssize_t i
        self.keys = keys
        self.rows = <RawRow*>zeroed(<size_t>len(keys) * sizeof(RawRow))
        self.count = len(keys)
        for i in range(self.count):
            tell_key(&self.rows[i], <Key?>keys[i])

    def __dealloc__(self) -> None:
        PyMem_RawFree(self.rows)
        free_memory(&self.messages)

    cdef bint keep(self, Py_ssize_t number, const unsigned char* message, size_t size) noexcept nogil:
        """Keeps the message of a row that has a record; False without memory."""
        self.rows[number].begin = self.messages.size
        self.rows[number].size = size
        return put_piece(&self.messages, message, size)

    cdef Adding add_to(self, Columns columns) noexcept nogil:
        """Adds rows to columns until these are full, or all are there."""
        cdef Adding outcome
        while self.given < self.count:
            if columns.is_full():
                return IS_FULL
            outcome = self.add_row(&self.rows[self.given], columns)
            if outcome != ADDED:
                return outcome
            self.given += 1
        return ADDED

    cdef Adding add_row(self, RawRow* row, Columns columns) noexcept nogil:
        cdef RawRecord told
        cdef Span s
        s.p = s.end = NULL
        row.raw.bins = 0
        if row.size:
            s.p = self.messages.data + row.begin
            s.end = s.p + row.size
            if read_raw(&told, &s) != ADDED:
                return MALFORMED
            row.raw.bins = told.bins
            row.raw.generation = told.generation
            row.raw.void_time = told.void_time
        return columns.add(&row.raw, &s)


cdef int tell_key(RawRow* row, Key key) except -1:
    """Notes what is known of the record by its key."""
    cdef Py_ssize_t size = 0
    cdef unsigned char particle = 0
    row.raw.digest = key.hash
    row.raw.set_name = <const unsigned char*>utf8_size(key.set_name, &size)
    row.raw.set_size = <size_t>size
    if key.user_key is not None:
        row.raw.key = user_key_bytes(key.user_key, row.key_bytes, &row.raw.key_size, &particle)
        row.raw.key_kind = particle
    return 0
