# Gives columns away as Arrow's arrays: their memory moves into C structs, and the columns begin anew with the next batch.

cdef extern from *:
    """
    static inline int64_t bits_set(const unsigned char *bits, int64_t count) {
        int64_t found = 0, i = 0;
        uint64_t eight;
        for (; i + 64 <= count; i += 64) {
            memcpy(&eight, bits + i / 8, 8);
            found += __builtin_popcountll(eight);
        }
        for (; i < count; i++)
            found += bits[i / 8] >> (i % 8) & 1;
        return found;
    }
    static inline void one_more(int32_t *count) { __atomic_add_fetch(count, 1, __ATOMIC_RELAXED); }
    static inline int one_less(int32_t *count) { return __atomic_sub_fetch(count, 1, __ATOMIC_ACQ_REL); }
    """
    int64_t bits_set(const unsigned char* bits, int64_t count) noexcept nogil
    void one_more(int32_t* count) noexcept nogil
    int one_less(int32_t* count) noexcept nogil


cdef enum:
    MOST_BUFFERS = 4                        # of views: validity, views, their bytes, and how many these are


cdef struct OwnedArray:                     # what an array points to
    const void* buffers[MOST_BUFFERS]
    void* memory[MOST_BUFFERS]
    ArrayStruct* fields
    ArrayStruct** pointers
    ArrayStruct* dictionary


cdef void release_inner(ArrayStruct* fields, int64_t count, ArrayStruct* dictionary) noexcept nogil:
    """Releases what nobody has moved out of an array."""
    cdef int64_t i
    for i in range(count):
        if fields[i].release != NULL:
            fields[i].release(&fields[i])
    if dictionary != NULL and dictionary.release != NULL:
        dictionary.release(dictionary)


cdef void release_array(ArrayStruct* a) noexcept nogil:
    cdef OwnedArray* owned = <OwnedArray*>a.private_data
    cdef int i
    release_inner(owned.fields, a.n_children, owned.dictionary)
    for i in range(MOST_BUFFERS):
        PyMem_RawFree(owned.memory[i])
    PyMem_RawFree(owned.fields)
    PyMem_RawFree(owned.pointers)
    PyMem_RawFree(owned.dictionary)
    PyMem_RawFree(owned)
    a.release = NULL


cdef void* zeroed_raw(size_t size) noexcept nogil:
    cdef void* memory = PyMem_RawMalloc(size if size else 1)
    if memory != NULL:
        memset(memory, 0, size if size else 1)
    return memory


cdef bint begin_array(ArrayStruct* a, int64_t length, int64_t fields, bint has_dictionary) noexcept nogil:
    """Makes an array without buffers, with released arrays inside."""
    cdef OwnedArray* owned = <OwnedArray*>zeroed_raw(sizeof(OwnedArray))
    cdef int64_t i
    memset(a, 0, sizeof(ArrayStruct))
    if owned == NULL:
        return False
    a.private_data = owned
    a.release = release_array
    a.length = length
    a.buffers = owned.buffers
    owned.fields = <ArrayStruct*>zeroed_raw(<size_t>fields * sizeof(ArrayStruct))
    owned.pointers = <ArrayStruct**>zeroed_raw(<size_t>fields * sizeof(ArrayStruct*))
    if has_dictionary:
        owned.dictionary = a.dictionary = <ArrayStruct*>zeroed_raw(sizeof(ArrayStruct))
    if owned.fields == NULL or owned.pointers == NULL or (has_dictionary and owned.dictionary == NULL):
        return False
    for i in range(fields):
        owned.pointers[i] = &owned.fields[i]
    a.children = owned.pointers
    a.n_children = fields
    return True


cdef inline void give_buffer(ArrayStruct* a, void* memory) noexcept nogil:
    cdef OwnedArray* owned = <OwnedArray*>a.private_data
    owned.buffers[a.n_buffers] = owned.memory[a.n_buffers] = memory
    a.n_buffers += 1


cdef void* shrunk(void* memory, size_t size) noexcept nogil:
    """Gives back memory that is not used; makes some where there is none. NULL without memory."""
    cdef void* smaller
    if memory == NULL:
        return zeroed_raw(size)
    smaller = PyMem_RawRealloc(memory, size if size else 1)
    return memory if smaller == NULL else smaller


cdef bint give_column(Column* c, ArrayStruct* a, bint keeps) noexcept nogil:
    """Makes an array of a column, which is empty then, or with `keeps` stays, as a dictionary does whose copy is given.

    All rows of the column and of what is in it are there. Returns whether there was memory; if not, the array is released.
    """
    cdef bint has_dictionary = c.kind == OF_CODES
    cdef int i
    if not begin_array(a, c.length, 0 if has_dictionary else c.child_count, has_dictionary):
        if a.release != NULL:
            release_array(a)
        return False
    if give_rows(c, a, keeps):
        if has_dictionary:
            if give_column(&c.children[0], a.dictionary, True):
                return empty_column(c, keeps)
        else:
            for i in range(c.child_count):
                if not give_column(&c.children[i], a.children[i], keeps):
                    release_array(a)
                    return False
            return empty_column(c, keeps)
    release_array(a)
    return False


cdef bint empty_column(Column* c, bint keeps) noexcept nogil:
    if not keeps:
        c.rows_before = c.length
        c.data_before = c.data.size
        c.length = c.room = 0
        c.validity = c.values = NULL
        memset(&c.data, 0, sizeof(Memory))
    return True


cdef void* memory_to_give(void* memory, size_t size, bint keeps) noexcept nogil:
    """Returns the memory of a column, or a copy where the column keeps it."""
    cdef void* copy
    if not keeps:
        return shrunk(memory, size)
    copy = zeroed_raw(size)
    if copy != NULL and memory != NULL and size:
        memcpy(copy, memory, size)
    return copy


cdef bint give_rows(Column* c, ArrayStruct* a, bint keeps) noexcept nogil:
    """Moves the buffers of a column to an array. What was moved is the array's, also after a failure."""
    cdef void* memory
    cdef int64_t* lengths
    cdef size_t bits = <size_t>(c.length + 7) // 8
    if c.kind == OF_NULLS:
        a.null_count = c.length
        return True
    a.null_count = c.length - (bits_set(c.validity, c.length) if c.validity != NULL else 0)
    if a.null_count == 0:
        if not keeps:
            PyMem_RawFree(c.validity)
            c.validity = NULL
        give_buffer(a, NULL)
    else:
        memory = memory_to_give(c.validity, bits, keeps)
        if not keeps:
            c.validity = NULL
        give_buffer(a, memory)
        if memory == NULL:
            return False
    if c.kind == OF_STRUCTS or c.kind == OF_FIXED_LISTS:
        return True
    memory = memory_to_give(c.values, size_of_values(c, c.length), keeps)
    if not keeps:
        c.values = NULL
    give_buffer(a, memory)
    if memory == NULL:
        return False
    if c.kind != OF_TEXT and c.kind != OF_BYTES and c.kind != OF_JSON:
        return True
    if c.width or c.data.size:
        memory = memory_to_give(c.data.data, c.data.size, keeps)
        if not keeps:
            c.data.data = NULL
            c.data.capacity = 0
        give_buffer(a, memory)
        if memory == NULL:
            return False
    if c.width == 0:
        lengths = <int64_t*>zeroed_raw(sizeof(int64_t))
        give_buffer(a, lengths)
        if lengths == NULL:
            return False
        lengths[0] = <int64_t>c.data.size
    return True


# --- one array given to several ---

cdef struct SharedRoot:                     # an array, and how many have it
    ArrayStruct array
    int32_t users


cdef struct SharedArray:                    # what an array points to whose buffers are those of a root
    SharedRoot* root
    ArrayStruct* fields
    ArrayStruct** pointers
    ArrayStruct* dictionary


cdef void leave_root(SharedRoot* root) noexcept nogil:
    if one_less(&root.users) == 0:
        if root.array.release != NULL:
            root.array.release(&root.array)
        PyMem_RawFree(root)


cdef void release_shared(ArrayStruct* a) noexcept nogil:
    cdef SharedArray* shared = <SharedArray*>a.private_data
    release_inner(shared.fields, a.n_children, shared.dictionary)
    PyMem_RawFree(shared.fields)
    PyMem_RawFree(shared.pointers)
    PyMem_RawFree(shared.dictionary)
    leave_root(shared.root)
    PyMem_RawFree(shared)
    a.release = NULL


cdef bint share(ArrayStruct* source, ArrayStruct* a, SharedRoot* root) noexcept nogil:
    """Makes another array of the same buffers. Returns whether there was memory; if not, it is released."""
    cdef SharedArray* shared = <SharedArray*>zeroed_raw(sizeof(SharedArray))
    cdef int64_t i
    memset(a, 0, sizeof(ArrayStruct))
    if shared == NULL:
        return False
    one_more(&root.users)
    shared.root = root
    a.private_data = shared
    a.release = release_shared
    a.length = source.length
    a.null_count = source.null_count
    a.offset = source.offset
    a.n_buffers = source.n_buffers
    a.buffers = source.buffers
    shared.fields = <ArrayStruct*>zeroed_raw(<size_t>source.n_children * sizeof(ArrayStruct))
    shared.pointers = <ArrayStruct**>zeroed_raw(<size_t>source.n_children * sizeof(ArrayStruct*))
    if shared.fields == NULL or shared.pointers == NULL:
        release_shared(a)
        return False
    a.children = shared.pointers
    for i in range(source.n_children):
        shared.pointers[i] = &shared.fields[i]
        a.n_children = i + 1
        if not share(source.children[i], &shared.fields[i], root):
            release_shared(a)
            return False
    if source.dictionary != NULL:
        shared.dictionary = a.dictionary = <ArrayStruct*>zeroed_raw(sizeof(ArrayStruct))
        if shared.dictionary == NULL or not share(source.dictionary, shared.dictionary, root):
            release_shared(a)
            return False
    return True
