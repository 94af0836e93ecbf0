"""Makes the operation helpers out of the tables in `facts.operations`.

A helper is a function of its own code, as a dataclass's `__init__` is: it is called once for each operation
of each command, so it must not look anything up.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pyspike.compat.facts.operations import FAMILIES, REQUIRED, Family, Helper, Parameter

__all__ = ["helpers"]

ONLY_GIVEN = frozenset(
    ("ctx", "list_policy", "map_policy", "hll_policy", "count", "value_begin", "value_end")
)
ENDS = frozenset(("value_begin", "value_end"))
MINUS_ONE = frozenset(("index_bit_count", "mh_bit_count"))


def helpers(name: str, module: str) -> dict[str, Callable[..., dict[str, Any]]]:
    """The helpers of a family, by their names.

    Args:
        name: that of the family.
        module: that of the module that they are to be in.
    """
    family = FAMILIES[name]
    made: dict[str, Any] = {}
    source = "\n".join(_source(helper, family) for helper in family.helpers)
    exec(compile(source, f"<{module}>", "exec"), made)
    functions = {helper.name: made[helper.name] for helper in family.helpers}
    for helper in family.helpers:
        function = functions[helper.name]
        function.__module__ = module
        function.__doc__ = f"The operation `{helper.name}`, as the dictionary that the client takes."
    return functions


def _source(helper: Helper, family: Family) -> str:
    always, later = [f"'op': {helper.op}", "'bin': bin_name"], []
    for parameter in helper.parameters:
        name, key = parameter.name, parameter.key
        if (
            key in ONLY_GIVEN
            and not family.keeps_none
            and (parameter.default is None or parameter.key in ENDS)
        ):
            condition = name if key in ("ctx", "list_policy", "hll_policy") else f"{name} is not None"
            later.append(f"    if {condition}: op[{key!r}] = {name}")
        elif key in MINUS_ONE and parameter.default is None:
            always.append(f"{key!r}: -1 if {name} is None else {name}")
        else:
            always.append(f"{key!r}: {name}")
    head = f"def {helper.name}({', '.join(['bin_name', *map(_declared, helper.parameters)])}):"
    made = f"{{{', '.join(always)}}}"
    if not later:
        return f"{head}\n    return {made}"
    return "\n".join([head, f"    op = {made}", *later, "    return op"])


def _declared(parameter: Parameter) -> str:
    return parameter.name if parameter.default is REQUIRED else f"{parameter.name}={parameter.default!r}"
