# What a query asks for, whichever nodes and partitions are asked: the form in which a statement is sent is worked out once,
# when it is made (query-scan.md 8.1, 8.2).

cdef enum:
    COMMON_PROJECTION = 256                 # bytes of its operations that take no memory of their own while they are written


@cython.final
cdef class Statement:
    """Statement(namespace, set_name=None, bins=None, *, where=None, operations=None)\n--\n\nWhat a query is to find.

    It says which records, and what is wanted of them. Without `where` these are all records, which other clients call a scan.
    Immutable, hashable, picklable.

    Args:
        namespace: the namespace's name.
        set_name: the set's name; None for all records of the namespace, in sets and in none.
        bins: the names of the bins to give; None for all, an empty list for none (key, generation and expiration only).
            A record that has none of these bins is not given.
        where: finds records by a secondary index; made by the functions of `pyspike.filters`.
        operations: made by the functions of `pyspike.operations`, in place of `bins`: each is done on every record, and
            must read. `Record.results` has what they gave, in order.

    Raises:
        InvalidType: an argument is of the wrong type, or an operation writes.
        InvalidArgument: a name can't be one, or arguments exclude each other.
    """

    cdef readonly str namespace
    cdef readonly str set_name              # "" if none is named
    cdef readonly tuple bins                # the names; None for all
    cdef readonly IndexFilter where
    cdef readonly tuple operations          # None if there are none
    cdef bytes projection                   # the operations as they stand in a request
    cdef int projection_count

    __match_args__ = ("namespace", "set_name", "bins")

    def __cinit__(
        self, namespace: str, set_name: str | None = None, bins: Sequence[str] | None = None, *,
        where: IndexFilter | None = None, operations: Iterable[Operation] | None = None
    ) -> None:
        cdef Buffer out
        cdef unsigned char storage[COMMON_PROJECTION]
        if where is not None and type(where) is not IndexFilter:
            raise errors.InvalidType(
                f"where must be made by pyspike.filters, not {shown(where)}",
                advice="an expression is given to the query as its filter_expression",
            )
        if bins is not None and operations is not None:
            raise errors.InvalidArgument("bins and operations exclude each other", advice="read bins by operations.get")
        self.namespace = namespace_of(namespace)
        self.set_name = set_of(set_name)
        self.where = where
        buffer_init(&out, storage, COMMON_PROJECTION)
        try:
            if bins is not None:
                self.bins = tuple([plain_text(name) if isinstance(name, str) else name for name in names_of(bins)])
                self.projection_count = <int>put_names(&out, self.bins)
            elif operations is not None:
                self.operations = reading_steps(operations)
                self.projection_count = <int>put_projection(&out, self.operations)
            self.projection = PyBytes_FromStringAndSize(<const char*>out.data, <Py_ssize_t>out.size)
        finally:
            buffer_free(&out)

    cdef tuple parts(self):
        return self.namespace, self.set_name, self.bins, self.where, self.operations

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Statement) and self.parts() == (<Statement>other).parts()

    def __hash__(self) -> int:
        return hash(self.parts())

    def __repr__(self) -> str:
        texts = [repr(self.namespace)]
        if self.set_name or self.bins is not None:
            texts.append(repr(self.set_name or None))
        if self.bins is not None:
            texts.append(shown(list(self.bins)))
        if self.where is not None:
            texts.append(f"where={self.where!r}")
        if self.operations is not None:
            texts.append(f"operations={shown(list(self.operations))}")
        return f"Statement({', '.join(texts)})"

    def __reduce__(self) -> tuple:
        return restore_statement, self.parts()


def restore_statement(
    namespace: str, set_name: str, bins: tuple[str, ...] | None, where: IndexFilter | None,
    operations: tuple[Operation, ...] | None
) -> Statement:
    """Return the statement that a pickle holds."""
    return Statement(namespace, set_name, bins, where=where, operations=operations)


cdef tuple reading_steps(object operations):
    """Returns operations that only read, each of a bin."""
    cdef tuple steps = steps_of(operations)
    cdef OperationsSummary summary
    summarize(steps, &summary)
    for operation in steps:
        if (<Operation>operation).flags & OP_IS_WRITE:
            raise errors.InvalidType(
                f"{shown(operation)} writes, and the operations of a statement read", advice="query_operate() writes"
            )
        if (<Operation>operation).flags & (OP_IS_ALL_BINS | OP_IS_HEADER):
            raise errors.InvalidArgument(
                f"{shown(operation)} can't be among the operations of a statement",
                advice="leave out operations for all bins; bins=[] gives none",
            )
    return steps


cdef Py_ssize_t put_projection(Buffer* out, tuple steps) except -1:
    """Writes operations; returns how many they are."""
    for operation in steps:
        put_bytes(out, wire_of(<Operation>operation), <size_t>(<Operation>operation).size)
    if len(steps) > MAX_OPERATIONS:
        too_many_operations(len(steps))
    return len(steps)
