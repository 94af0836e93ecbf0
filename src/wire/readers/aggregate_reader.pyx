# Reads the answer to an aggregation (query-scan.md 8.8): any number of messages, each with one value that the stream UDF gave
# for some of the records, and a last message.

# A node answers so that knows no such set: it has nothing to give (query-scan.md 8.8).
cdef int RESULT_NO_SET = RESULT_NOT_FOUND


@cython.final
cdef class AggregateReader(Reader):
    """Gives a list of the values, in the order in which they came.

    What the UDF says of its failure comes in front of the last message: it is kept until then, as the answer goes on.
    """

    cdef list values
    cdef object failure

    def __cinit__(self) -> None:
        self.values = []
        self.reads_bins = True
        self.has_many_frames = self.ends_with_error = True

    cdef object read(self, Key key, object given, const unsigned char* body, size_t size, NameCache* names):
        cdef Cursor c
        cdef MessageHeader header
        if size == 0:
            raise broken("a frame without a message")
        cursor_init(&c, body, size, names)
        while c.p != c.end:
            next_message(&c, &header)
            if header.info3 & INFO3_LAST or header.result_code != RESULT_OK:
                told = read_details(&c, header.field_count)
                skip_ops(&c, header.op_count)
                end_of_frame(&c)
                if self.failure is not None:
                    raise errors.from_code(ResultCode.UDF_BAD_RESPONSE, self.failure, told=told)
                if header.result_code != RESULT_OK and header.result_code != RESULT_NO_SET:
                    raise errors.from_code(header.result_code, told=told)
                return self.values
            skip_fields(&c, header.field_count)
            self.read_value(&c, header.op_count)
        return MORE

    cdef int read_value(self, Cursor* c, int count) except -1:
        cdef MessageOp op
        if count != 1:
            raise broken(f"{count} values in one message of an aggregation")
        next_op(c, &op)
        value = value_of_op(c, &op)
        if is_named(&op, b"SUCCESS", 7):
            self.values.append(value)
        elif is_named(&op, b"FAILURE", 7):
            self.failure = value if isinstance(value, str) else shown(value)
        else:
            raise broken(f"a value named {name_of_op(c, &op)!r} in an aggregation")
        return 0

    cdef int restart(self) except -1:
        self.values = []
        self.failure = None
        return 0
