"""Finding the function that a request names, and having it called.

Owns: an interpreter for each module that is used, the words of failures, and the log of functions. Not here:
what functions can use (pyspike.lua), and storing what they have made of records (../records/udf.py).
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from typing import TypeAlias

from pyspike.lua.interpreter import (
    Changes,
    Interpreter,
    LuaError,
    LuaMissingError,
    Particle,
    Row,
    check_syntax,
)

from ..protocol.constants import UDF_NAME_MAX, FieldType
from ..protocol.framing import Message
from ..protocol.result import bad
from ..storage.modules import Module, Modules

__all__ = ["CompileError", "Function", "FunctionError", "NoLuaError", "check_module", "function_of"]

_ContentOf: TypeAlias = Callable[[str], "bytes | None"]

_LOG = logging.getLogger("pyspike.server.udf")
_LEVELS = (logging.ERROR, logging.WARNING, logging.INFO, logging.DEBUG)
_SUFFIX = ".lua"
_PLACE = re.compile(r"(?s)[^:]*:(\d+): (.*)")
_NO_MODULE, _NO_FUNCTION = "UDF: Execution Error 1", "function not found"
_STREAM_FAILED = "UDF: Execution Error 2 : "


class NoLuaError(Exception):
    """There is no Lua in this environment."""

    def __init__(self) -> None:
        super().__init__(
            "the embedded server has no Lua; install it with: pip install 'pyspike-aerospike[lua]'"
        )


class CompileError(Exception):
    """A module is no Lua, or fails when it is loaded.

    Attributes:
        line: the line of the mistake, as text.
        message: what is wrong there.

    """

    def __init__(self, line: str, message: str) -> None:
        super().__init__(f"line {line}: {message}")
        self.line = line
        self.message = message


class FunctionError(Exception):
    """A function can't be called, or has failed; the client is told the message."""


class Function:
    """A function of a module, with the arguments of one request."""

    __slots__ = ("_arguments", "_interpreter", "_name")

    def __init__(self, interpreter: Interpreter, name: str, arguments: bytes) -> None:
        self._interpreter = interpreter
        self._name = name
        self._arguments = arguments

    def call(self, row: Row, *, exists: bool) -> tuple[Particle, Changes | None]:
        """Call it on a record; give its result, and what it has made of the record, None if nothing.

        Raises:
            FunctionError: it has failed.

        """
        try:
            return self._interpreter.call(self._name, self._arguments, row, exists=exists)
        except LuaError as error:
            raise FunctionError(str(error)) from error

    def apply(self, rows: Iterator[Row]) -> Iterator[Particle]:
        """Apply it to a stream of records, and give the results.

        Raises:
            FunctionError: it has failed.

        """
        try:
            yield from self._interpreter.apply_to_records(self._name, self._arguments, rows)
        except LuaError as error:
            raise FunctionError(_STREAM_FAILED + str(error)) from error


def function_of(modules: Modules, message: Message, *, of_stream: bool = False) -> Function:
    """The function that a request names.

    Args:
        modules: the modules that there are.
        message: the request.
        of_stream: whether it is to be applied to a stream, for which failures have other words.

    Raises:
        RequestError: PARAMETER: the request names none, or has no arguments.
        FunctionError: there is none.

    """
    try:
        module = message.fields[FieldType.UDF_FILENAME]
        name = message.fields[FieldType.UDF_FUNCTION]
        arguments = message.fields[FieldType.UDF_ARGLIST]
    except KeyError:
        raise bad("no module, no function or no arguments") from None
    if max(len(module), len(name)) > UDF_NAME_MAX:
        raise bad("the name of a module or of a function that is too long")
    interpreter = _interpreter(modules, _until_nul(module))
    function = _until_nul(name)
    if not function or not interpreter.has(function):
        raise FunctionError(_STREAM_FAILED + _NO_FUNCTION if of_stream else _NO_FUNCTION)
    return Function(interpreter, function, arguments)


def check_module(modules: Modules, name: str, content: bytes) -> None:
    """Load a module as it would be used, beside those that are there.

    Raises:
        CompileError: it is no Lua, or fails.
        NoLuaError: there is no Lua.

    """
    stem = name.removesuffix(_SUFFIX)
    others = _contents(modules)
    try:
        check_syntax(name, content)
        _new_interpreter(lambda wanted: content if wanted == stem else others(wanted)).load(stem)
    except LuaMissingError:
        raise NoLuaError from None
    except LuaError as error:
        place = _PLACE.fullmatch(str(error))
        line, message = (place[1], place[2]) if place else ("0", str(error))
        raise CompileError(line, message) from error


def _interpreter(modules: Modules, name: str) -> Interpreter:
    found: Interpreter | None = modules.loaded.get(name)
    if found is None:
        if _module(modules, name) is None:
            raise FunctionError(_NO_MODULE)
        try:
            found = _new_interpreter(_contents(modules))
            found.load(name)
        except LuaMissingError:
            raise FunctionError(str(NoLuaError())) from None
        except LuaError as error:
            _LOG.warning("module %s can't be loaded: %s", name, error)
            raise FunctionError(_NO_MODULE) from error
        modules.loaded[name] = found
    return found


def _new_interpreter(content_of: _ContentOf) -> Interpreter:
    return Interpreter(content_of, _log)


def _contents(modules: Modules) -> _ContentOf:
    def content_of(name: str) -> bytes | None:
        module = _module(modules, name)
        return None if module is None else module.content

    return content_of


def _module(modules: Modules, name: str) -> Module | None:
    return modules.get(name + _SUFFIX)


def _until_nul(name: bytes) -> str:
    """A name as the server's C functions read it."""
    return name.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def _log(level: int, words: str) -> None:
    _LOG.log(_LEVELS[level] if 0 <= level < len(_LEVELS) else logging.DEBUG, "%s", words)
