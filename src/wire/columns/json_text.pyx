# Writes values on the wire as JSON text, without the GIL, for columns that take values of any type. What JSON has no form for
# gets those that the command line has, too (`pyspike.columnar.json_values`): an object with one name that begins with `$`. That a
# list or map is kept in an order is not told.

cdef extern from "stdio.h" nogil:
    int snprintf(char* text, size_t size, const char* form, ...)


cdef extern from "stdlib.h" nogil:
    double strtod(const char* text, char** end)


cdef extern from "math.h" nogil:
    bint isnan(double number)
    bint isinf(double number)


cdef const char* HEX_DIGITS = "0123456789abcdef"


cdef inline bint put_chars(Memory* m, const char* text) noexcept nogil:
    return put_piece(m, text, strlen(text))


cdef bint put_hex(Memory* m, const unsigned char* data, size_t size) noexcept nogil:
    cdef size_t i
    if not has_room(m, 2 * size):
        return False
    for i in range(size):
        m.data[m.size] = <unsigned char>HEX_DIGITS[data[i] >> 4]
        m.data[m.size + 1] = <unsigned char>HEX_DIGITS[data[i] & 15]
        m.size += 2
    return True


cdef bint put_json_string(Memory* m, const unsigned char* data, size_t size) noexcept nogil:
    """Writes a text, which is UTF-8, in quotes."""
    cdef size_t i, begin = 0
    if not put_chars(m, b'"'):
        return False
    for i in range(size):
        if data[i] >= 0x20 and data[i] != b'"' and data[i] != b"\\":
            continue
        if not put_piece(m, data + begin, i - begin):
            return False
        begin = i + 1
        if data[i] < 0x20:
            if not put_chars(m, b"\\u00") or not put_hex(m, data + i, 1):
                return False
        elif not put_chars(m, b"\\") or not put_piece(m, data + i, 1):
            return False
    return put_piece(m, data + begin, size - begin) and put_chars(m, b'"')


cdef bint put_json_float(Memory* m, double number) noexcept nogil:
    """Writes the shortest text by which the number is read again, with a point or an exponent."""
    cdef char text[32]
    cdef int digits, i
    cdef bint is_whole = True
    if isnan(number):
        return put_chars(m, b'{"$float": "nan"}')
    if isinf(number):
        return put_chars(m, b'{"$float": "inf"}' if number > 0 else b'{"$float": "-inf"}')
    for digits in range(15, 18):
        snprintf(text, sizeof(text), b"%.*g", digits, number)
        if strtod(text, NULL) == number:
            break
    i = 0
    while text[i]:
        if text[i] == b"e":
            is_whole = False
        elif not (b"0" <= text[i] <= b"9") and text[i] != b"-" and text[i] != b"+":
            text[i] = b"."                  # where the locale has a comma
            is_whole = False
        i += 1
    return put_chars(m, text) and (not is_whole or put_chars(m, b".0"))


cdef bint put_json_integer(Memory* m, Value* v) noexcept nogil:
    cdef char text[24]
    if v.above:
        snprintf(text, sizeof(text), b"%llu", <unsigned long long>v.number)
    else:
        snprintf(text, sizeof(text), b"%lld", <long long>v.number)
    return put_chars(m, text)


cdef bint put_raw(Memory* m, int particle, Value* v) noexcept nogil:
    cdef char text[64]
    snprintf(text, sizeof(text), b'{"$raw": {"type": %d, "data": "', particle)
    return put_chars(m, text) and put_hex(m, v.data, v.size) and put_chars(m, b'"}}')


cdef bint keys_are_names(Span* s, size_t count) noexcept nogil:
    """Whether a map can be an object of JSON: its keys are text, each comes once, and it looks like none of the special forms.

    The span is where its entries begin, and stays there.
    """
    cdef Span ahead = s[0]
    cdef Value key
    cdef size_t _i
    for _i in range(count):
        if next_value(&key, &ahead) != ADDED or key.kind != PARTICLE_STRING or not is_utf8(key.data, key.size):
            return False
        if count == 1 and key.size and key.data[0] == b"$":
            return False
        if skip_elements(&ahead, 1, 0) != ADDED:
            return False
    return True


cdef Adding put_json_map(Memory* m, Value* v, Span* s, int depth) noexcept nogil:
    cdef bint is_object = keys_are_names(s, v.size)
    cdef size_t i
    cdef Value inner
    cdef Adding outcome
    if not put_chars(m, b"{" if is_object else b'{"$map": ['):
        return OUT_OF_MEMORY
    for i in range(v.size):
        if i and not put_chars(m, b", "):
            return OUT_OF_MEMORY
        if not is_object and not put_chars(m, b"["):
            return OUT_OF_MEMORY
        outcome = next_value(&inner, s)
        if outcome == ADDED:
            outcome = put_json(m, &inner, s, depth + 1)
        if outcome == ADDED and not put_chars(m, b": " if is_object else b", "):
            outcome = OUT_OF_MEMORY
        if outcome == ADDED:
            outcome = next_value(&inner, s)
        if outcome == ADDED:
            outcome = put_json(m, &inner, s, depth + 1)
        if outcome != ADDED:
            return outcome
        if not is_object and not put_chars(m, b"]"):
            return OUT_OF_MEMORY
    return ADDED if put_chars(m, b"}" if is_object else b"]}") else OUT_OF_MEMORY


cdef Adding put_json_list(Memory* m, Value* v, Span* s, int depth) noexcept nogil:
    cdef size_t i
    cdef Value inner
    cdef Adding outcome
    if not put_chars(m, b"["):
        return OUT_OF_MEMORY
    for i in range(v.size):
        if i and not put_chars(m, b", "):
            return OUT_OF_MEMORY
        outcome = next_value(&inner, s)
        if outcome == ADDED:
            outcome = put_json(m, &inner, s, depth + 1)
        if outcome != ADDED:
            return outcome
    return ADDED if put_chars(m, b"]") else OUT_OF_MEMORY


cdef Adding put_json(Memory* m, Value* v, Span* s, int depth) noexcept nogil:
    """Writes a value, and what is in it, which the span has."""
    cdef bint ok
    if depth > MAX_DEPTH:
        return MALFORMED
    if v.kind == PARTICLE_LIST:
        return put_json_list(m, v, s, depth)
    if v.kind == PARTICLE_MAP:
        return put_json_map(m, v, s, depth)
    if v.kind == PARTICLE_INTEGER:
        ok = put_json_integer(m, v)
    elif v.kind == PARTICLE_FLOAT:
        ok = put_json_float(m, v.real)
    elif v.kind == PARTICLE_BOOL:
        ok = put_chars(m, b"true" if v.number else b"false")
    elif v.kind == PARTICLE_NULL:
        ok = put_chars(m, b"null")
    elif v.kind == PARTICLE_STRING and is_utf8(v.data, v.size):
        ok = put_json_string(m, v.data, v.size)
    elif v.kind == PARTICLE_GEOJSON and is_utf8(v.data, v.size):
        ok = put_chars(m, b'{"$geojson": ') and put_json_string(m, v.data, v.size) and put_chars(m, b"}")
    elif v.kind == PARTICLE_BLOB:
        ok = put_chars(m, b'{"$bytes": "') and put_hex(m, v.data, v.size) and put_chars(m, b'"}')
    elif v.kind == PARTICLE_HLL:
        ok = put_chars(m, b'{"$hll": "') and put_hex(m, v.data, v.size) and put_chars(m, b'"}')
    else:
        ok = put_raw(m, v.kind & ~NOT_PLAIN, v)
    return ADDED if ok else OUT_OF_MEMORY


cdef bint put_json_name(Memory* m, const unsigned char* name, size_t size) noexcept nogil:
    """Writes a bin's name; bytes that are no UTF-8 become surrogates, as they do in Python."""
    cdef size_t i
    if is_utf8(name, size):
        return put_json_string(m, name, size)
    if not put_chars(m, b'"'):
        return False
    for i in range(size):
        if not put_chars(m, b"\\u00" if name[i] < 0x80 else b"\\udc") or not put_hex(m, name + i, 1):
            return False
    return put_chars(m, b'"')
