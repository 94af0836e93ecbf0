# What comes of one row of a batch.

@cython.final
@cython.freelist(256)                      # batches drop and make hundreds at once
cdef class BatchRecord:
    """BatchRecord(key, record=None, result_code=None, error=None, made=None)\n--\n\nWhat came of one row of a batch.

    Args:
        key: the row's key.
        record: the record that was read, or that an operate gave; None if there is none.
        result_code: the server's answer; None if there was none.
        error: why the row failed; None if it did not. That there is no such record is no failure of a read or a delete.
        made: the object of a class that the row was read into.
    """

    cdef readonly Key key
    cdef readonly Record record
    cdef readonly object result_code        # a ResultCode
    cdef readonly object error              # an AerospikeError
    cdef object made

    def __init__(
        self, Key key not None, Record record=None, result_code: ResultCode | None = None,
        error: AerospikeError | None = None, made: object = None
    ) -> None:
        self.key = key
        self.record = record
        self.result_code = result_code
        self.error = error
        self.made = made

    @cython.binding(True)                   # without it the limited API has no class methods
    @classmethod
    def __class_getitem__(cls, given: object) -> object:
        return GenericAlias(cls, given)     # for annotations: of what its `value` is

    @property
    def ok(self) -> bool:
        """Whether the row was done."""
        return self.error is None

    @property
    def value(self) -> V:
        """What the function of a `BatchUDF` has returned, or the object that a `BatchRead` with `into` gives; else None."""
        if self.made is not None:
            return self.made
        return None if self.record is None else self.record.bins.get("SUCCESS")

    @property
    def in_doubt(self) -> bool:
        """Whether the row, which writes and failed, was or may still be applied."""
        return self.error is not None and self.error.in_doubt

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, BatchRecord):
            return NotImplemented
        cdef BatchRecord row = <BatchRecord>other
        return (
            self.key == row.key and self.record == row.record and self.result_code == row.result_code
            and type(self.error) is type(row.error) and str(self.error) == str(row.error)
            and self.made == row.made
        )

    def __hash__(self) -> int:
        return hash((self.key, self.record, self.result_code))

    def __repr__(self) -> str:
        came = (self.record if self.made is None else self.made) if self.error is None else self.error
        code = "no answer" if self.result_code is None else self.result_code.name
        return f"<BatchRecord {self.key!r} {code}: {shown(came, SHOWN_BINS)}>"

    def __reduce__(self) -> tuple:
        return BatchRecord, (self.key, self.record, self.result_code, self.error, self.made)
