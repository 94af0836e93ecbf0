# How far a query is with each of its partitions (query-scan.md 8.5): the last record that it gave of it, which node is asked
# for the rest, and how often that failed.
#
# Not here: what is decided about them (`pyspike.plans.partitions`), how they stand in a request (`query_requests.pyx`) and
# in a cursor (`query_cursor.pyx`).

# What every request of a query looks at in all of its partitions is kept apart from what few of them have: 4,096 of the first
# fit into the processor's nearest cache, and the second are not touched in a query that ends as it began.

cdef struct PartitionState:
    int32_t asked                           # the number of the request that asks for it now; 0 if none does
    uint16_t tries                          # requests for it in a row that failed without bringing any record
    uint16_t replica                        # which one is asked next; the master is 0
    unsigned char begun                     # whether its place tells of a record that was given
    unsigned char done
    unsigned char denied                    # whether its node has said that it does not have the partition
    unsigned char delayed                   # whether its place tells when it may be asked for; else that is at any time


cdef struct PartitionPlace:
    unsigned char digest[DIGEST_SIZE]       # of the last record that was given
    int64_t bval                            # where that record stands in the index, if the query is of one
    int64_t due                             # when it may be asked for


@cython.final
cdef class QueryPartitions:
    """QueryPartitions(begin=0, count=4096, after=None)\n--\n\nThe partitions of one query, one behind the other.

    Args:
        begin: the first, 0 to 4095.
        count: how many.
        after: the digest of a record of the only partition: what stands behind it is asked for.

    Raises:
        InvalidArgument: there are no such partitions.
    """

    cdef readonly int begin
    cdef readonly int count
    cdef PartitionState* states
    cdef PartitionPlace* places             # what is in them is said by the states

    def __cinit__(self, int begin=0, int count=PARTITIONS, bytes after=None) -> None:
        if count < 1 or begin < 0 or begin > PARTITIONS - count:
            raise errors.InvalidArgument(
                f"there are no {count} partitions from {begin} on: they have the numbers 0 to {PARTITIONS - 1}"
            )
        self.begin = begin
        self.count = count
        self.states = <PartitionState*>PyMem_RawMalloc(<size_t>count * sizeof(PartitionState))
        self.places = <PartitionPlace*>PyMem_RawMalloc(<size_t>count * sizeof(PartitionPlace))
        if self.states == NULL or self.places == NULL:
            raise MemoryError
        memset(self.states, 0, <size_t>count * sizeof(PartitionState))
        if after is not None:
            if PyBytes_GET_SIZE(after) != DIGEST_SIZE or count != 1 or partition_of(bytes_of(after)) != begin:
                raise errors.InvalidArgument("the digest is of no record of the partition")
            memcpy(self.places[0].digest, bytes_of(after), DIGEST_SIZE)
            self.states[0].begun = True

    def __dealloc__(self) -> None:
        PyMem_RawFree(self.states)
        PyMem_RawFree(self.places)

    cdef inline int note_given(self, int32_t number, const unsigned char* digest, int64_t bval) except -1:
        """Notes that a request has brought the record with this digest, which the caller is given now."""
        cdef int i = partition_of(digest) - self.begin
        if not 0 <= i < self.count or self.states[i].asked != number:
            raise broken(f"a record of partition {partition_of(digest)}, which was not asked for")
        with cython.critical_section(self):     # another thread may ask for the cursor
            memcpy(self.places[i].digest, digest, DIGEST_SIZE)
            self.places[i].bval = bval
            self.states[i].begun = True
        return 0

    cdef int refuse(self, int32_t number, uint32_t partition_id) except -1:
        """Notes that a node does not have a partition that a request asks it for."""
        cdef int64_t i = <int64_t>partition_id - self.begin
        if not 0 <= i < self.count or self.states[i].asked != number:
            raise broken(f"a refusal of partition {partition_id}, which was not asked for")
        self.states[i].denied = True
        return 0

    cdef int find(self, int partition_id) except -1:
        """Returns where the partition with this number stands."""
        if not self.begin <= partition_id < self.begin + self.count:
            raise IndexError(partition_id)
        return partition_id - self.begin

    cdef inline int64_t due(self, int i) noexcept:
        """Returns when the partition may be asked for that stands there; 0 for at any time."""
        return self.places[i].due if self.states[i].delayed else 0

    cdef inline void delay(self, int i, int64_t due) noexcept:
        self.places[i].due = due
        self.states[i].delayed = True

    @property
    def done(self) -> bool:
        """Whether all records of all partitions were given."""
        cdef int i
        for i in range(self.count):
            if not self.states[i].done:
                return False
        return True

    cdef int64_t first_due(self) noexcept:
        """Returns when the next partition that no request asks for may be asked for; FOREVER if there is none."""
        cdef int64_t first = FOREVER
        cdef int i
        for i in range(self.count):
            if not self.states[i].done and self.states[i].asked == 0 and self.due(i) < first:
                first = self.due(i)
        return first

    def wait_for_next(self) -> float | None:
        """Milliseconds until the next partition that no request asks for may be asked for; None if there is none."""
        cdef int64_t first = self.first_due()
        return None if first == FOREVER else max(0.0, (first - now_ns()) / <double>MILLISECOND)

    def __len__(self) -> int:
        return self.count

    def __repr__(self) -> str:
        return f"<QueryPartitions {self.begin} to {self.begin + self.count - 1}{', done' if self.done else ''}>"


cdef inline const unsigned char* bytes_of(bytes data) noexcept:
    return <const unsigned char*>PyBytes_AS_STRING(data)
