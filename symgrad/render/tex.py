"""A document as LaTeX."""

from __future__ import annotations

import re
from collections.abc import Iterable

from symgrad.render.blocks import Block, Cell, Formula, Listing, Para, Section, Steps, Table
from symgrad.render.formula import latex, sign

__all__ = ["to_latex"]

_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#",
    "%": r"\%", "_": r"\_", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}",
}  # fmt: skip


def to_latex(blocks: Iterable[Block], *, depth: int = 0) -> str:
    """The blocks as the body of a LaTeX document."""
    return "\n\n".join(_tex(block, depth) for block in blocks)


def _words(words: str) -> str:
    return re.sub(r"[\\{}$&#%_^~]", lambda found: _SPECIAL[found.group()], words)


def _cell(cell: Cell) -> str:
    return _words(cell) if isinstance(cell, str) else f"${latex(cell)}$"


def _tex(block: Block, depth: int) -> str:
    match block:
        case Para(parts=parts):
            return "".join(map(_cell, parts))
        case Formula(sides=sides, relation=relation):
            body = f" {sign(relation)} ".join(map(latex, sides))
            return f"$\\displaystyle {body}$"
        case Table(head=head, rows=rows):
            lines = [" & ".join(map(_cell, row)) + r" \\" for row in (head, *rows)]
            body = "\n".join([lines[0], r"\hline", *lines[1:]])
            return f"\\begin{{tabular}}{{{'l' * len(head)}}}\n{body}\n\\end{{tabular}}"
        case Steps(items=items):
            body = "\n".join(r"\item " + to_latex(item, depth=depth) for item in items)
            return f"\\begin{{enumerate}}\n{body}\n\\end{{enumerate}}"
        case Listing(code=code):
            return f"\\begin{{verbatim}}\n{code.rstrip()}\n\\end{{verbatim}}"
        case Section(title=title, blocks=inner):
            command = ("section", "subsection", "subsubsection", "paragraph")[min(depth, 3)]
            return f"\\{command}{{{_words(title)}}}\n\n{to_latex(inner, depth=depth + 1)}"
    raise TypeError(f"not a block: {block!r}")
