# Which column takes which value, and how it gets there (without the GIL). A value that does not fit leaves its column, and
# what is in that, to be cut: see `cut`. Nothing is made to fit: an int is no float, and a text no number.

cdef enum Why:                              # a value does not fit
    OTHER_TYPE
    OUT_OF_RANGE
    NOT_TEXT                                # its bytes are no UTF-8
    OTHER_SIZE                              # it has not as many bytes or elements as all are to have
    UNKNOWN_NAME                            # a map has a key that the struct has no field for, or a record such a bin
    NOT_NULLABLE                            # it is missing
    KEY_HAS_NONE                            # and null is a key that lacks
    KEY_LACKS                               # and null is None
    TOO_MANY_VALUES                         # for the dictionary's numbers, or for the batch
    TOO_DEEP


cdef int64_t EXACT_INTEGERS = <int64_t>1 << 53      # up to which every integer is a float64


cdef struct Misfit:                         # why the last value did not fit
    Why why
    Column* column                          # that was to take it; it may be inside the bin's
    Column* bin                             # NULL: there is no column for the bin
    int kind                                # the value's particle type
    int64_t number                          # of an integer
    unsigned char name[64]                  # what is unknown
    size_t name_size


cdef Adding no_fit(Misfit* misfit, Column* c, Why why, int kind) noexcept nogil:
    misfit.why = why
    misfit.column = c
    misfit.kind = kind
    return NO_FIT


cdef inline Adding text_fits(Misfit* misfit, Column* c, Value* v) noexcept nogil:
    """Checks that a column of text or bytes takes a value."""
    if v.kind != c.particle:
        return no_fit(misfit, c, OTHER_TYPE, v.kind)
    if c.kind == OF_TEXT and not is_utf8(v.data, v.size):
        return no_fit(misfit, c, NOT_TEXT, v.kind)
    return ADDED


cdef Adding fill_float(Column* c, Value* v, Misfit* misfit) noexcept nogil:
    cdef double number = v.real
    cdef float narrow
    if v.kind == PARTICLE_INTEGER and c.takes_ints:
        if v.above or v.number > EXACT_INTEGERS or v.number < -EXACT_INTEGERS:
            misfit.number = v.number
            return no_fit(misfit, c, OUT_OF_RANGE, v.kind)
        number = <double>v.number
        if c.width == 4 and <double><float>number != number:
            misfit.number = v.number
            return no_fit(misfit, c, OUT_OF_RANGE, v.kind)
    elif v.kind != PARTICLE_FLOAT:
        return no_fit(misfit, c, OTHER_TYPE, v.kind)
    if c.width == 8:
        (<double*>c.values)[c.length] = number
    else:
        narrow = <float>number
        if isinf(narrow) and not isinf(number):
            return no_fit(misfit, c, OUT_OF_RANGE, v.kind)
        (<float*>c.values)[c.length] = narrow
    end_row(c)
    return ADDED


cdef Adding fill_list(Column* c, Value* v, Span* s, Misfit* misfit, int depth) noexcept nogil:
    cdef Column* child = &c.children[0]
    cdef int64_t begin
    cdef size_t i
    cdef Value inner
    cdef Adding outcome
    if v.kind != PARTICLE_LIST:
        return no_fit(misfit, c, OTHER_TYPE, v.kind)
    if c.kind == OF_FIXED_LISTS and <int64_t>v.size != c.elements:
        misfit.number = <int64_t>v.size
        return no_fit(misfit, c, OTHER_SIZE, v.kind)
    begin = offset_at(c, c.length) if c.kind == OF_LISTS else c.length * c.elements
    for i in range(v.size):
        outcome = next_value(&inner, s)
        if outcome == ADDED:
            outcome = fill(child, begin + <int64_t>i, &inner, s, misfit, depth + 1)
        if outcome != ADDED:
            return outcome
    if c.kind == OF_LISTS:
        begin += <int64_t>v.size
        if begin > int_limit(c):
            return no_fit(misfit, c, TOO_MANY_VALUES, v.kind)
        set_offset(c, c.length + 1, begin)
    end_row(c)
    return ADDED


cdef Adding fill_map(Column* c, Value* v, Span* s, Misfit* misfit, int depth) noexcept nogil:
    cdef Column* entries = &c.children[0]
    cdef int64_t begin
    cdef size_t i
    cdef Value inner
    cdef Adding outcome
    if v.kind != PARTICLE_MAP:
        return no_fit(misfit, c, OTHER_TYPE, v.kind)
    begin = offset_at(c, c.length)
    if begin + <int64_t>v.size > int_limit(c):
        return no_fit(misfit, c, TOO_MANY_VALUES, v.kind)
    for i in range(v.size):
        if not at_row(entries, begin + <int64_t>i):
            return OUT_OF_MEMORY
        outcome = next_value(&inner, s)
        if outcome == ADDED:
            outcome = fill(&entries.children[0], entries.length, &inner, s, misfit, depth + 1)
        if outcome == ADDED:
            outcome = next_value(&inner, s)
        if outcome == ADDED:
            outcome = fill(&entries.children[1], entries.length, &inner, s, misfit, depth + 1)
        if outcome != ADDED:
            return outcome
        end_row(entries)
    set_offset(c, c.length + 1, begin + <int64_t>v.size)
    end_row(c)
    return ADDED


cdef void note_name(Misfit* misfit, const unsigned char* name, size_t size) noexcept nogil:
    misfit.name_size = min(size, sizeof(misfit.name))
    memcpy(misfit.name, name, misfit.name_size)


cdef Adding fill_struct(Column* c, Value* v, Span* s, Misfit* misfit, int depth) noexcept nogil:
    cdef Column* child
    cdef size_t _i
    cdef Value inner
    cdef Adding outcome
    if v.kind != PARTICLE_MAP:
        return no_fit(misfit, c, OTHER_TYPE, v.kind)
    c.next_child = 0
    for _i in range(v.size):
        if next_value(&inner, s) != ADDED:
            return MALFORMED
        if inner.kind != PARTICLE_STRING:
            return no_fit(misfit, c, OTHER_TYPE, v.kind)
        child = child_named(c, inner.data, inner.size)
        if child == NULL:
            note_name(misfit, inner.data, inner.size)
            return no_fit(misfit, c, UNKNOWN_NAME, v.kind)
        if child.length > c.length:
            return MALFORMED                # the same key twice
        if next_value(&inner, s) != ADDED:
            return MALFORMED
        if inner.kind == PARTICLE_NULL and child.null_is == NULL_IS_LACKING and child.nullable and child.kind != OF_JSON:
            note_name(misfit, <unsigned char*>child.name, child.name_size)
            return no_fit(misfit, child, KEY_HAS_NONE, PARTICLE_NULL)
        outcome = fill(child, c.length, &inner, s, misfit, depth + 1)
        if outcome != ADDED:
            return outcome
    if c.has_required and not required_are_there(c, misfit):
        return NO_FIT
    end_row(c)
    return ADDED


cdef bint required_are_there(Column* c, Misfit* misfit) noexcept nogil:
    """Whether a struct's last row, which is not counted yet, has all that may not lack."""
    cdef int i
    cdef Column* child
    for i in range(c.child_count):
        child = &c.children[i]
        if child.length > c.length or child.nullable and child.null_is != NULL_IS_VALUE:
            continue
        note_name(misfit, <unsigned char*>child.name, child.name_size)
        no_fit(misfit, child, KEY_LACKS if child.nullable else NOT_NULLABLE, PARTICLE_NULL)
        return False
    return True


cdef Adding fill(Column* c, int64_t row, Value* v, Span* s, Misfit* misfit, int depth) noexcept nogil:
    """Adds a value in a row, behind all that the column has. The span has what is in the value."""
    cdef Adding outcome
    cdef size_t begin
    if depth > MAX_DEPTH:
        return no_fit(misfit, c, TOO_DEEP, v.kind)
    if not at_row(c, row):
        return OUT_OF_MEMORY
    if v.kind == PARTICLE_NULL and c.kind != OF_JSON:
        if not c.nullable:
            return no_fit(misfit, c, NOT_NULLABLE, v.kind)
        return ADDED if add_nulls(c, 1) else OUT_OF_MEMORY
    if c.kind == OF_INTS:
        if v.kind != PARTICLE_INTEGER:
            return no_fit(misfit, c, OTHER_TYPE, v.kind)
        if c.step and v.number % c.step or add_int(c, v.number, v.above) != ADDED:
            misfit.number = v.number
            return no_fit(misfit, c, OUT_OF_RANGE, v.kind)
        return ADDED
    if c.kind == OF_TEXT or c.kind == OF_BYTES or c.kind == OF_CODES:
        outcome = text_fits(misfit, &c.children[0] if c.kind == OF_CODES else c, v)
        if outcome != ADDED:
            return outcome
        outcome = add_code(c, v.data, v.size) if c.kind == OF_CODES else add_bytes(c, v.data, v.size)
        return no_fit(misfit, c, TOO_MANY_VALUES, v.kind) if outcome == NO_FIT else outcome
    if c.kind == OF_FLOATS:
        return fill_float(c, v, misfit)
    if c.kind == OF_BOOLS:
        if v.kind != PARTICLE_BOOL:
            return no_fit(misfit, c, OTHER_TYPE, v.kind)
        c.values[c.length >> 3] |= <unsigned char>((v.number != 0) << (c.length & 7))
        end_row(c)
        return ADDED
    if c.kind == OF_FIXED_BYTES:
        if v.kind != c.particle:
            return no_fit(misfit, c, OTHER_TYPE, v.kind)
        if v.size != <size_t>c.width:
            misfit.number = <int64_t>v.size
            return no_fit(misfit, c, OTHER_SIZE, v.kind)
        memcpy(c.values + c.length * c.width, v.data, v.size)
        end_row(c)
        return ADDED
    if c.kind == OF_LISTS or c.kind == OF_FIXED_LISTS:
        return fill_list(c, v, s, misfit, depth)
    if c.kind == OF_STRUCTS:
        return fill_struct(c, v, s, misfit, depth)
    if c.kind == OF_MAPS:
        return fill_map(c, v, s, misfit, depth)
    if c.kind == OF_JSON:
        begin = c.data.size
        outcome = put_json(&c.data, v, s, depth)
        if outcome == ADDED:
            outcome = end_bytes(c, begin)
            if outcome == NO_FIT:
                no_fit(misfit, c, TOO_MANY_VALUES, v.kind)
        if outcome != ADDED:
            c.data.size = begin
        return outcome
    return no_fit(misfit, c, OTHER_TYPE, v.kind)
