# The methods of both clients for commands on one record. Each makes a Command of its arguments and has the client's executor
# run it, which returns a result or a coroutine. They are compiled because taking keyword arguments in Python costs as much as
# building the request. tools/stubs.py writes their signatures and docstrings for type checkers and editors.

cdef class Unopened(Executor):
    """The executor of a client whose constructor was not called."""

    cdef object run(self, Command command):
        raise errors.ClientClosed(
            "the client was never opened", key=command.key, advice="call super().__init__() in a subclass"
        )

    cdef object run_batch(self, Batch batch):
        raise errors.ClientClosed("the client was never opened", advice="call super().__init__() in a subclass")

    cdef object open_stream(self, object rows, object groups):
        raise errors.ClientClosed("the client was never opened", advice="call super().__init__() in a subclass")

    def open_query(self, Query query not None) -> Any:
        """Return the records of a query: there are none."""
        raise errors.ClientClosed("the client was never opened", advice="call super().__init__() in a subclass")


cdef Executor UNOPENED = Unopened()
cdef Settings READ_DEFAULTS = Settings()
cdef Settings WRITE_DEFAULTS = Settings(write=True)


def no_copy(client: object) -> TypeError:
    """Return the error for pickling or copying a client."""
    return TypeError(
        f"{type(client).__name__} can't be pickled or copied: its connections are of one process; make one in each"
    )


@cython.binding(True)                       # so that the signatures have types; `commands_of` checks `self`
@cython.embedsignature(False)
cdef class Commands:
    """The commands on one record: the methods of both clients. What they return is made by the client's executor.

    Args:
        executor: runs the commands. A plain `Executor` gives each back unsent.
        read: the settings of reads that are given no policy.
        write: the settings of writes that are given none.

    Raises:
        InvalidType: the settings are of the other kind.
    """

    cdef readonly Executor _executor
    cdef Settings read
    cdef Settings write
    cdef DynamicSettings dynamic            # None of a client that follows no file
    cdef object policies                    # those whose settings are the defaults, if it follows one
    cdef RecordTypes types                  # what it knows of classes

    def __cinit__(self, *args: object, **kwargs: object) -> None:
        self._executor = UNOPENED           # until a subclass calls __init__
        self.read = READ_DEFAULTS
        self.write = WRITE_DEFAULTS
        self.types = NO_TYPES

    def __init__(self, Executor executor not None, Settings read not None, Settings write not None) -> None:
        if read.write or not write.write:
            raise errors.InvalidType("the settings of reads and of writes are mixed up")
        self._executor = executor
        self.read = read
        self.write = write

    def _follow(self, DynamicSettings dynamic, policies: Any) -> None:
        """Take the settings of all policies from `dynamic`, if it is not None.

        Args:
            dynamic: what a file says of them.
            policies: the policies of commands that are given none.
        """
        self.dynamic = dynamic
        self.policies = policies

    def _know(self, RecordTypes types not None) -> None:
        """Take the plans of classes from `types`."""
        self.types = types

    def _take_part(self, txn: Any, work: Command | Batch) -> Any:
        """Run a command or a batch as part of a transaction; the clients do. These commands give it back as it is.

        Args:
            txn: the transaction.
            work: as it would be without a transaction.
        """
        commands_of(self)
        return work

    def __reduce__(self) -> tuple:
        raise no_copy(self)

    def get(
        self,
        key: KeyLike,
        bins: Sequence[str] | None = None,
        *,
        into: type[U] = None,
        default: T = RAISE,
        timeout: Milliseconds | None = None,
        filter_expression: Filter | None = None,
        txn: Transaction | None = None,
        policy: ReadPolicy | None = None,
    ) -> Record | T:
        """Read a record.

        Args:
            key: a `Key` or a `(namespace, set, user key)` tuple.
            bins: the names of the bins to read; None for all, an empty list for none (generation and expiration
                only).
            into: a class to make an object of: a dataclass, TypedDict, NamedTuple, or a class of attrs, msgspec or
                pydantic. Only the bins of its fields are read, and unless the class has a field for the others they
                do not count. See `pyspike.field`.
            default: what to return if there is no such record.
            timeout: the deadline in milliseconds, 0 for none, else 1 at least; or a timedelta.
            txn: the transaction that the command is part of; see `transaction`.

        Raises:
            TransactionError, InvalidArgument: (of all commands with `txn`) the transaction can't go on, or can't take it.
            RecordNotFound: there is no such record, and no `default`.
            FilteredOut: the filter expression does not hold for it.
            SchemaMismatch: the record does not fit the class; it names the field and the path inside.
        """
        cdef ClassPlan plan = None
        cdef Command command
        if into is not None:
            plan = commands_of(self).types.plan_of(into)
            bins = plan.bins if bins is None else bins
        command = read_request(key, bins, reads(self, policy), timeout, filter_expression, default)
        if plan is not None:
            read_into(command, plan, into)
        elif (<Commands>self).types.tags is not None:
            decode_tagged(command, (<Commands>self).types.tags)
        if txn is not None:
            return self._take_part(txn, command)
        return self._executor.run(command)

    def exists(
        self,
        key: KeyLike,
        *,
        timeout: Milliseconds | None = None,
        filter_expression: Filter | None = None,
        txn: Transaction | None = None,
        policy: ReadPolicy | None = None,
    ) -> bool:
        """Whether there is a record with this key.

        Args:
            timeout: as in `get`.

        Raises:
            FilteredOut: the filter expression does not hold for it.
        """
        cdef Command command = exists_request(key, reads(self, policy), timeout, filter_expression)
        if txn is not None:
            return self._take_part(txn, command)
        return self._executor.run(command)

    def put(
        self,
        key: KeyLike,
        bins: Bins,
        *,
        returning: type[Written] = None,
        timeout: Milliseconds | None = None,
        ttl: Ttl | None = None,
        generation: int | None = None,
        filter_expression: Filter | None = None,
        txn: Transaction | None = None,
        policy: WritePolicy | None = None,
    ) -> Written | None:
        """Write bins of a record, by default creating it or merging them into it.

        Its time to live is set anew: to `ttl`, or else to the namespace's default, also where the record had another;
        `ttl=Expiration.DONT_UPDATE` leaves it.

        Args:
            key: a `Key` or a `(namespace, set, user key)` tuple.
            bins: names (1 to 15 bytes) to values: int (64 bits), float, str, bytes-like, bool, list, dict,
                `OrderedList`, `KeyOrderedDict`, `GeoJSON`, `HyperLogLog`; None deletes the bin, and a record without
                bins is deleted. Lists and dicts may be nested, up to 256 levels; servers from 8.2 on refuse more than
                64. Or an object of a class that `get` takes for `into`: its fields are the bins. Values of other types
                are written by the client's codecs: see `pyspike.codecs`.
            returning: `Written` to be told the generation and expiration that the record has now; None for nothing.
            timeout: the deadline in milliseconds, 0 for none, else 1 at least; or a timedelta.

        Raises:
            InvalidType: Aerospike has no such type, or a value does not fit its field; the message names the bin or
                field and the path inside it.
            InvalidArgument: a value or name does not fit.
            RecordExists, RecordNotFound: by the policy's `record_exists_action`.
            GenerationError: the record has another generation.
        """
        if not PyDict_CheckExact(bins):
            try:
                bins = commands_of(self).types.bins_of(bins)
            except (errors.InvalidArgument, errors.InvalidType) as error:
                error.key = key_of(key)
                raise
        return change(self, "put", OP_WRITE, key, bins, timeout, ttl, generation, filter_expression, txn, policy, returning)

    def add(
        self,
        key: KeyLike,
        bins: Mapping[str, float],
        *,
        returning: type[Written] = None,
        timeout: Milliseconds | None = None,
        ttl: Ttl | None = None,
        generation: int | None = None,
        filter_expression: Filter | None = None,
        txn: Transaction | None = None,
        policy: WritePolicy | None = None,
    ) -> Written | None:
        """Add to integer or float bins; what is missing is created. The time to live is set as by `put`.

        Args:
            returning: as in `put`.
            timeout: as in `get`.

        Raises:
            InvalidType: a value is no number.
            BinTypeError: a bin holds another type.
        """
        return change(self, "add", OP_INCR, key, bins, timeout, ttl, generation, filter_expression, txn, policy, returning)

    def append(
        self,
        key: KeyLike,
        bins: Mapping[str, str | bytes],
        *,
        returning: type[Written] = None,
        timeout: Milliseconds | None = None,
        ttl: Ttl | None = None,
        generation: int | None = None,
        filter_expression: Filter | None = None,
        txn: Transaction | None = None,
        policy: WritePolicy | None = None,
    ) -> Written | None:
        """Append to string or blob bins; what is missing is created. The time to live is set as by `put`.

        Args:
            returning: as in `put`.
            timeout: as in `get`.

        Raises:
            InvalidType: a value is neither str nor bytes.
            BinTypeError: a bin holds another type.
        """
        return change(self, "append", OP_APPEND, key, bins, timeout, ttl, generation, filter_expression, txn, policy, returning)

    def prepend(
        self,
        key: KeyLike,
        bins: Mapping[str, str | bytes],
        *,
        returning: type[Written] = None,
        timeout: Milliseconds | None = None,
        ttl: Ttl | None = None,
        generation: int | None = None,
        filter_expression: Filter | None = None,
        txn: Transaction | None = None,
        policy: WritePolicy | None = None,
    ) -> Written | None:
        """Prepend to string or blob bins; what is missing is created. The time to live is set as by `put`.

        Args:
            returning: as in `put`.
            timeout: as in `get`.

        Raises:
            InvalidType: a value is neither str nor bytes.
            BinTypeError: a bin holds another type.
        """
        return change(self, "prepend", OP_PREPEND, key, bins, timeout, ttl, generation, filter_expression, txn, policy, returning)

    def delete(
        self,
        key: KeyLike,
        *,
        timeout: Milliseconds | None = None,
        generation: int | None = None,
        filter_expression: Filter | None = None,
        txn: Transaction | None = None,
        policy: WritePolicy | None = None,
    ) -> bool:
        """Delete a record: True if there was one, False if not.

        Args:
            timeout: as in `get`.

        Raises:
            GenerationError: the record has another generation.
            FilteredOut: the filter expression does not hold for it.
        """
        cdef Command command = delete_request(key, writes(self, policy), timeout, generation, filter_expression)
        if txn is not None:
            return self._take_part(txn, command)
        return self._executor.run(command)

    def touch(
        self,
        key: KeyLike,
        *,
        returning: type[Written] = None,
        timeout: Milliseconds | None = None,
        ttl: Ttl | None = None,
        generation: int | None = None,
        filter_expression: Filter | None = None,
        txn: Transaction | None = None,
        policy: WritePolicy | None = None,
    ) -> Written | None:
        """Give a record a new time to live, and a new generation.

        That is `ttl`, or else the namespace's default, also where the record had another.

        Args:
            returning: as in `put`.
            timeout: as in `get`.

        Raises:
            RecordNotFound: there is no such record.
        """
        cdef Command command = touch_request(key, writes(self, policy), timeout, ttl, generation, filter_expression)
        if returning is not None:
            give_written(command, returning)
        if txn is not None:
            return self._take_part(txn, command)
        return self._executor.run(command)

    def operate(
        self,
        key: KeyLike,
        operations: Iterable[Operation],
        *,
        into: type[U] = None,
        timeout: Milliseconds | None = None,
        ttl: Ttl | None = None,
        generation: int | None = None,
        filter_expression: Filter | None = None,
        txn: Transaction | None = None,
        policy: ReadPolicy | WritePolicy | None = None,
    ) -> Record:
        """Apply several operations to one record, in order, all or nothing.

        Where all operations read, it is a read: without a policy the client's read policy counts, and it is tried
        again as a `get` is. Where one writes, it is a write, and sets the time to live as `put` does.

        Args:
            key: a `Key` or a `(namespace, set, user key)` tuple.
            operations: made by the functions of `pyspike.operations`.
            into: as in `get`: a class to make an object of, of the bins that the operations give.
            timeout: as in `get`.
            policy: a `WritePolicy`; a `ReadPolicy` too where all operations read.

        Returns:
            A `Record` with the bins that were read (a `MultiResult` where a bin has several results) and, as
            `.results`, the result of each operation in order: None for those that give none, a dict for `get()` of
            all bins.

        Raises:
            RecordNotFound: nothing of it creates the record.
            BinTypeError: an operation does not fit its bin.
            InvalidType: a `ReadPolicy` is given, and an operation writes.
            SchemaMismatch: what the operations give does not fit the class; those that write are done.
        """
        cdef Commands commands = commands_of(self)
        cdef Command command = operate_request(
            key, operations, commands.read, commands.write, policy, timeout, ttl, generation, filter_expression,
            commands.dynamic, commands.policies
        )
        if into is not None:
            read_into(command, commands.types.plan_of(into), into)
        elif commands.types.tags is not None:
            decode_tagged(command, commands.types.tags)
        if txn is not None:
            return self._take_part(txn, command)
        return commands._executor.run(command)

    def execute_udf(
        self,
        key: KeyLike,
        module: str,
        function: str,
        args: Iterable[Any] = (),
        *,
        timeout: Milliseconds | None = None,
        ttl: Ttl | None = None,
        filter_expression: Filter | None = None,
        txn: Transaction | None = None,
        policy: WritePolicy | None = None,
    ) -> Any:
        """Call a function of a registered module on one record, and return what it returns.

        The function runs on the record's node, alone with the record, which need not exist. It is taken for a write: it is
        not sent again unless `max_retries` says so. A policy's `record_exists_action` means nothing for it.

        Args:
            key: a `Key` or a `(namespace, set, user key)` tuple.
            module: the module's name, with or without ".lua"; see `register_udf`.
            function: the function's name in it.
            args: the arguments behind the record, values as bins can have.
            timeout: as in `get`.
            ttl: how long the record lives from then on, if the function writes it: as in `put`.

        Raises:
            UdfError: the function failed, or there is none; the message is the server's, with the place in the module.
            FilteredOut: the filter expression does not hold for the record.
            InvalidType: Aerospike has no such type; the message names the argument and the path inside it.
            InvalidArgument: a value does not fit, or the policy expects a generation, which functions can't be called with.
        """
        cdef Command command = call_request(
            key, module, function, args, writes(self, policy), timeout, ttl, filter_expression,
            (<Commands>self).types.codecs
        )
        if (<Commands>self).types.tags is not None:
            decode_tagged(command, (<Commands>self).types.tags)
        if txn is not None:
            return self._take_part(txn, command)
        return self._executor.run(command)


# These are functions because `self` may be any object (`Client.get(other, key)`): `commands_of` checks its type.

cdef inline Commands commands_of(object client):
    """Returns the client; raises TypeError if the object is no client."""
    if not isinstance(client, Commands):
        raise TypeError(f"a client is needed, not {type(client).__name__}")
    return <Commands>client


cdef inline Settings reads(object client, object policy):
    """Returns the settings of a read: the policy's, or else the client's."""
    cdef Commands commands = commands_of(client)
    cdef Settings settings = commands.read if policy is None else settings_of(policy, False)
    if commands.dynamic is None:
        return settings
    return commands.dynamic.adapted(settings, SECTION_READ, commands.policies.read if policy is None else policy)


cdef inline Settings writes(object client, object policy):
    """Returns the settings of a write: the policy's, or else the client's."""
    cdef Commands commands = commands_of(client)
    cdef Settings settings = commands.write if policy is None else settings_of(policy, True)
    if commands.dynamic is None:
        return settings
    return commands.dynamic.adapted(settings, SECTION_WRITE, commands.policies.write if policy is None else policy)


cdef object change(
    object client, str name, int code, object key, object bins, object timeout, object ttl, object generation,
    object filter_expression, object txn, object policy, object returning
):
    """Runs a put, add, append or prepend (`code`)."""
    cdef Settings settings = writes(client, policy)
    cdef Command command = write_request(
        key, code, bins, settings, timeout, ttl, generation, filter_expression, (<Commands>client).types.codecs
    )
    if returning is not None:
        give_written(command, returning)
    if txn is not None:
        return client._take_part(txn, command)
    return (<Commands>client)._executor.run(command)
