# A query, and the requests that are made of it (query-scan.md 8.1, 8.2): those that ask one node for some partitions, those that
# have a UDF aggregate records, and those that have a node write in the background.
#
# Not here: which node is asked for which partitions (`query_commands.pyx`), and how answers are read
# (`readers/query_reader.pyx`).

cdef uint32_t QUERY_TTL = 4_294_967_295     # what stands in the header of a query in place of a time to live


cdef uint64_t new_query_id() except 0:
    """Returns a number for a query; a node refuses one that it knows from another query."""
    cdef uint64_t number = 0
    while number == 0:                      # by which the server would choose one itself
        number = load64(bytes_of(<bytes>random_bytes(8)))
    return number


@cython.final
cdef class Query:
    """A statement that is sent: how, to which partitions, and how far that is.

    Args:
        statement: what is asked for.
        settings: those of a `QueryPolicy`.
        partitions: of which partitions.
        timeout: the deadline of the whole query in milliseconds, or a timedelta; None for that of the settings.
        filter_expression: which records to give; None for that of the settings.

    Raises:
        InvalidType, InvalidArgument: an argument can't be used.
    """

    cdef readonly Statement statement
    cdef readonly Settings settings
    cdef Trace trace                        # None if nobody watches the query
    cdef readonly QueryPartitions partitions
    cdef readonly double total_timeout      # ms, 0 = none
    cdef bytes filter_expression
    cdef int info1, info2
    cdef readonly int32_t requests          # how many were made
    cdef readonly int64_t given             # records
    cdef Columns columns                    # that its records become rows of; None: they are given as they are
    cdef ClassPlan plan                     # of the class whose objects are made of them; None: Records are
    cdef object into                        # that class
    cdef CodecTable tags                    # by which what is marked in the records is decoded; None: nothing is
    cdef int64_t started                    # when the first request was made; 0 before
    cdef int64_t deadline

    def __cinit__(
        self, Statement statement not None, Settings settings not None, QueryPartitions partitions not None,
        timeout: Milliseconds | None = None, filter_expression: Filter | None = None
    ) -> None:
        self.statement = statement
        self.settings = settings
        self.partitions = partitions
        self.total_timeout = settings.total_timeout if timeout is None else timeout_ms(timeout)
        self.filter_expression = (
            settings.filter_expression if filter_expression is None else filter_bytes(filter_expression)
        )
        self.info1 = INFO1_READ | settings.info1
        self.info2 = settings.info2
        if self.info1 & INFO1_GET_NO_BINS and statement.projection_count:
            raise errors.InvalidArgument(
                "the policy's include_bin_data is off, but the statement asks for bins", advice="leave out one of both"
            )
        if statement.bins is not None and not statement.bins:
            self.info1 |= INFO1_GET_NO_BINS
        if statement.operations is not None:
            self.info2 |= INFO2_RESPOND_ALL_OPS     # so that each has a result, in their order

    def read_into(self, RecordTypes types not None, cls: type | None) -> None:
        """Make what a client knows of the records.

        Args:
            types: what it knows.
            cls: the class to make objects of; None for Records.

        Raises:
            InvalidType, InvalidArgument: no record can be read into the class.
        """
        self.tags = types.tags
        if cls is not None:
            self.into = cls
            self.plan = types.plan_of(cls)

    cdef int64_t begin(self) noexcept:
        """Sets the deadline, when the first request is made; returns the time."""
        cdef int64_t now = now_ns()
        if self.started == 0:
            self.started = now
            self.deadline = after(now, to_ns(self.total_timeout))
        return now

    @property
    def remaining(self) -> float | None:
        """Milliseconds until the deadline, less than 0 when it has passed; None without one."""
        if self.started == 0 or self.deadline == FOREVER:
            return self.total_timeout or None
        return (self.deadline - now_ns()) / <double>MILLISECOND

    def __repr__(self) -> str:
        return f"<Query {self.statement!r} of {self.partitions!r}>"


cdef int put_number_field(Buffer* out, int field, uint64_t number, size_t size) except -1:
    """Writes a field of a number that takes 4 or 8 bytes."""
    cdef unsigned char* p = start_field(out, field, size)
    if size == 4:
        store32(p, <uint32_t>number)
    else:
        store64(p, number)
    return 0


cdef int put_statement_fields(
    Buffer* out, Statement statement, uint32_t records_per_second, uint32_t socket_timeout, uint64_t query_id
) except -1:
    """Writes the first fields of every query; returns their number."""
    cdef int fields = 3
    put_text_field(out, FIELD_NAMESPACE, statement.namespace)
    if statement.set_name:
        put_text_field(out, FIELD_SET, statement.set_name)
        fields += 1
    if records_per_second:
        put_number_field(out, FIELD_RECORDS_PER_SECOND, records_per_second, 4)
        fields += 1
    put_number_field(out, FIELD_SOCKET_TIMEOUT, socket_timeout, 4)
    put_number_field(out, FIELD_QUERY_ID, query_id, 8)
    if statement.where is not None:
        put_bytes(out, bytes_of(statement.where.fields), <size_t>len(statement.where.fields))
        fields += statement.where.field_count
    return fields


cdef int put_query_filter(Buffer* out, bytes expression) except -1:
    """Writes the field of a filter expression, if there is one; returns the number of fields."""
    if expression is None:
        return 0
    put_field(out, FIELD_FILTER, bytes_of(expression), <size_t>len(expression))
    return 1


cdef int put_partition_fields(
    Buffer* out, QueryPartitions partitions, const uint16_t* places, Py_ssize_t count, bint has_bvals
) except -1:
    """Asks for some of the partitions, those that have begun from where they stand; returns the number of fields."""
    cdef Py_ssize_t begun = 0
    cdef Py_ssize_t i
    cdef int fields = 0
    cdef unsigned char* p
    for i in range(count):
        begun += partitions.states[places[i]].begun
    if begun < count:
        fields += 1
        p = start_field(out, FIELD_PARTITIONS, <size_t>(count - begun) * 2)
        for i in range(count):
            if not partitions.states[places[i]].begun:
                store16_little(p, <uint16_t>(partitions.begin + places[i]))
                p += 2
    if begun:
        fields += 1
        p = start_field(out, FIELD_DIGESTS, <size_t>begun * DIGEST_SIZE)
        for i in range(count):
            if partitions.states[places[i]].begun:
                memcpy(p, partitions.places[places[i]].digest, DIGEST_SIZE)
                p += DIGEST_SIZE
    if begun and has_bvals:
        fields += 1
        p = start_field(out, FIELD_BVALS, <size_t>begun * 8)
        for i in range(count):
            if partitions.states[places[i]].begun:
                store64_little(p, <uint64_t>partitions.places[places[i]].bval)
                p += 8
    return fields


cdef int put_query(
    Buffer* out, Query query, const uint16_t* places, Py_ssize_t count, uint64_t query_id, uint64_t max_records,
    double time_left, uint32_t socket_timeout
) except -1:
    """Asks one node for some partitions.

    Args:
        places: which of the query's partitions; there are `count`.
        max_records: of this node; 0 for all.
        time_left: milliseconds until the deadline; 0 without one.
        socket_timeout: milliseconds that the node may wait until it can send; 0 for ever.
    """
    cdef Statement statement = query.statement
    cdef int fields
    put_request_header(
        out, query.info1, query.info2, INFO3_PARTITION_DONE, 0, QUERY_TTL, server_timeout(time_left, 0)
    )
    ask_for_details(out, query.settings)
    fields = put_statement_fields(
        out, statement, query.settings.records_per_second, socket_timeout, query_id
    )
    fields += put_query_filter(out, query.filter_expression)
    fields += put_partition_fields(out, query.partitions, places, count, statement.where is not None)
    if max_records:
        put_number_field(out, FIELD_MAX_RECORDS, max_records, 8)
        fields += 1
    put_bytes(out, bytes_of(statement.projection), <size_t>len(statement.projection))
    finish_request(out, fields, statement.projection_count)
    return 0
