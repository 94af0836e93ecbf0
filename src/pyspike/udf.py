"""What users hold of UDF modules: files of Lua functions that run on the servers.

Registering and removing modules is done in `pyspike.cluster.udf_modules`; running their functions is a
command as others are.
"""

from __future__ import annotations

import os
from typing import TypeAlias

from pyspike.plain_value import PlainValue, value_class

__all__ = ["UdfModule", "UdfSource"]

UdfSource: TypeAlias = str | bytes | os.PathLike[str]
"""The text of a module; or the path of its file, as a `Path`, or as a str that ends in ".lua"."""


@value_class(frozen=True, slots=True, repr=False, eq=False)
class UdfModule(PlainValue):
    """A registered module, as `list_udfs` tells of it.

    Args:
        name: its file name, such as "counters.lua".
        hash: the server's hash of its content, 40 hexadecimal digits: another one after every change.
        language: what it is written in: "LUA".
    """

    name: str
    hash: str
    language: str
