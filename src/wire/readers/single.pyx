# The answer to a single-record command: one message of header, fields and operations (framing.md 1.2 to 1.4).

cdef extern from "Python.h":
    int PY_VERSION_HEX
    int PyGC_Disable()
    int PyGC_Enable()


cdef enum:
    LARGE_ANSWER = 32 * 1024
    ANSWER_HEADER = 22
    RESULT_OK = 0
    RESULT_NOT_FOUND = 2


cdef struct AnswerOp:                       # one operation of an answer; the bytes belong to the receive buffer
    int code
    int particle
    size_t name_size
    const unsigned char* name
    size_t size
    const unsigned char* value


cdef int next_op(Reader* r, AnswerOp* op) except -1:
    cdef size_t size = load32(take(r, 4))
    cdef const unsigned char* p = take(r, size)
    if size < 4 or size < 4 + <size_t>p[3]:
        raise broken(f"an operation of {size} bytes")
    op.code = p[0]
    op.particle = p[1]
    op.name_size = p[3]
    op.name = p + 4
    op.size = size - 4 - op.name_size
    op.value = p + 4 + op.name_size
    return 0


cdef int skip_fields(Reader* r, int count) except -1:
    cdef int _i
    for _i in range(count):
        take(r, load32(take(r, 4)))
    return 0


cdef dict read_bins(Reader* r, int count):
    cdef AnswerOp op
    cdef int _i
    cdef dict bins = {}
    for _i in range(count):
        next_op(r, &op)
        PyDict_SetItem(
            bins,
            short_text(r.names, op.name, op.name_size, b"surrogateescape"),
            get_particle(op.particle, op.value, op.size, r.names)
        )
    return bins


cdef inline bint answers(Operation operation, AnswerOp* op) noexcept:
    """Whether an answer of this code and bin can be the operation's, whose bytes begin as the answer's do."""
    cdef const unsigned char* asked
    if operation.flags & OP_IS_ALL_BINS:
        return op.code == OP_READ
    asked = wire_of(operation)
    return operation.code == op.code and asked[7] == op.name_size and memcmp(asked + 8, op.name, op.name_size) == 0


cdef int read_results(Reader* r, int count, tuple operations, dict bins, list results) except -1:
    """Fills `results`, one an operation, and `bins`, where a bin with several values gets a MultiResult.

    The server answers in the order of the operations and leaves some out; `needs_all_answers` sees to it that each
    answer belongs to the next operation that it can be of.
    """
    cdef AnswerOp op
    cdef Operation operation
    cdef Py_ssize_t at = 0
    cdef Py_ssize_t size
    cdef int _i
    cdef set several = None
    for _i in range(count):
        next_op(r, &op)
        value = get_particle(op.particle, op.value, op.size, r.names)
        while at < len(operations) and not answers(<Operation>operations[at], &op):
            at += 1
        if at == len(operations):
            name = short_text(r.names, op.name, op.name_size, b"surrogateescape")
            raise broken(f"an answer to no operation (code {op.code}, bin {name!r})")
        operation = <Operation>operations[at]
        if operation.flags & OP_IS_ALL_BINS:
            name = short_text(r.names, op.name, op.name_size, b"surrogateescape")
            if results[at] is None:
                results[at] = {}
            results[at][name] = value       # and stays there: all further reads are of this operation
        else:
            name = operation.bin
            results[at] = value
            at += 1
        if op.particle == T_NULL:           # the bin is not there, or the operation gives nothing
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
    return 0


cdef inline object read_answer(Command command, const unsigned char* body, size_t size, NameCache* names):
    """What the caller of the command gets for the message body; raises the error it tells of.

    While a large one becomes many objects, none of which can be garbage, Python does not look for any: until 3.12 it
    would do so every few hundred objects, and take longer with each.
    """
    cdef bint paused
    if size < LARGE_ANSWER or PY_VERSION_HEX >= 0x030C0000:
        return read_whole_answer(command, body, size, names)
    paused = PyGC_Disable()
    try:
        return read_whole_answer(command, body, size, names)
    finally:
        if paused:
            PyGC_Enable()


cdef object read_whole_answer(Command command, const unsigned char* body, size_t size, NameCache* names):
    cdef Reader r
    cdef const unsigned char* head
    cdef int code, fields, ops
    cdef dict bins
    cdef list results = None
    cdef Record record
    reader_init(&r, body, size, names)
    head = take(&r, ANSWER_HEADER)
    if head[0] != ANSWER_HEADER:
        raise broken(f"a message header of {head[0]} bytes")
    code = head[5]
    fields = load16(head + 18)
    ops = load16(head + 20)
    if code != RESULT_OK:
        if code == RESULT_NOT_FOUND and command.missing is not RAISE:
            return command.missing
        raise errors.from_code(code, key=command.key)
    if fields:
        skip_fields(&r, fields)
    if command.reading == READ_RECORD:
        bins = read_bins(&r, ops)
    elif command.reading == READ_RESULTS:
        bins = {}
        results = [None] * len(command.operations)
        read_results(&r, ops, command.operations, bins, results)
    elif command.reading == READ_FOUND:
        return True
    else:
        return None
    if r.p != r.end:
        raise broken(f"{left(&r)} bytes behind the last operation")
    record = Record.__new__(Record)
    record.key = command.key
    record.bins = bins
    record.generation = load32(head + 6)
    record.void_time = load32(head + 10)
    record.operated = results
    return record


def parse_answer(Command command not None, bytes body not None) -> object:
    """What the command gives when the server answers with this message body (22-byte header first)."""
    return read_answer(
        command, <const unsigned char*>PyBytes_AS_STRING(body), <size_t>PyBytes_GET_SIZE(body), NULL
    )
