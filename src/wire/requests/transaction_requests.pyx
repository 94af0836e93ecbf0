# Requests of transactions (transactions.md 12.1, 12.3, 12.5): what a command, or a row of a batch, has more in one; the monitor
# record, by which the servers know of the transaction; and those that end it: verify and roll.

cdef enum:
    VERSION_SIZE = 7                        # bytes of a record's version, which is the server's own
    AT_FIELDS = FRAME_HEADER_SIZE + MESSAGE_HEADER_SIZE


cdef enum Ending:                           # what a request has a record's node do
    NO_ENDING
    VERIFY
    ROLL_FORWARD
    ROLL_BACK


cdef inline unsigned char* put_id_field(unsigned char* p, uint64_t number) noexcept:
    """Writes the field of a transaction's id, which is little-endian; returns where it ends."""
    cdef int i
    store32(p, 1 + 8)
    p[4] = FIELD_TRANSACTION_ID
    for i in range(8):
        p[FIELD_HEADER_SIZE + i] = <unsigned char>(number >> (8 * i))
    return p + FIELD_HEADER_SIZE + 8


cdef inline unsigned char* put_version_field(unsigned char* p, bytes version) noexcept:
    store32(p, 1 + VERSION_SIZE)
    p[4] = FIELD_RECORD_VERSION
    memcpy(p + FIELD_HEADER_SIZE, PyBytes_AS_STRING(version), VERSION_SIZE)
    return p + FIELD_HEADER_SIZE + VERSION_SIZE


cdef inline unsigned char* put_deadline_field(unsigned char* p, uint32_t deadline) noexcept:
    cdef int i
    store32(p, 1 + 4)
    p[4] = FIELD_TRANSACTION_DEADLINE
    for i in range(4):
        p[FIELD_HEADER_SIZE + i] = <unsigned char>(deadline >> (8 * i))
    return p + FIELD_HEADER_SIZE + 4


@cython.final
cdef class TransactionFields:
    """What a request about a record tells of the transaction it is part of: up to three fields."""

    cdef bint has_id, has_deadline
    cdef uint64_t id
    cdef uint32_t deadline
    cdef bytes version                      # of the record, as it was read; None if it was not

    cdef size_t size(self) noexcept:
        return (
            (FIELD_HEADER_SIZE + 8) * self.has_id + (FIELD_HEADER_SIZE + 4) * self.has_deadline
            + (FIELD_HEADER_SIZE + VERSION_SIZE) * (self.version is not None)
        )

    cdef int count(self) noexcept:
        return self.has_id + self.has_deadline + (self.version is not None)

    cdef int put(self, unsigned char* p) except -1:
        """Writes the fields, for which there is room."""
        if self.has_id:
            p = put_id_field(p, self.id)
        if self.version is not None:
            p = put_version_field(p, self.version)
        if self.has_deadline:
            put_deadline_field(p, self.deadline)
        return 0


cdef bytes checked_version(object version):
    if version is not None and (not PyBytes_CheckExact(version) or PyBytes_GET_SIZE(version) != VERSION_SIZE):
        raise errors.InvalidArgument(f"a version has {VERSION_SIZE} bytes, not {shown(version)}")
    return <bytes>version


cdef TransactionFields transaction_fields(object number, object version, object deadline):
    """What a request tells: the id, the version and the deadline, each of which may be None."""
    cdef TransactionFields part = TransactionFields.__new__(TransactionFields)
    part.has_id = number is not None
    if part.has_id:
        part.id = <uint64_t>number
    part.version = checked_version(version)
    part.has_deadline = deadline is not None
    if part.has_deadline:
        part.deadline = <uint32_t>deadline
    return part


cdef unsigned char* make_room(Buffer* out, size_t at, size_t size) except NULL:
    """Moves what stands behind a place, and returns the room in between."""
    cdef size_t rest = out.size - at
    buffer_take(out, size)
    memmove(out.data + at + size, out.data + at, rest)
    return out.data + at


cdef size_t behind_fields(Buffer* out, size_t at, int count) noexcept:
    """Where these many fields end that begin at a place."""
    cdef int _i
    for _i in range(count):
        at += 4 + load32(out.data + at)
    return at


# --- commands on one record ---

cdef int unpack_request(Buffer* out) except -1:
    """Puts the request in the place of the compressed frame that has it."""
    cdef bytes packed
    from zlib import decompress

    if not is_packed(out):
        return 0
    packed = PyBytes_FromStringAndSize(<const char*>out.data, <Py_ssize_t>out.size)
    plain = decompress(packed[FRAME_HEADER_SIZE + COMPRESSED_HEAD_SIZE:])
    out.size = 0
    put_bytes(out, PyBytes_AS_STRING(plain), <size_t>PyBytes_GET_SIZE(plain))
    return 0


cdef int add_to_request(Buffer* out, Settings settings, TransactionFields part) except -1:
    """Adds the fields of a transaction to a request that is complete: behind namespace, set and digest."""
    cdef int fields
    unpack_request(out)
    fields = load16(out.data + FRAME_HEADER_SIZE + AT_FIELD_COUNT)
    part.put(make_room(out, behind_fields(out, AT_FIELDS, 3), part.size()))
    seal_request(
        out, settings, fields + part.count(), load16(out.data + FRAME_HEADER_SIZE + AT_OP_COUNT)
    )
    return 0


# --- the monitor record ---

cdef int put_monitor_digests(Buffer* out, list keys, bint many) except -1:
    """Adds the digests of keys to the monitor's list: of one, or of those of a batch (`many`)."""
    cdef Py_ssize_t op = start_op(out, OP_CDT_MODIFY, "keyds")
    cdef Py_ssize_t count = len(keys)
    put_list_head(out, 4)
    put8(out, LIST_APPEND_ITEMS if many else LIST_APPEND)
    if many:
        put_list_head(out, <size_t>count)
    for key in keys:
        put_text(out, PARTICLE_BLOB, (<Key>key).hash, DIGEST_SIZE)
    put8(out, LIST_ORDERED)
    put8(out, MONITOR_WRITE_FLAGS)
    end_op(out, op, PARTICLE_BLOB)
    return 0


cdef int put_monitor(
    Buffer* out, Key monitor, uint64_t number, list keys, uint32_t ttl, bint create, bint many, Settings settings,
    double total_timeout
) except -1:
    """Have the monitor know that the transaction writes this record, or those of a batch (`many`); `create`: it is its first
    message."""
    cdef int fields
    cdef Py_ssize_t op
    put_request_header(out, 0, INFO2_WRITE, 0, 0, ttl, server_timeout(total_timeout, settings.socket_timeout))
    fields = put_key_fields(out, monitor, False)
    if create:
        op = start_op(out, OP_WRITE, "id")
        store64(buffer_take(out, 8), number)
        end_op(out, op, PARTICLE_INTEGER)
    put_monitor_digests(out, keys, many)
    seal_request(out, settings, fields, 1 + create)
    return 0


cdef int put_mark(Buffer* out, Key monitor, Settings settings) except -1:
    """Have the monitor know that the transaction is committed."""
    cdef int fields
    cdef Py_ssize_t op
    put_request_header(
        out, 0, INFO2_WRITE, 0, 0, 0, server_timeout(settings.total_timeout, settings.socket_timeout)
    )
    fields = put_key_fields(out, monitor, False)
    op = start_op(out, OP_WRITE, "fwd")
    put8(out, 1)
    end_op(out, op, PARTICLE_BOOL)
    finish_request(out, fields, 1)
    return 0


cdef int put_close(Buffer* out, Key monitor, Settings settings) except -1:
    """Have the monitor removed, as all is done."""
    put_request_header(
        out, 0, INFO2_WRITE | INFO2_DELETE | INFO2_DURABLE_DELETE, 0, 0, 0,
        server_timeout(settings.total_timeout, settings.socket_timeout)
    )
    finish_request(out, put_key_fields(out, monitor, False), 0)
    return 0


# --- the ends of records ---

cdef int info4_of(Ending ending) noexcept:
    return INFO4_VERIFY_READ if ending == VERIFY else INFO4_ROLL_FORWARD if ending == ROLL_FORWARD else INFO4_ROLL_BACK


cdef int info1_of_end(Ending ending) noexcept:
    return INFO1_READ | INFO1_GET_NO_BINS if ending == VERIFY else 0


cdef int info2_of_end(Ending ending) noexcept:
    return 0 if ending == VERIFY else INFO2_WRITE | INFO2_DURABLE_DELETE


cdef int put_end(Buffer* out, Key key, Ending ending, TransactionFields part, Settings settings) except -1:
    """Have one record verified or rolled."""
    cdef int fields
    put_request_header(
        out, info1_of_end(ending), info2_of_end(ending), settings.info3, 0, 0,
        server_timeout(settings.total_timeout, settings.socket_timeout)
    )
    out.data[FRAME_HEADER_SIZE + AT_INFO4] = <unsigned char>info4_of(ending)
    fields = put_key_fields(out, key, False)
    part.put(make_room(out, out.size, part.size()))
    finish_request(out, fields + part.count(), 0)
    return 0


cdef int put_end_row(Buffer* out, Key key, Ending ending, TransactionFields part, Settings settings) except -1:
    """The same as a row of a batch, behind its digest."""
    cdef unsigned char* p = buffer_take(out, 9)
    cdef size_t counts = out.size - 4
    cdef int fields = 1
    p[0] = ROW_HAS_INFO | ROW_HAS_INFO4
    p[1] = <unsigned char>info1_of_end(ending)
    p[2] = <unsigned char>info2_of_end(ending)
    p[3] = <unsigned char>settings.info3
    p[4] = <unsigned char>info4_of(ending)
    store16(p + 7, 0)
    put_text_field(out, FIELD_NAMESPACE, key.namespace)
    if key.set_name:
        put_text_field(out, FIELD_SET, key.set_name)
        fields += 1
    part.put(make_room(out, out.size, part.size()))
    store16(out.data + counts, <uint16_t>(fields + part.count()))
    return 0


# --- rows of batches ---

@cython.final
cdef class RowsInTransaction:
    """What the rows of a batch have in common that is part of a transaction, or ends it; and the records' versions."""

    cdef Ending ending
    cdef TransactionFields writing, reading              # of rows whose records have no version
    cdef list versions                      # of each row's record; None of one that was not read, or was written
    cdef object note                        # is told of each answer: the row, its result code and its version or None

    cdef TransactionFields fields_of(self, uint32_t number, Ask ask):
        """What a row tells."""
        cdef TransactionFields part = self.reading if ask.kind == ROW_READS else self.writing
        cdef TransactionFields own
        if self.versions[number] is None:
            return part
        own = TransactionFields.__new__(TransactionFields)
        own.has_id = part.has_id
        own.id = part.id
        own.has_deadline = part.has_deadline
        own.deadline = part.deadline
        own.version = self.versions[number]
        return own


cdef int add_to_row(Buffer* out, size_t body, TransactionFields part, bint has_set) except -1:
    """Adds the fields of a transaction to a row that is complete: behind namespace and set."""
    cdef int flags = out.data[body]
    cdef size_t counts = body + 4
    if flags & ROW_HAS_INFO4:
        counts += 1
    if flags & ROW_HAS_GENERATION:
        counts += 2
    if flags & ROW_HAS_TTL:
        counts += 4
    store16(out.data + counts, <uint16_t>(load16(out.data + counts) + part.count()))
    part.put(make_room(out, behind_fields(out, counts + 4, 1 + has_set), part.size()))
    return 0
