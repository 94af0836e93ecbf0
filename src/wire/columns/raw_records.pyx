# Records as they stand in an answer, read without the GIL: what is in front of the bins, and the bins one by one.
#
# Not here: what the bytes of a bin's value are (`wire_values.pyx`).

cdef struct RawRecord:                      # what stands in front of a record's bins; borrowed
    const unsigned char* digest             # NULL: it is not told
    const unsigned char* set_name
    size_t set_size
    int key_kind                            # the particle type of the key, if there is one
    const unsigned char* key                # NULL: the key is not stored
    size_t key_size
    int64_t bval
    uint32_t generation
    uint32_t void_time
    int result_code
    int bins


cdef struct RawRow:                         # a record that is one of several whose order the caller told
    RawRecord raw
    unsigned char key_bytes[8]              # of a key that is a number
    size_t begin                            # where its message is among those that came
    size_t size                             # 0: none came


cdef struct RawBin:
    int kind
    const unsigned char* name
    size_t name_size
    const unsigned char* value
    size_t size


cdef Adding read_raw(RawRecord* r, Span* s) noexcept nogil:
    """Reads the header and the fields of a record's message; then come its bins."""
    cdef const unsigned char* p = s.p
    cdef int fields, _i
    cdef size_t size
    memset(r, 0, sizeof(RawRecord))
    if span_left(s) < MESSAGE_HEADER_SIZE or p[AT_HEADER_SIZE] != MESSAGE_HEADER_SIZE:
        return MALFORMED
    r.result_code = p[AT_RESULT_CODE]
    r.generation = load32(p + AT_GENERATION)
    r.void_time = load32(p + AT_TTL)
    r.bins = load16(p + AT_OP_COUNT)
    fields = load16(p + AT_FIELD_COUNT)
    s.p += MESSAGE_HEADER_SIZE
    for _i in range(fields):
        if span_left(s) < FIELD_HEADER_SIZE:
            return MALFORMED
        p = s.p
        size = load32(p)
        if size == 0 or size > span_left(s) - 4:
            return MALFORMED
        s.p += 4 + size
        size -= 1
        if p[4] == FIELD_DIGEST:
            if size != DIGEST_SIZE:
                return MALFORMED
            r.digest = p + FIELD_HEADER_SIZE
        elif p[4] == FIELD_SET:
            r.set_name = p + FIELD_HEADER_SIZE
            r.set_size = size
        elif p[4] == FIELD_KEY:
            if size == 0:
                return MALFORMED
            r.key_kind = p[FIELD_HEADER_SIZE]
            r.key = p + FIELD_HEADER_SIZE + 1
            r.key_size = size - 1
        elif p[4] == FIELD_BVALS:
            if size != 8:
                return MALFORMED
            r.bval = <int64_t>load64_little(p + FIELD_HEADER_SIZE)
    return ADDED


cdef inline Adding next_bin(RawBin* b, Span* s) noexcept nogil:
    cdef const unsigned char* p = s.p
    cdef size_t size
    if span_left(s) < OP_HEADER_SIZE:
        return MALFORMED
    size = load32(p)
    b.kind = p[AT_OP_PARTICLE]
    b.name_size = p[AT_OP_NAME_SIZE]
    if size > span_left(s) - 4 or size < OP_HEADER_SIZE - 4 + b.name_size:
        return MALFORMED
    b.name = p + OP_HEADER_SIZE
    b.value = b.name + b.name_size
    b.size = size - (OP_HEADER_SIZE - 4) - b.name_size
    s.p += 4 + size
    return ADDED
