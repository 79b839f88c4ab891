"""A document as plain text for a terminal of a given width."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable
from itertools import chain, zip_longest

from symgrad.render.blocks import Block, Cell, Formula, Listing, Para, Section, Steps, Table
from symgrad.render.formula import text

__all__ = ["to_text"]

_RULES = "=-~."
_WORD = 30
"""A word up to this length is not broken in a table."""


def to_text(
    blocks: Iterable[Block],
    *,
    width: int = 80,
    depth: int = 0,
    formula: Callable[[object], str] = text,
) -> str:
    """The blocks as lines of at most `width` characters where words can be broken.

    `formula` writes one formula on one line: `text` in ASCII, `line` in Unicode.
    """
    lines = (_lines(block, width, depth, formula) for block in blocks)
    return "\n".join(chain.from_iterable(lines))


def _lines(block: Block, width: int, depth: int, write: Callable[[object], str]) -> list[str]:
    def cell(part: Cell) -> str:
        return part if isinstance(part, str) else write(part)

    match block:
        case Para(parts=parts):
            return textwrap.wrap("".join(map(cell, parts)), width, break_long_words=False) or [""]
        case Formula(sides=sides, relation=relation):
            line = f" {relation} ".join(map(write, sides))
            if len(line) + 4 <= width:
                return ["    " + line]
            first, *rest = (write(side) for side in sides)
            body = [first, *(f"  {relation} {side}" for side in rest)]
            return [wrapped for row in body for wrapped in _broken(row, width)]
        case Table():
            return _table(block, cell, width)
        case Steps(items=items):
            lines: list[str] = []
            for number, item in enumerate(items, 1):
                body = to_text(item, width=width - 5, depth=depth, formula=write).splitlines()
                margins = [f"({number})".ljust(5), *[" " * 5] * len(body)]
                lines += [margin + line for margin, line in zip(margins, body, strict=False)]
            return lines
        case Listing(code=code):
            return ["    " + line if line else "" for line in code.rstrip().splitlines()]
        case Section(title=title, blocks=inner):
            rule = _RULES[min(depth, len(_RULES) - 1)] * len(title)
            body = to_text(inner, width=width, depth=depth + 1, formula=write).splitlines()
            return ["", title, rule, *body]
    raise TypeError(f"not a block: {block!r}")


def _broken(row: str, width: int) -> list[str]:
    """A formula on several lines, broken at spaces and after the dots between factors."""
    lines = textwrap.wrap(
        row.replace("·", "· "), width, initial_indent="    ", subsequent_indent="        ",
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip
    return [line.replace("· ", "·") for line in lines]


def _table(table: Table, cell: Callable[[Cell], str], width: int) -> list[str]:
    """The rows under their head; cells of the widest columns are folded until all of it fits."""
    rows = [tuple(map(cell, row)) for row in (table.head, *table.rows)]
    columns = list(zip(*rows, strict=True))
    widths = [max(map(len, column)) for column in columns]
    words = [max((len(w) for c in column for w in c.split()), default=0) for column in columns]
    for _ in range(sum(widths) + 2 * (len(widths) - 1) - width):
        room, widest = max((w - min(word + 1, _WORD), k) for k, (w, word) in enumerate(
            zip(widths, words, strict=True)))  # fmt: skip
        if room <= 0:
            break
        widths[widest] -= 1
    folded = [
        zip_longest(*(_folded(c, w) for c, w in zip(row, widths, strict=True)), fillvalue="")
        for row in rows
    ]
    head, *body = (
        ["  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip() for line in row]
        for row in folded
    )
    rule = "  ".join("-" * w for w in widths)
    caption = [table.caption] if table.caption else []
    return [*caption, *head, rule, *chain.from_iterable(body)]


def _folded(words: str, width: int) -> list[str]:
    if len(words) <= width:
        return [words]
    return textwrap.wrap(words, width, subsequent_indent=" ", break_on_hyphens=False)
