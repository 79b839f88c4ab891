"""A document as plain text for a terminal of a given width."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable
from itertools import chain

from symgrad.render.blocks import Block, Cell, Formula, Listing, Para, Section, Steps, Table
from symgrad.render.formula import text

__all__ = ["to_text"]

_RULES = "=-~."


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
            return _table(block, cell)
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


def _table(table: Table, cell: Callable[[Cell], str]) -> list[str]:
    rows = [tuple(map(cell, row)) for row in (table.head, *table.rows)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    head, *body = (
        "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
    rule = "  ".join("-" * w for w in widths)
    caption = [table.caption] if table.caption else []
    return [*caption, head, rule, *body]
