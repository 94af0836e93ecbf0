"""Info commands about UDF modules (admin-and-info.md 9.3).

Owns: their parameters, and the words of their answers. Not here: what the modules do (../udf/). All nodes of
a cluster have a module as soon as one does.
"""

from __future__ import annotations

import base64
import binascii

from ..storage.modules import LUA, Module
from ..udf.lua import CompileError, LuaMissingError, check_module
from .call import Call

__all__ = ["COMMANDS"]

INVALID_FILENAME = "error=invalid_filename"
NOT_FOUND = "error=not_found"
BAD_CONTENT = "error=invalid_base64_content"


def _put(call: Call) -> str:
    pairs = call.pairs
    name = pairs.get("filename", "")
    if "." not in name:
        return INVALID_FILENAME
    try:
        content = base64.b64decode(pairs.get("content", ""), validate=True)
    except (binascii.Error, ValueError):
        return BAD_CONTENT
    try:
        check_module(name, content)
    except CompileError as error:
        message = base64.b64encode(error.message).decode()
        return f"error=compile_error;file={name};line={error.line};message={message}"
    except LuaMissingError as error:
        return f"error=no_lua;message={base64.b64encode(str(error).encode()).decode()}"
    call.cluster.store.modules[name] = Module(name, content)
    return "ok"


def _list(call: Call) -> str:
    modules = call.cluster.store.modules.values()
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
    call.cluster.store.modules.pop(name, None)
    return "ok"


COMMANDS = {
    "udf-list": _list,
    "udf-get": _get,
    "udf-put": _put,
    "udf-remove": _remove,
    "udf-clear-cache": lambda call: "ok",
}
"""The function that answers each command, by the command's name."""
