# A node as commands see it: its name, what may be opened and sent to it, how attempts on it went, and whether it is still
# in use. Both executors route to a Node and find everything about it there.
#
# Not here: how a node is found, asked and looked after (`pyspike.cluster.node`, whose class is a subclass of this one), its
# pool (`threads/pool.pyx`) and the channels that loops have to it (`tasks/channel.pyx`).

@cython.final
cdef class NodeLimits:
    """What a client may open and have waiting at each node.

    Args:
        min_connections: how many connections for threads are opened in advance and kept.
        max_connections: how many connections for threads there may be.
        max_waiting: how many commands may wait for a connection; -1 for any number.
        idle_timeout: how long an unused connection is kept, in milliseconds.
        buffer_reclaim_threshold: a connection's buffer that is larger, in bytes, is given back after use.
        pipelines: how many connections of a kind a loop opens.
        commands_per_pipeline: how many commands may be in flight on one of those.
    """

    cdef readonly Py_ssize_t min_connections, max_connections, max_waiting
    cdef readonly int pipelines, commands_per_pipeline
    cdef int64_t idle_timeout               # ns
    cdef size_t buffer_reclaim_threshold

    def __cinit__(
        self, *, Py_ssize_t min_connections=0, Py_ssize_t max_connections=256, Py_ssize_t max_waiting=-1,
        double idle_timeout=30_000, size_t buffer_reclaim_threshold=65536, int pipelines=2, int commands_per_pipeline=128
    ) -> None:
        self.min_connections = min_connections
        self.max_connections = max_connections
        self.max_waiting = max_waiting
        self.idle_timeout = to_ns(idle_timeout)
        self.buffer_reclaim_threshold = buffer_reclaim_threshold
        self.pipelines = pipelines
        self.commands_per_pipeline = commands_per_pipeline

    cdef inline bint may_wait(self, Py_ssize_t waiting) noexcept:
        """Whether one more command may wait when `waiting` do."""
        return self.max_waiting < 0 or waiting < self.max_waiting


@cython.final
cdef class NodeCounters:
    """How attempts on a node went: those of threads and of all loops together.

    An object of its own, with a lock of its own in a free-threaded interpreter: the pool and the channels count here without
    holding on to the node, and a child process begins with a new one, as nobody might be left to let go of its lock.
    """

    cdef size_t failures                    # attempts that failed without an answer, and connections that were not opened
    cdef size_t timeouts                    # those of them that waited for an answer for too long
    cdef size_t refusals                    # commands that found no room, or none in time

    cdef void count_failure(self, bint timed_out):
        """Counts an attempt that failed."""
        with cython.critical_section(self):
            self.failures += 1
            self.timeouts += timed_out

    cdef void count_refusal(self):
        """Counts a command that found no room."""
        with cython.critical_section(self):
            self.refusals += 1


cdef NodeLimits DEFAULT_LIMITS = NodeLimits()


cdef class Node:
    """A node of the cluster, from when it is found until it is retired, after which it never comes back.

    Args:
        name: the name that it has given itself.
        limits: what may be opened and may wait there.

    Attributes:
        pool: the connections that threads have to it. Whoever makes the node sets it.
        active: whether commands may be sent to it.
    """

    cdef readonly str name
    cdef readonly NodeLimits limits
    cdef readonly bint active
    cdef public object pool                 # a Pool, which does not hold on to the node
    cdef NodeCounters counters

    def __cinit__(self, *args: object, **kwargs: object) -> None:
        self.name = ""                      # until a subclass calls __init__
        self.limits = DEFAULT_LIMITS
        self.counters = NodeCounters.__new__(NodeCounters)

    def __init__(self, str name not None, NodeLimits limits not None) -> None:
        self.name = name
        self.limits = limits
        self.active = True

    def retire(self) -> None:
        """Let no command begin on it any more; those on their way finish."""
        self.active = False
        if self.pool is not None:
            self.pool.close()

    def forget_connections(self) -> None:
        """Begin anew in a child process, whose parent has the connections: without a pool, and with nothing counted."""
        self.pool = None
        self.counters = NodeCounters.__new__(NodeCounters)

    def __repr__(self) -> str:
        return f"<Node {self.name}{'' if self.active else ' inactive'}>"
