# Reads particles, and msgpack inside lists and maps, as Python values (values.md), out of the receive buffer. No length is
# trusted: each is compared with the bytes that are left, and the count of a list or map with the bytes that its elements
# need at least, before memory is allocated.

cdef struct Cursor:
    const unsigned char* p                  # borrowed: the next byte
    const unsigned char* end
    NameCache* names                        # borrowed, may be NULL
    int depth
    bint raw                                # whether lists and maps stay as they are: each gives a RawParticle
    PyObject* tags                          # borrowed: the CodecTable that decodes what is marked; NULL: nothing is decoded
    size_t owed                             # elements still to come in all lists and maps that are being read


cdef inline void cursor_init(Cursor* r, const unsigned char* data, size_t size, NameCache* names) noexcept nogil:
    r.p = data
    r.end = data + size
    r.names = names
    r.depth = 0
    r.raw = False
    r.tags = NULL
    r.owed = 0


cdef inline size_t left(Cursor* r) noexcept nogil:
    return <size_t>(r.end - r.p)


cdef object broken(str what):
    return errors.ProtocolError(f"the server's answer can't be read: {what}")


cdef inline const unsigned char* take(Cursor* r, size_t size) except NULL:
    """Returns the next `size` bytes and steps over them."""
    cdef const unsigned char* p = r.p
    if size > left(r):
        raise broken(f"{size} bytes are promised where {left(r)} are left")
    r.p = p + size
    assert r.p <= r.end
    return p


cdef object any_text(const unsigned char* p, size_t size):
    """Returns a str; a RawParticle if the bytes are no UTF-8, which the server does not check."""
    try:
        return PyUnicode_DecodeUTF8(<const char*>p, <Py_ssize_t>size, NULL)
    except UnicodeDecodeError:
        return RawParticle(PARTICLE_STRING, PyBytes_FromStringAndSize(<const char*>p, <Py_ssize_t>size))


cdef inline object text_of(const unsigned char* p, size_t size):
    return ascii_text(p, size) if is_ascii(p, size) else any_text(p, size)


cdef object new_short_text(NameSlot* slot, const unsigned char* p, size_t size):
    """Decodes a text that `slot` does not hold."""
    text = text_of(p, size)
    if type(text) is str:
        keep_text(slot, text, p, size)
    return text


cdef inline object short_text(Cursor* r, const unsigned char* p, size_t size):
    """Returns a text that may come again, the same object each time as long as the cache holds it."""
    cdef NameSlot* slot = slot_of(r.names, p, size)
    if slot != NULL and holds(slot, p, size):
        return <object>slot.text
    return new_short_text(slot, p, size)


cdef object geojson_of(const unsigned char* p, size_t size):
    try:
        return str.__new__(GeoJSON, PyUnicode_DecodeUTF8(<const char*>p, <Py_ssize_t>size, NULL))
    except UnicodeDecodeError:
        return RawParticle(PARTICLE_GEOJSON, PyBytes_FromStringAndSize(<const char*>p, <Py_ssize_t>size))


cdef object get_text(Cursor* r, size_t size, bint short):
    """Returns the value in a msgpack string of `size` bytes: a particle type, then the particle's bytes.

    `short`: it is a map key, so its text is looked up in the cache of short texts.
    """
    cdef const unsigned char* p
    cdef int particle
    if size == 0:                           # without a type; the server stores it as a client sent it (values.md 3.2)
        return RawParticle(PARTICLE_NULL, b"")
    p = take(r, size)
    particle = p[0]
    p += 1
    size -= 1
    if particle == PARTICLE_STRING:
        return short_text(r, p, size) if short else text_of(p, size)
    if particle == PARTICLE_BLOB:
        return PyBytes_FromStringAndSize(<const char*>p, <Py_ssize_t>size)
    if particle == PARTICLE_GEOJSON:
        return geojson_of(p, size)
    data = PyBytes_FromStringAndSize(<const char*>p, <Py_ssize_t>size)
    return bytes.__new__(HyperLogLog, data) if particle == PARTICLE_HLL else RawParticle(particle, data)


cdef inline bint at_extension(Cursor* r) noexcept nogil:
    """Whether a msgpack extension comes next, which holds the flags if it is the first element of a list or map."""
    return r.p < r.end and (0xC7 <= r.p[0] <= 0xC9 or 0xD4 <= r.p[0] <= 0xD8)


cdef int get_flags(Cursor* r) except -1:
    """Reads an extension and returns the flags of its list or map, which are the extension's type byte."""
    cdef int tag = take(r, 1)[0]
    cdef size_t size
    cdef int kind
    if tag == 0xC7:
        size = take(r, 1)[0]
    elif tag == 0xC8:
        size = load16(take(r, 2))
    elif tag == 0xC9:
        size = load32(take(r, 4))
    else:
        size = <size_t>1 << (tag - 0xD4)
    kind = take(r, 1)[0]
    if size:
        take(r, size)
    return kind


cdef inline int enter_container(Cursor* r, size_t count, size_t each, str what) except -1:
    """Enters a list or map (`what`: its elements). All open lists and maps may not have more elements than bytes are left."""
    if r.depth == MAX_DEPTH:
        raise broken(f"lists and maps nested deeper than {MAX_DEPTH} levels")
    if count > left(r) or r.owed + count * each > left(r):
        raise broken(f"{count} {what}, in {left(r)} bytes")
    r.depth += 1
    r.owed += count * each
    return 0


cdef inline void fill_item(list items, Py_ssize_t i, object item) noexcept:
    """Sets an item of a list that `PyList_New` has just made, which has nothing there yet."""
    Py_INCREF(item)
    PyList_SET_ITEM(items, i, item)


cdef object get_list(Cursor* r, size_t count):
    cdef Py_ssize_t i
    cdef int flags = 0
    if count and at_extension(r):
        flags = get_flags(r)
        count -= 1
    enter_container(r, count, 1, "elements in a list")
    cdef list result = PyList_New(<Py_ssize_t>count)
    for i in range(<Py_ssize_t>count):
        r.owed -= 1
        fill_item(result, i, get_element(r))
    r.depth -= 1
    return OrderedList(result) if flags & LIST_ORDERED else result


cdef object get_key(Cursor* r):
    """Returns a map key. Old servers took keys of all types: a list or map, without hash, gives a RawParticle."""
    cdef const unsigned char* start = r.p
    if start != r.end and 0xA0 <= start[0] < 0xC0:   # a short string, as most keys are
        r.p += 1
        return get_text(r, start[0] & 0x1F, True)
    key = get_element(r)
    if isinstance(key, (list, dict)):
        return RawParticle(
            PARTICLE_LIST if isinstance(key, list) else PARTICLE_MAP,
            PyBytes_FromStringAndSize(<const char*>start, r.p - start),
        )
    return key


cdef object get_map(Cursor* r, size_t count, const unsigned char* start):
    """Returns a dict; a RawParticle if two keys of the map are equal in Python, as 1 and 1.0 are.

    `start` is where the map's tag is: the RawParticle has the bytes from there on.
    """
    cdef size_t _i
    cdef int flags = 0
    if count and at_extension(r):
        flags = get_flags(r)
        get_element(r)                      # the flags have a value in a map, nil
        count -= 1
    enter_container(r, count, 2, "entries in a map")
    if flags & MAP_KEY_VALUE_ORDERED == MAP_KEY_VALUE_ORDERED:
        result = KeyValueOrderedDict()
    elif flags & MAP_KEY_ORDERED:
        result = KeyOrderedDict()
    else:
        result = {}
    for _i in range(count):
        r.owed -= 2
        key = get_key(r)
        PyDict_SetItem(result, key, get_element(r))
    r.depth -= 1
    if <size_t>len(<dict>result) != count:
        return RawParticle(PARTICLE_MAP, PyBytes_FromStringAndSize(<const char*>start, r.p - start))
    return result


cdef object get_element(Cursor* r):
    """Returns one msgpack value."""
    cdef const unsigned char* start = take(r, 1)
    cdef int tag = start[0]
    if tag < 0x80:
        return tag
    if tag >= 0xE0:
        return tag - 256
    if tag >= 0xA0:
        if tag < 0xC0:
            return get_text(r, tag & 0x1F, False)
    elif tag >= 0x90:
        return get_list(r, tag & 0x0F)
    else:
        return get_map(r, tag & 0x0F, start)
    if tag == 0xC0:
        return None
    if tag == 0xC2:
        return False
    if tag == 0xC3:
        return True
    if tag == 0xCC:
        return take(r, 1)[0]
    if tag == 0xCD:
        return load16(take(r, 2))
    if tag == 0xCE:
        return load32(take(r, 4))
    if tag == 0xCF:
        return load64(take(r, 8))
    if tag == 0xD0:
        return <signed char>take(r, 1)[0]
    if tag == 0xD1:
        return <int16_t>load16(take(r, 2))
    if tag == 0xD2:
        return <int>load32(take(r, 4))
    if tag == 0xD3:
        return <int64_t>load64(take(r, 8))
    if tag == 0xCB:
        return as_double(load64(take(r, 8)))
    if tag == 0xCA:
        return <double>as_float(load32(take(r, 4)))
    if tag == 0xD9 or tag == 0xC4:
        return get_text(r, take(r, 1)[0], False)
    if tag == 0xDA or tag == 0xC5:
        return get_text(r, load16(take(r, 2)), False)
    if tag == 0xDB or tag == 0xC6:
        return get_text(r, load32(take(r, 4)), False)
    if tag == 0xDC:
        return get_list(r, load16(take(r, 2)))
    if tag == 0xDD:
        return get_list(r, load32(take(r, 4)))
    if tag == 0xDE:
        return get_map(r, load16(take(r, 2)), start)
    if tag == 0xDF:
        return get_map(r, load32(take(r, 4)), start)
    raise broken(f"msgpack byte 0x{tag:02x} where a value should be")


cdef object get_container(int particle, const unsigned char* p, size_t size, NameCache* names):
    """Returns the value of a list or map particle, which is exactly one msgpack list or map."""
    cdef Cursor r
    cursor_init(&r, p, size, names)
    value = get_element(&r)
    if r.p != r.end:
        raise broken(f"{left(&r)} bytes behind a {'list' if particle == PARTICLE_LIST else 'map'}")
    if type(value) is RawParticle and value.type == particle:
        return value
    if not isinstance(value, list if particle == PARTICLE_LIST else dict):
        raise broken(f"{type(value).__name__} in a {'list' if particle == PARTICLE_LIST else 'map'} particle")
    return value


cdef object get_particle(int particle, const unsigned char* p, size_t size, Cursor* c):
    """Returns the Python value of a particle of `size` bytes at `p`, as the cursor of its message has it: raw or not."""
    cdef size_t cells
    if particle == PARTICLE_INTEGER:
        if size == 8:
            return <int64_t>load64(p)
        if size == 4:
            return load32(p)
        if size == 2:
            return load16(p)
        if size == 1:
            return p[0]
        raise broken(f"an integer of {size} bytes")
    if particle == PARTICLE_STRING:
        return text_of(p, size)
    if particle == PARTICLE_MAP or particle == PARTICLE_LIST:
        if c.raw:
            return raw_particle(particle, p, size)
        value = get_container(particle, p, size, c.names)
        return value if c.tags == NULL else (<CodecTable>c.tags).untagged(value)
    if particle == PARTICLE_BLOB:
        return PyBytes_FromStringAndSize(<const char*>p, <Py_ssize_t>size)
    if particle == PARTICLE_FLOAT:
        if size != 8:
            raise broken(f"a float of {size} bytes")
        return as_double(load64(p))
    if particle == PARTICLE_BOOL:
        if size != 1:
            raise broken(f"a bool of {size} bytes")
        return p[0] != 0
    if particle == PARTICLE_NULL:
        return None
    if particle == PARTICLE_GEOJSON:
        if size < 3:
            raise broken(f"GeoJSON of {size} bytes")
        cells = 3 + 8 * <size_t>load16(p + 1)
        if cells > size:
            raise broken(f"GeoJSON with cells of {cells} bytes in {size}")
        return geojson_of(p + cells, size - cells)
    data = PyBytes_FromStringAndSize(<const char*>p, <Py_ssize_t>size)
    return bytes.__new__(HyperLogLog, data) if particle == PARTICLE_HLL else RawParticle(particle, data)


cdef object raw_particle(int particle, const unsigned char* p, size_t size):
    return RawParticle(particle, PyBytes_FromStringAndSize(<const char*>p, <Py_ssize_t>size))


def unpack_value(int particle, bytes data not None) -> Any:
    """Return the Python value of a particle's bytes.

    Raises:
        ProtocolError: these are no bytes of such a particle.
    """
    cdef const unsigned char* p = <const unsigned char*>PyBytes_AS_STRING(data)
    cdef Cursor c
    cursor_init(&c, p, <size_t>PyBytes_GET_SIZE(data), NULL)
    return get_particle(particle, p, <size_t>PyBytes_GET_SIZE(data), &c)
