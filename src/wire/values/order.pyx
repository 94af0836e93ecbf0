# The order in which the server keeps the elements of ordered lists (values.md, ordering of values). Owns comparing and
# sorting of packed values, the bytes that are sent. The packer ensures that these bytes are well formed.

cdef enum:                                  # types in the server's order
    RANK_NIL
    RANK_BOOL
    RANK_INTEGER
    RANK_STRING
    RANK_LIST
    RANK_MAP
    RANK_BLOB                               # msgpack strings of other particle types; the type, their first byte, is compared too
    RANK_FLOAT
    RANK_GEOJSON
    RANK_SPECIAL                            # infinity and wildcard


cdef struct Item:                           # one packed value
    int rank
    bint negative
    uint64_t number                         # an integer's value; how many elements a list or map has
    double real
    const unsigned char* data               # of a text
    size_t size
    const unsigned char* next               # what follows the value; the first element of a list or map


cdef inline void count_in(Item* item, const unsigned char* p, size_t size) noexcept nogil:
    """Sets the item's number to the `size` bytes at `p`, and `next` to what follows them."""
    item.number = p[0] if size == 1 else load16(p) if size == 2 else load32(p) if size == 4 else load64(p)
    item.next = p + size


cdef void read_text(Item* item) noexcept nogil:
    """Reads a msgpack string of `item.number` bytes at `item.next`."""
    cdef const unsigned char* p = item.next
    cdef int particle = p[0] if item.number else PARTICLE_NULL
    cdef bint typed = particle == PARTICLE_STRING or particle == PARTICLE_GEOJSON
    item.rank = RANK_STRING if particle == PARTICLE_STRING else RANK_GEOJSON if particle == PARTICLE_GEOJSON else RANK_BLOB
    item.data = p + typed
    item.size = <size_t>item.number - typed
    item.next = p + item.number


cdef inline size_t tag_size(int tag) noexcept nogil:
    """Returns how many bytes the number behind a msgpack tag has: each group of tags begins with the smallest."""
    if 0xC4 <= tag <= 0xC6:
        return <size_t>1 << (tag - 0xC4)
    if 0xCC <= tag <= 0xCF:
        return <size_t>1 << (tag - 0xCC)
    if 0xD0 <= tag <= 0xD3:
        return <size_t>1 << (tag - 0xD0)
    if 0xD9 <= tag <= 0xDB:
        return <size_t>1 << (tag - 0xD9)
    return 2 if tag == 0xDC or tag == 0xDE else 4


cdef void read_integer(Item* item, int tag, const unsigned char* p) noexcept nogil:
    cdef size_t size = tag_size(tag)
    cdef int unused = 64 - 8 * <int>size
    item.rank = RANK_INTEGER
    count_in(item, p, size)
    if tag >= 0xD0:                         # a signed integer: its sign fills the bytes that are not sent
        item.number = <uint64_t>(<int64_t>(item.number << unused) >> unused)
        item.negative = <int64_t>item.number < 0


cdef void read_head(Item* item, const unsigned char* p) noexcept nogil:
    """Reads a value, but not the elements of a list or map.

    The flags of ordered lists and maps are skipped, because the order of values does not depend on them.
    """
    cdef int tag = p[0]
    p += 1
    item.negative = False
    item.next = p
    if tag < 0x80 or tag >= 0xE0:
        item.rank = RANK_INTEGER
        item.negative = tag >= 0xE0
        item.number = <uint64_t><int64_t><signed char>tag
    elif tag == 0xC0:
        item.rank = RANK_NIL
    elif tag == 0xC2 or tag == 0xC3:
        item.rank = RANK_BOOL
        item.number = tag & 1
    elif tag == 0xCA or tag == 0xCB:
        item.rank = RANK_FLOAT
        item.real = as_float(load32(p)) if tag == 0xCA else as_double(load64(p))
        item.next = p + (4 if tag == 0xCA else 8)
    elif 0xCC <= tag <= 0xD3:
        read_integer(item, tag, p)
    elif 0xA0 <= tag < 0xC0:
        item.number = tag & 0x1F
        read_text(item)
    elif 0xC4 <= tag <= 0xC6 or 0xD9 <= tag <= 0xDB:
        count_in(item, p, tag_size(tag))
        read_text(item)
    elif 0x80 <= tag < 0xA0 or 0xDC <= tag <= 0xDF:
        item.rank = RANK_LIST if tag & 0xF0 == 0x90 or tag == 0xDC or tag == 0xDD else RANK_MAP
        if tag < 0xA0:
            item.number = tag & 0x0F
        else:
            count_in(item, p, tag_size(tag))
        skip_flags(item)
    else:
        item.rank = RANK_SPECIAL
        item.number = p[1]                  # d4 ff 01 and d4 ff 00
        item.next = p + 2


cdef void skip_flags(Item* item) noexcept nogil:
    """Steps over the flags in the first place of a list or map, as `get_flags` reads them."""
    cdef const unsigned char* p = item.next
    if item.number == 0 or p[0] == 0xD4 and p[1] == 0xFF:
        return
    if p[0] == 0xC7:
        p += 3 + p[1]
    elif p[0] == 0xC8:
        p += 4 + load16(p + 1)
    elif p[0] == 0xC9:
        p += 6 + load32(p + 1)
    elif 0xD4 <= p[0] <= 0xD8:
        p += 2 + (<size_t>1 << (p[0] - 0xD4))
    else:
        return
    if item.rank == RANK_MAP:               # the flags of a map have a value, nil
        p += 1
    item.number -= 1
    item.next = p


cdef inline int compare_numbers(uint64_t a, uint64_t b) noexcept nogil:
    return (a > b) - (a < b)


cdef inline int compare_floats(double a, double b) noexcept nogil:
    """Compares floats. NaN comes last; the server takes it for equal to every float."""
    if a != a or b != b:
        return (a != a) - (b != b)
    return (a > b) - (a < b)


cdef int compare_texts(Item* a, Item* b) noexcept nogil:
    cdef int order = memcmp(a.data, b.data, a.size if a.size < b.size else b.size)
    return order if order else compare_numbers(a.size, b.size)


cdef int compare_at(const unsigned char** at_a, const unsigned char** at_b) noexcept nogil:
    """Returns a number below, at or above 0, as the server sorts the values. If they are equal, steps both pointers over them."""
    cdef Item a
    cdef Item b
    cdef int order = 0
    cdef uint64_t _i, elements
    read_head(&a, at_a[0])
    read_head(&b, at_b[0])
    if a.rank != b.rank:
        return -1 if a.rank < b.rank else 1
    if a.rank == RANK_LIST or a.rank == RANK_MAP:
        if a.rank == RANK_MAP and a.number != b.number:
            return compare_numbers(a.number, b.number)
        elements = a.number if a.number < b.number else b.number
        for _i in range(elements * (2 if a.rank == RANK_MAP else 1)):
            order = compare_at(&a.next, &b.next)
            if order:
                return order
        order = compare_numbers(a.number, b.number)
    elif a.rank == RANK_INTEGER and a.negative != b.negative:
        return -1 if a.negative else 1
    elif a.rank == RANK_BOOL or a.rank == RANK_INTEGER:
        order = compare_numbers(a.number, b.number)
    elif a.rank == RANK_FLOAT:
        order = compare_floats(a.real, b.real)
    elif a.rank == RANK_SPECIAL:
        order = compare_numbers(b.number, a.number)
    elif a.rank != RANK_NIL:
        order = compare_texts(&a, &b)
    at_a[0] = a.next
    at_b[0] = b.next
    return order


cdef struct Element:
    const unsigned char* data
    size_t size


cdef int compare_elements(const void* a, const void* b) noexcept nogil:
    """Compares elements for `qsort`. Equal elements, such as 0.0 and -0.0, keep the order in which they were packed."""
    cdef const unsigned char* at_a = (<const Element*>a).data
    cdef const unsigned char* at_b = (<const Element*>b).data
    cdef int order = compare_at(&at_a, &at_b)
    return order if order else compare_numbers(<size_t>(<const Element*>a).data, <size_t>(<const Element*>b).data)


cdef struct Sorting:                        # a list that is being packed to be sorted
    size_t* ends                            # owned: where each element ends, from the first one's start
    Py_ssize_t count


cdef int sorting_init(Sorting* s, Py_ssize_t count) except -1:
    s.count = count
    s.ends = <size_t*>PyMem_RawMalloc((<size_t>count + 1) * sizeof(size_t))
    if s.ends == NULL:
        raise MemoryError
    return 0


cdef void sorting_free(Sorting* s) noexcept:
    PyMem_RawFree(s.ends)


cdef bint is_sorted(Sorting* s, const unsigned char* data) noexcept nogil:
    cdef Py_ssize_t i
    cdef const unsigned char* a
    cdef const unsigned char* b
    for i in range(s.count - 1):
        a = data + (s.ends[i - 1] if i else 0)
        b = data + s.ends[i]
        if compare_at(&a, &b) > 0:
            return False
    return True


cdef int sort_packed(Sorting* s, unsigned char* data) except -1:
    """Sorts the elements that are packed at `data`, in place."""
    cdef Element* elements
    cdef unsigned char* copy
    cdef size_t start = 0
    cdef Py_ssize_t i
    if s.count < 2 or is_sorted(s, data):
        return 0
    elements = <Element*>PyMem_RawMalloc(<size_t>s.count * sizeof(Element))
    copy = <unsigned char*>PyMem_RawMalloc(s.ends[s.count - 1])
    if elements == NULL or copy == NULL:
        PyMem_RawFree(elements)
        PyMem_RawFree(copy)
        raise MemoryError
    memcpy(copy, data, s.ends[s.count - 1])
    for i in range(s.count):
        elements[i].data = copy + start
        elements[i].size = s.ends[i] - start
        start = s.ends[i]
    qsort(elements, <size_t>s.count, sizeof(Element), compare_elements)
    for i in range(s.count):
        memcpy(data, elements[i].data, elements[i].size)
        data += elements[i].size
    PyMem_RawFree(elements)
    PyMem_RawFree(copy)
    return 0
