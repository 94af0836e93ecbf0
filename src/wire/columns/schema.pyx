# ArrowSchema: what a table's columns are called and what is in them, out of and into Arrow's C struct of that name.
#
# Not here: what of it pyspike can fill (`column_plans.pyx`), and how Python types describe it (`pyspike.columnar.schema`).

cdef enum:
    MAX_SCHEMA_DEPTH = 64                   # of fields in fields, as somebody else's struct has them
    MAX_SCHEMA_FIELDS = 1_000_000


@cython.final
cdef class ArrowSchema:
    """ArrowSchema(name, format, *, nullable=True, metadata=None, fields=(), dictionary=None, flags=0)\n--\n\nA column's schema.

    That of a table is a struct, whose fields are the columns. Anything that takes schemas by Arrow's PyCapsule interface takes
    it: `pyarrow.schema(s)`, `nanoarrow.Schema(s)`. Immutable, hashable, picklable.

    Args:
        name: the column's name.
        format: the type, as Arrow's C data interface spells it: "l" is int64, "u" is utf8, "+s" a struct.
        nullable: whether values may be missing.
        metadata: bytes or str by bytes or str.
        fields: the schemas of what is in a list, struct or map.
        dictionary: the schema of the values, of which the column has the numbers.
        flags: 1 if the dictionary is ordered, 4 if a map's keys are sorted.

    Raises:
        InvalidType, InvalidArgument: an argument can't be used.
    """

    cdef readonly str name
    cdef readonly str format
    cdef readonly bint nullable
    cdef readonly tuple fields
    cdef readonly ArrowSchema dictionary
    cdef tuple pairs                        # of the metadata, in their order
    cdef readonly int64_t flags             # but for ARROW_NULLABLE

    def __cinit__(
        self, name: str, format: str, *, nullable: bool = True, metadata: Mapping[Any, Any] | None = None,
        fields: Iterable[ArrowSchema] = (), dictionary: ArrowSchema | None = None, flags: int = 0
    ) -> None:
        for text in (name, format):
            if not isinstance(text, str):
                raise errors.InvalidType(f"names and formats of columns are str, not {shown(text)}")
            if "\0" in text:
                raise errors.InvalidArgument(f"{shown(text)} has a NUL, which no name of a column may have")
        self.name = name
        self.format = format
        self.nullable = nullable
        self.fields = tuple(fields)
        for each in (*self.fields, *(() if dictionary is None else (dictionary,))):
            if type(each) is not ArrowSchema:
                raise errors.InvalidType(f"a field must be an ArrowSchema, not {shown(each)}")
        self.dictionary = dictionary
        self.flags = flags & (ARROW_DICTIONARY_ORDERED | ARROW_KEYS_SORTED)
        self.pairs = tuple([(as_metadata(key), as_metadata(value)) for key, value in (metadata or {}).items()])

    @cython.binding(True)
    @staticmethod
    def from_arrow(data: object) -> ArrowSchema:
        """Return the schema of an object that has the method `__arrow_c_schema__`.

        Raises:
            InvalidType: it has none, or gives something else.
        """
        if type(data) is ArrowSchema:
            return data
        if not hasattr(data, "__arrow_c_schema__"):
            raise errors.InvalidType(f"{shown(data)} has no __arrow_c_schema__")
        capsule = data.__arrow_c_schema__()
        return read_schema(schema_in(capsule), 0)

    @property
    def metadata(self) -> dict[bytes, bytes]:
        """What else is said of the column."""
        return dict(self.pairs)

    @property
    def names(self) -> list[str]:
        """The names of the fields."""
        return [(<ArrowSchema>each).name for each in self.fields]

    def field(self, name: str) -> ArrowSchema:
        """Return the field with a name.

        Raises:
            KeyError: there is none.
        """
        for each in self.fields:
            if (<ArrowSchema>each).name == name:
                return each
        raise KeyError(name)

    def __arrow_c_schema__(self) -> object:
        """Return the schema in a capsule, for a library that takes it."""
        capsule = new_capsule(sizeof(SchemaStruct), SCHEMA_CAPSULE, drop_schema)
        write_schema(self, <SchemaStruct*>PyCapsule_GetPointer(capsule, SCHEMA_CAPSULE))
        return capsule

    cdef tuple parts(self):
        return self.name, self.format, self.nullable, self.pairs, self.fields, self.dictionary, self.flags

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ArrowSchema) and self.parts() == (<ArrowSchema>other).parts()

    def __hash__(self) -> int:
        return hash(self.parts())

    def __reduce__(self) -> tuple:
        return restore_schema, self.parts()

    def __repr__(self) -> str:
        if self.format == "+s" and not self.name:
            return f"<ArrowSchema {', '.join([f'{each.name}: {type_text(each)}' for each in self.fields]) or 'without columns'}>"
        return f"<ArrowSchema {self.name}: {type_text(self)}>"


cdef bytes as_metadata(object text):
    if isinstance(text, str):
        return text.encode()
    data = plain_bytes(text)
    if data is None:
        raise errors.InvalidType(f"metadata of a column is bytes or str, not {shown(text)}")
    return data


def restore_schema(
    name: str, format: str, nullable: bool, pairs: tuple[tuple[bytes, bytes], ...], fields: tuple[ArrowSchema, ...],
    dictionary: ArrowSchema | None, flags: int
) -> ArrowSchema:
    """Return the schema that a pickle holds."""
    return ArrowSchema(
        name, format, nullable=nullable, metadata=dict(pairs), fields=fields, dictionary=dictionary, flags=flags
    )


# --- as people name types ---

cdef dict TYPE_NAMES = {
    "n": "null", "b": "bool", "c": "int8", "s": "int16", "i": "int32", "l": "int64", "C": "uint8", "S": "uint16",
    "I": "uint32", "L": "uint64", "e": "float16", "f": "float32", "g": "float64", "z": "binary", "Z": "large_binary",
    "vz": "binary_view", "u": "utf8", "U": "large_utf8", "vu": "utf8_view", "tdD": "date32", "tdm": "date64",
    "tts": "time32[s]", "ttm": "time32[ms]", "ttu": "time64[us]", "ttn": "time64[ns]", "tiM": "month_interval",
    "tiD": "day_time_interval", "tin": "month_day_nano_interval",
}
cdef dict CONTAINER_NAMES = {
    "+l": "list", "+L": "large_list", "+vl": "list_view", "+vL": "large_list_view", "+r": "run_end_encoded",
}
cdef dict UNIT_NAMES = {"s": "s", "m": "ms", "u": "us", "n": "ns"}
cdef str TAG = "aerospike:particle"         # in a field's metadata: which kind of text or bytes it is
cdef bytes NULL_TAG = b"aerospike:null"     # in that of a field of a struct: what null is there
cdef bytes EXTENSION = b"ARROW:extension:name"
cdef bytes EXTENSION_METADATA = b"ARROW:extension:metadata"
cdef bytes JSON_EXTENSION = b"arrow.json"


cdef str type_text(ArrowSchema schema):
    """Returns the type in words, for messages."""
    cdef str form = schema.format
    cdef bytes tag = schema.metadata.get(TAG.encode())
    if schema.metadata.get(EXTENSION) == JSON_EXTENSION:
        return "json"
    if schema.dictionary is not None:
        return f"dictionary<{TYPE_NAMES.get(form, form)}, {type_text(schema.dictionary)}>"
    if tag is not None:
        return tag.decode(errors="replace")
    if form in TYPE_NAMES:
        return TYPE_NAMES[form]
    if form.startswith("w:"):
        return f"fixed_size_binary[{form[2:]}]"
    if form.startswith("ts") and form[2:3] in UNIT_NAMES:
        return f"timestamp[{UNIT_NAMES[form[2]]}{', ' + form[4:] if form[4:] else ''}]"
    if form.startswith("tD") and form[2:3] in UNIT_NAMES:
        return f"duration[{UNIT_NAMES[form[2]]}]"
    if form.startswith("d:"):
        parts = form[2:].split(",")         # digits, those behind the point, and bits
        return f"decimal{parts[2] if len(parts) > 2 else 128}({', '.join(parts[:2])})"
    if form in CONTAINER_NAMES:
        return f"{CONTAINER_NAMES[form]}<{', '.join([type_text(each) for each in schema.fields])}>"
    if form.startswith("+w:"):
        return f"fixed_size_list<{', '.join([type_text(each) for each in schema.fields])}>[{form[3:]}]"
    if form == "+s" or form.startswith("+u"):
        kind = "struct" if form == "+s" else "dense_union" if form.startswith("+ud") else "sparse_union"
        return f"{kind}<{', '.join([f'{each.name}: {type_text(each)}' for each in schema.fields])}>"
    if form == "+m" and len(schema.fields) == 1:
        return f"map<{', '.join([type_text(each) for each in (<ArrowSchema>schema.fields[0]).fields])}>"
    return f"the Arrow format {shown(form)}"


# --- out of the C struct ---

cdef ArrowSchema read_schema(SchemaStruct* c, int depth):
    cdef list fields = []
    cdef int64_t i
    if c.format == NULL or depth == MAX_SCHEMA_DEPTH or not 0 <= c.n_children <= MAX_SCHEMA_FIELDS:
        raise errors.InvalidArgument("a schema that can't be read: a field without a format, or too many fields in each other")
    for i in range(c.n_children):
        if c.children == NULL or c.children[i] == NULL or c.children[i].release == NULL:
            raise errors.InvalidArgument("a schema that can't be read: it lacks fields that it says it has")
        fields.append(read_schema(c.children[i], depth + 1))
    return ArrowSchema(
        "" if c.name == NULL else c.name.decode("utf-8", "replace"),
        c.format.decode("utf-8", "replace"),
        nullable=bool(c.flags & ARROW_NULLABLE),
        metadata=read_metadata(c.metadata),
        fields=fields,
        dictionary=None if c.dictionary == NULL else read_schema(c.dictionary, depth + 1),
        flags=c.flags,
    )


cdef int32_t next_int32(const char** at) noexcept:
    cdef int32_t number
    memcpy(&number, at[0], 4)
    at[0] += 4
    return number


cdef bytes next_piece(const char** at):
    cdef int32_t size = next_int32(at)
    cdef bytes piece
    if size < 0:
        raise errors.InvalidArgument("a schema that can't be read: metadata of a negative size")
    piece = PyBytes_FromStringAndSize(at[0], size)
    at[0] += size
    return piece


cdef dict read_metadata(const char* at):
    cdef dict found = {}
    cdef int32_t _i
    if at != NULL:
        for _i in range(next_int32(&at)):
            key = next_piece(&at)
            found[key] = next_piece(&at)
    return found


# --- into the C struct ---

cdef struct OwnedSchema:                    # what a filled struct points to, in one piece of memory each
    char* format
    char* name
    char* metadata
    SchemaStruct* fields
    SchemaStruct** pointers
    SchemaStruct* dictionary


cdef void release_schema(SchemaStruct* c) noexcept nogil:
    cdef OwnedSchema* owned = <OwnedSchema*>c.private_data
    cdef int64_t i
    for i in range(c.n_children):
        if owned.fields[i].release != NULL:     # else it was moved out
            owned.fields[i].release(&owned.fields[i])
    if owned.dictionary != NULL and owned.dictionary.release != NULL:
        owned.dictionary.release(owned.dictionary)
    PyMem_RawFree(owned.format)
    PyMem_RawFree(owned.name)
    PyMem_RawFree(owned.metadata)
    PyMem_RawFree(owned.fields)
    PyMem_RawFree(owned.pointers)
    PyMem_RawFree(owned.dictionary)
    PyMem_RawFree(owned)
    c.release = NULL


cdef void* zeroed(size_t size) except NULL:
    """Returns memory that is all zero, one byte at least."""
    cdef void* memory = PyMem_RawMalloc(size if size else 1)
    if memory == NULL:
        raise MemoryError
    memset(memory, 0, size if size else 1)
    return memory


cdef char* copied(bytes text) except NULL:
    """Returns a copy that ends with a NUL."""
    cdef char* copy = <char*>zeroed(<size_t>PyBytes_GET_SIZE(text) + 1)
    memcpy(copy, PyBytes_AS_STRING(text), <size_t>PyBytes_GET_SIZE(text))
    return copy


cdef bytes as_int32(int32_t number):
    return PyBytes_FromStringAndSize(<const char*>&number, 4)


cdef bytes packed_metadata(tuple pairs):
    cdef list pieces = [as_int32(<int32_t>len(pairs))]
    for pair in pairs:
        for text in pair:
            pieces += [as_int32(<int32_t>len(text)), text]
    return b"".join(pieces)


cdef int write_schema(ArrowSchema schema, SchemaStruct* c) except -1:
    """Fills a released struct. After an error it is released, too."""
    cdef OwnedSchema* owned = <OwnedSchema*>zeroed(sizeof(OwnedSchema))
    cdef Py_ssize_t i, count = len(schema.fields)
    memset(c, 0, sizeof(SchemaStruct))
    c.private_data = owned
    c.release = release_schema
    try:
        c.format = owned.format = copied(schema.format.encode("utf-8", "replace"))
        c.name = owned.name = copied(schema.name.encode("utf-8", "replace"))
        if schema.pairs:
            c.metadata = owned.metadata = copied(packed_metadata(schema.pairs))
        c.flags = schema.flags | (ARROW_NULLABLE if schema.nullable else 0)
        owned.fields = <SchemaStruct*>zeroed(<size_t>count * sizeof(SchemaStruct))
        owned.pointers = c.children = <SchemaStruct**>zeroed(<size_t>count * sizeof(SchemaStruct*))
        for i in range(count):
            owned.pointers[i] = &owned.fields[i]
            c.n_children = i + 1
            write_schema(<ArrowSchema>schema.fields[i], &owned.fields[i])
        if schema.dictionary is not None:
            c.dictionary = owned.dictionary = <SchemaStruct*>zeroed(sizeof(SchemaStruct))
            write_schema(schema.dictionary, owned.dictionary)
    except BaseException:
        release_schema(c)
        raise
    return 0
