# What a read gives: the bins of a record, its generation and its expiration; and what a write gives that is asked for it.

cdef enum:
    SHOWN_BINS = 2000                       # characters of a record's bins in its repr


@cython.final
@cython.freelist(256)                      # batches drop and make hundreds at once
@cython.collection_type("mapping")
cdef class Record:
    """Record(key, bins, generation=0, void_time=0, results=None)\n--\n\nA record as it was read.

    `record["bin"]`, `record.bins`, `record.generation`, `record.ttl`, `record.key`. It is a `Mapping` of its bins' names
    to their values. Two records are equal if their keys, generations, expirations, bins and results are equal.
    """

    cdef readonly Key key                   # the key the caller asked with
    cdef readonly dict bins                 # names to values
    cdef readonly uint32_t generation       # how often the record was written; 0 after an operate that deleted it
    cdef list operated                      # operate: one result an operation, in order; None elsewhere
    cdef uint32_t void_time                 # seconds since 2010, 0 = never expires

    def __init__(
        self, Key key not None, dict bins not None, uint32_t generation=0, uint32_t void_time=0, list results=None
    ) -> None:
        self.key = key
        self.bins = bins
        self.generation = generation
        self.void_time = void_time
        self.operated = results

    @property
    def results(self) -> list[Any]:
        """The result of each operation of an operate, in order; empty for what was read otherwise."""
        return [] if self.operated is None else self.operated

    @property
    def expiration(self) -> datetime.datetime | None:
        """When the record expires, in UTC; None if never."""
        return expiration_of(self.void_time)

    @property
    def ttl(self) -> int | None:
        """Whole seconds the record has left by this machine's clock, 1 at least; None if it never expires."""
        if self.void_time == 0:
            return None
        return seconds_left(self.void_time)

    def __getitem__(self, name: str) -> Any:
        return self.bins[name]

    def __contains__(self, name: object) -> bool:
        return name in self.bins

    def __iter__(self) -> Iterator[str]:
        return iter(self.bins)

    def __len__(self) -> int:
        return len(self.bins)

    def __bool__(self) -> bool:
        """True: a record that was found is there, with or without bins."""
        return True

    def get(self, name: str, default: object = None) -> Any:
        """Return the bin's value, or `default` if the record has no such bin."""
        return self.bins.get(name, default)

    def keys(self) -> KeysView[str]:
        """Return the names of the bins."""
        return self.bins.keys()

    def values(self) -> ValuesView[Any]:
        """Return the values of the bins."""
        return self.bins.values()

    def items(self) -> ItemsView[str, Any]:
        """Return the bins as (name, value) pairs."""
        return self.bins.items()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Record):
            return NotImplemented
        cdef Record record = <Record>other
        return (
            self.key == record.key
            and self.generation == record.generation
            and self.void_time == record.void_time
            and self.bins == record.bins
            and self.operated == record.operated
        )

    def __hash__(self) -> int:
        return hash((self.key, self.generation, self.void_time))

    def __repr__(self) -> str:
        life = "never expires" if self.void_time == 0 else f"expires {self.expiration:%Y-%m-%dT%H:%M:%SZ}"
        return f"<Record {self.key!r} generation {self.generation}, {life}: {shown(self.bins, SHOWN_BINS)}>"

    def __reduce__(self) -> tuple:
        return Record, (self.key, self.bins, self.generation, self.void_time, self.operated)


cdef object expiration_of(uint32_t void_time):
    """Returns when a record expires, in UTC; None if never."""
    if void_time == 0:
        return None
    return datetime.datetime.fromtimestamp(<int64_t>void_time + EPOCH_2010, datetime.timezone.utc)


cdef inline int64_t seconds_left(uint32_t void_time) except -1:
    """Returns the whole seconds until a record expires, 1 at least."""
    return max(1, <int64_t>void_time + EPOCH_2010 - <int64_t>wall_time())


MappingABC.register(Record)


@cython.final
cdef class Written:
    """Written(generation=0, void_time=0)\n--\n\nWhat has become of a record that was written, as the server has answered.

    `written.generation` is the record's generation now: what a later write of one's own can expect. It is 0 if the record has no
    bins any more, so that it is deleted.
    """

    cdef readonly uint32_t generation
    cdef uint32_t void_time                 # seconds since 2010, 0 = never expires

    def __init__(self, uint32_t generation=0, uint32_t void_time=0) -> None:
        self.generation = generation
        self.void_time = void_time

    @property
    def expiration(self) -> datetime.datetime | None:
        """When the record expires, in UTC; None if never."""
        return expiration_of(self.void_time)

    @property
    def ttl(self) -> int | None:
        """Whole seconds the record has left by this machine's clock, 1 at least; None if it never expires."""
        return None if self.void_time == 0 else seconds_left(self.void_time)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Written):
            return NotImplemented
        return self.generation == (<Written>other).generation and self.void_time == (<Written>other).void_time

    def __hash__(self) -> int:
        return hash((self.generation, self.void_time))

    def __repr__(self) -> str:
        life = "never expires" if self.void_time == 0 else f"expires {self.expiration:%Y-%m-%dT%H:%M:%SZ}"
        return f"<Written generation {self.generation}, {life}>"

    def __reduce__(self) -> tuple:
        return Written, (self.generation, self.void_time)


cdef Written new_written(uint32_t generation, uint32_t void_time):
    cdef Written written = Written.__new__(Written)
    written.generation = generation
    written.void_time = void_time
    return written
