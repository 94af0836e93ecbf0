"""What is fed: every parser of what comes from a server, and both ways in which a connection takes it in."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
from collections.abc import Callable
from dataclasses import dataclass

from fuzz import seeds
from fuzz.arrays import write_arrays
from fuzz.batches import Batching, BatchingColumns
from fuzz.schemas import plan_columns
from pyspike import Cursor, MapReturnType, QueryPolicy, ReadPolicy, Statement, _wire, errors, exp, filters
from pyspike import operations as op
from pyspike.batch import BatchDelete, BatchRead, BatchWrite
from pyspike.cluster import info_answers
from pyspike.columnar.schema import schema_of
from pyspike.exp import Expression
from pyspike.operations import lists, maps
from pyspike.policy import BatchPolicy
from support.compressed import packed
from support.queries import asked_of_one
from support.unsent import UNSENT

# What a caller is told of bad bytes.
EXPECTED = (errors.ProtocolError, errors.ServerError)

# And of columns that can't be written.
UNWRITABLE = (errors.InvalidArgument, errors.InvalidType)

KEY = ("test", "s", 1)
NESTED = {"l": [[int]], "m": dict[str, list[bytes]], "d": {"x": int, "y": {"z": object, "w": str | None}}}
DICTIONARIES = [
    _wire.ArrowSchema("", "c", dictionary=_wire.ArrowSchema("", form)) for form in ("u", "Z", "vu", "vz")
]
PAIR = _wire.ArrowSchema("", "+w:2", fields=[_wire.ArrowSchema("item", "l")])
ARROW = [
    *(_wire.ArrowSchema("", form) for form in ("s", "L", "f", "tdm", "tts", "ttu", "w:2", "vu", "Z")),
    PAIR,
]
PYTHON = (int, str, bytes, float, object, [int], dict[str, int], {"x": int, "y": str}, {"x": int | None})
SCHEMAS = [
    schema_of(
        {**dict.fromkeys("abcinsx", kind), "_key": kind if kind in (int, str, bytes) else object} | NESTED
    )
    for kind in (*PYTHON, *ARROW, *DICTIONARIES)
]
EVERY_PARTITION = [("test", 0, (b"\xff" * 512,))]
INFO_PARSERS: tuple[Callable[[str], object], ...] = (
    info_answers.check, info_answers.parse_node_name, info_answers.parse_generation,
    info_answers.parse_build, info_answers.parse_services, info_answers.parse_peers,
    info_answers.parse_replicas,
)  # fmt: skip


@dataclass(frozen=True)
class Target:
    """Something that takes bytes, and may return or raise what its callers expect."""

    name: str
    seeds: list[bytes]
    feed: Callable[[bytes], object]
    weight: int = 1
    expected: tuple[type[BaseException], ...] = EXPECTED


def commands() -> list[_wire.Command]:
    """A command for each way in which an answer is read."""
    steps = [op.get("a"), op.add("a", 1), op.get("a"), op.put("b", 1), op.get("b")]
    deep = [
        lists.get_by_rank_range("a", 0),
        maps.get_by_index_range("b", 0, return_type=MapReturnType.KEY_VALUE),
        maps.get_by_key_range("b", return_type=MapReturnType.KEY),
        op.exp.read("c", exp.int_bin("a")),
    ]
    return [
        UNSENT.get(KEY),
        UNSENT.exists(KEY),
        UNSENT.put(KEY, {"a": 1}),
        UNSENT.delete(KEY),
        UNSENT.operate(KEY, steps),
        UNSENT.operate(KEY, deep),
        UNSENT.operate(KEY, [op.put("z", 1), op.get()]),
    ]


def targets(rng: random.Random, stack: contextlib.ExitStack) -> list[Target]:
    """All of them; what they hold on to is let go with the stack."""
    bodies = seeds.answers()
    said = bodies + seeds.compressed()
    pipeline = stack.enter_context(contextlib.closing(Pipelined(rng)))
    batching = stack.enter_context(contextlib.closing(Batching(rng)))
    into_columns = stack.enter_context(contextlib.closing(BatchingColumns(rng)))
    closed = (*EXPECTED, errors.ConnectionError)
    return [
        *(
            Target(f"answer {number}", bodies, lambda data, c=command: _wire.parse_answer(c, data), 2)  # type: ignore[misc]
            for number, command in enumerate(commands())
        ),
        Target("value", seeds.particles(), parse_value, 7),
        Target("info", seeds.info_bodies(), parse_info),
        Target("batch", seeds.batches(), parse_batch, 3),
        Target("query", seeds.queries(), parse_query, 3),
        Target("columns", seeds.records(), Columns(rng), 4, (*EXPECTED, errors.SchemaMismatch)),
        Target("columns taken", seeds.choices(rng), write_arrays, 3, UNWRITABLE),
        Target("schemas taken", seeds.choices(rng), plan_columns, 1, UNWRITABLE),
        Target("aggregate", seeds.queries(), parse_aggregate, 1),
        Target("cursor", seeds.cursors(), Cursor, 1, (errors.InvalidArgument,)),
        Target("expression", seeds.filters(), parse_expression, 1, (errors.InvalidArgument,)),
        Target("connection", said, Blocking(rng), 2, closed),
        Target("pipeline", said, pipeline),
        Target("batch by a thread", seeds.batches(), batching, 1, ()),
        Target("batch into columns", seeds.batches(), into_columns, 1, ()),
    ]


# Parsers ----------------------------------------------------------------------------------------------------


def parse_value(data: bytes) -> object:
    """A particle: its type, then its bytes."""
    return _wire.unpack_value(data[0], data[1:]) if data else None


def parse_info(data: bytes) -> None:
    """An info body, with every parser of values on each of its values."""
    for value in info_answers.decode(data).values():
        for parser in INFO_PARSERS:
            with contextlib.suppress(*EXPECTED):
                parser(value)


def parse_expression(data: bytes) -> str:
    """An expression, which users have from elsewhere, and what it looks like."""
    return repr(Expression.from_bytes(data))


def many_frames() -> _wire.Command:
    """A command whose answer ends with a frame that has the LAST bit (framing.md 1.2)."""
    return _wire.frames_command(
        UNSENT.get(KEY).request, "test", 0, ReadPolicy().settings, lambda body: body[3:4] >= b"\x01"
    )


def many_rows() -> _wire.NodeRows:
    """Rows of every kind, some of them twice."""
    steps = [op.add("a", 1), op.get("a"), op.put("b", 1), op.get("b")]
    rows = [
        *(BatchRead(("test", "s", number)) for number in range(3)),
        BatchRead(KEY, ["a"]),
        BatchRead(KEY, operations=[op.get("a"), lists.size("c"), op.exp.read("a", exp.int_bin("a"))]),
        BatchWrite(KEY, steps),
        BatchDelete(KEY),
    ]
    batch = _wire.batch_rows(rows * 2, BatchPolicy().settings)
    return _wire.rows_of_node(batch, range(len(batch)))


def parse_batch(data: bytes) -> object:
    """The rows of a frame, whose last message may be missing."""
    command = many_rows().next_command()
    assert command is not None
    return _wire.parse_answer(command, data)


def parse_query(data: bytes) -> None:
    """The records of a frame, by a scan, by a query of an index, and by one with operations."""
    steps = [op.get("i"), op.exp.read("r", exp.int_bin("i")), op.get("s")]
    where = filters.range("i", 0, 9)
    for statement in (
        Statement("test", "gvq"),
        Statement("test", None, where=where),
        Statement("test", "gvq", operations=steps, where=where),
    ):
        query = _wire.Query(statement, QueryPolicy().settings, _wire.QueryPartitions())
        asked = asked_of_one(query)
        with contextlib.suppress(*EXPECTED):
            asked.reader.records(data)
        asked.end()
        _wire.cursor_of(statement, query.partitions)


class Columns:
    """The columns that records become, of guessed and of declared types; and those of a query's frame."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng

    def __call__(self, data: bytes) -> None:
        """Make batches, and have each given away."""
        schema = self.rng.choice((None, *SCHEMAS))
        rule = self.rng.choice(("error", "null", "json"))
        rows = self.rng.choice((1, 3, 1000))
        names = {"digest": "digest", "key": "_key", "set": "_set", "ttl": "_ttl", "expiration": "_until"}
        columns = [
            _wire.Columns(
                schema, None, names, batch_rows=rows, batch_bytes=1 << 20, on_mismatch=rule, extra="rest"
            )
            for _ in range(2)
        ]
        plan = _Plan(_wire.Query(Statement("test"), QueryPolicy().settings, _wire.QueryPartitions()))
        _wire.query_columns(_wire.Routing(), plan, columns[1], _wire.ColumnStream)
        command = asked_of_one(plan.query).make_command()
        with contextlib.suppress(*EXPECTED):
            _wire.parse_answer(command, data)
        given = _wire.memory_columns([data], columns[0], _wire.ColumnStream)
        while (batch := given.next_batch(_wire.ColumnBatch)) is not None:
            assert batch.nbytes >= 0
            batch.__arrow_c_array__()


class _Plan:
    """What a stream of columns looks at of a plan before it begins."""

    def __init__(self, query: _wire.Query) -> None:
        self.query = query


def parse_aggregate(data: bytes) -> object:
    """What a stream UDF gave."""
    command = _wire.aggregate_request(Statement("test"), QueryPolicy().settings, 1, ("m", "f", b""))
    return _wire.parse_answer(command, data)


# Connections ------------------------------------------------------------------------------------------------


def stream(data: bytes) -> bytes:
    """The bytes as a message of the right size, the same compressed, and then as they are."""
    framed = (2 << 56 | 3 << 48 | len(data)).to_bytes(8, "big") + data
    return framed + packed(framed) + data


def _node(opener: Callable[[float], _wire.Connection]) -> _wire.Node:
    """A node with one pipeline at most."""
    node = _wire.Node("A1", _wire.NodeLimits(pipelines=1, commands_per_pipeline=64))
    node.pool = _wire.Pool(node, opener)
    return node


class _Cluster:
    """One node, which owns everything."""

    def __init__(self, node: _wire.Node) -> None:
        self.routing = _wire.Routing()
        self.routing.partitions = _wire.PartitionMap().updated(node, EVERY_PARTITION)


class Blocking:
    """A blocking connection, whose other end says all there is at once, or in two pieces, and closes."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng

    def __call__(self, data: bytes) -> None:
        """Ask until the connection breaks, or all has been said."""
        ours, theirs = socket.socketpair()
        said = stream(data)
        cut = self.rng.choice((len(said), self.rng.randrange(len(said))))
        with ours:
            ours.sendall(said[:cut])
            ours.shutdown(socket.SHUT_WR)
            opened = [_wire.Connection(theirs.detach())]

            def another(timeout: float) -> _wire.Connection:
                if not opened:  # the only one has ended, which was found out before a request
                    raise errors.ConnectionError("there is no other")
                return opened.pop()

            node = _node(another)
            cluster = _Cluster(node)
            executor = _wire.ThreadExecutor(cluster)
            many = self.rng.random() < 0.3
            try:
                while opened or node.pool.stats()["open"]:
                    with contextlib.suppress(errors.ServerError):
                        executor.execute(many_frames() if many else UNSENT.get(KEY))
            finally:
                node.retire()


class Transport:
    """What a pipeline sees of asyncio; it sends nothing."""

    open = True

    def write(self, data: bytes) -> None:
        """Forget it."""

    def abort(self) -> None:
        """Nothing more comes."""
        self.open = False

    def get_extra_info(self, name: str) -> None:
        """Nothing is known."""

    def get_write_buffer_size(self) -> int:
        """Nothing is held back."""
        return 0


class Pipelined:
    """A pipeline that gets the bytes in pieces, with some commands in flight."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.loop = asyncio.new_event_loop()
        self.loop.set_exception_handler(lambda loop, context: self._raised.append(context["exception"]))
        self._raised: list[BaseException] = []

    def __call__(self, data: bytes) -> None:
        """Feed the bytes until the pipeline hangs up."""
        self._raised.clear()
        executor = _Executor(self.loop, _Cluster(_node(lambda timeout: _wire.Connection(-1))))
        for _ in range(4):
            executor.start(many_frames() if self.rng.random() < 0.2 else UNSENT.get(KEY))
        self._turn()
        pipeline, transport = executor.pipeline, executor.transport
        said = stream(data)
        at = 0
        while at < len(said) and transport.open:
            view = pipeline.get_buffer(-1)
            size = min(len(view), self.rng.randint(1, 400), len(said) - at)
            view[:size] = said[at : at + size]
            pipeline.buffer_updated(size)
            at += size
        pipeline.shut()
        executor.stop()  # lets go of the map, which is large, before the garbage collector finds the executor
        self._turn()  # what was planned meanwhile holds on to all of it
        if self._raised:
            raise self._raised[0]

    def _turn(self) -> None:
        self.loop.call_soon(self.loop.stop)
        self.loop.run_forever()

    def close(self) -> None:
        """Let go of the loop."""
        self.loop.close()


class _Executor(_wire.LoopExecutor):
    """One channel whose only pipeline is open at once; failures end their commands."""

    pipeline: _wire.Pipeline
    transport: Transport

    def new_channel(self, node: _wire.Node, kind: int) -> _wire.Channel:
        calls = (self._open, self.failed, self.attempt, self.look_in)
        return _wire.Channel(self.loop, node, self.failures, self.slicer, *calls, kind=kind)

    def _open(self, channel: _wire.Channel) -> None:
        self.pipeline = _wire.Pipeline(channel)
        self.transport = Transport()
        self.pipeline.connection_made(self.transport)
        channel.opened(self.pipeline)

    def watch_in(self, seconds: float) -> None:
        """No time passes here."""

    def failed(self, future: _wire.Future, error: errors.AerospikeError) -> None:
        # A time-out is of a machine on which a second passes between two lines.
        assert isinstance(error, (*EXPECTED, errors.ConnectionError, errors.TimeoutError)), error
        future.cancel()
