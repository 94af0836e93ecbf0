# The requests about one record (single-record.md), written into a buffer: header, fields and operations. There is one function
# for each family of commands. `record_commands.pyx` makes commands of these requests, the executors send them, and
# `readers/record_readers.pyx` reads the answers.

cdef int start_request(
    Buffer* out, Key key, Settings settings, double total_timeout, object filter_expression, int info1, int info2, int info3,
    uint32_t generation, uint32_t ttl
) except -1:
    """Writes everything before the operations; returns the number of fields."""
    put_request_header(
        out, info1, info2, info3, generation, ttl, server_timeout(total_timeout, settings.socket_timeout)
    )
    ask_for_details(out, settings)
    return put_key_fields(out, key, settings.send_key) + put_filter_field(out, settings, filter_expression)


cdef int start_write(
    Buffer* out, Key key, Settings settings, double total_timeout, object ttl, object generation, object filter_expression,
    int info1, int info2, bint whole=False
) except -1:
    """Writes everything before the operations of a write; returns the number of fields.

    `whole`: it deletes or touches the record as a whole, for which the policy's record_exists_action means nothing.
    """
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
        out, key, settings, total_timeout, filter_expression, info1, info2, info3, expected,
        settings.ttl if ttl is None else <uint32_t>ttl_header(ttl)
    )


cdef inline int answer_bits(Settings settings) noexcept:
    """Returns the bits of info1 by which a write with an answer that may be large asks for a compressed one."""
    return INFO1_COMPRESS_RESPONSE if settings.compress_above >= 0 else 0


cdef int too_many_operations(Py_ssize_t count) except -1:
    raise errors.InvalidArgument(f"{count} operations in one command, the server allows {MAX_OPERATIONS}")


cdef object distinct(tuple names):
    """Each name once. A subclass of str may have a hash of its own, so its plain text is compared."""
    for name in names:
        if not PyUnicode_CheckExact(name):
            break
    else:
        return dict.fromkeys(names)
    if not all(isinstance(name, str) for name in names):
        return names                        # of which one is refused when it is written
    return dict.fromkeys([plain_text(name) for name in names])


cdef tuple names_of(object bins):
    """The names of the bins that a read asks for."""
    if isinstance(bins, (str, bytes)):
        raise errors.InvalidType(f"bins must be a sequence of names, not {type(bins).__name__}: write [{shown(bins)}]")
    try:
        return tuple(bins)
    except TypeError:
        raise errors.InvalidType(f"bins must be a sequence of names, not {type(bins).__name__}") from None


cdef Py_ssize_t put_names(Buffer* out, tuple names) except -1:
    """Asks for each of the bins, once; returns how many operations that takes."""
    cdef Py_ssize_t count = 0
    for name in distinct(names):            # a name asked for twice is answered once
        end_op(out, start_op(out, OP_READ, name), PARTICLE_NULL)
        count += 1
    if count > MAX_OPERATIONS:
        too_many_operations(count)
    return count


cdef int put_read(
    Buffer* out, Key key, object bins, Settings settings, double total_timeout, object filter_expression
) except -1:
    """Get all bins (`bins` is None), some, or none (an empty sequence: the header only)."""
    cdef int fields
    cdef Py_ssize_t count = 0
    cdef tuple names = None
    cdef int info1 = INFO1_READ | settings.info1
    if bins is None:
        info1 |= INFO1_GET_ALL
    else:
        names = names_of(bins)
        if not names:
            info1 |= INFO1_GET_NO_BINS
    fields = start_request(
        out, key, settings, total_timeout, filter_expression, info1, 0, settings.info3, 0, settings.ttl
    )
    if names:
        count = put_names(out, names)
    seal_request(out, settings, fields, <int>count)
    return 0


cdef int put_exists(Buffer* out, Key key, Settings settings, double total_timeout, object filter_expression) except -1:
    """Ask whether the record is there."""
    cdef int info1 = INFO1_READ | INFO1_GET_NO_BINS | settings.info1 & ~INFO1_COMPRESS_RESPONSE
    cdef int fields = start_request(
        out, key, settings, total_timeout, filter_expression, info1, 0, settings.info3, 0, settings.ttl
    )
    seal_request(out, settings, fields, 0)
    return 0


cdef int check_names(object bins) except -1:
    """Refuses names that are different in Python and the same to the server, which would keep one of the values."""
    cdef set names = set()
    for name in bins:
        text = plain_text(name) if isinstance(name, str) else name
        if text in names:
            raise errors.InvalidArgument(f"the bin {shown(text)} comes twice")
        names.add(text)
    return 0


cdef Py_ssize_t put_bin_ops(Buffer* out, int code, object bins, CodecTable codecs=None) except -1:
    """An operation of this `code` for each of `bins`, names to values; returns how many these are."""
    cdef Packer packer
    cdef Py_ssize_t size = 0
    cdef Py_ssize_t count = 0
    cdef bint plain = True
    cdef list names = None                  # of a mapping that is no dict
    cdef dict given
    packer_init(&packer, out, None)
    if codecs is not None:
        packer.codecs = <PyObject*>codecs
    if PyDict_CheckExact(bins):
        bins = given = settled(bins)
        size = PyDict_Size(given)
        for name, value in given.items():
            plain = plain and PyUnicode_CheckExact(name)
            put_bin_op(&packer, code, name, value)
            count += 1
            if PyDict_Size(given) != size:
                break                       # before Python finds it, whose error names no place
        if count != size or PyDict_Size(given) != size:
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
    return count


cdef int put_bins(
    Buffer* out, Key key, int code, object bins, Settings settings, double total_timeout, object ttl, object generation,
    object filter_expression, CodecTable codecs
) except -1:
    """Put, add, append or prepend (`code`) each of `bins`, names to values."""
    cdef int fields = start_write(out, key, settings, total_timeout, ttl, generation, filter_expression, 0, 0)
    seal_request(out, settings, fields, <int>put_bin_ops(out, code, bins, codecs))
    return 0


cdef int put_touch(
    Buffer* out, Key key, Settings settings, double total_timeout, object ttl, object generation, object filter_expression
) except -1:
    """Give the record a new time to live."""
    cdef int fields = start_write(out, key, settings, total_timeout, ttl, generation, filter_expression, 0, 0, True)
    end_op(out, start_op(out, OP_TOUCH, "", True), PARTICLE_NULL)
    seal_request(out, settings, fields, 1)
    return 0


cdef int put_delete(
    Buffer* out, Key key, Settings settings, double total_timeout, object generation, object filter_expression
) except -1:
    """Delete the record."""
    cdef int fields = start_write(
        out, key, settings, total_timeout, None, generation, filter_expression, 0, INFO2_DELETE, True
    )
    out.data[FRAME_HEADER_SIZE + AT_INFO4] &= ~INFO4_ON_LOCKING_ONLY    # means nothing here (transactions.md 12.1)
    finish_request(out, fields, 0)          # without a filter there is little to compress
    return 0


# --- operate ---

cdef struct OperationsSummary:              # what counts for the header of an operate
    int flags                               # of all operations together
    int readers                             # how many read a bin or all bins
    bint has_read                           # whether any does not write, one that asks for no bin included


cdef int summarize(tuple operations, OperationsSummary* summary) except -1:
    """Checks that these are operations, and says what they are."""
    cdef int flags
    summary.flags = 0
    summary.readers = 0
    summary.has_read = False
    if not operations:
        raise errors.InvalidArgument("operate needs at least one operation")
    for operation in operations:
        if type(operation) is not Operation or not (<Operation>operation).size:
            raise errors.InvalidType(
                "operate takes operations made by pyspike.operations, "
                f"not {type(operation).__name__} ({shown(operation)})"
            )
        flags = (<Operation>operation).flags
        summary.flags |= flags
        if not flags & OP_IS_WRITE:
            summary.has_read = True
            summary.readers += not flags & OP_IS_HEADER
    return 0


cdef inline bint modifies(Operation operation) noexcept:
    """Whether it is a write that may give something."""
    return operation.flags & OP_IS_WRITE != 0 and operation.code not in (
        OP_WRITE, OP_INCR, OP_APPEND, OP_PREPEND, OP_TOUCH, OP_DELETE_ALL
    )


cdef bint needs_all_answers(tuple operations):
    """Whether the request needs RESPOND_ALL_OPS, because the answers could not be assigned to the operations without it.

    Without RESPOND_ALL_OPS the server leaves out the answer of a read that finds no bin, and of a modification that gives
    nothing (single-record.md 4.3). It is needed in two cases: a bin is read, then written, then read again; or a bin is
    modified twice by operations of the same code. The first loop finds the many calls in which neither is possible, without
    looking at bins.
    """
    cdef Operation operation
    cdef int stage = 0                      # 1 after a read, 2 after a write behind it, 3 after another read behind that
    cdef int modifications = 0
    cdef bint writes
    cdef set read, appeared, modified
    for operation in operations:
        writes = operation.flags & OP_IS_WRITE != 0
        if writes == (stage == 1):
            stage += 1
        modifications += modifies(operation)
    if stage < 3 and modifications < 2:
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


cdef Py_ssize_t put_steps(Buffer* out, tuple operations, OperationsSummary* summary) except -1:
    """The operations of an operate, but for what every answer has anyway; returns how many these are."""
    cdef Operation operation
    cdef Py_ssize_t count = 0
    cdef bint writes = summary.flags & OP_IS_WRITE != 0
    for operation in operations:
        if operation.flags & OP_IS_HEADER and (summary.readers or writes):
            continue                        # every answer has a header; the flag for it would hide the bins
        put_bytes(out, wire_of(operation), <size_t>operation.size)
        count += 1
    if count > MAX_OPERATIONS:
        too_many_operations(count)
    return count


cdef int check_all_bins(OperationsSummary* summary) except -1:
    """Refuses other reads beside one of all bins."""
    if summary.flags & OP_IS_ALL_BINS and summary.readers > 1:
        raise errors.InvalidArgument(
            "reading all bins can't be combined with other reads", advice="they are among all bins"
        )
    return 0


cdef int put_operate(
    Buffer* out, Key key, tuple operations, OperationsSummary* summary, Settings settings, double total_timeout, object ttl,
    object generation, object filter_expression
) except -1:
    """Apply several operations to one record, in order, all or nothing."""
    cdef int fields
    cdef bint writes = summary.flags & OP_IS_WRITE != 0
    cdef int info1 = INFO1_READ if summary.has_read else 0
    cdef int info2 = 0
    if summary.flags & OP_IS_ALL_BINS:
        info1 |= INFO1_GET_ALL
        if settings.respond_per_each_op:
            raise errors.InvalidArgument(
                "respond_per_each_op can't be combined with reading all bins",
                advice="read the bins by their names",
            )
        check_all_bins(summary)
    elif settings.respond_per_each_op or summary.flags & OP_WANTS_ALL or (
        len(operations) > 1 and needs_all_answers(operations)
    ):
        info2 |= INFO2_RESPOND_ALL_OPS
    if writes:
        info1 |= answer_bits(settings)
        fields = start_write(out, key, settings, total_timeout, ttl, generation, filter_expression, info1, info2)
    else:
        for keyword, value in (("ttl", ttl), ("generation", generation)):
            if value is not None:
                raise errors.InvalidArgument(f"{keyword} has no effect: no operation writes")
        if not summary.readers:
            info1 |= INFO1_GET_NO_BINS
        fields = start_request(
            out, key, settings, total_timeout, filter_expression, info1 | settings.info1, info2, settings.info3, 0, settings.ttl
        )
    seal_request(out, settings, fields, <int>put_steps(out, operations, summary))
    return 0
