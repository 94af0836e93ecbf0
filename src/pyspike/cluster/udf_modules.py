"""Registering, removing and reading UDF modules (admin-and-info.md 9.3)."""

from __future__ import annotations

import base64
import binascii
import os
from pathlib import Path

from pyspike._wire import plain_text
from pyspike.cluster.administer import administer
from pyspike.cluster.call import ClusterCall
from pyspike.cluster.watch import Question, Watch
from pyspike.errors import InvalidArgument, InvalidType, ProtocolError, ServerError
from pyspike.nodes import NodeStatus
from pyspike.showing import shown
from pyspike.udf import UdfModule, UdfSource

__all__ = ["file_name", "list_modules", "name_of", "read", "register", "remove"]

SUFFIX = ".lua"
LANGUAGE = "LUA"
_NOT_IN_NAMES = frozenset(";:=\t\n\r\0/\\,")
_NOT_FOUND = "not_found"


def register(call: ClusterCall, source: UdfSource, name: str | None) -> Watch:
    """Give a module to a node; what is returned waits until all nodes have it.

    Raises:
        InvalidType, InvalidArgument: it is no source, or has no name that a server takes.
        OSError: the file can't be read.
        UdfError: the server can't compile it.
        AerospikeError: as from `administer`.
    """
    name, content = _loaded(source, name)
    encoded = base64.b64encode(content).decode()
    administer(
        call,
        f"udf-put:filename={name};content={encoded};content-len={len(encoded)};udf-type={LANGUAGE};",
        repeatable=True,
    )
    return Watch(call, _Registered(name, content))


def remove(call: ClusterCall, name: str) -> Watch:
    """Have a node remove a module, if there is one; what is returned waits until no node has it.

    Raises:
        InvalidType, InvalidArgument: the name can't be one.
        AerospikeError: as from `administer`.
    """
    name = file_name(name)
    administer(call, f"udf-remove:filename={name};", repeatable=True)
    return Watch(call, _Removed(name))


def list_modules(call: ClusterCall) -> list[UdfModule]:
    """The modules that a node has, by their names.

    Raises:
        AerospikeError: as from `administer`.
    """
    return sorted(_parsed(administer(call, "udf-list", repeatable=True)), key=lambda m: m.name)


def read(call: ClusterCall, name: str) -> str:
    """The source of a module. Bytes that are no UTF-8 are kept as surrogates (`surrogateescape`).

    Raises:
        InvalidType, InvalidArgument: the name can't be one.
        UdfError: there is no such module.
        AerospikeError: as from `administer`.
    """
    name = file_name(name)
    try:
        answer = administer(call, _get(name), repeatable=True)
    except ServerError as error:
        if error.message == _NOT_FOUND:
            error.message = f"there is no module {name}"
            error.advice = "list_udfs() tells which there are"
        raise
    return _content(answer).decode("utf-8", "surrogateescape")


def file_name(name: object) -> str:
    """The file name of a module, which is given with or without its ".lua".

    Raises:
        InvalidType: it is no text.
        InvalidArgument: it can't be the name of a file.
    """
    if not isinstance(name, str):
        raise InvalidType(f"a module's name must be str, not {shown(name)}")
    stem = plain_text(name).removesuffix(SUFFIX)
    if not stem or not _NOT_IN_NAMES.isdisjoint(stem) or not stem.isascii() or not stem.isprintable():
        raise InvalidArgument(
            f"{shown(name)} can't be the name of a module",
            advice='a name such as "counters.lua", of ASCII characters, without a folder',
        )
    return stem + SUFFIX


def name_of(source: object, name: str | None) -> str:
    """The file name that a module is registered by: the one that is given, or that of its file.

    Raises:
        InvalidType, InvalidArgument: it is no source, or has no name that a server takes.
    """
    if isinstance(source, os.PathLike) or (isinstance(source, str) and _is_path(source)):
        return file_name(Path(source).name if name is None else name)
    if not isinstance(source, str | bytes | bytearray | memoryview):
        raise InvalidType(f"a module's source must be str, bytes or a path, not {shown(source)}")
    if name is None:
        raise InvalidArgument(
            "a module that is given as text needs a name",
            advice='register_udf(source, "counters.lua"); a path such as "udf/counters.lua" has one',
        )
    return file_name(name)


def _loaded(source: UdfSource, name: str | None) -> tuple[str, bytes]:
    """The file name and the content of a module."""
    name = name_of(source, name)
    if isinstance(source, os.PathLike) or (isinstance(source, str) and _is_path(source)):
        return name, _checked(Path(source).read_bytes())
    text = plain_text(source).encode("utf-8", "surrogateescape") if isinstance(source, str) else bytes(source)
    return name, _checked(text)


def _is_path(text: str) -> bool:
    """Whether a text is a path, and not Lua: no program is a single line that ends so, but for a comment."""
    return text.endswith(SUFFIX) and "\n" not in text and not text.lstrip().startswith("--")


def _checked(content: bytes) -> bytes:
    if not content.strip():
        raise InvalidArgument("the module is empty")
    return content


def _get(name: str) -> str:
    return f"udf-get:filename={name};"


def _content(answer: str) -> bytes:
    """The content in an answer to `udf-get`."""
    try:
        return base64.b64decode(_fields(answer)["content"], validate=True)
    except (KeyError, binascii.Error, ValueError):
        raise ProtocolError(f"{shown(answer)} is no content of a module") from None


def _parsed(answer: str) -> list[UdfModule]:
    """The modules in an answer to `udf-list`."""
    found = []
    for piece in answer.split(";"):
        if piece:
            fields = _fields(piece, ",")
            try:
                found.append(UdfModule(fields["filename"], fields["hash"], fields["type"]))
            except KeyError as missing:
                raise ProtocolError(f"{shown(piece)} is no module: it has no {missing}") from None
    return found


def _fields(text: str, separator: str = ";") -> dict[str, str]:
    pairs = (piece.partition("=") for piece in text.split(separator))
    return {name: value for name, equals, value in pairs if equals}


class _Registered(Question):
    """Whether a node has a module, with the content that was registered."""

    def __init__(self, name: str, content: bytes) -> None:
        self._name = name
        self._wanted = content

    @property
    def what(self) -> str:
        return f"module {self._name} is registered"

    def command(self, version: str) -> str:
        return _get(self._name)

    def read(self, answer: str) -> NodeStatus:
        if _content(answer) == self._wanted:
            return NodeStatus(True, 1.0, "has it")
        return NodeStatus(False, 0.0, "has another content of it")

    def read_error(self, error: ServerError) -> NodeStatus:
        if error.message != _NOT_FOUND:
            raise error
        return NodeStatus(False, 0.0, "has no such module yet")


class _Removed(Question):
    """Whether a node has no such module any more."""

    def __init__(self, name: str) -> None:
        self._name = name

    @property
    def what(self) -> str:
        return f"module {self._name} is removed"

    def command(self, version: str) -> str:
        return "udf-list"

    def read(self, answer: str) -> NodeStatus:
        if all(module.name != self._name for module in _parsed(answer)):
            return NodeStatus(True, 1.0, "does not have it")
        return NodeStatus(False, 0.0, "still has it")
