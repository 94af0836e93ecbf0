"""The plain texts beside the site, for programs, say what its links say."""

from __future__ import annotations

from pathlib import Path

import pytest

EXTENSIONS = Path(__file__).parents[2] / "docs" / "ext"
CONF = f"""
import sys

sys.path.insert(0, {str(EXTENSIONS)!r})
extensions = ["myst_parser", "sphinx.ext.autodoc", "plain_pages"]
myst_heading_anchors = 3
default_role = "py:obj"
"""
PAGES = {
    "index.md": "# First\n\n```{toctree}\nmade\nother\n```\n",
    "other.md": "# What it costs\n\nMore is in [](./made.md). Or so.\n\n## By rows\n",
    "made.md": """# A page

See [](./other.md), [](./other.md#by-rows), [a text](./other.md) and {ref}`the place <place>`.

```{eval-rst}
.. py:class:: shop.Order

   One. See `Order.total`, :doc:`other` and :ref:`place`.

   .. py:method:: total() -> shop.Order

.. _place:

A place
-------

Here.
```

| of   | is          |
|------|------------:|
| `a`  | 1           |
| b    | [](./other.md), `x \\| y` |
""",
}


@pytest.mark.one_kind("writes texts")
@pytest.mark.filterwarnings("ignore")
def test_links_have_the_titles_of_what_they_lead_to(tmp_path: Path) -> None:
    pytest.importorskip("myst_parser")
    application = pytest.importorskip("sphinx.application")
    source, built = tmp_path / "source", tmp_path / "built"
    source.mkdir()
    for name, text in {"conf.py": CONF, **PAGES}.items():
        (source / name).write_text(text, encoding="utf-8")
    app = application.Sphinx(
        source, source, built, tmp_path / "trees", "html", status=None, warningiserror=True
    )
    app.build()
    lines = (built / "made.txt").read_text(encoding="utf-8")
    assert "| of | is |\n| --- | --- |\n| a | 1 |\n| b | What it costs, x \\| y |\n" in lines
    text = " ".join(lines.split())
    assert "See What it costs, By rows, a text and the place." in text
    assert "See Order.total, What it costs and A place." in text
    assert "total() -> shop.Order" in text
    assert "(_sources/other.md.txt): More is in A page" in (built / "llms.txt").read_text(encoding="utf-8")
