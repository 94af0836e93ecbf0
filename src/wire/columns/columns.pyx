# Columns: records go in as they stand in an answer, and batches of columns come out. Where nobody has said of which types the
# columns are, records are kept as they came until there are enough for a batch, and the types are guessed of those.
#
# Not here: where records come from (`readers/column_reader.pyx`), what types are guessed of them (`sampling.pyx`), and what asks
# for batches (`threads/column_stream.pyx`).

cdef enum:
    MOST_BATCH_BYTES = 512 * 1024 * 1024    # of a batch: so offsets of 32 bits are enough whatever comes
    MOST_BATCH_ROWS = 16 * 1024 * 1024


cdef dict METADATA_FIELDS = {               # what is known of each record besides its bins; None: of the type that keys have
    "digest": f"w:{DIGEST_SIZE}", "key": None, "set": "u", "generation": "I", "ttl": "l", "expiration": "tss:UTC",
    "result_code": "i",
}


@cython.final
cdef class Columns:
    """The columns of one stream of batches.

    Args:
        schema: of the columns; None to guess it of the records of the first batch.
        bins: the names of the bins that are asked for, in whose order columns are guessed; None for all.
        metadata: names out of `metadata_names`, and what their columns are called.
        batch_rows: how many rows a batch has at most.
        batch_bytes: after how many bytes, about, a batch is closed.
        on_mismatch: "error", "null" or "json".
        extra: the name of the column for what has none, as JSON text; None: that is an error.

    Raises:
        InvalidArgument: an argument can't be used, or a column can't be filled.
    """

    cdef readonly ArrowSchema schema        # None until it is guessed
    cdef bint is_guessing                   # whether it is not there yet
    cdef tuple bins
    cdef dict metadata
    cdef str extra_name
    cdef MisfitRule rule
    cdef int64_t batch_rows
    cdef size_t batch_bytes
    cdef Column record                      # a struct of all columns
    cdef int columns_of[7]                  # where the metadata is, in the order of METADATA_FIELDS; -1: nowhere
    cdef bint has_metadata
    cdef int extra                          # where the column for what has none is; -1: nowhere
    cdef int first_bin
    cdef int64_t rows
    cdef size_t unmeasured                  # bytes of records since it was last found out how large the columns are
    cdef bint is_large
    cdef Memory others                      # the object of JSON for `extra`, of the record that is being added
    cdef int64_t now                        # in seconds since 2010, by which times to live are told
    cdef Memory sample                      # records as they came, of which types are guessed
    cdef int64_t sampled
    cdef size_t sample_at                   # what of it is in the columns already
    cdef Misfit misfit
    cdef object failure                     # the error of a record that could not be added; None without one

    def __cinit__(
        self, schema: ArrowSchema | None, bins: Iterable[str] | None, metadata: Mapping[str, str], *, batch_rows: int,
        batch_bytes: int, on_mismatch: str, extra: str | None
    ) -> None:
        cdef int i
        self.bins = None if bins is None else tuple(bins)
        self.metadata = dict(metadata)
        self.extra_name = extra
        if on_mismatch not in MISFIT_RULES:
            raise errors.InvalidArgument(f"on_mismatch is 'error', 'null' or 'json', not {shown(on_mismatch)}")
        self.rule = MISFIT_RULES[on_mismatch]
        if not 1 <= batch_rows <= MOST_BATCH_ROWS:
            raise errors.InvalidArgument(f"batch_rows must be 1 to {MOST_BATCH_ROWS}, not {shown(batch_rows)}")
        if not 1 <= batch_bytes <= MOST_BATCH_BYTES:
            raise errors.InvalidArgument(f"batch_bytes must be 1 to {MOST_BATCH_BYTES}, not {shown(batch_bytes)}")
        self.batch_rows = batch_rows
        self.batch_bytes = batch_bytes
        for i in range(7):
            self.columns_of[i] = -1
        self.extra = -1
        self.is_guessing = schema is None
        if schema is not None:
            self.plan(self.with_others(schema))

    def __dealloc__(self) -> None:
        free_column(&self.record)
        free_memory(&self.others)
        free_memory(&self.sample)

    # --- the schema ---

    @property
    def bin_names(self) -> list[str]:
        """The names of the columns that are of bins, once the schema is known."""
        cdef list found = []
        cdef int i
        for i in range(self.record.child_count):
            if self.record.children[i].is_found_by_name:
                found.append((<ArrowSchema>self.schema.fields[i]).name)
        return found

    cdef ArrowSchema with_others(self, ArrowSchema schema):
        """The schema with columns for what it does not have: metadata in front, `extra` at the end."""
        cdef list fields = []
        names = set(schema.names)
        for what, name in self.metadata.items():
            if name not in names:
                form = METADATA_FIELDS[what]
                if form is None:
                    raise errors.InvalidArgument(
                        f"the schema has to say of which type the keys are that {name!r} is to have",
                        advice=f"add it to the schema, as {{{name!r}: int}}",
                    )
                fields.append(ArrowSchema(name, form))
        fields += schema.fields
        if self.extra_name is not None and self.extra_name not in names:
            fields.append(json_column(self.extra_name))
        return ArrowSchema("", "+s", nullable=False, metadata=schema.metadata, fields=fields)

    cdef int plan(self, ArrowSchema schema) except -1:
        """Makes the columns. After an error they are as before."""
        cdef Column record
        memset(&record, 0, sizeof(Column))
        try:
            plan_struct(&record, schema.fields, "")
            check_fillable(&record, schema.fields, "")
            self.find_others(&record, schema)
        except BaseException:
            free_column(&record)
            raise
        free_column(&self.record)
        self.record = record
        self.schema = schema
        self.is_guessing = False
        return 0

    cdef int find_others(self, Column* record, ArrowSchema schema) except -1:
        """Finds the columns that are of no bin."""
        cdef int i
        cdef Column* column
        places = {name: place for place, name in enumerate(METADATA_FIELDS)}
        kinds = {name: what for what, name in self.metadata.items()}
        self.first_bin = -1
        for i in range(record.child_count):
            column = &record.children[i]
            name = (<ArrowSchema>schema.fields[i]).name
            if name in kinds:
                check_unit(<ArrowSchema>schema.fields[i], kinds[name])
                self.columns_of[places[kinds[name]]] = i
                self.has_metadata = True
            elif name == self.extra_name:
                if column.kind != OF_JSON:
                    raise errors.InvalidArgument(f"the column {name!r} is for JSON, so its type must be that")
                self.extra = i
            else:
                if self.first_bin < 0:
                    self.first_bin = i
                continue
            column.is_found_by_name = False
        PyMem_RawFree(record.slots)
        record.slots = NULL
        if not index_children(record):
            raise MemoryError
        return 0

    cdef int guess(self, Memory* records, RawRow* rows, Py_ssize_t count) except -1:
        """Makes the columns as records need them: see `guess_fields`."""
        cdef list fields = guess_fields(records, rows, count, self.bins, self.metadata, self.extra_name, self.rule)
        cdef int i
        self.plan(self.in_order(self.with_others(ArrowSchema("", "+s", fields=fields))))
        for i in range(self.record.child_count):
            refuse_ints(&self.record.children[i])
        return 0

    cdef ArrowSchema in_order(self, ArrowSchema schema):
        """The schema with its metadata in the order in which it was asked for."""
        names = list(self.metadata.values())
        return ArrowSchema("", "+s", nullable=False, fields=[
            *(schema.field(name) for name in names), *(each for each in schema.fields if each.name not in names)
        ])

    # --- records ---

    cdef inline bint is_full(self) noexcept nogil:
        if self.is_guessing:
            return self.sampled >= self.batch_rows or self.sample.size >= self.batch_bytes
        return self.rows >= self.batch_rows or self.is_large

    cdef Adding keep(self, const unsigned char* start, RawRecord* r, Span* s) noexcept nogil:
        """Keeps a record, whose header and fields were read, to guess types of it."""
        cdef RawBin b
        cdef int _i
        for _i in range(r.bins):
            if next_bin(&b, s) != ADDED:
                return MALFORMED
        if not put_piece(&self.sample, start, <size_t>(s.p - start)):
            return OUT_OF_MEMORY
        self.sampled += 1
        return ADDED

    cdef Adding add(self, RawRecord* r, Span* s) noexcept nogil:
        """Adds a record, whose header and fields were read, as a row. If that fails, the columns are as before."""
        cdef Adding outcome = self.add_row(r, s)
        cdef int i
        self.others.size = 0
        if outcome == ADDED:
            self.rows += 1
            return ADDED
        for i in range(self.record.child_count):
            cut(&self.record.children[i], self.rows)
        return outcome

    cdef Adding add_row(self, RawRecord* r, Span* s) noexcept nogil:
        cdef Column* record = &self.record
        cdef int64_t row = self.rows
        cdef const unsigned char* start = s.p
        cdef RawBin b
        cdef Column* c
        cdef Adding outcome
        cdef int _i
        record.next_child = self.first_bin if self.first_bin >= 0 else record.child_count
        for _i in range(r.bins):
            if next_bin(&b, s) != ADDED:
                return MALFORMED
            if b.kind == PARTICLE_NULL:     # the bin is not there, or an operation gives nothing
                continue
            c = child_named(record, b.name, b.name_size)
            if (
                c != NULL and c.length == row and b.kind == PARTICLE_INTEGER and b.size == 8 and c.kind == OF_INTS
                and c.takes_all and row < c.room
            ):
                (<int64_t*>c.values)[row] = <int64_t>load64(b.value)
                end_row(c)
                continue
            outcome = self.add_bin(c, &b)
            if outcome != ADDED:
                return outcome
        if self.has_metadata:
            outcome = self.add_metadata(r)
            if outcome != ADDED:
                return outcome
        if self.others.size:
            c = &record.children[self.extra]
            if not put_chars(&self.others, b"}") or not at_row(c, row):
                return OUT_OF_MEMORY
            outcome = add_bytes(c, self.others.data, self.others.size)
            if outcome != ADDED:
                self.misfit.bin = c
                return no_fit(&self.misfit, c, TOO_MANY_VALUES, PARTICLE_STRING)
        if record.has_required:
            record.length = row
            if not required_are_there(record, &self.misfit):
                self.misfit.bin = self.misfit.column
                return NO_FIT
        self.unmeasured += <size_t>(s.p - start)
        if self.unmeasured > self.batch_bytes // 16:
            self.measure()
        return ADDED

    cdef void measure(self) noexcept nogil:
        cdef size_t size = 0
        cdef int i
        for i in range(self.record.child_count):
            size += memory_of(&self.record.children[i])
        self.unmeasured = 0
        self.is_large = size >= self.batch_bytes

    cdef Adding add_bin(self, Column* c, RawBin* b) noexcept nogil:
        cdef Adding outcome
        cdef Span inside
        cdef Value v
        if c == NULL:
            if self.extra >= 0:
                return self.add_other(b)
            self.misfit.bin = NULL
            note_name(&self.misfit, b.name, b.name_size)
            return no_fit(&self.misfit, NULL, UNKNOWN_NAME, b.kind)
        if c.length > self.rows:
            return MALFORMED                # the same bin twice
        inside.p = inside.end = NULL
        outcome = particle_value(&v, b.kind, b.value, b.size, &inside)
        if outcome == ADDED:
            outcome = fill(c, self.rows, &v, &inside, &self.misfit, 0)
        if outcome == ADDED:
            return ADDED if inside.p == inside.end else MALFORMED
        if outcome != NO_FIT:
            return outcome
        return self.add_misfit(c, b)

    cdef Adding add_misfit(self, Column* c, RawBin* b) noexcept nogil:
        """Does with a value that does not fit what the rule says."""
        self.misfit.bin = c
        cut(c, self.rows)
        if self.rule == MISFIT_ENDS or not c.nullable:
            return NO_FIT
        if self.rule == MISFIT_IS_NULL:
            return ADDED
        return self.add_other(b) if self.extra >= 0 else NO_FIT

    cdef Adding add_other(self, RawBin* b) noexcept nogil:
        """Writes a bin to the object for what has no column."""
        cdef Span inside
        cdef Value v
        cdef Adding outcome
        inside.p = inside.end = NULL
        outcome = particle_value(&v, b.kind, b.value, b.size, &inside)
        if outcome != ADDED:
            return outcome
        if not (
            put_chars(&self.others, b", " if self.others.size else b"{")
            and put_json_name(&self.others, b.name, b.name_size) and put_chars(&self.others, b": ")
        ):
            return OUT_OF_MEMORY
        outcome = put_json(&self.others, &v, &inside, 0)
        if outcome == ADDED and inside.p != inside.end:
            return MALFORMED
        return outcome

    # --- metadata ---

    cdef Adding add_metadata(self, RawRecord* r) noexcept nogil:
        cdef Adding outcome = ADDED
        cdef int64_t until = <int64_t>r.void_time
        if r.digest != NULL:
            outcome = self.add_told(0, PARTICLE_BLOB, 0, r.digest, DIGEST_SIZE)
        if outcome == ADDED and r.key != NULL:
            outcome = self.add_told(1, r.key_kind, 0, r.key, r.key_size)
        if outcome == ADDED and r.set_size:
            outcome = self.add_told(2, PARTICLE_STRING, 0, r.set_name, r.set_size)
        if outcome == ADDED and r.result_code == 0:
            outcome = self.add_told(3, PARTICLE_INTEGER, r.generation, NULL, 0)
        if outcome == ADDED and until:
            outcome = self.add_told(4, PARTICLE_INTEGER, max(<int64_t>1, until - self.now) * self.scale_of(4), NULL, 0)
            if outcome == ADDED:
                outcome = self.add_told(5, PARTICLE_INTEGER, (until + EPOCH_2010) * self.scale_of(5), NULL, 0)
        if outcome == ADDED:
            outcome = self.add_told(6, PARTICLE_INTEGER, r.result_code, NULL, 0)
        return outcome

    cdef inline int64_t scale_of(self, int place) noexcept nogil:
        """How many units of the column for what is known of a record are a second."""
        return self.record.children[self.columns_of[place]].scale if self.columns_of[place] >= 0 else 1

    cdef Adding add_told(
        self, int place, int kind, int64_t number, const unsigned char* data, size_t size
    ) noexcept nogil:
        """Adds what is known of a record, a number or bytes, if there is a column for it."""
        cdef RawBin b
        cdef Column* c
        cdef unsigned char big[8]
        if self.columns_of[place] < 0:
            return ADDED
        c = &self.record.children[self.columns_of[place]]
        b.kind = kind
        b.name = <unsigned char*>c.name
        b.name_size = c.name_size
        b.value = data
        b.size = size
        if data == NULL:
            store64(big, <uint64_t>number)
            b.value = big
            b.size = 8
        return self.add_bin(c, &b)

    # --- batches ---

    cdef int begin_batch(self) except -1:
        self.now = <int64_t>wall_time() - EPOCH_2010
        return 0

    cdef int close_batch(self, ArrayStruct* out) except -1:
        """Gives the rows away. After an error they are lost."""
        cdef bint ok
        with nogil:
            ok = self.give_all(out)
        self.rows = 0
        self.unmeasured = 0
        self.is_large = False
        if not ok:
            raise MemoryError
        return 0

    cdef bint give_all(self, ArrayStruct* out) noexcept nogil:
        cdef int i
        if not begin_array(out, self.rows, self.record.child_count, False):
            if out.release != NULL:
                release_array(out)
            return False
        give_buffer(out, NULL)
        for i in range(self.record.child_count):
            if not (
                fill_up(&self.record.children[i], self.rows) and give_column(&self.record.children[i], out.children[i], False)
            ):
                release_array(out)
                return False
        return True

    cdef object misfit_error(self, Key key):
        """Returns the error of the record that could not be added."""
        return mismatch(&self.misfit, self.schema, key)


def metadata_names() -> tuple[str, ...]:
    """What a record can have a column for besides its bins."""
    return tuple(METADATA_FIELDS)
