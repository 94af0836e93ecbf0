# What the attempts of commands on one node came to: for each namespace and kind of command their number, their errors, their
# bytes, and how long they took, for `Client.metrics()`. A successful attempt costs some tens of instructions, without a lock
# and without reading the clock: on free threads the numbers are changed by atomic instructions.
#
# Not here: who counts (`attempt_counts.pyx`), and what is shown of it (`pyspike.cluster.metering`).

cdef extern from *:
    """
    #ifdef Py_GIL_DISABLED
    #define meter_add(place, by) ((void)__atomic_fetch_add(place, by, __ATOMIC_RELAXED))
    #define meter_get(place) __atomic_load_n(place, __ATOMIC_ACQUIRE)
    #define meter_set(place, to) __atomic_store_n(place, to, __ATOMIC_RELEASE)
    #else
    #define meter_add(place, by) ((void)(*(place) += (by)))
    #define meter_get(place) (*(place))
    #define meter_set(place, to) ((void)(*(place) = (to)))
    #endif
    #define highest_bit(number) (63 - __builtin_clzll(number))
    """
    void meter_add(uint64_t* place, uint64_t by) noexcept nogil
    uint64_t meter_get(uint64_t* place) noexcept nogil
    Measure* meter_get_measure "meter_get"(Measure** place) noexcept nogil
    void meter_set_measure "meter_set"(Measure** place, Measure* to) noexcept nogil
    int meter_get_count "meter_get"(int* place) noexcept nogil
    void meter_set_count "meter_set"(int* place, int to) noexcept nogil
    int highest_bit(uint64_t number) noexcept nogil


cdef enum:
    LATENCY_UNIT = 15625                    # ns: the 64th part of a millisecond
    LATENCY_BUCKETS = 80                    # four to a doubling, up to 2**21 units, which are more than 32 s
    SPACES = 32                             # namespaces that are told apart; a server has no more
    ALIASES = 8                             # places up to which a name that comes as another object gets one of its own


cdef struct Durations:
    uint64_t buckets[LATENCY_BUCKETS + 1]   # the last one has what took longer
    uint64_t ns                             # all together


cdef struct Again:                          # of commands that were tried more than once
    Durations attempt                       # their last attempts
    Durations call                          # their whole calls


cdef struct Measure:                        # of the commands of one kind on the records of one namespace
    Durations took                          # attempts that were answered, without an error but that there is no such record
    uint64_t not_found                      # of which the command failed, as there is no such record
    uint64_t failures                       # other attempts that failed
    uint64_t timeouts                       # of which the time was over
    uint64_t retries                        # attempts that were not the first of their command
    uint64_t sent_bytes, received_bytes
    Again* again                            # NULL while there are none


cdef struct MeterTable:
    int spaces                              # how many there are; each gets its names before it is counted
    PyObject* names[SPACES]                 # of namespaces; borrowed from the meter, as this is
    Measure* measures[SPACES][KIND_COUNT]
    Durations connecting                    # connections that were opened
    PyObject* meter


cdef inline int bucket_of(int64_t ns) noexcept nogil:
    """Returns the bucket of a duration: the first whose limit is not below it."""
    cdef uint64_t units = <uint64_t>(ns - 1) // LATENCY_UNIT if ns > 0 else 0
    cdef int bit
    if units < 4:
        return <int>units
    bit = highest_bit(units)
    if bit > 20:
        return LATENCY_BUCKETS
    return 4 * (bit - 1) + <int>(units >> (bit - 2) & 3)


def latency_edges() -> tuple[float, ...]:
    """Return the limits of the buckets in milliseconds; one more bucket has what took longer than the last."""
    cdef int i
    return tuple([
        LATENCY_UNIT * (i + 1 if i < 4 else (5 + (i & 3)) << (i // 4 - 1)) / <double>MILLISECOND for i in range(LATENCY_BUCKETS)
    ])


cdef inline void count_duration(Durations* durations, int64_t ns) noexcept nogil:
    meter_add(&durations.buckets[bucket_of(ns)], 1)
    meter_add(&durations.ns, <uint64_t>ns)


cdef void add_durations(Durations* to, Durations* durations) noexcept nogil:
    cdef int i
    for i in range(LATENCY_BUCKETS + 1):
        meter_add(&to.buckets[i], meter_get(&durations.buckets[i]))
    meter_add(&to.ns, meter_get(&durations.ns))


cdef tuple seen_durations(Durations* durations):
    """Returns the numbers of the buckets, and the milliseconds all together."""
    cdef int i
    return (
        tuple([meter_get(&durations.buckets[i]) for i in range(LATENCY_BUCKETS + 1)]),
        meter_get(&durations.ns) / <double>MILLISECOND,
    )


@cython.final
cdef class Meter:
    """The numbers of one node, and of all nodes of its name before it; and of commands that found no node to ask."""

    cdef MeterTable* table                  # by itself, so that counting has to hold no object
    cdef list kept                          # the names
    cdef dict errors                        # (namespace, kind, name of the error) -> how many attempts failed with it

    def __cinit__(self) -> None:
        self.table = <MeterTable*>PyMem_RawMalloc(sizeof(MeterTable))
        if self.table == NULL:
            raise MemoryError
        memset(self.table, 0, sizeof(MeterTable))
        self.table.meter = <PyObject*>self
        self.kept = []
        self.errors = {}
        self.space_of("")

    def __dealloc__(self) -> None:
        cdef int i, kind
        if self.table == NULL:
            return
        for i in range(self.table.spaces):
            for kind in range(<int>KIND_COUNT):
                if self.table.measures[i][kind] != NULL:
                    PyMem_RawFree(self.table.measures[i][kind].again)
                    PyMem_RawFree(self.table.measures[i][kind])
        PyMem_RawFree(self.table)

    cdef Measure* new_measure(self, str namespace, CommandKind kind) except NULL:
        """Returns where commands of a kind on the records of a namespace are counted, which may be new."""
        cdef int i = self.space_of("" if namespace is None else namespace)
        cdef Measure* found
        with cython.critical_section(self):
            found = self.table.measures[i][<int>kind]
            if found == NULL:
                found = <Measure*>PyMem_RawMalloc(sizeof(Measure))
                if found == NULL:
                    raise MemoryError
                memset(found, 0, sizeof(Measure))
                meter_set_measure(&self.table.measures[i][<int>kind], found)
        return found

    cdef int space_of(self, str namespace) except -1:
        """Returns the place of a namespace, which may be a new one; with too many of them, that of those without a name."""
        cdef int i, found = -1
        with cython.critical_section(self):
            for i in range(self.table.spaces):
                if self.table.names[i] == <PyObject*>namespace:
                    return i
                if found < 0 and <str>self.table.names[i] == namespace:
                    found = i
            if found >= 0 and (found == 0 or self.table.spaces >= ALIASES):
                return found
            if self.table.spaces == SPACES:
                return 0
            i = self.table.spaces
            self.kept.append(namespace)
            self.table.names[i] = <PyObject*>namespace
            meter_set_count(&self.table.spaces, i + 1)
        return i

    cdef Again* again(self, Measure* measure) except NULL:
        with cython.critical_section(self):
            if measure.again == NULL:
                measure.again = <Again*>PyMem_RawMalloc(sizeof(Again))
                if measure.again == NULL:
                    raise MemoryError
                memset(measure.again, 0, sizeof(Again))
        return measure.again

    cdef int count_error(self, str namespace, CommandKind kind, str name) except -1:
        self.add_error(("" if namespace is None else namespace, <int>kind, name), 1)
        return 0

    cdef int add_error(self, tuple place, size_t count) except -1:
        with cython.critical_section(self):
            self.errors[place] = <size_t>(self.errors.get(place) or 0) + count
        return 0

    cdef int count_failed(
        self, str namespace, CommandKind kind, object error, int64_t took, int64_t call, size_t sent, size_t received
    ) except -1:
        """Counts an attempt that failed. That there is no such record is an answer as others are.

        `call` is how long the call has taken, if it is not the first attempt; 0 if it is.
        """
        cdef Measure* measure = find_measure(self.table, <PyObject*>namespace, kind)
        meter_add(&measure.sent_bytes, sent)
        meter_add(&measure.received_bytes, received)
        if isinstance(error, errors.RecordNotFound):
            meter_add(&measure.not_found, 1)
            count_duration(&measure.took, took)
            if call:
                self.count_again(measure, took, call)
            return 0
        meter_add(&measure.failures, 1)
        meter_add(&measure.timeouts, isinstance(error, errors.TimeoutError))
        meter_add(&measure.retries, call > 0)
        return self.count_error(namespace, kind, type(error).__name__)

    cdef int count_again(self, Measure* measure, int64_t took, int64_t call) except -1:
        """Counts that an attempt that was answered was not the first one."""
        cdef Again* again = self.again(measure)
        meter_add(&measure.retries, 1)
        count_duration(&again.attempt, took)
        count_duration(&again.call, call)
        return 0

    def count_request(
        self, method: str, namespace: str, double took_ms, *, error: BaseException | None = None, double call_ms=0,
        size_t sent=0, size_t received=0
    ) -> None:
        """Count a request that no executor has run.

        Args:
            method: the client's method that made it, of the kind "query" or "admin".
            namespace: of the records that it is about; empty if it is about none.
            took_ms: how many milliseconds it took.
            error: with what it failed; None if it was answered.
            call_ms: how long the call has taken, if this was not its first attempt; 0 if it was.
            sent, received: how many bytes.

        Raises:
            KeyError: there is no such method.
        """
        cdef CommandKind kind = <CommandKind><int>CALL_KINDS[method]
        cdef int64_t took = <int64_t>(took_ms * MILLISECOND)
        cdef int64_t call = <int64_t>(call_ms * MILLISECOND)
        cdef Measure* measure
        if error is not None:
            self.count_failed(namespace, kind, error, took, call, sent, received)
            return
        measure = find_measure(self.table, <PyObject*>namespace, kind)
        count_duration(&measure.took, took)
        meter_add(&measure.sent_bytes, sent)
        meter_add(&measure.received_bytes, received)
        if call:
            self.count_again(measure, took, call)

    cdef void count_connecting(self, int64_t ns) noexcept:
        """Counts a connection that was opened, and how long that took."""
        count_duration(&self.table.connecting, ns)

    def take_over(self, Meter other not None) -> None:
        """Add the numbers of another meter to these."""
        cdef int i, kind
        cdef Measure* to
        cdef Measure* measure
        cdef Again* again
        add_durations(&self.table.connecting, &other.table.connecting)
        for i in range(meter_get_count(&other.table.spaces)):
            for kind in range(<int>KIND_COUNT):
                measure = meter_get_measure(&other.table.measures[i][kind])
                if measure == NULL:
                    continue
                to = self.new_measure(<str>other.table.names[i], <CommandKind>kind)
                add_durations(&to.took, &measure.took)
                meter_add(&to.not_found, meter_get(&measure.not_found))
                meter_add(&to.failures, meter_get(&measure.failures))
                meter_add(&to.timeouts, meter_get(&measure.timeouts))
                meter_add(&to.retries, meter_get(&measure.retries))
                meter_add(&to.sent_bytes, meter_get(&measure.sent_bytes))
                meter_add(&to.received_bytes, meter_get(&measure.received_bytes))
                if measure.again != NULL:
                    again = self.again(to)
                    add_durations(&again.attempt, &measure.again.attempt)
                    add_durations(&again.call, &measure.again.call)
        for place, count in other.seen_errors().items():
            self.add_error(place, count)

    cdef dict seen_errors(self):
        with cython.critical_section(self):
            return dict(self.errors)

    @property
    def connections(self) -> tuple[tuple[int, ...], float]:
        """Of connections that were opened, how long that took: see `numbers`."""
        return seen_durations(&self.table.connecting)

    def numbers(self) -> list[dict[str, Any]]:
        """Return the numbers of each namespace and kind of command so far; a namespace may be there more than once.

        Durations are two values: how many there are in each bucket, as `latency_edges` has them, and the milliseconds of all
        together.
        """
        cdef int i, kind
        cdef Measure* measure
        cdef dict errors = self.seen_errors()
        cdef dict named = {}
        cdef list found = []
        for (namespace, of, name), count in errors.items():
            named.setdefault((namespace, of), {})[name] = count
        for i in range(meter_get_count(&self.table.spaces)):
            namespace = <str>self.table.names[i]
            for kind in range(<int>KIND_COUNT):
                measure = meter_get_measure(&self.table.measures[i][kind])
                if measure == NULL:
                    continue
                found.append({
                    "namespace": namespace,
                    "kind": kind,
                    "latency": seen_durations(&measure.took),
                    "again": None if measure.again == NULL else (
                        seen_durations(&measure.again.attempt), seen_durations(&measure.again.call)
                    ),
                    "errors": named.pop((namespace, kind), {}),
                    "not_found": meter_get(&measure.not_found),
                    "failures": meter_get(&measure.failures),
                    "timeouts": meter_get(&measure.timeouts),
                    "retries": meter_get(&measure.retries),
                    "sent_bytes": meter_get(&measure.sent_bytes),
                    "received_bytes": meter_get(&measure.received_bytes),
                })
        return found

    def __repr__(self) -> str:
        return f"<Meter of {', '.join(self.kept[1:]) or 'no namespace'}>"


cdef inline Measure* find_measure(MeterTable* table, PyObject* namespace, CommandKind kind) except NULL:
    """Returns where commands of a kind on the records of a namespace are counted; `namespace` is borrowed.

    Names in programs are interned, so the name is mostly the same object as before.
    """
    cdef int i
    cdef Measure* found
    for i in range(1, meter_get_count(&table.spaces)):
        if table.names[i] == namespace:
            found = meter_get_measure(&table.measures[i][<int>kind])
            if found != NULL:
                return found
            break
    return (<Meter>table.meter).new_measure(<str>namespace, kind)


@cython.final
cdef class DurationCounter:
    """Counts durations in the same buckets, for what is seldom."""

    cdef Durations durations

    def add(self, double ms) -> None:
        """Count a duration in milliseconds."""
        count_duration(&self.durations, <int64_t>(max(0.0, ms) * MILLISECOND + 0.5))

    @property
    def seen(self) -> tuple[tuple[int, ...], float]:
        """How many there are in each bucket, and the milliseconds of all together."""
        return seen_durations(&self.durations)
