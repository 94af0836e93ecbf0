# The commands of a query: for each node the partitions that it is asked for, and one command for all of them. It is Python that
# decides when they are run and which partitions are asked for again (`pyspike.plans.partitions`).

cdef inline uint32_t told_ms(int64_t span) noexcept:
    """Returns nanoseconds as a node is told them: whole milliseconds, not fewer, and 1 at least, as 0 means no limit."""
    return <uint32_t>max(1, (span + MILLISECOND - 1) // MILLISECOND)


@cython.final
cdef class NodeQuery:
    """Partitions of a query that one node is asked for in one request."""

    cdef readonly Query query
    cdef readonly Node node                 # None: no node is known that has these partitions
    cdef uint16_t* places                   # of the partitions among those of the query
    cdef Py_ssize_t count
    cdef readonly int32_t number            # of the request; 0 before the partitions are reserved for it
    cdef readonly int64_t share             # how many records it may bring; 0: all
    cdef readonly uint64_t query_id
    cdef readonly QueryReader reader        # of its answer; None before the partitions are reserved

    def __dealloc__(self) -> None:
        PyMem_RawFree(self.places)

    def reserve(self, share: int, query_id: int) -> None:
        """Let nobody else ask for the partitions, until this has ended or failed.

        Args:
            share: how many records it may bring at most; 0 for all.
            query_id: a number by which the node knows the query.
        """
        cdef PartitionState* state
        cdef Py_ssize_t i
        self.query.requests += 1
        self.number = self.query.requests
        self.share = share
        self.query_id = query_id
        self.reader = reader_of(self.query, self.number)
        for i in range(self.count):
            state = &self.query.partitions.states[self.places[i]]
            state.asked = self.number
            state.denied = False

    def split(self, count: int) -> NodeQuery:
        """Keep the first partitions, so many, and give the others away. Nobody asks for those before they are released.

        Args:
            count: how many are kept; fewer than there are.

        Raises:
            ValueError: there are not more.
        """
        cdef NodeQuery others = new_node_query(self.query, self.node)
        cdef Py_ssize_t kept = count
        if not 0 < kept < self.count:
            raise ValueError(f"{count} of {self.count}")
        others.count = self.count - kept
        memcpy(others.places, self.places + kept, <size_t>others.count * sizeof(uint16_t))
        self.count = kept
        others.put_off_until(FOREVER)
        return others

    def release(self) -> None:
        """Let its partitions be asked for, which were split off."""
        self.put_off_until(0)

    cdef int put_off_until(self, int64_t due) except -1:
        cdef Py_ssize_t i
        for i in range(self.count):
            self.query.partitions.delay(self.places[i], due)
        return 0

    def make_command(self) -> Command:
        """The request for the partitions, which were reserved."""
        cdef Query query = self.query
        cdef int64_t now = query.begin()
        cdef int64_t span
        cdef Py_ssize_t i
        cdef CommandKind kind = KIND_QUERY if query.columns is None else KIND_QUERY_ARROW
        cdef Command command = new_command(kind, self.reader, None, query.settings, None, False)
        command.namespace = query.statement.namespace
        command.total_timeout = query.total_timeout
        command.started = query.started
        command.trace = query.trace
        command.deadline = query.deadline
        for i in range(self.count):
            command.tries = max(command.tries, query.partitions.states[self.places[i]].tries)
        command.tries += 1                  # for its share of the time, which is told to the node
        span = timeout_of_attempt(command, now)
        command.tries -= 1
        put_query(
            &command.out, query, self.places, self.count, self.query_id, <uint64_t>self.share,
            0 if query.deadline == FOREVER else told_ms(query.deadline - now),
            0 if span == FOREVER else told_ms(span)
        )
        return command

    @property
    def given(self) -> int:
        """How many records it has brought."""
        return 0 if self.reader is None else self.reader.given

    def end(self) -> list[int]:
        """Note that its answer came to the end.

        Partitions of which there may be more, as it has brought as many records as it might, wait to be asked for again; the
        others are done.

        Returns:
            The partitions that the node does not have, which wait too.
        """
        cdef bint may_be_more = 0 < self.share <= self.reader.given
        cdef PartitionState* state
        cdef list denied = []
        cdef Py_ssize_t i
        for i in range(self.count):
            state = &self.query.partitions.states[self.places[i]]
            if state.asked != self.number:
                continue
            state.asked = 0
            if state.denied:
                denied.append(self.query.partitions.begin + self.places[i])
            else:
                state.tries = 0
                state.done = not may_be_more
        return denied

    def give_up(self) -> list[int]:
        """Ask for its partitions no more, as it failed; return those that it still asked for."""
        cdef PartitionState* state
        cdef list found = []
        cdef Py_ssize_t i
        for i in range(self.count):
            state = &self.query.partitions.states[self.places[i]]
            if state.asked == self.number:
                state.asked = 0
                found.append(self.query.partitions.begin + self.places[i])
        return found

    @property
    def partitions(self) -> list[int]:
        """The numbers of the partitions."""
        return [self.query.partitions.begin + self.places[i] for i in range(self.count)]

    def __len__(self) -> int:
        return self.count

    def __repr__(self) -> str:
        return f"<NodeQuery of {'no node' if self.node is None else self.node.name}: {self.count} partitions>"


cdef QueryReader reader_of(Query query, int32_t number):
    """Returns the reader of the answer to a request of a query."""
    cdef ColumnReader reader
    if query.columns is None:
        return QueryReader(query, number)
    reader = ColumnReader(query, number)
    reader.columns = query.columns
    return reader


cdef NodeQuery new_node_query(Query query, Node node):
    cdef NodeQuery found = NodeQuery.__new__(NodeQuery)
    found.query = query
    found.node = node
    found.places = <uint16_t*>PyMem_RawMalloc(<size_t>query.partitions.count * sizeof(uint16_t))
    if found.places == NULL:
        raise MemoryError
    return found


def route_partitions(Query query not None, PartitionMap map not None) -> list[NodeQuery]:
    """Which nodes can be asked for which of the partitions that are due, by the map of the moment.

    Args:
        query: whose partitions they are.
        map: which node has which partition.

    Returns:
        Partitions for each node, the nodes in the order of their names; last those that no node is known for, if there are
        any.

    Raises:
        ServerError: the cluster has no such namespace.
    """
    cdef dict found = {}
    cdef NodeQuery lost = None
    cdef NodeQuery group = None
    cdef PartitionState* state
    cdef Target target
    cdef Node node
    cdef int64_t now = now_ns()
    cdef NamespaceMap space = map.known(query.statement.namespace)
    cdef bint masters_first = space is not None and space.replicas and (
        query.settings.choice.policy == REPLICA_SEQUENCE or query.settings.choice.policy == REPLICA_MASTER
    )
    cdef list as_masters = [None] * len(map.nodes)      # what each node is asked for, once it is known to be asked as a master
    cdef int i
    cdef int owner = NO_NODE
    for i in range(query.partitions.count):
        state = &query.partitions.states[i]
        if state.done or state.asked or query.partitions.due(i) > now:
            continue
        if masters_first and state.replica == 0:        # the usual case, in few steps
            owner = space.owners[0][query.partitions.begin + i]
            if owner != NO_NODE and PyList_GET_ITEM(as_masters, owner) != <PyObject*>None:
                group = <NodeQuery>PyList_GET_ITEM(as_masters, owner)
                group.places[group.count] = <uint16_t>i
                group.count += 1
                continue
        target.choice = query.settings.choice
        target.partition_id = query.partitions.begin + i
        target.replica = state.replica
        node = None if space is None else map.owner_in(space, &target)
        state.replica = <uint16_t>target.replica
        if node is None:
            if lost is None:
                lost = new_node_query(query, None)
            group = lost
        elif group is None or group.node is not node:
            group = found.get(node)
            if group is None:
                group = found[node] = new_node_query(query, node)
                if target.choice.policy == REPLICA_PREFER_RACK:
                    node.counters.count_choice(target.in_rack)
        if masters_first and owner != NO_NODE and map.nodes[owner] is node:
            as_masters[owner] = group
        group.places[group.count] = <uint16_t>i
        group.count += 1
    order = sorted(found.values(), key=name_of_asked)
    if lost is not None:
        order.append(lost)
    return order


cdef object name_of_asked(object asked):
    return (<NodeQuery>asked).node.name


def count_failures(
    Query query not None, partitions: Iterable[int], *, bint brought_records=False, bint next_replica=True
) -> int:
    """Count that a request for partitions has failed.

    Args:
        query: whose partitions they are.
        partitions: their numbers.
        brought_records: whether it had brought records before.
        next_replica: whether the next request goes to the next replica.

    Returns:
        How often the requests for them have failed in a row without bringing a record: the most of all.
    """
    cdef PartitionState* state
    cdef int most = 0
    for number in partitions:
        state = &query.partitions.states[query.partitions.find(number)]
        state.tries = 1 if brought_records else min(state.tries + 1, MOST_COUNTED)
        state.replica += next_replica
        if state.tries > most:
            most = state.tries
    return most


def put_off(Query query not None, partitions: Iterable[int], double pause) -> None:
    """Let partitions not be asked for in the next so many milliseconds."""
    cdef int64_t due = after(now_ns(), <int64_t>(pause * 1e6))
    for number in partitions:
        query.partitions.delay(query.partitions.find(number), due)


def new_query_number() -> int:
    """Return a number by which nodes know a query."""
    return new_query_id()
