"""Sphinx configuration: everything is built from this checkout, offline."""

from __future__ import annotations

import importlib.metadata
import os
import pathlib
import shutil

from sphinx.util import logging

project = "symgrad"
author = "The symgrad developers"
project_copyright = "2026, the symgrad developers"
release = version = importlib.metadata.version("symgrad")

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.mathjax",
]
exclude_patterns = ["_build", "node_modules"]
html_theme = "furo"
html_title = f"symgrad {release}"
html_copy_source = False
autodoc_typehints = "none"
smartquotes = False

# MathJax is copied into the site: version 4 (which breaks long lines) from the folder that
# SYMGRAD_MATHJAX names or from docs/node_modules (npm ci --prefix docs), else version 3 from the
# wheel sphinx-mathjax-offline. Never from the network.
HERE = pathlib.Path(__file__).parent
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
        "output": {"displayOverflow": "linebreak"},
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


def setup(app) -> dict[str, bool]:
    app.connect("build-finished", _copy_mathjax)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
