"""Writes `llms.txt` beside the site: every page with a line about it and the address of its text.

That is its source, which is Markdown and is in the site (`_sources`), or, where directives make the page, a
plain text that is written here. So a program that reads text needs no HTML.
"""

from __future__ import annotations

from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

HEAD = """# pyspike

> An Aerospike client for Python, for threads and asyncio. The distribution is `pyspike-aerospike`,
> the package `pyspike`. Before you write code that uses it, read "Known traps".
"""

MADE = ("```{eval-rst}", "```{include}", "```{literalinclude}")


def first_sentence(tree: nodes.document) -> str:
    paragraph = next(iter(tree.findall(nodes.paragraph)), None)
    text = " ".join(paragraph.astext().split()) if paragraph is not None else ""
    return text.partition(". ")[0].rstrip(".:")


def write(app: Sphinx, error: Exception | None) -> None:
    if error is not None or app.builder.name != "html":
        return
    env = app.env
    lines = [HEAD]
    for page in [env.config.root_doc, *reading_order(env, env.config.root_doc, set())]:
        tree = env.get_and_resolve_doctree(page, app.builder)  # in which links have their texts
        source = f"_sources/{page}.md.txt"
        if any(made in Path(env.doc2path(page)).read_text(encoding="utf-8") for made in MADE):
            source = f"{page}.txt"
            Path(app.outdir, source).write_text(plain(tree) + "\n", encoding="utf-8")
        lines.append(f"- [{env.titles[page].astext()}]({source}): {first_sentence(tree)}")
    Path(app.outdir, "llms.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def plain(tree: nodes.document) -> str:
    """The text of a page, with tables as in Markdown: a line for each row."""
    for table in list(tree.findall(nodes.table)):
        rows = [[cell_of(entry) for entry in row.findall(nodes.entry)] for row in table.findall(nodes.row)]
        if next(iter(table.findall(nodes.thead)), None) is not None:
            rows.insert(1, ["---"] * len(rows[0]))
        lines = [f"| {' | '.join(row)} |" for row in rows]
        table.replace_self(nodes.literal_block("", "\n".join(lines)))
    return tree.astext()


def cell_of(entry: nodes.entry) -> str:
    return " ".join(entry.astext().split()).replace("|", "\\|")


def reading_order(env: BuildEnvironment, page: str, seen: set[str]) -> list[str]:
    found: list[str] = []
    for child in env.toctree_includes.get(page, []):
        if child not in seen:
            seen.add(child)
            found += [child, *reading_order(env, child, seen)]
    return found


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
