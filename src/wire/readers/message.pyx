# Reads messages about records: a header, fields, operations (framing.md 1.2 to 1.4). The answer to a command on one record is
# a frame with one message. A frame of the answer to a batch or query has any number of messages, one behind the other. So
# each function below begins at the cursor and steps over what it reads; `end_of_frame` checks that nothing is left.

cdef struct MessageHeader:                  # of an answer
    int result_code
    int info3
    uint32_t generation
    uint32_t void_time                      # seconds since 2010; 0: never
    int field_count
    int op_count


cdef struct MessageField:                   # the bytes here and in MessageOp are borrowed from the receive buffer
    int kind
    size_t size
    const unsigned char* data


cdef struct MessageOp:                      # one operation: a bin's value, or an operation's result
    int code
    int particle
    size_t name_size
    const unsigned char* name
    size_t size
    const unsigned char* value


cdef inline int next_message(Cursor* c, MessageHeader* header) except -1:
    cdef const unsigned char* p = take(c, MESSAGE_HEADER_SIZE)
    if p[AT_HEADER_SIZE] != MESSAGE_HEADER_SIZE:
        raise broken(f"a message header of {p[AT_HEADER_SIZE]} bytes")
    header.result_code = p[AT_RESULT_CODE]
    header.info3 = p[AT_INFO3]
    header.generation = load32(p + AT_GENERATION)
    header.void_time = load32(p + AT_TTL)
    header.field_count = load16(p + AT_FIELD_COUNT)
    header.op_count = load16(p + AT_OP_COUNT)
    return 0


cdef inline int next_field(Cursor* c, MessageField* field) except -1:
    cdef size_t size = load32(take(c, FIELD_HEADER_SIZE - 1))
    cdef const unsigned char* p
    if size == 0:
        raise broken("a field without a type")
    p = take(c, size)
    field.kind = p[0]
    field.size = size - 1
    field.data = p + 1
    return 0


cdef int skip_fields(Cursor* c, int count) except -1:
    cdef MessageField field
    cdef int _i
    for _i in range(count):
        next_field(c, &field)
    return 0


cdef bytes read_details(Cursor* c, int count):
    """Goes over fields, and gives the one that tells more of an error; None without one."""
    cdef MessageField field
    cdef int _i
    cdef bytes told = None
    for _i in range(count):
        next_field(c, &field)
        if field.kind == FIELD_ERROR_DETAILS:
            told = PyBytes_FromStringAndSize(<const char*>field.data, <Py_ssize_t>field.size)
    return told


cdef inline int next_op(Cursor* c, MessageOp* op) except -1:
    cdef size_t size = load32(take(c, AT_OP_CODE))
    cdef const unsigned char* p = take(c, size) - AT_OP_CODE
    if size < OP_HEADER_SIZE - AT_OP_CODE or size < OP_HEADER_SIZE - AT_OP_CODE + <size_t>p[AT_OP_NAME_SIZE]:
        raise broken(f"an operation of {size} bytes")
    op.code = p[AT_OP_CODE]
    op.particle = p[AT_OP_PARTICLE]
    op.name_size = p[AT_OP_NAME_SIZE]
    op.name = p + OP_HEADER_SIZE
    op.size = size - (OP_HEADER_SIZE - AT_OP_CODE) - op.name_size
    op.value = op.name + op.name_size
    return 0


cdef inline object name_of_op(Cursor* c, MessageOp* op):
    """Returns the name of the operation's bin. The server does not check that names are UTF-8."""
    return name_text(c.names, op.name, op.name_size)


cdef inline object value_of_op(Cursor* c, MessageOp* op):
    return get_particle(op.particle, op.value, op.size, c)


cdef int ends_answer(const unsigned char* body, size_t size, bint ends_with_error) noexcept nogil:
    """Returns 1 if a frame of an answer with many frames is its last one, 0 if not, -1 if it can't be read. The caller owns the
    memory. `ends_with_error`: an error ends the answer too, as of a query; in a batch it is a row's."""
    cdef const unsigned char* p = body
    cdef const unsigned char* end = body + size
    cdef int pieces
    cdef size_t length
    if size == 0:
        return -1
    while p < end:
        if end - p < MESSAGE_HEADER_SIZE or p[AT_HEADER_SIZE] != MESSAGE_HEADER_SIZE:
            return -1
        if p[AT_INFO3] & INFO3_LAST:
            return 1
        if ends_with_error and p[AT_RESULT_CODE] and not p[AT_INFO3] & INFO3_PARTITION_DONE:
            return 1
        pieces = load16(p + AT_FIELD_COUNT) + load16(p + AT_OP_COUNT)   # both begin with their size, in four bytes
        p += MESSAGE_HEADER_SIZE
        while pieces > 0:
            if end - p < 4:
                return -1
            length = load32(p)
            p += 4
            if length > <size_t>(end - p):
                return -1
            p += length
            pieces -= 1
    return 0


cdef inline int end_of_frame(Cursor* c) except -1:
    if c.p != c.end:
        raise broken(f"{left(c)} bytes behind the last operation")
    return 0
