# Runs batches for a thread. Which node is asked for which rows, and which rows are asked for again, is told by each batch's plan
# (`pyspike.plans.batch`); how requests go out and answers come in by `exchanges.pyx`.

@cython.final
cdef class RowRequests(NodeRequests):
    """Requests to one node for rows of a batch."""

    cdef NodeRows rows
    cdef object plan                        # the batch's
    cdef Command counted                    # the request whose rows were counted as sent
    cdef bint is_group                      # whether a stream's next group for this node waits for its end


cdef object moment_of(tuple postponed):
    return postponed[0]


cdef class BatchExchanges(Exchanges):
    """Batches under way."""

    cdef Routing routing
    cdef list postponed                     # (moment, plan, numbers of rows) that are to be asked for again
    cdef bint retrying                      # whether that is told to the routing

    def __cinit__(self) -> None:
        self.postponed = []

    # --- asking ---

    cdef int ask(self, object plan, list numbers) except -1:
        """Queues requests for rows of a batch, for all of them if `numbers` is None, by the map of the moment."""
        for rows in plan.route(self.routing.current(), numbers):
            self.ask_node(plan, <NodeRows>rows)
        return 0

    cdef RowRequests ask_node(self, object plan, NodeRows rows):
        """Queues requests for rows of a batch to the node that they are for."""
        cdef RowRequests requests = RowRequests.__new__(RowRequests)
        requests.node = rows.node
        requests.rows = rows
        requests.plan = plan
        requests.command = rows.next_command()
        self.queue.append(requests)
        return requests

    cdef int ask_again(self) except -1:
        """Queues requests for the rows whose pause is over."""
        cdef int64_t now
        cdef list due
        if not self.postponed:
            return 0
        now = now_ns()
        due = [each for each in self.postponed if each[0] <= now]
        if due:
            self.postponed = [each for each in self.postponed if each[0] > now]
            heed_fork()
            for _, plan, numbers in due:
                self.ask(plan, numbers)
        return 0

    # --- running ---

    cdef inline bint is_busy(self):
        """Whether rows await an answer, or are to be asked for."""
        return bool(self.in_flight or self.queue or self.postponed)

    cdef bint has_news(self) except -1:
        """Whether there is something for the caller, who is not to wait then."""
        return False

    cdef int step(self, int64_t span) except -1:
        """Begins what can be begun, and waits for some ns at most until something has happened."""
        self.ask_again()
        self.begin_queued(self.time_to_next(span))
        if self.has_news():
            span = 0
        span = self.time_to_next(span)
        if self.in_flight:
            self.wait(span)
        elif not self.queue and self.postponed and span > 0:
            sleep(span / <double>SECOND)
        return 0

    cdef int64_t time_to_next(self, int64_t span) except -1:
        """The ns until rows are to be asked for again, if that is less than `span`."""
        if not self.postponed:
            return span
        return min(span, max(0, <int64_t>min(self.postponed, key=moment_of)[0] - now_ns()))

    cdef int run(self) except -1:
        """Goes on until all rows have an answer or an error."""
        try:
            while self.is_busy():
                self.step(FOREVER)
        except BaseException:               # Ctrl-C, no memory: answers are not read to their end
            self.break_off("interrupted")
            raise
        finally:
            self.forget_retries()
        return 0

    cdef int break_off(self, str reason) except -1:
        self.postponed = []
        return Exchanges.break_off(self, reason)

    cdef int note_retries(self) except -1:
        """Has `close` wait for rows that wait for another attempt, as long as the call is under way."""
        if self.postponed and not self.retrying:
            self.retrying = True
            self.routing.count_retrying(1)
        return 0

    cdef int forget_retries(self) except -1:
        if self.retrying:
            self.retrying = False
            self.routing.count_retrying(-1)
        return 0

    # --- what comes of requests ---

    cdef int count_sent(self, RowRequests requests) except -1:
        """Counts once that rows of the request may have reached the server."""
        if requests.counted is not requests.command:
            requests.counted = requests.command
            requests.rows.count_sent()
        return 0

    cdef int answered(self, NodeRequests requests) except -1:
        cdef RowRequests asked = <RowRequests>requests
        self.tell_answers(asked)
        asked.command = asked.rows.next_command()
        return 0

    cdef int tell_answers(self, RowRequests requests) except -1:
        """Tells the plan that rows were answered."""
        self.count_sent(requests)
        requests.plan.answered(requests.rows, requests.command, (now_ns() - requests.began) / <double>MILLISECOND)
        return 0

    cdef int failed(self, NodeRequests requests, object error, bint sent) except -1:
        cdef RowRequests asked = <RowRequests>requests
        cdef int64_t now = now_ns()
        if sent:
            self.count_sent(asked)
        for pause, numbers in asked.plan.failed(
            asked.rows, asked.command, error, (now - asked.began) / <double>MILLISECOND
        ):
            self.postponed.append((after(now, <int64_t>(<double>pause * 1e6)), asked.plan, numbers))
        return self.note_retries()


cdef BatchExchanges start_batch(Routing routing, object plan):
    """Begins a batch. `plan`: a `BatchPlan`, which says who is asked."""
    cdef BatchExchanges exchanges = BatchExchanges.__new__(BatchExchanges)
    cdef Batch batch = <Batch?>plan.batch
    exchanges.routing = routing
    exchanges.most_at_once = 1 if batch.settings.sequential else 0
    batch.begin()
    exchanges.ask(plan, None)
    return exchanges


cdef int run_batch(Routing routing, object plan) except -1:
    """Runs a batch until each of its rows has an answer or an error."""
    return start_batch(routing, plan).run()
