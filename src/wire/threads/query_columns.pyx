# The rows of a stream that a query gives: what its nodes send is received while a batch is pulled, and at no other time.

@cython.final
cdef class QueryColumns(ColumnSource):
    """A query whose records become rows."""

    cdef QueryExchanges exchanges
    cdef QueryPartitions before             # how far the query was when the batch began; None: what has come was handed out
    cdef bint drops_sample                  # whether records that have come are never handed out, as one of them did not fit

    cdef bint fill(self, ColumnStream stream) except -1:
        cdef QueryExchanges exchanges = self.exchanges
        cdef QueryRequests requests
        cdef int64_t now
        while self.columns.failure is None and not self.columns.is_full():
            stream.check()
            now = now_ns()
            if exchanges.full and exchanges.query.deadline > now:
                requests = <QueryRequests>exchanges.full.pop(0)
                requests.look(now)
                exchanges.advance(requests, MSG_DONTWAIT)
            elif exchanges.full:
                exchanges.time_out()
            elif exchanges.plan.error is not None:
                self.columns.failure = exchanges.plan.error
            elif exchanges.plan.done:
                return False
            else:
                exchanges.go_on(True)
        return True

    cdef int guess(self) except -1:
        self.columns.guess(&self.columns.sample, NULL, 0)
        self.has_sample = True
        return 0

    cdef int add_sample(self) except -1:
        cdef Columns columns = self.columns
        cdef QueryPartitions reached = self.before.copy()
        cdef Adding outcome = ADDED
        cdef RawRecord r
        cdef Span s, after
        s.p = columns.sample.data
        s.end = s.p + columns.sample.size
        with nogil:
            while s.p != s.end:
                after = s
                read_raw(&r, &after)        # which it could before
                outcome = columns.add(&r, &after)
                if outcome != ADDED:
                    break
                reached.note_place(r.digest, r.bval)
                s.p = after.p
        self.has_sample = False
        self.before = reached
        if outcome == NO_FIT:
            columns.failure = columns.misfit_error(key_of_message(self.exchanges.query.statement, s))
            self.drops_sample = True
        free_memory(&columns.sample)
        check_added(outcome)
        return 0

    cdef int begin_batch(self) except -1:
        self.before = self.exchanges.query.partitions.copy()
        return 0

    cdef int handed_out(self) except -1:
        if not self.drops_sample:
            self.before = None
        return 0

    cdef object cursor(self):
        cdef QueryPartitions reached = self.before
        return self.exchanges.plan.cursor_at(self.exchanges.query.partitions if reached is None else reached)

    cdef int be_watched(self, Trace trace) except -1:
        self.exchanges.query.trace = trace
        return 0

    cdef int end(self, str why) except -1:
        return self.exchanges.break_off(why)


def query_columns(Routing routing not None, object plan, Columns columns not None, type kind) -> ColumnStream:
    """A stream of the records that a query finds, which has not begun.

    Args:
        routing: of the cluster.
        plan: the query's `QueryPlan`.
        columns: what the records become; for this query alone.
        kind: the class of the stream.

    Raises:
        ClientClosed: the client is closed.
    """
    cdef QueryColumns source = QueryColumns.__new__(QueryColumns)
    cdef QueryExchanges exchanges = QueryExchanges.__new__(QueryExchanges)
    heed_fork()
    if routing.refusing:
        raise errors.ClientClosed("the client is closed")
    exchanges.plan = plan
    exchanges.query = <Query?>plan.query
    exchanges.query.columns = columns
    exchanges.routing = routing
    exchanges.most_at_once = exchanges.query.settings.max_concurrent_nodes
    exchanges.longest_wait = LOOKS_FOR_CLOSE
    routing.check_replica(exchanges.query.settings)
    source.exchanges = exchanges
    source.columns = columns
    return open_column_stream(kind, source)
