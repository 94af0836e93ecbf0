# The first parts of every request about records: the headers of its frame and its message, and its fields (framing.md 1.1 to
# 1.3). The caller writes the operations behind them and calls `finish_request`.

cdef enum:
    COMPRESSION_LEVEL = 1                   # the quickest: a network is seldom so slow that more would pay


cdef inline uint32_t server_timeout(double total, double per_socket) noexcept:
    """Returns how many milliseconds the server may take: the shorter limit that is set, 0 if none is (framing.md 1.2)."""
    cdef double ms = total
    if per_socket > 0 and (total <= 0 or per_socket < total):
        ms = per_socket
    if ms <= 0:
        return 0
    return <uint32_t>ms if ms > 1 else 1


cdef inline int put_request_header(
    Buffer* out, int info1, int info2, int info3, uint32_t generation, uint32_t ttl, uint32_t timeout
) except -1:
    """Begins a request in an empty buffer; `finish_request` fills in the size and the counts."""
    cdef unsigned char* header = buffer_take(out, FRAME_HEADER_SIZE + MESSAGE_HEADER_SIZE) + FRAME_HEADER_SIZE
    header[AT_HEADER_SIZE] = MESSAGE_HEADER_SIZE
    header[AT_INFO1] = <unsigned char>info1
    header[AT_INFO2] = <unsigned char>info2
    header[AT_INFO3] = <unsigned char>info3
    header[AT_INFO4] = 0
    header[AT_RESULT_CODE] = 0
    store32(header + AT_GENERATION, generation)
    store32(header + AT_TTL, ttl)
    store32(header + AT_TIMEOUT, timeout)
    return 0


cdef inline void ask_for_details(Buffer* out, Settings settings) noexcept:
    """Has the server tell with an error as much as the policy wants to know."""
    out.data[FRAME_HEADER_SIZE + AT_INFO4] = settings.info4


cdef inline void finish_request(Buffer* out, int fields, int operations) noexcept:
    """Fills in the request's size and counts, when the last operation is written."""
    put_frame_header(out.data, TYPE_MESSAGE, out.size)
    store16(out.data + FRAME_HEADER_SIZE + AT_FIELD_COUNT, <uint16_t>fields)
    store16(out.data + FRAME_HEADER_SIZE + AT_OP_COUNT, <uint16_t>operations)


cdef inline int seal_request(Buffer* out, Settings settings, int fields, int operations) except -1:
    """As `finish_request`, and compresses the request if the policy wants that of one of this size."""
    finish_request(out, fields, operations)
    if settings.compress_above >= 0 and out.size > <size_t>settings.compress_above:
        compress_request(out)
    return 0


cdef int compress_request(Buffer* out) except -1:
    """Puts a compressed frame in the place of a request, if that is smaller (framing.md 1.5). Releases the GIL meanwhile."""
    cdef size_t size = out.size
    cdef unsigned char* p
    from zlib import compress

    packed = compress(PyMemoryView_FromMemory(<char*>out.data, <Py_ssize_t>size, PyBUF_READ), COMPRESSION_LEVEL)
    if FRAME_HEADER_SIZE + COMPRESSED_HEAD_SIZE + <size_t>len(packed) >= size:
        return 0
    out.size = 0
    p = buffer_take(out, FRAME_HEADER_SIZE + COMPRESSED_HEAD_SIZE + <size_t>len(packed))
    put_frame_header(p, TYPE_COMPRESSED, out.size)
    store64(p + FRAME_HEADER_SIZE, size)
    memcpy(p + FRAME_HEADER_SIZE + COMPRESSED_HEAD_SIZE, PyBytes_AS_STRING(packed), <size_t>len(packed))
    return 0


cdef inline bint is_packed(Buffer* request) noexcept:
    """Whether a request was compressed."""
    return request.size > FRAME_HEADER_SIZE and request.data[1] == TYPE_COMPRESSED


cdef inline unsigned char* start_field(Buffer* out, int field, size_t size) except NULL:
    """Writes the header of a field, and returns the room for the `size` bytes of the field's payload."""
    cdef unsigned char* p = buffer_take(out, FIELD_HEADER_SIZE + size)
    store32(p, <uint32_t>(size + 1))
    p[4] = <unsigned char>field
    return p + FIELD_HEADER_SIZE


cdef inline int put_field(Buffer* out, int field, const void* data, size_t size) except -1:
    memcpy(start_field(out, field, size), data, size)
    return 0


cdef inline int put_text_field(Buffer* out, int field, object text) except -1:
    cdef Py_ssize_t size = 0
    cdef const char* data = utf8_size(text, &size)
    return put_field(out, field, data, <size_t>size)


cdef int put_user_key_field(Buffer* out, Key key) except -1:
    """Writes the field of the user key, its particle type and bytes, which the server keeps with the record."""
    cdef unsigned char scratch[8]
    cdef unsigned char particle = 0
    cdef size_t size = 0
    cdef const unsigned char* data = user_key_bytes(key.user_key, scratch, &size, &particle)
    cdef unsigned char* p = start_field(out, FIELD_KEY, size + 1)
    p[0] = particle
    memcpy(p + 1, data, size)
    return 0


cdef size_t user_key_size(Key key) except? 0:
    """Returns how many bytes the user key takes, 0 where only the digest is known."""
    cdef unsigned char scratch[8]
    cdef unsigned char particle = 0
    cdef size_t size = 0
    if key.user_key is not None:
        user_key_bytes(key.user_key, scratch, &size, &particle)
    return size


cdef inline int put_key_fields(Buffer* out, Key key, bint send_user_key) except -1:
    """Writes the fields that name a record; returns the number of fields."""
    put_text_field(out, FIELD_NAMESPACE, key.namespace)
    put_text_field(out, FIELD_SET, key.set_name)
    put_field(out, FIELD_DIGEST, key.hash, DIGEST_SIZE)
    if send_user_key and key.user_key is not None:
        put_user_key_field(out, key)
        return 4
    return 3


cdef inline int put_filter_field(Buffer* out, Settings settings, object filter_expression) except -1:
    """Writes the field of the call's filter expression, or else the policy's; returns the number of fields, 0 or 1."""
    cdef bytes data = settings.filter_expression if filter_expression is None else filter_bytes(filter_expression)
    if data is None:
        return 0
    put_field(out, FIELD_FILTER, PyBytes_AS_STRING(data), <size_t>PyBytes_GET_SIZE(data))
    return 1
