# Packs Python values as particles, and as msgpack inside lists and maps (values.md). Nothing is lost: a value that the server
# can't hold raises InvalidType or InvalidArgument, which name the bin and the path inside the value.

cdef struct Step:                           # where in one list or map the packer is
    PyObject* key                           # borrowed from the map being packed; NULL in a list
    Py_ssize_t index


cdef struct Packer:
    Buffer* out
    PyObject* bin                           # borrowed: the bin's name for messages, or NULL
    const char* root                        # without a bin: what is packed, for messages
    PyObject* codecs                        # borrowed: the client's CodecTable, or NULL
    int encodings                           # how many codecs are at work inside each other
    bint arguments                          # packs an operation's arguments, which may be Packed, INFINITY and WILDCARD
    # > 0 inside an operation's arguments or an ordered list: the server compares maps there as they are packed, so
    # `put_map` sorts them
    int compared
    int depth
    Step path[MAX_DEPTH]


cdef inline void packer_init(Packer* p, Buffer* out, object bin) noexcept:
    p.out = out
    p.bin = <PyObject*>bin
    p.root = "value"
    p.codecs = NULL
    p.encodings = 0
    p.arguments = False
    p.compared = 0
    p.depth = 0


cdef inline void arguments_init(Packer* p, Buffer* out, object bin) noexcept:
    """Begins a packer of an operation's arguments."""
    packer_init(p, out, bin)
    p.arguments = True
    p.compared = 1


cdef str place(Packer* p):
    """Returns where the packer is, as Python would write it: bins['prefs'][2]['x']."""
    cdef int i
    cdef int first = 0
    text = p.root.decode() if p.bin == NULL or <object>p.bin is None else f"bins[{shown(plain_text(<object>p.bin))}]"
    if p.arguments and p.bin != NULL and <object>p.bin is not None and p.depth:
        first = 2 if p.depth > 1 and p.path[0].index == 2 else 1    # [0xFF, context, [arguments]] or [arguments]
        text += f", argument {p.path[first - 1].index}, at " if p.depth > first else f", argument {p.path[first - 1].index}"
    for i in range(first, p.depth):
        if p.depth > 20 and 10 <= i < p.depth - 5:      # the middle of a long path is left out
            text += "…" if i == 10 else ""
        elif p.path[i].key == NULL:
            text += f"[{p.path[i].index}]"
        else:
            text += f"[{shown(<object>p.path[i].key)}]"
    return text


cdef object refused_type(Packer* p, object value, str what):
    return errors.InvalidType(f"{place(p)}: {type(value).__name__} {what}")


cdef object no_such_type(Packer* p, object value, str what="is not an Aerospike type"):
    return errors.InvalidType(
        f"{place(p)}: {type(value).__name__} {what}",
        advice="int, float, str, bytes, bool, None, list, dict, GeoJSON and HyperLogLog are; convert the value to one of them, "
               "or store it by a codec (pyspike.codecs); an operation, an expression or a filter takes codec.stored(value)",
    )


cdef object refused_value(Packer* p, str what):
    return errors.InvalidArgument(f"{place(p)}: {what}")


cdef inline int64_t int64_of(Packer* p, object value) except? -1:
    cdef int64_t v
    return v if small_int(value, &v) else large_int64_of(p, value)


cdef int64_t large_int64_of(Packer* p, object value) except? -1:
    cdef int overflow = 0
    cdef int64_t v = PyLong_AsLongLongAndOverflow(value, &overflow)
    if overflow:
        raise refused_value(p, f"{shown(value)} does not fit into a signed 64-bit integer")
    return v


cdef inline const char* utf8_of(Packer* p, object text, Py_ssize_t* size) except NULL:
    cdef const char* data = ascii_of(text, size)
    return data if data != NULL else any_utf8_of(p, text, size)


cdef const char* any_utf8_of(Packer* p, object text, Py_ssize_t* size) except NULL:
    try:
        return PyUnicode_AsUTF8AndSize(text, size)
    except UnicodeEncodeError as error:
        raise refused_value(p, f"not valid text: {error}") from None


# --- msgpack ---------------------------------------------------------------------------------------


cdef inline int put_int(Buffer* out, int64_t v) except -1 nogil:
    """Packs an integer in the smallest form that holds it."""
    return put8(out, <unsigned char>v) if 0 <= v < 0x80 else put_other_int(out, v)


cdef int put_other_int(Buffer* out, int64_t v) except -1 nogil:
    """Packs an integer that is negative or takes several bytes."""
    cdef uint64_t u = <uint64_t>v
    if v >= 0:
        if v <= 0xFF:
            put8(out, 0xCC)
            put8(out, <unsigned char>v)
        elif v <= 0xFFFF:
            put_tagged16(out, 0xCD, <uint16_t>v)
        elif v <= <int64_t>0xFFFFFFFF:
            put_tagged32(out, 0xCE, <uint32_t>v)
        else:
            put_tagged64(out, 0xCF, u)
    elif v >= -32:
        put8(out, <unsigned char>(v & 0xFF))
    elif v >= -0x80:
        put8(out, 0xD0)
        put8(out, <unsigned char>(v & 0xFF))
    elif v >= -0x8000:
        put_tagged16(out, 0xD1, <uint16_t>(v & 0xFFFF))
    elif v >= INT32_MIN:
        put_tagged32(out, 0xD2, <uint32_t>v)
    else:
        put_tagged64(out, 0xD3, u)
    return 0


cdef inline int put_text(Buffer* out, unsigned char particle, const void* data, size_t size) except -1 nogil:
    """Packs a string or blob inside a list or map: a msgpack string whose first byte is the particle type."""
    cdef size_t n = size + 1
    cdef unsigned char* p
    if n < 32:
        p = buffer_take(out, n + 1)
        p[0] = <unsigned char>(0xA0 | n)
        p[1] = particle
        if size <= 16:
            copy_short(p + 2, <const char*>data, size)
        else:
            memcpy(p + 2, data, size)
        return 0
    if n <= 0xFF:
        put8(out, 0xD9)
        put8(out, <unsigned char>n)
    elif n <= 0xFFFF:
        put_tagged16(out, 0xDA, <uint16_t>n)
    else:
        if size > MAX_MESSAGE:
            buffer_grow(out, size)          # raises InvalidArgument: the message would be too large
        put_tagged32(out, 0xDB, <uint32_t>n)
    put8(out, particle)
    return put_bytes(out, data, size)


cdef inline int put_flags(Buffer* out, int flags) except -1:
    """Packs the flags of a list or map: an extension in the place of its first element."""
    put_bytes(out, b"\xC7\x00", 2)
    return put8(out, <unsigned char>flags)


cdef inline int put_list_head(Buffer* out, size_t count) except -1 nogil:
    if count < 16:
        return put8(out, <unsigned char>(0x90 | count))
    if count <= 0xFFFF:
        return put_tagged16(out, 0xDC, <uint16_t>count)
    if count > MAX_MESSAGE:
        buffer_grow(out, count)             # raises InvalidArgument: each element takes at least a byte
    return put_tagged32(out, 0xDD, <uint32_t>count)


cdef inline int put_map_head(Buffer* out, size_t count) except -1 nogil:
    if count < 16:
        return put8(out, <unsigned char>(0x80 | count))
    if count <= 0xFFFF:
        return put_tagged16(out, 0xDE, <uint16_t>count)
    if count > MAX_MESSAGE:
        buffer_grow(out, count)
    return put_tagged32(out, 0xDF, <uint32_t>count)


cdef int put_blob(Packer* p, unsigned char particle, const void* data, Py_ssize_t size, bint packed) except -1:
    """Packs bytes inside a list or map (`packed`), or writes them as a bin's whole value."""
    if packed:
        return put_text(p.out, particle, data, <size_t>size)
    return put_bytes(p.out, data, <size_t>size)


cdef int put_buffer(Packer* p, object value, bint packed) except -1:
    """Packs a buffer of bytes as a blob."""
    cdef Py_buffer view
    wrong = open_bytes(value, &view)
    if wrong is not None:
        raise no_such_type(p, value, wrong)
    try:
        return put_blob(p, PARTICLE_BLOB, view.buf, view.len, packed)
    finally:
        PyBuffer_Release(&view)


cdef inline bint is_hll(object value):
    return isinstance(value, HyperLogLog)


cdef bytes raw_of(Packer* p, object value, bint packed):
    """Returns the bytes of a RawParticle; inside a list or map (`packed`) with its type in front."""
    particle = plain_int(value.type)
    data = plain_bytes(value.data) if isinstance(value.data, bytes) else None
    if data is None or particle is None:
        raise refused_type(p, value, f"needs an int and bytes: {shown(value)}")
    if not 0 <= particle <= 255:
        raise refused_value(p, f"{shown(value)} has no type of 0 to 255")
    return bytes((particle,)) + <bytes>data if packed else data


cdef int put_raw_text(Packer* p, object value) except -1:
    """Packs a RawParticle inside a list or map: a list or map as it is, all others as a string with the type in front."""
    cdef bytes data = raw_of(p, value, True)
    if data[0] == PARTICLE_LIST or data[0] == PARTICLE_MAP:
        try:
            unpack_value(data[0], value.data)
        except errors.ProtocolError:
            raise refused_value(p, f"{shown(value)} holds no {'list' if data[0] == PARTICLE_LIST else 'map'}") from None
        return put_bytes(p.out, PyBytes_AS_STRING(data) + 1, <size_t>(PyBytes_GET_SIZE(data) - 1))
    return put_text(
        p.out, <unsigned char>data[0], PyBytes_AS_STRING(data) + 1, <size_t>(PyBytes_GET_SIZE(data) - 1)
    )


cdef object too_deep(Packer* p):
    return errors.InvalidArgument(
        f"{place(p)}: lists and maps nested deeper than {MAX_DEPTH} levels",
        advice="servers from 8.2 on take 64 levels at most",
    )


cdef inline Step* enter(Packer* p) except NULL:
    """Goes one level into a list or map, and gives the place for where the packer is in it."""
    cdef Step* step
    if p.depth == MAX_DEPTH:
        raise too_deep(p)
    step = &p.path[p.depth]
    step.key = NULL
    step.index = 0
    p.depth += 1
    return step


cdef object changed_size(Packer* p, str what):
    """Returns the error for a list or dict whose size changed while it was packed."""
    return refused_value(p, f"the {what} changed its size while it was packed")


cdef int put_list(Packer* p, object value) except -1:
    cdef Py_ssize_t count = len(value)
    cdef Py_ssize_t i = 0
    cdef Step* step
    step = enter(p)
    put_list_head(p.out, <size_t>count)
    if PyList_CheckExact(value):
        for item in <list>value:
            step.index = i
            put_element(p, item)
            i += 1
    else:
        for item in value:
            step.index = i
            put_element(p, item)
            i += 1
    p.depth -= 1
    if i != count:
        raise changed_size(p, "list")
    return 0


cdef int put_ordered_list(Packer* p, object value) except -1:
    """Packs an ordered list: its flags, then its elements in the server's order.

    The server refuses an ordered list that is not sorted. Inside another value the server may not check it, and stores a
    corrupt list.
    """
    cdef Py_ssize_t count = len(value)
    cdef Py_ssize_t i = 0
    cdef size_t first
    cdef Step* step
    cdef Sorting sorting
    step = enter(p)
    p.compared += 1
    put_list_head(p.out, <size_t>count + 1)
    put_flags(p.out, LIST_ORDERED)
    first = p.out.size
    sorting_init(&sorting, count)
    try:
        for item in value:
            step.index = i
            put_element(p, item)
            if i < count:
                sorting.ends[i] = p.out.size - first
            i += 1
        p.depth -= 1
        if i != count:
            raise changed_size(p, "list")
        sort_packed(&sorting, p.out.data + first)
    finally:
        sorting_free(&sorting)
    p.compared -= 1
    return 0


cdef inline int put_sequence(Packer* p, object value) except -1:
    """Packs a tuple, an OrderedList or another subclass of list."""
    return put_ordered_list(p, value) if isinstance(value, OrderedList) else put_list(p, value)


cdef int put_key(Packer* p, object key) except -1:
    """Packs a map key, which is an int, str or bytes (values.md 3.2)."""
    cdef Py_ssize_t size = 0
    cdef const char* text
    if PyUnicode_CheckExact(key):
        text = utf8_of(p, key, &size)
        return put_text(p.out, PARTICLE_STRING, text, <size_t>size)
    if PyLong_CheckExact(key):
        return put_int(p.out, int64_of(p, key))
    if isinstance(key, (bool, float, GeoJSON, HyperLogLog)) or key is None:
        raise refused_type(p, key, "can't be a map key: the server takes int, str and bytes")
    if isinstance(key, RawParticle):
        if key.type != PARTICLE_STRING and key.type != PARTICLE_BLOB:
            raise refused_type(p, key, f"of type {key.type} can't be a map key: the server takes int, str and bytes")
        return put_raw_text(p, key)
    if isinstance(key, (str, int, bytes)) or plain_int(key) is not None:
        return put_element(p, key)
    if PyObject_CheckBuffer(key) and numpy_scalar(key) is None:
        return put_buffer(p, key, True)
    raise refused_type(p, key, "can't be a map key: the server takes int, str and bytes")


cdef inline bint is_plain_key(object key):
    """Whether the key's type is one for which keys are equal in Python exactly if they are equal to the server."""
    return PyUnicode_CheckExact(key) or PyLong_CheckExact(key) or PyBytes_CheckExact(key)


cdef int check_unique(Packer* p, object mapping) except -1:
    """Refuses keys that differ in Python but are the same to the server, which may store a corrupt map of them."""
    cdef set ranks = set()
    for key in mapping:
        rank = key_rank(key)
        if rank in ranks:
            raise refused_value(p, f"the key {shown(key)} comes twice")
        ranks.add(rank)
    return 0


cdef object GONE = object()               # stands for the value of a key that was deleted while the dict was packed


cdef int put_map(Packer* p, object mapping) except -1:
    cdef dict value = settled(mapping)
    cdef Py_ssize_t count = PyDict_Size(value)
    cdef Py_ssize_t i = 0
    cdef Step* step
    cdef int flags = 0
    cdef bint plain = True
    if not PyDict_CheckExact(mapping):
        if isinstance(mapping, KeyOrderedDict):
            flags = MAP_KEY_ORDERED
        elif isinstance(mapping, KeyValueOrderedDict):
            flags = MAP_KEY_VALUE_ORDERED
    if count == 1 and p.codecs != NULL:
        check_unmarked(p, value)
    step = enter(p)
    put_map_head(p.out, <size_t>count + (flags != 0))
    if flags:
        put_flags(p.out, flags)
        put8(p.out, 0xC0)
    if flags or p.compared:
        for key in in_key_order(value):
            step.key = <PyObject*>key
            plain = plain and is_plain_key(key)
            put_key(p, key)
            item = value.get(key, GONE)
            if item is GONE:
                break
            put_element(p, item)
            i += 1
            if PyDict_Size(value) != count:
                break
    else:
        for key, item in value.items():
            step.key = <PyObject*>key
            plain = plain and is_plain_key(key)
            put_key(p, key)
            put_element(p, item)
            i += 1
            if PyDict_Size(value) != count:
                break                       # before Python raises its own error, which names no place
    p.depth -= 1
    if i != count or PyDict_Size(value) != count:
        raise changed_size(p, "dict")
    if not plain:
        check_unique(p, value)
    return 0


def key_rank(key: object) -> tuple[int, Any]:
    """Return the rank by which the server sorts a map key: integers, then strings, then blobs."""
    if isinstance(key, str):
        return 3, plain_text(key).encode("utf-8", "surrogatepass")
    if isinstance(key, RawParticle):
        return (3 if key.type == PARTICLE_STRING else 4), (key.data if isinstance(key.data, bytes) else b"")
    number = plain_int(key)
    if number is not None:
        return 2, number
    data = plain_bytes(key)
    return (4, data) if data is not None else (5, b"")


cdef list in_key_order(object mapping):
    """Returns the keys in the server's order.

    A map with flags must have this order. The server sorts a map that it stores, but it does not sort a map in an
    operation's arguments or in an ordered list before it compares it.
    """
    cdef list keys = PyDict_Keys(mapping)
    cdef bint texts = True
    for key in keys:
        if not PyUnicode_CheckExact(key):
            texts = False
            break
    if PyList_GET_SIZE(keys) < 2:
        return keys
    if texts:                               # UTF-8 sorts as code points do
        keys.sort()
    else:
        keys.sort(key=key_rank)
    return keys


@cython.final
cdef class Packed:
    """Msgpack bytes, which are copied into an operation's arguments as they are."""

    cdef readonly bytes data

    def __cinit__(self, bytes data not None) -> None:
        self.data = data

    def __repr__(self) -> str:
        return f"Packed({self.data!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Packed) and (<Packed>other).data == self.data

    def __hash__(self) -> int:
        return hash(self.data)

    def __reduce__(self) -> tuple:
        return Packed, (self.data,)


cdef bint put_argument(Packer* p, object value) except -1:
    """Packs what only an operation's arguments may hold; returns False if the value is nothing of the kind."""
    if type(value) is Packed:
        put_bytes(p.out, PyBytes_AS_STRING((<Packed>value).data), <size_t>PyBytes_GET_SIZE((<Packed>value).data))
    elif value is Special.WILDCARD:
        put_bytes(p.out, b"\xD4\xFF\x00", 3)
    elif value is Special.INFINITY:
        put_bytes(p.out, b"\xD4\xFF\x01", 3)
    else:
        return False
    return True


# --- codecs ---


cdef inline bint has_codec(Packer* p, object value) noexcept:
    """Whether a value that the server has no type for is stored by a codec of the client's, or was encoded by one."""
    return type(value) is Encoded or (p.codecs != NULL and type(value) in (<CodecTable>p.codecs).by_type)


cdef int check_unmarked(Packer* p, dict entries) except -1:
    """Refuses a map of one entry that would be taken for what a codec has marked when it is read."""
    if (<CodecTable>p.codecs).by_tag is None:
        return 0
    for name in entries:
        if isinstance(name, str) and name in (<CodecTable>p.codecs).by_tag:
            raise refused_value(p, f"a map with the only key {shown(name)} would be read as what a codec has marked so")
    return 0


cdef int put_encoded(Packer* p, object value, bint packed) except -1:
    """Packs what is stored of a value that has a codec: inside a list or map (`packed`), or as a bin's whole value.

    Returns the particle type of a bin's whole value.
    """
    cdef str tag
    cdef Py_ssize_t size = 0
    cdef const char* text
    cdef int particle = PARTICLE_MAP
    cdef Step* step
    if type(value) is Encoded:
        tag = (<Encoded>value).tag
        encoded = (<Encoded>value).value
    else:
        encode, tag = (<CodecTable>p.codecs).by_type[type(value)]
        try:
            encoded = encode(value)
        except Exception as error:
            raise errors.InvalidArgument(
                f"{place(p)}: {type(value).__name__} {shown(value)} can't be encoded: {error}"
            ) from error
    if p.encodings == MOST_ENCODINGS:
        raise refused_value(p, f"codecs encode what others give, more than {MOST_ENCODINGS} deep")
    p.encodings += 1
    if tag is not None:                     # a map of one entry
        step = enter(p)
        step.key = <PyObject*>tag
        put_map_head(p.out, 1)
        text = utf8_of(p, tag, &size)
        put_text(p.out, PARTICLE_STRING, text, <size_t>size)
        put_element(p, encoded)
        p.depth -= 1
    elif packed:
        put_element(p, encoded)
    else:
        particle = put_particle(p, encoded)
    p.encodings -= 1
    return particle


cdef inline int put_element(Packer* p, object value) except -1:
    """Packs one value inside a list or map."""
    cdef Py_ssize_t size = 0
    cdef const char* text
    if PyUnicode_CheckExact(value):
        text = utf8_of(p, value, &size)
        return put_text(p.out, PARTICLE_STRING, text, <size_t>size)
    if PyLong_CheckExact(value):
        return put_int(p.out, int64_of(p, value))
    return put_other_element(p, value)


cdef int put_other_element(Packer* p, object value) except -1:
    """One that is neither exactly a str nor an int."""
    cdef Py_ssize_t size = 0
    cdef const char* text
    if PyFloat_CheckExact(value):
        return put_tagged64(p.out, 0xCB, double_bits(PyFloat_AS_DOUBLE(value)))
    if value is None:
        return put8(p.out, 0xC0)
    if value is True:
        return put8(p.out, 0xC3)
    if value is False:
        return put8(p.out, 0xC2)
    if PyDict_CheckExact(value):
        return put_map(p, value)
    if PyList_CheckExact(value):
        return put_list(p, value)
    if isinstance(value, int):              # the flags and orders of operations are IntEnums
        return put_int(p.out, int64_of(p, value))
    if PyBytes_CheckExact(value):
        return put_text(p.out, PARTICLE_BLOB, PyBytes_AS_STRING(value), <size_t>PyBytes_GET_SIZE(value))
    if isinstance(value, str):
        text = utf8_of(p, value, &size)
        return put_text(p.out, PARTICLE_GEOJSON if isinstance(value, GeoJSON) else PARTICLE_STRING, text, <size_t>size)
    if isinstance(value, float):
        return put_tagged64(p.out, 0xCB, double_bits(<double>value))
    if isinstance(value, dict):
        return put_map(p, value)
    if isinstance(value, (list, tuple)):
        return put_sequence(p, value)
    if isinstance(value, bytes):
        return put_blob(
            p, PARTICLE_HLL if is_hll(value) else PARTICLE_BLOB, PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value), True
        )
    if isinstance(value, RawParticle):
        return put_raw_text(p, value)
    if has_codec(p, value):
        put_encoded(p, value, True)
        return 0
    number = plain_int(value)
    if number is not None:
        return put_int(p.out, int64_of(p, number))
    scalar = numpy_scalar(value)
    if scalar is not None:
        return put_element(p, scalar)
    if PyObject_CheckBuffer(value):
        return put_buffer(p, value, True)
    if p.arguments and put_argument(p, value):
        return 0
    raise no_such_type(p, value)


# --- particles -------------------------------------------------------------------------------------


cdef inline int put_int64(Buffer* out, int64_t v) except -1:
    store64(buffer_take(out, 8), <uint64_t>v)
    return 0


cdef int put_particle(Packer* p, object value) except -1:
    """Writes the bytes of a bin's whole value; returns its particle type."""
    cdef Py_ssize_t size = 0
    cdef const char* text
    if PyUnicode_CheckExact(value):
        text = utf8_of(p, value, &size)
        put_bytes(p.out, text, <size_t>size)
        return PARTICLE_STRING
    if PyLong_CheckExact(value):
        put_int64(p.out, int64_of(p, value))
        return PARTICLE_INTEGER
    if PyFloat_CheckExact(value):
        store64(buffer_take(p.out, 8), double_bits(PyFloat_AS_DOUBLE(value)))
        return PARTICLE_FLOAT
    if value is None:
        return PARTICLE_NULL
    if value is True or value is False:
        put8(p.out, value is True)
        return PARTICLE_BOOL
    if PyDict_CheckExact(value):
        put_map(p, value)
        return PARTICLE_MAP
    if PyList_CheckExact(value):
        put_list(p, value)
        return PARTICLE_LIST
    if PyBytes_CheckExact(value):
        put_bytes(p.out, PyBytes_AS_STRING(value), <size_t>PyBytes_GET_SIZE(value))
        return PARTICLE_BLOB
    if isinstance(value, str):
        text = utf8_of(p, value, &size)
        if isinstance(value, GeoJSON):
            memset(buffer_take(p.out, 3), 0, 3)     # flags, and no cells: the server computes them
            put_bytes(p.out, text, <size_t>size)
            return PARTICLE_GEOJSON
        put_bytes(p.out, text, <size_t>size)
        return PARTICLE_STRING
    if isinstance(value, float):
        store64(buffer_take(p.out, 8), double_bits(<double>value))
        return PARTICLE_FLOAT
    if isinstance(value, dict):
        put_map(p, value)
        return PARTICLE_MAP
    if isinstance(value, (list, tuple)):
        put_sequence(p, value)
        return PARTICLE_LIST
    if isinstance(value, bytes):
        put_bytes(p.out, PyBytes_AS_STRING(value), <size_t>PyBytes_GET_SIZE(value))
        return PARTICLE_HLL if is_hll(value) else PARTICLE_BLOB
    if isinstance(value, RawParticle):
        data = raw_of(p, value, False)
        put_bytes(p.out, PyBytes_AS_STRING(data), <size_t>PyBytes_GET_SIZE(data))
        return plain_int(value.type)
    if has_codec(p, value):
        return put_encoded(p, value, False)
    number = plain_int(value)
    if number is not None:
        put_int64(p.out, int64_of(p, number))
        return PARTICLE_INTEGER
    scalar = numpy_scalar(value)
    if scalar is not None:
        return put_particle(p, scalar)
    if PyObject_CheckBuffer(value):
        put_buffer(p, value, False)
        return PARTICLE_BLOB
    raise no_such_type(p, value)


def pack_element(value: object) -> bytes:
    """Return the msgpack of a value in an operation's arguments; INFINITY, WILDCARD and `Packed` are allowed at any depth."""
    cdef Buffer out
    cdef Packer packer
    cdef unsigned char storage[512]
    buffer_init(&out, storage, sizeof(storage))
    arguments_init(&packer, &out, None)
    try:
        put_element(&packer, value)
        return PyBytes_FromStringAndSize(<const char*>out.data, <Py_ssize_t>out.size)
    finally:
        buffer_free(&out)


def pack_value(value: object) -> tuple[int, bytes]:
    """Return the particle type and the bytes of a bin's value, as a write sends them."""
    cdef Buffer out
    cdef Packer packer
    cdef unsigned char storage[512]
    buffer_init(&out, storage, sizeof(storage))
    packer_init(&packer, &out, None)
    try:
        particle = put_particle(&packer, value)
        return particle, PyBytes_FromStringAndSize(<const char*>out.data, <Py_ssize_t>out.size)
    finally:
        buffer_free(&out)
