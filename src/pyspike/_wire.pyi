"""Types of the compiled wire layer. Written by tools/stubs.py out of src/wire: change it there."""

import asyncio
import builtins
import datetime
import socket
import ssl
from collections.abc import (
    AsyncIterable,
    Callable,
    Collection,
    Coroutine,
    Generator,
    ItemsView,
    Iterable,
    Iterator,
    KeysView,
    Mapping,
    Sequence,
    ValuesView,
)
from contextvars import Context
from types import TracebackType
from typing import Any, Generic, final, overload
from weakref import ref

from typing_extensions import TypeVar

from pyspike._types import Bins, Filter, KeyLike, Milliseconds, Ttl
from pyspike.batch import BatchResults
from pyspike.errors import AerospikeError, Attempt
from pyspike.policy import (
    BatchDeletePolicy,
    BatchPolicy,
    BatchReadPolicy,
    BatchUDFPolicy,
    BatchWritePolicy,
    ReadPolicy,
    WritePolicy,
)
from pyspike.query import Cursor
from pyspike.result_code import ResultCode
from pyspike.transaction import Transaction
from pyspike.values import RawParticle

T = TypeVar("T")
U = TypeVar("U")
R = TypeVar("R", default=Record)
K = TypeVar("K", bound=KeyLike)
V = TypeVar("V", covariant=True, default=Any)
PROTO_VERSION: int
FRAME_HEADER_SIZE: int
COMPRESSED_HEAD_SIZE: int
MAX_MESSAGE: int
TYPE_INFO: int
TYPE_SECURITY: int
TYPE_MESSAGE: int
TYPE_COMPRESSED: int
AT_HEADER_SIZE: int
AT_INFO1: int
AT_INFO2: int
AT_INFO3: int
AT_INFO4: int
AT_RESULT_CODE: int
AT_GENERATION: int
AT_TTL: int
AT_TIMEOUT: int
AT_FIELD_COUNT: int
AT_OP_COUNT: int
MESSAGE_HEADER_SIZE: int
INFO1_READ: int
INFO1_GET_ALL: int
INFO1_SHORT_QUERY: int
INFO1_BATCH: int
INFO1_GET_NO_BINS: int
INFO1_CONSISTENCY_ALL: int
INFO1_COMPRESS_RESPONSE: int
INFO2_WRITE: int
INFO2_DELETE: int
INFO2_GENERATION: int
INFO2_GENERATION_GT: int
INFO2_DURABLE_DELETE: int
INFO2_CREATE_ONLY: int
INFO2_RELAX_AP_LONG_QUERY: int
INFO2_RESPOND_ALL_OPS: int
INFO3_LAST: int
INFO3_COMMIT_LEVEL_MASTER: int
INFO3_PARTITION_DONE: int
INFO3_UPDATE_ONLY: int
INFO3_CREATE_OR_REPLACE: int
INFO3_REPLACE_ONLY: int
INFO3_SC_STRICTER: int
INFO3_SC_RELAXED: int
INFO4_VERIFY_READ: int
INFO4_ROLL_FORWARD: int
INFO4_ROLL_BACK: int
INFO4_ON_LOCKING_ONLY: int
FIELD_HEADER_SIZE: int
FIELD_NAMESPACE: int
FIELD_SET: int
FIELD_KEY: int
FIELD_RECORD_VERSION: int
FIELD_DIGEST: int
FIELD_TRANSACTION_ID: int
FIELD_TRANSACTION_DEADLINE: int
FIELD_QUERY_ID: int
FIELD_SOCKET_TIMEOUT: int
FIELD_RECORDS_PER_SECOND: int
FIELD_PARTITIONS: int
FIELD_DIGESTS: int
FIELD_MAX_RECORDS: int
FIELD_BVALS: int
FIELD_INDEX_NAME: int
FIELD_INDEX_RANGE: int
FIELD_INDEX_CONTEXT: int
FIELD_INDEX_EXPRESSION: int
FIELD_INDEX_TYPE: int
FIELD_UDF_MODULE: int
FIELD_UDF_FUNCTION: int
FIELD_UDF_ARGUMENTS: int
FIELD_UDF_KIND: int
FIELD_BATCH: int
FIELD_FILTER: int
FIELD_WHERE: int
FIELD_ERROR_DETAILS: int
AT_SECURITY_CODE: int
AT_SECURITY_COMMAND: int
AT_SECURITY_FIELD_COUNT: int
SECURITY_HEADER_SIZE: int
SECURITY_AUTHENTICATE: int
SECURITY_CREATE_USER: int
SECURITY_DROP_USER: int
SECURITY_SET_PASSWORD: int
SECURITY_CHANGE_PASSWORD: int
SECURITY_GRANT_ROLES: int
SECURITY_REVOKE_ROLES: int
SECURITY_QUERY_USERS: int
SECURITY_CREATE_ROLE: int
SECURITY_DROP_ROLE: int
SECURITY_GRANT_PRIVILEGES: int
SECURITY_REVOKE_PRIVILEGES: int
SECURITY_SET_ALLOWLIST: int
SECURITY_SET_QUOTAS: int
SECURITY_QUERY_ROLES: int
SECURITY_LOGIN: int
SECURITY_FIELD_USER: int
SECURITY_FIELD_PASSWORD: int
SECURITY_FIELD_OLD_PASSWORD: int
SECURITY_FIELD_CREDENTIAL: int
SECURITY_FIELD_CLEAR_PASSWORD: int
SECURITY_FIELD_TOKEN: int
SECURITY_FIELD_TOKEN_TTL: int
SECURITY_FIELD_ROLES: int
SECURITY_FIELD_ROLE: int
SECURITY_FIELD_PRIVILEGES: int
SECURITY_FIELD_ALLOWLIST: int
SECURITY_FIELD_READ_QUOTA: int
SECURITY_FIELD_WRITE_QUOTA: int
SECURITY_FIELD_READ_INFO: int
SECURITY_FIELD_WRITE_INFO: int
SECURITY_FIELD_CONNECTIONS: int
PRIVILEGE_USER_ADMIN: int
PRIVILEGE_SYS_ADMIN: int
PRIVILEGE_DATA_ADMIN: int
PRIVILEGE_UDF_ADMIN: int
PRIVILEGE_SINDEX_ADMIN: int
PRIVILEGE_READ: int
PRIVILEGE_READ_WRITE: int
PRIVILEGE_READ_WRITE_UDF: int
PRIVILEGE_WRITE: int
PRIVILEGE_TRUNCATE: int
PRIVILEGE_MASKING_ADMIN: int
PRIVILEGE_READ_MASKED: int
PRIVILEGE_WRITE_MASKED: int
BATCH_INLINE: int
BATCH_INLINE_SSD: int
BATCH_RESPOND_ALL: int
BATCH_REPORT_FAILURE: int
ROW_REPEAT: int
ROW_HAS_INFO: int
ROW_HAS_GENERATION: int
ROW_HAS_TTL: int
ROW_HAS_INFO4: int
BATCH_HEAD_SIZE: int
AT_ROW_FLAGS: int
AT_ROW_NUMBER: int
UDF_AGGREGATES: int
UDF_IN_BACKGROUND: int
AT_OP_CODE: int
AT_OP_PARTICLE: int
AT_OP_NAME_SIZE: int
OP_HEADER_SIZE: int
OP_READ: int
OP_WRITE: int
OP_CDT_READ: int
OP_CDT_MODIFY: int
OP_INCR: int
OP_EXP_READ: int
OP_EXP_MODIFY: int
OP_APPEND: int
OP_PREPEND: int
OP_TOUCH: int
OP_BITS_READ: int
OP_BITS_MODIFY: int
OP_DELETE_ALL: int
OP_HLL_READ: int
OP_HLL_MODIFY: int
OP_STRING_READ: int
OP_STRING_MODIFY: int
OP_TO_STRING: int
WITH_CONTEXT: int
PARTICLE_NULL: int
PARTICLE_INTEGER: int
PARTICLE_FLOAT: int
PARTICLE_STRING: int
PARTICLE_BLOB: int
PARTICLE_BOOL: int
PARTICLE_HLL: int
PARTICLE_MAP: int
PARTICLE_LIST: int
PARTICLE_GEOJSON: int
LIST_APPEND: int
LIST_APPEND_ITEMS: int
MONITOR_WRITE_FLAGS: int
LIST_ORDERED: int
MAP_KEY_ORDERED: int
MAP_KEY_VALUE_ORDERED: int
DIGEST_SIZE: int
PARTITIONS: int
EPOCH_2010: int
MAX_NAMESPACE: int
MAX_SET: int
MAX_BIN_NAME: int
MAX_OPERATIONS: int
MAX_BINS: int
MAX_TTL: int
MAX_USER: int
MAX_TOKEN: int
MAX_INDEX_NAME: int
MAX_INDEX_KEY: int
MOST_WRITES: int
MAX_ROW_GENERATION: int
MAX_DEPTH: int

def advance_clock(ms: float) -> None:
    """Let so many milliseconds pass at once for all deadlines and idle times of this process; for tests.

    The clock never goes back. A thread that waits in the kernel, as a blocking command does for its answer, still waits in real
    time.

    Args:
        ms: how far to move the clock; 0 or more.

    Raises:
        ValueError: `ms` is less than 0, or no number.
    """

def command_kinds() -> tuple[tuple[str, str], ...]:
    """Return the kinds of commands: the method that makes them, and "read", "write", "batch", "query" or "admin"."""

@final
class Trace:
    """What a call went through: each attempt that failed, and where its time and that of the request that took longest went.

    Of a call of several requests, as batches and queries are, more than one may be under way at the same time.

    Attributes:
        node: the name of the node that was asked last; None before the first.
        requests: how many requests were answered.
        failures: how many attempts failed.
        events: of the first failed attempts, the time of the wall clock in ns, the `errors.Attempt`, and how many of its
            milliseconds were spent on what the next four tell of a request.
        sent_bytes, received_bytes: of all requests, and of all answers that were read.
        queue_ns: how long the request that took longest waited until it was sent, without the time to connect. As long as no
            request was answered, these are of the failed attempt that took longest.
        connect_ns: how long it took to open a connection for it.
        network_ns: from sending it until the answer was there, as far as that was not reading it.
        decode_ns: how long it took to read its answer.
        lag_ns: how long the task did not run after the answer was read, as the loop did other things.
    """
    @property
    def node(self) -> str | None: ...
    @property
    def requests(self) -> int: ...
    @property
    def failures(self) -> int: ...
    @property
    def events(self) -> list[tuple[int, Attempt, tuple[float, float, float, float]]]: ...
    @property
    def sent_bytes(self) -> int: ...
    @property
    def received_bytes(self) -> int: ...
    @property
    def queue_ns(self) -> int: ...
    @property
    def connect_ns(self) -> int: ...
    @property
    def network_ns(self) -> int: ...
    @property
    def decode_ns(self) -> int: ...
    @property
    def lag_ns(self) -> int: ...
    def __init__(self) -> None: ...
    def watch(self, over: Callable[[BaseException | None], object]) -> None:
        """Have a function called when the stream, or the block of a `with`, is over: with its error, or None."""
    def note_failed(
        self, node: str | None, attempt: Attempt, connect_ms: float = 0, network_ms: float = 0
    ) -> None:
        """Note an attempt that failed: how long connecting took, and then until it failed.

        `node` is None if there was none to ask.
        """
    def note_answered(
        self, node: str, connect_ms: float, network_ms: float, sent: int = 0, received: int = 0
    ) -> None:
        """Note a request that a node has just answered: how long connecting took, and then the answer, and the bytes."""
    def __enter__(self) -> Trace: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
    def resumed(self) -> None:
        """Note that the task runs again that awaited the call."""

def own_socket(fd: int) -> int:
    """Register a socket, which every child of this process then drops without the server's notice.

    In the child `/dev/null` takes the descriptor's number, because an object that still has the number may close it later.
    Returns the ticket by which `disown_socket` knows the registration.

    Raises:
        OSError: there is no such descriptor.
    """

def disown_socket(fd: int, ticket: int) -> None:
    """Undo `own_socket` before the socket is closed; does nothing if the descriptor is registered with another ticket."""

def on_fork(listener: Callable[[], object]) -> None:
    """Have a function without arguments called once in each child of a fork, when a client is first used there."""

def after_fork() -> None:
    """Start over if this process is the child of a fork and has not done so; every use of a client calls this first."""

@final
class Inflation:
    """What takes the frame out of a compressed one, in several turns if the caller has other things to do.

    Memory grows with the bytes that come out, and never beyond the size that is told in front of them. The GIL is released
    meanwhile.
    """

def plain_text(text: Any) -> str:
    """Return the text that a str or a subclass of str holds, as a str."""

def plain_int(value: Any) -> int | None:
    """Return the int that an int or an object with __index__ stands for; None for all other objects and for a bool.

    A type may have an __index__ that works for some objects only: a NumPy array's raises TypeError unless the array is one
    integer.
    """

def plain_number(value: Any) -> int | float | None:
    """Return the int or float that an object stands for; None if it stands for neither."""

def numpy_scalar(value: Any) -> bool | float | None:
    """Return the bool or float that one of NumPy's scalars stands for; None for all other objects.

    NumPy's integers, texts, bytes and doubles are not handled here: they have __index__ or are str, bytes and float. A long
    double gives None, as a float would lose digits.
    """

def plain_bytes(value: Any) -> bytes | None:
    """Return as bytes what bytes, a subclass of bytes, or a buffer of bytes holds; None for all other objects."""

@final
class Encoded:
    """What is stored of a value, to be marked with a tag."""
    def __eq__(self, other: object) -> bool: ...
    def __hash__(self) -> int: ...

def new_encoded(tag: str, value: Any) -> Encoded:
    """Return what is stored of a value, to be marked with a tag."""

@final
class CodecTable:
    """The codecs of a client.

    Args:
        codecs: each type with what encodes its values, what decodes them again, and the tag; None for what is stored without
            one.
    """
    def __init__(
        self, codecs: Iterable[tuple[type, Callable[[Any], Any], Callable[[Any], Any], str | None]]
    ) -> None: ...

def unpack_value(particle: int, data: bytes) -> Any:
    """Return the Python value of a particle's bytes.

    Raises:
        ProtocolError: these are no bytes of such a particle.
    """

def key_rank(key: object) -> tuple[int, Any]:
    """Return the rank by which the server sorts a map key: integers, then strings, then blobs."""

@final
class Packed:
    """Msgpack bytes, which are copied into an operation's arguments as they are."""
    @property
    def data(self) -> bytes: ...
    def __init__(self, data: bytes) -> None: ...
    def __eq__(self, other: object) -> bool: ...
    def __hash__(self) -> int: ...

def pack_element(value: object) -> bytes:
    """Return the msgpack of a value in an operation's arguments; INFINITY, WILDCARD and `Packed` are allowed at any depth."""

def pack_value(value: object) -> tuple[int, bytes]:
    """Return the particle type and the bytes of a bin's value, as a write sends them."""

def digest(set_name: str | None, user_key: int | str | bytes) -> bytes:
    """Return the 20 bytes by which the cluster knows a key.

    They are RIPEMD-160 of the set's name, the key's type and its bytes, but not of the namespace. `bytes` have the type of
    blobs (4), as in the Rust and Java clients.
    """

@final
class Key:
    """What a record is found by.

    `user_key` is an int (signed, 64 bits), a str or bytes. The server finds the record by a digest of the user key and the
    set's name. It stores the user key itself only if the write policy has `send_key`. Immutable, hashable, picklable.
    """
    @property
    def namespace(self) -> str: ...
    @property
    def set_name(self) -> str: ...
    @property
    def user_key(self) -> int | str | bytes | RawParticle | None: ...
    __match_args__ = ("namespace", "set_name", "user_key")
    def __init__(self, namespace: str, set_name: str | None, user_key: int | str | bytes) -> None: ...
    @staticmethod
    def from_digest(
        namespace: str,
        set_name: str | None,
        digest: bytes,
        user_key: int | str | bytes | RawParticle | None = None,
    ) -> Key:
        """Return the key of a record whose 20-byte digest is known, with or without its user key.

        A user key of a type that only other clients have (a float, say) is a `RawParticle`, as queries give it.
        """
    @property
    def digest(self) -> bytes:
        """The 20 bytes by which the cluster knows the record."""
    @property
    def partition_id(self) -> int:
        """The partition, 0 to 4095, that holds the record."""
    def __hash__(self) -> int: ...
    def __eq__(self, other: object) -> bool: ...

@final
class Record(Mapping[str, Any]):
    """A record as it was read.

    `record["bin"]`, `record.bins`, `record.generation`, `record.ttl`, `record.key`. It is a `Mapping` of its bins' names
    to their values. Two records are equal if their keys, generations, expirations, bins and results are equal.
    """
    @property
    def key(self) -> Key: ...
    @property
    def bins(self) -> dict[str, Any]: ...
    @property
    def generation(self) -> int: ...
    def __init__(
        self,
        key: Key,
        bins: dict[str, Any],
        generation: int = 0,
        void_time: int = 0,
        results: list[Any] | None = None,
    ) -> None: ...
    @property
    def results(self) -> list[Any]:
        """The result of each operation of an operate, in order; empty for what was read otherwise."""
    @property
    def expiration(self) -> datetime.datetime | None:
        """When the record expires, in UTC; None if never."""
    @property
    def ttl(self) -> int | None:
        """Whole seconds the record has left by this machine's clock, 1 at least; None if it never expires."""
    def __getitem__(self, name: str) -> Any: ...
    def __contains__(self, name: object) -> bool: ...
    def __iter__(self) -> Iterator[str]: ...
    def __len__(self) -> int: ...
    def __bool__(self) -> bool:
        """True: a record that was found is there, with or without bins."""
    def get(self, name: str, default: object = None) -> Any:
        """Return the bin's value, or `default` if the record has no such bin."""
    def keys(self) -> KeysView[str]:
        """Return the names of the bins."""
    def values(self) -> ValuesView[Any]:
        """Return the values of the bins."""
    def items(self) -> ItemsView[str, Any]:
        """Return the bins as (name, value) pairs."""
    def __eq__(self, other: object) -> bool: ...
    def __hash__(self) -> int: ...

@final
class Written:
    """What has become of a record that was written, as the server has answered.

    `written.generation` is the record's generation now: what a later write of one's own can expect. It is 0 if the record has no
    bins any more, so that it is deleted.
    """
    @property
    def generation(self) -> int: ...
    def __init__(self, generation: int = 0, void_time: int = 0) -> None: ...
    @property
    def expiration(self) -> datetime.datetime | None:
        """When the record expires, in UTC; None if never."""
    @property
    def ttl(self) -> int | None:
        """Whole seconds the record has left by this machine's clock, 1 at least; None if it never expires."""
    def __eq__(self, other: object) -> bool: ...
    def __hash__(self) -> int: ...

@final
class BatchRecord(Generic[V]):
    """What came of one row of a batch.

    Args:
        key: the row's key.
        record: the record that was read, or that an operate gave; None if there is none.
        result_code: the server's answer; None if there was none.
        error: why the row failed; None if it did not. That there is no such record is no failure of a read or a delete.
        made: the object of a class that the row was read into.
    """
    @property
    def key(self) -> Key: ...
    @property
    def record(self) -> Record | None: ...
    @property
    def result_code(self) -> ResultCode | None: ...
    @property
    def error(self) -> AerospikeError | None: ...
    def __init__(
        self,
        key: Key,
        record: Record | None = None,
        result_code: ResultCode | None = None,
        error: AerospikeError | None = None,
        made: object = None,
    ) -> None: ...
    @property
    def ok(self) -> bool:
        """Whether the row was done."""
    @property
    def value(self) -> V:
        """What the function of a `BatchUDF` has returned, or the object that a `BatchRead` with `into` gives; else None."""
    @property
    def in_doubt(self) -> bool:
        """Whether the row, which writes and failed, was or may still be applied."""
    def __eq__(self, other: object) -> bool: ...
    def __hash__(self) -> int: ...

class Shape:
    """What a field takes. This base class takes what there is, and gives it away as it is.

    Args:
        name: of the annotation, for messages.
        nullable: whether it takes None too.
    """
    @property
    def name(self) -> str: ...
    @property
    def nullable(self) -> bool: ...
    def __new__(
        cls: builtins.type[T], name: str, *args: object, nullable: bool = False, **kwargs: object
    ) -> T: ...
    def read(self, value: object) -> Any:
        """Return the field's value for a stored one.

        Raises:
            ShapeError: it does not fit.
        """
    def write(self, value: object) -> Any:
        """Return what is stored for a field's value.

        Raises:
            ShapeError: it does not fit.
        """

@final
class TypeShape(Shape):
    """Takes the instances of a class as they are; bools are no ints.

    Args:
        kind: the class.
    """
    def __init__(self, name: str, kind: type, *, nullable: bool = False) -> None: ...

@final
class FloatShape(Shape):
    """Takes floats, and ints that a float holds without loss, which become one."""

@final
class LiteralShape(Shape):
    """Takes some values, and no others: neither of another type.

    Args:
        values: these.
    """
    def __init__(self, name: str, values: tuple[Any, ...], *, nullable: bool = False) -> None: ...

@final
class ListShape(Shape):
    """Takes lists, whose items have one shape; an OrderedList stays one.

    Args:
        item: the shape of the items.
        tuples: whether a field's value may be a tuple too.
        as_tuple: whether it is always one.
    """
    def __init__(
        self, name: str, item: Shape, *, tuples: bool = False, as_tuple: bool = False, nullable: bool = False
    ) -> None: ...

@final
class TupleShape(Shape):
    """Takes lists of a certain length, whose items have a shape each, as tuples.

    Args:
        items: these shapes.
    """
    def __init__(self, name: str, items: tuple[Any, ...], *, nullable: bool = False) -> None: ...

@final
class DictShape(Shape):
    """Takes dicts, whose keys have one shape and whose values have another; a dict that is ordered for the server stays so.

    Args:
        key: the shape of the keys.
        value: that of the values.
    """
    def __init__(self, name: str, key: Shape, value: Shape, *, nullable: bool = False) -> None: ...

@final
class UnionShape(Shape):
    """Takes what one of several shapes takes, the first that does.

    Args:
        options: these.
    """
    def __init__(self, name: str, options: tuple[Any, ...], *, nullable: bool = False) -> None: ...

@final
class CodecShape(Shape):
    """Takes values of a type that is stored as another.

    Args:
        kind: the type.
        encode: makes what is stored of a value.
        decode: makes a value of what is stored.
        tag: the key of the map that what is stored stands in; None if it stands as it is.
        inner: the shape of what is stored.
    """
    def __init__(
        self,
        name: str,
        kind: type,
        encode: Callable[[Any], Any],
        decode: Callable[[Any], Any],
        tag: str | None = None,
        inner: Shape | None = None,
        *,
        nullable: bool = False,
    ) -> None: ...

@final
class OwnShape(Shape):
    """Takes what there is, of which the class that has the field makes the value itself.

    Args:
        encode: makes what is stored of a value; raises ValueError if it would not come back.
    """
    def __init__(self, name: str, encode: Callable[[Any], Any], *, nullable: bool = False) -> None: ...

NO_METADATA: int
METADATA_KEY: int
METADATA_USER_KEY: int
METADATA_SET: int
METADATA_DIGEST: int
METADATA_GENERATION: int
METADATA_TTL: int
METADATA_EXPIRATION: int
METADATA_OTHERS: int
BUILD_BY_CALLING: int
BUILD_BY_SETTING: int
BUILD_BY_TUPLE: int
BUILD_BY_DICT: int
FIELD_WITHOUT_DEFAULT: object

@final
class PlannedField:
    """One field of a class.

    Args:
        name: of the attribute, or of the key in a dict.
        bin: the name of its bin, or of its entry in a map.
        shape: what it takes.
        parameter: its name where the class is called.
        required: whether there must be a value.
        default: its value where there is none; FIELD_WITHOUT_DEFAULT if there is no such value, or the class finds it itself.
        factory: makes that value; None if nothing does.
        none_comes_back: whether it is None again if there is no bin, as a bin can't hold None.
        metadata: `METADATA_KEY` and so on; `NO_METADATA` of a bin.
        set_after: whether the class takes no value for it, so that it is set when the object is there.
        spread: whether its values, a dict, are given to the class by their own names.
    """
    @property
    def name(self) -> str: ...
    @property
    def bin(self) -> str: ...
    @property
    def shape(self) -> Shape: ...
    @property
    def metadata(self) -> int: ...
    @property
    def required(self) -> bool: ...
    def __init__(
        self,
        name: str,
        bin: str,
        shape: Shape,
        *,
        parameter: str,
        required: bool = True,
        default: Any = ...,
        factory: Callable[[], Any] | None = None,
        none_comes_back: bool = False,
        metadata: int = 0,
        set_after: bool = False,
        spread: bool = False,
    ) -> None: ...

@final
class ClassPlan:
    """How objects of a class are built of records, and bins of them.

    It does not keep the class, which would keep it in turn. `fill` completes it.

    Args:
        cls: the class.
    """
    @property
    def name(self) -> str: ...
    @property
    def fields(self) -> tuple[PlannedField, ...]: ...
    @property
    def bins(self) -> tuple[str, ...] | None: ...
    def __init__(self, cls: type) -> None: ...
    def fill(
        self, fields: Iterable[PlannedField], *, building: int, positional: int, forbids_others: bool = False
    ) -> None:
        """Tell what the class has.

        Args:
            fields: its fields, in the order of its parameters.
            building: `BUILD_BY_CALLING` and so on.
            positional: how many parameters come without a name.
            forbids_others: whether bins without a field are an error.
        """
    def read(self, record: Record) -> Any:
        """Return an object of the class, built of a record.

        Raises:
            SchemaMismatch: the record does not fit.
        """
    def write(self, built: object) -> dict[str, Any]:
        """Return the bins of an object of the class.

        Raises:
            InvalidType: it is of another class, or one of its values does not fit its field.
        """

@final
class ClassShape(Shape):
    """Takes dicts whose entries are the fields of a class, as objects of it.

    Args:
        plan: of the class.
    """
    def __init__(self, name: str, plan: ClassPlan, *, nullable: bool = False) -> None: ...

@final
class RecordTypes:
    """The plans of the classes that a client makes of records, by its codecs.

    Args:
        make: makes the plan of a class; is called with this and the class, and returns it with those of the classes that it
            refers to, by class. It may be called by several threads at once.
        codecs: those of the client; None if it has none.
    """
    def __init__(
        self, make: Callable[[RecordTypes, type], dict[type, ClassPlan]], codecs: CodecTable | None = None
    ) -> None: ...
    def plan(self, cls: type) -> ClassPlan:
        """Return the plan of a class, which is built if there is none.

        Raises:
            InvalidType, InvalidArgument: it can't be built.
        """
    def known_plan(self, cls: type) -> ClassPlan | None:
        """Return the plan of a class; None if there is none yet."""
    def anything(self, name: str) -> Shape:
        """Return the shape of what is taken as it is."""

@final
class ArrowSchema:
    """A column's schema.

    That of a table is a struct, whose fields are the columns. Anything that takes schemas by Arrow's PyCapsule interface takes
    it: `pyarrow.schema(s)`, `nanoarrow.Schema(s)`. Immutable, hashable, picklable.

    Args:
        name: the column's name.
        format: the type, as Arrow's C data interface spells it: "l" is int64, "u" is utf8, "+s" a struct.
        nullable: whether values may be missing.
        metadata: bytes or str by bytes or str.
        fields: the schemas of what is in a list, struct or map.
        dictionary: the schema of the values, of which the column has the numbers.
        flags: 1 if the dictionary is ordered, 4 if a map's keys are sorted.

    Raises:
        InvalidType, InvalidArgument: an argument can't be used.
    """
    @property
    def name(self) -> str: ...
    @property
    def format(self) -> str: ...
    @property
    def nullable(self) -> bool: ...
    @property
    def fields(self) -> tuple[ArrowSchema, ...]: ...
    @property
    def dictionary(self) -> ArrowSchema | None: ...
    @property
    def flags(self) -> int: ...
    def __init__(
        self,
        name: str,
        format: str,
        *,
        nullable: bool = True,
        metadata: Mapping[Any, Any] | None = None,
        fields: Iterable[ArrowSchema] = (),
        dictionary: ArrowSchema | None = None,
        flags: int = 0,
    ) -> None: ...
    @staticmethod
    def from_arrow(data: object) -> ArrowSchema:
        """Return the schema of an object that has the method `__arrow_c_schema__`.

        Raises:
            InvalidType: it has none, or gives something else.
        """
    @property
    def metadata(self) -> dict[bytes, bytes]:
        """What else is said of the column."""
    @property
    def names(self) -> list[str]:
        """The names of the fields."""
    def field(self, name: str) -> ArrowSchema:
        """Return the field with a name.

        Raises:
            KeyError: there is none.
        """
    def __arrow_c_schema__(self) -> object:
        """Return the schema in a capsule, for a library that takes it."""
    def __eq__(self, other: object) -> bool: ...
    def __hash__(self) -> int: ...

def restore_schema(
    name: str,
    format: str,
    nullable: bool,
    pairs: tuple[tuple[bytes, bytes], ...],
    fields: tuple[ArrowSchema, ...],
    dictionary: ArrowSchema | None,
    flags: int,
) -> ArrowSchema:
    """Return the schema that a pickle holds."""

@final
class Columns:
    """The columns of one stream of batches.

    Args:
        schema: of the columns; None to guess it of the records of the first batch.
        bins: the names of the bins that are asked for, in whose order columns are guessed; None for all.
        metadata: names out of `metadata_names`, and what their columns are called.
        batch_rows: how many rows a batch has at most.
        batch_bytes: after how many bytes, about, a batch is closed.
        on_mismatch: "error", "null" or "json".
        extra: the name of the column for what has none, as JSON text; None: that is an error.

    Raises:
        InvalidArgument: an argument can't be used, or a column can't be filled.
    """
    @property
    def schema(self) -> ArrowSchema | None: ...
    def __init__(
        self,
        schema: ArrowSchema | None,
        bins: Iterable[str] | None,
        metadata: Mapping[str, str],
        *,
        batch_rows: int,
        batch_bytes: int,
        on_mismatch: str,
        extra: str | None,
    ) -> None: ...
    @property
    def bin_names(self) -> list[str]:
        """The names of the columns that are of bins, once the schema is known."""

def metadata_names() -> tuple[str, ...]:
    """What a record can have a column for besides its bins."""

@final
class TakenColumns:
    """Batches of columns that somebody else has made, one after the other."""
    @property
    def schema(self) -> ArrowSchema: ...

def timeout_ms(value: object, name: str = "timeout", *, least: float = 0) -> float:
    """Return a span of time in milliseconds.

    Args:
        value: milliseconds as an int or float, which may not be between 0 and 1, as such a number is meant as seconds; or
            a timedelta of any length.
        name: what the value is, for the error's message.
        least: the smallest value allowed.

    Raises:
        InvalidType: it is neither a number nor a timedelta.
        InvalidArgument: it is below `least`, above 2**31 - 1 ms (24 days), a number between 0 and 1, or NaN.
    """

def ttl_header(value: object, name: str = "ttl") -> int:
    """Return the number that stands for a time to live in a write's header.

    Args:
        value: whole seconds from 1 to 315360000 (ten years); a timedelta, which is rounded up to whole seconds; or an
            `Expiration`.
        name: what the value is, for the error's message.

    Raises:
        InvalidType: it is none of them.
        InvalidArgument: it is out of range.
    """

def filter_bytes(expression: object, name: str = "filter_expression") -> bytes | None:
    """Return the bytes of a filter expression; None for None.

    Args:
        expression: an `Expression`, whose `as_filter()` raises an error if it can't be a filter; another object with a
            `to_bytes()`; or the bytes themselves.
        name: what the expression is, for the error's message.

    Raises:
        InvalidType: it is neither of these.
        InvalidArgument: it is empty, or larger than the server takes.
    """

REPLICA_MASTER: int
REPLICA_SEQUENCE: int
REPLICA_RANDOM: int
REPLICA_PREFER_RACK: int
MODE_SESSION: int
MODE_LINEARIZE: int
MODE_ALLOW_REPLICA: int
MODE_ALLOW_UNAVAILABLE: int
MODE_OF_OTHERS: int
MODE_OF_BATCH: int
IN_STRONG: int
OF_RECORD: int
OF_BATCH: int
OF_BATCH_READ: int
OF_BATCH_WRITE: int
OF_BATCH_DELETE: int
OF_QUERY: int
OF_BATCH_UDF: int
LEAVES_CONSISTENCY: int
LEAVES_READ_MODE: int
LEAVES_READ_TOUCH: int
ROWS_THAT_WRITE: int
ROWS_THAT_DELETE: int
ROWS_THAT_CALL: int

@final
class Settings:
    """A policy in the form that commands read. Times are milliseconds; the info bytes have only the bits of the policy."""
    @property
    def write(self) -> bool: ...
    @property
    def info1(self) -> int: ...
    @property
    def info2(self) -> int: ...
    @property
    def info3(self) -> int: ...
    @property
    def info4(self) -> int: ...
    @property
    def generation(self) -> int: ...
    @property
    def ttl(self) -> int: ...
    @property
    def total_timeout(self) -> float: ...
    @property
    def socket_timeout(self) -> float: ...
    @property
    def sleep_between_retries(self) -> float: ...
    @property
    def timeout_delay(self) -> float: ...
    @property
    def connect_timeout(self) -> float: ...
    @property
    def max_retries(self) -> int: ...
    @property
    def send_key(self) -> bool: ...
    @property
    def respond_per_each_op(self) -> bool: ...
    @property
    def filter_expression(self) -> bytes | None: ...
    @property
    def compress_above(self) -> int: ...
    @property
    def of(self) -> int: ...
    @property
    def batch_flags(self) -> int: ...
    @property
    def sequential(self) -> bool: ...
    @property
    def write_retries(self) -> int: ...
    @property
    def leaves(self) -> int: ...
    @property
    def max_records(self) -> int: ...
    @property
    def records_per_second(self) -> int: ...
    @property
    def max_concurrent_nodes(self) -> int: ...
    @property
    def raw(self) -> bool: ...
    @property
    def keys_of_rows(self) -> int: ...
    @property
    def told_durable(self) -> int: ...
    @property
    def durable(self) -> int: ...
    @property
    def as_read(self) -> Settings | None: ...
    def __init__(
        self,
        *,
        write: bool = False,
        info1: int = 0,
        info2: int = 0,
        info3: int = 0,
        info4: int = 0,
        generation: int = 0,
        ttl: Any = 0,
        total_timeout: float = 1000,
        socket_timeout: Any = None,
        max_retries: int = 2,
        sleep_between_retries: float = 0,
        timeout_delay: float = 0,
        connect_timeout: float = 0,
        replica: int = ...,
        read_mode: int = ...,
        send_key: bool = False,
        respond_per_each_op: bool = False,
        filter_expression: bytes | None = None,
        compress_above: int = -1,
        of: int = ...,
        batch_flags: int = 0,
        sequential: bool = False,
        write_retries: int = 0,
        max_records: int = 0,
        records_per_second: int = 0,
        max_concurrent_nodes: int = 0,
        keys_of_rows: int = 0,
        told_durable: int = 0,
        durable: int = 0,
        raw: bool = False,
        leaves: int = 0,
        as_read: Settings | None = None,
    ) -> None: ...
    @property
    def replica(self) -> int:
        """Which replica is asked first: `REPLICA_MASTER` and so on."""
    @property
    def read_mode(self) -> int:
        """How reads of namespaces with strong consistency choose: `MODE_SESSION` and so on."""
    def __eq__(self, other: object) -> bool: ...
    def __hash__(self) -> int: ...

def restore_settings(*parts: object) -> Settings:
    """Return the settings that a pickle holds."""

SECTION_READ: int
SECTION_WRITE: int
SECTION_BATCH_READ: int
SECTION_BATCH_WRITE: int
SECTION_QUERY: int
SECTION_SCAN: int
SECTION_TXN_VERIFY: int
SECTION_TXN_ROLL: int
SECTIONS: int

@final
class DynamicSettings:
    """The settings of policies as a file wants them.

    The settings that a policy has by a section are kept with those that it has by the code, so that a policy that is used
    again costs a comparison.
    """
    def __init__(self) -> None: ...
    @property
    def sections(self) -> tuple[Callable[[Any], Settings] | None, ...]:
        """What each section makes of a policy; None of one that says nothing. They are replaced all at once."""
    @sections.setter
    def sections(self, sections: tuple[Any, ...]) -> None: ...
    def of(self, policy: Any, number: int) -> Settings:
        """Return what a section makes of a policy.

        Args:
            policy: one that fits the section.
            number: of the section: `SECTION_READ` and so on.
        """

@final
class RowRules:
    """By what the rows of a batch are sent."""
    @property
    def settings(self) -> Settings: ...
    @property
    def read(self) -> Settings: ...
    @property
    def write(self) -> Settings: ...
    @property
    def delete(self) -> Settings: ...
    @property
    def call(self) -> Settings: ...

def row_rules(settings: Settings, read: Settings, write: Settings) -> RowRules:
    """By what a client sends the rows of batches.

    Args:
        settings: of a `BatchPolicy`.
        read: of the client's `ReadPolicy`.
        write: of its `WritePolicy`.
    """

@final
class Operation:
    """One step of `operate`, made by the functions of `pyspike.operations`.

    Immutable; may be used again and again.
    """
    @property
    def bin(self) -> str: ...
    @property
    def code(self) -> int: ...
    def __init__(self, *args: object, **kwargs: object) -> None: ...
    @property
    def wire(self) -> bytes:
        """Its bytes on the wire."""
    @property
    def is_write(self) -> bool:
        """Whether it may change the record."""
    @property
    def reads_header(self) -> bool:
        """Whether it reads no bin, only the generation and the expiration."""
    def __eq__(self, other: object) -> bool: ...
    def __hash__(self) -> int: ...

def restore_operation(name: str, code: int, wire: bytes, flags: int) -> Operation:
    """An operation out of what its pickle holds."""

def register_operations(describe: Callable[[Operation], str], restore: Callable[..., Operation]) -> None:
    """Have operations described and unpickled by the package that makes them, of which this module knows nothing.

    Args:
        describe: returns the representation of an operation.
        restore: is called with what a pickle holds, and passes it on to `restore_operation`; so a process that unpickles
            an operation imports the package.
    """

class DeclaredFunction:
    """A function with the signature of `declaration`, whose body is compiled."""
    @property
    def declaration(self) -> Callable[..., Any]: ...
    @property
    def parameters(self) -> tuple[str, ...]: ...
    def __new__(cls: builtins.type[T], declaration: Callable[..., Any], *args: Any, **kwargs: Any) -> T: ...
    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...

class BoundFunction(DeclaredFunction):
    """A declared function whose body is `run`, called with one value a parameter."""
    def __init__(self, declaration: Callable[..., Any], run: Callable[..., Any]) -> None: ...

class EncodedContext:
    """One step of a context, encoded when it is made.

    A context leads to an element inside a bin.

    Args:
        type: the server's number for the kind of step, with the bits that say what to create.
        packed: what it looks for.
        several: whether it may select several elements, as only paths do.
    """
    @property
    def type(self) -> int: ...
    @property
    def packed(self) -> Packed: ...
    def __new__(cls: builtins.type[T], type: int, packed: Packed, several: bool) -> T: ...
    def __eq__(self, other: object) -> bool: ...
    def __hash__(self) -> int: ...

@final
class Number:
    """What a parameter is as a number, if it needs no check.

    Args:
        kind: the enum whose members it may be. `bool` for one that only adds bits to the number before it.
        bits: all that such a member may have; those that True adds.
        apart: bits of which it may not have all; 0 for none.
        optional: whether None stands for 0.
        sparse: whether 0 is left out.
    """
    def __init__(
        self, kind: type, bits: int, *, apart: int = 0, optional: bool = False, sparse: bool = False
    ) -> None: ...

@final
class Argument:
    """What one argument of operations must be.

    Args:
        parameters: the names of the parameters that it is made of.
        check: is called with the values of the parameters, and returns what is packed: one value, or a tuple of any
            number of values. It raises an error for wrong values.
        exact: if the first parameter has an object of one of these types, and the others have their defaults, the object
            is packed without calling `check`; None stands for all types.
        numbers: what each of the parameters is as a number, a `Number` each; in place of `exact`.
        each: whether the first parameter takes a list instead, of one or more objects of the types in `exact`.
        also: further parameters whose values `check` gets, behind the others. They may have any value.
    """
    @property
    def parameters(self) -> tuple[str, ...]: ...
    @property
    def check(self) -> Callable[..., object]: ...
    @property
    def exact(self) -> tuple[type, ...] | None: ...
    @property
    def numbers(self) -> tuple[Any, ...]: ...
    @property
    def each(self) -> bool: ...
    @property
    def also(self) -> tuple[str, ...]: ...
    def __init__(
        self,
        parameters: tuple[str, ...],
        check: Callable[..., object],
        exact: tuple[type, ...] | None = (),
        *,
        numbers: tuple[Number, ...] | None = None,
        each: bool = False,
        also: tuple[str, ...] = (),
    ) -> None: ...

class OperationFunction(DeclaredFunction):
    """A function that makes operations of one code; its first parameter, if it has any, is the bin's name."""

@final
class BareFunction(OperationFunction):
    """Makes operations without a value: on a bin, or on the record as a whole.

    Args:
        declaration: the function as Python declares it.
        code: the operation's number.
        write: whether it changes the record.
        header: whether it asks for no bin.
        all_bins: whether it reads all bins if it names none.
        respond_all: whether it asks for the answers of all operations.
        whole: whether it makes operations on the record as a whole, where it is given no name.
    """
    def __init__(
        self,
        declaration: Callable[..., Any],
        code: int,
        *,
        write: bool = False,
        header: bool = False,
        all_bins: bool = False,
        respond_all: bool = False,
        whole: bool = False,
    ) -> None: ...

@final
class ValueFunction(OperationFunction):
    """Makes operations that put, add, append or prepend a value to a bin.

    Args:
        declaration: the function as Python declares it, of a bin and a value.
        code: the operation's number.
    """
    def __init__(self, declaration: Callable[..., Any], code: int) -> None: ...

@final
class ListFunction(OperationFunction):
    """Makes operations whose value is a list, `[opcode, arguments...]` (cdt.md 5.1).

    Args:
        declaration: the function as Python declares it. A parameter `ctx` that is no argument is the context:
            the list is packed as `[0xFF, context, [opcode, arguments...]]` then.
        code: the operation's number.
        arguments: each an `Argument`, in the order of the wire.
        opcode: the first element; None if there is none.
        particle: what to send as the value's particle type.
        check_ctx: is called with a context that is no list of steps that each lead to one element. It returns the list of
            its steps, or raises an error.
        write: whether it may change the record.
        respond_all: whether it asks for the answers of all operations.
    """
    def __init__(
        self,
        declaration: Callable[..., Any],
        code: int,
        arguments: list[Argument],
        *,
        opcode: int | None = None,
        particle: int,
        check_ctx: Callable[[Any], Sequence[EncodedContext]],
        write: bool = False,
        respond_all: bool = False,
    ) -> None: ...

def pack_name(name: bytes) -> Packed:
    """Text without a type in front, as names and patterns are inside expressions (expressions.md 6.1)."""

def extend_list(values: Packed, value: Packed) -> Packed:
    """A packed list with one more element at its end."""

class BatchRow(Generic[V]):
    """One row of a batch: a `BatchRead`, `BatchWrite`, `BatchDelete` or `BatchUDF`.

    Immutable; may be used again and again.
    """
    @property
    def key(self) -> Key: ...
    @property
    def policy(self) -> BatchReadPolicy | BatchWritePolicy | BatchDeletePolicy | BatchUDFPolicy | None: ...
    def __init__(self, *args: object, **kwargs: object) -> None: ...
    def __eq__(self, other: object) -> bool: ...
    def __hash__(self) -> int: ...

def restore_row(kind: type, key: Key, arguments: dict[str, Any]) -> BatchRow:
    """A row out of what its pickle holds."""

@final
class BatchRead(BatchRow[V | None]):
    """A row that reads a record.

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
    @property
    def bins(self) -> tuple[str, ...] | None: ...
    @property
    def operations(self) -> tuple[Operation, ...] | None: ...
    @property
    def into(self) -> type[V] | None: ...
    @overload
    def __init__(
        self: BatchRead[None],
        key: KeyLike,
        bins: Iterable[str] | None = None,
        *,
        operations: Iterable[Operation] | None = None,
        into: None = None,
        policy: BatchReadPolicy | None = None,
    ) -> None: ...
    @overload
    def __init__(
        self: BatchRead[U],
        key: KeyLike,
        bins: Iterable[str] | None = None,
        *,
        operations: Iterable[Operation] | None = None,
        into: type[U] | None,
        policy: BatchReadPolicy | None = None,
    ) -> None: ...

@final
class BatchWrite(BatchRow[None]):
    """A row that changes a record.

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
    @property
    def operations(self) -> tuple[Operation, ...]: ...
    @property
    def ttl(self) -> Ttl | None: ...
    @property
    def generation(self) -> int | None: ...
    def __init__(
        self,
        key: KeyLike,
        operations: Iterable[Operation],
        *,
        ttl: Ttl | None = None,
        generation: int | None = None,
        policy: BatchWritePolicy | None = None,
    ) -> None: ...

@final
class BatchDelete(BatchRow[None]):
    """A row that deletes a record.

    Args:
        key: a `Key` or a `(namespace, set, user key)` tuple.
        generation: the one that the record must have, up to 65535.
        policy: its own; None for what the client's `write` says.

    Raises:
        InvalidType: an argument is of the wrong type.
        InvalidArgument: the generation does not fit.
    """
    @property
    def generation(self) -> int | None: ...
    def __init__(
        self, key: KeyLike, *, generation: int | None = None, policy: BatchDeletePolicy | None = None
    ) -> None: ...

@final
class BatchUDF(BatchRow[Any]):
    """A row that calls a function on a record.

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
    @property
    def module(self) -> str: ...
    @property
    def function(self) -> str: ...
    @property
    def args(self) -> tuple[Any, ...]: ...
    @property
    def ttl(self) -> Ttl | None: ...
    def __init__(
        self,
        key: KeyLike,
        module: str,
        function: str,
        args: Iterable[Any] = (),
        *,
        ttl: Ttl | None = None,
        policy: BatchUDFPolicy | None = None,
    ) -> None: ...

@final
class ColumnPlan:
    """What becomes of which column of the rows that are to be written.

    Args:
        schema: of the rows, a struct of columns.
        namespace: of the records.
        set_name: of those for which no column says another one; None for no set.
        bins: the names of bins by those of their columns.
        roles: which columns have what is no bin: their names by "key", "digest", "set", "ttl", "generation" and "extra".
        ttl: of records for which no column says it; None for the policy's.
        read_json: makes a value of JSON text.
        rules: by which the rows are sent; None for the defaults.
        own: the settings of a `BatchWritePolicy`; None for what the rules say of rows that write.

    Raises:
        InvalidType, InvalidArgument: a column can't be what it is to be.
    """
    def __init__(
        self,
        schema: ArrowSchema,
        namespace: str,
        set_name: str | None,
        bins: dict[str, Any],
        roles: dict[str, Any],
        ttl: object,
        read_json: Callable[[str], object],
        rules: RowRules | None = None,
        own: Settings | None = None,
    ) -> None: ...

class RowPacker:
    """Packs the rows of columns, piece by piece.

    Attributes:
        number: of the next row, in the whole data.
        skipped: how many rows had no value, of which nothing is written.
    """
    @property
    def number(self) -> int: ...
    @property
    def skipped(self) -> int: ...
    def __new__(
        cls: builtins.type[T], data: TakenColumns, plan: ColumnPlan, *args: object, **kwargs: object
    ) -> T: ...

@final
class Batch:
    """The rows of one call, and what came of them so far."""
    @property
    def name(self) -> str | None: ...
    @property
    def records(self) -> list[Record | None]: ...
    @property
    def errors(self) -> dict[int, AerospikeError]: ...
    @property
    def settings(self) -> Settings: ...
    @property
    def total_timeout(self) -> float: ...
    def __len__(self) -> int: ...
    @property
    def remaining(self) -> float | None:
        """Milliseconds until the deadline, less than 0 when it has passed; None without one."""
    @property
    def first_key(self) -> Key | None:
        """The key of the first row; None if there is none, or no row was taken yet."""
    def key(self, row: int) -> Key:
        """The key of a row."""
    def writes(self, row: int) -> bool:
        """Whether a row writes or deletes."""
    def code(self, row: int) -> int | None:
        """The result code of a row's answer; None without an answer."""
    def asked(self, row: int) -> tuple[bytes | None, int, bytes, tuple[Operation, ...] | None, int]:
        """What a row asks.

        Returns:
            Its filter expression, or else the batch's; how many operations are sent for it, and their bytes; those that
            the caller gave, None where bins were given; and its info2.
        """
    def words_of(self, row: int) -> str:
        """The words by which a row's function failed; empty if there are none."""
    def told_of(self, row: int) -> bytes | None:
        """What the server told of a row's error, as it came; None if it told nothing."""
    def kinds(self, numbers: Iterable[int]) -> dict[tuple[bool, int, int], list[int]]:
        """Rows, by what counts for whether they are tried again: whether they write, how often they were tried and sent."""
    def next_replica(self, numbers: Iterable[int], slow: bool) -> bool:
        """Lets the next request for these rows go to the replica after the one that was asked, as far as it may.

        Args:
            numbers: of the rows.
            slow: whether the last request failed as the node was too slow, or gets no commands.

        Returns:
            Whether that of any row does: see `Command.next_replica`.
        """

@final
class IndexFilter:
    """The `where` of a query.

    It finds the records for which an index has a value from `begin` to `end`, both included. Made by the functions of
    `pyspike.filters`; immutable, picklable.

    Args:
        bin: the name of the indexed bin; None if `index` or `expression` says which index it is.
        begin: an int, a str or bytes, or GeoJSON.
        end: another int; else equal to `begin`.
        collection: 0 if the bin's value itself is indexed; else the number of what is: a list's elements, a map's keys
            or its values.
        context: the packed way to what is indexed inside the bin.
        index: the name of the index.
        expression: the bytes of the expression whose values are indexed.

    Raises:
        InvalidType: an index can't hold such values.
        InvalidArgument: the range is empty, a value does not fit, or not exactly one of `bin`, `index` and `expression` says
            which index it is.
    """
    @property
    def bin(self) -> str | None: ...
    @property
    def begin(self) -> int | str | bytes: ...
    @property
    def end(self) -> int | str | bytes: ...
    @property
    def collection(self) -> int: ...
    @property
    def context(self) -> bytes | None: ...
    @property
    def index(self) -> str | None: ...
    @property
    def expression(self) -> bytes | None: ...
    def __init__(
        self,
        bin: Any,
        begin: Any,
        end: Any,
        *,
        collection: int = ...,
        context: bytes | None = None,
        index: Any = None,
        expression: bytes | None = None,
    ) -> None: ...
    def __eq__(self, other: object) -> bool: ...
    def __hash__(self) -> int: ...

def restore_index_filter(
    bin: object,
    begin: object,
    end: object,
    collection: int,
    context: bytes | None,
    index: str | None,
    expression: bytes | None,
) -> IndexFilter:
    """Return the filter that a pickle holds."""

@final
class Statement:
    """What a query is to find.

    It says which records, and what is wanted of them. Without `where` these are all records, which other clients call a scan.
    Immutable, hashable, picklable.

    Args:
        namespace: the namespace's name.
        set_name: the set's name; None for all records of the namespace, in sets and in none.
        bins: the names of the bins to give; None for all, an empty list for none (key, generation and expiration only).
            A record that has none of these bins is not given.
        where: finds records by a secondary index; made by the functions of `pyspike.filters`.
        operations: made by the functions of `pyspike.operations`, in place of `bins`: each is done on every record, and
            must read. `Record.results` has what they gave, in order.

    Raises:
        InvalidType: an argument is of the wrong type, or an operation writes.
        InvalidArgument: a name can't be one, or arguments exclude each other.
    """
    @property
    def namespace(self) -> str: ...
    @property
    def set_name(self) -> str: ...
    @property
    def bins(self) -> tuple[str, ...] | None: ...
    @property
    def where(self) -> IndexFilter | None: ...
    @property
    def operations(self) -> tuple[Operation, ...] | None: ...
    __match_args__ = ("namespace", "set_name", "bins")
    def __init__(
        self,
        namespace: str,
        set_name: str | None = None,
        bins: Sequence[str] | None = None,
        *,
        where: IndexFilter | None = None,
        operations: Iterable[Operation] | None = None,
    ) -> None: ...
    def __eq__(self, other: object) -> bool: ...
    def __hash__(self) -> int: ...

def restore_statement(
    namespace: str,
    set_name: str,
    bins: tuple[str, ...] | None,
    where: IndexFilter | None,
    operations: tuple[Operation, ...] | None,
) -> Statement:
    """Return the statement that a pickle holds."""

@final
class QueryPartitions:
    """The partitions of one query, one behind the other.

    Args:
        begin: the first, 0 to 4095.
        count: how many.
        after: the digest of a record of the only partition: what stands behind it is asked for.

    Raises:
        InvalidArgument: there are no such partitions.
    """
    @property
    def begin(self) -> int: ...
    @property
    def count(self) -> int: ...
    def __init__(self, begin: int = 0, count: int = ..., after: bytes | None = None) -> None: ...
    @property
    def done(self) -> bool:
        """Whether all records of all partitions were given."""
    def wait_for_next(self) -> float | None:
        """Milliseconds until the next partition that no request asks for may be asked for; None if there is none."""
    def __len__(self) -> int: ...

def cursor_of(statement: Statement, partitions: QueryPartitions) -> bytes:
    """Return the bytes of a cursor that says how far the query of a statement is with its partitions."""

def partitions_of_cursor(data: bytes, statement: Statement | None = None) -> QueryPartitions:
    """Return how far the query that a cursor is of was with its partitions.

    Args:
        data: the cursor's bytes.
        statement: is to be gone on with; None if that is not known yet.

    Raises:
        InvalidArgument: these are no bytes of a cursor, or it is of another statement.
    """

@final
class Query:
    """A statement that is sent: how, to which partitions, and how far that is.

    Args:
        statement: what is asked for.
        settings: those of a `QueryPolicy`.
        partitions: of which partitions.
        timeout: the deadline of the whole query in milliseconds, or a timedelta; None for that of the settings.
        filter_expression: which records to give; None for that of the settings.

    Raises:
        InvalidType, InvalidArgument: an argument can't be used.
    """
    @property
    def statement(self) -> Statement: ...
    @property
    def settings(self) -> Settings: ...
    @property
    def partitions(self) -> QueryPartitions: ...
    @property
    def total_timeout(self) -> float: ...
    @property
    def requests(self) -> int: ...
    @property
    def given(self) -> int: ...
    def __init__(
        self,
        statement: Statement,
        settings: Settings,
        partitions: QueryPartitions,
        timeout: Milliseconds | None = None,
        filter_expression: Filter | None = None,
    ) -> None: ...
    def read_into(self, types: RecordTypes, cls: type | None) -> None:
        """Make what a client knows of the records.

        Args:
            types: what it knows.
            cls: the class to make objects of; None for Records.

        Raises:
            InvalidType, InvalidArgument: no record can be read into the class.
        """
    @property
    def remaining(self) -> float | None:
        """Milliseconds until the deadline, less than 0 when it has passed; None without one."""

MISSING_RAISES: object

@final
class RecordTuples:
    """Makes tuples of records.

    They are `(key, {"ttl": seconds, "gen": generation}, bins)`, and a key is `(namespace, set_name, user_key, digest)`. A digest
    and a user key of bytes are bytearrays, the name of no set is None, and a record that never expires has a `ttl` of 2**32 - 1.

    Args:
        convert: is given each value of a bin that is not plain, and returns what is to be in its place. Plain are int, str,
            float, bool, bytes and None, and a list or dict that has only these for its items.
        of_bytes: the same for each bin with bytes; None leaves them.
        with_user_key: whether keys have their user keys; None is in their place if not.
    """
    def __init__(
        self,
        convert: Callable[[Any], Any],
        *,
        of_bytes: Callable[[bytes], Any] | None = None,
        with_user_key: bool = True,
    ) -> None: ...
    def __call__(self, record: Record) -> tuple[tuple[Any, ...], dict[str, int], dict[str, Any]]:
        """Return a record's key, metadata and bins. The bins are the record's own dict, and changed in it."""
    def all(self, records: Iterable[Record]) -> list[tuple[tuple[Any, ...], dict[str, int], dict[str, Any]]]:
        """Return the tuples of all records of an iterable."""
    def header(self, record: Record) -> tuple[tuple[Any, ...], dict[str, int]]:
        """Return a record's key and metadata."""
    def key(self, key: Key) -> tuple[str, str | None, Any, bytearray]:
        """Return a key."""
    def results(
        self, record: Record, operations: Sequence[Operation], *, with_none: bool
    ) -> tuple[tuple[Any, ...], dict[str, int], dict[str, Any]]:
        """Return the key and metadata of a record that an operate gave, and what its operations gave by the names of their bins.

        Args:
            record: the record.
            operations: those of the operate. Of several on one bin the last counts.
            with_none: whether an operation that gave None counts.

        Raises:
            ValueError: there are not as many results as operations.
        """

@final
class UdfReader:
    """Gives what the function has returned."""
    def __init__(self, tags: CodecTable | None = None) -> None: ...

class QueryReader:
    """Gives the records that one request brings, and the Query when it has brought them all.

    `read` says PAUSE for a frame with records, which `take` gives one by one; then `read` goes on with the same frame. Its
    memory must stay as it is meanwhile, or be told by `moved`.
    """
    @property
    def given(self) -> int: ...
    def __new__(cls: builtins.type[T], query: Query, number: int) -> T: ...
    def records(self, body: bytes) -> tuple[list[Record], Any]:
        """Return the records of a frame with this body, and how to go on; for tests."""

@final
class Breaker:
    """Counts the errors of one node, and is open while there were too many in the current window. No I/O, and no clock.

    Args:
        most: how many errors a window may have; 0 for any number.

    Attributes:
        most: the same.
        limit: how many errors the current window may have.
        errors: how many it has.
        total: how many there were so far.
        opened: how many windows had too many.
        refused: how many attempts were refused so far, because it was open.
    """
    @property
    def most(self) -> int: ...
    @property
    def limit(self) -> int: ...
    @property
    def errors(self) -> int: ...
    @property
    def total(self) -> int: ...
    @property
    def opened(self) -> int: ...
    @property
    def refused(self) -> int: ...
    def __init__(self, most: int = 0) -> None: ...
    def change(self, most: int) -> None:
        """Allow so many errors in a window from now on; 0 for any number."""
    @property
    def is_open(self) -> bool:
        """Whether the node gets no commands."""
    def count(self) -> None:
        """Count an error."""
    def next_window(self) -> bool:
        """Begin the next window, and return whether the last one was well."""

def latency_edges() -> tuple[float, ...]:
    """Return the limits of the buckets in milliseconds; one more bucket has what took longer than the last."""

@final
class Meter:
    """The numbers of one node, and of all nodes of its name before it; and of commands that found no node to ask."""
    def __init__(self) -> None: ...
    def count_request(
        self,
        method: str,
        namespace: str,
        took_ms: float,
        *,
        error: BaseException | None = None,
        call_ms: float = 0,
        sent: int = 0,
        received: int = 0,
    ) -> None:
        """Count a request that no executor has run.

        Args:
            method: the client's method that made it, of the kind "query" or "admin".
            namespace: of the records that it is about; empty if it is about none.
            took_ms: how many milliseconds it took.
            error: with what it failed; None if it was answered.
            call_ms: how long the call has taken, if this was not its first attempt; 0 if it was.
            sent, received: how many bytes.

        Raises:
            KeyError: there is no such method.
        """
    def take_over(self, other: Meter) -> None:
        """Add the numbers of another meter to these."""
    @property
    def connections(self) -> tuple[tuple[int, ...], float]:
        """Of connections that were opened, how long that took: see `numbers`."""
    def numbers(self) -> list[dict[str, Any]]:
        """Return the numbers of each namespace and kind of command so far; a namespace may be there more than once.

        Durations are two values: how many there are in each bucket, as `latency_edges` has them, and the milliseconds of all
        together.
        """

@final
class DurationCounter:
    """Counts durations in the same buckets, for what is seldom."""
    def add(self, ms: float) -> None:
        """Count a duration in milliseconds."""
    @property
    def seen(self) -> tuple[tuple[int, ...], float]:
        """How many there are in each bucket, and the milliseconds of all together."""

@final
class NodeLimits:
    """How many connections a client may open to each node, and how many commands may wait for one.

    Args:
        min_connections: how many connections for threads are opened in advance and kept.
        max_connections: how many connections for threads there may be.
        max_waiting: how many commands may wait for a connection; -1 for any number.
        idle_timeout: how long an unused connection is kept, in milliseconds.
        buffer_reclaim_threshold: bytes from which on a connection's receive buffer is freed after its answer.
        pipelines: how many connections a loop opens for commands of one kind.
        commands_per_pipeline: how many commands may be in flight on each of them.
        max_errors: how many errors a window may have before the node gets no commands for a while; 0 for any number.
    """
    @property
    def min_connections(self) -> int: ...
    @property
    def max_connections(self) -> int: ...
    @property
    def max_waiting(self) -> int: ...
    @property
    def pipelines(self) -> int: ...
    @property
    def commands_per_pipeline(self) -> int: ...
    @property
    def max_errors(self) -> int: ...
    def __init__(
        self,
        *,
        min_connections: int = 0,
        max_connections: int = 256,
        max_waiting: int = -1,
        idle_timeout: float = 30_000,
        buffer_reclaim_threshold: int = 65536,
        pipelines: int = 2,
        commands_per_pipeline: int = 128,
        max_errors: int = 0,
    ) -> None: ...
    def change_idle_timeout(self, idle_timeout: float) -> None:
        """Keep unused connections for so many milliseconds from now on."""

class Node:
    """A node of the cluster, from when it is found until it is retired. A retired node never comes back.

    Args:
        name: the name by which the node calls itself.
        limits: how many connections and waiting commands it may have.

    Attributes:
        pool: the connections of threads to the node. The code that makes the node sets it.
        active: whether commands may be sent to the node.
    """
    @property
    def name(self) -> str: ...
    @property
    def limits(self) -> NodeLimits: ...
    @property
    def active(self) -> bool: ...
    pool: Pool
    def __init__(self, name: str, limits: NodeLimits) -> None: ...
    def retire(self) -> None:
        """Send the node no more commands; commands in flight finish."""
    def batch_stats(self) -> dict[str, int]:
        """Return the numbers of batches so far: requests and rows, of threads and of all loops together."""
    def query_stats(self) -> dict[str, int]:
        """Return the numbers of queries so far: requests and records, of threads and of all loops together."""
    def compression_stats(self) -> dict[str, int]:
        """Return how many requests and answers were compressed so far, and their bytes, of threads and of all loops together."""
    def rack_stats(self) -> dict[str, int]:
        """Return how often the node was chosen by racks so far, by threads and all loops together."""
    def health_stats(self) -> dict[str, Any]:
        """Return the numbers of the node's errors, and of late answers, of threads and of all loops together."""
    @property
    def breaker(self) -> Breaker:
        """What counts the node's errors."""
    @property
    def meter(self) -> Meter:
        """What the attempts of commands on the node came to."""
    def count_with(self, meter: Meter) -> None:
        """Count with a meter that counted for another node of the name. Not after the first command."""
    def forget_connections(self) -> None:
        """Forget the pool and the counters in a child process: the connections are its parent's."""

@final
class PartitionMap:
    """The owners of all partitions of all namespaces; immutable. `PartitionMap()` knows none."""
    @property
    def nodes(self) -> tuple[Any, ...]: ...
    @property
    def displaced(self) -> frozenset[Any]: ...
    def __init__(self) -> None: ...
    def updated(self, node: Node, answers: Iterable[tuple[str, int, Sequence[bytes]]]) -> PartitionMap:
        """Return the map after `node` told which partitions it owns.

        Each partition that `node` claims is taken from its owner, unless the owner claimed it with a newer regime. All
        other partitions keep their owner.

        Args:
            node: the node that answered.
            answers: (namespace, regime, bitmaps) triples; there is a bitmap of 512 bytes for each replica, the master's
                first.

        Raises:
            ProtocolError: a bitmap has another size.
        """
    def without(self, gone: Collection[object]) -> PartitionMap:
        """Return the map after the nodes in `gone` left: their partitions have no owner until another node claims them."""
    def preferring(self, rack_ids: Sequence[int], racks: Mapping[Any, Mapping[str, int]]) -> PartitionMap:
        """Return the map for a client that prefers racks; the same map if it is that already.

        Args:
            rack_ids: the preferred racks, the best first, up to 255 of them.
            racks: for each node, its rack in each namespace; what is left out is in no preferred rack.
        """
    @property
    def namespaces(self) -> tuple[str, ...]:
        """The names of the namespaces."""
    def is_strong(self, namespace: str) -> bool:
        """Return whether the namespace has strong consistency; False if it is unknown."""
    def replica_count(self, namespace: str) -> int:
        """Return how many replicas the namespace has, the master included; 0 if it is unknown."""
    def owner(self, namespace: str, partition_id: int, replica_index: int = 0) -> Any:
        """Return the node that holds this replica of the partition, or None."""
    def owns(self, node: object) -> bool:
        """Return whether the node holds any partition."""

@final
class Routing:
    """Holds the current partition map, which the cluster replaces and executors read; and whether calls may begin."""
    @property
    def refusing(self) -> bool: ...
    @property
    def retrying(self) -> int: ...
    prefers_racks: bool
    def __init__(self) -> None: ...
    def refuse(self) -> None:
        """Let no call begin any more; calls under way go on."""
    @property
    def partitions(self) -> PartitionMap:
        """The current map."""
    @partitions.setter
    def partitions(self, partitions: PartitionMap) -> None: ...

@final
class Command:
    """A request, the reader of its answer, and its attempts, each of which sends the same bytes."""
    @property
    def key(self) -> Key | None: ...
    @property
    def namespace(self) -> str: ...
    @property
    def settings(self) -> Settings: ...
    @property
    def total_timeout(self) -> float: ...
    @property
    def write(self) -> bool: ...
    @property
    def tries(self) -> int: ...
    @property
    def sent(self) -> int: ...
    @property
    def history(self) -> list[Attempt] | None: ...
    def __init__(self) -> None: ...
    @property
    def request(self) -> bytes:
        """The request's bytes as they are sent."""
    @property
    def name(self) -> str | None:
        """The name of the client's method for one record that made it, such as "get"; None of other commands."""
    @property
    def method(self) -> str:
        """The name of the client's method that made it, also where that is for many records or about a transaction."""
    @property
    def kind_number(self) -> int:
        """The place of its kind in what `command_kinds` returns."""
    @property
    def elapsed(self) -> float:
        """Milliseconds since its first attempt began; 0 before."""
    @property
    def operations(self) -> tuple[Operation, ...] | None:
        """The operations of an `operate`; None for other commands."""
    @property
    def tries_left(self) -> int:
        """How many more attempts the policy allows."""
    @property
    def remaining(self) -> float | None:
        """Milliseconds until the deadline, less than 0 when it has passed; None without one."""
    def next_replica(self, slow: bool) -> bool:
        """Have the next attempt ask the replica after the one that the last attempt asked, if it may.

        Args:
            slow: whether the last attempt failed as the node was too slow, or gets no commands.

        Returns:
            Whether it does. A strict read of a namespace with strong consistency is the master's.
        """

def frames_command(
    request: bytes,
    namespace: str,
    partition_id: int,
    settings: Settings,
    is_last: Callable[[bytes], bool] | None = None,
) -> Command:
    """Return a command of a request that is made in Python; the command gives the bodies of its answer's frames.

    Args:
        request: the whole frame.
        namespace: the namespace of the partition.
        partition_id: 0 to 4095; the command is sent to the node that owns this partition.
        settings: the settings of a policy.
        is_last: is called with each body, and returns whether the answer ends with it. None: the answer has one frame.

    Raises:
        InvalidArgument: there is no such partition.
    """

class Executor:
    """Runs commands and batches. This base class runs nothing, and returns what it is given."""
    def submit(self, work: Command | Batch) -> Any:
        """Run a command or a batch, and return what its call gives."""
    def open_query(self, query: Query) -> Any:
        """Return the records of a query, which has not begun."""
    def open_call(self, method: str, namespace: str | None, set_name: str | None) -> Trace | None:
        """Note that a call begins which is not run here; None if nobody watches. Leaving the trace's `with` ends it."""

def parse_answer(command: Command, body: bytes) -> Any:
    """Return what the command gives for an answer of one frame with this body, which begins with the message's header."""

@final
class NodeRows:
    """Rows of a batch that one node is asked for, in one request or several, one after the other."""
    @property
    def batch(self) -> Batch: ...
    @property
    def node(self) -> Node: ...
    def next_command(self) -> Command | None:
        """A command for the next rows; None if there are none. The rows of the one before must have been answered."""
    def count_sent(self) -> None:
        """Counts that the last request may have reached the server."""
    def is_unanswered(self, command: Command) -> bool:
        """Whether no row of the last request, which is this one, was answered."""
    def give_up(self, most: int = -1) -> list[int]:
        """The rows that have no answer, after a request failed: those that no request asked for yet count as tried too.

        Args:
            most: how many rows to look at, so that it does not take long; the next call looks at those behind. -1 for all.
        """
    def count_outcomes(self, *, failed: int = 0, retried: int = 0) -> None:
        """Counts, for the node, rows that ended in an error, and rows without an answer that are asked for again."""
    @property
    def rows(self) -> list[int]:
        """The numbers of all its rows."""
    def __len__(self) -> int: ...

def failed_rows(command: Command) -> list[int]:
    """The rows that failed by what has come of the answer to a batch's command since the last call."""

def batch_rows(
    rows: Iterable[BatchRow],
    rules: Settings | RowRules,
    timeout: Milliseconds | None = None,
    filter_expression: Filter | None = None,
) -> Batch:
    """A batch of rows that are to be sent by these rules.

    Args:
        rows: any iterable of them.
        rules: of a client, or the settings of a `BatchPolicy` for one whose other policies are the defaults.
        timeout: of the whole call in milliseconds; None for that of the settings.
        filter_expression: for the rows without a filter of their own; None for that of the settings.

    Raises:
        InvalidType, InvalidArgument: an argument can't be used.
    """

@final
class Routes:
    """Which node is to be asked for which rows, by the map of the moment.

    Args:
        batch: whose rows they are.
        partitions: the map.
        numbers: of the rows; None for all.

    Attributes:
        found: the rows for each node.
        lost: the numbers of rows that no node can be asked for, each with the error, which is None if none is known.
    """
    @property
    def found(self) -> list[NodeRows]: ...
    @property
    def lost(self) -> list[tuple[int, AerospikeError | None]]: ...
    def __init__(
        self, batch: Batch, partitions: PartitionMap, numbers: Iterable[int] | None = None
    ) -> None: ...
    def find(self) -> None:
        """Find a node for each row."""

def outcomes(batch: Batch) -> list[BatchRecord]:
    """What came of each row, now that each was answered or has an error."""

def rows_of_node(batch: Batch, numbers: Iterable[int], node: Node | None = None) -> NodeRows:
    """Some rows of a batch, for one node.

    Raises:
        IndexError: there is no such row.
    """

@final
class RowGroups:
    """The rows that a stream has read and that were not sent yet.

    Args:
        rules: by which the rows are sent.
        in_flight: how many rows may be read and not handed over.
        timeout: of each group in milliseconds, from when it is sent; None for that of the settings.
        filter_expression: for the rows without a filter of their own; None for that of the settings.

    Raises:
        InvalidType, InvalidArgument: an argument can't be used.
    """
    @property
    def settings(self) -> Settings: ...
    @property
    def in_flight(self) -> int: ...
    def __init__(
        self,
        rules: RowRules,
        in_flight: int,
        timeout: Milliseconds | None = None,
        filter_expression: Filter | None = None,
    ) -> None: ...

def new_transaction_id() -> int:
    """Return a number by which servers know a transaction."""

def monitor_key(namespace: str, number: int) -> Key:
    """Return the key of a transaction's monitor record."""

def join_transaction(
    command: Command,
    began: int,
    number: int,
    version: bytes | None,
    deadline: int | None,
    note: Callable[[int, bytes | None], None],
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

def begin_call() -> int:
    """Return the time, from which the deadline of the commands of a call counts."""

def time_left_of_call(work: Command | Batch, began: int) -> float | None:
    """Return the milliseconds until the deadline of a call, less than 0 when it has passed; None without one."""

def limit_call(work: Command | Batch, ms: float) -> bool:
    """Have a command or a batch that has not begun take no more milliseconds than these, at least one.

    Returns:
        Whether that is less than it had.
    """

def join_batch(
    batch: Batch,
    began: int,
    number: int,
    versions: list[bytes | None],
    deadline: int | None,
    note: Callable[[int, int, bytes | None], None],
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

def keys_of_batch(batch: Batch) -> list[Key]:
    """Return the keys of a batch's rows, which it takes."""

def monitor_command(
    work: Command | Batch, began: int, monitor: Key, number: int, keys: list[Key], ttl: int, create: bool
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

def mark_command(monitor: Key, settings: Settings) -> Command:
    """Return the command by which a transaction is committed; it gives None."""

def close_command(monitor: Key, settings: Settings) -> Command:
    """Return the command that removes a monitor record, and gives whether it was there."""

def verify_command(key: Key, version: bytes, settings: Settings) -> Command:
    """Return the command that raises if a record has not this version any more."""

def roll_command(key: Key, forward: bool, number: int, settings: Settings) -> Command:
    """Return the command that makes what a transaction has written the record, or drops it (not `forward`)."""

def verify_batch(keys: list[Key], versions: list[bytes], settings: Settings) -> Batch:
    """Return the batch whose rows fail if the records have not these versions any more."""

def roll_batch(
    keys: list[Key], forward: bool, number: int, deadline: int | None, settings: Settings
) -> Batch:
    """Return the batch that makes what a transaction has written the records, or drops it (not `forward`)."""

@final
class NodeQuery:
    """Partitions of a query that one node is asked for in one request."""
    @property
    def query(self) -> Query: ...
    @property
    def node(self) -> Node: ...
    @property
    def number(self) -> int: ...
    @property
    def share(self) -> int: ...
    @property
    def query_id(self) -> int: ...
    @property
    def reader(self) -> QueryReader: ...
    def reserve(self, share: int, query_id: int) -> None:
        """Let nobody else ask for the partitions, until this has ended or failed.

        Args:
            share: how many records it may bring at most; 0 for all.
            query_id: a number by which the node knows the query.
        """
    def split(self, count: int) -> NodeQuery:
        """Keep the first partitions, so many, and give the others away. Nobody asks for those before they are released.

        Args:
            count: how many are kept; fewer than there are.

        Raises:
            ValueError: there are not more.
        """
    def release(self) -> None:
        """Let its partitions be asked for, which were split off."""
    def make_command(self) -> Command:
        """The request for the partitions, which were reserved."""
    @property
    def given(self) -> int:
        """How many records it has brought."""
    def end(self) -> list[int]:
        """Note that its answer came to the end.

        Partitions of which there may be more, as it has brought as many records as it might, wait to be asked for again; the
        others are done.

        Returns:
            The partitions that the node does not have, which wait too.
        """
    def give_up(self) -> list[int]:
        """Ask for its partitions no more, as it failed; return those that it still asked for."""
    @property
    def partitions(self) -> list[int]:
        """The numbers of the partitions."""
    def __len__(self) -> int: ...

def route_partitions(query: Query, map: PartitionMap) -> list[NodeQuery]:
    """Which nodes can be asked for which of the partitions that are due, by the map of the moment.

    Args:
        query: whose partitions they are.
        map: which node has which partition.

    Returns:
        Partitions for each node, the nodes in the order of their names; last those that no node is known for, if there are
        any.

    Raises:
        ServerError: the cluster has no such namespace.
    """

def count_failures(
    query: Query, partitions: Iterable[int], *, brought_records: bool = False, next_replica: bool = True
) -> int:
    """Count that a request for partitions has failed.

    Args:
        query: whose partitions they are.
        partitions: their numbers.
        brought_records: whether it had brought records before.
        next_replica: whether the next request goes to the next replica.

    Returns:
        How often the requests for them have failed in a row without bringing a record: the most of all.
    """

def put_off(query: Query, partitions: Iterable[int], pause: float) -> None:
    """Let partitions not be asked for in the next so many milliseconds."""

def new_query_number() -> int:
    """Return a number by which nodes know a query."""

def packed_call(module: object, function: object, args: object = ()) -> tuple[str, str, bytes]:
    """Return the names and the packed arguments of a function's call, as the requests below take them.

    Raises:
        InvalidType, InvalidArgument: a name can't be one, or an argument can't be sent.
    """

def background_request(
    statement: Statement,
    settings: Settings,
    query_id: int,
    *,
    operations: Iterable[Operation] | None = None,
    udf: tuple[str, str, bytes] | None = None,
    timeout: Milliseconds | None = None,
    ttl: Ttl | None = None,
    filter_expression: Filter | None = None,
    records_per_second: int = 0,
) -> Command:
    """Return the command that has a node apply operations or a UDF to records in the background; it gives None.

    Args:
        statement: which records.
        settings: those of a `WritePolicy`.
        query_id: by which the nodes know it.
        operations: what is done; None with `udf`.
        udf: the module's name, the function's, and its packed arguments.
        timeout: until when the node must have begun, in milliseconds; None for that of the settings.
        ttl: how long the records live from then on; None for that of the settings.
        filter_expression: which of the records; None for that of the settings.
        records_per_second: how many records a node may look at in a second; 0 for as many as its configuration allows.

    Raises:
        InvalidType, InvalidArgument: an argument can't be used.
    """

def aggregate_request(
    statement: Statement,
    settings: Settings,
    query_id: int,
    udf: tuple[str, str, bytes],
    *,
    timeout: Milliseconds | None = None,
    trace: Trace | None = None,
) -> Command:
    """Return the command that has a node aggregate records by a UDF; it gives a list of what the UDF gave.

    Args:
        statement: which records.
        settings: those of a `QueryPolicy`.
        query_id: by which the nodes know it.
        udf: the module's name, the function's, and its packed arguments.
        timeout: the deadline in milliseconds; None for that of the settings.
        trace: what becomes of it is written down there, if there is one.

    Raises:
        InvalidType, InvalidArgument: an argument can't be used.
    """

def explain_request(
    statement: Statement,
    settings: Settings,
    query_id: int,
    where: bytes,
    *,
    index: str | None = None,
    timeout: Milliseconds | None = None,
) -> Command:
    """Return the command that has a node say by which index it would find records; it gives a dict of fields.

    Args:
        statement: of which namespace and set.
        settings: those of a `QueryPolicy`.
        query_id: by which the node knows it.
        where: flag bytes, and the text that says which records.
        index: the name of the index that is hoped for; None without one.
        timeout: the deadline in milliseconds; None for that of the settings.
    """

@final
class TlsStream:
    """The TLS of one connection after its handshake; `ssl` is used on memory, never on a socket.

    Args:
        tls: the `ssl.SSLObject`.
        incoming: the `ssl.MemoryBIO` from which it reads.
        outgoing: the `ssl.MemoryBIO` to which it writes.
        explain: makes the error to raise of one of `ssl`'s.
    """
    def __init__(
        self,
        tls: ssl.SSLObject,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        explain: Callable[[Exception], AerospikeError],
    ) -> None: ...

@final
class Connection:
    """A connected TCP socket that speaks Aerospike's protocol, one request at a time.

    Args:
        fd: the socket's descriptor, which the connection owns from now on.
        tls: its TLS, after the handshake; None without TLS.
    """
    def __init__(self, fd: int, tls: TlsStream | None = None) -> None: ...
    def exchange(self, message: bytes, timeout: float) -> bytes:
        """Send one message, its 8-byte header included, and return the body of the answer, which has the same type.

        `timeout` is in milliseconds, 0 for none. Raises TimeoutError, ConnectionError or ProtocolError, after which
        the connection is closed.
        """
    def exchange_all(
        self, message: bytes, timeout: float, is_last: Callable[[bytes], bool] | None = None
    ) -> list[bytes]:
        """Do the same where the answer may have several frames, and return the bodies of all.

        `is_last` is called with each body, and returns whether the answer ends with it; without it the answer has one
        frame. If it raises, the connection is closed too.
        """
    def close(self) -> None:
        """Close the socket. Does nothing if it is closed."""
    def interrupt(self) -> None:
        """Have the exchange that another thread does on the connection end at once, with a ConnectionError."""
    @property
    def exchanged(self) -> tuple[int, int]:
        """How many bytes of the last request were sent, and how many came in answer."""
    @property
    def closed(self) -> bool:
        """Whether the socket is closed."""
    def fileno(self) -> int:
        """Return the socket's descriptor; -1 if the socket is closed."""

@final
class Pool:
    """The connections to one node, shared by all threads.

    Args:
        node: the node. The pool keeps its name, limits and counters, but not the node itself.
        opener: is called with a timeout in milliseconds, 0 for none, and returns a new connection.
    """
    @property
    def closed(self) -> bool: ...
    def __init__(self, node: Node, opener: Any) -> None: ...
    def relieve(self) -> None:
        """Read the answers that have come for threads that are elsewhere, and make their connections idle."""
    def drain(self) -> None:
        """Read the late answers that have come, and make their connections idle."""
    def trim(self) -> None:
        """Close connections that have been idle for longer than the idle timeout, but keep the minimum."""
    def fill(self) -> None:
        """Open connections until there are as many as the minimum."""
    def close(self) -> None:
        """Close the idle connections now and those in use when they are given back; wake the threads that wait."""
    @property
    def busy(self) -> int:
        """How many calls use a connection, open one, or wait for one."""
    def stats(self) -> dict[str, Any]:
        """Return the numbers of the pool's connections, and of the waits and failures so far."""

@final
class BatchStream(Generic[V]):
    """The outcomes of a stream of rows, each as soon as it is there; what `Client.batch_stream` gives.

    An iterator, for one thread or several. One that is not read to its end is closed when nothing refers to it any more, or by
    `close`, or at the end of a `with`: rows under way may have been done then, or not. In a forked child it can only be closed.
    """
    def __init__(self, *args: object, **kwargs: object) -> None: ...
    def __iter__(self) -> BatchStream[V]: ...
    def __next__(self) -> BatchRecord[V]: ...
    def close(self) -> None:
        """End the stream: no connection stays in use, and no row is read or handed over any more. Again is harmless.

        If another thread waits for the next outcome, it ends when that thread has it.
        """
    def __enter__(self) -> BatchStream[V]: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

@final
class Recordset(Generic[R]):
    """The records of a query, as they come from the nodes; what `Client.query` gives.

    An iterator, for one thread or several, and a context manager. The query begins with the first record that is asked for.
    If it is not read to its end it is closed when nothing refers to it any more, or by `close`, or at the end of a `with`: the
    nodes end it then. In a forked child it can only be closed; the parent goes on with it.

    Errors end it: they are raised once, by the record that is asked for then. What goes on behind the records that were given
    is `Client.query(statement, cursor=recordset.cursor)`.
    """
    def __init__(self, *args: object, **kwargs: object) -> None: ...
    def __iter__(self) -> Recordset[R]: ...
    def __next__(self) -> R: ...
    @property
    def cursor(self) -> Cursor:
        """Where the query stands: a query of the same statement with this cursor gives the records that it has not given yet.

        It is there at any moment, also after `close` or an error.
        """
    def close(self) -> None:
        """End the query: no connection stays in use, and no more records are given. Again is harmless.

        If another thread waits for the next record, the query ends when that thread has it.
        """
    def __enter__(self) -> Recordset[R]: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

class ColumnStream:
    """Batches of columns, as they come from the nodes.

    It is read once, by one consumer at a time, in any thread. Nothing is sent before the first batch is asked for, or a schema
    that has to be guessed. `close`, or the end of a `with`, ends it early.
    """
    @property
    def error(self) -> BaseException | None: ...
    raises_itself: bool
    def __init__(self, *args: object, **kwargs: object) -> None: ...
    def be_watched(self, trace: Trace | None) -> None:
        """Have it written down in a trace what becomes of a stream that has not begun; None: it is not."""
    def next_batch(self, kind: type) -> ColumnBatch | None:
        """Return the next batch as an object of a class, which is `ColumnBatch` or below it; None if there is none.

        What goes wrong is raised once the rows that came before were given.
        """
    @property
    def schema(self) -> ArrowSchema:
        """The schema of all batches. One that is guessed has the first batch received."""
    @property
    def known_schema(self) -> ArrowSchema | None:
        """The schema, if it was given, or has come already; else None."""
    @property
    def cursor(self) -> Cursor | None:
        """Where the query stands behind the batches that were given; None of what is no query.

        A query of the same statement with this cursor gives the other records. It is there at any moment, also after `close` or
        an error.
        """
    def close(self) -> None:
        """End the stream: no connection stays in use. Again is harmless, and another thread may do it.

        If a batch is being received by another thread, that fails a little later.
        """
    def __enter__(self) -> ColumnStream: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
    def __arrow_c_schema__(self) -> object:
        """Return the schema in a capsule. One that was given has nothing sent for it."""
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Return the stream in a capsule, for a library that takes it.

        Args:
            requested_schema: a capsule with the schema that is wanted. It is the one that the columns get if none was given and
                nothing was received yet; else they stay as they are.

        Raises:
            InvalidArgument: a library has the stream already, or the schema is of other columns.
        """

class ColumnBatch:
    """Rows of a stream, in columns. Any number of libraries may take it; its memory is shared."""
    @property
    def schema(self) -> ArrowSchema: ...
    def __init__(self, *args: object, **kwargs: object) -> None: ...
    @property
    def num_rows(self) -> int:
        """How many rows it has."""
    @property
    def nbytes(self) -> int:
        """How many bytes its columns take."""
    def __len__(self) -> int: ...
    def __arrow_c_schema__(self) -> object:
        """Return the schema in a capsule."""
    def __arrow_c_array__(self, requested_schema: object | None = None) -> tuple[object, object]:
        """Return the schema and the columns in two capsules. The columns stay as they are, whatever schema is wanted."""
    def fixed_column(self, place: int) -> tuple[int, bytes | None, bytes]:
        """Return a column of values of a fixed size: how many are null, a bit for each that is not, and the values.

        Args:
            place: the column's, in the schema.
        """

def query_columns(routing: Routing, plan: Any, columns: Columns, kind: type) -> ColumnStream:
    """A stream of the records that a query finds, which has not begun.

    Args:
        routing: of the cluster.
        plan: the query's `QueryPlan`.
        columns: what the records become; for this query alone.
        kind: the class of the stream.

    Raises:
        ClientClosed: the client is closed.
    """

def batch_columns(
    routing: Routing,
    plan_of: Callable[[Batch], Any],
    keys: Iterable[KeyLike],
    bins: Any,
    rules: RowRules,
    timeout: Milliseconds | None,
    filter_expression: Filter | None,
    columns: Columns,
    kind: type,
) -> ColumnStream:
    """A stream of the records of keys, which has not begun.

    Args:
        routing: of the cluster.
        plan_of: makes the `BatchPlan` of a batch.
        keys: any iterable of keys.
        bins: the names of the bins, or None for all.
        rules: by which they are asked for.
        timeout: the deadline of each batch; None for that of the settings.
        filter_expression: which records to give; None for that of the settings.
        columns: what the records become; for these keys alone.
        kind: the class of the stream.

    Raises:
        ClientClosed: the client is closed.
    """

def memory_columns(bodies: Iterable[bytes], columns: Columns, kind: type) -> ColumnStream:
    """A stream of records that are in memory.

    Args:
        bodies: of messages of records, one behind the other in each.
        columns: what the records become; for these alone.
        kind: the class of the stream.
    """

@final
class ColumnWriter(RowPacker):
    """Writes rows of columns.

    Args:
        routing: of the cluster.
        plan_of: makes the `BatchPlan` of a batch.
        data: what gives the columns.
        make_plan: says what becomes of them: it is given their schema and returns a `ColumnPlan`.
        start_row: how many rows to pass over.
        rules: by which the rows are sent.
        in_flight: how many rows may be under way.
        timeout: of each batch; None for that of the settings.
        filter_expression: which records to write; None for that of the settings.
        most_failures: after how many of them no other row is sent; None: any number.
        dry_run: whether rows are packed, and not sent.

    Attributes:
        failures: (number of the row, its Key, its error) of each row that failed so far.
        skipped: how many rows had no value.
        sent: how many rows were sent, or are to be.
        elapsed_ns: how long it has run.
    """
    @property
    def sent(self) -> int: ...
    @property
    def elapsed_ns(self) -> int: ...
    def __init__(
        self,
        data: TakenColumns,
        plan: ColumnPlan,
        routing: Routing,
        plan_of: Callable[[Batch], Any],
        *,
        rules: RowRules,
        start_row: int,
        in_flight: int,
        timeout: Milliseconds | None,
        filter_expression: Filter | None,
        most_failures: int | None,
        dry_run: bool,
    ) -> None: ...
    @property
    def failures(self) -> list[tuple[int, Key, AerospikeError]]:
        """The rows that failed so far."""
    @property
    def under_way(self) -> int:
        """How many rows were sent and have no outcome yet."""
    @property
    def next_row(self) -> int:
        """The first row, counted from the beginning of the data, for which it is not known what came of it."""
    def be_watched(self, trace: Trace | None) -> None:
        """Have it written down in a trace what becomes of rows that are not written yet; None: it is not."""
    def cancel(self) -> None:
        """Have it end soon, from any thread: rows under way may be written or not."""
    def run(self, note: Callable[[], None] | None) -> None:
        """Write all rows.

        Args:
            note: is called when some rows are done; None for nothing.

        Raises:
            RowRefused: a row can't be written. Those before its piece were.
            AerospikeError: the data gave no more rows, or the client was closed.
        """

def taken_columns(data: object) -> TakenColumns:
    """Begin to take the columns of an object that has `__arrow_c_stream__` or `__arrow_c_array__`.

    Raises:
        InvalidType: it has neither.
        InvalidArgument: its columns can't be read.
    """

def aggregate_on(requests: Iterable[tuple[Node, Command]]) -> list[Any]:
    """Return what all nodes give that are asked, in any order.

    Args:
        requests: nodes, and what `aggregate_request` has made for each.

    Raises:
        ServerError: a node refused it, or its function failed.
        TimeoutError, ConnectionError: a node did not answer.
    """

class ThreadExecutor(Executor):
    """Runs commands on a cluster, from any number of threads; a subclass's `after` decides what follows a failed attempt.

    Args:
        cluster: the cluster, whose `routing` has the current partition map.
        plan: is called with the cluster and a Batch; returns the `BatchPlan` that decides who is asked for which rows.
        query_plan: the same with a Query; returns its `QueryPlan`.

    It is compiled because mostly the first attempt succeeds. Errors are raised here: a Python frame that raises an error is
    in a reference cycle with it, which keeps the request in memory until the garbage collector runs.
    """
    @property
    def cluster(self) -> Any: ...
    def __new__(
        cls: builtins.type[T],
        cluster: Any,
        plan: Callable[[Any, Batch], Any] | None = None,
        query_plan: Callable[[Any, Query], Any] | None = None,
    ) -> T: ...
    def open_query(self, query: Query) -> Recordset:
        """Return the records of a query, which has not begun."""
    def execute(self, command: Command) -> object:
        """Run a command and return what it gives."""
    def after(self, command: Command, error: AerospikeError) -> AerospikeError | None:
        """Wait until the next attempt and return None; or return the error the command has failed with."""

@final
class WakeupQueue:
    """Wakes the tasks whose futures have an outcome, in the loop's next turn, as `asyncio.Future` does.

    Args:
        loop: the loop.
    """
    @property
    def loop(self) -> asyncio.AbstractEventLoop: ...
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None: ...
    def heed_debug(self) -> None:
        """Read whether the loop is in debug mode. This takes a call, so it is not done for each future."""
    def wake(self) -> None:
        """Call the callbacks of some futures. If Ctrl-C interrupts one of their tasks, another handle wakes the others."""

class Future:
    """The outcome of a command, which one task awaits. It has those methods of `asyncio.Future` that `asyncio.Task` needs.

    Channels and connections hold futures in their queues of commands, so a future also has the times of the current attempt.
    An error that no task retrieves is not reported, as the task that would have retrieved it was cancelled.

    Args:
        wakeups: the queue of the loop that the future belongs to.
    """

    _asyncio_future_blocking: bool
    @property
    def command(self) -> Command: ...
    def __init__(self, wakeups: WakeupQueue) -> None: ...
    def __await__(self) -> Generator[Any, None, Any]: ...
    def get_loop(self) -> asyncio.AbstractEventLoop:
        """Return the loop that the future belongs to."""
    def add_done_callback(
        self, callback: Callable[[Future], object], *, context: Context | None = None
    ) -> None:
        """Have the callback called in the turn of the loop that follows the outcome.

        Args:
            callback: is called with the future.
            context: the context in which it is called; a copy of the current one if left out.

        Raises:
            RuntimeError: the future has a callback, or was not made by its constructor.
        """
    def set_result(self, result: object) -> None:
        """Set the outcome: the command succeeded.

        Raises:
            RuntimeError: the future has an outcome.
        """
    def set_exception(self, error: BaseException) -> None:
        """Set the outcome: the command failed.

        Raises:
            RuntimeError: the future has an outcome.
        """
    def cancel(self, msg: object = None) -> bool:
        """Have no task wait for the command any more (see coroutine.pyx). Return False if there is an outcome already.

        Args:
            msg: the argument of the `CancelledError`.
        """
    def done(self) -> bool:
        """Whether there is an outcome."""
    def cancelled(self) -> bool:
        """Whether the future was cancelled."""
    def exception(self) -> BaseException | None:
        """Return the error; None if the command succeeded.

        Raises:
            CancelledError: the future was cancelled.
            RuntimeError: there is no outcome yet.
        """
    def result(self) -> Any:
        """Return the result.

        Raises:
            BaseException: the error of the command, or a `CancelledError`.
            RuntimeError: there is no outcome yet.
        """

@final
class Slicer:
    """Does the jobs of a loop, each at once as far as the time of this turn goes, and the rest in the next turns.

    Args:
        loop: the loop.
    """
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None: ...
    def go_on(self) -> None:
        """Do more of the jobs that wait, in a new turn of the loop."""

FOR_READS: int
FOR_WRITES: int
FOR_LARGE_READS: int
FOR_LARGE_WRITES: int
FOR_BATCHES: int
FOR_QUERIES: int

@final
class FailureQueue:
    """The failed attempts of one loop that are yet to be dealt with, the oldest first."""
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None: ...
    def drain_more(self) -> None:
        """Deal with more failed attempts, in the next turn of the loop."""

class Pipeline:
    """One connection, as a buffered protocol of asyncio.

    The commands that are submitted in one turn of the loop are sent in one write. One read may complete many commands.

    As a job, a connection for batches or queries reads answers that were received. Meanwhile it receives nothing more, nor as
    long as it is set aside.

    Args:
        channel: the channel that the connection belongs to.
    """
    @property
    def depth(self) -> int: ...
    @property
    def gone(self) -> bool: ...
    def __init__(self, channel: Channel) -> None: ...
    def flush(self) -> None:
        """Write the requests of the commands that were submitted, until the transport takes no more."""
    def connection_made(self, transport: Any) -> None:
        """Take the transport. The channel submits commands after `Channel.opened`."""
    def pause_writing(self) -> None:
        """Write nothing until `resume_writing`: the server reads more slowly than commands come."""
    def resume_writing(self) -> None:
        """Write the commands that were held back, and take commands that wait in line."""
    def get_buffer(self, sizehint: int) -> memoryview:
        """Return the memory for the next read, behind the bytes of an answer that is not complete.

        A full buffer is doubled, even if the header of the answer announces more bytes: so memory grows only with the bytes
        that have come.
        """
    def buffer_updated(self, nbytes: int) -> None:
        """Complete the commands whose answers are whole."""
    def eof_received(self) -> bool:
        """Close the connection, because the server has closed its side."""
    def connection_lost(self, exc: Exception | None) -> None:
        """Fail the commands in flight.

        Args:
            exc: the error, one of pyspike if TLS failed; None if the server closed the connection with a FIN.
        """
    def abandon(self) -> None:
        """Give up the socket of a loop that does not run any more, and forget the commands."""
    def shut(self, reason: str = "client closed") -> None:
        """Close the connection; commands in flight fail.

        Args:
            reason: the reason by which the statistics count the connection.
        """

def abandon_socket(sock: socket.socket | None) -> None:
    """Close the socket of a transport or a loop that does not run any more but still has the descriptor's number.

    `/dev/null` takes the number, so that no other file gets it while the transport may still close it.

    Args:
        sock: the socket; None does nothing.
    """

@final
class Channel:
    """The connections to one node, in one loop, for commands of one kind.

    Those for large requests and answers, for batches, and for queries, carry one command at a time, as it would hold up others.

    Args:
        loop: the running loop.
        node: the node, with its limits and counters.
        failures: the loop's queue of failed attempts.
        slicer: does the long work of the loop.
        connect: is called with the channel to open a connection; calls the channel's `opened` or `not_opened` later.
        failed: is called with the future and the error of every attempt that failed.
        attempt: is called with a future to begin another attempt.
        look_in: is called with the seconds after which to look for overdue commands, if that is earlier than usual.
        kind: what the channel is for: `FOR_READS` and so on.
        large: the sets with large records, as (namespace, set); the value is the number of small answers after which a
            set is removed. The channels of a loop share it.
    """
    @property
    def loop(self) -> asyncio.AbstractEventLoop: ...
    @property
    def depth(self) -> int: ...
    @property
    def kind(self) -> int: ...
    @property
    def bulk(self) -> bool: ...
    @property
    def closed(self) -> bool: ...
    @property
    def connecting(self) -> bool: ...
    @property
    def node(self) -> Node: ...
    @property
    def most(self) -> int: ...
    @property
    def least(self) -> int: ...
    @property
    def max_waiting(self) -> int: ...
    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        node: Node,
        failures: FailureQueue,
        slicer: Slicer,
        connect: Callable[[Channel], None],
        failed: Callable[[Future, AerospikeError], None],
        attempt: Callable[[Future], None],
        look_in: Callable[[float], None],
        *,
        kind: int = ...,
        large: dict[tuple[str, str], int] | None = None,
    ) -> None: ...
    @property
    def writes(self) -> bool:
        """Whether the channel is for writes only."""
    def begin_connecting(self) -> None:
        """Have a connection opened. The time for it begins now, when the loop comes to it."""
    def held_up(self, why: str) -> None:
        """Note what the opening of a connection waits for, in words, to tell those who wait for it in vain."""
    def opened(self, pipeline: Pipeline) -> None:
        """Use a connection that is open now."""
    def not_opened(self, error: AerospikeError) -> None:
        """Note that a connection could not be opened. If no other one takes commands, those in line fail with the error."""
    @property
    def is_busy(self) -> bool:
        """Whether any command is in flight on the channel or waits in line, but for those whose callers are not there."""
    def trim(self) -> bool:
        """Close connections that were idle for too long, but keep the least; or all idle ones if the node has left the cluster.

        Returns:
            Whether the channel still has a connection or a command.
        """
    def close(self, error: AerospikeError | None = None, reason: str = "client closed") -> None:
        """Close all connections. Commands that are in flight or wait in line fail, some in each turn of the loop.

        Args:
            error: the error of the commands; by default, that the client is closed.
            reason: the reason by which the statistics count the connections.
        """
    def abandon(self) -> None:
        """Forget the connections of a loop that does not run any more, and the commands on them."""
    def stats(self) -> dict[str, Any]:
        """Return the numbers of the channel's connections and commands."""

class Deadlines:
    """The timer of one loop, which fails the overdue commands of all channels.

    Args:
        loop: the loop.
    """
    @property
    def loop(self) -> asyncio.AbstractEventLoop: ...
    def __new__(cls: builtins.type[T], loop: asyncio.AbstractEventLoop, *args: Any, **kwargs: Any) -> T: ...
    def all_channels(self) -> list[Channel]:
        """Return all channels of the loop; a subclass has them."""
    def watch_in(self, seconds: float) -> None:
        """Set the timer: look for overdue commands once, after so many seconds.

        Linux may wake a loop from a long wait late, by a thousandth of the wait. So a timer for more than `LONG_TIMER` goes
        off earlier, and is set again for the rest.
        """
    def look_in(self, seconds: float) -> None:
        """Look for overdue commands after so many seconds, unless that is done earlier anyway."""
    def stop_timer(self) -> None:
        """Stop the timer."""
    def watched(self) -> None:
        """Look for overdue commands now, and set the timer for the next time."""

def watch_if_alive(reference: ref[Deadlines]) -> None:
    """Is called by the timer, which does not keep the client alive."""

class TaskExecutor(Executor):
    """Runs commands and batches for tasks; its subclass `AsyncExecutor` is in a later part."""

@final
class CommandCoroutine:
    """The coroutine of a command or a batch, which begins when the coroutine is awaited. It can be awaited once.

    When the coroutine is closed or its task is cancelled, no task waits for the command any more. A write whose request was
    sent may still be applied.
    """
    def __init__(self) -> None: ...
    def __await__(self) -> Generator[Any, None, Any]: ...
    def __next__(self) -> Any:
        """Do what `send(None)` does."""
    def send(self, value: None) -> Any:
        """Begin the command, or take its outcome.

        Args:
            value: None.

        Returns:
            The future to wait for before the next `send`.

        Raises:
            StopIteration: the command has succeeded; its `value` is the result.
            RuntimeError: the coroutine has ended, or the command has no outcome yet.
        """
    def throw(self, kind: Any, value: Any = None, trace: TracebackType | None = None) -> Any:
        """Cancel the command and raise an error where the coroutine is awaited.

        Args:
            kind: the error, or its class.
            value: the error, or its argument, where `kind` is a class.
            trace: the error's traceback.

        Raises:
            BaseException: the error.
        """
    def close(self) -> None:
        """Cancel the command. Does nothing if the coroutine has ended."""
    @property
    def cr_running(self) -> bool:
        """False, as no other code runs during a step."""
    @property
    def cr_suspended(self) -> bool:
        """Whether the coroutine was awaited, and the command has no outcome yet."""
    @property
    def cr_state(self) -> str:
        """What `inspect.getcoroutinestate` says of the coroutine; before Python 3.15 it asked for the other attributes."""
    @property
    def cr_frame(self) -> None:
        """None, as the coroutine has no Python frame."""

class LoopExecutor(Deadlines):
    """All channels of one client in one loop.

    Each node has up to six channels: reads, writes, large reads, large writes, batches, queries. So reads do not wait behind
    writes, which a replica that does not answer may hold up, and small requests and answers do not wait behind large ones. A
    subclass opens connections and decides what follows a failed attempt.

    Args:
        loop: the running loop.
        cluster: the cluster, whose `routing` has the current partition map.
    """
    @property
    def refusing(self) -> bool: ...
    @property
    def closed(self) -> bool: ...
    @property
    def failures(self) -> FailureQueue: ...
    @property
    def slicer(self) -> Slicer: ...
    @property
    def batches(self) -> set[Any]: ...
    @property
    def streams(self) -> set[Any]: ...
    @property
    def large(self) -> dict[tuple[str, str], int]: ...
    def __new__(
        cls: builtins.type[T], loop: asyncio.AbstractEventLoop, cluster: Any, *args: Any, **kwargs: Any
    ) -> T: ...
    def new_channel(self, node: Node, kind: int) -> Channel:
        """Make a channel to a node; a subclass does.

        Args:
            node: the node.
            kind: what the channel is for: `FOR_READS` and so on.
        """
    def failed(self, future: Future, error: AerospikeError) -> None:
        """Decide what follows a failed attempt of a command; a subclass does."""
    def refuse(self) -> None:
        """Let no command begin any more; commands under way go on."""
    def stop(self) -> None:
        """Let no attempt begin any more, stop the timer, and drop the cluster's partition map."""
    def all_channels(self) -> list[Channel]:
        """Return all channels of the loop."""
    def warm_up(self, nodes: Iterable[Node]) -> None:
        """Have the connections for reads and writes opened to these nodes that the policy wants to be there in advance."""
    def forget(self, channel: Channel) -> None:
        """Remove a channel."""
    @property
    def is_draining(self) -> bool:
        """Whether attempts have failed that are yet to be dealt with, or other work waits for its slice of time."""
    @property
    def is_busy(self) -> bool:
        """Whether any command or batch is under way."""
    def start(self, command: Command) -> Future:
        """Begin the first attempt and return the future of what the command gives."""
    def attempt(self, future: Future) -> None:
        """Begin another attempt. A result ends in the future; an error goes to `failed`."""

@final
class AsyncBatchStream(Generic[V]):
    """The outcomes of a stream of rows, each as soon as it is there: `AsyncClient.batch_stream`.

    An asynchronous iterator, for one task or several of one loop, in which it begins with the first outcome that is asked for.
    One that is not read to its end is closed when nothing refers to it any more, or by `aclose`, or at the end of an `async
    with`: rows under way may have been done then, or not. A task that is cancelled while it waits loses no outcome.
    """
    def __init__(self, *args: object, **kwargs: object) -> None: ...
    def __aiter__(self) -> AsyncBatchStream[V]: ...
    def __anext__(self) -> Coroutine[Any, Any, BatchRecord[V]]: ...
    async def aclose(self) -> None:
        """End the stream: no row is read or handed over any more, and nobody waits for what is under way. Again is harmless.

        What was sent may still be done. Its answers are read to their ends, or its connections closed at its deadline. If the
        rows are made by tasks, this returns when no more is.
        """
    async def __aenter__(self) -> AsyncBatchStream[V]: ...
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

@final
class AsyncRecordset(Generic[R]):
    """The records of a query, as they come from the nodes; what `AsyncClient.query` gives.

    An asynchronous iterator, for one task or several of one loop, in which it begins with the first record that is asked for,
    and an asynchronous context manager. If it is not read to its end it is closed when nothing refers to it any more, or by
    `aclose`, or at the end of an `async with`: the nodes end it then. A task that is cancelled while it waits loses no record.

    Errors end it: they are raised once, by the record that is asked for then. What goes on behind the records that were given
    is `AsyncClient.query(statement, cursor=recordset.cursor)`.
    """
    def __init__(self, *args: object, **kwargs: object) -> None: ...
    def __aiter__(self) -> AsyncRecordset[R]: ...
    def __anext__(self) -> Coroutine[Any, Any, R]: ...
    @property
    def cursor(self) -> Cursor:
        """Where the query stands: a query of the same statement with this cursor gives the records that it has not given yet.

        It is there at any moment, also after `aclose` or an error.
        """
    async def aclose(self) -> None:
        """End the query: no connection stays in use, and no more records are given. Again is harmless."""
    async def __aenter__(self) -> AsyncRecordset[R]: ...
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

class AsyncExecutor(TaskExecutor):
    """Runs commands in whatever loop awaits them, on the client's channels there."""
    @property
    def executors(self) -> dict[asyncio.AbstractEventLoop, Any]: ...
    def __new__(cls: builtins.type[T], *args: Any) -> T: ...
    def open_query(self, query: Query) -> AsyncRecordset:
        """Return the records of a query, which has not begun."""
    def enter(self, loop: asyncio.AbstractEventLoop, key: Key | None) -> LoopExecutor:
        """Return the executor of a loop in which no command ran before; a subclass makes it.

        Args:
            loop: the loop.
            key: the key of the command that is to run there, for an error.
        """
    def plan(self, batch: Batch) -> Any:
        """Return the `BatchPlan` that decides who is asked for which rows of a batch; a subclass makes it."""
    def query_plan(self, query: Query) -> Any:
        """Return the `QueryPlan` that decides who is asked for which partitions; a subclass makes it."""

@final
class Call:
    """What a watcher is told of a call that no executor runs, such as one that reads columns.

    Attributes:
        method: the name of the client's method.
        namespace, set_name: where its records are; None where it does not say. The namespace is empty of a call about the
            cluster itself.
    """
    @property
    def method(self) -> str: ...
    @property
    def namespace(self) -> str: ...
    @property
    def set_name(self) -> str: ...
    def __init__(self, method: str, namespace: str, set_name: str) -> None: ...

@final
class WatchedExecutor(Executor):
    """Hands all work to a watcher, together with the executor that runs it.

    Args:
        executor: runs the work; its other attributes are this one's too.
        watcher: `run(executor, work, trace)` returns what the call returns, which `executor.submit(work)` does; `open(trace)`
            notes that a query, a stream or a `Call` was opened, and returns what is called with an error or None when it is over.
    """
    @property
    def executor(self) -> Executor: ...
    @property
    def watcher(self) -> Any: ...
    def __init__(self, executor: Executor, watcher: Any) -> None: ...
    def open_query(self, query: Query) -> Any:
        """Return the records of a query, which has not begun."""
    def open_call(self, method: str, namespace: str | None, set_name: str | None) -> Trace | None:
        """Note that a call begins which is not run here. Leaving the trace's `with` ends it."""

@final
class TransactionExecutor(Executor):
    """Has all work take part in a transaction.

    Args:
        executor: runs what comes of that; its other attributes are this one's too.
        txn: the transaction.
        take_part: `take_part(txn, work)` returns what the call of a `Command` or `Batch` returns.
    """
    @property
    def executor(self) -> Executor: ...
    @property
    def txn(self) -> Any: ...
    def __init__(
        self, executor: Executor, txn: Transaction, take_part: Callable[[Any, Any], Any]
    ) -> None: ...
    def open_query(self, query: Query) -> Any:
        """Refuse a query."""
    def open_call(self, method: str, namespace: str | None, set_name: str | None) -> Trace | None:
        """Refuse a call that is not run here."""

def no_copy(client: object) -> TypeError:
    """Return the error for pickling or copying a client."""

class Commands:
    """The commands on one record: the methods of both clients. What they return is made by the client's executor.

    Args:
        executor: runs the commands. A plain `Executor` gives each back unsent.
        read: the settings of reads that are given no policy.
        write: the settings of writes that are given none.

    Raises:
        InvalidType: the settings are of the other kind.
    """
    @property
    def _executor(self) -> Executor: ...
    def __init__(self, executor: Executor, read: Settings, write: Settings) -> None: ...
    @overload
    def get(
        self,
        key: KeyLike,
        bins: Sequence[str] | None = None,
        *,
        timeout: Milliseconds | None = None,
        filter_expression: Filter | None = None,
        txn: Transaction | None = None,
        policy: ReadPolicy | None = None,
    ) -> Record:
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
    @overload
    def get(
        self,
        key: KeyLike,
        bins: Sequence[str] | None = None,
        *,
        into: type[U],
        timeout: Milliseconds | None = None,
        filter_expression: Filter | None = None,
        txn: Transaction | None = None,
        policy: ReadPolicy | None = None,
    ) -> U:
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
    @overload
    def get(
        self,
        key: KeyLike,
        bins: Sequence[str] | None = None,
        *,
        default: T,
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
    @overload
    def get(
        self,
        key: KeyLike,
        bins: Sequence[str] | None = None,
        *,
        into: type[U],
        default: T,
        timeout: Milliseconds | None = None,
        filter_expression: Filter | None = None,
        txn: Transaction | None = None,
        policy: ReadPolicy | None = None,
    ) -> U | T:
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
    @overload
    def put(
        self,
        key: KeyLike,
        bins: Bins,
        *,
        timeout: Milliseconds | None = None,
        ttl: Ttl | None = None,
        generation: int | None = None,
        filter_expression: Filter | None = None,
        txn: Transaction | None = None,
        policy: WritePolicy | None = None,
    ) -> None:
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
    @overload
    def put(
        self,
        key: KeyLike,
        bins: Bins,
        *,
        returning: type[Written],
        timeout: Milliseconds | None = None,
        ttl: Ttl | None = None,
        generation: int | None = None,
        filter_expression: Filter | None = None,
        txn: Transaction | None = None,
        policy: WritePolicy | None = None,
    ) -> Written:
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
    @overload
    def add(
        self,
        key: KeyLike,
        bins: Mapping[str, float],
        *,
        timeout: Milliseconds | None = None,
        ttl: Ttl | None = None,
        generation: int | None = None,
        filter_expression: Filter | None = None,
        txn: Transaction | None = None,
        policy: WritePolicy | None = None,
    ) -> None:
        """Add to integer or float bins; what is missing is created. The time to live is set as by `put`.

        Args:
            returning: as in `put`.
            timeout: as in `get`.

        Raises:
            InvalidType: a value is no number.
            BinTypeError: a bin holds another type.
        """
    @overload
    def add(
        self,
        key: KeyLike,
        bins: Mapping[str, float],
        *,
        returning: type[Written],
        timeout: Milliseconds | None = None,
        ttl: Ttl | None = None,
        generation: int | None = None,
        filter_expression: Filter | None = None,
        txn: Transaction | None = None,
        policy: WritePolicy | None = None,
    ) -> Written:
        """Add to integer or float bins; what is missing is created. The time to live is set as by `put`.

        Args:
            returning: as in `put`.
            timeout: as in `get`.

        Raises:
            InvalidType: a value is no number.
            BinTypeError: a bin holds another type.
        """
    @overload
    def append(
        self,
        key: KeyLike,
        bins: Mapping[str, str | bytes],
        *,
        timeout: Milliseconds | None = None,
        ttl: Ttl | None = None,
        generation: int | None = None,
        filter_expression: Filter | None = None,
        txn: Transaction | None = None,
        policy: WritePolicy | None = None,
    ) -> None:
        """Append to string or blob bins; what is missing is created. The time to live is set as by `put`.

        Args:
            returning: as in `put`.
            timeout: as in `get`.

        Raises:
            InvalidType: a value is neither str nor bytes.
            BinTypeError: a bin holds another type.
        """
    @overload
    def append(
        self,
        key: KeyLike,
        bins: Mapping[str, str | bytes],
        *,
        returning: type[Written],
        timeout: Milliseconds | None = None,
        ttl: Ttl | None = None,
        generation: int | None = None,
        filter_expression: Filter | None = None,
        txn: Transaction | None = None,
        policy: WritePolicy | None = None,
    ) -> Written:
        """Append to string or blob bins; what is missing is created. The time to live is set as by `put`.

        Args:
            returning: as in `put`.
            timeout: as in `get`.

        Raises:
            InvalidType: a value is neither str nor bytes.
            BinTypeError: a bin holds another type.
        """
    @overload
    def prepend(
        self,
        key: KeyLike,
        bins: Mapping[str, str | bytes],
        *,
        timeout: Milliseconds | None = None,
        ttl: Ttl | None = None,
        generation: int | None = None,
        filter_expression: Filter | None = None,
        txn: Transaction | None = None,
        policy: WritePolicy | None = None,
    ) -> None:
        """Prepend to string or blob bins; what is missing is created. The time to live is set as by `put`.

        Args:
            returning: as in `put`.
            timeout: as in `get`.

        Raises:
            InvalidType: a value is neither str nor bytes.
            BinTypeError: a bin holds another type.
        """
    @overload
    def prepend(
        self,
        key: KeyLike,
        bins: Mapping[str, str | bytes],
        *,
        returning: type[Written],
        timeout: Milliseconds | None = None,
        ttl: Ttl | None = None,
        generation: int | None = None,
        filter_expression: Filter | None = None,
        txn: Transaction | None = None,
        policy: WritePolicy | None = None,
    ) -> Written:
        """Prepend to string or blob bins; what is missing is created. The time to live is set as by `put`.

        Args:
            returning: as in `put`.
            timeout: as in `get`.

        Raises:
            InvalidType: a value is neither str nor bytes.
            BinTypeError: a bin holds another type.
        """
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
    @overload
    def touch(
        self,
        key: KeyLike,
        *,
        timeout: Milliseconds | None = None,
        ttl: Ttl | None = None,
        generation: int | None = None,
        filter_expression: Filter | None = None,
        txn: Transaction | None = None,
        policy: WritePolicy | None = None,
    ) -> None:
        """Give a record a new time to live, and a new generation.

        That is `ttl`, or else the namespace's default, also where the record had another.

        Args:
            returning: as in `put`.
            timeout: as in `get`.

        Raises:
            RecordNotFound: there is no such record.
        """
    @overload
    def touch(
        self,
        key: KeyLike,
        *,
        returning: type[Written],
        timeout: Milliseconds | None = None,
        ttl: Ttl | None = None,
        generation: int | None = None,
        filter_expression: Filter | None = None,
        txn: Transaction | None = None,
        policy: WritePolicy | None = None,
    ) -> Written:
        """Give a record a new time to live, and a new generation.

        That is `ttl`, or else the namespace's default, also where the record had another.

        Args:
            returning: as in `put`.
            timeout: as in `get`.

        Raises:
            RecordNotFound: there is no such record.
        """
    @overload
    def operate(
        self,
        key: KeyLike,
        operations: Iterable[Operation],
        *,
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
    @overload
    def operate(
        self,
        key: KeyLike,
        operations: Iterable[Operation],
        *,
        into: type[U],
        timeout: Milliseconds | None = None,
        ttl: Ttl | None = None,
        generation: int | None = None,
        filter_expression: Filter | None = None,
        txn: Transaction | None = None,
        policy: ReadPolicy | WritePolicy | None = None,
    ) -> U:
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

class BatchCommands(Commands):
    """The commands on one record, and on many.

    Args:
        executor: runs the commands. A plain `Executor` gives each back unsent.
        read: the settings of reads that are given no policy.
        write: the settings of writes that are given none.
        batch: the settings of batches that are given none.

    Raises:
        InvalidType: the settings are of another kind.
    """
    def __init__(self, executor: Executor, read: Settings, write: Settings, batch: Settings) -> None: ...
    def batch(
        self,
        rows: Iterable[BatchRow[U]],
        *,
        timeout: Milliseconds | None = None,
        filter_expression: Filter | None = None,
        txn: Transaction | None = None,
        policy: BatchPolicy | None = None,
    ) -> BatchResults[U]:
        """Read, write and delete many records in one call: one message to each node that has some of them.

        Args:
            rows: any iterable of `BatchRead`, `BatchWrite` and `BatchDelete`; a key may be in several. The rows of one
                record are not done in their order where its node works on them side by side.
            timeout: the deadline of the whole call in milliseconds, 0 for none, else 1 at least; or a timedelta.
            filter_expression: for the rows that have none of their own.
            txn: the transaction that the whole batch is part of; see `transaction`.

        Returns:
            What came of each row, in their order. Rows fail alone: also those of nodes that fail, and those that a
            deadline was too short for, are told in their own results.

        Raises:
            InvalidType, InvalidArgument: an argument can't be used; nothing was sent.
            ClientClosed: the client is closed.
        """
    def batch_stream(
        self,
        rows: Iterable[BatchRow[U]],
        *,
        in_flight: int = 1000,
        timeout: Milliseconds | None = None,
        filter_expression: Filter | None = None,
        txn: Transaction | None = None,
        policy: BatchPolicy | None = None,
    ) -> BatchStream[U]:
        """Read, write and delete any number of records: rows go in, and their outcomes come out.

        Each comes as soon as it is there, so in another order. More rows take no more memory. The rows are
        read and sent, and answers are read, while the next outcome is waited for, in the thread that waits; a
        thread that does something else between two outcomes holds up no other call::

            with client.batch_stream(BatchRead(key) for key in keys) as outcomes:
                for row in outcomes:
                    print(row.key, row.record or row.error)

        What is raised while `rows` are read comes out at the end, behind the outcomes of the rows before.

        Args:
            rows: any iterable of `BatchRead`, `BatchWrite` and `BatchDelete`, however long.
            in_flight: how many rows are read ahead, that is, were read and not handed over yet. They are
                sent in groups, about two for each node: make it a few hundred times the number of nodes,
                and less where records are large.
            timeout: how long each group may take from when it is sent on, further attempts included, in
                milliseconds, 0 for none, else 1 at least; or a timedelta. What the caller does between
                two outcomes does not count.
            filter_expression: for the rows that have none of their own.

        Returns:
            An iterator of the outcomes, which several threads may share. Rows fail alone, as in `batch`.
            If it is closed or dropped before its end, rows that were read ahead may have been done, or
            not.

        Raises:
            InvalidType, InvalidArgument: an argument can't be used. For what is no row it comes at the
                end too.
            ClientClosed: the client is closed. If that happens meanwhile, the rows that were sent have
                their outcomes first.
        """
    def batch_operate(
        self,
        keys: Iterable[KeyLike],
        operations: Iterable[Operation],
        *,
        timeout: Milliseconds | None = None,
        ttl: Ttl | None = None,
        filter_expression: Filter | None = None,
        row_policy: BatchReadPolicy | BatchWritePolicy | None = None,
        txn: Transaction | None = None,
        policy: BatchPolicy | None = None,
    ) -> BatchResults:
        """Apply the same operations to many records, each all or nothing.

        Args:
            keys: any iterable of keys.
            operations: made by the functions of `pyspike.operations`.
            timeout: as in `batch`.
            ttl: how long the records live from then on, if an operation writes.
            filter_expression: the rows of records for which it does not hold fail with `FilteredOut`.
            row_policy: of each row: a `BatchWritePolicy`, or a `BatchReadPolicy` if all operations read. None for what
                the client's `write` or `read` says.

        Returns:
            What came of each key, in their order.

        Raises:
            InvalidType, InvalidArgument: an argument can't be used; nothing was sent.
            ClientClosed: the client is closed.
        """
    def batch_apply(
        self,
        keys: Iterable[KeyLike],
        module: str,
        function: str,
        args: Iterable[Any] = (),
        *,
        timeout: Milliseconds | None = None,
        ttl: Ttl | None = None,
        filter_expression: Filter | None = None,
        row_policy: BatchUDFPolicy | None = None,
        txn: Transaction | None = None,
        policy: BatchPolicy | None = None,
    ) -> BatchResults:
        """Call a function that is registered on the servers on many records, one after the other on each node.

        Args:
            keys: any iterable of keys.
            module: the name of a registered module, with or without ".lua".
            function: the function's name in it.
            args: the arguments behind the record, values as bins can have.
            timeout: as in `batch`.
            ttl: how long the records live from then on that the function writes.
            filter_expression: the rows of records for which it does not hold fail with `FilteredOut`.
            row_policy: of each row; None for what the client's `write` says.

        Returns:
            What came of each key, in their order; the `value` of each is what the function returned.

        Raises:
            InvalidType, InvalidArgument: an argument can't be used; nothing was sent.
            ClientClosed: the client is closed.
        """
    @overload
    def batch_get(
        self,
        keys: Iterable[KeyLike],
        bins: Iterable[str] | None = None,
        *,
        timeout: Milliseconds | None = None,
        filter_expression: Filter | None = None,
        txn: Transaction | None = None,
        policy: BatchPolicy | None = None,
    ) -> list[Record | None]:
        """Read many records.

        Args:
            keys: any iterable of keys.
            bins: the names of the bins to read; None for all, an empty list for none.
            into: a class to make an object of each record of, as in `get`.
            timeout: as in `batch`.
            filter_expression: a record for which it does not hold is left out.

        Returns:
            The record of each key, in their order; None where there is none.

        Raises:
            BatchError: a row failed, also as its record does not fit the class; it has what came of all of them.
            InvalidType, InvalidArgument: an argument can't be used; nothing was sent.
            ClientClosed: the client is closed.
        """
    @overload
    def batch_get(
        self,
        keys: Iterable[KeyLike],
        bins: Iterable[str] | None = None,
        *,
        into: type[U],
        timeout: Milliseconds | None = None,
        filter_expression: Filter | None = None,
        txn: Transaction | None = None,
        policy: BatchPolicy | None = None,
    ) -> list[U | None]:
        """Read many records.

        Args:
            keys: any iterable of keys.
            bins: the names of the bins to read; None for all, an empty list for none.
            into: a class to make an object of each record of, as in `get`.
            timeout: as in `batch`.
            filter_expression: a record for which it does not hold is left out.

        Returns:
            The record of each key, in their order; None where there is none.

        Raises:
            BatchError: a row failed, also as its record does not fit the class; it has what came of all of them.
            InvalidType, InvalidArgument: an argument can't be used; nothing was sent.
            ClientClosed: the client is closed.
        """
    def batch_exists(
        self,
        keys: Iterable[KeyLike],
        *,
        timeout: Milliseconds | None = None,
        filter_expression: Filter | None = None,
        txn: Transaction | None = None,
        policy: BatchPolicy | None = None,
    ) -> list[bool]:
        """Whether there are records with these keys.

        Args:
            keys: any iterable of keys.
            timeout: as in `batch`.
            filter_expression: a record for which it does not hold counts as none.

        Raises:
            BatchError, InvalidType, InvalidArgument, ClientClosed: as from `batch_get`.
        """
    @overload
    def batch_put(
        self,
        records: Mapping[K, Bins] | Iterable[tuple[KeyLike, Bins]],
        *,
        timeout: Milliseconds | None = None,
        ttl: Ttl | None = None,
        filter_expression: Filter | None = None,
        row_policy: BatchWritePolicy | None = None,
        txn: Transaction | None = None,
        policy: BatchPolicy | None = None,
    ) -> None:
        """Write bins of many records, as `put` does with each.

        Args:
            records: a mapping of keys to bins, or an iterable of pairs of both; bins as `put` takes them.
            returning: `Written` to be told, for each record, the generation and expiration that it has now.
            timeout: as in `batch`.
            ttl: how long the records live from then on, as in `put`.
            filter_expression: the records for which it does not hold are not written, and their rows fail with
                `FilteredOut`.
            row_policy: of each row; None for what the client's `write` says.

        Raises:
            BatchError: a row failed; it has what came of all of them.
            InvalidType, InvalidArgument: an argument can't be used; nothing was sent.
            ClientClosed: the client is closed.
        """
    @overload
    def batch_put(
        self,
        records: Mapping[K, Bins] | Iterable[tuple[KeyLike, Bins]],
        *,
        returning: type[Written],
        timeout: Milliseconds | None = None,
        ttl: Ttl | None = None,
        filter_expression: Filter | None = None,
        row_policy: BatchWritePolicy | None = None,
        txn: Transaction | None = None,
        policy: BatchPolicy | None = None,
    ) -> list[Written]:
        """Write bins of many records, as `put` does with each.

        Args:
            records: a mapping of keys to bins, or an iterable of pairs of both; bins as `put` takes them.
            returning: `Written` to be told, for each record, the generation and expiration that it has now.
            timeout: as in `batch`.
            ttl: how long the records live from then on, as in `put`.
            filter_expression: the records for which it does not hold are not written, and their rows fail with
                `FilteredOut`.
            row_policy: of each row; None for what the client's `write` says.

        Raises:
            BatchError: a row failed; it has what came of all of them.
            InvalidType, InvalidArgument: an argument can't be used; nothing was sent.
            ClientClosed: the client is closed.
        """
    def batch_delete(
        self,
        keys: Iterable[KeyLike],
        *,
        timeout: Milliseconds | None = None,
        filter_expression: Filter | None = None,
        row_policy: BatchDeletePolicy | None = None,
        txn: Transaction | None = None,
        policy: BatchPolicy | None = None,
    ) -> list[bool]:
        """Delete many records: for each key whether there was one.

        Args:
            keys: any iterable of keys.
            timeout: as in `batch`.
            filter_expression: a record for which it does not hold stays, and counts as none.
            row_policy: of each row; None for what the client's `write` says.

        Raises:
            BatchError, InvalidType, InvalidArgument, ClientClosed: as from `batch_get`.
        """

class AsyncCommands:
    """The same commands for tasks: their executor gives a coroutine for each, and a command begins when that is awaited.

    What is wrong with the arguments is told by the call, or, of the last rows of a batch that takes long to pack, when it is
    awaited: as long as it is not done, what it was given must not change.

    Args:
        executor: gives coroutines.
        read: the settings of reads that are given no policy.
        write: the settings of writes that are given none.
        batch: the settings of batches that are given none.

    Raises:
        InvalidType: the settings are of another kind.
    """
    def __init__(self, executor: Executor, read: Settings, write: Settings, batch: Settings) -> None: ...
    @property
    def _executor(self) -> Executor: ...
    @overload
    async def get(
        self,
        key: KeyLike,
        bins: Sequence[str] | None = None,
        *,
        timeout: Milliseconds | None = None,
        filter_expression: Filter | None = None,
        txn: Transaction | None = None,
        policy: ReadPolicy | None = None,
    ) -> Record:
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
    @overload
    async def get(
        self,
        key: KeyLike,
        bins: Sequence[str] | None = None,
        *,
        into: type[U],
        timeout: Milliseconds | None = None,
        filter_expression: Filter | None = None,
        txn: Transaction | None = None,
        policy: ReadPolicy | None = None,
    ) -> U:
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
    @overload
    async def get(
        self,
        key: KeyLike,
        bins: Sequence[str] | None = None,
        *,
        default: T,
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
    @overload
    async def get(
        self,
        key: KeyLike,
        bins: Sequence[str] | None = None,
        *,
        into: type[U],
        default: T,
        timeout: Milliseconds | None = None,
        filter_expression: Filter | None = None,
        txn: Transaction | None = None,
        policy: ReadPolicy | None = None,
    ) -> U | T:
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
    async def exists(
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
    @overload
    async def put(
        self,
        key: KeyLike,
        bins: Bins,
        *,
        timeout: Milliseconds | None = None,
        ttl: Ttl | None = None,
        generation: int | None = None,
        filter_expression: Filter | None = None,
        txn: Transaction | None = None,
        policy: WritePolicy | None = None,
    ) -> None:
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
    @overload
    async def put(
        self,
        key: KeyLike,
        bins: Bins,
        *,
        returning: type[Written],
        timeout: Milliseconds | None = None,
        ttl: Ttl | None = None,
        generation: int | None = None,
        filter_expression: Filter | None = None,
        txn: Transaction | None = None,
        policy: WritePolicy | None = None,
    ) -> Written:
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
    @overload
    async def add(
        self,
        key: KeyLike,
        bins: Mapping[str, float],
        *,
        timeout: Milliseconds | None = None,
        ttl: Ttl | None = None,
        generation: int | None = None,
        filter_expression: Filter | None = None,
        txn: Transaction | None = None,
        policy: WritePolicy | None = None,
    ) -> None:
        """Add to integer or float bins; what is missing is created. The time to live is set as by `put`.

        Args:
            returning: as in `put`.
            timeout: as in `get`.

        Raises:
            InvalidType: a value is no number.
            BinTypeError: a bin holds another type.
        """
    @overload
    async def add(
        self,
        key: KeyLike,
        bins: Mapping[str, float],
        *,
        returning: type[Written],
        timeout: Milliseconds | None = None,
        ttl: Ttl | None = None,
        generation: int | None = None,
        filter_expression: Filter | None = None,
        txn: Transaction | None = None,
        policy: WritePolicy | None = None,
    ) -> Written:
        """Add to integer or float bins; what is missing is created. The time to live is set as by `put`.

        Args:
            returning: as in `put`.
            timeout: as in `get`.

        Raises:
            InvalidType: a value is no number.
            BinTypeError: a bin holds another type.
        """
    @overload
    async def append(
        self,
        key: KeyLike,
        bins: Mapping[str, str | bytes],
        *,
        timeout: Milliseconds | None = None,
        ttl: Ttl | None = None,
        generation: int | None = None,
        filter_expression: Filter | None = None,
        txn: Transaction | None = None,
        policy: WritePolicy | None = None,
    ) -> None:
        """Append to string or blob bins; what is missing is created. The time to live is set as by `put`.

        Args:
            returning: as in `put`.
            timeout: as in `get`.

        Raises:
            InvalidType: a value is neither str nor bytes.
            BinTypeError: a bin holds another type.
        """
    @overload
    async def append(
        self,
        key: KeyLike,
        bins: Mapping[str, str | bytes],
        *,
        returning: type[Written],
        timeout: Milliseconds | None = None,
        ttl: Ttl | None = None,
        generation: int | None = None,
        filter_expression: Filter | None = None,
        txn: Transaction | None = None,
        policy: WritePolicy | None = None,
    ) -> Written:
        """Append to string or blob bins; what is missing is created. The time to live is set as by `put`.

        Args:
            returning: as in `put`.
            timeout: as in `get`.

        Raises:
            InvalidType: a value is neither str nor bytes.
            BinTypeError: a bin holds another type.
        """
    @overload
    async def prepend(
        self,
        key: KeyLike,
        bins: Mapping[str, str | bytes],
        *,
        timeout: Milliseconds | None = None,
        ttl: Ttl | None = None,
        generation: int | None = None,
        filter_expression: Filter | None = None,
        txn: Transaction | None = None,
        policy: WritePolicy | None = None,
    ) -> None:
        """Prepend to string or blob bins; what is missing is created. The time to live is set as by `put`.

        Args:
            returning: as in `put`.
            timeout: as in `get`.

        Raises:
            InvalidType: a value is neither str nor bytes.
            BinTypeError: a bin holds another type.
        """
    @overload
    async def prepend(
        self,
        key: KeyLike,
        bins: Mapping[str, str | bytes],
        *,
        returning: type[Written],
        timeout: Milliseconds | None = None,
        ttl: Ttl | None = None,
        generation: int | None = None,
        filter_expression: Filter | None = None,
        txn: Transaction | None = None,
        policy: WritePolicy | None = None,
    ) -> Written:
        """Prepend to string or blob bins; what is missing is created. The time to live is set as by `put`.

        Args:
            returning: as in `put`.
            timeout: as in `get`.

        Raises:
            InvalidType: a value is neither str nor bytes.
            BinTypeError: a bin holds another type.
        """
    async def delete(
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
    @overload
    async def touch(
        self,
        key: KeyLike,
        *,
        timeout: Milliseconds | None = None,
        ttl: Ttl | None = None,
        generation: int | None = None,
        filter_expression: Filter | None = None,
        txn: Transaction | None = None,
        policy: WritePolicy | None = None,
    ) -> None:
        """Give a record a new time to live, and a new generation.

        That is `ttl`, or else the namespace's default, also where the record had another.

        Args:
            returning: as in `put`.
            timeout: as in `get`.

        Raises:
            RecordNotFound: there is no such record.
        """
    @overload
    async def touch(
        self,
        key: KeyLike,
        *,
        returning: type[Written],
        timeout: Milliseconds | None = None,
        ttl: Ttl | None = None,
        generation: int | None = None,
        filter_expression: Filter | None = None,
        txn: Transaction | None = None,
        policy: WritePolicy | None = None,
    ) -> Written:
        """Give a record a new time to live, and a new generation.

        That is `ttl`, or else the namespace's default, also where the record had another.

        Args:
            returning: as in `put`.
            timeout: as in `get`.

        Raises:
            RecordNotFound: there is no such record.
        """
    @overload
    async def operate(
        self,
        key: KeyLike,
        operations: Iterable[Operation],
        *,
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
    @overload
    async def operate(
        self,
        key: KeyLike,
        operations: Iterable[Operation],
        *,
        into: type[U],
        timeout: Milliseconds | None = None,
        ttl: Ttl | None = None,
        generation: int | None = None,
        filter_expression: Filter | None = None,
        txn: Transaction | None = None,
        policy: ReadPolicy | WritePolicy | None = None,
    ) -> U:
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
    async def execute_udf(
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
    async def batch(
        self,
        rows: Iterable[BatchRow[U]],
        *,
        timeout: Milliseconds | None = None,
        filter_expression: Filter | None = None,
        txn: Transaction | None = None,
        policy: BatchPolicy | None = None,
    ) -> BatchResults[U]:
        """Read, write and delete many records in one call: one message to each node that has some of them.

        Args:
            rows: any iterable of `BatchRead`, `BatchWrite` and `BatchDelete`; a key may be in several. The rows of one
                record are not done in their order where its node works on them side by side.
            timeout: the deadline of the whole call in milliseconds, 0 for none, else 1 at least; or a timedelta.
            filter_expression: for the rows that have none of their own.
            txn: the transaction that the whole batch is part of; see `transaction`.

        Returns:
            What came of each row, in their order. Rows fail alone: also those of nodes that fail, and those that a
            deadline was too short for, are told in their own results.

        Raises:
            InvalidType, InvalidArgument: an argument can't be used; nothing was sent.
            ClientClosed: the client is closed.
        """
    def batch_stream(
        self,
        rows: Iterable[BatchRow[U]] | AsyncIterable[BatchRow[U]],
        *,
        in_flight: int = 1000,
        timeout: Milliseconds | None = None,
        filter_expression: Filter | None = None,
        txn: Transaction | None = None,
        policy: BatchPolicy | None = None,
    ) -> AsyncBatchStream[U]:
        """Read, write and delete any number of records: rows go in, and their outcomes come out.

        As `Client.batch_stream`, but with tasks on both sides: rows may come from an asynchronous iterable, and outcomes are
        taken by `async for`. It is not awaited itself::

            async with client.batch_stream(BatchRead(key) for key in keys) as outcomes:
                async for row in outcomes:
                    print(row.key, row.record or row.error)

        It begins with the first outcome that is asked for. From then on requests go out and answers come in while tasks do
        something else, but only as far as `in_flight` goes: after some large records that nobody has taken yet, answers stay
        in the sockets, until the next outcome is waited for or another call needs the connection.

        Args:
            rows: any iterable or asynchronous iterable of `BatchRead`, `BatchWrite`, `BatchDelete` and `BatchUDF`, however
                long. An asynchronous one is read by a task of its own.
            in_flight: how many rows are read ahead, that is, were read and not handed over yet. They are
                sent in groups, about two for each node: make it a few hundred times the number of nodes,
                and less where records are large.
            timeout: how long each group may take from when it is sent on, further attempts included, in
                milliseconds, 0 for none, else 1 at least; or a timedelta. The time in which its answer is
                not wanted does not count.
            filter_expression: for the rows that have none of their own.

        Returns:
            An asynchronous iterator of the outcomes, which several tasks of one loop may share. Rows fail alone, as in
            `batch`. If it is closed or dropped before its end, rows that were read ahead may have been done, or not.

        Raises:
            InvalidType, InvalidArgument: an argument can't be used. For what is no row it comes at the
                end, behind the outcomes of the rows before; so does what is raised while rows are read.
            ClientClosed: (when the first outcome is asked for) the client is closed. If that happens meanwhile, the rows that
                were sent have their outcomes first.
        """
    async def batch_operate(
        self,
        keys: Iterable[KeyLike],
        operations: Iterable[Operation],
        *,
        timeout: Milliseconds | None = None,
        ttl: Ttl | None = None,
        filter_expression: Filter | None = None,
        row_policy: BatchReadPolicy | BatchWritePolicy | None = None,
        txn: Transaction | None = None,
        policy: BatchPolicy | None = None,
    ) -> BatchResults:
        """Apply the same operations to many records, each all or nothing.

        Args:
            keys: any iterable of keys.
            operations: made by the functions of `pyspike.operations`.
            timeout: as in `batch`.
            ttl: how long the records live from then on, if an operation writes.
            filter_expression: the rows of records for which it does not hold fail with `FilteredOut`.
            row_policy: of each row: a `BatchWritePolicy`, or a `BatchReadPolicy` if all operations read. None for what
                the client's `write` or `read` says.

        Returns:
            What came of each key, in their order.

        Raises:
            InvalidType, InvalidArgument: an argument can't be used; nothing was sent.
            ClientClosed: the client is closed.
        """
    async def batch_apply(
        self,
        keys: Iterable[KeyLike],
        module: str,
        function: str,
        args: Iterable[Any] = (),
        *,
        timeout: Milliseconds | None = None,
        ttl: Ttl | None = None,
        filter_expression: Filter | None = None,
        row_policy: BatchUDFPolicy | None = None,
        txn: Transaction | None = None,
        policy: BatchPolicy | None = None,
    ) -> BatchResults:
        """Call a function that is registered on the servers on many records, one after the other on each node.

        Args:
            keys: any iterable of keys.
            module: the name of a registered module, with or without ".lua".
            function: the function's name in it.
            args: the arguments behind the record, values as bins can have.
            timeout: as in `batch`.
            ttl: how long the records live from then on that the function writes.
            filter_expression: the rows of records for which it does not hold fail with `FilteredOut`.
            row_policy: of each row; None for what the client's `write` says.

        Returns:
            What came of each key, in their order; the `value` of each is what the function returned.

        Raises:
            InvalidType, InvalidArgument: an argument can't be used; nothing was sent.
            ClientClosed: the client is closed.
        """
    @overload
    async def batch_get(
        self,
        keys: Iterable[KeyLike],
        bins: Iterable[str] | None = None,
        *,
        timeout: Milliseconds | None = None,
        filter_expression: Filter | None = None,
        txn: Transaction | None = None,
        policy: BatchPolicy | None = None,
    ) -> list[Record | None]:
        """Read many records.

        Args:
            keys: any iterable of keys.
            bins: the names of the bins to read; None for all, an empty list for none.
            into: a class to make an object of each record of, as in `get`.
            timeout: as in `batch`.
            filter_expression: a record for which it does not hold is left out.

        Returns:
            The record of each key, in their order; None where there is none.

        Raises:
            BatchError: a row failed, also as its record does not fit the class; it has what came of all of them.
            InvalidType, InvalidArgument: an argument can't be used; nothing was sent.
            ClientClosed: the client is closed.
        """
    @overload
    async def batch_get(
        self,
        keys: Iterable[KeyLike],
        bins: Iterable[str] | None = None,
        *,
        into: type[U],
        timeout: Milliseconds | None = None,
        filter_expression: Filter | None = None,
        txn: Transaction | None = None,
        policy: BatchPolicy | None = None,
    ) -> list[U | None]:
        """Read many records.

        Args:
            keys: any iterable of keys.
            bins: the names of the bins to read; None for all, an empty list for none.
            into: a class to make an object of each record of, as in `get`.
            timeout: as in `batch`.
            filter_expression: a record for which it does not hold is left out.

        Returns:
            The record of each key, in their order; None where there is none.

        Raises:
            BatchError: a row failed, also as its record does not fit the class; it has what came of all of them.
            InvalidType, InvalidArgument: an argument can't be used; nothing was sent.
            ClientClosed: the client is closed.
        """
    async def batch_exists(
        self,
        keys: Iterable[KeyLike],
        *,
        timeout: Milliseconds | None = None,
        filter_expression: Filter | None = None,
        txn: Transaction | None = None,
        policy: BatchPolicy | None = None,
    ) -> list[bool]:
        """Whether there are records with these keys.

        Args:
            keys: any iterable of keys.
            timeout: as in `batch`.
            filter_expression: a record for which it does not hold counts as none.

        Raises:
            BatchError, InvalidType, InvalidArgument, ClientClosed: as from `batch_get`.
        """
    @overload
    async def batch_put(
        self,
        records: Mapping[K, Bins] | Iterable[tuple[KeyLike, Bins]],
        *,
        timeout: Milliseconds | None = None,
        ttl: Ttl | None = None,
        filter_expression: Filter | None = None,
        row_policy: BatchWritePolicy | None = None,
        txn: Transaction | None = None,
        policy: BatchPolicy | None = None,
    ) -> None:
        """Write bins of many records, as `put` does with each.

        Args:
            records: a mapping of keys to bins, or an iterable of pairs of both; bins as `put` takes them.
            returning: `Written` to be told, for each record, the generation and expiration that it has now.
            timeout: as in `batch`.
            ttl: how long the records live from then on, as in `put`.
            filter_expression: the records for which it does not hold are not written, and their rows fail with
                `FilteredOut`.
            row_policy: of each row; None for what the client's `write` says.

        Raises:
            BatchError: a row failed; it has what came of all of them.
            InvalidType, InvalidArgument: an argument can't be used; nothing was sent.
            ClientClosed: the client is closed.
        """
    @overload
    async def batch_put(
        self,
        records: Mapping[K, Bins] | Iterable[tuple[KeyLike, Bins]],
        *,
        returning: type[Written],
        timeout: Milliseconds | None = None,
        ttl: Ttl | None = None,
        filter_expression: Filter | None = None,
        row_policy: BatchWritePolicy | None = None,
        txn: Transaction | None = None,
        policy: BatchPolicy | None = None,
    ) -> list[Written]:
        """Write bins of many records, as `put` does with each.

        Args:
            records: a mapping of keys to bins, or an iterable of pairs of both; bins as `put` takes them.
            returning: `Written` to be told, for each record, the generation and expiration that it has now.
            timeout: as in `batch`.
            ttl: how long the records live from then on, as in `put`.
            filter_expression: the records for which it does not hold are not written, and their rows fail with
                `FilteredOut`.
            row_policy: of each row; None for what the client's `write` says.

        Raises:
            BatchError: a row failed; it has what came of all of them.
            InvalidType, InvalidArgument: an argument can't be used; nothing was sent.
            ClientClosed: the client is closed.
        """
    async def batch_delete(
        self,
        keys: Iterable[KeyLike],
        *,
        timeout: Milliseconds | None = None,
        filter_expression: Filter | None = None,
        row_policy: BatchDeletePolicy | None = None,
        txn: Transaction | None = None,
        policy: BatchPolicy | None = None,
    ) -> list[bool]:
        """Delete many records: for each key whether there was one.

        Args:
            keys: any iterable of keys.
            timeout: as in `batch`.
            filter_expression: a record for which it does not hold stays, and counts as none.
            row_policy: of each row; None for what the client's `write` says.

        Raises:
            BatchError, InvalidType, InvalidArgument, ClientClosed: as from `batch_get`.
        """
