# One operation of an `operate` call: encoded when it is made, only copied when it is sent (framing.md 1.4).

cdef enum:
    SHOWN_OPERATION = 4000                  # characters of an operation's repr


cdef enum:                                  # what an operation is besides its code
    OP_IS_WRITE = 1
    OP_IS_ALL_BINS = 2                      # reads every bin: needs GET_ALL in the header
    OP_IS_HEADER = 4                        # asks for no bin: every answer has a header anyway
    OP_WANTS_ALL = 8                        # asks for the answers of all operations (RESPOND_ALL_OPS)


cdef size_t start_op(Buffer* out, int code, object name, bint nameless=False) except 0:
    """Writes an operation's head for the bin `name`, which is "" where it is `nameless`; returns where it starts, plus one.
    """
    cdef Py_ssize_t size = 0
    cdef const char* text = NULL
    cdef unsigned char* p
    cdef size_t start = out.size
    if isinstance(name, str):
        text = ascii_of(name, &size)
    if text == NULL:
        text = any_bin_name(name, &size)
    if size == 0 and not nameless:          # the server would take it for a bin of its own
        raise errors.InvalidArgument("a bin's name is empty")
    if size > MAX_BIN_NAME or has_nul(text, <size_t>size):
        raise wrong_bin_name(name, size)
    p = buffer_take(out, 8 + <size_t>size)
    p[4] = <unsigned char>code
    p[5] = PARTICLE_NULL
    p[6] = 0
    p[7] = <unsigned char>size
    memcpy(p + 8, text, <size_t>size)
    return start + 1


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


cdef inline void end_op(Buffer* out, size_t mark, int particle) noexcept:
    """Completes the operation that `start_op` began, now that its value is behind it."""
    cdef unsigned char* p = out.data + (mark - 1)
    p[5] = <unsigned char>particle
    store32(p, <uint32_t>(out.size - (mark - 1) - 4))


cdef int put_bin_op(Packer* packer, int code, object name, object value) except -1:
    """A whole operation that gives `value` to the bin `name`."""
    cdef size_t mark = start_op(packer.out, code, name)
    packer.bin = <PyObject*>name
    if code != OP_WRITE:
        check_operand(packer, code, value)
    end_op(packer.out, mark, put_particle(packer, value))
    return 0


cdef int check_operand(Packer* packer, int code, object value) except -1:
    if code == OP_INCR:
        if plain_number(value) is None:
            raise refused_type(packer, value, "can't be added: add takes an int or a float")
    elif isinstance(value, GeoJSON) or not (isinstance(value, str) or plain_bytes(value) is not None):
        raise refused_type(packer, value, "can't be appended: append and prepend take a str or bytes")
    return 0


@cython.final
@cython.no_gc                               # what it holds leads nowhere
@cython.freelist(32)
cdef class Operation:
    """Operation()\n--\n\nOne step of `operate`, made by the functions of `pyspike.operations`.

    Immutable; may be used again and again.
    """

    cdef readonly str bin                   # "" for operations on the whole record
    cdef readonly int code                  # its number on the wire
    cdef readonly bytes wire                # its bytes
    cdef int flags
    cdef object text                        # its repr, or what makes it of the operation

    def __init__(self, *args: object, **kwargs: object) -> None:
        raise TypeError("operations are made by the functions of pyspike.operations")

    @staticmethod
    def on_bin(int code, name: str, value: object, text: object) -> Operation:
        """Write, add, append or prepend `value` to the bin `name`."""
        cdef Buffer out
        cdef Packer packer
        cdef unsigned char storage[256]
        buffer_init(&out, storage, sizeof(storage))
        packer_init(&packer, &out, name)
        try:
            put_bin_op(&packer, code, name, value)
            return make_operation(plain_text(name), code, &out, OP_IS_WRITE, text)
        finally:
            buffer_free(&out)

    @staticmethod
    def bare(
        int code, name: str, text: object, *, bint write=False, bint all_bins=False, bint header=False, bint whole=False
    ) -> Operation:
        """An operation without a value: read a bin, all or none, or change the record as a whole (touch, delete)."""
        cdef Buffer out
        cdef unsigned char storage[64]
        buffer_init(&out, storage, sizeof(storage))
        end_op(&out, start_op(&out, code, name, all_bins or header or whole), PARTICLE_NULL)
        return make_operation(
            plain_text(name), code, &out,
            (OP_IS_WRITE if write else 0) | (OP_IS_ALL_BINS if all_bins else 0) | (OP_IS_HEADER if header else 0), text
        )

    @staticmethod
    def raw(
        int code, name: str, int particle, bytes data not None, text: object, *, bint write, bint respond_all=False
    ) -> Operation:
        """An operation on the bin `name` whose value is ready: `data`, of this particle type."""
        cdef Buffer out
        cdef size_t mark
        cdef unsigned char storage[256]
        buffer_init(&out, storage, sizeof(storage))
        try:
            mark = start_op(&out, code, name)
            put_bytes(&out, PyBytes_AS_STRING(data), <size_t>PyBytes_GET_SIZE(data))
            end_op(&out, mark, particle)
            return make_operation(
                plain_text(name), code, &out, (OP_IS_WRITE if write else 0) | (OP_WANTS_ALL if respond_all else 0), text
            )
        finally:
            buffer_free(&out)

    @staticmethod
    def packed(
        int code, name: str, int particle, list arguments not None, text: object, *, bint write, bint respond_all=False
    ) -> Operation:
        """An operation on the bin `name` whose value is a packed list of arguments."""
        cdef Buffer out
        cdef Packer packer
        cdef size_t mark
        cdef unsigned char storage[256]
        buffer_init(&out, storage, sizeof(storage))
        arguments_init(&packer, &out, name)
        try:
            mark = start_op(&out, code, name)
            put_list(&packer, arguments)
            end_op(&out, mark, particle)
            return make_operation(
                plain_text(name), code, &out, (OP_IS_WRITE if write else 0) | (OP_WANTS_ALL if respond_all else 0), text
            )
        finally:
            buffer_free(&out)

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
        return self.flags == operation.flags and self.wire == operation.wire

    def __hash__(self) -> int:
        return hash(self.wire)

    def __reduce__(self) -> tuple:
        return restore_operation, (self.bin, self.code, self.wire, self.flags, self.text)


@cython.final
cdef class OperationMaker:
    """Makes the operations of one code.

    Args:
        code: the operation's number.
        particle: what to send as the value's particle type.
        text: the repr, or what makes it of the operation.
        flatten: makes of the way (contexts) the list that is packed for it.
        write: whether it may change the record.
        respond_all: whether it asks for the answers of all operations.
    """

    cdef int code
    cdef int particle
    cdef int flags
    cdef object text
    cdef object flatten

    def __cinit__(
        self, int code, int particle, text: object, flatten: object, *, bint write=False, bint respond_all=False
    ) -> None:
        self.code = code
        self.particle = particle
        self.flags = (OP_IS_WRITE if write else 0) | (OP_WANTS_ALL if respond_all else 0)
        self.text = text
        self.flatten = flatten

    def make(self, name: str, ctx: object, *arguments: object) -> Operation:
        """The operation `[opcode, arguments...]` on the bin, or on what `ctx` leads to inside it."""
        cdef Buffer out
        cdef Packer packer
        cdef size_t mark
        cdef unsigned char storage[256]
        buffer_init(&out, storage, sizeof(storage))
        arguments_init(&packer, &out, name)
        try:
            mark = start_op(&out, self.code, name)
            if ctx:
                put_list(&packer, [WITH_CONTEXT, self.flatten(ctx), list(arguments)])
            else:
                put_list(&packer, arguments)
            end_op(&out, mark, self.particle)
            return make_operation(plain_text(name), self.code, &out, self.flags, self.text)
        finally:
            buffer_free(&out)


cdef Operation new_operation(str name, int code, bytes wire, int flags, object text):
    cdef Operation operation = Operation.__new__(Operation)
    operation.bin = name
    operation.code = code
    operation.wire = wire
    operation.flags = flags
    operation.text = text
    return operation


cdef inline Operation make_operation(str name, int code, Buffer* out, int flags, object text):
    return new_operation(name, code, PyBytes_FromStringAndSize(<const char*>out.data, <Py_ssize_t>out.size), flags, text)


def restore_operation(str name, int code, bytes wire, int flags, text: object) -> Operation:
    """An operation out of what its pickle holds."""
    if len(wire) < 8 or len(wire) < 8 + wire[7]:
        raise errors.InvalidArgument("these are no bytes of an operation")
    return new_operation(name, code, wire, flags, text)
