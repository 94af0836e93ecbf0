# Reads an answer that has fields only, such as the one that explains a query (server-8.2.md 17.5).

@cython.final
cdef class FieldsReader(Reader):
    """Gives the fields by their numbers, as they came."""

    cdef object read(self, Key key, object given, const unsigned char* body, size_t size, NameCache* names):
        cdef Cursor c
        cdef MessageHeader header
        cdef MessageField field
        cdef dict found = {}
        cdef int _i
        cursor_init(&c, body, size, names)
        next_message(&c, &header)
        if header.result_code != RESULT_OK:
            return refused(&c, &header, key, RAISE)
        for _i in range(header.field_count):
            next_field(&c, &field)
            found[field.kind] = PyBytes_FromStringAndSize(<const char*>field.data, <Py_ssize_t>field.size)
        skip_ops(&c, header.op_count)
        end_of_frame(&c)
        return found


cdef Reader FIELDS_READER = FieldsReader()
