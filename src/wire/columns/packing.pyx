# Packs values of Arrow's arrays as particles, and as msgpack inside lists and maps (values.md), without the GIL and without a
# Python object for each. A value that the server can't hold raises RowRefused, which names column and row.
#
# Columns are what `column_plans.pyx` has made of a schema, with nothing in them: they tell how arrays are to be read.

cdef extern from *:
    """
    #include <math.h>
    static inline double half_value(uint16_t half) {
        int exponent = half >> 10 & 31, fraction = half & 1023;
        double size = exponent == 31 ? (fraction ? Py_NAN : Py_HUGE_VAL)
            : exponent ? ldexp(1024 + fraction, exponent - 25) : ldexp(fraction, -24);
        return half >> 15 ? -size : size;
    }
    """
    double half_value(uint16_t half) noexcept nogil


cdef enum:
    FEW_KEYS = 32                           # of a map, that are compared with each other one by one


cdef struct Packing:
    Buffer* out
    PyObject* read_json                     # borrowed: what makes a value of JSON text
    Column* column                          # of the row that is packed
    int64_t row                             # its number in the data, for messages


cdef object refused_row(str column, int64_t row, str why):
    return errors.RowRefused(f"column {column!r}, row {row}: {why}", column=column, row=row)


cdef int refuse(Packing* p, const char* why) except -1 with gil:
    raise refused_row(p.column.name.decode("utf-8", "replace"), p.row, why.decode())


cdef inline bint is_null_at(ArrayStruct* a, int64_t i) noexcept nogil:
    """Whether the value at `i`, counted from the beginning of the buffers, is null."""
    cdef const unsigned char* bits = <const unsigned char*>a.buffers[0]
    return bits != NULL and not bits[i >> 3] >> (i & 7) & 1


cdef inline bint lacks(Column* c, ArrayStruct* a, int64_t i) noexcept nogil:
    """Whether there is no value at `i`: of a struct, which leaves such a field out, and of a row."""
    if c.kind == OF_NULLS:
        return True
    if is_null_at(a, i):
        return True
    if c.kind == OF_CODES:
        return lacks_in_dictionary(c, a, i)
    return False


cdef bint lacks_in_dictionary(Column* c, ArrayStruct* a, int64_t i) noexcept nogil:
    cdef uint64_t code = unsigned_at(c, a, i)
    return code < <uint64_t>a.dictionary.length and lacks(
        &c.children[0], a.dictionary, a.dictionary.offset + <int64_t>code
    )


cdef inline int look_up(Packing* p, Column** c, ArrayStruct** a, int64_t* i) except -1 nogil:
    """Goes from the number of a value in a dictionary to the value itself, and from any other value nowhere."""
    cdef uint64_t code
    while c[0].kind == OF_CODES:
        code = unsigned_at(c[0], a[0], i[0])
        a[0] = a[0].dictionary
        if code >= <uint64_t>a[0].length:
            return refuse(p, b"the array is broken: its dictionary has no such value")
        c[0] = &c[0].children[0]
        i[0] = a[0].offset + <int64_t>code
    return 0


cdef inline Column* value_column(Column* c) noexcept nogil:
    """Returns the column that tells of which type values are, which may be a dictionary's."""
    while c.kind == OF_CODES:
        c = &c.children[0]
    return c


# --- reading ---

cdef inline int64_t signed_at(Column* c, ArrayStruct* a, int64_t i) noexcept nogil:
    if c.width == 8:
        return (<const int64_t*>a.buffers[1])[i]
    if c.width == 4:
        return (<const int32_t*>a.buffers[1])[i]
    if c.width == 2:
        return (<const int16_t*>a.buffers[1])[i]
    return (<const signed char*>a.buffers[1])[i]


cdef inline uint64_t unsigned_at(Column* c, ArrayStruct* a, int64_t i) noexcept nogil:
    """A number that is not negative. A negative one gives one that is larger than any length."""
    if not c.is_unsigned:
        return <uint64_t>signed_at(c, a, i)
    if c.width == 8:
        return (<const uint64_t*>a.buffers[1])[i]
    if c.width == 4:
        return (<const uint32_t*>a.buffers[1])[i]
    if c.width == 2:
        return (<const uint16_t*>a.buffers[1])[i]
    return (<const unsigned char*>a.buffers[1])[i]


cdef inline int integer_at(Packing* p, Column* c, ArrayStruct* a, int64_t i, int64_t* number) except -1 nogil:
    cdef uint64_t large
    if c.is_unsigned:
        large = unsigned_at(c, a, i)
        if large > <uint64_t>INT64_MAX:
            return refuse(p, b"the number does not fit into a signed 64-bit integer")
        number[0] = <int64_t>large
    else:
        number[0] = signed_at(c, a, i)
    return 0


cdef inline double float_at(Column* c, ArrayStruct* a, int64_t i) noexcept nogil:
    if c.width == 2:
        return half_value((<const uint16_t*>a.buffers[1])[i])
    return (<const double*>a.buffers[1])[i] if c.width == 8 else (<const float*>a.buffers[1])[i]


cdef inline bint bool_at(ArrayStruct* a, int64_t i) noexcept nogil:
    return (<const unsigned char*>a.buffers[1])[i >> 3] >> (i & 7) & 1


cdef int span_at(Packing* p, int width, ArrayStruct* a, int64_t i, int64_t* begin, int64_t* end) except -1 nogil:
    """Where offsets say that a value begins and ends."""
    if width == 4:
        begin[0] = (<const int32_t*>a.buffers[1])[i]
        end[0] = (<const int32_t*>a.buffers[1])[i + 1]
    else:
        begin[0] = (<const int64_t*>a.buffers[1])[i]
        end[0] = (<const int64_t*>a.buffers[1])[i + 1]
    if begin[0] < 0 or end[0] < begin[0]:
        return refuse(p, b"the array is broken: its offsets go back")
    return 0


cdef int data_at(
    Packing* p, Column* c, ArrayStruct* a, int64_t i, const unsigned char** data, size_t* size
) except -1 nogil:
    """The text or bytes at `i`."""
    cdef int64_t begin, end
    look_up(p, &c, &a, &i)
    if c.kind == OF_FIXED_BYTES:
        data[0] = <const unsigned char*>a.buffers[1] + i * c.width
        size[0] = <size_t>c.width
        return 0
    if c.width == 0:
        view_at(p, a, i, data, size)
    else:
        span_at(p, c.width, a, i, &begin, &end)
        size[0] = <size_t>(end - begin)
        if a.buffers[2] != NULL:
            data[0] = <const unsigned char*>a.buffers[2] + begin
        elif size[0]:
            return refuse(p, b"the array is broken: it lacks its data")
        else:
            data[0] = <const unsigned char*>b""
    if c.kind != OF_BYTES and not is_utf8(data[0], size[0]):
        return refuse(p, b"the text is not valid UTF-8")
    return 0


cdef int view_at(Packing* p, ArrayStruct* a, int64_t i, const unsigned char** data, size_t* size) except -1 nogil:
    cdef const unsigned char* view = <const unsigned char*>a.buffers[1] + i * VIEW_SIZE
    cdef const int64_t* sizes = <const int64_t*>a.buffers[a.n_buffers - 1]
    cdef int32_t length, place, offset
    memcpy(&length, view, 4)
    if length < 0:
        return refuse(p, b"the array is broken: a value of negative size")
    size[0] = <size_t>length
    if length <= INLINE_SIZE:
        data[0] = view + 4
        return 0
    memcpy(&place, view + 8, 4)
    memcpy(&offset, view + 12, 4)
    if not 0 <= place < a.n_buffers - 3 or offset < 0 or a.buffers[2 + place] == NULL or sizes == NULL:
        return refuse(p, b"the array is broken: it has no such buffer")
    if <int64_t>offset + length > sizes[place]:
        return refuse(p, b"the array is broken: a value goes beyond its buffer")
    data[0] = <const unsigned char*>a.buffers[2 + place] + offset
    return 0


# --- inside lists and maps ---

cdef int put_element_at(Packing* p, Column* c, ArrayStruct* a, int64_t i) except -1 nogil:
    """Packs the value at `i`, counted from the beginning of the buffers."""
    cdef int64_t number = 0
    cdef const unsigned char* data = NULL
    cdef size_t size = 0
    if lacks(c, a, i):
        return put8(p.out, 0xC0)
    look_up(p, &c, &a, &i)
    if c.kind == OF_INTS:
        integer_at(p, c, a, i, &number)
        return put_int(p.out, number)
    if c.kind == OF_FLOATS:
        return put_tagged64(p.out, 0xCB, double_bits(float_at(c, a, i)))
    if c.kind == OF_BOOLS:
        return put8(p.out, 0xC3 if bool_at(a, i) else 0xC2)
    if c.kind == OF_STRUCTS:
        return put_struct_at(p, c, a, i)
    if c.kind == OF_MAPS:
        return put_map_at(p, c, a, i)
    if c.kind == OF_LISTS or c.kind == OF_FIXED_LISTS:
        return put_list_at(p, c, a, i)
    data_at(p, c, a, i, &data, &size)
    if c.kind == OF_JSON:
        return put_json_at(p, data, size, True)
    return put_text(p.out, <unsigned char>c.particle, data, size)


cdef int elements_at(Packing* p, Column* c, ArrayStruct* a, int64_t i, int64_t* begin, int64_t* end) except -1 nogil:
    """Which elements the list or map at `i` has, counted from where its child begins."""
    if c.kind == OF_FIXED_LISTS:
        begin[0] = i * c.elements
        end[0] = begin[0] + c.elements
    else:
        span_at(p, c.width, a, i, begin, end)
    if end[0] > a.children[0].length:
        return refuse(p, b"the array is broken: it lacks elements")
    return 0


cdef int put_list_at(Packing* p, Column* c, ArrayStruct* a, int64_t i) except -1 nogil:
    cdef ArrayStruct* items = a.children[0]
    cdef int64_t begin = 0, end = 0, at
    elements_at(p, c, a, i, &begin, &end)
    put_list_head(p.out, <size_t>(end - begin))
    for at in range(begin, end):
        put_element_at(p, &c.children[0], items, items.offset + at)
    return 0


cdef int put_struct_at(Packing* p, Column* c, ArrayStruct* a, int64_t i) except -1 nogil:
    """Packs a struct as a map of its fields, without those whose null is a key that lacks."""
    cdef int at
    cdef size_t count = 0
    cdef Column* field
    for at in range(c.child_count):
        count += c.children[at].null_is == NULL_IS_VALUE or not lacks(
            &c.children[at], a.children[at], a.children[at].offset + i
        )
    put_map_head(p.out, count)
    for at in range(c.child_count):
        field = &c.children[at]
        if field.null_is != NULL_IS_VALUE and lacks(field, a.children[at], a.children[at].offset + i):
            continue
        put_text(p.out, PARTICLE_STRING, field.name, field.name_size)
        put_element_at(p, field, a.children[at], a.children[at].offset + i)
    return 0


cdef int put_map_at(Packing* p, Column* c, ArrayStruct* a, int64_t i) except -1 nogil:
    cdef Column* entry = &c.children[0]
    cdef ArrayStruct* entries = a.children[0]
    cdef ArrayStruct* keys = entries.children[0]
    cdef ArrayStruct* items = entries.children[1]
    cdef int64_t begin = 0, end = 0, at
    cdef size_t few[2 * FEW_KEYS]
    cdef size_t* places = few
    elements_at(p, c, a, i, &begin, &end)
    put_map_head(p.out, <size_t>(end - begin))
    if end - begin > FEW_KEYS:
        places = key_places(end - begin)
    try:
        for at in range(begin, end):
            if lacks(&entry.children[0], keys, keys.offset + entries.offset + at):
                refuse(p, b"a key of a map is null")
            places[2 * (at - begin)] = p.out.size
            put_element_at(p, &entry.children[0], keys, keys.offset + entries.offset + at)
            places[2 * (at - begin) + 1] = p.out.size - places[2 * (at - begin)]
            put_element_at(p, &entry.children[1], items, items.offset + entries.offset + at)
        check_keys(p, places, end - begin)
    finally:
        if places != few:
            PyMem_RawFree(places)
    return 0


cdef size_t* key_places(int64_t count) except NULL with gil:
    cdef size_t* places = <size_t*>PyMem_RawMalloc(<size_t>count * 2 * sizeof(size_t))
    if places == NULL:
        raise MemoryError
    return places


cdef int check_keys(Packing* p, const size_t* places, int64_t count) except -1 nogil:
    """Refuses a map in which a key comes twice, which the server may store as a corrupt one."""
    cdef int64_t i, j
    if count > FEW_KEYS:
        return check_many_keys(p, places, count)
    for i in range(1, count):
        for j in range(i):
            if places[2 * i + 1] == places[2 * j + 1] and memcmp(
                p.out.data + places[2 * i], p.out.data + places[2 * j], places[2 * i + 1]
            ) == 0:
                return refuse(p, b"a key of a map comes twice")
    return 0


cdef int check_many_keys(Packing* p, const size_t* places, int64_t count) except -1 with gil:
    cdef set seen = set()
    cdef int64_t i
    for i in range(count):
        seen.add(PyBytes_FromStringAndSize(<const char*>p.out.data + places[2 * i], <Py_ssize_t>places[2 * i + 1]))
    if len(seen) != count:
        refuse(p, b"a key of a map comes twice")
    return 0


cdef int put_json_at(Packing* p, const unsigned char* data, size_t size, bint packed) except -1 with gil:
    """Packs the value that JSON text stands for, inside a list or map or as a bin's; returns its particle type."""
    cdef Packer packer
    column = p.column.name.decode("utf-8", "replace")
    packer_init(&packer, p.out, column)
    try:
        value = (<object>p.read_json)(PyUnicode_DecodeUTF8(<const char*>data, <Py_ssize_t>size, NULL))
        if packed:
            return put_element(&packer, value)
        return put_particle(&packer, value)
    except (ValueError, TypeError) as error:
        raise refused_row(column, p.row, str(error)) from None


# --- as a bin's value ---

cdef int put_particle_at(Packing* p, Column* c, ArrayStruct* a, int64_t i) except -1 nogil:
    """Writes the bytes of a bin's whole value, which is not null; returns its particle type."""
    cdef int64_t number = 0
    cdef const unsigned char* data = NULL
    cdef size_t size = 0
    look_up(p, &c, &a, &i)
    if c.kind == OF_INTS:
        integer_at(p, c, a, i, &number)
        store64(buffer_take(p.out, 8), <uint64_t>number)
        return PARTICLE_INTEGER
    if c.kind == OF_FLOATS:
        store64(buffer_take(p.out, 8), double_bits(float_at(c, a, i)))
        return PARTICLE_FLOAT
    if c.kind == OF_BOOLS:
        put8(p.out, bool_at(a, i))
        return PARTICLE_BOOL
    if c.kind == OF_STRUCTS:
        put_struct_at(p, c, a, i)
        return PARTICLE_MAP
    if c.kind == OF_MAPS:
        put_map_at(p, c, a, i)
        return PARTICLE_MAP
    if c.kind == OF_LISTS or c.kind == OF_FIXED_LISTS:
        put_list_at(p, c, a, i)
        return PARTICLE_LIST
    data_at(p, c, a, i, &data, &size)
    if c.kind == OF_JSON:
        return put_json_at(p, data, size, False)
    if c.particle == PARTICLE_GEOJSON:
        memset(buffer_take(p.out, 3), 0, 3)     # flags, and no cells: the server computes them
    if size > MAX_MESSAGE:
        return refuse(p, b"the value is larger than any message may be")
    put_bytes(p.out, data, size)
    return c.particle


cdef int check_packable(Column* c, str path) except -1:
    """Refuses a column whose values the server can't hold."""
    cdef int i
    if c.kind == OF_MAPS:
        check_key_type(&c.children[0].children[0], path)
    for i in range(c.child_count):
        check_packable(&c.children[i], path)
    return 0


cdef int check_key_type(Column* c, str path) except -1:
    c = value_column(c)
    if c.kind in (OF_INTS, OF_FIXED_BYTES, OF_NULLS):
        return 0
    if c.kind in (OF_TEXT, OF_BYTES) and c.particle in (PARTICLE_STRING, PARTICLE_BLOB):
        return 0
    raise errors.InvalidArgument(f"the column {path!r}: keys of maps must be integers, text or bytes")
