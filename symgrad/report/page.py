"""A document as one HTML page that needs nothing else: formulas are MathML, the style is inside."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape
from xml.etree import ElementTree

from latex2mathml import exceptions
from latex2mathml.converter import convert

import symgrad
from symgrad.render import Block, to_html

__all__ = ["mathml", "page"]

_REFUSED = (
    *(kind for kind in vars(exceptions).values() if isinstance(kind, type)),
    ElementTree.ParseError, StopIteration, RecursionError,
)  # fmt: skip
_NAMED = re.compile(r"(?<=[\w})]) (?=\\(?:log|sin|cos|tanh?|arctan|operatorname|mathrm)\b)")

_STYLE = """
:root { color-scheme: light dark; --line: #8886; --soft: #8881; --link: #06c; }
@media (prefers-color-scheme: dark) { :root { --link: #6bf; } }
body { font: 1rem/1.55 system-ui, sans-serif; max-width: 62rem; margin: 0 auto;
       padding: 1rem 1.2rem; }
h1 { font-size: 1.7rem; line-height: 1.2; }
h2 { font-size: 1.3rem; margin-top: 2.4rem; border-bottom: 1px solid var(--line); }
h3 { font-size: 1.08rem; margin-top: 1.6rem; }
h4 { font-size: 1rem; }
a { color: var(--link); }
math { font-family: "STIX Two Math", "Cambria Math", "Latin Modern Math", "Noto Sans Math",
       "DejaVu Math TeX Gyre", math; font-size: 1.08em; }
.formula, .table, pre { overflow-x: auto; }
.formula { margin: .5rem 0; padding: .15rem 0; }
.formula math { text-align: left; display: block math; width: max-content; max-width: none;
                margin: 0 1.5rem; }
table { border-collapse: collapse; margin: .6rem 0; }
caption { text-align: left; font-weight: 600; padding: .3rem 0; }
th, td { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--line);
         vertical-align: top; }
th { border-bottom-width: 2px; }
pre { background: var(--soft); padding: .7rem .9rem; font-size: .86rem; line-height: 1.4; }
ol.steps > li { margin: .5rem 0; padding-left: .3rem; }
ol.steps p { margin: .1rem 0; }
nav ol { columns: 2; padding-left: 1.4rem; }
footer { margin-top: 3rem; font-size: .85rem; opacity: .75; }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
@media (max-width: 40rem) { nav ol { columns: 1; } .formula math { margin: 0 .3rem; } }
@media print { .formula, .table, pre { overflow: visible; } }
"""


def mathml(latex: str, display: bool = False) -> str:
    r"""One formula as a `math` element; its source where that is no LaTeX, as a user's name may be.

    >>> mathml(r"\frac{")
    '<code>\\frac{</code>'
    """
    try:
        found = convert(_NAMED.sub(r" \\, ", latex), display="block" if display else "inline")
        ElementTree.fromstring(found)
    except _REFUSED:
        return f"<code>{escape(latex)}</code>"
    return found.replace(' xmlns="http://www.w3.org/1998/Math/MathML"', "")


def page(title: str, blocks: Iterable[Block]) -> str:
    """The blocks as a complete page."""
    body = to_html(blocks, math=mathml)
    body = body.replace('<div class="formula">', '<div class="formula" tabindex="0">')
    return (
        "<!DOCTYPE html>\n"
        '<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<main>\n<h1>{escape(title)}</h1>\n{body}\n</main>\n"
        f"<footer>symgrad {escape(symgrad.__version__)}</footer>\n</body>\n</html>\n"
    )
