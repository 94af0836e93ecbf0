"""Every exception that pyspike raises, in one tree under `AerospikeError`.

An error belongs to itself: all it knows are attributes of the instance, and it travels between processes with
all of them. Classes that mean what a builtin exception means also derive from it, so `except KeyError`,
`except ValueError`, `except TimeoutError` and `except ConnectionError` work as Python's users expect. A leaf:
only `ResultCode` is below it, and how values are shown.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from pyspike.error_details import ExpressionTrace, told_by
from pyspike.plain_value import PlainValue, value_class
from pyspike.result_code import ResultCode
from pyspike.showing import clipped, shown

SHOWN_SIZE = 2000  # characters of a message, which may be a server's
SHOWN_ATTEMPTS = 10  # the first, and the last
SHOWN_ROWS = 5  # of a batch, that failed

if TYPE_CHECKING:
    from pyspike._wire import BatchRecord, Key

__all__ = [
    "AerospikeError",
    "Attempt",
    "BatchDisabled",
    "BatchError",
    "BatchMaxRequestsExceeded",
    "BatchQueuesFull",
    "BinExists",
    "BinNameTooLong",
    "BinNotFound",
    "BinTypeError",
    "ClientClosed",
    "ClusterKeyMismatch",
    "ConnectFailed",
    "ConnectionError",
    "DeviceOverload",
    "ElementExists",
    "ElementNotFound",
    "EnterpriseOnly",
    "ExpiredPassword",
    "ExpiredSession",
    "FailForbidden",
    "FilteredOut",
    "ForbiddenPassword",
    "GenerationError",
    "IndexFound",
    "IndexNotFound",
    "IndexNotReadable",
    "InvalidAllowlist",
    "InvalidArgument",
    "InvalidCredential",
    "InvalidGeoJSON",
    "InvalidNamespace",
    "InvalidNode",
    "InvalidPassword",
    "InvalidPrivilege",
    "InvalidQuota",
    "InvalidRole",
    "InvalidType",
    "InvalidUser",
    "JobError",
    "KeyBusy",
    "KeyMismatch",
    "LostConflict",
    "MaxErrorRate",
    "NoMoreConnections",
    "NotAllowlisted",
    "NotAuthenticated",
    "OpNotApplicable",
    "PartitionUnavailable",
    "ProtocolError",
    "QueryAborted",
    "QueryError",
    "QueryQueueFull",
    "QueryTimeout",
    "QuotaExceeded",
    "QuotasNotEnabled",
    "RecordError",
    "RecordExists",
    "RecordNotFound",
    "RecordTooBig",
    "RequestInvalid",
    "RoleAlreadyExists",
    "RoleViolation",
    "RowRefused",
    "SchemaMismatch",
    "SecondaryIndexError",
    "SecurityError",
    "SecurityNotEnabled",
    "SecurityNotSupported",
    "ServerError",
    "ServerMemError",
    "ServerTimeout",
    "TLSError",
    "TimeoutError",
    "TransactionAborted",
    "TransactionAlreadyAborted",
    "TransactionAlreadyCommitted",
    "TransactionAlreadyLocked",
    "TransactionBlocked",
    "TransactionCommitted",
    "TransactionError",
    "TransactionExpired",
    "TransactionFailed",
    "TransactionMonitorExists",
    "TransactionTooManyWrites",
    "TransactionVersionMismatch",
    "UdfError",
    "UnsupportedFeature",
    "UserAlreadyExists",
    "XDRKeyBusy",
]

E = TypeVar("E", bound="AerospikeError")


@value_class(frozen=True, slots=True, repr=False, eq=False)
class Attempt(PlainValue):
    """One try of a command that failed.

    Args:
        node: the node's name, None where none was found.
        error: what went wrong.
        elapsed_ms: how long the try took, in milliseconds.
        sent: whether the request may have reached the server.
    """

    node: str | None
    error: str
    elapsed_ms: float
    sent: bool

    def __str__(self) -> str:
        sent = "" if self.sent else ", not sent"
        error = clipped(self.error, SHOWN_SIZE)
        return f"{self.node or 'no node'}, {self.elapsed_ms:.1f} ms{sent}: {error}"


class AerospikeError(Exception):
    """The root of all errors of pyspike.

    Args:
        message: what went wrong, in one line.
        result_code: the server's answer; None if the server did not answer.
        key: the record's `Key`.
        node: the name of the node that was asked last.
        in_doubt: whether a write was or may still be applied although it failed.
        attempts: every try, the oldest first.
        timeout: the call's deadline in milliseconds.
        advice: what to do about it, in one line.
    """

    message: str
    result_code: ResultCode | None
    key: Key | None
    node: str | None
    in_doubt: bool
    attempts: tuple[Attempt, ...]
    timeout: float | None
    advice: str

    _may_pass: ClassVar[bool] = False

    def __init__(
        self,
        message: str = "",
        *,
        result_code: ResultCode | None = None,
        key: Key | None = None,
        node: str | None = None,
        in_doubt: bool = False,
        attempts: Sequence[Attempt] = (),
        timeout: float | None = None,
        advice: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.result_code = result_code
        self.key = key
        self.node = node
        self.in_doubt = in_doubt
        self.attempts = tuple(attempts)
        self.timeout = timeout
        self.advice = advice

    @property
    def retryable(self) -> bool:
        """Whether the same call may succeed if it is made again, as what is in its way may pass by itself.

        What the policy's `max_retries` allows was tried already. A write that is `in_doubt` may be applied
        twice if it is made again.
        """
        return self._may_pass

    def __str__(self) -> str:
        # Never the builtin relatives' __str__: KeyError shows its argument's repr, OSError its errno.
        first = clipped(self.message, SHOWN_SIZE) or type(self).__name__
        if self.key is not None:
            first += f": {self.key!r}"
        if context := ", ".join(self._context()):
            first += f" [{context}]"
        return "\n  ".join([first, *self._details()])

    def _context(self) -> Iterable[str]:
        code = self.result_code
        if code is not None:
            yield f"code {int(code)} {code.name}"
        if self.node is not None:
            yield f"node {self.node}"
        if self.timeout is not None and isinstance(self, builtins.TimeoutError):
            yield f"deadline {self.timeout:g} ms"

    def _details(self) -> Iterable[str]:
        if self.in_doubt:
            yield "in doubt: the write was or may still be applied"
        if len(self.attempts) > 1:
            for number, attempt in enumerate(self.attempts, 1):
                if number <= SHOWN_ATTEMPTS or number > len(self.attempts) - SHOWN_ATTEMPTS:
                    yield f"attempt {number}: {attempt}"
                elif number == SHOWN_ATTEMPTS + 1:
                    yield "…"
        if self.advice:
            yield f"advice: {clipped(self.advice, SHOWN_SIZE)}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(shown(arg, SHOWN_SIZE) for arg in self.args)})"

    def __reduce__(self) -> tuple[Any, ...]:
        # Exception's own would call the class with args alone, and OSError's adds arguments of its own.
        return _restored, (type(self), self.args), self.__dict__


def _restored(cls: type[E], args: tuple[object, ...]) -> E:
    """An error of this class, made without its `__init__`: a user's subclass may have other arguments."""
    error = cls.__new__(cls)
    error.args = args
    return error


# What the client finds by itself ----------------------------------------------------------------------------


class TimeoutError(AerospikeError, builtins.TimeoutError):
    """The deadline passed before the command was done."""

    _may_pass = True


class NoMoreConnections(TimeoutError):
    """Every connection to the node was in use, and none became free in time."""


class MaxErrorRate(AerospikeError):
    """The node has failed so often lately that it gets no commands for a while; nothing was sent."""

    _may_pass = True


class ConnectionError(AerospikeError, builtins.ConnectionError):
    """A connection could not be opened, or broke while a command was on it."""

    _may_pass = True


class ConnectFailed(ConnectionError):
    """No node is known that could be asked; the message lists each seed host with its reason."""


class TLSError(ConnectionError):
    """TLS failed: a certificate was refused, or the two sides have nothing in common; the message says what.

    Another try would not help, so the same call is not made again until somebody has done something about it.
    """

    _may_pass = False


class InvalidNode(AerospikeError):
    """The cluster has no such node."""


class InvalidArgument(AerospikeError, ValueError):
    """An argument is out of range or contradicts another one; nothing was sent."""


class InvalidType(InvalidArgument, TypeError):
    """An argument, or something inside a value, is of a type that can't be used there; nothing was sent."""


class SchemaMismatch(AerospikeError, ValueError):
    """A record does not fit the columns or the class that it was to be made into.

    Args:
        message: what does not fit, and why.
        bin: the name of the bin, or of another column; empty if it is no single one.

    The other arguments are those of `AerospikeError`.
    """

    bin: str

    def __init__(
        self,
        message: str = "",
        *,
        bin: str = "",
        result_code: ResultCode | None = None,
        key: Key | None = None,
        node: str | None = None,
        in_doubt: bool = False,
        attempts: Sequence[Attempt] = (),
        timeout: float | None = None,
        advice: str = "",
    ) -> None:
        super().__init__(
            message,
            result_code=result_code,
            key=key,
            node=node,
            in_doubt=in_doubt,
            attempts=attempts,
            timeout=timeout,
            advice=advice,
        )
        self.bin = bin


class RowRefused(InvalidArgument):
    """A row of columns can't be written, as the server can't hold a value that it has.

    Args:
        message: what it is, and why.
        column: the name of the column.
        row: the row's number in the data, from 0 on.

    The other arguments are those of `AerospikeError`.
    """

    column: str
    row: int

    def __init__(
        self,
        message: str = "",
        *,
        column: str = "",
        row: int = 0,
        result_code: ResultCode | None = None,
        key: Key | None = None,
        node: str | None = None,
        in_doubt: bool = False,
        attempts: Sequence[Attempt] = (),
        timeout: float | None = None,
        advice: str = "",
    ) -> None:
        super().__init__(
            message,
            result_code=result_code,
            key=key,
            node=node,
            in_doubt=in_doubt,
            attempts=attempts,
            timeout=timeout,
            advice=advice,
        )
        self.column = column
        self.row = row


class ClientClosed(AerospikeError):
    """The client was closed."""


class BatchError(AerospikeError):
    """Rows of a batch failed; what came of each row is in `results`.

    Args:
        message: what went wrong, in one line.
        results: what came of the batch's rows, in their order.

    The other arguments are those of `AerospikeError`.
    """

    results: Sequence[BatchRecord]

    def __init__(
        self,
        message: str = "",
        *,
        results: Sequence[BatchRecord] = (),
        result_code: ResultCode | None = None,
        key: Key | None = None,
        node: str | None = None,
        in_doubt: bool = False,
        attempts: Sequence[Attempt] = (),
        timeout: float | None = None,
        advice: str = "",
    ) -> None:
        super().__init__(
            message,
            result_code=result_code,
            key=key,
            node=node,
            in_doubt=in_doubt,
            attempts=attempts,
            timeout=timeout,
            advice=advice,
        )
        self.results = results

    @property
    def retryable(self) -> bool:
        """Whether every row that failed may succeed if it is tried again: see `AerospikeError.retryable`."""
        failed = [row.error for row in self.results if row.error is not None]
        return bool(failed) and all(error.retryable for error in failed)

    def _details(self) -> Iterable[str]:
        failed = [(place, row.error) for place, row in enumerate(self.results) if row.error is not None]
        for place, error in failed[:SHOWN_ROWS]:
            doubt = ", in doubt" if error.in_doubt else ""
            code = (
                ""
                if error.result_code is None
                else f" [code {int(error.result_code)} {error.result_code.name}]"
            )
            key = "" if error.key is None else f": {error.key!r}"
            message = clipped(error.message, SHOWN_SIZE)
            yield f"row {place}: {type(error).__name__}: {message}{key}{code}{doubt}"
        if len(failed) > SHOWN_ROWS:
            yield f"… and {len(failed) - SHOWN_ROWS} more"
        yield from super()._details()


class JobError(AerospikeError):
    """Nodes failed with a job that they run in the background: they did not begin it, or not come to its end.

    Args:
        message: what went wrong, in one line.
        job_id: the job's number.
        failures: why, by the names of the nodes that have failed.

    The other arguments are those of `AerospikeError`.
    """

    job_id: int
    failures: Mapping[str, AerospikeError]

    def __init__(
        self,
        message: str = "",
        *,
        job_id: int = 0,
        failures: Mapping[str, AerospikeError] | None = None,
        result_code: ResultCode | None = None,
        key: Key | None = None,
        node: str | None = None,
        in_doubt: bool = False,
        attempts: Sequence[Attempt] = (),
        timeout: float | None = None,
        advice: str = "",
    ) -> None:
        super().__init__(
            message,
            result_code=result_code,
            key=key,
            node=node,
            in_doubt=in_doubt,
            attempts=attempts,
            timeout=timeout,
            advice=advice,
        )
        self.job_id = job_id
        self.failures = {} if failures is None else dict(failures)


class TransactionFailed(AerospikeError):
    """A transaction can't go on, or its commit has failed; with `in_doubt` it may be committed all the same.

    Its `__cause__` is the error of the request that has failed, and the `result_code` is that error's.
    """

    @property
    def retryable(self) -> bool:
        """Whether a commit whose outcome is not known may succeed if it is made again.

        Not any more when the transaction's time is over: then the servers don't tell what has come of it.
        """
        return self.in_doubt and self.result_code is not ResultCode.MRT_EXPIRED


class TransactionAlreadyCommitted(TransactionFailed):
    """The transaction is committed: it can't be aborted, and takes no commands."""


class TransactionAlreadyAborted(TransactionFailed):
    """The transaction is aborted: it can't be committed, and takes no commands."""


class ProtocolError(AerospikeError):
    """What came from the server can't be right, so the connection was closed."""

    _may_pass = True


# What a server answers --------------------------------------------------------------------------------------


class ServerError(AerospikeError):
    """A server answered with a result code. Codes without a class of their own come as this class.

    Takes the arguments of `AerospikeError`. What is left out comes from the result code: the message from its
    meaning, the advice from its advice, and the code itself from the class (SERVER_ERROR where it has none).

    A subclass names its code (`class RecordNotFound(..., code=ResultCode.KEY_NOT_FOUND_ERROR)`), and a class
    that is a family names the codes it takes while they have no class of their own (`family=range(200,
    207)`).

    Attributes:
        subcode: which of the reasons that the code has, of servers from 8.2 on and by a policy's
            `error_details`; 0 if the server did not say. It means something only together with the code.
        trace: where in an expression it failed, if the server says so; else None.
    """

    result_code: ResultCode  # pyright: ignore[reportIncompatibleVariableOverride]
    subcode: int
    trace: ExpressionTrace | None

    code: ClassVar[ResultCode] = ResultCode.SERVER_ERROR

    def __init_subclass__(
        cls, *, code: ResultCode | None = None, family: Iterable[int] = (), **kwargs: Any
    ) -> None:
        super().__init_subclass__(**kwargs)
        if code is not None:
            cls.code = code
        for number in (*family, *(() if code is None else (code,))):
            # A member takes its code over from its family; anything else would change what is raised.
            if not issubclass(cls, taken := _BY_CODE.get(number, ServerError)):
                raise TypeError(f"code {number} already belongs to {taken.__name__}")
            _BY_CODE[number] = cls

    def __init__(
        self,
        message: str = "",
        *,
        result_code: ResultCode | None = None,
        key: Key | None = None,
        node: str | None = None,
        in_doubt: bool = False,
        attempts: Sequence[Attempt] = (),
        timeout: float | None = None,
        advice: str = "",
    ) -> None:
        code = self.code if result_code is None else result_code
        super().__init__(
            message or code.meaning,
            result_code=code,
            key=key,
            node=node,
            in_doubt=in_doubt,
            attempts=attempts,
            timeout=timeout,
            advice=advice or code.advice,
        )
        self.subcode = 0
        self.trace = None

    def _context(self) -> Iterable[str]:
        yield from super()._context()
        if self.subcode:
            yield f"subcode {self.subcode}"

    def _details(self) -> Iterable[str]:
        if self.trace is not None and (trace := str(self.trace)):
            yield f"expression: {clipped(trace, SHOWN_SIZE)}"
        yield from super()._details()

    @property
    def retryable(self) -> bool:
        """Whether the same call may succeed if it is made again: see `AerospikeError.retryable`."""
        return self.result_code.retryable


class RecordError(ServerError):
    """A server refused a command on one record; what it was about is the error's `key`."""

    key: Key  # pyright: ignore[reportIncompatibleVariableOverride]


_BY_CODE: dict[int, type[ServerError]] = {}


def from_code(code: int, message: str = "", *, told: bytes | None = None, **context: Any) -> ServerError:
    """The error for a result code, of the class that belongs to it.

    Args:
        code: the server's number, known or not.
        message: the server's own words, if it sent some; else the code's meaning is the message.
        told: what the server told besides the code, as it came.
        **context: the other keyword arguments of `AerospikeError`. Where there is no `key`, as in the answer
            to an info command, it is no `RecordError`.
    """
    kind = _BY_CODE.get(code, ServerError)
    if issubclass(kind, RecordError) and context.get("key") is None:
        kind = ServerError
    if told is None:
        return kind(message, result_code=ResultCode.of(code), **context)
    found = told_by(told)
    error = kind(message or found.message, result_code=ResultCode.of(code), **context)
    error.subcode, error.trace = found.subcode, found.trace
    return error


class RecordNotFound(RecordError, KeyError, code=ResultCode.KEY_NOT_FOUND_ERROR):
    """There is no record with this key."""


class GenerationError(RecordError, code=ResultCode.GENERATION_ERROR):
    """The record was written since the generation that the write expected."""


class RequestInvalid(ServerError, ValueError, code=ResultCode.PARAMETER_ERROR):
    """The server found the request malformed or inconsistent."""


class RecordExists(RecordError, code=ResultCode.KEY_EXISTS_ERROR):
    """The record exists, and the write was to create it."""


class BinExists(RecordError, code=ResultCode.BIN_EXISTS_ERROR):
    """The bin exists, and the operation was to create it."""


class ClusterKeyMismatch(ServerError, code=ResultCode.CLUSTER_KEY_MISMATCH):
    """The cluster changed while the command ran."""


class ServerMemError(ServerError, code=ResultCode.SERVER_MEM_ERROR):
    """The namespace is full."""


class ServerTimeout(ServerError, TimeoutError, code=ResultCode.TIMEOUT):  # pyright: ignore[reportIncompatibleVariableOverride]
    """The server, not the client, found that the command's time was over."""


class PartitionUnavailable(ServerError, code=ResultCode.PARTITION_UNAVAILABLE):
    """The node does not serve the record's partition at the moment."""


class BinTypeError(RecordError, TypeError, code=ResultCode.BIN_TYPE_ERROR):
    """The bin's value is of a type that the operation can't work on."""


class RecordTooBig(RecordError, ValueError, code=ResultCode.RECORD_TOO_BIG):
    """The record would become larger than the namespace allows."""


class KeyBusy(RecordError, code=ResultCode.KEY_BUSY):
    """Too many commands wait for this record."""


class UnsupportedFeature(ServerError, code=ResultCode.UNSUPPORTED_FEATURE):
    """The server can't do this."""


class BinNotFound(RecordError, KeyError, code=ResultCode.BIN_NOT_FOUND):
    """There is no such bin, and the operation was to change it."""


class DeviceOverload(ServerError, code=ResultCode.DEVICE_OVERLOAD):
    """The node's storage can't keep up with the writes."""


class KeyMismatch(RecordError, code=ResultCode.KEY_MISMATCH):
    """The key stored with the record is another one."""


class InvalidNamespace(ServerError, code=ResultCode.INVALID_NAMESPACE):
    """The server has no such namespace."""


class BinNameTooLong(RecordError, ValueError, code=ResultCode.BIN_NAME_TOO_LONG):
    """A bin name has more than 15 bytes."""


class FailForbidden(ServerError, code=ResultCode.FAIL_FORBIDDEN):
    """The server's configuration does not allow this now."""


class ElementNotFound(RecordError, KeyError, code=ResultCode.ELEMENT_NOT_FOUND):
    """The list or map has no such element."""


class ElementExists(RecordError, code=ResultCode.ELEMENT_EXISTS):
    """The list or map has the element, and the operation was to create it."""


class EnterpriseOnly(ServerError, code=ResultCode.ENTERPRISE_ONLY):
    """The server is a Community Edition and can't do this."""


class OpNotApplicable(RecordError, code=ResultCode.OP_NOT_APPLICABLE):
    """The operation does not fit the bin's value: an index out of range, a context that leads nowhere.

    From `operations.exp`: the expression's result is unknown, as for a bin that is missing or of another
    type, and the flags lack EVAL_NO_FAIL; or it is nil, and they lack ALLOW_DELETE.
    """


class FilteredOut(RecordError, code=ResultCode.FILTERED_OUT):
    """The filter expression did not hold, so nothing was read or written."""


class LostConflict(RecordError, code=ResultCode.LOST_CONFLICT):
    """The write lost against a newer one of another cluster."""


class XDRKeyBusy(RecordError, code=ResultCode.XDR_KEY_BUSY):
    """The record can't be written until XDR has shipped it."""


class SecurityError(ServerError, family=(*range(51, 84), *range(90, 95))):
    """Login, users, roles, quotas or LDAP; the result code says which."""


class SecurityNotSupported(SecurityError, code=ResultCode.SECURITY_NOT_SUPPORTED):
    """The server has no users: it is a Community Edition."""


class SecurityNotEnabled(SecurityError, code=ResultCode.SECURITY_NOT_ENABLED):
    """Security is turned off on the server."""


class InvalidUser(SecurityError, code=ResultCode.INVALID_USER):
    """There is no such user, or its name can't be one."""


class UserAlreadyExists(SecurityError, code=ResultCode.USER_ALREADY_EXISTS):
    """There is a user of this name."""


class InvalidPassword(SecurityError, code=ResultCode.INVALID_PASSWORD):
    """The password can't be one."""


class ExpiredPassword(SecurityError, code=ResultCode.EXPIRED_PASSWORD):
    """The password has expired."""


class ForbiddenPassword(SecurityError, code=ResultCode.FORBIDDEN_PASSWORD):
    """The password is not allowed, or the user may log in by a certificate only."""


class InvalidCredential(SecurityError, code=ResultCode.INVALID_CREDENTIAL):
    """User and password do not match."""


class ExpiredSession(SecurityError, code=ResultCode.EXPIRED_SESSION):
    """The login session has expired."""


class InvalidRole(SecurityError, code=ResultCode.INVALID_ROLE):
    """There is no such role, or its name can't be one."""


class RoleAlreadyExists(SecurityError, code=ResultCode.ROLE_ALREADY_EXISTS):
    """There is a role of this name."""


class InvalidPrivilege(SecurityError, code=ResultCode.INVALID_PRIVILEGE):
    """The server knows no such privilege, or not with this scope."""


class InvalidAllowlist(SecurityError, code=ResultCode.INVALID_ALLOWLIST):
    """What should be allowed are no addresses."""


class QuotasNotEnabled(SecurityError, code=ResultCode.QUOTAS_NOT_ENABLED):
    """Quotas are turned off on the server."""


class InvalidQuota(SecurityError, code=ResultCode.INVALID_QUOTA):
    """The quota is out of range."""


class NotAuthenticated(SecurityError, code=ResultCode.NOT_AUTHENTICATED):
    """The server has security turned on, and the connection is not logged in."""


class RoleViolation(SecurityError, code=ResultCode.ROLE_VIOLATION):
    """The user's roles do not allow this."""


class NotAllowlisted(SecurityError, code=ResultCode.NOT_ALLOWLISTED):
    """The user's roles do not allow connections from this address."""


class QuotaExceeded(SecurityError, code=ResultCode.QUOTA_EXCEEDED):
    """The user's quota of reads or writes a second is used up."""


class UdfError(ServerError, code=ResultCode.UDF_BAD_RESPONSE):
    """A user-defined function failed; the message is its own."""


class TransactionError(ServerError, family=range(120, 128)):
    """A transaction failed, or was in the way of another command; the result code says why."""


class TransactionBlocked(TransactionError, code=ResultCode.MRT_BLOCKED):
    """A transaction holds the record, which others can't write until it ends."""


class TransactionVersionMismatch(TransactionError, code=ResultCode.MRT_VERSION_MISMATCH):
    """Somebody else has changed the record since the transaction had read it."""


class TransactionExpired(TransactionError, code=ResultCode.MRT_EXPIRED):
    """The transaction's time is over; the servers abort it."""


class TransactionTooManyWrites(TransactionError, code=ResultCode.MRT_TOO_MANY_WRITES):
    """The transaction writes more records than it may."""


class TransactionCommitted(TransactionError, code=ResultCode.MRT_COMMITTED):
    """The servers have the transaction as committed."""


class TransactionAborted(TransactionError, code=ResultCode.MRT_ABORTED):
    """The servers have the transaction as aborted."""


class TransactionAlreadyLocked(TransactionError, code=ResultCode.MRT_ALREADY_LOCKED):
    """The transaction has written the record before, and the policy is `on_locking_only`."""


class TransactionMonitorExists(TransactionError, code=ResultCode.MRT_MONITOR_EXISTS):
    """The servers know a transaction of this id already."""


class BatchDisabled(ServerError, code=ResultCode.BATCH_DISABLED):
    """Batches are turned off on the server."""


class BatchMaxRequestsExceeded(ServerError, code=ResultCode.BATCH_MAX_REQUESTS_EXCEEDED):
    """The batch has more keys for one node than the server allows."""


class BatchQueuesFull(ServerError, code=ResultCode.BATCH_QUEUES_FULL):
    """All of the server's batch queues are full."""


class InvalidGeoJSON(ServerError, ValueError, code=ResultCode.INVALID_GEOJSON):
    """The server can't read a value as GeoJSON."""


class SecondaryIndexError(ServerError, family=range(200, 207)):
    """A secondary index failed; the result code says why."""


class IndexFound(SecondaryIndexError, code=ResultCode.INDEX_FOUND):
    """The index exists with another definition."""


class IndexNotFound(SecondaryIndexError, KeyError, code=ResultCode.INDEX_NOT_FOUND):
    """There is no such index."""


class IndexNotReadable(SecondaryIndexError, code=ResultCode.INDEX_NOT_READABLE):
    """The index is still being built."""


class QueryError(ServerError, family=(ResultCode.SCAN_ABORT, *range(210, 216))):
    """A query failed on the server; the result code says why."""


class QueryAborted(QueryError, code=ResultCode.QUERY_ABORTED, family=(ResultCode.SCAN_ABORT,)):
    """The query was stopped on the server."""


class QueryQueueFull(QueryError, code=ResultCode.QUERY_QUEUE_FULL):
    """The server's query queue is full."""


class QueryTimeout(QueryError, TimeoutError, code=ResultCode.QUERY_TIMEOUT):  # pyright: ignore[reportIncompatibleVariableOverride]
    """The query took longer than the server allows."""
