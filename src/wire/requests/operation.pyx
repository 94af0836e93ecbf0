# One operation of an `operate` call: encoded when it is made, only copied when it is sent (framing.md 1.4).

cdef enum:
    SHOWN_OPERATION = 4000                  # characters of an operation's repr
    SHORT_WIRE = 48                         # bytes of an operation that are kept inside the object
    SHORT_VALUE = 16                        # bytes of a value that certainly fit there, behind any name


cdef enum:                                  # what an operation is besides its code
    OP_IS_WRITE = 1
    OP_IS_ALL_BINS = 2                      # reads every bin: needs GET_ALL in the header
    OP_IS_HEADER = 4                        # asks for no bin: every answer has a header anyway
    OP_WANTS_ALL = 8                        # asks for the answers of all operations (RESPOND_ALL_OPS)


cdef inline const char* bin_name(object name, Py_ssize_t* size) except NULL:
    """The UTF-8 of a bin's name of a size that the server takes. Whether it has a NUL shows when it is copied."""
    cdef const char* text = NULL
    if isinstance(name, str):
        text = ascii_of(name, size)
    if text == NULL:
        text = any_bin_name(name, size)
    if not 0 < size[0] <= MAX_BIN_NAME:
        raise wrong_bin_name(name, size[0])
    return text


cdef inline void put_op_head(unsigned char* p, int code, Py_ssize_t size) noexcept nogil:
    """The first `OP_HEADER_SIZE` bytes of an operation without a value, on a bin with a name of `size` bytes."""
    store32(p, <uint32_t>(OP_HEADER_SIZE - 4 + size))
    p[AT_OP_CODE] = <unsigned char>code
    p[AT_OP_PARTICLE] = PARTICLE_NULL
    p[6] = 0
    p[AT_OP_NAME_SIZE] = <unsigned char>size


cdef inline int put_named_head(unsigned char* p, int code, object name, const char* text, Py_ssize_t size) except -1:
    """The same, and the bin's name behind it (framing.md 1.4).

    Args:
        name: the name as the caller gave it, for the error.
        text: the same in UTF-8, `size` bytes.
    """
    put_op_head(p, code, size)
    if copy_short(p + OP_HEADER_SIZE, text, <size_t>size):
        raise wrong_bin_name(name, size)
    return 0


cdef inline Py_ssize_t start_op(Buffer* out, int code, object name, bint nameless=False) except -1:
    """Writes the head of an operation on the bin `name`, and returns the offset in `out` at which it starts.

    A `nameless` operation is on the record as a whole.
    """
    cdef Py_ssize_t size = 0
    cdef const char* text
    cdef size_t start = out.size
    if nameless:
        put_op_head(buffer_take(out, OP_HEADER_SIZE), code, 0)
    else:
        text = bin_name(name, &size)
        put_named_head(buffer_take(out, OP_HEADER_SIZE + <size_t>size), code, name, text, size)
    return <Py_ssize_t>start


cdef const char* any_bin_name(object name, Py_ssize_t* size) except NULL:
    """The UTF-8 of a bin's name."""
    if not isinstance(name, str):
        raise errors.InvalidType(f"a bin's name must be a str, not {type(name).__name__} ({shown(name)})")
    try:
        return PyUnicode_AsUTF8AndSize(name, size)
    except UnicodeEncodeError as error:
        raise errors.InvalidArgument(f"the bin name {shown(plain_text(name))} is not valid text: {error}") from None


cdef object wrong_bin_name(object name, Py_ssize_t size):
    """The error for a bin's name that the server would refuse."""
    text = shown(plain_text(name))
    if size == 0:                           # the server would take it for a bin of its own
        return errors.InvalidArgument("a bin's name is empty")
    if size > MAX_BIN_NAME:
        return errors.InvalidArgument(f"the bin name {text} takes {size} bytes, the server allows {MAX_BIN_NAME}")
    return errors.InvalidArgument(f"the bin name {text} has a NUL, which no name may have")


cdef inline void end_op(Buffer* out, Py_ssize_t start, int particle) noexcept nogil:
    """Completes the operation that starts at the offset `start`, now that its value is written behind its head."""
    cdef unsigned char* p = out.data + start
    p[AT_OP_PARTICLE] = <unsigned char>particle
    store32(p, <uint32_t>(out.size - <size_t>start - 4))


cdef inline int check_operand(Packer* packer, int code, object value) except -1:
    """Refuses what can't be added or appended."""
    if code == OP_INCR:
        if not PyLong_CheckExact(value) and not PyFloat_CheckExact(value) and plain_number(value) is None:
            raise refused_type(packer, value, "can't be added: add takes an int or a float")
    elif not PyUnicode_CheckExact(value) and not PyBytes_CheckExact(value) and not is_appendable(value):
        raise refused_type(packer, value, "can't be appended: append and prepend take a str or bytes")
    return 0


cdef bint is_appendable(object value):
    return not isinstance(value, GeoJSON) and (isinstance(value, str) or plain_bytes(value) is not None)


cdef inline int put_operand(Packer* packer, int code, object value) except -1:
    """What a bin is given, or what is added or appended to it; returns the particle type."""
    if code != OP_WRITE:
        check_operand(packer, code, value)
    return put_particle(packer, value)


cdef int put_bin_op(Packer* packer, int code, object name, object value) except -1:
    """A whole operation that gives `value` to the bin `name`."""
    cdef Py_ssize_t start = start_op(packer.out, code, name)
    packer.bin = <PyObject*>name
    end_op(packer.out, start, put_operand(packer, code, value))
    return 0


cdef object operation_describer = None      # see `register_operations`
cdef object operation_restorer = None


@cython.final
@cython.no_gc                               # an operation can't be in a reference cycle
@cython.freelist(32)
cdef class Operation:
    """Operation()\n--\n\nOne step of `operate`, made by the functions of `pyspike.operations`.

    Immutable; may be used again and again.
    """

    cdef readonly str bin                   # "" for operations on the whole record
    cdef readonly int code                  # its number on the wire
    cdef int flags
    cdef Py_ssize_t size                    # of its bytes on the wire; 0 in one that was not made by a function
    cdef bytes long_wire                    # its bytes; None if they are in `short_wire`
    cdef unsigned char short_wire[SHORT_WIRE]

    def __init__(self, *args: object, **kwargs: object) -> None:
        raise TypeError("operations are made by the functions of pyspike.operations")

    @property
    def wire(self) -> bytes:
        """Its bytes on the wire."""
        return PyBytes_FromStringAndSize(<const char*>wire_of(self), self.size)

    @property
    def is_write(self) -> bool:
        """Whether it may change the record."""
        return self.flags & OP_IS_WRITE != 0

    @property
    def reads_header(self) -> bool:
        """Whether it reads no bin, only the generation and the expiration."""
        return self.flags & OP_IS_HEADER != 0

    def __repr__(self) -> str:
        if operation_describer is None:
            return f"<Operation {self.code} on bin {self.bin!r}>"
        return clipped(operation_describer(self), SHOWN_OPERATION)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Operation):
            return NotImplemented
        cdef Operation operation = <Operation>other
        return (
            self.flags == operation.flags and self.size == operation.size
            and memcmp(wire_of(self), wire_of(operation), <size_t>self.size) == 0
        )

    def __hash__(self) -> int:
        return hash(self.wire)

    def __reduce__(self) -> tuple:
        return operation_restorer or restore_operation, (self.bin, self.code, self.wire, self.flags)


cdef inline const unsigned char* wire_of(Operation operation) noexcept:
    """An operation's bytes, `operation.size` of them; they live as long as it does."""
    if operation.long_wire is None:
        return operation.short_wire
    return <const unsigned char*>PyBytes_AS_STRING(operation.long_wire)


cdef inline int begin_operation(Operation operation, object name, int code, int flags) except -1:
    """Makes it an operation on the bin `name`, with no value yet."""
    cdef Py_ssize_t size = 0
    cdef const char* text = bin_name(name, &size)
    operation.bin = <str>name if PyUnicode_CheckExact(name) else <str>plain_text(name)
    operation.code = code
    operation.flags = flags
    operation.size = OP_HEADER_SIZE + size
    return put_named_head(operation.short_wire, code, name, text, size)


cdef inline void write_into(Buffer* out, Operation operation) noexcept:
    """Begins a buffer in the memory of an operation, behind what it has; `keep_written` completes the operation."""
    buffer_init(out, operation.short_wire, SHORT_WIRE)
    out.size = <size_t>operation.size


cdef inline void end_short(Operation operation, Py_ssize_t size, int particle) noexcept:
    """Completes an operation whose value, up to SHORT_VALUE bytes, stands in its memory behind what it has."""
    operation.size += size
    store32(operation.short_wire, <uint32_t>(operation.size - 4))
    operation.short_wire[AT_OP_PARTICLE] = <unsigned char>particle


cdef inline int keep_written(Operation operation, Buffer* out) except -1:
    """Completes an operation with what is in its buffer, which may have outgrown the operation's memory."""
    if out.data != out.given:
        operation.long_wire = PyBytes_FromStringAndSize(<const char*>out.data, <Py_ssize_t>out.size)
    operation.size = <Py_ssize_t>out.size
    return 0


def restore_operation(str name, int code, bytes wire, int flags) -> Operation:
    """An operation out of what its pickle holds."""
    cdef Buffer out
    cdef Operation operation = Operation.__new__(Operation)
    if len(wire) < OP_HEADER_SIZE or len(wire) < OP_HEADER_SIZE + wire[7]:
        raise errors.InvalidArgument("these are no bytes of an operation")
    operation.bin = name
    operation.code = code
    operation.flags = flags
    write_into(&out, operation)
    try:
        put_bytes(&out, PyBytes_AS_STRING(wire), <size_t>PyBytes_GET_SIZE(wire))
        keep_written(operation, &out)
    finally:
        buffer_free(&out)
    return operation


def register_operations(describe: Callable[[Operation], str], restore: Callable[..., Operation]) -> None:
    """Have operations described and unpickled by the package that makes them, of which this module knows nothing.

    Args:
        describe: returns the representation of an operation.
        restore: is called with what a pickle holds, and passes it on to `restore_operation`; so a process that unpickles
            an operation imports the package.
    """
    global operation_describer, operation_restorer
    operation_describer = describe
    operation_restorer = restore
