"""Operations: the dictionaries that the official helpers give, and what pyspike makes of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from pyspike import Operation, errors, operations
from pyspike._wire import AT_OP_CODE, OP_APPEND, OP_INCR, OP_PREPEND
from pyspike.compat.facts.constants import CONSTANTS, number
from pyspike.compat.facts.operations import FAMILIES, REQUIRED, Helper
from pyspike.compat.model.exceptions import AerospikeError, param_error, raised
from pyspike.compat.model.values import null
from pyspike.compat.translate.contexts import contexts_of
from pyspike.compat.translate.names import bin_name_of, check_length, is_too_long
from pyspike.compat.translate.policies import checked_keys, expiration_of
from pyspike.compat.translate.values import sendable

__all__ = ["OPTIONS", "Translated", "translated"]

# The keys that are keywords of pyspike's functions; all others go by their place.
KEYWORDS = {
    "return_type": "return_type",
    "inverted": "inverted",
    "pad": "pad",
    "persist_index": "persist_index",
    "resize_flags": "resize_flags",
    "sign": "signed",
    "action": "action",
    "regex_flags": "regex_flags",
    "numeric_type": "numeric_type",
    "invert_size": "invert_size",
    "expr_flags": "flags",
}
BOOLS = frozenset(("inverted", "pad", "persist_index", "sign", "invert_size"))
STRICT_BOOLS = frozenset(("pad", "persist_index"))
UNUSED = frozenset(("value_byte_size",))  # how many bytes of the value count: all

TOUCH, DELETE = number("OPERATOR_TOUCH"), number("OPERATOR_DELETE")
SELECT, MODIFY = number("_AS_OPERATOR_CDT_READ"), number("_AS_OPERATOR_CDT_MODIFY")
FLAGS, NEW_VALUE = str(CONSTANTS["_CDT_FLAGS_KEY"]), str(CONSTANTS["_CDT_APPLY_MOD_EXP_KEY"])
NO_FAIL = number("EXP_PATH_SELECT_NO_FAIL")
APPENDS = frozenset((number("OPERATOR_APPEND"), number("OPERATOR_PREPEND")))
CHANGES = APPENDS | {number("OPERATOR_INCR")}
WIRE_CODES = {
    number("OPERATOR_APPEND"): OP_APPEND,
    number("OPERATOR_PREPEND"): OP_PREPEND,
    number("OPERATOR_INCR"): OP_INCR,
}

# What is wrong with the numbers of these, the official client leaves to the server, which calls it an
# invalid request.
LEFT_TO_SERVERS = frozenset(
    helper.op for name in ("bitwise_operations", "hll_operations") for helper in FAMILIES[name].helpers
)
TOO_MUCH = 2**63  # for an int that is sent
# With one of these among them the server answers each operation of a command, also those that only write.
RESPONDING = ("map_operations", "bitwise_operations", "hll_operations", "expression_operations",
              "string_operations")  # fmt: skip
RESPOND_ALL = frozenset(helper.op for name in RESPONDING for helper in FAMILIES[name].helpers)


class Row(NamedTuple):
    """How the dictionaries of a helper become operations.

    Args:
        function: pyspike's.
        places: the keys of its positional arguments behind the bin, each with its default.
        keywords: the keys of its keywords, each with the keyword.
        policy: the key of the policy; empty if there is none.
        options: makes keywords of a policy.
    """

    function: Callable[..., Operation]
    places: tuple[tuple[str, Any], ...]
    keywords: tuple[tuple[str, str], ...]
    policy: str
    options: Callable[[Any, str, bool], dict[str, Any]]
    name: str


class Translated(NamedTuple):
    """Operations as pyspike takes them, and what the dictionaries say besides.

    Args:
        operations: the operations.
        steps: the dictionaries that they are of.
        respond_all: whether the server answers each of them, also those that only write.
        ttl: what a touch says of the record's time to live; None if there is none.
    """

    operations: list[Operation]
    steps: list[dict[str, Any]]
    respond_all: bool
    ttl: Any


# Policies of operations -------------------------------------------------------------------------------------

KNOWN = {
    "lists": frozenset(("list_order", "write_flags")),
    "maps": frozenset(("map_order", "map_write_flags", "persist_index")),
    "bitwise": frozenset(("bit_write_flags",)),
    "hll": frozenset(("flags",)),
}
WITHOUT_ORDER = frozenset(("insert", "insert_items", "set"))
WITH_MAP_FLAGS = frozenset(("put", "put_items"))


def _checked(policy: Any, module: str, validate: bool) -> dict[str, Any]:
    if not isinstance(policy, dict):
        raise param_error("policy must be a dict")
    checked_keys(policy, KNOWN[module], "policy", validate)
    for key, value in policy.items():
        if not isinstance(value, int):
            raise param_error(f"{key} is invalid")
    return policy


def list_options(policy: Any, function: str, validate: bool) -> dict[str, Any]:
    """What a list policy means for one of pyspike's functions."""
    policy = _checked(policy, "lists", validate)
    flags = {"write_flags": policy.get("write_flags", 0)}
    return flags if function in WITHOUT_ORDER else flags | {"order": policy.get("list_order", 0)}


def map_options(policy: Any, function: str, validate: bool) -> dict[str, Any]:
    """What a map policy means for one of pyspike's functions."""
    policy = _checked(policy, "maps", validate)
    made = {"order": policy.get("map_order", 0), "persist_index": bool(policy.get("persist_index", False))}
    if function in WITH_MAP_FLAGS:
        made["write_flags"] = policy.get("map_write_flags", 0)
    return made


def bit_options(policy: Any, function: str, validate: bool) -> dict[str, Any]:
    """What a policy for bits means."""
    return {"write_flags": _checked(policy, "bitwise", validate).get("bit_write_flags", 0)}


def hll_options(policy: Any, function: str, validate: bool) -> dict[str, Any]:
    """What a policy for HyperLogLogs means."""
    return {"write_flags": _checked(policy, "hll", validate).get("flags", 0)}


def string_options(policy: Any, function: str, validate: bool) -> dict[str, Any]:
    """What a `StringPolicy` means."""
    return {"write_flags": int(getattr(policy, "write_flags", 0))}


OPTIONS = {
    "lists": list_options,
    "maps": map_options,
    "bitwise": bit_options,
    "hll": hll_options,
    "strings": string_options,
}


# The table --------------------------------------------------------------------------------------------------


def _row(helper: Helper, module: str, policy: str) -> Row:
    places = []
    keywords = []
    for parameter in helper.parameters:
        key = parameter.key
        if key == "ctx" or key == policy or key in UNUSED:
            continue
        if key in KEYWORDS:
            keywords.append((key, KEYWORDS[key]))
        else:
            places.append((key, parameter.default))
    function = getattr(getattr(operations, module) if module else operations, helper.function)
    options = OPTIONS.get(module, string_options)
    return Row(function, tuple(places), tuple(keywords), policy, options, helper.function)


ROWS = {
    helper.op: _row(helper, family.module, family.policy)
    for family in FAMILIES.values()
    for helper in family.helpers
}
LISTED = frozenset(("val", "value_list"))
LISTING = ("_list", "append_items", "insert_items")
BIT_COUNTS = frozenset(("index_bit_count", "mh_bit_count"))  # -1 if they are not given
# Left out, these are the ends of a range: below and above all values.
ENDS = frozenset(("value_begin", "value_end"))


def translated(
    given: Any, validate: bool, *, strict: bool = True, prepare: Callable[[Any], Any] | None = None
) -> Translated:
    """The operations that a list of dictionaries stands for.

    Args:
        given: the list.
        validate: whether keys of policies that are not known are an error in any case.
        strict: whether operations that can't be done are refused here; if not, those that no server could
            be sent are left out, and others are the server's to refuse.
        prepare: what is done with values before they are sent; None if nothing.

    Raises:
        ParamError: it is none, or something in it can't be used.
    """
    if not isinstance(given, list):
        raise param_error("Operations should be of type list")
    steps, made = [], []
    respond_all = False
    ttl = None
    for op in given:
        if not isinstance(op, dict) or not (strict or _is_sendable(op)):
            continue
        steps.append(op)
        if prepare is not None:
            op = _prepared(op, prepare)
        code = op.get("op")
        quick = QUICK.get(code) if strict else None
        operation = None if quick is None else quick(op)
        made.append(operation_of(op, validate, strict) if operation is None else operation)
        if code in RESPOND_ALL:
            respond_all = True
        elif code == TOUCH and op.get("val") is not None:
            ttl = expiration_of(op["val"])
    return Translated(made, steps, respond_all, ttl)


def _prepared(op: dict[str, Any], prepare: Callable[[Any], Any]) -> dict[str, Any]:
    """A dictionary whose values are prepared."""
    return op | {key: prepare(op[key]) for key in ("val", "value") if key in op}


def _is_sendable(op: dict[str, Any]) -> bool:
    known = op.get("op") in ROWS or op.get("op") in (TOUCH, DELETE, SELECT, MODIFY)
    return known and not is_too_long(str(op.get("bin", "")))


def operation_of(op: dict[str, Any], validate: bool, strict: bool = True) -> Operation:
    """The operation that a dictionary stands for.

    Raises:
        ParamError: something in it can't be used.
    """
    code = op.get("op")
    if code == TOUCH:
        return operations.touch()
    if code == DELETE:
        return operations.delete()
    if not isinstance(code, int):
        raise param_error("Operation is not given")
    name = bin_name_of(op.get("bin"))
    try:
        if code in (SELECT, MODIFY):
            return _by_path(code, name, op)
        row = ROWS.get(code)
        if row is None:
            raise param_error("Invalid operation given")
        if code in CHANGES:
            return _change(row, code, name, op.get("val"), strict)
        return _made(row, name, op, validate)
    except errors.InvalidArgument as error:
        raise _refused(name, op, error) from error


def _change(row: Row, code: int, name: str, value: Any, strict: bool) -> Operation:
    """The operation that appends, prepends or adds."""
    if isinstance(value, null):
        raise raised("InvalidRequest", "there is nothing to change the bin by")
    if not strict:
        return _as_other(operations.put(name, sendable(value)), WIRE_CODES[code])
    if code in APPENDS and not isinstance(value, str | bytes | bytearray):
        raise param_error("Cannot concatenate 'str' and 'non-str' objects")
    return row.function(name, value)


def _as_other(write: Operation, code: int) -> Operation:
    """A write as another operation with the same value, which may be none that such an operation has."""
    reduced: Any = write.__reduce__()
    restore, (name, _, wire, flags) = reduced
    changed = bytearray(wire)
    changed[AT_OP_CODE] = code
    made: Operation = restore(name, code, bytes(changed), flags)
    return made


def _made(row: Row, name: str, op: dict[str, Any], validate: bool) -> Operation:
    places = []
    for key, default in row.places:
        value = op.get(key, default)
        if value is REQUIRED:
            if key not in ENDS:
                raise param_error(f"{key} is required")
            value = None
        if key in LISTED and row.name.endswith(LISTING) and not isinstance(value, list):
            raise param_error(f"{key} must be a list")
        if key in BIT_COUNTS and value == -1:
            value = None
        places.append(value if key == "expr" else sendable(value))
    keywords = {ours: bool(op[key]) if key in BOOLS else op[key] for key, ours in row.keywords if key in op}
    for key in STRICT_BOOLS & op.keys():
        if not isinstance(op[key], bool):
            raise param_error(f"{key} must be a boolean")
    ctx = op.get("ctx")
    if ctx:
        keywords["ctx"] = contexts_of(ctx)
    if row.policy and op.get(row.policy) is not None:
        keywords |= row.options(op[row.policy], row.name, validate)
    return row.function(name, *places, **keywords)


def _by_path(code: int, name: str, op: dict[str, Any]) -> Operation:
    flags = op.get(FLAGS, 0)
    if not isinstance(flags, int):
        raise param_error("flags must be an integer")
    ctx = contexts_of(op.get("ctx"))
    if code == SELECT:
        return operations.paths.select(name, ctx, flags & ~NO_FAIL, no_fail=bool(flags & NO_FAIL))  # type: ignore[arg-type]
    return operations.paths.modify(name, ctx, op[NEW_VALUE], no_fail=bool(flags & NO_FAIL))


def _refused(name: str, op: dict[str, Any], error: errors.InvalidArgument) -> AerospikeError:
    check_length(name)
    could_be_sent = all(abs(value) < TOO_MUCH for value in op.values() if isinstance(value, int))
    if op["op"] in LEFT_TO_SERVERS and could_be_sent and not isinstance(error, errors.InvalidType):
        return raised("InvalidRequest", error.message)
    return param_error(error.message)


# What is asked for most, made quickly -----------------------------------------------------------------------

Quick = Callable[[dict[str, Any]], "Operation | None"]

RETURN_TYPES: dict[str, dict[int, Any]] = {
    "lists": {member.value: member for member in operations.lists.ListReturnType},
    "maps": {member.value: member for member in operations.maps.MapReturnType},
}


def _quick(helper: Helper, module: str, policy: str) -> Quick:
    """A function that makes a helper's operation of a plain dictionary, and None of any other.

    One is a dictionary without context and policy whose arguments are as they should be. It is called for
    each operation of each command, so it is of code of its own, with nothing to look up.
    """
    checks, places, keywords = [], [], []
    for number_, parameter in enumerate(helper.parameters):
        key = parameter.key
        given = f"op[{key!r}]"
        if parameter.default is not REQUIRED:
            given = f"op.get({key!r}, {parameter.default!r})"
        if key in ("ctx", policy):
            checks.append(f"if op.get({key!r}) is not None: return None")
        elif key == "return_type":
            keywords.append(f"return_type=returns[{given}]")
        elif key == "inverted":
            keywords.append(f"inverted=True if {given} else False")
        elif key not in UNUSED:
            checks.append(f"v{number_} = {given}")
            checks.append(f"if type(v{number_}) not in plain: return None")
            places.append(f"v{number_}")
    made = ", ".join(["op['bin']", *places, *keywords])
    body = "\n        ".join([*checks, f"return function({made})"])
    body = f"{body}\n    except (KeyError, TypeError, ValueError):\n        return None"
    source = f"def quick(op):\n    try:\n        {body}"
    names: dict[str, Any] = {
        "function": ROWS[helper.op].function,
        "returns": RETURN_TYPES.get(module, {}),
        "plain": frozenset((int, str, float, bytes, type(None))),
    }
    exec(compile(source, f"<{helper.name}>", "exec"), names)
    quick: Quick = names["quick"]
    return quick


def _is_quick(helper: Helper, module: str) -> bool:
    """Whether its arguments are plain ones, whose keywords are few."""
    keys = {parameter.key for parameter in helper.parameters}
    return module in ("", "lists", "maps") and not keys & (KEYWORDS.keys() - {"return_type", "inverted"})


QUICK = {
    helper.op: _quick(helper, family.module, family.policy)
    for family in FAMILIES.values()
    for helper in family.helpers
    if _is_quick(helper, family.module)
}
