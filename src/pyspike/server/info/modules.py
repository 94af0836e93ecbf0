"""Info commands about UDF modules (admin-and-info.md 9.3).

Owns: their parameters, and the words of their answers. Not here: what the modules do (../udf/). All nodes of
a cluster have a module as soon as one does.
"""

from __future__ import annotations

import base64
import binascii

from ..protocol.constants import UDF_NAME_MAX
from ..storage.modules import LUA, Module
from ..udf.functions import CompileError, NoLuaError, check_module
from .call import Call

__all__ = ["COMMANDS"]

CONTENT_MAX = 1024 * 1024
INVALID_FILENAME = "error=invalid_filename"
NOT_FOUND = "error=not_found"


def _put(call: Call) -> str:
    pairs = call.pairs
    name, content = pairs.get("filename", ""), pairs.get("content", "")
    stem, dot, ending = name.rpartition(".")
    if not (stem and dot and ending) or len(name) > UDF_NAME_MAX or name.startswith("../"):
        return INVALID_FILENAME
    length = pairs.get("content-len", "")
    if not length.isdigit() or "content" not in pairs or int(length) % 4:
        return "error=invalid_content_len"
    if pairs.get("udf-type", LUA) != LUA:
        return "error=invalid_udf_type"
    if int(length) != len(content):
        return "error=invalid_content"
    try:
        source = base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        source = b""
    if not source:
        return "error=invalid_base64_content"
    if len(source) > CONTENT_MAX:
        return "error=invalid_udf_content_len,>1M"
    modules = call.cluster.store.modules
    try:
        check_module(modules, name, source)
    except CompileError as error:
        return f"error=compile_error;file={name};line={error.line};message={_base64(error.message)}"
    except NoLuaError as error:
        return f"error=no_lua;message={_base64(str(error))}"
    modules.put(Module(name, source))
    return "ok"


def _base64(words: str) -> str:
    return base64.b64encode(words.encode("utf-8", "surrogateescape")).decode()


def _list(call: Call) -> str:
    modules = call.cluster.store.modules
    return "".join(f"filename={module.name},hash={module.hash},type={LUA};" for module in modules)


def _get(call: Call) -> str:
    name = call.pairs.get("filename")
    if not name:
        return INVALID_FILENAME
    module = call.cluster.store.modules.get(name)
    return NOT_FOUND if module is None else f"type={LUA};content={module.encoded};"


def _remove(call: Call) -> str:
    name = call.pairs.get("filename")
    if name is None:
        return INVALID_FILENAME
    call.cluster.store.modules.remove(name)
    return "ok"


COMMANDS = {
    "udf-list": _list,
    "udf-get": _get,
    "udf-put": _put,
    "udf-remove": _remove,
    "udf-clear-cache": lambda call: "ok",
}
"""The function that answers each command, by the command's name."""
