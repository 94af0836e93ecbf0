# Counts what came of the attempts of commands, for `Client.metrics()`, and writes it down for who watches the call. Both
# executors call these, with times that they know already.

cdef inline int count_answer(
    MeterTable* table, Command command, int64_t began, int64_t now, size_t received
) except -1:
    """Counts an attempt that was answered, which began at one time and was over at the other."""
    cdef Measure* measure = find_measure(table, <PyObject*>command.namespace, command.kind)
    count_duration(&measure.took, now - began)
    meter_add(&measure.sent_bytes, command.out.size)
    meter_add(&measure.received_bytes, received)
    if command.tries > 1:
        count_again(<Meter>table.meter, measure, command, now - began, now)
    return 0


cdef int count_again(Meter meter, Measure* measure, Command command, int64_t took, int64_t now) except -1:
    """Counts that an attempt that was answered was not the first one."""
    cdef Again* again = meter.again(measure)
    meter_add(&measure.retries, 1)
    count_duration(&again.attempt, took)
    count_duration(&again.call, now - command.started)
    return 0


cdef int count_failed_attempt(
    Meter meter, Command command, object error, int64_t took, bint sent, size_t received
) except -1:
    """Counts an attempt that failed. That there is no such record is an answer as others are."""
    cdef Measure* measure = find_measure(meter.table, <PyObject*>command.namespace, command.kind)
    if sent:
        meter_add(&measure.sent_bytes, command.out.size)
    meter_add(&measure.received_bytes, received)
    if isinstance(error, errors.RecordNotFound):
        meter_add(&measure.not_found, 1)
        count_duration(&measure.took, took)
        if command.tries > 1:
            count_again(meter, measure, command, took, now_ns())
        return 0
    meter_add(&measure.failures, 1)
    meter_add(&measure.timeouts, isinstance(error, errors.TimeoutError))
    meter_add(&measure.retries, command.tries > 1)
    return meter.count_error(command.namespace, command.kind, type(error).__name__)
