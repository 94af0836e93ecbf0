# A growing buffer of bytes to send. The owner gives it a first piece of its own storage; only when
# that is full does the buffer take memory, which `buffer_free` gives back.

cdef extern from "assert.h" nogil:
    void ensure "assert"(bint)              # without the GIL, where Python's can't be; nothing but in debug builds


cdef enum:
    FIRST_MEMORY = 1024                     # bytes that are taken at least, once the owner's storage is full


cdef struct Buffer:
    unsigned char* data
    size_t size
    size_t capacity
    unsigned char* given                    # the owner's storage, never freed here


cdef inline void buffer_init(Buffer* b, unsigned char* storage, size_t capacity) noexcept nogil:
    b.data = storage
    b.given = storage
    b.size = 0
    b.capacity = capacity


cdef inline void buffer_free(Buffer* b) noexcept nogil:
    if b.data != b.given:
        PyMem_RawFree(b.data)
        b.data = b.given


cdef int buffer_grow(Buffer* b, size_t more) except -1 with gil:
    cdef size_t wanted = b.size + more
    cdef size_t capacity = b.capacity * 2
    cdef unsigned char* data
    if more > MAX_MESSAGE or wanted > MAX_MESSAGE:
        raise errors.InvalidArgument(
            f"the message would pass the protocol's limit of {MAX_MESSAGE} bytes",
            advice="store less in one record",
        )
    if capacity < FIRST_MEMORY:
        capacity = FIRST_MEMORY
    if capacity < wanted:
        capacity = wanted
    if b.data == b.given:
        data = <unsigned char*>PyMem_RawMalloc(capacity)
        if data != NULL:
            memcpy(data, b.data, b.size)
    else:
        data = <unsigned char*>PyMem_RawRealloc(b.data, capacity)
    if data == NULL:
        raise MemoryError
    b.data = data
    b.capacity = capacity
    return 0


cdef inline unsigned char* buffer_take(Buffer* b, size_t size) except NULL nogil:
    """Room for `size` bytes at the end, counted as written. Valid until the next call."""
    cdef unsigned char* p
    if size > b.capacity - b.size:
        buffer_grow(b, size)
    ensure(b.size + size <= b.capacity)
    p = b.data + b.size
    b.size += size
    return p


cdef inline int put8(Buffer* b, unsigned char v) except -1 nogil:
    buffer_take(b, 1)[0] = v
    return 0


cdef inline int put_tagged16(Buffer* b, unsigned char tag, uint16_t v) except -1 nogil:
    cdef unsigned char* p = buffer_take(b, 3)
    p[0] = tag
    store16(p + 1, v)
    return 0


cdef inline int put_tagged32(Buffer* b, unsigned char tag, uint32_t v) except -1 nogil:
    cdef unsigned char* p = buffer_take(b, 5)
    p[0] = tag
    store32(p + 1, v)
    return 0


cdef inline int put_tagged64(Buffer* b, unsigned char tag, uint64_t v) except -1 nogil:
    cdef unsigned char* p = buffer_take(b, 9)
    p[0] = tag
    store64(p + 1, v)
    return 0


cdef inline int put_bytes(Buffer* b, const void* data, size_t size) except -1 nogil:
    memcpy(buffer_take(b, size), data, size)
    return 0
