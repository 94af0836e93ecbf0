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
        (<Meter>table.meter).count_again(measure, now - began, now - command.started)
    return 0


cdef int count_failed_attempt(
    Meter meter, Command command, object error, int64_t took, bint sent, size_t received
) except -1:
    """Counts an attempt that failed."""
    cdef int64_t call = now_ns() - command.started if command.tries > 1 else 0
    return meter.count_failed(
        command.namespace, command.kind, error, took, call, command.out.size if sent else 0, received
    )
