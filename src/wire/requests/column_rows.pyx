# Rows of columns as rows of batches that put records: keys, times to live, and the operations that give bins their values, all
# packed without the GIL before any of them is sent.
#
# Not here: what a row's form in a request is (`batch_requests.pyx`), and when rows are sent (`threads/column_writer.pyx`).

cdef enum:
    NO_COLUMN = -1
    ROWS_OF_PIECE = 65_536                  # that are packed at once, as far as these bytes go
    BYTES_OF_PIECE = 16_777_216
    KEYS_IN_TURN = 2048                     # Keys that are made until other threads may have the GIL


cdef uint32_t TTL_NEVER = Expiration.NEVER.value


cdef struct PackedRow:
    size_t begin                            # where its operations are
    size_t size
    int64_t number                          # the row's, in the whole data
    uint32_t ttl
    uint16_t generation
    uint16_t ops
    unsigned char digest[DIGEST_SIZE]


cdef struct BinHead:                        # an operation that writes a bin, but for its value
    unsigned char head[OP_HEADER_SIZE + MAX_BIN_NAME]
    size_t size


@cython.final
cdef class ColumnPlan:
    """What becomes of which column of the rows that are to be written.

    Args:
        schema: of the rows, a struct of columns.
        namespace: of the records.
        set_name: of those for which no column says another one; None for no set.
        bins: the names of bins by those of their columns.
        roles: which columns have what is no bin: their names by "key", "digest", "set", "ttl", "generation" and "extra".
        ttl: of records for which no column says it; None for the policy's.
        read_json: makes a value of JSON text.
        rules: by which the rows are sent; None for the defaults.
        own: the settings of a `BatchWritePolicy`; None for what the rules say of rows that write.

    Raises:
        InvalidType, InvalidArgument: a column can't be what it is to be.
    """

    cdef Column root                        # a struct of all columns
    cdef BinHead* heads                     # a bin's, by the number of its column; of size 0 for those that are none
    cdef int* bins                          # the numbers of columns that are bins
    cdef int bin_count
    cdef int key, digest, set_column, ttl_column, generation, extra
    cdef str namespace
    cdef str set_name
    cdef const unsigned char* set_text      # the same in UTF-8, in its memory
    cdef size_t set_size
    cdef Ask ask                            # what all rows ask, but for what is packed
    cdef Settings rest                      # of the rows' policy, for what neither a column nor the call tells
    cdef object read_json
    cdef dict bin_columns                   # the numbers of columns by the names of their bins

    def __cinit__(
        self, ArrowSchema schema not None, namespace: str, set_name: str | None, dict bins not None, dict roles not None,
        ttl: object, read_json: Callable[[str], object], RowRules rules=None, Settings own=None
    ) -> None:
        cdef list names = schema.names
        cdef Py_ssize_t size = 0
        cdef int i
        self.namespace = namespace_of(namespace)
        self.set_name = set_of(set_name)
        self.set_text = <const unsigned char*>utf8_size(self.set_name, &size)
        self.set_size = <size_t>size
        self.read_json = read_json
        plan_column(&self.root, schema, "")
        check_packable(&self.root, "the rows")
        self.ask = new_ask(ROW_WRITES, own)
        self.rest = own if own is not None else (PLAIN_RULES if rules is None else rules).write
        live_for(self.ask, ttl)
        self.key = self.column_of(schema, roles, "key", (OF_INTS, OF_TEXT, OF_BYTES, OF_FIXED_BYTES, OF_NULLS))
        self.digest = self.column_of(schema, roles, "digest", (OF_FIXED_BYTES, OF_BYTES))
        self.set_column = self.column_of(schema, roles, "set", (OF_TEXT, OF_NULLS))
        self.ttl_column = self.column_of(schema, roles, "ttl", (OF_INTS, OF_NULLS))
        self.generation = self.column_of(schema, roles, "generation", (OF_INTS,))
        self.extra = self.column_of(schema, roles, "extra", (OF_TEXT, OF_JSON, OF_NULLS))
        if self.key == NO_COLUMN and self.digest == NO_COLUMN:
            raise errors.InvalidArgument("either a column of keys or one of digests is needed")
        self.ask.has_generation = self.generation != NO_COLUMN
        if not self.ask.has_generation and self.rest.generation > MAX_ROW_GENERATION:
            raise generation_too_large(self.rest)
        self.heads = <BinHead*>zeroed(<size_t>self.root.child_count * sizeof(BinHead))
        self.bins = <int*>zeroed(<size_t>self.root.child_count * sizeof(int))
        self.bin_columns = {}
        for name, bin in bins.items():
            i = <int>self.number_of(names, name)
            if bin in self.bin_columns:
                raise errors.InvalidArgument(f"two columns are for the bin {shown(bin)}")
            self.bin_columns[bin] = i
            text = bin_name(bin, &size)
            put_named_head(self.heads[i].head, OP_WRITE, bin, text, size)
            self.heads[i].size = OP_HEADER_SIZE + <size_t>size
            self.bins[self.bin_count] = i
            self.bin_count += 1
        if self.bin_count > MAX_BINS:
            raise errors.InvalidArgument(f"{self.bin_count} bins in one record, the server allows {MAX_BINS}")

    def __dealloc__(self) -> None:
        free_column(&self.root)
        PyMem_RawFree(self.heads)
        PyMem_RawFree(self.bins)

    cdef Py_ssize_t number_of(self, list names, object name) except -1:
        if name not in names:
            raise errors.InvalidArgument(f"there is no column {shown(name)} in {shown(names)}")
        if names.count(name) > 1:
            raise errors.InvalidArgument(f"two columns are called {shown(name)}")
        return names.index(name)

    cdef int column_of(self, ArrowSchema schema, dict roles, str role, tuple kinds) except? -2:
        """The number of the column that has this; NO_COLUMN if none has."""
        cdef Column* c
        cdef Py_ssize_t i
        if role not in roles:
            return NO_COLUMN
        i = self.number_of(schema.names, roles[role])
        c = value_column(&self.root.children[i])
        check_unit(<ArrowSchema>schema.fields[i], role)
        if (
            c.kind not in kinds
            or role == "digest" and c.kind == OF_FIXED_BYTES and c.width != DIGEST_SIZE
            or role in ("key", "set") and c.kind in (OF_TEXT, OF_BYTES) and c.particle not in (PARTICLE_STRING, PARTICLE_BLOB)
        ):
            raise errors.InvalidArgument(f"the column {shown(roles[role])} is of a type that no {role} has")
        return <int>i


@cython.final
cdef class PackedRows:
    """A piece of the rows of a batch of columns, packed."""

    cdef Buffer ops
    cdef unsigned char first_ops[64]        # where these begin
    cdef PackedRow* rows
    cdef Py_ssize_t count
    cdef list keys
    cdef Py_ssize_t taken                   # rows that batches were made of

    def __cinit__(self) -> None:
        buffer_init(&self.ops, self.first_ops, sizeof(self.first_ops))

    def __dealloc__(self) -> None:
        buffer_free(&self.ops)
        PyMem_RawFree(self.rows)

    cdef int put_ops(self, Buffer* out, Py_ssize_t row) except -1:
        """Writes a row's operations."""
        return put_bytes(out, self.ops.data + self.rows[row].begin, self.rows[row].size)

    cdef bytes ops_of(self, Py_ssize_t row):
        return PyBytes_FromStringAndSize(
            <const char*>self.ops.data + self.rows[row].begin, <Py_ssize_t>self.rows[row].size
        )


cdef class RowPacker:
    """Packs the rows of columns, piece by piece.

    Attributes:
        number: of the next row, in the whole data.
        skipped: how many rows had no value, of which nothing is written.
    """

    cdef ColumnPlan plan
    cdef TakenColumns data
    cdef int64_t at                         # the next row of the batch in hand
    cdef bint ended
    cdef readonly int64_t number
    cdef readonly int64_t skipped

    def __cinit__(self, TakenColumns data not None, ColumnPlan plan not None, *args: object, **kwargs: object) -> None:
        self.data = data
        self.plan = plan

    cdef bint skip_to(self, int64_t number) except -1:
        """Passes over the rows before this one; returns whether it is there."""
        while self.has_rows():
            if self.number + self.data.array.length - self.at > number:
                self.at += number - self.number
                self.number = number
                return True
            self.number += self.data.array.length - self.at
            self.at = self.data.array.length
        return False

    cdef bint has_rows(self) except -1:
        """Takes the next batch if the one in hand is used up; returns whether there are rows."""
        while not self.ended and (self.data.array == NULL or self.at >= self.data.array.length):
            self.at = 0
            if not self.data.next():
                self.ended = True
            else:
                check_array(&self.plan.root, self.data.array, "the rows")
        return not self.ended

    cdef PackedRows next_piece(self):
        """Packs the next rows; None if there are none.

        Raises:
            RowRefused: the server can't hold a value; none of the piece's rows is used.
        """
        cdef PackedRows piece
        cdef int64_t count, passed = 0, number = self.number
        cdef ArrayStruct* a
        cdef Packing p
        if not self.has_rows():
            return None
        a = self.data.array
        count = min(a.length - self.at, <int64_t>ROWS_OF_PIECE)
        piece = PackedRows.__new__(PackedRows)
        piece.rows = <PackedRow*>zeroed(<size_t>count * sizeof(PackedRow))
        p.out = &piece.ops
        p.read_json = <PyObject*>self.plan.read_json
        p.column = NULL
        try:
            with nogil:
                passed = pack_rows(self.plan, &p, a, self.at, count, number, piece.rows, &piece.count)
        except errors.RowRefused:
            raise
        except errors.InvalidArgument as error:     # more than any message may have
            raise refused_row(p.column.name.decode("utf-8", "replace"), p.row, error.message) from None
        make_keys(self.plan, &p, a, self.at - number, piece)
        self.skipped += passed - piece.count
        self.at += passed
        self.number += passed
        return piece


cdef int64_t pack_rows(
    ColumnPlan plan, Packing* p, ArrayStruct* a, int64_t at, int64_t count, int64_t number, PackedRow* rows,
    Py_ssize_t* packed
) except -1 nogil:
    """Packs rows until the piece is large enough; returns how many these are, with those that have no value."""
    cdef int64_t i
    cdef PackedRow* row
    for i in range(count):
        if p.out.size >= BYTES_OF_PIECE:
            return i
        row = &rows[packed[0]]
        row.number = p.row = number + i
        row.begin = p.out.size
        if is_null_at(a, a.offset + at + i):
            continue
        row.ops = <uint16_t>pack_bins(plan, p, a, a.offset + at + i)
        if row.ops == 0:
            continue
        row.size = p.out.size - row.begin
        pack_key(plan, p, a, a.offset + at + i, row)
        pack_life(plan, p, a, a.offset + at + i, row)
        packed[0] += 1
    return count


cdef int pack_bins(ColumnPlan plan, Packing* p, ArrayStruct* a, int64_t i) except -1 nogil:
    """Writes an operation for each bin that has a value; returns how many these are."""
    cdef int n, number, count = 0
    cdef size_t start
    cdef Column* c
    cdef ArrayStruct* column
    cdef int particle
    for n in range(plan.bin_count):
        number = plan.bins[n]
        c = &plan.root.children[number]
        column = a.children[number]
        if lacks(c, column, column.offset + i):
            continue
        start = p.out.size
        p.column = c
        put_bytes(p.out, plan.heads[number].head, plan.heads[number].size)
        particle = put_particle_at(p, c, column, column.offset + i)
        if particle == PARTICLE_NULL:       # JSON's null
            p.out.size = start
            continue
        end_op(p.out, <Py_ssize_t>start, particle)
        count += 1
    if plan.extra != NO_COLUMN:
        column = a.children[plan.extra]
        if not lacks(&plan.root.children[plan.extra], column, column.offset + i):
            count += pack_extra(plan, p, a, column, column.offset + i)
    return count


cdef int pack_extra(ColumnPlan plan, Packing* p, ArrayStruct* a, ArrayStruct* column, int64_t i) except -1 with gil:
    """Writes the bins that the column for all others has as a JSON object; returns how many these are."""
    cdef const unsigned char* data = NULL
    cdef size_t size = 0
    cdef Packer packer
    cdef ArrayStruct* other
    cdef int number, count = 0
    p.column = &plan.root.children[plan.extra]
    name = p.column.name.decode("utf-8", "replace")
    data_at(p, p.column, column, i, &data, &size)
    try:
        bins = plan.read_json(PyUnicode_DecodeUTF8(<const char*>data, <Py_ssize_t>size, NULL))
        if not isinstance(bins, dict):
            raise errors.InvalidType(f"an object of bins is wanted, not {shown(bins)}")
        packer_init(&packer, p.out, None)
        for bin, value in bins.items():
            if value is None:
                continue
            if bin in plan.bin_columns:
                number = plan.bin_columns[bin]
                other = a.children[number]
                if not lacks(&plan.root.children[number], other, other.offset + i - column.offset):
                    raise errors.InvalidArgument(f"the bin {shown(bin)} has a column with another value")
            put_bin_op(&packer, OP_WRITE, bin, value)
            count += 1
    except (ValueError, TypeError) as error:
        raise refused_row(name, p.row, str(error)) from None
    return count


cdef int pack_key(ColumnPlan plan, Packing* p, ArrayStruct* a, int64_t i, PackedRow* row) except -1 nogil:
    """Works out the digest of a row's key; of a row without one takes that which a column has."""
    cdef Column* c
    cdef ArrayStruct* column
    cdef const unsigned char* pieces[3]
    cdef size_t sizes[3]
    cdef unsigned char number[8]
    cdef unsigned char particle
    cdef int64_t at, value = 0
    if plan.key == NO_COLUMN:
        return take_digest(plan, p, a, i, row)
    p.column = c = &plan.root.children[plan.key]
    column = a.children[plan.key]
    at = column.offset + i
    if lacks(c, column, at):
        if plan.digest == NO_COLUMN:
            return refuse(p, b"the key is null")
        return take_digest(plan, p, a, i, row)
    look_up(p, &c, &column, &at)
    if c.kind == OF_INTS:
        integer_at(p, c, column, at, &value)
        store64(number, <uint64_t>value)
        particle = PARTICLE_INTEGER
        pieces[2] = number
        sizes[2] = 8
    else:
        particle = <unsigned char>c.particle
        data_at(p, c, column, at, &pieces[2], &sizes[2])
    pieces[1] = &particle
    sizes[1] = 1
    set_at(plan, p, a, i, &pieces[0], &sizes[0])
    rmd_pieces(pieces, sizes, row.digest)
    return 0


cdef int take_digest(ColumnPlan plan, Packing* p, ArrayStruct* a, int64_t i, PackedRow* row) except -1 nogil:
    cdef const unsigned char* data = NULL
    cdef size_t size = 0
    cdef ArrayStruct* column = a.children[plan.digest]
    p.column = &plan.root.children[plan.digest]
    if lacks(p.column, column, column.offset + i):
        return refuse(p, b"the digest is null")
    data_at(p, p.column, column, column.offset + i, &data, &size)
    if size != DIGEST_SIZE:
        return refuse(p, b"a digest has 20 bytes")
    memcpy(row.digest, data, DIGEST_SIZE)
    return 0


cdef int set_at(
    ColumnPlan plan, Packing* p, ArrayStruct* a, int64_t i, const unsigned char** data, size_t* size
) except -1 nogil:
    """The name of a row's set."""
    cdef ArrayStruct* column
    if plan.set_column != NO_COLUMN:
        column = a.children[plan.set_column]
        if not lacks(&plan.root.children[plan.set_column], column, column.offset + i):
            p.column = &plan.root.children[plan.set_column]
            data_at(p, p.column, column, column.offset + i, data, size)
            if size[0] > MAX_SET:
                return refuse(p, b"the name of the set is too long")
            return 0
    data[0] = plan.set_text
    size[0] = plan.set_size
    return 0


cdef int pack_life(ColumnPlan plan, Packing* p, ArrayStruct* a, int64_t i, PackedRow* row) except -1 nogil:
    """Reads how long a row's record is to live, and the generation that it is to have."""
    cdef Column* c
    cdef ArrayStruct* column
    cdef int64_t at, number = 0
    row.ttl = plan.ask.ttl if plan.ask.has_ttl else plan.rest.ttl
    row.generation = <uint16_t>plan.rest.generation
    if plan.ttl_column != NO_COLUMN:
        p.column = c = &plan.root.children[plan.ttl_column]
        column = a.children[plan.ttl_column]
        row.ttl = TTL_NEVER
        at = column.offset + i
        if not lacks(c, column, at):
            look_up(p, &c, &column, &at)
            integer_at(p, c, column, at, &number)
            if number > 0:
                number = (number - 1) // c.scale + 1
            if not 0 <= number <= MAX_TTL:
                return refuse(p, b"a time to live is 0 to 315360000 seconds, or null for ever")
            row.ttl = <uint32_t>max(1, number)  # in its last second; 0 would be the namespace's default
    if plan.generation != NO_COLUMN:
        p.column = c = &plan.root.children[plan.generation]
        column = a.children[plan.generation]
        at = column.offset + i
        if lacks(c, column, at):
            return refuse(p, b"the generation is null")
        look_up(p, &c, &column, &at)
        integer_at(p, c, column, at, &number)
        if not 0 <= number <= MAX_ROW_GENERATION:
            return refuse(p, b"a generation in a batch is 0 to 65535")
        row.generation = <uint16_t>number
    return 0


cdef int make_keys(ColumnPlan plan, Packing* p, ArrayStruct* a, int64_t shift, PackedRows piece) except -1:
    """Makes the Keys of rows, with their user keys. `shift`: what is added to a row's number for its place in the array."""
    cdef Py_ssize_t n
    cdef PackedRow* row
    cdef const unsigned char* data = NULL
    cdef size_t size = 0
    cdef Key key
    cdef str set_name = plan.set_name
    piece.keys = []
    for n in range(piece.count):
        if n % KEYS_IN_TURN == KEYS_IN_TURN - 1:
            with nogil:                     # another thread may have it first
                pass
        row = &piece.rows[n]
        p.row = row.number
        if plan.set_column != NO_COLUMN:
            set_at(plan, p, a, a.offset + row.number + shift, &data, &size)
            try:
                set_name = set_of(PyUnicode_DecodeUTF8(<const char*>data, <Py_ssize_t>size, NULL))
            except ValueError as error:
                raise refused_row(plan.root.children[plan.set_column].name.decode(), p.row, str(error)) from None
        key = key_of_record(plan.namespace, set_name, row.digest, user_key_at(plan, p, a, a.offset + row.number + shift))
        piece.keys.append(key)
        if row.size + ROOM_OF_ROW + (user_key_size(key) if plan.rest.send_key else 0) > MAX_MESSAGE:
            raise refused_row(plan.root.children[plan.bins[0]].name.decode(), p.row, "the row is larger than any message")
    return 0


cdef object user_key_at(ColumnPlan plan, Packing* p, ArrayStruct* a, int64_t i):
    """The user key of a row; None where only its digest is known."""
    cdef Column* c
    cdef ArrayStruct* column
    cdef const unsigned char* data = NULL
    cdef size_t size = 0
    cdef int64_t at, number = 0
    if plan.key == NO_COLUMN:
        return None
    p.column = c = &plan.root.children[plan.key]
    column = a.children[plan.key]
    at = column.offset + i
    if lacks(c, column, at):
        return None
    look_up(p, &c, &column, &at)
    if c.kind == OF_INTS:
        integer_at(p, c, column, at, &number)
        return number
    data_at(p, c, column, at, &data, &size)
    if c.particle == PARTICLE_STRING:
        return PyUnicode_DecodeUTF8(<const char*>data, <Py_ssize_t>size, NULL)
    return PyBytes_FromStringAndSize(<const char*>data, <Py_ssize_t>size)
