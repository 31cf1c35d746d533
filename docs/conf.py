"""The pages of this folder as HTML: `sphinx-build -W -n --keep-going docs docs/_build`.

The pages in `readme/` and `reference/` are written anew by each build: those beside this folder, and what
docstrings and registries say.
"""

import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import digitprep  # noqa: E402 - found where this file lies
from elsewhere import adapt_page, write_pages_beside  # noqa: E402
from house_style import process_docstring, process_signature  # noqa: E402
from reference import write_reference  # noqa: E402

project = "digitprep"
version = release = digitprep.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["_build"]
myst_heading_anchors = 3  # as GitHub gives them, so that links work in both places

autodoc_mock_imports = ["distributed", "torch"]  # too heavy to install for the one class that needs each
autoclass_content = "both"  # what the class says, and what its `__init__` does
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
python_maximum_signature_line_length = 80
# Of Python and NumPy nothing is described here, a type variable has no page, and what `find_photos` finds is
# handed on as it is.
nitpick_ignore_regex = [
    (r"py:.*", r"(abc|builtins|collections|concurrent|numbers|numpy|os|pathlib|typing)\..*"),
    (r"py:class", r"Image|digitprep\.spec\.AnySpec|digitprep\.sources\..*"),
]


html_theme = "furo"
html_title = f"digitprep {release}"
html_static_path = ["pages.css"]
html_css_files = ["pages.css"]
html_show_copyright = False
html_show_sphinx = False
html_copy_source = False
smartquotes = False  # they would make a dash of --option


def setup(app: Any) -> None:
    """Called by Sphinx before it looks for pages."""
    app.connect("builder-inited", write_pages_beside)
    app.connect("builder-inited", write_reference)
    app.connect("source-read", adapt_page)
    app.connect("autodoc-process-docstring", process_docstring)
    app.connect("autodoc-process-signature", process_signature)
