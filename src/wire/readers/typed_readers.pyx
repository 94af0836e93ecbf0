# Reading messages as objects of classes, and the readers of answers to commands on one record that give such an object.

cdef inline Told told_by(MessageHeader* header) noexcept:
    cdef Told told
    told.generation = header.generation
    told.void_time = header.void_time
    return told


cdef object object_of_message(ClassPlan plan, Cursor* c, MessageHeader* header, Key key, object cls):
    """Reads the operations of a message, and returns an object of the class; an Unfit if the record does not fit."""
    cdef MessageOp op
    cdef Py_ssize_t i, likely = 0, found = 0
    cdef int _i
    cdef Told told
    cdef PlannedField field = None
    cdef dict others = None
    cdef object failure = None
    cdef object value
    cdef tuple values = PyTuple_New(plan.count)
    for _i in range(header.op_count):
        next_op(c, &op)
        if failure is not None or op.particle == PARTICLE_NULL:
            continue
        i = plan.find(op.name, op.name_size, likely)
        if i < 0:
            if plan.others >= 0 or plan.forbids_others:
                others = {} if others is None else others
                others[name_of_op(c, &op)] = value_of_op(c, &op)
            continue
        likely = i + 1
        field = <PlannedField>PyTuple_GET_ITEM(plan.fields, i)
        value = value_of_op(c, &op)
        try:
            value = fitted(field.shape, value)
        except ShapeError as problem:
            failure = problem.under(step_to(field))
            continue
        if has_item(values, i):
            raise broken(f"the bin {field.bin!r} twice")
        set_item(values, i, value)
        found += 1
    if failure is not None:
        return misfit_of(plan, failure, field, key)
    told = told_by(header)
    return plan.finish(values, found, others, &told, key, cls)


cdef object object_of_results(ClassPlan plan, dict bins, MessageHeader* header, Key key, object cls):
    """Returns an object of the class with these bins, which operations gave; an Unfit if they do not fit."""
    cdef Told told = told_by(header)
    return plan.of_results(bins, &told, key, cls)


@cython.final
cdef class TypedReader(Reader):
    """Gives an object made of the record's bins. `given` is what a missing record gives, or RAISE."""

    cdef ClassPlan plan
    cdef object cls
    cdef bint raw                           # whether its lists and maps are RawParticles

    def __cinit__(self) -> None:
        self.reads_bins = True

    cdef object read(self, Key key, object given, const unsigned char* body, size_t size, NameCache* names):
        cdef Cursor c
        cdef MessageHeader header
        cursor_init(&c, body, size, names)
        c.raw = self.raw
        if self.plan.tags is not None:
            c.tags = <PyObject*>self.plan.tags
        next_message(&c, &header)
        if header.result_code != RESULT_OK:
            return refused(&c, &header, key, given)
        if header.field_count:
            skip_fields(&c, header.field_count)
        made = object_of_message(self.plan, &c, &header, key, self.cls)
        end_of_frame(&c)
        if type(made) is Unfit:
            raise (<Unfit>made).error
        return made


@cython.final
cdef class TypedResultsReader(Reader):
    """Gives an object made of the bins that operations gave. `given` is the tuple of operations."""

    cdef ClassPlan plan
    cdef object cls
    cdef bint raw

    def __cinit__(self) -> None:
        self.reads_bins = True

    cdef object read(self, Key key, object given, const unsigned char* body, size_t size, NameCache* names):
        cdef Cursor c
        cdef MessageHeader header
        cdef dict bins = {}
        cursor_init(&c, body, size, names)
        c.raw = self.raw
        if self.plan.tags is not None:
            c.tags = <PyObject*>self.plan.tags
        next_message(&c, &header)
        if header.result_code != RESULT_OK:
            return refused(&c, &header, key, RAISE)
        if header.field_count:
            skip_fields(&c, header.field_count)
        read_results(&c, header.op_count, <tuple>given, bins, False)
        end_of_frame(&c)
        made = object_of_results(self.plan, bins, &header, key, self.cls)
        if type(made) is Unfit:
            raise (<Unfit>made).error
        return made


cdef Reader typed_reader(ClassPlan plan, object cls, bint raw):
    cdef TypedReader reader = TypedReader.__new__(TypedReader)
    reader.plan = plan
    reader.cls = cls
    reader.raw = raw
    return reader


cdef Reader typed_results_reader(ClassPlan plan, object cls, bint raw):
    cdef TypedResultsReader reader = TypedResultsReader.__new__(TypedResultsReader)
    reader.plan = plan
    reader.cls = cls
    reader.raw = raw
    return reader
