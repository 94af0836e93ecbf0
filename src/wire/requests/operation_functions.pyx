# The functions of `pyspike.operations`: they check their arguments and pack them in one go, with no list of Python's
# between. Which arguments an operation has, in which order, and what each must be, is handed in by Python, out of its
# table of opcodes.

cdef enum:
    AT_COUNT = 0x90                         # the head of a list of up to 15 elements, with their number
    MAX_TESTED = 4                          # parameters of one argument


cdef class EncodedContext:
    """EncodedContext(type, packed, several)\n--\n\nOne step of a context, encoded when it is made.

    A context leads to an element inside a bin.

    Args:
        type: the server's number for the kind of step, with the bits that say what to create.
        packed: what it looks for.
        several: whether it may select several elements, as only paths do.
    """

    cdef readonly int64_t type
    cdef readonly Packed packed
    cdef bint several
    cdef bytes pair                         # type and value, as they stand in the list of contexts

    def __cinit__(self, int64_t type, Packed packed not None, bint several) -> None:
        cdef Buffer out
        cdef unsigned char storage[16]
        buffer_init(&out, storage, sizeof(storage))
        put_int(&out, type)
        self.type = type
        self.packed = packed
        self.several = several
        self.pair = PyBytes_FromStringAndSize(<const char*>out.data, <Py_ssize_t>out.size) + packed.data

    def __eq__(self, other: object) -> bool:
        return isinstance(other, EncodedContext) and self.pair == (<EncodedContext>other).pair

    def __hash__(self) -> int:
        return hash(self.pair)

    def __reduce__(self) -> tuple:
        return type(self), (self.type, self.packed)


cdef bint is_plain_context(object ctx) noexcept:
    """Whether a context is a list of encoded steps, each of which leads to one element."""
    if not PyList_CheckExact(ctx):
        return False
    for entry in <list>ctx:
        if not isinstance(entry, EncodedContext) or (<EncodedContext>entry).several:
            return False
    return True


cdef int put_context(Buffer* out, object ctx) except -1:
    """Packs a context: the list `[type, value, type, value...]` of its steps."""
    cdef bytes pair
    put_list_head(out, 2 * <size_t>len(ctx))
    for entry in ctx:
        pair = (<EncodedContext?>entry).pair
        put_bytes(out, PyBytes_AS_STRING(pair), <size_t>PyBytes_GET_SIZE(pair))
    return 0


@cython.final
cdef class Argument:
    """Argument(parameters, check, exact=(), *, each=False, also=())\n--\n\nWhat one argument of operations must be.

    Args:
        parameters: the names of the parameters that it is made of.
        check: is called with the values of the parameters, and returns what is packed: one value, or a tuple of any
            number of values. It raises an error for wrong values.
        exact: if the first parameter has an object of one of these types, and the others have their defaults, the object
            is packed without calling `check`; None stands for all types.
        each: whether the first parameter takes a list instead, of one or more objects of the types in `exact`.
        also: further parameters whose values `check` gets, behind the others. They may have any value.
    """

    cdef readonly tuple parameters
    cdef readonly object check
    cdef readonly object exact
    cdef readonly bint each
    cdef readonly tuple also

    def __cinit__(
        self, parameters: tuple[str, ...], check: Callable[..., object], exact: tuple[type, ...] | None = (), *,
        bint each=False, also: tuple[str, ...] = ()
    ) -> None:
        if not 0 < len(parameters) <= MAX_TESTED:
            raise ValueError(f"an argument has 1 to {MAX_TESTED} parameters")
        self.parameters = parameters
        self.check = check
        self.exact = exact
        self.each = each
        self.also = also


@cython.final
cdef class Part:
    """An argument of one function, with the places of its parameters in the function's signature."""

    cdef int places[MAX_TESTED]
    cdef int count
    cdef tuple every                        # the places of all values that `check` takes
    cdef object check
    cdef object exact
    cdef bint each
    cdef bytes packed                       # what is sent if all have their defaults; None if one has none
    cdef int packed_count                   # how many elements that is

    def __cinit__(self, DeclaredFunction function, Argument argument) -> None:
        cdef int i
        self.every = tuple([function.parameters.index(name) for name in argument.parameters + argument.also])
        self.count = <int>len(argument.parameters)
        for i in range(self.count):
            self.places[i] = self.every[i]
        self.check = argument.check
        self.exact = argument.exact
        self.each = argument.each
        defaults = [function.defaults[place] for place in self.every]
        if REQUIRED not in defaults:
            made = spread(self.check(*defaults))
            self.packed = b"".join([pack_element(value) for value in made])
            self.packed_count = <int>len(made)


cdef inline tuple spread(object made):
    """The values that a check gave, as a tuple."""
    return made if type(made) is tuple else (made,)


cdef inline bint is_exact(object value, object exact) noexcept:
    """Whether an object needs no check."""
    cdef Py_ssize_t i
    if exact is None:
        return True
    for i in range(PyTuple_GET_SIZE(exact)):
        if type(value) is <object>PyTuple_GET_ITEM(exact, i):
            return True
    return False


cdef bint are_exact(object values, object exact) noexcept:
    """Whether it is a list of one or more objects that need no check."""
    if not PyList_CheckExact(values) or PyList_GET_SIZE(values) == 0:
        return False
    if exact is not None:
        for value in <list>values:
            if not is_exact(value, exact):
                return False
    return True


cdef int put_part(Packer* p, Part part, PyObject** values, tuple defaults) except -1:
    """Packs an argument, and returns how many elements of the operation's list it is."""
    cdef PyObject* first = values[part.places[0]]
    cdef int i
    for i in range(1, part.count):
        if values[part.places[i]] != PyTuple_GET_ITEM(defaults, part.places[i]):
            return put_checked(p, part, values)
    if part.packed is not None and first == PyTuple_GET_ITEM(defaults, part.places[0]):
        put_bytes(p.out, PyBytes_AS_STRING(part.packed), <size_t>PyBytes_GET_SIZE(part.packed))
        return part.packed_count
    if part.each:
        if not are_exact(<object>first, part.exact):
            return put_checked(p, part, values)
        put_list(p, <object>first)
        return 1
    if not is_exact(<object>first, part.exact):
        return put_checked(p, part, values)
    put_element(p, <object>first)
    return 1


cdef int put_checked(Packer* p, Part part, PyObject** values) except -1:
    """Packs what the argument's check makes of its parameters."""
    cdef tuple made = spread(part.check(*[<object>values[<Py_ssize_t>place] for place in part.every]))
    for value in made:
        put_element(p, value)
        p.path[p.depth - 1].index += 1
    p.path[p.depth - 1].index -= <Py_ssize_t>len(made)
    return <int>len(made)


cdef class OperationFunction(DeclaredFunction):
    """A function that makes operations of one code; its first parameter, if it has any, is the bin's name."""

    cdef int code
    cdef int flags
    cdef object text


@cython.final
cdef class BareFunction(OperationFunction):
    """BareFunction(declaration, code, text, *, write=False, header=False, all_bins=False, respond_all=False, whole=None)\n--\n
Makes operations without a value: on a bin, or on the record as a whole.

    Args:
        declaration: the function as Python declares it.
        code: the operation's number.
        text: the repr of an operation on a bin, or what makes it of the operation.
        write: whether it changes the record.
        header: whether it asks for no bin.
        all_bins: whether it reads all bins if it names none.
        respond_all: whether it asks for the answers of all operations.
        whole: the repr of an operation on the record as a whole; None if there is no such.
    """

    cdef int whole_flags
    cdef object whole

    def __init__(
        self, declaration: Callable[..., Any], int code, text: str | Callable[[Operation], str], *,
        bint write=False, bint header=False, bint all_bins=False, bint respond_all=False, whole: str | None = None
    ) -> None:
        self.code = code
        self.text = text
        self.whole = whole
        self.flags = (OP_IS_WRITE if write else 0) | (OP_WANTS_ALL if respond_all else 0)
        self.whole_flags = self.flags | (OP_IS_HEADER if header else 0) | (OP_IS_ALL_BINS if all_bins else 0)

    cdef object run(self, PyObject** values):
        cdef Operation made
        cdef Py_ssize_t size = 0
        cdef const char* name
        if self.whole is not None and (self.count == 0 or values[0] == <PyObject*>None):
            made = new_operation("", self.code, self.whole_flags, self.whole)
            put_op_head(made.short_wire, self.code, b"", 0)
        else:
            name = bin_name(<object>values[0], &size)
            made = new_operation(plain_text(<object>values[0]), self.code, self.flags, self.text)
            put_op_head(made.short_wire, self.code, name, size)
        made.size = OP_HEADER_SIZE + size
        return made


@cython.final
cdef class ValueFunction(OperationFunction):
    """ValueFunction(declaration, code, text)\n--\n\nMakes operations that put, add, append or prepend a value to a bin.

    Args:
        declaration: the function as Python declares it, of a bin and a value.
        code: the operation's number.
        text: makes an operation's repr.
    """

    def __init__(self, declaration: Callable[..., Any], int code, text: str | Callable[[Operation], str]) -> None:
        self.code = code
        self.text = text
        self.flags = OP_IS_WRITE

    cdef object run(self, PyObject** values):
        cdef Buffer out
        cdef Packer packer
        cdef Operation made = new_operation("", self.code, self.flags, self.text)
        write_into(&out, made)
        packer_init(&packer, &out, <object>values[0])
        try:
            put_bin_op(&packer, self.code, <object>values[0], <object>values[1])
            made.bin = plain_text(<object>values[0])
            keep_written(made, &out)
            return made
        finally:
            buffer_free(&out)


@cython.final
cdef class ListFunction(OperationFunction):
    """ListFunction(declaration, code, text, arguments, *, opcode=None, particle, check_ctx, write=False, respond_all=False)\n--\n
Makes operations whose value is a list, `[opcode, arguments...]` (cdt.md 5.1).

    Args:
        declaration: the function as Python declares it. A parameter `ctx` that is no argument is the context:
            the list is packed as `[0xFF, context, [opcode, arguments...]]` then.
        code: the operation's number.
        text: makes an operation's repr.
        arguments: each an `Argument`, in the order of the wire.
        opcode: the first element; None if there is none.
        particle: what to send as the value's particle type.
        check_ctx: is called with a context that is no list of steps that each lead to one element. It returns the list of
            its steps, or raises an error.
        write: whether it may change the record.
        respond_all: whether it asks for the answers of all operations.
    """

    cdef int particle
    cdef int opcode                         # -1 for none
    cdef int ctx                            # the place of that parameter, -1 for none
    cdef tuple parts
    cdef object check_ctx

    def __init__(
        self, declaration: Callable[..., Any], int code, text: str | Callable[[Operation], str], arguments: list[Argument], *,
        opcode: int | None = None, int particle, check_ctx: Callable[[Any], Sequence[EncodedContext]],
        bint write=False, bint respond_all=False
    ) -> None:
        cdef set used = {name for argument in arguments for name in (*argument.parameters, *argument.also)}
        self.code = code
        self.text = text
        self.flags = (OP_IS_WRITE if write else 0) | (OP_WANTS_ALL if respond_all else 0)
        self.particle = particle
        self.opcode = -1 if opcode is None else opcode
        self.check_ctx = check_ctx
        self.parts = tuple([Part(self, argument) for argument in arguments])
        taken = {name for argument in arguments for name in argument.parameters}
        self.ctx = self.parameters.index("ctx") if "ctx" in self.parameters and "ctx" not in taken else -1
        left = [name for name in self.parameters[1:] if name not in used and name != "ctx"]
        if left:
            raise ValueError(f"{declaration.__name__}: no argument is made of {', '.join(left)}")

    cdef object run(self, PyObject** values):
        cdef Buffer out
        cdef Packer packer
        cdef Py_ssize_t start
        cdef Operation made = new_operation("", self.code, self.flags, self.text)
        write_into(&out, made)
        arguments_init(&packer, &out, <object>values[0])
        try:
            start = start_op(&out, self.code, <object>values[0])
            made.bin = plain_text(<object>values[0])
            if self.ctx >= 0 and values[self.ctx] != <PyObject*>None:
                self.put_ctx(&packer, <object>values[self.ctx])
            self.put_arguments(&packer, values)
            end_op(&out, start, self.particle)
            keep_written(made, &out)
            return made
        finally:
            buffer_free(&out)

    cdef int put_ctx(self, Packer* p, object ctx) except -1:
        """Begins the list with the context in front, unless the context is empty."""
        if not is_plain_context(ctx):
            ctx = self.check_ctx(ctx) if ctx else ctx
        if not ctx:
            return 0
        put_list_head(p.out, 3)
        put_int(p.out, WITH_CONTEXT)
        put_context(p.out, ctx)
        enter(p)
        p.path[0].index = 2
        return 0

    cdef int put_arguments(self, Packer* p, PyObject** values) except -1:
        """The list `[opcode, arguments...]`, whose length shows when all are packed: some are left out."""
        cdef size_t head = p.out.size
        cdef int count = 0
        cdef Py_ssize_t i
        cdef Step* step
        enter(p)
        step = &p.path[p.depth - 1]
        put8(p.out, AT_COUNT)
        if self.opcode >= 0:
            count = 1
            if self.opcode < 0x80:
                put8(p.out, <unsigned char>self.opcode)
            else:
                put_int(p.out, self.opcode)
        for i in range(PyTuple_GET_SIZE(self.parts)):
            step.index = count
            count += put_part(p, <Part>PyTuple_GET_ITEM(self.parts, i), values, self.defaults)
        p.depth -= 1
        p.out.data[head] = <unsigned char>(AT_COUNT | count)
        return 0


# --- what expressions are packed with ---------------------------------------------------------------


def pack_name(bytes name not None) -> Packed:
    """Text without a type in front, as names and patterns are inside expressions (expressions.md 6.1)."""
    cdef Buffer out
    cdef unsigned char storage[64]
    cdef size_t size = <size_t>PyBytes_GET_SIZE(name)
    buffer_init(&out, storage, sizeof(storage))
    try:
        if size < 32:
            put8(&out, <unsigned char>(0xA0 | size))
        elif size <= 0xFF:
            put8(&out, 0xD9)
            put8(&out, <unsigned char>size)
        elif size <= 0xFFFF:
            put_tagged16(&out, 0xDA, <uint16_t>size)
        else:
            put_tagged32(&out, 0xDB, <uint32_t>size)
        put_bytes(&out, PyBytes_AS_STRING(name), size)
        return Packed(PyBytes_FromStringAndSize(<const char*>out.data, <Py_ssize_t>out.size))
    finally:
        buffer_free(&out)


def extend_list(Packed values not None, Packed value not None) -> Packed:
    """A packed list with one more element at its end."""
    cdef Buffer out
    cdef unsigned char storage[256]
    cdef const unsigned char* data = <const unsigned char*>PyBytes_AS_STRING(values.data)
    cdef Item head
    read_head(&head, data)
    if head.rank != RANK_LIST:
        raise ValueError("these bytes are no list")
    buffer_init(&out, storage, sizeof(storage))
    try:
        put_list_head(&out, <size_t>head.number + 1)
        put_bytes(&out, head.next, <size_t>(data + PyBytes_GET_SIZE(values.data) - head.next))
        put_bytes(&out, PyBytes_AS_STRING(value.data), <size_t>PyBytes_GET_SIZE(value.data))
        return Packed(PyBytes_FromStringAndSize(<const char*>out.data, <Py_ssize_t>out.size))
    finally:
        buffer_free(&out)
