# Makes columns for the fields of a schema, if they are of types that can be filled.

cdef dict INT_FORMATS = {                   # the bytes of a number, and whether it has no sign
    "c": (1, False), "s": (2, False), "i": (4, False), "l": (8, False),
    "C": (1, True), "S": (2, True), "I": (4, True), "L": (8, True), "tdD": (4, False), "tdm": (8, False),
    "tts": (4, False), "ttm": (4, False), "ttu": (8, False), "ttn": (8, False),
}
cdef dict FLOAT_FORMATS = {"e": 2, "f": 4, "g": 8}
cdef dict TEXT_FORMATS = {                  # whether it is text, and the bytes of an offset
    "u": (True, 4), "U": (True, 8), "vu": (True, 0), "z": (False, 4), "Z": (False, 8), "vz": (False, 0),
}
cdef dict NULL_TAGS = {None: NULL_IS_LACKING, b"value": NULL_IS_VALUE, b"either": NULL_IS_EITHER}
cdef dict UNITS_A_SECOND = {"s": 1, "m": 1000, "u": 1_000_000, "n": 1_000_000_000}
cdef int64_t SECONDS_A_DAY = 86_400
cdef tuple IN_ITS_PLACE = (                 # what to take for types that begin so
    ("d:", "float64, int64 in the smallest unit, or text"),
    ("ti", "a duration, or integers"),
    ("+v", "a list"),
    ("+r", "its values, decoded"),
    ("+u", "a column for each of its types, or one of JSON"),
    ("e", "float32, which has the same values"),
)


cdef object no_such_column(str path, ArrowSchema field, str why=""):
    cdef str advice = "records give integers, floats, booleans, text, bytes, lists, maps and structs"
    for begin, other in IN_ITS_PLACE:
        if field.dictionary is None and field.format.startswith(begin):
            advice = f"let it be {other}"
    return errors.InvalidArgument(
        f"the column {path!r} can't be of {type_text(field)}{': ' + why if why else ''}", advice=advice
    )


cdef int plan_integers(Column* c, int width, bint is_unsigned) except -1:
    c.kind = OF_INTS
    c.width = width
    c.is_unsigned = is_unsigned
    c.scale = 1
    c.takes_all = width == 8 and not is_unsigned
    if is_unsigned:
        c.least = 0
        c.most = UINT64_MAX if width == 8 else (<uint64_t>1 << (8 * width)) - 1
    else:
        c.most = (<uint64_t>1 << (8 * width - 1)) - 1
        c.least = -<int64_t>c.most - 1
    return 0


cdef int plan_day_or_time(Column* c, str form) except -1:
    """Makes a column of days or of times of a day, of which not all numbers are one."""
    plan_integers(c, INT_FORMATS[form][0], False)
    if form == "tdm":
        c.step = 1000 * SECONDS_A_DAY
        c.takes_all = False
    elif form[1] == "t":
        c.least = 0
        c.most = <uint64_t>(SECONDS_A_DAY * <int64_t>UNITS_A_SECOND[form[2]] - 1)
        c.takes_all = False
    return 0


cdef int plan_text(Column* c, ArrowSchema field, str path) except -1:
    cdef bint is_text
    cdef bytes tag = field.metadata.get(TAG.encode())
    is_text, c.width = TEXT_FORMATS[field.format]
    c.kind = OF_TEXT if is_text else OF_BYTES
    c.particle = PARTICLE_STRING if is_text else PARTICLE_BLOB
    if field.metadata.get(EXTENSION) == JSON_EXTENSION:
        if not is_text:
            raise no_such_column(path, field, "JSON is text")
        c.kind = OF_JSON
    elif tag == b"geojson" and is_text:
        c.particle = PARTICLE_GEOJSON
    elif tag == b"hll" and not is_text:
        c.particle = PARTICLE_HLL
    elif tag is not None:
        raise no_such_column(path, field, f"{TAG} can be geojson of text and hll of bytes")
    return 0


cdef int plan_children(Column* c, tuple fields, str path) except -1:
    cdef Py_ssize_t i
    cdef ArrowSchema field
    c.children = <Column*>zeroed(<size_t>len(fields) * sizeof(Column))
    for i in range(<Py_ssize_t>len(fields)):
        field = <ArrowSchema>fields[i]
        c.child_count = <int>i + 1
        plan_column(&c.children[i], field, f"{path}.{field.name}" if path else field.name)
    return 0


cdef int plan_null(Column* c, ArrowSchema field, str path) except -1:
    tag = field.metadata.get(NULL_TAG)
    if tag not in NULL_TAGS:
        raise no_such_column(path, field, f"{NULL_TAG.decode()} can be value or either")
    c.null_is = NULL_TAGS[tag]
    return 0


cdef int plan_struct(Column* c, tuple fields, str path) except -1:
    cdef int i
    names = [(<ArrowSchema>each).name for each in fields]
    if len(set(names)) != len(names):
        raise errors.InvalidArgument(f"{path or 'the schema'} has two fields of one name: {shown(names)}")
    c.kind = OF_STRUCTS
    plan_children(c, fields, path)
    for i in range(c.child_count):
        c.children[i].is_found_by_name = True
        if path:                            # else it is a record, whose bins lack or have a value
            plan_null(&c.children[i], <ArrowSchema>fields[i], f"{path}.{names[i]}")
        c.has_required |= not c.children[i].nullable or c.children[i].null_is == NULL_IS_VALUE
    if not index_children(c):
        raise MemoryError
    return 0


cdef int plan_codes(Column* c, ArrowSchema field, str path) except -1:
    cdef ArrowSchema values = field.dictionary
    if len(field.format) != 1 or field.format not in INT_FORMATS:
        raise no_such_column(path, field, "the numbers of a dictionary's values are integers")
    plan_integers(c, INT_FORMATS[field.format][0], INT_FORMATS[field.format][1])
    c.kind = OF_CODES
    c.least = 0
    c.children = <Column*>zeroed(sizeof(Column))
    c.child_count = 1
    plan_column(&c.children[0], ArrowSchema(
        values.name, values.format, nullable=values.nullable, metadata={**values.metadata, **field.metadata},
        fields=values.fields, dictionary=values.dictionary, flags=values.flags,
    ), path)
    return 0


cdef int plan_column(Column* c, ArrowSchema field, str path) except -1:
    """Makes an empty column, in memory that is all zero. After an error `free_column` frees what was made.

    Raises:
        InvalidArgument: no column of this type can be filled.
    """
    cdef str form = field.format
    cdef bytes name = field.name.encode("utf-8", "surrogateescape")
    c.name = copied(name)
    c.name_size = <size_t>PyBytes_GET_SIZE(name)
    c.nullable = field.nullable
    if field.dictionary is not None:
        plan_codes(c, field, path)
    elif form in INT_FORMATS and len(form) > 1:
        plan_day_or_time(c, form)
    elif form in INT_FORMATS:
        plan_integers(c, INT_FORMATS[form][0], INT_FORMATS[form][1])
    elif form in TEXT_FORMATS:
        plan_text(c, field, path)
    elif form == "n":
        c.kind = OF_NULLS
    elif form == "b":
        c.kind = OF_BOOLS
    elif form in FLOAT_FORMATS:
        c.kind = OF_FLOATS
        c.width = FLOAT_FORMATS[form]
        c.takes_ints = True
    elif form[:2] in ("ts", "tD") and form[2:3] in UNITS_A_SECOND:
        plan_integers(c, 8, False)
        c.scale = UNITS_A_SECOND[form[2]]
    elif form.startswith("w:") and form[2:].isdecimal() and 0 < int(form[2:]) <= MAX_MESSAGE:
        c.kind = OF_FIXED_BYTES
        c.width = int(form[2:])
        c.particle = PARTICLE_BLOB
    elif form in ("+l", "+L") and len(field.fields) == 1:
        c.kind = OF_LISTS
        c.width = 4 if form == "+l" else 8
        plan_children(c, field.fields, path + "[]")
    elif form.startswith("+w:") and form[3:].isdecimal() and 0 < int(form[3:]) <= MAX_MESSAGE and len(field.fields) == 1:
        c.kind = OF_FIXED_LISTS
        c.elements = int(form[3:])
        plan_children(c, field.fields, path + "[]")
    elif form == "+s":
        plan_struct(c, field.fields, path)
    elif form == "+m" and len(field.fields) == 1 and len((<ArrowSchema>field.fields[0]).fields) == 2:
        c.kind = OF_MAPS
        c.width = 4
        plan_children(c, field.fields, path)
        c.children[0].children[0].nullable = False
    else:
        raise no_such_column(path, field)
    return 0


cdef ArrowSchema with_tags_of(ArrowSchema schema, ArrowSchema other):
    """A schema with what another one of the same fields says of particles and null, where it says nothing itself."""
    cdef ArrowSchema field
    cdef dict tags = {}
    cdef dict others = {(<ArrowSchema>each).name: each for each in other.fields}
    cdef list fields = []
    for tag in (NULL_TAG, TAG.encode()):
        if tag in other.metadata and (tag == NULL_TAG or is_text_or_bytes(schema) == is_text_or_bytes(other)):
            tags[tag] = other.metadata[tag]
    for field in schema.fields:
        same = others.get(field.name) if schema.format == "+s" else other.fields[0] if other.fields else None
        fields.append(field if same is None else with_tags_of(field, same))
    return ArrowSchema(
        schema.name, schema.format, nullable=schema.nullable, metadata={**tags, **schema.metadata}, fields=fields,
        dictionary=schema.dictionary, flags=schema.flags,
    )


cdef object is_text_or_bytes(ArrowSchema schema):
    """Whether it is text, or else bytes; None of other types."""
    return TEXT_FORMATS.get(schema.format if schema.dictionary is None else schema.dictionary.format, (None,))[0]


cdef int check_fillable(Column* c, tuple fields, str path) except -1:
    """Refuses columns that rows can be written of, but no values be read into. `fields`: the schemas of what is in the column."""
    cdef int i
    cdef ArrowSchema field
    for i in range(c.child_count):
        field = <ArrowSchema>fields[i]
        name = f"{path}.{field.name}" if path else field.name
        if c.children[i].kind == OF_FLOATS and c.children[i].width == 2:
            raise no_such_column(name, field, "it can be written, and not be read into")
        if c.children[i].kind != OF_CODES:
            check_fillable(&c.children[i], field.fields, name)
        elif c.children[i].children[0].kind not in (OF_TEXT, OF_BYTES):
            raise no_such_column(name, field, "a dictionary that is read has text or bytes")
    return 0


cdef int check_unit(ArrowSchema field, str what) except -1:
    """Refuses a column of times for what is known of a record, if it would be another time there."""
    cdef str form = field.format if field.dictionary is None else field.dictionary.format
    if what in ("generation", "ttl", "expiration", "result_code") and form[:1] == "t":
        if form[:2] != {"ttl": "tD", "expiration": "ts"}.get(what):
            raise no_such_column(field.name, field, f"no {what} is that")
    return 0


cdef int refuse_ints(Column* c) except -1:
    """Has floats, of a column and of all in it, take no integers: nobody has said that they are floats."""
    cdef int i
    c.takes_ints = False
    for i in range(c.child_count):
        refuse_ints(&c.children[i])
    return 0
