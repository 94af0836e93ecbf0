# Runs the work of a client that is bound to a transaction: all of it takes part, and what can't is refused. Other clients have no
# such executor. How work takes part is told by `pyspike.plans.transactions`.

cdef object not_in_transaction(str what, str why):
    return errors.InvalidArgument(
        f"{what} takes no part in a transaction{why}", advice="call it on a client that is not bound to one"
    )


cdef object no_stream_in_transaction():
    return errors.InvalidArgument(
        "batch_stream takes no part in a transaction: of how many records it writes is not known in advance",
        advice="use batch, for up to 4096 records that are written",
    )


@cython.final
cdef class TransactionExecutor(Executor):
    """Has all work take part in a transaction.

    Args:
        executor: runs what comes of that; its other attributes are this one's too.
        txn: the transaction.
        take_part: `take_part(txn, work)` returns what the call of a `Command` or `Batch` returns.
    """

    cdef readonly Executor executor
    cdef readonly object txn
    cdef object take_part

    def __cinit__(self, Executor executor not None, txn: Transaction, take_part: Callable[[Any, Any], Any]) -> None:
        self.executor = executor
        self.txn = txn
        self.take_part = take_part

    cdef object run(self, Command command):
        return self.take_part(self.txn, command)

    cdef object run_batch(self, Batch batch):
        return self.take_part(self.txn, batch)

    cdef object open_stream(self, object rows, object groups):
        raise no_stream_in_transaction()

    def open_query(self, Query query not None) -> Any:
        """Refuse a query."""
        raise not_in_transaction("query", ": which records it finds could not be verified")

    def open_call(self, method: str, namespace: str | None, set_name: str | None) -> Trace | None:
        """Refuse a call that is not run here."""
        raise not_in_transaction(method, "")

    def __getattr__(self, name: str) -> Any:
        return getattr(self.executor, name)
