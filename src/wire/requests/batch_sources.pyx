# Where the rows of a batch come from: the iterable that is given with the call. Rows are taken from it some at a time, as to
# hash and to pack a hundred thousand of them takes longer than a loop may be held.

cdef enum:
    ROWS_A_LOOK = 32                        # rows that are done between two looks at the clock


@cython.final
cdef class TakenItems:
    """The items of a list that nobody else has, each of which is let go when it is taken: to free all at once takes long."""

    cdef list items
    cdef Py_ssize_t at

    def __iter__(self) -> TakenItems:
        return self

    def __next__(self) -> object:
        cdef object item
        if self.at == len(self.items):
            raise StopIteration
        item = self.items[self.at]
        self.items[self.at] = None
        self.at += 1
        return item


cdef TakenItems taken_from(list items):
    cdef TakenItems taken = TakenItems.__new__(TakenItems)
    taken.items = items
    return taken


cdef object snapshot(object given):
    """The items of an iterable. Those of a list are copied, as other tasks may change it before all are taken."""
    return taken_from(list(given)) if PyList_CheckExact(given) else iter(given)


cdef class RowSource:
    """The rows that are yet to be taken. Subclasses say what is made of an item."""

    cdef object items

    cdef bint take(self, list keys, list asks, int64_t until) except -1:
        """Adds rows, until there are no more or the time is over; returns whether there are no more."""
        cdef Py_ssize_t taken = 0
        for item in self.items:
            self.add(keys, asks, item)
            taken += 1
            if taken % ROWS_A_LOOK == 0 and now_ns() >= until:
                return False
        return True

    cdef int add(self, list keys, list asks, object item) except -1:
        raise NotImplementedError


@cython.final
cdef class KeySource(RowSource):
    """The keys of a call, of which all ask the same."""

    def __cinit__(self, object keys) -> None:
        if isinstance(keys, Key) or isinstance(keys, tuple) and len(keys) == 3 and isinstance(keys[0], str):
            raise errors.InvalidType(f"keys must be an iterable of keys, not one: write [{shown(keys)}]")
        if isinstance(keys, (str, bytes)):
            raise errors.InvalidType(f"keys must be an iterable of keys, not {type(keys).__name__}")
        try:
            self.items = snapshot(keys)
        except TypeError:
            raise errors.InvalidType(f"keys must be an iterable of keys, not {type(keys).__name__}") from None

    cdef int add(self, list keys, list asks, object item) except -1:
        keys.append(key_of(item))
        return 0


cdef inline int check_is_row(object item) except -1:
    """Refuses what is no row that a user has made."""
    if not isinstance(item, BatchRow) or (<BatchRow>item).ask is None:
        raise errors.InvalidType(f"a row must be a BatchRead, BatchWrite, BatchDelete or BatchUDF, not {shown(item)}")
    return 0


@cython.final
cdef class UserRows(RowSource):
    """The rows that a user made."""

    def __cinit__(self, object rows) -> None:
        try:
            self.items = snapshot(rows)
        except TypeError:
            raise errors.InvalidType(f"rows must be an iterable of rows, not {type(rows).__name__}") from None

    cdef int add(self, list keys, list asks, object item) except -1:
        check_is_row(item)
        keys.append((<BatchRow>item).key)
        asks.append((<BatchRow>item).ask)
        return 0


@cython.final
cdef class RecordsToPut(RowSource):
    """The bins of records by keys, or pairs of both.

    Bins that are one object for several keys in a row are encoded once, if no other code runs in between, which might change
    them.
    """

    cdef object header                      # what `ttl_header` makes of the time to live; None if none is given
    cdef Settings own
    cdef object last                        # the bins before
    cdef Ask ask                            # of them
    cdef RecordTypes types                  # of the client, which makes bins of objects
    cdef bint still                         # whether no code of the caller's runs when an item is taken

    def __cinit__(self, object records, object header, Settings own, RecordTypes types not None) -> None:
        self.types = types
        self.header = header
        self.own = own
        self.still = type(records) in (dict, list, tuple)
        if isinstance(records, (str, bytes, Key)):
            raise no_records(records)
        try:
            if PyDict_CheckExact(records):
                pairs = settled(records)
                self.items = zip(taken_from(PyDict_Keys(pairs)), taken_from(PyDict_Values(pairs)))
            else:
                self.items = snapshot(records.items() if hasattr(records, "items") else records)
        except TypeError:
            raise no_records(records) from None

    cdef bint take(self, list keys, list asks, int64_t until) except -1:
        self.ask = None                     # others may have run since the last slice
        return RowSource.take(self, keys, asks, until)

    cdef int add(self, list keys, list asks, object item) except -1:
        cdef Key key
        if not isinstance(item, (tuple, list)) or len(item) != 2:
            raise errors.InvalidType(f"records must be pairs of a key and bins, not {shown(item)}")
        key = key_of(item[0])
        if self.ask is None or item[1] is not self.last or not self.still:
            try:
                bins = item[1]
                if not PyDict_CheckExact(bins):
                    bins = self.types.bins_of(bins)
                self.ask = ask_put(bins, self.header, self.own, self.types.codecs)
            except (errors.InvalidArgument, errors.InvalidType) as error:
                error.key = key
                raise
            self.last = item[1]
        keys.append(key)
        asks.append(self.ask)
        return 0


cdef object no_records(object given):
    return errors.InvalidType(f"records must be a mapping of keys to bins or pairs, not {type(given).__name__}")
