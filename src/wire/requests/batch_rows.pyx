# The rows of a batch as users make them, and what a row asks in the form in which it is sent (batch.md 7.1): worked out when
# the row is made, or once for many keys that are asked the same.
#
# Not here: how rows stand in a request (`batch_requests.pyx`).

cdef enum:
    COMMON_ASK = 512                        # bytes of operations that take no memory of their own while they are written
    ROOM_OF_ROW = 512                       # bytes, at most, of a request with one row, but for what has no limit of its own


cdef enum RowKind:
    ROW_READS
    ROW_WRITES
    ROW_DELETES


@cython.final
@cython.no_gc                               # it can't be in a reference cycle: operations are in none
@cython.freelist(256)                       # batches drop and make hundreds at once
cdef class Ask:
    """What a row asks of its record, whichever record that is."""

    cdef RowKind kind
    cdef Settings own                       # of its own policy; None: those that the batch's rules have for its kind
    cdef int info1, info2                   # besides those of its policy
    cdef bint has_ttl, has_generation       # that count instead of its policy's
    cdef uint32_t ttl
    cdef uint16_t generation
    cdef int op_count
    cdef bytes ops
    cdef tuple operations                   # whose results the answer has; None where it has bins
    cdef bytes call                         # the fields of a function's call; None if there is none
    cdef object into                        # the class whose object is to be made of the record; None: a Record


cdef inline Ask new_ask(RowKind kind, Settings own):
    """What a row of this kind asks without operations; `own` are the settings of its own policy, or None."""
    cdef Ask ask = Ask.__new__(Ask)
    ask.kind = kind
    ask.own = own
    ask.ops = b""
    if kind == ROW_READS:
        ask.info1 = INFO1_READ
    else:
        ask.info2 = INFO2_WRITE | INFO2_RESPOND_ALL_OPS
    return ask


cdef int live_for(Ask ask, object ttl) except -1:
    """Has a row that writes say how long the record lives, if that is given."""
    if ttl is not None:
        ask.ttl = <uint32_t>ttl_header(ttl)
        ask.has_ttl = True
    return 0


cdef int expect_generation(Ask ask, object generation) except -1:
    """Has a row that writes expect a generation, if one is given."""
    cdef uint32_t number
    if generation is None:
        return 0
    number = generation_of(generation)
    if number > MAX_ROW_GENERATION:
        raise errors.InvalidArgument(f"generation must be 0 to {MAX_ROW_GENERATION} in a batch, not {number}")
    ask.generation = <uint16_t>number
    ask.has_generation = True
    return 0


cdef object generation_too_large(Settings own, Key key=None):
    return errors.InvalidArgument(
        f"the client's WritePolicy expects the generation {own.generation}, rows of batches take up to {MAX_ROW_GENERATION}",
        key=key, advice="give the row a policy of its own"
    )


cdef int keep_ops(Ask ask, Buffer* out, Py_ssize_t count) except -1:
    ask.ops = PyBytes_FromStringAndSize(<const char*>out.data, <Py_ssize_t>out.size)
    ask.op_count = <int>count
    return 0


cdef Ask ask_bins(object bins, Settings own):
    """Reads all bins (`bins` is None), some, or none (an empty sequence: the header only)."""
    cdef Ask ask = new_ask(ROW_READS, own)
    cdef Buffer out
    cdef unsigned char storage[COMMON_ASK]
    cdef tuple names
    if bins is None:
        ask.info1 |= INFO1_GET_ALL
        return ask
    names = names_of(bins)
    if not names:
        ask.info1 |= INFO1_GET_NO_BINS
        return ask
    buffer_init(&out, storage, COMMON_ASK)
    try:
        keep_ops(ask, &out, put_names(&out, names))
    finally:
        buffer_free(&out)
    return ask


cdef tuple steps_of(object operations):
    """The operations of a row, or of all rows of a call."""
    try:
        return tuple(operations)
    except TypeError:
        raise errors.InvalidType(f"operations must be a sequence, not {type(operations).__name__}") from None


cdef bint look_alike(tuple operations):
    """Whether the answers of operations that only read could not be told apart.

    In a row that only reads all results have the code of a plain read (batch.md 7.2), so one that is left out, as the bin is
    not there or the expression's value is not known, is not told from another one of the same name.
    """
    cdef dict codes = {}
    cdef Operation operation
    for operation in operations:
        if operation.bin in codes and (codes[operation.bin] != operation.code or operation.code == OP_EXP_READ):
            return True
        codes[operation.bin] = operation.code
    return False


cdef bint may_write(tuple operations):
    """Whether one of them writes. What is no operation counts as one that does; it is refused elsewhere."""
    for operation in operations:
        if type(operation) is not Operation or (<Operation>operation).flags & OP_IS_WRITE:
            return True
    return False


cdef Ask ask_operations(tuple operations, object ttl, object generation, Settings read, Settings write):
    """Does operations: reads the record if none of them writes. `read`, `write`: its own policy, of either kind."""
    cdef Ask ask
    cdef OperationsSummary summary
    cdef Buffer out
    cdef unsigned char storage[COMMON_ASK]
    cdef bint all_bins
    summarize(operations, &summary)
    check_all_bins(&summary)
    all_bins = summary.flags & OP_IS_ALL_BINS != 0
    if summary.flags & OP_IS_WRITE:
        ask = new_ask(ROW_WRITES, write)
        live_for(ask, ttl)
        expect_generation(ask, generation)
        if summary.has_read:
            ask.info1 |= INFO1_READ
        if all_bins:
            ask.info2 &= ~INFO2_RESPOND_ALL_OPS
    else:
        for keyword, value in (("ttl", ttl), ("generation", generation)):
            if value is not None:
                raise errors.InvalidArgument(f"{keyword} has no effect: no operation writes")
        ask = new_ask(ROW_READS, read)
        if not summary.readers:
            ask.info1 |= INFO1_GET_NO_BINS
        elif not all_bins and len(operations) > 1 and look_alike(operations):
            ask.info2 |= INFO2_RESPOND_ALL_OPS
    if all_bins:
        ask.info1 |= INFO1_GET_ALL
    ask.operations = operations
    if ask.kind == ROW_READS and (all_bins or not summary.readers):
        return ask                          # the header says it all
    buffer_init(&out, storage, COMMON_ASK)
    try:
        keep_ops(ask, &out, put_steps(&out, operations, &summary))
    finally:
        buffer_free(&out)
    return ask


cdef Ask ask_put(object bins, object ttl, Settings own, CodecTable codecs):
    """Puts bins, names to values; `ttl` is the number for the wire, or None."""
    cdef Ask ask = new_ask(ROW_WRITES, own)
    cdef Buffer out
    cdef unsigned char storage[COMMON_ASK]
    if ttl is not None:
        ask.ttl = <uint32_t>ttl
        ask.has_ttl = True
    buffer_init(&out, storage, COMMON_ASK)
    try:
        keep_ops(ask, &out, put_bin_ops(&out, OP_WRITE, bins, codecs))
    finally:
        buffer_free(&out)
    return ask


cdef Ask ask_delete(object generation, Settings own):
    """Deletes the record."""
    cdef Ask ask = new_ask(ROW_DELETES, own)
    ask.info2 |= INFO2_DELETE
    expect_generation(ask, generation)
    return ask


cdef Ask ask_call(object module, object function, tuple args, object ttl, Settings own, CodecTable codecs=None):
    """Calls a function; `ttl` is as users give it."""
    cdef Ask ask = new_ask(ROW_WRITES, own)
    cdef Buffer out
    cdef unsigned char storage[COMMON_ASK]
    ask.info2 &= ~INFO2_RESPOND_ALL_OPS
    live_for(ask, ttl)
    buffer_init(&out, storage, COMMON_ASK)
    try:
        put_call_fields(&out, module, function, args, codecs)
        ask.call = PyBytes_FromStringAndSize(<const char*>out.data, <Py_ssize_t>out.size)
    finally:
        buffer_free(&out)
    return ask


# --- what users make ---

cdef inline Settings row_settings(object policy, int of, str wanted):
    """The settings of a row's own policy; None without one."""
    return None if policy is None else batch_settings(policy, of, wanted)


cdef class BatchRow:
    """BatchRow()\n--\n\nOne row of a batch: a `BatchRead`, `BatchWrite`, `BatchDelete` or `BatchUDF`.

    Immutable; may be used again and again.
    """

    cdef readonly Key key
    cdef readonly object policy             # its own; None for those of the batch and of the client
    cdef Ask ask

    def __init__(self, *args: object, **kwargs: object) -> None:
        raise TypeError("a row is a BatchRead, a BatchWrite, a BatchDelete or a BatchUDF")

    @cython.binding(True)                   # without it the limited API has no class methods
    @classmethod
    def __class_getitem__(cls, given: object) -> object:
        return GenericAlias(cls, given)     # for annotations: of what the `value` of its outcome is

    cdef dict arguments(self):
        """What it was made of, but for the key, and what is None."""
        raise NotImplementedError

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return self.key == (<BatchRow>other).key and self.arguments() == (<BatchRow>other).arguments()

    cdef tuple hashed(self):
        """What its hash is made of, besides the key."""
        return tuple(self.arguments().items())

    def __hash__(self) -> int:
        return hash((self.key, self.hashed()))

    def __repr__(self) -> str:
        given = "".join([f", {name}={shown(value)}" for name, value in self.arguments().items()])
        return f"{type(self).__name__}({self.key!r}{given})"

    def __reduce__(self) -> tuple:
        return restore_row, (type(self), self.key, self.arguments())


def restore_row(kind: type, key: Key, dict arguments not None) -> BatchRow:
    """A row out of what its pickle holds."""
    return kind(key, **arguments)


cdef dict given_of(dict arguments):
    """The arguments that are not None."""
    return {name: value for name, value in arguments.items() if value is not None}


@cython.final
cdef class BatchRead(BatchRow):
    """BatchRead(key, bins=None, *, operations=None, into=None, policy=None)\n--\n\nA row that reads a record.

    It reads its bins, or what operations give that only read.

    Args:
        key: a `Key` or a `(namespace, set, user key)` tuple.
        bins: the names of the bins to read; None for all, an empty list for none (generation and expiration only).
        operations: made by the functions of `pyspike.operations`; not together with `bins`.
        into: a class to make an object of, as `Client.get` takes it: it is the `value` of the row's `BatchRecord`, in the
            place of its `record`.
        policy: its own; None for what the batch's policy and the client's `read` say.

    Raises:
        InvalidType: an argument is of the wrong type.
        InvalidArgument: a name does not fit, both `bins` and `operations` are given, or an operation writes.
    """

    cdef readonly tuple bins
    cdef readonly tuple operations
    cdef readonly object into

    def __init__(
        self,
        key: KeyLike,
        bins: Iterable[str] | None = None,
        *,
        operations: Iterable[Operation] | None = None,
        into: type[V] | None = None,
        policy: BatchReadPolicy | None = None,
    ) -> None:
        cdef Settings own = row_settings(policy, OF_BATCH_READ, "a BatchReadPolicy")
        self.key = key_of(key)
        self.policy = policy
        if into is not None and not isinstance(into, type):
            raise errors.InvalidType(f"into must be a class, not {shown(into)}")
        self.into = into
        if operations is None:
            self.bins = None if bins is None else names_of(bins)
            self.ask = ask_bins(self.bins, own)
            self.ask.into = into
            return
        if bins is not None:
            raise errors.InvalidArgument("a row has either bins or operations", advice="read bins with operations.get")
        self.operations = steps_of(operations)
        self.ask = ask_operations(self.operations, None, None, own, None)
        self.ask.into = into
        if self.ask.kind != ROW_READS:
            writer = next(operation for operation in self.operations if operation.is_write)
            raise errors.InvalidArgument(f"a BatchRead can't write: {shown(writer)}", advice="a BatchWrite does")

    cdef dict arguments(self):
        return given_of(
            {"bins": self.bins, "operations": self.operations, "into": self.into, "policy": self.policy}
        )


@cython.final
cdef class BatchWrite(BatchRow):
    """BatchWrite(key, operations, *, ttl=None, generation=None, policy=None)\n--\n\nA row that changes a record.

    It applies operations in order, all or nothing; at least one of them writes.

    Args:
        key: a `Key` or a `(namespace, set, user key)` tuple.
        operations: made by the functions of `pyspike.operations`.
        ttl: how long the record lives from then on: seconds, a timedelta or an `Expiration`; None for what the policy says.
        generation: the one that the record must have, up to 65535.
        policy: its own; None for what the client's `write` says.

    Raises:
        InvalidType: an argument is of the wrong type.
        InvalidArgument: a value does not fit, or no operation writes.
    """

    cdef readonly tuple operations
    cdef readonly object ttl
    cdef readonly object generation

    def __init__(
        self,
        key: KeyLike,
        operations: Iterable[Operation],
        *,
        ttl: Ttl | None = None,
        generation: int | None = None,
        policy: BatchWritePolicy | None = None,
    ) -> None:
        cdef Settings own = row_settings(policy, OF_BATCH_WRITE, "a BatchWritePolicy")
        self.key = key_of(key)
        self.policy = policy
        self.operations = steps_of(operations)
        self.ttl = ttl
        self.generation = generation
        if self.operations and not may_write(self.operations):
            raise errors.InvalidArgument(
                f"a BatchWrite has to write: {shown(self.operations)}", advice="a BatchRead with operations reads"
            )
        self.ask = ask_operations(self.operations, ttl, generation, None, own)

    cdef dict arguments(self):
        return given_of(
            {"operations": self.operations, "ttl": self.ttl, "generation": self.generation, "policy": self.policy}
        )


@cython.final
cdef class BatchDelete(BatchRow):
    """BatchDelete(key, *, generation=None, policy=None)\n--\n\nA row that deletes a record.

    Args:
        key: a `Key` or a `(namespace, set, user key)` tuple.
        generation: the one that the record must have, up to 65535.
        policy: its own; None for what the client's `write` says.

    Raises:
        InvalidType: an argument is of the wrong type.
        InvalidArgument: the generation does not fit.
    """

    cdef readonly object generation

    def __init__(
        self, key: KeyLike, *, generation: int | None = None, policy: BatchDeletePolicy | None = None
    ) -> None:
        cdef Settings own = row_settings(policy, OF_BATCH_DELETE, "a BatchDeletePolicy")
        self.key = key_of(key)
        self.policy = policy
        self.generation = generation
        self.ask = ask_delete(generation, own)

    cdef dict arguments(self):
        return given_of({"generation": self.generation, "policy": self.policy})


@cython.final
cdef class BatchUDF(BatchRow):
    """BatchUDF(key, module, function, args=(), *, ttl=None, policy=None)\n--\n\nA row that calls a function on a record.

    What the function returns is the `value` of the row's `BatchRecord`.

    Args:
        key: a `Key` or a `(namespace, set, user key)` tuple.
        module: the name of a registered module, with or without ".lua".
        function: the function's name in it.
        args: the arguments behind the record, values as bins can have.
        ttl: how long the record lives from then on, if the function writes it: seconds, a timedelta or an `Expiration`; None
            for what the policy says.
        policy: its own; None for what the client's `write` says.

    Raises:
        InvalidType: an argument is of the wrong type.
        InvalidArgument: a value does not fit.
    """

    cdef readonly str module
    cdef readonly str function
    cdef readonly tuple args
    cdef readonly object ttl

    def __init__(
        self,
        key: KeyLike,
        module: str,
        function: str,
        args: Iterable[Any] = (),
        *,
        ttl: Ttl | None = None,
        policy: BatchUDFPolicy | None = None,
    ) -> None:
        cdef Settings own = row_settings(policy, OF_BATCH_UDF, "a BatchUDFPolicy")
        self.key = key_of(key)
        self.policy = policy
        self.module = module_name(module)
        self.function = function_name(function)
        self.args = call_arguments(args)
        self.ttl = ttl
        self.ask = ask_call(self.module, self.function, self.args, ttl, own)

    cdef dict arguments(self):
        return given_of(
            {
                "module": self.module, "function": self.function, "args": self.args or None, "ttl": self.ttl,
                "policy": self.policy,
            }
        )

    cdef tuple hashed(self):
        return self.module, self.function   # arguments may be lists
