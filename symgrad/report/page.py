"""A document as one HTML page that needs nothing else: formulas are MathML, the style is inside."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape
from importlib import resources
from xml.etree import ElementTree

from latex2mathml import exceptions
from latex2mathml.converter import convert

import symgrad
from symgrad.render import Block, to_html

__all__ = ["mathml", "page"]

_REFUSED: tuple[type[Exception], ...] = (
    *(kind for kind in vars(exceptions).values() if isinstance(kind, type)),
    ElementTree.ParseError, StopIteration, RecursionError,
)  # fmt: skip
_NAMED = re.compile(r"(?<=[\w})]) (?=\\(?:log|sin|cos|tanh?|arctan|operatorname|mathrm)\b)")


def mathml(latex: str, display: bool = False) -> str:
    r"""One formula as a `math` element; its source where that is no LaTeX, as a user's name may be.

    >>> mathml(r"\frac{")
    '<code>\\frac{</code>'
    """
    try:
        source = _NAMED.sub(r" \\, ", latex).replace("'", "′")
        found = convert(source, display="block" if display else "inline")
        ElementTree.fromstring(found)
    except _REFUSED:
        return f"<code>{escape(latex)}</code>"
    return found.replace(' xmlns="http://www.w3.org/1998/Math/MathML"', "")


def page(title: str, blocks: Iterable[Block]) -> str:
    """The blocks as a complete page."""
    style = (resources.files("symgrad.report") / "page.css").read_text("utf-8")
    body = to_html(blocks, math=mathml)
    body = body.replace('<div class="formula">', '<div class="formula" tabindex="0">')
    return (
        "<!DOCTYPE html>\n"
        '<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n"
        f"<main>\n<h1>{escape(title)}</h1>\n{body}\n</main>\n"
        f"<footer>symgrad {escape(symgrad.__version__)}</footer>\n</body>\n</html>\n"
    )
