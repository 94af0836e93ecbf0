# The commands of transactions: others become part of one, and those about its monitor record and about its end are made here.
# Which of them are sent when is told by `pyspike.plans.transactions`.

cdef str MONITOR_SET = "<ERO~MRT"           # of all namespaces (transactions.md 12.3)


def new_transaction_id() -> int:
    """Return a number by which servers know a transaction."""
    cdef uint64_t number = 0
    while number == 0:
        number = load64(<const unsigned char*>PyBytes_AS_STRING(random_bytes(8)))
    return number


def monitor_key(namespace: str, uint64_t number) -> Key:
    """Return the key of a transaction's monitor record."""
    return Key(namespace, MONITOR_SET, <int64_t>number)


def join_transaction(
    Command command not None, int64_t began, uint64_t number, version: bytes | None, deadline: int | None,
    note: Callable[[int, bytes | None], None]
) -> None:
    """Make a command on one record part of a transaction, before its first attempt.

    Args:
        command: the command.
        began: when its call began, from which its deadline counts: of `begin_call`.
        number: the transaction's.
        version: of the record, if the transaction has read it and not written it.
        deadline: of the transaction, if the command writes.
        note: is told of each answer: its result code, and the record's version if it has one.
    """
    cdef NotingReader reader = NotingReader.__new__(NotingReader)
    add_to_request(&command.out, command.settings, transaction_fields(number, version, deadline))
    reader.reader = command.reader
    reader.reads_bins = command.reader.reads_bins
    reader.note = note
    command.reader = reader
    begin_command(command, began)


cdef int begin_command(Command command, int64_t began) except -1:
    """Has a command count its deadline from another moment than its first attempt."""
    command.started = began
    command.deadline = after(began, to_ns(command.total_timeout))
    return 0


def begin_call() -> int:
    """Return the time, from which the deadline of the commands of a call counts."""
    return now_ns()


def time_left_of_call(work: Command | Batch, int64_t began) -> float | None:
    """Return the milliseconds until the deadline of a call, less than 0 when it has passed; None without one."""
    cdef double total = (<Command>work).total_timeout if type(work) is Command else (<Batch?>work).total_timeout
    return total - (now_ns() - began) / <double>MILLISECOND if total else None


def limit_call(work: Command | Batch, double ms) -> bool:
    """Have a command or a batch that has not begun take no more milliseconds than these, at least one.

    Returns:
        Whether that is less than it had.
    """
    cdef double total = (<Command>work).total_timeout if type(work) is Command else (<Batch?>work).total_timeout
    if 0 < total <= ms:
        return False
    total = max(ms, 1)
    if type(work) is Command:
        (<Command>work).total_timeout = total
    else:
        (<Batch>work).total_timeout = total
    return True


def join_batch(
    Batch batch not None, int64_t began, uint64_t number, versions: list[bytes | None], deadline: int | None,
    note: Callable[[int, int, bytes | None], None]
) -> None:
    """Make a batch part of a transaction, before it begins.

    Args:
        batch: the batch, whose rows were taken.
        began: as in `join_transaction`.
        number: the transaction's.
        versions: of each row's record, as in `join_transaction`.
        deadline: of the transaction; None if no row writes.
        note: is told of each answer: the row's number, its result code, and the record's version if it has one.
    """
    cdef RowsInTransaction rows = RowsInTransaction.__new__(RowsInTransaction)
    rows.ending = NO_ENDING
    rows.reading = transaction_fields(number, None, None)
    rows.writing = transaction_fields(number, None, deadline or None)     # none is sent that is 0
    rows.versions = [checked_version(version) for version in versions]
    rows.note = note
    batch.transaction = rows
    batch.started = began
    batch.deadline = after(began, to_ns(batch.total_timeout))


def keys_of_batch(Batch batch not None) -> list[Key]:
    """Return the keys of a batch's rows, which it takes."""
    batch.take_rows(FOREVER)
    return list(batch.keys)


cdef Command ending_command(CommandKind kind, Key key, Settings settings, bint write, Reader reader, object missing):
    """A command that ends a transaction, without its request."""
    cdef Command command = record_command(kind, key, reader, missing, settings, None, write)
    return command


def monitor_command(
    work: Command | Batch, int64_t began, Key monitor not None, uint64_t number, keys: list[Key], uint32_t ttl, bint create
) -> Command:
    """Return the command that has the monitor know of records that are to be written; it gives the transaction's deadline.

    Args:
        work: the command or batch that is to write them, whose policy and deadline count.
        began: when its call began.
        monitor: the key of the monitor record.
        number: the transaction's.
        keys: those of the records.
        ttl: the transaction's timeout in seconds, 0 for the server's; counts if the monitor is created.
        create: whether the monitor is created.
    """
    cdef Settings settings = (<Command>work).settings if type(work) is Command else (<Batch?>work).settings
    cdef Command command = record_command(KIND_TRANSACTION, monitor, MONITOR_READER, None, settings, None, True)
    command.total_timeout = (<Command>work).total_timeout if type(work) is Command else (<Batch>work).total_timeout
    if type(work) is Batch:
        command.retries = settings.write_retries
        command.target.choice.mode = MODE_OF_OTHERS
        if command.target.choice.policy != REPLICA_MASTER:
            command.target.choice.policy = REPLICA_SEQUENCE
    put_monitor(
        &command.out, monitor, number, list(keys), ttl, create, type(work) is Batch, settings, command.total_timeout
    )
    begin_command(command, began)
    return command


def mark_command(Key monitor not None, Settings settings not None) -> Command:
    """Return the command by which a transaction is committed; it gives None."""
    cdef Command command = ending_command(KIND_COMMIT_WRITE, monitor, settings, True, NOTHING_READER, RAISE)
    put_mark(&command.out, monitor, settings)
    return command


def close_command(Key monitor not None, Settings settings not None) -> Command:
    """Return the command that removes a monitor record, and gives whether it was there."""
    cdef Command command = ending_command(KIND_TRANSACTION, monitor, settings, True, FOUND_READER, False)
    put_close(&command.out, monitor, settings)
    return command


def verify_command(Key key not None, bytes version, Settings settings not None) -> Command:
    """Return the command that raises if a record has not this version any more."""
    cdef Command command = ending_command(KIND_VERIFY_READ, key, settings, False, NOTHING_READER, RAISE)
    put_end(&command.out, key, VERIFY, transaction_fields(None, version, None), settings)
    return command


def roll_command(Key key not None, bint forward, uint64_t number, Settings settings not None) -> Command:
    """Return the command that makes what a transaction has written the record, or drops it (not `forward`)."""
    cdef CommandKind kind = KIND_COMMIT_WRITE if forward else KIND_ABORT_WRITE
    cdef Command command = ending_command(kind, key, settings, True, NOTHING_READER, RAISE)
    put_end(&command.out, key, ROLL_FORWARD if forward else ROLL_BACK, transaction_fields(number, None, None), settings)
    return command


cdef Batch ending_batch(object keys, Ending ending, TransactionFields part, object versions, Settings settings):
    cdef Batch batch
    cdef RowsInTransaction rows = RowsInTransaction.__new__(RowsInTransaction)
    cdef Ask ask = new_ask(ROW_READS if ending == VERIFY else ROW_WRITES, None)
    batch = new_batch(KeySource(keys), ask, PLAIN_RULES.with_settings(settings), None, None)
    rows.ending = ending
    rows.reading = rows.writing = part
    batch.take_rows(FOREVER)
    rows.versions = [None] * batch.count if versions is None else [checked_version(version) for version in versions]
    batch.transaction = rows
    batch.keeps_records = False
    batch.gives = GIVES_RESULTS
    return batch


def verify_batch(keys: list[Key], versions: list[bytes], Settings settings not None) -> Batch:
    """Return the batch whose rows fail if the records have not these versions any more."""
    cdef Batch batch = ending_batch(keys, VERIFY, transaction_fields(None, None, None), versions, settings)
    batch.name = "commit"
    return batch


def roll_batch(
    keys: list[Key], bint forward, uint64_t number, deadline: int | None, Settings settings not None
) -> Batch:
    """Return the batch that makes what a transaction has written the records, or drops it (not `forward`)."""
    cdef TransactionFields part = transaction_fields(number, None, deadline or None)
    cdef Batch batch = ending_batch(keys, ROLL_FORWARD if forward else ROLL_BACK, part, None, settings)
    batch.name = "commit" if forward else "abort"
    return batch
