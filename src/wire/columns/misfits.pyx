# What becomes of a value that does not fit its column, and what is told of it.

cdef enum MisfitRule:                       # what becomes of a value that does not fit
    MISFIT_ENDS
    MISFIT_IS_NULL
    MISFIT_IS_JSON                          # in the column for what has none


cdef dict MISFIT_RULES = {"error": MISFIT_ENDS, "null": MISFIT_IS_NULL, "json": MISFIT_IS_JSON}


cdef dict KIND_NAMES = {
    PARTICLE_NULL: "nothing", PARTICLE_INTEGER: "an integer", PARTICLE_FLOAT: "a float", PARTICLE_STRING: "text",
    PARTICLE_BLOB: "bytes", PARTICLE_BOOL: "a bool", PARTICLE_HLL: "a HyperLogLog", PARTICLE_MAP: "a map",
    PARTICLE_LIST: "a list", PARTICLE_GEOJSON: "GeoJSON",
}


cdef str NULL_ADVICE = (
    "on_mismatch='json' keeps the two apart, and so does a schema with dict[str, T] for the map, or object for the key; "
    "with T | None for the key both are null"
)


cdef object mismatch(Misfit* m, ArrowSchema schema, Key key):
    """The error of a record that could not be added to columns of a schema."""
    cdef str name, what
    cdef str advice = "give a schema by which it fits, or on_mismatch='null' or, with extra='others', 'json'"
    cdef str kind = KIND_NAMES.get(m.kind, f"a value of particle type {m.kind & ~NOT_PLAIN}")
    if m.bin == NULL:
        name = PyUnicode_DecodeUTF8(<char*>m.name, <Py_ssize_t>m.name_size, b"surrogateescape")
        return errors.SchemaMismatch(
            f"the bin {shown(name)}, which has {kind}, has no column", key=key, bin=name,
            advice="give extra='others', a column of JSON for what has none, or a schema that has the bin",
        )
    name = PyUnicode_DecodeUTF8(m.bin.name, <Py_ssize_t>m.bin.name_size, b"surrogateescape")
    where = type_text(schema.field(name))
    if m.why == OTHER_TYPE:
        what = f"{kind} is no value for it"
    elif m.why == OUT_OF_RANGE:
        what = f"{m.number if m.kind == PARTICLE_INTEGER else kind} is out of its range"
    elif m.why == NOT_TEXT:
        what = "a text is no UTF-8"
    elif m.why == OTHER_SIZE:
        what = f"{kind} of {m.number} is of another size"
    elif m.why == UNKNOWN_NAME:
        what = f"a map has the key {noted_name(m)}"
    elif m.why == KEY_HAS_NONE:
        what = f"the key {noted_name(m)} is None, and null is a key that lacks"
        advice = NULL_ADVICE
    elif m.why == KEY_LACKS:
        what = f"the key {noted_name(m)} lacks, and null is None"
        advice = NULL_ADVICE
    elif m.why == NOT_NULLABLE:
        what = "it is not nullable, and a value is missing"
    elif m.why == TOO_MANY_VALUES:
        what = "it can't have so many values"
    else:
        what = "lists and maps are nested too deep"
    return errors.SchemaMismatch(
        f"the bin {shown(name)} does not fit its column, which is of {where}: {what}", key=key, bin=name, advice=advice
    )


cdef str noted_name(Misfit* m):
    return shown(PyUnicode_DecodeUTF8(<char*>m.name, <Py_ssize_t>m.name_size, b"replace"))
