# A column while it grows: its values in the layout in which Arrow takes them, and what of it is undone again. All of it works
# without the GIL, on memory that the column owns.
#
# A column in a struct may be shorter than the struct, as a value that is missing takes no time: what lacks at its end counts
# as null, and is filled when the next value comes, or the batch is closed. A table is a struct, too.
#
# Not here: what values on the wire look like (`wire_values.pyx`), and which column takes which (`filling.pyx`).

cdef enum ColumnKind:
    OF_NULLS
    OF_BOOLS
    OF_INTS
    OF_FLOATS
    OF_TEXT
    OF_BYTES
    OF_FIXED_BYTES
    OF_CODES                                # the numbers of texts or bytes in a dictionary
    OF_JSON                                 # the text of a value of any type
    OF_LISTS
    OF_FIXED_LISTS                          # all of the same number of elements
    OF_STRUCTS
    OF_MAPS


cdef enum Adding:                         # of adding a value; all but the first leave the column to be cut
    ADDED
    NO_FIT                                  # the value is none for the column, and `Misfit` says why
    MALFORMED                               # these are no bytes of a value
    OUT_OF_MEMORY
    IS_FULL                                 # the batch has as many rows as it is to have
    NOT_ASKED                               # the record is of a partition that nobody asked for


cdef enum NullIs:                           # what null is in a field of a struct, which is a map that may lack the field's key
    NULL_IS_LACKING
    NULL_IS_VALUE                           # the key is there, and has no value: None
    NULL_IS_EITHER


cdef enum:
    VIEW_SIZE = 16                          # of a view: a size, and 12 bytes, or the first 4 and where the others are
    INLINE_SIZE = 12
    FIRST_ROWS = 64
    FIRST_DATA = 512                        # bytes


cdef struct Memory:                         # bytes that grow
    unsigned char* data
    size_t size
    size_t capacity


cdef struct Column:
    ColumnKind kind
    int width                               # bytes of a number, offset or value of a fixed size; 0: views
    int particle                            # the type of text or bytes that it takes
    bint is_unsigned
    bint takes_all                          # of integers: whether they are all that an int64 can be
    bint takes_ints                         # of floats: whether it takes integers that are the same number
    bint nullable
    NullIs null_is
    bint has_required                       # of a struct: whether a key may not lack
    int64_t least                           # of integers
    uint64_t most
    int64_t step                            # of which they are multiples; 0: of nothing
    int64_t scale                           # of timestamps and durations: units a second
    int64_t elements                        # of each fixed list
    int64_t length
    int64_t room                            # rows that there is memory for
    unsigned char* validity                 # a bit a row
    unsigned char* values                   # numbers, codes, views, or offsets, of which there is one more than rows
    Memory data                             # the bytes that offsets and views point into
    Column* children
    int child_count
    char* name
    size_t name_size
    bint is_found_by_name                           # whether values find it by its name; columns of digests and the like are not
    int next_child                          # the child whose name probably comes next
    int32_t* slots                          # a hash table of the names of children, or of the values of a dictionary
    uint32_t slot_mask
    int64_t rows_before                     # of the last batch
    size_t data_before


cdef inline uint64_t hash_of(const unsigned char* p, size_t size) noexcept nogil:
    cdef uint64_t h = size * <uint64_t>0x9E3779B97F4A7C15
    cdef uint64_t eight
    while size >= 8:
        memcpy(&eight, p, 8)
        h = (h ^ eight) * <uint64_t>0xFF51AFD7ED558CCD
        h ^= h >> 32
        p += 8
        size -= 8
    if size:
        eight = 0
        memcpy(&eight, p, size)
        h = (h ^ eight) * <uint64_t>0xFF51AFD7ED558CCD
        h ^= h >> 32
    h *= <uint64_t>0xC4CEB9FE1A85EC53
    return h ^ h >> 29


# --- memory ---

cdef bint grow_memory(Memory* m, size_t more) noexcept nogil:
    cdef size_t capacity = m.capacity * 2
    cdef unsigned char* data
    if more > (<size_t>1 << 40):
        return False
    if capacity < FIRST_DATA:
        capacity = FIRST_DATA
    if capacity < m.size + more:
        capacity = m.size + more
    data = <unsigned char*>PyMem_RawRealloc(m.data, capacity)
    if data == NULL:
        return False
    m.data = data
    m.capacity = capacity
    return True


cdef inline bint has_room(Memory* m, size_t more) noexcept nogil:
    return more <= m.capacity - m.size or grow_memory(m, more)


cdef inline bint put_piece(Memory* m, const void* data, size_t size) noexcept nogil:
    if not has_room(m, size):
        return False
    if size:
        memcpy(m.data + m.size, data, size)
    m.size += size
    return True


cdef void free_memory(Memory* m) noexcept nogil:
    PyMem_RawFree(m.data)
    memset(m, 0, sizeof(Memory))


cdef void free_column(Column* c) noexcept nogil:
    """Frees what a column owns, and what its children do. It may be half made."""
    cdef int i
    for i in range(c.child_count):
        free_column(&c.children[i])
    PyMem_RawFree(c.children)
    PyMem_RawFree(c.validity)
    PyMem_RawFree(c.values)
    PyMem_RawFree(c.slots)
    PyMem_RawFree(c.name)
    free_memory(&c.data)
    memset(c, 0, sizeof(Column))


cdef inline bint has_offsets(Column* c) noexcept nogil:
    return c.width != 0 and (
        c.kind == OF_TEXT or c.kind == OF_BYTES or c.kind == OF_JSON or c.kind == OF_LISTS or c.kind == OF_MAPS
    )


cdef inline bint has_views(Column* c) noexcept nogil:
    return c.width == 0 and (c.kind == OF_TEXT or c.kind == OF_BYTES or c.kind == OF_JSON)


cdef size_t size_of_values(Column* c, int64_t rows) noexcept nogil:
    """Returns the bytes that `values` takes for so many rows."""
    if c.kind == OF_BOOLS:
        return <size_t>(rows + 7) // 8
    if has_views(c):
        return <size_t>rows * VIEW_SIZE
    if c.kind == OF_NULLS or c.kind == OF_STRUCTS or c.kind == OF_FIXED_LISTS:
        return 0
    return <size_t>(rows + has_offsets(c)) * <size_t>c.width


cdef bint grow_rows(Column* c, int64_t rows) noexcept nogil:
    """Makes room for so many rows at least."""
    cdef int64_t room = max(rows, 2 * c.room, c.rows_before, <int64_t>FIRST_ROWS)
    cdef size_t before = <size_t>(c.room + 7) // 8
    cdef size_t bits = <size_t>(room + 7) // 8
    cdef size_t size = size_of_values(c, room)
    cdef unsigned char* memory
    if c.kind == OF_NULLS:
        c.room = INT64_MAX
        return True
    memory = <unsigned char*>PyMem_RawRealloc(c.validity, bits)
    if memory == NULL:
        return False
    c.validity = memory
    memset(memory + before, 0, bits - before)
    if size:
        memory = <unsigned char*>PyMem_RawRealloc(c.values, size)
        if memory == NULL:
            return False
        if c.values == NULL and has_offsets(c):
            memset(memory, 0, <size_t>c.width)
        c.values = memory
        if c.kind == OF_BOOLS:
            memset(memory + before, 0, bits - before)
    if c.data_before > c.data.capacity and not has_room(&c.data, c.data_before):
        return False
    c.room = room
    return True


# --- rows ---

cdef inline int64_t offset_at(Column* c, int64_t row) noexcept nogil:
    if c.values == NULL:
        return 0
    return (<int32_t*>c.values)[row] if c.width == 4 else (<int64_t*>c.values)[row]


cdef inline void set_offset(Column* c, int64_t row, int64_t offset) noexcept nogil:
    if c.width == 4:
        (<int32_t*>c.values)[row] = <int32_t>offset
    else:
        (<int64_t*>c.values)[row] = offset


cdef inline void end_row(Column* c) noexcept nogil:
    """Counts the row whose value was written."""
    c.validity[c.length >> 3] |= <unsigned char>(1 << (c.length & 7))
    c.length += 1


cdef bint add_nulls(Column* c, int64_t count) noexcept nogil:
    """Adds rows without a value."""
    cdef int64_t row, end = c.length + count
    cdef int64_t offset
    if end > c.room and not grow_rows(c, end):
        return False
    if has_offsets(c):
        offset = offset_at(c, c.length)
        for row in range(c.length, end):
            set_offset(c, row + 1, offset)
    elif c.kind != OF_BOOLS and c.values != NULL:
        memset(
            c.values + size_of_values(c, c.length), 0, size_of_values(c, end) - size_of_values(c, c.length)
        )
    c.length = end
    return True


cdef inline bint at_row(Column* c, int64_t row) noexcept nogil:
    """Fills what lacks before a row, and makes room for that."""
    if c.length < row and not add_nulls(c, row - c.length):
        return False
    return c.length < c.room or grow_rows(c, c.length + 1)


cdef void cut(Column* c, int64_t length) noexcept nogil:
    """Forgets the rows behind the first so many, and what a value that did not fit has left in the column."""
    cdef int64_t row
    cdef int i
    length = min(length, c.length)
    for row in range(length, c.length):
        if c.kind == OF_NULLS:
            break
        c.validity[row >> 3] &= <unsigned char>~(1 << (row & 7))
        if c.kind == OF_BOOLS:
            c.values[row >> 3] &= <unsigned char>~(1 << (row & 7))
    c.length = length
    if c.kind == OF_LISTS or c.kind == OF_MAPS:
        cut(&c.children[0], offset_at(c, length))
    elif c.kind == OF_FIXED_LISTS:
        cut(&c.children[0], length * c.elements)
    elif c.kind == OF_STRUCTS:
        for i in range(c.child_count):
            cut(&c.children[i], length)
    elif has_offsets(c):
        c.data.size = <size_t>offset_at(c, length)


cdef bint fill_up(Column* c, int64_t length) noexcept nogil:
    """Fills what lacks at the end of a column and of all in it, so that it has so many rows."""
    cdef int i
    cdef int64_t inner = length
    if c.length < length and not add_nulls(c, length - c.length):
        return False
    if c.kind == OF_LISTS or c.kind == OF_MAPS:
        inner = offset_at(c, length)
    elif c.kind == OF_FIXED_LISTS:
        inner = length * c.elements
    elif c.kind != OF_STRUCTS:
        return True
    for i in range(c.child_count):
        if not fill_up(&c.children[i], inner):
            return False
    return True


cdef size_t memory_of(Column* c) noexcept nogil:
    """Returns the bytes that the rows take, those of children too."""
    cdef size_t size = c.data.size + size_of_values(c, c.length) + <size_t>(c.length + 7) // 8
    cdef int i
    if c.kind != OF_CODES:                  # whose dictionary stays
        for i in range(c.child_count):
            size += memory_of(&c.children[i])
    return size


# --- values ---

cdef inline int64_t int_limit(Column* c) noexcept nogil:
    return INT32_MAX if c.width != 8 else INT64_MAX


cdef inline Adding add_int(Column* c, int64_t number, bint above) noexcept nogil:
    """Adds an integer; `above`: it has no sign, and is above the greatest that has one."""
    cdef unsigned char* p
    if above or number >= 0:
        if <uint64_t>number > c.most:
            return NO_FIT
    elif number < c.least:
        return NO_FIT
    p = c.values + c.length * c.width
    if c.width == 8:
        (<int64_t*>p)[0] = number
    elif c.width == 4:
        (<int32_t*>p)[0] = <int32_t>number
    elif c.width == 2:
        (<int16_t*>p)[0] = <int16_t>number
    else:
        p[0] = <unsigned char>number
    end_row(c)
    return ADDED


cdef inline Adding end_bytes(Column* c, size_t begin) noexcept nogil:
    """Makes a row of the bytes that were written behind the first so many."""
    cdef int32_t* view
    cdef size_t size = c.data.size - begin
    if c.width != 8 and c.data.size > INT32_MAX:
        c.data.size = begin
        return NO_FIT
    if c.width:
        set_offset(c, c.length + 1, <int64_t>c.data.size)
    else:
        view = <int32_t*>(c.values + c.length * VIEW_SIZE)
        memset(view, 0, VIEW_SIZE)
        view[0] = <int32_t>size
        if size <= INLINE_SIZE:
            if size:
                memcpy(view + 1, c.data.data + begin, size)
            c.data.size = begin
        else:
            memcpy(view + 1, c.data.data + begin, 4)
            view[3] = <int32_t>begin
    end_row(c)
    return ADDED


cdef inline Adding add_bytes(Column* c, const unsigned char* data, size_t size) noexcept nogil:
    cdef size_t begin = c.data.size
    if not put_piece(&c.data, data, size):
        return OUT_OF_MEMORY
    return end_bytes(c, begin)


cdef inline const unsigned char* bytes_at(Column* c, int64_t row, size_t* size) noexcept nogil:
    """Returns the text or bytes of a row, which is not null."""
    cdef const unsigned char* view
    cdef int64_t begin
    if c.width == 0:
        view = c.values + row * VIEW_SIZE
        size[0] = <size_t>(<const int32_t*>view)[0]
        return view + 4 if size[0] <= INLINE_SIZE else c.data.data + (<const int32_t*>view)[3]
    begin = offset_at(c, row)
    size[0] = <size_t>(offset_at(c, row + 1) - begin)
    return c.data.data + begin


# --- children by their names ---

cdef bint index_children(Column* c) noexcept nogil:
    """Makes the hash table of the children that are found by their names."""
    cdef uint32_t size = 4
    cdef uint32_t at
    cdef int i
    while size < 2 * <uint32_t>c.child_count:
        size *= 2
    c.slots = <int32_t*>PyMem_RawMalloc(size * sizeof(int32_t))
    if c.slots == NULL:
        return False
    memset(c.slots, 0xFF, size * sizeof(int32_t))
    c.slot_mask = size - 1
    for i in range(c.child_count):
        if not c.children[i].is_found_by_name:
            continue
        at = <uint32_t>hash_of(<unsigned char*>c.children[i].name, c.children[i].name_size) & c.slot_mask
        while c.slots[at] >= 0:
            at = (at + 1) & c.slot_mask
        c.slots[at] = i
    return True


cdef inline bint has_name(Column* c, const unsigned char* name, size_t size) noexcept nogil:
    return c.name_size == size and c.is_found_by_name and same_bytes(<unsigned char*>c.name, name, size)


cdef Column* find_child(Column* c, const unsigned char* name, size_t size) noexcept nogil:
    cdef uint32_t at = <uint32_t>hash_of(name, size) & c.slot_mask
    while c.slots[at] >= 0:
        if has_name(&c.children[c.slots[at]], name, size):
            c.next_child = c.slots[at] + 1
            return &c.children[c.slots[at]]
        at = (at + 1) & c.slot_mask
    return NULL


cdef inline Column* child_named(Column* c, const unsigned char* name, size_t size) noexcept nogil:
    """Returns the child with a name, or NULL. It is quick if names come in the order of the children."""
    cdef int i = c.next_child
    if i < c.child_count and has_name(&c.children[i], name, size):
        c.next_child = i + 1
        return &c.children[i]
    return find_child(c, name, size)


# --- dictionaries ---

cdef bint index_values(Column* c, uint32_t size) noexcept nogil:
    """Makes a hash table, of so many slots, of the values in a dictionary."""
    cdef Column* values = &c.children[0]
    cdef int32_t* slots = <int32_t*>PyMem_RawMalloc(size * sizeof(int32_t))
    cdef const unsigned char* p
    cdef size_t length = 0
    cdef int64_t row
    cdef uint32_t at
    if slots == NULL:
        return False
    memset(slots, 0xFF, size * sizeof(int32_t))
    for row in range(values.length):
        p = bytes_at(values, row, &length)
        at = <uint32_t>hash_of(p, length) & (size - 1)
        while slots[at] >= 0:
            at = (at + 1) & (size - 1)
        slots[at] = <int32_t>row
    PyMem_RawFree(c.slots)
    c.slots = slots
    c.slot_mask = size - 1
    return True


cdef Adding add_code(Column* c, const unsigned char* data, size_t size) noexcept nogil:
    """Adds a text or bytes as its number, which it gets when it comes for the first time."""
    cdef Column* values = &c.children[0]
    cdef const unsigned char* p
    cdef size_t length = 0
    cdef uint32_t at
    if <uint64_t>values.length * 2 >= c.slot_mask and not index_values(c, 2 * (c.slot_mask + 1) if c.slots != NULL else 64):
        return OUT_OF_MEMORY
    at = <uint32_t>hash_of(data, size) & c.slot_mask
    while c.slots[at] >= 0:
        p = bytes_at(values, c.slots[at], &length)
        if length == size and same_bytes(p, data, size):
            return add_int(c, c.slots[at], False)
        at = (at + 1) & c.slot_mask
    if <uint64_t>values.length > c.most or values.length >= INT32_MAX // 4:
        return NO_FIT
    if not at_row(values, values.length):
        return OUT_OF_MEMORY
    if add_bytes(values, data, size) != ADDED:
        return NO_FIT
    c.slots[at] = <int32_t>(values.length - 1)
    return add_int(c, values.length - 1, False)
