# Reads what functions on the servers give: one operation, whose bin has the name SUCCESS or FAILURE (single-record.md 4.6).

cdef int RESULT_UDF = int(ResultCode.UDF_BAD_RESPONSE)


cdef inline bint is_named(MessageOp* op, const char* name, size_t size) noexcept:
    return op.name_size == size and memcmp(op.name, name, size) == 0


cdef inline str words_of(MessageOp* op):
    """The words by which a function failed, which need not be UTF-8."""
    return (<const char*>op.value)[:op.size].decode("utf-8", "backslashreplace")


cdef str read_failure(Cursor* c, int count):
    """Goes over operations, and gives the words of the one that is named FAILURE; None without one."""
    cdef MessageOp op
    cdef int _i
    cdef str words = None
    for _i in range(count):
        next_op(c, &op)
        if op.particle == PARTICLE_STRING and is_named(&op, b"FAILURE", 7):
            words = words_of(&op)
    return words


@cython.final
cdef class UdfReader(Reader):
    """Gives what the function has returned."""

    cdef CodecTable tags                    # as in RecordReader

    def __cinit__(self, CodecTable tags=None) -> None:
        self.reads_bins = True
        self.tags = tags

    cdef object read(self, Key key, object given, const unsigned char* body, size_t size, NameCache* names):
        cdef Cursor c
        cdef MessageHeader header
        cdef MessageOp op
        cursor_init(&c, body, size, names)
        if self.tags is not None:
            c.tags = <PyObject*>self.tags
        next_message(&c, &header)
        told = read_details(&c, header.field_count)
        if header.result_code != RESULT_OK:
            words = read_failure(&c, header.op_count)
            raise errors.from_code(header.result_code, words or "", told=told, key=key)
        if header.op_count != 1:
            raise broken(f"{header.op_count} results of a function")
        next_op(&c, &op)
        if not is_named(&op, b"SUCCESS", 7):
            raise broken(f"a function's result that is named {name_of_op(&c, &op)!r}")
        value = value_of_op(&c, &op)
        end_of_frame(&c)
        return value


cdef Reader UDF_READER = UdfReader()
