"""The commands on one record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pyspike import Expiration, GenerationPolicy, Key, Record, WritePolicy, errors
from pyspike.compat.client.connection import Connection
from pyspike.compat.client.methods import method
from pyspike.compat.client.results import meta_of, record_of, whole_key
from pyspike.compat.facts.constants import number
from pyspike.compat.facts.operations import FAMILIES
from pyspike.compat.model.exceptions import AerospikeError, param_error, raised
from pyspike.compat.translate.keys import key_of, partition_of
from pyspike.compat.translate.metadata import generation_and_ttl
from pyspike.compat.translate.names import bin_name_of, check_length
from pyspike.compat.translate.operations import Translated, translated
from pyspike.compat.translate.policies import expiration_of
from pyspike.compat.translate.values import deserialized, official_value, sendable

__all__ = ["Records", "operated", "whole_key_of"]

KEY_VALUE = number("MAP_RETURN_KEY_VALUE")
WITHOUT_BIN = frozenset((number("OPERATOR_TOUCH"), number("OPERATOR_DELETE")))
MAP_OPS = frozenset(helper.op for helper in FAMILIES["map_operations"].helpers)
SCALARS = frozenset((int, str, float, bool, bytes, type(None)))
MAX_INT64 = 2**63 - 1
SEND = 1

Meta = tuple["int | None", "int | Expiration | None"]
NO_META: Meta = (None, None)


def whole_key_of(key: Any) -> tuple[Any, ...]:
    """The key that a caller gave, with its digest."""
    made = key_of(key)
    return whole_key(made if isinstance(made, Key) else Key(*made))


class Records(Connection):
    """The commands on one record."""

    # --- reads ---

    @method
    def get(self, key: Any, policy: Any = None) -> tuple[Any, dict[str, int], dict[str, Any]]:
        """Read a record.

        Args:
            key: its key.
            policy: a read policy.

        Returns:
            The key, the metadata and the bins.

        Raises:
            RecordNotFound: there is no such record.
        """
        kind = self._read
        record = self._client.get(key_of(key), policy=kind(policy), txn=kind.transaction(policy))
        return record_of(
            record,
            with_user_key=kind.value(policy, "key") == SEND,
            deserialize=self._deserializer(),
        )

    @method
    def select(self, key: Any, bins: Any, policy: Any = None) -> tuple[Any, dict[str, int], dict[str, Any]]:
        """Read some bins of a record.

        Args:
            key: its key.
            bins: the names of the bins, in a list or tuple.
            policy: a read policy.

        Returns:
            The key, the metadata and those of the bins that there are.

        Raises:
            RecordNotFound: there is no such record.
        """
        chosen = key_of(key)
        if not isinstance(bins, list | tuple):
            raise param_error("not a list or tuple")
        for name in bins:
            if not isinstance(name, str):
                raise param_error("Bin name must be a string")
            check_length(name)
        if not bins:
            raise raised("InvalidRequest", "there are no bins to read")
        made = self._read(policy)
        record = self._client.get(chosen, bins, policy=made, txn=self._read.transaction(policy))
        return record_of(record, deserialize=self._deserializer())

    @method
    def exists(self, key: Any, policy: Any = None) -> tuple[Any, dict[str, int] | None]:
        """The metadata of a record.

        Args:
            key: its key.
            policy: a read policy.

        Returns:
            The key and the metadata; None in its place if there is no such record.
        """
        chosen = key_of(key)
        made = self._read(policy)
        txn = self._read.transaction(policy)
        record = self._client.get(chosen, [], default=None, policy=made, txn=txn)
        return whole_key_of(key), None if record is None else meta_of(record)

    # --- writes ---

    @method
    def put(self, key: Any, bins: Any, meta: Any = None, policy: Any = None, serializer: Any = None) -> int:
        """Write bins of a record, which is created if there is none.

        Args:
            key: its key.
            bins: names to values; None, or `aerospike.null()`, deletes a bin.
            meta: the generation that is expected, and the time to live.
            policy: a write policy.
            serializer: `SERIALIZER_USER` gives values that Aerospike has no type for to the function of
                `set_serializer`.

        Returns:
            0.
        """
        chosen = key_of(key)
        made, txn = self._write(policy), self._write.transaction(policy)
        generation, ttl = NO_META if meta is None else self._meta(meta, made)
        prepare = self._preparing(serializer)
        if prepare is not None and isinstance(bins, dict):
            bins = prepare(bins)
        elif isinstance(bins, dict) and tuple in map(type, bins.values()):
            raise param_error("a tuple is no value of a bin, and there is no serializer for it")
        try:
            self._client.put(chosen, bins, ttl=ttl, generation=generation, policy=made, txn=txn)
        except errors.InvalidArgument as error:
            how = {"ttl": ttl, "generation": generation, "policy": made, "txn": txn}
            self._put_converted(chosen, bins, how, error)
        return 0

    def _put_converted(self, key: Any, bins: Any, how: dict[str, Any], error: errors.InvalidArgument) -> None:
        """Write bins some of whose values are of the official client's own types, or can't be written."""
        _check_bins(bins)
        converted = {name: sendable(value) for name, value in bins.items()}
        if all(converted[name] is value for name, value in bins.items()):
            raise _refused_value(bins, error) from error
        try:
            self._client.put(key, converted, **how)
        except errors.InvalidArgument as other:
            raise _refused_value(converted, other) from other

    @method
    def remove(self, key: Any, meta: Any = None, policy: Any = None) -> int:
        """Remove a record.

        Args:
            key: its key.
            meta: the generation that is expected; whatever else is in it does not count.
            policy: a remove policy.

        Returns:
            0.

        Raises:
            RecordNotFound: there is no such record.
        """
        chosen = key_of(key)
        made = self._kinds["remove"](policy)
        expected = {"gen": meta["gen"]} if isinstance(meta, dict) and "gen" in meta else None
        generation, _ = NO_META if expected is None else self._meta(expected, made)
        txn = self._kinds["remove"].transaction(policy)
        if not self._client.delete(chosen, generation=generation, policy=made, txn=txn):
            raise raised("RecordNotFound", "record not found", key=key)
        return 0

    @method
    def remove_bin(self, key: Any, list: Any, meta: Any = None, policy: Any = None) -> int:
        """Remove bins of a record.

        Args:
            key: its key.
            list: the names of the bins.
            meta: the generation that is expected, and the time to live.
            policy: a write policy.

        Returns:
            0.
        """
        if not _is_list(list):
            raise param_error("Bins should be a list")
        chosen = key_of(key)
        for name in list:
            if not isinstance(name, str):
                raise param_error("Bin name should be of type string")
        made = self._write(policy)
        generation, ttl = NO_META if meta is None else self._meta(meta, made)
        bins = dict.fromkeys(list)
        if not bins:
            raise raised("InvalidRequest", "there are no bins to remove")
        _check_bins(bins)
        txn = self._write.transaction(policy)
        self._client.put(chosen, bins, ttl=ttl, generation=generation, policy=made, txn=txn)
        return 0

    @method
    def append(self, key: Any, bin: Any, val: Any, meta: Any = None, policy: Any = None) -> int:
        """Append to a string or bytes in a bin, which is created if there is none.

        Args:
            key: the record's key.
            bin: the bin's name.
            val: what to append.
            meta: the generation that is expected, and the time to live.
            policy: an operate policy.

        Returns:
            0.
        """
        return self._joined(self._client.append, key, bin, val, meta, policy)

    @method
    def prepend(self, key: Any, bin: Any, val: Any, meta: Any = None, policy: Any = None) -> int:
        """Prepend to a string or bytes in a bin, which is created if there is none.

        Args:
            key: the record's key.
            bin: the bin's name.
            val: what to prepend.
            meta: the generation that is expected, and the time to live.
            policy: an operate policy.

        Returns:
            0.
        """
        return self._joined(self._client.prepend, key, bin, val, meta, policy)

    def _joined(self, command: Any, key: Any, name: Any, value: Any, meta: Any, policy: Any) -> int:
        if not isinstance(value, str | bytes | bytearray):
            raise param_error("Cannot concatenate 'str' and 'non-str' objects")
        return self._changed(command, key, name, value, meta, policy)

    @method
    def increment(self, key: Any, bin: Any, offset: Any, meta: Any = None, policy: Any = None) -> int:
        """Add to a number in a bin, which is created if there is none.

        Args:
            key: the record's key.
            bin: the bin's name.
            offset: what to add.
            meta: the generation that is expected, and the time to live.
            policy: an operate policy.

        Returns:
            0.
        """
        if isinstance(offset, int) and not -MAX_INT64 - 1 <= offset <= MAX_INT64:
            raise param_error("integer value exceeds sys.maxsize")
        if not isinstance(offset, int | float):
            raise param_error("Unsupported operand type(s) for +: only 'int' and 'float' can be added")
        return self._changed(self._client.add, key, bin, offset, meta, policy)

    def _changed(self, command: Any, key: Any, name: Any, value: Any, meta: Any, policy: Any) -> int:
        chosen = key_of(key)
        if not isinstance(name, str):
            raise param_error("Bin name should be of type string")
        _check_bins({name: value})
        made = self._operate(policy)
        generation, ttl = NO_META if meta is None else self._meta(meta, made)
        txn = self._operate.transaction(policy)
        command(chosen, {name: value}, ttl=ttl, generation=generation, policy=made, txn=txn)
        return 0

    @method
    def touch(self, key: Any, val: Any = None, meta: Any = None, policy: Any = None) -> int:
        """Give a record a new time to live, and a new generation.

        Args:
            key: its key.
            val: the time to live in seconds.
            meta: the generation that is expected, and the time to live.
            policy: an operate policy.

        Returns:
            0.

        Raises:
            RecordNotFound: there is no such record.
        """
        chosen = key_of(key)
        made = self._operate(policy)
        generation, ttl = NO_META if meta is None else self._meta(meta, made)
        if val is not None:
            if not isinstance(val, int):
                raise param_error("Unsupported operand type(s) for touch : only int or long allowed")
            ttl = expiration_of(val) if val or ttl is None else ttl
        txn = self._operate.transaction(policy)
        self._client.touch(chosen, ttl=ttl, generation=generation, policy=made, txn=txn)
        return 0

    def _meta(self, meta: Any, policy: WritePolicy) -> Meta:
        generation, ttl = generation_and_ttl(meta, self._validate)
        if policy.generation_policy is GenerationPolicy.NONE:
            generation = None
        return generation, ttl

    # --- several steps ---

    @method
    def operate(
        self,
        key: Any,
        list: Any,
        meta: Any = None,
        policy: Any = None,
    ) -> tuple[Any, dict[str, int], dict[str, Any]]:
        """Apply several operations to one record, in order, all or nothing.

        Args:
            key: its key.
            list: the operations, made by the functions of `aerospike_helpers.operations`.
            meta: the generation that is expected, and the time to live.
            policy: an operate policy.

        Returns:
            The key, the metadata, and what the operations gave, by the names of their bins; of several on
            one bin the last.
        """
        record, pairs = self._operated(key, list, meta, policy)
        return whole_key(record.key), meta_of(record), dict(pairs)

    @method
    def operate_ordered(
        self,
        key: Any,
        list: Any,
        meta: Any = None,
        policy: Any = None,
    ) -> tuple[Any, dict[str, int], list[tuple[str, Any]]]:
        """Apply several operations to one record, in order, all or nothing.

        Args:
            key: its key.
            list: the operations, made by the functions of `aerospike_helpers.operations`.
            meta: the generation that is expected, and the time to live.
            policy: an operate policy.

        Returns:
            The key, the metadata, and a list of the names of bins and what each operation gave.
        """
        record, pairs = self._operated(key, list, meta, policy)
        return whole_key(record.key), meta_of(record), pairs

    def _operated(self, key: Any, ops: Any, meta: Any, policy: Any) -> tuple[Record, list[tuple[str, Any]]]:
        chosen = key_of(key)
        made = self._operate(policy)
        generation, ttl = NO_META if meta is None else self._meta(meta, made)
        prepare = self._preparing(None)
        steps = translated(ops, self._validate, strict=self._configuration.strict, prepare=prepare)
        if not steps.operations:
            raise param_error("No operations defined")
        record = self._client.operate(
            chosen,
            steps.operations,
            ttl=steps.ttl if ttl is None else ttl,
            generation=generation,
            policy=made,
            txn=self._operate.transaction(policy),
        )
        return record, operated(steps, record.results, deserialize=self._deserializer())

    @method
    def apply(self, key: Any, module: Any, function: Any, args: Any, policy: Any = None) -> Any:
        """Call a function of a registered module on one record.

        Args:
            key: the record's key.
            module: the module's name.
            function: the function's name.
            args: its arguments behind the record, in a list.
            policy: an apply policy.

        Returns:
            What the function returns.

        Raises:
            UDFError: the function failed, or there is none.
        """
        chosen = key_of(key)
        check_function(module, function, "ClientError")
        if not isinstance(args, list):
            raise TypeError("expected UDF method arguments in a 'list'")
        kind = self._kinds["apply"]
        made, txn = kind(policy), kind.transaction(policy)
        value = self._client.execute_udf(chosen, module, function, sendable(args), policy=made, txn=txn)
        return official_value(value)

    # --- keys ---

    @method
    def get_key_partition_id(self, ns: Any, set: Any, key: Any) -> int:
        """The partition of a key.

        Args:
            ns: the namespace.
            set: the set's name.
            key: the user key.
        """
        return partition_of(whole_key_of((ns, set, key))[3])


def _gives_pairs(op: dict[str, Any]) -> bool:
    """Whether an operation gives keys and values of a map, which are one behind the other then."""
    if op["op"] in MAP_OPS:
        return bool(op.get("return_type") == KEY_VALUE)
    return bool(getattr(op.get("expr"), "gives_pairs", False))


def check_function(module: Any, function: Any, kind: str = "ParamError") -> None:
    """Refuse what is no name of a module or function, by an exception of this kind."""
    if not isinstance(module, str):
        raise raised(kind, "udf module argument must be a string or unicode string")
    if not isinstance(function, str):
        raise raised(kind, "function name must be a string")
    if not module or not function:
        raise raised("UDFError", "a module and a function have names", module=module, func=function)


def operated(
    steps: Translated,
    results: list[Any],
    *,
    respond_all: bool = False,
    deserialize: Callable[[Any], Any] | None = None,
) -> list[tuple[str, Any]]:
    """The names of bins, and what each operation gave, as the server answers.

    Args:
        steps: the operations.
        results: what pyspike has of each.
        respond_all: whether the server has answered each, whatever they are.
        deserialize: makes values of bytes; None if they stay bytes.
    """
    respond_all = respond_all or steps.respond_all
    pairs = []
    for place, op in enumerate(steps.steps):
        code, result = op["op"], results[place]
        if code in WITHOUT_BIN or (result is None and not respond_all):
            continue
        if type(result) not in SCALARS:
            if isinstance(result, dict) and _gives_pairs(op):
                result = [part for pair in result.items() for part in pair]
            result = official_value(result)
        elif deserialize is not None and type(result) is bytes:
            result = deserialized(result, deserialize)
        name = op["bin"]
        pairs.append((name if type(name) is str else bin_name_of(name), result))
    return pairs


# What is wrong with bins ------------------------------------------------------------------------------------


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def _check_bins(bins: Any) -> None:
    if not isinstance(bins, dict):
        raise param_error("Record should be passed as bin-value pair")
    if not bins:
        raise raised("InvalidRequest", "there are no bins to write")
    for name in bins:
        if not isinstance(name, str):
            raise raised("ClientError", "A bin name must be a string or unicode string.")
        check_length(name, bin=bins)


def _refused_value(bins: Mapping[str, Any], error: errors.InvalidArgument) -> AerospikeError:
    if any(isinstance(value, int) and abs(value) > MAX_INT64 for value in bins.values()):
        return param_error("integer value exceeds sys.maxsize")
    return param_error(error.message)
