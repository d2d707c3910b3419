"""Sphinx configuration: ``sphinx-build -W -b html docs docs/_build/html`` with fastgrad installed."""

from __future__ import annotations

import fastgrad

project = "fastgrad"
author = "the fastgrad developers"
copyright = author
release = version = fastgrad.__version__

extensions = ["sphinx.ext.autodoc", "sphinx.ext.autosummary", "myst_parser", "numpydoc"]
exclude_patterns = ["_build", "benchmarks"]  # records are read in the repository
templates_path = ["_templates"]

html_theme = "alabaster"
html_theme_options = {
    "description": "Fused kernels and a thin tape",
    "fixed_sidebar": True,
    "page_width": "1100px",
    "sidebar_width": "260px",
}
html_sidebars = {"**": ["about.html", "searchfield.html", "navigation.html"]}

myst_heading_anchors = 3
myst_enable_extensions = ["dollarmath", "html_image"]  # images with a width

# docs/api/ is written from what each module names in __all__.
autosummary_imported_members = True
autosummary_ignore_module_all = False
autodoc_typehints = "none"  # the docstrings say more
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False

# A class that is in two modules is documented at the top: fastgrad.no_grad, not fastgrad.autograd.no_grad.
autosummary_context = {
    "at_top": {name for name, value in vars(fastgrad).items() if isinstance(value, type)},
    "not_ours": {name for name, value in vars(fastgrad).items() if getattr(value, "__module__", None) == "typing"},
}
