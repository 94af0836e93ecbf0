"""What all policies have in common: how their fields are checked, how they are shown, compared and copied."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import Field, FrozenInstanceError, field, fields
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, TypeVar

from pyspike._types import SupportsToBytes
from pyspike._wire import (
    INFO1_COMPRESS_RESPONSE,
    INFO1_CONSISTENCY_ALL,
    INFO3_SC_RELAXED,
    INFO3_SC_STRICTER,
    MAX_MESSAGE,
    MODE_ALLOW_REPLICA,
    MODE_ALLOW_UNAVAILABLE,
    MODE_LINEARIZE,
    MODE_SESSION,
    Settings,
    filter_bytes,
    timeout_ms,
)
from pyspike.errors import InvalidArgument, InvalidType
from pyspike.plain_value import PlainValue, value_class
from pyspike.policy.checks import (
    Check,
    checked_when_compiled,
    instance,
    ms_or_none,
    percent,
    retries_or_none,
    whole,
)
from pyspike.showing import shown

__all__ = [
    "READ_RETRIES",
    "BasePolicy",
    "CommandPolicy",
    "ConsistencyLevel",
    "Milliseconds",
    "MillisecondsOrNone",
    "Policy",
    "ReadModeSC",
    "ReadTouchTTL",
    "policy_field",
    "read_mode_bits",
    "read_touch_or_none",
]

COMPRESSION_THRESHOLD = 128
READ_RETRIES = 2
HIDDEN = "***"  # in place of a secret in a repr
SHOWN_SIZE = 1000  # characters of a field in a repr

P = TypeVar("P", bound="Policy")

if TYPE_CHECKING:
    import inspect

    class Milliseconds:
        """A field that takes milliseconds or a timedelta and gives milliseconds."""

        def __get__(self, instance: object, owner: type) -> float: ...
        def __set__(self, instance: object, value: float | timedelta) -> None: ...

    class MillisecondsOrNone:
        """The same, or None; a union of the descriptor and None would take no number."""

        def __get__(self, instance: object, owner: type) -> float | None: ...
        def __set__(self, instance: object, value: float | timedelta | None) -> None: ...

else:
    from pyspike._types import Milliseconds

    MillisecondsOrNone = Milliseconds | None


def policy_field(default: object, check: Check, *, secret: bool = False, **options: Any) -> Any:
    """A field of a policy, with the check that its values go through.

    A `secret` is not shown, and a policy that has one can't be pickled.
    """
    return field(default=default, metadata={"check": check, "secret": secret}, **options)


class _Signature:
    """What `inspect.signature` and `help` show of a policy: its fields, not how all policies take theirs."""

    def __get__(self, policy: object, owner: type[Policy]) -> inspect.Signature:
        import inspect

        return inspect.Signature(
            [
                inspect.Parameter(
                    entry.name, inspect.Parameter.KEYWORD_ONLY, default=entry.default, annotation=entry.type
                )
                for entry in fields(owner)
            ]
        )


class Policy(PlainValue):
    """What all policies share: names and values are checked, and only what is not default is shown."""

    __slots__ = ()

    if TYPE_CHECKING:
        __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    else:  # hidden from type checkers, which know the names better from the fields
        __signature__ = _Signature()

        def __init__(self, *args: object, **values: object) -> None:
            """Check names and values, and compile: the same for all policies, whatever their fields."""
            own = self.__dataclass_fields__
            if args:
                raise TypeError(f"{type(self).__name__} takes its fields by name only")
            for name in values:
                if name not in own:
                    raise TypeError(f"{type(self).__name__} has no field {shown(name)}; {_hint(name, own)}")
            for name, entry in own.items():
                check: Check = entry.metadata["check"]
                value = check(values.get(name, entry.default), f"{type(self).__name__}.{name}")
                object.__setattr__(self, name, value)
            self._complete()

        def __setattr__(self, name: str, value: object = None) -> NoReturn:
            """Whoever sets or deletes an attribute of a policy reads what to do instead."""
            raise FrozenInstanceError(f"{type(self).__name__} can't be changed: make another with replace()")

        __delattr__ = __setattr__

    def _complete(self) -> None:
        """Check what concerns several fields, and compile."""

    def _changed(self) -> dict[str, Any]:
        """The fields that differ from their defaults."""
        values = [(entry, getattr(self, entry.name)) for entry in fields(self)]
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
            for name, value in (self._changed() | dict.fromkeys(self._given_secrets(), HIDDEN)).items()
        ]
        return f"{type(self).__name__}({', '.join(texts)})"

    def _given_secrets(self) -> list[str]:
        """The names of the fields that are given and not to be told."""
        changed = self._changed()
        return [
            entry.name for entry in fields(self) if entry.metadata.get("secret") and entry.name in changed
        ]

    def __copy__(self: P) -> P:
        return self

    def __deepcopy__(self: P, memo: object) -> P:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        if secrets := self._given_secrets():
            raise InvalidType(
                f"a {type(self).__name__} with a {' and a '.join(secrets)} can't be pickled",
                advice="others may read what is pickled: make the policy in the process that uses it",
            )
        # Made anew at the other end: `settings` is compiled by the version of pyspike that runs there.
        return partial(type(self), **self._changed()), ()


class CommandPolicy(Policy):
    """What policies of commands share: `settings`, which is no field, but made of all fields.

    Policies are compared by their settings, in which a filter is bytes: the == of an expression makes another
    expression.
    """

    __slots__ = ("settings",)

    settings: Settings

    def _complete(self) -> None:
        object.__setattr__(self, "settings", Settings(**self._compiled()))

    def _compiled(self) -> dict[str, Any]:
        """The keywords of `Settings`."""
        raise NotImplementedError

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self.settings == other.settings

    def __hash__(self) -> int:
        return hash(self.settings)


def _hint(name: str, names: Iterable[str]) -> str:
    """What a name that is no field may have been meant to be."""
    import difflib  # only a mistake pays for it

    close = [each for each in names if name.startswith(each)]  # as user of username
    close = close or difflib.get_close_matches(name, names, n=1)
    return f"did you mean {close[0]!r}?" if close else f"it has {', '.join(names)}"


class ConsistencyLevel(enum.Enum):
    """How many copies a read in an available (AP) namespace consults while data is moving."""

    ONE = 0
    ALL = 1


class ReadModeSC(enum.Enum):
    """How strictly a read of a namespace with strong consistency (SC) reads; elsewhere it changes nothing.

    SESSION: the master answers, and one client never sees a version older than one it has seen. LINEARIZE: no
    client sees one older than any client has seen; the master asks the replicas first, which takes longer.
    ALLOW_REPLICA: a replica may answer, which may have an older version. ALLOW_UNAVAILABLE: so may one of a
    partition that is unavailable, whose version may be much older.
    """

    SESSION = MODE_SESSION
    LINEARIZE = MODE_LINEARIZE
    ALLOW_REPLICA = MODE_ALLOW_REPLICA
    ALLOW_UNAVAILABLE = MODE_ALLOW_UNAVAILABLE


class ErrorDetails(enum.Enum):
    """How much a server tells of an error besides its code: servers from 8.2 on, older ones tell nothing.

    SUBCODE: which of the reasons that the code has (`ServerError.subcode`). MESSAGE: that, and words in the
    error's message. TRACE: that, and where in an expression it was (`ServerError.trace`).
    """

    NONE = 0
    SUBCODE = 1
    MESSAGE = 2
    TRACE = 3


INFO4_DETAILS_SHIFT = 5


class ReadTouchTTL(enum.Enum):
    """Whether a read renews a record's TTL other than by a percentage; the values are the wire's."""

    SERVER_DEFAULT = 0
    DONT_RESET = 0xFFFF_FFFF


_INFO1 = {ConsistencyLevel.ONE: 0, ConsistencyLevel.ALL: INFO1_CONSISTENCY_ALL}
_INFO3 = {
    ReadModeSC.SESSION: 0,
    ReadModeSC.LINEARIZE: INFO3_SC_STRICTER,
    ReadModeSC.ALLOW_REPLICA: INFO3_SC_RELAXED,
    ReadModeSC.ALLOW_UNAVAILABLE: INFO3_SC_STRICTER | INFO3_SC_RELAXED,
}


def read_mode_bits(mode: ReadModeSC) -> dict[str, int]:
    """What a read mode adds to a request, and to the choice of the node, by the names of `Settings`."""
    return {"info3": _INFO3[mode], "read_mode": mode.value}


def _read_touch_ttl(value: object, name: str) -> int | ReadTouchTTL:
    return value if isinstance(value, ReadTouchTTL) else percent(value, name)


def read_touch_or_none(value: object, name: str) -> int | ReadTouchTTL | None:
    """What `read_touch_ttl` may be, or None."""
    return None if value is None else _read_touch_ttl(value, name)


@value_class(frozen=True, kw_only=True, slots=True, repr=False, eq=False)
class BasePolicy(CommandPolicy):
    """What policies of reads and of writes have in common.

    Args:
        consistency_level: how many copies a read consults while data is moving.
        read_mode_sc: how strictly namespaces with strong consistency are read.
        socket_timeout: how long one try may wait without progress; None gives each try its share of what is
            left of the deadline (30 s if there is none), so that a slow node leaves time for another; 0 all
            that is left.
        total_timeout: the deadline of the whole call with all its tries; 0 for none.
        connect_timeout: how long a try may wait for a connection to be opened, if it needs a new one, before
            another node is asked where there is one; 0 for as long as `ClientPolicy.timeout` and the deadline
            allow, which it never exceeds.
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
        error_details: how much the server tells of an error besides its code.
        use_compression: whether requests are compressed, by zlib at its quickest, and the server is asked to
            compress answers: it takes CPU time on both sides to save bytes on the way, as between data
            centers. Only the Enterprise Edition reads compressed requests; others refuse them with
            `EnterpriseOnly`.
        compression_threshold: bytes of a request up to which it is sent plain. One that compressing makes no
            smaller is sent plain too.
        deserialize: whether lists and maps are read as lists and dicts. If not, each is a `RawParticle` with
            its bytes, for programs that only copy or compare them; it can be written as it is.

    All times are milliseconds, 0 or 1 at least, or a timedelta.

    Raises:
        TypeError: there is no such field.
        InvalidType: a value is of the wrong type.
        InvalidArgument: a value is out of range, or a `compression_threshold` is given without
            `use_compression`.
    """

    consistency_level: ConsistencyLevel = policy_field(ConsistencyLevel.ONE, instance(ConsistencyLevel))
    read_mode_sc: ReadModeSC = policy_field(ReadModeSC.SESSION, instance(ReadModeSC))
    socket_timeout: MillisecondsOrNone = policy_field(None, ms_or_none)
    total_timeout: Milliseconds = policy_field(1000, timeout_ms)
    connect_timeout: Milliseconds = policy_field(0, timeout_ms)
    timeout_delay: Milliseconds = policy_field(0, timeout_ms)
    max_retries: int | None = policy_field(None, retries_or_none)
    read_touch_ttl: int | ReadTouchTTL = policy_field(ReadTouchTTL.SERVER_DEFAULT, _read_touch_ttl)
    sleep_between_retries: Milliseconds = policy_field(0, timeout_ms)
    filter_expression: SupportsToBytes | bytes | None = policy_field(None, checked_when_compiled)
    error_details: ErrorDetails = policy_field(ErrorDetails.NONE, instance(ErrorDetails))
    use_compression: bool = policy_field(False, instance(bool))
    compression_threshold: int = policy_field(COMPRESSION_THRESHOLD, whole(0, MAX_MESSAGE))
    deserialize: bool = policy_field(True, instance(bool))

    def _complete(self) -> None:
        if self.compression_threshold != COMPRESSION_THRESHOLD and not self.use_compression:
            raise InvalidArgument(
                f"{type(self).__name__}.compression_threshold is {self.compression_threshold}, "
                "but nothing is compressed",
                advice="set use_compression",
            )
        CommandPolicy._complete(self)

    def _reading(self) -> tuple[ConsistencyLevel, ReadModeSC, int | ReadTouchTTL]:
        """How records are read."""
        return self.consistency_level, self.read_mode_sc, self.read_touch_ttl

    def _compiled(self) -> dict[str, Any]:
        consistency, mode, touch = self._reading()
        return {
            "info1": _INFO1[consistency] | (INFO1_COMPRESS_RESPONSE if self.use_compression else 0),
            **read_mode_bits(mode),
            "info4": self.error_details.value << INFO4_DETAILS_SHIFT,
            "ttl": touch.value if isinstance(touch, ReadTouchTTL) else touch,
            "socket_timeout": self.socket_timeout,
            "total_timeout": self.total_timeout,
            "connect_timeout": self.connect_timeout,
            "timeout_delay": self.timeout_delay,
            "max_retries": READ_RETRIES if self.max_retries is None else self.max_retries,
            "sleep_between_retries": self.sleep_between_retries,
            "filter_expression": filter_bytes(
                self.filter_expression, f"{type(self).__name__}.filter_expression"
            ),
            "compress_above": self.compression_threshold if self.use_compression else -1,
            "raw": not self.deserialize,
        }
