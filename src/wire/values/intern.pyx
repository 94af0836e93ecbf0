# A cache of short texts that come again and again, as bin names and map keys do. Each connection has one: when a text comes
# again, the cache returns the Python string that was made the first time. Each slot holds the latest text with its hash.

cdef extern from *:
    """
    static inline int is_ascii(const unsigned char *p, size_t size) {
        uint64_t all = 0, eight;
        for (; size >= 8; p += 8, size -= 8) {
            memcpy(&eight, p, 8);
            all |= eight;
        }
        while (size--)
            all |= *p++;
        return !(all & UINT64_C(0x8080808080808080));
    }
    """
    bint is_ascii(const unsigned char* p, size_t size) noexcept nogil


cdef extern from "Python.h":
    object PyUnicode_New(Py_ssize_t size, Py_UCS4 most)
    unsigned char* PyUnicode_1BYTE_DATA(object text) noexcept


cdef inline object ascii_text(const unsigned char* p, size_t size):
    """Returns the str of ASCII bytes, which needs no decoder."""
    if size < 2:                            # Python keeps strings of one character
        return PyUnicode_DecodeUTF8(<const char*>p, <Py_ssize_t>size, NULL)
    text = PyUnicode_New(<Py_ssize_t>size, 127)
    memcpy(PyUnicode_1BYTE_DATA(text), p, size)
    return text


cdef inline object utf8_text(const unsigned char* p, size_t size, const char* errors_):
    """Returns the str of UTF-8 bytes."""
    return ascii_text(p, size) if is_ascii(p, size) else PyUnicode_DecodeUTF8(<const char*>p, <Py_ssize_t>size, errors_)


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


cdef inline object short_text(NameCache* cache, const unsigned char* p, size_t size, const char* errors_):
    """Returns the str of UTF-8 bytes; the same object each time as long as the cache holds it."""
    cdef NameSlot* slot
    if cache == NULL or size == 0 or size > NAME_SIZE:
        return utf8_text(p, size, errors_)
    slot = &cache.slots[name_slot(p, size)]
    if slot.text != NULL and slot.size == size and memcmp(slot.data, p, size) == 0:
        return <object>slot.text
    text = utf8_text(p, size, errors_)
    Py_INCREF(text)
    Py_XDECREF(slot.text)
    slot.text = <PyObject*>text
    slot.size = <unsigned char>size
    memcpy(slot.data, p, size)
    return text


cdef void names_clear(NameCache* cache) noexcept:
    cdef int i
    for i in range(NAME_SLOTS):
        Py_XDECREF(cache.slots[i].text)
        cache.slots[i].text = NULL
