"""How expressions are shown: read back from their bytes as the call that makes them.

`exp.ge(exp.int_bin('age'), 21)`; built and decoded ones alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pyspike.exp.signatures import MODIFY, SIGNATURES, ExpOp
from pyspike.exp.types import BIN_FUNCTIONS, ExpType, RegexFlags
from pyspike.operations.context import describe_ctx
from pyspike.operations.describe import (
    BIT_KINDS,
    BITS,
    HLL,
    HLL_KINDS,
    LIST_KINDS,
    LISTS,
    MAP_KINDS,
    MAPS,
    STRING_KINDS,
    STRINGS,
    Kinds,
    call,
    show_member,
)
from pyspike.operations.enums import BY_PATH, PATH_NO_FAIL, WITH_CONTEXT, MapReturnType, PathSelect
from pyspike.operations.tree import read_tree
from pyspike.values import Special

__all__ = ["describe", "describe_tree", "describe_whole"]

MAX_SHOWN = 2000  # characters of a literal
MAX_LEVELS = 16  # of lists that are shown where Python can't follow all

_COMPARISONS = {
    *(ExpOp.EQ, ExpOp.NE, ExpOp.GT, ExpOp.GE, ExpOp.LT, ExpOp.LE),
    *(ExpOp.GEO, ExpOp.IN_LIST, ExpOp.TO_STRING),
}
_LOOP = ("loop_key", "loop_value", "loop_index")
_SINGLE = {19, 21, 97, 98, 100}  # selections of one element, whose type is given


def describe(data: bytes) -> str:
    """The call that makes the expression with these bytes."""
    return describe_whole(read_tree(data))


def describe_whole(tree: Any) -> str:
    """The call that makes a decoded expression; a bare literal is shown with exp.val.

    What is nested deeper than Python can follow is left out in favour of an ellipsis.
    """
    try:
        text = describe_tree(tree)
    except RecursionError:
        text = describe_tree(_shortened(tree, MAX_LEVELS))
    return text if text.startswith("exp.") else f"exp.val({text})"


class _Left:
    """Stands for what is left out."""

    def __repr__(self) -> str:
        return "…"


def _shortened(tree: Any, levels: int) -> Any:
    if not isinstance(tree, list):
        return tree
    return [_shortened(part, levels - 1) for part in tree] if levels else _Left()


def describe_tree(tree: Any) -> str:
    """The call, or the literal, that makes a decoded expression."""
    if not isinstance(tree, list):
        return _literal(tree)
    if not tree or type(tree[0]) is not int:
        return f"exp.from_tree({tree!r})"
    try:
        return _call_of(ExpOp(tree[0]), tree[1:])
    except (ValueError, IndexError, TypeError, KeyError):
        return f"exp.operation_{tree[0]}({', '.join(map(describe_tree, tree[1:]))})"


def _literal(value: Any) -> str:
    if value is Special.INFINITY:
        return "exp.infinity()"
    if value is Special.WILDCARD:
        return "exp.wildcard()"
    text = repr(value)
    if len(text) > MAX_SHOWN:
        text = f"{text[: MAX_SHOWN // 2]}…{text[-MAX_SHOWN // 2 :]}"
    if isinstance(value, float) and text in ("inf", "-inf", "nan"):
        return f"float('{text}')"
    return text


def _args(parts: Sequence[Any]) -> str:
    return ", ".join(map(describe_tree, parts))


def _compared(parts: Sequence[Any]) -> str:
    """The arguments of what takes no constants only: a text among such ones is shown with exp.val."""
    if any(isinstance(part, list) and not _quoted(part) for part in parts):
        return _args(parts)
    return ", ".join(f"exp.val({part!r})" if type(part) is str else describe_tree(part) for part in parts)


def _call_of(op: ExpOp, parts: list[Any]) -> str:
    if op is ExpOp.QUOTE:
        return _literal(parts[0])
    if op is ExpOp.UNKNOWN:
        return "exp.unknown()"
    if op is ExpOp.RESULT_REMOVE:
        return "exp.remove_result()"
    if op is ExpOp.BIN:
        return f"exp.{BIN_FUNCTIONS[ExpType(parts[0])]}({str(parts[1])!r})"
    if op is ExpOp.BIN_TYPE:
        return f"exp.bin_type({str(parts[0])!r})"
    if op is ExpOp.NE and isinstance(parts[0], list) and parts[0][:1] == [ExpOp.BIN_TYPE] and parts[1] == 0:
        return f"exp.bin_exists({str(parts[0][1])!r})"
    if op is ExpOp.KEY:
        return f"exp.key(ExpType.{ExpType(parts[0]).name})"
    if op is ExpOp.LOOP_VARIABLE:
        kind = "" if parts[1] == len(_LOOP) - 1 else f"ExpType.{ExpType(parts[0]).name}"
        return f"exp.{_LOOP[parts[1]]}({kind})"
    if op is ExpOp.REGEX:
        flags = f", flags={show_member(parts[0], RegexFlags)}" if parts[0] else ""
        return f"exp.regex_compare({str(parts[1])!r}, {_compared(parts[2:])}{flags})"
    if op is ExpOp.VAR:
        return f"exp.var({str(parts[0])!r})"
    if op is ExpOp.LET:
        pairs = zip(parts[:-1:2], parts[1::2], strict=False)
        names = ", ".join(f"{str(name)!r}: {describe_tree(value)}" for name, value in pairs)
        return f"exp.let({{{names}}}, {describe_tree(parts[-1])})"
    if op is ExpOp.COND:
        return f"exp.cond({_args(parts)})"
    if op is ExpOp.CALL:
        return _system_call(parts)
    arguments = _compared(parts) if op in _COMPARISONS else _args(parts)
    return f"exp.{SIGNATURES[op].name}({arguments})"


# Calls ------------------------------------------------------------------------------------------------------

_SYSTEMS: dict[int, tuple[str, dict[int, str], Kinds]] = {
    1: ("exp.bitwise", BITS, BIT_KINDS),
    2: ("exp.hll", HLL, HLL_KINDS),
    3: ("exp.strings", STRINGS, STRING_KINDS),
}


def _system_call(parts: list[Any]) -> str:
    kind, system, operation, source = parts
    ctx = None
    if operation[0] == BY_PATH:
        return _path(system, operation, source)
    if operation[0] == WITH_CONTEXT:
        ctx = describe_ctx(operation[1])
        operation = operation[2]
    opcode, *arguments = operation
    if system & ~MODIFY:
        family, table, kinds = _SYSTEMS[system & ~MODIFY]
    elif opcode >= 64:
        family, table, kinds = "exp.maps", MAPS, MAP_KINDS
    else:
        family, table, kinds = "exp.lists", LISTS, LIST_KINDS
    signature = table[opcode]
    texts = [describe_tree(argument) for argument in arguments]
    if system & MODIFY and signature.split()[1:2] == ["return_type"]:
        # What removes gives the rest of the source; its return type only says whether it is inverted.
        signature = signature.replace("return_type", "removed", 1)
        kinds = {**kinds, "removed": MapReturnType}
    if opcode in _SINGLE and not system and arguments[0] in (MapReturnType.VALUE, MapReturnType.KEY):
        signature += " value_type"
        texts.append(f"ExpType.{ExpType(kind).name}")
        arguments = [*arguments, None]
    plain = [argument[1] if _quoted(argument) else argument for argument in arguments]
    return call(family, signature, kinds, describe_tree(source), texts, plain, ctx)


def _quoted(argument: Any) -> bool:
    return isinstance(argument, list) and argument[:1] == [ExpOp.QUOTE]


def _path(system: int, operation: list[Any], source: Any) -> str:
    flags = operation[2]
    parts = [describe_tree(source), describe_ctx(operation[1])]
    if system & MODIFY:
        parts.append(describe_tree(operation[3]))
    else:
        parts.append(show_member(flags & 0x0F, PathSelect))
    if flags & PATH_NO_FAIL:
        parts.append("no_fail=True")
    return f"exp.paths.{'modify' if system & MODIFY else 'select'}({', '.join(parts)})"
