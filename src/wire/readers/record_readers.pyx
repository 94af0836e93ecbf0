# The readers of the answers to commands on one record: each answer is one frame with one message.

cdef int RESULT_OK = int(ResultCode.OK)
cdef int RESULT_NOT_FOUND = int(ResultCode.KEY_NOT_FOUND_ERROR)


cdef object refused(Cursor* c, MessageHeader* header, Key key, object missing):
    """Raises the error of a command that the server refused; returns `missing` if there is no such record, unless it is RAISE."""
    if header.result_code == RESULT_NOT_FOUND and missing is not RAISE:
        return missing
    raise errors.from_code(header.result_code, told=read_details(c, header.field_count), key=key)


cdef dict read_bins(Cursor* c, int count):
    cdef MessageOp op
    cdef int _i
    cdef dict bins = {}
    for _i in range(count):
        next_op(c, &op)
        PyDict_SetItem(bins, name_of_op(c, &op), value_of_op(c, &op))
    return bins


cdef inline bint answers(Operation operation, MessageOp* op, bint as_read) noexcept:
    """Whether an answer can be the operation's: one of the same code and bin, or of any bin if the operation reads all.

    `as_read`: the answers of all operations may have the code of a plain read.
    """
    cdef const unsigned char* asked
    if operation.flags & OP_IS_ALL_BINS:
        return op.code == OP_READ
    asked = wire_of(operation)
    return (
        (operation.code == op.code or (as_read and op.code == OP_READ))
        and asked[AT_OP_NAME_SIZE] == op.name_size
        and same_bytes(asked + OP_HEADER_SIZE, op.name, op.name_size)
    )


cdef list read_results(Cursor* c, int count, tuple operations, dict bins, bint as_read):
    """Returns what the operations gave, one value an operation, and fills `bins`: one with several values gets a MultiResult.

    The server answers in the order of the operations and leaves some out; the request was made so that each answer
    belongs to the next operation that it can be of (`needs_all_answers`).
    """
    cdef MessageOp op
    cdef Operation operation
    cdef Py_ssize_t operation_count = len(operations)
    cdef Py_ssize_t at = 0
    cdef Py_ssize_t filled = 0              # results before this one are there
    cdef Py_ssize_t size
    cdef int _i
    cdef dict every_bin
    cdef set several = None
    cdef list results = PyList_New(operation_count)
    for _i in range(count):
        next_op(c, &op)
        value = value_of_op(c, &op)
        while at < operation_count and not answers(<Operation>operations[at], &op, as_read):
            at += 1
        if at == operation_count:
            raise broken(f"an answer to no operation (code {op.code}, bin {name_of_op(c, &op)!r})")
        while filled < at:
            fill_item(results, filled, None)
            filled += 1
        operation = <Operation>operations[at]
        if operation.flags & OP_IS_ALL_BINS:
            name = name_of_op(c, &op)
            if filled == at:
                every_bin = {}
                fill_item(results, at, every_bin)
                filled += 1
            every_bin[name] = value         # all further reads are of this operation, so `at` stays
        else:
            name = operation.bin
            fill_item(results, at, value)
            at += 1
            filled = at
        if op.particle == PARTICLE_NULL:    # the bin is not there, or the operation gives nothing
            continue
        size = len(bins)
        found = bins.setdefault(name, value)
        if len(bins) > size:
            continue
        if several is not None and name in several:
            found.append(value)
        else:
            bins[name] = MultiResult([found, value])
            several = several or set()
            several.add(name)
    while filled < operation_count:
        fill_item(results, filled, None)
        filled += 1
    return results


cdef inline Record new_record(Key key, dict bins, MessageHeader* header, list results):
    cdef Record record = Record.__new__(Record)
    record.key = key
    record.bins = bins
    record.generation = header.generation
    record.void_time = header.void_time
    record.operated = results
    return record


@cython.final
cdef class RecordReader(Reader):
    """Gives the record with its bins. `given` is what a missing record gives, or RAISE."""

    cdef bint raw                           # whether its lists and maps are RawParticles
    cdef CodecTable tags                    # by which what is marked in them is decoded; None: nothing is

    def __cinit__(self, *, bint raw, CodecTable tags=None) -> None:
        self.reads_bins = True
        self.raw = raw
        self.tags = tags

    cdef object read(self, Key key, object given, const unsigned char* body, size_t size, NameCache* names):
        cdef Cursor c
        cdef MessageHeader header
        cdef dict bins
        cursor_init(&c, body, size, names)
        c.raw = self.raw
        if self.tags is not None:
            c.tags = <PyObject*>self.tags
        next_message(&c, &header)
        if header.result_code != RESULT_OK:
            return refused(&c, &header, key, given)
        if header.field_count:
            skip_fields(&c, header.field_count)
        bins = read_bins(&c, header.op_count)
        end_of_frame(&c)
        return new_record(key, bins, &header, None)


@cython.final
cdef class ResultsReader(Reader):
    """Gives the record with what its operations gave. `given` is the tuple of operations."""

    cdef bint raw                           # whether lists and maps are given as RawParticles
    cdef CodecTable tags                    # as in RecordReader

    def __cinit__(self, *, bint raw, CodecTable tags=None) -> None:
        self.reads_bins = True
        self.raw = raw
        self.tags = tags

    cdef object read(self, Key key, object given, const unsigned char* body, size_t size, NameCache* names):
        cdef Cursor c
        cdef MessageHeader header
        cdef dict bins
        cdef list results
        cursor_init(&c, body, size, names)
        c.raw = self.raw
        if self.tags is not None:
            c.tags = <PyObject*>self.tags
        next_message(&c, &header)
        if header.result_code != RESULT_OK:
            return refused(&c, &header, key, RAISE)
        if header.field_count:
            skip_fields(&c, header.field_count)
        bins = {}
        results = read_results(&c, header.op_count, <tuple>given, bins, False)
        end_of_frame(&c)
        return new_record(key, bins, &header, results)


@cython.final
cdef class OutcomeReader(Reader):
    """Gives `success`, whatever else the answer says. `given` is what a missing record gives, or RAISE."""

    cdef object success

    def __cinit__(self, object success) -> None:
        self.success = success

    cdef object read(self, Key key, object given, const unsigned char* body, size_t size, NameCache* names):
        cdef Cursor c
        cdef MessageHeader header
        cursor_init(&c, body, size, names)
        next_message(&c, &header)
        if header.result_code != RESULT_OK:
            return refused(&c, &header, key, given)
        if header.field_count:
            skip_fields(&c, header.field_count)
        return self.success


@cython.final
cdef class WrittenReader(Reader):
    """Gives what has become of a record that was written."""

    cdef object read(self, Key key, object given, const unsigned char* body, size_t size, NameCache* names):
        cdef Cursor c
        cdef MessageHeader header
        cursor_init(&c, body, size, names)
        next_message(&c, &header)
        if header.result_code != RESULT_OK:
            return refused(&c, &header, key, given)
        return new_written(header.generation, header.void_time)


cdef Reader WRITTEN_READER = WrittenReader()
cdef Reader RECORD_READER = RecordReader(raw=False)
cdef Reader RAW_RECORD_READER = RecordReader(raw=True)
cdef Reader RESULTS_READER = ResultsReader(raw=False)
cdef Reader RAW_RESULTS_READER = ResultsReader(raw=True)
cdef Reader FOUND_READER = OutcomeReader(True)      # whether there is, or was, such a record
cdef Reader NOTHING_READER = OutcomeReader(None)    # of a write that gives nothing
