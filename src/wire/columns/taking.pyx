# Takes batches of columns from an object of any library, by Arrow's PyCapsule interface: one array, or a stream of them.
#
# Not here: what is in the columns (`packing.pyx`).

@cython.final
cdef class TakenColumns:
    """Batches of columns that somebody else has made, one after the other."""

    cdef readonly ArrowSchema schema        # of all batches
    cdef object data                        # what was given, whose `error` is asked for if it fails
    cdef object capsule                     # of the stream; None of a single array
    cdef StreamStruct* stream               # in the capsule; NULL once it has ended
    cdef ArrayStruct* array                 # the batch in hand; NULL before the first, and at the end
    cdef ArrayStruct own                    # where a stream's batches are
    cdef object array_capsule               # of the single array; None of a stream

    def __dealloc__(self) -> None:
        self.let_go()

    cdef int let_go(self) noexcept:
        """Gives the batch in hand back."""
        self.array = NULL
        if self.own.release != NULL:
            self.own.release(&self.own)
        self.own.release = NULL
        return 0

    cdef bint next(self) except -1:
        """Takes the next batch, without the GIL; returns whether there is one. The one before is given back."""
        cdef int number
        cdef StreamStruct* stream = self.stream
        cdef ArrayStruct* out = &self.own
        if self.array_capsule is not None and self.array == NULL:
            self.array = <ArrayStruct*>PyCapsule_GetPointer(self.array_capsule, ARRAY_CAPSULE)
            if self.array.release == NULL:
                raise errors.InvalidArgument("the array was released already")
            return True
        self.let_go()
        self.array_capsule = None
        if stream == NULL:
            return False
        with nogil:
            number = stream.get_next(stream, out)
        if number:
            memset(out, 0, sizeof(ArrayStruct))
            self.stream = NULL
            raise self.failed(number)
        if out.release == NULL:
            self.stream = NULL
            return False
        self.array = out
        return True

    cdef object failed(self, int number):
        """The error of a stream that gave this number."""
        cdef StreamStruct* stream = <StreamStruct*>PyCapsule_GetPointer(self.capsule, STREAM_CAPSULE)
        cdef const char* text = stream.get_last_error(stream) if stream.get_last_error != NULL else NULL
        said = strerror(number).decode("utf-8", "replace") if text == NULL else text.decode("utf-8", "replace")
        PyErr_CheckSignals()                # Ctrl-C, which it may have met
        told = getattr(self.data, "error", None)
        error = errors.AerospikeError(f"the data gave no more rows: {said}")
        if isinstance(told, Exception):
            error.__cause__ = told
        return error


cdef TakenColumns take_columns(object data):
    """Begins to take the columns of an object.

    Raises:
        InvalidType: it has none.
        InvalidArgument: its columns can't be read.
    """
    cdef TakenColumns taken = TakenColumns.__new__(TakenColumns)
    cdef SchemaStruct schema
    cdef StreamStruct* stream
    cdef int number
    taken.data = data
    if hasattr(data, "__arrow_c_stream__"):
        taken.capsule = data.__arrow_c_stream__()
        if not PyCapsule_IsValid(taken.capsule, STREAM_CAPSULE):
            raise errors.InvalidType(f"a stream must come in a capsule named arrow_array_stream, not as {shown(taken.capsule)}")
        stream = taken.stream = <StreamStruct*>PyCapsule_GetPointer(taken.capsule, STREAM_CAPSULE)
        if stream.release == NULL:
            raise errors.InvalidArgument("the stream was released already")
        memset(&schema, 0, sizeof(SchemaStruct))
        with nogil:
            number = stream.get_schema(stream, &schema)
        if number:
            raise taken.failed(number)
        try:
            taken.schema = read_schema(&schema, 0)
        finally:
            if schema.release != NULL:
                schema.release(&schema)
    elif hasattr(data, "__arrow_c_array__"):
        schema_capsule, taken.array_capsule = data.__arrow_c_array__()
        taken.schema = read_schema(schema_in(schema_capsule), 0)
        if not PyCapsule_IsValid(taken.array_capsule, ARRAY_CAPSULE):
            raise errors.InvalidType(f"an array must come in a capsule named arrow_array, not as {shown(taken.array_capsule)}")
    else:
        raise errors.InvalidType(
            f"{shown(data)} has neither __arrow_c_stream__ nor __arrow_c_array__",
            advice="tables of pyarrow, polars, pandas, DuckDB, nanoarrow and others have one of them",
        )
    if taken.schema.format != "+s":
        raise errors.InvalidArgument(f"rows are a struct of columns, not {shown(taken.schema)}")
    return taken


cdef int check_array(Column* c, ArrayStruct* a, str path) except -1:
    """Refuses an array that is not built as one of its type is.

    What its buffers hold is looked at when it is read; that they are as long as they have to be can't be seen.
    """
    cdef int64_t need
    cdef int64_t buffers = buffers_of(c)
    cdef int64_t children = 0 if c.kind == OF_CODES else c.child_count
    cdef int i
    if a.length < 0 or a.offset < 0 or a.length > INT64_MAX - a.offset:
        raise broken_array(path, "its length or offset is out of range")
    need = a.offset + a.length
    if a.n_children != children or (a.n_buffers != buffers if buffers >= 0 else a.n_buffers < 3):
        raise broken_array(path, f"it has {a.n_buffers} buffers and {a.n_children} children")
    if a.n_buffers and a.buffers == NULL:
        raise broken_array(path, "it lacks its buffers")
    if c.kind == OF_CODES:
        if a.dictionary == NULL or a.dictionary.release == NULL:
            raise broken_array(path, "it has no dictionary")
        check_array(&c.children[0], a.dictionary, path)
    for i in range(<int>a.n_buffers):
        if a.buffers[i] == NULL and i == 1 and a.length:
            raise broken_array(path, "it lacks a buffer")
    for i in range(<int>children):
        if a.children == NULL or a.children[i] == NULL or a.children[i].release == NULL:
            raise broken_array(path, "it lacks a child")
        check_array(&c.children[i], a.children[i], f"{path}.{c.children[i].name.decode('utf-8', 'replace')}")
        if c.kind == OF_STRUCTS and a.children[i].length < need:
            raise broken_array(path, "a child of it is too short")
        if c.kind == OF_FIXED_LISTS and a.children[i].length // c.elements < need:
            raise broken_array(path, "its elements are too few")
    return 0


cdef int64_t buffers_of(Column* c) noexcept:
    """How many buffers an array of this kind has; -1 of views, which have 3 at least."""
    if c.kind == OF_NULLS:
        return 0
    if c.kind == OF_STRUCTS or c.kind == OF_FIXED_LISTS:
        return 1
    if c.kind == OF_TEXT or c.kind == OF_BYTES or c.kind == OF_JSON:
        return 3 if c.width else -1
    return 2


cdef object broken_array(str path, str why):
    return errors.InvalidArgument(f"the column {path!r} can't be read: {why}")
