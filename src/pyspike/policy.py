"""Policies: how a command is sent, how long it may take, how often it is tried.

A policy is an immutable value with the names and meanings of the Rust client. It is checked and compiled
once, when it is made, into `settings`, the form in which the wire layer reads it; so make policies once and
reuse them. A field that does not exist, or that could have no effect, is refused.

Two defaults are not the Rust client's: `socket_timeout` is a share of the deadline (there 30 s, by which a
slow node may use up the whole deadline of 1 s and leave no time for another), and `ClientPolicy.timeout` is
1 s (there 30 s, for which an application would hang that can't reach its cluster).
"""
# ruff: noqa: RUF009 - _field() is dataclasses.field() with a check, and every default is immutable

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import Field, FrozenInstanceError, dataclass, field, fields
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, Protocol, TypeVar

from pyspike import _wire
from pyspike._wire import plain_int, plain_text, timeout_ms, ttl_header
from pyspike.errors import InvalidArgument, InvalidType
from pyspike.showing import shown
from pyspike.values import Expiration

__all__ = [
    "BasePolicy",
    "ClientPolicy",
    "CommitLevel",
    "ConsistencyLevel",
    "Expiration",
    "GenerationPolicy",
    "InfoPolicy",
    "ReadPolicy",
    "ReadTouchTTL",
    "RecordExistsAction",
    "Replica",
    "SupportsToBytes",
    "WritePolicy",
    "timeout_ms",
]

MAX_INT32 = 2**31 - 1
MAX_UINT32 = 2**32 - 1
READ_RETRIES = 2


class ConsistencyLevel(enum.Enum):
    """How many copies a read in an available (AP) namespace consults while data is moving."""

    ONE = 0
    ALL = 1


class CommitLevel(enum.Enum):
    """Whether a write waits for all replicas or for the master only."""

    ALL = 0
    MASTER = 1


class GenerationPolicy(enum.Enum):
    """What a write demands of the generation of the record that is there.

    NONE demands nothing, EXPECT_GEN_EQUAL that it is the policy's, EXPECT_GEN_GREATER that it is lower.
    """

    NONE = 0
    EXPECT_GEN_EQUAL = 1
    EXPECT_GEN_GREATER = 2


class RecordExistsAction(enum.Enum):
    """What a write does if the record exists, and if it does not.

    UPDATE creates or merges bins, UPDATE_ONLY never creates, REPLACE creates or drops the bins that are not
    written, REPLACE_ONLY does so but never creates, CREATE_ONLY only creates.
    """

    UPDATE = 0
    UPDATE_ONLY = 1
    REPLACE = 2
    REPLACE_ONLY = 3
    CREATE_ONLY = 4


class Replica(enum.Enum):
    """Which copy of a record a read asks.

    MASTER always the master, SEQUENCE the master first and then, try by try, the next replica, RANDOM any.
    """

    MASTER = _wire.REPLICA_MASTER
    SEQUENCE = _wire.REPLICA_SEQUENCE
    RANDOM = _wire.REPLICA_RANDOM


class ReadTouchTTL(enum.Enum):
    """Whether a read renews a record's TTL other than by a percentage; the values are the wire's."""

    SERVER_DEFAULT = 0
    DONT_RESET = 0xFFFF_FFFF


# framing.md 1.2: the bits that policies add to a request's info bytes.
_INFO1_CONSISTENCY = {ConsistencyLevel.ONE: 0, ConsistencyLevel.ALL: _wire.INFO1_CONSISTENCY_ALL}
_INFO2_GENERATION = {
    GenerationPolicy.NONE: 0,
    GenerationPolicy.EXPECT_GEN_EQUAL: _wire.INFO2_GENERATION,
    GenerationPolicy.EXPECT_GEN_GREATER: _wire.INFO2_GENERATION_GT,
}
_INFO2_EXISTS = {RecordExistsAction.CREATE_ONLY: _wire.INFO2_CREATE_ONLY}
_INFO3_COMMIT = {CommitLevel.ALL: 0, CommitLevel.MASTER: _wire.INFO3_COMMIT_LEVEL_MASTER}
_INFO3_EXISTS = {
    RecordExistsAction.UPDATE_ONLY: _wire.INFO3_UPDATE_ONLY,
    RecordExistsAction.REPLACE: _wire.INFO3_CREATE_OR_REPLACE,
    RecordExistsAction.REPLACE_ONLY: _wire.INFO3_REPLACE_ONLY,
}


class SupportsToBytes(Protocol):
    """A filter expression: whatever can turn itself into the server's form of one."""

    def to_bytes(self) -> bytes:
        """The expression's bytes."""


# Checks: each takes a value and the name to complain under, and gives the value to keep ---------------------

Check = Callable[[Any, str], Any]


def _positive_ms(value: object, name: str) -> float:
    return timeout_ms(value, name, least=1)


def _ms_or_none(value: object, name: str) -> float | None:
    return None if value is None else timeout_ms(value, name)


def _expiration(value: object, name: str) -> int | Expiration:
    header = ttl_header(value, name)
    return value if isinstance(value, Expiration) else header


def _read_touch_ttl(value: object, name: str) -> int | ReadTouchTTL:
    return value if isinstance(value, ReadTouchTTL) else _percent(value, name)


def _int(least: int, most: int, what: str = "an int") -> Callable[[object, str], int]:
    def check(value: object, name: str) -> int:
        number = plain_int(value)
        if number is None:
            raise InvalidType(f"{name} must be {what}, not {shown(value)}")
        if not least <= number <= most:
            raise InvalidArgument(f"{name} must be from {least} to {most}, not {shown(value)}")
        return number

    return check


def _int_or_none(least: int, most: int) -> Callable[[object, str], int | None]:
    check = _int(least, most, "an int or None")
    return lambda value, name: None if value is None else check(value, name)


_retries = _int(0, MAX_INT32)
_retries_or_none = _int_or_none(0, MAX_INT32)


_percent = _int(1, 100, "a percentage or a ReadTouchTTL")


def _instance(kind: type) -> Check:
    def check(value: object, name: str) -> object:
        if not isinstance(value, kind):
            raise InvalidType(f"{name} must be {kind.__name__}, not {shown(value)}")
        return value

    return check


def _name(value: object, name: str) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise InvalidType(f"{name} must be str or None, not {shown(value)}")
    text = plain_text(value)
    if not text:
        raise InvalidArgument(f"{name} must not be empty", advice="None leaves it out")
    return text


def _ip_map(value: object, name: str) -> dict[str, str] | None:
    if value is None:
        return None
    if not isinstance(value, Mapping) or not all(isinstance(text, str) for text in [*value, *value.values()]):
        raise InvalidType(f"{name} must map addresses to addresses, both str, not {shown(value)}")
    return {plain_text(address): plain_text(other) for address, other in value.items()}


def _checked_when_compiled(value: object, name: str) -> object:
    return value


# Policies ---------------------------------------------------------------------------------------------------

P = TypeVar("P", bound="_Policy")

if TYPE_CHECKING:

    class Milliseconds:
        """A field that takes milliseconds or a timedelta and gives milliseconds."""

        def __get__(self, instance: object, owner: type) -> float: ...
        def __set__(self, instance: object, value: float | timedelta) -> None: ...

else:
    Milliseconds = float | timedelta


def _field(default: object, check: Check, **options: Any) -> Any:
    return field(default=default, metadata={"check": check}, **options)


SHOWN_SIZE = 1000  # characters of a field in a repr


class _Policy:
    """What all policies share: names and values are checked, and only what is not default is shown."""

    __slots__ = ()

    if TYPE_CHECKING:
        __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    else:  # hidden from type checkers, which know the names better from the fields

        def __new__(cls, *args: object, **values: object) -> _Policy:
            if args:
                raise TypeError(f"{cls.__name__} takes its fields by name only")
            names = [entry.name for entry in fields(cls) if entry.init]
            for name in values:
                if name not in names:
                    import difflib  # only a mistake pays for it

                    close = difflib.get_close_matches(name, names, n=1)
                    hint = f"did you mean {close[0]!r}?" if close else f"it has {', '.join(names)}"
                    raise TypeError(f"{cls.__name__} has no field {shown(name)}; {hint}")
            return super().__new__(cls)

    def __post_init__(self) -> None:
        for entry in fields(self):
            if entry.init:
                check: Check = entry.metadata["check"]
                value = check(getattr(self, entry.name), f"{type(self).__name__}.{entry.name}")
                object.__setattr__(self, entry.name, value)
        self._complete()

    def _complete(self) -> None:
        """Check what concerns several fields, and compile."""

    def _changed(self) -> dict[str, Any]:
        """The fields that differ from their defaults."""
        values = [(entry, getattr(self, entry.name)) for entry in fields(self) if entry.init]
        # None is compared by identity: a filter expression may have an == of its own.
        return {
            entry.name: value
            for entry, value in values
            if (value is not None if entry.default is None else value != entry.default)
        }

    def replace(self: P, **changes: Any) -> P:
        """A policy like this one but for the given fields.

        Raises:
            TypeError: there is no such field.
            InvalidArgument: a value is out of range or contradicts another one.
        """
        return type(self)(**{**self._changed(), **changes})

    def __repr__(self) -> str:
        # The repr of an Enum's member is no Python; its str is.
        texts = [
            f"{name}={value if isinstance(value, enum.Enum) else shown(value, SHOWN_SIZE)}"
            for name, value in self._changed().items()
        ]
        return f"{type(self).__name__}({', '.join(texts)})"

    def __reduce__(self) -> tuple[Any, ...]:
        # Made anew at the other end: `settings` is compiled by the version of pyspike that runs there.
        return partial(type(self), **self._changed()), ()


class _CommandPolicy(_Policy):
    """What policies of commands share: `settings`, which is no field, but made of all fields.

    Policies are compared by their settings, in which a filter is bytes: the == of an expression makes another
    expression.
    """

    __slots__ = ("settings",)

    settings: _wire.Settings

    def _complete(self) -> None:
        object.__setattr__(self, "settings", _wire.Settings(**self._compiled()))

    def _compiled(self) -> dict[str, Any]:
        """The keywords of `Settings`."""
        raise NotImplementedError

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self.settings == other.settings

    def __hash__(self) -> int:
        return hash(self.settings)


@dataclass(frozen=True, kw_only=True, slots=True, repr=False, eq=False)
class BasePolicy(_CommandPolicy):
    """What policies of reads and of writes have in common.

    Args:
        consistency_level: how many copies a read consults while data is moving.
        socket_timeout: how long one try may wait without progress; None gives each try its share of what is
            left of the deadline (30 s if there is none), so that a slow node leaves time for another; 0 all
            that is left.
        total_timeout: the deadline of the whole call with all its tries; 0 for none.
        timeout_delay: how long a connection whose command timed out is kept to await the late answer, after
            which it is used again; a write may still be applied meanwhile. 0 closes it at once, by which the
            server drops what it has not read; in asyncio the other writes sent on it are in doubt then, and
            one that only carries reads stays.
        max_retries: how often to try again after a failure that may pass; None is 2 for what only reads, and
            0 for what writes, because one that is sent again may be applied twice. A write that was not sent,
            as its node can't be reached, is tried again until its deadline in any case.
        read_touch_ttl: which percentage of its time to live a record must have left, at most, for a read to
            renew it: 1 to 100, or a `ReadTouchTTL`.
        sleep_between_retries: how long to wait before another try.
        filter_expression: the command is done only if it holds for the record (else `FilteredOut` is raised);
            an expression or its bytes.

    All times are milliseconds, 0 or 1 at least, or a timedelta.

    Raises:
        TypeError: there is no such field.
        InvalidType: a value is of the wrong type.
        InvalidArgument: a value is out of range.
    """

    consistency_level: ConsistencyLevel = _field(ConsistencyLevel.ONE, _instance(ConsistencyLevel))
    socket_timeout: float | timedelta | None = _field(None, _ms_or_none)
    total_timeout: Milliseconds = _field(1000, timeout_ms)
    timeout_delay: Milliseconds = _field(0, timeout_ms)
    max_retries: int | None = _field(None, _retries_or_none)
    read_touch_ttl: int | ReadTouchTTL = _field(ReadTouchTTL.SERVER_DEFAULT, _read_touch_ttl)
    sleep_between_retries: Milliseconds = _field(0, timeout_ms)
    filter_expression: SupportsToBytes | bytes | None = _field(None, _checked_when_compiled)

    def _compiled(self) -> dict[str, Any]:
        touch = self.read_touch_ttl
        return {
            "info1": _INFO1_CONSISTENCY[self.consistency_level],
            "ttl": touch.value if isinstance(touch, ReadTouchTTL) else touch,
            "socket_timeout": self.socket_timeout,
            "total_timeout": self.total_timeout,
            "timeout_delay": self.timeout_delay,
            "max_retries": READ_RETRIES if self.max_retries is None else self.max_retries,
            "sleep_between_retries": self.sleep_between_retries,
            "filter_expression": _wire.filter_bytes(
                self.filter_expression, f"{type(self).__name__}.filter_expression"
            ),
        }


@dataclass(frozen=True, kw_only=True, slots=True, repr=False, eq=False)
class ReadPolicy(BasePolicy):
    """How records are read.

    Args:
        replica: which copy of the record to ask.

    The other fields, and what is raised, are those of `BasePolicy`.
    """

    max_retries: int = _field(READ_RETRIES, _retries)
    replica: Replica = _field(Replica.SEQUENCE, _instance(Replica))

    def _compiled(self) -> dict[str, Any]:
        return {**BasePolicy._compiled(self), "replica": self.replica.value}


@dataclass(frozen=True, kw_only=True, slots=True, repr=False, eq=False)
class WritePolicy(BasePolicy):
    """How records are written.

    Args:
        record_exists_action: what to do if the record exists, and if it does not.
        generation_policy: what to demand of the record's generation.
        commit_level: whether to wait for all replicas.
        generation: the generation that `generation_policy` compares with.
        expiration: the record's time to live from the write on: seconds from 1 to 315360000, a timedelta
            (rounded up to seconds) or an `Expiration`. Every write sets it, by default to the namespace's
            default, whatever it was; `Expiration.DONT_UPDATE` leaves it.
        send_key: whether the server stores the key with the record (it stores only the digest otherwise).
        respond_per_each_op: whether every operation of an `operate` gives a result, also those that only
            write.
        durable_delete: whether a delete leaves a tombstone, so that the record can't come back (Enterprise
            Edition).

    The other fields, and what is raised, are those of `BasePolicy`. An `operate` that only reads may be given
    one too: then it is a read with these timeouts, retries and filter, and `consistency_level` and
    `read_touch_ttl` count.

    Raises:
        InvalidArgument: a generation is given, but `generation_policy` is NONE and would ignore it.
    """

    record_exists_action: RecordExistsAction = _field(
        RecordExistsAction.UPDATE, _instance(RecordExistsAction)
    )
    generation_policy: GenerationPolicy = _field(GenerationPolicy.NONE, _instance(GenerationPolicy))
    commit_level: CommitLevel = _field(CommitLevel.ALL, _instance(CommitLevel))
    generation: int = _field(0, _int(0, MAX_UINT32))
    expiration: int | timedelta | Expiration = _field(Expiration.NAMESPACE_DEFAULT, _expiration)
    send_key: bool = _field(False, _instance(bool))
    respond_per_each_op: bool = _field(False, _instance(bool))
    durable_delete: bool = _field(False, _instance(bool))

    def _complete(self) -> None:
        if self.generation and self.generation_policy is GenerationPolicy.NONE:
            raise InvalidArgument(
                f"{type(self).__name__}.generation is {self.generation}, but nothing compares it",
                advice="set generation_policy to EXPECT_GEN_EQUAL or EXPECT_GEN_GREATER",
            )
        _CommandPolicy._complete(self)

    def _compiled(self) -> dict[str, Any]:
        base = BasePolicy._compiled(self)
        answers: dict[str, Any] = {"send_key": self.send_key, "respond_per_each_op": self.respond_per_each_op}
        return {
            **base,
            "write": True,
            "info1": 0,
            "max_retries": self.max_retries or 0,
            "info2": _INFO2_GENERATION[self.generation_policy]
            | _INFO2_EXISTS.get(self.record_exists_action, 0)
            | (_wire.INFO2_DURABLE_DELETE if self.durable_delete else 0),
            "info3": _INFO3_COMMIT[self.commit_level] | _INFO3_EXISTS.get(self.record_exists_action, 0),
            "generation": self.generation,
            "ttl": ttl_header(self.expiration),
            "as_read": _wire.Settings(**base, **answers),
            **answers,
        }


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class InfoPolicy(_Policy):
    """How info commands are sent.

    Args:
        timeout: the deadline in milliseconds, or a timedelta.

    Raises:
        TypeError: there is no such field.
        InvalidType: the timeout is of the wrong type.
        InvalidArgument: the timeout is out of range.
    """

    timeout: Milliseconds = _field(3000, _positive_ms)


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class ClientPolicy(_Policy):
    """How a client connects, tends its view of the cluster and pools its connections.

    Args:
        timeout: how long connecting may take: to the cluster with the first look at it, later to one node.
        idle_timeout: how long an unused connection is kept.
        min_conns_per_node: how many connections are opened in advance and kept, for the calls of threads.
        max_conns_per_node: how many there may be, for the calls of threads; tasks use pipelines.
        max_waiting_per_node: how many commands may wait for a connection to a node when all are in use; None
            for any number, each until its deadline. In asyncio it counts for each loop, for reads and for
            writes.
        pipelines_per_node: how many connections an asyncio loop opens to a node for reads, and how many for
            writes, which wait for the replicas and would hold up reads; as many again for records above
            64 KiB, which would hold up the others. While some are silent, up to as many take their place.
        commands_per_pipeline: how many commands may be in flight on one of them; on one for large records it
            is one.
        fail_if_not_connected: whether making a client fails if no seed host can be reached; if not, the
            client goes on trying.
        tend_interval: the time between two looks at the cluster.
        ip_map: addresses that nodes advertise, each with the address to use instead.
        use_services_alternate: whether to use the nodes' alternate access addresses.
        cluster_name: if given, nodes of a cluster with another name are refused.
        buffer_reclaim_threshold: bytes above which a connection's buffer is given back after use.
        application_id: the name under which the application shows up in the server's statistics.
        read: the policy of reads that are given none.
        write: the policy of writes that are given none.
        info: the policy of info commands that are given none.

    All times are milliseconds, 0 or 1 at least, or a timedelta.

    Raises:
        TypeError: there is no such field.
        InvalidType: a value is of the wrong type.
        InvalidArgument: a value is out of range, or the least number of connections is above the greatest.
    """

    timeout: Milliseconds = _field(1000, _positive_ms)
    idle_timeout: Milliseconds = _field(30_000, _positive_ms)
    min_conns_per_node: int = _field(0, _int(0, MAX_INT32))
    max_conns_per_node: int = _field(256, _int(1, MAX_INT32))
    max_waiting_per_node: int | None = _field(None, _int_or_none(0, MAX_INT32))
    pipelines_per_node: int = _field(2, _int(1, MAX_INT32))
    commands_per_pipeline: int = _field(128, _int(1, MAX_INT32))
    fail_if_not_connected: bool = _field(True, _instance(bool))
    tend_interval: Milliseconds = _field(1000, _positive_ms)
    ip_map: Mapping[str, str] | None = _field(None, _ip_map, hash=False)
    use_services_alternate: bool = _field(False, _instance(bool))
    cluster_name: str | None = _field(None, _name)
    buffer_reclaim_threshold: int = _field(65536, _int(0, MAX_INT32))
    application_id: str | None = _field(None, _name)
    read: ReadPolicy = _field(ReadPolicy(), _instance(ReadPolicy))
    write: WritePolicy = _field(WritePolicy(), _instance(WritePolicy))
    info: InfoPolicy = _field(InfoPolicy(), _instance(InfoPolicy))

    def _complete(self) -> None:
        if self.min_conns_per_node > self.max_conns_per_node:
            raise InvalidArgument(
                f"{type(self).__name__}.min_conns_per_node is {self.min_conns_per_node}, "
                f"above max_conns_per_node, which is {self.max_conns_per_node}"
            )


def _refuse(policy: object, name: str, value: object = None) -> NoReturn:
    raise FrozenInstanceError(f"{type(policy).__name__} can't be changed: make another with replace()")


# A dataclass with slots refuses only its fields in words of its own; of all else super() complains.
for _kind in (BasePolicy, ReadPolicy, WritePolicy, InfoPolicy, ClientPolicy):
    _kind.__setattr__ = _kind.__delattr__ = _refuse  # type: ignore[method-assign]
