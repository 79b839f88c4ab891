"""Sphinx configuration: everything is built from this checkout, offline."""

from __future__ import annotations

import importlib.metadata
import os
import pathlib
import re
import shutil
import sys

from sphinx.util import logging

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE))

import pages  # noqa: E402

project = "symgrad"
author = "The symgrad developers"
project_copyright = "2026, the symgrad developers"
release = version = importlib.metadata.version("symgrad")

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.doctest",
    "sphinx.ext.mathjax",
    "symgrad.sphinxext",
]
exclude_patterns = ["_build", "node_modules"]
smartquotes = False
numfig = True
symgrad_timeout = 300
autodoc_typehints = "none"
autodoc_inherit_docstrings = False    # SymPy's own are in SymPy's documentation
autodoc_default_options = {"exclude-members": "__init__,__new__"}

html_theme = "furo"
html_title = f"symgrad {release}"
html_copy_source = False
html_show_sourcelink = False
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = ["scroll.js"]
html_theme_options = {"navigation_with_keys": True}

# MathJax is copied into the site: version 4 (which breaks long lines) from the folder that
# SYMGRAD_MATHJAX names or from docs/node_modules (npm ci --prefix docs), else version 3 from the
# wheel sphinx-mathjax-offline. Never from the network.
_MODULES = pathlib.Path(os.environ.get("SYMGRAD_MATHJAX", HERE / "node_modules"))


def _wheel() -> pathlib.Path | None:
    try:
        files = importlib.metadata.files("sphinx-mathjax-offline") or []
    except importlib.metadata.PackageNotFoundError:
        return None
    found = [f for f in files if f.name == "tex-chtml.js"]
    return pathlib.Path(str(found[0].locate())).parent if found else None


def _plan() -> dict[str, pathlib.Path]:
    """Where each part of the MathJax copy comes from, by its place under _static/mathjax."""
    four = _MODULES / "mathjax"
    if (four / "tex-mml-chtml.js").is_file():
        font = _MODULES / "@mathjax" / "mathjax-newcm-font" / "chtml"
        return {
            "tex-mml-chtml.js": four / "tex-mml-chtml.js",
            "a11y/assistive-mml.js": four / "a11y" / "assistive-mml.js",
            "input/tex/extensions": four / "input" / "tex" / "extensions",
            "newcm/chtml/woff2": font / "woff2",
            "newcm/chtml/dynamic": font / "dynamic",
        }
    three = _wheel()
    if three is None:
        return {}
    return {
        "tex-chtml.js": three / "tex-chtml.js",
        "a11y/assistive-mml.js": three / "a11y" / "assistive-mml.js",
        "input/tex/extensions": three / "input" / "tex" / "extensions",
        "output/chtml/fonts/woff-v2": three / "output" / "chtml" / "fonts" / "woff-v2",
    }


_PLAN = _plan()
_ASSISTIVE = {"assistiveMml": True}
if "tex-mml-chtml.js" in _PLAN:
    mathjax_path = "mathjax/tex-mml-chtml.js"
    mathjax4_config = {
        "loader": {"paths": {"mathjax-newcm": "[mathjax]/newcm"}},
        # MathJax breaks a formula that it has scaled to the text at the wrong width
        "output": {
            "displayOverflow": "linebreak",
            "linebreaks": {"width": "96%"},
            "matchFontHeight": False,
        },
        "options": {
            "enableExplorer": False,
            "enableMenu": False,
            "menuOptions": {
                "settings": {**_ASSISTIVE, "enrich": False, "speech": False, "braille": False}
            },
        },
    }
else:
    mathjax_path = "mathjax/tex-chtml.js"
    mathjax3_config = {
        "loader": {"load": ["a11y/assistive-mml"]},
        "options": {"enableMenu": False, "menuOptions": {"settings": _ASSISTIVE}},
    }


def _copy_mathjax(app, exception) -> None:
    if exception is not None or app.builder.format != "html":
        return
    if not _PLAN:
        logging.getLogger(__name__).warning(
            "no MathJax: install sphinx-mathjax-offline or run `npm ci --prefix docs`"
        )
    for place, source in _PLAN.items():
        target = pathlib.Path(app.outdir, "_static", "mathjax", place)
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, dirs_exist_ok=True)
        else:
            shutil.copy2(source, target)


_BACKTICKS = re.compile(r"(``.*?``|:[a-z:]+:`[^`]*`|`[^`]*`(?:__?\b)?)")


def _docstring(app, what, name, obj, options, lines: list[str]) -> None:
    """Docstrings are plain text with `code` in single backticks; here they become reST.

    A line that is indented deeper than its paragraph's first line is shown as it is.
    """
    block: list[str] = []
    found: list[str] = []
    code = False
    for line in [*lines, ""]:
        if line.strip():
            block.append(line)
            continue
        if block:
            code = code and all(row.startswith(" ") for row in block)
            found += [*(block if code else _paragraph(block)), ""]
            code = code or block[-1].endswith("::")
            block = []
    lines[:] = found


def _paragraph(block: list[str]) -> list[str]:
    first = block[0].lstrip()
    if block[0].startswith((">>>", "..", ":")):
        return block
    depths = {len(line) - len(line.lstrip()) for line in block}
    if first.startswith("=="):
        return ["::", "", *(f"   {line}" for line in block)]
    listed = first.startswith(("* ", "- ")) or re.match(r"\d+\. ", first)
    if not listed and depths != {0}:
        return ["::", "", *(f"   {line}" for line in block)]
    return [_escaped(line) for line in block]


def _escaped(line: str) -> str:
    parts = _BACKTICKS.split(line)
    for k, part in enumerate(parts):
        if k % 2 == 0:
            start = 2 if k == 0 and part.startswith(("* ", "- ")) else 0
            parts[k] = part[:start] + re.sub(r"([|*\\])|(?<=\w)_(?=\W|$)", r"\\\g<0>", part[start:])
        elif not part.startswith(("``", ":")):
            joined = k + 1 < len(parts) and parts[k + 1][:1].isalnum()
            parts[k] = f"`{part}`" + ("\\ " if joined else "")
    return "".join(parts)


def setup(app) -> dict[str, bool]:
    pages.generate()
    app.connect("autodoc-process-docstring", _docstring)
    app.connect("build-finished", _copy_mathjax)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
