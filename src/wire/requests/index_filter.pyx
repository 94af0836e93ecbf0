# Which records a query finds by a secondary index: a range of values, and in which index it is looked for (query-scan.md 8.2,
# 8.3). `pyspike.filters` has the functions that make one.

cdef enum:
    COMMON_FILTER = 256                     # bytes of its fields that take no memory of their own while they are written
    INDEX_DEFAULT = 0                       # a bin's value itself, not what is in a list or map


cdef object unindexed(object value):
    """Returns the error for a value that no index holds."""
    advice = ""
    if isinstance(value, (bool, float)):
        advice = "an index holds ints, strs and bytes: compare bools and floats in a filter expression"
    return errors.InvalidType(
        f"an index can't hold {shown(value)}: it holds ints, strs, bytes and GeoJSON", advice=advice
    )


cdef object indexed_value(object value, int* particle):
    """Returns the value as a plain int, str, bytes or GeoJSON, with the type of particle that an index on it has."""
    cdef int overflow = 0
    if isinstance(value, GeoJSON):
        particle[0] = PARTICLE_GEOJSON
        return value
    if isinstance(value, str):
        particle[0] = PARTICLE_STRING
        return plain_text(value)
    if isinstance(value, HyperLogLog):
        raise unindexed(value)
    data = plain_bytes(value)
    if data is not None:
        particle[0] = PARTICLE_BLOB
        return data
    number = plain_int(value)
    if number is None:
        raise unindexed(value)
    PyLong_AsLongLongAndOverflow(number, &overflow)
    if overflow:
        raise errors.InvalidArgument(f"{shown(number)} does not fit into a signed 64-bit integer, so no index holds it")
    particle[0] = PARTICLE_INTEGER
    return number


cdef int put_bound(Buffer* out, object value, int particle) except -1:
    """Writes an end of the range: its size and its bytes."""
    cdef Py_ssize_t size = 8
    cdef const char* data
    cdef unsigned char* p
    if particle == PARTICLE_INTEGER:
        p = buffer_take(out, 12)
        store32(p, 8)
        store64(p + 4, <uint64_t><int64_t>value)
        return 0
    if particle == PARTICLE_BLOB:
        data = PyBytes_AS_STRING(value)
        size = PyBytes_GET_SIZE(value)
    else:
        data = checked_utf8("a value", value, &size)
    if particle != PARTICLE_GEOJSON and size > MAX_INDEX_KEY:
        raise errors.InvalidArgument(f"{shown(value)} takes {size} bytes, an index holds {MAX_INDEX_KEY}")
    store32(buffer_take(out, 4), <uint32_t>size)
    return put_bytes(out, data, <size_t>size)


@cython.final
@cython.no_gc                               # plain values only: it can't be in a reference cycle
cdef class IndexFilter:
    """IndexFilter(bin, begin, end, *, collection=0, context=None, index=None, expression=None)\n--\n\nThe `where` of a query.

    It finds the records for which an index has a value from `begin` to `end`, both included. Made by the functions of
    `pyspike.filters`; immutable, picklable.

    Args:
        bin: the name of the indexed bin; None if `index` or `expression` says which index it is.
        begin: an int, a str or bytes, or GeoJSON.
        end: another int; else equal to `begin`.
        collection: 0 if the bin's value itself is indexed; else the number of what is: a list's elements, a map's keys
            or its values.
        context: the packed way to what is indexed inside the bin.
        index: the name of the index.
        expression: the bytes of the expression whose values are indexed.

    Raises:
        InvalidType: an index can't hold such values.
        InvalidArgument: the range is empty, a value does not fit, or not exactly one of `bin`, `index` and `expression` says
            which index it is.
    """

    cdef readonly str bin
    cdef readonly object begin
    cdef readonly object end
    cdef readonly int collection
    cdef readonly bytes context
    cdef readonly str index
    cdef readonly bytes expression
    cdef bytes fields                       # as they stand in a request
    cdef int field_count

    def __cinit__(
        self, object bin, object begin, object end, *, int collection=INDEX_DEFAULT, bytes context=None,
        object index=None, bytes expression=None
    ) -> None:
        cdef Buffer out
        cdef unsigned char storage[COMMON_FILTER]
        cdef int particle = 0
        cdef int other = 0
        if (bin is not None) + (index is not None) + (expression is not None) != 1:
            raise errors.InvalidArgument(
                "a filter needs one of bin, index and expression, which say by which index records are found"
            )
        if index is not None and context is not None:
            raise errors.InvalidArgument("ctx and index exclude each other", advice="the index knows its context")
        if expression is not None and context is not None:
            raise errors.InvalidArgument("ctx and expression exclude each other", advice="put ctx into the expression")
        self.begin = indexed_value(begin, &particle)
        self.end = self.begin if end is begin else indexed_value(end, &other)
        if self.end is not self.begin and other != particle:
            raise errors.InvalidType(f"a range from {shown(begin)} to {shown(end)} has ends of two types")
        if particle == PARTICLE_INTEGER:
            if self.begin > self.end:
                raise errors.InvalidArgument(f"the range from {shown(self.begin)} to {shown(self.end)} is empty")
        elif self.begin != self.end:
            raise errors.InvalidType(
                f"a range has ints, not {shown(begin)}", advice="an index finds strs and bytes by equal() only"
            )
        self.collection = collection
        self.context = context
        self.expression = expression
        buffer_init(&out, storage, COMMON_FILTER)
        try:
            self.put_fields(&out, bin, index, particle)
            self.fields = PyBytes_FromStringAndSize(<const char*>out.data, <Py_ssize_t>out.size)
        finally:
            buffer_free(&out)

    cdef int put_fields(self, Buffer* out, object bin, object index, int particle) except -1:
        """Writes its fields, in the order in which other clients send them."""
        cdef Py_ssize_t size = 0
        cdef const char* text
        cdef size_t start
        cdef unsigned char* p
        self.field_count = 1
        if self.collection != INDEX_DEFAULT:
            start_field(out, FIELD_INDEX_TYPE, 1)[0] = <unsigned char>self.collection
            self.field_count += 1
        start = out.size
        p = start_field(out, FIELD_INDEX_RANGE, 2)
        p[0] = 1                            # the number of ranges
        p[1] = 0
        if bin is not None:
            text = bin_name(bin, &size)
            self.bin = <str>plain_text(bin)
            p[1] = <unsigned char>size
            if copy_short(buffer_take(out, <size_t>size), text, <size_t>size):
                raise wrong_bin_name(bin, size)
        put8(out, <unsigned char>particle)
        put_bound(out, self.begin, particle)
        put_bound(out, self.end, particle)
        store32(out.data + start, <uint32_t>(out.size - start - 4))
        if self.context is not None:
            put_field(out, FIELD_INDEX_CONTEXT, PyBytes_AS_STRING(self.context), <size_t>PyBytes_GET_SIZE(self.context))
            self.field_count += 1
        if index is not None:
            self.index = name_of("the index", index, MAX_INDEX_NAME)
            if not self.index:
                raise errors.InvalidArgument("the index's name is empty")
            put_text_field(out, FIELD_INDEX_NAME, self.index)
            self.field_count += 1
        if self.expression is not None:
            put_field(
                out, FIELD_INDEX_EXPRESSION, PyBytes_AS_STRING(self.expression),
                <size_t>PyBytes_GET_SIZE(self.expression)
            )
            self.field_count += 1
        return 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, IndexFilter) and self.fields == (<IndexFilter>other).fields

    def __hash__(self) -> int:
        return hash(self.fields)

    def __repr__(self) -> str:
        where = f"bin {self.bin!r}" if self.bin is not None else "an expression"
        if self.index is not None:
            where = f"index {self.index!r}"
        values = f"= {shown(self.begin)}" if self.begin == self.end else f"from {self.begin} to {self.end}"
        return f"<IndexFilter {where} {values}>"

    def __reduce__(self) -> tuple:
        return restore_index_filter, (
            self.bin, self.begin, self.end, self.collection, self.context, self.index, self.expression
        )


def restore_index_filter(
    bin: object, begin: object, end: object, collection: int, context: bytes | None, index: str | None,
    expression: bytes | None
) -> IndexFilter:
    """Return the filter that a pickle holds."""
    return IndexFilter(
        bin, begin, end, collection=collection, context=context, index=index, expression=expression
    )
