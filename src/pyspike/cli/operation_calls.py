"""Operations as calls in Python's own form: `add("visits", 1)`, `maps.put("prefs", "lang", "en")`.

Owns: which names there are, and what arguments may be: literals, enums, and calls of the same kind. Nothing
is evaluated: the text is parsed, and functions of `pyspike.operations` are called.
"""

from __future__ import annotations

import ast
import difflib
import inspect
from enum import Enum
from types import ModuleType
from typing import Any

import pyspike
from pyspike import AerospikeError, GeoJSON, Operation, exp, operations

__all__ = ["CALLS_HELP", "parse_operation"]

CALLS_HELP = """\b
An operation is a call as in Python, of a function of pyspike.operations:
  add("visits", 1)                    get("name")             put("tags", ["a", b"b"])
  lists.append("tags", "new")         lists.size("tags")      append("name", "!")
  maps.get_by_key("prefs", "lang", return_type=MapReturnType.VALUE)
  maps.put("prefs", "a", 1, ctx=[context.map_key("inner")])
  op.exp.read("twice", exp.num_mul(exp.int_bin("visits"), 2))
Arguments are literals (text in quotes, numbers, True, None, bytes, lists, maps), GeoJSON("..."), names of
pyspike's enums, and calls of functions of pyspike.exp.
"""

ROOTS: dict[str, Any] = {
    **{name: getattr(operations, name) for name in operations.__all__},
    "op": operations,
    "exp": exp,
    "GeoJSON": GeoJSON,
    **{
        name: each
        for name in pyspike.__all__
        if inspect.isclass(each := getattr(pyspike, name)) and issubclass(each, Enum)
    },
}


def parse_operation(text: str) -> Operation:
    """The operation that a call means.

    Raises:
        ValueError: it is no such call, or the function refuses its arguments.
    """
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ValueError('it is no call; write it as in Python, as add("visits", 1)') from None
    try:
        value = _value(tree)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(value, Operation):
        raise ValueError('it is no operation; write a call such as add("visits", 1)')
    return value


def _value(node: ast.expr) -> Any:
    if isinstance(node, ast.Call):
        return _called(node)
    if isinstance(node, ast.Name | ast.Attribute):
        found = _named(node)
        if not isinstance(found, Enum):
            raise ValueError(f"{ast.unparse(node)} is no value; a text stands in quotes")
        return found
    if isinstance(node, ast.List):
        return [_value(each) for each in node.elts]
    if isinstance(node, ast.Tuple):
        return tuple(_value(each) for each in node.elts)
    if isinstance(node, ast.Dict):
        keys = [None if key is None else _value(key) for key in node.keys]
        return dict(zip(keys, map(_value, node.values), strict=True))
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):  # flags
        left, right = _value(node.left), _value(node.right)
        if isinstance(left, Enum) and isinstance(right, Enum):
            return left | right  # type: ignore[operator]
    try:
        return ast.literal_eval(node)
    except ValueError:
        raise ValueError(f"{ast.unparse(node)} is no value") from None


def _called(node: ast.Call) -> Any:
    function = _named(node.func)
    name = ast.unparse(node.func)
    if not callable(function) or (inspect.isclass(function) and function is not GeoJSON):
        raise ValueError(f"{name} is no function")
    if any(keyword.arg is None for keyword in node.keywords):
        raise ValueError("** can't stand in an operation")
    arguments = [_value(each) for each in node.args]
    named = {str(keyword.arg): _value(keyword.value) for keyword in node.keywords}
    try:
        inspect.signature(function).bind(*arguments, **named)
    except TypeError as error:
        raise ValueError(f"{name}{inspect.signature(function)}: {error}") from None
    try:
        return function(*arguments, **named)
    except AerospikeError as error:
        raise ValueError(f"{name}: {error}") from None


def _named(node: ast.expr) -> Any:
    """What a name with dots stands for: from a root on, through public names of modules and enums."""
    if isinstance(node, ast.Name):
        if node.id in ROOTS:
            return ROOTS[node.id]
        raise ValueError(_unknown(node.id, list(ROOTS)))
    if not isinstance(node, ast.Attribute):
        raise ValueError(f"{ast.unparse(node)} is no name")
    owner = _named(node.value)
    if isinstance(owner, ModuleType):
        names = [*owner.__all__]
    elif inspect.isclass(owner) and issubclass(owner, Enum):
        names = [*owner.__members__]
    else:
        names = []
    if node.attr not in names:
        raise ValueError(_unknown(ast.unparse(node), [f"{ast.unparse(node.value)}.{name}" for name in names]))
    return getattr(owner, node.attr)


def _unknown(name: str, names: list[str]) -> str:
    close = difflib.get_close_matches(name, names, n=1)
    return f"there is no {name}" + (f"; did you mean {close[0]}?" if close else "")
