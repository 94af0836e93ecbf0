# A cache of short texts that come again and again, as bin names and map keys do. Each connection has one: when a text comes
# again, the cache returns the Python string that was made the first time. Each slot holds the latest text whose hash is the
# slot's number. Only texts that are valid UTF-8 are kept, so whoever finds one need not look at its bytes.

cdef extern from *:
    """
    /* Both go by 8 bytes or by 4, the last of which may overlap with those before. */
    static inline int is_ascii(const unsigned char *p, size_t size) {
        const unsigned char *last = p + size;
        uint64_t all = 0, eight;
        uint32_t four;
        if (size >= 8) {
            for (; p < last - 8; p += 8) {
                memcpy(&eight, p, 8);
                all |= eight;
            }
            memcpy(&eight, last - 8, 8);
            return !((all | eight) & UINT64_C(0x8080808080808080));
        }
        if (size >= 4) {
            memcpy(&four, p, 4);
            all = four;
            memcpy(&four, last - 4, 4);
            return !((all | four) & 0x80808080);
        }
        while (p < last)
            all |= *p++;
        return !(all & 0x80);
    }

    static inline int same_bytes(const unsigned char *p, const unsigned char *q, size_t size) {
        const unsigned char *last = p + size;
        if (size >= 8) {
            for (; p < last - 8; p += 8, q += 8)
                if (load64(p) != load64(q))
                    return 0;
            return load64(last - 8) == load64(q + (last - p) - 8);
        }
        if (size >= 4)
            return load32(p) == load32(q) && load32(last - 4) == load32(q + size - 4);
        while (p < last)
            if (*p++ != *q++)
                return 0;
        return 1;
    }
    """
    bint is_ascii(const unsigned char* p, size_t size) noexcept nogil
    bint same_bytes(const unsigned char* p, const unsigned char* q, size_t size) noexcept nogil


cdef extern from *:
    """
    static inline PyObject *new_ascii(const unsigned char *p, Py_ssize_t size) {
    #ifdef Py_LIMITED_API
        return PyUnicode_FromStringAndSize((const char *)p, size);
    #else
        PyObject *text = PyUnicode_New(size, 127);
        if (text != NULL)
            memcpy(PyUnicode_1BYTE_DATA(text), p, (size_t)size);
        return text;
    #endif
    }
    """
    object new_ascii(const unsigned char* p, Py_ssize_t size)


cdef inline object ascii_text(const unsigned char* p, size_t size):
    """Returns the str of ASCII bytes, which needs no decoder."""
    if size < 2:                            # Python keeps strings of one character
        return PyUnicode_DecodeUTF8(<const char*>p, <Py_ssize_t>size, NULL)
    return new_ascii(p, <Py_ssize_t>size)


cdef enum:
    NAME_SLOTS = 128                        # a power of two
    NAME_SIZE = 23                          # longer texts are not kept


cdef struct NameSlot:
    PyObject* text                          # owned; NULL while unused
    unsigned char size
    unsigned char data[NAME_SIZE]


cdef struct NameCache:
    NameSlot slots[NAME_SLOTS]


cdef inline size_t name_slot(const unsigned char* p, size_t size) noexcept nogil:
    cdef uint32_t h = <uint32_t>size
    if size >= 4:
        h ^= load32(p) * <uint32_t>0x9E3779B1
        h ^= load32(p + size - 4) * <uint32_t>0x85EBCA77
    else:
        h ^= (p[0] << 16 | p[size >> 1] << 8 | p[size - 1]) * <uint32_t>0x9E3779B1
    h ^= h >> 15
    h *= <uint32_t>0x2C1B3C6D
    return (h >> 20) & (NAME_SLOTS - 1)


cdef inline NameSlot* slot_of(NameCache* cache, const unsigned char* p, size_t size) noexcept nogil:
    """Returns the slot in which such a text is kept; NULL if it is not kept, as it is too long or there is no cache."""
    if cache == NULL or size == 0 or size > NAME_SIZE:
        return NULL
    return &cache.slots[name_slot(p, size)]


cdef inline bint holds(NameSlot* slot, const unsigned char* p, size_t size) noexcept nogil:
    return slot.text != NULL and slot.size == size and same_bytes(slot.data, p, size)


cdef void keep_text(NameSlot* slot, object text, const unsigned char* p, size_t size) noexcept:
    """Keeps a text in the place of the one before, unless `slot` is NULL. `p`: its bytes, which are UTF-8."""
    if slot != NULL:
        Py_INCREF(text)
        Py_XDECREF(slot.text)
        slot.text = <PyObject*>text
        slot.size = <unsigned char>size
        memcpy(slot.data, p, size)


cdef object new_name(NameSlot* slot, const unsigned char* p, size_t size):
    """Decodes a name that `slot` does not hold."""
    if is_ascii(p, size):
        text = ascii_text(p, size)
    else:
        try:
            text = PyUnicode_DecodeUTF8(<const char*>p, <Py_ssize_t>size, NULL)
        except UnicodeDecodeError:
            return PyUnicode_DecodeUTF8(<const char*>p, <Py_ssize_t>size, b"surrogateescape")
    keep_text(slot, text, p, size)
    return text


cdef inline object name_text(NameCache* cache, const unsigned char* p, size_t size):
    """Returns a name, the same object each time as long as the cache holds it. Bytes that are no UTF-8 become surrogates."""
    cdef NameSlot* slot = slot_of(cache, p, size)
    if slot != NULL and holds(slot, p, size):
        return <object>slot.text
    return new_name(slot, p, size)


cdef void names_clear(NameCache* cache) noexcept:
    cdef int i
    for i in range(NAME_SLOTS):
        Py_XDECREF(cache.slots[i].text)
        cache.slots[i].text = NULL
