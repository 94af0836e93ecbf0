# Has several nodes aggregate records, for a thread: one request to each, one poll over their sockets.
#
# Not here: what becomes of the values that the nodes give (`pyspike.cluster.aggregation`).

@cython.final
cdef class AggregateExchanges(Exchanges):
    """Aggregations under way. The first that fails ends all, as what the others give is of no use without it."""

    cdef list values                        # that the nodes gave
    cdef object failure                     # None if all went well so far

    def __cinit__(self) -> None:
        self.values = []

    cdef int answered(self, NodeRequests requests) except -1:
        self.values += (<AggregateReader>requests.command.reader).values
        requests.command = None
        return 0

    cdef int failed(self, NodeRequests requests, object error, bint sent) except -1:
        error.attempts = tuple(requests.command.history)
        self.failure = error
        return 0


def aggregate_on(requests: Iterable[tuple[Node, Command]]) -> list[Any]:
    """Return what all nodes give that are asked, in any order.

    Args:
        requests: nodes, and what `aggregate_request` has made for each.

    Raises:
        ServerError: a node refused it, or its function failed.
        TimeoutError, ConnectionError: a node did not answer.
    """
    cdef AggregateExchanges exchanges = AggregateExchanges.__new__(AggregateExchanges)
    cdef NodeRequests asked
    heed_fork()
    for node, command in requests:
        asked = NodeRequests.__new__(NodeRequests)
        asked.node = <Node?>node
        asked.command = <Command?>command
        exchanges.queue.append(asked)
    try:
        while exchanges.failure is None and (exchanges.in_flight or exchanges.queue):
            exchanges.begin_queued(FOREVER)
            if exchanges.in_flight and exchanges.failure is None:
                exchanges.wait(FOREVER)
    finally:
        exchanges.break_off("interrupted")
    failure = exchanges.failure
    if failure is not None:
        raise failure
    return exchanges.values
