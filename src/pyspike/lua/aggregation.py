"""The client's part of an aggregation: one result of what the nodes have made of their records.

Owns: running the function once more, over the nodes' results. Not here: the nodes' part, which the same
function does there, and asking them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeAlias

from pyspike._wire import pack_element, pack_value, unpack_value

from .interpreter import Interpreter, LuaError, Particle

__all__ = ["Source", "reduce_results"]

Source: TypeAlias = "str | bytes"
"""The text of a module."""

_NO_LIMIT = 1 << 62
_SUFFIX = ".lua"


def _none(name: str) -> Source | None:
    return None


def reduce_results(
    module: str,
    source: Source,
    function: str,
    args: Sequence[object],
    results: Iterable[object],
    *,
    required: Callable[[str], Source | None] = _none,
    log: Callable[[int, str], None] = lambda level, words: None,
) -> Iterator[object]:
    """Do what a stream function leaves to the client: all from its first `reduce` on.

    A function `s : map(f) : reduce(g) : map(h)` has each node map its records by `f`, and reduce them by `g`
    in groups; here these results are reduced by `g` to one, which is then mapped by `h`. If it reduces
    nothing, the nodes' results are given as they are. A result is asked for when it is needed, and kept no
    longer than that.

    Args:
        module: the name of the function's module, with or without ".lua"; errors name it.
        source: its text.
        function: the function's name.
        args: the arguments that the nodes were given.
        results: the values that the nodes gave, in any order. What asking for one raises is raised here too.
        required: gives the text of the module of a name without ".lua", which a module may `require`; None if
            there is none.
        log: takes what functions tell the log: a level from 0 (errors) to 4, and the words.

    Raises:
        LuaMissingError: lupa is not installed. This and the next are raised at once where they can be.
        LuaError: the module can't be loaded, has no such function, or the function fails.
        ValueError, TypeError: an argument or a result can't be packed.
    """
    stem = module.removesuffix(_SUFFIX)

    def content_of(name: str) -> bytes | None:
        text = source if name == stem else required(name)
        return text.encode() if isinstance(text, str) else text

    interpreter = Interpreter(content_of, log, instructions=_NO_LIMIT)
    interpreter.load(stem)
    if not interpreter.has(function):
        raise LuaError(f"module {stem} has no function {function}")
    packed: Iterator[Particle] = map(pack_value, results)
    given = interpreter.apply_to_results(function, pack_element(list(args)), packed)
    return (unpack_value(kind, data) for kind, data in given)
