# The functions of `pyspike.operations`: they check their arguments and pack them in one go, with no list of Python's
# between. Which arguments an operation has, in which order, and what each must be, is handed in by Python, out of its
# table of opcodes.

cdef extern from *:
    """
    #define type_of(value) ((PyObject *)Py_TYPE(value))
    """
    # These look at borrowed objects, which a cast to `object` would take a reference to.
    PyObject* type_of(PyObject* value) noexcept
    bint is_int "PyLong_CheckExact"(PyObject* value) noexcept
    bint is_text "PyUnicode_CheckExact"(PyObject* value) noexcept
    bint small_int_of "small_int"(PyObject* value, int64_t* number) noexcept
    const char* ascii_text_of "ascii_of"(PyObject* text, Py_ssize_t* size) noexcept
    # The objects: Cython takes its own True and False for numbers of C.
    PyObject* yes "Py_True"
    PyObject* no "Py_False"


cdef enum:
    AT_COUNT = 0x90                         # the head of a list of up to 15 elements, with their number
    MAX_TESTED = 4                          # parameters of one argument
    NOT_SURE = -2                           # in the place of a number of elements: the argument's check must tell


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
cdef class Number:
    """Number(kind, bits, *, apart=0, optional=False, sparse=False)\n--\n\nWhat a parameter is as a number, if it needs no check.

    Args:
        kind: the enum whose members it may be. `bool` for one that only adds bits to the number before it.
        bits: all that such a member may have; those that True adds.
        apart: bits of which it may not have all; 0 for none.
        optional: whether None stands for 0.
        sparse: whether 0 is left out.
    """

    cdef object kind
    cdef int64_t bits
    cdef int64_t apart
    cdef bint optional
    cdef bint sparse

    def __cinit__(
        self, kind: type, int64_t bits, *, int64_t apart=0, bint optional=False, bint sparse=False
    ) -> None:
        self.kind = kind
        self.bits = bits
        self.apart = apart
        self.optional = optional
        self.sparse = sparse


@cython.final
cdef class Argument:
    """Argument(parameters, check, exact=(), *, numbers=None, each=False, also=())\n--\n\nWhat one argument of operations must be.

    Args:
        parameters: the names of the parameters that it is made of.
        check: is called with the values of the parameters, and returns what is packed: one value, or a tuple of any
            number of values. It raises an error for wrong values.
        exact: if the first parameter has an object of one of these types, and the others have their defaults, the object
            is packed without calling `check`; None stands for all types.
        numbers: what each of the parameters is as a number, a `Number` each; in place of `exact`.
        each: whether the first parameter takes a list instead, of one or more objects of the types in `exact`.
        also: further parameters whose values `check` gets, behind the others. They may have any value.
    """

    cdef readonly tuple parameters
    cdef readonly object check
    cdef readonly object exact
    cdef readonly tuple numbers
    cdef readonly bint each
    cdef readonly tuple also

    def __cinit__(
        self, parameters: tuple[str, ...], check: Callable[..., object], exact: tuple[type, ...] | None = (), *,
        numbers: tuple[Number, ...] | None = None, bint each=False, also: tuple[str, ...] = ()
    ) -> None:
        if not 0 < len(parameters) <= MAX_TESTED:
            raise ValueError(f"an argument has 1 to {MAX_TESTED} parameters")
        if numbers is not None and len(numbers) != len(parameters):
            raise ValueError("an argument of numbers has one a parameter")
        self.parameters = parameters
        self.check = check
        self.exact = exact
        self.numbers = numbers
        self.each = each
        self.also = also


@cython.final
cdef class Part:
    """An argument of one function, with the places of its parameters in the function's signature."""

    cdef int places[MAX_TESTED]
    cdef PyObject* defaults[MAX_TESTED]     # borrowed from the function
    cdef int count
    cdef tuple every                        # the places of all values that `check` takes
    cdef object check
    cdef object exact
    cdef tuple numbers
    cdef bint each
    cdef bint alone                         # whether its check looks at no other parameters
    cdef bytes packed                       # what is sent if all have their defaults; None if one has none
    cdef int packed_count                   # how many elements that is

    def __cinit__(self, DeclaredFunction function, Argument argument) -> None:
        cdef int i
        self.every = tuple([function.parameters.index(name) for name in argument.parameters + argument.also])
        self.count = <int>len(argument.parameters)
        for i in range(self.count):
            self.places[i] = self.every[i]
            self.defaults[i] = function.usual[self.places[i]]
        self.check = argument.check
        self.exact = argument.exact
        self.numbers = argument.numbers
        self.each = argument.each
        self.alone = not argument.also
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


cdef int put_part(Packer* p, Part part, PyObject** values) except -1:
    """Packs an argument, and returns how many elements of the operation's list it is."""
    cdef PyObject* first = values[part.places[0]]
    cdef int i
    cdef int count
    for i in range(1, part.count):
        if values[part.places[i]] != part.defaults[i]:
            break
    else:
        if first == part.defaults[0] and part.packed is not None:
            put_bytes(p.out, PyBytes_AS_STRING(part.packed), <size_t>PyBytes_GET_SIZE(part.packed))
            return part.packed_count
        if part.each:
            if are_exact(<object>first, part.exact):
                put_list(p, <object>first)
                return 1
        elif is_exact(<object>first, part.exact):
            put_element(p, <object>first)
            return 1
    if part.numbers is not None:
        count = put_numbers(p, part, values)
        if count != NOT_SURE:
            return count
    return put_checked(p, part, values)


cdef int put_numbers(Packer* p, Part part, PyObject** values) except -1:
    """Packs an argument that is made of members of enums, or gives NOT_SURE where it has to be checked."""
    cdef int64_t numbers[MAX_TESTED]
    cdef int count = 0
    cdef int i
    cdef PyObject* value
    cdef Number number
    for i in range(part.count):
        number = <Number>PyTuple_GET_ITEM(part.numbers, i)
        value = values[part.places[i]]
        if number.kind is bool:
            if value == yes and part.alone and count:
                numbers[count - 1] |= number.bits
            elif value != no:
                return NOT_SURE
            continue
        if value == <PyObject*>None and number.optional:
            numbers[count] = 0
        elif type_of(value) != <PyObject*>number.kind or not small_int_of(value, &numbers[count]):
            return NOT_SURE
        elif numbers[count] & ~number.bits or (number.apart and numbers[count] & number.apart == number.apart):
            return NOT_SURE
        if numbers[count] or not number.sparse:
            count += 1
    for i in range(count):
        put_int(p.out, numbers[i])
    return count


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


@cython.final
cdef class BareFunction(OperationFunction):
    """BareFunction(declaration, code, *, write=False, header=False, all_bins=False, respond_all=False, whole=False)\n--\n
Makes operations without a value: on a bin, or on the record as a whole.

    Args:
        declaration: the function as Python declares it.
        code: the operation's number.
        write: whether it changes the record.
        header: whether it asks for no bin.
        all_bins: whether it reads all bins if it names none.
        respond_all: whether it asks for the answers of all operations.
        whole: whether it makes operations on the record as a whole, where it is given no name.
    """

    cdef int whole_flags
    cdef bint whole

    def __init__(
        self, declaration: Callable[..., Any], int code, *,
        bint write=False, bint header=False, bint all_bins=False, bint respond_all=False, bint whole=False
    ) -> None:
        self.code = code
        self.whole = whole
        self.flags = (OP_IS_WRITE if write else 0) | (OP_WANTS_ALL if respond_all else 0)
        self.whole_flags = self.flags | (OP_IS_HEADER if header else 0) | (OP_IS_ALL_BINS if all_bins else 0)

    cdef object run(self, PyObject** values):
        cdef Operation made = Operation.__new__(Operation)
        if self.whole and (self.count == 0 or values[0] == <PyObject*>None):
            made.bin = ""
            made.code = self.code
            made.flags = self.whole_flags
            made.size = OP_HEADER_SIZE
            put_op_head(made.short_wire, self.code, 0)
        else:
            begin_operation(made, <object>values[0], self.code, self.flags)
        return made


@cython.final
cdef class ValueFunction(OperationFunction):
    """ValueFunction(declaration, code)\n--\n\nMakes operations that put, add, append or prepend a value to a bin.

    Args:
        declaration: the function as Python declares it, of a bin and a value.
        code: the operation's number.
    """

    cdef bint takes_int
    cdef bint takes_text

    def __init__(self, declaration: Callable[..., Any], int code) -> None:
        self.code = code
        self.flags = OP_IS_WRITE
        self.takes_int = code == OP_WRITE or code == OP_INCR
        self.takes_text = code != OP_INCR

    cdef object run(self, PyObject** values):
        cdef Operation made = Operation.__new__(Operation)
        cdef Py_ssize_t size = 0
        cdef int64_t number
        cdef const char* text
        begin_operation(made, <object>values[0], self.code, self.flags)
        if self.takes_int and is_int(values[1]) and small_int_of(values[1], &number):
            store64(made.short_wire + made.size, <uint64_t>number)
            end_short(made, 8, PARTICLE_INTEGER)
            return made
        if self.takes_text and is_text(values[1]):
            text = ascii_text_of(values[1], &size)
            if text != NULL and size <= SHORT_VALUE:
                copy_short(made.short_wire + made.size, text, <size_t>size)
                end_short(made, size, PARTICLE_STRING)
                return made
        self.put_any(made, values)
        return made

    cdef int put_any(self, Operation made, PyObject** values) except -1:
        """Completes an operation whose value may be of any type and size."""
        cdef Buffer out
        cdef Packer packer
        write_into(&out, made)
        packer_init(&packer, &out, <object>values[0])
        try:
            end_op(&out, 0, put_operand(&packer, self.code, <object>values[1]))
            keep_written(made, &out)
        finally:
            buffer_free(&out)
        return 0


@cython.final
cdef class ListFunction(OperationFunction):
    """ListFunction(declaration, code, arguments, *, opcode=None, particle, check_ctx, write=False, respond_all=False)\n--\n
Makes operations whose value is a list, `[opcode, arguments...]` (cdt.md 5.1).

    Args:
        declaration: the function as Python declares it. A parameter `ctx` that is no argument is the context:
            the list is packed as `[0xFF, context, [opcode, arguments...]]` then.
        code: the operation's number.
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
    cdef Py_ssize_t part_count
    cdef unsigned char bare[4]              # the list of a function without arguments
    cdef Py_ssize_t bare_size               # of its bytes, 0 if there are arguments
    cdef object check_ctx

    def __init__(
        self, declaration: Callable[..., Any], int code, arguments: list[Argument], *,
        opcode: int | None = None, int particle, check_ctx: Callable[[Any], Sequence[EncodedContext]],
        bint write=False, bint respond_all=False
    ) -> None:
        cdef set used = {name for argument in arguments for name in (*argument.parameters, *argument.also)}
        self.code = code
        self.flags = (OP_IS_WRITE if write else 0) | (OP_WANTS_ALL if respond_all else 0)
        self.particle = particle
        self.opcode = -1 if opcode is None else opcode
        self.check_ctx = check_ctx
        self.parts = tuple([Part(self, argument) for argument in arguments])
        self.part_count = len(self.parts)
        if self.part_count == 0 and self.opcode >= 0:
            bare = pack_element([self.opcode])
            memcpy(self.bare, PyBytes_AS_STRING(bare), <size_t>len(bare))
            self.bare_size = len(bare)
        taken = {name for argument in arguments for name in argument.parameters}
        self.ctx = self.parameters.index("ctx") if "ctx" in self.parameters and "ctx" not in taken else -1
        left = [name for name in self.parameters[1:] if name not in used and name != "ctx"]
        if left:
            raise ValueError(f"{declaration.__name__}: no argument is made of {', '.join(left)}")

    cdef object run(self, PyObject** values):
        cdef Operation made = Operation.__new__(Operation)
        begin_operation(made, <object>values[0], self.code, self.flags)
        if self.bare_size and (self.ctx < 0 or values[self.ctx] == <PyObject*>None):
            memcpy(made.short_wire + made.size, self.bare, sizeof(self.bare))
            end_short(made, self.bare_size, self.particle)
        else:
            self.put_list(made, values)
        return made

    cdef int put_list(self, Operation made, PyObject** values) except -1:
        """Completes an operation with its list, in which there may be anything."""
        cdef Buffer out
        cdef Packer packer
        write_into(&out, made)
        arguments_init(&packer, &out, <object>values[0])
        try:
            if self.ctx >= 0 and values[self.ctx] != <PyObject*>None:
                self.put_ctx(&packer, <object>values[self.ctx])
            self.put_arguments(&packer, values)
            end_op(&out, 0, self.particle)
            keep_written(made, &out)
        finally:
            buffer_free(&out)
        return 0

    cdef int put_ctx(self, Packer* p, object ctx) except -1:
        """Begins the list with the context in front, unless the context is empty."""
        if not is_plain_context(ctx):
            ctx = self.check_ctx(ctx) if ctx else ctx
        if not ctx:
            return 0
        put_list_head(p.out, 3)
        put_int(p.out, WITH_CONTEXT)
        put_context(p.out, ctx)
        enter(p).index = 2
        return 0

    cdef int put_arguments(self, Packer* p, PyObject** values) except -1:
        """The list `[opcode, arguments...]`, whose length shows when all are packed: some are left out."""
        cdef size_t head = p.out.size
        cdef int count = 0
        cdef Py_ssize_t i
        cdef Step* step = enter(p)
        put8(p.out, AT_COUNT)
        if self.opcode >= 0:
            put_int(p.out, self.opcode)
            count = 1
        for i in range(self.part_count):
            step.index = count
            count += put_part(p, <Part>PyTuple_GET_ITEM(self.parts, i), values)
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
