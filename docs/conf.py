"""How Sphinx makes the site out of this folder: `python -m sphinx -W -b html docs <directory>`."""

from __future__ import annotations

import gc
import sys
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "ext"))

from pyspike.version import __version__  # noqa: E402 - the extensions are found by the path

project = "pyspike"
author = "the pyspike authors"
release = version = __version__
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinx_design",
    "docstrings",
    "page_lists",
    "plain_pages",
    "signatures",
]
exclude_patterns = ["_build", "ext"]

myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 3

# What docstrings call by name is a link where such a thing exists, and else text.
default_role = "py:obj"
python_use_unqualified_type_names = True
smartquotes = False
maximum_signature_line_length = 90
add_module_names = False
toc_object_entries_show_parents = "hide"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
# The frameworks that places are for are what the site can do without.
FRAMEWORKS = (
    *("cachelib", "celery", "dask", "django", "dogpile", "feast", "langchain_core", "langgraph", "limits"),
    *("polars", "pyarrow", "ray"),
)
autodoc_mock_imports = [name for name in FRAMEWORKS if find_spec(name) is None]
autodoc_default_options = {"exclude-members": "__weakref__"}
napoleon_numpy_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True
napoleon_custom_sections = [("Fields", "params_style")]

html_theme = "furo"
html_title = "pyspike"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_js_files = [("tables.js", {"defer": "defer"})]
html_search_scorer = str(HERE / "scorer.js")
html_show_copyright = False
html_theme_options = {"top_of_page_buttons": []}
pygments_style = "friendly"
pygments_dark_style = "github-dark"
copybutton_prompt_text = r"\$ |>>> "
copybutton_prompt_is_regexp = True

# Trees of documents are large and stay: a good part of the time went into looking through them for garbage.
gc.set_threshold(200_000, 20, 20)
