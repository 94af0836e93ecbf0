# The rows of a stream on their way to requests: each is put into a group for the node that it is to be sent to, and each group
# becomes a batch of its own when the node is asked. So a stream's rows are what many batches ask, one after the other.
#
# Not here: when rows are read, and when a node is asked (`threads/batch_stream.pyx`, `tasks/batch_stream.pyx`).

cdef enum:
    MOST_IN_FLIGHT = 10_000_000             # rows of a stream
    GROUPS_PER_NODE = 2                     # that a stream has on average: one under way, and one to be sent when that has ended
    READING = 2_000_000                     # ns after which rows that come slowly are sent although more may be under way


cdef object NO_MORE_ROWS = Sign("NO_MORE_ROWS")


cdef object iterator_of_rows(object rows):
    """The rows of a stream.

    Raises:
        InvalidType: they can't be iterated.
    """
    try:
        return iter(rows)
    except TypeError:
        raise errors.InvalidType(f"rows must be an iterable of rows, not {type(rows).__name__}") from None


@cython.final
cdef class RowGroup:
    """Rows for one node that are sent together."""

    cdef list keys
    cdef list asks
    cdef list replicas                      # which one the node is, by the map by which it was chosen
    cdef bint has_other_node

    def __cinit__(self) -> None:
        self.keys = []
        self.asks = []
        self.replicas = []


@cython.final
cdef class RowGroups:
    """The rows that a stream has read and that were not sent yet.

    Args:
        rules: by which the rows are sent.
        in_flight: how many rows may be read and not handed over.
        timeout: of each group in milliseconds, from when it is sent; None for that of the settings.
        filter_expression: for the rows without a filter of their own; None for that of the settings.

    Raises:
        InvalidType, InvalidArgument: an argument can't be used.
    """

    cdef readonly Settings settings         # of the rules
    cdef RowRules rules
    cdef readonly Py_ssize_t in_flight
    cdef Trace trace                        # None if nobody watches the stream
    cdef object timeout
    cdef bytes filter_expression
    cdef RecordTypes types                  # of the client
    cdef dict waiting                       # by node, and under None where there is none to ask: its groups, the oldest first

    def __cinit__(
        self, RowRules rules not None, in_flight: int, timeout: Milliseconds | None = None,
        filter_expression: Filter | None = None
    ) -> None:
        cdef object count = plain_int(in_flight)
        if count is None:
            raise errors.InvalidType(f"in_flight must be int, not {shown(in_flight)}")
        if not 1 <= count <= MOST_IN_FLIGHT:
            raise errors.InvalidArgument(f"in_flight must be 1 to {MOST_IN_FLIGHT}, not {shown(in_flight)}")
        self.in_flight = count
        self.rules = rules
        self.settings = rules.settings
        if timeout is not None:
            timeout_ms(timeout)
        self.timeout = timeout
        self.filter_expression = (
            self.settings.filter_expression if filter_expression is None else filter_bytes(filter_expression)
        )
        self.waiting = {}
        self.types = NO_TYPES

    cdef int add(self, object row, PartitionMap partitions) except -1:
        """Puts a row into the last group of its node, or into a new one if that is full.

        Raises:
            InvalidType: it is no row.
            InvalidArgument: it fits into no request.
        """
        cdef Target target
        cdef RowGroup group
        cdef Node node = None
        cdef list groups
        check_is_row(row)
        check_row((<BatchRow>row).key, (<BatchRow>row).ask, self.filter_expression, self.rules)
        if (<BatchRow>row).ask.into is not None:
            self.types.plan_of((<BatchRow>row).ask.into)    # which tells now what is wrong with the class
        target.replica = 0
        target.has_other_node = False
        if not partitions.lacks((<BatchRow>row).key.namespace):     # else that is told when the group is sent
            node = node_of_row(partitions, self.rules, (<BatchRow>row).key, (<BatchRow>row).ask, &target)
        groups = self.waiting.get(node)
        if groups is None:
            self.waiting[node] = groups = []
        group = <RowGroup>groups[len(groups) - 1] if groups else None
        if group is None or len(group.keys) >= self.most_in_group(partitions):
            group = RowGroup.__new__(RowGroup)
            groups.append(group)
        group.keys.append((<BatchRow>row).key)
        group.asks.append((<BatchRow>row).ask)
        group.replicas.append(target.replica)
        group.has_other_node |= target.has_other_node
        return 0

    cdef inline Py_ssize_t most_in_group(self, PartitionMap partitions):
        cdef Py_ssize_t nodes = len(partitions.nodes)
        cdef Py_ssize_t groups = GROUPS_PER_NODE * (nodes if nodes else 1)
        return min((self.in_flight + groups - 1) // groups, <Py_ssize_t>SLICE_ROWS)

    cdef list nodes(self):
        """The nodes for which rows wait; None is one of them if there is none to ask for some."""
        return list(self.waiting)

    cdef NodeRows take(self, Node node):
        """The oldest group of a node, as a batch that begins now."""
        cdef list groups = self.waiting[node]
        cdef RowGroup group = <RowGroup>groups.pop(0)
        cdef Batch batch = new_batch(None, None, self.rules, self.timeout, self.filter_expression)
        cdef NodeRows rows
        cdef Py_ssize_t i
        batch.trace = self.trace
        batch.types = self.types
        batch.keys = group.keys
        batch.asks = group.asks
        if not groups:
            del self.waiting[node]
        batch.answered = []
        batch.keep_rows()
        batch.begin()
        rows = new_node_rows(batch, node)
        rows.has_other_node = group.has_other_node
        for i in range(batch.count):
            rows.add(<uint32_t>i)
            batch.rows[i].replica = <uint16_t>group.replicas[i]
        return rows

    cdef int over(self, object error) except -1:
        """Tells who watches the stream that it has ended, with an error or None."""
        if self.trace is not None:
            self.trace.over(error)
        return 0

    cdef inline bint is_empty(self):
        return not self.waiting

    def __repr__(self) -> str:
        counts = [sum([len((<RowGroup>group).keys) for group in groups]) for groups in self.waiting.values()]
        return f"<RowGroups of {len(counts)} nodes: {sum(counts)} rows>"
