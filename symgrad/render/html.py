"""A document as an HTML fragment; formulas stay LaTeX between \\( and \\) for MathJax."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from html import escape

from sympy import Basic

from symgrad.render.blocks import Block, Cell, Formula, Listing, Para, Section, Steps, Table
from symgrad.render.formula import latex, sign

__all__ = ["to_html"]


def _mathjax(formula: str, display: bool) -> str:
    return escape(f"\\[{formula}\\]" if display else f"\\({formula}\\)")


def to_html(
    blocks: Iterable[Block],
    *,
    depth: int = 2,
    math: Callable[[str, bool], str] = _mathjax,
) -> str:
    """The blocks as HTML; `math(latex, display)` sets one formula."""

    def cell(value: Cell) -> str:
        return math(latex(value), False) if isinstance(value, Basic) else escape(value)

    def write(block: Block, depth: int) -> str:
        match block:
            case Para(parts=parts):
                return f"<p>{''.join(map(cell, parts))}</p>"
            case Formula(sides=sides, relation=relation):
                body = f" {sign(relation)} ".join(map(latex, sides))
                return f'<div class="formula">{math(body, True)}</div>'
            case Table(head=head, rows=rows, caption=caption):
                top = "".join(f'<th scope="col">{cell(c)}</th>' for c in head)
                body = "".join(
                    "<tr>" + "".join(f"<td>{cell(c)}</td>" for c in row) + "</tr>\n" for row in rows
                )
                title = f"<caption>{escape(caption)}</caption>" if caption else ""
                label = escape(caption or "table", quote=True)
                return (
                    f'<div class="table" role="region" tabindex="0" aria-label="{label}">'
                    f"<table>{title}\n"
                    f"<thead><tr>{top}</tr></thead>\n<tbody>\n{body}</tbody></table></div>"
                )
            case Steps(items=items):
                body = "".join(
                    "<li>" + "\n".join(write(b, depth) for b in item) + "</li>\n" for item in items
                )
                return f'<ol class="steps">\n{body}</ol>'
            case Listing(code=code, language=language):
                kind = escape(language)
                return f'<pre><code class="language-{kind}">{escape(code.rstrip())}</code></pre>'
            case Section(title=title, blocks=inner):
                level = min(depth, 6)
                body = "\n".join(write(b, depth + 1) for b in inner)
                return f"<section>\n<h{level}>{escape(title)}</h{level}>\n{body}\n</section>"
        raise TypeError(f"not a block: {block!r}")

    return "\n".join(write(block, depth) for block in blocks)
