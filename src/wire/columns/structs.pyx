# The structs of Arrow's C data interface and its C stream interface, and the capsules in which Python code hands them over
# (https://arrow.apache.org/docs/format/CDataInterface.html).
#
# Whoever gets a struct may move it elsewhere by copying its bytes and marking the source as released, so nothing points into
# a struct itself. What frees one needs no GIL, as consumers may do it in any thread, also one that Python does not know.

cdef extern from *:
    """
    #ifndef ARROW_C_DATA_INTERFACE
    #define ARROW_C_DATA_INTERFACE
    struct ArrowSchema {
        const char *format;
        const char *name;
        const char *metadata;
        int64_t flags;
        int64_t n_children;
        struct ArrowSchema **children;
        struct ArrowSchema *dictionary;
        void (*release)(struct ArrowSchema *);
        void *private_data;
    };
    struct ArrowArray {
        int64_t length;
        int64_t null_count;
        int64_t offset;
        int64_t n_buffers;
        int64_t n_children;
        const void **buffers;
        struct ArrowArray **children;
        struct ArrowArray *dictionary;
        void (*release)(struct ArrowArray *);
        void *private_data;
    };
    #endif
    #ifndef ARROW_C_STREAM_INTERFACE
    #define ARROW_C_STREAM_INTERFACE
    struct ArrowArrayStream {
        int (*get_schema)(struct ArrowArrayStream *, struct ArrowSchema *);
        int (*get_next)(struct ArrowArrayStream *, struct ArrowArray *);
        const char *(*get_last_error)(struct ArrowArrayStream *);
        void (*release)(struct ArrowArrayStream *);
        void *private_data;
    };
    #endif
    """
    struct SchemaStruct "ArrowSchema":
        const char* format
        const char* name
        const char* metadata
        int64_t flags
        int64_t n_children
        SchemaStruct** children
        SchemaStruct* dictionary
        void (*release)(SchemaStruct*) noexcept nogil
        void* private_data

    struct ArrayStruct "ArrowArray":
        int64_t length
        int64_t null_count
        int64_t offset
        int64_t n_buffers
        int64_t n_children
        const void** buffers
        ArrayStruct** children
        ArrayStruct* dictionary
        void (*release)(ArrayStruct*) noexcept nogil
        void* private_data

    struct StreamStruct "ArrowArrayStream":
        int (*get_schema)(StreamStruct*, SchemaStruct*) noexcept nogil
        int (*get_next)(StreamStruct*, ArrayStruct*) noexcept nogil
        const char* (*get_last_error)(StreamStruct*) noexcept nogil
        void (*release)(StreamStruct*) noexcept nogil
        void* private_data


cdef enum:                                  # flags of a field
    ARROW_DICTIONARY_ORDERED = 1
    ARROW_NULLABLE = 2
    ARROW_KEYS_SORTED = 4


cdef const char* SCHEMA_CAPSULE = "arrow_schema"
cdef const char* ARRAY_CAPSULE = "arrow_array"
cdef const char* STREAM_CAPSULE = "arrow_array_stream"


cdef void drop_schema(object capsule) noexcept:
    cdef SchemaStruct* c = <SchemaStruct*>PyCapsule_GetPointer(capsule, SCHEMA_CAPSULE)
    if c.release != NULL:
        c.release(c)
    PyMem_RawFree(c)


cdef void drop_array(object capsule) noexcept:
    cdef ArrayStruct* c = <ArrayStruct*>PyCapsule_GetPointer(capsule, ARRAY_CAPSULE)
    if c.release != NULL:
        c.release(c)
    PyMem_RawFree(c)


cdef void drop_stream(object capsule) noexcept:
    cdef StreamStruct* c = <StreamStruct*>PyCapsule_GetPointer(capsule, STREAM_CAPSULE)
    if c.release != NULL:
        c.release(c)
    PyMem_RawFree(c)


cdef object new_capsule(size_t size, const char* name, PyCapsule_Destructor drop):
    """Returns a capsule with a released struct, which is filled then: so errors on the way leave nothing behind."""
    cdef void* c = PyMem_RawMalloc(size)
    if c == NULL:
        raise MemoryError
    memset(c, 0, size)
    try:
        return PyCapsule_New(c, name, drop)
    except BaseException:
        PyMem_RawFree(c)
        raise


cdef SchemaStruct* schema_in(object capsule) except NULL:
    """Returns the schema in a capsule that somebody handed over."""
    cdef SchemaStruct* c
    if not PyCapsule_IsValid(capsule, SCHEMA_CAPSULE):
        raise errors.InvalidType(f"a schema must come in a capsule named arrow_schema, not as {shown(capsule)}")
    c = <SchemaStruct*>PyCapsule_GetPointer(capsule, SCHEMA_CAPSULE)
    if c.release == NULL:
        raise errors.InvalidArgument("the schema was released already")
    return c
