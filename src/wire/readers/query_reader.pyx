# Reads the answer to a query (query-scan.md 8.4): any number of frames with any number of records, notices of partitions that
# the node does not have, and a last message. A record is decoded when it is asked for, straight from the frame.

cdef class QueryReader(Reader):
    """Gives the records that one request brings, and the Query when it has brought them all.

    `read` says PAUSE for a frame with records, which `take` gives one by one; then `read` goes on with the same frame. Its
    memory must stay as it is meanwhile, or be told by `moved`.
    """

    cdef Query query
    cdef int32_t number                     # of the request
    cdef readonly int64_t given             # how many records it has brought
    cdef Cursor c                           # what of the frame was not read yet
    cdef MessageHeader header               # of the record in front of `c`, if `at_record`
    cdef bint at_record
    cdef bint in_frame                      # whether `c` is in a frame that `read` was given before
    cdef object sign                        # how to go on when the frame is read: MORE, or the Query

    def __cinit__(self, Query query not None, int32_t number) -> None:
        self.query = query
        self.number = number
        self.reads_bins = True
        self.has_many_frames = self.ends_with_error = True
        cursor_init(&self.c, NULL, 0, NULL)

    cdef object read(self, Key key, object given, const unsigned char* body, size_t size, NameCache* names):
        if not self.in_frame:
            if size == 0:
                raise broken("a frame without a message")
            cursor_init(&self.c, body, size, names)
            self.c.raw = self.query.settings.raw
            if self.query.tags is not None:
                self.c.tags = <PyObject*>self.query.tags
            self.in_frame = True
        if not self.at_record:
            self.step()
        if self.at_record:
            return PAUSE
        self.in_frame = False
        return self.sign

    cdef int restart(self) except -1:
        self.at_record = self.in_frame = False
        return 0

    @cython.final
    cdef inline void moved(self, const unsigned char* end) noexcept:
        """Tells where the frame ends now that is being read."""
        self.c.p = end - (self.c.end - self.c.p)
        self.c.end = end

    @cython.final
    cdef inline object take(self):
        """Returns the frame's next record, or what is made of it; None if none follows, and `read` is to go on."""
        cdef object record
        if not self.at_record:
            if left(&self.c) < MESSAGE_HEADER_SIZE or self.c.p[AT_INFO3] | self.c.p[AT_RESULT_CODE]:
                return None
            next_message(&self.c, &self.header)
        record = self.read_record()
        self.at_record = False
        return record

    @cython.final
    cdef int step(self) except -1:
        """Reads what is not a record, and the header of the record behind that, if there is one."""
        cdef const unsigned char* start
        while self.c.p != self.c.end:
            start = self.c.p
            next_message(&self.c, &self.header)
            if not (self.header.info3 | self.header.result_code):
                self.at_record = True
                return 0
            if self.header.info3 & INFO3_PARTITION_DONE:
                skip_rest(&self.c, &self.header)
                if self.header.result_code != RESULT_OK:
                    self.query.partitions.refuse(self.number, load32(start + AT_GENERATION))
                continue
            told = read_details(&self.c, self.header.field_count)
            skip_ops(&self.c, self.header.op_count)
            end_of_frame(&self.c)
            if self.header.result_code != RESULT_OK:
                raise errors.from_code(self.header.result_code, told=told)
            if not self.header.info3 & INFO3_LAST:
                raise broken(f"a message of no kind that queries have (info3 {self.header.info3})")
            self.sign = self.query
            return 0
        self.sign = MORE
        return 0

    @cython.final
    cdef inline object read_record(self):
        """Returns the record whose header was read, or what is made of it, and notes that it was given."""
        cdef Statement statement = self.query.statement
        cdef const unsigned char* digest = NULL
        cdef MessageField field
        cdef str set_name = ""
        cdef object user_key = None
        cdef list results = None
        cdef dict bins
        cdef object record
        cdef int64_t bval = 0
        cdef int _i
        for _i in range(self.header.field_count):
            next_field(&self.c, &field)
            if field.kind == FIELD_DIGEST:
                if field.size != DIGEST_SIZE:
                    raise broken(f"a digest of {field.size} bytes")
                digest = field.data
            elif field.kind == FIELD_SET:
                set_name = set_of_record(&self.c, statement, &field)
            elif field.kind == FIELD_KEY:
                user_key = user_key_of_record(&self.c, &field)
            elif field.kind == FIELD_BVALS:
                if field.size != 8:
                    raise broken(f"an index value of {field.size} bytes")
                bval = <int64_t>load64_little(field.data)
        if digest == NULL:
            raise broken("a record without a digest")
        if self.query.plan is not None:
            record = self.read_object(key_of_record(statement.namespace, set_name, digest, user_key))
        else:
            if statement.operations is None:
                bins = read_bins(&self.c, self.header.op_count)
            else:
                bins = {}
                results = read_results(&self.c, self.header.op_count, statement.operations, bins, True)
            record = new_record(
                key_of_record(statement.namespace, set_name, digest, user_key), bins, &self.header, results
            )
        self.query.partitions.note_given(self.number, digest, bval)
        self.given += 1
        self.query.given += 1
        return record

    @cython.final
    cdef object read_object(self, Key key):
        """Makes an object of the record's bins; an Unfit if the record does not fit the class."""
        cdef Query query = self.query
        cdef dict bins
        if query.statement.operations is None:
            return object_of_message(query.plan, &self.c, &self.header, key, query.into)
        bins = {}
        read_results(&self.c, self.header.op_count, query.statement.operations, bins, True)
        return object_of_results(query.plan, bins, &self.header, key, query.into)

    def records(self, bytes body not None) -> tuple[list[Record], Any]:
        """Return the records of a frame with this body, and how to go on; for tests."""
        cdef list found = []
        cdef object record
        cdef object sign = PAUSE
        self.restart()
        while sign is PAUSE:
            sign = self.read(None, None, bytes_of(body), <size_t>len(body), NULL)
            record = self.take() if sign is PAUSE else None
            while record is not None:
                found.append(record)
                record = self.take()
        return found, sign


cdef inline str set_of_record(Cursor* c, Statement statement, MessageField* field):
    """Returns the name of a record's set: the statement's own text, if it is that one."""
    cdef Py_ssize_t size = 0
    cdef const char* text = utf8_size(statement.set_name, &size)
    if <size_t>size == field.size and memcmp(text, field.data, field.size) == 0:
        return statement.set_name
    return <str>name_text(c.names, field.data, field.size)


cdef object user_key_of_record(Cursor* c, MessageField* field):
    """Returns the user key that is stored with a record; a RawParticle of one that no Key can be made with."""
    cdef int particle
    if field.size == 0:
        raise broken("a user key without a type")
    particle = field.data[0]
    if particle == PARTICLE_INTEGER or particle == PARTICLE_STRING or particle == PARTICLE_BLOB:
        return get_particle(particle, field.data + 1, field.size - 1, c)
    return RawParticle(particle, PyBytes_FromStringAndSize(<const char*>field.data + 1, <Py_ssize_t>field.size - 1))
