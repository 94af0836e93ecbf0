# The plain values that objects stand for: the text that a subclass of str holds, the integer behind an __index__, the
# bytes of a buffer, the bool or float of one of NumPy's scalars. The methods with which a subclass converts itself (__str__,
# __bytes__, __format__) are not called.

cdef extern from *:
    """
    /* A dict that no other thread changes while it is gone through: on free-threaded Python a copy, elsewhere itself. */
    #ifdef Py_GIL_DISABLED
    #define settled(mapping) PyDict_Copy(mapping)
    #else
    #define settled(mapping) (Py_INCREF(mapping), (mapping))
    #endif
    """
    dict settled(object mapping)


cdef extern from "Python.h":
    const char* PyUnicode_AsUTF8AndSize(object text, Py_ssize_t* size) except NULL
    object PyUnicode_FromObject(object text)


cdef extern from *:
    """
    #include <string.h>
    #if PY_VERSION_HEX < 0x030B0000
    #include <longintrepr.h>
    #endif

    /* Returns the memory of a str that is ASCII; NULL for other text, and for subclasses. */
    static inline const char *ascii_of(PyObject *text, Py_ssize_t *size) {
    #ifdef Py_LIMITED_API
        (void)text, (void)size;
        return NULL;
    #else
        if (!PyUnicode_IS_COMPACT_ASCII(text))
            return NULL;
        *size = PyUnicode_GET_LENGTH(text);
        return (const char *)PyUnicode_1BYTE_DATA(text);
    #endif
    }

    /* Whether a byte of a name is NUL, looked for eight or four bytes at a time; the last ones may be looked at twice. */
    static inline int has_nul(const char *p, size_t size) {
        uint64_t eight, found = 0;
        uint32_t first, last;
        const char *end = p + size;
        if (size < 4) {
            while (p != end)
                if (!*p++)
                    return 1;
            return 0;
        }
        for (; end - p >= 8; p += 8) {
            memcpy(&eight, p, 8);
            found |= (eight - UINT64_C(0x0101010101010101)) & ~eight;
        }
        if (p != end) {
            memcpy(&first, end - p >= 4 ? p : end - 4, 4);
            memcpy(&last, end - 4, 4);
            eight = (uint64_t)first << 32 | last;
            found |= (eight - UINT64_C(0x0101010101010101)) & ~eight;
        }
        return (found & UINT64_C(0x8080808080808080)) != 0;
    }

    /* Copies up to 16 bytes, and tells whether one of them is NUL. The last ones may be copied twice. */
    static inline int copy_short(unsigned char *to, const char *from, size_t size) {
        uint64_t eight[2];
        uint32_t four[2];
        int found = 0;
        if (size >= 8) {
            memcpy(eight, from, 8);
            memcpy(eight + 1, from + size - 8, 8);
            memcpy(to, eight, 8);
            memcpy(to + size - 8, eight + 1, 8);
        } else if (size >= 4) {
            memcpy(four, from, 4);
            memcpy(four + 1, from + size - 4, 4);
            memcpy(to, four, 4);
            memcpy(to + size - 4, four + 1, 4);
            eight[0] = eight[1] = (uint64_t)four[0] << 32 | four[1];
        } else {
            for (; size; size--) {
                found |= !*from;
                *to++ = (unsigned char)*from++;
            }
            return found;
        }
        eight[0] = (eight[0] - UINT64_C(0x0101010101010101)) & ~eight[0];
        eight[1] = (eight[1] - UINT64_C(0x0101010101010101)) & ~eight[1];
        return ((eight[0] | eight[1]) & UINT64_C(0x8080808080808080)) != 0;
    }

    /* Gives the number of an int, or of an object of a subclass, if it has not more digits than one. */
    static inline int small_int(PyObject *value, int64_t *number) {
    #ifdef Py_LIMITED_API
        int overflow;
        *number = PyLong_AsLongLongAndOverflow(value, &overflow);
        return !overflow;
    #else
    #if PY_VERSION_HEX >= 0x030C0000
        if (!PyUnstable_Long_IsCompact((PyLongObject *)value))
            return 0;
        *number = PyUnstable_Long_CompactValue((PyLongObject *)value);
    #else
        Py_ssize_t digits = Py_SIZE(value);
        if (digits < -1 || digits > 1)
            return 0;
        *number = digits ? digits * (int64_t)((PyLongObject *)value)->ob_digit[0] : 0;
    #endif
        return 1;
    #endif
    }

    #ifdef Py_LIMITED_API
    /* Whether a class has this name in NumPy. */
    static int is_numpy_class(PyTypeObject *type, const char *name) {
        PyObject *module = PyObject_GetAttrString((PyObject *)type, "__module__");
        PyObject *own = PyObject_GetAttrString((PyObject *)type, "__name__");
        int same = module != NULL && own != NULL && PyUnicode_Check(module) && PyUnicode_Check(own)
            && PyUnicode_CompareWithASCIIString(module, "numpy") == 0
            && PyUnicode_CompareWithASCIIString(own, name) == 0;
        Py_XDECREF(module);
        Py_XDECREF(own);
        PyErr_Clear();
        return same;
    }

    static int is_numpy_scalar(PyObject *value) {
        PyTypeObject *type = Py_TYPE(value);
        for (; type != NULL; type = (PyTypeObject *)PyType_GetSlot(type, Py_tp_base))
            if (is_numpy_class(type, "generic"))
                return 1;
        return 0;
    }

    static inline int is_numpy_bool(PyObject *value) {
        return is_numpy_class(Py_TYPE(value), "bool") || is_numpy_class(Py_TYPE(value), "bool_");
    }
    #else
    /* Whether an object is one of NumPy's scalars. NumPy is not imported for it. */
    static int is_numpy_scalar(PyObject *value) {
        PyTypeObject *type = Py_TYPE(value);
        for (; type != NULL; type = type->tp_base)
            if (strcmp(type->tp_name, "numpy.generic") == 0)
                return 1;
        return 0;
    }

    /* Whether an object is NumPy's bool. Before NumPy 2.3 it has an __index__, which warns; before 2 it has another name. */
    static inline int is_numpy_bool(PyObject *value) {
        const char *name = Py_TYPE(value)->tp_name;
        return strcmp(name, "numpy.bool") == 0 || strcmp(name, "numpy.bool_") == 0;
    }
    #endif
    """
    const char* ascii_of(object text, Py_ssize_t* size) noexcept
    bint has_nul(const char* p, size_t size) noexcept nogil
    bint copy_short(unsigned char* to, const char* from_, size_t size) noexcept nogil
    bint small_int(object value, int64_t* number) noexcept
    bint is_numpy_scalar(object value) noexcept
    bint is_numpy_bool(object value) noexcept


cdef inline const char* utf8_size(object text, Py_ssize_t* size) except NULL:
    """Returns the UTF-8 of the text that a str or a subclass of str holds; the memory lives as long as the object."""
    cdef const char* data = ascii_of(text, size)
    return data if data != NULL else PyUnicode_AsUTF8AndSize(text, size)


cpdef object plain_text(object text):
    """Return the text that a str or a subclass of str holds, as a str."""
    return text if PyUnicode_CheckExact(text) else PyUnicode_FromObject(text)


cpdef object plain_int(object value):
    """Return the int that an int or an object with __index__ stands for; None for all other objects and for a bool.

    A type may have an __index__ that works for some objects only: a NumPy array's raises TypeError unless the array is one
    integer.
    """
    if PyLong_CheckExact(value):
        return value
    if not PyIndex_Check(value) or isinstance(value, bool) or is_numpy_bool(value):
        return None
    try:
        return PyNumber_Index(value)
    except TypeError:
        return None


cpdef object plain_number(object value):
    """Return the int or float that an object stands for; None if it stands for neither."""
    if PyFloat_CheckExact(value):
        return value
    number = plain_int(value)
    if number is not None:
        return number
    if isinstance(value, float):
        return PyFloat_AS_DOUBLE(value)
    scalar = numpy_scalar(value)
    return scalar if PyFloat_CheckExact(scalar) else None


cpdef object numpy_scalar(object value):
    """Return the bool or float that one of NumPy's scalars stands for; None for all other objects.

    NumPy's integers, texts, bytes and doubles are not handled here: they have __index__ or are str, bytes and float. A long
    double gives None, as a float would lose digits.
    """
    cdef Py_buffer view
    if not is_numpy_scalar(value):
        return None
    try:
        PyObject_GetBuffer(value, &view, PyBUF_FORMAT)
    except (BufferError, ValueError):
        return None
    try:
        if view.ndim != 0 or view.format == NULL or view.format[1] != 0:
            return None
        if view.format[0] == c"?":
            return (<const char*>view.buf)[0] != 0
        return float(value) if view.format[0] in (c"e", c"f", c"d") else None
    finally:
        PyBuffer_Release(&view)


cdef str open_bytes(object value, Py_buffer* view):
    """Opens a buffer of bytes, which the caller releases, and returns None; else opens nothing and returns what is wrong."""
    if not PyObject_CheckBuffer(value) or is_numpy_scalar(value):
        return "is not an Aerospike type"   # NumPy's times have buffers of bytes, but are not bytes
    try:
        PyObject_GetBuffer(value, view, PyBUF_FORMAT | PyBUF_STRIDES)
    except (BufferError, ValueError) as error:
        return f"is not an Aerospike type: {error}"
    wrong = not_bytes(view)
    if wrong is not None:
        PyBuffer_Release(view)
    return wrong


cdef str not_bytes(Py_buffer* view):
    """Returns what is wrong with a buffer; None if it holds bytes one after the other."""
    kind = "B" if view.format == NULL else (<bytes>view.format).decode("ascii", "backslashreplace")
    if view.ndim == 0:
        return "is not an Aerospike type"
    if view.ndim > 1:
        return f"of {view.ndim} dimensions is not an Aerospike type: make lists or bytes of it"
    if view.itemsize != 1:
        return f"of items of {view.itemsize} bytes (format {shown(kind)}) is not an Aerospike type: make bytes of it"
    if kind not in ("B", "b", "c"):
        return f"of format {shown(kind)} is not an Aerospike type: make bytes of it"
    if not PyBuffer_IsContiguous(view, c"C"):
        return "is not contiguous: make bytes of it"
    return None


cpdef object plain_bytes(object value):
    """Return as bytes what bytes, a subclass of bytes, or a buffer of bytes holds; None for all other objects."""
    cdef Py_buffer view
    if PyBytes_CheckExact(value):
        return value
    if isinstance(value, bytes):
        return PyBytes_FromStringAndSize(PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value))
    if open_bytes(value, &view) is not None:
        return None
    try:
        return PyBytes_FromStringAndSize(<const char*>view.buf, view.len)
    finally:
        PyBuffer_Release(&view)
