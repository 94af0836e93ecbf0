# The commands of a batch: for each node the rows that it is asked for, and a command for as many of them as one request may
# have. It is Python that decides when they are run and which rows are asked again (`pyspike.plans.batch`).

@cython.final
cdef class NodeRows:
    """Rows of a batch that one node is asked for, in one request or several, one after the other."""

    cdef readonly Batch batch
    cdef readonly Node node
    cdef uint32_t* numbers
    cdef Py_ssize_t count
    cdef Py_ssize_t capacity
    cdef Py_ssize_t begun                   # how many the requests so far asked for

    def __dealloc__(self) -> None:
        PyMem_RawFree(self.numbers)

    cdef int add(self, uint32_t number) except -1:
        cdef Py_ssize_t capacity
        cdef uint32_t* larger
        if self.count == self.capacity:
            capacity = max(16, 2 * self.capacity)
            larger = <uint32_t*>PyMem_RawRealloc(self.numbers, <size_t>capacity * sizeof(uint32_t))
            if larger == NULL:
                raise MemoryError
            self.numbers = larger
            self.capacity = capacity
        self.numbers[self.count] = number
        self.count += 1
        return 0

    def next_command(self, double timeout) -> Command | None:
        """A command for the next rows, which the server may take so many milliseconds for (0: any); None if there are none.

        The rows of the one before must have been answered.
        """
        cdef Batch batch = self.batch
        cdef BatchReader reader
        cdef Command command
        cdef Py_ssize_t i, size
        cdef RowState* row
        if self.begun == self.count:
            return None
        reader = BatchReader(batch)
        command = new_command(reader, None, batch.settings, None, False)
        command.total_timeout = batch.total_timeout
        size = put_batch(&command.out, batch, self.numbers + self.begun, self.count - self.begun, timeout)
        batch.attempts += 1
        reader.attempt = batch.attempts
        reader.awaited = size
        for i in range(self.begun, self.begun + size):
            row = &batch.rows[self.numbers[i]]
            row.attempt = batch.attempts
            if batch.ask_of(self.numbers[i]).kind != ROW_READS:
                command.write = True
        command.namespace = (<Key>batch.keys[self.numbers[self.begun]]).namespace
        self.begun += size
        return command

    @property
    def rows(self) -> list[int]:
        """The numbers of all its rows."""
        return [self.numbers[i] for i in range(self.count)]

    def __len__(self) -> int:
        return self.count

    def __repr__(self) -> str:
        return f"<NodeRows of {'no node' if self.node is None else self.node.name}: {self.count}>"


cdef NodeRows new_node_rows(Batch batch, Node node):
    cdef NodeRows rows = NodeRows.__new__(NodeRows)
    rows.batch = batch
    rows.node = node
    return rows


def batch_rows(
    rows: Iterable[BatchRow], Settings settings not None, timeout: Milliseconds | None = None,
    filter_expression: Filter | None = None
) -> Batch:
    """A batch of rows that are to be sent with these settings.

    Args:
        rows: any iterable of them.
        settings: of a `BatchPolicy`.
        timeout: of the whole call in milliseconds; None for that of the settings.
        filter_expression: for the rows without a filter of their own; None for that of the settings.

    Raises:
        InvalidType, InvalidArgument: an argument can't be used.
    """
    cdef Batch batch = batch_of_rows(rows)
    batch.complete(settings, timeout, filter_expression)
    return batch


def rows_of_node(Batch batch not None, numbers: Iterable[int], Node node=None) -> NodeRows:
    """Some rows of a batch, for one node.

    Raises:
        IndexError: there is no such row.
    """
    cdef NodeRows found = new_node_rows(batch, node)
    cdef Py_ssize_t row
    for number in numbers:
        row = number
        if not 0 <= row < batch.count:
            raise IndexError(number)
        found.add(<uint32_t>row)
    return found
