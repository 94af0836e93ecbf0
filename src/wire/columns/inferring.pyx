# What types values have: a guess is made of all values of a bin in the first batch, and of all that is in them. It is made
# without the GIL, and then told as a schema.
#
# A map whose keys are text is a struct if the values of its keys are of different types, else a map. So its keys are told
# apart as long as there are not too many of them. In a struct, null is a key that lacks, or it is said to be None.

cdef enum:
    GUESSES_APART = 512                     # keys of a map, whose values are told apart
    MOST_GUESSES = 65_536                   # fields of all maps, one in the other, after which no more are told apart


cdef enum Guessed:                          # bits: of which types values were
    GUESS_INT = 1
    GUESS_FLOAT = 2
    GUESS_BOOL = 4
    GUESS_TEXT = 8
    GUESS_BYTES = 16
    GUESS_GEOJSON = 32
    GUESS_HLL = 64
    GUESS_LIST = 128
    GUESS_MAP = 256
    GUESS_OTHER = 512


cdef struct Guess:
    int types                               # bits of Guessed
    int first                               # the one that came first; 0 while there is none
    bint has_null                           # whether one was None
    int64_t maps                            # how many were maps
    unsigned char* name                     # of a field
    size_t name_size
    int64_t seen                            # in how many maps the field was
    Guess* element                          # of lists
    Guess* key                              # of maps whose keys are not all text
    Guess* value                            # of all values of maps, where keys are not told apart
    Guess* fields                           # where they are
    int field_count
    int field_room
    int likely_field                          # whose name probably comes next
    int32_t* slots                          # a hash table of the fields' names
    uint32_t slot_mask
    int64_t* left                           # how many fields may be told apart yet; NULL: any number


cdef void free_guess(Guess* g) noexcept nogil:
    cdef int i
    for i in range(g.field_count):
        free_guess(&g.fields[i])
    if g.element != NULL:
        free_guess(g.element)
    if g.key != NULL:
        free_guess(g.key)
    if g.value != NULL:
        free_guess(g.value)
    PyMem_RawFree(g.element)
    PyMem_RawFree(g.key)
    PyMem_RawFree(g.value)
    PyMem_RawFree(g.fields)
    PyMem_RawFree(g.slots)
    PyMem_RawFree(g.name)
    memset(g, 0, sizeof(Guess))


cdef inline void note_type(Guess* g, int kind) noexcept nogil:
    g.types |= kind
    if g.first == 0:
        g.first = kind


cdef bint made(Guess** place, Guess* around) noexcept nogil:
    """Makes a guess about what is inside a value, if there is none."""
    if place[0] == NULL:
        place[0] = <Guess*>PyMem_RawMalloc(sizeof(Guess))
        if place[0] == NULL:
            return False
        memset(place[0], 0, sizeof(Guess))
        place[0].left = around.left
    return True


cdef bint index_guesses(Guess* g) noexcept nogil:
    cdef uint32_t size = <uint32_t>(4 * g.field_room)
    cdef uint32_t at
    cdef int i
    PyMem_RawFree(g.slots)
    g.slots = <int32_t*>PyMem_RawMalloc(size * sizeof(int32_t))
    if g.slots == NULL:
        return False
    memset(g.slots, 0xFF, size * sizeof(int32_t))
    g.slot_mask = size - 1
    for i in range(g.field_count):
        at = <uint32_t>hash_of(g.fields[i].name, g.fields[i].name_size) & g.slot_mask
        while g.slots[at] >= 0:
            at = (at + 1) & g.slot_mask
        g.slots[at] = i
    return True


cdef Guess* guess_named(Guess* g, const unsigned char* name, size_t size) noexcept nogil:
    """Returns the guess about the field with a name, which may be new; NULL without memory."""
    cdef Guess* field
    cdef uint32_t at
    if g.likely_field < g.field_count:
        field = &g.fields[g.likely_field]
        if field.name_size == size and same_bytes(field.name, name, size):
            g.likely_field += 1
            return field
    if g.field_count == g.field_room:
        field = <Guess*>PyMem_RawRealloc(g.fields, <size_t>max(8, 2 * g.field_room) * sizeof(Guess))
        if field == NULL:
            return NULL
        g.fields = field
        g.field_room = max(8, 2 * g.field_room)
        if not index_guesses(g):
            return NULL
    at = <uint32_t>hash_of(name, size) & g.slot_mask
    while g.slots[at] >= 0:
        field = &g.fields[g.slots[at]]
        if field.name_size == size and same_bytes(field.name, name, size):
            g.likely_field = g.slots[at] + 1
            return field
        at = (at + 1) & g.slot_mask
    field = &g.fields[g.field_count]
    memset(field, 0, sizeof(Guess))
    field.name = <unsigned char*>PyMem_RawMalloc(size if size else 1)
    if field.name == NULL:
        return NULL
    memcpy(field.name, name, size)
    field.name_size = size
    field.left = g.left
    if g.left != NULL:
        g.left[0] -= 1
    g.slots[at] = g.field_count
    g.field_count += 1
    g.likely_field = g.field_count
    return field


# --- two guesses made one ---

cdef bint merge_guesses(Guess* g, Guess* other) noexcept nogil:
    """Lets a guess be one about the values of both. The other stays as it is."""
    cdef Guess* field
    cdef int i
    g.types |= other.types
    g.has_null |= other.has_null
    g.maps += other.maps
    g.seen += other.seen
    if g.first == 0:
        g.first = other.first
    if other.element != NULL and not (made(&g.element, g) and merge_guesses(g.element, other.element)):
        return False
    if other.key != NULL and not (made(&g.key, g) and merge_guesses(g.key, other.key)):
        return False
    if other.value != NULL and not tell_together(g):
        return False
    if other.value != NULL and not merge_guesses(g.value, other.value):
        return False
    for i in range(other.field_count):
        if g.value != NULL:
            field = g.value
        else:
            field = guess_named(g, other.fields[i].name, other.fields[i].name_size)
            if field == NULL:
                return False
        if not merge_guesses(field, &other.fields[i]):
            return False
        if g.value == NULL and g.field_count > GUESSES_APART and not tell_together(g):
            return False
    return True


cdef bint tell_together(Guess* g) noexcept nogil:
    """Tells the keys of maps apart no more."""
    cdef int i
    if g.value != NULL:
        return True
    if not made(&g.value, g):
        return False
    for i in range(g.field_count):
        if not merge_guesses(g.value, &g.fields[i]):
            return False
        free_guess(&g.fields[i])
    g.field_count = g.likely_field = 0
    return True


cdef bint tell_together_if_needed(Guess* g, Value* key) noexcept nogil:
    """Does so if there are too many keys, or one that no field can be called as."""
    if (
        g.field_count < GUESSES_APART and (g.left == NULL or g.left[0] > 0)
        and not has_nul(<const char*>key.data, key.size)
    ):
        return True
    return tell_together(g)


cdef bint is_uniform(Guess* g) noexcept nogil:
    """Whether all values can be in one column."""
    cdef int i
    if g.types & (g.types - 1):
        return False
    if g.element != NULL and not is_uniform(g.element):
        return False
    if g.key != NULL and (not is_uniform(g.key) or not g.key.types & (GUESS_INT | GUESS_TEXT | GUESS_BYTES)):
        return False
    if g.value != NULL:
        return is_uniform(g.value)
    for i in range(g.field_count):
        if not is_uniform(&g.fields[i]):
            return False
    return True


# --- values ---

cdef Adding guess_map(Guess* g, Value* v, Span* s, int depth) noexcept nogil:
    cdef Guess* field
    cdef Value inner
    cdef size_t _i
    cdef Adding outcome
    g.maps += 1
    for _i in range(v.size):
        if next_value(&inner, s) != ADDED:
            return MALFORMED
        if g.key != NULL or inner.kind != PARTICLE_STRING or not is_utf8(inner.data, inner.size):
            if g.key == NULL and (not made(&g.key, g) or not tell_together(g)):
                return OUT_OF_MEMORY
        if g.key == NULL and g.value == NULL and not tell_together_if_needed(g, &inner):
            return OUT_OF_MEMORY
        if g.key != NULL:
            outcome = guess(g.key, &inner, s, depth + 1)
            if outcome != ADDED:
                return outcome
        field = g.value
        if field == NULL:
            field = guess_named(g, inner.data, inner.size)
            if field == NULL:
                return OUT_OF_MEMORY
        field.seen += 1
        outcome = next_value(&inner, s)
        if outcome == ADDED:
            outcome = guess(field, &inner, s, depth + 1)
        if outcome != ADDED:
            return outcome
    return ADDED


cdef Adding guess(Guess* g, Value* v, Span* s, int depth) noexcept nogil:
    """Takes a value into account, and what is in it, which the span has."""
    cdef Value inner
    cdef size_t _i
    cdef Adding outcome
    if depth > MAX_DEPTH:
        return MALFORMED
    if v.kind == PARTICLE_NULL:
        g.has_null = True
        return ADDED
    if v.kind == PARTICLE_INTEGER:
        note_type(g, GUESS_INT)
    elif v.kind == PARTICLE_STRING:
        note_type(g, GUESS_TEXT if is_utf8(v.data, v.size) else GUESS_OTHER)
    elif v.kind == PARTICLE_FLOAT:
        note_type(g, GUESS_FLOAT)
    elif v.kind == PARTICLE_BOOL:
        note_type(g, GUESS_BOOL)
    elif v.kind == PARTICLE_BLOB:
        note_type(g, GUESS_BYTES)
    elif v.kind == PARTICLE_GEOJSON:
        note_type(g, GUESS_GEOJSON)
    elif v.kind == PARTICLE_HLL:
        note_type(g, GUESS_HLL)
    elif v.kind == PARTICLE_MAP:
        note_type(g, GUESS_MAP)
        return guess_map(g, v, s, depth)
    elif v.kind == PARTICLE_LIST:
        note_type(g, GUESS_LIST)
        if not made(&g.element, g):
            return OUT_OF_MEMORY
        for _i in range(v.size):
            outcome = next_value(&inner, s)
            if outcome == ADDED:
                outcome = guess(g.element, &inner, s, depth + 1)
            if outcome != ADDED:
                return outcome
    else:
        note_type(g, GUESS_OTHER)
    return ADDED


# --- schemas ---

cdef dict JSON_METADATA = {EXTENSION: JSON_EXTENSION, EXTENSION_METADATA: b""}
cdef dict GUESSED_FORMATS = {
    0: ("n", None), GUESS_INT: ("l", None), GUESS_FLOAT: ("g", None), GUESS_BOOL: ("b", None), GUESS_TEXT: ("u", None),
    GUESS_BYTES: ("z", None), GUESS_GEOJSON: ("u", {TAG: b"geojson"}), GUESS_HLL: ("z", {TAG: b"hll"}),
    GUESS_OTHER: ("u", JSON_METADATA),
}


cdef ArrowSchema json_column(str name):
    return ArrowSchema(name, "u", metadata=JSON_METADATA)


cdef ArrowSchema guessed_schema(Guess* g, str name, bint mixed_is_json):
    """The column for the values. Where they are of several types it takes those of the first, or is JSON text."""
    cdef bint is_mixed = g.types & (g.types - 1) != 0
    if is_mixed and mixed_is_json:
        return json_column(name)
    if g.first == GUESS_LIST:
        return ArrowSchema(name, "+l", fields=[guessed_schema(g.element, "item", mixed_is_json)])
    if g.first == GUESS_MAP:
        return guessed_map(g, name, mixed_is_json)
    form, metadata = GUESSED_FORMATS[g.first]
    return ArrowSchema(name, form, metadata=metadata)


cdef ArrowSchema guessed_map(Guess* g, str name, bint mixed_is_json):
    cdef Guess together
    cdef int i
    cdef ArrowSchema key
    memset(&together, 0, sizeof(Guess))
    try:
        for i in range(g.field_count):
            if not merge_guesses(&together, &g.fields[i]):
                raise MemoryError
        if g.value == NULL and not is_uniform(&together):
            return ArrowSchema(name, "+s", fields=[
                guessed_field(&g.fields[i], g.maps, mixed_is_json) for i in range(g.field_count)
            ])
        key = ArrowSchema("key", "u", nullable=False)
        if g.key != NULL:
            if mixed_is_json and (not is_uniform(g.key) or not g.key.types & (GUESS_INT | GUESS_TEXT | GUESS_BYTES)):
                return json_column(name)
            form, metadata = GUESSED_FORMATS.get(g.key.first, ("u", None))
            key = ArrowSchema("key", form, nullable=False, metadata=metadata)
        value = guessed_schema(&together if g.value == NULL else g.value, "value", mixed_is_json)
        return ArrowSchema(name, "+m", fields=[ArrowSchema("entries", "+s", nullable=False, fields=[key, value])])
    finally:
        free_guess(&together)


cdef ArrowSchema guessed_field(Guess* g, int64_t maps, bint mixed_is_json):
    """The column for the field of a struct, which so many maps are; of those some may lack it, and others have None for it."""
    cdef ArrowSchema field
    cdef str name = text_of_name(g)
    if g.has_null and g.seen < maps and mixed_is_json:
        return json_column(name)            # whose null is JSON's
    field = guessed_schema(g, name, mixed_is_json)
    if not g.has_null or g.seen < maps or field.metadata.get(EXTENSION) == JSON_EXTENSION:
        return field
    return ArrowSchema(name, field.format, metadata={**field.metadata, NULL_TAG: b"value"}, fields=field.fields)


cdef str text_of_name(Guess* g):
    return PyUnicode_DecodeUTF8(<const char*>g.name, <Py_ssize_t>g.name_size, b"surrogateescape")
