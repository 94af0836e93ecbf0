"""Makes of the docstrings what Sphinx reads.

- Examples that are only indented become blocks of code.
- Paragraphs such as "`NAME`: text" with hanging lines become a list.
- "Raises (when run):" becomes a section "Raises" whose entries say so.
- A plural as in "`Key`s" is a name with a letter behind it.
- A method with overloads tells what it gives with which arguments.

Aliases of types have the text that stands below them, wherever they are imported from; the types themselves
know nothing of it.
"""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.pycode import ModuleAnalyzer

from overloads import given_with

SECTION = re.compile(r"^(Args|Raises|Raises \(when run\)|Returns|Yields|Attributes|Fields|Note):\s*$")
LIST = re.compile(r"^([-*]|\d+\.) ")
NAMED = re.compile(r"^`[^`]+`(, `[^`]+`)*: ")
ENTRY = re.compile(r"^    (\S[^:]*): ")
PLURAL = re.compile(r"(`[^`\s][^`]*`)(?=[A-Za-z])")
WHEN_RUN = "Raises (when run):"
NEEDS = {  # what all methods of a class need
    "UserAdministration": "Needs servers of the Enterprise Edition.",
    "Transactions": "Needs the Enterprise Edition, 8.0 or later, and a namespace with strong consistency.",
}


ALIASES = {
    name: text
    for module in (
        *("pyspike._types", "pyspike.hosts", "pyspike.udf", "pyspike.cdt.checks", "pyspike.cdt.context"),
        *("pyspike.cdt.types", "pyspike.exp.expression"),
    )
    for (owner, name), text in ModuleAnalyzer.for_module(module).find_attr_docs().items()
    if not owner
}


def rewritten(lines: list[str]) -> list[str]:
    """The lines of a docstring as reStructuredText for napoleon."""
    found: list[str] = []
    section = ""
    in_block = in_named = False
    for number, line in enumerate(lines):
        if line and not line.startswith(" "):
            section = line if SECTION.match(line) else ""
            in_block = False
            in_named = not section and bool(NAMED.match(line))
            if in_named:
                line = f"- {line}"
            elif section == WHEN_RUN:
                line = "Raises:"
        elif line and in_named:
            line = f"  {line.strip()}"
        elif section == WHEN_RUN:
            line = ENTRY.sub(r"    \1: (when run) ", line)
        elif line and not section and not in_block and number and not lines[number - 1].strip():
            above = next((each for each in reversed(lines[:number]) if each.strip()), "")
            in_block = True
            if above and not above.endswith("::") and not LIST.match(above):
                found += [".. code-block:: python", ""]
        found.append(line if in_block else PLURAL.sub(r"\1\\ ", line))
    return found


def on_docstring(_app: Sphinx, what: str, name: str, thing: object, _options: Any, lines: list[str]) -> None:
    if what == "data" and (text := ALIASES.get(name.rpartition(".")[2])):
        lines[:] = text
    if what == "method" and (given := given_with(thing)):
        at = next((number for number, line in enumerate(lines) if SECTION.match(line)), len(lines))
        lines[at:at] = [given, ""]
    lines[:] = rewritten(lines)
    owner = getattr(thing, "__qualname__", "").partition(".")[0].removeprefix("Async")
    if what == "method" and owner in NEEDS:
        lines[1:1] = ["", NEEDS[owner]]


class Properties:
    """Keeps napoleon from taking what stands before the first colon of a property's text for its type."""

    def __init__(self) -> None:
        self._kept: list[str] = []

    def before(
        self, _app: Sphinx, _what: str, _name: str, _obj: object, _options: Any, lines: list[str]
    ) -> None:
        self._kept = list(lines)

    def after(
        self, _app: Sphinx, what: str, _name: str, _obj: object, _options: Any, lines: list[str]
    ) -> None:
        if what in ("attribute", "data", "property") and not any(map(SECTION.match, self._kept)):
            lines[:] = self._kept


def on_doctree(_app: Sphinx, tree: nodes.document) -> None:
    """Have a colon between an argument's name and its text, in the place of two dashes."""
    for text in tree.findall(nodes.Text):
        if text == " -- " and text.parent is not None:
            text.parent.replace(text, nodes.Text(": "))


def setup(app: Sphinx) -> dict[str, bool]:
    properties = Properties()
    app.connect("autodoc-process-docstring", on_docstring, priority=100)
    app.connect("autodoc-process-docstring", properties.before, priority=101)  # napoleon's is 500
    app.connect("autodoc-process-docstring", properties.after, priority=900)
    app.connect("doctree-read", on_doctree)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
