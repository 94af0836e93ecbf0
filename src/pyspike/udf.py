"""What users hold of UDF modules: files of Lua functions that run on the servers.

Registering and removing modules is done in `pyspike.cluster.udf_modules`; running their functions is a
command as others are.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["UdfModule"]


@dataclass(frozen=True, slots=True)
class UdfModule:
    """A registered module, as `list_udfs` tells of it.

    Args:
        name: its file name, such as "counters.lua".
        hash: the server's hash of its content, 40 hexadecimal digits: another one after every change.
        language: what it is written in: "LUA".
    """

    name: str
    hash: str
    language: str
