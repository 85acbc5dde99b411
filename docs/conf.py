"""Sphinx: the pages in docs/, the reference from docstrings, and the examples, which run when the pages are made."""

from importlib.metadata import version as installed_version

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
exclude_patterns = ["build", "examples", "results"]
html_theme = "furo"
html_title = f"wordsparse {version}"
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
