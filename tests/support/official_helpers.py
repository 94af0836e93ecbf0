"""Plays the helper modules of the official client for the source text of a recorded call, with pyspike.

Which helpers and classes there are, and what they are called here, is told by the tables of `pyspike.compat`.
What becomes of a helper's parameter is told by its name, in `Family.call`; policies (dicts) are told apart by
the family. Nothing is sent, and the official client is not needed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from types import SimpleNamespace
from typing import Any

from pyspike import exp, operations
from pyspike._wire import Command, key_rank
from pyspike.cdt.enums import ListOrder, MapOrder, StringRegexFlags, StringWriteFlags
from pyspike.cdt.msgpack_tree import read_tree
from pyspike.compat.facts import constants, expressions
from pyspike.compat.facts.operations import FAMILIES
from pyspike.operations import context
from pyspike.values import GeoJSON, HyperLogLog, KeyOrderedDict, Special
from support.messages import parse
from support.official import OfficialClient
from support.vectors import Case

Helper = tuple[str, str, list[str]]
Policy = Callable[[Mapping[str, Any], str], dict[str, Any]]

# Positions of parameters by their names: whatever is not a keyword, a policy or the bin goes by its place.
KEYWORDS = {
    "ctx": "ctx",
    "return_type": "return_type",
    "value_type": "value_type",
    "inverted": "inverted",
    "pad": "pad",
    "persist_index": "persist_index",
    "resize_flags": "resize_flags",
    "flags": "resize_flags",
    "sign": "signed",
    "action": "action",
    "regex_flags": "regex_flags",
    "numeric_type": "numeric_type",
    "invert_size": "invert_size",
    "expression_read_flags": "flags",
    "expression_write_flags": "flags",
}
DROPPED = {"value_byte_size"}  # how many bytes of the value count: all


def sorted_dicts(value: Any) -> Any:
    """The official client sends the entries of a plain dict in the order of their keys."""
    if type(value) is dict:
        return {key: sorted_dicts(value[key]) for key in sorted(value, key=key_rank)}
    if type(value) is list:
        return [sorted_dicts(item) for item in value]
    return value


class Family:
    """A helper module.

    Args:
        functions: the helpers: name, pyspike's function, and the names of the parameters.
        find: gives pyspike's function by its name.
        policy: what a policy means for one of pyspike's functions.
    """

    def __init__(
        self, functions: Iterable[Helper], find: Callable[[str], Callable[..., Any]], policy: Policy
    ) -> None:
        self.policy = policy
        for name, target, names in functions:
            setattr(self, name, self._helper(target, find(target), names))

    def _helper(self, target: str, function: Callable[..., Any], names: list[str]) -> Callable[..., Any]:
        def helper(*values: Any, **named: Any) -> Any:
            given = dict(zip(names, values, strict=False)) | named
            return self.call(target, function, names, given)

        return helper

    def call(self, target: str, function: Callable[..., Any], names: list[str], given: dict[str, Any]) -> Any:
        """pyspike's function with what the official one was given."""
        first = given[names[0]] if names[0] == "bin_name" else given.get("bin")
        positions: list[Any] = []
        keywords: dict[str, Any] = {}
        for name in names:
            if name in ("bin_name", "bin") or name in DROPPED or name not in given:
                continue
            value = sorted_dicts(given[name])
            if name.endswith("policy"):
                keywords |= self.policy(value or {}, target) if value is not None else {}
            elif name in KEYWORDS:
                keywords[KEYWORDS[name]] = value
            else:
                positions.append(value)
        return function(first, *positions, **keywords)


def list_policy(policy: Mapping[str, Any], target: str) -> dict[str, Any]:
    if not policy:
        return {}
    flags = {"write_flags": policy.get("write_flags", 0)}
    return (
        flags
        if target in ("insert", "insert_items", "set")
        else flags | {"order": policy.get("list_order", 0)}
    )


def map_policy(policy: Mapping[str, Any], target: str) -> dict[str, Any]:
    made = {"order": policy.get("map_order", 0), "persist_index": policy.get("persist_index", False)}
    if target in ("put", "put_items"):
        made["write_flags"] = policy.get("map_write_flags", 0)
    return made


def bit_policy(policy: Mapping[str, Any], target: str) -> dict[str, Any]:
    return {"write_flags": policy.get("bit_write_flags", 0)}


def hll_policy(policy: Mapping[str, Any], target: str) -> dict[str, Any]:
    return {"write_flags": policy.get("flags", 0)}


def string_policy(policy: Any, target: str) -> dict[str, Any]:
    return {"write_flags": policy} if policy else {}


# Operations -------------------------------------------------------------------------------------------------


def _in(module: Any) -> Callable[[str], Callable[..., Any]]:
    return lambda name: getattr(module, name)


def helpers(module: str) -> list[Helper]:
    """The helpers of an official module of operations."""
    return [
        (helper.name, helper.function, ["bin_name", *(each.name for each in helper.parameters)])
        for helper in FAMILIES[module].helpers
    ]


LO = Family(helpers("list_operations"), _in(operations.lists), list_policy)
MO = Family(helpers("map_operations"), _in(operations.maps), map_policy)
BO = Family(helpers("bitwise_operations"), _in(operations.bitwise), bit_policy)
HO = Family(helpers("hll_operations"), _in(operations.hll), hll_policy)
EO = Family(helpers("expression_operations"), _in(operations.exp), lambda policy, target: {})
SO = Family(helpers("string_operations"), _in(operations.strings), string_policy)


def select_by_path(bin_name: str, ctx: Any, flags: int) -> Any:
    return operations.paths.select(bin_name, ctx, flags & 0x0F, no_fail=bool(flags & 0x10))


def modify_by_path(bin_name: str, ctx: Any, expression: Any, flags: int) -> Any:
    return operations.paths.modify(bin_name, ctx, expression, no_fail=bool(flags & 0x10))


OP = SimpleNamespace(
    read=operations.get,
    write=operations.put,
    delete=operations.delete,
    append=operations.append,
    prepend=operations.prepend,
    increment=operations.add,
    select_by_path=select_by_path,
    modify_by_path=modify_by_path,
)
CX = SimpleNamespace(
    cdt_ctx_list_index=context.list_index,
    cdt_ctx_list_rank=context.list_rank,
    cdt_ctx_list_value=context.list_value,
    cdt_ctx_list_index_create=lambda index, order=0, pad=False: context.list_index_create(
        index, order=ListOrder(order), pad=pad
    ),
    cdt_ctx_map_index=context.map_index,
    cdt_ctx_map_rank=context.map_rank,
    cdt_ctx_map_key=context.map_key,
    cdt_ctx_map_value=lambda value: context.map_value(sorted_dicts(value)),
    cdt_ctx_map_key_create=lambda key, order=0: context.map_key_create(key, order=MapOrder(order)),
    cdt_ctx_all_children=context.all_children,
    cdt_ctx_all_children_with_filter=context.all_children_with_filter,
    cdt_ctx_and_filter=context.and_filter,
    cdt_ctx_map_keys_in=context.map_keys_in,
)
SH = SimpleNamespace(
    StringPolicy=lambda flags=StringWriteFlags.DEFAULT: flags,
    WriteFlags=StringWriteFlags,
    RegexFlags=StringRegexFlags,
    NumericType=operations.strings.NumericType,
)

# Expressions ------------------------------------------------------------------------------------------------


def classes(table: str) -> list[Helper]:
    """The classes of a table that are made of a bin, other values and a policy."""
    return [
        (row.name, row.function, list(row.names)) for row in expressions.rows(table) if "." in row.function
    ]


def plain_classes() -> list[tuple[str, str]]:
    """The other ones, whose arguments are those of pyspike's function."""
    tables = (expressions.BASE, expressions.NUMBERS, expressions.INT_BITS, *(table for table, _ in TABLES))
    rows = (row for table in tables for row in expressions.rows(table))
    return [(row.name, row.function) for row in rows if "." not in row.function]


def _exp(target: str) -> Callable[..., Any]:
    family, name = target.split(".")
    return getattr(getattr(exp, family), name)  # type: ignore[no-any-return]


def _tail(policy: Policy) -> Policy:
    return lambda values, target: policy(values, target.split(".")[1])


def _exp_map_policy(policy: Mapping[str, Any], target: str) -> dict[str, Any]:
    return map_policy(policy, target) if policy else {}


# The tables of the classes with policies, and what a policy means in each.
TABLES = (
    (expressions.LISTS, list_policy),
    (expressions.MAPS, _exp_map_policy),
    (expressions.BITS, bit_policy),
    (expressions.HLLS, hll_policy),
    (expressions.STRINGS, string_policy),
)


class NotExpressible(Exception):  # noqa: N818 - says that, not that something is wrong
    """pyspike has no way to make the mistake that the call makes; `args[0]` says which."""


def _of_type(made: exp.Expression, kind: int) -> exp.Expression:
    """What pyspike found the type of by itself, if the call says the same."""
    if made.type != kind:
        raise NotExpressible(f"a result of type {kind}")
    return made


class Expressions:
    """`aerospike_helpers.expressions`."""

    def __init__(self) -> None:
        for table, policy in TABLES:
            vars(self).update(vars(Family(classes(table), _exp, _tail(policy))))
        for name, ours in plain_classes():
            if not hasattr(type(self), name):
                setattr(self, name, getattr(exp, ours))
        self.ResultType = SimpleNamespace(
            NIL=0, BOOLEAN=1, INTEGER=2, STRING=3, LIST=4, MAP=5, BLOB=6, FLOAT=7, GEOJSON=8, HLL=9
        )
        for kind, name in enumerate(
            ("Nil", "Bool", "Int", "Str", "List", "Map", "Blob", "Float", "GeoJson", "HLL")
        ):
            setattr(self, f"LoopVar{name}", self._loop(kind))

    @staticmethod
    def _loop(kind: int) -> Callable[[int], exp.Expression]:
        def loop_variable(part: int) -> exp.Expression:
            if part == 2:
                if kind != exp.ExpType.INT:
                    raise NotExpressible("a place that is no int")
                return exp.loop_index()
            return (exp.loop_key, exp.loop_value)[part](exp.ExpType(kind))

        return loop_variable

    def Val(self, value: Any) -> exp.Expression:  # noqa: N802
        return exp.val(sorted_dicts(value))

    def KeyInt(self) -> exp.Expression:  # noqa: N802
        return exp.key(int)

    def KeyStr(self) -> exp.Expression:  # noqa: N802
        return exp.key(str)

    def KeyBlob(self) -> exp.Expression:  # noqa: N802
        return exp.key(bytes)

    def CmpRegex(self, flags: int, pattern: str, value: Any) -> exp.Expression:  # noqa: N802
        value = exp.val(value) if isinstance(value, str) else value
        return exp.regex_compare(pattern, value, flags=exp.RegexFlags(flags))

    def And(self, *conditions: Any) -> exp.Expression:  # noqa: N802
        if len(conditions) == 1:
            raise NotExpressible("an and of one condition, for which pyspike has the condition itself")
        return exp.and_(*conditions)

    def SelectByPath(self, ctx: Any, value_type: int, flags: int, bin: Any) -> exp.Expression:  # noqa: A002, N802
        made = exp.paths.select(bin, ctx, flags & 0x0F, no_fail=bool(flags & 0x10))
        return _of_type(made, value_type)

    def ModifyByPath(  # noqa: N802
        self,
        ctx: Any,
        value_type: int,
        expression: Any,
        flags: int,
        bin: Any,  # noqa: A002
    ) -> exp.Expression:
        made = exp.paths.modify(bin, ctx, expression, no_fail=bool(flags & 0x10))
        return _of_type(made, value_type)


AEROSPIKE = SimpleNamespace(**constants.CONSTANTS | {"POLICY_KEY_SEND": "POLICY_KEY_SEND"})
EXPRESSIONS = Expressions()


# Calls ------------------------------------------------------------------------------------------------------


class Client(OfficialClient):
    """The client, whose policies may hold an expression."""

    def select(self, key: Any, bins: Any, policy: Any = None) -> Command:
        self.filter = (policy or {}).get("expressions")
        return super().select(key, bins, policy)


def sketches(recorded: Case) -> list[HyperLogLog]:
    """The HyperLogLogs in a recorded request: what the names that a case's setup read from bins stand for."""
    found: list[HyperLogLog] = []

    def walk(tree: Any) -> None:
        if isinstance(tree, list):
            for item in tree:
                walk(item)
        elif isinstance(tree, HyperLogLog) or (isinstance(tree, bytes) and len(tree) > 40 and tree[0] == 0):
            found.append(HyperLogLog(tree))

    for op in parse(recorded.requests[0]).ops if recorded.requests else ():
        if op.code not in (1, 2):
            walk(read_tree(op.value))
    return found


def names(recorded: Case | None = None) -> dict[str, Any]:
    """What the source text of a call may use."""
    made: dict[str, Any] = {
        "client": Client(None),
        "aerospike": AEROSPIKE,
        "e": EXPRESSIONS,
        "op": OP,
        "lo": LO,
        "mo": MO,
        "bo": BO,
        "ho": HO,
        "eo": EO,
        "so": SO,
        "cx": CX,
        "sh": SH,
        "GeoJSON": lambda shape: GeoJSON(json.dumps(shape)),  # with spaces, as the official class has it
        "KeyOrderedDict": KeyOrderedDict,
        "HyperLogLog": HyperLogLog,
        "CDTWildcard": lambda: Special.WILDCARD,
        "CDTInfinite": lambda: Special.INFINITY,
    }
    if recorded is not None:
        for name in ("h", "g", "h2"):
            if any(re.search(rf"\b{name} = client.get", source) for source in recorded.setup):
                made[name] = next(iter(sketches(recorded)), HyperLogLog(b""))
    return made


def evaluate(source: str, recorded: Case | None = None, **more: Any) -> Any:
    """What pyspike makes of source text for the official client; raises what pyspike raises.

    Args:
        source: the text.
        recorded: the case that it is of.
        more: further names that it may use, or that stand for others.
    """
    return eval(compile(source.replace(".compile()", ""), "recorded", "eval"), names(recorded) | more)
