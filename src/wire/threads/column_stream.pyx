# Gives out batches of columns, to Python code one by one, and to any library as Arrow's C stream. What asks for a batch
# receives it, in its own thread, whichever that is; nothing goes on behind it.
#
# Not here: where the rows come from (`query_columns.pyx`, `batch_columns.pyx`), and what turns batches into the tables of
# other libraries (`pyspike.columnar`).

cdef extern from "signal.h":
    int SIGINT


cdef extern from "Python.h":
    int Py_IsInitialized() nogil
    int PyErr_SetInterruptEx(int signal) nogil
    void PyErr_Fetch(PyObject** kind, PyObject** error, PyObject** trace)
    void PyErr_Restore(PyObject* kind, PyObject* error, PyObject* trace)


cdef int64_t LOOKS_FOR_CLOSE = 100 * MILLISECOND    # how long a wait for a node takes until it is seen that a stream was closed


cdef class ColumnSource:
    """Where the rows of a stream come from; `columns` has them."""

    cdef Columns columns
    cdef bint has_sample                    # whether there are records in hand that are to be made rows first

    cdef bint fill(self, ColumnStream stream) except -1:
        """Adds rows until the columns are full or have a failure, or until there are no more: then it returns False."""
        raise NotImplementedError

    cdef int guess(self) except -1:
        """Guesses the schema of the records that `fill` kept."""
        raise NotImplementedError

    cdef int add_sample(self) except -1:
        """Makes rows of the records that `fill` kept."""
        raise NotImplementedError

    cdef int begin_batch(self) except -1:
        """What has come from now on counts for the cursor only when it is handed out."""
        return 0

    cdef int handed_out(self) except -1:
        """What has come counts for the cursor."""
        return 0

    cdef object cursor(self):
        return None

    cdef int be_watched(self, Trace trace) except -1:
        """Has what it sends from now on written down in a trace."""
        return 0

    cdef int end(self, str why) except -1:
        """Lets go of connections."""
        return 0


cdef class ColumnStream:
    """ColumnStream()\n--\n\nBatches of columns, as they come from the nodes.

    It is read once, by one consumer at a time, in any thread. Nothing is sent before the first batch is asked for, or a schema
    that has to be guessed. `close`, or the end of a `with`, ends it early.
    """

    cdef ColumnSource source
    cdef Gate gate                          # whoever pulls a batch is in it
    cdef readonly object error              # with which it ended; None without one
    cdef public bint raises_itself          # whether its `error` is raised by who had a library read it
    cdef bint closed_early
    cdef bint finished
    cdef bint begun                         # whether rows were made, so that the columns stay as they are
    cdef bint more                          # whether the source may have more, after the schema was guessed
    cdef bint handed_out                    # whether a library has it as a C stream
    cdef uint64_t forks                     # of the process that it belongs to
    cdef Trace trace                        # None if nobody watches it

    def __cinit__(self, *args: object, **kwargs: object) -> None:
        self.gate = Gate()
        self.forks = forks
        self.finished = True                # until `open_columns` has completed it
        self.more = True

    def __init__(self, *args: object, **kwargs: object) -> None:
        raise TypeError("query_arrow and batch_get_arrow make a stream")

    def be_watched(self, trace: Trace | None) -> None:
        """Have it written down in a trace what becomes of a stream that has not begun; None: it is not."""
        if trace is not None:
            self.trace = <Trace?>trace
            self.opened().be_watched(self.trace)

    # --- pulling ---

    cdef ColumnSource opened(self):
        """Returns where its rows come from."""
        if self.source is None:
            raise TypeError("query_arrow and batch_get_arrow make a stream")
        return self.source

    cdef int enter(self) except -1:
        self.opened()
        if self.forks != forks:
            raise errors.ConnectionError(
                "the stream was begun by another process, which goes on with it", advice="begin another one"
            )
        if not self.gate.try_enter():
            if self.gate.is_mine():
                raise errors.InvalidArgument("a stream can't be read while it is being read in the same thread")
            self.gate.wait()
        return 0

    cdef bint pull(self, ArrayStruct* out) except -1:
        """Moves the next batch into a released array; False if there is none."""
        self.enter()
        try:
            return self.next_array(out)
        except BaseException as error:      # also Ctrl-C, no memory
            self.fail(error)
            raise
        finally:
            self.gate.leave()

    cdef bint next_array(self, ArrayStruct* out) except -1:
        cdef Columns columns = self.source.columns
        if self.error is not None:
            raise self.error
        if self.closed_early:
            raise errors.InvalidArgument("the stream was closed before its end")
        if self.finished:
            return False
        self.learn()
        self.begun = True
        columns.begin_batch()
        if self.source.has_sample:
            self.source.add_sample()
        elif self.more:
            self.source.begin_batch()
            self.more = self.source.fill(self)
        if columns.failure is not None:     # the rows before are handed out, and then it is raised
            self.source.end("failed")
            self.more = False
        if columns.rows:
            columns.close_batch(out)
            self.source.handed_out()
            return True
        if columns.failure is not None:
            raise columns.failure
        self.source.handed_out()
        self.finish("finished", None)
        return False

    cdef int finish(self, str why, object error) except -1:
        """Lets go of what it has, and tells whoever watches it."""
        self.finished = True
        try:
            self.source.end(why)
        finally:
            if self.trace is not None:
                self.trace.over(error)
        return 0

    cdef int learn(self) except -1:
        """Finds out the schema, if nobody has said it."""
        if not self.source.columns.is_guessing or self.finished:
            return 0
        self.source.begin_batch()
        self.more = self.source.fill(self)
        if self.source.columns.failure is not None and self.source.columns.sampled == 0:
            raise self.source.columns.failure
        self.source.guess()
        return 0

    cdef int fail(self, object error) except -1:
        if self.error is None:
            self.error = error
        if not self.finished:
            self.finish("failed", error)
        return 0

    cdef int check(self) except -1:
        """Is called by a source between two waits."""
        if self.forks != forks:             # code that ran on a signal may have forked
            raise errors.ConnectionError("the stream was begun by another process, which goes on with it")
        if self.closed_early:
            raise errors.InvalidArgument("the stream was closed before its end")
        return 0

    # --- what Python code sees ---

    def next_batch(self, kind: type) -> ColumnBatch | None:
        """Return the next batch as an object of a class, which is `ColumnBatch` or below it; None if there is none.

        What goes wrong is raised once the rows that came before were given.
        """
        cdef ColumnBatch batch = <ColumnBatch?>ColumnBatch.__new__(kind)
        if not self.pull(&batch.root.array):
            return None
        batch.schema = self.source.columns.schema
        return batch

    @property
    def schema(self) -> ArrowSchema:
        """The schema of all batches. One that is guessed has the first batch received."""
        cdef Columns columns = self.opened().columns
        if columns.is_guessing:
            self.enter()
            try:
                self.learn()
            except BaseException as error:
                self.fail(error)
                raise
            finally:
                self.gate.leave()
            if columns.is_guessing:
                raise self.error or errors.InvalidArgument("the stream was closed before its schema was known")
        return columns.schema

    @property
    def known_schema(self) -> ArrowSchema | None:
        """The schema, if it was given, or has come already; else None."""
        return self.opened().columns.schema

    @property
    def cursor(self) -> Cursor | None:
        """Where the query stands behind the batches that were given; None of what is no query.

        A query of the same statement with this cursor gives the other records. It is there at any moment, also after `close` or
        an error.
        """
        return self.opened().cursor()

    def close(self) -> None:
        """End the stream: no connection stays in use. Again is harmless, and another thread may do it.

        If a batch is being received by another thread, that fails a little later.
        """
        if self.forks != forks or self.source is None:
            self.finished = True
            return
        if not self.finished or self.source.has_sample:
            self.closed_early = True
        if not self.finished and self.gate.try_enter():
            try:
                self.finish("closed early", None)
            finally:
                self.gate.leave()

    def __del__(self) -> None:
        self.close()

    def __enter__(self) -> ColumnStream:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- as other libraries take it ---

    def __arrow_c_schema__(self) -> object:
        """Return the schema in a capsule. One that was given has nothing sent for it."""
        return self.schema.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Return the stream in a capsule, for a library that takes it.

        Args:
            requested_schema: a capsule with the schema that is wanted. It is the one that the columns get if none was given and
                nothing was received yet; else they stay as they are.

        Raises:
            InvalidArgument: a library has the stream already, or the schema is of other columns.
        """
        cdef ColumnExport export
        cdef StreamStruct* c
        self.opened()
        if self.handed_out:
            raise errors.InvalidArgument("the stream was handed out already, and is read once", advice="ask for another one")
        if requested_schema is not None:
            self.request(read_schema(schema_in(requested_schema), 0))
        capsule = new_capsule(sizeof(StreamStruct), STREAM_CAPSULE, drop_stream)
        export = ColumnExport.__new__(ColumnExport)
        export.stream = self
        c = <StreamStruct*>PyCapsule_GetPointer(capsule, STREAM_CAPSULE)
        c.get_schema = give_schema
        c.get_next = give_next
        c.get_last_error = give_last_error
        c.private_data = <void*>export
        Py_INCREF(export)
        c.release = release_stream
        self.handed_out = True
        return capsule

    cdef int request(self, ArrowSchema wanted) except -1:
        """Lets the columns be as a consumer wants them, as far as that is still possible."""
        cdef Columns columns = self.source.columns
        if wanted.format != "+s":
            raise errors.InvalidArgument("the schema of a stream is a struct of columns")
        if columns.is_guessing and not self.finished:
            self.schema                     # has the types guessed, to see that the columns are those
        if columns.schema.names == wanted.names and not self.begun:
            columns.plan(with_tags_of(wanted, columns.schema))
        elif len(columns.schema.fields) != len(wanted.fields):
            raise errors.InvalidArgument(
                f"a schema with {len(wanted.fields)} columns is wanted of a stream with {len(columns.schema.fields)}"
            )
        return 0


cdef ColumnStream open_column_stream(type kind, ColumnSource source):
    """Returns a stream that has not begun, as an object of a class below ColumnStream."""
    cdef ColumnStream stream = <ColumnStream?>ColumnStream.__new__(kind)
    stream.source = source
    stream.finished = False
    return stream


# --- the C stream ---

@cython.final
cdef class ColumnExport:
    """What a C stream has of its stream."""

    cdef ColumnStream stream
    cdef bytes said                         # of the last error
    cdef bint pulled

    cdef int failed(self, object error) noexcept:
        """Keeps what went wrong for whoever asks; returns the number of the error."""
        self.said = f"{type(error).__name__}: {error}".encode("utf-8", "replace")
        if isinstance(error, KeyboardInterrupt):
            if not self.stream.raises_itself:
                PyErr_SetInterruptEx(SIGINT)    # so that it is raised again when the library is back in Python
            return EINTR
        if isinstance(error, MemoryError):
            return ENOMEM
        return EINVAL if isinstance(error, ValueError) else EIO


cdef int give_schema(StreamStruct* c, SchemaStruct* out) noexcept with gil:
    cdef ColumnExport export = <ColumnExport>c.private_data
    memset(out, 0, sizeof(SchemaStruct))
    try:
        write_schema(export.stream.schema, out)
    except BaseException as error:
        return export.failed(error)
    return 0


cdef int give_next(StreamStruct* c, ArrayStruct* out) noexcept with gil:
    cdef ColumnExport export = <ColumnExport>c.private_data
    memset(out, 0, sizeof(ArrayStruct))
    export.pulled = True
    try:
        export.stream.pull(out)             # what it leaves released is the end
    except BaseException as error:
        return export.failed(error)
    return 0


cdef const char* give_last_error(StreamStruct* c) noexcept with gil:
    cdef ColumnExport export = <ColumnExport>c.private_data
    return NULL if export.said is None else PyBytes_AS_STRING(export.said)


cdef void release_stream(StreamStruct* c) noexcept nogil:
    c.release = NULL
    if Py_IsInitialized():
        leave_stream(c)


cdef void leave_stream(StreamStruct* c) noexcept with gil:
    """Ends the stream, which nobody reads any more. An exception that is set meanwhile stays."""
    cdef PyObject *kind
    cdef PyObject *error
    cdef PyObject *trace
    PyErr_Fetch(&kind, &error, &trace)
    end_export(<ColumnExport>c.private_data)
    Py_DECREF(<ColumnExport>c.private_data)
    PyErr_Restore(kind, error, trace)


cdef int end_export(ColumnExport export) noexcept:
    try:
        if export.pulled:
            export.stream.close()
        else:
            export.stream.handed_out = False    # somebody else may have it
    except BaseException as error:
        export.failed(error)
    return 0


# --- batches ---

cdef class ColumnBatch:
    """ColumnBatch()\n--\n\nRows of a stream, in columns. Any number of libraries may take it; its memory is shared."""

    cdef SharedRoot* root
    cdef readonly ArrowSchema schema

    def __cinit__(self, *args: object, **kwargs: object) -> None:
        self.root = <SharedRoot*>zeroed(sizeof(SharedRoot))
        self.root.users = 1

    def __init__(self, *args: object, **kwargs: object) -> None:
        raise TypeError("a stream makes its batches")

    def __dealloc__(self) -> None:
        if self.root != NULL:
            leave_root(self.root)

    @property
    def num_rows(self) -> int:
        """How many rows it has."""
        return self.root.array.length

    @property
    def nbytes(self) -> int:
        """How many bytes its columns take."""
        if self.schema is None:
            return 0
        return <Py_ssize_t>size_of_array(self.schema, &self.root.array)

    def __len__(self) -> int:
        return <Py_ssize_t>self.root.array.length

    def __arrow_c_schema__(self) -> object:
        """Return the schema in a capsule."""
        return self.schema.__arrow_c_schema__()

    def __arrow_c_array__(self, requested_schema: object | None = None) -> tuple[object, object]:
        """Return the schema and the columns in two capsules. The columns stay as they are, whatever schema is wanted."""
        schema = self.schema.__arrow_c_schema__()
        capsule = new_capsule(sizeof(ArrayStruct), ARRAY_CAPSULE, drop_array)
        if not share(&self.root.array, <ArrayStruct*>PyCapsule_GetPointer(capsule, ARRAY_CAPSULE), self.root):
            raise MemoryError
        return schema, capsule

    def fixed_column(self, place: int) -> tuple[int, bytes | None, bytes]:
        """Return a column of values of a fixed size: how many are null, a bit for each that is not, and the values.

        Args:
            place: the column's, in the schema.
        """
        cdef Py_ssize_t i = place
        cdef ArrayStruct* a
        cdef Py_ssize_t size, bits = <Py_ssize_t>(self.root.array.length + 7) // 8
        if not 0 <= i < self.root.array.n_children:
            raise IndexError(place)
        size = fixed_size((<ArrowSchema>self.schema.fields[i]).format)
        a = self.root.array.children[i]
        return (
            a.null_count,
            None if a.buffers[0] == NULL else PyBytes_FromStringAndSize(<const char*>a.buffers[0], bits),
            PyBytes_FromStringAndSize(<const char*>a.buffers[1], bits if size == 0 else size * <Py_ssize_t>a.length),
        )

    def __repr__(self) -> str:
        names = [] if self.schema is None else self.schema.names
        return f"<{type(self).__name__} of {self.num_rows} rows, {self.nbytes} bytes: {', '.join(names)}>"


cdef Py_ssize_t fixed_size(str form) except -1:
    """Returns the bytes of a value; 0 of bools, which have a bit."""
    if form == "b":
        return 0
    if form in INT_FORMATS:
        return INT_FORMATS[form][0]
    if form in ("f", "g"):
        return 4 if form == "f" else 8
    if form.startswith("w:"):
        return int(form[2:])
    if form[:2] in ("ts", "tD"):
        return 8
    raise errors.InvalidType(f"values of the format {form!r} are of no fixed size")


cdef size_t size_of_array(ArrowSchema schema, ArrayStruct* a) except? 0:
    """Returns the bytes of the buffers of an array, and of all in it."""
    cdef size_t size = 0
    cdef size_t bits = <size_t>(a.length + 7) // 8
    cdef str form = schema.format
    cdef int64_t last
    cdef int i
    if a.n_buffers and a.buffers[0] != NULL:
        size += bits
    if form in TEXT_FORMATS:
        if TEXT_FORMATS[form][1] == 0:
            size += <size_t>a.length * VIEW_SIZE
            if a.n_buffers == 4:
                size += <size_t>(<const int64_t*>a.buffers[3])[0]
        else:
            last = (
                (<const int32_t*>a.buffers[1])[a.length] if TEXT_FORMATS[form][1] == 4
                else (<const int64_t*>a.buffers[1])[a.length]
            )
            size += <size_t>(a.length + 1) * <size_t>TEXT_FORMATS[form][1] + <size_t>last
    elif form in ("+l", "+L", "+m"):
        size += <size_t>(a.length + 1) * (8 if form == "+L" else 4)
    elif form == "b":
        size += bits
    elif not form.startswith("+") and form != "n":
        size += <size_t>a.length * <size_t>fixed_size(form)
    for i in range(<int>a.n_children):
        size += size_of_array(<ArrowSchema>schema.fields[i], a.children[i])
    if schema.dictionary is not None:
        size += size_of_array(schema.dictionary, a.dictionary)
    return size
