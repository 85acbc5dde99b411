"""Sphinx: the pages in docs/, the reference from docstrings, and the examples, which run when the pages are made."""

import io
import re
from html import unescape
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any

from pygments.formatters import HtmlFormatter
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.highlighting import PygmentsBridge

project = "wordsparse"
author = "The wordsparse developers"
copyright = "2026, the wordsparse developers"
version = release = installed_version("wordsparse")

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_gallery.gen_gallery",
]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = ["build", "examples", "results", "notes"]
html_theme = "furo"
html_title = f"wordsparse {version}"
html_static_path, html_css_files, html_js_files = ["_static"], ["pages.css"], ["pages.js"]
highlight_language = "none"  # commands of the shell; programs name their language
# The pages open offline: nothing in them is fetched from elsewhere.
html_theme_options = {"source_view_link": "", "source_edit_link": ""}

myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_display_short_literal_types = True
python_maximum_signature_line_length = 80
napoleon_google_docstring = False
napoleon_use_rtype = False

sphinx_gallery_conf = {
    "examples_dirs": "examples",
    "gallery_dirs": "gallery",
    "filename_pattern": r"\.py",
    "within_subsection_order": "FileNameSortKey",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "show_signature": False,
    "plot_gallery": True,
    "write_computation_times": False,
}


# A word with a hyphen inside highlighted code, at which browsers would break the line.
HYPHENATED = re.compile(r"(?<=[\s>])[^\s<>]*[-–][^\s<>]*(?=[\s<])")


class WholeWords(HtmlFormatter[str]):
    """A formatter of code that marks words with hyphens, such as --order-by, so that pages.css keeps them whole."""

    def format(self, tokensource: Any, outfile: Any) -> None:
        text = io.StringIO()
        super().format(tokensource, text)
        words = HYPHENATED.sub(r'<span class="pre">\g<0></span>', text.getvalue())
        # No phone has room for more than 36 characters.
        outfile.write(re.sub('<span class="pre">(?=[^<]{37})', '<span class="pre long">', words))


def setup(app: Sphinx) -> None:
    """Connect the check of titles, and keep words of code whole."""
    PygmentsBridge.html_formatter = WholeWords
    app.connect("build-finished", check_titles)


def check_titles(app: Sphinx, exception: Exception | None) -> None:
    """Fail where a page of Sphinx's own (search, genindex) has taken the place of ours."""
    for name, title in {} if exception else app.env.titles.items():
        heading = re.search("<h1>(.*?)</h1>", Path(app.outdir, f"{name}.html").read_text(), re.DOTALL)
        if heading is None or not unescape(re.sub("<.*?>", "", heading[1])).startswith(title.astext()):
            raise ExtensionError(f"{name}.html is not the page {title.astext()!r}: Sphinx has one of that name")
