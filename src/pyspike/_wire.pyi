"""Types of the compiled wire layer. Written by tools/stubs.py out of src/wire: change it there."""

import asyncio
import builtins
import datetime
import socket
from collections.abc import (
    Callable,
    Collection,
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
from typing import Any, TypeVar, final, overload
from weakref import ref

from pyspike._types import Filter, KeyLike, Milliseconds, Ttl
from pyspike.errors import AerospikeError, Attempt
from pyspike.policy import ReadPolicy, WritePolicy

T = TypeVar("T")
PROTO_VERSION: int
FRAME_HEADER_SIZE: int
TYPE_INFO: int
TYPE_MESSAGE: int
MAX_MESSAGE: int
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
INFO1_GET_NO_BINS: int
INFO1_CONSISTENCY_ALL: int
INFO2_WRITE: int
INFO2_DELETE: int
INFO2_GENERATION: int
INFO2_GENERATION_GT: int
INFO2_DURABLE_DELETE: int
INFO2_CREATE_ONLY: int
INFO2_RESPOND_ALL_OPS: int
INFO3_COMMIT_LEVEL_MASTER: int
INFO3_UPDATE_ONLY: int
INFO3_CREATE_OR_REPLACE: int
INFO3_REPLACE_ONLY: int
FIELD_HEADER_SIZE: int
FIELD_NAMESPACE: int
FIELD_SET: int
FIELD_KEY: int
FIELD_DIGEST: int
FIELD_FILTER: int
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
MAX_FILTER: int
MAX_DEPTH: int

def advance_clock(ms: float) -> None:
    """Let so many milliseconds pass at once for all deadlines and idle times of this process; for tests.

    The clock never goes back. What waits in the kernel, as a blocking command for its answer, still waits in real time.

    Args:
        ms: how far to move the clock; 0 or more.

    Raises:
        ValueError: `ms` is less than 0, or no number.
    """

def own_socket(fd: int) -> int:
    """Have every child of this process let go of a socket without a word to the server at its other end.

    In the child the descriptor stands for `/dev/null`, because an object that still has its number may close it later.
    Returns the ticket that `disown_socket` takes.

    Raises:
        OSError: there is no such descriptor.
    """

def disown_socket(fd: int, ticket: int) -> None:
    """Take back what `own_socket` said of a socket that is to be closed; does nothing if the descriptor has another ticket."""

def on_fork(listener: Callable[[], object]) -> None:
    """Have a function without arguments called in each child of a fork, before a client does anything there.

    It is called once a child, where a client is used first, whoever forked.
    """

def after_fork() -> None:
    """Begin anew if this process is the child of a fork and has not done so; every use of a client calls this first."""

def plain_text(text: Any) -> str:
    """The text that a str or a subclass of it holds, as a str."""

def plain_int(value: Any) -> int | None:
    """The int that an int or an object with __index__ stands for; None where it is no int, as a bool is none.

    A type may have __index__ for some of its objects only: NumPy's arrays raise TypeError where they stand for no int.
    """

def plain_number(value: Any) -> int | float | None:
    """The int or float that an object stands for; None where it is neither."""

def numpy_scalar(value: Any) -> bool | float | None:
    """The bool or float that one of NumPy's scalars stands for; None for all other objects.

    Its integers have __index__, its texts and bytes are str and bytes, and its double is a float. A long double would
    lose digits.
    """

def plain_bytes(value: Any) -> bytes | None:
    """The bytes that bytes, a subclass of it, or a buffer of bytes holds, as bytes; None where it is none of them."""

def unpack_value(particle: int, data: bytes) -> Any:
    """The Python value of a particle's bytes; `ProtocolError` where they can't be one."""

def key_rank(key: object) -> tuple[int, Any]:
    """Where the server sorts a map key: integers, then strings, then blobs, each in its own order."""

@final
class Packed:
    """Msgpack that is ready: goes into an operation's arguments as it is."""
    @property
    def data(self) -> bytes: ...
    def __init__(self, data: bytes) -> None: ...
    def __eq__(self, other: object) -> bool: ...
    def __hash__(self) -> int: ...

def pack_element(value: object) -> bytes:
    """One value as the arguments of operations hold it; INFINITY, WILDCARD and `Packed` too, at any depth."""

def pack_value(value: object) -> tuple[int, bytes]:
    """The particle type and the bytes of a bin's value, as a write sends them."""

def digest(set_name: str | None, user_key: int | str | bytes) -> bytes:
    """The 20 bytes by which the cluster knows a key.

    RIPEMD-160 over the set's name, the key's type and its bytes; the namespace is no part of it. `bytes` hash as
    blobs (type 4), as in the Rust and Java clients.
    """

@final
class Key:
    """What a record is found by.

    `user_key` is an int (signed, 64 bits), a str or bytes; the server finds the record by a digest of it and of the
    set's name and keeps the key itself only where a write policy says `send_key`. Immutable, hashable, picklable.
    """
    @property
    def namespace(self) -> str: ...
    @property
    def set_name(self) -> str: ...
    @property
    def user_key(self) -> int | str | bytes | None: ...
    __match_args__ = ("namespace", "set_name", "user_key")
    def __init__(self, namespace: str, set_name: str | None, user_key: int | str | bytes) -> None: ...
    @staticmethod
    def from_digest(
        namespace: str, set_name: str | None, digest: bytes, user_key: int | str | bytes | None = None
    ) -> Key:
        """The key of a record whose 20-byte digest is known, with or without its user key."""
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
    to their values; two records are equal if their keys, generations and expirations are, too.
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
        """The bin's value, or `default` if the record has no such bin."""
    def keys(self) -> KeysView[str]:
        """The names of the bins."""
    def values(self) -> ValuesView[Any]:
        """The values of the bins."""
    def items(self) -> ItemsView[str, Any]:
        """The bins as (name, value) pairs."""
    def __eq__(self, other: object) -> bool: ...
    def __hash__(self) -> int: ...

def timeout_ms(value: object, name: str = "timeout", *, least: float = 0) -> float:
    """A span of time in milliseconds.

    Args:
        value: milliseconds as an int or float, 0 or 1 at least, as less is a mistake for seconds; or a timedelta of any
            length.
        name: what the value is, for the error's message.
        least: the smallest value allowed.

    Raises:
        InvalidType: it is neither.
        InvalidArgument: it is below `least`, above 2**31 - 1 ms (24 days), a number between 0 and 1, or no number.
    """

def ttl_header(value: object, name: str = "ttl") -> int:
    """The number that stands for a time to live in a write's header.

    Args:
        value: whole seconds from 1 to 315360000 (ten years), a timedelta, of which a part of a second counts as a
            whole one, or an `Expiration`.
        name: what the value is, for the error's message.

    Raises:
        InvalidType: it is none of them.
        InvalidArgument: it is out of range.
    """

def filter_bytes(expression: object, name: str = "filter_expression") -> bytes | None:
    """The bytes of a filter: of an expression, which says whether it can be one, of another thing with a `to_bytes()`,
    or bytes as they are.

    Raises:
        InvalidType: it is none of them.
        InvalidArgument: it is empty, or larger than the server takes.
    """

REPLICA_MASTER: int
REPLICA_SEQUENCE: int
REPLICA_RANDOM: int

@final
class Settings:
    """What a policy means on the wire. Times are milliseconds; the info bytes hold only what the policy adds."""
    @property
    def write(self) -> bool: ...
    @property
    def info1(self) -> int: ...
    @property
    def info2(self) -> int: ...
    @property
    def info3(self) -> int: ...
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
    def max_retries(self) -> int: ...
    @property
    def replica(self) -> int: ...
    @property
    def send_key(self) -> bool: ...
    @property
    def respond_per_each_op(self) -> bool: ...
    @property
    def filter_expression(self) -> bytes | None: ...
    @property
    def as_read(self) -> Settings | None: ...
    def __init__(
        self,
        *,
        write: bool = False,
        info1: int = 0,
        info2: int = 0,
        info3: int = 0,
        generation: int = 0,
        ttl: int = 0,
        total_timeout: float = 1000,
        socket_timeout: Any = None,
        max_retries: int = 2,
        sleep_between_retries: float = 0,
        timeout_delay: float = 0,
        replica: int = ...,
        send_key: bool = False,
        respond_per_each_op: bool = False,
        filter_expression: bytes | None = None,
        as_read: Settings | None = None,
    ) -> None: ...
    def __eq__(self, other: object) -> bool: ...
    def __hash__(self) -> int: ...

def restore_settings(*parts: object) -> Settings:
    """Settings out of what their pickle holds."""

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
    """One step of a way into a bin, encoded when it is made.

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
        check: takes their values, and gives what is packed: a value, or a tuple of several or none. It raises if they
            can't be right.
        exact: types whose objects are packed as they are, if all parameters but the first have their defaults; None
            for any object.
        numbers: what each of the parameters is as a number, a `Number` each; in place of `exact`.
        each: that it is a list of one or more such objects.
        also: parameters whose values `check` takes too, which need not have their defaults.
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
        declaration: the function as Python declares it. A parameter `ctx` that is no argument is the way to an element
            inside the bin: the list is packed as `[0xFF, contexts, [opcode, arguments...]]` then.
        code: the operation's number.
        arguments: each an `Argument`, in the order of the wire.
        opcode: the first element; None if there is none.
        particle: what to send as the value's particle type.
        check_ctx: makes a list of contexts of a way that is no plain list, or raises.
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

MISSING_RAISES: object

@final
class NodeLimits:
    """What a client may open and have waiting at each node.

    Args:
        min_connections: how many connections for threads are opened in advance and kept.
        max_connections: how many connections for threads there may be.
        max_waiting: how many commands may wait for a connection; -1 for any number.
        idle_timeout: how long an unused connection is kept, in milliseconds.
        buffer_reclaim_threshold: a connection's buffer that is larger, in bytes, is given back after use.
        pipelines: how many connections of a kind a loop opens.
        commands_per_pipeline: how many commands may be in flight on one of those.
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
    ) -> None: ...

class Node:
    """A node of the cluster, from when it is found until it is retired, after which it never comes back.

    Args:
        name: the name that it has given itself.
        limits: what may be opened and may wait there.

    Attributes:
        pool: the connections that threads have to it. Whoever makes the node sets it.
        active: whether commands may be sent to it.
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
        """Let no command begin on it any more; those on their way finish."""
    def forget_connections(self) -> None:
        """Begin anew in a child process, whose parent has the connections: without a pool, and with nothing counted."""

@final
class PartitionMap:
    """The owners of all partitions of all namespaces; immutable. `PartitionMap()` knows none."""
    @property
    def nodes(self) -> tuple[Any, ...]: ...
    @property
    def displaced(self) -> frozenset[Any]: ...
    def __init__(self) -> None: ...
    def updated(self, node: Node, answers: Iterable[tuple[str, int, Sequence[bytes]]]) -> PartitionMap:
        """The map after `node` told which partitions it owns.

        `answers` has (namespace, regime, bitmaps) triples, a bitmap of 512 bytes a replica column, column 0 for the
        masters. What a node owns is taken from whoever had it, unless that one's regime is newer; what it does not
        claim stays as it was.
        """
    def without(self, gone: Collection[object]) -> PartitionMap:
        """The map after the nodes in `gone` left: their partitions have no owner until somebody claims them."""
    @property
    def namespaces(self) -> tuple[str, ...]:
        """The names of the namespaces."""
    def replica_count(self, namespace: str) -> int:
        """How many replicas the namespace has, the master included; 0 if it is unknown."""
    def owner(self, namespace: str, partition_id: int, replica_index: int = 0) -> Any:
        """The node that holds this replica of the partition, or None."""
    def owns(self, node: object) -> bool:
        """Whether the node holds any partition."""

@final
class Routing:
    """Where the current partition map is: the cluster swaps it there, and all who route a command look there."""
    @property
    def refusing(self) -> bool: ...
    @property
    def retrying(self) -> int: ...
    def __init__(self) -> None: ...
    def refuse(self) -> None:
        """Let no call begin any more; those under way go on."""
    @property
    def partitions(self) -> PartitionMap:
        """The map, which is swapped whole."""
    @partitions.setter
    def partitions(self, partitions: PartitionMap) -> None: ...

@final
class Command:
    """A request and what becomes of its answer; each attempt sends the same bytes."""
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
    def name(self) -> str | None: ...
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
    def operations(self) -> tuple[Operation, ...] | None:
        """The operations of an `operate`; None for other commands."""
    @property
    def tries_left(self) -> int:
        """How many more attempts the policy allows."""
    @property
    def remaining(self) -> float | None:
        """Milliseconds until the deadline, less than 0 when it has passed; None without one."""
    def next_replica(self) -> None:
        """Lets the next attempt begin at the replica after the one that was asked."""

def frames_command(
    request: bytes,
    namespace: str,
    partition_id: int,
    settings: Settings,
    is_last: Callable[[bytes], bool] | None = None,
) -> Command:
    """A command whose message is made elsewhere, and which gives the bodies of its answer's frames.

    Args:
        request: the whole frame.
        namespace: whose partition it is for.
        partition_id: 0 to 4095; the node that holds it is asked.
        settings: of a policy.
        is_last: is given each body, and says whether the answer ends with it. None: it has one frame.

    Raises:
        InvalidArgument: there is no such partition.
    """

class Executor:
    """What becomes of a command that was made. This one runs nothing and gives it back."""

def parse_answer(command: Command, body: bytes) -> Any:
    """What the command gives when the server answers with a frame of this body (its message header comes first)."""

@final
class Connection:
    """A connected TCP socket that speaks Aerospike's protocol, one request at a time."""
    def __init__(self, fd: int) -> None: ...
    def exchange(self, message: bytes, timeout: float) -> bytes:
        """Send one message, 8-byte header included, and return the body of the answer, which has the same type.

        `timeout` is in milliseconds, 0 for none. Raises TimeoutError, ConnectionError or ProtocolError, after which
        the connection is closed.
        """
    def close(self) -> None:
        """Close the socket; again is harmless."""
    @property
    def closed(self) -> bool:
        """Whether the socket is closed."""
    def fileno(self) -> int:
        """The socket's descriptor, -1 when closed."""

@final
class Pool:
    """The connections to one node, shared by all threads.

    Args:
        node: whose connections these are. The pool takes its name, limits and counters, and does not hold on to it.
        opener: opens a connection within so many milliseconds, 0 for no limit.
    """
    @property
    def closed(self) -> bool: ...
    def __init__(self, node: Node, opener: Any) -> None: ...
    def drain(self) -> None:
        """Read the answers that came too late, and take their connections back into use."""
    def trim(self) -> None:
        """Close what has been idle for longer than the idle timeout, but keep the minimum."""
    def fill(self) -> None:
        """Open connections up to the minimum."""
    def close(self) -> None:
        """Close the idle connections now, those in use when they come back; wake whoever waits."""
    @property
    def busy(self) -> int:
        """How many calls use a connection, open one, or wait for one."""
    def stats(self) -> dict[str, Any]:
        """How many connections there are and were, and how the waits and failures went."""

class ThreadExecutor(Executor):
    """Runs commands on a cluster, from any number of threads; `after` says what comes after a failed attempt.

    Compiled for the sake of the usual case, in which the first attempt is all. And errors are raised here, not in
    Python, where the frame that raises one is held by it and holds it: garbage, and the request with it.
    """
    @property
    def cluster(self) -> Any: ...
    def __new__(cls: builtins.type[T], cluster: Any, *args: Any) -> T: ...
    def execute(self, command: Command) -> object:
        """Run a command that was made already, and return what it gives."""
    def after(self, command: Command, error: AerospikeError) -> AerospikeError | None:
        """Wait until the next attempt and return None; or return the error the command has failed with."""

@final
class WakeupQueue:
    """Wakes the tasks of one loop whose futures have an outcome, in the loop's next turn, as `asyncio.Future` does.

    Args:
        loop: the loop.
    """
    @property
    def loop(self) -> asyncio.AbstractEventLoop: ...
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None: ...
    def heed_debug(self) -> None:
        """Look whether the loop is in debug mode. Not done for each future, as it takes a call."""
    def wake(self) -> None:
        """Call the callbacks of some futures. A task that is interrupted by Ctrl-C keeps none of the others waiting."""

@final
class Future:
    """The outcome of a command, which one task waits for: so much of `asyncio.Future` as `asyncio.Task` asks for.

    Channels and connections hold futures as their entries for commands in flight, so it also says when the current
    attempt began. An error that nobody retrieves is not reported: the task that would have retrieved it was cancelled.

    Args:
        wakeups: those of the loop that the future belongs to.
    """

    _asyncio_future_blocking: bool
    @property
    def command(self) -> Command: ...
    def __init__(self, wakeups: WakeupQueue) -> None: ...
    def __await__(self) -> Generator[Any, None, Any]: ...
    def get_loop(self) -> asyncio.AbstractEventLoop:
        """The loop that the future belongs to."""
    def add_done_callback(
        self, callback: Callable[[Future], object], *, context: Context | None = None
    ) -> None:
        """Have the callback called in the turn of the loop that follows the outcome.

        Args:
            callback: gets the future.
            context: what it is called in; a copy of the current one if left out.

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
        """Give the command up: nobody waits for it any more. Returns False if there is an outcome.

        Args:
            msg: for the `CancelledError`.
        """
    def done(self) -> bool:
        """Whether there is an outcome."""
    def cancelled(self) -> bool:
        """Whether the future was cancelled."""
    def exception(self) -> BaseException | None:
        """The error; None if the command succeeded.

        Raises:
            CancelledError: the future was cancelled.
            RuntimeError: there is no outcome yet.
        """
    def result(self) -> Any:
        """The result.

        Raises:
            BaseException: the error, or the `CancelledError` that the future was cancelled with.
            RuntimeError: there is no outcome yet.
        """

@final
class FailureQueue:
    """The failed attempts of one loop that are yet to be dealt with, the oldest first."""
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None: ...
    def drain_more(self) -> None:
        """Deal with some more, in the next turn of the loop."""

class Pipeline:
    """One connection: a buffered protocol of asyncio.

    The commands that are submitted in one turn of the loop leave in one write, and one read completes as many commands as
    it holds answers.

    Args:
        channel: the channel that it belongs to.
    """
    @property
    def depth(self) -> int: ...
    @property
    def gone(self) -> bool: ...
    def __init__(self, channel: Channel) -> None: ...
    def flush(self) -> None:
        """Write what was submitted since the last write, until the transport has enough."""
    def connection_made(self, transport: Any) -> None:
        """Take the transport. The channel submits commands once it is told that the connection is open."""
    def pause_writing(self) -> None:
        """Write nothing: the server reads more slowly than commands come."""
    def resume_writing(self) -> None:
        """Write what was held back, and take commands that wait in line."""
    def get_buffer(self, sizehint: int) -> memoryview:
        """The place for the bytes of the next read: behind those of an answer that is not complete.

        A full buffer is doubled, however large an answer its header announces: memory is taken for bytes that came.
        """
    def buffer_updated(self, nbytes: int) -> None:
        """Give all answers that are complete to their commands."""
    def eof_received(self) -> bool:
        """Close the connection, as the server has closed its side."""
    def connection_lost(self, exc: Exception | None) -> None:
        """Fail the commands in flight.

        Args:
            exc: None if the server closed the connection in order.
        """
    def abandon(self) -> None:
        """Let go of the socket of a loop that does not run any more, and forget the commands."""
    def shut(self, reason: str = "client closed") -> None:
        """Close the connection; commands in flight fail.

        Args:
            reason: what the statistics count it as.
        """

def abandon_socket(sock: socket.socket | None) -> None:
    """Let go of a socket that a transport or a loop still believes in, though the loop does not run any more.

    Its number is given to /dev/null, so that it can't become the number of another file.

    Args:
        sock: None is no socket, and nothing is done.
    """

@final
class Channel:
    """The connections to one node, in one loop, for reads or for writes.

    Args:
        loop: the running loop.
        node: where they lead to, with its limits and counters.
        failures: where attempts that failed wait to be dealt with; one a loop.
        connect: is called with the channel to open a connection, which ends in a call of `opened` or `not_opened`.
        failed: is called with the future and the error of every attempt that failed.
        attempt: is called with a future to begin another attempt.
        bulk: whether it is for large requests and answers, which would hold up others: its connections carry one
            command at a time.
        writes: whether it is for writes.
        large: the sets whose records are large, as (namespace, set), with the number of small answers after which they
            no longer are; shared by the channels of a loop.
    """
    @property
    def loop(self) -> asyncio.AbstractEventLoop: ...
    @property
    def depth(self) -> int: ...
    @property
    def bulk(self) -> bool: ...
    @property
    def writes(self) -> bool: ...
    @property
    def closed(self) -> bool: ...
    @property
    def node(self) -> Node: ...
    @property
    def most(self) -> int: ...
    @property
    def max_waiting(self) -> int: ...
    @property
    def connecting(self) -> bool: ...
    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        node: Node,
        failures: FailureQueue,
        connect: Callable[[Channel], None],
        failed: Callable[[Future, AerospikeError], None],
        attempt: Callable[[Future], None],
        *,
        bulk: bool = False,
        writes: bool = False,
        large: dict[tuple[str, str], int] | None = None,
    ) -> None: ...
    def begin_connecting(self) -> None:
        """Have a connection opened. What held up the loop until now takes none of the time that this may take."""
    def opened(self, pipeline: Pipeline) -> None:
        """Take a connection that is open into use."""
    def not_opened(self, error: AerospikeError) -> None:
        """Take note that a connection could not be opened. If no other takes commands, those in line fail with the error."""
    @property
    def is_busy(self) -> bool:
        """Whether any command is under way here."""
    def trim(self) -> bool:
        """Close connections that have been idle for long; all idle ones when the node has left. True if any is left."""
    def close(self, error: AerospikeError | None = None, reason: str = "client closed") -> None:
        """Close all connections. Commands that are in flight or wait in line fail, some in each turn of the loop.

        Args:
            error: what they fail with; by default, that the client is closed.
            reason: what the statistics count the connections as.
        """
    def abandon(self) -> None:
        """Forget the connections of a loop that does not run any more, and the commands on them."""
    def stats(self) -> dict[str, Any]:
        """How many connections there are and were, and how many commands they carry."""

class Deadlines:
    """The timer of one loop, and the channels whose commands it looks at.

    Args:
        loop: the loop.
    """
    @property
    def loop(self) -> asyncio.AbstractEventLoop: ...
    def __new__(cls: builtins.type[T], loop: asyncio.AbstractEventLoop, *args: Any, **kwargs: Any) -> T: ...
    def all_channels(self) -> list[Channel]:
        """The channels there are."""
    def watch_in(self, seconds: float) -> None:
        """Look for overdue commands, once, after so many seconds or a little earlier.

        Linux may wake a loop that waits for long later by a thousandth, which looking once more makes up for.
        """
    def stop_timer(self) -> None:
        """Look for overdue commands no more."""
    def watched(self) -> None:
        """Look for overdue commands now, and set the timer for the next time."""

def watch_if_alive(reference: ref[Deadlines]) -> None:
    """What the timer calls: it keeps no client alive."""

@final
class CommandCoroutine:
    """A command that begins when it is awaited: all that asyncio asks of a coroutine.

    It is awaited once. If it is given up (`throw`, `close`, or a task that is cancelled), nobody waits for the command any
    more, but a write whose request was sent may still be done.
    """
    def __init__(self) -> None: ...
    def __await__(self) -> Generator[Any, None, Any]: ...
    def send(self, value: None) -> Any:
        """Go on until the command's outcome is needed.

        Args:
            value: None.

        Returns:
            The future to wait for before the next `send`.

        Raises:
            StopIteration: the command has succeeded; its `value` is the result.
            RuntimeError: the coroutine was awaited before, or the outcome is not there yet.
        """
    def throw(self, kind: Any, value: Any = None, trace: TracebackType | None = None) -> Any:
        """Give the command up, and raise an error where it is awaited.

        Args:
            kind: the error, or its class.
            value: the error, or its argument, where `kind` is a class.
            trace: the error's traceback.

        Raises:
            BaseException: the error.
        """
    def close(self) -> None:
        """Give the command up; harmless after its end."""
    @property
    def cr_running(self) -> bool:
        """False: no step is under way when anybody looks."""
    @property
    def cr_suspended(self) -> bool:
        """Whether it was awaited, and the command has not ended."""
    @property
    def cr_frame(self) -> None:
        """None: it has no frame."""

class LoopExecutor(Deadlines):
    """All channels of one client in one loop.

    Each node has one for reads and one for writes, as a replica that does not answer may hold up the writes, and as many
    again for large requests and answers, which would hold up the others. A subclass opens connections and decides what
    becomes of a failed attempt.

    Args:
        loop: the running loop.
        cluster: has the `routing` by which a command finds its node.
    """
    @property
    def refusing(self) -> bool: ...
    @property
    def closed(self) -> bool: ...
    @property
    def failures(self) -> FailureQueue: ...
    @property
    def large(self) -> dict[tuple[str, str], int]: ...
    def __new__(
        cls: builtins.type[T], loop: asyncio.AbstractEventLoop, cluster: Any, *args: Any, **kwargs: Any
    ) -> T: ...
    def new_channel(self, node: Node, bulk: bool, writes: bool) -> Channel:
        """Make a channel to a node; a subclass does.

        Args:
            node: where it leads to.
            bulk: whether it is for large requests and answers.
            writes: whether it is for writes.
        """
    def failed(self, future: Future, error: AerospikeError) -> None:
        """Decide what becomes of a command whose attempt failed; a subclass does."""
    def refuse(self) -> None:
        """Let no command begin any more; those under way go on."""
    def stop(self) -> None:
        """Let no attempt begin any more, and let go of the timer and of the cluster's partition map."""
    def all_channels(self) -> list[Channel]:
        """The channels there are."""
    def forget(self, channel: Channel) -> None:
        """Let go of a channel."""
    @property
    def is_draining(self) -> bool:
        """Whether attempts have failed that are yet to be dealt with."""
    @property
    def is_busy(self) -> bool:
        """Whether any command is under way."""
    def start(self, command: Command) -> Future:
        """Begin the first attempt and return the future of what the command gives."""
    def attempt(self, future: Future) -> None:
        """Begin another attempt. How it ends is told to the future, or to `failed`."""

class AsyncExecutor(Executor):
    """Runs commands in whatever loop awaits them, on the client's channels there."""
    @property
    def executors(self) -> dict[asyncio.AbstractEventLoop, Any]: ...
    def __new__(cls: builtins.type[T], *args: Any) -> T: ...
    def enter(self, loop: asyncio.AbstractEventLoop, command: Command) -> LoopExecutor:
        """The executor of a loop that comes for the first time; a subclass makes it."""

def no_copy(client: object) -> TypeError:
    """The error for pickling or copying a client."""

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
        policy: ReadPolicy | None = None,
    ) -> Record:
        """Read a record.

        Args:
            key: a `Key` or a `(namespace, set, user key)` tuple.
            bins: the names of the bins to read; None for all, an empty list for none (generation and expiration
                only).
            default: what to return if there is no such record.
            timeout: the deadline in milliseconds, 0 for none, else 1 at least; or a timedelta.

        Raises:
            RecordNotFound: there is no such record, and no `default`.
            FilteredOut: the filter expression does not hold for it.
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
        policy: ReadPolicy | None = None,
    ) -> Record | T:
        """Read a record.

        Args:
            key: a `Key` or a `(namespace, set, user key)` tuple.
            bins: the names of the bins to read; None for all, an empty list for none (generation and expiration
                only).
            default: what to return if there is no such record.
            timeout: the deadline in milliseconds, 0 for none, else 1 at least; or a timedelta.

        Raises:
            RecordNotFound: there is no such record, and no `default`.
            FilteredOut: the filter expression does not hold for it.
        """
    def exists(
        self,
        key: KeyLike,
        *,
        timeout: Milliseconds | None = None,
        filter_expression: Filter | None = None,
        policy: ReadPolicy | None = None,
    ) -> bool:
        """Whether there is a record with this key.

        Args:
            timeout: as in `get`.

        Raises:
            FilteredOut: the filter expression does not hold for it.
        """
    def put(
        self,
        key: KeyLike,
        bins: Mapping[str, object],
        *,
        timeout: Milliseconds | None = None,
        ttl: Ttl | None = None,
        generation: int | None = None,
        filter_expression: Filter | None = None,
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
                64.
            timeout: the deadline in milliseconds, 0 for none, else 1 at least; or a timedelta.

        Raises:
            InvalidType: Aerospike has no such type; the message names the bin and the path inside it.
            InvalidArgument: a value or name does not fit.
            RecordExists, RecordNotFound: by the policy's `record_exists_action`.
            GenerationError: the record has another generation.
        """
    def add(
        self,
        key: KeyLike,
        bins: Mapping[str, float],
        *,
        timeout: Milliseconds | None = None,
        ttl: Ttl | None = None,
        generation: int | None = None,
        filter_expression: Filter | None = None,
        policy: WritePolicy | None = None,
    ) -> None:
        """Add to integer or float bins; what is missing is created. The time to live is set as by `put`.

        Args:
            timeout: as in `get`.

        Raises:
            InvalidType: a value is no number.
            BinTypeError: a bin holds another type.
        """
    def append(
        self,
        key: KeyLike,
        bins: Mapping[str, str | bytes],
        *,
        timeout: Milliseconds | None = None,
        ttl: Ttl | None = None,
        generation: int | None = None,
        filter_expression: Filter | None = None,
        policy: WritePolicy | None = None,
    ) -> None:
        """Append to string or blob bins; what is missing is created. The time to live is set as by `put`.

        Args:
            timeout: as in `get`.

        Raises:
            InvalidType: a value is neither str nor bytes.
            BinTypeError: a bin holds another type.
        """
    def prepend(
        self,
        key: KeyLike,
        bins: Mapping[str, str | bytes],
        *,
        timeout: Milliseconds | None = None,
        ttl: Ttl | None = None,
        generation: int | None = None,
        filter_expression: Filter | None = None,
        policy: WritePolicy | None = None,
    ) -> None:
        """Prepend to string or blob bins; what is missing is created. The time to live is set as by `put`.

        Args:
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
        policy: WritePolicy | None = None,
    ) -> bool:
        """Delete a record: True if there was one, False if not.

        Args:
            timeout: as in `get`.

        Raises:
            GenerationError: the record has another generation.
            FilteredOut: the filter expression does not hold for it.
        """
    def touch(
        self,
        key: KeyLike,
        *,
        timeout: Milliseconds | None = None,
        ttl: Ttl | None = None,
        generation: int | None = None,
        filter_expression: Filter | None = None,
        policy: WritePolicy | None = None,
    ) -> None:
        """Give a record a new time to live, and a new generation.

        That is `ttl`, or else the namespace's default, also where the record had another.

        Args:
            timeout: as in `get`.

        Raises:
            RecordNotFound: there is no such record.
        """
    def operate(
        self,
        key: KeyLike,
        operations: Iterable[Operation],
        *,
        timeout: Milliseconds | None = None,
        ttl: Ttl | None = None,
        generation: int | None = None,
        filter_expression: Filter | None = None,
        policy: ReadPolicy | WritePolicy | None = None,
    ) -> Record:
        """Apply several operations to one record, in order, all or nothing.

        Where all operations read, it is a read: without a policy the client's read policy counts, and it is tried
        again as a `get` is. Where one writes, it is a write, and sets the time to live as `put` does.

        Args:
            key: a `Key` or a `(namespace, set, user key)` tuple.
            operations: made by the functions of `pyspike.operations`.
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
        """

class AsyncCommands:
    """The same commands for tasks: their executor gives a coroutine for each, and a command begins when that is awaited.

    Args:
        executor: gives coroutines.
        read: the settings of reads that are given no policy.
        write: the settings of writes that are given none.

    Raises:
        InvalidType: the settings are of the other kind.
    """
    @property
    async def _executor(self) -> Executor: ...
    def __init__(self, executor: Executor, read: Settings, write: Settings) -> None: ...
    @overload
    async def get(
        self,
        key: KeyLike,
        bins: Sequence[str] | None = None,
        *,
        timeout: Milliseconds | None = None,
        filter_expression: Filter | None = None,
        policy: ReadPolicy | None = None,
    ) -> Record:
        """Read a record.

        Args:
            key: a `Key` or a `(namespace, set, user key)` tuple.
            bins: the names of the bins to read; None for all, an empty list for none (generation and expiration
                only).
            default: what to return if there is no such record.
            timeout: the deadline in milliseconds, 0 for none, else 1 at least; or a timedelta.

        Raises:
            RecordNotFound: there is no such record, and no `default`.
            FilteredOut: the filter expression does not hold for it.
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
        policy: ReadPolicy | None = None,
    ) -> Record | T:
        """Read a record.

        Args:
            key: a `Key` or a `(namespace, set, user key)` tuple.
            bins: the names of the bins to read; None for all, an empty list for none (generation and expiration
                only).
            default: what to return if there is no such record.
            timeout: the deadline in milliseconds, 0 for none, else 1 at least; or a timedelta.

        Raises:
            RecordNotFound: there is no such record, and no `default`.
            FilteredOut: the filter expression does not hold for it.
        """
    async def exists(
        self,
        key: KeyLike,
        *,
        timeout: Milliseconds | None = None,
        filter_expression: Filter | None = None,
        policy: ReadPolicy | None = None,
    ) -> bool:
        """Whether there is a record with this key.

        Args:
            timeout: as in `get`.

        Raises:
            FilteredOut: the filter expression does not hold for it.
        """
    async def put(
        self,
        key: KeyLike,
        bins: Mapping[str, object],
        *,
        timeout: Milliseconds | None = None,
        ttl: Ttl | None = None,
        generation: int | None = None,
        filter_expression: Filter | None = None,
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
                64.
            timeout: the deadline in milliseconds, 0 for none, else 1 at least; or a timedelta.

        Raises:
            InvalidType: Aerospike has no such type; the message names the bin and the path inside it.
            InvalidArgument: a value or name does not fit.
            RecordExists, RecordNotFound: by the policy's `record_exists_action`.
            GenerationError: the record has another generation.
        """
    async def add(
        self,
        key: KeyLike,
        bins: Mapping[str, float],
        *,
        timeout: Milliseconds | None = None,
        ttl: Ttl | None = None,
        generation: int | None = None,
        filter_expression: Filter | None = None,
        policy: WritePolicy | None = None,
    ) -> None:
        """Add to integer or float bins; what is missing is created. The time to live is set as by `put`.

        Args:
            timeout: as in `get`.

        Raises:
            InvalidType: a value is no number.
            BinTypeError: a bin holds another type.
        """
    async def append(
        self,
        key: KeyLike,
        bins: Mapping[str, str | bytes],
        *,
        timeout: Milliseconds | None = None,
        ttl: Ttl | None = None,
        generation: int | None = None,
        filter_expression: Filter | None = None,
        policy: WritePolicy | None = None,
    ) -> None:
        """Append to string or blob bins; what is missing is created. The time to live is set as by `put`.

        Args:
            timeout: as in `get`.

        Raises:
            InvalidType: a value is neither str nor bytes.
            BinTypeError: a bin holds another type.
        """
    async def prepend(
        self,
        key: KeyLike,
        bins: Mapping[str, str | bytes],
        *,
        timeout: Milliseconds | None = None,
        ttl: Ttl | None = None,
        generation: int | None = None,
        filter_expression: Filter | None = None,
        policy: WritePolicy | None = None,
    ) -> None:
        """Prepend to string or blob bins; what is missing is created. The time to live is set as by `put`.

        Args:
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
        policy: WritePolicy | None = None,
    ) -> bool:
        """Delete a record: True if there was one, False if not.

        Args:
            timeout: as in `get`.

        Raises:
            GenerationError: the record has another generation.
            FilteredOut: the filter expression does not hold for it.
        """
    async def touch(
        self,
        key: KeyLike,
        *,
        timeout: Milliseconds | None = None,
        ttl: Ttl | None = None,
        generation: int | None = None,
        filter_expression: Filter | None = None,
        policy: WritePolicy | None = None,
    ) -> None:
        """Give a record a new time to live, and a new generation.

        That is `ttl`, or else the namespace's default, also where the record had another.

        Args:
            timeout: as in `get`.

        Raises:
            RecordNotFound: there is no such record.
        """
    async def operate(
        self,
        key: KeyLike,
        operations: Iterable[Operation],
        *,
        timeout: Milliseconds | None = None,
        ttl: Ttl | None = None,
        generation: int | None = None,
        filter_expression: Filter | None = None,
        policy: ReadPolicy | WritePolicy | None = None,
    ) -> Record:
        """Apply several operations to one record, in order, all or nothing.

        Where all operations read, it is a read: without a policy the client's read policy counts, and it is tried
        again as a `get` is. Where one writes, it is a write, and sets the time to live as `put` does.

        Args:
            key: a `Key` or a `(namespace, set, user key)` tuple.
            operations: made by the functions of `pyspike.operations`.
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
        """
