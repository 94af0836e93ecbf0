# A node as commands see it: its name, its limits, its counters of attempts, and whether commands may still be sent to it. Both
# executors route a command to a Node and find its pool or channel by it.
#
# Not here: how a node is found, asked and looked after (`pyspike.cluster.node`, whose class is a subclass of this one), its
# pool (`threads/pool.pyx`) and the channels that loops have to it (`tasks/channel.pyx`).

@cython.final
cdef class NodeLimits:
    """How many connections a client may open to each node, and how many commands may wait for one.

    Args:
        min_connections: how many connections for threads are opened in advance and kept.
        max_connections: how many connections for threads there may be.
        max_waiting: how many commands may wait for a connection; -1 for any number.
        idle_timeout: how long an unused connection is kept, in milliseconds.
        buffer_reclaim_threshold: bytes from which on a connection's receive buffer is freed after its answer.
        pipelines: how many connections a loop opens for commands of one kind.
        commands_per_pipeline: how many commands may be in flight on each of them.
        max_errors: how many errors a window may have before the node gets no commands for a while; 0 for any number.
    """

    cdef readonly Py_ssize_t min_connections, max_connections, max_waiting
    cdef readonly int pipelines, commands_per_pipeline, max_errors
    cdef int64_t idle_timeout               # ns
    cdef size_t buffer_reclaim_threshold

    def __cinit__(
        self, *, Py_ssize_t min_connections=0, Py_ssize_t max_connections=256, Py_ssize_t max_waiting=-1,
        double idle_timeout=30_000, size_t buffer_reclaim_threshold=65536, int pipelines=2, int commands_per_pipeline=128,
        int max_errors=0
    ) -> None:
        self.min_connections = min_connections
        self.max_connections = max_connections
        self.max_waiting = max_waiting
        self.idle_timeout = to_ns(idle_timeout)
        self.buffer_reclaim_threshold = buffer_reclaim_threshold
        self.pipelines = pipelines
        self.commands_per_pipeline = commands_per_pipeline
        self.max_errors = max_errors

    def change_idle_timeout(self, double idle_timeout) -> None:
        """Keep unused connections for so many milliseconds from now on."""
        self.idle_timeout = to_ns(idle_timeout)

    cdef inline bint may_wait(self, Py_ssize_t waiting) noexcept:
        """Whether one more command may wait when `waiting` commands do."""
        return self.max_waiting < 0 or waiting < self.max_waiting


@cython.final
cdef class NodeCounters:
    """Counts the failed attempts on a node, the rows of batches and the records of queries, of threads and of all loops together.

    The pool and the channels hold this object, so that they need not hold the node. A child process makes a new one: in a
    free-threaded interpreter, another thread may have held its lock during the fork, and nobody would release it.
    """

    cdef size_t failures                    # attempts that failed without an answer, and connections that were not opened
    cdef size_t timeouts                    # failures that are timeouts: no answer came in time
    cdef size_t refusals                    # commands that found no room to wait, or waited until they were overdue

    cdef size_t batch_requests              # requests with rows of batches
    cdef size_t batch_rows                  # rows that these asked for
    cdef size_t failed_rows                 # rows that ended in an error
    cdef size_t retried_rows                # rows without an answer that are asked for again

    cdef size_t query_requests              # requests for partitions of queries
    cdef size_t failed_query_requests       # of which the answer did not come to its end
    cdef size_t query_records               # records that they brought and queries gave

    cdef size_t in_rack                     # choices of this node by racks, where it is in one of the preferred racks
    cdef size_t out_of_rack                 # and where it is in none of them
    cdef size_t recovered                   # late answers that came in time for their connections to be used again
    cdef size_t aborted                     # connections that were closed because a late answer did not

    cdef size_t packed_requests             # requests that were sent compressed, and bytes before and after
    cdef size_t packed_bytes_before, packed_bytes
    cdef size_t packed_answers              # answers, or parts, that came compressed, and bytes of them as they came, and then
    cdef size_t answer_bytes, answer_bytes_after

    cdef Breaker breaker
    cdef Meter meter                        # what the attempts came to

    @staticmethod
    cdef NodeCounters of(NodeLimits limits):
        cdef NodeCounters counters = NodeCounters.__new__(NodeCounters)
        counters.breaker = Breaker(limits.max_errors)
        counters.meter = Meter()
        return counters

    cdef void count_failure(self, bint timed_out):
        """Counts an attempt that failed."""
        with cython.critical_section(self):
            self.failures += 1
            self.timeouts += timed_out

    cdef void count_refusal(self):
        """Counts a command that found no room, or none in time."""
        with cython.critical_section(self):
            self.refusals += 1

    cdef void count_batch(self, Py_ssize_t rows):
        """Counts a request with so many rows of a batch."""
        with cython.critical_section(self):
            self.batch_requests += 1
            self.batch_rows += <size_t>rows

    cdef void count_rows(self, Py_ssize_t failed, Py_ssize_t retried):
        """Counts rows that ended in an error, and rows without an answer that are asked for again."""
        with cython.critical_section(self):
            self.failed_rows += <size_t>failed
            self.retried_rows += <size_t>retried

    cdef void count_choice(self, bint in_rack):
        """Counts that the node was chosen by racks, for an attempt, a row of a batch, or a request of a query."""
        with cython.critical_section(self):
            self.in_rack += in_rack
            self.out_of_rack += not in_rack

    cdef dict rack_stats(self):
        with cython.critical_section(self):
            return {"in_rack": self.in_rack, "out_of_rack": self.out_of_rack}

    cdef void count_late_answer(self, bint came):
        """Counts a late answer that came in time, or a connection that was closed because it did not."""
        with cython.critical_section(self):
            self.recovered += came
            self.aborted += not came
        if not came:
            self.breaker.note_error()

    cdef void count_packed(self, Buffer* request):
        """Counts a compressed request that was sent."""
        with cython.critical_section(self):
            self.packed_requests += 1
            self.packed_bytes_before += <size_t>load64(request.data + FRAME_HEADER_SIZE)
            self.packed_bytes += request.size

    cdef void count_opened(self, size_t body_size, bytes frame):
        """Counts a compressed answer, by the size of its frame's body and the frame that was in it."""
        with cython.critical_section(self):
            self.packed_answers += 1
            self.answer_bytes += FRAME_HEADER_SIZE + body_size
            self.answer_bytes_after += <size_t>PyBytes_GET_SIZE(frame)

    cdef dict compression_stats(self):
        with cython.critical_section(self):
            return {
                "requests": self.packed_requests,
                "request_bytes": self.packed_bytes_before,
                "sent_bytes": self.packed_bytes,
                "answers": self.packed_answers,
                "received_bytes": self.answer_bytes,
                "answer_bytes": self.answer_bytes_after,
            }

    cdef dict batch_stats(self):
        with cython.critical_section(self):
            return {
                "requests": self.batch_requests,
                "rows": self.batch_rows,
                "failed_rows": self.failed_rows,
                "retried_rows": self.retried_rows,
            }

    cdef void count_query(self, int64_t records, bint failed):
        """Counts a request for partitions of a query, when nothing more comes of it."""
        with cython.critical_section(self):
            self.query_requests += 1
            self.failed_query_requests += failed
            self.query_records += <size_t>records

    cdef dict query_stats(self):
        with cython.critical_section(self):
            return {
                "requests": self.query_requests,
                "failed_requests": self.failed_query_requests,
                "records": self.query_records,
            }


cdef NodeLimits DEFAULT_LIMITS = NodeLimits()


cdef class Node:
    """A node of the cluster, from when it is found until it is retired. A retired node never comes back.

    Args:
        name: the name by which the node calls itself.
        limits: how many connections and waiting commands it may have.

    Attributes:
        pool: the connections of threads to the node. The code that makes the node sets it.
        active: whether commands may be sent to the node.
    """

    cdef readonly str name
    cdef readonly NodeLimits limits
    cdef readonly bint active
    cdef public object pool                 # a Pool, which does not keep the node alive
    cdef NodeCounters counters

    def __cinit__(self, *args: object, **kwargs: object) -> None:
        self.name = ""                      # until a subclass calls __init__
        self.limits = DEFAULT_LIMITS
        self.counters = NodeCounters.of(DEFAULT_LIMITS)

    def __init__(self, str name not None, NodeLimits limits not None) -> None:
        self.name = name
        self.limits = limits
        self.counters = NodeCounters.of(limits)
        self.active = True

    def retire(self) -> None:
        """Send the node no more commands; commands in flight finish."""
        self.active = False
        if self.pool is not None:
            self.pool.close()

    def batch_stats(self) -> dict[str, int]:
        """Return the numbers of batches so far: requests and rows, of threads and of all loops together."""
        return self.counters.batch_stats()

    def query_stats(self) -> dict[str, int]:
        """Return the numbers of queries so far: requests and records, of threads and of all loops together."""
        return self.counters.query_stats()

    def compression_stats(self) -> dict[str, int]:
        """Return how many requests and answers were compressed so far, and their bytes, of threads and of all loops together."""
        return self.counters.compression_stats()

    def rack_stats(self) -> dict[str, int]:
        """Return how often the node was chosen by racks so far, by threads and all loops together."""
        return self.counters.rack_stats()

    def health_stats(self) -> dict[str, Any]:
        """Return the numbers of the node's errors, and of late answers, of threads and of all loops together."""
        cdef NodeCounters counters = self.counters
        return {**counters.breaker.stats(), "recovered": counters.recovered, "aborted": counters.aborted}

    @property
    def breaker(self) -> Breaker:
        """What counts the node's errors."""
        return self.counters.breaker

    @property
    def meter(self) -> Meter:
        """What the attempts of commands on the node came to."""
        return self.counters.meter

    def count_with(self, Meter meter not None) -> None:
        """Count with a meter that counted for another node of the name. Not after the first command."""
        self.counters.meter = meter

    def forget_connections(self) -> None:
        """Forget the pool and the counters in a child process: the connections are its parent's."""
        self.pool = None
        self.counters = NodeCounters.of(self.limits)

    def __repr__(self) -> str:
        return f"<Node {self.name}{'' if self.active else ' inactive'}>"
