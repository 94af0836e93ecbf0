"""What a server can answer: every result code, what it means and what to do about it.

The class body is the one table (number, meaning, advice); `pyspike.errors` makes exceptions of it. Names are
those of the Rust client, for codes that it lacks those of the C client. This module is a leaf: it imports
nothing of pyspike.
"""

from __future__ import annotations

import enum
from typing import Any

__all__ = ["ResultCode"]


class ResultCode(enum.IntEnum):
    """The number with which a server says how a command ended.

    A newer server may send a number that is not in the table: `ResultCode.of(77)` makes a member for it.

    Attributes:
        meaning: what it says, in one plain sentence without a full stop.
        advice: what to do about it, in one line; empty where there is nothing more to say.
    """

    meaning: str
    advice: str

    def __new__(cls, number: int, meaning: str, advice: str = "") -> ResultCode:
        """A member from its row of the table."""
        member = int.__new__(cls, number)
        member._value_ = number
        member.meaning = meaning
        member.advice = advice
        return member

    @classmethod
    def of(cls, code: int) -> ResultCode:
        """The member with this number; one named `UNKNOWN_<number>` if pyspike does not know it."""
        known = _BY_NUMBER.get(code)
        return _unknown(code) if known is None else known

    @property
    def retryable(self) -> bool:
        """Whether the same request may succeed later, as what is in its way may pass by itself."""
        return self in _PASSING

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        # By number: one that is not in the table can't be found by its name. By a function of this module, as
        # cloudpickle sends the code of a class method along, and not what that is about.
        return _restored, (int(self),)

    OK = 0, "success"
    SERVER_ERROR = 1, "the server failed for a reason it has no code for", "the server's log has the reason"
    KEY_NOT_FOUND_ERROR = 2, "record not found"
    GENERATION_ERROR = (
        3,
        "the record's generation is not the expected one",
        "someone else wrote it in between: read the record again and retry with its generation",
    )
    PARAMETER_ERROR = (
        4,
        "the server refused the request as malformed or inconsistent",
        "the server's log names the parameter; often a broken expression, or what its version does not have",
    )
    KEY_EXISTS_ERROR = (
        5,
        "the record already exists",
        "CREATE_ONLY forbids to write over it: use another RecordExistsAction, or delete the record first",
    )
    BIN_EXISTS_ERROR = 6, "the bin already exists", "drop the create-only flag, or delete the bin first"
    CLUSTER_KEY_MISMATCH = (
        7,
        "the cluster changed, or was moving data, while the command ran",
        "retry once the cluster is stable",
    )
    SERVER_MEM_ERROR = (
        8,
        "the namespace is full and takes no more writes",
        "free space or add nodes: its stop-writes limits or its storage are reached",
    )
    TIMEOUT = (
        9,
        "the server gave up on the command when its time was over",
        "give it a longer timeout, or look for what makes the server slow",
    )
    ALWAYS_FORBIDDEN = 10, "the command is never allowed here"
    PARTITION_UNAVAILABLE = (
        11,
        "no node serves the record's partition at the moment",
        "it passes while nodes join or leave; if it stays, nodes are missing from the cluster or (strong "
        "consistency) from the roster, or the partition is dead until an operator revives it; "
        "ALLOW_UNAVAILABLE reads what is left of it",
    )
    BIN_TYPE_ERROR = (
        12,
        "the bin holds a value of another type than the operation is for",
        "read the bin to see its type, or put a value of the right type first",
    )
    RECORD_TOO_BIG = (
        13,
        "the record would become larger than the namespace allows",
        "split it over several records, or raise the namespace's max-record-size",
    )
    KEY_BUSY = (
        14,
        "too many commands wait for this one record",
        "it is a hot key: retry with back-off, spread its writes over several keys, or raise the namespace's "
        "transaction-pending-limit",
    )
    SCAN_ABORT = 15, "the query was stopped on the server", "run it again"
    UNSUPPORTED_FEATURE = 16, "the server does not support this", "check the server's version"
    BIN_NOT_FOUND = 17, "bin not found", "drop the update-only flag, or create the bin first"
    DEVICE_OVERLOAD = (
        18,
        "the node's storage can't keep up with the writes",
        "write slower or retry with back-off; if it lasts, add devices or raise max-write-cache",
    )
    KEY_MISMATCH = (
        19,
        "the key stored with the record is not the key of the request",
        "two keys share a digest, or a digest was sent with the wrong key: check the key",
    )
    INVALID_NAMESPACE = (
        20,
        "unknown namespace",
        "check the namespace's name; the server must have it in its configuration",
    )
    BIN_NAME_TOO_LONG = 21, "a bin name is too long", "the limit is 15 bytes of UTF-8: choose a shorter name"
    FAIL_FORBIDDEN = (
        22,
        "the server's configuration does not allow this now",
        "if a TTL was given: the namespace has nsup-period 0, set it or allow-ttl-without-nsup; deletes with "
        "strong consistency need durable_delete=True; otherwise the feature is turned off or "
        "its limit reached, the server's log says which",
    )
    ELEMENT_NOT_FOUND = 23, "the list or map has no such element", "create it, or drop the update-only flag"
    ELEMENT_EXISTS = (
        24,
        "the list or map already has this element",
        "drop the create-only or add-unique flag, or pass the no-fail flag",
    )
    ENTERPRISE_ONLY = (
        25,
        "only servers of the Enterprise Edition can do this",
        "leave out durable_delete and transactions, or use an Enterprise server",
    )
    OP_NOT_APPLICABLE = (
        26,
        "the operation can't be applied to what the bin holds",
        "lists and maps: check that index and rank are in range and that the context exists "
        "(map_key_create and list_index_create make what is not there); expressions: the result is unknown, "
        "say as a bin is missing: test for that with exp.cond, or pass EVAL_NO_FAIL",
    )
    FILTERED_OUT = 27, "the filter expression did not hold for the record"
    LOST_CONFLICT = 28, "the write lost against a newer one of another cluster", "read the record again"
    INVALID_ENCODING = 29, "a text is no valid UTF-8"
    RECORD_VERSION_MISMATCH = 30, "the record's version is not the expected one", "read the record again"
    XDR_KEY_BUSY = 32, "the record can't be written until XDR has shipped it", "retry with back-off"

    QUERY_END = 50, "end of the answer"
    SECURITY_NOT_SUPPORTED = (
        51,
        "the server has no users, as it is a Community Edition",
        "leave out user and password, or use an Enterprise server",
    )
    SECURITY_NOT_ENABLED = (
        52,
        "security is turned off on the server",
        "connect without a user, or turn security on",
    )
    SECURITY_SCHEME_NOT_SUPPORTED = 53, "the server does not know this way to log in", "choose another"
    INVALID_COMMAND = 54, "the server does not know this security command", "check its version"
    INVALID_FIELD = 55, "the server does not know a field of the security command", "check its version"
    ILLEGAL_STATE = 56, "the security command does not fit the connection's state"
    INVALID_USER = 60, "unknown or malformed user", "check the user's name"
    USER_ALREADY_EXISTS = 61, "the user already exists", "choose another name, or grant it roles"
    INVALID_PASSWORD = 62, "the password is malformed", "check the password"
    EXPIRED_PASSWORD = 63, "the password has expired", "set a new password"
    FORBIDDEN_PASSWORD = (
        64,
        "the password is not allowed",
        "choose one that was not used recently; a user without a password logs in by its certificate",
    )
    INVALID_CREDENTIAL = 65, "user and password do not match", "check user, password and auth mode"
    EXPIRED_SESSION = 66, "the login session has expired", "the client logs in again by itself: try again"
    INVALID_ROLE = 70, "unknown or malformed role", "check the role's name"
    ROLE_ALREADY_EXISTS = 71, "the role already exists", "choose another name, or grant it privileges"
    INVALID_PRIVILEGE = 72, "unknown or malformed privilege", "check the privilege and its scope"
    INVALID_ALLOWLIST = 73, "malformed list of allowed addresses", "it takes IP addresses and subnets"
    QUOTAS_NOT_ENABLED = 74, "quotas are turned off on the server", "turn enable-quotas on, or set no quota"
    INVALID_QUOTA = 75, "the quota is out of range", "it is a number of records a second, 0 for any number"
    NOT_AUTHENTICATED = (
        80,
        "not logged in",
        "the server has security turned on: give ClientPolicy a user and a password; a client that has them "
        "logs in again by itself, and the call can be made again",
    )
    ROLE_VIOLATION = 81, "the user's roles do not allow this", "ask an administrator to grant the privilege"
    NOT_ALLOWLISTED = 82, "the user may not connect from this address", "ask for the address to be allowed"
    QUOTA_EXCEEDED = 83, "the user's quota of reads or writes a second is used up", "send fewer a second"
    LDAP_NOT_CONFIGURED = 90, "the server has no LDAP configuration", "use internal users, or configure LDAP"
    LDAP_SETUP = 91, "the server could not set up LDAP", "the server's log has the reason"
    LDAP_TLS_SETUP = 92, "the server could not set up TLS to LDAP", "the server's log has the reason"
    LDAP_AUTHENTICATION = 93, "LDAP did not accept the user", "check user and password"
    LDAP_QUERY = 94, "the server's LDAP query failed", "the server's log has the reason"

    UDF_BAD_RESPONSE = 100, "the user-defined function failed", "see its Lua code"

    MRT_BLOCKED = (
        120,
        "a transaction holds the record",
        "try again a little later; in a transaction: abort it and run it again",
    )
    MRT_VERSION_MISMATCH = (
        121,
        "a record changed after the transaction had read it",
        "abort the transaction and run it again",
    )
    MRT_EXPIRED = (
        122,
        "the transaction's time is over",
        "abort it and run it again, shorter or with a longer timeout",
    )
    MRT_TOO_MANY_WRITES = 123, "the transaction writes too many records", "split it: 4096 are allowed"
    MRT_COMMITTED = 124, "the transaction is already committed", "start a new one for further commands"
    MRT_ABORTED = 125, "the transaction is already aborted", "run it again as a new one"
    MRT_ALREADY_LOCKED = (
        126,
        "the transaction has written the record before",
        "leave out on_locking_only to write it again",
    )
    MRT_MONITOR_EXISTS = 127, "the transaction's monitor record already exists", "abort it and run it again"

    BATCH_DISABLED = 150, "batches are turned off on the server", "set batch-index-threads above 0"
    BATCH_MAX_REQUESTS_EXCEEDED = (
        151,
        "the batch has more keys for one node than the server allows",
        "send smaller batches, or raise the server's batch-max-requests",
    )
    BATCH_QUEUES_FULL = 152, "all of the server's batch queues are full", "send fewer batches at once"

    INVALID_GEOJSON = (
        160,
        "the server can't read the value as GeoJSON",
        "it takes Point, Polygon, MultiPolygon and AeroCircle, longitude first, within -180..180 and -90..90",
    )

    INDEX_FOUND = 200, "the index exists with another definition", "drop it first, or choose another name"
    INDEX_NOT_FOUND = (
        201,
        "there is no such secondary index",
        "create_index() makes one: of the same namespace and set, and of the bin and type that are asked for",
    )
    INDEX_OOM = 202, "the server has no memory for the index", "free memory on the server"
    INDEX_NOT_READABLE = 203, "the index is still being built", "wait until the index task is complete"
    INDEX_GENERIC = 204, "the secondary index failed", "the server's log has the reason"
    INDEX_NAME_MAX_LEN = 205, "the index's name is too long", "choose a shorter name"
    INDEX_MAX_COUNT = 206, "the namespace has as many indexes as it can have", "drop one that is not used"
    QUERY_ABORTED = 210, "the query was stopped", "run it again"
    QUERY_QUEUE_FULL = 211, "the server's query queue is full", "run fewer queries at once"
    QUERY_TIMEOUT = 212, "the query took longer than the server allows", "narrow it, or give it more time"
    QUERY_GENERIC = 213, "the query failed", "the server's log has the reason"
    QUERY_NETIO_ERR = 214, "the server could not send the query's answer", "run it again"
    QUERY_DUPLICATE = 215, "a query with this task id is already running", "let pyspike choose the task id"


def _restored(code: int) -> ResultCode:
    return ResultCode.of(code)


def _unknown(code: int) -> ResultCode:
    made = int.__new__(ResultCode, code)
    made._name_, made._value_ = f"UNKNOWN_{code}", code
    made.meaning, made.advice = "the server answered with a code that pyspike does not know", ""
    return made


_BY_NUMBER: dict[int, ResultCode] = {int(code): code for code in ResultCode}
_PASSING = frozenset(
    {
        ResultCode.CLUSTER_KEY_MISMATCH,
        ResultCode.TIMEOUT,
        ResultCode.PARTITION_UNAVAILABLE,
        ResultCode.KEY_BUSY,
        ResultCode.SCAN_ABORT,
        ResultCode.DEVICE_OVERLOAD,
        ResultCode.XDR_KEY_BUSY,
        ResultCode.QUOTA_EXCEEDED,
        ResultCode.MRT_BLOCKED,
        ResultCode.BATCH_QUEUES_FULL,
        ResultCode.INDEX_NOT_READABLE,
        ResultCode.QUERY_ABORTED,
        ResultCode.QUERY_QUEUE_FULL,
        ResultCode.QUERY_TIMEOUT,
        ResultCode.QUERY_NETIO_ERR,
    }
)
