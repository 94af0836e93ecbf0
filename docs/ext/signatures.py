"""Shows signatures as they are meant.

Policies have their fields and defaults; the methods that `AsyncClient` shares with `Client` are something to
be awaited; methods with overloads give what any of them gives; constants stand for their values, and names
under which a module has imported something for what it is called. What users do not make has no arguments.
"""

from __future__ import annotations

import dataclasses
import enum
import re
import sys
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import inspect
from sphinx.util.nodes import make_refnode

from overloads import returns
from pyspike.policy.base import Policy

NAME = re.compile(r"(?<![\w.'\"])[A-Z]\w*(?:\.[A-Z]\w*)?")
TEXTS = {  # of what has no name, or none that says what it is
    "ALL_PARTITIONS": "PartitionFilter.all()",
    "MillisecondsOrNone": "Milliseconds | None",
    "RAISE": "...",
}
# Aliases that autodoc puts the whole text in the place of, and what only the package knows.
ALIASES = (
    (re.compile(r"[~\w.]*Mapping\[str, object\] \| [^\[\]]*?NamedTupleObject"), "Bins"),
    (re.compile(r"[~\w.]*\bTending\b"), "Client | AsyncClient"),
    (re.compile(r"[~\w.]*\bKey \| tuple\[str, str \| None, int \| str \| bytes\]"), "KeyLike"),
)
OPTIONAL = re.compile(r"(: type\[[^\[\]]+\]) = None")
# What clients and the embedded cluster give, by the names of its modules' parts.
NOT_MADE_BY_USERS = re.compile(
    r"pyspike\.(?:(?:Async)?(?:Task|IndexTask|ExecuteTask)|operations\.context\.Context"
    r"|server\.Embedded(?:Clock|Node|Security))"
)


def on_signature(
    _app: Sphinx,
    what: str,
    name: str,
    thing: object,
    _options: Any,
    signature: str | None,
    gives: str | None,
) -> tuple[str, str | None] | None:
    if what == "class" and isinstance(thing, type) and issubclass(thing, Policy):
        return signature_of_policy(thing), None
    if what == "class" and NOT_MADE_BY_USERS.fullmatch(name):
        return "", None
    if name.startswith("pyspike.testing."):  # fixtures, which pytest calls
        return "", gives
    made = getattr(thing, "__init__", None)
    if (
        what == "class"
        and "__init__" in vars(thing)
        and (signature or "").startswith("(*args: Any, **kwargs")
    ):
        # What a framework is mocked by takes anything.
        return inspect.stringify_signature(
            inspect.signature(made, bound_method=True), unqualified_typehints=True
        ), None
    if signature is None:
        return None
    if what == "method":
        signature = OPTIONAL.sub(r"\1 | None = None", signature)
        gives = returns(thing) or gives
        # Of a compiled method on records, which both clients have: for tasks it gives an awaitable.
        shared = getattr(thing, "__qualname__", "").startswith(("Commands.", "BatchCommands."))
        if shared and name.startswith("pyspike.AsyncClient.") and gives:
            gives = f"Awaitable[{gives}]"
    for alias, text in ALIASES:
        signature = alias.sub(text, signature)
    return named_in(thing, signature), named_in(thing, gives) if gives else gives


def signature_of_policy(policy: type[Policy]) -> str:
    """Its fields with their defaults, which its `__init__` takes as any keywords and checks by itself."""
    texts = [
        f"{each.name}: {TEXTS.get(str(each.type), each.type)} = {shown(each.default)}"
        for each in dataclasses.fields(policy)
        if each.init
    ]
    return f"(*, {', '.join(texts)})"


def shown(default: object) -> str:
    return str(default) if isinstance(default, enum.Enum) else repr(default)


def named_in(thing: object, signature: str) -> str:
    """A signature with values for the constants of its module, and with the names that others know."""
    module = sys.modules.get(getattr(thing, "__module__", None) or "pyspike._wire")
    known = vars(module) if module is not None else {}

    def replaced(match: re.Match[str]) -> str:
        name, _, member = match[0].partition(".")
        if match[0] in TEXTS:
            return TEXTS[match[0]]
        value = known.get(name)
        if member and isinstance(value, type) and issubclass(value, enum.Enum):
            return f"{value.__name__}.{member}"
        if isinstance(value, type):
            return f"{value.__name__}{match[0][len(name) :]}"
        if isinstance(value, (enum.Enum, int, float, str)) and name.isupper():
            return shown(value)
        return match[0]

    return NAME.sub(replaced, signature)


def on_missing(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, child: nodes.TextElement
) -> nodes.reference | None:
    """Link a name of pyspike's that is called so in one place only, whichever module mentions it."""
    if node.get("refdomain") != "py":
        return None
    name = str(node.get("reftarget", "")).rpartition(".")[2]
    if not name or not name[0].isupper():
        return None
    python = env.domains.python_domain
    found = {
        each.docname: (whole, each)
        for whole, each in python.objects.items()
        if whole.rpartition(".")[2] == name
        and each.objtype in ("class", "data", "exception", "attribute")
        and whole.count(".") <= 3
        and not each.aliased
    }
    if len(found) != 1:
        return None
    ((page, (_, each)),) = found.items()
    return make_refnode(app.builder, str(node["refdoc"]), page, each.node_id, child, name)


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("autodoc-process-signature", on_signature)
    app.connect("missing-reference", on_missing)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
