# Where a query stands, as bytes that other processes and machines can go on from: pyspike's own format, which no server sees.
#
#     magic, version, flags                            4, 1 and 1 bytes
#     size and name of the namespace; of the set       1 byte each, and the name
#     digest of the index filter's fields              20 bytes, all 0 without one
#     first partition, number of partitions            2 bytes each
#     state of each partition                          2 bits each, the first one's highest
#     of each that has begun: digest[, bval]           20[ + 8] bytes, in their order
#     the beginning of the digest of all that          4 bytes
#
# Numbers are in network order. A digest is RIPEMD-160.

cdef enum:
    CURSOR_VERSION = 1
    CURSOR_HAS_BVALS = 1                    # a flag
    CURSOR_MAGIC_SIZE = 4
    CURSOR_CHECK_SIZE = 4                   # bytes of the digest of all others


cdef enum:                                  # the state of a partition
    STATE_FRESH = 0
    STATE_BEGUN = 1
    STATE_DONE = 2

cdef bytes CURSOR_MAGIC = b"PSQC"


cdef object no_cursor(str why):
    return errors.InvalidArgument(f"these are no bytes of a cursor: {why}")


cdef void digest_of_bytes(const unsigned char* data, size_t size, unsigned char* out) noexcept:
    cdef const unsigned char* pieces[3]
    cdef size_t sizes[3]
    pieces[0] = pieces[1] = pieces[2] = data
    sizes[0] = size
    sizes[1] = sizes[2] = 0
    rmd_pieces(pieces, sizes, out)


cdef bytes identity_of(Statement statement):
    """What a statement must have in common with the one that a cursor is of: flags, names, and the filter's digest.

    Bins and operations may be others: they change nothing about where a record stands.
    """
    cdef unsigned char digest[DIGEST_SIZE]
    cdef bint has_where = statement.where is not None
    cdef bytes namespace = statement.namespace.encode()
    cdef bytes set_name = statement.set_name.encode()
    memset(digest, 0, DIGEST_SIZE)
    if has_where:
        digest_of_bytes(bytes_of(statement.where.fields), <size_t>len(statement.where.fields), digest)
    return b"".join((
        bytes((CURSOR_HAS_BVALS if has_where else 0, len(namespace))), namespace, bytes((len(set_name),)), set_name,
        PyBytes_FromStringAndSize(<const char*>digest, DIGEST_SIZE),
    ))


def cursor_of(Statement statement not None, QueryPartitions partitions not None) -> bytes:
    """Return the bytes of a cursor that says how far the query of a statement is with its partitions."""
    with cython.critical_section(partitions):
        return write_cursor(statement, partitions)


cdef bytes write_cursor(Statement statement, QueryPartitions partitions):
    cdef Buffer out
    cdef unsigned char storage[1024]
    cdef unsigned char digest[DIGEST_SIZE]
    cdef bytes identity = identity_of(statement)
    cdef PartitionState* state
    cdef unsigned char* p
    cdef size_t states
    cdef int i, what
    buffer_init(&out, storage, sizeof(storage))
    try:
        put_bytes(&out, bytes_of(CURSOR_MAGIC), CURSOR_MAGIC_SIZE)
        put8(&out, CURSOR_VERSION)
        put_bytes(&out, bytes_of(identity), <size_t>len(identity))
        p = buffer_take(&out, 4)
        store16(p, <uint16_t>partitions.begin)
        store16(p + 2, <uint16_t>partitions.count)
        states = out.size
        memset(buffer_take(&out, <size_t>(partitions.count + 3) // 4), 0, <size_t>(partitions.count + 3) // 4)
        for i in range(partitions.count):
            state = &partitions.states[i]
            what = STATE_DONE if state.done else STATE_BEGUN if state.begun else STATE_FRESH
            out.data[states + <size_t>i // 4] |= <unsigned char>(what << (6 - 2 * (i % 4)))
            if what == STATE_BEGUN:
                put_bytes(&out, partitions.places[i].digest, DIGEST_SIZE)
                if identity[0] & CURSOR_HAS_BVALS:
                    store64(buffer_take(&out, 8), <uint64_t>partitions.places[i].bval)
        digest_of_bytes(out.data, out.size, digest)
        put_bytes(&out, digest, CURSOR_CHECK_SIZE)
        return PyBytes_FromStringAndSize(<const char*>out.data, <Py_ssize_t>out.size)
    finally:
        buffer_free(&out)


cdef tuple split_cursor(bytes data):
    """Returns the identity of the statement that a cursor is of, and the place behind it; checks what is in front."""
    cdef unsigned char digest[DIGEST_SIZE]
    cdef size_t size = <size_t>len(data)
    cdef size_t at = CURSOR_MAGIC_SIZE + 2
    cdef int _i
    if size < at or memcmp(bytes_of(data), bytes_of(CURSOR_MAGIC), CURSOR_MAGIC_SIZE):
        raise no_cursor("they begin with others")
    if data[CURSOR_MAGIC_SIZE] != CURSOR_VERSION:
        raise errors.InvalidArgument(
            f"the cursor has version {data[CURSOR_MAGIC_SIZE]}, this pyspike reads version {CURSOR_VERSION}",
            advice="go on with the version of pyspike that made it, or begin the query anew",
        )
    if size < at + CURSOR_CHECK_SIZE:
        raise no_cursor("some are missing")
    digest_of_bytes(bytes_of(data), size - CURSOR_CHECK_SIZE, digest)
    if memcmp(digest, bytes_of(data) + size - CURSOR_CHECK_SIZE, CURSOR_CHECK_SIZE):
        raise no_cursor("some are missing, or others than they were")
    for _i in range(2):                     # two names
        if at >= size:
            raise no_cursor("some are missing")
        at += 1 + <size_t>data[at]
    at += DIGEST_SIZE
    if at + 4 > size - CURSOR_CHECK_SIZE:
        raise no_cursor("some are missing")
    return data[CURSOR_MAGIC_SIZE + 1:at], at


cdef QueryPartitions read_cursor(bytes data, size_t at, bint has_bvals):
    """Returns the partitions that begin at this place of a cursor."""
    cdef const unsigned char* p = bytes_of(data) + at
    cdef const unsigned char* end = bytes_of(data) + len(data) - CURSOR_CHECK_SIZE
    cdef size_t each = DIGEST_SIZE + (8 if has_bvals else 0)
    cdef QueryPartitions partitions = QueryPartitions(load16(p), load16(p + 2))
    cdef const unsigned char* states = p + 4
    cdef PartitionState* state
    cdef int i, what
    p = states + (partitions.count + 3) // 4
    for i in range(partitions.count):
        if p > end:
            raise no_cursor("some are missing")
        what = states[i // 4] >> (6 - 2 * (i % 4)) & 3
        state = &partitions.states[i]
        state.done = what == STATE_DONE
        if what == STATE_BEGUN:
            if <size_t>(end - p) < each or partition_of(p) != partitions.begin + i:
                raise no_cursor("a digest is missing, or of another partition")
            state.begun = True
            memcpy(partitions.places[i].digest, p, DIGEST_SIZE)
            if has_bvals:
                partitions.places[i].bval = <int64_t>load64(p + DIGEST_SIZE)
            p += each
        elif what > STATE_DONE:
            raise no_cursor("a partition has no state that there is")
    if p != end:
        raise no_cursor("there are some more")
    return partitions


def partitions_of_cursor(bytes data not None, Statement statement=None) -> QueryPartitions:
    """Return how far the query that a cursor is of was with its partitions.

    Args:
        data: the cursor's bytes.
        statement: is to be gone on with; None if that is not known yet.

    Raises:
        InvalidArgument: these are no bytes of a cursor, or it is of another statement.
    """
    identity, at = split_cursor(data)
    if statement is not None and identity != identity_of(statement):
        raise of_another(identity, statement)
    return read_cursor(data, at, (<bytes>identity)[0] & CURSOR_HAS_BVALS != 0)


cdef object of_another(bytes identity, Statement statement):
    """Returns the error of a cursor that is of another statement."""
    cdef Py_ssize_t at = 2 + identity[1]
    cdef str namespace = identity[2:at].decode("utf-8", "replace")
    cdef str set_name = identity[at + 1:at + 1 + identity[at]].decode("utf-8", "replace")
    if (namespace, set_name) == (statement.namespace, statement.set_name):
        was = "the same set, but with another `where`"
    else:
        was = f"the set {shown(set_name)} of namespace {shown(namespace)}" if set_name else f"namespace {shown(namespace)}"
    return errors.InvalidArgument(
        f"the cursor is of another statement: of one of {was}", advice="go on with the statement that it was made with"
    )
