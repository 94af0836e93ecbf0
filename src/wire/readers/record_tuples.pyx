# Records as tuples and dicts, for programs that know them so (`pyspike.compat`): compiled, as it is done for each record of a
# query or a batch.

cdef object TTL_OF_NEVER = 0xFFFFFFFF       # the time to live of a record that never expires, where there is no None


cdef inline bint is_plain(object value) noexcept:
    """Whether a value is the same for all clients."""
    kind = type(value)
    return (
        kind is int or kind is str or kind is float or kind is bytes or kind is bool or value is None
    )


cdef bint are_plain_items(list items) noexcept:
    for item in items:
        if not is_plain(item):
            return False
    return True


cdef bint are_plain_values(dict entries) except -1:
    for value in entries.values():
        if not is_plain(value):
            return False
    return True


@cython.final
cdef class RecordTuples:
    """RecordTuples(convert, *, of_bytes=None, with_user_key=True)\n--\n\nMakes tuples of records.

    They are `(key, {"ttl": seconds, "gen": generation}, bins)`, and a key is `(namespace, set_name, user_key, digest)`. A digest
    and a user key of bytes are bytearrays, the name of no set is None, and a record that never expires has a `ttl` of 2**32 - 1.

    Args:
        convert: is given each value of a bin that is not plain, and returns what is to be in its place. Plain are int, str,
            float, bool, bytes and None, and a list or dict that has only these for its items.
        of_bytes: the same for each bin with bytes; None leaves them.
        with_user_key: whether keys have their user keys; None is in their place if not.
    """

    cdef object convert
    cdef object of_bytes
    cdef bint with_user_key

    def __cinit__(
        self, convert: Callable[[Any], Any], *, of_bytes: Callable[[bytes], Any] | None = None, bint with_user_key=True
    ) -> None:
        self.convert = convert
        self.of_bytes = of_bytes
        self.with_user_key = with_user_key

    def __call__(self, Record record not None) -> tuple[tuple[Any, ...], dict[str, int], dict[str, Any]]:
        """Return a record's key, metadata and bins. The bins are the record's own dict, and changed in it."""
        return self.made_of(record)

    cdef inline tuple made_of(self, Record record):
        return self.key_tuple(record.key), meta_of(record), self.converted(record.bins)

    def all(self, records: Iterable[Record]) -> list[tuple[tuple[Any, ...], dict[str, int], dict[str, Any]]]:
        """Return the tuples of all records of an iterable."""
        cdef list made = []
        for record in records:
            made.append(self.made_of(<Record?>record))
        return made

    def header(self, Record record not None) -> tuple[tuple[Any, ...], dict[str, int]]:
        """Return a record's key and metadata."""
        return self.key_tuple(record.key), meta_of(record)

    def key(self, Key key not None) -> tuple[str, str | None, Any, bytearray]:
        """Return a key."""
        return self.key_tuple(key)

    def results(
        self, Record record not None, operations: Sequence[Operation], *, bint with_none
    ) -> tuple[tuple[Any, ...], dict[str, int], dict[str, Any]]:
        """Return the key and metadata of a record that an operate gave, and what its operations gave by the names of their bins.

        Args:
            record: the record.
            operations: those of the operate. Of several on one bin the last counts.
            with_none: whether an operation that gave None counts.

        Raises:
            ValueError: there are not as many results as operations.
        """
        cdef list results = record.operated
        cdef dict given = {}
        cdef Py_ssize_t i = 0
        if results is None or len(results) != len(operations):
            raise ValueError(f"{len(operations)} operations, {0 if results is None else len(results)} results")
        for operation in operations:
            value = results[i]
            i += 1
            if value is not None or with_none:
                given[(<Operation?>operation).bin] = self.converted_value(value)
        return self.key_tuple(record.key), meta_of(record), given

    cdef inline tuple key_tuple(self, Key key):
        cdef object user_key = key.user_key if self.with_user_key else None
        if type(user_key) is bytes:
            user_key = bytearray(<bytes>user_key)
        elif type(user_key) is RawParticle:
            user_key = user_key.data
        return (
            key.namespace, key.set_name or None, user_key,
            PyByteArray_FromStringAndSize(<const char*>key.hash, DIGEST_SIZE),
        )

    cdef inline dict converted(self, dict bins):
        for name, value in bins.items():
            converted = self.converted_value(value)
            if converted is not value:
                bins[name] = converted
        return bins

    cdef inline object converted_value(self, object value):
        if type(value) is bytes:
            return value if self.of_bytes is None else self.of_bytes(value)
        if (
            is_plain(value)
            or (type(value) is list and are_plain_items(<list>value))
            or (type(value) is dict and are_plain_values(<dict>value))
        ):
            return value
        return self.convert(value)


cdef inline dict meta_of(Record record):
    cdef object ttl = TTL_OF_NEVER if record.void_time == 0 else seconds_left(record.void_time)
    return {"ttl": ttl, "gen": record.generation}
