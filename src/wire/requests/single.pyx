# The requests of the single-record commands (single-record.md): header, fields, operations. A builder a family.

cdef enum:                                  # offsets in a message (framing.md 1.2, plus 8 of the proto header)
    HEADER_SIZE = 30
    AT_FIELD_COUNT = 26
    AT_OP_COUNT = 28


cdef enum:                                  # fields (framing.md 1.3)
    FIELD_NAMESPACE = 0
    FIELD_SET = 1
    FIELD_KEY = 2
    FIELD_DIGEST = 4
    FIELD_FILTER = 43


cdef enum:
    PROTO_VERSION = 2
    TYPE_INFO = 1
    TYPE_MESSAGE = 3


cdef inline int put_field(Buffer* out, int field, const void* data, size_t size) except -1:
    cdef unsigned char* p = buffer_take(out, 5 + size)
    store32(p, <uint32_t>(size + 1))
    p[4] = <unsigned char>field
    memcpy(p + 5, data, size)
    return 0


cdef inline int put_text_field(Buffer* out, int field, object text) except -1:
    cdef Py_ssize_t size = 0
    cdef const char* data = utf8_size(text, &size)
    return put_field(out, field, data, <size_t>size)


cdef int put_key_field(Buffer* out, Key key) except -1:
    cdef unsigned char scratch[8]
    cdef unsigned char particle = 0
    cdef size_t size = 0
    cdef const unsigned char* data = user_key_bytes(key.user_key, scratch, &size, &particle)
    cdef unsigned char* p = buffer_take(out, 6 + size)
    store32(p, <uint32_t>(size + 2))
    p[4] = FIELD_KEY
    p[5] = particle
    memcpy(p + 6, data, size)
    return 0


cdef inline uint32_t server_timeout(double total, double per_socket) noexcept:
    """Milliseconds the server may take: the shorter of both limits that are set, 0 if none is."""
    cdef double ms = total
    if per_socket > 0 and (total <= 0 or per_socket < total):
        ms = per_socket
    if ms <= 0:
        return 0
    return <uint32_t>ms if ms > 1 else 1


cdef uint32_t generation_of(object value) except? 0xFFFFFFFF:
    number = plain_int(value)
    if number is None:
        raise errors.InvalidType(f"generation must be an int, not {type(value).__name__}")
    if not 0 <= number <= 0xFFFFFFFF:
        raise errors.InvalidArgument(f"generation must be 0 to 4294967295, not {shown(number)}")
    return <uint32_t>number


cdef Command start_request(
    object key, Settings settings, Reading reading, object missing, object timeout, object filter_expression,
    int info1, int info2, int info3, uint32_t generation, uint32_t ttl
):
    """A command with everything before its operations."""
    cdef Command command = Command.__new__(Command)
    cdef Buffer* out = &command.out
    cdef unsigned char* p
    cdef int fields = 3
    cdef bytes condition
    command.key = key_of(key)
    command.settings = settings
    command.reading = reading
    command.missing = missing
    command.write = info2 & INFO2_WRITE != 0
    command.total_timeout = settings.total_timeout if timeout is None else timeout_ms(timeout)
    p = buffer_take(out, HEADER_SIZE)
    p[8] = 22
    p[9] = <unsigned char>info1
    p[10] = <unsigned char>info2
    p[11] = <unsigned char>info3
    p[12] = 0                               # info4
    p[13] = 0
    store32(p + 14, generation)
    store32(p + 18, ttl)
    store32(p + 22, server_timeout(command.total_timeout, settings.socket_timeout))
    put_text_field(out, FIELD_NAMESPACE, command.key.namespace)
    put_text_field(out, FIELD_SET, command.key.set_name)
    put_field(out, FIELD_DIGEST, command.key.hash, DIGEST_SIZE)
    if settings.send_key and command.key.user_key is not None:
        put_key_field(out, command.key)
        fields += 1
    condition = settings.filter_expression if filter_expression is None else filter_bytes(filter_expression)
    if condition is not None:
        put_field(out, FIELD_FILTER, PyBytes_AS_STRING(condition), <size_t>PyBytes_GET_SIZE(condition))
        fields += 1
    store16(out.data + AT_FIELD_COUNT, <uint16_t>fields)
    return command


cdef Command end_request(Command command, Py_ssize_t operations):
    """Fills in what is known only at the end."""
    if operations > MAX_OPERATIONS:
        raise errors.InvalidArgument(f"{operations} operations in one command, the server allows {MAX_OPERATIONS}")
    store16(command.out.data + AT_OP_COUNT, <uint16_t>operations)
    store64(
        command.out.data,
        <uint64_t>PROTO_VERSION << 56 | <uint64_t>TYPE_MESSAGE << 48 | <uint64_t>(command.out.size - 8)
    )
    return command


cdef object distinct(tuple names):
    """Each name once. A subclass of str may have a hash of its own: the text counts that it holds."""
    for name in names:
        if not PyUnicode_CheckExact(name):
            break
    else:
        return dict.fromkeys(names)
    if not all(isinstance(name, str) for name in names):
        return names                        # of which one is refused when it is written
    return dict.fromkeys([plain_text(name) for name in names])


cdef Command read_request(
    object key, object bins, Settings settings, object timeout, object filter_expression, object missing
):
    """Get all bins (`bins` is None), some, or none (an empty sequence: the header only)."""
    cdef Command command
    cdef int count = 0
    cdef int info1 = INFO1_READ | settings.info1
    if bins is None:
        info1 |= INFO1_GET_ALL
    elif isinstance(bins, (str, bytes)):
        raise errors.InvalidType(f"bins must be a sequence of names, not {type(bins).__name__}: write [{shown(bins)}]")
    else:
        try:
            bins = tuple(bins)
        except TypeError:
            raise errors.InvalidType(f"bins must be a sequence of names, not {type(bins).__name__}") from None
        if not bins:
            info1 |= INFO1_GET_NO_BINS
    command = start_request(
        key, settings, READ_RECORD, missing, timeout, filter_expression, info1, 0, 0, 0, settings.ttl
    )
    if bins:
        for name in distinct(<tuple>bins):  # a name asked for twice is answered once
            end_op(&command.out, start_op(&command.out, OP_READ, name), T_NULL)
            count += 1
    return end_request(command, count)


cdef Command exists_request(object key, Settings settings, object timeout, object filter_expression):
    """Whether the record is there: True or False."""
    return end_request(
        start_request(
            key, settings, READ_FOUND, False, timeout, filter_expression,
            INFO1_READ | INFO1_GET_NO_BINS | settings.info1, 0, 0, 0, settings.ttl
        ),
        0
    )


cdef Command start_write(
    object key, Settings settings, Reading reading, object missing, object timeout, object ttl, object generation,
    object filter_expression, int info1, int info2, bint whole=False
):
    """A write; of the `whole` record, if it is there, where the policy's record_exists_action means nothing."""
    cdef uint32_t expected = settings.generation
    cdef int info3 = settings.info3
    info2 |= INFO2_WRITE | settings.info2
    if whole:
        info2 &= ~INFO2_EXISTS
        info3 &= ~INFO3_EXISTS
    if generation is not None:
        expected = generation_of(generation)
        if not info2 & (INFO2_GENERATION | INFO2_GENERATION_GT):
            info2 |= INFO2_GENERATION       # a generation that is given is one that is expected
    return start_request(
        key, settings, reading, missing, timeout, filter_expression, info1, info2, info3, expected,
        settings.ttl if ttl is None else <uint32_t>ttl_header(ttl)
    )


cdef int check_names(object bins) except -1:
    """Refuses names that are different in Python and the same to the server, which would keep one of the values."""
    cdef set names = set()
    for name in bins:
        text = plain_text(name) if isinstance(name, str) else name
        if text in names:
            raise errors.InvalidArgument(f"the bin {shown(text)} comes twice")
        names.add(text)
    return 0


cdef Command write_request(
    object key, int code, object bins, Settings settings, object timeout, object ttl, object generation,
    object filter_expression
):
    """Put, add, append or prepend (`code`) each of `bins`, names to values."""
    cdef Command command = start_write(
        key, settings, READ_NOTHING, RAISE, timeout, ttl, generation, filter_expression, 0, 0
    )
    cdef Packer packer
    cdef Py_ssize_t size = 0
    cdef Py_ssize_t count = 0
    cdef bint plain = True
    cdef list names = None                  # of what is no dict
    packer_init(&packer, &command.out, None)
    if PyDict_CheckExact(bins):
        size = PyDict_Size(bins)
        for name, value in (<dict>bins).items():
            plain = plain and PyUnicode_CheckExact(name)
            put_bin_op(&packer, code, name, value)
            count += 1
            if PyDict_Size(bins) != size:
                break                       # before Python finds it, whose error names no place
        if count != size or PyDict_Size(bins) != size:
            raise errors.InvalidArgument("bins changed its size while it was packed")
    else:
        try:
            pairs = bins.items()
        except AttributeError:
            raise errors.InvalidType(
                f"bins must map names to values, as a dict does, not {type(bins).__name__}"
            ) from None
        names = []
        for name, value in pairs:
            names.append(name)
            put_bin_op(&packer, code, name, value)
            count += 1
    if not plain or names is not None:
        check_names(bins if names is None else names)
    if count == 0:
        raise errors.InvalidArgument("a write needs at least one bin")
    if count > MAX_BINS:
        raise errors.InvalidArgument(f"{count} bins in one record, the server allows {MAX_BINS}")
    return end_request(command, count)


cdef Command touch_request(
    object key, Settings settings, object timeout, object ttl, object generation, object filter_expression
):
    """Give the record a new time to live; a missing record is an error."""
    cdef Command command = start_write(
        key, settings, READ_NOTHING, RAISE, timeout, ttl, generation, filter_expression, 0, 0, True
    )
    end_op(&command.out, start_op(&command.out, OP_TOUCH, "", True), T_NULL)
    return end_request(command, 1)


cdef Command delete_request(
    object key, Settings settings, object timeout, object generation, object filter_expression
):
    """Delete the record: True, or False if there was none."""
    return end_request(
        start_write(
            key, settings, READ_FOUND, False, timeout, None, generation, filter_expression, 0, INFO2_DELETE, True
        ),
        0
    )


cdef inline bint modifies(Operation operation) noexcept:
    """Whether it is a write that may give something."""
    return operation.flags & OP_IS_WRITE != 0 and operation.code not in (
        OP_WRITE, OP_INCR, OP_APPEND, OP_PREPEND, OP_TOUCH, OP_DELETE_ALL
    )


cdef bint needs_all_answers(tuple operations):
    """Whether the answers could not be told apart.

    Unless RESPOND_ALL_OPS asks for it, the server leaves out the answer of a read that finds no bin and of a
    modification that gives nothing (single-record.md 4.3). So it has to be asked for where a bin is read, may appear
    by a write and is read again, and where a bin is modified twice by the same operation code. Most calls show by their
    kinds alone that there is no such bin.
    """
    cdef Operation operation
    cdef int rank = 0                       # 1 after a read, 2 after a write behind it, 3 after another read behind that
    cdef int modifications = 0
    cdef set read, appeared, modified
    for operation in operations:
        rank += (rank & 1) == (operation.flags & OP_IS_WRITE)
        modifications += modifies(operation)
    if rank < 3 and modifications < 2:
        return False
    read = set()
    appeared = set()
    modified = set()
    for operation in operations:
        if operation.flags & OP_IS_WRITE:
            if operation.bin in read:
                appeared.add(operation.bin)
            if modifies(operation):
                step = (operation.code, operation.bin)
                if step in modified:
                    return True
                modified.add(step)
        elif operation.bin in appeared:
            return True
        else:
            read.add(operation.bin)
    return False


cdef Command operate_request(
    object key, object operations, Settings read, Settings write, object policy, object timeout, object ttl,
    object generation, object filter_expression
):
    """Several operations on one record, applied in order, all or nothing: a write if one of them writes.

    Without a policy its settings are `read` or `write`, whichever it is.
    """
    cdef Command command
    cdef Settings settings
    cdef bint writes
    cdef Operation operation
    cdef tuple steps
    cdef int flags = 0
    cdef int reads = 0
    cdef int info1 = 0
    cdef int info2 = 0
    cdef Py_ssize_t count = 0
    try:
        steps = tuple(operations)
    except TypeError:
        raise errors.InvalidType(f"operations must be a sequence, not {type(operations).__name__}") from None
    if not steps:
        raise errors.InvalidArgument("operate needs at least one operation")
    for step in steps:
        if type(step) is not Operation or not (<Operation>step).size:
            raise errors.InvalidType(
                f"operate takes operations made by pyspike.operations, not {type(step).__name__} ({shown(step)})"
            )
        flags |= (<Operation>step).flags
        if not (<Operation>step).flags & OP_IS_WRITE:
            info1 = INFO1_READ
            if not (<Operation>step).flags & OP_IS_HEADER:
                reads += 1
    writes = flags & OP_IS_WRITE != 0
    if policy is None:
        settings = write if writes else read
    else:
        settings = settings_of_operate(policy, writes, steps)
    if flags & OP_IS_ALL_BINS:
        info1 |= INFO1_GET_ALL
        if settings.respond_per_each_op:
            raise errors.InvalidArgument(
                "respond_per_each_op can't be combined with reading all bins",
                advice="read the bins by their names",
            )
        if reads > 1:
            raise errors.InvalidArgument(
                "reading all bins can't be combined with other reads", advice="they are among all bins"
            )
    elif settings.respond_per_each_op or flags & OP_WANTS_ALL or (len(steps) > 1 and needs_all_answers(steps)):
        info2 |= INFO2_RESPOND_ALL_OPS
    if writes:
        command = start_write(
            key, settings, READ_RESULTS, RAISE, timeout, ttl, generation, filter_expression, info1, info2
        )
    else:
        for keyword, value in (("ttl", ttl), ("generation", generation)):
            if value is not None:
                raise errors.InvalidArgument(f"{keyword} has no effect: no operation writes")
        if not reads:
            info1 |= INFO1_GET_NO_BINS
        command = start_request(
            key, settings, READ_RESULTS, RAISE, timeout, filter_expression, info1 | settings.info1, info2, 0, 0,
            settings.ttl
        )
    command.operations = steps
    for step in steps:
        operation = <Operation>step
        if operation.flags & OP_IS_HEADER and reads | flags & OP_IS_WRITE:
            continue                        # every answer has a header; the flag for it would hide the bins
        put_bytes(&command.out, wire_of(operation), <size_t>operation.size)
        count += 1
    return end_request(command, count)
