# The readers of answers in transactions: they note what an answer tells of the record's version (transactions.md 12.2), and leave
# the rest to the reader that the command has without a transaction.

cdef bytes version_among(Cursor* c, int count):
    """Goes over fields, and gives the one that is the record's version; None without one."""
    cdef MessageField field
    cdef int _i
    cdef bytes version = None
    for _i in range(count):
        next_field(c, &field)
        if field.kind == FIELD_RECORD_VERSION:
            if field.size != VERSION_SIZE:
                raise broken(f"a version of {field.size} bytes")
            version = PyBytes_FromStringAndSize(<const char*>field.data, VERSION_SIZE)
    return version


@cython.final
cdef class NotingReader(Reader):
    """Reads as another reader does, and tells `note` the result code and the record's version, or None."""

    cdef Reader reader
    cdef object note

    cdef object read(self, Key key, object given, const unsigned char* body, size_t size, NameCache* names):
        cdef Cursor c
        cdef MessageHeader header
        cursor_init(&c, body, size, names)
        next_message(&c, &header)
        self.note(header.result_code, version_among(&c, header.field_count))
        return self.reader.read(key, given, body, size, names)


@cython.final
cdef class NotingBatchReader(BatchReader):
    """Reads rows, and tells the transaction's `note` of each."""

    cdef bint noted                         # whether all rows of the frame are, of which a part may be read later

    cdef object read(self, Key key, object given, const unsigned char* body, size_t size, NameCache* names):
        if not self.noted and self.batch is not None:
            self.note_rows(body, size, names)
        self.noted = True
        result = BatchReader.read(self, key, given, body, size, names)
        self.noted = result is PAUSE
        return result

    cdef int note_rows(self, const unsigned char* body, size_t size, NameCache* names) except -1:
        cdef Cursor c
        cdef MessageHeader header
        cdef const unsigned char* start
        cdef Batch batch = self.batch
        cdef uint32_t number
        if batch.transaction.note is None:
            return 0
        cursor_init(&c, body, size, names)
        while c.p != c.end:
            start = c.p
            next_message(&c, &header)
            version = version_among(&c, header.field_count)
            skip_ops(&c, header.op_count)
            number = load32(start + AT_ROW_NUMBER)
            if not header.info3 & INFO3_LAST and number < <size_t>batch.count and batch.rows[number].attempt == self.attempt:
                batch.transaction.note(<Py_ssize_t>number, header.result_code, version)
        return 0


@cython.final
cdef class MonitorReader(Reader):
    """Gives the deadline of the transaction that the monitor record has, or None if the answer does not tell it."""

    cdef object read(self, Key key, object given, const unsigned char* body, size_t size, NameCache* names):
        cdef Cursor c
        cdef MessageHeader header
        cdef MessageField field
        cdef int _i
        cdef object deadline = None
        cursor_init(&c, body, size, names)
        next_message(&c, &header)
        if header.result_code != RESULT_OK:
            return refused(&c, &header, key, RAISE)
        for _i in range(header.field_count):
            next_field(&c, &field)
            if field.kind == FIELD_TRANSACTION_DEADLINE:
                if field.size != 4:
                    raise broken(f"a transaction's deadline of {field.size} bytes")
                deadline = field.data[0] | field.data[1] << 8 | field.data[2] << 16 | <uint32_t>field.data[3] << 24
        skip_ops(&c, header.op_count)
        end_of_frame(&c)
        return deadline


cdef Reader MONITOR_READER = MonitorReader()
