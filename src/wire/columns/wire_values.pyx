# Reads values on the wire without the GIL: particles, and msgpack inside lists and maps (values.md), as `unpack.pyx` reads
# them to Python values. What is read stays where it is; what is inside a list or map is read on from a span.

cdef struct Span:                           # bytes that are to be read; borrowed
    const unsigned char* p
    const unsigned char* end


cdef enum:
    NOT_PLAIN = 0x100                       # in `kind`: text or bytes of a type that only other clients have


cdef struct Value:
    int kind                                # its particle type; of a list or map the elements follow in the span
    bint above                              # of an integer: it is above the greatest that int64 has
    int64_t number                          # of an integer or a bool
    double real
    const unsigned char* data               # of text and bytes, GeoJSON's text
    size_t size                             # of `data`, or the number of elements or entries


cdef inline size_t span_left(Span* s) noexcept nogil:
    return <size_t>(s.end - s.p)


cdef inline Adding text_value(Value* v, Span* s, size_t size) noexcept nogil:
    """A msgpack string: a particle type, then the particle's bytes."""
    if size > span_left(s):
        return MALFORMED
    v.data = s.p
    v.size = 0
    if size == 0:                           # without a type; the server stores it as a client sent it (values.md 3.2)
        v.kind = NOT_PLAIN
        return ADDED
    v.kind = s.p[0]
    if v.kind != PARTICLE_STRING and v.kind != PARTICLE_BLOB and v.kind != PARTICLE_GEOJSON and v.kind != PARTICLE_HLL:
        v.kind |= NOT_PLAIN
    v.data += 1
    v.size = size - 1
    s.p += size
    return ADDED


cdef inline Adding unsigned_value(Value* v, Span* s, size_t size) noexcept nogil:
    cdef uint64_t number
    if size > span_left(s):
        return MALFORMED
    number = s.p[0] if size == 1 else load16(s.p) if size == 2 else load32(s.p) if size == 4 else load64(s.p)
    s.p += size
    v.kind = PARTICLE_INTEGER
    v.number = <int64_t>number
    v.above = number > <uint64_t>INT64_MAX
    return ADDED


cdef inline Adding signed_value(Value* v, Span* s, size_t size) noexcept nogil:
    if size > span_left(s):
        return MALFORMED
    v.kind = PARTICLE_INTEGER
    v.number = (
        <signed char>s.p[0] if size == 1 else <int16_t>load16(s.p) if size == 2 else <int32_t>load32(s.p) if size == 4
        else <int64_t>load64(s.p)
    )
    s.p += size
    return ADDED


cdef Adding skip_extension(Span* s) noexcept nogil:
    """Steps over an extension, which holds the flags of a list or map."""
    cdef int tag = s.p[0]
    cdef size_t size, head
    if tag <= 0xC9:
        head = <size_t>1 << (tag - 0xC7)
        if 1 + head + 1 > span_left(s):
            return MALFORMED
        size = s.p[1] if head == 1 else load16(s.p + 1) if head == 2 else load32(s.p + 1)
    else:
        head = 0
        size = <size_t>1 << (tag - 0xD4)
    if size > span_left(s) or 1 + head + 1 + size > span_left(s):
        return MALFORMED
    s.p += 1 + head + 1 + size
    return ADDED


cdef Adding container_value(Value* v, Span* s, int kind, size_t count) noexcept nogil:
    """A list or map, without the flags that stand in front of its elements."""
    cdef size_t each = 2 if kind == PARTICLE_MAP else 1
    if count and s.p < s.end and (0xC7 <= s.p[0] <= 0xC9 or 0xD4 <= s.p[0] <= 0xD8):
        if skip_extension(s) != ADDED:
            return MALFORMED
        if kind == PARTICLE_MAP:            # where they have a value, nil
            if span_left(s) == 0 or s.p[0] != 0xC0:
                return MALFORMED
            s.p += 1
        count -= 1
    if count > span_left(s) or count * each > span_left(s):
        return MALFORMED
    v.kind = kind
    v.size = count
    return ADDED


cdef Adding sized_value(Value* v, Span* s, int tag) noexcept nogil:
    """A string, list or map with its size in front."""
    cdef int width = 1 if tag == 0xD9 or tag == 0xC4 else 2 if tag in (0xDA, 0xC5, 0xDC, 0xDE) else 4
    cdef size_t size
    if <size_t>width > span_left(s):
        return MALFORMED
    size = s.p[0] if width == 1 else load16(s.p) if width == 2 else load32(s.p)
    s.p += width
    if tag == 0xDC or tag == 0xDD:
        return container_value(v, s, PARTICLE_LIST, size)
    if tag == 0xDE or tag == 0xDF:
        return container_value(v, s, PARTICLE_MAP, size)
    return text_value(v, s, size)


cdef Adding next_value(Value* v, Span* s) noexcept nogil:
    """Reads the next msgpack value; of a list or map what stands before its elements."""
    cdef int tag
    if s.p == s.end:
        return MALFORMED
    tag = s.p[0]
    s.p += 1
    v.above = False
    if tag < 0x80 or tag >= 0xE0:
        v.kind = PARTICLE_INTEGER
        v.number = <signed char>tag
        return ADDED
    if tag >= 0xA0 and tag < 0xC0:
        return text_value(v, s, tag & 0x1F)
    if tag < 0x90:
        return container_value(v, s, PARTICLE_MAP, tag & 0x0F)
    if tag < 0xA0:
        return container_value(v, s, PARTICLE_LIST, tag & 0x0F)
    if tag == 0xC0:
        v.kind = PARTICLE_NULL
        return ADDED
    if tag == 0xC2 or tag == 0xC3:
        v.kind = PARTICLE_BOOL
        v.number = tag == 0xC3
        return ADDED
    if 0xCC <= tag <= 0xCF:
        return unsigned_value(v, s, <size_t>1 << (tag - 0xCC))
    if 0xD0 <= tag <= 0xD3:
        return signed_value(v, s, <size_t>1 << (tag - 0xD0))
    if tag == 0xCA or tag == 0xCB:
        if span_left(s) < <size_t>(4 if tag == 0xCA else 8):
            return MALFORMED
        v.kind = PARTICLE_FLOAT
        v.real = <double>as_float(load32(s.p)) if tag == 0xCA else as_double(load64(s.p))
        s.p += 4 if tag == 0xCA else 8
        return ADDED
    if 0xC4 <= tag <= 0xC6 or tag >= 0xD9:
        return sized_value(v, s, tag)
    return MALFORMED                        # 0xC1, or an extension where a value should be


cdef Adding skip_elements(Span* s, size_t count, int depth) noexcept nogil:
    """Steps over values, and over all that is in them."""
    cdef Value v
    while count:
        if next_value(&v, s) != ADDED:
            return MALFORMED
        if v.kind == PARTICLE_LIST or v.kind == PARTICLE_MAP:
            if depth == MAX_DEPTH:
                return MALFORMED
            if skip_elements(s, v.size if v.kind == PARTICLE_LIST else 2 * v.size, depth + 1) != ADDED:
                return MALFORMED
        count -= 1
    return ADDED


cdef Adding particle_value(Value* v, int particle, const unsigned char* p, size_t size, Span* inside) noexcept nogil:
    """Reads a particle; `inside` is set to what is in a list or map."""
    cdef size_t cells
    v.kind = particle
    v.above = False
    v.data = p
    v.size = size
    if particle == PARTICLE_INTEGER:
        if size == 8:
            v.number = <int64_t>load64(p)
        elif size == 4:
            v.number = load32(p)
        elif size == 2:
            v.number = load16(p)
        elif size == 1:
            v.number = p[0]
        else:
            return MALFORMED
    elif particle == PARTICLE_FLOAT:
        if size != 8:
            return MALFORMED
        v.real = as_double(load64(p))
    elif particle == PARTICLE_BOOL:
        if size != 1:
            return MALFORMED
        v.number = p[0] != 0
    elif particle == PARTICLE_GEOJSON:
        if size < 3:
            return MALFORMED
        cells = 3 + 8 * <size_t>load16(p + 1)
        if cells > size:
            return MALFORMED
        v.data = p + cells
        v.size = size - cells
    elif particle == PARTICLE_LIST or particle == PARTICLE_MAP:
        inside.p = p
        inside.end = p + size
        if next_value(v, inside) != ADDED or v.kind != particle:
            return MALFORMED
    return ADDED


cdef bint is_utf8(const unsigned char* p, size_t size) noexcept nogil:
    """Whether bytes are text, as Python's decoder has it: no surrogates, nothing longer than needed, nothing above U+10FFFF."""
    cdef const unsigned char* end = p + size
    cdef int first
    if is_ascii(p, size):
        return True
    while p < end:
        first = p[0]
        if first < 0x80:
            p += 1
        elif first < 0xC2:
            return False
        elif first < 0xE0:
            if end - p < 2 or p[1] & 0xC0 != 0x80:
                return False
            p += 2
        elif first < 0xF0:
            if end - p < 3 or p[1] & 0xC0 != 0x80 or p[2] & 0xC0 != 0x80:
                return False
            if first == 0xE0 and p[1] < 0xA0 or first == 0xED and p[1] >= 0xA0:
                return False
            p += 3
        else:
            if first > 0xF4 or end - p < 4 or p[1] & 0xC0 != 0x80 or p[2] & 0xC0 != 0x80 or p[3] & 0xC0 != 0x80:
                return False
            if first == 0xF0 and p[1] < 0x90 or first == 0xF4 and p[1] >= 0x90:
                return False
            p += 4
    return True
