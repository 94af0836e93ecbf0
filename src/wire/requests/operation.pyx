# One operation of an `operate` call: encoded when it is made, only copied when it is sent (framing.md 1.4).

cdef enum:
    SHOWN_OPERATION = 4000                  # characters of an operation's repr
    SHORT_WIRE = 48                         # bytes of an operation that are kept inside the object


cdef enum:                                  # what an operation is besides its code
    OP_IS_WRITE = 1
    OP_IS_ALL_BINS = 2                      # reads every bin: needs GET_ALL in the header
    OP_IS_HEADER = 4                        # asks for no bin: every answer has a header anyway
    OP_WANTS_ALL = 8                        # asks for the answers of all operations (RESPOND_ALL_OPS)


cdef inline const char* bin_name(object name, Py_ssize_t* size) except NULL:
    """The UTF-8 of a bin's name, once it is clear that the server takes it."""
    cdef const char* text = NULL
    if isinstance(name, str):
        text = ascii_of(name, size)
    if text == NULL:
        text = any_bin_name(name, size)
    if size[0] == 0:                        # the server would accept it, as the name of one more bin
        raise errors.InvalidArgument("a bin's name is empty")
    if size[0] > MAX_BIN_NAME or has_nul(text, <size_t>size[0]):
        raise wrong_bin_name(name, size[0])
    return text


cdef inline void put_op_head(unsigned char* p, int code, const char* name, Py_ssize_t size) noexcept nogil:
    """The head of an operation without a value, `OP_HEADER_SIZE` and `size` bytes (framing.md 1.4)."""
    store32(p, <uint32_t>(OP_HEADER_SIZE - 4 + size))
    p[AT_OP_CODE] = <unsigned char>code
    p[AT_OP_PARTICLE] = PARTICLE_NULL
    p[6] = 0
    p[AT_OP_NAME_SIZE] = <unsigned char>size
    memcpy(p + OP_HEADER_SIZE, name, <size_t>size)


cdef inline Py_ssize_t start_op(Buffer* out, int code, object name, bint nameless=False) except -1:
    """Writes the head of an operation on the bin `name`, and returns the offset in `out` at which it starts.

    A `nameless` operation is on the record as a whole.
    """
    cdef Py_ssize_t size = 0
    cdef const char* text = b""
    cdef size_t start = out.size
    if not nameless:
        text = bin_name(name, &size)
    put_op_head(buffer_take(out, OP_HEADER_SIZE + <size_t>size), code, text, size)
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
    if size > MAX_BIN_NAME:
        return errors.InvalidArgument(f"the bin name {text} takes {size} bytes, the server allows {MAX_BIN_NAME}")
    return errors.InvalidArgument(f"the bin name {text} has a NUL, which no name may have")


cdef inline void end_op(Buffer* out, Py_ssize_t start, int particle) noexcept:
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


cdef int put_bin_op(Packer* packer, int code, object name, object value) except -1:
    """A whole operation that gives `value` to the bin `name`."""
    cdef Py_ssize_t start = start_op(packer.out, code, name)
    packer.bin = <PyObject*>name
    if code != OP_WRITE:
        check_operand(packer, code, value)
    end_op(packer.out, start, put_particle(packer, value))
    return 0


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
    cdef object text                        # its repr, or what makes it of the operation
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

    def __repr__(self) -> str:
        text = self.text if isinstance(self.text, str) else self.text(self)
        return clipped(text, SHOWN_OPERATION)

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
        return restore_operation, (self.bin, self.code, self.wire, self.flags, self.text)


cdef inline const unsigned char* wire_of(Operation operation) noexcept:
    """An operation's bytes, `operation.size` of them; they live as long as it does."""
    if operation.long_wire is None:
        return operation.short_wire
    return <const unsigned char*>PyBytes_AS_STRING(operation.long_wire)


cdef inline Operation new_operation(str name, int code, int flags, object text):
    """An operation whose bytes are still to be written."""
    cdef Operation operation = Operation.__new__(Operation)
    operation.bin = name
    operation.code = code
    operation.flags = flags
    operation.text = text
    return operation


cdef inline void write_into(Buffer* out, Operation operation) noexcept:
    """Begins a buffer in the memory of an operation; when all is written, `keep_written` completes the operation."""
    buffer_init(out, operation.short_wire, SHORT_WIRE)


cdef inline int keep_written(Operation operation, Buffer* out) except -1:
    """Completes an operation with what is in its buffer, which may have outgrown the operation's memory."""
    if out.data != out.given:
        operation.long_wire = PyBytes_FromStringAndSize(<const char*>out.data, <Py_ssize_t>out.size)
    operation.size = <Py_ssize_t>out.size
    return 0


def restore_operation(str name, int code, bytes wire, int flags, text: str | Callable[[Operation], str]) -> Operation:
    """An operation out of what its pickle holds."""
    cdef Buffer out
    cdef Operation operation = new_operation(name, code, flags, text)
    if len(wire) < OP_HEADER_SIZE or len(wire) < OP_HEADER_SIZE + wire[7]:
        raise errors.InvalidArgument("these are no bytes of an operation")
    write_into(&out, operation)
    try:
        put_bytes(&out, PyBytes_AS_STRING(wire), <size_t>PyBytes_GET_SIZE(wire))
        keep_written(operation, &out)
    finally:
        buffer_free(&out)
    return operation
