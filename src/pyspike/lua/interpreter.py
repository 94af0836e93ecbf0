"""A Lua interpreter in which the functions of a module are called.

Owns: making one, loading modules, calling functions, the limits of both. Not here: what functions can use,
which is written in Lua (library/), and what becomes of results.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

__all__ = ["Changes", "Interpreter", "LuaError", "LuaMissingError", "Particle", "Row", "check_syntax"]

INSTRUCTIONS = 100_000_000  # after which a call is ended; about a second
MEMORY = 512 * 1024 * 1024  # bytes that an interpreter may take
FOLDER = "udf"  # of modules, as errors name it

# In the order in which they need each other. The last one gives the functions that are called from here.
_PARTS = (
    "values",
    "particles",
    "text",
    "iterators",
    "list",
    "map",
    "bytes",
    "record",
    "stream",
    "frames",
    "sandbox",
    "log",
    "calls",
)

Particle: TypeAlias = tuple[int, bytes]
"""A value: its particle type and its bytes."""


class LuaMissingError(Exception):
    """lupa is not installed, so there is no Lua."""


class LuaError(Exception):
    """A module can't be loaded, or a function has failed; the message is its own."""


class Row(NamedTuple):
    """A record as a function gets it.

    Args:
        names: of its bins, in the server's order.
        kinds: the bins' particle types.
        values: the bins' bytes.
        about: `generation`, `ttl`, `set_name`, `last_update_time`, `size`, `digest`, `key_type`, `key`; what
            is None or left out is nil.
    """

    names: Sequence[bytes]
    kinds: Sequence[int]
    values: Sequence[bytes]
    about: dict[bytes, object]


class Changes(NamedTuple):
    """What a function has made of a record.

    Args:
        bins: their names, particle types and bytes, in order; none if it is removed.
        ttl: what the function has set it to; None if it has not.
        drops_key: whether the stored key is to be dropped.
        refused: whether a bin was given a value that none can have.
    """

    bins: list[tuple[bytes, int, bytes]]
    ttl: int | None
    drops_key: bool
    refused: bool


class _Face:
    """A value of Lua's type userdata, which only Python can make. It has nothing in it."""

    __slots__ = ()


@cache
def _parts() -> list[tuple[bytes, bytes]]:
    """The name and the source of each part of the library."""
    folder = Path(__file__).parent / "library"
    return [(f"={name}.lua".encode(), (folder / f"{name}.lua").read_bytes()) for name in _PARTS]


def _refuse(target: object, name: object, setting: bool) -> object:
    raise AttributeError("functions see nothing of Python")


def _runtime(memory: int) -> Any:
    try:
        from lupa.lua54 import LuaRuntime  # type: ignore[import-untyped]
    except ImportError:
        raise LuaMissingError("there is no Lua: lupa is not installed") from None
    return LuaRuntime(
        encoding=None,
        unpack_returned_tuples=True,
        register_eval=False,
        register_builtins=False,
        attribute_filter=_refuse,
        max_memory=memory,
    )


class Interpreter:
    """An interpreter, of one thread at a time.

    What functions assign to globals stays from call to call.

    Args:
        content_of: the content of the module of a name without ".lua"; None if there is none.
        log: takes what functions tell the log: a level from 0 (errors) to 4, and the words.
        instructions: how many a call may take.

    Raises:
        LuaMissingError: lupa is not installed.
    """

    def __init__(
        self,
        content_of: Callable[[str], bytes | None],
        log: Callable[[int, str], None],
        *,
        instructions: int = INSTRUCTIONS,
    ) -> None:
        self._content_of = content_of
        self._log = log
        self._runtime = runtime = _runtime(MEMORY)
        host = {
            b"new_face": _Face,
            b"now": lambda: time.time_ns() // 1_000_000,
            b"module": self._module,
            b"log": self._note,
        }
        shared = runtime.table_from({b"host": runtime.table_from(host), b"limit": instructions})
        load = runtime.eval(b"function(text, name, ...) return assert(load(text, name, 't'))(...) end")
        for name, source in _parts():
            api = load(source, name, shared)
        self._load, self._has, self._call = api[b"load"], api[b"has"], api[b"call"]
        self._to_records, self._to_results = api[b"apply_to_records"], api[b"apply_to_results"]

    def load(self, module: str) -> None:
        """Load a module, and whatever modules it requires.

        Raises:
            LuaError: there is none, or it fails.
        """
        words = self._load(module.encode())
        if words is not None:
            raise LuaError(_text(words))

    def has(self, function: str) -> bool:
        """Whether there is anything of this name to call."""
        return bool(self._has(function.encode()))

    def call(
        self, function: str, arguments: bytes, row: Row, *, exists: bool
    ) -> tuple[Particle, Changes | None]:
        """Call a function on a record.

        Args:
            function: its name.
            arguments: those behind the record, as a msgpack list; anything else is none.
            row: the record; without bins if it is not there.
            exists: whether it is.

        Returns:
            The result; and what the function has made of the record, None if it is as it was.

        Raises:
            LuaError: the function failed.
        """
        given = self._call(function.encode(), arguments, exists, *self._row(row))
        if not given[0]:
            raise LuaError(_text(given[1]))
        result = (given[1], given[2])
        return result, self._changes(given[3]) if len(given) > 3 else None

    def apply_to_records(self, function: str, arguments: bytes, rows: Iterator[Row]) -> Iterator[Particle]:
        """Apply a function to a stream of records, and give the results: the server's part of what it says.

        A record is asked for, and a result made, when it is needed.

        Args:
            function: its name.
            arguments: those behind the stream, as a msgpack list; anything else is none.
            rows: the records. What asking for one raises is raised here too.

        Raises:
            LuaError: the function failed.
        """
        return self._results(self._to_records, function, arguments, map(self._row, rows))

    def apply_to_results(
        self, function: str, arguments: bytes, results: Iterator[Particle]
    ) -> Iterator[Particle]:
        """Apply a function to a stream of the servers' results: the client's part of what it says.

        All else is as in `apply_to_records`.
        """
        return self._results(self._to_results, function, arguments, results)

    def _results(
        self, apply: Any, function: str, arguments: bytes, source: Iterator[object]
    ) -> Iterator[Particle]:
        raised: list[BaseException] = []

        def pull() -> object:
            try:
                return next(source, None)
            except BaseException as error:
                raised.append(error)  # which Lua would not pass on
                raise

        following = apply(function.encode(), arguments, pull)
        while True:
            given = following()
            if raised:
                raise raised.pop()
            if given is True:
                return
            if not given[0]:
                raise LuaError(_text(given[1]))
            yield given[1], given[2]

    def _row(self, row: Row) -> tuple[Any, Any, Any, Any]:
        table = self._runtime.table_from
        about = {name: value for name, value in row.about.items() if value is not None}
        return table(row.names), table(row.kinds), table(row.values), table(about)

    def _changes(self, found: Any) -> Changes:
        names, kinds, values = found[b"names"], found[b"kinds"], found[b"values"]
        bins = [(names[at], kinds[at], values[at]) for at in range(1, found[b"count"] + 1)]
        return Changes(bins, found[b"ttl"], bool(found[b"drops_key"]), bool(found[b"refused"]))

    def _module(self, name: bytes) -> tuple[bytes | None, bytes]:
        content = self._content_of(_text(name))
        return content, b"%s/%s.lua" % (FOLDER.encode(), name)

    def _note(self, level: int, words: bytes) -> None:
        self._log(level, _text(words))


def check_syntax(name: str, content: bytes) -> None:
    """Compile a module, without running it.

    Raises:
        LuaError: it is no Lua; the message begins with the module's name and the line.
        LuaMissingError: lupa is not installed.
    """
    found = _runtime(MEMORY).execute(b"return load(...)", content, b"@" + name.encode(), b"t")
    if isinstance(found, tuple):
        raise LuaError(_text(found[1]))


def _text(words: bytes) -> str:
    return words.decode("utf-8", "surrogateescape")
